/*
** The child of the soak. Writes its lines to stdout, all in one call, lives
** for a moment and ends as it is told:
**
**   mayfly COUNTS WHERE LINES LIFE_US END ID
**       COUNTS is a file of three 64-bit numbers that all of them share:
**       children that have written, lines that are to come to a file, lines
**       that are to come to Lua. WHERE says which: 1 files, 2 Lua, 3 both.
**       It lives up to twice LIFE_US. END is an exit code, or, with a minus,
**       the signal that it ends itself with. Each line begins with ID.
**
** SIGTERM waits until what was written is counted, so that a child that is
** stopped has written and counted all, or nothing.
*/

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { BORN, FILED, TOLD, COUNTS };

enum { TO_FILE = 1, TO_LUA = 2, MOST_LINES = 16, MOST_ID = 32 };

typedef _Atomic int64_t counter;

static counter *map_counts (const char *path) {
  int fd = open(path, O_RDWR | O_CLOEXEC);
  void *counts = mmap(NULL, COUNTS * sizeof(counter), PROT_READ | PROT_WRITE,
                      MAP_SHARED, fd, 0);
  close(fd);
  if (counts == MAP_FAILED)
    _exit(125);
  return counts;
}

static void write_lines (const char *id, int lines) {
  char text[MOST_LINES * (MOST_ID + 32)];
  int length = 0;
  for (int i = 1; i <= lines; i++)
    length += sprintf(text + length, "%.*s %d line %d\n", MOST_ID, id,
                      (int)getpid(), i);
  if (length > 0 && write(STDOUT_FILENO, text, (size_t)length) != length)
    _exit(124);
}

static void count (counter *counts, int where, int lines) {
  atomic_fetch_add(&counts[BORN], 1);
  if (where & TO_FILE)
    atomic_fetch_add(&counts[FILED], lines);
  if (where & TO_LUA)
    atomic_fetch_add(&counts[TOLD], lines);
}

static void change_mask (int how) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigprocmask(how, &set, NULL);
}

static void live (int64_t life_us) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  uint64_t seed = (uint64_t)now.tv_nsec * 6364136223846793005U
                  + (uint64_t)getpid();
  int64_t us = (int64_t)((seed >> 33) % (uint64_t)(2 * life_us + 1));
  struct timespec time = { us / 1000000, us % 1000000 * 1000 };
  nanosleep(&time, NULL);
}

int main (int argc, char **argv) {
  if (argc != 7)
    return 64;
  int lines = atoi(argv[3]), end = atoi(argv[5]);
  if (lines > MOST_LINES)
    return 64;
  change_mask(SIG_BLOCK);
  write_lines(argv[6], lines);
  count(map_counts(argv[1]), atoi(argv[2]), lines);
  change_mask(SIG_UNBLOCK);
  live(atol(argv[4]));
  if (end < 0)
    raise(-end);
  return end;
}
