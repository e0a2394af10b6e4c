-- The ProcessManager that does nothing: for places that need to return one.

local events = require "pexec.events"
local scheduler = require "pexec.scheduler"

local noop = {}

local function unsupported()
  return nil, "unsupported", "UNSUPPORTED"
end

local function succeed() return true end

noop.add_process = unsupported
noop.add_process_from_config = unsupported
noop.start = succeed
noop.stop = succeed
noop.reopen_logs = succeed

function noop:on(event, f)
  events.check(event, f)
  return events.new_group():on({}, event, f)
end

function noop:off(handle)
  events.check_handle(handle)
  return false
end

function noop:process_ids() return {} end

function noop:process_by_id() return nil end

function noop:remove_process_by_id() return nil end

function noop:run() return true, "stopped" end

function noop:clone() return self end

function noop:pollfd() return scheduler.pollfd() end

noop.getfd = noop.pollfd

function noop:events() return "r" end

function noop:timeout() return nil end

return setmetatable({}, {
  __name = "pexec.ProcessManager",
  __index = noop,
  __tostring = function() return "pexec.noop_process_manager" end,
  __close = function() end,
})
