/*
** A death that nobody ordered, and a restart that failed: who decides what
** follows, what is left is cleared away, how long the restart waits, and when
** it is given up. The supervisor's thread.
*/

#include <stdio.h>

#include "core.h"

static struct pexec__death death_of (const pexec_process *process) {
  return (struct pexec__death){
    .is_known = process->child.status.is_known,
    .was_canceled = process->cancel_reason != 0,
    .code = process->child.status.code,
  };
}

/* {== what people are told =============================================== */

static void describe (const struct pexec__child *child, char *text,
                      size_t size) {
  const struct pexec__status *status = &child->status;
  if (!status->is_known)
    (void)snprintf(text, size, "process %d has ended; the host has reaped it, "
                   "so nobody knows how", child->pid);
  else if (status->signo != 0)
    (void)snprintf(text, size, "process %d was ended by %s%s", child->pid,
                   pexec_signal_name(status->signo),
                   status->core_dumped ? " (core dumped)" : "");
  else
    (void)snprintf(text, size, "process %d exited with status %d", child->pid,
                   status->code);
}

static void log_death (pexec_process *process) {
  char text[160];
  if (process->child.is_told_of || process->config->policy->is_one_shot)
    return;
  process->child.is_told_of = true;
  describe(&process->child, text, sizeof text);
  pexec__log(process, PEXEC_WARN, "%s", text);
}

/* {== who decides ======================================================== */

/* One more restart, if it may have one. */
static enum pexec__event ration (pexec_process *process,
                                 enum pexec__event event) {
  bool restarts = (event == PEXEC__ON_DIED || event == PEXEC__ON_YES ||
                   event == PEXEC__ON_RESPAWN_FAILED);
  return !restarts || pexec__past_allows(&process->past,
                                         process->config->policy)
         ? event : PEXEC__ON_SPENT;
}

void pexec__process_died (pexec_process *process) {
  const struct pexec__policy *policy = process->config->policy;
  const struct pexec__child *child = &process->child;
  struct pexec__death death = death_of(process);
  enum pexec__event event = pexec__restart_judge(policy, &death);
  process->ended_at_ns = child->ended_at_ns;
  process->delay_ns = -1;
  pexec__past_note_run(&process->past, policy,
                       child->ended_at_ns - child->started_at_ns);
  if (event == PEXEC__ON_ASKED && process->is_released) {
    struct pexec__policy alone = *policy;  /* there is nobody to ask */
    alone.asks = false;
    event = pexec__restart_judge(&alone, &death);
  }
  pexec__process_feed(process, ration(process, event));
}

void pexec__death_decided (pexec_process *process,
                           const struct pexec__verdict *verdict) {
  struct pexec__death death = death_of(process);
  enum pexec__event event =
      verdict->decision == PEXEC_DECIDE_RESTART ? PEXEC__ON_YES
    : verdict->decision == PEXEC_DECIDE_END ? PEXEC__ON_NO
    : pexec__restart_overrule(process->config->policy, &death);
  if (process->phase != PEXEC__DECIDING || verdict->run != process->starts)
    return;  /* a stop, or the policy, was faster */
  process->delay_ns = verdict->delay_ns;
  pexec__process_feed(process, ration(process, event));
}

static void decide_by_policy (pexec_process *process) {
  const struct pexec__verdict verdict = { process->starts,
                                          PEXEC_DECIDE_BY_POLICY, -1 };
  pexec__death_decided(process, &verdict);
}

void pexec__death_ask (pexec_process *process) {
  int64_t wait_ns = process->config->policy->decision_ns;
  pexec__output_drain(process);
  log_death(process);
  pexec__transition_exited(process);
  pexec__news_post(process, PEXEC__NEWS_EXITED);
  if (wait_ns >= 0)
    pexec__timer_arm(process->timer, pexec__now() + wait_ns);
  if (process->owner != NULL)
    pexec__program_died(process);
}

void pexec__death_overrule (pexec_process *process) {
  pexec__log(process, PEXEC_WARN, "nobody has decided in time what follows: "
             "the restart policy does");
  decide_by_policy(process);
}

