-- Where a child's output goes and its input comes from: owns what the fields
-- stdout, stderr and stdin of a ProcessConfig may be, their JSON, and how two
-- of them compare. Opens nothing. Nothing here raises, but for what a
-- metamethod of the caller's raises. Runs on the thread that calls into Lua.
--
-- A destination is a word or a table with a field `file`; an output is one of
-- them or an array. They are stored as they are read back: in tables of their
-- own, so that nothing that the caller does to his later counts; with the
-- fields that were given, but a mode as four octal digits and a duration in
-- seconds; in an array only where there are several, "null" none of them and
-- none there twice. What is stored can be checked again, and comes out equal.

local core = require "pexec.core"
local json = require "pexec.json"
local records = require "pexec.records"
local values = require "pexec.values"

local destinations = {}

local expected <const> = values.expected

-- {== the fields of these tables ============================================

local function check_path(value, name)
  if value == "" then return nil, name .. ": empty path" end
  return values.text(value, name)
end

-- Four octal digits.
local function check_mode(value, name)
  return values.permissions(value, name, "mode", "640")
end

local function problem_of_interval(seconds, name)
  if seconds == 0 or seconds >= 1 then return nil end
  return ("%s should be 0 or at least 1s, got %s")
         :format(name, core.duration_format(seconds))
end

local function check_bytes(value, name)
  if type(value) == "string" then return value end
  return expected("string", value, name)
end

local FILE <const> = {
  { name = "file", check = check_path, json = "string", may_be_empty = true },
  { name = "mode", check = check_mode, default = "0640", json = "string" },
  { name = "format", check = values.one_of{ "raw", "text", "json", "logfmt" },
    default = "raw", json = "string" },
  { name = "max_size", check = values.integer, default = 10 << 20,
    json = "number", problem = values.between(0, 1 << 53) },
  { name = "keep", check = values.integer, default = 5, json = "number",
    problem = values.between(0, 9999) },
  { name = "rotate_every", check = values.duration, default = 0,
    json = "string", encode = core.duration_format,
    problem = problem_of_interval },
  { name = "compress", check = values.boolean, default = false,
    json = "boolean" },
  { name = "on_full", check = values.one_of{ "drop", "block" },
    default = "drop", json = "string" }
}

-- For loggers, whose files have most of them.
destinations.file_fields = FILE

local SOURCE <const> = {
  { name = "file", check = check_path, json = "string", may_be_empty = true },
  { name = "data", check = check_bytes, json = "string", may_be_empty = true }
}

-- {== checks: outputs =======================================================

local function check_file(value, name)
  return records.check_with("file", value, name, FILE)
end

local function is_same_file(a, b)
  return records.is_same(a, b, FILE)
end

local function is_same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  return is_same_file(a, b)
end

local function has(array, destination)
  for _, other in ipairs(array) do
    if is_same(other, destination) then return true end
  end
  return false
end

local function check_one(value, name)
  if value == "null" or value == "inherit" then return value end
  if type(value) == "table" then return check_file(value, name) end
  if value == "stdout" then
    return nil, name .. ': "stdout" cannot be one of several'
  end
  return expected('"null", "inherit" or table', value, name)
end

local function check_array(value, name)
  local result, count = {}, 0
  while value[count + 1] ~= nil do
    count = count + 1
    local one, message = check_one(value[count],
                                   ("%s[%d]"):format(name, count))
    if one == nil then return nil, message end
    if one ~= "null" and not has(result, one) then
      result[#result + 1] = one
    end
  end
  local message = values.wrong_index(value, count, name, "destination")
  if message then return nil, message end
  if #result > 1 then return result end
  return result[1] or "null"
end

-- One that has names for keys is taken for a file's, so that what is wrong
-- with it is told.
local function is_file_table(value)
  if value.file ~= nil then return true end
  if value[1] ~= nil then return false end
  for key in pairs(value) do
    if type(key) == "string" then return true end
  end
  return false
end

function destinations.stdout(value, name)
  if value == "null" or value == "inherit" then return value end
  if type(value) ~= "table" then
    return expected('"null", "inherit" or table', value, name)
  end
  if is_file_table(value) then return check_file(value, name) end
  return check_array(value, name)
end

function destinations.stderr(value, name)
  if value == "stdout" then return value end
  if type(value) == "table" then return destinations.stdout(value, name) end
  if value == "null" or value == "inherit" then return value end
  return expected('"null", "inherit", "stdout" or table', value, name)
end

-- {== checks: inputs ========================================================

local check_word = values.one_of{ "null", "inherit", "pipe" }

function destinations.stdin(value, name)
  if type(value) == "string" then return check_word(value, name) end
  if type(value) ~= "table" then
    return expected('"null", "inherit", "pipe" or table', value, name)
  end
  local source, message = records.check(value, name, SOURCE)
  if not source then return nil, message end
  if (source.file == nil) == (source.data == nil) then
    return nil, ('%s: "file" or "data" expected, got %s')
                :format(name, source.file and "both" or "neither")
  end
  return source
end

-- {== what is stored ========================================================

-- All but stdin's: an array of destinations, none of them "null".
local function listed(stored)
  if stored == nil or stored == "null" then return {} end
  if type(stored) == "string" or stored.file then return { stored } end
  return stored
end

-- As it is stored, in tables of the caller's own.
destinations.copy = records.copy

-- In any order, since all get everything. nil is "null".
function destinations.is_same_output(a, b)
  a, b = listed(a), listed(b)
  if #a ~= #b then return false end
  for _, destination in ipairs(a) do
    if not has(b, destination) then return false end
  end
  return true
end

function destinations.is_same_input(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  return a.file == b.file and a.data == b.data
end

-- {== validating ============================================================

-- Calls see(file, name) for each log file of an output, to its first answer.
local function each_file(stored, name, see)
  for i, destination in ipairs(listed(stored)) do
    local answer
    local path = stored[1] and ("%s[%d]"):format(name, i) or name
    if type(destination) == "table" then answer = see(destination, path) end
    if answer then return answer end
  end
end

-- What is out of range, or at odds; nil: nothing.
function destinations.problem(stdout, stderr)
  local seen = {}
  local function see(file, name)
    local first = seen[file.file]
    if first and not is_same_file(first.file, file) then
      return ("%s and %s write to %s with different options")
             :format(first.name, name, values.show(file.file))
    end
    seen[file.file] = first or { file = file, name = name }
    return records.problem(file, name, FILE)
  end
  return each_file(stdout, "stdout", see) or each_file(stderr, "stderr", see)
end

-- {== for src/binding/config.c ==============================================

local function plan_file(file)
  local plan = {}
  for _, field in ipairs(FILE) do
    plan[field.name] = records.value_of(file, field)
  end
  plan.path, plan.file = plan.file, nil
  plan.mode = tonumber(plan.mode, 8)
  plan.blocks, plan.on_full = plan.on_full == "block", nil
  return plan
end

-- { inherits =, merges =, files = { { path =, mode =, blocks =, ... } } }
function destinations.plan_output(stored)
  local plan = { inherits = false, merges = stored == "stdout", files = {} }
  for _, destination in ipairs(listed(stored)) do
    if type(destination) == "table" then
      plan.files[#plan.files + 1] = plan_file(destination)
    elseif destination == "inherit" then plan.inherits = true
    end
  end
  return plan
end

-- { source = "null" | "host" | "file" | "data" | "pipe", path =, data = }
function destinations.plan_input(stored)
  if stored == "inherit" then return { source = "host" } end
  if type(stored) == "string" then return { source = stored } end
  return { source = stored.file and "file" or "data", path = stored.file,
           data = stored.data }
end

-- {== to JSON ===============================================================

-- What core.json_encode gets; or nil and a message.
function destinations.encode_output(stored, name)
  if type(stored) == "string" then return stored end
  if stored.file then return records.encode(stored, name, FILE) end
  local result = {}
  for i, destination in ipairs(stored) do
    local path = ("%s[%d]"):format(name, i)
    local encoded, message = destinations.encode_output(destination, path)
    if encoded == nil then return nil, message end
    result[i] = encoded
  end
  return result
end

function destinations.encode_input(stored, name)
  if type(stored) == "string" then return stored end
  return records.encode(stored, name, SOURCE)
end

-- {== from JSON =============================================================

local function decode_one(value, name, wanted)
  local kind = core.json_type(value)
  if kind == "string" then return value end
  if kind ~= "object" then return nil, json.wrong_type(value, name, wanted) end
  local file, message = records.decode(value, name, FILE)
  if file and next(file) == nil then  -- would be an empty array
    return expected("string", nil, "json: " .. name .. ".file")
  end
  return file, message
end

-- What `stdout` or `stderr` above can check; or nil and a message.
function destinations.decode_output(value, name)
  local result = {}
  if core.json_type(value) ~= "array" then
    return decode_one(value, name, "string, array or object")
  end
  for i, element in ipairs(value) do
    local path = ("%s[%d]"):format(name, i)
    local decoded, message = decode_one(element, path, "string or object")
    if decoded == nil then return nil, message end
    result[i] = decoded
  end
  return result
end

function destinations.decode_input(value, name)
  local kind = core.json_type(value)
  if kind == "string" then return value end
  if kind == "object" then return records.decode(value, name, SOURCE) end
  return nil, json.wrong_type(value, name, "string or object")
end

return destinations
