-- count.lua LINES PROGRAM [ARG...]: runs PROGRAM once, with a Lua function as
-- its writer which must get so many lines.

local pexec = require "pexec"

local count = 0

local process = assert(pexec.new_managed_process({
  id = "writer", name = arg[2], args = { table.unpack(arg, 3) },
  one_shot = true, log_writer = function() count = count + 1 end,
}, pexec.null_logger))
assert(process:start())
assert(count == tonumber(arg[1]), "only " .. count .. " lines")
