/*
** Specifies the stages of a stop, to the nanosecond and signal by signal, and
** a stop in every state a process can be in, on the fake seam. Each spec runs
** twice, the second time on a kernel without the newer calls. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define EVERY_SIGNAL (~UINT64_C(0))

#define WORLD(...) \
  static const struct fake_program world[] = { __VA_ARGS__ }; \
  host_begin(world, (int)(sizeof world / sizeof world[0])); \
  (void)state

static int sent;             /* how many signals were looked at */
static int64_t t;            /* when the stop was ordered */

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

static void expect_signal (int64_t after_ns, int signo, bool is_to_group) {
  const struct fake_signal *signal = &fake.signals[sent++];
  assert_true(sent <= fake.signal_count);
  assert_int_equal(signal->at_ns - t, after_ns);
  assert_int_equal(signal->signo, signo);
  assert_int_equal(signal->is_to_group, is_to_group);
}

static void expect_no_more_signals (void) {
  assert_int_equal(fake.signal_count, sent);
}

#define TO_PROCESS(after_ns) \
  expect_signal(after_ns, SIGTERM, false); \
  expect_signal(after_ns, SIGCONT, false)
#define TO_GROUP(after_ns) \
  expect_signal(after_ns, SIGTERM, true); \
  expect_signal(after_ns, SIGCONT, true)
/* The leader too, in case its group cannot be reached. */
#define KILL(after_ns) \
  expect_signal(after_ns, SIGKILL, true)

static void run_for (int64_t ns) {
  if (host.config.stop_timeout_ms == 10000)
    host.config.stop_timeout_ms = 900;
  host_start();
  host_run(ns);
}

static void stop (void) {
  t = fake.now_ns;
  assert_int_equal(pexec_process_stop(host.process), 0);
}

/* Stopped, exactly so long after the order. */
static void expect_stop (int64_t after_ns, enum pexec_stage stage) {
  int before = host.stopped;
  assert_true(host_run_until(&host.stopped, before + 1, 60 * FAKE_S));
  assert_int_equal(fake.now_ns - t, after_ns);
  assert_int_equal(host.stop_error, 0);
  assert_string_equal(pexec_stage_name(host.stage), pexec_stage_name(stage));
  host_run(0);
  assert_int_equal(host_state(), PEXEC_STOPPED);
  assert_int_equal(host_pid(), 0);
}

/* It ends, but when it is seen depends on the next look at its group. */
static void expect_stop_within (int64_t from_ns, int64_t to_ns,
                                enum pexec_stage stage) {
  assert_true(host_run_until(&host.stopped, 1, 60 * FAKE_S));
  assert_in_range(fake.now_ns - t, from_ns, to_ns);
  assert_int_equal(host.stop_error, 0);
  assert_string_equal(pexec_stage_name(host.stage), pexec_stage_name(stage));
  assert_int_equal(fake.living, 0);
}

static void expect_never_again (void) {
  int clones = fake.clones;
  host_run(3600 * FAKE_S);
  assert_int_equal(fake.clones, clones);
  assert_int_equal(fake.living, 0);
}

/* {== stages ============================================================= */

static void the_process_is_asked_first (void **state) {
  WORLD({ 0 });
  run_for(FAKE_S);
  stop();
  expect_stop(0, PEXEC_STAGE_PROCESS);
  TO_PROCESS(0);
  assert_string_equal(host.order, "STE");
}

static void one_that_needs_time_gets_it (void **state) {
  WORLD({ .lingers_ns = 200 * FAKE_MS });
  run_for(FAKE_S);
  stop();
  expect_stop(200 * FAKE_MS, PEXEC_STAGE_PROCESS);
  TO_PROCESS(0);
}

static void after_a_third_its_group_is_asked (void **state) {
  WORLD({ .lingers_ns = 400 * FAKE_MS, .members = 2 });
  run_for(FAKE_S);
  stop();
  expect_stop(400 * FAKE_MS, PEXEC_STAGE_GROUP);
  TO_PROCESS(0);
  TO_GROUP(300 * FAKE_MS);
}

