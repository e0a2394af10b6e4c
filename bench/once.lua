-- once.lua FORMAT FILE PROGRAM [ARG...]: runs PROGRAM once, its stdout going
-- to a log file of the default size and number, and looks that all of it was
-- delivered.

local pexec = require "pexec"

local process = assert(pexec.new_managed_process({
  id = "writer", name = arg[3], args = { table.unpack(arg, 4) },
  one_shot = true, stdout = { file = arg[2], format = arg[1] },
}, pexec.null_logger))
assert(process:start())
local drops = process:info().output.stdout.drops
assert(drops == 0, drops .. " lines were dropped")
