/*
** Specifies a restart that the host orders: a stop and a start as one act, at
** any moment of a process's life, on the fake seam. Each spec runs twice, the
** second time on a kernel without the newer calls. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define EVERY_SIGNAL (~UINT64_C(0))

#define WORLD(...) \
  static const struct fake_program world[] = { __VA_ARGS__ }; \
  host_begin(world, (int)COUNT(world)); \
  host.config.stop_timeout_ms = 900; \
  sent = 0; \
  (void)state

static int sent;             /* how many signals were looked at */
static int64_t t;            /* when the restart was ordered */

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

static void run_for (int64_t ns) {
  host_start();
  host_run(ns);
}

static void restart (void) {
  t = fake.now_ns;
  assert_int_equal(pexec_process_restart(host.process), 0);
}

/* Answered, exactly so long after the order. */
static void expect_answer (int64_t after_ns, int error) {
  assert_true(host_run_until(&host.restarted, host.restarted + 1,
                             60 * FAKE_S));
  assert_int_equal(fake.now_ns - t, after_ns);
  assert_string_equal(pexec_error_name(host.restart_error),
                      pexec_error_name(error));
}

static void expect_restart (int64_t after_ns) {
  expect_answer(after_ns, 0);
  assert_string_equal(pexec_state_name(host_state()), "running");
  assert_int_equal(host.restart_pid, host_pid());
}

static void expect_never_again (void) {
  int clones = fake.clones;
  host_run(3600 * FAKE_S);
  assert_int_equal(fake.clones, clones);
  assert_int_equal(fake.living, fake.survivors);
}

/* {== of one that runs =================================================== */

static void it_is_stopped_and_started (void **state) {
  int first;
  WORLD({ .lingers_ns = 50 * FAKE_MS, .exec_ns = 3 * FAKE_MS });
  run_for(FAKE_S);
  first = host_pid();
  restart();
  host_run(0);
  assert_string_equal(pexec_state_name(host_state()), "stopping");
  expect_restart(53 * FAKE_MS);
  assert_int_not_equal(host_pid(), first);
  assert_string_equal(host.order, "SY");
  assert_int_equal(fake.living, 1);
  expect_signal(0, SIGTERM, false);
  expect_signal(0, SIGCONT, false);
  host_run(3600 * FAKE_S);
  assert_int_equal(fake.clones, 2);
}

/* Its child did not die of itself. */
static void nobody_is_asked_and_no_delay_waited_for (void **state) {
  WORLD({ 0 });
  host.config.asks = 1;
  host.config.restart = PEXEC_RESTART_NEVER;
  host.config.restart_delay_ms = 60000;
  run_for(FAKE_S);
  restart();
  expect_restart(0);
  assert_int_equal(host.exited, 0);
}

static void a_stubborn_one_goes_through_the_stages (void **state) {
  WORLD({ .ignores = EVERY_SIGNAL }, { 0 });
  run_for(FAKE_S);
  restart();
  expect_restart(900 * FAKE_MS);
  expect_signal(0, SIGTERM, false);
  expect_signal(0, SIGCONT, false);
  expect_signal(300 * FAKE_MS, SIGTERM, true);
  expect_signal(300 * FAKE_MS, SIGCONT, true);
  expect_signal(900 * FAKE_MS, SIGKILL, true);
}

static void nobody_of_its_group_is_left_behind (void **state) {
  WORLD({ .members = 3, .members_ignore = EVERY_SIGNAL }, { 0 });
  run_for(FAKE_S);
  restart();
  assert_true(host_run_until(&host.restarted, 1, 60 * FAKE_S));
  assert_in_range(fake.now_ns - t, 900 * FAKE_MS, 950 * FAKE_MS);
  assert_int_equal(fake.living, 1);
}

static void its_last_words_come_before_the_next_ones_first (void **state) {
  WORLD({ .says = "hello\n", .last_words = "bye" });
  host.config.output_events = PEXEC_STDOUT;
  run_for(FAKE_S);
  restart();
  expect_restart(0);
  host_run(0);
  assert_string_equal(host.text, "hello\nbyehello\n");
  assert_string_equal(host.order, "SOOYO");
}

