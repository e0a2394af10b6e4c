/*
** ProcessManager: a userdata with one user value, the table that
** lua/pexec/process_manager.lua works on. It holds nothing of C's.
*/

#include "binding.h"

/* [-0, +1, v] manager_new(table) -> userdata */
static int l_new (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_newuserdatauv(L, 0, 1);
  luaL_setmetatable(L, PEXEC__MANAGER);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

/* [-0, +1, v] manager_value(manager) -> table */
static int l_value (lua_State *L) {
  luaL_checkudata(L, 1, PEXEC__MANAGER);
  lua_getiuservalue(L, 1, 1);
  return 1;
}

void pexec__open_manager (lua_State *L) {
  static const luaL_Reg functions[] = {
    { "manager_new", l_new }, { "manager_value", l_value }, { NULL, NULL }
  };
  static const luaL_Reg metamethods[] = { { NULL, NULL } };
  luaL_setfuncs(L, functions, 0);
  pexec__push_class(L, PEXEC__MANAGER, metamethods);
  lua_setfield(L, -2, "ProcessManager");
}
