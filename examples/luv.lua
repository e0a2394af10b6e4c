-- A program with a libuv loop of its own (Debian: lua-luv). The loop watches
-- one descriptor of pexec's; nothing is polled, and nobody waits in pexec.
local uv = require "luv"
local pexec = require "pexec"

local worker = assert(pexec.new_managed_process({
  id = "worker", name = "sh", args = { "-c", "echo started; sleep 0.1" },
  restart_delay = 0.3,
  log_writer = function(line) print("worker: " .. line) end,
  on_unexpected_exit = function(exit_code)
    print("worker: exited with status " .. exit_code)
    return true
  end,
}, pexec.null_logger))
assert(worker:start())

local poll = uv.new_poll(assert(pexec.pollfd()))
poll:start("r", function() pexec.dispatch(0) end)

local timer, ticks = uv.new_timer(), 0
timer:start(200, 200, function()
  ticks = ticks + 1
  print("the program's own timer")
  if ticks < 5 then return end
  timer:close()
  pexec.task(function() -- in a task stop does not hold up the loop
    assert(worker:stop())
    print("worker: stopped")
    poll:close()
  end)
end)

uv.run()
