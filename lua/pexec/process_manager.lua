-- ProcessManager: many processes under their ids, in the order of adding. It
-- uses no more of a process than id, start, stop and status, so that any
-- object that has these is one. Runs on the thread that calls into Lua.

local context = require "pexec.context"
local core = require "pexec.core"
local events = require "pexec.events"
local logger = require "pexec.logger"
local managed_process = require "pexec.managed_process"
local scheduler = require "pexec.scheduler"
local signals = require "pexec.signals"
local values = require "pexec.values"

local process_manager = {}

local ProcessManager = core.ProcessManager
local methods = ProcessManager.__index

local NO_MEMORY <const> = "not enough memory"
local STOPPED <const> = "already stopped"
local STOPPED_CODE <const> = "ALREADY_STOPPED"

-- What a manager is, behind its userdata:
--   order       array of ids; while it is being stopped still of all
--   by_id       id -> process; false: there was no memory to put one in
--   sink        logger of the processes that it makes; nil: the default
--   is_started, is_stopped
--   starting    waits of those who wait for a start under way; nil: none is
--   stopping    the task of a stop under way; nil: none is
--   runs        set of the waits of those who run it
--   listeners   functions that hear of all its processes
local function make(state)
  state.runs = {}
  state.listeners = events.new_group()
  return core.manager_new(state)
end

local state_of = core.manager_value

-- pexec.new_process_manager([logger | { logger = }])
function process_manager.new(options)
  local sink = options
  if type(options) == "table" and options.info == nil then
    for name in pairs(options) do
      if name ~= "logger" then
        error("new_process_manager: " ..
              values.unknown_field(name, { "logger" }), 2)
      end
    end
    sink = options.logger
  end
  logger.check(sink, "logger", 2)
  return make{ order = {}, by_id = {}, sink = sink }
end

