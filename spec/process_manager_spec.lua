-- ProcessManager with pexec's own processes: starting, stopping, cloning. What
-- is in one is in managed_ids_spec, other objects as processes in
-- duck_typed_spec, pm:run in run_spec.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local process, started = managers.process, managers.started
local assert_already_stopped = managers.assert_already_stopped

-- A program that is not there.
local function missing(id)
  return managers.process{ id = id, name = "/nowhere/at-all" }
end

local function is_alive(p)
  return p:status() == true
end

-- One that is up and then takes this long to answer a signal.
local function slow_to_stop(id, seconds)
  local file = spec.tmpdir() .. "/ready"
  local p = started(id, "trapexit", "TERM", seconds, 0, "bye", "append", file,
                    "ready", "forever")
  spec.eventually(function() return spec.read(file) end)
  return p
end

TestNewManager = {}

function TestNewManager:test_it_is_empty()
  local pm = pexec.new_process_manager()
  lu.assertEquals(pm:process_ids(), {})
  lu.assertNil(pm:process_by_id("a"))
  lu.assertNil(pm:remove_process_by_id("a"))
end

function TestNewManager:test_it_takes_a_logger_or_options()
  lu.assertEquals(type(pexec.new_process_manager(pexec.null_logger)),
                  "userdata")
  lu.assertEquals(type(pexec.new_process_manager{}), "userdata")
  lu.assertEquals(type(pexec.new_process_manager{
    logger = spec.collecting_logger() }), "userdata")
end

function TestNewManager:test_it_refuses_what_is_no_logger()
  local words = managers.words_of
  lu.assertStrContains(words(pexec.new_process_manager, 5),
                       "logger: logger (object with debug, info, warn and "
                       .. "error) expected, got number 5")
  lu.assertStrContains(words(pexec.new_process_manager, { loger = 1 }),
                       'unknown field "loger" (did you mean "logger"?)')
  lu.assertStrContains(words(pexec.new_process_manager,
                             { info = print, debug = print }), '"warn"')
end

function TestNewManager:test_its_logger_is_that_of_the_processes_it_makes()
  local logger = spec.collecting_logger()
  local pm = pexec.new_process_manager(logger)
  assert(pm:add_process_from_config(spec.child({ id = "a", log = true },
                                               "print", "hello", "forever")))
  assert(pm:start())
  spec.eventually(function() return logger:find("info: hello") end)
  assert(pm:stop())
end

function TestNewManager:test_it_shows_what_it_holds()
  local pm = managers.of(process("a"))
  lu.assertEquals(tostring(pm), "pexec.ProcessManager (1 processes)")
  assert(pm:stop())
  lu.assertEquals(tostring(pm), "pexec.ProcessManager (0 processes, stopped)")
end

function TestNewManager:test_methods_refuse_another_self()
  local pm = managers.new()
  for _, name in ipairs{ "process_ids", "process_by_id", "add_process", "start",
                         "remove_process_by_id", "add_process_from_config",
                         "stop", "clone", "run", "pollfd", "getfd", "events",
                         "timeout" } do
    lu.assertStrContains(managers.message_of(pm[name], {}),
                         "pexec.ProcessManager expected, got table")
  end
end

TestManagerStart = {}

function TestManagerStart:test_all_start_in_the_order_of_adding()
  local file = spec.tmpdir() .. "/order"
  local pm = managers.new()
  for _, id in ipairs{ "c", "a", "b" } do
    assert(pm:add_process(process({ id = id, one_shot = true },
                                  "append", file, id), false))
  end
  lu.assertEquals({ pm:start() }, { true })
  lu.assertEquals(spec.lines(spec.read(file)), { "c", "a", "b" })
  assert(pm:stop())
end

function TestManagerStart:test_a_second_start_does_nothing()
  local a = process("a", "forever")
  local pm = managers.of(a)
  assert(pm:start())
  local pid = a:unix_pid()
  lu.assertEquals({ pm:start() }, { true })
  lu.assertEquals(a:unix_pid(), pid)
  assert(pm:stop())
end

function TestManagerStart:test_one_that_runs_already_counts_as_started()
  local a, b = started("a", "forever"), process("b", "forever")
  local pid = a:unix_pid()
  local pm = managers.of(a, b)
  lu.assertEquals({ pm:start() }, { true })
  lu.assertEquals(a:unix_pid(), pid)
  lu.assertTrue(is_alive(b))
  assert(pm:stop())
end

function TestManagerStart:test_one_in_its_restart_delay_counts_as_started()
  local a = started({ id = "a", restart_delay = 60 }, "exit", 1)
  spec.eventually(function()
    return select(3, a:unix_pid()) == "PROCESS_DONE"
  end)
  local pm = managers.of(a)
  lu.assertEquals({ pm:start() }, { true })
  assert(pm:stop())
end

