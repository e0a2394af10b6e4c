/*
** What the fuzz targets share: reading an input byte by byte, and saying what
** does not hold. One thread.
*/

#ifndef SPEC_FUZZ_H
#define SPEC_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Ends the program, which libFuzzer takes for a finding. */
#define EXPECT(condition) \
  ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))

static _Noreturn inline void fuzz_fail (const char *what, const char *file,
                                        int line) {
  (void)fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
  abort();
}

struct fuzz_input {
  const uint8_t *at, *end;
};

/* The next byte; 0 where there is none. */
static inline unsigned fuzz_byte (struct fuzz_input *in) {
  return in->at < in->end ? *in->at++ : 0;
}

static inline unsigned fuzz_below (struct fuzz_input *in, unsigned below) {
  return fuzz_byte(in) % below;
}

/* Up to 'most' bytes, as many as the next one says; their number. */
static inline size_t fuzz_bytes (struct fuzz_input *in, size_t most,
                                 const uint8_t **bytes) {
  size_t left, size = fuzz_byte(in) % (most + 1);
  left = (size_t)(in->end - in->at);
  *bytes = in->at;
  size = size < left ? size : left;
  in->at += size;
  return size;
}

/* All of it, as a string in a block of its own; NULL where a NUL is in it. */
static inline char *fuzz_text (const uint8_t *data, size_t size) {
  char *text;
  if (size > 0 && memchr(data, '\0', size) != NULL)
    return NULL;
  text = malloc(size + 1);
  EXPECT(text != NULL);
  if (size > 0)
    memcpy(text, data, size);
  text[size] = '\0';
  return text;
}

#endif
