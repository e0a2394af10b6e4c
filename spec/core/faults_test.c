/*
** Specifies what holds whichever call fails: each scenario is played with the
** first call of a kind failing, then the second, and so on until none is left
** to fail; once that one alone, once all that follow as well. Whatever fails:
** nothing hangs, nothing leaks, each order is answered, and what failed but
** once is made good. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define ALL_CALLS ((1U << FAKE_CALL_COUNT) - 1)
#define SIGNALS (1U << FAKE_SIGNAL | 1U << FAKE_SIGNAL_GROUP | \
                 1U << FAKE_KILL_GROUP)
#define EVERY_SIGNAL (~UINT64_C(0))

/* What is made to fail at present. */
static struct {
  unsigned calls;
  int n;
  bool is_lasting;
} fault;

static bool was_accepted;    /* a start was */

static const char *call_name (void) {
  static const char *const names[] = {
#define X(name, error) #name,
    FAKE_CALLS(X)
#undef X
  };
  for (int i = 0; i < FAKE_CALL_COUNT; i++)
    if (fault.calls == 1U << i)
      return names[i];
  return "any call";
}

#define EXPECT(condition) \
  if (!(condition)) \
    fail_msg("%s, number %d%s: not so: %s (line %d; heard %s)", call_name(), \
             fault.n, fault.is_lasting ? " and all that follow" : "", \
             #condition, __LINE__, host.order)

static bool is_transient (void) {
  return !fault.is_lasting || !fake_has_failed();
}

/* {== steps that may fail ==== */

static bool is_told (int error) {
  return error == -ENOMEM || error == -EMFILE || error == -ENFILE ||
         error == -EAGAIN || error == -ENOSPC;
}

static bool make (void) {
  int error = pexec_process_new(host.supervisor, &host.config, &host.process);
  if (error == -ENOMEM && !fault.is_lasting)
    error = pexec_process_new(host.supervisor, &host.config, &host.process);
  EXPECT(error == 0 || error == -ENOMEM);
  return error == 0;
}

/* An order to start that is accepted, or one more where it was not. */
static bool order_start (int64_t timeout_ms) {
  int error = pexec_process_start(host.process, timeout_ms);
  EXPECT(error == 0 || is_told(error));
  if (error < 0 && !fault.is_lasting)
    error = pexec_process_start(host.process, timeout_ms);
  EXPECT(error == 0 || fault.is_lasting);
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
  if (fault.is_lasting || !order_start(timeout_ms))
    return false;
  EXPECT(host_run_until(&host.started, 2, 5 * FAKE_S));
  EXPECT(host.start_error == 0);
  return true;
}

static bool start (void) {
  return make() && start_for(-1);
}

/* What cannot be signalled may outlive it all; nothing else may. On a basic
   kernel that is also the group of a leader that the host has reaped: its
   number may be a stranger's. */
static bool may_survive (void) {
  return fake_has_failed() &&
         ((fault.calls & SIGNALS) != 0 ||
          (fake.is_basic && (fault.calls & (1U << FAKE_WAIT)) != 0));
}

static void stop (void) {
  int before = host.stopped;
  (void)pexec_process_stop(host.process);
  EXPECT(host_run_until(&host.stopped, before + 1, 10 * FAKE_S));
  EXPECT(host.stop_error == 0 || (host.stop_error == PEXEC_ESTOP_TIMEOUT &&
                                  may_survive()));
  if (host.stop_error == 0)
    EXPECT(host_run_until(&host.ended, 1, FAKE_S));
}

/* {== scenarios ==== */

static void play_stop (void) {
  if (start()) {
    host_run(3 * FAKE_S);
    stop();
  }
}

static void play_restarts (void) {
  int clones;
  if (!start())
    return;
  host_run(20 * FAKE_S);
  clones = fake.clones;
  host_run(20 * FAKE_S);
  if (is_transient())
    EXPECT(fake.clones >= clones + 18);
  stop();
}

static void play_decisions (void) {
  host.config.asks = 1;
  play_restarts();
}

static void play_one_shot (void) {
  host.config.one_shot = 1;
  if (!make() || !start_for(60000))
    return;
  EXPECT(host_run_until(&host.exited, 1, 10 * FAKE_S));
  EXPECT(host.exit.code == 3 || !host.exit.is_known);
  host_run(FAKE_S);
  EXPECT(host.order[strlen(host.order) - 1] == 'E');
}

static void play_timeout (void) {
  host.config.one_shot = 1;
  if (!make() || !start_for(500))
    return;
  host_run(10 * FAKE_S);
  if (is_transient() && (fault.calls & SIGNALS) == 0)
    EXPECT(host.exit.canceled == PEXEC_EDEADLINE_EXCEEDED);
}

static void play_output (void) {
  host.config.output_events = PEXEC_STDOUT | PEXEC_STDERR;
  host.config.log_events = 1;
  if (!start())
    return;
  host_run(10 * FAKE_S);
  if (is_transient() && (fault.calls & (1U << FAKE_MEMORY |
                                        1U << FAKE_READ)) == 0)
    EXPECT(strncmp(host.text, "one\ntwo\none\ntwo\n", 16) == 0);
  stop();
}

static char block[100000];

static int give (void) {
  uint64_t ticket;
  int error = pexec_process_write(host.process, block, sizeof block, &ticket);
  EXPECT(error == 0 || error == -ENOMEM || error == PEXEC_ENOT_STARTED ||
         error == PEXEC_EPROCESS_DONE);
  return error == 0;
}

/* Each write that is accepted is answered. */
static void play_writes (void) {
  int given = 0;
  host.config.input.source = PEXEC_FROM_PIPE;
  if (!make() || !order_start(-1))
    return;
  given += give();
  if (!host_run_until(&host.started, 1, 5 * FAKE_S) || host.start_error < 0) {
    host_run(FAKE_S);
    EXPECT(host.written == given);
    return;
  }
  for (int i = 0; i < 10; i++) {
    given += give();
    (void)pexec_process_close_stdin(host.process);
    host_run(700 * FAKE_MS);
  }
  stop();
  EXPECT(host.written == given || may_survive());
}

static void play_file (void) {
  host.config.input.source = PEXEC_FROM_FILE;
  host.config.input.path = FAKE_PATH;
  play_restarts();
}

static void play_data (void) {
  host.config.input.source = PEXEC_FROM_DATA;
  host.config.input.data = block;
  host.config.input.length = sizeof block;
  if (!start())
    return;
  host_run(3 * FAKE_S);
  if (is_transient() && (fault.calls & (1U << FAKE_WRITE)) == 0)
    EXPECT(fake.input_length >= sizeof block);
  stop();
}

/* Two log files, one of which blocks, and news that waits for them. */
static void play_logs (void) {
  static pexec_file logs[2];
  static const pexec_file *const lists[2][3] = {
    { &logs[0], &logs[1], NULL }, { &logs[1], NULL },
  };
  for (int i = 0; i < 2; i++) {
    logs[i] = (pexec_file)PEXEC_FILE_INIT;
    logs[i].path = i == 0 ? FAKE_FILES "raw" : FAKE_FILES "text";
    logs[i].format = i == 0 ? PEXEC_RAW : PEXEC_TEXT;
    logs[i].blocks = i;
    host.config.output[i].files = lists[i];
  }
  host.config.asks = 1;
  if (!start())
    return;
  host_run(5 * FAKE_S);
  (void)pexec_process_reopen(host.process);
  host_run(5 * FAKE_S);
  EXPECT(host.reopened == 1);
  stop();
}

static void play_own_log (void) {
  static pexec_file log = PEXEC_FILE_INIT;
  static const pexec_file *const list[] = { &log, NULL };
  log.path = FAKE_FILES "own";
  log.max_size = 0;
  host.config.output[0].files = list;
  play_restarts();
}

/* What is lost for want of memory is counted in the next one. */
static void play_events (void) {
  uint64_t ticket;
  if (!make())
    return;
  (void)pexec_process_subscribe(host.process, ~0U);
  if (!start_for(-1))
    return;
  host_run(FAKE_S / 2);
  if (pexec_process_signal(host.process, SIGHUP, 0, &ticket) == 0)
    EXPECT(host_run_until(&host.signaled, 1, FAKE_S));
  host_run(3 * FAKE_S);
  stop();
  if (is_transient())
    EXPECT(host.changes > 6);
}

/* It is answered; what failed for a moment is made good. */
static void play_ordered_restart (void) {
  if (!start())
    return;
  host_run(100 * FAKE_MS);
  EXPECT(pexec_process_restart(host.process) == 0);
  EXPECT(host_run_until(&host.restarted, 1, 10 * FAKE_S));
  EXPECT(host.restart_error == 0 || is_told(host.restart_error) ||
         (host.restart_error == PEXEC_ESTOP_TIMEOUT && may_survive()));
  host_run(10 * FAKE_S);
  if (is_transient() && !may_survive())
    EXPECT(host_state() == PEXEC_RUNNING);
  EXPECT(host.restarted == 1);
  stop();
}

/* Attempts that fail count: it is given up whatever happens, and may be
   started anew. */
static void play_limit (void) {
  int ended;
  host.config.restart_limit = 3;
  host.config.restart_limit_ms = 10000;
  if (!start())
    return;
  EXPECT(host_run_until(&host.given_up, 1, 60 * FAKE_S));
  host_run(0);
  EXPECT(host.order[strlen(host.order) - 1] == 'E');
  EXPECT(host_state() == PEXEC_FAILED);
  ended = host.ended;
  if (!order_start(-1))
    return;
  EXPECT(host_run_until(&host.ended, ended + 1, 60 * FAKE_S));
  EXPECT(host.given_up == 2 || is_told(host.start_error));
}

/* Nobody answers; delays grow. */
static void play_backoff (void) {
  pexec_exit exits[PEXEC_HISTORY_MAX];
  host.config.asks = 1;
  host.config.decision_timeout_ms = 500;
  host.config.backoff.initial_ms = 100;
  host.config.backoff.max_ms = 2000;
  host.decision = -1;
  if (!start())
    return;
  host_run(30 * FAKE_S);
  if (is_transient())
    EXPECT(fake.clones >= 10);
  EXPECT(pexec_process_history(host.process, exits, PEXEC_HISTORY_MAX) >= 1);
  stop();
}

static void play_close (void) {
  if (start())
    host_run(100 * FAKE_MS);
}

static void play_release (void) {
  if (!start())
    return;
  pexec_process_release(host.process);
  host_run(10 * FAKE_S);
}

/* A stage of each kind, and lines of the program that one runs. */
static void use_sequence (void) {
  static const char *const program[] = { "drain", NULL };
  static const pexec_stop_stage stages[] = {
    { PEXEC_RUN, 0, program, 300 }, { PEXEC_CALL, 0, NULL, 300 },
    { PEXEC_SIGNAL_PROCESS, SIGTERM, NULL, 100 },
    { PEXEC_RUN, 0, program, 100 },
    { PEXEC_SIGNAL_GROUP, SIGTERM, NULL, 100 },
  };
  host.config.stop_sequence = stages;
  host.config.stop_stage_count = sizeof stages / sizeof stages[0];
  host.config.log_events = 1;
}

static void play_sequence (void) {
  use_sequence();
  if (start()) {
    host_run(FAKE_S);
    (void)pexec_process_restart(host.process);
    host_run(3 * FAKE_S);
    stop();
  }
}

static void play_sequence_release (void) {
  use_sequence();
  if (!start())
    return;
  (void)pexec_process_stop(host.process);
  host_run(100 * FAKE_MS);
  pexec_process_release(host.process);
  host_run(10 * FAKE_S);
}

static void play_sequence_close (void) {
  use_sequence();
  if (start())
    host_run(100 * FAKE_MS);
}

static const struct scenario {
  const char *name;
  void (*play) (void);
  struct fake_program program;
} scenarios[] = {
  { "stop", play_stop, { .members = 1 } },
  { "stubborn", play_stop,
    { .ignores = EVERY_SIGNAL, .members = 2, .members_ignore = EVERY_SIGNAL }
  },
  { "restarts", play_restarts, { .lives_ns = FAKE_S, .members = 1 } },
  { "decisions", play_decisions, { .lives_ns = FAKE_S } },
  { "one-shot", play_one_shot, { .lives_ns = 300 * FAKE_MS, .code = 3 } },
  { "timeout", play_timeout, { .members = 1 } },
  { "output", play_output,
    { .lives_ns = 1500 * FAKE_MS, .says = "one\ntw", .last_words = "o\n" } },
  { "writes", play_writes, { .lives_ns = FAKE_S, .reads = 20000 } },
  { "file", play_file, { .lives_ns = FAKE_S } },
  { "data", play_data, { .lives_ns = FAKE_S, .reads = 20000 } },
  { "logs", play_logs,
    { .lives_ns = FAKE_S, .says = "one\ntw", .complains = "three\n",
      .last_words = "o\n" } },
  { "own log", play_own_log, { .lives_ns = FAKE_S, .says = "one\n" } },
  { "events", play_events,
    { .lives_ns = FAKE_S, .ignores = EVERY_SIGNAL, .says = "one\n" } },
  { "ordered restart", play_ordered_restart, { .members = 1 } },
  { "limit", play_limit, { .lives_ns = 300 * FAKE_MS, .members = 1 } },
  { "backoff", play_backoff, { .lives_ns = 200 * FAKE_MS } },
  { "close", play_close, { .lives_ns = 2 * FAKE_S, .members = 1 } },
  { "release", play_release, { .lives_ns = 2 * FAKE_S } },
  { "sequence", play_sequence,
    { .ignores = EVERY_SIGNAL, .members = 1, .says = "one\ntw" } },
  { "sequence, released", play_sequence_release, { .members = 1 } },
  { "sequence, closed", play_sequence_close,
    { .ignores = EVERY_SIGNAL, .says = "one\n" } },
};

/* {== playing ==== */

/* What takes no SIGKILL cannot be ended; what cannot be watched either is
   nobody's then. */
static void forgive_survivors (void) {
  if (!may_survive())
    return;
  fake.survivors = fake.living;
  if (fault.calls == ALL_CALLS && fault.is_lasting)
    fake.zombies = 0;
}

/* True where the n-th call was there to fail. */
static bool play (const struct scenario *scenario) {
  host_begin(&scenario->program, 1);
  host.config.stop_timeout_ms = 900;
  was_accepted = false;
  fake_fail(fault.calls, fault.n, fault.is_lasting);
  scenario->play();
  if (host.process != NULL && !was_accepted)
    pexec_process_release(host.process);  /* as nobody else knows it */
  pexec_supervisor_close(host.supervisor);
  host.supervisor = NULL;
  forgive_survivors();
  EXPECT(fake.living == fake.survivors);
  EXPECT(fake.zombies == 0);
  EXPECT(fake.descriptors == 0);
  EXPECT(fake.blocks == 0);
  fake_expect_nothing_left();
  return fake_has_failed();
}

static void play_all_with (unsigned calls, bool is_lasting) {
  for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
    fault.calls = calls;
    fault.is_lasting = is_lasting;
    for (fault.n = 1; play(&scenarios[i]); fault.n++)
      EXPECT(fault.n < 2000);
  }
}

