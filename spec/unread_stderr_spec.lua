-- The default logger where nobody reads what it writes: its stderr is a pipe
-- that is full. A host so placed supervises as any other does.

local lu = require "luaunit"
local spec = require "spec"

local slowness = spec.slowness

-- Runs a script whose stderr is a FIFO that is open and not read, and returns
-- what it printed. It finds, besides, timed(f, ...): seconds, results.
local function run(script)
  local dir = spec.tmpdir()
  spec.write(dir .. "/script.lua", [[
    probe = require "probe"
    function timed(f, ...)
      local began = probe.now()
      local results = table.pack(f(...))
      return probe.now() - began, table.unpack(results, 1, results.n)
    end
    last = setmetatable({}, { __gc = function()
      if closing then print("closed", probe.now() - closing) end
    end })
    local pexec, spec = require "pexec", require "spec"
    local function new(fields, ...)
      return assert(pexec.new_managed_process(spec.child(fields, ...)))
    end
  ]] .. script)
  assert(os.execute(("mkfifo '%s/stderr'"):format(dir)))
  local _ <close> = assert(io.open(dir .. "/stderr", "r+"))
  local _, how, status = os.execute(
      ("timeout -s KILL %d '%s' '%s/script.lua' >'%s/stdout' 2>'%s/stderr'")
      :format(60 * slowness, spec.lua_path, dir, dir, dir))
  local text = spec.read(dir .. "/stdout")
  lu.assertEquals({ how, status }, { "exit", 0 }, text)
  return text
end

local function seconds(text, name)
  return assert(tonumber(text:match(name .. "%s+(%S+)")), text)
end

TestUnreadStderr = {}

-- FAULTS 13, 38: messages of pexec's own and lines of children alike
function TestUnreadStderr:test_starts_stops_and_restarts_are_on_time()
  local text = run[[
    local loud = new({ id = "loud", log = true }, "flood")
    assert(loud:start())
    spec.eventually(function()
      return loud:info().output.stdout.bytes > 4000000
    end)
    local other = new({ id = "other", restart_delay = 0 }, "sleep", 0.01)
    print("start", (timed(other.start, other)))
    print("restarts", (timed(spec.eventually, function()
      return other:info().restarts >= 20
    end)))
    print("stop", (timed(other.stop, other)))
    print("status", (timed(loud.status, loud)))
    print("loud", (timed(loud.stop, loud)))
    closing = probe.now()
  ]]
  lu.assertTrue(seconds(text, "start") < 0.2 * slowness + 0.2, text)
  lu.assertTrue(seconds(text, "restarts") < 2 * slowness + 1, text)
  lu.assertTrue(seconds(text, "stop") < 2 * slowness, text)
  lu.assertTrue(seconds(text, "status") < 0.1 * slowness, text)
  lu.assertTrue(seconds(text, "loud") < 2 * slowness, text)
  lu.assertTrue(seconds(text, "closed") < 2 * slowness, text)
end

-- FAULTS 38: at first the pipe is empty; then messages alone have filled it
function TestUnreadStderr:test_messages_that_fill_it_hold_up_nothing()
  local text = run[[
    local crashing = new({ id = ("x"):rep(400), restart_delay = 0 },
                         "exit", 1)
    assert(crashing:start())
    local filled = timed(spec.eventually, function()
      return crashing:info().restarts >= 600
    end)
    print("filled", filled)
    print("stop", (timed(crashing.stop, crashing)))
    closing = probe.now()
  ]]
  lu.assertTrue(seconds(text, "filled") < 10 * slowness, text)
  lu.assertTrue(seconds(text, "stop") < 2 * slowness, text)
  lu.assertTrue(seconds(text, "closed") < 2 * slowness, text)
end

-- FAULTS 13: it is dropped after a second, and then at once
function TestUnreadStderr:test_lua_itself_waits_for_a_second_at_most()
  local text = run[[
    local logger = pexec.new_logger{}
    local began = probe.now()
    for _ = 1, 3000 do logger:info(("x"):rep(100)) end
    print("logged", probe.now() - began)
  ]]
  lu.assertTrue(seconds(text, "logged") < 2 * slowness, text)
end
