-- What C is told of a configuration, and what Lua keeps of its process: where
-- lines and messages go, which events are wanted. Makes no process. Runs on
-- the thread that calls into Lua.

local config = require "pexec.config"
local core = require "pexec.core"
local deciding = require "pexec.deciding"
local output = require "pexec.output"
local preparing = require "pexec.preparing"
local scheduler = require "pexec.scheduler"
local stop_calls = require "pexec.stop_calls"
local values = require "pexec.values"

local planning = {}

-- Puts a logger where it belongs: the built-in one writes from C, another
-- gets its lines from here.
local function route(plan, lua_loggers, stream, sink)
  if core.is_logger(sink) then
    plan[stream .. "_logger"] = sink
  else
    plan[stream .. "_logger"] = nil
    lua_loggers[stream] = sink
  end
end

local function event_bits(sinks)
  if not sinks then return 0 end
  return (sinks.stdout and 1 or 0) | (sinks.stderr and 2 or 0)
end

-- Messages of pexec's about a process, from Lua: where those of C go.
local function log_function(sink)
  if core.is_logger(sink) then
    return function(process, level, message)
      sink[level](sink, message, core.process_id(process))
    end
  end
  return function(process, level, message)
    local text = core.process_id(process) .. ": " .. message
    scheduler.spawn(function() sink[level](sink, text) end)
  end
end

local function stream_loggers(plan, sink)
  local lua_loggers = {}
  for _, stream in ipairs{ "stdout", "stderr" } do
    local own = plan[stream .. "_logger"]
    plan[stream .. "_logger"] = nil
    if plan.log then route(plan, lua_loggers, stream, own or sink) end
  end
  return lua_loggers
end

-- A merged stderr is told as stdout.
local function sinks_of(plan, sink)
  local sinks = output.sinks(plan.log_writer, stream_loggers(plan, sink))
  if not plan.stderr.merges then return sinks end
  plan.stderr_logger = nil
  if sinks then sinks.stderr = nil end
  return sinks and next(sinks) and sinks
end

-- logger -> reload_signal -> what Lua keeps of processes that have nothing
-- of their own: one table for all of them, which nobody changes. (A thousand
-- tables would be most of the memory that they take.)
local plain = setmetatable({}, { __mode = "k" })

local function plain_value(sink, reload)
  local values_of_sink = plain[sink] or {}
  local value = values_of_sink[reload] or
                { log = log_function(sink), reload = reload, is_shared = true }
  values_of_sink[reload] = value
  plain[sink] = values_of_sink
  return value
end

-- Fills in what C has to be told besides the fields. Returns who gets its
-- lines, or nil.
local function complete(plan, sink)
  local sinks = sinks_of(plan, sink)
  deciding.plan(plan)
  preparing.plan(plan)
  plan.environment = values.assignments(plan.environment)
  plan.output_events = event_bits(sinks)
  plan.log_events = not core.is_logger(sink)
  plan.logger = core.is_logger(sink) and sink or nil
  return sinks
end

local function is_plain(plan, sinks)
  return not sinks and not plan.stop_sequence and
         math.type(plan.reload_signal) == "integer" and
         not deciding.has_any(plan)
end

-- What Lua keeps of a process, where that is more than of any other.
local function own_value(plan, settings, sink, sinks)
  local value = {
    sinks = sinks,
    log = log_function(sink),
    reload = plan.reload_signal,
    sequence = plan.stop_sequence ~= nil,
  }
  stop_calls.add_hook(plan)
  value.calls = stop_calls.of(plan.stop_sequence)
  deciding.keep(plan, settings, value)
  return value
end

-- The value of a process that is about to get something of its own.
function planning.own(process)
  local value = core.process_value(process)
  if not value.is_shared then return value end
  value = { log = value.log, reload = value.reload }
  core.process_value(process, value)
  return value
end

-- Of a ProcessConfig and a logger: the plan for C, and what Lua keeps of the
-- process, its value. Raises as config.snapshot does.
function planning.make(settings, sink, level)
  local plan = config.snapshot(settings, (level or 1) + 1)
  local sinks = complete(plan, sink)
  if is_plain(plan, sinks) then
    return plan, plain_value(sink, plan.reload_signal)
  end
  return plan, own_value(plan, settings, sink, sinks)
end

return planning
