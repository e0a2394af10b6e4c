-- What the C side answers to orders that have a ticket: p:write, p:signal.
-- Waiting for that is here. Runs on the thread that calls into Lua.

local core = require "pexec.core"
local scheduler = require "pexec.scheduler"
local values = require "pexec.values"

local quote <const> = values.quote

local answers = {}

-- process -> array of waits. Who waits keeps the process alive.
local waits = setmetatable({}, { __mode = "k" })

-- Before it is ordered: what follows needs no memory, so that no answer is
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

-- An order is answered: to be told at once, also in a finaliser.
function answers.note(process, ticket, code, message)
  for _, wait in ipairs(waits[process] or {}) do
    if wait.ticket == ticket then
      if code then return scheduler.wake(wait, nil, message, code) end
      return scheduler.wake(wait, true)
    end
  end
end

-- One that was cancelled before orders nothing.
local function check_canceled()
  local task = scheduler.innermost()
  if not task then return true end
  local message, code = task.context:err()
  return not message or nil, message, code
end

local function hand_over(process, wait, order, ...)
  local message, code
  wait.ticket, message, code = order(process, ...)
  if not wait.ticket then return nil, message, code end
  return scheduler.wait(wait)
end

-- Orders order(process, ...), which gives a ticket, and waits for its answer.
-- is_certain: once it is ordered, no cancellation ends that.
function answers.await(process, is_certain, order, ...)
  local ok, message, code = check_canceled()
  if not ok then return nil, message, code end
  local wait = { ticket = false, is_certain = is_certain }
  join(process, wait)
  ok, message, code = hand_over(process, wait, order, ...)
  leave(process, wait)
  return ok, message, code
end

-- nil, message, code, as the methods give them: what was done to what.
function answers.failure(action, process, message, code)
  return nil, ("error %s process %s: %s")
      :format(action, quote(core.process_name(process)), message), code
end

return answers
