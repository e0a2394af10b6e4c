-- peer_pexec.lua CHILDREN BUSY_MS STOP_TIMEOUT PROGRAM [ARG...]: keeps up so
-- many with pexec, as a script that is the supervisor does. With BUSY_MS over
-- 0 Lua computes for so long between two calls of dispatch.

local pexec = require "pexec"

local count, busy_s = tonumber(arg[1]), tonumber(arg[2]) / 1000

local manager = pexec.new_process_manager(pexec.null_logger)
for i = 1, count do
  assert(manager:add_process_from_config{
    id = "child" .. i, name = arg[4], args = { table.unpack(arg, 5) },
    stop_timeout = tonumber(arg[3]),
  })
end
local function compute()
  while true do
    local ends = os.clock() + busy_s
    repeat until os.clock() >= ends
    pexec.sleep(0)
  end
end

if busy_s > 0 then pexec.task(function() pexec.sleep(0) compute() end) end
assert(manager:run())
os.exit(true, true)
