/*
** Specifies what a file of environment variables says, and what is no such
** file. One thread.
**
** seam: own dotenv.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dotenv.h"
#include "sys.h"

#define LIST(...) ((const char *const []){ __VA_ARGS__, NULL })
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* {== a file ============================================================= */

static struct {
  int open_error, read_error;
  enum pexec__file_kind kind;
  size_t size;               /* so many newlines are in it */
  int opened, good_blocks, blocks;  /* good_blocks: -1: all */
} fake;

int pexec__open (const char *path, int flags, int mode) {
  (void)path;
  (void)flags;
  (void)mode;
  fake.opened += (fake.open_error == 0);
  return fake.open_error ? fake.open_error : 7;
}

void pexec__close (int fd) {
  (void)fd;
  fake.opened--;
}

int pexec__file_of (int fd, struct pexec__file_status *status) {
  (void)fd;
  status->kind = fake.kind;
  return 0;
}

ssize_t pexec__read (int fd, void *data, size_t size) {
  size_t got = size < 4096 ? size : 4096;
  (void)fd;
  if (fake.read_error != 0)
    return fake.read_error;
  got = got < fake.size ? got : fake.size;
  memset(data, '\n', got);
  fake.size -= got;
  return (ssize_t)got;
}

static bool may_allocate (void) {
  if (fake.good_blocks > 0)
    fake.good_blocks--;
  return fake.good_blocks != 0;
}

void *pexec__malloc (size_t size) {
  void *block = may_allocate() ? malloc(size) : NULL;
  fake.blocks += (block != NULL);
  return block;
}

void *pexec__realloc (void *block, size_t size) {
  void *moved = may_allocate() ? realloc(block, size) : NULL;
  fake.blocks += (block == NULL && moved != NULL);
  return moved;
}

void pexec__free (void *block) {
  fake.blocks -= (block != NULL);
  free(block);
}

/* {== helpers ============================================================ */

static struct pexec__dotenv found;

static int begin (void **state) {
  (void)state;
  memset(&fake, 0, sizeof fake);
  fake.good_blocks = -1;
  return 0;
}

static int end (void **state) {
  (void)state;
  pexec__dotenv_free(&found);
  assert_int_equal(fake.blocks, 0);
  assert_int_equal(fake.opened, 0);
  return 0;
}

/* In a block of exactly its size, which a sanitizer watches. */
static int parse_bytes (const char *text, size_t length) {
  char *copy = malloc(length + 1);
  int error;
  assert_non_null(copy);
  memcpy(copy, text, length);
  copy[length] = '\0';
  error = pexec__dotenv_parse(&found, copy, length);
  free(copy);
  return error;
}

static void expect (const char *text, const char *const *expected) {
  size_t count = 0;
  pexec__dotenv_free(&found);
  if (parse_bytes(text, strlen(text)) != 0)
    fail_msg("\"%s\": line %zu: %s", text, found.line, found.flaw);
  for (; expected[count] != NULL; count++) {
    if (count == found.count)
      fail_msg("\"%s\": \"%s\" is missing", text, expected[count]);
    assert_string_equal(found.variables[count], expected[count]);
  }
  assert_int_equal(found.count, count);
}

static void expect_flaw (const char *text, size_t line, const char *flaw) {
  pexec__dotenv_free(&found);
  assert_int_equal(parse_bytes(text, strlen(text)), -EINVAL);
  assert_string_equal(found.flaw, flaw);
  assert_int_equal(found.line, line);
}

/* {== what it says ======================================================= */

static const char *const none[] = { NULL };

static void nothing_says_nothing (void **state) {
  static const char *const texts[] = { "", "\n", "\r\n", "  \t", "# A=1",
                                       "  # A=1\n\n#\r\n", "\r", "\xEF\xBB\xBF" };
  (void)state;
  for (size_t i = 0; i < COUNT(texts); i++)
    expect(texts[i], none);
  assert_null(found.variables);
}

