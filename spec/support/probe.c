/*
** probe: what specs and their harness need of the system and Lua does not
** have, as a small Lua module. It looks at the host from outside pexec, and
** plays the host that does things behind pexec's back. Errors of the system
** are `nil, message, errno`. Runs on the thread that calls it; only the
** reaper has one of its own, which calls waitpid and nothing else.
*/

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

__attribute__((visibility("default"))) int luaopen_probe (lua_State *L);

static int answer (lua_State *L, int result) {
  return luaL_fileresult(L, result >= 0, NULL);
}

static struct timespec to_timespec (lua_Number seconds) {
  struct timespec time = { (time_t)seconds, 0 };
  time.tv_nsec = (long)((seconds - (lua_Number)time.tv_sec) * 1e9);
  return time;
}

/* {== looking ==== */

static int probe_pid (lua_State *L) {
  lua_pushinteger(L, getpid());
  return 1;
}

/* now(): seconds of CLOCK_MONOTONIC */
static int probe_now (lua_State *L) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec / 1e9);
  return 1;
}

/* list(directory): array of names, without . and .. */
static int probe_list (lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  lua_newtable(L);
  DIR *directory = opendir(path);
  if (directory == NULL)
    return luaL_fileresult(L, 0, path);
  lua_Integer count = 0;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
      continue;
    lua_pushstring(L, entry->d_name);
    lua_rawseti(L, -2, ++count);
  }
  closedir(directory);
  return 1;
}

static int probe_readlink (lua_State *L) {
  char target[4096];
  ssize_t length = readlink(luaL_checkstring(L, 1), target, sizeof target);
  if (length < 0)
    return luaL_fileresult(L, 0, lua_tostring(L, 1));
  lua_pushlstring(L, target, (size_t)length);
  return 1;
}

/* readable(fd, seconds): true or false */
static int probe_readable (lua_State *L) {
  struct pollfd watched = { (int)luaL_checkinteger(L, 1), POLLIN, 0 };
  int timeout_ms = (int)(luaL_optnumber(L, 2, 0) * 1000);
  int count = poll(&watched, 1, timeout_ms);
  if (count < 0)
    return answer(L, count);
  lua_pushboolean(L, count > 0);
  return 1;
}

/* {== acting ==== */

static int probe_sleep (lua_State *L) {
  struct timespec time = to_timespec(luaL_checknumber(L, 1));
  while (nanosleep(&time, &time) != 0 && errno == EINTR)
    continue;
  return 0;
}

static int probe_kill (lua_State *L) {
  pid_t pid = (pid_t)luaL_checkinteger(L, 1);
  return answer(L, kill(pid, (int)luaL_checkinteger(L, 2)));
}

/* mkdtemp(prefix): path of a fresh directory */
static int probe_mkdtemp (lua_State *L) {
  const char *name = lua_pushfstring(L, "%sXXXXXX", luaL_checkstring(L, 1));
  char *path = lua_newuserdatauv(L, strlen(name) + 1, 0);
  strcpy(path, name);
  if (mkdtemp(path) == NULL)
    return luaL_fileresult(L, 0, name);
  lua_pushstring(L, path);
  return 1;
}

/* {== the host, changing itself ==== */

static int probe_fork (lua_State *L) {
  pid_t pid = fork();
  if (pid < 0)
    return answer(L, pid);
  lua_pushinteger(L, pid);
  return 1;
}

/* exit(code): without closing anything */
static int probe_exit (lua_State *L) {
  _exit((int)luaL_checkinteger(L, 1));
}

/* wait([pid]): the pid, "exit" or "signal", and the code or number */
static int probe_wait (lua_State *L) {
  int status;
  pid_t pid = waitpid((pid_t)luaL_optinteger(L, 1, -1), &status, 0);
  if (pid < 0)
    return answer(L, pid);
  lua_pushinteger(L, pid);
  lua_pushstring(L, WIFEXITED(status) ? "exit" : "signal");
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status)
                                       : WTERMSIG(status));
  return 3;
}

/* setenv(name [, value]): without a value, unsets */
static int probe_setenv (lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  if (lua_isnoneornil(L, 2))
    return answer(L, unsetenv(name));
  return answer(L, setenv(name, luaL_checkstring(L, 2), 1));
}

static int probe_chdir (lua_State *L) {
  return answer(L, chdir(luaL_checkstring(L, 1)));
}

/* umask([mask]): the one before */
static int probe_umask (lua_State *L) {
  mode_t before = umask((mode_t)luaL_optinteger(L, 1, 0));
  if (lua_isnoneornil(L, 1))
    umask(before);
  lua_pushinteger(L, before);
  return 1;
}

