/*
** Specifies what a configuration says of restarts: what is refused, what it is
** by default, and that a copy shares nothing with what it was made from. Its
** memory is the test's. One thread.
**
** seam: own config.c terms.c stop_plan.c rights.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "sys.h"

#define LIST(...) ((const char *const []){ __VA_ARGS__, NULL })
#define FILES(...) ((const pexec_file *const []){ __VA_ARGS__, NULL })
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* {== what config.c stands on ============================================ */

void *pexec__calloc (size_t count, size_t size) {
  return calloc(count, size);
}

void pexec__free (void *block) {
  free(block);
}

pexec_logger *pexec_logger_retain (pexec_logger *logger) {
  return logger;
}

void pexec_logger_release (pexec_logger *logger) {
  (void)logger;
}

/* {== what a copy is made of ============================================= */

static pexec_config from;
static struct pexec__config *config;  /* NULL: none */

static int begin (void **state) {
  (void)state;
  from = (pexec_config)PEXEC_CONFIG_INIT;
  from.id = "id";
  from.name = "prog";
  config = NULL;
  return 0;
}

static void drop (void) {
  if (config != NULL)
    pexec__config_free(config);
  config = NULL;
}

static int end (void **state) {
  (void)state;
  drop();
  return 0;
}

static void copy (void) {
  drop();
  assert_int_equal(pexec__config_copy(&from, &config), 0);
}

static void expect_refused (void) {
  drop();
  assert_int_equal(pexec__config_copy(&from, &config),
                   PEXEC_EINVALID_CONFIG);
  assert_null(config);
}

/* {== what is refused ==================================================== */

#define EXPECT_REFUSED_AS(field, value) \
  do { \
    pexec_config good = from; \
    from.field = (value); \
    expect_refused(); \
    from = good; \
  } while (0)

#define EXPECT_TAKEN_AS(field, value) \
  do { \
    pexec_config good = from; \
    from.field = (value); \
    copy(); \
    from = good; \
  } while (0)

static void a_policy_is_one_of_three (void **state) {
  (void)state;
  EXPECT_REFUSED_AS(restart, (enum pexec_restart)-1);
  EXPECT_REFUSED_AS(restart, (enum pexec_restart)(PEXEC_RESTART_NEVER + 1));
}

static void an_exit_code_is_a_byte (void **state) {
  static const int wrong[] = { -1, 256, INT_MIN, INT_MAX };
  int codes[] = { 0, 255, 7 };
  (void)state;
  from.success_exit_codes = codes;
  from.success_exit_code_count = COUNT(codes);
  copy();
  for (size_t i = 0; i < COUNT(wrong); i++) {
    codes[2] = wrong[i];
    expect_refused();
  }
  from.success_exit_code_count = 2;  /* the third one is not looked at */
  copy();
}

static void a_growing_delay_is_within_its_limits (void **state) {
  (void)state;
  from.backoff.initial_ms = 100;
  EXPECT_REFUSED_AS(backoff.initial_ms, -2);
  EXPECT_REFUSED_AS(backoff.initial_ms, 60001);
  EXPECT_REFUSED_AS(backoff.max_ms, 99);
  EXPECT_REFUSED_AS(backoff.max_ms, -1);
  EXPECT_REFUSED_AS(backoff.max_ms, INT64_MAX);
  EXPECT_TAKEN_AS(backoff.initial_ms, 60000);
  EXPECT_TAKEN_AS(backoff.max_ms, 100);
}

