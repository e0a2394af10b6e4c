/*
** What children write: pipes -> lines -> where they go. A pipe serves its
** process for life, read as long as there is room for what it brings; after
** the end, until its last writer has gone. The supervisor's thread.
*/

#include <errno.h>
#include <string.h>

#include "core.h"
#include "logger.h"

/* {== lines ============================================================= */

size_t pexec__count_lines (const char *data, size_t length) {
  const char *end = data + length;
  size_t lines = (length > 0 && end[-1] != '\n');
  while ((data = memchr(data, '\n', (size_t)(end - data))) != NULL) {
    lines++;
    data++;
  }
  return lines;
}

static void deliver (struct pexec__stream *stream, const char *data,
                     size_t length, bool is_partial) {
  pexec_process *process = stream->process;
  if (stream->logger != NULL)
    pexec__logger_lines(stream->logger, stream->number == PEXEC_STDOUT
                        ? PEXEC_INFO : PEXEC_ERROR,
                        process->config->id, data, length);
  stream->is_in_pieces = is_partial;
  if (!stream->has_events)
    return;
  if (process->is_released || process->supervisor->is_closing ||
      !pexec__news_output(stream, data, length, is_partial))
    process->lost_lines += pexec__count_lines(data, length);
}

static void drop_rest (struct pexec__stream *stream) {
  pexec__free(stream->rest);
  stream->rest = NULL;
  stream->rest_length = 0;
}

/* Puts the rest before 'data', where there is room for it, and sends it out
   together with the first 'length' bytes of data. */
static void send_with_rest (struct pexec__stream *stream, char *data,
                            size_t length, bool is_partial) {
  size_t rest_length = stream->rest_length;
  if (rest_length > 0)
    memcpy(data - rest_length, stream->rest, rest_length);
  drop_rest(stream);
  deliver(stream, data - rest_length, rest_length + length, is_partial);
}

/* Without memory it goes out as it is, as a piece. */
static void keep_rest (struct pexec__stream *stream, char *data,
                       size_t length) {
  char *rest = pexec__realloc(stream->rest, stream->rest_length + length);
  if (rest == NULL) {
    send_with_rest(stream, data, length, true);
    return;
  }
  memcpy(rest + stream->rest_length, data, length);
  stream->rest = rest;
  stream->rest_length += length;
}

/* New bytes; before them is room for PEXEC__LINE_MAX more. No line within
   them is longer than that; one that began in the rest may be. */
static void take (struct pexec__stream *stream, char *data, size_t length) {
  char *end = memchr(data, '\n', length);
  size_t head = end ? (size_t)(end - data) : length;
  if (stream->rest_length + head > PEXEC__LINE_MAX) {
    size_t piece = PEXEC__LINE_MAX - stream->rest_length;
    send_with_rest(stream, data, piece, true);
    data += piece;
    length -= piece;
  }
  end = memrchr(data, '\n', length);
  if (end != NULL) {
    size_t whole = (size_t)(end + 1 - data);
    send_with_rest(stream, data, whole, false);
    data += whole;
    length -= whole;
  }
  if (length > 0)
    keep_rest(stream, data, length);
}

/* A last line that has no end; or the end of one that went out in pieces. */
static void flush (struct pexec__stream *stream) {
  char *room = stream->process->supervisor->scratch + PEXEC__LINE_MAX;
  if (stream->rest_length > 0 || stream->is_in_pieces)
    send_with_rest(stream, room, 0, false);
}

/* {== reading ============================================================ */

static void close_fd (int *fd) {
  if (*fd >= 0)
    pexec__close(*fd);
  *fd = -1;
}

static void close_stream (struct pexec__stream *stream) {
  pexec__watch_close(stream->watch);
  stream->watch = NULL;
  close_fd(&stream->read_fd);
  close_fd(&stream->write_fd);
  drop_rest(stream);
}

/* Bytes read; 0 where there are none now, or ever again. What cannot be read
   is as good as ended: it would be readable for ever. */
static size_t read_once (struct pexec__stream *stream, size_t most) {
  char *room = stream->process->supervisor->scratch + PEXEC__LINE_MAX;
  ssize_t size = pexec__read(stream->read_fd, room, most);
  if (size > 0)
    take(stream, room, (size_t)size);
  else if (size != -EAGAIN) {  /* 0: the last writer is gone, as we are */
    flush(stream);
    close_stream(stream);
  }
  return size > 0 ? (size_t)size : 0;
}

/* Asks again after saying that it waits, since the host may have consumed
   everything meanwhile, and then never would tell. One that has let go
   consumes nothing any more. */
