-- The stages of a stop: their checks, how two sequences compare, their JSON,
-- and what a process is made of. Nothing here raises. Runs on the thread that
-- calls into Lua.
--
-- A sequence is an array of stages; each is a table with one of `signal`,
-- `run` and `call`. They are stored in tables of their own, so that nothing
-- that the caller does to his later counts, with the fields that were given;
-- a signal as its number, a duration in seconds.

local core = require "pexec.core"
local json = require "pexec.json"
local values = require "pexec.values"

local stop_sequence = {}

local expected <const> = values.expected

local KINDS <const> = { "signal", "run", "call" }
local NAMES <const> = { "signal", "to", "run", "call", "wait" }
local WAIT <const> = 10               -- seconds, where nothing is said
local MOST_STAGES <const> = 100
local LONGEST <const> = 1 << 30       -- seconds, of all together

-- {== checks ================================================================

local function check_run(value, name)
  local checked, message = values.strings(value, name)
  if not checked then return nil, message end
  if checked[1] == nil then return expected("string", nil, name .. "[1]") end
  if checked[1] == "" then return nil, name .. "[1]: empty name" end
  return table.move(checked, 1, #checked, 1, {})
end

local FIELDS <const> = {
  signal = values.signal,
  to = values.one_of{ "process", "group" },
  run = check_run,
  call = values.handler,
  wait = values.duration,
}

-- The kind of a stage; or nil and a message.
local function kind_of(stage, name)
  local given = {}
  for _, kind in ipairs(KINDS) do
    if stage[kind] ~= nil then given[#given + 1] = values.quote(kind) end
  end
  if #given == 1 then return given[1]:sub(2, -2) end
  return nil, ('%s: one of "signal", "run" and "call" expected, got %s')
              :format(name, given[1] and table.concat(given, " and ")
                            or "none")
end

-- What is wrong with its fields taken together; nil: nothing.
local function mismatch(stage, name)
  local kind, message = kind_of(stage, name)
  if message then return message end
  if stage.to ~= nil and kind ~= "signal" then
    return ('%s.to: only with "signal", not with "%s"'):format(name, kind)
  end
end

local function unknown_field(value, name)
  local key = values.stranger(value, FIELDS)
  if key == nil then return nil end
  local is_word = type(key) == "string" and key:find("^[%a_][%w_]*$")
  local place = is_word and "." .. key or "[" .. values.show(key) .. "]"
  return ("%s%s: %s"):format(name, place, values.unknown_field(key, NAMES))
end

local function check_stage(value, name)
  local result = {}
  if type(value) ~= "table" then return expected("table", value, name) end
  local message = unknown_field(value, name)
  if message then return nil, message end
  for _, field in ipairs(NAMES) do
    local checked = value[field]
    if checked ~= nil then
      checked, message = FIELDS[field](checked, name .. "." .. field)
      if checked == nil then return nil, message end
      result[field] = checked
    end
  end
  message = mismatch(result, name)
  if message then return nil, message end
  return result
end

function stop_sequence.check(value, name)
  local result, count = {}, 0
  if type(value) ~= "table" then
    return expected("array of stages", value, name)
  end
  while value[count + 1] ~= nil do
    count = count + 1
    local stage, message = check_stage(value[count],
                                       ("%s[%d]"):format(name, count))
    if not stage then return nil, message end
    result[count] = stage
  end
  local message = values.wrong_index(value, count, name, "stage")
  if message then return nil, message end
  return result
end

-- {== what is stored ========================================================

local function copy_stage(stage)
  local result = {}
  for key, value in pairs(stage) do result[key] = value end
  if stage.signal then result.signal = core.signal_name(stage.signal) end
  if stage.run then result.run = table.move(stage.run, 1, #stage.run, 1, {}) end
  return result
end

-- As it is read back, in tables of the caller's own.
function stop_sequence.copy(stored)
  if stored == nil then return nil end
  local result = {}
  for i, stage in ipairs(stored) do result[i] = copy_stage(stage) end
  return result
end

local function is_same_run(a, b)
  if not (a and b) then return a == b end
  if #a ~= #b then return false end
  for i, word in ipairs(a) do
    if b[i] ~= word then return false end
  end
  return true
end

local function wait_of(stage)
  return stage.wait or WAIT
end

local function target_of(stage)
  return stage.signal and (stage.to or "process")
end

local function is_same_stage(a, b)
  return a.signal == b.signal and target_of(a) == target_of(b)
         and is_same_run(a.run, b.run) and rawequal(a.call, b.call)
         and wait_of(a) == wait_of(b)
end

-- Functions by identity.
function stop_sequence.is_same(a, b)
  if not (a and b) then return a == b end
  if #a ~= #b then return false end
  for i, stage in ipairs(a) do
    if not is_same_stage(stage, b[i]) then return false end
  end
  return true
end

-- What validate says; nil: nothing.
function stop_sequence.problem(stored, name)
  local total = 0
  for _, stage in ipairs(stored) do total = total + wait_of(stage) end
  if #stored > MOST_STAGES then
    return ("%s should not have more than %d stages, got %d")
           :format(name, MOST_STAGES, #stored)
  end
  if total > LONGEST then
    return ("%s should not last longer than %s in all, got %s")
           :format(name, core.duration_format(LONGEST),
                   core.duration_format(total))
  end
end

-- {== for src/binding/config.c ==============================================

local function plan_stage(stage)
  return { kind = target_of(stage) or stage.run and "run" or "call",
           signal = stage.signal or 0, run = stage.run or {},
           call = stage.call, wait = wait_of(stage) }
end

-- { kind = "process" | "group" | "run" | "call", signal =, run =, call =,
-- wait = } each; nil: the usual stages.
function stop_sequence.plan(stored)
  if stored == nil then return nil end
  local result = {}
  for i, stage in ipairs(stored) do result[i] = plan_stage(stage) end
  return result
end

-- {== to JSON ===============================================================

-- What core.json_encode gets; or nil and a message.
local function encode_stage(stage, name)
  local members = {}
  local function add(key, value)
    if value ~= nil then members[#members + 1] = { key, value } end
  end
  add("signal", stage.signal and core.signal_name(stage.signal))
  add("to", stage.to)
  if stage.run then
    local run, message = json.encode_array(stage.run, name .. ".run")
    if message then return nil, message end
    add("run", run)
  end
  add("wait", stage.wait and core.duration_format(stage.wait))
  return members
end

-- Functions are not in JSON, so a stage that calls one is left out; where it
-- is no other, so is the field.
function stop_sequence.encode(stored, name)
  local result = {}
  for i, stage in ipairs(stored) do
    if not stage.call then
      local encoded, message = encode_stage(stage, ("%s[%d]"):format(name, i))
      if not encoded then return nil, message end
      result[#result + 1] = encoded
    end
  end
  if stored[1] and not result[1] then return nil end
  return result
end

-- {== from JSON =============================================================

local JSON_TYPES <const> = { signal = "string", to = "string", run = "array",
                             wait = "string" }

local function is_unset(value)
  return value == nil or value == core.null or value == ""
end

local function decode_member(value, field, name)
  local kind = core.json_type(value)
  if field == "signal" and kind == "number" then
    return math.tointeger(value) or value
  end
  if kind ~= JSON_TYPES[field] then
    return nil, json.wrong_type(value, name, JSON_TYPES[field])
  end
  if kind == "array" then return json.decode_array(value, name) end
  return value
end

local function decode_stage(object, name)
  local result = {}
  if core.json_type(object) ~= "object" then
    return nil, json.wrong_type(object, name, "object")
  end
  for field in pairs(JSON_TYPES) do
    local value = json.member(object, field)
    if not is_unset(value) then
      local decoded, message = decode_member(value, field,
                                             name .. "." .. field)
      if decoded == nil then return nil, message end
      result[field] = decoded
    end
  end
  return result
end

-- What `check` above can check; or nil and a message.
function stop_sequence.decode(value, name)
  local result = {}
  if core.json_type(value) ~= "array" then
    return nil, json.wrong_type(value, name, "array")
  end
  for i, element in ipairs(value) do
    local stage, message = decode_stage(element, ("%s[%d]"):format(name, i))
    if not stage then return nil, message end
    result[i] = stage
  end
  return result
end

return stop_sequence
