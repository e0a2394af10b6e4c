/*
** Threads of the library: small stacks, every signal of the host's blocked. A
** part of the seam: specs run the body in the thread that joins.
*/

#ifndef PEXEC_CORE_THREAD_H
#define PEXEC_CORE_THREAD_H

#include <pthread.h>

int pexec__thread_start (pthread_t *thread, const char *name,
                         void *(*body) (void *), void *argument);
/* Waits until its body has returned. */
void pexec__thread_join (pthread_t thread);

#endif
