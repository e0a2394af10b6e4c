/*
** A stop: carries out its plan, stage by stage, and at the end SIGKILL to the
** group. programs.c has the stages that run a program. The supervisor's
** thread.
*/

#include <errno.h>
#include <signal.h>

#include "core.h"

static const struct pexec__stop_plan *plan_of (const pexec_process *process) {
  return &process->config->stop;
}

/* {== signals ============================================================ */

/* The kernel takes these back out of the queue when a SIGCONT comes. */
static bool is_undone_by_cont (int signo) {
  return signo == SIGTSTP || signo == SIGTTIN || signo == SIGTTOU;
}

typedef int sender (pexec_process *process, int signo);

/* A stopped process takes no signal but SIGKILL before it goes on: it is told
   to, after the signal where that can be, so that it does nothing between. */
static int send_stop (pexec_process *process, int signo, sender *send) {
  int error;
  if (is_undone_by_cont(signo))
    (void)send(process, SIGCONT);
  error = send(process, signo);
  if (!is_undone_by_cont(signo))
    (void)send(process, SIGCONT);
  return error;
}

static void signal_group (pexec_process *process, int signo) {
  (void)send_stop(process, signo, pexec__group_signal_all);
}

static void signal_leader (pexec_process *process, int signo) {
  int error = send_stop(process, signo, pexec__group_signal_leader);
  pexec__log(process, PEXEC_INFO, "stopping process %d with %s",
             process->child.pid, pexec_signal_name(signo));
  if (error < 0 && error != -ESRCH)
    pexec__log(process, PEXEC_ERROR, "cannot send %s to process %d: %s",
               pexec_signal_name(signo), process->child.pid,
               pexec_error_text(error));
}

/* {== stages ============================================================= */

/* What a stop that ends now has come to. */
static void reach (pexec_process *process, enum pexec_stage stage) {
  process->stage = stage;
  process->stage_number = plan_of(process)->is_given
                        ? (int)process->course.next : 0;
}

static void begin_signal (pexec_process *process, int signo) {
  reach(process, PEXEC_STAGE_PROCESS);
  signal_leader(process, signo);
}

static void begin_group_signal (pexec_process *process, int signo) {
  pexec__log(process, PEXEC_INFO, "stopping process group %d with %s",
             process->child.pid, pexec_signal_name(signo));
  reach(process, PEXEC_STAGE_GROUP);
  signal_group(process, signo);
}

static void begin_program (pexec_process *process) {
  reach(process, PEXEC_STAGE_RUN);
  pexec__program_begin(process, process->course.next - 1);
}

/* While the supervisor closes no Lua runs. */
static void begin_call (pexec_process *process) {
  if (process->is_released || process->supervisor->is_closing) {
    pexec__stop_cut_short(process);
    return;
  }
  reach(process, PEXEC_STAGE_CALL);
  pexec__log(process, PEXEC_INFO, "stopping process %d: the host is called",
             process->child.pid);
  pexec__news_call(process, ++process->calls);
}

static void end_call (pexec_process *process) {
  if (process->call_ticket != 0)
    pexec__news_call(process, 0);
}

static void leave_stage (pexec_process *process) {
  process->is_cut_short = false;
  pexec__program_end(process);
  end_call(process);
}

/* A process that has gone cannot be asked any more, only its group; its time
   passes. */
static void take_stage (pexec_process *process) {
  const struct pexec__stage *stage =
      pexec__course_stage(&process->course, plan_of(process));
  pexec__timer_arm(process->timer, process->course.due_ns);
  if (stage->kind == PEXEC_SIGNAL_GROUP)
    begin_group_signal(process, stage->signo);
  else if (process->child.is_dead)
    return;
  else if (stage->kind == PEXEC_SIGNAL_PROCESS)
    begin_signal(process, stage->signo);
  else if (stage->kind == PEXEC_RUN)
    begin_program(process);
  else
    begin_call(process);
}

static void go_on (pexec_process *process) {
  struct pexec__course *course = &process->course;
  const struct pexec__stop_plan *plan = plan_of(process);
  bool goes_on = process->is_cut_short
               ? pexec__course_cut_short(course, plan, pexec__now())
               : pexec__course_go_on(course, plan);
  leave_stage(process);
  if (goes_on)
    take_stage(process);
  else
    pexec__stop_kill(process);
}

