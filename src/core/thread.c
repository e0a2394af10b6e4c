/* See thread.h. The thread that opens a supervisor. */

#include "thread.h"

#include <signal.h>

#define STACK_SIZE (256 * 1024)

/* The new thread inherits the mask. The C library keeps two signals of its
   own open, which its setuid needs to reach every thread. */
int pexec__thread_start (pthread_t *thread, const char *name,
                         void *(*body) (void *), void *argument) {
  pthread_attr_t attributes;
  sigset_t all, old;
  int error = pthread_attr_init(&attributes);
  if (error != 0)
    return -error;
  (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &old);
  error = pthread_create(thread, &attributes, body, argument);
  (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
  (void)pthread_attr_destroy(&attributes);
  if (error == 0)
    (void)pthread_setname_np(*thread, name);
  return -error;
}

void pexec__thread_join (pthread_t thread) {
  (void)pthread_join(thread, NULL);  /* it is there, and never this one */
}
