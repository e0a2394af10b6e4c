/*
** What output.c, lines.c and lending.c see in their specs: two pipes, a loop
** that only watches them, memory that runs out on demand, and the sinks. To be
** included once in a program that is linked with these alone. One thread.
*/

#ifndef SPEC_TWO_PIPES_H
#define SPEC_TWO_PIPES_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define KIB 1024
#define MOST (4096 * KIB)
#define NULL_FD 3

/* {== the pipes, the loop and the memory ================================= */

struct pexec__watch {
  pexec__callback *call;
  void *owner;
  bool is_paused, is_open;
};

/* Pipe i has the descriptors 10 + 10 * i to read, and one more to write. */
static struct pipe {
  char *data;
  size_t length, at;
  bool can_read, can_write;    /* pexec's two ends are open */
  bool has_writer;             /* and a child's is */
  int error;                   /* of reading */
  struct pexec__watch watch;
} pipes[2];

/* One delivery. */
struct delivery {
  size_t length;
  bool is_partial;
};

static struct sink {
  char *data;
  size_t length, logged, count;
  struct delivery *deliveries;
  char *raw;                   /* as it came */
  size_t raw_length;
} sinks[2];

static struct {
  int pipe_error, watch_error;
  int pipe_size;               /* bytes, or -errno: it cannot be told */
  bool may_grow;               /* a pipe may be enlarged */
  int good_blocks;             /* allocations that succeed; -1: all */
  bool is_deaf;                /* no memory for an event */
  bool writes_for_ever;        /* each read finds as much again */
  int64_t look_at_ns;          /* when the timer of outlets is due */
  int blocks, pipes_made;
} fake;

static bool may_allocate (void) {
  if (fake.good_blocks > 0)
    fake.good_blocks--;
  return fake.good_blocks != 0;
}

void *pexec__calloc (size_t count, size_t size) {
  if (!may_allocate())
    return NULL;
  fake.blocks++;
  return calloc(count, size);
}

void *pexec__malloc (size_t size) {
  return pexec__calloc(1, size);
}

void *pexec__realloc (void *block, size_t size) {
  if (!may_allocate())
    return NULL;
  fake.blocks += (block == NULL);
  return realloc(block, size);
}

void pexec__free (void *block) {
  fake.blocks -= (block != NULL);
  free(block);
}

static struct pipe *pipe_of (int fd) {
  assert_in_range(fd, 10, 29);
  return &pipes[fd / 10 - 1];
}

int pexec__pipe (int fds[2]) {
  int i = pipes[0].can_read || pipes[0].has_writer ? 1 : 0;
  if (fake.pipe_error != 0)
    return fake.pipe_error;
  pipes[i].can_read = pipes[i].can_write = true;
  pipes[i].at = pipes[i].length = 0;
  fake.pipes_made++;
  fds[0] = 10 + 10 * i;
  fds[1] = fds[0] + 1;
  return 0;
}

void pexec__close (int fd) {
  bool *end = fd % 10 == 0 ? &pipe_of(fd)->can_read : &pipe_of(fd)->can_write;
  assert_true(*end);
  *end = false;
}

ssize_t pexec__read (int fd, void *data, size_t size) {
  struct pipe *from = pipe_of(fd);
  size_t there = from->length - from->at;
  assert_true(from->can_read);
  if (from->error != 0)
    return from->error;
  if (there == 0)
    return from->has_writer || from->can_write ? -EAGAIN : 0;
  if (size > there)
    size = there;
  memcpy(data, from->data + from->at, size);
  from->at += fake.writes_for_ever ? 0 : size;
  return (ssize_t)size;
}

static bool hides_length;      /* how much is in a pipe nobody can tell */

int pexec__readable_bytes (int fd) {
  if (hides_length)
    return -ENOTTY;
  return (int)(pipe_of(fd)->length - pipe_of(fd)->at);
}

int pexec__watch_open (struct pexec__loop *loop, int fd,
                       pexec__callback *on_readable, void *owner,
                       struct pexec__watch **watch) {
  (void)loop;
  if (fake.watch_error != 0)
    return fake.watch_error;
  *watch = &pipe_of(fd)->watch;
  **watch = (struct pexec__watch){ on_readable, owner, false, true };
  return 0;
}

void pexec__watch_pause (struct pexec__watch *watch) {
  watch->is_paused = true;
}

