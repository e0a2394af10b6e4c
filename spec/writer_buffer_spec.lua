-- What waits for a Lua writer, in memory: writer_buffer bounds it, and
-- writer_on_full says what happens then. That nothing is lost at an end is in
-- output_spec and output_order_spec.

local logs = require "logs"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local now = spec.probe.now
local started = managers.started
local is_plain = spec.mode == "plain"

-- Lua does not dispatch until f answers.
local function without_dispatch(f)
  local limit = now() + 20 * spec.slowness
  local answer = f()
  while not answer do
    assert(now() < limit, "it did not come to pass")
    spec.probe.sleep(0.005)
    answer = f()
  end
  return answer
end

local function exists(path)
  return function() return spec.read(path) end
end

-- The number that a tally has stopped at: it is the same for a second.
local function await_standstill(path)
  local last, since = nil, now()
  return without_dispatch(function()
    local tally = tonumber(spec.read(path) or "")
    if tally ~= last then last, since = tally, now() end
    return last and now() - since > 1 and last
  end)
end

TestBlocking = {}

-- FAULTS 13
function TestBlocking:test_the_child_waits_when_the_buffer_is_full()
  for _, size in ipairs{ 1, 1000, 65536, 262144 } do
    local directory, lines, wrong = spec.tmpdir(), 0, 0
    local p = started({ writer_buffer = size, log_writer = function(line)
      lines = lines + 1
      if line ~= "line " .. lines then wrong = wrong + 1 end
    end }, "tally", directory .. "/tally")
    local written = await_standstill(directory .. "/tally")
    -- a line has 7 bytes at least; besides the buffer there are a pipe, of
    -- 1 MiB at most, and what one reading of it brings
    lu.assertTrue((written - lines) * 7 < size + (1 << 20) + 65536, written)
    lu.assertEquals({ p:status() }, { true })
    spec.eventually(function() return lines > written end)
    p:stop()
    lu.assertEquals(wrong, 0)
    lu.assertEquals(p:info().output.stdout.drops, 0)
    lu.assertEquals(p:info().output.stdout.lines, lines)
  end
end

-- FAULTS 13
function TestBlocking:test_a_larger_buffer_takes_more()
  local function taken(size)
    local path = spec.tmpdir() .. "/tally"
    local p = started({ writer_buffer = size, log_writer = function() end },
                      "tally", path)
    local count = await_standstill(path)
    p:kill_group()
    p:wait()
    return count
  end
  lu.assertTrue(taken(8 << 20) > taken(1) + 300000)
end

-- FAULTS 13
function TestBlocking:test_memory_is_bounded_for_as_long_as_nobody_dispatches()
  if not is_plain then lu.skip("a sanitizer keeps memory back") end
  local path, flood = spec.tmpdir() .. "/tally", {}
  local before = logs.resident_kib()
  for i = 1, 10 do
    flood[i] = started({ id = "p" .. i, log_writer = function() end },
                       "tally", path .. i)
  end
  for i = 1, 10 do await_standstill(path .. i) end
  local after = logs.resident_kib()
  for i = 1, 10 do flood[i]:kill_group() end
  for i = 1, 10 do flood[i]:wait() end
  -- 256 KiB each, what goes with small reads of it, and what is new anyway
  lu.assertTrue(after - before < 10 * 1024 + 8192,
                ("%d KiB more"):format(after - before))
end

-- FAULTS 13: events themselves are bounded, too
function TestBlocking:test_it_is_bounded_for_lines_that_come_one_by_one()
  if not is_plain then lu.skip("a sanitizer keeps memory back") end
  local before = logs.resident_kib()
  local p = started({ name = "/bin/sh", writer_buffer = 64 << 20,
    args = { "-c", "trap '' PIPE; while :; do echo; done" },
    log_writer = function() end })
  local last, since = nil, now()
  without_dispatch(function()
    local lines = p:info().output.stdout.lines
    if lines ~= last then last, since = lines, now() end
    return now() - since > 1 or last > 300000
  end)
  local after = logs.resident_kib()
  p:kill_group()
  p:wait()
  lu.assertTrue(after - before < 16384,
                ("%d KiB more, %d lines"):format(after - before, last))
end

-- FAULTS 13
function TestBlocking:test_others_restart_on_time_meanwhile()
  local directory = spec.tmpdir()
  local flood = started({ log_writer = function() end }, "tally",
                        directory .. "/tally")
  await_standstill(directory .. "/tally")
  local other = started({ id = "other", restart_delay = 0 }, "append",
                        directory .. "/starts", "%t", "forever")
  local slowest = 0
  for i = 1, 10 do
    without_dispatch(function()
      return #spec.lines(spec.read(directory .. "/starts")) == i
             and other:unix_pid()
    end)
    local killed_at = now()
    spec.kill(other:unix_pid())
    without_dispatch(function()
      return #spec.lines(spec.read(directory .. "/starts")) > i
    end)
    local started_at = spec.lines(spec.read(directory .. "/starts"))[i + 1]
    slowest = math.max(slowest, started_at / 1e9 - killed_at)
  end
  lu.assertTrue(slowest < 0.5 * spec.slowness, slowest)
  flood:kill_group()
  other:kill_group()
  flood:wait()
  other:wait()
