-- What 1,000 idle children cost in 10 s: context switches and CPU time of all
-- threads of the host, while it waits in its own loop.

local pexec = require "pexec"

local stamp = os.getenv "PEXEC_STAMP"
local COUNT <const> = 1000

local function shell(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return text
end

-- Of every thread but the one that asks.
local function usage()
  local switches, ticks = 0, 0
  for tid in shell("ls /proc/self/../" .. shell "echo $PPID":match "%d+" ..
                   "/task"):gmatch "%d+" do
    local folder = "/proc/self/task/" .. tid
    local file = io.open(folder .. "/status")
    for line in file:lines() do
      switches = switches + (tonumber(line:match
          "^voluntary_ctxt_switches:%s+(%d+)") or 0)
    end
    file:close()
    local stat = io.open(folder .. "/stat"):read "a":match "%) (.*)"
    local fields = {}
    for field in stat:gmatch "%S+" do fields[#fields + 1] = field end
    ticks = ticks + tonumber(fields[12]) + tonumber(fields[13])
  end
  return switches, ticks
end

local manager = pexec.new_process_manager(pexec.null_logger)
for i = 1, COUNT do
  assert(manager:add_process_from_config{ id = "p" .. i, name = stamp })
end
assert(manager:start())
pexec.sleep(1)
local switches, ticks = usage()
os.execute "sleep 10"
local more_switches, more_ticks = usage()
-- this thread's own: two popens in usage, and os.execute
print(("idle, %d children, 10 s: %d wake-ups (of them ours to look: see " ..
       "below), %d ticks of CPU"):format(COUNT, more_switches - switches,
       more_ticks - ticks))
assert(manager:stop())
