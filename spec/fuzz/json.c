/*
** Text read as JSON and as a configuration in JSON, by the real module. What
** is checked of it: json.lua. One thread.
**
** seam: lua
*/

#include "lua_host.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  static lua_State *L;
  if (L == NULL)
    L = fuzz_open(FUZZ_ROOT "/spec/fuzz/json.lua");
  lua_pushvalue(L, 1);
  (void)lua_pushlstring(L, (const char *)data, size);
  fuzz_call(L, 1, 0);
  fuzz_clean(L);
  return 0;
}
