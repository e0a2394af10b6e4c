/*
** Specifies how the supervisor treats sinks: what waits for one that hangs is
** bounded, its messages too; and when the host lets a process go, their writer
** ends with the last of them, and is not asked anything after that. On the
** fake seam. One thread.
**
** seam: fake
*/

#include "fake_host.h"

static pexec_logger *logger;

/* It writes nothing: no message is an error. */
static int begin (void **state) {
  static const struct fake_program world[] = { { .lives_ns = FAKE_MS } };
  pexec_logger_options options = PEXEC_LOGGER_OPTIONS_INIT;
  (void)state;
  host_begin(world, 1);
  options.level = PEXEC_ERROR;
  assert_int_equal(pexec_logger_new(&options, &logger), 0);
  host.config.log_events = 0;
  host.config.logger = logger;
  return 0;
}

static int end (void **state) {
  (void)state;
  pexec_logger_release(logger);
  host_end();
  return 0;
}

static void run_and_stop (void) {
  host.process = NULL;
  host_start();
  host_run(FAKE_S);
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(FAKE_S);
}

/* {== one that hangs ====================================================== */

/* It crashes once a second, and each time there is a message. */
static void messages_that_nobody_takes_are_bounded (void **state) {
  int blocks;
  (void)state;
  host_start();
  host_run(FAKE_S / 2);
  fake.writer_hangs = true;
  host_run(2 * 3600 * FAKE_S);
  blocks = fake.blocks;
  host_run(2 * 3600 * FAKE_S);
  assert_in_range(fake.blocks, 0, blocks + 4);
}

static void what_was_lost_is_told_before_it_is_closed (void **state) {
  (void)state;
  host_start();
  host_run(FAKE_S / 2);
  fake.writer_hangs = true;
  host_run(2 * 3600 * FAKE_S);
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(10 * FAKE_S);
  pexec_process_release(host.process);
  host_run(10 * FAKE_S);
  assert_int_equal(fake.logged, 0);
  fake.writer_hangs = false;
  host_run(10 * FAKE_S);
  assert_int_not_equal(fake.logged, 0);
}

/* {== letting go ========================================================== */

static void its_writer_is_not_asked_once_it_has_ended (void **state) {
  (void)state;
  run_and_stop();
  pexec_process_release(host.process);
  host_run(FAKE_S);
}

static void the_next_process_gets_another (void **state) {
  (void)state;
  for (int i = 1; i <= 3; i++) {
    run_and_stop();
    assert_int_equal(host.stopped, i);
    pexec_process_release(host.process);
    host_run(FAKE_S);
  }
}

static void one_that_others_use_stays (void **state) {
  pexec_process *first;
  (void)state;
  run_and_stop();
  first = host.process;
  run_and_stop();
  pexec_process_release(first);
  host_run(FAKE_S);
  pexec_process_release(host.process);
  host_run(FAKE_S);
}

/* As of one that hung until all patience was over. */
static void one_is_closed_that_is_to_be_opened_anew_first (void **state) {
  pexec_supervisor *supervisor = host.supervisor;
  struct pexec__sink *sink;
  (void)state;
  assert_true(pexec_supervisor_fd(supervisor) >= 0);
  assert_int_equal(pexec__sink_new(PEXEC__SINK_HOST, NULL, NULL, 2, &sink), 0);
  assert_int_equal(pexec__writer_get(supervisor->writers, 1, false, &sink->writer),
                   0);
  supervisor->sinks = sink;
  pexec__sink_put_reopen(sink);
  pexec__sink_put_close(sink);
  host_run(FAKE_S);
  assert_null(supervisor->sinks);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(messages_that_nobody_takes_are_bounded,
                                    begin, end),
    cmocka_unit_test_setup_teardown(what_was_lost_is_told_before_it_is_closed,
                                    begin, end),
    cmocka_unit_test_setup_teardown(its_writer_is_not_asked_once_it_has_ended,
                                    begin, end),
    cmocka_unit_test_setup_teardown(the_next_process_gets_another, begin, end),
    cmocka_unit_test_setup_teardown(one_that_others_use_stays, begin, end),
    cmocka_unit_test_setup_teardown(
        one_is_closed_that_is_to_be_opened_anew_first, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
