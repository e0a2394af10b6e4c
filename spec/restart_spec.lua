-- Restarts: after which ends, how often, how soon; what happens when one
-- cannot be made; what becomes of the dead one's group. How a handler decides
-- is in handler_spec; that Lua may be busy meanwhile, in supervision_spec.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

local now = spec.probe.now
local is_plain = os.getenv("PEXEC_SPEC_MODE") == "plain"

local function new(fields, ...)
  local logger = fields.logger or pexec.null_logger
  fields.logger = nil
  return assert(pexec.new_managed_process(spec.child(fields, ...), logger))
end

local function started(fields, ...)
  local process = new(fields, ...)
  assert(process:start())
  return process
end

local function lines_of(path)
  return spec.lines(spec.read(path))
end

-- Waits until the file has this many lines; they are pids, or times in ns.
local function read_numbers(path, count, seconds)
  local numbers = {}
  local lines = spec.eventually(function()
    local found = lines_of(path)
    return #found >= count and found
  end, seconds)
  for i, line in ipairs(lines) do
    numbers[i] = assert(math.tointeger(tonumber(line)), line)
  end
  return numbers
end

-- A copy of the child that may be moved away and back.
local function own_program()
  local path = spec.tmpdir() .. "/program"
  spec.write(path, assert(spec.read(spec.child_path)))
  assert(os.execute("chmod +x " .. path))
  return path
end

TestRestart = {}

-- FAULTS 1
local function assert_restarted_after(...)
  local file = spec.tmpdir() .. "/pids"
  local process = started({ restart_delay = 0 }, "append", file, "%p", ...)
  local pids = read_numbers(file, 4)
  process:stop()
  lu.assertNotEquals(pids[1], pids[2])
  lu.assertNotEquals(pids[2], pids[3])
end

function TestRestart:test_it_follows_a_failure()
  assert_restarted_after("exit", 1)
end

function TestRestart:test_it_follows_a_success()
  assert_restarted_after("exit", 0)
end

function TestRestart:test_it_follows_a_signal()
  for _, signal in ipairs{ "KILL", "TERM", "SEGV", "HUP" } do
    assert_restarted_after("signal", signal)
  end
end

