/*
** Specifies when a process is restarted and what a stop does when, on plain
** numbers. The clock may begin anywhere. One thread.
**
** seam: own restart.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "restart.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS INT64_C(1000000)
#define S (1000 * MS)
#define YEAR (366 * 24 * 3600 * S)

/* When this machine was started, as its clock says. */
static const int64_t clocks[] = {
  0, 1, 17 * S, -5 * S, 150 * YEAR, -100 * YEAR
};

#define EACH_CLOCK for (size_t i_ = 0; i_ < COUNT(clocks); i_++) \
  for (int64_t t = clocks[i_], once_ = 1; once_; once_ = 0)

static struct pexec__policy delay_of (int64_t delay_ns) {
  return (struct pexec__policy){ .delay_ns = delay_ns };
}

static struct pexec__policy timeout_of (int64_t timeout_ns) {
  return (struct pexec__policy){ .stop_timeout_ns = timeout_ns };
}

/* {== restarts ==== */

static void a_restart_waits_for_the_delay_since_the_start (void **state) {
  struct pexec__policy policy = delay_of(S);
  (void)state;
  EACH_CLOCK {
    assert_int_equal(pexec__restart_due(&policy, t, t), t + S);
    assert_int_equal(pexec__restart_due(&policy, t, t + 1), t + S);
    assert_int_equal(pexec__restart_due(&policy, t, t + 200 * MS), t + S);
    assert_int_equal(pexec__restart_due(&policy, t, t + S - 1), t + S);
  }
}

static void one_that_ran_for_longer_is_restarted_at_once (void **state) {
  struct pexec__policy policy = delay_of(S);
  (void)state;
  EACH_CLOCK {
    assert_int_equal(pexec__restart_due(&policy, t, t + S), t + S);
    assert_int_equal(pexec__restart_due(&policy, t, t + S + 1), t + S + 1);
    assert_int_equal(pexec__restart_due(&policy, t, t + YEAR), t + YEAR);
  }
}

static void without_a_delay_a_restart_is_due_at_once (void **state) {
  struct pexec__policy policy = delay_of(0);
  (void)state;
  EACH_CLOCK {
    assert_int_equal(pexec__restart_due(&policy, t, t), t);
    assert_int_equal(pexec__restart_due(&policy, t, t + 7), t + 7);
  }
}

static void a_crash_loop_starts_once_in_a_delay (void **state) {
  struct pexec__policy policy = delay_of(250 * MS);
  (void)state;
  EACH_CLOCK {
    int64_t now = t;
    for (int starts = 0; starts < 1000; starts++)
      now = pexec__restart_due(&policy, now, now + starts % 250 * MS);
    assert_int_equal(now, t + 1000 * 250 * MS);
  }
}

static void a_failed_restart_is_tried_again_after_the_delay (void **state) {
  struct pexec__policy policy = delay_of(S);
  (void)state;
  EACH_CLOCK {
    assert_int_equal(pexec__retry_due(&policy, t, t), t + S);
    assert_int_equal(pexec__retry_due(&policy, t, t + S - 1), t + S);
    assert_int_equal(pexec__retry_due(&policy, t, t + S), t + S);
    assert_int_equal(pexec__retry_due(&policy, t, t + 9 * S), t + 9 * S);
  }
}

static void without_a_delay_it_is_tried_ten_times_a_second (void **state) {
  static const int64_t delays[] = { 0, 1, 99 * MS, 100 * MS };
  (void)state;
  for (size_t i = 0; i < COUNT(delays); i++) {
    struct pexec__policy policy = delay_of(delays[i]);
    EACH_CLOCK {
      int64_t least = t + 100 * MS;
      assert_int_equal(pexec__retry_due(&policy, t, t), least);
      assert_int_equal(pexec__retry_due(&policy, t, least - 1), least);
      assert_int_equal(pexec__retry_due(&policy, t, least), least);
      assert_int_equal(pexec__retry_due(&policy, t, least + 1), least + 1);
    }
  }
}

/* {== the stages of a stop ==== */

