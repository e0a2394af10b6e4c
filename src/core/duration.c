/*
** Owns the written form of durations, which is that of Go's time package:
** "1h30m", "250ms", "1.5s". Pure: no allocation, no clock, no locale. Any
** thread.
**
** Go works out a fraction in float64, and where digits go beyond a
** nanosecond its rounding shows: "0.3333333333333333333h" is 20m0s. The same
** roundings are made here on integers, so that neither the rounding mode of
** the host nor an FPU with excess precision changes a result.
*/

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pexec.h"

#define MICROSECOND UINT64_C(1000)
#define MILLISECOND (1000 * MICROSECOND)
#define SECOND (1000 * MILLISECOND)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

/* what the magnitude may be: that of INT64_MIN, one more than INT64_MAX */
#define LIMIT (UINT64_C(1) << 63)

__extension__ typedef unsigned __int128 wide;

/* {== float64 in integers ==== */

/* value * 2^exponent; value is at most 2^53 */
struct real {
  uint64_t value;
  int exponent;
};

/* The float64 that is nearest to value * 2^exponent, ties to even. */
static struct real nearest (wide value, int exponent) {
  bool has_half = false;
  bool is_more = false;
  for (; value >> 53 != 0; exponent++) {
    is_more = is_more || has_half;
    has_half = (value & 1) != 0;
    value >>= 1;
  }
  if (has_half && (is_more || (value & 1) != 0)) value++;
  return (struct real){ (uint64_t)value, exponent };
}

static struct real multiply (struct real a, struct real b) {
  return nearest((wide)a.value * b.value, a.exponent + b.exponent);
}

/* The quotient has 74 bits at least. None of a unit and a power of ten is so
   near to a tie that the bits which are left out would matter. */
static struct real divide (uint64_t a, struct real b) {
  wide top = a;
  int exponent = -b.exponent;
  for (; top >> 127 == 0; exponent--) top <<= 1;  /* all bits there are */
  return nearest(top / b.value, exponent);
}

/* 'x' is known to be below 2^53, so that its exponent may be negative only. */
static uint64_t truncate_real (struct real x) {
  if (x.exponent >= 0) return x.value << x.exponent;
  return x.exponent <= -64 ? 0 : x.value >> -x.exponent;
}

/* {== reading ==== */

/* One number and its unit: (whole + fraction / scale) * unit. */
struct term {
  uint64_t whole;
  uint64_t fraction;
  struct real scale;
};

static bool is_digit (char c) {
  return c >= '0' && c <= '9';
}

/* Reads digits, perhaps none; -ERANGE where they say more than LIMIT. */
static int read_whole (const char **at, uint64_t *whole) {
  for (; is_digit(**at); ++*at) {
    uint64_t digit = (uint64_t)(**at - '0');
    if (*whole > (LIMIT - digit) / 10) return -ERANGE;
    *whole = *whole * 10 + digit;
  }
  return 0;
}

/* Reads digits, perhaps none; those that no longer fit are passed over. */
static void read_fraction (const char **at, struct term *term) {
  bool is_full = false;
  for (; is_digit(**at); ++*at) {
    uint64_t digit = (uint64_t)(**at - '0');
    is_full = is_full || term->fraction > (LIMIT - digit) / 10;
    if (is_full) continue;
    term->fraction = term->fraction * 10 + digit;
    term->scale = nearest((wide)term->scale.value * 10, term->scale.exponent);
  }
}

static int read_number (const char **at, struct term *term) {
  const char *start = *at;
  size_t digits;
  int error = read_whole(at, &term->whole);
  if (error != 0) return error;
  digits = (size_t)(*at - start);
  if (**at == '.') {
    start = ++*at;
    read_fraction(at, term);
    digits += (size_t)(*at - start);
  }
  return digits > 0 ? 0 : -EINVAL;
}

/* Reads a unit: all up to the next digit or point. 0: there is no such. */
static uint64_t read_unit (const char **at) {
  static const struct { const char *name; uint64_t ns; } units[] = {
    { "ns", 1 }, { "us", MICROSECOND },
    { "\xc2\xb5s", MICROSECOND },   /* U+00B5, micro sign */
    { "\xce\xbcs", MICROSECOND },   /* U+03BC, Greek mu */
    { "ms", MILLISECOND }, { "s", SECOND }, { "m", MINUTE }, { "h", HOUR }
  };
  const char *name = *at;
  size_t length = strcspn(name, ".0123456789");
  *at += length;
  for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
    if (strlen(units[i].name) == length &&
        memcmp(units[i].name, name, length) == 0)
      return units[i].ns;
  }
  return 0;
}

