--[[
What the specs of packages share: commands that have to succeed, a copy of the
checkout that is built elsewhere, what is in a tree, and the C program that is
built against an installed one.

Runs on the spec's own thread.
]]

local lu = require "luaunit"
local spec = require "spec"

local packages = {}

packages.build = assert(os.getenv "PEXEC_BUILD")

-- The interpreter's own paths, whatever the environment adds.
packages.bare = "env -u LUA_PATH -u LUA_CPATH "

--- Runs a command of the shell; its output, both streams, and its status.
function packages.try(command)
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1 </dev/null"))
  local text = pipe:read "a"
  local _, how, code = pipe:close()
  return text, how == "signal" and 128 + code or code
end

--- Runs one that has to succeed; its output.
function packages.run(command, ...)
  command = select("#", ...) > 0 and command:format(...) or command
  local text, status = packages.try(command)
  lu.assertEquals(status, 0, command .. "\n" .. text)
  return text
end

--- A value of the cache of the build that is tested.
function packages.cached(name)
  return assert(spec.read(packages.build .. "/CMakeCache.txt")
                    :match("\n" .. name .. ":%w+=([^\n]*)"), name)
end

--- Copies the checkout, as it is, without what is built in it.
function packages.copy_checkout(directory)
  packages.run("mkdir -p %s && tar -C '%s' --exclude=./build* --exclude=./.git "
               .. "-cf - . | tar -C %s -xf -", directory, spec.root, directory)
end

--- Files and links below a directory, sorted: "usr/include/pexec.h".
function packages.files(directory)
  return spec.lines(packages.run(
    "cd '%s' && find . -type f -o -type l | sed 's|^./||' | LC_ALL=C sort",
    directory))
end

--- A sorted file's lines, but for comments.
function packages.list(path)
  local lines = {}
  for _, line in ipairs(spec.lines(spec.read(spec.root .. "/" .. path))) do
    if not line:find("^#") then lines[#lines + 1] = line end
  end
  return lines
end

local program = "examples/embed/plain.c"

--- Compiles the example in C, with these flags of the linker; its path.
function packages.compile(flags)
  local path = spec.tmpdir() .. "/plain"
  packages.run("'%s' -std=c11 -D_GNU_SOURCE '%s/%s' -o %s %s",
               packages.cached "CMAKE_C_COMPILER", spec.root, program, path,
               flags)
  return path
end

--- Runs the example, which keeps a shell up; with an environment in front.
function packages.assert_works(path, environment)
  local output = packages.run("%s timeout 60 %s", environment or "", path)
  lu.assertEquals(output:gsub("from %d+", "from N"),
                  ("hello from N\nexit status 3\n"):rep(3))
end

--- A script that keeps a process up, and says where it has found the module.
packages.script = [[
local pexec = require "pexec"
local deaths = 0
local process = assert(pexec.new_managed_process({
  id = "a", name = "sh", args = { "-c", "exit 3" }, restart_delay = 0,
  on_unexpected_exit = function()
    deaths = deaths + 1
    return deaths < 3
  end }, pexec.null_logger))
assert(process:start())
assert(process:wait())
print(deaths, package.searchpath("pexec", package.path),
      package.searchpath("pexec.core", package.cpath))
]]

return packages
