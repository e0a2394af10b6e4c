/*
** The child that writes, of the output benches. Lines of 100 bytes, with
** their newline, to stdout, and nothing else:
**
**   writer bytes BYTES BLOCK
**       BYTES in all, in calls of BLOCK bytes; both multiples of 100. The
**       last line begins with LAST_LINE, all others are alike.
**   writer between BEGIN_NS END_NS BLOCK
**       from one time of CLOCK_MONOTONIC to another, as much as is taken.
**   writer lines COUNT BURST PERIOD_US
**       COUNT lines, each a call, so many together each period; each line
**       begins with its time, in ns.
**
** PEXEC_WRITER_BEGAN names a file into which the time before the first line
** is written, PEXEC_WRITER_COUNTS one to which the bytes of "between" are
** appended at its end, as one line each.
*/

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "writer.h"

enum { LINE = PEXEC_WRITER_LINE };

static _Noreturn void die (const char *what) {
  fprintf(stderr, "writer: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now_ns (void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void sleep_until (int64_t time_ns) {
  struct timespec time = { time_ns / 1000000000, time_ns % 1000000000 };
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL)
         == EINTR)
    continue;
}

static void write_all (const char *data, size_t length) {
  while (length > 0) {
    ssize_t written = write(STDOUT_FILENO, data, length);
    if (written < 0 && errno != EINTR)
      die("writing");
    if (written > 0) {
      data += written;
      length -= (size_t)written;
    }
  }
}

/* A number as a line of the file that a variable names, where it does. */
static void tell (const char *variable, int64_t number) {
  const char *path = getenv(variable);
  char line[32];
  if (path == NULL)
    return;
  int length = snprintf(line, sizeof line, "%lld\n", (long long)number);
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, line, (size_t)length) != length)
    die(path);
  close(fd);
}

static void fill_line (char *line, const char *start) {
  size_t length = strlen(start);
  /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): no string */
  memcpy(line, start, length);
  memset(line + length, '.', LINE - 1 - length);
  line[LINE - 1] = '\n';
}

static char *new_block (int64_t size) {
  char *block = malloc((size_t)size);
  if (block == NULL)
    die("malloc");
  for (int64_t at = 0; at < size; at += LINE)
    fill_line(block + at, "a line of the writer");
  return block;
}

/* {== the three ways ==== */

static void write_bytes (int64_t bytes, int64_t size) {
  char *block = new_block(size);
  tell("PEXEC_WRITER_BEGAN", now_ns());
  for (; bytes > size; bytes -= size)
    write_all(block, (size_t)size);
  fill_line(block + bytes - LINE, PEXEC_WRITER_LAST_LINE);
  write_all(block, (size_t)bytes);
  free(block);
}

static void write_between (int64_t begin_ns, int64_t end_ns, int64_t size) {
  char *block = new_block(size);
  int64_t bytes = 0;
  sleep_until(begin_ns);
  for (; now_ns() < end_ns; bytes += size)
    write_all(block, (size_t)size);
  tell("PEXEC_WRITER_COUNTS", bytes);
  free(block);
}

static void write_lines (int64_t count, int64_t burst, int64_t period_us) {
  char line[LINE], start[32];
  int64_t next_ns = now_ns();
  for (int64_t i = 0; i < count; i++) {
    if (i % burst == 0) {
      next_ns += period_us * 1000;
      sleep_until(next_ns);
    }
    snprintf(start, sizeof start, "%lld ", (long long)now_ns());
    fill_line(line, start);
    write_all(line, LINE);
  }
}

/* {== the command line ==== */

static int64_t number_of (const char *text) {
  char *end;
  long long number = strtoll(text, &end, 10);
  if (*end != '\0' || number < 0) {
    fprintf(stderr, "writer: not a number: %s\n", text);
    exit(64);
  }
  return number;
}

static int64_t lines_of (const char *text) {
  int64_t bytes = number_of(text);
  if (bytes == 0 || bytes % LINE != 0) {
    fprintf(stderr, "writer: not a multiple of %d: %s\n", LINE, text);
    exit(64);
  }
  return bytes;
}

int main (int argc, char **argv) {
  const char *way = argc > 1 ? argv[1] : "";
  if (argc == 4 && strcmp(way, "bytes") == 0)
    write_bytes(lines_of(argv[2]), lines_of(argv[3]));
  else if (argc == 5 && strcmp(way, "between") == 0)
    write_between(number_of(argv[2]), number_of(argv[3]), lines_of(argv[4]));
  else if (argc == 5 && strcmp(way, "lines") == 0)
    write_lines(number_of(argv[2]), number_of(argv[3]), number_of(argv[4]));
  else {
    fprintf(stderr, "usage: writer bytes|between|lines ...\n");
    return 64;
  }
  return 0;
}
