/*
** Specifies how the door treats its host: forked copies, hosts that reap
** everything or have closed 0, 1 and 2, closing and letting go. All specs run twice, the second time without the newer calls of
** the kernel. The host's thread.
*/

#include "core.h"
#include "real.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_supervisor (void) {
  pexec_supervisor_close(real.supervisor);
  real.supervisor = NULL;
}

static void expect_success_of (pid_t pid) {
  int status;
  assert_true(pid > 0);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
}

/* {== forks ============================================================== */

/* How many of the functions do not refuse, in a copy. */
static int count_obedient (pexec_process *process) {
  const int signals[] = { SIGUSR1 };
  pexec_event event = PEXEC_EVENT_INIT;
  pexec_snapshot snapshot;
  pexec_process *made;
  pexec_exit exit;
  const int results[] = {
    pexec_supervisor_fd(real.supervisor),
    pexec_supervisor_wait(real.supervisor, 0),
    pexec_supervisor_alarm(real.supervisor, 1),
    pexec_supervisor_catch(real.supervisor, signals, 1),
    pexec_supervisor_next(real.supervisor, &event),
    pexec_process_new(real.supervisor, &real.config, &made),
    pexec_process_start(process, -1),
    pexec_process_cancel(process, PEXEC_ECANCELED),
    pexec_process_decide(process, 1, 1, -1),
    pexec_process_restart(process),
    pexec_process_stop(process),
    pexec_process_kill_group(process),
    pexec_process_snapshot(process, &snapshot),
    pexec_process_history(process, &exit, 1),
  };
  int obedient = 0;
  for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
    obedient += (results[i] != PEXEC_EFORKED);
  return obedient;
}

static void be_a_copy (pexec_process *process) {
  int obedient = count_obedient(process);
  pexec_process_consumed(process, 1, 1);
  pexec_supervisor_uncatch(real.supervisor, (const int[]){ SIGUSR1 }, 1);
  pexec_process_release(process);
  pexec_supervisor_close(real.supervisor);
  _exit(obedient);
}

/* FAULTS 29 */
static void in_a_forked_copy_everything_is_refused (void **state) {
  pexec_process *process = STARTED("forever");
  int first = real_pid(process);
  pid_t pid;
  (void)state;
  if ((pid = fork()) == 0)
    be_a_copy(process);
  expect_success_of(pid);
  assert_int_equal(real_pid(process), first);
  assert_true(real_is_alive(first));
  assert_int_equal(kill(first, SIGKILL), 0);
  real_await_starts(process, 2);
}

/* FAULTS 29 */
static void a_copy_may_have_a_supervisor_of_its_own (void **state) {
  pexec_process *process;
  pid_t pid;
  (void)state;
#ifdef __SANITIZE_THREAD__
  skip();  /* it cannot start threads in the copy of a process with some */
#endif
  process = STARTED("forever");
  if ((pid = fork()) == 0) {
    if (pexec_supervisor_new(&real.supervisor) != 0)
      _exit(1);
    real.config.one_shot = 1;
    (void)real_await(STARTED("exit", "0"), PEXEC_EVENT_ENDED);
    pexec_supervisor_close(real.supervisor);
    _exit(0);
  }
  expect_success_of(pid);
  assert_true(real_is_alive(real_pid(process)));
}

static void await_output (pexec_event *event) {
  struct deadline deadline = real_deadline();
  for (;;) {
    *event = (pexec_event)PEXEC_EVENT_INIT;
    if (pexec_supervisor_next(real.supervisor, event) == 1 &&
        event->type == PEXEC_EVENT_OUTPUT)
      return;
    pexec_event_release(event);
    real_pause(deadline, "output");
  }
}

