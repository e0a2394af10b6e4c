/*
** The child of the benches. Its first act is to read the clock; then it
** writes "PID NANOSECONDS" (CLOCK_MONOTONIC) as one line to the file or FIFO
** that PEXEC_STAMP_FILE names, if it does, and stays until it is killed. It
** is linked statically: a dynamic loader's work would come before the clock
** is read, and would be counted as time that somebody took to start it.
*/

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void write_stamp (const char *path, const struct timespec *time) {
  char line[64];
  int length = snprintf(line, sizeof line, "%d %lld\n", (int)getpid(),
                        time->tv_sec * 1000000000LL + time->tv_nsec);
  int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0 || write(fd, line, (size_t)length) != length)
    _exit(1);
  close(fd);
}

int main (void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const char *path = getenv("PEXEC_STAMP_FILE");
  if (path != NULL)
    write_stamp(path, &now);
  for (;;)
    pause();
}
