/*
** Specifies how what children write becomes lines, on pipes that two_pipes.h
** plays. What comes out is compared with what went in, byte for byte. One
** thread.
**
** seam: own output.c lines.c lending.c chunk.c tail.c pace.c mailbox.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "two_pipes.h"

/* {== lines ============================================================== */

static void lines_come_as_they_were_written (void **state) {
  (void)state;
  start(PEXEC_STDOUT | PEXEC_STDERR);
  say_text(0, "one\ntwo\n");
  say_text(1, "bad\n");
  turn_until_idle();
  say_text(0, "three\n");
  turn_until_idle();
  expect(0, "one\ntwo\n three\n");
  expect(1, "bad\n");
}

static void where_nobody_can_tell_how_much_it_is_they_do_too (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  hides_length = true;
  say_text(0, "one\ntwo\n");
  turn_until_idle();
  hides_length = false;
  expect(0, "one\ntwo\n");
}

static void a_line_waits_for_its_end (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  say_text(0, "one\ntw");
  turn_until_idle();
  expect(0, "one\n");
  say_text(0, "");
  turn_until_idle();
  say_text(0, "o\nth");
  turn_until_idle();
  say_text(0, "ree\n");
  turn_until_idle();
  expect(0, "one\n two\n three\n");
}

static void the_streams_do_not_mix (void **state) {
  (void)state;
  start(PEXEC_STDOUT | PEXEC_STDERR);
  say_text(0, "ou");
  say_text(1, "er");
  turn_until_idle();
  say_text(0, "t\n");
  say_text(1, "r\n");
  turn_until_idle();
  expect(0, "out\n");
  expect(1, "err\n");
}

static void a_last_line_without_newline_is_delivered_once (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  say_text(0, "one\nlast");
  turn_until_idle();
  die();
  expect(0, "one\n last");
  pexec__output_drain(&process);
  pexec__output_end(&process);
  turn_until_idle();
  expect(0, "one\n last");
}

static void what_was_written_before_a_death_is_read_then (void **state) {
  (void)state;
  start(PEXEC_STDOUT | PEXEC_STDERR);
  say_text(0, "one\ntwo\n");
  say_bytes(1, 200 * KIB, 'x');
  die();
  expect(0, "one\ntwo\n");
  assert_int_equal(sinks[1].length, 200 * KIB);
}

static void a_line_of_64_kib_is_whole (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  say_bytes(0, 65536, 'x');
  say_text(0, "\n");
  turn_until_idle();
  assert_int_equal(sinks[0].count, 1);
  assert_int_equal(sinks[0].length, 65537);
  assert_false(sinks[0].deliveries[0].is_partial);
}

static void a_longer_one_comes_in_pieces (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  say_bytes(0, 65537, 'x');
  say_text(0, "\nnext\n");
  turn_until_idle();
  assert_int_equal(sinks[0].count, 2);
  assert_int_equal(sinks[0].deliveries[0].length, 65536);
  assert_true(sinks[0].deliveries[0].is_partial);
  assert_int_equal(sinks[0].deliveries[1].length, 7);
  assert_false(sinks[0].deliveries[1].is_partial);
}

/* Else a reader would wait for the rest of that line for ever. */
static void the_last_piece_is_told_at_a_death (void **state) {
  (void)state;
  start(PEXEC_STDOUT);
  say_bytes(0, 2 * 65536, 'x');
  turn_until_idle();
  die();
  assert_int_equal(sinks[0].length, 2 * 65536);
  assert_false(sinks[0].deliveries[sinks[0].count - 1].is_partial);
}

/* Each arrives with whoever loses them. */
static void expect_count (const char *first, const char *second,
                          unsigned lines) {
  start(PEXEC_STDOUT);
  fake.is_deaf = true;
  say_text(0, first);
  turn_until_idle();
  say_text(0, second);
  turn_until_idle();
  die();
  fake.is_deaf = false;
  assert_int_equal(process.lost_lines, lines);
  assert_int_equal(atomic_load(&process.ledger->streams[0].lines), lines);
}

