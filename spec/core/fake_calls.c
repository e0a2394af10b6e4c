/* See fake_calls.h. */

#include "fake_calls.h"

#include <stdlib.h>

#define CODES_MOST 8

static const struct {
  const char *name;
  int codes[CODES_MOST];    /* up to the first 0 */
} table[FAKE_CALL_COUNT] = {
#define X(name, ...) [CALL_##name] = { #name, { __VA_ARGS__ } },
  FAKE_CALLS(X)
#undef X
};

_Static_assert(FAKE_CALL_COUNT < 64, "a set has a bit for each");

static struct {
  uint64_t calls, seen;
  int left;                 /* until it fails; 0: never */
  int code;
  bool is_lasting, has_failed;
} plan;

void fake_fail_as (uint64_t calls, int n, bool is_lasting, int code) {
  plan.calls = calls;
  plan.left = n;
  plan.is_lasting = is_lasting;
  plan.has_failed = false;
  plan.code = code;
}

void fake_fail (uint64_t calls, int n, bool is_lasting) {
  fake_fail_as(calls, n, is_lasting, 0);
}

bool fake_has_failed (void) {
  return plan.has_failed;
}

bool fake_is_failing (void) {
  return plan.has_failed && plan.left > 0;
}

static int count_codes (int call, bool is_lasting) {
  const int *codes = table[call].codes;
  int count = 0;
  while (count < CODES_MOST && codes[count] != 0 &&
         (codes[count] > 0 || !is_lasting))
    count++;
  return count;
}

static int code_of (enum fake_call call) {
  int last = count_codes(call, plan.is_lasting) - 1;
  if (plan.code < 0)
    return plan.code;
  return -abs(table[call].codes[plan.code < last ? plan.code : last]);
}

int fake_failure (enum fake_call call) {
  plan.seen |= UINT64_C(1) << call;
  if (plan.left == 0 || ((plan.calls >> call) & 1U) == 0)
    return 0;
  if (plan.left > 1 && !plan.has_failed) {
    plan.left--;
    return 0;
  }
  plan.left = plan.is_lasting ? 1 : 0;
  plan.has_failed = true;
  return code_of(call);
}

/* {== what there is ====================================================== */

uint64_t fake_calls_seen (void) {
  return plan.seen;
}

const char *fake_call_name (uint64_t calls) {
  for (int i = 0; i < FAKE_CALL_COUNT; i++)
    if (calls == UINT64_C(1) << i)
      return table[i].name;
  return "any call";
}

uint64_t fake_calls_with (int error) {
  uint64_t calls = 0;
  for (int i = 0; i < FAKE_CALL_COUNT; i++)
    for (int n = 0; n < count_codes(i, true); n++)
      if (table[i].codes[n] == -error)
        calls |= UINT64_C(1) << i;
  return calls;
}

bool fake_may_answer (uint64_t calls, int error) {
  for (int i = 0; i < FAKE_CALL_COUNT; i++)
    for (int n = 0; ((calls >> i) & 1U) != 0 && n < count_codes(i, false); n++)
      if (abs(table[i].codes[n]) == -error)
        return true;
  return false;
}

int fake_code_count (uint64_t calls, bool is_lasting) {
  int most = 0;
  for (int i = 0; i < FAKE_CALL_COUNT; i++)
    if (((calls >> i) & 1U) != 0 && count_codes(i, is_lasting) > most)
      most = count_codes(i, is_lasting);
  return most;
}

void fake_calls_reset (void) {
  plan.seen = 0;
  fake_fail(0, 0, false);
}
