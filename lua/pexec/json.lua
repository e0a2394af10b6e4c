-- What core.json_encode gets and core.json_decode gives, for the fields of a
-- ProcessConfig: their types and names in JSON, and the messages where they
-- do not fit. Knows no field. Nothing here raises. Runs on the thread that
-- calls into Lua.

local core = require "pexec.core"
local values = require "pexec.values"

local show <const> = values.show

local json = {}

-- {== to JSON ===============================================================

-- JSON is UTF-8; nil: so is this value.
function json.not_utf8(value, name)
  if type(value) ~= "string" or utf8.len(value) then return nil end
  return ("%s: invalid UTF-8 in %s"):format(name, show(value))
end

local not_utf8 <const> = json.not_utf8

-- A float, which most readers make of a number, holds integers up to here.
local MOST <const> = 1 << 53

-- nil: this value, if it is a number, comes back as it is.
function json.not_exact(value, name)
  if value == math.huge or value == -math.huge then
    return ("%s: %s has no form in JSON"):format(name, value)
  end
  if math.type(value) ~= "integer" then return nil end
  if value >= -MOST and value <= MOST then return nil end
  return ("%s: %d is too large for JSON"):format(name, value)
end

-- nil for an empty array, as Go has it.
function json.encode_array(array, name)
  local result = {}
  for i, value in ipairs(array) do
    local message = not_utf8(value, ("%s[%d]"):format(name, i))
    if message then return nil, message end
    result[i] = value
  end
  return #result > 0 and result or nil
end

-- The same of what 'check' has no message about; an empty one is one.
function json.encode_checked(array, name, check)
  for i, value in ipairs(array) do
    local message = check(value, ("%s[%d]"):format(name, i))
    if message then return nil, message end
  end
  return array
end

function json.encode_integers(array, name)
  return json.encode_checked(array, name, json.not_exact)
end

function json.encode_object(object, name)
  local members = {}
  for key, value in pairs(object) do
    members[#members + 1] = { key, value }
  end
  table.sort(members, function(a, b) return a[1] < b[1] end)
  for _, pair in ipairs(members) do
    local path = ("%s[%s]"):format(name, show(pair[1]))
    local message = not_utf8(pair[1], path) or not_utf8(pair[2], path)
    if message then return nil, message end
  end
  return members
end

-- {== from JSON =============================================================

-- In ASCII alone: the locale has no say in what a key is.
local function fold(key)
  return (key:gsub("[A-Z]", function(letter)
    return string.char(letter:byte() + 32)
  end))
end

-- The member of that name; without one, the last that differs in case only.
function json.member(object, name)
  if object[name] ~= nil then return object[name] end
  for i = #object, 1, -1 do
    if fold(object[i]) == name then return object[object[i]] end
  end
end

function json.wrong_type(value, name, wanted)
  return ("json: cannot unmarshal %s into field %s of type %s")
         :format(core.json_type(value), values.quote(name), wanted)
end

local wrong_type <const> = json.wrong_type

-- A JSON array as a plain one, of this type, or of strings; or nil and a
-- message.
function json.decode_array(array, name, wanted)
  local result = {}
  wanted = wanted or "string"
  for i, value in ipairs(array) do
    if core.json_type(value) ~= wanted then
      return nil, wrong_type(value, ("%s[%d]"):format(name, i), wanted)
    end
    result[i] = value
  end
  return result
end

function json.decode_object(object, name)
  local result = {}
  for _, key in ipairs(object) do
    local value = object[key]
    if type(value) ~= "string" then
      return nil, wrong_type(value, name .. "." .. key, "string")
    end
    result[key] = value
  end
  return result
end

return json
