/*
** The supervisor's thread: opens and closes with its loop, takes orders from
** the inbox and answers from the spawner, and keeps the list of processes.
*/

#include <errno.h>
#include <fcntl.h>

#include "core.h"
#include "spawner.h"
#include "thread.h"

#define CHUNKS_KEPT 40  /* a good part of what waits when all are busy */

/* {== the list of processes ============================================== */

static void enlist (pexec_process *process) {
  pexec_process **first = &process->supervisor->processes;
  process->next = *first;
  process->place = first;
  if (*first != NULL)
    (*first)->place = &process->next;
  *first = process;
}

static void delist (pexec_process *process) {
  if (process->place == NULL)
    return;
  *process->place = process->next;
  if (process->next != NULL)
    process->next->place = process->place;
  process->place = NULL;
}

/* Those that were never attached. */
static void free_programs (pexec_process *owner) {
  pexec_process *program;
  size_t number = 0;
  while ((program = pexec__program_next(owner, &number)) != NULL)
    pexec__process_free(program);
  pexec__free(owner->programs);
}

void pexec__process_free (pexec_process *process) {
  free_programs(process);
  pexec__news_silence(process);
  pexec__host_release(process->host);
  pexec__config_free(process->config);
  if (process->ledger != NULL && process->ledger->owner != NULL)
    process->ledger->owner = NULL;  /* else the host may look at it now */
  pexec__ledger_release(process->ledger);
  pexec__free(process->input);
  pexec__tail_free(&process->tail);
  pexec__free(process->start.message);
  pexec__free(process->restart.message);
  pexec__free(process->give_up_message);
  pexec__free(process->history);
  pexec__free(process->past.restarts_ns);
  pexec__free(process->orders.refusal);
  pexec__changes_free(&process->orders.changes);
  pexec__changes_free(&process->changes);
  pexec__free(process->report);
  pexec__free(process->stop_report);
  pexec__free(process->reopen_path);
  pexec__free(process->failure_message);
  pexec__free(process);
}

static void log_lost_lines (pexec_process *process) {
  uint64_t lost = process->lost_lines - process->lost_told +
                  atomic_exchange(&process->queued_lines, 0);
  process->lost_told = process->lost_lines;
  if (lost > 0)
    pexec__log(process, PEXEC_WARN, "%llu lines of output were not delivered",
               (unsigned long long)lost);
}

static void dispose (pexec_process *process);

/* One that still runs, killed as it is, is freed when it comes to rest. */
static void let_program_go (pexec_process *program) {
  program->owner->programs[program->number] = NULL;
  program->owner = NULL;
  program->is_released = true;
  if (pexec__process_is_at_rest(program) && !program->is_flushing)
    dispose(program);
}

static void let_programs_go (pexec_process *owner) {
  pexec_process *program;
  size_t number = 0;
  while ((program = pexec__program_next(owner, &number)) != NULL)
    if (program->place != NULL)
      let_program_go(program);
}

static void dispose (pexec_process *process) {
  let_programs_go(process);
  if (process->owner != NULL)
    process->owner->programs[process->number] = NULL;
  delist(process);
  pexec__exit_forget(process);
  pexec__group_forsake(process);
  pexec__output_close(process);
  pexec__input_close(process);
  log_lost_lines(process);
  pexec__outlets_let_go(process);
  pexec__timer_close(process->timer);
  pexec__process_free(process);
}

static void note_rest (pexec_process *process) {
  pexec_supervisor *supervisor = process->supervisor;
  if (!process->holds_up_closing)
    return;
  process->holds_up_closing = false;
  if (--supervisor->closing_left == 0)
    pexec__loop_stop(supervisor->loop);
}

void pexec__supervisor_settle (pexec_process *process) {
  if (!pexec__process_is_at_rest(process) || process->is_flushing)
    return;
  pexec__outlets_rest(process);
  note_rest(process);
  if (process->is_released)
    dispose(process);
}

