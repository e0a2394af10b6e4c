/*
** Specifies signals that the host orders: who gets them, in which order, how
** each is answered, and that nothing but a child that lives is ever signalled,
** on the fake seam. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <errno.h>
#include <signal.h>

#define WORLD(...) \
  static const struct fake_program world[] = { __VA_ARGS__ }; \
  host_begin(world, (int)(sizeof world / sizeof world[0])); \
  host.config.log_events = 0; \
  (void)state

#define TRAPS .ignores = ~UINT64_C(0)

static int end (void **state) {
  (void)state;
  fake.is_basic = false;
  host_end();
  return 0;
}

static void order (int signo, int to_group) {
  uint64_t ticket = 0;
  assert_int_equal(pexec_process_signal(host.process, signo, to_group,
                                        &ticket), 0);
  assert_true(ticket > 0);
}

static void expect_refused (int error) {
  uint64_t ticket = 7;
  assert_int_equal(pexec_process_signal(host.process, SIGHUP, 0, &ticket),
                   error);
  assert_int_equal(ticket, 7);
}

/* Orders one, and its answer is this; nothing is sent where that is none. */
static void expect_answer (int to_group, int error) {
  int before = host.signaled, sent = fake.signal_count;
  order(SIGHUP, to_group);
  assert_true(host_run_until(&host.signaled, before + 1, FAKE_S));
  assert_int_equal(host.signal_error, error);
  assert_int_equal(fake.signal_count, sent + (error == 0));
}

static void start (void) {
  host_start();
  assert_true(host_run_until(&host.started, 1, FAKE_S));
}

/* {== who gets it ==== */

static void the_process_gets_it (void **state) {
  WORLD({ TRAPS });
  start();
  expect_answer(0, 0);
  assert_int_equal(fake.signals[0].signo, SIGHUP);
  assert_false(fake.signals[0].is_to_group);
}

static void or_its_group (void **state) {
  WORLD({ TRAPS, .members = 2, .members_ignore = ~UINT64_C(0) });
  start();
  expect_answer(1, 0);
  assert_true(fake.signals[0].is_to_group);
}

static void on_a_basic_kernel_too (void **state) {
  WORLD({ TRAPS });
  fake.is_basic = true;
  start();
  expect_answer(0, 0);
  expect_answer(1, 0);
  assert_true(fake.signals[1].is_to_group);
}

static void all_are_sent_in_order (void **state) {
  WORLD({ TRAPS });
  start();
  for (int i = 0; i < 60; i++)
    order(SIGRTMIN + i % 8, i % 3 == 0);
  assert_true(host_run_until(&host.signaled, 60, FAKE_S));
  assert_int_equal(fake.signal_count, 60);
  for (int i = 0; i < 60; i++) {
    assert_int_equal(fake.signals[i].signo, SIGRTMIN + i % 8);
    assert_int_equal(fake.signals[i].is_to_group, i % 3 == 0);
  }
}

static void one_comes_before_a_stop_that_is_ordered_after_it (void **state) {
  WORLD({ .ignores = FAKE_BIT(SIGHUP) });
  start();
  order(SIGHUP, 0);
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(FAKE_S);
  assert_int_equal(fake.signals[0].signo, SIGHUP);
  assert_int_equal(fake.signals[1].signo, SIGTERM);
  assert_string_equal(host.order, "SNTE");
}

static void one_that_is_being_stopped_gets_it (void **state) {
  WORLD({ TRAPS });
  start();
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(FAKE_S);
  assert_int_equal(host_state(), PEXEC_STOPPING);
  expect_answer(0, 0);
}

static void a_death_of_it_is_one_that_nobody_has_ordered (void **state) {
  WORLD({ 0 });
  host.config.asks = 1;
  start();
  order(SIGKILL, 0);
  host_run(5 * FAKE_S);
  assert_string_equal(host.order, "SNX");
  assert_int_equal(host.exit.signo, SIGKILL);
  assert_int_equal(host.exit.requested, PEXEC_BY_NOBODY);
  assert_int_equal(fake.clones, 2);
}

/* {== who does not ==== */

static void what_the_system_refuses_is_told (void **state) {
  WORLD({ TRAPS });
  start();
  fake_fail(FAKE_CALL(signal) | FAKE_CALL(signal_group), 1, true);
  for (int to_group = 0; to_group <= 1; to_group++) {
    order(SIGHUP, to_group);
    assert_true(host_run_until(&host.signaled, 1 + to_group, FAKE_S));
    assert_int_equal(host.signal_error, -EPERM);
  }
  fake_fail(0, 0, false);
}

static void what_is_no_signal_is_refused (void **state) {
  static const int none[] = { 0, -1, 32, 33, 65, 1000 };
  uint64_t ticket;
  WORLD({ 0 });
  start();
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
    assert_int_equal(pexec_process_signal(host.process, none[i], 0, &ticket),
                     -EINVAL);
}

static void before_the_start_nobody_gets_it (void **state) {
  WORLD({ 0 });
  host_make();
  expect_refused(PEXEC_ENOT_STARTED);
  pexec_process_release(host.process);
}

static void while_it_starts_nobody_does (void **state) {
  WORLD({ .exec_ns = 100 * FAKE_MS });
  host_start();
  host_run(FAKE_MS);
  expect_answer(0, PEXEC_ENOT_STARTED);
}

