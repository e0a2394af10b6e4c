/*
** Specifies what holds of a log file whichever call fails: a scenario is
** played with the first call of a kind failing, then the second, and so on
** until none is left to fail; once that one alone, once all that follow as
** well. Whatever fails: what was taken is there, once and in its order, what
** was not is not, and nothing is left open or allocated. One thread.
**
** seam: own logfile.c rotate.c compress.c
*/

#include "file_seam.h"

#define NUMBERS 9              /* of rotated files that are looked at */
#define HOUR_NS (3600 * SECOND_NS)

static struct bytes expected, found;

/* What is made to fail at present. */
static struct {
  enum call call;
  int n;
  bool is_lasting;
} fault;

static const char *call_name (void) {
  static const char *const names[] = {
#define X(name, error) #name,
    CALLS(X)
#undef X
  };
  return names[fault.call];
}

#define EXPECT(condition) \
  if (!(condition)) \
    fail_msg("%s, number %d%s: not so: %s (line %d)", call_name(), fault.n, \
             fault.is_lasting ? " and all that follow" : "", #condition, \
             __LINE__)

/* {== files ============================================================== */

#define NAME_SIZE 120

/* What stands behind the path; nothing for number 0, which is FILE itself. */
static void name_files (int number, char *plain, char *compressed) {
  char ending[16] = "";
  if (number > 0)
    (void)snprintf(ending, sizeof ending, ".%d", number);
  (void)snprintf(plain, NAME_SIZE, "%s%s", path, ending);
  (void)snprintf(compressed, NAME_SIZE, "%s%s.gz", path, ending);
}

static void each_file (void (*visit) (const char *plain,
                                      const char *compressed)) {
  char plain[NAME_SIZE], compressed[NAME_SIZE];
  for (int i = NUMBERS; i >= 0; i--) {
    name_files(i, plain, compressed);
    visit(plain, compressed);
  }
}

static void move_away (const char *plain, const char *compressed) {
  char to[140];
  (void)snprintf(to, sizeof to, "%s.old", plain);
  (void)rename(plain, to);
  (void)snprintf(to, sizeof to, "%s.old.gz", plain);
  (void)rename(compressed, to);
}

static void read_one (const char *plain, const char *compressed) {
  if (add_content(&found, plain) < 0)
    (void)add_content(&found, compressed);
}

static void read_old (const char *plain, const char *compressed) {
  char old[140], old_compressed[140];
  (void)compressed;
  (void)snprintf(old, sizeof old, "%s.old", plain);
  (void)snprintf(old_compressed, sizeof old_compressed, "%s.old.gz", plain);
  read_one(old, old_compressed);
  (void)unlink(old);
  (void)unlink(old_compressed);
}

static void delete (const char *plain, const char *compressed) {
  (void)unlink(plain);
  (void)unlink(compressed);
}

/* {== steps that may fail ================================================ */

/* Tries as a writer does, and drops in the end what is not taken. */
static void say (int i) {
  char line[32];
  size_t length, done;
  (void)snprintf(line, sizeof line, "line %d\n", i);
  length = strlen(line);
  for (int attempt = 0; attempt < 4 && length > 0; attempt++) {
    const char *rest = line + strlen(line) - length;
    int error = put_bytes(rest, length, &done);
    EXPECT(error <= 0 && done <= length && (error < 0 || done == length));
    memcpy(expected.data + expected.length, rest, done);
    expected.length += done;
    length -= done;
    if (error < 0)
      move_clock(SECOND_NS);
  }
  EXPECT(length == 0 || fault.is_lasting);
}

static void say_some (int from) {
  for (int i = from; i < from + 4; i++)
    say(i);
}

static void compress_all (void) {
  int slices = 0;
  while (pexec__logfile_compress(file))
    EXPECT(++slices < 1000);
}

static void play (void) {
  if (pexec__logfile_new(&options, false, &file) != 0)
    return;
  (void)pexec__logfile_open(file, &flaw);
  say_some(0);
  compress_all();
  say_some(4);
  each_file(move_away);        /* others do */
  move_clock(SECOND_NS);
  say_some(8);
  (void)pexec__logfile_compress(file);
  (void)pexec__logfile_compress(file);
  say_some(12);
  (void)pexec__logfile_reopen(file, &flaw);
  wall_ns += HOUR_NS;
  say_some(16);
  compress_all();
  close_log();
}

/* {== what must be so ==================================================== */

/* Of nothing that is kept the file itself holds the end. */
static void expect_all (void) {
  size_t gone;
  found.length = 0;
  each_file(read_old);
  if (options.keep == 0)
    found.length = 0;
  each_file(read_one);
  EXPECT(found.length <= expected.length);
  gone = expected.length - found.length;
  EXPECT(gone == 0 || options.keep == 0);
  EXPECT(memcmp(expected.data + gone, found.data, found.length) == 0);
}

static void expect_nothing_unfinished (void) {
  const char *name = in_directory("x.log.gz-tmp");
  EXPECT(!exists(name) || fault.call == UNLINK ||
         (fault.call == FILE_AT || fault.call == FILE_OF));
  (void)unlink(name);
}

static bool play_with_fault (void) {
  bool has_failed;
  expected.length = 0;
  wall_ns = real_wall_now();
  fail_at(fault.call, fault.n, fault.is_lasting);
  play();
  has_failed = seam.has_failed;
  fail_at(fault.call, 0, false);
  EXPECT(atomic_load(&blocks) == 0);
  EXPECT(atomic_load(&descriptors) == 0);
  expect_all();
  expect_nothing_unfinished();
  each_file(delete);
  return has_failed;
}

static void play_with (enum call call, bool is_lasting) {
  fault.call = call;
  fault.is_lasting = is_lasting;
  fault.n = 1;
  while (play_with_fault())
    fault.n++;
  EXPECT(fault.n > 1 || options.keep == 0);
}

static void play_with_each (bool is_lasting) {
  for (int call = 0; call < CALL_COUNT; call++)
    play_with((enum call)call, is_lasting);
}

static void set_options (int keep) {
  options.max_size = 30;
  options.keep = keep;
  options.compress = keep > 0;
  options.rotate_every_ms = HOUR_NS / 1000000;
}

static void a_call_that_fails_once_costs_nothing (void **s) {
  (void)s;
  set_options(NUMBERS);
  play_with_each(false);
}

static void a_call_that_fails_from_then_on_costs_what_is_told (void **s) {
  (void)s;
  set_options(NUMBERS);
  play_with_each(true);
}

static void with_nothing_kept_the_last_lines_are_there (void **s) {
  (void)s;
  set_options(0);
  play_with_each(false);
  play_with_each(true);
}

/* A disk that takes a few bytes at a time. */
static void writes_that_take_less_cost_nothing (void **s) {
  (void)s;
  set_options(NUMBERS);
  seam.most_bytes = 3;
  play_with(WRITE, false);
  play_with(WRITE, true);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_call_that_fails_once_costs_nothing),
    SPEC(a_call_that_fails_from_then_on_costs_what_is_told),
    SPEC(with_nothing_kept_the_last_lines_are_there),
    SPEC(writes_that_take_less_cost_nothing)
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
