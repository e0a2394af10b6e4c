-- What is kept in memory of a process's output: its last lines, and how much
-- there was. The ring itself is in core/tail_test.c.

local logs = require "logs"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local started = managers.started

local function ignore() end

-- A one-shot whose output is read, when it has ended.
local function ended(fields, ...)
  fields.one_shot = true
  fields.log_writer = fields.log_writer or ignore
  local p = managers.process(fields, ...)
  assert(p:start())
  return p
end

-- A program that writes the bytes of a file, and ends.
local function cat(bytes, fields)
  local path = spec.tmpdir() .. "/bytes"
  spec.write(path, bytes)
  fields.name, fields.args = "/bin/cat", { path }
  return fields
end

local function texts(tail)
  local lines = {}
  for i, line in ipairs(tail) do lines[i] = line.line end
  return lines
end

local function of_stream(tail, stream)
  local lines = {}
  for _, line in ipairs(tail) do
    if line.stream == stream then lines[#lines + 1] = line.line end
  end
  return lines
end

TestTail = {}

function TestTail:test_a_line_has_its_stream_and_its_time()
  local before = os.time()
  local p = ended({}, "print", "out", "sleep", 0.1, "error", "err")
  local tail = p:tail()
  lu.assertEquals(#tail, 2)
  lu.assertEquals({ tail[1].line, tail[1].stream }, { "out", "stdout" })
  lu.assertEquals({ tail[2].line, tail[2].stream }, { "err", "stderr" })
  lu.assertTrue(tail[1].time >= before)
  lu.assertTrue(tail[2].time - tail[1].time >= 0.09)
  lu.assertTrue(tail[2].time < os.time() + 2)  -- that clock may lag a tick
  for _, line in ipairs(tail) do lu.assertNil(line.partial) end
end

function TestTail:test_it_is_there_whoever_reads()
  local path = spec.tmpdir() .. "/log"
  for _, fields in ipairs{
    { log_writer = ignore }, { stdout = { file = path } },
    { log = true, stdout_logger = spec.collecting_logger() },
    { log = true,
      stdout_logger = assert(pexec.new_logger{ file = path .. "2" }) } } do
    fields.one_shot = true
    local p = managers.process(fields, "lines", 2)
    assert(p:start())
    lu.assertEquals(texts(p:tail()), { "line 1", "line 2" })
  end
end

function TestTail:test_where_nothing_is_read_there_is_none()
  local p = managers.process({ one_shot = true }, "lines", 2)
  assert(p:start())
  lu.assertEquals(p:tail(), {})
end

function TestTail:test_it_has_both_streams_each_in_its_order()
  local tail = ended({ tail_size = 1 << 20 }, "both", 500):tail()
  local out, err = of_stream(tail, "stdout"), of_stream(tail, "stderr")
  lu.assertEquals({ #out, #err }, { 500, 500 })
  for i = 1, 500 do
    lu.assertEquals({ out[i], err[i] }, { "out " .. i, "err " .. i })
  end
  for i = 2, #tail do lu.assertTrue(tail[i].time >= tail[i - 1].time) end
end

function TestTail:test_n_are_the_last_n()
  local p = ended({}, "lines", 5)
  lu.assertEquals(texts(p:tail(2)), { "line 4", "line 5" })
  lu.assertEquals(#p:tail(5), 5)
  lu.assertEquals(#p:tail(100), 5)
  lu.assertEquals(#p:tail(math.maxinteger), 5)
  lu.assertEquals(p:tail(0), {})
  lu.assertEquals(p:tail(-1), {})
end

function TestTail:test_n_is_an_integer()
  local p = managers.process({}, "exit", 0)
  for _, value in ipairs{ "1", 1.5, true, {} } do
    lu.assertStrContains(managers.message_of(p.tail, p, value),
                         "bad argument #1 to 'tail' (integer expected, got")
  end
end

function TestTail:test_its_size_bounds_it()
  for _, size in ipairs{ 100, 1000, 16384, 100000 } do
    local tail, bytes = ended({ tail_size = size }, "lines", 20000):tail(), 0
    lu.assertTrue(#tail > 0)
    for i, line in ipairs(tail) do
      lu.assertEquals(line.line, "line " .. 20000 - #tail + i)
      bytes = bytes + #line.line
    end
    lu.assertTrue(bytes <= size, bytes)
  end
end

function TestTail:test_it_is_16_kib_without_a_size()
  local p = ended({}, "lines", 20000)
  local q = ended({ tail_size = 16384 }, "lines", 20000)
  lu.assertEquals(texts(p:tail()), texts(q:tail()))
  lu.assertTrue(#p:tail() > 200)
end

function TestTail:test_0_is_none()
  lu.assertEquals(ended({ tail_size = 0 }, "lines", 10):tail(), {})
end

function TestTail:test_a_long_line_is_cut_to_what_fits()
  local tail = ended({ tail_size = 1000 }, "print", "before", "bytes",
                     50000):tail()
  lu.assertEquals(#tail, 1)
  lu.assertNotNil(tail[1].line:find("^x+$"))
  lu.assertTrue(#tail[1].line <= 1000 and #tail[1].line > 900)
end

function TestTail:test_pieces_of_a_longer_one_are_marked()
  local tail = ended({ tail_size = 1 << 20 }, "bytes", 150000, "print", "",
                     "print", "after"):tail()
  local whole = {}
  lu.assertEquals(table.remove(tail).line, "after")
  for i, line in ipairs(tail) do
    lu.assertEquals(line.partial or false, i < #tail)
    whole[i] = line.line
  end
  lu.assertTrue(#tail >= 3)
  lu.assertEquals(#table.concat(whole), 150000)
end

function TestTail:test_it_is_raw()
  local bytes = "\27[2J \200\255\r tab\t nul\0 end"
  lu.assertEquals(texts(ended(cat(bytes .. "\n", {})):tail()), { bytes })
end

function TestTail:test_empty_lines_count_as_lines()
  lu.assertEquals(texts(ended(cat("a\n\n\nb", {})):tail()),
                  { "a", "", "", "b" })
end

function TestTail:test_before_the_start_it_is_empty()
  lu.assertEquals(managers.process({ log_writer = ignore }):tail(), {})
end

function TestTail:test_it_can_be_asked_for_while_it_runs()
  local p = started({ log_writer = ignore }, "lines", 3, "forever")
  spec.eventually(function() return #p:tail() == 3 end)
  p:stop()
  lu.assertEquals(texts(p:tail()), { "line 1", "line 2", "line 3" })
end

function TestTail:test_it_goes_on_over_restarts()
  local p = started({ log_writer = ignore, restart_delay = 0 }, "print", "x",
                    "sleep", 0.01)
  spec.eventually(function() return #p:tail() >= 5 end)
  p:stop()
end

function TestTail:test_it_does_not_wait_for_lua()
  local path = spec.tmpdir() .. "/there"
  local p = started({ log_writer = ignore }, "lines", 3, "append", path, "x",
                    "forever")
  while not spec.read(path) do spec.probe.sleep(0.005) end
  local limit = spec.probe.now() + 5 * spec.slowness
  while #p:tail() < 3 and spec.probe.now() < limit do
    spec.probe.sleep(0.005)
  end
  lu.assertEquals(#p:tail(), 3)
  p:stop()
end

TestTailAtExit = {}

function TestTailAtExit:test_a_handler_has_the_last_lines_of_the_dead_run()
  local tails, names = {}, {}
  local p = started({ restart_delay = 0, stdout = { file = spec.tmpdir()
                      .. "/log" }, stderr = "stdout",
    on_unexpected_exit = function(_, exit)
      tails[#tails + 1] = texts(exit.tail)
      names[#names + 1] = exit.tail[#exit.tail].stream
      return #tails < 20
    end }, "lines", 3, "error", "fatal: no such thing", "exit", 1)
  p:wait()
  for i = 1, 20 do
    lu.assertEquals(tails[i], { "line 1", "line 2", "line 3",
                                "fatal: no such thing" })
  end
  lu.assertEquals(#names, 20)
  lu.assertTrue(#p:tail() > 4)
end

function TestTailAtExit:test_a_run_without_a_line_has_none_of_the_one_before()
  local tails = {}
  local p = started({ restart_delay = 0, log_writer = ignore,
    on_unexpected_exit = function(_, exit)
      tails[#tails + 1] = texts(exit.tail)
      return #tails < 3
    end }, "once", spec.tmpdir() .. "/first", "print", "only once", "end")
  p:wait()
  lu.assertEquals(tails, { { "only once" }, {}, {} })
end

function TestTailAtExit:test_without_output_that_is_read_it_is_empty()
  local tail
  local p = started({ on_unexpected_exit = function(_, exit)
    tail = exit.tail
  end }, "lines", 3)
  p:wait()
  lu.assertEquals(tail, {})
end

function TestTailAtExit:test_a_last_line_without_newline_is_in_it()
  local tail
  local p = started({ log_writer = ignore, on_unexpected_exit = function(_, e)
    tail = texts(e.tail)
  end }, "print", "one", "raw", "two")
  p:wait()
  lu.assertEquals(tail, { "one", "two" })
end

TestCounts = {}

local function counts(bytes, lines, drops)
  return { bytes = bytes, lines = lines, drops = drops or 0 }
end

function TestCounts:test_each_stream_has_its_own()
  local p = ended({}, "lines", 9, "error", "four")
  lu.assertEquals(p:info().output, { stdout = counts(9 * 7, 9),
                                     stderr = counts(5, 1) })
end

function TestCounts:test_a_last_line_without_newline_is_one()
  local p = ended({}, "print", "one", "raw", "two")
  lu.assertEquals(p:info().output.stdout, counts(7, 2))
end

function TestCounts:test_a_line_in_pieces_is_one()
  for _, ending in ipairs{ "", "\n" } do
    for _, size in ipairs{ 65535, 65536, 65537, 131072, 5000000 } do
      local text = ("x"):rep(size) .. ending
      local p = ended(cat(text, {}))
      lu.assertEquals(p:info().output.stdout, counts(#text, 1))
    end
  end
end

function TestCounts:test_they_are_exact_whatever_the_bytes()
  local p = ended({}, "allbytes", 1000, "print", "")
  lu.assertEquals(p:info().output.stdout, counts(256001, 1001))
end

function TestCounts:test_they_add_up_over_restarts()
  local path, deaths = spec.tmpdir() .. "/log", 0
  local p = started({ restart_delay = 0, stdout = { file = path },
    on_unexpected_exit = function()
      deaths = deaths + 1
      return deaths < 10
    end }, "lines", 9, "raw", "x")
  p:wait()
  lu.assertEquals(p:info().output.stdout, counts(10 * 64, 100))
  lu.assertEquals(p:info().restarts, 9)
  lu.assertEquals(#spec.read(path), 640)
end

function TestCounts:test_several_destinations_do_not_count_twice()
  local path = spec.tmpdir() .. "/log"
  local p = ended({ stdout = { { file = path }, { file = path .. "2" } } },
                  "lines", 9)
  lu.assertEquals(p:info().output.stdout, counts(63, 9))
  logs.assert_same(spec.read(path), spec.read(path .. "2"))
end

function TestCounts:test_before_the_start_they_are_0()
  local p = managers.process{ log_writer = ignore }
  lu.assertEquals(p:info().output, { stdout = counts(0, 0),
                                     stderr = counts(0, 0) })
end
