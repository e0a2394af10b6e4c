/*
** Specifies what a child is given, whatever its host is like: descriptors,
** signals, session, environment, directory, umask, user, and a signal at its
** host's death; and what it costs. All specs run twice, the second time without the newer calls
** of the kernel. The host's thread.
*/

#include "real.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a one-shot with these verbs says. */
#define SAID(...) said(STARTED(__VA_ARGS__))

static const char *said (pexec_process *process) {
  (void)real_await(process, PEXEC_EVENT_ENDED);
  return real_text(process, PEXEC_STDOUT, NULL);
}

static int begin (void **state) {
  int error = real_begin(state);
  real.config.one_shot = 1;
  real.config.output_events = PEXEC_STDOUT;
  return error;
}

static long number_of (const char *text, const char *key) {
  const char *place = strstr(text, key);
  if (place == NULL)
    fail_msg("no %s in \"%s\"", key, text);
  return strtol(place + strlen(key), NULL, 10);
}

/* {== descriptors and signals ============================================ */

static void it_has_three_descriptors_whatever_the_host_leaks (void **state) {
  int leaks[20];
  const char *text;
  (void)state;
  for (int i = 0; i < 20; i++)
    assert_true((leaks[i] = open("/dev/zero", O_RDONLY)) >= 0);
  text = SAID("fds");
  for (int i = 0; i < 20; i++)
    assert_int_equal(close(leaks[i]), 0);
  assert_int_equal(real_count(text, "\n"), 3);
  assert_non_null(strstr(text, "0=/dev/null\n"));
  assert_non_null(strstr(text, "1=pipe:"));
  assert_non_null(strstr(text, "2=/dev/null\n"));
}

static void its_input_is_at_its_end (void **state) {
  (void)state;
  assert_string_equal(SAID("stdin"), "eof\n");
}

static void no_signal_is_blocked_ignored_or_caught (void **state) {
  struct sigaction ignore = { .sa_handler = SIG_IGN }, old[NSIG];
  bool is_changed[NSIG] = { false };
  sigset_t all, mask;
  const char *text;
  (void)state;
  (void)sigfillset(&all);
  for (int signo = 1; signo < NSIG; signo++)
    is_changed[signo] = signo != SIGCHLD &&
                        sigaction(signo, &ignore, &old[signo]) == 0;
  (void)sigprocmask(SIG_SETMASK, &all, &mask);
  text = SAID("signals");
  (void)sigprocmask(SIG_SETMASK, &mask, NULL);
  for (int signo = 1; signo < NSIG; signo++)
    if (is_changed[signo])
      (void)sigaction(signo, &old[signo], NULL);
  assert_int_equal(real_count(text, "\t0000000000000000\n"), 3);
}

static void it_leads_a_session_and_a_group_of_its_own (void **state) {
  const char *text = SAID("ids");
  (void)state;
  assert_int_equal(number_of(text, "\nsid="), number_of(text, "\npid="));
  assert_int_equal(number_of(text, "\npgid="), number_of(text, "\npid="));
  assert_int_equal(number_of(text, "\nppid="), getpid());
}

/* {== environment, directory, umask ====================================== */

static void its_environment_is_the_hosts_and_more (void **state) {
  (void)state;
  assert_int_equal(setenv("PEXEC_A", "of the host", 1), 0);
  assert_int_equal(setenv("PEXEC_B", "of the host", 1), 0);
  real.config.environment =
      (const char *const[]){ "PEXEC_B=", "PEXEC_C=x=y", NULL };
  assert_string_equal(SAID("env", "PEXEC_A", "env", "PEXEC_B", "env",
                           "PEXEC_C", "env", "PEXEC_D"),
                      "PEXEC_A=of the host\nPEXEC_B=\nPEXEC_C=x=y\n"
                      "PEXEC_D unset\n");
  assert_string_equal(getenv("PEXEC_B"), "of the host");
  (void)unsetenv("PEXEC_A");
  (void)unsetenv("PEXEC_B");
}

static void a_megabyte_of_environment_passes (void **state) {
  static char variables[10][100008];
  const char *list[11] = { NULL };
  (void)state;
  for (int i = 0; i < 10; i++) {
    memset(variables[i], 'x', sizeof variables[i] - 1);
    memcpy(variables[i], "BIG_?=", 6);
    variables[i][4] = (char)('0' + i);
    list[i] = variables[i];
  }
  real.config.environment = list;
  real.config.name = "/bin/sh";
  assert_string_equal(SAID("-c", "echo ${#BIG_0} ${#BIG_5} ${#BIG_9}"),
                      "100001 100001 100001\n");
}

