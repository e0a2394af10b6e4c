/*
** Specifies the words of signals. The C library is the witness for what the
** platform names. One thread.
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "pexec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void expect_read (const char *text, int signo) {
  int result = -77;
  if (pexec_signal_parse(text, &result) != 0 || result != signo)
    fail_msg("\"%s\": %d instead of %d", text, result, signo);
}

static void expect_refused (const char *text) {
  int result = -77;
  if (pexec_signal_parse(text, &result) != -EINVAL || result != -77)
    fail_msg("\"%s\" is taken as %d", text, result);
}

/* {== reading ==== */

static void a_name_is_read_with_and_without_sig_in_either_case (void **state) {
  (void)state;
  expect_read("TERM", SIGTERM);
  expect_read("SIGTERM", SIGTERM);
  expect_read("term", SIGTERM);
  expect_read("sigterm", SIGTERM);
  expect_read("SigUsr1", SIGUSR1);
}

static void every_signal_that_the_platform_names_is_read (void **state) {
  int known = 0;
  (void)state;
  for (int signo = 1; signo <= SIGRTMAX; signo++) {
    char name[32];
    if (sigabbrev_np(signo) == NULL) continue;
    known++;
    (void)snprintf(name, sizeof(name), "SIG%s", sigabbrev_np(signo));
    expect_read(name, signo);
    expect_read(name + 3, signo);
  }
  assert_true(known >= 30);
}

static void older_names_are_read (void **state) {
  (void)state;
  expect_read("IOT", SIGABRT);
  expect_read("SIGCLD", SIGCHLD);
  expect_read("poll", SIGPOLL);
  expect_read("IO", SIGIO);
}

static void realtime_signals_count_from_either_end (void **state) {
  (void)state;
  expect_read("SIGRTMIN", SIGRTMIN);
  expect_read("RTMIN+0", SIGRTMIN);
  expect_read("RTMIN+1", SIGRTMIN + 1);
  expect_read("sigrtmin+12", SIGRTMIN + 12);
  expect_read("SIGRTMAX-2", SIGRTMAX - 2);
  expect_read("rtmax", SIGRTMAX);
}

static void realtime_signals_stay_within_their_range (void **state) {
  static const char *const texts[] = {
    "RTMIN+", "RTMIN-1", "RTMAX+1", "RTMAX-", "RTMIN+31", "RTMAX-31",
    "RTMIN+1x", "RTMIN+-1", "RTMIN++1", "RTMIN+ 1", "RTMI", "RTMINX",
    "RTMIN+99999999999999999999", "RTMIN+4294967296"
  };
  (void)state;
  for (size_t i = 0; i < COUNT(texts); i++) expect_refused(texts[i]);
}

static void the_words_of_go_are_read (void **state) {
  static const struct { const char *word; int signo; } words[] = {
    { "hangup", SIGHUP }, { "interrupt", SIGINT }, { "quit", SIGQUIT },
    { "aborted", SIGABRT }, { "abort", SIGABRT }, { "killed", SIGKILL },
    { "kill", SIGKILL }, { "terminated", SIGTERM },
    { "terminate", SIGTERM }, { "Terminated", SIGTERM }
  };
  (void)state;
  for (size_t i = 0; i < COUNT(words); i++)
    expect_read(words[i].word, words[i].signo);
  expect_refused("SIGHANGUP");
}

static void a_decimal_number_is_read_where_it_has_a_name (void **state) {
  (void)state;
  for (int signo = 1; signo <= 64; signo++) {
    char text[16];
    (void)snprintf(text, sizeof(text), "%d", signo);
    if (signo < 32 || signo >= SIGRTMIN) expect_read(text, signo);
    else expect_refused(text);
  }
}

static void anything_else_is_refused (void **state) {
  static const char *const texts[] = {
    "", "0", "65", "-1", "+15", "0x10", " TERM", "TERM ", "15x", "x15",
    " 15", "15 ", "1.5", "SIG", "SIG15", "SIGSIGTERM", "TERMINAL", "TER",
    "-15", "32", "33", "4294967311", "18446744073709551631",
    "T\xc4\xb1RM", "NULL", "STOPPED"
  };
  (void)state;
  for (size_t i = 0; i < COUNT(texts); i++) expect_refused(texts[i]);
}

/* {== naming ==== */

