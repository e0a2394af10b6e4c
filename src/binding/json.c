/*
** Owns JSON text -> Lua values and, for strings and the like, back. Knows
** nothing of configurations. Any thread that calls into Lua.
**
** It reads by itself, straight into Lua's memory: a memory error may then be
** raised anywhere and leaks nothing. A library was no way: jansson 2.14 goes
** on with characters missing, or aborts, when it runs out of memory inside a
** string or a number.
**
** A reading function leaves one value on the stack and returns true, or sets
** 'problem', leaves anything and returns false; Lua then drops the rest.
*/

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include "values.h"

/* The name of the metatable that tells an array from an object. */
#define ARRAY "pexec.json array"
#define ARRAY_INDEX 2  /* where json_decode keeps it */

/* What the kernel takes as arguments and environment is well below. */
#define MAX_BYTES ((size_t)8 << 20)
#define MAX_DEPTH 100  /* each level takes of the C stack */

struct reader {
  lua_State *L;
  const char *start;
  const char *at;       /* the next byte to read */
  const char *end;
  int depth;            /* of the value being read */
  const char *problem;  /* NULL: none so far */
};

static bool read_value (struct reader *r);

/* {== bytes ============================================================= */

static bool fail (struct reader *r, const char *problem) {
  r->problem = problem;
  return false;
}

/* -1 at the end */
static int peek (const struct reader *r) {
  return r->at < r->end ? (unsigned char)*r->at : -1;
}

static void skip_space (struct reader *r) {
  while (r->at < r->end && memchr(" \t\r\n", *r->at, 4) != NULL) r->at++;
}

/* Skips spaces, and 'c' where it follows. */
static bool accepts (struct reader *r, char c) {
  skip_space(r);
  if (peek(r) != c) return false;
  r->at++;
  return true;
}

static bool is_continuation (char c) {
  return ((unsigned char)c & 0xC0) == 0x80;
}

/* Does a sequence of these first bytes say a character that is too small for
   its length, a surrogate, or one beyond U+10FFFF? */
static bool is_forbidden (unsigned char first, unsigned char second) {
  switch (first) {
    case 0xE0: return second < 0xA0;
    case 0xED: return second > 0x9F;
    case 0xF0: return second < 0x90;
    case 0xF4: return second > 0x8F;
    default: return first < 0xC2 || first > 0xF4;
  }
}

/* The length of the UTF-8 sequence at 'at', which is before 'end'; 0: none */
static size_t sequence_length (const char *at, const char *end) {
  unsigned char first = (unsigned char)*at;
  size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (first < 0x80) return 1;
  if ((size_t)(end - at) < length) return 0;
  if (is_forbidden(first, (unsigned char)at[1])) return 0;
  for (size_t i = 1; i < length; i++)
    if (!is_continuation(at[i])) return 0;
  return length;
}

/* {== strings =========================================================== */

/* Reads four hexadecimal digits; -1: they are not there. */
static long read_hex (struct reader *r) {
  long code = 0;
  for (int i = 0; i < 4; i++, r->at++) {
    int c = peek(r);
    if (c >= '0' && c <= '9') code = code * 16 + (c - '0');
    else if (c >= 'a' && c <= 'f') code = code * 16 + (c - 'a' + 10);
    else if (c >= 'A' && c <= 'F') code = code * 16 + (c - 'A' + 10);
    else return -1;
  }
  return code;
}

/* The other half of a pair: "\uDC00" to "\uDFFF"; -1: it is not there. */
static long read_low_surrogate (struct reader *r) {
  long code;
  if (r->end - r->at < 6 || memcmp(r->at, "\\u", 2) != 0) return -1;
  r->at += 2;
  code = read_hex(r);
  return code >= 0xDC00 && code <= 0xDFFF ? code : -1;
}

