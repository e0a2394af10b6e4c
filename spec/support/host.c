/*
** The interpreter that the specs run in: `host SCRIPT [ARG...]` does what
** `lua5.4 SCRIPT [ARG...]` does. It exists so that a sanitizer can be linked
** into the program that loads the module, as both sanitizers ask for. It
** knows nothing of pexec. Its one thread runs everything.
*/

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static lua_State *running;  /* for the handler of Ctrl-C alone */

static void raise_interrupt (lua_State *L, lua_Debug *event) {
  (void)event;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted!");
}

/* Without SA_RESTART, as in lua5.4: a call that waits is to be interrupted. */
static void set_interrupt (void (*handler) (int)) {
  struct sigaction action = { .sa_handler = handler };
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
}

/* Only the hook is set here: nothing else of Lua is safe in a handler. */
static void on_interrupt (int signo) {
  int mask = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT;
  (void)signo;
  set_interrupt(SIG_DFL);
  lua_sethook(running, raise_interrupt, mask, 1);
}

static int add_traceback (lua_State *L) {
  const char *message = lua_tostring(L, 1);
  if (message == NULL)
    message = luaL_tolstring(L, 1, NULL);
  luaL_traceback(L, L, message, 1);
  return 1;
}

static void set_arg (lua_State *L, int argc, char **argv) {
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - 1);
  }
  lua_setglobal(L, "arg");
}

static int run_script (lua_State *L, int argc, char **argv) {
  lua_pushcfunction(L, add_traceback);
  int status = luaL_loadfile(L, argv[1]);
  for (int i = 2; status == LUA_OK && i < argc; i++)
    lua_pushstring(L, argv[i]);
  if (status == LUA_OK) {
    set_interrupt(on_interrupt);
    status = lua_pcall(L, argc - 2, 0, 1);
    set_interrupt(SIG_DFL);
  }
  if (status != LUA_OK)
    fprintf(stderr, "host: %s\n", lua_tostring(L, -1));
  return status == LUA_OK;
}

int main (int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: host SCRIPT [ARG...]\n");
    return 64;
  }
  lua_State *L = luaL_newstate();
  if (L == NULL)
    return 70;
  running = L;
  luaL_openlibs(L);
  set_arg(L, argc, argv);
  lua_gc(L, LUA_GCGEN, 0, 0);
  luaL_checkstack(L, argc + 4, "too many arguments");
  int is_fine = run_script(L, argc, argv);
  lua_close(L);
  return is_fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
