-- ManagedProcess: its methods, and what becomes of its events. The C side
-- gives orders and tells news; waiting, handlers and error messages are here.
-- Runs on the thread that calls into Lua.

local answers = require "pexec.answers"
local config = require "pexec.config"
local context = require "pexec.context"
local core = require "pexec.core"
local deciding = require "pexec.deciding"
local events = require "pexec.events"
local input = require "pexec.input"
local known = require "pexec.known"
local logger = require "pexec.logger"
local output = require "pexec.output"
local planning = require "pexec.planning"
local preparing = require "pexec.preparing"
local scheduler = require "pexec.scheduler"
local sending = require "pexec.sending"
local stop_calls = require "pexec.stop_calls"
local values = require "pexec.values"

local quote <const> = values.quote

local managed_process = {}

local ManagedProcess = core.ManagedProcess
local methods = ManagedProcess.__index

local managed = {}   -- process -> true: keeps it and its handlers alive
local waiting = {}   -- process -> { news -> array of waits }, while any wait
local last_exit = setmetatable({}, { __mode = "k" })  -- of a one-shot's run
local refusals = {}  -- process -> message and code of a start, until its end
-- process -> true: a stop or a kill was ordered
local is_final = setmetatable({}, { __mode = "k" })

-- A built-in process?
function managed_process.is(value)
  return debug.getmetatable(value) == ManagedProcess
end

-- Of a method's receiver.
local function check_self(process, method)
  if managed_process.is(process) then return end
  error(("calling '%s' on bad self (ManagedProcess expected, got %s)")
        :format(method, type(process)), 3)
end