static void each_line_is_a_variable (void **state) {
  (void)state;
  expect("A=1\nB=2", LIST("A=1", "B=2"));
  expect("A=1\r\nB=2\r\n", LIST("A=1", "B=2"));
  expect("\xEF\xBB\xBF" "A=1", LIST("A=1"));
  expect("a.b-c_1=x\n_=y", LIST("a.b-c_1=x", "_=y"));
}

static void blanks_around_do_not_count (void **state) {
  (void)state;
  expect("  A = 1 2 \t\n\tB=\t3", LIST("A=1 2", "B=3"));
}

static void export_may_stand_before (void **state) {
  (void)state;
  expect("export A=1\nexport\tB = 2", LIST("A=1", "B=2"));
  expect("export=1\nexported=2\nexport =3", LIST("export=3", "exported=2"));
}

static void a_value_may_be_empty (void **state) {
  (void)state;
  expect("A=\nB=\"\"\nC=''\nexport D=", LIST("A=", "B=", "C=", "D="));
}

static void a_comment_may_stand_behind (void **state) {
  (void)state;
  expect("A=1 # x\nB=1#x\nC= # x\nD=#x\nE=\"1\"# x\nF='1' # \"",
         LIST("A=1", "B=1#x", "C=", "D=#x", "E=1", "F=1"));
}

static void nothing_is_expanded (void **state) {
  (void)state;
  expect("A=$B\\n=`c`\nB='$A'\nC=\"$A ${A}\"",
         LIST("A=$B\\n=`c`", "B=$A", "C=$A ${A}"));
}

static void single_quotes_keep_everything (void **state) {
  (void)state;
  expect("A='  \\n \" # \\'\nB=1", LIST("A=  \\n \" # \\", "B=1"));
}

static void double_quotes_have_escapes (void **state) {
  (void)state;
  expect("A=\"\\n\\r\\t\\\\\\\"\\$\"", LIST("A=\n\r\t\\\"$"));
  expect("A=\" \\x \\' # '\"", LIST("A= \\x \\' # '"));
}

static void quotes_span_lines (void **state) {
  (void)state;
  expect("A=\"1\n2\"\nB='3\r\n4'\nC=5", LIST("A=1\n2", "B=3\r\n4", "C=5"));
}

static void the_last_of_a_name_counts (void **state) {
  (void)state;
  expect("A=1\nAB=2\nA=3", LIST("A=3", "AB=2"));
  assert_int_equal(parse_bytes("AB=4\nB=5", 8), 0);  /* another file */
  assert_int_equal(found.count, 3);
  assert_string_equal(found.variables[1], "AB=4");
}

/* {== what is wrong ====================================================== */

static void what_is_no_variable_is_told_with_its_line (void **state) {
  static const char quote[] = "a quote that is not closed";
  static const char name[] = "a name is expected";
  static const char equals[] = "\"=\" is expected behind the name";
  (void)state;
  expect_flaw("A=1\n\n=2", 3, name);
  expect_flaw("1A=2", 1, name);
  expect_flaw("A=1\r\nexport =2\r\nexport \r\n", 3, name);
  expect_flaw("A", 1, equals);
  expect_flaw("#\nA B=1", 2, equals);
  expect_flaw("export A", 1, equals);
  expect_flaw("export A B=1", 1, equals);
  expect_flaw("A=\"1\n2\nB=3\n", 1, quote);
  expect_flaw("A=1\nB='2", 2, quote);
  expect_flaw("A=\"1\\", 1, quote);
  expect_flaw("A=\"1\\\"", 1, quote);
  expect_flaw("A=\"1\n2\" 3\nB=4", 2, "text behind a quote");
  expect_flaw("A='1''2'", 1, "text behind a quote");
}