/* {== orders ============================================================= */

static bool attach_one (pexec_process *process) {
  if (process->place == NULL)
    enlist(process);
  return process->timer != NULL ||
         pexec__timer_open(process->supervisor->loop,
                           pexec__process_timer_due, process,
                           &process->timer) >= 0;
}

/* What a process needs to be supervised, and to be stopped; false for want of
   memory: then it is in the list all the same, to be freed with the others.
   Its stop programs stand before it there: whoever goes through the list may
   free it with them. */
static bool attach (pexec_process *process) {
  pexec_process *program;
  size_t number = 0;
  bool is_attached = attach_one(process);
  while ((program = pexec__program_next(process, &number)) != NULL)
    is_attached = is_attached && attach_one(program);
  return is_attached;
}

static void carry_out (pexec_process *process, struct pexec__orders *orders) {
  if ((orders->set & PEXEC__ORDER_START) && !attach(process)) {
    orders->set &= ~(unsigned)PEXEC__ORDER_START;
    pexec__news_started(process, -ENOMEM, NULL);
    pexec__news_post(process, PEXEC__NEWS_ENDED);
  }
  pexec__process_obey(process, orders);
  pexec__supervisor_settle(process);
}

static pexec_process *next_ordered (pexec_supervisor *supervisor,
                                    struct pexec__orders *orders) {
  struct pexec__letter *letter;
  pexec_process *process = NULL;
  pexec__mailbox_lock(&supervisor->inbox);
  if ((letter = pexec__mailbox_take(&supervisor->inbox)) != NULL) {
    process = PEXEC__HOLDER(letter, pexec_process, letter);
    *orders = process->orders;
    process->orders = (struct pexec__orders){ .set = 0 };
  }
  pexec__mailbox_unlock(&supervisor->inbox);
  return process;
}

/* {== closing ============================================================ */

static void stop_looping (void *owner) {
  pexec_supervisor *supervisor = owner;
  pexec__loop_stop(supervisor->loop);
}

static int64_t longest_stop_ns (const pexec_supervisor *supervisor) {
  int64_t longest_ns = 0;
  for (const pexec_process *p = supervisor->processes; p; p = p->next)
    if (p->owner == NULL && p->config->policy->stop_timeout_ns > longest_ns)
      longest_ns = p->config->policy->stop_timeout_ns;
  return longest_ns;
}

/* All are asked to stop at once; then each that comes to rest counts down.
   Stop programs are their owners' business. */
static void begin_closing (pexec_supervisor *supervisor) {
  struct pexec__orders stop = { .set = PEXEC__ORDER_STOP };
  pexec_process *process, *next;
  supervisor->is_closing = true;
  pexec__outlets_hurry(supervisor);
  supervisor->closing_left = 1;  /* this function */
  pexec__timer_arm(supervisor->closing_timer, pexec__now() +
                   longest_stop_ns(supervisor) + PEXEC__PATIENCE);
  for (process = supervisor->processes; process; process = process->next) {
    process->holds_up_closing = (process->owner == NULL);
    supervisor->closing_left += process->holds_up_closing;
  }
  for (process = supervisor->processes; process; process = next) {
    next = process->next;
    pexec__output_resume(process);
    if (process->owner != NULL)
      continue;
    pexec__process_obey(process, &stop);
    pexec__supervisor_settle(process);
  }
  if (--supervisor->closing_left == 0)
    pexec__loop_stop(supervisor->loop);
}

/* {== the loop's callbacks =============================================== */

static void ring_alarm (void *owner) {
  pexec__supervisor_ring(owner);
}

static void set_alarm (pexec_supervisor *supervisor) {
  bool is_ordered;
  int64_t due_ns;
  pexec__mailbox_lock(&supervisor->inbox);
  is_ordered = supervisor->is_alarm_ordered;
  due_ns = supervisor->alarm_due_ns;
  supervisor->is_alarm_ordered = false;
  pexec__mailbox_unlock(&supervisor->inbox);
  if (is_ordered && due_ns < 0)
    pexec__timer_disarm(supervisor->alarm);
  else if (is_ordered)
    pexec__timer_arm(supervisor->alarm, due_ns);
}

