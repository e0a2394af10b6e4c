/*
** Specifies a sink: its order, its bound, what it drops and how that is told
** of, how it is opened anew and closed. One thread.
**
** seam: own sink.c opening.c delivery.c chunk.c format.c escape.c error.c
*/

#include "sink_seam.h"

#define KIB 1024

/* {== what is put is written ============================================= */

static void a_raw_file_gets_the_bytes_as_they_come (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  (void)put(0, "one\ntw");
  (void)put(1, "\x1b[31m");
  (void)put(0, "o\n");
  serve_until_idle();
  expect("one\ntw\x1b[31mo\n");
}

static void a_text_file_gets_lines_with_their_origin (void **s) {
  (void)s;
  make_file(PEXEC_TEXT, false);
  (void)put(0, "a\nb\n");
  (void)put_view(1, "part", 4, 0, true, false);
  (void)put_view(1, "", 0, 1, false, false);
  serve_until_idle();
  expect("2026-02-02T02:40:00.000000Z one stdout: a\n"
         "2026-02-02T02:40:00.000000Z one stdout: b\n"
         "2026-02-02T02:40:00.000000Z two stderr+: part\n"
         "2026-02-02T02:40:00.000000Z two stderr: \n");
}

static void a_logger_gets_lines_and_messages_with_their_level (void **s) {
  (void)s;
  make_other(PEXEC__SINK_LOGGER);
  (void)put(0, "a\nb\n");
  (void)put_view(1, "it died\nat once", 15, 1, false, true);
  serve_until_idle();
  expect("2 one: a\n2 one: b\n2 two: it died\nat once\n");
}

static void a_descriptor_of_the_host_is_not_written_while_it_is_full (void **s)
{
  (void)s;
  make_other(PEXEC__SINK_HOST);
  world.host_is_full = true;
  (void)put(0, "one\n");
  assert_true(serve() > 0);
  expect("");
  world.host_is_full = false;
  serve_until_idle();
  expect("one\n");
}

/* A pipe that has room takes PIPE_BUF bytes at least: no more are tried. */
static void a_descriptor_of_the_host_gets_pieces_that_a_pipe_takes (void **s) {
  static char line[9 * KIB];
  (void)s;
  memset(line, 'x', sizeof line - 1);
  make_other(PEXEC__SINK_HOST);
  (void)put_view(0, line, sizeof line, 0, false, false);
  assert_int_equal(serve(), PEXEC__SINK_IDLE);
  assert_int_equal(world.length, sizeof line);
}

static void what_failed_half_way_goes_on_there (void **s) {
  (void)s;
  for (int format = PEXEC_RAW; format <= PEXEC_JSON; format++) {
    size_t whole;
    make_file((enum pexec_format)format, true);
    (void)put(0, "one\ntwo\n");
    (void)put(1, "three\n");
    serve_until_idle();
    whole = world.length;
    (void)put(0, "one\ntwo\n");
    (void)put(1, "three\n");
    world.error = -ENOSPC;
    while (world.length + 3 < 2 * whole) {
      world.most = 3;
      assert_true(serve() > 0);
    }
    world.error = 0;
    serve_until_idle();
    assert_int_equal(world.length, 2 * whole);
    assert_memory_equal(world.text, world.text + whole, whole);
    pexec__sink_free(sink);
    sink = NULL;
    world.length = 0;
  }
}

static void tries_come_less_often_and_at_once_after_a_success (void **s) {
  int64_t wait_ns = MS;
  (void)s;
  make_file(PEXEC_RAW, true);
  for (int round = 0; round < 2; round++) {
    (void)put(0, "x\n");
    world.error = -EIO;
    for (int i = 0; i < 12; i++, wait_ns *= 2)
      assert_int_equal(serve(), wait_ns < 100 * MS ? wait_ns : 100 * MS);
    world.error = 0;
    assert_int_equal(serve(), PEXEC__SINK_IDLE);
    wait_ns = MS;
  }
}

/* {== the bound ========================================================== */

static char kib_line[KIB + 1];

static int put_until_full (void) {
  int count = 1;
  memset(kib_line, 'x', KIB - 1);
  kib_line[KIB - 1] = '\n';
  while (!put(0, kib_line))
    assert_in_range(++count, 1, 2000);
  return count;
}

