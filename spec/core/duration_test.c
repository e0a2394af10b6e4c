/*
** Specifies the written form of durations: Go's. What Go computes in float64
** is computed so here too, as the witness for the integers of duration.c.
** One thread.
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pexec.h"

#define US INT64_C(1000)
#define MS (1000 * US)
#define S (1000 * MS)
#define M (60 * S)
#define H (60 * M)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct sample {
  const char *text;
  int64_t ns;
};

static void expect_read (const char *text, int64_t ns) {
  int64_t result = -77;
  if (pexec_duration_parse(text, &result) != 0 || result != ns)
    fail_msg("\"%s\": %" PRId64 " instead of %" PRId64, text, result, ns);
}

static void expect_error (const char *text, int error) {
  int64_t result = -77;
  int found = pexec_duration_parse(text, &result);
  if (found != error || result != -77)
    fail_msg("\"%s\": %d instead of %d", text, found, error);
}

static void expect_written (int64_t ns, const char *text) {
  char buffer[32];
  pexec_duration_format(ns, buffer, sizeof(buffer));
  assert_string_equal(buffer, text);
}

static void read_all (const struct sample *samples, size_t count) {
  for (size_t i = 0; i < count; i++)
    expect_read(samples[i].text, samples[i].ns);
}

/* {== reading ==== */

static void a_number_and_a_unit_are_a_duration (void **state) {
  static const struct sample samples[] = {
    { "5s", 5 * S }, { "30s", 30 * S }, { "1478s", 1478 * S },
    { "10ns", 10 }, { "11us", 11 * US }, { "12\xc2\xb5s", 12 * US },
    { "12\xce\xbcs", 12 * US }, { "13ms", 13 * MS }, { "14s", 14 * S },
    { "15m", 15 * M }, { "16h", 16 * H }, { "0s", 0 }, { "007ms", 7 * MS }
  };
  (void)state;
  read_all(samples, COUNT(samples));
}

static void zero_needs_no_unit (void **state) {
  (void)state;
  expect_read("0", 0);
  expect_read("+0", 0);
  expect_read("-0", 0);
  expect_error("00", -EINVAL);
  expect_error("0.0", -EINVAL);
}

static void a_sign_goes_before_the_whole (void **state) {
  (void)state;
  expect_read("-5s", -5 * S);
  expect_read("+5s", 5 * S);
  expect_read("-2m3.4s", -(2 * M + 3 * S + 400 * MS));
  expect_error("1h-5m", -EINVAL);
  expect_error("--5s", -EINVAL);
}

static void a_fraction_may_lack_one_side (void **state) {
  static const struct sample samples[] = {
    { "5.0s", 5 * S }, { "5.6s", 5 * S + 600 * MS }, { "5.s", 5 * S },
    { ".5s", 500 * MS }, { "1.004s", S + 4 * MS }, { "1.00s", S },
    { "100.00100s", 100 * S + MS }, { ".5ns", 0 }, { "-.5m", -30 * S }
  };
  (void)state;
  read_all(samples, COUNT(samples));
}

static void numbers_add_up_in_any_order (void **state) {
  static const struct sample samples[] = {
    { "3h30m", 3 * H + 30 * M }, { "1m30s", 90 * S },
    { "10.5s4m", 4 * M + 10 * S + 500 * MS }, { "1s1s", 2 * S },
    { "1h2m3s4ms5us6ns", H + 2 * M + 3 * S + 4 * MS + 5 * US + 6 },
    { "39h9m14.425s", 39 * H + 9 * M + 14 * S + 425 * MS }
  };
  (void)state;
  read_all(samples, COUNT(samples));
}

static void a_fraction_is_as_precise_as_go_has_it (void **state) {
  static const struct sample samples[] = {
    { "52763797000ns", 52763797000 },
    { "0.3333333333333333333h", 20 * M },
    { "0.100000000000000000000h", 6 * M },
    { "0.9223372036854775807h", 55 * M + 20 * S + 413933267 },
    { "0.830103483285477580700h", 49 * M + 48 * S + 372539827 },
    { "0.00000000000000000000000000000000000001h", 0 }
  };
  (void)state;
  read_all(samples, COUNT(samples));
}

static void the_limits_are_those_of_64_bits (void **state) {
  static const struct sample samples[] = {
    { "9223372036854775807ns", INT64_MAX },
    { "9223372036854775.807us", INT64_MAX },
    { "9223372036s854ms775us807ns", INT64_MAX },
    { "-9223372036854775808ns", INT64_MIN },
    { "-9223372036854775.808us", INT64_MIN },
    { "-2562047h47m16.854775808s", INT64_MIN }
  };
  (void)state;
  read_all(samples, COUNT(samples));
}

static void what_does_not_fit_is_a_range_error (void **state) {
  static const char *const texts[] = {
    "9223372036854775808ns", "9223372036854775.808us",
    "9223372036854ms775us808ns", "-9223372036854775809ns", "3000000h",
    "9223372036854775.809us", "-9223372036854775.809us", "2562047.9h",
    "9223372036854775810ns", "18446744073709551616ns",
    "-9223372036854775808ns9223372036854775808ns",
    "9223372036854775808h", "1000000000000000000000000000000s"
  };
  (void)state;
  for (size_t i = 0; i < COUNT(texts); i++) expect_error(texts[i], -ERANGE);
}

