/*
** Specifies the life of one process: the table of machine.c, told a second
** time and in another form, and what has to hold whichever way it is walked.
** One thread.
**
** seam: own machine.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "machine.h"

#define WALK 100000

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ALL(CELL) for (int phase = 0; phase < PEXEC__PHASE_COUNT; phase++) \
  for (int event = 0; event < PEXEC__EVENT_COUNT; event++) CELL

struct row {
  enum pexec__phase phase;
  enum pexec__event event;
  enum pexec__action action;
  enum pexec__phase next;
};

#define ROW(phase, event, action, next) \
  { PEXEC__##phase, PEXEC__ON_##event, PEXEC__DO_##action, PEXEC__##next }

/* Everything that happens. */
static const struct row rows[] = {
  /* a start */
  ROW(IDLE, START, PREPARE, PREPARING),
  ROW(EXITED, START, PREPARE, PREPARING),
  ROW(FAILED, START, PREPARE, PREPARING),
  ROW(PREPARING, READY, SPAWN, STARTING),
  ROW(PREPARING, DUE, GO_ON, PREPARING),
  ROW(PREPARING, VETO, REFUSE, IDLE),
  ROW(PREPARING, REVETO, END, EXITED),
  ROW(PREPARING, SPAWN_FAILED, REFUSE, IDLE),
  ROW(PREPARING, CANCEL, CUT_SHORT, IDLE),
  ROW(STARTING, SPAWNED, ANNOUNCE, RUNNING),
  ROW(STARTING, SPAWN_FAILED, REFUSE, IDLE),
  /* a death that nobody ordered, and what the host says to it */
  ROW(RUNNING, DIED, CLEAR, CLEARING),
  ROW(RUNNING, ASKED, ASK, DECIDING),
  ROW(DECIDING, YES, CLEAR, CLEARING),
  ROW(DECIDING, NO, CLEAR, ENDING),
  ROW(DECIDING, DUE, OVERRULE, DECIDING),
  ROW(RUNNING, OVER, CLEAR, ENDING),
  /* one restart too many */
  ROW(RUNNING, SPENT, CLEAR, FAILING),
  ROW(DECIDING, SPENT, CLEAR, FAILING),
  ROW(STARTING, SPENT, GIVE_UP, FAILED),
  ROW(PREPARING, SPENT, GIVE_UP, FAILED),
  ROW(FAILING, CLEARED, GIVE_UP, FAILED),
  /* a restart */
  ROW(CLEARING, CLEARED, DELAY, BACKOFF),
  ROW(BACKOFF, DUE, PREPARE, PREPARING),
  ROW(STARTING, RESPAWN_FAILED, RETRY, BACKOFF),
  ROW(PREPARING, RESPAWN_FAILED, RETRY, BACKOFF),
  /* an end without a stop */
  ROW(ENDING, CLEARED, END, EXITED),
  ROW(RUNNING, FINISHED, END, EXITED),
  /* a one-shot that is cancelled, or whose time is over */
  ROW(STARTING, CANCEL, CUT_START, STARTING),
  ROW(STARTING, DUE, CUT_START, STARTING),
  ROW(RUNNING, CANCEL, KILL_GROUP, RUNNING),
  ROW(RUNNING, DUE, KILL_GROUP, RUNNING),
  ROW(RUNNING, CUT, CLEAR, ENDING),
  /* a restart that is ordered */
  ROW(RUNNING, RESTART, BEGIN_STOP, CYCLING),
  ROW(DECIDING, RESTART, BEGIN_STOP, CYCLING),
  ROW(CLEARING, RESTART, BEGIN_KILL, CYCLING),
  ROW(ENDING, RESTART, BEGIN_KILL, CYCLING),
  ROW(FAILING, RESTART, BEGIN_KILL, CYCLING),
  ROW(BACKOFF, RESTART, RENEW, PREPARING),
  ROW(CYCLING, LEFT, NOTE_LEFT, CYCLING),
  ROW(CYCLING, DUE, NEXT_STAGE, CYCLING),
  ROW(CYCLING, RESTART, JOIN_STOP, CYCLING),
  ROW(CYCLING, CLEARED, RENEW, PREPARING),
  ROW(CYCLING, STOP, JOIN_STOP, STOPPING),
  ROW(CYCLING, KILL, BEGIN_KILL, STOPPING),
  ROW(IDLE, RESTART, DENY, IDLE),
  ROW(STOPPED, RESTART, DENY, STOPPED),
  ROW(EXITED, RESTART, DENY, EXITED),
  ROW(FAILED, RESTART, DENY, FAILED),
  /* a stop before a child is made, and while it is */
  ROW(PREPARING, STOP, ABANDON, STOPPED),
  ROW(PREPARING, KILL, ABANDON, STOPPED),
  ROW(STARTING, STOP, HALT, HALTING),
  ROW(STARTING, KILL, HALT_NOW, HALTING),
  ROW(HALTING, KILL, HALT_NOW, HALTING),
  ROW(HALTING, DUE, HALT_NOW, HALTING),
  ROW(HALTING, SPAWNED, BEGIN_STOP, STOPPING),
  ROW(HALTING, SPAWN_FAILED, ABANDON, STOPPED),
  ROW(HALTING, RESPAWN_FAILED, ABANDON, STOPPED),
  /* a stop while there is something to signal */
  ROW(RUNNING, STOP, BEGIN_STOP, STOPPING),
  ROW(RUNNING, KILL, BEGIN_KILL, STOPPING),
  ROW(DECIDING, STOP, BEGIN_STOP, STOPPING),
  ROW(DECIDING, KILL, BEGIN_KILL, STOPPING),
  ROW(CLEARING, STOP, BEGIN_KILL, STOPPING),
  ROW(CLEARING, KILL, BEGIN_KILL, STOPPING),
  ROW(ENDING, STOP, BEGIN_KILL, STOPPING),
  ROW(ENDING, KILL, BEGIN_KILL, STOPPING),
  ROW(FAILING, STOP, BEGIN_KILL, STOPPING),
  ROW(FAILING, KILL, BEGIN_KILL, STOPPING),
  /* its stages */
  ROW(STOPPING, DUE, NEXT_STAGE, STOPPING),
  ROW(STOPPING, LEFT, NOTE_LEFT, STOPPING),
  ROW(STOPPING, STOP, JOIN_STOP, STOPPING),
  ROW(STOPPING, KILL, BEGIN_KILL, STOPPING),
  ROW(STOPPING, CLEARED, END_STOP, STOPPED),
  /* a stop where nothing runs: done at once, and answered each time */
  ROW(IDLE, STOP, END_STOP, STOPPED),
  ROW(IDLE, KILL, END_STOP, STOPPED),
  ROW(BACKOFF, STOP, END_STOP, STOPPED),
  ROW(BACKOFF, KILL, END_STOP, STOPPED),
  ROW(EXITED, STOP, END_STOP, STOPPED),
  ROW(EXITED, KILL, END_STOP, STOPPED),
  ROW(FAILED, STOP, END_STOP, STOPPED),
  ROW(FAILED, KILL, END_STOP, STOPPED),
  ROW(STOPPED, STOP, END_STOP, STOPPED),
};

