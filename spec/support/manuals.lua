--[[
The man pages, made from what tells the same elsewhere: docs/man/pexec.3 from
include/pexec.h, docs/man/pexec.3lua from docs/reference/*.lua (mdoc, for
mandoc and groff). Causes of errors come from docs/errors.md, examples from
README.md.

    local manuals = require "manuals"

`pages` is the module pages.lua, which has these made. Runs on the thread that
calls it.
]]

local reference = require "reference"

local manuals = {}

local DATE <const> = "November 27, 2026"

-- {== mdoc ==================================================================

local function line_of(text)
  text = text:gsub("\\", "\\e"):gsub("^[.']", "\\&%0")
  return text
end

local function plain(text)
  return (text:gsub("%[([^%]]*)%]%b()", "%1"):gsub("[`*]", ""))
end

-- At most 80 bytes each.
local function add_lines(lines, sentence)
  local line = ""
  for word in sentence:gmatch "%S+" do
    if line ~= "" and #line + 1 + #word > 78 then
      lines[#lines + 1] = line_of(line)
      line = ""
    end
    line = line == "" and word or line .. " " .. word
  end
  lines[#lines + 1] = line_of(line)
end

-- Each sentence begins on a new line, as mandoc wants it.
local function prose(text)
  local lines = {}
  text = plain(text):gsub("%s+", " ")
  for sentence in (text .. "\0"):gsub("([.!?][)\"']*) ", "%1\0")
                                :gmatch "%s*([^%z]+)%z" do
    add_lines(lines, sentence)
  end
  return table.concat(lines, "\n")
end

-- An argument of a macro.
local function word(text)
  return '"' .. text:gsub("\\", "\\e"):gsub('"', '""') .. '"'
end

local function literal(text)
  local lines = {}
  for line in text:gmatch "([^\n]*)\n" do lines[#lines + 1] = line_of(line) end
  return ".Bd -literal -offset indent\n" .. table.concat(lines, "\n")
         .. "\n.Ed"
end

local function list(items)
  return ".Bl -tag -width Ds\n" .. table.concat(items, "\n") .. "\n.El"
end

local function head(about)
  return ([[
.\" Made by spec/support/pages.lua: not to be edited.
.Dd %s
.Dt PEXEC 3
.Os
.Sh NAME
.Nm pexec
.Nd %s]]):format(DATE, about)
end

-- pexec's own codes, by rows of "CODE", "what it says".
local function errors(rows, prefix)
  local items = {}
  for name, text in rows do
    items[#items + 1] = (".It Er %s%s\n%s"):format(prefix, name, prose(text))
  end
  return ".Sh ERRORS\nOf pexec's own there are these; all others are the "
         .. "system's.\n" .. list(items)
end

local function example(pages, language)
  for _, block in ipairs(pages.blocks "README.md") do
    if block.language == language then
      return ".Sh EXAMPLES\n" .. literal(block.text)
    end
  end
end

-- {== pexec(3) ==============================================================

local function uncomment(text)
  return (text:gsub("\n%*%* ?", "\n"):gsub("%s+", " "))
end

-- "MODEL. A *supervisor* owns..." -> a subsection
local function introduction(header)
  local parts = {}
  local comment = header:match "^/%*\n(.-)\n%*/"
  for paragraph in (comment .. "\n**\n"):gmatch "(.-)\n%*%*\n" do
    local text = uncomment("\n" .. paragraph)
    local title, rest = text:match "^%s*(%u[%u ]+)%.%s(.*)$"
    if title then
      parts[#parts + 1] = ".Ss " .. title:sub(1, 1) .. title:sub(2):lower()
                          .. "\n" .. prose(rest)
    end
  end
  return table.concat(parts, "\n")
end

-- "int pexec_x (int a, char *b)" -> its type, name and arguments
local function read_prototype(text)
  local kind, name, arguments =
      text:gsub("%s+", " "):match "^(.-)([%w_]+) (%b())$"
  local list_of = {}
  for argument in arguments:sub(2, -2):gmatch "[^,]+" do
    list_of[#list_of + 1] = argument:match "^%s*(.-)%s*$"
  end
  return { type = kind:match "^(.-)%s*$", name = name, arguments = list_of }
end

--- The functions of include/pexec.h: { type =, name =, arguments =, comment =,
-- section =, is_alone = }; without a comment it shares that of the one before,
-- unless it stands alone.
function manuals.functions(pages)
  local functions, section = {}, nil
  local header = pages.read "include/pexec.h"
  local position = 1
  local comment
  while position do
    local first, last, found = header:find("\n(/%*.-%*/)", position)
    local start, stop, prototype =
        header:find("\nPEXEC_API ([^;]-);", position)
    if first and (not start or first < start) then
      local title = found:match "{== (.-) =+"
      section = title or section
      comment = not title and found:sub(3, -3):gsub("\n%s+", "\n") or nil
      position = last
    elseif start then
      local read = read_prototype(prototype)
      local between = header:sub(position, start)
      read.is_alone = between:find "\n\n$" ~= nil
      if between:find "#define" or between:find "typedef" then comment = nil end
      read.comment, read.section = comment, section
      functions[#functions + 1] = read
      comment, position = nil, stop
    else
      position = nil
    end
  end
  return functions
end

local function synopsis(functions)
  local lines = { ".Sh SYNOPSIS", ".In pexec.h" }
  for _, f in ipairs(functions) do
    lines[#lines + 1] = ".Ft " .. word(f.type)
    lines[#lines + 1] = ".Fn " .. f.name
    for _, argument in ipairs(f.arguments) do
      lines[#lines] = lines[#lines] .. " " .. word(argument)
    end
  end
  return table.concat(lines, "\n")
end

-- Those that share a comment are one item.
local function function_items(functions)
  local parts, items, section = {}, {}, nil
  local function close()
    if items[1] then parts[#parts + 1] = list(items) end
    items = {}
  end
  for _, f in ipairs(functions) do
    if f.section ~= section then
      close()
      section = f.section
      parts[#parts + 1] = ".Ss " .. section:sub(1, 1):upper() .. section:sub(2)
    end
    if not f.comment and not f.is_alone then
      items[#items] = items[#items]:gsub("^[^\n]*", "%0 , Fn " .. f.name)
    else
      items[#items + 1] = ".It Fn " .. f.name .. "\n" .. prose(f.comment
          or f.name:find "_name$" and "Its name, for people."
          or "As the configuration has it.")
    end
  end
  close()
  return table.concat(parts, "\n")
end

--- The text of docs/man/pexec.3.
function manuals.c(pages)
  local functions = manuals.functions(pages)
  local header = pages.read "include/pexec.h"
  return table.concat({
    head "start, keep up, read and stop processes",
    ".Sh LIBRARY\n.Li libpexec , -lpexec", synopsis(functions),
    ".Sh DESCRIPTION\nThe structures and constants are told in "
    .. "<pexec.h>.", introduction(header),
    function_items(functions),
    ".Sh RETURN VALUES\nA function that can fail returns 0, or a negative "
    .. "number: the system's\n.Va errno\nnegated, or one of pexec's own.",
    example(pages, "c"),
    errors(header:gmatch 'X%(([%u_]+), %-%d+, "([^"]+)"%)', "PEXEC_E"),
    ".Sh SEE ALSO\n.Xr pexec 3lua" }, "\n") .. "\n"
end

-- {== pexec(3lua) ===========================================================

local function method_item(class, method)
  local joint = class.is_module and "." or ":"
  local words = { ".It Fn " .. class.receiver .. joint .. method.name }
  for _, parameter in ipairs(method.parameters) do
    words[#words + 1] = word(parameter.name)
  end
  local text = method.text
  if method.codes then
    text = text .. " Fails with " .. method.codes:gsub(" ", ", ") .. "."
  end
  return table.concat(words, " ") .. "\n" .. prose(text)
end

local function field_item(field)
  local text = field.text
  if field.default then
    text = ("%s Default: %s."):format(text, field.default)
  end
  return (".It Va %s Pq Vt %s\n%s"):format(field.name, word(field.type),
      text == "" and "See above." or prose(text))
end

local function entry_part(entry)
  local title = entry.is_module and "The module" or entry.class or entry.alias
  local parts, items = { ".Ss " .. title, prose(entry.text) }, {}
  for _, field in ipairs(entry.fields) do
    items[#items + 1] = field_item(field)
  end
  for _, method in ipairs(entry.methods) do
    items[#items + 1] = method_item(entry, method)
  end
  if entry.alias and not entry.of and entry.type:find "^fun" then
    parts[#parts + 1] = ".Pp\n.Vt " .. word(entry.type)
  end
  if items[1] then parts[#parts + 1] = list(items) end
  return table.concat(parts, "\n")
end

--- The text of docs/man/pexec.3lua.
function manuals.lua(pages)
  local parts = {
    head "processes that Lua starts, keeps up and stops",
    '.Sh SYNOPSIS\n.Ic local pexec = require Qq pexec',
    ".Sh DESCRIPTION\n" .. prose [[Mistakes in a program, a wrong type or an
      unknown field, raise. Where the world says no, a function that
      "fails with" codes answers nil, a message and such a code.]] }
  for _, entry in ipairs((reference.read())) do
    parts[#parts + 1] = entry_part(entry)
  end
  parts[#parts + 1] = example(pages, "lua")
  parts[#parts + 1] = errors(pages.read "docs/errors.md"
      :match("\n## pexec's own\n(.-)\n## ")
      :gmatch "\n| `([A-Z_]+)` | ([^|]*) |", "")
  parts[#parts + 1] = ".Sh SEE ALSO\nThe C interface:\n.Ic man 3 pexec ."
  return table.concat(parts, "\n") .. "\n"
end

return manuals
