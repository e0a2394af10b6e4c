/*
** What a sink's entries come to: bytes in a file, messages of a logger, bytes
** on a descriptor of the host's. What fails half-way goes on from there at
** the next turn, or is given up, counted, and told of in the file. A writer's
** thread, without its lock.
*/

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "logger.h"
#include "sink.h"
#include "sys.h"

/* {== bytes ============================================================== */

/* As much as a pipe takes without blocking, and whole lines if it can be. */
static size_t piece_of (const char *data, size_t length) {
  const char *end;
  if (length <= PIPE_BUF)
    return length;
  end = memrchr(data, '\n', PIPE_BUF);
  return end ? (size_t)(end + 1 - data) : PIPE_BUF;
}

/* The host's own description, which may block: it is asked first. */
static int write_host (int fd, const char *data, size_t length,
                       size_t *done) {
  while (*done < length) {
    int ready = pexec__poll_writable(fd, 0);
    ssize_t size;
    if (ready <= 0)
      return ready < 0 ? ready : -EAGAIN;
    size = pexec__write(fd, data + *done,
                        piece_of(data + *done, length - *done));
    if (size <= 0)
      return size < 0 ? (int)size : -EIO;
    *done += (size_t)size;
  }
  return 0;
}

static int write_bytes (struct pexec__sink *sink, const char *data,
                        size_t length, size_t *done) {
  int error;
  *done = 0;
  if (sink->kind == PEXEC__SINK_HOST)
    error = write_host(sink->host_fd, data, length, done);
  else
    error = pexec__logfile_write(sink->file, pexec__wall_now(), data, length,
                                 done);
  sink->has_written |= (*done > 0);
  return error;
}

/* {== losses ============================================================= */

static void lose (struct pexec__sink *sink, uint64_t lines, int reason) {
  if (lines == 0)
    return;
  sink->lost += lines;
  sink->lost_reason = reason;
}

static size_t gap_text (const struct pexec__sink *sink, char text[256]) {
  const char *reason = sink->lost_reason < 0
      ? pexec_error_text(sink->lost_reason) : "it was not written in time";
  return (size_t)snprintf(text, 256, "%llu lines lost here: %s",
                          (unsigned long long)sink->lost, reason);
}

/* It has room for what is put there. */
static void keep (void *owner, struct pexec__text *text, size_t size) {
  (void)owner;
  pexec__text_drop(text, size);
}

static int write_gap (struct pexec__sink *sink, const char *gap,
                      size_t length) {
  const struct pexec__origin origin = {
    .time_ns = pexec__wall_now(), .stream = "pexec",
  };
  char room[2048];
  struct pexec__text text = { room, sizeof room, 0, 0, keep, NULL };
  struct pexec__frame frame;
  size_t done;
  if (sink->kind == PEXEC__SINK_FILE && pexec__logfile_is_torn(sink->file))
    pexec__text_put(&text, "\n", 1);
  if (sink->format == PEXEC_RAW) {
    pexec__text_put(&text, "pexec: ", 7);
    pexec__text_put(&text, gap, length);
    pexec__text_put(&text, "\n", 1);
  }
  else {
    pexec__frame_make(&frame, sink->format, &origin);
    pexec__text_line(&text, &frame, gap, length);
  }
  return write_bytes(sink, text.data, text.used, &done);
}

/* Tells of the lines that were lost before what follows. */
static int tell_gap (struct pexec__sink *sink) {
  char gap[256];
  size_t length;
  int error = 0;
  if (sink->lost == 0)
    return 0;
  length = gap_text(sink, gap);
  if (sink->kind == PEXEC__SINK_LOGGER)
    pexec_logger_write(sink->logger, PEXEC_ERROR, NULL, gap, length);
  else
    error = write_gap(sink, gap, length);
  if (error >= 0)
    sink->lost = 0;
  return error;
}

static int tell_gap_before (struct pexec__sink *sink,
                            struct pexec__entry *entry) {
  lose(sink, entry->lost_before, entry->lost_reason);
  entry->lost_before = 0;
  return tell_gap(sink);
}

/* {== a batch ============================================================ */

static struct pexec__entry *move_done (struct pexec__batch *batch) {
  struct pexec__entry *entry = batch->first;
  batch->first = entry->next;
  entry->next = batch->done;
  batch->done = entry;
  return entry;
}

static void note_done (struct pexec__batch *batch) {
  batch->done_count++;
  batch->done_bytes += pexec__entry_charge(move_done(batch));
}

/* {== raw ================================================================ */

static int deliver_raw (struct pexec__sink *sink, struct pexec__batch *batch) {
  struct pexec__entry *entry = batch->first;
  struct pexec__view *view = &entry->view;
  size_t done;
  int error = write_bytes(sink, view->chunk->data + view->from,
                          view->to - view->from, &done);
  view->from += done;
  batch->done_bytes += done;
  if (error >= 0)
    note_done(batch);
  return error;
}

/* {== formatted ========================================================== */

/* Keeps what could not be written; without memory it is lost. */
static void hold (struct pexec__sink *sink, const char *data, size_t length,
                  int reason) {
  char *held = pexec__realloc(sink->held, sink->held_length + length);
  if (held == NULL) {
    lose(sink, pexec__count_newlines(data, length), reason);
    return;
  }
  memcpy(held + sink->held_length, data, length);
  sink->held = held;
  sink->held_length += length;
}

