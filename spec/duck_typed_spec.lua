-- ProcessManager with processes that are not pexec's own: any object with
-- methods id, start, stop and status.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local fake = managers.fake
local assert_fails = managers.assert_fails
local assert_already_stopped = managers.assert_already_stopped

-- A userdata or a class does as well as a table: only methods count.
local function as_object(process)
  return setmetatable({}, { __index = process })
end

TestFakes = {}

function TestFakes:test_they_are_kept_as_any_process()
  local a, b = fake("a"), fake("a")
  local pm = managers.new()
  lu.assertEquals({ pm:add_process(a, true) }, { true })
  lu.assertEquals(pm:process_ids(), { "a" })
  lu.assertIs(pm:process_by_id("a"), a)
  local _, replaced = pm:add_process(b, true)
  lu.assertIs(replaced, a)
  lu.assertIs(pm:remove_process_by_id("a"), b)
  lu.assertEquals(a.calls, {})
  lu.assertEquals(b.calls, {})
end

function TestFakes:test_they_start_and_stop_in_the_order_of_adding()
  local events = {}
  local pm = managers.new()
  for _, id in ipairs{ "c", "a", "b" } do
    assert(pm:add_process(managers.fake_that_tells(id, events), false))
  end
  lu.assertEquals({ pm:start() }, { true })
  lu.assertEquals({ pm:stop() }, { true })
  lu.assertEquals(events, { "start c", "start a", "start b",
                            "stop c", "stop a", "stop b" })
end

function TestFakes:test_methods_may_come_from_a_metatable()
  local a = fake("a")
  local pm = managers.of(as_object(a))
  assert(pm:start())
  assert(pm:stop())
  lu.assertEquals(a.is_running, false)
end

function TestFakes:test_one_that_runs_is_not_started_again()
  local a = fake("a", { is_running = true })
  local pm = managers.of(a)
  assert(pm:start())
  lu.assertEquals(a.calls, {})
  local b = fake("b", { is_running = true })
  assert(pm:add_process(b, true))
  lu.assertEquals(b.calls, {})
end

function TestFakes:test_one_that_says_already_started_counts_as_started()
  local a = fake("a", { start = function()
    return nil, "it runs", "ALREADY_STARTED"
  end })
  lu.assertEquals({ managers.of(a):start() }, { true })
end

function TestFakes:test_they_get_the_context()
  local a, b = fake("a"), fake("b")
  local pm = managers.of(a, b)
  local ctx = pexec.new_context()
  assert(pm:start(ctx))
  lu.assertIs(a.context, ctx)
  lu.assertIs(b.context, ctx)
end

function TestFakes:test_their_methods_may_wait()
  local up = 0
  local function slow(self)
    pexec.sleep(0.05)
    up = up + 1
    self.is_running = not self.is_running
    return true
  end
  local pm = managers.of(fake("a", { start = slow, stop = slow }),
                         fake("b", { start = slow, stop = slow }))
  lu.assertEquals({ pm:start() }, { true })
  lu.assertEquals(up, 2)
  lu.assertEquals({ pm:stop() }, { true })
  lu.assertEquals(up, 4)
end

-- FAULTS 21: side by side, not one after another
function TestFakes:test_their_stops_wait_side_by_side()
  local stopping, most = 0, 0
  local function stop()
    stopping = stopping + 1
    most = math.max(most, stopping)
    pexec.sleep(0.05)
    stopping = stopping - 1
    return true
  end
  local pm = managers.new()
  for i = 1, 10 do
    assert(pm:add_process(fake("p" .. i, { stop = stop }), false))
  end
  assert(pm:stop())
  lu.assertEquals(most, 10)
end

function TestFakes:test_they_mix_with_pexecs_own()
  local a = fake("a")
  local pm = managers.of(a, managers.process("b", "forever"))
  assert(pm:start())
  local pid = pm:process_by_id("b"):unix_pid()
  assert(pm:stop())
  lu.assertEquals(a.calls, { "start", "stop" })
  lu.assertFalse(spec.alive(pid))
end

function TestFakes:test_a_clone_shares_them()
  local a = fake("a")
  local pm = managers.of(a)
  assert(pm:start())
  assert(pm:clone():stop())
  lu.assertEquals(a.calls, { "start", "stop" })
end

TestWhatIsNoProcess = {}

local function assert_refused(value, words)
  local pm = managers.new()
  local message = managers.message_of(pm.add_process, pm, value, false)
  lu.assertStrContains(message, "bad argument #1 to 'add_process' " .. words)
  lu.assertEquals(pm:process_ids(), {})
end

function TestWhatIsNoProcess:test_the_missing_method_is_named()
  for _, name in ipairs{ "id", "start", "stop", "status" } do
    local a = fake("a")
    a[name] = nil
    assert_refused(a, '(process expected, got table without method "'
                      .. name .. '")')
    a[name] = 5
    assert_refused(a, '(process expected, got table without method "'
                      .. name .. '")')
  end
end

