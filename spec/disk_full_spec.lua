-- A disk that is full, under a log file of a process and one of a logger's:
-- the child and all others go on, the log hears of it once, and when there is
-- space again so is the file, with a line about what it does not have.

local disks = require "disks"
local gaps = require "gaps"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local now = spec.probe.now
local LINES <const> = 4000
local slowness = spec.slowness

local function drops_of(process)
  return process:info().output.stdout.drops
end

local function count(log, text)
  local times = 0
  for _, line in ipairs(log.lines) do
    if line:find(text, 1, true) then times = times + 1 end
  end
  return times
end

-- A child that writes so many lines, and one more when the file `on` is
-- there, into `log` on a disk with little room.
local function start(fields)
  local dir = spec.tmpdir()
  local path = disks.small(32768)
  local case = { log = path .. "/log", on = dir .. "/on",
                 logger = fields.logger or spec.collecting_logger() }
  case.free = disks.fill(path, 32)
  local config = spec.child({ stdout = fields.stdout },
      "lines", fields.lines or LINES, "append", dir .. "/done", "yes",
      "waitfile", case.on, "print", "line " .. (fields.lines or LINES) + 1,
      "forever")
  config.stdout.file = case.log
  case.process = assert(pexec.new_managed_process(config, case.logger))
  case.done = dir .. "/done"
  assert(case.process:start())
  return case
end

TestDiskFull = {}

function TestDiskFull:tearDown() disks.remove() end

-- Lines are lost, and later there is space; the file, and its child's count.
local function lose_and_go_on(format)
  local case = start{ stdout = { format = format, on_full = "drop" } }
  spec.eventually(function()
    return spec.read(case.done) and drops_of(case.process) > 0
           and case.logger:find("cannot write log file")
  end)
  case.free()
  spec.eventually(function() return case.logger:find("written again") end)
  spec.write(case.on, "")
  spec.eventually(function()
    return spec.read(case.log):find("line " .. LINES + 1 .. "\n", 1, true)
  end)
  return case
end

-- FAULTS 38: written and told of as lost make all, each at its place
function TestDiskFull:test_what_is_lost_is_told_of_where_it_is_missing()
  for _, format in ipairs{ "raw", "text" } do
    local case = lose_and_go_on(format)
    local lost, _, reason =
        gaps.account(spec.read(case.log), LINES + 1, format)
    lu.assertTrue(lost > 0)
    lu.assertEquals(drops_of(case.process), lost)
    lu.assertEquals(reason, "no space left on device")
    case.process:stop()
  end
end

-- FAULTS 38: here most did not even find room to wait
function TestDiskFull:test_so_is_what_a_flood_loses()
  local path = disks.small(16384)
  local on, free = spec.tmpdir() .. "/on", disks.fill(path, 32)
  local log = spec.collecting_logger()
  local process = assert(pexec.new_managed_process({
      id = "child", name = "/bin/sh", stop_timeout = 1, args = { "-c",
      'seq -f "line %.0f" 2000000; until [ -e "$0" ]; do sleep 0.05; done; '
      .. 'echo "line 2000001"; exec sleep 1000', on },
      stdout = { file = path .. "/log" } }, log))
  assert(process:start())
  spec.eventually(function()
    return process:info().output.stdout.lines == 2000000
  end)
  free()
  spec.eventually(function() return log:find("can be written again") end)
  spec.write(on, "")
  spec.eventually(function()
    return spec.read(path .. "/log"):find("line 2000001\n", 1, true)
  end)
  lu.assertEquals(gaps.account(spec.read(path .. "/log"), 2000001, "raw"),
                  drops_of(process))
  process:stop()
end

-- FAULTS 38
function TestDiskFull:test_the_log_hears_of_it_once_and_of_its_end()
  for _, format in ipairs{ "raw", "text" } do
    local case = lose_and_go_on(format)
    spec.eventually(function() return case.logger:find("written again") end)
    lu.assertEquals(count(case.logger, "log file"), 2)
    lu.assertStrContains(case.logger:find("cannot write"),
        ('error: child: cannot write log file "%s": no space left on device; '
         .. 'lines are lost until it can be written'):format(case.log))
    lu.assertStrContains(case.logger:find("written again"),
        ('info: child: log file "%s" can be written again, %d lines were lost')
        :format(case.log, drops_of(case.process)))
    case.process:stop()
  end
