/*
** What the host orders: it goes into the inbox, and never blocks. What an
** order says is given under the same lock, since the supervisor may take both
** before this thread goes on. The host's thread.
*/

#include <errno.h>
#include <string.h>

#include "core.h"

#define LONGEST_DELAY_MS (INT64_C(1) << 40)  /* 35 years: in ns it fits */

/* {== any order =========================================================== */

static bool was_started (const pexec_process *process) {
  return process->host != NULL;
}

static void order (pexec_process *process, enum pexec__order what,
                   int64_t deadline_ns, int reason) {
  pexec_supervisor *supervisor = process->supervisor;
  bool was_empty;
  pexec__mailbox_lock(&supervisor->inbox);
  if (what == PEXEC__ORDER_START) {
    /* what is left was about an earlier run; but these have an answer, or
       are about this one */
    process->orders.set &= PEXEC__ORDER_REOPEN | PEXEC__ORDER_RESTART |
                           PEXEC__ORDER_CONFIGURE;
    process->orders.deadline_ns = deadline_ns;
  }
  process->orders.set |= what;
  if (what == PEXEC__ORDER_CANCEL)
    process->orders.reason = reason;
  was_empty = pexec__mailbox_post(&supervisor->inbox, &process->letter);
  pexec__mailbox_unlock(&supervisor->inbox);
  if (was_empty)
    pexec__supervisor_wake(supervisor);
}

/* What its stop runs has the same. */
static void share_host (pexec_process *process) {
  pexec_process *program;
  size_t number = 0;
  while ((program = pexec__program_next(process, &number)) != NULL)
    program->host = pexec__host_retain(process->host);
}

static int take_host (pexec_process *process) {
  pexec_supervisor *supervisor = process->supervisor;
  int error = pexec__host_take(supervisor->host, &process->host);
  if (error < 0)
    return error;
  share_host(process);
  if (process->host == supervisor->host)
    return 0;
  pexec__host_release(supervisor->host);
  supervisor->host = pexec__host_retain(process->host);
  return 0;
}

/* {== starting and stopping =============================================== */

int pexec_process_start (pexec_process *process, int64_t timeout_ms) {
  int64_t deadline_ns = 0;
  int error = 0;
  if (pexec__is_forked(process->supervisor))
    return PEXEC_EFORKED;
  if (process->is_final)
    return PEXEC_EALREADY_STOPPED;
  if (process->is_active)
    return PEXEC_EALREADY_STARTED;
  if ((error = pexec__supervisor_open(process->supervisor)) < 0)
    return error;
  if (!was_started(process) && (error = take_host(process)) < 0)
    return error;
  if (timeout_ms >= 0 && process->config->policy->is_one_shot)
    deadline_ns = pexec__door_due_in(timeout_ms);
  process->is_active = true;
  order(process, PEXEC__ORDER_START, deadline_ns, 0);
  return 0;
}

/* Of one that never was started nobody else knows: what a stop answers is
   posted here. */
static void stop_unstarted (pexec_process *process, bool answers) {
  struct pexec__mailbox *outbox = &process->supervisor->outbox;
  pexec__transition_stopped(process);
  pexec__mailbox_lock(outbox);
  process->known.state = PEXEC_STOPPED;
  if (answers)
    (void)pexec__mailbox_post(outbox, &process->news[PEXEC__NEWS_STOPPED]);
  pexec__mailbox_unlock(outbox);
  if (answers)
    pexec__supervisor_ring(process->supervisor);
}

static int order_end (pexec_process *process, enum pexec__order what) {
  if (pexec__is_forked(process->supervisor))
    return PEXEC_EFORKED;
  process->is_final = true;
  if (was_started(process))
    order(process, what, 0, 0);
  else
    stop_unstarted(process, what == PEXEC__ORDER_STOP);
  return 0;
}

int pexec_process_stop (pexec_process *process) {
  return order_end(process, PEXEC__ORDER_STOP);
}

int pexec_process_kill_group (pexec_process *process) {
  return order_end(process, PEXEC__ORDER_KILL);
}

static int order_started (pexec_process *process, enum pexec__order what,
                          int reason) {
  if (pexec__is_forked(process->supervisor))
    return PEXEC_EFORKED;
  if (!was_started(process))
    return PEXEC_ENOT_STARTED;
  order(process, what, 0, reason);
  return 0;
}

int pexec_process_cancel (pexec_process *process, int reason) {
  return order_started(process, PEXEC__ORDER_CANCEL, reason);
}

/* {== answers of the host ================================================= */

/* What an order says is given with it: the supervisor may take both before
   this thread goes on. An answer to an earlier death takes no other's
   place. */
