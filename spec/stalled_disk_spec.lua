-- A disk that hangs: each write to it waits in the kernel, where nothing can
-- end it. Who writes there waits or loses lines; nobody else notices.

local disks = require "disks"
local gaps = require "gaps"
local hosts = require "hosts"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local now = spec.probe.now
local slowness = spec.slowness

local function drops_of(process)
  return process:info().output.stdout.drops
end

-- A child that writes a line to a disk, which then hangs, and goes on with
-- these verbs.
local function start_stalled(disk, options, ...)
  local on = spec.tmpdir() .. "/on"
  local stdout = { file = disk.path .. "/log", max_size = 2 ^ 30 }
  for name, value in pairs(options or {}) do stdout[name] = value end
  local process = managers.started({ id = "stalled", stdout = stdout },
                                   "print", "begin", "waitfile", on, ...)
  spec.eventually(function()
    return #(spec.read(disk.path .. "/log") or "") > 0
  end)
  disk:freeze()
  spec.write(on, "")
  return process
end

local function is_begin(line)
  return line:find("begin$") ~= nil
end

-- Its output has stopped, and is dropped where it may be.
local function await_stall(process, may_drop)
  local last, since = -1, now()
  spec.eventually(function()
    local bytes = process:info().output.stdout.bytes
    if bytes ~= last then last, since = bytes, now() end
    return may_drop and drops_of(process) > 0
           or not may_drop and now() - since > 0.5
  end)
end

TestStalledDisk = {}

function TestStalledDisk:tearDown() disks.remove() end

local CASES <const> = { { on_full = "drop" }, { on_full = "block" },
                        { on_full = "drop", format = "text" },
                        { on_full = "block", format = "text" } }

-- FAULTS 38
function TestStalledDisk:test_others_are_restarted_and_log_on_time()
  local disk = disks.freezable()
  local stalled = start_stalled(disk, { on_full = "block" }, "flood")
  await_stall(stalled)
  local log = spec.tmpdir() .. "/log"
  local other = managers.started({ id = "other", restart_delay = 0,
      stdout = { file = log } }, "print", "here", "sleep", 0.02)
  local began = now()
  spec.eventually(function()
    return #spec.lines(spec.read(log)) >= 10
           and other:info().restarts >= 10
  end)
  lu.assertTrue(now() - began < 2 * slowness, now() - began .. " s")
  other:stop()
  disk:thaw()
  stalled:stop()
end

-- FAULTS 34, 38: a file that is to be made there hangs as well
function TestStalledDisk:test_a_start_that_hangs_there_holds_up_nobody()
  local disk = disks.freezable()
  disk:freeze()
  local hung = managers.process({ id = "hung",
      stdout = { file = disk.path .. "/new" } }, "forever")
  local task = pexec.task(function() return hung:start() end)
  local other = managers.started({ id = "other", restart_delay = 0 },
                                 "sleep", 0.02)
  local began = now()
  spec.eventually(function() return other:info().restarts >= 10 end)
  lu.assertTrue(now() - began < 2 * slowness, now() - began .. " s")
  for _, most in ipairs{ 2, 1 } do  -- a second one waits for a second only
    local took, ok, _, code = managers.timed(hung.stop, hung)
    lu.assertEquals({ ok, code }, { nil, "STOP_TIMEOUT" })
    lu.assertTrue(took < most + slowness, took .. " s")
  end
  disk:thaw()
  local ok, _, code = task:wait()
  lu.assertEquals({ ok, code }, { nil, "ALREADY_STOPPED" })
  lu.assertTrue(hung:wait())
  other:stop()
end

