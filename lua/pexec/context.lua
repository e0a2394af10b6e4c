-- Context: can be cancelled, once, by hand or by its time. Whoever waits under
-- one leaves a function with it. Runs on the thread that calls into Lua.

local core = require "pexec.core"

local Context = { __name = "pexec.Context" }
Context.__index = Context

local MESSAGES <const> = {
  CANCELED = "context canceled",
  DEADLINE_EXCEEDED = "context deadline exceeded",
}

local context = { messages = MESSAGES }

-- options.timeout: seconds from now; nil: none.
function context.new(timeout)
  return setmetatable({
    deadline = timeout and core.now() + timeout,
    code = nil,       -- the word of why it is done
    watchers = {},    -- function(code) -> true
    leaving = {},     -- the same, of those who are told that it is done
  }, Context)
end

function context.is(value)
  return getmetatable(value) == Context
end

-- Tells those who watch, each once; whom a memory error keeps from hearing of
-- it is told by the next call.
local function tell(self)
  local leaving = self.leaving
  local watcher = next(leaving)
  while watcher do
    watcher(self.code)
    leaving[watcher], watcher = nil, next(leaving, watcher)
  end
end

-- Ends it for 'code', where it is not done already. Nobody is added to those
-- who are told, so that each can be found from the one before.
local function finish(self, code)
  if not self.code then
    self.leaving, self.watchers, self.code = self.watchers, {}, code
  end
  tell(self)
end

-- Nothing, where it is done already.
function Context:cancel()
  self:err()
  finish(self, "CANCELED")
end

-- nil, or message and code.
function Context:err()
  if not self.code and self.deadline and core.now() >= self.deadline then
    finish(self, "DEADLINE_EXCEEDED")
  end
  if not self.code then return nil end
  return MESSAGES[self.code], self.code
end

function Context:__tostring()
  return "pexec.Context (" .. (self:err() or "open") .. ")"
end

-- Seconds until its deadline; nil: it has none.
function context.time_left(self)
  return self.deadline and math.max(0, self.deadline - core.now())
end

function context.watch(self, watcher)
  self.watchers[watcher] = true
end

function context.unwatch(self, watcher)
  self.watchers[watcher] = nil
  self.leaving[watcher] = nil
end

return context
