/*
** What the logger meets in its specs: the real side of the seam, sys.c and
** thread.c, but for calls that fail on demand, clocks that stand still, and a
** count of what is open, allocated and running. A directory of its own for
** each test. To be included once, in a program that is linked with neither of
** those two. Settings belong to one thread; the counts to all.
*/

#ifndef SPEC_LOGGER_SEAM_H
#define SPEC_LOGGER_SEAM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "logger.h"
#include "sys.h"
#include "thread.h"

/* What this file does not play is as in the library. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#define pexec__malloc real_malloc
#define pexec__calloc real_calloc
#define pexec__free real_free
#define pexec__now real_now
#define pexec__wall_now real_wall_now
#define pexec__open real_open
#define pexec__close real_close
#define pexec__write real_write
#define pexec__self real_self
#define pexec__thread_start real_thread_start
#define pexec__thread_join real_thread_join
void *real_malloc (size_t size);
void real_free (void *block);
int64_t real_wall_now (void);
int real_open (const char *path, int flags, int mode);
void real_close (int fd);
int real_self (void);
#include "sys.c"
#include "memory.c"
#include "thread.c"
#undef pexec__malloc
#undef pexec__calloc
#undef pexec__free
#undef pexec__now
#undef pexec__wall_now
#undef pexec__open
#undef pexec__close
#undef pexec__write
#undef pexec__self
#undef pexec__thread_start
#undef pexec__thread_join
#pragma GCC diagnostic pop

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MEGABYTE 1048576

#define NOW 1795377494                         /* the time of HEAD */
#define HEAD "2026-11-22T19:58:14.123456Z "
#define NEXT_HEAD "2026-11-22T19:58:15.123456Z "  /* a second later */

/* What the seam does; all zero: what the system does. */
static struct {
  int64_t now_s;       /* both clocks' */
  int write_error;     /* each write fails so ... */
  int good_writes;     /* ... after this many */
  int takes_nothing;   /* each write takes 0 bytes */
  int interrupted;     /* this many writes fail with EINTR */
  size_t most_bytes;   /* 0: no limit to one write */
  int signo;           /* raised in each write */
  int open_error;
  int good_mallocs;    /* -1: all */
  int self;
  int thread_error;    /* no thread can be had */
  pthread_t host;      /* who opens no file of a compression */
} fake;

static atomic_int writes, blocks, files, starts, threads, compressions;
static size_t last_size;

static char directory[64], path[80], other[80];
static char content[3 * MEGABYTE];

/* {== the seam ==== */

int64_t pexec__now (void) {
  return fake.now_s * 1000000000;
}

int64_t pexec__wall_now (void) {
  return fake.now_s * 1000000000 + 123456789;
}

void *pexec__malloc (size_t size) {
  if (fake.good_mallocs == 0) return NULL;
  if (fake.good_mallocs > 0) fake.good_mallocs--;
  atomic_fetch_add(&blocks, 1);
  return malloc(size);
}

void *pexec__calloc (size_t count, size_t size) {
  void *block = pexec__malloc(count * size);
  return block == NULL ? NULL : memset(block, 0, count * size);
}

void pexec__free (void *block) {
  if (block != NULL) atomic_fetch_sub(&blocks, 1);
  free(block);
}

int pexec__open (const char *name, int flags, int mode) {
  int fd = fake.open_error != 0 ? -1 : open(name, flags, mode);
  if (fd < 0) return fake.open_error != 0 ? fake.open_error : -errno;
  assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  atomic_fetch_add(&files, 1);
  if (strstr(name, ".gz-tmp") != NULL) {
    atomic_fetch_add(&compressions, 1);
    if (pthread_equal(pthread_self(), fake.host)) abort();
  }
  return fd;
}

void pexec__close (int fd) {
  atomic_fetch_sub(&files, 1);
  assert_int_equal(close(fd), 0);
}

