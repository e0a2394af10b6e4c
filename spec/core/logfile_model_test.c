/*
** Compares a log file with a model of it over thousands of random steps:
** lines written, files renamed, deleted, cut and added to by others, reopened,
** compressed, taken up by a next run. After each step its files, from the
** oldest to the newest, hold what was written, but for what 'keep' drops and
** others took away. One thread.
**
** seam: own logfile.c rotate.c compress.c
*/

#include "file_seam.h"

#define MOST_KEPT 6
#define MOST_BYTES 400         /* of one write of whole lines */

/* What is to be there, and what is. */
static struct bytes expected, found;

static struct {
  uint32_t random;
  bool are_lines_whole;        /* each write is of lines that fit a file */
  bool is_mixed;               /* others have added to the file */
  int step;
} model;

static uint32_t draw (uint32_t below) {
  model.random ^= model.random << 13;
  model.random ^= model.random >> 17;
  model.random ^= model.random << 5;
  return model.random % below;
}

#define EXPECT(condition) \
  if (!(condition)) \
    fail_msg("step %d: not so: %s (line %d)", model.step, #condition, \
             __LINE__)

/* {== looking =========================================================== */

/* FILE is number 0. */
static int64_t add_file (int number) {
  return number > 0 ? add_rotated(&found, number)
                    : add_content(&found, path);
}

/* A file is larger than it may be only where its last line is. */
static void check_size (int64_t length) {
  const char *data = found.data + found.length - length;
  int64_t over = length - options.max_size;
  if (over <= 0 || model.is_mixed)
    return;
  EXPECT(!model.are_lines_whole);
  EXPECT(memchr(data + options.max_size, '\n', (size_t)over - 1) == NULL);
}

/* Reads all; how many rotated files there are, of which none is over keep. */
static int look (void) {
  int count = 0;
  found.length = 0;
  for (int i = MOST_KEPT + 2; i >= 0; i--) {
    int64_t length = add_file(i);
    EXPECT(i <= options.keep || length < 0);
    if (length >= 0)
      check_size(length);
    count += (length >= 0 && i > 0);
  }
  return count;
}

/* Of what is expected the beginning may be gone, but only where as many files
   are kept as may be. */
static void check (void) {
  int count = look();
  size_t gone = expected.length - found.length;
  EXPECT(found.length <= expected.length);
  EXPECT(gone == 0 || count == options.keep);
  EXPECT(memcmp(expected.data + gone, found.data, found.length) == 0);
  memcpy(expected.data, found.data, found.length);
  expected.length = found.length;
}

/* What others have done to the files is as it is. */
static void accept (void) {
  (void)look();
  memcpy(expected.data, found.data, found.length);
  expected.length = found.length;
}

/* {== writing =========================================================== */

static size_t put_line (char *data) {
  size_t size = draw(options.max_size < 60 ? (uint32_t)options.max_size : 60);
  memset(data, 'a' + (int)draw(26), size);
  data[size] = '\n';
  return size + 1;
}

static size_t put_lines (char *data) {
  size_t length = 0;
  for (int lines = 1 + (int)draw(6); lines > 0; lines--)
    length += put_line(data + length);
  return length;
}

static size_t put_anything (char *data) {
  size_t length = draw(MOST_BYTES);
  for (size_t i = 0; i < length; i++)
    data[i] = draw(40) == 0 ? '\n' : (char)('a' + draw(26));
  return length;
}

static void write_bytes (const char *data, size_t length) {
  size_t done;
  EXPECT(put_bytes(data, length, &done) == 0);
  EXPECT(done == length);
  memcpy(expected.data + expected.length, data, length);
  expected.length += length;
}

static void write_some (void) {
  char data[MOST_BYTES];
  write_bytes(data, model.are_lines_whole ? put_lines(data)
                                          : put_anything(data));
}

/* {== others ============================================================ */

