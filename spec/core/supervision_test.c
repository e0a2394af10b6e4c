/*
** Specifies what the supervisor does when, to the nanosecond: starts,
** restarts, stops and their stages, on the fake seam. Each spec runs twice,
** the second time on a kernel without the newer calls. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define WORLD(...) \
  static const struct fake_program world[] = { __VA_ARGS__ }; \
  host_begin(world, (int)(sizeof world / sizeof world[0])); \
  int64_t t = fake.now_ns; \
  (void)state; (void)t

/* {== signals that were sent ==== */

static int sent;             /* how many of them were looked at */

static int begin (void **state) {
  (void)state;
  sent = 0;
  return 0;
}

static int end (void **state) {
  (void)state;
  host_end();
  return 0;
}

static void expect_signal (int64_t at_ns, int signo, bool is_to_group) {
  const struct fake_signal *signal = &fake.signals[sent++];
  assert_true(sent <= fake.signal_count);
  assert_int_equal(signal->signo, signo);
  assert_int_equal(signal->at_ns, at_ns);
  assert_int_equal(signal->is_to_group, is_to_group);
}

static void expect_no_more_signals (void) {
  assert_int_equal(fake.signal_count, sent);
}

/* {== starts ==== */

static void a_start_is_answered_when_exec_has_succeeded (void **state) {
  WORLD({ .exec_ns = 5 * FAKE_MS });
  host_start();
  assert_true(host_run_until(&host.started, 1, FAKE_S));
  assert_int_equal(fake.now_ns, t + 5 * FAKE_MS);
  assert_int_equal(host.start_error, 0);
  assert_int_equal(host_state(), PEXEC_RUNNING);
  assert_true(host_pid() > 0);
}

static void a_start_that_fails_is_answered_and_over (void **state) {
  WORLD({ .exec_error = ENOENT });
  host_start();
  host_run(FAKE_S);
  assert_string_equal(host.order, "SE");
  assert_int_equal(host.start_error, -ENOENT);
  assert_non_null(strstr(host.start_message, "/bin/program"));
  assert_int_equal(host_state(), PEXEC_IDLE);
  assert_int_equal(fake.clones, 1);
}

static void it_can_be_started_again_then (void **state) {
  WORLD({ .exec_error = ENOENT }, { 0 });
  host_start();
  assert_int_equal(pexec_process_start(host.process, -1),
                   PEXEC_EALREADY_STARTED);
  host_run(FAKE_S);
  host_start();
  host_run(FAKE_S);
  assert_string_equal(host.order, "SES");
  assert_int_equal(host_state(), PEXEC_RUNNING);
}

/* {== restarts ==== */

static void a_crash_loop_starts_once_in_a_delay (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS, .code = 1 });
  host_start();
  host_run(3600 * FAKE_S);
  assert_int_equal(fake.clones, 3600 + 1);
  assert_string_equal(host.order, "S");
}

static void one_that_ran_for_longer_is_back_at_once (void **state) {
  WORLD({ .lives_ns = FAKE_S });
  host_start();
  host_run(10 * FAKE_S);
  assert_int_equal(fake.clones, 11);
}

static void a_restart_delay_of_zero_restarts_at_once (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  host.config.restart_delay_ms = 0;
  host_start();
  host_run(FAKE_S);
  assert_int_equal(fake.clones, 1001);
}

static void a_slow_exec_counts_in_the_delay (void **state) {
  WORLD({ .exec_ns = 700 * FAKE_MS, .lives_ns = 100 * FAKE_MS });
  host_start();
  host_run(10 * FAKE_S);
  assert_int_equal(fake.clones, 10);
}

static void a_failed_restart_is_tried_once_in_a_delay (void **state) {
  WORLD({ .lives_ns = 2 * FAKE_S }, { .exec_error = ETXTBSY },
        { .exec_error = ETXTBSY }, { .exec_error = ETXTBSY }, { 0 });
  host_start();
  host_run(5 * FAKE_S - 1);
  assert_int_equal(fake.clones, 4);
  assert_int_equal(host_state(), PEXEC_BACKOFF);
  host_run(1);
  assert_int_equal(fake.clones, 5);
  assert_int_equal(host_state(), PEXEC_RUNNING);
}

static void members_left_behind_are_killed_before_a_restart (void **state) {
  WORLD({ .lives_ns = 2 * FAKE_S, .members = 3,
          .members_ignore = ~UINT64_C(0) }, { 0 });
  host_start();
  host_run(3 * FAKE_S);
  assert_int_equal(fake.clones, 2);
  assert_int_equal(fake.living, 1);
  expect_signal(t + 2 * FAKE_S, SIGKILL, true);
  expect_no_more_signals();
}

