-- p:on and pm:on: which events a life has, in which order and with what; what
-- functions may do that hear of them, and what becomes of them.

local hosts = require "hosts"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local NAMES <const> = { "started", "exited", "restarting", "given_up",
                        "stopping", "stopped", "output_lost" }

local process, started = managers.process, managers.started

-- Keeps the names and details of all events of an object, in order.
local function record(object)
  local names, details = {}, {}
  for _, name in ipairs(NAMES) do
    assert(object:on(name, function(_, detail)
      names[#names + 1] = name
      details[#details + 1] = detail
    end))
  end
  return names, details
end

local function count_of(names, name)
  local count = 0
  for _, other in ipairs(names) do
    if other == name then count = count + 1 end
  end
  return count
end

-- Until there are so many of this name.
local function await(names, name, count)
  spec.eventually(function() return count_of(names, name) >= (count or 1) end)
end

TestLife = {}

function TestLife:test_a_stop()
  local p = process("a", "forever")
  local names, details = record(p)
  assert(p:start())
  lu.assertEquals(names, { "started" })
  lu.assertEquals(details[1], { pid = p:unix_pid(), starts = 1, attempt = 1 })
  assert(p:stop())
  lu.assertEquals(names, { "started", "stopping", "exited", "stopped" })
  lu.assertEquals(details[2], { requested = "stop" })
  lu.assertEquals(details[3].signal, "SIGTERM")
  lu.assertEquals(details[3].requested, "stop")
  lu.assertEquals(details[4], { stage = "process" })
end

function TestLife:test_a_crash()
  local file = spec.tmpdir() .. "/once"
  local p = process({ id = "a", restart_delay = 0.3 }, "once", file, "print",
                    "last", "exit", 7, "end", "forever")
  local names, details = record(p)
  assert(p:start())
  await(names, "started", 2)
  assert(p:stop())
  lu.assertEquals(names, { "started", "exited", "restarting", "started",
                           "stopping", "exited", "stopped" })
  lu.assertEquals(details[2].exit_code, 7)
  lu.assertNil(details[2].requested)
  lu.assertEquals(details[2].attempt, 1)
  lu.assertEquals(details[3].attempt, 2)
  lu.assertTrue(details[3].delay > 0 and details[3].delay <= 0.3)
  lu.assertEquals(details[4].starts, 2)
  lu.assertEquals(details[4].attempt, 2)
end

function TestLife:test_an_exit_has_the_last_lines()
  local p = process({ id = "a", one_shot = true, log_writer = function() end },
                    "print", "one", "print", "two", "exit", 0)
  local names, details = record(p)
  assert(p:start())
  lu.assertEquals(names, { "started", "exited" })
  lu.assertEquals({ details[2].tail[1].line, details[2].tail[2].line },
                  { "one", "two" })
  lu.assertNil(details[2].process)
end

function TestLife:test_it_comes_after_all_lines_and_before_the_handler()
  local order = {}
  local function note(name)
    return function()
      if name == "line" then pexec.sleep(0.01) end
      order[#order + 1] = name
    end
  end
  local p = process({ id = "a", log_writer = note "line",
                      on_unexpected_exit = note "handler" },
                    "lines", 3, "exit", 1)
  assert(p:on("exited", note "exited"))
  assert(p:start())
  assert(p:wait())
  lu.assertEquals(order, { "line", "line", "line", "exited", "handler" })
end

function TestLife:test_one_that_was_never_started_is_only_stopped()
  local p = process("a", "forever")
  local names, details = record(p)
  assert(p:stop())
  assert(p:stop())
  lu.assertEquals(names, { "stopped" })
  lu.assertEquals(details, { { stage = "none" } })
end

function TestLife:test_one_that_cannot_start_has_none()
  local p = process({ id = "a", name = "/nowhere" })
  local names = record(p)
  lu.assertNil((p:start()))
  lu.assertEquals(names, {})
end

local function await_without_dispatch(f)
  local limit = spec.probe.now() + 60 * spec.slowness
  while not f() do
    lu.assertTrue(spec.probe.now() < limit, "it did not come to pass")
    spec.probe.sleep(0.01)
  end
end

-- Lua is away, and has more to take already than may wait for it. What comes
-- next is written when what came before has been read.
function TestLife:test_lines_that_are_lost()
  local directory = spec.tmpdir()
  local p = process({ id = "a", writer_buffer = 4, writer_on_full = "drop",
                      log_writer = function() end },
                    "lines", 10, "waitfile", directory .. "/1", "lines", 10,
                    "waitfile", directory .. "/2", "lines", 1000, "forever")
  local names, details = record(p)
  assert(p:start())
  for i, lines in ipairs{ 10, 20, 1020 } do
    await_without_dispatch(function()
      return p:info().output.stdout.lines == lines
    end)
    spec.write(directory .. "/" .. i, "")
  end
  assert(p:stop())
  local lost = 0
  for _, detail in ipairs(details) do lost = lost + (detail.lines or 0) end
  lu.assertTrue(count_of(names, "output_lost") >= 1)
  lu.assertEquals(lost, p:info().output.stdout.drops)
  for i, name in ipairs(names) do
    if name == "output_lost" then
      lu.assertEquals(details[i].stream, "stdout")
    end
  end
end

TestHandlers = {}

-- FAULTS 14
function TestHandlers:test_an_error_is_logged_and_harms_nobody()
  local nasty = setmetatable({}, { __tostring = function() error "x" end })
  for text, problem in pairs{ ["oh no"] = "oh no", ["table"] = {},
                              ["nil"] = false, ["cannot be shown"] = nasty } do
    local logger, heard = spec.collecting_logger(), 0
    local p = assert(pexec.new_managed_process(spec.child({ id = "a" },
                                                          "forever"), logger))
    assert(p:on("started", function() error(problem or nil, 0) end))
    assert(p:on("started", function() heard = heard + 1 end))
    assert(p:start())
    lu.assertEquals(heard, 1)
    local line = assert(logger:find "error: a: error in its handler of started")
    lu.assertStrContains(line, text)
    lu.assertStrContains(line, "stack traceback")
    assert(p:stop())
  end
end

function TestHandlers:test_one_that_waits_holds_up_nobody()
  local order = {}
  local p = process("a", "forever")
  assert(p:on("started", function()
    order[#order + 1] = "begins"
    pexec.sleep(0.05)
    order[#order + 1] = "ends"
  end))
  assert(p:on("started", function() order[#order + 1] = "other" end))
  assert(p:on("stopping", function() order[#order + 1] = "stopping" end))
  assert(p:start())
  assert(p:stop())
  spec.eventually(function() return order[4] end)
  lu.assertEquals(order, { "begins", "other", "stopping", "ends" })
end

function TestHandlers:test_one_may_yield()
  local order = {}
  local p <close> = process("a", "forever")
  assert(p:on("started", function()
    coroutine.yield()
    order[#order + 1] = "first"
  end))
  assert(p:on("started", function() order[#order + 1] = "second" end))
  assert(p:start())
  spec.eventually(function() return order[2] end)
  lu.assertEquals(order, { "second", "first" })
end

-- It blocks in a coroutine of its own, and what comes meanwhile is handed out.
function TestHandlers:test_one_that_blocks_lets_no_event_overtake_another()
  local order = {}
  local p = process("a", "forever")
  assert(p:on("started", coroutine.wrap(function()
    assert(p:stop())
    order[#order + 1] = "first"
  end)))
  assert(p:on("started", function() order[#order + 1] = "second" end))
  assert(p:on("stopped", function() order[#order + 1] = "stopped" end))
  pexec.task(p.start, p):wait()
  spec.eventually(function() return order[3] end)
  lu.assertEquals(order, { "second", "stopped", "first" })
end

function TestHandlers:test_one_may_stop_its_own_process_and_wait_for_it()
  local done
  local p = process("a", "forever")
  assert(p:on("started", function(same)
    lu.assertTrue(rawequal(same, p))
    assert(p:stop())
    assert(p:wait())
    done = true
  end))
  assert(p:start())
  spec.eventually(function() return done end)
end

function TestHandlers:test_it_may_be_any_object_that_can_be_called()
  local heard
  local p <close> = process("a", "forever")
  assert(p:on("started", setmetatable({}, { __call = function(_, _, detail)
    heard = detail.starts
  end })))
  assert(p:start())
  lu.assertEquals(heard, 1)
end

function TestHandlers:test_dispatch_counts_them()
  local p <close> = started("a", "forever")
  assert(p:on("stopping", function() end))
  assert(p:on("exited", function() end))
  p:kill_group()
  local count = 0
  repeat count = count + pexec.dispatch() until count >= 2
  lu.assertEquals(count, 2)
end

TestHandles = {}

function TestHandles:test_off_takes_it_off()
  local heard = 0
  local p <close> = process("a", "forever")
  local handle = p:on("started", function() heard = heard + 1 end)
  lu.assertEquals(tostring(handle), "pexec.Handle (started)")
  lu.assertTrue(p:off(handle))
  lu.assertFalse(p:off(handle))
  lu.assertEquals(tostring(handle), "pexec.Handle (started, off)")
  assert(p:start())
  lu.assertEquals(heard, 0)
end

function TestHandles:test_the_same_function_may_be_there_twice()
  local heard = 0
  local p <close> = process("a", "forever")
  local function f() heard = heard + 1 end
  local first = p:on("started", f)
  assert(p:on("started", f))
  assert(p:off(first))
  assert(p:start())
  lu.assertEquals(heard, 1)
end

function TestHandles:test_one_may_take_off_itself()
  local heard, handle = 0, nil
  local p = process({ id = "a", restart_delay = 0 }, "exit", 1)
  local names = record(p)
  handle = p:on("exited", function()
    heard = heard + 1
    lu.assertTrue(p:off(handle))
  end)
  assert(p:start())
  await(names, "exited", 3)
  assert(p:stop())
  lu.assertEquals(heard, 1)
end

function TestHandles:test_one_that_another_takes_off_is_not_called()
  local heard, handle = 0, nil
  local p <close> = process("a", "forever")
  assert(p:on("started", function() p:off(handle) end))
  handle = p:on("started", function() heard = heard + 1 end)
  assert(p:start())
  lu.assertEquals(heard, 0)
end

function TestHandles:test_one_that_is_added_inside_hears_of_the_next()
  local heard = {}
  local p = process({ id = "a", restart_delay = 0 }, "exit", 1)
  local names = record(p)
  local first
  first = p:on("started", function(_, detail)
    assert(p:off(first))
    assert(p:on("started", function(_, later)
      heard[#heard + 1] = later.starts - detail.starts
    end))
  end)
  assert(p:start())
  await(names, "started", 3)
  assert(p:stop())
  lu.assertEquals({ heard[1], heard[2] }, { 1, 2 })
end

function TestHandles:test_anothers_is_not_there()
  local p, q = process("a", "forever"), process("b", "forever")
  local handle = p:on("started", print)
  lu.assertFalse(q:off(handle))
  lu.assertFalse(managers.of(p):off(handle))
  lu.assertTrue(p:off(handle))
end

function TestHandles:test_wrong_arguments_raise()
  local p, pm = process("a", "forever"), managers.new()
  for _, object in ipairs{ p, pm, pexec.noop_process_manager } do
    for _, case in ipairs{
      { "#1 to 'on' (unknown event \"strated\" (did you mean \"started\"?))",
        "strated", print },
      { "#1 to 'on' (unknown event \"x\")", "x", print },
      { "#1 to 'on' (string expected, got nil)", nil, print },
      { "#2 to 'on' (function expected, got nil)", "exited" },
    } do
      lu.assertEquals(managers.words_of(object.on, object, case[2], case[3]),
                      "bad argument " .. case[1])
    end
    for _, wrong in ipairs{ "x", {}, setmetatable({}, {}) } do
      lu.assertEquals(managers.words_of(object.off, object, wrong),
          ("bad argument #1 to 'off' (handle of 'on' expected, got %s)")
          :format(type(wrong)))
    end
  end
  lu.assertStrContains(managers.message_of(p.on, {}, "exited", print),
                       "calling 'on' on bad self")
end

TestCollecting = {}

local function collect()
  for _ = 1, 3 do collectgarbage() end
end

-- FAULTS 20
function TestCollecting:test_one_that_is_not_managed_goes_with_its_handlers()
  local weak = setmetatable({}, { __mode = "k" })
  do
    local p = process("a", "forever")
    assert(p:on("started", function() return p end))
    weak[p] = true
  end
  collect()
  lu.assertNil(next(weak))
end

-- FAULTS 20
function TestCollecting:test_those_of_a_managed_one_stay()
  local weak = setmetatable({}, { __mode = "k" })
  local stop, names
  do
    local p = process({ id = "a", restart_delay = 0 }, "forever")
    names = record(p)
    weak[p] = true
    assert(p:start())
    stop = p:unix_pid()
  end
  for i = 1, 3 do
    collect()
    spec.kill(stop, "KILL")
    await(names, "started", i + 1)
    stop = next(weak):unix_pid()
  end
  next(weak):kill_group()
  await(names, "stopped")
  spec.eventually(function()
    pexec.dispatch(0)
    collect()
    return next(weak) == nil
  end)
end

function TestCollecting:test_many_handlers_leave_nothing()
  local p <close> = started("a", "forever")
  local function round()
    for _ = 1, 2000 do assert(p:off(p:on("exited", function() end))) end
    collect()
    return collectgarbage "count"
  end
  round()
  local before = round()
  for _ = 1, 5 do round() end
  lu.assertTrue(round() < before + 20)
end

TestManager = {}

-- id and name of each event that a manager's function hears.
local function listen(pm, ...)
  local heard = {}
  for _, name in ipairs{ ... } do
    assert(pm:on(name, function(p)
      heard[#heard + 1] = name .. " " .. p:id()
    end))
  end
  return heard
end

function TestManager:test_it_hears_of_all()
  local pm = managers.of(process("a", "forever"), process("b", "forever"))
  local heard = listen(pm, "started", "stopped")
  assert(pm:start())
  lu.assertEquals(heard, { "started a", "started b" })
  assert(pm:stop())
  table.sort(heard)
  lu.assertEquals(heard, { "started a", "started b", "stopped a",
                           "stopped b" })
end

function TestManager:test_it_hears_of_those_that_are_added_later()
  local pm = managers.new()
  local heard = listen(pm, "started", "stopped")
  assert(pm:start())
  assert(pm:add_process_from_config(spec.child({ id = "a" }, "forever")))
  assert(pm:add_process(process("b", "forever"), true))
  lu.assertEquals(heard, { "started a", "started b" })
  assert(pm:stop())
end

function TestManager:test_not_of_those_that_were_removed()
  local p = started("a", "forever")
  local pm = managers.of(p)
  local heard = listen(pm, "stopped")
  pm:remove_process_by_id "a"
  assert(p:stop())
  lu.assertEquals(heard, {})
end

function TestManager:test_not_of_those_that_were_replaced()
  local old, new = started("a", "forever"), started("a", "forever")
  local pm = managers.of(old)
  local heard = listen(pm, "stopped")
  lu.assertTrue(rawequal(select(2, pm:add_process(new, false)), old))
  assert(old:stop())
  lu.assertEquals(heard, {})
  assert(new:stop())
  lu.assertEquals(heard, { "stopped a" })
end

function TestManager:test_one_that_is_added_again_is_heard_of_once()
  local p = started("a", "forever")
  local pm = managers.of(p)
  local heard = listen(pm, "stopped")
  assert(pm:add_process(p, true))
  assert(p:stop())
  lu.assertEquals(heard, { "stopped a" })
end

function TestManager:test_not_of_one_that_could_not_be_added()
  local pm = managers.new()
  local heard = listen(pm, "stopped")
  assert(pm:start())
  local p = process({ id = "a", name = "/nowhere" })
  lu.assertNil((pm:add_process(p, true)))
  assert(p:stop())
  lu.assertEquals(heard, {})
end

function TestManager:test_off_takes_it_off_all()
  local p, q = started("a", "forever"), started("b", "forever")
  local pm, heard = managers.of(p), 0
  local handle = pm:on("stopped", function() heard = heard + 1 end)
  lu.assertTrue(pm:off(handle))
  lu.assertFalse(pm:off(handle))
  assert(pm:add_process(q, false))
  assert(pm:stop())
  lu.assertEquals(heard, 0)
end

-- A handle is the manager's who gave it.
function TestManager:test_a_clone_has_none_of_its_own()
  local p = started("a", "forever")
  local pm = managers.of(p)
  local heard = listen(pm, "stopped")
  local clone = pm:clone()
  local also = listen(clone, "stopped")
  clone:remove_process_by_id "a"
  assert(p:stop())
  lu.assertEquals({ heard, also }, { { "stopped a" }, {} })
end

function TestManager:test_objects_without_it_are_left_alone()
  local pm = managers.of(managers.fake "a", managers.fake("b", { on = 1 }),
      managers.fake("c", { on = function() error "no" end }))
  local handle = assert(pm:on("started", function() end))
  assert(pm:add_process(managers.fake "d", true))
  lu.assertTrue(pm:off(handle))
end

function TestManager:test_objects_with_it_are_asked()
  local calls = {}
  local function f() end
  local fake = managers.fake("a", {
    on = function(self, event, g)
      calls[#calls + 1] = { self:id(), event, rawequal(f, g) }
      return "handle"
    end,
    off = function(self, handle)
      calls[#calls + 1] = { self:id(), handle }
    end })
  local pm = managers.new()
  local handle = pm:on("exited", f)
  assert(pm:add_process(fake, true))
  assert(pm:off(handle))
  lu.assertEquals(calls, { { "a", "exited", true }, { "a", "handle" } })
end

function TestManager:test_a_stopped_one_takes_handles_for_nothing()
  local pm = managers.new()
  assert(pm:stop())
  lu.assertTrue(pm:off(assert(pm:on("started", print))))
end

function TestManager:test_the_one_that_does_nothing_hears_nothing()
  local noop = pexec.noop_process_manager
  lu.assertFalse(noop:off(assert(noop:on("started", print))))
end

TestHost = {}

-- FAULTS 9, 13: it crashes without a pause, and Lua is away. Each life has
-- three events, and what finds no room is counted.
function TestHost:test_what_waits_for_a_busy_one_is_bounded()
  local p = process({ id = "a", restart_delay = 0 }, "exit", 1)
  local heard, missed = 0, 0
  for _, name in ipairs{ "started", "exited", "restarting", "stopping" } do
    assert(p:on(name, function(_, detail)
      heard, missed = heard + 1, missed + (detail.missed or 0)
    end))
  end
  assert(p:start())
  local limit = spec.probe.now() + 60 * spec.slowness
  while p:info().starts < 200 and spec.probe.now() < limit do
    spec.probe.sleep(0.01)
  end
  spec.eventually(function() return missed > 0 end)
  assert(p:stop())
  local all, lives = heard + missed, 3 * p:info().starts
  lu.assertTrue(all >= lives - 2 and all <= lives + 1, all .. " " .. lives)
end

function TestHost:test_a_finaliser_leaves_them_for_later()
  local p = process("a", "forever")
  local names = record(p)
  local inside
  setmetatable({}, { __gc = function()
    assert(p:start())
    assert(p:stop())
    inside = #names
  end })
  for _ = 1, 10 do collectgarbage() end
  lu.assertEquals(inside, 0)
  await(names, "stopped")
  lu.assertEquals(names, { "started", "stopping", "exited", "stopped" })
end

-- FAULTS 29
function TestHost:test_in_a_forked_copy_it_fails()
  local p <close> = started("a", "forever")
  local pm = managers.of(p)
  local pid = assert(spec.probe.fork())
  if pid == 0 then
    local ok = pcall(function()
      for _, answer in ipairs{ table.pack(p:on("exited", print)),
                               table.pack(pm:on("exited", print)),
                               table.pack(p:signal("HUP")),
                               table.pack(p:reload()) } do
        assert(answer[1] == nil and answer[3] == "FORKED")
      end
    end)
    spec.probe.exit(ok and 0 or 1)
  end
  local _, how, code = spec.probe.wait(pid)
  lu.assertEquals({ how, code }, { "exit", 0 })
  lu.assertTrue(p:signal("CONT"))
end

function TestHost:test_it_may_end_with_some_left()
  local host, ok = hosts.run[[
    local p = managers.started({ id = "a", restart_delay = 0 }, "exit", 1)
    p:on("exited", print)
    p:on("started", error)
    spec.probe.sleep(0.3)]]
  lu.assertTrue(ok, host:text())
  lu.assertEquals(host:text(), "")
end
