-- Cases for starving.lua: each method and metamethod of managers, under
-- "CLASS.NAME". Whatever one of them was at when memory was gone, its stop
-- ends all that it has ever started.

local pexec = require "pexec"
local spec = require "spec"
local starving = require "starving"

local process = starving.process

local cases = {}

-- {== worlds ================================================================

local function settings(id, ...)
  return spec.child({ id = id, restart_delay = 0 }, ...)
end

-- pm, with two that are not started; made: all there ever were.
local function idle()
  local world = { pm = pexec.new_process_manager(pexec.null_logger), made = {} }
  for i, id in ipairs{ "a", "b" } do
    world.made[i] = process({ id = id, restart_delay = 0 }, "forever")
    assert(world.pm:add_process(world.made[i], false))
  end
  return world
end

local function running()
  local world = idle()
  assert(world.pm:start())
  return world
end

-- Those that are still its own run, and come back when they are killed; then
-- it is stopped, and with it all of them.
local function supervised(world)
  for _, id in ipairs(world.pm:process_ids()) do
    local p = world.pm:process_by_id(id)
    local pid = p:unix_pid()
    if pid then
      spec.kill(pid)
      spec.eventually(function()
        local now = p:unix_pid()
        return now and now ~= pid
      end)
    end
  end
end

-- A stop that is under way may still say that there was no memory.
local function ended(world)
  local ids = {}
  for _, id in ipairs(world.pm:process_ids()) do
    assert(not ids[id] and world.pm:process_by_id(id), id)
    ids[id] = true
  end
  local ok, message = world.pm:stop()
  assert(ok or message:find "not enough memory", message)
  assert(world.pm:stop())
  assert(#world.pm:process_ids() == 0)
  for _, p in ipairs(world.made) do assert(not p:status()) end
  assert(process({ one_shot = true }, "exit", 0):start())
end

local function case(name, make, call, check)
  cases["ProcessManager." .. name] = {
    make = make, call = call, leave = ended,
    check = function(world)
      if check then check(world) end
      supervised(world)
    end,
  }
end

-- {== what is in it =========================================================

for name, call in pairs{
  process_ids = function(world) return world.pm:process_ids() end,
  process_by_id = function(world) return world.pm:process_by_id("a") end,
  reopen_logs = function(world) return world.pm:reopen_logs() end,
  pollfd = function(world) return world.pm:pollfd() end,
  getfd = function(world) return world.pm:getfd() end,
  events = function(world) return world.pm:events() end,
  timeout = function(world) return world.pm:timeout() end,
  clone = function(world) return world.pm:clone() end,
  __tostring = function(world) return tostring(world.pm) end,
} do
  cases["ProcessManager." .. name] = {
    make = running, once = true, call = call,
    check = function(world) call(world) end,
    finish = function(world)
      supervised(world)
      ended(world)
    end,
  }
end

-- It is in the manager, or in the hands of who took it out.
case("remove_process_by_id", running, function(world)
  return world.pm:remove_process_by_id("a")
end, function(world)
  if not world.pm:process_by_id("a") then assert(world.made[1]:stop()) end
end)

-- {== adding ================================================================

-- It is in the manager, or can still be added.
case("add_process", function()
  local world = running()
  world.made[3] = process({ id = "c", restart_delay = 0 }, "forever")
  return world
end, function(world)
  return world.pm:add_process(world.made[3], true)
end, function(world)
  if world.pm:process_by_id("c") ~= world.made[3] then
    assert(world.pm:add_process(world.made[3], true))
  end
  spec.eventually(function() return world.made[3]:status() end)
end)

-- Nobody has the process but the manager.
case("add_process_from_config", running, function(world)
  return world.pm:add_process_from_config(settings("c", "forever"))
end, function(world)
  if not world.pm:process_by_id("c") then
    assert(world.pm:add_process_from_config(settings("c", "forever")))
  end
  spec.eventually(function() return world.pm:process_by_id("c"):status() end)
end)

-- {== starting and stopping =================================================

case("start", idle, function(world) return world.pm:start() end)
case("stop", running, function(world) return world.pm:stop() end, ended)
case("__close", running, function(world) local _ <close> = world.pm end, ended)

-- Stops it soon, however often there is no memory for that.
local function stop_soon(world)
  local is_done
  repeat
    is_done = pcall(function()
      pexec.sleep(0.002)
      assert(world.pm:stop())
    end)
    if not is_done then coroutine.yield() end
  until is_done
  return true
end

-- Where that has failed for good, what one of the processes tells wakes it.
case("run", function()
  local world = idle()
  world.made[3] = process({ id = "c", restart_delay = 0.005,
    on_unexpected_exit = function() return true end }, "sleep", 0.005)
  assert(world.pm:add_process(world.made[3], false))
  world.task = pexec.task(stop_soon, world)
  return world
end, function(world)
  return world.pm:run{ signals = { "USR1" } }
end, function(world)
  world.task:wait()
  local other = pexec.new_process_manager(pexec.null_logger)
  pexec.task(function()
    pexec.sleep(0)
    return other:stop()
  end)
  assert(other:run{ signals = { "USR1" } })
end)


-- {== events ================================================================

local function nobody() end

case("on", running, function(world) return world.pm:on("exited", nobody) end)
case("off", function()
  local world = running()
  world.handle = assert(world.pm:on("exited", nobody))
  return world
end, function(world) return world.pm:off(world.handle) end)

-- {== the one that does nothing =============================================

local noop = pexec.noop_process_manager

for name in pairs(getmetatable(noop).__index) do
  cases["Noop." .. name] = {
    call = function()
      if name == "off" then
        return noop:off(noop:on("exited", nobody))
      elseif name == "on" then
        return noop:on("exited", nobody)
      end
      return noop[name](noop)
    end,
    check = function() end,
  }
end
cases["Noop.__tostring"] = { call = function() return tostring(noop) end }
cases["Noop.__close"] = { call = function() local _ <close> = noop end,
                          check = function() end }

return cases
