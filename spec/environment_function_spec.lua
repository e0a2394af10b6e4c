-- The environment as a function: it is called before each start, the child has
-- what it gives, and without that there is no start.

local lu = require "luaunit"
local configs = require "pexec.config"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local now = spec.probe.now

-- A program in the shell that is given as an argument.
local function shell(fields, text)
  local log = spec.collecting_logger()
  return managers.shell(fields, text, log), log
end

local function started(fields, text)
  local process, log = shell(fields, text)
  assert(process:start())
  return process, log
end

-- A function that gives CODE, 1 at first and then one more each time; and a
-- table with the number of its calls.
local function counting()
  local calls = { n = 0 }
  return function()
    calls.n = calls.n + 1
    return { CODE = tostring(calls.n) }
  end, calls
end

-- Has it come to this many starts?
local function await_starts(process, n)
  spec.eventually(function()
    pexec.dispatch(0)
    return process:info().starts >= n
  end)
end

TestItsCalls = {}

function TestItsCalls:test_before_each_start_and_the_child_has_it()
  local calls, n = {}, 0
  local process = started({
    restart_delay = 0, restart_limit = { max = 2, within = 60 },
    environment = function(...)
      calls[#calls + 1] = table.pack(...)
      n = n + 1
      return { CODE = tostring(n) }
    end,
  }, "exit $CODE")
  process:wait()
  lu.assertEquals(managers.codes_of(process), { 1, 2, 3 })
  lu.assertEquals(#calls, 3)
  for _, arguments in ipairs(calls) do
    lu.assertEquals(arguments.n, 1)
    lu.assertIs(arguments[1], process)
  end
end

function TestItsCalls:test_at_an_ordered_restart_too()
  local lines = {}
  local environment, calls = counting()
  local process = started({ environment = environment,
    log_writer = function(line) lines[#lines + 1] = line end,
  }, "echo $CODE; exec sleep 1000")
  spec.eventually(function() pexec.dispatch(0) return #lines == 1 end)
  assert(process:restart())
  spec.eventually(function() pexec.dispatch(0) return #lines == 2 end)
  process:stop()
  lu.assertEquals(lines, { "1", "2" })
  lu.assertEquals(calls.n, 2)
end

function TestItsCalls:test_of_a_managers_process_too()
  local environment, calls = counting()
  local manager = managers.new()
  assert(manager:add_process_from_config{ id = "a", name = "sh",
    restart = "never", args = { "-c", "exit $CODE" },
    environment = environment })
  assert(manager:start())
  local process = manager:process_by_id "a"
  process:wait()
  lu.assertEquals(managers.codes_of(process), { 1 })
  lu.assertEquals(calls.n, 1)
  manager:stop()
end

function TestItsCalls:test_of_a_one_shot_at_each_start()
  local environment, calls = counting()
  local process = shell({ one_shot = true, environment = environment },
                        "exit $((CODE - 1))")
  lu.assertTrue(process:start())
  lu.assertEquals(select(3, process:start()), "EXIT_STATUS")
  lu.assertEquals(managers.codes_of(process), { 0, 1 })
  lu.assertEquals(calls.n, 2)
end

function TestItsCalls:test_what_can_be_called_will_do()
  local object = setmetatable({}, { __call = function(self, process)
    lu.assertNotNil(self)
    return { CODE = process:id() == "shell" and "7" or "1" }
  end })
  local process = started({ restart = "never", environment = object },
                          "exit $CODE")
  process:wait()
  lu.assertEquals(managers.codes_of(process), { 7 })
end

function TestItsCalls:test_it_may_wait_and_others_go_on()
  local turns = 0
  local ticker = pexec.task(function()
    while pexec.sleep(0.01) do turns = turns + 1 end
  end)
  local process = started({ restart = "never", environment = function()
    local before = turns
    repeat pexec.sleep(0.01) until turns > before + 1
    return { CODE = "4" }
  end }, "exit $CODE")
  process:wait()
  ticker:cancel()
  lu.assertEquals(managers.codes_of(process), { 4 })
end

function TestItsCalls:test_nil_is_nothing()
  spec.probe.setenv("PEXEC_A", "3")
  local process = shell({ restart = "never", environment = function() end },
                        "exit $PEXEC_A")
  local ok, message = process:start()
  spec.probe.setenv("PEXEC_A", nil)
  lu.assertEquals({ ok, message }, { true })
  process:wait()
  lu.assertEquals(managers.codes_of(process), { 3 })
end

function TestItsCalls:test_with_files_and_without_the_hosts()
  local file = spec.tmpdir() .. "/environment"
  spec.write(file, "A=1\nB=1\n")
  spec.probe.setenv("PEXEC_A", "3")
  local process = shell({
    restart = "never", environment_file = file, clear_environment = true,
    environment = function() return { B = "2" } end,
  }, "exit $A$B${PEXEC_A:-0}")
  assert(process:start())
  spec.probe.setenv("PEXEC_A", nil)
  process:wait()
  lu.assertEquals(managers.codes_of(process), { 120 })
end

TestWithOthers = {}

function TestWithOthers:test_it_comes_between_the_hooks()
  local order = {}
  local process = started({
    after_exit = function() order[#order + 1] = "after_exit" end,
    environment = function()
      pexec.sleep(0.02)
      order[#order + 1] = "environment"
    end,
    before_start = function() order[#order + 1] = "before_start" end,
  }, "exec sleep 1000")
  assert(process:restart())
  process:stop()
  lu.assertEquals(order, { "environment", "before_start", "after_exit",
                           "environment", "before_start", "after_exit" })
end

function TestWithOthers:test_a_hook_sees_and_changes_what_it_gave()
  local given, seen = { A = "1" }, {}
  local process = started({
    restart_delay = 0, restart_limit = { max = 2, within = 60 },
    environment = function() return given end,
    before_start = function(_, config)
      seen[#seen + 1] = config.environment.A
      if #seen == 2 then config.environment.B = "2" end
      if #seen == 3 then config.environment = { A = "3" } end
    end,
  }, "exit $A$B")
  process:wait()
  lu.assertEquals(seen, { "1", "1", "1" })
  lu.assertEquals(managers.codes_of(process), { 1, 12, 3 })
  lu.assertEquals(given, { A = "1" })
end

function TestWithOthers:test_a_hooks_bad_change_leaves_it()
  for _, change in ipairs{ { stop_signal = "INT" }, { name = "" },
                           { environment = print } } do
    local process, log = started({
      restart = "never", environment = function() return { CODE = "5" } end,
      before_start = function(_, config)
        for name, value in pairs(change) do config[name] = value end
      end,
    }, "exit $CODE")
    process:wait()
    lu.assertEquals(managers.codes_of(process), { 5 })
    lu.assertStrContains(log:find "before_start: ",
                         "; starting it without the changes")
  end
end

function TestWithOthers:test_a_hook_may_still_veto()
  local environment, calls = counting()
  local process = shell({ environment = environment,
    before_start = function() return false, "not today" end }, "exit 1")
  local _, message, code = process:start()
  lu.assertStrContains(message, "not today")
  lu.assertEquals(code, "VETOED")
  lu.assertEquals(calls.n, 1)
end

function TestWithOthers:test_a_handler_changes_other_fields()
  local environment = counting()
  local process = started({
    restart_delay = 0, environment = environment,
    on_unexpected_exit = function(_, exit)
      if exit.run > 1 then return exit.run < 3 end
      return { config = { args = { "-c", "exit 1$CODE" } } }
    end,
  }, "exit $CODE")
  process:wait()
  lu.assertEquals(managers.codes_of(process), { 1, 12, 3 })
end

function TestWithOthers:test_a_handlers_table_takes_its_place()
  for _, keep in ipairs{ false, true } do
    local environment, calls = counting()
    local process = started({
      restart_delay = 0, environment = environment,
      on_unexpected_exit = function(_, exit)
        if exit.run > 1 then return exit.run < 3 end
        return { keep = keep, config = { environment = { CODE = "9" } } }
      end,
    }, "exit $CODE")
    process:wait()
    lu.assertEquals(managers.codes_of(process), { 1, 9, keep and 9 or 2 })
    lu.assertEquals(calls.n, keep and 1 or 2)
  end
end

function TestWithOthers:test_a_handler_gives_no_function()
  local environment = counting()
  local process, log = started({
    restart = "never", environment = environment,
    on_unexpected_exit = function()
      return { config = { environment = function() end } }
    end,
  }, "exit $CODE")
  process:wait()
  lu.assertEquals(managers.codes_of(process), { 1 })
  lu.assertNotNil(log:find("on_unexpected_exit.config.environment: " ..
                           "table of strings expected, got function"))
end

-- Nor where it is kept: not one start has it.
function TestWithOthers:test_a_handler_keeps_no_function()
  for _, f in ipairs{ function() return { CODE = "8" } end,
                      setmetatable({}, { __call = function() return {} end }) }
  do
    local environment, calls = counting()
    local process, log = started({
      restart_delay = 0, restart_limit = { max = 2, within = 60 },
      environment = environment,
      on_unexpected_exit = function()
        return { keep = true, config = { environment = f } }
      end,
    }, "exit $CODE")
    process:wait()
    lu.assertEquals(managers.codes_of(process), { 1, 2, 3 })
    lu.assertEquals(calls.n, 3)
    lu.assertNotNil(log:find("on_unexpected_exit.config.environment: " ..
                             "table of strings expected, got "))
  end
end

-- Also where the process has none of its own.
function TestWithOthers:test_a_handler_gives_none_to_one_without_it()
  local process, log = started({ restart = "never",
    on_unexpected_exit = function()
      return { config = { environment = function() return {} end } }
    end }, "exit 3")
  process:wait()
  lu.assertEquals(managers.codes_of(process), { 3 })
  lu.assertNotNil(log:find("on_unexpected_exit.config.environment: " ..
                           "table of strings expected, got function"))
end

TestItsFailures = {}

local odd = setmetatable({}, { __pairs = function() error("odd pairs", 0) end })

-- What it does, and the reason that is told.
local WRONG <const> = {
  { function() error("the vault is sealed", 0) end, "the vault is sealed" },
  { function() error{ "a table" } end, "table" },
  { function() return 7 end, "table of strings expected, got number 7" },
  { function() return "A=1" end, 'table of strings expected, got string' },
  { function() return false end, "got boolean false" },
  { function() return print end, "got function" },
  { function() return { A = 1 } end, '["A"]: string expected, got number 1' },
  { function() return { "A=1" } end, "name expected, got number 1" },
  { function() return { ["A=B"] = "" } end, '"=" in a name' },
  { function() return odd end, "odd pairs" }
}

-- FAULTS 14, 17
function TestItsFailures:test_a_start_fails_and_says_why()
  for _, wrong in ipairs(WRONG) do
    local is_wrong = true
    local process = shell({ restart = "never", environment = function()
      if is_wrong then return wrong[1]() end
      return { CODE = "3" }
    end }, "exit $CODE")
    local ok, message, code = process:start()
    lu.assertNil(ok)
    lu.assertStrContains(message, 'error starting process "sh": environment()')
    lu.assertStrContains(message, wrong[2])
    lu.assertEquals(code, "UNPREPARED")
    lu.assertEquals(process:info().starts, 0)
    lu.assertEquals(process:info().state, "idle")
    is_wrong = false
    assert(process:start())
    process:wait()
    lu.assertEquals(managers.codes_of(process), { 3 })
  end
end

-- FAULTS 14
function TestItsFailures:test_a_restart_is_tried_again_until_there_is_one()
  local n = 0
  local process, log = started({ restart_delay = 0,
    restart_limit = { max = 9, within = 60 }, environment = function()
      n = n + 1
      if n == 2 then error("the vault is sealed", 0) end
      if n == 3 then return 7 end
      return { CODE = tostring(n) }
    end }, "[ $CODE = 1 ] && exit 1; exec sleep 1000")
  await_starts(process, 2)
  local info = process:info()
  process:stop()
  lu.assertEquals(info.state, "running")
  lu.assertEquals(info.starts, 2)
  lu.assertEquals(info.consecutive_failures, 3)
  lu.assertEquals(n, 4)
  for _, reason in ipairs{ "the vault is sealed", "got number 7" } do
    lu.assertStrContains(log:find(reason), 'cannot restart, will try again: ' ..
                         'error starting process "sh": environment(): ')
  end
end

-- FAULTS 14
function TestItsFailures:test_an_ordered_restart_says_why_and_goes_on()
  local is_wrong = false
  local process = started({ restart_delay = 0, environment = function()
    if is_wrong then error("the vault is sealed", 0) end
  end }, "exec sleep 1000")
  is_wrong = true
  local ok, message, code = process:restart()
  lu.assertNil(ok)
  lu.assertStrContains(message, "environment(): the vault is sealed")
  lu.assertEquals(code, "UNPREPARED")
  is_wrong = false
  await_starts(process, 2)
  process:stop()
end

function TestItsFailures:test_each_attempt_counts()
  local reason
  local n = 0
  local process = started({ restart_delay = 0,
    restart_limit = { max = 2, within = 60 },
    on_give_up = function(_, why) reason = why end,
    environment = function()
      n = n + 1
      if n > 1 then error("the vault is sealed", 0) end
    end }, "exit 1")
  process:wait()
  lu.assertEquals(process:info().state, "failed")
  lu.assertEquals(n, 3)
  spec.eventually(function() pexec.dispatch(0) return reason end)
  lu.assertStrContains(reason, "the vault is sealed")
end

-- Where Lua itself comes too late, the core has said it.
local function assert_says_late(message)
  lu.assertStrContains(message, 'error starting process "sh": ')
  local is_told = message:find("environment(): has not returned within " ..
                               "100ms, its hook_timeout", 1, true)
                  or message:find("has not prepared it, its environment", 1,
                                  true)
  lu.assertTrue(is_told ~= nil, message)
end

-- FAULTS 14
function TestItsFailures:test_one_that_hangs_fails_the_start()
  local answer
  local process = shell({ hook_timeout = 0.1, environment = function()
    answer = table.pack(pexec.sleep(60))
  end }, "exit 1")
  local _, message, code = process:start()
  assert_says_late(message)
  lu.assertEquals(code, "UNPREPARED")
  spec.eventually(function() pexec.dispatch(0) return answer end)
  lu.assertEquals(answer[3], "CANCELED")
  lu.assertEquals(process:info().starts, 0)
end

-- FAULTS 14
function TestItsFailures:test_one_that_hangs_at_a_restart_is_called_again()
  local n = 0
  local process, log = started({ hook_timeout = 0.1, restart_delay = 0,
    environment = function()
      n = n + 1
      if n == 2 then pexec.sleep(60) end
      return { CODE = tostring(n) }
    end }, "[ $CODE = 1 ] && exit 1; exec sleep 1000")
  await_starts(process, 2)
  process:stop()
  lu.assertEquals(n, 3)
  assert_says_late(log:find "will try again")
end

-- Each hook has its own time, and an environment that came in its own is not
-- lost to what another took.
function TestItsFailures:test_other_hooks_take_none_of_its_time()
  local process, log = started({ hook_timeout = 1,
    after_exit = function() pexec.sleep(60) end,
    environment = function()
      pexec.sleep(0.1)
      return { CODE = "2" }
    end,
    before_start = function() pexec.sleep(60) end }, "exec sleep 1000")
  assert(process:restart())
  process:stop()
  lu.assertNotNil(log:find "before_start has not returned in time")
end

-- FAULTS 13: Lua runs nothing at all meanwhile
function TestItsFailures:test_without_lua_nothing_is_started()
  local environment, calls = counting()
  local process = started({ hook_timeout = 0.05, restart_delay = 0,
                            environment = environment }, "exec sleep 1000")
  spec.kill(process:unix_pid())
  local limit = now() + 30
  while process:info().consecutive_failures < 2 and now() < limit do end
  lu.assertTrue(process:info().consecutive_failures >= 2)
  lu.assertEquals(process:info().starts, 1)
  lu.assertEquals(calls.n, 1)
  await_starts(process, 2)
  process:stop()
end

TestStopsMeanwhile = {}

-- FAULTS 8
function TestStopsMeanwhile:test_a_stop_cancels_it()
  local answer
  local n = 0
  local process = shell({ hook_timeout = 60, environment = function()
    n = n + 1
    answer = table.pack(pexec.sleep(50))
  end }, "exit 1")
  local task = pexec.task(function() return process:start() end)
  spec.eventually(function() pexec.dispatch(0) return n == 1 end)
  local began = now()
  lu.assertEquals({ process:stop() }, { true, "none" })
  lu.assertEquals(select(3, task:wait()), "ALREADY_STOPPED")
  spec.eventually(function() pexec.dispatch(0) return answer end)
  lu.assertEquals(answer[3], "CANCELED")
  lu.assertTrue(now() - began < 20)
  lu.assertEquals(process:info().state, "stopped")
  lu.assertEquals(process:info().starts, 0)
  lu.assertEquals(n, 1)
end

-- FAULTS 8
function TestStopsMeanwhile:test_at_a_restart_too()
  local answer
  local n = 0
  local process = started({ restart_delay = 0, hook_timeout = 60,
    environment = function()
      n = n + 1
      if n > 1 then answer = table.pack(pexec.sleep(50)) end
    end }, "exit 1")
  spec.eventually(function() pexec.dispatch(0) return n == 2 end)
  local began = now()
  lu.assertEquals({ process:stop() }, { true, "none" })
  lu.assertTrue(now() - began < 20)
  process:wait()
  spec.eventually(function() pexec.dispatch(0) return answer end)
  lu.assertEquals(answer[3], "CANCELED")
  lu.assertEquals(process:info().starts, 1)
  lu.assertEquals(n, 2)
end

-- FAULTS 8
function TestStopsMeanwhile:test_what_is_stopped_is_not_asked_any_more()
  local environment, calls = counting()
  local process = shell({ environment = environment }, "exit 1")
  local task = pexec.task(function() return process:start() end)
  lu.assertEquals({ process:stop() }, { true, "none" })
  lu.assertEquals(select(3, task:wait()), "ALREADY_STOPPED")
  process:wait()
  lu.assertEquals(calls.n, 0)
end

function TestStopsMeanwhile:test_a_start_that_is_cancelled()
  local answer
  local process = shell({ one_shot = true, hook_timeout = 60,
    environment = function()
      answer = table.pack(pexec.sleep(50))
      return {}
    end }, "exit 0")
  local began = now()
  local _, _, code = process:start(pexec.new_context{ timeout = 0.1 })
  lu.assertEquals(code, "DEADLINE_EXCEEDED")
  spec.eventually(function() pexec.dispatch(0) return answer end)
  lu.assertEquals(answer[3], "CANCELED")
  answer = nil
  local context = pexec.new_context()
  local task = pexec.task(function() return process:start(context) end)
  pexec.dispatch(0.05)
  context:cancel()
  lu.assertEquals(select(3, task:wait()), "CANCELED")
  lu.assertTrue(now() - began < 20)
  lu.assertEquals(process:info().starts, 0)
end

function TestStopsMeanwhile:test_a_task_that_is_cancelled_does_not_end_it()
  local is_asked, may_go = false, false
  local process = shell({ environment = function()
    is_asked = true
    repeat pexec.sleep(0.01) until may_go
    return {}
  end }, "exec sleep 1000")
  local task = pexec.task(function() return process:start() end)
  spec.eventually(function() pexec.dispatch(0) return is_asked end)
  task:cancel()
  may_go = true
  lu.assertEquals({ task:wait() }, { true })
  process:stop()
end

TestTheField = {}

local function new(environment)
  return configs.new{ id = "a", name = "b", environment = environment }
end

local function f() end

function TestTheField:test_it_reads_as_it_was_written()
  local config = new(f)
  lu.assertIs(config.environment, f)
  lu.assertTrue(config:validate())
  lu.assertIs(configs.new(config).environment, f)
  lu.assertIs(configs.snapshot(config).environment, f)
  local fields = {}
  for name, value in pairs(config) do fields[name] = value end
  lu.assertIs(fields.environment, f)
  config.environment = { A = "1" }
  lu.assertEquals(config.environment, { A = "1" })
  config.environment = nil
  lu.assertEquals(config.environment, {})
end

-- FAULTS 17
function TestTheField:test_nothing_else_will_do()
  for value, shown in pairs{ ["A=1"] = 'string "A=1"', [7] = "number 7",
                             [true] = "boolean true" } do
    lu.assertErrorMsgContains("environment: table of strings or function " ..
                              "expected, got " .. shown, new, value)
  end
end

function TestTheField:test_it_is_the_same_as_itself_alone()
  lu.assertTrue(new(f) == new(f))
  lu.assertFalse(new(f) == new(function() end))
  lu.assertFalse(new(f) == new{})
  lu.assertFalse(new{} == new(f))
  lu.assertFalse(new(f) == new(nil))
end

function TestTheField:test_json_cannot_hold_it()
  lu.assertEquals({ new(f):marshal_json() },
                  { nil, "json: environment: a function has no form in JSON",
                    "INVALID_CONFIG" })
end

-- FAULTS 20
function TestTheField:test_one_that_it_knows_is_collected()
  local weak = setmetatable({}, { __mode = "k" })
  do
    local process
    process = managers.process({ restart = "never",
      environment = function() return { A = process:id() } end }, "exit", 0)
    assert(process:start())
    process:wait()
    weak[process] = true
    process = nil
  end
  spec.eventually(function()
    pexec.dispatch(0)
    collectgarbage()
    return next(weak) == nil
  end)
end

-- FAULTS 20: of each start what it held is gone with it, though the process
-- runs on: its arguments, its results, its task.
function TestTheField:test_a_task_is_forgotten_when_it_has_answered()
  local weak = setmetatable({}, { __mode = "k" })
  local function give()
    local variables = { A = "1" }
    weak[variables], weak[coroutine.running()] = true, true
    return variables
  end
  local process = started({ environment = give }, "exec sleep 1000")
  assert(process:restart())
  spec.eventually(function()
    pexec.dispatch(0)
    collectgarbage()
    return next(weak) == nil
  end)
  process:stop()
end
