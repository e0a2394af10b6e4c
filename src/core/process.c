/*
** One process: what happens to it is fed to the machine, and what the machine
** answers is carried out here. The supervisor's thread.
*/

#include <errno.h>
#include <signal.h>

#include "core.h"
#include "spawner.h"

/* {== starting =========================================================== */

static bool has_names (const struct pexec__config *config) {
  return config->username != NULL || config->rights->group != NULL ||
         config->rights->supplementary_groups != NULL;
}

/* It has files to open, or a user or group to ask a name service for. */
static bool may_hang (const struct pexec__job *job) {
  return job->config->input.source == PEXEC_FROM_FILE ||
         has_names(job->config) ||
         job->config->environment_files[0] != NULL ||
         job->plan.fds[1] < 0 || job->plan.fds[2] < 0 ||
         job->opening_count > 0;
}

static void fill_plan (pexec_process *process, struct pexec__job *job) {
  struct pexec__plan *plan = &job->plan;
  int umask = job->config->rights->umask;
  plan->fds[0] = pexec__input_fd(process);
  plan->fds[1] = pexec__output_fd(process, 0);
  plan->fds[2] = pexec__output_fd(process, 1);
  plan->umask = umask >= 0 ? umask : process->umask;
}

static int open_pipes (pexec_process *process) {
  int error = pexec__output_open(process);
  return error < 0 ? error : pexec__input_open(process);
}

static int submit (pexec_process *process) {
  struct pexec__config *config = pexec__preparing_config(process);
  struct pexec__job *job;
  int error = open_pipes(process);
  if (error < 0)
    return error;
  if ((error = pexec__job_new(process, config, &job)) < 0)
    return error;
  fill_plan(process, job);
  job->may_hang = may_hang(job);
  process->job = job;
  pexec__output_hold(process, true);
  pexec__spawner_submit(process->supervisor->spawner, job);
  return 0;
}

void pexec__process_fail_start (pexec_process *process, int error,
                                char *message) {
  pexec__input_end(process);
  pexec__free(process->failure_message);
  process->failure = error;
  process->failure_message = message;
  if (process->is_restart)
    pexec__death_respawn_failed(process);
  else
    pexec__process_feed(process, PEXEC__ON_SPAWN_FAILED);
}

static void try_to_spawn (pexec_process *process) {
  const struct pexec__config *config = process->config;
  const char *path;
  int error = pexec__outlets_take(process, &path);
  if (error == PEXEC_EINVALID_CONFIG)
    pexec__process_fail_start(process, error,
        pexec__log_failure(config, path, PEXEC__FLAW_NONE, error));
  else if (error < 0 || (error = submit(process)) < 0)
    pexec__process_fail_start(process, error,
        pexec__plan_failure(NULL, config, PEXEC__STEP_PIPES, error));
}

static void do_spawn (pexec_process *process) {
  process->attempted_at_ns = pexec__now();
  process->stage = PEXEC_STAGE_NONE;
  process->stage_number = 0;
  if (process->deadline_ns != 0)
    pexec__timer_arm(process->timer, process->deadline_ns);
  try_to_spawn(process);
}

/* A file that its child was to write itself is a FIFO: a pipe and a sink take
   its place, from now on. */
static void spawn_with_pipe (pexec_process *process) {
  process->has_fifo = true;
  pexec__input_end(process);
  pexec__outlets_let_go(process);
  try_to_spawn(process);
}

/* What cannot be watched cannot be owned: it is not kept. */
static int adopt (pexec_process *process, const struct pexec__job *job) {
  int error;
  process->child = (struct pexec__child){
    .pid = job->pid, .pidfd = job->pidfd, .started_at_ns = job->spawned_at_ns,
    .started_wall_ns = pexec__wall_now() -
                       (pexec__now() - job->spawned_at_ns),
    .host_rss = pexec__own_max_rss(),
  };
  if ((error = pexec__exit_watch(process)) >= 0)
    return 0;
  (void)pexec__group_signal(process, SIGKILL);
  if (job->cgroup != NULL)
    pexec__cgroup_kill(job->cgroup);
  pexec__exit_discard(job->pidfd);
  process->child = (struct pexec__child){ .pidfd = -1 };
  return error;
}

static char *take_message (struct pexec__job *job) {
  char *message = job->message;
  job->message = NULL;
  return message;
}

/* One that was taken back failed for the reason of that. */
static int judge_answer (const pexec_process *process,
                         struct pexec__job *job) {
  if (job->error != -ECANCELED || process->cancel_reason == 0)
    return job->error;
  pexec__free(take_message(job));
  return process->cancel_reason;
}

