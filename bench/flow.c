/*
** The stopwatch of the output benches, and their bare loop. It measures
** whatever runs bench/writer.c, alike; one number a line:
**
**   flow time COMMAND [ARG...]
**       ns from the writer's first line to COMMAND's end, and the CPU time,
**       in ns, of COMMAND and of all that it waited for.
**   flow until FILE COMMAND [ARG...]
**       the same, to when FILE or FILE.1 ends in the writer's last line; then
**       COMMAND, which would stay, is ended with SIGTERM.
**   flow delays FILE COUNT COMMAND [ARG...]
**       COMMAND brings COUNT lines of "writer lines" into FILE. ns from each
**       line's time until it was read from there, COUNT lines.
**   flow sink FILE BYTES
**       the bare loop: copies stdin to FILE, which begins anew whenever it
**       has so many bytes. No numbers.
**
** PEXEC_BENCH_DIR names the directory for what it needs itself.
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
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "writer.h"

enum {
  LINE = PEXEC_WRITER_LINE,
  LOOK_MS = 1,          /* how often "until" looks at the file */
  LOOK_AGAIN_MS = 500,  /* how often "delays" looks at the command */
  COPY_SIZE = 128 * 1024
};

static _Noreturn void die (const char *what) {
  fprintf(stderr, "flow: %s: %s\n", what, strerror(errno));
  exit(1);
}

static _Noreturn void fail (const char *what) {
  fprintf(stderr, "flow: %s\n", what);
  exit(1);
}

static int64_t now_ns (void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void print (int64_t number) {
  printf("%lld\n", (long long)number);
}

static pid_t spawn (char **command) {
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(command[0], command);
    die(command[0]);
  }
  if (pid < 0)
    die("fork");
  return pid;
}

static int64_t time_of (const struct timeval *time) {
  return time->tv_sec * INT64_C(1000000000) + time->tv_usec * INT64_C(1000);
}

/* A command that fails, where it should stay or bring lines, would be awaited
   in vain. */
static bool has_ended (pid_t pid) {
  siginfo_t info = { .si_pid = 0 };
  return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0
         && info.si_pid != 0;
}

/* The CPU time of a child that is awaited here. */
static int64_t reap (pid_t pid, bool must_succeed) {
  struct rusage usage;
  int status;
  while (wait4(pid, &status, 0, &usage) < 0) {
    if (errno != EINTR)
      die("wait4");
  }
  if (must_succeed && status != 0) {
    fprintf(stderr, "flow: the command failed: %#x\n", (unsigned)status);
    exit(1);
  }
  return time_of(&usage.ru_utime) + time_of(&usage.ru_stime);
}

/* {== time, until ==== */

static char began_path[4096];

static void ask_for_beginning (void) {
  const char *directory = getenv("PEXEC_BENCH_DIR");
  snprintf(began_path, sizeof began_path, "%s/began",
           directory != NULL ? directory : "/tmp");
  unlink(began_path);
  if (setenv("PEXEC_WRITER_BEGAN", began_path, 1) != 0)
    die("setenv");
}

static int64_t beginning (void) {
  long long time_ns;
  FILE *file = fopen(began_path, "r");
  if (file == NULL || fscanf(file, "%lld", &time_ns) != 1)
    die(began_path);
  fclose(file);
  unlink(began_path);
  return time_ns;
}

static void time_command (char **command) {
  ask_for_beginning();
  int64_t cpu_ns = reap(spawn(command), true);
  print(now_ns() - beginning());
  print(cpu_ns);
}

static bool ends_in_last_line (const char *path) {
  char line[LINE];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  off_t end = lseek(fd, 0, SEEK_END);
  bool is_there = end >= LINE && pread(fd, line, LINE, end - LINE) == LINE
                  && memcmp(line, PEXEC_WRITER_LAST_LINE,
                            strlen(PEXEC_WRITER_LAST_LINE)) == 0;
  close(fd);
  return is_there;
}