#define FAIL_ONE(name, call) \
  static void name##_may_fail_once (void **state) { \
    (void)state; \
    play_all_with(1U << FAKE_##call, false); \
  } \
  static void name##_may_fail_for_good (void **state) { \
    (void)state; \
    play_all_with(1U << FAKE_##call, true); \
  }

FAIL_ONE(each_allocation, MEMORY)
FAIL_ONE(each_pipe, PIPE)
FAIL_ONE(each_eventfd, EVENTFD)
FAIL_ONE(each_open, OPEN)
FAIL_ONE(each_read, READ)
FAIL_ONE(each_write, WRITE)
FAIL_ONE(each_look_at_a_file, FILE)
FAIL_ONE(each_wait, WAIT)
FAIL_ONE(each_exit_info, INFO)
FAIL_ONE(each_signal, SIGNAL)
FAIL_ONE(each_group_signal, SIGNAL_GROUP)
FAIL_ONE(each_group_kill, KILL_GROUP)
FAIL_ONE(each_look_at_proc, LIVING)
FAIL_ONE(each_clone, CLONE)
FAIL_ONE(each_loop, LOOP)
FAIL_ONE(each_watch, WATCH)
FAIL_ONE(each_thread, THREAD)
FAIL_ONE(each_writer, WRITER)

