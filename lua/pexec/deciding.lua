-- What Lua is asked about a process: its handlers and hooks, and what their
-- answers mean to the core. Each runs as a task. Runs on the thread that calls
-- into Lua.

local config = require "pexec.config"
local core = require "pexec.core"
local launching = require "pexec.launching"
local records = require "pexec.records"
local scheduler = require "pexec.scheduler"
local values = require "pexec.values"

local deciding = {}

-- Fields of a configuration that are kept in the process's value for this.
local KEPT <const> = { "on_unexpected_exit", "on_give_up", "before_start",
                       "after_start", "before_stop", "after_exit",
                       "hook_timeout" }

local tasks = {}  -- process -> the task that decides what follows a death

-- Is there anything to be kept?
function deciding.has_any(plan)
  if plan.must_prepare then return true end
  for _, name in ipairs(KEPT) do
    if plan[name] ~= nil and name ~= "hook_timeout" then return true end
  end
  return false
end

-- Moves those that are set from a plan into what Lua keeps of a process.
function deciding.keep(plan, settings, value)
  if not deciding.has_any(plan) then return end
  for _, name in ipairs(KEPT) do value[name] = plan[name] end
  value.settings, value.hooked = config.new(settings), 0
end

-- When and for how long the core asks.
function deciding.plan(plan)
  plan.asks = plan.on_unexpected_exit ~= nil or plan.after_exit ~= nil
  if not plan.on_unexpected_exit and plan.after_exit then
    plan.decision_timeout = plan.hook_timeout
  end
end

-- Of one that is asked: a function, or nil.
local function kept(process, name)
  local value = core.process_value(process)
  return value and value[name]
end

-- Is it a decision about this process that runs, or what helps it?
function deciding.is_inside(process)
  local task = tasks[process]
  return task ~= nil and scheduler.is_within(task)
end

-- May its end wait for a handler?
function deciding.may_ask(process)
  return not core.process_is_one_shot(process) and
         kept(process, "on_unexpected_exit") ~= nil
end

-- Somebody has ordered something else: it is not asked any more.
function deciding.cancel(process)
  if tasks[process] then tasks[process].context:cancel() end
end