end

function TestBlocking:test_a_file_beside_the_writer_waits_with_it()
  local path, count = spec.tmpdir() .. "/log", 0
  local p = managers.process({ one_shot = true, writer_buffer = 1,
    stdout = { file = path }, log_writer = function() count = count + 1 end },
    "lines", 200000)
  assert(p:start())
  lu.assertEquals(count, 200000)
  logs.assert_same(spec.read(path), logs.lines_to(200000))
end

TestLongLine = {}

-- FAULTS 10: in a file, in a format, in the tail and in Lua at once
function TestLongLine:test_one_of_1_gib_takes_no_more_memory()
  if not is_plain then lu.skip("a sanitizer keeps memory back") end
  local path, seen, most = spec.tmpdir() .. "/log", 0, 0
  local before = logs.resident_kib()
  local p = managers.process({ one_shot = true, stdout = {
      { file = path, keep = 0 }, { file = path .. ".json", format = "json",
                                   keep = 0 } },
    log_writer = function(piece)
      seen = seen + #piece
      if seen % (1 << 26) > 0 then return end
      most = math.max(most, logs.resident_kib())
    end }, "bytes", 1 << 30)
  assert(p:start())
  lu.assertEquals(seen, 1 << 30)
  lu.assertEquals(p:info().output.stdout,
                  { bytes = 1 << 30, lines = 1, drops = 0 })
  lu.assertTrue(most - before < 16384, ("%d KiB more"):format(most - before))
end

TestDropping = {}

-- FAULTS 13
function TestDropping:test_the_child_goes_on_to_its_end_and_drops_are_counted()
  for _, size in ipairs{ 1, 10000, 262144 } do
    local directory, lines = spec.tmpdir(), 0
    local p = started({ writer_buffer = size, writer_on_full = "drop",
      on_unexpected_exit = function() end,
      log_writer = function() lines = lines + 1 end },
      "lines", 1000000, "append", directory .. "/done", "x")
    without_dispatch(exists(directory .. "/done"))
    p:wait()
    local found = p:info().output.stdout
    lu.assertEquals(found.lines, 1000000)
    lu.assertTrue(found.drops > 0)
    lu.assertEquals(lines + found.drops, 1000000)
  end
end

-- FAULTS 13
function TestDropping:test_what_is_delivered_is_whole_and_in_order()
  local directory, last, wrong = spec.tmpdir(), 0, nil
  local p = started({ writer_buffer = 5000, writer_on_full = "drop",
    on_unexpected_exit = function() end, log_writer = function(line)
      local number = tonumber(line:match("^line (%d+)$"))
      if not number or number <= last then wrong = wrong or line end
      last = number or last
    end }, "lines", 500000, "append", directory .. "/done", "x")
  without_dispatch(exists(directory .. "/done"))
  p:wait()
  lu.assertNil(wrong)
  lu.assertTrue(last > 0)
end

-- FAULTS 13
function TestDropping:test_memory_is_bounded()
  if not is_plain then lu.skip("a sanitizer keeps memory back") end
  local before = logs.resident_kib()
  local p = started({ writer_on_full = "drop", log_writer = function() end },
                    "flood")
  without_dispatch(function()
    return p:info().output.stdout.bytes > 200 << 20
  end)
  local after = logs.resident_kib()
  p:kill_group()
  p:wait()
  lu.assertTrue(after - before < 8192, ("%d KiB more"):format(after - before))
end

function TestDropping:test_a_file_beside_the_writer_loses_nothing()
  local directory, lines = spec.tmpdir(), 0
  local path = directory .. "/log"
  local p = started({ writer_buffer = 1, writer_on_full = "drop",
    stdout = { file = path }, on_unexpected_exit = function() end,
    log_writer = function() lines = lines + 1 end },
    "lines", 500000, "append", directory .. "/done", "x")
  without_dispatch(exists(directory .. "/done"))
  p:wait()
  lu.assertTrue(lines < 500000)
  logs.assert_same(spec.read(path), logs.lines_to(500000))
end

function TestDropping:test_the_log_is_told_how_many()
  local directory, log = spec.tmpdir(), spec.collecting_logger()
  local p = assert(pexec.new_managed_process(spec.child({ writer_buffer = 1,
    writer_on_full = "drop", on_unexpected_exit = function() end,
    log_writer = function() end }, "lines", 500000, "append",
    directory .. "/done", "x"), log))
  assert(p:start())
  without_dispatch(exists(directory .. "/done"))
  p:wait()
  pexec.dispatch(0)
  local drops = p:info().output.stdout.drops
  lu.assertNotNil(log:find("its writer does not keep up"))
  lu.assertNotNil(log:find(drops .. " lines of output were dropped"))
  lu.assertEquals(#log.lines, 3)
end

function TestDropping:test_nothing_is_dropped_where_lua_keeps_up()
  local lines = 0
  local p = managers.process({ one_shot = true, writer_on_full = "drop",
    log_writer = function() lines = lines + 1 end }, "lines", 100)
  assert(p:start())
  lu.assertEquals(lines, 100)
  lu.assertEquals(p:info().output.stdout.drops, 0)
end
