-- Waiting in a finaliser (__gc): it blocks, and runs no handler, no writer and
-- no task meanwhile; what came in between is handed out afterwards.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

-- Runs f(...) in a finaliser; returns what it returns, or raises its error.
local function in_finaliser(f, ...)
  local answer
  local arguments = table.pack(...)
  setmetatable({}, { __gc = function()
    answer = table.pack(pcall(f, table.unpack(arguments, 1, arguments.n)))
  end })
  for _ = 1, 10 do
    collectgarbage()
    if answer then break end
  end
  assert(answer, "the finaliser did not run")
  if not answer[1] then error(answer[2], 0) end
  return table.unpack(answer, 2, answer.n)
end

-- Blocks without pexec until there is this file.
local function await_file(path)
  local limit = spec.probe.now() + 20 * spec.slowness
  while not spec.read(path) do
    assert(spec.probe.now() < limit, "the file does not come")
    spec.probe.sleep(0.005)
  end
end

-- One whose death and whose line wait to be told.
local function with_news(events)
  local directory = spec.tmpdir()
  local other = managers.started({ id = "other",
    log_writer = function(line) table.insert(events, line) end,
    on_unexpected_exit = function() table.insert(events, "handler") end },
    "waitfile", directory .. "/go", "print", "line",
    "append", directory .. "/done", "x", "exit", 1)
  spec.write(directory .. "/go", "")
  await_file(directory .. "/done")
  spec.probe.sleep(0.05)
  return other
end

local function slow_to_stop(id)
  local file = spec.tmpdir() .. "/ready"
  local p = managers.started(id, "trapexit", "TERM", 0.3, 0, "bye", "append",
                             file, "ready", "forever")
  spec.eventually(function() return spec.read(file) end)
  return p
end

TestFinaliser = {}

function TestFinaliser:test_it_may_stop_a_process()
  local a = slow_to_stop("a")
  local pid = a:unix_pid()
  lu.assertEquals({ in_finaliser(a.stop, a) }, { true, "process" })
  lu.assertFalse(spec.alive(pid))
end

function TestFinaliser:test_no_handler_runs_meanwhile()
  local events = {}
  local a, other = slow_to_stop("a"), with_news(events)
  in_finaliser(function()
    assert(a:stop())
    table.insert(events, "finaliser")
  end)
  lu.assertEquals(events, { "finaliser" })
  assert(other:wait())
  lu.assertEquals(events, { "finaliser", "line", "handler" })
end

function TestFinaliser:test_no_task_runs_meanwhile()
  local ran = false
  local task = pexec.task(function()
    pexec.sleep(0)
    ran = true
  end)
  lu.assertEquals({ in_finaliser(pexec.sleep, 0.05) }, { true })
  lu.assertFalse(ran)
  task:wait()
  lu.assertTrue(ran)
end

function TestFinaliser:test_it_may_start_a_manager()
  local pm = managers.of(managers.process("a", "forever"))
  lu.assertEquals({ in_finaliser(pm.start, pm) }, { true })
  lu.assertTrue(pm:process_by_id("a"):status())
  assert(pm:stop())
end

function TestFinaliser:test_it_may_run_a_one_shot()
  local once = managers.process({ id = "a", one_shot = true }, "exit", 3)
  local ok, message, code = in_finaliser(once.start, once)
  lu.assertNil(ok)
  lu.assertStrContains(message, "exit status 3")
  lu.assertEquals(code, "EXIT_STATUS")
end

function TestFinaliser:test_it_may_wait_for_a_process()
  local a = managers.started("a", "forever")
  a:kill_group()
  lu.assertEquals({ in_finaliser(a.wait, a) }, { true })
end

function TestFinaliser:test_its_stop_does_not_wait_for_writers()
  local lines = {}
  local file = spec.tmpdir() .. "/ready"
  local a = managers.started({ id = "a",
    log_writer = function(line) table.insert(lines, line) end },
    "trapexit", "TERM", 0, 0, "bye", "append", file, "ready", "forever")
  await_file(file)
  lu.assertEquals((in_finaliser(a.stop, a)), true)
  lu.assertEquals(lines, {})
  assert(a:wait())
  lu.assertEquals(lines, { "bye" })
end

function TestFinaliser:test_the_same_within_a_manager()
  local lines = {}
  local file = spec.tmpdir() .. "/ready"
  local a = managers.started({ id = "a",
    log_writer = function(line) table.insert(lines, line) end },
    "trapexit", "TERM", 0, 0, "bye", "append", file, "ready", "forever")
  await_file(file)
  local pm = managers.of(a)
  lu.assertEquals({ in_finaliser(pm.stop, pm) }, { true })
  assert(a:wait())
  lu.assertEquals(lines, { "bye" })
end

function TestFinaliser:test_waiting_for_a_task_raises()
  local task = pexec.task(pexec.sleep, 0.01)
  lu.assertErrorMsgContains("a finaliser cannot wait for a task",
                            in_finaliser, task.wait, task)
  task:wait()
end

function TestFinaliser:test_but_not_for_one_that_it_made()
  lu.assertEquals({ in_finaliser(function()
    return pexec.task(function()
      pexec.sleep(0.01)
      return "done"
    end):wait()
  end) }, { "done" })
end

function TestFinaliser:test_in_a_task_it_works_alike()
  local a = slow_to_stop("a")
  local events = {}
  local other = with_news(events)
  local task = pexec.task(function()
    pexec.sleep(0)
    local ok, stage = in_finaliser(a.stop, a)
    table.insert(events, "finaliser")
    return ok, stage
  end)
  lu.assertEquals({ task:wait() }, { true, "process" })
  assert(other:wait())
  lu.assertNotNil(table.concat(events, " "):find("handler"))
end

-- Its task was cancelled, but the finaliser is not the task's.
function TestFinaliser:test_in_a_cancelled_task_it_still_waits()
  local a = slow_to_stop("a")
  local task
  task = pexec.task(function()
    pexec.sleep(0)
    task:cancel()
    return in_finaliser(a.stop, a)
  end)
  lu.assertEquals({ task:wait() }, { true, "process" })
end

function TestFinaliser:test_the_descriptor_tells_of_what_was_put_off()
  local events = {}
  local fd = pexec.pollfd()
  local other = with_news(events)
  in_finaliser(pexec.sleep, 0.02)
  lu.assertEquals(events, {})
  spec.eventually(function()
    if spec.probe.readable(fd, 0) then pexec.dispatch(0) end
    return #events == 2
  end)
  assert(other:wait())
end

-- FAULTS 15
function TestFinaliser:test_when_the_state_closes_it_may_stop_what_it_holds()
  local output, status = spec.run_script[[
    local managers = require "managers"
    local pm = managers.of(managers.process("a", "forever"))
    assert(pm:start())
    print("pid", pm:process_by_id("a"):unix_pid())
    keep = setmetatable({}, { __gc = function()
      print("stop", pcall(pm.stop, pm))
    end })]]
  lu.assertEquals(status, 0)
  lu.assertStrContains(output, "stop\t")
  lu.assertFalse(spec.alive(tonumber(output:match("pid\t(%d+)"))))
end