-- {== arguments =============================================================

local function index(object, key)
  return object[key]
end

-- The first of these methods that it does not have; nil: it has them all.
local function missing_method(object, names)
  for _, name in ipairs(names) do
    local ok, method = values.try(index, object, name)
    if not ok or not values.is_callable(method) then return name end
  end
end

local function check_id(id, method)
  if type(id) == "string" then return end
  error(("bad argument #1 to '%s' (string expected, got %s)")
        :format(method, type(id)), 3)
end

-- Returns its id.
local function check_process(process)
  local missing = not managed_process.is(process) and
      missing_method(process, { "id", "start", "stop", "status" })
  if missing then
    error(("bad argument #1 to 'add_process' (process expected, got %s " ..
           "without method %q)"):format(type(process), missing), 3)
  end
  local id = process:id()
  if type(id) == "string" then return id end
  error(("bad argument #1 to 'add_process' (its id: string expected, got %s)")
        :format(type(id)), 3)
end

local function check_context(ctx, position, method)
  if ctx == nil or context.is(ctx) then return end
  error(("bad argument #%d to '%s' (Context expected, got %s)")
        :format(position, method, type(ctx)), 3)
end

-- {== what is in it =========================================================

local function copy(list)
  return table.move(list, 1, #list, 1, {})
end

local function list_processes(state)
  local list = {}
  for position, id in ipairs(state.order) do
    list[position] = state.by_id[id]
  end
  return list
end

function methods:process_ids()
  local state = state_of(self)
  return state.is_stopped and {} or copy(state.order)
end

function methods:process_by_id(id)
  local state = state_of(self)
  check_id(id, "process_by_id")
  if state.is_stopped then return nil end
  return state.by_id[id] or nil
end

local function take_out(state, id)
  local process = state.by_id[id] or nil
  state.by_id[id] = nil
  if process ~= nil then state.listeners:leave(process) end
  for position, other in ipairs(state.order) do
    if other == id then
      table.remove(state.order, position)
      break
    end
  end
  return process
end

function methods:remove_process_by_id(id)
  local state = state_of(self)
  check_id(id, "remove_process_by_id")
  if state.is_stopped then return nil end
  return take_out(state, id)
end

-- What may need memory comes first: it is there, or nothing has changed.
local function put(state, id, process)
  local replaced = state.by_id[id] or nil
  state.listeners:join(process)
  if replaced == nil then
    state.by_id[id] = false
    state.order[#state.order + 1] = id
  elseif not rawequal(replaced, process) then
    state.listeners:leave(replaced)
  end
  state.by_id[id] = process
  return replaced
end

-- {== adding ================================================================

-- One that runs already counts as started.
local function start_one(process, ctx)
  if process:status() then return true end
  local ok, message, code = process:start(ctx)
  if ok or code == "ALREADY_STARTED" then return true end
  return nil, message or "error starting a process", code
end

-- It starts before it is put in its place: one that cannot replaces none.
local function start_new(state, process, ctx)
  local ok, message, code = start_one(process, ctx)
  if not ok then return nil, message, code end
  if state.is_stopped then  -- meanwhile: nobody else will stop it
    process:stop()
    return nil, STOPPED, STOPPED_CODE
  end
  return true
end

-- Those who hear of all hear of its start, too.
local function add(state, id, process, start, ctx)
  if state.is_stopped then return nil, STOPPED, STOPPED_CODE end
  if start and (state.is_started or state.starting) then
    state.listeners:join(process)
    local ok, message, code = start_new(state, process, ctx)
    if not ok then
      local is_held = rawequal(state.by_id[id], process)
      if not is_held then state.listeners:leave(process) end
      return nil, message, code
    end
  end
  return true, put(state, id, process)
end

-- pm:add_process(process, start)
function methods:add_process(process, start)
  local state = state_of(self)
  return add(state, check_process(process), process, start)
end

-- Nobody else has it, to stop it: where there was no memory to put it in its
-- place, it may run already.
local function pass_on(process, ok, ...)
  if ok then return ... end
  managed_process.abandon(process)
  error(..., 0)
end

-- pm:add_process_from_config(config [, context])
function methods:add_process_from_config(settings, ctx)
  local state = state_of(self)
  check_context(ctx, 2, "add_process_from_config")
  if state.is_stopped then return nil, STOPPED, STOPPED_CODE end
  local process, message, code =
      managed_process.new(settings, state.sink, 2)
  if not process then return nil, message, code end
  return pass_on(process, pcall(add, state, process:id(), process, true, ctx))
end

-- {== stopping ==============================================================

local function answer(ok, message, code)
  if not ok then return nil, message, code end
  return true
end

local function stop_one(process)
  local ok, message, code = process:stop()
  if ok then return true end
  return nil, message or "error stopping a process", code
end

-- act(value) of each: true, or nil with all messages in one, and a code.
local function for_all(list, act)
  local messages, first_code = {}, nil
  for _, value in ipairs(list) do
    local ok, message, code = act(value)
    if not ok then
      messages[#messages + 1] = message
      first_code = first_code or code
    end
  end
  if not messages[1] then return true end
  return nil, table.concat(messages, "; "), first_code
end

-- Those that there was no memory to stop: they are left to another stop.
local function left_of(state, tasks)
  local order, by_id = {}, {}
  for position, id in ipairs(state.order) do
    if tasks[position].message == NO_MEMORY then
      order[#order + 1], by_id[id] = id, state.by_id[id]
    end
  end
  return order, by_id
end

-- Side by side: each stop is a task of its own.
local function stop_all(state)
  local tasks = {}
  for position, process in ipairs(list_processes(state)) do
    tasks[position] = scheduler.spawn_helper(stop_one, nil, process)
  end
  local ok, message, code = for_all(tasks, scheduler.join)
  state.order, state.by_id = left_of(state, tasks)
  return ok, message, code
end

-- A task, which goes on whatever becomes of who has asked for it.
local function begin_stop(state)
  state.is_stopped = true
  local task = scheduler.spawn_helper(stop_all, function()
    state.stopping = nil
    for wait in pairs(state.runs) do scheduler.wake(wait, true) end
  end, state)
  if not task.is_done then state.stopping = task end
  return task
end

-- Where it cancels the handler that asks for it, that one still gets the
-- answer.
local function stop(state)
  local caller = scheduler.innermost()
  local was_cancelled = caller ~= nil and caller.context:err()
  local task = state.stopping or begin_stop(state)
  local is_cancelled = caller ~= nil and caller.context:err()
  return answer(scheduler.join(task, is_cancelled and not was_cancelled))
end

-- pm:stop()
function methods:stop()
  local state = state_of(self)
  local is_over = state.is_stopped and not state.stopping
  if is_over and #state.order == 0 then return true end
  return stop(state)
end

-- {== starting ==============================================================

-- The last of its results: did a stop interrupt it?
local function start_all(state, ctx)
  for _, id in ipairs(copy(state.order)) do
    local process = state.by_id[id]
    local ok, message, code = true, nil, nil
    if process ~= nil then ok, message, code = start_one(process, ctx) end
    if state.is_stopped then
      if ok then stop_one(process) end  -- it may not have heard of the stop
      return nil, STOPPED, STOPPED_CODE, true
    end
    if not ok then return nil, message, code end
  end
  return true
end

local function end_start(state, waits, ...)
  state.starting = nil
  for _, wait in ipairs(waits) do scheduler.wake(wait, ...) end
  return ...
end

-- Where a process's own start raises, the others are stopped as well.
local function start(state, ctx)
  local waits = {}
  local is_over = false
  local _ <close> = setmetatable({}, { __close = function(_, problem)
    if is_over then return end
    if not state.is_stopped then begin_stop(state) end
    end_start(state, waits, nil, scheduler.describe(problem))
  end })
  state.starting = waits
  local ok, message, code, is_interrupted = start_all(state, ctx)
  if ok then state.is_started = true
  elseif not is_interrupted then stop(state) end
  is_over = true
  return end_start(state, waits, ok, message, code, is_interrupted)
end

local function start_or_join(state, ctx)
  if state.is_stopped then return nil, STOPPED, STOPPED_CODE end
  if state.is_started then return true end
  if not state.starting then return start(state, ctx) end
  local wait = {}
  table.insert(state.starting, wait)
  return scheduler.wait(wait)
end

-- pm:start([context])
function methods:start(ctx)
  local state = state_of(self)
  check_context(ctx, 1, "start")
  return answer(start_or_join(state, ctx))
end

-- {== events ================================================================

-- pm:on(event, f)
function methods:on(event, f)
  local state = state_of(self)
  events.check(event, f)
  return state.listeners:on(list_processes(state), event, f)
end

-- pm:off(handle)
function methods:off(handle)
  local state = state_of(self)
  events.check_handle(handle)
  return state.listeners:off(handle)
end

-- {== log files =============================================================

-- pm:reopen_logs()
function methods:reopen_logs()
  return for_all(list_processes(state_of(self)), function(process)
    if not managed_process.is(process) then return true end
    return process:reopen_logs()
  end)
end

-- {== running ===============================================================

local function kill_all(state)
  for _, process in ipairs(list_processes(state)) do
    local ok, kill = values.try(index, process, "kill_group")
    if ok and kill then values.try(kill, process) end
  end
end

local function log_failure(state, task)
  local message = task.message or task.results[2]
  if not message then return end
  local sink = state.sink or logger.default()
  scheduler.spawn(sink.error, nil, sink, "error stopping: " .. message)
end

-- The first signal stops, the second kills.
local function signal_handler(state, run)
  local is_second = false
  return function(name)
    if is_second then return kill_all(state) end
    is_second = true
    if not state.is_stopped then run.reason = name end
    scheduler.spawn(stop, function(task) log_failure(state, task) end, state)
  end
end

local function await_stop(state)
  if state.is_stopped and not state.stopping then return true end
  local wait = {}
  state.runs[wait] = true
  local ok, message, code = scheduler.wait(wait)
  state.runs[wait] = nil
  return ok, message, code
end

-- pm:run([options])
function methods:run(options)
  local state = state_of(self)
  local numbers = signals.check(options, 2)
  local run = { reason = "stopped" }
  local guard <close>, message, code =
      signals.catch(numbers, signal_handler(state, run))
  if not guard then return nil, message, code end
  local ok, is_interrupted
  ok, message, code, is_interrupted = start_or_join(state)
  if ok or is_interrupted then ok, message, code = await_stop(state) end
  if not ok then return nil, message, code end
  return true, run.reason
end

-- {== for event loops =======================================================

-- cqueues: pollfd, events, timeout. LuaSocket and copas: getfd.
function methods:pollfd()
  state_of(self)
  return scheduler.pollfd()
end

methods.getfd = methods.pollfd

function methods:events()
  state_of(self)
  return "r"
end

function methods:timeout()
  state_of(self)
  return scheduler.time_left()
end

-- {== several ===============================================================

-- pm:clone()
function methods:clone()
  local state = state_of(self)
  local order = self:process_ids()
  local by_id = {}
  for _, id in ipairs(order) do by_id[id] = state.by_id[id] end
  return make{
    order = order, by_id = by_id, sink = state.sink,
    is_started = state.is_started, is_stopped = state.is_stopped,
  }
end

ProcessManager.__close = function(manager) manager:stop() end

ProcessManager.__tostring = function(manager)
  local state = state_of(manager)
  return ("pexec.ProcessManager (%d processes%s)"):format(
      #manager:process_ids(), state.is_stopped and ", stopped"
      or state.is_started and ", started" or "")
end

local function check_manager(value, position, method)
  local missing = missing_method(value, { "process_ids", "process_by_id",
      "add_process", "remove_process_by_id" })
  if not missing then return end
  error(("bad argument #%d to '%s' (ProcessManager expected, got %s " ..
         "without method %q)"):format(position, method, type(value), missing),
        3)
end

-- pexec.merge_add_process_managers(dst, src): starts nothing.
function process_manager.merge_add(dst, src)
  check_manager(dst, 1, "merge_add_process_managers")
  check_manager(src, 2, "merge_add_process_managers")
  local replaced = {}
  for _, id in ipairs(src:process_ids()) do
    local ok, old, code = dst:add_process(src:process_by_id(id), false)
    if not ok then return nil, old, code end
    if old ~= nil then replaced[#replaced + 1] = old end
  end
  return replaced
end

-- pexec.merge_remove_process_managers(dst, src): stops nothing.
function process_manager.merge_remove(dst, src)
  check_manager(dst, 1, "merge_remove_process_managers")
  check_manager(src, 2, "merge_remove_process_managers")
  local removed = {}
  for _, id in ipairs(src:process_ids()) do
    removed[#removed + 1] = dst:remove_process_by_id(id)
  end
  return removed
end

return process_manager
