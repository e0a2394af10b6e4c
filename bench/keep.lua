-- keep.lua PROGRAM [N [QUIET]]: keeps PROGRAM up with pexec, beside N other
-- children, until it is killed. For the stopwatch of bench/baseline.c.

local pexec = require "pexec"

local program, others = arg[1], tonumber(arg[2] or 0)
local manager = pexec.new_process_manager(pexec.null_logger)

for i = 1, others do
  assert(manager:add_process_from_config{
    id = "other" .. i, name = program, environment = { PEXEC_STAMP_FILE = "" },
  })
end
assert(manager:add_process_from_config{
  id = "kept", name = program, restart_delay = 0,
})
assert(manager:start())
manager:run()
