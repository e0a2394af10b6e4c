/*
** See outlet.h. The list of sinks is kept here, too: whoever names the same
** file, logger or descriptor gets the same one.
*/

#include "outlet.h"

#include <errno.h>
#include <string.h>

#include "core.h"
#include "logger.h"

/* {== the list of sinks ================================================== */

static bool same_options (const pexec_file *a, const pexec_file *b) {
  return a->mode == b->mode && a->format == b->format &&
         a->max_size == b->max_size && a->keep == b->keep &&
         a->rotate_every_ms == b->rotate_every_ms &&
         a->compress == b->compress && a->blocks == b->blocks;
}

static bool is_it (const struct pexec__sink *sink,
                   const struct pexec__sink *wanted) {
  if (sink->kind != wanted->kind || sink->holders == 0)
    return false;
  switch (sink->kind) {
    case PEXEC__SINK_LOGGER: return sink->logger == wanted->logger;
    case PEXEC__SINK_HOST: return sink->host_fd == wanted->host_fd;
    default: return sink->hash == wanted->hash &&
                    strcmp(sink->options.path, wanted->options.path) == 0;
  }
}

static struct pexec__sink *find (const pexec_supervisor *supervisor,
                                 const struct pexec__sink *wanted) {
  struct pexec__sink *sink = supervisor->sinks;
  while (sink != NULL && !is_it(sink, wanted))
    sink = sink->next;
  return sink;
}

static bool is_other (const struct pexec__sink *a,
                      const struct pexec__sink *b) {
  return a->kind == PEXEC__SINK_FILE && !same_options(&a->options,
                                                      &b->options);
}

void pexec__sink_delist (pexec_supervisor *supervisor,
                         struct pexec__sink *sink) {
  struct pexec__sink **place = &supervisor->sinks;
  while (*place != sink)
    place = &(*place)->next;
  *place = sink->next;
  pexec__sink_free(sink);
}

static uint64_t device_of (const struct pexec__sink *sink) {
  switch (sink->kind) {
    case PEXEC__SINK_LOGGER: return pexec__logger_device(sink->logger);
    case PEXEC__SINK_HOST: return PEXEC__WRITER_HOST;
    default: return pexec__opening_device(sink->opening);
  }
}

static int get_writer (struct pexec__writers *writers,
                       struct pexec__sink *sink) {
  return pexec__writer_get(writers, device_of(sink),
                           sink->kind == PEXEC__SINK_FILE, &sink->found);
}

/* One whose start has failed may be open all the same, and closing it may
   block: that is a writer's, where one can be had. False where it has none. */
static bool find_writer (struct pexec__writers *writers,
                         struct pexec__sink *sink) {
  if (sink->writer != NULL)
    return true;
  if (sink->found == NULL && sink->opening != NULL &&
      pexec__opening_is_open(sink->opening))
    (void)get_writer(writers, sink);
  if (sink->found != NULL)
    pexec__sink_adopt(sink);
  return sink->writer != NULL;
}

/* Nobody writes to it any more: its writer is done with it first. */
static void release (pexec_supervisor *supervisor, struct pexec__sink *sink) {
  if (--sink->holders > 0 || supervisor->writers == NULL)
    return;
  if (find_writer(supervisor->writers, sink))
    pexec__sink_put_close(sink);
  else
    pexec__sink_delist(supervisor, sink);
}

/* Gives the one that is there, or 'made' itself. PEXEC_EINVALID_CONFIG where
   the file is open with other options. */
static int enlist (pexec_supervisor *supervisor, struct pexec__sink *made,
                   struct pexec__sink **sink) {
  struct pexec__sink *there = find(supervisor, made);
  if (there == NULL) {
    made->next = supervisor->sinks;
    supervisor->sinks = there = made;
  }
  else {
    bool is_refused = is_other(there, made);
    pexec__sink_free(made);
    if (is_refused)
      return PEXEC_EINVALID_CONFIG;
  }
  there->holders++;
  *sink = there;
  return 0;
}

/* {== taking ============================================================= */

