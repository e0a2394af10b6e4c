-- Contexts: made, cancelled, run out of time; those of handlers, which a stop
-- cancels. What a context does to a one-shot is in one_shot_spec.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

TestContext = {}

function TestContext:test_a_new_one_is_open()
  local ctx = pexec.new_context()
  lu.assertNil(ctx:err())
  lu.assertEquals(tostring(ctx), "pexec.Context (open)")
  lu.assertNil(pexec.new_context{}:err())
end

function TestContext:test_it_is_cancelled_once_and_for_all()
  local ctx = pexec.new_context()
  for _ = 1, 2 do
    lu.assertEquals({ ctx:cancel() }, {})
    lu.assertEquals({ ctx:err() }, { "context canceled", "CANCELED" })
  end
  lu.assertEquals(tostring(ctx), "pexec.Context (context canceled)")
end

function TestContext:test_its_time_runs_out()
  local ctx = pexec.new_context{ timeout = 0.03 }
  lu.assertNil(ctx:err())
  pexec.sleep(0.05)
  lu.assertEquals({ ctx:err() },
                  { "context deadline exceeded", "DEADLINE_EXCEEDED" })
end

function TestContext:test_a_timeout_is_a_duration()
  lu.assertNil(pexec.new_context{ timeout = "1h" }:err())
  lu.assertEquals(select(2, pexec.new_context{ timeout = 0 }:err()),
                  "DEADLINE_EXCEEDED")
end

function TestContext:test_cancelled_before_its_time_it_stays_cancelled()
  local ctx = pexec.new_context{ timeout = 0.02 }
  ctx:cancel()
  pexec.sleep(0.04)
  lu.assertEquals(select(2, ctx:err()), "CANCELED")
end

function TestContext:test_cancelled_after_its_time_it_has_run_out()
  local ctx = pexec.new_context{ timeout = 0 }
  ctx:cancel()
  lu.assertEquals(select(2, ctx:err()), "DEADLINE_EXCEEDED")
end

function TestContext:test_bad_options_are_named()
  local new = pexec.new_context
  local function refused(options, words)
    lu.assertEquals(managers.words_of(function() new(options) end), words)
  end
  refused(5, "bad argument #1 to 'new_context' (table expected, got number)")
  refused({ timout = 1 }, 'new_context: unknown field "timout" '
          .. '(did you mean "timeout"?)')
  refused({ timeout = -1 }, "timeout: negative duration -1")
  refused({ timeout = "soon" }, 'timeout: invalid duration "soon"')
  refused({ timeout = {} },
          "timeout: duration (number or string) expected, got table")
end

function TestContext:test_one_may_serve_many()
  local ctx = pexec.new_context()
  local tasks = {}
  for i = 1, 5 do
    local once = managers.process({ id = "p" .. i, one_shot = true }, "forever")
    tasks[i] = pexec.task(once.start, once, ctx)
    spec.eventually(function() return once:unix_pid() end)
  end
  ctx:cancel()
  for _, task in ipairs(tasks) do
    lu.assertEquals(select(3, task:wait()), "CANCELED")
  end
end

-- FAULTS 20
function TestContext:test_it_keeps_nothing_of_what_it_served()
  local ctx = pexec.new_context()
  local weak = setmetatable({}, { __mode = "k" })
  do
    local once = managers.process({ id = "a", one_shot = true }, "exit", 0)
    assert(once:start(ctx))
    weak[once] = true
  end
  spec.eventually(function()
    collectgarbage()
    return next(weak) == nil
  end)
  lu.assertNil(ctx:err())
end

TestHandlersContext = {}

-- A process whose handler waits in f(exit, log), and is stopped meanwhile.
-- Returns what f has answered.
local function stopped_while_deciding(f)
  local answer
  local is_deciding = false
  local a = managers.process({ id = "a", restart_delay = 0,
    on_unexpected_exit = function(_, exit)
      is_deciding = true
      answer = { f(exit) }
      return true
    end }, "exit", 1)
  assert(a:start())
  spec.eventually(function() return is_deciding end)
  lu.assertNil(answer)
  lu.assertEquals({ a:stop() }, { true, "none" })
  spec.eventually(function() return answer end)
  lu.assertNil((a:status()))
  return answer
end

local CANCELED = { nil, "context canceled", "CANCELED" }

-- FAULTS 8
function TestHandlersContext:test_a_stop_cancels_what_it_waits_for()
  lu.assertEquals(stopped_while_deciding(function()
    return pexec.sleep(60)
  end), CANCELED)
end

function TestHandlersContext:test_it_says_why_and_later_waits_fail_too()
  local answer = stopped_while_deciding(function(exit)
    local before = exit.context:err()
    pexec.sleep(60)
    return before, { exit.context:err() }, { pexec.sleep(60) }
  end)
  lu.assertEquals(answer,
                  { nil, { "context canceled", "CANCELED" }, CANCELED })
end

function TestHandlersContext:test_a_task_it_waits_for_is_let_go()
  lu.assertEquals(stopped_while_deciding(function()
    return pexec.task(pexec.sleep, 0.2):wait()
  end), CANCELED)
end

function TestHandlersContext:test_a_process_it_waits_for_is_let_go()
  local other = managers.started("other", "forever")
  lu.assertEquals(stopped_while_deciding(function()
    return other:wait()
  end), CANCELED)
  assert(other:stop())
end

function TestHandlersContext:test_a_one_shot_it_runs_is_killed()
  local once = managers.process({ id = "once", one_shot = true }, "forever")
  local answer = stopped_while_deciding(function() return once:start() end)
  lu.assertEquals(answer[3], "CANCELED")
  assert(once:wait())
end

function TestHandlersContext:test_killing_its_group_cancels_it_too()
  local answer
  local is_deciding = false
  local a = managers.started({ id = "a", on_unexpected_exit = function()
    is_deciding = true
    answer = { pexec.sleep(60) }
    return true
  end }, "exit", 1)
  spec.eventually(function() return is_deciding end)
  a:kill_group()
  spec.eventually(function() return answer end)
  lu.assertEquals(answer, CANCELED)
  assert(a:wait())
end

function TestHandlersContext:test_without_a_stop_it_stays_open()
  local err = "not called"
  local a = managers.started({ id = "a", on_unexpected_exit = function(_, exit)
    pexec.sleep(0.02)
    err = exit.context:err()
  end }, "exit", 1)
  assert(a:wait())
  lu.assertNil(err)
end