static int probe_seteuid (lua_State *L) {
  return answer(L, seteuid((uid_t)luaL_checkinteger(L, 1)));
}

/* own_mounts(): what is mounted from here on, by this thread, those that it
   starts and all their children, nobody else sees, and goes with them */
static int probe_own_mounts (lua_State *L) {
  int result = unshare(CLONE_NEWNS);
  if (result == 0)
    result = mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  return answer(L, result);
}

/* limit("nofile" | "nproc" | "as" | "fsize" [, soft]): the soft limit before,
   -1 none */
static int probe_limit (lua_State *L) {
  static const char *const names[] = { "nofile", "nproc", "as", "fsize",
                                       NULL };
  static const int resources[] = { RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_AS,
                                   RLIMIT_FSIZE };
  int resource = resources[luaL_checkoption(L, 1, NULL, names)];
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0)
    return answer(L, -1);
  lua_Integer before = (lua_Integer)limit.rlim_cur;
  if (!lua_isnoneornil(L, 2)) {
    limit.rlim_cur = (rlim_t)luaL_checkinteger(L, 2);
    if (setrlimit(resource, &limit) != 0)
      return answer(L, -1);
  }
  lua_pushinteger(L, before);
  return 1;
}

static atomic_int caught_count;

static void note_signal (int signo) {
  (void)signo;
  atomic_fetch_add(&caught_count, 1);
}

/* As handlers of SIGCHLD often do. */
static void reap_in_handler (int signo) {
  int saved = errno;
  (void)signo;
  while (waitpid(-1, NULL, WNOHANG) > 0)
    atomic_fetch_add(&caught_count, 1);
  errno = saved;
}

/* disposition(signo, "default" | "ignore" | "catch" | "nocldwait" | "reap") */
static int probe_disposition (lua_State *L) {
  static const char *const names[] = { "default", "ignore", "catch",
                                       "nocldwait", "reap", NULL };
  static void (*const handlers[]) (int) = { SIG_DFL, SIG_IGN, note_signal,
                                            SIG_DFL, reap_in_handler };
  int signo = (int)luaL_checkinteger(L, 1);
  int which = luaL_checkoption(L, 2, NULL, names);
  struct sigaction action = { .sa_handler = handlers[which] };
  action.sa_flags = which == 3 ? SA_NOCLDWAIT : 0;
  sigemptyset(&action.sa_mask);
  return answer(L, sigaction(signo, &action, NULL));
}

/* caught(): how many signals "catch" has seen so far, and children "reap" */
static int probe_caught (lua_State *L) {
  lua_pushinteger(L, atomic_load(&caught_count));
  return 1;
}

/* block(signo, is_blocked): in the thread that calls */
static int probe_block (lua_State *L) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, (int)luaL_checkinteger(L, 1));
  int how = lua_toboolean(L, 2) ? SIG_BLOCK : SIG_UNBLOCK;
  return answer(L, -pthread_sigmask(how, &set, NULL));
}

/* {== the host that reaps every child ==== */

static pthread_t reaper;
static atomic_bool reaper_runs;

static void *reap_all (void *unused) {
  const struct timespec pause = { 0, 200000 };
  (void)unused;
  while (atomic_load(&reaper_runs)) {
    if (waitpid(-1, NULL, WNOHANG) <= 0)
      nanosleep(&pause, NULL);
  }
  return NULL;
}

/* reaper(runs): starts or ends a thread that waits for every child */
static int probe_reaper (lua_State *L) {
  bool runs = lua_toboolean(L, 1);
  if (runs == atomic_exchange(&reaper_runs, runs))
    return 0;
  if (!runs)
    pthread_join(reaper, NULL);
  else if (pthread_create(&reaper, NULL, reap_all, NULL) != 0)
    atomic_store(&reaper_runs, false);
  lua_pushboolean(L, atomic_load(&reaper_runs) == runs);
  return 1;
}

int luaopen_probe (lua_State *L) {
  static const luaL_Reg functions[] = {
    { "pid", probe_pid }, { "now", probe_now }, { "list", probe_list },
    { "readlink", probe_readlink }, { "readable", probe_readable },
    { "sleep", probe_sleep }, { "kill", probe_kill },
    { "mkdtemp", probe_mkdtemp }, { "fork", probe_fork },
    { "exit", probe_exit }, { "wait", probe_wait },
    { "setenv", probe_setenv }, { "chdir", probe_chdir },
    { "umask", probe_umask }, { "seteuid", probe_seteuid },
    { "own_mounts", probe_own_mounts },
    { "limit", probe_limit }, { "disposition", probe_disposition },
    { "caught", probe_caught }, { "block", probe_block },
    { "reaper", probe_reaper }, { NULL, NULL }
  };
  luaL_newlib(L, functions);
  return 1;
}
