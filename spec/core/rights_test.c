/*
** Specifies which rights can be used, and that a copy of them stands on its
** own, wherever its room begins. One thread.
**
** seam: own rights.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "rights.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static pexec_rights from;

static int begin (void **state) {
  (void)state;
  from = (pexec_rights)PEXEC_RIGHTS_INIT;
  return 0;
}

/* {== what can be used =================================================== */

#define IS_USABLE(field, value) \
  (from = (pexec_rights)PEXEC_RIGHTS_INIT, from.field = (value), \
   pexec__rights_are_usable(&from))

static void nothing_is_usable (void **state) {
  (void)state;
  assert_true(pexec__rights_are_usable(&from));
}

static void numbers_have_bounds (void **state) {
  (void)state;
  assert_true(IS_USABLE(umask, 0) && IS_USABLE(umask, 0777));
  assert_false(IS_USABLE(umask, -2) || IS_USABLE(umask, 01000));
  assert_true(IS_USABLE(nice, -20) && IS_USABLE(nice, 19));
  assert_false(IS_USABLE(nice, -21) || IS_USABLE(nice, 20));
  assert_true(IS_USABLE(oom_score_adj, -1000) &&
              IS_USABLE(oom_score_adj, 1000));
  assert_false(IS_USABLE(oom_score_adj, -1001) ||
               IS_USABLE(oom_score_adj, 1001));
  assert_true(IS_USABLE(io_level, 7) && IS_USABLE(io_class, PEXEC_IO_IDLE));
  assert_false(IS_USABLE(io_level, -1) || IS_USABLE(io_level, 8));
  assert_false(IS_USABLE(io_class, (enum pexec_io_class)4) ||
               IS_USABLE(io_class, (enum pexec_io_class)-1));
  assert_true(IS_USABLE(host_death, PEXEC_HOST_DEATH_KEEP));
  assert_false(IS_USABLE(host_death, (enum pexec_host_death)2));
}

static bool is_usable_limit (int resource, uint64_t soft, uint64_t hard) {
  pexec_limit limit = { (enum pexec_resource)resource, soft, hard };
  from.limits = &limit;
  from.limit_count = 1;
  return pexec__rights_are_usable(&from);
}

static void a_soft_limit_is_not_above_the_hard_one (void **state) {
  (void)state;
  assert_true(is_usable_limit(PEXEC_RESOURCE_AS, 5, 5));
  assert_true(is_usable_limit(PEXEC_RESOURCE_AS, 5, PEXEC_UNLIMITED));
  assert_true(is_usable_limit(PEXEC_RESOURCE_AS, PEXEC_UNLIMITED,
                              PEXEC_UNLIMITED));
  assert_false(is_usable_limit(PEXEC_RESOURCE_AS, 6, 5));
  assert_false(is_usable_limit(PEXEC_RESOURCE_AS, PEXEC_UNLIMITED, 5));
}

static void a_limit_is_one_that_there_is (void **state) {
  (void)state;
  assert_true(is_usable_limit(PEXEC_RESOURCE_COUNT - 1, 0, 0));
  assert_false(is_usable_limit(PEXEC_RESOURCE_COUNT, 0, 0));
  assert_false(is_usable_limit(-1, 0, 0));
  from.limits = NULL;
  assert_false(pexec__rights_are_usable(&from));
}

static bool is_usable_cpu (int cpu) {
  int cpus[] = { 0, cpu };
  from.cpus = cpus;
  from.cpu_count = 2;
  return pexec__rights_are_usable(&from);
}

static void a_cpu_has_a_number_that_can_be (void **state) {
  (void)state;
  assert_true(is_usable_cpu(PEXEC_MOST_CPUS - 1));
  assert_false(is_usable_cpu(PEXEC_MOST_CPUS) || is_usable_cpu(-1) ||
               is_usable_cpu(INT_MAX));
  from.cpu_count = 0;
  assert_false(pexec__rights_are_usable(&from));
}

/* {== a cgroup =========================================================== */

static bool is_usable_path (const char *path) {
  pexec_cgroup cgroup = PEXEC_CGROUP_INIT;
  cgroup.path = path;
  return pexec__cgroup_is_usable(&cgroup);
}

static void a_cgroup_has_a_path_of_names (void **state) {
  static const char *const bad[] = {
    NULL, "", "/", "//", "a/", "/a/", "a//b", "//a", ".", "..", "/..", "a/..",
    "../a", "a/./b", "a/../b"
  };
  char name[NAME_MAX + 2], path[PATH_MAX + 1];
  (void)state;
  assert_true(pexec__cgroup_is_usable(NULL));
  assert_true(is_usable_path("a") && is_usable_path("/a") &&
              is_usable_path("a/b.c/..d") && is_usable_path("/a b/..."));
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_false(is_usable_path(bad[i]));
  memset(name, 'x', sizeof name);
  name[NAME_MAX] = '\0';
  assert_true(is_usable_path(name));
  name[NAME_MAX] = 'x';
  name[NAME_MAX + 1] = '\0';
  assert_false(is_usable_path(name));
  for (size_t i = 0; i < sizeof path; i++)
    path[i] = i % 2 == 0 ? 'a' : '/';
  path[PATH_MAX - 1] = '\0';
  assert_true(is_usable_path(path));
  path[PATH_MAX - 1] = '/';
  path[PATH_MAX] = '\0';
  assert_false(is_usable_path(path));
}