static void time_until (const char *path, char **command) {
  char rotated[4096];
  snprintf(rotated, sizeof rotated, "%s.1", path);
  ask_for_beginning();
  pid_t pid = spawn(command);
  while (!ends_in_last_line(path) && !ends_in_last_line(rotated)) {
    if (has_ended(pid))
      fail("the command has ended without the writer's last line");
    poll(NULL, 0, LOOK_MS);
  }
  int64_t ended_ns = now_ns();
  kill(pid, SIGTERM);
  int64_t cpu_ns = reap(pid, false);
  print(ended_ns - beginning());
  print(cpu_ns);
}

/* {== delays ==== */

struct reader {
  int fd;               /* of the file */
  int changes;          /* of inotify */
  char part[LINE];      /* of a line that is not all there */
  size_t length;        /* of it */
  long count, awaited;
};

static void open_reader (struct reader *reader, const char *path) {
  reader->fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
  reader->changes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (reader->fd < 0
      || inotify_add_watch(reader->changes, path, IN_MODIFY) < 0)
    die(path);
}

static void await_change (struct reader *reader, pid_t pid) {
  char events[4096];
  struct pollfd readable = { reader->changes, POLLIN, 0 };
  bool is_last = has_ended(pid);
  if (poll(&readable, 1, is_last ? 0 : LOOK_AGAIN_MS) == 0 && is_last)
    fail("the command has ended before its last line");
  while (read(reader->changes, events, sizeof events) > 0)
    continue;
}

static void note_line (struct reader *reader, int64_t read_ns) {
  char *end;
  int64_t written_ns = strtoll(reader->part, &end, 10);
  if (end == reader->part || *end != ' ')
    die("not a line of the writer");
  print(read_ns - written_ns);
  reader->count++;
  reader->length = 0;
}

static void read_lines (struct reader *reader) {
  for (;;) {
    ssize_t got = read(reader->fd, reader->part + reader->length,
                       LINE - reader->length);
    int64_t read_ns = now_ns();
    if (got < 0)
      die("reading");
    if (got == 0)
      return;
    reader->length += (size_t)got;
    if (reader->length == LINE)
      note_line(reader, read_ns);
  }
}

static void measure_delays (const char *path, long count, char **command) {
  struct reader reader = { .awaited = count };
  open_reader(&reader, path);
  pid_t pid = spawn(command);
  while (read_lines(&reader), reader.count < reader.awaited)
    await_change(&reader, pid);
  reap(pid, true);
}

/* {== sink ==== */

static void copy_all (int fd, const char *data, size_t length) {
  while (length > 0) {
    ssize_t written = write(fd, data, length);
    if (written < 0)
      die("writing");
    data += written;
    length -= (size_t)written;
  }
}

static void sink (const char *path, long limit) {
  static char data[COPY_SIZE];
  long size = 0;
  ssize_t got;
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0)
    die(path);
  while ((got = read(STDIN_FILENO, data, sizeof data)) > 0) {
    copy_all(fd, data, (size_t)got);
    size += got;
    if (size >= limit) {
      if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0)
        die(path);
      size = 0;
    }
  }
}

/* {== the command line ==== */

static bool is_command (int argc, char **argv, const char *name, int least) {
  return argc >= least && strcmp(argv[1], name) == 0;
}

int main (int argc, char **argv) {
  if (is_command(argc, argv, "time", 3))
    time_command(argv + 2);
  else if (is_command(argc, argv, "until", 4))
    time_until(argv[2], argv + 3);
  else if (is_command(argc, argv, "delays", 5))
    measure_delays(argv[2], atol(argv[3]), argv + 4);
  else if (is_command(argc, argv, "sink", 4))
    sink(argv[2], atol(argv[3]));
  else {
    fprintf(stderr, "usage: flow time|until|delays|sink ...\n");
    return 64;
  }
  return 0;
}
