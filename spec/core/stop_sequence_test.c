/*
** Specifies stops by a sequence of stages: what each kind does, how long it
** lasts, what follows it, and what is left of it, on the fake seam. The first
** child is the process, those after it are stop programs or what a restart
** has made. Each spec runs twice, the second time on a kernel without the
** newer calls. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define EVERY_SIGNAL (~UINT64_C(0))
#define STUBBORN .ignores = EVERY_SIGNAL

#define WORLD(...) \
  static const struct fake_program world[] = { __VA_ARGS__ }; \
  host_begin(world, (int)(sizeof world / sizeof world[0])); \
  (void)state

#define TELL(signo_, wait_) { PEXEC_SIGNAL_PROCESS, signo_, NULL, wait_ }
#define TELL_ALL(signo_, wait_) { PEXEC_SIGNAL_GROUP, signo_, NULL, wait_ }
#define RUN(wait_) { PEXEC_RUN, 0, program, wait_ }
#define CALL(wait_) { PEXEC_CALL, 0, NULL, wait_ }

#define SEQUENCE(...) \
  static const pexec_stop_stage stages[] = { __VA_ARGS__ }; \
  host.config.stop_sequence = stages; \
  host.config.stop_stage_count = sizeof stages / sizeof stages[0]

static const char *const program[] = { "drain", "--all", NULL };

static int64_t t;            /* when the stop was ordered */
static int seen;             /* signals that were looked at */

static int begin (void **state) {
  (void)state;
  seen = 0;
  return 0;
}

static int end (void **state) {
  (void)state;
  host_end();
  return 0;
}

static void order_stop (void) {
  t = fake.now_ns;
  assert_int_equal(pexec_process_stop(host.process), 0);
}

static void start_and_stop (void) {
  host_start();
  host_run(FAKE_S);
  order_stop();
}

static void expect_stop_within (int64_t from_ns, int64_t to_ns,
                                enum pexec_stage stage, int number) {
  int before = host.stopped;
  assert_true(host_run_until(&host.stopped, before + 1, 600 * FAKE_S));
  assert_in_range(fake.now_ns - t, from_ns, to_ns);
  assert_int_equal(host.stop_error, 0);
  assert_string_equal(pexec_stage_name(host.stage), pexec_stage_name(stage));
  assert_int_equal(host.stage_number, number);
  assert_int_equal(fake.living, 0);
  host_run(0);
  assert_int_equal(host_state(), PEXEC_STOPPED);
}

static void expect_stop (int64_t after_ns, enum pexec_stage stage,
                         int number) {
  expect_stop_within(after_ns, after_ns, stage, number);
}

static void expect_never_again (void) {
  int clones = fake.clones;
  host_run(3600 * FAKE_S);
  assert_int_equal(fake.clones, clones);
}

/* The next one that is no SIGCONT. */
static void expect_signal (int64_t after_ns, int signo, bool is_to_group) {
  while (fake.signals[seen].signo == SIGCONT)
    seen++;
  assert_true(seen < fake.signal_count);
  assert_int_equal(fake.signals[seen].at_ns - t, after_ns);
  assert_int_equal(fake.signals[seen].signo, signo);
  assert_int_equal(fake.signals[seen++].is_to_group, is_to_group);
}

static void expect_logged (const char *text) {
  if (strstr(host.log, text) == NULL)
    fail_msg("not logged: %s; but:\n%s", text, host.log);
}

static void close_supervisor (void) {
  t = fake.now_ns;
  pexec_supervisor_close(host.supervisor);
  host.supervisor = NULL;
}

/* {== signals ============================================================ */

static void stages_follow_each_other_and_then_it_is_killed (void **state) {
  WORLD({ STUBBORN, .members = 1, .members_ignore = EVERY_SIGNAL });
  SEQUENCE(TELL(SIGQUIT, 2000), TELL_ALL(SIGTERM, 500), TELL(SIGINT, 0),
           TELL(SIGHUP, 300));
  start_and_stop();
  expect_stop(2800 * FAKE_MS, PEXEC_STAGE_KILL, 0);
  expect_signal(0, SIGQUIT, false);
  expect_signal(2000 * FAKE_MS, SIGTERM, true);
  expect_signal(2500 * FAKE_MS, SIGINT, false);
  expect_signal(2500 * FAKE_MS, SIGHUP, false);
  expect_signal(2800 * FAKE_MS, SIGKILL, true);
}

