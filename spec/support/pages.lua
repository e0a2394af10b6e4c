--[[
Pages: the Markdown of README.md and docs/, for the specs that hold it
against the code, and the parts of it that are made from the code:

    lua5.4 spec/support/pages.lua      writes those parts anew

Such a part stands between a line `<!-- made: NAME -->` and `<!-- end -->`.
  states   docs/design.md       the state table, as src/core/machine.c has it
  specs    docs/reliability.md  which specs carry which mark `FAULTS n`
  proof    docs/reliability.md  for each line of its catalogue how many tests
                                and mutations it has, and what others do
  gaps     docs/reliability.md  which lines of its catalogue none carries
Whole files are made from docs/reference/*.lua: `reference`, docs/reference.md,
`stub`, lua/pexec/meta.lua, `man_lua`, docs/man/pexec.3lua; and `man_c`,
docs/man/pexec.3, from include/pexec.h.

A mark is a comment of a spec, "FAULTS 7" or "FAULTS 1, 23: why"; it belongs
to the next test below it. Needs a C compiler for the state table, and nothing
of pexec. Runs on the thread that calls it.
]]

local pages = {}

local is_script = arg and arg[0] and arg[0]:find("pages%.lua$")
local root = os.getenv("PEXEC_ROOT") or "."
if is_script then
  local here = arg[0]:match("^(.*/)") or "./"
  root = arg[0]:match("^(.*)/spec/support/") or root
  package.path = here .. "?.lua;" .. package.path
end

local manuals = require "manuals"
local peers = require "peers"
local reference = require "reference"
reference.set_root(root)

local homes = { states = "docs/design.md", specs = "docs/reliability.md",
                gaps = "docs/reliability.md", proof = "docs/reliability.md",
                reference = "docs/reference.md",
                stub = "lua/pexec/meta.lua", man_c = "docs/man/pexec.3",
                man_lua = "docs/man/pexec.3lua" }
local is_whole = { reference = true, stub = true, man_c = true,
                   man_lua = true }

--- The text of a file of the project.
function pages.read(path)
  local file <close> = assert(io.open(root .. "/" .. path))
  return file:read("a")
end

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- The lines that a command prints, run in the project's root.
function pages.lines_of(command)
  local pipe = assert(io.popen("cd " .. quoted(root) .. " && " .. command))
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  assert(pipe:close(), command)
  return lines
end

-- Markdown -------------------------------------------------------------------

--- The code blocks of a page: { language =, text =, line =, output = }, where
-- output is the text of the `output` block that follows, or nil.
function pages.blocks(path)
  local blocks, open, number = {}, nil, 0
  for line in (pages.read(path) .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local language = line:match("^```(.*)$")
    if language and not open then
      open = { language = language, line = number, lines = {} }
    elseif language then
      open.text = table.concat(open.lines, "\n") .. "\n"
      if open.language == "output" then
        blocks[#blocks].output = open.text
      else
        blocks[#blocks + 1] = open
      end
      open = nil
    elseif open then
      table.insert(open.lines, line)
    end
  end
  assert(not open, path .. ": a code block has no end")
  return blocks
end

--- All pages: their paths, from the root.
function pages.paths()
  return pages.lines_of("find . -name '*.md' -not -path './build*' "
                        .. "-not -path './.*' -printf '%P\\n' | sort")
end

-- A page without its code blocks, and what stands between backticks.
local function prose(path)
  local lines, is_code = {}, false
  for line in pages.read(path):gmatch("[^\n]*") do
    if line:find("^```") then is_code = not is_code
    elseif not is_code then lines[#lines + 1] = line end
  end
  return table.concat(lines, "\n")
end

-- "docs/recipes/../guide.md" -> "docs/guide.md"
local function normal(path)
  local count
  repeat path, count = path:gsub("[^/]+/%.%./", "", 1) until count == 0
  return path
end

--- The targets of a page's links that are no addresses: an array of
-- { path =, anchor = }, from the root; anchor: nil where there is none.
function pages.links(path)
  local links = {}
  local text = prose(path):gsub("`[^`]*`", "")
  for target in text:gmatch("%]%(([^)]+)%)") do
    local file, anchor = target:match("^([^#]*)#?(.*)$")
    if not target:find("^%a+:") then
      file = file == "" and path or (path:match("^.*/") or "") .. file
      links[#links + 1] = { path = normal(file), text = target,
                            anchor = anchor ~= "" and anchor or nil }
    end
  end
  return links
end

--- The anchors of a page's headings, as GitHub makes them: a set.
function pages.anchors(path)
  local anchors = {}
  for heading in ("\n" .. prose(path)):gmatch("\n#+ ([^\n]+)") do
    local anchor = heading:lower():gsub("%]%b()", ""):gsub("[^%w _-]", "")
                          :gsub(" ", "-")
    local plain, number = anchor, 0
    while anchors[anchor] do
      number = number + 1
      anchor = plain .. "-" .. number
    end
    anchors[anchor] = true
  end
  return anchors
end

-- The state table ------------------------------------------------------------

local teller = [[
#include <stdio.h>
#include "machine.h"
#define STATE(name, outside, meaning) \
  printf("state\t%s\t%s\t%s\n", #name, pexec_state_name(PEXEC_##outside), \
         meaning);
#define EVENT(name, meaning) printf("event\t%s\t%s\n", #name, meaning);
#define ACTION(name, meaning) printf("action\t%s\t%s\n", #name, meaning);
#define ACTION_NAME(name, meaning) #name,
static const char *const actions[] = { PEXEC__ACTIONS(ACTION_NAME) };
int main (void) {
  PEXEC__PHASES(STATE) PEXEC__EVENTS(EVENT) PEXEC__ACTIONS(ACTION)
  for (int phase = 0; phase < PEXEC__PHASE_COUNT; phase++)
    for (int event = 0; event < PEXEC__EVENT_COUNT; event++) {
      struct pexec__step step = pexec__machine_step(phase, event);
      printf("cell\t%s\t%s\t%s\t%s\n", pexec__phase_name(phase),
             pexec__event_name(event), actions[step.action],
             pexec__phase_name(step.next));
    }
  return 0;
}
]]

-- What machine.c itself says: rows of words, by their first word.
local function machine()
  local program = os.tmpname()
  local source <close> = assert(io.open(program .. ".c", "w"))
  source:write(teller)
  source:close()
  local lines = pages.lines_of(("%s -std=c11 -Iinclude -Isrc/core -o %s %s.c"
    .. " src/core/machine.c && %s"):format(os.getenv("CC") or "cc", program,
                                          program, program))
  os.remove(program .. ".c")
  os.remove(program)
  local rows = { state = {}, event = {}, action = {}, cell = {} }
  for _, line in ipairs(lines) do
    local words = {}
    for word in line:gmatch("[^\t]+") do words[#words + 1] = word end
    table.insert(rows[table.remove(words, 1)], words)
  end
  return rows
end

local function table_of(head, rows)
  local lines = { "| " .. table.concat(head, " | ") .. " |",
                  "|" .. (" --- |"):rep(#head) }
  for _, row in ipairs(rows) do
    lines[#lines + 1] = "| " .. table.concat(row, " | ") .. " |"
  end
  return table.concat(lines, "\n")
end

-- Cells of one state with the same outcome share a row; those that cannot
-- happen have none.
local function outcomes(cells)
  local rows, by_key = {}, {}
  for _, cell in ipairs(cells) do
    local state, event, action, next_state = table.unpack(cell)
    assert(action ~= "HOLE", "machine.c: no cell for " .. state .. event)
    local key = state .. action .. next_state
    if by_key[key] then
      by_key[key][2] = by_key[key][2] .. ", " .. event
    elseif action ~= "NEVER" then
      by_key[key] = { state, event, action, next_state }
      rows[#rows + 1] = by_key[key]
    end
  end
  return rows
end

local function without_hole(actions)
  local rows = {}
  for _, row in ipairs(actions) do
    if row[1] ~= "HOLE" then rows[#rows + 1] = row end
  end
  return rows
end

local makers = {}

function makers.states()
  local rows = machine()
  return table.concat({
    table_of({ "state", "told as", "meaning" }, rows.state),
    table_of({ "event", "meaning" }, rows.event),
    table_of({ "state", "event", "action", "next state" },
             outcomes(rows.cell)),
    table_of({ "action", "meaning" }, without_hole(rows.action)),
  }, "\n\n")
end

-- The marks ------------------------------------------------------------------

-- The numbers of a mark in this line: "FAULTS 1, 23" says two.
local function marked_numbers(line)
  local numbers = {}
  for list in line:gmatch("FAULTS%s+(%d[%d, ]*)") do
    for number in list:gmatch("%d+") do
      numbers[#numbers + 1] = math.tointeger(number)
    end
  end
  return numbers
end

local function test_name(line)
  local class, name = line:match("^%s*function%s+(Test[%w_]*)[.:](test_[%w_]+)")
  if class then return class .. ":" .. name end
  return line:match("^static void (test_[%w_]+) ?%(")
         or line:match("^static void ([%w_]+) %(void %*%*")
end

local function read_marks(path, marks)
  local pending = {}
  for line in pages.read(path):gmatch("[^\n]*") do
    local test = test_name(line)
    if test then
      for _, number in ipairs(pending) do
        marks[#marks + 1] = { number = number, path = path, test = test }
      end
      pending = {}
    elseif line:find("^%s*%-%-") or line:find("^%s*/?%*") then
      table.move(marked_numbers(line), 1, 64, #pending + 1, pending)
    end
  end
  assert(#pending == 0, path .. ": a mark without a test below it")
end

--- All marks: an array of { number =, path =, test = }, in order of files.
function pages.marks()
  local marks = {}
  for _, path in ipairs(pages.lines_of("ls spec/*_spec.lua "
      .. "$(find spec/regress spec/core -name '*_spec.lua' "
      .. "-o -name '*_test.c') | sort")) do
    read_marks(path, marks)
  end
  return marks
end

local function by_number(marks)
  local numbers, found = {}, {}
  for _, mark in ipairs(marks) do
    if not found[mark.number] then
      found[mark.number] = {}
      numbers[#numbers + 1] = mark.number
    end
    table.insert(found[mark.number], mark)
  end
  table.sort(numbers)
  return numbers, found
end

-- TestStop:test_it_is_final reads "Stop: it is final".
local function words_of(test)
  local words = test:gsub("^Test", ""):gsub(":test_", ": ")
  return (words:gsub("^test_", ""):gsub("_", " "))
end

-- One list for each number, a line for each file.
function makers.specs()
  local lines = {}
  local numbers, found = by_number(pages.marks())
  for _, number in ipairs(numbers) do
    lines[#lines + 1] = ("**%d**\n"):format(number)
    local path, seen = nil, {}
    for _, mark in ipairs(found[number]) do
      if mark.path ~= path then
        path = mark.path
        lines[#lines + 1] = ("- `%s`:"):format(path:gsub("^spec/", ""))
      end
      local key = path .. mark.test
      if not seen[key] then
        lines[#lines + 1] = "  - " .. words_of(mark.test)
      end
      seen[key] = true
    end
    lines[#lines + 1] = ""
  end
  return (table.concat(lines, "\n"):gsub("\n$", ""))
end

--- The catalogue: number -> its title; and how many lines it has.
function pages.catalogue()
  local titles, count = {}, 0
  for number, title in pages.read(homes.specs)
      :gmatch("\n(%d+)%. %*%*(.-)%*%*") do
    count = count + 1
    titles[math.tointeger(number)] = title:gsub("\n%s*", " ")
  end
  return titles, count
end

function makers.gaps()
  local titles, count = pages.catalogue()
  local _, found = by_number(pages.marks())
  local lines = {}
  for number = 1, count do
    if not found[number] then
      lines[#lines + 1] = ("- %d: %s"):format(number, titles[number])
    end
  end
  return lines[1] and table.concat(lines, "\n") or "Nothing."
end

--- The mutations, as spec/mutations/list.lua has them.
function pages.mutations()
  return dofile(root .. "/spec/mutations/list.lua")
end

local function count_mutations()
  local list, counts = pages.mutations(), {}
  for _, mutation in ipairs(list) do
    for _, number in ipairs(list.faults_of(mutation)) do
      counts[number] = (counts[number] or 0) + 1
    end
  end
  return counts
end

local function count_tests(marks)
  local seen, count = {}, 0
  for _, mark in ipairs(marks or {}) do
    local key = mark.path .. mark.test
    count, seen[key] = count + (seen[key] and 0 or 1), true
  end
  return count
end

function makers.proof()
  local titles, rows = pages.catalogue(), {}
  local _, found = by_number(pages.marks())
  local mutations = count_mutations()
  for number, title in ipairs(titles) do
    rows[number] = { ("%d. %s"):format(number, title),
                     count_tests(found[number]), mutations[number] or 0,
                     peers[number] or "not documented" }
  end
  return table_of({ "line", "tests", "mutations", "what the best peers do" },
                  rows)
end

makers.reference = reference.markdown
makers.stub = reference.stub
function makers.man_c() return manuals.c(pages) end
function makers.man_lua() return manuals.lua(pages) end

-- Made parts -----------------------------------------------------------------

pages.made = { "states", "specs", "proof", "gaps", "reference", "stub",
               "man_c", "man_lua" }

--- How the part has to read.
function pages.make(name)
  return makers[name]()
end

local function split(name)
  if is_whole[name] then return "", pages.read(homes[name]), "" end
  local text = pages.read(homes[name])
  local head, part, tail = text:match("^(.-<!%-%- made: " .. name
    .. " %-%->\n\n)(.-)(\n\n<!%-%- end %-%->.*)$")
  assert(head, homes[name] .. " has no part " .. name)
  return head, part, tail
end

--- How it reads.
function pages.part(name)
  local _, part = split(name)
  return part
end

local function write(name)
  local head, _, tail = split(name)
  local part = pages.make(name)  -- may read the file that is written next
  local file <close> = assert(io.open(root .. "/" .. homes[name], "w"))
  assert(file:write(head, part, tail))
end

if is_script then
  for _, name in ipairs(pages.made) do write(name) end
end

return pages