/* One sink twice is one outlet. */
static void add (pexec_process *process, struct pexec__sink *sink,
                 unsigned feeds) {
  struct pexec__outlet *outlets = process->outlets;
  for (size_t i = 0; i < process->outlet_count; i++)
    if (outlets[i].sink == sink) {
      outlets[i].feeds |= feeds;
      release(process->supervisor, sink);
      return;
    }
  outlets[process->outlet_count++] = (struct pexec__outlet){ sink, feeds, 0 };
}

static int take (pexec_process *process, struct pexec__sink *made,
                 unsigned feeds) {
  struct pexec__sink *sink;
  int error = enlist(process->supervisor, made, &sink);
  if (error >= 0)
    add(process, sink, feeds);
  return error;
}

static int take_file (pexec_process *process, const pexec_file *file,
                      unsigned feeds) {
  pexec_file options = *file;
  struct pexec__sink *made;
  char *path = pexec__host_path(process->host, file->path);
  int error;
  if (path == NULL)
    return -ENOMEM;
  options.path = path;
  error = pexec__sink_new(PEXEC__SINK_FILE, &options, NULL, -1, &made);
  pexec__free(path);
  return error < 0 ? error : take(process, made, feeds);
}

static int take_logger (pexec_process *process, pexec_logger *logger,
                        unsigned feeds) {
  struct pexec__sink *made;
  int error;
  if (logger == NULL)
    return 0;
  error = pexec__sink_new(PEXEC__SINK_LOGGER, NULL, logger, -1, &made);
  return error < 0 ? error : take(process, made, feeds);
}

static int take_host (pexec_process *process, int stream) {
  struct pexec__sink *made;
  int error = pexec__sink_new(PEXEC__SINK_HOST, NULL, NULL, stream + 1,
                              &made);
  return error < 0 ? error : take(process, made, 1U << stream);
}

/* Of a stream that is read. */
static int take_stream (pexec_process *process, int i, const char **path) {
  const struct pexec__config *config = process->config;
  const pexec_file *const *files = config->output[i].files;
  unsigned feeds = 1U << i;
  int error = 0;
  if (pexec__output_route(process, i) != PEXEC__ROUTE_PIPE)
    return 0;
  for (; *files != NULL && error >= 0; files++) {
    *path = (*files)->path;
    error = take_file(process, *files, feeds);
  }
  if (error >= 0 && config->output[i].inherits)
    error = take_host(process, i);
  if (error >= 0)
    error = take_logger(process, config->stream_loggers[i], feeds);
  return error;
}

static size_t most_outlets (const struct pexec__config *config) {
  size_t most = (config->logger != NULL);
  for (int i = 0; i < 2; i++) {
    most += (config->stream_loggers[i] != NULL) +
            (config->output[i].inherits != 0);
    for (size_t n = 0; config->output[i].files[n] != NULL; n++)
      most++;
  }
  return most;
}

static int take_all (pexec_process *process, const char **path) {
  const struct pexec__config *config = process->config;
  size_t most = most_outlets(config);
  int error;
  if (most == 0)
    return 0;
  if (process->outlets == NULL)
    process->outlets = pexec__calloc(most, sizeof *process->outlets);
  if (process->outlets == NULL)
    return -ENOMEM;
  error = take_logger(process, config->logger, PEXEC__MESSAGES);
  for (int i = 0; i < 2 && error >= 0; i++)
    error = take_stream(process, i, path);
  return error;
}

int pexec__outlets_take (pexec_process *process, const char **path) {
  int error;
  *path = NULL;
  if (process->has_outlets)
    return 0;
  process->has_outlets = true;
  if ((error = take_all(process, path)) < 0)
    pexec__outlets_let_go(process);
  return error;
}

void pexec__outlets_let_go (pexec_process *process) {
  struct pexec__outlet *outlets = process->outlets;
  size_t count = process->outlet_count;
  for (int i = 0; i < 2 && process->streams != NULL; i++)
    pexec__lending_take_back(&process->streams[i]);
  process->outlets = NULL;
  process->outlet_count = 0;
  process->has_outlets = false;
  for (size_t i = 0; i < count; i++)
    release(process->supervisor, outlets[i].sink);
  pexec__free(outlets);
}

