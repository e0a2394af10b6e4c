/*
** Specifies what holds where calls fail from some moment on, and some time
** later do not any more: all works again then, without anybody's help; see
** faults.h. One thread.
**
** seam: fake
*/

#include "fault_plays.h"

/* FAULTS 31 */
static void all_calls_may_fail_for_a_while (void **state) {
  (void)state;
  play_all_with(FAKE_ALL_CALLS);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    FAKE_CALLS(FAULT_SPEC) LACKS(LACK_SPEC)
    cmocka_unit_test(all_calls_may_fail_for_a_while),
  };
  fault.span = FOR_A_WHILE;
  return FAULTS_RUN(tests);
}
