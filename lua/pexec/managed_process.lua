-- ManagedProcess: its methods, and what becomes of its events. The C side
-- gives orders and tells news; waiting, handlers and error messages are here.
-- Runs on the thread that calls into Lua.

local config = require "pexec.config"
local context = require "pexec.context"
local core = require "pexec.core"
local logger = require "pexec.logger"
local output = require "pexec.output"
local scheduler = require "pexec.scheduler"

local managed_process = {}

local ManagedProcess = core.ManagedProcess
local methods = ManagedProcess.__index

local managed = {}   -- process -> true: keeps it and its handlers alive
local waiting = {}   -- process -> { news -> array of waits }, while any wait
local deciding = {}  -- process -> the task of its handler
local last_exit = setmetatable({}, { __mode = "k" })  -- of a one-shot's run

-- {== making one ============================================================

local function assignments(environment)
  local list = {}
  for name, text in pairs(environment) do
    list[#list + 1] = name .. "=" .. text
  end
  return list
end

-- Puts a logger where it belongs: the built-in one writes from C, another
-- gets its lines from here.
local function route(plan, lua_loggers, stream, sink)
  if core.is_logger(sink) then
    plan[stream .. "_logger"] = sink
  else
    plan[stream .. "_logger"] = nil
    lua_loggers[stream] = sink
  end
end

local function event_bits(sinks)
  if not sinks then return 0 end
  return (sinks.stdout and 1 or 0) | (sinks.stderr and 2 or 0)
end

-- Messages of pexec's about this process, from Lua: where those of C go.
local function log_function(sink, id)
  if core.is_logger(sink) then
    return function(level, message) sink[level](sink, message, id) end
  end
  return function(level, message)
    scheduler.spawn(function() sink[level](sink, id .. ": " .. message) end)
  end
end

local function stream_loggers(plan, sink)
  local lua_loggers = {}
  for _, stream in ipairs{ "stdout", "stderr" } do
    local own = plan[stream .. "_logger"]
    plan[stream .. "_logger"] = nil
    if plan.log then route(plan, lua_loggers, stream, own or sink) end
  end
  return lua_loggers
end

local function prepare(plan, sink)
  local sinks = output.sinks(plan.log_writer, stream_loggers(plan, sink))
  plan.environment = assignments(plan.environment)
  plan.asks = plan.on_unexpected_exit ~= nil
  plan.output_events = event_bits(sinks)
  plan.log_events = not core.is_logger(sink)
  plan.logger = core.is_logger(sink) and sink or nil
  return sinks
end

-- pexec.new_managed_process(config [, logger])
function managed_process.new(settings, sink, level)
  level = (level or 1) + 1
  settings = config.check(settings, level)
  sink = logger.check(sink, "logger", level) or logger.default()
  local ok, message, code = settings:validate(settings.id)
  if not ok then return nil, message, code end
  local plan = config.snapshot(settings, level)
  local sinks = prepare(plan, sink)
  local process
  process, message, code = core.process_new(plan)
  if not process then return nil, message, code end
  if plan.asks or sinks or plan.log_events then
    core.process_value(process, {
      handler = plan.on_unexpected_exit,
      sinks = sinks,
      log = log_function(sink, plan.id),
    })
  end
  return process
end

-- {== waiting for news ======================================================

-- wait.is_inside: in its own writer, which does not wait for itself, or in a
-- finaliser, where nothing is handed out: woken as soon as the news is there.
local function await(process, news, wait)
  local lists = waiting[process] or {}
  waiting[process] = lists
  lists[news] = lists[news] or {}
  table.insert(lists[news], wait)
  wait.is_inside = output.is_inside(process) or scheduler.is_in_finaliser()
  return scheduler.wait(wait)
end

local function wake_list(list, only_inside, ...)
  local rest = {}
  for _, wait in ipairs(list) do
    if not only_inside or wait.is_inside then
      scheduler.wake(wait, ...)
    else
      rest[#rest + 1] = wait
    end
  end
  return rest[1] and rest or nil
end

local function wake_all(process, news, only_inside, ...)
  local lists = waiting[process]
  if not lists or not lists[news] then return end
  lists[news] = wake_list(lists[news], only_inside, ...)
  if not next(lists) then waiting[process] = nil end
end

local function is_active(process)
  return core.process_is_active(process)
end

-- {== an unexpected exit ====================================================

local function decide(process, task)
  local restart = true
  deciding[process] = nil
  if task.is_ok then
    restart = task.results[1]
  else
    core.process_value(process).log("error",
        "error in on_unexpected_exit, restarting: " .. task.traceback)
  end
  core.process_decide(process, restart)  -- ignored where a stop came first
end

local function ask(process, exit)
  local handler = core.process_value(process).handler
  scheduler.spawn(function()
    local task = scheduler.current()
    deciding[process] = task
    exit.process = process
    exit.context = task.context
    return handler(exit.exit_code, exit)
  end, function(task) decide(process, task) end)
end

local function cancel_decision(process)
  local task = deciding[process]
  if task then task.context:cancel() end
end

-- {== news ==================================================================

local news = {}

function news.started(process, only_inside, code, message)
  if code then
    wake_all(process, "started", only_inside, nil, message, code)
  elseif not core.process_is_one_shot(process) then
    wake_all(process, "started", only_inside, true)
  end
end

function news.exited(process, only_inside, asks, exit)
  if only_inside then return end
  if asks then
    ask(process, exit)
  else
    last_exit[process] = exit
  end
end

function news.stopped(process, only_inside, stage, code, message)
  wake_all(process, "stopped", only_inside, stage, message, code)
end

function news.ended(process, only_inside)
  if not only_inside then managed[process] = nil end
  wake_all(process, "started", only_inside, true)
  wake_all(process, "ended", only_inside, true)
end

local function note(kind, process, ...)
  if news[kind] and kind ~= "exited" then news[kind](process, true, ...) end
  if kind == "exited" and not ... then last_exit[process] = select(2, ...) end
end

for kind, deliver in pairs(news) do
  scheduler.listen(kind, function(process, ...)
    local arguments = table.pack(...)
    output.after(process, function()
      deliver(process, false, table.unpack(arguments, 1, arguments.n))
    end)
  end)
end

scheduler.listen_first(note)
scheduler.listen("output", output.take)
scheduler.listen("log", function(process, level, message)
  core.process_value(process).log(level, message)
end)

-- {== starting ==============================================================

local function failure(process, reason, code)
  return nil, ("error running process %q: %s")
      :format(core.process_name(process), reason), code
end

-- How a one-shot's run has ended: as start answers it.
local function outcome(process)
  local exit = last_exit[process]
  last_exit[process] = nil
  if not exit then  -- a stop came before it could run or end
    return failure(process, "already stopped", "ALREADY_STOPPED")
  elseif exit.canceled and exit.signal then
    return failure(process, ("signal: %s (%s)"):format(exit.signal_text,
                   context.messages[exit.canceled]), exit.canceled)
  elseif exit.signal then
    return failure(process, "signal: " .. exit.signal_text, "SIGNALED")
  elseif exit.exit_code == 0 then
    return true
  elseif exit.exit_code then
    return failure(process, "exit status " .. exit.exit_code, "EXIT_STATUS")
  end
  return failure(process, "the host has reaped it, its exit status is unknown",
                 "EXIT_STATUS")
end

local function start_managed(process)
  local ok, message, code = core.process_start(process)
  if not ok then return nil, message, code end
  managed[process] = true
  return await(process, "started", {})
end

local function run_one_shot(process, ctx)
  local ok, message, code =
      core.process_start(process, ctx and context.time_left(ctx))
  if not ok then return nil, message, code end
  managed[process] = true
  last_exit[process] = nil
  local function cancel(why) core.process_cancel(process, why) end
  if ctx then context.watch(ctx, cancel) end
  local result
  result, message, code = await(process, "started", { on_cancel = cancel })
  if ctx then context.unwatch(ctx, cancel) end
  if not result then return nil, message, code end
  return outcome(process)
end

-- p:start([context])
function methods.start(process, ctx)
  if ctx ~= nil and not context.is(ctx) then
    error(("bad argument #1 to 'start' (Context expected, got %s)")
          :format(type(ctx)), 2)
  end
  if not core.process_is_one_shot(process) then
    return start_managed(process)
  end
  local message, code
  if ctx then message, code = ctx:err() end
  if message then return failure(process, message, code) end
  return run_one_shot(process, ctx)
end

-- {== stopping ==============================================================

-- p:stop(). In its own handler the cancellation is the caller's own doing,
-- and does not end its wait.
function methods.stop(process)
  local wait = { is_certain = deciding[process] ~= nil and
                              deciding[process] == scheduler.current() }
  local ok, message, code = core.process_stop(process)
  if not ok then return nil, message, code end
  cancel_decision(process)
  local stage
  stage, message, code = await(process, "stopped", wait)
  if not stage or code then
    if code ~= "STOP_TIMEOUT" then return nil, message, code end
    return nil, ("error stopping process %q: %s")
        :format(core.process_name(process), message), code
  end
  return true, stage
end

-- p:kill_group()
function methods.kill_group(process)
  core.process_kill_group(process)
  cancel_decision(process)
end

-- p:wait()
function methods.wait(process)
  if deciding[process] and deciding[process] == scheduler.current() then
    error("a process's handler cannot wait for its process", 2)
  end
  if not is_active(process) and not managed[process] then return true end
  local ok, message, code = await(process, "ended", {})
  if not ok then return nil, message, code end
  return true
end

-- {== what is known =========================================================

-- nil, pid while it runs; else what there is to say instead.
local function find_pid(process)
  local state, pid, starts = core.process_state(process)
  if not state then return nil, pid, starts end  -- message, code
  if pid then return pid end
  if starts == 0 then return nil, "process not started", "NOT_STARTED" end
  return nil, "process already finished", "PROCESS_DONE"
end

-- p:id(), p:status(), p:unix_pid()
methods.id = core.process_id

function methods.status(process)
  local pid, message, code = find_pid(process)
  if not pid then return nil, message, code end
  return true
end

methods.unix_pid = find_pid

ManagedProcess.__close = function(process) methods.stop(process) end

-- For the module: can news come?
function managed_process.is_any_managed()
  return next(managed) ~= nil or next(waiting) ~= nil
end

-- A built-in process?
function managed_process.is(value)
  return debug.getmetatable(value) == ManagedProcess
end

return managed_process
