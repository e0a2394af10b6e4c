-- What holds of JSON text, whatever is in it: it is refused in words, or its
-- value can be written and read again; and it may be a configuration. For
-- json.c.

local core = require "pexec.core"
local holds = require "holds"
local pexec = require "pexec"

local DEEPEST <const> = 7 -- levels that json_encode writes

-- {== the value =============================================================

-- As json_encode takes it; nil: of what is in it, some has no such form, like
-- arrays in arrays.
local writable

local function writable_object(object, level)
  local members = {}
  for i, name in ipairs(object) do
    local value = object[name]
    local given = writable(value, level + 1)
    if given == nil and value ~= core.null then return nil end
    members[i] = { name, given }
  end
  return members
end

local function writable_array(array, level)
  local result = {}
  for i, value in ipairs(array) do
    local kind = core.json_type(value)
    local given = writable(value, level + 1)
    if given == nil or kind == "array" then return nil end
    if kind == "object" and #given == 0 then return nil end
    result[i] = given
  end
  return result
end

function writable(value, level)
  local kind = core.json_type(value)
  if level > DEEPEST or kind == "null" then return nil end
  if kind == "object" then return writable_object(value, level) end
  if kind == "array" then return writable_array(value, level) end
  return value
end

local function assert_same(a, b)
  local kind = core.json_type(a)
  if kind ~= "object" and kind ~= "array" then
    return assert(a == b, tostring(a) .. " and " .. tostring(b))
  end
  assert(#a == #b)
  if #a > 0 then assert(kind == core.json_type(b)) end -- an empty one is any
  for i, value in ipairs(a) do
    assert_same(value, b[i])
    if kind == "object" then assert_same(a[value], b[value]) end
  end
end

local function check_value(value)
  local members = core.json_type(value) == "object" and writable(value, 0)
  if not members then return end
  assert_same(value, assert(core.json_decode(core.json_encode(members))))
end

-- {== the configuration =====================================================

local function check_config(text, decoded)
  local made, message, code = pexec.unmarshal_process_config(text)
  if made then
    assert(core.json_type(decoded) == "object")
    holds.copies(made)
    holds.json(made)
    return holds.process(made)
  end
  holds.message(message)
  assert(code == "INVALID_CONFIG", code)
end

return function(text)
  local decoded, message = core.json_decode(text)
  if message then
    assert(decoded == nil)
    holds.message(message)
  else
    check_value(decoded)
  end
  check_config(text, decoded)
end
