/*
** host_state: what pexec must leave alone in its host, as a Lua table of
** strings: host_state.take() -> { ["action 15"] = ..., mask = ..., ... }, so
** that two of them can be compared. Changes nothing; the thread that calls.
*/

#include <linux/capability.h>
#include <locale.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

enum { SIGNALS = 65, ROOM = 256 };

__attribute__((visibility("default"))) int luaopen_host_state (lua_State *L);

/* {== into the table at the top ==== */

static void put (lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

static void put_number (lua_State *L, const char *name, long long value) {
  char text[ROOM];
  snprintf(text, sizeof text, "%lld", value);
  put(L, name, text);
}

/* {== signals ==== */

static void write_set (const sigset_t *set, char *text) {
  for (int signo = 1; signo < SIGNALS; signo++)
    *text++ = sigismember(set, signo) == 1 ? '1' : '0';
  *text = '\0';
}

/* The C library's, which it adds to whatever it sets. */
static const unsigned restorer = 0x04000000;

static void put_action (lua_State *L, int signo) {
  char name[ROOM], set[ROOM], text[2 * ROOM];
  struct sigaction action;
  if (sigaction(signo, NULL, &action) != 0)
    return;  /* one of the C library's own */
  write_set(&action.sa_mask, set);
  snprintf(name, sizeof name, "action %d", signo);
  snprintf(text, sizeof text, "%p %x %s",
           *(void **)(void *)&action.sa_handler,
           (unsigned)action.sa_flags & ~restorer, set);
  put(L, name, text);
}

static void put_signals (lua_State *L) {
  char text[ROOM];
  sigset_t mask;
  stack_t stack;
  for (int signo = 1; signo < SIGNALS; signo++)
    put_action(L, signo);
  sigprocmask(SIG_SETMASK, NULL, &mask);
  write_set(&mask, text);
  put(L, "mask", text);
  sigaltstack(NULL, &stack);
  snprintf(text, sizeof text, "%p %d", stack.ss_sp, stack.ss_flags);
  put(L, "signal stack", text);
}

/* {== the rest ==== */

static void put_limits (lua_State *L) {
  for (int resource = 0; resource < (int)RLIM_NLIMITS; resource++) {
    char name[ROOM], text[ROOM];
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0)
      continue;
    snprintf(name, sizeof name, "limit %d", resource);
    snprintf(text, sizeof text, "%llu %llu",
             (unsigned long long)limit.rlim_cur,
             (unsigned long long)limit.rlim_max);
    put(L, name, text);
  }
}

static void put_timers (lua_State *L) {
  static const int timers[] = { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };
  for (int i = 0; i < 3; i++) {
    char name[ROOM], text[ROOM];
    struct itimerval timer;
    getitimer(timers[i], &timer);
    snprintf(name, sizeof name, "timer %d", i);
    snprintf(text, sizeof text, "%lld", (long long)timer.it_interval.tv_sec);
    put(L, name, timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0
                 ? "off" : text);
  }
}

static void put_environment (lua_State *L) {
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  for (char **variable = environ; *variable != NULL; variable++) {
    luaL_addstring(&buffer, *variable);
    luaL_addchar(&buffer, '\n');
  }
  luaL_pushresult(&buffer);
  lua_setfield(L, -2, "environment");
}

static void put_places (lua_State *L) {
  char path[4096] = "";
  mode_t mask = umask(0);
  umask(mask);
  put_number(L, "umask", mask);
  put(L, "cwd", getcwd(path, sizeof path) != NULL ? path : "none");
  put(L, "locale", setlocale(LC_ALL, NULL));
}

/* A flag of the process; one that the kernel does not have counts as 0. */
static int flag (int option) {
  int value = 0;
  return prctl(option, &value) == 0 ? value : 0;
}

static void put_process (lua_State *L) {
  put_number(L, "uid", getuid());
  put_number(L, "euid", geteuid());
  put_number(L, "gid", getgid());
  put_number(L, "group", getpgrp());
  put_number(L, "session", getsid(0));
  put_number(L, "priority", getpriority(PRIO_PROCESS, 0));
  put_number(L, "subreaper", flag(PR_GET_CHILD_SUBREAPER));
  put_number(L, "pdeathsig", flag(PR_GET_PDEATHSIG));
  put_number(L, "dumpable", prctl(PR_GET_DUMPABLE));
  put_number(L, "no new privileges", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

/* {== what a child may be given of its own ==== */

static void put_groups (lua_State *L) {
  char text[ROOM] = "";
  gid_t groups[ROOM];
  int count = getgroups(ROOM, groups);
  for (int i = 0; i < count && strlen(text) < ROOM - 16; i++)
    sprintf(text + strlen(text), "%u ", (unsigned)groups[i]);
  put(L, "groups", text);
}

static void put_cpus (lua_State *L) {
  char text[ROOM] = "";
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
    for (int i = 0; i < ROOM - 1; i++)
      strcat(text, CPU_ISSET(i, &cpus) ? "1" : "0");
  put(L, "cpus", text);
}

/* The sets as numbers, and a letter for each: ambient, bounding or not. */
static void put_capabilities (lua_State *L) {
  struct __user_cap_header_struct self = { _LINUX_CAPABILITY_VERSION_3, 0 };
  struct __user_cap_data_struct sets[2];
  char text[ROOM] = "";
  memset(sets, 0, sizeof sets);
  syscall(SYS_capget, &self, sets);
  for (int i = 0; i < 2; i++)
    sprintf(text + strlen(text), "%x %x %x ", sets[i].permitted,
            sets[i].effective, sets[i].inheritable);
  for (int i = 0; prctl(PR_CAPBSET_READ, i) >= 0; i++) {
    int is_ambient = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0);
    strcat(text, is_ambient > 0 ? "a" : prctl(PR_CAPBSET_READ, i) ? "b" : "-");
  }
  put(L, "capabilities", text);
  put_number(L, "kept capabilities", prctl(PR_GET_KEEPCAPS));
}

static void put_oom_score (lua_State *L) {
  char text[ROOM] = "";
  FILE *file = fopen("/proc/self/oom_score_adj", "r");
  if (file != NULL) {
    (void)!fgets(text, sizeof text, file);
    fclose(file);
  }
  put(L, "oom score", text);
}

static void put_rights (lua_State *L) {
  put_groups(L);
  put_cpus(L);
  put_capabilities(L);
  put_oom_score(L);
  put_number(L, "io priority", syscall(SYS_ioprio_get, 1, 0));
}

static int take (lua_State *L) {
  lua_newtable(L);
  put_signals(L);
  put_limits(L);
  put_timers(L);
  put_environment(L);
  put_places(L);
  put_process(L);
  put_rights(L);
  return 1;
}

int luaopen_host_state (lua_State *L) {
  static const luaL_Reg functions[] = { { "take", take }, { NULL, NULL } };
  luaL_newlib(L, functions);
  return 1;
}
