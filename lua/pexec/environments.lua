-- What the field environment_file of a ProcessConfig may be: a path, or an
-- array of paths, of its own. Owns its JSON, and how two of them compare.
-- Nothing here raises. Runs on the thread that calls into Lua.

local core = require "pexec.core"
local json = require "pexec.json"
local records = require "pexec.records"
local values = require "pexec.values"

local environments = {}

environments.copy = records.copy

-- What a snapshot has.
function environments.plan(files)
  if type(files) == "string" then return { files } end
  return files or {}
end

local plan <const> = environments.plan

local function empty_path(files, name)
  for i, path in ipairs(plan(files)) do
    if path == "" then
      local place = type(files) == "table" and ("[%d]"):format(i) or ""
      return ("%s%s: empty path"):format(name, place)
    end
  end
end

function environments.files(value, name)
  if type(value) ~= "string" and type(value) ~= "table" then
    return values.expected("path or array of paths", value, name)
  end
  local check = type(value) == "string" and values.text or values.strings
  local checked, message = check(value, name)
  message = message or empty_path(value, name)
  if message then return nil, message end
  return records.copy(checked)
end

function environments.is_same(a, b)
  return records.is_same_array(plan(a), plan(b))
end

function environments.encode(files, name)
  for i, path in ipairs(plan(files)) do
    local message = json.not_utf8(path, ("%s[%d]"):format(name, i))
    if message then return nil, message end
  end
  return files
end

function environments.decode(value, name)
  local kind = core.json_type(value)
  if kind == "string" then return value end
  if kind == "array" then return json.decode_array(value, name) end
  return nil, json.wrong_type(value, name, "string or array")
end

return environments