static bool is_usable_cgroup (int64_t memory, int64_t pids, int weight) {
  const pexec_cgroup cgroup = { "a", memory, pids, weight };
  return pexec__cgroup_is_usable(&cgroup);
}

static void its_numbers_have_bounds (void **state) {
  (void)state;
  assert_true(is_usable_cgroup(-1, -1, 0) && is_usable_cgroup(0, 1, 1) &&
              is_usable_cgroup(PEXEC_CGROUP_MAX, PEXEC_CGROUP_MAX, 10000));
  assert_false(is_usable_cgroup(-2, 1, 1) || is_usable_cgroup(0, 0, 1) ||
               is_usable_cgroup(0, -2, 1) || is_usable_cgroup(0, 1, -1) ||
               is_usable_cgroup(0, 1, 10001));
}

/* {== the copy =========================================================== */

/* What this is a copy of is gone by then. */
static void expect_copy (const pexec_rights *copy) {
  assert_string_equal(copy->group, "www");
  assert_string_equal(copy->supplementary_groups[0], "a");
  assert_string_equal(copy->supplementary_groups[1], "");
  assert_null(copy->supplementary_groups[2]);
  assert_int_equal(copy->limits[1].hard, PEXEC_UNLIMITED);
  assert_int_equal(copy->limits[1].resource, PEXEC_RESOURCE_CORE);
  assert_int_equal(copy->cpus[2], 7);
  assert_int_equal(copy->nice, -3);
}

/* Exactly its size is written to, which a sanitizer sees. */
static void copy_at (size_t offset) {
  char group[] = "www", first[] = "a";
  const char *groups[] = { first, "", NULL };
  pexec_limit limits[] = { { PEXEC_RESOURCE_AS, 1, 2 },
                           { PEXEC_RESOURCE_CORE, 3, PEXEC_UNLIMITED } };
  int cpus[] = { 5, 6, 7 };
  const pexec_rights *copy;
  char *block;
  from.group = group;
  from.supplementary_groups = groups;
  from.limits = limits;
  from.limit_count = COUNT(limits);
  from.cpus = cpus;
  from.cpu_count = COUNT(cpus);
  from.nice = -3;
  block = malloc(offset + pexec__rights_size(&from));
  assert_non_null(block);
  copy = pexec__rights_copy(block + offset, &from);
  memset(group, 'x', 3);
  first[0] = 'x';
  memset(limits, 0, sizeof limits);
  memset(cpus, 0, sizeof cpus);
  expect_copy(copy);
  free(block);
}

static void a_copy_stands_on_its_own (void **state) {
  for (size_t offset = 0; offset < 16; offset++) {
    (void)begin(state);
    copy_at(offset);
  }
}

static void those_that_say_nothing_are_one_for_all (void **state) {
  (void)state;
  assert_int_equal(pexec__rights_size(&from), 0);
  assert_ptr_equal(pexec__rights_copy(NULL, &from), &pexec__no_rights);
}

static void what_is_not_said_is_not_said_by_the_copy (void **state) {
  char room[256];
  const pexec_rights *copy;
  (void)state;
  from.nice = 1;
  assert_in_range(pexec__rights_size(&from), 1, sizeof room);
  copy = pexec__rights_copy(room, &from);
  assert_int_equal(copy->nice, 1);
  assert_int_equal(copy->umask, -1);
  assert_null(copy->group);
  assert_null(copy->supplementary_groups);
  assert_null(copy->limits);
  assert_null(copy->cpus);
}

static void no_groups_are_not_unsaid (void **state) {
  const char *none[] = { NULL };
  char room[256];
  const pexec_rights *copy;
  (void)state;
  from.supplementary_groups = none;
  copy = pexec__rights_copy(room, &from);
  assert_non_null(copy->supplementary_groups);
  assert_null(copy->supplementary_groups[0]);
}

#define SPEC(name) cmocka_unit_test_setup(name, begin)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(nothing_is_usable),
    SPEC(numbers_have_bounds),
    SPEC(a_soft_limit_is_not_above_the_hard_one),
    SPEC(a_limit_is_one_that_there_is),
    SPEC(a_cpu_has_a_number_that_can_be),
    SPEC(a_cgroup_has_a_path_of_names),
    SPEC(its_numbers_have_bounds),
    SPEC(a_copy_stands_on_its_own),
    SPEC(those_that_say_nothing_are_one_for_all),
    SPEC(what_is_not_said_is_not_said_by_the_copy),
    SPEC(no_groups_are_not_unsaid),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