static void the_stage_that_was_enough_is_told (void **state) {
  WORLD({ .ignores = FAKE_BIT(SIGQUIT) });
  SEQUENCE(TELL(SIGQUIT, 100), TELL(SIGTERM, 100), TELL_ALL(SIGINT, 100));
  start_and_stop();
  expect_stop(100 * FAKE_MS, PEXEC_STAGE_PROCESS, 2);
  assert_int_equal(host.survivor_count, -1);
}

static void an_empty_sequence_kills_at_once (void **state) {
  static const pexec_stop_stage none[1];
  WORLD({ .members = 1 });
  host.config.stop_sequence = none;
  start_and_stop();
  expect_stop(0, PEXEC_STAGE_KILL, 0);
  expect_signal(0, SIGKILL, true);
}

static void with_one_stop_signal_and_timeout_do_not_count (void **state) {
  WORLD({ STUBBORN });
  SEQUENCE(TELL(SIGQUIT, 5000));
  host.config.stop_signal = SIGUSR1;
  host.config.stop_timeout_ms = 100;
  start_and_stop();
  expect_stop(5 * FAKE_S, PEXEC_STAGE_KILL, 0);
  expect_signal(0, SIGQUIT, false);
  expect_signal(5 * FAKE_S, SIGKILL, true);
}

static void a_start_that_hangs_has_as_long_as_all_stages (void **state) {
  WORLD({ .exec_ns = FAKE_NEVER });
  SEQUENCE(TELL(SIGTERM, 2000), TELL(SIGINT, 1000));
  start_and_stop();
  expect_stop(3 * FAKE_S, PEXEC_STAGE_KILL, 0);
}

static void a_second_stop_joins (void **state) {
  WORLD({ STUBBORN });
  SEQUENCE(TELL(SIGTERM, 300), TELL(SIGINT, 300));
  start_and_stop();
  host_run(200 * FAKE_MS);
  assert_int_equal(pexec_process_stop(host.process), 0);
  expect_stop(600 * FAKE_MS, PEXEC_STAGE_KILL, 0);
  assert_int_equal(host.stopped, 1);
}

static void a_restart_takes_the_stages_too (void **state) {
  WORLD({ STUBBORN }, { 0 });
  SEQUENCE(TELL(SIGTERM, 300), TELL_ALL(SIGINT, 400));
  host_start();
  host_run(FAKE_S);
  t = fake.now_ns;
  assert_int_equal(pexec_process_restart(host.process), 0);
  host_run(10 * FAKE_S);
  expect_signal(0, SIGTERM, false);
  expect_signal(300 * FAKE_MS, SIGINT, true);
  expect_signal(700 * FAKE_MS, SIGKILL, true);
  assert_int_equal(fake.clones, 2);
  order_stop();
  expect_stop(0, PEXEC_STAGE_PROCESS, 1);
}

/* {== when the process leaves others ===================================== */

static void others_get_the_next_signal_to_the_group_at_once (void **state) {
  WORLD({ .members = 2, .members_ignore = EVERY_SIGNAL });
  SEQUENCE(TELL(SIGTERM, 300), CALL(200), TELL(SIGINT, 100),
           TELL_ALL(SIGQUIT, 400));
  start_and_stop();
  expect_stop_within(FAKE_S, 1050 * FAKE_MS, PEXEC_STAGE_KILL, 0);
  expect_signal(0, SIGTERM, false);
  expect_signal(0, SIGQUIT, true);
  expect_signal(FAKE_S, SIGKILL, true);
  assert_int_equal(host.calls, 0);
}

static void they_are_told_of_as_the_stage_that_ended_them (void **state) {
  WORLD({ .members = 1, .lingers_ns = 50 * FAKE_MS,
          .members_ignore = FAKE_BIT(SIGHUP) });
  SEQUENCE(TELL(SIGTERM, 300), TELL_ALL(SIGHUP, 100), TELL_ALL(SIGQUIT, 400));
  start_and_stop();
  expect_stop_within(400 * FAKE_MS, 450 * FAKE_MS, PEXEC_STAGE_GROUP, 3);
  expect_signal(0, SIGTERM, false);
  expect_signal(50 * FAKE_MS, SIGHUP, true);
  expect_signal(400 * FAKE_MS, SIGQUIT, true);
}

static void once_told_they_have_the_time_of_what_follows_too (void **state) {
  WORLD({ .members = 1, .members_ignore = FAKE_BIT(SIGHUP) });
  SEQUENCE(TELL(SIGTERM, 300), TELL_ALL(SIGHUP, 100), CALL(500),
           TELL_ALL(SIGQUIT, 400));
  start_and_stop();
  expect_stop_within(900 * FAKE_MS, 950 * FAKE_MS, PEXEC_STAGE_GROUP, 4);
  assert_int_equal(host.calls, 0);
}

