/*
** Lines -> text of a log. It knows nothing of files and clocks, allocates
** nothing, and calls nobody but the 'emit' of the buffer that it fills. Any
** thread; a buffer is one thread's at a time.
**
** A block of lines has one frame, and most lines need no escape: then one
** look at each byte and three copies are all that is done.
*/

#include "format.h"

#include <stdio.h>
#include <string.h>

#include "escape.h"

#define SECOND_NS 1000000000
#define AFTER_ID 160  /* bytes of a head for what comes after the id */

/* {== the buffer ==== */

void pexec__text_drop (struct pexec__text *text, size_t size) {
  text->used -= size;
  text->ended = text->ended > size ? text->ended - size : 0;
  memmove(text->data, text->data + size, text->used);
}

static void append (struct pexec__text *text, const char *data,
                    size_t length) {
  memcpy(text->data + text->used, data, length);
  text->used += length;
}

void pexec__text_put (struct pexec__text *text, const char *data,
                      size_t length) {
  while (length > text->capacity - text->used) {
    size_t part = text->capacity - text->used;
    append(text, data, part);
    data += part;
    length -= part;
    /* a line longer than the buffer goes out in pieces */
    text->emit(text->owner, text, text->ended > 0 ? text->ended
                                                  : text->capacity);
  }
  append(text, data, length);
}

static void put_escaped (struct pexec__text *text, enum pexec_format format,
                         const char *data, size_t length) {
  while (length > 0) {
    char escape[PEXEC__ESCAPE_SIZE];
    size_t size = pexec__plain_span(format, data, length);
    if (size > 0) pexec__text_put(text, data, size);
    else {
      size = pexec__escape(format, data, length, escape);
      pexec__text_put(text, escape, strlen(escape));
    }
    data += size;
    length -= size;
  }
}

/* {== lines ==== */

/* A line without escapes, for which there is room. */
static void append_line (struct pexec__text *text,
                         const struct pexec__frame *frame, const char *line,
                         size_t length) {
  append(text, frame->head, frame->head_length);
  append(text, line, length);
  append(text, frame->tail, frame->tail_length);
}

static void put_line (struct pexec__text *text,
                      const struct pexec__frame *frame, const char *line,
                      size_t length) {
  pexec__text_put(text, frame->head, frame->head_length);
  put_escaped(text, frame->format, line, length);
  pexec__text_put(text, frame->tail, frame->tail_length);
}

void pexec__text_line (struct pexec__text *text,
                       const struct pexec__frame *frame, const char *line,
                       size_t length) {
  size_t size = frame->head_length + length + frame->tail_length;
  if (size <= text->capacity - text->used &&
      pexec__plain_span(frame->format, line, length) == length)
    append_line(text, frame, line, length);
  else
    put_line(text, frame, line, length);
  text->ended = text->used;
}

void pexec__text_lines (struct pexec__text *text,
                        const struct pexec__frame *frame, const char *data,
                        size_t length) {
  while (length > 0) {
    const char *newline = memchr(data, '\n', length);
    size_t size = newline == NULL ? length : (size_t)(newline - data);
    pexec__text_line(text, frame, data, size);
    if (newline != NULL) size++;
    data += size;
    length -= size;
  }
}

/* {== heads ==== */

static void add_bytes (struct pexec__frame *frame, const char *data,
                       size_t length) {
  size_t room = sizeof(frame->head) - frame->head_length;
  if (length > room) length = room;
  memcpy(frame->head + frame->head_length, data, length);
  frame->head_length += length;
}

static void add (struct pexec__frame *frame, const char *text) {
  add_bytes(frame, text, strlen(text));
}

static void add_three (struct pexec__frame *frame, const char *before,
                       const char *text, const char *after) {
  add(frame, before);
  add(frame, text);
  add(frame, after);
}

static void add_pid (struct pexec__frame *frame, const char *before, int pid,
                     const char *after) {
  char digits[16];
  (void)snprintf(digits, sizeof(digits), "%d", pid);
  add_three(frame, before, digits, after);
}

static unsigned days_of_year (unsigned year) {
  bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return is_leap ? 366 : 365;
}

static unsigned days_of_month (unsigned year, unsigned month) {
  static const unsigned days[] = { 31, 28, 31, 30, 31, 30,
                                   31, 31, 30, 31, 30, 31 };
  return days[month] + (month == 1 && days_of_year(year) == 366);
}

/* RFC 3339 in UTC. Not gmtime_r, which may read TZ from an environment that
   the host is changing. */