void pexec__process_spawned (pexec_process *process) {
  struct pexec__job *job = process->job;
  int error = judge_answer(process, job);
  process->job = NULL;
  pexec__output_hold(process, false);
  if (job->found_umask >= 0)
    process->umask = job->found_umask;
  if (job->error >= 0)
    pexec__outlets_adopt(process);  /* also where the child is not kept: it
                                       may have written */
  if (error >= 0)
    error = adopt(process, job);
  if (job->found_fifo && process->phase == PEXEC__STARTING) {
    spawn_with_pipe(process);
    pexec__job_free(job);
    return;
  }
  pexec__preparing_end(process);
  if (error >= 0) {
    pexec__group_confine(process, job->cgroup);
    job->cgroup = NULL;
    process->starts++;
    pexec__process_feed(process, PEXEC__ON_SPAWNED);
    pexec__input_begin(process);
  }
  else {
    pexec__job_leave_cgroup(job);
    pexec__process_fail_start(process, error, take_message(job));
  }
  pexec__job_free(job);
}

static void do_announce (pexec_process *process) {
  pexec__transition_started(process);
  if (!process->is_restart)
    pexec__news_started(process, 0, NULL);
  else
    pexec__log(process, PEXEC_INFO, "restarted as process %d",
               process->child.pid);
  pexec__process_answer_restart(process, 0, NULL);
  if (process->cancel_reason != 0)  /* it came too late for the spawner */
    pexec__group_kill(process);
}

void pexec__process_answer_restart (pexec_process *process, int error,
                                    char *message) {
  if (process->has_restart_waiter)
    pexec__news_restarted(process, error, message);
  else
    pexec__free(message);
  process->has_restart_waiter = false;
}

static char *take_failure (pexec_process *process) {
  char *message = process->failure_message;
  process->failure_message = NULL;
  return message;
}

/* {== ends =============================================================== */

static void come_to_rest (pexec_process *process) {
  if (process->owner != NULL)
    pexec__program_rests(process);
  pexec__timer_disarm(process->timer);
  pexec__exit_forget(process);
  pexec__group_disband(process);
  pexec__output_end(process);
  pexec__losses_tell(process);
  pexec__news_snapshot(process);
}

static void post_end (pexec_process *process) {
  if (process->owes_end)
    pexec__news_post(process, PEXEC__NEWS_ENDED);
  process->owes_end = false;
}

void pexec__process_end (pexec_process *process) {
  come_to_rest(process);
  post_end(process);
}

/* A restart that was ordered meanwhile has come to the same. */
static void do_refuse (pexec_process *process) {
  char *message = take_failure(process), *copy = pexec__strdup(message);
  come_to_rest(process);
  pexec__news_started(process, process->failure, message);
  pexec__process_answer_restart(process, process->failure, copy);
  post_end(process);
}

/* A one-shot that was cancelled before it was made. */
static void do_cut_short (pexec_process *process) {
  process->failure = process->cancel_reason;
  do_refuse(process);
}

static void do_end (pexec_process *process) {
  pexec__output_drain(process);
  pexec__transition_exited(process);
  if (process->config->policy->is_one_shot)
    pexec__news_post(process, PEXEC__NEWS_EXITED);
  pexec__process_answer_restart(process, process->failure,  /* a veto */
                                take_failure(process));
  pexec__process_end(process);
}

static void do_end_stop (pexec_process *process) {
  pexec__output_drain(process);
  pexec__transition_exited(process);
  if (process->config->policy->is_one_shot && process->child.is_dead)
    pexec__news_post(process, PEXEC__NEWS_EXITED);
  come_to_rest(process);
  pexec__transition_stopped(process);
  pexec__process_answer_restart(process, PEXEC_EALREADY_STOPPED, NULL);
  if (process->has_stop_waiter)
    pexec__news_stopped(process, 0);
  process->has_stop_waiter = false;
  process->stage = PEXEC_STAGE_NONE;
  process->stage_number = 0;
  post_end(process);
}

static void do_abandon (pexec_process *process) {
  if (!process->is_restart)
    pexec__news_started(process, PEXEC_EALREADY_STOPPED, NULL);
  do_end_stop(process);
}

/* {== stops ============================================================== */

static void do_halt (pexec_process *process) {
  process->halted_until_ns = 0;
  pexec__spawner_recall(process->supervisor->spawner, process->job);
  process->stop_began_at_ns = pexec__now();
  pexec__timer_arm(process->timer, process->stop_began_at_ns +
                   process->config->policy->stop_timeout_ns);
}

/* What is being made hangs in the kernel: on a dead disk or network file
   system, from which its program or one of its files is to come. */
static void give_up_halting (pexec_process *process) {
  pexec__log(process, PEXEC_ERROR, "its start still hangs a second after "
             "SIGKILL, perhaps on a disk that does not answer");
  pexec__process_answer_restart(process, PEXEC_ESTOP_TIMEOUT, NULL);
  if (process->has_stop_waiter)
    pexec__news_stopped(process, PEXEC_ESTOP_TIMEOUT);
  process->has_stop_waiter = false;
}