ssize_t pexec__write (int fd, const void *data, size_t size) {
  ssize_t put;
  atomic_fetch_add(&writes, 1);
  if (fake.signo != 0) (void)raise(fake.signo);
  if (fake.interrupted > 0) return fake.interrupted--, -EINTR;
  if (fake.takes_nothing) return 0;
  if (fake.write_error != 0 && fake.good_writes-- <= 0)
    return fake.write_error;
  if (fake.most_bytes > 0 && size > fake.most_bytes) size = fake.most_bytes;
  put = write(fd, data, size);
  return put < 0 ? -errno : put;
}

int pexec__thread_start (pthread_t *thread, const char *name,
                         void *(*body) (void *), void *argument) {
  atomic_fetch_add(&starts, 1);
  if (fake.thread_error != 0) return fake.thread_error;
  atomic_fetch_add(&threads, 1);
  return real_thread_start(thread, name, body, argument);
}

void pexec__thread_join (pthread_t thread) {
  real_thread_join(thread);
  atomic_fetch_sub(&threads, 1);
}

/* sys.c makes children with it; here none is made. */
int pexec__child_main (void *plan) {
  (void)plan;
  abort();
}

int pexec__clone3 (struct pexec__clone_args *how, int (*body) (void *data),
                   void *data) {
  (void)how;
  (void)body;
  return pexec__child_main(data);
}

int pexec__self (void) {
  return fake.self;
}

/* {== helpers ==== */

static int set_up (void **state) {
  (void)state;
  memset(&fake, 0, sizeof(fake));
  fake.now_s = NOW;
  fake.good_mallocs = -1;
  fake.self = (int)getpid();
  fake.host = pthread_self();
  atomic_store(&writes, 0);
  atomic_store(&blocks, 0);
  atomic_store(&files, 0);
  atomic_store(&starts, 0);
  atomic_store(&threads, 0);
  atomic_store(&compressions, 0);
  (void)strcpy(directory, "/tmp/pexec-logger-XXXXXX");
  if (mkdtemp(directory) == NULL) return -1;
  (void)snprintf(path, sizeof(path), "%s/log", directory);
  (void)snprintf(other, sizeof(other), "%s/log.1", directory);
  return 0;
}

/* What tests may leave behind the name of the log. */
static const char *const leftovers[] = {
  "", ".1", ".2", ".3", ".1.gz", ".2.gz", NULL
};

static int tear_down (void **state) {
  (void)state;
  for (const char *const *name = leftovers; *name != NULL; name++) {
    char file[96];
    (void)snprintf(file, sizeof(file), "%s%s", path, *name);
    (void)unlink(file);
  }
  if (rmdir(directory) != 0) return -1;
  return atomic_load(&blocks) == 0 && atomic_load(&files) == 0 &&
         atomic_load(&threads) == 0 ? 0 : -1;
}

static pexec_logger *logger_of (const pexec_logger_options *options) {
  pexec_logger *logger = NULL;
  assert_int_equal(pexec_logger_new(options, &logger), 0);
  return logger;
}

static pexec_logger *new_logger (enum pexec_level level,
                                 enum pexec_format format, const char *file) {
  pexec_logger_options options = PEXEC_LOGGER_OPTIONS_INIT;
  options.level = level;
  options.format = format;
  options.file = file;
  return logger_of(&options);
}

static pexec_logger *text_logger (void) {
  return new_logger(PEXEC_INFO, PEXEC_TEXT, path);
}

static void say (pexec_logger *logger, const char *text) {
  pexec_logger_write(logger, PEXEC_INFO, NULL, text, strlen(text));
}

/* What 'file' holds: a text, whose end is at content + result, too. */
static size_t read_file (const char *file) {
  int fd = open(file, O_RDONLY | O_NONBLOCK);
  ssize_t got;
  last_size = 0;
  assert_true(fd >= 0);
  while ((got = read(fd, content + last_size,
                     sizeof(content) - 1 - last_size)) > 0)
    last_size += (size_t)got;
  (void)close(fd);
  content[last_size] = '\0';
  return last_size;
}

static void expect_content (const char *file, const char *text) {
  (void)read_file(file);
  assert_string_equal(content, text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
