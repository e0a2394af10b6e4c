/*
** Specifies what a host can do before a start, and that it is not waited for
** longer than its time, on the fake seam. Each spec runs twice, the second
** time on a kernel without the newer calls. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A host that is asked, and takes no longer than five seconds. */
#define WORLD(...) \
  static const struct fake_program world[] = { __VA_ARGS__ }; \
  host_begin(world, (int)COUNT(world)); \
  host.config.prepare_timeout_ms = 5000; \
  host.config.restart_delay_ms = 0; \
  (void)state

static int end (void **state) {
  (void)state;
  host_end();
  return 0;
}

static void answer (uint64_t preparation, const char *veto) {
  assert_int_equal(pexec_process_prepared(host.process, preparation, veto), 0);
}

static void expect_state (const char *name) {
  assert_string_equal(pexec_state_name(host_state()), name);
}

/* {== asking ============================================================= */

static void it_is_asked_before_each_start (void **state) {
  WORLD({ .lives_ns = FAKE_S });
  host.prepares = true;
  host_start();
  host_run(3 * FAKE_S - 1);
  assert_string_equal(host.order, "PSPP");
  assert_int_equal(host.preparation, 3);
  assert_int_equal(fake.clones, 3);
}

static void nothing_is_made_until_it_has_answered (void **state) {
  WORLD({ 0 });
  host_start();
  host_run(4 * FAKE_S);
  assert_int_equal(fake.clones, 0);
  expect_state("starting");
  answer(1, NULL);
  host_run(FAKE_MS);
  assert_string_equal(host.order, "PS");
  expect_state("running");
}

static void without_an_answer_it_goes_on_when_the_time_is_over (void **state) {
  int64_t began_ns;
  WORLD({ 0 });
  began_ns = fake.now_ns;
  host_start();
  assert_true(host_run_until(&host.started, 1, 60 * FAKE_S));
  assert_int_equal(fake.now_ns - began_ns, 5 * FAKE_S);
  assert_int_equal(host.start_error, 0);
}

static void an_answer_that_comes_too_late_is_none (void **state) {
  WORLD({ .lives_ns = FAKE_S }, { 0 });
  host_start();
  host_run(5 * FAKE_S + 1);  /* it runs */
  answer(1, "too late");
  host_run(FAKE_S);          /* and is asked for again */
  assert_int_equal(host.preparation, 2);
  answer(1, "later still");
  host_run(FAKE_MS);
  expect_state("starting");
  answer(2, NULL);
  host_run(FAKE_MS);
  expect_state("running");
  assert_int_equal(fake.clones, 2);
}

static void one_that_has_let_go_is_not_asked (void **state) {
  WORLD({ .lives_ns = FAKE_S });
  host_start();
  host_run(FAKE_S);
  pexec_process_release(host.process);
  host_run(FAKE_MS);
  assert_int_equal(fake.clones, 1);
  host_run(2 * FAKE_S);
  assert_int_equal(fake.clones, 3);
}

/* {== a veto ============================================================= */

static void a_veto_fails_a_start_with_its_reason (void **state) {
  WORLD({ 0 });
  host.prepares = true;
  host.veto = "not now";
  host_start();
  host_run(FAKE_S);
  assert_string_equal(host.order, "PSE");
  assert_int_equal(host.start_error, PEXEC_EVETOED);
  assert_string_equal(host.start_message, "not now");
  expect_state("idle");
  host.veto = NULL;
  host_start();
  host_run(FAKE_S);
  expect_state("running");
}

static void a_veto_ends_what_would_be_restarted (void **state) {
  WORLD({ .lives_ns = FAKE_S });
  host.prepares = true;
  host_start();
  host_run(FAKE_MS);
  host.veto = "enough";
  host_run(10 * FAKE_S);
  assert_string_equal(host.order, "PSPE");
  assert_int_equal(fake.clones, 1);
  expect_state("exited");
  assert_non_null(strstr(host.log, "not restarted: enough"));
}