static void do_halt_now (pexec_process *process) {
  int64_t now_ns = pexec__now();
  if (process->halted_until_ns != 0 && now_ns >= process->halted_until_ns) {
    give_up_halting(process);
    return;
  }
  process->stage = PEXEC_STAGE_KILL;
  process->halted_until_ns = now_ns + PEXEC__PATIENCE;
  pexec__timer_arm(process->timer, process->halted_until_ns);
  pexec__spawner_kill(process->supervisor->spawner, process->job);
}

/* From HALTING the start that was under way is answered first. */
static void do_begin_stop (pexec_process *process) {
  bool kill = (process->stage == PEXEC_STAGE_KILL);
  if (process->is_halted)
    pexec__transition_started(process);
  pexec__transition_stopping(process);
  if (process->is_halted && !process->is_restart)
    pexec__news_started(process, PEXEC_EALREADY_STOPPED, NULL);
  process->is_halted = false;
  if (kill)
    pexec__stop_kill(process);
  else
    pexec__stop_begin(process);
}

static void do_begin_kill (pexec_process *process) {
  pexec__transition_stopping(process);
  pexec__stop_kill(process);
}

/* Its output goes on in the same pipes; its failures are forgotten, since
   somebody has seen to it. */
static void do_renew (pexec_process *process) {
  pexec__timer_disarm(process->timer);
  if (!pexec__output_is_starved(process))
    pexec__output_drain(process);
  pexec__exit_forget(process);
  pexec__past_clear(&process->past);
  pexec__transition_restarting(process, 0);
  process->is_restart = true;
  pexec__preparing_begin(process);
}

static void do_deny (pexec_process *process) {
  pexec__process_answer_restart(process, PEXEC_EPROCESS_DONE, NULL);
}

static void mark (pexec_process *process) {
  if (process->cancel_reason == 0)
    process->cancel_reason = PEXEC_EDEADLINE_EXCEEDED;  /* the timer's */
}

static void do_cut_start (pexec_process *process) {
  mark(process);
  pexec__spawner_kill(process->supervisor->spawner, process->job);
}

static void do_kill_group (pexec_process *process) {
  mark(process);
  pexec__group_kill(process);
}

/* {== the machine ======================================================== */

static void do_nothing (pexec_process *process) {
  (void)process;
}

static void do_never (pexec_process *process) {
  pexec__log(process, PEXEC_ERROR, "an event came that cannot come in state "
             "%s: please report this", pexec__phase_name(process->phase));
}

typedef void verb (pexec_process *process);

/* ORDER ACTION: by name, so any order will do */
static verb *const verbs[PEXEC__ACTION_COUNT] = {
  [PEXEC__DO_HOLE] = do_never,
  [PEXEC__DO_NEVER] = do_never,
  [PEXEC__DO_IGNORE] = do_nothing,
  [PEXEC__DO_PREPARE] = pexec__preparing_begin,
  [PEXEC__DO_GO_ON] = pexec__preparing_go_on,
  [PEXEC__DO_SPAWN] = do_spawn,
  [PEXEC__DO_ANNOUNCE] = do_announce,
  [PEXEC__DO_REFUSE] = do_refuse,
  [PEXEC__DO_CUT_SHORT] = do_cut_short,
  [PEXEC__DO_RETRY] = pexec__death_retry,
  [PEXEC__DO_HALT] = do_halt,
  [PEXEC__DO_HALT_NOW] = do_halt_now,
  [PEXEC__DO_ABANDON] = do_abandon,
  [PEXEC__DO_CUT_START] = do_cut_start,
  [PEXEC__DO_KILL_GROUP] = do_kill_group,
  [PEXEC__DO_ASK] = pexec__death_ask,
  [PEXEC__DO_OVERRULE] = pexec__death_overrule,
  [PEXEC__DO_CLEAR] = pexec__death_clear,
  [PEXEC__DO_DELAY] = pexec__death_delay,
  [PEXEC__DO_END] = do_end,
  [PEXEC__DO_GIVE_UP] = pexec__death_give_up,
  [PEXEC__DO_BEGIN_STOP] = do_begin_stop,
  [PEXEC__DO_BEGIN_KILL] = do_begin_kill,
  [PEXEC__DO_NEXT_STAGE] = pexec__stop_next_stage,
  [PEXEC__DO_NOTE_LEFT] = pexec__stop_leader_left,
  [PEXEC__DO_JOIN_STOP] = pexec__stop_join,
  [PEXEC__DO_END_STOP] = do_end_stop,
  [PEXEC__DO_RENEW] = do_renew,
  [PEXEC__DO_DENY] = do_deny,
};

