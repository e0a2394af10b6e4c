/*
** Specifies the text of logs: what a line looks like in each form, what stands
** for bytes that a line cannot hold, and how buffers are filled. Each block
** that is handed in or filled is just as large as it says, so that a
** sanitizer sees a step too far. One thread.
** seam: own format.c escape.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND_NS INT64_C(1000000000)
#define NOW INT64_C(1769850764871204999)
#define TIME "2026-01-31T09:12:44.871204Z"
#define LARGE 4096

static const enum pexec_format forms[] = {
  PEXEC_TEXT, PEXEC_JSON, PEXEC_LOGFMT
};

static const struct pexec__origin output = {
  .time_ns = NOW, .id = "worker", .pid = 4711, .stream = "stdout"
};
static const struct pexec__origin piece = {
  .time_ns = NOW, .id = "worker", .pid = 4711, .stream = "stderr",
  .is_partial = true
};
static const struct pexec__origin message = {
  .time_ns = NOW, .id = "worker", .level = PEXEC_INFO
};

/* {== helpers ==== */

/* All that was emitted: a text, whose end is at written + written_length. */
static char written[1 << 22];
static size_t written_length, emits;

static void *block_of (size_t size) {
  void *block = malloc(size);
  assert_non_null(block);
  return block;
}

static void take (void *owner, struct pexec__text *text, size_t size) {
  size_t rest = text->used - size;
  assert_ptr_equal(owner, written);
  assert_true(text->ended > 0 ? size == text->ended
                              : size == text->capacity);
  assert_in_range(written_length + size, 1, sizeof(written) - 1);
  memcpy(written + written_length, text->data, size);
  written_length += size;
  emits++;
  pexec__text_drop(text, size);
  assert_int_equal(text->used, rest);
  assert_int_equal(text->ended, 0);
}

/* What the lines of 'data' become, through a buffer of this capacity. */
static const char *through (size_t capacity, enum pexec_format format,
                            const struct pexec__origin *origin,
                            const char *data, size_t length) {
  struct pexec__frame frame;
  struct pexec__text text = { .data = block_of(capacity),
                              .capacity = capacity, .emit = take,
                              .owner = written };
  char *copy = block_of(length + 1);
  memcpy(copy + 1, data, length);  /* +1: at an odd address, too */
  written_length = emits = 0;
  pexec__frame_make(&frame, format, origin);
  pexec__text_lines(&text, &frame, copy + 1, length);
  assert_int_equal(text.ended, text.used);
  memcpy(written + written_length, text.data, text.used);
  written_length += text.used;
  written[written_length] = '\0';
  free(copy);
  free(text.data);
  return written;
}

static const char *line_of (enum pexec_format format,
                            const struct pexec__origin *origin,
                            const char *data) {
  return through(LARGE, format, origin, data, strlen(data));
}

/* The same of bytes of which '\n' is one: as one line. */
static const char *one_line (enum pexec_format format,
                             const struct pexec__origin *origin,
                             const char *data, size_t length) {
  struct pexec__frame frame;
  struct pexec__text text = { .data = written, .capacity = sizeof(written) };
  char *copy = block_of(length);
  memcpy(copy, data, length);
  pexec__frame_make(&frame, format, origin);
  pexec__text_line(&text, &frame, copy, length);
  free(copy);
  written_length = text.used;
  written[written_length] = '\0';
  return written;
}

/* What stands between a line's head and its tail. */
static const char *body_of (enum pexec_format format, const char *data,
                            size_t length) {
  static const char *const marks[] = {
    [PEXEC_TEXT] = "stdout: ", [PEXEC_JSON] = "\"line\":\"",
    [PEXEC_LOGFMT] = "line=\""
  };
  static const char *const tails[] = {
    [PEXEC_TEXT] = "\n", [PEXEC_JSON] = "\"}\n", [PEXEC_LOGFMT] = "\"\n"
  };
  char *start = strstr(one_line(format, &output, data, length),
                       marks[format]);
  char *end = written + written_length - strlen(tails[format]);
  assert_non_null(start);
  assert_string_equal(end, tails[format]);
  *end = '\0';
  written_length = (size_t)(end - written);
  return start + strlen(marks[format]);
}

