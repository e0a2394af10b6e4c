/*
** A text read as an environment file, in one piece and as a file that gives
** it bit by bit, with memory that may run out: what is read is well formed
** and can be written and read again. One thread.
**
** seam: own dotenv.c
*/

#include "fuzz.h"

#include <errno.h>

#include "dotenv.h"
#include "sys.h"

#define NAME "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-"
#define DIGITS "0123456789"

/* {== memory, and a file that is open ==================================== */

static struct {
  const uint8_t *at, *end;
  size_t most;               /* bytes of one reading */
  int opened;
  int blocks, good_blocks;   /* of those that are asked for; -1: all */
} world;

static bool may_allocate (void) {
  if (world.good_blocks > 0)
    world.good_blocks--;
  return world.good_blocks != 0;
}

void *pexec__malloc (size_t size) {
  void *block = may_allocate() ? malloc(size) : NULL;
  world.blocks += (block != NULL);
  return block;
}

void *pexec__realloc (void *block, size_t size) {
  void *moved = may_allocate() ? realloc(block, size) : NULL;
  world.blocks += (block == NULL && moved != NULL);
  return moved;
}

void pexec__free (void *block) {
  world.blocks -= (block != NULL);
  free(block);
}

int pexec__open (const char *path, int flags, int mode) {
  (void)path;
  (void)flags;
  (void)mode;
  world.opened++;
  return 7;
}

void pexec__close (int fd) {
  EXPECT(fd == 7);
  world.opened--;
}

int pexec__file_of (int fd, struct pexec__file_status *status) {
  EXPECT(fd == 7);
  status->kind = PEXEC__REGULAR;
  return 0;
}

ssize_t pexec__read (int fd, void *data, size_t size) {
  size_t left = (size_t)(world.end - world.at);
  EXPECT(fd == 7);
  size = size < world.most ? size : world.most;
  size = size < left ? size : left;
  if (size > 0)
    memcpy(data, world.at, size);
  world.at += size;
  return (ssize_t)size;
}

/* {== what was read ====================================================== */

static size_t name_length (const char *variable) {
  return strspn(variable, NAME DIGITS);
}

static void check_variable (const struct pexec__dotenv *found, size_t i) {
  const char *variable = found->variables[i];
  size_t length = name_length(variable);
  EXPECT(length > 0 && variable[length] == '=');
  EXPECT(strchr(DIGITS, variable[0]) == NULL);
  for (size_t j = 0; j < i; j++)
    EXPECT(strncmp(found->variables[j], variable, length + 1) != 0);
}

static void check_variables (const struct pexec__dotenv *found) {
  EXPECT((found->variables == NULL) == (found->count == 0));
  for (size_t i = 0; i < found->count; i++)
    check_variable(found, i);
  if (found->count > 0)
    EXPECT(found->variables[found->count] == NULL);
}

static void check_error (const struct pexec__dotenv *found, int error,
                         const uint8_t *data, size_t size) {
  size_t lines = 1;
  for (size_t i = 0; i < size; i++)
    lines += (data[i] == '\n');
  EXPECT(error == 0 || error == -EINVAL || error == -ENOMEM);
  EXPECT((error == -EINVAL) == (found->line > 0));
  EXPECT((error == -EINVAL) == (found->flaw != NULL));
  EXPECT(found->line <= lines);
}

/* All of 'a' is in 'b', behind 'others'. */
static void expect_same (const struct pexec__dotenv *a,
                         const struct pexec__dotenv *b, size_t others) {
  EXPECT(others + a->count == b->count);
  for (size_t i = 0; i < a->count; i++)
    EXPECT(strcmp(a->variables[i], b->variables[others + i]) == 0);
}

/* {== reading ============================================================ */

static int parse (struct pexec__dotenv *into, const char *text, size_t size) {
  char *copy = malloc(size + 1);
  int error;
  EXPECT(copy != NULL);
  memcpy(copy, text, size);
  copy[size] = '\0';
  error = pexec__dotenv_parse(into, copy, size);
  free(copy);
  return error;
}

