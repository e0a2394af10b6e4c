/*
** Tables of random fields and values made into configurations and processes,
** by the real module. What is checked of them: config.lua. One thread.
**
** seam: lua
*/

#include "lua_host.h"

#include <math.h>

#define DEEPEST 4

/* An input names a word by its place: new ones go to the end. */
static const char *const words[] = {
  "id", "name", "args", "cwd", "one_shot", "username", "environment", "log",
  "log_writer", "stdout_logger", "stderr_logger", "stop_signal",
  "stop_timeout", "restart_delay", "on_unexpected_exit", "stdin", "stdout",
  "stderr", "tail_size", "writer_buffer", "writer_on_full", "restart",
  "success_exit_codes", "restart_limit", "on_give_up", "decision_timeout",
  "before_start", "after_start", "before_stop", "after_exit", "hook_timeout",
  "reload_signal", "stop_sequence", "group", "supplementary_groups", "umask",
  "nice", "oom_score_adj", "no_new_privileges", "limits", "cpu_affinity",
  "io_priority", "clear_environment", "environment_file", "capabilities",
  "cgroup", "host_death",
  /* fields of fields, and what they may be */
  "file", "mode", "format", "max_size", "keep", "rotate_every", "compress",
  "on_full", "data", "initial", "factor", "max", "jitter", "reset_after",
  "within", "signal", "to", "run", "call", "wait", "soft", "hard", "class",
  "level", "path", "memory_max", "pids_max", "cpu_weight", "optional", "set",
  "null", "inherit", "pipe", "host", "raw", "text", "json", "logfmt",
  "block", "drop", "always", "on_failure", "never", "process", "kill",
  "unlimited", "nofile", "core", "cpu", "as", "nproc", "memlock", "stack",
  "realtime", "best_effort", "idle", "all", "none", "net_bind_service",
  "CAP_SYS_ADMIN", "chown", "TERM", "SIGHUP", "RTMIN+1", "15", "0", "100ms",
  "5s", "1m30s", "0.3333333333333333333h", "292y", "-1s", "0022", "777",
  "/bin/sh", "/var/log/a.log", "a/../b", "", "A=B", "\xff\xfe", "x\ny", "\"",
  "stop_timout", "Id", "env"
};

enum { WORDS = sizeof words / sizeof *words, FIELDS = 47 };

static const lua_Number numbers[] = {
  0, -0.0, 0.05, 0.1, 0.5, 0.9999999, 1.5, 2, 10, 19, 22, 64, 99, 511, 512,
  1000, 3600, 65536, 1e6, 1e9, 1.1e9, 4e15, 9007199254740993.0, 9.2e9, 1e19,
  1e300, -1, -20, -0.5, -1e300, HUGE_VAL, -HUGE_VAL
};

static const lua_Integer integers[] = {
  LUA_MININTEGER, LUA_MAXINTEGER, 1 << 30, (lua_Integer)1 << 53,
  ((lua_Integer)1 << 53) + 1, 1000, 10000, 10001, 16 << 20, 256, 511, 512
};

static void push_value (lua_State *L, struct fuzz_input *in, int level);

static void push_bytes (lua_State *L, struct fuzz_input *in) {
  const uint8_t *bytes;
  size_t size = fuzz_bytes(in, 70, &bytes);
  (void)lua_pushlstring(L, (const char *)bytes, size);
}

static void push_word (lua_State *L, struct fuzz_input *in) {
  (void)lua_pushstring(L, words[fuzz_below(in, WORDS)]);
}

static void push_array (lua_State *L, struct fuzz_input *in, int level) {
  lua_Integer count = (lua_Integer)fuzz_below(in, 5);
  lua_newtable(L);
  for (lua_Integer i = 1; i <= count; i++) {
    push_value(L, in, level);
    lua_rawseti(L, -2, i);
  }
}

