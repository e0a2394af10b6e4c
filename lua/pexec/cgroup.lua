-- What the field cgroup of a ProcessConfig may be: a table of a path and of
-- what its controllers are told. Owns its JSON, and how two of them compare.
-- Nothing here raises, but for what a metamethod of the caller's raises. Runs
-- on the thread that calls into Lua.

local core = require "pexec.core"
local json = require "pexec.json"
local records = require "pexec.records"
local values = require "pexec.values"

local cgroup = {}

local expected <const> = values.expected
local show <const> = values.show

local LONGEST <const> = 4095   -- PATH_MAX, less its NUL
local LONGEST_NAME <const> = 255

-- {== checks ================================================================

-- A check for an integer or "max".
local function most_of(what)
  what = ('%s (integer, or "max")'):format(what)
  return function(value, name)
    if value == "max" then return value end
    local integer = type(value) == "number" and math.tointeger(value)
    if integer then return integer end
    return expected(what, value, name)
  end
end

-- What is wrong with one name of a path; nil: nothing.
local function wrong_name(part)
  if part == "" then return "has an empty name in it" end
  if part == "." or part == ".." then
    return ('has "%s" in it'):format(part)
  end
  if #part > LONGEST_NAME then return "has a name over 255 bytes in it" end
end

local function wrong_path(path)
  if path == "" then return "is empty" end
  if path == "/" then return "is the root of the hierarchy" end
  if #path > LONGEST then return "is longer than 4095 bytes" end
  for part in (path:gsub("^/", "") .. "/"):gmatch "([^/]*)/" do
    local problem = wrong_name(part)
    if problem then return problem end
  end
end

local function problem_of_path(path, name)
  local problem = wrong_path(path)
  return problem and ("%s: %s %s"):format(name, show(path), problem)
end

local function at_least(least)
  return function(value, name)
    if value == "max" or value >= least then return nil end
    return ("%s should not be less than %d, got %d"):format(name, least, value)
  end
end

local FIELDS <const> = {
  { name = "path", check = values.text, json = "string",
    may_be_empty = true, problem = problem_of_path },
  { name = "memory_max", check = most_of "bytes", json = "any",
    problem = at_least(0) },
  { name = "pids_max", check = most_of "number of processes", json = "any",
    problem = at_least(1) },
  { name = "cpu_weight", check = values.integer, json = "number",
    problem = values.between(1, 10000) }
}

function cgroup.check(value, name)
  if type(value) ~= "table" then
    return expected("table with path", value, name)
  end
  return records.check_with("path", value, name, FIELDS)
end

function cgroup.problem(stored, name)
  return records.problem(stored, name, FIELDS)
end

-- {== what is stored ========================================================

cgroup.copy = records.copy

function cgroup.is_same(a, b)
  if not a or not b then return a == b end
  return records.is_same(a, b, FIELDS)
end

-- {== JSON ==================================================================

function cgroup.encode(stored, name)
  return records.encode(stored, name, FIELDS)
end

-- Of these two a number or "max" is left to the check.
local function add_most(result, object, key)
  local value = json.member(object, key)
  if value ~= nil and value ~= core.null then result[key] = value end
end

local PLAIN <const> = { FIELDS[1], FIELDS[4] }

function cgroup.decode(value, name)
  if core.json_type(value) ~= "object" then
    return nil, json.wrong_type(value, name, "object")
  end
  local result, message = records.decode(value, name, PLAIN)
  if not result then return nil, message end
  add_most(result, value, "memory_max")
  add_most(result, value, "pids_max")
  return result
end

return cgroup
