-- Events: functions that hear what becomes of a process, p:on, and of each
-- one in a manager, pm:on. Owns their handles and in which order they begin;
-- each runs as a task of its own. Runs on the thread that calls into Lua.
--
-- A process's handles live with its value, so that they are collected with
-- it. The core posts only what somebody listens to.

local core = require "pexec.core"
local planning = require "pexec.planning"
local queue = require "pexec.queue"
local scheduler = require "pexec.scheduler"
local values = require "pexec.values"

local events = {}

local NO_MEMORY <const> = "not enough memory"
local NAMES <const> = core.transitions
local BITS <const> = {}  -- name -> its bit for process_subscribe
for position, name in ipairs(NAMES) do BITS[name] = 1 << (position - 1) end

-- What p:on and pm:on return:
--   event, f
--   is_on     until it is taken off
--   attached  of pm:on: process -> the handle there
local Handle = { __name = "pexec.Handle" }

function Handle.__tostring(handle)
  return ("pexec.Handle (%s%s)"):format(handle.event,
                                        handle.is_on and "" or ", off")
end

local function new_handle(event, f)
  return setmetatable({ event = event, f = f, is_on = true, attached = false },
                      Handle)
end

-- {== arguments =============================================================

local function wrong_event(event)
  if type(event) ~= "string" then
    return "string expected, got " .. type(event)
  elseif not BITS[event] then
    return values.suggest("unknown event " .. values.show(event), event, NAMES)
  end
end

-- Of 'on'. Raises, and blames the caller's caller.
function events.check(event, f)
  local problem = wrong_event(event)
  if problem then
    error(("bad argument #1 to 'on' (%s)"):format(problem), 3)
  elseif not values.is_callable(f) then
    error(("bad argument #2 to 'on' (function expected, got %s)")
          :format(type(f)), 3)
  end
end

-- Of 'off'.
function events.check_handle(handle)
  if type(handle) == "table" and getmetatable(handle) == Handle then return end
  error(("bad argument #1 to 'off' (handle of 'on' expected, got %s)")
        :format(type(handle)), 3)
end

-- {== one process ===========================================================

-- What its value has under 'events':
--   handles  name -> array of handles, the oldest first
--   calls    queue of what is yet to begin: { handle =, detail = }
local function listeners_of(process)
  local found = core.process_value(process).events
  if found then return found end
  found = { handles = {}, calls = queue.new() }
  for _, name in ipairs(NAMES) do found.handles[name] = {} end
  planning.own(process).events = found
  return found
end

local function subscribe(process, handles)
  local bits = 0
  for name, list in pairs(handles) do
    if list[1] then bits = bits | BITS[name] end
  end
  return core.process_subscribe(process, bits)
end

local function remove(list, handle)
  for position, other in ipairs(list) do
    if other == handle then
      table.remove(list, position)
      return true
    end
  end
  return false
end

-- A handle; or nil, message, code.
function events.on(process, event, f)
  local handles = listeners_of(process).handles
  local handle, list = new_handle(event, f), handles[event]
  list[#list + 1] = handle
  local ok, message, code = subscribe(process, handles)
  if ok then return handle end
  remove(list, handle)
  return nil, message, code
end

-- Was it there?
function events.off(process, handle)
  local handles = listeners_of(process).handles
  if not remove(handles[handle.event], handle) then return false end
  handle.is_on = false
  subscribe(process, handles)
  return true
end

-- {== what has happened =====================================================

-- detail -> true: its calls are in the queue, and one of them had no memory.
local taken = setmetatable({}, { __mode = "k" })

local function add_tail(process, record)
  if record then
    record.tail = core.process_tail(process, nil, record.run) or {}
  end
end

-- For all who listen now. What may need memory comes first.
local function enqueue(process, listeners, name, detail)
  local calls = {}
  if name == "exited" then add_tail(process, detail) end
  if name == "given_up" then add_tail(process, detail.record) end
  for position, handle in ipairs(listeners.handles[name]) do
    calls[position] = { handle = handle, detail = detail, has_begun = false,
                        after = false }
  end
  taken[detail] = true
  for _, call in ipairs(calls) do queue.put(listeners.calls, call) end
end

-- One whose task had no memory to begin raises that.
local function begin(process, call)
  local handle = call.handle
  local function log_failure(task)
    if task.is_ok or not call.has_begun then return end
    core.process_value(process).log(process, "error",
        ("error in its handler of %s: %s"):format(handle.event, task.traceback))
  end
  local task = scheduler.spawn(function()
    call.has_begun = true
    return handle.f(process, call.detail)
  end, log_failure)
  if not call.has_begun then error(task.message, 0) end
end

-- The oldest first, whoever has queued it: one that blocks the thread does
-- not let later ones overtake those behind it.
local function begin_all(process, calls)
  while calls.length > 0 and not scheduler.is_spent() do
    local call = queue.take(calls)
    if call.handle.is_on then
      local ok, problem = pcall(begin, process, call)
      if not ok and not call.has_begun then queue.put_back(calls, call) end
      if not ok then error(problem, 0) end
    end
  end
  if calls.length > 0 then scheduler.put_off("begin", process) end
end

-- Those for which the last dispatch had no turn.
scheduler.listen("begin", function(process)
  begin_all(process, listeners_of(process).calls)
end)

-- Begins what listens to it. After a memory error it goes on where it was.
function events.take(process, name, detail)
  local listeners = listeners_of(process)
  if not taken[detail] then enqueue(process, listeners, name, detail) end
  begin_all(process, listeners.calls)
  taken[detail] = nil
end

-- {== the processes of a manager ============================================

local Group = {}
Group.__index = Group

-- Handles that belong to all processes of a manager.
function events.new_group()
  return setmetatable({ handles = {} }, Group)
end

local function index(object, key)
  return object[key]
end

local function method_of(object, name)
  local ok, method = values.try(index, object, name)
  return ok and values.is_callable(method) and method or nil
end

-- An object that has no 'on', or whose 'on' refuses, is left alone. Of a
-- process: true; or nil, message, code.
local function attach(handle, process)
  local on = method_of(process, "on")
  if not on or handle.attached[process] then return true end
  local ok, inner, message, code = pcall(on, process, handle.event, handle.f)
  if not ok and inner == NO_MEMORY then error(inner, 0) end
  if ok and not inner and code then return nil, message, code end
  if ok then handle.attached[process] = inner end
  return true
end

local function detach(handle, process)
  local inner = handle.attached[process]
  local off = inner and method_of(process, "off")
  handle.attached[process] = nil
  if off then values.try(off, process, inner) end
end

local function detach_all(handle)
  local processes = {}
  for process in pairs(handle.attached) do
    processes[#processes + 1] = process
  end
  for _, process in ipairs(processes) do detach(handle, process) end
end

-- A handle; or nil, message, code.
function Group:on(processes, event, f)
  local handle = new_handle(event, f)
  handle.attached = setmetatable({}, { __mode = "k" })
  for _, process in ipairs(processes) do
    local ok, message, code = attach(handle, process)
    if not ok then
      detach_all(handle)
      return nil, message, code
    end
  end
  self.handles[#self.handles + 1] = handle
  return handle
end

function Group:off(handle)
  if not remove(self.handles, handle) then return false end
  handle.is_on = false
  detach_all(handle)
  return true
end

-- It is one of them from now on, if it was not.
function Group:join(process)
  for _, handle in ipairs(self.handles) do attach(handle, process) end
end

function Group:leave(process)
  for _, handle in ipairs(self.handles) do detach(handle, process) end
end

return events
