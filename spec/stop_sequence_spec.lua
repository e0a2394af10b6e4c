-- Stops by a sequence of stages, with real processes and a Lua that is called:
-- programs that are run and what they see, functions and what becomes of what
-- they do, who has to be killed, and the end of the host.

local hosts = require "hosts"
local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

local now = spec.probe.now

local function new(fields, ...)
  local logger = fields.logger or pexec.null_logger
  fields.logger = nil
  return assert(pexec.new_managed_process(spec.child(fields, ...), logger))
end

-- Started, and so far that it has done these verbs and said so; then it does
-- those of fields.and_then, or nothing for ever.
local function started(fields, ...)
  local file = spec.tmpdir() .. "/up"
  local verbs = { ... }
  for _, word in ipairs{ "append", file, "%p" } do
    verbs[#verbs + 1] = word
  end
  for _, word in ipairs(fields.and_then or { "forever" }) do
    verbs[#verbs + 1] = word
  end
  fields.and_then = nil
  local process = new(fields, table.unpack(verbs))
  assert(process:start())
  spec.eventually(function() return spec.read(file) end)
  return process
end

local function sh(text, ...)
  return { "/bin/sh", "-c", text, "sh", ... }
end

local function lines_of(path)
  return spec.lines(spec.read(path))
end

-- What it answered, and how many seconds it took.
local function timed_stop(process)
  local before = now()
  local answer = { process:stop() }
  return answer, now() - before
end

local function assert_between(least, most, seconds)
  lu.assertTrue(seconds >= least, "after " .. seconds)
  lu.assertTrue(seconds < most * spec.slowness, "after " .. seconds)
end

TestStopSequence = {}

function TestStopSequence:test_each_stage_is_gone_through_to_the_end()
  local file = spec.tmpdir() .. "/seen"
  local drained
  local process = started({ stop_sequence = {
      { call = function(p) drained = p end, wait = 0.2 },
      { signal = "QUIT", wait = 0.2 },
      { signal = "TERM", to = "group", wait = 0.2 } } },
      "count", "QUIT", file, "count", "TERM", file)
  local pid = process:unix_pid()
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "kill", nil, { pid } })
  assert_between(0.6, 5, seconds)
  lu.assertIs(drained, process)
  lu.assertEquals(#lines_of(file), 2)
end

function TestStopSequence:test_the_result_tells_the_stage_and_its_number()
  local process = started({ stop_sequence = {
      { signal = "USR1", wait = 0.1 }, { signal = "TERM" } } },
      "ignore", "USR1")
  lu.assertEquals({ process:stop() }, { true, "process", 2 })
  lu.assertEquals({ process:stop() }, { true, "none" })
end

function TestStopSequence:test_without_stages_it_is_killed_at_once()
  local process = started{ stop_sequence = {}, stop_timeout = 60 }
  local pid = process:unix_pid()
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "kill", nil, { pid } })
  assert_between(0, 10, seconds)
end

function TestStopSequence:test_all_who_had_to_be_killed_are_told()
  local dir = spec.tmpdir()
  local process = started({ stop_sequence = { { signal = "TERM",
                                                wait = 0.2 } } },
      "ignore", "TERM", "fork", "append", dir .. "/child", "%p", "forever",
      "end", "waitfile", dir .. "/child")
  local pids = { process:unix_pid(), tonumber(spec.read(dir .. "/child")) }
  local _, stage, number, survivors = process:stop()
  table.sort(pids)
  table.sort(survivors)
  lu.assertEquals({ stage, number, survivors }, { "kill", nil, pids })
end

-- As long as this one who is left stays, in seconds, so that the supervisor
-- has seen on any machine that somebody is left.
local SEEN <const> = 1

function TestStopSequence:test_others_are_told_when_the_process_has_gone()
  local dir = spec.tmpdir()
  local process = started({ stop_sequence = {
      { signal = "TERM", wait = 20 }, { run = { "true" }, wait = 20 },
      { signal = "QUIT", to = "group", wait = 20 } } },
      "fork", "ignore", "TERM", "trapexit", "QUIT", SEEN, 0, "bye", "append",
      dir .. "/child", "%p", "forever", "end", "waitfile", dir .. "/child")
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "group", 3 })
  assert_between(0, 10, seconds)
end

function TestStopSequence:test_the_largest_that_is_valid_can_be_used()
  local stages = {}
  for i = 1, 98 do stages[i] = { run = { "true", tostring(i) }, wait = 0 } end
  stages[99] = { signal = "USR1", wait = 0 }
  stages[100] = { signal = "TERM", wait = 1 << 30 }
  local process = started({ stop_sequence = stages }, "ignore", "USR1")
  lu.assertEquals({ process:stop() }, { true, "process", 100 })
