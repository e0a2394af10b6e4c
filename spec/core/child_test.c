/*
** Specifies which system calls a child makes, in which order, and that one
** that fails ends it at once with its step and errno: the calls are this
** file's. One thread.
**
** seam: own child.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "plan.h"

/* {== the calls ========================================================== */

static const struct { long number; const char *name; } names[] = {
  { SYS_setsid, "setsid" }, { SYS_umask, "umask" },
  { SYS_rt_sigprocmask, "unblock" }, { SYS_setpriority, "setpriority" },
  { SYS_openat, "open" }, { SYS_ioprio_set, "ioprio_set" },
  { SYS_sched_setaffinity, "set_cpus" }, { SYS_sched_getaffinity, "get_cpus" },
  { SYS_prlimit64, "prlimit" }, { SYS_capset, "capset" }, { SYS_write, "write" }, { SYS_close, "close" },
  { SYS_dup3, "dup3" }, { SYS_close_range, "close_range" },
  { SYS_chdir, "chdir" }, { SYS_setgroups, "setgroups" },
  { SYS_setresgid, "setresgid" }, { SYS_setresuid, "setresuid" },
  { SYS_getdents64, "list" }, { SYS_setuid, "setuid" },
  { SYS_getppid, "getppid" },
  { SYS_execve, "execve" },
};

static struct {
  char made[1024];           /* names of the calls, a blank behind each */
  const char *failing;       /* the calls of these names fail */
  int error;                 /* so */
  uint64_t cpus;             /* that are there */
  int reads;                 /* of the bounding set */
  int lists;                 /* of descriptors, still to come */
  uint64_t most_descriptors; /* the hard limit */
  char marks[64];            /* descriptors that exec is to close: a number
                                each, the first few */
  uint64_t last_mark;
  jmp_buf gone;              /* where the child's end leads */
} fake;

static const char *name_of (long number, long first) {
  if (number == SYS_prctl)
    switch (first) {
      case PR_SET_NO_NEW_PRIVS: return "no_new_privs";
      case PR_CAPBSET_DROP: return "drop";
      case PR_SET_KEEPCAPS: return "keep_caps";
      case PR_CAP_AMBIENT: return "ambient";
      default: return "pdeathsig";
    }
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (names[i].number == number)
      return names[i].name;
  fail_msg("an unknown call: %ld", number);
  return "";
}

static bool is_failing (const char *name) {
  const char *found = fake.failing ? strstr(fake.failing, name) : NULL;
  size_t length = strlen(name);
  return found != NULL && (found[length] == '\0' || found[length] == ' ');
}

/* There is no way back, and nothing can be executed. */
static int error_of (const char *name) {
  if (is_failing(name))
    return fake.error;
  if (strcmp(name, "setuid") == 0)
    return EPERM;
  return strcmp(name, "execve") == 0 ? ENOENT : 0;
}

/* Half of a list of open descriptors in each answer, and then its end. */
static long list (char *room) {
  static const char *const shown[2][3] = { { ".", "..", "2" },
                                           { "3", "0", "70" } };
  struct dirent64 entry = { .d_reclen = sizeof entry };
  if (fake.lists == 2)
    return 0;
  for (int i = 0; i < 3; i++) {
    strcpy(entry.d_name, shown[fake.lists][i]);
    memcpy(room + (size_t)i * sizeof entry, &entry, sizeof entry);
  }
  fake.lists++;
  return 3 * (long)sizeof entry;
}

static long mark (long fd, int flags) {
  size_t length = strlen(fake.marks);
  if (length < sizeof fake.marks - 8 && flags == FD_CLOEXEC)
    (void)sprintf(fake.marks + length, "%ld ", fd);
  fake.last_mark = (uint64_t)fd;
  return 0;
}

/* The child asks for its limit, too. */
static void tell_limit (va_list args) {
  (void)va_arg(args, int);
  (void)va_arg(args, void *);
  uint64_t *limit = va_arg(args, uint64_t *);
  if (limit != NULL)
    limit[0] = limit[1] = fake.most_descriptors;
}

long syscall (long number, ...) {
  const char *name;
  va_list args;
  long first, size;
  va_start(args, number);
  first = va_arg(args, long);
  if (number == SYS_fcntl) {
    (void)va_arg(args, int);
    first = mark(first, va_arg(args, int));
    va_end(args);
    return first;
  }
  if (number == SYS_prlimit64)
    tell_limit(args);
  if (number == SYS_prctl && first == PR_CAPBSET_READ) {
    va_end(args);
    return ++fake.reads <= 3 ? 1 : -1;  /* the kernel knows three */
  }
  if (number == SYS_sched_getaffinity) {
    (void)va_arg(args, size_t);
    *va_arg(args, uint64_t *) = fake.cpus;
  }
  size = number == SYS_getdents64 ? list(va_arg(args, char *)) : 0;
  va_end(args);
  if (number == SYS_exit_group)
    longjmp(fake.gone, 1);
  if (number == SYS_rt_sigaction)
    return 0;
  name = name_of(number, first);
  strcat(strcat(fake.made, name), " ");
  errno = error_of(name);
  return errno == 0 ? size : -1;
}

