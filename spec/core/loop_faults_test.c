/*
** Specifies what the loop makes of calls that fail beneath libuv, where the
** seam does not reach: each is answered with its code and leaves nothing, but
** for those that libuv aborts the host at, which docs/reliability.md lists.
** Each in a process of its own, since libuv opens something once for all. One
** thread.
**
** seam: own loop.c timers.c
*/

#include "memory_seam.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop.h"

/* {== calls that fail ==================================================== */

enum call { NONE, CREATE, ADD, DELETE, WAIT, EVENTFD, PIPE };

static struct {
  enum call call;
  int left;                     /* until it fails; 0: never */
  int error;
  bool has_failed;
  int room;                     /* descriptors that are left; 0: enough */
} fault;

static bool fails (enum call call) {
  if (call != fault.call || fault.left == 0 || --fault.left > 0)
    return false;
  fault.has_failed = true;
  errno = fault.error;
  return true;
}

/* These take the place of the C library's for libuv, too. */
#pragma GCC visibility push(default)

int epoll_create1 (int flags) {
  return fails(CREATE) ? -1 : (int)syscall(SYS_epoll_create1, flags);
}

int epoll_ctl (int epoll_fd, int what, int fd, struct epoll_event *event) {
  if (fails(what == EPOLL_CTL_DEL ? DELETE : ADD))
    return -1;
  return (int)syscall(SYS_epoll_ctl, epoll_fd, what, fd, event);
}

int epoll_pwait (int epoll_fd, struct epoll_event *events, int most,
                 int timeout_ms, const sigset_t *mask) {
  return fails(WAIT) ? -1 : (int)syscall(SYS_epoll_pwait, epoll_fd, events,
                                         most, timeout_ms, mask, 8);
}

int epoll_wait (int epoll_fd, struct epoll_event *events, int most,
                int timeout_ms) {
  return epoll_pwait(epoll_fd, events, most, timeout_ms, NULL);
}

int eventfd (unsigned count, int flags) {
  return fails(EVENTFD) ? -1 : (int)syscall(SYS_eventfd2, count, flags);
}

int pipe2 (int fds[2], int flags) {
  return fails(PIPE) ? -1 : (int)syscall(SYS_pipe2, fds, flags);
}

#pragma GCC visibility pop

/* {== the seam =========================================================== */

int64_t pexec__now (void) { return 1; }
unsigned pexec__fill_standard (void) { return 0; }
void pexec__free_standard (unsigned filled) { (void)filled; }
void pexec__close (int fd) { (void)close(fd); }

