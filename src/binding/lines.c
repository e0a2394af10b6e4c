/*
** Lines: a userdata around what a process wrote, from which Lua takes one
** line after the other: each is copied once, from the memory that it was read
** into. Runs on the thread that calls into Lua.
*/

#include <string.h>

#include "binding.h"

#define LINES "pexec.Lines"

struct lines {
  pexec_event event;  /* of output; none: nothing to release */
  size_t at;          /* where the next line begins */
  int is_over;
};

static int l_collect (lua_State *L) {
  struct lines *lines = lua_touserdata(L, 1);
  pexec_event_release(&lines->event);
  return 0;
}

/* It is made before it gets what it holds: nothing is lost when that raises. */
void pexec__push_lines (lua_State *L, pexec_event *event) {
  struct lines *lines = lua_newuserdatauv(L, sizeof *lines, 0);
  *lines = (struct lines){ PEXEC_EVENT_INIT, 0, 0 };
  luaL_setmetatable(L, LINES);
  lines->event = *event;
  event->held = NULL;
}

/* [-0, +1, m] lines_next(lines) -> the next one, without its newline; nil
   after the last. The end of a line in pieces may be empty. Not for others
   than pexec's own code: it trusts its argument. */
static int l_next (lua_State *L) {
  struct lines *lines = lua_touserdata(L, 1);
  const pexec_event *event = &lines->event;
  const char *start = event->data + lines->at;
  const char *end;
  if (lines->is_over) {
    lua_pushnil(L);
    return 1;
  }
  end = memchr(start, '\n', event->length - lines->at);
  lua_pushlstring(L, start, end ? (size_t)(end - start)
                                : event->length - lines->at);
  lines->at += (end ? (size_t)(end + 1 - start) : event->length - lines->at);
  lines->is_over = (lines->at == event->length);
  return 1;
}

/* [-0, +0, v] lines_done(lines): the host is done with all of it. */
static int l_done (lua_State *L) {
  struct lines *lines = luaL_checkudata(L, 1, LINES);
  pexec_event *event = &lines->event;
  lines->is_over = 1;
  if (event->held == NULL)
    return 0;
  pexec_process_consumed(event->process, event->length, event->lines);
  pexec_event_release(event);
  return 0;
}

void pexec__open_lines (lua_State *L) {
  static const luaL_Reg functions[] = {
    { "lines_next", l_next }, { "lines_done", l_done }, { NULL, NULL }
  };
  static const luaL_Reg metamethods[] = {
    { "__gc", l_collect }, { NULL, NULL }
  };
  luaL_setfuncs(L, functions, 0);
  pexec__push_class(L, LINES, metamethods);
  lua_pop(L, 1);
}
