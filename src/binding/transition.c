/*
** Transitions -> the tables that p:on's functions get. Runs on the thread
** that calls into Lua.
*/

#include "binding.h"

static void set_integer (lua_State *L, const char *field, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, field);
}

static void set_text (lua_State *L, const char *field, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, field);
}

static void push_start (lua_State *L, const pexec_change *change) {
  lua_createtable(L, 0, 4);
  set_integer(L, "pid", (uint64_t)change->pid);
  set_integer(L, "starts", change->starts);
  set_integer(L, "attempt", change->attempt);
}

static void push_restart (lua_State *L, const pexec_change *change) {
  lua_createtable(L, 0, 3);
  lua_pushnumber(L, (lua_Number)change->delay_ns / 1e9);
  lua_setfield(L, -2, "delay");
  set_integer(L, "attempt", change->attempt);
}

/* Where no child has ended there is no record. */
static void push_giving_up (lua_State *L, const pexec_change *change) {
  lua_createtable(L, 0, 3);
  if (change->exit.run > 0) {
    pexec__push_exit(L, &change->exit);
    lua_setfield(L, -2, "record");
  }
  set_text(L, "reason", change->reason);
}

static void push_loss (lua_State *L, const pexec_change *change) {
  lua_createtable(L, 0, 3);
  set_integer(L, "lines", change->lines);
  set_text(L, "stream",
           change->stream == PEXEC_STDOUT ? "stdout" : "stderr");
}

static void push_word (lua_State *L, const char *field, const char *word) {
  lua_createtable(L, 0, 2);
  set_text(L, field, word);
}

static void push_detail (lua_State *L, const pexec_change *change) {
  switch (change->transition) {
    case PEXEC_TRANSITION_STARTED: push_start(L, change); break;
    case PEXEC_TRANSITION_EXITED: pexec__push_exit(L, &change->exit); break;
    case PEXEC_TRANSITION_RESTARTING: push_restart(L, change); break;
    case PEXEC_TRANSITION_GIVEN_UP: push_giving_up(L, change); break;
    case PEXEC_TRANSITION_STOPPING:
      push_word(L, "requested", pexec_request_name(change->requested));
      break;
    case PEXEC_TRANSITION_STOPPED:
      push_word(L, "stage", pexec_stage_name(change->stage));
      break;
    default: push_loss(L, change); break;
  }
}

int pexec__push_transition (lua_State *L, const pexec_change *change) {
  lua_pushstring(L, pexec_transition_name(change->transition));
  push_detail(L, change);
  if (change->missed > 0)
    set_integer(L, "missed", change->missed);
  return 2;
}

void pexec__push_transition_names (lua_State *L) {
  lua_createtable(L, PEXEC_TRANSITION_COUNT, 0);
  for (int i = 0; i < PEXEC_TRANSITION_COUNT; i++) {
    lua_pushstring(L, pexec_transition_name((enum pexec_transition)i));
    lua_rawseti(L, -2, i + 1);
  }
}
