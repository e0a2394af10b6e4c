/*
** Specifies what is known of a process's ends and of its present: records,
** history and snapshot, to the nanosecond, and that none of it moves with the
** wall clock but what is told for people, on the fake seam. Each spec runs
** twice, the second time on a kernel without the newer calls. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define EVERY_SIGNAL (~UINT64_C(0))
#define YEAR (365 * 24 * 3600 * FAKE_S)

#define WORLD(...) \
  static const struct fake_program world[] = { __VA_ARGS__ }; \
  host_begin(world, (int)COUNT(world)); \
  host.config.log_events = 0; \
  (void)state

static int end (void **state) {
  (void)state;
  host_end();
  return 0;
}

static int history (pexec_exit *exits, size_t most) {
  return pexec_process_history(host.process, exits, most);
}

static pexec_exit last_exit (void) {
  pexec_exit exit;
  assert_int_equal(history(&exit, 1), 1);
  return exit;
}

static int64_t wall_now (void) {
  return fake.wall_ns + fake.now_ns;
}

static void run_for (int64_t ns) {
  host_start();
  host_run(ns);
}

/* {== a record =========================================================== */

static void it_tells_how_and_when_a_child_has_ended (void **state) {
  int64_t started_ns;
  pexec_exit exit;
  WORLD({ .exec_ns = 5 * FAKE_MS, .lives_ns = 300 * FAKE_MS, .code = 7 });
  host.config.restart_delay_ms = 60000;
  started_ns = wall_now() + 5 * FAKE_MS;
  run_for(FAKE_S);
  exit = last_exit();
  assert_int_equal(exit.pid, 1001);
  assert_true(exit.is_known);
  assert_int_equal(exit.code, 7);
  assert_int_equal(exit.signo, 0);
  assert_false(exit.core_dumped);
  assert_int_equal(exit.canceled, 0);
  assert_int_equal(exit.requested, PEXEC_BY_NOBODY);
  assert_int_equal(exit.started_at_ns, started_ns);
  assert_int_equal(exit.uptime_ns, 300 * FAKE_MS);
  assert_int_equal(exit.restarts, 0);
  assert_int_equal(exit.run, 1);
  assert_int_equal(exit.attempt, 1);
}

static void it_tells_what_the_child_has_used (void **state) {
  pexec_exit exit;
  WORLD({ .lives_ns = FAKE_MS });
  run_for(FAKE_S);
  exit = last_exit();
  assert_true(exit.has_usage);
  assert_int_equal(exit.user_ns, 2 * FAKE_MS);
  assert_int_equal(exit.system_ns, FAKE_MS);
  assert_int_equal(exit.max_rss, 4096);
}

/* The kernel counts the host's for the child's. */
static void a_peak_that_may_be_the_hosts_is_not_told (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  fake.host_rss = 3855;
  run_for(FAKE_S);
  assert_int_equal(last_exit().max_rss, 4096);
  fake.host_rss = 3856;
  host_run(2 * FAKE_S);
  assert_int_equal(last_exit().max_rss, 0);
  assert_true(last_exit().has_usage);
}

static void a_death_by_signal_has_no_code (void **state) {
  pexec_exit exit;
  WORLD({ .lives_ns = FAKE_MS, .signo = SIGBUS });
  run_for(FAKE_S);
  exit = last_exit();
  assert_true(exit.is_known);
  assert_int_equal(exit.code, -1);
  assert_int_equal(exit.signo, SIGBUS);
}

/* FAULTS 24 */
static void what_the_host_has_reaped_is_known_from_the_kernel (void **state) {
  pexec_exit exit;
  WORLD({ .lives_ns = 300 * FAKE_MS, .code = 7 });
  fake.host_reaps = true;
  run_for(FAKE_S);
  exit = last_exit();
  assert_int_equal(exit.is_known, !fake.is_basic);
  assert_int_equal(exit.code, fake.is_basic ? 0 : 7);
  assert_int_equal(exit.signo, 0);
  assert_false(exit.has_usage);
  assert_int_equal(exit.pid, 1001);
  assert_int_equal(exit.uptime_ns, 300 * FAKE_MS);
}