static void anything_else_is_invalid (void **state) {
  static const char *const texts[] = {
    "", "3", "-", "+", "s", ".", "-.", ".s", "+.s", "1d", "5S", "1 s",
    " 1s", "1s ", "1e3s", "0x1s", "1s2", "1,5s", "1..5s", "1.5.s", "inf",
    "1\xb5s", "\x85\x85", "\xff\xff", "1\xc2s", "1sm", "3000000x"
  };
  (void)state;
  for (size_t i = 0; i < COUNT(texts); i++) expect_error(texts[i], -EINVAL);
}

/* {== reading: against float64 ==== */

static uint64_t next_random (void) {
  static uint64_t x = 88172645463325252U;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return x;
}

/* digits of a fraction, as many as Go takes of them */
static void split_fraction (const char *digits, double *value,
                            double *scale) {
  uint64_t x = 0;
  *scale = 1;
  for (; *digits != '\0'; digits++) {
    uint64_t digit = (uint64_t)(*digits - '0');
    if (x > (uint64_t)INT64_MAX / 10) break;
    if (x * 10 + digit > UINT64_C(1) << 63) break;
    x = x * 10 + digit;
    *scale *= 10;
  }
  *value = (double)x;
}

static void make_digits (char *digits, size_t zeros, size_t count) {
  for (size_t i = 0; i < zeros; i++) *digits++ = '0';
  for (size_t i = 0; i < count; i++)
    *digits++ = (char)('0' + next_random() % 10);
  *digits = '\0';
}

static void any_fraction_rounds_as_float64_does (void **state) {
  static const struct sample units[] = {
    { "ns", 1 }, { "us", US }, { "ms", MS }, { "s", S }, { "m", M },
    { "h", H }
  };
  (void)state;
  for (int i = 0; i < 300000; i++) {
    const struct sample *unit = &units[next_random() % COUNT(units)];
    char digits[64], text[80];
    double value, scale;
    make_digits(digits, next_random() % 4 == 0 ? next_random() % 25 : 0,
                1 + next_random() % 24);
    split_fraction(digits, &value, &scale);
    (void)snprintf(text, sizeof(text), ".%s%s", digits, unit->text);
    expect_read(text, (int64_t)(value * ((double)unit->ns / scale)));
  }
}

/* {== writing ==== */

static void less_than_a_second_takes_a_smaller_unit (void **state) {
  (void)state;
  expect_written(1, "1ns");
  expect_written(999, "999ns");
  expect_written(1 * US, "1\xc2\xb5s");
  expect_written(1100, "1.1\xc2\xb5s");
  expect_written(2200 * US, "2.2ms");
  expect_written(250 * MS, "250ms");
  expect_written(S - 1, "999.999999ms");
}

static void seconds_are_always_said (void **state) {
  (void)state;
  expect_written(0, "0s");
  expect_written(S, "1s");
  expect_written(1500 * MS, "1.5s");
  expect_written(90 * S, "1m30s");
  expect_written(4 * M + 5 * S + MS, "4m5.001s");
  expect_written(2 * H, "2h0m0s");
  expect_written(5 * H + 6 * M + 7 * S + 1, "5h6m7.000000001s");
  expect_written(100 * H, "100h0m0s");
}

static void a_negative_one_begins_with_its_sign (void **state) {
  (void)state;
  expect_written(-1, "-1ns");
  expect_written(-1500 * MS, "-1.5s");
  expect_written(INT64_MAX, "2562047h47m16.854775807s");
  expect_written(INT64_MIN, "-2562047h47m16.854775808s");
}

static void a_small_buffer_gets_the_beginning (void **state) {
  char buffer[8] = "#######";
  (void)state;
  pexec_duration_format(90 * S, buffer, 4);
  assert_memory_equal(buffer, "1m3\0###", 8);
  pexec_duration_format(90 * S, buffer, 0);
  assert_memory_equal(buffer, "1m3\0###", 8);
}

static void what_is_written_reads_back (void **state) {
  (void)state;
  for (int i = 0; i < 100000; i++) {
    int64_t ns = (int64_t)next_random() >> next_random() % 64;
    char buffer[32];
    pexec_duration_format(ns, buffer, sizeof(buffer));
    expect_read(buffer, ns);
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_number_and_a_unit_are_a_duration),
    cmocka_unit_test(zero_needs_no_unit),
    cmocka_unit_test(a_sign_goes_before_the_whole),
    cmocka_unit_test(a_fraction_may_lack_one_side),
    cmocka_unit_test(numbers_add_up_in_any_order),
    cmocka_unit_test(a_fraction_is_as_precise_as_go_has_it),
    cmocka_unit_test(the_limits_are_those_of_64_bits),
    cmocka_unit_test(what_does_not_fit_is_a_range_error),
    cmocka_unit_test(anything_else_is_invalid),
    cmocka_unit_test(any_fraction_rounds_as_float64_does),
    cmocka_unit_test(less_than_a_second_takes_a_smaller_unit),
    cmocka_unit_test(seconds_are_always_said),
    cmocka_unit_test(a_negative_one_begins_with_its_sign),
    cmocka_unit_test(a_small_buffer_gets_the_beginning),
    cmocka_unit_test(what_is_written_reads_back)
  };
  return cmocka_run_group_tests_name("duration", tests, NULL, NULL);
}
