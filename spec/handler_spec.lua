-- on_unexpected_exit: when it is called and with what, what its answer does,
-- and that nothing it does holds up or harms anything else.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

local now = spec.probe.now

local function new(fields, ...)
  local logger = fields.logger or pexec.null_logger
  fields.logger = nil
  return assert(pexec.new_managed_process(spec.child(fields, ...), logger))
end

local function started(fields, ...)
  local process = new(fields, ...)
  assert(process:start())
  return process
end

-- Starts it, and waits for its end; what its handler was called with.
local function calls_of(fields, ...)
  local calls = {}
  fields.on_unexpected_exit = function(...) calls[#calls + 1] = { ... } end
  started(fields, ...):wait()
  return calls
end

local function exit_of(...)
  local calls = calls_of({}, ...)
  lu.assertEquals(#calls, 1)
  lu.assertEquals(#calls[1], 2)
  return table.unpack(calls[1])
end

local function lines_of(path)
  return spec.lines(spec.read(path))
end

local function read_pid(path)
  return spec.eventually(function()
    return math.tointeger(tonumber(spec.read(path) or ""))
  end)
end

-- A handler that does f with its exit table, once; the next says no.
local function once(f)
  local calls = 0
  return function(_, exit)
    calls = calls + 1
    if calls == 1 then return f(exit) end
    return false
  end
end

TestExit = {}

-- FAULTS 1
function TestExit:test_the_code_is_the_exact_one()
  for code = 0, 255 do
    local exit_code, exit = exit_of("exit", code)
    lu.assertEquals(exit_code, code)
    lu.assertNil(exit.signal)
    lu.assertFalse(exit.core_dumped)
  end
end

-- FAULTS 1: 32 and 33 are the C library's own, and have no name.
function TestExit:test_the_signal_is_the_exact_one()
  local harmless = { SIGCHLD = true, SIGCONT = true, SIGSTOP = true,
                     SIGTSTP = true, SIGTTIN = true, SIGTTOU = true,
                     SIGURG = true, SIGWINCH = true }
  local count = 0
  for number = 1, 64 do
    local ok, config = pcall(pexec.new_process_config,
                             { stop_signal = number })
    local name = ok and config.stop_signal
    if name and not harmless[name] then
      local exit_code, exit = exit_of("signal", number)
      lu.assertEquals({ exit_code, exit.signal }, { -1, name })
      count = count + 1
    end
  end
  lu.assertTrue(count >= 50, "signals: " .. count)
end

-- Does this system write a core when it is allowed to? As the shell tells.
local function can_dump_core(dir)
  local pipe = assert(io.popen(("cd %s && ulimit -c unlimited && "
      .. "sh -c 'kill -QUIT $$' 2>&1; true"):format(dir)))
  local text = pipe:read("a")
  pipe:close()
  return text:find("core dumped", 1, true) ~= nil
end

local CORE_SIGNALS <const> = { "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE",
                               "SEGV", "XCPU", "XFSZ", "SYS" }

local function dumps_core(dir, limit, signal)
  local calls = calls_of({ name = "/bin/sh", cwd = dir, args = { "-c",
      ("ulimit -c %s; exec %s signal %s"):format(limit, spec.child_path,
                                                 signal) } })
  lu.assertEquals(calls[1][2].signal, "SIG" .. signal)
  return calls[1][2].core_dumped
end

-- FAULTS 1
function TestExit:test_a_core_dump_is_told()
  local dir = spec.tmpdir()
  if not can_dump_core(dir) then lu.skip("no core is dumped here") end
  for _, signal in ipairs(CORE_SIGNALS) do
    lu.assertTrue(dumps_core(dir, "unlimited", signal), signal)
    lu.assertFalse(dumps_core(dir, "0", signal), signal)
  end
  lu.assertFalse(dumps_core(dir, "unlimited", "TERM"))
end

function TestExit:test_the_pid_is_the_dead_ones()
  local file = spec.tmpdir() .. "/pid"
  local _, exit = exit_of("append", file, "%p")
  lu.assertEquals(exit.pid, read_pid(file))
end

function TestExit:test_the_uptime_is_in_seconds()
  local _, exit = exit_of("sleep", 0.2)
  lu.assertTrue(exit.uptime >= 0.1, "up for " .. exit.uptime)
  lu.assertTrue(exit.uptime < 10, "up for " .. exit.uptime)
end

-- The time that Lua takes to hear of it is not the child's.
function TestExit:test_the_uptime_ends_with_the_death()
  local told
  local process = started({ on_unexpected_exit = function(_, exit)
    told = exit.uptime
  end }, "exit", 0)
  spec.probe.sleep(0.7)
  process:wait()
  lu.assertTrue(told < 0.6 * spec.slowness, "up for " .. told)
end

function TestExit:test_restarts_are_counted()
  local counts = {}
  local process = started({ restart_delay = 0,
      on_unexpected_exit = function(_, exit)
        counts[#counts + 1] = exit.restarts
        return #counts < 5
      end }, "exit", 1)
  process:wait()
  lu.assertEquals(counts, { 0, 1, 2, 3, 4 })
end

function TestExit:test_the_process_is_the_one_that_was_made()
  local told
  local process = started({ on_unexpected_exit = function(_, exit)
    told = exit.process
  end }, "exit", 1)
  process:wait()
  lu.assertIs(told, process)
end

function TestExit:test_the_context_is_open()
  local err
  local process = started({ on_unexpected_exit = function(_, exit)
    err = table.pack(exit.context:err())
  end }, "exit", 1)
  process:wait()
  lu.assertNil(err[1])
end

-- FAULTS 1
function TestExit:test_it_is_called_once_for_each_death()
  local pids, file = {}, spec.tmpdir() .. "/pids"
  local process = started({ restart_delay = 0,
      on_unexpected_exit = function(_, exit)
        pids[#pids + 1] = tostring(exit.pid)
        return #pids < 100
      end }, "append", file, "%p")
  process:wait()
  lu.assertEquals(pids, lines_of(file))
end

TestAnswer = {}

local function starts_after(...)
  local file = spec.tmpdir() .. "/pids"
  local answer = table.pack(...)
  local calls = 0
  local process = started({ restart_delay = 0,
      on_unexpected_exit = function()
        calls = calls + 1
        if calls == 3 then return nil end
        return table.unpack(answer, 1, answer.n)
      end }, "append", file, "%p")
  process:wait()
  return #lines_of(file)
end

function TestAnswer:test_what_is_true_restarts_it()
  for _, value in ipairs{ true, 1, 0, "", "no", {}, print } do
    lu.assertEquals(starts_after(value), 3)
  end
end

function TestAnswer:test_what_is_false_leaves_it_down()
  lu.assertEquals(starts_after(false), 1)
  lu.assertEquals(starts_after(nil), 1)
  lu.assertEquals(starts_after(), 1)
end

function TestAnswer:test_a_callable_object_will_do()
  local handler = setmetatable({ calls = 0 }, { __call = function(self, code)
    self.calls = self.calls + code
  end })
  started({ on_unexpected_exit = handler }, "exit", 7):wait()
  lu.assertEquals(handler.calls, 7)
end

-- FAULTS 14
function TestAnswer:test_an_error_is_logged_and_restarts_it()
  local hopeless = setmetatable({}, { __tostring = function() error("no") end })
  local empty = {}  -- stands for nil
  for _, value in ipairs{ "it broke", {}, hopeless, empty, 42 } do
    local file, log = spec.tmpdir() .. "/pids", spec.collecting_logger()
    local process = started({ restart_delay = 0, logger = log,
        on_unexpected_exit = once(function()
          if value == empty then error() end
          error(value)
        end) }, "append", file, "%p")
    process:wait()
    lu.assertEquals(#lines_of(file), 2)
    local line = log:find("error in on_unexpected_exit")
    lu.assertNotNil(line)
    lu.assertStrContains(line, "stack traceback")
    lu.assertStrContains(line, "handler_spec.lua")
    if value == "it broke" then lu.assertStrContains(line, "it broke") end
  end
end

-- Nothing runs meanwhile, and no number is told that may be a stranger's.
function TestAnswer:test_the_process_has_finished_until_it_is_given()
  local answers
  local process = started({ on_unexpected_exit = function(_, exit)
    pexec.sleep(0.05)
    answers = { { exit.process:status() }, { exit.process:unix_pid() } }
  end }, "exit", 1)
  process:wait()
  local done = { nil, "process already finished", "PROCESS_DONE" }
  lu.assertEquals(answers, { done, done })
end

function TestAnswer:test_its_group_lives_until_the_decision_falls()
  local dir = spec.tmpdir()
  local was_alive
  local process = started({ on_unexpected_exit = function()
    pexec.sleep(0.1)
    was_alive = spec.alive(read_pid(dir .. "/child"))
  end }, "fork", "append", dir .. "/child", "%p", "forever", "end",
     "waitfile", dir .. "/child")
  process:wait()
  lu.assertTrue(was_alive)
  lu.assertFalse(spec.alive(read_pid(dir .. "/child")))
end

TestWhatItDoes = {}

-- FAULTS 2, 14: nobody has heard of its death when the stop comes
function TestWhatItDoes:test_it_is_not_called_once_it_is_stopped()
  local calls = 0
  local process = started({ on_unexpected_exit = function()
    calls = calls + 1
  end }, "sleep", 0.2, "exit", 1)
  local limit = now() + 20
  while not process:history(1)[1] and now() < limit do
    spec.probe.sleep(0.01)
  end
  lu.assertEquals(process:history(1)[1].exit_code, 1)
  process:stop()
  pexec.dispatch(0)
  lu.assertEquals(calls, 0)
end

-- FAULTS 14
function TestWhatItDoes:test_it_may_sleep()
  local before = now()
  local file = spec.tmpdir() .. "/pids"
  local process = started({ restart_delay = 0,
      on_unexpected_exit = once(function()
        return pexec.sleep(0.3)
      end) }, "append", file, "%p")
  process:wait()
  lu.assertTrue(now() - before >= 0.3)
  lu.assertEquals(#lines_of(file), 2)
end

-- FAULTS 14
function TestWhatItDoes:test_it_may_yield()
  local yields = 0
  local process = started({ on_unexpected_exit = function()
    for _ = 1, 10 do
      coroutine.yield("this is for nobody")
      yields = yields + 1
    end
  end }, "exit", 1)
  process:wait()
  lu.assertEquals(yields, 10)
end

function TestWhatItDoes:test_it_may_run_a_one_shot()
  local answer
  local process = started({ on_unexpected_exit = function()
    answer = { new({ one_shot = true }, "exit", 5):start() }
  end }, "exit", 1)
  process:wait()
  lu.assertEquals(answer[3], "EXIT_STATUS")
end

-- FAULTS 14
function TestWhatItDoes:test_it_may_stop_its_own_process()
  local file = spec.tmpdir() .. "/pids"
  local answer, err
  local process = started({ restart_delay = 0,
      on_unexpected_exit = function(_, exit)
        answer = { exit.process:stop() }
        err = { exit.context:err() }
        return true
      end }, "append", file, "%p")
  lu.assertEquals({ process:wait() }, { true })
  spec.eventually(function() return answer end)
  lu.assertEquals(answer, { true, "none" })
  lu.assertEquals(err, { "context canceled", "CANCELED" })
  lu.assertEquals(#lines_of(file), 1)
  lu.assertEquals(select(3, process:start()), "ALREADY_STOPPED")
end

-- FAULTS 14
function TestWhatItDoes:test_it_may_kill_its_own_group()
  local file = spec.tmpdir() .. "/pids"
  local process = started({ restart_delay = 0,
      on_unexpected_exit = function(_, exit)
        exit.process:kill_group()
        return true
      end }, "append", file, "%p")
  lu.assertEquals({ process:wait() }, { true })
  pexec.sleep(0.05)
  lu.assertEquals(#lines_of(file), 1)
end

function TestWhatItDoes:test_it_may_stop_another_process()
  local other, answer = started({}, "forever"), nil
  local process = started({ on_unexpected_exit = function()
    answer = { other:stop() }
  end }, "exit", 1)
  process:wait()
  lu.assertEquals(answer, { true, "process" })
end

-- FAULTS 7
function TestWhatItDoes:test_it_cannot_start_its_own_process()
  local answer
  local process = started({ on_unexpected_exit = function(_, exit)
    answer = { exit.process:start() }
  end }, "exit", 1)
  process:wait()
  lu.assertEquals(answer, { nil, "already started", "ALREADY_STARTED" })
end

function TestWhatItDoes:test_it_cannot_wait_for_its_own_process()
  local ok, message
  local process = started({ on_unexpected_exit = function(_, exit)
    ok, message = pcall(exit.process.wait, exit.process)
  end }, "exit", 1)
  process:wait()
  lu.assertFalse(ok)
  lu.assertStrContains(message, "handler cannot wait for its process")
end

-- FAULTS 14
function TestWhatItDoes:test_it_may_stop_its_manager()
  local manager = pexec.new_process_manager(pexec.null_logger)
  local file = spec.tmpdir() .. "/pids"
  local answer
  manager:add_process(new({ id = "other" }, "forever"))
  manager:add_process(new({ restart_delay = 0, on_unexpected_exit = function()
    answer = { manager:stop() }
    return true
  end }, "append", file, "%p", "waitfile", file .. ".go"))
  lu.assertTrue(manager:start())
  spec.write(file .. ".go", "")
  spec.eventually(function() return answer end)
  lu.assertEquals(answer, { true })
  lu.assertEquals(#lines_of(file), 1)
end

-- FAULTS 14
function TestWhatItDoes:test_one_that_waits_holds_up_no_other()
  local met = {}
  local function handler(mine, other)
    return function()
      met[mine] = true
      spec.eventually(function() return met[other] end)
    end
  end
  local a = started({ on_unexpected_exit = handler("a", "b") }, "exit", 1)
  local b = started({ on_unexpected_exit = handler("b", "a") }, "exit", 1)
  lu.assertEquals({ a:wait() }, { true })
  lu.assertEquals({ b:wait() }, { true })
end

-- FAULTS 14: a handler that waits for ever holds up neither others nor a stop.
function TestWhatItDoes:test_one_that_never_decides_can_be_stopped()
  local other_file = spec.tmpdir() .. "/pids"
  local has_begun = false
  local process = started({ on_unexpected_exit = function()
    has_begun = true
    while true do coroutine.yield() end
  end }, "exit", 1)
  local other = started({ restart_delay = 0 }, "append", other_file, "%p")
  spec.eventually(function() return has_begun end)
  local count = #lines_of(other_file)
  spec.eventually(function() return #lines_of(other_file) > count + 3 end)
  lu.assertEquals({ process:stop() }, { true, "none" })
  other:stop()
end

TestCancelled = {}

function TestCancelled:test_its_waiting_calls_end_when_the_process_is_stopped()
  local answers
  local other = started({}, "forever")
  local process = started({ on_unexpected_exit = function()
    answers = { { pexec.sleep(60) }, { other:wait() }, { pexec.sleep(60) },
                { new({ one_shot = true }, "sleep", 60):start() } }
    return true
  end }, "exit", 1)
  pexec.sleep(0.1)
  process:stop()
  spec.eventually(function() return answers end)
  for i = 1, 3 do
    lu.assertEquals(answers[i], { nil, "context canceled", "CANCELED" })
  end
  lu.assertEquals(answers[4][3], "CANCELED")
  other:stop()
end

function TestCancelled:test_its_answer_is_ignored_then()
  local file = spec.tmpdir() .. "/pids"
  for _ = 1, 20 do
    local process = started({ restart_delay = 0,
        on_unexpected_exit = function()
          pexec.sleep(60)
          return true
        end }, "append", file, "%p")
    spec.eventually(function() return not process:status() end)
    pexec.sleep(0.002)
    lu.assertEquals({ process:stop() }, { true, "none" })
    lu.assertEquals({ process:wait() }, { true })
  end
  pexec.sleep(0.05)
  lu.assertEquals(#lines_of(file), 20)
end

function TestCancelled:test_it_may_tidy_up_with_its_context_cancelled()
  local err, started_other
  local other = new({}, "forever")
  local process = started({ on_unexpected_exit = function(_, exit)
    pexec.sleep(60)
    err = { exit.context:err() }
    started_other = { other:start() }  -- is no waiting call
  end }, "exit", 1)
  pexec.sleep(0.1)
  process:stop()
  spec.eventually(function() return started_other end)
  lu.assertEquals(err, { "context canceled", "CANCELED" })
  lu.assertEquals(started_other, { true })
  other:stop()
end

TestExitingHost = {}

-- A handler that ends its host with this. What the host printed, and its
-- status; its other process is gone soon.
local function host_that_ends_with(ending)
  local file = spec.tmpdir() .. "/pid"
  local output, status = spec.run_script(([[
    local pexec = require "pexec"
    local function new(...) return assert(pexec.new_managed_process(
        { id = "p", name = os.getenv "PEXEC_CHILD", args = { ... },
          stop_timeout = 5, on_unexpected_exit = function() %s end },
        pexec.null_logger)) end
    local other = new("append", %q, "%%p", "forever")
    assert(other:start())
    while not io.open(%q) do pexec.sleep(0.01) end
    assert(new("exit", "1"):start())
    pexec.sleep(20)
    print "it went on"
  ]]):format(ending, file, file))
  spec.eventually(function() return not spec.alive(read_pid(file)) end)
  return { output, status }
end

-- FAULTS 14, 15
function TestExitingHost:test_it_may_end_the_program()
  lu.assertEquals(host_that_ends_with("os.exit(7)"), { "", 7 })
end

-- FAULTS 14, 15
function TestExitingHost:test_it_may_end_and_close_the_program()
  lu.assertEquals(host_that_ends_with("os.exit(7, true)"), { "", 7 })
end
