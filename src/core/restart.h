/*
** When a process is restarted, and what a stop does when. Pure: functions of
** policy, history and the time that is passed in; they read no clock.
*/

#ifndef PEXEC_CORE_RESTART_H
#define PEXEC_CORE_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#include "machine.h"

#define PEXEC__MS 1000000LL              /* ns */
#define PEXEC__PATIENCE (1000 * PEXEC__MS)  /* for what SIGKILL was sent to */
#define PEXEC__LEAST_RETRY (100 * PEXEC__MS)

struct pexec__policy {
  bool is_one_shot;
  bool asks;               /* the host decides; else it is restarted */
  int64_t delay_ns;        /* least time from one attempt to the next */
  int64_t stop_timeout_ns; /* from the first signal to the final kill */
};

/* The machine's event for a death that nobody ordered. */
enum pexec__event pexec__restart_judge (const struct pexec__policy *policy,
                                        bool was_canceled);

/* When the next attempt may come, given when the last one came. */
int64_t pexec__restart_due (const struct pexec__policy *policy,
                            int64_t attempted_at_ns, int64_t now_ns);

/* The same after an attempt that failed: also with a delay of 0 no sooner
   than PEXEC__LEAST_RETRY after it, since it cost the child nothing. */
int64_t pexec__retry_due (const struct pexec__policy *policy,
                          int64_t attempted_at_ns, int64_t now_ns);

/* When 'stage' of a stop that began at 'began_at_ns' is over. */
int64_t pexec__stage_due (const struct pexec__policy *policy,
                          enum pexec_stage stage, int64_t began_at_ns);

#endif
