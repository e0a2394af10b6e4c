/* See stop_plan.h. Any thread. */

#include "stop_plan.h"

void pexec__usual_stages (struct pexec__stage stages[PEXEC__USUAL_STAGES],
                          int signo, int64_t timeout_ns) {
  int64_t third_ns = timeout_ns / 3;
  stages[0] = (struct pexec__stage){ PEXEC_SIGNAL_PROCESS, signo, third_ns };
  stages[1] = (struct pexec__stage){ PEXEC_SIGNAL_GROUP, signo,
                                     timeout_ns - third_ns };
}

int64_t pexec__stop_plan_total (const struct pexec__stop_plan *plan) {
  int64_t total_ns = 0;
  for (size_t i = 0; i < plan->count; i++)
    total_ns += plan->stages[i].wait_ns;
  return total_ns;
}

void pexec__course_begin (struct pexec__course *course, int64_t now_ns) {
  *course = (struct pexec__course){ .next = 0, .due_ns = now_ns };
}

const struct pexec__stage *pexec__course_stage
    (const struct pexec__course *course, const struct pexec__stop_plan *plan) {
  bool lasts = (course->next > 0 && course->next <= plan->count);
  return lasts ? &plan->stages[course->next - 1] : NULL;
}

bool pexec__course_go_on (struct pexec__course *course,
                          const struct pexec__stop_plan *plan) {
  if (course->next >= plan->count) {
    pexec__course_end(course, plan);
    return false;
  }
  course->due_ns += plan->stages[course->next++].wait_ns;
  return true;
}

bool pexec__course_cut_short (struct pexec__course *course,
                              const struct pexec__stop_plan *plan,
                              int64_t now_ns) {
  course->due_ns = now_ns;
  return pexec__course_go_on(course, plan);
}

const struct pexec__stage *pexec__course_for_others
    (const struct pexec__course *course, const struct pexec__stop_plan *plan) {
  const struct pexec__stage *stage = pexec__course_stage(course, plan);
  if (stage != NULL && stage->kind == PEXEC_SIGNAL_GROUP)
    return NULL;
  for (size_t i = course->next; i < plan->count; i++)
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): 'count' of them */
    if (plan->stages[i].kind == PEXEC_SIGNAL_GROUP)
      return &plan->stages[i];
  return NULL;
}

void pexec__course_jump (struct pexec__course *course,
                         const struct pexec__stop_plan *plan) {
  const struct pexec__stage *to = pexec__course_for_others(course, plan);
  while (to != NULL && pexec__course_stage(course, plan) != to)
    (void)pexec__course_go_on(course, plan);
}

void pexec__course_end (struct pexec__course *course,
                        const struct pexec__stop_plan *plan) {
  course->next = plan->count + 1;
}
