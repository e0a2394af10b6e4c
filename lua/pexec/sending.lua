-- Signals to a process: p:signal and p:reload. The C side sends them, in
-- their order, and answers each with what the system said. Runs on the thread
-- that calls into Lua.

local answers = require "pexec.answers"
local core = require "pexec.core"
local scheduler = require "pexec.scheduler"
local values = require "pexec.values"

local sending = {}

local check_target = values.one_of{ "process", "group" }

-- What is wrong with an argument, without the name that its check was given.
local function words(message)
  return (message:gsub("^%w+: ", "", 1))
end

-- p:signal's arguments -> number, is it for the group. Raises, and blames the
-- caller's caller.
function sending.check(signal, to)
  local number, message = values.signal(signal, "signal")
  if not number then
    error(("bad argument #1 to 'signal' (%s)"):format(words(message)), 3)
  end
  local target
  target, message = check_target(to == nil and "process" or to, "to")
  if not target then
    error(("bad argument #2 to 'signal' (%s)"):format(words(message)), 3)
  end
  return number, target == "group"
end

-- True once the kernel has taken it.
function sending.send(process, number, to_group)
  local ok, message, code =
      answers.await(process, true, core.process_signal, number, to_group)
  if ok then return true end
  return answers.failure("sending " .. core.signal_name(number) .. " to",
                         process, message, code)
end

local function fail(process, problem)
  local is_explained = type(problem) == "table"  -- else there was no memory
  core.process_value(process).log(process, "error",
      "error in its reload_signal: " ..
      (is_explained and problem.traceback or problem))
  return answers.failure("reloading", process,
                         is_explained and problem.message or problem)
end

-- Who returns nothing has had no failure to tell of.
local function conclude(process, is_ok, ...)
  if not is_ok then return fail(process, (...)) end
  if select("#", ...) == 0 then return true end
  return ...
end

-- Calls f(process) where we are: it may wait as the caller may.
function sending.call(process, f)
  return conclude(process, xpcall(f, scheduler.explain, process))
end

return sending
