-- A finaliser that stopped a manager waited for tasks that nobody ran, and any
-- that waited while news came in burned the time until it was over.

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

TestFinaliserWaits = {}

function TestFinaliserWaits:test_it_does_not_burn_time_while_news_wait()
  local events = {}
  local a, other = slow_to_stop("a"), with_news(events)
  local task = pexec.task(coroutine.yield)
  local before = os.clock()
  assert(in_finaliser(a.stop, a))
  lu.assertTrue(os.clock() - before < 0.2 * spec.slowness)
  task:wait()
  assert(other:wait())
end

function TestFinaliserWaits:test_it_may_stop_a_manager()
  local pm = managers.of(slow_to_stop("a"), slow_to_stop("b"),
                         managers.fake("c"))
  local pids = { pm:process_by_id("a"):unix_pid(),
                 pm:process_by_id("b"):unix_pid() }
  local fake = pm:process_by_id("c")
  lu.assertEquals({ in_finaliser(pm.stop, pm) }, { true })
  for _, pid in ipairs(pids) do lu.assertFalse(spec.alive(pid)) end
  lu.assertEquals(fake.calls, { "stop" })
end