/* {== a child ============================================================ */

static char *const nothing[] = { NULL };
static char *const candidates[] = { (char *)(uintptr_t)"/prog", NULL };
static gid_t groups[] = { 5 };
static const pexec_limit limits[] = {
  { PEXEC_RESOURCE_CORE, 0, 0 }, { PEXEC_RESOURCE_NOFILE, 5, 10 } };
static const int cpus[] = { 1, 3 };
static pexec_rights rights;
static struct pexec__plan plan;

static int begin (void **state) {
  (void)state;
  memset(&fake, 0, sizeof fake);
  memset(&plan, 0, sizeof plan);
  rights = (pexec_rights)PEXEC_RIGHTS_INIT;
  plan.argv = plan.envp = nothing;
  plan.candidates = candidates;
  plan.rights = &rights;
  plan.umask = 022;
  plan.fds[0] = plan.fds[1] = plan.fds[2] = 7;
  strcpy(plan.oom_score_adj, "0");
  return 0;
}

static void run (void) {
  if (setjmp(fake.gone) == 0)
    (void)pexec__child_main(&plan);
}

static void ask_for_everything (void) {
  rights.nice = 5;
  rights.oom_score_adj = 100;
  rights.no_new_privileges = 1;
  rights.limits = limits;
  rights.limit_count = 2;
  rights.cpus = cpus;
  rights.cpu_count = 2;
  fake.cpus = 1 << 1 | 1 << 3;
  rights.io_class = PEXEC_IO_IDLE;
  rights.sets_capabilities = 1;
  rights.capabilities = 1 << 1;
  plan.host_cwd = "/host";
  plan.cwd = "sub";
  plan.identity = (struct pexec__identity){
    .is_changed = true, .has_uid = true, .has_gid = true, .has_groups = true,
    .uid = 1000, .gid = 1000, .groups = groups, .group_count = 1,
  };
}

#define TO_DESCRIPTORS "dup3 dup3 dup3 close_range "
#define SCORE "open write close "

static void it_does_no_more_than_it_is_asked_for (void **state) {
  (void)state;
  run();
  assert_string_equal(fake.made, "setsid unblock umask " SCORE TO_DESCRIPTORS
                      "pdeathsig getppid execve ");
}

/* What needs rights comes before they are given up, and what a change of
   identity would clear or what its user alone may do comes behind it. */
static void the_order_is_the_one_that_is_told (void **state) {
  (void)state;
  ask_for_everything();
  run();
  assert_string_equal(fake.made, "setsid unblock umask setpriority " SCORE
                      "ioprio_set set_cpus get_cpus " TO_DESCRIPTORS
                      "chdir prlimit prlimit drop drop keep_caps "
                      "setgroups setresgid setresuid setuid capset ambient "
                      "no_new_privs chdir pdeathsig getppid execve ");
}

/* Whatever it does, it does there. */
static void its_cgroup_comes_before_all_else (void **state) {
  (void)state;
  plan.cgroup_door_fd = 9;
  plan.enters_cgroup = true;
  run();
  assert_memory_equal(fake.made, "write setsid ", 13);
  (void)begin(state);
  plan.enters_cgroup = true;
  fake.failing = "write";
  fake.error = EACCES;
  run();
  assert_string_equal(fake.made, "write ");
  assert_int_equal(plan.failed_step, PEXEC__STEP_CGROUP);
}

static void what_of_its_identity_is_not_asked_for_is_kept (void **state) {
  (void)state;
  plan.identity.is_changed = plan.identity.has_gid = true;
  run();
  assert_non_null(strstr(fake.made, "close_range setresgid pdeathsig"));
}

static void one_that_is_kept_follows_nobody (void **state) {
  (void)state;
  rights.host_death = PEXEC_HOST_DEATH_KEEP;
  run();
  assert_string_equal(fake.made, "setsid unblock umask " SCORE TO_DESCRIPTORS
                      "execve ");
}

/* {== without close_range =============================================== */

static void descriptors_are_left_as_they_are_listed (void **state) {
  (void)state;
  fake.failing = "close_range";
  fake.error = ENOSYS;
  run();
  assert_string_equal(fake.marks, "3 70 ");
  assert_non_null(strstr(fake.made, "close_range open list list list close "
                                    "pdeathsig"));
}

static void without_a_list_all_numbers_are (void **state) {
  (void)state;
  fake.failing = "close_range open";
  fake.error = EPERM;
  fake.most_descriptors = 7;
  run();
  assert_string_equal(fake.marks, "3 4 5 6 ");
}