static void it_is_full_at_a_mebibyte_with_a_charge_for_each_entry (void **s) {
  (void)s;
  make_file(PEXEC_RAW, true);
  assert_int_equal(put_until_full(), (1024 * KIB + 1279) / 1280);
  assert_true(pexec__sink_is_full(sink));
}

static void it_is_full_until_half_of_that_is_written_and_says_so (void **s) {
  int turns = 0;
  (void)s;
  make_file(PEXEC_RAW, true);
  (void)put_until_full();
  while (pexec__sink_is_full(sink)) {
    assert_int_equal(writer.words, 0);
    (void)serve();
    assert_in_range(++turns, 1, 10);
  }
  assert_int_equal(writer.words, 1);
  assert_in_range(sink->queued_bytes, 1, 512 * KIB);
}

/* A thousand that are busy do not take a gigabyte. */
static void where_its_writer_has_much_its_share_is_small (void **s) {
  size_t others = PEXEC__WRITER_MAX;
  (void)s;
  make_file(PEXEC_RAW, true);
  writer.queued_bytes = others;
  (void)put_until_full();
  assert_in_range(sink->queued_bytes, 128 * KIB, 192 * KIB);
  assert_int_equal(writer.queued_bytes, others + sink->queued_bytes);
  writer.queued_bytes -= others;
  (void)serve();  /* now it may have more, and says so */
  assert_false(pexec__sink_is_full(sink));
  serve_until_idle();
  assert_int_equal(writer.queued_bytes, 0);
}

static void one_that_is_full_takes_what_a_child_left_in_its_pipe (void **s) {
  (void)s;
  make_file(PEXEC_RAW, true);
  (void)put_until_full();
  assert_true(put(0, "last words\n"));
  serve_until_idle();
  assert_memory_equal(world.text + world.length - 11, "last words\n", 11);
  assert_int_equal(drops_of(0), 0);
}

static void one_that_is_full_takes_no_messages (void **s) {
  size_t queued;
  (void)s;
  make_other(PEXEC__SINK_LOGGER);
  (void)put_until_full();
  queued = sink->queued_bytes;
  (void)put_view(1, "it died", 7, 1, false, true);
  assert_int_equal(sink->queued_bytes, queued);
  assert_int_equal(drops_of(1), 0);  /* it was no line of a child's */
  serve_until_idle();
  assert_non_null(memmem(world.text, world.length, "3 -: 1 lines lost here: "
                         "it was not written in time\n", 51));
}

/* {== dropping =========================================================== */

static void one_that_is_not_full_does_not_begin_to_drop (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  (void)put(0, "a\n");
  pexec__sink_begin_dropping(sink);
  assert_false(pexec__sink_read_state(sink).is_dropping);
}

static void what_is_dropped_is_counted_and_told_of_once (void **s) {
  int count;
  (void)s;
  make_file(PEXEC_RAW, false);
  count = put_until_full();
  pexec__sink_begin_dropping(sink);
  assert_false(pexec__sink_is_full(sink));  /* the child goes on */
  assert_false(put(0, "a\nb\n"));
  assert_false(put(1, "c\n"));
  serve_until_idle();
  (void)put(0, "d\n");
  serve_until_idle();
  assert_int_equal(drops_of(0), 2);
  assert_int_equal(drops_of(1), 1);
  assert_int_equal(pexec__sink_read_state(sink).lost_ever, 3);
  memmove(world.text, world.text + count * KIB,
          world.length -= (size_t)count * KIB);
  expect("pexec: 3 lines lost here: it was not written in time\nd\n");
}

static void it_drops_until_half_is_written_and_says_so (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  (void)put_until_full();
  pexec__sink_begin_dropping(sink);
  (void)serve();
  assert_true(pexec__sink_read_state(sink).is_dropping);
  assert_int_equal(writer.words, 0);
  (void)serve();
  (void)serve();
  assert_false(pexec__sink_read_state(sink).is_dropping);
  assert_int_equal(writer.words, 1);
  (void)put(0, "a\n");
  assert_int_equal(drops_of(0), 0);
}

static void what_fails_is_given_up_and_told_of_before_the_next (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  world.error = -ENOSPC;
  (void)put(0, "a\nb\n");
  (void)put(1, "c\n");
  assert_true(serve() > 0);
  assert_int_equal(sink->queued_bytes, 0);
  assert_int_equal(pexec__sink_read_state(sink).error, -ENOSPC);
  world.error = 0;
  (void)put(0, "d\n");
  serve_until_idle();
  expect("pexec: 3 lines lost here: no space left on device\nd\n");
}

