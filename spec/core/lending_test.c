/*
** Specifies when a pipe is lent to the writer of its log file, and that
** nothing is lost or changes its order by that, whoever reads. The pipes and
** the sinks are those of two_pipes.h; the spec reads where the writer would.
** One thread.
**
** seam: own output.c lines.c lending.c chunk.c tail.c pace.c mailbox.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "two_pipes.h"

/* {== helpers ============================================================ */

/* Both streams go to log files, and nowhere else. */
static void start_with_files (void) {
  borrowers.is_there = true;
  start(PEXEC_STDOUT | PEXEC_STDERR);
  process.streams[0].has_events = process.streams[1].has_events = false;
}

/* Other pipes bring much meanwhile. */
static void let_others_write (void) {
  supervisor.full_wakes += 10;
}

static bool is_lent (int i) {
  bool is_watched = pipes[i].watch.is_open && !pipes[i].watch.is_paused;
  assert_true(is_watched == (process.streams[i].loan.sink == NULL));
  return !is_watched;
}

/* The writer of stream i reads once. */
static bool pull (int i) {
  struct pexec__sink *sink = &borrowers.sinks[i];
  return sink->pull(sink->source, supervisor.pool);
}

/* The writer has had enough. */
static void give_back (int i) {
  borrowers.sinks[i].source = NULL;
  pexec__lending_heed(&borrowers.sinks[i]);
}

/* Writes much, and has it lent. */
static void lend_stdout (void) {
  let_others_write();
  say_bytes(0, 64 * KIB, 'x');
  turn_until_idle();
  assert_true(is_lent(0));
}

static void expect_raw (int i, size_t length) {
  assert_int_equal(sinks[i].raw_length, length);
  assert_memory_equal(sinks[i].raw, pipes[i].data, length);
}

static uint64_t bytes_of (int i) {
  return atomic_load(&process.ledger->streams[i].bytes);
}

/* {== when =============================================================== */

static void one_that_is_alone_is_not_lent (void **state) {
  (void)state;
  start_with_files();
  for (int n = 0; n < 20; n++) {
    say_bytes(0, 64 * KIB, 'x');
    turn_until_idle();
    assert_false(is_lent(0));
  }
  expect_raw(0, 20 * 64 * KIB);
}

static void nor_are_two (void **state) {
  (void)state;
  start_with_files();
  for (int n = 0; n < 20; n++) {
    say_bytes(0, 64 * KIB, 'x');
    say_bytes(1, 64 * KIB, 'x');
    turn_until_idle();
    assert_false(is_lent(0) || is_lent(1));
  }
}

static void one_of_many_is (void **state) {
  (void)state;
  start_with_files();
  lend_stdout();
  assert_int_equal(supervisor.lent, 1);
  assert_false(is_lent(1));
  say_bytes(0, 64 * KIB, 'y');
  assert_true(pull(0));
  expect_raw(0, 128 * KIB);
  assert_int_equal(bytes_of(0), 128 * KIB);
  assert_false(pull(0));
}

/* Else those that were lent early would get less than those whose pipes had
   grown before. */
static void its_pipe_is_enlarged (void **state) {
  (void)state;
  fake.may_grow = true;
  start_with_files();
  lend_stdout();
  assert_int_equal(process.streams[0].flow.capacity, 256 * KIB);
  assert_int_equal(process.streams[1].flow.capacity, 64 * KIB);
}

static void as_long_as_others_are_lent_it_counts_them (void **state) {
  (void)state;
  start_with_files();
  supervisor.lent = 10;
  say_bytes(0, 64 * KIB, 'x');
  turn_until_idle();
  assert_true(is_lent(0));
  supervisor.lent = 1;
}

static void what_writes_little_is_not_lent (void **state) {
  (void)state;
  start_with_files();
  let_others_write();
  say_bytes(0, 8 * KIB, 'x');
  turn_until_idle();
  assert_false(is_lent(0));
}

static void what_the_host_gets_is_not_lent (void **state) {
  (void)state;
  borrowers.is_there = true;
  start(PEXEC_STDOUT);
  let_others_write();
  say_bytes(0, 64 * KIB, 'x');
  turn_until_idle();
  assert_false(is_lent(0));
}

static void nor_what_goes_to_more_than_a_file (void **state) {
  (void)state;
  start_with_files();
  borrowers.is_there = false;
  let_others_write();
  say_bytes(0, 64 * KIB, 'x');
  turn_until_idle();
  assert_false(is_lent(0));
}

static void a_writer_may_refuse (void **state) {
  (void)state;
  start_with_files();
  borrowers.refuses = true;
  let_others_write();
  say_bytes(0, 64 * KIB, 'x');
  turn_until_idle();
  assert_false(is_lent(0));
  assert_int_equal(supervisor.lent, 0);
}

/* {== nothing is lost ==================================================== */

static void what_is_given_back_is_read_on (void **state) {
  (void)state;
  start_with_files();
  lend_stdout();
  give_back(0);
  assert_false(is_lent(0));
  say_text(0, "more\n");
  turn_until_idle();
  expect_raw(0, 64 * KIB + 5);
}