static void a_veto_answers_a_restart_that_was_ordered (void **state) {
  WORLD({ 0 });
  host.prepares = true;
  host_start();
  host_run(FAKE_MS);
  host.veto = "enough";
  assert_int_equal(pexec_process_restart(host.process), 0);
  host_run(60 * FAKE_S);
  assert_string_equal(host.order, "PSPyE");
  assert_int_equal(host.restart_error, PEXEC_EVETOED);
  assert_string_equal(host.restart_message, "enough");
  expect_state("exited");
}

/* {== what cannot be prepared =========================================== */

static void it_fails_a_start_with_its_reason (void **state) {
  WORLD({ 0 });
  host.prepares = true;
  host.lack = "no key";
  host_start();
  host_run(FAKE_S);
  assert_string_equal(host.order, "PSE");
  assert_int_equal(host.start_error, PEXEC_EUNPREPARED);
  assert_string_equal(host.start_message, "no key");
  assert_int_equal(fake.clones, 0);
  expect_state("idle");
  host.lack = NULL;
  host_start();
  host_run(FAKE_S);
  expect_state("running");
}

/* At once, then, for want of a delay, each tenth of a second. */
static void a_restart_is_tried_again_until_it_is_prepared (void **state) {
  WORLD({ .lives_ns = FAKE_S }, { 0 });
  host.prepares = true;
  host_start();
  host_run(FAKE_MS);
  host.lack = "no key";
  host_run(FAKE_S + 250 * FAKE_MS);
  assert_string_equal(host.order, "PSPPP");
  assert_non_null(strstr(host.log, "cannot restart, will try again: no key"));
  expect_state("backoff");
  host.lack = NULL;
  host_run(FAKE_S);
  assert_string_equal(host.order, "PSPPPP");
  assert_int_equal(fake.clones, 2);
  expect_state("running");
}

static void each_attempt_counts_as_a_restart (void **state) {
  WORLD({ .lives_ns = FAKE_S });
  host.config.restart_limit = 2;
  host.config.restart_limit_ms = 60000;
  host.prepares = true;
  host_start();
  host_run(FAKE_MS);
  host.lack = "no key";
  host_run(60 * FAKE_S);
  assert_string_equal(host.order, "PSPPGE");
  assert_non_null(strstr(host.give_up_message, "no key"));
  expect_state("failed");
}

static void an_ordered_restart_is_answered_and_tried_again (void **state) {
  WORLD({ 0 });
  host.prepares = true;
  host_start();
  host_run(FAKE_MS);
  host.lack = "no key";
  assert_int_equal(pexec_process_restart(host.process), 0);
  host_run(50 * FAKE_MS);
  assert_string_equal(host.order, "PSPy");
  assert_int_equal(host.restart_error, PEXEC_EUNPREPARED);
  assert_string_equal(host.restart_message, "no key");
  host.lack = NULL;
  host_run(FAKE_S);
  expect_state("running");
}

static void a_stop_between_two_attempts_is_at_once (void **state) {
  WORLD({ .lives_ns = FAKE_S });
  host.config.restart_delay_ms = 60000;
  host.prepares = true;
  host_start();
  host_run(FAKE_MS);
  host.lack = "no key";
  assert_int_equal(pexec_process_restart(host.process), 0);
  host_run(FAKE_S);
  expect_state("backoff");
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(FAKE_MS);
  assert_string_equal(host.order, "PSPyTE");
}

static void its_reason_is_wanted_once_alone (void **state) {
  WORLD({ 0 });
  host_start();
  host_run(FAKE_S);
  assert_int_equal(pexec_process_unprepared(host.process, 7, "another"), 0);
  assert_int_equal(pexec_process_unprepared(host.process, 1, "first"), 0);
  assert_int_equal(pexec_process_unprepared(host.process, 1, "second"), 0);
  host_run(FAKE_MS);
  assert_int_equal(host.start_error, PEXEC_EUNPREPARED);
  assert_string_equal(host.start_message, "second");
}

