/* See sink.h. What either side does is short and under the writer's lock; the
   writing itself is in delivery.c, and off it. */

#include "sink.h"

#include <errno.h>
#include <string.h>

#include "sys.h"
#include "writer.h"

#define BATCH_MAX (256 * 1024)            /* bytes of one turn: then others */
#define CHARGE 256                        /* of an entry, besides its bytes */
#define WAKE_AT (256 * 1024)              /* bytes that a writer is woken for */
#define FIRST_RETRY INT64_C(1000000)      /* ns; doubles */
#define LAST_RETRY INT64_C(100000000)
#define LAST_CHANCE INT64_C(1000000000)   /* to write, when it is closed */

/* {== making and freeing ================================================= */

/* FNV-1a. */
static uint64_t hash_of (const char *text) {
  uint64_t hash = UINT64_C(14695981039346656037);
  for (; *text != '\0'; text++)
    hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
  return hash;
}

static int copy_options (struct pexec__sink *sink, const pexec_file *options) {
  int error;
  sink->options = *options;
  sink->format = options->format;
  sink->blocks = options->blocks != 0;
  sink->options.path = pexec__strdup(options->path);
  if (sink->options.path == NULL)
    return -ENOMEM;
  sink->hash = hash_of(options->path);
  error = pexec__opening_new(&sink->options, &sink->opening);
  if (error < 0)
    pexec__free((char *)(uintptr_t)sink->options.path);
  return error;
}

int pexec__sink_new (enum pexec__sink_kind kind, const pexec_file *options,
                     pexec_logger *logger, int host_fd,
                     struct pexec__sink **sink) {
  struct pexec__sink *made = pexec__calloc(1, sizeof *made);
  if (made == NULL)
    return -ENOMEM;
  made->kind = kind;
  made->format = PEXEC_RAW;
  made->host_fd = host_fd;
  made->end = &made->first;
  if (options != NULL && copy_options(made, options) < 0) {
    pexec__free(made);
    return -ENOMEM;
  }
  made->logger = pexec_logger_retain(logger);
  *sink = made;
  return 0;
}

void pexec__sink_adopt (struct pexec__sink *sink) {
  sink->writer = sink->found;
  if (sink->opening == NULL)
    return;
  sink->file = pexec__opening_take(sink->opening);
  pexec__opening_drop(sink->opening);
  sink->opening = NULL;
}

void pexec__entry_free (struct pexec__entry *entry) {
  pexec__chunk_drop(entry->view.chunk);
  pexec__free(entry);
}

static void free_entries (struct pexec__entry *entry) {
  while (entry != NULL) {
    struct pexec__entry *next = entry->next;
    pexec__entry_free(entry);
    entry = next;
  }
}

void pexec__sink_free (struct pexec__sink *sink) {
  free_entries(sink->first);
  pexec__compressor_end(&sink->compressor, sink->file);
  pexec__logfile_free(sink->file);
  pexec__opening_drop(sink->opening);
  pexec_logger_release(sink->logger);
  pexec__free((char *)(uintptr_t)sink->options.path);
  pexec__free(sink);
}

/* {== the supervisor's side ============================================== */

size_t pexec__entry_charge (const struct pexec__entry *entry) {
  return entry->view.to - entry->view.from + CHARGE;
}

static void drop (struct pexec__sink *sink, const struct pexec__view *view,
                  bool is_message, int reason) {
  pexec__gap_add(&sink->gap_at_put, view->lines, reason);
  pexec__gap_end(&sink->gap_at_put, sink, view, reason);
  pexec__entry_lose(sink, view, is_message, view->lines);
}

/* One that had nothing to write need not wait for its next try to tell of a
   loss. */
static void append (struct pexec__sink *sink, struct pexec__entry *entry) {
  entry->gap_before = sink->gap_at_put;
  sink->gap_at_put = (struct pexec__gap){ 0 };
  if (sink->first == NULL)
    sink->retry_at_ns = 0;
  *sink->end = entry;
  sink->end = &entry->next;
  sink->queued_bytes += pexec__entry_charge(entry);
  sink->put++;
  (void)pexec__writer_count(sink->writer,
                            (ptrdiff_t)pexec__entry_charge(entry));
  pexec__writer_call(sink->writer, sink, entry->view.chunk->more_follows &&
                     sink->queued_bytes < WAKE_AT);
}

static struct pexec__entry *new_entry (const struct pexec__view *view,
                                       enum pexec_level level,
                                       bool is_message) {
  struct pexec__entry *entry = pexec__calloc(1, sizeof *entry);
  if (entry == NULL)
    return NULL;
  entry->view = *view;
  (void)pexec__chunk_hold(view->chunk);
  entry->level = level;
  entry->is_message = is_message;
  return entry;
}

