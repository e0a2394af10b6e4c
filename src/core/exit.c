/*
** Learning of a child's end: its pidfd becomes readable, then waitid on it
** alone, never on all children: the host's are its own. The supervisor's
** thread.
*/

#include <errno.h>
#include <signal.h>

#include "core.h"

static bool is_being_stopped (const pexec_process *process) {
  return process->phase == PEXEC__STOPPING ||
         process->phase == PEXEC__CYCLING;
}

static void note_end (void *owner) {
  pexec_process *process = owner;
  struct pexec__child *child = &process->child;
  if (!pexec__exit_look(process))
    return;
  pexec__watch_close(child->watch);  /* it stays readable for ever */
  child->watch = NULL;
  pexec__input_end(process);
  pexec__record_exit(process);
  if (is_being_stopped(process))
    pexec__process_feed(process, PEXEC__ON_LEFT);
  else
    pexec__process_died(process);
  pexec__supervisor_settle(process);
}

int pexec__exit_watch (pexec_process *process) {
  struct pexec__child *child = &process->child;
  return pexec__watch_open(process->supervisor->loop, child->pidfd, note_end,
                           process, &child->watch);
}

/* Where group.c can reach the group by pidfd, the leader is reaped at once;
   else its zombie is kept, since it reserves the group's number. So it is
   where a stop program has been told that number. */
bool pexec__exit_look (pexec_process *process) {
  struct pexec__child *child = &process->child;
  bool reap = !process->supervisor->is_basic_kernel &&
              !pexec__programs_are_running(process);
  int result = pexec__wait(child->pidfd, reap, &child->status);
  if (result == 0)
    return false;
  child->is_dead = true;
  child->ended_at_ns = pexec__now();
  child->is_reaped = reap;
  if (result < 0) {  /* the host reaps everything, or ignores SIGCHLD */
    child->is_reaped = true;
    child->status = (struct pexec__status){ 0 };
    (void)pexec__exit_info(child->pidfd, &child->status);
  }
  return true;
}

/* A second and not more: SIGKILL may be refused (a set-id program's), or take
   its time. */
void pexec__exit_discard (int pidfd) {
  struct pexec__status status;
  (void)pexec__signal(pidfd, SIGKILL);
  (void)pexec__poll_readable(pidfd, (int)(PEXEC__PATIENCE / PEXEC__MS));
  (void)pexec__wait(pidfd, true, &status);
  pexec__close(pidfd);
}

void pexec__exit_reap (pexec_process *process) {
  struct pexec__child *child = &process->child;
  struct pexec__status status;
  if (child->is_dead && !child->is_reaped)
    (void)pexec__wait(child->pidfd, true, &status);  /* known already */
  child->is_reaped = true;
}

void pexec__exit_forget (pexec_process *process) {
  struct pexec__child *child = &process->child;
  if (child->pidfd < 0)
    return;
  pexec__group_forget(process);
  pexec__exit_reap(process);
  pexec__watch_close(child->watch);
  pexec__close(child->pidfd);
  *child = (struct pexec__child){ .pidfd = -1 };
}
