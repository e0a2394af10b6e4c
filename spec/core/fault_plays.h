/*
** The scenarios of faults.h: a life of each kind, from its start to its end,
** played on the fake seam while calls fail. To be included once.
*/

#ifndef SPEC_FAULT_PLAYS_H
#define SPEC_FAULT_PLAYS_H

#include "faults.h"

#include <signal.h>

#define EVERY_SIGNAL (~UINT64_C(0))

/* {== starts, restarts, stops ============================================ */

static void play_stop (void) {
  if (start()) {
    host_run(3 * FAKE_S);
    stop();
  }
}

static void play_kill (void) {
  if (!start())
    return;
  host_run(FAKE_S);
  (void)pexec_process_kill_group(host.process);
  EXPECT(host_run_until(&host.ended, 1, 10 * FAKE_S) || may_survive());
}

static void play_restarts (void) {
  int clones;
  if (!start())
    return;
  host_run(5 * FAKE_S);
  over();
  host_run(2 * FAKE_S);
  clones = fake.clones;
  host_run(5 * FAKE_S);
  if (is_transient())
    EXPECT(fake.clones >= clones + 3);
  stop();
}

static void play_decisions (void) {
  host.config.asks = 1;
  play_restarts();
}

static void play_reaped (void) {
  fake.host_reaps = true;
  play_restarts();
}

/* A host that is asked before each start. */
static void play_preparing (void) {
  host.config.prepare_timeout_ms = 300;
  host.prepares = true;
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
  if (is_transient() && !may_fail(FAKE_SIGNALLING))
    EXPECT(host.exit.canceled == PEXEC_EDEADLINE_EXCEEDED);
}

/* {== output and input =================================================== */

/* A read that fails costs what was in the pipe, and memory that lacks a line's
   end. */
static void play_output (void) {
  bool is_whole;
  size_t length;
  host.config.output_events = PEXEC_STDOUT | PEXEC_STDERR;
  host.config.log_events = 1;
  if (!start())
    return;
  host_run(10 * FAKE_S);
  is_whole = is_transient() && !may_fail(FAKE_MEMORY | FAKE_CALL(read));
  if (is_whole)
    EXPECT(strncmp(host.text, "one\ntwo\none\ntwo\n", 16) == 0);
  over();
  host_run(2 * FAKE_S);
  length = strlen(host.text);
  host_run(5 * FAKE_S);
  if (is_transient())
    EXPECT(strlen(host.text) >= length + 16);
  stop();
}

/* As much as lets a pipe grow. */
static char flood[20001];

static void play_flood (void) {
  int outputs;
  host.config.output_events = PEXEC_STDOUT;
  if (!start())
    return;
  host_run(3 * FAKE_S);
  over();
  host_run(2 * FAKE_S);
  outputs = host.outputs;
  host_run(5 * FAKE_S);
  if (is_transient())
    EXPECT(host.outputs > outputs);
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

static void play_variables (void) {
  static const char *const files[] = { FAKE_VARIABLES, NULL };
  host.config.environment_files = files;
  play_stop();
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
  if (is_transient() && !may_fail(FAKE_CALL(write)))
    EXPECT(fake.input_length >= sizeof block);
  stop();
}

static size_t written_to (const char *path) {
  size_t length;
  (void)fake_file_text(path, &length);
  return length;
}

/* Two log files, one of which blocks, and news that waits for them. */
static void play_logs (void) {
  static pexec_file logs[2];
  static const pexec_file *const lists[2][3] = {
    { &logs[0], &logs[1], NULL }, { &logs[1], NULL },
  };
  size_t length;
  for (int i = 0; i < 2; i++) {
    logs[i] = (pexec_file)PEXEC_FILE_INIT;
    logs[i].path = i == 0 ? FAKE_FILES "raw" : FAKE_FILES "text";
    logs[i].format = i == 0 ? PEXEC_RAW : PEXEC_TEXT;
    logs[i].blocks = i;
    host.config.output[i].files = lists[i];
  }
  host.config.output[1].inherits = 1;
  host.config.asks = 1;
  if (!start())
    return;
  host_run(5 * FAKE_S);
  (void)pexec_process_reopen(host.process);
  host_run(5 * FAKE_S);
  EXPECT(host.reopened == 1);
  over();
  host_run(2 * FAKE_S);
  length = written_to(FAKE_FILES "raw");
  host_run(5 * FAKE_S);
  if (is_transient())
    EXPECT(written_to(FAKE_FILES "raw") >= length + 16);
  stop();
}

/* One that is rotated every few lines: what is lost is not what is there. */
static void play_rotation (void) {
  static pexec_file log = PEXEC_FILE_INIT;
  static const pexec_file *const list[] = { &log, NULL };
  size_t length;
  log.path = FAKE_FILES "raw";
  log.max_size = 40;
  log.keep = 2;
  host.config.output[0].files = list;
  if (!start())
    return;
  host_run(10 * FAKE_S);
  calm();
  host_run(5 * FAKE_S);
  if (is_transient())
    EXPECT(written_to(FAKE_FILES "raw") <= 40 &&
           written_to(FAKE_FILES "raw.1") > 0 &&
           written_to(FAKE_FILES "raw.2") > 0);
  length = fake.bytes_read;
  host_run(5 * FAKE_S);
  if (is_transient())
    EXPECT(fake.bytes_read >= length + 16);
  stop();
}

/* A logger with a file. */
static void play_logger (void) {
  pexec_logger_options options = { .size = sizeof options,
                                   .file = FAKE_FILES "said" };
  int error = pexec_logger_new(&options, &host.config.logger);
  size_t length;
  EXPECT(error == 0 || is_told(error));
  if (error < 0)
    host.config.logger = NULL;
  if (start()) {
    host_run(5 * FAKE_S);
    over();
    host_run(2 * FAKE_S);
    length = written_to(FAKE_FILES "said");
    host_run(5 * FAKE_S);
    if (is_transient() && error == 0)
      EXPECT(written_to(FAKE_FILES "said") >= length + 16);
    stop();
  }
  pexec_logger_release(host.config.logger);
}

static void play_own_log (void) {
  static pexec_file log = PEXEC_FILE_INIT;
  static const pexec_file *const list[] = { &log, NULL };
  log.path = FAKE_FILES "own";
  log.max_size = 0;
  host.config.output[0].files = list;
  play_restarts();
}

/* {== other lives ======================================================== */

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
  over();
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
  host_run(15 * FAKE_S);
  if (is_transient())
    EXPECT(fake.clones >= 6);
  over();
  EXPECT(pexec_process_history(host.process, exits, PEXEC_HISTORY_MAX) >= 1);
  stop();
}

