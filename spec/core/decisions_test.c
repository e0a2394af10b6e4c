/*
** Specifies what a host's answer to a death does, and what happens without
** one, on the fake seam. Each spec runs twice, the second time on a kernel
** without the newer calls. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define EVERY_SIGNAL (~UINT64_C(0))

/* A host that is asked, and does not answer by itself. */
#define WORLD(...) \
  static const struct fake_program world[] = { __VA_ARGS__ }; \
  host_begin(world, (int)COUNT(world)); \
  host.config.asks = 1; \
  host.config.restart_delay_ms = 0; \
  host.decision = -1; \
  (void)state

static int end (void **state) {
  (void)state;
  host_end();
  return 0;
}

/* Until the n-th death is told of. */
static void await_death (int n) {
  assert_true(host_run_until(&host.exited, n, 60 * FAKE_S));
  assert_int_equal(host.exit.run, n);
}

static void answer (uint64_t run, enum pexec_decision decision,
                    int64_t delay_ms) {
  assert_int_equal(pexec_process_decide(host.process, run, decision,
                                        delay_ms), 0);
}

static void expect_state (const char *name) {
  assert_string_equal(pexec_state_name(host_state()), name);
}

/* {== answers ============================================================ */

static void its_delay_counts_from_the_death (void **state) {
  int64_t died_ns;
  WORLD({ .lives_ns = 200 * FAKE_MS }, { 0 });
  host_start();
  await_death(1);
  died_ns = fake.now_ns;
  host_run(FAKE_S);
  answer(1, PEXEC_DECIDE_RESTART, 5000);
  host_run(10 * FAKE_S);
  assert_int_equal(fake.births[1] - died_ns, 5 * FAKE_S);
}

static void what_is_over_by_then_is_not_waited_for (void **state) {
  int64_t answered_ns;
  WORLD({ .lives_ns = 200 * FAKE_MS }, { .lives_ns = 200 * FAKE_MS }, { 0 });
  host.config.restart_delay_ms = 60000;
  host_start();
  await_death(1);
  host_run(6 * FAKE_S);
  answered_ns = fake.now_ns;
  answer(1, PEXEC_DECIDE_RESTART, 5000);
  await_death(2);
  assert_in_range(fake.births[1] - answered_ns, 0, FAKE_MS);
  answer(2, PEXEC_DECIDE_RESTART, 0);
  host_run(FAKE_S);
  assert_int_equal(fake.clones, 3);
}

static void it_is_of_this_restart_alone (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS });
  host.config.backoff.initial_ms = 1000;
  host_start();
  await_death(1);
  answer(1, PEXEC_DECIDE_RESTART, 30);
  await_death(2);
  answer(2, PEXEC_DECIDE_RESTART, -1);
  host_run(10 * FAKE_S);
  assert_int_equal(fake.births[1] - fake.births[0], 230 * FAKE_MS);
  assert_int_equal(fake.births[2] - fake.births[1], 2200 * FAKE_MS);
}

static void no_delay_is_too_long (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS });
  host_start();
  await_death(1);
  answer(1, PEXEC_DECIDE_RESTART, INT64_MAX);
  host_run(3600 * FAKE_S);
  assert_int_equal(fake.clones, 1);
  assert_true(host_snapshot().restart_in_ns > 30 * 365 * 24 * 3600 * FAKE_S);
}

/* A file that is being rewritten is not waited for as long as that. */
static void a_failed_attempt_goes_by_the_configuration (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS }, { .exec_error = ETXTBSY }, { 0 });
  host.config.backoff.initial_ms = 300;
  host_start();
  await_death(1);
  answer(1, PEXEC_DECIDE_RESTART, 5000);
  host_run(10 * FAKE_S);
  assert_int_equal(fake.births[2] - fake.births[1], 600 * FAKE_MS);
}

/* After a death with this code. */
static void expect_policy (enum pexec_restart restart, int code,
                           bool is_restarted) {
  struct fake_program programs[] = {
    { .lives_ns = 200 * FAKE_MS, .code = code }, { 0 }
  };
  host_begin(programs, 2);
  host.config.asks = 1;
  host.config.restart = restart;
  host.decision = -1;
  host_start();
  await_death(1);
  answer(1, PEXEC_DECIDE_BY_POLICY, -1);
  host_run(FAKE_S);
  assert_int_equal(fake.clones, is_restarted ? 2 : 1);
  assert_string_equal(host.order, is_restarted ? "SX" : "SXE");
  host_end();
}