/* Can more come? Somebody whom a child has left behind may have the pipe. */
static bool is_fed (const pexec_process *process, unsigned feeds) {
  for (int i = 0; i < 2 && process->streams != NULL; i++)
    if ((feeds & (1U << i)) != 0 && process->streams[i].read_fd >= 0)
      return true;
  return false;
}

void pexec__outlets_rest (pexec_process *process) {
  struct pexec__outlet *outlets = process->outlets;
  size_t count = process->outlet_count;
  if (!pexec__process_is_at_rest(process) || process->is_flushing ||
      !pexec__outlets_are_settled(process))
    return;
  process->outlet_count = 0;
  for (size_t i = 0; i < count; i++) {
    if (outlets[i].sink->kind != PEXEC__SINK_FILE ||
        is_fed(process, outlets[i].feeds)) {
      outlets[process->outlet_count++] = outlets[i];
      continue;
    }
    release(process->supervisor, outlets[i].sink);
    process->has_outlets = false;
  }
}

/* {== opening ============================================================ */

size_t pexec__outlets_hold_openings (const pexec_process *process,
                                     struct pexec__opening **openings) {
  size_t count = 0;
  for (size_t i = 0; i < process->outlet_count; i++) {
    struct pexec__opening *opening = process->outlets[i].sink->opening;
    if (opening != NULL)
      openings[count++] = pexec__opening_hold(opening);
  }
  return count;
}

/* Only this thread finds one while starts are under way. */
static int equip (struct pexec__writers *writers, struct pexec__sink *sink) {
  if (sink->found != NULL)
    return 0;
  return get_writer(writers, sink);
}

int pexec__outlets_equip (pexec_process *process, const char **path) {
  for (size_t i = 0; i < process->outlet_count; i++) {
    struct pexec__sink *sink = process->outlets[i].sink;
    int error = equip(process->supervisor->writers, sink);
    if (error >= 0)
      continue;
    *path = sink->options.path;
    return error;
  }
  return 0;
}

void pexec__outlets_adopt (pexec_process *process) {
  for (size_t i = 0; i < process->outlet_count; i++) {
    struct pexec__sink *sink = process->outlets[i].sink;
    if (sink->writer == NULL)
      pexec__sink_adopt(sink);
  }
}

/* {== putting ============================================================ */

/* It has a second to get room. */
static void note_full (pexec_supervisor *supervisor,
                       struct pexec__sink *sink) {
  if (sink->full_since_ns == 0) {
    sink->full_since_ns = pexec__now();
    if (!sink->blocks)
      pexec__timer_arm_earlier(supervisor->outlet_timer,
                               sink->full_since_ns + PEXEC__PATIENCE);
  }
}

/* What a grandchild writes while nothing is open for it. */
static void lose (const struct pexec__view *view) {
  struct pexec__chunk *chunk = view->chunk;
  atomic_fetch_add(&chunk->ledger->streams[chunk->stream - 1].drops,
                   view->lines);
}

static void put (struct pexec__stream *stream, struct pexec__outlet *outlet,
                 const struct pexec__view *view) {
  enum pexec_level level =
      stream->number == PEXEC_STDOUT ? PEXEC_INFO : PEXEC_ERROR;
  if (outlet->sink->writer == NULL) {
    lose(view);
    return;
  }
  if (!pexec__sink_put(outlet->sink, view, level, false))
    return;
  note_full(stream->process->supervisor, outlet->sink);
  pexec__output_block(stream, true);  /* until there is */
}

static bool feeds (const struct pexec__outlet *outlet,
                   const struct pexec__stream *stream) {
  return (outlet->feeds & (unsigned)stream->number) != 0;
}

bool pexec__outlets_are_full (const struct pexec__stream *stream) {
  const pexec_process *process = stream->process;
  for (size_t i = 0; i < process->outlet_count; i++)
    if (feeds(&process->outlets[i], stream) &&
        process->outlets[i].sink->full_since_ns != 0)
      return true;
  return false;
}

