/*
** Specifies when a process is restarted, and when it is given up, on plain
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
  return (struct pexec__policy){ .delays = {
    .kind = PEXEC__DELAY_FROM_START, .first_ns = delay_ns,
    .reset_after_ns = delay_ns > S ? delay_ns : S,
  } };
}

/* {== a delay from start to start ==== */

static const struct pexec__past no_past;

static int64_t due (const struct pexec__policy *policy, int64_t attempted,
                    int64_t now) {
  struct pexec__moment moment = { attempted, now, now, 0 };
  return pexec__restart_due(policy, &no_past, &moment);
}

static int64_t retry (const struct pexec__policy *policy, int64_t attempted,
                      int64_t now) {
  struct pexec__moment moment = { attempted, now, now, 0 };
  return pexec__retry_due(policy, &no_past, &moment);
}

static void a_restart_waits_for_the_delay_since_the_start (void **state) {
  struct pexec__policy policy = delay_of(S);
  (void)state;
  EACH_CLOCK {
    assert_int_equal(due(&policy, t, t), t + S);
    assert_int_equal(due(&policy, t, t + 1), t + S);
    assert_int_equal(due(&policy, t, t + 200 * MS), t + S);
    assert_int_equal(due(&policy, t, t + S - 1), t + S);
  }
}

static void one_that_ran_for_longer_is_restarted_at_once (void **state) {
  struct pexec__policy policy = delay_of(S);
  (void)state;
  EACH_CLOCK {
    assert_int_equal(due(&policy, t, t + S), t + S);
    assert_int_equal(due(&policy, t, t + S + 1), t + S + 1);
    assert_int_equal(due(&policy, t, t + YEAR), t + YEAR);
  }
}

static void without_a_delay_a_restart_is_due_at_once (void **state) {
  struct pexec__policy policy = delay_of(0);
  (void)state;
  EACH_CLOCK {
    assert_int_equal(due(&policy, t, t), t);
    assert_int_equal(due(&policy, t, t + 7), t + 7);
  }
}

static void a_crash_loop_starts_once_in_a_delay (void **state) {
  struct pexec__policy policy = delay_of(250 * MS);
  (void)state;
  EACH_CLOCK {
    int64_t now = t;
    for (int starts = 0; starts < 1000; starts++)
      now = due(&policy, now, now + starts % 250 * MS);
    assert_int_equal(now, t + 1000 * 250 * MS);
  }
}

static void a_failed_restart_is_tried_again_after_the_delay (void **state) {
  struct pexec__policy policy = delay_of(S);
  (void)state;
  EACH_CLOCK {
    assert_int_equal(retry(&policy, t, t), t + S);
    assert_int_equal(retry(&policy, t, t + S - 1), t + S);
    assert_int_equal(retry(&policy, t, t + S), t + S);
    assert_int_equal(retry(&policy, t, t + 9 * S), t + 9 * S);
  }
}

static void without_a_delay_it_is_tried_ten_times_a_second (void **state) {
  static const int64_t delays[] = { 0, 1, 99 * MS, 100 * MS };
  (void)state;
  for (size_t i = 0; i < COUNT(delays); i++) {
    struct pexec__policy policy = delay_of(delays[i]);
    EACH_CLOCK {
      int64_t least = t + 100 * MS;
      assert_int_equal(retry(&policy, t, t), least);
      assert_int_equal(retry(&policy, t, least - 1), least);
      assert_int_equal(retry(&policy, t, least), least);
      assert_int_equal(retry(&policy, t, least + 1), least + 1);
    }
  }
}

/* {== delays that grow, from the death ==== */

static struct pexec__policy backoff_of (int64_t first_ns, double factor,
                                        int64_t most_ns, double jitter) {
  return (struct pexec__policy){ .delays = {
    .kind = PEXEC__DELAY_GROWING, .first_ns = first_ns, .factor = factor,
    .most_ns = most_ns, .jitter = jitter, .reset_after_ns = most_ns,
  } };
}