/* What cannot be written for this reason is dropped, not waited for. */
static bool is_hopeless (const struct pexec__sink *sink, int error) {
  return error < 0 && error != -EAGAIN && !sink->blocks;
}

/* Many that are busy share what one may have: else a thousand of them would
   take a gigabyte, and no cache would hold what they hand over. */
static size_t limit_of (const struct pexec__sink *sink) {
  return pexec__writer_count(sink->writer, 0) < PEXEC__WRITER_MAX
       ? PEXEC__SINK_MAX : PEXEC__SINK_SHARE;
}

/* Where lines are lost anyway, nobody is to wait until they are. */
static void note_fullness (struct pexec__sink *sink) {
  if (sink->queued_bytes < limit_of(sink) || sink->is_dropping)
    return;
  sink->is_dropping = is_hopeless(sink, sink->error);
  sink->is_full = !sink->is_dropping;
}

/* A message has nobody who could wait: it is dropped where it is full. */
static bool has_place (const struct pexec__sink *sink, bool is_message) {
  return !sink->is_dropping && !(is_message && sink->is_full);
}

bool pexec__sink_put (struct pexec__sink *sink,
                      const struct pexec__view *view, enum pexec_level level,
                      bool is_message) {
  struct pexec__entry *entry = new_entry(view, level, is_message);
  bool is_taken, is_full;
  pexec__writer_lock(sink->writer);
  is_taken = (entry != NULL && has_place(sink, is_message));
  if (is_taken)
    append(sink, entry);
  else
    drop(sink, view, is_message, entry == NULL ? -ENOMEM : sink->error);
  note_fullness(sink);
  is_full = sink->is_full;
  pexec__writer_unlock(sink->writer);
  if (!is_taken && entry != NULL)
    pexec__entry_free(entry);
  return is_full;
}

void pexec__sink_put_reopen (struct pexec__sink *sink) {
  pexec__writer_lock(sink->writer);
  sink->is_reopening = true;
  sink->reopen_at = sink->put;
  pexec__writer_call(sink->writer, sink, false);
  pexec__writer_unlock(sink->writer);
}

void pexec__sink_put_close (struct pexec__sink *sink) {
  pexec__writer_lock(sink->writer);
  sink->is_closing = true;
  sink->close_by_ns = pexec__now() + LAST_CHANCE;
  sink->retry_at_ns = 0;
  pexec__writer_call(sink->writer, sink, false);
  pexec__writer_unlock(sink->writer);
}

uint64_t pexec__sink_position (struct pexec__sink *sink) {
  uint64_t position;
  pexec__writer_lock(sink->writer);
  position = sink->put;
  pexec__writer_unlock(sink->writer);
  return position;
}

bool pexec__sink_has_settled (struct pexec__sink *sink, uint64_t position) {
  bool has_settled;
  pexec__writer_lock(sink->writer);
  has_settled = (sink->settled >= position && !sink->is_reopening);
  sink->is_awaited |= !has_settled;
  if (!has_settled)
    pexec__writer_call(sink->writer, sink, false);
  pexec__writer_unlock(sink->writer);
  return has_settled;
}

bool pexec__sink_is_full (struct pexec__sink *sink) {
  bool is_full;
  pexec__writer_lock(sink->writer);
  is_full = sink->is_full;
  pexec__writer_unlock(sink->writer);
  return is_full;
}

bool pexec__sink_is_overfull (struct pexec__sink *sink) {
  bool is_overfull;
  pexec__writer_lock(sink->writer);
  is_overfull = (sink->is_full && sink->queued_bytes >= PEXEC__SINK_MOST);
  pexec__writer_unlock(sink->writer);
  return is_overfull;
}

static void begin_dropping (struct pexec__sink *sink) {
  sink->is_dropping = sink->is_full;
  sink->is_full = false;
}

void pexec__sink_begin_dropping (struct pexec__sink *sink) {
  pexec__writer_lock(sink->writer);
  begin_dropping(sink);
  pexec__writer_unlock(sink->writer);
}

/* {== what is lent: the supervisor's side ================================ */

/* Whatever is out of the ordinary is the supervisor's business. */
static bool may_pull (const struct pexec__sink *sink) {
  return sink->error >= 0 && !sink->is_full && !sink->is_dropping &&
         !sink->is_reopening && !sink->is_closing;
}

bool pexec__sink_lend (struct pexec__sink *sink, pexec__pull *pull,
                       void *source) {
  bool is_lent;
  pexec__writer_lock(sink->writer);
  if ((is_lent = may_pull(sink))) {
    sink->source = source;
    sink->pull = pull;
    pexec__writer_call(sink->writer, sink, false);
  }
  pexec__writer_unlock(sink->writer);
  return is_lent;
}