static void where_it_must_be_nothing_is_made_without_an_answer (void **state) {
  WORLD({ 0 });
  host.config.must_prepare = 1;
  host_start();
  host_run(5 * FAKE_S + FAKE_MS);
  assert_string_equal(host.order, "PSE");
  assert_int_equal(host.start_error, PEXEC_EUNPREPARED);
  assert_non_null(strstr(host.start_message, "/bin/program"));
  assert_non_null(strstr(host.start_message, "has not prepared it"));
  answer(1, NULL);
  host_run(60 * FAKE_S);
  assert_int_equal(fake.clones, 0);
}

static void and_a_restart_without_one_is_tried_again (void **state) {
  WORLD({ .lives_ns = FAKE_S }, { 0 });
  host.config.must_prepare = 1;
  host_start();
  host_run(FAKE_MS);
  answer(1, NULL);
  host_run(FAKE_S);
  assert_int_equal(host.preparation, 2);
  host_run(5 * FAKE_S + 200 * FAKE_MS);
  assert_int_equal(host.preparation, 3);
  answer(2, NULL);  /* of the attempt before */
  host_run(FAKE_S);
  expect_state("starting");
  answer(3, NULL);
  host_run(FAKE_MS);
  expect_state("running");
  assert_int_equal(fake.clones, 2);
}

static void one_that_nobody_will_prepare_ends (void **state) {
  WORLD({ .lives_ns = FAKE_S });
  host.config.must_prepare = 1;
  host_start();
  host_run(FAKE_MS);
  answer(1, NULL);
  host_run(FAKE_MS);
  pexec_process_release(host.process);
  host_run(60 * FAKE_S);
  assert_int_equal(fake.clones, 1);
}

static void also_where_it_is_being_asked (void **state) {
  WORLD({ .lives_ns = FAKE_S });
  host.config.must_prepare = 1;
  host_start();
  host_run(FAKE_S);
  pexec_process_release(host.process);
  host_run(60 * FAKE_S);
  assert_int_equal(fake.clones, 0);
}

static void a_one_shot_whose_time_is_over_is_not_made (void **state) {
  for (int must = 0; must < 2; must++) {
    WORLD({ 0 });
    host.config.one_shot = 1;
    host.config.must_prepare = must;
    host_start_for(2000);
    host_run(2 * FAKE_S + FAKE_MS);
    assert_string_equal(host.order, "PSE");
    assert_int_equal(host.start_error, PEXEC_EDEADLINE_EXCEEDED);
    assert_int_equal(fake.clones, 0);
    host_end();
  }
}

static void who_must_be_prepared_is_to_be_asked (void **state) {
  WORLD({ 0 });
  host.config.must_prepare = 1;
  host.config.prepare_timeout_ms = -1;
  assert_int_equal(pexec_process_new(host.supervisor, &host.config,
                                     &host.process), PEXEC_EINVALID_CONFIG);
}

/* {== what comes between ================================================= */

static void a_stop_meanwhile_is_at_once (void **state) {
  WORLD({ 0 });
  host_start();
  host_run(FAKE_S);
  assert_int_equal(pexec_process_stop(host.process), 0);
  host_run(FAKE_MS);
  assert_string_equal(host.order, "PSTE");
  assert_int_equal(host.start_error, PEXEC_EALREADY_STOPPED);
  answer(1, NULL);
  host_run(60 * FAKE_S);
  assert_int_equal(fake.clones, 0);
  expect_state("stopped");
}

static void a_one_shots_time_goes_on (void **state) {
  WORLD({ 0 });
  host.config.one_shot = 1;
  host_start_for(2000);
  host_run(2 * FAKE_S + FAKE_MS);
  assert_true(host.ended);
  assert_int_equal(host.exited + (host.start_error < 0), 1);
}

