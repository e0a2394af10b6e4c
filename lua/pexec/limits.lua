-- What the fields of a ProcessConfig about resources may be: limits, CPUs, the
-- priority of reading and writing. Owns their JSON, and how two of them
-- compare. Nothing here raises, but for what a metamethod of the caller's
-- raises. Runs on the thread that calls into Lua.
--
-- A limit is stored as a table with soft and hard, each an integer or
-- "unlimited"; CPUs as an array of integers; a priority as a table.

local core = require "pexec.core"
local json = require "pexec.json"
local records = require "pexec.records"
local values = require "pexec.values"

local limits = {}

local expected <const> = values.expected
local UNLIMITED <const> = "unlimited"
local MOST_CPUS <const> = 8192  -- PEXEC_MOST_CPUS

limits.copy = records.copy

-- {== limits ================================================================

local function check_bound(value, name)
  if value == UNLIMITED or value == math.huge then return UNLIMITED end
  local integer = type(value) == "number" and math.tointeger(value)
  if integer and integer >= 0 then return integer end
  return expected('limit (integer of 0 or more, or "unlimited")', value, name)
end

-- As those of records.lua.
local BOUNDS <const> = {
  { name = "soft", check = check_bound, json = "any",
    wanted = 'limit (integer of 0 or more, or "unlimited")' },
  { name = "hard", check = check_bound, json = "any",
    wanted = 'limit (integer of 0 or more, or "unlimited")' }
}

-- { soft, hard } as a table of fields.
local function named(pair, name)
  if pair[2] == nil then return expected("limit", nil, name .. "[2]") end
  if pair[3] ~= nil then
    return nil, name .. "[3]: one of soft and hard too many"
  end
  local message = values.wrong_index(pair, 2, name, "limit")
  if message then return nil, message end
  return { soft = pair[1], hard = pair[2] }
end

local function check_limit(value, name)
  local message
  if type(value) ~= "table" then
    value, message = check_bound(value, name)
    if value == nil then return nil, message end
    return { soft = value, hard = value }
  end
  if value[1] ~= nil then
    value, message = named(value, name)
    if not value then return nil, message end
  end
  local limit, wrong = records.check_with("soft", value, name, BOUNDS)
  if not limit then return nil, wrong end
  return records.check_with("hard", value, name, BOUNDS)
end

local LIMITS <const> = {}
for name in ("cpu fsize data stack core rss nproc nofile memlock as locks "
             .. "sigpending msgqueue nice rtprio rttime"):gmatch "%w+" do
  LIMITS[#LIMITS + 1] = { name = name, check = check_limit }
end

function limits.limits(value, name)
  if type(value) ~= "table" then
    return expected("table of limits", value, name)
  end
  return records.check(value, name, LIMITS)
end

local function is_above(soft, hard)
  if hard == UNLIMITED then return false end
  return soft == UNLIMITED or soft > hard
end

function limits.problem(stored, name)
  for _, field in ipairs(LIMITS) do
    local limit = stored[field.name]
    if limit and is_above(limit.soft, limit.hard) then
      return ("%s.%s: soft should not be above hard, got %s and %s")
             :format(name, field.name, limit.soft, limit.hard)
    end
  end
end

function limits.is_same(a, b)
  a, b = a or {}, b or {}
  for _, field in ipairs(LIMITS) do
    local one, other = a[field.name] or {}, b[field.name] or {}
    if one.soft ~= other.soft or one.hard ~= other.hard then return false end
  end
  return true
end

local function plan_bound(bound)
  return bound == UNLIMITED and -1 or bound
end

-- For src/binding/config.c: { { name =, soft =, hard = } }, -1 for none.
function limits.plan(stored)
  local plan = {}
  for _, field in ipairs(LIMITS) do
    local limit = stored and stored[field.name]
    if limit then
      plan[#plan + 1] = { name = field.name, soft = plan_bound(limit.soft),
                          hard = plan_bound(limit.hard) }
    end
  end
  return plan
end

function limits.encode(stored, name)
  local members = {}
  for _, field in ipairs(LIMITS) do
    if stored[field.name] then
      local limit, message = records.encode(stored[field.name],
                                            name .. "." .. field.name, BOUNDS)
      if not limit then return nil, message end
      members[#members + 1] = { field.name, limit }
    end
  end
  return members
end

-- Of an object, its members that are not null; anything else as it is.
local function plain(value)
  local kind, result = core.json_type(value), {}
  if kind ~= "object" and kind ~= "array" then return value end
  for i, key in ipairs(value) do
    if kind == "array" then result[i] = key
    elseif value[key] ~= core.null then result[key] = value[key]
    end
  end
  return result
end

-- What 'limits' can check: of limits it knows all, of others some more.
function limits.decode(value, name)
  local kind = core.json_type(value)
  if kind ~= "object" and not (kind == "array" and #value == 0) then
    return nil, json.wrong_type(value, name, "object")
  end
  local result = {}
  for _, field in ipairs(LIMITS) do
    local member = json.member(value, field.name)
    if member ~= nil and member ~= core.null then
      result[field.name] = plain(member)
    end
  end
  return result
end

-- {== CPUs ==================================================================

function limits.cpus(value, name)
  local result = {}
  if type(value) ~= "table" then
    return expected("array of CPU numbers", value, name)
  end
  while value[#result + 1] ~= nil do
    local i = #result + 1
    local cpu, message = values.integer(value[i], ("%s[%d]"):format(name, i))
    if not cpu then return nil, message end
    result[i] = cpu
  end
  local message = values.wrong_index(value, #result, name, "integer")
  if message then return nil, message end
  return result
end

-- Which of these are there is seen at the start.
function limits.problem_of_cpus(cpus, name)
  if #cpus == 0 then return name .. " should name a CPU" end
  local problem = values.between(0, MOST_CPUS - 1)
  for i, cpu in ipairs(cpus) do
    local message = problem(cpu, ("%s[%d]"):format(name, i))
    if message then return message end
  end
end

limits.is_same_cpus = records.is_same_array

limits.encode_cpus = json.encode_integers

function limits.decode_cpus(value, name)
  if core.json_type(value) == "array" then return plain(value) end
  return nil, json.wrong_type(value, name, "array")
end

-- {== reading and writing ===================================================

local PRIORITY <const> = {
  { name = "class", json = "string",
    check = values.one_of{ "realtime", "best_effort", "idle" },
    wanted = '"realtime", "best_effort" or "idle"' },
  { name = "level", check = values.integer, json = "number", default = 4,
    problem = values.between(0, 7) }
}

function limits.priority(value, name)
  if type(value) ~= "table" then
    return expected("table with class and level", value, name)
  end
  return records.check_with("class", value, name, PRIORITY)
end

function limits.problem_of_priority(priority, name)
  if priority.class == "idle" and priority.level then
    return ('%s.level: "idle" has none, got %d'):format(name, priority.level)
  end
  return records.problem(priority, name, PRIORITY)
end

function limits.is_same_priority(a, b)
  if not a or not b then return a == b end
  return records.is_same(a, b, PRIORITY)
end

function limits.plan_priority(priority)
  if not priority then return nil end
  return { class = priority.class, level = priority.level or 4 }
end

function limits.encode_priority(priority, name)
  return records.encode(priority, name, PRIORITY)
end

function limits.decode_priority(value, name)
  if core.json_type(value) ~= "object" then
    return nil, json.wrong_type(value, name, "object")
  end
  return records.decode(value, name, PRIORITY)
end

return limits
