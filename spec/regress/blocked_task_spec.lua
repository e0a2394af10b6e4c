-- A task that blocked its thread, in a comparator, kept those that had become
-- ready in the same round from running: where it waited for one of them, for
-- ever. And one that waited so for a task beneath it on the stack hung.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

TestBlockedTask = {}

function TestBlockedTask:test_blocked_ones_get_what_a_ready_one_brings()
  local first, second, answer
  first = pexec.task(function()
    pexec.sleep(0.01)
    table.sort({ 2, 1 }, function(a, b)
      answer = answer or second:wait()
      return a < b
    end)
  end)
  second = pexec.task(function()
    pexec.sleep(0.01)
    return "brought"
  end)
  spec.probe.sleep(0.05)  -- so that both are ready in one round
  first:wait()
  lu.assertEquals(answer, "brought")
end

function TestBlockedTask:test_one_that_blocks_above_another_is_found_out()
  local a, b, problem
  local is_begun = false
  a = pexec.task(function()
    pexec.sleep(0)
    is_begun = true
    table.sort({ 2, 1 }, function(x, y)
      pexec.sleep(0.02)
      return x < y
    end)
  end)
  b = pexec.task(function()
    while not is_begun do pexec.sleep(0) end
    table.sort({ 2, 1 }, function(x, y)
      problem = problem or select(2, pcall(a.wait, a))
      return x < y
    end)
  end)
  a:wait()
  b:wait()
  lu.assertStrContains(problem, "a task cannot wait for itself")
end
