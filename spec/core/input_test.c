/*
** Specifies what children get to read: pipes that fill and are closed, writes
** and their answers, what becomes of both when a child dies. Through the door,
** on the seam. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB 1024
#define PIPE FAKE_PIPE_SIZE

/* {== helpers ============================================================ */

static struct fake_program programs[2];
static char big[1024 * KIB];

static int begin (void **state) {
  (void)state;
  programs[0] = programs[1] = (struct fake_program){ .reads = PIPE };
  for (size_t i = 0; i < sizeof big; i++)
    big[i] = (char)(i * 7 + i / 256);
  host_begin(programs, 2);
  host.config.input.source = PEXEC_FROM_PIPE;
  return 0;
}

static int end (void **state) {
  (void)state;
  host_end();
  return 0;
}

/* Every start is that of programs[0]. */
static void only_one_program (void) {
  fake.program_count = 1;
}

static void start (void) {
  host_start();
  assert_true(host_run_until(&host.started, host.started + 1, FAKE_S));
  assert_int_equal(host.start_error, 0);
}

static void stop (void) {
  assert_int_equal(pexec_process_stop(host.process), 0);
  assert_true(host_run_until(&host.ended, 1, 20 * FAKE_S));
}

static uint64_t give (const char *data, size_t length) {
  uint64_t ticket;
  assert_int_equal(pexec_process_write(host.process, data, length, &ticket),
                   0);
  return ticket;
}

static uint64_t give_text (const char *text) {
  return give(text, strlen(text));
}

static void expect_answer (uint64_t ticket, int error, size_t length) {
  assert_true(host_run_until(&host.written, 1, 10 * FAKE_S));
  assert_int_equal(host.ticket, ticket);
  assert_int_equal(host.write_error, error);
  assert_int_equal(host.write_length, length);
  host.written = 0;
}

static void write_text (const char *text) {
  uint64_t ticket = give_text(text);
  expect_answer(ticket, 0, strlen(text));
}

static int try_write (void) {
  uint64_t ticket = 77;
  int error = pexec_process_write(host.process, "x", 1, &ticket);
  assert_int_equal(ticket, error < 0 ? 77 : ticket);
  return error;
}

static void close_stdin (void) {
  assert_int_equal(pexec_process_close_stdin(host.process), 0);
}

static void expect_read (const char *data, size_t length) {
  assert_int_equal(fake.input_length, length);
  if (length > 0)
    assert_memory_equal(fake.input, data, length);
}

static void use_data (const void *data, size_t length) {
  host.config.input.source = PEXEC_FROM_DATA;
  host.config.input.data = data;
  host.config.input.length = length;
}

/* {== data =============================================================== */

static void data_come_and_then_the_end (void **state) {
  (void)state;
  use_data("hello", 5);
  start();
  host_run(10 * FAKE_MS);
  expect_read("hello", 5);
  assert_int_equal(fake.input_ends, 1);
}

static void no_data_are_an_end_at_once (void **state) {
  (void)state;
  use_data(NULL, 0);
  start();
  host_run(10 * FAKE_MS);
  assert_int_equal(fake.input_ends, 1);
}

static void data_beyond_the_pipe_wait_for_the_child (void **state) {
  (void)state;
  programs[0].reads = KIB;
  use_data(big, sizeof big);
  start();
  host_run(500 * FAKE_MS);
  expect_read(big, 500 * KIB);
  assert_int_equal(fake.input_ends, 0);
  host_run(600 * FAKE_MS);
  expect_read(big, sizeof big);
  assert_int_equal(fake.input_ends, 1);
}

static void each_start_gets_all_data (void **state) {
  (void)state;
  only_one_program();
  programs[0] = (struct fake_program){ .reads = KIB, .lives_ns = 5 * FAKE_MS };
  use_data(big, 2 * PIPE);
  start();
  host_run(2100 * FAKE_MS);  /* three starts */
  assert_int_equal(fake.clones, 3);
  assert_int_equal(fake.input_length % 3, 0);
  assert_in_range(fake.input_length, 3 * 4 * KIB, 3 * 5 * KIB);
  for (int i = 0; i < 3; i++)
    assert_memory_equal(fake.input + fake.input_length / 3 * (size_t)i, big,
                        fake.input_length / 3);
}

static void a_child_need_not_take_all_data (void **state) {
  (void)state;
  programs[0] = (struct fake_program){ .closes_input_ns = 10 * FAKE_MS };
  use_data(big, sizeof big);
  start();
  host_run(FAKE_S);
  stop();
  assert_string_equal(host.order, "STE");
}

