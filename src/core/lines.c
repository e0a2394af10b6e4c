/*
** What was read -> lines -> where they go. The supervisor's thread; of a
** stream that is lent (lending.c), the writer's that has borrowed it.
*/

#include <errno.h>
#include <string.h>

#include "core.h"

/* {== delivering ========================================================= */

static struct pexec__ledger *ledger_of (const struct pexec__stream *stream) {
  return stream->process->ledger;
}

static void keep_tail (struct pexec__stream *stream,
                       const struct pexec__view *view) {
  pexec_process *process = stream->process;
  pexec__mailbox_lock(&process->supervisor->outbox);
  pexec__tail_add(&process->tail, view,
                  stream->loan.sink ? stream->loan.run : process->starts);
  pexec__mailbox_unlock(&process->supervisor->outbox);
}

static void lose (struct pexec__stream *stream,
                  const struct pexec__view *view) {
  stream->process->lost_lines += view->lines;
  atomic_fetch_add(&ledger_of(stream)->streams[stream->number - 1].drops,
                   view->lines);
}

/* True where what comes is dropped: the host has not consumed. The log hears
   of the first such line of a run, and of how many at its end. */
static bool is_dropping (pexec_process *process) {
  const struct pexec__config *config = process->config;
  if (!config->events_drop ||
      (atomic_load(&process->queued_bytes) < config->events_buffer &&
       atomic_load(&process->ledger->queued_events) < PEXEC__EVENTS_MAX))
    return false;
  if (process->lost_lines == process->lost_told)
    pexec__log(process, PEXEC_WARN, "its writer does not keep up: lines of "
               "output are dropped");
  return true;
}

/* Without a host all is told at once, when it is disposed of. */
void pexec__lines_tell_drops (pexec_process *process) {
  uint64_t lost = process->lost_lines - process->lost_told;
  if (lost == 0 || process->is_released || process->supervisor->is_closing)
    return;
  process->lost_told = process->lost_lines;
  pexec__log(process, PEXEC_WARN, "%llu lines of output were dropped",
             (unsigned long long)lost);
}

/* Whole lines, or a piece of one. */
static void deliver (struct pexec__stream *stream,
                     const struct pexec__view *view) {
  pexec_process *process = stream->process;
  stream->is_in_pieces = view->is_partial;
  keep_tail(stream, view);
  if (stream->loan.sink != NULL)  /* it has the bytes, and is alone */
    return;
  pexec__outlets_put_lines(stream, view);
  pexec__losses_watch(process);
  if (!stream->has_events)
    return;
  if (process->is_released || process->supervisor->is_closing ||
      is_dropping(process) || !pexec__news_output(process, view))
    lose(stream, view);
}

void pexec__lines_drop_rest (struct pexec__stream *stream) {
  pexec__free(stream->rest);
  stream->rest = NULL;
  stream->rest_length = 0;
}

/* What was read into a chunk, and is yet to be delivered. Before 'from' is
   room for the rest. */
struct reading {
  struct pexec__stream *stream;
  struct pexec__chunk *chunk;
  size_t from;
  size_t lines;                 /* that end in it */
};

/* The rest and the bytes up to 'to': a piece, or all the lines that end. */
static void send (struct reading *reading, size_t to, bool is_partial) {
  struct pexec__stream *stream = reading->stream;
  struct pexec__chunk *chunk = reading->chunk;
  struct pexec__view view = { chunk, reading->from, to,
                              is_partial ? 0 : reading->lines, is_partial };
  if (stream->rest_length > 0) {
    view.from -= stream->rest_length;
    memcpy(chunk->data + view.from, stream->rest, stream->rest_length);
    pexec__lines_drop_rest(stream);
  }
  reading->from = to;
  deliver(stream, &view);
}

