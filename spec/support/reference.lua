--[[
The reference of the Lua module: reads docs/reference/*.lua, the one place
where each name of the module is told, and makes of it docs/reference.md, for
people, and lua/pexec/meta.lua, for editors (LuaCATS).

    local reference = require "reference"

Words of the C side (errors, states, limits) come from include/pexec.h. Knows
nothing of the live module: spec/reference_spec.lua compares the two. Runs on
the thread that calls it.
]]

local reference = {}

local root = os.getenv "PEXEC_ROOT" or "."

local PARTS <const> = { "module", "process", "config", "values" }

-- Whose behaviour it is.
local SOURCES <const> = { Go = "Go's pexec", systemd = "systemd",
                          POSIX = "POSIX", own = "pexec's own" }

--- Where the project is, where the environment does not say so.
function reference.set_root(path)
  root = path
end

-- {== reading ===============================================================

local function read(path)
  local file <close> = assert(io.open(root .. "/" .. path))
  return file:read "a"
end

--- The words of a list of include/pexec.h: PEXEC_STATES, PEXEC_ERRORS, ...
function reference.words(list)
  local words = {}
  local text = read "include/pexec.h"
      :match("#define " .. list .. "%(X%)(.-)\n\n")
  for name, shown in text:gmatch 'X%(([%u%d_]+),%s*([^,)]+)' do
    words[#words + 1] = shown:match '^"(.*)"$' or name
  end
  assert(#words > 0, list)
  return words
end

local function plain(text)
  return (text:gsub("%s+", " "))
end

local function quoted(words)
  local list = {}
  for i, word in ipairs(words) do list[i] = '"' .. word .. '"' end
  return list
end

-- Splits at a separator that stands in no brackets and no quotes.
local function split(text, separator)
  local parts, depth, start, is_quoted = {}, 0, 1, false
  for i = 1, #text do
    local letter = text:sub(i, i)
    if letter == '"' then is_quoted = not is_quoted end
    if letter:find "[(<{[]" then depth = depth + 1 end
    if letter:find "[)>}%]]" then depth = depth - 1 end
    if letter == separator and depth == 0 and not is_quoted then
      parts[#parts + 1] = text:sub(start, i - 1):match "^%s*(.-)%s*$"
      start = i + 1
    end
  end
  parts[#parts + 1] = text:sub(start):match "^%s*(.-)%s*$"
  return parts
end

-- "T?", "T|nil" -> "T", true
local function optional(kind)
  local rest = kind:match "^(.*)%?$" or kind:match "^(.*)|nil$"
  if not rest then return kind, false end
  return rest:match "^(%b())$" and rest:sub(2, -2) or rest, true
end

local function read_parameter(text)
  local name, kind = text:match "^([%w_.]+%??):%s*(.*)$"
  return { name = name:gsub("%?$", ""), type = kind,
           is_optional = name:find "%?$" ~= nil }
end

local function read_return(text)
  local name, kind = text:match "^([%a_][%w_]*):%s+(.*)$"
  return { name = name, type = kind or text }
end

local function map(list, f)
  local result = {}
  for i, value in ipairs(list) do result[i] = f(value) end
  return result
end

-- "stop(): true, stage: Stage" -> its parts
local function read_signature(text)
  local name, parameters, rest = text:match "^([%w_]+)(%b())(.*)$"
  local inside = parameters:sub(2, -2)
  local returns = rest:match "^:%s*(.*)$"
  return { name = name,
    parameters = inside == "" and {} or map(split(inside, ","),
                                            read_parameter),
    returns = returns and map(split(returns, ","), read_return) or {} }
end

local function read_method(row, class)
  local method = read_signature(plain(row[1]))
  method.text, method.from = plain(row[2]), row.from or class.from
  method.codes = row.codes
  return method
end

local function read_field(row, class)
  local kind, is_optional = optional(plain(row[2]))
  return { name = row[1], type = kind, text = plain(row[3]),
           is_optional = is_optional or row.optional == true,
           default = row.default, from = row.from or class.from }
end

-- Fields that stand elsewhere: in pexec.h, or in Settings.
local function borrowed_fields(entry, classes)
  local fields = {}
  for _, word in ipairs(entry.each_of and reference.words(entry.each_of)
                        or {}) do
    local kind = optional(entry.each_type)
    fields[#fields + 1] = { name = word, type = kind, is_optional = true,
                            text = "", from = entry.from }
  end
  for word in (entry.of_settings or ""):gmatch "%S+" do
    local field = assert(classes.Settings.by_name[word], word)
    fields[#fields + 1] = { name = word, type = field.type, text = "",
                            is_optional = true, from = field.from }
  end
  return fields
end

local function by_name(fields)
  local result = {}
  for _, field in ipairs(fields) do result[field.name] = field end
  return result
end

local function read_entry(entry, classes)
  entry.text = plain(entry.text)
  entry.methods = map(entry.methods or {}, function(row)
    return read_method(row, entry)
  end)
  entry.fields = map(entry.fields or {}, function(row)
    return read_field(row, entry)
  end)
  table.move(borrowed_fields(entry, classes), 1, 100, #entry.fields + 1,
             entry.fields)
  if entry.of then
    entry.type = table.concat(quoted(reference.words(entry.of)), "|")
  end
  entry.by_name = by_name(entry.fields)
  entry.method_by_name = by_name(entry.methods)
  classes[entry.class or entry.alias] = entry
end

--- All entries, an array and by name: { class or alias =, text =, from =,
-- fields = { { name =, type =, is_optional =, default =, text =, from = } },
-- methods = { { name =, parameters =, returns =, codes =, text =, from = } } }
function reference.read()
  local entries, by = {}, {}
  for _, part in ipairs(PARTS) do
    local path = root .. "/docs/reference/" .. part .. ".lua"
    for _, entry in ipairs(assert(loadfile(path, "t", {}))()) do
      entries[#entries + 1] = entry
      read_entry(entry, by)
    end
  end
  return entries, by
end

-- {== for people ============================================================

local function source_of(from)
  return (from:gsub("%a+", function(word)
    return assert(SOURCES[word], word)
  end))
end

local function code(text)
  return "`" .. text:gsub("|", "\\|") .. "`"
end

local function wrap(text, width, first, others)
  local lines, line = {}, first
  local is_empty = true
  for word in text:gmatch "%S+" do
    if not is_empty and utf8.len(line) + 1 + utf8.len(word) > width then
      lines[#lines + 1] = line
      line, is_empty = others, true
    end
    line = line .. (is_empty and "" or " ") .. word
    is_empty = false
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function field_table(fields)
  local lines = { "| field | type | default | meaning | from |",
                  "| --- | --- | --- | --- | --- |" }
  for _, field in ipairs(fields) do
    lines[#lines + 1] = ("| `%s` | %s | %s | %s | %s |"):format(field.name,
      code(field.type), field.default and code(field.default) or "",
      field.text, source_of(field.from))
  end
  return table.concat(lines, "\n")
end

local function shown_parameters(method)
  return table.concat(map(method.parameters, function(parameter)
    return ("%s%s: %s"):format(parameter.name,
                               parameter.is_optional and "?" or "",
                               parameter.type)
  end), ", ")
end

local function shown_returns(method)
  local list = map(method.returns, function(value)
    return value.name and value.name .. ": " .. value.type or value.type
  end)
  return list[1] and " -> " .. table.concat(list, ", ") or ""
end

local function shown_codes(codes)
  return codes and "Fails with "
                   .. codes:gsub("%S+", "`%0`"):gsub(" ", ", ") .. "." or ""
end

local function method_text(class, method)
  local joint = class.is_module and "." or ":"
  return ("### %s%s%s\n\n`%s%s%s(%s)%s`\n\n%s"):format(
    class.receiver, joint, method.name, class.receiver, joint, method.name,
    shown_parameters(method), shown_returns(method),
    wrap(("%s %s From: %s."):format(method.text, shown_codes(method.codes),
                                    source_of(method.from)), 79, "", ""))
end

local function facts_of(entry)
  local facts = {}
  local function add(form, value)
    if value then facts[#facts + 1] = form:format(value) end
  end
  add("Type: `%s`.", entry.alias and entry.type)
  add("Has all fields of `%s`.", entry.parent)
  add("Detail of the event `%s`.", entry.event)
  add("Metamethods: `%s`.", entry.metamethods
      and table.concat(entry.metamethods, "`, `"))
  add("pexec's own: %s.", entry.codes
      and table.concat(map(reference.words "PEXEC_ERRORS", code), ", "))
  add("From: %s.", source_of(entry.from))
  return table.concat(facts, " ")
end

local HEAD <const> = [[
# Reference

Each function, method, field and value of the Lua module: shapes, units,
errors, and whose behaviour it is: that of
[Go's pexec](coming-from.md#gos-pexec), of systemd or POSIX, or pexec's own. The
[guide](guide.md) tells the same in order; [errors.md](errors.md) tells each
code.

Types are written as LuaCATS has them. `name?` may be left out. A function that
"fails with" codes answers nil, a message for people and such a code then, in
place of what it returns. What is no mistake of the world but of the program,
a wrong type or an unknown field, raises.

This page and `lua/pexec/meta.lua`, which tells editors the same, are made from
`docs/reference/*.lua` by `lua5.4 spec/support/pages.lua`, and compared with the
live module by `spec/reference_spec.lua`.]]

local function entry_text(entry)
  local title = entry.is_module and "The module" or entry.class or entry.alias
  local parts = { "## " .. title,
                  wrap(entry.text .. " " .. facts_of(entry), 79, "", "") }
  if entry.fields[1] then parts[#parts + 1] = field_table(entry.fields) end
  for _, method in ipairs(entry.methods) do
    parts[#parts + 1] = method_text(entry, method)
  end
  return table.concat(parts, "\n\n")
end

--- The text of docs/reference.md.
function reference.markdown()
  local parts = { HEAD }
  for _, entry in ipairs((reference.read())) do
    parts[#parts + 1] = entry_text(entry)
  end
  return table.concat(parts, "\n\n") .. "\n"
end

-- {== for editors ===========================================================

-- Ours in a type: "File[]" -> "pexec.File[]"; what is in quotes stays.
local function qualified(kind)
  local parts, is_quoted = {}, false
  for part in (kind .. '"'):gmatch '(.-)"' do
    parts[#parts + 1] = is_quoted and part
                        or part:gsub("%f[%w_]%u%w*", "pexec.%0")
    is_quoted = not is_quoted
  end
  return table.concat(parts, '"')
end

local function comment(text)
  return wrap(text, 80, "--- ", "--- ")
end

local function name_of(entry)
  return entry.is_module and "pexec" or "pexec." .. (entry.class or entry.alias)
end

-- Each choice on a line of its own.
local function alias_stub(entry)
  local lines = { comment(entry.text), "---@alias " .. name_of(entry) }
  for _, choice in ipairs(split(entry.type, "|")) do
    if entry.type:find "^fun" then choice = entry.type end
    lines[#lines + 1] = "---| " .. qualified(choice)
    if choice == entry.type then break end
  end
  if entry.codes then
    for _, word in ipairs(quoted(reference.words "PEXEC_ERRORS")) do
      lines[#lines + 1] = "---| " .. word
    end
  end
  return table.concat(lines, "\n")
end

local function field_stub(field)
  local text = field.text
  if field.default then
    text = ("%s Default: `%s`."):format(text, field.default)
  end
  local annotation = ("---@field %s%s %s"):format(field.name,
      field.is_optional and "?" or "", qualified(field.type))
  if text == "" then return annotation end
  return comment(text) .. "\n" .. annotation
end

-- Where it can fail, a message and a code may stand in the second and the
-- third place.
local function return_stubs(method)
  local lines = {}
  local count = #method.returns
  if method.codes then count = math.max(count, 3) end
  local failure = { nil, "string", "Code" }
  for i = 1, count do
    local value = method.returns[i] or {}
    local kind, is_optional = optional(value.type or failure[i])
    local name = value.name or ({ nil, "message", "code" })[i]
    is_optional = is_optional or method.codes ~= nil or not value.type
    if method.codes and value.type and failure[i] and kind ~= failure[i] then
      kind = kind .. "|" .. failure[i]
    end
    if is_optional and kind ~= "any" then
      kind = kind:find "|" and kind .. "|nil" or kind .. "?"
    end
    lines[i] = ("---@return %s%s"):format(qualified(kind),
                                          name and " " .. name or "")
  end
  return lines
end

local function method_stub(class, method)
  local receiver = class.is_module and "pexec" or class.class
  local lines = { comment(("%s %s From: %s."):format(method.text,
      shown_codes(method.codes), source_of(method.from))) }
  for _, parameter in ipairs(method.parameters) do
    lines[#lines + 1] = ("---@param %s%s %s"):format(parameter.name,
      parameter.is_optional and "?" or "", qualified(parameter.type))
  end
  table.move(return_stubs(method), 1, 10, #lines + 1, lines)
  lines[#lines + 1] = ("function %s%s%s(%s) end"):format(receiver,
    class.is_module and "." or ":", method.name,
    table.concat(map(method.parameters, function(parameter)
      return parameter.name
    end), ", "))
  return table.concat(lines, "\n")
end

local function class_stub(entry)
  local lines = { comment(entry.text),
                  "---@class " .. name_of(entry)
                  .. (entry.parent and ": pexec." .. entry.parent or "") }
  for _, field in ipairs(entry.fields) do
    lines[#lines + 1] = field_stub(field)
  end
  if entry.methods[1] then
    lines[#lines + 1] = ("local %s = {}"):format(
      entry.is_module and "pexec" or entry.class)
  end
  for _, method in ipairs(entry.methods) do
    lines[#lines + 1] = "\n" .. method_stub(entry, method)
  end
  return table.concat(lines, "\n")
end

local STUB <const> = [[
---@meta pexec
-- What the module has, for editors that read LuaCATS annotations; no code.
-- Made from docs/reference/*.lua by spec/support/pages.lua: not to be edited.

error("pexec.meta is for editors only: require \"pexec\"", 0)]]

--- The text of lua/pexec/meta.lua.
function reference.stub()
  local parts = { STUB }
  for _, entry in ipairs((reference.read())) do
    parts[#parts + 1] = entry.alias and alias_stub(entry) or class_stub(entry)
  end
  return table.concat(parts, "\n\n") .. "\n\nreturn pexec\n"
end

return reference
