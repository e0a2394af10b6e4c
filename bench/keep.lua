-- keep.lua PROGRAM [N [FILE]]: keeps PROGRAM up with pexec, beside N other
-- children, and one that floods a rotated log file where FILE is given, until
-- it is killed. For the stopwatch of bench/baseline.c.

local pexec = require "pexec"

local program, others, file = arg[1], tonumber(arg[2] or 0), arg[3]
local manager = pexec.new_process_manager(pexec.null_logger)

for i = 1, others do
  assert(manager:add_process_from_config{
    id = "other" .. i, name = program, environment = { PEXEC_STAMP_FILE = "" },
  })
end
if file then
  assert(manager:add_process_from_config{
    id = "flood", name = os.getenv "PEXEC_WRITER",
    args = { "between", "0", ("%d"):format(math.maxinteger), "65500" },
    stdout = { file = file },
  })
end
assert(manager:add_process_from_config{
  id = "kept", name = program, restart_delay = 0,
})
assert(manager:start())
manager:run()
