-- crowd.lua N DIRECTORY SIZE KEEP WAY...: N children at once, bench/writer.c
-- each with these arguments, and each with a log file of its own that is
-- rotated at this size, and so many times kept.

local pexec = require "pexec"

local writer = os.getenv "PEXEC_WRITER"
local count, directory = tonumber(arg[1]), arg[2]
local size, keep = tonumber(arg[3]), tonumber(arg[4])

local tasks = {}
for i = 1, count do
  local process = assert(pexec.new_managed_process({
    id = "writer" .. i, name = writer, one_shot = true,
    args = { table.unpack(arg, 5) },
    stdout = { file = directory .. "/log" .. i, max_size = size,
               keep = keep },
  }, pexec.null_logger))
  tasks[i] = pexec.task(function() return assert(process:start()) end)
end
for _, task in ipairs(tasks) do assert(task:wait()) end
