-- pexec: processes that are started, kept up, read and stopped, with the
-- decisions in Lua. This file is the module's table; each part has its own.

local config = require "pexec.config"
local context = require "pexec.context"
local core = require "pexec.core"
local logger = require "pexec.logger"
local managed_process = require "pexec.managed_process"
local noop_process_manager = require "pexec.noop_process_manager"
local process_manager = require "pexec.process_manager"
local scheduler = require "pexec.scheduler"
local signals = require "pexec.signals"
local values = require "pexec.values"

local pexec = {
  _VERSION = "pexec " .. core.version,

  new_process_config = config.new,
  unmarshal_process_config = config.unmarshal,

  new_process_manager = process_manager.new,
  noop_process_manager = noop_process_manager,
  merge_add_process_managers = process_manager.merge_add,
  merge_remove_process_managers = process_manager.merge_remove,

  null_logger = logger.null,
  new_logger = logger.new,

  -- A descriptor, readable when dispatch has work.
  pollfd = scheduler.pollfd,
}

-- config: a ProcessConfig or a table. Returns a ManagedProcess that is not
-- started; nil, message, "INVALID_CONFIG" where it does not validate.
function pexec.new_managed_process(settings, sink)
  -- no tail call, which would have no level for errors to count
  local process, message, code = managed_process.new(settings, sink, 2)
  return process, message, code
end

local function check_duration(value, name)
  local seconds, message = values.duration(value, name)
  if seconds and seconds < 0 then
    seconds, message = nil, name .. ": negative duration " .. values.show(value)
  end
  if not seconds then error(message, 3) end
  return seconds
end

-- options.timeout: a duration from now.
function pexec.new_context(options)
  if options ~= nil and type(options) ~= "table" then
    error(("bad argument #1 to 'new_context' (table expected, got %s)")
          :format(type(options)), 2)
  end
  for name in pairs(options or {}) do
    if name ~= "timeout" then
      error("new_context: " .. values.unknown_field(name, { "timeout" }), 2)
    end
  end
  if not options or options.timeout == nil then return context.new() end
  return context.new(check_duration(options.timeout, "timeout"))
end

local function log_failure(task)
  if task.is_ok then return end
  logger.default():error("error in a task: " .. task.traceback)
end

-- Runs f(...) as a task, to its first wait, at once. Returns the Task.
function pexec.task(f, ...)
  if not values.is_callable(f) then
    error(("bad argument #1 to 'task' (function expected, got %s)")
          :format(type(f)), 2)
  end
  if type(f) ~= "function" then
    local object = f
    f = function(...) return object(...) end
  end
  return scheduler.spawn(f, log_failure, ...)
end

-- duration: seconds, or text. true; in a task that is cancelled nil, message,
-- "CANCELED".
function pexec.sleep(duration)
  return scheduler.sleep(check_duration(duration, "sleep"))
end

-- Calls begin(resume), and waits until resume(...) is called, by whatever loop
-- the program has; returns what that was given. In a task that is cancelled
-- nil, message, "CANCELED".
function pexec.await(begin)
  if not values.is_callable(begin) then
    error(("bad argument #1 to 'await' (function expected, got %s)")
          :format(type(begin)), 2)
  end
  if scheduler.is_in_finaliser() then
    error("await: a finaliser cannot wait for a loop", 2)
  end
  local wait = {}
  begin(function(...) scheduler.wake(wait, ...) end)
  return scheduler.wait(wait)
end

local function may_come()
  return managed_process.is_any_managed() or signals.is_any_caught()
end

local function check_max(value)
  local max, message = values.integer(value, "max")
  if max and max < 1 then message = "max should be at least 1, got " .. max end
  if message then error("dispatch: " .. message, 3) end
  return max
end

-- Runs what waits: until something has run, or for 'timeout' at most (a
-- duration; 0: does not wait; nil: until something has, or nothing can come).
-- At most 'max' handlers and tasks, and what those begin; the rest waits, and
-- the descriptor says so. Returns how many ran.
function pexec.dispatch(timeout, max)
  if scheduler.innermost() then
    error("dispatch: a task cannot dispatch, it waits by itself", 2)
  end
  local seconds = timeout ~= nil and check_duration(timeout, "dispatch") or nil
  local most = max ~= nil and check_max(max) or nil
  return scheduler.dispatch(seconds, most, may_come)
end

return pexec