static void at_the_timeout_its_group_is_killed (void **state) {
  WORLD({ .ignores = EVERY_SIGNAL, .members = 3,
          .members_ignore = EVERY_SIGNAL });
  run_for(FAKE_S);
  stop();
  expect_stop(900 * FAKE_MS, PEXEC_STAGE_KILL);
  TO_PROCESS(0);
  TO_GROUP(300 * FAKE_MS);
  KILL(900 * FAKE_MS);
  assert_int_equal(fake.living, 0);
}

static void others_are_asked_at_once_when_their_leader_goes (void **state) {
  WORLD({ .members = 2 });
  run_for(FAKE_S);
  stop();
  expect_stop(0, PEXEC_STAGE_PROCESS);
  TO_PROCESS(0);
  TO_GROUP(0);
  expect_no_more_signals();
  assert_int_equal(fake.living, 0);
}

static void others_that_stay_are_killed_at_the_timeout (void **state) {
  WORLD({ .members = 2, .members_ignore = EVERY_SIGNAL });
  run_for(FAKE_S);
  stop();
  expect_stop_within(900 * FAKE_MS, 950 * FAKE_MS, PEXEC_STAGE_KILL);
  TO_PROCESS(0);
  TO_GROUP(0);
  KILL(900 * FAKE_MS);
  expect_no_more_signals();
}

static void the_configured_signal_is_sent (void **state) {
  WORLD({ .ignores = FAKE_BIT(SIGTERM) | FAKE_BIT(SIGINT) });
  host.config.stop_signal = SIGUSR1;
  run_for(FAKE_S);
  stop();
  expect_stop(0, PEXEC_STAGE_PROCESS);
  expect_signal(0, SIGUSR1, false);
  expect_signal(0, SIGCONT, false);
}

/* SIGCONT would take it back. */
static void one_that_suspends_comes_after_sigcont (void **state) {
  WORLD({ 0 });
  host.config.stop_signal = SIGTSTP;
  run_for(FAKE_S);
  stop();
  expect_stop(0, PEXEC_STAGE_PROCESS);
  expect_signal(0, SIGCONT, false);
  expect_signal(0, SIGTSTP, false);
}

static void what_survives_sigkill_is_given_up_in_a_second (void **state) {
  WORLD({ .is_unkillable = true });
  run_for(FAKE_S);
  stop();
  fake.survivors = 1;
  assert_true(host_run_until(&host.stopped, 1, 60 * FAKE_S));
  assert_int_equal(fake.now_ns - t, 1900 * FAKE_MS);
  assert_int_equal(host.stop_error, PEXEC_ESTOP_TIMEOUT);
  assert_string_equal(host.order, "ST");
  assert_int_equal(host_state(), PEXEC_STOPPING);
}

static void it_stays_watched_until_it_dies (void **state) {
  WORLD({ .is_unkillable = true, .lives_ns = 20 * FAKE_S });
  run_for(FAKE_S);
  stop();
  host_run(60 * FAKE_S);
  assert_string_equal(host.order, "STE");
  assert_int_equal(host_state(), PEXEC_STOPPED);
}

static void a_second_stop_tries_again_and_is_answered (void **state) {
  WORLD({ .is_unkillable = true });
  run_for(FAKE_S);
  stop();
  fake.survivors = 1;
  assert_true(host_run_until(&host.stopped, 1, 60 * FAKE_S));
  stop();
  assert_true(host_run_until(&host.stopped, 2, 60 * FAKE_S));
  assert_int_equal(fake.now_ns - t, FAKE_S);
  assert_int_equal(host.stop_error, PEXEC_ESTOP_TIMEOUT);
}

static void a_third_one_does_not_prolong_it (void **state) {
  WORLD({ .is_unkillable = true });
  run_for(FAKE_S);
  stop();
  fake.survivors = 1;
  assert_true(host_run_until(&host.stopped, 1, 60 * FAKE_S));
  stop();
  host_run(500 * FAKE_MS);
  (void)pexec_process_stop(host.process);
  assert_true(host_run_until(&host.stopped, 2, 60 * FAKE_S));
  assert_int_equal(fake.now_ns - t, FAKE_S);
}