static void a_list_that_cannot_be_read_is_none (void **state) {
  (void)state;
  fake.failing = "close_range list";
  fake.error = EACCES;
  fake.most_descriptors = 5;
  run();
  assert_string_equal(fake.marks, "3 4 ");
}

static void there_is_a_bound_to_all_numbers (void **state) {
  (void)state;
  fake.failing = "close_range open";
  fake.error = EPERM;
  fake.most_descriptors = UINT64_MAX;
  run();
  assert_int_equal(fake.last_mark, (1 << 20) - 1);
  (void)begin(state);
  fake.failing = "close_range open prlimit";
  fake.error = EPERM;
  fake.most_descriptors = 5;
  run();
  assert_int_equal(fake.last_mark, (1 << 20) - 1);
}

/* {== failures =========================================================== */

static void each_failure_ends_it_with_its_step (void **state) {
  static const struct { const char *call; enum pexec__spawn_step step; }
  cases[] = {
    { "setsid", PEXEC__STEP_SESSION }, { "unblock", PEXEC__STEP_SIGNALS },
    { "setpriority", PEXEC__STEP_NICE }, { "open", PEXEC__STEP_OOM_SCORE },
    { "write", PEXEC__STEP_OOM_SCORE }, { "dup3", PEXEC__STEP_DESCRIPTORS },
    { "ioprio_set", PEXEC__STEP_IO_PRIORITY },
    { "set_cpus", PEXEC__STEP_CPUS }, { "get_cpus", PEXEC__STEP_CPUS },
    { "prlimit", PEXEC__STEP_LIMIT },
    { "chdir", PEXEC__STEP_HOST_CWD }, { "setgroups", PEXEC__STEP_IDENTITY },
    { "setresgid", PEXEC__STEP_IDENTITY },
    { "setresuid", PEXEC__STEP_IDENTITY },
    { "drop", PEXEC__STEP_CAPABILITIES },
    { "keep_caps", PEXEC__STEP_CAPABILITIES },
    { "capset", PEXEC__STEP_CAPABILITIES },
    { "ambient", PEXEC__STEP_CAPABILITIES },
    { "no_new_privs", PEXEC__STEP_PRIVILEGES },
    { "pdeathsig", PEXEC__STEP_DEATH_SIGNAL },
    { "execve", PEXEC__STEP_EXEC },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    (void)begin(state);
    ask_for_everything();
    fake.failing = cases[i].call;
    fake.error = EIO;
    run();
    if (plan.failed_step != cases[i].step || plan.failed_errno != EIO)
      fail_msg("%s: step %d, errno %d", cases[i].call, plan.failed_step,
               plan.failed_errno);
  }
}

static void one_that_may_not_have_its_user_runs_nothing (void **state) {
  (void)state;
  ask_for_everything();
  fake.failing = "setresuid";
  fake.error = EPERM;
  run();
  assert_null(strstr(fake.made, "execve"));
}

static void with_a_way_back_it_runs_nothing (void **state) {
  (void)state;
  ask_for_everything();
  fake.failing = "setuid";
  fake.error = 0;
  run();
  assert_int_equal(plan.failed_step, PEXEC__STEP_IDENTITY);
  assert_int_equal(plan.failed_errno, EPERM);
  assert_null(strstr(fake.made, "execve"));
}

static void a_cpu_that_was_left_out_is_told (void **state) {
  (void)state;
  ask_for_everything();
  fake.cpus = 1 << 1;
  run();
  assert_int_equal(plan.failed_step, PEXEC__STEP_CPUS);
  assert_int_equal(plan.failed_errno, EINVAL);
  assert_int_equal(plan.failed_item, 1);
}

static void a_score_that_nobody_asked_for_may_fail (void **state) {
  (void)state;
  fake.failing = "write";
  fake.error = EACCES;
  run();
  assert_non_null(strstr(fake.made, "write close "));
  assert_int_equal(plan.failed_step, PEXEC__STEP_EXEC);
}

#define SPEC(name) cmocka_unit_test_setup(name, begin)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(it_does_no_more_than_it_is_asked_for),
    SPEC(the_order_is_the_one_that_is_told),
    SPEC(its_cgroup_comes_before_all_else),
    SPEC(what_of_its_identity_is_not_asked_for_is_kept),
    SPEC(one_that_is_kept_follows_nobody),
    SPEC(descriptors_are_left_as_they_are_listed),
    SPEC(without_a_list_all_numbers_are),
    SPEC(a_list_that_cannot_be_read_is_none),
    SPEC(there_is_a_bound_to_all_numbers),
    SPEC(each_failure_ends_it_with_its_step),
    SPEC(one_that_may_not_have_its_user_runs_nothing),
    SPEC(with_a_way_back_it_runs_nothing),
    SPEC(a_cpu_that_was_left_out_is_told),
    SPEC(a_score_that_nobody_asked_for_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