int pexec__eventfd (void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

void *pexec__realloc (void *block, size_t size) {
  if (block == NULL)
    return pexec__malloc(size);
  return good_blocks == 0 ? NULL : realloc(block, size);
}

/* {== one life of a loop ================================================= */

#define IS_DONE 40              /* exit codes: all went well, */
#define HAS_FAILED 41           /* a call was answered with its code, */
#define IS_WRONG 42             /* with another, or something was left, */
#define IS_ABORTED 43           /* the host is no more */

static struct pexec__loop *loop;

static void end_loop (void *owner) {
  (void)owner;
  pexec__loop_stop(loop);
}

static int open_count (void) {
  int count = 0;
  for (int fd = 3; fd < 64; fd++)
    count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

/* What the first loop of a process opens stays: of a second one nothing may. */
static int live (void) {
  struct pexec__watch *watch = NULL;
  struct pexec__timer *timer;
  int fds[2], error = pexec__loop_open(&loop, end_loop, NULL);
  if (error < 0)
    return error;
  if (syscall(SYS_pipe2, fds, O_NONBLOCK) < 0)
    _exit(IS_WRONG);
  error = pexec__timer_open(loop, end_loop, NULL, &timer);
  if (error >= 0) {
    error = pexec__watch_open(loop, fds[0], end_loop, NULL, &watch);
    if (error >= 0) {
      pexec__loop_wake(loop);
      pexec__loop_run(loop);
    }
    pexec__watch_close(watch);
    pexec__timer_close(timer);
  }
  (void)close(fds[0]);
  (void)close(fds[1]);
  pexec__loop_close(loop);
  return error;
}

static int answer_of (int error) {
  if (atomic_load(&blocks) != 0)
    return IS_WRONG;
  if (error < 0)
    return error == -fault.error || error == -ENOMEM ? HAS_FAILED : IS_WRONG;
  return fault.has_failed ? IS_WRONG : IS_DONE;
}

/* For a process that has no gaps between those that it has. */
static void limit_descriptors (int room) {
  int lowest = dup(0);
  struct rlimit limit = { (rlim_t)(lowest + room), (rlim_t)(lowest + room) };
  (void)close(lowest);
  if (room > 0 && setrlimit(RLIMIT_NOFILE, &limit) < 0)
    _exit(IS_WRONG);
}

static void be_the_child (bool is_first) {
  const struct rlimit none = { 0, 0 };
  int left = fault.left, before, answer;
  (void)setrlimit(RLIMIT_CORE, &none);
  fault.left = 0;
  if (!is_first && live() < 0)
    _exit(IS_WRONG);
  before = open_count();
  limit_descriptors(fault.room);
  fault.left = left;
  answer = answer_of(live());
  if (!is_first && open_count() != before)
    answer = IS_WRONG;
  _exit(answer);
}

/* With the n-th of these calls failing. */
static int outcome (enum call call, int n, int error, bool is_first) {
  int status;
  pid_t pid;
  fault.call = call;
  fault.left = n;
  fault.error = error;
  if ((pid = fork()) == 0)
    be_the_child(is_first);
  assert_true(pid > 0);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  if (WIFSIGNALED(status))
    return WTERMSIG(status) == SIGABRT ? IS_ABORTED : IS_WRONG;
  return WEXITSTATUS(status);
}

/* {== specs ============================================================== */

static void expect_answers (enum call call, int error, bool is_first) {
  int n = 1, got;
  while ((got = outcome(call, n, error, is_first)) == HAS_FAILED)
    assert_in_range(++n, 1, 100);
  assert_int_equal(got, IS_DONE);
  assert_in_range(n, 2, 100);  /* one did fail */
}

static void a_loop_that_cannot_be_opened_says_why (void **state) {
  (void)state;
  for (int i = 0; i < 2; i++)
    expect_answers(CREATE, i == 0 ? EMFILE : ENFILE, i == 0);
  for (int n = 1; n <= 8; n++)
    assert_int_equal(outcome(EVENTFD, n, ENFILE, n % 2 == 0), HAS_FAILED);
}

static int with_room (int count, bool is_first) {
  fault.room = count;
  count = outcome(NONE, 0, EMFILE, is_first);
  fault.room = 0;
  return count;
}

/* FAULTS 31 */
static void where_few_descriptors_are_left_it_does_too (void **state) {
  (void)state;
  for (int first = 0; first < 2; first++) {
    int room = 1, got;
    while ((got = with_room(room, first)) == HAS_FAILED)
      assert_in_range(++room, 1, 20);
    assert_int_equal(got, IS_DONE);
    assert_in_range(room, 5, 20);
  }
}

/* The first of these asks; later ones are libuv's own, within its run. */
static void a_descriptor_that_cannot_be_watched_says_why (void **state) {
  static const int errors[] = { ENOSPC, ENOMEM, EPERM };
  (void)state;
  for (int i = 0; i < 3; i++)
    assert_int_equal(outcome(ADD, 1, errors[i], false), HAS_FAILED);
}

static void without_memory_so_does_each (void **state) {
  int n = 0, error;
  (void)state;
  fault.left = 0;
  do {
    good_blocks = n++;
    error = live();
    good_blocks = -1;
    assert_int_equal(atomic_load(&blocks), 0);
    assert_true(error == 0 || error == -ENOMEM);
  } while (error < 0);
  assert_in_range(n, 3, 20);
}

/* A newer libuv may know better: but none goes on as if all were well. */
static void expect_abort (int got) {
  if (got != IS_ABORTED)
    assert_int_equal(got, HAS_FAILED);
}

/* ORDER: the table in docs/reliability.md. */
static void here_libuv_aborts (void **state) {
  (void)state;
  expect_abort(outcome(PIPE, 1, EMFILE, true));
  expect_abort(outcome(WAIT, 1, ENOMEM, false));
  expect_abort(outcome(ADD, 2, ENOMEM, false));
  expect_abort(outcome(DELETE, 1, ENOMEM, false));
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_loop_that_cannot_be_opened_says_why),
    cmocka_unit_test(where_few_descriptors_are_left_it_does_too),
    cmocka_unit_test(a_descriptor_that_cannot_be_watched_says_why),
    cmocka_unit_test(without_memory_so_does_each),
    cmocka_unit_test(here_libuv_aborts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
