-- The stages of a stop that call a function: each is a task, whose context is
-- cancelled when its stage is over. Knows no stop. Runs on the thread that
-- calls into Lua.
--
-- The core tells what is, not what was: the ticket of the call that lasts, or
-- 0. What it has told last counts, also for what is yet to be handed out.

local core = require "pexec.core"
local deciding = require "pexec.deciding"
local scheduler = require "pexec.scheduler"

local stop_calls = {}

local calling = {}  -- process -> { ticket =, task = or false }, while it lasts

-- The functions of a planned sequence, by the number of their stage; nil:
-- there are none.
function stop_calls.of(stages)
  local calls = {}
  for number, stage in ipairs(stages or {}) do calls[number] = stage.call end
  return next(calls) and calls
end

-- The stages that a stop has where nobody says which.
local function usual_stages(plan)
  local third = plan.stop_timeout / 3
  return {
    { kind = "process", signal = plan.stop_signal, wait = third, run = {} },
    { kind = "group", signal = plan.stop_signal, wait = 2 * third, run = {} }
  }
end

-- The hook before a stop is a stage of its own, before all others: it is over
-- when that has returned.
function stop_calls.add_hook(plan)
  if not plan.before_stop then return end
  local stages = plan.stop_sequence or usual_stages(plan)
  table.insert(stages, 1, {
    kind = "call", signal = 0, run = {}, wait = plan.hook_timeout,
    call = function(process)
      deciding.run_hook(process, "before_stop", process)
      return false
    end,
  })
  plan.stop_sequence = stages
end

-- What stop returns besides true: of the usual stages only which it was, and
-- the one of the hook is none.
function stop_calls.result(process, stage, number, survivors)
  local value = core.process_value(process)
  if value.before_stop and number then
    number = number - 1
    if number == 0 then stage, number = "none", nil end
  end
  if not value.sequence then return stage end
  if survivors then return stage, number, survivors end
  if number then return stage, number end
  return stage
end

-- At once: another call lasts now, or none.
function stop_calls.note(process, ticket)
  local call = calling[process]
  if call and call.ticket == ticket then return end
  calling[process] = ticket ~= 0 and { ticket = ticket, task = false } or nil
  if call and call.task then call.task.context:cancel() end
end

-- An error or false: its stage need not last.
local function conclude(process, ticket, task)
  if not task.is_ok or task.results[1] == false then
    core.process_advance(process, ticket)
  end
  if task.is_ok then return end
  core.process_value(process).log(process, "error", "error in a call of " ..
      "its stop_sequence, the next stage follows: " .. task.traceback)
end

local function start(process, call, number)
  local f = core.process_value(process).calls[number]
  scheduler.spawn(function()
    call.task = scheduler.current()
    return f(process, call.task.context)
  end, function(task) conclude(process, call.ticket, task) end)
end

-- One that was over before its turn came does not begin.
function stop_calls.run(process, ticket, number)
  local call = calling[process]
  if not call or call.ticket ~= ticket or call.task then return end
  start(process, call, number)
end

-- Is it a call of this process's that runs?
function stop_calls.is_within(process)
  local call = calling[process]
  return call ~= nil and call.task and scheduler.is_within(call.task) or false
end

-- Its next stage follows at once.
function stop_calls.advance(process)
  core.process_advance(process, calling[process].ticket)
end

return stop_calls
