-- Loggers: the built-in one, which writes from C, and any object of the
-- caller's. Runs on the thread that calls into Lua.

local core = require "pexec.core"
local destinations = require "pexec.destinations"
local values = require "pexec.values"

local logger = {}

local OPTIONS <const> = { "level", "format", "file", "mode", "max_size",
                          "keep", "rotate_every", "compress" }
for _, name in ipairs(OPTIONS) do OPTIONS[name] = true end
local LEVELS <const> = { debug = true, info = true, warn = true, error = true }
local FORMATS <const> = { text = true, json = true, logfmt = true }
-- Options that say something of the file alone.
local OF_FILE <const> = { mode = true, max_size = true, keep = true,
                          rotate_every = true, compress = true }

logger.null = core.logger_new()

local default

-- Made when it is first needed: on stderr, at info.
function logger.default()
  default = default or assert(core.logger_new{})
  return default
end

-- {== options: each returns a message where something is wrong ==============

local function wrong_name(options)
  local stranger = values.stranger(options, OPTIONS)
  return stranger ~= nil and values.unknown_field(stranger, OPTIONS) or nil
end

local function wrong_choice(options, name, choices)
  local value = options[name]
  if value == nil or choices[value] then return nil end
  return ("impossible %s %s"):format(name, values.show(value))
end

local function read_path(options, plan)
  local message
  if options.file == nil then return nil end
  plan.file, message = values.text(options.file, "file")
  return message
end

local function read_of_file(options, field, plan)
  local value, message = options[field.name]
  if value == nil or not OF_FILE[field.name] then return nil end
  if options.file == nil then return field.name .. ": only of a file" end
  value, message = field.check(value, field.name)
  if value == nil then return message end
  plan[field.name] = value
  return field.problem and field.problem(value, field.name)
end

-- Into 'plan', as core.logger_new takes them.
local function read_options(options, plan)
  local message = wrong_name(options)
                  or wrong_choice(options, "level", LEVELS)
                  or wrong_choice(options, "format", FORMATS)
                  or read_path(options, plan)
  if message then return message end
  plan.level, plan.format = options.level, options.format
  for _, field in ipairs(destinations.file_fields) do
    message = read_of_file(options, field, plan)
    if message then return message end
  end
  plan.mode = plan.mode and tonumber(plan.mode, 8)
end

-- pexec.new_logger{ level =, format =, file =, mode =, max_size =, keep =,
-- rotate_every =, compress = }
function logger.new(options)
  local plan = {}
  if type(options) ~= "table" then
    error(("bad argument #1 to 'new_logger' (table expected, got %s)")
          :format(type(options)), 2)
  end
  local message = read_options(options, plan)
  if message then error("new_logger: " .. message, 2) end
  return core.logger_new(plan)
end

-- {== loggers as arguments ==================================================

-- Raises where it is none; 'level' blames the caller as error's does.
function logger.check(value, name, level)
  if value == nil then return nil end
  local sink, message = values.logger(value, name)
  if not sink then error(message, (level or 1) + 1) end
  return sink
end

return logger
