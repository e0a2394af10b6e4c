/*
** Events -> Lua values. What an event holds is C's until it is released: it
** is kept in a userdata meanwhile, so that it is not lost when Lua raises.
** Runs on the thread that calls into Lua.
*/

#include "binding.h"

#define EVENT "pexec.Event"

static const char event_key = 0;  /* in the registry: the one userdata */

static int l_release (lua_State *L) {
  pexec_event_release(lua_touserdata(L, 1));
  return 0;
}

/* [-0, +1, m] */
static pexec_event *push_the_event (lua_State *L) {
  static const luaL_Reg metamethods[] = {
    { "__gc", l_release }, { NULL, NULL }
  };
  pexec_event *event;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &event_key) == LUA_TUSERDATA)
    return lua_touserdata(L, -1);
  lua_pop(L, 1);
  event = lua_newuserdatauv(L, sizeof *event, 1);
  *event = (pexec_event)PEXEC_EVENT_INIT;
  pexec__push_class(L, EVENT, metamethods);
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &event_key);
  return event;
}

/* {== one kind each: pushes, returns how many ============================ */

/* error code or nil, message */
static int push_started (lua_State *L, pexec_event *event) {
  if (event->error >= 0)
    return 0;
  lua_pushstring(L, pexec_error_name(event->error));
  lua_pushstring(L, event->message);
  return 2;
}

/* lines, stream, is_partial. The userdata stays with the event's, so that
   one which Lua did not get is told again. */
static int push_output (lua_State *L, pexec_event *event) {
  push_the_event(L);
  if (lua_getiuservalue(L, -1, 1) != LUA_TUSERDATA) {
    lua_pop(L, 1);
    pexec__push_lines(L, event);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, -3, 1);
  }
  lua_remove(L, -2);
  lua_pushstring(L, event->stream == PEXEC_STDOUT ? "stdout" : "stderr");
  lua_pushboolean(L, event->is_partial);
  return 3;
}

/* asks, exit: a table as on_unexpected_exit gets it, and the code */
static int push_exited (lua_State *L, pexec_event *event) {
  lua_pushboolean(L, event->asks);
  pexec__push_exit(L, &event->exit);
  return 2;
}

static int push_prepare (lua_State *L, pexec_event *event) {
  lua_pushinteger(L, (lua_Integer)event->ticket);
  return 1;
}

/* The record, nil where no child has ended, and the reason. */
static int push_given_up (lua_State *L, pexec_event *event) {
  if (event->exit.run > 0)
    pexec__push_exit(L, &event->exit);
  else
    lua_pushnil(L);
  lua_pushstring(L, event->message);
  return 2;
}

