/*
** Specifies log files through the door: when news waits for them, when
** children do, who shares them, and what is told where they fail. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1024 * 1024)
#define LOG "/log/a"
#define OTHER "/log/b"
#define LINE_SIZE 128

/* {== one process with files ============================================= */

static pexec_file files[2];
static const pexec_file *lists[2][3];

/* All of them RAW, rotated and dropping, where a test says nothing else. */
static void begin (const struct fake_program *program) {
  host_begin(program, 1);
  for (int i = 0; i < 2; i++) {
    files[i] = (pexec_file)PEXEC_FILE_INIT;
    files[i].path = i == 0 ? LOG : OTHER;
    lists[i][0] = &files[i];
    lists[i][1] = lists[i][2] = NULL;
  }
  host.config.output[0].files = lists[0];
  host.config.stop_timeout_ms = 3000;
}

static void begin_one_shot (const struct fake_program *program) {
  begin(program);
  host.config.one_shot = 1;
}

static void expect_text (const char *path, const char *told) {
  size_t length;
  const char *text = fake_file_text(path, &length);
  if (length != strlen(told) || memcmp(text, told, length) != 0)
    fail_msg("%s holds \"%.*s\", not \"%s\"", path, (int)length, text, told);
}

static bool has_text (const char *path, const char *part) {
  size_t length;
  const char *text = fake_file_text(path, &length);
  return memmem(text, length, part, strlen(part)) != NULL;
}

/* Opens them, and lets writing fail from then on. */
static void start_with_failing (int error) {
  host_start();
  assert_true(host_run_until(&host.started, 1, FAKE_S));
  assert_int_equal(host.start_error, 0);
  fake_file_fail(LOG, error);
}

/* {== news ============================================================== */

static const struct fake_program talker = {
  .lives_ns = 100 * FAKE_MS, .says = "one\n", .last_words = "last",
};

static void output_is_written_before_the_exit_is_told (void **s) {
  (void)s;
  begin_one_shot(&talker);
  start_with_failing(-EAGAIN);
  host_run(900 * FAKE_MS);
  assert_string_equal(host.order, "S");
  fake_file_fail(LOG, 0);
  assert_true(host_run_until(&host.exited, 1, 150 * FAKE_MS));
  expect_text(LOG, "one\nlast");
  assert_true(host_run_until(&host.ended, 1, 0));
  assert_string_equal(host.order, "SXE");
  host_end();
}

/* FAULTS 10: whichever of them that is */
static void the_slower_of_two_files_is_waited_for (void **s) {
  (void)s;
  for (int slower = 0; slower < 2; slower++) {
    begin_one_shot(&talker);
    lists[0][1] = &files[1];
    start_with_failing(0);
    fake_file_fail(files[slower].path, -EAGAIN);
    host_run(900 * FAKE_MS);
    assert_string_equal(host.order, "S");
    fake_file_fail(files[slower].path, 0);
    assert_true(host_run_until(&host.exited, 1, 150 * FAKE_MS));
    expect_text(files[slower].path, "one\nlast");
    host_end();
  }
}

static void output_is_written_before_the_stop_is_told (void **s) {
  const struct fake_program program = { .last_words = "bye\n" };
  (void)s;
  begin(&program);
  start_with_failing(-EAGAIN);
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(900 * FAKE_MS);
  assert_string_equal(host.order, "S");
  fake_file_fail(LOG, 0);
  assert_true(host_run_until(&host.stopped, 1, 150 * FAKE_MS));
  expect_text(LOG, "bye\n");
  host_run(0);
  assert_string_equal(host.order, "STE");
  host_end();
}

static void output_is_written_before_a_decision_is_asked_for (void **s) {
  (void)s;
  begin(&talker);
  host.config.asks = 1;
  start_with_failing(0);
  assert_true(host_run_until(&host.exited, 1, FAKE_S));
  expect_text(LOG, "one\nlast");
  host_end();
}

/* From its death until it is told. */
static int64_t wait_for_exit (int error, bool blocks) {
  int64_t died_at_ns;
  begin_one_shot(&talker);
  files[0].blocks = blocks;
  start_with_failing(error);
  died_at_ns = fake.now_ns + talker.lives_ns;
  assert_true(host_run_until(&host.ended, 1, 30 * FAKE_S));
  assert_string_equal(host.order, "SXE");
  died_at_ns = fake.now_ns - died_at_ns;
  fake_file_fail(LOG, 0);
  host_end();
  return died_at_ns;
}

