/*
** Specifies, with real processes, that no signal reaches a stranger who has
** got a dead child's number. It runs in process numbers of its own, where a
** number can be asked for, and is skipped where there are none to be had. All
** specs run twice, the second time without the newer calls of the kernel. The
** host's thread.
*/

#include "real.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNAVAILABLE 77       /* exit code of a copy that cannot ask */

/* struct clone_args, of Linux 5.5. */
struct arguments {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size,
           tls, set_tid, set_tid_size;
};

/* A process of this number, which leads a group of its own. */
static pid_t make_stranger (pid_t number) {
  struct arguments arguments = {
    .exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&number,
    .set_tid_size = 1,
  };
  pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid != 0)
    return pid;
  (void)setpgid(0, 0);
  for (;;)
    pause();
}

static void await_own_group (pid_t pid) {
  struct deadline deadline = real_deadline();
  while (getpgid(pid) != pid)
    real_pause(deadline, "a group");
}

/* {== in a copy with numbers of its own ================================== */

typedef void deed (pexec_process *process);

static void begin_anew (void) {
  real.config.asks = 1;
  if (pexec_supervisor_new(&real.supervisor) != 0)
    _exit(1);
}

/* Its child is dead, reaped by whomever, and somebody else has its number. */
static void meet_stranger (deed *act) {
  pexec_process *process;
  pid_t number, stranger;
  begin_anew();
  process = STARTED("exit", "3");
  number = real_await(process, PEXEC_EVENT_EXITED)->exit.pid;
  (void)waitpid(number, NULL, 0);
  stranger = make_stranger(number);
  if (stranger < 0)
    _exit(errno == EPERM || errno == ENOSYS ? UNAVAILABLE : 2);
  if (stranger != number)
    _exit(3);
  await_own_group(stranger);
  act(process);
  if (waitpid(stranger, NULL, WNOHANG) != 0)
    _exit(4);
  (void)kill(stranger, SIGKILL);
  (void)waitpid(stranger, NULL, 0);
  pexec_supervisor_close(real.supervisor);
  _exit(0);
}

/* The first process of new numbers; what is left in them ends with it. */
static void enter_numbers (deed *act) {
  int status;
  pid_t first;
  if (unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0)
    _exit(UNAVAILABLE);
  if ((first = fork()) == 0)
    meet_stranger(act);
  if (first < 0 || waitpid(first, &status, 0) != first)
    _exit(UNAVAILABLE);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 5);
}

static void play (deed *act) {
  int status;
  pid_t pid;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  skip();  /* they have a thread, or look for one, in such a copy */
#endif
  if ((pid = fork()) == 0)
    enter_numbers(act);
  assert_true(pid > 0);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == UNAVAILABLE)
    skip();
  assert_int_equal(WEXITSTATUS(status), 0);
}

/* {== acts =============================================================== */

static void do_stop (pexec_process *process) {
  (void)pexec_process_stop(process);
  (void)real_await(process, PEXEC_EVENT_STOPPED);
}

static void do_kill (pexec_process *process) {
  (void)pexec_process_kill_group(process);
  real_pause(real_deadline(), "a moment");
  do_stop(process);
}

static void do_restart (pexec_process *process) {
  (void)pexec_process_restart(process);
  (void)real_await(process, PEXEC_EVENT_RESTARTED);
}

static void do_decide (pexec_process *process) {
  (void)pexec_process_decide(process, 1, PEXEC_DECIDE_RESTART, -1);
  real_await_starts(process, 2);
}

/* {== the specs ========================================================== */

/* FAULTS 35 */
static void a_stop_does_not_reach_him (void **state) {
  (void)state;
  play(do_stop);
}

/* FAULTS 35 */
static void a_kill_does_not (void **state) {
  (void)state;
  play(do_kill);
}

/* FAULTS 35 */
static void nor_does_a_restart (void **state) {
  (void)state;
  play(do_restart);
}

/* FAULTS 35 */
static void nor_a_decision (void **state) {
  (void)state;
  play(do_decide);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    REAL_SPEC(a_stop_does_not_reach_him),
    REAL_SPEC(a_kill_does_not),
    REAL_SPEC(nor_does_a_restart),
    REAL_SPEC(nor_a_decision),
  };
  return REAL_RUN(tests);
}
