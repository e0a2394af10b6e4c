-- One process, governed: restarts that wait longer each time, a safe mode
-- after three failures, a limit, a hook, a stop in stages, and the record.
local pexec = require "pexec"

local service = assert(pexec.new_managed_process({
  id = "service",
  name = "sh",
  args = { "-c", 'test "$MODE" = safe && exec sleep 600; '
                 .. "echo no database; exit 7" },
  log_writer = function(line) print("service says: " .. line) end,
  restart_delay = { initial = "50ms", max = "1s" },
  restart_limit = { max = 10, within = "1m" },
  before_start = function(_, config)
    print("starts, mode: " .. (config.environment.MODE or "normal"))
  end,
  on_unexpected_exit = function(status, exit)
    local line = exit.tail[#exit.tail].line
    print(("attempt %d: status %d after %q"):format(exit.attempt, status, line))
    if exit.attempt < 3 then return true end
    return { config = { environment = { MODE = "safe" } }, keep = true }
  end,
  on_give_up = function(_, reason) print(reason) end,
  stop_sequence = {
    { call = function() print("drains") return false end, wait = 5 },
    { signal = "TERM", wait = 5 },
  },
}, pexec.null_logger))

assert(service:start())
repeat pexec.sleep(0.05) until service:info().starts == 4
for _, exit in ipairs(service:history()) do
  print(("run %d: status %d"):format(exit.run, exit.exit_code))
end
print("stopped, it took: " .. select(2, assert(service:stop())))
