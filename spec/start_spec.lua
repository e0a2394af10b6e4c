-- Starting one managed process: what start answers, when, and under which
-- context; what is known before, meanwhile and after; arguments that are
-- wrong. What happens when it cannot be executed is in exec_failure_spec.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

local function new(fields, ...)
  return assert(pexec.new_managed_process(spec.child(fields, ...),
                                          pexec.null_logger))
end

local function started(fields, ...)
  local process = new(fields, ...)
  assert(process:start())
  return process
end

local function stopped(fields, ...)
  local process = started(fields, ...)
  assert(process:stop())
  return process
end

-- One that has ended for good by itself: its handler has said no.
local function ended()
  local process = started({ on_unexpected_exit = function() end }, "exit", 3)
  assert(process:wait())
  return process
end

-- The message that f raises.
local function message_of(f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok, "nothing was raised")
  return message
end

local function assert_fails(expected_message, expected_code, ok, message, code)
  lu.assertNil(ok)
  lu.assertEquals(message, expected_message)
  lu.assertEquals(code, expected_code)
end

local function lines_of(path)
  return spec.lines(spec.read(path))
end

TestStart = {}

function TestStart:test_it_returns_once_the_program_is_executed()
  local process = new({}, "forever")
  lu.assertEquals({ process:start() }, { true })
  local pid = process:unix_pid()
  local name = spec.child_path:match("[^/]+$")
  lu.assertEquals(spec.stat(pid).name, name)
  -- the kernel lets its maker go on a moment before it shows the arguments
  lu.assertEquals(spec.eventually(function()
    local words = spec.read("/proc/" .. pid .. "/cmdline")
    return words ~= "" and words
  end), spec.child_path .. "\0forever\0")
  process:stop()
end

function TestStart:test_it_does_not_wait_for_the_end()
  local process = started({}, "forever")
  lu.assertEquals({ process:status() }, { true })
  process:stop()
end

function TestStart:test_arguments_arrive_as_they_are()
  local file = spec.tmpdir() .. "/args"
  local odd = { "", " ", "a b", "'\"$HOME`*", "-", "\n", "\255\1" }
  local process = new({ name = "/bin/sh", one_shot = true,
      args = { "-c", 'printf "%s|" "$@" >"$0"', file, table.unpack(odd) } })
  lu.assertTrue(process:start())
  lu.assertEquals(spec.read(file), table.concat(odd, "|") .. "|")
end

