-- Cases for starving.lua: each function of the module, and each method and
-- metamethod of its objects, under "CLASS.NAME".

local pexec = require "pexec"
local spec = require "spec"
local starving = require "starving"

local live, process = starving.live, starving.process
local stopped, supervised = starving.stopped, starving.supervised

local cases = {}

-- {== functions of the module ===============================================

local function text_of_config()
  return pexec.new_process_config(spec.child{
    id = "a", args = { "x", "y" }, environment = { A = "b" },
    stdout = { { file = "/x", mode = "0600" }, "inherit" }, stdin = "pipe",
    restart_delay = { initial = 1, max = "1m" }, success_exit_codes = { 0, 3 },
    restart_limit = { max = 3, within = "1m" }, limits = { core = 0 },
    stop_sequence = { { signal = "TERM", wait = 1 }, { run = { "true" } } },
    cgroup = { path = "a", pids_max = "max" }, capabilities = { "kill" },
    supplementary_groups = { 0, "root" }, cpu_affinity = { 0 },
    io_priority = { class = "idle" }, environment_file = { "/x" },
  }):marshal_json()
end

local TEXT <const> = text_of_config()

local function config()
  return assert(pexec.unmarshal_process_config(TEXT))
end

local function manager_of_two()
  local pm = pexec.new_process_manager(pexec.null_logger)
  for _, id in ipairs{ "a", "b" } do
    assert(pm:add_process(process({ id = id }, "forever"), false))
  end
  return pm
end

for name, call in pairs{
  new_process_config = function()
    return pexec.new_process_config(config())
  end,
  unmarshal_process_config = config,
  new_managed_process = function() return process({}, "forever") end,
  new_process_manager = function()
    return pexec.new_process_manager{ logger = pexec.null_logger }
  end,
  new_context = function() return pexec.new_context{ timeout = "1s" } end,
  new_logger = function()
    return pexec.new_logger{ level = "error", format = "json" }
  end,
  task = function()
    return pexec.task(function() return pexec.sleep(0) end)
  end,
  sleep = function() return pexec.sleep(0.001) end,
  await = function()
    return pexec.await(function(resume) resume("hello") end)
  end,
  dispatch = function() return pexec.dispatch(0) end,
  pollfd = function() return pexec.pollfd() end,
} do
  cases["module." .. name] = { call = call }
end

cases["module.merge_add_process_managers"] = {
  make = function() return { manager_of_two(), manager_of_two() } end,
  call = function(world)
    return pexec.merge_add_process_managers(world[1], world[2])
  end,
}

cases["module.merge_remove_process_managers"] = {
  make = cases["module.merge_add_process_managers"].make,
  call = function(world)
    return pexec.merge_remove_process_managers(world[1], world[2])
  end,
}

-- {== configurations ========================================================

for name, call in pairs{
  __index = function(world) return world.config.stop_sequence end,
  __newindex = function(world)
    world.config.stdout = { { file = "/a" }, { file = "/b" } }
    return true
  end,
  __pairs = function(world)
    local count = 0
    for _ in pairs(world.config) do count = count + 1 end
    return count
  end,
  __eq = function(world) return world.config == world.other end,
  __tostring = function(world) return tostring(world.config) end,
  validate = function(world) return world.config:validate("path") end,
  equals = function(world) return world.config:equals(world.other) end,
  marshal_json = function(world) return world.config:marshal_json() end,
} do
  cases["ProcessConfig." .. name] = {
    make = function() return { config = config(), other = config() } end,
    call = call,
  }
end

-- {== contexts, tasks, handles ==============================================

local function watched()
  local world = { context = pexec.new_context{ timeout = 3600 } }
  world.task = pexec.task(function()
    return process({ one_shot = true }, "forever"):start(world.context)
  end)
  return world
end

local function is_done(task)
  return tostring(task) == "pexec.Task (done)"
end

-- Whatever has become of it, it is cancelled when that is asked for again.
local function assert_cancelled(world)
  world.context:cancel()
  assert(select(2, world.context:err()) == "CANCELED")
  spec.eventually(function() return is_done(world.task) end)
  assert(select(3, world.task:wait()) == "CANCELED")
end

cases["Context.cancel"] = {
  make = watched, check = assert_cancelled,
  call = function(world) world.context:cancel() end,
}
cases["Context.err"] = {
  make = watched, check = assert_cancelled,
  call = function(world) return world.context:err() end,
}
cases["Context.__tostring"] = {
  make = watched, check = assert_cancelled,
  call = function(world) return tostring(world.context) end,
}

local function sleeper()
  return { task = pexec.task(function() return pexec.sleep(3600) end) }
end

local function end_of(world)
  world.task:cancel()
  spec.eventually(function() return is_done(world.task) end)
  assert(select(3, world.task:wait()) == "CANCELED")
end

cases["Task.cancel"] = {
  make = sleeper, check = end_of,
  call = function(world) world.task:cancel() end,
}
cases["Task.wait"] = {
  make = function()
    return { task = pexec.task(function() return pexec.sleep(0.002) end) }
  end,
  call = function(world) return world.task:wait() end,
  check = function(world)  -- it may have been the task that had no memory
    spec.eventually(function() return is_done(world.task) end)
    local ok, message = world.task:wait()
    assert(ok or message == "not enough memory", message)
  end,
}
cases["Task.__tostring"] = {
  make = sleeper, check = end_of,
  call = function(world) return tostring(world.task) end,
}

cases["Handle.__tostring"] = {
  make = function()
    return { handle = process({}, "forever"):on("started", print) }
  end,
  call = function(world) return tostring(world.handle) end,
}

-- {== processes =============================================================

for _, name in ipairs{ "id", "status", "unix_pid", "history", "tail",
                       "info" } do
  cases["ManagedProcess." .. name] = {
    once = true, finish = supervised,
    make = function() return live({}, "print", "hello", "forever") end,
    call = function(world) return world.p[name](world.p) end,
  }
end

for name, arguments in pairs{ restart = {}, reopen_logs = {}, signal = { 18 },
                              reload = {}, write = { "hello" },
                              close_stdin = {} } do
  cases["ManagedProcess." .. name] = {
    make = function()
      local path = spec.tmpdir()
      return live({ stdin = "pipe", reload_signal = "CONT",
                    stdout = { file = path .. "/log" } }, "forever")
    end,
    call = function(world)
      return world.p[name](world.p, table.unpack(arguments))
    end,
    check = name == "restart" and stopped or supervised,
    leave = spec.remove_directories,
  }
end

-- One whose start failed for want of memory runs, or can be started.
cases["ManagedProcess.start"] = {
  make = function()
    local world = live()
    local p = world.p
    world.p = process({ id = "b", restart_delay = 0,
      on_unexpected_exit = function()
        world.deaths = world.deaths + 1
        return true
      end }, "forever")
    assert(p:stop())
    return world
  end,
  call = function(world) return world.p:start() end,
  check = function(world)
    world.p:start()
    spec.eventually(function() return world.p:status() end)
    supervised(world)
  end,
}

cases["ManagedProcess.stop"] = {
  make = live, check = stopped,
  call = function(world) return world.p:stop() end,
}
cases["ManagedProcess.__close"] = {
  make = live, check = stopped,
  call = function(world) local _ <close> = world.p end,
}
cases["ManagedProcess.kill_group"] = {
  make = live, check = stopped,
  call = function(world) return world.p:kill_group() end,
}
cases["ManagedProcess.wait"] = {
  make = function()
    local world = { p = process({ restart = "never" }, "sleep", 0.005) }
    assert(world.p:start())
    return world
  end,
  call = function(world) return world.p:wait() end,
  check = stopped,
}

local function nobody() end

cases["ManagedProcess.on"] = {
  make = live, check = supervised,
  call = function(world) return world.p:on("exited", nobody) end,
}
cases["ManagedProcess.off"] = {
  make = function()
    local world = live()
    world.handle = assert(world.p:on("exited", nobody))
    return world
  end,
  call = function(world) return world.p:off(world.handle) end,
  check = supervised,
}
cases["ManagedProcess.__tostring"] = {
  make = live, check = supervised,
  call = function(world) return tostring(world.p) end,
}

return cases