static bool is_closing_ordered (pexec_supervisor *supervisor) {
  bool is_ordered;
  pexec__mailbox_lock(&supervisor->inbox);
  is_ordered = supervisor->is_closing_ordered;
  supervisor->is_closing_ordered = false;
  pexec__mailbox_unlock(&supervisor->inbox);
  return is_ordered;
}

static void on_wake (void *owner) {
  pexec_supervisor *supervisor = owner;
  struct pexec__orders orders;
  pexec_process *process;
  struct pexec__job *job;
  while ((job = pexec__spawner_answer(supervisor->spawner)) != NULL) {
    process = job->process;
    pexec__process_spawned(process);
    pexec__supervisor_settle(process);
  }
  while ((process = next_ordered(supervisor, &orders)) != NULL)
    carry_out(process, &orders);
  pexec__outlets_heed(supervisor);
  set_alarm(supervisor);
  if (is_closing_ordered(supervisor))
    begin_closing(supervisor);
}

void pexec__supervisor_wake (pexec_supervisor *supervisor) {
  pexec__loop_wake(supervisor->loop);
}

void pexec__supervisor_ring (pexec_supervisor *supervisor) {
  const uint64_t one = 1;
  if (supervisor->is_open)  /* an eventfd takes 2^64 - 2 before it refuses */
    (void)pexec__write(supervisor->event_fd, &one, sizeof one);
}

/* {== the thread ========================================================= */

/* What is still at the spawner is killed, so that it can be joined; an opener
   that it leaves behind opens nothing more then. */
static void *supervise (void *argument) {
  pexec_supervisor *supervisor = argument;
  pexec__loop_run(supervisor->loop);
  for (pexec_process *p = supervisor->processes; p != NULL; p = p->next)
    if (p->job != NULL)
      pexec__spawner_kill(supervisor->spawner, p->job);
  return NULL;
}

static int open_timers (pexec_supervisor *supervisor) {
  struct pexec__loop *loop = supervisor->loop;
  int error = pexec__timer_open(loop, pexec__group_timer_due, supervisor,
                                &supervisor->group_timer);
  if (error >= 0)
    error = pexec__timer_open(loop, ring_alarm, supervisor,
                              &supervisor->alarm);
  if (error >= 0)
    error = pexec__timer_open(loop, stop_looping, supervisor,
                              &supervisor->closing_timer);
  if (error >= 0)
    error = pexec__timer_open(loop, pexec__outlets_timer_due, supervisor,
                              &supervisor->outlet_timer);
  if (error >= 0)
    error = pexec__timer_open(loop, pexec__output_timer_due, supervisor,
                              &supervisor->rest_timer);
  if (error >= 0)
    error = pexec__timer_open(loop, pexec__losses_timer_due, supervisor,
                              &supervisor->loss_timer);
  return error;
}

static void close_timers (pexec_supervisor *supervisor) {
  pexec__timer_close(supervisor->group_timer);
  pexec__timer_close(supervisor->alarm);
  pexec__timer_close(supervisor->closing_timer);
  pexec__timer_close(supervisor->outlet_timer);
  pexec__timer_close(supervisor->rest_timer);
  pexec__timer_close(supervisor->loss_timer);
  supervisor->group_timer = supervisor->alarm = NULL;
  supervisor->closing_timer = supervisor->outlet_timer = NULL;
  supervisor->rest_timer = supervisor->loss_timer = NULL;
}

/* The processes let go first: what a writer that hangs has is not to be
   touched any more. */
