-- What Lua gives a process to read: p:write and p:close_stdin. The C side
-- answers each write once the pipe has taken it, in their order; waiting for
-- that is here. Runs on the thread that calls into Lua.

local core = require "pexec.core"
local scheduler = require "pexec.scheduler"
local values = require "pexec.values"

local quote <const> = values.quote

local input = {}

-- process -> array of waits. Who waits keeps the process alive.
local waits = setmetatable({}, { __mode = "k" })

local function failure(action, process, message, code)
  if code == "UNSUPPORTED" then message = 'stdin is not "pipe"' end
  return nil, ("error %s process %s: %s")
      :format(action, quote(core.process_name(process)), message), code
end

-- {== waiting for an answer =================================================

-- Before it is written: what follows needs no memory, so that no answer is
-- missed.
local function join(process, wait)
  local list = waits[process] or {}
  list[#list + 1] = wait
  waits[process] = list
end

local function leave(process, wait)
  local list = waits[process]
  for index, other in ipairs(list) do
    if other == wait then
      table.remove(list, index)
      break
    end
  end
  if not list[1] then waits[process] = nil end
end

-- A write is answered: to be told at once, also in a finaliser.
function input.note(process, ticket, code, message)
  for _, wait in ipairs(waits[process] or {}) do
    if wait.ticket == ticket then
      if code then return scheduler.wake(wait, nil, message, code) end
      return scheduler.wake(wait, true)
    end
  end
end

-- {== the methods ===========================================================

-- One that was cancelled before writes nothing.
local function check_canceled()
  local task = scheduler.innermost()
  if not task then return true end
  local message, code = task.context:err()
  return not message or nil, message, code
end

local function hand_over(process, data, wait)
  local message, code
  wait.ticket, message, code = core.process_write(process, data)
  if not wait.ticket then return nil, message, code end
  return scheduler.wait(wait)
end

-- Waits until the pipe has taken all of it. Where the task is cancelled
-- meanwhile, what was not written yet may still be.
function input.write(process, data)
  local ok, message, code = check_canceled()
  if ok then
    local wait = { ticket = false }
    join(process, wait)
    ok, message, code = hand_over(process, data, wait)
    leave(process, wait)
  end
  if not ok then return failure("writing to", process, message, code) end
  return true
end

function input.close(process)
  local ok, message, code = core.process_close_stdin(process)
  if not ok then return failure("closing stdin of", process, message, code) end
  return true
end

return input