end

TestStopPrograms = {}

-- A process that goes when a program has made its file.
local function stopped_by(text, fields)
  local file = spec.tmpdir() .. "/told"
  fields.stop_sequence = { { run = sh(text, file), wait = 20 } }
  fields.and_then = { "waitfile", file, "exit", 0 }
  return started(fields), file
end

-- FAULTS 17
function TestStopPrograms:test_they_have_the_processs_environment_and_more()
  local dir = spec.tmpdir()
  local file = dir .. "/env"
  local process = started{ id = "web", cwd = dir,
      environment = { COLOUR = "red", EMPTY = "", MAINPID = "none",
                      PEXEC_ID = "none" },
      stop_sequence = { { run = sh(
        'echo "$MAINPID" "$PEXEC_ID" "$COLOUR" "[${EMPTY-unset}]" "$PWD" '
        .. '"$HOME" >"$1.new"; env | grep -c "^MAINPID=" >>"$1.new"; '
        .. 'mv "$1.new" "$1"; kill "$MAINPID"', file), wait = 20 } } }
  local pid = process:unix_pid()
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "run", 1 })
  assert_between(0, 10, seconds)
  lu.assertEquals(lines_of(file),
      { ("%d web red [] %s %s"):format(pid, dir, os.getenv "HOME" or ""),
        "1" })
end

-- FAULTS 17
function TestStopPrograms:test_they_are_looked_up_in_the_processs_path()
  local dir = spec.tmpdir()
  spec.write(dir .. "/drain", '#!/bin/sh\necho "$0" >"$1"\nkill $MAINPID\n')
  os.execute("chmod +x " .. dir .. "/drain")
  local process = started{ environment = { PATH = dir .. ":/usr/bin:/bin" },
      stop_sequence = { { run = { "drain", dir .. "/seen" }, wait = 20 } } }
  lu.assertEquals({ process:stop() }, { true, "run", 1 })
  lu.assertEquals(lines_of(dir .. "/seen"), { dir .. "/drain" })
end

function TestStopPrograms:test_they_run_as_the_processs_user()
  if spec.probe.uid and spec.probe.uid() ~= 0 then lu.skip "only root" end
  local dir = spec.tmpdir()
  os.execute("chmod 777 " .. dir)
  local process = new{ name = "/bin/sleep", args = { "1000" },
      username = "nobody", stop_sequence = { { run = sh(
        'id -un >"$1"; kill $MAINPID', dir .. "/seen"), wait = 20 } } }
  if not process:start() then lu.skip "only root can change user" end
  lu.assertEquals({ process:stop() }, { true, "run", 1 })
  lu.assertEquals(lines_of(dir .. "/seen"), { "nobody" })
end

function TestStopPrograms:test_they_have_descriptors_of_their_own_alone()
  local process, file = stopped_by(
      'ls -l /proc/self/fd | grep -c -e "->" >"$1.new"; mv "$1.new" "$1"', {})
  assert(process:stop())
  lu.assertEquals(lines_of(file), { "4" })  -- ls has its directory open
end

function TestStopPrograms:test_their_lines_go_to_the_logger()
  local log = spec.collecting_logger()
  local process = stopped_by('echo draining; echo slowly >&2; touch "$1"',
                             { logger = log })
  assert(process:stop())
  pexec.dispatch(0)
  lu.assertNotNil(log:find "info: child: draining")
  lu.assertNotNil(log:find "error: child: slowly")
end

function TestStopPrograms:test_so_they_do_with_one_that_writes_from_c()
  local file = spec.tmpdir() .. "/log"
  local process = stopped_by('echo draining; touch "$1"',
                             { logger = pexec.new_logger{ file = file } })
  assert(process:stop())
  lu.assertStrContains(spec.read(file), "draining")
end

function TestStopPrograms:test_one_that_fails_is_told_and_followed_at_once()
  local log = spec.collecting_logger()
  local process = started{ logger = log, stop_sequence = {
      { run = sh "exit 3", wait = 20 }, { run = sh "kill -9 $$", wait = 20 },
      { run = { "/no/such/file" }, wait = 20 }, { signal = "TERM" } } }
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "process", 4 })
  assert_between(0, 15, seconds)
  pexec.dispatch(0)
  lu.assertNotNil(log:find 'stop program "/bin/sh" exited with status 3')
  lu.assertNotNil(log:find 'stop program "/bin/sh" was ended by SIGKILL')
  lu.assertStrContains(log:find 'stop program "/no/such/file" cannot be run',
                       "no such file or directory")
end