static void play_close (void) {
  if (start())
    host_run(100 * FAKE_MS);
}

/* It goes on with nobody who hears of it. */
static void play_release (void) {
  int clones;
  if (!start())
    return;
  release();
  host_run(10 * FAKE_S);
  over();
  clones = fake.clones;
  host_run(10 * FAKE_S);
  if (is_transient())
    EXPECT(fake.clones >= clones + 3);
}

static void use_cgroup (void) {
  static pexec_cgroup cgroup = PEXEC_CGROUP_INIT;
  cgroup.path = "a/b";
  cgroup.memory_max = 1 << 20;
  host.config.cgroup = &cgroup;
}

static void play_cgroup (void) {
  use_cgroup();
  play_restarts();
}

/* Who is left when it is killed is told. */
static void play_cgroup_stop (void) {
  static const pexec_stop_stage stage = { PEXEC_SIGNAL_GROUP, SIGTERM, NULL,
                                          300 };
  host.config.stop_sequence = &stage;
  host.config.stop_stage_count = 1;
  use_cgroup();
  play_stop();
}

static void play_cgroup_close (void) {
  fake_cgroup_make("a");
  found_cgroups = 1;
  use_cgroup();
  if (start())
    host_run(100 * FAKE_MS);
}

/* While its start is under way. */
static void play_early_close (void) {
  use_cgroup();
  if (make() && order_start(-1))
    host_run(100 * FAKE_MS);
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
  release();
  host_run(10 * FAKE_S);
}

static void play_sequence_close (void) {
  use_sequence();
  if (start())
    host_run(100 * FAKE_MS);
}