static void where_no_stage_reaches_them_they_have_all_the_time (void **state) {
  WORLD({ .members = 1 });
  SEQUENCE(TELL(SIGTERM, 300), RUN(200), CALL(100), TELL(SIGINT, 100));
  start_and_stop();
  expect_stop_within(700 * FAKE_MS, 750 * FAKE_MS, PEXEC_STAGE_KILL, 0);
  assert_int_equal(fake.clones, 1);
  assert_int_equal(host.calls, 0);
}

static void a_group_that_has_been_told_keeps_its_time (void **state) {
  WORLD({ .members = 1, .members_ignore = EVERY_SIGNAL });
  SEQUENCE(TELL_ALL(SIGTERM, 500), TELL_ALL(SIGINT, 500));
  start_and_stop();
  expect_stop_within(FAKE_S, 1050 * FAKE_MS, PEXEC_STAGE_KILL, 0);
  expect_signal(0, SIGTERM, true);
  expect_signal(500 * FAKE_MS, SIGINT, true);
}

static void those_left_in_a_decision_are_told_too (void **state) {
  WORLD({ .lives_ns = 100 * FAKE_MS, .members = 1,
          .members_ignore = FAKE_BIT(SIGINT) });
  SEQUENCE(RUN(100), TELL_ALL(SIGINT, 200), TELL_ALL(SIGTERM, 200));
  host.config.asks = 1;
  host.decision = -1;
  start_and_stop();
  expect_stop_within(300 * FAKE_MS, 350 * FAKE_MS, PEXEC_STAGE_GROUP, 3);
  assert_int_equal(fake.clones, 1);
}

static void those_left_in_a_decision_may_have_to_be_killed (void **state) {
  static const pexec_stop_stage none[1];
  WORLD({ .lives_ns = 100 * FAKE_MS, .members = 1 });
  host.config.stop_sequence = none;
  host.config.asks = 1;
  host.decision = -1;
  start_and_stop();
  expect_stop_within(0, 50 * FAKE_MS, PEXEC_STAGE_KILL, 0);
}

/* {== programs =========================================================== */

/* The process goes by itself while it runs. */
static void a_program_that_succeeds_has_asked_for_the_end (void **state) {
  WORLD({ .lives_ns = 1500 * FAKE_MS }, { .lives_ns = 100 * FAKE_MS });
  SEQUENCE(RUN(2000), TELL(SIGTERM, 1000));
  start_and_stop();
  expect_stop_within(500 * FAKE_MS, 550 * FAKE_MS, PEXEC_STAGE_RUN, 1);
  assert_int_equal(fake.clones, 2);
  expect_logged("by running \"drain\"");
  expect_never_again();
}

static void its_stage_goes_on_until_its_time (void **state) {
  WORLD({ 0 }, { .lives_ns = 100 * FAKE_MS });
  SEQUENCE(RUN(2000), TELL(SIGTERM, 1000));
  start_and_stop();
  expect_stop(2 * FAKE_S, PEXEC_STAGE_PROCESS, 2);
}

static void one_that_fails_is_followed_at_once (void **state) {
  WORLD({ STUBBORN }, { .lives_ns = 100 * FAKE_MS, .code = 3 });
  SEQUENCE(RUN(2000), TELL(SIGTERM, 1000));
  start_and_stop();
  expect_stop(1100 * FAKE_MS, PEXEC_STAGE_KILL, 0);
  expect_signal(100 * FAKE_MS, SIGKILL, true);  /* for what it has left */
  expect_signal(100 * FAKE_MS, SIGTERM, false);
  expect_logged("stop program \"drain\" exited with status 3");
}

static void one_that_cannot_be_run_is_followed_at_once (void **state) {
  WORLD({ 0 }, { .exec_error = ENOENT });
  SEQUENCE(RUN(2000), TELL(SIGTERM, 1000));
  start_and_stop();
  expect_stop(0, PEXEC_STAGE_PROCESS, 2);
  expect_logged("stop program \"drain\" cannot be run");
}

static void so_is_one_for_which_there_is_no_process (void **state) {
  WORLD({ 0 });
  SEQUENCE(RUN(2000), TELL(SIGTERM, 1000));
  host_start();
  host_run(FAKE_S);
  fake_fail(FAKE_CALL(clone), 1, true);
  order_stop();
  expect_stop(0, PEXEC_STAGE_PROCESS, 2);
  expect_logged("cannot be run");
}

