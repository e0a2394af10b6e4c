-- The descriptor that tells when there is work for pexec.dispatch stayed silent
-- where a task was made ready, or a blocking call had outlasted the alarm,
-- outside of dispatch.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

local probe = spec.probe

local watched

-- As a host's loop does, it asks for the descriptor once and for all.
local function readable(seconds)
  watched = watched or assert(pexec.pollfd())
  return probe.readable(watched, seconds or 0)
end

-- A host with a loop of its own: polls, and dispatches when there is work.
local function poll_until(f)
  local limit = probe.now() + 20 * spec.slowness
  while not f() do
    if not readable(limit - probe.now()) then
      error("the descriptor stayed silent", 2)
    end
    pexec.dispatch(0)
  end
end

-- Dispatches until there is nothing to do, and the descriptor says so too.
local function run_dry()
  local quiet_since = probe.now()
  while probe.now() - quiet_since < 0.05 do
    if readable(0.01) then
      pexec.dispatch(0)
      quiet_since = probe.now()
    end
  end
end

TestSilentPollfd = {}

function TestSilentPollfd:test_a_blocking_call_between_loses_no_sleeper()
  readable()
  local done = 0
  for _, seconds in ipairs{ 0.01, 0.2 } do
    pexec.task(function()
      pexec.sleep(seconds)
      done = done + 1
    end)
  end
  pexec.sleep(0.05)  -- outlasts the first, whose alarm is over with it
  lu.assertEquals(done, 1)
  poll_until(function() return done == 2 end)
end

function TestSilentPollfd:test_it_tells_of_one_that_yields()
  run_dry()
  local steps = 0
  pexec.task(function()
    for _ = 1, 3 do
      coroutine.yield()
      steps = steps + 1
    end
  end)
  poll_until(function() return steps == 3 end)
end

function TestSilentPollfd:test_it_tells_of_one_that_was_cancelled()
  run_dry()
  local answer
  local task = pexec.task(function() answer = { pexec.sleep(60) } end)
  task:cancel()
  poll_until(function() return answer end)
  lu.assertEquals(answer[3], "CANCELED")
end
