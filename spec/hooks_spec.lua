-- Hooks: when each is called and with what, what it can change, and that
-- nothing it does holds anything up for longer than its time.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local now = spec.probe.now

TestBeforeStart = {}

function TestBeforeStart:test_it_is_called_before_each_start()
  local calls = {}
  local process = managers.process({
    restart_delay = 0, restart_limit = { max = 2, within = 60 },
    before_start = function(...) calls[#calls + 1] = { ... } end,
  }, "exit", 1)
  assert(process:start())
  process:wait()
  lu.assertEquals(#calls, 3)
  lu.assertIs(calls[1][1], process)
  lu.assertEquals(calls[1][2].id, process:id())
  lu.assertEquals(process:info().starts, 3)
end

function TestBeforeStart:test_what_it_changes_is_for_this_start()
  local n = 0
  local process = managers.shell({
    restart_delay = 0, restart_limit = { max = 3, within = 60 },
    before_start = function(_, config)
      n = n + 1
      if n == 2 then config.args = { "-c", "exit 2" } end
      if n == 3 then config.environment = { CODE = "3" } end
    end,
  }, "exit ${CODE:-1}")
  assert(process:start())
  process:wait()
  lu.assertEquals(managers.codes_of(process), { 1, 2, 3, 1 })
end

function TestBeforeStart:test_the_program_and_its_directory_can_be_changed()
  local directory = spec.tmpdir()
  local process = managers.shell({
    restart = "never",
    before_start = function(_, config)
      config.name, config.cwd = "/bin/sh", directory
      config.args = { "-c", "pwd >here; exit 4" }
    end,
  }, "exit 1")
  assert(process:start())
  process:wait()
  lu.assertEquals(managers.codes_of(process), { 4 })
  lu.assertEquals(spec.read(directory .. "/here"), directory .. "\n")
end

function TestBeforeStart:test_what_no_start_takes_cannot_be_changed()
  local process, log = managers.logged({
    restart = "never",
    before_start = function(_, config)
      config.args = { "exit", "9" }
      config.stop_signal = "INT"
    end,
  }, "exit", 1)
  assert(process:start())
  process:wait()
  lu.assertEquals(managers.codes_of(process), { 1 })
  lu.assertNotNil(log:find("before_start: stop_signal cannot be changed, " ..
                           "only name, args"))
end

function TestBeforeStart:test_what_does_not_validate_is_left_out()
  local process, log = managers.logged({
    restart = "never",
    before_start = function(_, config) config.name = "" end,
  }, "exit", 1)
  assert(process:start())
  process:wait()
  lu.assertEquals(managers.codes_of(process), { 1 })
  lu.assertNotNil(log:find '"name" is required')
end

function TestBeforeStart:test_a_veto_fails_the_start()
  local process = managers.process({
    before_start = function() return false, "not on Sundays" end,
  }, "forever")
  local ok, message, code = process:start()
  lu.assertNil(ok)
  lu.assertStrContains(message, "error starting process")
  lu.assertStrContains(message, "not on Sundays")
  lu.assertEquals(code, "VETOED")
  lu.assertEquals(process:info().state, "idle")
  lu.assertEquals(process:info().starts, 0)
end

function TestBeforeStart:test_a_veto_ends_the_restarts()
  local n = 0
  local process, log = managers.logged({
    restart_delay = 0,
    before_start = function()
      n = n + 1
      return n < 3, "enough"
    end,
  }, "exit", 1)
  assert(process:start())
  process:wait()
  lu.assertEquals(process:info().state, "exited")
  lu.assertEquals(process:info().starts, 2)
  lu.assertStrContains(log:find "not restarted: ", "enough")
end

function TestBeforeStart:test_a_veto_answers_an_ordered_restart()
  local vetoes = false
  local process = managers.started({
    before_start = function() return not vetoes, "no more" end,
  }, "forever")
  vetoes = true
  local ok, message, code = process:restart()
  lu.assertNil(ok)
  lu.assertStrContains(message, "no more")
  lu.assertEquals(code, "VETOED")
  process:wait()
  lu.assertEquals(process:info().state, "exited")
end

function TestBeforeStart:test_of_a_one_shot_too()
  local process = managers.process({
    one_shot = true,
    before_start = function(_, config) config.args = { "exit", "0" } end,
  }, "exit", 1)
  lu.assertTrue(process:start())
end

-- FAULTS 8
function TestBeforeStart:test_a_stop_meanwhile_is_prompt()
  local is_asked = false
  local process = managers.process({ before_start = function()
    is_asked = true
    pexec.sleep(60)
  end }, "forever")
  local task = pexec.task(function() return process:start() end)
  spec.eventually(function() pexec.dispatch(0) return is_asked end)
  local began = now()
  lu.assertEquals({ process:stop() }, { true, "none" })
  lu.assertTrue(now() - began < 8)
  lu.assertEquals(select(3, task:wait()), "ALREADY_STOPPED")
  lu.assertEquals(process:info().starts, 0)
end

function TestBeforeStart:test_a_one_shots_time_goes_on()
  local process = managers.process({
    one_shot = true, hook_timeout = 60,
    before_start = function() pexec.sleep(60) end,
  }, "forever")
  local began = now()
  local ok, _, code = process:start(pexec.new_context{ timeout = 0.2 })
  lu.assertNil(ok)
  lu.assertEquals(code, "DEADLINE_EXCEEDED")
  lu.assertTrue(now() - began < 20)
end

TestAfterStart = {}

function TestAfterStart:test_a_start_returns_after_it()
  local pids = {}
  local process = managers.started({ after_start = function(p)
    pexec.sleep(0.05)
    pids[#pids + 1] = p:unix_pid()
  end }, "forever")
  lu.assertEquals(pids, { process:unix_pid() })
  process:stop()
end

function TestAfterStart:test_it_is_called_after_each_restart_too()
  local starts = {}
  local process = managers.started({
    restart_delay = 0, restart_limit = { max = 3, within = 60 },
    after_start = function(p) starts[#starts + 1] = p:info().starts end,
  }, "exit", 1)
  process:wait()
  spec.eventually(function()
    pexec.dispatch(0)
    return #starts == 4
  end)
end

function TestAfterStart:test_of_a_one_shot_while_it_runs()
  local states = {}
  local process = managers.process({ one_shot = true,
    after_start = function(p) states[#states + 1] = p:info().state end,
  }, "sleep", 0.5, "exit", 0)
  assert(process:start())
  lu.assertEquals(states, { "running" })
end

function TestAfterStart:test_not_after_one_that_fails()
  local process = managers.process({ name = "/no/such/program",
                                     after_start = error })
  lu.assertEquals(select(3, process:start()), "ENOENT")
end

TestAfterExit = {}

function TestAfterExit:test_it_is_called_after_each_end()
  local exits = {}
  local process = managers.process({
    restart_delay = 0, restart_limit = { max = 2, within = 60 },
    after_exit = function(p, exit) exits[#exits + 1] = { p, exit } end,
  }, "exit", 1)
  assert(process:start())
  process:wait()
  lu.assertEquals(#exits, 3)
  for i, call in ipairs(exits) do
    lu.assertIs(call[1], process)
    lu.assertEquals(call[2].run, i)
    lu.assertEquals(call[2].exit_code, 1)
  end
end

function TestAfterExit:test_a_stop_returns_after_it()
  local requests = {}
  local process = managers.started({ after_exit = function(_, exit)
    pexec.sleep(0.05)
    requests[#requests + 1] = exit.requested
  end }, "forever")
  process:stop()
  lu.assertEquals(requests, { "stop" })
end

function TestAfterExit:test_a_restart_is_one_too()
  local requests, order = {}, {}
  local process = managers.started({
    after_exit = function(_, exit)
      requests[#requests + 1] = exit.requested
      order[#order + 1] = "after"
    end,
    before_start = function() order[#order + 1] = "before" end,
  }, "forever")
  assert(process:restart())
  process:stop()
  lu.assertEquals(requests, { "restart", "stop" })
  lu.assertEquals(order, { "before", "after", "before", "after" })
end

function TestAfterExit:test_it_comes_before_the_decision()
  local order = {}
  local process = managers.started({
    after_exit = function()
      pexec.sleep(0.05)
      order[#order + 1] = "after"
    end,
    on_unexpected_exit = function() order[#order + 1] = "asked" end,
  }, "exit", 1)
  process:wait()
  lu.assertEquals(order, { "after", "asked" })
end

function TestAfterExit:test_of_a_one_shot_before_start_returns()
  local codes = {}
  local process = managers.process({
    one_shot = true,
    after_exit = function(_, exit) codes[#codes + 1] = exit.exit_code end,
  }, "exit", 0)
  assert(process:start())
  lu.assertEquals(codes, { 0 })
end

function TestAfterExit:test_where_nothing_has_run_it_is_not_called()
  local process = managers.process({ after_exit = error }, "forever")
  lu.assertEquals({ process:stop() }, { true, "none" })
end

function TestAfterExit:test_it_may_stop_the_process()
  local process = managers.started({ restart_delay = 0,
    after_exit = function(p) assert(p:stop()) end }, "exit", 1)
  process:wait()
  lu.assertEquals(process:info().starts, 1)
  lu.assertEquals(process:info().state, "stopped")
end

TestBeforeStop = {}

function TestBeforeStop:test_it_is_called_before_the_first_signal()
  local states = {}
  local process = managers.started({ before_stop = function(p)
    pexec.sleep(0.05)
    states[#states + 1] = p:status()
  end }, "forever")
  lu.assertEquals({ process:stop() }, { true, "process" })
  lu.assertEquals(states, { true })
end

function TestBeforeStop:test_before_the_stages_of_a_sequence()
  local order = {}
  local process = managers.started({
    before_stop = function() order[#order + 1] = "hook" end,
    stop_sequence = { { call = function()
      order[#order + 1] = "call"
      return false
    end }, { signal = "TERM" } },
  }, "forever")
  lu.assertEquals({ process:stop() }, { true, "process", 2 })
  lu.assertEquals(order, { "hook", "call" })
end

function TestBeforeStop:test_of_an_ordered_restart_too()
  local n = 0
  local process = managers.started({ before_stop = function() n = n + 1 end },
                                   "forever")
  assert(process:restart())
  process:stop()
  lu.assertEquals(n, 2)
end

function TestBeforeStop:test_where_nothing_runs_it_is_not_called()
  local process = managers.process({ before_stop = error }, "forever")
  lu.assertEquals({ process:stop() }, { true, "none" })
end

function TestBeforeStop:test_one_that_ends_meanwhile_needs_no_signal()
  local process = managers.started({ before_stop = function(p)
    spec.kill(p:unix_pid())
    spec.eventually(function() return not p:unix_pid() end)
  end }, "forever")
  lu.assertEquals({ process:stop() }, { true, "none" })
end

-- FAULTS 14
function TestBeforeStop:test_a_hook_that_stops_its_process_itself()
  local results
  local process = managers.started({ before_stop = function(p)
    results = { p:stop() }
  end }, "forever")
  lu.assertEquals({ process:stop() }, { true, "process" })
  spec.eventually(function()
    pexec.dispatch(0)
    return results
  end)
  lu.assertEquals(results, { true, "process" })
end

-- FAULTS 14
function TestBeforeStop:test_the_stop_goes_on_without_one_that_hangs()
  local process, log = managers.logged({
    hook_timeout = 0.1, before_stop = function() pexec.sleep(60) end,
  }, "forever")
  assert(process:start())
  lu.assertEquals({ process:stop() }, { true, "process" })
  lu.assertNil(log:find "error")
end

TestTheirTime = {}

-- FAULTS 14
function TestTheirTime:test_things_go_on_without_one_that_hangs()
  local process, log = managers.logged({
    hook_timeout = 0.1, restart = "never",
    before_start = function() pexec.sleep(60) end,
    after_start = function() pexec.sleep(60) end,
    after_exit = function() pexec.sleep(60) end,
  }, "exit", 1)
  local began = now()
  assert(process:start())
  process:wait()
  lu.assertTrue(now() - began < 20)
  lu.assertNotNil(log:find "before_start has not returned in time")
end

-- FAULTS 14
function TestTheirTime:test_and_without_one_that_fails()
  local bad = setmetatable({}, { __tostring = function() error "no" end })
  for _, problem in ipairs{ "oh no", 7, { "a table" }, bad } do
    local process, log = managers.logged({
      restart = "never",
      before_start = function() error(problem) end,
      after_exit = function() error(problem) end,
    }, "exit", 1)
    assert(process:start())
    process:wait()
    lu.assertEquals(managers.codes_of(process), { 1 })
    lu.assertNotNil(log:find "error in before_start, going on without it")
    lu.assertNotNil(log:find "error in after_exit, going on without it")
  end
end

-- FAULTS 13: Lua runs nothing at all meanwhile
function TestTheirTime:test_lua_need_not_run_for_that()
  local process = managers.started({
    hook_timeout = 0.05, restart_delay = 0,
    before_start = function() end, after_exit = function() end,
  }, "exit", 1)
  local limit = now() + 20
  while process:info().starts < 3 and now() < limit do end
  lu.assertTrue(process:info().starts >= 3)
  process:stop()
end

-- FAULTS 20
function TestTheirTime:test_one_with_hooks_is_collected()
  local weak = setmetatable({}, { __mode = "k" })
  do
    local process
    process = managers.process({
      before_start = function() return process end,
      after_exit = function() return process end,
    }, "exit", 0)
    weak[process] = true
    process = nil
  end
  collectgarbage()
  collectgarbage()
  lu.assertNil(next(weak))
end
