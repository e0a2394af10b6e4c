-- ProcessManager: many processes under their ids, in the order of adding. It
-- uses no more of a process than id, start, stop and status, so that any
-- object that has these is one. Runs on the thread that calls into Lua.

local context = require "pexec.context"
local core = require "pexec.core"
local logger = require "pexec.logger"
local managed_process = require "pexec.managed_process"
local scheduler = require "pexec.scheduler"
local values = require "pexec.values"

local process_manager = {}

local ProcessManager = core.ProcessManager
local methods = ProcessManager.__index

local STOPPED <const> = "already stopped"
local STOPPED_CODE <const> = "ALREADY_STOPPED"
local DEFAULT_SIGNALS <const> = { "INT", "TERM" }

-- What a manager is, behind its userdata:
--   order       array of ids
--   by_id       id -> process
--   sink        logger of the processes that it makes; nil: the default
--   is_started, is_stopped
--   starting    waits of those who wait for a start under way; nil: none is
--   stopping    the same of a stop
--   runs        waits of those who run it
local function make(state)
  state.runs = {}
  return core.manager_new(state)
end

local state_of = core.manager_value

local function is_manager(value)
  return debug.getmetatable(value) == ProcessManager
end

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

-- {== what is in it =========================================================

local function copy(list)
  return table.move(list, 1, #list, 1, {})
end

local function check_id(id, method)
  if type(id) ~= "string" then
    error(("bad argument #1 to '%s' (string expected, got %s)")
          :format(method, type(id)), 3)
  end
end

function methods:process_ids()
  return copy(state_of(self).order)
end

function methods:process_by_id(id)
  check_id(id, "process_by_id")
  return state_of(self).by_id[id]
end

function methods:remove_process_by_id(id)
  check_id(id, "remove_process_by_id")
  local state = state_of(self)
  local process = state.by_id[id]
  if process == nil then return nil end
  state.by_id[id] = nil
  for index, other in ipairs(state.order) do
    if other == id then
      table.remove(state.order, index)
      break
    end
  end
  return process
end

local function put(state, id, process)
  local replaced = state.by_id[id]
  if replaced == nil then state.order[#state.order + 1] = id end
  state.by_id[id] = process
  return replaced
end

-- {== adding ================================================================

local function check_process(process)
  if managed_process.is(process) then return end
  for _, name in ipairs{ "id", "start", "stop", "status" } do
    local ok, method = pcall(function() return process[name] end)
    if not ok or not values.is_callable(method) then
      error(("bad argument #1 to 'add_process' (process expected, got %s " ..
             "without method %q)"):format(type(process), name), 3)
    end
  end
end

-- It starts before it is put in its place: one that cannot replaces none.
local function add(state, process, start, ctx)
  if state.is_stopped then return nil, STOPPED, STOPPED_CODE end
  if state.is_started and start then
    local ok, message, code = process:start(ctx)
    if not ok then return nil, message, code end
    if state.is_stopped then  -- meanwhile: nobody else will stop it
      process:stop()
      return nil, STOPPED, STOPPED_CODE
    end
  end
  return true, put(state, process:id(), process)
end

-- pm:add_process(process, start)
function methods:add_process(process, start)
  local state = state_of(self)
  check_process(process)
  return add(state, process, start)
end

local function check_context(ctx, position, method)
  if ctx ~= nil and not context.is(ctx) then
    error(("bad argument #%d to '%s' (Context expected, got %s)")
          :format(position, method, type(ctx)), 3)
  end
end

-- pm:add_process_from_config(config [, context])
function methods:add_process_from_config(settings, ctx)
  local state = state_of(self)
  check_context(ctx, 2, "add_process_from_config")
  if state.is_stopped then return nil, STOPPED, STOPPED_CODE end
  local process, message, code =
      managed_process.new(settings, state.sink, 2)
  if not process then return nil, message, code end
  return add(state, process, true, ctx)
end

-- {== waiting for each other ================================================

local function wake_all(waits, ...)
  for _, wait in ipairs(waits) do scheduler.wake(wait, ...) end
end

local function join(waits)
  local wait = {}
  waits[#waits + 1] = wait
  return scheduler.wait(wait)
end

-- {== stopping ==============================================================

local function stop_one(process)
  local ok, message, code = process:stop()
  if not ok then return nil, message or "error stopping process", code end
  return true
end

local function collect_errors(tasks)
  local messages, first_code = {}, nil
  for _, task in ipairs(tasks) do
    local ok, message, code = task:wait()
    if not ok then
      messages[#messages + 1] = message
      first_code = first_code or code or "UNSUPPORTED"
    end
  end
  if not messages[1] then return true end
  return nil, table.concat(messages, "; "), first_code
end

-- Side by side: each stop is a task of its own.
local function stop_all(state)
  local tasks = {}
  local by_id = state.by_id
  local order = state.order
  state.by_id, state.order = {}, {}
  for index, id in ipairs(order) do
    tasks[index] = scheduler.spawn(stop_one, nil, by_id[id])
  end
  return collect_errors(tasks)
end

local function stop(state)
  state.is_stopped = true
  state.stopping = {}
  local runner = scheduler.spawn(stop_all, nil, state)
  local ok, message, code = runner:wait()
  local waits = state.stopping
  state.stopping = nil
  wake_all(waits, true)
  wake_all(state.runs, "stopped")
  return ok, message, code
end

-- pm:stop()
function methods:stop()
  local state = state_of(self)
  if state.stopping then
    local ok, message, code = join(state.stopping)
    if not ok then return nil, message, code end
    return true
  end
  if state.is_stopped then return true end
  local ok, message, code = stop(state)
  if not ok then return nil, message, code end
  return true
end

-- {== starting ==============================================================

local function start_one(process, ctx)
  local ok, message, code = process:start(ctx)
  if ok or code == "ALREADY_STARTED" then return true end
  return nil, message, code
end

local function start_all(state, ctx)
  for _, id in ipairs(copy(state.order)) do
    local process = state.by_id[id]
    if process ~= nil and not process:status() then
      local ok, message, code = start_one(process, ctx)
      if state.is_stopped then return nil, STOPPED, STOPPED_CODE end
      if not ok then return nil, message, code end
    end
  end
  return true
end

local function start(state, ctx)
  state.starting = {}
  local ok, message, code = start_all(state, ctx)
  local waits = state.starting
  state.starting = nil
  if ok then
    state.is_started = true
  elseif not state.is_stopped then
    stop(state)
  end
  wake_all(waits, ok, message, code)
  return ok, message, code
end

-- pm:start([context])
function methods:start(ctx)
  local state = state_of(self)
  check_context(ctx, 1, "start")
  if state.is_stopped then return nil, STOPPED, STOPPED_CODE end
  if state.is_started then return true end
  local ok, message, code
  if state.starting then
    ok, message, code = join(state.starting)
  else
    ok, message, code = start(state, ctx)
  end
  if not ok then return nil, message, code end
  return true
end

-- {== running ===============================================================

local runs = {}  -- signal's name -> function(), of the run that catches it

scheduler.listen("signal", function(_, name)
  if runs[name] then runs[name](name) end
end)

local function signal_numbers(names)
  local numbers = {}
  for index, name in ipairs(names) do
    local number, message = values.signal(name, "signals[" .. index .. "]")
    if not number then error("run: " .. message, 3) end
    numbers[index] = number
  end
  return numbers
end

local function check_options(options)
  if options == nil then return DEFAULT_SIGNALS end
  if type(options) ~= "table" then
    error(("bad argument #1 to 'run' (table expected, got %s)")
          :format(type(options)), 3)
  end
  for name in pairs(options) do
    if name ~= "signals" then
      error("run: " .. values.unknown_field(name, { "signals" }), 3)
    end
  end
  if options.signals == nil then return DEFAULT_SIGNALS end
  if type(options.signals) ~= "table" then
    error(("run: signals: table expected, got %s")
          :format(type(options.signals)), 3)
  end
  return options.signals
end

-- Puts the handlers back whatever happens: as a to-be-closed value.
local function catch(numbers, on_signal)
  local ok, message, code = core.catch(numbers)
  if not ok then return nil, message, code end
  for _, number in ipairs(numbers) do
    runs[core.signal_name(number)] = on_signal
  end
  return setmetatable({}, { __close = function()
    for _, number in ipairs(numbers) do
      runs[core.signal_name(number)] = nil
    end
    core.uncatch(numbers)
  end })
end

local function kill_all(processes)
  for _, process in ipairs(processes) do
    local ok, kill = pcall(function() return process.kill_group end)
    if ok and kill then kill(process) end
  end
end

local function list_processes(state)
  local list = {}
  for index, id in ipairs(state.order) do list[index] = state.by_id[id] end
  return list
end

-- The first signal stops, the second kills.
local function signal_handler(manager, run)
  local processes
  return function(name)
    if processes then return kill_all(processes) end
    run.reason = name
    processes = list_processes(state_of(manager))
    scheduler.spawn(manager.stop, nil, manager)
  end
end

-- pm:run([options])
function methods:run(options)
  local state = state_of(self)
  local numbers = signal_numbers(check_options(options))
  local run = {}
  local guard <close>, message, code =
      catch(numbers, signal_handler(self, run))
  if not guard then return nil, message, code end
  local ok
  ok, message, code = self:start()
  if not ok and not run.reason then return nil, message, code end
  if not state.is_stopped or state.stopping then
    local wait = {}
    state.runs[wait] = true
    table.insert(state.runs, wait)
    ok, message, code = scheduler.wait(wait)
    if not ok then return nil, message, code end
  end
  return true, run.reason or "stopped"
end

-- {== for event loops =======================================================

-- cqueues: pollfd, events, timeout. LuaSocket and copas: getfd.
function methods:pollfd()
  return scheduler.pollfd()
end

methods.getfd = methods.pollfd

function methods:events()
  return "r"
end

function methods:timeout()
  return scheduler.time_left()
end

-- {== several ===============================================================

-- pm:clone()
function methods:clone()
  local state = state_of(self)
  local by_id = {}
  for id, process in pairs(state.by_id) do by_id[id] = process end
  return make{
    order = copy(state.order), by_id = by_id, sink = state.sink,
    is_started = state.is_started, is_stopped = state.is_stopped,
  }
end

ProcessManager.__close = function(manager) manager:stop() end

ProcessManager.__tostring = function(manager)
  local state = state_of(manager)
  return ("pexec.ProcessManager (%d processes%s)"):format(#state.order,
      state.is_stopped and ", stopped" or state.is_started and ", started"
      or "")
end

-- pexec.merge_add_process_managers(dst, src): starts nothing.
function process_manager.merge_add(dst, src)
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
  local removed = {}
  for _, id in ipairs(src:process_ids()) do
    removed[#removed + 1] = dst:remove_process_by_id(id)
  end
  return removed
end

process_manager.is = is_manager

return process_manager
