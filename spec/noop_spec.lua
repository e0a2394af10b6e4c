-- pexec.noop_process_manager: adding fails, the rest does nothing and
-- succeeds.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local noop = pexec.noop_process_manager

TestNoop = {}

function TestNoop:test_it_holds_nothing()
  lu.assertEquals(noop:process_ids(), {})
  lu.assertNil(noop:process_by_id("a"))
  lu.assertNil(noop:remove_process_by_id("a"))
end

function TestNoop:test_adding_is_unsupported()
  local a = managers.fake("a")
  managers.assert_fails("unsupported", "UNSUPPORTED",
                        noop:add_process(a, true))
  managers.assert_fails("unsupported", "UNSUPPORTED",
                        noop:add_process_from_config(spec.child{ id = "a" }))
  lu.assertEquals(noop:process_ids(), {})
  lu.assertEquals(a.calls, {})
end

function TestNoop:test_starting_and_stopping_succeed_for_ever()
  for _ = 1, 2 do
    lu.assertEquals({ noop:start() }, { true })
    lu.assertEquals({ noop:stop() }, { true })
  end
  lu.assertEquals({ noop:start(pexec.new_context()) }, { true })
end

function TestNoop:test_run_has_nothing_to_wait_for()
  lu.assertEquals({ noop:run() }, { true, "stopped" })
  lu.assertEquals({ noop:run{ signals = {} } }, { true, "stopped" })
end

function TestNoop:test_its_clone_is_itself()
  lu.assertIs(noop:clone(), noop)
end

function TestNoop:test_it_says_what_it_is()
  lu.assertEquals(tostring(noop), "pexec.noop_process_manager")
end

function TestNoop:test_it_can_be_closed_and_polled()
  do
    local pm <close> = noop
    lu.assertEquals(pm:events(), "r")
    lu.assertNil(pm:timeout())
    lu.assertEquals(pm:pollfd(), pexec.pollfd())
    lu.assertEquals(pm:getfd(), pexec.pollfd())
  end
  lu.assertEquals({ noop:start() }, { true })
end
