-- What a child wrote to the host's own stdout, beside a file, was written a
-- pipe's size at a time with ever longer pauses, however fast that pipe was
-- read: it came late, and was dropped.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

TestInheritedPipe = {}

local LINES <const> = 1000000

-- Its arguments: the log file, and where to tell how many lines it lacks.
local HOST <const> = [[
local pexec, spec = require "pexec", require "spec"
local config = spec.child({ one_shot = true }, "lines", %d)
config.stdout = { "inherit", { file = arg[1], max_size = 0 } }
local process = assert(pexec.new_managed_process(config, pexec.null_logger))
assert(process:start())
spec.write(arg[2], process:info().output.stdout.drops)
]]

function TestInheritedPipe:test_one_that_is_read_fast_gets_all()
  local directory = spec.tmpdir()
  local function path(name) return directory .. "/" .. name end
  spec.write(path("host.lua"), HOST:format(LINES))
  local host = assert(pexec.new_managed_process({
    id = "host", name = "/bin/sh", one_shot = true, args = { "-c",
      '"$0" "$1/host.lua" "$1/log" "$1/drops" | cat >"$1/out"',
      spec.lua_path, directory } }, pexec.null_logger))
  assert(host:start())
  lu.assertEquals(spec.read(path("drops")), "0")
  lu.assertTrue(spec.read(path("out")) == spec.read(path("log")))
  lu.assertStrContains(spec.read(path("out")):sub(-30), "line " .. LINES)
end