/* From the death, which came a while after the start. */
static int64_t wait_of (const struct pexec__policy *policy, uint64_t n,
                        double lot) {
  struct pexec__past past = { .in_a_row = n };
  struct pexec__moment moment = { 5 * S, 7 * S, 7 * S, lot };
  return pexec__restart_due(policy, &past, &moment) - 7 * S;
}

static void the_delay_doubles_up_to_the_most (void **state) {
  static const int64_t waits[] = { 100, 200, 400, 800, 1600, 3000, 3000 };
  struct pexec__policy policy = backoff_of(100 * MS, 2, 3 * S, 0);
  (void)state;
  for (size_t i = 0; i < COUNT(waits); i++)
    assert_int_equal(wait_of(&policy, i + 1, 0), waits[i] * MS);
  assert_int_equal(wait_of(&policy, UINT64_MAX, 0), 3 * S);
}

/* Term by term, as nobody would do it for the millionth. */
static int64_t slowly (const struct pexec__delays *delays, uint64_t n) {
  double delay = (double)delays->first_ns;
  for (uint64_t i = 1; i < n && delay < (double)delays->most_ns; i++)
    delay *= delays->factor;
  return delay < (double)delays->most_ns ? (int64_t)delay : delays->most_ns;
}

static void it_is_the_formula_of_the_manual (void **state) {
  static const double factors[] = { 1, 1.001, 1.5, 2, 10, 1e8 };
  (void)state;
  for (size_t i = 0; i < COUNT(factors); i++) {
    struct pexec__policy policy = backoff_of(7 * MS, factors[i], S, 0);
    for (uint64_t n = 1; n < 3000; n += n < 100 ? 1 : 97) {
      int64_t expected = slowly(&policy.delays, n);
      int64_t found = wait_of(&policy, n, 0);
      assert_in_range(found + 2, expected, expected + 4);  /* of rounding */
    }
  }
}

static void without_a_first_delay_there_is_none (void **state) {
  struct pexec__policy policy = backoff_of(0, 1e8, S, 0.5);
  (void)state;
  for (uint64_t n = 1; n < 100; n++)
    assert_int_equal(wait_of(&policy, n, 0.9), 0);
}

static void jitter_spreads_it_to_both_sides (void **state) {
  struct pexec__policy policy = backoff_of(S, 2, 4 * S, 0.25);
  (void)state;
  assert_int_equal(wait_of(&policy, 1, 0), 750 * MS);
  assert_int_equal(wait_of(&policy, 1, 0.5), S);
  assert_int_equal(wait_of(&policy, 1, 0.75), 1125 * MS);
  assert_int_equal(wait_of(&policy, 9, 0), 3 * S);  /* of the most, too */
  assert_true(wait_of(&policy, 9, 0.999999) < 5 * S);
}

static void a_list_is_gone_through_and_its_last_repeats (void **state) {
  static const int64_t list[] = { 3 * S, 0, 50 * MS };
  struct pexec__policy policy = { .delays = {
    .kind = PEXEC__DELAY_LISTED, .list_ns = list, .count = COUNT(list),
  } };
  (void)state;
  for (uint64_t n = 1; n < 100; n++)
    assert_int_equal(wait_of(&policy, n, 0.7), list[n < 3 ? n - 1 : 2]);
  assert_int_equal(wait_of(&policy, UINT64_MAX, 0), 50 * MS);
}

/* However long it ran: what counts is the death. */
static void it_is_counted_from_the_death (void **state) {
  struct pexec__policy policy = backoff_of(S, 2, 4 * S, 0);
  struct pexec__past past = { .in_a_row = 1 };
  struct pexec__moment moment = { 0, 900 * S, 900 * S + 1, 0 };
  (void)state;
  assert_int_equal(pexec__restart_due(&policy, &past, &moment), 901 * S);
  moment.now_ns = 902 * S;  /* a host took its time */
  assert_int_equal(pexec__restart_due(&policy, &past, &moment), 902 * S);
}

