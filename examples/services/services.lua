-- What examples/services/main.lua keeps up: nginx and redis-server, each with
-- the configuration that lies here, in a directory, as a user and with a log
-- file of its own. Needs root, since they are other users.
local pexec = require "pexec"
local socket = require "socket"

local services = {}

local Site = {}

local function run(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read("l")
end

local function free_port()
  local server = assert(socket.bind("127.0.0.1", 0))
  local _, port = server:getsockname()
  server:close()
  return math.tointeger(port)
end

-- Its directory, with its configuration in it, and its port.
local function prepare(root, name, user)
  local directory, port = root .. "/" .. name, free_port()
  run(("install -d -o %s %s"):format(user, directory))
  local template <close> = assert(io.open("examples/services/" .. name
                                          .. ".conf"))
  local file <close> = assert(io.open(directory .. "/" .. name .. ".conf", "w"))
  assert(file:write((template:read("a"):gsub("PORT", port))))
  return directory, port
end

local function config_of(root, name, user, program, ...)
  return {
    id = name, name = program, args = { ... }, cwd = root .. "/" .. name,
    username = user, stop_timeout = "5s", restart_delay = { initial = "50ms" },
    stderr = "stdout",
    stdout = { file = root .. "/" .. name .. ".log", max_size = 2000,
               keep = 3 },
  }
end

--- A manager of both, in a directory that is removed when this is closed.
function services.new(logger)
  local root = run "mktemp -d"
  run("chmod 755 " .. root)
  local site = { directory = root, manager = pexec.new_process_manager(logger) }
  local directory
  directory, site.web_port = prepare(root, "nginx", "www-data")
  local nginx = config_of(root, "nginx", "www-data", "nginx", "-p", directory,
                          "-c", directory .. "/nginx.conf", "-e", "stderr")
  nginx.stop_signal = "QUIT" -- the graceful one; reload_signal is SIGHUP
  directory, site.redis_port = prepare(root, "redis", "redis")
  local redis = config_of(root, "redis", "redis", "redis-server",
                          directory .. "/redis.conf")
  for _, config in ipairs{ nginx, redis } do
    assert(site.manager:add_process_from_config(config))
  end
  return setmetatable(site, Site)
end

function Site:__close()
  self.manager:stop()
  run("rm -r " .. self.directory)
end

return services
