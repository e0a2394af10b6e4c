/*
** Specifies what a child gets as its 0, 1 and 2: descriptors of the plan's,
** or the host's own. Children are real, and made without a supervisor. One
** thread.
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plan.h"
#include "sys.h"

#define STACK_SIZE (64 * 1024)

static const char *const steps[] = {
#define X(name, text) #name,
  PEXEC__STEPS(X)
#undef X
};

static pexec_config from;
static struct pexec__config *config;
static struct pexec__host host;
static struct pexec__plan plan;
static char *stack;
static int files[3];     /* the host's own, in a test */
static int saved[3];     /* and outside of it */

/* {== a host whose own three are files ==================================== */

static void set_own (int fd, const char *text) {
  char path[] = "/tmp/pexec-inherit-XXXXXX";
  files[fd] = mkstemp(path);
  assert_true(files[fd] > 2);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(write(files[fd], text, strlen(text)), strlen(text));
  assert_int_equal(lseek(files[fd], 0, SEEK_SET), 0);
  saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
  assert_int_equal(dup3(files[fd], fd, O_CLOEXEC), fd);
}

static int begin (void **state) {
  static char *nothing[] = { NULL };
  (void)state;
  (void)fflush(NULL);
  host = (struct pexec__host){ .environ = nothing };
  from = (pexec_config)PEXEC_CONFIG_INIT;
  from.id = "id";
  from.name = "/bin/sh";
  memset(&plan, 0, sizeof plan);
  stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  assert_true(stack != MAP_FAILED);
  set_own(0, "of the host\n");
  set_own(1, "");
  set_own(2, "");
  return 0;
}

static int end (void **state) {
  (void)state;
  for (int fd = 0; fd < 3; fd++) {
    (void)dup2(saved[fd], fd);
    (void)close(saved[fd]);
    (void)close(files[fd]);
  }
  (void)munmap(stack, STACK_SIZE);
  pexec__plan_free(&plan);
  pexec__config_free(config);
  return 0;
}

/* {== a child ============================================================= */

/* Its exit code; or -1, and the plan says why. */
static int run (const char *script, int in, int out, int err) {
  struct pexec__status status;
  const char *args[] = { "-c", script, NULL };
  from.args = args;
  assert_int_equal(pexec__config_copy(&from, &config), 0);
  assert_int_equal(pexec__plan_make(&plan, config, &host), 0);
  plan.fds[0] = in;
  plan.fds[1] = out;
  plan.fds[2] = err;
  plan.umask = 022;
  plan.parent_pid = pexec__self();
  plan.stack_end = stack + STACK_SIZE;
  assert_true(pexec__clone(&plan) > 0);
  while (pexec__wait(plan.pidfd, true, &status) == 0)
    (void)pexec__poll_readable(plan.pidfd, -1);
  (void)close(plan.pidfd);
  return plan.failed_step == PEXEC__STEP_NOTHING ? status.code : -1;
}

static void expect_file (int fd, const char *expected) {
  char text[256];
  ssize_t size = pread(files[fd], text, sizeof text - 1, 0);
  assert_true(size >= 0);
  text[size] = '\0';
  assert_string_equal(text, expected);
}

static void expect_failure (const char *step, const char *message) {
  char *told;
  assert_string_equal(steps[plan.failed_step], step);
  told = pexec__plan_failure(&plan, config, plan.failed_step,
                             -plan.failed_errno);
  assert_string_equal(told, message);
  pexec__free(told);
}

/* {== specs =============================================================== */

/* All three of them are close-on-exec in the host. */
static void all_three_may_be_the_hosts_own (void **state) {
  (void)state;
  assert_int_equal(run("read line; echo \"$line\"; echo error >&2; exit 7",
                       0, 1, 2), 7);
  expect_file(1, "of the host\n");
  expect_file(2, "error\n");
}

static void the_hosts_own_stay_as_they_are (void **state) {
  (void)state;
  assert_int_equal(run("exit 0", 0, 1, 2), 0);
  for (int fd = 0; fd < 3; fd++)
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

static void each_may_be_the_hosts_alone (void **state) {
  int null_fd = pexec__open("/dev/null", O_RDWR, 0);
  static const char script[] = "cat; echo out; echo err >&2";
  (void)state;
  for (int own = 0; own < 3; own++) {
    (void)ftruncate(files[1], 0);
    (void)ftruncate(files[2], 0);
    for (int fd = 0; fd < 3; fd++)
      (void)lseek(files[fd], 0, SEEK_SET);
    assert_int_equal(run(script, own == 0 ? 0 : null_fd,
                         own == 1 ? 1 : null_fd, own == 2 ? 2 : null_fd), 0);
    assert_int_equal(lseek(files[0], 0, SEEK_CUR), own == 0 ? 12 : 0);
    expect_file(1, own == 1 ? "out\n" : "");
    expect_file(2, own == 2 ? "err\n" : "");
    pexec__plan_free(&plan);
    pexec__config_free(config);
  }
  pexec__close(null_fd);
  assert_int_equal(run("exit 0", 0, 1, 2), 0);
}

/* Whatever became of 1: the host's own, or not. */
static void stderr_may_go_where_stdout_goes (void **state) {
  int other = fcntl(files[2], F_DUPFD_CLOEXEC, 3);
  (void)state;
  assert_int_equal(run("echo out; echo err >&2", 0, 1, 1), 0);
  expect_file(1, "out\nerr\n");
  expect_file(2, "");
  pexec__plan_free(&plan);
  pexec__config_free(config);
  assert_int_equal(run("echo out; echo err >&2", 0, other, 1), 0);
  expect_file(1, "out\nerr\n");
  expect_file(2, "out\nerr\n");
  (void)close(other);
}

static void a_host_without_stdin_has_none_to_inherit (void **state) {
  (void)state;
  (void)close(0);
  assert_int_equal(run("exit 0", 0, 1, 2), -1);
  expect_failure("STDIN", "error starting process \"/bin/sh\": the host has "
                 "no standard input to inherit");
}

static void a_host_without_stdout_has_none_to_inherit (void **state) {
  (void)state;
  (void)close(1);
  assert_int_equal(run("exit 0", 0, 1, 1), -1);
  expect_failure("STDOUT", "error starting process \"/bin/sh\": the host has "
                 "no standard output to inherit");
}

static void a_host_without_stderr_has_none_to_inherit (void **state) {
  (void)state;
  (void)close(2);
  assert_int_equal(run("exit 0", 0, 1, 2), -1);
  expect_failure("STDERR", "error starting process \"/bin/sh\": the host has "
                 "no standard error to inherit");
}

static void another_failure_is_told_as_it_is (void **state) {
  char *told;
  (void)state;
  assert_int_equal(run("exit 0", 0, 1, 2), 0);
  told = pexec__plan_failure(&plan, config, PEXEC__STEP_STDIN, -EPERM);
  assert_string_equal(told, "error starting process \"/bin/sh\": inheriting "
                      "standard input: operation not permitted");
  pexec__free(told);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(all_three_may_be_the_hosts_own),
    SPEC(the_hosts_own_stay_as_they_are),
    SPEC(each_may_be_the_hosts_alone),
    SPEC(stderr_may_go_where_stdout_goes),
    SPEC(a_host_without_stdin_has_none_to_inherit),
    SPEC(a_host_without_stdout_has_none_to_inherit),
    SPEC(a_host_without_stderr_has_none_to_inherit),
    SPEC(another_failure_is_told_as_it_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
