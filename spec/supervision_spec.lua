-- Supervision does not depend on Lua: while a host's Lua computes, for five
-- seconds or for ever, its processes are restarted, read and stopped on time.
-- The spec looks on, and kills, from outside that host.

local lu = require "luaunit"
local pexec = require "pexec"
local hosts = require "hosts"
local spec = require "spec"

local now = spec.probe.now

local COUNT <const> = 5

-- For five seconds from "busy" to "free" it calls nothing of pexec's.
local BUSY <const> = [[
  local dir = %q
  local now = spec.probe.now
  local function start(fields, ...)
    local process = assert(pexec.new_managed_process(
        spec.child(fields, ...), fields.id == "talker" and
        pexec.new_logger{ file = dir .. "/log" } or pexec.null_logger))
    assert(process:start())
    return process
  end
  for i = 1, %d do
    start({ id = "p" .. i }, "append", dir .. "/p" .. i, "%%p %%t", "forever")
  end
  start({ id = "crasher" }, "append", dir .. "/crasher", "%%t", "sleep", 0.2,
        "exit", 1)
  start({ id = "talker", log = true, name = "/bin/sh", args = { "-c",
          "while :; do echo tick; sleep 0.1; done" } })
  local stubborn = start({ id = "stubborn", stop_timeout = 1.5 }, "count",
                         "TERM", dir .. "/terms", "append", dir .. "/up",
                         "%%p", "forever")
  spec.eventually(function() return spec.read(dir .. "/up") end)
  pexec.task(stubborn.stop, stubborn)
  print("busy")
  local limit = now() + 5
  repeat until now() > limit
  print("free")
]]

local function lines_of(path)
  return spec.lines(spec.read(path))
end

-- The last start of a process, as its file tells: pid, and when.
local function last_start(path)
  local lines = lines_of(path)
  local pid, at_ns = (lines[#lines] or ""):match("^(%d+) (%d+)$")
  return math.tointeger(tonumber(pid)), at_ns and tonumber(at_ns) / 1e9
end

-- Kills what has been up for a second.
local function kill_the_old(seen)
  for i = 1, COUNT do
    local pid, at = last_start(seen.dir .. "/p" .. i)
    if pid and now() - at >= 1 and not seen.killed_at[pid] then
      seen.killed_at[pid] = now()
      spec.kill(pid)
    end
  end
end

-- Notes when the stubborn process was first told to stop, and when it died.
local function watch_the_stubborn(seen)
  local terms = #lines_of(seen.dir .. "/terms")
  local pid = math.tointeger(tonumber(spec.read(seen.dir .. "/up")))
  if terms > 0 then seen.told_at = seen.told_at or now() end
  if terms > 1 then seen.told_again_at = seen.told_again_at or now() end
  if not spec.alive(pid) then seen.died_at = seen.died_at or now() end
end

local function look_on(seen)
  local dir = spec.tmpdir()
  seen.dir = dir
  local host = hosts.start(BUSY:format(dir, COUNT))
  host:await("busy")
  local began_at = now()
  seen.log_before = #lines_of(dir .. "/log")
  while not host:find("free") do
    local is_early = now() - began_at < 4
    if is_early then kill_the_old(seen) end
    if is_early then seen.log_after = #lines_of(dir .. "/log") end
    watch_the_stubborn(seen)
    assert(not host.has_ended or host:find("free"), host:text())
    pexec.sleep(0.01)
  end
  host:finish()
  for i = 1, COUNT do seen[i] = lines_of(dir .. "/p" .. i) end
  seen.crasher = lines_of(dir .. "/crasher")
end

local seen

-- What happened in those five seconds; they pass once, for all that asks.
local function busy_host()
  if not seen then
    seen = { killed_at = {} }
    look_on(seen)
  end
  return seen
end

TestBusyLua = {}

-- FAULTS 1
function TestBusyLua:test_each_is_back_at_once_every_time_it_is_killed()
  local facts = busy_host()
  for i = 1, COUNT do
    local kills = 0
    for index, line in ipairs(facts[i]) do
      local killed_at = facts.killed_at[tonumber(line:match("^%d+"))]
      if killed_at then
        local back_at = tonumber((facts[i][index + 1] or ""):match(" (%d+)$"))
        lu.assertNotNil(back_at, "it did not come back")
        local seconds = back_at / 1e9 - killed_at
        lu.assertTrue(seconds < 0.8 * spec.slowness, "back after " .. seconds)
        kills = kills + 1
      end
    end
    lu.assertTrue(kills >= 2, "it was killed only " .. kills .. " times")
  end
end

-- FAULTS 9
function TestBusyLua:test_one_that_exits_after_0_2_s_is_started_once_a_second()
  local times = busy_host().crasher
  lu.assertTrue(#times >= 4 and #times <= 8, "starts: " .. #times)
  for i = 2, #times do
    local seconds = (tonumber(times[i]) - tonumber(times[i - 1])) / 1e9
    lu.assertTrue(seconds > 0.7, "after " .. seconds)
  end
end

-- FAULTS 13
function TestBusyLua:test_output_to_the_built_in_logger_goes_on()
  local facts = busy_host()
  lu.assertTrue(facts.log_after - facts.log_before >= 10,
                "lines: " .. facts.log_after - facts.log_before)
end

-- FAULTS 3
function TestBusyLua:test_the_stages_of_a_stop_keep_time()
  local facts = busy_host()
  lu.assertNotNil(facts.told_again_at, "the group was not signalled")
  lu.assertNotNil(facts.died_at, "it was not killed")
  local again = facts.told_again_at - facts.told_at
  local death = facts.died_at - facts.told_at
  lu.assertTrue(again > 0.3 and again < 1.2 * spec.slowness,
                "again after " .. again)
  lu.assertTrue(death > 1.2 and death < 3 * spec.slowness,
                "killed after " .. death)
end

TestStuckLua = {}

local STUCK <const> = [[
  local dir = %q
  local function start(fields, ...)
    local process = assert(pexec.new_managed_process(spec.child(fields, ...),
                                                     pexec.null_logger))
    assert(process:start())
  end
  local function hang() print("stuck") while true do end end
  start({ id = "a", restart_delay = 0 }, "append", dir .. "/pids", "%%p",
        "forever")
  start({ id = "b", %s = hang }, "print", "hello", "exit", 1)
  while true do pexec.sleep(60) end
]]

local function assert_others_go_on(field)
  local dir = spec.tmpdir()
  local host = hosts.start(STUCK:format(dir, field))
  host:await("stuck")
  for count = 1, 5 do
    local pids = spec.eventually(function()
      local lines = lines_of(dir .. "/pids")
      return #lines >= count and lines
    end)
    spec.kill(math.tointeger(tonumber(pids[count])))
  end
  spec.eventually(function() return #lines_of(dir .. "/pids") >= 6 end)
  host.process:kill_group()
  host:finish()
end

-- FAULTS 14
function TestStuckLua:test_a_handler_that_loops_for_ever_holds_up_no_other()
  assert_others_go_on("on_unexpected_exit")
end

-- FAULTS 13, 14
function TestStuckLua:test_nor_does_a_writer_that_loops_for_ever()
  assert_others_go_on("log_writer")
end
