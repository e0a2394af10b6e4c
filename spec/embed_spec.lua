-- Hosts in C, as examples/embed/ shows them: from the build tree in each mode;
-- and once, without a sanitizer, built by a plain compiler against what is
-- installed. They are run where nothing of pexec's Lua parts is to be found.

local lu = require "luaunit"
local pages = require "pages"
local spec = require "spec"

local BUILD <const> = assert(os.getenv "PEXEC_BUILD")

-- What each program has to print, as a pattern's text or a check of its own.
local SAYS <const> = {}

function SAYS.plain(output)
  lu.assertEquals(output:gsub("from %d+", "from N"),
                  ("hello from N\nexit status 3\n"):rep(3))
end

function SAYS.uv_host(output)
  lu.assertEquals(output, "hello\tstdout\n")
end

function SAYS.threads(output)
  local lines = spec.lines(output)
  table.sort(lines)
  lu.assertEquals(#lines, 8, output)
  for i, line in ipairs(lines) do
    lu.assertEquals(line, ("thread %d: 3 starts"):format(i - 1))
  end
end

function SAYS.libev(output)
  lu.assertEquals(output, ("exited with status 3\n"):rep(4)
                          .. "stopped for SIGTERM\n")
end

-- Runs a command in an empty directory: what it printed on stdout, and on
-- stderr. It has to end with 0.
local function run(command, libraries)
  local directory = spec.tmpdir()
  local _, how, status = os.execute(("cd '%s' && LUA_PATH= LUA_CPATH= %s "
    .. "timeout -k 5 60 %s >out 2>err"):format(directory,
    libraries and "LD_LIBRARY_PATH='" .. libraries .. "'" or "", command))
  local output, errors = spec.read(directory .. "/out"),
                         spec.read(directory .. "/err")
  lu.assertEquals(how .. " " .. status, "exit 0", output .. errors)
  return output, errors
end

TestBuilt = {}

function TestBuilt:test_each_program_does_what_it_says()
  local names = pages.lines_of "ls examples/embed | sed -n 's/[.]c$//p'"
  lu.assertEquals(#names, 4)
  for _, name in ipairs(names) do
    SAYS[name](run(("'%s/examples/%s'"):format(BUILD, name)))
  end
end

TestUserScripts = {}

-- Runs the host with these scripts.
local function host(...)
  local directory, words = spec.tmpdir(), {}
  for i, text in ipairs{ ... } do
    words[i] = ("%s/%d.lua"):format(directory, i)
    spec.write(words[i], text)
  end
  return run(("'%s/examples/uv_host' %s"):format(BUILD,
                                                 table.concat(words, " ")))
end

function TestUserScripts:test_all_find_the_same_pexec()
  lu.assertEquals(host("first = require 'pexec'",
                       "print(require 'pexec' == first) quit()",
                       "print(package.loaded.pexec == first)"),
                  "true\ntrue\n")
end

function TestUserScripts:test_one_that_errs_disturbs_no_other()
  local output, errors = host([[
    local pexec = require "pexec"
    local p = assert(pexec.new_managed_process({ id = "a", name = "sh",
      args = { "-c", "echo up; read x" }, stdin = "pipe",
      log_writer = function(line)
        print(line)
        pexec.task(function() p:close_stdin() end)
      end,
      on_unexpected_exit = function(status) print(status) quit() end
    }, pexec.null_logger))
    _G.p = p
    assert(p:start())]], "error('boom', 0)")
  lu.assertEquals(output, "up\n1\n")
  lu.assertEquals(errors, "boom\n")
end

function TestUserScripts:test_the_end_of_the_host_stops_what_they_have_started()
  local file = spec.tmpdir() .. "/pid"
  host(([[
    local pexec = require "pexec"
    local p = assert(pexec.new_managed_process({ id = "a", name = "sh",
      args = { "-c", "echo $$ >%s; echo up; exec sleep 1000" },
      log_writer = quit }, pexec.null_logger))
    assert(p:start())]]):format(file))
  lu.assertFalse(spec.alive(tonumber(spec.read(file))))
end

TestInstalled = {}

local PLAIN <const> = "a plain compiler cannot link what has a sanitizer in it"
local ONCE <const> = "the kernel makes no difference to it"

-- Installs below a directory of its own; where it is.
local function install()
  lu.skipIf(spec.mode ~= "plain", PLAIN)
  lu.skipIf(os.getenv "PEXEC_BASIC_KERNEL" == "1", ONCE)
  local prefix = spec.tmpdir() .. "/prefix"
  run(("cmake --install '%s' --prefix '%s'"):format(BUILD, prefix))
  return prefix
end

local MODULES <const> = { plain = "pexec", uv_host = "pexec-lua lua5.4 libuv",
                          threads = "pexec-lua lua5.4", libev = "pexec" }
local OTHERS <const> = { libev = " -lev" }  -- what pkg-config does not know

-- What pkg-config says there.
local function flags_of(prefix, modules)
  return ("$(PKG_CONFIG_PATH='%s/lib/pkgconfig' pkg-config --cflags --libs %s)")
         :format(prefix, modules)
end

-- Compiles and runs one of them.
local function build_and_run(name, prefix, compiler, flags)
  local program = prefix .. "/" .. name
  local _, complaints = run(
    ("%s -Wall -Wextra -Wpedantic -Werror -o '%s' '%s/examples/embed/%s.c' %s")
    :format(compiler, program, spec.root, name, flags))
  lu.assertEquals(complaints, "")
  SAYS[name](run("'" .. program .. "'", prefix .. "/lib"))
end

for name, modules in pairs(MODULES) do
  TestInstalled["test_" .. name .. "_is_built_against_it"] = function()
    local prefix = install()
    build_and_run(name, prefix, "cc -pthread",
                  flags_of(prefix, modules) .. (OTHERS[name] or ""))
  end
end

function TestInstalled:test_so_is_a_program_in_cpp()
  local prefix = install()
  if not os.execute "command -v c++ >/dev/null" then lu.skip "no C++" end
  build_and_run("plain", prefix, "c++ -std=c++17 -x c++",
                flags_of(prefix, MODULES.plain))
end

-- The archive of the binding, on top of the core's shared library.
function TestInstalled:test_the_module_may_be_linked_statically()
  local prefix = install()
  local flags = flags_of(prefix, "pexec lua5.4")
  build_and_run("threads", prefix, "cc -pthread",
                ("'%s/lib/libpexec-lua.a' %s -ljansson"):format(prefix, flags))
end
