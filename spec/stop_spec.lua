-- Stopping one process: the stages and what leader and children see of them,
-- the signal that begins it, what it takes, at which moments it works, and
-- that nothing runs afterwards.

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

local function lines_of(path)
  return spec.lines(spec.read(path))
end

local function read_pid(path)
  return spec.eventually(function()
    return math.tointeger(tonumber(spec.read(path) or ""))
  end)
end

-- Stops it; returns what it answered, and how many seconds it took.
local function timed_stop(process)
  local before = now()
  local answer = { process:stop() }
  return answer, now() - before
end

-- The leader and one child, both told of with a file each; both ready.
local function family(fields, dir, leader, child)
  local verbs = { "fork" }
  for _, verb in ipairs(child) do verbs[#verbs + 1] = verb end
  for _, verb in ipairs{ "append", dir .. "/child", "%p", "forever", "end",
                         "waitfile", dir .. "/child" } do
    verbs[#verbs + 1] = verb
  end
  for _, verb in ipairs(leader) do verbs[#verbs + 1] = verb end
  for _, verb in ipairs{ "append", dir .. "/leader", "%p", "forever" } do
    verbs[#verbs + 1] = verb
  end
  local process = started(fields, table.unpack(verbs))
  return process, read_pid(dir .. "/leader"), read_pid(dir .. "/child")
end

TestStopStages = {}

-- FAULTS 2
function TestStopStages:test_one_that_obeys_takes_one_signal()
  local dir = spec.tmpdir()
  local process = started({ stop_timeout = 60 }, "trapexit", "TERM", 0, 0,
                          "bye", "append", dir .. "/up", "%p", "forever")
  local pid = read_pid(dir .. "/up")
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "process" })
  lu.assertTrue(seconds < 10)
  lu.assertFalse(spec.alive(pid))
end

-- FAULTS 2
function TestStopStages:test_one_that_takes_its_time_gets_it()
  local log, lines, asked = spec.collecting_logger(), {}, 0
  local process = started({ logger = log, name = "/bin/sh",
      args = { "-c", 'trap "sleep 0.3; echo last; exit 0" TERM; echo up; '
                     .. 'while :; do sleep 0.01; done' },
      stop_timeout = 30,
      on_unexpected_exit = function() asked = asked + 1 end,
      log_writer = function(line) lines[#lines + 1] = line end })
  spec.eventually(function() return lines[1] == "up" end)
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "process" })
  lu.assertTrue(seconds >= 0.3)
  lu.assertEquals(lines, { "up", "last" })
  lu.assertEquals(asked, 0)
  lu.assertNil(log:find("killing"))
end

-- FAULTS 3
function TestStopStages:test_one_that_ignores_it_is_killed_at_the_timeout()
  local dir, log = spec.tmpdir(), spec.collecting_logger()
  local process = started({ logger = log, stop_timeout = 1 }, "count", "TERM",
                          dir .. "/seen", "append", dir .. "/up", "%p",
                          "forever")
  local pid = read_pid(dir .. "/up")
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "kill" })
  lu.assertTrue(seconds >= 1, "after " .. seconds)
  lu.assertTrue(seconds < 3 * spec.slowness, "after " .. seconds)
  lu.assertFalse(spec.alive(pid))
  lu.assertEquals(#lines_of(dir .. "/seen"), 2)
  pexec.dispatch(0)
  lu.assertNotNil(log:find("killing process group " .. pid))
end

-- The signal to the group comes after a third of the time, not before.
function TestStopStages:test_the_group_is_signalled_after_a_third_of_it()
  local times, lines = {}, {}
  local process = started({ stop_timeout = 0.9, log_writer = function(line)
    lines[#lines + 1] = line
    times[#times + 1] = now()
  end }, "trap", "TERM", "TERM", "print", "up", "forever")
  spec.eventually(function() return lines[1] == "up" end)
  local before = now()
  lu.assertEquals({ process:stop() }, { true, "kill" })
  lu.assertEquals(lines, { "up", "TERM", "TERM" })
  lu.assertTrue(times[3] - before >= 0.3)
end

function TestStopStages:test_a_child_is_spared_while_the_leader_has_time()
  local dir = spec.tmpdir()
  local process = family({ stop_timeout = 0.6 }, dir,
                         { "count", "TERM", dir .. "/leader_seen" },
                         { "count", "TERM", dir .. "/child_seen" })
  lu.assertEquals({ process:stop() }, { true, "kill" })
  lu.assertEquals(#lines_of(dir .. "/leader_seen"), 2)
  lu.assertEquals(#lines_of(dir .. "/child_seen"), 1)
end

-- The leader goes once its child has been told, by the second stage.
function TestStopStages:test_the_second_stage_may_be_enough()
  local dir = spec.tmpdir()
  local process = family({ stop_timeout = 3 }, dir,
      { "count", "TERM", dir .. "/leader_seen", "append", dir .. "/leader",
        "%p", "waitfile", dir .. "/told", "exit", 0 },
      { "count", "TERM", dir .. "/child_seen", "append", dir .. "/child",
        "%p", "waitfile", dir .. "/child_seen", "append", dir .. "/told",
        "yes", "exit", 0 })
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "group" })
  lu.assertTrue(seconds >= 1)
  lu.assertEquals(#lines_of(dir .. "/leader_seen"), 2)
  lu.assertEquals(#lines_of(dir .. "/child_seen"), 1)
end

-- FAULTS 12: its child stays for a second, so that the supervisor has seen on
-- any machine that somebody is left.
function TestStopStages:test_children_are_told_at_once_where_the_leader_left()
  local dir = spec.tmpdir()
  local process, _, child = family({ stop_timeout = 60 }, dir,
      { "trapexit", "TERM", 0, 0, "bye" },
      { "trapexit", "TERM", 1, 0, "bye" })
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "group" })
  lu.assertTrue(seconds < 10)
  lu.assertFalse(spec.alive(child))
end

-- FAULTS 12
function TestStopStages:test_stubborn_children_of_a_leader_that_left_die()
  local dir = spec.tmpdir()
  local process, leader, child = family({ stop_timeout = 0.6 }, dir,
      { "trapexit", "TERM", 0, 0, "bye" },
      { "count", "TERM", dir .. "/child_seen" })
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "kill" })
  lu.assertTrue(seconds >= 0.6)
  lu.assertEquals(#lines_of(dir .. "/child_seen"), 1)
  lu.assertFalse(spec.alive(leader))
  lu.assertFalse(spec.alive(child))
end

-- FAULTS 12
function TestStopStages:test_shell_wrappers_go_with_what_they_wrap()
  local dir = spec.tmpdir()
  local process = started({ name = "/bin/sh", args = { "-c",
      ('"$0" append %s/up %%p forever; true'):format(dir), spec.child_path },
      stop_timeout = 3 })
  local child = read_pid(dir .. "/up")
  local answer = timed_stop(process)
  lu.assertTrue(answer[1])
  lu.assertFalse(spec.alive(child))
end

-- The zombie's own parent has left the group, and never reaps it.
function TestStopStages:test_a_zombie_in_the_group_holds_nothing_up()
  local dir = spec.tmpdir()
  local process = started({ stop_timeout = 60 },
      "fork", "fork", "append", dir .. "/child", "%p", "forever", "end",
      "setsid", "append", dir .. "/parent", "%p", "forever", "end",
      "append", dir .. "/up", "%p", "forever")
  local parent, child = read_pid(dir .. "/parent"), read_pid(dir .. "/child")
  read_pid(dir .. "/up")
  local answer, seconds = timed_stop(process)
  lu.assertTrue(answer[1])
  lu.assertTrue(seconds < 10)
  lu.assertEquals(spec.stat(child).state, "Z")
  spec.kill(parent)
end

-- FAULTS 33
function TestStopStages:test_a_stopped_child_is_told_to_go_on()
  local process = started({ stop_timeout = 60 }, "stopself", "forever")
  local pid = process:unix_pid()
  spec.eventually(function() return spec.stat(pid).state == "T" end)
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "process" })
  lu.assertTrue(seconds < 10)
end

-- FAULTS 33
function TestStopStages:test_stopped_children_in_the_group_are_told_too()
  local dir = spec.tmpdir()
  local process, _, child = family({ stop_timeout = 60 }, dir, {}, {})
  spec.kill(child, "STOP")
  spec.eventually(function() return spec.stat(child).state == "T" end)
  local answer, seconds = timed_stop(process)
  lu.assertTrue(answer[1])
  lu.assertTrue(seconds < 10)
  lu.assertFalse(spec.alive(child))
end

TestStopSignal = {}

local function caught_name(number)
  local lines = {}
  local process = started({ stop_signal = number, stop_timeout = 20,
      log_writer = function(line) lines[#lines + 1] = line end },
      "trapexit", number, 0, 0, "caught " .. number, "print", "up",
      "forever")
  spec.eventually(function() return lines[1] == "up" end)
  local answer = { process:stop() }
  return { answer[1], answer[2], lines[2] }
end

function TestStopSignal:test_each_that_can_be_caught_arrives()
  local count = 0
  for number = 1, 64 do
    local is_named = pcall(pexec.new_process_config, { stop_signal = number })
    if is_named and number ~= 9 and number ~= 19 then
      lu.assertEquals(caught_name(number),
                      { true, "process", "caught " .. number })
      count = count + 1
    end
  end
  lu.assertTrue(count >= 58, "signals: " .. count)
end

function TestStopSignal:test_names_are_taken_in_every_form()
  for _, name in ipairs{ "USR1", "sigusr1", "SIGUSR1", 10 } do
    local lines = {}
    local process = started({ stop_signal = name, stop_timeout = 20,
        log_writer = function(line) lines[#lines + 1] = line end },
        "trapexit", "USR1", 0, 0, "caught", "print", "up", "forever")
    spec.eventually(function() return lines[1] == "up" end)
    lu.assertEquals({ process:stop() }, { true, "process" })
    lu.assertEquals(lines, { "up", "caught" })
  end
end

function TestStopSignal:test_it_may_be_the_kill_itself()
  local process = started({ stop_signal = "KILL" }, "ignore", "TERM",
                          "forever")
  lu.assertEquals({ process:stop() }, { true, "process" })
end

function TestStopSignal:test_one_that_ends_nothing_leads_to_the_kill()
  local process = started({ stop_signal = "WINCH", stop_timeout = 0.1 },
                          "forever")
  lu.assertEquals({ process:stop() }, { true, "kill" })
end

TestStopMoments = {}

-- FAULTS 8
function TestStopMoments:test_it_interrupts_a_restart_delay()
  local file = spec.tmpdir() .. "/pids"
  local process = started({ restart_delay = 60, stop_timeout = 60 },
                          "append", file, "%p", "exit", 1)
  spec.eventually(function() return not process:status() end)
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "none" })
  lu.assertTrue(seconds < 10)
  pexec.sleep(0.05)
  lu.assertEquals(#lines_of(file), 1)
end

-- FAULTS 8
function TestStopMoments:test_it_does_not_wait_for_a_handlers_decision()
  local file = spec.tmpdir() .. "/pids"
  local told
  local process = started({ restart_delay = 0, stop_timeout = 60,
      on_unexpected_exit = function(_, exit)
        told = { pexec.sleep(60) }
        told.err = { exit.context:err() }
        return true
      end }, "append", file, "%p", "exit", 1)
  spec.eventually(function() return not process:status() end)
  pexec.sleep(0.05)
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { true, "none" })
  lu.assertTrue(seconds < 10)
  pexec.sleep(0.05)
  lu.assertEquals(told, { nil, "context canceled", "CANCELED",
                          err = { "context canceled", "CANCELED" } })
  lu.assertEquals(#lines_of(file), 1)
end

-- FAULTS 8: which of the two comes first is open; what follows is not.
function TestStopMoments:test_it_overtakes_a_start_that_is_under_way()
  for i = 1, 100 do
    local process = new({}, "forever")
    local start = pexec.task(process.start, process)
    if i % 2 == 0 then pexec.sleep(i / 50000) end
    local ok, stage = process:stop()
    lu.assertTrue(ok)
    lu.assertTrue(stage == "none" or stage == "process", stage)
    local is_started, message, code = start:wait()
    if not is_started then
      lu.assertEquals({ message, code },
                      { "already stopped", "ALREADY_STOPPED" })
    end
    lu.assertFalse((process:status() or false))
  end
end

-- FAULTS 7
function TestStopMoments:test_500_times_right_after_the_start()
  local file = spec.tmpdir() .. "/pids"
  for _ = 1, 500 do
    local process = started({ restart_delay = 0 }, "append", file, "%p")
    lu.assertTrue(process:stop())
    lu.assertFalse((process:status() or false))
  end
  local count = #lines_of(file)
  pexec.sleep(0.2)
  lu.assertEquals(#lines_of(file), count)
end

-- FAULTS 7
function TestStopMoments:test_two_tasks_that_stop_it_both_hear_of_it()
  local are_two = false
  local process = started({ stop_sequence = { { wait = 60, call = function(p)
    repeat pexec.sleep(0.01) until are_two
    p:signal("KILL")
  end } } }, "forever")
  local a = pexec.task(process.stop, process)
  local b = pexec.task(process.stop, process)
  are_two = true
  lu.assertEquals({ a:wait() }, { true, "call", 1 })
  lu.assertEquals({ b:wait() }, { true, "call", 1 })
end

function TestStopMoments:test_a_second_one_does_not_start_it_anew()
  local dir = spec.tmpdir()
  local process = started({ stop_timeout = 0.6 * spec.slowness }, "count",
                          "TERM", dir .. "/seen", "append", dir .. "/up", "%p",
                          "forever")
  read_pid(dir .. "/up")
  local first = pexec.task(process.stop, process)
  pexec.sleep(0.1)
  lu.assertEquals({ process:stop() }, { true, "kill" })
  lu.assertEquals({ first:wait() }, { true, "kill" })
  lu.assertEquals(#lines_of(dir .. "/seen"), 2)
end

-- FAULTS 7
function TestStopMoments:test_one_more_afterwards_has_nothing_to_do()
  local process = started({}, "forever")
  lu.assertEquals({ process:stop() }, { true, "process" })
  lu.assertEquals({ process:stop() }, { true, "none" })
end

function TestStopMoments:test_the_handler_is_never_called()
  local calls = 0
  for i = 1, 100 do
    local process = started({ restart_delay = 0,
        on_unexpected_exit = function() calls = calls + 1 end }, "forever")
    if i % 3 == 0 then pexec.sleep(0.001) end
    process:stop()
  end
  pexec.dispatch(0)
  lu.assertEquals(calls, 0)
end

function TestStopMoments:test_many_are_stopped_side_by_side()
  local tasks = {}
  local before = now()
  for i = 1, 10 do
    local process = started({ stop_timeout = 1 }, "ignore", "TERM", "forever")
    tasks[i] = pexec.task(process.stop, process)
  end
  for _, task in ipairs(tasks) do lu.assertTrue((task:wait())) end
  lu.assertTrue(now() - before < 5 * spec.slowness)
end

TestKillGroup = {}

function TestKillGroup:test_it_kills_leader_and_children_at_once()
  local dir = spec.tmpdir()
  local process, leader, child = family({ stop_timeout = 60 }, dir,
      { "count", "TERM", dir .. "/leader_seen" },
      { "count", "TERM", dir .. "/child_seen" })
  lu.assertEquals(select("#", process:kill_group()), 0)
  lu.assertEquals({ process:wait() }, { true })
  lu.assertFalse(spec.alive(leader))
  lu.assertFalse(spec.alive(child))
  lu.assertEquals(lines_of(dir .. "/leader_seen"), {})
  lu.assertEquals(lines_of(dir .. "/child_seen"), {})
end

function TestKillGroup:test_it_is_final_and_asks_no_handler()
  local file = spec.tmpdir() .. "/pids"
  local calls = 0
  local process = started({ restart_delay = 0,
      on_unexpected_exit = function() calls = calls + 1 end },
      "append", file, "%p", "forever")
  read_pid(file)
  process:kill_group()
  process:wait()
  lu.assertEquals({ process:stop() }, { true, "none" })
  lu.assertEquals(select(3, process:start()), "ALREADY_STOPPED")
  lu.assertEquals(#lines_of(file), 1)
  lu.assertEquals(calls, 0)
end

function TestKillGroup:test_it_cuts_a_stop_short()
  local process = started({ stop_timeout = 60 }, "ignore", "TERM", "print",
                          "up", "forever")
  pexec.sleep(0.05)
  local stop = pexec.task(process.stop, process)
  pexec.sleep(0.05)
  local before = now()
  process:kill_group()
  local ok, stage = stop:wait()
  lu.assertTrue(ok)
  lu.assertTrue(stage == "kill" or stage == "process", stage)
  lu.assertTrue(now() - before < 10)
end

-- FAULTS 7, 8
function TestKillGroup:test_it_works_at_every_moment()
  local file = spec.tmpdir() .. "/pids"
  for i = 1, 100 do
    local process = new({ restart_delay = 0 }, "append", file, "%p")
    local start = pexec.task(process.start, process)
    if i % 4 ~= 0 then pexec.sleep(i % 9 / 3000) end
    process:kill_group()
    process:kill_group()
    start:wait()
    lu.assertEquals({ process:wait() }, { true })
    lu.assertFalse((process:status() or false))
  end
  local count = #lines_of(file)
  pexec.sleep(0.1)
  lu.assertEquals(#lines_of(file), count)
end

TestUnkillable = {}

local FREEZER <const> = "/sys/fs/cgroup/freezer"

-- A process in a frozen cgroup does not die, not even of SIGKILL, until it is
-- thawed. Removes its cgroup when it leaves its block.
local function new_freezer()
  local path = ("%s/pexec-spec-%d"):format(FREEZER, spec.probe.pid())
  if not os.execute(("mkdir %s 2>/dev/null"):format(path)) then
    lu.skip("there is no freezer that we may use")
  end
  local function set(state)
    return pcall(spec.write, path .. "/freezer.state", state)
  end
  return setmetatable({ path = path, set = set }, { __close = function()
    set("THAWED")
    spec.eventually(function()
      return os.execute(("rmdir %s 2>/dev/null"):format(path))
    end)
  end })
end

-- What cannot run cannot die, either.
local function freeze(freezer, pid)
  spec.write(freezer.path .. "/cgroup.procs", tostring(pid))
  freezer.set("FROZEN")
  spec.eventually(function()
    return spec.read(freezer.path .. "/freezer.state") == "FROZEN\n"
  end)
end

-- FAULTS 34
function TestUnkillable:test_a_restart_says_so_and_makes_no_second_one()
  local freezer <close> = new_freezer()
  local file = spec.tmpdir() .. "/pids"
  local process = started({ stop_timeout = 0.3 }, "append", file, "%p",
                          "forever")
  local pid = read_pid(file)
  freeze(freezer, pid)
  local ok, message, code = process:restart()
  lu.assertNil(ok)
  lu.assertStrContains(message, ("%d (child)"):format(pid))
  lu.assertEquals(code, "STOP_TIMEOUT")
  lu.assertEquals(process:unix_pid(), pid)
  lu.assertEquals(#lines_of(file), 1)
  freezer.set("THAWED")  -- now it dies, and its successor comes
  spec.eventually(function() return #lines_of(file) == 2 end)
  spec.eventually(function() return process:info().starts == 2 end)
  lu.assertFalse(spec.alive(pid))
  process:stop()
end

-- FAULTS 34
function TestUnkillable:test_a_stop_says_so_and_its_end_is_noticed()
  local freezer <close> = new_freezer()
  local file, log = spec.tmpdir() .. "/pids", spec.collecting_logger()
  local process = started({ logger = log, stop_timeout = 0.3,
                            restart_delay = 0 },
                          "append", file, "%p", "forever")
  local pid = read_pid(file)
  freeze(freezer, pid)
  local answer, seconds = timed_stop(process)
  lu.assertEquals(answer, { nil, ('error stopping process "%s": did not end '
      .. "even after SIGKILL: %d (child)"):format(spec.child_path, pid),
      "STOP_TIMEOUT", { pid } })
  lu.assertTrue(seconds >= 1.3)
  lu.assertTrue(seconds < 10 * spec.slowness)
  pexec.dispatch(0)
  lu.assertNotNil(log:find("still alive"))
  lu.assertEquals({ process:status() }, { true })
  local waiter = pexec.task(process.wait, process)
  freezer.set("THAWED")
  lu.assertEquals({ waiter:wait() }, { true })
  lu.assertFalse(spec.alive(pid))
  lu.assertEquals(#lines_of(file), 1)
  lu.assertEquals({ process:stop() }, { true, "none" })
end