#define EXPECT_BODY(format, data, expected) \
  assert_string_equal(body_of(format, data, sizeof(data) - 1), expected)

/* The character at 's' by the definition of UTF-8; -1: none. */
static long code_at (const unsigned char *s, const unsigned char *end,
                     size_t *size) {
  static const long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
  long code;
  size_t ones = 0;
  while (ones < 8 && (*s << ones & 0x80) != 0) ones++;
  *size = ones == 0 ? 1 : ones;
  if (ones == 0) return *s;
  if (ones == 1 || ones > 4 || (size_t)(end - s) < ones) return -1;
  code = *s & (0x7f >> ones);
  for (size_t i = 1; i < ones; i++) {
    if (s[i] >> 6 != 2) return -1;
    code = code << 6 | (s[i] & 0x3f);
  }
  if (code < least[ones] || code > 0x10ffff || code >> 11 == 0x1b) return -1;
  return code;
}

/* Is what was written one line of visible characters? */
static void expect_one_clean_line (enum pexec_format format) {
  const unsigned char *s = (const unsigned char *)written;
  const unsigned char *end = s + written_length - 1;
  assert_int_equal(*end, '\n');
  while (s < end) {
    size_t size;
    long code = code_at(s, end, &size);
    if (code < 0 || (code < 0x20 && (code != '\t' || format != PEXEC_TEXT)) ||
        (code >= 0x7f && code < 0xa0))
      fail_msg("byte %02x at %td in form %d", *s,
               (const char *)s - written, format);
    s += size;
  }
}

/* Reads a JSON string's body back into bytes. */
static size_t decode (const char *text, unsigned char *bytes) {
  size_t length = 0;
  while (*text != '\0' && *text != '"') {
    unsigned code = (unsigned char)*text++;
    if (code == '\\') {
      char letter = *text++;
      code = letter == 'n' ? '\n' : letter == 't' ? '\t'
                                                  : (unsigned char)letter;
      assert_non_null(strchr("nt\"\\u", letter));
      if (letter == 'u') {
        assert_int_equal(sscanf(text, "%4x", &code), 1);
        assert_true(code < 0xa0 || (code >= 0xdc80 && code <= 0xdcff));
        if (code >= 0x80 && code < 0xa0) bytes[length++] = 0xc2;
        text += 4;
      }
    }
    bytes[length++] = (unsigned char)code;
  }
  assert_int_equal(*text, '\0');
  return length;
}

/* These bytes, as one line of each form. */
static void expect_sound (const char *data, size_t length) {
  unsigned char *bytes = block_of(length + 1);
  for (size_t i = 0; i < COUNT(forms); i++) {
    (void)one_line(forms[i], &output, data, length);
    expect_one_clean_line(forms[i]);
  }
  assert_int_equal(decode(body_of(PEXEC_JSON, data, length), bytes), length);
  assert_memory_equal(bytes, data, length);
  free(bytes);
}

/* {== forms ==== */

static void a_message_has_a_level (void **state) {
  (void)state;
  assert_string_equal(line_of(PEXEC_TEXT, &message, "the message"),
    TIME " INFO  worker: the message\n");
  assert_string_equal(line_of(PEXEC_JSON, &message, "the message"),
    "{\"time\":\"" TIME "\",\"level\":\"info\",\"id\":\"worker\","
    "\"message\":\"the message\"}\n");
  assert_string_equal(line_of(PEXEC_LOGFMT, &message, "the message"),
    "time=" TIME " level=info id=worker msg=\"the message\"\n");
}