static void note_verdict (pexec_process *process, uint64_t run,
                          enum pexec_decision decision, int64_t delay_ms) {
  pexec_supervisor *supervisor = process->supervisor;
  struct pexec__orders *orders = &process->orders;
  pexec__mailbox_lock(&supervisor->inbox);
  if (!(orders->set & PEXEC__ORDER_DECIDE) || run >= orders->verdict.run)
    orders->verdict = (struct pexec__verdict){
      .run = run, .decision = decision,
      .delay_ns = delay_ms < 0 ? -1 : delay_ms < LONGEST_DELAY_MS
                ? delay_ms * PEXEC__MS : LONGEST_DELAY_MS * PEXEC__MS,
    };
  orders->set |= PEXEC__ORDER_DECIDE;
  pexec__mailbox_unlock(&supervisor->inbox);
}

int pexec_process_decide (pexec_process *process, uint64_t run,
                          enum pexec_decision decision, int64_t delay_ms) {
  if (!pexec__is_forked(process->supervisor) && was_started(process))
    note_verdict(process, run, decision, delay_ms);
  return order_started(process, PEXEC__ORDER_DECIDE, 0);
}

/* Those that were given before and not taken make room. */
static void give_changes (pexec_process *process,
                          struct pexec__config *config, bool keeps) {
  pexec_supervisor *supervisor = process->supervisor;
  struct pexec__changes *changes = &process->orders.changes;
  struct pexec__config **place = keeps ? &changes->kept : &changes->once;
  struct pexec__config *before;
  pexec__mailbox_lock(&supervisor->inbox);
  before = *place;
  *place = config;
  process->orders.set |= PEXEC__ORDER_CONFIGURE;
  pexec__mailbox_unlock(&supervisor->inbox);
  if (before != NULL)
    pexec__config_free(before);
}

/* With all that no start may change as it was. */
static int copy_changes (const pexec_process *process,
                         const pexec_config *config,
                         struct pexec__config **copy) {
  const struct pexec__config *own = process->config;
  pexec_config changed = *config;
  changed.id = own->id;
  changed.input = own->input;
  changed.output[0] = own->output[0];
  changed.output[1] = own->output[1];
  changed.logger = own->logger;
  changed.stdout_logger = own->stream_loggers[0];
  changed.stderr_logger = own->stream_loggers[1];
  changed.output_events = own->output_events;
  return pexec__config_copy(&changed, copy);
}

int pexec_process_configure (pexec_process *process,
                             const pexec_config *config, int keeps) {
  struct pexec__config *copy;
  pexec_config whole;
  int error;
  if (pexec__is_forked(process->supervisor))
    return PEXEC_EFORKED;
  if (!pexec__config_complete(config, &whole))
    return PEXEC_EINVALID_CONFIG;
  if ((error = copy_changes(process, &whole, &copy)) < 0)
    return error;
  give_changes(process, copy, keeps != 0);
  return order_started(process, PEXEC__ORDER_CONFIGURE, 0);
}

/* What an earlier answer said does not count any more. */
static void give_preparation (pexec_process *process, uint64_t preparation,
                              char *refusal, bool is_veto) {
  pexec_supervisor *supervisor = process->supervisor;
  char *before;
  pexec__mailbox_lock(&supervisor->inbox);
  before = process->orders.refusal;
  process->orders.refusal = refusal;
  process->orders.is_veto = is_veto;
  process->orders.preparation = preparation;
  process->orders.set |= PEXEC__ORDER_PREPARED;
  pexec__mailbox_unlock(&supervisor->inbox);
  pexec__free(before);
}

static int answer_preparation (pexec_process *process, uint64_t preparation,
                               const char *reason, bool is_veto) {
  char *refusal = NULL;
  if (pexec__is_forked(process->supervisor))
    return PEXEC_EFORKED;
  if (!was_started(process))
    return PEXEC_ENOT_STARTED;
  if (reason != NULL && (refusal = pexec__strdup(reason)) == NULL)
    return -ENOMEM;
  give_preparation(process, preparation, refusal, is_veto);
  order(process, PEXEC__ORDER_PREPARED, 0, 0);
  return 0;
}

int pexec_process_prepared (pexec_process *process, uint64_t preparation,
                            const char *reason) {
  return answer_preparation(process, preparation, reason, true);
}

int pexec_process_unprepared (pexec_process *process, uint64_t preparation,
                              const char *reason) {
  return answer_preparation(process, preparation, reason, false);
}

static void note_ticket (pexec_process *process, uint64_t ticket) {
  pexec_supervisor *supervisor = process->supervisor;
  pexec__mailbox_lock(&supervisor->inbox);
  process->orders.ticket = ticket;
  process->orders.set |= PEXEC__ORDER_ADVANCE;
  pexec__mailbox_unlock(&supervisor->inbox);
}

int pexec_process_advance (pexec_process *process, uint64_t ticket) {
  if (!pexec__is_forked(process->supervisor) && was_started(process))
    note_ticket(process, ticket);
  return order_started(process, PEXEC__ORDER_ADVANCE, 0);
}

/* {== restarting, reading on, reopening =================================== */

