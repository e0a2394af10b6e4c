/*
** Specifies what holds where calls fail from some moment on, for good; see
** faults.h. One thread.
**
** seam: fake
*/

#include "fault_plays.h"

/* FAULTS 31 */
static void all_calls_may_fail_from_any_moment_on (void **state) {
  (void)state;
  play_all_with(FAKE_ALL_CALLS);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    FAKE_CALLS(FAULT_SPEC) LACKS(LACK_SPEC)
    cmocka_unit_test(all_calls_may_fail_from_any_moment_on),
  };
  fault.span = FOR_GOOD;
  return FAULTS_RUN(tests);
}