static void its_factor_and_jitter_are_sensible_numbers (void **state) {
  (void)state;
  from.backoff.initial_ms = 100;
  EXPECT_REFUSED_AS(backoff.factor, 0.999);
  EXPECT_REFUSED_AS(backoff.factor, 1e9);
  EXPECT_REFUSED_AS(backoff.factor, NAN);
  EXPECT_REFUSED_AS(backoff.factor, INFINITY);
  EXPECT_REFUSED_AS(backoff.jitter, -0.001);
  EXPECT_REFUSED_AS(backoff.jitter, 1);
  EXPECT_REFUSED_AS(backoff.jitter, NAN);
  EXPECT_TAKEN_AS(backoff.factor, 1);
  EXPECT_TAKEN_AS(backoff.jitter, 0);
  EXPECT_TAKEN_AS(backoff.jitter, 0.999);
}

static void a_list_has_delays_and_nothing_else (void **state) {
  int64_t delays[] = { 0, INT64_C(1) << 40, 5 };
  (void)state;
  from.backoff.delays_ms = delays;
  expect_refused();
  from.backoff.delay_count = COUNT(delays);
  copy();
  delays[2] = -1;
  expect_refused();
  delays[2] = (INT64_C(1) << 40) + 1;
  expect_refused();
}

static void a_recovery_is_a_wait (void **state) {
  (void)state;
  EXPECT_REFUSED_AS(backoff.reset_after_ms, -2);
  EXPECT_REFUSED_AS(backoff.reset_after_ms, INT64_MAX);
  EXPECT_TAKEN_AS(backoff.reset_after_ms, 0);
}

static void a_limit_is_of_so_many_in_some_time (void **state) {
  (void)state;
  from.restart_limit = 5;
  from.restart_limit_ms = 1;
  EXPECT_REFUSED_AS(restart_limit, -2);
  EXPECT_REFUSED_AS(restart_limit, 10001);
  EXPECT_REFUSED_AS(restart_limit_ms, -1);
  EXPECT_REFUSED_AS(restart_limit_ms, 0);
  EXPECT_REFUSED_AS(restart_limit_ms, INT64_MAX);
  EXPECT_TAKEN_AS(restart_limit, 10000);
  EXPECT_TAKEN_AS(restart_limit_ms, INT64_C(1) << 40);
}

static void for_none_at_all_it_may_be_no_time (void **state) {
  (void)state;
  from.restart_limit = 0;
  copy();
  from.restart_limit_ms = -1;
  expect_refused();
}

static void a_decision_is_waited_for_so_long_or_for_ever (void **state) {
  (void)state;
  EXPECT_REFUSED_AS(decision_timeout_ms, -2);
  EXPECT_REFUSED_AS(decision_timeout_ms, INT64_MAX);
  EXPECT_TAKEN_AS(decision_timeout_ms, -1);
  EXPECT_TAKEN_AS(decision_timeout_ms, 0);
}

/* {== what is taken ====================================================== */

static bool is_success (int code) {
  return (config->policy->success[code / 64] >> (code % 64)) & 1;
}

static void expect_successes (int count) {
  int there = 0;
  for (int code = 0; code < 256; code++)
    there += is_success(code);
  assert_int_equal(there, count);
}

static void the_policy_is_taken_over (void **state) {
  (void)state;
  from.restart = PEXEC_RESTART_ON_FAILURE;
  from.decision_timeout_ms = 1500;
  from.restart_limit = 5;
  from.restart_limit_ms = 60000;
  copy();
  assert_int_equal(config->policy->restart, PEXEC_RESTART_ON_FAILURE);
  assert_int_equal(config->policy->decision_ns, 1500 * PEXEC__MS);
  assert_true(config->policy->is_limited);
  assert_int_equal(config->policy->limit, 5);
  assert_int_equal(config->policy->limit_ns, 60000 * PEXEC__MS);
}

static void by_default_it_is_restarted_for_ever (void **state) {
  (void)state;
  copy();
  assert_int_equal(config->policy->restart, PEXEC_RESTART_ALWAYS);
  assert_int_equal(config->policy->decision_ns, -1);
  assert_false(config->policy->is_limited);
  assert_int_equal(config->policy->delays.kind, PEXEC__DELAY_FROM_START);
  assert_int_equal(config->policy->delays.first_ns, 1000 * PEXEC__MS);
}

