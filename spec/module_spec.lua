-- The module: what is in it, how it is loaded, and what its C part asks of and
-- gives to the program that loads it. What loading does to the host is in
-- host_spec.

local hosts = require "hosts"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local CORE <const> = package.searchpath("pexec.core", package.cpath)

TestModule = {}

function TestModule:test_it_has_what_the_manual_names_and_nothing_else()
  local types = {}
  for name, value in pairs(pexec) do types[name] = type(value) end
  lu.assertEquals(types, {
    _VERSION = "string",
    new_managed_process = "function", new_process_manager = "function",
    noop_process_manager = "table",
    merge_add_process_managers = "function",
    merge_remove_process_managers = "function",
    new_process_config = "function", unmarshal_process_config = "function",
    new_context = "function", task = "function", sleep = "function",
    dispatch = "function", pollfd = "function", await = "function",
    null_logger = "userdata", new_logger = "function" })
end

function TestModule:test_its_version_is_that_of_the_project()
  local text = spec.read(spec.root .. "/CMakeLists.txt")
  lu.assertEquals(pexec._VERSION,
                  "pexec " .. text:match("project%(pexec VERSION ([%d.]+)"))
end

function TestModule:test_requiring_it_again_gives_the_same()
  lu.assertIs(require "pexec", pexec)
end

-- Objects with what the manual says they have.
local METHODS <const> = {
  { "ManagedProcess", function() return managers.process("a") end,
    "id start stop kill_group status unix_pid wait" },
  { "ProcessManager", managers.new,
    "process_ids process_by_id remove_process_by_id add_process "
    .. "add_process_from_config start stop clone run pollfd events timeout "
    .. "getfd" },
  { "ProcessManager", function() return pexec.noop_process_manager end,
    "process_ids process_by_id remove_process_by_id add_process "
    .. "add_process_from_config start stop clone run pollfd events timeout "
    .. "getfd" },
  { "Context", pexec.new_context, "cancel err" },
  { "Task", function() return pexec.task(tostring, 1) end, "wait cancel" },
  { "ProcessConfig", function() return pexec.new_process_config{} end,
    "validate equals marshal_json" },
  { "Logger", function() return pexec.null_logger end,
    "debug info warn error" },
}

function TestModule:test_objects_have_their_methods_and_names()
  for _, row in ipairs(METHODS) do
    local name, make, methods = table.unpack(row)
    local object = make()
    lu.assertEquals(getmetatable(object).__name, "pexec." .. name)
    for method in methods:gmatch("%S+") do
      lu.assertEquals(type(object[method]), "function", method)
    end
  end
end

TestLoading = {}

function TestLoading:test_the_c_part_alone_can_be_loaded_first()
  local host, ok = hosts.run([[
    local core = require "pexec.core"
    print(core.version, require("pexec")._VERSION)]], { is_bare = true })
  lu.assertTrue(ok, host:text())
  lu.assertStrMatches(host.stdout[1], "([%d.]+)\tpexec %1")
end

function TestLoading:test_it_can_be_loaded_anew()
  local host, ok = hosts.run[[
    local old = managers.started("old", "forever")
    for name in pairs(package.loaded) do
      if name:find("^pexec") then package.loaded[name] = nil end
    end
    local anew = require "pexec"
    local p = assert(anew.new_managed_process(spec.child({ id = "new" },
                                              "forever"), anew.null_logger))
    assert(anew ~= pexec and p:start())
    print("stopped", p:stop())]]
  lu.assertTrue(ok, host:text())
  lu.assertEquals(host.stdout[1], "stopped\ttrue\tprocess")
end

local function lines_of(command)
  local pipe = assert(io.popen(command))
  local lines = spec.lines(pipe:read("a"))
  pipe:close()
  return lines
end

-- FAULTS 30: the threads may be the last to go
function TestLoading:test_the_c_part_stays_mapped()
  local flags = table.concat(lines_of("readelf -dW '" .. CORE .. "'"), "\n")
  lu.assertStrContains(flags, "NODELETE")
end

function TestLoading:test_the_c_part_takes_lua_from_the_program()
  local flags = table.concat(lines_of("readelf -dW '" .. CORE .. "'"), "\n")
  lu.assertStrContains(flags, "libuv")
  lu.assertNotStrContains(flags, "liblua")
end

function TestLoading:test_the_c_part_gives_away_its_opener_alone()
  lu.skipIf(os.getenv("PEXEC_SPEC_MODE") == "asan", "ASAN gives away more")
  local names = {}
  for _, line in ipairs(lines_of("nm -D --defined-only '" .. CORE .. "'")) do
    names[#names + 1] = line:match("%s[TDBR]%s+([%w_]+)$")
  end
  lu.assertEquals(names, { "luaopen_pexec_core" })
end

TestMisuse = {}

-- Whatever the metatables say, a userdata of another kind is refused.
function TestMisuse:test_methods_refuse_what_is_not_theirs()
  local process, pm = managers.process("a"), managers.new()
  for name, method in pairs(getmetatable(process).__index) do
    local message = managers.message_of(method, pm)
    lu.assertStrContains(message, "expected, got", false, name)
    lu.assertFalse((pcall(method)), name)
    lu.assertFalse((pcall(method, nil)), name)
  end
  for name, method in pairs(getmetatable(pm).__index) do
    lu.assertFalse((pcall(method, process)), name)
    lu.assertFalse((pcall(method)), name)
  end
end

function TestMisuse:test_finalisers_may_be_called_by_anybody()
  local process = managers.process("a", "forever")
  assert(process:start())
  local pid = process:unix_pid()
  local collect = getmetatable(process).__gc
  lu.assertFalse((pcall(collect, {})))
  lu.assertFalse((pcall(collect, io.stdout)))
  lu.assertFalse((pcall(collect)))
  lu.assertTrue(spec.alive(pid))
  assert(process:stop())
end