static void a_reader_that_never_reads_delays_news_by_a_second (void **s) {
  (void)s;
  assert_in_range(wait_for_exit(-EAGAIN, false), 1000 * FAKE_MS,
                  1001 * FAKE_MS);
}

static void one_that_blocks_delays_news_by_the_stop_timeout_too (void **s) {
  (void)s;
  assert_in_range(wait_for_exit(-ENOSPC, true), 4000 * FAKE_MS,
                  4001 * FAKE_MS);
}

static void a_full_disk_hardly_delays_news (void **s) {
  (void)s;
  assert_in_range(wait_for_exit(-ENOSPC, false), 0, 100 * FAKE_MS);
}

static void after_news_that_was_delayed_it_runs_on (void **s) {
  int64_t last_ns;
  (void)s;
  begin(&talker);
  host.config.asks = 1;
  host.config.restart_delay_ms = 100;
  start_with_failing(-EAGAIN);
  last_ns = fake.now_ns;
  for (int i = 1; i <= 3; i++) {
    assert_true(host_run_until(&host.exited, i, 3 * FAKE_S));
    assert_in_range(fake.now_ns - last_ns, 1100 * FAKE_MS, 1210 * FAKE_MS);
    last_ns = fake.now_ns;
  }
  host_end();
}

/* {== a child that writes more than is taken ============================= */

static char *flood;  /* lines "<number>xxx...\n" */

static void make_flood (size_t size) {
  assert_non_null(flood = malloc(size + 1));
  memset(flood, 'x', size);
  for (size_t at = 0; at < size; at += LINE_SIZE) {
    flood[at + (size_t)sprintf(flood + at, "%zu", at / LINE_SIZE)] = 'x';
    flood[at + LINE_SIZE - 1] = '\n';
  }
  flood[size] = '\0';
}

static void start_flooding (struct fake_program *program, int error,
                            bool blocks) {
  make_flood(3 * MIB);
  *program = (struct fake_program){ .exec_ns = FAKE_MS, .says = flood };
  begin(program);
  files[0].blocks = blocks;
  fake_file_make(LOG, PEXEC__REGULAR);
  fake_file_fail(LOG, error);
  host_start();
  assert_true(host_run_until(&host.started, 1, FAKE_S));
}

static void end_flooding (void) {
  host_end();
  free(flood);
}

static void expect_waiting (void) {
  assert_in_range(fake.bytes_read, MIB / 2, MIB + 128 * 1024);
}

static void one_that_blocks_lets_the_child_wait_and_loses_nothing (void **s) {
  struct fake_program program;
  (void)s;
  start_flooding(&program, -ENOSPC, true);
  host_run(60 * FAKE_S);
  expect_waiting();
  fake_file_fail(LOG, 0);
  host_run(FAKE_S);
  expect_text(LOG, flood);
  end_flooding();
}

static void one_that_drops_lets_the_child_wait_for_a_second (void **s) {
  struct fake_program program;
  (void)s;
  start_flooding(&program, -EAGAIN, false);
  host_run(990 * FAKE_MS);
  expect_waiting();
  host_run(20 * FAKE_MS);
  assert_int_equal(fake.bytes_read, 3 * MIB);
  end_flooding();
}

/* Each line is there, or among those that the file tells of. */
static void expect_sum (const char *path, size_t lines) {
  size_t length, there = 0, told = 0;
  const char *text = fake_file_text(path, &length);
  const char *end = text + length;
  while (text < end) {
    const char *newline = memchr(text, '\n', (size_t)(end - text));
    assert_non_null(newline);
    if (strncmp(text, "pexec: ", 7) == 0)
      told += strtoul(text + 7, NULL, 10);
    else
      there++;
    text = newline + 1;
  }
  assert_int_equal(there + told, lines);
  assert_true(told > 0 && there > 0);
}