static void the_next_one_reads_its_input_from_the_start (void **state) {
  WORLD({ .reads = 10 });
  host.config.input.source = PEXEC_FROM_DATA;
  host.config.input.data = "abcdefghijklmnopqrst";
  host.config.input.length = 20;
  run_for(FAKE_MS + 1);
  assert_int_equal(fake.input_length, 10);
  restart();
  host_run(FAKE_S);
  assert_int_equal(fake.input_length, 30);
  assert_memory_equal(fake.input, "abcdefghijabcdefghijklmnopqrst", 30);
}

static void what_failed_before_is_forgotten (void **state) {
  WORLD({ .lives_ns = FAKE_MS }, { .lives_ns = FAKE_MS },
        { .lives_ns = FAKE_MS }, { 0 }, { .lives_ns = FAKE_MS }, { 0 });
  host.config.backoff.initial_ms = 100;
  host.config.restart_limit = 3;
  host.config.restart_limit_ms = 60000;
  run_for(FAKE_S);
  assert_int_equal(host_snapshot().failures, 3);
  restart();
  host_run(FAKE_S);
  assert_int_equal(fake.births[5] - fake.births[4], 101 * FAKE_MS);
  assert_int_equal(host_snapshot().failures, 1);
}

static void so_it_can_be_restarted_again_and_again (void **state) {
  WORLD({ 0 });
  run_for(FAKE_S);
  for (int i = 1; i <= 100; i++) {
    restart();
    expect_restart(0);
    assert_int_equal(host.restarted, i);
  }
  assert_int_equal(fake.clones, 101);
  assert_int_equal(fake.living, 1);
}

/* {== where there is nothing to restart ================================== */

static void one_that_was_never_started_is_refused (void **state) {
  WORLD({ 0 });
  host_make();
  assert_int_equal(pexec_process_restart(host.process), PEXEC_EPROCESS_DONE);
  pexec_process_release(host.process);
  host.process = NULL;
}

static void a_one_shot_is_refused (void **state) {
  WORLD({ 0 });
  host.config.one_shot = 1;
  run_for(FAKE_S);
  assert_int_equal(pexec_process_restart(host.process), PEXEC_EUNSUPPORTED);
  host_run(FAKE_S);
  assert_int_equal(fake.signal_count, 0);
}

static void one_that_is_stopped_is_refused (void **state) {
  WORLD({ .ignores = EVERY_SIGNAL });
  run_for(FAKE_S);
  (void)pexec_process_stop(host.process);
  assert_int_equal(pexec_process_restart(host.process),
                   PEXEC_EALREADY_STOPPED);
  host_run(60 * FAKE_S);
  assert_int_equal(pexec_process_restart(host.process),
                   PEXEC_EALREADY_STOPPED);
  expect_never_again();
}

static void one_that_has_ended_is_refused (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  host.config.restart = PEXEC_RESTART_NEVER;
  run_for(FAKE_S);
  assert_string_equal(host.order, "SE");
  assert_int_equal(pexec_process_restart(host.process), PEXEC_EPROCESS_DONE);
  expect_never_again();
}

/* The host has not heard of its end yet. */
static void one_that_has_just_ended_is_answered_so (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  host.config.restart = PEXEC_RESTART_NEVER;
  host_start();
  fake_run(FAKE_S);
  restart();
  expect_answer(0, PEXEC_EPROCESS_DONE);
  assert_string_equal(host.order, "SEy");
  expect_never_again();
}

static void so_it_is_where_a_start_follows_at_once (void **state) {
  WORLD({ .lives_ns = FAKE_MS }, { 0 });
  host.config.restart = PEXEC_RESTART_NEVER;
  host_start();
  fake_run(FAKE_S);
  restart();
  host_pull();
  host_start();
  host_run(FAKE_S);
  assert_int_equal(host.restarted, 1);
  assert_string_equal(pexec_state_name(host_state()), "running");
  assert_int_equal(fake.clones, 2);
}

/* {== while it is started ================================================ */

static void a_start_under_way_is_enough (void **state) {
  WORLD({ .exec_ns = 50 * FAKE_MS });
  run_for(10 * FAKE_MS);
  restart();
  expect_restart(40 * FAKE_MS);
  assert_string_equal(host.order, "SY");
  assert_int_equal(fake.clones, 1);
}

