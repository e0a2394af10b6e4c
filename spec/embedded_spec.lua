-- libpexec-lua: the module out of one library, as a host in C opens it with
-- luaL_requiref: with nothing on disk, for all scripts of a state, and never
-- mixed with a copy that comes from elsewhere.

local hosts = require "hosts"
local lu = require "luaunit"
local pages = require "pages"
local spec = require "spec"
local states = require "states"

local BUILD <const> = assert(os.getenv "PEXEC_BUILD")
local LIBRARY <const> = BUILD .. "/libpexec-lua.so"

-- open(): what luaL_requiref(L, "pexec", luaopen_pexec, 0) does.
local OPEN <const> = ([[
  local function open()
    local opener = assert(package.loadlib(%q, "luaopen_pexec"))
    package.loaded.pexec = package.loaded.pexec or opener("pexec")
    return package.loaded.pexec
  end
  local child_path = os.getenv "PEXEC_CHILD"
]]):format(LIBRARY)

-- Nothing is found on disk any more.
local ALONE <const> = OPEN .. [[
  package.path, package.cpath = "", ""
  local pexec = open()
]]

-- The lines of a host of its own that runs this and has to succeed.
local function lines_of(text)
  local host, ok = hosts.run(text, { is_bare = true })
  lu.assertTrue(ok, host:text())
  return host.stdout
end

