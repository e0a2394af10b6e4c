-- Where output goes: nowhere, to the host's own, to files, to several at
-- once. What files look like in formats is in output_formats_spec, how they
-- are rotated in log_rotation_spec.

local logs = require "logs"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local probe = spec.probe
local started = managers.started

-- Runs a one-shot of these fields.
local function run(fields, ...)
  fields.one_shot = true
  assert(managers.process(fields, ...):start())
end

-- A program that writes the bytes of a file, and ends.
local function cat(bytes, fields)
  local path = spec.tmpdir() .. "/bytes"
  spec.write(path, bytes)
  fields.name, fields.args = "/bin/cat", { path }
  return fields
end

local function every_byte(length)
  local block = {}
  for i = 0, 255 do block[i + 1] = string.char(i) end
  return table.concat(block):rep(length // 256)
end

-- A process's descriptor, as soon as it is there.
local function descriptor(pid, number)
  return assert(probe.readlink(("/proc/%d/fd/%d"):format(pid, number)))
end

-- {== nowhere ===============================================================

TestNull = {}

function TestNull:test_it_is_the_default()
  for _, fields in ipairs{ {}, { stdout = "null", stderr = "null" } } do
    local p = started(fields, "forever")
    for number = 1, 2 do
      lu.assertEquals(descriptor(p:unix_pid(), number), "/dev/null")
    end
    p:stop()
  end
end

function TestNull:test_one_stream_may_be_read_and_the_other_not()
  local path = spec.tmpdir() .. "/log"
  local p = started({ stdout = { file = path } }, "print", "a", "error", "b",
                    "forever")
  lu.assertStrContains(descriptor(p:unix_pid(), 1), "pipe:")
  lu.assertEquals(descriptor(p:unix_pid(), 2), "/dev/null")
  lu.assertEquals(logs.await(path, "a"), "a\n")
  p:stop()
end

-- {== the host's own ========================================================

TestInheritOutput = {}

function TestInheritOutput:test_each_stream_goes_to_that_of_the_host()
  local directory = spec.tmpdir()
  logs.run_host(("</dev/null >%s/1 2>%s/2"):format(directory, directory), [[
    assert(managers.process({ stdout = "inherit", stderr = "inherit",
      one_shot = true }, "print", "to stdout", "error", "to stderr"):start())
  ]])
  lu.assertEquals(spec.read(directory .. "/1"), "to stdout\n")
  lu.assertEquals(spec.read(directory .. "/2"), "to stderr\n")
end

function TestInheritOutput:test_alone_it_is_the_hosts_description_itself()
  local directory = spec.tmpdir()
  logs.run_host(("</dev/null >%s/1 2>%s/2"):format(directory, directory), [[
    local p = managers.started({ stdout = "inherit" }, "forever")
    io.stderr:write(spec.probe.readlink("/proc/" .. p:unix_pid() .. "/fd/1"))
    p:stop()
  ]])
  lu.assertEquals(spec.read(directory .. "/2"), directory .. "/1")
end

function TestInheritOutput:test_a_host_without_one_is_told_so()
  for number, name in ipairs{ "output", "error" } do
    local directory = spec.tmpdir()
    logs.run_host(("</dev/null %d>&-"):format(number), ([[
      local p = managers.process({ [%q] = "inherit" }, "forever")
      local ok, message, code = p:start()
      local file = io.open(%q, "w")
      file:write(tostring(ok), " ", message, " ", code)
      file:close()]]):format(number == 1 and "stdout" or "stderr",
                             directory .. "/told"))
    lu.assertEquals(spec.read(directory .. "/told"),
      ('nil error starting process "%s": the host has no standard %s to '
       .. 'inherit EBADF'):format(spec.child_path, name))
  end
end

function TestInheritOutput:test_beside_a_file_both_have_all()
  local directory = spec.tmpdir()
  logs.run_host(("</dev/null >%s/1 2>&1"):format(directory), ([[
    assert(managers.process({ stdout = { "inherit", { file = %q } },
      one_shot = true }, "lines", 20000):start())]])
    :format(directory .. "/log"))
  local expected = logs.lines_to(20000)
  logs.assert_same(spec.read(directory .. "/1"), expected)
  logs.assert_same(spec.read(directory .. "/log"), expected)
end

-- {== merged ================================================================

TestMerged = {}

local function in_turn(count)
  local lines = {}
  for i = 1, count do
    lines[#lines + 1] = "out " .. i
    lines[#lines + 1] = "err " .. i
  end
  return lines
end

function TestMerged:test_lines_keep_the_order_in_which_they_were_written()
  local path = spec.tmpdir() .. "/log"
  run({ stdout = { file = path }, stderr = "stdout" }, "both", 1000)
  lu.assertEquals(spec.lines(spec.read(path)), in_turn(1000))
end

function TestMerged:test_to_writers_and_loggers_they_are_stdout()
  local lines, streams, log = {}, {}, spec.collecting_logger()
  run({ stderr = "stdout", log = true, stdout_logger = log,
        stderr_logger = { debug = error, info = error, warn = error,
                          error = error },
        log_writer = function(line, stream)
          lines[#lines + 1] = line
          streams[stream] = (streams[stream] or 0) + 1
        end }, "both", 1000)
  lu.assertEquals(lines, in_turn(1000))
  lu.assertEquals(streams, { stdout = 2000 })
  lu.assertEquals(#log.lines, 2000)
  lu.assertEquals(log.lines[2000], "info: err 1000")
end

function TestMerged:test_they_count_as_stdout_and_are_so_in_the_tail()
  local p = managers.process({ stderr = "stdout", one_shot = true,
                               log_writer = function() end }, "both", 1000)
  assert(p:start())
  local counts, tail = p:info().output, p:tail(2)
  lu.assertEquals(counts.stdout.lines, 2000)
  lu.assertEquals(counts.stderr, { bytes = 0, lines = 0, drops = 0 })
  lu.assertEquals({ tail[1].line, tail[2].line }, { "out 1000", "err 1000" })
  lu.assertEquals({ tail[1].stream, tail[2].stream }, { "stdout", "stdout" })
end

function TestMerged:test_both_go_where_stdout_goes_of_itself()
  local p = started({ stderr = "stdout" }, "forever")
  lu.assertEquals(descriptor(p:unix_pid(), 2), "/dev/null")
  p:stop()
  local directory = spec.tmpdir()
  logs.run_host(("</dev/null >%s/1 2>%s/2"):format(directory, directory), [[
    assert(managers.process({ stdout = "inherit", stderr = "stdout",
      one_shot = true }, "both", 100):start())
  ]])
  lu.assertEquals(spec.lines(spec.read(directory .. "/1")), in_turn(100))
  lu.assertEquals(spec.read(directory .. "/2"), "")
end

-- {== a raw file ============================================================

TestRaw = {}

-- FAULTS 10, 39: raw is exact
function TestRaw:test_every_byte_value_passes()
  local path, bytes = spec.tmpdir() .. "/log", every_byte(256000)
  run(cat(bytes, { stdout = { file = path } }))
  logs.assert_same(spec.read(path), bytes)
end

-- FAULTS 10
function TestRaw:test_a_last_line_without_newline_is_as_it_is()
  local path = spec.tmpdir() .. "/log"
  run({ stdout = { file = path } }, "print", "one", "raw", "two")
  lu.assertEquals(spec.read(path), "one\ntwo")
end

-- FAULTS 10
function TestRaw:test_a_line_of_5_mb_is_whole()
  local path = spec.tmpdir() .. "/log"
  local bytes = ("0123456789"):rep(500000)
  run(cat(bytes, { stdout = { file = path } }))
  logs.assert_same(spec.read(path), bytes)
end

function TestRaw:test_nothing_of_pexecs_own_is_in_it()
  local path = spec.tmpdir() .. "/log"
  local p = started({ stdout = { file = path }, restart_delay = 0 }, "print",
                    "x", "sleep", 0.01)
  spec.eventually(function() return #(spec.read(path) or "") >= 10 end)
  p:stop()
  lu.assertNotNil(spec.read(path):find("^[x\n]+$"))
end

function TestRaw:test_it_is_appended_to()
  local path = spec.tmpdir() .. "/log"
  spec.write(path, "there before\n")
  for _, max_size in ipairs{ 0, 10000 } do
    run({ stdout = { file = path, max_size = max_size } }, "print", max_size)
  end
  lu.assertEquals(spec.read(path), "there before\n0\n10000\n")
end

function TestRaw:test_two_streams_may_share_one()
  local path = spec.tmpdir() .. "/log"
  run({ stdout = { file = path }, stderr = { file = path } }, "both", 500)
  local seen = { out = 0, err = 0 }
  for _, line in ipairs(spec.lines(spec.read(path))) do
    local stream, number = line:match("^(%l+) (%d+)$")
    lu.assertEquals(tonumber(number), seen[stream] + 1)
    seen[stream] = seen[stream] + 1
  end
  lu.assertEquals(seen, { out = 500, err = 500 })
end

function TestRaw:test_two_processes_may_share_one()
  local path = spec.tmpdir() .. "/log"
  local tasks, count = {}, 5000
  for i = 1, 2 do
    local p = managers.process({ id = "p" .. i, one_shot = true,
                                 stdout = { file = path } }, "lines", count)
    tasks[i] = pexec.task(p.start, p)
  end
  for i = 1, 2 do lu.assertTrue((tasks[i]:wait())) end
  local seen = {}
  for _, line in ipairs(spec.lines(spec.read(path))) do
    seen[line] = (seen[line] or 0) + 1
  end
  for i = 1, count do lu.assertEquals(seen["line " .. i], 2) end
end

function TestRaw:test_with_other_options_the_second_is_refused_by_name()
  local path = spec.tmpdir() .. "/log"
  local a = started({ stdout = { file = path } }, "forever")
  for _, other in ipairs{ { keep = 1 }, { mode = "0600" }, { format = "json" },
                          { max_size = 1000 }, { rotate_every = 60 },
                          { compress = true }, { on_full = "block" } } do
    other.file = path
    local b = managers.process{ id = "b", stdout = other }
    local ok, message, code = b:start()
    lu.assertNil(ok)
    lu.assertStrContains(message, ('opening its log file "%s": another '
      .. "process writes to it with other options"):format(path))
    lu.assertEquals(code, "INVALID_CONFIG")
  end
  a:stop()
end

-- {== opening ===============================================================

TestOpening = {}

local function mode_under(mask, mode, max_size)
  local path = spec.tmpdir() .. "/log"
  local before = probe.umask(mask)
  local ok, problem = pcall(run, { stdout = { file = path, mode = mode,
                                              max_size = max_size } })
  probe.umask(before)
  if not ok then error(problem, 0) end
  return logs.mode(path)
end

function TestOpening:test_the_mode_is_given_whatever_the_umask()
  for _, max_size in ipairs{ 0, 1000 } do
    for _, mask in ipairs{ 0, 63, 511 } do
      lu.assertEquals(mode_under(mask, nil, max_size), "0640")
      lu.assertEquals(mode_under(mask, "0666", max_size), "0666")
      lu.assertEquals(mode_under(mask, "0600", max_size), "0600")
    end
  end
end

function TestOpening:test_of_a_file_that_is_there_the_mode_stays()
  local path = spec.tmpdir() .. "/log"
  spec.write(path, "")
  assert(os.execute("chmod 604 " .. path))
  run({ stdout = { file = path, mode = "0600" } })
  lu.assertEquals(logs.mode(path), "0604")
end

function TestOpening:test_a_relative_path_is_where_the_host_first_was()
  local directory = spec.tmpdir()
  assert(os.execute(("mkdir %s/there"):format(directory)))
  for i, max_size in ipairs{ 0, 1000 } do
    logs.run_host("</dev/null", ([[
      spec.probe.chdir %q
      local p = managers.started({ restart_delay = 0, cwd = "there",
        stdout = { file = "log%d", max_size = %d } }, "print", "x", "waitfile",
        "../go")
      spec.probe.chdir "/"
      spec.eventually(function() return spec.read "%s/log%d" == "x\n" end)
      os.rename("%s/log%d", "%s/old%d")
      spec.write("%s/go", "")
      spec.eventually(function() return spec.read "%s/log%d" end)
      p:stop()]]):gsub("%%(%a)", { q = ("%q"):format(directory),
                                   d = i, s = directory })
                 :gsub("max_size = %d+", "max_size = " .. max_size))
    os.remove(directory .. "/go")
    lu.assertNotNil(spec.read(directory .. "/log" .. i))
    lu.assertNil(spec.read(directory .. "/there/log" .. i))
  end
end

local function assert_refused(path, reason, code)
  for _, file in ipairs{ { file = path, max_size = 0 }, { file = path } } do
    local p = managers.process{ stdout = file }
    lu.assertEquals({ p:start() },
      { nil, ('error starting process "%s": opening its log file "%s": %s')
             :format(spec.child_path, path, reason), code })
    lu.assertEquals({ p:wait() }, { true })
  end
end

function TestOpening:test_a_directory_that_is_missing_is_an_error_at_start()
  assert_refused(spec.tmpdir() .. "/missing/log", "no such file or directory",
                 "ENOENT")
end

function TestOpening:test_a_symbolic_link_is_not_followed()
  local directory = spec.tmpdir()
  assert(os.execute(("ln -s %s/target %s/log"):format(directory, directory)))
  assert_refused(directory .. "/log",
                 "it is a symbolic link, which is not followed", "ELOOP")
  lu.assertNil(spec.read(directory .. "/target"))
end

function TestOpening:test_it_is_no_directory_and_no_device()
  assert_refused(spec.tmpdir(), "is a directory", "EISDIR")
  assert_refused("/dev/null", "it is neither a regular file nor a FIFO",
                 "EINVAL")
end

-- FAULTS 38
function TestOpening:test_a_fifo_that_nobody_reads_holds_up_nobody()
  local path = spec.tmpdir() .. "/fifo"
  assert(os.execute("mkfifo " .. path))
  for _, max_size in ipairs{ 0, 1000 } do
    local p = started({ stdout = { file = path, max_size = max_size } },
                      "print", "lost", "forever")
    lu.assertEquals({ p:stop() }, { true, "process" })
  end
end

-- FAULTS 38
function TestOpening:test_one_that_blocks_waits_for_its_reader()
  local directory = spec.tmpdir()
  local fifo, got = directory .. "/fifo", directory .. "/got"
  assert(os.execute("mkfifo " .. fifo))
  for _, max_size in ipairs{ 0, 1000 } do
    local p = managers.process({ one_shot = true, stop_timeout = 20,
      stdout = { file = fifo, max_size = max_size, on_full = "block" } },
      "lines", 1000)
    local task = pexec.task(p.start, p)
    run({ name = "/bin/cat", args = { fifo }, stdout = { file = got } })
    lu.assertTrue((task:wait()))
    logs.assert_same(spec.read(got), logs.lines_to(1000))
    os.remove(got)
  end
end

function TestOpening:test_what_has_ended_is_in_nobody_s_way()
  local path = spec.tmpdir() .. "/log"
  local a = started({ id = "a", stdout = { file = path } }, "print", "a",
                    "forever")
  local b = managers.process({ id = "b", one_shot = true, stdout = {
    file = path, max_size = 5000 } }, "print", "b")
  lu.assertNil((b:start()))
  logs.await(path, "a\n")
  a:stop()
  for _ = 1, 2 do lu.assertTrue((b:start())) end
  lu.assertEquals(spec.read(path), "a\nb\nb\n")
  lu.assertEquals(a:id(), "a")  -- it is there still
end

-- {== several ===============================================================

TestSeveral = {}

function TestSeveral:test_each_gets_everything()
  local directory, written = spec.tmpdir(), {}
  local log = assert(pexec.new_logger{ file = directory .. "/logger" })
  run({ log = true, stdout_logger = log,
        log_writer = function(line) written[#written + 1] = line .. "\n" end,
        stdout = { { file = directory .. "/raw" },
                   { file = directory .. "/other", max_size = 0 },
                   { file = directory .. "/json", format = "json" } } },
      "lines", 5000)
  local expected = logs.lines_to(5000)
  logs.assert_same(table.concat(written), expected)
  logs.assert_same(spec.read(directory .. "/raw"), expected)
  logs.assert_same(spec.read(directory .. "/other"), expected)
  for _, name in ipairs{ "json", "logger" } do
    local number = 0
    for line in io.lines(directory .. "/" .. name) do
      number = number + 1
      lu.assertStrMatches(line, '.*[^%d]line ' .. number .. '"?}?')
    end
    lu.assertEquals(number, 5000)
  end
end

function TestSeveral:test_the_host_s_own_is_one_of_them()
  local directory = spec.tmpdir()
  logs.run_host(("</dev/null >%s/1 2>%s/2"):format(directory, directory), ([[
    local count = 0
    assert(managers.process({ one_shot = true, stderr = "stdout",
      stdout = { "inherit", { file = %q }, { file = %q } },
      log_writer = function() count = count + 1 end }, "both", 1000):start())
    io.stderr:write(count)]]):format(directory .. "/a", directory .. "/b"))
  local expected = table.concat(in_turn(1000), "\n") .. "\n"
  for _, name in ipairs{ "1", "a", "b" } do
    logs.assert_same(spec.read(directory .. "/" .. name), expected)
  end
  lu.assertEquals(spec.read(directory .. "/2"), "2000")
end

-- {== a file for the child itself ===========================================

TestDirect = {}

local function direct(path) return { file = path, max_size = 0 } end

local function count_of_host(path)
  local count = 0
  for _, fd in ipairs(assert(probe.list("/proc/self/fd"))) do
    if probe.readlink("/proc/self/fd/" .. fd) == path then count = count + 1 end
  end
  return count
end

function TestDirect:test_the_child_has_the_file_and_the_host_has_not()
  local path = spec.tmpdir() .. "/log"
  local p = started({ stdout = direct(path) }, "print", "x", "forever")
  lu.assertEquals(descriptor(p:unix_pid(), 1), path)
  lu.assertEquals(count_of_host(path), 0)
  logs.await(path, "x\n")
  p:stop()
end

function TestDirect:test_nothing_is_known_of_what_it_writes()
  local path = spec.tmpdir() .. "/log"
  local p = managers.process({ stdout = direct(path), one_shot = true },
                             "lines", 100)
  assert(p:start())
  local nothing = { bytes = 0, lines = 0, drops = 0 }
  logs.assert_same(spec.read(path), logs.lines_to(100))
  lu.assertEquals(p:tail(), {})
  lu.assertEquals(p:info().output, { stdout = nothing, stderr = nothing })
end

function TestDirect:test_merged_streams_keep_their_order()
  local path = spec.tmpdir() .. "/log"
  local p = started({ stdout = direct(path), stderr = "stdout" }, "both", 1000,
                    "forever")
  lu.assertEquals(descriptor(p:unix_pid(), 2), path)
  logs.await(path, "err 1000\n")
  p:stop()
  lu.assertEquals(spec.lines(spec.read(path)), in_turn(1000))
end

function TestDirect:test_each_start_opens_it_anew()
  local path = spec.tmpdir() .. "/log"
  local p = started({ stdout = direct(path), restart_delay = 0 }, "print", "x",
                    "forever")
  logs.await(path, "x\n")
  assert(os.rename(path, path .. ".old"))
  lu.assertEquals({ p:reopen_logs() }, { true })
  lu.assertFalse(logs.exists(path))
  spec.kill(p:unix_pid())
  logs.await(path, "x\n")
  p:stop()
  lu.assertEquals(spec.read(path .. ".old"), "x\n")
  lu.assertEquals(spec.read(path), "x\n")
end

function TestDirect:test_whoever_else_reads_makes_it_a_pipe()
  for _, fields in ipairs{ { log_writer = print },
                           { log = true,
                             stdout_logger = spec.collecting_logger() } } do
    local path = spec.tmpdir() .. "/log"
    fields.stdout = direct(path)
    local p = started(fields, "forever")
    local target = descriptor(p:unix_pid(), 1)
    p:stop()
    lu.assertStrContains(target, "pipe:")
  end
end

function TestDirect:test_the_other_stream_may_be_read()
  local path = spec.tmpdir() .. "/log"
  run({ stdout = direct(path), stderr = { file = path .. ".2" } }, "both", 9)
  lu.assertEquals(#spec.lines(spec.read(path)), 9)
  lu.assertEquals(#spec.lines(spec.read(path .. ".2")), 9)
end

function TestDirect:test_two_processes_may_share_one()
  local path = spec.tmpdir() .. "/log"
  local a = managers.process({ id = "a", stdout = direct(path),
                               one_shot = true }, "lines", 2000)
  local b = managers.process({ id = "b", stdout = direct(path),
                               one_shot = true }, "lines", 2000)
  local task = pexec.task(a.start, a)
  assert(b:start())
  lu.assertTrue((task:wait()))
  lu.assertEquals(#spec.lines(spec.read(path)), 4000)
end