static void delete_rotated (int number) {
  char name[120];
  (void)snprintf(name, sizeof name, "%s.%d", path, number);
  (void)unlink(name);
  (void)strcat(name, ".gz");
  (void)unlink(name);
}

static void delete_all_rotated (void) {
  for (int i = 1; i <= MOST_KEPT; i++)
    delete_rotated(i);
}

/* Within the second it goes on in the old one, as far as that has room. */
static void others_rename (void) {
  const char *moved = in_directory("moved");
  char line[MOST_BYTES];
  delete_all_rotated();
  accept();
  assert_int_equal(rename(path, moved), 0);
  write_bytes(line, put_line(line));
  found.length = 0;
  (void)add_content(&found, moved);
  (void)add_content(&found, path);
  EXPECT(found.length == expected.length);
  EXPECT(memcmp(found.data, expected.data, found.length) == 0);
  assert_int_equal(unlink(moved), 0);
  move_clock(SECOND_NS);
  accept();
}

static void others_delete (void) {
  assert_int_equal(unlink(path), 0);
  move_clock(SECOND_NS);
  accept();
}

static void others_delete_rotated (void) {
  delete_rotated(1 + (int)draw(MOST_KEPT));
  accept();
}

static void others_cut (void) {
  assert_int_equal(truncate(path, 0), 0);
  if (draw(2) == 0)
    move_clock(SECOND_NS);
  accept();
}

static void others_add (void) {
  FILE *other;
  if (model.are_lines_whole)
    return;
  other = fopen(path, "a");
  assert_non_null(other);
  assert_true(fputs("others\n", other) >= 0);
  assert_int_equal(fclose(other), 0);
  model.is_mixed = true;
  accept();
}

/* {== steps ============================================================= */

static void compress_some (void) {
  for (int slices = (int)draw(4); slices > 0; slices--)
    (void)pexec__logfile_compress(file);
}

static void reopen (void) {
  EXPECT(pexec__logfile_reopen(file, &flaw) == 0);
}

static void run_anew (void) {
  close_log();
  if (draw(4) == 0)
    (void)pexec__logfile_new(&options, false, &file);
  else
    make();
  EXPECT(pexec__logfile_open(file, &flaw) == 0);
}

static void let_time_pass (void) {
  move_clock(draw(3) * SECOND_NS / 2);
  wall_ns += draw(3) * SECOND_NS;
}

static void step (void) {
  static void (*const steps[]) (void) = {
    compress_some, compress_some, let_time_pass, let_time_pass, reopen,
    run_anew, others_rename, others_delete, others_delete_rotated, others_cut,
    others_add
  };
  if (draw(3) > 0)
    write_some();
  else
    steps[draw(sizeof steps / sizeof steps[0])]();
  /* where others took the file away, and nothing was written since */
  if (!exists(path))
    write_some();
  if (!exists(path))
    reopen();
  check();
}

static void play (uint32_t seed, int steps) {
  model.random = seed;
  model.is_mixed = false;
  options.max_size = 40 + draw(200);
  options.keep = (int)draw(MOST_KEPT + 1);
  options.compress = (int)draw(2);
  options.rotate_every_ms = draw(2) * 5000;
  expected.length = 0;
  open_log();
  for (model.step = 0; model.step < steps; model.step++)
    step();
  close_log();
  expect_nothing_left();
  delete_all_rotated();
  assert_int_equal(unlink(path), 0);
}

static void whole_lines_are_kept_in_files_of_their_size (void **s) {
  (void)s;
  model.are_lines_whole = true;
  for (uint32_t seed = 1; seed <= 20; seed++)
    play(seed, 250);
}

static void whatever_bytes_there_are_are_kept_in_order (void **s) {
  (void)s;
  model.are_lines_whole = false;
  for (uint32_t seed = 101; seed <= 120; seed++)
    play(seed, 250);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(whole_lines_are_kept_in_files_of_their_size),
    SPEC(whatever_bytes_there_are_are_kept_in_order)
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