/* FAULTS 31 */
static void any_call_may_fail_once (void **state) {
  (void)state;
  play_all_with(ALL_CALLS, false);
}

/* FAULTS 31 */
static void all_calls_may_fail_from_any_moment_on (void **state) {
  (void)state;
  play_all_with(ALL_CALLS, true);
}

static void everything_goes_well_without_a_failure (void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
    fault.calls = 0;
    fault.n = 0;
    assert_false(play(&scenarios[i]));
  }
}

static void without_memory_there_is_no_supervisor (void **state) {
  pexec_supervisor *supervisor = (pexec_supervisor *)&fault;
  (void)state;
  fake_reset(NULL, 0);
  fake_fail(1U << FAKE_MEMORY, 1, false);
  assert_int_equal(pexec_supervisor_new(&supervisor), -ENOMEM);
  assert_ptr_equal(supervisor, &fault);
  fake_expect_nothing_left();
}

#define BOTH(name) \
  cmocka_unit_test(name##_may_fail_once), \
  cmocka_unit_test(name##_may_fail_for_good)

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(everything_goes_well_without_a_failure),
    cmocka_unit_test(without_memory_there_is_no_supervisor),
    BOTH(each_allocation), BOTH(each_pipe), BOTH(each_eventfd),
    BOTH(each_open), BOTH(each_read), BOTH(each_write),
    BOTH(each_look_at_a_file), BOTH(each_wait), BOTH(each_exit_info),
    BOTH(each_signal), BOTH(each_group_signal), BOTH(each_group_kill),
    BOTH(each_look_at_proc), BOTH(each_clone), BOTH(each_loop),
    BOTH(each_watch), BOTH(each_thread), BOTH(each_writer),
    cmocka_unit_test(any_call_may_fail_once),
    cmocka_unit_test(all_calls_may_fail_from_any_moment_on),
  };
  int failed = cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
  fake.is_basic = true;
  return failed + cmocka_run_group_tests_name("basic kernel", tests, NULL,
                                              NULL);
}