/* The timer may still be that of a decision. */
void pexec__stop_begin (pexec_process *process) {
  process->stop_began_at_ns = pexec__now();
  process->has_given_up = false;
  process->stage_number = 0;
  process->has_seen_others = false;
  pexec__course_begin(&process->course, process->stop_began_at_ns);
  pexec__timer_disarm(process->timer);
  if (process->child.is_dead)
    pexec__stop_leader_left(process);
  else
    go_on(process);
}

void pexec__stop_cut_short (pexec_process *process) {
  process->is_cut_short = true;
  pexec__timer_arm(process->timer, pexec__now());
}

/* {== when the process has gone ========================================== */

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
  const struct pexec__stage *stage =
      pexec__course_for_others(&process->course, plan_of(process));
  pexec__news_snapshot(process);  /* its number is not to be told any more */
  report_exit(process);
  if (stage != NULL)
    signal_group(process, stage->signo);
  pexec__group_await(process, 0);
}

static void jump (pexec_process *process) {
  pexec__course_jump(&process->course, plan_of(process));
  leave_stage(process);
  pexec__timer_arm(process->timer, process->course.due_ns);
  reach(process, PEXEC_STAGE_GROUP);
}

static bool is_under_way (const pexec_process *process) {
  return process->phase == PEXEC__STOPPING ||
         process->phase == PEXEC__CYCLING;
}

void pexec__stop_others_left (pexec_process *process) {
  struct pexec__course *course = &process->course;
  if (!is_under_way(process) || process->has_seen_others ||
      process->stage == PEXEC_STAGE_KILL)
    return;
  process->has_seen_others = true;
  if (pexec__course_for_others(course, plan_of(process)) != NULL)
    jump(process);
  else if (course->next == 0)
    go_on(process);
}

/* Its group is; what its stop ran may take a moment more. */
void pexec__stop_cleared (pexec_process *process) {
  leave_stage(process);
  process->is_cleared = is_under_way(process) &&
                        pexec__programs_are_running(process);
  if (process->is_cleared)
    pexec__timer_arm(process->timer, pexec__now() + PEXEC__PATIENCE);
  else
    pexec__process_feed(process, PEXEC__ON_CLEARED);
}

/* It has ended, or is in the kernel's hands. */
static void finish (pexec_process *process) {
  process->is_cleared = false;
  if (pexec__programs_are_running(process))
    pexec__log(process, PEXEC_ERROR, "its stop program is still alive a "
               "second after SIGKILL");
  pexec__process_feed(process, PEXEC__ON_CLEARED);
}

/* {== the end ============================================================ */

static bool is_asked_for_survivors (const pexec_process *process) {
  return plan_of(process)->is_given && process->has_stop_waiter &&
         !process->supervisor->is_closing;
}

/* The time for it counts from now, so that a kill that is ordered has as
   much as one at the end of the stages. */
void pexec__stop_kill (pexec_process *process) {
  if (process->is_cleared)  /* what is left is being killed */
    return;
  leave_stage(process);
  pexec__course_end(&process->course, plan_of(process));
  process->stage = PEXEC_STAGE_KILL;
  process->stage_number = 0;
  process->has_given_up = false;
  if (is_asked_for_survivors(process))
    pexec__survivors_note(process);
  else
    pexec__survivors_forget(process);
  pexec__log(process, PEXEC_WARN, "killing process group %d",
             process->child.pid);
  pexec__group_kill(process);
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
  if (!process->supervisor->is_closing)
    pexec__survivors_note(process);
  pexec__process_answer_restart(process, PEXEC_ESTOP_TIMEOUT,
                                pexec__survivors_text(process));
  if (process->has_stop_waiter)
    pexec__news_stopped(process, PEXEC_ESTOP_TIMEOUT);
  process->has_stop_waiter = false;
}

void pexec__stop_next_stage (pexec_process *process) {
  if (process->is_cleared)
    finish(process);
  else if (process->stage == PEXEC_STAGE_KILL)
    give_up(process);
  else
    go_on(process);
}

static bool is_in_call (const pexec_process *process) {
  return process->call_ticket != 0;
}

void pexec__stop_join (pexec_process *process) {
  if (process->has_given_up)
    pexec__stop_kill(process);
  else if (process->supervisor->is_closing && is_in_call(process))
    pexec__stop_cut_short(process);
}

void pexec__stop_advance (pexec_process *process, uint64_t ticket) {
  if (is_in_call(process) && process->call_ticket == ticket)
    pexec__stop_cut_short(process);
}

void pexec__stop_release (pexec_process *process) {
  if (is_in_call(process))
    pexec__stop_cut_short(process);
}
