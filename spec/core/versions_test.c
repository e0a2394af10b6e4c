/*
** Specifies what becomes of a host that was compiled against another version:
** its structs are shorter or longer than the library's. And that messages for
** which there was no room are counted in the next one. On the fake seam; one
** thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <errno.h>
#include <string.h>

#define WORLD(...) \
  static const struct fake_program world[] = { __VA_ARGS__ }; \
  host_begin(world, (int)(sizeof world / sizeof world[0])); \
  (void)state

#define UNTOUCHED 0x5A

static int end (void **state) {
  (void)state;
  host_end();
  return 0;
}

/* {== events ============================================================= */

/* An event as a host sees it, and what lies behind it. */
static union {
  pexec_event event;
  unsigned char bytes[sizeof(pexec_event) + 32];
} seen;

static int next_of_size (size_t size) {
  memset(&seen, UNTOUCHED, sizeof seen);
  seen.event.size = size;
  return pexec_supervisor_next(host.supervisor, &seen.event);
}

static void expect_untouched_from (size_t size) {
  for (size_t i = size; i < sizeof seen.bytes; i++)
    assert_int_equal(seen.bytes[i], UNTOUCHED);
}

/* One that says "hello" has started, and nothing of it was pulled. */
static void say_hello (void) {
  host.config.log_events = 0;
  host.config.output_events = PEXEC_STDOUT;
  host_start();
  fake_run(FAKE_S);
}

static void expect_hello (size_t size) {
  assert_int_equal(next_of_size(size), 1);
  assert_int_equal(seen.event.type, PEXEC_EVENT_STARTED);
  pexec_event_release(&seen.event);
  assert_int_equal(next_of_size(size), 1);
  assert_int_equal(seen.event.type, PEXEC_EVENT_OUTPUT);
  assert_int_equal(seen.event.size, size);
  assert_memory_equal(seen.event.data, "hello\n", seen.event.length);
  pexec_process_consumed(host.process, seen.event.length, seen.event.lines);
  pexec_event_release(&seen.event);
}

/* The first version's event ended before 'missed'. */
static void an_older_hosts_event_is_filled_as_far_as_it_goes (void **state) {
  const size_t size = offsetof(pexec_event, missed);
  WORLD({ .says = "hello\n" });
  say_hello();
  expect_hello(size);
  expect_untouched_from(size);
  assert_int_equal(next_of_size(size), 0);
  expect_untouched_from(size);
}

static void of_a_later_hosts_event_the_rest_is_zero (void **state) {
  const size_t size = sizeof(pexec_event) + 16;
  WORLD({ .says = "hello\n" });
  say_hello();
  expect_hello(size);
  for (size_t i = sizeof(pexec_event); i < size; i++)
    assert_int_equal(seen.bytes[i], 0);
  expect_untouched_from(size);
}

static void an_event_that_no_version_had_is_refused (void **state) {
  const size_t size = offsetof(pexec_event, missed) - 1;
  WORLD({ 0 });
  assert_int_equal(next_of_size(size), -EINVAL);
  expect_untouched_from(sizeof seen.event.size);
  assert_int_equal(next_of_size(0), -EINVAL);
}

/* {== configurations ===================================================== */

/* Behind its size lies nothing that could be read. */
static void an_older_configuration_has_the_rest_as_usual (void **state) {
  static pexec_cgroup none;
  WORLD({ .exec_error = ENOENT });
  host.config.size = offsetof(pexec_config, must_prepare);
  host.config.must_prepare = 1;  /* would be refused */
  host.config.cgroup = &none;
  host_start();
  host_run(FAKE_S);
  assert_int_equal(host.start_error, -ENOENT);
}

static void the_first_members_are_enough (void **state) {
  WORLD({ .lives_ns = 100 * FAKE_MS });
  host.config.size = offsetof(pexec_config, args);
  host.config.restart_delay_ms = -1;
  host_start();
  host_run(200 * FAKE_MS);
  assert_int_equal(host.started, 1);
  assert_string_equal(pexec_state_name(host_state()), "backoff");
}

static void a_configuration_without_a_name_is_refused (void **state) {
  pexec_process *process;
  WORLD({ 0 });
  host.config.size = offsetof(pexec_config, name);
  assert_int_equal(pexec_process_new(host.supervisor, &host.config, &process),
                   PEXEC_EINVALID_CONFIG);
}

static void so_it_is_for_one_that_is_given_later (void **state) {
  pexec_config config = PEXEC_CONFIG_INIT;
  WORLD({ .exec_error = ENOENT });
  host_start();
  host_run(FAKE_S);
  assert_null(strstr(host.start_message, "/bin/other"));
  config.id = "id";
  config.name = "/bin/other";
  config.size = offsetof(pexec_config, name);
  assert_int_equal(pexec_process_configure(host.process, &config, 0),
                   PEXEC_EINVALID_CONFIG);
  config.size = offsetof(pexec_config, must_prepare);
  config.must_prepare = 1;
  assert_int_equal(pexec_process_configure(host.process, &config, 0), 0);
  host_start();
  host_run(FAKE_S);
  assert_non_null(strstr(host.start_message, "/bin/other"));
}

/* {== the library ======================================================== */

static void the_library_says_which_it_is (void **state) {
  (void)state;
  assert_string_equal(pexec_version(), PEXEC_VERSION);
}

/* {== messages that found no room ======================================== */

static uint64_t missed;

/* Pulls all that waits; how many messages there were. 'missed' is the last
   one's that had any. */
static int count_messages (void) {
  pexec_event event = PEXEC_EVENT_INIT;
  int messages = 0;
  missed = 0;
  while (pexec_supervisor_next(host.supervisor, &event) == 1) {
    messages += (event.type == PEXEC_EVENT_LOG);
    missed = event.missed > 0 ? event.missed : missed;
    pexec_event_release(&event);
  }
  return messages;
}

/* Two messages a death: that it is dead, and that it was restarted. */
static void die_often (int times) {
  host.config.restart_delay_ms = 0;
  host_start();
  fake_run(times * FAKE_MS);
}

static void messages_beyond_the_bound_are_counted_in_the_next (void **state) {
  int waiting;
  WORLD({ .lives_ns = FAKE_MS });
  die_often(200);
  waiting = count_messages();
  assert_int_equal(waiting, PEXEC__LOG_EVENTS_MAX);
  assert_int_equal(missed, 0);
  fake_run(5 * FAKE_MS);
  assert_true(count_messages() > 0);
  assert_in_range(missed, 2 * (200 - 2) - PEXEC__LOG_EVENTS_MAX, 2 * 200);
  fake_run(5 * FAKE_MS);
  assert_true(count_messages() > 0);
  assert_int_equal(missed, 0);
}

int main (void) {
#define SPEC(name) cmocka_unit_test_teardown(name, end)
  const struct CMUnitTest tests[] = {
    SPEC(an_older_hosts_event_is_filled_as_far_as_it_goes),
    SPEC(of_a_later_hosts_event_the_rest_is_zero),
    SPEC(an_event_that_no_version_had_is_refused),
    SPEC(an_older_configuration_has_the_rest_as_usual),
    SPEC(the_first_members_are_enough),
    SPEC(a_configuration_without_a_name_is_refused),
    SPEC(so_it_is_for_one_that_is_given_later),
    cmocka_unit_test(the_library_says_which_it_is),
    SPEC(messages_beyond_the_bound_are_counted_in_the_next),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
