/*
** Timers by the time when they are due: a binary heap. Opening one makes room
** for it, so that arming needs no memory. Pure: it reads no clock. One thread,
** the owner's.
*/

#ifndef PEXEC_CORE_TIMERS_H
#define PEXEC_CORE_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct pexec__due {
  int64_t at_ns;                /* INT64_MAX: not armed */
  size_t place;                 /* in the heap; 0: not armed */
};

struct pexec__timers {
  struct pexec__due **heap;     /* [1] is due first, and none before the one at
                                   half its place; NULL: there was none yet */
  size_t armed;
  size_t open, room;            /* timers; that there is room for */
};

/* There is one more, or one less, which is not armed. -ENOMEM. */
int pexec__timers_open (struct pexec__timers *timers, struct pexec__due *due);
void pexec__timers_close (struct pexec__timers *timers);

/* Whether it is armed or not. */
void pexec__timers_arm (struct pexec__timers *timers, struct pexec__due *due,
                        int64_t at_ns);
void pexec__timers_disarm (struct pexec__timers *timers,
                           struct pexec__due *due);
/* The one that is due first; NULL: none is armed. */
struct pexec__due *pexec__timers_first (const struct pexec__timers *timers);
/* All that are open are closed. */
void pexec__timers_free (struct pexec__timers *timers);

#endif
