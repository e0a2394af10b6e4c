-- Log files with real children: rotated by size and by the clock, compressed,
-- moved and deleted by others, opened anew. Each case of a single file, with a
-- disk that fails, is in core/logfile_test.c and its kin.

local hosts = require "hosts"
local logs = require "logs"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local started = managers.started

local ALL <const> = 9999  -- none is removed

-- Runs a one-shot that writes this many lines into the file.
local function run(file, count)
  assert(managers.process({ one_shot = true, stdout = file }, "lines",
                          count):start())
end

-- A child that writes "line 1" and so on for ever, a line every few
-- milliseconds.
local function ticking(file, fields)
  fields = fields or {}
  fields.stdout, fields.name = file, "/bin/sh"
  fields.args = { "-c",
    "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.005; done" }
  return started(fields)
end

-- It has the lines from 1 on, each once and in order; how many.
local function count_lines(text)
  local count = 0
  for _, line in ipairs(spec.lines(text)) do
    count = count + 1
    if line ~= "line " .. count then
      lu.fail(("line %d is %q"):format(count, line))
    end
  end
  return count
end

local function await_line(path)
  return spec.eventually(function()
    local text = spec.read(path)
    return text and text:find("\n") and text
  end)
end

-- {== by size ===============================================================

TestBySize = {}

local function assert_within(path, max_size)
  local files = logs.files(path)
  for i, file in ipairs(files) do
    local text = logs.text(file)
    lu.assertTrue(#text <= max_size, file.path .. " has " .. #text)
    lu.assertEquals(text:sub(-1), "\n")
    lu.assertEquals(file.number, #files - i)
  end
  return #files
end

function TestBySize:test_no_file_exceeds_it_and_each_ends_with_a_line()
  local path = spec.tmpdir() .. "/log"
  run({ file = path, max_size = 4096, keep = ALL }, 20000)
  local count = assert_within(path, 4096)
  lu.assertTrue(count > 50, count .. " files")
  logs.assert_same(logs.all(path), logs.lines_to(20000))
end

function TestBySize:test_the_newest_ones_are_kept()
  local path = spec.tmpdir() .. "/log"
  run({ file = path, max_size = 4096, keep = 3 }, 20000)
  lu.assertEquals(assert_within(path, 4096), 4)
  local expected = logs.lines_to(20000)
  local text = logs.all(path)
  logs.assert_same(text, expected:sub(-#text))
end

function TestBySize:test_without_options_it_is_10_mib_and_five()
  local path = spec.tmpdir() .. "/log"
  run({ file = path }, 6000000)
  local files = logs.files(path)
  lu.assertEquals(#files, 6)
  for i = 1, 5 do
    local size = #logs.text(files[i])
    lu.assertTrue(size <= 10 << 20 and size > (10 << 20) - 32, size)
  end
end

function TestBySize:test_keep_0_keeps_none()
  local path = spec.tmpdir() .. "/log"
  run({ file = path, max_size = 4096, keep = 0 }, 20000)
  lu.assertEquals(assert_within(path, 4096), 1)
  lu.assertStrContains(spec.read(path), "line 20000\n")
end

function TestBySize:test_0_turns_it_off()
  local path = spec.tmpdir() .. "/log"
  for _, format in ipairs{ "raw", "text" } do
    assert(managers.process({ one_shot = true, log_writer = function() end,
        stdout = { file = path .. format, max_size = 0, format = format } },
        "lines", 1000000):start())
    lu.assertEquals(#logs.files(path .. format), 1)
  end
  logs.assert_same(spec.read(path .. "raw"), logs.lines_to(1000000))
end

function TestBySize:test_it_is_of_what_is_written_in_formats_too()
  for format, read in pairs(logs.readers) do
    local path, count = spec.tmpdir() .. "/log", 0
    run({ file = path, max_size = 4096, keep = ALL, format = format }, 2000)
    assert_within(path, 4096)
    for _, line in ipairs(spec.lines(logs.all(path))) do
      count = count + 1
      lu.assertEquals(read(line).line, "line " .. count)
    end
    lu.assertEquals(count, 2000)
  end
end

function TestBySize:test_the_rotated_ones_have_the_mode_too()
  local path = spec.tmpdir() .. "/log"
  run({ file = path, max_size = 4096, keep = 2, mode = "0604" }, 2000)
  for _, file in ipairs(logs.files(path)) do
    lu.assertEquals(logs.mode(file.path), "0604")
  end
end

function TestBySize:test_a_host_that_comes_back_goes_on_in_the_same_files()
  local path = spec.tmpdir() .. "/log"
  for _ = 1, 3 do
    logs.run_host("</dev/null", ([[
      assert(managers.process({ one_shot = true, stdout = { file = %q,
        max_size = 4096, keep = 9999 } }, "lines", 700):start())]])
      :format(path))
  end
  assert_within(path, 4096)
  logs.assert_same(logs.all(path), logs.lines_to(700):rep(3))
end

function TestBySize:test_two_processes_may_share_one()
  local path, tasks, seen = spec.tmpdir() .. "/log", {}, {}
  for i = 1, 2 do
    local p = managers.process({ id = "p" .. i, one_shot = true, stdout = {
      file = path, max_size = 8192, keep = ALL } }, "lines", 5000)
    tasks[i] = pexec.task(p.start, p)
  end
  for i = 1, 2 do lu.assertTrue((tasks[i]:wait())) end
  assert_within(path, 8192)
  for _, line in ipairs(spec.lines(logs.all(path))) do
    seen[line] = (seen[line] or 0) + 1
  end
  for i = 1, 5000 do lu.assertEquals(seen["line " .. i], 2) end
end

function TestBySize:test_a_logger_s_file_is_rotated_too()
  local path, count = spec.tmpdir() .. "/log", 0
  local log = assert(pexec.new_logger{ file = path, max_size = 4096,
                                       keep = ALL, format = "json" })
  assert(managers.process({ one_shot = true, log = true, stdout_logger = log },
                          "lines", 2000):start())
  assert_within(path, 4096)
  for _, line in ipairs(spec.lines(logs.all(path))) do
    count = count + 1
    lu.assertEquals(logs.json(line).message, "line " .. count)
  end
  lu.assertEquals(count, 2000)
end

-- {== by the clock ==========================================================

TestByTheClock = {}

-- No file has lines of two seconds, but for what was read in one and written
-- in the next.
function TestByTheClock:test_each_second_has_its_file()
  local path = spec.tmpdir() .. "/log"
  local p = ticking{ file = path, rotate_every = 1, keep = ALL,
                     format = "json" }
  spec.eventually(function() return logs.exists(path .. ".3") end)
  p:stop()
  local times, count = {}, 0
  for _, line in ipairs(spec.lines(logs.all(path))) do
    local fields = logs.json(line)
    count = count + 1
    lu.assertEquals(fields.line, "line " .. count)
    times[count] = logs.seconds(fields.time)
  end
  local seconds = math.floor(times[count]) - math.floor(times[1]) + 1
  local files = #logs.files(path)
  lu.assertTrue(files <= seconds + 1, files .. " in " .. seconds)
  for _, file in ipairs(logs.files(path)) do
    local lines = spec.lines(logs.text(file))
    local first = logs.seconds(logs.json(lines[1]).time)
    local last = logs.seconds(logs.json(lines[#lines]).time)
    lu.assertTrue(last - first < 1 + 0.5 * spec.slowness, last - first)
  end
end

function TestByTheClock:test_a_file_of_an_earlier_period_is_rotated_first()
  local path = spec.tmpdir() .. "/log"
  spec.write(path, "long ago\n")
  assert(os.execute("touch -d 2001-02-03 " .. path))
  run({ file = path, rotate_every = 3600 }, 1)
  lu.assertEquals(spec.read(path .. ".1"), "long ago\n")
  lu.assertEquals(spec.read(path), "line 1\n")
end

-- {== compressed ============================================================

TestCompressed = {}

local function await_compressed(path)
  return spec.eventually(function()
    local files = logs.files(path)
    for _, file in ipairs(files) do
      if file.number > 0 and not file.is_compressed then
        return false, file.path
      end
    end
    return #files > 1 and files
  end)
end

function TestCompressed:test_they_hold_what_was_written()
  local path = spec.tmpdir() .. "/log"
  local p = started({ stdout = { file = path, max_size = 100000, keep = ALL,
                                 compress = true } }, "lines", 200000,
                    "forever")
  logs.await(path, "line 200000\n")
  local files = await_compressed(path)
  for _, file in ipairs(files) do
    lu.assertTrue(not file.is_compressed
                  or os.execute("gzip -t -- " .. file.path))
  end
  p:stop()
  logs.assert_same(logs.all(path), logs.lines_to(200000))
end

function TestCompressed:test_they_have_the_mode_and_are_as_few_as_the_others()
  local path = spec.tmpdir() .. "/log"
  local p = started({ stdout = { file = path, max_size = 100000, keep = 2,
                                 mode = "0604", compress = true } }, "lines",
                    200000, "forever")
  logs.await(path, "line 200000\n")
  local files = await_compressed(path)
  p:stop()
  lu.assertEquals(#files, 3)
  for _, file in ipairs(files) do
    lu.assertEquals(logs.mode(file.path), "0604")
  end
end

-- {== moved and deleted =====================================================

TestMoved = {}

function TestMoved:test_a_file_that_was_moved_is_made_anew_within_a_second()
  local path = spec.tmpdir() .. "/log"
  local p = ticking{ file = path }
  await_line(path)
  assert(os.rename(path, path .. ".old"))
  local began = spec.probe.now()
  await_line(path)
  lu.assertTrue(spec.probe.now() - began < 1.5 * spec.slowness)
  p:stop()
  count_lines(spec.read(path .. ".old") .. spec.read(path))
end

function TestMoved:test_one_that_was_deleted_is_made_anew()
  local path = spec.tmpdir() .. "/log"
  local p = ticking{ file = path, mode = "0600" }
  await_line(path)
  assert(os.remove(path))
  await_line(path)
  lu.assertEquals(logs.mode(path), "0600")
  p:stop()
end

function TestMoved:test_one_that_was_cut_is_appended_to()
  local path = spec.tmpdir() .. "/log"
  local p = ticking{ file = path }
  await_line(path)
  spec.write(path, "")
  lu.assertStrMatches(await_line(path), "line %d+\n.*")
  p:stop()
end

-- {== opened anew on demand =================================================

TestReopen = {}

-- A child that writes "before", then, when it may, "after", and its file.
local function in_two_parts(id, fields)
  local directory = spec.tmpdir()
  fields = fields or {}
  fields.id = id
  fields.stdout = { file = directory .. "/log" }
  local p = started(fields, "print", "before", "append",
    directory .. "/said", "x", "waitfile", directory .. "/go", "print",
    "after", "forever")
  spec.eventually(function() return spec.read(directory .. "/said") end)
  return p, directory .. "/log", function()
    spec.write(directory .. "/go", "")
  end
end

-- As logrotate does it. What the child has written by then, it has written
-- before; it may still be in the pipe.
function TestReopen:test_what_came_before_is_in_the_old_file()
  for _ = 1, 20 do
    local p, path, go_on = in_two_parts("a")
    assert(os.rename(path, path .. ".1"))
    lu.assertEquals({ p:reopen_logs() }, { true })
    lu.assertEquals(spec.read(path), "")
    go_on()
    logs.await(path, "after")
    p:stop()
    lu.assertEquals(spec.read(path .. ".1"), "before\n")
    lu.assertEquals(spec.read(path), "after\n")
  end
end

function TestReopen:test_a_manager_opens_those_of_all()
  local pm = managers.new()
  local paths, ways_on = {}, {}
  for i = 1, 3 do
    local p, path, go_on = in_two_parts("p" .. i)
    assert(pm:add_process(p, false))
    paths[i], ways_on[i] = path, go_on
    assert(os.rename(path, path .. ".1"))
  end
  lu.assertEquals({ pm:reopen_logs() }, { true })
  for i, path in ipairs(paths) do
    lu.assertEquals(spec.read(path), "")
    ways_on[i]()
    logs.await(path, "after")
    lu.assertEquals(spec.read(path .. ".1"), "before\n")
  end
  pm:stop()
end

function TestReopen:test_nothing_is_lost_in_a_flood()
  local path = spec.tmpdir() .. "/log"
  local p = ticking{ file = path }
  for i = 1, 20 do
    await_line(path)
    assert(os.rename(path, path .. "." .. i))
    lu.assertEquals({ p:reopen_logs() }, { true })
    lu.assertTrue(logs.exists(path))
  end
  p:stop()
  local parts = {}
  for i = 1, 20 do parts[i] = spec.read(path .. "." .. i) end
  lu.assertTrue(count_lines(table.concat(parts) .. spec.read(path)) > 20)
end

function TestReopen:test_where_nothing_was_moved_it_goes_on()
  local p, path, go_on = in_two_parts("a")
  lu.assertEquals({ p:reopen_logs() }, { true })
  go_on()
  logs.await(path, "after")
  p:stop()
  lu.assertEquals(spec.read(path), "before\nafter\n")
end

-- FAULTS 38
function TestReopen:test_without_its_directory_it_says_so_and_goes_on()
  local p, path, go_on = in_two_parts("a")
  local directory = path:match("^(.*)/")
  local elsewhere = spec.tmpdir() .. "/gone"
  logs.await(path, "before")
  assert(os.rename(directory, elsewhere))
  lu.assertEquals({ p:reopen_logs() },
    { nil, ('error reopening log file "%s": no such file or directory')
           :format(path), "ENOENT" })
  lu.assertEquals({ p:status() }, { true })
  assert(os.rename(elsewhere, directory))
  lu.assertEquals({ p:reopen_logs() }, { true })
  go_on()
  logs.await(path, "after")
  p:stop()
  lu.assertEquals(spec.read(path), "before\nafter\n")
end

function TestReopen:test_a_manager_tells_of_each_that_fails()
  local pm = managers.new()
  local a, path = in_two_parts("a")
  local b, other = in_two_parts("b")
  for _, p in ipairs{ a, b } do assert(pm:add_process(p, false)) end
  local directory = path:match("^(.*)/")
  assert(os.rename(directory, directory .. ".gone"))
  assert(os.rename(other, other .. ".1"))
  local ok, message, code = pm:reopen_logs()
  assert(os.rename(directory .. ".gone", directory))
  pm:stop()
  lu.assertNil(ok)
  lu.assertStrContains(message, path)
  lu.assertNotStrContains(message, other)
  lu.assertEquals(code, "ENOENT")
  lu.assertTrue(logs.exists(other))
end

function TestReopen:test_there_is_nothing_to_do_where_nothing_is_open()
  local path = spec.tmpdir() .. "/log"
  local p = managers.process({ stdout = { file = path } }, "forever")
  lu.assertEquals({ p:reopen_logs() }, { true })
  assert(p:start())
  p:stop()
  os.remove(path)
  lu.assertEquals({ p:reopen_logs() }, { true })
  lu.assertEquals({ started("b", "forever"):stop() }, { true, "process" })
  local q = started("c", "forever")
  lu.assertEquals({ q:reopen_logs() }, { true })
  q:stop()
  lu.assertEquals({ managers.new():reopen_logs() }, { true })
end

function TestReopen:test_a_task_may_do_it_while_the_log_is_written()
  local host = hosts.start(([[
    local p = managers.started({ stdout = { file = %q, max_size = 4096,
      keep = 3 } }, "flood")
    local tasks = {}
    for i = 1, 20 do
      tasks[i] = pexec.task(function() return p:reopen_logs() end)
    end
    for i = 1, 20 do assert(select(1, tasks[i]:wait())) end
    p:stop()
    print "done"]]):format(spec.tmpdir() .. "/log"))
  host:await("done")
  lu.assertEquals({ host:finish() }, { true })
end
