/*
** Lines that a destination did not get, told to a host that has subscribed to
** that: looked for a second after there was output, or a sink has failed or
** recovered, so that they come together, and a process that is silent costs
** nothing. The supervisor's thread.
*/

#include "core.h"

#define PAUSE_NS (1000 * PEXEC__MS)

void pexec__losses_watch (pexec_process *process) {
  pexec_supervisor *supervisor = process->supervisor;
  if (supervisor->watches_losses ||
      !pexec__transition_is_heard(process, PEXEC_TRANSITION_OUTPUT_LOST))
    return;
  supervisor->watches_losses = true;
  pexec__timer_arm(supervisor->loss_timer, pexec__now() + PAUSE_NS);
}

/* How many since the last time. */
static uint64_t count (pexec_process *process, int i) {
  uint64_t drops = atomic_load(&process->ledger->streams[i].drops), lost;
  pexec__mailbox_lock(&process->supervisor->outbox);
  lost = drops - process->drops_told[i];
  process->drops_told[i] = drops;
  pexec__mailbox_unlock(&process->supervisor->outbox);
  return lost;
}

void pexec__losses_tell (pexec_process *process) {
  if (process->ledger == NULL ||
      !pexec__transition_is_heard(process, PEXEC_TRANSITION_OUTPUT_LOST))
    return;
  for (int i = 0; i < 2; i++) {
    uint64_t lost = count(process, i);
    if (lost > 0)
      pexec__transition_output_lost(process, i == 0 ? PEXEC_STDOUT
                                                    : PEXEC_STDERR, lost);
  }
}

void pexec__losses_timer_due (void *owner) {
  pexec_supervisor *supervisor = owner;
  pexec_process *process;
  supervisor->watches_losses = false;
  for (process = supervisor->processes; process; process = process->next)
    pexec__losses_tell(process);
}
