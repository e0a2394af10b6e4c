/* Threads of the library: small stacks, every signal of the host's blocked. */

#ifndef PEXEC_CORE_THREAD_H
#define PEXEC_CORE_THREAD_H

#include <pthread.h>

int pexec__thread_start (pthread_t *thread, const char *name,
                         void *(*body) (void *), void *argument);

#endif
