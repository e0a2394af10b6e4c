-- The arrangement of the source: who may include what, what runs between
-- clone and exec, and that no spec has a name under which it would not run.

local lu = require "luaunit"
local spec = require "spec"

-- The lines that a command prints, run in the project's root. "grep found
-- nothing" is no lines; that a command cannot do its work is an error.
local function lines_of(command)
  local pipe = assert(io.popen("cd '" .. spec.root .. "' && " .. command))
  local lines = spec.lines(pipe:read("a"))
  local _, how, code = pipe:close()
  if how ~= "exit" or code > 1 then
    error(("%s: %s %d"):format(command, how, code))
  end
  return lines
end

local function find(pattern, places)
  return lines_of(("grep -rnE '%s' %s"):format(pattern, places))
end

local lua_headers = [[# *include *[<"](lua|lauxlib|lualib|luaconf)]]
local uv_headers = [[# *include *[<"]uv]]

TestLayers = {}

function TestLayers:test_the_core_knows_no_lua()
  lu.assertEquals(find(lua_headers, "src/core include/pexec.h"), {})
end

function TestLayers:test_the_core_knows_no_json_library()
  lu.assertEquals(find([[# *include *[<"]jansson]], "src/core include"), {})
end

function TestLayers:test_binding_and_headers_know_no_libuv()
  lu.assertEquals(find(uv_headers, "src/binding include"), {})
end

function TestLayers:test_only_the_loop_meets_libuv()
  local files = lines_of(("grep -rlE '%s' src"):format(uv_headers))
  lu.assertEquals(files, { "src/core/loop.c" })
end

function TestLayers:test_the_binding_uses_the_public_header_alone()
  lu.assertEquals(find([[# *include *["<](\.\./)?core/]], "src/binding"), {})
end

TestChild = {}

local function allowed_symbols()
  local allowed = {}
  for line in io.lines(spec.root .. "/spec/support/child_symbols.txt") do
    if not line:find("^#") then allowed[line] = true end
  end
  return allowed
end

local function symbols_of_child()
  local object = assert(os.getenv("PEXEC_BUILD"))
                 .. "/CMakeFiles/pexec_core.dir/src/core/child.c.o"
  local names = {}
  for _, line in ipairs(lines_of("nm -u '" .. object .. "'")) do
    names[#names + 1] = line:match("U ([%w_]+)")
  end
  return names
end

function TestChild:test_between_clone_and_exec_only_listed_functions_run()
  local names, allowed, unexpected = symbols_of_child(), allowed_symbols(), {}
  lu.assertTrue(#names > 0, "nm tells of no symbol: is it the right file?")
  for _, name in ipairs(names) do
    if not allowed[name] then unexpected[#unexpected + 1] = name end
  end
  lu.assertEquals(unexpected, {})
end

TestSeam = {}

-- What is declared there, without its prefix.
local function seam_functions()
  local functions = {}
  for _, line in ipairs(find("^[a-z].*pexec__[a-z_]+ \\(", "src/core/sys.h")) do
    functions[#functions + 1] = line:match("pexec__([%l_]+) %(")
  end
  return functions
end

-- The names in the lists of fake_calls.h that are sys.h's.
local function seam_calls()
  local file = assert(io.open(spec.root .. "/spec/core/fake_calls.h"))
  local text = file:read("a")
  file:close()
  local calls = {}
  for _, list in ipairs { "FAKE_SYS_CALLS", "FAKE_SURE_CALLS" } do
    local body = text:match("#define " .. list .. "%(X%)(.-[^\\])\n")
    for name in body:gmatch("X%(([%l_]+)") do calls[#calls + 1] = name end
  end
  return calls
end

-- FAULTS 31
function TestSeam:test_each_of_its_calls_can_be_made_to_fail()
  local functions = seam_functions()
  lu.assertTrue(#functions > 50)
  lu.assertItemsEquals(seam_calls(), functions)
end

TestText = {}

function TestText:test_no_note_is_left_in_the_code()
  lu.assertEquals(find([[\b(TODO|FIXME|XXX|HACK)\b]], "src include lua"), {})
end

function TestText:test_no_line_is_wider_than_80_columns()
  lu.assertEquals(find(".{81}", "src include lua --include=*.[ch]"
                                .. " --include=*.lua"), {})
end

TestNames = {}

local fixtures = { setUp = true, tearDown = true, setupClass = true,
                   teardownClass = true }

-- luaunit would pass by any other in silence; in C the compiler warns of one
-- that is not in its list.
function TestNames:test_specs_begin_with_test_()
  local wrong = {}
  local found = find([=[^ *function +Test\w*[.:]]=],
                     "spec --include=*_spec.lua")
  lu.assertTrue(#found > 0)
  for _, line in ipairs(found) do
    local name = line:match("function +Test[%w_]*[.:]([%w_]+)")
    if not name:find("^test_") and not fixtures[name] then
      wrong[#wrong + 1] = line
    end
  end
  lu.assertEquals(wrong, {})
end

-- A later definition of the same name would take the place of the first.
function TestNames:test_no_spec_is_defined_twice()
  local seen, twice = {}, {}
  local found = find([[^ *function +Test\w*[.:]test_]],
                     "spec --include=*_spec.lua")
  for _, line in ipairs(found) do
    local file, name = line:match("^([^:]+):%d+: *function +([%w_.:]+)")
    local key = file .. " " .. name
    if seen[key] then twice[#twice + 1] = key end
    seen[key] = true
  end
  lu.assertEquals(twice, {})
end