static void what_one_drops_is_told_of_in_the_file (void **s) {
  struct fake_program program;
  (void)s;
  start_flooding(&program, -EAGAIN, false);
  host_run(1500 * FAKE_MS);
  fake_file_fail(LOG, 0);
  host_run(FAKE_S);
  expect_sum(LOG, 3 * MIB / LINE_SIZE);
  end_flooding();
}

static void the_log_is_told_of_a_failure_once_and_of_its_end (void **s) {
  struct fake_program program;
  (void)s;
  start_flooding(&program, -EIO, true);
  host_run(10 * FAKE_S);
  assert_int_equal(host.logs, 1);
  fake_file_fail(LOG, 0);
  host_run(FAKE_S);
  assert_int_equal(host.logs, 2);
  end_flooding();
}

/* A stream that two files get waits for both. */
static void a_child_waits_for_the_slower_of_two_files (void **s) {
  struct fake_program program;
  (void)s;
  make_flood(3 * MIB);
  program = (struct fake_program){ .exec_ns = FAKE_MS, .says = flood };
  begin(&program);
  lists[0][1] = &files[1];
  files[0].blocks = files[1].blocks = 1;
  fake_file_make(OTHER, PEXEC__REGULAR);
  fake_file_fail(OTHER, -ENOSPC);
  host_start();
  host_run(5 * FAKE_S);
  expect_waiting();
  fake_file_fail(OTHER, 0);
  host_run(FAKE_S);
  expect_text(LOG, flood);
  expect_text(OTHER, flood);
  end_flooding();
}

/* {== sharing ============================================================ */

static pexec_process *second;

static void start_second (void) {
  pexec_config config = host.config;
  config.id = "second";
  assert_int_equal(pexec_process_new(host.supervisor, &config, &second), 0);
  assert_int_equal(pexec_process_start(second, -1), 0);
}

static void two_processes_share_a_file (void **s) {
  const struct fake_program programs[] = {
    { .says = "first\n" }, { .says = "second\n", .last_words = "bye\n" },
  };
  int open_before;
  (void)s;
  begin(&programs[0]);
  fake.programs = programs;
  fake.program_count = 2;
  host_start();
  host_run(FAKE_S);
  open_before = fake.descriptors;
  start_second();
  host_run(FAKE_S);
  assert_int_equal(fake.descriptors, open_before + 3);  /* a pipe, a pidfd */
  assert_int_equal(pexec_process_stop(host.process), 0);
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  pexec_process_release(host.process);
  assert_int_equal(pexec_process_stop(second), 0);
  host_run(FAKE_S);
  expect_text(LOG, "first\nsecond\nbye\n");
  host_end();
}

/* What a supervisor has open without any is known from its descriptor on. */
static void with_its_last_process_at_rest_a_file_is_closed (void **s) {
  const struct fake_program program = { .says = "x\n" };
  int before;
  (void)s;
  begin(&program);
  assert_true(pexec_supervisor_fd(host.supervisor) >= 0);
  before = fake.descriptors;
  start_second();
  host_run(FAKE_S);
  assert_true(fake.descriptors > before);
  assert_int_equal(pexec_process_stop(second), 0);
  host_run(FAKE_S);
  assert_int_equal(fake.descriptors, before);
  pexec_process_release(second);
  host_end();
}

static void a_file_with_other_options_is_refused_by_its_path (void **s) {
  const struct fake_program program = { .says = "x\n" };
  (void)s;
  begin(&program);
  start_second();
  host_run(FAKE_S);
  files[0].keep = 9;
  host_start();
  assert_true(host_run_until(&host.ended, 2, FAKE_S) || host.ended == 1);
  assert_int_equal(host.start_error, PEXEC_EINVALID_CONFIG);
  assert_string_equal(host.start_message, "error starting process "
      "\"/bin/program\": opening its log file \"" LOG "\": another process "
      "writes to it with other options (mode, format, max_size, keep, "
      "rotate_every, compress, on_full)");
  pexec_process_release(host.process);
  host_end();
}

static void one_file_for_both_streams_is_opened_once (void **s) {
  const struct fake_program program = { .says = "out\n",
                                        .complains = "err\n" };
  (void)s;
  begin(&program);
  host.config.output[1].files = lists[0];
  host_start();
  host_run(FAKE_S);
  assert_true(has_text(LOG, "out\n") && has_text(LOG, "err\n"));
  host_end();
}

