/*
** The host's half: orders in, what is known; door_events.c has what comes
** out. Nothing here blocks but pexec_supervisor_wait and _close. The host's
** thread.
*/

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core.h"
#include "signals.h"

#define LONGEST_DELAY_MS (INT64_C(1) << 40)  /* 35 years: in ns it fits */

/* {== the supervisor ===================================================== */

bool pexec__is_forked (const pexec_supervisor *supervisor) {
  return supervisor->is_open && supervisor->owner_pid != pexec__self();
}

int pexec_supervisor_new (pexec_supervisor **supervisor) {
  pexec_supervisor *made = pexec__calloc(1, sizeof *made);
  if (made == NULL)
    return -ENOMEM;
  pexec__mailbox_open(&made->inbox);
  pexec__mailbox_open(&made->outbox);
  pexec__mailbox_open(&made->words);
  *supervisor = made;
  return 0;
}

void pexec_supervisor_close (pexec_supervisor *supervisor) {
  if (pexec__is_forked(supervisor))
    return;
  pexec__signals_uncatch_all(supervisor);
  if (supervisor->is_open)
    pexec__supervisor_shut(supervisor);
  pexec__host_release(supervisor->host);
  pexec__mailbox_close(&supervisor->inbox);
  pexec__mailbox_close(&supervisor->outbox);
  pexec__mailbox_close(&supervisor->words);
  pexec__pool_release(supervisor->pool);
  pexec__free(supervisor);
}

int pexec_supervisor_fd (pexec_supervisor *supervisor) {
  int error;
  if (pexec__is_forked(supervisor))
    return PEXEC_EFORKED;
  error = pexec__supervisor_open(supervisor);
  return error < 0 ? error : supervisor->event_fd;
}

int pexec_supervisor_wait (pexec_supervisor *supervisor, int64_t timeout_ms) {
  int fd = pexec_supervisor_fd(supervisor);
  if (fd < 0)
    return fd;
  return pexec__poll_readable(fd, timeout_ms < 0 ? -1
                              : timeout_ms > INT_MAX ? INT_MAX
                              : (int)timeout_ms);
}

/* A time that does not fit never comes. */
static int64_t due_in (int64_t delay_ms) {
  int64_t now_ns = pexec__now();
  return delay_ms > (INT64_MAX - now_ns) / PEXEC__MS
       ? INT64_MAX : now_ns + delay_ms * PEXEC__MS;
}

int pexec_supervisor_alarm (pexec_supervisor *supervisor, int64_t delay_ms) {
  int error = pexec_supervisor_fd(supervisor);
  if (error < 0)
    return error;
  pexec__mailbox_lock(&supervisor->inbox);
  supervisor->is_alarm_ordered = true;
  supervisor->alarm_due_ns = delay_ms < 0 ? -1 : due_in(delay_ms);
  pexec__mailbox_unlock(&supervisor->inbox);
  pexec__supervisor_wake(supervisor);
  return 0;
}

/* {== processes ========================================================== */

/* The ring of its restarts is there from the start: a limit is not to depend
   on there being memory later. */
static int make_past (pexec_process *process) {
  const struct pexec__policy *policy = &process->config->policy;
  if (policy->limit == 0)
    return 0;
  process->past.restarts_ns = pexec__calloc(policy->limit, sizeof(int64_t));
  return process->past.restarts_ns != NULL ? 0 : -ENOMEM;
}

static int take_config (pexec_process *process, const pexec_config *config) {
  int error = pexec__config_copy(config, &process->config);
  if (error < 0)
    return error;
  process->ledger = pexec__ledger_new(config->id);
  if (process->ledger != NULL && make_past(process) == 0)
    return 0;
  pexec__ledger_release(process->ledger);
  pexec__config_free(process->config);
  return -ENOMEM;
}

int pexec__process_make (pexec_supervisor *supervisor,
                         const pexec_config *config,
                         pexec_process **process) {
  static const enum pexec_event_type types[PEXEC__NEWS_COUNT] = {
    [PEXEC__NEWS_STARTED] = PEXEC_EVENT_STARTED,
    [PEXEC__NEWS_EXITED] = PEXEC_EVENT_EXITED,
    [PEXEC__NEWS_STOPPED] = PEXEC_EVENT_STOPPED,
    [PEXEC__NEWS_ENDED] = PEXEC_EVENT_ENDED,
    [PEXEC__NEWS_REOPENED] = PEXEC_EVENT_REOPENED,
    [PEXEC__NEWS_RESTARTED] = PEXEC_EVENT_RESTARTED,
    [PEXEC__NEWS_GIVEN_UP] = PEXEC_EVENT_GIVEN_UP,
    [PEXEC__NEWS_PREPARE] = PEXEC_EVENT_PREPARE,
    [PEXEC__NEWS_STOP_CALL] = PEXEC_EVENT_STOP_CALL,
  };
  pexec_process *made;
  int error;
  if (pexec__is_forked(supervisor))
    return PEXEC_EFORKED;
  if ((made = pexec__calloc(1, sizeof *made)) == NULL)
    return -ENOMEM;
  if ((error = take_config(made, config)) < 0) {
    pexec__free(made);
    return error;
  }
  made->ledger->owner = made;
  made->supervisor = supervisor;
  made->tail.size = made->config->tail_size;
  made->child.pidfd = -1;
  made->input.read_fd = made->input.write_fd = -1;
  made->umask = -1;
  for (int i = 0; i < PEXEC__NEWS_COUNT; i++) {
    made->news[i].type = types[i];
    made->news[i].process = made;
  }
  *process = made;
  return 0;
}

