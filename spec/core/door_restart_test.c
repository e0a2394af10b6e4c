/*
** Specifies, with real processes: restarts that are ordered, being given up,
** records of real ends, and hosts that have run out of descriptors or reap
** everything meanwhile. All specs run twice, the second time without the newer
** calls of the kernel. The host's thread.
*/

#include "real.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define MIB (INT64_C(1) << 20)
#define MS INT64_C(1000000)

static pexec_exit last_exit (pexec_process *process) {
  pexec_exit exit;
  assert_int_equal(pexec_process_history(process, &exit, 1), 1);
  return exit;
}

static pexec_exit exit_of (pexec_process *process) {
  pexec_exit exit = real_await(process, PEXEC_EVENT_EXITED)->exit;
  (void)real_await(process, PEXEC_EVENT_ENDED);
  return exit;
}

/* {== records ============================================================ */

static int64_t own_peak (void) {
  struct rusage usage;
  assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
  return usage.ru_maxrss * INT64_C(1024);
}

static void a_record_tells_what_the_child_has_used (void **state) {
  int64_t mib = 20 + 2 * own_peak() / MIB;
  pexec_exit exit;
  char text[32];
  (void)state;
  (void)snprintf(text, sizeof text, "%d", (int)mib);
  real.config.one_shot = 1;
  exit = exit_of(STARTED("burn", "0.05", "grow", text, "exit", "0"));
  assert_true(exit.has_usage);
  assert_true(exit.user_ns + exit.system_ns >= 45 * MS);
  assert_true(exit.user_ns + exit.system_ns < 60000 * MS);
  assert_true(exit.max_rss >= mib * MIB);
}

static void a_peak_under_the_hosts_own_is_not_known (void **state) {
  size_t size = 64 * (size_t)MIB;
  char *ballast = malloc(size);
  pexec_exit exit;
  (void)state;
  assert_non_null(ballast);
  memset(ballast, 'x', size);
  real.config.one_shot = 1;
  exit = exit_of(STARTED("exit", "0"));
  free(ballast);
  assert_true(exit.has_usage);
  assert_int_equal(exit.max_rss, 0);
}

