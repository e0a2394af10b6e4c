/*
** Specifies the door itself: which orders are refused, what is heard in which
** order, what the descriptor says, and what a host that lets go still hears,
** on the fake seam. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define WORLD(...) \
  static const struct fake_program world[] = { __VA_ARGS__ }; \
  host_begin(world, (int)(sizeof world / sizeof world[0])); \
  host.config.log_events = 0; \
  (void)state

static int end (void **state) {
  (void)state;
  host_end();
  return 0;
}

static void give_back_unstarted (void) {
  pexec_process_release(host.process);
  host.process = NULL;
}

static int next_type (void) {
  pexec_event event = PEXEC_EVENT_INIT;
  int result = pexec_supervisor_next(host.supervisor, &event);
  pexec_event_release(&event);
  return result == 1 ? (int)event.type : result;
}

/* {== orders that are refused ==== */

static void an_unusable_configuration_makes_no_process (void **state) {
  pexec_process *process = (pexec_process *)&host;
  WORLD({ 0 });
  host.config.id = "";
  assert_int_equal(pexec_process_new(host.supervisor, &host.config, &process),
                   PEXEC_EINVALID_CONFIG);
  assert_ptr_equal(process, &host);
}

static void what_was_never_started_cannot_be_decided (void **state) {
  WORLD({ 0 });
  host_make();
  assert_int_equal(pexec_process_decide(host.process, 1, 1, -1),
                   PEXEC_ENOT_STARTED);
  assert_int_equal(pexec_process_cancel(host.process, PEXEC_ECANCELED),
                   PEXEC_ENOT_STARTED);
  give_back_unstarted();
}

static void a_second_start_is_refused_until_the_end_was_heard (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  host.config.one_shot = 1;
  host_start();
  fake_run(FAKE_S);
  assert_false(host.ended);
  assert_int_equal(pexec_process_start(host.process, -1),
                   PEXEC_EALREADY_STARTED);
  host_pull();
  host_start();
  host_run(FAKE_S);
  assert_string_equal(host.order, "SXESXE");
}

static void late_decisions_change_nothing (void **state) {
  WORLD({ .lives_ns = 100 * FAKE_MS });
  host.config.asks = 1;
  host_start();
  host_run(500 * FAKE_MS);
  (void)pexec_process_decide(host.process, 1, 0, -1);
  host_run(FAKE_S);
  assert_int_equal(fake.clones, 2);
}

static void orders_about_an_earlier_run_are_not_about_the_next (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  host.config.one_shot = 1;
  host_start();
  host_run(FAKE_S);
  assert_int_equal(pexec_process_cancel(host.process, PEXEC_ECANCELED), 0);
  host_start();
  host_run(FAKE_S);
  assert_int_equal(host.exit.canceled, 0);
  assert_string_equal(host.order, "SXESXE");
}

/* {== threads and descriptors ==== */

static void without_a_start_nothing_is_opened (void **state) {
  WORLD({ 0 });
  host_make();
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_pull();
  assert_string_equal(host.order, "T");
  assert_int_equal(fake.descriptors, 0);
  give_back_unstarted();
}

static void an_event_from_before_can_be_waited_for (void **state) {
  WORLD({ 0 });
  host_make();
  assert_int_equal(pexec_process_stop(host.process), 0);
  assert_int_equal(pexec_supervisor_wait(host.supervisor, -1), 1);
  assert_int_equal(next_type(), PEXEC_EVENT_STOPPED);
  give_back_unstarted();
}

static void what_comes_after_it_can_be_waited_for_too (void **state) {
  pexec_process *unstarted;
  WORLD({ .exec_ns = FAKE_MS });
  host_make();
  unstarted = host.process;
  assert_int_equal(pexec_process_stop(unstarted), 0);
  host_make();
  host_start();
  assert_int_equal(pexec_supervisor_wait(host.supervisor, -1), 1);
  assert_int_equal(next_type(), PEXEC_EVENT_STOPPED);
  assert_int_equal(next_type(), 0);
  assert_int_equal(pexec_supervisor_wait(host.supervisor, -1), 1);
  assert_int_equal(next_type(), PEXEC_EVENT_STARTED);
  pexec_process_release(unstarted);
}

static void the_descriptor_is_readable_while_an_event_waits (void **state) {
  int fd;
  WORLD({ 0 });
  fd = pexec_supervisor_fd(host.supervisor);
  assert_false(fake_is_readable(fd));
  host_start();
  fake_run(FAKE_S);
  assert_true(fake_is_readable(fd));
  assert_int_equal(next_type(), PEXEC_EVENT_STARTED);
  assert_int_equal(next_type(), 0);
  assert_false(fake_is_readable(fd));
}

