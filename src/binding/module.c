/*
** luaopen_pexec_core: one supervisor for each Lua state, and the functions of
** pexec.core. The supervisor's end is that of a userdata in the registry: it
** is made first, so that lua_close collects it last.
*/

#include <errno.h>
#include <time.h>

#include "binding.h"
#include "pexec_lua.h"
#include "values.h"

static const char anchor_key = 0;  /* its address: the key in the registry */

/* {== what the files share =============================================== */

pexec_supervisor *pexec__supervisor_of (lua_State *L) {
  pexec_supervisor **anchor;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &anchor_key);
  anchor = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (anchor != NULL && *anchor != NULL)
    return *anchor;
  luaL_error(L, "pexec: the Lua state is being closed");
  return NULL;  /* luaL_error does not return */
}

int pexec__push_result (lua_State *L, int error, const char *message) {
  if (error >= 0) {
    lua_pushboolean(L, 1);
    return 1;
  }
  luaL_pushfail(L);
  lua_pushstring(L, message ? message : pexec_error_text(error));
  lua_pushstring(L, pexec_error_name(error));
  return 3;
}

int pexec__push_opened (lua_State *L, int error) {
  return pexec__push_result(L, error, error == PEXEC_EUNSUPPORTED
                                      ? pexec_kernel_lacks() : NULL);
}

/* Nobody sees one that a memory error has left unfinished. */
void pexec__push_class (lua_State *L, const char *name,
                        const luaL_Reg *functions) {
  if (luaL_getmetatable(L, name) != LUA_TNIL)
    return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  luaL_setfuncs(L, functions, 0);
  lua_newtable(L);
  lua_setfield(L, -2, "__index");
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, name);
}

/* By the address of something that each copy has for itself. */
void pexec__claim (lua_State *L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, "pexec.copy") == LUA_TNIL) {
    lua_pushlightuserdata(L, (void *)&anchor_key);
    lua_setfield(L, LUA_REGISTRYINDEX, "pexec.copy");
  }
  else if (lua_touserdata(L, -1) != (void *)&anchor_key)
    luaL_error(L, "pexec: this Lua state has another copy of it already, from "
                  "another library: one of its host's, or of another path in "
                  "package.cpath");
  lua_pop(L, 1);
}

/* {== the supervisor ===================================================== */

static int close_supervisor (lua_State *L) {
  pexec_supervisor **anchor = lua_touserdata(L, 1);
  pexec_supervisor *supervisor = *anchor;
  *anchor = NULL;
  if (supervisor != NULL)
    pexec_supervisor_close(supervisor);
  return 0;
}

/* The userdata comes first, closed, so that what it gets cannot leak. */
static void open_supervisor (lua_State *L) {
  static const luaL_Reg functions[] = {
    { "__gc", close_supervisor }, { NULL, NULL }
  };
  pexec_supervisor **anchor;
  int error;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &anchor_key) != LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  lua_pop(L, 1);
  anchor = lua_newuserdatauv(L, sizeof *anchor, 0);
  *anchor = NULL;
  pexec__push_class(L, "pexec.Supervisor", functions);
  lua_setmetatable(L, -2);
  if ((error = pexec_supervisor_new(anchor)) < 0)
    luaL_error(L, "pexec: cannot make a supervisor: %s",
               pexec_error_text(error));
  lua_rawsetp(L, LUA_REGISTRYINDEX, &anchor_key);
}

/* {== functions ========================================================== */

/* [-0, +1, -] now() -> seconds on the monotonic clock. */
static int l_now (lua_State *L) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec / 1e9);
  return 1;
}

/* Seconds to whole milliseconds, never early; nil or none: -1. */
static int64_t check_wait (lua_State *L, int index) {
  lua_Number seconds;
  if (lua_isnoneornil(L, index))
    return -1;
  seconds = luaL_checknumber(L, index);
  if (!(seconds > 0))
    return 0;
  if (seconds > 1e9)
    return INT64_C(1000000000000);
  return (int64_t)(seconds * 1000.0 + 0.999999);
}

/* [-0, +1|3, v] wait([seconds]) -> true if it came, false after the time, or
   when a signal handler of the host's ran. */
static int l_wait (lua_State *L) {
  int result = pexec_supervisor_wait(pexec__supervisor_of(L),
                                     check_wait(L, 1));
  if (result < 0 && result != -EINTR)
    return pexec__push_opened(L, result);
  lua_pushboolean(L, result > 0);
  return 1;
}

/* [-0, +1|3, v] pollfd() -> descriptor */
static int l_pollfd (lua_State *L) {
  int fd = pexec_supervisor_fd(pexec__supervisor_of(L));
  if (fd < 0)
    return pexec__push_opened(L, fd);
  lua_pushinteger(L, fd);
  return 1;
}

/* [-0, +1|3, v] alarm([seconds]): none: no alarm */
static int l_alarm (lua_State *L) {
  return pexec__push_opened(L, pexec_supervisor_alarm(pexec__supervisor_of(L),
                                                      check_wait(L, 1)));
}

enum { MOST_SIGNALS = 64 };

static size_t check_signals (lua_State *L, int *signals) {
  lua_Unsigned count;
  luaL_checktype(L, 1, LUA_TTABLE);
  count = lua_rawlen(L, 1);
  luaL_argcheck(L, count <= MOST_SIGNALS, 1, "too many signals");
  for (lua_Unsigned i = 0; i < count; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    signals[i] = (int)luaL_checkinteger(L, -1);
    lua_pop(L, 1);
  }
  return (size_t)count;
}

/* [-0, +1|3, v] catch(array of signal numbers) */
static int l_catch (lua_State *L) {
  int signals[MOST_SIGNALS];
  size_t count = check_signals(L, signals);
  return pexec__push_result(L, pexec_supervisor_catch(pexec__supervisor_of(L),
                                                      signals, count), NULL);
}

/* [-0, +0, v] uncatch(the same array) */
static int l_uncatch (lua_State *L) {
  int signals[MOST_SIGNALS];
  size_t count = check_signals(L, signals);
  pexec_supervisor_uncatch(pexec__supervisor_of(L), signals, count);
  return 0;
}

static const luaL_Reg functions[] = {
  { "now", l_now },
  { "wait", l_wait },
  { "pollfd", l_pollfd },
  { "alarm", l_alarm },
  { "catch", l_catch },
  { "uncatch", l_uncatch },
  { "duration_parse", pexec__duration_parse },
  { "duration_format", pexec__duration_format },
  { "signal_parse", pexec__signal_parse },
  { "signal_name", pexec__signal_name },
  { "json_decode", pexec__json_decode },
  { "json_encode", pexec__json_encode },
  { "json_type", pexec__json_type },
  { NULL, NULL }
};

PEXEC_API int luaopen_pexec_core (lua_State *L) {
  luaL_checkversion(L);
  pexec__claim(L);
  open_supervisor(L);
  luaL_newlib(L, functions);
  lua_pushstring(L, PEXEC_VERSION);
  lua_setfield(L, -2, "version");
  pexec__json_push_null(L);
  lua_setfield(L, -2, "null");
  pexec__open_process(L);
  pexec__open_manager(L);
  pexec__open_logger(L);
  pexec__open_events(L);
  pexec__open_lines(L);
  pexec__open_tail(L);
  return 1;
}
