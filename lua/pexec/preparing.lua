-- What Lua does before a start of a process: its environment is asked for, its
-- hook is called, and the core is told what comes of it. As a task. Runs on
-- the thread that calls into Lua.

local config = require "pexec.config"
local core = require "pexec.core"
local deciding = require "pexec.deciding"
local launching = require "pexec.launching"
local scheduler = require "pexec.scheduler"
local values = require "pexec.values"

local preparing = {}

local tasks = {}  -- process -> the task that prepares a start

local GRACE <const> = 2       -- seconds that Lua may be late
local LONGEST <const> = 1e9   -- seconds

-- How long a start waits at most: where it goes on without its hooks, for one
-- of them; else for all, and Lua is the first to say what has taken too long.
local function prepare_timeout(plan)
  local hooks = (plan.before_start and 1 or 0) + (plan.after_exit and 1 or 0)
  if plan.must_prepare then
    return math.min(plan.hook_timeout * (hooks + 1) + GRACE, LONGEST)
  end
  return hooks > 0 and plan.hook_timeout or nil
end

-- For src/binding/config.c: may the host be asked, and must it be?
function preparing.plan(plan)
  plan.must_prepare = values.is_callable(plan.environment)
  plan.prepare_timeout = prepare_timeout(plan)
end

-- Nothing is to be started any more.
function preparing.finish(process)
  deciding.cancel(process)
  if tasks[process] then tasks[process].context:cancel() end
end

-- {== the environment ========================================================

local function start_failure(settings, reason)
  return ("error starting process %s: %s")
         :format(values.quote(settings.name), reason)
end

local function own(given)
  local copy = {}
  if given == nil then return copy end
  if type(given) ~= "table" then return given end
  for name, text in pairs(given) do copy[name] = text end
  return copy
end

-- What an environment's function gives, in a table of its own; or nil and a
-- message.
local function ask_environment(f, process)
  return values.environment(own(f(process)), "environment()")
end

-- nil: the task has given variables.
local function problem_of(process, task)
  if task.is_ok then return task.results[2] end
  if task.is_done then return "environment(): " .. task.message end
  local seconds = core.process_value(process).hook_timeout
  return ("environment(): has not returned within %s, its hook_timeout")
         :format(core.duration_format(seconds))
end

-- The settings with variables in place of the function that gives them; nil
-- and a message where there are none to be had.
local function with_environment(process, settings)
  local f = settings.environment
  if not values.is_callable(f) then return settings end
  local task = deciding.run(process, ask_environment, f, process)
  local problem = problem_of(process, task)
  if problem then return nil, start_failure(settings, problem) end
  local result = config.new(settings)
  result.environment = task.results[1]
  return result
end

-- {== the hook ===============================================================

local function reject_changes(process, base, message)
  deciding.log(process, "error", "before_start: %s; starting it without the " ..
               "changes", message)
  return base
end

-- Gives the core what a start takes that was 'base', and that a hook has
-- changed perhaps. Returns a message where it cannot do without.
local function take(process, settings, base, changed)
  local launched, message = launching.changed(base, changed)
  launched = launched or reject_changes(process, base, message)
  if launched == settings then return nil end
  message = launching.give(process, launched)
  if not message then return nil end
  if not rawequal(base, settings) then return start_failure(base, message) end
  reject_changes(process, base, message)
end

-- Returns a veto, which is what 'false' is and why; or nil and what there is
-- no start without.
local function prepare(process)
  local settings = launching.settings(process)
  launching.note_start(process)
  deciding.run_after_exit(process)
  local base, lack = with_environment(process, settings)
  if not base then return nil, lack end
  local changed = config.new(base)
  local result, reason = deciding.run_hook(process, "before_start", process,
                                           changed)
  if result == false then
    reason = scheduler.describe(reason or "before_start does not want it")
    return start_failure(changed, reason)
  end
  return nil, take(process, settings, base, changed)
end

local function needs_variables(process)
  local settings = core.process_value(process).settings
  return values.is_callable(settings.environment)
end

-- Where that itself has failed, there are no variables either.
local function answer(process, ticket, task)
  local veto, lack = task.results and task.results[1], nil
  if task.is_ok then
    lack = task.results[2]
  elseif needs_variables(process) then
    lack = task.message
  end
  if lack then
    core.process_unprepared(process, ticket, lack)
  else
    core.process_prepared(process, ticket, veto or nil)
  end
end

-- Before each start of one that wants that.
function preparing.ask(process, ticket)
  scheduler.spawn(function()
    tasks[process] = scheduler.current()
    return prepare(process)
  end, function(task)
    if tasks[process] == task then tasks[process] = nil end
    answer(process, ticket, task)
  end)
end

return preparing
