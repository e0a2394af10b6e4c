/* A host with a lua_State and a libuv loop of its own, for the scripts that are
   its arguments: cc uv_host.c $(pkg-config --cflags --libs pexec-lua lua5.4
   libuv). They find pexec in it, and quit(). */
#include <lauxlib.h>
#include <lualib.h>
#include <pexec_lua.h>
#include <stdio.h>
#include <uv.h>

static lua_State *L;
static const char *const usual = "assert(require 'pexec'.new_managed_process{\n"
  "  id = 'a', name = 'sh', args = { '-c', 'echo hello; exit 3' },\n"
  "  log_writer = print, on_unexpected_exit = quit }:start())";

static void report (int status) {
  if (status != LUA_OK)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_settop(L, 1); /* pexec */
}
static void dispatch (uv_poll_t *door, int status, int events) {
  (void)door, (void)status, (void)events;
  lua_getfield(L, 1, "dispatch"), lua_pushinteger(L, 0);
  report(lua_pcall(L, 1, 0, 0));
}
static int quit (lua_State *state) {
  (void)state, uv_stop(uv_default_loop());
  return 0;
}
int main (int argc, char **argv) {
  uv_poll_t door;
  luaL_openlibs(L = luaL_newstate()), lua_register(L, "quit", quit);
  luaL_requiref(L, "pexec", luaopen_pexec, 0);
  lua_getfield(L, 1, "pollfd"), lua_call(L, 0, 1);
  uv_poll_init(uv_default_loop(), &door, (int)lua_tointeger(L, -1));
  uv_poll_start(&door, UV_READABLE, dispatch);
  for (int i = 1; i < argc; i++) report(luaL_dofile(L, argv[i]));
  if (argc == 1) report(luaL_dostring(L, usual));
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  lua_close(L); /* it stops what still runs */
}