-- The names of all parts, sorted.
local function parts()
  local names = { "pexec" }
  for _, path in ipairs(pages.lines_of "ls lua/pexec") do
    local name = path:match "^(.*)%.lua$"
    if name ~= "init" and name ~= "meta" then
      names[#names + 1] = "pexec." .. name
    end
  end
  table.sort(names)
  return names
end

-- In a host: what a table has by names that begin with pexec, sorted.
local NAMES <const> = [[
  local function names(of)
    local found = {}
    for name in pairs(of) do
      if name:find "^pexec" then found[#found + 1] = name end
    end
    table.sort(found)
    return table.concat(found, " ")
  end
]]

-- Starts one, sees it die and come back, and stops it.
local LIFE <const> = [[
  local deaths = 0
  local process = assert(pexec.new_managed_process({ id = "a",
    name = child_path, args = { "exit", "3" }, restart_delay = 0,
    on_unexpected_exit = function(code)
      assert(code == 3)
      deaths = deaths + 1
      return deaths < 3
    end }, pexec.null_logger))
  assert(process:start())
  assert(process:wait())
  assert(deaths == 3)
]]

TestEmbedded = {}

function TestEmbedded:test_it_works_with_nothing_on_disk()
  lu.assertEquals(lines_of(ALONE .. LIFE .. "print(deaths)"), { "3" })
end

function TestEmbedded:test_scripts_require_the_same()
  lu.assertEquals(lines_of(ALONE .. NAMES .. [[
    print(require "pexec" == pexec, pexec._VERSION)
    print(names(package.loaded))
    for _, name in ipairs{ "pexec.config", "pexec.core", "pexec.queue" } do
      assert(require(name) == package.loaded[name])
    end]]), { "true\t" .. require "pexec"._VERSION,
              (table.concat(parts(), " "):gsub("pexec%.context",
                                               "%0 pexec.core")) })
end

function TestEmbedded:test_it_may_wait_until_a_script_asks_for_it()
  lu.assertEquals(lines_of(([[
    package.path, package.cpath = "", ""
    package.preload.pexec = package.loadlib(%q, "luaopen_pexec")
    print(require "pexec" == package.loaded.pexec)]]):format(LIBRARY)),
    { "true" })
end

function TestEmbedded:test_it_sets_no_global_and_opens_nothing()
  lu.assertEquals(lines_of([[
    local probe, host_state = require "probe", require "host_state"
    local function take()
      local state = host_state.take()
      state.fds = #probe.list "/proc/self/fd"
      state.threads = #probe.list "/proc/self/task"
      for name, value in pairs(_G) do state["_G." .. name] = value end
      return state
    end
    local before = take()
  ]] .. ALONE .. [[
    for name, value in pairs(take()) do
      if before[name] ~= value then print(name, before[name], value) end
    end]]), {})
end

function TestEmbedded:test_its_parts_are_named_as_below_lua()
  lu.assertEquals(lines_of(ALONE .. [[
    print(debug.getinfo(pexec.task, "S").source)
    print(debug.getinfo(require "pexec.config".new, "S").source)]]),
    { "@pexec/init.lua", "@pexec/config.lua" })
end

function TestEmbedded:test_without_lua_s_libraries_it_says_so()
  lu.assertEquals(lines_of(([[
    local loadlib, pcall, print = package.loadlib, pcall, print
    require = nil
    print(pcall(loadlib(%q, "luaopen_pexec"), "pexec"))]]):format(LIBRARY)),
    { "false\tpexec: the Lua state has no 'require': its host is to open "
      .. "Lua's libraries first (luaL_openlibs)" })
end

TestCopies = {}

-- A directory whose modules all refuse to be loaded.
local function poisoned()
  local directory = spec.tmpdir()
  assert(os.execute("mkdir " .. directory .. "/pexec"))
  for _, name in ipairs(parts()) do
    spec.write(directory .. "/" .. name:gsub("%.", "/") .. ".lua",
               "error 'from the disk'")
  end
  return directory
end

function TestCopies:test_what_is_on_disk_is_not_looked_at()
  lu.assertEquals(lines_of(OPEN .. NAMES .. ([[
    package.path, package.cpath = %q .. "/?.lua", ""
    local pexec = open()
  ]]):format(poisoned()) .. LIFE .. [[
    print(#names(package.loaded) > 100, require "pexec" == pexec)]]),
    { "true\ttrue" })
end

function TestCopies:test_nor_where_it_is_loaded_anew()
  lu.assertEquals(lines_of(OPEN .. ([[
    package.path, package.cpath = %q .. "/?.lua", ""
    local old = open()
    for name in pairs(package.loaded) do
      if name:find "^pexec" then package.loaded[name] = nil end
    end
    local pexec = require "pexec"
    print(pexec ~= old)
  ]]):format(poisoned()) .. LIFE), { "true" })
end

local COPY <const> = "pexec: this Lua state has another copy of it already, "
                     .. "from another library: one of its host's, or of "
                     .. "another path in package.cpath"

function TestCopies:test_a_state_that_has_it_from_disk_keeps_that()
  local lines = lines_of(OPEN .. [[
    local pexec = require "pexec"
    print(open() == pexec)
    package.loaded.pexec = nil
    print(select(2, pcall(open)):match "pexec: .*")
    print(require "pexec.core" == package.loaded["pexec.core"])
    package.loaded.pexec = pexec]] .. LIFE)
  lu.assertEquals(lines, { "true", COPY, "true" })
end

function TestCopies:test_none_from_disk_can_be_added()
  lu.assertEquals(lines_of(ALONE .. ([[
    print(pcall(package.loadlib(%q, "luaopen_pexec_core"), "pexec.core"))
  ]]):format(package.searchpath("pexec.core", package.cpath)) .. LIFE),
    { "false\t" .. COPY })
end

TestStates = {}

function TestStates:test_each_has_a_supervisor_of_its_own()
  lu.assertEquals(states.threads(4, 2, ALONE .. LIFE), {})
end

function TestStates:test_one_may_have_it_from_disk()
  local text = "local child_path = os.getenv 'PEXEC_CHILD' "
               .. "local pexec = require 'pexec'" .. LIFE
  for _, each in ipairs{ text, ALONE .. LIFE, text } do
    lu.assertEquals({ table.unpack({ states.run(each) }, 1, 2) }, { true, "" })
  end
end

TestLibrary = {}

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  assert(pipe:close(), command)
  return text
end

function TestLibrary:test_it_gives_away_its_openers_alone()
  lu.skipIf(spec.mode == "asan", "ASAN gives away more")
  local names = {}
  for name in output_of("nm -D --defined-only '" .. LIBRARY .. "'")
      :gmatch "%s[TDBR]%s+([%w_]+)\n" do
    names[#names + 1] = name
  end
  lu.assertEquals(names, { "luaopen_pexec", "luaopen_pexec_core" })
end

-- FAULTS 30: the threads may be the last to go
function TestLibrary:test_neither_it_nor_the_core_is_ever_unmapped()
  for _, path in ipairs{ LIBRARY, BUILD .. "/libpexec.so" } do
    lu.assertStrContains(output_of("readelf -dW '" .. path .. "'"),
                         "NODELETE", false, path)
  end
end

function TestLibrary:test_it_takes_lua_from_the_host_and_the_core_once()
  local needs = output_of("readelf -dW '" .. LIBRARY .. "'")
  lu.assertStrContains(needs, "[libpexec.so.")
  lu.assertStrContains(needs, "soname: [libpexec-lua.so.")
  lu.assertNotStrContains(needs, "liblua")
  lu.assertNotStrContains(needs, "libuv")
end

-- Made in another place, at another time, of a copy.
function TestLibrary:test_its_parts_do_not_depend_on_where_it_is_built()
  local directory = spec.tmpdir()
  output_of(("cp -r '%s/lua' '%s/copied' && cmake -DDIRECTORY=%s/copied "
             .. "-DOUTPUT=%s/parts.c -P '%s/src/embedded/parts.cmake' 2>&1")
            :format(spec.root, directory, directory, directory, spec.root))
  local made = spec.read(directory .. "/parts.c")
  lu.assertTrue(made == spec.read(BUILD .. "/embedded/parts.c"))
  lu.assertNotStrContains(made, spec.root)
end

-- The state that fails has nothing half made, and a second attempt succeeds.
function TestLibrary:test_it_can_be_opened_again_where_memory_ran_out()
  local failures = 0
  for nth = 1, 20000, 1499 do
    for _, is_for_good in ipairs{ "true", "false" } do
      local ok, message, left = states.starved(ALONE:gsub(
        "local pexec = open%(%)", ([[
        arm(%d, %s)
        local ok, problem = pcall(open)
        local failures = disarm()
        assert(ok or problem == "not enough memory", problem)
        local pexec = open()
        assert(pexec.dispatch() == 0)
        error(failures, 0)]]):format(nth, is_for_good)))
      lu.assertFalse(ok)
      lu.assertEquals(left, 0)
      failures = failures + assert(tonumber(message), message)
    end
  end
  lu.assertTrue(failures >= 8, "only " .. failures .. " have failed")
end
