/*
** Specifies the allocator that a host sets: all of pexec's memory comes from
** it and goes back to it, from whichever thread, and none is asked for in a
** child before it is executed. Set in main, as a host does. Several threads.
*/

#include "core.h"
#include "real.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* {== the host's own ==== */

/* In front of each block: a stranger's has another mark. */
struct head {
  uint64_t mark, padding;
};
#define MARK UINT64_C(0x9E3779B97F4A7C15)

static atomic_long blocks;          /* that are not given back */
static atomic_long calls;
static atomic_long strange;         /* blocks that were not ours */
static atomic_long elsewhere;       /* calls in another process */
static pid_t owner;

static void *enter (struct head *head) {
  atomic_fetch_add(&calls, 1);
  if (getpid() != owner)
    atomic_fetch_add(&elsewhere, 1);
  if (head == NULL)
    return NULL;
  head->mark = MARK;
  atomic_fetch_add(&blocks, 1);
  return head + 1;
}

static struct head *leave (void *block) {
  struct head *head = (struct head *)block - 1;
  if (getpid() != owner)
    atomic_fetch_add(&elsewhere, 1);
  if (head->mark != MARK)
    atomic_fetch_add(&strange, 1);
  head->mark = 0;
  atomic_fetch_sub(&blocks, 1);
  return head;
}

static void *allocate (size_t size) {
  return enter(malloc(sizeof(struct head) + size));
}

static void *allocate_zeroed (size_t count, size_t size) {
  return enter(calloc(1, sizeof(struct head) + count * size));
}

static void *resize (void *block, size_t size) {
  return enter(realloc(block ? leave(block) : NULL,
                       sizeof(struct head) + size));
}

static void release (void *block) {
  if (block != NULL)
    free(leave(block));
}

static const pexec_allocator mine = {
  sizeof mine, allocate, allocate_zeroed, resize, release
};

/* {== setting it ========================================================= */

/* In a copy of this program in which nothing was set or used yet. */
static int in_a_fresh_copy (int (*body) (void)) {
  int status = -1;
  pid_t pid = fork();
  if (pid == 0)
    _exit(body());
  assert_true(pid > 0);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static int set_after_use (void) {
  pexec_supervisor *supervisor;
  if (pexec_supervisor_new(&supervisor) != 0)
    return 1;
  pexec_supervisor_close(supervisor);
  return pexec_set_allocator(&mine) == -EBUSY ? 0 : 2;
}

static void after_the_first_use_it_is_too_late (void **state) {
  (void)state;
  assert_int_equal(in_a_fresh_copy(set_after_use), 0);
}

static int set_unusable (void) {
  for (int i = 0; i < 5; i++) {
    pexec_allocator bad = mine;
    if (i == 0) bad.size--;
    if (i == 1) bad.allocate = NULL;
    if (i == 2) bad.allocate_zeroed = NULL;
    if (i == 3) bad.resize = NULL;
    if (i == 4) bad.release = NULL;
    if (pexec_set_allocator(&bad) != -EINVAL)
      return i + 1;
  }
  return pexec_set_allocator(&mine) == 0 ? 0 : 6;
}

static void one_that_lacks_something_is_refused_and_harmless (void **state) {
  (void)state;
  assert_int_equal(in_a_fresh_copy(set_unusable), 0);
}

#define SETTERS 8

static atomic_int set_count;

static void *set_one (void *nothing) {
  (void)nothing;
  if (pexec_set_allocator(&mine) == 0)
    atomic_fetch_add(&set_count, 1);
  return NULL;
}

static int set_side_by_side (void) {
  pthread_t threads[SETTERS];
  for (int i = 0; i < SETTERS; i++)
    if (pthread_create(&threads[i], NULL, set_one, NULL) != 0)
      return 100;
  for (int i = 0; i < SETTERS; i++)
    (void)pthread_join(threads[i], NULL);
  return atomic_load(&set_count);
}

static void of_several_at_once_one_is_set (void **state) {
  (void)state;
  assert_int_equal(in_a_fresh_copy(set_side_by_side), 1);
}

static void a_second_one_is_refused (void **state) {
  (void)state;
  assert_int_equal(pexec_set_allocator(&mine), -EBUSY);
}

/* {== what comes from it ================================================= */

/* All that can be had at once: files, a logger, stdin, restarts, a stop. */
static void live (void) {
  pexec_logger_options options = { .size = sizeof options,
                                   .file = real_path("said") };
  pexec_file log = PEXEC_FILE_INIT;
  const pexec_file *const files[] = { &log, NULL };
  pexec_process *process;
  log.path = real_path("log");
  log.max_size = 4096;
  log.compress = 1;
  assert_int_equal(pexec_logger_new(&options, &real.config.logger), 0);
  real.config.output[0].files = files;
  real.config.log_events = 1;
  real.config.input.source = PEXEC_FROM_PIPE;
  process = STARTED("lines", "2000", "end");
  real_await_starts(process, 3);
  assert_int_equal(pexec_process_stop(process), 0);
  (void)real_await(process, PEXEC_EVENT_ENDED);
  real_release(process);
  pexec_logger_release(real.config.logger);
}

/* A writer whose last file is closed ends by itself, be it a moment after the
   supervisor. */
static void all_comes_from_it_and_goes_back (void **state) {
  struct deadline deadline = real_deadline();
  long before = atomic_load(&calls);
  (void)state;
  live();
  pexec_supervisor_close(real.supervisor);
  real.supervisor = NULL;
  assert_true(atomic_load(&calls) > before + 50);
  while (atomic_load(&blocks) != 0)
    real_pause(deadline, "all memory to come back");
  assert_int_equal(atomic_load(&strange), 0);
}

static void a_child_asks_for_none (void **state) {
  (void)state;
  live();
  assert_int_equal(atomic_load(&elsewhere), 0);
}

int main (void) {
  const struct CMUnitTest setting[] = {
    cmocka_unit_test(after_the_first_use_it_is_too_late),
    cmocka_unit_test(one_that_lacks_something_is_refused_and_harmless),
    cmocka_unit_test(of_several_at_once_one_is_set),
  };
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_second_one_is_refused),
    REAL_SPEC(all_comes_from_it_and_goes_back),
    REAL_SPEC(a_child_asks_for_none),
  };
  int failed;
  owner = getpid();
  failed = cmocka_run_group_tests_name("setting", setting, NULL, NULL);
  if (pexec_set_allocator(&mine) != 0)
    return failed + 1;
  return failed + REAL_RUN(tests);
}
