/*
** Specifies how a log file is opened, written and followed: real files, FIFOs
** and devices, a clock that stands still. One thread.
**
** seam: own logfile.c rotate.c compress.c
*/

#include "file_seam.h"

#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "logfile_state.h"

#define MS INT64_C(1000000)

/* {== opening ============================================================ */

static void a_new_file_has_exactly_its_mode_whatever_the_umask (void **s) {
  struct stat found;
  mode_t old = umask(077);
  (void)s;
  options.mode = 0664;
  open_log();
  (void)umask(old);
  assert_int_equal(stat(path, &found), 0);
  assert_int_equal(found.st_mode, S_IFREG | 0664);
}

static void a_file_that_is_there_keeps_its_mode_and_what_it_holds (void **s) {
  struct stat found;
  (void)s;
  put_file(path, "before\n");
  assert_int_equal(chmod(path, 0604), 0);
  open_log();
  put("after\n");
  expect_content(path, "before\nafter\n");
  assert_int_equal(stat(path, &found), 0);
  assert_int_equal(found.st_mode, S_IFREG | 0604);
}

static void nothing_is_opened_before_it_is_asked_for (void **s) {
  (void)s;
  make();
  assert_false(exists(path));
  assert_false(pexec__logfile_is_regular(file));
  assert_int_equal(pexec__logfile_device(file), 0);
}

static void a_regular_file_tells_its_device (void **s) {
  struct stat found;
  (void)s;
  open_log();
  assert_int_equal(stat(path, &found), 0);
  assert_true(pexec__logfile_is_regular(file));
  assert_int_equal(pexec__logfile_device(file), found.st_dev);
}

static void a_symbolic_link_is_refused_and_its_target_left_alone (void **s) {
  (void)s;
  put_file(in_directory("victim"), "mine");
  assert_int_equal(symlink("victim", path), 0);
  assert_int_equal(try_open(), -ELOOP);
  assert_int_equal(flaw, PEXEC__FLAW_LINK);
  put_fails("line\n", -ELOOP);
  expect_content(in_directory("victim"), "mine");
}

static void a_link_put_there_at_the_last_moment_is_refused (void **s) {
  (void)s;
  put_file(path, "mine");
  put_file(in_directory("victim"), "mine");
  seam.linked_before_open = "victim";
  assert_int_equal(try_open(), -ELOOP);
  assert_int_equal(flaw, PEXEC__FLAW_LINK);
}

static void a_link_to_nothing_makes_nothing (void **s) {
  (void)s;
  assert_int_equal(symlink("victim", path), 0);
  assert_int_equal(try_open(), -ELOOP);
  assert_int_equal(flaw, PEXEC__FLAW_LINK);
  assert_false(exists(in_directory("victim")));
}

static void a_directory_is_refused (void **s) {
  (void)s;
  assert_int_equal(mkdir(path, 0700), 0);
  assert_int_equal(try_open(), -EISDIR);
  assert_int_equal(flaw, PEXEC__FLAW_NONE);
}

static void a_missing_directory_is_an_error (void **s) {
  (void)s;
  options.path = in_directory("missing/x.log");
  assert_int_equal(try_open(), -ENOENT);
  assert_int_equal(flaw, PEXEC__FLAW_NONE);
}

static void a_device_is_refused_unopened (void **s) {
  (void)s;
  options.path = "/dev/full";
  assert_int_equal(try_open(), -EINVAL);
  assert_int_equal(flaw, PEXEC__FLAW_KIND);
  assert_int_equal(atomic_load(&calls[OPEN]), 1);  /* to make it */
}

static void a_socket_is_refused (void **s) {
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  (void)s;
  (void)strcpy(address.sun_path, path);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  allows_devices = true;
  assert_int_equal(try_open(), -EINVAL);
  assert_int_equal(flaw, PEXEC__FLAW_KIND);
  (void)close(fd);
}

static void its_own_part_of_memory_is_small (void **s) {
  (void)s;
  assert_true(sizeof(struct pexec__logfile) <= 500);
}

static void where_memory_is_short_none_is_made (void **s) {
  (void)s;
  fail_at(MEMORY, 1, false);
  assert_int_equal(pexec__logfile_new(&options, false, &file), -ENOMEM);
  assert_null(file);
}

/* {== devices, for loggers =============================================== */

static void a_device_where_allowed_is_written_to (void **s) {
  (void)s;
  allows_devices = true;
  options.path = "/dev/full";
  open_log();
  assert_false(pexec__logfile_is_regular(file));
  assert_int_equal(pexec__logfile_device(file), 0);
  put_fails("line\n", -ENOSPC);
}

