/*
** The process group of a child, and its cgroup: signals to them, and waiting
** until nobody in them is alive. A group is seen to be empty only by asking,
** and a signal 0 counts zombies too, which may belong to a slow parent: where
** it says yes, the states in /proc decide; of a cgroup the kernel knows. All
** groups that are waited for share one timer and one pass over /proc. The
** supervisor's thread.
*/

#include <errno.h>
#include <signal.h>

#include "cgroup.h"
#include "core.h"

#define FIRST_WAIT_NS (1 * PEXEC__MS)
#define LONGEST_WAIT_NS (50 * PEXEC__MS)

int pexec__group_signal_leader (pexec_process *process, int signo) {
  struct pexec__child *child = &process->child;
  if (child->pidfd < 0 || child->is_dead)
    return -ESRCH;
  return pexec__signal(child->pidfd, signo);
}

/* Does the leader, alive or a zombie, still reserve its number? The host may
   have reaped it just now, and the number may be a stranger's. */
static bool has_number (struct pexec__child *child) {
  struct pexec__status status;
  if (!child->is_reaped && pexec__wait(child->pidfd, false, &status) < 0)
    child->is_reaped = true;
  return !child->is_reaped;
}

/* By number only while it is its leader's. */
int pexec__group_signal (pexec_process *process, int signo) {
  struct pexec__child *child = &process->child;
  if (child->pidfd < 0)
    return -ESRCH;
  if (!process->supervisor->is_basic_kernel)
    return pexec__signal_group(child->pidfd, signo);
  return has_number(child) ? pexec__kill_group(child->pid, signo) : -ESRCH;
}

/* Surely empty? A number that was given back may be a stranger's by now:
   signal 0 does him no harm. */
static bool is_empty (pexec_process *process) {
  struct pexec__child *child = &process->child;
  if (child->pidfd < 0)
    return true;
  if (process->supervisor->is_basic_kernel)
    return child->is_reaped && pexec__kill_group(child->pid, 0) == -ESRCH;
  return pexec__signal_group(child->pidfd, 0) == -ESRCH;
}

/* {== its cgroup ========================================================= */

int pexec__group_signal_all (pexec_process *process, int signo) {
  int error = pexec__group_signal(process, signo);
  if (process->cgroup != NULL)
    pexec__cgroup_signal(process->cgroup, signo, process->child.pid);
  return error;
}

void pexec__group_kill (pexec_process *process) {
  (void)pexec__group_signal(process, SIGKILL);
  if (process->cgroup != NULL)
    pexec__cgroup_kill(process->cgroup);
}

/* Where that cannot be known, it counts as alive. */
static bool has_members (const pexec_process *process) {
  return process->cgroup != NULL &&
         pexec__cgroup_populated(process->cgroup) != 0;
}

static void set_cgroup (pexec_process *process, struct pexec__cgroup *cgroup) {
  struct pexec__mailbox *outbox = &process->supervisor->outbox;
  pexec__mailbox_lock(outbox);
  process->cgroup = cgroup;
  pexec__mailbox_unlock(outbox);
}

static void leave_cgroup (pexec_process *process) {
  struct pexec__cgroup *cgroup = process->cgroup;
  int error = pexec__cgroup_remove(cgroup);
  if (error < 0)
    pexec__log(process, PEXEC_WARN, "cannot remove its cgroup \"%s\": %s%s",
               cgroup->path, pexec_error_text(error), error == -EBUSY
               ? ": somebody is left in it" : "");
  set_cgroup(process, NULL);
  pexec__cgroup_drop(cgroup);
}

/* Of the one that it had the job has held another share. */
void pexec__group_confine (pexec_process *process,
                           struct pexec__cgroup *cgroup) {
  if (process->cgroup == cgroup) {
    pexec__cgroup_drop(cgroup);
    return;
  }
  if (process->cgroup != NULL)
    leave_cgroup(process);
  set_cgroup(process, cgroup);
}

/* Who is left by a one-shot is left alone, but it is still known as its. */
void pexec__group_disband (pexec_process *process) {
  if (process->cgroup == NULL)
    return;
  if (has_members(process))
    pexec__log(process, PEXEC_WARN, "its cgroup \"%s\" stays: processes are "
               "left in it", process->cgroup->path);
  else
    leave_cgroup(process);
}

