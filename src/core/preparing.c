/*
** Before a child is made the host may be asked: it may change what this start
** takes of the configuration, or not want it, or not have what it needs. The
** supervisor's thread.
*/

#include "core.h"
#include "plan.h"

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

/* {== answers ============================================================ */

static void veto (pexec_process *process, char *reason) {
  if (process->is_restart)
    pexec__log(process, PEXEC_INFO, "not restarted: %s",
               reason ? reason : pexec_error_text(PEXEC_EVETOED));
  pexec__free(process->failure_message);
  process->failure = PEXEC_EVETOED;
  process->failure_message = reason;
  pexec__process_feed(process, process->is_restart ? PEXEC__ON_REVETO
                                                   : PEXEC__ON_VETO);
}

/* An attempt as any that fails, which what was for it alone does not
   outlive. */
static void fail (pexec_process *process, char *reason) {
  process->attempted_at_ns = pexec__now();
  pexec__preparing_end(process);
  pexec__process_fail_start(process, PEXEC_EUNPREPARED, reason);
}

void pexec__preparing_answer (pexec_process *process,
                              struct pexec__orders *orders) {
  if (process->phase != PEXEC__PREPARING ||
      orders->preparation != process->preparations) {
    pexec__free(orders->refusal);  /* it took too long */
    return;
  }
  pexec__timer_disarm(process->timer);
  if (orders->refusal == NULL)
    pexec__process_feed(process, PEXEC__ON_READY);
  else if (orders->is_veto)
    veto(process, orders->refusal);
  else
    fail(process, orders->refusal);
}

/* {== without an answer ================================================== */

/* Where there must be one, no attempt will ever succeed. */
static void go_on_alone (pexec_process *process) {
  if (process->config->must_prepare)
    veto(process, pexec__strdup("the host has let go of it, and it must not "
                                "start unprepared"));
  else
    pexec__process_feed(process, PEXEC__ON_READY);
}

static bool is_out_of_time (const pexec_process *process) {
  return process->deadline_ns != 0 && process->deadline_ns <= pexec__now();
}

void pexec__preparing_go_on (pexec_process *process) {
  if (is_out_of_time(process)) {
    process->cancel_reason = PEXEC_EDEADLINE_EXCEEDED;
    pexec__process_feed(process, PEXEC__ON_CANCEL);
  }
  else if (process->config->must_prepare)
    fail(process, pexec__prepare_failure(process->config));
  else
    pexec__process_feed(process, PEXEC__ON_READY);
}

void pexec__preparing_release (pexec_process *process) {
  if (process->phase == PEXEC__PREPARING)
    go_on_alone(process);
}

/* {== asking ============================================================= */

static void ask (pexec_process *process) {
  struct pexec__mailbox *outbox = &process->supervisor->outbox;
  pexec__mailbox_lock(outbox);
  process->preparations++;
  pexec__mailbox_unlock(outbox);
  pexec__news_post(process, PEXEC__NEWS_PREPARE);
}

/* A one-shot's time does not stand still meanwhile. */
static int64_t due_of (const pexec_process *process) {
  int64_t until_ns = pexec__now() + process->config->prepare_ns;
  bool is_sooner = process->deadline_ns != 0 &&
                   process->deadline_ns < until_ns;
  return is_sooner ? process->deadline_ns : until_ns;
}

/* A host that is not there is not asked. */
void pexec__preparing_begin (pexec_process *process) {
  if (process->config->prepare_ns < 0)
    pexec__process_feed(process, PEXEC__ON_READY);
  else if (process->is_released)
    go_on_alone(process);
  else {
    pexec__timer_arm(process->timer, due_of(process));
    ask(process);
  }
}
