--[[
The mutations: places where the code is broken on purpose, one at a time, and
the spec that fails then. spec/mutations/run tries them; this file owns what
they are, and applies one to a copy of the tree.

    lua5.4 list.lua --list [PATTERN | --faults N | --part NAME]
        one line for each, its fields separated by the byte 31: number,
        faults, file, spec, test, targets, guarantee
    lua5.4 list.lua --apply NUMBER DIRECTORY        changes the file there

A mutation is a table:
  faults     lines of the catalogue of docs/reliability.md: a number, or an
             array; nil: it is about none of them
  guarantee  what the code does no more
  file       from the root
  from, to   text that stands there exactly once, and what takes its place
  spec       a pattern for spec/run --only, which one file matches
  test       a pattern of luaunit's, for some of its tests; nil: all
  targets    what else is to be built, words; nil: nothing
and gets
  part       the name of the file that has it
]]

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."
local list = {}

local PARTS <const> = { "deaths", "stops", "starts", "children", "output",
                        "files", "cgroups", "lua", "managers" }

for _, part in ipairs(PARTS) do
  local path = ("%s/%s.lua"):format(here, part)
  for _, mutation in ipairs(assert(loadfile(path))()) do
    list[#list + 1] = mutation
    mutation.part = part
  end
end

--- The lines of the catalogue that it is about: an array.
function list.faults_of(mutation)
  local faults = mutation.faults or {}
  return type(faults) == "table" and faults or { faults }
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

local function occurrences(text, words)
  local count, at = 0, text:find(words, 1, true)
  while at do
    count, at = count + 1, text:find(words, at + 1, true)
  end
  return count
end

--- The text of its file under this root, broken; or nil and a message.
function list.broken(mutation, root)
  local text = read(root .. "/" .. mutation.file)
  local count = occurrences(text, mutation.from)
  if count ~= 1 then
    return nil, ("%s has this %d times: %s"):format(mutation.file, count,
                                                    mutation.from)
  elseif mutation.to == mutation.from then
    return nil, mutation.file .. ": nothing is changed: " .. mutation.from
  end
  local first, last = text:find(mutation.from, 1, true)
  return text:sub(1, first - 1) .. mutation.to .. text:sub(last + 1)
end

local function apply(number, directory)
  local mutation = assert(list[math.tointeger(number)], "no such number")
  local text, message = list.broken(mutation, directory)
  if not text then
    io.stderr:write(message, "\n")
    os.exit(1)
  end
  local file <close> = assert(io.open(directory .. "/" .. mutation.file, "w"))
  assert(file:write(text))
end

local function has_number(mutation, wanted)
  for _, number in ipairs(list.faults_of(mutation)) do
    if number == wanted then return true end
  end
  return false
end

local function is_wanted(mutation, pattern, value)
  if pattern == "--faults" then
    return has_number(mutation, math.tointeger(value))
  end
  if pattern == "--part" then return mutation.part == value end
  return not pattern or mutation.file:find(pattern) or
         mutation.spec:find(pattern) or mutation.guarantee:find(pattern)
end

local function print_list(pattern, value)
  for i, mutation in ipairs(list) do
    if is_wanted(mutation, pattern, value) then
      print(table.concat({
        i, table.concat(list.faults_of(mutation), ", "), mutation.file,
        mutation.spec, mutation.test or "", mutation.targets or "",
        mutation.guarantee }, "\31"))
    end
  end
end

local commands = { ["--list"] = print_list, ["--apply"] = apply }
local command = arg and arg[0] and arg[0]:find("mutations/list%.lua$") and
                commands[arg[1]]
if command then command(table.unpack(arg, 2)) end

return list
