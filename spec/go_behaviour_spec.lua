-- The behaviour of the Go package that this library reproduces, case by case,
-- on shell scripts as its own tests have them; and each case in which that
-- package fails. One process here; managers and JSON have files of their own.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

local now = spec.probe.now

local function new(script, fields)
  local config = { id = "1", name = "sh", args = { "-c", script } }
  for name, value in pairs(fields or {}) do config[name] = value end
  return assert(pexec.new_managed_process(config, pexec.null_logger))
end

local function one_shot(script, fields)
  fields = fields or {}
  fields.one_shot = true
  return new(script, fields)
end

local function started(script, fields)
  local process = new(script, fields)
  assert(process:start())
  return process
end

local function cancelled()
  local context = pexec.new_context()
  context:cancel()
  return context
end

-- A context that is cancelled when this file is there.
local function cancelled_by(path)
  local context = pexec.new_context()
  pexec.task(function()
    spec.eventually(function() return spec.read(path) end)
    context:cancel()
  end)
  return context
end

local function wait_for_lines(path, count)
  return spec.eventually(function()
    local lines = spec.lines(spec.read(path))
    return #lines >= count and lines
  end)
end

local function temporary()
  return spec.tmpdir() .. "/file"
end

local LOOP <const> = "; while :; do sleep 0.02; done"

TestGoOneShot = {}

function TestGoOneShot:test_starting_with_a_cancelled_context_fails()
  lu.assertEquals({ one_shot("echo hello"):start(cancelled()) },
      { nil, 'error running process "sh": context canceled', "CANCELED" })
end

function TestGoOneShot:test_starting_with_an_eventually_cancelled_one_fails()
  local file = temporary()
  local process = one_shot(("echo hello >>%s" .. LOOP):format(file))
  lu.assertEquals({ process:start(cancelled_by(file)) },
      { nil, 'error running process "sh": signal: killed (context canceled)',
        "CANCELED" })
end

function TestGoOneShot:test_starting_with_a_live_one_runs_it_to_its_end()
  local file = temporary()
  local process = one_shot("echo hello >>" .. file)
  lu.assertEquals({ process:start(pexec.new_context()) }, { true })
  lu.assertEquals(spec.read(file), "hello\n")
end

function TestGoOneShot:test_a_failure_is_its_exit_status()
  lu.assertEquals({ one_shot("exit 1"):start() },
      { nil, 'error running process "sh": exit status 1', "EXIT_STATUS" })
end

function TestGoOneShot:test_on_unexpected_exit_is_ignored()
  local process = one_shot("exit 1", { on_unexpected_exit = error })
  lu.assertEquals(select(3, process:start()), "EXIT_STATUS")
end

function TestGoOneShot:test_a_directory_that_is_not_there_fails()
  local _, message = one_shot("echo hello", { cwd = "idontexist" }):start()
  lu.assertStrContains(message,
      'error setting process working directory to "idontexist"')
end

