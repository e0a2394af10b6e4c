/*
** Specifies the built-in logger, on real files, FIFOs and pipes below a seam
** that fails on demand and clocks that stand still. The threads of one test
** share a logger, and some loggers have one that compresses; all else is one
** thread.
** seam: own logger.c compressor.c format.c escape.c logfile.c rotate.c compress.c error.c
*/

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
void *real_malloc (size_t size);
void real_free (void *block);
int64_t real_wall_now (void);
int real_open (const char *path, int flags, int mode);
void real_close (int fd);
int real_self (void);
#include "sys.c"
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

static atomic_int writes, blocks, files, starts, compressions;
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
  return fake.thread_error != 0
         ? fake.thread_error : real_thread_start(thread, name, body, argument);
}

/* sys.c makes children with it; here none is made. */
int pexec__child_main (void *plan) {
  (void)plan;
  abort();
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
  return atomic_load(&blocks) == 0 && atomic_load(&files) == 0 ? 0 : -1;
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

static void say_lines (pexec_logger *logger, const char *text) {
  pexec__logger_lines(logger, PEXEC_INFO, "web", text, strlen(text));
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

/* {== lines ==== */

static void a_text_line_says_when_how_grave_who_and_what (void **state) {
  pexec_logger *logger = new_logger(PEXEC_DEBUG, PEXEC_TEXT, path);
  (void)state;
  pexec_logger_write(logger, PEXEC_DEBUG, "web", "one", 3);
  pexec_logger_write(logger, PEXEC_INFO, "web", "two", 3);
  pexec_logger_write(logger, PEXEC_WARN, "web", "three", 5);
  pexec_logger_write(logger, PEXEC_ERROR, NULL, "four", 4);
  pexec_logger_release(logger);
  expect_content(path, HEAD "DEBUG web: one\n" HEAD "INFO  web: two\n"
                 HEAD "WARN  web: three\n" HEAD "ERROR four\n");
}

static void a_json_line_is_one_object (void **state) {
  pexec_logger *logger = new_logger(PEXEC_DEBUG, PEXEC_JSON, path);
  (void)state;
  pexec_logger_write(logger, PEXEC_WARN, "we\"b", "one", 3);
  pexec_logger_write(logger, PEXEC_ERROR, NULL, "", 0);
  pexec_logger_release(logger);
  expect_content(path,
    "{\"time\":\"2026-11-22T19:58:14.123456Z\",\"level\":\"warn\","
    "\"id\":\"we\\\"b\",\"message\":\"one\"}\n"
    "{\"time\":\"2026-11-22T19:58:14.123456Z\",\"level\":\"error\","
    "\"message\":\"\"}\n");
}

static void a_logfmt_line_is_a_row_of_fields (void **state) {
  pexec_logger *logger = new_logger(PEXEC_DEBUG, PEXEC_LOGFMT, path);
  (void)state;
  pexec_logger_write(logger, PEXEC_WARN, "web", "one \"two\"", 9);
  pexec_logger_write(logger, PEXEC_ERROR, NULL, "", 0);
  pexec_logger_release(logger);
  expect_content(path,
    "time=2026-11-22T19:58:14.123456Z level=warn id=web "
    "msg=\"one \\\"two\\\"\"\n"
    "time=2026-11-22T19:58:14.123456Z level=error msg=\"\"\n");
}

static void other_levels_are_not_written (void **state) {
  pexec_logger *logger = new_logger(PEXEC_WARN, PEXEC_TEXT, path);
  (void)state;
  say(logger, "not this");
  say_lines(logger, "nor\nthese\n");
  pexec_logger_write(logger, (enum pexec_level)4, NULL, "nor this", 8);
  pexec_logger_write(logger, PEXEC_WARN, NULL, "this", 4);
  pexec_logger_release(logger);
  expect_content(path, HEAD "WARN  this\n");
}

static void an_id_cannot_forge_a_line (void **state) {
  pexec_logger *logger = text_logger();
  (void)state;
  pexec_logger_write(logger, PEXEC_INFO, "a\nb\x9b", "x", 1);
  pexec_logger_release(logger);
  expect_content(path, HEAD "INFO  a\\x0ab\\x9b: x\n");
}

/* {== writes ==== */

static void a_message_is_one_write (void **state) {
  static char message[60000];
  pexec_logger *logger = text_logger();
  (void)state;
  memset(message, 'm', sizeof(message));
  pexec_logger_write(logger, PEXEC_INFO, "web", message, 100);
  assert_int_equal(writes, 1);
  pexec_logger_write(logger, PEXEC_INFO, "web", message, sizeof(message));
  assert_int_equal(writes, 2);
  pexec_logger_release(logger);
}

static void a_message_of_any_length_is_one_line (void **state) {
  static char message[MEGABYTE];
  pexec_logger *logger = text_logger();
  const char *body = content + strlen(HEAD "INFO  ");
  (void)state;
  memset(message, 'm', sizeof(message));
  pexec_logger_write(logger, PEXEC_INFO, NULL, message, sizeof(message));
  pexec_logger_release(logger);
  (void)read_file(path);
  assert_int_equal(last_size, strlen(HEAD "INFO  \n") + sizeof(message));
  assert_memory_equal(body, message, sizeof(message));
  assert_string_equal(body + sizeof(message), "\n");
}

static void each_line_of_a_chunk_is_a_message (void **state) {
  pexec_logger *logger = text_logger();
  (void)state;
  say_lines(logger, "one\n\ntwo\r\nthree");
  say_lines(logger, "");
  say_lines(logger, "\n");
  pexec_logger_release(logger);
  expect_content(path, HEAD "INFO  web: one\n" HEAD "INFO  web: \n"
                 HEAD "INFO  web: two\\x0d\n" HEAD "INFO  web: three\n"
                 HEAD "INFO  web: \n");
  assert_int_equal(writes, 2);
}

/* Numbered lines of many lengths, as a chunk and as they are logged. */
#define LINES 20000
static char chunk[LINES * 64], logged[LINES * 96];

static void make_chunk (void) {
  char *line = chunk, *copy = logged;
  for (int i = 0; i < LINES; i++) {
    line += sprintf(line, "%0*d\n", i % 50, i);
    copy += sprintf(copy, HEAD "INFO  web: %0*d\n", i % 50, i);
  }
}

static void a_large_chunk_is_batched (void **state) {
  pexec_logger *logger = text_logger();
  (void)state;
  make_chunk();
  say_lines(logger, chunk);
  assert_in_range(writes, 1, strlen(logged) / 60000 + 1);
  pexec_logger_release(logger);
  (void)read_file(path);
  assert_true(strcmp(content, logged) == 0);
}

static void each_write_of_a_batch_has_whole_lines (void **state) {
  (void)state;
  make_chunk();
  fake.write_error = -EIO;
  for (int i = 1; i < 20; i++) {
    pexec_logger *logger = text_logger();
    fake.good_writes = i;
    say_lines(logger, chunk);
    pexec_logger_release(logger);
    assert_true(read_file(path) > 0);
    assert_int_equal(content[last_size - 1], '\n');
    (void)unlink(path);
  }
}

static void interrupted_and_short_writes_are_continued (void **state) {
  pexec_logger *logger = text_logger();
  (void)state;
  fake.interrupted = 2;
  fake.most_bytes = 7;
  say(logger, "all of it");
  pexec_logger_release(logger);
  expect_content(path, HEAD "INFO  all of it\n");
}

/* {== sinks that fail ==== */

static void lost_lines_are_counted_and_told_of (void **state) {
  pexec_logger *logger = text_logger();
  (void)state;
  fake.write_error = -ENOSPC;
  say(logger, "lost");
  say_lines(logger, "lost\nlost, too\n");
  fake.write_error = 0;
  say(logger, "back");
  say(logger, "again");
  pexec_logger_release(logger);
  expect_content(path,
    HEAD "ERROR 3 log lines lost: no space left on device\n"
    HEAD "INFO  back\n" HEAD "INFO  again\n");
}

static void a_write_that_takes_nothing_has_failed (void **state) {
  pexec_logger *logger = text_logger();
  (void)state;
  fake.takes_nothing = 1;
  say(logger, "lost");
  fake.takes_nothing = 0;
  pexec_logger_release(logger);
  expect_content(path, HEAD "ERROR 1 log lines lost: input/output error\n");
}

static void json_tells_of_lost_lines_in_an_object (void **state) {
  pexec_logger *logger = new_logger(PEXEC_ERROR, PEXEC_JSON, path);
  (void)state;
  fake.write_error = -EIO;
  pexec_logger_write(logger, PEXEC_ERROR, NULL, "lost", 4);
  fake.write_error = 0;
  pexec_logger_release(logger);
  expect_content(path,
    "{\"time\":\"2026-11-22T19:58:14.123456Z\",\"level\":\"error\","
    "\"message\":\"1 log lines lost: input/output error\"}\n");
}

static void a_torn_line_is_ended_before_the_next (void **state) {
  pexec_logger *logger = text_logger();
  (void)state;
  fake.most_bytes = 32;
  fake.write_error = -ENOSPC;
  fake.good_writes = 1;
  say(logger, "torn");
  fake.good_writes = 1;
  say(logger, "lost with a torn notice");
  fake.write_error = 0;
  say(logger, "back");
  pexec_logger_release(logger);
  expect_content(path, HEAD "INFO\n" HEAD "ERR\n"
                 HEAD "ERROR 2 log lines lost: no space left on device\n"
                 HEAD "INFO  back\n");
}

static void a_loss_after_the_notice_is_a_new_one (void **state) {
  pexec_logger *logger = text_logger();
  (void)state;
  fake.write_error = -ENOSPC;
  say_lines(logger, "1\n2\n3\n");
  fake.most_bytes = strlen(HEAD
    "ERROR 3 log lines lost: no space left on device\n");
  fake.good_writes = 1;
  say_lines(logger, "4\n5\n");
  memset(&fake.write_error, 0, sizeof(fake.write_error));
  say(logger, "back");
  pexec_logger_release(logger);
  expect_content(path,
    HEAD "ERROR 3 log lines lost: no space left on device\n"
    HEAD "ERROR 2 log lines lost: no space left on device\n"
    HEAD "INFO  back\n");
}

static void the_rest_of_a_long_line_is_dropped_with_it (void **state) {
  static char message[MEGABYTE];
  pexec_logger *logger = text_logger();
  (void)state;
  memset(message, 'm', sizeof(message));
  fake.write_error = -ENOSPC;
  fake.good_writes = 2;
  pexec_logger_write(logger, PEXEC_INFO, NULL, message, sizeof(message));
  assert_int_equal(writes, 3);
  fake.write_error = 0;
  say(logger, "back");
  pexec_logger_release(logger);
  (void)read_file(path);
  assert_string_equal(strchr(content, '\n'), "\n"
    HEAD "ERROR 1 log lines lost: no space left on device\n"
    HEAD "INFO  back\n");
}

/* Runs with stderr as 'fd', which is closed, and puts stderr back. */
static pexec_logger *redirect_stderr (int fd, int *saved) {
  *saved = dup(STDERR_FILENO);
  assert_true(dup2(fd, STDERR_FILENO) == STDERR_FILENO);
  (void)close(fd);
  return new_logger(PEXEC_INFO, PEXEC_TEXT, NULL);
}

static void restore_stderr (int saved) {
  (void)dup2(saved, STDERR_FILENO);
  (void)close(saved);
}

static void stderr_is_written_to_and_never_closed (void **state) {
  int saved;
  pexec_logger *logger = redirect_stderr(
    open(path, O_WRONLY | O_CREAT | O_APPEND, 0600), &saved);
  int is_open;
  (void)state;
  say(logger, "to stderr");
  pexec_logger_release(logger);
  is_open = fcntl(STDERR_FILENO, F_GETFD) >= 0;
  restore_stderr(saved);
  assert_true(is_open);
  assert_int_equal(files, 0);
  expect_content(path, HEAD "INFO  to stderr\n");
}

static int is_pending (int signo) {
  sigset_t pending;
  (void)sigpending(&pending);
  return sigismember(&pending, signo);
}

static void a_pipe_without_reader_raises_nothing (void **state) {
  int fds[2], saved, was_pending;
  pexec_logger *logger;
  sigset_t pipe_signal, before;
  (void)state;
  (void)sigemptyset(&pipe_signal);
  (void)sigaddset(&pipe_signal, SIGPIPE);
  assert_int_equal(pipe(fds), 0);
  (void)close(fds[0]);
  logger = redirect_stderr(fds[1], &saved);
  say(logger, "this would kill");
  (void)pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  say(logger, "this would kill later");
  was_pending = is_pending(SIGPIPE);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  pexec_logger_release(logger);
  restore_stderr(saved);
  assert_int_equal(was_pending, 0);
  assert_int_equal(writes, 3);
}

static void a_sigpipe_of_the_hosts_own_stays (void **state) {
  int fds[2], saved, was_pending;
  pexec_logger *logger;
  sigset_t pipe_signal, before;
  (void)state;
  (void)sigemptyset(&pipe_signal);
  (void)sigaddset(&pipe_signal, SIGPIPE);
  (void)pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  (void)raise(SIGPIPE);
  assert_int_equal(pipe(fds), 0);
  (void)close(fds[0]);
  logger = redirect_stderr(fds[1], &saved);
  say(logger, "lost");
  was_pending = is_pending(SIGPIPE);
  pexec_logger_release(logger);
  restore_stderr(saved);
  if (was_pending) (void)sigwaitinfo(&pipe_signal, NULL);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  assert_int_equal(was_pending, 1);
}

static void a_file_at_its_size_limit_raises_nothing (void **state) {
  pexec_logger *logger = text_logger();
  struct rlimit before, limit;
  (void)state;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  limit = before;
  limit.rlim_cur = 0;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
  say(logger, "this would kill");
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  say(logger, "back");
  pexec_logger_release(logger);
  expect_content(path, HEAD "ERROR 1 log lines lost: file too large\n"
                 HEAD "INFO  back\n");
}

static void fill (int fd) {
  char zeros[4096] = "";
  while (write(fd, zeros, sizeof(zeros)) > 0) continue;
  assert_int_equal(errno, EAGAIN);
}

static void a_stuck_pipe_loses_lines_and_holds_up_nobody (void **state) {
  int reader, writer;
  pexec_logger *logger;
  (void)state;
  assert_int_equal(mkfifo(path, 0600), 0);
  reader = open(path, O_RDONLY | O_NONBLOCK);
  writer = open(path, O_WRONLY | O_NONBLOCK);
  logger = text_logger();
  fill(writer);
  say(logger, "waits a second");
  for (int i = 0; i < 999; i++) say(logger, "does not wait");
  while (read(reader, content, sizeof(content)) > 0) continue;
  say(logger, "back");
  content[read(reader, content, sizeof(content) - 1)] = '\0';
  pexec_logger_release(logger);
  (void)close(reader);
  (void)close(writer);
  assert_string_equal(content,
    HEAD "ERROR 1000 log lines lost: resource temporarily unavailable\n"
    HEAD "INFO  back\n");
}

static void a_pipe_gets_whole_lines_that_cannot_mix (void **state) {
  int reader;
  ssize_t got;
  pexec_logger *logger;
  (void)state;
  make_chunk();
  assert_int_equal(mkfifo(path, 0600), 0);
  reader = open(path, O_RDONLY | O_NONBLOCK);
  logger = text_logger();
  fake.write_error = -EIO;
  fake.good_writes = 1;
  say_lines(logger, chunk);
  fake.write_error = 0;
  got = read(reader, content, sizeof(content));
  pexec_logger_release(logger);
  (void)close(reader);
  assert_in_range(got, 3900, 4096);
  assert_int_equal(content[got - 1], '\n');
}

/* {== files ==== */

static void a_file_is_made_for_owner_and_group_and_appended_to (void **state) {
  struct stat status;
  mode_t mask = umask(0777);
  pexec_logger *logger = text_logger();
  (void)state;
  (void)umask(mask);
  say(logger, "one");
  pexec_logger_release(logger);
  logger = text_logger();
  say(logger, "two");
  pexec_logger_release(logger);
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 07777, 0640);
  expect_content(path, HEAD "INFO  one\n" HEAD "INFO  two\n");
}

static void a_file_that_cannot_be_opened_is_an_error (void **state) {
  pexec_logger_options options = PEXEC_LOGGER_OPTIONS_INIT;
  pexec_logger *logger = NULL;
  (void)state;
  options.file = directory;
  assert_int_equal(pexec_logger_new(&options, &logger), -EISDIR);
  options.file = "/nonexistent/log";
  assert_int_equal(pexec_logger_new(&options, &logger), -ENOENT);
  options.file = "";
  assert_int_equal(pexec_logger_new(&options, &logger), -ENOENT);
  assert_null(logger);
}

static void a_fifo_without_reader_is_an_error_at_once (void **state) {
  pexec_logger_options options = PEXEC_LOGGER_OPTIONS_INIT;
  pexec_logger *logger = NULL;
  (void)state;
  options.file = path;
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_int_equal(pexec_logger_new(&options, &logger), -ENXIO);
  assert_null(logger);
}

static void a_file_renamed_by_others_is_made_anew (void **state) {
  pexec_logger *logger = text_logger();
  (void)state;
  say(logger, "old");
  assert_int_equal(rename(path, other), 0);
  say(logger, "within the second");
  fake.now_s = NOW + 1;
  say(logger, "new");
  pexec_logger_release(logger);
  expect_content(other, HEAD "INFO  old\n" HEAD "INFO  within the second\n");
  expect_content(path, NEXT_HEAD "INFO  new\n");
}

static void a_new_file_does_not_begin_within_a_line (void **state) {
  pexec_logger *logger = text_logger();
  (void)state;
  fake.most_bytes = 10;
  fake.write_error = -ENOSPC;
  fake.good_writes = 1;
  say(logger, "torn");
  fake.write_error = 0;
  assert_int_equal(rename(path, other), 0);
  fake.now_s = NOW + 1;
  pexec_logger_release(logger);
  expect_content(path, NEXT_HEAD
                 "ERROR 1 log lines lost: no space left on device\n");
}

static void a_file_replaced_by_others_is_changed_to (void **state) {
  pexec_logger *logger = text_logger();
  (void)state;
  assert_int_equal(rename(path, other), 0);
  (void)close(open(path, O_WRONLY | O_CREAT, 0600));
  fake.now_s = NOW + 1;
  say(logger, "new");
  pexec_logger_release(logger);
  expect_content(other, "");
  expect_content(path, NEXT_HEAD "INFO  new\n");
}

static void a_renamed_file_goes_on_where_no_new_one_can_be (void **state) {
  pexec_logger *logger = text_logger();
  (void)state;
  assert_int_equal(rename(path, other), 0);
  fake.open_error = -EACCES;
  fake.now_s = NOW + 1;
  say(logger, "kept");
  pexec_logger_release(logger);
  expect_content(other, NEXT_HEAD "INFO  kept\n");
}

static void lines_for_a_deleted_file_are_lost_until_it_is_back (void **state) {
  pexec_logger *logger = text_logger();
  (void)state;
  assert_int_equal(unlink(path), 0);
  fake.open_error = -ENOENT;
  fake.now_s = NOW + 1;
  say(logger, "lost");
  say(logger, "lost in the same second");
  fake.now_s = NOW + 2;
  say(logger, "lost in another");
  fake.open_error = 0;
  fake.now_s = NOW + 3;
  say(logger, "back");
  pexec_logger_release(logger);
  expect_content(path, "2026-11-22T19:58:17.123456Z "
                 "ERROR 3 log lines lost: no such file or directory\n"
                 "2026-11-22T19:58:17.123456Z INFO  back\n");
}

static void a_relative_path_is_the_one_it_was_at_first (void **state) {
  char before[4096];
  pexec_logger *logger;
  (void)state;
  assert_non_null(getcwd(before, sizeof(before)));
  assert_int_equal(chdir(directory), 0);
  logger = new_logger(PEXEC_INFO, PEXEC_TEXT, "log");
  assert_int_equal(chdir(before), 0);
  assert_int_equal(unlink(path), 0);
  fake.now_s = NOW + 1;
  say(logger, "there");
  pexec_logger_release(logger);
  expect_content(path, NEXT_HEAD "INFO  there\n");
}

static void a_device_may_be_a_sink (void **state) {
  pexec_logger *logger = new_logger(PEXEC_INFO, PEXEC_TEXT, "/dev/full");
  (void)state;
  say(logger, "lost");
  assert_int_equal(writes, 1);
  pexec_logger_release(logger);
}

static void a_link_is_followed (void **state) {
  pexec_logger *logger;
  (void)state;
  (void)close(open(other, O_WRONLY | O_CREAT, 0600));
  assert_int_equal(symlink(other, path), 0);
  logger = text_logger();
  say(logger, "behind it");
  pexec_logger_release(logger);
  expect_content(other, HEAD "INFO  behind it\n");
}

static void a_socket_is_no_log_file (void **state) {
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  pexec_logger_options options = PEXEC_LOGGER_OPTIONS_INIT;
  pexec_logger *logger = NULL;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  (void)state;
  (void)strcpy(address.sun_path, path);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
  (void)close(fd);
  options.file = path;
  assert_int_equal(pexec_logger_new(&options, &logger), -ENXIO);
}

static void a_line_that_another_tore_is_ended (void **state) {
  int fd = open(path, O_WRONLY | O_CREAT, 0600);
  pexec_logger *logger;
  (void)state;
  assert_int_equal(write(fd, "torn", 4), 4);
  (void)close(fd);
  logger = text_logger();
  say(logger, "whole");
  pexec_logger_release(logger);
  expect_content(path, "torn\n" HEAD "INFO  whole\n");
}

static void a_fifo_goes_on_with_its_next_reader (void **state) {
  int reader;
  pexec_logger *logger;
  (void)state;
  assert_int_equal(mkfifo(path, 0600), 0);
  reader = open(path, O_RDONLY | O_NONBLOCK);
  logger = text_logger();
  (void)close(reader);
  say(logger, "lost");
  reader = open(path, O_RDONLY | O_NONBLOCK);
  fake.now_s = NOW + 1;
  say(logger, "back");
  content[read(reader, content, sizeof(content) - 1)] = '\0';
  (void)close(reader);
  pexec_logger_release(logger);
  assert_string_equal(content, NEXT_HEAD "ERROR 1 log lines lost: broken "
                      "pipe\n" NEXT_HEAD "INFO  back\n");
}

/* {== rotation ==== */

/* Of a file that two messages of say_numbers fill. */
static pexec_logger *rotating_logger (int compress) {
  pexec_logger_options options = PEXEC_LOGGER_OPTIONS_INIT;
  options.file = path;
  options.max_size = 2 * (int64_t)strlen(HEAD "INFO  1\n");
  options.keep = 2;
  options.compress = compress;
  return logger_of(&options);
}

static void say_numbers (pexec_logger *logger, char from, char to) {
  for (char number = from; number <= to; number++)
    pexec_logger_write(logger, PEXEC_INFO, NULL, &number, 1);
}

static void a_full_file_is_rotated_at_a_lines_end (void **state) {
  pexec_logger *logger = rotating_logger(0);
  (void)state;
  say_numbers(logger, '1', '7');
  pexec_logger_release(logger);
  expect_content(path, HEAD "INFO  7\n");
  expect_content(other, HEAD "INFO  5\n" HEAD "INFO  6\n");
  (void)strcpy(other + strlen(other) - 1, "2");
  expect_content(other, HEAD "INFO  3\n" HEAD "INFO  4\n");
  (void)strcpy(other + strlen(other) - 1, "3");
  assert_int_equal(access(other, F_OK), -1);
  assert_int_equal(starts, 0);
}

static void a_file_is_rotated_by_the_clock (void **state) {
  pexec_logger_options options = PEXEC_LOGGER_OPTIONS_INIT;
  pexec_logger *logger;
  (void)state;
  options.file = path;
  options.mode = 0604;
  options.rotate_every_ms = 1000;
  logger = logger_of(&options);
  say(logger, "before");
  fake.now_s = NOW + 1;
  say(logger, "after");
  pexec_logger_release(logger);
  expect_content(other, HEAD "INFO  before\n");
  expect_content(path, NEXT_HEAD "INFO  after\n");
}

static void the_mode_is_the_one_asked_for (void **state) {
  pexec_logger_options options = PEXEC_LOGGER_OPTIONS_INIT;
  struct stat status;
  (void)state;
  options.file = path;
  options.mode = 0604;
  pexec_logger_release(logger_of(&options));
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 07777, 0604);
}

