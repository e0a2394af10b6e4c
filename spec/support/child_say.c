/*
** The half of the specs' child that writes: whole writes without a buffer,
** and the verbs of output and of telling about itself. One thread; what is
** marked so in child_say.h is called from signal handlers too.
*/

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "child_say.h"

enum { LINE = 4096, CHUNK = 65536 };

_Noreturn void child_fail (const char *what, const char *detail) {
  fprintf(stderr, "child: %s: %s\n", what, detail);
  _exit(BAD_USE);
}

_Noreturn void child_fail_with_errno (const char *what) {
  child_fail(what, strerror(errno));
}

double child_number (const char *text) {
  char *end;
  double value = strtod(text, &end);
  if (*text == '\0' || *end != '\0' || value < 0)
    child_fail("not a number", text);
  return value;
}

char *child_line_of (const char *text) {
  char *line = malloc(strlen(text) + 2);
  if (line == NULL)
    child_fail_with_errno("malloc");
  strcpy(line, text);
  strcat(line, "\n");
  return line;
}

bool child_write_all (int fd, const char *data, size_t length) {
  while (length > 0) {
    ssize_t count = write(fd, data, length);
    if (count < 0 && errno != EINTR)
      return false;
    if (count > 0) {
      data += count;
      length -= (size_t)count;
    }
  }
  return true;
}

/* A file is made with its first line in it: a spec that sees it may read it.
   False where it cannot be made so, or is there already. */
static bool make_with_line (const char *path, const char *line) {
  char made[LINE];
  int fd;
  bool is_fine;
  snprintf(made, sizeof made, "%s.%d.new", path, (int)getpid());
  fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0)
    return false;
  is_fine = child_write_all(fd, line, strlen(line)) && link(made, path) == 0;
  unlink(made);
  close(fd);
  return is_fine;
}

/* O_APPEND and one write keep the line whole. */
bool child_append_line (const char *path, const char *line) {
  int fd;
  if (access(path, F_OK) != 0 && make_with_line(path, line))
    return true;
  fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0)
    return false;
  bool is_fine = child_write_all(fd, line, strlen(line));
  close(fd);
  return is_fine;
}

static void put_line (int fd, const char *text) {
  char *line = child_line_of(text);
  if (!child_write_all(fd, line, strlen(line)))
    child_fail_with_errno("write");
  free(line);
}

void child_say (const char *text) {
  put_line(STDOUT_FILENO, text);
}

static void say_pair (const char *key, long value) {
  char text[LINE];
  snprintf(text, sizeof text, "%s=%ld", key, value);
  child_say(text);
}

void do_print (char **args) {
  child_say(args[0]);
}

void do_error (char **args) {
  put_line(STDERR_FILENO, args[0]);
}

void do_raw (char **args) {
  if (!child_write_all(STDOUT_FILENO, args[0], strlen(args[0])))
    child_fail_with_errno("write");
}

static void put_chunk (const char *chunk, size_t length) {
  if (!child_write_all(STDOUT_FILENO, chunk, length))
    child_fail_with_errno("write");
}

void do_lines (char **args) {
  char chunk[CHUNK];
  size_t length = 0;
  long count = (long)child_number(args[0]);
  for (long i = 1; i <= count; i++) {
    length += (size_t)sprintf(chunk + length, "line %ld\n", i);
    if (length > sizeof chunk - 32) {
      put_chunk(chunk, length);
      length = 0;
    }
  }
  put_chunk(chunk, length);
}

void do_bytes (char **args) {
  char chunk[CHUNK];
  memset(chunk, 'x', sizeof chunk);
  for (size_t left = (size_t)child_number(args[0]); left > 0;) {
    size_t length = left < sizeof chunk ? left : sizeof chunk;
    put_chunk(chunk, length);
    left -= length;
  }
}

void do_allbytes (char **args) {
  char chunk[256];
  for (int i = 0; i < 256; i++)
    chunk[i] = (char)i;
  for (long left = (long)child_number(args[0]); left > 0; left--)
    put_chunk(chunk, sizeof chunk);
}