static void a_leader_is_killed_though_its_group_is_out_of_reach (void **state) {
  WORLD({ .ignores = EVERY_SIGNAL });
  run_for(FAKE_S);
  fake_fail(FAKE_CALL(signal_group) | FAKE_CALL(kill_group), 1, true);
  stop();
  expect_stop_within(900 * FAKE_MS, 950 * FAKE_MS, PEXEC_STAGE_KILL);
}

static void the_last_output_comes_before_the_answer (void **state) {
  WORLD({ .lingers_ns = 200 * FAKE_MS, .last_words = "bye" });
  host.config.output_events = PEXEC_STDOUT;
  run_for(FAKE_S);
  stop();
  expect_stop(200 * FAKE_MS, PEXEC_STAGE_PROCESS);
  assert_string_equal(host.order, "SOTE");
  assert_string_equal(host.text, "bye");
}

/* {== at any moment ====================================================== */

static void before_the_first_start_nothing_is_to_be_done (void **state) {
  WORLD({ 0 });
  host_make();
  stop();
  host_pull();
  assert_string_equal(host.order, "T");
  assert_int_equal(host.stage, PEXEC_STAGE_NONE);
  assert_int_equal(pexec_process_start(host.process, -1),
                   PEXEC_EALREADY_STOPPED);
  pexec_process_release(host.process);
  host.process = NULL;
}

static void a_start_that_was_just_ordered_is_stopped (void **state) {
  WORLD({ .exec_ns = 5 * FAKE_MS });
  run_for(0);
  stop();
  host_run(FAKE_S);
  assert_string_equal(host.order, "STE");
  assert_int_equal(host.start_error, PEXEC_EALREADY_STOPPED);
  expect_never_again();
}

static void a_start_under_way_is_stopped_when_it_is_made (void **state) {
  WORLD({ .exec_ns = 500 * FAKE_MS });
  run_for(100 * FAKE_MS);
  stop();
  expect_stop(400 * FAKE_MS, PEXEC_STAGE_PROCESS);
  assert_int_equal(host.start_error, PEXEC_EALREADY_STOPPED);
  assert_string_equal(host.order, "STE");
}

static void one_that_hangs_in_exec_is_killed_at_the_timeout (void **state) {
  WORLD({ .exec_ns = FAKE_NEVER });
  run_for(FAKE_S);
  stop();
  expect_stop(900 * FAKE_MS, PEXEC_STAGE_KILL);
  assert_int_equal(host.start_error, PEXEC_EALREADY_STOPPED);
  assert_string_equal(host.order, "STE");
}

/* The spawner makes one child at a time. */
static void one_whose_turn_has_not_come_is_never_made (void **state) {
  pexec_process *other;
  WORLD({ .exec_ns = FAKE_NEVER });
  host.config.stop_timeout_ms = 900;
  host_start();
  other = host.process;
  host_run(FAKE_S);
  host_make();
  host_start();
  host_run(FAKE_S);
  stop();
  expect_stop(0, PEXEC_STAGE_NONE);
  assert_int_equal(fake.clones, 0);
  (void)pexec_process_stop(other);
  assert_true(host_run_until(&host.stopped, 2, FAKE_S));
}

static void a_start_that_fails_meanwhile_is_over (void **state) {
  WORLD({ .exec_ns = 500 * FAKE_MS, .exec_error = ENOENT });
  run_for(100 * FAKE_MS);
  stop();
  expect_stop(400 * FAKE_MS, PEXEC_STAGE_NONE);
  assert_string_equal(host.order, "STE");
}

static void a_restart_delay_is_interrupted (void **state) {
  WORLD({ .lives_ns = 100 * FAKE_MS });
  run_for(500 * FAKE_MS);
  assert_int_equal(host_state(), PEXEC_BACKOFF);
  stop();
  expect_stop(0, PEXEC_STAGE_NONE);
  KILL(-400 * FAKE_MS);  /* at its death, for what it may have left */
  expect_no_more_signals();
  expect_never_again();
}

