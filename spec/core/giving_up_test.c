/*
** Specifies the limit of restarts and what it means to be given up, on the
** fake seam. Each spec runs twice, the second time on a kernel without the
** newer calls. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define EVERY_SIGNAL (~UINT64_C(0))
#define HOUR (3600 * FAKE_S)

#define WORLD(...) \
  static const struct fake_program world[] = { __VA_ARGS__ }; \
  host_begin(world, (int)COUNT(world)); \
  (void)state

static int end (void **state) {
  (void)state;
  host_end();
  return 0;
}

static void limit (int restarts, int64_t within_ms) {
  host.config.restart_limit = restarts;
  host.config.restart_limit_ms = within_ms;
}

static void run_until_given_up (void) {
  host_start();
  assert_true(host_run_until(&host.ended, 1, 100 * HOUR));
}

/* After so many starts and failed attempts in all. */
static void expect_given_up (int clones) {
  assert_int_equal(fake.clones, clones);
  assert_int_equal(host.given_up, 1);
  assert_string_equal(pexec_state_name(host_state()), "failed");
  host_run(100 * HOUR);
  assert_int_equal(fake.clones, clones);
  assert_int_equal(fake.living, fake.survivors);
}

/* {== when it trips ====================================================== */

static void so_many_restarts_and_not_one_more (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS, .code = 1 });
  limit(3, 10000);
  run_until_given_up();
  expect_given_up(4);
}

/* FAULTS 9: PM2's counter never trips then. */
static void delays_longer_than_its_window_change_nothing (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS, .code = 1 });
  limit(3, 10000);
  host.config.backoff.initial_ms = 60000;
  host.config.backoff.max_ms = 3600000;
  run_until_given_up();
  expect_given_up(4);
  assert_true(fake.births[3] - fake.births[0] > 7 * 60 * FAKE_S);
}

static void nor_does_a_host_that_takes_its_time_to_decide (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS, .code = 1 });
  limit(2, 1000);
  host.config.asks = 1;
  host.decision = -1;
  host_start();
  for (uint64_t run = 1; run <= 3; run++) {
    host_run(HOUR);
    (void)pexec_process_decide(host.process, run, PEXEC_DECIDE_RESTART, -1);
  }
  host_run(HOUR);
  expect_given_up(3);
}

/* FAULTS 9: supervisord's startsecs of 0 turns its retries off. */
static void nor_does_having_no_delay (void **state) {
  WORLD({ .lives_ns = 1, .code = 1 });
  limit(5, 1000);
  host.config.restart_delay_ms = 0;
  run_until_given_up();
  expect_given_up(6);
}

static void nor_does_recovering_at_once (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  limit(5, 1000);
  host.config.backoff.initial_ms = host.config.backoff.max_ms = 0;
  host.config.backoff.reset_after_ms = 0;
  run_until_given_up();
  expect_given_up(6);
}

/* FAULTS 18 */
static void an_attempt_that_fails_counts (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS }, { .exec_error = ENOENT });
  limit(3, 10000);
  run_until_given_up();
  expect_given_up(4);
  assert_string_equal(host.order, "SGE");
}

static void deaths_and_failures_count_together (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS }, { .exec_error = ETXTBSY },
        { .lives_ns = 10 * FAKE_MS, .code = 3 }, { .exec_error = ETXTBSY },
        { .exec_error = ENOENT }, { .lives_ns = FAKE_MS, .signo = SIGBUS });
  limit(5, 10000);
  host.config.restart_delay_ms = 0;
  run_until_given_up();
  expect_given_up(6);
  assert_int_equal(host.exit.signo, SIGBUS);
}

static void a_start_that_fails_is_no_attempt_of_a_restart (void **state) {
  WORLD({ .exec_error = ENOENT });
  limit(0, 0);
  host_start();
  host_run(HOUR);
  assert_string_equal(host.order, "SE");
  assert_int_equal(host_state(), PEXEC_IDLE);
}

static void none_at_all_may_be_allowed (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS });
  limit(0, 0);
  run_until_given_up();
  expect_given_up(1);
}

static void its_window_slides (void **state) {
  WORLD({ .lives_ns = 600 * FAKE_MS });
  limit(2, 1000);
  host_start();
  host_run(HOUR);
  assert_int_equal(host.given_up, 0);
  assert_in_range(fake.clones, 3600, 3601);
}

static void one_that_comes_just_within_it_trips (void **state) {
  WORLD({ .lives_ns = 500 * FAKE_MS }, { .lives_ns = 500 * FAKE_MS },
        { .lives_ns = 500 * FAKE_MS }, { .lives_ns = 500 * FAKE_MS },
        { .lives_ns = 500 * FAKE_MS - 1 });
  limit(2, 1000);
  run_until_given_up();
  expect_given_up(5);
}