void pexec__watch_resume (struct pexec__watch *watch) {
  watch->is_paused = false;
}

void pexec__watch_close (struct pexec__watch *watch) {
  if (watch != NULL)
    watch->is_open = false;
}

/* Time stands still: no pipe is ever left alone for a moment. */
int64_t pexec__now (void) { return 1; }
int64_t pexec__wall_now (void) { return 1; }

void pexec__timer_arm_earlier (struct pexec__timer *timer, int64_t due_ns) {
  (void)timer;
  fake.look_at_ns = due_ns;
}

void pexec__timer_arm (struct pexec__timer *timer, int64_t due_ns) {
  (void)timer;
  (void)due_ns;
}

int pexec__pipe_size (int fd) {
  (void)fd;
  return fake.pipe_size;
}

int pexec__set_pipe_size (int fd, int size) {
  (void)fd;
  return fake.may_grow ? size : -EPERM;
}

enum pexec__route pexec__config_route (const struct pexec__config *config,
                                       int stream) {
  return config->stream_loggers[stream] != NULL ||
         (config->output_events & (1U << stream)) != 0 ? PEXEC__ROUTE_PIPE
                                                       : PEXEC__ROUTE_NULL;
}

/* {== what output.c delivers to ========================================== */

static void append (struct sink *sink, const char *data, size_t length) {
  assert_true(sink->length + length <= MOST);
  memcpy(sink->data + sink->length, data, length);
  sink->length += length;
}

bool pexec__news_output (pexec_process *of, const struct pexec__view *view) {
  struct sink *sink = &sinks[view->chunk->stream - 1];
  size_t length = view->to - view->from;
  if (fake.is_deaf)
    return false;
  append(sink, view->chunk->data + view->from, length);
  sink->deliveries[sink->count++] =
      (struct delivery){ length, view->is_partial };
  atomic_fetch_add(&of->queued_bytes, length);
  return true;
}

void pexec__log (pexec_process *process, enum pexec_level level,
                 const char *format, ...) {
  (void)process;
  (void)level;
  (void)format;
}

void pexec__outlets_rest (pexec_process *process) {
  (void)process;
}

void pexec__writers_wake (struct pexec__writers *writers) {
  (void)writers;
}

void pexec__outlets_put_lines (struct pexec__stream *stream,
                               const struct pexec__view *view) {
  int i = stream->number - 1;
  if (stream->process->config->stream_loggers[i] != NULL)
    sinks[i].logged += view->to - view->from;
}

void pexec__losses_watch (pexec_process *process) {
  (void)process;
}

/* It is still needed here. */
void pexec__supervisor_settle (pexec_process *settled) {
  (void)settled;
}

static void put_raw (const struct pexec__view *view) {
  struct sink *sink = &sinks[view->chunk->stream - 1];
  size_t length = view->to - view->from;
  assert_true(sink->raw_length + length <= MOST);
  memcpy(sink->raw + sink->raw_length, view->chunk->data + view->from,
         length);
  sink->raw_length += length;
}

void pexec__outlets_put_bytes (struct pexec__stream *stream,
                               const struct pexec__view *view) {
  assert_int_equal(stream->number, view->chunk->stream);
  put_raw(view);
}

/* {== a sink that a pipe can be lent to ================================== */

static struct {
  struct pexec__sink sinks[2];  /* of stdout, of stderr */
  bool is_there;              /* they are the only ones */
  bool refuses;
  bool has_pulled;            /* as its writer says */
} borrowers;

struct pexec__sink *pexec__outlets_sole_file (
    const struct pexec__stream *stream) {
  return borrowers.is_there ? &borrowers.sinks[stream->number - 1] : NULL;
}

bool pexec__sink_lend (struct pexec__sink *sink, pexec__pull *pull,
                       void *source) {
  if (borrowers.refuses)
    return false;
  sink->pull = pull;
  sink->source = source;
  return true;
}

bool pexec__sink_is_lent (struct pexec__sink *sink) {
  return sink->source != NULL;
}

bool pexec__sink_has_pulled (struct pexec__sink *sink) {
  (void)sink;
  return borrowers.has_pulled;
}

void pexec__sink_take_back (struct pexec__sink *sink) {
  sink->source = NULL;
}