-- FAULTS 8, 14
function TestStopPrograms:test_one_that_loops_for_ever_ends_with_its_stage()
  local file = spec.tmpdir() .. "/pids"
  local process = started{ stop_sequence = {
      { run = sh('trap "" TERM; sleep 1000 & echo $! $$ >"$1"; '
                 .. 'while :; do :; done', file), wait = 0.5 },
      { signal = "TERM" } } }
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "process", 2 })
  assert_between(0.5, 10, seconds)
  for pid in spec.read(file):gmatch "%d+" do
    lu.assertFalse(spec.alive(pid))
  end
end

function TestStopPrograms:test_a_second_stop_waits_for_the_same_end()
  local process = stopped_by('sleep 0.3; touch "$1"', {})
  local task = pexec.task(process.stop, process)
  lu.assertEquals({ process:stop() }, { true, "run", 1 })
  lu.assertEquals({ task:wait() }, { true, "run", 1 })
end

-- FAULTS 8
function TestStopPrograms:test_a_kill_does_not_wait_for_them()
  local file = spec.tmpdir() .. "/pid"
  local process = started{ stop_sequence = {
      { run = sh('echo $$ >"$1"; exec sleep 1000', file), wait = 60 } } }
  local task = pexec.task(process.stop, process)
  local pid = spec.eventually(function()
    return (spec.read(file) or ""):match "^(%d+)\n"
  end)
  process:kill_group()
  lu.assertEquals((select(2, task:wait())), "kill")
  lu.assertFalse(spec.alive(pid))
end

-- One after the other, so that what is kept for the next stop would show.
function TestStopPrograms:test_many_stops_leave_nothing()
  for _ = 1, 20 do
    local process = started{ restart_delay = 0, stop_sequence = {
        { run = sh "kill $MAINPID", wait = 20 } } }
    lu.assertEquals({ process:stop() }, { true, "run", 1 })
  end
end

TestStopCalls = {}

local function stopped_with(call, wait, logger)
  local process = started{ logger = logger, stop_sequence = {
      { call = call, wait = wait or 20 }, { signal = "TERM" } } }
  return timed_stop(process)
end

function TestStopCalls:test_false_means_that_it_need_not_last()
  local answer, seconds = stopped_with(function() return false end)
  lu.assertEquals(answer, { true, "process", 2 })
  assert_between(0, 10, seconds)
end

function TestStopCalls:test_any_other_result_lets_it_last()
  for _, result in ipairs{ true, 0, "false" } do
    local answer, seconds = stopped_with(function() return result end, 0.2)
    lu.assertEquals(answer, { true, "process", 2 })
    assert_between(0.2, 10, seconds)
  end
  local _, seconds = stopped_with(function() end, 0.2)
  assert_between(0.2, 10, seconds)
end

function TestStopCalls:test_one_that_has_done_its_work_ends_the_process()
  local file = spec.tmpdir() .. "/drained"
  local process = started{ and_then = { "waitfile", file, "exit", 0 },
      stop_sequence = { { call = function()
        pexec.sleep(0.1)
        spec.write(file, "yes")
      end, wait = 60 }, { signal = "TERM" } } }
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "call", 1 })
  assert_between(0.1, 20, seconds)
end

-- FAULTS 14
function TestStopCalls:test_one_that_errs_is_told_of_and_followed_at_once()
  local unshowable = setmetatable({}, { __tostring = function() error() end })
  for _, problem in ipairs{ "broken", {}, unshowable } do
    local log = spec.collecting_logger()
    local answer, seconds = stopped_with(function() error(problem) end, 20,
                                         log)
    lu.assertEquals(answer, { true, "process", 2 })
    assert_between(0, 10, seconds)
    pexec.dispatch(0)
    lu.assertStrContains(log:find "error in a call of its stop_sequence",
                         "stack traceback")
  end
end

-- FAULTS 14: yields
function TestStopCalls:test_its_context_is_cancelled_with_its_stage()
  local slept
  local answer = stopped_with(function(_, context)
    slept = { pexec.sleep(60) }
    slept[4] = context:err()
    return false
  end, 0.2)
  lu.assertEquals(answer, { true, "process", 2 })
  lu.assertEquals(slept, { nil, "context canceled", "CANCELED",
                           "context canceled" })
end

-- FAULTS 14: loops; the stages go on without it
function TestStopCalls:test_one_that_does_not_return_holds_up_no_stage()
  local file = spec.tmpdir() .. "/seen"
  local process
  process = started({ stop_sequence = {
      { call = function()
        local limit = now() + 20 * spec.slowness
        while process:status() and now() < limit do end
        spec.write(file, tostring(process:status()))
      end, wait = 0.2 },
      { signal = "TERM", wait = 0.2 } } }, "ignore", "TERM")
  lu.assertEquals((select(2, process:stop())), "kill")
  lu.assertEquals(lines_of(file), { "nil" })