static void it_may_be_left_to_the_policy (void **state) {
  (void)state;
  expect_policy(PEXEC_RESTART_ALWAYS, 0, true);
  expect_policy(PEXEC_RESTART_ALWAYS, 1, true);
  expect_policy(PEXEC_RESTART_ON_FAILURE, 0, false);
  expect_policy(PEXEC_RESTART_ON_FAILURE, 1, true);
  expect_policy(PEXEC_RESTART_NEVER, 0, false);
  expect_policy(PEXEC_RESTART_NEVER, 1, false);
}

static void it_overrules_the_policy (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS });
  host.config.restart = PEXEC_RESTART_NEVER;
  host_start();
  await_death(1);
  answer(1, PEXEC_DECIDE_RESTART, -1);
  await_death(2);
  answer(2, PEXEC_DECIDE_END, -1);
  host_run(FAKE_S);
  assert_string_equal(host.order, "SXXE");
  expect_state("exited");
}

/* {== answers that come late ============================================= */

static void one_to_an_earlier_death_decides_nothing (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS });
  host.config.decision_timeout_ms = 1000;
  host_start();
  await_death(1);
  await_death(2);
  answer(1, PEXEC_DECIDE_END, -1);
  host_run(500 * FAKE_MS);
  expect_state("deciding");
  answer(2, PEXEC_DECIDE_RESTART, -1);
  host_run(100 * FAKE_MS);
  assert_int_equal(fake.clones, 3);
}

static void nor_does_it_take_the_place_of_the_right_one (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS });
  host.config.decision_timeout_ms = 1000;
  host_start();
  await_death(1);
  await_death(2);
  answer(2, PEXEC_DECIDE_END, -1);
  answer(1, PEXEC_DECIDE_RESTART, -1);
  host_run(FAKE_S - 1);
  assert_string_equal(host.order, "SXXE");
  expect_state("exited");
}

static void of_two_answers_to_one_death_the_later_counts (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS });
  host_start();
  await_death(1);
  answer(1, PEXEC_DECIDE_RESTART, -1);
  answer(1, PEXEC_DECIDE_END, -1);
  host_run(FAKE_S);
  assert_string_equal(host.order, "SXE");
}

static void one_to_no_death_at_all_decides_nothing (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS });
  host_start();
  host_run(100 * FAKE_MS);
  answer(1, PEXEC_DECIDE_END, -1);
  host_run(FAKE_S);
  expect_state("deciding");
  answer(0, PEXEC_DECIDE_END, -1);
  answer(2, PEXEC_DECIDE_END, -1);
  answer(UINT64_MAX, PEXEC_DECIDE_END, -1);
  host_run(FAKE_S);
  expect_state("deciding");
}

/* {== no answer ========================================================== */

/* FAULTS 14: its handler hangs. */
static void then_the_policy_decides_when_the_time_is_over (void **state) {
  int64_t died_ns;
  WORLD({ .lives_ns = 200 * FAKE_MS }, { 0 });
  host.config.decision_timeout_ms = 2000;
  host_start();
  await_death(1);
  died_ns = fake.now_ns;
  host_run(2 * FAKE_S - 1);
  expect_state("deciding");
  host_run(FAKE_S);
  assert_in_range(fake.births[1] - died_ns, 2 * FAKE_S,
                  2 * FAKE_S + FAKE_MS);
  assert_non_null(strstr(host.log, "nobody has decided in time"));
  expect_state("running");
}

static void it_may_decide_to_end_it (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS, .members = 2,
          .members_ignore = FAKE_BIT(SIGTERM) });
  host.config.decision_timeout_ms = 2000;
  host.config.restart = PEXEC_RESTART_ON_FAILURE;
  host_start();
  assert_true(host_run_until(&host.ended, 1, 3 * FAKE_S));
  assert_string_equal(host.order, "SXE");
  assert_int_equal(fake.living, 0);
  expect_state("exited");
}

/* An answer is pulled and given in the same instant. */
static void there_may_be_no_time_at_all (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS });
  host.config.decision_timeout_ms = 0;
  host_start();
  host_run(FAKE_S);
  assert_in_range(fake.clones, 5, 6);
  assert_in_range(host.exited, 4, 5);
}

