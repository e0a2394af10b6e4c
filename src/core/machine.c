/* See machine.h. Any thread: everything here is constant. */

#include "machine.h"

#define ON(event, do_, next) \
  [PEXEC__ON_##event] = { PEXEC__DO_##do_, PEXEC__##next }

/* Answers of the host that a stop or a cancellation has overtaken. */
#define LATE(phase) \
  ON(YES, IGNORE, phase), ON(NO, IGNORE, phase), ON(CANCEL, IGNORE, phase)
/* What only the spawner sends. */
#define NO_SPAWN(phase) \
  ON(SPAWNED, NEVER, phase), ON(SPAWN_FAILED, NEVER, phase), \
  ON(RESPAWN_FAILED, NEVER, phase)
/* What only a child that lives brings. */
#define NO_CHILD(phase) \
  ON(ASKED, NEVER, phase), ON(DIED, NEVER, phase), \
  ON(FINISHED, NEVER, phase), ON(CUT, NEVER, phase), ON(LEFT, NEVER, phase)


/* ORDER STATE */
static const struct pexec__step 
    table[PEXEC__PHASE_COUNT][PEXEC__EVENT_COUNT] = {
  [PEXEC__IDLE] = {
    ON(START, SPAWN, STARTING), NO_SPAWN(IDLE), NO_CHILD(IDLE), LATE(IDLE),
    ON(CLEARED, NEVER, IDLE), ON(DUE, NEVER, IDLE),
    ON(STOP, END_STOP, STOPPED), ON(KILL, END_STOP, STOPPED),
  },
  [PEXEC__STARTING] = {
    ON(START, NEVER, STARTING), NO_CHILD(STARTING),
    ON(SPAWNED, ANNOUNCE, RUNNING), ON(SPAWN_FAILED, REFUSE, IDLE),
    ON(RESPAWN_FAILED, RETRY, BACKOFF),
    ON(YES, IGNORE, STARTING), ON(NO, IGNORE, STARTING),
    ON(CANCEL, CUT_START, STARTING),
    ON(CLEARED, NEVER, STARTING), ON(DUE, CUT_START, STARTING),
    ON(STOP, HALT, HALTING), ON(KILL, HALT_NOW, HALTING),
  },
  [PEXEC__HALTING] = {
    ON(START, NEVER, HALTING), NO_CHILD(HALTING), LATE(HALTING),
    ON(SPAWNED, BEGIN_STOP, STOPPING), ON(SPAWN_FAILED, ABANDON, STOPPED),
    ON(RESPAWN_FAILED, ABANDON, STOPPED),
    ON(CLEARED, NEVER, HALTING), ON(DUE, HALT_NOW, HALTING),
    ON(STOP, IGNORE, HALTING), ON(KILL, HALT_NOW, HALTING),
  },
  [PEXEC__RUNNING] = {
    ON(START, NEVER, RUNNING), NO_SPAWN(RUNNING),
    ON(ASKED, ASK, DECIDING), ON(DIED, CLEAR, CLEARING),
    ON(FINISHED, END, EXITED), ON(CUT, CLEAR, ENDING),
    ON(LEFT, NEVER, RUNNING),
    ON(YES, IGNORE, RUNNING), ON(NO, IGNORE, RUNNING),
    ON(CLEARED, NEVER, RUNNING), ON(DUE, KILL_GROUP, RUNNING),
    ON(CANCEL, KILL_GROUP, RUNNING),
    ON(STOP, BEGIN_STOP, STOPPING), ON(KILL, BEGIN_KILL, STOPPING),
  },
  [PEXEC__DECIDING] = {
    ON(START, NEVER, DECIDING), NO_SPAWN(DECIDING), NO_CHILD(DECIDING),
    ON(YES, CLEAR, CLEARING), ON(NO, CLEAR, ENDING),
    ON(CLEARED, NEVER, DECIDING), ON(DUE, NEVER, DECIDING),
    ON(CANCEL, IGNORE, DECIDING),
    ON(STOP, BEGIN_STOP, STOPPING), ON(KILL, BEGIN_KILL, STOPPING),
  },
  [PEXEC__CLEARING] = {
    ON(START, NEVER, CLEARING), NO_SPAWN(CLEARING), NO_CHILD(CLEARING),
    LATE(CLEARING),
    ON(CLEARED, DELAY, BACKOFF), ON(DUE, NEVER, CLEARING),
    ON(STOP, BEGIN_KILL, STOPPING), ON(KILL, BEGIN_KILL, STOPPING),
  },
  [PEXEC__BACKOFF] = {
    ON(START, NEVER, BACKOFF), NO_SPAWN(BACKOFF), NO_CHILD(BACKOFF),
    LATE(BACKOFF),
    ON(CLEARED, NEVER, BACKOFF), ON(DUE, SPAWN, STARTING),
    ON(STOP, END_STOP, STOPPED), ON(KILL, END_STOP, STOPPED),
  },
  [PEXEC__ENDING] = {
    ON(START, NEVER, ENDING), NO_SPAWN(ENDING), NO_CHILD(ENDING),
    LATE(ENDING),
    ON(CLEARED, END, EXITED), ON(DUE, NEVER, ENDING),
    ON(STOP, BEGIN_KILL, STOPPING), ON(KILL, BEGIN_KILL, STOPPING),
  },
  [PEXEC__STOPPING] = {
    ON(START, NEVER, STOPPING), NO_SPAWN(STOPPING), LATE(STOPPING),
    ON(ASKED, NEVER, STOPPING), ON(DIED, NEVER, STOPPING),
    ON(FINISHED, NEVER, STOPPING), ON(CUT, NEVER, STOPPING),
    ON(LEFT, NOTE_LEFT, STOPPING),
    ON(CLEARED, END_STOP, STOPPED), ON(DUE, NEXT_STAGE, STOPPING),
    ON(STOP, JOIN_STOP, STOPPING), ON(KILL, BEGIN_KILL, STOPPING),
  },
  [PEXEC__STOPPED] = {
    ON(START, NEVER, STOPPED), NO_SPAWN(STOPPED), NO_CHILD(STOPPED),
    LATE(STOPPED),
    ON(CLEARED, NEVER, STOPPED), ON(DUE, NEVER, STOPPED),
    ON(STOP, END_STOP, STOPPED), ON(KILL, IGNORE, STOPPED),
  },
  [PEXEC__EXITED] = {
    ON(START, SPAWN, STARTING), NO_SPAWN(EXITED), NO_CHILD(EXITED),
    LATE(EXITED),
    ON(CLEARED, NEVER, EXITED), ON(DUE, NEVER, EXITED),
    ON(STOP, END_STOP, STOPPED), ON(KILL, END_STOP, STOPPED),
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
