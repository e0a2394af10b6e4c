-- What Lua does with a process's output, and with pexec's own messages about
-- it. One pump a process: a task that hands lines to its writer and Lua
-- loggers, one at a time and in order, and whatever else is to come after
-- them. It lives only while there is something to hand out.
-- Runs on the thread that calls into Lua.

local core = require "pexec.core"
local queue = require "pexec.queue"
local scheduler = require "pexec.scheduler"

local output = {}

local NO_MEMORY <const> = "not enough memory"

local pumps = {}              -- process -> its pump
local QUIET_TIME <const> = 5  -- seconds; errors closer together are one burst
local LONGEST_TURN <const> = 0.01  -- seconds

-- {== sinks: function(line, is_partial), one for each destination ===========

local function to_function(writer, stream)
  return function(line, is_partial)
    if is_partial then
      writer(line, stream, true)
    else
      writer(line, stream)
    end
  end
end

-- An io file says nil and why where it fails.
local function to_object(writer)
  return function(line, is_partial)
    local ok, message = writer:write(is_partial and line or line .. "\n")
    if not ok and message then error(message, 0) end
  end
end

local function to_logger(logger, level)
  return function(line) logger[level](logger, line) end
end

-- How a writer is called: as a function, or by its method.
local function to_writer(writer, stream)
  if type(writer) == "function" then return to_function(writer, stream) end
  return to_object(writer)
end

-- loggers[stream]: a Lua logger that gets each line, or nil. Returns
-- { stdout = array of sinks, stderr = … }, nil where there are none.
function output.sinks(writer, loggers)
  local sinks = {}
  for stream, level in pairs{ stdout = "info", stderr = "error" } do
    local list = {}
    if writer then list[#list + 1] = to_writer(writer, stream) end
    if loggers[stream] then
      list[#list + 1] = to_logger(loggers[stream], level)
    end
    sinks[stream] = list[1] and list or nil
  end
  return next(sinks) and sinks
end

-- {== one pump ==============================================================

-- Logged once in a burst; the line counts as delivered.
local function note_error(process, traceback)
  local value, now = core.process_value(process), core.now()
  local is_new = not value.failed_at or now - value.failed_at > QUIET_TIME
  value.failed_at = now
  if is_new then
    value.log(process, "error", "error in its writer: " .. traceback)
  end
end

local function traceback_of(problem)
  return debug.traceback(scheduler.describe(problem), 2)
end

-- Every so many lines it is asked whether the turn is over.
local LINES_A_LOOK <const> = 32

local function end_turn(pump)
  coroutine.yield()
  pump.turn_began = core.now()
end

-- One with much to hand out lets timers and others have their turns.
local function take_turns(pump)
  if scheduler.is_spent() then end_turn(pump) end
  pump.lines = pump.lines + 1
  if pump.lines < LINES_A_LOOK then return end
  pump.lines = 0
  if core.now() - pump.turn_began < LONGEST_TURN then return end
  end_turn(pump)
end

-- What raises ends this loop, and the next one goes on behind that line.
local function hand_lines(pump, lines, sink, is_partial)
  for line in core.lines_next, lines do
    take_turns(pump)
    pump.has_moved = true
    scheduler.count()
    sink(line, is_partial)
  end
end

-- Several destinations as one: an error in one keeps no line from another.
local function all_of(process, sinks)
  return function(line, is_partial)
    for _, sink in ipairs(sinks) do
      local ok, traceback = xpcall(sink, traceback_of, line, is_partial)
      if not ok then note_error(process, traceback) end
    end
  end
end

-- A piece comes alone, and without an end.
local function hand_out_lines(process, pump, item)
  local sinks = core.process_value(process).sinks[item.stream]
  if not sinks then return end
  local sink = sinks[2] and all_of(process, sinks) or sinks[1]
  local ok, traceback
  repeat
    pump.has_moved = false
    ok, traceback = xpcall(hand_lines, traceback_of, pump, item.lines, sink,
                           item.is_partial or nil)
    if not ok then note_error(process, traceback) end
  until ok or not pump.has_moved  -- no memory for the next line
end

local function hand_out(process, pump, item)
  if item.action then
    if scheduler.is_spent() then end_turn(pump) end
    return item.action()
  end
  hand_out_lines(process, pump, item)
end

-- Lines that fail count as delivered; what comes after them is only put off
-- where there is no memory for it.
local function settle(process, pump, item, problem)
  if item.lines then
    core.lines_done(item.lines)
  elseif problem == NO_MEMORY then
    queue.put_back(pump.items, item)
    coroutine.yield()
  elseif problem then
    note_error(process, scheduler.describe(problem))
  end
end

local function run(process, pump)
  pump.task = scheduler.current()
  for item in queue.take, pump.items do
    local ok, problem = pcall(hand_out, process, pump, item)
    settle(process, pump, item, not ok and problem or nil)
  end
  pumps[process] = nil
end

-- One that a memory error has kept from its task does not count.
local function pump_of(process)
  local pump = pumps[process]
  return pump and pump.task and pump
end

local function put(process, item)
  local pump = pump_of(process)
  if pump then return queue.put(pump.items, item) end
  pump = { items = queue.new(), task = false, turn_began = core.now(),
           lines = 0, has_moved = false }
  queue.put(pump.items, item)
  pumps[process] = pump
  scheduler.spawn_carrier(run, function(task)
    if not task.is_ok then pumps[process] = nil end
  end, process, pump)
end

-- {== for managed_process ===================================================

function output.take(process, lines, stream, is_partial)
  put(process, { lines = lines, stream = stream, is_partial = is_partial })
end

-- Calls action once all lines before it have been handed out; at once where
-- there are none.
function output.after(process, action)
  if pump_of(process) then
    put(process, { action = action })
  else
    action()
  end
end

-- Are we inside its writer, or in what helps that?
function output.is_inside(process)
  local pump = pump_of(process)
  return pump and scheduler.is_within(pump.task)
end

return output
