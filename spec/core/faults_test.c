/*
** Specifies what holds where a call fails and the next one succeeds; see
** faults.h. One thread.
**
** seam: fake
*/

#include "fault_plays.h"

static void everything_goes_well_without_a_failure (void **state) {
  (void)state;
  for (size_t i = 0; i < SCENARIO_COUNT; i++) {
    (void)calls_of(&scenarios[i]);
    assert_false(had_failed);
  }
}

/* One that none of them makes could fail nowhere. */
static void each_call_is_made_in_a_scenario (void **state) {
  uint64_t made = FAKE_CALL(rename) | FAKE_CALL(is_written_to);  /* those of
                  compression alone: logfile_faults_test.c lets them fail */
  (void)state;
  made |= fake.is_basic ? FAKE_CALL(signal_group) : FAKE_CALL(kill_group);
  for (int call = 0; call < FAKE_CALL_COUNT; call++)
    for (size_t i = 0; i < SCENARIO_COUNT; i++)
      if (makes(i, UINT64_C(1) << call))
        made |= UINT64_C(1) << call;
  for (int call = 0; call < FAKE_CALL_COUNT; call++)
    if (((made >> call) & 1U) == 0)
      fail_msg("%s is not", fake_call_name(UINT64_C(1) << call));
}

static void without_memory_there_is_no_supervisor (void **state) {
  pexec_supervisor *supervisor = (pexec_supervisor *)&fault;
  (void)state;
  fake_reset(NULL, 0);
  fake_fail(FAKE_MEMORY, 1, false);
  assert_int_equal(pexec_supervisor_new(&supervisor), -ENOMEM);
  assert_ptr_equal(supervisor, &fault);
  fake_expect_nothing_left();
}

/* FAULTS 31 */
static void any_call_may_fail_once (void **state) {
  (void)state;
  play_all_with(FAKE_ALL_CALLS);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(everything_goes_well_without_a_failure),
    cmocka_unit_test(each_call_is_made_in_a_scenario),
    cmocka_unit_test(without_memory_there_is_no_supervisor),
    FAKE_CALLS(FAULT_SPEC) LACKS(LACK_SPEC)
    cmocka_unit_test(any_call_may_fail_once),
  };
  fault.span = ONCE;
  return FAULTS_RUN(tests);
}