static void nor_while_it_waits_for_its_restart (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  start();
  host_run(100 * FAKE_MS);
  assert_int_equal(host_state(), PEXEC_BACKOFF);
  expect_answer(0, PEXEC_EPROCESS_DONE);
  expect_answer(1, PEXEC_EPROCESS_DONE);
}

static void nor_after_its_end (void **state) {
  WORLD({ 0 });
  start();
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(FAKE_S);
  expect_refused(PEXEC_EPROCESS_DONE);
}

/* FAULTS 35 */
static void the_group_of_a_dead_process_is_left_alone (void **state) {
  for (int basic = 0; basic <= 1; basic++) {
    WORLD({ .lives_ns = FAKE_MS, .members = 1 });
    fake.is_basic = (basic == 1);
    host.config.asks = 1;
    host.decision = -1;
    start();
    host_run(100 * FAKE_MS);
    assert_int_equal(host_state(), PEXEC_DECIDING);
    expect_answer(0, PEXEC_EPROCESS_DONE);
    expect_answer(1, PEXEC_EPROCESS_DONE);
    host_end();
    host.supervisor = NULL;
  }
}

/* FAULTS 35: nobody has noticed the death yet, and the host's own code has
   given the number back: it may be anybody's. */
static void a_death_that_nobody_has_noticed_is_one (void **state) {
  for (int basic = 0; basic <= 1; basic++) {
    WORLD({ 0 });
    fake.is_basic = (basic == 1);
    fake.host_reaps = true;
    host.config.restart = PEXEC_RESTART_NEVER;
    start();
    order(SIGKILL, 0);
    order(SIGHUP, 0);
    order(SIGHUP, 1);
    host_run(FAKE_S);
    assert_string_equal(host.order, "SNnnE");
    assert_int_equal(host.signal_error, PEXEC_EPROCESS_DONE);
    assert_int_equal(fake.signals[0].signo, SIGKILL);
    for (int i = 1; i < fake.signal_count; i++)
      assert_int_not_equal(fake.signals[i].signo, SIGHUP);
    host_end();
    host.supervisor = NULL;
  }
}

/* {== answers ==== */

static void it_is_answered_before_the_end (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  host.config.one_shot = 1;
  start();
  fake_run(FAKE_MS / 2);
  order(SIGHUP, 0);
  fake_run(FAKE_S);
  host_pull();
  assert_string_equal(host.order, "SNXE");
}

static void also_where_the_start_had_no_memory (void **state) {
  WORLD({ 0 });
  host_make();
  assert_true(pexec_supervisor_fd(host.supervisor) >= 0);
  host_start();
  order(SIGHUP, 0);
  fake_fail(FAKE_MEMORY, 1, true);
  assert_true(host_run_until(&host.ended, 1, FAKE_S));
  fake_fail(0, 0, false);
  assert_string_equal(host.order, "SnE");
  assert_int_equal(host.signal_error, PEXEC_ENOT_STARTED);
}

static void once_the_end_is_on_its_way_it_is_refused (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  host.config.one_shot = 1;
  start();
  fake_run(FAKE_S);
  expect_refused(PEXEC_EPROCESS_DONE);
  host_pull();
  assert_string_equal(host.order, "SXE");
}

static void a_start_that_follows_has_no_older_answers (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  host.config.one_shot = 1;
  for (int i = 0; i < 3; i++) {
    host_start();
    order(SIGHUP, 0);
    host_run(FAKE_S);
  }
  assert_int_equal(host.signaled, 3);
}

static void without_memory_it_is_refused (void **state) {
  WORLD({ TRAPS });
  start();
  fake_fail(FAKE_MEMORY, 1, false);
  expect_refused(-ENOMEM);
  expect_answer(0, 0);
}

static void a_host_that_lets_go_is_not_answered (void **state) {
  WORLD({ TRAPS });
  start();
  order(SIGHUP, 0);
  fake_run(FAKE_MS);
  order(SIGHUP, 0);
  pexec_process_release(host.process);
  host_run(FAKE_S);
  assert_int_equal(host.signaled, 0);
  assert_int_equal(fake.signal_count, 2);
}

static void a_supervisor_closes_with_orders_left (void **state) {
  WORLD({ 0 });
  start();
  order(SIGHUP, 0);
}

#define SPEC(name) cmocka_unit_test_teardown(name, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(the_process_gets_it),
    SPEC(or_its_group),
    SPEC(on_a_basic_kernel_too),
    SPEC(all_are_sent_in_order),
    SPEC(one_comes_before_a_stop_that_is_ordered_after_it),
    SPEC(one_that_is_being_stopped_gets_it),
    SPEC(a_death_of_it_is_one_that_nobody_has_ordered),
    SPEC(what_the_system_refuses_is_told),
    SPEC(what_is_no_signal_is_refused),
    SPEC(before_the_start_nobody_gets_it),
    SPEC(while_it_starts_nobody_does),
    SPEC(nor_while_it_waits_for_its_restart),
    SPEC(nor_after_its_end),
    SPEC(the_group_of_a_dead_process_is_left_alone),
    SPEC(a_death_that_nobody_has_noticed_is_one),
    SPEC(it_is_answered_before_the_end),
    SPEC(also_where_the_start_had_no_memory),
    SPEC(once_the_end_is_on_its_way_it_is_refused),
    SPEC(a_start_that_follows_has_no_older_answers),
    SPEC(without_memory_it_is_refused),
    SPEC(a_host_that_lets_go_is_not_answered),
    SPEC(a_supervisor_closes_with_orders_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
