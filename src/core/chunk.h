/*
** What a child wrote, as it was read: read once, and then shared by all who
** get it, whatever their thread, until the last of them lets go. Immutable
** once it is shared.
*/

#ifndef PEXEC_CORE_CHUNK_H
#define PEXEC_CORE_CHUNK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pexec.h"

#define PEXEC__LINE_MAX 65536       /* longer lines come in pieces */

/* What is known of a process's output. Chunks hold it too, so that it may
   outlive the process. */
struct pexec__ledger {
  atomic_int holders;
  pexec_process *owner;             /* the host's thread only; NULL: gone */
  atomic_size_t queued_events;      /* that the host has not released yet */
  struct {
    atomic_uint_fast64_t bytes, lines, drops;
  } streams[2];                     /* stdout, stderr */
  char id[];
};

struct pexec__ledger *pexec__ledger_new (const char *id);  /* NULL: memory */
void pexec__ledger_release (struct pexec__ledger *ledger); /* NULL: nothing */

struct pexec__chunk {
  atomic_int holders;
  struct pexec__chunk *next_free;   /* meaningful in the pool alone */
  struct pexec__pool *pool;         /* held, and so is: */
  struct pexec__ledger *ledger;
  size_t capacity;
  size_t length;                    /* bytes of data */
  int64_t time_ns;                  /* CLOCK_REALTIME */
  enum pexec_stream stream;
  int pid;
  bool more_follows;                /* at any moment: a writer need not be woken
                                       for this one alone */
  char data[];
};

/* A part of a chunk: what one delivery is about. */
struct pexec__view {
  struct pexec__chunk *chunk;
  size_t from, to;
  size_t lines;                     /* that end in it; a last one at a death,
                                       which has no newline, too */
  bool is_partial;                  /* a piece, whose line goes on */
};

/* Chunks of full size come from here, and return: to give them back to the
   C library each time would cost page faults. One is always here, or in use:
   with no memory to be had, what children write is still read. Any thread; but
   each that reads has a pool of its own, so that what it reads into is in the
   cache of its own core. */
struct pexec__pool {
  atomic_int holders;
  int owner_pid;             /* in another process its lock may be held */
  pthread_mutex_t lock;
  struct pexec__chunk *free;
  int count;
  int most;                  /* that stay */
};

/* For so many chunks; NULL for want of memory. */
struct pexec__pool *pexec__pool_new (int most);
struct pexec__pool *pexec__pool_hold (struct pexec__pool *pool);
void pexec__pool_release (struct pexec__pool *pool);  /* NULL: nothing */

/* One of at least this capacity, which is at most twice PEXEC__LINE_MAX, with
   one holder; NULL for want of memory. */
struct pexec__chunk *pexec__chunk_new (struct pexec__pool *pool,
                                       struct pexec__ledger *ledger,
                                       size_t capacity);
struct pexec__chunk *pexec__chunk_hold (struct pexec__chunk *chunk);
void pexec__chunk_drop (struct pexec__chunk *chunk);  /* NULL: nothing */

size_t pexec__count_newlines (const char *data, size_t length);

#endif