static void a_merged_stderr_comes_in_the_order_written (void **s) {
  const struct fake_program program = { .says = "out\n", .complains = "err\n",
                                        .last_words = "out too\n" };
  (void)s;
  begin(&program);
  host.config.output[1].merges = 1;
  host.config.output_events = PEXEC_STDOUT;
  host_start();
  host_run(FAKE_S);
  assert_int_equal(pexec_process_stop(host.process), 0);
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  expect_text(LOG, "out\nerr\nout too\n");
  assert_string_equal(host.text, "out\nerr\nout too\n");
  host_end();
}

/* {== opening ============================================================ */

static void expect_refusal (const char *path, int error, const char *reason) {
  char message[256];
  files[0].path = path;
  host_start();
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  assert_int_equal(host.start_error, error);
  (void)snprintf(message, sizeof message, "error starting process "
                 "\"/bin/program\": opening its log file \"%s\": %s", path,
                 reason);
  assert_string_equal(host.start_message, message);
  host_end();
}

static void what_cannot_be_opened_fails_the_start_and_says_why (void **s) {
  static const struct {
    const char *path;
    enum pexec__file_kind kind;
    int error;
    const char *reason;
  } flaws[] = {
    { "/nowhere/a", PEXEC__REGULAR, -ENOENT, "no such file or directory" },
    { LOG, PEXEC__LINK, -ELOOP,
      "it is a symbolic link, which is not followed" },
    { LOG, PEXEC__OTHER_KIND, -EINVAL,
      "it is neither a regular file nor a FIFO" },
    { LOG, PEXEC__CHARACTER_DEVICE, -EINVAL,
      "it is neither a regular file nor a FIFO" },
    { LOG, PEXEC__DIRECTORY, -EISDIR, "is a directory" },
  };
  (void)s;
  for (size_t i = 0; i < 2 * sizeof flaws / sizeof *flaws; i++) {
    size_t n = i / 2;
    begin(&talker);
    if (i % 2 == 1)
      files[0].max_size = 0;  /* the child's own */
    if (flaws[n].kind != PEXEC__REGULAR)
      fake_file_make(LOG, flaws[n].kind);
    expect_refusal(flaws[n].path, flaws[n].error, flaws[n].reason);
  }
}

/* Closing it may block as the disk does. */
static void what_a_failed_start_has_opened_is_closed_by_a_writer (void **s) {
  int before;
  (void)s;
  begin(&talker);
  lists[0][1] = &files[1];
  files[1].path = "/nowhere/b";
  fake.writer_hangs = true;
  host_start();
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  assert_int_equal(host.start_error, -ENOENT);
  before = fake.descriptors;
  fake.writer_hangs = false;
  host_run(FAKE_S);
  assert_int_equal(fake.descriptors, before - 1);
  host_end();
}

static int count_openers (void) {
  int count;
  host_start();
  (void)host_run_until(&host.started, 1, FAKE_S);
  count = fake.openers;
  host_end();
  return count;
}

static void a_start_that_may_hang_is_prepared_by_an_opener (void **s) {
  (void)s;
  begin(&talker);
  host.config.output[0].files = NULL;
  assert_int_equal(count_openers(), 0);
  begin(&talker);
  assert_int_equal(count_openers(), 1);
  begin(&talker);
  files[0].max_size = 0;  /* the child's own */
  assert_int_equal(count_openers(), 1);
  begin(&talker);
  host.config.output[0].files = NULL;
  host.config.input.source = PEXEC_FROM_FILE;
  host.config.input.path = FAKE_PATH;
  assert_int_equal(count_openers(), 1);
  begin(&talker);
  host.config.output[0].files = NULL;
  host.config.username = "root";
  assert_int_equal(count_openers(), 1);
}

static void a_restart_finds_its_files_open (void **s) {
  (void)s;
  begin(&talker);
  host.config.restart_delay_ms = 0;
  host_start();
  host_run(FAKE_S);
  assert_true(fake.clones > 2);
  assert_int_equal(fake.openers, 1);
  host_end();
}

