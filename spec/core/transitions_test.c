/*
** Specifies transitions: which a life has, in which order and with what in
** them, that they wait for sinks as other news do, that what waits is bounded
** and what is missed is counted, and that without a subscription there is
** nothing, on the fake seam. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define ALL ((1U << PEXEC_TRANSITION_COUNT) - 1)
#define ONLY(name) (1U << PEXEC_TRANSITION_##name)
#define MOST 256

#define WORLD(...) \
  static const struct fake_program world[] = { __VA_ARGS__ }; \
  begin_with(world, (int)(sizeof world / sizeof world[0])); \
  (void)state

static void begin_with (const struct fake_program *world, int count) {
  host_begin(world, count);
  host.config.log_events = 0;
}

static int end (void **state) {
  (void)state;
  host_end();
  return 0;
}

static void subscribe (unsigned transitions) {
  if (host.process == NULL)
    host_make();
  assert_int_equal(pexec_process_subscribe(host.process, transitions), 0);
}

static void subscribe_and_start (void) {
  subscribe(ALL);
  host_start();
}

static void stop (void) {
  assert_int_equal(pexec_process_stop(host.process), 0);
}

/* The n-th of these; fails where there is none. */
static const pexec_change *nth (enum pexec_transition transition, int n) {
  for (int i = 0; i < host.changes && i < HOST_CHANGES; i++)
    if (host.change[i].transition == transition && --n == 0)
      return &host.change[i];
  fail_msg("there are not that many %s: %s",
           pexec_transition_name(transition), host.order);
  return NULL;
}

#define NTH(name, n) nth(PEXEC_TRANSITION_##name, n)

static int count_of (enum pexec_transition transition) {
  int count = 0;
  for (int i = 0; i < host.changes && i < HOST_CHANGES; i++)
    count += (host.change[i].transition == transition);
  return count;
}

/* {== lives ==== */

static void each_has_a_name (void **state) {
  (void)state;
  assert_string_equal(pexec_transition_name(PEXEC_TRANSITION_GIVEN_UP),
                      "given_up");
  assert_string_equal(pexec_transition_name(PEXEC_TRANSITION_COUNT),
                      "unknown");
}

static void a_life_with_a_crash_has_them_in_order (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS, .code = 3, .says = "a\n" }, { 0 });
  host.config.output_events = PEXEC_STDOUT;
  subscribe_and_start();
  host_run(3 * FAKE_S);
  stop();
  host_run(3 * FAKE_S);
  assert_string_equal(host.order, "sSOxrskxtTE");
}

static void a_start_has_its_number_and_count (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS });
  subscribe_and_start();
  host_run(2100 * FAKE_MS);
  for (int i = 1; i <= 3; i++) {
    assert_int_equal(NTH(STARTED, i)->pid, 1000 + i);
    assert_int_equal(NTH(STARTED, i)->starts, i);
    assert_int_equal(NTH(STARTED, i)->attempt, i);
  }
}

static void a_death_has_its_record (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS, .code = 3 });
  subscribe_and_start();
  host_run(FAKE_S / 2);
  assert_int_equal(NTH(EXITED, 1)->exit.code, 3);
  assert_int_equal(NTH(EXITED, 1)->exit.pid, 1001);
  assert_int_equal(NTH(EXITED, 1)->exit.run, 1);
  assert_int_equal(NTH(EXITED, 1)->exit.requested, PEXEC_BY_NOBODY);
}

static void a_restart_has_what_it_waits (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS });
  subscribe_and_start();
  host_run(FAKE_S / 2);
  assert_int_equal(NTH(RESTARTING, 1)->delay_ns, 700 * FAKE_MS);
  assert_int_equal(NTH(RESTARTING, 1)->attempt, 2);
}

static void it_is_told_where_it_does_not_wait (void **state) {
  WORLD({ .lives_ns = 3 * FAKE_S }, { 0 });
  subscribe_and_start();
  host_run(4 * FAKE_S);
  assert_string_equal(host.order, "sSxrs");
  assert_int_equal(NTH(RESTARTING, 1)->delay_ns, 0);
}

static void a_restart_that_fails_is_followed_by_another (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS }, { .exec_error = ENOENT }, { 0 });
  subscribe_and_start();
  host_run(5 * FAKE_S);
  assert_string_equal(host.order, "sSxrrs");
  assert_int_equal(NTH(STARTED, 2)->starts, 2);
  assert_int_equal(NTH(STARTED, 2)->attempt, 3);
}

