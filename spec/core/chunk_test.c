/*
** Specifies what a child's output is read into: counting its lines, the pool
** that the memory comes from, and how long it all lives.
**
** seam: own chunk.c
*/

#include "memory_seam.h"

#include <pthread.h>

#include "chunk.h"

#define LANE 16
#define ROUND (255 * (size_t)LANE)  /* of counting */
#define LARGE (2 * (size_t)PEXEC__LINE_MAX)
#define POOLED 40  /* as many as it keeps */

/* {== counting lines ===================================================== */

static size_t count_naively (const char *data, size_t length) {
  size_t lines = 0;
  for (size_t i = 0; i < length; i++)
    lines += (data[i] == '\n');
  return lines;
}

/* The block ends where the data does: a sanitizer sees a byte too far. */
static void check_count (size_t offset, size_t length, unsigned percent) {
  char *block = malloc(offset + length + (offset + length == 0));
  assert_non_null(block);
  for (size_t i = 0; i < offset + length; i++)
    block[i] = draw(100) < percent ? '\n' : (char)draw(256);
  assert_int_equal(pexec__count_newlines(block + offset, length),
                   count_naively(block + offset, length));
  free(block);
}

static void newlines_are_counted_at_every_alignment_and_length (void **s) {
  (void)s;
  for (size_t offset = 0; offset < LANE; offset++)
    for (size_t length = 0; length <= 5 * LANE; length++)
      for (unsigned percent = 0; percent <= 100; percent += 50)
        check_count(offset, length, percent);
}

/* A lane of the vector counts to 255 and no further. */
static void newlines_are_counted_where_a_lane_is_full (void **s) {
  (void)s;
  for (size_t rounds = 1; rounds <= 3; rounds++)
    for (size_t length = rounds * ROUND - 2 * LANE;
         length <= rounds * ROUND + 2 * LANE; length++)
      check_count(length % LANE, length, 100);
}

static void newlines_are_counted_in_anything (void **s) {
  (void)s;
  for (int i = 0; i < 500; i++)
    check_count(draw(LANE), draw(LARGE), draw(101));
}

/* {== chunks and their pool ============================================== */

static struct pexec__pool *pool;
static struct pexec__ledger *ledger;

static int begin (void **s) {
  (void)s;
  good_blocks = -1;
  dice = 1;
  assert_non_null(pool = pexec__pool_new(POOLED));
  assert_non_null(ledger = pexec__ledger_new("an id"));
  return 0;
}

static int end (void **s) {
  (void)s;
  pexec__pool_release(pool);
  pexec__ledger_release(ledger);
  assert_int_equal(atomic_load(&blocks), 0);
  return 0;
}

static struct pexec__chunk *take (size_t capacity) {
  struct pexec__chunk *chunk = pexec__chunk_new(pool, ledger, capacity);
  assert_non_null(chunk);
  assert_in_range(chunk->capacity, capacity, LARGE);
  assert_int_equal(chunk->length, 0);
  memset(chunk->data, 'x', chunk->capacity);  /* it is all there */
  return chunk;
}

static void a_small_chunk_is_as_large_as_it_needs_to_be (void **s) {
  struct pexec__chunk *chunk = take(100);
  (void)s;
  assert_int_equal(chunk->capacity, 100);
  pexec__chunk_drop(chunk);
  chunk = take(0);
  assert_int_equal(chunk->capacity, 0);
  pexec__chunk_drop(chunk);
}

static void a_large_chunk_is_used_again (void **s) {
  struct pexec__chunk *chunk = take(PEXEC__LINE_MAX);
  int before = atomic_load(&blocks);
  (void)s;
  pexec__chunk_drop(chunk);
  assert_int_equal(atomic_load(&blocks), before);
  assert_ptr_equal(take(LARGE), chunk);
  pexec__chunk_drop(chunk);
}

static void without_memory_there_is_one_for_any_size (void **s) {
  (void)s;
  for (size_t capacity = 1; capacity <= LARGE; capacity *= 2) {
    struct pexec__chunk *chunk;
    good_blocks = 0;
    chunk = take(capacity);
    assert_null(pexec__chunk_new(pool, ledger, 1));
    assert_null(pexec__chunk_new(pool, ledger, LARGE));
    pexec__chunk_drop(chunk);
  }
}

