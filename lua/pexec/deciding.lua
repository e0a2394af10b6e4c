-- What Lua is asked about a process: its handlers and hooks, and what their
-- answers mean to the core. Each runs as a task. Runs on the thread that calls
-- into Lua.

local core = require "pexec.core"
local records = require "pexec.records"
local scheduler = require "pexec.scheduler"
local values = require "pexec.values"

local deciding = {}

-- Fields of a configuration that are kept in the process's value for this.
local KEPT <const> = { "on_unexpected_exit", "on_give_up", "before_start",
                       "after_start", "before_stop", "after_exit",
                       "hook_timeout" }

local tasks = {}  -- process -> the task that decides what follows its death

-- Moves those that are set from a plan; true where there are any.
function deciding.keep(plan, value)
  local has_any = false
  for _, name in ipairs(KEPT) do
    value[name] = plan[name]
    has_any = has_any or value[name] ~= nil and name ~= "hook_timeout"
  end
  return has_any
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
  local task = tasks[process]
  if task then task.context:cancel() end
end

-- {== hooks =================================================================

local function log(process, level, form, ...)
  core.process_value(process).log(level, form:format(...))
end

local function note_failure(process, name, task)
  if task.is_done then
    log(process, "error", "error in %s, going on without it: %s", name,
        task.traceback)
  else
    task.context:cancel()
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
  local wait = { timer = false }
  local task = scheduler.spawn_helper(hook, function()
    scheduler.wake(wait)
  end, ...)
  if not task.is_done then
    scheduler.wake_after(wait, kept(process, "hook_timeout"))
    scheduler.wait(wait)
  end
  if not task.is_ok then return note_failure(process, name, task) end
  return table.unpack(task.results, 1, task.results.n)
end

-- {== what follows a death ==================================================

local POLICY <const> = {}  -- what is returned where nobody has an opinion

local VERDICT <const> = {
  { name = "restart", check = values.boolean },
  { name = "delay", check = values.duration }
}

-- What the core is told; or nil and a message.
local function judge(result)
  if result == POLICY then return { decision = "policy" } end
  if type(result) ~= "table" then
    return { decision = result and "restart" or "end" }
  end
  local verdict, message = records.check(result, "on_unexpected_exit",
                                         VERDICT)
  if not verdict then return nil, message end
  verdict.decision = verdict.restart == false and "end" or "restart"
  return verdict
end

local function verdict_of(process, task)
  local verdict, message
  if task.is_ok then
    verdict, message = judge(task.results[1])
  else
    message = task.traceback
  end
  if verdict then return verdict end
  log(process, "error",
      "error in on_unexpected_exit, the restart policy decides: %s", message)
  return { decision = "policy" }
end

-- The core ignores it where a stop, or the time for it, came first.
local function decide(process, task, run)
  local verdict = verdict_of(process, task)
  if tasks[process] == task then tasks[process] = nil end
  core.process_decide(process, run, verdict.decision, verdict.delay)
end

local function consult(process, exit)
  local handler = kept(process, "on_unexpected_exit")
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
    return consult(process, exit)
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
