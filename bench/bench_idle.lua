-- What 1,000 idle children cost in 10 s: wake-ups (voluntary context
-- switches) and CPU time of every thread of the host, which waits meanwhile.
-- The host's own thread wakes once: at the end of the 10 s.

local pexec = require "pexec"

local stamp = os.getenv "PEXEC_STAMP"
local COUNT <const> = 1000

local function threads()
  local list = {}
  local pipe = assert(io.popen "ls /proc/$PPID/task")
  for tid in pipe:lines() do list[#list + 1] = tid end
  pipe:close()
  return list
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local WAKES <const> = "\nvoluntary_ctxt_switches:%s+(%d+)"
local TICKS <const> = "%) %a" .. (" %S+"):rep(10) .. " (%d+) (%d+)"

-- Wake-ups and ticks of CPU so far.
local function usage(list)
  local wakes, ticks = 0, 0
  for _, tid in ipairs(list) do
    local folder = "/proc/self/task/" .. tid
    local user, system = read(folder .. "/stat"):match(TICKS)
    wakes = wakes + tonumber(read(folder .. "/status"):match(WAKES))
    ticks = ticks + tonumber(user) + tonumber(system)
  end
  return wakes, ticks
end

local manager = pexec.new_process_manager(pexec.null_logger)
for i = 1, COUNT do
  assert(manager:add_process_from_config{ id = "p" .. i, name = stamp })
end
assert(manager:start())
pexec.sleep(2)
local list = threads()
local wakes, ticks = usage(list)
pexec.sleep(10)
local more_wakes, more_ticks = usage(list)
wakes, ticks = more_wakes - wakes, more_ticks - ticks
print(("%d idle children, 10 s, %d threads: %d wake-ups, %d ticks of CPU, %s")
      :format(COUNT, #list, wakes, ticks,
              wakes <= 1 and ticks == 0 and "within" or "OVER"))
assert(manager:stop())
