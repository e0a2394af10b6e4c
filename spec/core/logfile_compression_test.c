/*
** Specifies the compression of rotated files: that nothing is lost whoever
** writes, rotates or crashes meanwhile. One thread, but for the last spec.
**
** seam: own logfile.c rotate.c compress.c
*/

#include "file_seam.h"

#include <pthread.h>

static const char *rotated (int number) {
  char name[32];
  (void)snprintf(name, sizeof name, "x.log.%d", number);
  return in_directory(name);
}

static const char *compressed (int number) {
  char name[32];
  (void)snprintf(name, sizeof name, "x.log.%d.gz", number);
  return in_directory(name);
}

static const char *unfinished (void) {
  return in_directory("x.log.gz-tmp");
}

#define HOUR_NS (3600 * SECOND_NS)

static void open_compressed (int64_t max_size, int keep) {
  options.max_size = max_size;
  options.keep = keep;
  options.compress = 1;
  options.rotate_every_ms = HOUR_NS / 1000000;
  open_log();
}

/* Until there is no more to do; how many slices that took. */
static int compress_all (void) {
  int slices = 1;
  while (pexec__logfile_compress(file))
    assert_in_range(++slices, 1, 100000);
  assert_false(pexec__logfile_wants_compression(file));
  assert_false(exists(unfinished()));
  return slices;
}

/* Lines whose compression takes several slices, with a clock that moves by a
   millisecond at each look. */
static void put_big_file (void) {
  static char data[MEBIBYTE];
  size_t done;
  unsigned random = 1;
  for (size_t i = 0; i < sizeof data; i++) {
    random = random * 1103515245 + 12345;
    data[i] = i % 64 == 63 ? '\n' : (char)(' ' + (random >> 16) % 64);
  }
  assert_int_equal(put_bytes(data, sizeof data, &done), 0);
  seam.tick_ns = 1000000;
}

static void put_an_hour_later (const char *text) {
  wall_ns += HOUR_NS;
  put(text);
}

/* Is a slice into the compression of FILE.1, a big one. */
static void begin_big_file (void) {
  put_big_file();
  put_an_hour_later("next\n");
  assert_true(exists(rotated(1)));
  assert_true(pexec__logfile_compress(file));
  assert_true(pexec__logfile_compress(file));
  assert_true(exists(unfinished()));
}

/* {== what is done ======================================================= */

static void a_rotated_file_is_compressed_and_its_original_goes (void **s) {
  (void)s;
  open_compressed(8, 5);
  (void)compress_all();
  put("one\ntwo\nthree\n");
  assert_true(pexec__logfile_wants_compression(file));
  (void)compress_all();
  assert_false(exists(rotated(1)));
  expect_content(compressed(1), "one\ntwo\n");
  run("gzip -t '%s'", compressed(1));
  expect_content(path, "three\n");
}

static void what_is_not_to_be_compressed_stays (void **s) {
  (void)s;
  options.max_size = 4;
  open_log();
  put("one\ntwo\n");
  assert_false(pexec__logfile_wants_compression(file));
  assert_false(pexec__logfile_compress(file));
  expect_content(rotated(1), "one\n");
}

static void all_of_an_earlier_run_are_the_oldest_first (void **s) {
  (void)s;
  put_file(rotated(1), "1\n");
  put_file(compressed(2), "2\n");
  put_file(rotated(3), "3\n");
  put_file(rotated(5), "5\n");
  open_compressed(8, 9);
  while (!exists(compressed(5)))
    assert_true(pexec__logfile_compress(file));
  assert_true(exists(rotated(3)) && exists(rotated(1)));
  (void)compress_all();
  expect_content(compressed(1), "1\n");
  expect_content(compressed(2), "2\n");
  expect_content(compressed(3), "3\n");
  expect_content(compressed(5), "5\n");
}

static void it_has_the_permissions_of_its_original (void **s) {
  struct stat found;
  (void)s;
  put_file(rotated(1), "secret\n");
  assert_int_equal(chmod(rotated(1), 0600), 0);
  open_compressed(8, 5);
  (void)compress_all();
  assert_int_equal(stat(compressed(1), &found), 0);
  assert_int_equal(found.st_mode, S_IFREG | 0600);
}

static void a_call_takes_a_few_milliseconds (void **s) {
  int64_t before;
  (void)s;
  open_compressed(MEBIBYTE, 5);
  begin_big_file();
  before = seam.now_ns;
  assert_true(pexec__logfile_compress(file));
  assert_in_range(seam.now_ns - before, 5000000, 10000000);
  assert_true(compress_all() > 3);
  run("test \"$(gzip -dc '%s' | wc -c)\" = %d", compressed(1), MEBIBYTE);
}