struct list {
  enum pexec__phase phase;
  unsigned events;         /* one bit for each */
};

#define E(event) (1U << PEXEC__ON_##event)
#define SPAWNER (E(SPAWNED) | E(SPAWN_FAILED) | E(RESPAWN_FAILED))
#define DEATH (E(ASKED) | E(DIED) | E(OVER) | E(FINISHED) | E(CUT))
#define VERDICTS (E(YES) | E(NO))
#define HOOKS (E(READY) | E(VETO) | E(REVETO))
#define ANSWERS (VERDICTS | HOOKS)

/* Orders of the host that come too late, or when there is nothing to do. */
static const struct list ignored[] = {
  { PEXEC__IDLE, ANSWERS | E(CANCEL) },
  { PEXEC__PREPARING, VERDICTS | E(RESTART) },
  { PEXEC__STARTING, ANSWERS | E(RESTART) },
  { PEXEC__HALTING, ANSWERS | E(CANCEL) | E(RESTART) | E(STOP) },
  { PEXEC__RUNNING, ANSWERS },
  { PEXEC__DECIDING, HOOKS | E(CANCEL) },
  { PEXEC__CLEARING, ANSWERS | E(CANCEL) },
  { PEXEC__BACKOFF, ANSWERS | E(CANCEL) },
  { PEXEC__ENDING, ANSWERS | E(CANCEL) },
  { PEXEC__FAILING, ANSWERS | E(CANCEL) },
  { PEXEC__STOPPING, ANSWERS | E(CANCEL) | E(RESTART) },
  { PEXEC__CYCLING, ANSWERS | E(CANCEL) },
  { PEXEC__STOPPED, ANSWERS | E(CANCEL) | E(KILL) },
  { PEXEC__EXITED, ANSWERS | E(CANCEL) },
  { PEXEC__FAILED, ANSWERS | E(CANCEL) },
};

