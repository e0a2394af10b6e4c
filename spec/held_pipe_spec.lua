-- A grandchild that keeps its parent's pipes open, for each destination: the
-- parent's end is noticed at once, nothing waits for the pipe, and what comes
-- through it later arrives. And a flood into each, while Lua is busy.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local now = spec.probe.now
local slowness = spec.slowness
local PROMPTLY <const> = 0.3 * slowness + 0.2

-- Fields of a configuration that write to this file.
local DESTINATIONS <const> = {
  raw = function(file) return { stdout = { file = file } } end,
  own = function(file) return { stdout = { file = file, max_size = 0 } } end,
  text = function(file)
    return { stdout = { file = file, format = "text" } }
  end,
  json = function(file)
    return { stdout = { file = file, format = "json", on_full = "block" } }
  end,
  merged = function(file)
    return { stdout = { file = file }, stderr = "stdout" }
  end,
  logger = function(file)
    return { log = true, stdout_logger = assert(pexec.new_logger{
        file = file }) }
  end,
}

-- For each of them: f(name, file, fields).
local function each(f)
  for name, fields_of in pairs(DESTINATIONS) do
    local file = spec.tmpdir() .. "/log"
    local ok, message = pcall(f, name, file, fields_of(file))
    lu.assertTrue(ok, name .. ": " .. tostring(message))
  end
end

local function await(file, text)
  spec.eventually(function()
    return (spec.read(file) or ""):find(text, 1, true)
  end)
end

TestHeldPipe = {}

-- Verbs of a grandchild that holds the pipes until the file `on` is there,
-- and then says "late".
local function holding(on, ...)
  return "daemon", "waitfile", on, "print", "late", "end", ...
end

-- FAULTS 11
function TestHeldPipe:test_a_one_shot_returns_at_once()
  each(function(_, file, fields)
    fields.one_shot = true
    local on = spec.tmpdir() .. "/on"
    local process = managers.process(fields,
        holding(on, "print", "soon", "exit", 0))
    local took, ok = managers.timed(process.start, process)
    lu.assertTrue(ok)
    lu.assertTrue(took < PROMPTLY, took .. " s")
    lu.assertStrContains(spec.read(file), "soon")
    spec.write(on, "")
    await(file, "late")
  end)
end

-- FAULTS 11
function TestHeldPipe:test_a_restart_comes_at_once()
  each(function(_, file, fields)
    local dir = spec.tmpdir()
    fields.restart_delay = 0
    local process = managers.started(fields, "once", dir .. "/first",
        "daemon", "setsid", "waitfile", dir .. "/on", "print", "late", "end",
        "exit", 1, "end", "print", "again", "forever")
    local began = now()
    spec.eventually(function() return process:info().restarts == 1 end)
    lu.assertTrue(now() - began < PROMPTLY, now() - began .. " s")
    await(file, "again")
    spec.write(dir .. "/on", "")
    await(file, "late")
    process:stop()
  end)
end

-- FAULTS 11
function TestHeldPipe:test_a_stop_returns_at_once_and_the_end_still_arrives()
  each(function(_, file, fields)
    local on = spec.tmpdir() .. "/on"
    local process = managers.started(fields, "daemon", "setsid", "waitfile",
        on, "print", "late", "end", "print", "up", "forever")
    await(file, "up")
    local took, ok = managers.timed(process.stop, process)
    lu.assertTrue(ok)
    lu.assertTrue(took < PROMPTLY, took .. " s")
    spec.write(on, "")
    await(file, "late")
    lu.assertNotNil(process:info())  -- it lives as long
  end)
end

TestFlood = {}

-- FAULTS 13: to a file it is nothing to Lua
function TestFlood:test_lua_that_is_busy_holds_up_no_file_and_no_restart()
  each(function(name, _, fields)
    local pids = spec.tmpdir() .. "/pids"
    fields.id = "flood"
    local flood = managers.started(fields, "flood")
    local other = managers.started({ id = "other", restart_delay = 0 },
                                   "append", pids, "%p", "sleep", 0.02)
    local bytes = flood:info().output.stdout.bytes
    local restarts = #spec.lines(spec.read(pids))
    local limit = now() + 10 * slowness
    local function has_gone_on()  -- nothing is dispatched meanwhile
      return #spec.lines(spec.read(pids)) >= restarts + 5 and
             (name == "own" or
              flood:info().output.stdout.bytes > bytes + 4000000)
    end
    while not has_gone_on() do
      lu.assertTrue(now() < limit, "it has not gone on")
    end
    flood:stop()
    other:stop()
  end)
end
