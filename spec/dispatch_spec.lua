-- pexec.dispatch: what it runs and counts, when it returns; the descriptor
-- that tells when there is work for it; handlers that behave badly in it.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local probe = spec.probe
local started = managers.started

-- Blocks the thread until it is so, and lets pexec do nothing meanwhile.
local function block_until(f)
  local limit = probe.now() + 20 * spec.slowness
  while not f() do
    if probe.now() > limit then error("it did not come to pass", 2) end
    probe.sleep(0.005)
  end
end

local watched

-- As a host's loop does, it asks for the descriptor once and for all.
local function readable(seconds)
  watched = watched or assert(pexec.pollfd())
  return probe.readable(watched, seconds or 0)
end

-- A host with a loop of its own: polls, and dispatches when there is work.
local function poll_until(f)
  local limit = probe.now() + 20 * spec.slowness
  while not f() do
    if not readable(limit - probe.now()) then
      error("the descriptor stayed silent", 2)
    end
    pexec.dispatch(0)
  end
end

-- Dispatches until there is nothing to do, and the descriptor says so too.
local function run_dry()
  local quiet_since = probe.now()
  while probe.now() - quiet_since < 0.05 do
    if readable(0.01) then
      pexec.dispatch(0)
      quiet_since = probe.now()
    end
  end
end

TestDispatch = {}

function TestDispatch:test_it_returns_0_at_once_where_nothing_can_come()
  lu.assertEquals({ pexec.dispatch() }, { 0 })
  lu.assertEquals({ pexec.dispatch(0) }, { 0 })
end

function TestDispatch:test_a_task_that_only_the_caller_can_wake_does_not_count()
  local pm = managers.new()
  local task = pexec.task(pm.run, pm, { signals = {} })
  lu.assertEquals(pexec.dispatch(), 0)
  assert(pm:stop())
  lu.assertEquals({ task:wait() }, { true, "stopped" })
end

function TestDispatch:test_with_a_timeout_it_waits_no_longer()
  local a = started("a", "forever")
  local seconds, count = managers.timed(pexec.dispatch, 0.05)
  lu.assertEquals(count, 0)
  lu.assertTrue(seconds >= 0.05)
  lu.assertEquals(pexec.dispatch("10ms"), 0)
  assert(a:stop())
end

function TestDispatch:test_nor_longer_where_a_sleeper_is_due_later()
  local sleeper = pexec.task(pexec.sleep, 60)
  local before = spec.probe.now()
  lu.assertEquals(pexec.dispatch(0.05), 0)
  lu.assertTrue(spec.probe.now() - before < 20)
  sleeper:cancel()
  pexec.dispatch(0)
end

function TestDispatch:test_it_counts_the_tasks_that_ran()
  for _ = 1, 3 do pexec.task(pexec.sleep, 0.01) end
  probe.sleep(0.05)
  lu.assertEquals(pexec.dispatch(0), 3)
  lu.assertEquals(pexec.dispatch(0), 0)
end

function TestDispatch:test_it_waits_until_something_has_run()
  local ran = false
  pexec.task(function()
    pexec.sleep(0.05)
    ran = true
  end)
  lu.assertEquals(pexec.dispatch(), 1)
  lu.assertTrue(ran)
end

function TestDispatch:test_a_timeout_ends_with_the_first_that_ran()
  pexec.task(pexec.sleep, 0.01)
  local seconds, count = managers.timed(pexec.dispatch, 60)
  lu.assertEquals(count, 1)
  lu.assertTrue(seconds < 30)
end

function TestDispatch:test_handlers_run_in_it_and_not_before()
  local ran = 0
  local a = started({ id = "a", on_unexpected_exit = function()
    ran = ran + 1
  end }, "sleep", 0.3, "exit", 0)
  block_until(function() return readable() end)
  probe.sleep(0.05)
  lu.assertEquals(ran, 0)
  while ran == 0 do pexec.dispatch() end
  lu.assertEquals(ran, 1)
  assert(a:wait())
  lu.assertEquals(ran, 1)
end

function TestDispatch:test_so_do_writers_and_lua_loggers()
  local lines, logger = {}, spec.collecting_logger()
  local a = assert(pexec.new_managed_process(spec.child({ id = "a", log = true,
    log_writer = function(line) table.insert(lines, line) end },
    "print", "hello", "forever"), logger))
  assert(a:start())
  probe.sleep(0.05)
  while #lines == 0 do lu.assertTrue(pexec.dispatch() > 0) end
  lu.assertEquals(lines, { "hello" })
  spec.eventually(function() return logger:find("info: hello") end)
  assert(a:stop())
