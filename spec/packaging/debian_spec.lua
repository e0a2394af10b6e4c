-- pexec built from a copy of the checkout, elsewhere, as Debian packages: the
-- same to the byte as what was built here, in the places of Debian's policies,
-- and working where nothing but its packages is installed.

local lu = require "luaunit"
local packages = require "packages"
local spec = require "spec"

local run = packages.run
local base = packages.build .. "/packaging/debian"
local build = base .. "/build"
local machine = run("gcc -print-multiarch"):gsub("%s", "")
local library = "usr/lib/" .. machine .. "/"

local CONFIGURE <const> = "cmake -S %s/source -B '%s' "
  .. "-DCMAKE_C_COMPILER='%s' -DCMAKE_BUILD_TYPE='%s' -DPEXEC_WERROR='%s' "
  .. "-DCMAKE_INSTALL_PREFIX=/usr -DPEXEC_SPECS=OFF -DPEXEC_BENCH=OFF"

local is_made = false

-- The packages, made by the first that asks.
local function made()
  if not is_made then
    run("rm -rf '%s'", base)
    packages.copy_checkout(base .. "/source")
    run(CONFIGURE, base, build, packages.cached "CMAKE_C_COMPILER",
        packages.cached "CMAKE_BUILD_TYPE", packages.cached "PEXEC_WERROR")
    run("cmake --build '%s' -j 2 --target package", build)
    is_made = true
  end
  return build
end

local function package(name)
  return run("ls '%s'/%s_*.deb", made(), name):gsub("%s", "")
end

TestReproducible = {}

function TestReproducible:test_two_builds_in_different_places_are_the_same()
  for _, file in ipairs{ "libpexec.so", "libpexec.a", "libpexec-lua.so",
                         "libpexec-lua.a", "lua/pexec/core.so" } do
    local log, status = packages.try(("cmp '%s/%s' '%s/%s'"):format(
      packages.build, file, made(), file))
    lu.assertEquals(status, 0, log)
  end
end

-- But for times: those of files are told by SOURCE_DATE_EPOCH.
function TestReproducible:test_packages_are_the_same_when_made_again()
  local function sums()
    run("cd '%s' && SOURCE_DATE_EPOCH=1700000000 cpack", made())
    return run("cd '%s' && sha256sum *.deb", build)
  end
  local first = sums()
  run("find '%s/source' -exec touch {} +", base)
  lu.assertEquals(sums(), first)
end

TestTree = {}

