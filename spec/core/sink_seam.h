/*
** What sinks meet in their specs: one writer whose lock must be free when it
** is taken, one log file in memory, which writes as far as it is told to, a
** logger and a descriptor of the host's that keep what they get, memory that
** runs out on demand. To be included once, in a program that is linked with
** none of these. One thread: the spec lets the writer serve.
*/

#ifndef SPEC_SINK_SEAM_H
#define SPEC_SINK_SEAM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logger.h"
#include "sink.h"
#include "sys.h"
#include "writer.h"

#define MS INT64_C(1000000)
#define FILE_MAX (8 * 1024 * 1024)
#define HOST_FD 2

struct pexec__logfile {
  int opened_anew;
};

struct pexec__writer {
  bool is_locked;
  bool is_called;             /* the sink is in its list of those with work */
  int words;
  int changes;                /* that somebody was told of */
  void (*meanwhile) (void);   /* while somebody waits for one */
  size_t queued_bytes;        /* of all its sinks */
};

static struct {
  int64_t now_ns;
  int good_blocks;          /* allocations that succeed; -1: all */
  int blocks;
  int error;                /* of writing; 0: none */
  size_t most;              /* bytes that are taken before it fails so */
  unsigned chance;          /* of 100 writes so many fail as it likes */
  int reopen_error;
  bool host_is_full;
  bool closes_amid;         /* a write: the sink is told to close meanwhile */
  int files, loggers;       /* that are there */
  char *text;               /* what was written, wherever */
  size_t length;
} world;

static struct pexec__writer writer;
static struct pexec__logfile the_file;
static struct pexec__sink *sink;

/* {== memory and time ==================================================== */

static bool may_allocate (void) {
  if (world.good_blocks > 0)
    world.good_blocks--;
  return world.good_blocks != 0;
}

void *pexec__calloc (size_t count, size_t size) {
  if (!may_allocate())
    return NULL;
  world.blocks++;
  return calloc(count, size);
}

void *pexec__malloc (size_t size) {
  return pexec__calloc(1, size);
}

void pexec__free (void *block) {
  world.blocks -= (block != NULL);
  free(block);
}

char *pexec__strdup (const char *text) {
  char *copy = pexec__malloc(strlen(text) + 1);
  return copy ? strcpy(copy, text) : NULL;
}

int64_t pexec__now (void) {
  return world.now_ns;
}

int64_t pexec__wall_now (void) {
  return 1770000000000000000 + world.now_ns;
}

/* {== the writer ========================================================= */

void pexec__writer_lock (struct pexec__writer *locked) {
  assert_false(locked->is_locked);
  locked->is_locked = true;
}

void pexec__writer_unlock (struct pexec__writer *locked) {
  assert_true(locked->is_locked);
  locked->is_locked = false;
}

size_t pexec__writer_count (struct pexec__writer *counted,
                            ptrdiff_t change) {
  assert_true(counted->is_locked);
  return counted->queued_bytes += (size_t)change;
}

void pexec__writer_call (struct pexec__writer *called,
                         struct pexec__sink *one, bool can_wait) {
  assert_true(called->is_locked);
  assert_ptr_equal(one, sink);
  (void)can_wait;
  called->is_called = true;
}

/* There is one thread: what the writer's does meanwhile is done here. */
void pexec__writer_await_change (struct pexec__writer *awaited) {
  assert_true(awaited->is_locked);
  assert_non_null(awaited->meanwhile);
  pexec__writer_unlock(awaited);
  awaited->meanwhile();
  pexec__writer_lock(awaited);
}

void pexec__writer_note_change (struct pexec__writer *changed) {
  assert_true(changed->is_locked);
  changed->changes++;
}

void pexec__writer_forget (struct pexec__writer *called,
                           struct pexec__sink *one) {
  assert_true(called->is_locked);
  assert_ptr_equal(one, sink);
  called->is_called = false;
}

void pexec__writer_tell (struct pexec__writer *told,
                         struct pexec__sink *one) {
  assert_true(told->is_locked);
  assert_ptr_equal(one, sink);
  told->words++;
}

/* {== where it is written ================================================ */

static void keep_bytes (const char *data, size_t length) {
  assert_true(world.length + length <= FILE_MAX);
  memcpy(world.text + world.length, data, length);
  world.length += length;
}

