/*
** What a sink's entries come to: bytes in a file, messages of a logger, bytes
** on a descriptor of the host's. What fails half-way goes on from there at
** the next turn, or is given up, counted, and told of in the file. Needs no
** memory. A writer's thread, without its lock.
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
static int write_host (struct pexec__sink *sink, const char *data,
                       size_t length, size_t *done) {
  while (*done < length) {
    int ready = pexec__poll_writable(sink->host_fd, 0);
    ssize_t size;
    if (ready <= 0)
      return ready < 0 ? ready : -EAGAIN;
    size = pexec__write(sink->host_fd, data + *done,
                        piece_of(data + *done, length - *done));
    if (size <= 0)
      return size < 0 ? (int)size : -EIO;
    *done += (size_t)size;
    sink->is_torn = (data[*done - 1] != '\n');
  }
  return 0;
}

static int write_bytes (struct pexec__sink *sink, const char *data,
                        size_t length, size_t *done) {
  *done = 0;
  if (sink->kind == PEXEC__SINK_HOST)
    return write_host(sink, data, length, done);
  return pexec__logfile_write(sink->file, pexec__wall_now(), data, length,
                              done);
}

/* {== losses ============================================================= */

void pexec__gap_add (struct pexec__gap *gap, uint64_t lines, int reason) {
  if (!gap->is_there)
    gap->reason = reason;
  gap->is_there = true;
  gap->lines += lines;
}

static bool is_raw (const struct pexec__sink *sink) {
  return sink->kind != PEXEC__SINK_LOGGER && sink->format == PEXEC_RAW;
}

static bool is_same (const struct pexec__cut *a, const struct pexec__cut *b) {
  return a->ledger == b->ledger && a->pid == b->pid &&
         a->stream == b->stream;
}

static struct pexec__cut end_of (const struct pexec__view *view, int reason) {
  const struct pexec__chunk *chunk = view->chunk;
  return (struct pexec__cut){
    .ledger = chunk->ledger, .pid = chunk->pid, .stream = chunk->stream,
    .is_amid = view->to > view->from && chunk->data[view->to - 1] != '\n',
    .reason = reason,
  };
}

/* Of several whose lines are cut at once the last is known. */
static void move_cut (struct pexec__cut *cut, const struct pexec__cut *to) {
  if (to->is_amid || !cut->is_amid || is_same(cut, to))
    *cut = *to;
}

void pexec__gap_end (struct pexec__gap *gap, const struct pexec__sink *sink,
                     const struct pexec__view *view, int reason) {
  struct pexec__cut end = end_of(view, reason);
  if (is_raw(sink))
    move_cut(&gap->cut, &end);
}

void pexec__gap_join (struct pexec__sink *sink, const struct pexec__gap *gap,
                      int reason) {
  if (!gap->is_there)
    return;
  pexec__gap_add(&sink->gap, gap->lines, reason);
  if (gap->cut.ledger != NULL)
    move_cut(&sink->cut, &gap->cut);
}

static size_t gap_text (const struct pexec__gap *gap, char text[256]) {
  const char *reason = gap->reason < 0 && gap->reason != -EAGAIN
      ? pexec_error_text(gap->reason) : "it was not written in time";
  int length = gap->lines == 0
      ? snprintf(text, 256, "part of a line lost here: %s", reason)
      : snprintf(text, 256, "%llu lines lost here: %s",
                 (unsigned long long)gap->lines, reason);
  return (size_t)length;
}

static bool is_torn (const struct pexec__sink *sink) {
  return sink->kind == PEXEC__SINK_FILE ? pexec__logfile_is_torn(sink->file)
                                        : sink->is_torn;
}

/* What stands on a line of its own may find that the last one has no end.
   Follows and opens the file before it is asked. */
static int end_torn_line (struct pexec__sink *sink) {
  size_t done;
  int error = sink->kind == PEXEC__SINK_FILE
            ? write_bytes(sink, "", 0, &done) : 0;
  if (error < 0)
    return error;
  return is_torn(sink) ? write_bytes(sink, "\n", 1, &done) : 0;
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
  int error = end_torn_line(sink);
  if (error < 0)
    return error;
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
  if (!sink->gap.is_there)
    return 0;
  length = gap_text(&sink->gap, gap);
  if (sink->kind == PEXEC__SINK_LOGGER)
    pexec_logger_write(sink->logger, PEXEC_ERROR, NULL, gap, length);
  else
    error = write_gap(sink, gap, length);
  if (error >= 0)
    sink->gap = (struct pexec__gap){ 0 };
  return error;
}