static int64_t wall_now_ns (void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Of both clocks; the wall clock may be set a little meanwhile. */
static void it_tells_when_it_started_and_how_long_it_ran (void **state) {
  int64_t slack_ns = 100 * MS;
  int64_t before_ns = wall_now_ns(), began_ns = real_now_ns(), after_ns;
  pexec_process *process;
  pexec_exit exit;
  (void)state;
  real.config.one_shot = 1;
  process = STARTED("waitfile", real_path("go"), "exit", "3");
  after_ns = wall_now_ns();
  usleep(50000);
  assert_int_equal(mkdir(real_path("go"), 0700), 0);
  exit = exit_of(process);
  assert_true(exit.started_at_ns >= before_ns - slack_ns);
  assert_true(exit.started_at_ns <= after_ns + slack_ns);
  assert_true(exit.uptime_ns >= 50 * MS);
  assert_true(exit.uptime_ns <= real_now_ns() - began_ns);
  assert_int_equal(exit.code, 3);
}

static void history_keeps_each_end_in_order (void **state) {
  pexec_process *process;
  pexec_exit exits[PEXEC_HISTORY_MAX];
  (void)state;
  real.config.restart_limit = 19;
  real.config.restart_limit_ms = 3600000;
  process = STARTED("exit", "7");
  (void)real_await(process, PEXEC_EVENT_ENDED);
  assert_int_equal(pexec_process_history(process, exits, 100), 16);
  for (int i = 0; i < 16; i++) {
    assert_int_equal(exits[i].run, 5 + i);
    assert_int_equal(exits[i].attempt, 5 + i);
    assert_int_equal(exits[i].code, 7);
    assert_int_equal(exits[i].requested, PEXEC_BY_NOBODY);
    assert_true(i == 0 || exits[i].started_at_ns > exits[i - 1].started_at_ns);
  }
}

/* {== given up =========================================================== */

static void a_crash_loop_is_given_up_and_can_be_started_anew (void **state) {
  pexec_process *process;
  const struct heard *given_up;
  (void)state;
  real.config.restart_limit = 3;
  real.config.restart_limit_ms = 3600000;
  process = CHILD("fork", "forever", "end", "signal", "ABRT");
  for (uint64_t round = 1; round <= 3; round++) {
    assert_int_equal(pexec_process_start(process, -1), 0);
    given_up = real_await(process, PEXEC_EVENT_GIVEN_UP);
    (void)real_await(process, PEXEC_EVENT_ENDED);
    assert_int_equal(given_up->exit.signo, SIGABRT);
    assert_int_equal(given_up->exit.run, 4 * round);
    assert_non_null(strstr(given_up->message, "more than 3 restarts within 1h"));
    assert_non_null(strstr(given_up->message, "was ended by SIGABRT"));
    assert_int_equal(real_snapshot(process).state, PEXEC_FAILED);
  }
  assert_string_equal(real_order(process), "SGESGESGE");
}

/* {== ordered restarts =================================================== */

/* The number that a child has written to this file. */
static int pid_in (const char *name) {
  struct deadline deadline = real_deadline();
  int pid;
  while ((pid = atoi(real_file(name))) == 0)
    real_pause(deadline, name);
  return pid;
}

static const struct heard *restart (pexec_process *process) {
  assert_int_equal(pexec_process_restart(process), 0);
  return real_await(process, PEXEC_EVENT_RESTARTED);
}

static void one_is_a_stop_and_a_start (void **state) {
  pexec_process *process = STARTED("forever");
  (void)state;
  for (int i = 0; i < 20; i++) {
    int before = real_pid(process);
    const struct heard *restarted = restart(process);
    assert_int_equal(restarted->error, 0);
    assert_int_equal(restarted->pid, real_pid(process));
    assert_int_not_equal(restarted->pid, before);
    assert_false(real_is_alive(before));
    assert_true(real_is_alive(restarted->pid));
    assert_int_equal(last_exit(process).pid, before);
    assert_int_equal(last_exit(process).signo, SIGTERM);
    assert_int_equal(last_exit(process).requested, PEXEC_BY_RESTART);
  }
  assert_string_equal(real_order(process), "SYYYYYYYYYYYYYYYYYYYY");
}

static void it_leaves_no_stubborn_group_behind (void **state) {
  pexec_process *process;
  int other;
  (void)state;
  real.config.stop_timeout_ms = 300;
  process = STARTED("once", real_path("made"), "fork", "ignore", "TERM",
                    "append", real_path("pid"), "%p", "forever", "end",
                    "end", "ignore", "TERM", "forever");
  other = pid_in("pid");
  assert_int_equal(restart(process)->error, 0);
  assert_false(real_is_alive(other));
}

/* FAULTS 18: it comes back by itself once the program is there. */
static void a_program_that_is_away_is_told_and_waited_for (void **state) {
  const char *program = real.config.name;
  pexec_process *process;
  char path[128];
  (void)state;
  (void)snprintf(path, sizeof path, "%s/program", real.directory);
  assert_int_equal(symlink(program, path), 0);
  real.config.name = path;
  process = STARTED("forever");
  assert_int_equal(unlink(path), 0);
  assert_int_equal(restart(process)->error, -ENOENT);
  assert_int_equal(real_pid(process), 0);
  assert_int_equal(symlink(program, path), 0);
  real_await_starts(process, 2);
  assert_string_equal(real_order(process), "SY");
}

/* FAULTS 8 */
static void a_stop_right_after_it_is_final (void **state) {
  pexec_process *process;
  (void)state;
  for (int i = 0; i < 100; i++) {
    process = STARTED("forever");
    assert_int_equal(pexec_process_restart(process), 0);
    if (i % 2 == 0)
      real_pause(real_deadline(), "a moment");
    assert_int_equal(pexec_process_stop(process), 0);
    (void)real_await(process, PEXEC_EVENT_RESTARTED);
    assert_int_equal(real_await(process, PEXEC_EVENT_STOPPED)->error, 0);
    (void)real_await(process, PEXEC_EVENT_ENDED);
    assert_int_equal(real_snapshot(process).state, PEXEC_STOPPED);
    real_release(process);
  }
}

/* {== no descriptors left ================================================ */

static int hogs[256], hog_count;

static void take_the_rest (void) {
  int fd;
  while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
    hogs[hog_count++] = fd;
}

static void give_them_back (void) {
  while (hog_count > 0)
    assert_int_equal(close(hogs[--hog_count]), 0);
  real_limit_descriptors(0);
}

/* It needs one more to be started than its death gives back: both ends of a
   pipe, and one for the child. */
static pexec_process *start_greedy (void) {
  pexec_process *process;
  uint64_t ticket;
  real.config.input.source = PEXEC_FROM_PIPE;
  real.config.log_events = 1;
  process = STARTED("forever");
  assert_int_equal(pexec_process_write(process, "x", 1, &ticket), 0);
  (void)real_await(process, PEXEC_EVENT_WRITTEN);  /* all is closed by now */
  return process;
}

static void await_message (pexec_process *process, const char *text) {
  while (strstr(real_await(process, PEXEC_EVENT_LOG)->message, text) == NULL)
    continue;
}

/* FAULTS 31 */
static void without_descriptors_a_restart_is_tried_again (void **state) {
  pexec_process *process = start_greedy();
  (void)state;
  real_limit_descriptors(256);
  take_the_rest();
  assert_int_equal(kill(real_pid(process), SIGKILL), 0);
  await_message(process, "cannot restart, will try again");
  give_them_back();
  real_await_starts(process, 2);
  assert_true(real_is_alive(real_pid(process)));
}

/* FAULTS 31 */
static void an_ordered_one_says_so_and_is_too (void **state) {
  pexec_process *process = start_greedy();
  (void)state;
  real_limit_descriptors(256);
  take_the_rest();
  assert_int_equal(restart(process)->error, -EMFILE);
  give_them_back();
  real_await_starts(process, 2);
  assert_true(real_is_alive(real_pid(process)));
}

/* FAULTS 31 */
static void without_descriptors_there_are_stops (void **state) {
  pexec_process *process = STARTED("ignore", "TERM", "forever");
  (void)state;
  real_limit_descriptors(256);
  take_the_rest();
  assert_int_equal(pexec_process_stop(process), 0);
  assert_int_equal(real_await(process, PEXEC_EVENT_STOPPED)->error, 0);
  give_them_back();
}

/* {== a host that reaps everything ======================================= */

/* PIDFD_GET_INFO tells of exits since Linux 6.15. */
static bool kernel_tells (void) {
  struct utsname name;
  int major = 0, minor = 0;
  assert_int_equal(uname(&name), 0);
  (void)sscanf(name.release, "%d.%d", &major, &minor);
  return major > 6 || (major == 6 && minor >= 15);
}

static void expect_end (int code, int signo, const char *const *verbs) {
  pexec_exit exit = exit_of(real_start(verbs));
  assert_int_equal(exit.is_known, kernel_tells());
  assert_int_equal(exit.code, kernel_tells() ? code : 0);
  assert_int_equal(exit.signo, kernel_tells() ? signo : 0);
  assert_false(exit.has_usage);
  assert_int_equal(exit.max_rss, 0);
}

#define EXPECT_END(code, signo, ...) \
  expect_end(code, signo, (const char *const[]){ __VA_ARGS__, NULL })

/* FAULTS 24 */
static void an_end_is_right_or_unknown_and_never_made_up (void **state) {
  struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
  (void)state;
  assert_int_equal(sigaction(SIGCHLD, &ignore, &old), 0);
  real.config.one_shot = 1;
  EXPECT_END(7, 0, "exit", "7");
  EXPECT_END(0, 0, "exit", "0");
  EXPECT_END(255, 0, "exit", "255");
  EXPECT_END(-1, SIGKILL, "signal", "KILL");
  EXPECT_END(-1, SIGTERM, "signal", "TERM");
  pexec_supervisor_close(real.supervisor);
  real.supervisor = NULL;
  assert_int_equal(sigaction(SIGCHLD, &old, NULL), 0);
}

/* FAULTS 24 */
static void it_is_restarted_and_given_up_all_the_same (void **state) {
  struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
  pexec_process *process;
  (void)state;
  assert_int_equal(sigaction(SIGCHLD, &ignore, &old), 0);
  real.config.restart = PEXEC_RESTART_ON_FAILURE;
  real.config.restart_limit = 3;
  real.config.restart_limit_ms = 3600000;
  process = STARTED("exit", "1");
  (void)real_await(process, PEXEC_EVENT_GIVEN_UP);
  (void)real_await(process, PEXEC_EVENT_ENDED);
  assert_int_equal(real_snapshot(process).starts, 4);
  process = STARTED("forever");
  assert_int_equal(restart(process)->error, 0);
  pexec_supervisor_close(real.supervisor);
  real.supervisor = NULL;
  assert_int_equal(sigaction(SIGCHLD, &old, NULL), 0);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    REAL_SPEC(a_record_tells_what_the_child_has_used),
    REAL_SPEC(a_peak_under_the_hosts_own_is_not_known),
    REAL_SPEC(it_tells_when_it_started_and_how_long_it_ran),
    REAL_SPEC(history_keeps_each_end_in_order),
    REAL_SPEC(a_crash_loop_is_given_up_and_can_be_started_anew),
    REAL_SPEC(one_is_a_stop_and_a_start),
    REAL_SPEC(it_leaves_no_stubborn_group_behind),
    REAL_SPEC(a_program_that_is_away_is_told_and_waited_for),
    REAL_SPEC(a_stop_right_after_it_is_final),
    REAL_SPEC(without_descriptors_a_restart_is_tried_again),
    REAL_SPEC(an_ordered_one_says_so_and_is_too),
    REAL_SPEC(without_descriptors_there_are_stops),
    REAL_SPEC(an_end_is_right_or_unknown_and_never_made_up),
    REAL_SPEC(it_is_restarted_and_given_up_all_the_same),
  };
  return REAL_RUN(tests);
}
