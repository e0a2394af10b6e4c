-- pexec.await: waiting for something that is not pexec's, as a loop's timer is.
-- What tasks yield to loops that pexec knows is in loops_spec.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

TestAwait = {}

-- A task that awaits: it, and what resumes it.
local function awaiting()
  local resume
  local task = pexec.task(pexec.await, function(f) resume = f end)
  return task, resume
end

function TestAwait:test_it_returns_what_resume_was_given()
  local task, resume = awaiting()
  resume(1, nil, "x", nil)
  lu.assertEquals(table.pack(task:wait()), { n = 4, 1, nil, "x", nil })
end

function TestAwait:test_a_resume_at_once_will_do()
  lu.assertEquals({ pexec.await(function(resume) resume("a", "b") end) },
                  { "a", "b" })
end

function TestAwait:test_only_the_first_resume_counts()
  local task, resume = awaiting()
  resume(1)
  resume(2)
  lu.assertEquals({ task:wait() }, { 1 })
  resume(3)
end

function TestAwait:test_the_task_goes_on_in_a_dispatch_and_not_before()
  local task, resume = awaiting()
  resume(true)
  lu.assertEquals(tostring(task), "pexec.Task (waiting)")
  lu.assertEquals(pexec.dispatch(0), 1)
  lu.assertEquals(tostring(task), "pexec.Task (done)")
end

function TestAwait:test_the_descriptor_tells_of_a_resume()
  local fd = assert(pexec.pollfd())
  local task, resume = awaiting()
  while spec.probe.readable(fd, 0.05) do pexec.dispatch(0) end
  resume()
  lu.assertTrue(spec.probe.readable(fd, 20))
  task:wait()
end

function TestAwait:test_a_task_that_is_cancelled_waits_no_longer()
  local task, resume = awaiting()
  task:cancel()
  managers.assert_fails("context canceled", "CANCELED", task:wait())
  resume(1)
end

function TestAwait:test_outside_of_tasks_it_blocks_and_dispatches()
  local answer = pexec.await(function(resume)
    pexec.task(function()
      pexec.sleep(0.01)
      resume("from a task")
    end)
  end)
  lu.assertEquals(answer, "from a task")
end

function TestAwait:test_a_handler_may_and_holds_up_no_other()
  local resume
  local a = managers.started({ id = "a", restart_delay = 0,
    on_unexpected_exit = function()
      return pexec.await(function(f) resume = f end)
    end }, "forever")
  local other = managers.started({ id = "b",
    on_unexpected_exit = function() end }, "exit", 1)
  local pid = a:unix_pid()
  spec.kill(pid, "KILL")
  spec.eventually(function() return resume end)
  assert(other:wait())
  lu.assertEquals(a:info().starts, 1)
  resume(true)
  spec.eventually(function() return a:info().starts == 2 end)
  assert(a:stop())
end

function TestAwait:test_what_begin_raises_is_raised()
  lu.assertEquals(managers.words_of(pexec.await, function() error "no" end),
                  "no")
end

function TestAwait:test_what_is_no_function_is_refused()
  lu.assertEquals(managers.words_of(function() pexec.await(5) end),
      "bad argument #1 to 'await' (function expected, got number)")
end

function TestAwait:test_in_a_finaliser_nobody_could_resume_it()
  local words
  setmetatable({}, { __gc = function()
    words = managers.words_of(function() pexec.await(print) end)
  end })
  spec.eventually(function()
    collectgarbage()
    return words
  end)
  lu.assertEquals(words, "await: a finaliser cannot wait for a loop")
end
