/*
** When a pipe is read again. A reader that is woken for every line slows the
** writer down: one that writes little and often is left alone for a moment
** instead, and read in one go. One that fills the pipe with each call is read
** at once: the two take turns, as they should. Pure: reads no clock.
*/

#ifndef PEXEC_CORE_PACE_H
#define PEXEC_CORE_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long a pipe is left alone: the timers of the loop have a resolution of
   1 ms, so that it is up to twice that. */
#define PEXEC__REST INT64_C(1000000)

enum pexec__pace {
  PEXEC__WATCH,   /* be woken by what comes next */
  PEXEC__RESTING  /* look again after PEXEC__REST */
};

/* What has been seen of one pipe. All zero: nothing. */
struct pexec__flow {
  size_t capacity;      /* of the pipe, bytes */
  int64_t read_at_ns;   /* the last time */
  int quick;            /* wakes in a row that came soon after the last */
  int small;            /* of these, in a row, those that brought little */
  size_t wanted;        /* capacity that was asked for; 0: none was */
};

/* 'size' bytes were read, which was all, after a wake of the watch or at the
   end of a rest. */
enum pexec__pace pexec__pace_judge (struct pexec__flow *flow, size_t size,
                                    bool was_resting, int64_t now_ns);
/* How large should the pipe be? 0: as it is. Each size is asked for once. One
   that is lent is read in turn with others, a pipe full each: where some were
   larger, their children would get more. */
size_t pexec__pace_wanted (struct pexec__flow *flow, bool is_lent);
/* Is more to come at any moment? */
bool pexec__pace_is_busy (const struct pexec__flow *flow);

#endif