void pexec__group_forsake (pexec_process *process) {
  if (process->cgroup != NULL)
    leave_cgroup(process);
}

/* {== the list of those that are waited for ============================== */

static void enlist (pexec_process *process) {
  pexec_supervisor *supervisor = process->supervisor;
  process->is_waiting = true;
  process->next_waiting = supervisor->waiting;
  supervisor->waiting = process;
}

static void arm (pexec_supervisor *supervisor, int64_t wait_ns) {
  pexec__timer_arm(supervisor->group_timer, pexec__now() + wait_ns);
}

/* On a basic kernel the first look is a pass over /proc: on the timer, so
   that those that die together share it. */
void pexec__group_await (pexec_process *process, int64_t until_ns) {
  pexec_supervisor *supervisor = process->supervisor;
  process->waiting_until_ns = until_ns;
  if (process->is_waiting)
    return;
  if (is_empty(process) && !has_members(process)) {
    pexec__stop_cleared(process);
    return;
  }
  enlist(process);
  supervisor->group_wait_ns = FIRST_WAIT_NS;
  arm(supervisor, supervisor->is_basic_kernel ? 0 : FIRST_WAIT_NS);
}

void pexec__group_forget (pexec_process *process) {
  pexec_process **place = &process->supervisor->waiting;
  if (!process->is_waiting)
    return;
  while (*place != process)
    place = &(*place)->next_waiting;
  *place = process->next_waiting;
  process->is_waiting = false;
}

static void mark_living (void *waiting, const struct pexec__living *one) {
  pexec_process *process = waiting;
  for (; process != NULL; process = process->next_waiting)
    if (process->child.pid == one->pgid)
      process->is_group_alive = true;
}

/* Where /proc cannot be read, those that may be alive count as alive. That
   the leader's zombie does not, is seen by giving its number back, as soon as
   no signal is to be sent any more. */
static bool may_be_alive (pexec_process *process) {
  if (!process->is_group_doubtful)
    return false;
  if (process->stage != PEXEC_STAGE_KILL)
    return true;
  pexec__exit_reap(process);
  return !is_empty(process);
}

static void look_at_all (pexec_process *waiting) {
  bool is_doubtful = false;
  pexec_process *process;
  for (process = waiting; process; process = process->next_waiting) {
    process->is_group_alive = has_members(process);
    process->is_group_doubtful = !is_empty(process);
    is_doubtful |= process->is_group_doubtful;
  }
  if (!is_doubtful || pexec__each_living(mark_living, waiting) == 0)
    return;
  for (process = waiting; process; process = process->next_waiting)
    process->is_group_alive |= may_be_alive(process);
}

/* Where there is no cgroup.kill, those that have forked meanwhile are yet to be
   killed. */
static void kill_again (const pexec_process *process) {
  bool is_killed = process->waiting_until_ns != 0 ||
                   process->stage == PEXEC_STAGE_KILL;
  if (is_killed && process->cgroup != NULL && process->cgroup->kill_fd < 0)
    pexec__cgroup_kill(process->cgroup);
}

/* Settles one that was taken off the list, or puts it back. */
static void judge (pexec_process *process, int64_t now_ns) {
  bool is_over = process->waiting_until_ns != 0 &&
                 now_ns >= process->waiting_until_ns;
  process->is_waiting = false;
  if (process->is_group_alive && !is_over) {
    enlist(process);
    kill_again(process);
    pexec__stop_others_left(process);
  }
  else
    pexec__stop_cleared(process);
}

void pexec__group_timer_due (void *owner) {
  pexec_supervisor *supervisor = owner;
  int64_t now_ns = pexec__now();
  pexec_process *process = supervisor->waiting;
  look_at_all(process);
  supervisor->waiting = NULL;
  while (process != NULL) {
    pexec_process *next = process->next_waiting;
    judge(process, now_ns);
    pexec__supervisor_settle(process);
    process = next;
  }
  if (supervisor->waiting == NULL)
    return;
  arm(supervisor, supervisor->group_wait_ns);
  if ((supervisor->group_wait_ns *= 2) > LONGEST_WAIT_NS)
    supervisor->group_wait_ns = LONGEST_WAIT_NS;
}
