/*
** ManagedProcess: a userdata around a pexec_process, with one user value, for
** what lua/pexec/managed_process.lua keeps about it. Orders and what is
** known; waiting is written in Lua. Runs on the thread that calls into Lua.
*/

#include <limits.h>

#include "binding.h"

struct handle {
  pexec_process *process;  /* NULL: not made, or collected */
};

static const char all_key = 0;  /* in the registry: process -> userdata, weak */

static struct handle *check_handle (lua_State *L) {
  struct handle *handle = luaL_checkudata(L, 1, PEXEC__PROCESS);
  luaL_argcheck(L, handle->process != NULL, 1, "process was collected");
  return handle;
}

static pexec_process *check_process (lua_State *L) {
  return check_handle(L)->process;
}

/* {== the table of all =================================================== */

static void push_all (lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &all_key) != LUA_TNIL)
    return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &all_key);
}

void pexec__push_process (lua_State *L, pexec_process *process) {
  push_all(L);
  lua_rawgetp(L, -1, process);
  lua_remove(L, -2);
}

/* {== making and collecting ============================================== */

/* [-0, +1|3, v] process_new(configuration) -> userdata | nil, message, code.
   Twice into the table of all: the first makes its slot, so that nothing
   can raise once the process is there. */
static int l_new (lua_State *L) {
  pexec_config config = PEXEC_CONFIG_INIT;
  pexec_supervisor *supervisor = pexec__supervisor_of(L);
  struct handle *handle = lua_newuserdatauv(L, sizeof *handle, 1);
  int error, self = lua_gettop(L);
  handle->process = NULL;
  luaL_setmetatable(L, PEXEC__PROCESS);
  pexec__read_config(L, 1, &config);
  error = pexec_process_new(supervisor, &config, &handle->process);
  if (error < 0)
    return pexec__push_result(L, error, NULL);
  push_all(L);
  lua_pushvalue(L, self);
  lua_rawsetp(L, -2, handle->process);  /* on an error __gc releases it */
  lua_settop(L, self);
  return 1;
}

/* __gc. One that is being managed is kept alive by lua/pexec, so that it gets
   here only with the end of the state: then the supervisor stops it. */
static int l_collect (lua_State *L) {
  struct handle *handle = luaL_checkudata(L, 1, PEXEC__PROCESS);
  pexec_process *process = handle->process;
  handle->process = NULL;
  if (process != NULL && !pexec_process_is_active(process))
    pexec_process_release(process);
  return 0;
}

/* {== what is known ====================================================== */

static int l_history (lua_State *L) {
  return pexec__history(L, check_process(L));
}

static void push_counts (lua_State *L, const pexec_counts *counts) {
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, (lua_Integer)counts->bytes);
  lua_setfield(L, -2, "bytes");
  lua_pushinteger(L, (lua_Integer)counts->lines);
  lua_setfield(L, -2, "lines");
  lua_pushinteger(L, (lua_Integer)counts->drops);
  lua_setfield(L, -2, "drops");
}

static void push_output (lua_State *L, const pexec_snapshot *snapshot) {
  lua_createtable(L, 0, 2);
  push_counts(L, &snapshot->output[0]);
  lua_setfield(L, -2, "stdout");
  push_counts(L, &snapshot->output[1]);
  lua_setfield(L, -2, "stderr");
}

/* What is not there is nil; times are seconds. */
static void push_snapshot (lua_State *L, const pexec_snapshot *snapshot) {
  lua_createtable(L, 0, 12);
  if (snapshot->since_ns > 0) {
    lua_pushnumber(L, (lua_Number)snapshot->since_ns / 1e9);
    lua_setfield(L, -2, "since");
  }
  if (snapshot->pid > 0) {
    lua_pushnumber(L, (lua_Number)snapshot->uptime_ns / 1e9);
    lua_setfield(L, -2, "uptime");
  }
  if (snapshot->restart_in_ns >= 0) {
    lua_pushnumber(L, (lua_Number)snapshot->restart_in_ns / 1e9);
    lua_setfield(L, -2, "next_restart_in");
  }
  lua_pushinteger(L, (lua_Integer)snapshot->failures);
  lua_setfield(L, -2, "consecutive_failures");
  lua_pushstring(L, snapshot->is_wanted ? "running" : "stopped");
  lua_setfield(L, -2, "desired");
}

/* Of the table on top of the stack. */
static void add_cgroup (lua_State *L, pexec_process *process) {
  char text[PATH_MAX];
  int length = pexec_process_cgroup(process, text, sizeof text);
  if (length > 0 && (size_t)length < sizeof text) {
    lua_pushlstring(L, text, (size_t)length);
    lua_setfield(L, -2, "cgroup");
  }
}

