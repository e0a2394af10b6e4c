-- In a coroutine made within a task nobody knew any more which task it was: it
-- waited for itself, or for its own writer, for ever, and was not cancelled.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

TestCoroutineWithin = {}

function TestCoroutineWithin:test_it_raises_from_a_coroutine_within()
  local task
  task = pexec.task(function()
    pexec.sleep(0)
    return coroutine.wrap(function() return pcall(task.wait, task) end)()
  end)
  local ok, problem = task:wait()
  lu.assertFalse(ok)
  lu.assertStrContains(problem, "a task cannot wait for itself")
end

function TestCoroutineWithin:test_it_is_cancelled_with_its_task()
  local task = pexec.task(function()
    pexec.sleep(0)
    return coroutine.wrap(function() return { pexec.sleep(60) } end)()
  end)
  local canceler = pexec.task(function()
    pexec.sleep(0.02)
    task:cancel()
  end)
  lu.assertEquals(task:wait(), { nil, "context canceled", "CANCELED" })
  canceler:wait()
end

function TestCoroutineWithin:test_a_handlers_is_told_too()
  local problem
  local a = managers.started({ id = "a", on_unexpected_exit = function(_, exit)
    problem = coroutine.wrap(function()
      return select(2, pcall(exit.process.wait, exit.process))
    end)()
  end }, "exit", 1)
  assert(a:wait())
  lu.assertStrContains(problem, "a process's handler cannot wait")
end

function TestCoroutineWithin:test_a_writers_may_stop_its_process()
  local answer
  local a
  a = managers.started({ id = "a", log_writer = function()
    answer = answer or coroutine.wrap(function() return { a:stop() } end)()
  end }, "sleep", 0.3, "print", "one", "print", "two", "forever")
  spec.eventually(function() return answer end)
  lu.assertEquals(answer, { true, "process" })
end