static void a_failed_one_waits_as_long_as_a_death (void **state) {
  struct pexec__policy policy = backoff_of(10 * MS, 2, 4 * S, 0);
  struct pexec__past past = { .in_a_row = 1 };
  struct pexec__moment moment = { 6 * S, 6 * S, 6 * S, 0 };
  (void)state;
  assert_int_equal(pexec__retry_due(&policy, &past, &moment),
                   6 * S + 100 * MS);
  past.in_a_row = 6;
  assert_int_equal(pexec__retry_due(&policy, &past, &moment),
                   6 * S + 320 * MS);
}

/* {== how many in a row ==== */

static void one_that_runs_long_enough_has_recovered (void **state) {
  struct pexec__policy policy = backoff_of(S, 2, 4 * S, 0);
  struct pexec__past past = { 0 };
  (void)state;
  for (uint64_t n = 1; n < 10; n++) {
    pexec__past_note_run(&past, &policy, 4 * S - 1);
    assert_true(pexec__past_allows(&past, &policy));
    assert_int_equal(past.in_a_row, n);
  }
  assert_int_equal(pexec__past_failures(&past, &policy, 4 * S - 1), 9);
  assert_int_equal(pexec__past_failures(&past, &policy, 4 * S), 0);
  pexec__past_note_run(&past, &policy, 4 * S);
  assert_int_equal(past.in_a_row, 0);
  assert_true(pexec__past_allows(&past, &policy));
  assert_int_equal(past.in_a_row, 1);
}

/* {== the limit ==== */

#define LIMIT_MOST 20

static int64_t ring[LIMIT_MOST];

static struct pexec__policy limit_of (uint32_t limit, int64_t within_ns) {
  struct pexec__policy policy = backoff_of(S, 2, 60 * S, 0);
  policy.is_limited = true;
  policy.limit = limit;
  policy.limit_ns = within_ns;
  return policy;
}

/* How many restarts one gets that runs for so long each time. */
static unsigned restarts_of (const struct pexec__policy *policy,
                             int64_t uptime_ns, unsigned most) {
  struct pexec__past past = { .restarts_ns = ring };
  unsigned restarts = 0;
  for (; restarts < most; restarts++) {
    pexec__past_note_run(&past, policy, uptime_ns);
    if (!pexec__past_allows(&past, policy))
      break;
  }
  return restarts;
}

static void a_crash_loop_gets_as_many_as_the_limit_says (void **state) {
  (void)state;
  for (uint32_t limit = 0; limit < LIMIT_MOST; limit++) {
    struct pexec__policy policy = limit_of(limit, 10 * S);
    assert_int_equal(restarts_of(&policy, 0, 1000), limit);
    assert_int_equal(restarts_of(&policy, MS, 1000), limit);
  }
}

/* With three in ten seconds the fourth may come once the first is ten seconds
   of running ago. */
static void one_that_runs_long_enough_is_never_given_up (void **state) {
  struct pexec__policy policy = limit_of(3, 9 * S);
  (void)state;
  assert_int_equal(restarts_of(&policy, 3 * S, 1000), 1000);
  assert_int_equal(restarts_of(&policy, 3 * S - 1, 1000), 3);
}

/* A delay that grows beyond the window would let each death leave it, and
   the limit would never be reached. */
static void delays_move_no_restart_out_of_the_window (void **state) {
  struct pexec__policy policy = limit_of(5, S);
  struct pexec__past past = { .restarts_ns = ring };
  int64_t now = 0;
  int restarts = 0;
  (void)state;
  for (; restarts < 1000; restarts++) {
    struct pexec__moment moment = { now, now, now, 0 };
    pexec__past_note_run(&past, &policy, 10 * MS);
    if (!pexec__past_allows(&past, &policy))
      break;
    now = pexec__restart_due(&policy, &past, &moment);
  }
  assert_int_equal(restarts, 5);
  assert_true(now > 30 * S);
}

