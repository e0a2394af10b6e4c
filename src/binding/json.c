/*
** Owns JSON text -> Lua values and back; jansson does the reading and the
** writing. Knows nothing of configurations. Any thread that calls into Lua.
**
** What jansson allocates hangs on a userdata that is made before it, so that
** a Lua error, which may come at any push, leaks nothing. For the same
** reason no buffer of jansson's own is used for text.
*/

#include <stddef.h>
#include <string.h>

#include <jansson.h>
#include <lauxlib.h>
#include <lua.h>

#include "values.h"

/* The name of the metatable that tells an array from an object. */
#define ARRAY "pexec.json array"

/* What the kernel takes as arguments and environment is well below. */
#define MAX_BYTES ((size_t)8 << 20)

/* What numbers are read for, signals and sizes, a float holds exactly; an
   integer that is too large for C, in a member that is ignored, is no reason
   to refuse the text. */
#define READING (JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL)

/* Levels of what is written; a table that holds itself has too many. */
enum { MOST_LEVELS = 8 };

/* {== ownership ========================================================= */

static void drop (json_t **holder) {
  json_decref(*holder);
  *holder = NULL;
}

static int collect (lua_State *L) {
  drop(lua_touserdata(L, 1));
  return 0;
}

/* [-0, +1, m] Its metatable is its own: one that is shared could be left
   without __gc by a memory error. */
static json_t **new_holder (lua_State *L) {
  json_t **holder = lua_newuserdatauv(L, sizeof *holder, 0);
  *holder = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return holder;
}

/* {== from JSON ========================================================= */

/* [-0, +1, v] */
static void push_value (lua_State *L, json_t *value);

