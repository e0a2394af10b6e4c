/*
** pexec for C hosts with a lua_State. libpexec-lua has all of the Lua module in
** it; nothing is looked for on disk, whatever may be installed there:
**
**     luaL_openlibs(L);
**     luaL_requiref(L, "pexec", luaopen_pexec, 0);
**     lua_pop(L, 1);
**
** Then scripts `require "pexec"`, and get what the host has got. Parts of it,
** "pexec.config" and the like, stand in package.preload and are in
** package.loaded, as after any `require`; no global is set. A host that wants
** it only where a script asks for it puts luaopen_pexec into the registry's
** LUA_PRELOAD_TABLE instead. Where a state has got pexec from elsewhere before
** (package.cpath), luaopen_pexec raises an error; and so does what would load
** that afterwards.
**
** Lua itself is the host's: the library takes its functions from the program,
** and is for Lua 5.4. For the rest it stands on libpexec, so that such a host
** may use pexec.h besides, and pexec_set_allocator counts for both.
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

/* [-0, +1, e] Opens the module "pexec": pushes its table. To be called by
   luaL_requiref or `require`. Its state needs Lua's standard libraries, but
   io and os. */
PEXEC_API int luaopen_pexec (lua_State *L);

/* [-0, +1, m] Opens "pexec.core", its C part alone: what lua/pexec stands on,
   for hosts that have that elsewhere. The same way. */
PEXEC_API int luaopen_pexec_core (lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
