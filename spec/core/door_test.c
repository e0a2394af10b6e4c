/*
** Specifies the door with real processes: starts, exits, restarts, decisions,
** one-shots and output. All specs run twice, the second time without the
** newer calls of the kernel. The host's thread.
*/

#include "real.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDED(process) (void)real_await(process, PEXEC_EVENT_ENDED)

static void stop (pexec_process *process) {
  assert_int_equal(pexec_process_stop(process), 0);
  assert_int_equal(real_await(process, PEXEC_EVENT_STOPPED)->error, 0);
  ENDED(process);
}

/* {== starts ============================================================= */

static void a_start_makes_one_process (void **state) {
  pexec_process *process = CHILD("print", "hello", "forever");
  const struct heard *started;
  (void)state;
  assert_int_equal(real_snapshot(process).state, PEXEC_IDLE);
  assert_int_equal(real_pid(process), 0);
  assert_int_equal(pexec_process_start(process, -1), 0);
  assert_int_equal(pexec_process_start(process, -1), PEXEC_EALREADY_STARTED);
  started = real_await(process, PEXEC_EVENT_STARTED);
  assert_int_equal(started->error, 0);
  assert_int_equal(real_pid(process), started->pid);
  assert_true(real_is_alive(started->pid));
  assert_int_equal(real_snapshot(process).state, PEXEC_RUNNING);
  assert_int_equal(real_snapshot(process).starts, 1);
  assert_int_equal(pexec_process_start(process, -1), PEXEC_EALREADY_STARTED);
  stop(process);
  assert_false(real_is_alive(started->pid));
  assert_int_equal(pexec_process_start(process, -1), PEXEC_EALREADY_STOPPED);
}

/* Told so, and over; it may be tried again. */
static void expect_refusal (pexec_process *process, int error,
                            const char *part) {
  const struct heard *started;
  assert_int_equal(pexec_process_start(process, -1), 0);
  started = real_await(process, PEXEC_EVENT_STARTED);
  assert_int_equal(started->error, error);
  if (strstr(started->message, part) == NULL)
    fail_msg("\"%s\" does not say \"%s\"", started->message, part);
  ENDED(process);
  assert_int_equal(real_snapshot(process).state, PEXEC_IDLE);
}

static void make_file (const char *name, const char *text, mode_t mode) {
  int fd = open(real_path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
  assert_int_equal(fchmod(fd, mode), 0);
  assert_int_equal(close(fd), 0);
}

static void refuse_file (const char *name, int error, const char *part) {
  real.config.name = real_path(name);
  expect_refusal(CHILD(NULL), error, part);
}

static void what_cannot_be_executed_is_told (void **state) {
  (void)state;
  make_file("plain", "text", 0644);
  make_file("format", "\n\n", 0755);
  make_file("script", "#!/no/such\n", 0755);
  make_file("windows", "#!/bin/sh\r\n", 0755);
  assert_int_equal(mkdir(real_path("directory"), 0755), 0);
  assert_int_equal(symlink("loop", real_path("loop")), 0);
  refuse_file("missing", -ENOENT, "no such file or directory");
  refuse_file("plain", -EACCES, "permission denied");
  refuse_file("format", -ENOEXEC, "#!/bin/sh");
  refuse_file("script", -ENOENT, "interpreter \"/no/such\" does not exist");
  refuse_file("windows", -ENOENT, "carriage return");
  refuse_file("directory", -EACCES, "permission denied");
  refuse_file("loop", -ELOOP, "too many levels of symbolic links");
}

static void too_long_a_list_of_arguments_is_told (void **state) {
  static char argument[300000];
  (void)state;
  memset(argument, 'x', sizeof argument - 1);
  expect_refusal(CHILD("print", argument), -E2BIG, "argument list too long");
}

static void a_name_is_looked_up_in_the_childs_path (void **state) {
  char path[128];
  pexec_process *process;
  (void)state;
  (void)snprintf(path, sizeof path, "PATH=/nonexistent:%s", real.directory);
  make_file("tool", "#!/bin/sh\necho found\n", 0755);
  real.config.name = "tool";
  expect_refusal(CHILD(NULL), -ENOENT, "not found in PATH");
  real.config.environment = (const char *const[]){ path, NULL };
  real.config.one_shot = 1;
  real.config.output_events = PEXEC_STDOUT;
  process = STARTED(NULL);
  ENDED(process);
  assert_string_equal(real_text(process, PEXEC_STDOUT, NULL), "found\n");
}

static void a_bad_cwd_is_told_apart (void **state) {
  (void)state;
  make_file("plain", "text", 0644);
  real.config.cwd = "/nonexistent/dir";
  expect_refusal(CHILD("exit", "0"), -ENOENT, "error setting process working "
                 "directory to \"/nonexistent/dir\": no such file or");
  real.config.cwd = real_path("plain");
  expect_refusal(CHILD("exit", "0"), -ENOTDIR, "not a directory");
}

static void with_a_bad_user_nothing_runs (void **state) {
  static const char *const users[] = { "", "no-such-user", "0x10", "-1",
                                       "4294967295", "99999999999" };
  (void)state;
  for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
    real.config.username = users[i];
    expect_refusal(CHILD("append", real_path("ran"), "ran"), -ENOENT, "user");
  }
  assert_string_equal(real_file("ran"), "");
}

