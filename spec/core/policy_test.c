/*
** Specifies who is restarted after which death, and after how long, to the
** nanosecond, on the fake seam. Each spec runs twice, the second time on a
** kernel without the newer calls. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define WORLD(...) \
  static const struct fake_program world[] = { __VA_ARGS__ }; \
  host_begin(world, (int)COUNT(world)); \
  (void)state

static int end (void **state) {
  (void)state;
  host_end();
  return 0;
}

/* {== who is restarted =================================================== */

enum { ZERO, ONE, THREE, SIGNAL, UNKNOWN, DEATHS };

static const struct fake_program deaths[DEATHS] = {
  [ZERO] = { .lives_ns = FAKE_MS, .code = 0 },
  [ONE] = { .lives_ns = FAKE_MS, .code = 1 },
  [THREE] = { .lives_ns = FAKE_MS, .code = 3 },
  [SIGNAL] = { .lives_ns = FAKE_MS, .signo = SIGSEGV },
  [UNKNOWN] = { .lives_ns = FAKE_MS, .code = 0 },
};

#define BIT(death) (1U << (death))
#define EVERY_DEATH (BIT(DEATHS) - 1)

static const int *success_codes;  /* of what follows; NULL: 0 alone */
static size_t success_code_count;

static void die (int death, enum pexec_restart restart) {
  host_begin(&deaths[death], 1);
  host.config.restart = restart;
  host.config.success_exit_codes = success_codes;
  host.config.success_exit_code_count = success_code_count;
  host.config.restart_delay_ms = 5000;
  if (death == UNKNOWN) {
    fake.host_reaps = true;
    fake_fail(FAKE_CALL(exit_info), 1, true);
  }
  host_start();
  host_run(6 * FAKE_S);
}

/* A bit for each death that is followed by a restart. */
static void expect_restarts (enum pexec_restart restart, unsigned restarted) {
  for (int death = 0; death < DEATHS; death++) {
    bool is_restarted = (restarted & BIT(death)) != 0;
    die(death, restart);
    if (fake.clones != (is_restarted ? 2 : 1))
      fail_msg("death %d: %d starts", death, fake.clones);
    assert_string_equal(host.order, is_restarted ? "S" : "SE");
    assert_string_equal(pexec_state_name(host_state()),
                        is_restarted ? "backoff" : "exited");
    host_end();
  }
}

static int begin (void **state) {
  (void)state;
  success_codes = NULL;
  success_code_count = 0;
  return 0;
}

static void always_restarts_after_each_death (void **state) {
  (void)state;
  expect_restarts(PEXEC_RESTART_ALWAYS, EVERY_DEATH);
}

/* FAULTS 24: what nobody knows is no success. */
static void on_failure_restarts_unless_it_was_a_success (void **state) {
  (void)state;
  expect_restarts(PEXEC_RESTART_ON_FAILURE, EVERY_DEATH & ~BIT(ZERO));
}

static void what_a_success_is_can_be_said (void **state) {
  static const int codes[] = { 3, 255 };
  (void)state;
  success_codes = codes;
  success_code_count = COUNT(codes);
  expect_restarts(PEXEC_RESTART_ON_FAILURE, EVERY_DEATH & ~BIT(THREE));
  expect_restarts(PEXEC_RESTART_ALWAYS, EVERY_DEATH);
}

static void there_may_be_no_success_at_all (void **state) {
  static const int codes[] = { 0 };
  (void)state;
  success_codes = codes;
  success_code_count = 0;
  expect_restarts(PEXEC_RESTART_ON_FAILURE, EVERY_DEATH);
}

static void never_restarts_after_none (void **state) {
  (void)state;
  expect_restarts(PEXEC_RESTART_NEVER, 0);
}

static void one_that_is_not_restarted_leaves_nobody_behind (void **state) {
  WORLD({ .lives_ns = FAKE_MS, .members = 3,
          .members_ignore = FAKE_BIT(SIGTERM) });
  host.config.restart = PEXEC_RESTART_NEVER;
  host_start();
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  assert_int_equal(fake.living, 0);
  assert_int_equal(fake.signals[0].signo, SIGKILL);
}

static void it_can_be_started_anew (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  host.config.restart = PEXEC_RESTART_NEVER;
  host_start();
  host_run(FAKE_S);
  host_start();
  host_run(FAKE_S);
  assert_string_equal(host.order, "SESE");
  assert_int_equal(host_state(), PEXEC_EXITED);
}

/* {== how long it waits ================================================== */

/* From the death of the n-th, which lives so long, to the next exec. */
static int64_t wait_after (int n, int64_t lives_ns) {
  assert_true(n < fake.clones);
  return fake.births[n] - fake.births[n - 1] - lives_ns;
}

