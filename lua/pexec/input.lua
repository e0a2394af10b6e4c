-- What Lua gives a process to read: p:write and p:close_stdin. The C side
-- answers each write once the pipe has taken it, in their order. Runs on the
-- thread that calls into Lua.

local answers = require "pexec.answers"
local core = require "pexec.core"

local input = {}

local function failure(action, process, message, code)
  if code == "UNSUPPORTED" then message = 'stdin is not "pipe"' end
  return answers.failure(action, process, message, code)
end

-- Waits until the pipe has taken all of it. Where the task is cancelled
-- meanwhile, what was not written yet may still be.
function input.write(process, data)
  local ok, message, code =
      answers.await(process, false, core.process_write, data)
  if not ok then return failure("writing to", process, message, code) end
  return true
end

function input.close(process)
  local ok, message, code = core.process_close_stdin(process)
  if not ok then return failure("closing stdin of", process, message, code) end
  return true
end

return input
