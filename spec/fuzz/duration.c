/*
** Text read as a duration, against Go's own way of reading it, which works in
** float64; and any number of nanoseconds written and read again. One thread.
**
** seam: own duration.c
*/

#include "fuzz.h"

#include <errno.h>

#include "pexec.h"

#define LIMIT (UINT64_C(1) << 63)

/* {== Go's time.ParseDuration =========================================== */

static const struct unit {
  const char *name;
  double ns;
} units[] = {
  { "ns", 1 }, { "us", 1e3 }, { "\xc2\xb5s", 1e3 }, { "\xce\xbcs", 1e3 },
  { "ms", 1e6 }, { "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 }
};

static bool is_digit (char c) {
  return c >= '0' && c <= '9';
}

/* 0: there is no such unit. */
static uint64_t read_unit (const char **at) {
  size_t length = 0;
  while ((*at)[length] != '\0' && (*at)[length] != '.' &&
         !is_digit((*at)[length]))
    length++;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (strlen(units[i].name) == length &&
        strncmp(units[i].name, *at, length) == 0) {
      *at += length;
      return (uint64_t)units[i].ns;
    }
  return 0;
}

static int read_whole (const char **at, uint64_t *value) {
  for (*value = 0; is_digit(**at); ++*at) {
    if (*value > LIMIT / 10)
      return -ERANGE;
    *value = *value * 10 + (uint64_t)(**at - '0');
    if (*value > LIMIT)
      return -ERANGE;
  }
  return 0;
}

static void read_fraction (const char **at, uint64_t *value, double *scale) {
  bool is_over = false;
  for (; is_digit(**at); ++*at) {
    uint64_t more;
    if (is_over)
      continue;
    is_over = *value > (LIMIT - 1) / 10;
    more = *value * 10 + (uint64_t)(**at - '0');
    is_over = is_over || more > LIMIT;
    if (is_over)
      continue;
    *value = more;
    *scale *= 10;
  }
}

static int add_term (const char **at, uint64_t *total) {
  uint64_t whole, fraction = 0, unit;
  double scale = 1;
  const char *start = *at;
  int error;
  if (**at != '.' && !is_digit(**at))
    return -EINVAL;
  if ((error = read_whole(at, &whole)) < 0)
    return error;
  if (**at == '.') {
    start++;
    ++*at;
    read_fraction(at, &fraction, &scale);
  }
  if (*at == start || (unit = read_unit(at)) == 0)
    return -EINVAL;
  if (whole > LIMIT / unit)
    return -ERANGE;
  whole *= unit;
  if (fraction > 0)
    whole += (uint64_t)((double)fraction * ((double)unit / scale));
  if (whole > LIMIT || *total + whole > LIMIT)
    return -ERANGE;
  *total += whole;
  return 0;
}

static int go_parse (const char *text, int64_t *ns) {
  bool is_negative = (*text == '-');
  uint64_t total = 0;
  int error = 0;
  text += (*text == '-' || *text == '+');
  if (*text == '\0')
    return -EINVAL;
  if (strcmp(text, "0") != 0)
    while (*text != '\0' && error == 0)
      error = add_term(&text, &total);
  if (error == 0 && total == LIMIT && !is_negative)
    error = -ERANGE;
  if (error == 0)
    *ns = (int64_t)(is_negative ? 0 - total : total);
  return error;
}

/* {== properties ========================================================= */

static void check_number (int64_t ns) {
  char text[32], small[8];
  int64_t read = -77;
  memset(text, 'x', sizeof text);
  pexec_duration_format(ns, text, sizeof text);
  EXPECT(memchr(text, '\0', sizeof text) != NULL);
  EXPECT(pexec_duration_parse(text, &read) == 0);
  EXPECT(read == ns);
  pexec_duration_format(ns, small, sizeof small);
  EXPECT(strncmp(small, text, sizeof small - 1) == 0);
}

static void check_text (const char *text) {
  int64_t ns = -77, wanted = -77;
  int error = go_parse(text, &wanted);
  EXPECT(pexec_duration_parse(text, &ns) == error);
  EXPECT(ns == wanted);
  if (error == 0)
    check_number(ns);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  char *text = fuzz_text(data, size);
  int64_t ns = 0;
  memcpy(&ns, data, size < sizeof ns ? size : sizeof ns);
  check_number(ns);
  if (text != NULL)
    check_text(text);
  free(text);
  return 0;
}