/* The state of a generator that gives the same each time. */
static uint64_t dice;

static unsigned draw (unsigned below) {
  dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
  return (unsigned)(dice >> 33) % below;
}

static size_t smaller (size_t a, size_t b) {
  return a < b ? a : b;
}

/* What lacks its newline alone would look as if it were whole: not that. */
static size_t most_of (const char *data, size_t length, int *error) {
  static const int errors[] = { -ENOSPC, -EAGAIN, -EIO };
  size_t done;
  *error = world.error;
  if (world.error != 0) {
    done = smaller(world.most, length);
    world.most -= done;
    if (done == length)
      *error = 0;
    return done;
  }
  if (draw(100) >= world.chance)
    return length;
  *error = errors[draw(3)];
  done = draw((unsigned)length);
  return done > 0 && data[done] == '\n' ? done - 1 : done;
}

int pexec__logfile_write (struct pexec__logfile *file, int64_t now_ns,
                          const char *data, size_t length, size_t *done) {
  int error;
  assert_ptr_equal(file, &the_file);
  assert_false(writer.is_locked);
  (void)now_ns;
  *done = 0;
  if (length == 0)
    return 0;
  if (world.closes_amid)
    pexec__sink_put_close(sink);
  *done = most_of(data, length, &error);
  keep_bytes(data, *done);
  return error;
}

bool pexec__logfile_is_torn (const struct pexec__logfile *file) {
  assert_ptr_equal(file, &the_file);
  return world.length > 0 && world.text[world.length - 1] != '\n';
}

int pexec__logfile_new (const pexec_file *from, bool allows_devices,
                        struct pexec__logfile **file) {
  assert_string_equal(from->path, "/log");
  assert_false(allows_devices);
  if (!may_allocate())
    return -ENOMEM;
  the_file.opened_anew = 0;
  world.files++;
  *file = &the_file;
  return 0;
}

void pexec__logfile_free (struct pexec__logfile *file) {
  world.files -= (file != NULL);
}

/* Leaves a mark where it comes. */
int pexec__logfile_reopen (struct pexec__logfile *file,
                           enum pexec__logfile_flaw *flaw) {
  assert_false(writer.is_locked);
  *flaw = PEXEC__FLAW_NONE;
  file->opened_anew++;
  keep_bytes("|", 1);
  return world.reopen_error;
}

/* Nobody opens it here: a sink gets it as it is. */
int pexec__logfile_open (struct pexec__logfile *file,
                         enum pexec__logfile_flaw *flaw) {
  (void)file;
  (void)flaw;
  return 0;
}

uint64_t pexec__logfile_device (const struct pexec__logfile *file) {
  (void)file;
  return 0;
}

void pexec__compressor_start (struct pexec__compressor *compressor,
                              struct pexec__logfile *file) {
  (void)compressor;
  assert_non_null(file);
}

void pexec__compressor_end (struct pexec__compressor *compressor,
                            struct pexec__logfile *file) {
  (void)compressor;
  (void)file;
}

int pexec__poll_writable (int fd, int timeout_ms) {
  assert_int_equal(fd, HOST_FD);
  assert_int_equal(timeout_ms, 0);
  return !world.host_is_full;
}

ssize_t pexec__write (int fd, const void *data, size_t size) {
  int error;
  size_t done = most_of(data, size, &error);
  assert_int_equal(fd, HOST_FD);
  assert_in_range(size, 1, 4096);  /* PIPE_BUF */
  keep_bytes(data, done);
  return done > 0 ? (ssize_t)done : error;
}

/* {== a logger: "level id: text" ========================================= */

static char any_logger;
#define LOGGER ((pexec_logger *)(void *)&any_logger)

pexec_logger *pexec_logger_retain (pexec_logger *logger) {
  world.loggers += (logger != NULL);
  return logger;
}

void pexec_logger_release (pexec_logger *logger) {
  world.loggers -= (logger != NULL);
}

void pexec_logger_write (pexec_logger *logger, enum pexec_level level,
                         const char *id, const char *message,
                         size_t length) {
  char head[64];
  assert_ptr_equal(logger, LOGGER);
  keep_bytes(head, (size_t)snprintf(head, sizeof head, "%d %s: ", (int)level,
                                    id ? id : "-"));
  keep_bytes(message, length);
  keep_bytes("\n", 1);
}

