-- Keeps a web server and a worker up, kills the server, shows that it is back.
local pexec = require "pexec"
local web = dofile "examples/support/web.lua" -- a page, a port, a request

local site <close> = web.new_site("Hello")
local manager <close> = pexec.new_process_manager()

local function decide(exit_code, exit)
  print(("handler: %s ended (%s), up for %.1f s; decision: restart"):format(
    exit.process:id(), exit.signal or "status " .. exit_code, exit.uptime))
  return true
end

local server = site:serve_with(function(address)
  return pexec.new_managed_process{
    id = "web", name = "busybox", on_unexpected_exit = decide,
    args = { "httpd", "-f", "-p", address, "-h", site.directory } }
end)
assert(manager:add_process(server))
assert(manager:add_process_from_config{
  id = "worker", name = "sh", on_unexpected_exit = decide,
  args = { "-c", "sleep 0.4; exit 3" } })
assert(manager:start())
print("GET http://" .. site.address .. "/: " .. site:get())
pexec.sleep(2) -- the worker crashes now and then

local pid, killed_at = server:unix_pid(), web.now()
local page
os.execute("kill -KILL " .. pid)
repeat page = site:get() until page and server:unix_pid() ~= pid
print(("GET http://%s/: %s\n%.0f ms after SIGKILL to process %d, from %d")
  :format(site.address, page, web.now() - killed_at, pid, server:unix_pid()))

assert(manager:stop())
print("all stopped")
