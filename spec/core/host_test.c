/*
** Specifies the snapshot of the host's environment and directory, and when
** two processes share one. One thread.
**
** seam: own host.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "sys.h"

/* {== memory ==== */

static int blocks, good_blocks;

static bool may_allocate (void) {
  if (good_blocks > 0)
    good_blocks--;
  return good_blocks != 0;
}

void *pexec__malloc (size_t size) {
  void *block = may_allocate() ? malloc(size) : NULL;
  blocks += (block != NULL);
  return block;
}

void *pexec__calloc (size_t count, size_t size) {
  void *block = pexec__malloc(count * size);
  return block ? memset(block, 0, count * size) : NULL;
}

void pexec__free (void *block) {
  blocks -= (block != NULL);
  free(block);
}

char *pexec__strdup (const char *text) {
  char *copy = text ? pexec__malloc(strlen(text) + 1) : NULL;
  return copy ? strcpy(copy, text) : NULL;
}

/* {== the host ==== */

static char **old_environ;
static char old_cwd[4096];
static char *variables[] = { "A=1", "B=2", "LONG=a b c", NULL };

static int begin (void **state) {
  (void)state;
  old_environ = environ;
  environ = variables;
  good_blocks = -1;
  return getcwd(old_cwd, sizeof old_cwd) == NULL || chdir("/usr") != 0;
}

static int end (void **state) {
  (void)state;
  environ = old_environ;
  assert_int_equal(blocks, 0);
  return chdir(old_cwd);
}

static struct pexec__host *take (struct pexec__host *like) {
  struct pexec__host *host = NULL;
  assert_int_equal(pexec__host_take(like, &host), 0);
  return host;
}

static void expect_like (const struct pexec__host *host,
                         char *const *expected, const char *cwd) {
  size_t bytes = 0;
  for (size_t i = 0; i < host->count; i++) {
    assert_string_equal(host->environ[i], expected[i]);
    bytes += strlen(expected[i]) + 1;
  }
  assert_null(expected[host->count]);
  assert_null(host->environ[host->count]);
  assert_int_equal(host->bytes, bytes);
  assert_string_equal(host->cwd, cwd);
}

/* {== specs ==== */

static void it_says_what_the_host_is_like (void **state) {
  struct pexec__host *host = take(NULL);
  (void)state;
  expect_like(host, variables, "/usr");
  pexec__host_release(host);
}

static void it_stays_as_it_was (void **state) {
  char text[] = "A=1";
  char *mine[] = { text, NULL };
  char *as_before[] = { "A=1", NULL };
  struct pexec__host *host;
  (void)state;
  environ = mine;
  host = take(NULL);
  text[2] = '9';
  assert_int_equal(chdir("/"), 0);
  expect_like(host, as_before, "/usr");
  pexec__host_release(host);
}

static void equal_ones_are_shared (void **state) {
  char *equal[] = { "A=1", "B=2", "LONG=a b c", NULL };
  struct pexec__host *first = take(NULL), *second;
  (void)state;
  environ = equal;
  second = take(first);
  assert_ptr_equal(first, second);
  pexec__host_release(first);
  expect_like(second, variables, "/usr");
  pexec__host_release(second);
}

static void expect_another (struct pexec__host *first, char *const *changed,
                            const char *cwd) {
  struct pexec__host *second = take(first);
  assert_ptr_not_equal(first, second);
  expect_like(second, changed, cwd);
  pexec__host_release(second);
}

static void a_changed_environment_makes_another (void **state) {
  static char *changes[][4] = {
    { "A=1", "B=3", "LONG=a b c", NULL },
    { "A=1", "B=2", NULL },
    { "B=2", "A=1", "LONG=a b c", NULL },
    { NULL },
  };
  char *longer[] = { "A=1", "B=2", "LONG=a b c", "C=3", NULL };
  struct pexec__host *first = take(NULL);
  (void)state;
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
    environ = changes[i];
    expect_another(first, changes[i], "/usr");
  }
  environ = longer;
  expect_another(first, longer, "/usr");
  pexec__host_release(first);
}

static void a_changed_directory_makes_another (void **state) {
  struct pexec__host *first = take(NULL);
  (void)state;
  assert_int_equal(chdir("/"), 0);
  expect_another(first, variables, "/");
  pexec__host_release(first);
}

static void a_host_without_environment_has_an_empty_one (void **state) {
  char *nothing[] = { NULL };
  struct pexec__host *host;
  (void)state;
  environ = NULL;
  host = take(NULL);
  expect_like(host, nothing, "/usr");
  assert_ptr_equal(take(host), host);
  pexec__host_release(host);
  pexec__host_release(host);
}

static void a_directory_that_is_gone_is_not_told (void **state) {
  char name[] = "/tmp/pexec-host-XXXXXX";
  struct pexec__host *host, *other;
  (void)state;
  assert_non_null(mkdtemp(name));
  assert_int_equal(chdir(name), 0);
  assert_int_equal(rmdir(name), 0);
  host = take(NULL);
  assert_null(host->cwd);
  assert_ptr_equal(take(host), host);
  pexec__host_release(host);
  assert_int_equal(chdir("/usr"), 0);
  other = take(host);
  assert_ptr_not_equal(other, host);
  pexec__host_release(host);
  pexec__host_release(other);
}

static void nothing_may_be_released (void **state) {
  (void)state;
  pexec__host_release(NULL);
}

static void each_allocation_may_fail (void **state) {
  struct pexec__host *host = NULL;
  int n = 1;
  (void)state;
  for (;; n++) {
    good_blocks = n;
    if (pexec__host_take(NULL, &host) == 0)
      break;
    assert_null(host);
    assert_int_equal(blocks, 0);
  }
  assert_int_equal(n, 4);
  pexec__host_release(host);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(it_says_what_the_host_is_like),
    SPEC(it_stays_as_it_was),
    SPEC(equal_ones_are_shared),
    SPEC(a_changed_environment_makes_another),
    SPEC(a_changed_directory_makes_another),
    SPEC(a_host_without_environment_has_an_empty_one),
    SPEC(a_directory_that_is_gone_is_not_told),
    SPEC(nothing_may_be_released),
    SPEC(each_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
