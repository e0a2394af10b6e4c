/* See restart.h. Any thread. */

#include "restart.h"

/* {== whether ============================================================ */

static bool is_success (const struct pexec__policy *policy,
                        const struct pexec__death *death) {
  unsigned code = (unsigned)death->code;
  return death->is_known && code <= 255 &&
         ((policy->success[code / 64] >> (code % 64)) & 1) != 0;
}

static bool is_restarted (const struct pexec__policy *policy,
                          const struct pexec__death *death) {
  switch (policy->restart) {
    case PEXEC_RESTART_NEVER: return false;
    case PEXEC_RESTART_ON_FAILURE: return !is_success(policy, death);
    default: return true;
  }
}

enum pexec__event pexec__restart_judge (const struct pexec__policy *policy,
                                        const struct pexec__death *death) {
  if (policy->is_one_shot)
    return death->was_canceled ? PEXEC__ON_CUT : PEXEC__ON_FINISHED;
  if (policy->asks)
    return PEXEC__ON_ASKED;
  return is_restarted(policy, death) ? PEXEC__ON_DIED : PEXEC__ON_OVER;
}

enum pexec__event pexec__restart_overrule (const struct pexec__policy *policy,
                                           const struct pexec__death *death) {
  return is_restarted(policy, death) ? PEXEC__ON_YES : PEXEC__ON_NO;
}

/* {== the past =========================================================== */

void pexec__past_note_run (struct pexec__past *past,
                           const struct pexec__policy *policy,
                           int64_t uptime_ns) {
  past->in_a_row = pexec__past_failures(past, policy, uptime_ns);
  past->ran_ns += uptime_ns;
}

/* The oldest of as many as are allowed: where that lies within the window,
   it is full. */
static bool is_spent (const struct pexec__past *past,
                      const struct pexec__policy *policy) {
  if (!policy->is_limited)
    return false;
  if (past->used < policy->limit)
    return false;
  return policy->limit == 0 ||
         past->ran_ns - past->restarts_ns[past->next] < policy->limit_ns;
}

static void note_restart (struct pexec__past *past,
                          const struct pexec__policy *policy) {
  if (!policy->is_limited)
    return;
  past->restarts_ns[past->next] = past->ran_ns;
  past->next = (past->next + 1) % policy->limit;
  if (past->used < policy->limit)
    past->used++;
}

bool pexec__past_allows (struct pexec__past *past,
                         const struct pexec__policy *policy) {
  past->in_a_row++;
  if (is_spent(past, policy))
    return false;
  note_restart(past, policy);
  return true;
}

void pexec__past_clear (struct pexec__past *past) {
  past->in_a_row = 0;
  past->used = past->next = 0;
}

uint64_t pexec__past_failures (const struct pexec__past *past,
                               const struct pexec__policy *policy,
                               int64_t uptime_ns) {
  return uptime_ns >= policy->delays.reset_after_ns ? 0 : past->in_a_row;
}

/* {== when =============================================================== */

/* first * factor^(n-1), at most 'most'; by squaring, so that the millionth
   restart takes no longer than the tenth. */
static double grown (const struct pexec__delays *delays, uint64_t n) {
  double delay = (double)delays->first_ns, factor = delays->factor;
  if (delays->first_ns == 0)
    return 0;
  for (uint64_t power = n - 1; power > 0; power /= 2) {
    if (power % 2 == 1)
      delay *= factor;
    if (delay >= (double)delays->most_ns)
      break;
    factor *= factor;
  }
  return delay < (double)delays->most_ns ? delay : (double)delays->most_ns;
}

/* Of the n-th restart in a row, from the death. */
static int64_t delay_of (const struct pexec__delays *delays, uint64_t n,
                         double lot) {
  size_t last = delays->count - 1;
  if (n == 0)
    n = 1;
  if (delays->kind == PEXEC__DELAY_LISTED)
    return delays->list_ns[n - 1 < last ? n - 1 : last];
  return (int64_t)(grown(delays, n) *
                   (1.0 + delays->jitter * (2.0 * lot - 1.0)));
}

int64_t pexec__restart_due (const struct pexec__policy *policy,
                            const struct pexec__past *past,
                            const struct pexec__moment *moment) {
  const struct pexec__delays *delays = &policy->delays;
  int64_t due_ns;
  if (delays->kind == PEXEC__DELAY_FROM_START)
    due_ns = moment->attempted_at_ns + delays->first_ns;
  else
    due_ns = moment->ended_at_ns +
             delay_of(delays, past->in_a_row, moment->lot);
  return due_ns > moment->now_ns ? due_ns : moment->now_ns;
}

int64_t pexec__retry_due (const struct pexec__policy *policy,
                          const struct pexec__past *past,
                          const struct pexec__moment *moment) {
  int64_t due_ns = pexec__restart_due(policy, past, moment);
  int64_t least_ns = moment->attempted_at_ns + PEXEC__LEAST_RETRY;
  return due_ns > least_ns ? due_ns : least_ns;
}