static void a_restart_under_way_is_too (void **state) {
  WORLD({ .lives_ns = 2 * FAKE_S, .exec_ns = 50 * FAKE_MS });
  run_for(2 * FAKE_S + 60 * FAKE_MS);
  restart();
  expect_restart(40 * FAKE_MS);
  assert_int_equal(fake.clones, 2);
}

static void it_shares_the_failure_of_a_start (void **state) {
  WORLD({ .exec_ns = 50 * FAKE_MS, .exec_error = ENOENT });
  run_for(10 * FAKE_MS);
  restart();
  expect_answer(40 * FAKE_MS, -ENOENT);
  host_run(0);
  assert_string_equal(host.order, "SyE");
  assert_string_equal(host.restart_message, host.start_message);
  expect_never_again();
}

static void a_later_one_knows_nothing_of_that (void **state) {
  WORLD({ .exec_error = ENOENT }, { .lives_ns = 2 * FAKE_S });
  host_start();
  restart();
  host_run(FAKE_S);
  host_start();
  host_run(60 * FAKE_S);
  assert_string_equal(host.order, "SyES");
}

/* {== between two children =============================================== */

static void a_restart_delay_is_interrupted (void **state) {
  WORLD({ .lives_ns = FAKE_S }, { 0 });
  host.config.restart_delay_ms = 60000;
  run_for(2 * FAKE_S);
  assert_string_equal(pexec_state_name(host_state()), "backoff");
  restart();
  expect_restart(0);
  host_run(3600 * FAKE_S);
  assert_int_equal(fake.clones, 2);
}

static void one_between_two_attempts_is_too (void **state) {
  WORLD({ .lives_ns = FAKE_S }, { .exec_error = ETXTBSY }, { 0 });
  host.config.backoff.initial_ms = 60000;
  host.config.asks = 1;
  host.decision_ms = 0;
  run_for(2 * FAKE_S);
  assert_int_equal(fake.clones, 2);
  restart();
  expect_restart(0);
}

static void a_decision_is_taken_out_of_the_hosts_hands (void **state) {
  WORLD({ .lives_ns = FAKE_S }, { 0 });
  host.config.asks = 1;
  host.config.decision_timeout_ms = 60000;
  host.decision = -1;
  run_for(2 * FAKE_S);
  restart();
  expect_restart(0);
  assert_int_equal(pexec_process_decide(host.process, 1, PEXEC_DECIDE_END,
                                        -1), 0);
  host_run(3600 * FAKE_S);
  assert_string_equal(host.order, "SXY");
  assert_int_equal(fake.clones, 2);
}

static void who_is_left_then_is_asked_before_being_killed (void **state) {
  WORLD({ .lives_ns = FAKE_S, .members = 2, .members_ignore = EVERY_SIGNAL },
        { 0 });
  host.config.asks = 1;
  host.decision = -1;
  run_for(2 * FAKE_S);
  restart();
  assert_true(host_run_until(&host.restarted, 1, 60 * FAKE_S));
  assert_in_range(fake.now_ns - t, 900 * FAKE_MS, 950 * FAKE_MS);
  expect_signal(0, SIGTERM, true);
  expect_signal(0, SIGCONT, true);
  expect_signal(900 * FAKE_MS, SIGKILL, true);
  expect_no_more_signals();
}

/* Of one that is killed anyway the time is a second. */
static void what_is_being_cleared_away_is_waited_for (void **state) {
  WORLD({ .lives_ns = FAKE_S, .members = 1, .is_unkillable = true }, { 0 });
  fake.survivors = 1;
  run_for(FAKE_S + 500 * FAKE_MS);
  assert_string_equal(pexec_state_name(host_state()), "backoff");
  restart();
  expect_answer(FAKE_S, PEXEC_ESTOP_TIMEOUT);
  expect_never_again();
  assert_int_equal(fake.clones, 1);
}

