/* A host with eight threads, a lua_State each:
   cc threads.c $(pkg-config --cflags --libs pexec-lua lua5.4) -pthread */
#include <lauxlib.h>
#include <lualib.h>
#include <pexec_lua.h>
#include <pthread.h>
#include <stdio.h>

static const char script[] = "local pexec, number = require 'pexec', ...\n"
  "local worker = assert(pexec.new_managed_process({\n"
  "  id = 'worker ' .. number, name = 'sh', args = { '-c', 'exit 3' },\n"
  "  restart_delay = 0.1, on_unexpected_exit = function(status, exit)\n"
  "    return exit.run < 3\n"
  "  end }, pexec.null_logger))\n"
  "assert(worker:start() and worker:wait())\n"
  "io.write(('thread %d: %d starts\\n'):format(number, worker:info().starts))";

static void *work (void *number) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "pexec", luaopen_pexec, 0);
  if (luaL_loadstring(L, script) == LUA_OK) {
    lua_pushinteger(L, *(int *)number);
    lua_pcall(L, 1, 0, 0);
  }
  if (lua_isstring(L, -1))
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L); /* it stops whatever still runs */
  return NULL;
}

int main (void) {
  static pthread_t threads[8];
  static int numbers[8];
  for (int i = 0; i < 8; i++)
    if (pthread_create(&threads[i], NULL, work, (numbers[i] = i, &numbers[i])))
      return 1;
  for (int i = 0; i < 8; i++)
    pthread_join(threads[i], NULL);
}
