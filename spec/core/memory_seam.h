/*
** Memory for specs that are linked without sys.c: counted, and running out on
** demand. To be included once. Any thread, but for 'good_blocks'.
*/

#ifndef SPEC_MEMORY_SEAM_H
#define SPEC_MEMORY_SEAM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "sys.h"

static int good_blocks = -1;  /* allocations that succeed; -1: all */
static atomic_int blocks;

void *pexec__calloc (size_t count, size_t size) {
  if (good_blocks == 0)
    return NULL;
  if (good_blocks > 0)  /* else it is not written to */
    good_blocks--;
  atomic_fetch_add(&blocks, 1);
  return calloc(count, size);
}

void *pexec__malloc (size_t size) {
  return pexec__calloc(1, size);
}

void pexec__free (void *block) {
  atomic_fetch_sub(&blocks, block != NULL);
  free(block);
}

/* The state of a generator that gives the same each time. */
static uint64_t dice;

static inline unsigned draw (unsigned below) {
  dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
  return (unsigned)(dice >> 33) % below;
}

#endif
