-- Log files that others remove, replace, cannot be had, or do not read: the
-- child goes on, nothing that was put there is followed, and what can be
-- written again is. Full disks are in disk_full_spec, stalled ones in
-- stalled_disk_spec.

local gaps = require "gaps"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local probe = spec.probe
local now = probe.now
local slowness = spec.slowness

local is_root = spec.read("/proc/self/status"):find("\nUid:\t0\t0\t0\t") ~= nil

local function shell(command, ...)
  assert(os.execute(command:format(...)))
end

local function drops_of(process)
  return process:info().output.stdout.drops
end

-- Writes a line every few milliseconds, and is numbered as `lines` is.
local function ticking(dir)
  return { "-c", 'n=0; while :; do echo "line $((n += 1))"; '
                 .. 'echo $n >"$0"; sleep 0.005; done', dir .. "/count" }
end

-- A process that ticks into dir/logs/log, and what is known of it.
local function tick(options)
  local dir = spec.tmpdir()
  local case = { dir = dir, logs = dir .. "/logs", log = dir .. "/logs/log",
                 logger = spec.collecting_logger() }
  assert(os.execute("mkdir " .. case.logs))
  local stdout = { file = case.log }
  for name, value in pairs(options or {}) do stdout[name] = value end
  case.process = assert(pexec.new_managed_process({
      id = "child", name = "/bin/sh", args = ticking(dir), stop_timeout = 1,
      stdout = stdout }, case.logger))
  assert(case.process:start())
  function case.count()
    return tonumber(spec.read(dir .. "/count") or "") or 0
  end
  function case.text() return spec.read(case.log) or "" end
  spec.eventually(function() return case.text():find("line 3\n", 1, true) end)
  return case
end

