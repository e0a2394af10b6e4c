/*
** What children write: the pipes, and when they are read; lines.c has what
** becomes of that. A pipe serves its process for life, read as long as there
** is room for what it brings; after the end, until its last writer has gone.
** The supervisor's thread.
*/

#include <errno.h>
#include <string.h>

#include "core.h"

#define MOST_READS 4  /* at one wake: others have turns, too */
#define UNKNOWN 4096  /* bytes that are asked for where nobody can tell */

/* {== reading ============================================================ */

static void close_fd (int *fd) {
  if (*fd >= 0)
    pexec__close(*fd);
  *fd = -1;
}

static void wake_up (struct pexec__stream *stream) {
  struct pexec__stream **place = &stream->process->supervisor->resting;
  if (!stream->is_resting)
    return;
  while (*place != stream)
    place = &(*place)->next_resting;
  *place = stream->next_resting;
  stream->is_resting = false;
}

static void close_stream (struct pexec__stream *stream) {
  pexec__lending_take_back(stream);
  wake_up(stream);
  pexec__watch_close(stream->watch);
  stream->watch = NULL;
  close_fd(&stream->read_fd);
  close_fd(&stream->write_fd);
  pexec__lines_drop_rest(stream);
}

/* Bytes read; 0 where there are none now, or ever again. What cannot be read
   is as good as ended: it would be readable for ever. Without memory for it
   the child waits. */
static size_t read_once (struct pexec__stream *stream, size_t most) {
  ssize_t size = pexec__lines_read(stream, stream->process->supervisor->pool,
                                   most);
  stream->is_short = (size == -ENOMEM);
  if (size > 0)
    return (size_t)size;
  if (size != -EAGAIN && !stream->is_short) {  /* 0: the last writer is gone,
                                                  as we are */
    pexec__lines_flush(stream);
    close_stream(stream);
  }
  return 0;
}

/* A chunk is as large as what it is to hold, if that can be known. */
static size_t next_size (const struct pexec__stream *stream) {
  int there = pexec__readable_bytes(stream->read_fd);
  if (there < 0)
    return UNKNOWN;
  return there == 0 ? 1 : there < PEXEC__LINE_MAX ? (size_t)there
                                                  : PEXEC__LINE_MAX;
}

/* What the dead have left may exceed what is to wait, but not for ever. */
static bool may_go_on (const struct pexec__stream *stream, bool at_death) {
  return at_death ? !pexec__outlets_are_overfull(stream)
                  : !stream->is_blocked;
}

/* No more than is there now: a grandchild may write for ever. */
static size_t read_all (struct pexec__stream *stream, bool at_death) {
  int there = stream->read_fd < 0 ? 0
            : pexec__readable_bytes(stream->read_fd);
  size_t total = 0;
  while (there > 0 && may_go_on(stream, at_death)) {
    size_t most = there < PEXEC__LINE_MAX ? (size_t)there : PEXEC__LINE_MAX;
    size_t size = read_once(stream, most);
    if (size == 0)
      break;
    total += size;
    there -= (int)size;
  }
  return total;
}

/* {== when to read ======================================================= */

/* Asks again after saying that it waits, since the host may have consumed
   everything meanwhile, and then never would tell. One that has let go
   consumes nothing any more. */
static bool is_starved (pexec_process *process) {
  const struct pexec__config *config = process->config;
  if (process->is_released || process->supervisor->is_closing ||
      config->events_drop ||
      (atomic_load(&process->queued_bytes) < config->events_buffer &&
       atomic_load(&process->ledger->queued_events) < PEXEC__EVENTS_MAX))
    return false;
  atomic_store(&process->is_starved, true);
  return atomic_load(&process->queued_bytes) >= config->events_buffer ||
         atomic_load(&process->ledger->queued_events) >= PEXEC__EVENTS_MAX;
}

bool pexec__output_may_read (const struct pexec__stream *stream) {
  return stream->read_fd >= 0 && !stream->is_paused && !stream->is_blocked &&
         !stream->is_held && !pexec__outlets_are_full(stream);
}

void pexec__output_set_watch (struct pexec__stream *stream) {
  if (stream->watch == NULL)
    return;
  if (stream->is_paused || stream->is_blocked || stream->is_held ||
      stream->is_resting || stream->loan.sink != NULL)
    pexec__watch_pause(stream->watch);
  else
    pexec__watch_resume(stream->watch);
}