function TestWhatIsNoProcess:test_other_types_are_refused()
  assert_refused(nil, "(process expected, got nil")
  assert_refused(5, "(process expected, got number")
  assert_refused("a", "(process expected, got string")
  assert_refused(print, "(process expected, got function")
  assert_refused(io.stdout, "(process expected, got userdata")
end

function TestWhatIsNoProcess:test_an_id_is_a_string()
  local a = fake(7)
  assert_refused(a, "(its id: string expected, got number)")
  lu.assertEquals(a.calls, {})
end

function TestWhatIsNoProcess:test_one_without_an_id_is_not_started()
  local pm = managers.new()
  assert(pm:start())
  local a = fake(nil)
  lu.assertStrContains(managers.message_of(pm.add_process, pm, a, true),
                       "(its id: string expected, got nil)")
  lu.assertEquals(a.calls, {})
end

TestFailingFakes = {}

local function fails(message, code)
  return function(self)
    table.insert(self.calls, "failed")
    return nil, message, code
  end
end

local function raises(problem)
  return function(self)
    table.insert(self.calls, "raised")
    error(problem, 0)
  end
end

function TestFailingFakes:test_a_start_that_fails_stops_all()
  local a, c = fake("a"), fake("c")
  local pm = managers.of(a, fake("b", { start = fails("no", "EIO") }), c)
  assert_fails("no", "EIO", pm:start())
  lu.assertEquals(a.calls, { "start", "stop" })
  lu.assertEquals(c.calls, { "stop" })
  assert_already_stopped(pm:start())
end

function TestFailingFakes:test_a_failure_without_a_word_is_still_one()
  local pm = managers.of(fake("a", { start = fails() }))
  local ok, message = pm:start()
  lu.assertNil(ok)
  lu.assertEquals(message, "error starting a process")
  pm = managers.of(fake("a", { stop = fails() }))
  ok, message = pm:stop()
  lu.assertNil(ok)
  lu.assertEquals(message, "error stopping a process")
end

-- FAULTS 19
function TestFailingFakes:test_one_that_cannot_be_added_replaces_nothing()
  local old = fake("a")
  local pm = managers.of(old)
  assert(pm:start())
  local new = fake("a", { start = fails("no", "EIO") })
  assert_fails("no", "EIO", pm:add_process(new, true))
  lu.assertIs(pm:process_by_id("a"), old)
  lu.assertEquals(old.calls, { "start" })
end

function TestFailingFakes:test_all_errors_of_a_stop_are_in_one_message()
  local b = fake("b")
  local pm = managers.of(fake("a", { stop = fails("a hangs", "EIO") }), b,
                         fake("c", { stop = fails("c hangs", "EPERM") }))
  assert_fails("a hangs; c hangs", "EIO", pm:stop())
  lu.assertEquals(b.calls, { "stop" })
  lu.assertEquals({ pm:stop() }, { true })
end

function TestFailingFakes:test_a_stop_that_raises_keeps_no_other_from_it()
  local b = fake("b")
  local pm = managers.of(fake("a", { stop = raises("boom") }), b)
  local ok, message = pm:stop()
  lu.assertNil(ok)
  lu.assertEquals(message, "boom")
  lu.assertEquals(b.calls, { "stop" })
end

function TestFailingFakes:test_a_start_that_raises_stops_the_others()
  local a, b = fake("a"), fake("b", { start = raises("boom") })
  local pm = managers.of(a, b)
  lu.assertEquals(managers.message_of(pm.start, pm), "boom")
  lu.assertEquals(a.calls, { "start", "stop" })
  lu.assertEquals(b.calls, { "raised", "stop" })
  assert_already_stopped(pm:start())
end

function TestFailingFakes:test_a_start_that_raises_leaves_nobody_waiting()
  local pm = managers.of(fake("a", { start = function()
    pexec.sleep(0.05)
    error("boom", 0)
  end }))
  local first = pexec.task(pcall, pm.start, pm)
  local second = pexec.task(pm.start, pm)
  lu.assertEquals({ first:wait() }, { false, "boom" })
  lu.assertEquals({ second:wait() }, { nil, "boom" })
end

-- FAULTS 19: it heard of the stop before it was up
function TestFailingFakes:test_one_that_is_up_after_the_stop_is_stopped()
  local a = fake("a", { start = function(self)
    pexec.sleep(0.1)
    self.is_running = true
    return true
  end })
  local pm = managers.of(a)
  local task = pexec.task(pm.start, pm)
  lu.assertEquals({ pm:stop() }, { true })
  assert_already_stopped(task:wait())
  lu.assertFalse(a.is_running)
end

function TestFailingFakes:test_the_same_goes_for_one_that_is_being_added()
  local pm = managers.new()
  assert(pm:start())
  local a = fake("a", { start = function(self)
    pexec.sleep(0.1)
    self.is_running = true
    return true
  end })
  local task = pexec.task(pm.add_process, pm, a, true)
  assert(pm:stop())
  assert_already_stopped(task:wait())
  lu.assertFalse(a.is_running)
end
