-- Loggers: the built-in one, which writes from C, and any object of the
-- caller's. Runs on the thread that calls into Lua.

local core = require "pexec.core"
local values = require "pexec.values"

local logger = {}

local KNOWN <const> = { "level", "format", "file" }
local LEVELS <const> = { debug = true, info = true, warn = true, error = true }
local FORMATS <const> = { text = true, json = true, logfmt = true }

logger.null = core.logger_new()

local default

-- Made when it is first needed: on stderr, at info.
function logger.default()
  default = default or assert(core.logger_new("info", "text"))
  return default
end

local function check_choice(options, name, choices)
  local value = options[name]
  if value ~= nil and not choices[value] then
    error(("new_logger: impossible %s %s"):format(name, values.show(value)), 3)
  end
end

-- pexec.new_logger{ level =, format =, file = }
function logger.new(options)
  if type(options) ~= "table" then
    error(("bad argument #1 to 'new_logger' (table expected, got %s)")
          :format(type(options)), 2)
  end
  for name in pairs(options) do
    if name ~= "level" and name ~= "format" and name ~= "file" then
      error("new_logger: " .. values.unknown_field(name, KNOWN), 2)
    end
  end
  check_choice(options, "level", LEVELS)
  check_choice(options, "format", FORMATS)
  if options.file ~= nil then
    local file, message = values.text(options.file, "file")
    if not file then error("new_logger: " .. message, 2) end
  end
  return core.logger_new(options.level or "info", options.format or "text",
                         options.file)
end

-- Raises where it is none; 'level' blames the caller as error's does.
function logger.check(value, name, level)
  if value == nil then return nil end
  local sink, message = values.logger(value, name)
  if not sink then error(message, (level or 1) + 1) end
  return sink
end

return logger
