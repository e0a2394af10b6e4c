/*
** Signals that the host orders: sent through the pidfd while the child lives,
** each answered with what the kernel said. The supervisor's thread, but for
** what says otherwise.
*/

#include <errno.h>

#include "core.h"

/* Any thread. */
void pexec__sending_append (struct pexec__sendings *list,
                            struct pexec__sending *sending) {
  *(list->last ? &list->last->next : &list->first) = sending;
  list->last = sending;
}

static struct pexec__sending *take_first (struct pexec__sendings *list) {
  struct pexec__sending *sending = list->first;
  if (sending == NULL)
    return NULL;
  if ((list->first = sending->next) == NULL)
    list->last = NULL;
  return sending;
}

/* With the outbox locked. */
static void answer (pexec_process *process, struct pexec__sending *sending,
                    int error) {
  sending->error = error;
  if (!pexec__news_put(process, &sending->notice))
    pexec__free(sending);
}

void pexec__sending_refuse (pexec_process *process) {
  struct pexec__sending *sending;
  while ((sending = take_first(&process->to_send)) != NULL)
    answer(process, sending, pexec__input_absence(process));
}

/* A death that the loop has yet to tell of is one: a zombie takes any signal,
   and does nothing with it. */
static bool is_alive (const struct pexec__child *child) {
  return child->pidfd >= 0 && !child->is_dead &&
         pexec__poll_readable(child->pidfd, 0) <= 0;
}

static int deliver (pexec_process *process,
                    const struct pexec__sending *sending) {
  int error;
  if (!is_alive(&process->child))
    return pexec__input_absence(process);
  error = sending->is_to_group
        ? pexec__group_signal(process, sending->signo)
        : pexec__group_signal_leader(process, sending->signo);
  return error == -ESRCH ? PEXEC_EPROCESS_DONE : error;
}

void pexec__sending_take (pexec_process *process) {
  struct pexec__mailbox *outbox = &process->supervisor->outbox;
  struct pexec__sendings taken;
  struct pexec__sending *sending;
  pexec__mailbox_lock(outbox);
  taken = process->to_send;
  process->to_send = (struct pexec__sendings){ NULL, NULL };
  pexec__mailbox_unlock(outbox);
  while ((sending = take_first(&taken)) != NULL) {
    int error = deliver(process, sending);
    pexec__mailbox_lock(outbox);
    answer(process, sending, error);
    pexec__mailbox_unlock(outbox);
  }
}