#define AT_REST \
  (SPAWNER | DEATH | E(SPENT) | E(LEFT) | E(CLEARED) | E(DUE))

/* What would be a bug of the core. */
static const struct list never[] = {
  { PEXEC__IDLE, AT_REST },
  { PEXEC__PREPARING,
    E(START) | E(SPAWNED) | DEATH | E(LEFT) | E(CLEARED) },
  { PEXEC__STARTING, E(START) | DEATH | E(LEFT) | E(CLEARED) },
  { PEXEC__HALTING, E(START) | DEATH | E(SPENT) | E(LEFT) | E(CLEARED) },
  { PEXEC__RUNNING, E(START) | SPAWNER | E(LEFT) | E(CLEARED) },
  { PEXEC__DECIDING, E(START) | SPAWNER | DEATH | E(LEFT) | E(CLEARED) },
  { PEXEC__CLEARING,
    E(START) | SPAWNER | DEATH | E(SPENT) | E(LEFT) | E(DUE) },
  { PEXEC__BACKOFF,
    E(START) | SPAWNER | DEATH | E(SPENT) | E(LEFT) | E(CLEARED) },
  { PEXEC__ENDING,
    E(START) | SPAWNER | DEATH | E(SPENT) | E(LEFT) | E(DUE) },
  { PEXEC__FAILING,
    E(START) | SPAWNER | DEATH | E(SPENT) | E(LEFT) | E(DUE) },
  { PEXEC__STOPPING, E(START) | SPAWNER | DEATH | E(SPENT) },
  { PEXEC__CYCLING, E(START) | SPAWNER | DEATH | E(SPENT) },
  { PEXEC__STOPPED, E(START) | AT_REST },
  { PEXEC__EXITED, AT_REST },
  { PEXEC__FAILED, AT_REST },
};

static struct pexec__step step (int phase, int event) {
  return pexec__machine_step((enum pexec__phase)phase,
                             (enum pexec__event)event);
}

static const char *event_name (int event) {
  return pexec__event_name((enum pexec__event)event);
}

static const char *phase_name (int phase) {
  return pexec__phase_name((enum pexec__phase)phase);
}

static bool is_listed (const struct list *lists, int phase, int event) {
  for (int i = 0; i < PEXEC__PHASE_COUNT; i++)
    if ((int)lists[i].phase == phase)
      return (lists[i].events >> event) & 1U;
  return false;
}

static const struct row *find_row (int phase, int event) {
  for (size_t i = 0; i < COUNT(rows); i++)
    if ((int)rows[i].phase == phase && (int)rows[i].event == event)
      return &rows[i];
  return NULL;
}

/* {== the cells ==== */

static void expect_written (int phase, int event) {
  if (step(phase, event).action == PEXEC__DO_HOLE)
    fail_msg("%s has no cell for %s", phase_name(phase), event_name(event));
}

static void no_state_has_a_hole (void **state) {
  (void)state;
  ALL(expect_written(phase, event);)
}

static void expect_cell (int phase, int event, int action, int next) {
  struct pexec__step found = step(phase, event);
  if (found.action != action || found.next != next)
    fail_msg("%s on %s: action %d, next %s", phase_name(phase),
             event_name(event), found.action, phase_name(found.next));
}

static void each_event_does_what_is_written_here (void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++)
    expect_cell(rows[i].phase, rows[i].event, rows[i].action, rows[i].next);
}

static void expect_list (const struct list *lists, int action) {
  ALL(if (is_listed(lists, phase, event))
        expect_cell(phase, event, action, phase);)
}

static void what_comes_too_late_changes_nothing (void **state) {
  (void)state;
  expect_list(ignored, PEXEC__DO_IGNORE);
}

static void what_cannot_come_changes_nothing (void **state) {
  (void)state;
  expect_list(never, PEXEC__DO_NEVER);
}

static void count_tellings (int phase, int event) {
  int tellings = (find_row(phase, event) != NULL) +
                 is_listed(ignored, phase, event) +
                 is_listed(never, phase, event);
  if (tellings != 1)
    fail_msg("%s on %s is told here %d times", phase_name(phase),
             event_name(event), tellings);
}

