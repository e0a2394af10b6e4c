/*
** Specifies the heap of timers: whoever is due first comes first, whatever was
** armed, armed anew and disarmed before, and arming needs no memory.
**
** seam: own timers.c
*/

#include "memory_seam.h"

#include <errno.h>

#include "timers.h"

#define COUNT 100

static struct pexec__timers timers;
static struct pexec__due dues[COUNT];

void *pexec__realloc (void *block, size_t size) {
  if (good_blocks == 0)
    return NULL;
  atomic_fetch_add(&blocks, block == NULL);
  return realloc(block, size);
}

static int begin (void **s) {
  (void)s;
  good_blocks = -1;
  timers = (struct pexec__timers){ 0 };
  for (int i = 0; i < COUNT; i++)
    assert_int_equal(pexec__timers_open(&timers, &dues[i]), 0);
  return 0;
}

static int end (void **s) {
  (void)s;
  pexec__timers_free(&timers);
  assert_int_equal(blocks, 0);
  return 0;
}

static void take_first (int64_t at_ns) {
  struct pexec__due *first = pexec__timers_first(&timers);
  assert_non_null(first);
  assert_int_equal(first->at_ns, at_ns);
  pexec__timers_disarm(&timers, first);
  assert_int_equal(first->at_ns, INT64_MAX);
}

static void none_is_first_where_none_is_armed (void **s) {
  (void)s;
  assert_null(pexec__timers_first(&timers));
  pexec__timers_disarm(&timers, &dues[0]);
  assert_null(pexec__timers_first(&timers));
}

static void they_come_in_the_order_of_their_times (void **s) {
  (void)s;
  for (int i = 0; i < COUNT; i++)
    pexec__timers_arm(&timers, &dues[i], i * 37 % COUNT);
  for (int i = 0; i < COUNT; i++)
    take_first(i);
  assert_null(pexec__timers_first(&timers));
}

static void one_that_is_armed_anew_has_its_new_time_alone (void **s) {
  (void)s;
  for (int i = 0; i < 3; i++)
    pexec__timers_arm(&timers, &dues[i], 10 * i);
  pexec__timers_arm(&timers, &dues[0], 15);
  pexec__timers_arm(&timers, &dues[2], 5);
  take_first(5);
  take_first(10);
  take_first(15);
  assert_null(pexec__timers_first(&timers));
}

static int64_t earliest (void) {
  int64_t at_ns = INT64_MAX;
  for (int i = 0; i < COUNT; i++)
    if (dues[i].place != 0 && dues[i].at_ns < at_ns)
      at_ns = dues[i].at_ns;
  return at_ns;
}

static void check_first (void) {
  const struct pexec__due *first = pexec__timers_first(&timers);
  assert_int_equal(first ? first->at_ns : INT64_MAX, earliest());
}

static void the_first_is_right_whatever_happened_before (void **s) {
  (void)s;
  for (int i = 0; i < 100000; i++) {
    struct pexec__due *due = &dues[draw(COUNT)];
    if (draw(3) == 0)
      pexec__timers_disarm(&timers, due);
    else
      pexec__timers_arm(&timers, due, draw(COUNT));
    check_first();
  }
}

static void arming_needs_no_memory (void **s) {
  (void)s;
  good_blocks = 0;
  for (int i = 0; i < COUNT; i++)
    pexec__timers_arm(&timers, &dues[i], COUNT - i);
  take_first(1);
}

static void one_that_finds_no_memory_is_not_opened (void **s) {
  static struct pexec__due more[COUNT];
  int i = 0;
  (void)s;
  good_blocks = 0;
  while (i < COUNT && pexec__timers_open(&timers, &more[i]) == 0)
    i++;
  assert_in_range(i, 0, COUNT - 1);
  good_blocks = -1;
  assert_int_equal(pexec__timers_open(&timers, &more[i]), 0);
  pexec__timers_arm(&timers, &more[i], 1);
  take_first(1);
}

/* Closed ones leave their room to others. */
static void room_is_used_again (void **s) {
  (void)s;
  good_blocks = 0;
  for (int i = 0; i < 10 * COUNT; i++) {
    pexec__timers_close(&timers);
    assert_int_equal(pexec__timers_open(&timers, &dues[0]), 0);
  }
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest specs[] = {
    SPEC(none_is_first_where_none_is_armed),
    SPEC(they_come_in_the_order_of_their_times),
    SPEC(one_that_is_armed_anew_has_its_new_time_alone),
    SPEC(the_first_is_right_whatever_happened_before),
    SPEC(arming_needs_no_memory),
    SPEC(one_that_finds_no_memory_is_not_opened),
    SPEC(room_is_used_again),
  };
  return cmocka_run_group_tests(specs, NULL, NULL);
}