static void a_wait_ends_after_its_time (void **state) {
  int64_t before;
  WORLD({ 0 });
  before = fake.now_ns;
  assert_int_equal(pexec_supervisor_wait(host.supervisor, 1500), 0);
  assert_int_equal(fake.now_ns - before, 1500 * FAKE_MS);
}

/* {== the alarm ==== */

static void expect_ring_after (int64_t ns) {
  int64_t before = fake.now_ns;
  assert_int_equal(pexec_supervisor_wait(host.supervisor, 100000), 1);
  assert_int_equal(fake.now_ns - before, ns);
  assert_int_equal(next_type(), 0);
}

static void set_alarm (int64_t delay_ms) {
  assert_int_equal(pexec_supervisor_alarm(host.supervisor, delay_ms), 0);
}

static void the_alarm_makes_the_descriptor_readable_once (void **state) {
  WORLD({ 0 });
  set_alarm(250);
  expect_ring_after(250 * FAKE_MS);
  assert_int_equal(pexec_supervisor_wait(host.supervisor, 10000), 0);
}

static void a_later_alarm_replaces_it (void **state) {
  WORLD({ 0 });
  set_alarm(250);
  set_alarm(400);
  expect_ring_after(400 * FAKE_MS);
  set_alarm(400);
  assert_int_equal(pexec_supervisor_wait(host.supervisor, 100), 0);
  set_alarm(50);
  expect_ring_after(50 * FAKE_MS);
  set_alarm(0);
  expect_ring_after(0);
}

static void it_can_be_taken_back (void **state) {
  WORLD({ 0 });
  set_alarm(250);
  assert_int_equal(pexec_supervisor_wait(host.supervisor, 100), 0);
  set_alarm(-1);
  assert_int_equal(pexec_supervisor_wait(host.supervisor, 10000), 0);
}

static void a_time_that_never_comes_is_no_time (void **state) {
  WORLD({ .lives_ns = 2 * FAKE_S });
  set_alarm(INT64_MAX);
  host.config.one_shot = 1;
  host_start_for(INT64_MAX);
  host_run(60 * FAKE_S);
  assert_string_equal(host.order, "SXE");
  assert_int_equal(host.exit.canceled, 0);
}

/* {== reopening ==== */

static int count_reopened (void) {
  int count = 0, type;
  while ((type = next_type()) > 0)
    count += (type == PEXEC_EVENT_REOPENED);
  return count;
}

static void reopening_is_answered (void **state) {
  WORLD({ 0 });
  host_start();
  assert_int_equal(pexec_process_reopen(host.process), 0);
  fake_run(FAKE_S);
  assert_int_equal(count_reopened(), 1);
}

/* The start takes back other orders about the run before it. */
static void so_it_is_where_a_start_follows_at_once (void **state) {
  WORLD({ .lives_ns = FAKE_MS });
  host.config.one_shot = 1;
  host_start();
  host_run(FAKE_S);
  assert_int_equal(pexec_process_reopen(host.process), 0);
  host_start();
  fake_run(FAKE_S);
  assert_int_equal(count_reopened(), 1);
}

/* {== letting go ==== */

static void supervision_goes_on_without_a_host (void **state) {
  WORLD({ .lives_ns = 2 * FAKE_S });
  host_start();
  host_run(FAKE_S);
  pexec_process_release(host.process);
  host_run(20 * FAKE_S);
  assert_int_equal(fake.clones, 11);
}

static void nobody_is_asked_any_more (void **state) {
  WORLD({ .lives_ns = 2 * FAKE_S });
  host.config.asks = 1;
  host.decision = -1;
  host_start();
  host_run(FAKE_S);
  pexec_process_release(host.process);
  host_run(20 * FAKE_S);
  assert_string_equal(host.order, "S");
  assert_int_equal(fake.clones, 11);
}

static void a_question_that_is_open_is_answered_with_a_restart (void **state) {
  WORLD({ .lives_ns = 2 * FAKE_S }, { 0 });
  host.config.asks = 1;
  host.decision = -1;
  host_start();
  host_run(10 * FAKE_S);
  assert_int_equal(fake.clones, 1);
  pexec_process_release(host.process);
  host_run(FAKE_S);
  assert_int_equal(fake.clones, 2);
}

