-- What the fields of a ProcessConfig about restarts may be: which exit codes
-- are a success, how long a restart waits, how many there may be. Owns their
-- JSON, and how two of them compare. Nothing here raises, but for what a
-- metamethod of the caller's raises. Runs on the thread that calls into Lua.
--
-- A delay is stored as seconds, as a table with a field `initial`, or as an
-- array of seconds; codes as an array of integers, a limit as a table: in
-- tables of their own, as they are read back.

local core = require "pexec.core"
local json = require "pexec.json"
local records = require "pexec.records"
local values = require "pexec.values"

local restarting = {}

local expected <const> = values.expected

local LONGEST_LIMIT <const> = 10000  -- as src/core/config.c has it
local LONGEST_LIST <const> = 1000

local function check_number(value, name)
  if type(value) == "number" and value == value then return value end
  return expected("number", value, name)
end

-- Of these the caller sees in words what is wrong.
local function at_least_one(value, name)
  if value >= 1 and value < 1e9 then return nil end
  return ("%s should be at least 1, got %s"):format(name, value)
end

local function below_one(value, name)
  if value >= 0 and value < 1 then return nil end
  return ("%s should be at least 0 and below 1, got %s"):format(name, value)
end

-- As those of records.lua.
local BACKOFF <const> = {
  { name = "initial", check = values.duration, json = "string",
    encode = core.duration_format, wanted = "duration (number or string)" },
  { name = "factor", check = check_number, default = 2, json = "number",
    problem = at_least_one },
  { name = "max", check = values.duration, json = "string",
    encode = core.duration_format },
  { name = "jitter", check = check_number, default = 0.1, json = "number",
    problem = below_one },
  { name = "reset_after", check = values.duration, json = "string",
    encode = core.duration_format }
}

local LIMIT <const> = {
  { name = "max", check = values.integer, json = "number",
    problem = values.between(0, LONGEST_LIMIT), wanted = "integer" },
  { name = "within", check = values.duration, json = "string",
    encode = core.duration_format, wanted = "duration (number or string)" }
}

restarting.copy = records.copy

-- {== checks ================================================================

function restarting.codes(value, name)
  if type(value) ~= "table" then
    return expected("array of integers", value, name)
  end
  return records.check_array(value, name, values.integer, "integer")
end

function restarting.delay(value, name)
  if type(value) ~= "table" then return values.duration(value, name) end
  if value[1] ~= nil then
    return records.check_array(value, name, values.duration, "duration")
  end
  if value.initial == nil and next(value) == nil then
    return values.duration(value, name)  -- which says what is expected
  end
  return records.check_with("initial", value, name, BACKOFF)
end

function restarting.limit(value, name)
  if type(value) ~= "table" then
    return expected("table with max and within", value, name)
  end
  local limit, message = records.check_with("max", value, name, LIMIT)
  if not limit then return nil, message end
  return records.check_with("within", value, name, LIMIT)
end

-- {== validating ============================================================

function restarting.problem_of_codes(codes, name)
  for i, code in ipairs(codes) do
    if code < 0 or code > 255 then
      return ("%s[%d] should be between 0 and 255, got %d")
             :format(name, i, code)
    end
  end
end

local function problem_of_list(list, name)
  if #list > LONGEST_LIST then
    return ("%s should have at most %d delays, got %d")
           :format(name, LONGEST_LIST, #list)
  end
end

function restarting.problem_of_delay(delay, name)
  if type(delay) ~= "table" then return nil end
  if not delay.initial then return problem_of_list(delay, name) end
  if delay.max and delay.max < delay.initial then
    return ("%s.max should not be less than %s.initial"):format(name, name)
  end
  return records.problem(delay, name, BACKOFF)
end

-- A window of no time would hold no restart, and so never be full.
function restarting.problem_of_limit(limit, name)
  if limit.within == 0 and limit.max > 0 then
    return name .. ".within should not be 0"
  end
  return records.problem(limit, name, LIMIT)
end

-- {== comparing =============================================================

function restarting.is_same_delay(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  if a.initial and b.initial then return records.is_same(a, b, BACKOFF) end
  return not a.initial and not b.initial and records.is_same_array(a, b)
end

function restarting.is_same_limit(a, b)
  if not a or not b then return a == b end
  return records.is_same(a, b, LIMIT)
end

-- In any order, and however often each.
function restarting.is_same_codes(a, b)
  local found, other = {}, {}
  for _, code in ipairs(a) do found[code] = true end
  for _, code in ipairs(b) do other[code] = true end
  for code in pairs(found) do
    if not other[code] then return false end
    other[code] = nil
  end
  return next(other) == nil
end

-- {== for src/binding/config.c ==============================================

local MOST_DELAY <const> = 60  -- seconds, where nobody says

-- { start = seconds } or { initial =, factor =, max =, jitter = } or
-- { list = {...} }; reset_after = seconds or nil.
function restarting.plan_delay(delay)
  if type(delay) ~= "table" then return { start = delay } end
  if not delay.initial then return { list = delay } end
  local plan = { reset_after = delay.reset_after }
  for _, field in ipairs(BACKOFF) do
    plan[field.name] = records.value_of(delay, field)
  end
  plan.max = plan.max or math.max(MOST_DELAY, plan.initial)
  return plan
end

-- {== JSON ==================================================================

restarting.encode_codes = json.encode_integers

function restarting.encode_delay(delay, name)
  if type(delay) ~= "table" then return core.duration_format(delay) end
  if delay.initial then return records.encode(delay, name, BACKOFF) end
  local result = {}
  for i, seconds in ipairs(delay) do
    result[i] = core.duration_format(seconds)
  end
  return result
end

function restarting.encode_limit(limit, name)
  return records.encode(limit, name, LIMIT)
end

function restarting.decode_codes(value, name)
  if core.json_type(value) ~= "array" then
    return nil, json.wrong_type(value, name, "array")
  end
  return json.decode_array(value, name, "number")
end

function restarting.decode_delay(value, name)
  local kind = core.json_type(value)
  if kind == "string" then return value end
  if kind == "array" then return json.decode_array(value, name) end
  if kind == "object" then return records.decode(value, name, BACKOFF) end
  return nil, json.wrong_type(value, name, "string, array or object")
end

function restarting.decode_limit(value, name)
  if core.json_type(value) ~= "object" then
    return nil, json.wrong_type(value, name, "object")
  end
  return records.decode(value, name, LIMIT)
end

return restarting
