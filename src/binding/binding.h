/*
** What the files of the binding share. The binding turns userdata and tables
** into calls of pexec.h and back; it has no policy, waits for nothing, and
** everything that is easier in Lua is in lua/pexec.
**
** Functions are marked as in Lua's manual: [-o, +p, x], what they pop, what
** they push, whether they may raise ('m': memory; 'v': on purpose).
*/

#ifndef PEXEC_BINDING_BINDING_H
#define PEXEC_BINDING_BINDING_H

#include <lauxlib.h>
#include <lua.h>

#include "pexec.h"

#define PEXEC__PROCESS "pexec.ManagedProcess"
#define PEXEC__MANAGER "pexec.ProcessManager"
#define PEXEC__LOGGER "pexec.Logger"

/* [-0, +0, v] The supervisor of this Lua state. Raises once it is closed. */
pexec_supervisor *pexec__supervisor_of (lua_State *L);

/* [-0, +0, v] Raises where another copy of this code serves the state: both
   would take each other's userdata for their own. */
void pexec__claim (lua_State *L);

/* [-0, +(1|3), m] Pushes true, or nil, message and code of an error; returns
   how many. 'message' NULL: the error's own sentence. */
int pexec__push_result (lua_State *L, int error, const char *message);
/* The same, of what opens a supervisor: what the kernel lacks for that is the
   message. */
int pexec__push_opened (lua_State *L, int error);

/* [-0, +1, m] Pushes the metatable of a class, made on first use, whose
   __index is a table of its own that lua/pexec fills; 'functions' are its
   metamethods. */
void pexec__push_class (lua_State *L, const char *name,
                        const luaL_Reg *functions);

/* [-0, +1, m] Pushes the userdata of a process, or nil where it has been
   collected. */
void pexec__push_process (lua_State *L, pexec_process *process);

/* [-0, +1|3, v] tail.c: process_tail(p [, most [, run]]) */
int pexec__tail (lua_State *L, pexec_process *process);

/* [-0, +1, m] record.c: pushes an exit record. */
void pexec__push_exit (lua_State *L, const pexec_exit *end);
/* [-0, +1|3, v] record.c: process_history(p [, most]) */
int pexec__history (lua_State *L, pexec_process *process);

/* [-0, +2, m] transition.c: pushes its name and a table of what it has. */
int pexec__push_transition (lua_State *L, const pexec_change *change);

/* [-0, +1, m] transition.c: pushes an array of all their names; where one
   stands, less 1, is its bit for pexec_process_subscribe. */
void pexec__push_transition_names (lua_State *L);

/* Seconds -> milliseconds, rounded up; below 0: -1; too long is what the core
   takes for ever. */
int64_t pexec__wait_ms (lua_Number seconds);

/* [-0, +1, m] Pushes a userdata that takes over what an event of output
   holds. */
void pexec__push_lines (lua_State *L, pexec_event *event);

/* [-0, +0, v] The logger at 'index': NULL for null_logger. */
pexec_logger *pexec__check_logger (lua_State *L, int index);

/* [-0, +n, v] Reads the configuration table at 'index' into 'config', whose
   strings and arrays live as long as what this leaves on the stack. */
void pexec__read_config (lua_State *L, int index, pexec_config *config);

/* [-0, +0, m] Each puts its functions into the table at the top. */
void pexec__open_process (lua_State *L);
void pexec__open_manager (lua_State *L);
void pexec__open_logger (lua_State *L);
void pexec__open_events (lua_State *L);
void pexec__open_lines (lua_State *L);
void pexec__open_tail (lua_State *L);

#endif