static void push_record (lua_State *L, struct fuzz_input *in, int level) {
  lua_newtable(L);
  for (unsigned count = fuzz_below(in, 5); count > 0; count--) {
    push_word(L, in);
    push_value(L, in, level);
    lua_rawset(L, -3);
  }
}

/* Any keys; one that cannot be a key is none. */
static void push_table (lua_State *L, struct fuzz_input *in, int level) {
  lua_newtable(L);
  for (unsigned count = fuzz_below(in, 4); count > 0; count--) {
    push_value(L, in, level);
    if (lua_isnil(L, -1) || !lua_rawequal(L, -1, -1)) {
      lua_pop(L, 1);
      lua_pushboolean(L, 1);
    }
    push_value(L, in, level);
    lua_rawset(L, -3);
  }
}

static int nothing (lua_State *L) {
  (void)L;
  return 0;
}

/* A writer and a logger, or what can be called. */
static void push_object (lua_State *L, struct fuzz_input *in) {
  static const char *const methods[] = {
    "write", "debug", "info", "warn", "error"
  };
  lua_newtable(L);
  if (fuzz_below(in, 2) == 0) {
    for (unsigned i = fuzz_below(in, 3); i < 5; i++) {
      lua_pushcfunction(L, nothing);
      lua_setfield(L, -2, methods[i]);
    }
    return;
  }
  lua_newtable(L);
  lua_pushcfunction(L, nothing);
  lua_setfield(L, -2, "__call");
  lua_setmetatable(L, -2);
}

static void push_number (lua_State *L, struct fuzz_input *in) {
  unsigned which = fuzz_byte(in);
  if (which < 32)
    lua_pushnumber(L, numbers[which]);
  else if (which < 44)
    lua_pushinteger(L, integers[which - 32]);
  else if (which == 44)
    lua_pushnumber(L, (lua_Number)NAN);
  else
    lua_pushinteger(L, (lua_Integer)(int8_t)which);
}

/* Below the deepest tables there are none. */
static void push_value (lua_State *L, struct fuzz_input *in, int level) {
  unsigned kind = fuzz_below(in, level < DEEPEST ? 16 : 11);
  switch (kind) {
    case 0: lua_pushnil(L); break;
    case 1: lua_pushboolean(L, (int)fuzz_below(in, 2)); break;
    case 2: case 3: case 4: push_number(L, in); break;
    case 5: push_bytes(L, in); break;
    case 6: lua_pushcfunction(L, nothing); break;
    case 7: push_object(L, in); break;
    case 8: case 9: case 10: push_word(L, in); break;
    case 11: case 12: push_array(L, in, level + 1); break;
    case 13: case 14: push_record(L, in, level + 1); break;
    default: push_table(L, in, level + 1); break;
  }
}

static void set_word (lua_State *L, const char *field, const char *word) {
  (void)lua_pushstring(L, word);
  lua_setfield(L, -2, field);
}

/* Most have an id and a name, since without nothing more is looked at. */
static void push_config (lua_State *L, struct fuzz_input *in) {
  unsigned how = fuzz_byte(in);
  lua_newtable(L);
  if (how % 8 != 7) {
    set_word(L, "id", "a");
    set_word(L, "name", "sh");
  }
  while (in->at < in->end) {
    unsigned field = fuzz_byte(in);
    if (field >= 250)
      push_value(L, in, DEEPEST);
    else
      (void)lua_pushstring(L, words[field % FIELDS]);
    if (lua_isnil(L, -1) || !lua_rawequal(L, -1, -1)) {
      lua_pop(L, 1);
      continue;
    }
    push_value(L, in, 0);
    lua_rawset(L, -3);
  }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  static lua_State *L;
  struct fuzz_input in = { data, data + size };
  if (L == NULL)
    L = fuzz_open(FUZZ_ROOT "/spec/fuzz/config.lua");
  lua_pushvalue(L, 1);
  push_config(L, &in);
  fuzz_call(L, 1, 0);
  fuzz_clean(L);
  return 0;
}
