/*
** Specifies, with 1,600 random histories, that every line put into a sink is
** written, or lost, counted and told of, once, where it is missing. One
** thread.
**
** seam: own sink.c opening.c delivery.c chunk.c format.c escape.c error.c
*/

#include "sink_seam.h"

#define LINE 64

/* {== what a file says =================================================== */

/* Behind the last line: */
struct reading {
  int last;                 /* its number; -1: none */
  uint64_t told;            /* lines that are told lost, in all */
  uint64_t gap;             /* since that line */
  int written;              /* lines, in all */
  bool is_torn;             /* it has no proper end: a gap is to follow */
};

static const char *const line_ends[] = {
  [PEXEC_RAW] = ";", [PEXEC_TEXT] = ";", [PEXEC_JSON] = ";\"}",
};

static bool ends_with (const char *line, size_t length, const char *end) {
  size_t size = strlen(end);
  return length >= size && memcmp(line + length - size, end, size) == 0;
}

/* The number of a whole line; -1: it is none. */
static int number_of (const char *line, size_t length) {
  const char *start = memchr(line, '<', length);
  if (start == NULL ||
      !ends_with(line, length, line_ends[sink->format]))
    return -1;
  return atoi(start + 1);
}

/* The lines that a whole gap line tells of, 0 for a part of one; -1: it is
   none. */
static long long gap_of (const char *line, size_t length) {
  static const char *const ends[] = {
    "left on device", "in time", "output error", "allocate memory",
    "temporarily unavailable"
  };
  const char *word = memmem(line, length, " lines lost here: ", 18);
  bool has_end = false;
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    has_end |= memmem(line, length, ends[i], strlen(ends[i])) != NULL;
  if (has_end && memmem(line, length, "part of a line", 14) != NULL)
    return 0;
  if (word == NULL || !has_end ||
      (sink->format == PEXEC_JSON && !ends_with(line, length, "\"}")))
    return -1;
  while (word > line && word[-1] >= '0' && word[-1] <= '9')
    word--;
  return atoll(word);
}

/* What is missing ahead of a line is told of there. Where the next one fails
   behind a gap line that did not, there are two. */
static void read_line (struct reading *reading, const char *line,
                       size_t length) {
  int number = number_of(line, length);
  long long gap = gap_of(line, length);
  if (number >= 0) {
    assert_false(reading->is_torn);
    assert_int_equal(number - reading->last - 1, reading->gap);
    reading->last = number;
    reading->gap = 0;
    reading->written++;
  }
  else if (gap >= 0) {
    reading->gap += (uint64_t)gap;
    reading->told += (uint64_t)gap;
    reading->is_torn = false;
  }
  else
    reading->is_torn = true;
}

static struct reading read_file (void) {
  struct reading reading = { .last = -1 };
  const char *at = world.text, *last = world.text + world.length;
  while (at < last) {
    const char *newline = memchr(at, '\n', (size_t)(last - at));
    assert_non_null(newline);
    read_line(&reading, at, (size_t)(newline - at));
    at = newline + 1;
  }
  assert_false(reading.is_torn);
  return reading;
}

/* {== histories ========================================================== */

/* How the one that is to come differs from others. */
struct kind {
  enum pexec_format format;
  bool blocks;
  unsigned chance;          /* of a failing write, percent */
  bool lacks_memory;        /* now and then */
  bool drops;               /* a slow one begins to, now and then */
  bool cuts;                /* one stream, put in parts that end anywhere */
};

static char carried[200 * LINE];
static size_t carried_length;

/* Keeps a part of it for the next time. */
static size_t cut_off (char *data, size_t length, bool is_last) {
  size_t part = is_last ? length : draw((unsigned)length + 1);
  if (length - part > sizeof carried)
    part = length - sizeof carried;
  if (part > 0 && part < length && data[part] == '\n')
    part--;  /* as for writes: see most_of */
  carried_length = length - part;
  memcpy(carried, data + part, carried_length);
  return part;
}

static void put_part (char *data, size_t length) {
  if (length > 0)
    (void)put_view(0, data, length, pexec__count_newlines(data, length),
                   false, false);
}

/* Lines of various lengths, each with the next number; in the name of one of
   the processes. */