static void data_are_not_written_to (void **state) {
  (void)state;
  use_data("hello", 5);
  start();
  assert_int_equal(try_write(), PEXEC_EUNSUPPORTED);
  assert_int_equal(pexec_process_close_stdin(host.process),
                   PEXEC_EUNSUPPORTED);
}

/* {== writes ============================================================= */

static void what_is_written_is_read (void **state) {
  (void)state;
  start();
  write_text("one ");
  write_text("two");
  host_run(10 * FAKE_MS);
  expect_read("one two", 7);
  assert_int_equal(fake.input_ends, 0);
}

static void a_write_is_answered_when_the_pipe_has_taken_it (void **state) {
  uint64_t ticket;
  (void)state;
  programs[0].reads = KIB;
  start();
  ticket = give(big, PIPE + 100 * KIB);
  host_run(98 * FAKE_MS);
  assert_int_equal(host.written, 0);
  host_run(4 * FAKE_MS);
  expect_answer(ticket, 0, PIPE + 100 * KIB);
  host_run(100 * FAKE_MS);
  expect_read(big, PIPE + 100 * KIB);
}

static void writes_are_taken_in_order (void **state) {
  uint64_t last = 0;
  (void)state;
  programs[0].reads = 10 * KIB;
  start();
  for (size_t at = 0; at < sizeof big; at += 8 * KIB) {
    uint64_t ticket = give(big + at, 8 * KIB);
    assert_true(ticket > last);
    last = ticket;
  }
  assert_true(host_run_until(&host.written, 128, 10 * FAKE_S));
  assert_int_equal(host.ticket, last);
  host_run(FAKE_S);
  expect_read(big, sizeof big);
}

static void many_small_ones_are_taken_too (void **state) {
  (void)state;
  start();
  for (size_t at = 0; at < 3000; at++)
    (void)give(big + at, 1);
  assert_true(host_run_until(&host.written, 3000, FAKE_S));
  host_run(10 * FAKE_MS);
  expect_read(big, 3000);
}

static void a_write_of_nothing_is_answered_in_its_turn (void **state) {
  uint64_t ticket;
  (void)state;
  programs[0].reads = KIB;
  start();
  (void)give(big, 2 * PIPE);
  ticket = give(NULL, 0);
  host_run(10 * FAKE_MS);
  assert_int_equal(host.written, 0);
  assert_true(host_run_until(&host.written, 2, FAKE_S));
  host.written = 1;
  expect_answer(ticket, 0, 0);
}

static void a_child_that_reads_nothing_holds_up_nothing (void **state) {
  (void)state;
  programs[0].reads = 0;
  start();
  (void)give(big, sizeof big);
  host_run(FAKE_S);
  assert_int_equal(host.written, 0);
  stop();
  assert_string_equal(host.order, "SwTE");
  assert_int_equal(host.write_error, -EPIPE);
  assert_int_equal(host.write_length, PIPE);
}

static void a_child_may_close_its_end (void **state) {
  uint64_t ticket;
  (void)state;
  programs[0] = (struct fake_program){ .closes_input_ns = 10 * FAKE_MS };
  start();
  ticket = give(big, PIPE + 1);
  host_run(5 * FAKE_MS);
  assert_int_equal(host.written, 0);
  expect_answer(ticket, -EPIPE, PIPE);
  ticket = give_text("x");
  expect_answer(ticket, -EPIPE, 0);
  ticket = give_text("");
  expect_answer(ticket, -EPIPE, 0);
  assert_int_equal(host_state(), PEXEC_RUNNING);
}

static void an_error_ends_it (void **state) {
  uint64_t ticket;
  (void)state;
  start();
  write_text("x");
  fake_fail(FAKE_CALL(write), 1, false);
  ticket = give_text("y");
  expect_answer(ticket, -EIO, 0);
  ticket = give_text("z");
  expect_answer(ticket, -EPIPE, 0);
}

/* {== closing ============================================================ */

static void closing_comes_after_what_was_written (void **state) {
  (void)state;
  programs[0].reads = 10 * KIB;
  start();
  (void)give(big, 2 * PIPE);
  close_stdin();
  assert_true(host_run_until(&host.written, 1, FAKE_S));
  assert_int_equal(host.write_error, 0);
  host_run(100 * FAKE_MS);
  expect_read(big, 2 * PIPE);
  assert_int_equal(fake.input_ends, 1);
}

static void a_write_after_it_is_refused (void **state) {
  uint64_t ticket;
  (void)state;
  programs[0].reads = KIB;
  start();
  (void)give(big, 2 * PIPE);
  close_stdin();
  ticket = give_text("x");
  host_run(10 * FAKE_MS);
  assert_int_equal(host.written, 0);
  assert_true(host_run_until(&host.written, 2, FAKE_S));
  assert_int_equal(host.ticket, ticket);
  assert_int_equal(host.write_error, -EPIPE);
  assert_string_equal(host.order, "SWw");
}