local function await_more(case)
  local text = case.text()
  spec.eventually(function() return #case.text() > #text + 20 end)
end

-- Each line in order, in these texts together, but for what a gap tells of.
local function assert_complete(case, ...)
  case.process:stop()
  local lines = case.process:info().output.stdout.lines
  local lost = gaps.account(table.concat({ ... }) .. case.text(), lines, "raw")
  lu.assertEquals(lost, drops_of(case.process))
  return lost
end

local BOTH <const> = { "drop", "block" }

TestNames = {}

-- FAULTS 38
function TestNames:test_a_deleted_file_is_made_anew()
  for _, on_full in ipairs(BOTH) do
    local case = tick{ on_full = on_full }
    local old <close> = assert(io.open(case.log))
    assert(os.remove(case.log))
    await_more(case)
    case.process:stop()
    lu.assertEquals(assert_complete(case, old:read("a")), 0)
    lu.assertNil(case.logger:find("log file"))
  end
end

-- FAULTS 38
function TestNames:test_a_moved_file_is_followed_by_a_new_one()
  local case = tick()
  assert(os.rename(case.log, case.log .. ".old"))
  await_more(case)
  case.process:stop()
  lu.assertEquals(assert_complete(case, spec.read(case.log .. ".old")), 0)
end

-- FAULTS 38
function TestNames:test_a_file_cut_by_others_is_written_on()
  local case = tick()
  local old = case.text()
  spec.write(case.log, "")
  await_more(case)
  case.process:stop()
  lu.assertStrContains(case.text(),
      "line " .. case.process:info().output.stdout.lines .. "\n")
  lu.assertNil(case.text():find("\0", 1, true))
  lu.assertTrue(#old > 0)
end

-- Until what is in the way has gone: told once, the child goes on, and then
-- so does the log.
local function assert_recovers(case, reason, mend)
  spec.eventually(function() return case.logger:find("cannot write") end)
  lu.assertStrContains(case.logger:find("cannot write"), reason)
  local count = case.count()
  spec.eventually(function() return case.count() > count + 20 end)
  mend()
  spec.eventually(function() return case.logger:find("written again") end)
  spec.eventually(function() return #case.text() > 40 end)
  lu.assertEquals(case.process:info().starts, 1)
  local told = 0
  for _, line in ipairs(case.logger.lines) do
    if line:find("cannot write", 1, true) then told = told + 1 end
  end
  lu.assertEquals(told, 1)
end

-- FAULTS 38
function TestNames:test_a_directory_may_go_and_come_back()
  for _, on_full in ipairs(BOTH) do
    local case = tick{ on_full = on_full }
    local old <close> = assert(io.open(case.log))
    shell("rm -r '%s'", case.logs)
    assert_recovers(case, "no such file or directory", function()
      shell("mkdir '%s'", case.logs)
    end)
    local lost = assert_complete(case, old:read("a"))
    lu.assertEquals(lost > 0, on_full == "drop")
  end
end

-- FAULTS 38
function TestNames:test_a_directory_in_its_place_is_waited_out()
  for _, on_full in ipairs(BOTH) do
    local case = tick{ on_full = on_full }
    local old <close> = assert(io.open(case.log))
    shell("rm '%s' && mkdir '%s'", case.log, case.log)
    assert_recovers(case, "is a directory", function()
      shell("rmdir '%s'", case.log)
    end)
    assert_complete(case, old:read("a"))
  end
end

-- FAULTS 38
function TestNames:test_a_symbolic_link_in_its_place_is_not_followed()
  for _, on_full in ipairs(BOTH) do
    local case = tick{ on_full = on_full }
    local old <close> = assert(io.open(case.log))
    local target = case.dir .. "/target"
    spec.write(target, "untouched")
    shell("rm '%s' && ln -s '%s' '%s'", case.log, target, case.log)
    assert_recovers(case, "symbolic link", function()
      assert(os.remove(case.log))
    end)
    lu.assertEquals(spec.read(target), "untouched")
    assert_complete(case, old:read("a"))
  end
end

TestStart = {}

-- A start with this as its log file fails so, at once, and has run nothing.
local function assert_start_fails(file, message, code)
  local trace = spec.tmpdir() .. "/trace"
  for _, options in ipairs{ {}, { format = "text" }, { on_full = "block" },
                            { max_size = 0 } } do
    for _, one_shot in ipairs{ true, false } do
      options.file = file
      local process = managers.process({ id = "child", one_shot = one_shot,
                                         stdout = options },
                                       "append", trace, "ran")
      local took, ok, why, word = managers.timed(process.start, process)
      lu.assertEquals({ ok, why, word }, { nil,
          ('error starting process "%s": opening its log file "%s": %s')
          :format(spec.child_path, file, message), code })
      lu.assertTrue(took < 0.5 * slowness, took .. " s")
      lu.assertEquals({ process:wait() }, { true })
    end
  end
  lu.assertNil(spec.read(trace))
end

-- FAULTS 38
function TestStart:test_a_symbolic_link_is_refused()
  local dir = spec.tmpdir()
  spec.write(dir .. "/target", "untouched")
  shell("ln -s target '%s/log'", dir)
  shell("ln -s nowhere '%s/dangling'", dir)
  local message = "it is a symbolic link, which is not followed"
  assert_start_fails(dir .. "/log", message, "ELOOP")
  assert_start_fails(dir .. "/dangling", message, "ELOOP")
  lu.assertEquals(spec.read(dir .. "/target"), "untouched")
  lu.assertNil(spec.read(dir .. "/nowhere"))
end

-- FAULTS 38
function TestStart:test_a_directory_is_refused()
  assert_start_fails(spec.tmpdir(), "is a directory", "EISDIR")
end

-- FAULTS 38
function TestStart:test_devices_and_sockets_are_refused()
  local message = "it is neither a regular file nor a FIFO"
  assert_start_fails("/dev/null", message, "EINVAL")
  assert_start_fails("/dev/full", message, "EINVAL")
end

-- FAULTS 38
function TestStart:test_a_missing_directory_is_an_error()
  local path = spec.tmpdir() .. "/missing/log"
  assert_start_fails(path, "no such file or directory", "ENOENT")
  assert_start_fails("/dev/null/log", "not a directory", "ENOTDIR")
end

-- FAULTS 38
function TestStart:test_one_without_permission_is_an_error()
  if not is_root then lu.skip("only root can change user") end
  local dir = spec.tmpdir()
  spec.write(dir .. "/log", "")
  shell("chmod 755 '%s' && chmod 600 '%s/log'", dir, dir)
  assert(probe.seteuid(65534))
  local ok, message = pcall(function()
    for _, name in ipairs{ "log", "new" } do
      local path = dir .. "/" .. name
      local process = managers.process({ stdout = { file = path } },
                                       "exit", 0)
      lu.assertEquals({ process:start() }, { nil,
          ('error starting process "%s": opening its log file "%s/%s": '
           .. 'permission denied'):format(spec.child_path, dir, name),
          "EACCES" })
    end
  end)
  assert(probe.seteuid(0))
  lu.assertTrue(ok, message)
end

-- FAULTS 38: and a logger's file
function TestStart:test_a_logger_of_a_bad_file_is_an_error()
  local dir = spec.tmpdir()
  local logger, message, code = pexec.new_logger{ file = dir }
  lu.assertEquals({ logger, code }, { nil, "EISDIR" })
  lu.assertStrContains(message, dir)
  logger, message, code = pexec.new_logger{ file = dir .. "/no/log" }
  lu.assertEquals({ logger, code }, { nil, "ENOENT" })
  lu.assertStrContains(message, dir .. "/no/log")
end

TestFifo = {}

local function fifo()
  local path = spec.tmpdir() .. "/fifo"
  shell("mkfifo '%s'", path)
  return path
end

-- A process that reads it into a file, until it is stopped.
local function reader_of(path, file)
  return managers.started({ id = "reader", name = "/bin/sh",
      args = { "-c", 'exec cat "$1" >>"$2"', "sh", path, file } })
end

-- FAULTS 38
function TestFifo:test_without_a_reader_the_child_goes_on_and_drops_count()
  for _, format in ipairs{ "raw", "text" } do
    local path, dir = fifo(), spec.tmpdir()
    local process = managers.started({ stdout = { file = path,
                                                  format = format } },
        "lines", 100, "append", dir .. "/done", "yes", "forever")
    spec.eventually(function()
      return spec.read(dir .. "/done") and drops_of(process) == 100
    end)
    local took, ok = managers.timed(process.stop, process)
    lu.assertTrue(ok)
    lu.assertTrue(took < 0.5 * slowness, took .. " s")
  end
end

-- FAULTS 38
function TestFifo:test_a_reader_gets_what_is_written_once_it_is_there()
  for _, format in ipairs{ "raw", "text" } do
    local path, dir = fifo(), spec.tmpdir()
    local process = managers.started({ id = "child", stdout = {
        file = path, format = format } }, "lines", 100,
        "waitfile", dir .. "/on", "print", "line 101", "forever")
    spec.eventually(function() return drops_of(process) == 100 end)
    local reader = reader_of(path, dir .. "/read")
    local function await(text)
      spec.eventually(function()
        return (spec.read(dir .. "/read") or ""):find(text, 1, true)
      end)
    end
    await("100 lines lost here: ")  -- before it there is something to write
    spec.write(dir .. "/on", "")
    await("line 101\n")
    lu.assertEquals(gaps.account(spec.read(dir .. "/read"), 101, format), 100)
    reader:stop()
    process:stop()
  end
end

-- FAULTS 38
function TestFifo:test_a_reader_may_go_and_another_come()
  local path, dir = fifo(), spec.tmpdir()
  local reader = reader_of(path, dir .. "/one")
  local process = managers.started({ id = "child", name = "/bin/sh",
      args = ticking(dir), stdout = { file = path } })
  spec.eventually(function()
    return (spec.read(dir .. "/one") or ""):find("line %d+\n")
  end)
  reader:stop()
  local before = drops_of(process)  -- of what came before the first reader
  spec.eventually(function() return drops_of(process) > before + 10 end)
  reader = reader_of(path, dir .. "/two")
  spec.eventually(function() return #(spec.read(dir .. "/two") or "") > 100 end)
  process:stop()
  reader:stop()
  lu.assertEquals(process:info().starts, 1)
  local two = spec.read(dir .. "/two")
  lu.assertStrMatches(two, "pexec: %d+ lines lost here: [^\n]+\nline .*")
end

-- FAULTS 38: as with a pager that nobody scrolls
function TestFifo:test_one_that_is_not_read_loses_lines_after_a_second()
  local path = fifo()
  local reader <close> = assert(io.open(path, "r+"))
  local process = managers.started({ stdout = { file = path } }, "flood")
  spec.eventually(function() return drops_of(process) > 100000 end)
  local took, ok = managers.timed(process.stop, process)
  lu.assertTrue(ok)
  lu.assertTrue(took < 1 + 0.5 * slowness, took .. " s")
  reader:close()
end

-- FAULTS 38
function TestFifo:test_one_that_is_not_read_may_hold_up_the_child_instead()
  local path, dir = fifo(), spec.tmpdir()
  local reader = assert(io.open(path, "r+"))
  local process = managers.started({ stdout = { file = path,
                                                on_full = "block" } },
      "lines", 300000, "append", dir .. "/done", "yes", "forever")
  local last, since = -1, now()
  spec.eventually(function()
    local lines = process:info().output.stdout.lines
    if lines ~= last then last, since = lines, now() end
    return lines > 0 and now() - since > 1.5
  end)
  lu.assertNil(spec.read(dir .. "/done"))
  lu.assertEquals(drops_of(process), 0)
  local cat = reader_of(path, dir .. "/read")
  spec.eventually(function() return spec.read(dir .. "/done") end)
  process:stop()
  reader:close()
  spec.eventually(function()
    return spec.read(dir .. "/read"):find("line 300000\n", -20, true)
  end)
  cat:stop()
  lu.assertEquals(gaps.account(spec.read(dir .. "/read"), 300000, "raw"), 0)
end

TestLimits = {}

-- FAULTS 38: the host's limit of a file's size does not kill it
function TestLimits:test_a_file_over_the_limit_loses_lines()
  local dir = spec.tmpdir()
  local before = probe.limit("fsize", 65536)
  local ok, message = pcall(function()
    for _, format in ipairs{ "raw", "text" } do
      local process = managers.started({ stdout = {
          file = dir .. "/" .. format, format = format } },
          "lines", 20000, "forever")
      spec.eventually(function()
        return process:info().output.stdout.lines == 20000
               and drops_of(process) > 0
      end)
      lu.assertEquals({ process:status() }, { true })
      process:stop()
    end
    local logger = assert(pexec.new_logger{ file = dir .. "/log" })
    for _ = 1, 2000 do logger:info("a line of a logger's, which goes on") end
  end)
  probe.limit("fsize", before)
  lu.assertTrue(ok, message)
end
