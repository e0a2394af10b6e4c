-- What holds of every configuration, whatever it came from. For the checks of
-- fuzz targets.

local config = require "pexec.config"
local pexec = require "pexec"

local holds = {}

-- Words for people, on one line, and no error of the module's own code.
function holds.message(message)
  assert(type(message) == "string", "no message: " .. tostring(message))
  assert(not message:find("^%S*%.lua:%d+: "), message)
  assert(not message:find("[\0-\31]"), message)
end

local function is_callable(value)
  local metatable = getmetatable(value)
  return type(value) == "function"
         or type(metatable) == "table" and metatable.__call ~= nil
end

-- Is there something in it that JSON leaves out?
local function is_more_than_text(value)
  if is_callable(value) or type(value) == "userdata" then return true end
  if type(value) ~= "table" then return false end
  for _, part in pairs(value) do
    if is_more_than_text(part) then return true end
  end
  return false
end

local LEFT_OUT <const> = { log_writer = true, stdout_logger = true,
                           stderr_logger = true }

local function is_all_in_json(made)
  for name, value in pairs(made) do
    if LEFT_OUT[name] or is_more_than_text(value) then return false end
  end
  return true
end

local function assert_same(a, b)
  if a == b then return end
  error("they differ in " .. tostring(config.difference(a, b)))
end

-- The fields as they are read back make the same configuration.
function holds.copies(made)
  local fields = {}
  for name, value in pairs(made) do fields[name] = value end
  assert_same(pexec.new_process_config(fields), made)
  assert_same(pexec.new_process_config(made), made)
  assert(made:equals(fields))
end

-- What can be written as JSON is read as the same, and written as the same.
function holds.json(made)
  local text, message, code = made:marshal_json()
  if not text then
    holds.message(message)
    return assert(code == "INVALID_CONFIG", code)
  end
  local back = assert(pexec.unmarshal_process_config(text))
  if is_all_in_json(made) then
    assert_same(back, made)
    assert(back:marshal_json() == text, text)
  end
end

-- What validate says is what a process is made by.
function holds.process(made)
  local valid, message, code = made:validate(made.id)
  local process, reason, why = pexec.new_managed_process(made)
  if valid then return assert(process, reason) end
  holds.message(message)
  assert(code == "INVALID_CONFIG", code)
  assert(process == nil and reason == message and why == code, reason)
end

return holds
