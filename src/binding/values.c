/*
** Owns durations and signals as Lua gives and gets them: seconds <-> the
** nanoseconds of the C API, names <-> numbers. Knows nothing of
** configurations. Any thread that calls into Lua.
*/

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <lauxlib.h>
#include <lua.h>

#include "pexec.h"
#include "values.h"

#define SECOND INT64_C(1000000000)

/* Up to here (13 days) each nanosecond survives a division by SECOND and the
   multiplication back, in double: three of its 53 bits are left for their
   rounding. */
#define EXACT_NS (INT64_C(1) << 50)

/* [-0, +2, m] */
static int reason (lua_State *L, const char *text) {
  luaL_pushfail(L);
  lua_pushstring(L, text);
  return 2;
}

/* [-0, +0, -] The string at 'index'; NULL where a NUL inside would hide its
   end from C. */
static const char *whole_text (lua_State *L, int index) {
  size_t length;
  const char *text = lua_tolstring(L, index, &length);
  return strlen(text) == length ? text : NULL;
}

/* {== durations ========================================================= */

/* [-0, +0, -] The number at 'index', which is one. */
static int number_to_ns (lua_State *L, int index, int64_t *ns) {
  lua_Number seconds = lua_tonumber(L, index);
  if (seconds != seconds) return -EINVAL;
  if (seconds < 0) return -EDOM;
  if (seconds > (lua_Number)(INT64_MAX / SECOND)) return -ERANGE;
  if (lua_isinteger(L, index)) *ns = lua_tointeger(L, index) * SECOND;
  else *ns = (int64_t)(seconds * (lua_Number)SECOND + 0.5);
  return 0;
}

/* [-0, +0, -] The string at 'index', which is one. */
static int text_to_ns (lua_State *L, int index, int64_t *ns) {
  const char *text = whole_text(L, index);
  int error = text != NULL ? pexec_duration_parse(text, ns) : -EINVAL;
  return error == 0 && *ns < 0 ? -EDOM : error;
}

/* [-0, +1, -] Beyond EXACT_NS whole seconds only, so that what is read back
   gives the same text, and the same number, again. */
static void push_seconds (lua_State *L, int64_t ns) {
  if (ns % SECOND == 0 || ns > EXACT_NS) lua_pushinteger(L, ns / SECOND);
  else lua_pushnumber(L, (lua_Number)ns / (lua_Number)SECOND);
}

int pexec__duration_parse (lua_State *L) {
  int type = lua_type(L, 1);
  int64_t ns = 0;
  int error;
  if (type == LUA_TNUMBER) error = number_to_ns(L, 1, &ns);
  else if (type == LUA_TSTRING) error = text_to_ns(L, 1, &ns);
  else return luaL_typeerror(L, 1, "number or string");
  if (error == -ERANGE) return reason(L, "duration out of range");
  if (error == -EDOM) return reason(L, "negative duration");
  if (error != 0) return reason(L, "invalid duration");
  push_seconds(L, ns);
  return 1;
}

int pexec__duration_format (lua_State *L) {
  char text[32];
  int64_t ns = 0;
  luaL_checktype(L, 1, LUA_TNUMBER);
  luaL_argcheck(L, number_to_ns(L, 1, &ns) == 0, 1, "invalid duration");
  pexec_duration_format(ns, text, sizeof(text));
  lua_pushstring(L, text);
  return 1;
}

/* {== signals =========================================================== */

/* The last signal of any Linux. */
#define LAST_SIGNAL 64

/* As Go writes a signal in JSON: its words for all of them ("user defined
   signal 1", "signal 40"), of which it reads but a few itself. */
static int signal_of_words (const char *text) {
  for (int signo = 1; signo <= LAST_SIGNAL; signo++)
    if (strcasecmp(text, pexec_signal_text(signo)) == 0) return signo;
  return 0;
}

/* 0: no signal */
static int signal_of_number (lua_Integer number) {
  return number > 0 && number <= LAST_SIGNAL ? (int)number : 0;
}

/* [-0, +0, -] 0: no signal */
static int signal_of_text (lua_State *L, int index) {
  const char *text = whole_text(L, index);
  int signo = 0;
  if (text == NULL) return 0;
  if (pexec_signal_parse(text, &signo) != 0) return signal_of_words(text);
  return signo;
}

int pexec__signal_parse (lua_State *L) {
  int type = lua_type(L, 1);
  int signo;
  if (type == LUA_TNUMBER) signo = signal_of_number(lua_tointeger(L, 1));
  else if (type == LUA_TSTRING) signo = signal_of_text(L, 1);
  else return luaL_typeerror(L, 1, "number or string");
  if (signo == 0 || pexec_signal_name(signo) == NULL)
    return reason(L, "unknown signal");
  lua_pushinteger(L, signo);
  return 1;
}

int pexec__signal_name (lua_State *L) {
  int signo = signal_of_number(luaL_checkinteger(L, 1));
  const char *name = pexec_signal_name(signo);
  if (name != NULL) lua_pushstring(L, name);
  else luaL_pushfail(L);
  return 1;
}