static void it_takes_back_the_decision_that_it_ends (void **state) {
  WORLD({ .lives_ns = FAKE_S, .members = 1, .is_unkillable = true });
  host.config.restart = PEXEC_RESTART_NEVER;
  fake.survivors = 1;
  run_for(FAKE_S + 500 * FAKE_MS);
  assert_string_equal(pexec_state_name(host_state()), "stopping");
  restart();
  expect_answer(FAKE_S, PEXEC_ESTOP_TIMEOUT);
  assert_true(host_snapshot().is_wanted);
  assert_int_equal(host.ended, 0);
}

static void and_that_it_is_given_up (void **state) {
  WORLD({ .lives_ns = FAKE_S, .members = 1, .is_unkillable = true });
  host.config.restart_limit = 0;
  fake.survivors = 1;
  run_for(FAKE_S + 500 * FAKE_MS);
  restart();
  expect_answer(FAKE_S, PEXEC_ESTOP_TIMEOUT);
  assert_int_equal(host.given_up, 0);
}

/* {== twice ============================================================== */

static void two_at_once_are_one (void **state) {
  WORLD({ .lingers_ns = 100 * FAKE_MS });
  run_for(FAKE_S);
  restart();
  restart();
  host_run(FAKE_S);
  assert_string_equal(host.order, "SY");
  assert_int_equal(fake.clones, 2);
}

static void one_more_meanwhile_joins_the_first (void **state) {
  WORLD({ .lingers_ns = 100 * FAKE_MS });
  run_for(FAKE_S);
  restart();
  host_run(50 * FAKE_MS);
  restart();
  expect_restart(50 * FAKE_MS);
  host_run(FAKE_S);
  assert_int_equal(fake.clones, 2);
  restart();
  expect_restart(100 * FAKE_MS);
  assert_int_equal(fake.clones, 3);
}

/* {== what does not die ================================================== */

/* FAULTS 34 */
static void no_second_copy_is_started_beside_it (void **state) {
  WORLD({ .is_unkillable = true });
  fake.survivors = 1;
  run_for(FAKE_S);
  restart();
  expect_answer(1900 * FAKE_MS, PEXEC_ESTOP_TIMEOUT);
  assert_string_equal(pexec_state_name(host_state()), "stopping");
  expect_never_again();
  assert_int_equal(fake.clones, 1);
}

/* FAULTS 34 */
static void when_it_does_die_the_start_follows (void **state) {
  WORLD({ .is_unkillable = true, .lives_ns = 20 * FAKE_S }, { 0 });
  run_for(FAKE_S);
  restart();
  expect_answer(1900 * FAKE_MS, PEXEC_ESTOP_TIMEOUT);
  host_run(60 * FAKE_S);
  assert_int_equal(fake.births[1] - fake.births[0], 20 * FAKE_S);
  assert_string_equal(host.order, "Sy");
  assert_string_equal(pexec_state_name(host_state()), "running");
}

/* FAULTS 34 */
static void one_more_kills_again_and_is_answered (void **state) {
  WORLD({ .is_unkillable = true });
  fake.survivors = 1;
  run_for(FAKE_S);
  restart();
  expect_answer(1900 * FAKE_MS, PEXEC_ESTOP_TIMEOUT);
  restart();
  expect_answer(FAKE_S, PEXEC_ESTOP_TIMEOUT);
  assert_int_equal(fake.clones, 1);
}

/* The time that it had is over; the next one's is not. */
static void a_stop_of_its_successor_has_all_its_stages (void **state) {
  WORLD({ .is_unkillable = true, .lives_ns = 20 * FAKE_S },
        { .lingers_ns = 800 * FAKE_MS });
  run_for(FAKE_S);
  restart();
  host_run(60 * FAKE_S);
  assert_int_equal(fake.clones, 2);
  t = fake.now_ns;
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(100 * FAKE_MS);
  assert_int_equal(pexec_process_stop(host.process), 0);
  assert_true(host_run_until(&host.stopped, 1, 60 * FAKE_S));
  assert_int_equal(fake.now_ns - t, 800 * FAKE_MS);
  assert_string_equal(pexec_stage_name(host.stage), "group");
}

/* {== a start half that fails ============================================ */

