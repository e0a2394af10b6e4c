/*
** Specifies when a pipe that was read is watched, and when it is left alone
** for a moment: decisions on sizes and times alone.
**
** seam: own pace.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "pace.h"

#define US INT64_C(1000)
#define MS (1000 * US)
#define CAPACITY 65536

static struct pexec__flow flow;
static int64_t now_ns;

static int begin (void **s) {
  (void)s;
  flow = (struct pexec__flow){ .capacity = CAPACITY };
  now_ns = 1000000 * MS;
  return 0;
}

/* A wake of the watch, so long after the last reading. */
static enum pexec__pace wake (int64_t after_ns, size_t size) {
  now_ns += after_ns;
  return pexec__pace_judge(&flow, size, false, now_ns);
}

static enum pexec__pace end_rest (size_t size) {
  now_ns += PEXEC__REST;
  return pexec__pace_judge(&flow, size, true, now_ns);
}

static void one_that_writes_slowly_is_watched_for_ever (void **s) {
  (void)s;
  for (int i = 0; i < 1000; i++)
    assert_int_equal(wake(2 * MS, 100), PEXEC__WATCH);
  assert_int_equal(pexec__pace_wanted(&flow, false), 0);
}

static void one_that_writes_little_and_often_is_left_alone (void **s) {
  (void)s;
  assert_int_equal(wake(10 * MS, 100), PEXEC__WATCH);
  assert_int_equal(wake(20 * US, 100), PEXEC__WATCH);
  assert_int_equal(wake(20 * US, 100), PEXEC__RESTING);
}

/* Two lines at once are no reason to let the third wait. */
static void two_writes_in_a_row_are_not_often (void **s) {
  (void)s;
  for (int i = 0; i < 100; i++) {
    assert_int_equal(wake(10 * MS, 100), PEXEC__WATCH);
    assert_int_equal(wake(20 * US, 100), PEXEC__WATCH);
  }
}

/* In the 3 ms that a rest may last, at the speed of the last reading. */
static void one_that_would_fill_the_pipe_meanwhile_is_watched (void **s) {
  int64_t fills_ns = 3 * MS * 10000 / CAPACITY;  /* 10,000 bytes in each */
  (void)s;
  (void)wake(10 * MS, 1);
  (void)wake(1 * MS, 1);
  assert_int_equal(wake(fills_ns - 1, 10000), PEXEC__WATCH);
  assert_int_equal(wake(fills_ns + 1, 10000), PEXEC__RESTING);
}

static void one_in_a_larger_pipe_may_be_faster (void **s) {
  (void)s;
  (void)wake(10 * MS, 1);
  (void)wake(1 * MS, 1);
  assert_int_equal(wake(50 * US, 10000), PEXEC__WATCH);
  flow.capacity = 16 * CAPACITY;
  assert_int_equal(wake(50 * US, 10000), PEXEC__RESTING);
}

/* It and its reader take turns. */
static void one_that_writes_much_at_once_is_watched (void **s) {
  (void)s;
  for (int i = 0; i < 100; i++)
    assert_int_equal(wake(1 * MS, 16384), PEXEC__WATCH);
  assert_int_equal(pexec__pace_wanted(&flow, false), 256 * 1024);
  assert_int_equal(pexec__pace_wanted(&flow, false), 0);
}

static void one_that_is_lent_is_to_be_no_smaller_than_others (void **s) {
  (void)s;
  assert_int_equal(pexec__pace_wanted(&flow, true), 256 * 1024);
  assert_int_equal(pexec__pace_wanted(&flow, true), 0);
  for (int i = 0; i < 100; i++)
    (void)wake(1 * MS, 16384);
  assert_int_equal(pexec__pace_wanted(&flow, false), 0);
}

static void one_is_busy_after_four_wakes_in_a_row (void **s) {
  (void)s;
  (void)wake(10 * MS, CAPACITY);
  for (int i = 0; i < 4; i++) {
    assert_false(pexec__pace_is_busy(&flow));
    (void)wake(1 * MS, CAPACITY);
  }
  assert_true(pexec__pace_is_busy(&flow));
  (void)wake(2 * MS, CAPACITY);
  assert_false(pexec__pace_is_busy(&flow));
}

static void after_a_rest_that_brought_something_comes_another (void **s) {
  (void)s;
  for (int i = 0; i < 100; i++)
    assert_int_equal(end_rest(1), PEXEC__RESTING);
  assert_int_equal(end_rest(CAPACITY / 2), PEXEC__RESTING);
}

static void after_a_rest_that_brought_nothing_it_is_watched (void **s) {
  (void)s;
  assert_int_equal(end_rest(0), PEXEC__WATCH);
}

static void after_a_rest_that_brought_too_much_it_is_watched (void **s) {
  (void)s;
  assert_int_equal(end_rest(CAPACITY / 2 + 1), PEXEC__WATCH);
}

static void room_is_wanted_once_for_one_that_is_fast_for_long (void **s) {
  int wakes = 0;
  (void)s;
  (void)wake(10 * MS, 10000);
  do
    assert_int_equal(wake(20 * US, 10000), PEXEC__WATCH);
  while (++wakes < 16 && pexec__pace_wanted(&flow, false) == 0);
  assert_int_equal(wakes, 16);
  assert_int_equal(pexec__pace_wanted(&flow, false), 1024 * 1024);
  for (int i = 0; i < 100; i++) {
    (void)wake(20 * US, 10000);
    assert_int_equal(pexec__pace_wanted(&flow, false), 0);
  }
}

static void a_slow_write_in_between_begins_the_count_anew (void **s) {
  (void)s;
  for (int i = 0; i < 200; i++) {
    (void)wake(i % 16 == 0 ? 2 * MS : 20 * US, 10000);
    assert_int_equal(pexec__pace_wanted(&flow, false), 0);
  }
}

/* A clock that stands still is no division by nothing. */
static void readings_at_the_same_instant_are_watched (void **s) {
  (void)s;
  for (int i = 0; i < 10; i++)
    assert_int_equal(wake(0, 1), PEXEC__WATCH);
}

#define SPEC(name) cmocka_unit_test_setup(name, begin)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(one_that_writes_slowly_is_watched_for_ever),
    SPEC(one_that_writes_little_and_often_is_left_alone),
    SPEC(two_writes_in_a_row_are_not_often),
    SPEC(one_that_would_fill_the_pipe_meanwhile_is_watched),
    SPEC(one_in_a_larger_pipe_may_be_faster),
    SPEC(one_that_writes_much_at_once_is_watched),
    SPEC(one_that_is_lent_is_to_be_no_smaller_than_others),
    SPEC(one_is_busy_after_four_wakes_in_a_row),
    SPEC(after_a_rest_that_brought_something_comes_another),
    SPEC(after_a_rest_that_brought_nothing_it_is_watched),
    SPEC(after_a_rest_that_brought_too_much_it_is_watched),
    SPEC(room_is_wanted_once_for_one_that_is_fast_for_long),
    SPEC(a_slow_write_in_between_begins_the_count_anew),
    SPEC(readings_at_the_same_instant_are_watched),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
