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
  }, Context)
end

function context.is(value)
  return getmetatable(value) == Context
end

-- Ends it for 'code', and tells those who watch.
function context.finish(self, code)
  if self.code then return end
  self.code = code
  local watchers = self.watchers
  self.watchers = {}
  for watcher in pairs(watchers) do watcher(code) end
end

-- Nothing, where it is done already.
function Context:cancel()
  if not self:err() then context.finish(self, "CANCELED") end
end

-- nil, or message and code.
function Context:err()
  if not self.code and self.deadline and core.now() >= self.deadline then
    context.finish(self, "DEADLINE_EXCEEDED")
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
end

return context