/* Another thread has the lock of what the event holds, in that moment. */
static void a_copy_may_release_an_event (void **state) {
  pthread_mutex_t *lock;
  pexec_event event;
  pid_t pid;
  (void)state;
  real.config.output_events = PEXEC_STDOUT;
  assert_int_equal(pexec_process_start(CHILD("bytes", "65537", "forever"),
                                       -1), 0);
  lock = &real.supervisor->pool->lock;
  await_output(&event);
  assert_int_equal(event.length, 65536);
  (void)pthread_mutex_lock(lock);
  if ((pid = fork()) == 0) {
    (void)alarm(5);
    pexec_event_release(&event);
    _exit(0);
  }
  (void)pthread_mutex_unlock(lock);
  expect_success_of(pid);
  pexec_process_consumed(event.process, event.length, event.lines);
  pexec_event_release(&event);
}

/* {== descriptors ======================================================== */

/* In a copy: a host without 0, 1 and 2. */
static void work_without_standard_descriptors (void) {
  const char *text;
  for (int fd = 0; fd < 3; fd++)
    (void)close(fd);
  if (pexec_supervisor_new(&real.supervisor) != 0)
    _exit(1);
  real.config.one_shot = 1;
  real.config.output_events = PEXEC_STDOUT | PEXEC_STDERR;
  for (int i = 0; i < 3; i++) {
    pexec_process *process = STARTED("fds", "error", "bad");
    (void)real_await(process, PEXEC_EVENT_ENDED);
    text = real_text(process, PEXEC_STDOUT, NULL);
    if (strstr(text, "0=/dev/null\n") == NULL ||
        strstr(text, "1=pipe:") == NULL || strstr(text, "2=pipe:") == NULL ||
        real_count(text, "\n") != 3 ||
        strcmp(real_text(process, PEXEC_STDERR, NULL), "bad\n") != 0)
      _exit(2);
  }
  pexec_supervisor_close(real.supervisor);
  _exit(0);
}

static void a_host_may_have_closed_its_standard_descriptors (void **state) {
  pid_t pid;
  (void)state;
  if ((pid = fork()) == 0)
    work_without_standard_descriptors();
  expect_success_of(pid);
}

static void no_descriptor_of_ours_is_inherited (void **state) {
  pexec_process *process;
  char command[128];
  (void)state;
  real.config.output_events = PEXEC_STDOUT;
  process = STARTED("forever");
  (void)snprintf(command, sizeof command, "ls -l /proc/self/fd | grep -qE "
                 "'pidfd|eventfd|eventpoll' && exit 1; exit 0");
  assert_int_equal(system(command), 0);
  assert_true(real_is_alive(real_pid(process)));
}

/* FAULTS 31 */
static void running_out_of_descriptors_is_told_and_passes (void **state) {
  pexec_process *process;
  int hogs[256], count = 0, fd;
  (void)state;
  real.config.output_events = PEXEC_STDOUT;
  assert_true(pexec_supervisor_fd(real.supervisor) >= 0);
  process = CHILD("print", "ok", "forever");
  real_limit_descriptors(256);
  while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
    hogs[count++] = fd;
  assert_int_equal(pexec_process_start(process, -1), 0);
  assert_int_equal(real_await(process, PEXEC_EVENT_STARTED)->error, -EMFILE);
  (void)real_await(process, PEXEC_EVENT_ENDED);
  while (count > 0)
    assert_int_equal(close(hogs[--count]), 0);
  real_limit_descriptors(0);
  assert_int_equal(pexec_process_start(process, -1), 0);
  assert_int_equal(real_await(process, PEXEC_EVENT_STARTED)->error, 0);
  real_await_text(process, "ok\n");
}

/* {== hosts that reap everything ========================================= */

/* Newer kernels still tell; what is told is never wrong. */
static void expect_code_or_nothing (pexec_process *process, int code) {
  const struct heard *exited = real_await(process, PEXEC_EVENT_EXITED);
  if (exited->exit.is_known)
    assert_int_equal(exited->exit.code, code);
  assert_int_equal(exited->exit.signo, 0);
}

