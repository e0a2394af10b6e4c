/*
** Specifies the bound of what waits for the host, how long the pipes live,
** and what happens when something fails, on pipes that two_pipes.h plays. One
** thread.
**
** seam: own output.c lines.c lending.c chunk.c tail.c pace.c mailbox.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "two_pipes.h"

/* {== the bound ========================================================== */

static void flood (int i, size_t length) {
  for (size_t at = 0; at < length; at += 64) {
    say_bytes(i, 63, 'f');
    say_text(i, "\n");
  }
}

static void at_256_kib_the_child_waits (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  flood(0, 2048 * KIB);
  turn_until_idle();
  assert_true(pipes[0].watch.is_paused);
  assert_true(pexec__output_is_starved(&process));
  assert_in_range(sinks[0].length, 256 * KIB, 256 * KIB + 128 * KIB);
}

static void both_streams_share_the_bound (void **state) {
  (void)state;
  start(PEXEC_STDOUT | PEXEC_STDERR);
  flood(0, 1024 * KIB);
  flood(1, 1024 * KIB);
  turn_until_idle();
  assert_true(pipes[0].watch.is_paused && pipes[1].watch.is_paused);
  assert_in_range(sinks[0].length + sinks[1].length, 256 * KIB, 512 * KIB);
}

static void below_the_bound_it_does_not_wait (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  flood(0, 256 * KIB - 64);
  turn_until_idle();
  assert_false(pipes[0].watch.is_paused);
  assert_false(pexec__output_is_starved(&process));
  assert_int_equal(sinks[0].length, 256 * KIB - 64);
}

static void it_goes_on_when_the_host_has_consumed (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  flood(0, 2048 * KIB);
  for (int i = 0; i < 64 && sinks[0].length < 2048 * KIB; i++) {
    turn_until_idle();
    process.queued_bytes = 0;
    pexec__output_resume(&process);
    assert_false(pexec__output_is_starved(&process));
  }
  assert_int_equal(sinks[0].length, 2048 * KIB);
}

static void the_host_is_told_that_the_child_waits (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  flood(0, 512 * KIB);
  turn_until_idle();
  assert_true(atomic_load(&process.is_starved));
}

static void what_only_goes_to_a_logger_is_not_bounded (void **state) {
  (void)state;
  config.stream_loggers[0] = (pexec_logger *)(void *)&fake;
  start(PEXEC_STDERR);
  flood(0, 2048 * KIB);
  flood(1, 2048 * KIB);
  turn_until_idle();
  assert_true(pipes[1].watch.is_paused);
  assert_int_equal(sinks[0].logged, 2048 * KIB);
  assert_int_equal(sinks[0].length, 0);
}

static void a_death_brings_what_is_in_the_pipe_all_the_same (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  flood(0, 512 * KIB);
  turn_until_idle();
  assert_true(pexec__output_is_starved(&process));
  die();
  assert_int_equal(sinks[0].length, 512 * KIB);
}

static void nobody_waits_for_a_host_that_has_let_go (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  flood(0, 512 * KIB);
  turn_until_idle();
  process.is_released = true;
  pexec__output_resume(&process);
  flood(0, 512 * KIB);
  turn_until_idle();
  assert_int_equal(pipes[0].at, 1024 * KIB);
  assert_int_equal(process.lost_lines * 64 + sinks[0].length, 1024 * KIB);
}

static void nobody_waits_for_a_host_that_closes (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  flood(0, 512 * KIB);
  turn_until_idle();
  supervisor.is_closing = true;
  pexec__output_resume(&process);
  flood(0, 512 * KIB);
  turn_until_idle();
  assert_int_equal(pipes[0].at, 1024 * KIB);
}

static void a_grandchild_that_writes_for_ever_holds_up_no_death (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  flood(0, 64 * KIB);
  fake.writes_for_ever = true;
  pexec__output_drain(&process);
  assert_int_equal(sinks[0].length, 64 * KIB);
}

/* {== the pipes' lives =================================================== */

static void what_nobody_reads_goes_to_dev_null (void **state) {
  (void)state;
  start(0);
  assert_int_equal(fake.pipes_made, 0);
  assert_int_equal(pexec__output_fd(&process, 0), NULL_FD);
  assert_int_equal(pexec__output_fd(&process, 1), NULL_FD);
  pexec__output_drain(&process);
  pexec__output_end(&process);
}

static void only_the_stream_that_is_wanted_has_a_pipe (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  assert_int_equal(fake.pipes_made, 1);
  assert_int_equal(pexec__output_fd(&process, 0), 11);
  assert_int_equal(pexec__output_fd(&process, 1), NULL_FD);
}

static void one_pipe_serves_all_restarts (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  for (int i = 0; i < 10; i++) {
    say_text(0, "line\n");
    pexec__output_drain(&process);
    assert_int_equal(pexec__output_open(&process), 0);
  }
  assert_int_equal(fake.pipes_made, 1);
  assert_int_equal(sinks[0].count, 10);
}

static void after_the_end_it_reads_until_the_last_writer_goes (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  pexec__output_end(&process);
  assert_true(pipes[0].can_read);
  say_text(0, "late\nlater");
  turn_until_idle();
  expect(0, "late\n");
  pipes[0].has_writer = false;
  turn_until_idle();
  expect(0, "late\n later");
  assert_false(pipes[0].can_read);
  assert_false(pipes[0].watch.is_open);
}