/* [-0, +1|3, v] process_info(p) -> a table | nil, message, code */
static int l_info (lua_State *L) {
  pexec_snapshot snapshot;
  int error = pexec_process_snapshot(check_process(L), &snapshot);
  if (error < 0)
    return pexec__push_result(L, error, NULL);
  push_snapshot(L, &snapshot);
  lua_pushstring(L, pexec_state_name(snapshot.state));
  lua_setfield(L, -2, "state");
  if (snapshot.pid > 0) {
    lua_pushinteger(L, snapshot.pid);
    lua_setfield(L, -2, "pid");
  }
  lua_pushinteger(L, (lua_Integer)snapshot.starts);
  lua_setfield(L, -2, "starts");
  push_output(L, &snapshot);
  lua_setfield(L, -2, "output");
  add_cgroup(L, check_process(L));
  return 1;
}

/* [-0, +3|3, v] process_state(p) -> state, pid or nil, starts | nil, ... */
static int l_state (lua_State *L) {
  pexec_snapshot snapshot;
  int error = pexec_process_snapshot(check_process(L), &snapshot);
  if (error < 0)
    return pexec__push_result(L, error, NULL);
  lua_pushstring(L, pexec_state_name(snapshot.state));
  if (snapshot.pid > 0)
    lua_pushinteger(L, snapshot.pid);
  else
    lua_pushnil(L);
  lua_pushinteger(L, (lua_Integer)snapshot.starts);
  return 3;
}

static int l_tail (lua_State *L) {
  return pexec__tail(L, check_process(L));
}

static int l_id (lua_State *L) {
  lua_pushstring(L, pexec_process_id(check_process(L)));
  return 1;
}

static int l_name (lua_State *L) {
  lua_pushstring(L, pexec_process_name(check_process(L)));
  return 1;
}

static int l_is_one_shot (lua_State *L) {
  lua_pushboolean(L, pexec_process_is_one_shot(check_process(L)));
  return 1;
}

static int l_tostring (lua_State *L) {
  struct handle *handle = luaL_checkudata(L, 1, PEXEC__PROCESS);
  pexec_snapshot snapshot = { .state = PEXEC_IDLE };
  if (handle->process == NULL)
    lua_pushliteral(L, PEXEC__PROCESS " (collected)");
  else if (pexec_process_snapshot(handle->process, &snapshot) == 0 &&
           snapshot.pid > 0)
    lua_pushfstring(L, PEXEC__PROCESS " (%s, pid %d)",
                    pexec_process_id(handle->process), snapshot.pid);
  else
    lua_pushfstring(L, PEXEC__PROCESS " (%s)",
                    pexec_process_id(handle->process));
  return 1;
}

/* [-0, +1, v] process_is_active(p): started, and its end not known yet? */
static int l_is_active (lua_State *L) {
  lua_pushboolean(L, pexec_process_is_active(check_process(L)));
  return 1;
}

/* [-0, +1, v] process_value(p) -> what was set; (p, value) sets it. */
static int l_value (lua_State *L) {
  check_handle(L);
  if (lua_gettop(L) >= 2) {
    lua_settop(L, 2);
    lua_setiuservalue(L, 1, 1);
    return 0;
  }
  lua_getiuservalue(L, 1, 1);
  return 1;
}

/* {== orders ============================================================= */

/* [-0, +1|3, v] process_start(p [, seconds]) */
static int l_start (lua_State *L) {
  pexec_process *process = check_process(L);
  int64_t timeout_ms = pexec__wait_ms(luaL_optnumber(L, 2, -1));
  return pexec__push_opened(L, pexec_process_start(process, timeout_ms));
}

/* [-0, +1|3, v] process_cancel(p, "CANCELED" or "DEADLINE_EXCEEDED") */
static int l_cancel (lua_State *L) {
  static const char *const names[] =
      { "CANCELED", "DEADLINE_EXCEEDED", NULL };
  static const int reasons[] = { PEXEC_ECANCELED, PEXEC_EDEADLINE_EXCEEDED };
  pexec_process *process = check_process(L);
  int reason = reasons[luaL_checkoption(L, 2, "CANCELED", names)];
  return pexec__push_result(L, pexec_process_cancel(process, reason), NULL);
}

/* [-0, +1|3, v] process_decide(p, run, "end", "restart" or "policy"
   [, seconds]) */
static int l_decide (lua_State *L) {
  static const char *const names[] = { "end", "restart", "policy", NULL };
  pexec_process *process = check_process(L);
  uint64_t run = (uint64_t)luaL_checkinteger(L, 2);
  int decision = luaL_checkoption(L, 3, NULL, names);  /* as in the enum */
  int64_t delay_ms = pexec__wait_ms(luaL_optnumber(L, 4, -1));
  return pexec__push_result(L, pexec_process_decide(process, run,
                                (enum pexec_decision)decision, delay_ms),
                            NULL);
}

/* [-0, +1|3, v] process_configure(p, table, keeps) */
static int l_configure (lua_State *L) {
  pexec_config config = PEXEC_CONFIG_INIT;
  pexec_process *process = check_process(L);
  int keeps = lua_toboolean(L, 3);
  pexec__read_config(L, 2, &config);
  return pexec__push_result(L, pexec_process_configure(process, &config,
                                                       keeps), NULL);
}

