/*
** Specifies the ring of a process's last lines, against a model that keeps
** them in a list. One thread.
**
** seam: own tail.c chunk.c
*/

#include "memory_seam.h"

#include <errno.h>

#include "tail.h"

#define RECORD 24           /* what a view costs besides its lines */
#define LINES 12288         /* of the model */

/* {== the model: lines, the oldest first ================================= */

struct line {
  char *data;
  size_t length;
  size_t cost;              /* in bytes, with its newline */
  unsigned view;            /* the lines of one stand behind one record */
  enum pexec_stream stream;
  int64_t time_ns;
  uint64_t run;
  bool is_partial;
};

static struct model {
  struct line lines[LINES];
  size_t count;
  unsigned views;
} model;

static void forget (size_t count) {
  for (size_t i = 0; i < count; i++)
    free(model.lines[i].data);
  model.count -= count;
  memmove(model.lines, model.lines + count,
          model.count * sizeof *model.lines);
}

/* The last of a view takes the record with it. */
static size_t cost_of (size_t i) {
  bool is_last = (i + 1 == model.count ||
                  model.lines[i].view != model.lines[i + 1].view);
  return model.lines[i].cost + (is_last ? RECORD : 0);
}

static void model_add_line (const struct line *from, const char *data,
                            size_t length, bool has_end) {
  struct line line = *from;
  line.length = length;
  line.cost = length + has_end;
  line.view = model.views;
  assert_non_null(line.data = malloc(line.length + 1));
  memcpy(line.data, data, line.length);
  assert_in_range(model.count, 0, LINES - 1);
  model.lines[model.count++] = line;
}

/* The oldest go, one by one, until the rest fits; of a last one that does not
   fit alone its beginning stays. */
static void make_room (size_t size) {
  size_t used = 0, gone = 0;
  for (size_t i = 0; i < model.count; i++)
    used += cost_of(i);
  for (; used > size && gone + 1 < model.count; gone++)
    used -= cost_of(gone);
  forget(gone);
  if (used <= size)
    return;
  model.lines[0].cost = size - RECORD;
  if (model.lines[0].length > size - RECORD)
    model.lines[0].length = size - RECORD;
}

static void model_add (const struct line *from, const char *data,
                       size_t length, size_t size) {
  const char *end = data + length, *newline;
  if (size <= RECORD)
    return;
  model.views++;
  if (length == 0)
    model_add_line(from, data, 0, false);
  while (data < end && (newline = memchr(data, '\n', (size_t)(end - data)))) {
    model_add_line(from, data, (size_t)(newline - data), true);
    data = newline + 1;
  }
  if (data < end)
    model_add_line(from, data, (size_t)(end - data), false);
  make_room(size);
}

/* {== both =============================================================== */

static struct pexec__tail tail;
static struct pexec__pool *pool;
static struct pexec__ledger *ledger;

static void begin_with (size_t size) {
  good_blocks = -1;
  tail = (struct pexec__tail){ .size = size };
  assert_non_null(pool = pexec__pool_new(40));
  assert_non_null(ledger = pexec__ledger_new("id"));
}

static int begin (void **s) {
  (void)s;
  begin_with(1000);
  return 0;
}

static int end (void **s) {
  (void)s;
  forget(model.count);
  pexec__tail_free(&tail);
  pexec__pool_release(pool);
  pexec__ledger_release(ledger);
  assert_int_equal(atomic_load(&blocks), 0);
  return 0;
}

/* Amid a chunk, so that what stands beside it would be noticed. */
static void add_to_tail (const struct line *line, const char *data,
                         size_t length) {
  int good = good_blocks;
  struct pexec__chunk *chunk;
  struct pexec__view view = { NULL, 3, 3 + length, 0, line->is_partial };
  good_blocks = -1;
  assert_non_null(chunk = pexec__chunk_new(pool, ledger, length + 6));
  good_blocks = good;
  memset(chunk->data, '\n', length + 6);
  memcpy(chunk->data + 3, data, length);
  chunk->stream = line->stream;
  chunk->time_ns = line->time_ns;
  view.chunk = chunk;
  pexec__tail_add(&tail, &view, line->run);
  pexec__chunk_drop(chunk);
}

static void add (const struct line *line, const char *data, size_t length) {
  add_to_tail(line, data, length);
  model_add(line, data, length, tail.size);
}

static void expect_line (const pexec_line *told, const struct line *line) {
  assert_int_equal(told->length, line->length);
  assert_memory_equal(told->data, line->data, line->length);
  assert_int_equal(told->stream, line->stream);
  assert_int_equal(told->time_ns, line->time_ns);
  assert_int_equal(told->run, line->run);
  assert_int_equal(told->is_partial, line->is_partial);
}