static void a_restart_keeps_what_the_first_start_found (void **state) {
  char cwd[4096];
  pexec_process *process;
  mode_t mask;
  (void)state;
  assert_non_null(getcwd(cwd, sizeof cwd));
  assert_int_equal(mkdir(real_path("sub"), 0755), 0);
  assert_int_equal(setenv("PEXEC_A", "first", 1), 0);
  assert_int_equal(chdir(real.directory), 0);
  mask = umask(0027);
  real.config.one_shot = 0;
  real.config.cwd = "sub";
  process = STARTED("umask", "cwd", "env", "PEXEC_A", "print", "end",
                    "forever");
  real_await_text(process, "end\n");
  (void)umask(0077);
  assert_int_equal(setenv("PEXEC_A", "second", 1), 0);
  assert_int_equal(chdir("/"), 0);
  assert_int_equal(kill(real_pid(process), SIGKILL), 0);
  real_await_starts(process, 2);
  real_await_text(process, "end\n0027\n");
  real_await_text(process, "\nend\n0027\n");
  (void)umask(mask);
  (void)unsetenv("PEXEC_A");
  assert_int_equal(chdir(cwd), 0);
  while (real_count(real_text(process, PEXEC_STDOUT, NULL), "end\n") < 2)
    real_pull();
  assert_int_equal(real_count(real_text(process, PEXEC_STDOUT, NULL),
                              "PEXEC_A=first\n"), 2);
  assert_int_equal(real_count(real_text(process, PEXEC_STDOUT, NULL),
                              real_path("sub")), 2);
}

static void what_is_started_later_finds_what_is_there_then (void **state) {
  (void)state;
  assert_int_equal(setenv("PEXEC_A", "first", 1), 0);
  assert_string_equal(SAID("env", "PEXEC_A"), "PEXEC_A=first\n");
  assert_int_equal(setenv("PEXEC_A", "second", 1), 0);
  assert_string_equal(SAID("env", "PEXEC_A"), "PEXEC_A=second\n");
  (void)unsetenv("PEXEC_A");
}

/* {== user =============================================================== */