/* [-0, +1|3, v] process_prepared(p, ticket [, reason]) */
static int l_prepared (lua_State *L) {
  pexec_process *process = check_process(L);
  uint64_t ticket = (uint64_t)luaL_checkinteger(L, 2);
  const char *reason = luaL_optstring(L, 3, NULL);
  return pexec__push_result(L, pexec_process_prepared(process, ticket,
                                                      reason), NULL);
}

/* [-0, +1|3, v] process_unprepared(p, ticket, reason) */
static int l_unprepared (lua_State *L) {
  pexec_process *process = check_process(L);
  uint64_t ticket = (uint64_t)luaL_checkinteger(L, 2);
  const char *reason = luaL_checkstring(L, 3);
  return pexec__push_result(L, pexec_process_unprepared(process, ticket,
                                                        reason), NULL);
}

/* [-0, +1|3, v] process_restart(p) */
static int l_restart (lua_State *L) {
  return pexec__push_result(L, pexec_process_restart(check_process(L)), NULL);
}

/* [-0, +1|3, v] process_advance(p, ticket) */
static int l_advance (lua_State *L) {
  pexec_process *process = check_process(L);
  uint64_t ticket = (uint64_t)luaL_checkinteger(L, 2);
  return pexec__push_result(L, pexec_process_advance(process, ticket), NULL);
}

/* [-0, +1|3, v] process_stop(p) */
static int l_stop (lua_State *L) {
  return pexec__push_result(L, pexec_process_stop(check_process(L)), NULL);
}

/* [-0, +1|3, v] process_kill_group(p) */
static int l_kill_group (lua_State *L) {
  return pexec__push_result(L, pexec_process_kill_group(check_process(L)),
                            NULL);
}

/* [-0, +1|3, v] process_reopen(p) */
static int l_reopen (lua_State *L) {
  return pexec__push_result(L, pexec_process_reopen(check_process(L)), NULL);
}

/* [-0, +1|3, v] process_write(p, data) -> ticket | nil, message, code */
static int l_write (lua_State *L) {
  pexec_process *process = check_process(L);
  size_t length;
  const char *data = luaL_checklstring(L, 2, &length);
  uint64_t ticket;
  int error = pexec_process_write(process, data, length, &ticket);
  if (error < 0)
    return pexec__push_result(L, error, NULL);
  lua_pushinteger(L, (lua_Integer)ticket);
  return 1;
}

/* [-0, +1|3, v] process_close_stdin(p) */
static int l_close_stdin (lua_State *L) {
  return pexec__push_result(L, pexec_process_close_stdin(check_process(L)),
                            NULL);
}

/* [-0, +1|3, v] process_signal(p, number, to_group) -> ticket | nil, message,
   code */
static int l_signal (lua_State *L) {
  pexec_process *process = check_process(L);
  int signo = (int)luaL_checkinteger(L, 2);
  uint64_t ticket;
  int error = pexec_process_signal(process, signo, lua_toboolean(L, 3),
                                   &ticket);
  if (error < 0)
    return pexec__push_result(L, error, NULL);
  lua_pushinteger(L, (lua_Integer)ticket);
  return 1;
}

/* [-0, +1|3, v] process_subscribe(p, a bit for each transition) */
static int l_subscribe (lua_State *L) {
  pexec_process *process = check_process(L);
  unsigned transitions = (unsigned)luaL_checkinteger(L, 2);
  return pexec__push_result(L, pexec_process_subscribe(process, transitions),
                            NULL);
}

static const luaL_Reg functions[] = {
  { "process_new", l_new },
  { "process_state", l_state },
  { "process_info", l_info },
  { "process_history", l_history },
  { "process_tail", l_tail },
  { "process_id", l_id },
  { "process_name", l_name },
  { "process_is_one_shot", l_is_one_shot },
  { "process_is_active", l_is_active },
  { "process_value", l_value },
  { "process_start", l_start },
  { "process_cancel", l_cancel },
  { "process_decide", l_decide },
  { "process_restart", l_restart },
  { "process_configure", l_configure },
  { "process_prepared", l_prepared },
  { "process_unprepared", l_unprepared },
  { "process_advance", l_advance },
  { "process_stop", l_stop },
  { "process_kill_group", l_kill_group },
  { "process_reopen", l_reopen },
  { "process_write", l_write },
  { "process_close_stdin", l_close_stdin },
  { "process_signal", l_signal },
  { "process_subscribe", l_subscribe },
  { NULL, NULL }
};

void pexec__open_process (lua_State *L) {
  static const luaL_Reg metamethods[] = {
    { "__gc", l_collect }, { "__tostring", l_tostring }, { NULL, NULL }
  };
  luaL_setfuncs(L, functions, 0);
  pexec__push_transition_names(L);
  lua_setfield(L, -2, "transitions");
  pexec__push_class(L, PEXEC__PROCESS, metamethods);
  lua_setfield(L, -2, "ManagedProcess");
}