/* Empty lines take next to nothing, but a copy of them does. */
static void expect_model (void) {
  size_t most = tail.size / RECORD, first;
  pexec_tail copy;
  first = model.count > most ? model.count - most : 0;
  assert_int_equal(pexec__tail_copy(&tail, &copy), 0);
  assert_int_equal(copy.count, model.count - first);
  for (size_t i = 0; i < copy.count; i++)
    expect_line(&copy.lines[i], &model.lines[first + i]);
  pexec__free(copy.held);
}

/* {== histories ========================================================== */

static size_t draw_length (void) {
  switch (draw(4)) {
    case 0: return 0;
    case 1: return draw(8);
    case 2: return draw(200);
    default: return draw(6000);
  }
}

static size_t draw_data (char *data) {
  size_t length = draw_length();
  unsigned longest = 1 + draw(1 << draw(12));
  memset(data, (int)('a' + draw(26)), length);
  for (size_t at = draw(longest); at < length; at += 1 + draw(longest))
    data[at] = '\n';
  return length;
}

static void one_history (uint64_t seed) {
  char data[6000];
  struct line line = { .stream = PEXEC_STDOUT, .time_ns = 1, .run = 1 };
  dice = seed;
  begin_with(draw(5) == 0 ? draw(64) : draw(4096));
  for (unsigned steps = 1 + draw(12); steps > 0; steps--) {
    size_t length = draw_data(data);
    line.stream = draw(2) == 0 ? PEXEC_STDOUT : PEXEC_STDERR;
    line.is_partial = (draw(4) == 0);
    line.time_ns += draw(1000);
    line.run += (draw(5) == 0);
    add(&line, data, length);
    expect_model();
  }
  (void)end(NULL);
}

static void it_keeps_the_last_lines_in_10000_histories (void **s) {
  (void)s;
  for (uint64_t seed = 0; seed < 10000; seed++)
    one_history(seed);
}

/* {== some by hand ======================================================= */

static const struct line plain = {
  .stream = PEXEC_STDERR, .time_ns = 5, .run = 2
};

static void an_empty_one_has_no_lines_and_no_memory (void **s) {
  pexec_tail copy = { 1, NULL, NULL };
  (void)s;
  assert_int_equal(pexec__tail_copy(&tail, &copy), 0);
  assert_int_equal(copy.count, 0);
  assert_null(copy.held);
  assert_null(tail.ring);
}

static void of_size_0_it_keeps_nothing (void **s) {
  (void)s;
  tail.size = 0;
  add(&plain, "a\nb\n", 4);
  expect_model();
  assert_null(tail.ring);
}

static void a_line_longer_than_the_ring_is_cut (void **s) {
  char data[2000];
  pexec_tail copy;
  (void)s;
  memset(data, 'x', sizeof data);
  add(&plain, data, sizeof data);
  expect_model();
  assert_int_equal(pexec__tail_copy(&tail, &copy), 0);
  assert_int_equal(copy.lines[0].length, 1000 - RECORD);
  pexec__free(copy.held);
}

/* The end of a line that came in pieces may be nothing but its end. */
static void an_empty_view_is_an_empty_line (void **s) {
  (void)s;
  add(&plain, "", 0);
  expect_model();
  assert_int_equal(model.count, 1);
}

static void a_copy_stays_as_it_is (void **s) {
  char data[900];
  pexec_tail copy;
  (void)s;
  add(&plain, "first\n", 6);
  assert_int_equal(pexec__tail_copy(&tail, &copy), 0);
  memset(data, 'x', sizeof data);
  add(&plain, data, sizeof data);
  add(&plain, data, sizeof data);
  assert_memory_equal(copy.lines[0].data, "first", 5);
  pexec__free(copy.held);
  expect_model();
}

static void without_memory_lines_are_not_kept_until_there_is_some (void **s) {
  (void)s;
  good_blocks = 0;
  add_to_tail(&plain, "lost\n", 5);
  assert_int_equal(tail.used, 0);
  good_blocks = -1;
  add(&plain, "kept\n", 5);
  expect_model();
}

static void without_memory_for_a_copy_it_is_kept (void **s) {
  pexec_tail copy;
  (void)s;
  add(&plain, "kept\n", 5);
  good_blocks = 0;
  assert_int_equal(pexec__tail_copy(&tail, &copy), -ENOMEM);
  assert_int_equal(copy.count, 0);
  assert_null(copy.held);
  good_blocks = -1;
  expect_model();
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(it_keeps_the_last_lines_in_10000_histories),
    SPEC(an_empty_one_has_no_lines_and_no_memory),
    SPEC(of_size_0_it_keeps_nothing),
    SPEC(a_line_longer_than_the_ring_is_cut),
    SPEC(an_empty_view_is_an_empty_line),
    SPEC(a_copy_stays_as_it_is),
    SPEC(without_memory_lines_are_not_kept_until_there_is_some),
    SPEC(without_memory_for_a_copy_it_is_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
