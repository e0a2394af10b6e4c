/* See compressor.h. */

#include "compressor.h"

#include <stddef.h>

#include "sys.h"
#include "thread.h"

#define AGAIN_NS 1000000000  /* between tries to start a thread */

static void *compress_files (void *argument) {
  struct pexec__compressor *compressor = argument;
  while (pexec__logfile_compress(compressor->file))
    continue;
  atomic_store(&compressor->is_done, true);
  return NULL;
}

static void join (struct pexec__compressor *compressor) {
  if (compressor->has_thread)
    pexec__thread_join(compressor->thread);
  compressor->has_thread = false;
}

void pexec__compressor_start (struct pexec__compressor *compressor,
                              struct pexec__logfile *file) {
  bool is_busy = compressor->has_thread && !atomic_load(&compressor->is_done);
  int64_t now_ns;
  if (is_busy || !pexec__logfile_wants_compression(file))
    return;
  now_ns = pexec__now();
  if (now_ns < compressor->no_thread_until_ns)
    return;
  join(compressor);
  compressor->file = file;
  atomic_store(&compressor->is_done, false);
  compressor->has_thread =
      pexec__thread_start(&compressor->thread, "pexec-compress",
                          compress_files, compressor) == 0;
  compressor->no_thread_until_ns =
      compressor->has_thread ? 0 : now_ns + AGAIN_NS;
}

void pexec__compressor_end (struct pexec__compressor *compressor,
                            struct pexec__logfile *file) {
  if (file != NULL)
    pexec__logfile_abandon(file);
  join(compressor);
}