static void a_loss_is_told_of_though_nothing_follows (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  world.error = -ENOSPC;
  (void)put(0, "a\n");
  assert_in_range(serve(), 1, 100 * MS);
  world.error = 0;
  serve_until_idle();
  expect("pexec: 1 lines lost here: no space left on device\n");
}

static void what_follows_a_loss_does_not_wait_for_the_next_try (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  sink->retry_at_ns = 5;
  (void)put(0, "d\n");
  assert_int_equal(sink->retry_at_ns, 0);
}

static void a_slow_reader_is_no_reason_to_give_up (void **s) {
  (void)s;
  make_file(PEXEC_TEXT, false);
  world.error = -EAGAIN;
  world.most = 7;
  (void)put(0, "a\n");
  for (int i = 0; i < 4; i++)
    assert_true(serve() > 0);
  world.error = 0;
  serve_until_idle();
  expect("2026-02-02T02:40:00.000000Z one stdout: a\n");
  assert_int_equal(drops_of(0), 0);
}

static void a_line_that_is_torn_counts_and_stands_alone (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  world.error = -ENOSPC;
  world.most = 4;
  (void)put(0, "a\nbcd\ne\n");
  (void)serve();
  world.error = 0;
  (void)put(0, "f\n");
  serve_until_idle();
  expect("a\nbc\npexec: 2 lines lost here: no space left on device\nf\n");
}

static void of_a_text_in_part_written_the_other_lines_count (void **s) {
  size_t line = strlen("2026-02-02T02:40:00.000000Z one stdout: a\n");
  (void)s;
  make_file(PEXEC_TEXT, false);
  world.error = -ENOSPC;
  world.most = line + 30;
  (void)put(0, "a\nb\nc\n");
  (void)serve();
  assert_int_equal(drops_of(0), 2);
  world.error = 0;
  serve_until_idle();
  expect("2026-02-02T02:40:00.000000Z one stdout: a\n"
         "2026-02-02T02:40:00.000000Z on\n"
         "2026-02-02T02:40:00.000000Z pexec: 2 lines lost here: "
         "no space left on device\n");
}

static void a_lost_part_of_a_line_is_told_of_too (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  world.error = -EIO;
  (void)put(0, "the line be");
  (void)serve();
  world.error = 0;
  (void)put(0, "gi");
  serve_until_idle();
  expect("pexec: part of a line lost here: input/output error\n");
}

/* Alone it would look like a line. */
static void the_rest_of_a_line_is_lost_with_its_beginning (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  world.error = -EIO;
  (void)put(0, "the line be");
  (void)serve();
  world.error = 0;
  (void)put(0, "gins\nand another\n");
  serve_until_idle();
  expect("pexec: 1 lines lost here: input/output error\nand another\n");
  assert_int_equal(drops_of(0), 1);
}

static void nothing_of_another_process_is_lost_with_it (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  world.error = -EIO;
  (void)put(0, "the line be");
  (void)serve();
  world.error = 0;
  (void)put(1, "not this\n");
  (void)put(0, "gins\n");
  serve_until_idle();
  expect("pexec: part of a line lost here: input/output error\nnot this\n"
         "pexec: 1 lines lost here: input/output error\n");
  assert_int_equal(drops_of(0), 1);
  assert_int_equal(drops_of(1), 0);
}

static void without_memory_a_line_is_counted_and_told_of (void **s) {
  (void)s;
  make_file(PEXEC_RAW, true);
  (void)put(0, "a\n");
  world.good_blocks = 0;
  (void)put(0, "b\n");
  world.good_blocks = -1;
  (void)put(0, "c\n");
  serve_until_idle();
  assert_int_equal(drops_of(0), 1);
  expect("a\npexec: 1 lines lost here: cannot allocate memory\nc\n");
}

/* {== what is settled ==================================================== */