static void close_writers (pexec_supervisor *supervisor, int64_t wait_ns) {
  struct pexec__writers *writers = supervisor->writers;
  pexec_process *process;
  for (process = supervisor->processes; process; process = process->next)
    log_lost_lines(process);
  supervisor->writers = NULL;  /* from here on nothing is put into a sink */
  for (process = supervisor->processes; process; process = process->next)
    pexec__outlets_let_go(process);
  pexec__writers_close(writers, &supervisor->sinks, pexec__now() + wait_ns);
}

static int start_spawner (pexec_supervisor *supervisor) {
  int error = pexec__writers_open(supervisor->loop, &supervisor->words,
                                  &supervisor->writers);
  if (error < 0)
    return error;
  error = pexec__spawner_open(supervisor->loop, &supervisor->spawner);
  if (error < 0)
    close_writers(supervisor, 0);
  return error;
}

static int start_threads (pexec_supervisor *supervisor) {
  int error = open_timers(supervisor);
  if (error >= 0)
    error = start_spawner(supervisor);
  if (error < 0)
    return error;
  supervisor->is_open = true;  /* before the thread reads it */
  error = pexec__thread_start(&supervisor->thread, "pexec", supervise,
                              supervisor);
  if (error >= 0)
    return 0;
  supervisor->is_open = false;
  pexec__spawner_close(supervisor->spawner);
  close_writers(supervisor, 0);
  return error;
}

/* What was posted before there was a bell to ring. */
static void ring_for_earlier (pexec_supervisor *supervisor) {
  bool is_waiting;
  pexec__mailbox_lock(&supervisor->outbox);
  is_waiting = (supervisor->outbox.first != NULL);
  pexec__mailbox_unlock(&supervisor->outbox);
  if (is_waiting)
    pexec__supervisor_ring(supervisor);
}

int pexec__supervisor_open (pexec_supervisor *supervisor) {
  int error = -ENOMEM;
  if (supervisor->is_open)
    return 0;
  if (pexec__kernel_lacks() != NULL)
    return PEXEC_EUNSUPPORTED;
  if (supervisor->pool == NULL)
    supervisor->pool = pexec__pool_new(CHUNKS_KEPT);
  if (supervisor->pool == NULL)
    return error;
  if ((error = supervisor->event_fd = pexec__eventfd()) < 0)
    return error;
  if ((error = supervisor->null_fd =
               pexec__open("/dev/null", O_RDWR, 0)) < 0)
    goto close_event;
  error = pexec__loop_open(&supervisor->loop, on_wake, supervisor);
  if (error < 0)
    goto close_null;
  supervisor->owner_pid = supervisor->pool->owner_pid = pexec__self();
  supervisor->is_basic_kernel = pexec__kernel_is_basic();
  if ((error = start_threads(supervisor)) >= 0) {
    ring_for_earlier(supervisor);
    return 0;
  }
  close_timers(supervisor);
  pexec__loop_close(supervisor->loop);
close_null:
  pexec__close(supervisor->null_fd);
close_event:
  pexec__close(supervisor->event_fd);
  return error;
}

static void free_sinks (pexec_supervisor *supervisor) {
  while (supervisor->sinks != NULL)
    pexec__sink_delist(supervisor, supervisor->sinks);
}

/* With the threads joined, everything is this thread's, but for what those
   that hang on a disk have: that is theirs alone. */
void pexec__supervisor_shut (pexec_supervisor *supervisor) {
  pexec__mailbox_lock(&supervisor->inbox);
  supervisor->is_closing_ordered = true;
  pexec__mailbox_unlock(&supervisor->inbox);
  pexec__supervisor_wake(supervisor);
  pexec__thread_join(supervisor->thread);
  pexec__spawner_close(supervisor->spawner);
  close_writers(supervisor, PEXEC__PATIENCE);
  while (supervisor->processes != NULL)
    dispose(supervisor->processes);
  close_timers(supervisor);
  pexec__loop_close(supervisor->loop);
  pexec__close(supervisor->null_fd);
  pexec__close(supervisor->event_fd);
  free_sinks(supervisor);
  pexec__census_close(&supervisor->census);
  supervisor->is_open = false;
}