-- {== hooks =================================================================

function deciding.log(process, level, form, ...)
  core.process_value(process).log(process, level, form:format(...))
end

-- Runs f(...) as a task, and waits for it, for the time of hooks at most, or
-- until the one who waits is cancelled. Returns the task: where it has not
-- ended, it is cancelled, too.
function deciding.run(process, f, ...)
  local wait = { timer = false }
  local task = scheduler.spawn_helper(f, function()
    scheduler.wake(wait)
  end, ...)
  if task.is_done then return task end
  scheduler.wake_after(wait, kept(process, "hook_timeout"))
  scheduler.wait(wait)
  if not task.is_done then task.context:cancel() end
  return task
end

local log <const> = deciding.log

local function note_failure(process, name, task)
  if task.is_done then
    log(process, "error", "error in %s, going on without it: %s", name,
        task.traceback)
  else
    log(process, "warn", "%s has not returned in time, going on without it",
        name)
  end
end

-- Runs a hook, if there is one, and waits for it, for its time at most.
-- Returns what it returns; nothing where it fails, or takes too long, or the
-- one who waits is cancelled.
function deciding.run_hook(process, name, ...)
  local hook = kept(process, name)
  if not hook then return end
  local task = deciding.run(process, hook, ...)
  if not task.is_ok then return note_failure(process, name, task) end
  return table.unpack(task.results, 1, task.results.n)
end

-- {== after an end ==========================================================

-- What has ended since its hook was called last.
function deciding.run_after_exit(process)
  local value = core.process_value(process)
  local record = core.process_history(process, 1)[1]
  if not value or not value.after_exit or not record or
     record.run <= value.hooked then
    return
  end
  value.hooked = record.run
  record.process = process
  record.tail = core.process_tail(process, nil, record.run) or {}
  deciding.run_hook(process, "after_exit", process, record)
end

-- f(...) once that hook has returned, where there is one to be called.
function deciding.after_exit(process, f)
  local value = core.process_value(process)
  if not value or not value.after_exit then return f() end
  scheduler.spawn(function()
    deciding.run_after_exit(process)
  end, f)
end

-- {== after a start =========================================================

-- The hook of the start that is about to be ordered is its caller's.
function deciding.expect_start(process)
  local value = core.process_value(process)
  if not value.after_start then return end
  local state, _, starts = core.process_state(process)
  value.expected_start = state and starts + 1
end

function deciding.after_start(process)
  deciding.run_hook(process, "after_start", process)
end

-- Of those that nobody waits for.
function deciding.note_start(process, detail)
  if detail.starts == core.process_value(process).expected_start then return end
  deciding.after_start(process)
end

-- {== what follows a death ==================================================

local POLICY <const> = {}  -- what is returned where nobody has an opinion

local function check_table(value, name)
  if type(value) == "table" then return value end
  return values.expected("table", value, name)
end

local VERDICT <const> = {
  { name = "restart", check = values.boolean },
  { name = "delay", check = values.duration },
  { name = "config", check = check_table },
  { name = "keep", check = values.boolean }
}

local BY_POLICY <const> = { decision = "policy" }

-- What the core is told; or nil and a message. What the result's metamethods
-- raise is an error of its handler's, within whose task this runs.
local function judge(process, result)
  if result == POLICY then return BY_POLICY end
  if type(result) ~= "table" then
    return { decision = result and "restart" or "end" }
  end
  local verdict, message = records.check(result, "on_unexpected_exit",
                                         VERDICT)
  if verdict and verdict.config then
    message = launching.apply(process, verdict.config, verdict.keep)
  end
  if message then return nil, message end
  verdict.decision = verdict.restart == false and "end" or "restart"
  return verdict
end

-- And a message, where that is not what a handler has said.
local function verdict_of(task)
  if not task.is_ok then return BY_POLICY, task.traceback end
  local verdict, message = table.unpack(task.results, 1, task.results.n)
  return verdict or BY_POLICY, message
end

local function tell(process, message)
  log(process, "error",
      "error in on_unexpected_exit, the restart policy decides: %s", message)
end

-- The core ignores it where a stop, or the time for it, came first. It is told
-- in any case: there may be no memory to log anything.
local function decide(process, task, run)
  local verdict, message = verdict_of(task)
  local is_told, problem = true, nil
  if message then is_told, problem = pcall(tell, process, message) end
  if tasks[process] == task then tasks[process] = nil end
  core.process_decide(process, run, verdict.decision, verdict.delay)
  if not is_told then error(problem, 0) end
end

local function consult(process, exit)
  local handler = kept(process, "on_unexpected_exit")
  core.process_value(process).hooked = exit.run
  deciding.run_hook(process, "after_exit", process, exit)
  if not handler then return POLICY end
  return handler(exit.exit_code, exit)
end

-- A decision that is still under way comes too late.
function deciding.ask(process, exit)
  deciding.cancel(process)
  scheduler.spawn(function()
    local task = scheduler.current()
    tasks[process] = task
    exit.process = process
    exit.context = task.context
    exit.tail = core.process_tail(process, nil, exit.run) or {}
    return judge(process, (consult(process, exit)))
  end, function(task) decide(process, task, exit.run) end)
end

-- record: nil where no child has ever ended.
function deciding.give_up(process, record, reason)
  local handler = kept(process, "on_give_up")
  if not handler then return end
  scheduler.spawn(function()
    if record then
      record.process = process
      record.tail = core.process_tail(process, nil, record.run) or {}
    end
    return handler(record, reason)
  end, function(task)
    if task.is_ok then return end
    log(process, "error", "error in on_give_up: %s", task.traceback)
  end)
end

return deciding
