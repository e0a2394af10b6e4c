/*
** The last lines of a process, in a ring of bytes that is allocated with the
** first of them. Knows nothing of processes. Whoever owns it sees to the
** lock.
*/

#ifndef PEXEC_CORE_TAIL_H
#define PEXEC_CORE_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk.h"
#include "pexec.h"

struct pexec__tail {
  char *ring;           /* NULL: nothing was kept yet */
  size_t size;          /* of it, in bytes; 0: nothing is to be kept */
  size_t first;         /* where the oldest record begins */
  size_t used;          /* bytes of records from there on */
};

/* Keeps the lines of a view, the oldest making room. A line that does not fit
   is cut off; without memory none is kept. */
void pexec__tail_add (struct pexec__tail *tail,
                      const struct pexec__view *view, uint64_t run);
/* A copy for the host, in one block. -ENOMEM. */
int pexec__tail_copy (const struct pexec__tail *tail, pexec_tail *copy);
void pexec__tail_free (struct pexec__tail *tail);

#endif
