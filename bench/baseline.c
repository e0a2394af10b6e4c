/*
** The bare loops in C that the benches are measured against, and the one
** stopwatch that measures both sides alike. One number a line:
**
**   baseline restart PROGRAM N UP_SECONDS
**       keeps PROGRAM up with waitpid, vfork and exec, and kills it N times,
**       each time when it has been up so long. ns from the SIGKILL to the
**       first instruction of the new one, N lines.
**   baseline measure N UP_SECONDS COMMAND [ARG...]
**       the same, of whatever COMMAND keeps up.
**   baseline keep PROGRAM
**       the bare loop alone.
**   baseline keepall CHILDREN PROGRAM [ARG...]
**       the bare loop of many: keeps so many up, until SIGTERM, which it
**       passes on to them.
**   baseline crowd N UP_SECONDS CHILDREN STOP COMMAND [ARG...]
**       as "measure", of whatever keeps up so many: kills the oldest, each
**       time when it has been up so long. N lines.
**   baseline fleet CHILDREN HOLD STOP COMMAND [ARG...]
**       ns from COMMAND's start to the last child's first instruction, and
**       from the stop to the end of the last child: two lines. Between them
**       HOLD runs, for the shell, with KEEPER as COMMAND's number; its lines
**       come between.
**   baseline startstop N PROGRAM
**       N children by vfork and exec, then a kill and a wait for each. ns per
**       child for the first and for the second, two lines.
**
** STOP is for the shell, too, or nothing for SIGTERM to COMMAND. Of what
** "crowd" and "fleet" start nothing is left when they end. PEXEC_BENCH_DIR
** names a place for a FIFO.
**
** PROGRAM is bench/stamp.c, or writes stamps as it does. One thread each;
** the stopwatch and what it measures are separate processes, so that neither
** waits for the other.
*/

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000 };

static _Noreturn void die (const char *what) {
  fprintf(stderr, "baseline: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now_ns (void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static pid_t vfork_exec (char *const *argv) {
  /* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork): measured */
  pid_t pid = vfork();
  if (pid == 0) {
    execve(argv[0], argv, environ);
    _exit(127);
  }
  if (pid < 0)
    die("vfork");
  return pid;
}

static void wait_for (pid_t pid) {
  while (waitpid(pid, NULL, 0) < 0) {
    if (errno != EINTR)
      die("waitpid");
  }
}

/* {== keep ==== */

static _Noreturn void keep (char *program) {
  char *argv[] = { program, NULL };
  if (access(program, X_OK) != 0)
    die(program);
  for (;;)
    wait_for(vfork_exec(argv));
}

/* {== measure ==== */

struct stamp {
  pid_t pid;
  int64_t started_ns;
};

struct stopwatch {
  char directory[256], path[264];
  int fd;         /* of the FIFO; also held open for writing: no end of file */
  pid_t keeper;
  long children;
  struct stamp *alive;  /* of each child the latest, in the order of coming */
};

static struct stamp next_stamp (struct stopwatch *watch) {
  char line[64];
  long long started_ns;
  struct stamp stamp;
  struct pollfd readable = { watch->fd, POLLIN, 0 };
  if (poll(&readable, 1, PATIENCE_MS) != 1)
    die("no child came up");
  size_t length = 0;
  while (length == 0 || line[length - 1] != '\n') {
    if (length == sizeof line - 1 || read(watch->fd, line + length, 1) != 1)
      die("reading a stamp");
    length++;
  }
  line[length] = '\0';
  if (sscanf(line, "%d %lld", &stamp.pid, &started_ns) != 2)
    die("not a stamp");
  stamp.started_ns = started_ns;
  return stamp;
}

static void open_stopwatch (struct stopwatch *watch, long children) {
  watch->children = children;
  watch->alive = calloc((size_t)children, sizeof *watch->alive);
  if (watch->alive == NULL)
    die("calloc");
  const char *place = getenv("PEXEC_BENCH_DIR");
  snprintf(watch->directory, sizeof watch->directory,
           "%s/stopwatch-XXXXXX", place != NULL ? place : "/tmp");
  if (mkdtemp(watch->directory) == NULL)
    die("mkdtemp");
  snprintf(watch->path, sizeof watch->path, "%s/stamps", watch->directory);
  if (mkfifo(watch->path, 0600) != 0)
    die("mkfifo");
  watch->fd = open(watch->path, O_RDWR | O_CLOEXEC);
  if (watch->fd < 0 || setenv("PEXEC_STAMP_FILE", watch->path, 1) != 0)
    die(watch->path);
}

static void remove_stopwatch (struct stopwatch *watch) {
  close(watch->fd);
  unlink(watch->path);
  rmdir(watch->directory);
  free(watch->alive);
}

/* The keeper goes first, so that nothing brings back the child. */
static void close_stopwatch (struct stopwatch *watch) {
  kill(watch->keeper, SIGKILL);
  wait_for(watch->keeper);
  if (watch->alive[0].pid > 0)
    kill(watch->alive[0].pid, SIGKILL);
  remove_stopwatch(watch);
}

static void start_keeper (struct stopwatch *watch, char *program,
                          char **command) {
  watch->keeper = fork();
  if (watch->keeper < 0)
    die("fork");
  if (watch->keeper == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (command == NULL)
      keep(program);
    execvp(command[0], command);
    die(command[0]);
  }
}

static void sleep_until (int64_t time_ns) {
  struct timespec time = { time_ns / 1000000000, time_ns % 1000000000 };
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL)
         == EINTR)
    continue;
}