static void a_one_shot_that_is_cancelled_is_not_made (void **state) {
  WORLD({ 0 });
  host.config.one_shot = 1;
  host_start();
  host_run(FAKE_S);
  assert_int_equal(pexec_process_cancel(host.process, PEXEC_ECANCELED), 0);
  host_run(FAKE_MS);
  assert_string_equal(host.order, "PSE");
  assert_int_equal(host.start_error, PEXEC_ECANCELED);
  assert_int_equal(fake.clones, 0);
}

static void a_restart_that_is_ordered_waits_for_the_answer (void **state) {
  WORLD({ 0 });
  host_start();
  host_run(FAKE_S);
  assert_int_equal(pexec_process_restart(host.process), 0);
  host_run(FAKE_S);
  answer(1, NULL);
  host_run(FAKE_MS);
  assert_string_equal(host.order, "PSY");
  assert_int_equal(fake.clones, 1);
}

static void the_end_does_not_wait_for_an_answer (void **state) {
  int64_t began_ns;
  WORLD({ 0 });
  host_start();
  host_run(FAKE_S);
  began_ns = fake.now_ns;
  pexec_supervisor_close(host.supervisor);
  host.supervisor = NULL;
  host.process = NULL;
  assert_true(fake.now_ns - began_ns < FAKE_S);
  assert_int_equal(fake.clones, 0);
}

/* {== what a start takes ================================================= */

static void configure (const char *name, int keeps) {
  pexec_config config = PEXEC_CONFIG_INIT;
  config.id = "another";
  config.name = name;
  assert_int_equal(pexec_process_configure(host.process, &config, keeps), 0);
}

/* It names what it was to execute. */
static void expect_failure_of (const char *name) {
  assert_non_null(strstr(host.start_message, name));
}

static void what_is_given_is_for_the_next_start_alone (void **state) {
  WORLD({ .exec_error = ENOENT });
  host.prepares = true;
  host_start();
  host_run(FAKE_S);
  expect_failure_of("/bin/program");
  configure("/bin/once", 0);
  host_start();
  host_run(FAKE_S);
  expect_failure_of("/bin/once");
  host_start();
  host_run(FAKE_S);
  expect_failure_of("/bin/program");
}

static void rights_and_environment_files_are_among_it (void **state) {
  static const char *const files[] = { "/no/such/file", NULL };
  pexec_config config = PEXEC_CONFIG_INIT;
  WORLD({ .exec_error = ENOENT });
  host.prepares = true;
  host.config.rights.group = "no-group-of-the-process";
  host_start();
  host_run(FAKE_S);
  expect_failure_of("no-group-of-the-process");
  config.id = "another";
  config.name = "/bin/other";
  config.rights.group = "no-group-of-the-start";
  assert_int_equal(pexec_process_configure(host.process, &config, 0), 0);
  host_start();
  host_run(FAKE_S);
  expect_failure_of("no-group-of-the-start");
  config.rights.group = NULL;
  config.environment_files = files;
  assert_int_equal(pexec_process_configure(host.process, &config, 0), 0);
  host_start();
  host_run(FAKE_S);
  expect_failure_of("/no/such/file");
  config.environment_files = NULL;
  assert_int_equal(pexec_process_configure(host.process, &config, 1), 0);
  host_start();
  host_run(FAKE_S);
  expect_failure_of("/bin/other");
}

static void a_start_that_is_not_prepared_takes_it_with_it (void **state) {
  WORLD({ .exec_error = ENOENT });
  host_start();
  host_run(FAKE_S);
  configure("/bin/once", 0);
  assert_int_equal(pexec_process_unprepared(host.process, 1, "no key"), 0);
  host_run(FAKE_S);
  assert_string_equal(host.start_message, "no key");
  host_start();
  host_run(10 * FAKE_S);
  expect_failure_of("/bin/program");
}