static void and_one_for_which_there_are_no_pipes (void **state) {
  WORLD({ 0 });
  SEQUENCE(RUN(2000), RUN(2000), TELL(SIGTERM, 1000));
  host_start();
  host_run(FAKE_S);
  fake_fail(FAKE_PIPES | FAKE_MEMORY, 1, true);
  order_stop();
  expect_stop(0, PEXEC_STAGE_PROCESS, 3);
}

/* FAULTS 8, 14 */
static void one_that_hangs_is_killed_when_its_stage_is_over (void **state) {
  WORLD({ 0 }, { STUBBORN, .members = 2, .members_ignore = EVERY_SIGNAL });
  SEQUENCE(RUN(2000), TELL(SIGTERM, 1000));
  start_and_stop();
  expect_stop_within(2 * FAKE_S, 2 * FAKE_S + 50 * FAKE_MS,
                     PEXEC_STAGE_PROCESS, 2);
  expect_signal(2 * FAKE_S, SIGKILL, true);
  expect_signal(2 * FAKE_S, SIGTERM, false);
}

static void one_that_hangs_in_exec_is_killed_too (void **state) {
  WORLD({ 0 }, { .exec_ns = FAKE_NEVER });
  SEQUENCE(RUN(2000), TELL(SIGTERM, 1000));
  start_and_stop();
  expect_stop_within(2 * FAKE_S, 2050 * FAKE_MS, PEXEC_STAGE_PROCESS, 2);
}

static void it_is_killed_as_soon_as_nothing_is_left_to_stop (void **state) {
  WORLD({ .lives_ns = 1200 * FAKE_MS }, { STUBBORN });
  SEQUENCE(RUN(2000));
  start_and_stop();
  expect_stop_within(200 * FAKE_MS, 250 * FAKE_MS, PEXEC_STAGE_RUN, 1);
}

static void what_it_leaves_behind_lasts_as_long_as_its_stage (void **state) {
  WORLD({ 0 }, { .lives_ns = 100 * FAKE_MS, .members = 1 });
  SEQUENCE(RUN(500), TELL(SIGINT, 300));
  start_and_stop();
  host_run(400 * FAKE_MS);
  assert_int_equal(fake.living, 2);
  expect_stop_within(500 * FAKE_MS, 550 * FAKE_MS, PEXEC_STAGE_PROCESS, 2);
}

static void one_that_survives_that_is_waited_for_a_second (void **state) {
  WORLD({ 0 }, { .is_unkillable = true, .lives_ns = 30 * FAKE_S });
  SEQUENCE(RUN(500), TELL(SIGINT, 300));
  start_and_stop();
  assert_true(host_run_until(&host.stopped, 1, 600 * FAKE_S));
  assert_in_range(fake.now_ns - t, 1500 * FAKE_MS, 1550 * FAKE_MS);
  assert_int_equal(host.stop_error, 0);
  expect_logged("its stop program is still alive a second after SIGKILL");
  host_run(60 * FAKE_S);
  assert_int_equal(fake.living, 0);
}

/* With its owner gone nobody keeps it, and it is freed at its end. */
static void its_end_is_noticed_when_its_owner_was_let_go (void **state) {
  WORLD({ 0 }, { .is_unkillable = true, .lives_ns = 30 * FAKE_S });
  SEQUENCE(RUN(500), TELL(SIGINT, 300));
  start_and_stop();
  assert_true(host_run_until(&host.ended, 1, 600 * FAKE_S));
  pexec_process_release(host.process);
  host.process = NULL;
  fake_run(FAKE_S);
  assert_int_equal(fake.living, 1);
  fake_run(60 * FAKE_S);
  assert_int_equal(fake.living + fake.zombies, 0);
}

static void a_restart_runs_them_again (void **state) {
  WORLD({ 0 }, { .lives_ns = 50 * FAKE_MS }, { 0 }, { .lives_ns = FAKE_MS });
  SEQUENCE(RUN(200), TELL(SIGTERM, 300));
  host_start();
  host_run(FAKE_S);
  assert_int_equal(pexec_process_restart(host.process), 0);
  host_run(FAKE_S);
  assert_int_equal(fake.clones, 3);
  order_stop();
  expect_stop(200 * FAKE_MS, PEXEC_STAGE_PROCESS, 2);
  assert_int_equal(fake.clones, 4);
}