int pexec_process_restart (pexec_process *process) {
  if (pexec__is_forked(process->supervisor))
    return PEXEC_EFORKED;
  if (process->config->policy->is_one_shot)
    return PEXEC_EUNSUPPORTED;
  if (process->is_final)
    return PEXEC_EALREADY_STOPPED;
  if (!process->is_active)
    return PEXEC_EPROCESS_DONE;
  order(process, PEXEC__ORDER_RESTART, 0, 0);
  return 0;
}

void pexec__door_resume (pexec_process *process) {
  if (atomic_exchange(&process->is_starved, false))
    order(process, PEXEC__ORDER_RESUME, 0, 0);
}

void pexec_process_consumed (pexec_process *process, size_t bytes,
                             size_t lines) {
  size_t before;
  if (pexec__is_forked(process->supervisor) || process->ledger == NULL)
    return;
  before = atomic_fetch_sub(&process->queued_bytes, bytes);
  atomic_fetch_sub(&process->queued_lines, lines);
  if (before - bytes <= process->config->events_buffer / 2 &&
      atomic_load(&process->ledger->queued_events) < PEXEC__EVENTS_MAX / 2)
    pexec__door_resume(process);
}

int pexec_process_reopen (pexec_process *process) {
  return order_started(process, PEXEC__ORDER_REOPEN, 0);
}

/* {== writes and signals ================================================== */

/* The end that is posted is one, also before it is pulled: no answer may come
   behind it. With the outbox locked. */
static int absence (const pexec_process *process) {
  if (process->is_active && !process->news[PEXEC__NEWS_ENDED].is_posted)
    return 0;
  return process->known.starts == 0 ? PEXEC_ENOT_STARTED
                                    : PEXEC_EPROCESS_DONE;
}

static int give (pexec_process *process, struct pexec__write *write) {
  struct pexec__mailbox *outbox = &process->supervisor->outbox;
  int error;
  pexec__mailbox_lock(outbox);
  if ((error = absence(process)) == 0)
    pexec__writes_append(&process->input->given, write);
  pexec__mailbox_unlock(outbox);
  if (error < 0)
    pexec__free(write);
  else
    order(process, PEXEC__ORDER_WRITE, 0, 0);
  return error;
}

static int make_write (pexec_process *process, const void *data,
                       size_t length, struct pexec__write **write) {
  struct pexec__write *made;
  if (pexec__is_forked(process->supervisor))
    return PEXEC_EFORKED;
  if (process->config->input.source != PEXEC_FROM_PIPE)
    return PEXEC_EUNSUPPORTED;
  made = length > PTRDIFF_MAX - sizeof *made ? NULL
       : pexec__malloc(sizeof *made + length);
  if (made == NULL)
    return -ENOMEM;
  *made = (struct pexec__write){
    .notice = { .type = PEXEC_EVENT_WRITTEN, .process = process },
    .ticket = process->tickets + 1, .length = length,
  };
  if (length > 0)
    memcpy(made->data, data, length);
  *write = made;
  return 0;
}

int pexec_process_write (pexec_process *process, const void *data,
                         size_t length, uint64_t *ticket) {
  struct pexec__write *write;
  int error = make_write(process, data, length, &write);
  if (error < 0 || (error = give(process, write)) < 0)
    return error;
  *ticket = ++process->tickets;
  return 0;
}

int pexec_process_close_stdin (pexec_process *process) {
  struct pexec__write *write;
  int error = make_write(process, NULL, 0, &write);
  if (error < 0)
    return error;
  write->closes = true;
  return give(process, write);
}

static int give_signal (pexec_process *process,
                        struct pexec__sending *sending) {
  struct pexec__mailbox *outbox = &process->supervisor->outbox;
  int error;
  pexec__mailbox_lock(outbox);
  if ((error = absence(process)) == 0)
    pexec__sending_append(&process->to_send, sending);
  pexec__mailbox_unlock(outbox);
  if (error < 0)
    pexec__free(sending);
  else
    order(process, PEXEC__ORDER_SIGNAL, 0, 0);
  return error;
}

int pexec_process_signal (pexec_process *process, int signo, int to_group,
                          uint64_t *ticket) {
  struct pexec__sending *sending;
  int error;
  if (pexec__is_forked(process->supervisor))
    return PEXEC_EFORKED;
  if (pexec_signal_name(signo) == NULL)
    return -EINVAL;
  if ((sending = pexec__malloc(sizeof *sending)) == NULL)
    return -ENOMEM;
  *sending = (struct pexec__sending){
    .notice = { .type = PEXEC_EVENT_SIGNALED, .process = process },
    .ticket = process->tickets + 1, .signo = signo,
    .is_to_group = to_group != 0,
  };
  if ((error = give_signal(process, sending)) < 0)
    return error;
  *ticket = ++process->tickets;
  return 0;
}

void pexec_process_release (pexec_process *process) {
  if (pexec__is_forked(process->supervisor))
    return;
  if (!was_started(process)) {
    pexec__process_free(process);
    return;
  }
  if (process->ledger != NULL)
    process->ledger->owner = NULL;
  pexec__news_silence(process);
  order(process, PEXEC__ORDER_RELEASE, 0, 0);
}
