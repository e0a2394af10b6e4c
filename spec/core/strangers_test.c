/*
** Specifies that no signal is sent to a number that is not ours any more, and
** may be a stranger's: the fake kernel fails the spec where one is. On the
** fake seam; each spec runs twice, the second time on a kernel that reaches a
** group by its number alone. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <signal.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define EVERY_SIGNAL (~UINT64_C(0))

static int end (void **state) {
  (void)state;
  host_end();
  return 0;
}

static void begin (const struct fake_program *program) {
  host_begin(program, 1);
  host.config.asks = 1;
  host.config.stop_timeout_ms = 900;
  host.decision = -1;
}

/* {== what a host may do ================================================= */

static void do_stop (void) {
  (void)pexec_process_stop(host.process);
}

static void do_kill (void) {
  (void)pexec_process_kill_group(host.process);
}

static void do_restart (void) {
  (void)pexec_process_restart(host.process);
}

static void do_decide_to_end (void) {
  (void)pexec_process_decide(host.process, 1, PEXEC_DECIDE_END, -1);
}

static void do_decide_to_restart (void) {
  (void)pexec_process_decide(host.process, 1, PEXEC_DECIDE_RESTART, -1);
}

static void do_let_go (void) {
  pexec_process_release(host.process);
  host.process = NULL;
}

static void do_close (void) {
  pexec_supervisor_close(host.supervisor);
  host.supervisor = NULL;
}

static void (*const acts[]) (void) = {
  do_stop, do_kill, do_restart, do_decide_to_end, do_decide_to_restart,
  do_let_go, do_close
};

/* {== the specs ========================================================== */

/* Much later, and the group may be empty or not. */
static void play_reaped (void (*act) (void), int members) {
  const struct fake_program program = {
    .lives_ns = FAKE_S, .members = members,
  };
  begin(&program);
  host_start();
  host_run(10 * FAKE_S);
  assert_string_equal(host.order, "SX");
  fake_reap_all();
  act();
  if (host.supervisor != NULL) {
    host_run(500 * FAKE_MS);
    do_close();
  }
  fake.survivors = fake.living;  /* a group without a number is out of reach */
  assert_true(fake.living == 0 || fake.is_basic);
  host_end();
}

/* FAULTS 35 */
static void a_child_that_the_host_reaps_later_has_no_number (void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(acts); i++) {
    play_reaped(acts[i], 0);
    play_reaped(acts[i], 2);
  }
}

/* It dies in the very moment in which its group's turn has come. */
static void play_stop (int64_t lingers_ns) {
  const struct fake_program program = { .lingers_ns = lingers_ns };
  begin(&program);
  fake.host_reaps = true;
  host_start();
  host_run(FAKE_S);
  do_stop();
  assert_true(host_run_until(&host.stopped, 1, 60 * FAKE_S));
  assert_int_equal(host.stop_error, 0);
  host_end();
}

/* FAULTS 35 */
static void nor_has_one_whose_end_is_still_to_be_noticed (void **state) {
  (void)state;
  play_stop(300 * FAKE_MS);
  play_stop(900 * FAKE_MS);
}

/* FAULTS 35: by whomever the group is reached then, it is not the number. */
static void nor_has_one_that_a_kill_overtakes (void **state) {
  const struct fake_program program = { .lives_ns = FAKE_S };
  (void)state;
  begin(&program);
  fake.host_reaps = true;
  host_start();
  host_run(FAKE_S - 1);
  do_kill();
  fake.now_ns++;
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
}

/* FAULTS 35 */
static void our_own_zombie_keeps_its_number_until_then (void **state) {
  const struct fake_program program = {
    .lives_ns = FAKE_S, .members = 2, .members_ignore = FAKE_BIT(SIGTERM),
  };
  (void)state;
  begin(&program);
  host_start();
  host_run(10 * FAKE_S);
  assert_int_equal(fake.zombies, fake.is_basic);
  do_stop();
  assert_true(host_run_until(&host.ended, 1, 60 * FAKE_S));
  assert_int_equal(fake.living, 0);
  assert_int_equal(fake.zombies, 0);
}

/* FAULTS 35 */
static void while_nothing_runs_nothing_is_signalled (void **state) {
  const struct fake_program program = { .lives_ns = FAKE_MS };
  int signals;
  (void)state;
  begin(&program);
  host.config.asks = 0;
  host.config.restart_delay_ms = 60000;
  host_start();
  host_run(FAKE_S);
  signals = fake.signal_count;
  assert_string_equal(pexec_state_name(host_state()), "backoff");
  do_stop();
  host_run(FAKE_S);
  do_kill();
  do_stop();
  host_run(FAKE_S);
  assert_int_equal(fake.signal_count, signals);
}

#define SPEC(name) cmocka_unit_test_teardown(name, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_child_that_the_host_reaps_later_has_no_number),
    SPEC(nor_has_one_whose_end_is_still_to_be_noticed),
    SPEC(nor_has_one_that_a_kill_overtakes),
    SPEC(our_own_zombie_keeps_its_number_until_then),
    SPEC(while_nothing_runs_nothing_is_signalled),
  };
  int failed = cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
  fake.is_basic = true;
  return failed + cmocka_run_group_tests_name("basic kernel", tests, NULL,
                                              NULL);
}
