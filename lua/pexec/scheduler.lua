-- Waiting, written once: tasks, timers, and the one place that pulls events.
-- In a task a waiting call suspends its coroutine; anywhere else it blocks
-- the thread, and dispatches meanwhile. Knows nothing of processes: those
-- who want events register for their kinds.
-- Runs on the thread that calls into Lua.

local context = require "pexec.context"
local core = require "pexec.core"
local heap = require "pexec.heap"
local loops = require "pexec.loops"
local queue = require "pexec.queue"

local scheduler = {}

local NO_MEMORY <const> = "not enough memory"

local tasks = {}          -- coroutine -> its task, while that is not done
local running = nil       -- the task that was resumed last; nil: none is
local ready = queue.new() -- tasks to be resumed
local final = queue.new() -- the same, of those that a finaliser has made
local timers = heap.new() -- waits with a time
local listeners = {}      -- kind of event -> function(process, ...)
local events = queue.new()    -- to be handed out
local ran = 0             -- handlers and tasks that ran, ever
local limit = math.huge   -- what 'ran' may be at most, in this dispatch
local depth = 0           -- rounds that are going on, one in another
local is_polled = false   -- the caller watches pollfd: an alarm is wanted

-- {== what runs =============================================================

-- The task whose coroutine this is; nil in any other.
function scheduler.current()
  return tasks[(coroutine.running())]
end

-- The task that runs, also from a coroutine that was made within it.
function scheduler.innermost()
  local status = running and coroutine.status(running.coroutine)
  return (status == "running" or status == "normal") and running or nil
end

-- Is it this task that runs, or one that helps it?
function scheduler.is_within(task)
  local inner = scheduler.innermost()
  while inner and inner ~= task do inner = inner.helps end
  return inner and true or false
end

-- Lua 5.4 names a finaliser's frame for us; nothing in one can yield.
local function is_on_a_finalisers_stack()
  local level = 2
  local info = not coroutine.isyieldable() and debug.getinfo(level, "n")
  while info do
    if info.name == "__gc" and info.namewhat == "metamethod" then
      return true
    end
    level = level + 1
    info = debug.getinfo(level, "n")
  end
  return false
end

-- There, or in a task made there, no other code may run.
function scheduler.is_in_finaliser()
  local task = scheduler.innermost()
  return task ~= nil and task.is_final or is_on_a_finalisers_stack()
end

-- Has this dispatch run as many as it may? Then what is left waits for the
-- next one.
function scheduler.is_spent()
  return ran >= limit
end

local function can_suspend(task)
  return coroutine.isyieldable() and coroutine.running() == task.coroutine
end

-- {== tasks =================================================================

local Task = { __name = "pexec.Task" }
Task.__index = Task

-- Text of any error value, also one whose __tostring raises.
function scheduler.describe(problem)
  local ok, text = pcall(tostring, problem)
  return ok and text or ("(%s that cannot be shown)"):format(type(problem))
end

-- A message handler: what was raised, as a text and with its traceback.
function scheduler.explain(problem)
  local message = scheduler.describe(problem)
  return { message = message, traceback = debug.traceback(message, 2) }
end

local explain <const> = scheduler.explain

-- failure: what explain has made of it, or text where it could not.
local function fail(task, failure)
  local is_explained = type(failure) == "table"
  task.message = is_explained and failure.message or failure
  task.traceback = is_explained and failure.traceback or failure
  task.has_ended = true
end

local function conclude(task, ok, ...)
  if not ok then return fail(task, (...)) end
  task.results = table.pack(...)
  task.is_ok, task.has_ended = true, true
end

-- The coroutine's body: it knows its end before its resumer does, so that
-- whatever happens to that one cannot lose it.
local function body(task, f, ...)
  conclude(task, xpcall(f, explain, ...))
end

local function finish(task)
  for _, wait in ipairs(task.waiters) do scheduler.wake(wait) end
  tasks[task.coroutine] = nil
  task.is_done = true
end

local function enqueue(task)
  if task.is_queued then return end
  queue.put(task.is_final and final or ready, task)
  task.is_queued = true
  if is_polled and depth == 0 then scheduler.set_alarm() end
end

-- It waits for a loop of its host's, if what it has yielded is for one.
local function give_to_loop(task, ...)
  local wait = { task = task, is_over = false, results = false, timer = false }
  local function resume(...) scheduler.wake(wait, ...) end
  if not loops.take(resume, ...) then return end
  task.waits_for, task.awaits_loop = wait, true
end

-- One that yields by itself comes again, when the others have run; so does one
-- for which a loop had no memory.
local function settle_living(task, ...)
  if not task.waits_for and ... ~= nil then pcall(give_to_loop, task, ...) end
  if not task.waits_for or task.waits_for.is_over then enqueue(task) end
end

-- After it was resumed: what it has yielded, or the problem that ended it. It
-- may have been closed by somebody else. May be done again.
local function settle(task, ...)
  if coroutine.status(task.coroutine) ~= "dead" then
    return settle_living(task, ...)
  end
  if not task.has_ended then fail(task, ... or "was closed") end
  if not task.is_done then finish(task) end
end

local function tell_end(task)
  local on_done = task.is_done and task.on_done
  task.on_done = not task.is_done and task.on_done
  if on_done then on_done(task) end
end

-- As long as it is not settled it counts as running, so that recover finds it
-- where there was no memory even for a call.
local function leave_step(task, _, ...)
  settle(task, ...)
  running = task.outer or nil
  task.outer = false
  tell_end(task)
end

local function step(task, ...)
  task.outer, running = running or false, task
  task.is_queued = false
  if task.counts then ran = ran + 1 end
  leave_step(task, coroutine.resume(task.coroutine, ...))
end

-- One that has waited for a loop gets what came.
local function continue(task)
  if not task.awaits_loop then return step(task) end
  local results = task.waits_for.results
  task.waits_for, task.awaits_loop = false, false
  step(task, table.unpack(results, 1, results.n))
end

-- An error out of a debug hook, Ctrl-C's, or a lack of memory may have kept
-- steps from their ends.
local function recover()
  while running and not scheduler.innermost() do
    leave_step(running)
  end
end

-- All fields are there from the start, so that none needs memory later.
local function new_task(on_done)
  local task = setmetatable({
    coroutine = coroutine.create(body),
    context = context.new(),
    on_done = on_done or false,
    waiters = {},
    waits_for = false, -- the wait it is suspended in
    awaits_loop = false, -- that is one for a loop of its host's
    helps = false,     -- the task that waits for its work
    after = false,     -- the next that is ready
    outer = false,     -- the one within which it was resumed
    is_queued = false,
    counts = true,     -- as something that ran
    is_final = scheduler.is_in_finaliser(),
    is_done = false,
    has_ended = false, is_ok = false,
    results = false, message = false, traceback = false,
  }, Task)
  tasks[task.coroutine] = task
  return task
end

-- Runs f(...) as a task, to its first wait. on_done(task): called once, when
-- it has ended; task.is_ok, .results, .message, .traceback say how.
function scheduler.spawn(f, on_done, ...)
  local task = new_task(on_done)
  step(task, task, f, ...)
  return task
end

-- The same, of a task that does a part of what the one that runs has to do.
function scheduler.spawn_helper(f, on_done, ...)
  local task = new_task(on_done)
  task.helps = scheduler.innermost() or false
  step(task, task, f, ...)
  return task
end

-- The same, of one that carries things to handlers: these count, it does not.
function scheduler.spawn_carrier(f, on_done, ...)
  local task = new_task(on_done)
  task.counts = false
  step(task, task, f, ...)
  return task
end

-- {== waits =================================================================

local NOTHING <const> = table.pack()
local TRUE <const> = table.pack(true)
local CANCELED <const> = {}  -- by their code
for code, message in pairs(context.messages) do
  CANCELED[code] = table.pack(nil, message, code)
end

-- Takes no memory for what a timer and a task's end bring, nor does what a
-- cancellation brings: nobody would bring it again.
local function pack(...)
  if select("#", ...) == 0 then return NOTHING end
  if select("#", ...) == 1 and ... == true then return TRUE end
  return table.pack(...)
end

-- It is over when all else is done, and its time is taken out after its task
-- is queued: what a call had no memory for is done by the next one.
local function end_wait(wait, results)
  wait.results = results
  if wait.task then enqueue(wait.task) end
  if wait.timer then
    timers:remove(wait.timer)
    wait.timer = false
  end
  wait.is_over = true
end

-- A wait is a table; whoever brings what it waits for calls wake.
--   is_certain  true: cancelling its task does not end it
--   on_cancel   called when that does end it
--   task        the one that is suspended in it
--   on_task     the one whose end it waits for
function scheduler.wake(wait, ...)
  if not wait.is_over then end_wait(wait, pack(...)) end
end

-- Wakes it, with true, after 'seconds'.
function scheduler.wake_after(wait, seconds)
  wait.timer = timers:add(core.now() + seconds, wait)
  if is_polled and depth == 0 then scheduler.set_alarm() end
end

local function cancel_wait(wait, code)
  if wait.is_over or wait.is_certain then return end
  if wait.on_cancel then wait.on_cancel(code) end
  if not wait.is_over then end_wait(wait, CANCELED[code]) end
end

-- All fields are there before it is waited for: bringing it needs no memory.
local function prepare(wait)
  wait.is_over = wait.is_over or false
  wait.results = wait.results or false
  wait.timer = wait.timer or false
  wait.task = false
end

-- No limit counts here: what it waits for may come last.
local function block(wait)
  local only_listen = scheduler.is_in_finaliser()
  local outer = limit
  limit = math.huge
  while not wait.is_over do
    local ok, message, code = scheduler.pump(only_listen)
    if ok and not wait.is_over then
      ok, message, code = core.wait(scheduler.time_left(only_listen))
    end
    if ok == nil then scheduler.wake(wait, nil, message, code) end
  end
  limit = outer
end

local function suspend(task, wait)
  wait.task = task
  task.waits_for = wait
  repeat coroutine.yield() until wait.is_over
  task.waits_for = false
end

local function wait_in(task, wait)
  local function give_up(code) cancel_wait(wait, code) end
  context.watch(task.context, give_up)
  if can_suspend(task) then suspend(task, wait) else block(wait) end
  context.unwatch(task.context, give_up)
end

-- Waits until it is woken; returns what wake was given. In a task that is
-- cancelled, and where the system refuses to wait: nil, message, code.
function scheduler.wait(wait)
  local task = scheduler.innermost()
  prepare(wait)
  if not task or is_on_a_finalisers_stack() then
    block(wait)
  else
    local _, code = task.context:err()
    if code then cancel_wait(wait, code) end
    if not wait.is_over then wait_in(task, wait) end
  end
  return table.unpack(wait.results, 1, wait.results.n)
end

-- {== waiting for a task ====================================================

-- Does it wait, perhaps by way of others, for this one?
local function depends_on(task, other)
  while task and task ~= other do
    task = task.waits_for and task.waits_for.on_task
  end
  return task == other
end

-- One that is further down on this stack goes on only when we return.
local function check_waiting(task)
  local waiter = scheduler.innermost()
  local suspends = waiter ~= nil and can_suspend(waiter)
  if waiter and depends_on(task, waiter) or
     not suspends and coroutine.status(task.coroutine) == "normal" then
    error("a task cannot wait for itself", 3)
  end
  if not task.is_final and scheduler.is_in_finaliser() then
    error("a finaliser cannot wait for a task: none runs meanwhile", 3)
  end
end

local function remove(list, value)
  for index, other in ipairs(list) do
    if other == value then return table.remove(list, index) end
  end
end

-- Its results; nil, message of its error; or, where the waiting one is
-- cancelled and 'is_certain' is not true, nil, message, code.
function scheduler.join(task, is_certain)
  if not task.is_done then
    check_waiting(task)
    local wait = { on_task = task, is_certain = is_certain }
    task.waiters[#task.waiters + 1] = wait
    local _, message, code = scheduler.wait(wait)
    if code then
      remove(task.waiters, wait)
      return nil, message, code
    end
  end
  if not task.is_ok then return nil, task.message end
  return table.unpack(task.results, 1, task.results.n)
end

function Task:wait()
  return scheduler.join(self)
end

function Task:cancel()
  self.context:cancel()
end

function Task:__tostring()
  return ("pexec.Task (%s)"):format(self.is_done and "done" or "waiting")
end

-- {== events ================================================================

-- listener(process, ...) gets every event of this kind.
function scheduler.listen(kind, listener)
  listeners[kind] = listener
end

-- Is called at once for each event, also in a finaliser, where no handler
-- may run: note(kind, process, ...).
function scheduler.listen_first(note)
  scheduler.note = note
end

-- Each event is stored before anything is done about it. C tells it again
-- until it knows that, so that no memory error can lose one.
local function store_events()
  local is_stored = false
  local event
  repeat
    event = table.pack(core.next(is_stored))
    is_stored = event[1] ~= nil
    if event[2] ~= nil and is_stored then
      scheduler.note(table.unpack(event, 1, event.n))
    end
    if is_stored then queue.put(events, event) end
  until not is_stored
  return event.n == 0 or nil, event[2], event[3]
end

local function hand_out(kind, process, ...)
  if process ~= nil or kind == "signal" then listeners[kind](process, ...) end
end

-- Goes on with this ahead of all other events, in the next round that may.
function scheduler.put_off(kind, process)
  queue.put_back(events, table.pack(kind, process))
end

-- nil also where no more may run.
local function take(waiting)
  return not scheduler.is_spent() and queue.take(waiting) or nil
end

local function hand_out_events()
  local event = take(events)
  while event do
    local ok, problem = pcall(hand_out, table.unpack(event, 1, event.n))
    if not ok then
      if problem == NO_MEMORY then queue.put_back(events, event) end
      error(problem, 0)
    end
    event = take(events)
  end
end

local function run_timers()
  local now = core.now()
  while timers:first_time() and timers:first_time() <= now do
    scheduler.wake(timers:first(), true)  -- which takes it out
  end
end

-- Those that were ready when it began: one that yields in a loop does not
-- keep the others from their events. Those that a round within this one
-- has run are not there any more.
local function run_ready(tasks_ready)
  for _ = 1, tasks_ready.length do
    local task = take(tasks_ready)
    if not task then break end
    if not task.is_done then continue(task) end
  end
end

local leave = setmetatable({}, { __close = function()
  depth = depth - 1
  if depth == 0 and is_polled then scheduler.set_alarm() end
end })

-- One round: what waits is handed out, who is ready runs. Returns how many
-- handlers and tasks ran; or nil, message, code.
function scheduler.pump(only_listen)
  local before = ran
  depth = depth + 1
  local _ <close> = leave
  recover()
  local ok, message, code = store_events()
  if not ok then return nil, message, code end
  if not only_listen then hand_out_events() end
  run_timers()
  run_ready(final)
  if not only_listen then run_ready(ready) end
  return ran - before
end

-- A handler ran that is no task.
function scheduler.count()
  ran = ran + 1
end

-- {== time ==================================================================

local function has_work(only_listen)
  return final.length > 0 or not only_listen and
         (ready.length > 0 or events.length > 0)
end

-- Seconds until something is due by itself; nil: nothing is.
function scheduler.time_left(only_listen)
  if has_work(only_listen) then return 0 end
  local first = timers:first_time()
  return first and math.max(0, first - core.now())
end

function scheduler.set_alarm()
  core.alarm(scheduler.time_left())
end

function scheduler.pollfd()
  is_polled = true
  local fd, message, code = core.pollfd()
  if fd then scheduler.set_alarm() end
  return fd, message, code
end

function scheduler.sleep(seconds)
  local wait = { timer = false }
  scheduler.wake_after(wait, seconds)
  return scheduler.wait(wait)
end

-- How long to wait, at most 'most' seconds; nil where nothing can come.
local function idle_time(most, may_come)
  local left = scheduler.time_left()
  if most then return math.min(left or most, most) end
  return left or may_come() and math.huge or nil
end

-- The caller's turn: until something has run, or 'seconds' are over, or, where
-- that is nil, nothing can come. Begins or goes on with 'max' handlers and
-- tasks at most (nil: all). Returns how many ran: more, where those began some.
-- may_come: a function that says so of what is not a task's or a timer's.
function scheduler.dispatch(seconds, max, may_come)
  local deadline = seconds and core.now() + seconds
  limit = max and ran + max or math.huge
  while true do
    local count, message, code = scheduler.pump()
    if count ~= 0 then return count, message, code end
    local most = deadline and deadline - core.now()
    local wait = idle_time(most, may_come)
    if not wait or most and most <= 0 then return 0 end
    count, message, code = core.wait(wait)
    if count == nil then return nil, message, code end
  end
end

return scheduler