static void a_link_where_allowed_is_followed_and_never_rotated (void **s) {
  (void)s;
  allows_devices = true;
  options.max_size = 8;
  put_file(in_directory("target"), "");
  assert_int_equal(symlink("target", path), 0);
  open_log();
  put("one\n");
  put("two\nthree\n");
  expect_content(in_directory("target"), "one\ntwo\nthree\n");
  move_clock(2 * SECOND_NS);
  put("four\n");
  assert_int_equal(atomic_load(&descriptors), 1);
  expect_content(in_directory("target"), "one\ntwo\nthree\nfour\n");
  assert_false(exists(in_directory("x.log.1")));
}

static void a_link_to_nothing_is_an_error_even_where_allowed (void **s) {
  (void)s;
  allows_devices = true;
  assert_int_equal(symlink("target", path), 0);
  assert_int_equal(try_open(), -ENOENT);
  assert_false(exists(in_directory("target")));
}

/* {== trying again ======================================================= */

static void what_cannot_be_opened_is_tried_every_100_ms (void **s) {
  int tries;
  (void)s;
  options.path = in_directory("late/x.log");
  assert_int_equal(try_open(), -ENOENT);
  tries = atomic_load(&calls[OPEN]);
  assert_int_equal(mkdir(in_directory("late"), 0700), 0);
  move_clock(99 * MS);
  put_fails("lost\n", -ENOENT);
  assert_int_equal(atomic_load(&calls[OPEN]), tries);
  move_clock(1 * MS);
  put("kept\n");
  expect_content(in_directory("late/x.log"), "kept\n");
}

static void a_write_opens_what_was_never_tried (void **s) {
  (void)s;
  make();
  put("line\n");
  expect_content(path, "line\n");
}

/* {== following ========================================================== */

static void a_renamed_file_is_made_anew_within_a_second (void **s) {
  (void)s;
  open_log();
  put("one\n");
  assert_int_equal(rename(path, in_directory("moved")), 0);
  move_clock(999 * MS);
  put("two\n");
  assert_false(exists(path));
  move_clock(1 * MS);
  put("three\n");
  expect_content(in_directory("moved"), "one\ntwo\n");
  expect_content(path, "three\n");
}

static void a_deleted_file_is_made_anew (void **s) {
  (void)s;
  open_log();
  put("one\n");
  assert_int_equal(unlink(path), 0);
  move_clock(SECOND_NS);
  put("two\n");
  expect_content(path, "two\n");
}

static void the_name_is_looked_at_once_a_second_at_most (void **s) {
  int looks;
  (void)s;
  open_log();
  looks = atomic_load(&calls[FILE_AT]);
  for (int i = 0; i < 1000; i++)
    put("line\n");
  assert_int_equal(atomic_load(&calls[FILE_AT]), looks);
  move_clock(SECOND_NS);
  for (int i = 0; i < 1000; i++)
    put("line\n");
  assert_int_equal(atomic_load(&calls[FILE_AT]), looks + 1);
  assert_int_equal(atomic_load(&calls[OPEN]), 1);
}

static void a_link_put_in_its_place_is_not_followed (void **s) {
  (void)s;
  put_file(in_directory("victim"), "mine");
  open_log();
  put("one\n");
  assert_int_equal(rename(path, in_directory("moved")), 0);
  assert_int_equal(symlink("victim", path), 0);
  move_clock(SECOND_NS);
  put("two\n");
  expect_content(in_directory("moved"), "one\ntwo\n");
  expect_content(in_directory("victim"), "mine");
}

static void what_would_go_into_a_deleted_file_is_not_taken (void **s) {
  (void)s;
  open_log();
  put("one\n");
  assert_int_equal(unlink(path), 0);
  assert_int_equal(symlink("victim", path), 0);
  move_clock(SECOND_NS);
  put_fails("two\n", -ELOOP);
  assert_int_equal(atomic_load(&descriptors), 0);
  assert_int_equal(unlink(path), 0);
  move_clock(100 * MS);
  put("two\n");
  expect_content(path, "two\n");
}

static void a_directory_that_goes_and_comes_back_is_survived (void **s) {
  (void)s;
  assert_int_equal(mkdir(in_directory("d"), 0700), 0);
  options.path = in_directory("d/x.log");
  open_log();
  put("one\n");
  run("rm -r '%s'", in_directory("d"));
  move_clock(SECOND_NS);
  put_fails("two\n", -ENOENT);
  assert_int_equal(mkdir(in_directory("d"), 0700), 0);
  move_clock(100 * MS);
  put("two\n");
  expect_content(in_directory("d/x.log"), "two\n");
}

