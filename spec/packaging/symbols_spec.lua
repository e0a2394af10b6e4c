-- What the shared objects export: what is written down, and nothing else. A
-- change of the lists is a change of the interface.

local lu = require "luaunit"
local packages = require "packages"
local spec = require "spec"

local library <const> = "spec/support/exported_by_libpexec.txt"
local module <const> = "spec/support/exported_by_module.txt"
local lua_library <const> = "spec/support/exported_by_libpexec_lua.txt"

local function exported(file)
  local names = {}
  local symbols = packages.run("nm -D --defined-only '%s/%s'", packages.build,
                               file)
  for name in symbols:gmatch "%x+ %a (%S+)" do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- The functions that a header marks.
local function declared(header)
  local names = {}
  local text = spec.read(spec.root .. "/include/" .. header)
  for declaration in text:gmatch "\nPEXEC_API ([^;]*);" do
    names[#names + 1] = declaration:match "([%w_]+) ?%("
  end
  table.sort(names)
  return names
end

TestSymbols = {}

function TestSymbols:test_the_library_exports_its_list()
  lu.assertEquals(exported "libpexec.so", packages.list(library))
end

function TestSymbols:test_the_library_s_list_is_its_header()
  lu.assertEquals(packages.list(library), declared "pexec.h")
end

function TestSymbols:test_the_module_exports_its_list()
  lu.assertEquals(exported "lua/pexec/core.so", packages.list(module))
end

function TestSymbols:test_the_lua_library_exports_its_list()
  lu.assertEquals(exported "libpexec-lua.so", packages.list(lua_library))
  lu.assertEquals(packages.list(lua_library), declared "pexec_lua.h")
end

function TestSymbols:test_the_module_s_list_is_in_its_header()
  local declarations = table.concat(declared "pexec_lua.h", " ")
  for _, name in ipairs(packages.list(module)) do
    lu.assertStrContains(declarations, name)
  end
end

-- What static libraries show to the program that they are linked into: names
-- that are hidden do not leave that, and all begin with pexec.
function TestSymbols:test_the_static_libraries_take_no_other_names()
  local strangers, count = {}, 0
  local symbols = packages.run("cd '%s' && nm -g --defined-only libpexec.a "
                               .. "libpexec-lua.a", packages.build)
  for name in symbols:gmatch "%x+ %a (%S+)" do
    count = count + 1
    if not name:find "^pexec_" and not name:find "^luaopen_pexec" then
      strangers[#strangers + 1] = name
    end
  end
  lu.assertEquals(strangers, {})
  lu.assertTrue(count > 0)
end