static void a_start_that_fails_is_none (void **state) {
  WORLD({ .exec_error = ENOENT });
  subscribe_and_start();
  host_run(FAKE_S);
  assert_string_equal(host.order, "SE");
}

static void giving_up_has_record_and_reason (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS, .code = 7 });
  host.config.restart_limit = 1;
  host.config.restart_limit_ms = 60000;
  subscribe_and_start();
  host_run(5 * FAKE_S);
  assert_string_equal(host.order, "sSxrsxgGE");
  assert_int_equal(NTH(GIVEN_UP, 1)->exit.code, 7);
  assert_int_equal(NTH(GIVEN_UP, 1)->exit.run, 2);
  assert_non_null(strstr(host.reason, "more than 1 restarts within 1m0s"));
}

static void one_that_is_started_anew_begins_anew (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS });
  host.config.restart_limit = 0;
  subscribe_and_start();
  host_run(FAKE_S);
  host_start();
  host_run(FAKE_S);
  assert_string_equal(host.order, "sSxgGEsSxgGE");
  assert_int_equal(NTH(STARTED, 2)->attempt, 1);
}

static void a_handler_is_asked_after_the_transition (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS });
  host.config.asks = 1;
  host.decision = 0;
  subscribe_and_start();
  host_run(FAKE_S);
  assert_string_equal(host.order, "sSxXE");
}

static void so_are_one_shots (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS, .last_words = "bye" });
  host.config.one_shot = 1;
  host.config.output_events = PEXEC_STDOUT;
  subscribe_and_start();
  host_run(FAKE_S);
  assert_string_equal(host.order, "sSOxXE");
  assert_string_equal(host.text, "bye");
}

static void one_shots_may_be_cancelled (void **state) {
  WORLD({ .members = 1 });
  host.config.one_shot = 1;
  subscribe(ALL);
  host_start_for(100);
  host_run(3 * FAKE_S);
  assert_string_equal(host.order, "sSxXE");
  assert_int_equal(NTH(EXITED, 1)->exit.canceled, PEXEC_EDEADLINE_EXCEEDED);
}

/* {== stops ==== */

static void a_stop_begins_and_ends (void **state) {
  WORLD({ .ignores = FAKE_BIT(SIGTERM) });
  subscribe_and_start();
  host_run(FAKE_S);
  stop();
  host_run(FAKE_S);
  assert_string_equal(host.order, "sSk");
  host_run(20 * FAKE_S);
  assert_string_equal(host.order, "sSkxtTE");
  assert_int_equal(NTH(STOPPING, 1)->requested, PEXEC_BY_STOP);
  assert_int_equal(NTH(EXITED, 1)->exit.requested, PEXEC_BY_STOP);
  assert_int_equal(NTH(STOPPED, 1)->stage, PEXEC_STAGE_KILL);
}

/* Its death is told at once, the others' end later. */
static void those_left_in_its_group_do_not_delay_its_death (void **state) {
  WORLD({ .members = 1, .members_ignore = FAKE_BIT(SIGTERM),
          .last_words = "bye" });
  host.config.output_events = PEXEC_STDOUT;
  subscribe_and_start();
  host_run(FAKE_S);
  stop();
  host_run(FAKE_S);
  assert_string_equal(host.order, "sSkOx");
  host_run(20 * FAKE_S);
  assert_string_equal(host.order, "sSkOxtTE");
}

static void what_nobody_runs_is_only_stopped (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS });
  subscribe_and_start();
  host_run(FAKE_S / 2);
  stop();
  host_run(FAKE_S);
  assert_string_equal(host.order, "sSxrtTE");
  assert_int_equal(NTH(STOPPED, 1)->stage, PEXEC_STAGE_NONE);
}

static void what_was_never_started_is_stopped_too (void **state) {
  WORLD({ 0 });
  subscribe(ALL);
  stop();
  host_pull();
  stop();
  assert_int_equal(pexec_process_kill_group(host.process), 0);
  host_pull();
  assert_string_equal(host.order, "tTT");
  pexec_process_release(host.process);
}

