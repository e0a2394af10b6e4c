/* See restart.h. Any thread. */

#include "restart.h"

enum pexec__event pexec__restart_judge (const struct pexec__policy *policy,
                                        bool was_canceled) {
  if (policy->is_one_shot)
    return was_canceled ? PEXEC__ON_CUT : PEXEC__ON_FINISHED;
  return policy->asks ? PEXEC__ON_ASKED : PEXEC__ON_DIED;
}

int64_t pexec__restart_due (const struct pexec__policy *policy,
                            int64_t attempted_at_ns, int64_t now_ns) {
  if (now_ns - attempted_at_ns >= policy->delay_ns)
    return now_ns;
  return attempted_at_ns + policy->delay_ns;
}

int64_t pexec__retry_due (const struct pexec__policy *policy,
                          int64_t attempted_at_ns, int64_t now_ns) {
  int64_t due_ns = pexec__restart_due(policy, attempted_at_ns, now_ns);
  int64_t least_ns = attempted_at_ns + PEXEC__LEAST_RETRY;
  return due_ns > least_ns ? due_ns : least_ns;
}

int64_t pexec__stage_due (const struct pexec__policy *policy,
                          enum pexec_stage stage, int64_t began_at_ns) {
  switch (stage) {
    case PEXEC_STAGE_PROCESS:
      return began_at_ns + policy->stop_timeout_ns / 3;
    case PEXEC_STAGE_GROUP:
      return began_at_ns + policy->stop_timeout_ns;
    default:
      return began_at_ns + policy->stop_timeout_ns + PEXEC__PATIENCE;
  }
}
