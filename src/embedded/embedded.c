/*
** luaopen_pexec: the whole module out of one library, with nothing on disk.
** Each part waits in package.preload, which `require` asks before it looks at
** files: so whatever requires a part gets this copy, and not one that happens
** to be on the disk. The thread that calls into the state.
*/

#include <lauxlib.h>
#include <lua.h>

#include "binding/binding.h"
#include "parts.h"
#include "pexec_lua.h"

/* [-0, +1, e] Runs a part; it is told its name, as a file would be. */
static int run_part (lua_State *L, const struct pexec__part *part) {
  if (luaL_loadbufferx(L, (const char *)part->text, part->size, part->chunk,
                       "t") != LUA_OK)
    return lua_error(L);
  lua_pushstring(L, part->name);
  lua_call(L, 1, 1);
  return 1;
}

/* [-0, +1, e] The loader of the part that is its upvalue. */
static int open_part (lua_State *L) {
  return run_part(L, lua_touserdata(L, lua_upvalueindex(1)));
}

/* [-1, +0, m] Into package.preload, at the top: by name the function there. */
static void preload_parts (lua_State *L) {
  for (size_t i = 1; i < pexec__part_count; i++) {
    lua_pushlightuserdata(L, (void *)&pexec__parts[i]);
    lua_pushcclosure(L, open_part, 1);
    lua_setfield(L, -2, pexec__parts[i].name);
  }
  lua_pushcfunction(L, luaopen_pexec_core);
  lua_setfield(L, -2, "pexec.core");
  lua_pushcfunction(L, luaopen_pexec);
  lua_setfield(L, -2, pexec__parts[0].name);
  lua_pop(L, 1);
}

/* [-0, +0, v] The parts find each other by it. */
static void check_require (lua_State *L) {
  if (lua_getglobal(L, "require") == LUA_TNIL)
    luaL_error(L, "pexec: the Lua state has no 'require': its host is to open "
                  "Lua's libraries first (luaL_openlibs)");
  lua_pop(L, 1);
}

PEXEC_API int luaopen_pexec (lua_State *L) {
  luaL_checkversion(L);
  check_require(L);
  pexec__claim(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  preload_parts(L);
  return run_part(L, &pexec__parts[0]);
}
