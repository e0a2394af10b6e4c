-- p:signal and p:reload: who gets the signal, what is answered, what is
-- refused, and that no stranger ever gets one.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local started = managers.started
local message_of = managers.words_of

-- One that adds a line to the file for each of this signal, and the file.
local function counting(signal, fields)
  local file = spec.tmpdir() .. "/count"
  fields = fields or { id = "a" }
  local p = started(fields, "count", signal, file, "append", file, "ready",
                    "forever")
  spec.eventually(function() return spec.read(file) end)
  return p, function() return #spec.lines(spec.read(file)) - 1 end
end

local function assert_done(p, ...)
  managers.assert_fails(
      ('error sending SIGUSR1 to process "%s": process already finished')
      :format(spec.child_path), "PROCESS_DONE", p:signal("USR1", ...))
end

TestSignal = {}

function TestSignal:test_the_process_gets_it()
  local p <close>, count = counting "USR1"
  lu.assertEquals({ p:signal("USR1") }, { true })
  spec.eventually(function() return count() == 1 end)
  lu.assertEquals({ p:signal(10, "process") }, { true })
  spec.eventually(function() return count() == 2 end)
end

function TestSignal:test_its_group_does_too()
  local file, other = spec.tmpdir() .. "/a", spec.tmpdir() .. "/b"
  local p <close> = started("a", "fork", "count", "USR1", other, "append",
      other, "ready", "forever", "end", "count", "USR1", file, "append", file,
      "ready", "forever")
  spec.eventually(function() return spec.read(file) and spec.read(other) end)
  assert(p:signal("SIGUSR1", "group"))
  spec.eventually(function()
    return #spec.lines(spec.read(file)) == 2
           and #spec.lines(spec.read(other)) == 2
  end)
end