static void levels_have_names (void **state) {
  static const char *const names[] = { "debug", "info", "warn", "error" };
  static const char *const columns[] = {
    "DEBUG x\n", "INFO  x\n", "WARN  x\n", "ERROR x\n"
  };
  struct pexec__origin origin = { .time_ns = NOW };
  (void)state;
  for (size_t i = 0; i < COUNT(names); i++) {
    origin.level = (enum pexec_level)i;
    assert_string_equal(line_of(PEXEC_TEXT, &origin, "x") +
                        strlen(TIME " "), columns[i]);
    assert_non_null(strstr(line_of(PEXEC_JSON, &origin, "x"), names[i]));
    assert_non_null(strstr(line_of(PEXEC_LOGFMT, &origin, "x"), names[i]));
  }
}

static void a_line_of_output_has_a_stream (void **state) {
  (void)state;
  assert_string_equal(line_of(PEXEC_TEXT, &output, "the line"),
    TIME " worker stdout: the line\n");
  assert_string_equal(line_of(PEXEC_JSON, &output, "the line"),
    "{\"time\":\"" TIME "\",\"id\":\"worker\",\"pid\":4711,"
    "\"stream\":\"stdout\",\"line\":\"the line\"}\n");
  assert_string_equal(line_of(PEXEC_LOGFMT, &output, "the line"),
    "time=" TIME " id=worker pid=4711 stream=stdout line=\"the line\"\n");
}

static void a_piece_of_a_line_says_so (void **state) {
  (void)state;
  assert_string_equal(line_of(PEXEC_TEXT, &piece, "the li"),
    TIME " worker stderr+: the li\n");
  assert_string_equal(line_of(PEXEC_JSON, &piece, "the li"),
    "{\"time\":\"" TIME "\",\"id\":\"worker\",\"pid\":4711,"
    "\"stream\":\"stderr\",\"line\":\"the li\",\"partial\":true}\n");
  assert_string_equal(line_of(PEXEC_LOGFMT, &piece, "the li"),
    "time=" TIME " id=worker pid=4711 stream=stderr line=\"the li\" "
    "partial=true\n");
}

static void what_is_not_known_is_left_out (void **state) {
  static const struct pexec__origin bare = { .time_ns = NOW,
                                             .stream = "pexec" };
  (void)state;
  assert_string_equal(line_of(PEXEC_TEXT, &bare, "x"),
                      TIME " pexec: x\n");
  assert_string_equal(line_of(PEXEC_JSON, &bare, "x"),
    "{\"time\":\"" TIME "\",\"stream\":\"pexec\",\"line\":\"x\"}\n");
  assert_string_equal(line_of(PEXEC_LOGFMT, &bare, "x"),
    "time=" TIME " stream=pexec line=\"x\"\n");
}

static void the_time_is_utc_on_any_day (void **state) {
  static const int64_t days[] = {
    0, 58, 59, 11016, 11017, 11322, 11323, 19782, 19783, 47540, 47541, 49709,
    106750
  };
  struct pexec__origin origin = { .stream = "pexec" };
  (void)state;
  for (size_t i = 0; i < 400 + COUNT(days); i++) {
    char expected[64];
    time_t now = i < COUNT(days) ? days[i] * 86400 + 86399
                                 : (time_t)i * 20449997;
    struct tm date;
    origin.time_ns = now * SECOND_NS + 1999;
    (void)strftime(expected, sizeof(expected),
                   "%Y-%m-%dT%H:%M:%S.000001Z pexec: \n",
                   gmtime_r(&now, &date));
    assert_string_equal(line_of(PEXEC_TEXT, &origin, "\n"), expected);
  }
}

static void a_time_before_1970_is_its_first (void **state) {
  static const struct pexec__origin origin = { .time_ns = INT64_MIN,
                                               .stream = "pexec" };
  (void)state;
  assert_string_equal(line_of(PEXEC_TEXT, &origin, "x"),
                      "1970-01-01T00:00:00.000000Z pexec: x\n");
}

/* {== bytes ==== */

