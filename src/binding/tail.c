/*
** The last lines of a process -> a table. What the core hands out is C's
** until it is released: it stands in a userdata meanwhile, so that it is not
** lost when Lua raises. Runs on the thread that calls into Lua.
*/

#include "binding.h"

#define TAIL "pexec.Tail"

static int l_collect (lua_State *L) {
  pexec_tail_release(lua_touserdata(L, 1));
  return 0;
}

static pexec_tail *new_tail (lua_State *L) {
  pexec_tail *tail = lua_newuserdatauv(L, sizeof *tail, 0);
  *tail = (pexec_tail){ 0, NULL, NULL };
  luaL_setmetatable(L, TAIL);
  return tail;
}

static void push_line (lua_State *L, const pexec_line *line) {
  lua_createtable(L, 0, 4);
  lua_pushlstring(L, line->data, line->length);
  lua_setfield(L, -2, "line");
  lua_pushstring(L, line->stream == PEXEC_STDOUT ? "stdout" : "stderr");
  lua_setfield(L, -2, "stream");
  lua_pushnumber(L, (lua_Number)line->time_ns / 1e9);
  lua_setfield(L, -2, "time");
  if (line->is_partial) {
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "partial");
  }
}

/* The last 'most' lines of this run (0: of any), the oldest first. */
static void push_lines (lua_State *L, const pexec_tail *tail, size_t most,
                        uint64_t run) {
  size_t first = tail->count, count = 0;
  for (; first > 0 && count < most; first--)
    count += (run == 0 || tail->lines[first - 1].run == run);
  lua_createtable(L, (int)count, 0);
  count = 0;
  for (; first < tail->count; first++) {
    if (run != 0 && tail->lines[first].run != run)
      continue;
    push_line(L, &tail->lines[first]);
    lua_rawseti(L, -2, (lua_Integer)++count);
  }
}

/* [-0, +1|3, v] tail(process, most or nil, run or nil) -> array of
   { line =, stream =, time = [, partial =] } | nil, message, code */
int pexec__tail (lua_State *L, pexec_process *process) {
  lua_Integer most = luaL_optinteger(L, 2, LUA_MAXINTEGER);
  lua_Integer run = luaL_optinteger(L, 3, 0);
  pexec_tail *tail = new_tail(L);
  int error = pexec_process_tail(process, tail);
  if (error < 0)
    return pexec__push_result(L, error, NULL);
  push_lines(L, tail, most > 0 ? (size_t)most : 0, (uint64_t)run);
  pexec_tail_release(tail);
  return 1;
}

void pexec__open_tail (lua_State *L) {
  static const luaL_Reg metamethods[] = {
    { "__gc", l_collect }, { NULL, NULL }
  };
  pexec__push_class(L, TAIL, metamethods);
  lua_pop(L, 1);
}
