/*
** For the soak: require "heap" gives a function that answers how many bytes
** of malloc's are in use, in all of its arenas. What is resident besides are
** holes, and pages of them that were touched once.
*/

#include <malloc.h>

#include <lauxlib.h>
#include <lua.h>

int luaopen_heap (lua_State *L);

/* [-0, +1, -] */
static int bytes_in_use (lua_State *L) {
  struct mallinfo2 info = mallinfo2();
  lua_pushinteger(L, (lua_Integer)info.uordblks + (lua_Integer)info.hblkhd);
  return 1;
}

int luaopen_heap (lua_State *L) {
  lua_pushcfunction(L, bytes_in_use);
  return 1;
}
