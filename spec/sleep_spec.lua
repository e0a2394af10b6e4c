-- pexec.sleep: how long, what it answers, and what it lets happen meanwhile.

local core = require "pexec.core"
local hosts = require "hosts"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local probe = spec.probe
local timed = managers.timed

TestSleep = {}

-- FAULTS 36
function TestSleep:test_its_clock_is_one_that_nobody_sets()
  local before, time = probe.now(), core.now()
  lu.assertTrue(before <= time and time <= probe.now())
end

function TestSleep:test_it_sleeps_no_less_than_asked()
  for _, duration in ipairs{ 0.05, "50ms", "0.05s" } do
    local seconds, answer = timed(pexec.sleep, duration)
    lu.assertTrue(seconds >= 0.05, duration)
    lu.assertIs(answer, true)
  end
end

function TestSleep:test_no_time_at_all_is_allowed()
  lu.assertEquals({ pexec.sleep(0) }, { true })
  lu.assertEquals({ pexec.sleep("0s") }, { true })
end

function TestSleep:test_what_is_no_duration_is_refused()
  for value, words in pairs{ [-1] = "negative duration -1",
                             ["1 hour"] = 'invalid duration "1 hour"',
                             [true] = "duration (number or string) expected, "
                                      .. "got boolean true",
                             [math.huge] = "duration out of range inf" } do
    lu.assertEquals(managers.words_of(function() pexec.sleep(value) end),
                    "sleep: " .. words)
  end
  lu.assertEquals(managers.words_of(function() pexec.sleep() end),
      "sleep: duration (number or string) expected, got nil")
  lu.assertEquals(managers.words_of(function() pexec.sleep(0 / 0) end),
                  "sleep: invalid duration nan")
end

function TestSleep:test_the_error_is_the_callers()
  lu.assertStrMatches(managers.message_of(function() pexec.sleep(-1) end),
                      ".*sleep_spec%.lua:%d+: .*")
end

function TestSleep:test_it_blocks_the_main_program_and_dispatches()
  local ran = false
  local task = pexec.task(function()
    pexec.sleep(0.01)
    ran = true
  end)
  pexec.sleep(0.1)
  lu.assertTrue(ran)
  task:wait()
end

function TestSleep:test_in_a_task_it_holds_up_nobody()
  local task = pexec.task(pexec.sleep, 60)
  lu.assertTrue((timed(pexec.sleep, 0.01)) < 30)
  task:cancel()
  task:wait()
end

function TestSleep:test_sleepers_wake_in_the_order_of_their_time()
  local order, tasks = {}, {}
  for _, hundredths in ipairs{ 5, 1, 4, 2, 3 } do
    tasks[#tasks + 1] = pexec.task(function()
      pexec.sleep(hundredths / 100)
      table.insert(order, hundredths)
    end)
  end
  for _, task in ipairs(tasks) do task:wait() end
  lu.assertEquals(order, { 1, 2, 3, 4, 5 })
end

-- Of each four one sleeps for long, and one is cancelled at once.
function TestSleep:test_cancelled_sleepers_disturb_no_other()
  local tasks, woken, early = {}, 0, 0
  for i = 1, 400 do
    local duration = i % 4 == 0 and 60 or i * 37 % 400 / 4000
    local due = probe.now() + duration
    tasks[i] = pexec.task(function()
      if not pexec.sleep(duration) then return end
      woken = woken + 1
      if probe.now() < due then early = early + 1 end
    end)
  end
  for i = 1, 400, 4 do tasks[i]:cancel() end
  spec.eventually(function() return woken == 200 end)
  for i = 4, 400, 4 do tasks[i]:cancel() end
  for _, task in ipairs(tasks) do task:wait() end
  lu.assertEquals({ woken, early }, { 200, 0 })
end

function TestSleep:test_a_signal_handler_of_the_hosts_does_not_shorten_it()
  assert(probe.disposition(10, "catch"))
  local once = managers.process({ id = "a", one_shot = true, name = "/bin/sh",
    args = { "-c", "for i in 1 2 3 4 5; do kill -USR1 " .. probe.pid()
                   .. "; sleep 0.02; done" } })
  local before = probe.caught()
  local task = pexec.task(once.start, once)
  local seconds = timed(pexec.sleep, 0.3)
  task:wait()
  assert(probe.disposition(10, "default"))
  lu.assertTrue(probe.caught() > before)
  lu.assertTrue(seconds >= 0.3, seconds)
end

-- What Ctrl-C does in lua5.4: a hook raises an error, as soon as Lua runs.
TestInterrupt = {}

-- A host that has this to do is sent SIGINT once it says so.
local function interrupt(text)
  local host = hosts.start(text)
  host:await("ready")
  probe.sleep(0.05)
  spec.kill(host.pid, "INT")
  return host, host:finish()
end

function TestInterrupt:test_ctrl_c_ends_a_sleep_with_an_error()
  local host, _, message = interrupt[[print "ready" pexec.sleep(60)]]
  lu.assertStrContains(message, "exit status 1")
  lu.assertStrContains(host:text(), "interrupted!")
end

function TestInterrupt:test_ctrl_c_ends_a_wait_and_the_process_too()
  local host = interrupt[[
    local p = managers.started("a", "forever")
    print("pid", p:unix_pid())
    print "ready"
    p:wait()]]
  lu.assertStrContains(host:text(), "interrupted!")
  lu.assertFalse(spec.alive(host:number("pid")))
end

function TestInterrupt:test_ctrl_c_ends_a_dispatch()
  local host = interrupt[[
    local p = managers.started("a", "forever")
    print "ready"
    pexec.dispatch()]]
  lu.assertStrContains(host:text(), "interrupted!")
end

-- FAULTS 16: it reaches the host alone, and the host decides
function TestInterrupt:test_who_catches_it_may_go_on()
  local host, ok = interrupt[[
    local p = managers.stubborn{ id = "a", stop_timeout = 2 }
    local ticks = 0
    local ticker = pexec.task(function()
      while ticks < 1000 and pexec.sleep(0.001) do ticks = ticks + 1 end
    end)
    print "ready"
    local is_fine, message = pcall(p.stop, p)
    print("got", is_fine, message:match("interrupted!"))
    print("then", p:stop())
    ticker:wait()
    print("ticks", ticks)]]
  lu.assertTrue(ok, host:text())
  lu.assertEquals(host.stdout, { "ready", "got\tfalse\tinterrupted!",
                                 "then\ttrue\tkill", "ticks\t1000" })
end