/* FAULTS 24 */
static void or_from_nobody (void **state) {
  pexec_exit exit;
  WORLD({ .lives_ns = 300 * FAKE_MS, .signo = SIGSEGV });
  fake.host_reaps = true;
  fake_fail(FAKE_CALL(exit_info), 1, true);
  run_for(FAKE_S);
  exit = last_exit();
  assert_false(exit.is_known);
  assert_false(exit.has_usage);
  assert_int_equal(exit.signo, 0);
  assert_int_equal(exit.user_ns + exit.system_ns + exit.max_rss, 0);
}

static void a_stop_has_requested_it (void **state) {
  WORLD({ .ignores = FAKE_BIT(SIGTERM) });
  run_for(FAKE_S);
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(60 * FAKE_S);
  assert_int_equal(last_exit().requested, PEXEC_BY_STOP);
  assert_int_equal(last_exit().signo, SIGKILL);
  assert_string_equal(pexec_request_name(last_exit().requested), "stop");
}

static void so_has_a_kill (void **state) {
  WORLD({ 0 });
  run_for(FAKE_S);
  assert_int_equal(pexec_process_kill_group(host.process), 0);
  host_run(FAKE_S);
  assert_int_equal(last_exit().requested, PEXEC_BY_STOP);
}

static void a_restart_has_requested_it (void **state) {
  WORLD({ .lingers_ns = FAKE_MS, .code = 3 });
  run_for(FAKE_S);
  assert_int_equal(pexec_process_restart(host.process), 0);
  host_run(FAKE_S);
  assert_int_equal(last_exit().requested, PEXEC_BY_RESTART);
  assert_int_equal(last_exit().code, 3);
  assert_string_equal(pexec_request_name(last_exit().requested), "restart");
}

static void a_stop_in_the_midst_of_it_has (void **state) {
  WORLD({ .lingers_ns = 200 * FAKE_MS });
  run_for(FAKE_S);
  assert_int_equal(pexec_process_restart(host.process), 0);
  host_run(100 * FAKE_MS);
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(FAKE_S);
  assert_int_equal(last_exit().requested, PEXEC_BY_STOP);
}

static void what_has_died_before_was_requested_by_nobody (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  host.config.asks = 1;
  host.decision = -1;
  run_for(FAKE_S);
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(FAKE_S);
  assert_int_equal(last_exit().requested, PEXEC_BY_NOBODY);
  assert_string_equal(pexec_request_name(last_exit().requested), "nobody");
}

static void a_cancellation_is_told_with_its_reason (void **state) {
  WORLD({ 0 });
  host.config.one_shot = 1;
  host_start_for(250);
  host_run(FAKE_S);
  assert_int_equal(last_exit().canceled, PEXEC_EDEADLINE_EXCEEDED);
  assert_int_equal(last_exit().requested, PEXEC_BY_NOBODY);
  assert_int_equal(last_exit().uptime_ns, 250 * FAKE_MS);
}

/* {== which one it was =================================================== */

#define EXPECT_NUMBERS(field, ...) \
  do { \
    static const unsigned wanted_[] = { __VA_ARGS__ }; \
    pexec_exit exits_[PEXEC_HISTORY_MAX]; \
    assert_int_equal(history(exits_, COUNT(wanted_)), COUNT(wanted_)); \
    for (size_t i_ = 0; i_ < COUNT(wanted_); i_++) \
      assert_int_equal(exits_[i_].field, wanted_[i_]); \
  } while (0)

/* One that has recovered is the first of a new row, whenever it ends. */
static void attempts_are_counted_until_it_recovers (void **state) {
  WORLD({ .lives_ns = FAKE_MS }, { .lives_ns = FAKE_MS },
        { .lives_ns = FAKE_MS }, { .lives_ns = 5 * FAKE_S },
        { .lives_ns = FAKE_MS }, { .lives_ns = FAKE_MS }, { 0 });
  run_for(60 * FAKE_S);
  EXPECT_NUMBERS(attempt, 1, 2, 3, 1, 2, 3);
  EXPECT_NUMBERS(run, 1, 2, 3, 4, 5, 6);
  EXPECT_NUMBERS(restarts, 0, 1, 2, 3, 4, 5);
}

