/*
** Specifies how the built-in logger has its file: opened, followed, rotated,
** compressed. One thread, but for the one that some loggers compress on.
** seam: own logger.c compressor.c format.c escape.c logfile.c rotate.c compress.c error.c
*/

#include "logger_seam.h"

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

/* Of a gibibyte of nothing: that takes seconds. */
static pexec_logger *begin_compression (void) {
  int fd = open(other, O_WRONLY | O_CREAT, 0600);
  pexec_logger *logger;
  assert_int_equal(ftruncate(fd, (off_t)1024 * MEGABYTE), 0);
  (void)close(fd);
  logger = rotating_logger(1);
  say_numbers(logger, '1', '1');
  while (compressions == 0) (void)sched_yield();
  return logger;
}

static void a_message_waits_for_no_compression (void **state) {
  pexec_logger *logger = begin_compression();
  (void)state;
  say_numbers(logger, '2', '3');
  assert_true(exists(".2"));
  assert_false(exists(".2.gz"));
  assert_int_equal(starts, 1);
  pexec_logger_release(logger);
}

static void a_release_waits_for_no_compression (void **state) {
  pexec_logger *logger = begin_compression();
  (void)state;
  pexec_logger_release(logger);
  assert_true(exists(".1"));
  assert_false(exists(".1.gz"));
  assert_false(exists(".gz-tmp"));
}

int main (void) {
  const struct CMUnitTest tests[] = {
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
    TEST(a_message_waits_for_no_compression),
    TEST(a_release_waits_for_no_compression)
  };
  (void)alarm(120);  /* a logger that hangs is a failure, too */
  return cmocka_run_group_tests_name("logger_file", tests, NULL, NULL);
}