static void without_a_timeout_it_waits_for_ever (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS });
  host_start();
  host_run(365 * 24 * 3600 * FAKE_S);
  expect_state("deciding");
  assert_int_equal(fake.clones, 1);
}

static void an_answer_in_time_ends_the_waiting (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS }, { .lives_ns = 5 * FAKE_S }, { 0 });
  host.config.decision_timeout_ms = 2000;
  host.config.restart = PEXEC_RESTART_NEVER;
  host_start();
  await_death(1);
  host_run(1900 * FAKE_MS);
  answer(1, PEXEC_DECIDE_RESTART, 500);
  await_death(2);
  answer(2, PEXEC_DECIDE_RESTART, -1);
  host_run(10 * FAKE_S);
  assert_int_equal(fake.clones, 3);
  assert_null(strstr(host.log, "nobody has decided"));
}

static void its_time_is_not_the_stops (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS, .members = 1,
          .members_ignore = FAKE_BIT(SIGTERM) });
  host.config.decision_timeout_ms = 2000;
  host.config.stop_timeout_ms = 900;
  host_start();
  await_death(1);
  host_run(2 * FAKE_S - 1);  /* it is over before the group is looked at */
  assert_int_equal(pexec_process_stop(host.process), 0);
  assert_true(host_run_until(&host.stopped, 1, 60 * FAKE_S));
  assert_int_equal(host.stop_error, 0);
  assert_string_equal(pexec_stage_name(host.stage), "kill");
  assert_null(strstr(host.log, "a second after SIGKILL"));
}

/* {== nobody to answer =================================================== */

/* It lets go while it is to decide; the death was one with code 0. */
static int starts_where_it_lets_go (enum pexec_restart restart) {
  struct fake_program programs[] = { { .lives_ns = 200 * FAKE_MS }, { 0 } };
  int clones;
  host_begin(programs, 2);
  host.config.asks = 1;
  host.config.restart = restart;
  host.decision = -1;
  host_start();
  host_run(10 * FAKE_S);
  assert_int_equal(fake.clones, 1);
  pexec_process_release(host.process);
  host_run(10 * FAKE_S);
  clones = fake.clones;
  host_end();
  return clones;
}

static void a_host_that_lets_go_leaves_it_to_the_policy (void **state) {
  (void)state;
  assert_int_equal(starts_where_it_lets_go(PEXEC_RESTART_ALWAYS), 2);
  assert_int_equal(starts_where_it_lets_go(PEXEC_RESTART_ON_FAILURE), 1);
  assert_int_equal(starts_where_it_lets_go(PEXEC_RESTART_NEVER), 1);
}

static void so_does_one_that_has_let_go_before (void **state) {
  WORLD({ .lives_ns = 200 * FAKE_MS, .code = 1 },
        { .lives_ns = 200 * FAKE_MS, .code = 0 });
  host.config.restart = PEXEC_RESTART_ON_FAILURE;
  host_start();
  host_run(100 * FAKE_MS);
  pexec_process_release(host.process);
  host_run(10 * FAKE_S);
  assert_int_equal(fake.clones, 2);
}

#define SPEC(name) cmocka_unit_test_teardown(name, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(its_delay_counts_from_the_death),
    SPEC(what_is_over_by_then_is_not_waited_for),
    SPEC(it_is_of_this_restart_alone),
    SPEC(no_delay_is_too_long),
    SPEC(a_failed_attempt_goes_by_the_configuration),
    SPEC(it_may_be_left_to_the_policy),
    SPEC(it_overrules_the_policy),
    SPEC(one_to_an_earlier_death_decides_nothing),
    SPEC(nor_does_it_take_the_place_of_the_right_one),
    SPEC(of_two_answers_to_one_death_the_later_counts),
    SPEC(one_to_no_death_at_all_decides_nothing),
    SPEC(then_the_policy_decides_when_the_time_is_over),
    SPEC(it_may_decide_to_end_it),
    SPEC(there_may_be_no_time_at_all),
    SPEC(without_a_timeout_it_waits_for_ever),
    SPEC(an_answer_in_time_ends_the_waiting),
    SPEC(its_time_is_not_the_stops),
    SPEC(a_host_that_lets_go_leaves_it_to_the_policy),
    SPEC(so_does_one_that_has_let_go_before),
  };
  int failed = cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
  fake.is_basic = true;
  return failed + cmocka_run_group_tests_name("basic kernel", tests, NULL,
                                              NULL);
}
