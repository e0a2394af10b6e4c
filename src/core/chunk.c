/* See chunk.h. Any thread. */

#include "chunk.h"

#include <string.h>

#include "sys.h"

#define POOLED_CAPACITY (2 * (size_t)PEXEC__LINE_MAX)

/* {== ledgers ============================================================ */

struct pexec__ledger *pexec__ledger_new (const char *id) {
  size_t size = strlen(id) + 1;
  struct pexec__ledger *ledger =
      pexec__calloc(1, sizeof *ledger + size);
  if (ledger == NULL)
    return NULL;
  atomic_init(&ledger->holders, 1);
  memcpy(ledger->id, id, size);
  return ledger;
}

void pexec__ledger_release (struct pexec__ledger *ledger) {
  if (ledger != NULL && atomic_fetch_sub(&ledger->holders, 1) == 1)
    pexec__free(ledger);
}

/* {== the pool =========================================================== */

static struct pexec__chunk *allocate (size_t capacity) {
  struct pexec__chunk *chunk =
      pexec__malloc(offsetof(struct pexec__chunk, data) + capacity);
  if (chunk != NULL)
    chunk->capacity = capacity;
  return chunk;
}

struct pexec__pool *pexec__pool_new (int most) {
  struct pexec__pool *pool = pexec__calloc(1, sizeof *pool);
  if (pool == NULL)
    return NULL;
  if ((pool->free = allocate(POOLED_CAPACITY)) == NULL) {
    pexec__free(pool);
    return NULL;
  }
  pool->free->next_free = NULL;
  pool->count = 1;
  pool->most = most;
  atomic_init(&pool->holders, 1);
  (void)pthread_mutex_init(&pool->lock, NULL);  /* cannot fail on Linux */
  return pool;
}

struct pexec__pool *pexec__pool_hold (struct pexec__pool *pool) {
  atomic_fetch_add_explicit(&pool->holders, 1, memory_order_relaxed);
  return pool;
}

void pexec__pool_release (struct pexec__pool *pool) {
  if (pool == NULL || atomic_fetch_sub(&pool->holders, 1) > 1)
    return;
  while (pool->free != NULL) {
    struct pexec__chunk *chunk = pool->free;
    pool->free = chunk->next_free;
    pexec__free(chunk);
  }
  (void)pthread_mutex_destroy(&pool->lock);
  pexec__free(pool);
}

static struct pexec__chunk *take_pooled (struct pexec__pool *pool) {
  struct pexec__chunk *chunk;
  (void)pthread_mutex_lock(&pool->lock);
  if ((chunk = pool->free) != NULL) {
    pool->free = chunk->next_free;
    pool->count--;
  }
  (void)pthread_mutex_unlock(&pool->lock);
  return chunk;
}

/* False where there are enough. */
static bool give_back (struct pexec__pool *pool, struct pexec__chunk *chunk) {
  bool is_taken;
  (void)pthread_mutex_lock(&pool->lock);
  if ((is_taken = pool->count < pool->most)) {
    chunk->next_free = pool->free;
    pool->free = chunk;
    pool->count++;
  }
  (void)pthread_mutex_unlock(&pool->lock);
  return is_taken;
}

/* {== chunks ============================================================= */

/* A small one is as large as it needs to be, since it may wait for long. */
static struct pexec__chunk *find (struct pexec__pool *pool, size_t capacity) {
  struct pexec__chunk *chunk = NULL;
  bool is_large = (capacity >= PEXEC__LINE_MAX / 2);
  if (is_large)
    chunk = take_pooled(pool);
  if (chunk == NULL)
    chunk = allocate(is_large ? POOLED_CAPACITY : capacity);
  return chunk ? chunk : take_pooled(pool);
}

struct pexec__chunk *pexec__chunk_new (struct pexec__pool *pool,
                                       struct pexec__ledger *ledger,
                                       size_t capacity) {
  struct pexec__chunk *chunk = find(pool, capacity);
  if (chunk == NULL)
    return NULL;
  atomic_init(&chunk->holders, 1);
  atomic_fetch_add_explicit(&ledger->holders, 1, memory_order_relaxed);
  chunk->pool = pexec__pool_hold(pool);
  chunk->ledger = ledger;
  chunk->length = 0;
  chunk->more_follows = false;
  return chunk;
}

struct pexec__chunk *pexec__chunk_hold (struct pexec__chunk *chunk) {
  atomic_fetch_add_explicit(&chunk->holders, 1, memory_order_relaxed);
  return chunk;
}

void pexec__chunk_drop (struct pexec__chunk *chunk) {
  struct pexec__pool *pool;
  if (chunk == NULL || atomic_fetch_sub(&chunk->holders, 1) > 1)
    return;
  pool = chunk->pool;
  pexec__ledger_release(chunk->ledger);
  if (chunk->capacity != POOLED_CAPACITY || !give_back(pool, chunk))
    pexec__free(chunk);
  pexec__pool_release(pool);
}

/* {== lines ============================================================== */

/* The compilers' own vectors: sixteen bytes at once, where the machine can. */
typedef unsigned char lanes __attribute__((vector_size(16)));

#define MOST_ROUNDS 255  /* as many as a lane can count */

/* Of so many times sixteen bytes. */
static size_t count_in_lanes (const char *data, size_t rounds) {
  lanes counts = { 0 };
  size_t lines = 0;
  for (; rounds > 0; rounds--) {
    lanes some;
    memcpy(&some, data, sizeof some);
    counts -= (lanes)(some == (unsigned char)'\n');  /* a match is -1 */
    data += sizeof some;
  }
  for (size_t i = 0; i < sizeof counts; i++)
    lines += counts[i];
  return lines;
}

size_t pexec__count_newlines (const char *data, size_t length) {
  size_t lines = 0;
  while (length >= sizeof(lanes)) {
    size_t rounds = length / sizeof(lanes);
    if (rounds > MOST_ROUNDS)
      rounds = MOST_ROUNDS;
    lines += count_in_lanes(data, rounds);
    data += rounds * sizeof(lanes);
    length -= rounds * sizeof(lanes);
  }
  for (; length > 0; length--)
    lines += (*data++ == '\n');
  return lines;
}