static void a_reopening_on_order_does_not_wait_for_the_second (void **s) {
  (void)s;
  open_log();
  put("one\n");
  assert_int_equal(rename(path, in_directory("moved")), 0);
  assert_int_equal(pexec__logfile_reopen(file, &flaw), 0);
  put("two\n");
  expect_content(in_directory("moved"), "one\n");
  expect_content(path, "two\n");
  assert_int_equal(atomic_load(&descriptors), 1);
}

static void a_reopening_that_fails_leaves_the_old_one_open (void **s) {
  (void)s;
  open_log();
  put("one\n");
  assert_int_equal(rename(path, in_directory("moved")), 0);
  assert_int_equal(mkdir(path, 0700), 0);
  assert_int_equal(pexec__logfile_reopen(file, &flaw), -EISDIR);
  put("two\n");
  expect_content(in_directory("moved"), "one\ntwo\n");
}

/* {== torn lines ========================================================= */

static void it_knows_whether_its_last_line_is_torn (void **s) {
  (void)s;
  open_log();
  assert_false(pexec__logfile_is_torn(file));
  put("half");
  assert_true(pexec__logfile_is_torn(file));
  put(" a line\n");
  assert_false(pexec__logfile_is_torn(file));
}

static void it_knows_that_an_earlier_run_left_a_torn_line (void **s) {
  (void)s;
  put_file(path, "whole\nhalf");
  open_log();
  assert_true(pexec__logfile_is_torn(file));
  assert_int_equal(atomic_load(&descriptors), 1);
  close_log();
  put_file(path, "whole\n");
  open_log();
  assert_false(pexec__logfile_is_torn(file));
}

static void what_others_cut_is_not_torn (void **s) {
  (void)s;
  open_log();
  put("half");
  assert_int_equal(truncate(path, 0), 0);
  move_clock(SECOND_NS);
  put("line\n");
  expect_content(path, "line\n");
  put("half");
  assert_int_equal(truncate(path, 0), 0);
  move_clock(SECOND_NS);
  put("");
  assert_false(pexec__logfile_is_torn(file));
}

/* {== a full disk ======================================================== */

static void a_write_that_fails_tells_exactly_what_was_taken (void **s) {
  struct rlimit old, few = { 6, RLIM_INFINITY };
  size_t done;
  (void)s;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  few.rlim_max = old.rlim_max;
  open_log();
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
  assert_int_equal(put_bytes("one\ntwo\n", 8, &done), -EFBIG);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
  assert_int_equal(done, 6);
  assert_true(pexec__logfile_is_torn(file));
  put("o\n");
  expect_content(path, "one\ntwo\n");
}

/* In a process of its own, which alone sees the little disk: 0 where all is
   as it should be, 77 where there may be none. */
static int fill_a_little_disk (void) {
  static char data[65536];
  size_t done, taken = 0;
  int error;
  if (unshare(CLONE_NEWNS) != 0 ||
      mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount("none", directory, "tmpfs", 0, "size=64k") != 0)
    return 77;
  memset(data, 'x', sizeof data);
  data[sizeof data - 1] = '\n';
  open_log();
  do {
    error = put_bytes(data + taken, sizeof data - taken, &done);
    taken += done;
  } while (error == 0 && taken < sizeof data);
  if (error == 0)
    error = put_bytes("more\n", 5, &done);
  if (error != -ENOSPC || done != 0 || size_of(path) != (int64_t)taken)
    return 1;
  assert_int_equal(truncate(path, 0), 0);
  put("room again\n");
  expect_content(path, "room again\n");
  close_log();
  return 0;
}

static void a_full_disk_is_told_of_and_left_behind (void **s) {
  int status;
  pid_t pid = fork();
  (void)s;
  if (pid == 0)
    _exit(fill_a_little_disk());
  assert_int_equal(waitpid(pid, &status, 0), pid);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
    skip();
  assert_int_equal(status, 0);
}

/* {== FIFOs ============================================================== */

static int open_reader (void) {
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  assert_true(fd >= 0);
  return fd;
}

static void expect_read (int fd, const char *text) {
  char data[256];
  ssize_t got = read(fd, data, sizeof data - 1);
  assert_true(got >= 0);
  data[got] = '\0';
  assert_string_equal(data, text);
}

static void a_fifo_that_nobody_reads_is_tried_again_later (void **s) {
  int fd;
  (void)s;
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_int_equal(try_open(), -ENXIO);
  assert_int_equal(flaw, PEXEC__FLAW_NONE);
  fd = open_reader();
  put_fails("early\n", -ENXIO);
  move_clock(100 * MS);
  put("line\n");
  expect_read(fd, "line\n");
  assert_false(pexec__logfile_is_regular(file));
  (void)close(fd);
}