end

-- FAULTS 38
function TestDiskFull:test_with_space_the_gap_is_told_without_a_new_line()
  for _, format in ipairs{ "raw", "text" } do
    local case = start{ stdout = { format = format } }
    spec.eventually(function()
      return spec.read(case.done) and drops_of(case.process) > 0
    end)
    case.free()
    local began = now()
    spec.eventually(function()
      return spec.read(case.log):find("lines lost here", 1, true)
    end)
    lu.assertTrue(now() - began < 1.5 * slowness + 0.5)
    lu.assertEquals(gaps.account(spec.read(case.log), LINES, format),
                    drops_of(case.process))
    case.process:stop()
  end
end

-- FAULTS 38
function TestDiskFull:test_a_new_line_comes_within_a_second()
  local case = start{ stdout = {} }
  spec.eventually(function()
    return spec.read(case.done) and drops_of(case.process) > 0
  end)
  case.free()
  spec.write(case.on, "")
  local began = now()
  spec.eventually(function()
    return spec.read(case.log):find("line " .. LINES + 1 .. "\n", 1, true)
  end)
  lu.assertTrue(now() - began < 1 * slowness + 0.3)
  case.process:stop()
end

-- FAULTS 38
function TestDiskFull:test_others_are_restarted_and_write_meanwhile()
  local case = start{ stdout = {} }
  local other = spec.tmpdir() .. "/other"
  local process = managers.started({ restart_delay = 0, id = "other",
      stdout = { file = other, format = "text" } }, "print", "here I am")
  spec.eventually(function() return drops_of(case.process) > 0 end)
  local before = #spec.lines(spec.read(other))
  spec.eventually(function()
    return #spec.lines(spec.read(other)) > before + 10
  end)
  lu.assertEquals({ case.process:status() }, { true })
  lu.assertEquals(case.process:info().starts, 1)
  process:stop()
  case.process:stop()
end

-- FAULTS 38: it is full for good
function TestDiskFull:test_a_stop_is_prompt()
  for _, format in ipairs{ "raw", "text" } do
    local case = start{ stdout = { format = format } }
    spec.eventually(function() return drops_of(case.process) > 0 end)
    local took, ok = managers.timed(case.process.stop, case.process)
    lu.assertTrue(ok)
    lu.assertTrue(took < 0.5 * slowness + 1, took .. " s")
  end
end

TestLoggerOnFullDisk = {}

TestLoggerOnFullDisk.tearDown = TestDiskFull.tearDown

local function is_message(line)
  return line:find(" child: stopping process", 1, true) ~= nil
end

-- FAULTS 38
function TestLoggerOnFullDisk:test_what_is_lost_is_told_of_and_counted()
  local path = disks.small(8192)
  local on = spec.tmpdir() .. "/on"
  local free = disks.fill(path, 32)
  local logger = assert(pexec.new_logger{ file = path .. "/log" })
  local process = assert(pexec.new_managed_process(spec.child({ log = true },
      "lines", LINES, "waitfile", on, "print", "line " .. LINES + 1,
      "forever"), logger))
  assert(process:start())
  spec.eventually(function()
    return process:info().output.stdout.lines == LINES
           and drops_of(process) > 0
  end)
  free()
  spec.write(on, "")
  spec.eventually(function()
    return spec.read(path .. "/log"):find("line " .. LINES + 1 .. "\n", 1,
                                          true)
  end)
  process:stop()
  local lost, _, reason = gaps.account(spec.read(path .. "/log"), LINES + 1,
                                       "logger", is_message)
  lu.assertEquals(lost, drops_of(process))
  lu.assertEquals(reason, "no space left on device")
end

-- FAULTS 38
function TestLoggerOnFullDisk:test_it_holds_up_nobody()
  local path = disks.small(1024)
  disks.fill(path, 32)
  local logger = assert(pexec.new_logger{ file = path .. "/log" })
  local process = assert(pexec.new_managed_process(
      spec.child({ log = true }, "flood"), logger))
  assert(process:start())
  spec.eventually(function() return drops_of(process) > 100000 end)
  local took, ok = managers.timed(process.stop, process)
  lu.assertTrue(ok)
  lu.assertTrue(took < 0.5 * slowness + 1, took .. " s")
