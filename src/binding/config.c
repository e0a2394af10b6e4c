/*
** A configuration table, as lua/pexec/config.lua has checked it, -> the
** pexec_config of pexec.h. Runs on the thread that calls into Lua.
*/

#include <limits.h>
#include <string.h>

#include "binding.h"

/* The value stays on the stack: it keeps the string alive. */
static const char *read_text (lua_State *L, int table, const char *field) {
  if (lua_getfield(L, table, field) == LUA_TNIL)
    return NULL;
  return luaL_checkstring(L, -1);
}

/* An array of strings -> one that ends in NULL, in a userdata that stays on
   the stack; the strings live in the array. */
static const char *const *read_array (lua_State *L, int table,
                                      const char *field) {
  const char **array;
  lua_Unsigned count;
  lua_getfield(L, table, field);
  luaL_checktype(L, -1, LUA_TTABLE);
  count = lua_rawlen(L, -1);
  array = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *array, 0);
  for (lua_Unsigned i = 0; i < count; i++) {
    lua_rawgeti(L, -2, (lua_Integer)i + 1);
    array[i] = luaL_checkstring(L, -1);
    lua_pop(L, 1);
  }
  array[count] = NULL;
  return array;
}

static int read_boolean (lua_State *L, int table, const char *field) {
  int value;
  lua_getfield(L, table, field);
  value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

static lua_Integer read_integer (lua_State *L, int table, const char *field) {
  lua_Integer value;
  lua_getfield(L, table, field);
  value = luaL_checkinteger(L, -1);
  lua_pop(L, 1);
  return value;
}

/* Which of the words it is; they end in NULL. */
static int read_word (lua_State *L, int table, const char *field,
                      const char *const *words) {
  int which;
  lua_getfield(L, table, field);
  which = luaL_checkoption(L, -1, NULL, words);
  lua_pop(L, 1);
  return which;
}

static lua_Number read_number (lua_State *L, int table, const char *field) {
  lua_Number value;
  lua_getfield(L, table, field);
  value = luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return value;
}

int64_t pexec__wait_ms (lua_Number seconds) {
  lua_Number wait_ms = seconds * 1000.0;
  return seconds < 0 ? -1
       : wait_ms < 4e15 ? (int64_t)(wait_ms + 0.999999) : INT64_MAX;
}

static int64_t read_wait (lua_State *L, int table, const char *field) {
  return pexec__wait_ms(read_number(L, table, field));
}

static pexec_logger *read_logger (lua_State *L, int table,
                                  const char *field) {
  if (lua_getfield(L, table, field) == LUA_TNIL)
    return NULL;
  return pexec__check_logger(L, -1);
}

/* {== where output goes, where input comes from ========================== */

/* In the order of enum pexec_format, of enum pexec_source, and of 0 and 1. */
static const char *const formats[] = { "text", "json", "logfmt", "raw", NULL };
static const char *const sources[] = { "null", "host", "file", "data", "pipe",
                                       NULL };
static const char *const drops[] = { "block", "drop", NULL };

/* Of the table on top of the stack, which keeps the path alive. */
static void read_file (lua_State *L, pexec_file *file) {
  int table = lua_gettop(L);
  *file = (pexec_file)PEXEC_FILE_INIT;
  lua_getfield(L, table, "path");
  file->path = luaL_checkstring(L, -1);
  file->mode = (unsigned)read_integer(L, table, "mode");
  file->format = (enum pexec_format)read_word(L, table, "format", formats);
  file->max_size = read_integer(L, table, "max_size");
  file->keep = (int)read_integer(L, table, "keep");
  file->rotate_every_ms = read_wait(L, table, "rotate_every");
  file->compress = read_boolean(L, table, "compress");
  file->blocks = read_boolean(L, table, "blocks");
  lua_settop(L, table);
}

/* Of the array on top of the stack -> one of pointers that ends in NULL, in
   a userdata that takes its place and stays, behind the structs. */
static const pexec_file *const *read_files (lua_State *L) {
  const pexec_file **array;
  pexec_file *files;
  size_t count;
  luaL_checktype(L, -1, LUA_TTABLE);
  count = (size_t)lua_rawlen(L, -1);
  files = lua_newuserdatauv(L, count * sizeof *files +
                            (count + 1) * sizeof *array, 0);
  array = (const pexec_file **)(void *)(files + count);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -2, (lua_Integer)i + 1);
    luaL_checktype(L, -1, LUA_TTABLE);
    read_file(L, &files[i]);
    lua_pop(L, 1);
    array[i] = &files[i];
  }
  array[count] = NULL;
  lua_replace(L, -2);
  return array;
}

static void read_output (lua_State *L, int table, const char *field,
                         pexec_output *output) {
  int from;
  lua_getfield(L, table, field);
  luaL_checktype(L, -1, LUA_TTABLE);
  from = lua_gettop(L);
  output->inherits = read_boolean(L, from, "inherits");
  output->merges = read_boolean(L, from, "merges");
  lua_getfield(L, from, "files");
  output->files = read_files(L);
  lua_replace(L, from);
}

/* The table stays on the stack: it keeps path and data alive. */
static void read_input (lua_State *L, int table, const char *field,
                        pexec_input *input) {
  int from;
  lua_getfield(L, table, field);
  luaL_checktype(L, -1, LUA_TTABLE);
  from = lua_gettop(L);
  input->source = (enum pexec_source)read_word(L, from, "source", sources);
  input->path = read_text(L, from, "path");
  lua_getfield(L, from, "data");
  input->data = luaL_optlstring(L, -1, NULL, &input->length);
  lua_settop(L, from);
}

/* {== all of it ========================================================= */

void pexec__read_config (lua_State *L, int index, pexec_config *config) {
  int table = lua_absindex(L, index);
  luaL_checktype(L, table, LUA_TTABLE);
  luaL_checkstack(L, 32, "configuration");
  config->id = read_text(L, table, "id");
  config->name = read_text(L, table, "name");
  config->cwd = read_text(L, table, "cwd");
  config->username = read_text(L, table, "username");
  config->args = read_array(L, table, "args");
  config->environment = read_array(L, table, "environment");
  config->one_shot = read_boolean(L, table, "one_shot");
  config->asks = read_boolean(L, table, "asks");
  config->log_events = read_boolean(L, table, "log_events");
  config->stop_signal = (int)read_number(L, table, "stop_signal");
  config->output_events = (unsigned)read_number(L, table, "output_events");
  config->stop_timeout_ms = read_wait(L, table, "stop_timeout");
  config->restart_delay_ms = read_wait(L, table, "restart_delay");
  config->logger = read_logger(L, table, "logger");
  config->stdout_logger = read_logger(L, table, "stdout_logger");
  config->stderr_logger = read_logger(L, table, "stderr_logger");
  read_input(L, table, "stdin", &config->input);
  read_output(L, table, "stdout", &config->output[0]);
  read_output(L, table, "stderr", &config->output[1]);
  config->tail_size = (size_t)read_integer(L, table, "tail_size");
  config->events_buffer = (size_t)read_integer(L, table, "writer_buffer");
  config->events_drop = read_word(L, table, "writer_on_full", drops);
}