function TestManagerStart:test_if_one_fails_all_are_stopped()
  local a, c = process("a", "forever"), process("c", "forever")
  local pm = managers.of(a, missing("b"), c)
  local ok, message, code = pm:start()
  lu.assertNil(ok)
  lu.assertStrContains(message, "/nowhere/at-all")
  lu.assertEquals(code, "ENOENT")
  lu.assertFalse(is_alive(a))
  assert_already_stopped(pm:start())
  assert_already_stopped(c:start())
  lu.assertEquals(pm:process_ids(), {})
  lu.assertEquals({ pm:stop() }, { true })
end

function TestManagerStart:test_it_fails_when_all_are_down()
  local a = slow_to_stop("a", 0.3)
  local pid = a:unix_pid()
  local pm = managers.of(a, missing("b"))
  lu.assertNil((pm:start()))
  lu.assertFalse(spec.alive(pid))
end

function TestManagerStart:test_it_takes_a_context()
  local pm = managers.of(process({ id = "a", one_shot = true }, "forever"))
  local ok, message, code = pm:start(pexec.new_context{ timeout = 0.1 })
  lu.assertNil(ok)
  lu.assertStrContains(message,
                       "signal: killed (context deadline exceeded)")
  lu.assertEquals(code, "DEADLINE_EXCEEDED")
  lu.assertStrContains(managers.message_of(pm.start, pm, 5),
      "bad argument #1 to 'start' (Context expected, got number)")
end

-- FAULTS 8
function TestManagerStart:test_a_stop_meanwhile_interrupts_it()
  local file = spec.tmpdir() .. "/ran"
  local slow = process({ id = "slow", one_shot = true }, "append", file, "slow",
                       "forever")
  local pm = managers.of(slow, process("next", "append", file, "next"))
  local task = pexec.task(pm.start, pm)
  spec.eventually(function() return spec.read(file) end)
  lu.assertEquals({ pm:stop() }, { true })
  assert_already_stopped(task:wait())
  lu.assertEquals(spec.read(file), "slow\n")
end

function TestManagerStart:test_two_at_once_have_the_same_answer()
  local file = spec.tmpdir() .. "/go"
  local pm = managers.of(process({ id = "a", one_shot = true }, "waitfile",
                                 file, "exit", 3))
  local first = pexec.task(pm.start, pm)
  local second = pexec.task(pm.start, pm)
  spec.write(file, "")
  local answer = { first:wait() }
  lu.assertEquals(answer[3], "EXIT_STATUS")
  lu.assertEquals({ second:wait() }, answer)
end

-- FAULTS 19
function TestManagerStart:test_what_is_added_meanwhile_is_started()
  local file = spec.tmpdir() .. "/go"
  local pm = managers.of(process({ id = "a", one_shot = true }, "waitfile",
                                 file))
  local task = pexec.task(pm.start, pm)
  local b = process("b", "forever")
  lu.assertEquals({ pm:add_process(b, true) }, { true })
  spec.write(file, "")
  lu.assertEquals({ task:wait() }, { true })
  lu.assertTrue(is_alive(b))
  assert(pm:stop())
end

TestManagerStop = {}

function TestManagerStop:test_all_are_down_when_it_returns()
  local pids = {}
  local pm = managers.new()
  for i = 1, 5 do
    local p = slow_to_stop("p" .. i, 0.1)
    pids[i] = p:unix_pid()
    assert(pm:add_process(p, false))
  end
  lu.assertEquals({ pm:stop() }, { true })
  for _, pid in ipairs(pids) do lu.assertFalse(spec.alive(pid)) end
end

-- FAULTS 21
function TestManagerStop:test_twenty_that_ignore_it_take_no_longer_than_one()
  local pm = managers.new()
  for i = 1, 20 do
    assert(pm:add_process(managers.stubborn("p" .. i), false))
  end
  local seconds, ok = managers.timed(pm.stop, pm)
  lu.assertTrue(ok)
  lu.assertTrue(seconds >= 1, seconds)
  lu.assertTrue(seconds < 3 * spec.slowness, seconds)
end

function TestManagerStop:test_it_is_final()
  local a = process("a", "forever")
  local pm = managers.of(a)
  assert(pm:start())
  assert(pm:stop())
  lu.assertEquals({ pm:stop() }, { true })
  assert_already_stopped(pm:start())
  assert_already_stopped(pm:add_process(process("b"), false))
  assert_already_stopped(pm:add_process_from_config(spec.child{ id = "b" }))
  assert_already_stopped(pm:run())
  lu.assertNil(pm:process_by_id("a"))
  lu.assertNil(pm:remove_process_by_id("a"))
  lu.assertEquals(pm:process_ids(), {})
  assert_already_stopped(a:start())
end

function TestManagerStop:test_before_the_start_it_stops_what_is_in_it()
  local a = started("a", "forever")
  local pm = managers.of(a, process("b"))
  lu.assertEquals({ pm:stop() }, { true })
  lu.assertFalse(is_alive(a))
  assert_already_stopped(pm:start())
end

