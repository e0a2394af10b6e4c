/* See real_state.h. One thread. */

#include "real_state.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "real.h"

static struct {
  char descriptors[8192];
  int threads;
  struct sigaction actions[NSIG];
  sigset_t mask;
  mode_t umask;
  char cwd[4096];
} before, after;

/* Their numbers, but for the one that lists them. */
static void list_descriptors (char *list, size_t size) {
  DIR *directory = opendir("/proc/self/fd");
  const struct dirent *entry;
  size_t length = 0;
  assert_non_null(directory);
  list[0] = '\0';
  while ((entry = readdir(directory)) != NULL)
    if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(directory))
      length += (size_t)snprintf(list + length, size - length, "%s ",
                                 entry->d_name);
  (void)closedir(directory);
}

static int count_threads (void) {
  DIR *directory = opendir("/proc/self/task");
  int count = -2;
  assert_non_null(directory);
  while (readdir(directory) != NULL)
    count++;
  (void)closedir(directory);
  return count;
}

static void note_attributes (struct sigaction *actions, sigset_t *mask,
                             mode_t *mode, char *cwd, size_t size) {
  for (int signo = 1; signo < NSIG; signo++)
    (void)sigaction(signo, NULL, &actions[signo]);
  (void)sigprocmask(SIG_BLOCK, NULL, mask);
  *mode = umask(0);
  (void)umask(*mode);
  assert_non_null(getcwd(cwd, size));
}

void real_state_note (void) {
  memset(&before, 0, sizeof before);
  list_descriptors(before.descriptors, sizeof before.descriptors);
  before.threads = count_threads();
  note_attributes(before.actions, &before.mask, &before.umask, before.cwd,
                  sizeof before.cwd);
}

static void check_children (void) {
  int status;
  pid_t pid = waitpid(-1, &status, WNOHANG);
  if (pid > 0)
    fail_msg("a zombie was left, process %d", (int)pid);
  if (pid == 0)
    fail_msg("a child was left that runs");
}

static void check_attributes (void) {
  memset(&after, 0, sizeof after);
  note_attributes(after.actions, &after.mask, &after.umask, after.cwd,
                  sizeof after.cwd);
  for (int signo = 1; signo < NSIG; signo++)
    if (after.actions[signo].sa_handler != before.actions[signo].sa_handler)
      fail_msg("signal %d has another handler", signo);
  assert_memory_equal(&after.mask, &before.mask, sizeof before.mask);
  assert_int_equal(after.umask, before.umask);
  assert_string_equal(after.cwd, before.cwd);
}

/* The kernel may list a joined thread for a moment. */
void real_state_check (void) {
  struct deadline deadline = real_deadline();
  check_children();
  list_descriptors(after.descriptors, sizeof after.descriptors);
  assert_string_equal(after.descriptors, before.descriptors);
  while (count_threads() != before.threads)
    real_pause(deadline, "threads to end");
  check_attributes();
}

int real_state_remove (const char *directory) {
  DIR *list = opendir(directory);
  const struct dirent *entry;
  char path[512];
  if (list == NULL)
    return -1;
  while ((entry = readdir(list)) != NULL) {
    (void)snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    if (entry->d_name[0] != '.' && unlink(path) != 0)
      (void)rmdir(path);
  }
  (void)closedir(list);
  return rmdir(directory);
}

void real_limit_descriptors (unsigned count) {
  static struct rlimit old;
  struct rlimit limit;
  if (count > 0)
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
  limit = old;
  if (count > 0)
    limit.rlim_cur = count;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

bool real_is_alive (int pid) {
  char path[64], line[512] = "";
  const char *state;
  FILE *file;
  (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if ((file = fopen(path, "re")) == NULL)
    return false;
  (void)!fread(line, 1, sizeof line - 1, file);
  (void)fclose(file);
  state = strrchr(line, ')');
  return state != NULL && state[2] != 'Z' && state[2] != 'X';
}
