/*
** Transitions: what becomes of a process, for a host that has subscribed to
** it. Each is allocated, so what waits is bounded, and what finds no room or
** no memory is counted in the next. Like other news they wait until what the
** child wrote before is in its log files, and never overtake one another. The
** supervisor's thread, but for what says otherwise.
*/

#include <string.h>

#include "core.h"

const char *pexec_transition_name (enum pexec_transition transition) {
  static const char *const names[] = {
#define X(name, text) text,
    PEXEC_TRANSITIONS(X)
#undef X
  };
  return (unsigned)transition < PEXEC_TRANSITION_COUNT ? names[transition]
                                                       : "unknown";
}

/* {== posting ============================================================ */

bool pexec__transition_is_heard (const pexec_process *process,
                                 enum pexec_transition transition) {
  unsigned subscribed = atomic_load(&process->subscribed);
  return (subscribed & 1U << transition) != 0 && !process->is_released &&
         !process->supervisor->is_closing;
}

static struct pexec__transition *copy (pexec_process *process,
                                       const pexec_change *change) {
  size_t length = change->reason ? strlen(change->reason) + 1 : 0;
  struct pexec__transition *made = pexec__malloc(sizeof *made + length);
  if (made == NULL)
    return NULL;
  *made = (struct pexec__transition){
    .notice = { .type = PEXEC_EVENT_TRANSITION, .process = process },
    .change = *change,
  };
  if (length > 0)
    made->change.reason = memcpy(made->reason, change->reason, length);
  return made;
}

/* Nothing may follow what ends a life, and then nothing would tell that it
   was dropped. Of these there are no more than orders of the host's. */
static bool has_room (const pexec_process *process,
                      enum pexec_transition transition) {
  return process->transitions < PEXEC__TRANSITIONS_MAX ||
         transition == PEXEC_TRANSITION_STOPPED ||
         transition == PEXEC_TRANSITION_GIVEN_UP;
}

static void append (struct pexec__transitions *list,
                    struct pexec__transition *transition) {
  *(list->last ? &list->last->next : &list->first) = transition;
  list->last = transition;
}

static struct pexec__transition *
take_first (struct pexec__transitions *list) {
  struct pexec__transition *transition = list->first;
  if (transition == NULL)
    return NULL;
  if ((list->first = transition->next) == NULL)
    list->last = NULL;
  return transition;
}

/* With the outbox locked. */
static void hand_over (pexec_process *process,
                       struct pexec__transition *transition) {
  if (!pexec__news_put(process, &transition->notice))
    pexec__free(transition);
}

/* With the outbox locked. */
static void put (pexec_process *process,
                 struct pexec__transition *transition) {
  transition->change.missed = process->missed;
  process->missed = 0;
  process->transitions++;
  if (process->is_flushing)
    append(&process->delayed, transition);
  else
    hand_over(process, transition);
}

static void post (pexec_process *process, const pexec_change *change) {
  struct pexec__mailbox *outbox = &process->supervisor->outbox;
  struct pexec__transition *made;
  if (!pexec__transition_is_heard(process, change->transition))
    return;
  made = copy(process, change);
  pexec__mailbox_lock(outbox);
  if (made != NULL && has_room(process, change->transition)) {
    put(process, made);
    made = NULL;
  }
  else
    process->missed++;
  pexec__mailbox_unlock(outbox);
  pexec__free(made);
}

/* Behind all that was written before it. */
static void post_fenced (pexec_process *process, const pexec_change *change) {
  if (pexec__transition_is_heard(process, change->transition))
    pexec__outlets_fence(process);
  post(process, change);
}

void pexec__transitions_release (pexec_process *process) {
  struct pexec__mailbox *outbox = &process->supervisor->outbox;
  struct pexec__transition *transition;
  pexec__mailbox_lock(outbox);
  while ((transition = take_first(&process->delayed)) != NULL)
    hand_over(process, transition);
  pexec__mailbox_unlock(outbox);
}

/* {== each ================================================================ */

void pexec__transition_started (pexec_process *process) {
  post(process, &(pexec_change){
    .transition = PEXEC_TRANSITION_STARTED,
    .pid = process->child.pid,
    .starts = process->starts,
    .attempt = process->past.in_a_row + 1,
  });
}

void pexec__transition_exited (pexec_process *process) {
  if (!process->child.is_dead || process->child.is_reported)
    return;
  process->child.is_reported = true;
  post_fenced(process, &(pexec_change){
    .transition = PEXEC_TRANSITION_EXITED, .exit = process->exit,
  });
}

void pexec__transition_restarting (pexec_process *process, int64_t delay_ns) {
  process->has_told_stopping = false;
  post(process, &(pexec_change){
    .transition = PEXEC_TRANSITION_RESTARTING,
    .delay_ns = delay_ns,
    .attempt = process->past.in_a_row + 1,
  });
}

void pexec__transition_given_up (pexec_process *process, const char *reason) {
  post_fenced(process, &(pexec_change){
    .transition = PEXEC_TRANSITION_GIVEN_UP,
    .exit = process->exit,
    .reason = reason,
  });
}

void pexec__transition_stopping (pexec_process *process) {
  if (process->has_told_stopping)
    return;
  process->has_told_stopping = true;
  post(process, &(pexec_change){
    .transition = PEXEC_TRANSITION_STOPPING,
    .requested = process->phase == PEXEC__CYCLING ? PEXEC_BY_RESTART
                                                  : PEXEC_BY_STOP,
  });
}

void pexec__transition_stopped (pexec_process *process) {
  if (process->has_told_stopped)
    return;
  process->has_told_stopped = true;
  post_fenced(process, &(pexec_change){
    .transition = PEXEC_TRANSITION_STOPPED, .stage = process->stage,
  });
}

void pexec__transition_output_lost (pexec_process *process,
                                    enum pexec_stream stream,
                                    uint64_t lines) {
  post(process, &(pexec_change){
    .transition = PEXEC_TRANSITION_OUTPUT_LOST,
    .stream = stream,
    .lines = lines,
  });
}

/* {== the host's side ==================================================== */

/* What was lost before somebody wanted to know is not told. */
static void begin_counting (pexec_process *process) {
  pexec__mailbox_lock(&process->supervisor->outbox);
  for (int i = 0; i < 2 && process->ledger != NULL; i++)
    process->drops_told[i] =
        atomic_load(&process->ledger->streams[i].drops);
  pexec__mailbox_unlock(&process->supervisor->outbox);
}

int pexec_process_subscribe (pexec_process *process, unsigned transitions) {
  const unsigned losses = 1U << PEXEC_TRANSITION_OUTPUT_LOST;
  if (pexec__is_forked(process->supervisor))
    return PEXEC_EFORKED;
  if (transitions & losses & ~atomic_load(&process->subscribed))
    begin_counting(process);
  atomic_store(&process->subscribed, transitions);
  return 0;
}
