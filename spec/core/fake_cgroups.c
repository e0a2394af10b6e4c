/* See fake.h: a kernel without cgroups, and what asks for them hears so. */

#include "fake.h"

#include <errno.h>

int pexec__open_at (int dir_fd, const char *name, int flags) {
  (void)dir_fd;
  (void)name;
  (void)flags;
  return -ENOENT;
}

int pexec__make_directory_at (int dir_fd, const char *name) {
  (void)dir_fd;
  (void)name;
  return -ENOENT;
}

int pexec__remove_directory_at (int dir_fd, const char *name) {
  (void)dir_fd;
  (void)name;
  return -ENOENT;
}

int pexec__each_directory (int dir_fd, void (*see) (void *, const char *),
                           void *argument) {
  (void)dir_fd;
  (void)see;
  (void)argument;
  return -ENOENT;
}

void pexec__mark (int dir_fd) { (void)dir_fd; }

bool pexec__is_marked (int dir_fd) {
  (void)dir_fd;
  return false;
}

int pexec__lock (int fd) {
  (void)fd;
  return 0;
}

int pexec__process_open (int pid) {
  (void)pid;
  return -ESRCH;
}

int pexec__group_of (int pid) {
  (void)pid;
  return -ESRCH;
}

int pexec__living_at (int pid, struct pexec__living *one) {
  (void)pid;
  (void)one;
  return -ESRCH;
}
