/*
** What /proc says of all processes. A part of the seam: the real side.
** The supervisor's thread, but for what looks at one alone: any.
*/

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys.h"

/* The program's name stands in parentheses and may hold any byte. */
static bool parse_stat (const char *text, char *state,
                        struct pexec__living *one) {
  const char *before = strchr(text, '('), *after = strrchr(text, ')');
  if (before == NULL || after == NULL)
    return false;
  (void)snprintf(one->name, sizeof one->name, "%.*s",
                 (int)(after - before - 1), before + 1);
  return sscanf(text, "%d", &one->pid) == 1 &&
         sscanf(after, ") %c %*d %d", state, &one->pgid) == 2;
}

static bool read_stat (int proc_fd, const char *pid, char *state,
                       struct pexec__living *one) {
  char path[48], text[512];
  ssize_t size;
  int fd;
  (void)snprintf(path, sizeof path, "%.32s/stat", pid);
  if ((fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC)) < 0)
    return false;
  size = pexec__read(fd, text, sizeof text - 1);
  pexec__close(fd);
  if (size <= 0)
    return false;
  text[size] = '\0';
  return parse_stat(text, state, one);
}

static bool is_alive (char state) {
  return state != 'Z' && state != 'X';
}

static void visit (int proc_fd, const char *name,
                   void (*see) (void *, const struct pexec__living *),
                   void *argument) {
  struct pexec__living one;
  char state;
  if (name[0] < '1' || name[0] > '9')
    return;
  if (read_stat(proc_fd, name, &state, &one) && is_alive(state))
    see(argument, &one);
}

/* Does it number processes as this one does? Where it is not mounted, there
   is an empty directory of that name; and one of another pid namespace has
   other numbers. */
static bool is_ours (int proc_fd) {
  char text[16];
  ssize_t length = readlinkat(proc_fd, "self", text, sizeof text - 1);
  if (length <= 0)
    return false;
  text[length] = '\0';
  return strtol(text, NULL, 10) == pexec__self();
}

int pexec__each_living (void (*see) (void *, const struct pexec__living *),
                        void *argument) {
  DIR *proc = opendir("/proc");
  const struct dirent *entry;
  bool is_known;
  if (proc == NULL)
    return -errno;
  is_known = is_ours(dirfd(proc));
  /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this call's own */
  while (is_known && (entry = readdir(proc)) != NULL)
    visit(dirfd(proc), entry->d_name, see, argument);
  (void)closedir(proc);
  return is_known ? 0 : -ENOENT;
}

int pexec__living_at (int pid, struct pexec__living *one) {
  char path[32], state;
  (void)snprintf(path, sizeof path, "/proc/%d", pid);
  return read_stat(AT_FDCWD, path, &state, one) && is_alive(state) ? 0
                                                                   : -ESRCH;
}
