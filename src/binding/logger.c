/*
** Logger: a userdata around a pexec_logger, which writes from C without
** waiting for Lua; null_logger is one that has none. Runs on the thread that
** calls into Lua.
*/

#include <string.h>

#include "binding.h"

struct handle {
  pexec_logger *logger;  /* NULL: drops everything */
};

pexec_logger *pexec__check_logger (lua_State *L, int index) {
  struct handle *handle = luaL_checkudata(L, index, PEXEC__LOGGER);
  return handle->logger;
}

/* [-0, +1|3, v] logger_new(level, format [, file]) -> logger; logger_new()
   -> one that drops everything. */
static int l_new (lua_State *L) {
  static const char *const levels[] =
      { "debug", "info", "warn", "error", NULL };
  static const char *const formats[] = { "text", "json", "logfmt", NULL };
  pexec_logger_options options = PEXEC_LOGGER_OPTIONS_INIT;
  struct handle *handle;
  int error = 0;
  lua_settop(L, 3);
  handle = lua_newuserdatauv(L, sizeof *handle, 0);
  handle->logger = NULL;
  luaL_setmetatable(L, PEXEC__LOGGER);
  if (!lua_isnil(L, 1)) {
    options.level = (enum pexec_level)luaL_checkoption(L, 1, "info", levels);
    options.format =
        (enum pexec_format)luaL_checkoption(L, 2, "text", formats);
    options.file = luaL_optstring(L, 3, NULL);
    error = pexec_logger_new(&options, &handle->logger);
  }
  if (error == 0)
    return 1;
  lua_pushfstring(L, "error opening log file \"%s\": %s",
                  options.file ? options.file : "stderr",
                  pexec_error_text(error));
  return pexec__push_result(L, error, lua_tostring(L, -1));
}

static int l_collect (lua_State *L) {
  struct handle *handle = luaL_checkudata(L, 1, PEXEC__LOGGER);
  pexec_logger *logger = handle->logger;
  handle->logger = NULL;
  if (logger != NULL)
    pexec_logger_release(logger);
  return 0;
}

/* logger:LEVEL(message); numbers pass, as for LuaLogging's. */
static int write_message (lua_State *L, enum pexec_level level) {
  pexec_logger *logger = pexec__check_logger(L, 1);
  size_t length;
  const char *message = luaL_checklstring(L, 2, &length);
  if (logger != NULL)
    pexec_logger_write(logger, level, luaL_optstring(L, 3, NULL), message,
                       length);
  return 0;
}

static int l_debug (lua_State *L) { return write_message(L, PEXEC_DEBUG); }

static int l_info (lua_State *L) { return write_message(L, PEXEC_INFO); }

static int l_warn (lua_State *L) { return write_message(L, PEXEC_WARN); }

static int l_error (lua_State *L) { return write_message(L, PEXEC_ERROR); }

/* [-0, +1, m] is_logger(value) -> is it a built-in one? */
static int l_is (lua_State *L) {
  lua_pushboolean(L, luaL_testudata(L, 1, PEXEC__LOGGER) != NULL);
  return 1;
}

void pexec__open_logger (lua_State *L) {
  static const luaL_Reg functions[] = {
    { "logger_new", l_new }, { "is_logger", l_is }, { NULL, NULL }
  };
  static const luaL_Reg metamethods[] = {
    { "__gc", l_collect }, { NULL, NULL }
  };
  static const luaL_Reg methods[] = {
    { "debug", l_debug }, { "info", l_info }, { "warn", l_warn },
    { "error", l_error }, { NULL, NULL }
  };
  luaL_setfuncs(L, functions, 0);
  pexec__push_class(L, PEXEC__LOGGER, metamethods);
  lua_getfield(L, -1, "__index");
  luaL_setfuncs(L, methods, 0);
  lua_pop(L, 1);
  lua_setfield(L, -2, "Logger");
}
