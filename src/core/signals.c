/* See signals.h. The host's thread; the handler on any of its threads. */

#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define COUNT 65

struct pexec__catcher {
  bool is_caught[COUNT];
  struct sigaction old[COUNT];  /* of those caught */
};

/* What the handler reads and writes. */
static struct {
  _Atomic(pexec_supervisor *) owner;  /* NULL: not caught */
  atomic_int fd;                      /* rings the owner */
  atomic_int pid;                     /* of the host; not of a forked copy */
  atomic_int arrivals;
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

static int catch_one (pexec_supervisor *supervisor, int signo) {
  struct pexec__catcher *catcher = supervisor->catcher;
  struct sigaction action;
  pexec_supervisor *nobody = NULL;
  if (signo < 1 || signo >= COUNT)
    return -EINVAL;
  if (catcher->is_caught[signo])
    return 0;
  if (sigaction(signo, NULL, &catcher->old[signo]) < 0)
    return -errno;
  if (catcher->old[signo].sa_handler == SIG_IGN)
    return 0;
  if (!atomic_compare_exchange_strong(&slots[signo].owner, &nobody,
                                      supervisor))
    return -EBUSY;
  atomic_store(&slots[signo].fd, supervisor->event_fd);
  atomic_store(&slots[signo].pid, supervisor->owner_pid);
  atomic_store(&slots[signo].arrivals, 0);
  memset(&action, 0, sizeof action);
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  catcher->is_caught[signo] = (sigaction(signo, &action, NULL) == 0);
  if (catcher->is_caught[signo])
    return 0;
  atomic_store(&slots[signo].owner, NULL);
  return -EINVAL;  /* SIGKILL, SIGSTOP */
}

int pexec_supervisor_catch (pexec_supervisor *supervisor, const int *signals,
                            size_t count) {
  int error = pexec_supervisor_fd(supervisor);
  if (error < 0)
    return error;
  if (supervisor->catcher != NULL)
    return -EBUSY;
  supervisor->catcher = pexec__calloc(1, sizeof *supervisor->catcher);
  if (supervisor->catcher == NULL)
    return -ENOMEM;
  for (size_t i = 0; i < count; i++)
    if ((error = catch_one(supervisor, signals[i])) < 0) {
      pexec_supervisor_uncatch(supervisor);
      return error;
    }
  return 0;
}

void pexec_supervisor_uncatch (pexec_supervisor *supervisor) {
  struct pexec__catcher *catcher = supervisor->catcher;
  if (catcher == NULL || pexec__self() != supervisor->owner_pid)
    return;
  for (int signo = 1; signo < COUNT; signo++)
    if (catcher->is_caught[signo]) {
      (void)sigaction(signo, &catcher->old[signo], NULL);
      atomic_store(&slots[signo].owner, NULL);
    }
  pexec__free(catcher);
  supervisor->catcher = NULL;
}

int pexec__signals_next (pexec_supervisor *supervisor) {
  const struct pexec__catcher *catcher = supervisor->catcher;
  if (catcher == NULL)
    return 0;
  for (int signo = 1; signo < COUNT; signo++)
    if (catcher->is_caught[signo] &&
        atomic_load(&slots[signo].arrivals) > 0) {
      atomic_fetch_sub(&slots[signo].arrivals, 1);
      return signo;
    }
  return 0;
}
