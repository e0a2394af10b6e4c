-- The core compiles with musl as the C library, too. It is not linked, since
-- Debian has libuv and zlib for glibc alone.

local lu = require "luaunit"
local packages = require "packages"
local pages = require "pages"
local spec = require "spec"

-- What the core includes that is neither its own nor musl's.
local FOREIGN <const> = { "uv.h", "uv", "zlib.h", "zconf.h", "linux", "asm",
                          "asm-generic" }

-- Those headers alone, of all that lie beside glibc's.
local function foreign_headers()
  local directory = spec.tmpdir()
  local machine = packages.run("gcc -print-multiarch"):gsub("%s", "")
  for _, name in ipairs(FOREIGN) do
    packages.run("for place in /usr/include /usr/include/%s; do "
                 .. "[ ! -e $place/%s ] || exec ln -s $place/%s %s; done; "
                 .. "false",
                 machine, name, name, directory)
  end
  return directory
end

TestMusl = {}

function TestMusl:test_each_file_of_the_core_compiles()
  local headers, files = foreign_headers(), pages.lines_of "ls src/core/*.c"
  lu.assertTrue(#files > 50)
  packages.run("cd '%s' && for file in %s; do musl-gcc -std=c11 -D_GNU_SOURCE "
               .. "-Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only "
               .. "-Iinclude -isystem %s $file || exit; done", spec.root,
               table.concat(files, " "), headers)
end
