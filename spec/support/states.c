/*
** states: Lua states besides the one that asks, as hosts in C have them: in
** threads of their own, or with an allocator that fails. Each state has the
** standard libraries and runs a Lua text; its errors come back as messages.
** A thread touches nothing but its own state and its own slot.
*/

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

enum { MOST_THREADS = 64, ROOM = 512 };

__attribute__((visibility("default"))) int luaopen_states (lua_State *L);

static double now (void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* {== one state ==== */

static void keep_message (lua_State *L, char *message) {
  const char *text = lua_tostring(L, -1);
  snprintf(message, ROOM, "%s", text != NULL ? text : "(no text)");
}

/* Runs a text with one number as its argument; false with a message. */
static bool run_text (lua_State *L, const char *text, lua_Integer number,
                      char *message) {
  int status = luaL_loadstring(L, text);
  if (status == LUA_OK) {
    lua_pushinteger(L, number);
    status = lua_pcall(L, 1, 0, 0);
  }
  if (status == LUA_OK)
    return true;
  keep_message(L, message);
  lua_pop(L, 1);
  return false;
}

/* {== one after another ==== */

/* run(text): true or false, message, and how long closing took */
static int run (lua_State *L) {
  char message[ROOM] = "";
  const char *text = luaL_checkstring(L, 1);
  lua_State *other = luaL_newstate();
  if (other == NULL)
    return luaL_error(L, "no memory");
  luaL_openlibs(other);
  bool is_fine = run_text(other, text, 0, message);
  double began = now();
  lua_close(other);
  lua_pushboolean(L, is_fine);
  lua_pushstring(L, message);
  lua_pushnumber(L, now() - began);
  return 3;
}

/* {== side by side ==== */

struct worker {
  pthread_t thread;
  const char *text;
  int number, rounds;
  char message[ROOM];      /* of its first error; empty: none */
};

static void run_round (struct worker *worker, int round) {
  char message[ROOM];
  lua_State *L = luaL_newstate();
  if (L == NULL)
    return;
  luaL_openlibs(L);
  if (!run_text(L, worker->text, worker->number * 1000 + round, message)
      && worker->message[0] == '\0')
    memcpy(worker->message, message, ROOM);
  lua_close(L);
}

static void *work (void *argument) {
  struct worker *worker = argument;
  for (int round = 0; round < worker->rounds; round++)
    run_round(worker, round);
  return NULL;
}

static bool start (struct worker *worker) {
  return pthread_create(&worker->thread, NULL, work, worker) == 0;
}

/* threads(count, rounds, text): array of the messages of those that failed.
   The text gets a number of its own in each round. */
static int threads (lua_State *L) {
  static struct worker workers[MOST_THREADS];
  int count = (int)luaL_checkinteger(L, 1), started = 0;
  luaL_argcheck(L, count > 0 && count <= MOST_THREADS, 1, "too many");
  for (; started < count; started++) {
    struct worker *worker = &workers[started];
    memset(worker, 0, sizeof *worker);
    worker->number = started;
    worker->rounds = (int)luaL_checkinteger(L, 2);
    worker->text = luaL_checkstring(L, 3);
    if (!start(worker))
      break;
  }
  lua_newtable(L);
  for (int i = 0; i < started; i++) {
    pthread_join(workers[i].thread, NULL);
    if (workers[i].message[0] != '\0') {
      lua_pushstring(L, workers[i].message);
      lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    }
  }
  return 1;
}

/* {== with an allocator that fails ==== */

struct allocator {
  bool is_armed;
  long left;               /* until the chosen one; 0: it is next */
  long most;               /* how many fail, from the chosen one on */
  long failed;
  size_t used;             /* bytes */
};

static bool fails (struct allocator *allocator) {
  if (!allocator->is_armed)
    return false;
  if (allocator->left > 0) {
    allocator->left--;
    return false;
  }
  allocator->failed++;
  allocator->is_armed = (allocator->failed < allocator->most);
  return true;
}

/* Giving back, and shrinking, always succeed, as Lua asks for. */
static void *allocate (void *owner, void *block, size_t old, size_t size) {
  struct allocator *allocator = owner;
  if (block == NULL)
    old = 0;
  if (size > old && fails(allocator))
    return NULL;
  if (size == 0) {
    free(block);
    allocator->used -= old;
    return NULL;
  }
  void *made = realloc(block, size);
  if (made != NULL)
    allocator->used += size - old;
  return made;
}

/* In the state: arm(nth, is_for_good or how many), disarm() -> how many
   failed. Lua collects and tries again, so that it takes two for an error. */
static int arm (lua_State *L) {
  struct allocator *allocator = lua_touserdata(L, lua_upvalueindex(1));
  long most = lua_toboolean(L, 2) ? LONG_MAX : 1;
  allocator->left = (long)luaL_checkinteger(L, 1) - 1;
  allocator->most = lua_isinteger(L, 2) ? (long)lua_tointeger(L, 2) : most;
  allocator->failed = 0;
  allocator->is_armed = true;
  return 0;
}

static int disarm (lua_State *L) {
  struct allocator *allocator = lua_touserdata(L, lua_upvalueindex(1));
  allocator->is_armed = false;
  lua_pushinteger(L, allocator->failed);
  return 1;
}

static void give_functions (lua_State *L, struct allocator *allocator) {
  lua_pushlightuserdata(L, allocator);
  lua_pushcclosure(L, arm, 1);
  lua_setglobal(L, "arm");
  lua_pushlightuserdata(L, allocator);
  lua_pushcclosure(L, disarm, 1);
  lua_setglobal(L, "disarm");
}

/* starved(text): runs it where arm and disarm are global functions. true or
   false, message, and the bytes that are left when the state is closed. */
static int starved (lua_State *L) {
  struct allocator allocator = { 0 };
  char message[ROOM] = "";
  const char *text = luaL_checkstring(L, 1);
  lua_State *other = lua_newstate(allocate, &allocator);
  if (other == NULL)
    return luaL_error(L, "no memory");
  luaL_openlibs(other);
  give_functions(other, &allocator);
  bool is_fine = run_text(other, text, 0, message);
  allocator.is_armed = false;
  lua_close(other);
  lua_pushboolean(L, is_fine);
  lua_pushstring(L, message);
  lua_pushinteger(L, (lua_Integer)allocator.used);
  return 3;
}

int luaopen_states (lua_State *L) {
  static const luaL_Reg functions[] = {
    { "run", run }, { "threads", threads }, { "starved", starved },
    { NULL, NULL }
  };
  luaL_newlib(L, functions);
  return 1;
}
