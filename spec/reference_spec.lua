-- The reference (docs/reference/*.lua, of which docs/reference.md and
-- lua/pexec/meta.lua are made) and the live module say the same: nothing
-- public is undocumented, nothing documented is missing. That the made files
-- are up to date is in docs_spec.

local lu = require "luaunit"
local managers = require "managers"
local pages = require "pages"
local pexec = require "pexec"
local reference = require "reference"
local spec = require "spec"

reference.set_root(spec.root)
local entries, told = reference.read()

-- {== comparing =============================================================

local function set_of(list)
  local set = {}
  for _, name in ipairs(list) do set[name] = true end
  return set
end

local function names_of(rows)
  local set = {}
  for _, row in ipairs(rows) do set[row.name] = true end
  return set
end

local function keys_of(value)
  local set = {}
  for key in pairs(value) do set[key] = true end
  return set
end

-- What cannot be seen in this run is taken for seen.
local function assert_fields(class, seen, ...)
  local fields, parent = names_of(told[class].fields), told[class].parent
  for _, name in ipairs{ ... } do seen[name] = true end
  for name in pairs(parent and names_of(told[parent].fields) or {}) do
    fields[name] = true
  end
  lu.assertEquals(seen, fields, class)
end

-- A local of the module's, by way of the functions that know it.
local function upvalue(f, name, seen)
  seen = seen or {}
  if seen[f] then return nil end
  seen[f] = true
  local functions = {}
  for i = 1, 255 do
    local known, value = debug.getupvalue(f, i)
    if not known then break end
    if known == name then return value end
    if type(value) == "function" then functions[#functions + 1] = value end
  end
  for _, g in ipairs(functions) do
    local found = upvalue(g, name, seen)
    if found then return found end
  end
end

-- {== objects ===============================================================

TestObjects = {}

local OBJECTS <const> = {
  ManagedProcess = function() return managers.process("a") end,
  ProcessManager = managers.new,
  Context = pexec.new_context,
  Task = function() return pexec.task(tostring, 1) end,
  Logger = function() return pexec.null_logger end,
  ProcessConfig = function() return pexec.new_process_config{} end,
  Handle = function()
    return managers.process("a"):on("started", print)
  end,
}

-- A class's methods; those of a ProcessConfig are behind its fields.
local function methods_of(object)
  local index = debug.getmetatable(object).__index
  if type(index) == "function" then index = upvalue(index, "methods") end
  local set = {}
  for name in pairs(index or {}) do
    if not name:find "^__" then set[name] = true end
  end
  return set
end

local INNER <const> = set_of{ "__gc", "__index", "__newindex", "__name" }

local function metamethods_of(object)
  local set = {}
  for name in pairs(debug.getmetatable(object)) do
    if name:find "^__" and not INNER[name] then set[name] = true end
  end
  return set
end

for class, make in pairs(OBJECTS) do
  TestObjects["test_each_method_of_" .. class .. "_is_told"] = function()
    local object = make()
    lu.assertEquals(methods_of(object), names_of(told[class].methods))
    lu.assertEquals(metamethods_of(object),
                    set_of(told[class].metamethods or {}))
  end
end

function TestObjects:test_all_classes_with_methods_are_looked_at()
  for _, entry in ipairs(entries) do
    if entry.methods[1] and not entry.is_module then
      lu.assertNotNil(OBJECTS[entry.class], entry.class)
    end
  end
end

function TestObjects:test_the_manager_that_does_nothing_has_them_too()
  lu.assertEquals(methods_of(pexec.noop_process_manager),
                  names_of(told.ProcessManager.methods))
end

function TestObjects:test_the_module_has_what_is_told_of_it()
  local names = names_of(told.Module.methods)
  for name in pairs(names_of(told.Module.fields)) do names[name] = true end
  lu.assertEquals(keys_of(pexec), names)
  for _, method in ipairs(told.Module.methods) do
    lu.assertEquals(type(pexec[method.name]), "function", method.name)
  end
end

-- {== configurations ========================================================

TestSettings = {}

local config = require "pexec.config"
local destinations = require "pexec.destinations"
local FIELDS <const> = upvalue(config.snapshot, "FIELDS")

function TestSettings:test_each_field_is_told()
  assert_fields("Settings", names_of(FIELDS))
end

-- As it is read back where nothing was set.
function TestSettings:test_each_default_is_told()
  local empty = pexec.new_process_config{}
  for _, field in ipairs(told.Settings.fields) do
    local default = field.default and load("return " .. field.default)()
    lu.assertEquals(empty[field.name], default, field.name)
  end
end

-- Tables within a configuration, by a function that knows their fields.
local TABLES <const> = {
  File = { destinations.stdout, "FILE" },
  Input = { destinations.stdin, "SOURCE" },
  Backoff = { require "pexec.restarting".delay, "BACKOFF" },
  RestartLimit = { require "pexec.restarting".limit, "LIMIT" },
  Limits = { require "pexec.limits".limits, "LIMITS" },
  Limit = { require "pexec.limits".encode, "BOUNDS" },
  IoPriority = { require "pexec.limits".priority, "PRIORITY" },
  Cgroup = { require "pexec.cgroup".check, "FIELDS" },
  Verdict = { require "pexec.deciding".ask, "VERDICT" },
}

local function shown(default)
  return (type(default) == "string" and "%q" or "%s"):format(default)
end

for class, place in pairs(TABLES) do
  TestSettings["test_each_field_of_" .. class .. "_is_told"] = function()
    local rows = upvalue(table.unpack(place))
    assert_fields(class, names_of(rows))
    for _, row in ipairs(rows) do
      local default = told[class].by_name[row.name].default
      lu.assertEquals(row.default ~= nil and default or nil,
                      row.default ~= nil and shown(row.default) or nil,
                      row.name)
    end
  end
end

-- Lists of names alone, of the same kind.
local LISTS <const> = {
  StopStage = { require "pexec.stop_sequence".check, "NAMES" },
  Launch = { require "pexec.launching".changed, "LAUNCH" },
  LoggerOptions = { pexec.new_logger, "OPTIONS" },
}

for class, place in pairs(LISTS) do
  TestSettings["test_each_name_of_" .. class .. "_is_told"] = function()
    local names = {}
    for i, name in ipairs(upvalue(table.unpack(place))) do names[i] = name end
    assert_fields(class, set_of(names))
  end
end

function TestSettings:test_options_of_other_functions_are_told()
  local pm = managers.new()
  for class, refused in pairs{
    RunOptions = function(options) return pm:run(options) end,
    ManagerOptions = pexec.new_process_manager,
    ContextOptions = pexec.new_context } do
    for name in pairs(names_of(told[class].fields)) do
      local message = managers.message_of(refused, { [name .. "x"] = 1 })
      lu.assertStrContains(message, ('did you mean "%s"?'):format(name))
    end
  end
end

-- {== what is told of a process =============================================

TestRecords = {}

local function add_keys(set, value)
  for key in pairs(value) do set[key] = true end
end

function TestRecords:test_each_field_of_an_exit_record_is_told()
  local seen = {}
  local p = managers.process({ id = "a", one_shot = true }, "forever")
  p:start(pexec.new_context{ timeout = 0.05 })
  add_keys(seen, p:history()[1])
  p = managers.started("b", "forever")
  assert(p:stop())
  add_keys(seen, p:history()[1])
  assert_fields("ExitRecord", seen, "max_rss")  -- not below the host's peak
end

function TestRecords:test_each_field_that_a_handler_gets_is_told()
  local seen = {}
  local p = managers.started({ id = "a", on_unexpected_exit = function(_, exit)
    add_keys(seen, exit)
  end }, "exit", 3)
  assert(p:wait())
  assert_fields("Exit", seen, "max_rss", "signal", "signal_text", "canceled",
                "requested")
end

-- A cgroup wants a host that may make one.
function TestRecords:test_each_field_of_what_is_known_is_told()
  local p = managers.started({ id = "a", restart_delay = { 60 } }, "forever")
  local seen = keys_of(p:info())
  lu.assertEquals(keys_of(p:info().output), set_of{ "stdout", "stderr" })
  assert_fields("Counts", keys_of(p:info().output.stdout))
  assert(p:signal "KILL")
  spec.eventually(function() return p:info().next_restart_in end)
  add_keys(seen, p:info())
  assert_fields("Info", seen, "cgroup")
  assert(p:stop())
end

function TestRecords:test_each_field_of_a_line_is_told()
  local function print_nothing() end
  local p = managers.process({ id = "a", one_shot = true, tail_size = 200000,
    log_writer = print_nothing }, "print", ("x"):rep(70000))
  assert(p:start())
  local seen = {}
  for _, line in ipairs(p:tail()) do add_keys(seen, line) end
  assert_fields("TailLine", seen)
end

-- {== events ================================================================

TestEvents = {}

local function detail_classes()
  local classes = {}
  for _, entry in ipairs(entries) do
    if entry.event then classes[entry.event] = entry.class end
  end
  return classes
end

function TestEvents:test_each_event_has_its_detail()
  lu.assertEquals(keys_of(detail_classes()),
                  set_of(reference.words "PEXEC_TRANSITIONS"))
end

-- 'missed' comes only where 256 wait, losses only of a slow destination.
function TestEvents:test_each_field_of_a_detail_is_told()
  local seen, classes = {}, detail_classes()
  local pm <close> = managers.new()
  local given_up = managers.process({ id = "given up", restart_delay = 0,
      restart_limit = { max = 1, within = 60 } }, "exit", 3)
  local stopped = managers.process("stopped", "forever")
  assert(pm:add_process(given_up) and pm:add_process(stopped))
  for event in pairs(classes) do
    seen[event] = {}
    assert(pm:on(event, function(_, detail) add_keys(seen[event], detail) end))
  end
  assert(pm:start())
  assert(given_up:wait())
  assert(stopped:stop())
  for event, class in pairs(classes) do
    local unseen = event == "output_lost" and { "lines", "stream" }
                   or event == "exited" and { "signal", "signal_text",
                        "canceled", "requested", "max_rss" } or {}
    assert_fields(class, seen[event], "missed", table.unpack(unseen))
  end
end

-- {== the stub ==============================================================

TestStub = {}

function TestStub:test_it_is_not_loaded_by_accident()
  local ok, message = pcall(require, "pexec.meta")
  lu.assertFalse(ok)
  lu.assertStrContains(message, 'pexec.meta is for editors only: '
                                .. 'require "pexec"')
end

-- Without the line that refuses, it makes the names of the module.
function TestStub:test_it_is_lua_and_has_the_module()
  local text = pages.read "lua/pexec/meta.lua"
  local body = text:gsub("\nerror%b()", "", 1)
  local stub = assert(load(body, "meta", "t", {}))()
  lu.assertEquals(keys_of(stub), names_of(told.Module.methods))
end

-- Whatever it names it also tells of.
function TestStub:test_each_type_in_it_is_defined()
  local text = pages.read "lua/pexec/meta.lua"
  local known = {}
  for name in text:gmatch "%-%-%-@%a+ (pexec%.%u%w*)" do known[name] = true end
  local count = 0
  for line in text:gmatch "%-%-%-[@|][^\n]*" do
    for name in line:gmatch "pexec%.%u%w*" do
      count = count + 1
      lu.assertTrue(known[name], name)
    end
  end
  lu.assertTrue(count > 100)
end

TestCodes = {}

-- In the first column of its tables.
local function told_codes()
  local codes = {}
  for row in pages.read "docs/errors.md":gmatch "\n| (`[^|]*) |" do
    for word in row:gmatch "`([^`]+)`" do codes[word] = true end
  end
  return codes
end

function TestCodes:test_each_has_its_cause_and_cure()
  local codes, count = told_codes(), 0
  for _, entry in ipairs(entries) do
    for _, method in ipairs(entry.methods) do
      for word in (method.codes or ""):gmatch "%S+" do
        count = count + 1
        lu.assertTrue(codes[word], method.name .. ": " .. word)
      end
    end
  end
  lu.assertTrue(count > 50)
end

TestComingFrom = {}

local CLASSES <const> = { p = "ManagedProcess", pm = "ProcessManager",
                          pexec = "Module" }

-- "p:start()", "pexec.noop_process_manager", "cwd": is there such a thing?
local function is_told(name)
  local receiver, word = name:match "^(%l+)[.:]([%w_]+)"
  if not receiver then return told.Settings.by_name[name] ~= nil end
  local class = told[CLASSES[receiver]]
  return class.method_by_name[word] ~= nil or class.by_name[word] ~= nil
end

function TestComingFrom:test_each_equivalent_is_there()
  local count = 0
  local page = pages.read "docs/coming-from.md"
  for equivalents in page:gmatch "\n| [^\n|]+ | ([^\n|]*) |" do
    for name in equivalents:gmatch "`([^`]+)`" do
      count = count + 1
      lu.assertTrue(is_told(name), name)
    end
  end
  lu.assertTrue(count > 60, count)
end
