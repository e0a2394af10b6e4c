/*
** What a stop does when: its stages, and how far one has come. Pure: on plain
** numbers and the time that is passed in; it reads no clock.
*/

#ifndef PEXEC_CORE_STOP_PLAN_H
#define PEXEC_CORE_STOP_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pexec.h"

struct pexec__stage {
  enum pexec_stage_kind kind;
  int signo;                /* of the two that signal */
  int64_t wait_ns;          /* how long it lasts */
};

struct pexec__stop_plan {
  const struct pexec__stage *stages;
  size_t count;             /* 0: SIGKILL at once */
  bool is_given;            /* a sequence; else stop_signal and _timeout */
};

#define PEXEC__USUAL_STAGES 2

/* The stages of stop_signal and stop_timeout: to the process, and after a
   third of the time to its group. Behind the last one of any plan comes
   SIGKILL to the group. */
void pexec__usual_stages (struct pexec__stage stages[PEXEC__USUAL_STAGES],
                          int signo, int64_t timeout_ns);

/* How long it takes until SIGKILL, at most. */
int64_t pexec__stop_plan_total (const struct pexec__stop_plan *plan);

/* How far one stop has come. */
struct pexec__course {
  size_t next;              /* stage to come; what lasts is the one before it,
                               if any; beyond the last one: it is killed */
  int64_t due_ns;           /* when what lasts is over */
};

/* It begins; nothing lasts yet. */
void pexec__course_begin (struct pexec__course *course, int64_t now_ns);

/* The stage that lasts; NULL: none does. */
const struct pexec__stage *pexec__course_stage
    (const struct pexec__course *course, const struct pexec__stop_plan *plan);

/* Goes on to the next stage, whose time counts from when the one before was
   due; or, where that was cut short, from now. False: there is none, and it
   is time to kill. */
bool pexec__course_go_on (struct pexec__course *course,
                          const struct pexec__stop_plan *plan);
bool pexec__course_cut_short (struct pexec__course *course,
                              const struct pexec__stop_plan *plan,
                              int64_t now_ns);

/* The process has gone and has left others: which stage comes at once, the
   first one that signals its group. NULL: none does, or its group has been
   signalled by the one that lasts. */
const struct pexec__stage *pexec__course_for_others
    (const struct pexec__course *course, const struct pexec__stop_plan *plan);
/* Goes on to that stage, which ends when it would have anyway. */
void pexec__course_jump (struct pexec__course *course,
                         const struct pexec__stop_plan *plan);

/* Whatever was to come, it is killed. */
void pexec__course_end (struct pexec__course *course,
                        const struct pexec__stop_plan *plan);

#endif
