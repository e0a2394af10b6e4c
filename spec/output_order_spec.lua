-- What is promised of the last words of a process: all that it wrote is where
-- it belongs when its death is told of, and when a wait for it returns.

local logs = require "logs"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local started = managers.started

local LARGE <const> = 1 << 40  -- bytes: not rotated, and read by pexec

-- {== destinations ==========================================================

-- Returns a function: the lines of a file that have come since its last call.
local function follow(path, read)
  local from = 0
  return function()
    local lines = {}
    local file <close> = assert(io.open(path, "rb"))
    file:seek("set", from)
    local text = file:read("a")
    from = from + #text
    for line in text:gmatch("([^\n]*)\n") do
      lines[#lines + 1] = read and read(line) or line
    end
    return lines
  end
end

local function to_file(format, read)
  return function(path)
    return { stdout = { file = path, format = format, max_size = LARGE } },
           follow(path, read)
  end
end

-- Of each: what a config has for it, and a function that returns the lines
-- that have come since its last call.
local DESTINATIONS <const> = {
  raw = to_file("raw"),
  json = to_file("json", function(line) return logs.json(line).line end),
  text = to_file("text", function(line) return logs.plain(line).line end),
  logger = function(path)
    local log = assert(pexec.new_logger{ file = path, max_size = LARGE })
    return { log = true, stdout_logger = log },
           follow(path, function(line) return line:match("child: (.*)$") end)
  end,
  log_writer = function()
    local lines = {}
    return { log_writer = function(line) lines[#lines + 1] = line end },
           function()
             local come = lines
             lines = {}
             return come
           end
  end,
  -- what is handed to the child itself
  direct = function(path)
    return { stdout = { file = path, max_size = 0 } }, follow(path)
  end
}

-- The same of one that floods: where a file is written slowly, the default is
-- to drop lines after a second. A stop waits for what is to block as long as
-- it may take.
local function without_drops(fields, ...)
  local file = fields.stdout
  if file and file.max_size ~= 0 then file.on_full = "block" end
  fields.stop_timeout = 60
  return fields, ...
end

local function wrong_in(lines)
  for i, line in ipairs(lines) do
    if line ~= "line " .. i then return ("line %d is %q"):format(i, line) end
  end
end

-- {== an end by itself ======================================================

TestAtDeath = {}

local function die_often(make, times)
  local fields, take = make(spec.tmpdir() .. "/log")
  local deaths, problem = 0, nil
  fields.restart_delay = 0
  fields.on_unexpected_exit = function()
    local lines = take()
    deaths = deaths + 1
    problem = problem or wrong_in(lines)
              or #lines ~= 400 and ("death %d: %d lines"):format(deaths, #lines)
              or nil
    return deaths < times and not problem
  end
  local p = started(fields, "lines", 400, "exit", 1)
  p:wait()
  lu.assertNil(problem)
  lu.assertEquals(deaths, times)
end

-- FAULTS 10
for name, make in pairs(DESTINATIONS) do
  TestAtDeath["test_400_lines_and_exit_300_times_lose_none_in_" .. name] =
    function() die_often(make, 300) end
end

-- FAULTS 10
for name, make in pairs(DESTINATIONS) do
  TestAtDeath["test_a_one_shot_s_start_returns_after_them_in_" .. name] =
    function()
      for _ = 1, 30 do
        local fields, take = make(spec.tmpdir() .. "/log")
        fields.one_shot = true
        assert(managers.process(fields, "lines", 400):start())
        local lines = take()
        lu.assertNil(wrong_in(lines))
        lu.assertEquals(#lines, 400)
      end
    end
end

-- FAULTS 10
for name, make in pairs(DESTINATIONS) do
  TestAtDeath["test_a_stop_and_a_wait_return_after_them_in_" .. name] =
    function()
      for round = 1, 20 do
        local ready = spec.tmpdir() .. "/ready"
        local fields, take = make(spec.tmpdir() .. "/log")
        local p = started(fields, "lines", 399, "trapexit", "TERM", 0, 0,
                          "line 400", "append", ready, "x", "forever")
        spec.eventually(function() return spec.read(ready) end)
        if round % 2 == 0 then
          assert(p:stop())
        else
          local task = pexec.task(p.wait, p)
          spec.kill(p:unix_pid(), "TERM")
          pexec.task(function() p:stop() end)
          lu.assertTrue((task:wait()))
        end
        local lines = take()
        lu.assertNil(wrong_in(lines))
        lu.assertEquals(#lines, 400)
      end
    end
end

-- {== an end by SIGKILL =====================================================

TestKilled = {}

local function tallied(path)
  return math.tointeger(tonumber(spec.read(path) or "")) or 0
end

-- It is in the middle of things.
local function await_tally(path, count)
  spec.eventually(function() return tallied(path) >= count end)
end

local function kill_often(make)
  local directory = spec.tmpdir()
  local fields, take = without_drops(make(directory .. "/log"))
  local deaths, problem = 0, nil
  fields.restart_delay = 0
  fields.on_unexpected_exit = function()
    local lines, written = take(), tallied(directory .. "/tally")
    deaths = deaths + 1
    problem = problem or wrong_in(lines)
              or #lines < written and ("%d of %d"):format(#lines, written)
              or #lines > written + 1 and "more than were written" or nil
    os.remove(directory .. "/tally")
    return deaths < 20 and not problem
  end
  local p = started(fields, "tally", directory .. "/tally")
  for i = 1, 20 do
    await_tally(directory .. "/tally", i * 50)
    spec.kill(spec.eventually(function() return p:unix_pid() end), "KILL")
    spec.eventually(function() return deaths == i end)
  end
  p:wait()
  lu.assertNil(problem)
end

-- FAULTS 10
for name, make in pairs(DESTINATIONS) do
  TestKilled["test_in_mid_flood_what_it_has_written_is_in_" .. name] =
    function() kill_often(make) end
end

-- FAULTS 10, 21
function TestKilled:test_a_manager_s_stop_loses_nothing_of_20_that_flood()
  local pm, directory = managers.new(), spec.tmpdir()
  local takes = {}
  for i = 1, 20 do
    local name = ("%s/%d"):format(directory, i)
    local make = DESTINATIONS[i % 2 == 0 and "raw" or "json"]
    local fields, take = without_drops(make(name))
    takes[i] = take
    fields.id = "p" .. i
    assert(pm:add_process(managers.process(fields, "tally", name .. ".tally"),
                          false))
  end
  assert(pm:start())
  for i = 1, 20 do await_tally(("%s/%d.tally"):format(directory, i), 200) end
  lu.assertEquals({ pm:stop() }, { true })
  for i = 1, 20 do
    local lines = takes[i]()
    lu.assertNil(wrong_in(lines))
    lu.assertTrue(#lines >= tallied(("%s/%d.tally"):format(directory, i)))
  end
end

-- {== whoever is left behind ================================================

TestGrandchild = {}

-- What a child leaves behind, far away and with its pipe: it says something
-- later, and ends.
local function leave(directory)
  return "daemon", "append", directory .. "/there", "x", "waitfile",
         directory .. "/go", "print", "from the grandchild", "append",
         directory .. "/done", "x", "end"
end

local function let_go(directory)
  spec.write(directory .. "/go", "")
  spec.eventually(function() return spec.read(directory .. "/done") end)
end

local function has(tail, text)
  for _, line in ipairs(tail) do
    if line.line == text then return true end
  end
end

-- FAULTS 11
function TestGrandchild:test_it_holds_up_no_handler_and_no_restart()
  local directory, deaths = spec.tmpdir(), 0
  local path = directory .. "/log"
  local verbs = table.pack(leave(directory))
  table.insert(verbs, "end")
  table.insert(verbs, "print")
  table.insert(verbs, "from the child")
  local p = started({ restart_delay = 0, stdout = { file = path },
    on_unexpected_exit = function()
      deaths = deaths + 1
      return deaths < 5
    end }, "once", directory .. "/first", table.unpack(verbs))
  p:wait()
  lu.assertEquals(spec.read(path), ("from the child\n"):rep(5))
  lu.assertNil(spec.read(directory .. "/done"))
  let_go(directory)
  logs.await(path, "from the grandchild\n")
  spec.eventually(function() return has(p:tail(), "from the grandchild") end)
end

-- FAULTS 11
function TestGrandchild:test_it_holds_up_no_one_shot_and_is_heard_later()
  local directory = spec.tmpdir()
  local path, lines = directory .. "/log", {}
  local verbs = table.pack(leave(directory))
  table.insert(verbs, "print")
  table.insert(verbs, "from the child")
  local p = managers.process({ one_shot = true, stdout = { file = path },
    log_writer = function(line) lines[#lines + 1] = line end },
    table.unpack(verbs))
  local took = managers.timed(p.start, p)
  lu.assertTrue(took < 2 * spec.slowness, took)
  lu.assertEquals(spec.read(path), "from the child\n")
  lu.assertEquals(lines, { "from the child" })
  let_go(directory)
  lu.assertEquals(logs.await(path, "grandchild"),
                  "from the child\nfrom the grandchild\n")
  spec.eventually(function() return has(p:tail(), "from the grandchild") end)
  spec.eventually(function() return lines[2] == "from the grandchild" end)
end

-- FAULTS 11
function TestGrandchild:test_it_holds_up_no_stop_and_is_heard_later()
  local directory = spec.tmpdir()
  local path = directory .. "/log"
  local verbs = table.pack(leave(directory))
  table.insert(verbs, "forever")
  local p = started({ stdout = { file = path } }, table.unpack(verbs))
  spec.eventually(function() return spec.read(directory .. "/there") end)
  lu.assertEquals({ p:stop() }, { true, "process" })
  let_go(directory)
  logs.await(path, "from the grandchild\n")
  spec.eventually(function() return has(p:tail(), "from the grandchild") end)
end

-- {== a restart =============================================================

TestAfterRestart = {}

-- FAULTS 10
function TestAfterRestart:test_lines_come_behind_those_of_the_dead_child()
  local directory = spec.tmpdir()
  local path = directory .. "/log"
  local p = started({ restart_delay = 0, stdout = { file = path,
    max_size = LARGE, format = "json" } }, "lines", 400, "append",
    directory .. "/ends", "x", "exit", 1)
  spec.eventually(function()
    return #(spec.read(directory .. "/ends") or "") >= 2 * 50
  end)
  p:stop()
  local seen, pid, count = {}, nil, 400
  for line in io.lines(path) do
    local fields = logs.json(line)
    if fields.pid ~= pid then
      lu.assertEquals(count, 400)
      lu.assertNil(seen[fields.pid])
      pid, count = fields.pid, 0
      seen[pid] = true
    end
    count = count + 1
    lu.assertEquals(fields.line, "line " .. count)
  end
end

-- FAULTS 10: what had no end ends with its writer
function TestAfterRestart:test_a_line_without_end_is_not_the_next_one_s_start()
  local path, lines, runs = spec.tmpdir() .. "/log", {}, 0
  local p = started({ restart_delay = 0,
    stdout = { file = path, format = "text" },
    log_writer = function(line) lines[#lines + 1] = line end,
    on_unexpected_exit = function()
      runs = runs + 1
      return runs < 20
    end }, "print", "whole", "raw", "torn")
  p:wait()
  lu.assertEquals(#lines, 40)
  local number = 0
  for line in io.lines(path) do
    number = number + 1
    local expected = number % 2 == 1 and "whole" or "torn"
    lu.assertEquals(logs.plain(line).line, expected)
    lu.assertEquals(lines[number], expected)
  end
  lu.assertEquals(number, 40)
end