static void each_cell_is_told_here_exactly_once (void **state) {
  (void)state;
  ALL(count_tellings(phase, event);)
}

/* {== what holds on every way through it ==== */

static bool can_come (int phase, int event) {
  return step(phase, event).action != PEXEC__DO_NEVER;
}

/* The phases that can follow 'from', which is among them. */
static unsigned reachable_from (unsigned from) {
  unsigned seen = from, before = 0;
  while (seen != before) {
    before = seen;
    ALL(if (((seen >> phase) & 1U) && can_come(phase, event))
          seen |= 1U << step(phase, event).next;)
  }
  return seen;
}

#define P(phase) (1U << PEXEC__##phase)

static void after_a_stop_nothing_is_ever_started (void **state) {
  (void)state;
  for (int phase = 0; phase < PEXEC__PHASE_COUNT; phase++) {
    unsigned stopped = 1U << step(phase, PEXEC__ON_STOP).next;
    unsigned killed = 1U << step(phase, PEXEC__ON_KILL).next;
    unsigned seen = reachable_from(stopped | killed);
    if (seen & ~(P(HALTING) | P(STOPPING) | P(STOPPED)))
      fail_msg("a stop in %s is not final", phase_name(phase));
  }
}

static void a_stop_can_come_in_every_state (void **state) {
  (void)state;
  for (int phase = 0; phase < PEXEC__PHASE_COUNT; phase++)
    if (!can_come(phase, PEXEC__ON_STOP) || !can_come(phase, PEXEC__ON_KILL))
      fail_msg("no stop in %s", phase_name(phase));
}

static void every_state_is_reached_and_can_be_left_for_the_end (void **state) {
  (void)state;
  assert_int_equal(reachable_from(P(IDLE)), (1U << PEXEC__PHASE_COUNT) - 1);
  for (int phase = 0; phase < PEXEC__PHASE_COUNT; phase++)
    assert_true(reachable_from(1U << phase) & P(STOPPED));
}

static bool is_end (int action) {
  return action == PEXEC__DO_END || action == PEXEC__DO_END_STOP ||
         action == PEXEC__DO_REFUSE || action == PEXEC__DO_ABANDON ||
         action == PEXEC__DO_CUT_SHORT || action == PEXEC__DO_GIVE_UP;
}

static bool is_rest (int phase) {
  return phase == PEXEC__IDLE || phase == PEXEC__EXITED ||
         phase == PEXEC__STOPPED || phase == PEXEC__FAILED;
}

static void expect_rest_to_be_told (int phase, int event) {
  struct pexec__step found = step(phase, event);
  bool rests = is_rest(found.next) && !is_rest(phase);
  if (rests && !is_end(found.action))
    fail_msg("%s comes to rest in silence on %s", phase_name(phase),
             event_name(event));
  if (is_end(found.action) && !is_rest(found.next))
    fail_msg("%s tells of an end on %s, and goes on", phase_name(phase),
             event_name(event));
}

static void what_comes_to_rest_says_so (void **state) {
  (void)state;
  ALL(expect_rest_to_be_told(phase, event);)
}

static void a_child_is_ordered_only_where_there_is_none (void **state) {
  (void)state;
  ALL(if (step(phase, event).action == PEXEC__DO_SPAWN) {
    assert_int_equal(phase, PEXEC__PREPARING);
    assert_int_equal(step(phase, event).next, PEXEC__STARTING);
  })
}

/* Which is so in PREPARING, too. */
static void one_is_prepared_only_where_there_is_none (void **state) {
  (void)state;
  ALL(if (step(phase, event).next == PEXEC__PREPARING &&
          phase != PEXEC__PREPARING)
    assert_true(is_rest(phase) || phase == PEXEC__BACKOFF ||
                (phase == PEXEC__CYCLING && event == PEXEC__ON_CLEARED));)
}

static uint64_t draw (uint64_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  *seed ^= *seed << 17;
  return *seed;
}

static int possible_event (int phase, uint64_t *seed) {
  int event;
  do
    event = (int)(draw(seed) % PEXEC__EVENT_COUNT);
  while (!can_come(phase, event));
  return event;
}

