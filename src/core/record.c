/*
** How children have ended: the record of each, and the last of them. The
** supervisor's thread writes, under the lock of the outbox.
*/

#include <string.h>

#include "core.h"

static enum pexec_request request_of (const pexec_process *process) {
  switch (process->phase) {
    case PEXEC__STOPPING: return PEXEC_BY_STOP;
    case PEXEC__CYCLING: return PEXEC_BY_RESTART;
    default: return PEXEC_BY_NOBODY;
  }
}

/* Until its exec a child shares the host's memory, and the kernel takes the
   host's peak for the child's; it counts roughly. */
static int64_t peak_of (const struct pexec__child *child) {
  int64_t host_rss = child->host_rss + child->host_rss / 16;
  return child->status.max_rss > host_rss ? child->status.max_rss : 0;
}

static pexec_exit describe (const pexec_process *process) {
  const struct pexec__child *child = &process->child;
  const struct pexec__status *status = &child->status;
  int64_t uptime_ns = child->ended_at_ns - child->started_at_ns;
  return (pexec_exit){
    .pid = child->pid,
    .is_known = status->is_known,
    .code = status->code,
    .signo = status->signo,
    .core_dumped = status->core_dumped,
    .canceled = process->cancel_reason,
    .requested = request_of(process),
    .started_at_ns = child->started_wall_ns,
    .uptime_ns = uptime_ns,
    .restarts = process->starts - 1,
    .run = process->starts,
    .attempt = 1 + pexec__past_failures(&process->past,
                                        process->config->policy, uptime_ns),
    .has_usage = status->has_usage,
    .user_ns = status->user_ns,
    .system_ns = status->system_ns,
    .max_rss = peak_of(child),
  };
}

/* Without memory for more there is always the last one. */
void pexec__record_exit (pexec_process *process) {
  struct pexec__mailbox *outbox = &process->supervisor->outbox;
  pexec_exit exit = describe(process);
  pexec_exit *history = process->history;
  if (history == NULL)
    history = pexec__calloc(PEXEC_HISTORY_MAX, sizeof *history);
  pexec__mailbox_lock(outbox);
  process->has_exited = true;
  process->exit = exit;
  process->history = history;
  if (history != NULL)
    history[process->records++ % PEXEC_HISTORY_MAX] = exit;
  pexec__mailbox_unlock(outbox);
}

/* {== the host's side ==================================================== */

static size_t copy_last (const pexec_process *process, pexec_exit *exits,
                         size_t most) {
  size_t kept = process->records < PEXEC_HISTORY_MAX
              ? (size_t)process->records : PEXEC_HISTORY_MAX;
  size_t count = kept < most ? kept : most;
  for (size_t i = 0; i < count; i++)
    exits[i] = process->history[(process->records - count + i) %
                                PEXEC_HISTORY_MAX];
  return count;
}

int pexec_process_history (pexec_process *process, pexec_exit *exits,
                           size_t most) {
  struct pexec__mailbox *outbox = &process->supervisor->outbox;
  size_t count;
  if (pexec__is_forked(process->supervisor))
    return PEXEC_EFORKED;
  pexec__mailbox_lock(outbox);
  count = copy_last(process, exits, most);
  if (count == 0 && process->has_exited && most > 0)
    exits[count++] = process->exit;
  pexec__mailbox_unlock(outbox);
  return (int)count;
}

const char *pexec_request_name (enum pexec_request request) {
  static const char *const names[] = {
#define X(name, text) text,
    PEXEC_REQUESTS(X)
#undef X
  };
  return (unsigned)request < PEXEC_REQUEST_COUNT ? names[request] : "unknown";
}
