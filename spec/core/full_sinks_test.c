/*
** Specifies what a sink or a host that hangs may cost: however many feed it,
** however often they die, what waits for it is bounded, and nothing of it is
** lost where it is to block. On the fake seam. One thread.
**
** seam: fake
*/

#include "fake_host.h"

#include <string.h>

#define KIB 1024
#define MANY 40
#define SAYING (60 * KIB)

static pexec_logger *logger;
static char saying[SAYING + 1];

static void begin_with (const struct fake_program *world) {
  pexec_logger_options options = PEXEC_LOGGER_OPTIONS_INIT;
  memset(saying, '\n', SAYING);
  host_begin(world, 1);
  options.level = PEXEC_ERROR;
  assert_int_equal(pexec_logger_new(&options, &logger), 0);
  host.config.log_events = 0;
  host.config.stdout_logger = logger;
  assert_true(pexec_supervisor_fd(host.supervisor) >= 0);
  fake.writer_hangs = true;
}

static int end (void **state) {
  (void)state;
  pexec_logger_release(logger);
  host_end();
  return 0;
}

/* The sink of all, which loggers have, but as a file's that blocks. */
static struct pexec__sink *the_sink (void) {
  struct pexec__sink *sink = host.supervisor->sinks;
  assert_non_null(sink);
  assert_null(sink->next);
  sink->blocks = true;
  return sink;
}

static void those_that_feed_it_wait_as_soon_as_one_has_filled_it (
    void **state) {
  static const struct fake_program world[] = { { .says = saying } };
  (void)state;
  begin_with(world);
  for (int i = 0; i < MANY; i++) {
    host.process = NULL;
    host_start();
    host_run(FAKE_MS);
  }
  the_sink();
  assert_in_range(fake.bytes_read, PEXEC__SINK_MAX - 64 * KIB,
                  PEXEC__SINK_MAX + 64 * KIB);
  fake.writer_hangs = false;
  host_run(FAKE_S);
  assert_int_equal(fake.bytes_read, MANY * SAYING);
}

/* Each asks, and writes a pipe full before that. */
static void deaths_do_not_fill_it_for_ever (void **state) {
  static const struct fake_program world[] = {
    { .says = saying, .lives_ns = 100 * FAKE_MS }
  };
  size_t all;
  (void)state;
  begin_with(world);
  host.config.asks = 1;
  host_start();
  host_run(FAKE_MS);
  the_sink();
  host_run(2 * 3600 * FAKE_S);
  assert_in_range(fake.clones, 500, 7200);
  assert_in_range(fake.bytes_read, PEXEC__SINK_MAX, 8 * PEXEC__SINK_MAX);
  all = (size_t)fake.clones * SAYING;
  fake.writer_hangs = false;
  host_run(FAKE_S / 100);
  assert_in_range(fake.bytes_read, all, all + 2 * SAYING);
}

/* The same of one that is run again and again by its host. What it leaves in
   its pipe is dropped with the next start. */
static void nor_do_runs (void **state) {
  static const struct fake_program world[] = {
    { .says = saying, .lives_ns = 100 * FAKE_MS }
  };
  (void)state;
  begin_with(world);
  host.config.one_shot = 1;
  for (int i = 0; i < 500; i++) {
    host_start();
    host_run(FAKE_MS);
    the_sink();
    host_run(60 * FAKE_S);
    assert_int_equal(host.ended, i + 1);
  }
  assert_in_range(fake.bytes_read, PEXEC__SINK_MAX, 8 * PEXEC__SINK_MAX);
}

/* FAULTS 13: nor what waits for a host that takes nothing. It is restarted all
   the same, and what it wrote stays in its pipe. */
static void nor_do_deaths_fill_a_host (void **state) {
  static const struct fake_program world[] = {
    { .says = saying, .lives_ns = 100 * FAKE_MS }
  };
  (void)state;
  begin_with(world);
  host.config.stdout_logger = NULL;
  host.config.output_events = PEXEC_STDOUT;
  host.config.restart_delay_ms = 100;
  host_start();
  fake_run(600 * FAKE_S);
  assert_in_range(fake.clones, 500, 7200);
  assert_in_range(fake.bytes_read, 256 * KIB, 512 * KIB);
}

#define SPEC(name) cmocka_unit_test_teardown(name, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(those_that_feed_it_wait_as_soon_as_one_has_filled_it),
    SPEC(deaths_do_not_fill_it_for_ever),
    SPEC(nor_do_runs),
    SPEC(nor_do_deaths_fill_a_host),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
