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

/* {== restarts =========================================================== */

/* In the order of enum pexec_restart. */
static const char *const restarts[] = { "always", "on_failure", "never",
                                        NULL };

static int has_field (lua_State *L, int table, const char *field) {
  int type = lua_getfield(L, table, field);
  lua_pop(L, 1);
  return type != LUA_TNIL;
}

/* The array at the top of the stack becomes a userdata, which stays. */
static size_t array_length (lua_State *L) {
  luaL_checktype(L, -1, LUA_TTABLE);
  return (size_t)lua_rawlen(L, -1);
}

static const int *read_numbers (lua_State *L, int table, const char *field,
                                size_t *count) {
  int *numbers;
  lua_getfield(L, table, field);
  *count = array_length(L);
  numbers = lua_newuserdatauv(L, (*count + 1) * sizeof *numbers, 0);
  for (size_t i = 0; i < *count; i++) {
    lua_rawgeti(L, -2, (lua_Integer)i + 1);
    numbers[i] = (int)luaL_checkinteger(L, -1);
    lua_pop(L, 1);
  }
  lua_replace(L, -2);
  return numbers;
}

/* Of the table at the top of the stack, with an array in its place. */
static void read_delays (lua_State *L, pexec_backoff *backoff) {
  int64_t *delays_ms;
  size_t count;
  lua_getfield(L, -1, "list");
  count = array_length(L);
  delays_ms = lua_newuserdatauv(L, (count + 1) * sizeof *delays_ms, 0);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -2, (lua_Integer)i + 1);
    delays_ms[i] = pexec__wait_ms(luaL_checknumber(L, -1));
    lua_pop(L, 1);
  }
  backoff->delays_ms = delays_ms;
  backoff->delay_count = count;
  lua_replace(L, -3);
  lua_pop(L, 1);
}

static void read_growth (lua_State *L, int delay, pexec_backoff *backoff) {
  backoff->initial_ms = read_wait(L, delay, "initial");
  backoff->factor = read_number(L, delay, "factor");
  backoff->max_ms = read_wait(L, delay, "max");
  backoff->jitter = read_number(L, delay, "jitter");
  if (has_field(L, delay, "reset_after"))
    backoff->reset_after_ms = read_wait(L, delay, "reset_after");
}

/* What restarting.lua has made of it. */
static void read_delay (lua_State *L, int table, pexec_config *config) {
  int delay;
  lua_getfield(L, table, "restart_delay");
  luaL_checktype(L, -1, LUA_TTABLE);
  delay = lua_gettop(L);
  if (has_field(L, delay, "start"))
    config->restart_delay_ms = read_wait(L, delay, "start");
  else if (has_field(L, delay, "list"))
    read_delays(L, &config->backoff);
  else
    read_growth(L, delay, &config->backoff);
}

static void read_limit (lua_State *L, int table, pexec_config *config) {
  if (lua_getfield(L, table, "restart_limit") != LUA_TNIL) {
    int limit = lua_gettop(L);
    config->restart_limit = (int)read_integer(L, limit, "max");
    config->restart_limit_ms = read_wait(L, limit, "within");
  }
  lua_pop(L, 1);
}

static void read_policy (lua_State *L, int table, pexec_config *config) {
  config->restart = (enum pexec_restart)read_word(L, table, "restart",
                                                  restarts);
  config->success_exit_codes =
      read_numbers(L, table, "success_exit_codes",
                   &config->success_exit_code_count);
  read_delay(L, table, config);
  read_limit(L, table, config);
  if (has_field(L, table, "decision_timeout"))
    config->decision_timeout_ms = read_wait(L, table, "decision_timeout");
  if (has_field(L, table, "prepare_timeout"))
    config->prepare_timeout_ms = read_wait(L, table, "prepare_timeout");
  config->must_prepare = read_boolean(L, table, "must_prepare");
}

/* {== the stages of a stop ============================================== */

/* In the order of enum pexec_stage_kind. */
static const char *const kinds[] = { "process", "group", "run", "call",
                                     NULL };

/* How many strings all their programs have, with a NULL each. Of the array on
   top of the stack. */