static void another_word_of_its_sink_changes_nothing (void **state) {
  (void)state;
  start_with_files();
  lend_stdout();
  pexec__lending_heed(&borrowers.sinks[0]);
  pexec__lending_heed(&borrowers.sinks[1]);
  assert_true(is_lent(0));
}

static void a_death_takes_it_back_and_reads_the_rest (void **state) {
  (void)state;
  start_with_files();
  lend_stdout();
  say_text(0, "one\ntw");
  assert_true(pull(0));
  say_text(0, "o\nlast");
  die();
  assert_null(process.streams[0].loan.sink);
  expect_raw(0, 64 * KIB + 12);
  assert_int_equal(atomic_load(&process.ledger->streams[0].lines), 3);
}

static void a_line_may_begin_here_and_end_there (void **state) {
  (void)state;
  start_with_files();
  lend_stdout();
  say_text(0, "\nbeg");
  assert_true(pull(0));
  give_back(0);
  say_text(0, "in\n");
  turn_until_idle();
  expect_raw(0, 64 * KIB + 7);
  assert_int_equal(atomic_load(&process.ledger->streams[0].lines), 2);
}

static void so_does_a_start (void **state) {
  (void)state;
  start_with_files();
  lend_stdout();
  pexec__output_hold(&process, true);
  assert_null(borrowers.sinks[0].source);
  pexec__output_hold(&process, false);
  assert_false(is_lent(0));
}

static void so_does_the_end (void **state) {
  (void)state;
  start_with_files();
  lend_stdout();
  pexec__output_end(&process);
  assert_null(borrowers.sinks[0].source);
  lend_stdout();
  pexec__output_close(&process);
  assert_null(borrowers.sinks[0].source);
  assert_int_equal(supervisor.lent, 0);
}

/* A reading end that fails is seen where it is watched. */
static void an_end_is_not_the_writers_business (void **state) {
  (void)state;
  start_with_files();
  lend_stdout();
  pipes[0].error = -EIO;
  assert_false(pull(0));
  assert_true(pipes[0].can_read);
  give_back(0);
  turn_until_idle();
  assert_false(pipes[0].can_read);
}

static void without_memory_it_is_given_back (void **state) {
  (void)state;
  start_with_files();
  lend_stdout();
  say_text(0, "more\n");
  fake.good_blocks = 0;
  supervisor.pool->count = 0;
  struct pexec__chunk *kept = supervisor.pool->free;
  supervisor.pool->free = NULL;
  assert_false(pull(0));
  supervisor.pool->free = kept;
  supervisor.pool->count = (kept != NULL);
  fake.good_blocks = -1;
  expect_raw(0, 64 * KIB);
}

/* {== a disk that hangs ================================================== */

static void a_writer_that_hangs_loses_it (void **state) {
  struct pexec__sink *sink = &borrowers.sinks[0];
  int64_t first_ns, second_ns;
  (void)state;
  start_with_files();
  lend_stdout();
  first_ns = fake.look_at_ns;
  assert_int_equal(pexec__lending_look(sink, first_ns - 1), first_ns);
  borrowers.has_pulled = true;
  second_ns = pexec__lending_look(sink, first_ns);
  assert_true(second_ns > first_ns && second_ns < INT64_MAX);
  assert_true(is_lent(0));
  borrowers.has_pulled = false;
  assert_int_equal(pexec__lending_look(sink, second_ns), INT64_MAX);
  assert_false(is_lent(0));
  let_others_write();
  say_bytes(0, 64 * KIB, 'x');
  turn_until_idle();
  assert_false(is_lent(0));
}

static void unless_its_children_are_to_wait (void **state) {
  struct pexec__sink *sink = &borrowers.sinks[0];
  (void)state;
  start_with_files();
  sink->blocks = true;
  lend_stdout();
  assert_int_equal(fake.look_at_ns, 0);
  assert_int_equal(pexec__lending_look(sink, INT64_MAX - 1), INT64_MAX);
  assert_true(is_lent(0));
}

static void one_that_has_nothing_is_not_looked_after (void **state) {
  (void)state;
  start_with_files();
  assert_int_equal(pexec__lending_look(&borrowers.sinks[0], INT64_MAX - 1),
                   INT64_MAX);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(one_that_is_alone_is_not_lent),
    SPEC(nor_are_two),
    SPEC(one_of_many_is),
    SPEC(its_pipe_is_enlarged),
    SPEC(as_long_as_others_are_lent_it_counts_them),
    SPEC(what_writes_little_is_not_lent),
    SPEC(what_the_host_gets_is_not_lent),
    SPEC(nor_what_goes_to_more_than_a_file),
    SPEC(a_writer_may_refuse),
    SPEC(what_is_given_back_is_read_on),
    SPEC(another_word_of_its_sink_changes_nothing),
    SPEC(a_death_takes_it_back_and_reads_the_rest),
    SPEC(a_line_may_begin_here_and_end_there),
    SPEC(so_does_a_start),
    SPEC(so_does_the_end),
    SPEC(an_end_is_not_the_writers_business),
    SPEC(without_memory_it_is_given_back),
    SPEC(a_writer_that_hangs_loses_it),
    SPEC(unless_its_children_are_to_wait),
    SPEC(one_that_has_nothing_is_not_looked_after),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