static void a_decision_is_interrupted (void **state) {
  WORLD({ .lives_ns = 100 * FAKE_MS });
  host.config.asks = 1;
  host.decision = -1;
  run_for(500 * FAKE_MS);
  stop();
  expect_stop(0, PEXEC_STAGE_NONE);
  (void)pexec_process_decide(host.process, 1, 1, -1);
  expect_never_again();
}

static void members_left_in_a_decision_go_through_the_stages (void **state) {
  WORLD({ .lives_ns = 100 * FAKE_MS, .members = 1,
          .members_ignore = EVERY_SIGNAL });
  host.config.asks = 1;
  host.decision = -1;
  run_for(500 * FAKE_MS);
  stop();
  expect_stop_within(900 * FAKE_MS, 950 * FAKE_MS, PEXEC_STAGE_KILL);
}

static void a_restart_that_waits_for_its_group_is_interrupted (void **state) {
  WORLD({ .lives_ns = 100 * FAKE_MS, .members = 1, .is_unkillable = true });
  run_for(500 * FAKE_MS);
  assert_int_equal(fake.clones, 1);
  fake.survivors = 1;
  stop();
  host_run(60 * FAKE_S);
  assert_string_equal(host.order, "ST");
  assert_int_equal(host.stop_error, PEXEC_ESTOP_TIMEOUT);
  assert_int_equal(fake.clones, 1);
}

static void a_one_shot_is_stopped (void **state) {
  WORLD({ .ignores = FAKE_BIT(SIGTERM) });
  host.config.one_shot = 1;
  run_for(FAKE_S);
  stop();
  expect_stop(900 * FAKE_MS, PEXEC_STAGE_KILL);
  assert_string_equal(host.order, "SXTE");
  assert_int_equal(host.exit.signo, SIGKILL);
  assert_int_equal(host.exit.canceled, 0);
}

static void what_has_ended_by_itself_is_stopped_at_once (void **state) {
  WORLD({ .lives_ns = 100 * FAKE_MS });
  host.config.one_shot = 1;
  run_for(FAKE_S);
  stop();
  expect_stop(0, PEXEC_STAGE_NONE);
  assert_string_equal(host.order, "SXET");
}

static void each_stop_is_answered (void **state) {
  WORLD({ .lingers_ns = 200 * FAKE_MS });
  run_for(FAKE_S);
  stop();
  host_run(100 * FAKE_MS);
  stop();
  expect_stop(100 * FAKE_MS, PEXEC_STAGE_PROCESS);
  stop();
  expect_stop(0, PEXEC_STAGE_NONE);
  TO_PROCESS(-200 * FAKE_MS);
}

/* {== kills ============================================================== */

static void a_kill_goes_straight_to_the_end (void **state) {
  WORLD({ .ignores = EVERY_SIGNAL, .members = 2,
          .members_ignore = EVERY_SIGNAL });
  run_for(FAKE_S);
  t = fake.now_ns;
  assert_int_equal(pexec_process_kill_group(host.process), 0);
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  assert_int_equal(fake.now_ns, t);
  assert_string_equal(host.order, "SE");
  KILL(0);
  expect_never_again();
}

static void a_kill_overtakes_a_stop (void **state) {
  WORLD({ .ignores = EVERY_SIGNAL });
  run_for(FAKE_S);
  stop();
  host_run(100 * FAKE_MS);
  assert_int_equal(pexec_process_kill_group(host.process), 0);
  expect_stop(100 * FAKE_MS, PEXEC_STAGE_KILL);
}

static void a_kill_reaches_one_that_hangs_in_exec (void **state) {
  WORLD({ .exec_ns = FAKE_NEVER });
  run_for(FAKE_S);
  t = fake.now_ns;
  assert_int_equal(pexec_process_kill_group(host.process), 0);
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  assert_int_equal(fake.now_ns, t);
}