static bool exists (const char *suffix) {
  char name[96];
  (void)snprintf(name, sizeof(name), "%s%s", path, suffix);
  return access(name, F_OK) == 0;
}

/* Until that is there; tests end by alarm where it never is. */
static void await_file (const char *suffix) {
  const struct timespec pause = { 0, 1000000 };
  while (!exists(suffix)) (void)nanosleep(&pause, NULL);
}

static void await_no_file (const char *suffix) {
  const struct timespec pause = { 0, 1000000 };
  while (exists(suffix)) (void)nanosleep(&pause, NULL);
}

static void expect_packed (const char *suffix, const char *text) {
  char name[96];
  gzFile file;
  (void)snprintf(name, sizeof(name), "%s%s", path, suffix);
  file = gzopen(name, "rb");
  assert_non_null(file);
  content[gzread(file, content, sizeof(content) - 1)] = '\0';
  assert_int_equal(gzclose(file), Z_OK);
  assert_string_equal(content, text);
}

/* The seam sees to it that the host's thread does none of it. */
static void rotated_files_are_compressed_by_a_thread (void **state) {
  pexec_logger *logger = rotating_logger(1);
  (void)state;
  say_numbers(logger, '1', '3');
  await_file(".1.gz");
  await_no_file(".1");
  say_numbers(logger, '4', '5');
  await_file(".2.gz");
  await_file(".1.gz");
  await_no_file(".1");
  pexec_logger_release(logger);
  expect_packed(".2.gz", HEAD "INFO  1\n" HEAD "INFO  2\n");
  expect_packed(".1.gz", HEAD "INFO  3\n" HEAD "INFO  4\n");
  expect_content(path, HEAD "INFO  5\n");
}