static void run_with_sigchld (void (*handler) (int), int flags) {
  struct sigaction action = { .sa_handler = handler, .sa_flags = flags }, old;
  pexec_process *process;
  assert_int_equal(sigaction(SIGCHLD, &action, &old), 0);
  real.config.one_shot = 1;
  for (int i = 0; i < 20; i++)
    expect_code_or_nothing(STARTED("exit", "7"), 7);
  real.config.one_shot = 0;
  process = STARTED("forever");
  assert_int_equal(kill(real_pid(process), SIGKILL), 0);
  real_await_starts(process, 2);
  assert_int_equal(pexec_process_stop(process), 0);
  assert_int_equal(real_await(process, PEXEC_EVENT_STOPPED)->error, 0);
  close_supervisor();
  assert_int_equal(sigaction(SIGCHLD, &old, NULL), 0);
}

/* FAULTS 24 */
static void a_host_may_ignore_its_children (void **state) {
  (void)state;
  run_with_sigchld(SIG_IGN, 0);
}

/* FAULTS 24 */
static void a_host_may_ask_for_no_zombies (void **state) {
  (void)state;
  run_with_sigchld(SIG_DFL, SA_NOCLDWAIT);
}

static atomic_bool reaps;

static void *reap_everything (void *unused) {
  (void)unused;
  while (atomic_load(&reaps))
    if (waitpid(-1, NULL, WNOHANG) <= 0)
      usleep(100);
  return NULL;
}

/* FAULTS 24 */
static void a_host_may_wait_for_all_children (void **state) {
  pthread_t reaper;
  pexec_process *process;
  (void)state;
  atomic_store(&reaps, true);
  assert_int_equal(pthread_create(&reaper, NULL, reap_everything, NULL), 0);
  real.config.one_shot = 1;
  for (int i = 0; i < 100; i++) {
    process = STARTED("exit", "7");
    expect_code_or_nothing(process, 7);
    (void)real_await(process, PEXEC_EVENT_ENDED);
    real_release(process);
  }
  real.config.name = "/nonexistent";
  for (int i = 0; i < 20; i++) {
    process = CHILD(NULL);
    assert_int_equal(pexec_process_start(process, -1), 0);
    assert_int_equal(real_await(process, PEXEC_EVENT_STARTED)->error, -ENOENT);
  }
  close_supervisor();
  atomic_store(&reaps, false);
  assert_int_equal(pthread_join(reaper, NULL), 0);
}

static void the_hosts_own_children_are_its_own (void **state) {
  pid_t pid;
  (void)state;
  real.config.restart_delay_ms = 0;
  (void)STARTED("exit", "0");
  for (int i = 0; i < 50; i++) {
    int status;
    if ((pid = fork()) == 0)
      _exit(42);
    usleep(1000);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 42);
  }
}

/* {== closing and letting go ============================================= */

