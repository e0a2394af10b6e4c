-- A program with a libevent loop (Debian: lua-event), which takes off whatever
-- is garbage: variables hold it.
local event = require "luaevent.core"
local pexec = require "pexec"

local base, is_over = event.new(), false
local function sleep(seconds) -- on the loop's own timer
  local timer
  local is_awake = pexec.await(function(resume)
    timer = base:addevent(nil, event.EV_TIMEOUT, function()
      resume(true)
      return event.LEAVE
    end, seconds)
  end)
  timer:close()
  return is_awake
end
local worker = assert(pexec.new_managed_process({
  id = "worker", name = "sh", args = { "-c", "echo started; exit 1" },
  restart_delay = 0, log_writer = function(line) print("worker: " .. line) end,
  on_unexpected_exit = function(exit_code)
    print("worker: exited with status " .. exit_code)
    return sleep(0.2)
  end }, pexec.null_logger))
assert(worker:start())
local door = base:addevent(pexec.pollfd(), event.EV_READ, function()
  pexec.dispatch(0)
  return is_over and event.LEAVE or event.EV_READ
end)
local SIGTERM <const> = 15
local term = base:addevent(SIGTERM, event.EV_SIGNAL, function()
  pexec.task(function() -- in a task stop does not hold up the loop
    is_over = worker:stop() and print "stopped for SIGTERM" or true
  end)
  return event.LEAVE
end)
pexec.task(function() sleep(0.7) os.execute("kill -TERM $PPID") end)
base:loop()
for _, watched in ipairs{ door, term } do watched:close() end
