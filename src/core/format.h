/*
** Lines -> text of a log: one form for people (text, logfmt), one for
** programs (JSON). What a line cannot hold there, control characters, escape
** sequences, bytes that are no UTF-8, is made visible: no line can drive a
** terminal or pass for two. Pure but for the sink that a full buffer goes to.
*/

#ifndef PEXEC_CORE_FORMAT_H
#define PEXEC_CORE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pexec.h"

/* What a line says of itself. */
struct pexec__origin {
  int64_t time_ns;        /* CLOCK_REALTIME; before 1970 counts as 1970 */
  const char *id;         /* NULL: none */
  int pid;                /* 0: not told */
  const char *stream;     /* a word: "stdout", "stderr", "pexec"; NULL: a
                             message of a logger's, of this level: */
  enum pexec_level level;
  bool is_partial;        /* a piece, whose line goes on in the next one */
};

/* A buffer that is emptied whenever it is full. */
struct pexec__text {
  char *data;
  size_t capacity;
  size_t used;
  size_t ended;           /* bytes of whole lines; the rest is a beginning */
  /* Takes the first 'size' bytes, all of them, and drops them from the
     buffer: pexec__text_drop. They are whole lines, or, where no line has
     ended in the buffer, all that is in it. */
  void (*emit) (void *owner, struct pexec__text *text, size_t size);
  void *owner;
};

/* What stands before and behind each line of one origin. */
struct pexec__frame {
  enum pexec_format format;
  size_t head_length;
  size_t tail_length;
  const char *tail;
  char head[512];
};

/* 'format' is not RAW. An id that is too long for 'frame' is cut, with "..."
   at its end. */
void pexec__frame_make (struct pexec__frame *frame, enum pexec_format format,
                        const struct pexec__origin *origin);
/* Moves what is behind the first 'size' bytes to the front: 'used' is less
   by that, and 'ended', unless it is 0 already. For 'emit'. */
void pexec__text_drop (struct pexec__text *text, size_t size);
/* As it is, without a frame or escapes. */
void pexec__text_put (struct pexec__text *text, const char *data,
                      size_t length);
/* One line, without its newline. */
void pexec__text_line (struct pexec__text *text,
                       const struct pexec__frame *frame, const char *line,
                       size_t length);
/* Each line of 'data'; the last may lack its newline. */
void pexec__text_lines (struct pexec__text *text,
                        const struct pexec__frame *frame, const char *data,
                        size_t length);

#endif