static void a_failed_attempt_is_one_but_no_run (void **state) {
  WORLD({ .lives_ns = FAKE_MS }, { .exec_error = ENOENT },
        { .exec_error = ENOENT }, { .lives_ns = FAKE_MS }, { 0 });
  run_for(60 * FAKE_S);
  EXPECT_NUMBERS(attempt, 1, 4);
  EXPECT_NUMBERS(run, 1, 2);
}

static void a_restart_that_is_ordered_begins_a_row (void **state) {
  WORLD({ .lives_ns = FAKE_MS }, { .lives_ns = FAKE_MS }, { 0 },
        { .lives_ns = FAKE_MS }, { .lives_ns = FAKE_MS }, { 0 });
  run_for(2500 * FAKE_MS);
  assert_int_equal(pexec_process_restart(host.process), 0);
  host_run(60 * FAKE_S);
  EXPECT_NUMBERS(attempt, 1, 2, 3, 1, 2);
  EXPECT_NUMBERS(run, 1, 2, 3, 4, 5);
}

static void so_does_a_start_and_runs_are_counted_on (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  host.config.restart_limit = 1;
  host.config.restart_limit_ms = 60000;
  run_for(10 * FAKE_S);
  run_for(10 * FAKE_S);
  EXPECT_NUMBERS(attempt, 1, 2, 1, 2);
  EXPECT_NUMBERS(run, 1, 2, 3, 4);
}

/* {== history ============================================================ */

static void expect_history_after (int deaths) {
  static const struct fake_program program = { .lives_ns = FAKE_MS };
  pexec_exit exits[PEXEC_HISTORY_MAX + 1];
  int kept = deaths < PEXEC_HISTORY_MAX ? deaths : PEXEC_HISTORY_MAX;
  host_begin(&program, 1);
  host.config.restart_delay_ms = 10;
  host_start();
  host_run(10 * deaths * FAKE_MS);
  exits[kept].pid = -1;
  assert_int_equal(history(exits, COUNT(exits)), kept);
  assert_int_equal(exits[kept].pid, -1);
  for (int i = 0; i < kept; i++) {
    assert_int_equal(exits[i].run, deaths - kept + i + 1);
    assert_int_equal(exits[i].pid, 1000 + exits[i].run);
  }
  host_end();
}

static void it_is_of_the_last_sixteen_the_oldest_first (void **state) {
  static const int deaths[] = { 0, 1, 2, 15, 16, 17, 31, 32, 33, 100 };
  (void)state;
  for (size_t i = 0; i < COUNT(deaths); i++)
    expect_history_after(deaths[i]);
}

static void it_may_be_asked_for_fewer (void **state) {
  pexec_exit exits[5];
  WORLD({ .lives_ns = FAKE_MS });
  host.config.restart_delay_ms = 10;
  run_for(200 * FAKE_MS);
  assert_int_equal(history(NULL, 0), 0);
  assert_int_equal(history(exits, 5), 5);
  for (int i = 0; i < 5; i++)
    assert_int_equal(exits[i].run, 16 + i);
}

static void one_that_was_never_started_has_none (void **state) {
  pexec_exit exit;
  WORLD({ 0 });
  host_make();
  assert_int_equal(history(&exit, 1), 0);
  pexec_process_release(host.process);
  host.process = NULL;
}

static void it_is_kept_over_ends_and_starts (void **state) {
  WORLD({ .lives_ns = FAKE_MS, .code = 3 });
  host.config.one_shot = 1;
  for (int i = 0; i < 3; i++)
    run_for(FAKE_S);
  EXPECT_NUMBERS(run, 1, 2, 3);
  EXPECT_NUMBERS(attempt, 1, 1, 1);
}

/* FAULTS 31 */
static void without_memory_there_is_always_the_last_one (void **state) {
  pexec_exit exits[2];
  WORLD({ .lives_ns = 300 * FAKE_MS });
  run_for(100 * FAKE_MS);
  fake_fail(FAKE_MEMORY, 1, false);
  host_run(400 * FAKE_MS);
  assert_true(fake_has_failed());
  assert_int_equal(history(exits, 2), 1);
  assert_int_equal(exits[0].run, 1);
  host_run(2 * FAKE_S);  /* from here on there is memory */
  assert_int_equal(history(exits, 2), 2);
  assert_int_equal(exits[0].run, 2);
  assert_int_equal(exits[1].run, 3);
}

