/*
** What holds whichever call fails, on the fake seam: each scenario is played
** with the first of some calls failing, then the second, and so on until none
** is left to fail, with each code that such a call may answer. Whatever fails:
** nothing hangs, nothing leaks, each order is answered, what a start tells is
** the system's code, and what failed but for a while is made good without
** anybody's help. To be included once, by fault_plays.h. One thread.
*/

#ifndef SPEC_FAULTS_H
#define SPEC_FAULTS_H

#include "fake_host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* An address sanitizer would keep all that was freed for long, and that is
   much: the kernel would be busy with nothing else. */
const char *__asan_default_options (void);
__attribute__((visibility("default")))
const char *__asan_default_options (void) {
  return "quarantine_size_mb=8";
}

enum fault_span {
  ONCE,                         /* this call alone */
  FOR_GOOD,                     /* and all that follow, whatever happens */
  FOR_A_WHILE                   /* the same, until over() */
};

/* What is made to fail at present. */
static struct {
  uint64_t calls;
  int n, code;
  enum fault_span span;
  const char *scenario;
} fault;

static bool was_accepted;    /* a start was */
static bool is_released;     /* the process is nobody's */
static int found_cgroups;    /* that were there before */
static bool had_failed;      /* something did, also where that is over */

struct scenario {
  const char *name;
  void (*play) (void);
  struct fake_program program;
};

static const char *span_text (void) {
  static const char *const texts[] = { "", " and all that follow",
                                       " and all for a while" };
  return texts[fault.span];
}

#define EXPECT(condition) \
  if (!(condition)) \
    fail_msg("%s: %s, number %d%s, code %d: not so: %s (%s:%d; heard %s)", \
             fault.scenario, fake_call_name(fault.calls), fault.n, \
             span_text(), fault.code, #condition, __FILE__, __LINE__, \
             host.order)

/* {== the failure ======================================================== */

/* What lasts for a while ends here; what has not begun by then may come. */
static void over (void) {
  had_failed |= fake_has_failed();
  if (fault.span == FOR_A_WHILE && fake_is_failing())
    fake_fail(0, 0, false);
}

/* From here on nothing fails that was to for a while at most. */
static void calm (void) {
  had_failed |= fake_has_failed();
  if (fault.span != FOR_GOOD)
    fake_fail(0, 0, false);
}

/* Whatever has failed does not any more. */
static bool is_transient (void) {
  return fault.span == ONCE || !fake_is_failing();
}

static bool may_fail (uint64_t calls) {
  return (fault.calls & calls) != 0;
}

/* Who is in a cgroup can neither be killed by its file nor be found. */
static bool is_out_of_reach (void) {
  return may_fail(FAKE_CALL(write)) && may_fail(FAKE_CALL(read));
}

/* What cannot be signalled may outlive it all; nothing else may. On a basic
   kernel that is also the group of a leader that the host has reaped: its
   number may be a stranger's. */
static bool may_survive (void) {
  had_failed |= fake_has_failed();
  return had_failed && (may_fail(FAKE_SIGNALLING) || is_out_of_reach() ||
                        (fake.is_basic && may_fail(FAKE_CALL(wait))));
}

/* What cannot be known counts as alive: who is in a cgroup. */
static bool is_in_doubt (void) {
  return fake_has_failed() && may_fail(FAKE_CALL(read_at));
}

/* The system's code, or what stands for it. */
static bool is_told (int error) {
  return fake_may_answer(fault.calls, error) ||
         (error == PEXEC_EUNSUPPORTED &&
          may_fail(FAKE_CALL(kernel_lacks))) ||
         (error == -EBUSY && may_fail(FAKE_CALL(lock)));
}

/* {== steps that may fail ================================================ */

static bool make (void) {
  int error = pexec_process_new(host.supervisor, &host.config, &host.process);
  if (error == -ENOMEM && fault.span == ONCE)
    error = pexec_process_new(host.supervisor, &host.config, &host.process);
  EXPECT(error == 0 || error == -ENOMEM);
  return error == 0;
}

/* An order to start that is accepted, or one more where it was not. */
static bool order_start (int64_t timeout_ms) {
  int error = pexec_process_start(host.process, timeout_ms);
  EXPECT(error == 0 || is_told(error));
  if (error < 0 && fault.span == ONCE)
    error = pexec_process_start(host.process, timeout_ms);
  EXPECT(error == 0 || fault.span != ONCE);
  was_accepted |= (error == 0);
  return error == 0;
}

/* It answers; a start that failed for a moment succeeds when it is tried
   again. True where it runs then. */
static bool start_for (int64_t timeout_ms) {
  if (!order_start(timeout_ms))
    return false;
  EXPECT(host_run_until(&host.started, 1, 5 * FAKE_S));
  if (host.start_error == 0)
    return true;
  EXPECT(is_told(host.start_error));
  EXPECT(host_run_until(&host.ended, 1, 5 * FAKE_S));
  if (fault.span != ONCE || !order_start(timeout_ms))
    return false;
  EXPECT(host_run_until(&host.started, 2, 5 * FAKE_S));
  EXPECT(host.start_error == 0);
  return true;
}

static bool start (void) {
  return make() && start_for(-1);
}

