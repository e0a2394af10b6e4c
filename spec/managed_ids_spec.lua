-- What is in a ProcessManager, and in what order: finding, adding, replacing
-- and removing processes.

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

TestIds = {}

function TestIds:test_they_come_in_the_order_of_adding()
  local pm = managers.new()
  for _, id in ipairs{ "z", "a", "m", "b" } do
    assert(pm:add_process(process(id), false))
  end
  lu.assertEquals(pm:process_ids(), { "z", "a", "m", "b" })
end

function TestIds:test_the_array_is_the_callers()
  local pm = managers.of(process("a"))
  local ids = pm:process_ids()
  ids[1], ids[2] = "x", "y"
  lu.assertEquals(pm:process_ids(), { "a" })
end

function TestIds:test_a_process_is_found_by_its_id()
  local a = process("a")
  local pm = managers.of(a, process("b"))
  lu.assertIs(pm:process_by_id("a"), a)
  lu.assertNil(pm:process_by_id("c"))
  lu.assertNil(pm:process_by_id(""))
end

function TestIds:test_an_id_is_a_string()
  local pm = managers.new()
  lu.assertStrContains(managers.message_of(pm.process_by_id, pm, 1),
      "bad argument #1 to 'process_by_id' (string expected, got number)")
  lu.assertStrContains(managers.message_of(pm.remove_process_by_id, pm),
      "bad argument #1 to 'remove_process_by_id' (string expected, got nil)")
end

-- FAULTS 19
function TestIds:test_a_replaced_id_keeps_its_place_and_its_process_runs()
  local old, new = started("b", "forever"), process("b")
  local pm = managers.of(process("a"), old, process("c"))
  local ok, replaced = pm:add_process(new, false)
  lu.assertTrue(ok)
  lu.assertIs(replaced, old)
  lu.assertEquals(pm:process_ids(), { "a", "b", "c" })
  lu.assertIs(pm:process_by_id("b"), new)
  lu.assertTrue(is_alive(old))
  assert(old:stop())
end

-- FAULTS 19
function TestIds:test_a_removed_process_goes_on_and_is_handed_out()
  local b = started("b", "forever")
  local pm = managers.of(process("a"), b, process("c"))
  lu.assertIs(pm:remove_process_by_id("b"), b)
  lu.assertEquals(pm:process_ids(), { "a", "c" })
  lu.assertNil(pm:process_by_id("b"))
  lu.assertNil(pm:remove_process_by_id("b"))
  assert(pm:stop())
  lu.assertTrue(is_alive(b))
  assert(b:stop())
end

function TestIds:test_one_that_comes_again_comes_last()
  local b = process("b")
  local pm = managers.of(process("a"), b, process("c"))
  pm:remove_process_by_id("b")
  lu.assertEquals({ pm:add_process(b, false) }, { true })
  lu.assertEquals(pm:process_ids(), { "a", "c", "b" })
end

TestAdding = {}

function TestAdding:test_what_is_added_before_the_start_waits_for_it()
  local pm = managers.new()
  local a = process("a", "forever")
  assert(pm:add_process(a, true))
  assert(pm:add_process_from_config(spec.child({ id = "b" }, "forever")))
  local b = pm:process_by_id("b")
  lu.assertEquals(select(3, a:status()), "NOT_STARTED")
  lu.assertEquals(select(3, b:status()), "NOT_STARTED")
  assert(pm:start())
  lu.assertTrue(is_alive(a) and is_alive(b))
  assert(pm:stop())
end

function TestAdding:test_what_is_added_afterwards_starts_if_it_is_to()
  local pm = managers.new()
  assert(pm:start())
  local a, b = process("a", "forever"), process("b", "forever")
  lu.assertEquals({ pm:add_process(a, true) }, { true })
  lu.assertEquals({ pm:add_process(b, false) }, { true })
  lu.assertTrue(is_alive(a))
  lu.assertEquals(select(3, b:status()), "NOT_STARTED")
  assert(pm:add_process_from_config(spec.child({ id = "c" }, "forever")))
  lu.assertTrue(is_alive(pm:process_by_id("c")))
  assert(pm:stop())
end

function TestAdding:test_one_that_runs_already_counts_as_started()
  local pm = managers.new()
  assert(pm:start())
  local a = started("a", "forever")
  local pid = a:unix_pid()
  lu.assertEquals({ pm:add_process(a, true) }, { true })
  lu.assertEquals(a:unix_pid(), pid)
  assert(pm:stop())
end

-- FAULTS 19
function TestAdding:test_one_that_cannot_start_replaces_nothing()
  local old = process("a", "forever")
  local pm = managers.of(old)
  assert(pm:start())
  local ok, message, code = pm:add_process(missing("a"), true)
  lu.assertNil(ok)
  lu.assertStrContains(message, "/nowhere/at-all")
  lu.assertEquals(code, "ENOENT")
  lu.assertIs(pm:process_by_id("a"), old)
  lu.assertTrue(is_alive(old))
  assert(pm:stop())
end

function TestAdding:test_a_config_is_checked_first()
  local pm = managers.new()
  local ok, message, code = pm:add_process_from_config{ id = "a" }
  lu.assertNil(ok)
  lu.assertStrContains(message, '"name" is required')
  lu.assertEquals(code, "INVALID_CONFIG")
  local add = pm.add_process_from_config
  lu.assertStrContains(managers.message_of(add, pm, { nam = "x" }),
                       'unknown field "nam"')
  lu.assertStrContains(managers.message_of(add, pm, nil),
                       "ProcessConfig or table expected, got nil")
  lu.assertStrContains(
      managers.message_of(add, pm, spec.child{ id = "a" }, {}),
      "bad argument #2 to 'add_process_from_config' (Context expected")
  lu.assertEquals(pm:process_ids(), {})
end

function TestAdding:test_a_config_says_which_process_it_replaces()
  local old = process("a")
  local pm = managers.of(old)
  local ok, replaced = pm:add_process_from_config(spec.child{ id = "a" })
  lu.assertTrue(ok)
  lu.assertIs(replaced, old)
  lu.assertNotIs(pm:process_by_id("a"), old)
end

function TestAdding:test_the_context_is_that_of_the_start()
  local pm = managers.new()
  local done = pexec.new_context()
  done:cancel()
  assert(pm:start())
  local config = spec.child({ id = "a", one_shot = true }, "exit", 0)
  local ok, message, code = pm:add_process_from_config(config, done)
  lu.assertNil(ok)
  lu.assertStrContains(message, "context canceled")
  lu.assertEquals(code, "CANCELED")
  lu.assertEquals(pm:process_ids(), {})
end

-- FAULTS 19
function TestAdding:test_what_starts_while_the_manager_stops_is_stopped()
  local pm = managers.new()
  assert(pm:start())
  local file = spec.tmpdir() .. "/pid"
  local config = spec.child({ id = "a", one_shot = true }, "append", file,
                            "%p", "waitfile", file .. ".go")
  local task = pexec.task(pm.add_process_from_config, pm, config)
  spec.eventually(function() return spec.read(file) end)
  assert(pm:stop())
  spec.write(file .. ".go", "")
  assert_already_stopped(task:wait())
  lu.assertNil(pm:process_by_id("a"))
end
