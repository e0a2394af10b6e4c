-- What a task yields to a loop of its host's, as cqueues.sleep does and all
-- that waits in cqueues: that loop waits for it in a coroutine of its own, and
-- the task goes on with what came. cqueues is the one such loop that is known
-- here; it is not loaded for that.
-- Runs on the thread that calls into Lua.

local loops = {}

-- In a coroutine of the loop's.
local function poll(cqueues, resume, ...)
  resume(cqueues.poll(...))
end

-- What was yielded is 'marker', .... Is it meant for a loop? Then that calls
-- resume(...), once, with what the task is to go on with. A coroutine of
-- cqueues' begins in the next turn of the loop, not now.
function loops.take(resume, marker, ...)
  local cqueues = package.loaded.cqueues
  local is_known = type(cqueues) == "table" and marker == cqueues._POLL
  local queue = is_known and cqueues.running()
  if not queue then return false end
  queue:wrap(poll, cqueues, resume, ...)
  return true
end

return loops
