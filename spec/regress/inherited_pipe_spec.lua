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
repeat pexec.sleep(0.01) until io.open(%q)
]]

function TestInheritedPipe:test_one_that_is_read_fast_gets_all()
  local lines, go = 300000, spec.tmpdir() .. "/go"
  local host = hosts.start(SCRIPT:format(lines, spec.tmpdir() .. "/log", go))
  host:await("drops")
  pcall(spec.eventually, function() return #host.stdout >= lines end)
  spec.write(go, "")
  lu.assertTrue((host:finish()))
  lu.assertEquals(host.stderr, { "drops 0" })
  lu.assertEquals(#host.stdout, lines)
  lu.assertEquals(host.stdout[lines], "line " .. lines)
end