static void that_is_answered_and_tried_again (void **state) {
  WORLD({ 0 }, { .exec_error = ETXTBSY }, { .exec_error = ETXTBSY }, { 0 });
  run_for(FAKE_S);
  restart();
  expect_answer(0, -ETXTBSY);
  assert_non_null(strstr(host.restart_message, "/bin/program"));
  assert_string_equal(pexec_state_name(host_state()), "backoff");
  host_run(2 * FAKE_S);
  assert_int_equal(fake.clones, 4);
  assert_string_equal(pexec_state_name(host_state()), "running");
  assert_string_equal(host.order, "Sy");
}

static void or_it_is_given_up_where_the_limit_says_so (void **state) {
  WORLD({ 0 }, { .exec_error = ENOENT });
  host.config.restart_limit = 0;
  run_for(FAKE_S);
  restart();
  expect_answer(0, -ENOENT);
  host_run(0);
  assert_string_equal(host.order, "SyGE");
  assert_string_equal(pexec_state_name(host_state()), "failed");
}

/* {== a stop meanwhile =================================================== */

/* FAULTS 8 */
static void then_it_is_never_started_again (void **state) {
  WORLD({ .lingers_ns = 200 * FAKE_MS });
  run_for(FAKE_S);
  restart();
  host_run(100 * FAKE_MS);
  assert_int_equal(pexec_process_stop(host.process), 0);
  expect_answer(200 * FAKE_MS, PEXEC_EALREADY_STOPPED);
  host_run(0);
  assert_string_equal(host.order, "SyTE");
  assert_int_equal(host.stop_error, 0);
  assert_string_equal(pexec_stage_name(host.stage), "process");
  expect_never_again();
}

/* FAULTS 8 */
static void nor_is_it_where_both_come_at_once (void **state) {
  WORLD({ .lingers_ns = 200 * FAKE_MS });
  run_for(FAKE_S);
  restart();
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(FAKE_S);
  assert_string_equal(host.order, "SyTE");
  assert_int_equal(host.restart_error, PEXEC_EALREADY_STOPPED);
  expect_never_again();
}

/* FAULTS 8 */
static void nor_where_all_three_do (void **state) {
  WORLD({ .exec_ns = FAKE_MS });
  host_start();
  restart();
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(FAKE_S);
  assert_string_equal(host.order, "SyTE");
  assert_int_equal(host.start_error, PEXEC_EALREADY_STOPPED);
  assert_int_equal(host.restart_error, PEXEC_EALREADY_STOPPED);
  expect_never_again();
}

/* FAULTS 8 */
static void nor_while_the_next_one_is_made (void **state) {
  WORLD({ .exec_ns = 100 * FAKE_MS });
  run_for(FAKE_S);
  restart();
  host_run(50 * FAKE_MS);
  assert_string_equal(pexec_state_name(host_state()), "starting");
  assert_int_equal(pexec_process_stop(host.process), 0);
  expect_answer(100 * FAKE_MS, PEXEC_EALREADY_STOPPED);
  host_run(0);
  assert_string_equal(host.order, "SyTE");
  expect_never_again();
}

/* FAULTS 8, 34: it hangs, and SIGKILL does not help. */
static void a_start_half_that_hangs_is_answered_in_time (void **state) {
  WORLD({ 0 }, { .exec_ns = 60 * FAKE_S, .lives_ns = FAKE_S,
                 .is_unkillable = true });
  run_for(FAKE_S);
  restart();
  host_run(50 * FAKE_MS);
  assert_int_equal(pexec_process_stop(host.process), 0);
  expect_answer(1950 * FAKE_MS, PEXEC_ESTOP_TIMEOUT);
  host_run(0);
  assert_string_equal(host.order, "SyT");
  assert_int_equal(host.stop_error, PEXEC_ESTOP_TIMEOUT);
  host_run(60 * FAKE_S);
  assert_string_equal(host.order, "SyTE");
  expect_never_again();
}

static void a_kill_ends_it_at_once (void **state) {
  WORLD({ .ignores = EVERY_SIGNAL });
  run_for(FAKE_S);
  restart();
  host_run(100 * FAKE_MS);
  assert_int_equal(pexec_process_kill_group(host.process), 0);
  expect_answer(100 * FAKE_MS, PEXEC_EALREADY_STOPPED);
  host_run(0);
  assert_string_equal(host.order, "SyE");
  expect_never_again();
}

