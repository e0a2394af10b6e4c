/*
** Bytes -> what stands for them in a line: nothing that moves a cursor, ends
** a line or is no UTF-8 passes. Pure; any thread.
*/

#include "escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* {== what is plain ==== */

/* Length of the UTF-8 sequence at 's'; 0: it is none, or is cut off. */
static size_t sequence_length (const unsigned char *s, size_t length) {
  size_t size = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3
              : s[0] < 0xf5 ? 4 : 0;
  if (size == 0 || size > length) return 0;
  for (size_t i = 1; i < size; i++)
    if ((s[i] & 0xc0) != 0x80) return 0;
  switch (s[0]) {
    case 0xe0: return s[1] < 0xa0 ? 0 : size;  /* overlong */
    case 0xed: return s[1] > 0x9f ? 0 : size;  /* surrogate */
    case 0xf0: return s[1] < 0x90 ? 0 : size;  /* overlong */
    case 0xf4: return s[1] > 0x8f ? 0 : size;  /* above U+10FFFF */
    default: return size;
  }
}

/* U+0080..U+009F: controls that terminals obey, too */
static bool is_c1 (const unsigned char *s, size_t length) {
  return length > 1 && s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f;
}

static inline bool is_plain (unsigned char c, bool is_quoted) {
  if (c < 0x20) return c == '\t' && !is_quoted;
  if (c >= 0x7f) return false;
  return !is_quoted || (c != '"' && c != '\\');
}

/* Is any of eight bytes other than printable ASCII, or, in quotes, one of
   those that need a backslash? Such a byte gets its high bit in one of the
   sums; carries and borrows come out of such bytes alone. */
static inline bool has_oddity (const unsigned char *s, bool is_quoted) {
  uint64_t x, odd;
  memcpy(&x, s, sizeof(x));
  odd = (x + EACH(1)) | (x - EACH(0x20));
  if (is_quoted)
    odd |= ((x ^ EACH('"')) - EACH(1)) | ((x ^ EACH('\\')) - EACH(1));
  return (odd & EACH(0x80)) != 0;
}

/* Goes on from 'at' as far as eight bytes at once are plain. The last eight
   may overlap some that are known. */
static inline size_t skip_words (const unsigned char *s, size_t at,
                                 size_t length, bool is_quoted) {
  if (length < 8) return at;
  for (; length - at >= 8; at += 8)
    if (has_oddity(s + at, is_quoted)) return at;
  return has_oddity(s + length - 8, is_quoted) ? at : length;
}

static inline size_t span (const unsigned char *s, size_t length,
                           bool is_quoted) {
  size_t at = 0;
  for (;;) {
    size_t size;
    at = skip_words(s, at, length, is_quoted);
    while (at < length && is_plain(s[at], is_quoted)) at++;
    if (at == length || s[at] < 0x80) return at;
    size = sequence_length(s + at, length - at);
    if (size == 0 || is_c1(s + at, size)) return at;
    at += size;
  }
}

/* Two copies of the loop, so that neither asks for the format. */
size_t pexec__plain_span (enum pexec_format format, const char *s,
                          size_t length) {
  const unsigned char *bytes = (const unsigned char *)s;
  return format == PEXEC_TEXT ? span(bytes, length, false)
                              : span(bytes, length, true);
}

/* {== escapes ==== */

static void write_hex (char *escape, const char *prefix, unsigned char byte) {
  static const char digits[] = "0123456789abcdef";
  size_t length = strlen(prefix);
  memcpy(escape, prefix, length);
  escape[length] = digits[byte >> 4];
  escape[length + 1] = digits[byte & 15];
  escape[length + 2] = '\0';
}

/* A letter after a backslash, as in C; 0: it has none. JSON's \r is left to
   \u000d. */
static char letter_of (enum pexec_format format, unsigned char c) {
  switch (c) {
    case '\n': return 'n';
    case '\t': return 't';
    case '\r': return format == PEXEC_LOGFMT ? 'r' : 0;
    case '"': case '\\': return (char)c;
    default: return 0;
  }
}

/* A byte that is no UTF-8 becomes a lone surrogate, as in Python, so that it
   can be told from any character. */
static size_t write_json (const unsigned char *s, size_t length,
                          char *escape) {
  if (is_c1(s, length)) {
    write_hex(escape, "\\u00", s[1]);
    return 2;
  }
  write_hex(escape, *s < 0x80 ? "\\u00" : "\\udc", *s);
  return 1;
}

size_t pexec__escape (enum pexec_format format, const char *s, size_t length,
                      char escape[PEXEC__ESCAPE_SIZE]) {
  const unsigned char *bytes = (const unsigned char *)s;
  char letter = format == PEXEC_TEXT ? 0 : letter_of(format, *bytes);
  if (letter != 0) {
    escape[0] = '\\';
    escape[1] = letter;
    escape[2] = '\0';
    return 1;
  }
  if (format == PEXEC_JSON) return write_json(bytes, length, escape);
  write_hex(escape, "\\x", *bytes);
  return 1;
}