static void a_thousand_failures_leave_nothing (void **state) {
  pexec_process *process;
  (void)state;
  real.config.name = "/nonexistent/program";
  real.config.output_events = PEXEC_STDOUT | PEXEC_STDERR;
  process = CHILD(NULL);
  for (int i = 0; i < 1000; i++) {
    assert_int_equal(pexec_process_start(process, -1), 0);
    assert_int_equal(real_await(process, PEXEC_EVENT_STARTED)->error, -ENOENT);
    ENDED(process);
  }
}

/* {== exits ============================================================== */

static void every_exit_code_is_told (void **state) {
  (void)state;
  real.config.one_shot = 1;
  for (int code = 0; code < 256; code++) {
    char text[8];
    pexec_process *process;
    const struct heard *exited;
    (void)snprintf(text, sizeof text, "%d", code);
    process = STARTED("exit", text);
    exited = real_await(process, PEXEC_EVENT_EXITED);
    assert_true(exited->exit.is_known);
    assert_int_equal(exited->exit.code, code);
    assert_int_equal(exited->exit.signo, 0);
    ENDED(process);
    real_release(process);
  }
}

static bool is_deadly (int signo) {
  static const int harmless[] = { SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN,
                                  SIGTTOU, SIGURG, SIGWINCH };
  for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
    if (signo == harmless[i])
      return false;
  return true;
}

static void every_deadly_signal_is_told (void **state) {
  pexec_process *process;
  const struct heard *exited;
  (void)state;
  real.config.asks = 1;
  process = STARTED("forever");
  for (int signo = 1; signo < NSIG; signo++) {
    if (!is_deadly(signo))
      continue;
    assert_int_equal(kill(real_pid(process), signo), 0);
    exited = real_await(process, PEXEC_EVENT_EXITED);
    assert_true(exited->exit.is_known && exited->asks);
    assert_int_equal(exited->exit.code, -1);
    assert_int_equal(exited->exit.signo, signo);
    assert_int_equal(pexec_process_decide(process, exited->exit.run, 1, -1),
                     0);
    real_await_starts(process, exited->exit.restarts + 2);
  }
  stop(process);
}

static void it_is_restarted_by_itself (void **state) {
  pexec_process *process = STARTED("forever");
  (void)state;
  for (uint64_t starts = 1; starts < 20; starts++) {
    int pid = real_pid(process);
    assert_int_equal(kill(pid, SIGKILL), 0);
    real_await_starts(process, starts + 1);
    assert_int_not_equal(real_pid(process), pid);
  }
  assert_string_equal(real_order(process), "S");
  stop(process);
}

static void a_handler_decides (void **state) {
  pexec_process *process;
  const struct heard *exited;
  (void)state;
  real.config.asks = 1;
  process = STARTED("exit", "3");
  exited = real_await(process, PEXEC_EVENT_EXITED);
  assert_int_equal(exited->exit.code, 3);
  assert_int_equal(exited->exit.restarts, 0);
  assert_int_equal(real_snapshot(process).state, PEXEC_DECIDING);
  assert_int_equal(real_pid(process), 0);
  (void)pexec_process_decide(process, 1, 1, -1);
  exited = real_await(process, PEXEC_EVENT_EXITED);
  assert_int_equal(exited->exit.restarts, 1);
  (void)pexec_process_decide(process, 1, 1, -1);  /* of the one before */
  assert_int_equal(real_snapshot(process).state, PEXEC_DECIDING);
  (void)pexec_process_decide(process, 2, 0, -1);
  ENDED(process);
  assert_int_equal(real_snapshot(process).state, PEXEC_EXITED);
  assert_string_equal(real_order(process), "SXXE");
}

static void it_can_be_started_again_after_its_end (void **state) {
  pexec_process *process;
  (void)state;
  real.config.one_shot = 1;
  process = CHILD("exit", "0");
  for (int i = 0; i < 3; i++) {
    assert_int_equal(pexec_process_start(process, -1), 0);
    ENDED(process);
  }
  assert_string_equal(real_order(process), "SXESXESXE");
}

/* A lower bound, and so no guess. */
static void a_crash_loop_keeps_its_delay (void **state) {
  pexec_process *process;
  const char *text;
  int64_t begun_ns = real_now_ns();
  int starts = 0;
  (void)state;
  real.config.restart_delay_ms = 100;
  process = STARTED("append", real_path("times"), "%t");
  real_await_starts(process, 5);
  stop(process);
  for (text = real_file("times"); *text != '\0'; starts++) {
    char *end;
    int64_t at_ns = strtoll(text, &end, 10);
    assert_true(at_ns >= begun_ns + starts * INT64_C(100000000));
    text = end + 1;
  }
  assert_in_range(starts, 4, 6);
}

/* {== one-shots ========================================================== */