static void a_stop_that_is_not_obeyed_answers_both (void **state) {
  WORLD({ .is_unkillable = true, .lives_ns = 20 * FAKE_S });
  run_for(FAKE_S);
  restart();
  host_run(100 * FAKE_MS);
  assert_int_equal(pexec_process_stop(host.process), 0);
  expect_answer(1900 * FAKE_MS, PEXEC_ESTOP_TIMEOUT);
  host_run(60 * FAKE_S);
  assert_string_equal(host.order, "SyTE");
  assert_int_equal(host.stop_error, PEXEC_ESTOP_TIMEOUT);
  expect_never_again();
}

/* {== a host that goes =================================================== */

static void one_that_lets_go_has_it_restarted (void **state) {
  WORLD({ .lingers_ns = 100 * FAKE_MS }, { 0 });
  run_for(FAKE_S);
  restart();
  pexec_process_release(host.process);
  host_run(FAKE_S);
  assert_string_equal(host.order, "S");
  assert_int_equal(fake.clones, 2);
  assert_int_equal(fake.living, 1);
}

static void closing_overtakes_it (void **state) {
  WORLD({ .ignores = EVERY_SIGNAL });
  run_for(FAKE_S);
  restart();
  host_run(100 * FAKE_MS);
  pexec_supervisor_close(host.supervisor);
  host.supervisor = NULL;
  assert_int_equal(fake.now_ns - t, 900 * FAKE_MS);
  assert_int_equal(fake.clones, 1);
}

#define SPEC(name) cmocka_unit_test_teardown(name, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(it_is_stopped_and_started),
    SPEC(nobody_is_asked_and_no_delay_waited_for),
    SPEC(a_stubborn_one_goes_through_the_stages),
    SPEC(nobody_of_its_group_is_left_behind),
    SPEC(its_last_words_come_before_the_next_ones_first),
    SPEC(the_next_one_reads_its_input_from_the_start),
    SPEC(what_failed_before_is_forgotten),
    SPEC(so_it_can_be_restarted_again_and_again),
    SPEC(one_that_was_never_started_is_refused),
    SPEC(a_one_shot_is_refused),
    SPEC(one_that_is_stopped_is_refused),
    SPEC(one_that_has_ended_is_refused),
    SPEC(one_that_has_just_ended_is_answered_so),
    SPEC(so_it_is_where_a_start_follows_at_once),
    SPEC(a_start_under_way_is_enough),
    SPEC(a_restart_under_way_is_too),
    SPEC(it_shares_the_failure_of_a_start),
    SPEC(a_later_one_knows_nothing_of_that),
    SPEC(a_restart_delay_is_interrupted),
    SPEC(one_between_two_attempts_is_too),
    SPEC(a_decision_is_taken_out_of_the_hosts_hands),
    SPEC(who_is_left_then_is_asked_before_being_killed),
    SPEC(what_is_being_cleared_away_is_waited_for),
    SPEC(it_takes_back_the_decision_that_it_ends),
    SPEC(and_that_it_is_given_up),
    SPEC(two_at_once_are_one),
    SPEC(one_more_meanwhile_joins_the_first),
    SPEC(no_second_copy_is_started_beside_it),
    SPEC(when_it_does_die_the_start_follows),
    SPEC(one_more_kills_again_and_is_answered),
    SPEC(a_stop_of_its_successor_has_all_its_stages),
    SPEC(that_is_answered_and_tried_again),
    SPEC(or_it_is_given_up_where_the_limit_says_so),
    SPEC(then_it_is_never_started_again),
    SPEC(nor_is_it_where_both_come_at_once),
    SPEC(nor_where_all_three_do),
    SPEC(nor_while_the_next_one_is_made),
    SPEC(a_start_half_that_hangs_is_answered_in_time),
    SPEC(a_kill_ends_it_at_once),
    SPEC(a_stop_that_is_not_obeyed_answers_both),
    SPEC(one_that_lets_go_has_it_restarted),
    SPEC(closing_overtakes_it),
  };
  int failed = cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
  fake.is_basic = true;
  return failed + cmocka_run_group_tests_name("basic kernel", tests, NULL,
                                              NULL);
}
