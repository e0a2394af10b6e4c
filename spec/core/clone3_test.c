/*
** Specifies that a child is in its cgroup before it does anything, by the
** kernel's own means or by itself, on the real kernel; clone3 can be made to
** refuse. Skipped where there is no cgroup v2 to write to. One thread.
**
** seam: own clone3.c child.c hierarchy.c memory.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/mman.h>

#define pexec__clone3 seam_clone3
#include "sys.c"
#undef pexec__clone3

int pexec__clone3 (struct pexec__clone_args *how, int (*body) (void *data),
                   void *data);

static struct {
  int refusal, calls;         /* of clone3 */
  bool kills;                 /* what it makes, before that begins */
  char *directory;            /* NULL: there can be none */
  char *stack;
  int pipe[2];
} fake;

static int die (void *data) {
  (void)data;
  syscall(SYS_exit_group, 9);
  return 0;
}

int seam_clone3 (struct pexec__clone_args *how, int (*body) (void *data),
                 void *data) {
  fake.calls++;
  if (fake.kills)
    body = die;
  return fake.refusal < 0 ? fake.refusal : pexec__clone3(how, body, data);
}

/* {== a child that tells where it is ===================================== */

static char *const argv[] = { (char *)(uintptr_t)"cat",
                              (char *)(uintptr_t)"/proc/self/cgroup", NULL };
static char *const candidates[] = { (char *)(uintptr_t)"/bin/cat", NULL };
static const pexec_rights rights = PEXEC_RIGHTS_INIT;
static struct pexec__plan plan;

static char *door (void) {
  static char path[4200];
  (void)snprintf(path, sizeof path, "%s/cgroup.procs", fake.directory);
  return path;
}

static void make_directory (void) {
  char name[64];
  size_t floor;
  (void)snprintf(name, sizeof name, "pexec-spec-clone3-%d", (int)getpid());
  if (pexec__hierarchy_find(name, &fake.directory, &floor) < 0)
    fake.directory = NULL;
  else if (mkdir(fake.directory, 0755) < 0) {
    free(fake.directory);
    fake.directory = NULL;
  }
}

static int begin (void **state) {
  (void)state;
  memset(&fake, 0, sizeof fake);
  make_directory();
  fake.stack = mmap(NULL, PEXEC__CHILD_STACK, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  assert_int_equal(pexec__pipe(fake.pipe), 0);
  memset(&plan, 0, sizeof plan);
  plan.argv = argv;
  plan.candidates = candidates;
  plan.envp = &argv[2];
  plan.rights = &rights;
  plan.umask = 022;
  plan.oom_score_length = (size_t)sprintf(plan.oom_score_adj, "0");
  plan.fds[0] = plan.fds[1] = plan.fds[2] = fake.pipe[1];
  plan.stack_end = fake.stack + PEXEC__CHILD_STACK;
  plan.parent_pid = (int)getpid();
  plan.pidfd = -1;
  return 0;
}

static void use_directory (void) {
  if (fake.directory == NULL)
    skip();
  plan.cgroup_fd = pexec__open(fake.directory, O_RDONLY | O_DIRECTORY, 0);
  plan.cgroup_door_fd = pexec__open(door(), O_WRONLY, 0);
  assert_true(plan.cgroup_fd > 0 && plan.cgroup_door_fd > 0);
}

static void close_if_open (int fd) {
  if (fd > 0)
    pexec__close(fd);
}

static int end (void **state) {
  (void)state;
  close_if_open(plan.cgroup_fd);
  close_if_open(plan.cgroup_door_fd);
  close_if_open(plan.stillborn_fd);
  close_if_open(fake.pipe[0]);
  close_if_open(fake.pipe[1]);
  (void)munmap(fake.stack, PEXEC__CHILD_STACK);
  if (fake.directory != NULL)
    (void)rmdir(fake.directory);
  free(fake.directory);
  return 0;
}

static void bury (void) {
  struct pexec__status status;
  while (pexec__wait(plan.pidfd, true, &status) == 0)
    assert_true(pexec__poll_readable(plan.pidfd, 20000) > 0);
  pexec__close(plan.pidfd);
}

/* Its line of the v2 hierarchy ends in the directory's name. */
static void expect_inside (void) {
  char text[4096];
  const char *name = strrchr(fake.directory, '/');
  ssize_t length;
  assert_true(pexec__clone(&plan) > 0);
  assert_int_equal(plan.failed_step, PEXEC__STEP_NOTHING);
  bury();
  length = pexec__read(fake.pipe[0], text, sizeof text - 1);
  assert_true(length > 0);
  text[length] = '\0';
  assert_non_null(strstr(text, "0::/"));
  assert_memory_equal(strchr(strstr(text, "0::/") + 4, '\n') - strlen(name),
                      name, strlen(name));
}

/* {== the specs ========================================================== */

static void it_is_born_there (void **state) {
  (void)state;
  use_directory();
  expect_inside();
  assert_int_equal(fake.calls, 1);
  assert_false(plan.enters_cgroup);
}

/* FAULTS 37 */
static void where_clone3_is_refused_it_goes_there_first (void **state) {
  static const int refusals[] = { ENOSYS, EINVAL, E2BIG, EPERM };
  (void)state;
  use_directory();
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    fake.refusal = -refusals[i];
    expect_inside();
    assert_true(plan.enters_cgroup);
  }
}

/* As some kernels do where others were killed before. */
static void one_that_is_dead_before_it_begins_is_made_again (void **state) {
  (void)state;
  use_directory();
  fake.kills = true;
  expect_inside();
  assert_true(plan.stillborn_fd > 0);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void it_can_be_born_where_others_were_killed (void **state) {
  char path[4200];
  int fd;
  (void)state;
  use_directory();
  (void)snprintf(path, sizeof path, "%s/cgroup.kill", fake.directory);
  if ((fd = pexec__open(path, O_WRONLY, 0)) < 0)
    skip();
  assert_int_equal(pexec__write(fd, "1", 1), 1);
  pexec__close(fd);
  expect_inside();
}

static void what_no_other_way_would_change_is_told (void **state) {
  static const int errors[] = { EAGAIN, ENOMEM };
  (void)state;
  use_directory();
  for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
    fake.refusal = -errors[i];
    assert_int_equal(pexec__clone(&plan), -errors[i]);
    assert_int_equal(plan.pidfd, -1);
  }
}

static void one_that_cannot_go_there_runs_nothing (void **state) {
  char byte;
  (void)state;
  use_directory();
  assert_int_equal(rmdir(fake.directory), 0);
  assert_true(pexec__clone(&plan) > 0);
  bury();
  assert_int_equal(plan.failed_step, PEXEC__STEP_CGROUP);
  assert_int_equal(plan.failed_errno, ENODEV);
  assert_int_equal(pexec__read(fake.pipe[0], &byte, 1), -EAGAIN);
}

static void without_a_cgroup_there_is_no_clone3 (void **state) {
  (void)state;
  assert_true(pexec__clone(&plan) > 0);
  bury();
  assert_int_equal(fake.calls, 0);
  assert_int_equal(plan.failed_step, PEXEC__STEP_NOTHING);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(it_is_born_there),
    SPEC(where_clone3_is_refused_it_goes_there_first),
    SPEC(one_that_is_dead_before_it_begins_is_made_again),
    SPEC(it_can_be_born_where_others_were_killed),
    SPEC(what_no_other_way_would_change_is_told),
    SPEC(one_that_cannot_go_there_runs_nothing),
    SPEC(without_a_cgroup_there_is_no_clone3),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