static void it_holds_memory_and_files_only_meanwhile (void **s) {
  (void)s;
  open_compressed(MEBIBYTE, 5);
  begin_big_file();
  (void)compress_all();
  assert_int_equal(atomic_load(&blocks), 1);
  assert_int_equal(atomic_load(&descriptors), 1);
}

/* {== what happens meanwhile ============================================= */

static void it_takes_the_number_that_its_original_has_by_then (void **s) {
  (void)s;
  open_compressed(MEBIBYTE, 5);
  begin_big_file();
  put_an_hour_later("more\n");
  assert_true(exists(rotated(2)));
  (void)compress_all();
  expect_content(compressed(1), "next\n");
  run("test \"$(gzip -dc '%s' | wc -c)\" = %d", compressed(2), MEBIBYTE);
}

static void one_that_is_rotated_away_is_given_up (void **s) {
  (void)s;
  open_compressed(MEBIBYTE, 1);
  begin_big_file();
  put_an_hour_later("more\n");
  (void)compress_all();
  expect_content(compressed(1), "next\n");
  assert_false(exists(compressed(2)) || exists(rotated(1)));
}

static void one_that_others_replace_is_left_alone (void **s) {
  (void)s;
  open_compressed(MEBIBYTE, 5);
  begin_big_file();
  assert_int_equal(unlink(rotated(1)), 0);
  put_file(rotated(1), "others\n");
  (void)compress_all();
  expect_content(rotated(1), "others\n");
  assert_false(exists(compressed(1)));
}

static void one_that_others_add_to_is_left_alone (void **s) {
  FILE *other;
  (void)s;
  open_compressed(MEBIBYTE, 5);
  begin_big_file();
  other = fopen(rotated(1), "a");
  assert_true(fputs("late\n", other) >= 0);
  assert_int_equal(fclose(other), 0);
  (void)compress_all();
  assert_int_equal(size_of(rotated(1)), MEBIBYTE + 5);
  assert_false(exists(compressed(1)));
}

/* As another object of the same path has, until it looks at the name. */
static void one_that_anybody_can_still_write_to_waits (void **s) {
  FILE *other;
  (void)s;
  open_compressed(4, 5);
  other = fopen(path, "a");
  (void)compress_all();
  put("one\ntwo\n");
  assert_int_equal(compress_all(), 1);    /* not even begun */
  assert_true(fputs("late\n", other) >= 0);
  assert_int_equal(fclose(other), 0);
  put("three\n");
  (void)compress_all();
  expect_content(compressed(2), "one\nlate\n");
  expect_content(compressed(1), "two\n");
}

/* Though the file system cannot tell that it is written to. */
static void the_file_that_is_written_is_never_taken (void **s) {
  (void)s;
  open_compressed(4, 5);
  put("one\n");
  fail_at(OPEN, 1, true);
  put("two\n");
  fail_at(OPEN, 0, false);
  seam.ignores_writers = true;
  (void)compress_all();
  put("three\n");
  expect_content(rotated(1), "one\ntwo\nthree\n");
}

/* {== crashes ============================================================ */

static void what_a_crash_left_unfinished_is_removed (void **s) {
  (void)s;
  put_file(unfinished(), "half of it");
  put_file(rotated(1), "1\n");
  open_compressed(8, 5);
  (void)compress_all();
  expect_content(compressed(1), "1\n");
}

static void a_link_in_place_of_the_unfinished_is_not_followed (void **s) {
  (void)s;
  put_file(in_directory("victim"), "mine");
  assert_int_equal(symlink("victim", unfinished()), 0);
  put_file(rotated(1), "1\n");
  open_compressed(8, 5);
  (void)compress_all();
  expect_content(compressed(1), "1\n");
  expect_content(in_directory("victim"), "mine");
}

/* It crashed before the original was removed. */
static void one_that_is_there_in_both_forms_is_compressed_again (void **s) {
  (void)s;
  put_file(rotated(1), "1\n");
  put_file(compressed(1), "half of it");
  open_compressed(8, 5);
  (void)compress_all();
  expect_content(compressed(1), "1\n");
  assert_false(exists(rotated(1)));
}

/* {== failures =========================================================== */