static void they_are_waited_for_a_second_at_most (void **state) {
  WORLD({ .lives_ns = 2 * FAKE_S, .members = 1, .is_unkillable = true },
        { 0 });
  host_start();
  fake.survivors = 1;
  host_run(3 * FAKE_S - 1);
  assert_int_equal(fake.clones, 1);
  host_run(50 * FAKE_MS);
  assert_int_equal(fake.clones, 2);
}

static void the_last_line_of_a_child_is_not_the_next_ones_first (void **state) {
  WORLD({ .lives_ns = 2 * FAKE_S, .says = "a\nlast" });
  host.config.output_events = PEXEC_STDOUT;
  host_start();
  host_run(3 * FAKE_S);
  assert_int_equal(fake.clones, 2);
  assert_string_equal(host.text, "a\nlasta\n");
  assert_string_equal(host.order, "SOOO");
}

static void a_death_is_told_with_how_it_came (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS, .code = 7 });
  host.config.asks = 1;
  host.decision = -1;
  host_start();
  host_run(5 * FAKE_S);
  assert_string_equal(host.order, "SX");
  assert_int_equal(host_state(), PEXEC_DECIDING);
  assert_true(host.exit.is_known);
  assert_int_equal(host.exit.code, 7);
  assert_int_equal(host.exit.uptime_ns, 300 * FAKE_MS);
  assert_int_equal(host.exit.restarts, 0);
}

/* Where the kernel still tells how it ended, that is told; else nothing is
   made up. */
static void a_child_that_the_host_has_reaped_is_noticed (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS, .code = 7 });
  fake.host_reaps = true;
  host.config.asks = 1;
  host_start();
  host_run(10 * FAKE_S);
  assert_int_equal(fake.clones, 11);
  assert_int_equal(host.exit.is_known, !fake.is_basic);
  assert_int_equal(host.exit.code, fake.is_basic ? 0 : 7);
}

static void a_decision_for_a_restart_keeps_the_delay (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS });
  host.config.asks = 1;
  host_start();
  host_run(10 * FAKE_S);
  assert_int_equal(fake.clones, 11);
  assert_int_equal(host.exited, 10);
  assert_int_equal(host.exit.restarts, 9);
}

static void a_decision_against_it_ends_it (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS, .members = 2,
          .members_ignore = FAKE_BIT(SIGTERM) });
  host.config.asks = 1;
  host.decision = 0;
  host_start();
  host_run(10 * FAKE_S);
  assert_string_equal(host.order, "SXE");
  assert_int_equal(host_state(), PEXEC_EXITED);
  assert_int_equal(fake.clones, 1);
  assert_int_equal(fake.living, 0);
}

/* {== one-shots ==== */

static void a_one_shot_is_over_when_it_ends (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS, .code = 3, .says = "hello\n",
          .members = 1 });
  host.config.one_shot = 1;
  host.config.output_events = PEXEC_STDOUT;
  host_start();
  host_run(FAKE_S);
  assert_string_equal(host.order, "SOXE");
  assert_string_equal(host.text, "hello\n");
  assert_int_equal(host.exit.code, 3);
  assert_int_equal(host.exit.canceled, 0);
  assert_int_equal(fake.signal_count, 0);  /* its group is left alone */
  assert_int_equal(fake.living, 1);
  fake.survivors = 1;
}

static void a_timeout_kills_its_group (void **state) {
  WORLD({ .members = 1, .members_ignore = FAKE_BIT(SIGTERM) });
  host.config.one_shot = 1;
  host_start_for(250);
  host_run(FAKE_S);
  assert_string_equal(host.order, "SXE");
  assert_int_equal(host.exit.signo, SIGKILL);
  assert_int_equal(host.exit.code, -1);
  assert_int_equal(host.exit.canceled, PEXEC_EDEADLINE_EXCEEDED);
  expect_signal(t + 250 * FAKE_MS, SIGKILL, true);
  assert_int_equal(fake.living, 0);
}

static void a_cancellation_kills_its_group (void **state) {
  WORLD({ .members = 1 });
  host.config.one_shot = 1;
  host_start();
  host_run(FAKE_S);
  assert_int_equal(pexec_process_cancel(host.process, PEXEC_ECANCELED), 0);
  host_run(FAKE_S);
  assert_string_equal(host.order, "SXE");
  assert_int_equal(host.exit.canceled, PEXEC_ECANCELED);
  assert_int_equal(fake.living, 0);
}