static size_t count_words (lua_State *L, size_t stages) {
  size_t count = 0;
  for (size_t i = 1; i <= stages; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i);
    luaL_checktype(L, -1, LUA_TTABLE);
    lua_getfield(L, -1, "run");
    luaL_checktype(L, -1, LUA_TTABLE);
    count += (size_t)lua_rawlen(L, -1) + 1;
    lua_pop(L, 2);
  }
  return count;
}

/* Of the stage on top of the stack; its strings live in its table. Returns
   the room behind them. */
static const char **read_stage (lua_State *L, pexec_stop_stage *stage,
                                const char **words) {
  int table = lua_gettop(L);
  size_t count;
  stage->kind = (enum pexec_stage_kind)read_word(L, table, "kind", kinds);
  stage->signo = (int)read_integer(L, table, "signal");
  stage->wait_ms = read_wait(L, table, "wait");
  stage->run = words;
  lua_getfield(L, table, "run");
  count = (size_t)lua_rawlen(L, -1);
  for (size_t i = 1; i <= count; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i);
    *words++ = luaL_checkstring(L, -1);
    lua_pop(L, 1);
  }
  *words++ = NULL;
  lua_settop(L, table);
  return words;
}

/* The structs and, behind them, the arrays of strings stand in a userdata
   that stays on the stack. */
static void read_stop_sequence (lua_State *L, int table,
                                pexec_config *config) {
  pexec_stop_stage *stages;
  const char **words;
  size_t count;
  if (lua_getfield(L, table, "stop_sequence") == LUA_TNIL)
    return;
  luaL_checktype(L, -1, LUA_TTABLE);
  count = (size_t)lua_rawlen(L, -1);
  stages = lua_newuserdatauv(L, (count + 1) * sizeof *stages +
                             count_words(L, count) * sizeof *words, 0);
  words = (const char **)(void *)(stages + count + 1);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -2, (lua_Integer)i + 1);
    words = read_stage(L, &stages[i], words);
    lua_pop(L, 1);
  }
  config->stop_sequence = stages;
  config->stop_stage_count = count;
}

/* {== what it may be and use ============================================ */

static int read_number_or (lua_State *L, int table, const char *field,
                           int unset) {
  return has_field(L, table, field) ? (int)read_integer(L, table, field)
                                    : unset;
}

/* -1 is the end of all limits. */
static uint64_t read_bound (lua_State *L, int table, const char *field) {
  lua_Integer bound = read_integer(L, table, field);
  return bound < 0 ? PEXEC_UNLIMITED : (uint64_t)bound;
}

static const char *const resources[] = {
#define X(name, text) text,
  PEXEC_RESOURCES(X)
#undef X
  NULL
};

/* What limits.lua has made of them; NULL: none. */
static const pexec_limit *read_limits (lua_State *L, int table,
                                       size_t *count) {
  pexec_limit *limits;
  lua_getfield(L, table, "limits");
  if ((*count = array_length(L)) == 0)
    return NULL;
  limits = lua_newuserdatauv(L, *count * sizeof *limits, 0);
  for (size_t i = 0; i < *count; i++) {
    int limit;
    lua_rawgeti(L, -2, (lua_Integer)i + 1);
    luaL_checktype(L, -1, LUA_TTABLE);
    limit = lua_gettop(L);
    limits[i].resource =
        (enum pexec_resource)read_word(L, limit, "name", resources);
    limits[i].soft = read_bound(L, limit, "soft");
    limits[i].hard = read_bound(L, limit, "hard");
    lua_pop(L, 1);
  }
  lua_replace(L, -2);
  return limits;
}

/* In the order of enum pexec_io_class. */
static const char *const io_classes[] = { "host", "realtime", "best_effort",
                                          "idle", NULL };

static void read_io_priority (lua_State *L, int table, pexec_rights *rights) {
  if (lua_getfield(L, table, "io_priority") != LUA_TNIL) {
    int priority = lua_gettop(L);
    rights->io_class =
        (enum pexec_io_class)read_word(L, priority, "class", io_classes);
    rights->io_level = (int)read_integer(L, priority, "level");
  }
  lua_pop(L, 1);
}

/* In the order of enum pexec_host_death. */
static const char *const host_deaths[] = { "kill", "keep", NULL };

