-- What `cmake --install` makes: complete, movable, without a trace of where it
-- was built, and removable. C programs find it through pkg-config and CMake.

local lu = require "luaunit"
local packages = require "packages"
local spec = require "spec"

local run = packages.run

-- Installs into a prefix, and moves that elsewhere.
local function moved_tree()
  local directory = spec.tmpdir()
  run("cmake --install '%s' --prefix %s/first", packages.build, directory)
  run("mv %s/first %s/second", directory, directory)
  return directory .. "/second"
end

local function pkg_config(tree, arguments)
  return run("PKG_CONFIG_PATH=%s/lib/pkgconfig pkg-config %s pexec", tree,
             arguments):gsub("\n", " ")
end

TestPkgConfig = {}

function TestPkgConfig:test_a_program_links_the_shared_library()
  local tree = moved_tree()
  local program = packages.compile(pkg_config(tree, "--cflags --libs"))
  lu.assertStrContains(run("readelf -d %s", program), "[libpexec.so.0.1]")
  packages.assert_works(program, "LD_LIBRARY_PATH=" .. tree .. "/lib")
end

function TestPkgConfig:test_a_program_links_the_static_library()
  local program = packages.compile(
    pkg_config(moved_tree(), "--static --cflags --libs") .. " -static")
  lu.assertNotStrContains(run("readelf -d %s", program), "NEEDED")
  packages.assert_works(program)
end

function TestPkgConfig:test_it_tells_the_version()
  lu.assertEquals(pkg_config(moved_tree(), "--modversion"), "0.1.0 ")
end

TestCMake = {}

local project = [[
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(pexec %s REQUIRED COMPONENTS static)
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(LUA REQUIRED IMPORTED_TARGET lua5.4)
function(add_program library source)
  add_executable(with_${library} %s/examples/embed/${source})
  target_compile_definitions(with_${library} PRIVATE _GNU_SOURCE)
  target_link_libraries(with_${library} pexec::${library} ${ARGN})
endfunction()
add_program(pexec plain.c)
add_program(pexec_static plain.c)
add_program(pexec_lua threads.c PkgConfig::LUA Threads::Threads)
add_program(pexec_lua_static threads.c PkgConfig::LUA Threads::Threads)
]]

local function configure(tree, version)
  local directory = spec.tmpdir()
  spec.write(directory .. "/CMakeLists.txt", project:format(version, spec.root))
  return directory, packages.try(("cd %s && cmake -B build "
    .. "-DCMAKE_C_COMPILER=%s -DCMAKE_PREFIX_PATH=%s"):format(directory,
    packages.cached "CMAKE_C_COMPILER", tree))
end

function TestCMake:test_find_package_finds_all_libraries()
  local tree = moved_tree()
  local directory, log, status = configure(tree, "0.1")
  lu.assertEquals(status, 0, log)
  run("cmake --build %s/build", directory)
  packages.assert_works(directory .. "/build/with_pexec")
  packages.assert_works(directory .. "/build/with_pexec_static")
  for _, name in ipairs{ "with_pexec_lua", "with_pexec_lua_static" } do
    local said = run("LD_LIBRARY_PATH=%s/lib %s/build/%s", tree, directory,
                     name)
    lu.assertEquals(#spec.lines(said), 8, said)
  end
  for _, name in ipairs{ "with_pexec_static", "with_pexec_lua_static" } do
    local needed = run("readelf -d %s/build/%s", directory, name)
    lu.assertNotStrContains(needed, "libpexec")
  end
end

-- While the first number is 0 the second one is the interface's.
function TestCMake:test_another_interface_is_refused()
  local tree = moved_tree()
  for _, version in ipairs{ "0.0", "0.2" } do
    local _, log, status = configure(tree, version)
    lu.assertEquals(status, 1, log)
    lu.assertStrContains(log, ('with requested version "%s"'):format(version))
  end
end

TestTree = {}

local function objects(tree)
  local found = {}
  for _, file in ipairs(packages.files(tree)) do
    if file:find "%.so[%d.]*$" then found[#found + 1] = tree .. "/" .. file end
  end
  lu.assertEquals(#found, 7, table.concat(found, "\n"))
  return found
end

function TestTree:test_nothing_is_searched_for_where_it_was_built()
  for _, path in ipairs(objects(moved_tree())) do
    local dynamic = run("readelf -d %s", path)
    lu.assertStrContains(dynamic, "NEEDED")
    lu.assertNotStrContains(dynamic, "RPATH")
    lu.assertNotStrContains(dynamic, "RUNPATH")
  end
end

function TestTree:test_nothing_names_the_place_where_it_was_built()
  local tree = moved_tree()
  for _, place in ipairs{ spec.root, packages.build, tree:match "^.*/" } do
    lu.assertEquals(packages.try(("grep -rlF '%s' %s"):format(place, tree)), "")
  end
end

function TestTree:test_the_module_contains_the_core()
  local dynamic = run("readelf -d %s/lib/lua/5.4/pexec/core.so", moved_tree())
  lu.assertNotStrContains(dynamic, "libpexec")
end

TestUninstall = {}

local function install_below(root)
  run("DESTDIR=%s cmake --install '%s'", root, packages.build)
end

local function uninstall_below(root)
  return packages.try(("DESTDIR=%s cmake --build '%s' --target uninstall")
      :format(root, packages.build))
end

function TestUninstall:test_it_removes_all_that_was_installed()
  local root = spec.tmpdir()
  install_below(root)
  lu.assertTrue(#packages.files(root) > 40)
  local log, status = uninstall_below(root)
  lu.assertEquals(status, 0, log)
  lu.assertEquals(packages.files(root), {})
  lu.assertEquals(run("find %s -name '*pexec'", root .. "/*"), "")
end

function TestUninstall:test_it_leaves_what_others_have_put_there()
  local root = spec.tmpdir()
  install_below(root)
  local own = "usr/local/share/lua/5.4/pexec/own.lua"
  spec.write(root .. "/" .. own, "")
  uninstall_below(root)
  lu.assertEquals(packages.files(root), { own })
end

function TestUninstall:test_twice_is_an_error_that_says_why()
  local root = spec.tmpdir()
  install_below(root)
  uninstall_below(root)
  local log, status = uninstall_below(root)
  lu.assertNotEquals(status, 0)
  lu.assertStrContains(log, "nothing to uninstall")
  lu.assertStrContains(log, "install_manifest.txt")
end
