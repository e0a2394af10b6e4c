-- A program with a cqueues loop (Debian: lua-cqueues), which polls the manager
-- itself. Handlers and tasks may call whatever waits in cqueues.
local cqueues = require "cqueues"
local signal = require "cqueues.signal"
local pexec = require "pexec"

local manager = pexec.new_process_manager(pexec.null_logger)
assert(manager:add_process_from_config{
  id = "worker", name = "sh", args = { "-c", "echo started; exit 1" },
  restart_delay = 0,
  log_writer = function(line) print("worker: " .. line) end,
  on_unexpected_exit = function(exit_code)
    print("worker: exited with status " .. exit_code)
    cqueues.sleep(0.2) -- others go on meanwhile
    return true
  end,
})

local queue, is_over = cqueues.new(), false
signal.block(signal.SIGTERM) -- it is the loop's
queue:wrap(function()
  assert(manager:start())
  while not is_over do
    cqueues.poll(manager)
    pexec.dispatch(0)
  end
end)
queue:wrap(pexec.task, function() -- in a task stop does not hold up the loop
  signal.listen(signal.SIGTERM):wait()
  assert(manager:stop())
  print("stopped for SIGTERM")
  is_over = true
end)
queue:wrap(function()
  cqueues.sleep(0.7)
  os.execute("kill -TERM $PPID")
end)
assert(queue:loop())