static void after_a_kill_nothing_is_started (void **state) {
  WORLD({ .lives_ns = 100 * FAKE_MS });
  run_for(500 * FAKE_MS);
  assert_int_equal(pexec_process_kill_group(host.process), 0);
  assert_int_equal(pexec_process_start(host.process, -1),
                   PEXEC_EALREADY_STOPPED);
  expect_never_again();
  assert_int_equal(host_state(), PEXEC_STOPPED);
}

/* {== closing ============================================================ */

static void closing_takes_the_stages_of_a_stop (void **state) {
  WORLD({ .ignores = EVERY_SIGNAL, .members = 1,
          .members_ignore = EVERY_SIGNAL });
  run_for(FAKE_S);
  t = fake.now_ns;
  pexec_supervisor_close(host.supervisor);
  host.supervisor = NULL;
  assert_int_equal(fake.now_ns - t, 900 * FAKE_MS);
  assert_int_equal(fake.living, 0);
  TO_PROCESS(0);
  TO_GROUP(300 * FAKE_MS);
}

static void closing_gives_up_a_second_after_the_timeout (void **state) {
  WORLD({ .is_unkillable = true });
  run_for(FAKE_S);
  t = fake.now_ns;
  fake.survivors = 1;
  pexec_supervisor_close(host.supervisor);
  host.supervisor = NULL;
  assert_int_equal(fake.now_ns - t, 1900 * FAKE_MS);
}

static void closing_ends_a_start_that_hangs (void **state) {
  WORLD({ .exec_ns = FAKE_NEVER });
  run_for(FAKE_S);
  t = fake.now_ns;
  pexec_supervisor_close(host.supervisor);
  host.supervisor = NULL;
  assert_int_equal(fake.now_ns - t, 900 * FAKE_MS);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(the_process_is_asked_first),
    SPEC(one_that_needs_time_gets_it),
    SPEC(after_a_third_its_group_is_asked),
    SPEC(at_the_timeout_its_group_is_killed),
    SPEC(others_are_asked_at_once_when_their_leader_goes),
    SPEC(others_that_stay_are_killed_at_the_timeout),
    SPEC(the_configured_signal_is_sent),
    SPEC(one_that_suspends_comes_after_sigcont),
    SPEC(what_survives_sigkill_is_given_up_in_a_second),
    SPEC(it_stays_watched_until_it_dies),
    SPEC(a_second_stop_tries_again_and_is_answered),
    SPEC(a_third_one_does_not_prolong_it),
    SPEC(a_leader_is_killed_though_its_group_is_out_of_reach),
    SPEC(the_last_output_comes_before_the_answer),
    SPEC(before_the_first_start_nothing_is_to_be_done),
    SPEC(a_start_that_was_just_ordered_is_stopped),
    SPEC(a_start_under_way_is_stopped_when_it_is_made),
    SPEC(one_that_hangs_in_exec_is_killed_at_the_timeout),
    SPEC(one_whose_turn_has_not_come_is_never_made),
    SPEC(a_start_that_fails_meanwhile_is_over),
    SPEC(a_restart_delay_is_interrupted),
    SPEC(a_decision_is_interrupted),
    SPEC(members_left_in_a_decision_go_through_the_stages),
    SPEC(a_restart_that_waits_for_its_group_is_interrupted),
    SPEC(a_one_shot_is_stopped),
    SPEC(what_has_ended_by_itself_is_stopped_at_once),
    SPEC(each_stop_is_answered),
    SPEC(a_kill_goes_straight_to_the_end),
    SPEC(a_kill_overtakes_a_stop),
    SPEC(a_kill_reaches_one_that_hangs_in_exec),
    SPEC(after_a_kill_nothing_is_started),
    SPEC(closing_takes_the_stages_of_a_stop),
    SPEC(closing_gives_up_a_second_after_the_timeout),
    SPEC(closing_ends_a_start_that_hangs),
  };
  int failed = cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
  fake.is_basic = true;
  return failed + cmocka_run_group_tests_name("basic kernel", tests, NULL,
                                              NULL);
}