function TestSignal:test_the_process_alone_gets_what_is_for_it()
  local file, other = spec.tmpdir() .. "/a", spec.tmpdir() .. "/b"
  local p <close> = started("a", "fork", "count", "USR1", other, "append",
      other, "ready", "forever", "end", "count", "USR1", file, "append", file,
      "ready", "forever")
  spec.eventually(function() return spec.read(file) and spec.read(other) end)
  assert(p:signal("USR1"))
  spec.eventually(function() return #spec.lines(spec.read(file)) == 2 end)
  lu.assertEquals(#spec.lines(spec.read(other)), 1)
end

-- Of a real-time signal the kernel merges none.
function TestSignal:test_all_of_500_are_sent()
  local p <close>, count = counting "34"
  local tasks = {}
  for i = 1, 500 do
    tasks[i] = pexec.task(function() return p:signal("RTMIN") end)
  end
  for _, task in ipairs(tasks) do lu.assertTrue(task:wait()) end
  spec.eventually(function() return count() == 500 end)
end

function TestSignal:test_a_task_waits_for_the_answer_and_others_run()
  local p <close> = started("a", "forever")
  local order = {}
  local task = pexec.task(function()
    assert(p:signal("CONT"))
    table.insert(order, "answer")
  end)
  table.insert(order, "other")
  task:wait()
  lu.assertEquals(order, { "other", "answer" })
end

function TestSignal:test_a_kill_is_an_unexpected_death()
  local exits = {}
  local p <close> = started({ id = "a", restart_delay = 0,
    on_unexpected_exit = function(code, exit)
      exits[#exits + 1] = { code, exit.signal, exit.requested }
      return true
    end }, "forever")
  local pid = p:unix_pid()
  assert(p:signal("KILL"))
  spec.eventually(function() return (p:unix_pid() or pid) ~= pid end)
  lu.assertEquals(exits, { { -1, "SIGKILL" } })
end

function TestSignal:test_one_that_is_being_stopped_gets_it()
  local p = managers.stubborn("a")
  local task = pexec.task(p.stop, p)
  spec.eventually(function() return p:info().state == "stopping" end)
  assert(p:signal("KILL"))
  lu.assertEquals({ task:wait() }, { true, "process" })
end

TestNobody = {}

function TestNobody:test_before_its_start()
  local p = managers.process("a", "forever")
  managers.assert_fails(
      ('error sending SIGHUP to process "%s": process not started')
      :format(spec.child_path), "NOT_STARTED", p:signal("HUP"))
end

function TestNobody:test_after_its_stop()
  local p = started("a", "forever")
  assert(p:stop())
  assert_done(p)
  assert_done(p, "group")
end

function TestNobody:test_after_its_end()
  local p = managers.process({ id = "a", one_shot = true }, "exit", 0)
  assert(p:start())
  assert_done(p)
end

function TestNobody:test_while_it_waits_for_its_restart()
  local p <close> = started({ id = "a", restart_delay = 60 }, "exit", 1)
  spec.eventually(function() return p:info().state == "backoff" end)
  assert_done(p)
  assert_done(p, "group")
end

-- A stranger with the number of a child that is dead; nil where the system
-- lets nobody choose numbers.
local function stranger_with(pid)
  for _ = 1, 50 do
    local file = io.open("/proc/sys/kernel/ns_last_pid", "w")
    if not file or not file:write(pid - 1) or not file:close() then
      return nil
    end
    local stranger = started("stranger", "forever")
    if stranger:unix_pid() == pid then return stranger end
    assert(stranger:stop())
  end
end

-- FAULTS 35
function TestNobody:test_one_that_has_got_a_dead_ones_number()
  local p = started({ id = "a", restart_delay = 60 }, "forever")
  local pid = p:unix_pid()
  assert(p:signal("KILL"))
  spec.eventually(function() return p:info().state == "backoff" end)
  local stranger <close> = stranger_with(pid)
  if not stranger then
    assert(p:stop())
    lu.skip("numbers cannot be chosen here")
  end
  assert_done(p)
  assert_done(p, "group")
  managers.assert_fails(
      ('error sending SIGHUP to process "%s": process already finished')
      :format(spec.child_path), "PROCESS_DONE", p:reload())
  p:kill_group()
  assert(p:stop())
  assert_done(p)
  lu.assertEquals(stranger:unix_pid(), pid)
end

TestArguments = {}

function TestArguments:test_what_is_no_signal_raises()
  local p = managers.process("a", "forever")
  for _, case in ipairs{
    { 0, "unknown signal 0" },
    { -1, "unknown signal -1" },
    { 65, "unknown signal 65" },
    { "TREM", 'unknown signal "TREM" (did you mean "TERM"?)' },
    { {}, "signal (name or number) expected, got table" },
    { nil, "signal (name or number) expected, got nil" },
  } do
    lu.assertEquals(message_of(p.signal, p, case[1]),
                    ("bad argument #1 to 'signal' (%s)"):format(case[2]))
  end
end

function TestArguments:test_what_is_no_target_raises()
  local p = managers.process("a", "forever")
  lu.assertEquals(message_of(p.signal, p, "HUP", "all"),
      'bad argument #2 to \'signal\' ("process" or "group" expected, '
      .. 'got string "all")')
end

function TestArguments:test_a_wrong_self_raises()
  local p = managers.process("a", "forever")
  lu.assertStrContains(message_of(p.signal, {}, "HUP"),
                       "calling 'signal' on bad self")
  lu.assertStrContains(message_of(p.reload, {}),
                       "calling 'reload' on bad self")
end

function TestArguments:test_a_task_that_is_cancelled_sends_nothing()
  local p <close>, count = counting "USR1"
  local task = pexec.task(function()
    pexec.sleep(60)
    return p:signal("USR1")
  end)
  task:cancel()
  local ok, message, code = task:wait()
  lu.assertNil(ok)
  lu.assertStrContains(message, "context canceled")
  lu.assertEquals(code, "CANCELED")
  assert(p:signal("USR1"))
  spec.eventually(function() return count() == 1 end)
end

-- It is sent already: the answer is the truth.
function TestArguments:test_a_task_that_is_cancelled_meanwhile_is_answered()
  local p <close> = started("a", "forever")
  for _ = 1, 20 do
    local task = pexec.task(p.signal, p, "CONT")
    task:cancel()
    lu.assertEquals({ task:wait() }, { true })
  end
end

TestReload = {}

function TestReload:test_it_is_a_hangup()
  local p <close>, count = counting "HUP"
  lu.assertEquals({ p:reload() }, { true })
  spec.eventually(function() return count() == 1 end)
end

function TestReload:test_it_is_the_signal_that_is_configured()
  local p <close>, count = counting("USR2", { id = "a",
                                              reload_signal = "SIGUSR2" })
  assert(p:reload())
  spec.eventually(function() return count() == 1 end)
end

local function reloading(f, logger)
  return assert(pexec.new_managed_process(spec.child{ id = "a",
      reload_signal = f }, logger or pexec.null_logger))
end

function TestReload:test_a_function_is_called_with_the_process()
  local got
  local p = reloading(function(...)
    got = table.pack(...)
    return 1, nil, 3
  end)
  lu.assertEquals({ p:reload() }, { 1, nil, 3 })
  lu.assertEquals(got, { n = 1, p })
end

function TestReload:test_one_that_returns_nothing_has_succeeded()
  lu.assertEquals({ reloading(function() end):reload() }, { true })
end

function TestReload:test_its_failure_is_the_answer()
  local p = reloading(function() return nil, "no", "CODE" end)
  managers.assert_fails("no", "CODE", p:reload())
end

function TestReload:test_it_may_be_any_object_that_can_be_called()
  local p = reloading(setmetatable({}, { __call = function(_, process)
    return process:id()
  end }))
  lu.assertEquals(p:reload(), "a")
end

function TestReload:test_it_runs_where_it_is_called()
  local p = reloading(function()
    pexec.sleep(0.01)
    return coroutine.running()
  end)
  local inner, outer
  pexec.task(function()
    inner, outer = p:reload(), coroutine.running()
  end):wait()
  lu.assertTrue(rawequal(inner, outer))
end

function TestReload:test_its_error_is_logged_and_answered()
  local logger = spec.collecting_logger()
  local p = reloading(function() error("oh no", 0) end, logger)
  local answer = table.pack(p:reload())
  lu.assertEquals(answer, { n = 3, nil, ('error reloading process "%s": oh no')
                                        :format(spec.child_path) })
  lu.assertStrContains(logger:find("error in its reload_signal: oh no"),
                       "stack traceback")
end

function TestReload:test_whatever_it_raises()
  local nasty = setmetatable({}, { __tostring = function() error "x" end })
  for _, problem in ipairs{ false, {}, nasty } do
    local ok, message = reloading(function() error(problem) end):reload()
    lu.assertNil(ok)
    lu.assertStrContains(message, "error reloading process")
  end
end
