-- Keeps nginx and redis-server up, each as its own user, with log files that
-- are rotated. Needs root. `examples/run services` ends by itself; with
-- `forever` it goes on until SIGTERM.
local pexec = require "pexec"
local http = require "socket.http"
local services = dofile "examples/services/services.lua"

local site <close> = services.new()
local manager = site.manager
local nginx = manager:process_by_id "nginx"
nginx:on("exited", function(_, exit)
  print("nginx ended: " .. (exit.signal or exit.exit_code))
end)

local function get()
  local page
  repeat
    pexec.sleep(0.02)
    page = http.request("http://127.0.0.1:" .. site.web_port .. "/")
  until page
  return page:match "[^\n]+"
end

assert(manager:start())
print(("http://127.0.0.1:%d/, redis at 127.0.0.1:%d, files in %s")
      :format(site.web_port, site.redis_port, site.directory))
if arg[1] ~= "forever" then
  pexec.task(function()
    print("GET: " .. get())
    assert(nginx:signal "KILL")
    repeat pexec.sleep(0.01) until nginx:info().restarts == 1
    print("GET after SIGKILL: " .. get())
    assert(nginx:reload())
    print("GET after a reload: " .. get())
    os.execute "kill -TERM $PPID"
  end)
end
local _, reason = assert(manager:run())
print("stopped for " .. reason)