static uint64_t fraction_ns (const struct term *term, uint64_t unit) {
  struct real fraction = nearest(term->fraction, 0);
  if (term->fraction == 0) return 0;
  return truncate_real(multiply(fraction, divide(unit, term->scale)));
}

/* Adds the next number with its unit to *total. */
static int read_term (const char **at, uint64_t *total) {
  struct term term = { 0, 0, { 1, 0 } };
  uint64_t unit, ns;
  int error = read_number(at, &term);
  if (error != 0) return error;
  unit = read_unit(at);
  if (unit == 0) return -EINVAL;
  if (term.whole > LIMIT / unit) return -ERANGE;
  ns = term.whole * unit + fraction_ns(&term, unit);
  if (ns > LIMIT || *total > LIMIT - ns) return -ERANGE;
  *total += ns;
  return 0;
}

static int read_terms (const char *at, uint64_t *total) {
  if (strcmp(at, "0") == 0) return 0;  /* the one number without a unit */
  if (*at == '\0') return -EINVAL;
  while (*at != '\0') {
    int error = read_term(&at, total);
    if (error != 0) return error;
  }
  return 0;
}

int pexec_duration_parse (const char *text, int64_t *ns) {
  uint64_t total = 0;
  bool is_negative = *text == '-';
  int error;
  if (*text == '-' || *text == '+') text++;
  error = read_terms(text, &total);
  if (error != 0) return error;
  if (total == LIMIT && !is_negative) return -ERANGE;
  if (total == LIMIT) *ns = INT64_MIN;
  else *ns = is_negative ? -(int64_t)total : (int64_t)total;
  return 0;
}

/* {== writing ==== */

/* ".25" of 250 thousandths; nothing of 0. 'text' holds 11 bytes. */
static void write_fraction (char *text, uint64_t fraction, int digits) {
  text[0] = '\0';
  if (fraction == 0) return;
  for (; fraction % 10 == 0; digits--) fraction /= 10;
  (void)snprintf(text, 11, ".%0*u", digits, (unsigned)fraction);
}

/* Less than a second: in the largest unit that leaves a whole number. */
static int write_small (uint64_t ns, char *text, size_t size) {
  uint64_t unit = ns < MICROSECOND ? 1 : ns < MILLISECOND ? MICROSECOND
                                                          : MILLISECOND;
  const char *name = unit == 1 ? "ns" : unit == MICROSECOND ? "\xc2\xb5s"
                                                            : "ms";
  int digits = unit == 1 ? 0 : unit == MICROSECOND ? 3 : 6;
  char fraction[11];
  write_fraction(fraction, ns % unit, digits);
  return snprintf(text, size, "%u%s%s", (unsigned)(ns / unit), fraction,
                  name);
}

static int write_large (uint64_t ns, char *text, size_t size) {
  unsigned hours = (unsigned)(ns / HOUR);
  unsigned minutes = (unsigned)(ns / MINUTE % 60);
  unsigned seconds = (unsigned)(ns / SECOND % 60);
  char fraction[11];
  write_fraction(fraction, ns % SECOND, 9);
  if (hours > 0)
    return snprintf(text, size, "%uh%um%u%ss", hours, minutes, seconds,
                    fraction);
  if (minutes > 0)
    return snprintf(text, size, "%um%u%ss", minutes, seconds, fraction);
  return snprintf(text, size, "%u%ss", seconds, fraction);
}

void pexec_duration_format (int64_t ns, char *buffer, size_t size) {
  char text[32] = "-";
  char *digits = text + (ns < 0);
  size_t room = sizeof(text) - (size_t)(ns < 0);
  uint64_t magnitude = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
  if (magnitude == 0) (void)strcpy(digits, "0s");
  else if (magnitude < SECOND) (void)write_small(magnitude, digits, room);
  else (void)write_large(magnitude, digits, room);
  (void)snprintf(buffer, size, "%s", text);
}