static void push_array (lua_State *L, json_t *array) {
  size_t count = json_array_size(array);
  lua_newtable(L);
  luaL_setmetatable(L, ARRAY);
  for (size_t i = 0; i < count; i++) {
    push_value(L, json_array_get(array, i));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_object (lua_State *L, json_t *object) {
  lua_Integer count = 0;
  const char *name;  /* without a NUL: jansson refuses it */
  json_t *value;
  lua_newtable(L);
  json_object_foreach (object, name, value) {
    lua_pushstring(L, name);
    lua_rawseti(L, -2, ++count);
    push_value(L, value);
    lua_setfield(L, -2, name);
  }
}

/* Recursion ends where jansson's did, at 2048. */
static void push_value (lua_State *L, json_t *value) {
  luaL_checkstack(L, LUA_MINSTACK, "nested too deeply");
  switch (json_typeof(value)) {
    case JSON_OBJECT: push_object(L, value); break;
    case JSON_ARRAY: push_array(L, value); break;
    case JSON_STRING:
      lua_pushlstring(L, json_string_value(value),
                      json_string_length(value));
      break;
    case JSON_INTEGER: case JSON_REAL:
      lua_pushnumber(L, json_number_value(value));
      break;
    case JSON_TRUE: case JSON_FALSE:
      lua_pushboolean(L, json_is_true(value));
      break;
    case JSON_NULL: pexec__json_push_null(L); break;
  }
}

/* What jansson need not see; NULL: nothing. It skips some NUL bytes. */
static const char *refusal (const char *text, size_t length) {
  if (length > MAX_BYTES) return "more than 8 MiB";
  if (memchr(text, '\0', length) != NULL) return "NUL byte in the text";
  return NULL;
}

/* [-0, +2, v] Its text quotes what was read: line breaks, half a character. */
static int tell_problem (lua_State *L, json_error_t *error) {
  if (error->text[0] == '\0') return luaL_error(L, "not enough memory");
  for (char *at = error->text; *at != '\0'; at++)
    if (*at < ' ' || *at > '~') *at = '?';
  luaL_pushfail(L);
  lua_pushfstring(L, "line %d, column %d: %s", error->line, error->column,
                  error->text);
  return 2;
}

int pexec__json_decode (lua_State *L) {
  const char *text, *problem;
  size_t length;
  json_error_t error;
  json_t **holder;
  luaL_checktype(L, 1, LUA_TSTRING);
  text = lua_tolstring(L, 1, &length);
  problem = refusal(text, length);
  if (problem != NULL) {
    luaL_pushfail(L);
    lua_pushstring(L, problem);
    return 2;
  }
  luaL_newmetatable(L, ARRAY);
  holder = new_holder(L);
  *holder = json_loadb(text, length, READING, &error);
  if (*holder == NULL) return tell_problem(L, &error);
  push_value(L, *holder);
  drop(holder);  /* now, not when Lua happens to collect it */
  return 1;
}

/* [-0, +0, m] */
static int is_array (lua_State *L, int index) {
  int is_equal;
  if (!lua_getmetatable(L, index)) return 0;
  luaL_getmetatable(L, ARRAY);
  is_equal = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return is_equal;
}

int pexec__json_type (lua_State *L) {
  luaL_checkany(L, 1);
  switch (lua_type(L, 1)) {
    case LUA_TLIGHTUSERDATA: lua_pushliteral(L, "null"); break;
    case LUA_TTABLE:
      lua_pushstring(L, is_array(L, 1) ? "array" : "object");
      break;
    default: lua_pushstring(L, luaL_typename(L, 1));
  }
  return 1;
}

/* {== to JSON =========================================================== */

/* [-0, +0, -] Is the table on top of the stack one of pairs, an object? The
   first of a pair is a name; of an object in an array, a pair. */
static int has_pairs (lua_State *L) {
  int is_object = 0;
  if (lua_rawgeti(L, -1, 1) == LUA_TTABLE) {
    is_object = lua_rawgeti(L, -1, 1) != LUA_TTABLE;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return is_object;
}

/* [-0, +0, -] Of the value on top of the stack; of a table its kind alone.
   NULL: no memory, invalid UTF-8, or a type that is not written. */
static json_t *new_json (lua_State *L) {
  size_t length;
  const char *text;
  switch (lua_type(L, -1)) {
    case LUA_TNIL: return json_null();
    case LUA_TNUMBER:
      if (lua_isinteger(L, -1))
        return json_integer((json_int_t)lua_tointeger(L, -1));
      return json_real(lua_tonumber(L, -1));  /* NULL for inf and nan */
    case LUA_TBOOLEAN: return json_boolean(lua_toboolean(L, -1));
    case LUA_TSTRING:
      text = lua_tolstring(L, -1, &length);
      return json_stringn(text, length);
    case LUA_TTABLE: return has_pairs(L) ? json_object() : json_array();
    default: return NULL;
  }
}

/* [-1, +2, v] A pair becomes its name and its value. */
static void open_pair (lua_State *L) {
  if (!lua_istable(L, -1)) luaL_error(L, "pair expected");
  lua_rawgeti(L, -1, 2);                    /* pair, value */
  if (lua_rawgeti(L, -2, 1) != LUA_TSTRING) luaL_error(L, "name expected");
  lua_replace(L, -3);                       /* name, value */
}

/* [-0, +0, v] Adds the value on top of the stack, a member's name below it.
   What is added belongs to 'parent'. */
static json_t *add (lua_State *L, json_t *parent) {
  json_t *child = new_json(L);
  int error;
  if (json_is_object(parent)) {
    size_t length;
    const char *name = lua_tolstring(L, -2, &length);
    error = json_object_setn_new(parent, name, length, child);
  }
  else error = json_array_append_new(parent, child);
  if (error) luaL_error(L, "a value that cannot be written as JSON");
  return child;
}

/* [-0, +0, v] Adds the elements of the table on top of the stack. */
static void fill (lua_State *L, json_t *parent, int level) {
  int top = lua_gettop(L);
  lua_Integer count = (lua_Integer)lua_rawlen(L, top);
  if (level > MOST_LEVELS) luaL_error(L, "nested too deeply");
  luaL_checkstack(L, LUA_MINSTACK, "nested too deeply");
  for (lua_Integer i = 1; i <= count; i++) {
    json_t *child;
    lua_rawgeti(L, top, i);
    if (json_is_object(parent)) open_pair(L);
    child = add(L, parent);
    if (lua_istable(L, -1)) fill(L, child, level + 1);
    lua_settop(L, top);
  }
}

/* [-0, +1, v] */
static void push_text (lua_State *L, const json_t *value) {
  size_t size = json_dumpb(value, NULL, 0, JSON_COMPACT);
  luaL_Buffer buffer;
  char *text = luaL_buffinitsize(L, &buffer, size);
  if (size == 0 || json_dumpb(value, text, size, JSON_COMPACT) != size)
    luaL_error(L, "not enough memory");
  luaL_pushresultsize(&buffer, size);
}

int pexec__json_encode (lua_State *L) {
  json_t **holder;
  luaL_checktype(L, 1, LUA_TTABLE);
  holder = new_holder(L);
  *holder = json_object();
  if (*holder == NULL) return luaL_error(L, "not enough memory");
  lua_pushvalue(L, 1);
  fill(L, *holder, 0);
  push_text(L, *holder);
  drop(holder);
  return 1;
}

void pexec__json_push_null (lua_State *L) {
  lua_pushlightuserdata(L, NULL);
}
