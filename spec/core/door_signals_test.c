/*
** Specifies how the door catches the host's signals: each is told to the
** supervisor that has caught it, and to no other, and nothing else of the host
** is touched; and its alarm. All specs run twice, the second time without the
** newer calls of the kernel. The host's thread.
*/

#include "core.h"
#include "real.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_supervisor (void) {
  pexec_supervisor_close(real.supervisor);
  real.supervisor = NULL;
}

static void a_caught_signal_is_an_event_each_time (void **state) {
  const int signals[] = { SIGUSR1, SIGUSR2 };
  (void)state;
  assert_int_equal(pexec_supervisor_catch(real.supervisor, signals, 2), 0);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(real_await(NULL, PEXEC_EVENT_SIGNAL)->signo, SIGUSR1);
  }
  assert_int_equal(kill(getpid(), SIGUSR2), 0);
  assert_int_equal(real_await(NULL, PEXEC_EVENT_SIGNAL)->signo, SIGUSR2);
  pexec_supervisor_uncatch(real.supervisor, signals, 2);
}

static void closing_gives_them_back (void **state) {
  const int signals[] = { SIGUSR1 };
  (void)state;
  assert_int_equal(pexec_supervisor_catch(real.supervisor, signals, 1), 0);
  close_supervisor();  /* the rest is looked at after each spec */
}

static void another_supervisor_may_not_catch_the_same (void **state) {
  const int first[] = { SIGUSR1 }, second[] = { SIGUSR2, SIGUSR1 };
  pexec_supervisor *other;
  (void)state;
  assert_int_equal(pexec_supervisor_new(&other), 0);
  assert_int_equal(pexec_supervisor_catch(real.supervisor, first, 1), 0);
  assert_int_equal(pexec_supervisor_catch(other, second, 2), -EBUSY);
  assert_int_equal(pexec_supervisor_catch(other, second, 1), 0);
  pexec_supervisor_uncatch(real.supervisor, first, 1);
  assert_int_equal(pexec_supervisor_catch(other, first, 1), 0);
  pexec_supervisor_close(other);
}

static void what_cannot_be_caught_is_refused_with_the_rest (void **state) {
  const int signals[] = { SIGUSR1, SIGKILL }, strange[] = { 65 };
  (void)state;
  assert_int_equal(pexec_supervisor_catch(real.supervisor, signals, 2),
                   -EINVAL);
  assert_int_equal(pexec_supervisor_catch(real.supervisor, strange, 1),
                   -EINVAL);
}

static void a_signal_that_is_ignored_stays_so (void **state) {
  const int signals[] = { SIGUSR1 };
  struct sigaction ignore = { .sa_handler = SIG_IGN }, old, now;
  (void)state;
  assert_int_equal(sigaction(SIGUSR1, &ignore, &old), 0);
  assert_int_equal(pexec_supervisor_catch(real.supervisor, signals, 1), 0);
  assert_int_equal(sigaction(SIGUSR1, NULL, &now), 0);
  assert_ptr_equal(now.sa_handler, SIG_IGN);
  assert_int_equal(raise(SIGUSR1), 0);
  assert_false(real_heard(NULL, PEXEC_EVENT_SIGNAL));
  pexec_supervisor_uncatch(real.supervisor, signals, 1);
  assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
}

static void the_alarm_rings (void **state) {
  int64_t begun_ns = real_now_ns();
  (void)state;
  assert_int_equal(pexec_supervisor_alarm(real.supervisor, 50), 0);
  assert_int_equal(pexec_supervisor_wait(real.supervisor, 20000), 1);
  assert_true(real_now_ns() - begun_ns >= 50000000);
  real_pull();
  assert_int_equal(pexec_supervisor_wait(real.supervisor, 0), 0);
}

static volatile sig_atomic_t arrivals;

static void note_arrival (int signo) {
  (void)signo;
  arrivals++;
}

static void a_handler_of_the_host_interrupts_a_wait (void **state) {
  struct sigaction action = { .sa_handler = note_arrival }, old;
  (void)state;
  assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
  (void)ualarm(20000, 20000);
  assert_int_equal(pexec_supervisor_wait(real.supervisor, -1), -EINTR);
  (void)ualarm(0, 0);
  assert_true(arrivals > 0);
  assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
}

/* FAULTS 25: of whatever the host was doing */
static void the_handler_leaves_errno_alone (void **state) {
  const int signals[] = { SIGUSR1 };
  (void)state;
  assert_int_equal(pexec_supervisor_catch(real.supervisor, signals, 1), 0);
  errno = EDOM;
  assert_int_equal(raise(SIGUSR1), 0);
  assert_int_equal(errno, EDOM);
  assert_int_equal(real_await(NULL, PEXEC_EVENT_SIGNAL)->signo, SIGUSR1);
  pexec_supervisor_uncatch(real.supervisor, signals, 1);
}

/* FAULTS 30: a signal that was given back would end this program */
static void what_another_has_caught_stays_caught (void **state) {
  const int first[] = { SIGUSR1 }, second[] = { SIGUSR2 };
  pexec_supervisor *other;
  (void)state;
  assert_int_equal(pexec_supervisor_new(&other), 0);
  assert_int_equal(pexec_supervisor_catch(real.supervisor, first, 1), 0);
  assert_int_equal(pexec_supervisor_catch(other, second, 1), 0);
  pexec_supervisor_uncatch(other, first, 1);
  pexec_supervisor_close(other);
  assert_int_equal(raise(SIGUSR1), 0);
  assert_int_equal(real_await(NULL, PEXEC_EVENT_SIGNAL)->signo, SIGUSR1);
  pexec_supervisor_uncatch(real.supervisor, first, 1);
}

/* FAULTS 29: they share the descriptor */
static void a_forked_copy_does_not_wake_its_parent (void **state) {
  const int signals[] = { SIGUSR1 };
  pid_t copy;
  (void)state;
  assert_int_equal(pexec_supervisor_catch(real.supervisor, signals, 1), 0);
  real_pull();
  assert_int_equal(pexec_supervisor_wait(real.supervisor, 0), 0);
  if ((copy = fork()) == 0)
    _exit(raise(SIGUSR1));
  assert_int_equal(waitpid(copy, NULL, 0), copy);
  assert_int_equal(pexec_supervisor_wait(real.supervisor, 0), 0);
  pexec_supervisor_uncatch(real.supervisor, signals, 1);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    REAL_SPEC(a_caught_signal_is_an_event_each_time),
    REAL_SPEC(closing_gives_them_back),
    REAL_SPEC(another_supervisor_may_not_catch_the_same),
    REAL_SPEC(what_cannot_be_caught_is_refused_with_the_rest),
    REAL_SPEC(a_signal_that_is_ignored_stays_so),
    REAL_SPEC(the_alarm_rings),
    REAL_SPEC(a_handler_of_the_host_interrupts_a_wait),
    REAL_SPEC(the_handler_leaves_errno_alone),
    REAL_SPEC(what_another_has_caught_stays_caught),
    REAL_SPEC(a_forked_copy_does_not_wake_its_parent),
  };
  return REAL_RUN(tests);
}