int pexec_process_new (pexec_supervisor *supervisor,
                       const pexec_config *config, pexec_process **process) {
  pexec_process *made;
  int error = pexec__process_make(supervisor, config, &made);
  if (error < 0)
    return error;
  if ((error = pexec__programs_make(made, config)) < 0) {
    pexec__process_free(made);
    return error;
  }
  *process = made;
  return 0;
}

int pexec_process_is_active (const pexec_process *process) {
  return process->is_active;
}

const char *pexec_process_id (const pexec_process *process) {
  return process->config->id;
}

const char *pexec_process_name (const pexec_process *process) {
  return process->config->name;
}

int pexec_process_is_one_shot (const pexec_process *process) {
  return process->config->policy.is_one_shot;
}

void *pexec_process_user (const pexec_process *process) {
  return process->config->user;
}

/* What changes with time alone is worked out here. */
static void complete (const pexec_process *process,
                      pexec_snapshot *snapshot) {
  const struct pexec__policy *policy = &process->config->policy;
  int64_t now_ns = pexec__now();
  int64_t left_ns = snapshot->restart_in_ns - now_ns;
  if (snapshot->pid > 0) {
    struct pexec__past past = { .in_a_row = snapshot->failures };
    snapshot->uptime_ns = now_ns - snapshot->started_at_ns;
    snapshot->failures = pexec__past_failures(&past, policy,
                                              snapshot->uptime_ns);
  }
  snapshot->restart_in_ns = snapshot->restart_in_ns == 0 ? -1
                          : left_ns > 0 ? left_ns : 0;
}

int pexec_process_snapshot (pexec_process *process, pexec_snapshot *snapshot) {
  pexec_supervisor *supervisor = process->supervisor;
  if (pexec__is_forked(supervisor))
    return PEXEC_EFORKED;
  pexec__mailbox_lock(&supervisor->outbox);
  *snapshot = process->snapshot;
  pexec__mailbox_unlock(&supervisor->outbox);
  complete(process, snapshot);
  for (int i = 0; i < 2; i++)
    snapshot->output[i] = (pexec_counts){
      .bytes = atomic_load(&process->ledger->streams[i].bytes),
      .lines = atomic_load(&process->ledger->streams[i].lines),
      .drops = atomic_load(&process->ledger->streams[i].drops),
    };
  return 0;
}

int pexec_process_tail (pexec_process *process, pexec_tail *tail) {
  pexec_supervisor *supervisor = process->supervisor;
  int error;
  if (pexec__is_forked(supervisor))
    return PEXEC_EFORKED;
  pexec__mailbox_lock(&supervisor->outbox);
  error = pexec__tail_copy(&process->tail, tail);
  pexec__mailbox_unlock(&supervisor->outbox);
  return error;
}

void pexec_tail_release (pexec_tail *tail) {
  pexec__free(tail->held);
  *tail = (pexec_tail){ 0, NULL, NULL };
}

/* {== orders ============================================================= */

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
  if (timeout_ms >= 0 && process->config->policy.is_one_shot)
    deadline_ns = due_in(timeout_ms);
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
  process->snapshot.state = PEXEC_STOPPED;
  if (answers)
    (void)pexec__mailbox_post(outbox,
                              &process->news[PEXEC__NEWS_STOPPED].letter);
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
  int error;
  if (pexec__is_forked(process->supervisor))
    return PEXEC_EFORKED;
  if (config->size < sizeof *config)
    return PEXEC_EINVALID_CONFIG;
  if ((error = copy_changes(process, config, &copy)) < 0)
    return error;
  give_changes(process, copy, keeps != 0);
  return order_started(process, PEXEC__ORDER_CONFIGURE, 0);
}

/* What an earlier answer said does not count any more. */
static void give_preparation (pexec_process *process, uint64_t preparation,
                              char *veto) {
  pexec_supervisor *supervisor = process->supervisor;
  char *before;
  pexec__mailbox_lock(&supervisor->inbox);
  before = process->orders.veto;
  process->orders.veto = veto;
  process->orders.preparation = preparation;
  process->orders.set |= PEXEC__ORDER_PREPARED;
  pexec__mailbox_unlock(&supervisor->inbox);
  pexec__free(before);
}

int pexec_process_prepared (pexec_process *process, uint64_t preparation,
                            const char *reason) {
  char *veto = NULL;
  if (pexec__is_forked(process->supervisor))
    return PEXEC_EFORKED;
  if (!was_started(process))
    return PEXEC_ENOT_STARTED;
  if (reason != NULL && (veto = pexec__strdup(reason)) == NULL)
    return -ENOMEM;
  give_preparation(process, preparation, veto);
  order(process, PEXEC__ORDER_PREPARED, 0, 0);
  return 0;
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

int pexec_process_restart (pexec_process *process) {
  if (pexec__is_forked(process->supervisor))
    return PEXEC_EFORKED;
  if (process->config->policy.is_one_shot)
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
  if (pexec__is_forked(process->supervisor))
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

/* The end that is posted is one, also before it is pulled: no answer may come
   behind it. With the outbox locked. */
static int absence (const pexec_process *process) {
  if (process->is_active && !process->news[PEXEC__NEWS_ENDED].letter.is_posted)
    return 0;
  return process->snapshot.starts == 0 ? PEXEC_ENOT_STARTED
                                       : PEXEC_EPROCESS_DONE;
}

static int give (pexec_process *process, struct pexec__write *write) {
  struct pexec__mailbox *outbox = &process->supervisor->outbox;
  int error;
  pexec__mailbox_lock(outbox);
  if ((error = absence(process)) == 0)
    pexec__writes_append(&process->given, write);
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
  process->ledger->owner = NULL;
  pexec__news_silence(process);
  order(process, PEXEC__ORDER_RELEASE, 0, 0);
}
