-- A child that wrote faster than its writer took its lines kept every timer
-- and task waiting, for as long as it wrote.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

local now = spec.probe.now

TestFlood = {}

-- The writer takes its time with each line, and lets nobody else run.
function TestFlood:setUp()
  self.is_slow = true
  self.process = assert(pexec.new_managed_process(
      spec.child({ log_writer = function()
        local limit = now() + 0.0005
        repeat until now() > limit or not self.is_slow
      end }, "flood"), pexec.null_logger))
  assert(self.process:start())
end

function TestFlood:tearDown()
  self.is_slow = false
  self.process:kill_group()
  self.process:wait()
end

function TestFlood:test_a_sleep_ends_all_the_same()
  for _ = 1, 3 do
    local before = now()
    pexec.sleep(0.2)
    lu.assertTrue(now() - before < 5 * spec.slowness)
  end
end

function TestFlood:test_tasks_run_all_the_same()
  local ticks = 0
  local ticker = pexec.task(function()
    while pexec.sleep(0.01) do ticks = ticks + 1 end
  end)
  spec.eventually(function() return ticks >= 5 end)
  ticker:cancel()
end

function TestFlood:test_dispatch_returns()
  local before = now()
  pexec.dispatch(0)
  lu.assertTrue(now() - before < 5 * spec.slowness)
end

-- Of all that waits a dispatch hands out what takes a moment, not more.
function TestFlood:test_a_turn_ends_before_what_waits_does()
  local lines = 0
  local process = assert(pexec.new_managed_process(
      spec.child({ log_writer = function()
        lines = lines + 1
        local limit = now() + 0.001
        repeat until now() > limit or not self.is_slow
      end }, "flood"), pexec.null_logger))
  assert(process:start())
  spec.probe.sleep(0.3)
  lines = 0
  pexec.dispatch(0)
  local handed_out = lines
  self.is_slow = false
  process:kill_group()
  process:wait()
  lu.assertTrue(handed_out < 200, handed_out)
  lu.assertTrue(lines > 1000, lines)
end

function TestFlood:test_another_process_can_be_stopped()
  local other = assert(pexec.new_managed_process(
      spec.child({ stop_timeout = 20 }, "forever"), pexec.null_logger))
  other:start()
  lu.assertEquals({ other:stop() }, { true, "process" })
end
