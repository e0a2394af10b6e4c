/* See machine.h. Any thread: everything here is constant. */

#include "machine.h"

#define ON(event, do_, next) \
  [PEXEC__ON_##event] = { PEXEC__DO_##do_, PEXEC__##next }

/* Answers of the host that come too late, or that nobody has asked for. */
#define LATE(phase) \
  ON(YES, IGNORE, phase), ON(NO, IGNORE, phase), ON(READY, IGNORE, phase), \
  ON(VETO, IGNORE, phase), ON(REVETO, IGNORE, phase)
/* The same, of what can be cancelled. */
#define PAST(phase) LATE(phase), ON(CANCEL, IGNORE, phase)
/* What only the spawner sends. */
#define NO_SPAWN(phase) \
  ON(SPAWNED, NEVER, phase), ON(SPAWN_FAILED, NEVER, phase), \
  ON(RESPAWN_FAILED, NEVER, phase)
/* What only a child that lives brings. */
#define NO_DEATH(phase) \
  ON(ASKED, NEVER, phase), ON(DIED, NEVER, phase), ON(OVER, NEVER, phase), \
  ON(FINISHED, NEVER, phase), ON(CUT, NEVER, phase)
#define NO_CHILD(phase) \
  NO_DEATH(phase), ON(SPENT, NEVER, phase), ON(LEFT, NEVER, phase)
/* Nothing of it is managed. */
#define AT_REST(phase) \
  NO_SPAWN(phase), NO_CHILD(phase), PAST(phase), ON(RESTART, DENY, phase), \
  ON(CLEARED, NEVER, phase), ON(DUE, NEVER, phase)
/* Nothing runs: a stop has only to be told of. */
#define STOPS_AT_ONCE \
  ON(STOP, END_STOP, STOPPED), ON(KILL, END_STOP, STOPPED)
/* Others are being killed already. */
#define STOPS_BY_KILLING \
  ON(STOP, BEGIN_KILL, STOPPING), ON(KILL, BEGIN_KILL, STOPPING), \
  ON(RESTART, BEGIN_KILL, CYCLING)
#define STOPS \
  ON(STOP, BEGIN_STOP, STOPPING), ON(KILL, BEGIN_KILL, STOPPING), \
  ON(RESTART, BEGIN_STOP, CYCLING)

/* ORDER STATE */
static const struct pexec__step
    table[PEXEC__PHASE_COUNT][PEXEC__EVENT_COUNT] = {
  [PEXEC__IDLE] = {
    ON(START, PREPARE, PREPARING), AT_REST(IDLE), STOPS_AT_ONCE,
  },
  [PEXEC__PREPARING] = {
    ON(START, NEVER, PREPARING), NO_DEATH(PREPARING),
    ON(READY, SPAWN, STARTING), ON(VETO, REFUSE, IDLE),
    ON(REVETO, END, EXITED),
    ON(SPAWNED, NEVER, PREPARING), ON(SPAWN_FAILED, REFUSE, IDLE),
    ON(RESPAWN_FAILED, RETRY, BACKOFF), ON(SPENT, GIVE_UP, FAILED),
    ON(YES, IGNORE, PREPARING), ON(NO, IGNORE, PREPARING),
    ON(LEFT, NEVER, PREPARING),
    ON(CLEARED, NEVER, PREPARING), ON(DUE, GO_ON, PREPARING),
    ON(CANCEL, CUT_SHORT, IDLE), ON(RESTART, IGNORE, PREPARING),
    ON(STOP, ABANDON, STOPPED), ON(KILL, ABANDON, STOPPED),
  },
  [PEXEC__STARTING] = {
    ON(START, NEVER, STARTING), NO_DEATH(STARTING), LATE(STARTING),
    ON(SPAWNED, ANNOUNCE, RUNNING), ON(SPAWN_FAILED, REFUSE, IDLE),
    ON(RESPAWN_FAILED, RETRY, BACKOFF), ON(SPENT, GIVE_UP, FAILED),
    ON(CANCEL, CUT_START, STARTING), ON(LEFT, NEVER, STARTING),
    ON(CLEARED, NEVER, STARTING), ON(DUE, CUT_START, STARTING),
    ON(RESTART, IGNORE, STARTING),
    ON(STOP, HALT, HALTING), ON(KILL, HALT_NOW, HALTING),
  },
  [PEXEC__HALTING] = {
    ON(START, NEVER, HALTING), NO_CHILD(HALTING), PAST(HALTING),
    ON(SPAWNED, BEGIN_STOP, STOPPING), ON(SPAWN_FAILED, ABANDON, STOPPED),
    ON(RESPAWN_FAILED, ABANDON, STOPPED),
    ON(CLEARED, NEVER, HALTING), ON(DUE, HALT_NOW, HALTING),
    ON(RESTART, IGNORE, HALTING),
    ON(STOP, IGNORE, HALTING), ON(KILL, HALT_NOW, HALTING),
  },
  [PEXEC__RUNNING] = {
    ON(START, NEVER, RUNNING), NO_SPAWN(RUNNING), LATE(RUNNING),
    ON(ASKED, ASK, DECIDING), ON(DIED, CLEAR, CLEARING),
    ON(OVER, CLEAR, ENDING), ON(SPENT, CLEAR, FAILING),
    ON(FINISHED, END, EXITED), ON(CUT, CLEAR, ENDING),
    ON(LEFT, NEVER, RUNNING),
    ON(CLEARED, NEVER, RUNNING), ON(DUE, KILL_GROUP, RUNNING),
    ON(CANCEL, KILL_GROUP, RUNNING), STOPS,
  },
  [PEXEC__DECIDING] = {
    ON(START, NEVER, DECIDING), NO_SPAWN(DECIDING), NO_DEATH(DECIDING),
    ON(YES, CLEAR, CLEARING), ON(NO, CLEAR, ENDING),
    ON(SPENT, CLEAR, FAILING), ON(LEFT, NEVER, DECIDING),
    ON(READY, IGNORE, DECIDING), ON(VETO, IGNORE, DECIDING),
    ON(REVETO, IGNORE, DECIDING),
    ON(CLEARED, NEVER, DECIDING), ON(DUE, OVERRULE, DECIDING),
    ON(CANCEL, IGNORE, DECIDING), STOPS,
  },
  [PEXEC__CLEARING] = {
    ON(START, NEVER, CLEARING), NO_SPAWN(CLEARING), NO_CHILD(CLEARING),
    PAST(CLEARING),
    ON(CLEARED, DELAY, BACKOFF), ON(DUE, NEVER, CLEARING),
    STOPS_BY_KILLING,
  },
  [PEXEC__BACKOFF] = {
    ON(START, NEVER, BACKOFF), NO_SPAWN(BACKOFF), NO_CHILD(BACKOFF),
    PAST(BACKOFF),
    ON(CLEARED, NEVER, BACKOFF), ON(DUE, PREPARE, PREPARING),
    ON(RESTART, RENEW, PREPARING), STOPS_AT_ONCE,
  },
  [PEXEC__ENDING] = {
    ON(START, NEVER, ENDING), NO_SPAWN(ENDING), NO_CHILD(ENDING),
    PAST(ENDING),
    ON(CLEARED, END, EXITED), ON(DUE, NEVER, ENDING), STOPS_BY_KILLING,
  },
  [PEXEC__FAILING] = {
    ON(START, NEVER, FAILING), NO_SPAWN(FAILING), NO_CHILD(FAILING),
    PAST(FAILING),
    ON(CLEARED, GIVE_UP, FAILED), ON(DUE, NEVER, FAILING), STOPS_BY_KILLING,
  },
  [PEXEC__STOPPING] = {
    ON(START, NEVER, STOPPING), NO_SPAWN(STOPPING), PAST(STOPPING),
    NO_DEATH(STOPPING), ON(SPENT, NEVER, STOPPING),
    ON(LEFT, NOTE_LEFT, STOPPING),
    ON(CLEARED, END_STOP, STOPPED), ON(DUE, NEXT_STAGE, STOPPING),
    ON(RESTART, IGNORE, STOPPING),
    ON(STOP, JOIN_STOP, STOPPING), ON(KILL, BEGIN_KILL, STOPPING),
  },
  [PEXEC__CYCLING] = {
    ON(START, NEVER, CYCLING), NO_SPAWN(CYCLING), PAST(CYCLING),
    NO_DEATH(CYCLING), ON(SPENT, NEVER, CYCLING),
    ON(LEFT, NOTE_LEFT, CYCLING),
    ON(CLEARED, RENEW, PREPARING), ON(DUE, NEXT_STAGE, CYCLING),
    ON(RESTART, JOIN_STOP, CYCLING),
    ON(STOP, JOIN_STOP, STOPPING), ON(KILL, BEGIN_KILL, STOPPING),
  },
  [PEXEC__STOPPED] = {
    ON(START, NEVER, STOPPED), AT_REST(STOPPED),
    ON(STOP, END_STOP, STOPPED), ON(KILL, IGNORE, STOPPED),
  },
  [PEXEC__EXITED] = {
    ON(START, PREPARE, PREPARING), AT_REST(EXITED), STOPS_AT_ONCE,
  },
  [PEXEC__FAILED] = {
    ON(START, PREPARE, PREPARING), AT_REST(FAILED), STOPS_AT_ONCE,
  },
};

struct pexec__step pexec__machine_step (enum pexec__phase phase,
                                        enum pexec__event event) {
  return table[phase][event];
}

enum pexec_state pexec__phase_state (enum pexec__phase phase) {
  static const unsigned char states[] = {
#define X(name, outside, meaning) PEXEC_##outside,
    PEXEC__PHASES(X)
#undef X
  };
  return (enum pexec_state)states[phase];
}

bool pexec__phase_is_wanted (enum pexec__phase phase) {
  switch (phase) {
    case PEXEC__IDLE: case PEXEC__HALTING: case PEXEC__ENDING:
    case PEXEC__STOPPING: case PEXEC__STOPPED: case PEXEC__EXITED:
      return false;
    default:
      return true;
  }
}

const char *pexec__phase_name (enum pexec__phase phase) {
  static const char *const names[] = {
#define X(name, outside, meaning) #name,
    PEXEC__PHASES(X)
#undef X
  };
  return names[phase];
}

const char *pexec__event_name (enum pexec__event event) {
  static const char *const names[] = {
#define X(name, meaning) #name,
    PEXEC__EVENTS(X)
#undef X
  };
  return names[event];
}

const char *pexec_state_name (enum pexec_state state) {
  static const char *const names[] = {
#define X(name, text) text,
    PEXEC_STATES(X)
#undef X
  };
  return (unsigned)state < PEXEC_STATE_COUNT ? names[state] : "unknown";
}

const char *pexec_stage_name (enum pexec_stage stage) {
  static const char *const names[] = {
#define X(name, text) text,
    PEXEC_STAGES(X)
#undef X
  };
  return (unsigned)stage < PEXEC_STAGE_COUNT ? names[stage] : "unknown";
}
