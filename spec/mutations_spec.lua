-- The list of mutations, spec/mutations/, is about the code as it is: what each
-- one changes is there, and so is the spec that is to see it. That they do see
-- it, spec/mutations/run shows.

local lu = require "luaunit"
local pages = require "pages"
local spec = require "spec"

local mutations = pages.mutations()

-- What stands before a message about one.
local function name_of(mutation)
  return ("%s (%s): "):format(mutation.guarantee, mutation.file)
end

-- Base names of all spec files: an array.
local function spec_files()
  local names = {}
  for _, path in ipairs(pages.lines_of("ls spec/core/*_test.c spec/*_spec.lua "
                                       .. "spec/regress/*_spec.lua")) do
    names[#names + 1] = path:match("[^/]+$")
  end
  return names
end

-- Class.test of all tests of a Lua spec, as luaunit matches them; of those that
-- are made in a loop, the class.
local function tests_of(name)
  local path = pages.lines_of("find spec -name " .. name)[1]
  local tests = {}
  for class in pages.read(path):gmatch("\n(Test%w+) = {") do
    tests[#tests + 1] = class
  end
  for class, test in pages.read(path):gmatch("function (Test%w+)[:.](test_%w+)")
  do
    tests[#tests + 1] = class .. "." .. test
  end
  return tests
end

local function any(list, matches)
  for _, one in ipairs(list) do
    if matches(one) then return true end
  end
  return false
end

TestList = {}

function TestList:test_it_is_long_and_says_what_each_takes_away()
  lu.assertTrue(#mutations >= 300, "only " .. #mutations)
  for _, mutation in ipairs(mutations) do
    lu.assertEquals(type(mutation.guarantee), "string", mutation.file)
  end
end

-- Else it is stale, and shows nothing.
function TestList:test_what_each_one_changes_stands_there_exactly_once()
  for _, mutation in ipairs(mutations) do
    local text, message = mutations.broken(mutation, spec.root)
    lu.assertNotNil(text, name_of(mutation) .. tostring(message))
  end
end

function TestList:test_no_two_are_the_same()
  local seen = {}
  for _, mutation in ipairs(mutations) do
    local key = table.concat({ mutation.file, mutation.from, mutation.to,
                               mutation.spec, mutation.test }, "\n")
    lu.assertNil(seen[key], name_of(mutation))
    seen[key] = true
  end
end

function TestList:test_its_specs_are_there()
  local files = spec_files()
  for _, mutation in ipairs(mutations) do
    lu.assertTrue(any(files, function(name) return name == mutation.spec end),
                  name_of(mutation) .. mutation.spec)
  end
end

function TestList:test_and_so_are_the_tests_in_them()
  local tests = {}
  for _, mutation in ipairs(mutations) do
    local name, pattern = mutation.spec, mutation.test
    if pattern then
      tests[name] = tests[name] or tests_of(name)
      lu.assertTrue(any(tests[name], function(test)
        return test:find(pattern) ~= nil
      end), name_of(mutation) .. name .. " " .. pattern)
    end
  end
end

function TestList:test_each_line_of_the_catalogue_has_some()
  local titles, found = pages.catalogue(), {}
  for _, mutation in ipairs(mutations) do
    for _, number in ipairs(mutations.faults_of(mutation)) do
      lu.assertNotNil(titles[number], name_of(mutation) .. number)
      found[number] = true
    end
  end
  for number, title in ipairs(titles) do
    lu.assertTrue(found[number], number .. ": " .. title)
  end
end

-- So that nothing is taken for stale, or for whole, by chance.
function TestList:test_one_that_is_stale_is_told()
  local path = "spec/mutations/list.lua"
  local function broken(from, to)
    return mutations.broken({ file = path, from = from, to = to }, spec.root)
  end
  lu.assertNil(broken("there is no such " .. "text", "x"))
  lu.assertStrContains(select(2, broken("local", "x")), "times: local")
  lu.assertStrContains(select(2, broken("local PARTS", "local PARTS")),
                       "nothing is changed")
  lu.assertStrContains(broken("local PARTS", "local NONE"), "local NONE")
end
