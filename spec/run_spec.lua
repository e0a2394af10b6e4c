-- pm:run: in hosts of their own, which get signals from outside.

local hosts = require "hosts"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

-- A host that runs a manager of one process, says the process's pid, and at
-- the end what run has answered.
local function running(options, settings)
  local host = hosts.start(([[
    local pm = managers.of(managers.process("a", "forever"))
    pexec.task(function()
      while not pm:process_by_id("a"):unix_pid() do pexec.sleep(0.005) end
      print("pid", pm:process_by_id("a"):unix_pid())
      print("running")
    end)
    print("answer", pm:run(%s))]]):format(options or ""), settings)
  host:await("running")
  return host, host:number("pid")
end

local function assert_answers(host, answer)
  local ok, message = host:finish()
  lu.assertTrue(ok, message)
  lu.assertEquals(host.stdout[#host.stdout], "answer\t" .. answer)
end

TestRun = {}

function TestRun:test_it_starts_the_manager()
  local host, pid = running()
  lu.assertTrue(spec.alive(pid))
  spec.kill(host.pid, "TERM")
  assert_answers(host, "true\tSIGTERM")
end

function TestRun:test_int_and_term_stop_it()
  for _, name in ipairs{ "INT", "TERM" } do
    local host, pid = running()
    spec.kill(host.pid, name)
    assert_answers(host, "true\tSIG" .. name)
    lu.assertFalse(spec.alive(pid))
  end
end

function TestRun:test_other_signals_can_be_named()
  for _, names in ipairs{ '"USR1"', '"sigusr1"', "10", '"HUP", "USR1"',
                          '"USR1", 10, "SIGUSR1"' } do
    local host, pid = running("{ signals = { " .. names .. " } }")
    spec.kill(host.pid, "USR1")
    assert_answers(host, "true\tSIGUSR1")
    lu.assertFalse(spec.alive(pid))
  end
end

function TestRun:test_those_that_are_not_named_do_what_they_did()
  local host, pid = running('{ signals = { "USR1" } }')
  spec.kill(host.pid, "TERM")
  local ok, message = host:finish()
  lu.assertNil(ok)
  lu.assertStrContains(message, "signal: terminated")
  spec.eventually(function() return not spec.alive(pid) end)
end

function TestRun:test_none_may_be_named()
  local host = running("{ signals = {} }")
  spec.kill(host.pid, "TERM")
  local ok, message = host:finish()
  lu.assertNil(ok)
  lu.assertStrContains(message, "signal: terminated")
end

-- FAULTS 3, 16: nobody else is there to end them
function TestRun:test_a_second_signal_kills_all_groups()
  local host = hosts.start[[
    local pm = managers.new()
    local pids = {}
    for i = 1, 3 do
      local p = managers.stubborn{ id = "p" .. i, stop_timeout = 300 }
      pids[i] = p:unix_pid()
      pm:add_process(p, false)
    end
    print("pids", table.concat(pids, " "))
    pexec.task(function() pexec.sleep(0.05) print("running") end)
    print("answer", pm:run())]]
  host:await("running")
  spec.kill(host.pid, "TERM")
  pexec.sleep(0.2)
  lu.assertNil(host:find("answer"))
  spec.kill(host.pid, "INT")
  assert_answers(host, "true\tSIGTERM")
  for pid in host:await("pids"):gmatch("%d+") do
    lu.assertFalse(spec.alive(tonumber(pid)))
  end
end

function TestRun:test_a_signal_during_the_start_stops_too()
  local host = hosts.start[[
    local file = spec.tmpdir() .. "/ran"
    local pm = managers.of(
      managers.process({ id = "once", one_shot = true }, "append", file, "x",
                       "forever"),
      managers.process("never", "forever"))
    pexec.task(function()
      while not spec.read(file) do pexec.sleep(0.005) end
      print("running")
    end)
    print("answer", pm:run())
    spec.remove_directories()]]
  host:await("running")
  spec.kill(host.pid, "INT")
  local ok = host:finish()
  lu.assertTrue(ok)
  lu.assertEquals(host.stdout[#host.stdout], "answer\ttrue\tSIGINT")
end

function TestRun:test_an_ignored_signal_stays_ignored()
  local host = hosts.start[[
    spec.probe.disposition(15, "ignore")
    local pm = managers.of(managers.process("a", "forever"))
    pexec.task(function() pexec.sleep(0.05) print("running") end)
    print("answer", pm:run())]]
  host:await("running")
  local ignored = spec.read("/proc/" .. host.pid .. "/status")
                      :match("SigIgn:%s*(%x+)")
  lu.assertNotEquals(tonumber(ignored, 16) & 1 << 14, 0)
  spec.kill(host.pid, "TERM")
  pexec.sleep(0.1)
  lu.assertNil(host:find("answer"))
  spec.kill(host.pid, "INT")
  assert_answers(host, "true\tSIGINT")
end

function TestRun:test_it_works_in_a_task()
  local host = hosts.start[[
    local pm = managers.of(managers.process("a", "forever"))
    local task = pexec.task(pm.run, pm)
    print("running")
    while pexec.dispatch() > 0 do end
    print("answer", task:wait())]]
  host:await("running")
  pexec.sleep(0.05)
  spec.kill(host.pid, "TERM")
  assert_answers(host, "true\tSIGTERM")
end

function TestRun:test_handlers_run_meanwhile()
  local host = hosts.start[[
    local pm = managers.new()
    pm:add_process(managers.process({ id = "a", restart_delay = 0,
      on_unexpected_exit = function(_, exit)
        print("died", exit.signal)
        return true
      end, log_writer = print }, "print", "up", "forever"), false)
    pexec.task(function()
      while not pm:process_by_id("a"):unix_pid() do pexec.sleep(0.005) end
      print("pid", pm:process_by_id("a"):unix_pid())
    end)
    print("answer", pm:run())]]
  host:await("up")
  spec.kill(host:number("pid"), "KILL")
  host:await("died\tSIGKILL")
  spec.kill(host.pid, "TERM")
  assert_answers(host, "true\tSIGTERM")
end

TestRunByCall = {}

function TestRunByCall:test_a_stop_from_a_task_ends_it()
  local pm = managers.of(managers.process("a", "forever"))
  local stopper = pexec.task(function()
    pexec.sleep(0.05)
    return pm:stop()
  end)
  lu.assertEquals({ pm:run{ signals = {} } }, { true, "stopped" })
  lu.assertEquals({ stopper:wait() }, { true })
end

function TestRunByCall:test_it_returns_when_all_are_down()
  local a = managers.stubborn("a")
  local pid = a:unix_pid()
  local pm = managers.of(a)
  local task = pexec.task(function()
    pexec.sleep(0.01)
    return pm:stop()
  end)
  lu.assertEquals({ pm:run{ signals = {} } }, { true, "stopped" })
  lu.assertFalse(spec.alive(pid))
  task:wait()
end

-- FAULTS 14: closes the manager
function TestRunByCall:test_a_handler_may_end_it()
  local pm = managers.new()
  assert(pm:add_process(managers.process({ id = "a",
    on_unexpected_exit = function() pm:stop() end }, "exit", 1), false))
  lu.assertEquals({ pm:run{ signals = {} } }, { true, "stopped" })
end

function TestRunByCall:test_several_may_run_one_manager()
  local pm = managers.of(managers.process("a", "forever"))
  local first = pexec.task(pm.run, pm, { signals = {} })
  local second = pexec.task(pm.run, pm, { signals = {} })
  pexec.sleep(0.01)
  assert(pm:stop())
  lu.assertEquals({ first:wait() }, { true, "stopped" })
  lu.assertEquals({ second:wait() }, { true, "stopped" })
end

function TestRunByCall:test_of_a_stopped_manager_it_fails()
  local pm = managers.new()
  assert(pm:stop())
  managers.assert_already_stopped(pm:run())
end

function TestRunByCall:test_a_start_that_fails_is_its_answer()
  local pm = managers.of(managers.process("a", "forever"),
                         managers.process{ id = "b", name = "/nowhere" })
  local ok, message, code = pm:run()
  lu.assertNil(ok)
  lu.assertStrContains(message, "/nowhere")
  lu.assertEquals(code, "ENOENT")
end

function TestRunByCall:test_a_cancelled_task_gives_it_up_alone()
  local pm = managers.of(managers.process("a", "forever"))
  local task = pexec.task(pm.run, pm)
  pexec.sleep(0.01)
  task:cancel()
  managers.assert_fails("context canceled", "CANCELED", task:wait())
  lu.assertTrue(pm:process_by_id("a"):status())
  assert(pm:stop())
end

TestRunOptions = {}

function TestRunOptions:test_bad_ones_are_named_and_nothing_is_started()
  local a = managers.fake("a")
  local pm = managers.of(a)
  local function refused(options, words)
    lu.assertEquals(managers.words_of(function() pm:run(options) end), words)
  end
  refused(5, "bad argument #1 to 'run' (table expected, got number)")
  refused({ signal = 1 }, 'run: unknown field "signal" '
          .. '(did you mean "signals"?)')
  refused({ signals = "TERM" }, "run: signals: table expected, got string")
  refused({ signals = { "TREM" } }, 'run: signals[1]: unknown signal "TREM" '
          .. '(did you mean "TERM"?)')
  refused({ signals = { "TERM", 65 } }, "run: signals[2]: unknown signal 65")
  refused({ signals = { TERM = true } },
          'run: signals["TERM"]: not an index of an array')
  lu.assertEquals(a.calls, {})
end

function TestRunOptions:test_what_cannot_be_caught_is_told()
  local pm = managers.new()
  for _, name in ipairs{ "KILL", "STOP" } do
    managers.assert_fails(
        "error catching SIGUSR1, SIG" .. name .. ": invalid argument",
        "EINVAL", pm:run{ signals = { "USR1", name } })
  end
  assert(pm:stop())
end

TestTwoRuns = {}

function TestTwoRuns:test_on_one_signal_the_second_is_refused()
  local first, second = managers.new(), managers.new()
  local task = pexec.task(first.run, first, { signals = { "USR1" } })
  managers.assert_fails("error catching SIGUSR2, SIGUSR1: "
      .. "device or resource busy", "EBUSY",
      second:run{ signals = { "USR2", "USR1" } })
  assert(first:stop())
  task:wait()
  assert(second:stop())
end

function TestTwoRuns:test_after_the_first_it_is_free_again()
  for _ = 1, 3 do
    local pm = managers.new()
    local task = pexec.task(pm.run, pm, { signals = { "USR1" } })
    assert(pm:stop())
    lu.assertEquals({ task:wait() }, { true, "stopped" })
  end
end

function TestTwoRuns:test_on_different_signals_each_gets_its_own()
  local first, second = managers.new(), managers.new()
  local one = pexec.task(first.run, first, { signals = { "USR1" } })
  local two = pexec.task(second.run, second, { signals = { "USR2" } })
  spec.kill(spec.probe.pid(), "USR2")
  lu.assertEquals({ two:wait() }, { true, "SIGUSR2" })
  lu.assertEquals(tostring(one), "pexec.Task (waiting)")
  spec.kill(spec.probe.pid(), "USR1")
  lu.assertEquals({ one:wait() }, { true, "SIGUSR1" })
end

function TestTwoRuns:test_a_run_that_was_refused_leaves_the_first_working()
  local first, second = managers.new(), managers.new()
  local task = pexec.task(first.run, first, { signals = { "USR1" } })
  lu.assertEquals(select(3, second:run{ signals = { "USR1" } }), "EBUSY")
  spec.kill(spec.probe.pid(), "USR1")
  lu.assertEquals({ task:wait() }, { true, "SIGUSR1" })
  assert(second:stop())
end