static void a_later_start_has_a_pipe_of_its_own (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  pexec__output_end(&process);
  assert_int_equal(pexec__output_fd(&process, 0), NULL_FD);
  assert_int_equal(pexec__output_open(&process), 0);
  assert_int_equal(fake.pipes_made, 2);
  assert_int_not_equal(pexec__output_fd(&process, 0), NULL_FD);
}

/* {== failures =========================================================== */

static void without_a_pipe_it_is_not_opened (void **state) {
  (void)state;
  config.output_events = PEXEC_STDOUT;
  fake.pipe_error = -EMFILE;
  assert_int_equal(pexec__output_open(&process), -EMFILE);
  fake.pipe_error = 0;
  fake.watch_error = -ENOMEM;
  assert_int_equal(pexec__output_open(&process), -ENOMEM);
  assert_false(pipes[0].can_read || pipes[0].can_write);
  fake.watch_error = 0;
  fake.good_blocks = 0;
  pexec__output_close(&process);
  assert_int_equal(pexec__output_open(&process), -ENOMEM);
  fake.good_blocks = -1;
  assert_int_equal(pexec__output_open(&process), 0);
}

static void without_memory_bytes_still_come_in_order (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  say_text(0, "one");
  turn_until_idle();
  fake.good_blocks = 0;
  say_text(0, "two");
  turn_until_idle();
  say_text(0, "three\nfour");
  turn_until_idle();
  fake.good_blocks = -1;
  say_text(0, "five\n");
  turn_until_idle();
  expect(0, "onetwo+ three\n four+ five\n");
}

/* Else its reader would wait for the end of that line for ever. */
static void a_piece_for_want_of_memory_is_ended_at_a_death (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  fake.good_blocks = 0;
  say_text(0, "one");
  turn_until_idle();
  die();
  expect(0, "one+ ");
}

static void closing_frees_the_start_of_a_line (void **state) {
  int before = fake.blocks;
  (void)state;
  start(PEXEC_STDOUT);
  say_text(0, "one");
  turn_until_idle();
  pexec__output_close(&process);
  assert_int_equal(fake.blocks, before);
}

static void each_allocation_may_fail_without_harm (void **state) {
  (void)end(state);
  for (int n = 0; n < 60; n++) {
    (void)begin(state);
    start(PEXEC_STDOUT);
    fake.good_blocks = n;
    for (int i = 0; i < 300; i++) {
      say_bytes(0, 1, "abc\nde"[i % 6]);
      turn_until_idle();
    }
    die();
    assert_int_equal(sinks[0].length, 300);
    for (size_t i = 0; i < 300; i++)
      assert_int_equal(sinks[0].data[i], "abc\nde"[i % 6]);
    (void)end(state);
  }
  (void)begin(state);
}

static void lines_that_find_no_memory_are_counted (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  fake.is_deaf = true;
  say_text(0, "one\ntwo\nthree\n");
  turn_until_idle();
  fake.is_deaf = false;
  say_text(0, "four\n");
  turn_until_idle();
  assert_int_equal(process.lost_lines, 3);
  expect(0, "four\n");
}

/* Else the loop would turn for ever. */
static void a_pipe_that_cannot_be_read_is_given_up (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  say_text(0, "one\ntw");
  turn_until_idle();
  pipes[0].error = -EIO;
  turn_until_idle();
  expect(0, "one\n tw");
  assert_false(pipes[0].watch.is_open);
}

static void both_go_to_their_loggers_at_their_levels (void **state) {
  (void)state;
  config.stream_loggers[0] = (pexec_logger *)(void *)&fake;
  config.stream_loggers[1] = (pexec_logger *)(void *)&fake;
  start(PEXEC_STDOUT);
  say_text(0, "one\n");
  say_text(1, "error\n");
  turn_until_idle();
  assert_int_equal(sinks[0].logged, 4);
  assert_int_equal(sinks[1].logged, 6);
  expect(0, "one\n");
  expect(1, "");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(at_256_kib_the_child_waits),
    SPEC(both_streams_share_the_bound),
    SPEC(below_the_bound_it_does_not_wait),
    SPEC(it_goes_on_when_the_host_has_consumed),
    SPEC(the_host_is_told_that_the_child_waits),
    SPEC(what_only_goes_to_a_logger_is_not_bounded),
    SPEC(a_death_brings_what_is_in_the_pipe_all_the_same),
    SPEC(nobody_waits_for_a_host_that_has_let_go),
    SPEC(nobody_waits_for_a_host_that_closes),
    SPEC(a_grandchild_that_writes_for_ever_holds_up_no_death),
    SPEC(what_nobody_reads_goes_to_dev_null),
    SPEC(only_the_stream_that_is_wanted_has_a_pipe),
    SPEC(one_pipe_serves_all_restarts),
    SPEC(after_the_end_it_reads_until_the_last_writer_goes),
    SPEC(a_later_start_has_a_pipe_of_its_own),
    SPEC(without_a_pipe_it_is_not_opened),
    SPEC(without_memory_bytes_still_come_in_order),
    SPEC(a_piece_for_want_of_memory_is_ended_at_a_death),
    SPEC(closing_frees_the_start_of_a_line),
    SPEC(each_allocation_may_fail_without_harm),
    SPEC(lines_that_find_no_memory_are_counted),
    SPEC(a_pipe_that_cannot_be_read_is_given_up),
    SPEC(both_go_to_their_loggers_at_their_levels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
