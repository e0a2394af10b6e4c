/* See tail.h. */

#include "tail.h"

#include <errno.h>
#include <string.h>

#include "sys.h"

/* A view's lines stand in the ring as they were read, behind this. */
struct record {
  uint64_t run;
  int64_t time_ns;
  uint32_t length;              /* of them, with their newlines */
  uint8_t stream;
  uint8_t is_partial;
};

/* {== bytes that go round ================================================ */

static void ring_set (struct pexec__tail *tail, size_t offset,
                      const void *data, size_t length) {
  size_t at = (tail->first + offset) % tail->size;
  size_t part = tail->size - at;
  if (part > length)
    part = length;
  memcpy(tail->ring + at, data, part);
  memcpy(tail->ring, (const char *)data + part, length - part);
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

/* How many bytes stand from here to the end of the line, that included; all
   where it has none. */
static size_t ring_line (const struct pexec__tail *tail, size_t offset,
                         size_t length) {
  size_t at = (tail->first + offset) % tail->size;
  size_t part = tail->size - at;
  const char *end;
  if (part > length)
    part = length;
  end = memchr(tail->ring + at, '\n', part);
  if (end != NULL)
    return (size_t)(end + 1 - (tail->ring + at));
  end = memchr(tail->ring, '\n', length - part);
  return end == NULL ? length : part + (size_t)(end + 1 - tail->ring);
}

/* {== adding ============================================================= */

static void forget_bytes (struct pexec__tail *tail, size_t length) {
  tail->first = (tail->first + length) % tail->size;
  tail->used -= length;
}

/* Lines of the oldest record, so that so many bytes become free; or all of
   it. What is left of it keeps its head. */
static void forget_oldest (struct pexec__tail *tail, size_t wanted) {
  struct record record;
  size_t lines = wanted - 1;
  ring_get(tail, 0, &record, sizeof record);
  if (lines < record.length)
    lines += ring_line(tail, sizeof record + lines, record.length - lines);
  if (lines >= record.length) {
    forget_bytes(tail, sizeof record + record.length);
    return;
  }
  record.length -= (uint32_t)lines;
  forget_bytes(tail, lines);
  ring_set(tail, 0, &record, sizeof record);
}

static bool has_ring (struct pexec__tail *tail) {
  if (tail->ring == NULL && tail->size > sizeof(struct record))
    tail->ring = pexec__malloc(tail->size);
  return tail->ring != NULL;
}

/* The lines at the end that fit, or the beginning of the last one. What comes
   before what was left out is forgotten: else lines would be missing amid. */
static const char *choose (struct pexec__tail *tail, const char *data,
                           size_t *length) {
  const char *end = data + *length, *newline;
  size_t most = tail->size - sizeof(struct record);
  if (*length <= most)
    return data;
  tail->used = 0;
  newline = memchr(end - most - 1, '\n', most);
  if (newline != NULL) {
    *length = (size_t)(end - (newline + 1));
    return newline + 1;
  }
  *length = most;
  newline = memrchr(data, '\n', (size_t)(end - 1 - data));
  return newline ? newline + 1 : data;
}

void pexec__tail_add (struct pexec__tail *tail,
                      const struct pexec__view *view, uint64_t run) {
  const char *data = view->chunk->data + view->from;
  size_t length = view->to - view->from, wanted;
  struct record record = {
    .run = run, .time_ns = view->chunk->time_ns,
    .stream = (uint8_t)view->chunk->stream, .is_partial = view->is_partial,
  };
  if (!has_ring(tail))
    return;
  data = choose(tail, data, &length);
  wanted = sizeof record + length;
  while (tail->size - tail->used < wanted)
    forget_oldest(tail, wanted - (tail->size - tail->used));
  record.length = (uint32_t)length;
  ring_set(tail, tail->used, &record, sizeof record);
  ring_set(tail, tail->used + sizeof record, data, length);
  tail->used += wanted;
}

/* {== copying ============================================================ */

/* At least one, which may be empty. */
static size_t record_lines (const struct pexec__tail *tail, size_t offset,
                            size_t length) {
  size_t lines = 0, size;
  for (; length > 0; offset += size, length -= size) {
    size = ring_line(tail, offset, length);
    lines++;
  }
  return lines > 0 ? lines : 1;
}

static size_t all_lines (const struct pexec__tail *tail) {
  size_t offset = 0, lines = 0;
  while (offset < tail->used) {
    struct record record;
    ring_get(tail, offset, &record, sizeof record);
    offset += sizeof record;
    lines += record_lines(tail, offset, record.length);
    offset += record.length;
  }
  return lines;
}

/* A copy that is being made. */
struct copying {
  size_t skip;                  /* lines that are too many */
  pexec_line *line;             /* the next one */
  char *room;                   /* for its record's bytes */
};

static void copy_line (struct copying *copying, const struct record *record,
                       const char *data, size_t length) {
  if (copying->skip > 0) {
    copying->skip--;
    return;
  }
  *copying->line++ = (pexec_line){
    .data = data, .length = length,
    .stream = (enum pexec_stream)record->stream,
    .is_partial = record->is_partial, .time_ns = record->time_ns,
    .run = record->run,
  };
}

static void copy_record (struct copying *copying,
                         const struct record *record) {
  const char *data = copying->room, *end = data + record->length;
  copying->room += record->length;
  do {
    const char *newline = memchr(data, '\n', (size_t)(end - data));
    const char *stop = newline ? newline : end;
    copy_line(copying, record, data, (size_t)(stop - data));
    data = stop + 1;
  } while (data < end);
}

static void copy_all (const struct pexec__tail *tail,
                      struct copying *copying) {
  size_t offset = 0;
  while (offset < tail->used) {
    struct record record;
    ring_get(tail, offset, &record, sizeof record);
    offset += sizeof record;
    ring_get(tail, offset, copying->room, record.length);
    copy_record(copying, &record);
    offset += record.length;
  }
}

/* A ring of empty lines does not make a copy of fifty times its size. */
int pexec__tail_copy (const struct pexec__tail *tail, pexec_tail *copy) {
  size_t all = all_lines(tail), most = tail->size / sizeof(struct record);
  size_t count = all < most ? all : most;
  struct copying copying = { all - count, NULL, NULL };
  pexec_line *lines;
  *copy = (pexec_tail){ 0, NULL, NULL };
  if (count == 0)
    return 0;
  lines = pexec__malloc(count * sizeof *lines + tail->used);
  if (lines == NULL)
    return -ENOMEM;
  copying.line = lines;
  copying.room = (char *)(lines + count);
  copy_all(tail, &copying);
  *copy = (pexec_tail){ count, lines, lines };
  return 0;
}

void pexec__tail_free (struct pexec__tail *tail) {
  pexec__free(tail->ring);
  *tail = (struct pexec__tail){ .size = tail->size };
}