static void a_limit_of_none_is_one (void **state) {
  (void)state;
  from.restart_limit = 0;
  copy();
  assert_true(config->policy->is_limited);
  assert_int_equal(config->policy->limit, 0);
}

static void by_default_0_alone_is_a_success (void **state) {
  (void)state;
  from.success_exit_code_count = 3;  /* of no array */
  copy();
  assert_true(is_success(0));
  expect_successes(1);
}

static void success_codes_are_its_own (void **state) {
  int codes[] = { 1, 63, 64, 255, 255 };
  (void)state;
  from.success_exit_codes = codes;
  from.success_exit_code_count = COUNT(codes);
  copy();
  assert_true(is_success(1) && is_success(63));
  assert_true(is_success(64) && is_success(255));
  expect_successes(4);
  from.success_exit_code_count = 0;
  copy();
  expect_successes(0);
}

static void a_growing_delay_is_taken_over (void **state) {
  const struct pexec__delays *delays;
  (void)state;
  from.backoff = (pexec_backoff){ 100, 1.5, 3000, 0.25, NULL, 7, -1 };
  from.restart_delay_ms = 9;
  copy();
  delays = &config->policy->delays;
  assert_int_equal(delays->kind, PEXEC__DELAY_GROWING);
  assert_int_equal(delays->first_ns, 100 * PEXEC__MS);
  assert_int_equal(delays->most_ns, 3000 * PEXEC__MS);
  assert_true(delays->factor == 1.5 && delays->jitter == 0.25);
  assert_int_equal(delays->count, 0);
}

static void a_list_comes_before_it_and_is_its_own (void **state) {
  int64_t list[] = { 100, 0, 3000, 200 };
  const struct pexec__delays *delays;
  (void)state;
  from.backoff.initial_ms = 5;
  from.backoff.delays_ms = list;
  from.backoff.delay_count = COUNT(list);
  copy();
  memset(list, '#', sizeof list);
  delays = &config->policy->delays;
  assert_int_equal(delays->kind, PEXEC__DELAY_LISTED);
  assert_int_equal(delays->count, 4);
  assert_int_equal(delays->list_ns[0], 100 * PEXEC__MS);
  assert_int_equal(delays->list_ns[1], 0);
  assert_int_equal(delays->list_ns[2], 3000 * PEXEC__MS);
  assert_int_equal(delays->list_ns[3], 200 * PEXEC__MS);
}

static void expect_recovery (int64_t after_ms) {
  copy();
  assert_int_equal(config->policy->delays.reset_after_ns,
                   after_ms * PEXEC__MS);
}

static void by_default_it_recovers_after_the_longest_delay (void **state) {
  static const int64_t list[] = { 100, 7000, 3000 };
  (void)state;
  expect_recovery(1000);
  from.restart_delay_ms = 10;
  expect_recovery(1000);
  from.restart_delay_ms = 5000;
  expect_recovery(5000);
  from.backoff.initial_ms = 10;
  expect_recovery(60000);
  from.backoff.delays_ms = list;
  from.backoff.delay_count = COUNT(list);
  expect_recovery(7000);
  from.backoff.reset_after_ms = 0;
  expect_recovery(0);
}

/* The list stands before all that is aligned as well. */
static void a_list_leaves_the_rest_aligned (void **state) {
  static const int64_t list[] = { 1, 2, 3, 4, 5 };
  pexec_file file = PEXEC_FILE_INIT;
  (void)state;
  file.path = "/log/a";
  from.output[0].files = FILES(&file);
  from.args = LIST("a");
  from.backoff.delays_ms = list;
  for (size_t count = 1; count <= COUNT(list); count++) {
    from.backoff.delay_count = count;
    copy();
    assert_int_equal((uintptr_t)config->policy->delays.list_ns %
                     _Alignof(int64_t), 0);
    assert_int_equal((uintptr_t)config->output[0].files[0] %
                     _Alignof(pexec_file), 0);
    assert_int_equal((uintptr_t)config->argv % _Alignof(char *), 0);
    assert_string_equal(config->output[0].files[0]->path, "/log/a");
    assert_string_equal(config->argv[1], "a");
    assert_int_equal(config->policy->delays.list_ns[count - 1],
                     (int64_t)count * PEXEC__MS);
  }
}