uint64_t pexec__logger_lines (pexec_logger *logger, enum pexec_level level,
                              const char *id, const char *data,
                              size_t length) {
  while (length > 0) {
    const char *end = memchr(data, '\n', length);
    size_t size = end ? (size_t)(end - data) : length;
    pexec_logger_write(logger, level, id, data, size);
    size += (end != NULL);
    data += size;
    length -= size;
  }
  return 0;
}

/* {== one sink, two processes ============================================ */

static struct pexec__pool *pool;
static struct pexec__ledger *ledgers[2];
static struct pexec__text text;

static int begin (void **state) {
  (void)state;
  memset(&world, 0, sizeof world);
  memset(&writer, 0, sizeof writer);
  world.now_ns = 1;
  world.good_blocks = -1;
  assert_non_null(world.text = malloc(FILE_MAX));
  assert_non_null(pool = pexec__pool_new(40));
  assert_non_null(ledgers[0] = pexec__ledger_new("one"));
  assert_non_null(ledgers[1] = pexec__ledger_new("two"));
  text = (struct pexec__text){ .data = malloc(4096), .capacity = 4096 };
  assert_non_null(text.data);
  sink = NULL;
  return 0;
}

/* Whatever a test did: nothing is left. */
static int end (void **state) {
  (void)state;
  if (sink != NULL)
    pexec__sink_free(sink);
  for (int i = 0; i < 2; i++)
    pexec__ledger_release(ledgers[i]);
  pexec__pool_release(pool);
  assert_int_equal(world.blocks, 0);
  assert_int_equal(world.files, 0);
  assert_int_equal(world.loggers, 0);
  free(world.text);
  free(text.data);
  return 0;
}

static void make_file (enum pexec_format format, bool blocks) {
  pexec_file options = PEXEC_FILE_INIT;
  options.path = "/log";
  options.format = format;
  options.blocks = blocks;
  assert_int_equal(pexec__sink_new(PEXEC__SINK_FILE, &options, NULL, -1,
                                   &sink), 0);
  sink->found = &writer;
  pexec__sink_adopt(sink);
}

static inline void make_other (enum pexec__sink_kind kind) {
  assert_int_equal(pexec__sink_new(kind, NULL, kind == PEXEC__SINK_LOGGER
                                   ? LOGGER : NULL, HOST_FD, &sink), 0);
  sink->writer = &writer;
}

/* True where it is full now. */
static bool put_view (int of, const char *data, size_t length, size_t lines,
                      bool is_partial, bool is_message) {
  int good = world.good_blocks;
  struct pexec__chunk *chunk;
  struct pexec__view view = { NULL, 0, length, lines, is_partial };
  bool is_full;
  world.good_blocks = -1;
  assert_non_null(chunk = pexec__chunk_new(pool, ledgers[of], length));
  world.good_blocks = good;
  memcpy(chunk->data, data, length);
  chunk->length = length;
  chunk->time_ns = pexec__wall_now();
  chunk->stream = of == 0 ? PEXEC_STDOUT : PEXEC_STDERR;
  chunk->pid = 7;
  view.chunk = chunk;
  is_full = pexec__sink_put(sink, &view, PEXEC_WARN, is_message);
  pexec__chunk_drop(chunk);
  return is_full;
}

static inline bool put (int of, const char *data) {
  size_t length = strlen(data);
  return put_view(of, data, length, pexec__count_newlines(data, length),
                  false, false);
}

static int64_t serve (void) {
  writer.is_called = false;
  return pexec__sink_serve(sink, &text, pool);
}

/* As the writer would, while there is no failure. */
static inline void serve_until_idle (void) {
  int64_t wait_ns;
  int turns = 0;
  while ((wait_ns = serve()) >= 0) {
    world.now_ns += wait_ns;
    assert_in_range(++turns, 1, 100000);
  }
}

static uint64_t drops_of (int of) {
  return atomic_load(&ledgers[of]->streams[of].drops);
}

static inline void expect (const char *told) {
  if (world.length != strlen(told) ||
      memcmp(world.text, told, world.length) != 0)
    fail_msg("\"%.*s\" was written, not \"%s\"", (int)world.length,
             world.text, told);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
