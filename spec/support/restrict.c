/*
** Runs a program under a kernel that has, or allows, less:
**
**     restrict CALL=ERROR... -- PROGRAM [ARG...]
**
** Each call that is named fails with ENOSYS, EPERM, EINVAL or ENOTTY, in the
** program and in all that it starts; some names stand for one use of a call
** alone. A seccomp filter does it, written out here, since it is short. The
** table at the beginning is its manual. Exits with 64 for a mistake in its
** arguments, 77 where there is no such filter to be had, 127 where the
** program cannot be executed. One thread.
*/

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MISTAKE = 64, NO_FILTER = 77, NO_PROGRAM = 127 };

/* A call, and where 'mask' is not 0, which of its arguments has to have
   'value' in these bits. */
static const struct call {
  const char *name;
  unsigned number, argument, mask, value;
} calls[] = {
  { "capset", SYS_capset, 0, 0, 0 },
  { "clone.pidfd", SYS_clone, 0, CLONE_PIDFD, CLONE_PIDFD },
  { "clone3", SYS_clone3, 0, 0, 0 },
  { "close_range", SYS_close_range, 0, 0, 0 },
  { "close_range.cloexec", SYS_close_range, 2, 4, 4 },
  { "faccessat2", SYS_faccessat2, 0, 0, 0 },
  { "getrandom", SYS_getrandom, 0, 0, 0 },
  { "io_uring_setup", SYS_io_uring_setup, 0, 0, 0 },
  { "ioctl.pidfd_info", SYS_ioctl, 1, 0xFFFF, 0xFF0B },
  { "ioprio_set", SYS_ioprio_set, 0, 0, 0 },
  { "memfd_create", SYS_memfd_create, 0, 0, 0 },
  { "openat2", SYS_openat2, 0, 0, 0 },
  { "pidfd_open", SYS_pidfd_open, 0, 0, 0 },
  { "pidfd_send_signal", SYS_pidfd_send_signal, 0, 0, 0 },
  { "pidfd_send_signal.group", SYS_pidfd_send_signal, 3, 4, 4 },
  { "prctl.ambient", SYS_prctl, 0, ~0U, PR_CAP_AMBIENT },
  { "prlimit64", SYS_prlimit64, 0, 0, 0 },
  { "renameat2", SYS_renameat2, 0, 0, 0 },
  { "rseq", SYS_rseq, 0, 0, 0 },
  { "sched_getaffinity", SYS_sched_getaffinity, 0, 0, 0 },
  { "sched_setaffinity", SYS_sched_setaffinity, 0, 0, 0 },
  { "setpriority", SYS_setpriority, 0, 0, 0 },
  { "statx", SYS_statx, 0, 0, 0 },
  { "waitid.pidfd", SYS_waitid, 0, ~0U, P_PIDFD },
};

static const struct { const char *name; unsigned number; } errors[] = {
  { "ENOSYS", ENOSYS }, { "EPERM", EPERM }, { "EINVAL", EINVAL },
  { "ENOTTY", ENOTTY },
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static _Noreturn void fail (int status, const char *what, const char *which) {
  fprintf(stderr, "restrict: %s: %s\n", what, which);
  exit(status);
}

/* {== the filter ==== */

enum { MOST_STEPS = 1024, STEPS_OF_A_CALL = 6 };

static struct sock_filter steps[MOST_STEPS];
static size_t step_count;

static void step (uint16_t code, uint8_t if_so, uint8_t if_not,
                  uint32_t operand) {
  steps[step_count++] = (struct sock_filter){ code, if_so, if_not, operand };
}

static void load (size_t offset) {
  step(BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

/* The low half of an argument is the first where bytes go from low to high. */
static size_t place_of (unsigned argument) {
  size_t place = offsetof(struct seccomp_data, args) + 8 * argument;
  return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? place : place + 4;
}

static void refuse (const struct call *call, unsigned error) {
  if (step_count > MOST_STEPS - STEPS_OF_A_CALL - 1)
    fail(MISTAKE, "too many calls", call->name);
  load(offsetof(struct seccomp_data, nr));
  step(BPF_JMP | BPF_JEQ | BPF_K, 0, 4, call->number);
  load(place_of(call->argument));
  step(BPF_ALU | BPF_AND | BPF_K, 0, 0, call->mask);
  step(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, call->value);
  step(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | error);
}

static void install (void) {
  struct sock_fprog program = { (unsigned short)(step_count + 1), steps };
  step(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
    fail(NO_FILTER, "no seccomp filter", strerror(errno));
}

/* {== the arguments ==== */

static const struct call *call_of (const char *name, size_t length) {
  for (size_t i = 0; i < COUNT(calls); i++)
    if (strlen(calls[i].name) == length &&
        memcmp(calls[i].name, name, length) == 0)
      return &calls[i];
  fail(MISTAKE, "unknown call", name);
}

static unsigned error_of (const char *name) {
  for (size_t i = 0; i < COUNT(errors); i++)
    if (strcmp(errors[i].name, name) == 0)
      return errors[i].number;
  fail(MISTAKE, "unknown error", name);
}

static void read_rule (const char *rule) {
  const char *equals = strchr(rule, '=');
  if (equals == NULL)
    fail(MISTAKE, "CALL=ERROR expected", rule);
  refuse(call_of(rule, (size_t)(equals - rule)), error_of(equals + 1));
}

int main (int argc, char **argv) {
  int i = 1;
  for (; i < argc && strcmp(argv[i], "--") != 0; i++)
    read_rule(argv[i]);
  if (i + 1 >= argc)
    fail(MISTAKE, "usage", "restrict CALL=ERROR... -- PROGRAM [ARG...]");
  install();
  execvp(argv[i + 1], argv + i + 1);
  fail(NO_PROGRAM, argv[i + 1], strerror(errno));
}