/* {== what is as usual =================================================== */

static void expect_shared (bool is_shared) {
  struct pexec__config *first = config;
  config = NULL;
  copy();
  assert_int_equal(config->policy == first->policy, is_shared);
  assert_int_equal(config->stop.stages == first->stop.stages, is_shared);
  pexec__config_free(first);
}

static void what_is_as_usual_is_there_once (void **state) {
  (void)state;
  copy();
  expect_shared(true);
  assert_int_equal(config->stop.count, PEXEC__USUAL_STAGES);
  assert_false(config->stop.is_given);
  assert_int_equal(config->policy->stop_timeout_ns, 10000 * PEXEC__MS);
}

#define EXPECT_ITS_OWN_WITH(field, value) \
  do { \
    pexec_config good = from; \
    from.field = (value); \
    copy(); \
    expect_shared(false); \
    from = good; \
  } while (0)

static void what_differs_in_anything_has_its_own (void **state) {
  static const int64_t list[] = { 1000 };
  static const pexec_stop_stage stages[] = {
    { PEXEC_SIGNAL_GROUP, 15, NULL, 1000 }
  };
  (void)state;
  EXPECT_ITS_OWN_WITH(one_shot, 1);
  EXPECT_ITS_OWN_WITH(asks, 1);
  EXPECT_ITS_OWN_WITH(stop_signal, 2);
  EXPECT_ITS_OWN_WITH(stop_timeout_ms, 9999);
  EXPECT_ITS_OWN_WITH(restart_delay_ms, 999);
  EXPECT_ITS_OWN_WITH(restart, PEXEC_RESTART_NEVER);
  EXPECT_ITS_OWN_WITH(backoff.initial_ms, 1000);
  EXPECT_ITS_OWN_WITH(backoff.reset_after_ms, 999);
  EXPECT_ITS_OWN_WITH(restart_limit, 0);
  EXPECT_ITS_OWN_WITH(decision_timeout_ms, 0);
  EXPECT_ITS_OWN_WITH(success_exit_codes, ((const int[]){ 0 }));
  from.backoff.delay_count = from.stop_stage_count = 1;
  EXPECT_ITS_OWN_WITH(backoff.delays_ms, list);
  EXPECT_ITS_OWN_WITH(stop_sequence, stages);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_policy_is_one_of_three),
    SPEC(an_exit_code_is_a_byte),
    SPEC(a_growing_delay_is_within_its_limits),
    SPEC(its_factor_and_jitter_are_sensible_numbers),
    SPEC(a_list_has_delays_and_nothing_else),
    SPEC(a_recovery_is_a_wait),
    SPEC(a_limit_is_of_so_many_in_some_time),
    SPEC(for_none_at_all_it_may_be_no_time),
    SPEC(a_decision_is_waited_for_so_long_or_for_ever),
    SPEC(the_policy_is_taken_over),
    SPEC(by_default_it_is_restarted_for_ever),
    SPEC(a_limit_of_none_is_one),
    SPEC(by_default_0_alone_is_a_success),
    SPEC(success_codes_are_its_own),
    SPEC(a_growing_delay_is_taken_over),
    SPEC(a_list_comes_before_it_and_is_its_own),
    SPEC(by_default_it_recovers_after_the_longest_delay),
    SPEC(a_list_leaves_the_rest_aligned),
    SPEC(what_is_as_usual_is_there_once),
    SPEC(what_differs_in_anything_has_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