static void closing_twice_is_as_good (void **state) {
  (void)state;
  start();
  close_stdin();
  close_stdin();
  host_run(10 * FAKE_MS);
  close_stdin();
  host_run(10 * FAKE_MS);
  assert_int_equal(fake.input_ends, 1);
  assert_int_equal(host.written, 0);
}

static void the_next_start_opens_it_anew (void **state) {
  (void)state;
  only_one_program();
  programs[0].lives_ns = 100 * FAKE_MS;
  start();
  close_stdin();
  host_run(1050 * FAKE_MS);
  assert_int_equal(fake.clones, 2);
  write_text("again");
  host_run(10 * FAKE_MS);
  expect_read("again", 5);
}

/* {== where nothing runs ================================================= */

static void before_the_start_nothing_can_be_written (void **state) {
  (void)state;
  host_make();
  assert_int_equal(try_write(), PEXEC_ENOT_STARTED);
  assert_int_equal(pexec_process_close_stdin(host.process),
                   PEXEC_ENOT_STARTED);
  pexec_process_release(host.process);
}

static void while_it_starts_a_write_waits (void **state) {
  uint64_t ticket;
  (void)state;
  programs[0].exec_ns = FAKE_S;
  host_start();
  host_run(100 * FAKE_MS);
  ticket = give_text("early");
  host_run(100 * FAKE_MS);
  assert_int_equal(host.written, 0);
  expect_answer(ticket, 0, 5);
  host_run(10 * FAKE_MS);
  expect_read("early", 5);
  assert_string_equal(host.order, "SW");
}

static void a_write_may_follow_the_order_to_start (void **state) {
  (void)state;
  host_start();
  write_text("early");
  assert_string_equal(host.order, "SW");
}

static void a_start_that_fails_refuses_it (void **state) {
  (void)state;
  programs[0].exec_error = ENOENT;
  host_start();
  (void)give_text("early");
  close_stdin();
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  assert_string_equal(host.order, "wSE");
  assert_int_equal(host.write_error, PEXEC_ENOT_STARTED);
}

static void a_stop_meanwhile_refuses_it (void **state) {
  (void)state;
  programs[0].exec_ns = FAKE_NEVER;
  host_start();
  (void)give_text("early");
  host_run(FAKE_S);
  stop();
  assert_string_equal(host.order, "SwTE");
  assert_int_equal(host.write_error, -EPIPE);
}

/* Not even the supervision of it can begin. */
static void so_does_one_for_which_there_is_no_memory (void **state) {
  (void)state;
  host_make();
  assert_true(pexec_supervisor_fd(host.supervisor) >= 0);
  host_start();
  (void)give_text("early");
  fake_fail(FAKE_MEMORY, 1, true);
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  fake_fail(0, 0, false);
  assert_string_equal(host.order, "SwE");
  assert_int_equal(host.write_error, PEXEC_ENOT_STARTED);
}

static void a_death_refuses_what_waits (void **state) {
  uint64_t ticket;
  (void)state;
  only_one_program();
  programs[0] = (struct fake_program){ .lives_ns = 100 * FAKE_MS };
  start();
  ticket = give(big, sizeof big);
  expect_answer(ticket, -EPIPE, PIPE);
  assert_int_equal(host_state(), PEXEC_BACKOFF);
}

static void in_between_a_write_is_refused (void **state) {
  uint64_t ticket;
  (void)state;
  only_one_program();
  programs[0].lives_ns = 100 * FAKE_MS;
  start();
  host_run(200 * FAKE_MS);
  assert_int_equal(host_state(), PEXEC_BACKOFF);
  ticket = give_text("x");
  close_stdin();
  expect_answer(ticket, PEXEC_EPROCESS_DONE, 0);
}

static void while_the_host_decides_it_is_refused_too (void **state) {
  uint64_t ticket;
  (void)state;
  host.config.asks = 1;
  host.decision = -1;
  programs[0].lives_ns = 100 * FAKE_MS;
  start();
  host_run(200 * FAKE_MS);
  assert_int_equal(host_state(), PEXEC_DECIDING);
  ticket = give_text("x");
  expect_answer(ticket, PEXEC_EPROCESS_DONE, 0);
}