bool pexec__sink_is_lent (struct pexec__sink *sink) {
  bool is_lent;
  pexec__writer_lock(sink->writer);
  is_lent = (sink->source != NULL);
  pexec__writer_unlock(sink->writer);
  return is_lent;
}

bool pexec__sink_has_pulled (struct pexec__sink *sink) {
  bool has_pulled;
  pexec__writer_lock(sink->writer);
  has_pulled = sink->has_pulled;
  sink->has_pulled = false;
  pexec__writer_unlock(sink->writer);
  return has_pulled;
}

void pexec__sink_take_back (struct pexec__sink *sink) {
  pexec__writer_lock(sink->writer);
  sink->source = NULL;
  while ((sink->is_wanted_back = sink->is_pulling))
    pexec__writer_await_change(sink->writer);
  pexec__writer_unlock(sink->writer);
}

/* {== states ============================================================= */

/* One that is yet to come waits for what cannot be written. */
int pexec__sink_reopen_error (struct pexec__sink *sink) {
  int error;
  pexec__writer_lock(sink->writer);
  error = !sink->is_reopening ? sink->reopen_error
        : sink->error < 0 ? sink->error : -EAGAIN;
  pexec__writer_unlock(sink->writer);
  return error;
}

bool pexec__sink_is_closed (struct pexec__sink *sink) {
  bool is_closed;
  pexec__writer_lock(sink->writer);
  is_closed = sink->is_closed;
  pexec__writer_unlock(sink->writer);
  return is_closed;
}

struct pexec__sink_state pexec__sink_read_state (struct pexec__sink *sink) {
  struct pexec__sink_state state;
  pexec__writer_lock(sink->writer);
  state = (struct pexec__sink_state){ sink->error, sink->is_dropping,
                                      sink->lost_ever };
  pexec__writer_unlock(sink->writer);
  return state;
}

/* {== the writer's side ================================================== */

/* A good part of the queue, from its front. */
static void take_batch (struct pexec__sink *sink, struct pexec__batch *batch) {
  struct pexec__entry **last = &sink->first;
  size_t bytes = 0;
  while (*last != NULL && bytes < BATCH_MAX) {
    bytes += pexec__entry_charge(*last);
    last = &(*last)->next;
  }
  batch->first = sink->first;
  sink->first = *last;
  *last = NULL;
  if (sink->first == NULL)
    sink->end = &sink->first;
  if (batch->first != NULL || !sink->gap_at_put.is_there)
    return;
  /* nothing came that it is ahead of */
  pexec__gap_join(sink, &sink->gap_at_put, sink->gap_at_put.reason);
  sink->gap_at_put = (struct pexec__gap){ 0 };
}

static void put_back (struct pexec__sink *sink, struct pexec__entry *first) {
  struct pexec__entry **end = &first;
  if (first == NULL)
    return;
  while (*end != NULL)
    end = &(*end)->next;
  *end = sink->first;
  if (sink->first == NULL)
    sink->end = end;
  sink->first = first;
}

/* Whatever the supervisor waits for. */
static bool has_word (struct pexec__sink *sink, int error) {
  bool has_room = (sink->queued_bytes < limit_of(sink) / 2);
  bool lets_go = sink->is_full && is_hopeless(sink, error);
  bool is_news = sink->is_awaited || sink->error != error || lets_go ||
                 (has_room && (sink->is_full || sink->is_dropping));
  sink->is_awaited = false;
  sink->error = error;
  if (has_room)
    sink->is_full = sink->is_dropping = false;
  else if (lets_go)
    begin_dropping(sink);
  return is_news;
}

/* One that drops does not wait for what fails, only for a slow reader. When
   it is closed, whoever would wait is gone. */
static bool gives_up (const struct pexec__sink *sink, int error) {
  return is_hopeless(sink, error) ||
         (error < 0 && sink->is_closing && pexec__now() >= sink->close_by_ns);
}

static void settle (struct pexec__sink *sink, struct pexec__batch *batch,
                    int error) {
  if (gives_up(sink, error))
    pexec__give_up(sink, batch, error);
  put_back(sink, batch->first);
  sink->queued_bytes -= batch->done_bytes;
  (void)pexec__writer_count(sink->writer, -(ptrdiff_t)batch->done_bytes);
  sink->settled += batch->done_count;
  sink->lost_ever += batch->lost;
  if (has_word(sink, error))
    pexec__writer_tell(sink->writer, sink);
}

