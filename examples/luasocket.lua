-- A program that waits in LuaSocket's select (Debian: lua-socket), for its own
-- sockets and for pexec. It has no signals: pm:run in a task takes them.
local socket = require "socket"
local pexec = require "pexec"

local server = assert(socket.bind("127.0.0.1", 0))
local manager = pexec.new_process_manager(pexec.null_logger)
assert(manager:add_process_from_config{
  id = "worker", name = "sh", args = { "-c", "echo started; exit 1" },
  restart_delay = 0,
  log_writer = function(line) print("worker: " .. line) end,
  on_unexpected_exit = function(exit_code)
    print("worker: exited with status " .. exit_code)
    return pexec.sleep(0.2) -- socket.sleep would hold up the whole program
  end,
})

local is_over = false
pexec.task(function()
  local _, reason = assert(manager:run())
  print("stopped for " .. reason)
  is_over = true
end)

local address, port = server:getsockname()
pexec.task(function() -- the server's client, which ends it
  pexec.sleep(0.5)
  assert(socket.connect(address, port))
  pexec.sleep(0.2)
  os.execute("kill -TERM $PPID")
end)
while not is_over do
  local ready = socket.select({ manager, server })
  if ready[manager] then pexec.dispatch(0) end
  if ready[server] then
    server:accept():close()
    print("a client came")
  end
end
