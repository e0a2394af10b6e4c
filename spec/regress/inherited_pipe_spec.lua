-- What a child wrote to the host's own stdout, beside a file, was written a
-- pipe's size at a time with ever longer pauses, however fast that pipe was
-- read: it came late, and was dropped.

local lu = require "luaunit"
local hosts = require "hosts"
local spec = require "spec"

TestInheritedPipe = {}

local SCRIPT <const> = [[
local config = spec.child({ one_shot = true }, "lines", %d)
config.stdout = { "inherit", { file = %q } }
local process = assert(pexec.new_managed_process(config, pexec.null_logger))
assert(process:start())
io.stderr:write("drops ", process:info().output.stdout.drops, "\n")
]]

function TestInheritedPipe:test_one_that_is_read_fast_gets_all()
  local lines = 300000
  local host, ok = hosts.run(SCRIPT:format(lines, spec.tmpdir() .. "/log"))
  lu.assertTrue(ok)
  lu.assertEquals(host.stderr, { "drops 0" })
  lu.assertEquals(#host.stdout, lines)
  lu.assertEquals(host.stdout[lines], "line " .. lines)
end