static void closing_stops_all_whatever_they_are_doing (void **state) {
  (void)state;
  real.config.stop_timeout_ms = 500;
  real.config.output_events = PEXEC_STDOUT;
  real.consumes = false;
  for (int i = 0; i < 5; i++)
    (void)STARTED("ignore", "TERM", "fork", "ignore", "TERM", "forever",
                  "end", "forever");
  (void)STARTED("flood");
  (void)STARTED("exit", "0");
  (void)pexec_process_start(CHILD("forever"), -1);
  real.config.asks = 1;
  (void)real_await(STARTED("exit", "1"), PEXEC_EVENT_EXITED);
  close_supervisor();
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* It had been waiting in its pipe. */
static void closing_lets_one_speak_its_last_words (void **state) {
  pexec_process *process;
  (void)state;
  real.consumes = false;
  real.config.stop_timeout_ms = 20000;
  real.config.output_events = PEXEC_STDOUT;
  process = STARTED("ignore", "TERM", "bytes", "2000000", "append",
                    real_path("said"), "all", "exit", "0");
  (void)process;
  real_await_full_pipe(process);
  close_supervisor();
  assert_string_equal(real_file("said"), "all\n");
}

static void one_that_was_let_go_is_kept_up (void **state) {
  pexec_process *process = STARTED("append", real_path("pids"), "%p",
                                   "forever");
  struct deadline deadline = real_deadline();
  int first = real_pid(process);
  (void)state;
  while (real_count(real_file("pids"), "\n") < 1)  /* it is made empty */
    real_pause(deadline, "its first line");
  pexec_process_release(process);
  assert_int_equal(kill(first, SIGKILL), 0);
  while (real_count(real_file("pids"), "\n") < 2)
    real_pause(deadline, "a restart");
}

static void what_was_let_go_is_not_heard_of (void **state) {
  pexec_event event = PEXEC_EVENT_INIT;
  (void)state;
  real.config.one_shot = 1;
  real.config.output_events = PEXEC_STDOUT;
  for (int i = 0; i < 50; i++) {
    pexec_process *process = STARTED("fork", "lines", "2000", "end", "lines",
                                     "2000");
    (void)real_await(process, PEXEC_EVENT_ENDED);
    real_release(process);
    for (int turns = 0; turns < 100; turns++)
      assert_int_equal(pexec_supervisor_next(real.supervisor, &event), 0);
  }
}

static void *start_in_a_thread (void *verbs) {
  return real_start(verbs);
}

/* FAULTS 30: a child is killed when the thread that has made it ends, which is
   none of the host's. */
static void a_child_outlives_the_thread_that_has_started_it (void **state) {
  static const char *const verbs[] = { "forever", NULL };
  pexec_process *process;
  pthread_t thread;
  void *made;
  (void)state;
  assert_int_equal(pthread_create(&thread, NULL, start_in_a_thread,
                                  (void *)verbs), 0);
  assert_int_equal(pthread_join(thread, &made), 0);
  process = made;
  assert_true(real_is_alive(real_pid(process)));
  assert_int_equal(pexec_process_stop(process), 0);
  assert_int_equal(real_await(process, PEXEC_EVENT_STOPPED)->error, 0);
  assert_int_equal(real_snapshot(process).starts, 1);
}

static void supervisors_do_not_know_each_other (void **state) {
  pexec_supervisor *first = real.supervisor, *second;
  pexec_process *process = STARTED("forever");
  (void)state;
  assert_int_equal(pexec_supervisor_new(&second), 0);
  real.supervisor = second;
  (void)STARTED("forever");
  pexec_supervisor_close(second);
  real.supervisor = first;
  assert_true(real_is_alive(real_pid(process)));
}

int main (void) {
  const struct CMUnitTest tests[] = {
    REAL_SPEC(in_a_forked_copy_everything_is_refused),
    REAL_SPEC(a_copy_may_have_a_supervisor_of_its_own),
    REAL_SPEC(a_copy_may_release_an_event),
    REAL_SPEC(a_host_may_have_closed_its_standard_descriptors),
    REAL_SPEC(no_descriptor_of_ours_is_inherited),
    REAL_SPEC(running_out_of_descriptors_is_told_and_passes),
    REAL_SPEC(a_host_may_ignore_its_children),
    REAL_SPEC(a_host_may_ask_for_no_zombies),
    REAL_SPEC(a_host_may_wait_for_all_children),
    REAL_SPEC(the_hosts_own_children_are_its_own),
    REAL_SPEC(closing_stops_all_whatever_they_are_doing),
    REAL_SPEC(closing_lets_one_speak_its_last_words),
    REAL_SPEC(one_that_was_let_go_is_kept_up),
    REAL_SPEC(what_was_let_go_is_not_heard_of),
    REAL_SPEC(a_child_outlives_the_thread_that_has_started_it),
    REAL_SPEC(supervisors_do_not_know_each_other),
  };
  return REAL_RUN(tests);
}
