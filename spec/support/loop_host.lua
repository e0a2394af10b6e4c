--[[
A host with a loop of its own: loop_host.lua NAME. For loops_spec.

It keeps a process up, and prints its number at each start. At the first death
the handler raises an error, at others it waits with what the loop has for
that. SIGTERM is taken by the loop's own means: then the process is stopped,
and what watches the descriptor is closed while that is readable.
]]

local core = require "pexec.core"
local pexec = require "pexec"

local loops = {}

-- Each gets what to call at SIGTERM. sleep: in a handler; finish: the loop is
-- to end, and is called within its callback; run: until then.

function loops.luv(on_term)
  local uv = require "luv"
  local poll, signal = uv.new_poll(assert(pexec.pollfd())), uv.new_signal()
  poll:start("r", function() pexec.dispatch(0) end)
  signal:start("sigterm", on_term)
  return {
    run = function() uv.run() end,
    finish = function()
      poll:close()
      signal:close()
    end,
    sleep = function(seconds)
      return pexec.await(function(resume)
        local timer = uv.new_timer()
        timer:start(seconds * 1000 // 1, 0, function()
          timer:close()
          resume(true)
        end)
      end)
    end,
  }
end

function loops.cqueues(on_term)
  local cqueues, signal = require "cqueues", require "cqueues.signal"
  local queue, manager = cqueues.new(), pexec.new_process_manager()
  local is_over = false
  queue:wrap(function()
    while not is_over do
      cqueues.poll(manager)
      pexec.dispatch(0)
    end
  end)
  signal.block(signal.SIGTERM)
  queue:wrap(function()
    signal.listen(signal.SIGTERM):wait()
    on_term()
  end)
  return {
    run = function() assert(queue:loop()) end,
    finish = function() is_over = true end,
    sleep = function(seconds)
      for _ = 1, 2 do
        if cqueues.poll(seconds / 2) ~= seconds / 2 then return false end
      end
      return true
    end,
  }
end

function loops.luaevent(on_term)
  local event = require "luaevent.core"
  local base, is_over = event.new(), false
  local kept = {} -- lua-event takes off what is garbage
  kept.door = base:addevent(pexec.pollfd(), event.EV_READ, function()
    pexec.dispatch(0)
    return is_over and event.LEAVE or event.EV_READ
  end)
  kept.term = base:addevent(15, event.EV_SIGNAL, function()
    on_term()
    return event.LEAVE
  end)
  return {
    run = function()
      base:loop()
      kept.door, kept.term = nil, nil
    end,
    kept = kept,
    finish = function() is_over = true end,
    sleep = function(seconds)
      local timer
      local is_awake = pexec.await(function(resume)
        timer = base:addevent(nil, event.EV_TIMEOUT, function()
          resume(true)
          return event.LEAVE
        end, seconds)
      end)
      timer:close()
      return is_awake
    end,
  }
end

-- Neither has signals: a run in a task takes them.
local function taken_by_a_run(on_term)
  local manager = pexec.new_process_manager()
  pexec.task(function()
    assert(manager:run())
    on_term()
  end)
  return manager
end

function loops.luasocket(on_term)
  local socket = require "socket"
  local manager, is_over = taken_by_a_run(on_term), false
  local server <const> = assert(socket.bind("127.0.0.1", 0))
  return {
    run = function()
      while not is_over do
        local ready = socket.select({ manager, server })
        if ready[manager] then pexec.dispatch(0) end
      end
    end,
    finish = function() is_over = true end,
    sleep = function(seconds)
      socket.sleep(seconds)
      return true
    end,
  }
end

loops["no loop"] = function(on_term)
  local is_over = false
  taken_by_a_run(on_term)
  return {
    run = function() while not is_over do pexec.dispatch() end end,
    finish = function() is_over = true end,
    sleep = pexec.sleep,
  }
end

io.stdout:setvbuf "line"
local loop, process
loop = loops[arg[1]](function()
  pexec.task(function()
    assert(process:stop())
    pexec.task(pexec.sleep, 0) -- the descriptor becomes readable
    loop.finish()
    print "finished"
  end)
end)

process = assert(pexec.new_managed_process({ id = "a", name = "sleep",
  args = { "1000" }, restart_delay = 0, on_unexpected_exit = function(_, exit)
    if exit.restarts == 0 then error "boom" end
    pexec.task(function()
      pexec.sleep(0.01)
      collectgarbage() -- nothing that is waited for is garbage
    end)
    local began = core.now()
    local is_true = loop.sleep(0.05) and core.now() - began > 0.04
    print("slept", is_true)
    return is_true
  end,
}, pexec.new_logger{ level = "error" }))
process:on("started", function(_, detail)
  print("host", io.open("/proc/self/stat"):read "n", "pid", detail.pid)
end)
assert(process:start())
collectgarbage()
loop.run()
print "the loop has ended"