static void it_is_stopped_once (void **state) {
  WORLD({ 0 });
  subscribe_and_start();
  host_run(FAKE_S);
  for (int i = 0; i < 3; i++) {
    stop();
    host_run(FAKE_S);
  }
  assert_string_equal(host.order, "sSkxtTETT");
}

static void a_kill_is_a_stop (void **state) {
  WORLD({ .ignores = FAKE_BIT(SIGTERM) });
  subscribe_and_start();
  host_run(FAKE_S);
  stop();
  host_run(FAKE_S);
  assert_int_equal(pexec_process_kill_group(host.process), 0);
  host_run(FAKE_S);
  assert_string_equal(host.order, "sSkxtTE");
}

static void one_that_cannot_be_stopped_is_not (void **state) {
  WORLD({ .is_unkillable = true });
  fake.survivors = 1;
  subscribe_and_start();
  host_run(FAKE_S);
  stop();
  host_run(60 * FAKE_S);
  assert_string_equal(host.order, "sSkT");
  assert_int_equal(host.stop_error, PEXEC_ESTOP_TIMEOUT);
}

/* Its exec comes when the stop is ordered already. */
static void a_stop_while_it_starts_is_one (void **state) {
  WORLD({ .exec_ns = 100 * FAKE_MS });
  subscribe_and_start();
  host_run(10 * FAKE_MS);
  stop();
  host_run(FAKE_S);
  assert_string_equal(host.order, "skSxtTE");
}

static void an_ordered_restart_is_one (void **state) {
  WORLD({ 0 });
  subscribe_and_start();
  host_run(FAKE_S);
  assert_int_equal(pexec_process_restart(host.process), 0);
  host_run(FAKE_S);
  assert_int_equal(NTH(STOPPING, 1)->requested, PEXEC_BY_RESTART);
  assert_int_equal(NTH(EXITED, 1)->exit.requested, PEXEC_BY_RESTART);
  assert_int_equal(NTH(RESTARTING, 1)->delay_ns, 0);
  assert_int_equal(NTH(RESTARTING, 1)->attempt, 1);
  assert_int_equal(NTH(STARTED, 2)->attempt, 1);
  assert_int_equal(host.changes, 5);
  stop();
  host_run(FAKE_S);
  assert_int_equal(NTH(STOPPING, 2)->requested, PEXEC_BY_STOP);
}

static void it_may_come_before_its_time (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS }, { 0 });
  subscribe_and_start();
  host_run(FAKE_S / 2);
  assert_int_equal(pexec_process_restart(host.process), 0);
  host_run(FAKE_S / 10);
  assert_int_equal(host.changes, 5);
  assert_int_equal(NTH(RESTARTING, 1)->delay_ns, 700 * FAKE_MS);
  assert_int_equal(NTH(RESTARTING, 2)->delay_ns, 0);
  assert_int_equal(NTH(STARTED, 2)->attempt, 1);
}

/* {== who hears ==== */

static void without_a_subscription_there_is_nothing (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS });
  host_start();
  host_run(60 * FAKE_S);
  stop();
  host_run(FAKE_S);
  assert_int_equal(host.changes, 0);
}

static void only_what_was_subscribed_to_is_told (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS });
  subscribe(ONLY(STARTED) | ONLY(STOPPED));
  host_start();
  host_run(2500 * FAKE_MS);
  stop();
  host_run(FAKE_S);
  assert_int_equal(count_of(PEXEC_TRANSITION_STARTED), 3);
  assert_int_equal(host.changes, 4);
}

static void it_may_end_and_begin_again (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS });
  subscribe(ALL);
  host_start();
  host_run(FAKE_S / 2);
  subscribe(0);
  host_run(2 * FAKE_S);
  assert_string_equal(host.order, "sSxr");
  subscribe(ONLY(STOPPED));
  stop();
  host_run(FAKE_S);
  assert_string_equal(host.order, "sSxrtTE");
}

static void a_host_that_lets_go_hears_nothing (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS });
  subscribe(ALL);
  host_start();
  fake_run(10 * FAKE_S);
  pexec_process_release(host.process);
  host_run(10 * FAKE_S);
  assert_int_equal(host.changes, 0);
}

static void a_supervisor_closes_with_some_left (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS });
  subscribe(ALL);
  host_start();
  fake_run(10 * FAKE_S);
}

/* {== the bound ==== */