void pexec__death_release (pexec_process *process) {
  if (process->phase == PEXEC__DECIDING)
    decide_by_policy(process);
}

/* Not where a stop has come meanwhile: then it is nobody's loss. */
void pexec__death_respawn_failed (pexec_process *process) {
  enum pexec__event event = PEXEC__ON_RESPAWN_FAILED;
  process->ended_at_ns = pexec__now();
  if (process->phase != PEXEC__HALTING)
    event = ration(process, event);
  pexec__process_feed(process, event);
}

/* {== what follows ======================================================= */

/* A restart does not wait for a host that has yet to consume: what is in the
   pipe then stays there, ahead of what the next child writes. */
void pexec__death_clear (pexec_process *process) {
  pexec__timer_disarm(process->timer);  /* a one-shot's, or of the decision */
  if (!pexec__output_is_starved(process))
    pexec__output_drain(process);
  log_death(process);
  pexec__transition_exited(process);
  pexec__group_kill(process);
  pexec__exit_reap(process);
  pexec__group_await(process, pexec__now() + PEXEC__PATIENCE);
}

static void wait_until (pexec_process *process, int64_t due_ns) {
  int64_t delay_ns = due_ns - pexec__now();
  process->is_restart = true;
  pexec__transition_restarting(process, delay_ns > 0 ? delay_ns : 0);
  if (delay_ns <= 0) {
    pexec__process_feed(process, PEXEC__ON_DUE);
    return;
  }
  process->restart_at_ns = due_ns;
  pexec__timer_arm(process->timer, due_ns);
  pexec__news_snapshot(process);
}

static struct pexec__moment moment_of (const pexec_process *process) {
  return (struct pexec__moment){
    .attempted_at_ns = process->attempted_at_ns,
    .ended_at_ns = process->ended_at_ns,
    .now_ns = pexec__now(),
    .lot = pexec__lot(),
  };
}

void pexec__death_delay (pexec_process *process) {
  struct pexec__moment moment = moment_of(process);
  pexec__exit_forget(process);
  pexec__news_snapshot(process);
  wait_until(process, process->delay_ns >= 0
             ? process->ended_at_ns + process->delay_ns
             : pexec__restart_due(process->config->policy, &process->past,
                                  &moment));
}

static const char *failure_of (const pexec_process *process) {
  return process->failure_message ? process->failure_message
                                  : pexec_error_text(process->failure);
}

/* Whoever has ordered the restart hears of the failure; it goes on. */
void pexec__death_retry (pexec_process *process) {
  struct pexec__moment moment = moment_of(process);
  pexec__log(process, PEXEC_ERROR, "cannot restart, will try again: %s",
             failure_of(process));
  pexec__process_answer_restart(process, process->failure,
                                process->failure_message);
  process->failure_message = NULL;  /* it was taken */
  wait_until(process, pexec__retry_due(process->config->policy,
                                       &process->past, &moment));
}

/* What failed last: the child, or its start. */
static void explain_giving_up (const pexec_process *process, char *text,
                               size_t size) {
  const struct pexec__policy *policy = process->config->policy;
  char within[32], last[160];
  pexec_duration_format(policy->limit_ns, within, sizeof within);
  if (process->child.pid > 0)
    describe(&process->child, last, sizeof last);
  else
    (void)snprintf(last, sizeof last, "%s", failure_of(process));
  (void)snprintf(text, size, "given up: more than %u restarts within %s of "
                 "running; %s", (unsigned)policy->limit, within, last);
}

void pexec__death_give_up (pexec_process *process) {
  char text[320];
  explain_giving_up(process, text, sizeof text);
  pexec__log(process, PEXEC_ERROR, "%s", text);
  pexec__process_answer_restart(process, process->failure,
                                process->failure_message);
  process->failure_message = NULL;
  pexec__output_drain(process);
  pexec__transition_given_up(process, text);
  pexec__news_given_up(process, text);
  pexec__process_end(process);
}