static void each_line_is_counted_once (void **state) {
  static const struct {
    const char *first, *second;
    unsigned lines;
  } cases[] = {
    { "\n", "", 1 }, { "a", "", 1 }, { "a\n", "", 1 }, { "a\nb", "", 2 },
    { "\n\n\nb\n", "", 4 }, { "a\nb", "c", 2 }, { "a\nb", "c\n", 2 },
    { "a", "\n", 1 }, { "a\nb", "c\n\nd", 4 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    expect_count(cases[i].first, cases[i].second, cases[i].lines);
    (void)end(state);
    (void)begin(state);
  }
}

/* {== small pipes ======================================================== */

/* Those of a user who has many: left alone for as long as a large one takes
   to fill up, they would keep their writer waiting. */
static void a_small_pipe_is_known_as_such (void **state) {
  (void)state;
  fake.pipe_size = 4 * KIB;
  start(PEXEC_STDOUT);
  assert_int_equal(process.streams[0].flow.capacity, 4 * KIB);
}

static void one_that_does_not_tell_counts_as_small (void **state) {
  (void)state;
  fake.pipe_size = -EBADF;
  start(PEXEC_STDOUT);
  assert_int_equal(process.streams[0].flow.capacity, 4 * KIB);
}

/* {== random data ======================================================== */

static uint64_t seed;

static size_t draw (size_t below) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (size_t)(seed % below);
}

static size_t draw_line_length (void) {
  switch (draw(8)) {
    case 0: return draw(200 * KIB);
    case 1: return 65536 - 2 + draw(5);
    case 2: return 0;
    default: return draw(300);
  }
}

/* Lines of all bytes, the last perhaps without an end; how much. */
static size_t write_lines (char *to, size_t lines) {
  char *at = to;
  for (size_t i = 0; i < lines; i++) {
    for (size_t left = draw_line_length(); left > 0; left--) {
      char byte = (char)draw(256);
      *at++ = byte == '\n' ? ' ' : byte;
    }
    *at++ = '\n';
  }
  return (size_t)(at - to) - (lines > 0 ? draw(2) : 0);
}

/* How long the line is that the byte at 'at' belongs to. */
static size_t line_length (const char *data, size_t length, size_t at) {
  size_t first = at, last = at;
  while (first > 0 && data[first - 1] != '\n')
    first--;
  while (last < length && data[last] != '\n')
    last++;
  return last - first;
}

static void check_piece (const char *data, const struct delivery *one) {
  assert_in_range(one->length, 1, 65536);
  assert_null(memchr(data, '\n', one->length));
}

/* Only a line over 64 KiB is cut, only a last one lacks its newline. */
static void check_deliveries (const struct sink *sink) {
  size_t at = 0;
  for (size_t i = 0; i < sink->count; i++) {
    const struct delivery *one = &sink->deliveries[i];
    size_t after = at + one->length;
    if (one->is_partial)
      check_piece(sink->data + at, one);
    else
      assert_true(after == sink->length || sink->data[after - 1] == '\n');
    if (after > 0 && after < sink->length && sink->data[after - 1] != '\n')
      assert_true(line_length(sink->data, sink->length, after - 1) > 65536);
    at = after;
  }
  assert_int_equal(at, sink->length);
  assert_true(sink->count == 0 || !sink->deliveries[sink->count - 1].is_partial);
}

static void say_in_chunks (const char *data, size_t length) {
  size_t most = (size_t[]){ 1, 7, 500, 4096, 65536, 300000 }[draw(6)];
  if (length > 50000 && most < 500)
    most = 500;
  for (size_t at = 0; at < length;) {
    size_t chunk = 1 + draw(most);
    if (chunk > length - at)
      chunk = length - at;
    say(0, data + at, chunk);
    at += chunk;
    if (draw(4) > 0)
      (void)turn();
  }
}

static void run_trial (void) {
  char *data = malloc(MOST);
  size_t length = write_lines(data, draw(9));
  start(PEXEC_STDOUT);
  say_in_chunks(data, length);
  process.queued_bytes = 0;
  pexec__output_resume(&process);
  die();
  assert_int_equal(sinks[0].length, length);
  assert_memory_equal(sinks[0].data, data, length);
  check_deliveries(&sinks[0]);
  free(data);
}

static void any_bytes_in_any_chunks_come_out_as_they_are (void **state) {
  (void)end(state);
  for (uint64_t trial = 1; trial <= 400; trial++) {
    (void)begin(state);
    seed = trial * UINT64_C(2685821657736338717);
    run_trial();
    (void)end(state);
  }
  (void)begin(state);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(lines_come_as_they_were_written),
    SPEC(where_nobody_can_tell_how_much_it_is_they_do_too),
    SPEC(a_line_waits_for_its_end),
    SPEC(the_streams_do_not_mix),
    SPEC(a_last_line_without_newline_is_delivered_once),
    SPEC(what_was_written_before_a_death_is_read_then),
    SPEC(a_line_of_64_kib_is_whole),
    SPEC(a_longer_one_comes_in_pieces),
    SPEC(the_last_piece_is_told_at_a_death),
    SPEC(each_line_is_counted_once),
    SPEC(a_small_pipe_is_known_as_such),
    SPEC(one_that_does_not_tell_counts_as_small),
    SPEC(any_bytes_in_any_chunks_come_out_as_they_are),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