static void what_is_to_be_kept_is_for_all_that_follow (void **state) {
  WORLD({ .exec_error = ENOENT });
  host_start();
  host_run(10 * FAKE_S);
  configure("/bin/kept", 1);
  for (int i = 0; i < 3; i++) {
    host_start();
    host_run(10 * FAKE_S);
    expect_failure_of("/bin/kept");
  }
  configure("/bin/once", 0);
  configure("/bin/better", 1);
  host_start();
  host_run(10 * FAKE_S);
  expect_failure_of("/bin/once");
  host_start();
  host_run(10 * FAKE_S);
  expect_failure_of("/bin/better");
}

static void what_cannot_be_used_is_refused (void **state) {
  pexec_config config = PEXEC_CONFIG_INIT;
  WORLD({ .exec_error = ENOENT });
  host_make();
  assert_int_equal(pexec_process_configure(host.process, &config, 0),
                   PEXEC_EINVALID_CONFIG);
  config.name = "/bin/other";
  assert_int_equal(pexec_process_configure(host.process, &config, 0),
                   PEXEC_ENOT_STARTED);
  host_start();
  host_run(10 * FAKE_S);
  expect_failure_of("/bin/other");  /* it was given all the same */
}

static void what_was_given_and_never_taken_is_freed (void **state) {
  WORLD({ 0 });
  host_start();
  host_run(10 * FAKE_S);
  configure("/bin/once", 0);
  configure("/bin/again", 0);
  configure("/bin/kept", 1);
  configure("/bin/still", 1);
  answer(7, "of no question");
}

/* A start that is ordered overtakes it. */
static void so_is_what_was_said_about_an_earlier_life (void **state) {
  WORLD({ .exec_error = ENOENT });
  host_start();
  host_run(10 * FAKE_S);
  answer(1, "of the life before");
  host_start();
  host_run(10 * FAKE_S);
  assert_string_equal(host.order, "PSEPSE");
}

#define SPEC(name) cmocka_unit_test_teardown(name, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(it_is_asked_before_each_start),
    SPEC(nothing_is_made_until_it_has_answered),
    SPEC(without_an_answer_it_goes_on_when_the_time_is_over),
    SPEC(an_answer_that_comes_too_late_is_none),
    SPEC(one_that_has_let_go_is_not_asked),
    SPEC(a_veto_fails_a_start_with_its_reason),
    SPEC(a_veto_ends_what_would_be_restarted),
    SPEC(a_veto_answers_a_restart_that_was_ordered),
    SPEC(it_fails_a_start_with_its_reason),
    SPEC(a_restart_is_tried_again_until_it_is_prepared),
    SPEC(each_attempt_counts_as_a_restart),
    SPEC(an_ordered_restart_is_answered_and_tried_again),
    SPEC(a_stop_between_two_attempts_is_at_once),
    SPEC(its_reason_is_wanted_once_alone),
    SPEC(where_it_must_be_nothing_is_made_without_an_answer),
    SPEC(and_a_restart_without_one_is_tried_again),
    SPEC(one_that_nobody_will_prepare_ends),
    SPEC(also_where_it_is_being_asked),
    cmocka_unit_test(a_one_shot_whose_time_is_over_is_not_made),
    SPEC(who_must_be_prepared_is_to_be_asked),
    SPEC(a_stop_meanwhile_is_at_once),
    SPEC(a_one_shots_time_goes_on),
    SPEC(a_one_shot_that_is_cancelled_is_not_made),
    SPEC(a_restart_that_is_ordered_waits_for_the_answer),
    SPEC(the_end_does_not_wait_for_an_answer),
    SPEC(what_is_given_is_for_the_next_start_alone),
    SPEC(rights_and_environment_files_are_among_it),
    SPEC(a_start_that_is_not_prepared_takes_it_with_it),
    SPEC(what_is_to_be_kept_is_for_all_that_follow),
    SPEC(what_cannot_be_used_is_refused),
    SPEC(what_was_given_and_never_taken_is_freed),
    SPEC(so_is_what_was_said_about_an_earlier_life),
  };
  int failed = cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
  fake.is_basic = true;
  return failed + cmocka_run_group_tests_name("basic kernel", tests, NULL,
                                              NULL);
}