/* A death each second, and the host is away: each has three. */
static void what_waits_is_bounded (void **state) {
  uint64_t seen = 0;
  int blocks;
  WORLD({ .lives_ns = 300 * FAKE_MS });
  subscribe(ALL);
  host_start();
  fake_run(600 * FAKE_S);
  blocks = fake.blocks;
  fake_run(3600 * FAKE_S);
  assert_in_range(fake.blocks, 0, blocks + 2);
  host_pull();
  assert_int_equal(host.changes, MOST);
  for (int i = 0; i < host.changes; i++)
    assert_int_equal(host.change[i].missed, 0);
  host_run(FAKE_S);
  assert_true(host.changes > MOST);
  seen = (uint64_t)host.changes + host.change[MOST].missed;
  assert_int_equal(host.change[MOST + 1].missed, 0);
  assert_in_range(seen, 3 * (uint64_t)fake.clones - 3,
                  3 * (uint64_t)fake.clones);
}

static void the_end_finds_room (void **state) {
  WORLD({ .lives_ns = 300 * FAKE_MS });
  subscribe(ALL);
  host_start();
  fake_run(600 * FAKE_S);
  stop();
  fake_run(FAKE_S);
  host_pull();
  assert_int_equal(host.changes, MOST + 1);
  assert_true(NTH(STOPPED, 1)->missed > 1000);
}

/* {== sinks ==== */

static pexec_logger *logger;

static void begin_with_logger (void) {
  pexec_logger_options options = PEXEC_LOGGER_OPTIONS_INIT;
  options.level = PEXEC_ERROR;
  assert_int_equal(pexec_logger_new(&options, &logger), 0);
  host.config.stdout_logger = logger;
}

static int end_with_logger (void **state) {
  (void)state;
  fake.writer_hangs = false;
  if (logger != NULL)
    pexec_logger_release(logger);
  logger = NULL;
  host_end();
  return 0;
}

static void set_blocking (void) {
  assert_non_null(host.supervisor->sinks);
  host.supervisor->sinks->blocks = true;
}

/* They wait, and none that comes later overtakes them. */
static void they_wait_until_what_was_written_before_is (void **state) {
  WORLD({ .lives_ns = FAKE_MS, .says = "line\n" }, { 0 });
  begin_with_logger();
  host.config.restart_delay_ms = 0;
  subscribe_and_start();
  assert_true(host_run_until(&host.started, 1, FAKE_S));
  set_blocking();
  fake.writer_hangs = true;
  host_run(FAKE_S / 2);
  assert_int_equal(fake.clones, 2);
  assert_string_equal(host.order, "sS");
  fake.writer_hangs = false;
  host_run(FAKE_S);
  assert_string_equal(host.order, "sSxrs");
}

static void with_them_come_the_news_that_wait (void **state) {
  WORLD({ .lives_ns = FAKE_MS, .says = "line\n" });
  begin_with_logger();
  host.config.one_shot = 1;
  subscribe_and_start();
  assert_true(host_run_until(&host.started, 1, FAKE_S));
  set_blocking();
  fake.writer_hangs = true;
  host_run(FAKE_S / 2);
  stop();
  host_run(FAKE_S / 2);
  assert_string_equal(host.order, "sS");
  fake.writer_hangs = false;
  host_run(FAKE_S);
  assert_string_equal(host.order, "sSxtXTE");
}

static void those_that_wait_so_are_bounded_too (void **state) {
  WORLD({ .lives_ns = FAKE_MS, .says = "line\n" });
  begin_with_logger();
  host.config.stop_timeout_ms = 100000000;
  subscribe_and_start();
  assert_true(host_run_until(&host.started, 1, FAKE_S));
  set_blocking();
  fake.writer_hangs = true;
  host_run(600 * FAKE_S);
  assert_int_equal(host.process->transitions, MOST);
  assert_int_equal(host.changes, 1);
  fake.writer_hangs = false;
  host_run(10 * FAKE_S);
  assert_true(host.changes > MOST);
  assert_true(host.change[MOST + 1].missed > 1000);
}

static void a_host_that_lets_go_frees_those_that_wait (void **state) {
  WORLD({ .lives_ns = FAKE_MS, .says = "line\n" });
  begin_with_logger();
  subscribe_and_start();
  assert_true(host_run_until(&host.started, 1, FAKE_S));
  set_blocking();
  fake.writer_hangs = true;
  host_run(3 * FAKE_S);
  assert_true(host.process->transitions > 3);
  pexec_process_release(host.process);
  host_run(3 * FAKE_S);
  assert_int_equal(host.changes, 1);
}