-- FAULTS 1
function TestRestart:test_there_is_one_for_each_death()
  local file = spec.tmpdir() .. "/pids"
  local process = started({ restart_delay = 0 }, "append", file, "%p",
                          "forever")
  for count = 1, 50 do
    local pids = read_numbers(file, count)
    lu.assertEquals(#pids, count)
    -- the child may write before its maker has told of it
    spec.eventually(function() return process:unix_pid() == pids[count] end)
    spec.kill(pids[count])
  end
  read_numbers(file, 51)
  process:stop()
  lu.assertEquals(#lines_of(file), 51)
end

function TestRestart:test_at_most_one_child_runs_at_a_time()
  local lock = spec.tmpdir() .. "/lock"
  local seen = {}
  local process = new({ restart_delay = 0, name = "/bin/sh", args = { "-c",
      'mkdir "$0" || echo two at once; rmdir "$0"; echo over', lock },
      log_writer = function(line) seen[#seen + 1] = line end })
  assert(process:start())
  spec.eventually(function() return #seen >= 50 end)
  process:stop()
  for _, line in ipairs(seen) do lu.assertEquals(line, "over") end
end

function TestRestart:test_it_is_logged_with_the_reason()
  local log = spec.collecting_logger()
  local process = started({ restart_delay = 0, logger = log }, "exit", 7)
  spec.eventually(function() return log:find("restarted as process") end)
  process:stop()
  lu.assertStrMatches(log:find("exited"),
                      "warn: child: process %d+ exited with status 7")
end

function TestRestart:test_a_stop_ends_them()
  local file = spec.tmpdir() .. "/pids"
  local process = started({ restart_delay = 0 }, "append", file, "%p")
  read_numbers(file, 5)
  process:stop()
  local count = #lines_of(file)
  pexec.sleep(0.2)
  lu.assertEquals(#lines_of(file), count)
end

TestRestartDelay = {}

-- FAULTS 9
function TestRestartDelay:test_it_passes_between_one_start_and_the_next()
  local file = spec.tmpdir() .. "/times"
  local process = started({ restart_delay = 0.3 }, "append", file, "%t",
                          "exit", 1)
  local times = read_numbers(file, 4)
  process:stop()
  for i = 2, 4 do  -- a slow start shortens what the child sees
    lu.assertTrue(times[i] - times[i - 1] > 0.2e9,
                  ("start %d came too soon"):format(i))
  end
end

function TestRestartDelay:test_one_second_is_the_default()
  local file = spec.tmpdir() .. "/times"
  local process = started({}, "append", file, "%t", "exit", 1)
  local times = read_numbers(file, 2)
  process:stop()
  lu.assertTrue(times[2] - times[1] > 0.8e9)
  lu.assertTrue(times[2] - times[1] < 10e9)
end

-- The delay is three seconds, of which two have passed: were it counted from
-- the death, the next would come at five.
function TestRestartDelay:test_it_counts_from_the_start_not_from_the_death()
  local file = spec.tmpdir() .. "/times"
  local process = started({ restart_delay = 3 }, "append", file, "%t",
                          "sleep", 2)
  local times = read_numbers(file, 2)
  process:stop()
  local seconds = (times[2] - times[1]) / 1e9
  lu.assertTrue(seconds > 2.9 and seconds < 4.9, "it came after " .. seconds)
end

function TestRestartDelay:test_one_that_had_run_for_longer_is_back_at_once()
  local file = spec.tmpdir() .. "/times"
  local process = started({ restart_delay = 2 }, "append", file, "%t",
                          "forever")
  read_numbers(file, 1)
  pexec.sleep(2.1)
  local killed_at = now()
  spec.kill(process:unix_pid())
  local times = read_numbers(file, 2)
  process:stop()
  lu.assertTrue(times[2] / 1e9 - killed_at < 1.5)
end

-- FAULTS 9
function TestRestartDelay:test_none_at_all_is_allowed()
  local file = spec.tmpdir() .. "/pids"
  local process = started({ restart_delay = 0 }, "append", file, "%p")
  read_numbers(file, 100)
  local before = now()
  lu.assertTrue(process:stop())
  lu.assertTrue(now() - before < 5)
end

-- FAULTS 9
function TestRestartDelay:test_others_are_not_delayed_by_a_crash_loop()
  local file = spec.tmpdir() .. "/pids"
  local loops = {}
  for i = 1, 3 do
    loops[i] = started({ restart_delay = 0 }, "exit", 1)
  end
  local process = started({ restart_delay = 0 }, "append", file, "%p",
                          "forever")
  for count = 1, 20 do
    spec.kill(read_numbers(file, count)[count])
  end
  read_numbers(file, 21)
  process:stop()
  for _, loop in ipairs(loops) do loop:stop() end
end

local function cpu_ticks()
  local fields = {}
  local rest = spec.read("/proc/self/stat"):match("%) (.*)$")
  for field in rest:gmatch("%S+") do fields[#fields + 1] = field end
  return tonumber(fields[12]) + tonumber(fields[13])
end

-- FAULTS 9: at most ten starts a second, and next to no work for the host.
function TestRestartDelay:test_a_crash_loop_is_bounded_and_cheap()
  local file = spec.tmpdir() .. "/pids"
  local process = started({ restart_delay = 0.1 }, "append", file, "%p",
                          "exit", 1)
  local ticks, before = cpu_ticks(), now()
  pexec.sleep(1)
  local seconds = now() - before
  ticks = cpu_ticks() - ticks
  process:stop()
  lu.assertTrue(#lines_of(file) <= seconds / 0.1 + 2)
  lu.assertTrue(#lines_of(file) >= 3)
  lu.assertTrue(ticks <= 30 * spec.slowness, "ticks of 10 ms: " .. ticks)
end

local function resident_kib()
  return tonumber(spec.read("/proc/self/status"):match("VmRSS:%s*(%d+)"))
end

-- FAULTS 9
function TestRestartDelay:test_a_crash_loop_leaves_memory_flat()
  if not is_plain then lu.skip("a sanitizer keeps memory back") end
  local file = spec.tmpdir() .. "/pids"
  local process = started({ restart_delay = 0, log_writer = print,
                            on_unexpected_exit = function() return true end },
                          "append", file, "%p")
  read_numbers(file, 200, 60)
  collectgarbage()
  local before = resident_kib()
  read_numbers(file, 1200, 200)
  collectgarbage()
  local after = resident_kib()
  process:stop()
  lu.assertTrue(after - before < 1024, ("%d KiB more"):format(after - before))
end

TestFailedRestart = {}

-- FAULTS 18
function TestFailedRestart:test_a_program_that_is_away_is_tried_again()
  local path, file = own_program(), spec.tmpdir() .. "/pids"
  local log = spec.collecting_logger()
  local process = started({ name = path, restart_delay = 0.05, logger = log },
                          "append", file, "%p", "forever")
  assert(os.rename(path, path .. ".away"))
  spec.kill(read_numbers(file, 1)[1])
  spec.eventually(function() return log:find("will try again") end)
  local told = log:find("will try again")
  lu.assertStrContains(told, path)
  lu.assertStrContains(told, "no such file")
  lu.assertEquals(told:match("^%l+"), "error")
  lu.assertEquals({ process:status() },
                  { nil, "process already finished", "PROCESS_DONE" })
  assert(os.rename(path .. ".away", path))
  local pid = read_numbers(file, 2)[2]
  spec.eventually(function() return process:unix_pid() == pid end)
  process:stop()
end

-- FAULTS 18
function TestFailedRestart:test_a_program_being_rewritten_is_tried_again()
  local path, file = own_program(), spec.tmpdir() .. "/pids"
  local log = spec.collecting_logger()
  local process = started({ name = path, restart_delay = 0.5, logger = log },
                          "append", file, "%p", "exit", 0)
  read_numbers(file, 1)
  -- one that is executed cannot be opened for writing: only between two runs
  local writer = spec.eventually(function() return io.open(path, "r+b") end)
  spec.eventually(function() return log:find("text file busy") end)
  writer:close()
  local count = #lines_of(file)
  read_numbers(file, count + 2)
  process:stop()
end

-- FAULTS 18
function TestFailedRestart:test_attempts_are_as_far_apart_as_starts()
  local path = own_program()
  local log = spec.collecting_logger()
  local process = started({ name = path, restart_delay = 0.2, logger = log },
                          "forever")
  os.remove(path)
  spec.kill(process:unix_pid())
  pexec.sleep(1)
  process:stop()
  local attempts = 0
  for _, line in ipairs(log.lines) do
    if line:find("will try again") then attempts = attempts + 1 end
  end
  lu.assertTrue(attempts >= 1 and attempts <= 7, "attempts: " .. attempts)
end

-- FAULTS 18: even where no delay is wanted
function TestFailedRestart:test_attempts_do_not_become_a_busy_loop()
  local path = own_program()
  local log = spec.collecting_logger()
  local process = started({ name = path, restart_delay = 0, logger = log },
                          "forever")
  os.remove(path)
  spec.kill(process:unix_pid())
  local before = now()
  pexec.sleep(0.5)
  process:stop()
  local most = (now() - before) / 0.05
  lu.assertTrue(#log.lines >= 3)
  lu.assertTrue(#log.lines <= most, "messages: " .. #log.lines)
end

-- FAULTS 8, 18
function TestFailedRestart:test_a_stop_ends_the_attempts()
  local path = own_program()
  local log = spec.collecting_logger()
  local process = started({ name = path, restart_delay = 0.05, logger = log },
                          "forever")
  os.remove(path)
  spec.kill(process:unix_pid())
  spec.eventually(function() return log:find("will try again") end)
  lu.assertEquals({ process:stop() }, { true, "none" })
  lu.assertEquals({ process:wait() }, { true })
end

TestRestartGroup = {}

function TestRestartGroup:test_what_is_left_of_the_dead_ones_group_is_killed()
  local dir = spec.tmpdir()
  local process = started({ restart_delay = 0 }, "append", dir .. "/pids",
      "%p", "ignore", "TERM", "fork", "append", dir .. "/children", "%p",
      "forever", "end", "waitfile", dir .. "/children", "forever")
  local child = read_numbers(dir .. "/children", 1)[1]
  spec.kill(read_numbers(dir .. "/pids", 1)[1])
  read_numbers(dir .. "/pids", 2)
  lu.assertFalse(spec.alive(child))
  process:kill_group()
  process:wait()
end

function TestRestartGroup:test_so_it_is_where_nothing_is_restarted()
  local dir = spec.tmpdir()
  local process = started({ on_unexpected_exit = function() end },
      "fork", "append", dir .. "/children", "%p", "forever", "end",
      "waitfile", dir .. "/children")
  lu.assertTrue(process:wait())
  lu.assertFalse(spec.alive(read_numbers(dir .. "/children", 1)[1]))
end

-- FAULTS 11
function TestRestartGroup:test_a_grandchild_elsewhere_does_not_delay_it()
  local dir = spec.tmpdir()
  local lines = {}
  local process = started({ restart_delay = 0,
      log_writer = function(line) lines[#lines + 1] = line end },
      "once", dir .. "/once", "daemon", "append", dir .. "/far", "%p",
      "waitfile", dir .. "/go", "print", "from afar", "forever", "end", "end",
      "append", dir .. "/pids", "%p", "forever")
  local far = read_numbers(dir .. "/far", 1)[1]
  for count = 1, 3 do
    spec.kill(read_numbers(dir .. "/pids", count)[count])
  end
  read_numbers(dir .. "/pids", 4)
  lu.assertTrue(spec.alive(far))
  spec.write(dir .. "/go", "")
  spec.eventually(function() return lines[1] == "from afar" end)
  process:stop()
  spec.kill(far)
end

TestGarbage = {}

-- FAULTS 20
function TestGarbage:test_one_that_nobody_refers_to_is_restarted()
  local file = spec.tmpdir() .. "/pids"
  local weak = setmetatable({}, { __mode = "v" })
  weak[1] = started({ restart_delay = 0 }, "append", file, "%p", "forever")
  for count = 1, 5 do
    collectgarbage()
    spec.kill(read_numbers(file, count)[count])
  end
  read_numbers(file, 6)
  weak[1]:stop()
  spec.eventually(function()
    collectgarbage()
    return weak[1] == nil
  end)
end

-- FAULTS 20
function TestGarbage:test_its_handlers_are_kept_with_it()
  local file = spec.tmpdir() .. "/pids"
  local seen = { lines = 0, exits = 0 }
  local weak = setmetatable({}, { __mode = "v" })
  do
    local process = started({ restart_delay = 0,
        log_writer = function() seen.lines = seen.lines + 1 end,
        on_unexpected_exit = function(_, exit)
          seen.exits = seen.exits + 1
          seen.process = exit.process
          return seen.exits < 5
        end }, "append", file, "%p", "print", "hello")
    weak.process = process
  end
  collectgarbage()
  spec.eventually(function()
    collectgarbage()
    return seen.exits == 5 and not weak.process:status()
  end)
  lu.assertEquals(seen.lines, 5)
  lu.assertIs(seen.process, weak.process)
  seen.process = nil
  spec.eventually(function()
    collectgarbage()
    return weak.process == nil
  end)
end

-- FAULTS 20
function TestGarbage:test_one_that_was_never_started_is_collected()
  local weak = setmetatable({}, { __mode = "v" })
  weak[1] = new({ log_writer = print }, "forever")
  collectgarbage()
  collectgarbage()
  lu.assertNil(weak[1])
end

local function make_and_drop(count)
  for _ = 1, count do
    new({ log_writer = print, on_unexpected_exit = print }, "forever")
  end
  collectgarbage()
  collectgarbage()
end

-- FAULTS 20
function TestGarbage:test_ten_thousand_that_come_and_go_leave_memory_flat()
  make_and_drop(2000)
  local lua_kib, host_kib = collectgarbage("count"), resident_kib()
  make_and_drop(10000)
  lu.assertTrue(collectgarbage("count") - lua_kib < 64)
  if is_plain then lu.assertTrue(resident_kib() - host_kib < 1024) end
end

-- FAULTS 20
function TestGarbage:test_those_that_ran_leave_memory_flat()
  local function cycle(count)
    for _ = 1, count do
      local process = started({ log_writer = print }, "exit", 0)
      process:stop()
    end
    pexec.dispatch(0)
    collectgarbage()
    collectgarbage()
  end
  cycle(50)
  local lua_kib, host_kib = collectgarbage("count"), resident_kib()
  cycle(300)
  lu.assertTrue(collectgarbage("count") - lua_kib < 64)
  if is_plain then lu.assertTrue(resident_kib() - host_kib < 1024) end
end