static void pause_if_starved (struct pexec__stream *stream) {
  if (stream->watch == NULL || stream->is_paused || !stream->has_events ||
      !is_starved(stream->process))
    return;
  stream->is_paused = true;
  pexec__output_set_watch(stream);
}

/* After it, streams that rest are read, and writers are woken. */
static void arm_rest_timer (pexec_supervisor *supervisor) {
  if (supervisor->has_rest)
    return;
  supervisor->has_rest = true;
  pexec__timer_arm(supervisor->rest_timer, pexec__now() + PEXEC__REST);
}

static void rest (struct pexec__stream *stream) {
  pexec_supervisor *supervisor = stream->process->supervisor;
  arm_rest_timer(supervisor);
  stream->is_resting = true;
  stream->next_resting = supervisor->resting;
  supervisor->resting = stream;
  pexec__output_set_watch(stream);
}

/* A pipe whose writer is fast holds more: neither waits for the other so
   often. Where that may not be, it stays as it is. */
void pexec__output_enlarge (struct pexec__stream *stream, bool is_lent) {
  size_t wanted = pexec__pace_wanted(&stream->flow, is_lent);
  int size = wanted == 0 ? 0
           : pexec__set_pipe_size(stream->read_fd, (int)wanted);
  if (size > 0)
    stream->flow.capacity = (size_t)size;
}

/* After reading: be woken by more, or leave it alone for a moment? */
static void pace (struct pexec__stream *stream, size_t size,
                  bool was_resting) {
  enum pexec__pace pace;
  if (stream->watch == NULL)
    return;
  pace = pexec__pace_judge(&stream->flow, size, was_resting, pexec__now());
  pexec__output_enlarge(stream, false);
  if (pace == PEXEC__RESTING || (stream->is_short && !was_resting))
    rest(stream);
  else if (was_resting)
    pexec__output_set_watch(stream);
}

/* As long as there is much: it is cheaper than to be woken again. */
static size_t read_some (struct pexec__stream *stream) {
  size_t total = read_once(stream, next_size(stream));
  size_t size = total;
  for (int reads = 1;
       reads < MOST_READS && size == PEXEC__LINE_MAX &&
       pexec__output_may_read(stream) && next_size(stream) == size; reads++)
    total += size = read_once(stream, size);
  return total;
}

static void note_readable (void *owner) {
  struct pexec__stream *stream = owner;
  size_t size;
  if (pexec__outlets_are_full(stream)) {  /* another has filled one */
    pexec__output_block(stream, true);
    return;
  }
  stream->more_follows = pexec__pace_is_busy(&stream->flow);
  if (stream->more_follows)
    arm_rest_timer(stream->process->supervisor);
  size = read_some(stream);
  stream->more_follows = false;
  pause_if_starved(stream);
  pace(stream, size, false);
  pexec__lending_consider(stream, size);
  if (stream->read_fd < 0)
    pexec__outlets_rest(stream->process);
}

static void end_rest (struct pexec__stream *stream) {
  size_t size = 0;
  stream->more_follows = true;
  if (pexec__output_may_read(stream))
    size = read_all(stream, false);
  pace(stream, size, true);
  stream->more_follows = false;
  pause_if_starved(stream);
  if (stream->read_fd < 0)
    pexec__outlets_rest(stream->process);
}

/* Their moment is over. */
void pexec__output_timer_due (void *owner) {
  pexec_supervisor *supervisor = owner;
  struct pexec__stream *stream = supervisor->resting, *next;
  supervisor->resting = NULL;
  supervisor->has_rest = false;
  for (; stream != NULL; stream = next) {
    next = stream->next_resting;
    stream->is_resting = false;
    end_rest(stream);
  }
  pexec__writers_wake(supervisor->writers);
}

/* {== a process's two streams ============================================ */

static bool allocate (pexec_process *process) {
  struct pexec__stream *streams = pexec__calloc(2, sizeof *streams);
  if (streams == NULL)
    return false;
  for (int i = 0; i < 2; i++) {
    streams[i].process = process;
    streams[i].number = i == 0 ? PEXEC_STDOUT : PEXEC_STDERR;
    streams[i].has_events =
        (process->config->output_events & (1U << i)) != 0;
    streams[i].read_fd = streams[i].write_fd = -1;
  }
  process->streams = streams;
  return true;
}