/* Without memory it goes out as it is, as a piece. */
static void keep_rest (struct reading *reading) {
  struct pexec__stream *stream = reading->stream;
  size_t length = reading->chunk->length - reading->from;
  char *rest = pexec__realloc(stream->rest, stream->rest_length + length);
  if (rest == NULL) {
    send(reading, reading->chunk->length, true);
    return;
  }
  memcpy(rest + stream->rest_length, reading->chunk->data + reading->from,
         length);
  stream->rest = rest;
  stream->rest_length += length;
}

/* No line within what was read is longer than a piece; one that began in the
   rest may be. */
static void split (struct reading *reading) {
  struct pexec__chunk *chunk = reading->chunk;
  char *data = chunk->data + reading->from;
  size_t length = chunk->length - reading->from;
  char *end = memchr(data, '\n', length);
  size_t head = end ? (size_t)(end - data) : length;
  if (reading->stream->rest_length + head > PEXEC__LINE_MAX)
    send(reading, reading->from + PEXEC__LINE_MAX -
                  reading->stream->rest_length, true);
  end = memrchr(chunk->data + reading->from, '\n',
                chunk->length - reading->from);
  if (end != NULL)
    send(reading, (size_t)(end + 1 - chunk->data), false);
  if (reading->from < chunk->length)
    keep_rest(reading);
}

/* What is new goes as it is to those who want bytes, and then by lines. */
static void take (struct pexec__stream *stream, struct pexec__chunk *chunk,
                  size_t from) {
  size_t lines = pexec__count_newlines(chunk->data + from,
                                       chunk->length - from);
  struct reading reading = { stream, chunk, from, lines };
  struct pexec__view view = { chunk, from, chunk->length, lines, false };
  struct pexec__ledger *ledger = ledger_of(stream);
  int i = stream->number - 1;
  atomic_fetch_add(&ledger->streams[i].bytes, chunk->length - from);
  atomic_fetch_add(&ledger->streams[i].lines, lines);
  if (stream->loan.sink != NULL)
    (void)pexec__sink_put(stream->loan.sink, &view, PEXEC_INFO, false);
  else
    pexec__outlets_put_bytes(stream, &view);
  split(&reading);
}

/* {== chunks ============================================================= */

/* With room in front for the rest. NULL for want of memory. */
static struct pexec__chunk *new_chunk (struct pexec__stream *stream,
                                       struct pexec__pool *pool,
                                       size_t length) {
  pexec_process *process = stream->process;
  struct pexec__chunk *chunk =
      pexec__chunk_new(pool, process->ledger, stream->rest_length + length);
  if (chunk == NULL)
    return NULL;
  chunk->length = stream->rest_length;
  chunk->time_ns = pexec__wall_now();
  chunk->stream = stream->number;
  chunk->pid = stream->loan.sink ? stream->loan.pid : process->child.pid;
  chunk->more_follows = stream->more_follows;
  return chunk;
}

ssize_t pexec__lines_read (struct pexec__stream *stream,
                           struct pexec__pool *pool, size_t most) {
  struct pexec__chunk *chunk = new_chunk(stream, pool, most);
  size_t from = stream->rest_length;
  ssize_t size;
  if (chunk == NULL)
    return -ENOMEM;
  size = pexec__read(stream->read_fd, chunk->data + from, most);
  if (size > 0) {
    chunk->length += (size_t)size;
    take(stream, chunk, from);
  }
  pexec__chunk_drop(chunk);
  return size;
}

/* A last line that has no end; or the end of one that went out in pieces. */
void pexec__lines_flush (struct pexec__stream *stream) {
  struct reading reading = { stream, NULL, stream->rest_length, 1 };
  if (stream->rest_length == 0 && !stream->is_in_pieces)
    return;
  reading.chunk = new_chunk(stream, stream->process->supervisor->pool, 0);
  if (reading.chunk == NULL) {
    stream->process->lost_lines++;
    pexec__lines_drop_rest(stream);
    return;
  }
  atomic_fetch_add(&ledger_of(stream)->streams[stream->number - 1].lines, 1);
  send(&reading, stream->rest_length, false);
  pexec__chunk_drop(reading.chunk);
}