static void what_is_put_has_settled_once_it_is_written (void **s) {
  uint64_t first, second;
  (void)s;
  make_file(PEXEC_RAW, true);
  (void)put(0, "a\n");
  first = pexec__sink_position(sink);
  (void)put(0, "b\n");
  second = pexec__sink_position(sink);
  assert_false(pexec__sink_has_settled(sink, first));
  world.error = -ENOSPC;
  world.most = 3;
  (void)serve();
  assert_true(pexec__sink_has_settled(sink, first));
  assert_false(pexec__sink_has_settled(sink, second));
  world.error = 0;
  serve_until_idle();
  assert_true(pexec__sink_has_settled(sink, second));
}

static void text_has_settled_no_sooner (void **s) {
  (void)s;
  make_file(PEXEC_TEXT, true);
  (void)put(0, "a\n");
  world.error = -EAGAIN;
  world.most = 10;
  (void)serve();
  assert_false(pexec__sink_has_settled(sink, 1));
  world.error = 0;
  serve_until_idle();
  assert_true(pexec__sink_has_settled(sink, 1));
}

static void what_is_dropped_has_settled (void **s) {
  (void)s;
  make_file(PEXEC_JSON, false);
  (void)put(0, "a\n");
  world.error = -ENOSPC;
  (void)serve();
  assert_true(pexec__sink_has_settled(sink, 1));
}

static void who_waits_for_it_gets_a_word_at_each_turn (void **s) {
  (void)s;
  make_file(PEXEC_RAW, true);
  (void)put(0, "a\n");
  (void)serve();
  assert_int_equal(writer.words, 0);  /* nobody does */
  (void)put(0, "b\n");
  assert_false(pexec__sink_has_settled(sink, 2));
  (void)serve();
  assert_int_equal(writer.words, 1);
  assert_true(pexec__sink_has_settled(sink, 2));
}

/* {== opening anew ======================================================= */

static void it_is_opened_anew_behind_what_was_put_before (void **s) {
  (void)s;
  make_file(PEXEC_RAW, true);
  (void)put(0, "a\n");
  pexec__sink_put_reopen(sink);
  world.error = -EAGAIN;
  (void)serve();
  assert_int_equal(the_file.opened_anew, 0);
  assert_false(pexec__sink_has_settled(sink, 0));
  world.error = 0;
  serve_until_idle();
  assert_true(pexec__sink_has_settled(sink, 0));
  (void)put(0, "b\n");
  serve_until_idle();
  expect("a\n|b\n");
}

static void the_error_of_opening_anew_is_kept_until_the_next_time (void **s) {
  (void)s;
  make_file(PEXEC_RAW, true);
  world.reopen_error = -ENOENT;
  pexec__sink_put_reopen(sink);
  serve_until_idle();
  assert_int_equal(writer.words, 1);
  assert_int_equal(pexec__sink_reopen_error(sink), -ENOENT);
  world.reopen_error = 0;
  pexec__sink_put_reopen(sink);
  serve_until_idle();
  assert_int_equal(pexec__sink_reopen_error(sink), 0);
}

/* {== what is lent ======================================================= */

/* What its source holds; NULL: nothing. */
static const char *source_text;

static bool pull_text (void *source, struct pexec__pool *readers) {
  const char *there = source_text;
  assert_ptr_equal(source, &source_text);
  assert_ptr_equal(readers, pool);
  source_text = NULL;
  if (there != NULL)
    (void)put(0, there);
  return there != NULL;
}

static void lend (void) {
  assert_true(pexec__sink_lend(sink, pull_text, &source_text));
  assert_true(writer.is_called);
}

static void what_is_lent_is_read_and_written_in_one_turn (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  lend();
  source_text = "a\n";
  assert_int_equal(serve(), 0);
  expect("a\n");
  assert_true(pexec__sink_has_pulled(sink));
  assert_false(pexec__sink_has_pulled(sink));
  assert_true(pexec__sink_is_lent(sink));
  assert_int_equal(writer.words, 0);
}

static void it_comes_behind_what_was_put (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  (void)put(0, "a\n");
  lend();
  source_text = "b\n";
  assert_int_equal(serve(), 0);
  expect("a\n");
  assert_non_null(source_text);
  assert_int_equal(serve(), 0);
  expect("a\nb\n");
}

static void it_is_given_back_when_nothing_is_there (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  lend();
  assert_int_equal(serve(), PEXEC__SINK_IDLE);
  assert_false(pexec__sink_is_lent(sink));
  assert_int_equal(writer.words, 1);
}