static void read_rights (lua_State *L, int table, pexec_rights *rights) {
  rights->group = read_text(L, table, "group");
  if (has_field(L, table, "supplementary_groups"))
    rights->supplementary_groups = read_array(L, table,
                                              "supplementary_groups");
  rights->umask = read_number_or(L, table, "umask", -1);
  rights->nice = read_number_or(L, table, "nice", PEXEC_UNSET);
  rights->oom_score_adj = read_number_or(L, table, "oom_score_adj",
                                         PEXEC_UNSET);
  rights->no_new_privileges = read_boolean(L, table, "no_new_privileges");
  if (has_field(L, table, "limits"))
    rights->limits = read_limits(L, table, &rights->limit_count);
  if (has_field(L, table, "cpu_affinity"))
    rights->cpus = read_numbers(L, table, "cpu_affinity", &rights->cpu_count);
  read_io_priority(L, table, rights);
  rights->sets_capabilities = has_field(L, table, "capabilities");
  if (rights->sets_capabilities)
    rights->capabilities = (uint64_t)read_integer(L, table, "capabilities");
  rights->host_death =
      (enum pexec_host_death)read_word(L, table, "host_death", host_deaths);
}

static int64_t read_most (lua_State *L, int table, const char *field) {
  int64_t most = PEXEC_CGROUP_UNSET;
  int kind = lua_getfield(L, table, field);
  if (kind == LUA_TSTRING)
    most = PEXEC_CGROUP_MAX;
  else if (kind != LUA_TNIL)
    most = luaL_checkinteger(L, -1);
  lua_pop(L, 1);
  return most;
}

/* Stands in a userdata that stays on the stack. */
static const pexec_cgroup *read_cgroup (lua_State *L, int table) {
  pexec_cgroup *cgroup;
  int from;
  if (lua_getfield(L, table, "cgroup") == LUA_TNIL)
    return NULL;
  from = lua_gettop(L);
  cgroup = lua_newuserdatauv(L, sizeof *cgroup, 0);
  *cgroup = (pexec_cgroup){
    .path = read_text(L, from, "path"),
    .memory_max = read_most(L, from, "memory_max"),
    .pids_max = read_most(L, from, "pids_max"),
    .cpu_weight = read_number_or(L, from, "cpu_weight", 0),
  };
  return cgroup;
}

/* {== all of it ========================================================= */

void pexec__read_config (lua_State *L, int index, pexec_config *config) {
  int table = lua_absindex(L, index);
  luaL_checktype(L, table, LUA_TTABLE);
  luaL_checkstack(L, 40, "configuration");
  config->id = read_text(L, table, "id");
  config->name = read_text(L, table, "name");
  config->cwd = read_text(L, table, "cwd");
  config->username = read_text(L, table, "username");
  config->args = read_array(L, table, "args");
  config->environment = read_array(L, table, "environment");
  config->clears_environment = read_boolean(L, table, "clear_environment");
  config->environment_files = read_array(L, table, "environment_file");
  config->one_shot = read_boolean(L, table, "one_shot");
  config->asks = read_boolean(L, table, "asks");
  config->log_events = read_boolean(L, table, "log_events");
  config->stop_signal = (int)read_number(L, table, "stop_signal");
  config->output_events = (unsigned)read_number(L, table, "output_events");
  config->stop_timeout_ms = read_wait(L, table, "stop_timeout");
  read_policy(L, table, config);
  read_rights(L, table, &config->rights);
  config->cgroup = read_cgroup(L, table);
  config->logger = read_logger(L, table, "logger");
  config->stdout_logger = read_logger(L, table, "stdout_logger");
  config->stderr_logger = read_logger(L, table, "stderr_logger");
  read_input(L, table, "stdin", &config->input);
  read_output(L, table, "stdout", &config->output[0]);
  read_output(L, table, "stderr", &config->output[1]);
  config->tail_size = (size_t)read_integer(L, table, "tail_size");
  config->events_buffer = (size_t)read_integer(L, table, "writer_buffer");
  config->events_drop = read_word(L, table, "writer_on_full", drops);
  read_stop_sequence(L, table, config);
}