static void emit (void *owner, struct pexec__text *text, size_t size) {
  struct pexec__sink *sink = owner;
  size_t done = 0;
  if (sink->held == NULL)
    sink->held_error = write_bytes(sink, text->data, size, &done);
  if (sink->held_error < 0)
    hold(sink, text->data + done, size - done, sink->held_error);
  pexec__text_drop(text, size);
}

static void drop_held (struct pexec__sink *sink) {
  pexec__free(sink->held);
  sink->held = NULL;
  sink->held_length = sink->held_count = sink->held_bytes = 0;
}

static void count_held (struct pexec__sink *sink,
                        struct pexec__batch *batch) {
  batch->done_count += sink->held_count;
  batch->done_bytes += sink->held_bytes;
  drop_held(sink);
}

static int write_held (struct pexec__sink *sink, struct pexec__batch *batch) {
  size_t done;
  int error;
  if (sink->held == NULL)
    return 0;
  error = write_bytes(sink, sink->held, sink->held_length, &done);
  if (error >= 0) {
    count_held(sink, batch);
    return 0;
  }
  sink->held_length -= done;
  memmove(sink->held, sink->held + done, sink->held_length);
  return error;
}

static void format_entry (struct pexec__sink *sink,
                          const struct pexec__entry *entry,
                          struct pexec__text *text) {
  const struct pexec__view *view = &entry->view;
  const struct pexec__chunk *chunk = view->chunk;
  const struct pexec__origin origin = {
    .time_ns = chunk->time_ns, .id = chunk->ledger->id, .pid = chunk->pid,
    .stream = chunk->stream == PEXEC_STDOUT ? "stdout" : "stderr",
    .is_partial = view->is_partial,
  };
  struct pexec__frame frame;
  pexec__frame_make(&frame, sink->format, &origin);
  if (view->to > view->from)
    pexec__text_lines(text, &frame, chunk->data + view->from,
                      view->to - view->from);
  else
    pexec__text_line(text, &frame, "", 0);  /* the end of a line in pieces */
}

/* As many as come without a gap between them. */
static int deliver_formatted (struct pexec__sink *sink,
                              struct pexec__batch *batch,
                              struct pexec__text *text) {
  text->owner = sink;
  text->emit = emit;
  text->used = text->ended = 0;
  do {
    struct pexec__entry *entry = move_done(batch);
    format_entry(sink, entry, text);
    sink->held_count++;
    sink->held_bytes += pexec__entry_charge(entry);
  } while (batch->first != NULL && batch->first->lost_before == 0 &&
           sink->held == NULL);
  if (text->used > 0)
    emit(sink, text, text->used);
  if (sink->held != NULL)
    return sink->held_error;
  count_held(sink, batch);
  return 0;
}

/* {== a logger ==== */

static void deliver_to_logger (struct pexec__sink *sink,
                               struct pexec__batch *batch) {
  const struct pexec__entry *entry = batch->first;
  const struct pexec__view *view = &entry->view;
  const char *id = view->chunk->ledger->id;
  const char *data = view->chunk->data + view->from;
  size_t length = view->to - view->from;
  if (entry->is_message || length == 0)
    pexec_logger_write(sink->logger, entry->level, id, data, length);
  else
    pexec__logger_lines(sink->logger, entry->level, id, data, length);
  note_done(batch);
}

/* {== all of them ======================================================== */

static int deliver_next (struct pexec__sink *sink, struct pexec__batch *batch,
                         struct pexec__text *text) {
  int error = tell_gap_before(sink, batch->first);
  if (error < 0)
    return error;
  if (sink->kind == PEXEC__SINK_LOGGER)
    deliver_to_logger(sink, batch);
  else if (sink->format == PEXEC_RAW)
    error = deliver_raw(sink, batch);
  else
    error = deliver_formatted(sink, batch, text);
  return error;
}

int pexec__deliver (struct pexec__sink *sink, struct pexec__batch *batch,
                    struct pexec__text *text) {
  int error = write_held(sink, batch);
  if (error >= 0)
    error = tell_gap(sink);
  while (error >= 0 && batch->first != NULL)
    error = deliver_next(sink, batch, text);
  return error;
}

/* {== giving up ========================================================== */

/* Of one that is written in part, what is left counts. */
static uint64_t lines_left (const struct pexec__sink *sink,
                            const struct pexec__view *view) {
  if (sink->kind == PEXEC__SINK_LOGGER || sink->format != PEXEC_RAW)
    return view->lines;
  return pexec__count_newlines(view->chunk->data + view->from,
                               view->to - view->from);
}

static void count_lost (struct pexec__sink *sink,
                        const struct pexec__entry *entry, uint64_t lines,
                        int reason) {
  lose(sink, lines, reason);
  sink->lost_ever += lines;
  if (entry != NULL) {
    const struct pexec__chunk *chunk = entry->view.chunk;
    atomic_fetch_add(&chunk->ledger->streams[chunk->stream - 1].drops, lines);
  }
}

void pexec__give_up (struct pexec__sink *sink, struct pexec__batch *batch,
                     int reason) {
  if (sink->held != NULL) {
    uint64_t lines = pexec__count_newlines(sink->held, sink->held_length);
    count_lost(sink, batch->done ? batch->done : batch->first, lines, reason);
    count_held(sink, batch);
  }
  while (batch->first != NULL) {
    struct pexec__entry *entry = batch->first;
    lose(sink, entry->lost_before, reason);
    count_lost(sink, entry, lines_left(sink, &entry->view), reason);
    note_done(batch);
  }
}
