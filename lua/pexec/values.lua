-- Values as people give them: owns their checks, and how messages show them.
-- A check gets a value and the name it goes by, and returns the value as it
-- is to be stored, or nil and a message that begins with that name. Nothing
-- here raises, but for what a metamethod of the caller's raises. Runs on the
-- thread that calls into Lua.

local core = require "pexec.core"

local values = {}

-- {== in messages ===========================================================

local function escape(byte)
  if byte == '"' or byte == "\\" then return "\\" .. byte end
  return ("\\x%02x"):format(byte:byte())
end

-- A string in quotes, on one line whatever is in it.
function values.quote(text)
  local hidden = utf8.len(text) and '[\0-\31\127"\\]'
                                 or '[\0-\31\127-\255"\\]'
  return '"' .. text:gsub(hidden, escape) .. '"'
end

local LONGEST <const> = 60

-- Any value, in short.
function values.show(value)
  local kind = type(value)
  if kind == "string" and #value > LONGEST then
    local start = value:sub(1, LONGEST):gsub("[\xC0-\xFF][\x80-\xBF]*$", "")
    return values.quote(start) .. "..."
  end
  if kind == "string" then return values.quote(value) end
  if value ~= value then return "nan" end
  if kind == "number" or kind == "boolean" then return tostring(value) end
  return kind == "nil" and kind or "a " .. kind
end

local show <const> = values.show

-- {== suggestions ===========================================================

-- Do the letters before 'i' in 'a' and 'j' in 'b' stand the other way round?
local function is_swapped(a, i, b, j)
  return i > 1 and j > 1 and a:byte(i) == b:byte(j - 1)
         and a:byte(i - 1) == b:byte(j)
end

-- How many letters to insert, drop, replace or swap with the next to get
-- from one to the other. rows[i][j]: for the first i and j letters of each.
local function distance(a, b)
  local rows = { [0] = {} }
  for j = 0, #b do rows[0][j] = j end
  for i = 1, #a do
    local row, above = { [0] = i }, rows[i - 1]
    for j = 1, #b do
      local replaced = above[j - 1] + (a:byte(i) == b:byte(j) and 0 or 1)
      row[j] = math.min(replaced, above[j] + 1, row[j - 1] + 1)
      if is_swapped(a, i, b, j) then
        row[j] = math.min(row[j], rows[i - 2][j - 2] + 1)
      end
    end
    rows[i] = row
  end
  return rows[#a][#b]
end

-- stopTimeout, Stop-Timeout and stop_timeout are one name, spelt differently.
local function plain(name)
  return (name:lower():gsub("[_%s-]", ""))
end

-- How far 'name' is from the known name; nil where it is no likely misspelling.
local function likeness(name, known)
  local a, b = plain(name), plain(known)
  local edits = distance(a, b)
  if edits <= math.max(1, #a // 3) then return edits end
  if #a >= 3 and b:find(a, 1, true) then return edits end
end

-- The nearest of an array of known names, or nil where none is near.
function values.nearest(name, known)
  local best, least
  if type(name) ~= "string" or #name > LONGEST then return nil end
  for _, candidate in ipairs(known) do
    local edits = likeness(name, candidate)
    if edits and (not least or edits < least) then
      best, least = candidate, edits
    end
  end
  return best
end

-- 'text' and, where there is one, the name that was probably meant.
function values.suggest(text, name, known)
  local nearest = values.nearest(name, known)
  if not nearest then return text end
  return ("%s (did you mean %s?)"):format(text, values.quote(nearest))
end

function values.unknown_field(name, known)
  return values.suggest("unknown field " .. show(name), name, known)
end

-- Of the keys that are not known always the same one, whatever their order;
-- nil: there is none.
function values.stranger(source, known)
  local worst
  for key in pairs(source) do
    local is_worse = worst == nil or show(key) < show(worst)
    if not known[key] and is_worse then worst = key end
  end
  return worst
end

-- {== checks: strings and flags =============================================

local function got(value)
  local kind = type(value)
  if kind == "number" or kind == "string" or kind == "boolean" then
    return ("got %s %s"):format(kind, show(value))
  end
  return "got " .. kind
end

function values.expected(what, value, name)
  return nil, ("%s: %s expected, %s"):format(name, what, got(value))
end

local expected <const> = values.expected

-- nil: 'value' is a string that C can take.
local function wrong_text(value)
  if type(value) ~= "string" then return "string expected, " .. got(value) end
  if value:find("\0", 1, true) then return "NUL byte in " .. show(value) end
end

function values.text(value, name)
  local problem = wrong_text(value)
  if problem then return nil, ("%s: %s"):format(name, problem) end
  return value
end

function values.boolean(value, name)
  if type(value) == "boolean" then return value end
  return expected("boolean", value, name)
end

-- A check for one of these words, of which there are two or more.
function values.one_of(words)
  local known, shown = {}, {}
  for i, word in ipairs(words) do
    known[word], shown[i] = true, values.quote(word)
  end
  local last = table.remove(shown)
  local what = table.concat(shown, ", ") .. " or " .. last
  return function(value, name)
    if known[value] then return value end
    return expected(what, value, name)
  end
end

-- {== checks: numbers =======================================================

function values.integer(value, name)
  local integer = type(value) == "number" and math.tointeger(value)
  if integer then return integer end
  return expected("integer", value, name)
end

-- No check, but what validate asks: what is wrong with a number, in words;
-- nil: nothing.
function values.between(least, most)
  return function(value, name)
    if value >= least and value <= most then return nil end
    return ("%s should be between %d and %d, got %d")
           :format(name, least, most, value)
  end
end

-- {== checks: permissions ===================================================

local MOST_PERMISSIONS <const> = 511  -- 0777

local function permissions_of_number(value, name, example)
  local bits = math.tointeger(value)
  if not bits or bits < 0 then return nil end
  if bits <= MOST_PERMISSIONS then return ("%04o"):format(bits) end
  local meant = tostring(bits):match("^[0-7][0-7][0-7]$") or example
  return nil, ('%s: %d is above 511, which is 0777: Lua has no octal numbers,'
               .. ' write "0%s"'):format(name, bits, meant)
end

-- Four octal digits. 'what' and three digits as an example are for messages.
function values.permissions(value, name, what, example)
  local digits, message
  if type(value) == "number" then
    digits, message = permissions_of_number(value, name, example)
  elseif type(value) == "string" and value:find("^[0-7]?[0-7][0-7][0-7]$") then
    digits = ("%04o"):format(tonumber(value, 8))
  end
  if digits or message then return digits, message end
  if type(value) == "number" then return values.expected(what, value, name) end
  return values.expected(('%s such as "0%s"'):format(what, example), value,
                         name)
end

-- {== checks: durations and signals =========================================

local function number_or_string(value)
  return type(value) == "number" or type(value) == "string"
end

-- Seconds, as text can carry them; an integer where they are whole.
function values.duration(value, name)
  if not number_or_string(value) then
    return expected("duration (number or string)", value, name)
  end
  local seconds, reason = core.duration_parse(value)
  if seconds then return seconds end
  return nil, ("%s: %s %s"):format(name, reason, show(value))
end

local function signal_names()
  local names = {}
  for signo = 1, 64 do
    local name = core.signal_name(signo)
    if name then
      names[#names + 1] = name
      names[#names + 1] = name:sub(4)
    end
  end
  return names
end

-- Its number.
function values.signal(value, name)
  if not number_or_string(value) then
    return expected("signal (name or number)", value, name)
  end
  local signo, reason = core.signal_parse(value)
  if signo then return signo end
  local text = ("%s: %s %s"):format(name, reason, show(value))
  return nil, values.suggest(text, value, signal_names())
end

-- {== checks: tables ========================================================

-- What is wrong with the keys of an array of 'count' elements, of which each
-- is to be a 'what'; nil: nothing.
function values.wrong_index(array, count, name, what)
  for key in pairs(array) do
    if math.type(key) ~= "integer" or key < 1 then
      return ("%s[%s]: not an index of an array"):format(name, show(key))
    end
    if key > count then
      return ("%s[%d]: %s expected, got nil"):format(name, count + 1, what)
    end
  end
end

-- An array of strings, without holes. The table itself is the result.
function values.strings(value, name)
  local count = 0
  if type(value) ~= "table" then
    return expected("array of strings", value, name)
  end
  while value[count + 1] ~= nil do
    count = count + 1
    local problem = wrong_text(value[count])
    if problem then
      return nil, ("%s[%d]: %s"):format(name, count, problem)
    end
  end
  local message = values.wrong_index(value, count, name, "string")
  if message then return nil, message end
  return value
end

-- nil: 'key' can name an environment variable.
local function wrong_name(key)
  if type(key) ~= "string" then return "name expected, " .. got(key) end
  if key == "" then return "empty name" end
  if key:find("=", 1, true) then return '"=" in a name' end
  if key:find("\0", 1, true) then return "NUL byte in a name" end
end

-- Environment variables: names to strings. The table itself is the result.
function values.environment(value, name)
  if type(value) ~= "table" then
    return expected("table of strings", value, name)
  end
  for key, text in pairs(value) do
    local problem = wrong_name(key) or wrong_text(text)
    if problem then
      return nil, ("%s[%s]: %s"):format(name, show(key), problem)
    end
  end
  return value
end

-- As C takes them. What a function gives is not known yet.
function values.assignments(environment)
  local list = {}
  if values.is_callable(environment) then return list end
  for name, text in pairs(environment) do
    list[#list + 1] = name .. "=" .. text
  end
  return list
end

-- {== checks: functions and objects =========================================

function values.is_callable(value)
  if type(value) == "function" then return true end
  local metatable = getmetatable(value)
  return type(metatable) == "table" and metatable.__call ~= nil
end

local function is_object(value)
  return type(value) == "table" or type(value) == "userdata"
end

-- pcall, but a memory error says nothing of the caller's value and passes.
function values.try(f, ...)
  local ok, result = pcall(f, ...)
  if not ok and result == "not enough memory" then error(result, 0) end
  return ok, result
end

local function index(object, key)
  return object[key]
end

-- An object that refuses to be indexed has no methods.
local function has_method(object, method)
  local ok, found = values.try(index, object, method)
  return ok and values.is_callable(found)
end

function values.handler(value, name)
  if values.is_callable(value) then return value end
  return expected("function", value, name)
end

-- Environment variables, or what can be called to give them.
function values.environment_or_handler(value, name)
  if values.is_callable(value) then return value end
  if type(value) == "table" then return values.environment(value, name) end
  return expected("table of strings or function", value, name)
end

-- A signal's number, or what can be called.
function values.signal_or_handler(value, name)
  if values.is_callable(value) then return value end
  if number_or_string(value) then return values.signal(value, name) end
  return expected("signal (name or number) or function", value, name)
end

-- The name of a signal's number; anything else as it is.
function values.signal_name(value)
  return type(value) == "number" and core.signal_name(value) or value
end

function values.writer(value, name)
  if type(value) == "function" then return value end
  if is_object(value) and has_method(value, "write") then return value end
  return expected("function or object with a write method", value, name)
end

function values.logger(value, name)
  if not is_object(value) then
    return expected("logger (object with debug, info, warn and error)",
                    value, name)
  end
  for _, method in ipairs{ "debug", "info", "warn", "error" } do
    if not has_method(value, method) then
      return nil, ('%s: logger expected, got %s without method "%s"')
                  :format(name, type(value), method)
    end
  end
  return value
end

return values