static void what_is_not_restarted_is_not_given_up (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS, .code = 1 },
        { .lives_ns = 200 * FAKE_MS, .code = 0 });
  limit(1, 10000);
  host.config.restart = PEXEC_RESTART_ON_FAILURE;
  run_until_given_up();
  assert_string_equal(host.order, "SE");
  assert_int_equal(host_state(), PEXEC_EXITED);
}

static void a_restart_that_was_ordered_does_not_count (void **state) {
  WORLD({ 0 });
  limit(0, 0);
  host_start();
  host_run(FAKE_S);
  for (int i = 1; i <= 50; i++) {
    assert_int_equal(pexec_process_restart(host.process), 0);
    assert_true(host_run_until(&host.restarted, i, FAKE_S));
  }
  assert_int_equal(host_state(), PEXEC_RUNNING);
  assert_int_equal(fake.clones, 51);
}

/* {== what is told ======================================================= */

static void it_is_told_with_the_last_death_and_the_reason (void **state) {
  static const char message[] = "given up: more than 3 restarts within 10s "
      "of running; process 1004 exited with status 7";
  WORLD({ .lives_ns = 200 * FAKE_MS, .code = 7 });
  limit(3, 10000);
  run_until_given_up();
  assert_string_equal(host.order, "SGE");
  assert_string_equal(host.give_up_message, message);
  assert_non_null(strstr(host.log, message));
  assert_int_equal(host.exit.pid, 1004);
  assert_int_equal(host.exit.run, 4);
  assert_int_equal(host.exit.attempt, 4);
  assert_int_equal(host.exit.code, 7);
}

static void whoever_is_asked_hears_of_each_death_first (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS, .says = "a\n" });
  limit(3, 10000);
  host.config.asks = 1;
  host.config.output_events = PEXEC_STDOUT;
  run_until_given_up();
  assert_string_equal(host.order, "SOXOXOXOXGE");
}

/* Its death is some time ago. */
static void a_failed_attempt_is_the_reason_where_it_was_one (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS, .code = 7 }, { .exec_error = ENOENT });
  limit(1, 10000);
  run_until_given_up();
  assert_int_equal(host.exit.code, 7);
  assert_non_null(strstr(host.give_up_message, "1 restarts within 10s of "));
  assert_non_null(strstr(host.give_up_message, "no such file or directory"));
  assert_null(strstr(host.give_up_message, "status 7"));
}

static void nobody_of_its_group_is_left_when_it_is_told (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS, .members = 3,
          .members_ignore = FAKE_BIT(SIGTERM) });
  limit(2, 10000);
  host_start();
  assert_true(host_run_until(&host.given_up, 1, HOUR));
  assert_int_equal(fake.living, 0);
}

static void who_cannot_be_killed_is_waited_for_a_second (void **state) {
  int64_t died_ns;
  WORLD({ .lives_ns = 200 * FAKE_MS, .members = 1, .is_unkillable = true });
  limit(0, 0);
  fake.survivors = 1;
  died_ns = fake.now_ns + 200 * FAKE_MS;
  host_start();
  host_run(FAKE_S);
  assert_string_equal(pexec_state_name(host_state()), "stopping");
  assert_true(host_run_until(&host.given_up, 1, HOUR));
  assert_in_range(fake.now_ns - died_ns, FAKE_S, FAKE_S + 50 * FAKE_MS);
  host_run(0);
  assert_string_equal(host.order, "SGE");
}

/* {== afterwards ========================================================= */

static void started_anew_it_has_all_restarts_again (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS, .code = 1 });
  limit(3, 10000);
  host.config.backoff.initial_ms = 100;
  run_until_given_up();
  host_start();
  assert_true(host_run_until(&host.ended, 2, HOUR));
  assert_int_equal(fake.clones, 8);
  assert_string_equal(host.order, "SGESGE");
  for (int n = 0; n < 3; n++)  /* its delays begin anew, too */
    assert_int_equal(fake.births[5 + n] - fake.births[4 + n],
                     fake.births[1 + n] - fake.births[n]);
}

static void a_start_anew_may_fail (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS }, { .exec_error = ENOENT });
  limit(0, 0);
  run_until_given_up();
  host_start();
  host_run(HOUR);
  assert_string_equal(host.order, "SGESE");
  assert_int_equal(host.start_error, -ENOENT);
  assert_int_equal(host_state(), PEXEC_IDLE);
}

