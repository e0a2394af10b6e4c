-- Several Lua states in one host: independent of each other, opening and
-- closing as they like; what closing one does to its processes.

local hosts = require "hosts"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"
local states = require "states"

local probe = spec.probe

local function counts()
  return #probe.list("/proc/self/fd"), #probe.list("/proc/self/task")
end

-- Runs a text in a state of its own, which is closed afterwards. Returns how
-- long closing took. The text finds managers, pexec and spec.
local function in_a_state(text)
  local ok, message, seconds = states.run([[
    local managers = require "managers"
    local pexec, spec = require "pexec", require "spec"
    ]] .. text)
  lu.assertTrue(ok, message)
  return seconds
end

local function pids_in(file)
  local pids = {}
  for line in io.lines(file) do pids[#pids + 1] = tonumber(line) end
  return pids
end

local function assert_gone(file, count)
  local pids = pids_in(file)
  lu.assertEquals(#pids, count)
  for _, pid in ipairs(pids) do lu.assertFalse(spec.alive(pid)) end
end

-- What each state does with processes of its own: starts three, sees one die
-- and come back, reads a line, stops one, and leaves the rest to its end.
local LIFE = [[
  local number = ...
  local pexec, spec = require "pexec", require "spec"
  local managers = require "managers"
  local deaths, lines = 0, 0
  local pm = managers.new()
  for i = 1, 3 do
    local id = ("p%d.%d"):format(number, i)
    assert(pm:add_process(managers.process({ id = id, restart_delay = 0,
      log_writer = function(line)
        assert(line == "hello " .. id, line)
        lines = lines + 1
      end,
      on_unexpected_exit = function(_, exit)
        assert(exit.signal == "SIGKILL", exit.signal)
        assert(exit.process:id() == id)
        deaths = deaths + 1
        return true
      end }, "print", "hello " .. id, "forever"), false))
  end
  assert(pm:start())
  spec.eventually(function() return lines == 3 end)
  local first = pm:process_by_id(pm:process_ids()[1])
  spec.kill(first:unix_pid(), "KILL")
  spec.eventually(function() return deaths == 1 and lines == 4 end)
  assert(first:stop())
  pexec.task(pexec.sleep, 1000)]]

-- FAULTS 30
TestStates = {}

function TestStates:test_many_open_and_close_in_threads()
  local rounds = math.max(2, 20 // spec.slowness)
  local function live() lu.assertEquals(states.threads(8, rounds, LIFE), {}) end
  live()
  local fds, threads = counts()
  live()
  lu.assertEquals({ counts() }, { fds, threads })
end

function TestStates:test_nothing_grows()
  lu.skipIf(spec.slowness > 1, "a tool's own memory grows")
  local function size()
    return tonumber(spec.read("/proc/self/statm"):match("^%d+ (%d+)")) * 4
  end
  local function open_and_close(times)
    for _ = 1, times do
      in_a_state[[managers.started("a", "forever")]]
    end
  end
  open_and_close(20)
  local before = size()
  open_and_close(100)
  local growth = size() - before
  lu.assertTrue(growth < 500, growth .. " KiB after 100 states")
end

function TestStates:test_the_end_of_one_is_not_that_of_another()
  local a = managers.started("a", "forever")
  local pid = a:unix_pid()
  in_a_state[[
    local p = managers.started("a", "forever")
    assert(p:status())]]
  lu.assertEquals(a:unix_pid(), pid)
  lu.assertTrue(spec.alive(pid))
  assert(a:stop())
end

function TestStates:test_each_hears_of_its_own_processes_alone()
  local lines = {}
  local a = managers.started({ id = "a",
    log_writer = function(line) table.insert(lines, line) end },
    "print", "mine", "forever")
  in_a_state[[
    local lines = {}
    local p = managers.started({ id = "a",
      log_writer = function(line) table.insert(lines, line) end },
      "print", "theirs", "forever")
    spec.eventually(function() return #lines > 0 end)
    assert(#lines == 1 and lines[1] == "theirs")]]
  spec.eventually(function() return #lines > 0 end)
  lu.assertEquals(lines, { "mine" })
  assert(a:stop())
end

function TestStates:test_two_cannot_run_on_one_signal()
  local pm = managers.new()
  local task = pexec.task(pm.run, pm, { signals = { "USR1" } })
  in_a_state[[
    local pm = managers.new()
    local ok, _, code = pm:run{ signals = { "USR1" } }
    assert(not ok and code == "EBUSY", code)]]
  spec.kill(probe.pid(), "USR1")
  lu.assertEquals({ task:wait() }, { true, "SIGUSR1" })
end

function TestStates:test_the_end_of_one_puts_its_handlers_back()
  lu.skipIf(spec.mode == "tsan", "the sanitizer's own handlers are seen")
  local host_state = require "host_state"
  local before = host_state.take()["action 10"]
  in_a_state[[
    local pm = managers.new()
    pexec.task(pm.run, pm, { signals = { "USR1" } })]]
  lu.assertEquals(host_state.take()["action 10"], before)
end

function TestStates:test_one_that_never_started_anything_closes_too()
  local fds, threads = counts()
  in_a_state[[managers.process("a", "forever")]]
  in_a_state[[
    local p = managers.process("a", "forever")
    assert(p:stop())]]
  lu.assertEquals({ counts() }, { fds, threads })
end

function TestStates:test_the_last_one_may_go_and_another_come()
  lu.skipIf(spec.mode == "tsan", "the sanitizer has a thread of its own")
  local host, ok = hosts.run([[
    local states, probe = require "states", require "probe"
    local text = 'local p = require("managers").started("a", "forever")'
    for _ = 1, 3 do
      assert(states.run(text))
      print("threads", #probe.list("/proc/self/task"))
    end]], { is_bare = true })
  lu.assertTrue(ok, host:text())
  lu.assertEquals(host.stdout, { "threads\t1", "threads\t1", "threads\t1" })
end

TestClosing = {}

function TestClosing:test_it_stops_side_by_side_and_in_bounded_time()
  local file = spec.tmpdir() .. "/pids"
  local seconds = in_a_state(([[
    for i = 1, 20 do
      local p = managers.stubborn{ id = "p" .. i }
      local pids = assert(io.open(%q, "a"))
      pids:write(p:unix_pid(), "\n")
      pids:close()
    end
    spec.remove_directories()]]):format(file))
  lu.assertTrue(seconds >= 0.9, seconds)
  lu.assertTrue(seconds < 3 * spec.slowness, seconds)
  assert_gone(file, 20)
end

function TestClosing:test_children_get_the_time_that_they_need()
  local directory = spec.tmpdir()
  in_a_state(([[
    local p = managers.started("a", "trapexit", "TERM", 0.2, 0, "bye",
                               "count", "CONT", %q, "append", %q, "%%p",
                               "forever")
    spec.eventually(function() return spec.read(%q) end)]])
    :format(directory .. "/cont", directory .. "/pid", directory .. "/pid"))
  assert_gone(directory .. "/pid", 1)
end

function TestClosing:test_no_lua_runs_and_lost_lines_are_counted()
  local directory = spec.tmpdir()
  local log, said = directory .. "/log", directory .. "/said"
  in_a_state(([[
    local log, said = %q, %q
    local function say(what)
      local file = assert(io.open(said, "a"))
      file:write(what, "\n")
      file:close()
    end
    local p = assert(pexec.new_managed_process(spec.child({ id = "a",
      log_writer = say, on_unexpected_exit = function() say("handler") end },
      "trap", "USR1", "late", "trapexit", "TERM", 0.05, 0, "bye",
      "print", "up", "forever"), assert(pexec.new_logger{ file = log })))
    assert(p:start())
    spec.eventually(function() return spec.read(said) end)
    spec.kill(p:unix_pid(), "USR1")
    spec.probe.sleep(0.1)
    pexec.task(function() pexec.sleep(0.01) say("task") end)]])
    :format(log, said))
  lu.assertEquals(spec.read(said), "up\n")
  lu.assertStrContains(spec.read(log),
                       "a: 2 lines of output were not delivered")
end

function TestClosing:test_a_decision_that_is_due_is_not_waited_for()
  local seconds = in_a_state[[
    local is_deciding = false
    local p = managers.started({ id = "a", stop_timeout = 300,
      on_unexpected_exit = function()
        is_deciding = true
        pexec.sleep(1000)
      end }, "exit", 1)
    spec.eventually(function() return is_deciding end)]]
  lu.assertTrue(seconds < 60)
end

function TestClosing:test_a_restart_that_is_due_does_not_come()
  local file = spec.tmpdir() .. "/starts"
  in_a_state(([[
    local p = managers.started({ id = "a", restart_delay = 0.3 },
                               "append", %q, "x", "exit", 1)
    spec.eventually(function() return spec.read(%q) end)]])
    :format(file, file))
  pexec.sleep(0.5)
  lu.assertEquals(spec.read(file), "x\n")
end

function TestClosing:test_an_error_in_the_state_makes_no_difference()
  local file = spec.tmpdir() .. "/pids"
  local ok, message = states.run(([[
    local managers = require "managers"
    local p = managers.started("a", "append", %q, "%%p", "forever")
    require("spec").eventually(function()
      return require("spec").read(%q)
    end)
    error("boom", 0)]]):format(file, file))
  lu.assertFalse(ok)
  lu.assertEquals(message, "boom")
  assert_gone(file, 1)
end

function TestClosing:test_from_within_a_task_or_handler()
  for _, where in ipairs{
    "pexec.task(function() pexec.sleep(0) os.exit(0, true) end):wait()",
    [[managers.started({ id = "b", on_unexpected_exit = function()
        os.exit(0, true)
      end }, "exit", 1):wait()]],
    [[managers.started({ id = "b", log_writer = function()
        os.exit(0, true)
      end }, "print", "x", "forever"):wait()]] } do
    local host, ok = hosts.run([[
      local p = managers.started("a", "forever")
      print("pid", p:unix_pid())
      ]] .. where)
    lu.assertTrue(ok, host:text())
    lu.assertFalse(spec.alive(host:number("pid")))
  end
end