/* {== a batch ============================================================ */

static void note_done (struct pexec__batch *batch) {
  struct pexec__entry *entry = batch->first;
  batch->first = entry->next;
  entry->next = batch->done;
  batch->done = entry;
  batch->done_count++;
  batch->done_bytes += pexec__entry_charge(entry);
}

static void count_drops (const struct pexec__view *view, uint64_t lines) {
  struct pexec__chunk *chunk = view->chunk;
  atomic_fetch_add(&chunk->ledger->streams[chunk->stream - 1].drops, lines);
}

/* {== raw ================================================================ */

/* The rest of a line whose beginning is lost. */
static void skip_line (struct pexec__sink *sink, struct pexec__batch *batch,
                       struct pexec__view *view) {
  const char *data = view->chunk->data + view->from;
  const char *end = memchr(data, '\n', view->to - view->from);
  size_t size = end != NULL ? (size_t)(end + 1 - data)
                            : view->to - view->from;
  uint64_t lines = (end != NULL);
  view->from += size;
  batch->done_bytes += size;
  batch->lost += lines;
  count_drops(view, lines);
  pexec__gap_add(&sink->gap, lines, sink->cut.reason);
  sink->cut.is_amid = (end == NULL);
}

/* True where there is nothing more of it. */
static bool skip_cut (struct pexec__sink *sink, struct pexec__batch *batch) {
  struct pexec__view *view = &batch->first->view;
  struct pexec__cut here;
  if (!sink->cut.is_amid)
    return false;
  here = end_of(view, 0);
  if (!is_same(&here, &sink->cut))
    return false;
  skip_line(sink, batch, view);
  if (view->from < view->to)
    return false;
  note_done(batch);
  return true;
}

static int deliver_raw (struct pexec__sink *sink, struct pexec__batch *batch) {
  struct pexec__entry *entry = batch->first;
  struct pexec__view *view = &entry->view;
  size_t done;
  int error = write_bytes(sink, view->chunk->data + view->from,
                          view->to - view->from, &done);
  view->from += done;
  batch->done_bytes += done;
  batch->has_moved |= (done > 0);
  if (error >= 0)
    note_done(batch);
  return error;
}

/* {== formatted ========================================================== */

/* The text of some entries on its way. The same entry always gives the same
   text: of one that was written in part, that part is skipped. */
struct passage {
  struct pexec__sink *sink;
  uint64_t skip;        /* bytes that are written already */
  uint64_t made;        /* bytes that have left the buffer */
  uint64_t written;     /* of these */
  int error;            /* then nothing is written any more */
};

static void emit (void *owner, struct pexec__text *text, size_t size) {
  struct passage *passage = owner;
  size_t from = passage->skip < size ? (size_t)passage->skip : size;
  size_t done = 0;
  passage->skip -= from;
  if (passage->error >= 0 && from < size)
    passage->error = write_bytes(passage->sink, text->data + from,
                                 size - from, &done);
  passage->written += from + done;
  passage->made += size;
  pexec__text_drop(text, size);
}