end

function TestDispatch:test_it_returns_0_when_the_last_process_has_ended()
  local a = started({ id = "a", on_unexpected_exit = function() end },
                    "sleep", 0.3, "exit", 0)
  local counts = {}
  repeat
    counts[#counts + 1] = pexec.dispatch()
  until counts[#counts] == 0
  lu.assertTrue(#counts >= 2)
  lu.assertNil((a:status()))
end

function TestDispatch:test_a_task_may_not_call_it()
  local words = "dispatch: a task cannot dispatch, it waits by itself"
  local task = pexec.task(function()
    local _, direct = pcall(pexec.dispatch, 0)
    local _, nested = coroutine.wrap(function()
      return pcall(pexec.dispatch)
    end)()
    return direct, nested
  end)
  local direct, nested = task:wait()
  lu.assertStrContains(direct, words)
  lu.assertStrContains(nested, words)
end

function TestDispatch:test_a_handler_may_not_either()
  local problem
  local a = started({ id = "a", on_unexpected_exit = function()
    problem = select(2, pcall(pexec.dispatch, 0))
  end }, "exit", 0)
  assert(a:wait())
  lu.assertStrContains(problem, "a task cannot dispatch")
end

function TestDispatch:test_a_timeout_is_a_duration()
  local function words(value)
    return managers.words_of(function() pexec.dispatch(value) end)
  end
  lu.assertEquals(words(-1), "dispatch: negative duration -1")
  lu.assertEquals(words("x"), 'dispatch: invalid duration "x"')
  lu.assertEquals(words(false),
      "dispatch: duration (number or string) expected, got boolean false")
end

-- dispatch(timeout, max): what is left waits for the next one.
TestLimit = {}

-- Two whose sleeps are over, and how many of them have gone on.
local function two_sleepers()
  local woken = 0
  for _ = 1, 2 do
    pexec.task(function()
      pexec.sleep(0.01)
      woken = woken + 1
    end)
  end
  probe.sleep(0.05)
  return function() return woken end
end

function TestLimit:test_no_more_tasks_go_on_than_it_says()
  local woken = two_sleepers()
  lu.assertEquals(pexec.dispatch(0, 1), 1)
  lu.assertEquals(woken(), 1)
  lu.assertEquals(pexec.dispatch(0, 1), 1)
  lu.assertEquals(woken(), 2)
  lu.assertEquals(pexec.dispatch(0, 1), 0)
end

function TestLimit:test_it_is_for_one_dispatch_alone()
  local woken = two_sleepers()
  pexec.dispatch(0, 1)
  two_sleepers()
  lu.assertEquals(pexec.dispatch(0), 3)
  lu.assertEquals(woken(), 2)
end

function TestLimit:test_the_descriptor_tells_of_what_is_left()
  run_dry()
  local woken = two_sleepers()
  while woken() < 1 do
    lu.assertTrue(readable(20))
    pexec.dispatch(0, 1)
  end
  lu.assertTrue(readable(20))
  lu.assertEquals(pexec.dispatch(0, 1), 1)
  lu.assertEquals(woken(), 2)
  run_dry()
end

-- Dispatches one by one until it is so; none runs more than one.
local function one_by_one_until(f)
  spec.eventually(function()
    lu.assertTrue(pexec.dispatch(0.01, 1) <= 1)
    return f()
  end)
end

-- In place of spec.pause, which would dispatch without a limit.
local function without_pause(f)
  local pause = spec.pause
  spec.pause = function() end
  local ok, problem = xpcall(f, debug.traceback)
  spec.pause = pause
  if not ok then error(problem, 0) end
end

function TestLimit:test_each_line_counts()
  local go, lines = spec.tmpdir() .. "/go", {}
  local a = managers.shell({ stop_timeout = 1, log_writer = function(line)
    table.insert(lines, line)
  end }, ("until test -e %s; do sleep 0.01; done; "):format(go)
         .. "printf '1\\n2\\n3\\n'; exec sleep 1000")
  assert(a:start())
  spec.write(go, "")
  block_until(function() return a:info().output.stdout.lines == 3 end)
  without_pause(function()
    for count = 1, 3 do
      one_by_one_until(function() return #lines >= count end)
      lu.assertEquals(#lines, count)
    end
  end)
  lu.assertEquals(lines, { "1", "2", "3" })
  assert(a:stop())
end

-- Three listeners, and a writer besides, whose lines come first.
function TestLimit:test_each_function_of_an_event_counts_and_order_is_kept()
  local order = {}
  local a = managers.process({ id = "a", restart = "never",
    log_writer = function(line) table.insert(order, line) end },
    "print", "line", "exit", 0)
  for i = 1, 3 do
    a:on("started", function() table.insert(order, "started " .. i) end)
    a:on("exited", function() table.insert(order, "exited " .. i) end)
  end
  local starting = pexec.task(function()
    assert(a:start())
    a:wait()
    table.insert(order, "waited")
  end)
  without_pause(function()
    for count = 1, 8 do
      one_by_one_until(function() return #order >= count end)
      lu.assertEquals(#order, count)
    end
  end)
  starting:wait()
  lu.assertEquals(order, { "started 1", "started 2", "started 3", "line",
                           "exited 1", "exited 2", "exited 3", "waited" })
end

-- The writer is still at its line when the news come that these hear of.
function TestLimit:test_so_do_handlers_that_come_after_a_writer()
  local is_written, heard = false, 0
  local function hear() heard = heard + 1 end
  local a = managers.process({ id = "a", on_unexpected_exit = hear,
    log_writer = function()
      while not is_written do pexec.sleep(0.005) end
    end }, "print", "line", "exit", 1)
  a:on("exited", hear)
  assert(a:start())
  without_pause(function()
    one_by_one_until(function() return a:info().last_exit end)
    for _ = 1, 20 do one_by_one_until(function() return true end) end
    is_written = true
    one_by_one_until(function() return heard == 2 end)
  end)
  a:wait()
end

-- A handler that cannot be suspended blocks, with whatever that needs.
function TestLimit:test_a_handler_that_waits_where_it_cannot_yield_is_let()
  local a, woken = started("a", "forever"), two_sleepers()
  local stopped
  local b = started({ id = "b", on_unexpected_exit = function()
    table.sort({ 1, 2 }, function() stopped = stopped or a:stop() end)
  end }, "exit", 1)
  without_pause(function()
    spec.eventually(function()
      pexec.dispatch(0.01, 1)
      return stopped
    end)
  end)
  lu.assertEquals(woken(), 2)
  assert(b:wait())
end

function TestLimit:test_what_a_handler_begins_itself_is_not_held_up()
  local began = 0
  pexec.task(function()
    pexec.sleep(0.01)
    for _ = 1, 3 do pexec.task(function() began = began + 1 end) end
  end)
  probe.sleep(0.05)
  lu.assertEquals(pexec.dispatch(0, 1), 4)
  lu.assertEquals(began, 3)
end

function TestLimit:test_it_is_an_integer_of_at_least_1()
  local function words(value)
    return managers.words_of(function() pexec.dispatch(0, value) end)
  end
  lu.assertEquals(words(0), "dispatch: max should be at least 1, got 0")
  lu.assertEquals(words("1"),
                  'dispatch: max: integer expected, got string "1"')
  lu.assertEquals(words(1.5), "dispatch: max: integer expected, got number 1.5")
  lu.assertEquals(words(false),
                  "dispatch: max: integer expected, got boolean false")
  lu.assertEquals(pexec.dispatch(0, 1.0), 0)
end

TestPollfd = {}

function TestPollfd:test_it_is_always_the_same()
  local fd = pexec.pollfd()
  lu.assertEquals(math.type(fd), "integer")
  lu.assertEquals(pexec.pollfd(), fd)
end

function TestPollfd:test_it_is_silent_where_there_is_nothing_to_do()
  run_dry()
  lu.assertFalse(readable())
  local a = started("a", "forever")
  run_dry()
  lu.assertFalse(readable(0.1))
  assert(a:stop())
end

function TestPollfd:test_it_tells_of_a_death()
  local code
  local a = started({ id = "a", on_unexpected_exit = function(exit_code)
    code = exit_code
  end }, "exit", 7)
  poll_until(function() return code == 7 end)
  poll_until(function() return a:wait() end)
end

function TestPollfd:test_it_tells_of_lines()
  local file = spec.tmpdir() .. "/go"
  local lines = {}
  local a = started({ id = "a", log_writer = function(line)
    table.insert(lines, line)
  end }, "waitfile", file, "print", "hello", "forever")
  run_dry()
  spec.write(file, "")
  poll_until(function() return #lines == 1 end)
  assert(a:stop())
end

function TestPollfd:test_it_tells_of_messages_for_a_lua_logger()
  local logger = spec.collecting_logger()
  local a = assert(pexec.new_managed_process(
    spec.child({ id = "a", restart_delay = 0 }, "forever"), logger))
  assert(a:start())
  run_dry()
  spec.kill(a:unix_pid(), "KILL")
  poll_until(function() return logger:find("SIGKILL") end)
  assert(a:stop())
end

function TestPollfd:test_it_tells_of_a_sleep_that_is_over()
  readable()
  local done = false
  pexec.task(function()
    pexec.sleep(0.05)
    pexec.sleep(0.05)
    done = true
  end)
  poll_until(function() return done end)
end

function TestPollfd:test_it_tells_of_sleeps_that_began_before()
  local done = false
  pexec.task(function()
    pexec.sleep(0.02)
    done = true
  end)
  poll_until(function() return done end)
end

function TestPollfd:test_it_tells_of_each_of_several_sleepers()
  readable()
  local done = 0
  for i = 5, 1, -1 do
    pexec.task(function()
      pexec.sleep(i / 50)
      done = done + 1
    end)
  end
  poll_until(function() return done == 5 end)
end

function TestPollfd:test_it_tells_of_a_stop_that_a_task_waits_for()
  local a = started("a", "forever")
  run_dry()
  local task = pexec.task(a.stop, a)
  poll_until(function() return tostring(task) == "pexec.Task (done)" end)
  lu.assertTrue((task:wait()))
end

function TestPollfd:test_it_does_not_cry_wolf()
  run_dry()
  local a = started("a", "forever")
  run_dry()
  local spurious = 0
  for _ = 1, 20 do
    if readable(0.005) then
      pexec.dispatch(0)
      spurious = spurious + 1
    end
  end
  lu.assertEquals(spurious, 0)
  assert(a:stop())
end

TestManagersPoll = {}

function TestManagersPoll:test_a_manager_is_an_object_that_loops_can_poll()
  local pm = managers.new()
  local fd = pexec.pollfd()
  lu.assertEquals(pm:pollfd(), fd)
  lu.assertEquals(pm:getfd(), fd)
  lu.assertEquals(pm:events(), "r")
end

function TestManagersPoll:test_its_timeout_is_the_time_to_the_next_sleeper()
  local pm = managers.new()
  run_dry()
  lu.assertNil(pm:timeout())
  local task = pexec.task(pexec.sleep, 50)
  local left = pm:timeout()
  lu.assertTrue(left > 0 and left <= 50, left)
  local other = pexec.task(coroutine.yield)
  lu.assertEquals(pm:timeout(), 0)
  other:wait()
  task:cancel()
  task:wait()
  lu.assertNil(pm:timeout())
end

-- How often each thread of this host has gone to sleep so far: one that is
-- woken for nothing goes to sleep again.
local function sleeps()
  local counts = {}
  for _, tid in ipairs(probe.list("/proc/self/task")) do
    local text = spec.read("/proc/self/task/" .. tid .. "/status") or ""
    if tonumber(tid) ~= probe.pid() then
      counts[tid] = text:match("\nvoluntary_ctxt_switches:%s*(%d+)")
    end
  end
  return counts
end

function TestManagersPoll:test_nothing_is_polled_when_all_is_idle()
  lu.skipIf(spec.mode == "tsan", "the sanitizer makes threads wait")
  local pm = managers.new()
  for i = 1, 20 do
    assert(pm:add_process(managers.process({ id = "p" .. i,
      log_writer = print, on_unexpected_exit = print }, "forever"), false))
  end
  assert(pm:start())
  run_dry()
  local before = sleeps()
  lu.assertNotNil(next(before), "there is no thread")
  probe.sleep(0.5)
  lu.assertEquals(sleeps(), before)
  assert(pm:stop())
end

-- FAULTS 14. The others' supervision goes on, and nothing is called twice.
TestBadHandlers = {}

-- Kills a process with this handler. Returns it, how often the handler was
-- called, and one beside it that was restarted meanwhile.
local function with_handler(handler)
  local calls = 0
  local other = started({ id = "other", restart_delay = 0 }, "forever")
  local a = started({ id = "a", restart_delay = 0,
    on_unexpected_exit = function(...)
      calls = calls + 1
      return handler(...)
    end }, "forever")
  local pid, others_pid = a:unix_pid(), other:unix_pid()
  spec.kill(pid, "KILL")
  spec.kill(others_pid, "KILL")
  spec.eventually(function()
    local now = other:unix_pid()
    return now and now ~= others_pid
  end)
  return a, pid, function() return calls end, other
end

local function assert_restarts(handler)
  local a, pid, calls, other = with_handler(handler)
  spec.eventually(function()
    local now = a:unix_pid()
    return now and now ~= pid
  end)
  lu.assertEquals(calls(), 1)
  assert(a:stop())
  assert(other:stop())
  lu.assertEquals(calls(), 1)
end

function TestBadHandlers:test_one_that_errors_restarts()
  assert_restarts(function() error("boom") end)
  assert_restarts(function() error{ 1 } end)
  assert_restarts(function() error() end)
  assert_restarts(function()
    error(setmetatable({}, { __tostring = function() error("x") end }))
  end)
end

function TestBadHandlers:test_its_error_is_logged_with_a_traceback()
  local logger = spec.collecting_logger()
  local function deep() error("boom") end
  local a = assert(pexec.new_managed_process(spec.child({ id = "a",
    restart_delay = 0, on_unexpected_exit = function() deep() end }, "forever"),
    logger))
  assert(a:start())
  spec.kill(a:unix_pid(), "KILL")
  local line = spec.eventually(function()
    return logger:find("error in on_unexpected_exit")
  end)
  lu.assertStrContains(line, "boom")
  lu.assertStrContains(line, "stack traceback:")
  lu.assertStrContains(line, "in upvalue 'deep'")
  assert(a:stop())
end

function TestBadHandlers:test_one_that_yields_comes_again()
  assert_restarts(function()
    for _ = 1, 5 do coroutine.yield() end
    return true
  end)
end

function TestBadHandlers:test_one_that_is_busy_holds_up_its_own_thread_only()
  local other = started({ id = "other", restart_delay = 0 }, "forever")
  local others_pid = other:unix_pid()
  local seen
  local a = started({ id = "a", restart_delay = 0,
    on_unexpected_exit = function()
      spec.kill(others_pid, "KILL")
      block_until(function()
        seen = other:unix_pid()
        return seen and seen ~= others_pid
      end)
      return false
    end }, "exit", 1)
  assert(a:wait())
  lu.assertNotEquals(seen, others_pid)
  assert(other:stop())
end

function TestBadHandlers:test_one_that_stops_its_own_process()
  local answer
  local a, _, calls, other = with_handler(function(_, exit)
    answer = { exit.process:stop() }
    return true
  end)
  assert(a:wait())
  spec.eventually(function() return answer end)
  lu.assertEquals(answer, { true, "none" })
  lu.assertEquals(calls(), 1)
  lu.assertNil((a:status()))
  assert(other:stop())
end

function TestBadHandlers:test_one_that_waits_for_its_own_process_is_told()
  local messages = {}
  local a = started({ id = "a", on_unexpected_exit = function(_, exit)
    messages[1] = select(2, pcall(exit.process.wait, exit.process))
    messages[2] = coroutine.wrap(function()
      return select(2, pcall(exit.process.wait, exit.process))
    end)()
  end }, "exit", 1)
  assert(a:wait())
  for i = 1, 2 do
    lu.assertStrContains(messages[i],
                         "a process's handler cannot wait for its process")
  end
end

function TestBadHandlers:test_one_that_sleeps_holds_up_no_other()
  local order = {}
  local function process(id, seconds)
    return started({ id = id, on_unexpected_exit = function()
      pexec.sleep(seconds)
      table.insert(order, id)
    end }, "exit", 1)
  end
  local slow, quick = process("slow", 0.5), process("quick", 0)
  assert(slow:wait())
  assert(quick:wait())
  lu.assertEquals(order, { "quick", "slow" })
end

-- Runs a script whose process "other" is killed by the death of its host.
local function exits(statement)
  local output, status = spec.run_script([[
    local pexec, spec = require "pexec", require "spec"
    local managers = require "managers"
    local other = managers.started("other", "forever")
    print("pid", other:unix_pid())
    io.stdout:flush()
    local a = managers.started({ id = "a", on_unexpected_exit = function()
      ]] .. statement .. [[
    end }, "exit", 1)
    a:wait()
    print("not reached")]])
  local pid = tonumber(output:match("pid\t(%d+)"))
  spec.eventually(function() return not spec.alive(pid) end)
  lu.assertNotStrContains(output, "not reached")
  return status
end

-- FAULTS 15 too
function TestBadHandlers:test_one_that_exits_the_program()
  lu.assertEquals(exits("os.exit(5)"), 5)
  lu.assertEquals(exits("os.exit(6, true)"), 6)
end

function TestBadHandlers:test_a_result_after_a_stop_is_ignored()
  local is_deciding = false
  local starts = spec.tmpdir() .. "/starts"
  local a = started({ id = "a", restart_delay = 0,
    on_unexpected_exit = function()
      is_deciding = true
      pexec.sleep(60)
      return true
    end }, "append", starts, "x", "exit", 1)
  spec.eventually(function() return is_deciding end)
  assert(a:stop())
  pexec.sleep(0.1)
  lu.assertEquals(spec.read(starts), "x\n")
end
