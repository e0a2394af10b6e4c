/*
** Specifies stops with real processes: what leader and group hear of them,
** who survives what, and that nothing is started afterwards. All specs run
** twice, the second time without the newer calls of the kernel. The host's
** thread.
*/

#include "real.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A stop, and what it took. */
static const struct heard *stop (pexec_process *process) {
  assert_int_equal(pexec_process_stop(process), 0);
  return real_await(process, PEXEC_EVENT_STOPPED);
}

static void expect_stop (pexec_process *process, enum pexec_stage stage) {
  const struct heard *stopped = stop(process);
  assert_int_equal(stopped->error, 0);
  assert_string_equal(pexec_stage_name(stopped->stage),
                      pexec_stage_name(stage));
  assert_int_equal(real_snapshot(process).state, PEXEC_STOPPED);
  assert_int_equal(real_pid(process), 0);
}

/* The number that a child has written to this file. */
static int pid_in (const char *name) {
  struct deadline deadline = real_deadline();
  int pid;
  while ((pid = atoi(real_file(name))) == 0)
    real_pause(deadline, name);
  return pid;
}

/* {== stages ============================================================= */

static void one_that_heeds_the_signal_hears_it_once (void **state) {
  pexec_process *process;
  (void)state;
  real.config.output_events = PEXEC_STDOUT;
  real.config.stop_timeout_ms = 60000;
  process = STARTED("trapexit", "TERM", "0.3", "0", "term", "print", "ready",
                    "forever");
  real_await_text(process, "ready\n");
  expect_stop(process, PEXEC_STAGE_PROCESS);
  (void)real_await(process, PEXEC_EVENT_ENDED);
  assert_string_equal(real_text(process, PEXEC_STDOUT, NULL),
                      "ready\nterm\n");
  assert_string_equal(real_order(process), "SOOTE");
}

static void one_that_ignores_it_hears_it_twice_and_is_killed (void **state) {
  pexec_process *process;
  (void)state;
  real.config.stop_timeout_ms = 3000;
  process = STARTED("count", "TERM", real_path("leader"), "fork", "count",
                    "TERM", real_path("other"), "append", real_path("ready"),
                    "%p", "forever", "end", "waitfile", real_path("ready"),
                    "append", real_path("both"), "", "forever");
  real_await_file("both");
  expect_stop(process, PEXEC_STAGE_KILL);
  assert_string_equal(real_file("leader"), "TERM\nTERM\n");
  assert_string_equal(real_file("other"), "TERM\n");
  assert_false(real_is_alive(pid_in("ready")));
}

static void others_are_gone_though_their_leader_went_at_once (void **state) {
  pexec_process *process;
  int other;
  (void)state;
  real.config.stop_timeout_ms = 60000;
  process = STARTED("fork", "trapexit", "TERM", "1.5", "0", "bye", "append",
                    real_path("pid"), "%p", "forever", "end", "forever");
  other = pid_in("pid");
  expect_stop(process, PEXEC_STAGE_GROUP);
  assert_false(real_is_alive(other));
}

static void stubborn_others_are_killed (void **state) {
  pexec_process *process;
  int other;
  (void)state;
  real.config.stop_timeout_ms = 300;
  process = STARTED("fork", "ignore", "TERM", "append", real_path("pid"),
                    "%p", "forever", "end", "forever");
  other = pid_in("pid");
  expect_stop(process, PEXEC_STAGE_KILL);
  assert_false(real_is_alive(other));
}

static void a_suspended_process_goes_on_to_end (void **state) {
  pexec_process *process;
  const struct heard *stopped;
  (void)state;
  real.config.stop_timeout_ms = 60000;
  process = STARTED("stopself", "forever");
  stopped = stop(process);
  assert_int_equal(stopped->stage, PEXEC_STAGE_PROCESS);
}

static void any_signal_can_be_the_one_that_stops (void **state) {
  static const int signals[] = { SIGUSR1, SIGUSR2, SIGINT, SIGQUIT, SIGHUP,
                                 SIGKILL, 34, 64 };
  (void)state;
  real.config.stop_timeout_ms = 60000;
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
    real.config.stop_signal = signals[i];
    expect_stop(STARTED("forever"), PEXEC_STAGE_PROCESS);
  }
}

static void a_kill_takes_the_whole_group (void **state) {
  pexec_process *process;
  int other;
  (void)state;
  real.config.stop_timeout_ms = 60000;
  process = STARTED("ignore", "TERM", "fork", "append", real_path("pid"),
                    "%p", "forever", "end", "forever");
  other = pid_in("pid");
  assert_int_equal(pexec_process_kill_group(process), 0);
  (void)real_await(process, PEXEC_EVENT_ENDED);
  assert_false(real_is_alive(other));
  assert_int_equal(pexec_process_start(process, -1), PEXEC_EALREADY_STOPPED);
  expect_stop(process, PEXEC_STAGE_NONE);
}

/* A zombie that its own parent has yet to reap counts as gone. */
static void a_zombie_of_another_does_not_count (void **state) {
  pexec_process *process;
  int parent;
  (void)state;
  real.config.stop_timeout_ms = 60000;
  process = STARTED("fork", "fork", "append", real_path("zombie"), "%p",
                    "end", "setsid", "append", real_path("pid"), "%p",
                    "forever", "end", "forever");
  parent = pid_in("pid");
  real_await_gone(pid_in("zombie"));
  expect_stop(process, PEXEC_STAGE_PROCESS);
  assert_true(real_is_alive(parent));  /* which has left the group */
  assert_int_equal(kill(parent, SIGKILL), 0);
  real_await_gone(parent);
}

/* {== at any moment ====================================================== */

/* It may be up before the stop is ordered, where this thread is kept off its
   core between the two. */