/* {== lost output ==== */

#define TEN "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"

static void begin_losing (void) {
  host.config.output_events = PEXEC_STDOUT;
  host.config.events_buffer = 1;
  host.config.events_drop = 1;
  host.config.restart_delay_ms = 100;
}

static uint64_t drops (void) {
  pexec_snapshot snapshot;
  assert_int_equal(pexec_process_snapshot(host.process, &snapshot), 0);
  return snapshot.output[0].drops;
}

static uint64_t lines_told (void) {
  uint64_t lines = 0;
  for (int i = 0; i < host.changes && i < HOST_CHANGES; i++)
    lines += host.change[i].lines;
  return lines;
}

/* Ten a second, nobody consumes: the first ten wait for the host. */
static void lost_lines_are_told_together (void **state) {
  WORLD({ .lives_ns = 10 * FAKE_MS, .says = TEN });
  begin_losing();
  subscribe(ONLY(OUTPUT_LOST));
  host_start();
  fake_run(10 * FAKE_S + FAKE_S / 2);
  assert_true(drops() > 900);
  host_pull();
  assert_in_range(host.changes, 9, 11);
  assert_int_equal(NTH(OUTPUT_LOST, 1)->stream, PEXEC_STDOUT);
  assert_in_range(lines_told(), drops() - 110, drops());
}

static void at_the_end_all_have_been_told (void **state) {
  WORLD({ .lives_ns = 10 * FAKE_MS, .says = TEN });
  begin_losing();
  subscribe(ONLY(OUTPUT_LOST));
  host_start();
  fake_run(2 * FAKE_S + FAKE_S / 2);
  stop();
  fake_run(FAKE_S);
  host_pull();
  assert_int_equal(lines_told(), drops());
  assert_string_equal(host.order, "SOlllTE");
}

static void what_was_lost_before_nobody_asked_for (void **state) {
  uint64_t before;
  WORLD({ .lives_ns = 10 * FAKE_MS, .says = TEN });
  begin_losing();
  host_start();
  fake_run(2 * FAKE_S);
  before = drops();
  subscribe(ONLY(OUTPUT_LOST));
  fake_run(2 * FAKE_S);
  stop();
  fake_run(FAKE_S);
  host_pull();
  assert_true(before > 0);
  assert_int_equal(lines_told(), drops() - before);
}

static void begin_with_file (void) {
  static const pexec_file file = {
    sizeof(pexec_file), FAKE_FILES "a", 0640, PEXEC_RAW, 1 << 20, 5, 0, 0, 0
  };
  static const pexec_file *const files[] = { &file, NULL };
  host.config.output[0].files = files;
  host.config.one_shot = 1;
  fake_file_make(FAKE_FILES "a", PEXEC__REGULAR);
  fake_file_fail(FAKE_FILES "a", -ENOSPC);
  subscribe(ONLY(OUTPUT_LOST));
}

static void a_file_that_cannot_be_written_loses_lines (void **state) {
  WORLD({ .lives_ns = 10 * FAKE_MS, .says = TEN });
  begin_with_file();
  host_start();
  host_run(10 * FAKE_S);
  assert_int_equal(lines_told(), 10);
  assert_int_equal(drops(), 10);
  assert_string_equal(host.order, "SXlE");
}

/* The writer finds out only after the end, which waits for it. */
static void also_where_that_is_known_later (void **state) {
  WORLD({ .lives_ns = 10 * FAKE_MS, .says = TEN });
  begin_with_file();
  host_start();
  assert_true(host_run_until(&host.started, 1, FAKE_S));
  fake.writer_hangs = true;
  host_run(FAKE_S / 2);
  assert_string_equal(host.order, "S");
  fake.writer_hangs = false;
  host_run(10 * FAKE_S);
  assert_int_equal(lines_told(), 10);
  assert_string_equal(host.order, "SlXE");
}

static void silence_costs_nothing (void **state) {
  WORLD({ .says = TEN });
  subscribe(ALL);
  host_start();
  host_run(10 * FAKE_S);
  assert_false(host.supervisor->watches_losses);
  assert_string_equal(host.order, "sS");
}

