-- `require "pexec"` in a fresh interpreter, from files and out of the library
-- for C hosts, against compiling the same Lua files; and in milliseconds.

local measure = require "measure"

local core = assert(package.searchpath("pexec.core", package.cpath))
local folder = assert(package.searchpath("pexec", package.path))
    :match "^(.*)/init.lua$"
local library = core:gsub("/lua/pexec/core.so$", "/libpexec-lua.so")

local compile, files, embedded = {}, {}, {}
local function once(list, ...)
  measure.append(list, measure.numbers("lua5.4", "bench/require.lua", ...))
end
for _ = 1, 51 do
  once(compile, "compile", folder)
  once(files, "files")
  once(embedded, "library", library)
end

local function milliseconds(list) return measure.median(list) / 1e6 end
local bare = milliseconds(compile)
measure.head("median of 51, CPU time", "compiling", "require")
measure.row_free("from files", bare, milliseconds(files), "ms")
measure.row_free("out of libpexec-lua", bare, milliseconds(embedded), "ms")
measure.head("the same", "bar", "require")
measure.row("from files", 2, milliseconds(files), "ms", 1)
measure.row("out of libpexec-lua", 2, milliseconds(embedded), "ms", 1)