static void await_all (struct stopwatch *watch) {
  for (long i = 0; i < watch->children; i++)
    watch->alive[i] = next_stamp(watch);
}

/* The new one takes the oldest one's place, and is the newest. */
static void measure (struct stopwatch *watch, long count, double up_s) {
  await_all(watch);
  for (long i = 0; i < count; i++) {
    struct stamp *oldest = &watch->alive[i % watch->children];
    sleep_until(oldest->started_ns + (int64_t)(up_s * 1e9));
    int64_t killed_ns = now_ns();
    if (kill(oldest->pid, SIGKILL) != 0)
      die("killing the child");
    *oldest = next_stamp(watch);
    printf("%lld\n", (long long)(oldest->started_ns - killed_ns));
    fflush(stdout);
  }
}

/* 'program' is kept up by the bare loop; where it is NULL 'command' is run,
   which keeps one up in its own way. */
static void measure_keeper (long count, double up_s, char *program,
                            char **command) {
  struct stopwatch watch = { .fd = -1 };
  open_stopwatch(&watch, 1);
  start_keeper(&watch, program, command);
  measure(&watch, count, up_s);
  close_stopwatch(&watch);
}

/* {== keepall ==== */

static pid_t *kept;
static volatile sig_atomic_t kept_count, is_stopping;

/* What comes up at this very moment is missed: it is stopped at rest. */
static void stop_all (int number) {
  is_stopping = 1;
  for (long i = 0; i < kept_count; i++)
    kill(kept[i], number);
}

static void replace (pid_t pid, char **argv) {
  for (long i = 0; i < kept_count; i++) {
    if (kept[i] == pid) {
      kept[i] = vfork_exec(argv);
      return;
    }
  }
}

static void keep_all (long count, char **argv) {
  struct sigaction action = { .sa_handler = stop_all };
  kept = calloc((size_t)count, sizeof *kept);
  if (kept == NULL || sigaction(SIGTERM, &action, NULL) != 0)
    die("keepall");
  for (long i = 0; i < count; i++) {
    kept[i] = vfork_exec(argv);
    kept_count = (sig_atomic_t)(i + 1);
  }
  for (long left = count; left > 0;) {
    pid_t pid = waitpid(-1, NULL, 0);
    if (pid > 0 && is_stopping)
      left--;
    else if (pid > 0)
      replace(pid, argv);
    else if (errno != EINTR)
      die("waitpid");
  }
  free(kept);
}

/* {== crowd, fleet ==== */

/* One that is a child now; 0: there is none. */
static pid_t any_child (void) {
  char path[64];
  int pid = 0;
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  FILE *file = fopen(path, "r");
  if (file == NULL)
    die(path);
  if (fscanf(file, "%d", &pid) != 1)
    pid = 0;
  fclose(file);
  return (pid_t)pid;
}

static void end_all (void) {
  for (pid_t pid = any_child(); pid != 0; pid = any_child()) {
    kill(pid, SIGKILL);
    wait_for(pid);
  }
}

/* What waits then answers EINTR, and fails. */
static void interrupt (int number) {
  (void)number;
}

/* Keepers of other makes start keepers of their own: what these leave comes
   here, and goes when this ends, also where it fails or is ended. */
static void adopt_orphans (void) {
  struct sigaction action = { .sa_handler = interrupt };
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || atexit(end_all) != 0 ||
      sigaction(SIGTERM, &action, NULL) != 0 ||
      sigaction(SIGINT, &action, NULL) != 0)
    die("adopting orphans");
}

static void run_for_keeper (const char *command, pid_t keeper) {
  char number[16];
  snprintf(number, sizeof number, "%d", (int)keeper);
  fflush(stdout);
  if (setenv("KEEPER", number, 1) != 0 || system(command) != 0)
    die(command);
}

static void order_stop (const char *stop, pid_t keeper) {
  if (*stop != '\0')
    run_for_keeper(stop, keeper);
  else if (kill(keeper, SIGTERM) != 0)
    die("stopping the keeper");
}

