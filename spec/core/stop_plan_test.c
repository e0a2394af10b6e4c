/*
** Specifies the stages of a stop and how one goes through them, on plain
** numbers. The clock may begin anywhere. One thread.
**
** seam: own stop_plan.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "stop_plan.h"

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

static struct pexec__stage usual[PEXEC__USUAL_STAGES];
static struct pexec__course course;

static struct pexec__stop_plan usual_plan (int64_t timeout_ns) {
  pexec__usual_stages(usual, 15, timeout_ns);
  return (struct pexec__stop_plan){ usual, PEXEC__USUAL_STAGES, false };
}

/* {== the usual stages ==== */

static void the_group_is_signalled_after_a_third_of_the_time (void **state) {
  struct pexec__stop_plan plan = usual_plan(10 * S);
  (void)state;
  EACH_CLOCK {
    pexec__course_begin(&course, t);
    assert_true(pexec__course_go_on(&course, &plan));
    assert_int_equal(pexec__course_stage(&course, &plan)->kind,
                     PEXEC_SIGNAL_PROCESS);
    assert_int_equal(course.due_ns, t + INT64_C(3333333333));
    assert_true(pexec__course_go_on(&course, &plan));
    assert_int_equal(pexec__course_stage(&course, &plan)->kind,
                     PEXEC_SIGNAL_GROUP);
  }
}

static void the_group_is_killed_at_the_timeout (void **state) {
  static const int64_t timeouts[] = { 100 * MS, S, 10 * S, YEAR };
  (void)state;
  for (size_t i = 0; i < COUNT(timeouts); i++) {
    struct pexec__stop_plan plan = usual_plan(timeouts[i]);
    EACH_CLOCK {
      pexec__course_begin(&course, t);
      assert_true(pexec__course_go_on(&course, &plan));
      assert_true(pexec__course_go_on(&course, &plan));
      assert_int_equal(course.due_ns, t + timeouts[i]);
      assert_false(pexec__course_go_on(&course, &plan));
    }
    assert_int_equal(pexec__stop_plan_total(&plan), timeouts[i]);
  }
}

static void they_follow_each_other_and_take_the_timeout (void **state) {
  (void)state;
  for (int64_t timeout = 100 * MS; timeout < 20 * S; timeout += 37 * MS + 1) {
    struct pexec__stop_plan plan = usual_plan(timeout);
    assert_true(usual[0].wait_ns > 0 && usual[1].wait_ns > 0);
    assert_int_equal(pexec__stop_plan_total(&plan), timeout);
  }
}

static void others_are_signalled_at_once_and_have_the_same_end (void **state) {
  struct pexec__stop_plan plan = usual_plan(900 * MS);
  (void)state;
  EACH_CLOCK {
    pexec__course_begin(&course, t);
    assert_true(pexec__course_go_on(&course, &plan));
    assert_ptr_equal(pexec__course_for_others(&course, &plan), &usual[1]);
    pexec__course_jump(&course, &plan);
    assert_int_equal(course.due_ns, t + 900 * MS);
    assert_null(pexec__course_for_others(&course, &plan));
  }
}

/* {== a sequence ==== */

#define PLAN(...) \
  static const struct pexec__stage stages[] = { __VA_ARGS__ }; \
  const struct pexec__stop_plan plan = { stages, COUNT(stages), true }; \
  (void)state

static void without_a_stage_it_is_time_to_kill (void **state) {
  const struct pexec__stop_plan plan = { NULL, 0, true };
  (void)state;
  pexec__course_begin(&course, 7);
  assert_null(pexec__course_stage(&course, &plan));
  assert_null(pexec__course_for_others(&course, &plan));
  assert_false(pexec__course_go_on(&course, &plan));
  assert_null(pexec__course_stage(&course, &plan));
  assert_int_equal(pexec__stop_plan_total(&plan), 0);
}

static void one_that_is_cut_short_leaves_the_next_its_time (void **state) {
  PLAN({ PEXEC_CALL, 0, 10 * S }, { PEXEC_SIGNAL_PROCESS, 15, 2 * S },
       { PEXEC_SIGNAL_GROUP, 15, 3 * S });
  pexec__course_begin(&course, 0);
  assert_true(pexec__course_go_on(&course, &plan));
  assert_true(pexec__course_cut_short(&course, &plan, 4 * S));
  assert_int_equal(course.due_ns, 6 * S);
  assert_true(pexec__course_go_on(&course, &plan));
  assert_int_equal(course.due_ns, 9 * S);
  assert_false(pexec__course_cut_short(&course, &plan, 7 * S));
}

static void a_late_turn_prolongs_nothing (void **state) {
  PLAN({ PEXEC_SIGNAL_PROCESS, 15, S }, { PEXEC_SIGNAL_PROCESS, 3, S });
  pexec__course_begin(&course, 0);
  assert_true(pexec__course_go_on(&course, &plan));
  assert_true(pexec__course_go_on(&course, &plan));  /* whenever that is */
  assert_int_equal(course.due_ns, 2 * S);
}

static void what_does_not_reach_others_is_skipped_for_them (void **state) {
  PLAN({ PEXEC_RUN, 0, S }, { PEXEC_CALL, 0, S },
       { PEXEC_SIGNAL_PROCESS, 15, S }, { PEXEC_SIGNAL_GROUP, 15, S },
       { PEXEC_SIGNAL_GROUP, 3, S });
  pexec__course_begin(&course, 0);
  pexec__course_jump(&course, &plan);  /* gone before it began */
  assert_ptr_equal(pexec__course_stage(&course, &plan), &stages[3]);
  assert_int_equal(course.due_ns, 4 * S);
  pexec__course_jump(&course, &plan);
  assert_ptr_equal(pexec__course_stage(&course, &plan), &stages[3]);
}