static void a_stop_of_it_has_nothing_to_do (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS });
  limit(0, 0);
  run_until_given_up();
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(0);
  assert_string_equal(host.order, "SGET");
  assert_int_equal(host.stop_error, 0);
  assert_int_equal(host.stage, PEXEC_STAGE_NONE);
  assert_int_equal(host_state(), PEXEC_STOPPED);
  assert_int_equal(pexec_process_start(host.process, -1),
                   PEXEC_EALREADY_STOPPED);
}

static void a_kill_of_it_has_none_either (void **state) {
  int signals;
  WORLD({ .lives_ns = 200 * FAKE_MS });
  limit(0, 0);
  run_until_given_up();
  signals = fake.signal_count;
  assert_int_equal(pexec_process_kill_group(host.process), 0);
  host_run(0);
  assert_string_equal(host.order, "SGE");
  assert_int_equal(host_state(), PEXEC_STOPPED);
  assert_int_equal(fake.signal_count, signals);
}

static void it_cannot_be_restarted_but_started (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS });
  limit(0, 0);
  run_until_given_up();
  assert_int_equal(pexec_process_restart(host.process), PEXEC_EPROCESS_DONE);
}

/* FAULTS 8 */
static void a_stop_before_it_is_given_up_is_a_stop (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS, .members = 1,
          .is_unkillable = true });
  limit(0, 0);
  fake.survivors = 1;
  host_start();
  host_run(FAKE_S);
  assert_int_equal(pexec_process_stop(host.process), 0);
  assert_true(host_run_until(&host.stopped, 1, HOUR));
  assert_int_equal(host.stop_error, PEXEC_ESTOP_TIMEOUT);
  host_run(HOUR);
  assert_string_equal(host.order, "ST");
}

static void one_that_was_let_go_is_freed_with_it (void **state) {
  int blocks;
  WORLD({ .lives_ns = 200 * FAKE_MS });
  assert_true(pexec_supervisor_fd(host.supervisor) >= 0);
  blocks = fake.blocks;
  for (int i = 0; i < 50; i++) {
    limit(3, 10000);
    host_make();
    host_start();
    host_run(100 * FAKE_MS);
    pexec_process_release(host.process);
    host_run(60 * FAKE_S);
  }
  assert_int_equal(fake.clones, 200);
  assert_in_range(fake.blocks, blocks, blocks + 3);  /* the host's snapshot */
}

static void closing_has_nothing_to_stop (void **state) {
  int64_t t;
  WORLD({ .lives_ns = 200 * FAKE_MS });
  limit(0, 0);
  run_until_given_up();
  t = fake.now_ns;
  pexec_supervisor_close(host.supervisor);
  host.supervisor = NULL;
  assert_int_equal(fake.now_ns, t);
}

#define SPEC(name) cmocka_unit_test_teardown(name, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(so_many_restarts_and_not_one_more),
    SPEC(delays_longer_than_its_window_change_nothing),
    SPEC(nor_does_a_host_that_takes_its_time_to_decide),
    SPEC(nor_does_having_no_delay),
    SPEC(nor_does_recovering_at_once),
    SPEC(an_attempt_that_fails_counts),
    SPEC(deaths_and_failures_count_together),
    SPEC(a_start_that_fails_is_no_attempt_of_a_restart),
    SPEC(none_at_all_may_be_allowed),
    SPEC(its_window_slides),
    SPEC(one_that_comes_just_within_it_trips),
    SPEC(what_is_not_restarted_is_not_given_up),
    SPEC(a_restart_that_was_ordered_does_not_count),
    SPEC(it_is_told_with_the_last_death_and_the_reason),
    SPEC(whoever_is_asked_hears_of_each_death_first),
    SPEC(a_failed_attempt_is_the_reason_where_it_was_one),
    SPEC(nobody_of_its_group_is_left_when_it_is_told),
    SPEC(who_cannot_be_killed_is_waited_for_a_second),
    SPEC(started_anew_it_has_all_restarts_again),
    SPEC(a_start_anew_may_fail),
    SPEC(a_stop_of_it_has_nothing_to_do),
    SPEC(a_kill_of_it_has_none_either),
    SPEC(it_cannot_be_restarted_but_started),
    SPEC(a_stop_before_it_is_given_up_is_a_stop),
    SPEC(one_that_was_let_go_is_freed_with_it),
    SPEC(closing_has_nothing_to_stop),
  };
  int failed = cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
  fake.is_basic = true;
  return failed + cmocka_run_group_tests_name("basic kernel", tests, NULL,
                                              NULL);
}