/* Neither does a delay, or an uptime to recover after, of 0. */
static void no_other_setting_turns_it_off (void **state) {
  struct pexec__policy policy = limit_of(4, S);
  (void)state;
  policy.delays.reset_after_ns = 0;
  assert_int_equal(restarts_of(&policy, 0, 1000), 4);
  policy.delays = delay_of(0).delays;
  assert_int_equal(restarts_of(&policy, 0, 1000), 4);
}

static void whoever_starts_it_anew_gives_it_all_of_them (void **state) {
  struct pexec__policy policy = limit_of(2, S);
  struct pexec__past past = { .restarts_ns = ring };
  (void)state;
  for (int i = 0; i < 5; i++) {
    assert_true(pexec__past_allows(&past, &policy));
    assert_true(pexec__past_allows(&past, &policy));
    assert_false(pexec__past_allows(&past, &policy));
    pexec__past_clear(&past);
    assert_int_equal(past.in_a_row, 0);
  }
}

/* {== random histories, told a second time ==== */

#define DEATHS 200

static uint64_t dice;

static unsigned draw (unsigned below) {
  dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
  return (unsigned)(dice >> 33) % below;
}

/* Every restart that there ever was, with how much had been run by then. */
struct model {
  int64_t ran_ns, restarts_ns[DEATHS];
  size_t restarts, in_a_row;
};

static bool model_allows (struct model *model,
                          const struct pexec__policy *policy) {
  size_t within = 0;
  for (size_t i = 0; i < model->restarts; i++)
    within += (model->ran_ns - model->restarts_ns[i] < policy->limit_ns);
  if (policy->is_limited && within >= policy->limit)
    return false;
  model->restarts_ns[model->restarts++] = model->ran_ns;
  model->in_a_row++;
  return true;
}

static int64_t model_wait (const struct model *model,
                           const struct pexec__delays *delays) {
  if (delays->kind == PEXEC__DELAY_LISTED)
    return delays->list_ns[model->in_a_row < delays->count
                           ? model->in_a_row - 1 : delays->count - 1];
  return slowly(delays, model->in_a_row);
}

static struct pexec__policy draw_policy (int64_t *list) {
  struct pexec__policy policy = limit_of(draw(LIMIT_MOST), draw(30) * S / 3);
  policy.is_limited = (draw(4) > 0);
  policy.delays.reset_after_ns = draw(5) * S;
  policy.delays.factor = 1 + draw(3);
  if (draw(2) == 0)
    return policy;
  policy.delays.kind = PEXEC__DELAY_LISTED;
  policy.delays.count = 1 + draw(5);
  policy.delays.list_ns = list;
  for (size_t i = 0; i < policy.delays.count; i++)
    list[i] = draw(20) * S;
  return policy;
}

static void one_history (uint64_t seed) {
  int64_t list[5], now = 0;
  struct model model = { 0 };
  struct pexec__past past = { .restarts_ns = ring };
  struct pexec__policy policy;
  dice = seed;
  policy = draw_policy(list);
  for (int i = 0; i < DEATHS; i++) {
    int64_t uptime = draw(3) == 0 ? draw(8000) * MS : draw(300) * MS;
    struct pexec__moment moment;
    bool may_restart;
    now += uptime;
    model.ran_ns += uptime;
    if (uptime >= policy.delays.reset_after_ns)
      model.in_a_row = 0;
    may_restart = model_allows(&model, &policy);
    pexec__past_note_run(&past, &policy, uptime);
    assert_int_equal(pexec__past_allows(&past, &policy), may_restart);
    if (!may_restart)
      return;
    assert_int_equal(past.in_a_row, model.in_a_row);
    moment = (struct pexec__moment){ now - uptime, now, now, 0 };
    now += model_wait(&model, &policy.delays);
    assert_int_equal(pexec__restart_due(&policy, &past, &moment), now);
  }
}

static void it_is_as_the_model_says_in_10000_histories (void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 10000; seed++)
    one_history(seed);
}

/* {== what a death means ==== */

