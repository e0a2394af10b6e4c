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
**   baseline startstop N PROGRAM
**       N children by vfork and exec, then a kill and a wait for each. ns per
**       child for the first and for the second, two lines.
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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000 };

extern char **environ;

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
  char directory[64], path[80];
  int fd;        /* of the FIFO; also held open for writing: no end of file */
  pid_t keeper;
  pid_t latest;  /* the child that wrote last; 0: none yet */
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
  watch->latest = stamp.pid;
  return stamp;
}

static void open_stopwatch (struct stopwatch *watch) {
  strcpy(watch->directory, "/tmp/pexec-bench-XXXXXX");
  if (mkdtemp(watch->directory) == NULL)
    die("mkdtemp");
  sprintf(watch->path, "%s/stamps", watch->directory);
  if (mkfifo(watch->path, 0600) != 0)
    die("mkfifo");
  watch->fd = open(watch->path, O_RDWR | O_CLOEXEC);
  if (watch->fd < 0 || setenv("PEXEC_STAMP_FILE", watch->path, 1) != 0)
    die(watch->path);
}

/* The keeper goes first, so that nothing brings back the child. */
static void close_stopwatch (struct stopwatch *watch) {
  kill(watch->keeper, SIGKILL);
  wait_for(watch->keeper);
  if (watch->latest > 0)
    kill(watch->latest, SIGKILL);
  close(watch->fd);
  unlink(watch->path);
  rmdir(watch->directory);
}

static void sleep_until (int64_t time_ns) {
  struct timespec time = { time_ns / 1000000000, time_ns % 1000000000 };
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL)
         == EINTR)
    continue;
}

static void measure (struct stopwatch *watch, long count, double up_s) {
  struct stamp stamp = next_stamp(watch);
  for (long i = 0; i < count; i++) {
    sleep_until(stamp.started_ns + (int64_t)(up_s * 1e9));
    int64_t killed_ns = now_ns();
    if (kill(stamp.pid, SIGKILL) != 0)
      die("killing the child");
    stamp = next_stamp(watch);
    printf("%lld\n", (long long)(stamp.started_ns - killed_ns));
    fflush(stdout);
  }
}

/* 'program' is kept up by the bare loop; where it is NULL 'command' is run,
   which keeps one up in its own way. */
static void measure_keeper (long count, double up_s, char *program,
                            char **command) {
  struct stopwatch watch = { .fd = -1 };
  open_stopwatch(&watch);
  watch.keeper = fork();
  if (watch.keeper < 0)
    die("fork");
  if (watch.keeper == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (program != NULL)
      keep(program);
    execvp(command[0], command);
    die(command[0]);
  }
  measure(&watch, count, up_s);
  close_stopwatch(&watch);
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
  else if (is_command(argc, argv, "startstop", 4))
    start_and_stop(count_of(argv[2]), argv[3]);
  else {
    fprintf(stderr, "usage: baseline restart|measure|keep|startstop ...\n");
    return 64;
  }
  return 0;
}