static void the_next_child_gets_nothing_of_the_last (void **state) {
  (void)state;
  programs[0] = (struct fake_program){ .lives_ns = 100 * FAKE_MS };
  start();
  (void)give(big, sizeof big);
  (void)give_text("old");
  host_run(1100 * FAKE_MS);
  assert_int_equal(fake.clones, 2);
  assert_int_equal(host.written, 2);
  host.written = 0;
  write_text("new");
  host_run(10 * FAKE_MS);
  expect_read("new", 3);
}

static void a_restart_that_fails_refuses_it (void **state) {
  (void)state;
  programs[0].lives_ns = 100 * FAKE_MS;
  programs[1] = (struct fake_program){ .exec_ns = FAKE_S,
                                       .exec_error = ENOENT };
  start();
  host_run(1500 * FAKE_MS);
  assert_int_equal(host_state(), PEXEC_STARTING);
  expect_answer(give_text("x"), PEXEC_EPROCESS_DONE, 0);
}

static void after_the_end_nothing_can_be_written (void **state) {
  (void)state;
  start();
  stop();
  assert_int_equal(try_write(), PEXEC_EPROCESS_DONE);
  assert_int_equal(pexec_process_close_stdin(host.process),
                   PEXEC_EPROCESS_DONE);
}

/* It has not been pulled yet: an answer would come behind it. */
static void nor_when_the_end_is_on_its_way (void **state) {
  (void)state;
  host.config.one_shot = 1;
  programs[0].lives_ns = 100 * FAKE_MS;
  start();
  fake_run(200 * FAKE_MS);
  assert_int_equal(host.ended, 0);
  assert_int_equal(try_write(), PEXEC_EPROCESS_DONE);
  host_run(FAKE_MS);
  assert_string_equal(host.order, "SXE");
}

static void a_stop_comes_after_what_was_given_before (void **state) {
  (void)state;
  programs[0].lingers_ns = 100 * FAKE_MS;
  start();
  (void)give_text("quit");
  stop();
  assert_string_equal(host.order, "SWTE");
  expect_read("quit", 4);
}

static void one_that_is_being_stopped_may_be_written_to (void **state) {
  (void)state;
  programs[0].lingers_ns = 100 * FAKE_MS;
  start();
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(10 * FAKE_MS);
  assert_int_equal(host_state(), PEXEC_STOPPING);
  write_text("last");
  close_stdin();
  host_run(10 * FAKE_MS);
  expect_read("last", 4);
  assert_int_equal(fake.input_ends, 1);
}

/* {== nothing is left ==================================================== */

static void a_host_that_lets_go_is_not_answered (void **state) {
  (void)state;
  programs[0].reads = KIB;
  start();
  (void)give_text("x");
  fake_run(FAKE_MS);              /* its answer waits */
  (void)give(big, 2 * PIPE);
  (void)give_text("y");
  pexec_process_release(host.process);
  host.process = NULL;
  host_run(FAKE_S);
  assert_int_equal(fake.input_length, 1 + 2 * PIPE + 1);
  assert_int_equal(host.written, 0);
}

static void a_supervisor_closes_with_writes_left (void **state) {
  (void)state;
  programs[0].reads = 0;
  start();
  (void)give_text("x");
  fake_run(FAKE_MS);
  (void)give(big, sizeof big);
  fake_run(FAKE_MS);
  (void)give_text("y");
  close_stdin();
}

static void so_it_does_where_the_child_cannot_be_killed (void **state) {
  (void)state;
  programs[0] = (struct fake_program){ .is_unkillable = true };
  start();
  (void)give(big, sizeof big);
  (void)give_text("y");
  host_run(FAKE_MS);
  fake.survivors = 1;
}

static void so_it_does_while_the_child_hangs_before_its_exec (void **state) {
  (void)state;
  programs[0].exec_ns = FAKE_NEVER;
  host_start();
  (void)give_text("x");
  host_run(FAKE_MS);
}

static void without_memory_a_write_is_refused (void **state) {
  (void)state;
  start();
  fake_fail(FAKE_MEMORY, 1, false);
  assert_int_equal(try_write(), -ENOMEM);
  assert_int_equal(try_write(), 0);
}

static void what_is_too_large_to_be_told_is_refused (void **state) {
  uint64_t ticket;
  (void)state;
  start();
  assert_int_equal(pexec_process_write(host.process, "x", SIZE_MAX, &ticket),
                   -ENOMEM);
}

/* How many more than one that reads nothing. */
static int descriptors_of_a_running_one (enum pexec_source source) {
  int count;
  host_end();
  host_begin(programs, 2);
  host.config.input.source = source;
  host.config.input.path = FAKE_PATH;
  host.config.input.data = "x";
  host.config.input.length = 1;
  start();
  host_run(10 * FAKE_MS);
  count = fake.descriptors;
  if (source == PEXEC_FROM_PIPE) {
    close_stdin();
    host_run(10 * FAKE_MS);
    assert_int_equal(fake.descriptors, count - 1);
  }
  return count;
}