static void what_fails_is_tried_again_after_the_next_rotation (void **s) {
  (void)s;
  open_compressed(4, 5);
  put("one\ntwo\n");
  fail_at(WRITE, 1, true);
  (void)compress_all();
  expect_content(rotated(1), "one\n");
  fail_at(WRITE, 0, false);
  assert_false(pexec__logfile_compress(file));
  put("three\n");
  (void)compress_all();
  expect_content(compressed(1), "two\n");
  expect_content(compressed(2), "one\n");
}

static void what_can_never_be_compressed_holds_up_no_other (void **s) {
  (void)s;
  assert_int_equal(mkdir(rotated(3), 0700), 0);
  assert_int_equal(symlink("nowhere", rotated(2)), 0);
  put_file(rotated(1), "1\n");
  open_compressed(8, 5);
  (void)compress_all();
  expect_content(compressed(1), "1\n");
  assert_true(exists(rotated(2)) && exists(rotated(3)));
}

/* {== giving up ========================================================== */

static void once_abandoned_it_leaves_all_as_it_was (void **s) {
  (void)s;
  open_compressed(MEBIBYTE, 5);
  begin_big_file();
  pexec__logfile_abandon(file);
  assert_false(pexec__logfile_compress(file));
  assert_false(pexec__logfile_wants_compression(file));
  assert_false(exists(unfinished()));
  assert_int_equal(size_of(rotated(1)), MEBIBYTE);
}

static void freed_in_the_middle_it_leaves_all_as_it_was (void **s) {
  (void)s;
  open_compressed(MEBIBYTE, 5);
  begin_big_file();
  close_log();
  expect_nothing_left();
  assert_false(exists(unfinished()));
  assert_int_equal(size_of(rotated(1)), MEBIBYTE);
}

/* {== beside a writer ==================================================== */

#define LINES 20000

static void *compress_beside (void *is_over) {
  for (;;) {
    bool was_over = atomic_load((atomic_bool *)is_over);
    if (!pexec__logfile_compress(file) && was_over)
      return NULL;
  }
}

static void another_thread_compresses_while_lines_are_written (void **s) {
  static struct bytes found;
  char line[32], last[120];
  size_t at = 0;
  pthread_t thread;
  atomic_bool is_over;
  (void)s;
  atomic_init(&is_over, false);
  open_compressed(2000, 10000);
  assert_int_equal(pthread_create(&thread, NULL, compress_beside, &is_over),
                   0);
  for (int i = 0; i < LINES; i++) {
    (void)snprintf(line, sizeof line, "line %05d\n", i);
    put(line);
  }
  atomic_store(&is_over, true);
  assert_int_equal(pthread_join(thread, NULL), 0);
  (void)compress_all();
  found.length = 0;
  for (int i = LINES; i >= 1; i--)
    (void)add_rotated(&found, i);
  (void)add_content(&found, path);
  for (int i = 0; i < LINES; i++, at += strlen(line)) {
    (void)snprintf(line, sizeof line, "line %05d\n", i);
    assert_memory_equal(found.data + at, line, strlen(line));
  }
  assert_int_equal(found.length, at);
  (void)snprintf(last, sizeof last, "%s", compressed(1));
  assert_true(exists(last));
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_rotated_file_is_compressed_and_its_original_goes),
    SPEC(what_is_not_to_be_compressed_stays),
    SPEC(all_of_an_earlier_run_are_the_oldest_first),
    SPEC(it_has_the_permissions_of_its_original),
    SPEC(a_call_takes_a_few_milliseconds),
    SPEC(it_holds_memory_and_files_only_meanwhile),
    SPEC(it_takes_the_number_that_its_original_has_by_then),
    SPEC(one_that_is_rotated_away_is_given_up),
    SPEC(one_that_others_replace_is_left_alone),
    SPEC(one_that_others_add_to_is_left_alone),
    SPEC(one_that_anybody_can_still_write_to_waits),
    SPEC(the_file_that_is_written_is_never_taken),
    SPEC(what_a_crash_left_unfinished_is_removed),
    SPEC(a_link_in_place_of_the_unfinished_is_not_followed),
    SPEC(one_that_is_there_in_both_forms_is_compressed_again),
    SPEC(what_fails_is_tried_again_after_the_next_rotation),
    SPEC(what_can_never_be_compressed_holds_up_no_other),
    SPEC(once_abandoned_it_leaves_all_as_it_was),
    SPEC(freed_in_the_middle_it_leaves_all_as_it_was),
    SPEC(another_thread_compresses_while_lines_are_written)
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