static int put_some (const struct kind *kind, int next, unsigned most) {
  char data[400 * LINE];
  size_t length = kind->cuts ? carried_length : 0;
  unsigned count = 1 + draw(most);
  memcpy(data, carried, length);
  for (unsigned i = 0; i < count; i++) {
    memset(data + length, 'x', LINE);
    length += (size_t)sprintf(data + length, "<%d>", next++);
    length += draw(LINE - 16);
    memcpy(data + length, "xx;\n", 4);
    length += 4;
  }
  if (kind->cuts)
    put_part(data, cut_off(data, length, false));
  else
    (void)put_view((int)draw(2), data, length, count, false, false);
  return next;
}

static void take_a_turn (void) {
  int64_t wait_ns = serve();
  if (wait_ns > 0)
    world.now_ns += wait_ns;
}

static int live (const struct kind *kind) {
  int next = 0;
  for (int step = 0; step < 60; step++) {
    world.chance = draw(3) > 0 ? kind->chance : 0;
    world.good_blocks = kind->lacks_memory && draw(8) == 0 ? 0 : -1;
    next = put_some(kind, next, 1 + draw(100));
    if (draw(2) > 0)
      take_a_turn();
    if (kind->drops && draw(10) == 0) {
      sink->is_full = true;  /* as if it were, to be quick */
      pexec__sink_begin_dropping(sink);
    }
  }
  world.good_blocks = -1;
  world.chance = 0;
  if (kind->cuts)
    put_part(carried, cut_off(carried, carried_length, true));
  return next;
}

/* What the ledgers have, and the sink, is what the file tells. */
static void expect_sums (int put_lines) {
  struct reading reading = read_file();
  assert_int_equal(put_lines - 1 - reading.last, reading.gap);
  assert_int_equal(reading.written + (int)reading.told, put_lines);
  assert_int_equal(drops_of(0) + drops_of(1), reading.told);
  assert_int_equal(pexec__sink_read_state(sink).lost_ever, reading.told);
}

static void check (const struct kind *kind, uint64_t seed, bool closes) {
  void *state = NULL;
  int put_lines;
  dice = seed;
  carried_length = 0;
  (void)begin(&state);
  make_file(kind->format, kind->blocks);
  put_lines = live(kind);
  if (closes)
    pexec__sink_put_close(sink);
  serve_until_idle();
  assert_int_equal(pexec__sink_is_closed(sink), closes);
  assert_int_equal(sink->queued_bytes, 0);
  assert_true(pexec__sink_has_settled(sink, pexec__sink_position(sink)));
  expect_sums(put_lines);
  if (kind->blocks && !kind->lacks_memory)
    assert_int_equal(drops_of(0) + drops_of(1), 0);
  (void)end(&state);
}

static void check_all (const struct kind *kind) {
  for (uint64_t seed = 0; seed < 200; seed++)
    check(kind, seed, seed % 2 == 0);
}

static void check_formats (struct kind kind) {
  kind.format = PEXEC_RAW;
  check_all(&kind);
  kind.format = PEXEC_TEXT;
  check_all(&kind);
  kind.format = PEXEC_JSON;
  check_all(&kind);
}

static void a_line_is_written_or_told_lost_where_it_is_missing (void **s) {
  (void)s;
  check_formats((struct kind){ .chance = 40, .drops = true,
                               .lacks_memory = true });
}

/* With its beginning, the rest of a line is lost too, and counts. */
static void so_is_a_line_of_which_a_part_is_lost (void **s) {
  (void)s;
  check_all(&(const struct kind){ .format = PEXEC_RAW, .chance = 40,
                                  .drops = true, .lacks_memory = true,
                                  .cuts = true });
}

static void one_that_blocks_loses_nothing_whatever_fails (void **s) {
  (void)s;
  check_all(&(const struct kind){ .format = PEXEC_RAW, .chance = 40,
                                  .blocks = true, .cuts = true });
  check_formats((struct kind){ .chance = 40, .blocks = true });
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_line_is_written_or_told_lost_where_it_is_missing),
    cmocka_unit_test(so_is_a_line_of_which_a_part_is_lost),
    cmocka_unit_test(one_that_blocks_loses_nothing_whatever_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
