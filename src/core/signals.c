/* See signals.h. The host's thread; the handler on any of its threads. */

#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define COUNT 65

/* What the handler reads stands in atomics; the rest is the owner's. */
static struct {
  _Atomic(pexec_supervisor *) owner;  /* NULL: not caught */
  atomic_int fd;                      /* rings the owner */
  atomic_int pid;                     /* of the host; not of a forked copy */
  atomic_int arrivals;
  struct sigaction old;
} slots[COUNT];

static void handle (int signo) {
  const uint64_t one = 1;
  int saved = errno;
  if (atomic_load(&slots[signo].pid) == (int)getpid()) {
    atomic_fetch_add(&slots[signo].arrivals, 1);
    (void)!write(atomic_load(&slots[signo].fd), &one, sizeof one);
  }
  errno = saved;
}

static int install (pexec_supervisor *supervisor, int signo,
                    const struct sigaction *old) {
  struct sigaction action;
  slots[signo].old = *old;
  atomic_store(&slots[signo].fd, supervisor->event_fd);
  atomic_store(&slots[signo].pid, supervisor->owner_pid);
  atomic_store(&slots[signo].arrivals, 0);
  memset(&action, 0, sizeof action);
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  return sigaction(signo, &action, NULL) < 0 ? -errno : 0;
}

static int catch_one (pexec_supervisor *supervisor, int signo) {
  struct sigaction old;
  pexec_supervisor *nobody = NULL;
  int error;
  if (signo < 1 || signo >= COUNT || sigaction(signo, NULL, &old) < 0)
    return -EINVAL;
  if (old.sa_handler == SIG_IGN)
    return 0;
  if (!atomic_compare_exchange_strong(&slots[signo].owner, &nobody,
                                      supervisor))
    return -EBUSY;
  if ((error = install(supervisor, signo, &old)) < 0)
    atomic_store(&slots[signo].owner, NULL);
  return error;
}

static void uncatch_one (pexec_supervisor *supervisor, int signo) {
  if (signo < 1 || signo >= COUNT ||
      atomic_load(&slots[signo].owner) != supervisor)
    return;
  (void)sigaction(signo, &slots[signo].old, NULL);
  atomic_store(&slots[signo].owner, NULL);
}

int pexec_supervisor_catch (pexec_supervisor *supervisor, const int *signals,
                            size_t count) {
  int error = pexec_supervisor_fd(supervisor);
  for (size_t i = 0; i < count && error >= 0; i++)
    if ((error = catch_one(supervisor, signals[i])) < 0)
      pexec_supervisor_uncatch(supervisor, signals, i);
  return error < 0 ? error : 0;
}

void pexec_supervisor_uncatch (pexec_supervisor *supervisor,
                               const int *signals, size_t count) {
  if (!supervisor->is_open || pexec__self() != supervisor->owner_pid)
    return;
  for (size_t i = 0; i < count; i++)
    uncatch_one(supervisor, signals[i]);
}

void pexec__signals_uncatch_all (pexec_supervisor *supervisor) {
  for (int signo = 1; signo < COUNT; signo++)
    uncatch_one(supervisor, signo);
}

int pexec__signals_next (pexec_supervisor *supervisor) {
  for (int signo = 1; signo < COUNT; signo++)
    if (atomic_load(&slots[signo].owner) == supervisor &&
        atomic_load(&slots[signo].arrivals) > 0) {
      atomic_fetch_sub(&slots[signo].arrivals, 1);
      return signo;
    }
  return 0;
}