/* Reads what follows "\u". */
static bool read_unicode (struct reader *r, luaL_Buffer *buffer) {
  long code = read_hex(r);
  if (code < 0) return fail(r, "four hexadecimal digits expected");
  if (code >= 0xDC00 && code <= 0xDFFF)
    return fail(r, "half a surrogate pair");
  if (code >= 0xD800 && code <= 0xDBFF) {
    long low = read_low_surrogate(r);
    if (low < 0) return fail(r, "half a surrogate pair");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  lua_pushfstring(r->L, "%U", code);
  luaL_addvalue(buffer);
  return true;
}

/* Reads what follows a backslash. */
static bool read_escape (struct reader *r, luaL_Buffer *buffer) {
  static const char names[] = "\"\\/bfnrt";
  static const char values[] = "\"\\/\b\f\n\r\t";
  int c = peek(r);
  const char *found = memchr(names, c, sizeof(names) - 1);
  if (c != 'u' && (c < 0 || found == NULL)) return fail(r, "invalid escape");
  r->at++;
  if (c == 'u') return read_unicode(r, buffer);
  luaL_addchar(buffer, values[found - names]);
  return true;
}

static bool read_character (struct reader *r, luaL_Buffer *buffer) {
  int c = peek(r);
  size_t length;
  if (c < 0) return fail(r, "unfinished string");
  if (c < ' ') return fail(r, "control character in a string");
  length = sequence_length(r->at, r->end);
  if (length == 0) return fail(r, "invalid UTF-8");
  luaL_addlstring(buffer, r->at, length);
  r->at += length;
  return true;
}

static bool read_string (struct reader *r) {
  luaL_Buffer buffer;
  luaL_buffinit(r->L, &buffer);
  r->at++;
  while (peek(r) != '"') {
    bool is_escape = peek(r) == '\\';
    if (is_escape) r->at++;
    if (is_escape ? !read_escape(r, &buffer) : !read_character(r, &buffer))
      return false;
  }
  r->at++;
  luaL_pushresult(&buffer);
  return true;
}

/* {== numbers and words ================================================= */

/* At least one. */
static bool skip_digits (struct reader *r) {
  const char *start = r->at;
  while (peek(r) >= '0' && peek(r) <= '9') r->at++;
  return r->at > start || fail(r, "digit expected");
}

/* JSON's grammar, which is narrower than Lua's. */
static bool skip_number (struct reader *r) {
  if (peek(r) == '-') r->at++;
  if (peek(r) == '0') r->at++;
  else if (!skip_digits(r)) return false;
  if (peek(r) == '.') {
    r->at++;
    if (!skip_digits(r)) return false;
  }
  if (peek(r) != 'e' && peek(r) != 'E') return true;
  r->at++;
  if (peek(r) == '+' || peek(r) == '-') r->at++;
  return skip_digits(r);
}

static bool read_number (struct reader *r) {
  const char *start = r->at;
  const char *text;
  if (!skip_number(r)) return false;
  text = lua_pushlstring(r->L, start, (size_t)(r->at - start));
  /* Lua gives up on long numbers where the locale has a comma */
  if (lua_stringtonumber(r->L, text) == 0) return fail(r, "invalid number");
  lua_remove(r->L, -2);
  return true;
}

static bool read_word (struct reader *r, const char *word) {
  size_t length = strlen(word);
  if ((size_t)(r->end - r->at) < length) return fail(r, "value expected");
  if (memcmp(r->at, word, length) != 0) return fail(r, "value expected");
  r->at += length;
  if (*word == 'n') pexec__json_push_null(r->L);
  else lua_pushboolean(r->L, *word == 't');
  return true;
}

/* {== arrays and objects ================================================ */

/* Skips the bracket and pushes a table. */
static bool enter (struct reader *r) {
  if (++r->depth > MAX_DEPTH) return fail(r, "nested too deeply");
  r->at++;
  luaL_checkstack(r->L, LUA_MINSTACK, "nested too deeply");
  lua_newtable(r->L);
  return true;
}

/* Reads the closing bracket. */
static bool leave (struct reader *r, char bracket, const char *problem) {
  if (!accepts(r, bracket)) return fail(r, problem);
  r->depth--;
  return true;
}

static bool read_array (struct reader *r) {
  lua_Integer count = 0;
  if (!enter(r)) return false;
  lua_pushvalue(r->L, ARRAY_INDEX);
  lua_setmetatable(r->L, -2);
  skip_space(r);
  if (peek(r) == ']') return leave(r, ']', NULL);
  do {
    if (!read_value(r)) return false;
    lua_rawseti(r->L, -2, ++count);
  } while (accepts(r, ','));
  return leave(r, ']', "',' or ']' expected");
}

/* Reads name and value into the object on top of the stack. */
static bool read_member (struct reader *r, lua_Integer number) {
  lua_State *L = r->L;
  skip_space(r);
  if (peek(r) != '"') return fail(r, "string expected");
  if (!read_string(r)) return false;  /* object, name */
  if (!accepts(r, ':')) return fail(r, "':' expected");
  if (!read_value(r)) return false;   /* object, name, value */
  lua_pushvalue(L, -2);
  lua_rawseti(L, -4, number);
  lua_rawset(L, -3);
  return true;
}

static bool read_object (struct reader *r) {
  lua_Integer count = 0;
  if (!enter(r)) return false;
  skip_space(r);
  if (peek(r) == '}') return leave(r, '}', NULL);
  do {
    if (!read_member(r, ++count)) return false;
  } while (accepts(r, ','));
  return leave(r, '}', "',' or '}' expected");
}

static bool read_value (struct reader *r) {
  skip_space(r);
  switch (peek(r)) {
    case '{': return read_object(r);
    case '[': return read_array(r);
    case '"': return read_string(r);
    case 't': return read_word(r, "true");
    case 'f': return read_word(r, "false");
    case 'n': return read_word(r, "null");
    case '-': case '0': case '1': case '2': case '3': case '4': case '5':
    case '6': case '7': case '8': case '9': return read_number(r);
    default: return fail(r, "value expected");
  }
}

static bool read_text (struct reader *r) {
  if (!read_value(r)) return false;
  skip_space(r);
  return r->at == r->end || fail(r, "end of text expected");
}

/* {== what Lua calls ==================================================== */

/* [-0, +2, m] A column counts characters. */
static int tell_problem (struct reader *r) {
  int line = 1;
  int column = 1;
  for (const char *at = r->start; at < r->at; at++) {
    if (!is_continuation(*at)) column++;
    if (*at != '\n') continue;
    line++;
    column = 1;
  }
  luaL_pushfail(r->L);
  lua_pushfstring(r->L, "line %d, column %d: %s", line, column, r->problem);
  return 2;
}

int pexec__json_decode (lua_State *L) {
  struct reader r = { L, NULL, NULL, NULL, 0, NULL };
  size_t length;
  luaL_checktype(L, 1, LUA_TSTRING);
  r.start = r.at = lua_tolstring(L, 1, &length);
  r.end = r.start + length;
  lua_settop(L, 1);
  luaL_newmetatable(L, ARRAY);  /* text, metatable */
  if (length > MAX_BYTES) fail(&r, "more than 8 MiB");
  else if (read_text(&r)) return 1;
  return tell_problem(&r);
}

/* [-0, +0, m] */
static bool is_array (lua_State *L, int index) {
  bool is_equal;
  if (!lua_getmetatable(L, index)) return false;
  luaL_getmetatable(L, ARRAY);
  is_equal = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return is_equal;
}

int pexec__json_type (lua_State *L) {
  luaL_checkany(L, 1);
  switch (lua_type(L, 1)) {
    case LUA_TLIGHTUSERDATA: lua_pushliteral(L, "null"); break;
    case LUA_TBOOLEAN: lua_pushliteral(L, "boolean"); break;
    case LUA_TNUMBER: lua_pushliteral(L, "number"); break;
    case LUA_TSTRING: lua_pushliteral(L, "string"); break;
    case LUA_TTABLE:
      lua_pushstring(L, is_array(L, 1) ? "array" : "object");
      break;
    default: luaL_pushfail(L);
  }
  return 1;
}

/* [-0, +1, m] */
static void add_character (luaL_Buffer *buffer, const char *at,
                           size_t length) {
  if (*at == '"' || *at == '\\') luaL_addchar(buffer, '\\');
  if ((unsigned char)*at >= ' ') luaL_addlstring(buffer, at, length);
  else {
    static const char digits[] = "0123456789abcdef";
    luaL_addstring(buffer, "\\u00");
    luaL_addchar(buffer, digits[*at / 16]);
    luaL_addchar(buffer, digits[*at % 16]);
  }
}

/* [-0, +(1|2), m] */
static int encode_string (lua_State *L, const char *at, size_t size) {
  const char *end = at + size;
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  luaL_addchar(&buffer, '"');
  while (at < end) {
    size_t length = sequence_length(at, end);
    if (length == 0) {
      luaL_pushfail(L);
      lua_pushliteral(L, "invalid UTF-8");
      return 2;
    }
    add_character(&buffer, at, length);
    at += length;
  }
  luaL_addchar(&buffer, '"');
  luaL_pushresult(&buffer);
  return 1;
}

int pexec__json_encode (lua_State *L) {
  size_t length;
  const char *text;
  switch (lua_type(L, 1)) {
    case LUA_TSTRING:
      text = lua_tolstring(L, 1, &length);
      return encode_string(L, text, length);
    case LUA_TBOOLEAN:
      lua_pushstring(L, lua_toboolean(L, 1) ? "true" : "false");
      return 1;
    case LUA_TNIL: lua_pushliteral(L, "null"); return 1;
    default: return luaL_typeerror(L, 1, "string, boolean or nil");
  }
}

void pexec__json_push_null (lua_State *L) {
  lua_pushlightuserdata(L, NULL);
}
