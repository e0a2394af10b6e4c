/*
** When a process is restarted, and whether at all. Pure: functions of policy,
** history and the time that is passed in; they read no clock and draw no lots.
*/

#ifndef PEXEC_CORE_RESTART_H
#define PEXEC_CORE_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine.h"

#define PEXEC__MS 1000000LL              /* ns */
#define PEXEC__PATIENCE (1000 * PEXEC__MS)  /* for what SIGKILL was sent to */
#define PEXEC__LEAST_RETRY (100 * PEXEC__MS)

/* {== the policy ========================================================= */

enum pexec__delay_kind {
  PEXEC__DELAY_FROM_START,  /* least time from one attempt to the next */
  PEXEC__DELAY_GROWING,     /* from the death; grows with each in a row */
  PEXEC__DELAY_LISTED       /* from the death; the last one repeats */
};

struct pexec__delays {
  enum pexec__delay_kind kind;
  int64_t first_ns;         /* FROM_START: all of them; GROWING: the first */
  double factor;            /* GROWING: at least 1 */
  int64_t most_ns;          /* GROWING: at least first_ns */
  double jitter;            /* GROWING: a part of the delay, below 1 */
  const int64_t *list_ns;   /* LISTED: the configuration's */
  size_t count;             /* of them: at least 1 */
  int64_t reset_after_ns;   /* of running: it has recovered */
};

struct pexec__policy {
  bool is_one_shot;
  bool asks;                /* the host decides; else, and where it does not
                               answer in time: */
  enum pexec_restart restart;
  uint64_t success[4];      /* a bit for each exit code that is none of a
                               failure */
  int64_t decision_ns;      /* that the host may take; -1: any */
  struct pexec__delays delays;
  uint32_t limit;           /* restarts within limit_ns; 0 and is_limited:
                               none at all */
  bool is_limited;
  int64_t limit_ns;
  int64_t stop_timeout_ns;  /* from the first stage to the final kill */
};

/* How a child has ended, as far as it matters here. */
struct pexec__death {
  bool is_known;            /* false: nobody can say; counts as a failure */
  bool was_canceled;        /* a one-shot was */
  int code;                 /* -1: by a signal */
};

/* The machine's event for a death that nobody ordered: who decides, or what
   the policy says. */
enum pexec__event pexec__restart_judge (const struct pexec__policy *policy,
                                        const struct pexec__death *death);
/* The same once the host was to decide, and has not. */
enum pexec__event pexec__restart_overrule (const struct pexec__policy *policy,
                                           const struct pexec__death *death);

/* {== what has happened ================================================== */

/* Restarts and how much it ran, as far as the policy looks back. */
struct pexec__past {
  uint64_t in_a_row;        /* failures since it last recovered */
  int64_t ran_ns;           /* all its children together */
  int64_t *restarts_ns;     /* a ring of policy->limit: ran_ns at each; NULL:
                               none is needed, or there was none yet */
  uint32_t used;            /* of the ring */
  uint32_t next;            /* where the next one goes */
};

/* A child has ended that ran for so long. */
void pexec__past_note_run (struct pexec__past *past,
                           const struct pexec__policy *policy,
                           int64_t uptime_ns);
/* One more failure: may there be one more restart? Then it is noted. The
   window of the limit slides on the time that children ran: what pexec itself
   waits before a restart, and how long a host thinks, moves no death out of
   it. */
bool pexec__past_allows (struct pexec__past *past,
                         const struct pexec__policy *policy);
/* It begins anew: somebody has started it. Keeps the ring. */
void pexec__past_clear (struct pexec__past *past);

/* How many failures in a row it is at, where it has run for so long now. */
uint64_t pexec__past_failures (const struct pexec__past *past,
                               const struct pexec__policy *policy,
                               int64_t uptime_ns);

/* {== when =============================================================== */

struct pexec__moment {
  int64_t attempted_at_ns;  /* the last start */
  int64_t ended_at_ns;      /* its child's death, or its failure */
  int64_t now_ns;
  double lot;               /* for the jitter: from 0 to below 1 */
};

/* When the restart may come that was noted last. */
int64_t pexec__restart_due (const struct pexec__policy *policy,
                            const struct pexec__past *past,
                            const struct pexec__moment *moment);

/* The same after an attempt that failed: also with a delay of 0 no sooner
   than PEXEC__LEAST_RETRY after it, since it cost the child nothing. */
int64_t pexec__retry_due (const struct pexec__policy *policy,
                          const struct pexec__past *past,
                          const struct pexec__moment *moment);

#endif
