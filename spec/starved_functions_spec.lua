-- Each function of the binding and of the module on top of it, where Lua's
-- allocator fails in it: at the n-th allocation alone, at that and at Lua's
-- second attempt at it, and from it on, for ever larger n until none fails.
-- What comes out of it is Lua's memory error or the documented answer; nothing
-- is lost or half made; whatever runs is supervised. spec/support/starving.lua
-- says what is looked at, and starved_*.lua have a case for each function.

local lu = require "luaunit"
local managers = require "managers"
local pages = require "pages"
local pexec = require "pexec"
local spec = require "spec"
local states = require "states"

local core = require "pexec.core"

-- {== what there is =========================================================

local function is_c(value)
  return type(value) == "function" and debug.getinfo(value, "S").what == "C"
end

local function is_function(value)
  return type(value) == "function"
end

-- Into the set 'found', as "CLASS.NAME", what is wanted of a table.
local function add(found, class, source, is_wanted)
  for name, value in pairs(source) do
    if is_wanted(value) then found[class .. "." .. name] = true end
  end
end

local function add_class(found, class, metatable, is_wanted)
  add(found, class, metatable, is_wanted)
  if type(metatable.__index) ~= "table" then return end
  found[class .. ".__index"] = nil
  add(found, class, metatable.__index, is_wanted)
end

-- All C functions that Lua can get hold of: of the core, of each class.
local function of_the_binding()
  local found = {}
  add(found, "core", core, is_c)
  for key, value in pairs(debug.getregistry()) do
    local class = type(key) == "string" and key:match "^pexec%.(%w+)$"
    if class and type(value) == "table" then
      add_class(found, class, value, is_c)
    end
  end
  return found
end

-- A local of the module's that this function knows.
local function upvalue(f, wanted)
  for i = 1, 255 do
    local name, value = debug.getupvalue(f, i)
    if not name or name == wanted then return value end
  end
end

-- All functions of the module and of its objects.
local function of_the_module()
  local found = {}
  add(found, "module", pexec, is_function)
  for class, object in pairs{
    ManagedProcess = managers.process "a", ProcessManager = managers.new(),
    Context = pexec.new_context(), Task = pexec.task(tostring, 1),
    Handle = managers.process "a":on("started", print),
    Noop = pexec.noop_process_manager, Logger = pexec.null_logger,
    ProcessConfig = pexec.new_process_config{},
  } do
    add_class(found, class, debug.getmetatable(object), is_function)
  end
  local index = debug.getmetatable(pexec.new_process_config{}).__index
  add(found, "ProcessConfig", assert(upvalue(index, "methods")), is_function)
  return found
end

-- The cases: those of pexec.core have no class in their names.
local function tried()
  local found = {}
  for _, part in ipairs{ "core", "api", "manager" } do
    for name in pairs(require("starved_" .. part)) do
      found[name:find "%." and name or "core." .. name] = true
    end
  end
  return found
end

local function assert_all_tried(functions)
  local cases, missing = tried(), {}
  for name in pairs(functions) do
    if not cases[name] then missing[#missing + 1] = name end
  end
  table.sort(missing)
  lu.assertEquals(table.concat(missing, ", "), "")
end

-- {== playing ===============================================================

-- Of the places where the module's functions may fail a part is tried, always
-- the same, a smaller one on a busy machine and under sanitizers;
-- PEXEC_SPEC_THOROUGH=1 tries all.
local function step_of(part)
  local is_thorough = os.getenv "PEXEC_SPEC_THOROUGH" == "1"
  if part == "core" or is_thorough then return 1 end
  return spec.slowness == 1 and 5 or 23
end

local function play(part, name, how_many)
  local step = step_of(part)
  local ok, message, left = states.starved(
      ('require("starving").play(%q, %q, %s, %d, %d)')
      :format(part, name, how_many, 1, step))
  lu.assertTrue(ok, message)
  lu.assertEquals(left, 0, name .. ": memory is left of the state")
end

local function play_all(part, pattern)
  local names = {}
  for name in pairs(require("starved_" .. part)) do
    if name:find(pattern) then names[#names + 1] = name end
  end
  lu.assertTrue(#names > 0)
  table.sort(names)
  for _, name in ipairs(names) do
    play(part, name, false)
    play(part, name, 2)
    play(part, name, true)
  end
end

-- {== all of them ===========================================================

TestBinding = {}

-- libuv opens two descriptors for good with the first of all supervisors.
function TestBinding:setUp()
  assert(managers.started("a", "forever"):stop())
end

function TestBinding:test_each_function_has_a_case()
  assert_all_tried(of_the_binding())
end

-- Each one that is registered in the source is among those; but for json.c's,
-- which is a finaliser of what each text has for itself.
function TestBinding:test_none_is_out_of_sight()
  local found, pushed = {}, {}
  for name in pairs(of_the_binding()) do found[name:match "[%w_]+$"] = true end
  for _, file in ipairs(pages.lines_of "ls src/binding/*.c") do
    local text = pages.read(file)
    for name, f in text:gmatch '{ "([%w_]+)", ([%w_]+) }' do
      local is_event = f:find "^push_" ~= nil
      lu.assertTrue(found[name] or is_event, name .. " of " .. file)
    end
    for name in text:gmatch "lua_pushc%w+ ?%(L, ([%w_]+)" do
      pushed[#pushed + 1] = name
    end
  end
  lu.assertEquals(pushed, { "collect" })
end

-- FAULTS 31
function TestBinding:test_functions()
  play_all("core", "^[^.]+$")
end

-- FAULTS 31
function TestBinding:test_metamethods()
  play_all("core", "%.")
end

TestModule = { setUp = TestBinding.setUp }

function TestModule:test_each_function_has_a_case()
  assert_all_tried(of_the_module())
end

-- FAULTS 31
function TestModule:test_functions()
  play_all("api", "^module")
end

-- FAULTS 31
function TestModule:test_configurations()
  play_all("api", "^ProcessConfig")
end

-- FAULTS 31
function TestModule:test_contexts_tasks_and_handles()
  play_all("api", "^Context")
  play_all("api", "^Task")
  play_all("api", "^Handle")
end

-- FAULTS 31
function TestModule:test_processes()
  play_all("api", "^ManagedProcess")
end

-- FAULTS 19, 31: whatever they have started is in somebody's charge
function TestModule:test_managers()
  play_all("manager", "^ProcessManager")
end

-- FAULTS 31
function TestModule:test_the_manager_that_does_nothing()
  play_all("manager", "^Noop")
end