static void enter (pexec_process *process, enum pexec__phase phase) {
  if (pexec__phase_state(phase) != pexec__phase_state(process->phase))
    process->since_ns = pexec__wall_now();
  process->phase = phase;
  process->restart_at_ns = 0;
  pexec__news_snapshot(process);
}

/* The phase changes before its action, so that the action may feed on. */
void pexec__process_feed (pexec_process *process, enum pexec__event event) {
  struct pexec__step step = pexec__machine_step(process->phase, event);
  if (process->phase != (enum pexec__phase)step.next)
    enter(process, (enum pexec__phase)step.next);
  verbs[step.action](process);
}

void pexec__process_timer_due (void *owner) {
  pexec_process *process = owner;
  pexec__process_feed(process, PEXEC__ON_DUE);
  pexec__supervisor_settle(process);
}

bool pexec__process_is_at_rest (const pexec_process *process) {
  return process->phase == PEXEC__IDLE || process->phase == PEXEC__STOPPED ||
         process->phase == PEXEC__EXITED || process->phase == PEXEC__FAILED;
}

/* {== orders ============================================================= */

static void begin (pexec_process *process,
                   const struct pexec__orders *orders) {
  process->is_restart = false;
  process->owes_end = true;
  process->cancel_reason = 0;
  process->deadline_ns = orders->deadline_ns;
  process->delay_ns = -1;
  pexec__past_clear(&process->past);
  pexec__process_feed(process, PEXEC__ON_START);
}

static void cancel (pexec_process *process, int reason) {
  if (!process->config->policy->is_one_shot)
    return;
  if (process->cancel_reason == 0 && !pexec__process_is_at_rest(process))
    process->cancel_reason = reason;
  pexec__process_feed(process, PEXEC__ON_CANCEL);
}

/* Who asks again, when what hangs was given up, is answered a second later. */
static void ask_again (pexec_process *process) {
  int64_t now_ns = pexec__now();
  if (process->halted_until_ns == 0 || now_ns < process->halted_until_ns)
    return;
  process->halted_until_ns = now_ns + PEXEC__PATIENCE;
  pexec__timer_arm(process->timer, process->halted_until_ns);
}

static void stop (pexec_process *process, enum pexec__event event) {
  if (process->phase == PEXEC__HALTING)
    ask_again(process);
  process->is_halted = (process->phase == PEXEC__STARTING ||
                        process->phase == PEXEC__HALTING);
  process->has_stop_waiter |= (event == PEXEC__ON_STOP);
  pexec__process_feed(process, event);
}

static void restart (pexec_process *process) {
  process->has_restart_waiter = true;
  pexec__process_feed(process, PEXEC__ON_RESTART);
}

/* What is in the pipe was written before, and is to be in the old files. */
static void reopen (pexec_process *process) {
  pexec__output_catch_up(process);
  pexec__outlets_reopen(process);
  pexec__news_reopened(process);
}

/* Nobody is left to consume, or to decide. */
static void release (pexec_process *process) {
  process->is_released = true;
  pexec__output_resume(process);
  pexec__death_release(process);
  pexec__preparing_release(process);
  pexec__stop_release(process);
}

/* Of those that come together a stop is obeyed before a decision: what would
   start is not to. */
void pexec__process_obey (pexec_process *process,
                          struct pexec__orders *orders) {
  unsigned set = orders->set;
  pexec__preparing_configure(process, &orders->changes);
  if (set & PEXEC__ORDER_START)
    begin(process, orders);
  if (set & PEXEC__ORDER_WRITE)
    pexec__input_take(process);
  if (set & PEXEC__ORDER_SIGNAL)
    pexec__sending_take(process);
  if (set & PEXEC__ORDER_CANCEL)
    cancel(process, orders->reason);
  if (set & PEXEC__ORDER_RESTART)
    restart(process);
  if (set & PEXEC__ORDER_STOP)
    stop(process, PEXEC__ON_STOP);
  if (set & PEXEC__ORDER_KILL)
    stop(process, PEXEC__ON_KILL);
  if (set & PEXEC__ORDER_PREPARED)
    pexec__preparing_answer(process, orders);
  else
    pexec__free(orders->refusal);  /* of an earlier life's */
  if (set & PEXEC__ORDER_ADVANCE)
    pexec__stop_advance(process, orders->ticket);
  if (set & PEXEC__ORDER_DECIDE)
    pexec__death_decided(process, &orders->verdict);
  if (set & PEXEC__ORDER_RESUME)
    pexec__output_resume(process);
  if (set & PEXEC__ORDER_REOPEN)
    reopen(process);
  if (set & PEXEC__ORDER_RELEASE)
    release(process);
}