static void controls_are_visible_in_text (void **state) {
  (void)state;
  EXPECT_BODY(PEXEC_TEXT, "a\tb\\c\"d", "a\tb\\c\"d");
  EXPECT_BODY(PEXEC_TEXT, "a\nb\r\x1b[31m", "a\\x0ab\\x0d\\x1b[31m");
  EXPECT_BODY(PEXEC_TEXT, "nul\0del\x7f", "nul\\x00del\\x7f");
  EXPECT_BODY(PEXEC_TEXT, "\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0",
              "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f\xc2\xa0");
}

static void json_escapes_what_it_must (void **state) {
  (void)state;
  EXPECT_BODY(PEXEC_JSON, "a\tb\\c\"d/e\n", "a\\tb\\\\c\\\"d/e\\n");
  EXPECT_BODY(PEXEC_JSON, "\0\x01\r\x1f\x7f",
              "\\u0000\\u0001\\u000d\\u001f\\u007f");
  EXPECT_BODY(PEXEC_JSON, "\xc2\x80\xc2\x9f\xc2\xa0",
              "\\u0080\\u009f\xc2\xa0");
  EXPECT_BODY(PEXEC_JSON, "a\xff\x80", "a\\udcff\\udc80");
  EXPECT_BODY(PEXEC_JSON, "\xc2", "\\udcc2");
}

static void logfmt_escapes_as_c_does (void **state) {
  (void)state;
  EXPECT_BODY(PEXEC_LOGFMT, "a\tb\\c\"d=e\n\r", "a\\tb\\\\c\\\"d=e\\n\\r");
  EXPECT_BODY(PEXEC_LOGFMT, "\0\x1b[31m\x7f", "\\x00\\x1b[31m\\x7f");
  EXPECT_BODY(PEXEC_LOGFMT, "\xc2\x9b\xc2\xa0\xff", "\\xc2\\x9b\xc2\xa0\\xff");
}

static void valid_utf8_passes (void **state) {
#define VALID "\xc3\xa4 \xdf\xbf \xe0\xa0\x80 \xe2\x82\xac \xed\x9f\xbf " \
  "\xee\x80\x80 \xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"
  (void)state;
  for (size_t i = 0; i < COUNT(forms); i++)
    EXPECT_BODY(forms[i], VALID, VALID);
}

static void line_separators_and_directions_pass (void **state) {
#define ODD "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xae\xe2\x81\xa6"
  (void)state;
  for (size_t i = 0; i < COUNT(forms); i++) EXPECT_BODY(forms[i], ODD, ODD);
}