-- FAULTS 38
function TestStalledDisk:test_questions_are_answered()
  local disk = disks.freezable()
  local process = start_stalled(disk, {}, "flood")
  await_stall(process, true)
  local began = now()
  lu.assertEquals({ process:status() }, { true })
  lu.assertEquals(process:info().state, "running")
  lu.assertTrue(#process:tail(3) == 3)
  lu.assertTrue(math.type(process:unix_pid()) == "integer")
  lu.assertTrue(now() - began < 0.2 * slowness)
  disk:thaw()
  process:stop()
end

-- FAULTS 38
function TestStalledDisk:test_a_stop_is_bounded()
  for _, options in ipairs(CASES) do
    local disk = disks.freezable()
    local process = start_stalled(disk, options, "flood")
    await_stall(process, options.on_full == "drop")
    local took, ok, stage = managers.timed(process.stop, process)
    lu.assertEquals({ ok, stage }, { true, "process" })
    lu.assertTrue(took < 2 + 0.5 * slowness, took .. " s")
    disk:thaw()
  end
end

-- FAULTS 38
function TestStalledDisk:test_a_crash_is_followed_by_a_restart()
  local disk = disks.freezable()
  local process = start_stalled(disk, { on_full = "block" }, "flood")
  await_stall(process)
  for restarts = 1, 3 do
    spec.kill(process:unix_pid(), "KILL")
    spec.eventually(function()
      return process:info().restarts == restarts and process:unix_pid()
    end, 4)
  end
  disk:thaw()
  process:stop()
end

-- FAULTS 38
function TestStalledDisk:test_afterwards_all_goes_on_and_the_gap_is_told()
  for _, format in ipairs{ "raw", "text" } do
    local disk = disks.freezable()
    local on = spec.tmpdir() .. "/on"
    local process = start_stalled(disk, { format = format }, "lines", 300000,
        "waitfile", on, "print", "line 300001", "forever")
    spec.eventually(function()
      return process:info().output.stdout.lines == 300001
    end)
    lu.assertTrue(drops_of(process) > 0)
    disk:thaw()
    local function await(text)
      spec.eventually(function()
        return spec.read(disk.path .. "/log"):find(text, -200, true)
      end)
    end
    await("lines lost here: ")
    spec.write(on, "")
    await("line 300001\n")
    local lost, _, reason = gaps.account(spec.read(disk.path .. "/log"),
                                         300001, format, is_begin)
    lu.assertEquals(lost, drops_of(process))
    lu.assertEquals(reason, "it was not written in time")
    process:stop()
  end
end

-- FAULTS 38
function TestStalledDisk:test_a_child_that_waits_for_it_loses_nothing()
  local disk = disks.freezable()
  local process = start_stalled(disk, { on_full = "block" }, "lines", 300000,
                                "forever")
  await_stall(process)
  lu.assertTrue(process:info().output.stdout.lines < 300000)
  disk:thaw()
  spec.eventually(function()
    return spec.read(disk.path .. "/log"):find("line 300000\n", -20, true)
  end)
  process:stop()
  lu.assertEquals(gaps.account(spec.read(disk.path .. "/log"), 300000, "raw",
                               is_begin), 0)
end

-- FAULTS 38: told of where the log is, which is elsewhere
function TestStalledDisk:test_the_log_hears_of_it_once()
  local disk = disks.freezable()
  local log = spec.collecting_logger()
  -- little enough that the disk is not full before it hangs
  local process = assert(pexec.new_managed_process(spec.child({
      stdout = { file = disk.path .. "/log", max_size = 65536, keep = 1 } },
      "flood"), log))
  assert(process:start())
  spec.eventually(function() return spec.read(disk.path .. "/log") end)
  disk:freeze()
  local line = spec.eventually(function()
    return log:find("cannot write log file")
  end)
  lu.assertStrContains(line, "it takes too long; lines are lost")
  disk:thaw()
  spec.eventually(function() return log:find("can be written again") end)
  process:stop()
end

-- FAULTS 38: a logger whose file is there holds up nobody
function TestStalledDisk:test_neither_does_a_logger_stall_supervision()
  local disk = disks.freezable()
  local logger = assert(pexec.new_logger{ file = disk.path .. "/log" })
  local process = assert(pexec.new_managed_process(
      spec.child({ log = true, restart_delay = 0 }, "print", "hello",
                 "sleep", 0.02), logger))
  assert(process:start())
  spec.eventually(function() return spec.read(disk.path .. "/log") end)
  disk:freeze()
  local restarts = process:info().restarts
  spec.eventually(function() return process:info().restarts > restarts + 20 end)
  local took, ok = managers.timed(process.stop, process)
  lu.assertTrue(ok)
  lu.assertTrue(took < 1.2 + 0.5 * slowness, took .. " s")
  disk:thaw()
end

TestClosing = {}

TestClosing.tearDown = TestStalledDisk.tearDown

-- FAULTS 38: stop_timeout and two seconds
function TestClosing:test_it_is_bounded()
  for _, options in ipairs(CASES) do
    local disk = disks.freezable()
    local dir = spec.tmpdir()
    local host = hosts.start(([[
      last = setmetatable({}, { __gc = function()
        io.stdout:write("closed ", spec.probe.now() - began, "\n")
      end })
      io.stdout:setvbuf("no")
      spec = require "spec"
      pexec = require "pexec"
      local process = assert(pexec.new_managed_process(spec.child({
          stop_timeout = 1, stdout = { file = %q, on_full = %q, format = %q }
          }, "flood"), pexec.null_logger))
      assert(process:start())
      print("ready")
      spec.eventually(function() return spec.read(%q) end)
      pexec.sleep(1.5)
      began = spec.probe.now()
    ]]):format(disk.path .. "/log", options.on_full, options.format or "raw",
               dir .. "/frozen"), { is_bare = true })
    host:await("ready")
    disk:freeze()
    spec.write(dir .. "/frozen", "")
    local line = host:await("closed")
    disk:thaw()
    lu.assertTrue((host:finish()))
    local took = tonumber(line:match("%S+$"))
    lu.assertTrue(took < 1 + 2 + 0.5 * slowness, took .. " s")
  end
end

-- FAULTS 38: stop_timeout and a second, with a child's own file, and with one
-- that two processes share; then the host is there without the supervisor,
-- and whoever opens these ends by himself
function TestClosing:test_it_does_not_wait_for_files_that_are_being_opened()
  local disk = disks.freezable()
  disk:freeze()
  local host = hosts.start(([[
    spec = require "spec"
    local function openers()
      local count = 0
      for _, task in ipairs(spec.probe.list("/proc/self/task")) do
        local name = spec.read("/proc/self/task/" .. task .. "/comm")
        count = count + (name == "pexec-opener\n" and 1 or 0)
      end
      return count
    end
    last = setmetatable({}, { __gc = function()
      io.stdout:write("closed ", spec.probe.now() - began, "\n")
      io.stdout:write("left ", openers(), "\n")
      while openers() > 0 do spec.probe.sleep(0.01) end
      io.stdout:write("alone\n")
    end })
    io.stdout:setvbuf("no")
    pexec = require "pexec"
    for _, stdout in ipairs{ { file = %q }, { file = %q, format = "text" },
                             { file = %q, format = "text" } } do
      local process = assert(pexec.new_managed_process(spec.child({
          stop_timeout = 1, stdout = stdout }, "forever"), pexec.null_logger))
      pexec.task(function() process:start() end)
    end
    pexec.sleep(0.5)
    began = spec.probe.now()
  ]]):format(disk.path .. "/own", disk.path .. "/shared",
             disk.path .. "/shared"), { is_bare = true })
  local took = tonumber(host:await("closed"):match("%S+$"))
  lu.assertTrue(took < 1 + 1 + 0.5 * slowness, took .. " s")
  lu.assertEquals(host:number("left"), 3)
  disk:thaw()
  host:await("alone")
  lu.assertTrue((host:finish()))
end