static void a_nul_byte_is_told_with_its_line (void **state) {
  (void)state;
  assert_int_equal(parse_bytes("A=1\nB=\0\n", 8), -EINVAL);
  assert_string_equal(found.flaw, "a NUL byte");
  assert_int_equal(found.line, 2);
  assert_int_equal(found.count, 0);
}

static void there_may_not_be_too_many (void **state) {
  char text[16];
  (void)state;
  for (int i = 0; i < PEXEC__MOST_VARIABLES; i++)
    assert_int_equal(parse_bytes(text, (size_t)sprintf(text, "A%d=", i)), 0);
  assert_int_equal(parse_bytes("A0=1", 4), 0);
  assert_int_equal(parse_bytes("\nB=1", 4), -E2BIG);
  assert_int_equal(found.line, 2);
}

/* No text makes it run on or write elsewhere. */
static void any_text_is_read_to_its_end (void **state) {
  static const char letters[] = "A=\"'\\ #\n\r\tn$1";
  uint32_t lot = 12345;
  (void)state;
  for (int i = 0; i < 20000; i++) {
    char text[24];
    size_t length = 0;
    for (; length < (size_t)(i % 24); length++) {
      lot = lot * 1664525 + 1013904223;
      text[length] = letters[(lot >> 16) % (sizeof letters - 1)];
    }
    (void)parse_bytes(text, length);
    pexec__dotenv_free(&found);
  }
}

/* {== files ============================================================== */

static void a_file_has_a_bound (void **state) {
  (void)state;
  fake.size = PEXEC__MOST_DOTENV;
  assert_int_equal(pexec__dotenv_read(&found, "f"), 0);
  fake.size = PEXEC__MOST_DOTENV + 1;
  assert_int_equal(pexec__dotenv_read(&found, "f"), -EFBIG);
  assert_string_equal(found.flaw, "it is larger than 1 MiB");
}

static void what_is_no_file_is_refused (void **state) {
  (void)state;
  fake.kind = PEXEC__DIRECTORY;
  assert_int_equal(pexec__dotenv_read(&found, "f"), -EISDIR);
  fake.kind = PEXEC__FIFO;
  assert_int_equal(pexec__dotenv_read(&found, "f"), -EINVAL);
  assert_string_equal(found.flaw, "it is not a regular file");
}

static void what_the_system_says_is_passed_on (void **state) {
  (void)state;
  fake.open_error = -EACCES;
  assert_int_equal(pexec__dotenv_read(&found, "f"), -EACCES);
  fake.open_error = 0;
  fake.read_error = -EIO;
  assert_int_equal(pexec__dotenv_read(&found, "f"), -EIO);
  assert_null(found.flaw);
}

static void each_allocation_may_fail (void **state) {
  int n = 0;
  (void)state;
  for (;; n++) {
    fake.good_blocks = n + 1;
    if (parse_bytes("A=1\nB=2", 7) == 0)
      break;
    pexec__dotenv_free(&found);
    assert_int_equal(fake.blocks, 0);
  }
  assert_int_equal(n, 4);
  fake.good_blocks = 1;
  assert_int_equal(pexec__dotenv_read(&found, "f"), -ENOMEM);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(nothing_says_nothing),
    SPEC(each_line_is_a_variable),
    SPEC(blanks_around_do_not_count),
    SPEC(export_may_stand_before),
    SPEC(a_value_may_be_empty),
    SPEC(a_comment_may_stand_behind),
    SPEC(nothing_is_expanded),
    SPEC(single_quotes_keep_everything),
    SPEC(double_quotes_have_escapes),
    SPEC(quotes_span_lines),
    SPEC(the_last_of_a_name_counts),
    SPEC(what_is_no_variable_is_told_with_its_line),
    SPEC(a_nul_byte_is_told_with_its_line),
    SPEC(there_may_not_be_too_many),
    SPEC(any_text_is_read_to_its_end),
    SPEC(a_file_has_a_bound),
    SPEC(what_is_no_file_is_refused),
    SPEC(what_the_system_says_is_passed_on),
    SPEC(each_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
