-- Cases for starving.lua: each function of pexec.core, and what C functions
-- the metatables of its userdata have, under "CLASS.NAME".

local config = require "pexec.config"
local core = require "pexec.core"
local pexec = require "pexec"
local planning = require "pexec.planning"
local spec = require "spec"
local starving = require "starving"

local live, process = starving.live, starving.process
local supervised = starving.supervised

local cases = {}

-- {== text and values =======================================================

local JSON <const> = '{"a":[1,"x",{"b":null}],"c":{"d":true},"e":"'
                     .. ("y"):rep(100) .. '"}'

for name, call in pairs{
  now = core.now,
  duration_parse = function() return core.duration_parse("1h2m3.5s") end,
  duration_format = function() return core.duration_format(3723.5) end,
  signal_parse = function() return core.signal_parse("SIGTERM") end,
  signal_name = function() return core.signal_name(15) end,
  json_decode = function() return (core.json_decode(JSON)) end,
  json_encode = function()
    return core.json_encode{ { "a", { 1, "x", true } },
                             { "b", { { "c", ("z"):rep(300) } } } }
  end,
  json_type = function() return core.json_type(core.null) end,
  is_logger = function() return core.is_logger(pexec.null_logger) end,
} do
  cases[name] = { call = call }
end

-- {== the supervisor ========================================================

cases.wait = { call = function() return core.wait(0) end }
cases.pollfd = { call = function() return core.pollfd() end }
cases.alarm = { call = function() return core.alarm(1) end,
                leave = function() core.alarm() end }
cases.catch = {
  call = function() return core.catch{ 10, 12 } end,
  check = function()
    core.uncatch{ 10, 12 }
    assert(core.catch{ 10, 12 })
    core.uncatch{ 10, 12 }
  end,
}
cases.uncatch = {
  make = function() assert(core.catch{ 10, 12 }) end,
  call = function() core.uncatch{ 10, 12 } end,
  check = cases.catch.check,
}

-- Of what a finished one has told, nothing is lost, and nothing comes twice.
cases.next = {
  make = function()
    local world = { lines = {}, ends = 0 }
    world.p = process({ restart = "never", log_writer = function(line)
        table.insert(world.lines, line) end,
      on_unexpected_exit = function() world.ends = world.ends + 1 end },
      "print", "hello", "exit", 3)
    assert(core.process_start(world.p))
    spec.eventually(function()
      return not core.process_is_active(world.p)
    end)
    return world
  end,
  call = function() core.next(false) end,
  check = function(world)
    spec.eventually(function() return world.ends > 0 end)
    assert(world.ends == 1 and #world.lines == 1)
  end,
}

-- {== making ================================================================

local function plan()
  local settings = config.new(spec.child({ id = "a", args = { "x", "y" },
      environment = { A = "b" }, stdout = { file = "/dev/null" },
      limits = { core = 0 }, cpu_affinity = { 0 }, stop_sequence = {
        { signal = "TERM", wait = 1 }, { run = { "true", "x" } } },
      success_exit_codes = { 0, 3 }, restart_delay = { 1, 2 },
      cgroup = { path = "a" } }))
  return (planning.make(settings, pexec.null_logger))
end

cases.process_new = { make = plan, once = true, call = core.process_new }

cases.manager_new = { call = function() return core.manager_new{} end }
cases.manager_value = { once = true, make = pexec.new_process_manager,
                        call = core.manager_value }

cases.logger_new = {
  make = function() return { file = spec.tmpdir() .. "/log", keep = 3 } end,
  call = core.logger_new,
  leave = spec.remove_directories,
}

-- {== what is known =========================================================

-- One that has died once, and has said something.
local function experienced()
  local world = live({ log_writer = function() end }, "print", "hello",
                     "forever")
  spec.eventually(function() return #core.process_tail(world.p) == 1 end)
  spec.kill(world.p:unix_pid())
  spec.eventually(function()
    return world.deaths == 1 and #core.process_tail(world.p) == 2
  end)
  return world
end

for _, name in ipairs{ "state", "info", "history", "tail", "id", "name",
                       "is_one_shot", "is_active", "value" } do
  local ask = core["process_" .. name]
  cases["process_" .. name] = {
    make = experienced, once = true, finish = supervised,
    call = function(world) return ask(world.p) end,
  }
end

-- {== orders ================================================================

-- Any answer will do where an order comes out of turn, as here; what it must
-- not do is disturb what goes on.
local ARGUMENTS <const> = {
  cancel = { "CANCELED" }, decide = { 1, "restart" }, prepared = { 1 },
  unprepared = { 1, "why" }, advance = { 1 }, write = { "hello" },
  signal = { 18 }, subscribe = { 127 }
}

for _, name in ipairs{ "cancel", "decide", "prepared", "unprepared",
                       "advance", "reopen", "write", "close_stdin", "signal",
                       "subscribe" } do
  local order = core["process_" .. name]
  local arguments = ARGUMENTS[name] or {}
  cases["process_" .. name] = {
    make = function() return live{ stdin = "pipe" } end,
    call = function(world) return order(world.p, table.unpack(arguments)) end,
    check = supervised,
  }
end

for _, name in ipairs{ "stop", "kill_group" } do
  local order = core["process_" .. name]
  cases["process_" .. name] = {
    make = live, check = starving.stopped,
    call = function(world) return order(world.p) end,
  }
end

cases.process_restart = {
  make = live,
  call = function(world) world.is_ordered = core.process_restart(world.p) end,
  check = function(world)
    if not world.is_ordered then assert(core.process_restart(world.p)) end
    -- more, where the first order was given, and its answer found no memory
    spec.eventually(function() return world.p:info().starts >= 2 end)
    supervised(world)
  end,
}

cases.process_start = {
  make = function() return { p = process({}, "forever"), deaths = 0 } end,
  call = function(world) return core.process_start(world.p) end,
  check = function(world)
    world.p:start()  -- it may have been already
    spec.eventually(function() return world.p:status() end)
    starving.stopped(world)
  end,
}

cases.process_configure = {
  make = function()
    local world = live()
    world.plan = plan()
    world.plan.cgroup = nil
    return world
  end,
  call = function(world)
    return core.process_configure(world.p, world.plan, true)
  end,
  check = starving.stopped,
}

-- {== lines =================================================================

-- What core.next gives of one that has said something.
local function lines_of_one()
  local world = { p = process({ restart = "never",
                                log_writer = function() end },
                              "print", ("x"):rep(100), "exit", 0) }
  assert(core.process_start(world.p))
  local kind, of, lines
  repeat
    core.wait(10)
    kind, of, lines = core.next(kind ~= nil)
  until kind == "output" and of == world.p
  world.lines = lines
  return world
end

local function finish(world)
  core.lines_done(world.lines)
  world.lines = nil
  while core.next(true) do end
  starving.stopped(world)
end

cases.lines_next = {
  make = lines_of_one,
  call = function(world) return core.lines_next(world.lines) end,
  check = function(world)
    local line = core.lines_next(world.lines)
    assert(not line or line == ("x"):rep(100))
  end,
  leave = finish,
}

cases.lines_done = {
  make = lines_of_one,
  call = function(world) return core.lines_done(world.lines) end,
  check = finish,
}

-- {== metamethods ===========================================================

local function class(name)
  return debug.getregistry()["pexec." .. name]
end

-- What is dropped is collected; 'make' gives what is to be dropped alone.
local function collected(make)
  return {
    make = function() return { make() } end,
    call = function(world)
      world[1] = nil
      collectgarbage()
    end,
    check = function() assert(make()) end,
  }
end

cases["ManagedProcess.__gc"] = collected(function()
  return process({}, "forever")
end)
cases["Logger.__gc"] = collected(function()
  return core.logger_new{ level = "error" }
end)
cases["Tail.__gc"] = collected(function()
  return core.process_tail(process{})
end)
cases["ProcessManager.__gc"] = collected(pexec.new_process_manager)

-- Its lines are there until it is collected: the host does not get them.
cases["Lines.__gc"] = {
  make = lines_of_one,
  call = function(world)
    world.lines = nil
    core.next(true)
    collectgarbage()
  end,
  check = function(world)
    while core.next(true) do end
    starving.stopped(world)
  end,
}

-- The one of them is the state's, and empty here.
cases["Event.__gc"] = {
  make = function()
    core.next(true)
    for _, value in pairs(debug.getregistry()) do
      if debug.getmetatable(value) == class "Event" then return value end
    end
  end,
  call = function(event) return class "Event".__gc(event) end,
  check = function() while core.next(true) do end end,
}

cases["ManagedProcess.__tostring"] = {
  make = live, once = true, finish = supervised,
  call = function(world) return class "ManagedProcess".__tostring(world.p) end,
}

for _, level in ipairs{ "debug", "info", "warn", "error" } do
  cases["Logger." .. level] = {
    make = function()
      local path = spec.tmpdir() .. "/log"
      return { logger = core.logger_new{ file = path, level = "debug" } }
    end,
    call = function(world) world.logger[level](world.logger, "hi", "a") end,
    check = function(world) world.logger[level](world.logger, "hello") end,
    leave = spec.remove_directories,
  }
end

-- As lua_close does it: its processes are collected before it. From here on
-- the state has none, and says so.
cases["Supervisor.__gc"] = {
  once = true, is_last = true,
  make = function()
    local world = { p = process({}, "forever") }
    assert(world.p:start())
    world.pid = world.p:unix_pid()
    class "ManagedProcess".__gc(world.p)
    for _, value in pairs(debug.getregistry()) do
      if debug.getmetatable(value) == class "Supervisor" then
        world.anchor = value
      end
    end
    return world
  end,
  call = function(world) class "Supervisor".__gc(world.anchor) end,
  check = function(world)
    assert(not spec.alive(world.pid))
    local ok, problem = pcall(core.pollfd)
    assert(not ok and problem == "pexec: the Lua state is being closed")
  end,
}

return cases
