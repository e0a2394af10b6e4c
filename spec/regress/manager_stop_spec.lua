-- A writer that stopped its own manager waited for itself. Where the task that
-- stopped a manager was cancelled, others who waited for the stop, and pm:run,
-- returned before it was over; and pm:run failed where its start was stopped,
-- and had nothing left to kill at a second signal.

local hosts = require "hosts"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

TestManagerStop = {}

function TestManagerStop:test_a_writer_may_stop_its_own_manager()
  local pm = managers.new()
  local answer
  assert(pm:add_process(managers.process({ id = "a",
    log_writer = function() answer = answer or { pm:stop() } end },
    "sleep", 0.3, "print", "one", "print", "two", "forever"), false))
  assert(pm:start())
  spec.eventually(function() return answer end)
  lu.assertEquals(answer, { true })
end

function TestManagerStop:test_a_cancelled_caller_leaves_the_stop_going_on()
  local a = managers.stubborn("a")
  local pid = a:unix_pid()
  local pm = managers.of(a)
  local task = pexec.task(pm.stop, pm)
  task:cancel()
  managers.assert_fails("context canceled", "CANCELED", task:wait())
  lu.assertTrue(spec.alive(pid))
  lu.assertEquals({ pm:stop() }, { true })
  lu.assertFalse(spec.alive(pid))
end

function TestManagerStop:test_also_where_the_stopping_task_is_cancelled()
  local a = managers.stubborn("a")
  local pid = a:unix_pid()
  local pm = managers.of(a)
  local runner = pexec.task(pm.run, pm, { signals = {} })
  local stopper = pexec.task(pm.stop, pm)
  stopper:cancel()
  lu.assertEquals({ runner:wait() }, { true, "stopped" })
  lu.assertFalse(spec.alive(pid))
  stopper:wait()
end

function TestManagerStop:test_a_stop_during_its_start_ends_it()
  local once = managers.process({ id = "once", one_shot = true }, "forever")
  local pm = managers.of(once)
  local runner = pexec.task(pm.run, pm, { signals = {} })
  spec.eventually(function() return once:unix_pid() end)
  assert(pm:stop())
  lu.assertEquals({ runner:wait() }, { true, "stopped" })
end

function TestManagerStop:test_signals_during_a_stop_by_call_kill_too()
  local host = hosts.start[[
    local p = managers.stubborn{ id = "a", stop_timeout = 300 }
    local pm = managers.of(p)
    pexec.task(function()
      pexec.sleep(0.05)
      print("running")
      pm:stop()
    end)
    print("answer", pm:run())]]
  host:await("running")
  spec.kill(host.pid, "TERM")
  pexec.sleep(0.1)
  spec.kill(host.pid, "TERM")
  lu.assertTrue(host:finish())
  lu.assertEquals(host.stdout[#host.stdout], "answer\ttrue\tstopped")
end