bool pexec__outlets_are_overfull (const struct pexec__stream *stream) {
  const pexec_process *process = stream->process;
  for (size_t i = 0; i < process->outlet_count; i++)
    if (feeds(&process->outlets[i], stream) &&
        process->outlets[i].sink->full_since_ns != 0 &&
        pexec__sink_is_overfull(process->outlets[i].sink))
      return true;
  return false;
}

static bool wants_bytes (const struct pexec__sink *sink) {
  return sink->kind != PEXEC__SINK_LOGGER && sink->format == PEXEC_RAW;
}

static void put_to_all (struct pexec__stream *stream,
                        const struct pexec__view *view, bool are_bytes) {
  pexec_process *process = stream->process;
  for (size_t i = 0; i < process->outlet_count; i++) {
    struct pexec__outlet *outlet = &process->outlets[i];
    if (feeds(outlet, stream) &&
        wants_bytes(outlet->sink) == are_bytes)
      put(stream, outlet, view);
  }
}

void pexec__outlets_put_bytes (struct pexec__stream *stream,
                               const struct pexec__view *view) {
  put_to_all(stream, view, true);
}

void pexec__outlets_put_lines (struct pexec__stream *stream,
                               const struct pexec__view *view) {
  put_to_all(stream, view, false);
}

static bool is_sole_use (const struct pexec__outlet *outlet,
                         const struct pexec__stream *stream) {
  const struct pexec__sink *sink = outlet->sink;
  return outlet->feeds == (unsigned)stream->number && sink->holders == 1 &&
         sink->kind == PEXEC__SINK_FILE && wants_bytes(sink) &&
         sink->writer != NULL;
}

struct pexec__sink *pexec__outlets_sole_file (
    const struct pexec__stream *stream) {
  const pexec_process *process = stream->process;
  struct pexec__sink *sole = NULL;
  for (size_t i = 0; i < process->outlet_count; i++) {
    const struct pexec__outlet *outlet = &process->outlets[i];
    if (!feeds(outlet, stream))
      continue;
    if (sole != NULL || !is_sole_use(outlet, stream))
      return NULL;
    sole = outlet->sink;
  }
  return sole;
}

static struct pexec__sink *message_sink (const pexec_process *process) {
  for (size_t i = 0; i < process->outlet_count; i++)
    if (process->outlets[i].feeds & PEXEC__MESSAGES)
      return process->outlets[i].sink;
  return NULL;
}

bool pexec__outlets_put_message (pexec_process *process,
                                 enum pexec_level level, const char *text,
                                 size_t length) {
  pexec_supervisor *supervisor = process->supervisor;
  struct pexec__sink *sink = message_sink(process);
  struct pexec__chunk *chunk;
  struct pexec__view view = { NULL, 0, length, 1, false };
  if (sink == NULL || sink->writer == NULL || supervisor->writers == NULL)
    return false;
  chunk = pexec__chunk_new(supervisor->pool, process->ledger, length);
  if (chunk == NULL)
    return false;
  memcpy(chunk->data, text, length);
  chunk->length = length;
  chunk->stream = PEXEC_STDERR;
  view.chunk = chunk;
  if (pexec__sink_put(sink, &view, level, true))
    note_full(supervisor, sink);
  pexec__chunk_drop(chunk);
  return true;
}

/* {== reopening ========================================================== */

static bool is_file (const struct pexec__sink *sink) {
  return sink->kind == PEXEC__SINK_FILE && sink->writer != NULL;
}

void pexec__outlets_reopen (pexec_process *process) {
  for (size_t i = 0; i < process->outlet_count; i++)
    if (is_file(process->outlets[i].sink))
      pexec__sink_put_reopen(process->outlets[i].sink);
}

int pexec__outlets_reopen_error (const pexec_process *process,
                                 const char **path) {
  for (size_t i = 0; i < process->outlet_count; i++) {
    struct pexec__sink *sink = process->outlets[i].sink;
    int error = is_file(sink) ? pexec__sink_reopen_error(sink) : 0;
    if (error >= 0)
      continue;
    *path = sink->options.path;
    return error;
  }
  return 0;
}