static void format_entry (const struct pexec__sink *sink,
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

/* Of those before 'end' the ones whose text is written are done. */
static void note_written (struct pexec__batch *batch,
                          const struct pexec__entry *end,
                          const struct passage *passage) {
  uint64_t start = 0;
  while (batch->first != end && batch->first->text_end <= passage->written) {
    start = batch->first->text_end;
    note_done(batch);
  }
  passage->sink->written_of_first = passage->written - start;
}

/* As many as come without a gap between them. */
static int deliver_formatted (struct pexec__sink *sink,
                              struct pexec__batch *batch,
                              struct pexec__text *text) {
  struct passage passage = { sink, sink->written_of_first, 0, 0, 0 };
  struct pexec__entry *entry = batch->first;
  int error = sink->written_of_first == 0 ? end_torn_line(sink) : 0;
  if (error < 0)
    return error;
  /* cppcheck-suppress autoVariables ; nobody emits after this function */
  text->owner = &passage;
  text->emit = emit;
  text->used = text->ended = 0;
  do {
    format_entry(sink, entry, text);
    entry->text_end = passage.made + text->used;
    entry = entry->next;
  } while (entry != NULL && !entry->gap_before.is_there &&
           passage.error >= 0);
  if (text->used > 0)
    emit(&passage, text, text->used);
  batch->has_moved |= (passage.written > sink->written_of_first);
  note_written(batch, entry, &passage);
  return passage.error;
}

/* {== a logger ==== */

static void deliver_to_logger (struct pexec__sink *sink,
                               struct pexec__batch *batch) {
  const struct pexec__entry *entry = batch->first;
  const struct pexec__view *view = &entry->view;
  const char *id = view->chunk->ledger->id;
  const char *data = view->chunk->data + view->from;
  size_t length = view->to - view->from;
  uint64_t lost = 0;
  if (entry->is_message || length == 0)  /* the end of one in pieces */
    pexec_logger_write(sink->logger, entry->level, id, data, length);
  else
    lost = pexec__logger_lines(sink->logger, entry->level, id, data, length);
  /* it tells of them itself; a piece is no line */
  count_drops(view, lost < view->lines ? lost : view->lines);
  note_done(batch);
}

/* {== all of them ======================================================== */

static int deliver_next (struct pexec__sink *sink, struct pexec__batch *batch,
                         struct pexec__text *text) {
  int error;
  pexec__gap_join(sink, &batch->first->gap_before,
                  batch->first->gap_before.reason);
  batch->first->gap_before.is_there = false;
  if (skip_cut(sink, batch))
    return 0;
  if ((error = tell_gap(sink)) < 0)  /* never amid an entry: see give_up */
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
  int error = 0;
  while (error >= 0 && batch->first != NULL)
    error = deliver_next(sink, batch, text);
  return error < 0 ? error : tell_gap(sink);  /* though nothing follows */
}

/* {== giving up ========================================================== */

/* Counts the lines of the first 'left' bytes. */
struct tally {
  uint64_t left;
  size_t lines;
};

static void count (void *owner, struct pexec__text *text, size_t size) {
  struct tally *tally = owner;
  size_t part = tally->left < size ? (size_t)tally->left : size;
  tally->lines += pexec__count_newlines(text->data, part);
  tally->left -= part;
  pexec__text_drop(text, size);
}

/* Of an entry whose text is written in part. */
static size_t lines_written (const struct pexec__sink *sink,
                             const struct pexec__entry *entry) {
  struct tally tally = { sink->written_of_first, 0 };
  char room[2048];
  struct pexec__text text = { room, sizeof room, 0, 0, count, &tally };
  format_entry(sink, entry, &text);
  count(&tally, &text, text.used);
  return tally.lines;
}

/* Of one that is written in part, what is left counts. A piece is no line. */
static uint64_t lines_left (const struct pexec__sink *sink,
                            const struct pexec__entry *entry) {
  const struct pexec__view *view = &entry->view;
  if (sink->kind == PEXEC__SINK_LOGGER || view->is_partial)
    return view->lines;
  if (sink->format == PEXEC_RAW)
    return pexec__count_newlines(view->chunk->data + view->from,
                                 view->to - view->from);
  return view->lines - (sink->written_of_first > 0
                        ? lines_written(sink, entry) : 0);
}

void pexec__entry_lose (struct pexec__sink *sink,
                        const struct pexec__view *view, bool is_message,
                        uint64_t lines) {
  struct pexec__chunk *chunk = view->chunk;
  sink->lost_ever += lines;
  if (!is_message)
    atomic_fetch_add(&chunk->ledger->streams[chunk->stream - 1].drops, lines);
}

/* A gap that was not told of yet, and those ahead of the entries, become one
   with what is lost now. */
void pexec__give_up (struct pexec__sink *sink, struct pexec__batch *batch,
                     int reason) {
  while (batch->first != NULL) {
    struct pexec__entry *entry = batch->first;
    uint64_t lines = lines_left(sink, entry);
    struct pexec__cut end = end_of(&entry->view, reason);
    pexec__gap_join(sink, &entry->gap_before, reason);
    pexec__gap_add(&sink->gap, lines, reason);
    if (is_raw(sink))
      move_cut(&sink->cut, &end);
    pexec__entry_lose(sink, &entry->view, entry->is_message, lines);
    sink->written_of_first = 0;
    note_done(batch);
  }
}
