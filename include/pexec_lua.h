/*
** pexec for C hosts with a lua_State. It is for the C part of the Lua module
** alone: what scripts `require "pexec"` is lua/pexec on top of it, found
** through package.path. A host that links the C part in, instead of leaving
** it to package.cpath, makes it known before it runs a script:
**
**     luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
**     lua_pushcfunction(L, luaopen_pexec_core);
**     lua_setfield(L, -2, "pexec.core");
**     lua_pop(L, 1);
**
** Each lua_State has a supervisor of its own, which lives in its registry;
** states know nothing of each other, and may be used in different threads.
** Lua code runs on the thread that calls into the state, and on no other.
** lua_close stops what the state has started: at most the largest
** stop_timeout and a second. In a forked copy of the host it leaves the
** processes alone.
*/

#ifndef PEXEC_LUA_H
#define PEXEC_LUA_H

#include "pexec.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As in lua.h, which need not be there. */
typedef struct lua_State lua_State;

/* [-0, +1, m] Opens the module "pexec.core": pushes its table. To be called
   by `require`, or with luaL_requiref. */
PEXEC_API int luaopen_pexec_core (lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
