-- What the next start of a process takes of another configuration: which
-- fields that can be, and what of a hook's or a handler's changes counts. Calls
-- nobody, and decides nothing. Runs on the thread that calls into Lua.

local config = require "pexec.config"
local core = require "pexec.core"
local values = require "pexec.values"

local launching = {}

-- Fields that may be another's at a start.
local LAUNCH <const> = { "name", "args", "environment", "cwd", "username",
                         "clear_environment", "environment_file", "group",
                         "supplementary_groups", "umask", "nice",
                         "oom_score_adj", "no_new_privileges", "limits",
                         "cpu_affinity", "io_priority", "capabilities" }

-- The settings of a process with those fields of others; nil and a message
-- where they are not to be used.
local function with_launch_of(settings, others)
  local result = config.new(settings)
  for _, name in ipairs(LAUNCH) do result[name] = others[name] end
  local ok, message = result:validate(settings.id)
  if not ok then return nil, message end
  return result
end

-- What the next start of this process takes, as far as that is known.
function launching.settings(process)
  local value = core.process_value(process)
  return value.once or value.settings
end

-- That start is under way: what was for it alone is over.
function launching.note_start(process)
  core.process_value(process).once = nil
end

-- Gives the core what the next start takes, or each from now on. Returns a
-- message where that cannot be.
function launching.give(process, settings, keeps)
  local plan = config.snapshot(settings)
  plan.environment = values.assignments(plan.environment)
  plan.stdout_logger, plan.stderr_logger = nil, nil  -- these are as they were
  plan.output_events = 0
  local ok, message = core.process_configure(process, plan, keeps)
  return not ok and message or nil
end

-- What is changed for a start is known by then: a function is nobody's answer.
local function wrong_environment(environment, name)
  if not values.is_callable(environment) then return nil end
  return select(2, values.expected("table of strings", environment, name))
end

-- What a start takes where a hook has changed its copy of the settings; or
-- nil and a message. The rest of it is no start's business.
function launching.changed(settings, changed)
  local launched, message
  message = wrong_environment(changed.environment, "environment")
  if message then return nil, message end
  launched, message = with_launch_of(settings, changed)
  local field = launched and config.difference(launched, changed)
  if field then
    return nil, ("%s cannot be changed, only %s and %s can"):format(field,
        table.concat(LAUNCH, ", ", 1, #LAUNCH - 1), LAUNCH[#LAUNCH])
  end
  return launched, message
end

-- The settings with the fields of a handler's table.
local function with_fields(settings, fields)
  local known = {}
  for _, name in ipairs(LAUNCH) do known[name] = true end
  local stranger = values.stranger(fields, known)
  if stranger ~= nil then
    return nil, "on_unexpected_exit.config: " ..
                values.unknown_field(stranger, LAUNCH)
  end
  local wrong = wrong_environment(fields.environment,
                                  "on_unexpected_exit.config.environment")
  if wrong then return nil, wrong end
  local merged = {}
  for name, value in pairs(settings) do merged[name] = value end
  for name, value in pairs(fields) do merged[name] = value end
  local result, message = config.try(merged)
  if not result then return nil, message end
  return with_launch_of(settings, result)
end

-- The next start, or with 'keeps' each from now on, takes the fields of a
-- handler's table. Returns a message where that cannot be.
function launching.apply(process, fields, keeps)
  local value = core.process_value(process)
  local settings, message = with_fields(value.settings, fields)
  message = message or launching.give(process, settings, keeps)
  if message then return message end
  value.once = not keeps and settings or nil
  if keeps then value.settings = settings end
end

return launching