static void the_group_is_signalled_after_a_third_of_the_time (void **state) {
  struct pexec__policy policy = timeout_of(10 * S);
  (void)state;
  EACH_CLOCK
    assert_int_equal(pexec__stage_due(&policy, PEXEC_STAGE_PROCESS, t),
                     t + INT64_C(3333333333));
}

static void the_group_is_killed_at_the_timeout (void **state) {
  static const int64_t timeouts[] = { 100 * MS, S, 10 * S, YEAR };
  (void)state;
  for (size_t i = 0; i < COUNT(timeouts); i++) {
    struct pexec__policy policy = timeout_of(timeouts[i]);
    EACH_CLOCK
      assert_int_equal(pexec__stage_due(&policy, PEXEC_STAGE_GROUP, t),
                       t + timeouts[i]);
  }
}

static void what_survives_that_is_given_up_a_second_later (void **state) {
  struct pexec__policy policy = timeout_of(100 * MS);
  (void)state;
  EACH_CLOCK
    assert_int_equal(pexec__stage_due(&policy, PEXEC_STAGE_KILL, t),
                     t + 100 * MS + S);
}

static void the_stages_follow_each_other (void **state) {
  (void)state;
  for (int64_t timeout = 100 * MS; timeout < 20 * S; timeout += 37 * MS + 1) {
    struct pexec__policy policy = timeout_of(timeout);
    int64_t process = pexec__stage_due(&policy, PEXEC_STAGE_PROCESS, 5);
    int64_t group = pexec__stage_due(&policy, PEXEC_STAGE_GROUP, 5);
    int64_t kill = pexec__stage_due(&policy, PEXEC_STAGE_KILL, 5);
    assert_true(5 < process && process < group && group < kill);
  }
}

/* {== what a death means ==== */

static enum pexec__event judge (bool is_one_shot, bool asks, bool canceled) {
  struct pexec__policy policy = { .is_one_shot = is_one_shot, .asks = asks };
  return pexec__restart_judge(&policy, canceled);
}

static void one_without_a_handler_is_restarted (void **state) {
  (void)state;
  assert_int_equal(judge(false, false, false), PEXEC__ON_DIED);
  assert_int_equal(judge(false, false, true), PEXEC__ON_DIED);
}

static void one_with_a_handler_asks (void **state) {
  (void)state;
  assert_int_equal(judge(false, true, false), PEXEC__ON_ASKED);
  assert_int_equal(judge(false, true, true), PEXEC__ON_ASKED);
}

static void a_one_shot_is_finished_and_asks_nobody (void **state) {
  (void)state;
  assert_int_equal(judge(true, false, false), PEXEC__ON_FINISHED);
  assert_int_equal(judge(true, true, false), PEXEC__ON_FINISHED);
}

static void a_cancelled_one_shot_was_cut (void **state) {
  (void)state;
  assert_int_equal(judge(true, false, true), PEXEC__ON_CUT);
  assert_int_equal(judge(true, true, true), PEXEC__ON_CUT);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_restart_waits_for_the_delay_since_the_start),
    cmocka_unit_test(one_that_ran_for_longer_is_restarted_at_once),
    cmocka_unit_test(without_a_delay_a_restart_is_due_at_once),
    cmocka_unit_test(a_crash_loop_starts_once_in_a_delay),
    cmocka_unit_test(a_failed_restart_is_tried_again_after_the_delay),
    cmocka_unit_test(without_a_delay_it_is_tried_ten_times_a_second),
    cmocka_unit_test(the_group_is_signalled_after_a_third_of_the_time),
    cmocka_unit_test(the_group_is_killed_at_the_timeout),
    cmocka_unit_test(what_survives_that_is_given_up_a_second_later),
    cmocka_unit_test(the_stages_follow_each_other),
    cmocka_unit_test(one_without_a_handler_is_restarted),
    cmocka_unit_test(one_with_a_handler_asks),
    cmocka_unit_test(a_one_shot_is_finished_and_asks_nobody),
    cmocka_unit_test(a_cancelled_one_shot_was_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