/* {== the present ======================================================== */

#define EXPECT_PRESENT(wanted, name) \
  do { \
    pexec_snapshot told_ = host_snapshot(); \
    assert_string_equal(pexec_state_name(told_.state), name); \
    assert_int_equal(told_.is_wanted, wanted); \
  } while (0)

static void before_a_start_nothing_is_known (void **state) {
  pexec_snapshot told;
  WORLD({ 0 });
  host_make();
  told = host_snapshot();
  assert_false(told.is_wanted);
  assert_int_equal(told.since_ns, 0);
  assert_int_equal(told.starts, 0);
  assert_int_equal(told.started_at_ns, 0);
  assert_int_equal(told.uptime_ns, 0);
  assert_int_equal(told.failures, 0);
  assert_int_equal(told.restart_in_ns, -1);
  pexec_process_release(host.process);
  host.process = NULL;
}

static void a_state_is_told_with_when_it_began (void **state) {
  int64_t began_ns;
  WORLD({ .exec_ns = 50 * FAKE_MS, .lives_ns = FAKE_S },
        { .lingers_ns = FAKE_S });
  host.config.restart_delay_ms = 5000;
  began_ns = wall_now();
  run_for(20 * FAKE_MS);
  EXPECT_PRESENT(true, "starting");
  assert_int_equal(host_snapshot().since_ns, began_ns);
  host_run(100 * FAKE_MS);
  EXPECT_PRESENT(true, "running");
  assert_int_equal(host_snapshot().since_ns, began_ns + 50 * FAKE_MS);
  host_run(FAKE_S);
  EXPECT_PRESENT(true, "backoff");
  assert_int_equal(host_snapshot().since_ns, began_ns + 1050 * FAKE_MS);
  host_run(10 * FAKE_S);
  EXPECT_PRESENT(true, "running");
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(100 * FAKE_MS);
  EXPECT_PRESENT(false, "stopping");
  assert_int_equal(host_snapshot().since_ns, wall_now() - 100 * FAKE_MS);
  host_run(2 * FAKE_S);
  EXPECT_PRESENT(false, "stopped");
  assert_int_equal(host_snapshot().since_ns, wall_now() - 1100 * FAKE_MS);
}

static void what_runs_gets_older_by_itself (void **state) {
  pexec_snapshot told;
  WORLD({ .lives_ns = FAKE_S }, { 0 });
  host.config.restart_delay_ms = 3000;
  run_for(0);
  fake_run(400 * FAKE_MS);
  told = host_snapshot();
  assert_int_equal(told.uptime_ns, 400 * FAKE_MS);
  assert_int_equal(told.started_at_ns, fake.now_ns - 400 * FAKE_MS);
  fake_run(FAKE_S);  /* it is dead */
  told = host_snapshot();
  assert_int_equal(told.uptime_ns, 0);
  assert_int_equal(told.started_at_ns, fake.now_ns - 1400 * FAKE_MS);
  fake_run(YEAR);
  assert_int_equal(host_snapshot().uptime_ns, YEAR - 1600 * FAKE_MS);
}

static void a_restart_comes_nearer_by_itself (void **state) {
  WORLD({ .lives_ns = FAKE_S }, { 0 });
  host.config.restart_delay_ms = 3000;
  run_for(500 * FAKE_MS);
  assert_int_equal(host_snapshot().restart_in_ns, -1);
  fake_run(FAKE_S);
  assert_int_equal(host_snapshot().restart_in_ns, 1500 * FAKE_MS);
  fake_run(FAKE_S);
  assert_int_equal(host_snapshot().restart_in_ns, 500 * FAKE_MS);
  fake.now_ns += 600 * FAKE_MS;  /* the supervisor is late */
  assert_int_equal(host_snapshot().restart_in_ns, 0);
  fake_run(0);
  assert_int_equal(host_snapshot().restart_in_ns, -1);
}