static void expect_waits (int64_t lives_ns, const int *waits_ms,
                          size_t count) {
  for (size_t i = 0; i < count; i++) {
    int64_t wait_ns = wait_after((int)i + 1, lives_ns);
    if (wait_ns != waits_ms[i] * FAKE_MS)
      fail_msg("restart %zu came after %lld ns", i + 1, (long long)wait_ns);
  }
}

#define EXPECT_WAITS(lives_ns, ...) \
  do { \
    static const int waits_[] = { __VA_ARGS__ }; \
    expect_waits(lives_ns, waits_, COUNT(waits_)); \
  } while (0)

static void grow (int64_t initial_ms, double factor, int64_t max_ms) {
  host.config.backoff.initial_ms = initial_ms;
  host.config.backoff.factor = factor;
  host.config.backoff.max_ms = max_ms;
}

static void a_growing_delay_counts_from_the_death (void **state) {
  WORLD({ .lives_ns = 700 * FAKE_MS, .code = 1 });
  grow(100, 2, 1000);
  host.config.backoff.reset_after_ms = 5000;
  host_start();
  host_run(60 * FAKE_S);
  EXPECT_WAITS(700 * FAKE_MS, 100, 200, 400, 800, 1000, 1000, 1000);
}

static void it_grows_by_its_factor (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  grow(8, 1.5, 100);
  host.config.backoff.reset_after_ms = 5000;
  host_start();
  host_run(FAKE_S);
  EXPECT_WAITS(FAKE_MS, 8, 12, 18, 27);
  assert_int_equal(wait_after(5, FAKE_MS), 40500000);
  assert_int_equal(wait_after(6, FAKE_MS), 60750000);
  assert_int_equal(wait_after(7, FAKE_MS), 91125000);
  assert_int_equal(wait_after(8, FAKE_MS), 100 * FAKE_MS);
}

static void its_jitter_is_drawn_each_time (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  grow(1000, 1, 1000);
  host.config.backoff.jitter = 0.25;
  fake.lot = 0;
  host_start();
  host_run(500 * FAKE_MS);
  fake.lot = 0.75;
  host_run(2 * FAKE_S);
  EXPECT_WAITS(FAKE_MS, 750, 1125);
}

static void a_delay_of_zero_does_not_grow (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  grow(0, 2, 1000);
  host_start();
  host_run(100 * FAKE_MS);
  assert_int_equal(fake.clones, 101);
}

static void a_list_is_gone_through_and_its_last_repeats (void **state) {
  static const int64_t delays[] = { 100, 3000, 0, 200 };
  WORLD({ .lives_ns = 50 * FAKE_MS });
  host.config.backoff.delays_ms = delays;
  host.config.backoff.delay_count = COUNT(delays);
  host_start();
  host_run(60 * FAKE_S);
  EXPECT_WAITS(50 * FAKE_MS, 100, 3000, 0, 200, 200, 200);
}

static void who_runs_for_as_long_as_the_longest_has_recovered (void **state) {
  WORLD({ .lives_ns = FAKE_S - 1 }, { .lives_ns = FAKE_S - 1 },
        { .lives_ns = FAKE_S - 1 }, { .lives_ns = FAKE_S },
        { .lives_ns = FAKE_S - 1 });
  grow(100, 2, 1000);
  host_start();
  host_run(60 * FAKE_S);
  EXPECT_WAITS(FAKE_S - 1, 100, 200, 400);
  assert_int_equal(wait_after(4, FAKE_S), 100 * FAKE_MS);
  assert_int_equal(wait_after(5, FAKE_S - 1), 200 * FAKE_MS);
}

static void when_it_has_recovered_can_be_said (void **state) {
  static const int64_t delays[] = { 100, 3000, 200 };
  WORLD({ .lives_ns = 50 * FAKE_MS }, { .lives_ns = 80 * FAKE_MS });
  host.config.backoff.delays_ms = delays;
  host.config.backoff.delay_count = COUNT(delays);
  host.config.backoff.reset_after_ms = 80;
  host_start();
  host_run(60 * FAKE_S);
  assert_int_equal(wait_after(1, 50 * FAKE_MS), 100 * FAKE_MS);
  assert_int_equal(wait_after(2, 80 * FAKE_MS), 100 * FAKE_MS);
  assert_int_equal(wait_after(3, 80 * FAKE_MS), 100 * FAKE_MS);
}

