-- `luarocks make` in a checkout builds and installs the Lua module.

rockspec_format = "3.0"
package = "pexec"
version = "scm-1"

-- Built where it lies: nothing is fetched.
source = { url = "git+file://." }

description = {
  summary = "Starts programs, keeps them up, reads their output, stops them",
  detailed = [[
A process manager in a library. Supervision runs on a thread of its own; a Lua
function decides what follows a death.]],
  license = "MIT",
}

supported_platforms = { "linux" }
dependencies = { "lua >= 5.4, < 5.5" }

external_dependencies = {
  UV = { header = "uv.h" },
  ZLIB = { header = "zlib.h" },
  JANSSON = { header = "jansson.h" },
}

build = {
  type = "cmake",
  variables = {
    CMAKE_INSTALL_PREFIX = "$(PREFIX)",
    PEXEC_LUA_DIR = "$(LUADIR)",
    PEXEC_LUA_CDIR = "$(LIBDIR)",
    PEXEC_LUA_INCDIR = "$(LUA_INCDIR)",
    PEXEC_LIBRARY = "OFF",
    PEXEC_SPECS = "OFF",
    PEXEC_BENCH = "OFF",
  },
}
