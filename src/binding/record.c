/*
** How children have ended -> the exit record of Lua. Runs on the thread that
** calls into Lua.
*/

#include "binding.h"

static void set_integer (lua_State *L, const char *field, int64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, field);
}

static void set_seconds (lua_State *L, const char *field, int64_t ns) {
  lua_pushnumber(L, (lua_Number)ns / 1e9);
  lua_setfield(L, -2, field);
}

static void set_text (lua_State *L, const char *field, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, field);
}

/* What is not known is nil. */
static void set_status (lua_State *L, const pexec_exit *end) {
  if (end->is_known)
    set_integer(L, "exit_code", end->code);
  if (end->signo != 0) {
    set_text(L, "signal", pexec_signal_name(end->signo));
    set_text(L, "signal_text", pexec_signal_text(end->signo));
  }
  if (end->canceled != 0)
    set_text(L, "canceled", pexec_error_name(end->canceled));
  if (end->requested != PEXEC_BY_NOBODY)
    set_text(L, "requested", pexec_request_name(end->requested));
  lua_pushboolean(L, end->core_dumped);
  lua_setfield(L, -2, "core_dumped");
}

static void set_usage (lua_State *L, const pexec_exit *end) {
  if (!end->has_usage)
    return;
  set_seconds(L, "user_time", end->user_ns);
  set_seconds(L, "system_time", end->system_ns);
  if (end->max_rss > 0)
    set_integer(L, "max_rss", end->max_rss);
}

void pexec__push_exit (lua_State *L, const pexec_exit *end) {
  lua_createtable(L, 0, 16);
  set_status(L, end);
  set_usage(L, end);
  set_integer(L, "pid", end->pid);
  set_seconds(L, "started_at", end->started_at_ns);
  set_seconds(L, "uptime", end->uptime_ns);
  set_integer(L, "restarts", (int64_t)end->restarts);
  set_integer(L, "run", (int64_t)end->run);
  set_integer(L, "attempt", (int64_t)end->attempt);
}

/* [-0, +1|3, v] process_history(p [, most]) -> array, the oldest first */
int pexec__history (lua_State *L, pexec_process *process) {
  pexec_exit exits[PEXEC_HISTORY_MAX];
  lua_Integer most = luaL_optinteger(L, 2, PEXEC_HISTORY_MAX);
  int count = pexec_process_history(process, exits, most < 0 ? 0
                                    : most > PEXEC_HISTORY_MAX
                                      ? PEXEC_HISTORY_MAX : (size_t)most);
  if (count < 0)
    return pexec__push_result(L, count, NULL);
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    pexec__push_exit(L, &exits[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}