static void one_that_runs_since_an_earlier_stop_is_passed (void **state) {
  WORLD({ 0 }, { .is_unkillable = true, .lives_ns = 30 * FAKE_S }, { 0 });
  SEQUENCE(RUN(200), TELL(SIGTERM, 300));
  host_start();
  host_run(FAKE_S);
  assert_int_equal(pexec_process_restart(host.process), 0);
  host_run(2 * FAKE_S);
  assert_int_equal(fake.clones, 3);
  order_stop();
  assert_true(host_run_until(&host.stopped, 1, 600 * FAKE_S));
  assert_int_equal(host.stage_number, 2);
  assert_int_equal(fake.clones, 3);
  expect_logged("still runs since an earlier stop");
  host_run(60 * FAKE_S);
}

static void a_kill_ends_program_and_process (void **state) {
  WORLD({ STUBBORN }, { STUBBORN });
  SEQUENCE(RUN(2000), TELL(SIGTERM, 1000));
  start_and_stop();
  host_run(500 * FAKE_MS);
  assert_int_equal(fake.living, 2);
  assert_int_equal(pexec_process_kill_group(host.process), 0);
  expect_stop_within(500 * FAKE_MS, 550 * FAKE_MS, PEXEC_STAGE_KILL, 0);
}

static void others_are_told_though_it_runs (void **state) {
  WORLD({ .lives_ns = 1200 * FAKE_MS, .members = 1 }, { STUBBORN });
  SEQUENCE(RUN(2000), TELL_ALL(SIGTERM, 1000));
  start_and_stop();
  expect_stop_within(200 * FAKE_MS, 250 * FAKE_MS, PEXEC_STAGE_RUN, 1);
  expect_signal(200 * FAKE_MS, SIGTERM, true);
}

/* FAULTS 35 */
static void while_it_runs_the_number_that_it_knows_is_kept (void **state) {
  WORLD({ .lives_ns = 1200 * FAKE_MS, .members = 1,
          .members_ignore = EVERY_SIGNAL }, { STUBBORN });
  SEQUENCE(RUN(2000));
  start_and_stop();
  host_run(FAKE_S);
  assert_int_equal(fake.zombies, 1);
  expect_stop_within(2 * FAKE_S, 2050 * FAKE_MS, PEXEC_STAGE_KILL, 0);
  assert_int_equal(fake.zombies, 0);
}

static void the_host_hears_nothing_of_it_but_its_lines (void **state) {
  WORLD({ 0 }, { .lives_ns = 100 * FAKE_MS, .says = "draining\nhalf",
                 .complains = "slowly\n" });
  SEQUENCE(RUN(500), TELL(SIGTERM, 300));
  start_and_stop();
  expect_stop(500 * FAKE_MS, PEXEC_STAGE_PROCESS, 2);
  assert_string_equal(host.order, "STE");
  expect_logged("\ndraining\n");
  expect_logged("\nhalf\n");
  expect_logged("\nslowly\n");
}

static void without_a_logger_its_lines_go_nowhere (void **state) {
  WORLD({ 0 }, { .lives_ns = 100 * FAKE_MS, .says = "draining\n" });
  SEQUENCE(RUN(500), TELL(SIGTERM, 300));
  host.config.log_events = 0;
  start_and_stop();
  expect_stop(500 * FAKE_MS, PEXEC_STAGE_PROCESS, 2);
  assert_int_equal(fake.bytes_read, 0);
}

static void one_that_never_was_started_has_none_to_leave (void **state) {
  WORLD({ 0 });
  SEQUENCE(RUN(500), RUN(500));
  host_make();
  pexec_process_release(host.process);
  host.process = NULL;
}

static void for_want_of_memory_a_process_is_not_made (void **state) {
  int n = 0, error;
  WORLD({ 0 });
  SEQUENCE(RUN(500), CALL(500), RUN(500));
  do {
    fake_fail(FAKE_MEMORY, ++n, false);
    error = pexec_process_new(host.supervisor, &host.config, &host.process);
    assert_true(error == 0 || error == -ENOMEM);
  } while (error < 0);
  assert_true(n > 6);
  fake_fail(0, 0, false);
  pexec_process_release(host.process);
  host.process = NULL;
}

/* {== calls ============================================================== */

static void a_call_that_is_answered_is_followed_at_once (void **state) {
  WORLD({ 0 });
  SEQUENCE(CALL(2000), TELL(SIGTERM, 1000));
  start_and_stop();
  assert_true(host_run_until(&host.calls, 1, FAKE_S));
  assert_int_equal(host.call_number, 1);
  host_run(300 * FAKE_MS);
  assert_int_equal(pexec_process_advance(host.process, host.call_ticket), 0);
  expect_stop(300 * FAKE_MS, PEXEC_STAGE_PROCESS, 2);
  assert_string_equal(host.order, "SCcTE");
}

