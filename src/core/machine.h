/*
** The life of one process as a table: states x events -> action, next state.
** Pure: no time, memory, I/O or pids.
*/

#ifndef PEXEC_CORE_MACHINE_H
#define PEXEC_CORE_MACHINE_H

#include <stdbool.h>

#include "pexec.h"

/* state, what it is called outside, meaning */
#define PEXEC__PHASES(X) \
  X(IDLE, IDLE, "not started, or its first start has failed") \
  X(PREPARING, STARTING, "the host is asked before a child is made") \
  X(STARTING, STARTING, "the spawner is making the child") \
  X(HALTING, STOPPING, "the same, but a stop has come meanwhile") \
  X(RUNNING, RUNNING, "the child has been executed and lives") \
  X(DECIDING, DECIDING, "it is dead; the host decides what follows") \
  X(CLEARING, BACKOFF, "what is left of its group is being killed") \
  X(BACKOFF, BACKOFF, "it waits for the restart delay to pass") \
  X(ENDING, STOPPING, "as CLEARING, but nothing will follow") \
  X(FAILING, STOPPING, "the same: it is given up") \
  X(STOPPING, STOPPING, "a stop is under way") \
  X(CYCLING, STOPPING, "the same, and then a start follows") \
  X(STOPPED, STOPPED, "stopped: never started again") \
  X(EXITED, EXITED, "it has ended for good by itself") \
  X(FAILED, FAILED, "it was given up: too many restarts")

enum pexec__phase {
#define X(name, outside, meaning) PEXEC__##name,
  PEXEC__PHASES(X)
#undef X
  PEXEC__PHASE_COUNT
};

/* event, meaning */
#define PEXEC__EVENTS(X) \
  X(START, "the host orders a start") \
  X(READY, "the host has prepared it, or need not") \
  X(VETO, "the host does not want the start that it has ordered") \
  X(REVETO, "the host does not want the restart") \
  X(SPAWNED, "the child has been executed") \
  X(SPAWN_FAILED, "a start that was ordered could not be made") \
  X(RESPAWN_FAILED, "a restart could not be made") \
  X(ASKED, "the child is dead, and the host wants to decide") \
  X(DIED, "the child is dead, and the policy is to restart it") \
  X(OVER, "the child is dead, and the policy is not to") \
  X(SPENT, "it would be restarted more often than it may") \
  X(FINISHED, "a one-shot is dead") \
  X(CUT, "a one-shot is dead that had been cancelled") \
  X(LEFT, "the child is dead, as a stop wanted it") \
  X(YES, "the host decides for a restart") \
  X(NO, "the host decides against it") \
  X(CLEARED, "its group is gone, or was waited for long enough") \
  X(DUE, "the timer has come") \
  X(CANCEL, "the host cancels a one-shot, or its time is over") \
  X(RESTART, "the host orders a stop and a start") \
  X(STOP, "the host orders a stop") \
  X(KILL, "the host orders a kill of the group")

enum pexec__event {
#define X(name, meaning) PEXEC__ON_##name,
  PEXEC__EVENTS(X)
#undef X
  PEXEC__EVENT_COUNT
};

/* Zero is a hole in the table: a bug, which a spec finds. */
#define PEXEC__ACTIONS(X) \
  X(HOLE, "no cell was written") \
  X(NEVER, "cannot happen") \
  X(IGNORE, "too late: nothing to do") \
  X(PREPARE, "ask the host, where it wants to be, else go on") \
  X(GO_ON, "the host takes too long: start it, or fail, if it must answer") \
  X(SPAWN, "give the plan to the spawner") \
  X(ANNOUNCE, "answer the start, watch the child") \
  X(REFUSE, "answer the start with the failure") \
  X(CUT_SHORT, "answer the start with the cancellation") \
  X(RETRY, "log the failure, arm the restart delay") \
  X(HALT, "remember the stop; kill the child if exec takes too long") \
  X(HALT_NOW, "the same, and kill the child at once") \
  X(ABANDON, "answer start and stop: there is no child") \
  X(CUT_START, "remember the cancellation, kill what is being made") \
  X(KILL_GROUP, "SIGKILL to the group") \
  X(ASK, "tell the host of the exit, and wait for its decision") \
  X(OVERRULE, "the host takes too long: the policy decides") \
  X(CLEAR, "SIGKILL what is left of the group, wait for it") \
  X(DELAY, "arm the restart delay") \
  X(END, "tell the host that it has ended") \
  X(GIVE_UP, "the same, and that it was given up") \
  X(BEGIN_STOP, "take the first stage of the stop") \
  X(BEGIN_KILL, "straight to the last stage") \
  X(NEXT_STAGE, "the time of a stage is over: take the next one") \
  X(NOTE_LEFT, "the leader is gone: signal the others, if any") \
  X(JOIN_STOP, "one more waits for the stop under way") \
  X(END_STOP, "tell the host that it is stopped") \
  X(RENEW, "what was is gone: begin the start that follows") \
  X(DENY, "answer the restart: nothing is managed")

enum pexec__action {
#define X(name, meaning) PEXEC__DO_##name,
  PEXEC__ACTIONS(X)
#undef X
  PEXEC__ACTION_COUNT
};

struct pexec__step {
  unsigned char action;  /* enum pexec__action */
  unsigned char next;    /* enum pexec__phase */
};

struct pexec__step pexec__machine_step (enum pexec__phase phase,
                                        enum pexec__event event);

enum pexec_state pexec__phase_state (enum pexec__phase phase);
/* Does somebody want it to run? Also one that was given up. */
bool pexec__phase_is_wanted (enum pexec__phase phase);
const char *pexec__phase_name (enum pexec__phase phase);
const char *pexec__event_name (enum pexec__event event);

#endif
