-- A program with a libuv loop of its own (Debian: lua-luv). The loop watches
-- one descriptor of pexec's; nothing is polled, and nobody waits in pexec. Its
-- timers resume what waits in pexec.await.
local uv = require "luv"
local pexec = require "pexec"

local function sleep(milliseconds) -- on the loop's own timer
  return pexec.await(function(resume)
    local timer = uv.new_timer()
    timer:start(milliseconds, 0, function()
      timer:close()
      resume(true)
    end)
  end)
end

local worker = assert(pexec.new_managed_process({
  id = "worker", name = "sh", args = { "-c", "echo started; exit 1" },
  restart_delay = 0,
  log_writer = function(line) print("worker: " .. line) end,
  on_unexpected_exit = function(exit_code)
    print("worker: exited with status " .. exit_code)
    return sleep(200)
  end,
}, pexec.null_logger))
assert(worker:start())

local poll, term = uv.new_poll(assert(pexec.pollfd())), uv.new_signal()
poll:start("r", function() pexec.dispatch(0) end)
term:start("sigterm", function()
  pexec.task(function() -- in a task stop does not hold up the loop
    assert(worker:stop())
    print("stopped for SIGTERM")
    poll:close()
    term:close()
  end)
end)
pexec.task(function() sleep(700) os.execute("kill -TERM $PPID") end)
uv.run()
