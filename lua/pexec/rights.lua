-- What the fields of a ProcessConfig about a child's rights may be: its groups,
-- its umask. Owns their JSON, and how two of them compare. Nothing here
-- raises, but for what a metamethod of the caller's raises. Runs on the thread
-- that calls into Lua.
--
-- A group is stored as text, its name or its number; groups as an array of
-- these, of its own; a umask as four octal digits.

local core = require "pexec.core"
local json = require "pexec.json"
local records = require "pexec.records"
local values = require "pexec.values"

local rights = {}

local expected <const> = values.expected

rights.copy = records.copy

-- {== groups ================================================================

-- Whether there is such a group is seen at the start.
function rights.group(value, name)
  if math.type(value) == "integer" then return tostring(value) end
  if type(value) == "string" then return values.text(value, name) end
  return expected("group (name or number)", value, name)
end

function rights.groups(value, name)
  if type(value) ~= "table" then
    return expected("array of groups (names or numbers)", value, name)
  end
  return records.check_array(value, name, rights.group, "group")
end

rights.is_same_groups = records.is_same_array

function rights.encode_groups(groups, name)
  return json.encode_checked(groups, name, json.not_utf8)
end

-- Numbers are integers where they can be; text stays as it is, whatever Lua
-- could make a number of.
function rights.decode_group(value, name)
  local kind = core.json_type(value)
  if kind == "string" then return value end
  if kind == "number" then return math.tointeger(value) or value end
  return nil, json.wrong_type(value, name, "string or number")
end

function rights.decode_groups(value, name)
  local result = {}
  if core.json_type(value) ~= "array" then
    return nil, json.wrong_type(value, name, "array")
  end
  for i, group in ipairs(value) do
    local one, message = rights.decode_group(group, ("%s[%d]"):format(name, i))
    if one == nil then return nil, message end
    result[i] = one
  end
  return result
end

-- {== umask =================================================================

function rights.umask(value, name)
  local digits, message = values.permissions(value, name, "umask", "022")
  if digits and digits > "0777" then
    return nil, ("%s: %s is above 0777"):format(name, values.show(value))
  end
  return digits, message
end

-- For src/binding/config.c.
function rights.plan_umask(umask)
  return umask and tonumber(umask, 8)
end

return rights