/* What stands behind a backslash for it; NUL: it needs none. */
static char escape_of (char c) {
  switch (c) {
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '\\': case '"': case '$': return c;
    default: return '\0';
  }
}

static char *put_quoted (char *to, const char *value) {
  *to++ = '"';
  for (; *value != '\0'; value++) {
    char escape = escape_of(*value);
    if (escape != '\0')
      *to++ = '\\';
    *to++ = escape ? escape : *value;
  }
  *to++ = '"';
  return to;
}

static size_t longest_name (const struct pexec__dotenv *found) {
  size_t longest = 0;
  for (size_t i = 0; i < found->count; i++) {
    size_t length = name_length(found->variables[i]);
    longest = length > longest ? length : longest;
  }
  return longest;
}

/* A variable for each, of a name that begins as its own and is longer than
   any: it must not be taken for that. */
static char *put_others (char *to, const struct pexec__dotenv *found,
                         size_t longest) {
  for (size_t i = 0; i < found->count; i++) {
    size_t length = name_length(found->variables[i]);
    memcpy(to, found->variables[i], length);
    memset(to + length, '-', longest);
    to += length + longest;
    to += sprintf(to, "='#%zu'\n", i);
  }
  return to;
}

/* With noise between the lines. */
static char *put_all (char *to, const struct pexec__dotenv *found) {
  for (size_t i = 0; i < found->count; i++) {
    const char *variable = found->variables[i];
    size_t length = name_length(variable);
    to += sprintf(to, "# %zu\n\t export %.*s = ", i, (int)length, variable);
    to = put_quoted(to, variable + length + 1);
    to += sprintf(to, " # it\r\n");
  }
  return to;
}

/* Written out it reads as the same; where it is there already, it is only
   replaced. */
static void check_round_trip (const struct pexec__dotenv *found, size_t size) {
  struct pexec__dotenv again = { 0 };
  size_t longest = longest_name(found), count = found->count;
  char *text = malloc(3 * size + count * (2 * longest + 70) + 1), *to = text;
  EXPECT(text != NULL);
  to = put_all(put_others(to, found, longest), found);
  for (int i = 0; i < 2; i++) {
    EXPECT(parse(&again, text, (size_t)(to - text)) == 0);
    expect_same(found, &again, count);
  }
  pexec__dotenv_free(&again);
  free(text);
}

static void check_file (const struct pexec__dotenv *found, int error,
                        const uint8_t *data, size_t size) {
  struct pexec__dotenv read = { 0 };
  world.at = data;
  world.end = data + size;
  EXPECT(pexec__dotenv_read(&read, "/a") == error);
  EXPECT(world.opened == 0);
  EXPECT(read.line == found->line && read.flaw == found->flaw);
  expect_same(found, &read, 0);
  pexec__dotenv_free(&read);
}

static void check_shortage (const uint8_t *data, size_t size, int blocks) {
  struct pexec__dotenv read = { 0 };
  world.good_blocks = blocks;
  check_error(&read, parse(&read, (const char *)data, size), data, size);
  check_variables(&read);
  pexec__dotenv_free(&read);
  EXPECT(world.blocks == 0);
  world.good_blocks = -1;
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  struct fuzz_input in = { data, data + size };
  struct pexec__dotenv found = { 0 };
  unsigned how = fuzz_byte(&in);
  int error;
  size = (size_t)(in.end - in.at);
  if (size == 0)
    return 0;
  world.good_blocks = -1;
  world.most = how % 16 + 1;
  error = parse(&found, (const char *)in.at, size);
  EXPECT(error != -ENOMEM);
  check_error(&found, error, in.at, size);
  check_variables(&found);
  check_file(&found, error, in.at, size);
  if (error == 0)
    check_round_trip(&found, size);
  pexec__dotenv_free(&found);
  EXPECT(world.blocks == 0);
  check_shortage(in.at, size, (int)(how / 16) + 1);
  return 0;
}
