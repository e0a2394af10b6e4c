/*
** The child of the benches. Its first act is to read the clock; then it
** writes "PID NANOSECONDS" (CLOCK_MONOTONIC) as one line to the file or FIFO
** that PEXEC_STAMP_FILE names, if it does, and stays until it is killed; with
** the argument "stubborn" SIGTERM does not end it. It is linked statically: a
** dynamic loader's work would come before the clock is read, and would be
** counted as time that somebody took to start it.
*/

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int main (int argc, char **argv) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (argc > 1 && strcmp(argv[1], "stubborn") == 0)
    signal(SIGTERM, SIG_IGN);
  const char *path = getenv("PEXEC_STAMP_FILE");
  if (path != NULL)
    write_stamp(path, &now);
  for (;;)
    pause();
}
