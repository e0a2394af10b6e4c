/*
** Before a child is made the host may be asked: it may change what this start
** takes of the configuration, or not want it. The supervisor's thread.
*/

#include "core.h"

/* {== changes of the configuration ======================================= */

static void replace (struct pexec__config **place,
                     struct pexec__config *config) {
  if (config == NULL)
    return;
  if (*place != NULL)
    pexec__config_free(*place);
  *place = config;
}

void pexec__changes_free (struct pexec__changes *changes) {
  if (changes->once != NULL)
    pexec__config_free(changes->once);
  if (changes->kept != NULL)
    pexec__config_free(changes->kept);
  *changes = (struct pexec__changes){ NULL, NULL };
}

void pexec__preparing_configure (pexec_process *process,
                                 struct pexec__changes *changes) {
  replace(&process->changes.once, changes->once);
  replace(&process->changes.kept, changes->kept);
}

struct pexec__config *pexec__preparing_config (const pexec_process *process) {
  const struct pexec__changes *changes = &process->changes;
  return changes->once ? changes->once
       : changes->kept ? changes->kept : process->config;
}

void pexec__preparing_end (pexec_process *process) {
  if (process->changes.once != NULL)
    pexec__config_free(process->changes.once);
  process->changes.once = NULL;
}

/* {== asking ============================================================= */

static void ask (pexec_process *process) {
  struct pexec__mailbox *outbox = &process->supervisor->outbox;
  pexec__mailbox_lock(outbox);
  process->preparations++;
  pexec__mailbox_unlock(outbox);
  pexec__news_post(process, PEXEC__NEWS_PREPARE);
}

/* A host that is not there is not asked. A one-shot's time does not stand
   still meanwhile. */
void pexec__preparing_begin (pexec_process *process) {
  int64_t wait_ns = process->config->prepare_ns;
  int64_t until_ns = pexec__now() + wait_ns;
  if (wait_ns < 0 || process->is_released) {
    pexec__process_feed(process, PEXEC__ON_READY);
    return;
  }
  if (process->deadline_ns != 0 && process->deadline_ns < until_ns)
    until_ns = process->deadline_ns;
  pexec__timer_arm(process->timer, until_ns);
  ask(process);
}

static void note_veto (pexec_process *process, char *veto) {
  if (process->is_restart)
    pexec__log(process, PEXEC_INFO, "not restarted: %s", veto);
  pexec__free(process->failure_message);
  process->failure = PEXEC_EVETOED;
  process->failure_message = veto;
}

void pexec__preparing_answer (pexec_process *process, uint64_t preparation,
                              char *veto) {
  enum pexec__event event = veto == NULL ? PEXEC__ON_READY
                          : process->is_restart ? PEXEC__ON_REVETO
                          : PEXEC__ON_VETO;
  if (process->phase != PEXEC__PREPARING ||
      preparation != process->preparations) {
    pexec__free(veto);  /* it took too long */
    return;
  }
  pexec__timer_disarm(process->timer);
  if (veto != NULL)
    note_veto(process, veto);
  pexec__process_feed(process, event);
}

void pexec__preparing_release (pexec_process *process) {
  if (process->phase == PEXEC__PREPARING)
    pexec__process_feed(process, PEXEC__ON_READY);
}
