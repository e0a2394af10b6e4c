-- One-shots: a start that returns when the process has ended, with what came
-- of it; contexts that cancel it; what it leaves alone.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

local now = spec.probe.now

local function new(fields, ...)
  local config = spec.child(fields, ...)
  config.one_shot = true
  return assert(pexec.new_managed_process(config, pexec.null_logger))
end

local function run(...)
  return new({}, ...):start()
end

local function message(reason)
  return ('error running process "%s": %s'):format(spec.child_path, reason)
end

local function assert_fails(reason, expected_code, ok, text, code)
  lu.assertNil(ok)
  lu.assertEquals(text, message(reason))
  lu.assertEquals(code, expected_code)
end

-- Whether there was a process already or not.
local function assert_cancelled(ok, text, code)
  lu.assertNil(ok)
  lu.assertTrue(text == message("signal: killed (context canceled)") or
                text == message("context canceled"), text)
  lu.assertEquals(code, "CANCELED")
end

local function file_exists(path)
  return spec.read(path) ~= nil
end

local function read_pid(path)
  return spec.eventually(function()
    return math.tointeger(tonumber(spec.read(path) or ""))
  end)
end

-- All that end a process when nobody catches them. 32 and 33 are the C
-- library's own, and have no name.
local function fatal_signals()
  local harmless = { SIGCHLD = true, SIGCONT = true, SIGSTOP = true,
                     SIGTSTP = true, SIGTTIN = true, SIGTTOU = true,
                     SIGURG = true, SIGWINCH = true }
  local list = {}
  for number = 1, 64 do
    local ok, config = pcall(pexec.new_process_config,
                             { stop_signal = number })
    if ok and not harmless[config.stop_signal] then
      list[#list + 1] = { number = number, name = config.stop_signal }
    end
  end
  return list
end

TestOneShot = {}

-- FAULTS 23
function TestOneShot:test_success_is_told_after_the_end()
  local file = spec.tmpdir() .. "/file"
  lu.assertEquals({ run("sleep", 0.1, "append", file, "done") }, { true })
  lu.assertEquals(spec.read(file), "done\n")
end

-- FAULTS 1, 23
function TestOneShot:test_each_exit_status_but_0_is_an_error()
  lu.assertEquals({ run("exit", 0) }, { true })
  for status = 1, 255 do
    assert_fails("exit status " .. status, "EXIT_STATUS", run("exit", status))
  end
end

-- FAULTS 1, 23
function TestOneShot:test_each_fatal_signal_is_an_error()
  local signals = fatal_signals()
  lu.assertTrue(#signals >= 50, "signals that can be told: " .. #signals)
  for _, signal in ipairs(signals) do
    local ok, text, code = run("signal", signal.number)
    lu.assertNil(ok)
    lu.assertStrMatches(text, (message("signal: "):gsub("%p", "%%%0"))
                              .. "[%w/() +-]+", nil, nil, signal.name)
    lu.assertEquals(code, "SIGNALED")
  end
end

function TestOneShot:test_signals_are_told_in_words()
  for signal, words in pairs{ KILL = "killed", TERM = "terminated",
                              INT = "interrupt", HUP = "hangup",
                              SEGV = "segmentation fault",
                              USR1 = "user defined signal 1" } do
    assert_fails("signal: " .. words, "SIGNALED", run("signal", signal))
  end
end

-- FAULTS 10, 23
function TestOneShot:test_its_output_is_delivered_before_start_returns()
  local bytes, lines = 0, 0
  local process = new({ log_writer = function(line)
    bytes, lines = bytes + #line, lines + 1
  end }, "lines", 200000)
  lu.assertTrue(process:start())
  lu.assertEquals(lines, 200000)
  lu.assertEquals(bytes, 1000000 + 1088895)
end

function TestOneShot:test_it_is_never_restarted()
  local file = spec.tmpdir() .. "/file"
  local process = new({ restart_delay = 0 }, "append", file, "run", "exit", 1)
  process:start()
  pexec.sleep(0.1)
  lu.assertEquals(spec.read(file), "run\n")
end

function TestOneShot:test_on_unexpected_exit_is_ignored()
  local function handler() error("is not to be called") end
  local process = new({ on_unexpected_exit = handler }, "exit", 1)
  assert_fails("exit status 1", "EXIT_STATUS", process:start())
end

function TestOneShot:test_it_may_be_started_again_each_time()
  local file = spec.tmpdir() .. "/file"
  local process = new({}, "append", file, "run", "exit", 2)
  for count = 1, 30 do
    assert_fails("exit status 2", "EXIT_STATUS", process:start())
    lu.assertEquals(#spec.lines(spec.read(file)), count)
  end
end

function TestOneShot:test_it_may_be_tried_again_when_it_could_not_be_executed()
  local path = spec.tmpdir() .. "/program"
  local process = new({ name = path, args = {} })
  local _, _, code = process:start()
  lu.assertEquals(code, "ENOENT")
  spec.write(path, "#!/bin/sh\nexit 0\n")
  os.execute("chmod +x " .. path)
  lu.assertEquals({ process:start() }, { true })
end

-- FAULTS 7
function TestOneShot:test_a_second_start_meanwhile_is_refused()
  local process = new({}, "forever")
  local first = pexec.task(process.start, process)
  local ok, text, code = process:start()
  lu.assertEquals({ ok, text, code },
                  { nil, "already started", "ALREADY_STARTED" })
  process:stop()
  lu.assertNil((first:wait()))
end

function TestOneShot:test_meanwhile_it_has_a_status_and_a_pid()
  local process = new({}, "sleep", 0.2)
  local task = pexec.task(process.start, process)
  spec.eventually(function() return process:status() end)
  lu.assertTrue(spec.alive(process:unix_pid()))
  lu.assertEquals({ task:wait() }, { true })
  lu.assertEquals({ process:status() },
                  { nil, "process already finished", "PROCESS_DONE" })
end

function TestOneShot:test_wait_returns_at_its_end()
  local process = new({}, "sleep", 0.1, "exit", 1)
  local task = pexec.task(process.start, process)
  lu.assertEquals({ process:wait() }, { true })
  lu.assertFalse((process:status() or false))
  task:wait()
end

function TestOneShot:test_tasks_run_while_the_main_program_waits_for_it()
  local ticks = 0
  local ticker = pexec.task(function()
    while pexec.sleep(0.01) do ticks = ticks + 1 end
  end)
  run("sleep", 0.3)
  ticker:cancel()
  ticker:wait()
  lu.assertTrue(ticks >= 3, "ticks: " .. ticks)
end

function TestOneShot:test_those_of_several_tasks_run_side_by_side()
  local directory = spec.tmpdir()
  local function meet(mine, others)  -- each waits for the other's file
    return run("append", directory .. mine, "here",
               "waitfile", directory .. others)
  end
  local a = pexec.task(meet, "/a", "/b")
  local b = pexec.task(meet, "/b", "/a")
  lu.assertEquals({ a:wait() }, { true })
  lu.assertEquals({ b:wait() }, { true })
end

-- FAULTS 11
function TestOneShot:test_a_grandchild_that_holds_its_pipe_does_not_delay_it()
  local file = spec.tmpdir() .. "/pid"
  local lines = {}
  local process = new({ log_writer = function(line)
    lines[#lines + 1] = line
  end }, "fork", "append", file, "%p", "forever", "end",
     "waitfile", file, "print", "over")
  local before = now()
  lu.assertTrue(process:start())
  lu.assertTrue(now() - before < 10)
  lu.assertEquals(lines, { "over" })
  local grandchild = read_pid(file)
  lu.assertTrue(spec.alive(grandchild), "its group is left alone")
  spec.kill(grandchild)
end

TestOneShotContext = {}

function TestOneShotContext:test_a_live_one_does_not_matter()
  local context = pexec.new_context()
  lu.assertEquals({ new({}, "exit", 0):start(context) }, { true })
  assert_fails("exit status 4", "EXIT_STATUS",
               new({}, "exit", 4):start(context))
  lu.assertNil((context:err()))
end

function TestOneShotContext:test_a_cancelled_one_fails_at_once()
  local file = spec.tmpdir() .. "/file"
  local context = pexec.new_context()
  context:cancel()
  local process = new({}, "append", file, "run")
  assert_fails("context canceled", "CANCELED", process:start(context))
  lu.assertFalse(file_exists(file))
  lu.assertEquals({ process:start() }, { true })
  lu.assertTrue(file_exists(file))
end

function TestOneShotContext:test_one_whose_time_is_over_fails_at_once()
  local file = spec.tmpdir() .. "/file"
  local process = new({}, "append", file, "run")
  assert_fails("context deadline exceeded", "DEADLINE_EXCEEDED",
               process:start(pexec.new_context{ timeout = 0 }))
  lu.assertFalse(file_exists(file))
end

-- FAULTS 23
function TestOneShotContext:test_a_later_cancelled_one_kills_the_group()
  local file = spec.tmpdir() .. "/pid"
  local context = pexec.new_context()
  pexec.task(function()
    read_pid(file)
    context:cancel()
  end)
  local process = new({}, "ignore", "TERM", "fork", "append", file, "%p",
                      "forever", "end", "forever")
  assert_fails("signal: killed (context canceled)", "CANCELED",
               process:start(context))
  lu.assertFalse(spec.alive(read_pid(file)))
end

-- FAULTS 23
function TestOneShotContext:test_a_deadline_kills_the_group()
  local file = spec.tmpdir() .. "/pid"
  local process = new({}, "fork", "append", file, "%p", "forever", "end",
                      "forever")
  local before = now()
  assert_fails("signal: killed (context deadline exceeded)",
               "DEADLINE_EXCEEDED",
               process:start(pexec.new_context{ timeout = 0.3 }))
  lu.assertTrue(now() - before >= 0.3)
  lu.assertTrue(now() - before < 10)
  lu.assertFalse(spec.alive(read_pid(file)))
end

function TestOneShotContext:test_one_kills_all_that_run_under_it()
  local context = pexec.new_context()
  local tasks = {}
  for i = 1, 5 do
    local process = new({}, "forever")
    tasks[i] = pexec.task(process.start, process, context)
  end
  context:cancel()
  for _, task in ipairs(tasks) do assert_cancelled(task:wait()) end
end

function TestOneShotContext:test_one_cancelled_after_the_end_changes_nothing()
  local file = spec.tmpdir() .. "/pid"
  local context = pexec.new_context()
  local process = new({}, "fork", "append", file, "%p", "forever", "end",
                      "waitfile", file)
  lu.assertTrue(process:start(context))
  context:cancel()
  lu.assertEquals({ new({}, "sleep", 0.1):start() }, { true })
  lu.assertTrue(spec.alive(read_pid(file)))
  spec.kill(read_pid(file))
end

-- Whether the child, the answer or the cancellation is first, something that
-- is true is told.
function TestOneShotContext:test_one_cancelled_at_any_moment_leaves_nothing()
  for i = 1, 200 do
    local context = pexec.new_context()
    local process = new({}, "sleep", 0.002)
    local task = pexec.task(process.start, process, context)
    if i % 4 ~= 0 then pexec.sleep(i % 7 / 2000) end
    context:cancel()
    local answer = table.pack(task:wait())
    if not answer[1] then assert_cancelled(table.unpack(answer)) end
    lu.assertFalse((process:status() or false))
  end
end

function TestOneShotContext:test_a_cancelled_task_kills_what_it_waits_for()
  local file = spec.tmpdir() .. "/pid"
  local process = new({}, "append", file, "%p", "forever")
  local task = pexec.task(process.start, process)
  local pid = read_pid(file)
  task:cancel()
  assert_fails("context canceled", "CANCELED", task:wait())
  process:wait()
  lu.assertFalse(spec.alive(pid))
end

TestOneShotStop = {}

-- FAULTS 8, 23
function TestOneShotStop:test_a_stop_from_another_task_is_prompt()
  local file = spec.tmpdir() .. "/pid"
  local process = new({ stop_timeout = 60 }, "append", file, "%p", "forever")
  local run_task = pexec.task(process.start, process)
  read_pid(file)
  local before = now()
  lu.assertEquals({ process:stop() }, { true, "process" })
  lu.assertTrue(now() - before < 10)
  assert_fails("signal: terminated", "SIGNALED", run_task:wait())
end

function TestOneShotStop:test_what_it_makes_of_the_signal_is_its_outcome()
  local file = spec.tmpdir() .. "/up"
  local process = new({}, "trapexit", "TERM", 0, 0, "fine", "append", file,
                      "up", "forever")
  local task = pexec.task(process.start, process)
  spec.eventually(function()
    return file_exists(file) and process:status()
  end)
  lu.assertEquals({ process:stop() }, { true, "process" })
  lu.assertEquals({ task:wait() }, { true })
end

-- FAULTS 8
function TestOneShotStop:test_a_stop_right_after_the_start_ends_both()
  for i = 1, 100 do
    local process = new({}, "forever")
    local task = pexec.task(process.start, process)
    if i % 2 == 0 then pexec.sleep(i / 50000) end
    lu.assertTrue(process:stop())
    local ok, text, code = task:wait()
    lu.assertNil(ok)
    lu.assertTrue(code == "SIGNALED" or code == "ALREADY_STOPPED", text)
    lu.assertFalse((process:status() or false))
  end
end

function TestOneShotStop:test_after_its_end_a_stop_has_nothing_to_do()
  local process = new({}, "exit", 0)
  process:start()
  lu.assertEquals({ process:stop() }, { true, "none" })
  local _, text, code = process:start()
  lu.assertEquals({ text, code }, { "already stopped", "ALREADY_STOPPED" })
end

function TestOneShotStop:test_kill_group_ends_it()
  local file = spec.tmpdir() .. "/pid"
  local process = new({}, "fork", "append", file, "%p", "forever", "end",
                      "forever")
  local task = pexec.task(process.start, process)
  local grandchild = read_pid(file)
  process:kill_group()
  assert_fails("signal: killed", "SIGNALED", task:wait())
  lu.assertFalse(spec.alive(grandchild))
end