static void where_none_reaches_others_nothing_changes (void **state) {
  PLAN({ PEXEC_SIGNAL_GROUP, 1, S }, { PEXEC_SIGNAL_PROCESS, 15, S },
       { PEXEC_RUN, 0, S });
  pexec__course_begin(&course, 0);
  assert_true(pexec__course_go_on(&course, &plan));
  assert_true(pexec__course_go_on(&course, &plan));
  assert_null(pexec__course_for_others(&course, &plan));
  pexec__course_jump(&course, &plan);
  assert_ptr_equal(pexec__course_stage(&course, &plan), &stages[1]);
  assert_int_equal(course.due_ns, 2 * S);
}

static void whatever_was_to_come_it_can_be_ended (void **state) {
  PLAN({ PEXEC_SIGNAL_PROCESS, 15, S }, { PEXEC_SIGNAL_GROUP, 15, S });
  pexec__course_begin(&course, 0);
  assert_true(pexec__course_go_on(&course, &plan));
  pexec__course_end(&course, &plan);
  assert_null(pexec__course_stage(&course, &plan));
  assert_null(pexec__course_for_others(&course, &plan));
  assert_false(pexec__course_go_on(&course, &plan));
}

/* {== against a model, in random histories ==== */

#define MOST 6

static uint64_t dice;

static int64_t draw (int64_t below) {
  dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (int64_t)((dice >> 33) % (uint64_t)below);
}

/* When each stage ends, if nothing but time goes on from here: what the
   stages are is looked up, nothing is added up on the way. */
struct model {
  int at;                   /* -1: none yet; the count: killed */
  int64_t ends[MOST];
};

static void lay_out (struct model *model, const struct pexec__stop_plan *plan,
                     int first, int64_t from) {
  for (int i = first; i < (int)plan->count; i++) {
    from += plan->stages[i].wait_ns;
    model->ends[i] = from;
  }
}

static int next_for_others (const struct model *model,
                            const struct pexec__stop_plan *plan) {
  int i = model->at;
  if (i >= 0 && i < (int)plan->count &&
      plan->stages[i].kind == PEXEC_SIGNAL_GROUP)
    return -1;
  for (i++; i < (int)plan->count; i++)
    if (plan->stages[i].kind == PEXEC_SIGNAL_GROUP)
      return i;
  return -1;
}

static struct pexec__stop_plan draw_plan (struct pexec__stage *stages) {
  size_t count = (size_t)draw(MOST + 1);
  for (size_t i = 0; i < count; i++)
    stages[i] = (struct pexec__stage){ (enum pexec_stage_kind)draw(4), 15,
                                       draw(5) * S + draw(2) };
  return (struct pexec__stop_plan){ stages, count, true };
}

static void expect_same (const struct model *model,
                         const struct pexec__stop_plan *plan) {
  bool lasts = (model->at >= 0 && model->at < (int)plan->count);
  assert_ptr_equal(pexec__course_stage(&course, plan),
                   lasts ? &plan->stages[model->at] : NULL);
  if (lasts)
    assert_int_equal(course.due_ns, model->ends[model->at]);
}

static void step (struct model *model, const struct pexec__stop_plan *plan,
                  int64_t *now) {
  int others = next_for_others(model, plan);
  switch (draw(4)) {
    case 0:  /* it is over before its time, or at once */
      *now += draw(S);
      model->at++;
      lay_out(model, plan, model->at, *now);
      assert_int_equal(pexec__course_cut_short(&course, plan, *now),
                       model->at < (int)plan->count);
      break;
    case 1:  /* the process has gone */
      if (others >= 0)
        model->at = others;
      pexec__course_jump(&course, plan);
      break;
    default:  /* its time is over */
      model->at++;
      if (model->at < (int)plan->count)
        *now = model->ends[model->at];
      assert_int_equal(pexec__course_go_on(&course, plan),
                       model->at < (int)plan->count);
      break;
  }
}

static void one_history (uint64_t seed) {
  struct pexec__stage stages[MOST];
  struct pexec__stop_plan plan;
  struct model model = { .at = -1 };
  int64_t now;
  dice = seed;
  plan = draw_plan(stages);
  now = clocks[draw(COUNT(clocks))];
  lay_out(&model, &plan, 0, now);
  pexec__course_begin(&course, now);
  while (model.at < (int)plan.count) {
    expect_same(&model, &plan);
    step(&model, &plan, &now);
  }
  expect_same(&model, &plan);
}

static void it_is_as_the_model_says_in_10000_histories (void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 10000; seed++)
    one_history(seed);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_group_is_signalled_after_a_third_of_the_time),
    cmocka_unit_test(the_group_is_killed_at_the_timeout),
    cmocka_unit_test(they_follow_each_other_and_take_the_timeout),
    cmocka_unit_test(others_are_signalled_at_once_and_have_the_same_end),
    cmocka_unit_test(without_a_stage_it_is_time_to_kill),
    cmocka_unit_test(one_that_is_cut_short_leaves_the_next_its_time),
    cmocka_unit_test(a_late_turn_prolongs_nothing),
    cmocka_unit_test(what_does_not_reach_others_is_skipped_for_them),
    cmocka_unit_test(where_none_reaches_others_nothing_changes),
    cmocka_unit_test(whatever_was_to_come_it_can_be_ended),
    cmocka_unit_test(it_is_as_the_model_says_in_10000_histories),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
