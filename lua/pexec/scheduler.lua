-- Waiting, written once: tasks, timers, and the one place that pulls events.
-- In a task a waiting call suspends its coroutine; anywhere else it blocks
-- the thread, and dispatches meanwhile. Knows nothing of processes: those
-- who want events register for their kinds.
-- Runs on the thread that calls into Lua.

local context = require "pexec.context"
local core = require "pexec.core"
local heap = require "pexec.heap"

local scheduler = {}

local tasks = {}          -- coroutine -> its task, while that is not done
local task_count = 0
local ready = {}          -- tasks to be resumed, oldest first
local timers = heap.new() -- waits with a time
local listeners = {}      -- kind of event -> function(process, ...)
local deferred = {}       -- events that came in a finaliser, oldest first
local ran = 0             -- handlers and tasks that ran, ever
local is_polled = false   -- the caller watches pollfd: an alarm is wanted

-- {== tasks =================================================================

local Task = { __name = "pexec.Task" }
Task.__index = Task

-- Text of any error value, also one whose __tostring raises.
function scheduler.describe(problem)
  local ok, text = pcall(tostring, problem)
  return ok and text or ("(%s that cannot be shown)"):format(type(problem))
end

local function finish(task, ok, ...)
  tasks[task.coroutine] = nil
  task_count = task_count - 1
  task.is_done = true
  task.is_ok = ok
  if ok then
    task.results = table.pack(...)
  else
    local problem = scheduler.describe((...))
    task.message = problem
    task.traceback = debug.traceback(task.coroutine, problem)
  end
  coroutine.close(task.coroutine)
  if task.on_done then task.on_done(task) end
  for _, wait in ipairs(task.waiters) do scheduler.wake(wait) end
end

-- One that yields by itself lets the others run, and comes again.
local function settle(task, ok, ...)
  if coroutine.status(task.coroutine) == "dead" then
    finish(task, ok, ...)
  elseif not task.waits_for then
    ready[#ready + 1] = task
  end
end

local function step(task, ...)
  ran = ran + 1
  settle(task, coroutine.resume(task.coroutine, ...))
end

-- Runs f(...) as a task, to its first wait. on_done(task): called once, when
-- it has ended; task.is_ok, .results, .message, .traceback say how.
function scheduler.spawn(f, on_done, ...)
  local task = setmetatable({
    coroutine = coroutine.create(f),
    context = context.new(),
    on_done = on_done,
    waiters = {},
    waits_for = nil,   -- the wait it is suspended in
    is_done = false,
  }, Task)
  tasks[task.coroutine] = task
  task_count = task_count + 1
  step(task, ...)
  return task
end

-- The task that runs, or nil.
function scheduler.current()
  return tasks[(coroutine.running())]
end

-- {== waits =================================================================

-- A wait is a table; whoever brings what it waits for calls wake.
--   is_certain  true: cancelling its task does not end it
--   on_cancel   called when that does end it
function scheduler.wake(wait, ...)
  if wait.is_over then return end
  wait.is_over = true
  wait.results = table.pack(...)
  if wait.timer then
    timers:remove(wait.timer)
    wait.timer = nil
  end
  if wait.task then ready[#ready + 1] = wait.task end
end

local function wake_by_time(wait)
  wait.timer = nil
  scheduler.wake(wait, true)
end

-- Wakes it, with true, after 'seconds'.
function scheduler.wake_after(wait, seconds)
  wait.timer = timers:add(core.now() + seconds, wait)
  if is_polled then scheduler.set_alarm() end
end

local function cancel_wait(wait, code)
  if wait.is_over or wait.is_certain then return end
  if wait.on_cancel then wait.on_cancel(code) end
  scheduler.wake(wait, nil, context.messages[code], code)
end

-- Lua 5.4 names a finaliser's frame for us.
function scheduler.is_in_finaliser()
  local level = 2
  while true do
    local info = debug.getinfo(level, "n")
    if not info then return false end
    if info.namewhat == "metamethod" and
       (info.name == "gc" or info.name == "__gc") then
      return true
    end
    level = level + 1
  end
end

local function block(wait)
  local only_listen = scheduler.is_in_finaliser()
  while not wait.is_over do
    scheduler.pump(only_listen)
    if wait.is_over then break end
    local ok, message, code = core.wait(#ready > 0 and not only_listen and 0
                                        or scheduler.time_left())
    if ok == nil then return nil, message, code end
  end
  return table.unpack(wait.results, 1, wait.results.n)
end

local function suspend(task, wait)
  wait.task = task
  task.waits_for = wait
  coroutine.yield()
  while not wait.is_over do coroutine.yield() end
  task.waits_for = nil
  return table.unpack(wait.results, 1, wait.results.n)
end

-- Waits until it is woken; returns what wake was given. In a task that is
-- cancelled: nil, message, code.
function scheduler.wait(wait)
  local task = scheduler.current()
  if not task then return block(wait) end
  local message, code = task.context:err()
  if message and not wait.is_certain and not wait.is_over then
    cancel_wait(wait, code)
  end
  if wait.is_over then
    return table.unpack(wait.results, 1, wait.results.n)
  end
  local function give_up(why) cancel_wait(wait, why) end
  context.watch(task.context, give_up)
  local results
  if coroutine.isyieldable() then
    results = table.pack(suspend(task, wait))
  else
    results = table.pack(block(wait))
  end
  context.unwatch(task.context, give_up)
  return table.unpack(results, 1, results.n)
end

function Task:wait()
  if scheduler.current() == self then
    error("a task cannot wait for itself", 2)
  end
  if not self.is_done then
    local wait = {}
    self.waiters[#self.waiters + 1] = wait
    local _, message, code = scheduler.wait(wait)
    if code then return nil, message, code end
  end
  if not self.is_ok then return nil, self.message end
  return table.unpack(self.results, 1, self.results.n)
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

local function hand_out(kind, process, ...)
  if process ~= nil or kind == "signal" then listeners[kind](process, ...) end
end

local function pull(only_listen, kind, process, ...)
  if not kind then return false end
  if process ~= nil then scheduler.note(kind, process, ...) end
  if only_listen then
    deferred[#deferred + 1] = table.pack(kind, process, ...)
    if is_polled then scheduler.set_alarm() end
  else
    hand_out(kind, process, ...)
  end
  return true
end

local function run_deferred()
  while deferred[1] do
    local event = table.remove(deferred, 1)
    hand_out(table.unpack(event, 1, event.n))
  end
end

local function run_timers()
  local now = core.now()
  while timers:first_time() and timers:first_time() <= now do
    wake_by_time(timers:pop())
  end
end

-- Those that were ready when it began: one that yields in a loop does not
-- keep the others from their events.
local function run_ready()
  local batch = ready
  ready = {}
  for _, task in ipairs(batch) do
    if not task.is_done then step(task) end
  end
end

-- One round: what waits is handed out, who is ready runs. Returns how many
-- handlers and tasks ran.
function scheduler.pump(only_listen)
  local before = ran
  if not only_listen then run_deferred() end
  while pull(only_listen, core.next()) do end
  run_timers()
  if not only_listen then run_ready() end
  return ran - before
end

-- A handler ran that is no task.
function scheduler.count()
  ran = ran + 1
end

-- {== time ==================================================================

-- Seconds until something is due by itself; nil: nothing is.
function scheduler.time_left()
  if #ready > 0 or deferred[1] then return 0 end
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
  local wait = {}
  scheduler.wake_after(wait, seconds)
  return scheduler.wait(wait)
end

-- Can anything come? may_come: as far as processes are concerned.
function scheduler.is_idle(may_come)
  return not may_come and task_count == 0 and not timers:first_time() and
         #ready == 0 and not deferred[1]
end

-- The caller's turn: until something has run, or 'seconds' are over.
function scheduler.dispatch(seconds, may_come)
  local before = ran
  local deadline = seconds and core.now() + seconds
  while scheduler.pump() == 0 do
    local left = scheduler.time_left()
    if deadline then
      left = math.min(left or math.huge, deadline - core.now())
      if left <= 0 and core.now() >= deadline then break end
    elseif scheduler.is_idle(may_come()) then
      break
    end
    local ok, message, code = core.wait(left)
    if ok == nil then return nil, message, code end
  end
  if is_polled then scheduler.set_alarm() end
  return ran - before
end

return scheduler
