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

/* Each reads a field of the table at 1, which lua/pexec/logger.lua has
   checked; one that is not there leaves the default. */
static const char *read_text (lua_State *L, const char *field) {
  lua_getfield(L, 1, field);
  return luaL_optstring(L, -1, NULL);  /* the table keeps it alive */
}

static int read_word (lua_State *L, const char *field,
                      const char *const *words, int fallback) {
  lua_getfield(L, 1, field);
  return luaL_checkoption(L, -1, words[fallback], words);
}

static lua_Integer read_integer (lua_State *L, const char *field,
                                 lua_Integer fallback) {
  lua_getfield(L, 1, field);
  return luaL_optinteger(L, -1, fallback);
}

/* Seconds -> milliseconds, rounded up; too long is what the core refuses. */
static int64_t read_wait (lua_State *L, const char *field) {
  lua_Number wait_ms;
  lua_getfield(L, 1, field);
  wait_ms = luaL_optnumber(L, -1, 0) * 1000.0;
  return wait_ms < 4e15 ? (int64_t)(wait_ms + 0.999999) : INT64_MAX;
}

static void read_options (lua_State *L, pexec_logger_options *options) {
  static const char *const levels[] =
      { "debug", "info", "warn", "error", NULL };
  static const char *const formats[] = { "text", "json", "logfmt", NULL };
  luaL_checkstack(L, 16, "options");
  options->level =
      (enum pexec_level)read_word(L, "level", levels, options->level);
  options->format =
      (enum pexec_format)read_word(L, "format", formats, options->format);
  options->file = read_text(L, "file");
  options->mode = (unsigned)read_integer(L, "mode", options->mode);
  options->max_size = read_integer(L, "max_size", options->max_size);
  options->keep = (int)read_integer(L, "keep", options->keep);
  options->rotate_every_ms = read_wait(L, "rotate_every");
  lua_getfield(L, 1, "compress");
  options->compress = lua_toboolean(L, -1);
}

/* [-0, +1|3, v] logger_new(options) -> logger; logger_new() -> one that drops
   everything. */
static int l_new (lua_State *L) {
  pexec_logger_options options = PEXEC_LOGGER_OPTIONS_INIT;
  struct handle *handle;
  int error = 0;
  lua_settop(L, 1);
  handle = lua_newuserdatauv(L, sizeof *handle, 0);
  handle->logger = NULL;
  luaL_setmetatable(L, PEXEC__LOGGER);
  if (!lua_isnil(L, 1)) {
    read_options(L, &options);
    error = pexec_logger_new(&options, &handle->logger);
  }
  lua_pushvalue(L, 2);
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
