/*
** Where memory comes from: the C library, or what the host has set instead.
** The one thing here that the whole program shares, since a block may be given
** back by any thread, on behalf of any supervisor. Any thread.
*/

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "pexec.h"
#include "sys.h"

static const pexec_allocator usual = {
  sizeof usual, malloc, calloc, realloc, free
};

/* Written by the one who has claimed it, before it is chosen. */
static pexec_allocator hosts;
static atomic_flag is_claimed = ATOMIC_FLAG_INIT;

/* NULL: nothing was allocated yet. Never changes after that. */
static _Atomic(const pexec_allocator *) chosen;

/* Of several at once the first one wins. */
static const pexec_allocator *choose (const pexec_allocator *wanted) {
  const pexec_allocator *found = NULL;
  return atomic_compare_exchange_strong(&chosen, &found, wanted) ? wanted
                                                                  : found;
}

static const pexec_allocator *allocator (void) {
  const pexec_allocator *found = atomic_load(&chosen);
  return found != NULL ? found : choose(&usual);
}

static bool is_usable (const pexec_allocator *from) {
  return from->size >= sizeof *from && from->allocate != NULL &&
         from->allocate_zeroed != NULL && from->resize != NULL &&
         from->release != NULL;
}

int pexec_set_allocator (const pexec_allocator *from) {
  if (!is_usable(from))
    return -EINVAL;
  if (atomic_flag_test_and_set(&is_claimed))
    return -EBUSY;
  hosts = *from;
  return choose(&hosts) == &hosts ? 0 : -EBUSY;
}

void *pexec__malloc (size_t size) {
  return allocator()->allocate(size);
}

void *pexec__calloc (size_t count, size_t size) {
  return allocator()->allocate_zeroed(count, size);
}

void *pexec__realloc (void *block, size_t size) {
  return allocator()->resize(block, size);
}

void pexec__free (void *block) {
  allocator()->release(block);
}

char *pexec__strdup (const char *text) {
  size_t size = text != NULL ? strlen(text) + 1 : 0;
  char *copy = text != NULL ? pexec__malloc(size) : NULL;
  return copy != NULL ? memcpy(copy, text, size) : NULL;
}