static void one_that_is_not_answered_has_its_time (void **state) {
  WORLD({ 0 });
  SEQUENCE(CALL(2000), TELL(SIGTERM, 1000));
  start_and_stop();
  expect_stop(2 * FAKE_S, PEXEC_STAGE_PROCESS, 2);
  assert_string_equal(host.order, "SCcTE");
}

static void it_is_over_when_the_process_has_gone (void **state) {
  WORLD({ .lives_ns = 1500 * FAKE_MS });
  SEQUENCE(CALL(2000), TELL(SIGTERM, 1000));
  start_and_stop();
  expect_stop(500 * FAKE_MS, PEXEC_STAGE_CALL, 1);
  assert_string_equal(host.order, "SCcTE");
}

static void one_that_nobody_heard_of_in_time_is_not_told (void **state) {
  WORLD({ STUBBORN });
  SEQUENCE(CALL(100), CALL(100), TELL(SIGTERM, 100));
  start_and_stop();
  fake_run(FAKE_S);
  expect_stop(FAKE_S, PEXEC_STAGE_KILL, 0);
  assert_int_equal(host.calls, 0);
}

static void an_answer_to_another_call_changes_nothing (void **state) {
  uint64_t first;
  WORLD({ 0 });
  SEQUENCE(CALL(100), CALL(1000), TELL(SIGTERM, 100));
  start_and_stop();
  assert_true(host_run_until(&host.calls, 1, FAKE_S));
  first = host.call_ticket;
  assert_true(host_run_until(&host.calls, 2, FAKE_S));
  assert_int_not_equal(host.call_ticket, first);
  assert_int_equal(host.call_number, 2);
  assert_int_equal(pexec_process_advance(host.process, first), 0);
  expect_stop(1100 * FAKE_MS, PEXEC_STAGE_PROCESS, 3);
  assert_int_equal(pexec_process_advance(host.process, 2), 0);
  expect_never_again();
}

static void what_was_never_started_cannot_be_advanced (void **state) {
  WORLD({ 0 });
  SEQUENCE(CALL(100));
  host_make();
  assert_int_equal(pexec_process_advance(host.process, 1),
                   PEXEC_ENOT_STARTED);
  pexec_process_release(host.process);
  host.process = NULL;
}

static void a_kill_ends_a_call (void **state) {
  WORLD({ STUBBORN });
  SEQUENCE(CALL(2000), TELL(SIGTERM, 1000));
  start_and_stop();
  host_run(500 * FAKE_MS);
  assert_int_equal(pexec_process_kill_group(host.process), 0);
  expect_stop(500 * FAKE_MS, PEXEC_STAGE_KILL, 0);
  assert_string_equal(host.order, "SCcTE");
}

static void a_host_that_has_let_go_is_not_called (void **state) {
  WORLD({ STUBBORN });
  SEQUENCE(CALL(2000), CALL(2000), TELL(SIGTERM, 1000));
  start_and_stop();
  host_run(500 * FAKE_MS);
  pexec_process_release(host.process);
  host.process = NULL;
  fake_run(FAKE_S);
  assert_int_equal(fake.living, 0);
  expect_signal(500 * FAKE_MS, SIGTERM, false);
  expect_signal(1500 * FAKE_MS, SIGKILL, true);
}

static void a_restart_calls_too (void **state) {
  WORLD({ 0 });
  SEQUENCE(CALL(200), TELL(SIGTERM, 300));
  host_start();
  host_run(FAKE_S);
  assert_int_equal(pexec_process_restart(host.process), 0);
  host_run(FAKE_S);
  order_stop();
  expect_stop(200 * FAKE_MS, PEXEC_STAGE_PROCESS, 2);
  assert_int_equal(host.calls, 2);
}

/* {== survivors ========================================================== */

static void who_had_to_be_killed_is_told (void **state) {
  WORLD({ STUBBORN, .members = 2, .members_ignore = EVERY_SIGNAL });
  SEQUENCE(TELL_ALL(SIGTERM, 500));
  start_and_stop();
  expect_stop(500 * FAKE_MS, PEXEC_STAGE_KILL, 0);
  assert_int_equal(host.survivor_count, 3);
  assert_int_equal(host.survivors[1], host.survivors[0] * 100 + 1);
  assert_int_equal(host.survivors[2], host.survivors[0] * 100 + 2);
}