/* nil where nobody can tell */
static void push_survivors (lua_State *L, const pexec_event *event) {
  if (event->survivors == NULL) {
    lua_pushnil(L);
    return;
  }
  lua_createtable(L, (int)event->survivor_count, 0);
  for (size_t i = 0; i < event->survivor_count; i++) {
    lua_pushinteger(L, event->survivors[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* stage, error code or nil, message or nil, number of the stage or nil, pids
   of survivors or nil */
static int push_stopped (lua_State *L, pexec_event *event) {
  lua_pushstring(L, pexec_stage_name(event->stage));
  if (event->error < 0) {
    lua_pushstring(L, pexec_error_name(event->error));
    lua_pushstring(L, event->message);
  }
  else {
    lua_pushnil(L);
    lua_pushnil(L);
  }
  if (event->stage_number > 0)
    lua_pushinteger(L, event->stage_number);
  else
    lua_pushnil(L);
  push_survivors(L, event);
  return 5;
}

/* ticket, 0: it is over; number of the stage */
static int push_stop_call (lua_State *L, pexec_event *event) {
  lua_pushinteger(L, (lua_Integer)event->ticket);
  lua_pushinteger(L, event->stage_number);
  return 2;
}

/* level, message */
static int push_log (lua_State *L, pexec_event *event) {
  static const char *const levels[] = { "debug", "info", "warn", "error" };
  lua_pushstring(L, levels[event->level]);
  lua_pushlstring(L, event->data, event->length);
  return 2;
}

/* error code or nil, message, path or nil */
static int push_reopened (lua_State *L, pexec_event *event) {
  if (event->error >= 0)
    return 0;
  lua_pushstring(L, pexec_error_name(event->error));
  lua_pushstring(L, pexec_error_text(event->error));
  lua_pushstring(L, event->message);
  return 3;
}

static int push_signal (lua_State *L, pexec_event *event) {
  lua_pushstring(L, pexec_signal_name(event->signo));
  return 1;
}

/* ticket, error code or nil, message */
static int push_written (lua_State *L, pexec_event *event) {
  lua_pushinteger(L, (lua_Integer)event->ticket);
  if (event->error >= 0)
    return 1;
  lua_pushstring(L, pexec_error_name(event->error));
  lua_pushstring(L, event->message);
  return 3;
}

/* name, a table */
static int push_transition (lua_State *L, pexec_event *event) {
  return pexec__push_transition(L, event->change);
}

static int push_nothing (lua_State *L, pexec_event *event) {
  (void)L;
  (void)event;
  return 0;
}

/* ORDER EVENT */
static const struct {
  const char *name;
  int (*push) (lua_State *L, pexec_event *event);
} kinds[] = {
  [PEXEC_EVENT_NONE] = { "none", push_nothing },
  [PEXEC_EVENT_STARTED] = { "started", push_started },
  [PEXEC_EVENT_OUTPUT] = { "output", push_output },
  [PEXEC_EVENT_EXITED] = { "exited", push_exited },
  [PEXEC_EVENT_STOPPED] = { "stopped", push_stopped },
  [PEXEC_EVENT_ENDED] = { "ended", push_nothing },
  [PEXEC_EVENT_LOG] = { "log", push_log },
  [PEXEC_EVENT_SIGNAL] = { "signal", push_signal },
  [PEXEC_EVENT_REOPENED] = { "reopened", push_reopened },
  [PEXEC_EVENT_RESTARTED] = { "restarted", push_started },
  [PEXEC_EVENT_PREPARE] = { "prepare", push_prepare },
  [PEXEC_EVENT_GIVEN_UP] = { "given_up", push_given_up },
  [PEXEC_EVENT_STOP_CALL] = { "stop_call", push_stop_call },
  [PEXEC_EVENT_WRITTEN] = { "written", push_written },
  [PEXEC_EVENT_SIGNALED] = { "signaled", push_written },
  [PEXEC_EVENT_TRANSITION] = { "transition", push_transition },
};

/* Drops the one that was told before, if Lua has it; else that is told again,
   since a memory error has lost it on its way. 0: none waits. With the
   event's userdata on top of the stack. */
static int pull (lua_State *L, pexec_event *event, int has_it) {
  if (has_it || event->type == PEXEC_EVENT_NONE) {
    pexec_event_release(event);
    event->type = PEXEC_EVENT_NONE;
    lua_pushnil(L);
    lua_setiuservalue(L, -2, 1);
    return pexec_supervisor_next(pexec__supervisor_of(L), event);
  }
  return 1;
}

/* [-0, +n, v] next(has_it) -> kind, process or nil, what the kind has; the
   same again until 'has_it' is true; nothing where no event waits; nil,
   message, code */
static int l_next (lua_State *L) {
  pexec_event *event = push_the_event(L);
  int result = pull(L, event, lua_toboolean(L, 1));
  if (result < 0)
    return pexec__push_result(L, result, NULL);
  if (result == 0)
    return 0;
  lua_pushstring(L, kinds[event->type].name);
  if (event->process != NULL)
    pexec__push_process(L, event->process);
  else
    lua_pushnil(L);
  return 2 + kinds[event->type].push(L, event);
}

void pexec__open_events (lua_State *L) {
  static const luaL_Reg functions[] = { { "next", l_next }, { NULL, NULL } };
  luaL_setfuncs(L, functions, 0);
}
