/*
** The stages of a stop: a signal to the process; after a third of the time
** to its group, or at once when the process has gone and left others there;
** at the end SIGKILL to the group. The supervisor's thread.
*/

#include <errno.h>
#include <signal.h>

#include "core.h"

/* The kernel takes these back out of the queue when a SIGCONT comes. */
static bool is_undone_by_cont (int signo) {
  return signo == SIGTSTP || signo == SIGTTIN || signo == SIGTTOU;
}

typedef int sender (pexec_process *process, int signo);

/* A stopped process takes no signal but SIGKILL before it goes on: it is told
   to, after the signal where that can be, so that it does nothing between. */
static int send_stop (pexec_process *process, sender *send) {
  int signo = process->config->stop_signal;
  int error;
  if (is_undone_by_cont(signo))
    (void)send(process, SIGCONT);
  error = send(process, signo);
  if (!is_undone_by_cont(signo))
    (void)send(process, SIGCONT);
  return error;
}

static void signal_group (pexec_process *process) {
  (void)send_stop(process, pexec__group_signal);
}

static void signal_leader (pexec_process *process) {
  int signo = process->config->stop_signal;
  int error = send_stop(process, pexec__group_signal_leader);
  pexec__log(process, PEXEC_INFO, "stopping process %d with %s",
             process->child.pid, pexec_signal_name(signo));
  if (error < 0 && error != -ESRCH)
    pexec__log(process, PEXEC_ERROR, "cannot send %s to process %d: %s",
               pexec_signal_name(signo), process->child.pid,
               pexec_error_text(error));
}

static void enter (pexec_process *process, enum pexec_stage stage) {
  process->stage = stage;
  pexec__timer_arm(process->timer,
                   pexec__stage_due(&process->config->policy, stage,
                                    process->stop_began_at_ns));
}

/* The timer may still be that of a decision. */
void pexec__stop_begin (pexec_process *process) {
  process->stop_began_at_ns = pexec__now();
  process->has_given_up = false;
  if (process->child.is_dead) {
    pexec__timer_disarm(process->timer);
    pexec__stop_leader_left(process);
    return;
  }
  enter(process, PEXEC_STAGE_PROCESS);
  signal_leader(process);
}

/* As at any death its output comes first, and does not wait for the host. */
static void report_exit (pexec_process *process) {
  if (!process->child.is_reported &&
      pexec__transition_is_heard(process, PEXEC_TRANSITION_EXITED) &&
      !pexec__output_is_starved(process))
    pexec__output_drain(process);
  pexec__transition_exited(process);
}

/* Whoever is left is signalled; whether anybody was, group.c finds out. */
void pexec__stop_leader_left (pexec_process *process) {
  pexec__news_snapshot(process);  /* its number is not to be told any more */
  report_exit(process);
  if (process->stage < PEXEC_STAGE_GROUP)
    signal_group(process);
  pexec__group_await(process, 0);
}

void pexec__stop_others_left (pexec_process *process) {
  bool is_stop = (process->phase == PEXEC__STOPPING ||
                  process->phase == PEXEC__CYCLING);
  if (is_stop && process->stage < PEXEC_STAGE_GROUP)
    enter(process, PEXEC_STAGE_GROUP);
}

/* The time for it counts from now, so that a kill that is ordered has as
   much as one at the end of the stages. */
void pexec__stop_kill (pexec_process *process) {
  process->stage = PEXEC_STAGE_KILL;
  process->has_given_up = false;
  pexec__log(process, PEXEC_WARN, "killing process group %d",
             process->child.pid);
  (void)pexec__group_signal(process, SIGKILL);
  (void)pexec__group_signal_leader(process, SIGKILL);
  pexec__timer_arm(process->timer, pexec__now() + PEXEC__PATIENCE);
  if (process->child.is_dead)
    pexec__group_await(process, 0);
}

/* It stays watched: what is still alive is in the kernel's hands. */
static void give_up (pexec_process *process) {
  process->has_given_up = true;
  pexec__log(process, PEXEC_ERROR, "process group %d is still alive a second "
             "after SIGKILL", process->child.pid);
  pexec__process_answer_restart(process, PEXEC_ESTOP_TIMEOUT, NULL);
  if (process->has_stop_waiter)
    pexec__news_stopped(process, PEXEC_ESTOP_TIMEOUT);
  process->has_stop_waiter = false;
}

void pexec__stop_next_stage (pexec_process *process) {
  switch (process->stage) {
    case PEXEC_STAGE_PROCESS:
      pexec__log(process, PEXEC_INFO, "stopping process group %d with %s",
                 process->child.pid,
                 pexec_signal_name(process->config->stop_signal));
      enter(process, PEXEC_STAGE_GROUP);
      signal_group(process);
      break;
    case PEXEC_STAGE_GROUP:
      pexec__stop_kill(process);
      break;
    default:
      give_up(process);
      break;
  }
}

void pexec__stop_join (pexec_process *process) {
  if (process->has_given_up)
    pexec__stop_kill(process);
}
