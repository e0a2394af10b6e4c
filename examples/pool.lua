-- A pool of workers. A handler decides what follows a death: a worker that is
-- through is left alone, one that fails is restarted later each time, and in
-- the end given up. A handler that sleeps holds up nobody but its own process.
local pexec = require "pexec"

local function back_off(exit_code, exit)
  local id = exit.process:id()
  if exit_code == 0 then
    print(id .. " is through")
    return false
  elseif exit.restarts == 4 then
    print(id .. " is given up")
    return false
  end
  local delay = 0.1 * 2 ^ exit.restarts
  print(("%s failed: again in %.1f s"):format(id, delay))
  return pexec.sleep(delay) -- nil where somebody stops it meanwhile
end

local workers = {}
for number = 1, 3 do
  local worker = assert(pexec.new_managed_process({
    id = "worker " .. number,
    name = "sh",
    args = { "-c", "sleep 0.05; exit " .. number % 2 },
    restart_delay = 0, -- the handler sees to it
    on_unexpected_exit = back_off,
  }, pexec.null_logger))
  assert(worker:start())
  workers[number] = worker
end

for _, worker in ipairs(workers) do worker:wait() end
