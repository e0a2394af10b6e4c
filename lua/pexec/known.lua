-- What is known of a process now, without waiting for anything. Runs on the
-- thread that calls into Lua.

local core = require "pexec.core"

local known = {}

-- nil, pid while it runs; else what there is to say instead.
function known.pid(process)
  local state, pid, starts = core.process_state(process)
  if not state then return nil, pid, starts end  -- message, code
  if pid then return pid end
  if starts == 0 then return nil, "process not started", "NOT_STARTED" end
  return nil, "process already finished", "PROCESS_DONE"
end

-- Of each record there are the last lines that are still kept.
function known.history(process, n)
  local records, message, code = core.process_history(process, n)
  if not records then return nil, message, code end
  for _, record in ipairs(records) do
    record.tail = core.process_tail(process, nil, record.run) or {}
  end
  return records
end

function known.info(process)
  local info, message, code = core.process_info(process)
  if not info then return nil, message, code end
  info.id = core.process_id(process)
  info.restarts = math.max(0, info.starts - 1)
  info.last_exit = known.history(process, 1)[1]
  return info
end

return known