static void a_signal_is_named_in_full (void **state) {
  (void)state;
  assert_string_equal(pexec_signal_name(SIGTERM), "SIGTERM");
  assert_string_equal(pexec_signal_name(SIGABRT), "SIGABRT");
  assert_string_equal(pexec_signal_name(SIGCHLD), "SIGCHLD");
  assert_string_equal(pexec_signal_name(SIGIO), "SIGIO");
  assert_string_equal(pexec_signal_name(SIGRTMIN), "SIGRTMIN");
  assert_string_equal(pexec_signal_name(SIGRTMIN + 3), "SIGRTMIN+3");
  assert_string_equal(pexec_signal_name(SIGRTMAX - 1), "SIGRTMIN+29");
  assert_string_equal(pexec_signal_name(SIGRTMAX), "SIGRTMAX");
}

static void a_signal_without_a_name_has_none (void **state) {
  static const int numbers[] = { 0, -1, 32, 33, 65, INT_MAX, INT_MIN };
  (void)state;
  for (size_t i = 0; i < COUNT(numbers); i++)
    assert_null(pexec_signal_name(numbers[i]));
}

static void every_name_reads_back (void **state) {
  int known = 0;
  (void)state;
  for (int signo = -100; signo <= 200; signo++) {
    const char *name = pexec_signal_name(signo);
    if (name == NULL) continue;
    known++;
    expect_read(name, signo);
  }
  assert_int_equal(known, 31 + SIGRTMAX - SIGRTMIN + 1);
}

/* {== describing ==== */

static void a_signal_reads_as_go_says_it (void **state) {
  static const char *const texts[] = {
    "hangup", "interrupt", "quit", "illegal instruction",
    "trace/breakpoint trap", "aborted", "bus error",
    "floating point exception", "killed", "user defined signal 1",
    "segmentation fault", "user defined signal 2", "broken pipe",
    "alarm clock", "terminated"
  };
  (void)state;
  for (size_t i = 0; i < COUNT(texts); i++)
    assert_string_equal(pexec_signal_text((int)i + 1), texts[i]);
}

static void other_texts_are_the_c_librarys_begun_small (void **state) {
  (void)state;
  for (int signo = 1; signo < 32; signo++) {
    char text[64];
    assert_non_null(sigdescr_np(signo));
    (void)snprintf(text, sizeof(text), "%s", sigdescr_np(signo));
    if (islower((unsigned char)text[1]))
      text[0] = (char)tolower((unsigned char)text[0]);
    assert_string_equal(pexec_signal_text(signo), text);
  }
}

static void a_signal_without_words_reads_as_its_number (void **state) {
  (void)state;
  for (int signo = 32; signo <= 64; signo++) {
    char text[32];
    (void)snprintf(text, sizeof(text), "signal %d", signo);
    assert_string_equal(pexec_signal_text(signo), text);
  }
  assert_string_equal(pexec_signal_text(0), "signal 0");
}

static void no_number_is_without_a_text (void **state) {
  static const int numbers[] = { -1, 65, INT_MAX, INT_MIN };
  (void)state;
  for (size_t i = 0; i < COUNT(numbers); i++)
    assert_string_equal(pexec_signal_text(numbers[i]), "unknown signal");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_name_is_read_with_and_without_sig_in_either_case),
    cmocka_unit_test(every_signal_that_the_platform_names_is_read),
    cmocka_unit_test(older_names_are_read),
    cmocka_unit_test(realtime_signals_count_from_either_end),
    cmocka_unit_test(realtime_signals_stay_within_their_range),
    cmocka_unit_test(the_words_of_go_are_read),
    cmocka_unit_test(a_decimal_number_is_read_where_it_has_a_name),
    cmocka_unit_test(anything_else_is_refused),
    cmocka_unit_test(a_signal_is_named_in_full),
    cmocka_unit_test(a_signal_without_a_name_has_none),
    cmocka_unit_test(every_name_reads_back),
    cmocka_unit_test(a_signal_reads_as_go_says_it),
    cmocka_unit_test(other_texts_are_the_c_librarys_begun_small),
    cmocka_unit_test(a_signal_without_words_reads_as_its_number),
    cmocka_unit_test(no_number_is_without_a_text)
  };
  return cmocka_run_group_tests_name("signal names", tests, NULL, NULL);
}