/* Whose user has many pipes gets small ones. */
static struct pexec__flow new_flow (int fd) {
  int size = pexec__pipe_size(fd);
  return (struct pexec__flow){ .capacity = size > 0 ? (size_t)size : 4096 };
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
  stream->is_paused = stream->is_blocked = false;
  if (error < 0)
    close_stream(stream);
  else
    stream->flow = new_flow(fds[0]);
  return error;
}

/* A FIFO is none that a child could be handed: nobody may be reading it. */
enum pexec__route pexec__output_route (const pexec_process *process, int i) {
  enum pexec__route route = pexec__config_route(process->config, i);
  return route == PEXEC__ROUTE_FILE && process->has_fifo ? PEXEC__ROUTE_PIPE
                                                         : route;
}

int pexec__output_open (pexec_process *process) {
  int error = 0;
  for (int i = 0; i < 2 && error >= 0; i++) {
    if (pexec__output_route(process, i) != PEXEC__ROUTE_PIPE)
      continue;
    if (process->streams == NULL && !allocate(process))
      return -ENOMEM;
    error = open_stream(&process->streams[i]);
  }
  return error;
}

/* Before it is open, and after the end, nothing is read. */
static int pipe_of (const pexec_process *process, int i) {
  if (process->streams == NULL || process->streams[i].write_fd < 0)
    return process->supervisor->null_fd;
  return process->streams[i].write_fd;
}

int pexec__output_fd (const pexec_process *process, int stream) {
  switch (pexec__output_route(process, stream)) {
    case PEXEC__ROUTE_PIPE: return pipe_of(process, stream);
    case PEXEC__ROUTE_MERGED: return pexec__output_fd(process, 0);
    case PEXEC__ROUTE_INHERIT: return stream + 1;
    case PEXEC__ROUTE_FILE: return -1;
    default: return process->supervisor->null_fd;
  }
}

void pexec__output_hold (pexec_process *process, bool is_held) {
  for (int i = 0; i < 2 && process->streams != NULL; i++) {
    pexec__lending_take_back(&process->streams[i]);
    process->streams[i].is_held = is_held;
    pexec__output_set_watch(&process->streams[i]);
  }
}

void pexec__output_drain (pexec_process *process) {
  for (int i = 0; i < 2 && process->streams != NULL; i++) {
    struct pexec__stream *stream = &process->streams[i];
    pexec__lending_take_back(stream);
    (void)read_all(stream, true);
    if (may_go_on(stream, true))
      pexec__lines_flush(stream);
    pause_if_starved(stream);
  }
  pexec__lines_tell_drops(process);
}

void pexec__output_catch_up (pexec_process *process) {
  for (int i = 0; i < 2 && process->streams != NULL; i++) {
    struct pexec__stream *stream = &process->streams[i];
    pexec__lending_take_back(stream);
    if (!pexec__output_may_read(stream))
      continue;
    (void)read_all(stream, false);
    pause_if_starved(stream);
  }
}

bool pexec__output_is_starved (const pexec_process *process) {
  for (int i = 0; i < 2 && process->streams != NULL; i++)
    if (process->streams[i].is_paused || process->streams[i].is_blocked ||
        pexec__outlets_are_full(&process->streams[i]))
      return true;
  return false;
}

void pexec__output_resume (pexec_process *process) {
  for (int i = 0; i < 2 && process->streams != NULL; i++) {
    process->streams[i].is_paused = false;
    pexec__output_set_watch(&process->streams[i]);
  }
}

void pexec__output_block (struct pexec__stream *stream, bool is_blocked) {
  if (stream->is_blocked == is_blocked)
    return;
  stream->is_blocked = is_blocked;
  pexec__output_set_watch(stream);
}

void pexec__output_end (pexec_process *process) {
  for (int i = 0; i < 2 && process->streams != NULL; i++) {
    struct pexec__stream *stream = &process->streams[i];
    pexec__lending_take_back(stream);
    close_fd(&stream->write_fd);
    if (stream->read_fd >= 0 && !stream->is_blocked)
      (void)read_once(stream, next_size(stream));
  }
}

void pexec__output_close (pexec_process *process) {
  for (int i = 0; i < 2 && process->streams != NULL; i++)
    close_stream(&process->streams[i]);
  pexec__free(process->streams);
  process->streams = NULL;
}