static void it_is_given_back_where_a_write_fails (void **s) {
  (void)s;
  make_file(PEXEC_RAW, true);
  lend();
  source_text = "a\n";
  world.error = -EIO;
  assert_true(serve() > 0);
  source_text = "b\n";
  (void)serve();
  assert_false(pexec__sink_is_lent(sink));
  assert_non_null(source_text);
  world.error = 0;
  source_text = NULL;
  serve_until_idle();
  expect("a\n");
}

static void it_is_given_back_for_an_errand (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  lend();
  source_text = "a\n";
  pexec__sink_put_reopen(sink);
  serve_until_idle();
  assert_false(pexec__sink_is_lent(sink));
  assert_non_null(source_text);
  lend();
  pexec__sink_put_close(sink);
  serve_until_idle();
  assert_non_null(source_text);
  assert_true(pexec__sink_is_closed(sink));
}

static void nothing_is_lent_to_one_that_is_in_trouble (void **s) {
  (void)s;
  make_file(PEXEC_RAW, true);
  (void)put_until_full();
  assert_false(pexec__sink_lend(sink, pull_text, &source_text));
  serve_until_idle();
  world.error = -EIO;
  (void)put(0, "a\n");
  (void)serve();
  assert_false(pexec__sink_lend(sink, pull_text, &source_text));
  world.error = 0;
  serve_until_idle();
  lend();
}

static void one_that_is_taken_back_is_not_read (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  lend();
  source_text = "a\n";
  pexec__sink_take_back(sink);
  assert_int_equal(serve(), PEXEC__SINK_IDLE);
  expect("");
  assert_int_equal(writer.words, 0);
}

/* {== closing ============================================================ */

static void it_is_closed_once_everything_is_written (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  (void)put_until_full();
  pexec__sink_put_close(sink);
  assert_true(serve() >= 0);
  assert_false(pexec__sink_is_closed(sink));
  serve_until_idle();
  assert_true(pexec__sink_is_closed(sink));
  assert_int_equal(world.files, 0);
  assert_int_equal(sink->queued_bytes, 0);
}

/* Whoever told it so, while it was served, frees it then. */
static void one_that_is_closed_has_no_work_any_more (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  (void)put(0, "a\n");
  world.closes_amid = true;
  assert_int_equal(serve(), PEXEC__SINK_CLOSED);
  assert_false(writer.is_called);
}

static void one_that_is_to_be_opened_anew_too_is_closed_behind_that (void **s)
{
  (void)s;
  make_file(PEXEC_RAW, false);
  (void)put(0, "a\n");
  pexec__sink_put_reopen(sink);
  pexec__sink_put_close(sink);
  serve_until_idle();
  assert_true(pexec__sink_is_closed(sink));
  expect("a\n|");
}

static void a_loss_behind_the_last_line_is_told_of_before_it_closes (void **s)
{
  (void)s;
  make_file(PEXEC_RAW, false);
  (void)put(0, "a\n");
  world.good_blocks = 0;
  (void)put(0, "b\n");
  world.good_blocks = -1;
  pexec__sink_put_close(sink);
  serve_until_idle();
  assert_true(pexec__sink_is_closed(sink));
  expect("a\npexec: 1 lines lost here: cannot allocate memory\n");
}

static int64_t time_to_close (int error) {
  int64_t began_ns = world.now_ns, wait_ns;
  world.error = error;
  (void)put(0, "a\n");
  (void)put(1, "b\n");
  pexec__sink_put_close(sink);
  while ((wait_ns = serve()) >= 0)
    world.now_ns += wait_ns;
  assert_int_equal(wait_ns, PEXEC__SINK_CLOSED);
  assert_int_equal(drops_of(0) + drops_of(1), 2);
  return world.now_ns - began_ns;
}

static void one_that_drops_is_closed_at_once_where_it_fails (void **s) {
  (void)s;
  make_file(PEXEC_RAW, false);
  assert_in_range(time_to_close(-EIO), 0, 10 * MS);
}

static void one_that_blocks_is_tried_for_a_second_before_it_closes (void **s) {
  (void)s;
  make_file(PEXEC_RAW, true);
  assert_in_range(time_to_close(-EIO), 1000 * MS, 1200 * MS);
}

static void a_slow_reader_has_a_second_before_it_closes (void **s) {
  (void)s;
  make_file(PEXEC_TEXT, false);
  assert_in_range(time_to_close(-EAGAIN), 1000 * MS, 1200 * MS);
}