static void add_time (struct pexec__frame *frame, int64_t time_ns) {
  uint64_t ns = time_ns > 0 ? (uint64_t)time_ns : 0;
  unsigned days = (unsigned)(ns / SECOND_NS / 86400);
  unsigned second = (unsigned)(ns / SECOND_NS % 86400);
  unsigned year = 1970;
  unsigned month = 0;
  char text[96];
  for (; days >= days_of_year(year); year++) days -= days_of_year(year);
  for (; days >= days_of_month(year, month); month++)
    days -= days_of_month(year, month);
  (void)snprintf(text, sizeof(text), "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ",
                 year, month + 1, days + 1, second / 3600, second / 60 % 60,
                 second % 60, (unsigned)(ns % SECOND_NS / 1000));
  add(frame, text);
}

/* {== ids ==== */

/* How much of plain text fits, in whole characters. */
static size_t fitting (const char *text, size_t length, size_t room) {
  if (length <= room) return length;
  while (room > 0 && ((unsigned char)text[room] & 0xc0) == 0x80) room--;
  return room;
}

/* Adds the first of what stands there, as far as it is all plain or one
   escape. The result counts the bytes of 'id'; 0: it does not fit. */
static size_t add_part (struct pexec__frame *frame, const char *id,
                        size_t length, size_t room) {
  char escape[PEXEC__ESCAPE_SIZE];
  size_t size = pexec__plain_span(frame->format, id, length);
  if (size > 0) {
    size = fitting(id, size, room);
    add_bytes(frame, id, size);
    return size;
  }
  size = pexec__escape(frame->format, id, length, escape);
  if (strlen(escape) > room) return 0;
  add(frame, escape);
  return size;
}

static void add_escaped (struct pexec__frame *frame, const char *id) {
  size_t length = strlen(id);
  while (length > 0) {
    size_t size = add_part(frame, id, length, sizeof(frame->head) - AFTER_ID
                                              - frame->head_length);
    if (size == 0) {
      add(frame, "...");
      return;
    }
    id += size;
    length -= size;
  }
}

/* Can it stand in logfmt without quotes? */
static bool is_bare (const char *id) {
  size_t length = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "abcdefghijklmnopqrstuvwxyz"
                             "0123456789_./:@-");
  return length > 0 && id[length] == '\0';
}

/* {== frames ==== */

static const char *const levels[] = { "debug", "info", "warn", "error" };

static void make_text (struct pexec__frame *frame,
                       const struct pexec__origin *origin) {
  static const char *const columns[] = {
    "DEBUG ", "INFO  ", "WARN  ", "ERROR "
  };
  bool is_message = origin->stream == NULL;
  add_time(frame, origin->time_ns);
  add(frame, " ");
  if (is_message) add(frame, columns[origin->level]);
  if (origin->id != NULL) {
    add_escaped(frame, origin->id);
    add(frame, is_message ? ": " : " ");
  }
  if (!is_message)
    add_three(frame, origin->stream, origin->is_partial ? "+" : "", ": ");
  frame->tail = "\n";
}

static void make_json (struct pexec__frame *frame,
                       const struct pexec__origin *origin) {
  bool is_message = origin->stream == NULL;
  add(frame, "{\"time\":\"");
  add_time(frame, origin->time_ns);
  add(frame, "\",");
  if (is_message)
    add_three(frame, "\"level\":\"", levels[origin->level], "\",");
  if (origin->id != NULL) {
    add(frame, "\"id\":\"");
    add_escaped(frame, origin->id);
    add(frame, "\",");
  }
  if (origin->pid != 0) add_pid(frame, "\"pid\":", origin->pid, ",");
  if (is_message) add(frame, "\"message\":\"");
  else add_three(frame, "\"stream\":\"", origin->stream, "\",\"line\":\"");
  frame->tail = origin->is_partial ? "\",\"partial\":true}\n" : "\"}\n";
}

static void make_logfmt (struct pexec__frame *frame,
                         const struct pexec__origin *origin) {
  bool is_message = origin->stream == NULL;
  add(frame, "time=");
  add_time(frame, origin->time_ns);
  if (is_message) add_three(frame, " level=", levels[origin->level], "");
  if (origin->id != NULL) {
    const char *quote = is_bare(origin->id) ? "" : "\"";
    add_three(frame, " id=", quote, "");
    add_escaped(frame, origin->id);
    add(frame, quote);
  }
  if (origin->pid != 0) add_pid(frame, " pid=", origin->pid, "");
  if (is_message) add(frame, " msg=\"");
  else add_three(frame, " stream=", origin->stream, " line=\"");
  frame->tail = origin->is_partial ? "\" partial=true\n" : "\"\n";
}

void pexec__frame_make (struct pexec__frame *frame, enum pexec_format format,
                        const struct pexec__origin *origin) {
  frame->format = format;
  frame->head_length = 0;
  if (format == PEXEC_JSON) make_json(frame, origin);
  else if (format == PEXEC_LOGFMT) make_logfmt(frame, origin);
  else make_text(frame, origin);
  frame->tail_length = strlen(frame->tail);
}