/* One that comes too late, or in vain, does not count. */
static void stop (void) {
  int stopped = host.stopped, ended = host.ended;
  bool was_active = pexec_process_is_active(host.process);
  (void)pexec_process_stop(host.process);
  EXPECT(host_run_until(&host.stopped, stopped + 1, 10 * FAKE_S));
  EXPECT(host.stop_error == 0 || (host.stop_error == PEXEC_ESTOP_TIMEOUT &&
                                  (may_survive() || is_in_doubt())));
  if (host.stop_error == 0 && was_active)
    EXPECT(host_run_until(&host.ended, ended + 1, FAKE_S));
}

static void release (void) {
  pexec_process_release(host.process);
  host.process = NULL;
  is_released = true;
}

/* {== afterwards: all works again ======================================== */

/* What was there before: it is alive, or comes to be, unless it has ended. */
static void expect_life (void) {
  int clones = fake.clones;
  enum pexec_state state;
  host_run(8 * FAKE_S);
  state = host_state();
  EXPECT(state == PEXEC_RUNNING || state == PEXEC_STOPPING ||
         fake.clones > clones || !pexec_process_is_active(host.process));
}

/* Nothing is failing: what may be left by what has failed is there no more. */
static void expect_stop (void) {
  int stopped = host.stopped;
  (void)pexec_process_stop(host.process);
  EXPECT(host_run_until(&host.stopped, stopped + 1, 10 * FAKE_S));
  EXPECT(host.stop_error == 0 || (fake.is_basic && may_survive()));
  host_run(FAKE_S);
  EXPECT(!pexec_process_is_active(host.process) || host.stop_error < 0);
}

static void expect_start (int64_t timeout_ms) {
  int started = host.started;
  EXPECT(pexec_process_start(host.process, timeout_ms) == 0);
  EXPECT(host_run_until(&host.started, started + 1, 5 * FAKE_S));
  EXPECT(host.start_error == 0 || (host.start_error == -EBUSY &&
                                   may_survive()));
}

static void recover_the_first (void) {
  enum pexec_state state;
  host_run(0);
  state = host_state();
  if (state == PEXEC_STOPPED || state == PEXEC_EXITED)
    return;
  if (!pexec_process_is_active(host.process))
    expect_start(-1);
  expect_life();
  expect_stop();
}

/* Is there nobody of it left, whom nobody could signal in time? */
static void expect_nobody (void) {
  if (!is_released && !may_survive())
    EXPECT(fake.living == 0);
}

/* Of a leader that the host reaps, nobody else can be signalled on a basic
   kernel. */
static void expect_a_new_one_to_work (void) {
  static struct fake_program program = {
    .lives_ns = FAKE_S / 2, .says = "one\n",
  };
  program.members = !fake.host_reaps;
  fake.programs = &program;
  host_forget();
  host.config.stop_timeout_ms = 900;
  host.config.output_events = PEXEC_STDOUT;
  host_make();
  expect_start(-1);
  host_run(4 * FAKE_S);
  EXPECT(strncmp(host.text, "one\none\none\n", 12) == 0);
  expect_stop();
  release();
}

static void recover (void) {
  over();
  if (host.process != NULL) {
    recover_the_first();
    expect_nobody();
    release();
  }
  if (!fake_is_failing())
    expect_a_new_one_to_work();
}

/* {== playing ============================================================ */

/* What takes no SIGKILL cannot be ended; what cannot be watched either is
   nobody's then. */
static void forgive_survivors (void) {
  if (!may_survive())
    return;
  fake.survivors = fake.living;
  if (fault.calls == FAKE_ALL_CALLS && fault.span != ONCE)
    fake.zombies = 0;
}

/* A cgroup that cannot be removed when it is left stays, and is told of. */
static void expect_no_cgroup (void) {
  const uint64_t removal = FAKE_CALL(remove_directory_at) |
      FAKE_CALL(is_marked) | FAKE_CALL(mark) | FAKE_CALL(read_at) |
      FAKE_CALL(lock);
  bool may_stay = had_failed && may_fail(removal);
  EXPECT(fake_cgroup_count() <= found_cgroups || may_stay || may_survive());
}

static void close_all (void) {
  if (host.process != NULL && !was_accepted)
    pexec_process_release(host.process);  /* as nobody else knows it */
  pexec_supervisor_close(host.supervisor);
  host.supervisor = NULL;
  had_failed |= fake_has_failed();
  forgive_survivors();
  EXPECT(fake.living == fake.survivors);
  EXPECT(fake.zombies == 0);
  EXPECT(fake.descriptors == 0);
  EXPECT(fake.blocks == 0);
  expect_no_cgroup();
  fake_expect_nothing_left();
}

/* True where the n-th call was there to fail. */
static bool play (const struct scenario *scenario) {
  host_begin(&scenario->program, 1);
  host.config.stop_timeout_ms = 900;
  was_accepted = is_released = had_failed = false;
  found_cgroups = 0;
  fault.scenario = scenario->name;
  fake_fail_as(fault.calls, fault.n, fault.span != ONCE, fault.code);
  scenario->play();
  if (fault.span == FOR_A_WHILE && (had_failed || fake_has_failed()))
    recover();
  close_all();
  return had_failed;
}

/* The calls that a scenario makes where all goes well. */
static uint64_t calls_of (const struct scenario *scenario) {
  fault.calls = 0;
  fault.n = fault.code = 0;
  (void)play(scenario);
  return fake_calls_seen();
}

static void play_one_with (const struct scenario *scenario, uint64_t calls,
                           int code) {
  fault.calls = calls;
  fault.code = code;
  for (fault.n = 1; play(scenario); fault.n++)
    EXPECT(fault.n < 2000);
}

#endif