static void who_came_later_is_told_of_then (void **state) {
  int pid;
  WORLD({ STUBBORN });
  SEQUENCE(TELL_ALL(SIGTERM, 500));
  start_and_stop();
  expect_stop(500 * FAKE_MS, PEXEC_STAGE_KILL, 0);
  host.process = NULL;
  host_start();
  host_run(FAKE_S);
  pid = host_pid();
  order_stop();
  expect_stop(500 * FAKE_MS, PEXEC_STAGE_KILL, 0);
  assert_int_equal(host.survivor_count, 1);
  assert_int_equal(host.survivors[0], pid);
}

/* One pass over /proc serves them. */
static void many_who_are_killed_at_once_are_told_of_each (void **state) {
  pexec_process *all[20];
  int before;
  WORLD({ STUBBORN });
  SEQUENCE(TELL_ALL(SIGTERM, 500));
  for (int i = 0; i < 20; i++) {
    host.process = NULL;
    host_start();
    all[i] = host.process;
  }
  host_run(FAKE_S);
  before = fake.looks;
  for (int i = 0; i < 20; i++)
    assert_int_equal(pexec_process_stop(all[i]), 0);
  assert_true(host_run_until(&host.stopped, 20, 60 * FAKE_S));
  assert_int_equal(host.survivor_count, 1);
  assert_in_range(fake.looks - before, 1, 3);
}

static void there_may_be_more_than_are_told (void **state) {
  WORLD({ STUBBORN, .members = 100, .is_unkillable = true });
  SEQUENCE(TELL_ALL(SIGTERM, 500));
  start_and_stop();
  fake.survivors = 101;
  assert_true(host_run_until(&host.stopped, 1, 60 * FAKE_S));
  assert_int_equal(host.survivor_count, PEXEC_SURVIVORS_MAX);
  assert_non_null(strstr(host.stop_message, "(member) and 93 more"));
}

static void who_survives_even_that_is_named (void **state) {
  char text[128];
  int pid;
  WORLD({ .is_unkillable = true, .members = 1 });
  host_start();
  host_run(FAKE_S);
  pid = host_pid();
  order_stop();
  fake.survivors = 2;
  assert_true(host_run_until(&host.stopped, 1, 60 * FAKE_S));
  assert_int_equal(host.stop_error, PEXEC_ESTOP_TIMEOUT);
  (void)snprintf(text, sizeof text, "did not end even after SIGKILL: "
                 "%d (leader), %d01 (member)", pid, pid);
  assert_string_equal(host.stop_message, text);
  assert_int_equal(host.survivor_count, 2);
}

static void where_nobody_can_tell_nobody_is_told_of (void **state) {
  WORLD({ .is_unkillable = true });
  host_start();
  host_run(FAKE_S);
  order_stop();
  fake.survivors = 1;
  fake_fail(FAKE_CALL(each_living), 1, true);
  assert_true(host_run_until(&host.stopped, 1, 60 * FAKE_S));
  assert_string_equal(host.stop_message, "did not end even after SIGKILL");
  assert_int_equal(host.survivor_count, -1);
}

/* {== closing ============================================================ */

static void closing_takes_the_stages_and_runs_programs (void **state) {
  WORLD({ STUBBORN }, { .lives_ns = 100 * FAKE_MS });
  SEQUENCE(RUN(500), TELL(SIGTERM, 300));
  host_start();
  host_run(FAKE_S);
  close_supervisor();
  assert_int_equal(fake.now_ns - t, 800 * FAKE_MS);
  assert_int_equal(fake.clones, 2);
  expect_signal(500 * FAKE_MS, SIGKILL, true);  /* for what it has left */
  expect_signal(500 * FAKE_MS, SIGTERM, false);
}

static void closing_kills_a_program_that_hangs (void **state) {
  WORLD({ 0 }, { STUBBORN });
  SEQUENCE(RUN(500), TELL(SIGTERM, 300));
  host_start();
  host_run(FAKE_S);
  close_supervisor();
  assert_in_range(fake.now_ns - t, 500 * FAKE_MS, 550 * FAKE_MS);
}

static void closing_goes_on_with_a_stop_under_way (void **state) {
  WORLD({ STUBBORN }, { STUBBORN });
  SEQUENCE(RUN(500), TELL(SIGTERM, 300));
  start_and_stop();
  host_run(200 * FAKE_MS);
  close_supervisor();
  assert_int_equal(fake.now_ns - t, 600 * FAKE_MS);
  assert_int_equal(fake.clones, 2);
}

static void closing_gives_up_a_program_in_a_second (void **state) {
  WORLD({ 0 }, { .is_unkillable = true });
  SEQUENCE(RUN(500), TELL(SIGTERM, 300));
  host_start();
  host_run(FAKE_S);
  fake.survivors = 1;
  close_supervisor();
  assert_in_range(fake.now_ns - t, 1500 * FAKE_MS, 1800 * FAKE_MS);
}

