-- A host that forks without exec: in the copy every call fails with FORKED,
-- and whatever is collected or closed there disturbs nothing of the parent's.

local hosts = require "hosts"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local probe = spec.probe

-- Runs f in a forked copy of this host. Its error is raised here.
local function in_copy(f)
  local report = spec.tmpdir() .. "/report"
  local pid = assert(probe.fork())
  if pid == 0 then
    local ok, problem = pcall(f)
    if type(problem) == "table" then problem = problem.msg end
    if not ok then spec.write(report, tostring(problem)) end
    probe.exit(ok and 0 or 1)
  end
  local _, how, code = probe.wait(pid)
  if how == "exit" and code == 0 then return end
  error(("the copy: %s %d: %s"):format(how, code, spec.read(report)), 2)
end

local function assert_forked(...)
  lu.assertNil((...))
  lu.assertEquals(select(3, ...), "FORKED")
  lu.assertStrContains(select(2, ...),
                       "the supervisor belongs to the process that forked")
end

-- Still supervised: it comes back when it is killed.
local function assert_supervised(p)
  local pid = assert(p:unix_pid())
  spec.kill(pid, "KILL")
  spec.eventually(function()
    local now = p:unix_pid()
    return now and now ~= pid
  end)
end

TestForked = {}

function TestForked:setUp()
  self.p = managers.started({ id = "a", restart_delay = 0,
                              log_writer = function() end }, "forever")
end

function TestForked:tearDown()
  assert_supervised(self.p)
  assert(self.p:stop())
end

-- FAULTS 29
function TestForked:test_every_call_on_a_process_fails()
  local p = self.p
  in_copy(function()
    assert_forked(p:start())
    assert_forked(p:stop())
    assert_forked(p:status())
    assert_forked(p:unix_pid())
    assert_forked(p:wait())
    assert_forked(p:info())
    assert_forked(p:history())
    assert_forked(p:history(1))
    lu.assertEquals({ p:kill_group() }, {})
    lu.assertEquals(p:id(), "a")
    lu.assertStrContains(tostring(p), "pexec.ManagedProcess (a")
  end)
end

function TestForked:test_new_ones_cannot_be_made_there()
  in_copy(function()
    assert_forked(pexec.new_managed_process(spec.child{ id = "b" }))
    local pm = managers.new()
    assert_forked(pm:add_process_from_config(spec.child{ id = "b" }))
  end)
end

function TestForked:test_one_that_was_never_started_fails_too()
  local b = managers.process("b", "forever")
  in_copy(function()
    assert_forked(b:start())
    assert_forked(b:stop())
    assert_forked(b:status())
  end)
end

function TestForked:test_every_call_on_a_manager_fails()
  local pm = managers.of(self.p, managers.process("b", "forever"))
  in_copy(function()
    local clone = pm:clone()
    assert_forked(clone:start())
    assert_forked(pm:run())
    assert_forked(pm:pollfd())
    assert_forked(managers.of(self.p):stop())
  end)
end

function TestForked:test_all_that_waits_fails()
  in_copy(function()
    assert_forked(pexec.sleep(0.01))
    assert_forked(pexec.dispatch())
    assert_forked(pexec.dispatch(0))
    assert_forked(pexec.dispatch(1))
    assert_forked(pexec.pollfd())
    local task = pexec.task(pexec.sleep, 0)
    assert_forked(task:wait())
  end)
end

-- FAULTS 29
function TestForked:test_collecting_there_disturbs_nobody()
  local weak = setmetatable({}, { __mode = "k" })
  local held = { managers.process("b", "forever") }
  weak[held[1]] = true
  in_copy(function()
    self.p, held[1] = nil, nil
    collectgarbage()
    collectgarbage()
    lu.assertNil(next(weak))
  end)
end

function TestForked:test_signals_that_arrive_there_are_not_the_parents()
  local pm = managers.new()
  local task = pexec.task(pm.run, pm, { signals = { "USR1" } })
  in_copy(function() spec.kill(probe.pid(), "USR1") end)
  pexec.sleep(0.05)
  lu.assertEquals(tostring(task), "pexec.Task (waiting)")
  assert(pm:stop())
  lu.assertEquals({ task:wait() }, { true, "stopped" })
end

TestForkedHost = {}

-- In a copy the threads are gone that held what the parent still has.
local function copies_may_leak()
  local options = os.getenv "ASAN_OPTIONS"
  return { ASAN_OPTIONS = (options and options .. ":" or "") ..
                          "detect_leaks=0" }
end

-- FAULTS 29
function TestForkedHost:test_closing_the_copy_disturbs_nobody()
  local host, ok = hosts.run([[
    local probe = spec.probe
    local p = managers.started({ id = "a", restart_delay = 0 }, "forever")
    local pid = p:unix_pid()
    local copy = assert(probe.fork())
    if copy == 0 then os.exit(7, true) end
    print("copy", select(2, probe.wait(copy)))
    print("same", p:unix_pid() == pid and spec.alive(pid))
    spec.kill(pid, "KILL")
    spec.eventually(function()
      local now = p:unix_pid()
      return now and now ~= pid
    end)
    print("stop", p:stop())]], { environment = copies_may_leak() })
  lu.assertTrue(ok, host:text())
  lu.assertEquals(host.stdout, { "copy\texit\t7", "same\ttrue",
                                 "stop\ttrue\tprocess" })
end

function TestForkedHost:test_a_copy_may_supervise_what_was_not_begun()
  local host, ok = hosts.run[[
    local probe = spec.probe
    local p = managers.process("a", "forever")
    local copy = assert(probe.fork())
    if copy == 0 then
      assert(p:start())
      assert(spec.alive(p:unix_pid()))
      os.exit(select(2, p:stop()) == "process" and 7 or 1, true)
    end
    print("copy", select(2, probe.wait(copy)))]]
  lu.assertTrue(ok, host:text())
  lu.assertEquals(host.stdout, { "copy\texit\t7" })
end

function TestForkedHost:test_the_copys_end_kills_no_child()
  local host, ok = hosts.run[[
    local probe = spec.probe
    local p = managers.started("a", "forever")
    local copy = assert(probe.fork())
    if copy == 0 then probe.kill(probe.pid(), 9) end
    print("copy", select(2, probe.wait(copy)))
    probe.sleep(0.1)
    print("alive", spec.alive(p:unix_pid()))]]
  lu.assertTrue(ok, host:text())
  lu.assertEquals(host.stdout, { "copy\tsignal\t9", "alive\ttrue" })
end
