/* See tail.h. */

#include "tail.h"

#include <errno.h>
#include <string.h>

#include "sys.h"

/* What stands before each line in the ring. */
struct record {
  uint64_t run;
  int64_t time_ns;
  uint32_t length;
  uint8_t stream;
  uint8_t is_partial;
};

/* {== bytes that go round ================================================ */

static void ring_put (struct pexec__tail *tail, const void *data,
                      size_t length) {
  size_t at = (tail->first + tail->used) % tail->size;
  size_t part = tail->size - at;
  if (part > length)
    part = length;
  memcpy(tail->ring + at, data, part);
  memcpy(tail->ring, (const char *)data + part, length - part);
  tail->used += length;
}

static void ring_get (const struct pexec__tail *tail, size_t offset,
                      void *data, size_t length) {
  size_t at = (tail->first + offset) % tail->size;
  size_t part = tail->size - at;
  if (part > length)
    part = length;
  memcpy(data, tail->ring + at, part);
  memcpy((char *)data + part, tail->ring, length - part);
}

static void forget_oldest (struct pexec__tail *tail) {
  struct record record;
  size_t length;
  ring_get(tail, 0, &record, sizeof record);
  length = sizeof record + record.length;
  tail->first = (tail->first + length) % tail->size;
  tail->used -= length;
  tail->count--;
}

/* {== adding ============================================================= */

static bool has_ring (struct pexec__tail *tail) {
  if (tail->ring == NULL && tail->size > sizeof(struct record))
    tail->ring = pexec__malloc(tail->size);
  return tail->ring != NULL;
}

static void add_line (struct pexec__tail *tail, struct record *record,
                      const char *line, size_t length) {
  size_t most = tail->size - sizeof *record;
  if (length > most)
    length = most;
  while (tail->size - tail->used < sizeof *record + length)
    forget_oldest(tail);
  record->length = (uint32_t)length;
  ring_put(tail, record, sizeof *record);
  ring_put(tail, line, length);
  tail->count++;
}

/* The first line that begins in the last bytes that fit: what comes before it
   would be forgotten at once, and so is all that was there. Of a single line
   it is that line. */
static const char *skip (struct pexec__tail *tail, const char *data,
                         const char *end) {
  const char *newline;
  if ((size_t)(end - data) <= tail->size)
    return data;
  newline = memchr(end - tail->size, '\n', tail->size);
  if (newline == NULL || newline + 1 == end)
    return data;
  tail->first = tail->used = tail->count = 0;
  return newline + 1;
}

void pexec__tail_add (struct pexec__tail *tail,
                      const struct pexec__view *view, uint64_t run) {
  const char *end = view->chunk->data + view->to;
  const char *data = view->chunk->data + view->from;
  struct record record = {
    .run = run, .time_ns = view->chunk->time_ns,
    .stream = (uint8_t)view->chunk->stream, .is_partial = view->is_partial,
  };
  if (!has_ring(tail))
    return;
  data = skip(tail, data, end);
  do {
    const char *newline = memchr(data, '\n', (size_t)(end - data));
    const char *stop = newline ? newline : end;
    add_line(tail, &record, data, (size_t)(stop - data));
    data = newline ? newline + 1 : end;
  } while (data < end);
}

/* {== copying ============================================================ */

int pexec__tail_copy (const struct pexec__tail *tail, pexec_tail *copy) {
  size_t offset = 0;
  pexec_line *lines;
  char *room;
  *copy = (pexec_tail){ 0, NULL, NULL };
  if (tail->count == 0)
    return 0;
  lines = pexec__malloc(tail->count * sizeof *lines + tail->used);
  if (lines == NULL)
    return -ENOMEM;
  room = (char *)(lines + tail->count);
  for (size_t i = 0; i < tail->count; i++) {
    struct record record;
    ring_get(tail, offset, &record, sizeof record);
    ring_get(tail, offset + sizeof record, room, record.length);
    lines[i] = (pexec_line){
      .data = room, .length = record.length,
      .stream = (enum pexec_stream)record.stream,
      .is_partial = record.is_partial, .time_ns = record.time_ns,
      .run = record.run,
    };
    room += record.length;
    offset += sizeof record + record.length;
  }
  *copy = (pexec_tail){ tail->count, lines, lines };
  return 0;
}

void pexec__tail_free (struct pexec__tail *tail) {
  pexec__free(tail->ring);
  *tail = (struct pexec__tail){ .size = tail->size };
}