/* A pipe that has taken something is read: it soon takes more. */
static int64_t next_turn (struct pexec__sink *sink, int error,
                          bool has_moved) {
  if (error >= 0 || has_moved)
    sink->retry_wait_ns = 0;
  if (error >= 0)
    return sink->first == NULL && !sink->gap_at_put.is_there
         ? PEXEC__SINK_IDLE : 0;
  sink->retry_wait_ns *= 2;
  if (sink->retry_wait_ns < FIRST_RETRY)
    sink->retry_wait_ns = FIRST_RETRY;
  if (sink->retry_wait_ns > LAST_RETRY)
    sink->retry_wait_ns = LAST_RETRY;
  return sink->retry_wait_ns;
}

/* What is done with the file when its turn has come, off the lock. */
enum errand { NOTHING, REOPEN, CLOSE };

/* A gap that cannot be told of does not keep it open. */
static bool is_through (const struct pexec__sink *sink, int error) {
  return sink->first == NULL && (error < 0 || !sink->gap_at_put.is_there);
}

static enum errand next_errand (const struct pexec__sink *sink, int error) {
  if (sink->is_reopening && sink->settled >= sink->reopen_at)
    return REOPEN;
  return sink->is_closing && is_through(sink, error) ? CLOSE : NOTHING;
}

static int run_errand (struct pexec__sink *sink, enum errand errand) {
  enum pexec__logfile_flaw flaw;
  if (errand == REOPEN && sink->file != NULL)
    return pexec__logfile_reopen(sink->file, &flaw);
  if (errand == CLOSE) {
    pexec__compressor_end(&sink->compressor, sink->file);
    pexec__logfile_free(sink->file);
    sink->file = NULL;
  }
  return 0;
}

static void note_errand (struct pexec__sink *sink, enum errand errand,
                         int error) {
  if (errand == NOTHING)
    return;
  if (errand == REOPEN) {
    sink->is_reopening = false;
    sink->reopen_error = error;
  }
  sink->is_closed = (errand == CLOSE);
  if (sink->is_closed)  /* it was called again, maybe, while it was served */
    pexec__writer_forget(sink->writer, sink);
  pexec__writer_tell(sink->writer, sink);
}

static int64_t serve_batch (struct pexec__sink *sink,
                            struct pexec__text *text, enum errand *errand) {
  struct pexec__batch batch = { 0 };
  int64_t wait_ns;
  int error;
  pexec__writer_lock(sink->writer);
  take_batch(sink, &batch);
  pexec__writer_unlock(sink->writer);
  error = pexec__deliver(sink, &batch, text);
  pexec__writer_lock(sink->writer);
  settle(sink, &batch, error);
  wait_ns = next_turn(sink, error, batch.has_moved);
  *errand = next_errand(sink, error);
  if (*errand == REOPEN && sink->is_closing)
    wait_ns = 0;  /* there is one more */
  pexec__writer_unlock(sink->writer);
  free_entries(batch.done);
  return wait_ns;
}

static void give_back (struct pexec__sink *sink) {
  sink->source = NULL;
  pexec__writer_tell(sink->writer, sink);
}

/* What is to be read now, or NULL. What is read is written at once, while the
   cache has it: so only when nothing else is to be written. */
static void *begin_pulling (struct pexec__sink *sink) {
  void *source;
  pexec__writer_lock(sink->writer);
  if (sink->source != NULL && !may_pull(sink))
    give_back(sink);
  source = sink->first == NULL ? sink->source : NULL;
  sink->is_pulling = (source != NULL);
  pexec__writer_unlock(sink->writer);
  return source;
}

static void end_pulling (struct pexec__sink *sink, bool has_pulled) {
  pexec__writer_lock(sink->writer);
  sink->is_pulling = false;
  sink->has_pulled |= has_pulled;
  if (sink->is_wanted_back)
    pexec__writer_note_change(sink->writer);
  else if (!has_pulled)
    give_back(sink);
  pexec__writer_unlock(sink->writer);
}

static void pull (struct pexec__sink *sink, struct pexec__pool *pool) {
  void *source = begin_pulling(sink);
  if (source != NULL)
    end_pulling(sink, sink->pull(source, pool));
}

int64_t pexec__sink_serve (struct pexec__sink *sink,
                           struct pexec__text *text,
                           struct pexec__pool *pool) {
  enum errand errand;
  int64_t wait_ns;
  int error;
  pull(sink, pool);
  wait_ns = serve_batch(sink, text, &errand);
  error = run_errand(sink, errand);
  if (sink->file != NULL)
    pexec__compressor_start(&sink->compressor, sink->file);
  pexec__writer_lock(sink->writer);
  note_errand(sink, errand, error);
  if (sink->is_closed)
    wait_ns = PEXEC__SINK_CLOSED;
  else if (sink->source != NULL && wait_ns == PEXEC__SINK_IDLE)
    wait_ns = 0;
  pexec__writer_unlock(sink->writer);
  return wait_ns;
}
