/*
** Specifies the words of errors. The C library is the witness for the
** system's; include/pexec.h holds the list of pexec's own. One thread.
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "pexec.h"

static void a_system_error_is_named_as_its_errno (void **state) {
  (void)state;
  assert_string_equal(pexec_error_name(-ENOENT), "ENOENT");
  assert_string_equal(pexec_error_name(-EACCES), "EACCES");
  assert_string_equal(pexec_error_name(-ETXTBSY), "ETXTBSY");
}

static void a_system_error_reads_in_lower_case (void **state) {
  (void)state;
  assert_string_equal(pexec_error_text(-ENOENT), "no such file or directory");
  assert_string_equal(pexec_error_text(-EACCES), "permission denied");
  assert_string_equal(pexec_error_text(-ETXTBSY), "text file busy");
}

static void an_acronym_keeps_its_capitals (void **state) {
  (void)state;
  assert_string_equal(pexec_error_text(-EDOTDOT), "RFS specific error");
  assert_string_equal(pexec_error_text(-ENOCSI),
                      "no CSI structure available");
}

static void every_system_error_is_the_c_librarys (void **state) {
  int known = 0;
  (void)state;
  for (int number = 1; number < 4096; number++) {
    const char *name = strerrorname_np(number);
    char text[128];
    if (name == NULL) {
      assert_string_equal(pexec_error_name(-number), "UNKNOWN");
      continue;
    }
    known++;
    (void)snprintf(text, sizeof(text), "%s", strerrordesc_np(number));
    if (islower((unsigned char)text[1]))
      text[0] = (char)tolower((unsigned char)text[0]);
    assert_string_equal(pexec_error_name(-number), name);
    assert_string_equal(pexec_error_text(-number), text);
  }
  assert_true(known > 100);
}

static void an_error_of_pexec_has_the_words_of_its_list (void **state) {
  (void)state;
  assert_string_equal(pexec_error_name(PEXEC_EALREADY_STOPPED),
                      "ALREADY_STOPPED");
  assert_string_equal(pexec_error_text(PEXEC_EALREADY_STOPPED),
                      "already stopped");
#define X(name, number, text) \
  assert_string_equal(pexec_error_name(number), #name); \
  assert_string_equal(pexec_error_text(number), text);
  PEXEC_ERRORS(X)
#undef X
}

static void no_error_is_success (void **state) {
  (void)state;
  assert_string_equal(pexec_error_name(PEXEC_OK), "OK");
  assert_string_equal(pexec_error_text(PEXEC_OK), "success");
}

static void any_other_number_is_unknown (void **state) {
  static const int numbers[] = {
    ENOENT, -41, -58, -134, -4095, -5000, -5100, 5001, INT_MAX, INT_MIN
  };
  (void)state;
  for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
    assert_string_equal(pexec_error_name(numbers[i]), "UNKNOWN");
    assert_string_equal(pexec_error_text(numbers[i]), "unknown error");
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_system_error_is_named_as_its_errno),
    cmocka_unit_test(a_system_error_reads_in_lower_case),
    cmocka_unit_test(an_acronym_keeps_its_capitals),
    cmocka_unit_test(every_system_error_is_the_c_librarys),
    cmocka_unit_test(an_error_of_pexec_has_the_words_of_its_list),
    cmocka_unit_test(no_error_is_success),
    cmocka_unit_test(any_other_number_is_unknown)
  };
  return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
