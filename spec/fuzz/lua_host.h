/*
** What the targets with the `lua` seam share: one lua_State for all inputs,
** with the whole module in it, and a function of checks from a Lua file
** beside this one. Lines of Lua count as coverage. One thread.
*/

#ifndef SPEC_FUZZ_LUA_HOST_H
#define SPEC_FUZZ_LUA_HOST_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "fuzz.h"
#include "pexec_lua.h"

#define GARBAGE_EVERY 64  /* inputs: a collection takes longer than one */

__attribute__((section("__libfuzzer_extra_counters")))
static uint8_t lua_lines[1 << 15];

/* By the name of the file, as addresses differ from run to run. */
static void count_line (lua_State *L, lua_Debug *at) {
  uint32_t hash = 2166136261U;
  (void)lua_getinfo(L, "S", at);
  for (const char *c = at->source; *c != '\0'; c++)
    hash = (hash ^ (uint8_t)*c) * 16777619U;
  hash = (hash ^ (uint32_t)at->currentline) * 16777619U;
  lua_lines[(hash ^ hash >> 15) % sizeof lua_lines]++;
}

/* With a traceback: to be seen in what libFuzzer prints. */
static int explain (lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

/* Calls the function under the 'count' arguments at the top. */
static inline void fuzz_call (lua_State *L, int count, int results) {
  int base = lua_gettop(L) - count;
  lua_pushcfunction(L, explain);
  lua_insert(L, base);
  if (lua_pcall(L, count, results, base) != LUA_OK) {
    (void)fprintf(stderr, "%s\n", lua_tostring(L, -1));
    EXPECT(!"the checks");
  }
  lua_remove(L, base);
}

static inline void find_files (lua_State *L) {
  lua_getglobal(L, "package");
  lua_pushliteral(L, FUZZ_ROOT "/spec/fuzz/?.lua");
  lua_setfield(L, -2, "path");
  lua_pop(L, 1);
}

/* A state with the function that the file returns at its bottom. */
static inline lua_State *fuzz_open (const char *file) {
  lua_State *L = luaL_newstate();
  EXPECT(L != NULL);
  luaL_openlibs(L);
  luaL_requiref(L, "pexec", luaopen_pexec, 0);
  lua_pop(L, 1);
  find_files(L);
  if (luaL_loadfile(L, file) != LUA_OK) {
    (void)fprintf(stderr, "%s\n", lua_tostring(L, -1));
    EXPECT(!"a file of checks");
  }
  fuzz_call(L, 0, 1);
  lua_sethook(L, count_line, LUA_MASKLINE, 0);
  return L;
}

static inline void fuzz_clean (lua_State *L) {
  static int inputs;
  lua_settop(L, 1);
  if (++inputs % GARBAGE_EVERY == 0)
    (void)lua_gc(L, LUA_GCCOLLECT);
}

#endif