static void closing_calls_nobody (void **state) {
  WORLD({ STUBBORN });
  SEQUENCE(CALL(5000), TELL(SIGTERM, 300), CALL(5000), TELL(SIGINT, 200));
  host_start();
  host_run(FAKE_S);
  close_supervisor();
  assert_int_equal(fake.now_ns - t, 500 * FAKE_MS);
}

static void closing_ends_a_call_under_way (void **state) {
  WORLD({ STUBBORN });
  SEQUENCE(CALL(5000), TELL(SIGTERM, 300));
  start_and_stop();
  host_run(FAKE_S);
  close_supervisor();
  assert_int_equal(fake.now_ns - t, 300 * FAKE_MS);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(stages_follow_each_other_and_then_it_is_killed),
    SPEC(the_stage_that_was_enough_is_told),
    SPEC(an_empty_sequence_kills_at_once),
    SPEC(with_one_stop_signal_and_timeout_do_not_count),
    SPEC(a_start_that_hangs_has_as_long_as_all_stages),
    SPEC(a_second_stop_joins),
    SPEC(a_restart_takes_the_stages_too),
    SPEC(others_get_the_next_signal_to_the_group_at_once),
    SPEC(they_are_told_of_as_the_stage_that_ended_them),
    SPEC(once_told_they_have_the_time_of_what_follows_too),
    SPEC(where_no_stage_reaches_them_they_have_all_the_time),
    SPEC(a_group_that_has_been_told_keeps_its_time),
    SPEC(those_left_in_a_decision_are_told_too),
    SPEC(those_left_in_a_decision_may_have_to_be_killed),
    SPEC(a_program_that_succeeds_has_asked_for_the_end),
    SPEC(its_stage_goes_on_until_its_time),
    SPEC(one_that_fails_is_followed_at_once),
    SPEC(one_that_cannot_be_run_is_followed_at_once),
    SPEC(so_is_one_for_which_there_is_no_process),
    SPEC(and_one_for_which_there_are_no_pipes),
    SPEC(one_that_hangs_is_killed_when_its_stage_is_over),
    SPEC(one_that_hangs_in_exec_is_killed_too),
    SPEC(it_is_killed_as_soon_as_nothing_is_left_to_stop),
    SPEC(what_it_leaves_behind_lasts_as_long_as_its_stage),
    SPEC(one_that_survives_that_is_waited_for_a_second),
    SPEC(its_end_is_noticed_when_its_owner_was_let_go),
    SPEC(a_restart_runs_them_again),
    SPEC(one_that_runs_since_an_earlier_stop_is_passed),
    SPEC(a_kill_ends_program_and_process),
    SPEC(others_are_told_though_it_runs),
    SPEC(while_it_runs_the_number_that_it_knows_is_kept),
    SPEC(the_host_hears_nothing_of_it_but_its_lines),
    SPEC(without_a_logger_its_lines_go_nowhere),
    SPEC(one_that_never_was_started_has_none_to_leave),
    SPEC(for_want_of_memory_a_process_is_not_made),
    SPEC(a_call_that_is_answered_is_followed_at_once),
    SPEC(one_that_is_not_answered_has_its_time),
    SPEC(it_is_over_when_the_process_has_gone),
    SPEC(one_that_nobody_heard_of_in_time_is_not_told),
    SPEC(an_answer_to_another_call_changes_nothing),
    SPEC(what_was_never_started_cannot_be_advanced),
    SPEC(a_kill_ends_a_call),
    SPEC(a_host_that_has_let_go_is_not_called),
    SPEC(a_restart_calls_too),
    SPEC(who_had_to_be_killed_is_told),
    SPEC(who_came_later_is_told_of_then),
    SPEC(many_who_are_killed_at_once_are_told_of_each),
    SPEC(there_may_be_more_than_are_told),
    SPEC(who_survives_even_that_is_named),
    SPEC(where_nobody_can_tell_nobody_is_told_of),
    SPEC(closing_takes_the_stages_and_runs_programs),
    SPEC(closing_kills_a_program_that_hangs),
    SPEC(closing_goes_on_with_a_stop_under_way),
    SPEC(closing_gives_up_a_program_in_a_second),
    SPEC(closing_calls_nobody),
    SPEC(closing_ends_a_call_under_way),
  };
  int failed = cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
  fake.is_basic = true;
  return failed + cmocka_run_group_tests_name("basic kernel", tests, NULL,
                                              NULL);
}
