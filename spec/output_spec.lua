-- What a process writes, and what its writer gets of it: every byte, in
-- order, before the news of its end; in pieces where a line is long; at the
-- writer's pace, without more memory, and without holding others up.
-- How loggers show it is in logger_spec.

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

-- Runs a one-shot; returns what its writer was called with.
local function calls_of(fields, ...)
  local calls = {}
  fields.one_shot = true
  fields.log_writer = function(...) calls[#calls + 1] = table.pack(...) end
  assert(new(fields, ...):start())
  return calls
end

local function lines_from(...)
  local lines = {}
  for i, call in ipairs(calls_of({}, ...)) do lines[i] = call[1] end
  return lines
end

-- A program that writes the bytes of a file, and ends.
local function cat(bytes)
  local path = spec.tmpdir() .. "/bytes"
  spec.write(path, bytes)
  return { name = "/bin/cat", args = { path } }
end

TestLines = {}

function TestLines:test_each_is_one_call_without_its_newline()
  local calls = calls_of({}, "print", "one", "print", "", "print", " two ")
  lu.assertEquals(calls, { { "one", "stdout", n = 2 },
                           { "", "stdout", n = 2 },
                           { " two ", "stdout", n = 2 } })
end

function TestLines:test_the_stream_is_named()
  local calls = calls_of({}, "error", "bad")
  lu.assertEquals(calls, { { "bad", "stderr", n = 2 } })
end

function TestLines:test_both_streams_keep_their_order()
  local seen = { stdout = {}, stderr = {} }
  local calls = calls_of({ name = "/bin/sh", args = { "-c",
      "i=0; while [ $i -lt 500 ]; do echo $i; echo $i >&2; i=$((i+1)); done" }
  })
  for _, call in ipairs(calls) do
    local lines = seen[call[2]]
    lu.assertEquals(call[1], tostring(#lines))
    lines[#lines + 1] = call[1]
  end
  lu.assertEquals({ #seen.stdout, #seen.stderr }, { 500, 500 })
end

-- FAULTS 10
function TestLines:test_a_last_one_without_newline_is_delivered_once()
  lu.assertEquals(lines_from("print", "one", "raw", "two"), { "one", "two" })
  lu.assertEquals(lines_from("raw", "two"), { "two" })
end

function TestLines:test_parts_written_one_by_one_make_one_line()
  lu.assertEquals(lines_from("raw", "a", "sleep", 0.05, "raw", "b", "sleep",
                             0.05, "print", "c", "print", "d"),
                  { "abc", "d" })
end

function TestLines:test_carriage_returns_are_kept()
  lu.assertEquals(lines_from("print", "a\r", "print", "\rb"), { "a\r", "\rb" })
end

-- FAULTS 10
function TestLines:test_every_byte_value_passes()
  local block = {}
  for i = 0, 255 do block[i + 1] = string.char(i) end
  block = table.concat(block)
  local lines = lines_from("allbytes", 1000)
  lu.assertTrue(table.concat(lines, "\n") == block:rep(1000))
end

-- FAULTS 39: what is raw is exact
function TestLines:test_escape_sequences_pass_as_they_are()
  local hostile = "\27[2J\27]0;title\7 \200\255 2026 ERROR forged"
  lu.assertEquals(lines_from("print", hostile), { hostile })
end

TestLongLines = {}

local PIECE <const> = 65536

-- Checks that the calls are the pieces of one line; returns it.
local function join(calls)
  local parts = {}
  for i, call in ipairs(calls) do
    lu.assertTrue(#call[1] <= PIECE, "a piece of " .. #call[1])
    if i < #calls then lu.assertEquals({ call.n, call[3] }, { 3, true })
    else lu.assertEquals(call.n, 2) end
    parts[i] = call[1]
  end
  return table.concat(parts)
end

-- FAULTS 10
function TestLongLines:test_5_mb_arrive_in_marked_pieces()
  local text = {}
  for i = 1, 5000000 // 8 do text[i] = ("%08d"):format(i) end
  text = table.concat(text)
  local calls = calls_of(cat(text .. "\n"))
  lu.assertTrue(#calls >= #text // PIECE)
  lu.assertTrue(join(calls) == text)
end

-- FAULTS 10
function TestLongLines:test_so_they_do_without_a_newline_at_the_end()
  local calls = calls_of({}, "bytes", 5000000)
  lu.assertTrue(join(calls) == ("x"):rep(5000000))
end

function TestLongLines:test_64_kib_are_one_piece_and_one_byte_more_is_two()
  for _, size in ipairs{ PIECE - 1, PIECE, PIECE + 1, 2 * PIECE,
                         2 * PIECE + 1 } do
    for _, ending in ipairs{ "", "\n" } do
      local calls = calls_of(cat(("x"):rep(size) .. ending))
      lu.assertTrue(join(calls) == ("x"):rep(size), "size " .. size)
      if size <= PIECE then lu.assertEquals(#calls, 1, "size " .. size) end
    end
  end
end

function TestLongLines:test_the_line_after_one_is_whole()
  local calls = calls_of(cat(("x"):rep(200000) .. "\nafter\n"))
  lu.assertEquals(table.remove(calls), { "after", "stdout", n = 2 })
  lu.assertTrue(join(calls) == ("x"):rep(200000))
end

-- FAULTS 10: what is kept of a line that has no end is one piece at most
function TestLongLines:test_memory_does_not_grow_with_the_line()
  if not is_plain then lu.skip("a sanitizer keeps memory back") end
  local function resident_kib()
    collectgarbage()
    return tonumber(spec.read("/proc/self/status"):match("VmRSS:%s*(%d+)"))
  end
  local most, seen = 0, 0
  local function run(size)
    assert(new({ one_shot = true, log_writer = function(piece)
      seen = seen + #piece
      if seen % (16 * PIECE) == 0 then most = math.max(most, resident_kib()) end
    end }, "bytes", size):start())
  end
  run(5000000)
  local before = resident_kib()
  run(40000000)
  lu.assertEquals(seen, 45000000)
  lu.assertTrue(most - before < 4096, ("%d KiB more"):format(most - before))
end

TestWriterObjects = {}

local function written_to_object(...)
  local parts = {}
  local object = { write = function(_, text) parts[#parts + 1] = text end }
  assert(new({ one_shot = true, log_writer = object }, ...):start())
  return parts
end

function TestWriterObjects:test_one_gets_each_line_with_its_newline()
  lu.assertEquals(written_to_object("print", "a", "print", "", "raw", "b"),
                  { "a\n", "\n", "b\n" })
end

function TestWriterObjects:test_pieces_join_to_the_bytes()
  local parts = written_to_object("bytes", 200000)
  lu.assertTrue(table.concat(parts) == ("x"):rep(200000) .. "\n")
end

function TestWriterObjects:test_a_userdata_will_do()
  local path = spec.tmpdir() .. "/out"
  local file = assert(io.open(path, "w"))
  assert(new({ one_shot = true, log_writer = file }, "lines", 3, "raw",
             "end"):start())
  file:close()
  lu.assertEquals(spec.read(path), "line 1\nline 2\nline 3\nend\n")
end

function TestWriterObjects:test_a_file_that_fails_is_told_of()
  local log = spec.collecting_logger()
  local file = assert(io.open("/dev/full", "w"))
  file:setvbuf("no")
  assert(new({ one_shot = true, log_writer = file, logger = log },
             "lines", 100):start())
  file:close()
  pexec.dispatch(0)
  lu.assertStrContains(log:find("error in its writer"), "No space left")
  lu.assertEquals(#log.lines, 1)
end

TestDelivery = {}

-- FAULTS 10
function TestDelivery:test_400_lines_and_exit_300_times_lose_none()
  local lines, deaths, wrong = 0, 0, 0
  local process
  process = started({ restart_delay = 0,
      log_writer = function(line)
        lines = lines + 1
        if line ~= "line " .. lines then wrong = wrong + 1 end
      end,
      on_unexpected_exit = function()
        deaths = deaths + 1
        if lines ~= 400 then wrong = wrong + 1 end
        lines = 0
        return deaths < 300
      end }, "lines", 400, "exit", 1)
  process:wait()
  lu.assertEquals({ deaths, wrong }, { 300, 0 })
end

-- FAULTS 10
function TestDelivery:test_without_a_handler_none_is_lost_either()
  local dir = spec.tmpdir()
  local lines = 0
  local process = started({ restart_delay = 0,
      log_writer = function() lines = lines + 1 end },
      "lines", 400, "append", dir .. "/ends", "%p")
  spec.eventually(function()
    return #spec.lines(spec.read(dir .. "/ends")) >= 100
  end)
  process:stop()
  local ends = #spec.lines(spec.read(dir .. "/ends"))
  lu.assertTrue(lines >= 400 * ends, lines .. " lines of " .. ends)
  lu.assertTrue(lines < 400 * (ends + 2))
end

-- FAULTS 2, 10
function TestDelivery:test_a_stop_waits_for_the_last_lines()
  for _ = 1, 20 do
    local lines = {}
    local process = started({ stop_timeout = 20,
        log_writer = function(line) lines[#lines + 1] = line end },
        "trapexit", "TERM", 0, 0, "bye", "print", "up", "forever")
    spec.eventually(function() return lines[1] == "up" end)
    process:stop()
    lu.assertEquals(lines, { "up", "bye" })
  end
end

-- FAULTS 10
function TestDelivery:test_a_stop_waits_for_a_slow_writer()
  local lines = {}
  local process = started({ log_writer = function(line)
    pexec.sleep(0.02)
    lines[#lines + 1] = line
  end }, "lines", 10, "forever")
  spec.eventually(function() return lines[1] end)
  process:stop()
  lu.assertEquals(#lines, 10)
end

-- FAULTS 10
function TestDelivery:test_wait_returns_after_the_last_line()
  local lines = 0
  local process = started({ log_writer = function()
    pexec.sleep(0.005)
    lines = lines + 1
  end, on_unexpected_exit = function() end }, "lines", 20)
  process:wait()
  lu.assertEquals(lines, 20)
end

function TestDelivery:test_a_writer_is_called_for_one_line_at_a_time()
  local inside, most, order = 0, 0, {}
  local process = new({ one_shot = true, log_writer = function(line)
    inside = inside + 1
    most = math.max(most, inside)
    pexec.sleep(#order % 3 / 1000)
    order[#order + 1] = line
    inside = inside - 1
  end }, "lines", 50)
  process:start()
  lu.assertEquals(most, 1)
  for i, line in ipairs(order) do lu.assertEquals(line, "line " .. i) end
  lu.assertEquals(#order, 50)
end

function TestDelivery:test_writers_of_two_processes_do_not_wait_for_each_other()
  local met = {}
  local function writer(mine, other)
    return function()
      met[mine] = true
      spec.eventually(function() return met[other] end)
    end
  end
  local a = new({ one_shot = true, log_writer = writer("a", "b") }, "print", 1)
  local b = new({ one_shot = true, log_writer = writer("b", "a") }, "print", 1)
  local task = pexec.task(a.start, a)
  lu.assertTrue(b:start())
  lu.assertTrue((task:wait()))
end

-- FAULTS 11
function TestDelivery:test_a_restart_does_not_wait_for_a_writer()
  local file = spec.tmpdir() .. "/pids"
  local is_let_go = false
  local process = started({ restart_delay = 0, log_writer = function()
    spec.eventually(function() return is_let_go end)
  end }, "print", "hello", "append", file, "%p", "sleep", 0.01)
  spec.eventually(function() return #spec.lines(spec.read(file)) >= 5 end)
  is_let_go = true
  process:stop()
end

-- Nobody reads: then it is written nowhere, and the child never waits.
function TestDelivery:test_without_a_writer_output_goes_to_dev_null()
  local file = spec.tmpdir() .. "/fds"
  assert(new({ one_shot = true, name = "/bin/sh",
               args = { "-c", "readlink /proc/$$/fd/1 /proc/$$/fd/2 >" ..
                              file .. ".x; readlink /proc/$$/fd/2 >" .. file }
             }):start())
  lu.assertEquals(spec.read(file), "/dev/null\n")
end

TestBadWriters = {}

function TestBadWriters:test_an_error_is_logged_once_in_a_burst()
  local log, count = spec.collecting_logger(), 0
  local process = new({ one_shot = true, logger = log,
      log_writer = function()
        count = count + 1
        error("no room " .. count)
      end }, "lines", 200)
  lu.assertTrue(process:start())
  pexec.dispatch(0)
  lu.assertEquals(count, 200)
  lu.assertEquals(#log.lines, 1)
  lu.assertStrMatches(log.lines[1],
                      "error: child: error in its writer: .*no room 1.*")
  lu.assertStrContains(log.lines[1], "traceback")
end

function TestBadWriters:test_any_error_value_will_do()
  local hopeless = setmetatable({}, { __tostring = function() error("no") end })
  for _, value in ipairs{ "text", 42, {}, hopeless, false } do
    local log, count = spec.collecting_logger(), 0
    assert(new({ one_shot = true, logger = log, log_writer = function()
      count = count + 1
      error(value ~= false and value or nil)
    end }, "lines", 3):start())
    pexec.dispatch(0)
    lu.assertEquals(count, 3)
    lu.assertEquals(#log.lines, 1)
  end
end

function TestBadWriters:test_one_may_yield()
  local lines = {}
  assert(new({ one_shot = true, log_writer = function(line)
    coroutine.yield("this is for nobody")
    lines[#lines + 1] = line
  end }, "lines", 3):start())
  lu.assertEquals(lines, { "line 1", "line 2", "line 3" })
end

function TestBadWriters:test_one_may_stop_its_own_process()
  local answer
  local process
  process = new({ log_writer = function()
    answer = answer or { process:stop() }
  end }, "lines", 100, "forever")
  process:start()
  spec.eventually(function() return answer end)
  lu.assertEquals(answer, { true, "process" })
  lu.assertEquals({ process:wait() }, { true })
end

function TestBadWriters:test_one_may_wait_for_its_own_process()
  local answer
  local process
  process = new({ log_writer = function()
    answer = "none yet"
    answer = { process:wait() }
  end }, "print", "hello", "forever")
  process:start()
  spec.eventually(function() return answer end)
  process:stop()
  lu.assertEquals(answer, { true })
end

-- Its handler is called after its writer, for which the end would wait.
function TestBadWriters:test_one_cannot_wait_for_a_handler_that_waits_for_it()
  local ok, message
  local process
  process = new({ on_unexpected_exit = function() end,
      log_writer = function()
        ok, message = pcall(process.wait, process)
      end }, "print", "hello")
  process:start()
  lu.assertTrue(process:wait())
  lu.assertFalse(ok)
  lu.assertStrContains(message, "a process's writer cannot wait for its "
                                .. "process")
end

function TestBadWriters:test_one_may_kill_its_own_process()
  local process
  process = new({ log_writer = function() process:kill_group() end },
                "print", "hello", "forever")
  process:start()
  lu.assertEquals({ process:wait() }, { true })
end

function TestBadWriters:test_one_may_run_another_process()
  local answers = {}
  assert(new({ one_shot = true, log_writer = function(line)
    local status = #line % 2
    answers[#answers + 1] =
        select(3, new({ one_shot = true }, "exit", status):start()) or "OK"
  end }, "print", "a", "print", "bb"):start())
  lu.assertEquals(answers, { "EXIT_STATUS", "OK" })
end

TestSlowConsumer = {}

-- Lua does nothing for so long; it does not dispatch.
local function be_busy(seconds)
  local limit = now() + seconds
  repeat until now() > limit
end

-- FAULTS 13
function TestSlowConsumer:test_the_child_waits_and_nothing_is_lost()
  local lines, wrong = 0, 0
  local process = started({ on_unexpected_exit = function() end,
      log_writer = function(line)
        lines = lines + 1
        if line ~= "line " .. lines then wrong = wrong + 1 end
      end }, "lines", 500000)
  be_busy(0.5)
  lu.assertEquals({ process:status() }, { true })
  process:wait()
  lu.assertEquals({ lines, wrong }, { 500000, 0 })
end

-- FAULTS 13
function TestSlowConsumer:test_memory_is_bounded()
  local function resident_kib()
    return tonumber(spec.read("/proc/self/status"):match("VmRSS:%s*(%d+)"))
  end
  local process = started({ log_writer = function() end }, "flood")
  pexec.sleep(0.2)
  local before = resident_kib()
  be_busy(1)
  local after = resident_kib()
  process:stop()
  lu.assertTrue(after - before < 4096, ("%d KiB more"):format(after - before))
end

-- FAULTS 13
function TestSlowConsumer:test_others_restart_meanwhile()
  local file = spec.tmpdir() .. "/pids"
  local flood = started({ log_writer = function() end }, "flood")
  local process = started({ restart_delay = 0 }, "append", file, "%p",
                          "sleep", 0.02)
  local before = #spec.lines(spec.read(file))
  be_busy(1)
  local restarts = #spec.lines(spec.read(file)) - before
  flood:stop()
  process:stop()
  lu.assertTrue(restarts >= 5, "restarts: " .. restarts)
end

-- FAULTS 13
function TestSlowConsumer:test_so_does_the_flooding_one()
  local file = spec.tmpdir() .. "/pids"
  local process = started({ restart_delay = 0, log_writer = function() end },
                          "append", file, "%p", "flood")
  spec.eventually(function() return #spec.lines(spec.read(file)) == 1 end)
  be_busy(0.2)
  spec.kill(process:unix_pid())
  be_busy(0.5)
  lu.assertEquals(#spec.lines(spec.read(file)), 2)
  process:stop()
end

-- FAULTS 13
function TestSlowConsumer:test_a_flood_can_be_stopped_from_its_own_writer()
  local process, answer
  process = new({ log_writer = function()
    answer = answer or { process:stop() }
  end }, "flood")
  process:start()
  spec.eventually(function() return answer end)
  lu.assertEquals(answer, { true, "process" })
  process:wait()
end
