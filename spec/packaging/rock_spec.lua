-- `luarocks make` in a checkout installs the Lua module, without a network.

local lu = require "luaunit"
local packages = require "packages"
local spec = require "spec"

local run = packages.run

TestRock = {}

-- In a network of its own, where nobody else is, if that may be had.
local function offline()
  local _, status = packages.try "unshare --net true"
  return status == 0 and "unshare --net " or ""
end

local function luarocks(tree, arguments)
  return run("cd %s/source && %s env HOME=%s CMAKE_BUILD_PARALLEL_LEVEL=2 "
             .. "luarocks --lua-version 5.4 --tree %s/tree %s", tree, offline(),
             tree, tree, arguments)
end

function TestRock:test_a_checkout_is_installed_used_and_removed()
  local directory = spec.tmpdir()
  local tree = directory .. "/tree/"
  packages.copy_checkout(directory .. "/source")
  luarocks(directory, "make")
  spec.write(directory .. "/script.lua", packages.script)
  local output = run("cd / && LUA_PATH='%sshare/lua/5.4/?.lua;"
    .. "%sshare/lua/5.4/?/init.lua' LUA_CPATH='%slib/lua/5.4/?.so' lua5.4 "
    .. "%s/script.lua", tree, tree, tree, directory)
  lu.assertEquals(output, "3\t" .. tree .. "share/lua/5.4/pexec/init.lua\t"
                          .. tree .. "lib/lua/5.4/pexec/core.so\n")
  luarocks(directory, "remove pexec")
  lu.assertEquals(run("find %s -name '*.so' -o -name '*.lua'", tree), "")
end