static void a_thread_is_made_only_where_there_is_work (void **state) {
  pexec_logger *logger = rotating_logger(1);
  (void)state;
  say_numbers(logger, '1', '3');
  await_file(".1.gz");
  await_no_file(".1");
  starts = 0;
  pexec_logger_release(logger);
  logger = new_logger(PEXEC_INFO, PEXEC_TEXT, path);
  say_numbers(logger, '1', '9');
  assert_int_equal(starts, 0);
  pexec_logger_release(logger);
}

static void without_a_thread_files_wait_for_one (void **state) {
  pexec_logger *logger = rotating_logger(1);
  (void)state;
  fake.thread_error = -EAGAIN;
  say_numbers(logger, '1', '6');
  assert_int_equal(starts, 1);
  fake.now_s = NOW + 1;
  say_numbers(logger, '7', '7');
  assert_int_equal(starts, 2);
  fake.thread_error = 0;
  fake.now_s = NOW + 2;
  say_numbers(logger, '8', '8');
  await_file(".1.gz");
  await_file(".2.gz");
  await_no_file(".1");
  pexec_logger_release(logger);
  expect_packed(".2.gz", HEAD "INFO  3\n" HEAD "INFO  4\n");
}

/* A gibibyte of nothing takes seconds. */
static void a_release_waits_for_no_compression (void **state) {
  int fd = open(other, O_WRONLY | O_CREAT, 0600);
  pexec_logger *logger;
  (void)state;
  assert_int_equal(ftruncate(fd, (off_t)1024 * MEGABYTE), 0);
  (void)close(fd);
  logger = rotating_logger(1);
  say_numbers(logger, '1', '1');
  while (compressions == 0) (void)sched_yield();
  pexec_logger_release(logger);
  assert_true(exists(".1"));
  assert_false(exists(".1.gz"));
  assert_false(exists(".gz-tmp"));
}