local function without_lua_files(files)
  local others = {}
  for _, file in ipairs(files) do
    if not file:find "^usr/share/lua/5.4/pexec/" then
      others[#others + 1] = file:gsub("^" .. library:gsub("%p", "%%%0"), "LIB/")
    end
  end
  return others
end

local function unpacked(name)
  local root = spec.tmpdir()
  run("dpkg-deb -x '%s' %s", package(name), root)
  return root
end

function TestTree:test_the_module_is_where_debian_s_lua_looks()
  local paths = run(packages.bare
                    .. "lua5.4 -e 'print(package.path, package.cpath)'")
  lu.assertStrContains(paths, "/usr/share/lua/5.4/?.lua")
  lu.assertStrContains(paths, "/" .. library .. "lua/5.4/?.so")
  local root = unpacked "lua-pexec"
  lu.assertNotNil(spec.read(root .. "/usr/share/lua/5.4/pexec/init.lua"))
  lu.assertEquals(without_lua_files(packages.files(root)), {
    "LIB/libpexec-lua.so.0.1", "LIB/libpexec-lua.so.0.1.0",
    "LIB/libpexec.so.0.1", "LIB/libpexec.so.0.1.0",
    "LIB/lua/5.4/pexec/core.so",
    "usr/share/doc/lua-pexec/CHANGELOG.md",
    "usr/share/doc/lua-pexec/copyright",
    "usr/share/man/man3/pexec.3lua" })
end

function TestTree:test_what_builds_c_programs_is_in_the_other_package()
  lu.assertEquals(without_lua_files(packages.files(unpacked "lua-pexec-dev")), {
    "usr/include/pexec.h", "usr/include/pexec_lua.h",
    "LIB/cmake/pexec/pexec-config-version.cmake",
    "LIB/cmake/pexec/pexec-config.cmake",
    "LIB/cmake/pexec/pexec-static-targets-relwithdebinfo.cmake",
    "LIB/cmake/pexec/pexec-static-targets.cmake",
    "LIB/cmake/pexec/pexec-targets-relwithdebinfo.cmake",
    "LIB/cmake/pexec/pexec-targets.cmake",
    "LIB/libpexec-lua.a", "LIB/libpexec-lua.so",
    "LIB/libpexec.a", "LIB/libpexec.so",
    "LIB/pkgconfig/pexec-lua.pc", "LIB/pkgconfig/pexec.pc",
    "usr/share/doc/lua-pexec-dev/CHANGELOG.md",
    "usr/share/doc/lua-pexec-dev/copyright",
    "usr/share/man/man3/pexec.3" })
end

function TestTree:test_packages_depend_on_what_they_load()
  local depends = run("dpkg-deb -f '%s' Depends", package "lua-pexec")
  for _, name in ipairs{ "libc6", "libjansson4", "libuv1", "zlib1g" } do
    lu.assertStrContains(depends, name .. " (>= ")
  end
  lu.assertStrContains(run("dpkg-deb -f '%s' Depends", package "lua-pexec-dev"),
                       "lua-pexec (= 0.1.0), libuv1-dev, zlib1g-dev, "
                       .. "libjansson-dev")
  lu.assertStrContains(run("dpkg-deb -I '%s' shlibs", package "lua-pexec"),
                       "libpexec 0.1 lua-pexec")
end

function TestTree:test_pkg_config_finds_it_in_a_directory_of_its_architecture()
  local root = spec.tmpdir()
  run("DESTDIR=%s/first cmake --install '%s' && mv %s/first %s/second", root,
      made(), root, root)
  local tree = root .. "/second/" .. library
  local flags = run("PKG_CONFIG_PATH=%s/pkgconfig pkg-config --cflags --libs "
                    .. "pexec", tree):gsub("\n", "")
  packages.assert_works(packages.compile(flags), "LD_LIBRARY_PATH=" .. tree)
end

-- Installed ------------------------------------------------------------------

TestInstalled = {}

-- A copy of the whole system on a disk in memory, which ends with the
-- command; /usr/local is empty there.
local ENTER <const> = [[
cd %s && mkdir -p disk && mount -t tmpfs tmpfs disk && cd disk &&
mkdir upper work root &&
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root &&
mount --rbind /proc root/proc && mount --rbind /dev root/dev &&
mount -t tmpfs tmpfs root/usr/local && mount -t tmpfs tmpfs root/tmp &&
cp '%s' '%s' ../script.lua ../plain.c root/tmp || exit 77
exec %s chroot root sh -ec 'cd /tmp; %s'
]]

local function in_debian(commands)
  local directory = spec.tmpdir()
  spec.write(directory .. "/script.lua", packages.script)
  spec.write(directory .. "/plain.c",
             spec.read(spec.root .. "/examples/embed/plain.c"))
  spec.write(directory .. "/enter.sh", ENTER:format(directory,
    package "lua-pexec", package "lua-pexec-dev", packages.bare, commands))
  local log, status = packages.try("unshare --mount --propagation private sh "
                                   .. directory .. "/enter.sh")
  if status == 77 or log:find "^unshare:" then
    lu.skip("no mounts of its own here: " .. log)
  end
  lu.assertEquals(status, 0, log)
  return log
end

function TestInstalled:test_a_lua_program_needs_one_package()
  local log = in_debian "dpkg -i lua-pexec_*.deb; lua5.4 script.lua"
  lu.assertStrContains(log, "3\t/usr/share/lua/5.4/pexec/init.lua\t/"
                            .. library .. "lua/5.4/pexec/core.so")
end

function TestInstalled:test_a_c_program_is_built_with_both()
  local log = in_debian [[dpkg -i *.deb
    cc -D_GNU_SOURCE plain.c $(pkg-config --cflags --libs pexec) -o plain
    timeout 60 ./plain
    cc -D_GNU_SOURCE plain.c -static -o static \
      $(pkg-config --static --cflags --libs pexec)
    dpkg -P lua-pexec-dev lua-pexec
    timeout 60 ./static]]
  lu.assertEquals(select(2, log:gsub("exit status 3", "")), 6, log)
end

function TestInstalled:test_removing_them_leaves_nothing()
  local log = in_debian [[dpkg -i *.deb; dpkg -P lua-pexec-dev lua-pexec
    find /usr /etc /var/lib/dpkg -xdev -name "*pexec*"; echo that is all]]
  lu.assertStrMatches(log, ".*Removing lua%-pexec %(0%.1%.0%) "
                           .. "[^/]*that is all\n")
end