static void a_cancellation_that_meets_the_new_child_kills_it (void **state) {
  WORLD({ .exec_ns = 250 * FAKE_MS });
  host.config.one_shot = 1;
  host_start_for(250);
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  assert_int_equal(fake.now_ns, t + 250 * FAKE_MS);
  assert_int_equal(host.exit.canceled, PEXEC_EDEADLINE_EXCEEDED);
}

static void after_a_cancellation_the_timeout_means_nothing (void **state) {
  WORLD({ .members = 1, .is_unkillable = true, .lives_ns = 200 * FAKE_MS });
  host.config.one_shot = 1;
  host_start_for(500);
  host_run(100 * FAKE_MS);
  (void)pexec_process_cancel(host.process, PEXEC_ECANCELED);
  fake.survivors = 1;
  host_run(5 * FAKE_S);
  assert_int_equal(host.exit.canceled, PEXEC_ECANCELED);
  assert_string_equal(host.order, "SXE");
}

static void a_later_run_knows_nothing_of_it (void **state) {
  WORLD({ 0 }, { .lives_ns = FAKE_S });
  host.config.one_shot = 1;
  host_start_for(500);
  host_run(FAKE_S);
  assert_int_equal(host.exit.canceled, PEXEC_EDEADLINE_EXCEEDED);
  host_start();
  host_run(5 * FAKE_S);
  assert_int_equal(host.exit.canceled, 0);
  assert_string_equal(host.order, "SXESXE");
}

static void one_that_ends_in_time_is_not_cancelled (void **state) {
  WORLD({ .lives_ns = 250 * FAKE_MS - 1 });
  host.config.one_shot = 1;
  host_start_for(250);
  host_run(FAKE_S);
  assert_int_equal(host.exit.canceled, 0);
  assert_int_equal(fake.signal_count, 0);
}

/* The child cannot be awaited then: it is killed where it hangs. */
static void a_timeout_reaches_one_that_hangs_in_exec (void **state) {
  WORLD({ .exec_ns = FAKE_NEVER });
  host.config.one_shot = 1;
  host_start_for(250);
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  assert_int_equal(fake.now_ns, t + 250 * FAKE_MS);
  assert_int_equal(host.exit.canceled, PEXEC_EDEADLINE_EXCEEDED);
}

static void the_uptime_ends_with_the_death (void **state) {
  WORLD({ .members = 1, .is_unkillable = true, .lives_ns = 300 * FAKE_MS });
  host.config.one_shot = 1;
  host_start_for(250);
  fake.survivors = 1;
  host_run(5 * FAKE_S);
  assert_int_equal(host.exit.uptime_ns, 300 * FAKE_MS);
}

static void a_managed_process_cannot_be_cancelled (void **state) {
  WORLD({ 0 });
  host_start();
  host_run(FAKE_S);
  (void)pexec_process_cancel(host.process, PEXEC_ECANCELED);
  host_run(10 * FAKE_S);
  assert_int_equal(fake.signal_count, 0);
  assert_int_equal(fake.clones, 1);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_start_is_answered_when_exec_has_succeeded),
    SPEC(a_start_that_fails_is_answered_and_over),
    SPEC(it_can_be_started_again_then),
    SPEC(a_crash_loop_starts_once_in_a_delay),
    SPEC(one_that_ran_for_longer_is_back_at_once),
    SPEC(a_restart_delay_of_zero_restarts_at_once),
    SPEC(a_slow_exec_counts_in_the_delay),
    SPEC(a_failed_restart_is_tried_once_in_a_delay),
    SPEC(members_left_behind_are_killed_before_a_restart),
    SPEC(they_are_waited_for_a_second_at_most),
    SPEC(the_last_line_of_a_child_is_not_the_next_ones_first),
    SPEC(a_death_is_told_with_how_it_came),
    SPEC(a_child_that_the_host_has_reaped_is_noticed),
    SPEC(a_decision_for_a_restart_keeps_the_delay),
    SPEC(a_decision_against_it_ends_it),
    SPEC(a_one_shot_is_over_when_it_ends),
    SPEC(a_timeout_kills_its_group),
    SPEC(a_cancellation_kills_its_group),
    SPEC(a_cancellation_that_meets_the_new_child_kills_it),
    SPEC(after_a_cancellation_the_timeout_means_nothing),
    SPEC(a_later_run_knows_nothing_of_it),
    SPEC(one_that_ends_in_time_is_not_cancelled),
    SPEC(a_timeout_reaches_one_that_hangs_in_exec),
    SPEC(the_uptime_ends_with_the_death),
    SPEC(a_managed_process_cannot_be_cancelled),
  };
  int failed = cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
  fake.is_basic = true;
  return failed + cmocka_run_group_tests_name("basic kernel", tests, NULL,
                                              NULL);
}