end

-- FAULTS 14: stops its own process
function TestStopCalls:test_it_may_wait_for_its_own_stop()
  local inner
  local process
  process = started{ stop_sequence = {
      { call = function() inner = { process:stop() } end, wait = 60 },
      { signal = "TERM" } } }
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "process", 2 })
  spec.eventually(function() return inner end)
  lu.assertEquals(inner, { true, "process", 2 })
  assert_between(0, 20, seconds)
end

function TestStopCalls:test_each_is_called_in_its_turn()
  local calls = {}
  local function note(name)
    return function(_, context)
      calls[#calls + 1] = name
      pexec.sleep(60)
      calls[#calls + 1] = name .. " " .. context:err()
    end
  end
  local process = started{ stop_sequence = {
      { call = note "a", wait = 0.1 }, { call = note "b", wait = 0.1 },
      { signal = "TERM" } } }
  lu.assertEquals({ process:stop() }, { true, "process", 3 })
  lu.assertEquals(#calls, 4)
  lu.assertEquals(calls[1], "a")
  lu.assertEquals(calls[4], "b context canceled")
end

-- Nobody dispatches: the core goes on.
function TestStopCalls:test_a_host_that_is_busy_is_not_waited_for()
  local called = false
  local process = started{ stop_sequence = {
      { call = function() called = true end, wait = 0.1 },
      { signal = "TERM" } } }
  local core = require "pexec.core"
  assert(core.process_stop(process))
  local limit = now() + 20 * spec.slowness
  while process:status() and now() < limit do spec.probe.sleep(0.01) end
  lu.assertNil((process:status()))
  assert(process:stop())
  lu.assertFalse(called)
end

-- FAULTS 20
function TestStopCalls:test_afterwards_everything_can_be_collected()
  local weak = setmetatable({}, { __mode = "k" })
  do
    local call = function() return false end
    weak[call] = true
    local process = started{ stop_sequence = { { call = call, wait = 20 },
                                               { signal = "TERM" } } }
    weak[process] = true
    assert(process:stop())
  end
  spec.eventually(function()
    collectgarbage()
    return next(weak) == nil
  end)
end

TestStopSequenceOfHost = {}

-- FAULTS 15
function TestStopSequenceOfHost:test_closing_the_state_runs_programs()
  local dir = spec.tmpdir()
  local host, ok = hosts.run(([[
    local process = managers.started({ id = "web", stop_sequence = {
      { call = function() print "called" end, wait = 60 },
      { run = { "/bin/sh", "-c", "echo $MAINPID >%s/told; kill $MAINPID" },
        wait = 20 } } }, "forever")
    print("pid", process:unix_pid())
    os.exit(7, true)]]):format(dir))
  lu.assertNil(ok)
  local pid = host:number "pid"
  lu.assertEquals(tonumber(spec.read(dir .. "/told")), pid)
  lu.assertNil(host:find "called")
  lu.assertFalse(spec.alive(pid))
end

-- FAULTS 15
function TestStopSequenceOfHost:test_a_program_dies_with_the_host()
  local file = spec.tmpdir() .. "/pid"
  local host = hosts.start(([[
    local process = managers.started({ id = "web", stop_sequence = {
      { run = { "/bin/sh", "-c", "echo $$ >%s; exec sleep 1000" },
        wait = 60 } } }, "forever")
    print "started"
    process:stop()]]):format(file))
  local pid = spec.eventually(function()
    return (spec.read(file) or ""):match "^(%d+)\n"
  end)
  spec.kill(host.pid, "KILL")
  host:finish()
  spec.eventually(function() return not spec.alive(pid) end)
end

-- FAULTS 29
function TestStopSequenceOfHost:test_a_forked_copy_runs_none()
  local file = spec.tmpdir() .. "/told"
  local host, ok = hosts.run(([[
    local probe = spec.probe
    local process = managers.started({ id = "web", stop_sequence = {
      { run = { "/bin/sh", "-c", "echo $PPID >>%s; kill $MAINPID" },
        wait = 20 } } }, "forever")
    local copy = assert(probe.fork())
    if copy == 0 then
      local _, _, code = process:stop()
      probe.exit(code == "FORKED" and 7 or 1)
    end
    print("copy", select(2, probe.wait(copy)))
    print("stop", process:stop())
    print("pid", probe.pid())]]):format(file))
  lu.assertTrue(ok, host:text())
  lu.assertEquals(host.stdout[1], "copy\texit\t7")
  lu.assertStrContains(host.stdout[2], "stop\ttrue\trun\t1")
  lu.assertEquals(lines_of(file), { tostring(host:number "pid") })
end