function TestGoOneShot:test_a_relative_program_is_taken_from_the_directory()
  local dir, lines = spec.tmpdir(), {}
  spec.write(dir .. "/exec.sh", "#!/bin/sh\necho hi\n")
  os.execute("chmod +x " .. dir .. "/exec.sh")
  assert(one_shot("", { name = "./exec.sh", cwd = dir,
      log_writer = function(line) lines[#lines + 1] = line end }):start())
  lu.assertEquals(lines, { "hi" })
end

TestGoManaged = {}

local function assert_runs_until_stop(context)
  local file = temporary()
  local process = new(("trap 'echo world >>%s; exit 0' TERM; echo hello >>%s"
                       .. LOOP):format(file, file))
  lu.assertEquals({ process:start(context) }, { true })
  wait_for_lines(file, 1)
  if context then context:cancel() end
  lu.assertEquals({ process:status() }, { true })
  lu.assertEquals({ process:stop() }, { true, "process" })
  lu.assertEquals(select(2, process:status()), "process already finished")
  lu.assertEquals(spec.read(file), "hello\nworld\n")
end

function TestGoManaged:test_without_a_context_it_runs_until_stop()
  assert_runs_until_stop()
end

function TestGoManaged:test_a_live_context_that_ends_later_has_no_effect()
  assert_runs_until_stop(pexec.new_context())
end

function TestGoManaged:test_a_cancelled_context_has_no_effect()
  assert_runs_until_stop(cancelled())
end

function TestGoManaged:test_one_that_dies_is_restarted()
  local file = temporary()
  local process = started("echo hello >>" .. file .. "; exit 1",
                          { restart_delay = 0.05 })
  wait_for_lines(file, 3)
  lu.assertTrue(process:stop())
end

function TestGoManaged:test_on_unexpected_exit_is_asked_until_it_says_no()
  local codes = {}
  local process = started("exit 1", { restart_delay = 0,
      on_unexpected_exit = function(code)
        codes[#codes + 1] = code
        return #codes < 5
      end })
  process:wait()
  lu.assertEquals(codes, { 1, 1, 1, 1, 1 })
  lu.assertTrue(process:stop())
end

function TestGoManaged:test_on_unexpected_exit_is_not_asked_on_stop()
  local calls = 0
  local process = started("exec sleep 60", { on_unexpected_exit = function()
    calls = calls + 1
  end })
  process:stop()
  pexec.dispatch(0)
  lu.assertEquals(calls, 0)
end

function TestGoManaged:test_on_unexpected_exit_does_not_hold_up_a_stop()
  local has_begun = false
  local process = started("exit 1", { on_unexpected_exit = function()
    has_begun = true
    pexec.sleep(60)
    return true
  end })
  spec.eventually(function() return has_begun end)
  local before = now()
  lu.assertTrue(process:stop())
  lu.assertTrue(now() - before < 10)
end

function TestGoManaged:test_environment_is_added_and_overrides()
  local lines = {}
  spec.probe.setenv("PEXEC_GO", "of the host")
  local ok, message = one_shot("echo $PEXEC_GO; echo $PEXEC_NEW", {
      environment = { PEXEC_GO = "own", PEXEC_NEW = "new" },
      log_writer = function(line) lines[#lines + 1] = line end }):start()
  spec.probe.setenv("PEXEC_GO")
  lu.assertTrue(ok, message)
  lu.assertEquals(lines, { "own", "new" })
end

function TestGoManaged:test_a_log_writer_gets_the_output()
  local lines, object = {}, { text = "" }
  function object:write(text) self.text = self.text .. text end
  assert(one_shot("echo one; echo two", { log_writer = object }):start())
  lu.assertEquals(object.text, "one\ntwo\n")
  local process = started("echo one; echo two" .. LOOP, {
      log_writer = function(line) lines[#lines + 1] = line end })
  spec.eventually(function() return #lines >= 2 end)
  process:stop()
  lu.assertEquals(lines, { "one", "two" })
end

TestGoStop = {}

function TestGoStop:test_before_start_it_has_no_effect_but_is_final()
  local process = one_shot("echo hello")
  lu.assertTrue(process:stop())
  lu.assertTrue(process:stop())
  lu.assertEquals({ process:start() },
                  { nil, "already stopped", "ALREADY_STOPPED" })
end

function TestGoStop:test_after_a_one_shot_it_is_final()
  local process = one_shot("echo hello")
  lu.assertTrue(process:start())
  lu.assertTrue(process:stop())
  lu.assertEquals(select(2, process:start()), "already stopped")
end

function TestGoStop:test_it_gives_a_chance_to_finish()
  for _, status in ipairs{ 0, 1 } do
    local file = temporary()
    local process = started(("trap 'exit %d' TERM; echo hello >>%s" .. LOOP)
                            :format(status, file), { stop_timeout = 20 })
    wait_for_lines(file, 1)
    lu.assertEquals({ process:stop() }, { true, "process" })
    lu.assertEquals(select(2, process:start()), "already stopped")
  end
end

function TestGoStop:test_it_kills_what_does_not_take_it()
  local file = temporary()
  local process = started(("trap 'echo woo' TERM; echo hello >>%s" .. LOOP)
                          :format(file), { stop_timeout = 0.3 })
  wait_for_lines(file, 1)
  lu.assertEquals({ process:stop() }, { true, "kill" })
end

function TestGoStop:test_each_stop_signal_is_the_one_that_is_sent()
  local names = { "HUP", "INT", "QUIT", "ABRT", "USR1", "USR2", "TERM" }
  local traps = {}
  for i, name in ipairs(names) do
    traps[i] = ("trap 'echo %s; exit 0' %s"):format(name, name)
  end
  for _, name in ipairs(names) do
    local lines = {}
    local process = started(table.concat(traps, "; ") .. "; echo up" .. LOOP,
        { stop_signal = name, stop_timeout = 20,
          log_writer = function(line) lines[#lines + 1] = line end })
    spec.eventually(function() return lines[1] == "up" end)
    lu.assertEquals({ process:stop() }, { true, "process" })
    lu.assertEquals(lines, { "up", name })
  end
end

-- The leader sees the first stage and the second, its children the second.
function TestGoStop:test_leader_and_children_see_so_many_signals()
  local dir = spec.tmpdir()
  local trap = "trap 'echo TERM >>%s/%s' TERM; echo up >>%s/%s.up" .. LOOP
  local function shell(name) return trap:format(dir, name, dir, name) end
  local process = started(('sh -c "%s" & sh -c "%s" & %s'):format(shell("a"),
      shell("b"), shell("leader")), { stop_timeout = spec.slowness })
  for _, name in ipairs{ "a", "b", "leader" } do
    wait_for_lines(dir .. "/" .. name .. ".up", 1)
  end
  lu.assertEquals({ process:stop() }, { true, "kill" })
  lu.assertEquals(spec.read(dir .. "/leader"), "TERM\nTERM\n")
  lu.assertEquals(spec.read(dir .. "/a"), "TERM\n")
  lu.assertEquals(spec.read(dir .. "/b"), "TERM\n")
end

function TestGoStop:test_kill_group_kills_children_without_waiting()
  local dir = spec.tmpdir()
  local process = started(("trap '' TERM; sh -c 'echo $$ >%s/pid%s' & "
      .. "wait"):format(dir, LOOP))
  wait_for_lines(dir .. "/pid", 1)
  process:kill_group()
  process:wait()
  lu.assertFalse(spec.alive(tonumber(spec.read(dir .. "/pid"))))
end

TestWhereGoFails = {}

-- FAULTS 8
function TestWhereGoFails:test_a_stop_interrupts_a_restart_delay()
  local file = temporary()
  local process = started("echo hello >>" .. file, { restart_delay = 60 })
  spec.eventually(function() return not process:status() end)
  local before = now()
  lu.assertEquals({ process:stop() }, { true, "none" })
  lu.assertTrue(now() - before < 10)
  lu.assertEquals(spec.read(file), "hello\n")
end

-- FAULTS 10
function TestWhereGoFails:test_no_tail_of_the_output_is_lost()
  for _ = 1, 60 do
    local count = 0
    assert(one_shot("i=0; while [ $i -lt 100 ]; do echo $i; i=$((i+1)); done",
        { log_writer = function() count = count + 1 end }):start())
    lu.assertEquals(count, 100)
  end
end

-- FAULTS 18
function TestWhereGoFails:test_a_failed_restart_does_not_end_supervision()
  local dir = spec.tmpdir()
  local program = dir .. "/program"
  spec.write(program, "#!/bin/sh\necho hello >>" .. dir .. "/lines\nrm $0\n")
  os.execute("cp -p " .. program .. " " .. dir .. "/copy; chmod +x " .. dir
             .. "/*")
  local process = started("", { name = program, restart_delay = 0.05 })
  wait_for_lines(dir .. "/lines", 1)
  pexec.sleep(0.2)
  os.rename(dir .. "/copy", program)
  wait_for_lines(dir .. "/lines", 2)
  process:stop()
end

-- FAULTS 7
function TestWhereGoFails:test_status_before_start_is_an_answer()
  lu.assertEquals({ new("exit 0"):status() },
                  { nil, "process not started", "NOT_STARTED" })
end

-- FAULTS 12
function TestWhereGoFails:test_children_do_not_survive_a_leader_that_left()
  local file = temporary()
  local process = started(("sh -c 'echo $$ >%s%s' & trap 'exit 0' TERM; wait")
                          :format(file, LOOP), { stop_timeout = 20 })
  wait_for_lines(file, 1)
  lu.assertTrue(process:stop())
  lu.assertFalse(spec.alive(tonumber(spec.read(file))))
end

-- FAULTS 10
function TestWhereGoFails:test_lines_are_not_split_at_4_kib()
  local lengths = {}
  assert(one_shot("head -c 60000 /dev/zero | tr '\\0' x; echo",
      { log_writer = function(line) lengths[#lengths + 1] = #line end })
      :start())
  lu.assertEquals(lengths, { 60000 })
end

-- FAULTS 11
function TestWhereGoFails:test_a_one_shot_does_not_wait_for_a_grandchild()
  local file, before = temporary(), now()
  assert(one_shot("(echo $$ >/dev/null; exec sleep 60) & echo $! >" .. file,
                  { log_writer = function() end }):start())
  lu.assertTrue(now() - before < 10)
  spec.kill(math.tointeger(tonumber(spec.read(file))))
end

-- FAULTS 1
function TestWhereGoFails:test_the_signal_of_a_death_is_told()
  local told
  local process = started("kill -SEGV $$", {
      on_unexpected_exit = function(code, exit) told = { code, exit.signal } end
  })
  process:wait()
  lu.assertEquals(told, { -1, "SIGSEGV" })
end

-- FAULTS 21
function TestWhereGoFails:test_a_manager_stops_its_processes_side_by_side()
  local manager = pexec.new_process_manager(pexec.null_logger)
  for i = 1, 5 do
    manager:add_process(new("trap '' TERM" .. LOOP, { id = tostring(i),
                                                      stop_timeout = 1 }))
  end
  assert(manager:start())
  pexec.sleep(0.1)
  local before = now()
  lu.assertTrue(manager:stop())
  lu.assertTrue(now() - before < 3 * spec.slowness)
end

-- FAULTS 7
function TestWhereGoFails:test_starting_twice_makes_one_process()
  local file = temporary()
  local process = started(("echo $$ >>%s%s"):format(file, LOOP))
  lu.assertEquals({ process:start() },
                  { nil, "already started", "ALREADY_STARTED" })
  wait_for_lines(file, 1)
  process:stop()
  lu.assertEquals(#spec.lines(spec.read(file)), 1)
end

-- FAULTS 33
function TestWhereGoFails:test_a_stopped_child_does_not_cost_the_timeout()
  local process = started("kill -STOP $$", { stop_timeout = 60 })
  local pid = process:unix_pid()
  spec.eventually(function() return spec.stat(pid).state == "T" end)
  local before = now()
  lu.assertEquals({ process:stop() }, { true, "process" })
  lu.assertTrue(now() - before < 10)
end

function TestWhereGoFails:test_usr1_is_a_stop_signal()
  local process = started("exec sleep 60", { stop_signal = "SIGUSR1",
                                             stop_timeout = 20 })
  lu.assertEquals({ process:stop() }, { true, "process" })
end

-- FAULTS 8
function TestWhereGoFails:test_a_stop_does_not_wait_for_a_one_shot()
  local process = one_shot("exec sleep 60", { stop_timeout = 20 })
  local task = pexec.task(process.start, process)
  spec.eventually(function() return process:status() end)
  local before = now()
  lu.assertTrue(process:stop())
  lu.assertTrue(now() - before < 10)
  lu.assertEquals(select(3, task:wait()), "SIGNALED")
end