static void it_stops_while_it_is_starting (void **state) {
  int refused = 0;
  (void)state;
  for (int i = 0; i < 500 && refused < 50; i++) {
    int error;
    pexec_process *process = CHILD("append", real_path("runs"), "%p",
                                   "forever");
    assert_int_equal(pexec_process_start(process, -1), 0);
    assert_int_equal(stop(process)->error, 0);
    error = real_await(process, PEXEC_EVENT_STARTED)->error;
    assert_true(error == 0 || error == PEXEC_EALREADY_STOPPED);
    refused += error != 0;
    (void)real_await(process, PEXEC_EVENT_ENDED);
    real_release(process);
  }
  assert_true(refused > 0);
}

static void after_a_stop_nothing_is_ever_started (void **state) {
  pexec_process *process;
  char *runs;
  (void)state;
  for (int i = 0; i < 500; i++) {
    process = CHILD("append", real_path("runs"), "%p");
    assert_int_equal(pexec_process_start(process, -1), 0);
    if (i % 2 == 0)
      (void)real_await(process, PEXEC_EVENT_STARTED);
    (void)stop(process);
    (void)real_await(process, PEXEC_EVENT_ENDED);
    real_release(process);
  }
  runs = strdup(real_file("runs"));
  usleep(100000);
  assert_string_equal(runs, real_file("runs"));
  free(runs);
}

static void it_stops_in_a_restart_delay (void **state) {
  pexec_process *process;
  (void)state;
  real.config.restart_delay_ms = 3600 * 1000;
  process = STARTED("exit", "1");
  real_await_state(process, PEXEC_BACKOFF);
  expect_stop(process, PEXEC_STAGE_NONE);
  assert_int_equal(real_snapshot(process).starts, 1);
}

static void it_stops_while_a_handler_decides (void **state) {
  pexec_process *process;
  (void)state;
  real.config.asks = 1;
  process = STARTED("exit", "1");
  (void)real_await(process, PEXEC_EVENT_EXITED);
  expect_stop(process, PEXEC_STAGE_NONE);
  assert_int_equal(pexec_process_decide(process, 1, 1, -1), 0);
  (void)real_await(process, PEXEC_EVENT_ENDED);
  expect_stop(process, PEXEC_STAGE_NONE);
  assert_int_equal(real_snapshot(process).starts, 1);
}

static void what_is_left_of_the_group_is_stopped_then_too (void **state) {
  pexec_process *process;
  int other;
  (void)state;
  real.config.asks = 1;
  process = STARTED("fork", "append", real_path("pid"), "%p", "forever",
                    "end", "waitfile", real_path("pid"), "exit", "1");
  (void)real_await(process, PEXEC_EVENT_EXITED);
  other = pid_in("pid");
  assert_true(real_is_alive(other));
  assert_int_equal(stop(process)->error, 0);
  assert_false(real_is_alive(other));
}

static void a_one_shot_is_stopped (void **state) {
  pexec_process *process;
  (void)state;
  real.config.one_shot = 1;
  process = STARTED("forever");
  expect_stop(process, PEXEC_STAGE_PROCESS);
  assert_int_equal(real_await(process, PEXEC_EVENT_EXITED)->exit.signo,
                   SIGTERM);
}

static void what_was_never_started_is_stopped_at_once (void **state) {
  pexec_process *process = CHILD("forever");
  (void)state;
  expect_stop(process, PEXEC_STAGE_NONE);
  assert_int_equal(pexec_process_start(process, -1), PEXEC_EALREADY_STOPPED);
  pexec_process_release(process);
}

static void a_second_stop_is_answered_too (void **state) {
  pexec_process *process = STARTED("forever");
  (void)state;
  expect_stop(process, PEXEC_STAGE_PROCESS);
  expect_stop(process, PEXEC_STAGE_NONE);
}

static void many_are_stopped_side_by_side (void **state) {
  pexec_process *processes[20];
  int64_t begun_ns;
  (void)state;
  real.config.stop_timeout_ms = 500;
  for (int i = 0; i < 20; i++)
    processes[i] = STARTED("ignore", "TERM", "forever");
  begun_ns = real_now_ns();
  for (int i = 0; i < 20; i++)
    assert_int_equal(pexec_process_stop(processes[i]), 0);
  for (int i = 0; i < 20; i++)
    (void)real_await(processes[i], PEXEC_EVENT_STOPPED);
  /* one after the other it would take ten seconds */
  assert_true(real_now_ns() - begun_ns < INT64_C(9000000000));
}

int main (void) {
  const struct CMUnitTest tests[] = {
    REAL_SPEC(one_that_heeds_the_signal_hears_it_once),
    REAL_SPEC(one_that_ignores_it_hears_it_twice_and_is_killed),
    REAL_SPEC(others_are_gone_though_their_leader_went_at_once),
    REAL_SPEC(stubborn_others_are_killed),
    REAL_SPEC(a_suspended_process_goes_on_to_end),
    REAL_SPEC(any_signal_can_be_the_one_that_stops),
    REAL_SPEC(a_kill_takes_the_whole_group),
    REAL_SPEC(a_zombie_of_another_does_not_count),
    REAL_SPEC(it_stops_while_it_is_starting),
    REAL_SPEC(after_a_stop_nothing_is_ever_started),
    REAL_SPEC(it_stops_in_a_restart_delay),
    REAL_SPEC(it_stops_while_a_handler_decides),
    REAL_SPEC(what_is_left_of_the_group_is_stopped_then_too),
    REAL_SPEC(a_one_shot_is_stopped),
    REAL_SPEC(what_was_never_started_is_stopped_at_once),
    REAL_SPEC(a_second_stop_is_answered_too),
    REAL_SPEC(many_are_stopped_side_by_side),
  };
  return REAL_RUN(tests);
}
