-- A script that is a container's or a machine's service manager: it keeps
-- services up until SIGTERM or SIGINT, then stops them all. `examples/run
-- supervise` sends itself SIGTERM after two seconds; with `forever` it does
-- not. As process 1 of a container let an init run it (docker run --init):
-- pexec reaps no children but its own.
local pexec = require "pexec"

local services = {
  { id = "clock", log = true,
    name = "sh", args = { "-c", "while :; do date +%T; sleep 1; done" } },
  { id = "crasher", restart_delay = "500ms",
    name = "sh", args = { "-c", "sleep 0.2; exit 1" } },
  { id = "stubborn", stop_timeout = "1s", stop_signal = "INT",
    name = "sh", args = { "-c", "trap '' INT; while :; do sleep 1; done" } },
}

local manager = pexec.new_process_manager()
for _, settings in ipairs(services) do
  assert(manager:add_process_from_config(settings))
end

if arg[1] ~= "forever" then
  pexec.task(function()
    pexec.sleep(2)
    assert(pexec.new_managed_process({
      id = "docker stop", name = "sh", args = { "-c", "kill $PPID" },
      one_shot = true })):start()
  end)
end

local _, reason = assert(manager:run())
print("stopped for " .. reason)