end

TestDiskFullAndBlocking = {}

TestDiskFullAndBlocking.tearDown = TestDiskFull.tearDown

local MANY <const> = 300000  -- more than waits anywhere

local function start_blocked(format)
  local case = start{ lines = MANY, stdout = {
      format = format, max_size = 2 ^ 30, on_full = "block" } }
  local last, since = -1, now()
  spec.eventually(function()
    local lines = case.process:info().output.stdout.lines
    if lines ~= last then last, since = lines, now() end
    return case.logger:find("cannot write log file") and lines > 0
           and now() - since > 0.3
  end)
  return case
end

-- FAULTS 38
function TestDiskFullAndBlocking:test_the_child_waits_and_nothing_is_lost()
  for _, format in ipairs{ "raw", "text" } do
    local case = start_blocked(format)
    lu.assertNil(spec.read(case.done))
    lu.assertStrContains(case.logger:find("cannot write"),
                         "its processes wait when they write")
    case.free()
    spec.write(case.on, "")
    spec.eventually(function()
      return case.process:info().output.stdout.lines == MANY + 1
    end)
    case.process:stop()
    lu.assertEquals(gaps.account(spec.read(case.log), MANY + 1, format), 0)
    lu.assertEquals(drops_of(case.process), 0)
  end
end

-- FAULTS 38
function TestDiskFullAndBlocking:test_a_stop_is_bounded()
  for _, format in ipairs{ "raw", "text" } do
    local case = start_blocked(format)
    local took, ok, stage = managers.timed(case.process.stop, case.process)
    lu.assertEquals({ ok, stage }, { true, "process" })
    lu.assertTrue(took < 1 + 1 + 0.5 * slowness, took .. " s")
  end
end

-- FAULTS 38: stop_timeout and a second, and a little for the host itself
function TestDiskFullAndBlocking:test_so_is_closing_the_state()
  for _, on_full in ipairs{ "drop", "block" } do
    local path = disks.small(1024)
    disks.fill(path, 32)
    local text, status = spec.run_script(([[
      local began
      last = setmetatable({}, { __gc = function()  -- the last of all
        print("closed", probe.now() - began)
      end })
      probe = require "probe"
      local pexec, spec = require "pexec", require "spec"
      local process = assert(pexec.new_managed_process(spec.child({
          stop_timeout = 1, stdout = { file = %q, on_full = %q } }, "flood"),
          pexec.null_logger))
      assert(process:start())
      spec.eventually(function()
        return process:info().output.stdout.bytes > 1000000
      end)
      pexec.sleep(0.5)
      began = probe.now()
    ]]):format(path .. "/log", on_full))
    lu.assertEquals(status, 0, text)
    local took = tonumber(text:match("closed%s+(%S+)"))
    lu.assertTrue(took < 1 + 1 + 0.5 * slowness, took .. " s")
  end
end

-- FAULTS 38
function TestDiskFullAndBlocking:test_others_are_restarted_meanwhile()
  local case = start_blocked("raw")
  local process = managers.started({ restart_delay = 0, id = "other" },
                                   "exit", 0)
  spec.eventually(function() return process:info().restarts > 10 end)
  process:stop()
  case.process:stop()
end

TestChildOnFullDisk = {}

TestChildOnFullDisk.tearDown = TestDiskFull.tearDown

-- FAULTS 38: it would be slowed down to what can be tried and lost
function TestChildOnFullDisk:test_it_is_not_held_up()
  for _, format in ipairs{ "raw", "text" } do
    local path = disks.small(1024)
    disks.fill(path, 32)
    local process = managers.started({ stdout = { file = path .. "/log",
                                                  format = format } }, "flood")
    spec.eventually(function() return drops_of(process) > 0 end)
    local began, before = now(), process:info().output.stdout.bytes
    pexec.sleep(2)
    local rate = (process:info().output.stdout.bytes - before) / (now() - began)
    process:stop()
    lu.assertTrue(rate > 1e7 / slowness, ("%.1f MB/s"):format(rate / 1e6))
  end
end