function TestManagerStop:test_the_process_is_not_found_any_more_meanwhile()
  local a = slow_to_stop("a", 0.2)
  local pm = managers.of(a)
  local task = pexec.task(pm.stop, pm)
  lu.assertNil(pm:process_by_id("a"))
  lu.assertEquals(pm:process_ids(), {})
  lu.assertEquals({ task:wait() }, { true })
end

function TestManagerStop:test_a_second_one_waits_for_the_first()
  local a = slow_to_stop("a", 0.2)
  local pid = a:unix_pid()
  local pm = managers.of(a)
  local task = pexec.task(pm.stop, pm)
  lu.assertEquals({ pm:stop() }, { true })
  lu.assertFalse(spec.alive(pid))
  lu.assertEquals({ task:wait() }, { true })
end

function TestManagerStop:test_a_closed_variable_stops_it()
  local pid
  do
    local pm <close> = managers.of(process("a", "forever"))
    assert(pm:start())
    pid = pm:process_by_id("a"):unix_pid()
  end
  lu.assertFalse(spec.alive(pid))
end

-- FAULTS 14: closes the manager
function TestManagerStop:test_a_handler_may_stop_its_own_manager()
  local pm = managers.new()
  local answer
  local a = process({ id = "a", on_unexpected_exit = function()
    answer = { pm:stop() }
    return true
  end }, "forever")
  local b = process("b", "forever")
  assert(pm:add_process(a, false))
  assert(pm:add_process(b, false))
  assert(pm:start())
  spec.kill(a:unix_pid(), "KILL")
  spec.eventually(function() return answer end)
  lu.assertEquals(answer, { true })
  lu.assertFalse(is_alive(a) or is_alive(b))
end

function TestManagerStop:test_it_delivers_the_last_lines_first()
  local lines = {}
  local file = spec.tmpdir() .. "/ready"
  local pm = managers.of(process({ id = "a",
      log_writer = function(line) table.insert(lines, line) end },
    "trapexit", "TERM", 0, 0, "bye", "append", file, "ready", "forever"))
  assert(pm:start())
  spec.eventually(function() return spec.read(file) end)
  assert(pm:stop())
  lu.assertEquals(lines, { "bye" })
end

TestClone = {}

function TestClone:test_it_has_the_same_processes_in_the_same_order()
  local a, b = process("b"), process("a")
  local pm = managers.of(a, b)
  local clone = pm:clone()
  lu.assertNotIs(clone, pm)
  lu.assertEquals(clone:process_ids(), { "b", "a" })
  lu.assertIs(clone:process_by_id("b"), a)
  lu.assertIs(clone:process_by_id("a"), b)
end

function TestClone:test_what_is_added_or_removed_stays_in_one()
  local pm = managers.of(process("a"))
  local clone = pm:clone()
  assert(clone:add_process(process("b"), false))
  pm:remove_process_by_id("a")
  lu.assertEquals(pm:process_ids(), {})
  lu.assertEquals(clone:process_ids(), { "a", "b" })
end

function TestClone:test_it_has_started_where_the_other_had()
  local pm = managers.new()
  assert(pm:start())
  local clone = pm:clone()
  local a = process("a", "forever")
  assert(clone:add_process(a, true))
  lu.assertTrue(is_alive(a))
  assert(clone:stop())
end

function TestClone:test_stopping_either_stops_the_processes()
  for _, which in ipairs{ 1, 2 } do
    local a = process("a", "forever")
    local pm = managers.of(a)
    assert(pm:start())
    local both = { pm, pm:clone() }
    assert(both[which]:stop())
    lu.assertFalse(is_alive(a))
    local other = both[3 - which]
    lu.assertIs(other:process_by_id("a"), a)
    lu.assertEquals({ other:stop() }, { true })
  end
end

function TestClone:test_that_of_a_stopped_one_is_stopped()
  local pm = managers.of(process("a"))
  assert(pm:stop())
  local clone = pm:clone()
  lu.assertEquals(clone:process_ids(), {})
  assert_already_stopped(clone:start())
end

-- FAULTS 20
TestCollected = {}

function TestCollected:test_a_manager_that_nobody_holds_keeps_supervising()
  local count = 0
  local pid
  do
    local pm = managers.new()
    assert(pm:start())
    assert(pm:add_process_from_config(spec.child({ id = "a", restart_delay = 0,
      on_unexpected_exit = function()
        count = count + 1
        return false
      end }, "forever")))
    pid = pm:process_by_id("a"):unix_pid()
  end
  collectgarbage()
  collectgarbage()
  spec.kill(pid, "KILL")
  spec.eventually(function() return count == 1 end)
end

function TestCollected:test_a_manager_and_its_dead_are_collected()
  local weak = setmetatable({}, { __mode = "k" })
  do
    local pm = managers.new()
    assert(pm:add_process_from_config(spec.child({ id = "a",
      on_unexpected_exit = function() return pm ~= nil end }, "forever")))
    assert(pm:start())
    weak[pm], weak[pm:process_by_id("a")] = true, true
    assert(pm:stop())
  end
  spec.eventually(function()
    collectgarbage()
    return next(weak) == nil
  end)
end