static void a_recovery_comes_by_itself (void **state) {
  WORLD({ .lives_ns = FAKE_MS }, { .exec_error = ENOENT },
        { .lives_ns = FAKE_MS }, { 0 });
  host.config.backoff.initial_ms = 100;
  host.config.backoff.factor = 1;
  host.config.backoff.reset_after_ms = 5000;
  run_for(50 * FAKE_MS);
  assert_int_equal(host_snapshot().failures, 1);
  fake_run(100 * FAKE_MS);
  assert_int_equal(host_snapshot().failures, 2);
  fake_run(FAKE_S);
  assert_int_equal(host_snapshot().failures, 3);
  fake_run(5 * FAKE_S - host_snapshot().uptime_ns - 1);
  assert_int_equal(host_snapshot().failures, 3);
  fake_run(1);
  assert_int_equal(host_snapshot().failures, 0);
}

static void one_that_decides_or_has_given_up_is_wanted (void **state) {
  WORLD({ .lives_ns = FAKE_S });
  host.config.asks = 1;
  host.config.restart_limit = 0;
  host.decision = -1;
  run_for(2 * FAKE_S);
  EXPECT_PRESENT(true, "deciding");
  assert_int_equal(pexec_process_decide(host.process, 1,
                                        PEXEC_DECIDE_RESTART, -1), 0);
  host_run(FAKE_S);
  EXPECT_PRESENT(true, "failed");
  assert_int_equal(host_snapshot().since_ns, wall_now() - FAKE_S);
}

static void one_that_has_ended_is_not (void **state) {
  WORLD({ .lives_ns = FAKE_S });
  host.config.restart = PEXEC_RESTART_NEVER;
  run_for(2 * FAKE_S);
  EXPECT_PRESENT(false, "exited");
  assert_int_equal(host_snapshot().pid, 0);
}

static void one_that_is_being_restarted_is (void **state) {
  WORLD({ .lingers_ns = FAKE_S });
  run_for(2 * FAKE_S);
  assert_int_equal(pexec_process_restart(host.process), 0);
  host_run(100 * FAKE_MS);
  EXPECT_PRESENT(true, "stopping");
  assert_int_equal(host_snapshot().uptime_ns, 2100 * FAKE_MS);
  host_run(FAKE_S);
  EXPECT_PRESENT(true, "running");
}

/* {== the wall clock jumps =============================================== */

/* FAULTS 36 */
static void what_is_told_for_people_is_its_time (void **state) {
  WORLD({ .lives_ns = FAKE_S }, { 0 });
  host.config.restart_delay_ms = 5000;
  run_for(500 * FAKE_MS);
  fake.wall_ns -= YEAR;
  host_run(FAKE_S);
  assert_int_equal(host_snapshot().since_ns, wall_now() - 500 * FAKE_MS);
  assert_int_equal(last_exit().started_at_ns,
                   wall_now() + YEAR - 1500 * FAKE_MS);
  fake.wall_ns += 5 * YEAR;
  host_run(5 * FAKE_S);
  assert_int_equal(host_snapshot().since_ns, wall_now() - 1500 * FAKE_MS);
}

/* FAULTS 36 */
static void no_time_that_has_passed_is_another (void **state) {
  WORLD({ .lives_ns = FAKE_S });
  host.config.restart_delay_ms = 5000;
  run_for(500 * FAKE_MS);
  fake.wall_ns -= YEAR;
  assert_int_equal(host_snapshot().uptime_ns, 500 * FAKE_MS);
  host_run(FAKE_S);
  assert_int_equal(last_exit().uptime_ns, FAKE_S);
  fake.wall_ns += 5 * YEAR;
  assert_int_equal(host_snapshot().restart_in_ns, 3500 * FAKE_MS);
}

/* When what happens where the clock jumps so far, each 10 ms. */
struct trace {
  int64_t births[8], decided_ns, given_up_ns, stopped_ns;
};

static struct trace trace;

static void run_jumping (const int *count, int at_least, int64_t jump_ns) {
  int64_t wall_ns = fake.wall_ns;
  for (int i = 0; !host_run_until(count, at_least, 10 * FAKE_MS); i++)
    fake.wall_ns = wall_ns + (i % 7 - 3) * jump_ns;
  fake.wall_ns = wall_ns;
}