static void a_fifo_that_is_full_blocks_nobody (void **s) {
  static char data[MEBIBYTE];
  size_t done;
  int fd, size;
  (void)s;
  memset(data, 'x', sizeof data);
  assert_int_equal(mkfifo(path, 0600), 0);
  fd = open_reader();
  open_log();
  size = fcntl(fd, F_GETPIPE_SZ);
  assert_int_equal(put_bytes(data, sizeof data, &done), -EAGAIN);
  assert_int_equal(done, size);
  assert_int_equal(put_bytes(data, 1, &done), -EAGAIN);
  assert_int_equal(done, 0);
  (void)close(fd);
}

/* Pieces that a pipe takes whole: lines of others do not come between. */
static void a_fifo_is_given_whole_lines_at_a_time (void **s) {
  char data[2 * PIPE_BUF];
  size_t done;
  int fd;
  (void)s;
  memset(data, 'x', sizeof data);
  for (size_t i = 99; i < sizeof data; i += 100)
    data[i] = '\n';
  assert_int_equal(mkfifo(path, 0600), 0);
  fd = open_reader();
  open_log();
  fail_at(WRITE, 2, true);
  assert_int_equal(put_bytes(data, sizeof data, &done), -ENOSPC);
  assert_int_equal(done, PIPE_BUF / 100 * 100);
  assert_false(pexec__logfile_is_torn(file));
  (void)close(fd);
}

static void a_reader_that_goes_is_told_of_and_the_next_is_found (void **s) {
  int fd;
  (void)s;
  assert_int_equal(mkfifo(path, 0600), 0);
  fd = open_reader();
  open_log();
  (void)close(fd);
  put_fails("lost\n", -EPIPE);
  put_fails("lost\n", -ENXIO);
  assert_int_equal(atomic_load(&descriptors), 0);
  fd = open_reader();
  move_clock(100 * MS);
  put("found\n");
  expect_read(fd, "found\n");
  (void)close(fd);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_new_file_has_exactly_its_mode_whatever_the_umask),
    SPEC(a_file_that_is_there_keeps_its_mode_and_what_it_holds),
    SPEC(nothing_is_opened_before_it_is_asked_for),
    SPEC(a_regular_file_tells_its_device),
    SPEC(a_symbolic_link_is_refused_and_its_target_left_alone),
    SPEC(a_link_put_there_at_the_last_moment_is_refused),
    SPEC(a_link_to_nothing_makes_nothing),
    SPEC(a_directory_is_refused),
    SPEC(a_missing_directory_is_an_error),
    SPEC(a_device_is_refused_unopened),
    SPEC(a_socket_is_refused),
    SPEC(its_own_part_of_memory_is_small),
    SPEC(where_memory_is_short_none_is_made),
    SPEC(a_device_where_allowed_is_written_to),
    SPEC(a_link_where_allowed_is_followed_and_never_rotated),
    SPEC(a_link_to_nothing_is_an_error_even_where_allowed),
    SPEC(what_cannot_be_opened_is_tried_every_100_ms),
    SPEC(a_write_opens_what_was_never_tried),
    SPEC(a_renamed_file_is_made_anew_within_a_second),
    SPEC(a_deleted_file_is_made_anew),
    SPEC(the_name_is_looked_at_once_a_second_at_most),
    SPEC(a_link_put_in_its_place_is_not_followed),
    SPEC(what_would_go_into_a_deleted_file_is_not_taken),
    SPEC(a_directory_that_goes_and_comes_back_is_survived),
    SPEC(a_reopening_on_order_does_not_wait_for_the_second),
    SPEC(a_reopening_that_fails_leaves_the_old_one_open),
    SPEC(it_knows_whether_its_last_line_is_torn),
    SPEC(it_knows_that_an_earlier_run_left_a_torn_line),
    SPEC(what_others_cut_is_not_torn),
    SPEC(a_write_that_fails_tells_exactly_what_was_taken),
    SPEC(a_full_disk_is_told_of_and_left_behind),
    SPEC(a_fifo_that_nobody_reads_is_tried_again_later),
    SPEC(a_fifo_that_is_full_blocks_nobody),
    SPEC(a_fifo_is_given_whole_lines_at_a_time),
    SPEC(a_reader_that_goes_is_told_of_and_the_next_is_found)
  };
  (void)signal(SIGPIPE, SIG_IGN);  /* the writer's thread blocks both */
  (void)signal(SIGXFSZ, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