/* FAULTS 18 */
static void failed_attempts_wait_as_deaths_do (void **state) {
  WORLD({ .lives_ns = FAKE_MS }, { .exec_error = ETXTBSY },
        { .exec_error = ENOENT }, { .exec_error = EACCES },
        { .lives_ns = FAKE_MS });
  grow(100, 2, 1000);
  host_start();
  host_run(60 * FAKE_S);
  EXPECT_WAITS(FAKE_MS, 100);
  assert_int_equal(wait_after(2, 0), 200 * FAKE_MS);
  assert_int_equal(wait_after(3, 0), 400 * FAKE_MS);
  assert_int_equal(wait_after(4, 0), 800 * FAKE_MS);
  assert_int_equal(wait_after(5, FAKE_MS), 1000 * FAKE_MS);
  assert_string_equal(host.order, "S");
}

/* FAULTS 18: so they do not become a busy loop. */
static void without_a_delay_they_come_ten_times_a_second (void **state) {
  WORLD({ .lives_ns = FAKE_MS }, { .exec_error = ETXTBSY });
  grow(0, 2, 0);
  host_start();
  host_run(10 * FAKE_S + FAKE_MS);
  assert_int_equal(fake.clones, 102);
}

static void a_slow_exec_does_not_count_in_it (void **state) {
  WORLD({ .exec_ns = 300 * FAKE_MS, .lives_ns = 50 * FAKE_MS });
  grow(100, 1, 100);
  host_start();
  host_run(2 * FAKE_S);
  EXPECT_WAITS(350 * FAKE_MS, 100, 100, 100);
}

/* What is left of its group is waited for meanwhile. */
static void the_delay_and_clearing_away_go_side_by_side (void **state) {
  WORLD({ .lives_ns = 100 * FAKE_MS, .members = 1, .is_unkillable = true },
        { 0 });
  grow(3000, 1, 3000);
  fake.survivors = 1;
  host_start();
  host_run(60 * FAKE_S);
  EXPECT_WAITS(100 * FAKE_MS, 3000);
}

/* {== a year ============================================================= */

static double seconds_of_cpu (void) {
  return (double)clock() / CLOCKS_PER_SEC;
}

/* FAULTS 9 */
static void a_year_of_crashes_is_bounded_and_leaves_nothing (void **state) {
  const int64_t year_ns = 365 * 24 * 3600 * FAKE_S;
  const int64_t turn_ns = 301 * FAKE_S;
  double began = seconds_of_cpu();
  int blocks, descriptors;
  WORLD({ .lives_ns = FAKE_S, .code = 1, .says = "up\n" });
  grow(1000, 2, 300000);
  host.config.output_events = PEXEC_STDOUT;
  host.config.log_events = 0;
  host_start();
  host_run(3600 * FAKE_S);
  blocks = fake.blocks;
  descriptors = fake.descriptors;
  host_run(year_ns - 3600 * FAKE_S);
  /* 1 to 256 s, nine of them, come before those of 300 s */
  assert_int_equal(fake.clones, 10 + (year_ns - (511 + 9) * FAKE_S) / turn_ns);
  assert_int_equal(host_snapshot().starts, fake.clones);
  assert_int_equal(fake.blocks, blocks);
  assert_int_equal(fake.descriptors, descriptors);
  assert_int_equal(fake.zombies, 0);
  print_message("# %d starts in a year, which took %.3f s of CPU time\n",
                fake.clones, seconds_of_cpu() - began);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(always_restarts_after_each_death),
    SPEC(on_failure_restarts_unless_it_was_a_success),
    SPEC(what_a_success_is_can_be_said),
    SPEC(there_may_be_no_success_at_all),
    SPEC(never_restarts_after_none),
    SPEC(one_that_is_not_restarted_leaves_nobody_behind),
    SPEC(it_can_be_started_anew),
    SPEC(a_growing_delay_counts_from_the_death),
    SPEC(it_grows_by_its_factor),
    SPEC(its_jitter_is_drawn_each_time),
    SPEC(a_delay_of_zero_does_not_grow),
    SPEC(a_list_is_gone_through_and_its_last_repeats),
    SPEC(who_runs_for_as_long_as_the_longest_has_recovered),
    SPEC(when_it_has_recovered_can_be_said),
    SPEC(failed_attempts_wait_as_deaths_do),
    SPEC(without_a_delay_they_come_ten_times_a_second),
    SPEC(a_slow_exec_does_not_count_in_it),
    SPEC(the_delay_and_clearing_away_go_side_by_side),
    SPEC(a_year_of_crashes_is_bounded_and_leaves_nothing),
  };
  int failed = cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
  fake.is_basic = true;
  return failed + cmocka_run_group_tests_name("basic kernel", tests, NULL,
                                              NULL);
}
