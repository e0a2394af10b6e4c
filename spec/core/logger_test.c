/*
** Specifies what the built-in logger writes, and what becomes of it where
** that cannot be written: on real files, FIFOs and pipes. The threads of one
** test share a logger; all else is one thread.
** seam: own logger.c compressor.c format.c escape.c logfile.c rotate.c compress.c error.c
*/

#include "logger_seam.h"

static void say_lines (pexec_logger *logger, const char *text) {
  pexec__logger_lines(logger, PEXEC_INFO, "web", text, strlen(text));
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

static void a_large_chunk_for_a_file_at_stderr_is_batched (void **state) {
  int saved;
  pexec_logger *logger = redirect_stderr(
    open(path, O_WRONLY | O_CREAT | O_APPEND, 0600), &saved);
  (void)state;
  make_chunk();
  say_lines(logger, chunk);
  pexec_logger_release(logger);
  restore_stderr(saved);
  assert_in_range(writes, 1, strlen(logged) / 60000 + 1);
  (void)read_file(path);
  assert_true(strcmp(content, logged) == 0);
}

/* A write of more than there is room for would block for ever. */
static void a_stuck_pipe_at_stderr_holds_up_nobody (void **state) {
  int fds[2], saved;
  ssize_t got;
  pexec_logger *logger;
  (void)state;
  make_chunk();
  assert_int_equal(pipe(fds), 0);
  assert_true(fcntl(fds[1], F_SETPIPE_SZ, 4 * 4096) >= 0);
  logger = redirect_stderr(fds[1], &saved);
  say_lines(logger, chunk);
  say_lines(logger, chunk);
  restore_stderr(saved);
  got = read(fds[0], content, sizeof(content));
  (void)close(fds[0]);
  pexec_logger_release(logger);
  assert_in_range(got, 4 * 3900, 4 * 4096);
  assert_int_equal(content[got - 1], '\n');
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

static void *read_soon (void *argument) {
  const struct timespec a_while = { 0, 50000000 };
  (void)nanosleep(&a_while, NULL);
  assert_true(read(*(int *)argument, content, sizeof(content)) > 0);
  return NULL;
}

static void a_pipe_that_is_read_within_the_second_loses_nothing (void **s) {
  int reader, writer;
  pexec_logger *logger;
  pthread_t thread;
  ssize_t got;
  (void)s;
  assert_int_equal(mkfifo(path, 0600), 0);
  reader = open(path, O_RDONLY | O_NONBLOCK);
  writer = open(path, O_WRONLY | O_NONBLOCK);
  logger = text_logger();
  fill(writer);
  assert_int_equal(pthread_create(&thread, NULL, read_soon, &reader), 0);
  say(logger, "late");
  assert_int_equal(pthread_join(thread, NULL), 0);
  got = read(reader, content, sizeof(content) - 1);
  pexec_logger_release(logger);
  (void)close(reader);
  (void)close(writer);
  assert_true(got > 0);
  content[got] = '\0';
  assert_string_equal(content, HEAD "INFO  late\n");
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
  pthread_t talking[THREADS];
  struct talker talkers[THREADS];
  pexec_logger *logger = text_logger();
  (void)state;
  fake.most_bytes = 20;
  for (int i = 0; i < THREADS; i++) {
    talkers[i].logger = logger;
    (void)snprintf(talkers[i].id, sizeof(talkers[i].id), "t%d", i);
    assert_int_equal(pthread_create(&talking[i], NULL, talk, &talkers[i]),
                     0);
  }
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_join(talking[i], NULL), 0);
  pexec_logger_release(logger);
  (void)read_file(path);
  expect_talk();
}

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
    TEST(a_large_chunk_for_a_file_at_stderr_is_batched),
    TEST(a_stuck_pipe_at_stderr_holds_up_nobody),
    TEST(a_pipe_without_reader_raises_nothing),
    TEST(a_sigpipe_of_the_hosts_own_stays),
    TEST(a_file_at_its_size_limit_raises_nothing),
    TEST(a_stuck_pipe_loses_lines_and_holds_up_nobody),
    TEST(a_pipe_that_is_read_within_the_second_loses_nothing),
    TEST(a_pipe_gets_whole_lines_that_cannot_mix),
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
