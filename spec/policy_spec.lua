-- The restart policy as Lua sees it: which deaths are restarted, how long
-- that waits, when it is given up, what a handler can say besides yes and no,
-- restarts that are ordered, and what is known meanwhile. The formulas are in
-- core/restart_test.c, the times in core/policy_test.c.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local now = spec.probe.now

-- Starts it and waits for its end.
local function ended(fields, ...)
  local process = managers.started(fields, ...)
  assert(process:wait())
  return process
end

-- A handler that does what the array says, a function each or a value, and
-- then says no; and the exits that it has seen.
local function handler_of(answers)
  local exits = {}
  return function(_, exit)
    exits[#exits + 1] = exit
    local answer = answers[#exits]
    if type(answer) == "function" then answer = answer(exit) end
    return answer
  end, exits
end

TestPolicy = {}

function TestPolicy:test_never_is_never()
  for _, code in ipairs{ 0, 1, 255 } do
    local process = ended({ restart = "never" }, "exit", code)
    lu.assertEquals(process:info().state, "exited")
    lu.assertEquals(process:info().starts, 1)
  end
end

function TestPolicy:test_on_failure_a_success_is_the_end()
  local process = ended({ restart = "on_failure" }, "exit", 0)
  lu.assertEquals(process:info().state, "exited")
  process = ended({ restart = "on_failure", success_exit_codes = { 7, 0 } },
                  "exit", 7)
  lu.assertEquals(process:info().starts, 1)
end

function TestPolicy:test_on_failure_anything_else_is_restarted()
  for fields, words in pairs{
    [{ success_exit_codes = { 0, 2 } }] = { "exit", 1 },
    [{ success_exit_codes = { 1 } }] = { "exit", 0 },
    [{ success_exit_codes = {} }] = { "exit", 0 },
    [{}] = { "exit", 255 },
  } do
    fields.restart = "on_failure"
    fields.restart_limit = { max = 2, within = 60 }
    fields.restart_delay = 0
    local process = ended(fields, table.unpack(words))
    lu.assertEquals(process:info().state, "failed")
    lu.assertEquals(process:info().starts, 3)
  end
end

function TestPolicy:test_on_failure_a_signal_is_one()
  local process = managers.started({ restart = "on_failure" }, "forever")
  local pid = process:unix_pid()
  spec.kill(pid, "TERM")
  spec.eventually(function()
    return process:unix_pid() and process:unix_pid() ~= pid
  end)
  process:stop()
end

function TestPolicy:test_a_started_one_begins_anew_after_its_end()
  local process = ended({ restart = "never" }, "exit", 0)
  lu.assertTrue(process:start())
  process:wait()
  lu.assertEquals(process:info().starts, 2)
end

TestDelays = {}

function TestDelays:test_they_grow_from_the_death()
  local process = managers.started({
    restart_delay = { initial = 0.05, factor = 3, max = 10, jitter = 0 },
    restart_limit = { max = 3, within = 60 },
  }, "exit", 1)
  process:wait()
  local history = process:history()
  lu.assertEquals(#history, 4)
  for i, least in ipairs{ 0.05, 0.15, 0.45 } do
    local death = history[i].started_at + history[i].uptime
    lu.assertTrue(history[i + 1].started_at - death >= least - 0.001)
    lu.assertEquals(history[i].attempt, i)
  end
end

function TestDelays:test_a_list_says_each_of_them()
  local process = managers.started({
    restart_delay = { 0.2, 0, "50ms" },
    restart_limit = { max = 3, within = 60 },
  }, "exit", 1)
  process:wait()
  local history = process:history()
  for i, least in ipairs{ 0.2, 0, 0.05 } do
    local death = history[i].started_at + history[i].uptime
    lu.assertTrue(history[i + 1].started_at - death >= least - 0.001)
  end
end

function TestDelays:test_the_next_one_is_told()
  local process = managers.started({
    restart_delay = { initial = 60, jitter = 0 } }, "exit", 1)
  local info = spec.eventually(function()
    local info = process:info()
    return info.next_restart_in and info
  end)
  lu.assertEquals(info.state, "backoff")
  lu.assertEquals(info.desired, "running")
  lu.assertEquals(info.consecutive_failures, 1)
  lu.assertTrue(info.next_restart_in > 0 and info.next_restart_in <= 60)
  lu.assertNil(info.pid)
  lu.assertNil(info.uptime)
  lu.assertEquals(info.last_exit.exit_code, 1)
  process:stop()
  lu.assertNil(process:info().next_restart_in)
  lu.assertEquals(process:info().desired, "stopped")
end

-- FAULTS 8
function TestDelays:test_a_stop_ends_the_longest()
  local process = managers.started({ restart_delay = { 3600 } }, "exit", 1)
  spec.eventually(function() return process:info().next_restart_in end)
  local began = now()
  lu.assertEquals({ process:stop() }, { true, "none" })
  lu.assertTrue(now() - began < 10)
  lu.assertEquals(process:info().starts, 1)
end

TestLimit = {}

-- FAULTS 9: a delay that is longer than the window does not disarm it
function TestLimit:test_delays_carry_nothing_out_of_its_window()
  local process = ended({ restart_delay = { 0.3 },
                          restart_limit = { max = 2, within = 0.2 } },
                        "exit", 1)
  lu.assertEquals(process:info().state, "failed")
  lu.assertEquals(process:info().starts, 3)
end

-- FAULTS 9
function TestLimit:test_neither_does_a_delay_of_zero()
  local process = ended({ restart_delay = 0,
                          restart_limit = { max = 5, within = 60 } },
                        "exit", 1)
  lu.assertEquals(process:info().state, "failed")
  lu.assertEquals(process:info().starts, 6)
  lu.assertEquals(process:info().consecutive_failures, 6)
end

function TestLimit:test_none_at_all_is_a_limit_too()
  local process = ended({ restart_limit = { max = 0, within = 1 } },
                        "exit", 1)
  lu.assertEquals(process:info().state, "failed")
  lu.assertEquals(process:info().starts, 1)
end

function TestLimit:test_the_host_and_the_log_are_told_why()
  local log, calls = spec.collecting_logger(), {}
  local process = assert(pexec.new_managed_process(spec.child({
    restart_delay = 0, restart_limit = { max = 1, within = "1m" },
    on_give_up = function(...) calls[#calls + 1] = { ... } end,
    tail_size = 1000, log = true,
  }, "print", "the last words", "exit", 3), log))
  assert(process:start())
  process:wait()
  pexec.sleep(0)
  lu.assertEquals(#calls, 1)
  local record, reason = table.unpack(calls[1])
  lu.assertEquals(record.exit_code, 3)
  lu.assertEquals(record.tail[1].line, "the last words")
  lu.assertIs(record.process, process)
  lu.assertStrContains(reason, "more than 1 restarts within 1m0s of running")
  lu.assertStrContains(reason, "exited with status 3")
  lu.assertNotNil(log:find(reason))
end

function TestLimit:test_one_that_was_given_up_can_be_started_anew()
  local process = ended({ restart_delay = 0,
                          restart_limit = { max = 1, within = 60 } },
                        "exit", 1)
  lu.assertTrue(process:start())
  process:wait()
  lu.assertEquals(process:info().state, "failed")
  lu.assertEquals(process:info().starts, 4)
  lu.assertEquals({ process:stop() }, { true, "none" })
  lu.assertEquals(select(3, process:start()), "ALREADY_STOPPED")
end

-- FAULTS 18
function TestLimit:test_a_program_that_is_away_counts()
  local path = spec.tmpdir() .. "/program"
  spec.write(path, "#!/bin/sh\nrm $0\nexit 0\n")
  assert(os.execute("chmod +x " .. path))
  local reasons = {}
  local process = managers.started({
    name = path, args = {}, restart_delay = 0,
    restart_limit = { max = 2, within = 60 },
    on_give_up = function(_, reason) reasons[1] = reason end })
  process:wait()
  lu.assertEquals(process:info().starts, 1)
  lu.assertEquals(process:info().state, "failed")
  lu.assertStrContains(reasons[1], "no such file or directory")
end

-- FAULTS 14
function TestLimit:test_an_error_in_the_handler_harms_nobody()
  local log = spec.collecting_logger()
  local process = assert(pexec.new_managed_process(spec.child({
    restart_limit = { max = 0, within = 1 },
    on_give_up = function() error "oh no" end,
  }, "exit", 1), log))
  assert(process:start())
  process:wait()
  spec.eventually(function()
    return log:find "error in on_give_up" and log:find "oh no"
  end)
end

TestVerdict = {}

function TestVerdict:test_a_table_restarts_after_its_delay()
  local handler, exits = handler_of{ { delay = 0.2 }, { delay = "50ms" } }
  ended({ restart_delay = 60, on_unexpected_exit = handler }, "exit", 1)
  lu.assertEquals(#exits, 3)
  for i, least in ipairs{ 0.2, 0.05 } do
    local death = exits[i].started_at + exits[i].uptime
    lu.assertTrue(exits[i + 1].started_at - death >= least - 0.001)
  end
end

function TestVerdict:test_it_may_say_no()
  local handler, exits = handler_of{ { restart = true, delay = 0 },
                                     { restart = false, delay = 0 } }
  local process = ended({ on_unexpected_exit = handler }, "exit", 1)
  lu.assertEquals(#exits, 2)
  lu.assertEquals(process:info().state, "exited")
end

function TestVerdict:test_the_limit_counts_what_it_says()
  local handler, exits = handler_of{ true, true, true, true }
  local process = ended({ restart_delay = 0, on_unexpected_exit = handler,
                          restart_limit = { max = 2, within = 60 } },
                        "exit", 1)
  lu.assertEquals(#exits, 3)
  lu.assertEquals(process:info().state, "failed")
end

-- FAULTS 14
function TestVerdict:test_what_it_cannot_mean_is_the_policys_business()
  for _, answer in ipairs{ { dealy = 1 }, { delay = "soon" },
                           { restart = "yes" } } do
    local log = spec.collecting_logger()
    local process = assert(pexec.new_managed_process(spec.child({
      restart = "never", on_unexpected_exit = handler_of{ answer },
    }, "exit", 1), log))
    assert(process:start())
    process:wait()
    lu.assertNotNil(log:find "on_unexpected_exit")
    lu.assertEquals(process:info().starts, 1)
  end
end

function TestVerdict:test_after_an_error_the_policy_decides()
  local function fail() error "oh no" end
  local process = ended({ restart = "never", on_unexpected_exit = fail },
                        "exit", 1)
  lu.assertEquals(process:info().state, "exited")
  process = ended({ restart = "on_failure", on_unexpected_exit = fail,
                    restart_delay = 0,
                    restart_limit = { max = 1, within = 60 } }, "exit", 1)
  lu.assertEquals(process:info().starts, 2)
end

TestDecisionTimeout = {}

function TestDecisionTimeout:test_then_the_policy_decides()
  local contexts = {}
  local process = managers.started({
    decision_timeout = 0.1, restart_delay = 0,
    restart_limit = { max = 1, within = 60 },
    on_unexpected_exit = function(_, exit)
      contexts[#contexts + 1] = exit.context
      pexec.sleep(60)
      return false
    end,
  }, "exit", 1)
  process:wait()
  lu.assertEquals(process:info().state, "failed")
  lu.assertEquals(process:info().starts, 2)
  spec.eventually(function() return contexts[1]:err() end)
end

-- FAULTS 13: Lua runs nothing at all meanwhile
function TestDecisionTimeout:test_lua_need_not_run_for_it()
  local process = managers.started({
    decision_timeout = 0.05, restart_delay = 0,
    on_unexpected_exit = function(_, exit)
      return exit.run == 1  -- of which start may hear while it waits
    end,
  }, "exit", 1)
  local limit = now() + 20
  while process:info().starts < 3 and now() < limit do end
  lu.assertTrue(process:info().starts >= 3)
  process:stop()
end

TestOrderedRestart = {}

function TestOrderedRestart:test_it_is_another_process_then()
  local process = managers.started("web", "forever")
  local pid = process:unix_pid()
  lu.assertEquals({ process:restart() }, { true })
  lu.assertNotEquals(process:unix_pid(), pid)
  lu.assertFalse(spec.alive(pid))
  lu.assertEquals(process:info().state, "running")
  lu.assertEquals(process:history()[1].requested, "restart")
  process:stop()
  lu.assertEquals(process:history()[2].requested, "stop")
end

function TestOrderedRestart:test_its_handler_is_not_asked()
  local handler, exits = handler_of{}
  local process = managers.started({ on_unexpected_exit = handler },
                                   "forever")
  assert(process:restart())
  process:stop()
  lu.assertEquals(exits, {})
end

function TestOrderedRestart:test_what_ignores_its_signal_is_killed()
  local process = managers.stubborn{ stop_timeout = 0.2 }
  local pid = process:unix_pid()
  assert(process:restart())
  lu.assertFalse(spec.alive(pid))
  process:kill_group()
  process:wait()
end

function TestOrderedRestart:test_one_that_was_never_started_is()
  local process = managers.process("web", "forever")
  lu.assertTrue(process:restart())
  lu.assertTrue(process:status())
  process:stop()
end

function TestOrderedRestart:test_one_that_has_ended_is_started()
  local process = ended({ restart = "never" }, "exit", 0)
  lu.assertTrue(process:restart())
  process:wait()
  lu.assertEquals(process:info().starts, 2)
end

function TestOrderedRestart:test_it_ends_a_delay()
  local process = managers.started({ restart_delay = { 3600 } }, "exit", 1)
  spec.eventually(function() return process:info().next_restart_in end)
  lu.assertTrue(process:restart())
  lu.assertEquals(process:info().starts, 2)
  process:stop()
end

function TestOrderedRestart:test_a_stopped_one_is_not_started()
  local process = managers.started("web", "forever")
  process:stop()
  lu.assertEquals({ process:restart() },
                  { nil, "already stopped", "ALREADY_STOPPED" })
end

function TestOrderedRestart:test_a_one_shot_is_not_for_it()
  local process = managers.process({ one_shot = true }, "exit", 0)
  lu.assertEquals(select(3, process:restart()), "UNSUPPORTED")
end

function TestOrderedRestart:test_a_handler_may_order_it_itself()
  local results = {}
  local process = managers.started({
    restart_delay = 60,
    on_unexpected_exit = function(_, exit)
      results[#results + 1] = exit.process:restart()
      return false
    end,
  }, "exit", 1)
  spec.eventually(function()
    pexec.dispatch(0)
    return #results >= 2
  end)
  lu.assertEquals(results[1], true)
  process:stop()
end

function TestOrderedRestart:test_a_stop_meanwhile_is_final()
  local process = managers.stubborn{ stop_timeout = 0.3 }
  local task = pexec.task(function() return process:restart() end)
  lu.assertTrue(process:stop())
  lu.assertEquals({ task:wait() },
                  { nil, "already stopped", "ALREADY_STOPPED" })
  lu.assertEquals(process:info().starts, 1)
end

function TestOrderedRestart:test_a_start_that_fails_is_told_and_tried_again()
  local path = spec.tmpdir() .. "/program"
  spec.write(path, assert(spec.read(spec.child_path)))
  assert(os.execute("chmod +x " .. path))
  local process = managers.started({ name = path, restart_delay = 0 },
                                   "forever")
  assert(os.rename(path, path .. ".away"))
  local ok, message, code = process:restart()
  lu.assertNil(ok)
  lu.assertStrContains(message, path)
  lu.assertEquals(code, "ENOENT")
  assert(os.rename(path .. ".away", path))
  spec.eventually(function() return process:status() end)
  process:stop()
end

TestRecords = {}

function TestRecords:test_the_last_sixteen_are_kept()
  local process = ended({ restart_delay = 0,
                          restart_limit = { max = 19, within = 60 } },
                        "exit", 1)
  local history = process:history()
  lu.assertEquals(#history, 16)
  for i, record in ipairs(history) do
    lu.assertEquals(record.run, i + 4)
    lu.assertEquals(record.attempt, i + 4)
    lu.assertEquals(record.exit_code, 1)
  end
  lu.assertEquals(#process:history(3), 3)
  lu.assertEquals(process:history(3)[3].run, 20)
  lu.assertEquals(process:history(0), {})
  lu.assertEquals(process:info().last_exit.run, 20)
end

function TestRecords:test_there_are_none_before_the_first_death()
  local process = managers.process("web", "forever")
  lu.assertEquals(process:history(), {})
  lu.assertNil(process:info().last_exit)
  process:start()
  lu.assertEquals(process:history(), {})
  process:stop()
  lu.assertEquals(#process:history(), 1)
end

function TestRecords:test_a_record_says_what_it_has_used()
  local process = ended({ restart = "never" }, "exit", 0)
  local record = process:history()[1]
  lu.assertTrue(record.user_time >= 0 and record.system_time >= 0)
  lu.assertTrue(not record.max_rss or record.max_rss > 4096)
  lu.assertTrue(math.abs(record.started_at + record.uptime - os.time()) < 60)
  lu.assertNil(record.requested)
end

function TestRecords:test_its_count_is_checked()
  local process = managers.process("web", "forever")
  lu.assertErrorMsgContains("integer expected", process.history, process, "a")
end

TestInfo = {}

function TestInfo:test_one_that_runs()
  local process = managers.started("web", "forever")
  local info = process:info()
  lu.assertEquals(info.state, "running")
  lu.assertEquals(info.desired, "running")
  lu.assertEquals(info.consecutive_failures, 0)
  lu.assertTrue(info.uptime >= 0)
  lu.assertTrue(math.abs(info.since - os.time()) < 60)
  lu.assertNil(info.next_restart_in)
  process:stop()
  lu.assertEquals(process:info().state, "stopped")
end

function TestInfo:test_one_that_was_never_started()
  local info = managers.process("web", "forever"):info()
  lu.assertEquals(info.state, "idle")
  lu.assertEquals(info.desired, "stopped")
  lu.assertNil(info.since)
end
