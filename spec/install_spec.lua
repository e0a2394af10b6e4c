-- What `cmake --install` puts where, and that it works from there: by the
-- interpreter of the system, with nothing of the build tree.

local lu = require "luaunit"
local spec = require "spec"

local build = assert(os.getenv "PEXEC_BUILD")

local function shell(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read "a"
  lu.assertTrue(pipe:close(), text)
  return text
end

-- Installs below a fresh directory, as it would be below /.
local function install()
  local root = spec.tmpdir()
  shell(("DESTDIR='%s' cmake --install '%s'"):format(root, build))
  return root
end

-- Where the system's Lua looks, without what the environment adds.
local function system_paths()
  return shell("env -u LUA_PATH -u LUA_CPATH -u LUA_PATH_5_4 " ..
      "-u LUA_CPATH_5_4 lua5.4 -e 'print(package.path, package.cpath)'")
end

TestInstall = {}

function TestInstall:test_lua_finds_everything_where_it_looks_by_itself()
  local root = install()
  local paths = system_paths()
  lu.assertStrContains(paths, "/usr/local/share/lua/5.4/?/init.lua")
  lu.assertStrContains(paths, "/usr/local/lib/lua/5.4/?.so")
  for _, file in ipairs{ "share/lua/5.4/pexec/init.lua",
                         "lib/lua/5.4/pexec/core.so", "include/pexec.h",
                         "include/pexec_lua.h" } do
    lu.assertNotNil(spec.read(root .. "/usr/local/" .. file), file)
  end
end

function TestInstall:test_every_lua_file_is_installed_and_no_other()
  local root = install()
  local folder = root .. "/usr/local/share/lua/5.4/"
  lu.assertEquals(shell(("cd '%s' && find . -type f | sort"):format(folder)),
                  shell(("cd '%s/lua' && find . -type f | sort")
                        :format(spec.root)))
end

-- Under a sanitizer the module needs the runtime of a host that has it.
function TestInstall:test_the_installed_module_keeps_a_process_up()
  local root = install()
  local output, status = spec.run_script([[
    local pexec = require "pexec"
    local deaths = 0
    local process = assert(pexec.new_managed_process({
      id = "a", name = "sh", args = { "-c", "exit 3" }, restart_delay = 0,
      on_unexpected_exit = function(code)
        deaths = deaths + 1
        return deaths < 3
      end,
    }, pexec.null_logger))
    assert(process:start())
    assert(process:wait())
    print(deaths, package.searchpath("pexec.core", package.cpath))
  ]], {
    LUA_PATH = root .. "/usr/local/share/lua/5.4/?.lua;" ..
               root .. "/usr/local/share/lua/5.4/?/init.lua",
    LUA_CPATH = root .. "/usr/local/lib/lua/5.4/?.so",
  })
  lu.assertEquals(status, 0, output)
  lu.assertStrContains(output, "3\t" .. root .. "/usr/local/lib/lua/5.4")
end

function TestInstall:test_the_module_links_no_lua_and_libuv_dynamically()
  local needed = shell(("readelf -d '%s/lua/pexec/core.so'"):format(build))
  lu.assertStrContains(needed, "libuv.so")
  lu.assertNil(needed:find("liblua", 1, true))
  lu.assertStrContains(needed, "NODELETE")
  lu.assertNil(needed:find("RUNPATH", 1, true))
end