static void a_thread_that_cannot_be_had_fails_the_start (void **s) {
  (void)s;
  begin(&talker);
  fake_fail(FAKE_CALL(writer_get), 1, false);
  host_start();
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  assert_int_equal(host.start_error, -EAGAIN);
  host_start();
  assert_true(host_run_until(&host.started, 2, FAKE_S));
  assert_int_equal(host.start_error, 0);
  host_end();
}

/* It has run, though it is not kept. */
static void what_a_child_that_cannot_be_watched_wrote_is_written (void **s) {
  (void)s;
  begin(&talker);
  fake_fail(FAKE_CALL(watch_open), 2, false);  /* behind that of its pipe */
  host_start();
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  assert_int_equal(host.start_error, -ENOSPC);
  expect_text(LOG, "one\nlast");
  host_end();
}

static void a_raw_file_that_is_not_rotated_is_the_childs_own (void **s) {
  (void)s;
  begin_one_shot(&talker);
  files[0].max_size = 0;
  host_start();
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  expect_text(LOG, "one\nlast");
  assert_int_equal(fake.bytes_read, 0);
  host_end();
}

static void a_fifo_is_never_the_childs_own (void **s) {
  (void)s;
  begin_one_shot(&talker);
  files[0].max_size = 0;
  fake_file_make(LOG, PEXEC__FIFO);
  fake_fifo_read(LOG);
  host_start();
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  expect_text(LOG, "one\nlast");
  assert_int_equal(fake.bytes_read, 8);
  assert_string_equal(host.order, "SXE");
  host_end();
}

static void a_fifo_is_written_once_somebody_reads_it (void **s) {
  const struct fake_program program = { .says = "one\n" };
  (void)s;
  begin(&program);
  files[0].blocks = 1;
  fake_file_make(LOG, PEXEC__FIFO);
  host_start();
  assert_true(host_run_until(&host.started, 1, FAKE_S));
  assert_int_equal(host.start_error, 0);
  host_run(FAKE_S);
  expect_text(LOG, "");
  fake_fifo_read(LOG);
  host_run(FAKE_S);
  expect_text(LOG, "one\n");
  host_end();
}

/* {== opening anew ======================================================= */

static void what_comes_after_a_reopening_is_in_the_new_file (void **s) {
  const struct fake_program program = { .says = "old\n",
                                        .last_words = "new\n" };
  (void)s;
  begin(&program);
  host_start();
  assert_true(host_run_until(&host.started, 1, FAKE_S));
  assert_int_equal(pexec__rename(LOG, OTHER), 0);
  assert_int_equal(pexec_process_reopen(host.process), 0);
  assert_true(host_run_until(&host.reopened, 1, FAKE_S));
  assert_int_equal(host.reopen_error, 0);
  assert_int_equal(pexec_process_stop(host.process), 0);
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  expect_text(OTHER, "old\n");
  expect_text(LOG, "new\n");
  host_end();
}

static void what_cannot_be_opened_anew_is_told (void **s) {
  const struct fake_program program = { .says = "old\n" };
  (void)s;
  begin(&program);
  host_start();
  assert_true(host_run_until(&host.started, 1, FAKE_S));
  assert_int_equal(pexec__rename(LOG, OTHER), 0);
  fake_file_make(LOG, PEXEC__LINK);
  assert_int_equal(pexec_process_reopen(host.process), 0);
  assert_true(host_run_until(&host.reopened, 1, FAKE_S));
  assert_int_equal(host.reopen_error, -ELOOP);
  host_end();
}

/* {== the end ============================================================ */

static void one_that_is_released_is_written_to_its_end (void **s) {
  const struct fake_program program = { .says = "one\n",
                                        .last_words = "bye\n" };
  (void)s;
  begin(&program);
  start_with_failing(-EAGAIN);
  assert_int_equal(pexec_process_stop(host.process), 0);
  pexec_process_release(host.process);
  host_run(500 * FAKE_MS);
  fake_file_fail(LOG, 0);
  host_run(FAKE_S);
  expect_text(LOG, "one\nbye\n");
  host_end();
}

static void one_that_is_released_after_its_end_has_a_second_more (void **s) {
  (void)s;
  begin_one_shot(&talker);
  start_with_failing(-EAGAIN);
  assert_true(host_run_until(&host.ended, 1, 2 * FAKE_S));
  pexec_process_release(host.process);
  host_run(800 * FAKE_MS);
  fake_file_fail(LOG, 0);
  host_run(300 * FAKE_MS);
  expect_text(LOG, "one\nlast");
  host_end();
}