/* What points to a process that was given back must not be handed out. */
static void no_event_of_it_is_heard_any_more (void **state) {
  WORLD({ .lives_ns = 100 * FAKE_MS, .says = "hello\n" });
  host.config.output_events = PEXEC_STDOUT;
  host.config.log_events = 1;
  host_start();
  fake_run(50 * FAKE_MS);
  pexec_process_release(host.process);
  assert_int_equal(next_type(), 0);
  fake_run(FAKE_S);
  assert_int_equal(next_type(), 0);
}

/* Its supervisor has yet to see that it was given back. */
static void not_even_of_what_happens_just_then (void **state) {
  WORLD({ .is_unkillable = true });
  host.config.stop_timeout_ms = 900;
  host_start();
  host_run(FAKE_S);
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(1900 * FAKE_MS - 1);
  pexec_process_release(host.process);
  fake.now_ns++;  /* now it is given up */
  fake_run(0);
  assert_int_equal(next_type(), 0);
  fake.survivors = 1;
}

static void a_child_that_waits_for_the_host_goes_on (void **state) {
  static char much[600001];
  static struct fake_program world[] = { { .says = much } };
  (void)state;
  memset(much, '\n', sizeof much - 1);
  host_begin(world, 1);
  host.config.output_events = PEXEC_STDOUT;
  host_start();
  fake_run(FAKE_S);
  assert_in_range(fake.bytes_read, 256 * 1024, 400 * 1024);
  pexec_process_release(host.process);
  fake_run(FAKE_S);
  assert_int_equal(fake.bytes_read, 600000);
}

static void one_that_has_ended_is_freed_at_once (void **state) {
  int blocks;
  WORLD({ .lives_ns = FAKE_MS, .says = "hello\n" });
  host.config.one_shot = 1;
  host.config.output_events = PEXEC_STDOUT;
  assert_true(pexec_supervisor_fd(host.supervisor) >= 0);
  blocks = fake.blocks;
  for (int i = 0; i < 100; i++) {
    host_make();
    host_start();
    host_run(FAKE_S);
    pexec_process_release(host.process);
    host_run(0);
  }
  assert_in_range(fake.blocks, blocks, blocks + 3);  /* the host's snapshot */
}

/* {== the whole is stable ==== */

static void a_day_of_crashes_leaves_nothing_behind (void **state) {
  int blocks, descriptors;
  WORLD({ .lives_ns = 300 * FAKE_MS, .says = "up\n", .last_words = "down" });
  host.config.asks = 1;
  host.config.output_events = PEXEC_STDOUT;
  host_start();
  host_run(500 * FAKE_MS);
  blocks = fake.blocks;
  descriptors = fake.descriptors;
  host_run(24 * 3600 * FAKE_S);
  assert_int_equal(fake.clones, 24 * 3600 + 1);
  assert_int_equal(host.exited, 24 * 3600 + 1);
  assert_int_equal(fake.blocks, blocks);
  assert_int_equal(fake.descriptors, descriptors);
  assert_int_equal(fake.zombies, 0);
}

#define SPEC(name) cmocka_unit_test_teardown(name, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(an_unusable_configuration_makes_no_process),
    SPEC(what_was_never_started_cannot_be_decided),
    SPEC(a_second_start_is_refused_until_the_end_was_heard),
    SPEC(late_decisions_change_nothing),
    SPEC(orders_about_an_earlier_run_are_not_about_the_next),
    SPEC(without_a_start_nothing_is_opened),
    SPEC(an_event_from_before_can_be_waited_for),
    SPEC(what_comes_after_it_can_be_waited_for_too),
    SPEC(the_descriptor_is_readable_while_an_event_waits),
    SPEC(a_wait_ends_after_its_time),
    SPEC(the_alarm_makes_the_descriptor_readable_once),
    SPEC(a_later_alarm_replaces_it),
    SPEC(it_can_be_taken_back),
    SPEC(a_time_that_never_comes_is_no_time),
    SPEC(reopening_is_answered),
    SPEC(so_it_is_where_a_start_follows_at_once),
    SPEC(supervision_goes_on_without_a_host),
    SPEC(nobody_is_asked_any_more),
    SPEC(a_question_that_is_open_is_answered_with_a_restart),
    SPEC(no_event_of_it_is_heard_any_more),
    SPEC(not_even_of_what_happens_just_then),
    SPEC(a_child_that_waits_for_the_host_goes_on),
    SPEC(one_that_has_ended_is_freed_at_once),
    SPEC(a_day_of_crashes_leaves_nothing_behind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