/* The specs' child where any user may execute it. */
static void copy_child (void) {
  static char bytes[1 << 22], path[128];
  int from = open(real.config.name, O_RDONLY | O_CLOEXEC);
  int to = open(real_path("child"), O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
  ssize_t size = read(from, bytes, sizeof bytes);
  assert_in_range(size, 1, sizeof bytes - 1);
  assert_int_equal(write(to, bytes, (size_t)size), size);
  assert_int_equal(fchmod(to, 0755), 0);
  (void)close(from);
  (void)close(to);
  real.config.name = strcpy(path, real_path("child"));
}

static void need_root (void) {
  if (geteuid() != 0 || getpwnam("daemon") == NULL)
    skip();
  assert_int_equal(chmod(real.directory, 0777), 0);
  copy_child();
}

static void it_runs_as_its_user_and_in_no_other_group (void **state) {
  struct passwd *user;
  const char *text;
  char home[256];
  (void)state;
  need_root();
  user = getpwnam("daemon");
  (void)snprintf(home, sizeof home, "HOME=%s\nUSER=daemon\nLOGNAME=daemon\n",
                 user->pw_dir);
  real.config.username = "daemon";
  text = SAID("ids", "env", "HOME", "env", "USER", "env", "LOGNAME");
  assert_int_equal(number_of(text, "uid="), user->pw_uid);
  assert_int_equal(number_of(text, "\ngid="), user->pw_gid);
  assert_int_equal(number_of(text, "\neuid="), user->pw_uid);
  assert_int_equal(number_of(text, "\negid="), user->pw_gid);
  assert_int_equal(number_of(text, "\ngroups="), user->pw_gid);
  assert_non_null(strstr(text, home));
}

static void a_number_names_a_user_too (void **state) {
  char number[32];
  (void)state;
  need_root();
  (void)snprintf(number, sizeof number, "%u",
                 (unsigned)getpwnam("daemon")->pw_uid);
  real.config.username = number;
  assert_int_equal(number_of(SAID("ids"), "\neuid="),
                   getpwnam("daemon")->pw_uid);
}

/* The directory is inherited: it need not be open to the user. */
static void it_starts_where_only_the_host_may_go (void **state) {
  char cwd[4096];
  const char *text;
  (void)state;
  need_root();
  real.config.name = "/bin/sh";
  assert_non_null(getcwd(cwd, sizeof cwd));
  assert_int_equal(chmod(real.directory, 0700), 0);
  assert_int_equal(chdir(real.directory), 0);
  real.config.username = "daemon";
  text = SAID("-c", "echo ok");
  assert_int_equal(chdir(cwd), 0);
  assert_string_equal(text, "ok\n");
}

static void a_directory_that_is_asked_for_has_to_be_open (void **state) {
  pexec_process *process;
  const struct heard *started;
  (void)state;
  need_root();
  assert_int_equal(chmod(real.directory, 0700), 0);
  real.config.username = "daemon";
  real.config.cwd = real.directory;
  real.config.name = "/bin/sh";
  process = CHILD("-c", "exit");
  assert_int_equal(pexec_process_start(process, -1), 0);
  started = real_await(process, PEXEC_EVENT_STARTED);
  assert_int_equal(started->error, -EACCES);
  assert_non_null(strstr(started->message, "working directory"));
}

/* In a copy of this process that has given up its rights. */
static void try_as_daemon (void) {
  const struct heard *started;
  pexec_process *process;
  if (setgroups(0, NULL) != 0 || setgid(1) != 0 || setuid(1) != 0)
    _exit(2);
  if (pexec_supervisor_new(&real.supervisor) != 0)
    _exit(3);
  real.config.username = "root";
  process = CHILD("append", real_path("ran"), "ran");
  (void)pexec_process_start(process, -1);
  started = real_await(process, PEXEC_EVENT_STARTED);
  _exit(started->error == -EPERM ? 0 : 1);
}

static void a_host_without_rights_starts_nothing_as_another (void **state) {
  int status;
  pid_t pid;
  (void)state;
  need_root();
  if ((pid = fork()) == 0)
    try_as_daemon();
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
  assert_string_equal(real_file("ran"), "");
}

/* {== the host's death =================================================== */

static void it_will_get_a_signal_when_its_host_dies (void **state) {
  (void)state;
  assert_string_equal(SAID("pdeathsig"), "pdeathsig=9\n");
}

static void so_will_one_of_another_user (void **state) {
  (void)state;
  need_root();
  real.config.username = "daemon";
  assert_string_equal(SAID("pdeathsig"), "pdeathsig=9\n");
}

/* In a copy of this process, which is killed then. */
static void start_five_and_wait (void) {
  if (pexec_supervisor_new(&real.supervisor) != 0)
    _exit(1);
  real.config.one_shot = 0;
  real.config.output_events = 0;
  if (geteuid() == 0)
    need_root();
  for (int i = 0; i < 5; i++) {
    if (i == 4 && geteuid() == 0)
      real.config.username = "daemon";
    (void)STARTED("append", real_path("pids"), "%p", "ignore", "TERM", "INT",
                  "forever");
  }
  for (;;)
    (void)pause();
}

static void a_killed_host_leaves_none_of_its_children (void **state) {
  struct deadline deadline = real_deadline();
  char *pids, *next;
  pid_t host;
  (void)state;
  assert_int_equal(chmod(real.directory, 0777), 0);
  (void)umask(0);
  if ((host = fork()) == 0)
    start_five_and_wait();
  while (real_count(real_file("pids"), "\n") < 5)
    real_pause(deadline, "five children");
  assert_int_equal(kill(host, SIGKILL), 0);
  assert_int_equal(waitpid(host, NULL, 0), host);
  pids = next = strdup(real_file("pids"));
  for (int i = 0; i < 5; i++)
    real_await_gone((int)strtol(next, &next, 10));
  free(pids);
  (void)umask(022);
}

/* {== its cost ============================================================= */

#define PAGES 16384

static long faults_of_touching (volatile char *memory, long size) {
  struct rusage before, after;
  assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
  for (long i = 0; i < PAGES; i++)
    memory[i * size]++;
  assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
  return after.ru_minflt - before.ru_minflt;
}

/* FAULTS 32: a copy of the host, however lazy, would have all its pages
   faulted in again; so it would take longer the more there are. */
static void the_hosts_memory_is_not_copied_for_it (void **state) {
  long size = sysconf(_SC_PAGESIZE);
  size_t length = (size_t)size * PAGES;
  char *memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  (void)state;
  assert_true(memory != MAP_FAILED);
  (void)madvise(memory, length, MADV_NOHUGEPAGE);
  assert_true(faults_of_touching(memory, size) > PAGES / 2);
  (void)SAID("exit", "0");
  assert_true(faults_of_touching(memory, size) < PAGES / 2);
  assert_int_equal(munmap(memory, length), 0);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, real_end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(it_has_three_descriptors_whatever_the_host_leaks),
    SPEC(its_input_is_at_its_end),
    SPEC(no_signal_is_blocked_ignored_or_caught),
    SPEC(it_leads_a_session_and_a_group_of_its_own),
    SPEC(its_environment_is_the_hosts_and_more),
    SPEC(a_megabyte_of_environment_passes),
    SPEC(a_restart_keeps_what_the_first_start_found),
    SPEC(what_is_started_later_finds_what_is_there_then),
    SPEC(it_runs_as_its_user_and_in_no_other_group),
    SPEC(a_number_names_a_user_too),
    SPEC(it_starts_where_only_the_host_may_go),
    SPEC(a_directory_that_is_asked_for_has_to_be_open),
    SPEC(a_host_without_rights_starts_nothing_as_another),
    SPEC(it_will_get_a_signal_when_its_host_dies),
    SPEC(so_will_one_of_another_user),
    SPEC(a_killed_host_leaves_none_of_its_children),
    SPEC(the_hosts_memory_is_not_copied_for_it),
  };
  (void)umask(022);
  return REAL_RUN(tests);
}