static void what_nobody_reads_is_closed_in_the_end (void **s) {
  int before;
  (void)s;
  begin_one_shot(&talker);
  start_with_failing(-EAGAIN);
  assert_true(host_run_until(&host.ended, 1, 2 * FAKE_S));
  before = fake.descriptors;
  pexec_process_release(host.process);
  host_run(1200 * FAKE_MS);
  assert_int_equal(fake.descriptors, before - 1);
  host_end();
}

static void closing_the_supervisor_writes_what_waits (void **s) {
  const struct fake_program program = { .says = "one\n",
                                        .last_words = "bye\n" };
  (void)s;
  begin(&program);
  host_start();
  assert_true(host_run_until(&host.started, 1, FAKE_S));
  host_end();
  expect_text(LOG, "one\nbye\n");
}

static void closing_the_supervisor_does_not_wait_for_a_dead_disk (void **s) {
  int64_t began_ns;
  (void)s;
  begin(&(const struct fake_program){ .says = "one\n" });
  files[0].blocks = 1;
  start_with_failing(-ENOSPC);
  began_ns = fake.now_ns;
  host_end();
  assert_in_range(fake.now_ns - began_ns, 0, 5 * FAKE_S);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(output_is_written_before_the_exit_is_told),
    cmocka_unit_test(the_slower_of_two_files_is_waited_for),
    cmocka_unit_test(output_is_written_before_the_stop_is_told),
    cmocka_unit_test(output_is_written_before_a_decision_is_asked_for),
    cmocka_unit_test(a_reader_that_never_reads_delays_news_by_a_second),
    cmocka_unit_test(one_that_blocks_delays_news_by_the_stop_timeout_too),
    cmocka_unit_test(a_full_disk_hardly_delays_news),
    cmocka_unit_test(after_news_that_was_delayed_it_runs_on),
    cmocka_unit_test(one_that_blocks_lets_the_child_wait_and_loses_nothing),
    cmocka_unit_test(one_that_drops_lets_the_child_wait_for_a_second),
    cmocka_unit_test(what_one_drops_is_told_of_in_the_file),
    cmocka_unit_test(the_log_is_told_of_a_failure_once_and_of_its_end),
    cmocka_unit_test(a_child_waits_for_the_slower_of_two_files),
    cmocka_unit_test(two_processes_share_a_file),
    cmocka_unit_test(with_its_last_process_at_rest_a_file_is_closed),
    cmocka_unit_test(a_file_with_other_options_is_refused_by_its_path),
    cmocka_unit_test(one_file_for_both_streams_is_opened_once),
    cmocka_unit_test(a_merged_stderr_comes_in_the_order_written),
    cmocka_unit_test(what_cannot_be_opened_fails_the_start_and_says_why),
    cmocka_unit_test(what_a_failed_start_has_opened_is_closed_by_a_writer),
    cmocka_unit_test(a_start_that_may_hang_is_prepared_by_an_opener),
    cmocka_unit_test(a_restart_finds_its_files_open),
    cmocka_unit_test(a_thread_that_cannot_be_had_fails_the_start),
    cmocka_unit_test(what_a_child_that_cannot_be_watched_wrote_is_written),
    cmocka_unit_test(a_raw_file_that_is_not_rotated_is_the_childs_own),
    cmocka_unit_test(a_fifo_is_never_the_childs_own),
    cmocka_unit_test(a_fifo_is_written_once_somebody_reads_it),
    cmocka_unit_test(what_comes_after_a_reopening_is_in_the_new_file),
    cmocka_unit_test(what_cannot_be_opened_anew_is_told),
    cmocka_unit_test(one_that_is_released_is_written_to_its_end),
    cmocka_unit_test(one_that_is_released_after_its_end_has_a_second_more),
    cmocka_unit_test(what_nobody_reads_is_closed_in_the_end),
    cmocka_unit_test(closing_the_supervisor_writes_what_waits),
    cmocka_unit_test(closing_the_supervisor_does_not_wait_for_a_dead_disk),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