/* {== memory ============================================================= */

static void one_that_cannot_be_made_leaves_nothing (void **s) {
  pexec_file options = PEXEC_FILE_INIT;
  int error = -ENOMEM, tries = 0;
  (void)s;
  options.path = "/log";
  for (; error == -ENOMEM; tries++) {
    world.good_blocks = tries + 1;  /* the last one of them fails */
    error = pexec__sink_new(PEXEC__SINK_FILE, &options, LOGGER, -1, &sink);
    assert_true(error == 0 || world.files + world.loggers == 0);
  }
  world.good_blocks = -1;
  assert_int_equal(error, 0);
  assert_int_equal(tries, 5);
}

static void one_that_is_freed_gives_back_what_waits (void **s) {
  (void)s;
  make_file(PEXEC_JSON, true);
  (void)put_until_full();
  world.error = -ENOSPC;
  world.most = 100;
  (void)serve();  /* and what is written in part; see end */
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_raw_file_gets_the_bytes_as_they_come),
    SPEC(a_text_file_gets_lines_with_their_origin),
    SPEC(a_logger_gets_lines_and_messages_with_their_level),
    SPEC(a_descriptor_of_the_host_is_not_written_while_it_is_full),
    SPEC(a_descriptor_of_the_host_gets_pieces_that_a_pipe_takes),
    SPEC(what_failed_half_way_goes_on_there),
    SPEC(tries_come_less_often_and_at_once_after_a_success),
    SPEC(it_is_full_at_a_mebibyte_with_a_charge_for_each_entry),
    SPEC(it_is_full_until_half_of_that_is_written_and_says_so),
    SPEC(where_its_writer_has_much_its_share_is_small),
    SPEC(one_that_is_full_takes_what_a_child_left_in_its_pipe),
    SPEC(one_that_is_full_takes_no_messages),
    SPEC(one_that_is_not_full_does_not_begin_to_drop),
    SPEC(what_is_dropped_is_counted_and_told_of_once),
    SPEC(it_drops_until_half_is_written_and_says_so),
    SPEC(what_fails_is_given_up_and_told_of_before_the_next),
    SPEC(a_loss_is_told_of_though_nothing_follows),
    SPEC(what_follows_a_loss_does_not_wait_for_the_next_try),
    SPEC(a_slow_reader_is_no_reason_to_give_up),
    SPEC(a_line_that_is_torn_counts_and_stands_alone),
    SPEC(of_a_text_in_part_written_the_other_lines_count),
    SPEC(a_lost_part_of_a_line_is_told_of_too),
    SPEC(the_rest_of_a_line_is_lost_with_its_beginning),
    SPEC(nothing_of_another_process_is_lost_with_it),
    SPEC(without_memory_a_line_is_counted_and_told_of),
    SPEC(what_is_put_has_settled_once_it_is_written),
    SPEC(text_has_settled_no_sooner),
    SPEC(what_is_dropped_has_settled),
    SPEC(who_waits_for_it_gets_a_word_at_each_turn),
    SPEC(it_is_opened_anew_behind_what_was_put_before),
    SPEC(the_error_of_opening_anew_is_kept_until_the_next_time),
    SPEC(what_is_lent_is_read_and_written_in_one_turn),
    SPEC(it_comes_behind_what_was_put),
    SPEC(it_is_given_back_when_nothing_is_there),
    SPEC(it_is_given_back_where_a_write_fails),
    SPEC(it_is_given_back_for_an_errand),
    SPEC(nothing_is_lent_to_one_that_is_in_trouble),
    SPEC(one_that_is_taken_back_is_not_read),
    SPEC(it_is_closed_once_everything_is_written),
    SPEC(one_that_is_closed_has_no_work_any_more),
    SPEC(one_that_is_to_be_opened_anew_too_is_closed_behind_that),
    SPEC(a_loss_behind_the_last_line_is_told_of_before_it_closes),
    SPEC(one_that_drops_is_closed_at_once_where_it_fails),
    SPEC(one_that_blocks_is_tried_for_a_second_before_it_closes),
    SPEC(a_slow_reader_has_a_second_before_it_closes),
    SPEC(one_that_cannot_be_made_leaves_nothing),
    SPEC(one_that_is_freed_gives_back_what_waits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