static void bytes_that_are_no_utf8_are_visible (void **state) {
  (void)state;
  EXPECT_BODY(PEXEC_TEXT, "a\xff\xe4 b\x80", "a\\xff\\xe4 b\\x80");
  EXPECT_BODY(PEXEC_TEXT, "\xc0\xaf\xc1\xbf", "\\xc0\\xaf\\xc1\\xbf");
  EXPECT_BODY(PEXEC_TEXT, "\xe0\x9f\xbf", "\\xe0\\x9f\\xbf");
  EXPECT_BODY(PEXEC_TEXT, "\xed\xa0\x80", "\\xed\\xa0\\x80");
  EXPECT_BODY(PEXEC_TEXT, "\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf");
  EXPECT_BODY(PEXEC_TEXT, "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
  EXPECT_BODY(PEXEC_TEXT, "\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80");
  EXPECT_BODY(PEXEC_TEXT, "cut \xe2\x82", "cut \\xe2\\x82");
  EXPECT_BODY(PEXEC_TEXT, "\xe2\x82z", "\\xe2\\x82z");
  EXPECT_BODY(PEXEC_TEXT, "cut \xc2", "cut \\xc2");
  assert_string_equal(body_of(PEXEC_TEXT, "\xe2\x82\xac", 2),
                      "\\xe2\\x82");
}

/* What stands for a byte among letters, by the rules of each form. */
static void spell (enum pexec_format format, unsigned byte, char *text) {
  static const char *const formats[] = {
    [PEXEC_TEXT] = "\\x%02x", [PEXEC_JSON] = "\\u%04x",
    [PEXEC_LOGFMT] = "\\x%02x"
  };
  bool is_quoted = format != PEXEC_TEXT;
  if (is_quoted && byte == '\n') (void)strcpy(text, "\\n");
  else if (is_quoted && byte == '\t') (void)strcpy(text, "\\t");
  else if (format == PEXEC_LOGFMT && byte == '\r') (void)strcpy(text, "\\r");
  else if (is_quoted && (byte == '"' || byte == '\\'))
    (void)sprintf(text, "\\%c", (int)byte);
  else if ((byte >= 0x20 && byte < 0x7f) || byte == '\t')
    (void)sprintf(text, "%c", (int)byte);
  else
    (void)sprintf(text, formats[format],
                  format == PEXEC_JSON && byte >= 0x80 ? 0xdc00 | byte
                                                       : byte);
}

/* That byte at a place in a line of letters. */
static void expect_spelt (enum pexec_format format, unsigned byte, size_t at,
                          size_t length) {
  char data[64], expected[80];
  size_t end;
  memset(data, 'm', length);
  data[at] = (char)byte;
  memset(expected, 'm', at);
  spell(format, byte, expected + at);
  end = strlen(expected);
  memset(expected + end, 'm', length - at - 1);
  expected[end + length - at - 1] = '\0';
  assert_string_equal(body_of(format, data, length), expected);
}

/* Eight bytes are looked at at once: each place in them, in a first, a middle
   and a last eight, and in what is left. */
static void each_byte_is_spelt_by_rule_at_any_place (void **state) {
  (void)state;
  for (unsigned byte = 0; byte < 256; byte++)
    for (size_t at = 0; at < 26; at++)
      for (size_t length = at + 1; length < 27; length++)
        for (size_t i = 0; i < COUNT(forms); i++)
          expect_spelt(forms[i], byte, at, length);
}

static void any_two_bytes_make_a_clean_line (void **state) {
  char bytes[512];
  (void)state;
  for (unsigned first = 0; first < 256; first++) {
    for (unsigned i = 0; i < 256; i++) {
      bytes[2 * i] = (char)first;
      bytes[2 * i + 1] = (char)i;
    }
    expect_sound(bytes, sizeof(bytes));
  }
}

/* Bytes that often make UTF-8, and often just not. */
static char random_byte (void) {
  static const unsigned char likely[] = {
    0x00, 0x1b, 0x22, 0x5c, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc2,
    0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5
  };
  return (char)(rand() % 2 ? 'a' + rand() % 26
                           : likely[(size_t)rand() % COUNT(likely)]);
}

static void random_bytes_make_clean_lines_that_json_reverses (void **state) {
  char bytes[64];
  (void)state;
  srand(1);
  for (int i = 0; i < 20000; i++) {
    size_t length = (size_t)rand() % sizeof(bytes);
    for (size_t at = 0; at < length; at++) bytes[at] = random_byte();
    expect_sound(bytes, length);
  }
}

/* {== ids ==== */

static struct pexec__origin with_id (const char *id) {
  struct pexec__origin origin = output;
  origin.id = id;
  return origin;
}

static void an_id_is_escaped_as_lines_are (void **state) {
  struct pexec__origin odd = with_id("a\nb \"\x9b\xc3\xa4");
  (void)state;
  assert_string_equal(line_of(PEXEC_TEXT, &odd, "x"),
    TIME " a\\x0ab \"\\x9b\xc3\xa4 stdout: x\n");
  assert_string_equal(line_of(PEXEC_JSON, &odd, "x"),
    "{\"time\":\"" TIME "\",\"id\":\"a\\nb \\\"\\udc9b\xc3\xa4\","
    "\"pid\":4711,\"stream\":\"stdout\",\"line\":\"x\"}\n");
  assert_string_equal(line_of(PEXEC_LOGFMT, &odd, "x"),
    "time=" TIME " id=\"a\\nb \\\"\\x9b\xc3\xa4\" pid=4711 stream=stdout "
    "line=\"x\"\n");
}

static void logfmt_quotes_an_id_that_is_no_word (void **state) {
  (void)state;
  for (unsigned byte = 1; byte < 256; byte++) {
    char id[] = { 'a', (char)byte, 'b', '\0' };
    struct pexec__origin origin = with_id(id);
    bool is_word = (byte >= 'a' && byte <= 'z') ||
                   (byte >= 'A' && byte <= 'Z') ||
                   (byte >= '-' && byte <= ':') || byte == '_' ||
                   byte == '@';
    char *start = strstr(line_of(PEXEC_LOGFMT, &origin, "x"), " id=");
    assert_non_null(start);
    assert_int_equal(start[4] != '"', is_word);
    assert_non_null(strstr(start, is_word ? "b pid=" : "b\" pid="));
  }
}

static void an_empty_id_stays_a_value (void **state) {
  struct pexec__origin origin = with_id("");
  (void)state;
  assert_non_null(strstr(line_of(PEXEC_LOGFMT, &origin, "x"),
                         " id=\"\" pid=4711"));
  assert_non_null(strstr(line_of(PEXEC_JSON, &origin, "x"), "\"id\":\"\","));
}

/* An id of 'count' times 'unit' after 'offset' letters. */
static const char *long_id (size_t offset, const char *unit, size_t count) {
  static char id[65536];
  memset(id, 'i', offset);
  id[offset] = '\0';
  for (char *end = id + offset; count > 0; count--)
    end += sprintf(end, "%s", unit);
  return id;
}

static void a_long_id_is_cut (void **state) {
  static const char *const units[] = { "i", "\xf0\x9f\x98\x80", "\n", "\x9b",
                                       "\xc2\x9b", "\"" };
  static const char *const ends[] = {
    [PEXEC_TEXT] = "... stdout: x\n",
    [PEXEC_JSON] = ("...\",\"pid\":4711,\"stream\":\"stdout\","
                    "\"line\":\"x\"}\n"),
    [PEXEC_LOGFMT] = " pid=4711 stream=stdout line=\"x\"\n"
  };
  (void)state;
  for (size_t unit = 0; unit < COUNT(units); unit++)
    for (size_t offset = 0; offset < 8; offset++)
      for (size_t i = 0; i < COUNT(forms); i++) {
        struct pexec__origin origin =
          with_id(long_id(offset, units[unit], 9999));
        (void)line_of(forms[i], &origin, "x");
        expect_one_clean_line(forms[i]);
        assert_in_range(written_length, 350, 512);
        assert_non_null(strstr(written, "..."));
        assert_string_equal(written + written_length - strlen(ends[forms[i]]),
                            ends[forms[i]]);
      }
}

static void an_id_that_just_fits_is_whole (void **state) {
  (void)state;
  for (size_t length = 300; length < 330; length++) {
    struct pexec__origin origin = with_id(long_id(length, "", 0));
    const char *line = line_of(PEXEC_TEXT, &origin, "x");
    size_t letters = strspn(line + strlen(TIME " "), "i");
    bool is_cut = strstr(line, "... ") != NULL;
    assert_true(is_cut ? letters == 324 && length > 324 : letters == length);
  }
}

/* {== blocks and buffers ==== */

static void each_line_of_a_block_has_its_frame (void **state) {
  (void)state;
  assert_string_equal(line_of(PEXEC_TEXT, &output, "one\n\ntwo\r\nthree"),
    TIME " worker stdout: one\n" TIME " worker stdout: \n"
    TIME " worker stdout: two\\x0d\n" TIME " worker stdout: three\n");
  assert_string_equal(line_of(PEXEC_TEXT, &output, "\n"),
                      TIME " worker stdout: \n");
  assert_string_equal(line_of(PEXEC_TEXT, &output, ""), "");
}

#define BLOCK "plain\n\n\x1b[31m\xff\xff\n\xc3\xa4\xe2\x82\xac\"\\\t\n" \
  "a line that is longer than many of the buffers that it goes through\n" \
  "no end"

static void a_buffer_of_any_size_gives_the_same (void **state) {
  static char expected[LARGE];
  (void)state;
  for (size_t i = 0; i < COUNT(forms); i++) {
    (void)strcpy(expected, line_of(forms[i], &output, BLOCK));
    assert_int_equal(emits, 0);
    for (size_t capacity = 1; capacity < 700; capacity++)
      assert_string_equal(through(capacity, forms[i], &output, BLOCK,
                                  strlen(BLOCK)), expected);
  }
}

static void a_line_longer_than_the_buffer_goes_out_in_pieces (void **state) {
  static char line[1 << 20];
  (void)state;
  memset(line, 'm', sizeof(line));
  for (size_t i = 0; i < COUNT(forms); i++) {
    (void)through(1000, forms[i], &output, line, sizeof(line));
    assert_in_range(emits, sizeof(line) / 1000, sizeof(line) / 1000 + 1);
    assert_in_range(written_length, sizeof(line) + 1, sizeof(line) + 100);
  }
}

/* Checks that each but the last piece ends a line. */
static void take_lines (void *owner, struct pexec__text *text, size_t size) {
  assert_int_equal(text->data[size - 1], '\n');
  take(owner, text, size);
}

static void lines_that_fit_are_never_torn (void **state) {
  struct pexec__frame frame;
  char data[300];
  struct pexec__text text = { .data = data, .capacity = sizeof(data),
                              .emit = take_lines, .owner = written };
  (void)state;
  written_length = emits = 0;
  pexec__frame_make(&frame, PEXEC_TEXT, &output);
  for (int i = 0; i < 1000; i++)
    pexec__text_lines(&text, &frame, BLOCK, strlen(BLOCK));
  assert_in_range(emits, 1000, 10000);
}

static void what_is_put_is_left_as_it_is (void **state) {
  char data[4];
  struct pexec__text text = { .data = data, .capacity = sizeof(data),
                              .emit = take, .owner = written };
  (void)state;
  written_length = 0;
  pexec__text_put(&text, "\x1b\n\"\\\xff\r", 6);
  assert_int_equal(written_length, 4);
  assert_memory_equal(written, "\x1b\n\"\\", 4);
  assert_int_equal(text.ended, 0);
  assert_int_equal(text.used, 2);
  assert_memory_equal(data, "\xff\r", 2);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_message_has_a_level),
    cmocka_unit_test(levels_have_names),
    cmocka_unit_test(a_line_of_output_has_a_stream),
    cmocka_unit_test(a_piece_of_a_line_says_so),
    cmocka_unit_test(what_is_not_known_is_left_out),
    cmocka_unit_test(the_time_is_utc_on_any_day),
    cmocka_unit_test(a_time_before_1970_is_its_first),
    cmocka_unit_test(controls_are_visible_in_text),
    cmocka_unit_test(json_escapes_what_it_must),
    cmocka_unit_test(logfmt_escapes_as_c_does),
    cmocka_unit_test(valid_utf8_passes),
    cmocka_unit_test(line_separators_and_directions_pass),
    cmocka_unit_test(bytes_that_are_no_utf8_are_visible),
    cmocka_unit_test(each_byte_is_spelt_by_rule_at_any_place),
    cmocka_unit_test(any_two_bytes_make_a_clean_line),
    cmocka_unit_test(random_bytes_make_clean_lines_that_json_reverses),
    cmocka_unit_test(an_id_is_escaped_as_lines_are),
    cmocka_unit_test(logfmt_quotes_an_id_that_is_no_word),
    cmocka_unit_test(an_empty_id_stays_a_value),
    cmocka_unit_test(a_long_id_is_cut),
    cmocka_unit_test(an_id_that_just_fits_is_whole),
    cmocka_unit_test(each_line_of_a_block_has_its_frame),
    cmocka_unit_test(a_buffer_of_any_size_gives_the_same),
    cmocka_unit_test(a_line_longer_than_the_buffer_goes_out_in_pieces),
    cmocka_unit_test(lines_that_fit_are_never_torn),
    cmocka_unit_test(what_is_put_is_left_as_it_is)
  };
  return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
