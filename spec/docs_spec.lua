-- docs/ says what the code does: the state table, the errors, the files, the
-- catalogue of faults and their specs, fields and methods. And the headers
-- that are installed compile alone.

local lu = require "luaunit"
local pages = require "pages"
local pexec = require "pexec"
local spec = require "spec"

TestMadeParts = {}

-- The first line in which two texts differ.
local function difference(found, made)
  local old, new = spec.lines(found), spec.lines(made)
  local line = 1
  while old[line] == new[line] do line = line + 1 end
  return ("has %q in place of %q: run `lua5.4 spec/support/pages.lua`")
         :format(old[line] or "its end", new[line] or "its end")
end

for _, name in ipairs(pages.made) do
  TestMadeParts["test_the_part_" .. name .. "_is_up_to_date"] = function()
    local made, found = pages.make(name), pages.part(name)
    lu.assertTrue(made == found, made ~= found and difference(found, made))
  end
end

TestCatalogue = {}

function TestCatalogue:test_it_is_numbered_from_1_to_39()
  local titles, count = pages.catalogue()
  lu.assertEquals(count, 39)
  lu.assertEquals(#titles, 39)
end

function TestCatalogue:test_marks_name_lines_that_there_are()
  local titles = pages.catalogue()
  local marks = pages.marks()
  lu.assertTrue(#marks > 50, "only " .. #marks .. " marks were found")
  for _, mark in ipairs(marks) do
    lu.assertNotNil(titles[mark.number], mark.path .. ": " .. mark.number)
  end
end

function TestCatalogue:test_each_line_has_a_spec()
  local titles, bare = pages.catalogue(), {}
  for _, mark in ipairs(pages.marks()) do titles[mark.number] = nil end
  for number, title in pairs(titles) do
    bare[#bare + 1] = number .. ": " .. title
  end
  table.sort(bare)
  lu.assertEquals(bare, {})
end

-- What stands in `...` in the first column of a text's tables: word -> true.
local function first_column(text)
  local words = {}
  for row in text:gmatch "\n| (`[^|]*) |" do
    for word in row:gmatch "`([^`]+)`" do words[word] = true end
  end
  return words
end

TestErrors = {}

local function told_codes()
  return first_column(pages.read "docs/errors.md")
end

local function own_codes()
  local codes = {}
  local list = pages.read "include/pexec.h"
      :match "#define PEXEC_ERRORS%(X%)(.-)\n\n"
  for code in list:gmatch "X%(([A-Z_]+)," do codes[#codes + 1] = code end
  return codes
end

function TestErrors:test_each_code_of_pexecs_is_told()
  local codes, told = own_codes(), told_codes()
  lu.assertTrue(#codes >= 13)
  for _, code in ipairs(codes) do lu.assertTrue(told[code], code) end
end

function TestErrors:test_no_code_is_told_that_there_is_not()
  local known = {}
  for _, code in ipairs(own_codes()) do known[code] = true end
  for code in pages.read "src/core/error.c":gmatch "X%((E[A-Z0-9]+)," do
    known[code] = true
  end
  for code in pairs(told_codes()) do lu.assertTrue(known[code], code) end
end

-- What the core says to itself, or tells in other words.
local INNER <const> = { ECANCELED = true, EDOM = true, EEXIST = true,
                        ENODATA = true, ENXIO = true, ESPIPE = true,
                        ESRCH = true, ESTALE = true }

function TestErrors:test_each_code_of_the_systems_that_the_code_names_is_told()
  local told, count = told_codes(), 0
  for _, word in ipairs(pages.lines_of(
      "grep -rhoE -e '-E[A-Z0-9]{3,}' src include | sort -u")) do
    local code = word:sub(2)
    count = count + 1
    lu.assertTrue(told[code] or INNER[code], code)
  end
  lu.assertTrue(count > 20)
end

TestDesign = {}

-- Base names of files in the table of files.
local function told_files()
  local files = {}
  local part = pages.read "docs/design.md":match "\n## Files\n(.-)\n## "
  for path in pairs(first_column(part)) do files[path:match "[^/]+$"] = true end
  return files
end

local function real_files()
  local files = {}
  for _, path in ipairs(pages.lines_of
      "ls src/core/*.c src/binding/*.c src/embedded/*.c lua/pexec/*.lua") do
    files[path:match "[^/]+$"] = true
  end
  return files
end

function TestDesign:test_its_table_names_all_files_and_no_others()
  lu.assertEquals(told_files(), real_files())
end

TestGuide = {}

local guide = pages.read "docs/guide.md"

local function assert_told(name, form)
  local words = form:format(name)
  lu.assertTrue(guide:find(words, 1, true) ~= nil, "not told: " .. words)
end

function TestGuide:test_its_table_has_each_field_of_a_configuration()
  local fields, told = 0, first_column(guide)
  local list = pages.read "lua/pexec/config.lua":match "local FIELDS = (%b{})"
  for name in list:gmatch '{ name = "([%w_]+)"' do
    fields = fields + 1
    lu.assertTrue(told[name], name)
  end
  lu.assertEquals(fields, 47)
end

local function public_names(class)
  local names = {}
  for name, value in pairs(class) do
    if type(value) == "function" then names[#names + 1] = name end
  end
  lu.assertTrue(#names > 5)
  return names
end

local function index_of(object)
  return debug.getmetatable(object).__index
end

function TestGuide:test_it_names_each_method_of_a_process()
  local process = pexec.new_managed_process{ id = "a", name = "true" }
  for _, name in ipairs(public_names(index_of(process))) do
    assert_told(name, "`p:%s(")
  end
end

function TestGuide:test_it_names_each_method_of_a_manager()
  for _, name in ipairs(public_names(index_of(pexec.new_process_manager()))) do
    assert_told(name, "`pm:%s(")
  end
end

function TestGuide:test_it_names_each_function_of_the_module()
  for _, name in ipairs(public_names(pexec)) do
    assert_told(name, "`pexec.%s(")
  end
  assert_told("noop_process_manager", "`pexec.%s`")
  assert_told("null_logger", "`pexec.%s`")
end

TestChangelog = {}

local KINDS <const> = { Added = true, Changed = true, Deprecated = true,
                        Removed = true, Fixed = true, Security = true }

-- As Keep a Changelog has it.
function TestChangelog:test_its_headings_have_their_form()
  local text = pages.read "CHANGELOG.md"
  local versions, kinds = 0, 0
  for heading in text:gmatch "\n## ([^\n]+)" do
    versions = versions + 1
    lu.assertTrue(heading == "[Unreleased]" or heading:find
                  "^%[%d+%.%d+%.%d+%] %- %d%d%d%d%-%d%d%-%d%d$" ~= nil,
                  heading)
  end
  for heading in text:gmatch "\n### ([^\n]+)" do
    kinds = kinds + 1
    lu.assertTrue(KINDS[heading], heading)
  end
  lu.assertTrue(versions >= 1 and kinds >= 1)
end

TestHeaders = {}

-- A definition from each macro of this header that initialises something: C++
-- wants to be told of each member.
local function initialised(header)
  local lines = {}
  for name in pages.read("include/" .. header)
      :gmatch "#define PEXEC_([A-Z_]+)_INIT" do
    lines[#lines + 1] = ("pexec_%s a_%s = PEXEC_%s_INIT;\n")
                        :format(name:lower(), name:lower(), name)
  end
  return table.concat(lines)
end

-- Compiles a text that includes one header, against an installed tree.
local function compile(command, extension)
  local directory = spec.tmpdir()
  local log = directory .. "/log"
  assert(os.execute(("cmake --install '%s' --prefix %s/prefix >%s 2>&1")
    :format(os.getenv "PEXEC_BUILD", directory, log)), spec.read(log))
  local headers = pages.lines_of("ls " .. directory .. "/prefix/include")
  lu.assertEquals(headers, { "pexec.h", "pexec_lua.h" })
  for _, header in ipairs(headers) do
    local source = directory .. "/main" .. extension
    spec.write(source, ("#include <%s>\nextern int nothing;\n%s")
                       :format(header, initialised(header)))
    os.execute(("%s -Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only "
                .. "-I%s/prefix/include %s >%s 2>&1"):format(command, directory,
                                                             source, log))
    lu.assertEquals(spec.read(log), "")
  end
end

function TestHeaders:test_they_compile_alone_as_c11()
  compile("cc -std=c11 -Wstrict-prototypes", ".c")
end

function TestHeaders:test_they_compile_alone_as_cpp17()
  if not os.execute "command -v c++ >/dev/null" then lu.skip "no C++" end
  compile("c++ -std=c++17", ".cc")
end
