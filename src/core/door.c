/*
** The host's half: supervisors and processes, and what is known of them.
** door_orders.c has what goes in, door_events.c what comes out. Nothing here
** blocks but pexec_supervisor_wait and _close. The host's thread.
*/

#include <errno.h>
#include <stdio.h>
#include <limits.h>

#include "core.h"
#include "signals.h"

const char *pexec_version (void) {
  return PEXEC_VERSION;
}

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

const char *pexec_kernel_lacks (void) {
  return pexec__kernel_lacks();
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

int64_t pexec__door_due_in (int64_t delay_ms) {
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
  supervisor->alarm_due_ns = delay_ms < 0 ? -1 : pexec__door_due_in(delay_ms);
  pexec__mailbox_unlock(&supervisor->inbox);
  pexec__supervisor_wake(supervisor);
  return 0;
}

/* {== processes ========================================================== */

/* The ring of its restarts is there from the start: a limit is not to depend
   on there being memory later. */
static int make_past (pexec_process *process) {
  const struct pexec__policy *policy = process->config->policy;
  if (policy->limit == 0)
    return 0;
  process->past.restarts_ns = pexec__calloc(policy->limit, sizeof(int64_t));
  return process->past.restarts_ns != NULL ? 0 : -ENOMEM;
}

/* For all that is put into chunks: messages to its logger, and what is read,
   or may be, since a file for the child could turn out to be a FIFO. */
static bool needs_ledger (const struct pexec__config *config) {
  bool needs = (config->logger != NULL);
  for (int i = 0; i < 2; i++) {
    enum pexec__route route = pexec__config_route(config, i);
    needs |= (route == PEXEC__ROUTE_PIPE || route == PEXEC__ROUTE_FILE);
  }
  return needs;
}

static int make_ledger (pexec_process *process) {
  if (!needs_ledger(process->config))
    return 0;
  if ((process->ledger = pexec__ledger_new(process->config->id)) == NULL)
    return -ENOMEM;
  process->ledger->owner = process;
  return 0;
}

static int take_config (pexec_process *process, const pexec_config *config) {
  int error = pexec__config_copy(config, &process->config);
  if (error < 0)
    return error;
  if (make_ledger(process) == 0 && pexec__input_make(process) == 0 &&
      make_past(process) == 0)
    return 0;
  pexec__ledger_release(process->ledger);
  pexec__free(process->input);
  pexec__config_free(process->config);
  return -ENOMEM;
}

int pexec__process_make (pexec_supervisor *supervisor,
                         const pexec_config *config,
                         pexec_process **process) {
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
  made->supervisor = supervisor;
  made->tail.size = made->config->tail_size;
  made->child.pidfd = -1;
  made->umask = -1;
  for (int i = 0; i < PEXEC__NEWS_COUNT; i++)
    made->news[i].mark = PEXEC__MARK(i);
  *process = made;
  return 0;
}

int pexec_process_new (pexec_supervisor *supervisor,
                       const pexec_config *config, pexec_process **process) {
  pexec_config whole;
  pexec_process *made;
  int error;
  if (!pexec__config_complete(config, &whole))
    return PEXEC_EINVALID_CONFIG;
  if ((error = pexec__process_make(supervisor, &whole, &made)) < 0)
    return error;
  if ((error = pexec__programs_make(made, &whole)) < 0) {
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
  return process->config->policy->is_one_shot;
}

void *pexec_process_user (const pexec_process *process) {
  return process->config->user;
}

/* What changes with time alone is worked out here. */
static pexec_snapshot look (const pexec_process *process,
                            const struct pexec__known *known) {
  const struct pexec__policy *policy = process->config->policy;
  int64_t now_ns = pexec__now();
  int64_t left_ns = known->restart_at_ns - now_ns;
  pexec_snapshot snapshot = {
    .state = known->state, .is_wanted = known->is_wanted, .pid = known->pid,
    .since_ns = known->since_ns, .starts = known->starts,
    .started_at_ns = known->started_at_ns, .failures = known->failures,
    .restart_in_ns = known->restart_at_ns == 0 ? -1 : left_ns > 0 ? left_ns : 0,
  };
  if (known->pid > 0) {
    struct pexec__past past = { .in_a_row = known->failures };
    snapshot.uptime_ns = now_ns - known->started_at_ns;
    snapshot.failures = pexec__past_failures(&past, policy,
                                             snapshot.uptime_ns);
  }
  return snapshot;
}

static void count_output (const struct pexec__ledger *ledger,
                          pexec_snapshot *snapshot) {
  for (int i = 0; i < 2 && ledger != NULL; i++)
    snapshot->output[i] = (pexec_counts){
      .bytes = atomic_load(&ledger->streams[i].bytes),
      .lines = atomic_load(&ledger->streams[i].lines),
      .drops = atomic_load(&ledger->streams[i].drops),
    };
}

int pexec_process_snapshot (pexec_process *process, pexec_snapshot *snapshot) {
  pexec_supervisor *supervisor = process->supervisor;
  struct pexec__known known;
  if (pexec__is_forked(supervisor))
    return PEXEC_EFORKED;
  pexec__mailbox_lock(&supervisor->outbox);
  known = process->known;
  pexec__mailbox_unlock(&supervisor->outbox);
  *snapshot = look(process, &known);
  count_output(process->ledger, snapshot);
  return 0;
}

int pexec_process_cgroup (pexec_process *process, char *text, size_t size) {
  pexec_supervisor *supervisor = process->supervisor;
  int length;
  if (pexec__is_forked(supervisor))
    return PEXEC_EFORKED;
  pexec__mailbox_lock(&supervisor->outbox);
  length = snprintf(text, size, "%s",
                    process->cgroup ? process->cgroup->path : "");
  pexec__mailbox_unlock(&supervisor->outbox);
  return length;
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