/* Whenever a stop ends it, it begins anew. */
static void a_long_random_walk_meets_no_hole (void **state) {
  unsigned phases = 0, actions = 0;
  uint64_t seed = 88172645463325252;
  int phase = PEXEC__IDLE, stopped_for = 0;
  (void)state;
  for (int i = 0; i < WALK; i++) {
    struct pexec__step found = step(phase, possible_event(phase, &seed));
    assert_int_not_equal(found.action, PEXEC__DO_HOLE);
    if (phase == PEXEC__STOPPED)
      assert_int_equal(found.next, PEXEC__STOPPED);
    phases |= 1U << found.next;
    actions |= 1U << found.action;
    stopped_for = found.next == PEXEC__STOPPED ? stopped_for + 1 : 0;
    phase = stopped_for > 20 ? PEXEC__IDLE : found.next;
  }
  assert_int_equal(phases, (1U << PEXEC__PHASE_COUNT) - 1);
  assert_int_equal(actions, ((1U << PEXEC__ACTION_COUNT) - 1) &
                   ~(1U << PEXEC__DO_HOLE | 1U << PEXEC__DO_NEVER));
}

/* {== names ==== */

static void states_have_the_names_that_people_see (void **state) {
  static const char *const seen[PEXEC__PHASE_COUNT] = {
    [PEXEC__IDLE] = "idle", [PEXEC__STARTING] = "starting",
    [PEXEC__HALTING] = "stopping", [PEXEC__RUNNING] = "running",
    [PEXEC__DECIDING] = "deciding", [PEXEC__CLEARING] = "backoff",
    [PEXEC__BACKOFF] = "backoff", [PEXEC__ENDING] = "stopping",
    [PEXEC__STOPPING] = "stopping", [PEXEC__STOPPED] = "stopped",
    [PEXEC__EXITED] = "exited", [PEXEC__PREPARING] = "starting",
    [PEXEC__FAILING] = "stopping", [PEXEC__CYCLING] = "stopping",
    [PEXEC__FAILED] = "failed",
  };
  (void)state;
  for (int i = 0; i < PEXEC__PHASE_COUNT; i++) {
    enum pexec_state outside = pexec__phase_state((enum pexec__phase)i);
    assert_string_equal(pexec_state_name(outside), seen[i]);
  }
}

static void an_unknown_state_or_stage_has_a_name_too (void **state) {
  (void)state;
  assert_string_equal(pexec_state_name(PEXEC_STATE_COUNT), "unknown");
  assert_string_equal(pexec_state_name((enum pexec_state)-1), "unknown");
  assert_string_equal(pexec_stage_name(PEXEC_STAGE_COUNT), "unknown");
  assert_string_equal(pexec_stage_name((enum pexec_stage)-1), "unknown");
}

static void stages_have_the_names_of_the_manual (void **state) {
  (void)state;
  assert_string_equal(pexec_stage_name(PEXEC_STAGE_NONE), "none");
  assert_string_equal(pexec_stage_name(PEXEC_STAGE_PROCESS), "process");
  assert_string_equal(pexec_stage_name(PEXEC_STAGE_GROUP), "group");
  assert_string_equal(pexec_stage_name(PEXEC_STAGE_KILL), "kill");
  assert_string_equal(pexec_stage_name(PEXEC_STAGE_RUN), "run");
  assert_string_equal(pexec_stage_name(PEXEC_STAGE_CALL), "call");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(no_state_has_a_hole),
    cmocka_unit_test(each_event_does_what_is_written_here),
    cmocka_unit_test(what_comes_too_late_changes_nothing),
    cmocka_unit_test(what_cannot_come_changes_nothing),
    cmocka_unit_test(each_cell_is_told_here_exactly_once),
    cmocka_unit_test(after_a_stop_nothing_is_ever_started),
    cmocka_unit_test(a_stop_can_come_in_every_state),
    cmocka_unit_test(every_state_is_reached_and_can_be_left_for_the_end),
    cmocka_unit_test(what_comes_to_rest_says_so),
    cmocka_unit_test(a_child_is_ordered_only_where_there_is_none),
    cmocka_unit_test(one_is_prepared_only_where_there_is_none),
    cmocka_unit_test(a_long_random_walk_meets_no_hole),
    cmocka_unit_test(states_have_the_names_that_people_see),
    cmocka_unit_test(an_unknown_state_or_stage_has_a_name_too),
    cmocka_unit_test(stages_have_the_names_of_the_manual),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