/* One that a signal has ended did not stop in its own way. */
static void await_keeper (pid_t keeper) {
  int status;
  if (waitpid(keeper, &status, 0) != keeper)
    die("waitpid");
  if (WIFSIGNALED(status)) {
    fprintf(stderr, "baseline: the keeper died by %d\n", WTERMSIG(status));
    exit(1);
  }
}

static void await_end (int fd) {
  struct pollfd readable = { fd, POLLIN, 0 };
  if (poll(&readable, 1, PATIENCE_MS) != 1)
    die("a child does not end");
  close(fd);
}

static int *open_pidfds (const struct stopwatch *watch) {
  int *fds = calloc((size_t)watch->children, sizeof *fds);
  if (fds == NULL)
    die("calloc");
  for (long i = 0; i < watch->children; i++) {
    fds[i] = (int)syscall(SYS_pidfd_open, watch->alive[i].pid, 0);
    if (fds[i] < 0)
      die("pidfd_open");
  }
  return fds;
}

static int64_t latest_start (const struct stopwatch *watch) {
  int64_t latest_ns = 0;
  for (long i = 0; i < watch->children; i++) {
    if (watch->alive[i].started_ns > latest_ns)
      latest_ns = watch->alive[i].started_ns;
  }
  return latest_ns;
}

static void stop_timed (const struct stopwatch *watch, const char *stop) {
  int *fds = open_pidfds(watch);
  int64_t begun_ns = now_ns();
  order_stop(stop, watch->keeper);
  for (long i = 0; i < watch->children; i++)
    await_end(fds[i]);
  printf("%lld\n", (long long)(now_ns() - begun_ns));
  free(fds);
}

static void measure_crowd (long count, double up_s, long children,
                           const char *stop, char **command) {
  struct stopwatch watch = { .fd = -1 };
  open_stopwatch(&watch, children);
  adopt_orphans();
  start_keeper(&watch, NULL, command);
  measure(&watch, count, up_s);
  order_stop(stop, watch.keeper);
  await_keeper(watch.keeper);
  end_all();
  remove_stopwatch(&watch);
}

static void measure_fleet (long children, const char *hold, const char *stop,
                           char **command) {
  struct stopwatch watch = { .fd = -1 };
  open_stopwatch(&watch, children);
  adopt_orphans();
  int64_t begun_ns = now_ns();
  start_keeper(&watch, NULL, command);
  await_all(&watch);
  printf("%lld\n", (long long)(latest_start(&watch) - begun_ns));
  if (*hold != '\0')
    run_for_keeper(hold, watch.keeper);
  stop_timed(&watch, stop);
  await_keeper(watch.keeper);
  end_all();
  remove_stopwatch(&watch);
}

/* {== startstop ==== */

static void start_and_stop (long count, char *program) {
  char *argv[] = { program, NULL };
  pid_t *pids = calloc((size_t)count, sizeof *pids);
  if (pids == NULL)
    die("calloc");
  int64_t begun_ns = now_ns();
  for (long i = 0; i < count; i++)
    pids[i] = vfork_exec(argv);
  int64_t started_ns = now_ns();
  for (long i = 0; i < count; i++) {
    kill(pids[i], SIGTERM);
    wait_for(pids[i]);
  }
  int64_t stopped_ns = now_ns();
  printf("%lld\n%lld\n", (long long)(started_ns - begun_ns) / count,
         (long long)(stopped_ns - started_ns) / count);
  free(pids);
}

/* {== the command line ==== */

static long count_of (const char *text) {
  long count = atol(text);
  if (count <= 0) {
    fprintf(stderr, "baseline: not a count: %s\n", text);
    exit(64);
  }
  return count;
}

static bool is_command (int argc, char **argv, const char *name, int least) {
  return argc >= least && strcmp(argv[1], name) == 0;
}

int main (int argc, char **argv) {
  if (is_command(argc, argv, "restart", 5))
    measure_keeper(count_of(argv[3]), atof(argv[4]), argv[2], NULL);
  else if (is_command(argc, argv, "measure", 5))
    measure_keeper(count_of(argv[2]), atof(argv[3]), NULL, argv + 4);
  else if (is_command(argc, argv, "keep", 3))
    keep(argv[2]);
  else if (is_command(argc, argv, "keepall", 4))
    keep_all(count_of(argv[2]), argv + 3);
  else if (is_command(argc, argv, "crowd", 7))
    measure_crowd(count_of(argv[2]), atof(argv[3]), count_of(argv[4]),
                  argv[5], argv + 6);
  else if (is_command(argc, argv, "fleet", 6))
    measure_fleet(count_of(argv[2]), argv[3], argv[4], argv + 5);
  else if (is_command(argc, argv, "startstop", 4))
    start_and_stop(count_of(argv[2]), argv[3]);
  else {
    fprintf(stderr, "usage: baseline restart|measure|keep|... ...\n");
    return 64;
  }
  return 0;
}