/* What it says has been written whole before the number of it is. */
void do_tally (char **args) {
  int fd = open(args[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  char line[64];
  if (fd < 0)
    child_fail_with_errno(args[0]);
  for (long i = 1;; i++) {
    put_chunk(line, (size_t)sprintf(line, "line %ld\n", i));
    int length = sprintf(line, "%020ld\n", i);
    if (pwrite(fd, line, (size_t)length, 0) != length)
      child_fail_with_errno(args[0]);
  }
}

void do_both (char **args) {
  char line[64];
  long count = (long)child_number(args[0]);
  for (long i = 1; i <= count; i++) {
    put_chunk(line, (size_t)sprintf(line, "out %ld\n", i));
    sprintf(line, "err %ld", i);
    put_line(STDERR_FILENO, line);
  }
}

void do_flood (char **args) {
  char chunk[CHUNK];
  (void)args;
  for (size_t i = 0; i < sizeof chunk; i++)
    chunk[i] = (i % 64 == 63) ? '\n' : 'f';
  for (;;)
    put_chunk(chunk, sizeof chunk);
}

/* What %p (the pid) or %t (CLOCK_MONOTONIC in ns) stands for; its length, or
   0 where the text begins with neither. */
static int expand_code (const char *text, char *buffer, size_t size) {
  struct timespec now;
  if (strncmp(text, "%p", 2) == 0)
    return snprintf(buffer, size, "%d", (int)getpid());
  if (strncmp(text, "%t", 2) != 0)
    return 0;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return snprintf(buffer, size, "%lld",
                  now.tv_sec * 1000000000LL + now.tv_nsec);
}

static void expand (const char *text, char *buffer, size_t size) {
  size_t length = 0;
  while (*text != '\0' && length + 32 < size) {
    int count = expand_code(text, buffer + length, size - length);
    if (count == 0)
      buffer[length++] = *text;
    length += (size_t)count;
    text += count == 0 ? 1 : 2;
  }
  buffer[length] = '\0';
}

void do_append (char **args) {
  char text[LINE];
  expand(args[1], text, sizeof text - 1);
  strcat(text, "\n");
  if (!child_append_line(args[0], text))
    child_fail_with_errno(args[0]);
}

void do_stdin (char **args) {
  char chunk[CHUNK];
  ssize_t count;
  (void)args;
  while ((count = read(STDIN_FILENO, chunk, sizeof chunk)) != 0) {
    if (count < 0 && errno != EINTR)
      child_fail_with_errno("stdin");
    if (count > 0)
      put_chunk(chunk, (size_t)count);
  }
  child_say("eof");
}

void do_take (char **args) {
  size_t left = (size_t)child_number(args[0]);
  int fd = open(args[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  char chunk[CHUNK];
  if (fd < 0)
    child_fail_with_errno(args[1]);
  while (left > 0) {
    ssize_t count = read(STDIN_FILENO, chunk, left < CHUNK ? left : CHUNK);
    if (count < 0 && errno != EINTR)
      child_fail_with_errno("stdin");
    if (count == 0)
      break;
    if (count > 0 && !child_write_all(fd, chunk, (size_t)count))
      child_fail_with_errno(args[1]);
    left -= count > 0 ? (size_t)count : 0;
  }
  close(fd);
}

/* {== telling about itself ==== */

static void say_groups (void) {
  char text[LINE] = "groups=";
  gid_t groups[256];
  int count = getgroups(256, groups);
  size_t length = strlen(text);
  for (int i = 0; i < count && length + 16 < sizeof text; i++)
    length += (size_t)sprintf(text + length, "%s%u", i > 0 ? "," : "",
                              (unsigned)groups[i]);
  child_say(text);
}

void do_ids (char **args) {
  (void)args;
  say_pair("uid", (long)getuid());
  say_pair("gid", (long)getgid());
  say_pair("euid", (long)geteuid());
  say_pair("egid", (long)getegid());
  say_groups();
  say_pair("pid", (long)getpid());
  say_pair("ppid", (long)getppid());
  say_pair("pgid", (long)getpgrp());
  say_pair("sid", (long)getsid(0));
}

static void say_attempt (const char *name, int result) {
  char text[LINE];
  snprintf(text, sizeof text, "%s=%s", name,
           result == 0 ? "done" : strerrorname_np(errno));
  child_say(text);
}

/* All capabilities there can be, in all three sets. */
static int take_all_capabilities (void) {
  struct __user_cap_header_struct self = { _LINUX_CAPABILITY_VERSION_3, 0 };
  struct __user_cap_data_struct all[2];
  memset(all, 0xFF, sizeof all);
  return (int)syscall(SYS_capset, &self, all);
}

void do_back (char **args) {
  const gid_t root = 0;
  (void)args;
  say_attempt("setgroups", setgroups(1, &root));
  say_attempt("setgid", setgid(0));
  say_attempt("setegid", setegid(0));
  say_attempt("setresgid", setresgid(0, 0, 0));
  say_attempt("setuid", setuid(0));
  say_attempt("seteuid", seteuid(0));
  say_attempt("setresuid", setresuid(0, 0, 0));
  say_attempt("capset", take_all_capabilities());
}

static void say_fd (const char *name) {
  char path[LINE], target[LINE] = "", text[2 * LINE];
  snprintf(path, sizeof path, "/proc/self/fd/%s", name);
  if (readlink(path, target, sizeof target - 1) < 0)
    return;
  snprintf(text, sizeof text, "%s=%s", name, target);
  child_say(text);
}

void do_fds (char **args) {
  DIR *directory = opendir("/proc/self/fd");
  (void)args;
  if (directory == NULL)
    child_fail_with_errno("/proc/self/fd");
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(directory))
      say_fd(entry->d_name);
  }
  closedir(directory);
}

void do_signals (char **args) {
  char line[LINE];
  FILE *status = fopen("/proc/self/status", "re");
  (void)args;
  if (status == NULL)
    child_fail_with_errno("/proc/self/status");
  while (fgets(line, sizeof line, status) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "SigBlk", 6) == 0 || strncmp(line, "SigIgn", 6) == 0
        || strncmp(line, "SigCgt", 6) == 0)
      child_say(line);
  }
  fclose(status);
}

void do_file (char **args) {
  char chunk[CHUNK];
  size_t count;
  FILE *file = fopen(args[0], "re");
  if (file == NULL)
    child_fail_with_errno(args[0]);
  while ((count = fread(chunk, 1, sizeof chunk, file)) > 0)
    put_chunk(chunk, count);
  fclose(file);
}

void do_env (char **args) {
  char text[CHUNK];
  const char *value = getenv(args[0]);
  if (value == NULL)
    snprintf(text, sizeof text, "%s unset", args[0]);
  else
    snprintf(text, sizeof text, "%s=%s", args[0], value);
  child_say(text);
}

void do_cwd (char **args) {
  char path[LINE];
  (void)args;
  if (getcwd(path, sizeof path) == NULL)
    child_fail_with_errno("getcwd");
  child_say(path);
}

void do_umask (char **args) {
  char text[16];
  mode_t mask = umask(0);
  (void)args;
  umask(mask);
  snprintf(text, sizeof text, "%04o", (unsigned)mask);
  child_say(text);
}

void do_pdeathsig (char **args) {
  int signo = 0;
  (void)args;
  if (prctl(PR_GET_PDEATHSIG, &signo) != 0)
    child_fail_with_errno("prctl");
  say_pair("pdeathsig", signo);
}