/* {== memory ==== */

/* Whichever allocation fails: each order is answered, nothing leaks, and what
   was missed is counted. */
static void play (int n, bool is_lasting) {
  static const struct fake_program world[] = {
    { .lives_ns = 300 * FAKE_MS, .says = "a\n" }
  };
  begin_with(world, 1);
  subscribe(ALL);
  host_start();
  assert_true(host_run_until(&host.started, 1, FAKE_S));
  assert_int_equal(host.start_error, 0);
  fake_fail(FAKE_MEMORY, n, is_lasting);
  host_run(3 * FAKE_S);
  stop();
  assert_true(host_run_until(&host.ended, 1, 5 * FAKE_S));
  assert_int_equal(host.stopped, 1);
}

static int count_all (void) {
  int count = host.changes;
  for (int i = 0; i < host.changes; i++)
    count += (int)host.change[i].missed;
  return count;
}

static void a_failed_allocation_is_one_that_is_missed (void **state) {
  bool has_failed = true;
  int all, n;
  (void)state;
  play(0, false);
  all = host.changes;
  host_end();
  for (n = 1; has_failed; n++) {
    play(n, false);
    has_failed = fake_has_failed();
    fake_fail(0, 0, false);
    /* the last one may be it; a restart may come later for want of memory */
    assert_in_range(count_all(), all - 4, all + 1);
    host_end();
  }
  assert_true(n > 10);
  host.supervisor = NULL;
}

static void without_any_memory_it_goes_on (void **state) {
  bool has_failed = true;
  (void)state;
  for (int n = 1; has_failed; n++) {
    play(n, true);
    has_failed = fake_has_failed();
    fake_fail(0, 0, false);
    host_end();
  }
  host.supervisor = NULL;
}

#define SPEC(name) cmocka_unit_test_teardown(name, end)
#define SINK_SPEC(name) cmocka_unit_test_teardown(name, end_with_logger)

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_has_a_name),
    SPEC(a_life_with_a_crash_has_them_in_order),
    SPEC(a_start_has_its_number_and_count),
    SPEC(a_death_has_its_record),
    SPEC(a_restart_has_what_it_waits),
    SPEC(it_is_told_where_it_does_not_wait),
    SPEC(a_restart_that_fails_is_followed_by_another),
    SPEC(a_start_that_fails_is_none),
    SPEC(giving_up_has_record_and_reason),
    SPEC(one_that_is_started_anew_begins_anew),
    SPEC(a_handler_is_asked_after_the_transition),
    SPEC(so_are_one_shots),
    SPEC(one_shots_may_be_cancelled),
    SPEC(a_stop_begins_and_ends),
    SPEC(those_left_in_its_group_do_not_delay_its_death),
    SPEC(what_nobody_runs_is_only_stopped),
    SPEC(what_was_never_started_is_stopped_too),
    SPEC(it_is_stopped_once),
    SPEC(a_kill_is_a_stop),
    SPEC(one_that_cannot_be_stopped_is_not),
    SPEC(a_stop_while_it_starts_is_one),
    SPEC(an_ordered_restart_is_one),
    SPEC(it_may_come_before_its_time),
    SPEC(without_a_subscription_there_is_nothing),
    SPEC(only_what_was_subscribed_to_is_told),
    SPEC(it_may_end_and_begin_again),
    SPEC(a_host_that_lets_go_hears_nothing),
    SPEC(a_supervisor_closes_with_some_left),
    SPEC(what_waits_is_bounded),
    SPEC(the_end_finds_room),
    SINK_SPEC(they_wait_until_what_was_written_before_is),
    SINK_SPEC(with_them_come_the_news_that_wait),
    SINK_SPEC(those_that_wait_so_are_bounded_too),
    SINK_SPEC(a_host_that_lets_go_frees_those_that_wait),
    SPEC(lost_lines_are_told_together),
    SPEC(at_the_end_all_have_been_told),
    SPEC(what_was_lost_before_nobody_asked_for),
    SPEC(a_file_that_cannot_be_written_loses_lines),
    SPEC(also_where_that_is_known_later),
    SPEC(silence_costs_nothing),
    cmocka_unit_test(a_failed_allocation_is_one_that_is_missed),
    cmocka_unit_test(without_any_memory_it_goes_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