static void a_cancellation_kills_the_whole_group (void **state) {
  pexec_process *process;
  const struct heard *exited;
  int other;
  (void)state;
  real.config.one_shot = 1;
  process = STARTED("ignore", "TERM", "fork", "append", real_path("pid"),
                    "%p", "forever", "end", "forever");
  real_await_file("pid");
  while ((other = atoi(real_file("pid"))) == 0)
    continue;
  assert_int_equal(pexec_process_cancel(process, PEXEC_ECANCELED), 0);
  exited = real_await(process, PEXEC_EVENT_EXITED);
  assert_int_equal(exited->exit.signo, SIGKILL);
  assert_int_equal(exited->exit.canceled, PEXEC_ECANCELED);
  ENDED(process);
  assert_false(real_is_alive(other));
}

static void a_timeout_does_so_too (void **state) {
  pexec_process *process;
  (void)state;
  real.config.one_shot = 1;
  process = CHILD("forever");
  assert_int_equal(pexec_process_start(process, 1000), 0);
  assert_int_equal(real_await(process, PEXEC_EVENT_EXITED)->exit.canceled,
                   PEXEC_EDEADLINE_EXCEEDED);
  ENDED(process);
  assert_string_equal(real_order(process), "SXE");
}

static void a_grandchild_does_not_hold_it_up (void **state) {
  pexec_process *process;
  (void)state;
  real.config.one_shot = 1;
  real.config.output_events = PEXEC_STDOUT;
  process = STARTED("fork", "waitfile", real_path("go"), "print", "late",
                    "end", "print", "early", "exit", "0");
  ENDED(process);
  assert_string_equal(real_text(process, PEXEC_STDOUT, NULL), "early\n");
  make_file("go", "", 0600);
  real_await_text(process, "late\n");
}

/* {== output ============================================================= */

static void all_output_comes_before_the_news_of_the_death (void **state) {
  pexec_process *process;
  (void)state;
  real.config.one_shot = 1;
  real.config.output_events = PEXEC_STDOUT | PEXEC_STDERR;
  for (int i = 0; i < 30; i++) {
    process = STARTED("lines", "400", "error", "bad", "raw", "last");
    (void)real_await(process, PEXEC_EVENT_EXITED);
    assert_int_equal(real_count(real_text(process, PEXEC_STDOUT, NULL), "\n"),
                     400);
    assert_non_null(strstr(real_text(process, PEXEC_STDOUT, NULL),
                           "line 400\nlast"));
    assert_string_equal(real_text(process, PEXEC_STDERR, NULL), "bad\n");
    ENDED(process);
  }
}

static void every_byte_passes (void **state) {
  pexec_process *process;
  const char *text;
  size_t length;
  (void)state;
  real.config.one_shot = 1;
  real.config.output_events = PEXEC_STDOUT;
  process = STARTED("allbytes", "1000");
  (void)real_await(process, PEXEC_EVENT_EXITED);
  text = real_text(process, PEXEC_STDOUT, &length);
  assert_int_equal(length, 256000);
  for (size_t i = 0; i < length; i++)
    assert_int_equal((unsigned char)text[i], i % 256);
  ENDED(process);
}

static void a_child_waits_for_a_slow_host_and_loses_nothing (void **state) {
  pexec_process *process;
  size_t length;
  (void)state;
  real.consumes = false;
  real.config.one_shot = 1;
  real.config.output_events = PEXEC_STDOUT;
  process = STARTED("lines", "200000");
  real_await_full_pipe(process);
  (void)real_text(process, PEXEC_STDOUT, &length);
  assert_in_range(length, 256 * 1024, 256 * 1024 + 2 * 65536);
  real.consumes = true;
  pexec_process_consumed(process, length, (size_t)
      real_count(real_text(process, PEXEC_STDOUT, NULL), "\n"));
  (void)real_await(process, PEXEC_EVENT_EXITED);
  assert_int_equal(real_count(real_text(process, PEXEC_STDOUT, NULL), "\n"),
                   200000);
  ENDED(process);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    REAL_SPEC(a_start_makes_one_process),
    REAL_SPEC(what_cannot_be_executed_is_told),
    REAL_SPEC(too_long_a_list_of_arguments_is_told),
    REAL_SPEC(a_name_is_looked_up_in_the_childs_path),
    REAL_SPEC(a_bad_cwd_is_told_apart),
    REAL_SPEC(with_a_bad_user_nothing_runs),
    REAL_SPEC(a_thousand_failures_leave_nothing),
    REAL_SPEC(every_exit_code_is_told),
    REAL_SPEC(every_deadly_signal_is_told),
    REAL_SPEC(it_is_restarted_by_itself),
    REAL_SPEC(a_handler_decides),
    REAL_SPEC(it_can_be_started_again_after_its_end),
    REAL_SPEC(a_crash_loop_keeps_its_delay),
    REAL_SPEC(a_cancellation_kills_the_whole_group),
    REAL_SPEC(a_timeout_does_so_too),
    REAL_SPEC(a_grandchild_does_not_hold_it_up),
    REAL_SPEC(all_output_comes_before_the_news_of_the_death),
    REAL_SPEC(every_byte_passes),
    REAL_SPEC(a_child_waits_for_a_slow_host_and_loses_nothing),
  };
  return REAL_RUN(tests);
}
