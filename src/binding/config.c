/*
** A configuration table, as lua/pexec/config.lua has checked it, -> the
** pexec_config of pexec.h. Runs on the thread that calls into Lua.
*/

#include <limits.h>
#include <string.h>

#include "binding.h"

/* The value stays on the stack: it keeps the string alive. */
static const char *read_text (lua_State *L, int table, const char *field) {
  if (lua_getfield(L, table, field) == LUA_TNIL)
    return NULL;
  return luaL_checkstring(L, -1);
}

/* An array of strings -> one that ends in NULL, in a userdata that stays on
   the stack; the strings live in the array. */
static const char *const *read_array (lua_State *L, int table,
                                      const char *field) {
  const char **array;
  lua_Unsigned count;
  lua_getfield(L, table, field);
  luaL_checktype(L, -1, LUA_TTABLE);
  count = lua_rawlen(L, -1);
  array = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *array, 0);
  for (lua_Unsigned i = 0; i < count; i++) {
    lua_rawgeti(L, -2, (lua_Integer)i + 1);
    array[i] = luaL_checkstring(L, -1);
    lua_pop(L, 1);
  }
  array[count] = NULL;
  return array;
}

static int read_boolean (lua_State *L, int table, const char *field) {
  int value;
  lua_getfield(L, table, field);
  value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

static lua_Number read_number (lua_State *L, int table, const char *field) {
  lua_Number value;
  lua_getfield(L, table, field);
  value = luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return value;
}

/* Seconds -> milliseconds, rounded up; too long is what the core refuses. */
static int64_t read_wait (lua_State *L, int table, const char *field) {
  lua_Number wait_ms = read_number(L, table, field) * 1000.0;
  return wait_ms < 4e15 ? (int64_t)(wait_ms + 0.999999) : INT64_MAX;
}

static pexec_logger *read_logger (lua_State *L, int table,
                                  const char *field) {
  if (lua_getfield(L, table, field) == LUA_TNIL)
    return NULL;
  return pexec__check_logger(L, -1);
}

void pexec__read_config (lua_State *L, int index, pexec_config *config) {
  int table = lua_absindex(L, index);
  luaL_checktype(L, table, LUA_TTABLE);
  luaL_checkstack(L, 16, "configuration");
  config->id = read_text(L, table, "id");
  config->name = read_text(L, table, "name");
  config->cwd = read_text(L, table, "cwd");
  config->username = read_text(L, table, "username");
  config->args = read_array(L, table, "args");
  config->environment = read_array(L, table, "environment");
  config->one_shot = read_boolean(L, table, "one_shot");
  config->asks = read_boolean(L, table, "asks");
  config->log_events = read_boolean(L, table, "log_events");
  config->stop_signal = (int)read_number(L, table, "stop_signal");
  config->output_events = (unsigned)read_number(L, table, "output_events");
  config->stop_timeout_ms = read_wait(L, table, "stop_timeout");
  config->restart_delay_ms = read_wait(L, table, "restart_delay");
  config->logger = read_logger(L, table, "logger");
  config->stdout_logger = read_logger(L, table, "stdout_logger");
  config->stderr_logger = read_logger(L, table, "stderr_logger");
}
