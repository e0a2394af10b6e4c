--[[
One call of pexec's after another under an allocator that fails. Runs in a
state of states.starved, where arm and disarm are global functions:

    local starving = require "starving"
    starving.play("core", "process_new", how_many, first, step)

calls what that case has, with the n-th allocation that fails, that one alone
or as many from it on (true: all), for ever larger n until none has failed. A
case is a table, in starved_core.lua, starved_api.lua or starved_manager.lua, of

    make    () -> its world, anew for each call; nil: it needs none
    once    true: one world does for all calls
    call    (world): what is tried
    check   (world): what holds whatever came of it, with memory again; nil:
            call(world) does not fail
    leave   (world): ends what is left of it, after the check
    finish  (world): the same, of one world, when all calls are over
    is_last true: the state has no supervisor any more

What is raised is a memory error and nothing else, and where nothing failed
nothing is raised. Afterwards there is no child, and not one descriptor more.
Runs on the thread of that state.
]]

local core = require "pexec.core"
local pexec = require "pexec"
local spec = require "spec"

local starving = {}

local arm, disarm = load "return arm, disarm" ()

-- {== worlds ================================================================

--- A process of the helper program that is not started; it logs nothing.
function starving.process(fields, ...)
  fields.id = fields.id or "a"
  return assert(pexec.new_managed_process(spec.child(fields, ...),
                                          pexec.null_logger))
end

--- The world of one that runs, and that counts what it hears of its deaths:
-- p, deaths.
function starving.live(fields, ...)
  local world = { deaths = 0 }
  fields = fields or {}
  fields.restart_delay = 0
  fields.on_unexpected_exit = function()
    world.deaths = world.deaths + 1
    return true
  end
  world.p = starving.process(fields, table.unpack(
      select("#", ...) > 0 and { ... } or { "forever" }))
  assert(world.p:start())
  return world
end

--- Where it runs, its death is told, and it comes back; it can be stopped, and
-- another one started.
function starving.supervised(world)
  local p, deaths = world.p, world.deaths
  if p:unix_pid() and p:info().desired == "running" then
    local killed
    spec.eventually(function()
      local pid = p:unix_pid()
      if not pid or pid == killed then return false end
      if world.deaths > deaths then return true end
      killed = pid  -- a restart under way may have ended the one before
      pcall(spec.kill, pid)
    end)
  end
  starving.stopped(world)
end

--- It can be stopped, and another one started.
function starving.stopped(world)
  assert(world.p:stop())
  assert(world.p:wait())
  assert(not world.p:status())
  assert(starving.process({ one_shot = true }, "exit", 0):start())
end

-- {== playing ===============================================================

local function children()
  local pids = {}
  for _, tid in ipairs(spec.probe.list("/proc/self/task")) do
    pids[#pids + 1] = spec.read("/proc/self/task/" .. tid .. "/children") or ""
  end
  return table.concat(pids)
end

local function descriptors()
  return #spec.probe.list("/proc/self/fd")
end

-- Has all that was begun come to its end?
local function settle(before)
  spec.eventually(function()
    while assert(pexec.dispatch(0)) > 0 do end
    collectgarbage()
    local left = children()
    return left == "" and (not before or descriptors() <= before),
           "children: " .. left, "descriptors: " .. descriptors()
  end)
end

local function check(case, world)
  if case.check then case.check(world) else assert(case.call(world) ~= nil) end
  if case.leave then case.leave(world) end
end

-- Has none failed in it?
local function try(case, world, nth, how_many)
  collectgarbage()
  arm(nth, how_many)
  local ok, problem = pcall(case.call, world)
  local failures = disarm()
  if not ok and (problem ~= "not enough memory" or failures == 0) then
    error(tostring(problem), 0)
  end
  return failures == 0
end

local function attempt(case, world, nth, how_many)
  local is_over = try(case, world, nth, how_many)
  local ok, problem = xpcall(check, debug.traceback, case, world)
  if not ok then error(("at allocation %d: %s"):format(nth, problem), 0) end
  return is_over
end

-- One world for all, or one for each.
local function worlds(case)
  local make = case.make or function() end
  local kept = case.once and make()
  return function() return kept or make() end, kept
end

local function play(case, how_many, first, step)
  assert(core.pollfd())  -- from here on the state has its descriptors
  local next_world, kept = worlds(case)
  local before = nil
  for nth = first, 100000, step do
    local is_over = attempt(case, next_world(), nth, how_many)
    if not case.once then settle(before) end
    before = before or descriptors()
    if is_over then
      if case.finish then case.finish(kept) end
      if not case.is_last then settle() end
      return nth
    end
  end
  error "it does not get through"
end

--- Plays it; the number of the first call that was not disturbed.
function starving.play(part, name, how_many, first, step)
  local case = require("starved_" .. part)[name]
  local ok, answer = pcall(play, case, how_many, first, step)
  if not ok then error(name .. ": " .. answer, 0) end
  return answer
end

return starving