-- FAULTS 7
function TestStart:test_a_second_start_is_refused_and_starts_nothing()
  local file = spec.tmpdir() .. "/pids"
  local process = started({}, "append", file, "%p", "forever")
  local pid = process:unix_pid()
  for _ = 1, 20 do
    assert_fails("already started", "ALREADY_STARTED", process:start())
  end
  lu.assertEquals(process:unix_pid(), pid)
  spec.eventually(function() return #lines_of(file) > 0 end)
  process:stop()
  lu.assertEquals(lines_of(file), { tostring(pid) })
end

-- FAULTS 7
function TestStart:test_two_tasks_that_start_it_at_once_make_one_process()
  local file = spec.tmpdir() .. "/pids"
  local process = new({}, "append", file, "%p", "forever")
  local function start() return process:start() end
  local first, second = pexec.task(start), pexec.task(start)
  assert_fails("already started", "ALREADY_STARTED", second:wait())
  lu.assertEquals({ first:wait() }, { true })
  spec.eventually(function() return #lines_of(file) > 0 end)
  process:stop()
  lu.assertEquals(#lines_of(file), 1)
end

function TestStart:test_it_is_refused_during_a_restart_delay()
  local process = started({ restart_delay = 60 }, "exit", 0)
  spec.eventually(function() return not process:status() end)
  assert_fails("already started", "ALREADY_STARTED", process:start())
  process:stop()
end

function TestStart:test_one_that_has_ended_for_good_may_be_started_again()
  local file = spec.tmpdir() .. "/pids"
  local process = started({ on_unexpected_exit = function() return false end },
                          "append", file, "%p")
  for count = 1, 20 do
    lu.assertEquals({ process:wait() }, { true })
    lu.assertEquals(#lines_of(file), count)
    lu.assertEquals({ process:start() }, { true })
  end
  process:stop()
end

-- FAULTS 7
function TestStart:test_after_a_stop_it_is_refused()
  local process = stopped({}, "forever")
  for _ = 1, 3 do
    assert_fails("already stopped", "ALREADY_STOPPED", process:start())
  end
end

function TestStart:test_after_kill_group_it_is_refused()
  local process = started({}, "forever")
  process:kill_group()
  assert_fails("already stopped", "ALREADY_STOPPED", process:start())
  process:wait()
  assert_fails("already stopped", "ALREADY_STOPPED", process:start())
end

TestStartContext = {}

function TestStartContext:test_a_live_context_has_no_effect()
  local process = new({}, "forever")
  lu.assertEquals({ process:start(pexec.new_context()) }, { true })
  lu.assertTrue(process:status())
  process:stop()
end

function TestStartContext:test_a_cancelled_context_has_no_effect()
  local process, context = new({}, "forever"), pexec.new_context()
  context:cancel()
  lu.assertEquals({ process:start(context) }, { true })
  lu.assertTrue(process:status())
  process:stop()
end

function TestStartContext:test_a_later_cancelled_context_has_no_effect()
  local process, context = new({}, "forever"), pexec.new_context()
  process:start(context)
  local pid = process:unix_pid()
  context:cancel()
  pexec.sleep(0.05)
  lu.assertEquals(process:unix_pid(), pid)
  process:stop()
end

function TestStartContext:test_a_deadline_that_passes_has_no_effect()
  local process = new({}, "forever")
  process:start(pexec.new_context{ timeout = 0.01 })
  local pid = process:unix_pid()
  pexec.sleep(0.05)
  lu.assertEquals(process:unix_pid(), pid)
  process:stop()
end

TestBeforeStart = {}

-- FAULTS 7
function TestBeforeStart:test_nothing_runs()
  local process = new({}, "forever")
  for _ = 1, 2 do
    assert_fails("process not started", "NOT_STARTED", process:status())
    assert_fails("process not started", "NOT_STARTED", process:unix_pid())
  end
end

-- FAULTS 7
function TestBeforeStart:test_wait_returns_at_once()
  local process = new({}, "forever")
  lu.assertEquals({ process:wait() }, { true })
  lu.assertEquals({ process:wait() }, { true })
end

-- FAULTS 7
function TestBeforeStart:test_a_stop_is_final()
  local process = new({}, "forever")
  lu.assertEquals({ process:stop() }, { true, "none" })
  lu.assertEquals({ process:stop() }, { true, "none" })
  assert_fails("already stopped", "ALREADY_STOPPED", process:start())
  assert_fails("process not started", "NOT_STARTED", process:status())
  lu.assertEquals({ process:wait() }, { true })
end

-- FAULTS 7
function TestBeforeStart:test_kill_group_is_final()
  local process = new({}, "forever")
  lu.assertEquals(select("#", process:kill_group()), 0)
  process:kill_group()
  assert_fails("already stopped", "ALREADY_STOPPED", process:start())
  lu.assertEquals({ process:stop() }, { true, "none" })
  lu.assertEquals({ process:wait() }, { true })
end

TestWhileItRuns = {}

function TestWhileItRuns:test_the_pid_is_the_childs()
  local file = spec.tmpdir() .. "/pid"
  local process = started({}, "append", file, "%p", "forever")
  spec.eventually(function() return #lines_of(file) == 1 end)
  lu.assertEquals(lines_of(file), { tostring(process:unix_pid()) })
  lu.assertEquals(math.type(process:unix_pid()), "integer")
  process:stop()
end

function TestWhileItRuns:test_wait_returns_once_it_is_stopped()
  local process = started({}, "forever")
  local order = {}
  local waiter = pexec.task(function()
    order[#order + 1] = { process:wait() }
  end)
  lu.assertEquals(order, {})
  process:stop()
  waiter:wait()
  lu.assertEquals(order, { { true } })
end

function TestWhileItRuns:test_wait_goes_on_over_a_restart()
  local file = spec.tmpdir() .. "/pids"
  local process = started({ restart_delay = 0 }, "append", file, "%p",
                          "sleep", 0.01)
  local has_returned = false
  local waiter = pexec.task(function()
    process:wait()
    has_returned = true
  end)
  spec.eventually(function() return #lines_of(file) >= 3 end)
  lu.assertFalse(has_returned)
  process:stop()
  waiter:wait()
  lu.assertTrue(has_returned)
end

TestAfterTheEnd = {}

-- FAULTS 7
function TestAfterTheEnd:test_a_stopped_one_has_finished()
  local process = stopped({}, "forever")
  for _ = 1, 2 do
    assert_fails("process already finished", "PROCESS_DONE", process:status())
    assert_fails("process already finished", "PROCESS_DONE",
                 process:unix_pid())
    lu.assertEquals({ process:stop() }, { true, "none" })
    lu.assertEquals({ process:wait() }, { true })
    process:kill_group()
  end
end

-- FAULTS 7
function TestAfterTheEnd:test_one_that_ended_by_itself_has_finished()
  local process = ended()
  assert_fails("process already finished", "PROCESS_DONE", process:status())
  assert_fails("process already finished", "PROCESS_DONE", process:unix_pid())
  lu.assertEquals({ process:wait() }, { true })
  lu.assertEquals({ process:stop() }, { true, "none" })
  assert_fails("already stopped", "ALREADY_STOPPED", process:start())
end

function TestAfterTheEnd:test_a_dead_one_has_finished_until_its_restart()
  local process = started({ restart_delay = 60 }, "exit", 0)
  spec.eventually(function() return not process:status() end)
  assert_fails("process already finished", "PROCESS_DONE", process:status())
  assert_fails("process already finished", "PROCESS_DONE", process:unix_pid())
  process:stop()
end

TestClose = {}

function TestClose:test_leaving_its_block_stops_it()
  local pid
  do
    local process <close> = started({}, "forever")
    pid = process:unix_pid()
  end
  lu.assertFalse(spec.alive(pid))
end

function TestClose:test_an_error_stops_it()
  local pid
  local ok, message = pcall(function()
    local process <close> = started({}, "forever")
    pid = process:unix_pid()
    error("enough", 0)
  end)
  lu.assertFalse(ok)
  lu.assertEquals(message, "enough")
  lu.assertFalse(spec.alive(pid))
end

function TestClose:test_one_that_was_never_started_may_be_closed()
  do local process <close> = new({}, "forever") end  -- luacheck: ignore
end

function TestClose:test_a_task_may_close_it()
  local pid
  local task = pexec.task(function()
    local process <close> = started({}, "forever")
    pid = process:unix_pid()
    pexec.sleep(0.01)
  end)
  task:wait()
  lu.assertFalse(spec.alive(pid))
end

TestShown = {}

function TestShown:test_id_is_the_configurations()
  lu.assertEquals(new({ id = "web 1" }, "forever"):id(), "web 1")
end

function TestShown:test_tostring_shows_class_id_and_pid()
  local process = new({ id = "web" }, "forever")
  lu.assertEquals(tostring(process), "pexec.ManagedProcess (web)")
  process:start()
  lu.assertEquals(tostring(process), ("pexec.ManagedProcess (web, pid %d)")
                                     :format(process:unix_pid()))
  process:stop()
  lu.assertEquals(tostring(process), "pexec.ManagedProcess (web)")
end

TestWrongArguments = {}

function TestWrongArguments:test_a_context_is_asked_for()
  local process = new({}, "forever")
  for _, wrong in ipairs{ 1, "now", true, {}, print } do
    lu.assertStrContains(message_of(process.start, process, wrong),
        "bad argument #1 to 'start' (Context expected, got " .. type(wrong))
  end
  assert_fails("process not started", "NOT_STARTED", process:status())
end

function TestWrongArguments:test_methods_refuse_what_is_no_process()
  local process = new({}, "forever")
  for _, method in ipairs{ "id", "start", "stop", "kill_group", "status",
                           "unix_pid", "wait" } do
    for _, wrong in ipairs{ {}, "process", 1, io.stdout } do
      lu.assertStrContains(message_of(process[method], wrong),
          ("calling '%s' on bad self (ManagedProcess expected, got %s)")
          :format(method, type(wrong)))
    end
    lu.assertStrContains(message_of(process[method]), "got nil")
  end
end

function TestWrongArguments:test_a_configuration_is_asked_for()
  for _, wrong in ipairs{ 1, "sh", true, print } do
    lu.assertStrContains(message_of(pexec.new_managed_process, wrong),
        "ProcessConfig or table expected, got " .. type(wrong))
  end
  lu.assertStrContains(message_of(pexec.new_managed_process), "got nil")
end

function TestWrongArguments:test_unknown_fields_are_named()
  local message = message_of(pexec.new_managed_process,
                             { id = "a", name = "a", comand = "b" })
  lu.assertStrContains(message, 'unknown field "comand"')
end

function TestWrongArguments:test_a_logger_is_asked_for()
  local config = spec.child("forever")
  for _, wrong in ipairs{ 1, "log", true, print, {} } do
    lu.assertStrContains(message_of(pexec.new_managed_process, config, wrong),
                         "logger")
  end
end

function TestWrongArguments:test_an_invalid_configuration_is_an_answer()
  assert_fails('error validating "": "id" is required', "INVALID_CONFIG",
               pexec.new_managed_process{ name = "sh" })
  assert_fails('error validating "a": "name" is required', "INVALID_CONFIG",
               pexec.new_managed_process{ id = "a" })
  assert_fails('error validating "a": stop_timeout should not be less than '
               .. "100ms", "INVALID_CONFIG",
               pexec.new_managed_process{ id = "a", name = "sh",
                                          stop_timeout = 0.05 })
end

function TestWrongArguments:test_a_changed_configuration_changes_nothing()
  local config = pexec.new_process_config(spec.child("forever"))
  local process = assert(pexec.new_managed_process(config,
                                                   pexec.null_logger))
  config.name = "/nowhere"
  config.args[1] = "exit"
  lu.assertTrue(process:start())
  process:stop()
end