-- {== making one ============================================================

-- pexec.new_managed_process(config [, logger])
function managed_process.new(settings, sink, level)
  level = (level or 1) + 1
  settings = config.check(settings, level)
  sink = logger.check(sink, "logger", level) or logger.default()
  local ok, message, code = settings:validate(settings.id)
  if not ok then return nil, message, code end
  local plan, value = planning.make(settings, sink, level)
  local process
  process, message, code = core.process_new(plan)
  if not process then return nil, message, code end
  core.process_value(process, value)
  if plan.after_start then
    events.on(process, "started", deciding.note_start)
  end
  return process
end

-- {== waiting for news ======================================================

local function forget(process, news, wait)
  local lists = waiting[process]
  local list = lists and lists[news] or {}
  for index, other in ipairs(list) do
    if other == wait then
      table.remove(list, index)
      break
    end
  end
  if lists and not list[1] then lists[news] = nil end
  if lists and not next(lists) then waiting[process] = nil end
end

-- wait.is_inside: in its own writer, which does not wait for itself, or in a
-- finaliser, where nothing is handed out: woken as soon as the news is there.
local function await(process, news, wait)
  local lists = waiting[process] or {}
  local list = lists[news] or {}
  list[#list + 1] = wait
  lists[news] = list
  waiting[process] = lists
  wait.is_inside = output.is_inside(process) or scheduler.is_in_finaliser()
  local answer = table.pack(scheduler.wait(wait))
  forget(process, news, wait)  -- one that was cancelled is still there
  return table.unpack(answer, 1, answer.n)
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

-- Its handler is not asked any more.
local function note_final(process)
  is_final[process] = true
  preparing.finish(process)
end

-- {== news ==================================================================

-- What is to be known whatever the writer is at, also in a finaliser.
local at_once = {}

-- What comes after all lines before it.
local in_order = {}

-- A start that was refused counts as one until its end is told, which is next:
-- who hears of the failure may try again.
function at_once.started(process, code, message)
  if code == "ALREADY_STOPPED" then
    wake_all(process, "started", false, nil, message, code)
  elseif code then
    refusals[process] = { message, code }
  elseif not core.process_is_one_shot(process) then
    wake_all(process, "started", false, true)
  end
end

function at_once.exited(process, asks, exit)
  if not asks then last_exit[process] = exit end
end

function in_order.exited(process, asks, exit)
  if asks and not is_final[process] then deciding.ask(process, exit) end
end

function in_order.given_up(process, record, reason)
  deciding.give_up(process, record, reason)
end

local function tell_stopped(process, only_inside, stage, code, message, ...)
  wake_all(process, "stopped", only_inside, stage, message, code, ...)
end

function at_once.stopped(process, ...)
  tell_stopped(process, true, ...)
end

function in_order.stopped(process, ...)
  local answer = table.pack(...)
  deciding.after_exit(process, function()
    tell_stopped(process, false, table.unpack(answer, 1, answer.n))
  end)
end

function in_order.prepare(process, ticket)
  if not is_final[process] then preparing.ask(process, ticket) end
end

local function tell_ended(process, only_inside)
  local refusal = refusals[process]
  if refusal then
    wake_all(process, "started", only_inside, nil, table.unpack(refusal))
  else
    wake_all(process, "started", only_inside, true)
  end
  wake_all(process, "ended", only_inside, true)
end

function at_once.ended(process)
  tell_ended(process, true)
end

function in_order.ended(process)
  managed[process] = nil
  preparing.finish(process)
  deciding.after_exit(process, function()
    tell_ended(process, false)
    refusals[process] = nil
  end)
end

scheduler.listen_first(function(kind, process, ...)
  if at_once[kind] then at_once[kind](process, ...) end
end)

for _, kind in ipairs{ "started", "exited", "stopped", "prepare", "given_up",
                       "ended" } do
  local deliver = in_order[kind]
  scheduler.listen(kind, function(process, ...)
    if not deliver then return end
    local arguments = table.pack(...)
    output.after(process, function()
      deliver(process, table.unpack(arguments, 1, arguments.n))
    end)
  end)
end

function at_once.restarted(process, code, message)
  wake_all(process, "restarted", false, not code or nil, message, code)
end

scheduler.listen("restarted", function() end)  -- all is done about it

function at_once.reopened(process, code, message, path)
  wake_all(process, "reopened", false, not code or nil, message, code, path)
end

scheduler.listen("reopened", function() end)  -- all is done about it

for _, kind in ipairs{ "written", "signaled" } do
  at_once[kind] = answers.note
  scheduler.listen(kind, function() end)  -- all is done about it
end

scheduler.listen("transition", function(process, name, detail)
  output.after(process, function() events.take(process, name, detail) end)
end)

at_once.stop_call = stop_calls.note
scheduler.listen("stop_call", stop_calls.run)

scheduler.listen("output", output.take)
scheduler.listen("log", function(process, level, message)
  core.process_value(process).log(process, level, message)
end)

-- {== starting ==============================================================

local function failure(process, reason, code)
  return nil, ("error running process %s: %s")
      :format(quote(core.process_name(process)), reason), code
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

-- Until its last lines are handed out it counts as started.
local function order_start(process, seconds)
  local ok, message, code = core.process_state(process)
  if not ok then return nil, message, code end
  if managed[process] and not is_final[process] then
    return nil, "already started", "ALREADY_STARTED"
  end
  local was_managed = managed[process]
  managed[process] = true  -- before it starts: this may need memory
  ok, message, code = core.process_start(process, seconds)
  if not ok then managed[process] = was_managed end
  return ok, message, code
end

-- Not a wait that a cancellation ends: the process would run all the same.
local function start_managed(process)
  deciding.expect_start(process)
  local ok, message, code = order_start(process)
  if not ok then return nil, message, code end
  ok, message, code = await(process, "started", { is_certain = true })
  if not ok then return nil, message, code end
  deciding.after_start(process)
  return true
end

local function run_one_shot(process, ctx)
  local ok, message, code =
      order_start(process, ctx and context.time_left(ctx))
  if not ok then return nil, message, code end
  last_exit[process] = nil
  local function cancel(why) core.process_cancel(process, why) end
  if ctx then context.watch(ctx, cancel) end
  local result
  result, message, code = await(process, "started", { on_cancel = cancel })
  if ctx then context.unwatch(ctx, cancel) end
  if context.messages[code] then  -- before it ran, or while we waited
    return failure(process, context.messages[code], code)
  elseif not result then
    return nil, message, code
  end
  return outcome(process)
end

-- p:start([context])
function methods.start(process, ctx)
  check_self(process, "start")
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

-- {== writing to it =========================================================

-- p:write(data)
function methods.write(process, data)
  check_self(process, "write")
  if type(data) ~= "string" and type(data) ~= "number" then
    error(("bad argument #1 to 'write' (string expected, got %s)")
          :format(type(data)), 2)
  end
  return input.write(process, data)
end

-- p:close_stdin()
function methods.close_stdin(process)
  check_self(process, "close_stdin")
  return input.close(process)
end

-- {== signals ===============================================================

-- p:signal(signal [, "process" or "group"])
function methods.signal(process, signal, to)
  check_self(process, "signal")
  local number, to_group = sending.check(signal, to)
  return sending.send(process, number, to_group)
end

-- p:reload()
function methods.reload(process)
  check_self(process, "reload")
  local reload = core.process_value(process).reload
  if values.is_callable(reload) then return sending.call(process, reload) end
  return sending.send(process, reload, false)
end

-- {== events ================================================================

-- p:on(event, f)
function methods.on(process, event, f)
  check_self(process, "on")
  events.check(event, f)
  return events.on(process, event, f)
end

-- p:off(handle)
function methods.off(process, handle)
  check_self(process, "off")
  events.check_handle(handle)
  return events.off(process, handle)
end

-- {== stopping ==============================================================

-- p:stop(). In its own handler the cancellation is the caller's own doing,
-- and does not end its wait.
function methods.stop(process)
  check_self(process, "stop")
  local is_called = stop_calls.is_within(process)
  local wait = { is_certain = is_called or deciding.is_inside(process) }
  local ok, message, code = core.process_stop(process)
  if not ok then return nil, message, code end
  note_final(process)
  if is_called then stop_calls.advance(process) end
  local stage, number, survivors
  stage, message, code, number, survivors = await(process, "stopped", wait)
  if not stage or code then
    if code ~= "STOP_TIMEOUT" then return nil, message, code end
    return nil, ("error stopping process %s: %s")
        :format(quote(core.process_name(process)), message), code, survivors
  end
  return true, stop_calls.result(process, stage, number, survivors)
end

-- Its stop is ordered, and nobody waits for it.
function managed_process.abandon(process)
  core.process_stop(process)
  note_final(process)
end

-- The end is not told yet, perhaps: then it is what is waited for first.
local function start_anew(process)
  if managed[process] then
    local ok, message, code = await(process, "ended", {})
    if not ok then return nil, message, code end
  end
  return start_managed(process)
end

-- p:restart(). In its own handler as stop.
function methods.restart(process)
  check_self(process, "restart")
  local wait = { is_certain = deciding.is_inside(process) }
  local ok, message, code = core.process_restart(process)
  if ok then
    deciding.cancel(process)
    ok, message, code = await(process, "restarted", wait)
  end
  if code == "PROCESS_DONE" then return start_anew(process) end
  if code == "UNSUPPORTED" then
    return failure(process, "a one-shot cannot be restarted", code)
  end
  if not ok then return nil, message, code end
  return true
end

-- p:kill_group()
function methods.kill_group(process)
  check_self(process, "kill_group")
  if core.process_kill_group(process) then note_final(process) end
end

-- p:wait()
function methods.wait(process)
  check_self(process, "wait")
  if deciding.is_inside(process) then
    error("a process's handler cannot wait for its process", 2)
  end
  if not is_active(process) and not managed[process] then return true end
  if output.is_inside(process) and deciding.may_ask(process) then
    error("a process's writer cannot wait for its process: its handler is " ..
          "called when the writer has returned", 2)
  end
  local ok, message, code = await(process, "ended", {})
  if not ok then return nil, message, code end
  return true
end

-- {== what is known =========================================================

-- p:id()
function methods.id(process)
  check_self(process, "id")
  return core.process_id(process)
end

-- p:status()
function methods.status(process)
  check_self(process, "status")
  local pid, message, code = known.pid(process)
  if not pid then return nil, message, code end
  return true
end

-- p:unix_pid()
function methods.unix_pid(process)
  check_self(process, "unix_pid")
  return known.pid(process)
end

local function check_count(value, method)
  if value == nil or math.type(value) == "integer" then return end
  error(("bad argument #1 to '%s' (integer expected, got %s)")
        :format(method, math.type(value) or type(value)), 3)
end

-- p:tail([n]): the last lines that were read, or the last n of them.
function methods.tail(process, n)
  check_self(process, "tail")
  check_count(n, "tail")
  return core.process_tail(process, n)
end

-- p:history([n]): how its last children have ended, or the last n of them.
function methods.history(process, n)
  check_self(process, "history")
  check_count(n, "history")
  return known.history(process, n)
end

-- p:info()
function methods.info(process)
  check_self(process, "info")
  return known.info(process)
end

-- p:reopen_logs()
function methods.reopen_logs(process)
  check_self(process, "reopen_logs")
  local ok, message, code = core.process_reopen(process)
  if code == "NOT_STARTED" then return true end  -- nothing is open
  if not ok then return nil, message, code end
  local path
  ok, message, code, path = await(process, "reopened", {})
  if ok then return true end
  if not path then return nil, message, code end
  return nil, ("error reopening log file %s: %s"):format(quote(path), message),
         code
end

ManagedProcess.__close = function(process) methods.stop(process) end

-- For the module: can news come?
function managed_process.is_any_managed()
  return next(managed) ~= nil or next(waiting) ~= nil
end

return managed_process