static void only_an_open_pipe_holds_a_descriptor (void **state) {
  int count = descriptors_of_a_running_one(PEXEC_FROM_NULL);
  (void)state;
  assert_int_equal(descriptors_of_a_running_one(PEXEC_FROM_PIPE), count + 1);
  assert_int_equal(descriptors_of_a_running_one(PEXEC_FROM_DATA), count);
  assert_int_equal(descriptors_of_a_running_one(PEXEC_FROM_FILE), count);
}

/* {== starts that fail =================================================== */

static void expect_failed_start (int error, const char *message) {
  assert_true(host_run_until(&host.started, 1, FAKE_S));
  assert_int_equal(host.start_error, error);
  assert_string_equal(host.start_message, message);
}

static void a_file_that_is_not_there_fails_the_start (void **state) {
  (void)state;
  host.config.input.source = PEXEC_FROM_FILE;
  host.config.input.path = "/missing";
  host_start();
  expect_failed_start(-ENOENT, "error starting process \"/bin/program\": "
                      "opening its standard input \"/missing\": no such file "
                      "or directory");
  assert_int_equal(fake.clones, 0);
}

static void without_a_pipe_there_is_no_start (void **state) {
  (void)state;
  host_make();
  assert_true(pexec_supervisor_fd(host.supervisor) >= 0);
  fake_fail(FAKE_PIPES, 1, false);
  host_start();
  expect_failed_start(-EMFILE, "error starting process \"/bin/program\": "
                      "making its pipes: too many open files");
}

static void one_that_cannot_be_watched_is_none (void **state) {
  (void)state;
  host_make();
  assert_true(pexec_supervisor_fd(host.supervisor) >= 0);
  fake_fail(FAKE_CALL(watch_open), 1, false);
  host_start();
  expect_failed_start(-ENOSPC, "error starting process \"/bin/program\": "
                      "making its pipes: no space left on device");
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(data_come_and_then_the_end),
    SPEC(no_data_are_an_end_at_once),
    SPEC(data_beyond_the_pipe_wait_for_the_child),
    SPEC(each_start_gets_all_data),
    SPEC(a_child_need_not_take_all_data),
    SPEC(data_are_not_written_to),
    SPEC(what_is_written_is_read),
    SPEC(a_write_is_answered_when_the_pipe_has_taken_it),
    SPEC(writes_are_taken_in_order),
    SPEC(many_small_ones_are_taken_too),
    SPEC(a_write_of_nothing_is_answered_in_its_turn),
    SPEC(a_child_that_reads_nothing_holds_up_nothing),
    SPEC(a_child_may_close_its_end),
    SPEC(an_error_ends_it),
    SPEC(closing_comes_after_what_was_written),
    SPEC(a_write_after_it_is_refused),
    SPEC(closing_twice_is_as_good),
    SPEC(the_next_start_opens_it_anew),
    SPEC(before_the_start_nothing_can_be_written),
    SPEC(while_it_starts_a_write_waits),
    SPEC(a_write_may_follow_the_order_to_start),
    SPEC(a_start_that_fails_refuses_it),
    SPEC(a_stop_meanwhile_refuses_it),
    SPEC(so_does_one_for_which_there_is_no_memory),
    SPEC(a_death_refuses_what_waits),
    SPEC(in_between_a_write_is_refused),
    SPEC(while_the_host_decides_it_is_refused_too),
    SPEC(the_next_child_gets_nothing_of_the_last),
    SPEC(a_restart_that_fails_refuses_it),
    SPEC(after_the_end_nothing_can_be_written),
    SPEC(nor_when_the_end_is_on_its_way),
    SPEC(a_stop_comes_after_what_was_given_before),
    SPEC(one_that_is_being_stopped_may_be_written_to),
    SPEC(a_host_that_lets_go_is_not_answered),
    SPEC(a_supervisor_closes_with_writes_left),
    SPEC(so_it_does_where_the_child_cannot_be_killed),
    SPEC(so_it_does_while_the_child_hangs_before_its_exec),
    SPEC(without_memory_a_write_is_refused),
    SPEC(what_is_too_large_to_be_told_is_refused),
    SPEC(only_an_open_pipe_holds_a_descriptor),
    SPEC(a_file_that_is_not_there_fails_the_start),
    SPEC(without_a_pipe_there_is_no_start),
    SPEC(one_that_cannot_be_watched_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
