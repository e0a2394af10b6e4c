-- reopen_logs said that a log file had been opened anew where it had not been
-- yet, since what was to be written before could not be.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

TestLateReopening = {}

function TestLateReopening:test_it_is_told()
  local fifo = spec.tmpdir() .. "/fifo"
  assert(os.execute("mkfifo " .. fifo))
  local reader <close> = assert(io.open(fifo, "r+"))
  local process <close> = assert(pexec.new_managed_process(spec.child({
    stdout = { file = fifo, on_full = "block" } }, "flood"),
    pexec.null_logger))
  assert(process:start())
  spec.eventually(function()  -- more than the FIFO takes
    return process:info().output.stdout.bytes > 512 * 1024
  end)
  local ok, message, code = process:reopen_logs()
  lu.assertNil(ok)
  lu.assertStrContains(message, "error reopening log file \"" .. fifo .. "\"")
  lu.assertEquals(code, "EAGAIN")
  assert(reader)
end