static enum pexec__event judge (bool is_one_shot, bool asks, bool canceled) {
  struct pexec__policy policy = { .is_one_shot = is_one_shot, .asks = asks };
  struct pexec__death death = { true, canceled, 1 };
  return pexec__restart_judge(&policy, &death);
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

static void expect_restart (const struct pexec__policy *policy,
                            struct pexec__death death, bool is_restarted) {
  assert_int_equal(pexec__restart_judge(policy, &death),
                   is_restarted ? PEXEC__ON_DIED : PEXEC__ON_OVER);
  assert_int_equal(pexec__restart_overrule(policy, &death),
                   is_restarted ? PEXEC__ON_YES : PEXEC__ON_NO);
}

static void on_failure_goes_by_the_exit_code (void **state) {
  struct pexec__policy policy = { .restart = PEXEC_RESTART_ON_FAILURE };
  (void)state;
  policy.success[0] = 1 | UINT64_C(1) << 63;
  policy.success[3] = UINT64_C(1) << 63;
  for (int code = 0; code <= 255; code++)
    expect_restart(&policy, (struct pexec__death){ true, false, code },
                   code != 0 && code != 63 && code != 255);
}

static void a_signal_or_what_nobody_knows_is_a_failure (void **state) {
  struct pexec__policy policy = { .restart = PEXEC_RESTART_ON_FAILURE };
  (void)state;
  for (int i = 0; i < 4; i++)
    policy.success[i] = UINT64_MAX;
  expect_restart(&policy, (struct pexec__death){ true, false, -1 }, true);
  expect_restart(&policy, (struct pexec__death){ false, false, 0 }, true);
}

static void always_and_never_do_not_look_at_it (void **state) {
  struct pexec__policy policy = { .success = { 1 } };
  (void)state;
  for (int code = -1; code <= 255; code++) {
    struct pexec__death death = { true, false, code };
    policy.restart = PEXEC_RESTART_ALWAYS;
    expect_restart(&policy, death, true);
    policy.restart = PEXEC_RESTART_NEVER;
    expect_restart(&policy, death, false);
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_restart_waits_for_the_delay_since_the_start),
    cmocka_unit_test(one_that_ran_for_longer_is_restarted_at_once),
    cmocka_unit_test(without_a_delay_a_restart_is_due_at_once),
    cmocka_unit_test(a_crash_loop_starts_once_in_a_delay),
    cmocka_unit_test(a_failed_restart_is_tried_again_after_the_delay),
    cmocka_unit_test(without_a_delay_it_is_tried_ten_times_a_second),
    cmocka_unit_test(the_delay_doubles_up_to_the_most),
    cmocka_unit_test(it_is_the_formula_of_the_manual),
    cmocka_unit_test(without_a_first_delay_there_is_none),
    cmocka_unit_test(jitter_spreads_it_to_both_sides),
    cmocka_unit_test(a_list_is_gone_through_and_its_last_repeats),
    cmocka_unit_test(it_is_counted_from_the_death),
    cmocka_unit_test(a_failed_one_waits_as_long_as_a_death),
    cmocka_unit_test(one_that_runs_long_enough_has_recovered),
    cmocka_unit_test(a_crash_loop_gets_as_many_as_the_limit_says),
    cmocka_unit_test(one_that_runs_long_enough_is_never_given_up),
    cmocka_unit_test(delays_move_no_restart_out_of_the_window),
    cmocka_unit_test(no_other_setting_turns_it_off),
    cmocka_unit_test(whoever_starts_it_anew_gives_it_all_of_them),
    cmocka_unit_test(it_is_as_the_model_says_in_10000_histories),
    cmocka_unit_test(one_without_a_handler_is_restarted),
    cmocka_unit_test(one_with_a_handler_asks),
    cmocka_unit_test(a_one_shot_is_finished_and_asks_nobody),
    cmocka_unit_test(a_cancelled_one_shot_was_cut),
    cmocka_unit_test(on_failure_goes_by_the_exit_code),
    cmocka_unit_test(a_signal_or_what_nobody_knows_is_a_failure),
    cmocka_unit_test(always_and_never_do_not_look_at_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
