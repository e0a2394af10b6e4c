/*
** Specifies the rotation of a log file, by size and by the wall clock: which
** line goes where, what the files are called, what others' files are spared.
** One thread.
**
** seam: own logfile.c rotate.c compress.c
*/

#include "file_seam.h"

#define HOUR_NS (3600 * SECOND_NS)
#define LONG_LINE 65536        /* what may be cut */

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

static void open_sized (int64_t max_size, int keep) {
  options.max_size = max_size;
  options.keep = keep;
  open_log();
}

/* {== by size ============================================================ */

static void a_line_that_does_not_fit_begins_a_new_file (void **s) {
  (void)s;
  open_sized(10, 5);
  put("one\n");
  put("two\n");
  put("three\n");
  expect_content(rotated(1), "one\ntwo\n");
  expect_content(path, "three\n");
}

static void a_full_file_is_rotated_by_the_next_line (void **s) {
  (void)s;
  open_sized(8, 5);
  put("one\ntwo\n");
  assert_false(exists(rotated(1)));
  put("three\n");
  expect_content(rotated(1), "one\ntwo\n");
}

static void one_write_fills_as_many_files_as_it_takes (void **s) {
  (void)s;
  open_sized(8, 5);
  put("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  expect_content(rotated(2), "0\n1\n2\n3\n");
  expect_content(rotated(1), "4\n5\n6\n7\n");
  expect_content(path, "8\n9\n");
}

static void each_file_takes_one_system_call (void **s) {
  static char data[MEBIBYTE];
  size_t done;
  (void)s;
  memset(data, 'x', sizeof data);
  for (size_t i = 99; i < sizeof data; i += 100)
    data[i] = '\n';
  open_sized(MEBIBYTE / 4, 5);
  assert_int_equal(put_bytes(data, sizeof data, &done), 0);
  assert_int_equal(size_of(rotated(4)), MEBIBYTE / 4 / 100 * 100);
  assert_int_equal(atomic_load(&calls[WRITE]), 5);
}

static void the_newest_is_1_and_what_is_over_keep_goes (void **s) {
  (void)s;
  open_sized(4, 3);
  put("one\ntwo\n333\n444\n555\n");
  expect_content(path, "555\n");
  expect_content(rotated(1), "444\n");
  expect_content(rotated(2), "333\n");
  expect_content(rotated(3), "two\n");
  assert_false(exists(rotated(4)));
}

static void with_nothing_to_keep_the_file_is_begun_anew (void **s) {
  (void)s;
  open_sized(4, 0);
  put("one\ntwo\n");
  expect_content(path, "two\n");
  assert_false(exists(rotated(1)));
}

static void with_no_size_it_grows (void **s) {
  (void)s;
  open_sized(0, 5);
  put("one\n");
  put("two\n");
  expect_content(path, "one\ntwo\n");
  assert_false(exists(rotated(1)));
}

static void the_new_file_has_the_mode_too (void **s) {
  struct stat found;
  mode_t old = umask(077);
  (void)s;
  options.mode = 0664;
  open_sized(4, 5);
  put("one\ntwo\n");
  (void)umask(old);
  assert_int_equal(stat(path, &found), 0);
  assert_int_equal(found.st_mode, S_IFREG | 0664);
}

static void what_is_there_at_the_opening_counts (void **s) {
  (void)s;
  put_file(path, "before\n");
  open_sized(10, 5);
  put("after\n");
  expect_content(rotated(1), "before\n");
  expect_content(path, "after\n");
}

static void what_others_add_counts_within_a_second (void **s) {
  FILE *other;
  (void)s;
  open_sized(10, 5);
  put("one\n");
  other = fopen(path, "a");
  assert_true(fputs("others\n", other) >= 0);
  assert_int_equal(fclose(other), 0);
  move_clock(SECOND_NS);
  put("two\n");
  expect_content(rotated(1), "one\nothers\n");
  expect_content(path, "two\n");
}

/* logrotate's copytruncate */
static void what_others_cut_leaves_room_within_a_second (void **s) {
  (void)s;
  open_sized(10, 5);
  put("12345678\n");
  assert_int_equal(truncate(path, 0), 0);
  move_clock(SECOND_NS);
  put("12345678\n");
  assert_false(exists(rotated(1)));
  expect_content(path, "12345678\n");
}

/* {== lines that do not fit ============================================== */

static void a_line_longer_than_a_file_has_one_of_its_own (void **s) {
  (void)s;
  open_sized(8, 5);
  put("one\nlonger than eight\ntwo\n");
  expect_content(rotated(2), "one\n");
  expect_content(rotated(1), "longer than eight\n");
  expect_content(path, "two\n");
}

static void a_line_that_comes_in_pieces_is_not_cut (void **s) {
  (void)s;
  open_sized(8, 5);
  put("begun, ");
  put("goes on, ");
  put("ends\ntwo\n");
  expect_content(rotated(1), "begun, goes on, ends\n");
  expect_content(path, "two\n");
}

static void a_torn_line_of_an_earlier_run_is_not_cut (void **s) {
  (void)s;
  put_file(path, "begun, ");
  open_sized(8, 5);
  put("ends\ntwo\n");
  expect_content(rotated(1), "begun, ends\n");
  expect_content(path, "two\n");
}

/* No log grows without bound: 1 GiB without a newline is cut. */
static void a_line_without_an_end_is_cut_at_64_kib (void **s) {
  static char data[3 * LONG_LINE];
  size_t done;
  (void)s;
  memset(data, 'x', sizeof data);
  open_sized(1000, 5);
  for (size_t at = 0; at < sizeof data; at += 4096)
    assert_int_equal(put_bytes(data + at, 4096, &done), 0);
  assert_int_equal(size_of(rotated(1)), LONG_LINE);
  assert_int_equal(size_of(rotated(2)), LONG_LINE);
  assert_int_equal(size_of(path), LONG_LINE);
}

static void a_long_line_fills_a_file_that_is_larger (void **s) {
  static char data[MEBIBYTE];
  size_t done;
  (void)s;
  memset(data, 'x', sizeof data);
  open_sized(2 * LONG_LINE, 9);
  put("short\n");
  assert_int_equal(put_bytes(data, sizeof data, &done), 0);
  expect_content(rotated(8), "short\n");
  for (int i = 1; i < 8; i++)
    assert_int_equal(size_of(rotated(i)), 2 * LONG_LINE);
  assert_int_equal(size_of(path), 2 * LONG_LINE);
}

/* {== names ============================================================== */

static void only_those_before_a_gap_are_renamed (void **s) {
  (void)s;
  put_file(rotated(1), "1\n");
  put_file(rotated(3), "3\n");
  open_sized(4, 5);
  put("one\ntwo\n");
  expect_content(rotated(1), "one\n");
  expect_content(rotated(2), "1\n");
  expect_content(rotated(3), "3\n");
  assert_false(exists(rotated(4)));
}

static void compressed_ones_are_renamed_and_dropped_alike (void **s) {
  (void)s;
  put_file(compressed(1), "1\n");
  put_file(rotated(2), "2\n");
  put_file(compressed(3), "3\n");
  open_sized(4, 3);
  put("one\ntwo\n");
  expect_content(rotated(1), "one\n");
  expect_content(compressed(2), "1\n");
  expect_content(rotated(3), "2\n");
  assert_false(exists(rotated(2)) || exists(compressed(3)));
}

/* A crash came between the renaming of the one and the removal of the
   other. */
static void of_one_that_is_there_in_both_forms_the_plain_one_stays (void **s) {
  (void)s;
  put_file(rotated(1), "1\n");
  put_file(compressed(1), "half of it");
  open_sized(4, 3);
  put("one\ntwo\n");
  expect_content(rotated(2), "1\n");
  assert_false(exists(compressed(1)) || exists(compressed(2)));
}

static void what_a_run_kept_that_kept_more_goes (void **s) {
  (void)s;
  for (int i = 1; i <= 5; i++)
    put_file(rotated(i), "old\n");
  put_file(compressed(6), "old\n");
  put_file(rotated(8), "not in the row\n");
  open_sized(4, 2);
  put("one\ntwo\n");
  expect_content(rotated(1), "one\n");
  expect_content(rotated(2), "old\n");
  for (int i = 3; i <= 7; i++)
    assert_false(exists(rotated(i)) || exists(compressed(i)));
  assert_true(exists(rotated(8)));
}

static void a_file_of_others_under_its_name_is_gone_on_in (void **s) {
  (void)s;
  open_sized(8, 5);
  put("one\n");
  assert_int_equal(rename(path, in_directory("moved")), 0);
  put_file(path, "o\n");
  put("two\nthree\n");     /* within the second, and too much */
  expect_content(in_directory("moved"), "one\ntwo\n");
  expect_content(path, "o\nthree\n");
  assert_false(exists(rotated(1)));
}

static void a_link_to_the_file_under_its_name_is_not_rotated (void **s) {
  (void)s;
  open_sized(8, 5);
  put("one\n");
  assert_int_equal(rename(path, in_directory("moved")), 0);
  assert_int_equal(symlink("moved", path), 0);
  put("two\nthree\n");
  expect_content(in_directory("moved"), "one\ntwo\nthree\n");
  assert_false(exists(rotated(1)));
}

static void a_file_that_others_make_at_the_last_moment_is_spared (void **s) {
  (void)s;
  open_sized(4, 5);
  seam.made_before_rename = rotated(1);
  put("one\ntwo\n");
  expect_content(path, "one\ntwo\n");
  expect_content(rotated(1), "others\n");
}

static void a_name_that_is_too_long_goes_on_in_one_file (void **s) {
  static char name[PATH_MAX];
  (void)s;
  (void)snprintf(name, sizeof name, "%s/", directory);
  memset(name + strlen(name), 'n', 255);
  options.path = name;
  open_sized(4, 5);
  put("one\ntwo\n");
  expect_content(name, "one\ntwo\n");
}

/* {== rotation that fails ================================================ */

static void where_it_fails_the_same_file_goes_on (void **s) {
  (void)s;
  open_sized(4, 5);
  fail_at(RENAME_NEW, 1, true);
  put("one\ntwo\n");
  expect_content(path, "one\ntwo\n");
}

static void what_failed_is_tried_again_a_second_later (void **s) {
  (void)s;
  open_sized(4, 5);
  fail_at(RENAME_NEW, 1, true);
  put("one\ntwo\n");
  for (int i = 0; i < 100; i++)
    put("3\n");
  move_clock(SECOND_NS - 1);
  put("4\n");
  assert_int_equal(atomic_load(&calls[RENAME_NEW]), 1);
  fail_at(RENAME_NEW, 0, false);
  move_clock(1);
  put("new\n");
  expect_content(path, "new\n");
  assert_int_equal(size_of(rotated(1)), 8 + 200 + 2);
}

static void without_a_new_file_the_rotated_one_goes_on (void **s) {
  (void)s;
  open_sized(4, 5);
  put("one\n");
  fail_at(OPEN, 1, true);
  put("two\n");
  expect_content(rotated(1), "one\ntwo\n");
  assert_false(exists(path));
  fail_at(OPEN, 0, false);
  move_clock(SECOND_NS);
  put("new\n");
  expect_content(path, "new\n");
  expect_content(rotated(1), "one\ntwo\n");
  assert_false(exists(rotated(2)));
}

static void with_nothing_kept_a_new_file_that_fails_is_told_of (void **s) {
  (void)s;
  open_sized(4, 0);
  put("one\n");
  fail_at(OPEN, 1, true);
  put_fails("two\n", -EMFILE);
  fail_at(OPEN, 0, false);
  move_clock(SECOND_NS);
  put("two\n");
  expect_content(path, "two\n");
}

/* {== by the clock ======================================================= */

static void open_hourly (void) {
  options.rotate_every_ms = 3600000;
  wall_ns = wall_ns / HOUR_NS * HOUR_NS + HOUR_NS;
  open_log();
}

static void the_first_line_of_an_hour_begins_a_new_file (void **s) {
  (void)s;
  open_hourly();
  put("one\n");
  wall_ns += HOUR_NS - 1;
  put("two\n");
  assert_false(exists(rotated(1)));
  wall_ns += 1;
  put("three\n");
  put("four\n");
  expect_content(rotated(1), "one\ntwo\n");
  expect_content(path, "three\nfour\n");
  assert_false(exists(rotated(2)));
}

static void hours_without_a_line_make_no_file (void **s) {
  (void)s;
  open_hourly();
  wall_ns += 5 * HOUR_NS;
  put("one\n");
  assert_false(exists(rotated(1)));
  wall_ns += 5 * HOUR_NS;
  put("two\n");
  expect_content(rotated(1), "one\n");
  assert_false(exists(rotated(2)));
}

static void a_file_of_an_earlier_hour_is_rotated_first (void **s) {
  struct timespec times[2] = { { 1000, 0 }, { 1000, 0 } };
  (void)s;
  put_file(path, "old\n");
  assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
  open_hourly();
  put("new\n");
  expect_content(rotated(1), "old\n");
  expect_content(path, "new\n");
}

static void a_clock_set_back_rotates_nothing (void **s) {
  (void)s;
  open_hourly();
  put("one\n");
  wall_ns -= 10 * HOUR_NS;
  put("two\n");
  assert_false(exists(rotated(1)));
  wall_ns += HOUR_NS;     /* an hour later, as told by that clock */
  put("three\n");
  expect_content(rotated(1), "one\ntwo\n");
}

static void an_hour_waits_for_the_line_to_end (void **s) {
  (void)s;
  open_hourly();
  put("begun, ");
  wall_ns += HOUR_NS;
  put("ends\ntwo\n");
  expect_content(rotated(1), "begun, ends\n");
  expect_content(path, "two\n");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_line_that_does_not_fit_begins_a_new_file),
    SPEC(a_full_file_is_rotated_by_the_next_line),
    SPEC(one_write_fills_as_many_files_as_it_takes),
    SPEC(each_file_takes_one_system_call),
    SPEC(the_newest_is_1_and_what_is_over_keep_goes),
    SPEC(with_nothing_to_keep_the_file_is_begun_anew),
    SPEC(with_no_size_it_grows),
    SPEC(the_new_file_has_the_mode_too),
    SPEC(what_is_there_at_the_opening_counts),
    SPEC(what_others_add_counts_within_a_second),
    SPEC(what_others_cut_leaves_room_within_a_second),
    SPEC(a_line_longer_than_a_file_has_one_of_its_own),
    SPEC(a_line_that_comes_in_pieces_is_not_cut),
    SPEC(a_torn_line_of_an_earlier_run_is_not_cut),
    SPEC(a_line_without_an_end_is_cut_at_64_kib),
    SPEC(a_long_line_fills_a_file_that_is_larger),
    SPEC(only_those_before_a_gap_are_renamed),
    SPEC(compressed_ones_are_renamed_and_dropped_alike),
    SPEC(of_one_that_is_there_in_both_forms_the_plain_one_stays),
    SPEC(what_a_run_kept_that_kept_more_goes),
    SPEC(a_file_of_others_under_its_name_is_gone_on_in),
    SPEC(a_link_to_the_file_under_its_name_is_not_rotated),
    SPEC(a_file_that_others_make_at_the_last_moment_is_spared),
    SPEC(a_name_that_is_too_long_goes_on_in_one_file),
    SPEC(where_it_fails_the_same_file_goes_on),
    SPEC(what_failed_is_tried_again_a_second_later),
    SPEC(without_a_new_file_the_rotated_one_goes_on),
    SPEC(with_nothing_kept_a_new_file_that_fails_is_told_of),
    SPEC(the_first_line_of_an_hour_begins_a_new_file),
    SPEC(hours_without_a_line_make_no_file),
    SPEC(a_file_of_an_earlier_hour_is_rotated_first),
    SPEC(a_clock_set_back_rotates_nothing),
    SPEC(an_hour_waits_for_the_line_to_end)
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
