-- merge_add_process_managers and merge_remove_process_managers.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"

local fake = managers.fake
local merge_add = pexec.merge_add_process_managers
local merge_remove = pexec.merge_remove_process_managers

TestMergeAdd = {}

function TestMergeAdd:test_it_adds_what_the_other_has()
  local a, b, c = fake("a"), fake("b"), fake("c")
  local dst, src = managers.of(a), managers.of(b, c)
  lu.assertEquals(merge_add(dst, src), {})
  lu.assertEquals(dst:process_ids(), { "a", "b", "c" })
  lu.assertIs(dst:process_by_id("c"), c)
  lu.assertEquals(src:process_ids(), { "b", "c" })
end

function TestMergeAdd:test_it_tells_what_was_replaced()
  local old, new, other = fake("b"), fake("b"), fake("d")
  local dst = managers.of(fake("a"), old, fake("c"))
  local replaced = merge_add(dst, managers.of(other, new))
  lu.assertEquals(#replaced, 1)
  lu.assertIs(replaced[1], old)
  lu.assertEquals(dst:process_ids(), { "a", "b", "c", "d" })
  lu.assertIs(dst:process_by_id("b"), new)
end

function TestMergeAdd:test_it_starts_nothing_and_stops_nothing()
  local old, new = fake("a"), fake("a")
  local dst, src = managers.of(old), managers.of(new, fake("b"))
  assert(dst:start())
  assert(merge_add(dst, src))
  lu.assertEquals(old.calls, { "start" })
  lu.assertEquals(new.calls, {})
  lu.assertEquals(dst:process_by_id("b").calls, {})
end

function TestMergeAdd:test_the_manager_answers_for_what_was_added()
  local a = managers.started("a", "forever")
  local dst = managers.new()
  assert(merge_add(dst, managers.of(a)))
  assert(dst:stop())
  lu.assertNil((a:status()))
end

function TestMergeAdd:test_into_a_stopped_one_it_fails()
  local dst = managers.new()
  assert(dst:stop())
  managers.assert_already_stopped(merge_add(dst, managers.of(fake("a"))))
end

function TestMergeAdd:test_from_a_stopped_one_nothing_comes()
  local dst, src = managers.new(), managers.of(fake("a"))
  assert(src:stop())
  lu.assertEquals(merge_add(dst, src), {})
  lu.assertEquals(dst:process_ids(), {})
end

function TestMergeAdd:test_noop_can_be_the_source_but_takes_nothing()
  local noop = pexec.noop_process_manager
  lu.assertEquals(merge_add(managers.of(fake("a")), noop), {})
  lu.assertEquals(merge_add(noop, managers.new()), {})
  managers.assert_fails("unsupported", "UNSUPPORTED",
                        merge_add(noop, managers.of(fake("a"))))
end

TestMergeRemove = {}

function TestMergeRemove:test_it_removes_what_the_other_has()
  local a, b, c = fake("a"), fake("b"), fake("c")
  local dst = managers.of(a, b, c)
  local src = managers.of(fake("c"), fake("x"), fake("a"))
  local removed = merge_remove(dst, src)
  lu.assertEquals(#removed, 2)
  lu.assertIs(removed[1], c)
  lu.assertIs(removed[2], a)
  lu.assertEquals(dst:process_ids(), { "b" })
end

function TestMergeRemove:test_it_stops_nothing_and_leaves_the_source_alone()
  local a, same = fake("a"), fake("a")
  local dst, src = managers.of(a), managers.of(same)
  assert(dst:start())
  merge_remove(dst, src)
  lu.assertEquals(a.calls, { "start" })
  lu.assertEquals(same.calls, {})
  lu.assertEquals(src:process_ids(), { "a" })
end

function TestMergeRemove:test_noop_has_nothing()
  local noop = pexec.noop_process_manager
  lu.assertEquals(merge_remove(noop, managers.of(fake("a"))), {})
  lu.assertEquals(merge_remove(managers.of(fake("a")), noop), {})
end

TestMergeArguments = {}

function TestMergeArguments:test_both_are_managers()
  local pm = managers.new()
  for name, merge in pairs{ merge_add_process_managers = merge_add,
                            merge_remove_process_managers = merge_remove } do
    lu.assertStrContains(managers.message_of(merge, nil, pm),
        "bad argument #1 to '" .. name .. "' (ProcessManager expected, "
        .. "got nil")
    lu.assertStrContains(managers.message_of(merge, pm, {}),
        "bad argument #2 to '" .. name .. "' (ProcessManager expected, "
        .. 'got table without method "process_ids"')
  end
end
