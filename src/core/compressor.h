/*
** The thread that compresses the rotated files of one log file, while there
** are any. Whoever writes that file owns it, and calls it from one thread at
** a time.
*/

#ifndef PEXEC_CORE_COMPRESSOR_H
#define PEXEC_CORE_COMPRESSOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "logfile.h"

/* All zero: no thread. */
struct pexec__compressor {
  bool has_thread;              /* 'thread' is to be joined */
  pthread_t thread;
  atomic_bool is_done;          /* the thread sets it last */
  int64_t no_thread_until_ns;   /* none could be had; 0: try */
  struct pexec__logfile *file;
};

/* Starts it where there is something to do, and it is not at work; then it
   finds that by itself. */
void pexec__compressor_start (struct pexec__compressor *compressor,
                              struct pexec__logfile *file);
/* Ends it, within milliseconds; what is left is left to the next who opens
   the file. 'file' may be NULL. */
void pexec__compressor_end (struct pexec__compressor *compressor,
                            struct pexec__logfile *file);

#endif
