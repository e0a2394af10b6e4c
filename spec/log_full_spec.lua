-- A log that takes nothing for a while, played by a FIFO that is held open and
-- not read: what becomes of the lines, of the child, and of all others. Disks
-- that fail are played in core/sink_test.c and its kin.

local logs = require "logs"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local now = spec.probe.now
local started = managers.started

-- A FIFO that is open, and full soon. It neither waits nor comes to an end,
-- since it is opened for both.
local function new_fifo()
  local path = spec.tmpdir() .. "/fifo"
  assert(os.execute("mkfifo " .. path))
  return path, assert(io.open(path, "r+b"))
end

-- Reads lines up to one with this text.
local function read_to(file, text)
  local lines = {}
  for line in file:lines() do
    lines[#lines + 1] = line
    if line:find(text, 1, true) then return lines end
  end
end

-- Reads it from now on, in another process: that, and the file it goes to.
local function start_reader(path)
  local got = path .. ".got"
  return started{ id = "reader", name = "/bin/cat", args = { path },
                  stdout = { file = got, max_size = 0 } }, got
end

local LINES <const> = 1000000

TestDrop = {}

-- Verbs: LINES lines, and one more whenever a file "1", "2" and so on is made.
local function lines_and_more(directory)
  local verbs = { "lines", LINES }
  for i = 1, 300 do
    local more = { "waitfile", directory .. "/" .. i, "print",
                   "line " .. LINES + i }
    table.move(more, 1, 4, #verbs + 1, verbs)
  end
  verbs[#verbs + 1] = "forever"
  return table.unpack(verbs)
end

local function read_so_far(p) return p:info().output.stdout end

-- Has it write a line more until one is not dropped: its number.
local function get_one_through(p, directory)
  for i = 1, 300 do
    local before = read_so_far(p)
    spec.write(directory .. "/" .. i, "")
    spec.eventually(function() return read_so_far(p).lines == LINES + i end)
    if read_so_far(p).drops == before.drops then return LINES + i end
    spec.pause()
  end
  lu.fail "nothing gets through"
end

local function gap_of(line)
  local lost = line and line:match("^(%d+) lines lost here: "
                                   .. "it was not written in time$")
  return lost and math.tointeger(tonumber(lost))
end

local function texts(text, read)
  local lines = {}
  for i, line in ipairs(spec.lines(text)) do
    lines[i] = read and read(line).line or (line:gsub("^pexec: ", ""))
  end
  return lines
end

-- Is this line's end lost, and counted by the gap that follows? Its beginning
-- stands there; it may be all but the newline.
local function is_torn(lines, i, number)
  local gap = gap_of(lines[i + 1])
  if lines[i] == "line " .. number then
    return gap and lines[i + 2] == "line " .. number + gap
  end
  lu.assertNotNil(gap, lines[i])
  lu.assertEquals(("line " .. number):sub(1, #lines[i]), lines[i])
  return true
end

-- How many lines are there, and how many are said to be lost.
local function summary(text, read)
  local lines, count, lost = texts(text, read), 0, 0
  for i, line in ipairs(lines) do
    local gap = gap_of(line)
    if gap then
      lost = lost + gap
    elseif not is_torn(lines, i, count + lost + 1) then
      count = count + 1
    end
  end
  return count, lost
end

-- FAULTS 38
function TestDrop:test_the_child_goes_on_and_the_gap_is_marked_and_counted()
  for format, read in pairs{ raw = false, json = logs.json } do
    local path, file = new_fifo()
    local directory = spec.tmpdir()
    local p = started({ stdout = { file = path, format = format } },
                      lines_and_more(directory))
    spec.eventually(function() return read_so_far(p).lines == LINES end)
    local reader, got = start_reader(path)
    local last = get_one_through(p, directory)
    local text = logs.await(got, "line " .. last)
    local count, lost = summary(text, read)
    local drops = read_so_far(p).drops
    p:stop()
    reader:stop()
    file:close()
    lu.assertEquals(lost, drops)
    lu.assertEquals(count + lost, last)
  end
end

-- FAULTS 38
function TestDrop:test_the_log_is_told_once_of_the_loss_and_of_its_end()
  local path, file = new_fifo()
  local directory, log = spec.tmpdir(), spec.collecting_logger()
  local p = assert(pexec.new_managed_process(spec.child(
    { stdout = { file = path } }, lines_and_more(directory)), log))
  assert(p:start())
  spec.eventually(function() return read_so_far(p).lines == LINES end)
  spec.eventually(function() return log.lines[1] end)
  local reader = start_reader(path)
  get_one_through(p, directory)
  spec.eventually(function() return log.lines[2] end)
  local drops = read_so_far(p).drops
  local told = table.move(log.lines, 1, #log.lines, 1, {})
  p:stop()
  reader:stop()
  file:close()
  lu.assertEquals(told, {
    ('error: child: cannot write log file "%s": it takes too long; lines are '
     .. "lost until it can be written"):format(path),
    ('info: child: log file "%s" can be written again, %d lines were lost')
     :format(path, drops) })
end

TestBlock = {}

-- FAULTS 38
function TestBlock:test_the_child_waits_and_nothing_is_lost()
  local path, file = new_fifo()
  local tally = spec.tmpdir() .. "/tally"
  local p = started({ stdout = { file = path, on_full = "block" } },
                    "tally", tally)
  local last, since = nil, now()
  spec.eventually(function()
    local text = spec.read(tally)
    if text ~= last then last, since = text, now() end
    return last and now() - since > 1.5
  end)
  local written = math.tointeger(tonumber(last))
  local lines = read_to(file, "line " .. written + 1000)
  for i = 1, written + 1000 do lu.assertEquals(lines[i], "line " .. i) end
  lu.assertEquals(p:info().output.stdout.drops, 0)
  p:stop()
  file:close()
end

-- FAULTS 38
function TestBlock:test_a_stop_is_not_held_up_for_ever()
  local path, file = new_fifo()
  local p = started({ stdout = { file = path, on_full = "block" } },
                    "flood")
  spec.eventually(function() return p:info().output.stdout.bytes > 500000 end)
  local took = managers.timed(p.stop, p)
  -- the death is prompt; its news waits for the log: a second, and
  -- stop_timeout, which is one
  lu.assertTrue(took < 2 + 1.5 * spec.slowness, took)
  file:close()
end

TestOthers = {}

-- FAULTS 38
function TestOthers:test_they_are_supervised_and_their_logs_are_written()
  for _, on_full in ipairs{ "drop", "block" } do
    local path, file = new_fifo()
    local directory = spec.tmpdir()
    local flood = started({ id = "flood", stdout = { file = path,
                            on_full = on_full } }, "flood")
    spec.eventually(function()
      return flood:info().output.stdout.bytes > 500000
    end)
    local deaths, problem = 0, nil
    local other = started({ id = "other", restart_delay = 0,
      stdout = { file = directory .. "/log", max_size = 1 << 30 },
      on_unexpected_exit = function()
        deaths = deaths + 1
        local text = spec.read(directory .. "/log")
        if text ~= ("x\n"):rep(deaths) then problem = problem or text end
        return deaths < 50
      end }, "print", "x")
    local took = managers.timed(other.wait, other)
    lu.assertNil(problem)
    lu.assertEquals(deaths, 50)
    lu.assertTrue(took < 2 * spec.slowness, took)
    flood:kill_group()
    flood:wait()
    file:close()
  end
end

-- FAULTS 38: a second file of the same process is no way to wait for this one
function TestOthers:test_a_second_destination_loses_nothing_by_it()
  local path, file = new_fifo()
  local directory = spec.tmpdir()
  local p = managers.process({ one_shot = true, stdout = { { file = path },
    { file = directory .. "/log" } } }, "lines", LINES)
  assert(p:start())
  logs.assert_same(logs.all(directory .. "/log"), logs.lines_to(LINES))
  file:close()
end