static void the_pool_keeps_some_and_no_more (void **s) {
  struct pexec__chunk *chunks[2 * POOLED];
  int before = atomic_load(&blocks);
  (void)s;
  for (int i = 0; i < 2 * POOLED; i++)
    chunks[i] = take(LARGE);
  for (int i = 0; i < 2 * POOLED; i++)
    pexec__chunk_drop(chunks[i]);
  assert_int_equal(atomic_load(&blocks), before + POOLED - 1);
  assert_int_equal(pool->count, POOLED);
}

static void a_chunk_lives_until_its_last_holder_lets_go (void **s) {
  struct pexec__chunk *chunk = take(100);
  int before = atomic_load(&blocks);
  (void)s;
  assert_ptr_equal(pexec__chunk_hold(chunk), chunk);
  pexec__chunk_drop(chunk);
  assert_int_equal(atomic_load(&blocks), before);
  pexec__chunk_drop(chunk);
  assert_int_equal(atomic_load(&blocks), before - 1);
  pexec__chunk_drop(NULL);
}

static void a_chunk_outlives_pool_and_process (void **s) {
  struct pexec__chunk *chunk = take(LARGE);
  (void)s;
  pexec__pool_release(pool);
  pexec__ledger_release(ledger);
  assert_string_equal(chunk->ledger->id, "an id");
  assert_int_equal(chunk->data[LARGE - 1], 'x');
  pexec__chunk_drop(chunk);
  pool = NULL;
  ledger = NULL;
}

static void a_new_ledger_is_empty (void **s) {
  (void)s;
  assert_null(ledger->owner);
  assert_int_equal(atomic_load(&ledger->queued_events), 0);
  for (int i = 0; i < 2; i++)
    assert_int_equal(atomic_load(&ledger->streams[i].bytes) +
                     atomic_load(&ledger->streams[i].lines) +
                     atomic_load(&ledger->streams[i].drops), 0);
}

static void without_memory_there_is_no_pool_and_no_ledger (void **s) {
  (void)s;
  good_blocks = 0;
  assert_null(pexec__ledger_new("an id"));
  for (int n = 0; n < 2; n++) {
    good_blocks = n;
    assert_null(pexec__pool_new(POOLED));
  }
}

/* {== threads ============================================================ */

#define HOLDERS 4
#define PASSES 2000

/* Chunks that one thread makes and others drop. */
static struct pexec__chunk *passed[PASSES];

static void *drop_all (void *argument) {
  (void)argument;
  for (int i = 0; i < PASSES; i++) {
    assert_int_equal(passed[i]->data[0], (char)i);
    pexec__chunk_drop(passed[i]);
  }
  return NULL;
}

static void chunks_are_dropped_by_any_thread (void **s) {
  pthread_t threads[HOLDERS];
  (void)s;
  for (int i = 0; i < PASSES; i++) {
    passed[i] = take(i % 50 == 0 ? LARGE : 1 + draw(64));
    passed[i]->data[0] = (char)i;
    for (int n = 1; n < HOLDERS; n++)
      (void)pexec__chunk_hold(passed[i]);
  }
  for (int n = 0; n < HOLDERS; n++)
    assert_int_equal(pthread_create(&threads[n], NULL, drop_all, NULL), 0);
  for (int n = 0; n < HOLDERS; n++)
    assert_int_equal(pthread_join(threads[n], NULL), 0);
  assert_in_range(pool->count, 1, POOLED);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(newlines_are_counted_at_every_alignment_and_length),
    SPEC(newlines_are_counted_where_a_lane_is_full),
    SPEC(newlines_are_counted_in_anything),
    SPEC(a_small_chunk_is_as_large_as_it_needs_to_be),
    SPEC(a_large_chunk_is_used_again),
    SPEC(without_memory_there_is_one_for_any_size),
    SPEC(the_pool_keeps_some_and_no_more),
    SPEC(a_chunk_lives_until_its_last_holder_lets_go),
    SPEC(a_chunk_outlives_pool_and_process),
    SPEC(a_new_ledger_is_empty),
    SPEC(without_memory_there_is_no_pool_and_no_ledger),
    SPEC(chunks_are_dropped_by_any_thread),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