/* {== the host ==== */

static pexec_logger *handlers_logger;

static void log_in_handler (int signo) {
  (void)signo;
  fake.signo = 0;
  say(handlers_logger, "handler");
}

static void a_handler_of_the_host_may_log_at_any_moment (void **state) {
  struct sigaction action = { .sa_handler = log_in_handler }, before;
  (void)state;
  handlers_logger = text_logger();
  assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
  fake.signo = SIGUSR1;
  say(handlers_logger, "interrupted");
  assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
  pexec_logger_release(handlers_logger);
  expect_content(path, HEAD "INFO  interrupted\n" HEAD "INFO  handler\n");
}

static void errno_and_mask_are_left_alone (void **state) {
  pexec_logger *logger = text_logger();
  sigset_t before, after;
  (void)state;
  (void)pthread_sigmask(SIG_SETMASK, NULL, &before);
  fake.write_error = -EIO;
  errno = ERANGE;
  say(logger, "lost");
  assert_int_equal(errno, ERANGE);
  (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
  for (int signo = 1; signo < NSIG; signo++)
    assert_int_equal(sigismember(&after, signo),
                     sigismember(&before, signo));
  pexec_logger_release(logger);
}

static void a_forked_copy_writes_and_frees_nothing (void **state) {
  pexec_logger *logger = text_logger();
  (void)state;
  fake.self++;
  say(logger, "in the copy");
  pexec_logger_release(logger);
  fake.self--;
  assert_int_equal(writes, 0);
  say(logger, "in the parent");
  pexec_logger_release(logger);
  expect_content(path, HEAD "INFO  in the parent\n");
}

static void a_logger_lives_until_its_last_release (void **state) {
  pexec_logger *logger = text_logger();
  (void)state;
  assert_ptr_equal(pexec_logger_retain(logger), logger);
  pexec_logger_release(logger);
  say(logger, "alive");
  pexec_logger_release(logger);
  assert_int_equal(blocks, 0);
  assert_int_equal(files, 0);
  expect_content(path, HEAD "INFO  alive\n");
}

static void no_logger_drops_everything (void **state) {
  (void)state;
  assert_null(pexec_logger_retain(NULL));
  say(NULL, "nowhere");
  say_lines(NULL, "nowhere\n");
  pexec_logger_release(NULL);
  assert_int_equal(writes, 0);
}

static void no_memory_is_an_error (void **state) {
  pexec_logger_options options = PEXEC_LOGGER_OPTIONS_INIT;
  pexec_logger *logger = NULL;
  (void)state;
  options.file = path;
  for (int i = 0; i < 3; i++) {
    fake.good_mallocs = i;
    assert_int_equal(pexec_logger_new(&options, &logger), -ENOMEM);
    assert_null(logger);
  }
  fake.good_mallocs = 3;
  assert_int_equal(pexec_logger_new(&options, &logger), 0);
  pexec_logger_release(logger);
}

static void options_that_an_older_host_lacks_are_the_defaults (void **state) {
  pexec_logger_options options = PEXEC_LOGGER_OPTIONS_INIT;
  int saved;
  pexec_logger *logger = NULL;
  (void)state;
  options.level = PEXEC_ERROR;
  options.format = PEXEC_JSON;
  options.file = "/";
  options.size = offsetof(pexec_logger_options, format);
  assert_int_equal(pexec_logger_new(&options, &logger), 0);
  pexec_logger_release(redirect_stderr(
    open(path, O_WRONLY | O_CREAT, 0600), &saved));
  pexec_logger_write(logger, PEXEC_WARN, NULL, "below", 5);
  pexec_logger_write(logger, PEXEC_ERROR, NULL, "text", 4);
  pexec_logger_release(logger);
  restore_stderr(saved);
  expect_content(path, HEAD "ERROR text\n");
}

static void options_that_make_no_sense_are_refused (void **state) {
  pexec_logger_options bad[9];
  pexec_logger *logger = NULL;
  (void)state;
  for (size_t i = 0; i < COUNT(bad); i++)
    bad[i] = (pexec_logger_options)PEXEC_LOGGER_OPTIONS_INIT;
  bad[0].size = 0;
  bad[1].level = (enum pexec_level)4;
  bad[2].level = (enum pexec_level)-1;
  bad[3].format = PEXEC_RAW;
  bad[4].mode = 010000;
  bad[5].max_size = -1;
  bad[6].keep = -1;
  bad[7].rotate_every_ms = -1;
  bad[8].rotate_every_ms = INT64_MAX;
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_int_equal(pexec_logger_new(&bad[i], &logger), -EINVAL);
  assert_null(logger);
  assert_int_equal(pexec_logger_new(NULL, &logger), 0);
  pexec_logger_release(logger);
}

/* {== threads ==== */

#define THREADS 8
#define ROUNDS 300

struct talker {
  pexec_logger *logger;
  char id[16];
};

/* In each round a message and a chunk of two lines, numbered in a row. */
static void *talk (void *argument) {
  struct talker *talker = argument;
  pexec_logger *logger = pexec_logger_retain(talker->logger);
  for (int i = 0; i < ROUNDS; i++) {
    char text[64];
    int length = snprintf(text, sizeof(text), "line %d", 3 * i);
    pexec_logger_write(logger, PEXEC_INFO, talker->id, text,
                       (size_t)length);
    length = snprintf(text, sizeof(text), "line %d\nline %d\n", 3 * i + 1,
                      3 * i + 2);
    pexec__logger_lines(logger, PEXEC_INFO, talker->id, text,
                        (size_t)length);
  }
  pexec_logger_release(logger);
  return NULL;
}

static void expect_talk (void) {
  int next[THREADS] = { 0 };
  char *rest = NULL;
  for (char *line = strtok_r(content, "\n", &rest); line != NULL;
       line = strtok_r(NULL, "\n", &rest)) {
    int thread = -1, number = -1, end = 0;
    (void)sscanf(line, HEAD "INFO  t%d: line %d%n", &thread, &number, &end);
    assert_in_range(thread, 0, THREADS - 1);
    assert_int_equal(number, next[thread]++);
    assert_int_equal(strlen(line), end);
  }
  for (int i = 0; i < THREADS; i++) assert_int_equal(next[i], 3 * ROUNDS);
}

static void lines_of_many_threads_never_mix (void **state) {
  pthread_t threads[THREADS];
  struct talker talkers[THREADS];
  pexec_logger *logger = text_logger();
  (void)state;
  fake.most_bytes = 20;
  for (int i = 0; i < THREADS; i++) {
    talkers[i].logger = logger;
    (void)snprintf(talkers[i].id, sizeof(talkers[i].id), "t%d", i);
    assert_int_equal(pthread_create(&threads[i], NULL, talk, &talkers[i]),
                     0);
  }
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  pexec_logger_release(logger);
  (void)read_file(path);
  expect_talk();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main (void) {
  const struct CMUnitTest tests[] = {
    TEST(a_text_line_says_when_how_grave_who_and_what),
    TEST(a_json_line_is_one_object),
    TEST(a_logfmt_line_is_a_row_of_fields),
    TEST(other_levels_are_not_written),
    TEST(an_id_cannot_forge_a_line),
    TEST(a_message_is_one_write),
    TEST(a_message_of_any_length_is_one_line),
    TEST(each_line_of_a_chunk_is_a_message),
    TEST(a_large_chunk_is_batched),
    TEST(each_write_of_a_batch_has_whole_lines),
    TEST(interrupted_and_short_writes_are_continued),
    TEST(lost_lines_are_counted_and_told_of),
    TEST(a_write_that_takes_nothing_has_failed),
    TEST(json_tells_of_lost_lines_in_an_object),
    TEST(a_torn_line_is_ended_before_the_next),
    TEST(a_loss_after_the_notice_is_a_new_one),
    TEST(the_rest_of_a_long_line_is_dropped_with_it),
    TEST(stderr_is_written_to_and_never_closed),
    TEST(a_pipe_without_reader_raises_nothing),
    TEST(a_sigpipe_of_the_hosts_own_stays),
    TEST(a_file_at_its_size_limit_raises_nothing),
    TEST(a_stuck_pipe_loses_lines_and_holds_up_nobody),
    TEST(a_pipe_gets_whole_lines_that_cannot_mix),
    TEST(a_file_is_made_for_owner_and_group_and_appended_to),
    TEST(a_file_that_cannot_be_opened_is_an_error),
    TEST(a_fifo_without_reader_is_an_error_at_once),
    TEST(a_file_renamed_by_others_is_made_anew),
    TEST(a_new_file_does_not_begin_within_a_line),
    TEST(a_file_replaced_by_others_is_changed_to),
    TEST(a_renamed_file_goes_on_where_no_new_one_can_be),
    TEST(lines_for_a_deleted_file_are_lost_until_it_is_back),
    TEST(a_relative_path_is_the_one_it_was_at_first),
    TEST(a_device_may_be_a_sink),
    TEST(a_link_is_followed),
    TEST(a_socket_is_no_log_file),
    TEST(a_line_that_another_tore_is_ended),
    TEST(a_fifo_goes_on_with_its_next_reader),
    TEST(a_full_file_is_rotated_at_a_lines_end),
    TEST(a_file_is_rotated_by_the_clock),
    TEST(the_mode_is_the_one_asked_for),
    TEST(rotated_files_are_compressed_by_a_thread),
    TEST(a_thread_is_made_only_where_there_is_work),
    TEST(without_a_thread_files_wait_for_one),
    TEST(a_release_waits_for_no_compression),
    TEST(a_handler_of_the_host_may_log_at_any_moment),
    TEST(errno_and_mask_are_left_alone),
    TEST(a_forked_copy_writes_and_frees_nothing),
    TEST(a_logger_lives_until_its_last_release),
    TEST(no_logger_drops_everything),
    TEST(no_memory_is_an_error),
    TEST(options_that_an_older_host_lacks_are_the_defaults),
    TEST(options_that_make_no_sense_are_refused),
    TEST(lines_of_many_threads_never_mix)
  };
  (void)alarm(120);  /* a logger that hangs is a failure, too */
  return cmocka_run_group_tests_name("logger", tests, NULL, NULL);
}