static bool is_starved (pexec_process *process) {
  if (process->is_released || process->supervisor->is_closing ||
      atomic_load(&process->queued_bytes) < PEXEC__QUEUE_MAX)
    return false;
  atomic_store(&process->is_starved, true);
  return atomic_load(&process->queued_bytes) >= PEXEC__QUEUE_MAX;
}

static void set_watch (struct pexec__stream *stream) {
  if (stream->watch == NULL)
    return;
  if (stream->is_paused || stream->is_held)
    pexec__watch_pause(stream->watch);
  else
    pexec__watch_resume(stream->watch);
}

static void pause_if_starved (struct pexec__stream *stream) {
  if (stream->watch == NULL || stream->is_paused || !stream->has_events ||
      !is_starved(stream->process))
    return;
  stream->is_paused = true;
  set_watch(stream);
}

static void note_readable (void *owner) {
  struct pexec__stream *stream = owner;
  (void)read_once(stream, PEXEC__LINE_MAX);
  pause_if_starved(stream);
}

/* No more than is there now: a grandchild may write for ever. */
static void drain (struct pexec__stream *stream) {
  int there = stream->read_fd < 0 ? 0
            : pexec__readable_bytes(stream->read_fd);
  while (there > 0) {
    size_t most = there < PEXEC__LINE_MAX ? (size_t)there : PEXEC__LINE_MAX;
    size_t size = read_once(stream, most);
    if (size == 0)
      break;
    there -= (int)size;
  }
}

/* {== a process's two streams ============================================ */

static bool allocate (pexec_process *process) {
  const struct pexec__config *config = process->config;
  struct pexec__stream *streams = pexec__calloc(2, sizeof *streams);
  if (streams == NULL)
    return false;
  for (int i = 0; i < 2; i++) {
    streams[i].process = process;
    streams[i].number = i == 0 ? PEXEC_STDOUT : PEXEC_STDERR;
    streams[i].logger = config->stream_loggers[i];
    streams[i].has_events = (config->output_events & (1U << i)) != 0;
    streams[i].read_fd = streams[i].write_fd = -1;
  }
  process->streams = streams;
  return true;
}

static int open_stream (struct pexec__stream *stream) {
  int fds[2] = { -1, -1 };
  int error;
  if (stream->write_fd >= 0)
    return 0;
  close_stream(stream);  /* what an earlier run has left behind */
  error = pexec__pipe(fds);
  stream->read_fd = fds[0];
  stream->write_fd = fds[1];
  if (error >= 0)
    error = pexec__watch_open(stream->process->supervisor->loop, fds[0],
                              note_readable, stream, &stream->watch);
  stream->is_paused = false;
  if (error < 0)
    close_stream(stream);
  return error;
}

int pexec__output_open (pexec_process *process) {
  int error = 0;
  for (int i = 0; i < 2 && error >= 0; i++) {
    if (!pexec__config_reads(process->config, i))
      continue;
    if (process->streams == NULL && !allocate(process))
      return -ENOMEM;
    error = open_stream(&process->streams[i]);
  }
  return error;
}

int pexec__output_fd (const pexec_process *process, int stream) {
  if (process->streams == NULL || process->streams[stream].write_fd < 0)
    return process->supervisor->null_fd;
  return process->streams[stream].write_fd;
}

void pexec__output_hold (pexec_process *process, bool is_held) {
  for (int i = 0; i < 2 && process->streams != NULL; i++) {
    process->streams[i].is_held = is_held;
    set_watch(&process->streams[i]);
  }
}

void pexec__output_drain (pexec_process *process) {
  for (int i = 0; i < 2 && process->streams != NULL; i++) {
    drain(&process->streams[i]);
    flush(&process->streams[i]);
    pause_if_starved(&process->streams[i]);
  }
}

bool pexec__output_is_starved (const pexec_process *process) {
  return process->streams != NULL &&
         (process->streams[0].is_paused || process->streams[1].is_paused);
}

void pexec__output_resume (pexec_process *process) {
  for (int i = 0; i < 2 && process->streams != NULL; i++) {
    struct pexec__stream *stream = &process->streams[i];
    stream->is_paused = false;
    set_watch(stream);
  }
}

void pexec__output_end (pexec_process *process) {
  for (int i = 0; i < 2 && process->streams != NULL; i++) {
    struct pexec__stream *stream = &process->streams[i];
    close_fd(&stream->write_fd);
    if (stream->read_fd >= 0)
      (void)read_once(stream, PEXEC__LINE_MAX);
  }
}

void pexec__output_close (pexec_process *process) {
  for (int i = 0; i < 2 && process->streams != NULL; i++)
    close_stream(&process->streams[i]);
  pexec__free(process->streams);
  process->streams = NULL;
}