static const struct scenario scenarios[] = {
  { "stop", play_stop, { .members = 1 } },
  { "stubborn", play_stop,
    { .ignores = EVERY_SIGNAL, .members = 2, .members_ignore = EVERY_SIGNAL }
  },
  { "stubborn members", play_stop,
    { .members = 2, .members_ignore = EVERY_SIGNAL } },
  { "kill", play_kill,
    { .ignores = EVERY_SIGNAL, .members = 1, .members_ignore = EVERY_SIGNAL }
  },
  { "lingering", play_stop, { .lingers_ns = 300 * FAKE_MS, .members = 1 } },
  { "slow exec", play_stop, { .exec_ns = 700 * FAKE_MS } },
  { "reaped", play_reaped, { .lives_ns = FAKE_S } },
  { "preparing", play_preparing, { .lives_ns = FAKE_S } },
  { "variables", play_variables, { .lives_ns = FAKE_S } },
  { "restarts", play_restarts, { .lives_ns = FAKE_S, .members = 1 } },
  { "decisions", play_decisions, { .lives_ns = FAKE_S } },
  { "one-shot", play_one_shot, { .lives_ns = 300 * FAKE_MS, .code = 3 } },
  { "timeout", play_timeout, { .members = 1 } },
  { "output", play_output,
    { .lives_ns = 1500 * FAKE_MS, .says = "one\ntw", .last_words = "o\n" } },
  { "flood", play_flood,
    { .lives_ns = 1500 * FAKE_MS, .says = flood, .repeats = 20 } },
  { "writes", play_writes, { .lives_ns = FAKE_S, .reads = 20000 } },
  { "file", play_file, { .lives_ns = FAKE_S } },
  { "data", play_data, { .lives_ns = FAKE_S, .reads = 20000 } },
  { "logs", play_logs,
    { .lives_ns = FAKE_S, .says = "one\ntw", .complains = "three\n",
      .last_words = "o\n" } },
  { "rotation", play_rotation,
    { .lives_ns = FAKE_S, .says = "one line and another\n" } },
  { "logger", play_logger, { .lives_ns = FAKE_S, .says = "one\n" } },
  { "own log", play_own_log, { .lives_ns = FAKE_S, .says = "one\n" } },
  { "events", play_events,
    { .lives_ns = FAKE_S, .ignores = EVERY_SIGNAL, .says = "one\n" } },
  { "ordered restart", play_ordered_restart, { .members = 1 } },
  { "limit", play_limit, { .lives_ns = 300 * FAKE_MS, .members = 1 } },
  { "backoff", play_backoff, { .lives_ns = 200 * FAKE_MS } },
  { "close", play_close, { .lives_ns = 2 * FAKE_S, .members = 1 } },
  { "release", play_release, { .lives_ns = 2 * FAKE_S } },
  { "cgroup", play_cgroup,
    { .lives_ns = FAKE_S, .members = 1, .strays = 2,
      .members_ignore = EVERY_SIGNAL } },
  { "cgroup, stopped", play_cgroup_stop,
    { .members = 1, .strays = 2, .members_ignore = FAKE_BIT(SIGTERM) } },
  { "cgroup, closed", play_cgroup_close,
    { .strays = 1, .members_ignore = EVERY_SIGNAL } },
  { "closed early", play_early_close, { .exec_ns = 300 * FAKE_MS } },
  { "sequence", play_sequence,
    { .ignores = EVERY_SIGNAL, .members = 1, .says = "one\ntw" } },
  { "sequence, released", play_sequence_release, { .members = 1 } },
  { "sequence, closed", play_sequence_close,
    { .ignores = EVERY_SIGNAL, .says = "one\n" } },
};

#define SCENARIO_COUNT (sizeof scenarios / sizeof scenarios[0])

/* {== all of them ======================================================== */

/* Is one of these calls made in this scenario? */
static bool makes (size_t number, uint64_t calls) {
  static uint64_t made[2][SCENARIO_COUNT];
  uint64_t *of_this = &made[fake.is_basic][number];
  if (*of_this == 0)
    *of_this = calls_of(&scenarios[number]);
  return (*of_this & calls) != 0;
}

static void play_all_with (uint64_t calls) {
  int codes = calls == FAKE_ALL_CALLS ? 1
            : fake_code_count(calls, fault.span != ONCE);
  for (size_t i = 0; i < SCENARIO_COUNT; i++)
    for (int code = 0; code < codes && makes(i, calls); code++)
      play_one_with(&scenarios[i], calls, code);
}

static void fill_flood (void) {
  for (size_t i = 0; i < sizeof flood - 1; i++)
    flood[i] = i % 100 == 99 ? '\n' : 'x';
}

/* All that the lack of one thing lets fail: descriptors, memory, threads... */
static void play_all_without (int error) {
  for (size_t i = 0; i < SCENARIO_COUNT; i++)
    play_one_with(&scenarios[i], fake_calls_with(-error), -error);
}

/* What is done in another way on a basic kernel, and what that leans on. */
static const uint64_t of_kernel = FAKE_SIGNALLING | FAKE_CALL(wait) |
    FAKE_CALL(exit_info) | FAKE_CALL(each_living) | FAKE_CALL(living_at) |
    FAKE_CALL(process_open) | FAKE_CALL(read_at) | FAKE_CALL(clone) |
    FAKE_CALL(exec) | FAKE_CALL(watch_open) | FAKE_CALL(poll_readable) |
    FAKE_CALL(calloc);

#define X(name, ...) \
  static void name##_may_fail (void **state) { \
    (void)state; \
    if (!fake.is_basic || (of_kernel & FAKE_CALL(name)) != 0) \
      play_all_with(FAKE_CALL(name)); \
  }
FAKE_CALLS(X)
#undef X

#define LACKS(X) \
  X(EMFILE) X(ENFILE) X(ENOMEM) X(EAGAIN) X(ENOSPC) X(EIO) X(EACCES) \
  X(EPERM) X(ENOSYS) X(EINVAL)

#define X(error) \
  static void error##_may_be_answered (void **state) { \
    (void)state; \
    play_all_without(error); \
  }
LACKS(X)
#undef X

#define LACK_SPEC(error) cmocka_unit_test(error##_may_be_answered),
#define FAULT_SPEC(name, ...) cmocka_unit_test(name##_may_fail),

#define FAULTS_RUN(tests) \
  (fill_flood(), \
   fault_failures = cmocka_run_group_tests_name("kernel", tests, NULL, NULL), \
   fake.is_basic = true, \
   fault_failures + cmocka_run_group_tests_name("basic kernel", tests, NULL, \
                                                NULL))
static int fault_failures;

#endif
