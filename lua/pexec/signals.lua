-- The signals that pm:run catches, for its duration alone: names -> numbers,
-- and each arrival -> the run that catches it. Runs on the thread that calls
-- into Lua.

local core = require "pexec.core"
local scheduler = require "pexec.scheduler"
local values = require "pexec.values"

local signals = {}

local DEFAULT <const> = { "INT", "TERM" }

local catchers = {}  -- signal's name -> function(name)

scheduler.listen("signal", function(_, name)
  if catchers[name] then catchers[name](name) end
end)

-- Can a signal come?
function signals.is_any_caught()
  return next(catchers) ~= nil
end

local function check_options(options)
  if options == nil then return DEFAULT end
  if type(options) ~= "table" then
    return nil, ("bad argument #1 to 'run' (table expected, got %s)")
                :format(type(options))
  end
  for name in pairs(options) do
    if name ~= "signals" then
      return nil, "run: " .. values.unknown_field(name, { "signals" })
    end
  end
  local names = options.signals
  if names == nil or type(names) == "table" then return names or DEFAULT end
  return nil, "run: signals: table expected, got " .. type(names)
end

local function wrong_index(names)
  for key in pairs(names) do
    local is_index = math.type(key) == "integer" and key >= 1
    if not is_index or key > #names then
      return ("run: signals[%s]: not an index of an array")
             :format(values.show(key))
    end
  end
end

-- pm:run's options -> array of numbers, each once. Raises what is wrong with
-- them; 'level' blames the caller as error's does.
function signals.check(options, level)
  local names, message = check_options(options)
  message = message or wrong_index(names)
  if message then error(message, level + 1) end
  local numbers, seen = {}, {}
  for position, name in ipairs(names) do
    local number
    number, message = values.signal(name, "signals[" .. position .. "]")
    if not number then error("run: " .. message, level + 1) end
    if not seen[number] then numbers[#numbers + 1] = number end
    seen[number] = true
  end
  return numbers
end

local function names_of(numbers)
  local names = {}
  for position, number in ipairs(numbers) do
    names[position] = core.signal_name(number)
  end
  return names
end

local function note(names, on_signal)
  for _, name in ipairs(names) do catchers[name] = on_signal end
end

-- Needs no memory: the host gets its signals back in any case.
local function forget(numbers, names)
  core.uncatch(numbers)
  for _, name in ipairs(names) do catchers[name] = nil end
end

-- on_signal(name) for each of them that arrives, until the to-be-closed value
-- that this returns is closed.
function signals.catch(numbers, on_signal)
  local names = names_of(numbers)
  local guard = setmetatable({}, {
    __close = function() forget(numbers, names) end
  })
  local ok, message, code = core.catch(numbers)
  if not ok then
    message = ("error catching %s: %s"):format(table.concat(names, ", "),
                                               message)
    return nil, message, code
  end
  local is_noted, problem = pcall(note, names, on_signal)
  if is_noted then return guard end
  forget(numbers, names)  -- no memory
  error(problem, 0)
end

return signals
