-- Tables of named fields within a configuration: their checks, their JSON.
-- Knows none of the fields. Nothing here raises, but for what a metamethod of
-- the caller's raises. Runs on the thread that calls into Lua.
--
-- 'fields' is an array, in the order of the JSON, of
--   name      the field's
--   check     pexec.values: a value -> as it is stored
--   default   as stored; nil: none
--   json      its type in JSON; nil: not in JSON
--   encode    as stored -> as it is in JSON; nil: as it is
--   may_be_empty  true: in JSON "" is a value, and not the same as null

local core = require "pexec.core"
local json = require "pexec.json"
local values = require "pexec.values"

local records = {}

local expected <const> = values.expected

-- {== checks ================================================================

local known = {}  -- fields -> { name -> field }, and their names in order

local function look_up(fields)
  local found = known[fields]
  if found then return found.by_name, found.names end
  found = { by_name = {}, names = {} }
  for i, field in ipairs(fields) do
    found.by_name[field.name], found.names[i] = field, field.name
  end
  known[fields] = found
  return found.by_name, found.names
end

-- nil: it has these fields alone.
local function wrong_key(value, name, fields)
  local by_name, names = look_up(fields)
  local key = values.stranger(value, by_name)
  if key == nil then return nil end
  if math.type(key) == "integer" then
    return ("%s[%d]: an array's element in a table of fields")
           :format(name, key)
  end
  local is_word = type(key) == "string" and key:find("^[%a_][%w_]*$")
  local place = is_word and "." .. key or "[" .. values.show(key) .. "]"
  return ("%s%s: %s"):format(name, place, values.unknown_field(key, names))
end

-- A table of its own with the fields that are there; or nil and a message.
function records.check(value, name, fields)
  local result = {}
  local message = wrong_key(value, name, fields)
  if message then return nil, message end
  for _, field in ipairs(fields) do
    local checked = value[field.name]
    if checked ~= nil then
      checked, message = field.check(checked, name .. "." .. field.name)
      if checked == nil then return nil, message end
      result[field.name] = checked
    end
  end
  return result
end

-- The same, where this one must be there.
function records.check_with(required, value, name, fields)
  local record, message = records.check(value, name, fields)
  if not record then return nil, message end
  if record[required] == nil then
    return expected(look_up(fields)[required].wanted or "string", nil,
                    name .. "." .. required)
  end
  return record
end

-- An array of its own, each element checked; or nil and a message.
function records.check_array(value, name, check, what)
  local result = {}
  while value[#result + 1] ~= nil do
    local i = #result + 1
    local one, message = check(value[i], ("%s[%d]"):format(name, i))
    if one == nil then return nil, message end
    result[i] = one
  end
  local message = values.wrong_index(value, #result, name, what)
  if message then return nil, message end
  return result
end

-- Where there is none, only none is the same.
function records.is_same_array(a, b)
  if not a or not b then return a == b end
  for i = 1, math.max(#a, #b) do
    if a[i] ~= b[i] then return false end
  end
  return true
end

function records.value_of(record, field)
  local value = record[field.name]
  if value == nil then return field.default end
  return value
end

-- As 'problem' of each field says; nil: nothing is wrong.
function records.problem(record, name, fields)
  for _, field in ipairs(fields) do
    local value = record[field.name]
    local message = field.problem and value ~= nil
                    and field.problem(value, name .. "." .. field.name)
    if message then return message end
  end
end

-- Are all fields the same, those that are not there at their defaults?
function records.is_same(a, b, fields)
  for _, field in ipairs(fields) do
    if not rawequal(records.value_of(a, field), records.value_of(b, field))
    then
      return false
    end
  end
  return true
end

-- Tables of tables, as they are stored.
function records.copy(stored)
  if type(stored) ~= "table" then return stored end
  local result = {}
  for key, value in pairs(stored) do result[key] = records.copy(value) end
  return result
end

-- {== JSON ==================================================================

-- What core.json_encode gets; or nil and a message.
function records.encode(record, name, fields)
  local members = {}
  for _, field in ipairs(fields) do
    local value = record[field.name]
    if value ~= nil and field.json then
      local path = name .. "." .. field.name
      local message = json.not_utf8(value, path)
                      or json.not_exact(value, path)
      if message then return nil, message end
      members[#members + 1] = { field.name,
                                field.encode and field.encode(value) or value }
    end
  end
  return members
end

local function is_unset(value, field)
  return value == nil or value == core.null
         or value == "" and not field.may_be_empty
end

-- What 'check' can check; or nil and a message.
function records.decode(object, name, fields)
  local result = {}
  for _, field in ipairs(fields) do
    local value = field.json and json.member(object, field.name)
    if field.json and not is_unset(value, field) then
      if core.json_type(value) ~= field.json then
        return nil, json.wrong_type(value, name .. "." .. field.name,
                                    field.json)
      end
      result[field.name] = value
    end
  end
  return result
end

return records