/* A crash loop with growing delays, a decision that times out, the limit. */
static void live (int64_t jump_ns) {
  static const struct fake_program program = {
    .lives_ns = 300 * FAKE_MS, .members = 1, .members_ignore = EVERY_SIGNAL,
  };
  host_begin(&program, 1);
  host.config.asks = 1;
  host.config.decision_timeout_ms = 700;
  host.config.backoff.initial_ms = 100;
  host.config.restart_limit = 5;
  host.config.restart_limit_ms = 10000;
  host.decision = -1;
  host_start();
  run_jumping(&host.exited, 2, jump_ns);
  trace.decided_ns = fake.now_ns;
  run_jumping(&host.given_up, 1, jump_ns);
  trace.given_up_ns = fake.now_ns;
  host_run(0);
  memcpy(trace.births, fake.births, sizeof trace.births);
  host_end();
}

/* A stop through all its stages, of one that survives them. */
static void stop (int64_t jump_ns) {
  static const struct fake_program program = {
    .lives_ns = 20 * FAKE_S, .is_unkillable = true,
  };
  host_begin(&program, 1);
  host.config.stop_timeout_ms = 900;
  run_for(FAKE_S);
  assert_int_equal(pexec_process_stop(host.process), 0);
  run_jumping(&host.stopped, 1, jump_ns);
  trace.stopped_ns = fake.now_ns;
  run_jumping(&host.ended, 1, jump_ns);
  host_end();
}

/* FAULTS 36 */
static void no_delay_and_no_timeout_is_another (void **state) {
  static const int64_t jumps_ns[] = { 1, 3600 * FAKE_S, -YEAR, 20 * YEAR };
  struct trace before;
  (void)state;
  live(0);
  stop(0);
  before = trace;
  for (size_t i = 0; i < COUNT(jumps_ns); i++) {
    live(jumps_ns[i]);
    stop(jumps_ns[i]);
    assert_memory_equal(&trace, &before, sizeof trace);
  }
}

#define SPEC(name) cmocka_unit_test_teardown(name, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(it_tells_how_and_when_a_child_has_ended),
    SPEC(it_tells_what_the_child_has_used),
    SPEC(a_peak_that_may_be_the_hosts_is_not_told),
    SPEC(a_death_by_signal_has_no_code),
    SPEC(what_the_host_has_reaped_is_known_from_the_kernel),
    SPEC(or_from_nobody),
    SPEC(a_stop_has_requested_it),
    SPEC(so_has_a_kill),
    SPEC(a_restart_has_requested_it),
    SPEC(a_stop_in_the_midst_of_it_has),
    SPEC(what_has_died_before_was_requested_by_nobody),
    SPEC(a_cancellation_is_told_with_its_reason),
    SPEC(attempts_are_counted_until_it_recovers),
    SPEC(a_failed_attempt_is_one_but_no_run),
    SPEC(a_restart_that_is_ordered_begins_a_row),
    SPEC(so_does_a_start_and_runs_are_counted_on),
    SPEC(it_is_of_the_last_sixteen_the_oldest_first),
    SPEC(it_may_be_asked_for_fewer),
    SPEC(one_that_was_never_started_has_none),
    SPEC(it_is_kept_over_ends_and_starts),
    SPEC(without_memory_there_is_always_the_last_one),
    SPEC(before_a_start_nothing_is_known),
    SPEC(a_state_is_told_with_when_it_began),
    SPEC(what_runs_gets_older_by_itself),
    SPEC(a_restart_comes_nearer_by_itself),
    SPEC(a_recovery_comes_by_itself),
    SPEC(one_that_decides_or_has_given_up_is_wanted),
    SPEC(one_that_has_ended_is_not),
    SPEC(one_that_is_being_restarted_is),
    SPEC(what_is_told_for_people_is_its_time),
    SPEC(no_time_that_has_passed_is_another),
    SPEC(no_delay_and_no_timeout_is_another),
  };
  int failed = cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
  fake.is_basic = true;
  return failed + cmocka_run_group_tests_name("basic kernel", tests, NULL,
                                              NULL);
}