bool pexec__sink_put (struct pexec__sink *sink,
                      const struct pexec__view *view, enum pexec_level level,
                      bool is_message) {
  assert_ptr_equal(sink, &borrowers.sinks[view->chunk->stream - 1]);
  assert_int_equal(level, PEXEC_INFO);
  assert_false(is_message);
  put_raw(view);
  return false;
}

bool pexec__outlets_are_full (const struct pexec__stream *stream) {
  (void)stream;
  return false;
}

bool pexec__outlets_are_overfull (const struct pexec__stream *stream) {
  (void)stream;
  return false;
}

/* {== one process ======================================================== */

static pexec_supervisor supervisor;
static struct pexec__config config;
static pexec_process process;

static int begin (void **state) {
  (void)state;
  memset(&fake, 0, sizeof fake);
  memset(&borrowers, 0, sizeof borrowers);
  fake.good_blocks = -1;
  fake.pipe_size = 64 * KIB;
  for (int i = 0; i < 2; i++) {
    pipes[i] = (struct pipe){ .data = malloc(MOST) };
    sinks[i] = (struct sink){ .data = malloc(MOST) };
    sinks[i].deliveries = malloc(MOST / 16 * sizeof(struct delivery));
    sinks[i].raw = malloc(MOST);
  }
  memset(&supervisor, 0, sizeof supervisor);
  pexec__mailbox_open(&supervisor.outbox);
  supervisor.pool = pexec__pool_new(40);
  supervisor.null_fd = NULL_FD;
  config = (struct pexec__config){ .id = "writer",
                                   .events_buffer = 256 * KIB };
  memset(&process, 0, sizeof process);
  process.supervisor = &supervisor;
  process.config = &config;
  process.ledger = pexec__ledger_new("writer");
  return 0;
}

/* Whatever a test did: nothing is left. */
static int end (void **state) {
  (void)state;
  pexec__output_close(&process);
  pexec__tail_free(&process.tail);
  pexec__ledger_release(process.ledger);
  pexec__pool_release(supervisor.pool);
  pexec__mailbox_close(&supervisor.outbox);
  assert_int_equal(fake.blocks, 0);
  for (int i = 0; i < 2; i++) {
    assert_false(pipes[i].can_read || pipes[i].can_write);
    assert_false(pipes[i].watch.is_open);
    free(pipes[i].data);
    free(sinks[i].data);
    free(sinks[i].deliveries);
    free(sinks[i].raw);
  }
  return 0;
}

static void start (unsigned output_events) {
  config.output_events = output_events;
  assert_int_equal(pexec__output_open(&process), 0);
  pipes[0].has_writer = pipes[1].has_writer = true;
}

static void say (int i, const char *data, size_t length) {
  assert_true(pipes[i].length + length <= MOST);
  memcpy(pipes[i].data + pipes[i].length, data, length);
  pipes[i].length += length;
}

static void say_text (int i, const char *text) {
  say(i, text, strlen(text));
}

static void say_bytes (int i, size_t length, char byte) {
  assert_true(pipes[i].length + length <= MOST);
  memset(pipes[i].data + pipes[i].length, byte, length);
  pipes[i].length += length;
}

static bool is_readable (const struct pipe *from) {
  return from->error != 0 || from->at < from->length ||
         (!from->has_writer && !from->can_write);
}

/* One turn of the loop; false where nothing was to be done. */
static bool turn (void) {
  bool is_busy = false;
  for (int i = 0; i < 2; i++) {
    struct pexec__watch *watch = &pipes[i].watch;
    if (watch->is_open && !watch->is_paused && is_readable(&pipes[i])) {
      watch->call(watch->owner);
      is_busy = true;
    }
  }
  return is_busy;
}

static void turn_until_idle (void) {
  int turns = 0;
  while (turn())
    assert_in_range(++turns, 1, 100000);
}

static void die (void) {
  pipes[0].has_writer = pipes[1].has_writer = false;
  pexec__output_drain(&process);
}

/* "a\n b" are two deliveries, "a+ b\n" a piece and the end of its line. */
static inline void expect (int i, const char *told) {
  char text[4096] = "", *to = text;
  const char *from = sinks[i].data;
  for (size_t n = 0; n < sinks[i].count; n++) {
    const struct delivery *one = &sinks[i].deliveries[n];
    to += sprintf(to, "%s%.*s%s", n > 0 ? " " : "", (int)one->length, from,
                  one->is_partial ? "+" : "");
    from += one->length;
  }
  assert_string_equal(text, told);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
