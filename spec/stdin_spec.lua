-- Where a child's standard input comes from, and p:write and p:close_stdin.

local hosts = require "hosts"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local probe = spec.probe
local started = managers.started

local MIB <const> = 1 << 20

-- Every byte value, in another order in each block.
local function all_bytes(length)
  local blocks = {}
  for i = 0, length // 256 - 1 do
    local block = {}
    for k = 0, 255 do
      block[k + 1] = string.char((k * (2 * i + 1) + i) & 255)
    end
    blocks[i + 1] = table.concat(block)
  end
  return table.concat(blocks)
end

-- Runs a one-shot that says what it reads; returns its lines.
local function lines_of(fields, ...)
  local lines = {}
  fields.one_shot = true
  fields.log_writer = function(line) lines[#lines + 1] = line end
  assert(managers.process(fields, ...):start())
  return lines
end

-- The text of a file, as soon as it has this length.
local function await_length(path, length)
  return spec.eventually(function()
    local text = spec.read(path) or ""
    return #text >= length and text, #text
  end)
end

local function assert_same(found, expected)
  lu.assertEquals(#found, #expected)
  lu.assertTrue(found == expected, "other bytes than those")
end

local function assert_refused(code, reason, ...)
  lu.assertNil((...))
  lu.assertStrContains(select(2, ...), reason)
  lu.assertEquals(select(3, ...), code)
end

local function count_descriptors()
  return #assert(probe.list("/proc/self/fd"))
end

-- {== where it comes from ===================================================

TestSource = {}

function TestSource:test_null_is_at_its_end()
  lu.assertEquals(lines_of({ stdin = "null" }, "stdin"), { "eof" })
end

function TestSource:test_data_come_and_then_the_end()
  lu.assertEquals(lines_of({ stdin = { data = "one\ntwo\n" } }, "stdin"),
                  { "one", "two", "eof" })
  lu.assertEquals(lines_of({ stdin = { data = "" } }, "stdin"), { "eof" })
end

function TestSource:test_data_beyond_a_pipe_come_exactly()
  local file, data = spec.tmpdir() .. "/taken", all_bytes(MIB)
  lines_of({ stdin = { data = data } }, "take", 2 * MIB, file)
  assert_same(spec.read(file), data)
end

function TestSource:test_each_start_gets_the_data_again()
  local file, data = spec.tmpdir() .. "/taken", all_bytes(MIB // 4)
  -- not at once: a file that grows faster than it is read has no end
  local p = started({ stdin = { data = data }, restart_delay = 0.2 },
                    "take", MIB, file)
  local text = await_length(file, 3 * #data)
  p:stop()
  assert_same(text:sub(1, 3 * #data), data:rep(3))
end

function TestSource:test_a_child_need_not_read_its_data()
  lines_of({ stdin = { data = all_bytes(MIB) } }, "print", "done")
  local p = started({ stdin = { data = all_bytes(MIB) } }, "close", 0,
                    "forever")
  lu.assertEquals({ p:stop() }, { true, "process" })
end

function TestSource:test_a_file_is_read()
  local path = spec.tmpdir() .. "/input"
  spec.write(path, "from a file\n")
  lu.assertEquals(lines_of({ stdin = { file = path } }, "stdin"),
                  { "from a file", "eof" })
end

function TestSource:test_it_is_opened_at_each_start()
  local directory = spec.tmpdir()
  local path, file = directory .. "/input", directory .. "/taken"
  spec.write(path, "first\n")
  local p = started({ stdin = { file = path }, restart_delay = "200ms" },
                    "take", 100, file)
  await_length(file, 6)
  os.rename(path, path .. ".old")
  spec.write(path, "second\n")
  lu.assertEquals(await_length(file, 13):sub(1, 13), "first\nsecond\n")
  p:stop()
end

function TestSource:test_a_relative_one_is_where_the_host_first_was()
  local directory = spec.tmpdir()
  assert(os.execute("mkdir " .. directory .. "/there"))
  spec.write(directory .. "/input", "of the host\n")
  spec.write(directory .. "/there/input", "of the child\n")
  local host = hosts.run(([[
    local lines = {}
    spec.probe.chdir %q
    local p = managers.started({ id = "a", restart_delay = 0, cwd = %q,
      stdin = { file = "input" },
      log_writer = function(line) table.insert(lines, line) end }, "stdin")
    spec.probe.chdir "/"
    local count = #lines
    spec.eventually(function() return #lines >= count + 4 end)
    p:stop()
    print(table.concat(lines, " "))]]):format(directory, directory .. "/there"))
  lu.assertStrContains(host:text(), "of the host eof of the host eof")
  lu.assertNotStrContains(host:text(), "of the child")
end

-- There may never be one.
function TestSource:test_a_fifo_without_a_writer_is_at_its_end()
  local path = spec.tmpdir() .. "/fifo"
  assert(os.execute("mkfifo " .. path))
  lu.assertEquals(lines_of({ stdin = { file = path } }, "stdin"), { "eof" })
end

function TestSource:test_a_fifo_is_read_until_its_writer_goes()
  local path, lines = spec.tmpdir() .. "/fifo", {}
  assert(os.execute("mkfifo " .. path))
  local writer = assert(io.popen(("exec 3<>%s; echo word >&3; "
      .. "echo >%s.ready; cat >/dev/null"):format(path, path), "w"))
  spec.eventually(function() return spec.read(path .. ".ready") end)
  local p = managers.process({ stdin = { file = path }, one_shot = true,
    log_writer = function(line) lines[#lines + 1] = line end }, "stdin")
  local run = pexec.task(function() return p:start() end)
  spec.eventually(function() return lines[1] end)
  writer:close()
  lu.assertEquals({ run:wait() }, { true })
  lu.assertEquals(lines, { "word", "eof" })
end

-- {== where it cannot come from =============================================

TestNoSource = {}

local function assert_start_fails(file, code, reason)
  local p = managers.process{ stdin = { file = file } }
  local before = count_descriptors()
  lu.assertEquals({ p:start() },
                  { nil, ('error starting process "%s": opening its standard '
                    .. 'input "%s": %s'):format(spec.child_path, file, reason),
                    code })
  lu.assertEquals({ p:wait() }, { true })
  lu.assertEquals(count_descriptors(), before)
end

function TestNoSource:setUp()
  assert(started("a", "forever"):stop())  -- opens what stays open
end

function TestNoSource:test_a_file_that_is_not_there()
  assert_start_fails(spec.tmpdir() .. "/missing", "ENOENT",
                     "no such file or directory")
end

function TestNoSource:test_a_directory()
  assert_start_fails(spec.tmpdir(), "EISDIR", "is a directory")
end

function TestNoSource:test_a_restart_without_its_file_is_tried_again()
  local directory = spec.tmpdir()
  local path, file = directory .. "/input", directory .. "/taken"
  local log = spec.collecting_logger()
  spec.write(path, "one\n")
  local p = assert(pexec.new_managed_process(spec.child(
      { stdin = { file = path }, restart_delay = "100ms" }, "take", 100, file),
      log))
  assert(p:start())
  await_length(file, 4)
  os.remove(path)
  spec.eventually(function() return log:find("opening its standard input") end)
  spec.write(path, "two\n")
  await_length(file, 8)
  p:stop()
  lu.assertStrContains(log:find("opening its standard input"),
                       "cannot restart, will try again")
end

function TestNoSource:test_one_that_the_host_may_not_read()
  local path = spec.tmpdir() .. "/input"
  local is_root = spec.read("/proc/self/status"):find "\nUid:\t0\t"
  spec.write(path, "secret\n")
  assert(os.execute("chmod 0 " .. path))
  assert(os.execute(("chmod 711 %s"):format(path:match "(.*)/")))
  if is_root then probe.seteuid(65534) end
  local ok, problem = pcall(assert_start_fails, path, "EACCES",
                            "permission denied")
  if is_root then probe.seteuid(0) end
  if not ok then error(problem, 0) end
end

-- {== the host's own ========================================================

TestInherit = {}

-- Runs a script in a host with this redirection; returns its output.
local function run_with(redirection, text)
  local directory = spec.tmpdir()
  spec.write(directory .. "/script.lua", text)
  os.execute(("cd %s; timeout -s KILL %d %s %s/script.lua %s >%s/out 2>&1")
             :format(spec.root, 60 * spec.slowness, spec.lua_path, directory,
                     redirection, directory))
  return spec.read(directory .. "/out")
end

local READER <const> = [[
  local pexec = require "pexec"
  local ok, message, code = assert(pexec.new_managed_process({ id = "a",
      name = os.getenv "PEXEC_CHILD", args = { "stdin" }, one_shot = true,
      stdin = "inherit", log_writer = function(line) print(line) end },
      pexec.null_logger)):start()
  if not ok then print(message, code) end]]

function TestInherit:test_the_hosts_own_is_read()
  local path = spec.tmpdir() .. "/input"
  spec.write(path, "of the host\n")
  lu.assertEquals(run_with("<" .. path, READER), "of the host\neof\n")
end

function TestInherit:test_a_host_without_any_is_told_so()
  lu.assertEquals(run_with("<&-", READER),
                  ('error starting process "%s": the host has no standard '
                   .. 'input to inherit\tEBADF\n'):format(spec.child_path))
end

-- {== a pipe ================================================================

TestPipe = {}

local function piped(...)
  return started({ stdin = "pipe", restart_delay = 0 }, ...)
end

function TestPipe:test_what_is_written_is_read_as_it_comes()
  local lines = {}
  local p = started({ stdin = "pipe", restart_delay = "1h",
    log_writer = function(line) lines[#lines + 1] = line end }, "stdin")
  lu.assertEquals({ p:write("one\n") }, { true })
  spec.eventually(function() return lines[1] end)
  lu.assertEquals({ p:write(42) }, { true })
  lu.assertEquals({ p:write("") }, { true })
  lu.assertEquals({ p:close_stdin() }, { true })
  spec.eventually(function() return lines[2] end)
  lu.assertEquals(lines, { "one", "42eof" })
  p:stop()
end

-- Reads a megabyte into the file, in steps.
local function slow_reader(file)
  local verbs = {}
  for _ = 1, 16 do
    for _, word in ipairs{ "take", MIB // 16, file, "sleep", "0.01" } do
      verbs[#verbs + 1] = word
    end
  end
  verbs[#verbs + 1] = "forever"
  return piped(table.unpack(verbs))
end

function TestPipe:test_a_write_waits_for_a_slow_child()
  local file, data = spec.tmpdir() .. "/taken", all_bytes(MIB)
  local p = slow_reader(file)
  lu.assertEquals({ p:write(data) }, { true })
  lu.assertTrue(#(spec.read(file) or "") >= MIB - (1 << 17))
  assert_same(await_length(file, MIB), data)
  p:stop()
end

function TestPipe:test_other_tasks_run_meanwhile()
  local file, data = spec.tmpdir() .. "/taken", all_bytes(MIB)
  local p = slow_reader(file)
  local turns, is_written = 0, false
  local writer = pexec.task(function()
    local ok = p:write(data)
    is_written = true
    return ok
  end)
  local other = pexec.task(function()
    while not is_written do
      pexec.sleep(0.001)
      turns = turns + 1
    end
  end)
  lu.assertEquals({ writer:wait() }, { true })
  other:wait()
  lu.assertTrue(turns >= 10, turns)
  assert_same(await_length(file, MIB), data)
  p:stop()
end

function TestPipe:test_writes_of_several_tasks_do_not_mix()
  local file = spec.tmpdir() .. "/taken"
  local p = piped("take", 4 * MIB, file, "forever")
  local expected, tasks = {}, {}
  for i = 1, 8 do
    expected[i] = string.char(64 + i):rep(MIB // 8 + i)
    tasks[i] = pexec.task(function()
      for _ = 1, 3 do assert(p:write(expected[i])) end
    end)
  end
  for _, task in ipairs(tasks) do task:wait() end
  p:close_stdin()
  local all = await_length(file, 3 * (MIB + 36))
  p:stop()
  local at, found = 1, {}
  while at <= #all do
    local letter = all:sub(at, at)
    local _, last = all:find("^" .. letter .. "+", at)
    lu.assertEquals(last - at + 1, MIB // 8 + letter:byte() - 64)
    found[#found + 1] = letter
    at = last + 1
  end
  lu.assertEquals(table.concat(found), ("ABCDEFGH"):rep(3))
end

function TestPipe:test_two_tasks_are_served_in_order()
  local file = spec.tmpdir() .. "/taken"
  local p = piped("waitfile", file .. ".go", "take", MIB, file, "forever")
  local order = {}
  local function write(name, length)
    return pexec.task(function()
      assert(p:write(name:rep(length)))
      order[#order + 1] = name
    end)
  end
  local a, b = write("a", 200000), write("b", 1)
  pexec.sleep(0.05)
  lu.assertEquals(order, {})
  spec.write(file .. ".go", "")
  a:wait()
  b:wait()
  lu.assertEquals(order, { "a", "b" })
  p:close_stdin()
  assert_same(await_length(file, 200001), ("a"):rep(200000) .. "b")
  p:stop()
end

function TestPipe:test_the_lines_of_a_child_come_while_it_is_written_to()
  local bytes = 0
  local p = started({ stdin = "pipe", log_writer = function(line)
    bytes = bytes + #line + 1
  end }, "stdin")
  local data = ("x"):rep(1023) .. "\n"
  lu.assertEquals({ p:write(data:rep(4096)) }, { true })
  spec.eventually(function() return bytes == 4 * MIB, bytes end)
  p:stop()
end

-- {== a child that does not read ============================================

TestDeafChild = {}

function TestDeafChild:test_it_is_stopped_promptly()
  local p = piped("forever")
  local task = pexec.task(function() return p:write(all_bytes(MIB)) end)
  pexec.sleep(0.05)
  local began = probe.now()
  lu.assertEquals({ p:stop() }, { true, "process" })
  lu.assertTrue(probe.now() - began < 0.5 * spec.slowness)
  assert_refused("EPIPE", "broken pipe", task:wait())
end

function TestDeafChild:test_one_that_closes_its_stdin_refuses()
  local file = spec.tmpdir() .. "/ready"
  local p = piped("close", 0, "append", file, "ready", "forever")
  spec.eventually(function() return spec.read(file) end)
  lu.assertEquals({ p:write("x") },
                  { nil, ('error writing to process "%s": broken pipe')
                    :format(spec.child_path), "EPIPE" })
  assert_refused("EPIPE", "broken pipe", p:write(""))
  lu.assertTrue(p:status())
  p:stop()
end

function TestDeafChild:test_one_that_closes_it_later_ends_the_wait()
  local file = spec.tmpdir() .. "/go"
  local p = piped("waitfile", file, "close", 0, "forever")
  local task = pexec.task(function() return p:write(all_bytes(MIB)) end)
  pexec.sleep(0.02)
  spec.write(file, "")
  assert_refused("EPIPE", "broken pipe", task:wait())
  lu.assertTrue(p:status())
  p:stop()
end

function TestDeafChild:test_the_next_one_gets_a_fresh_pipe()
  local file = spec.tmpdir() .. "/taken"
  local p = piped("once", file .. ".first", "forever", "end",
                  "take", 100, file, "forever")
  local pid = p:unix_pid()
  local task = pexec.task(function() return p:write(("old"):rep(MIB)) end)
  spec.eventually(function() return spec.read(file .. ".first") end)
  spec.kill(pid, "KILL")
  assert_refused("EPIPE", "broken pipe", task:wait())
  spec.eventually(function() return (p:write("new")) end)
  p:close_stdin()
  lu.assertEquals(await_length(file, 3), "new")
  p:stop()
end

-- {== when it cannot be written =============================================

TestRefused = {}

function TestRefused:test_before_the_start()
  local p = managers.process({ stdin = "pipe" }, "forever")
  assert_refused("NOT_STARTED", "error writing to process", p:write("x"))
  assert_refused("NOT_STARTED", "error closing stdin of process",
                 p:close_stdin())
  lu.assertStrContains(select(2, p:write("x")), ": process not started")
end

function TestRefused:test_after_a_stop()
  local p = piped("forever")
  p:stop()
  assert_refused("PROCESS_DONE", "process already finished", p:write("x"))
  assert_refused("PROCESS_DONE", "process already finished", p:close_stdin())
end

function TestRefused:test_after_its_end()
  local p = managers.process({ stdin = "pipe", one_shot = true }, "exit", 0)
  assert(p:start())
  assert_refused("PROCESS_DONE", "process already finished", p:write("x"))
end

function TestRefused:test_while_it_waits_for_its_restart()
  local p = started({ stdin = "pipe", restart_delay = "1h" }, "exit", 0)
  spec.eventually(function() return not p:status() end)
  assert_refused("PROCESS_DONE", "process already finished", p:write("x"))
  p:stop()
end

function TestRefused:test_in_the_handler_of_its_exit()
  local answer
  local p
  p = started({ stdin = "pipe", on_unexpected_exit = function()
    answer = table.pack(p:write("x"))
  end }, "exit", 0)
  p:wait()
  assert_refused("PROCESS_DONE", "process already finished",
                 table.unpack(answer, 1, 3))
end

function TestRefused:test_after_close_stdin()
  local p = piped("forever")
  lu.assertTrue(p:close_stdin())
  assert_refused("EPIPE", "broken pipe", p:write("x"))
  lu.assertTrue(p:close_stdin())
  p:stop()
end

function TestRefused:test_where_stdin_is_no_pipe()
  for _, stdin in ipairs{ "null", "inherit", { data = "x" } } do
    local p = started({ stdin = stdin }, "forever")
    assert_refused("UNSUPPORTED", 'stdin is not "pipe"', p:write("x"))
    assert_refused("UNSUPPORTED", 'stdin is not "pipe"', p:close_stdin())
    p:stop()
  end
end

function TestRefused:test_what_is_no_text_raises()
  local p = managers.process({ stdin = "pipe" }, "forever")
  for _, data in ipairs{ true, {}, print } do
    lu.assertErrorMsgContains("bad argument #1 to 'write' (string expected, "
        .. "got " .. type(data) .. ")", p.write, p, data)
  end
  lu.assertErrorMsgContains("string expected, got nil", p.write, p)
  lu.assertErrorMsgContains("calling 'write' on bad self", p.write, {}, "x")
  lu.assertErrorMsgContains("calling 'close_stdin' on bad self",
                            p.close_stdin, {})
end

function TestRefused:test_in_a_forked_copy()
  local p = piped("forever")
  local report = spec.tmpdir() .. "/report"
  local pid = assert(probe.fork())
  if pid == 0 then
    local codes = { (select(3, p:write("x"))), (select(3, p:close_stdin())) }
    spec.write(report, table.concat(codes, " "))
    probe.exit(0)
  end
  probe.wait(pid)
  lu.assertEquals(spec.read(report), "FORKED FORKED")
  lu.assertTrue(p:write("x"))
  p:stop()
end

-- {== waiting ===============================================================

TestWaiting = {}

function TestWaiting:test_a_cancelled_task_does_not_wait_on()
  local p = piped("forever")
  local task = pexec.task(function() return p:write(all_bytes(MIB)) end)
  pexec.sleep(0.02)
  task:cancel()
  assert_refused("CANCELED", "context canceled", task:wait())
  lu.assertTrue(p:status())
  p:stop()
end

function TestWaiting:test_one_that_was_cancelled_before_writes_nothing()
  local file = spec.tmpdir() .. "/taken"
  local p = piped("take", 100, file, "forever")
  local task = pexec.task(function()
    pexec.sleep("1h")
    return p:write("not to be")
  end)
  task:cancel()
  assert_refused("CANCELED", "context canceled", task:wait())
  assert(p:write("to be"))
  p:close_stdin()
  lu.assertEquals(await_length(file, 5), "to be")
  p:stop()
end

function TestWaiting:test_a_write_waits_for_a_start_that_is_under_way()
  local file = spec.tmpdir() .. "/taken"
  local p = managers.process({ stdin = "pipe" }, "take", 5, file, "forever")
  local start = pexec.task(function() return p:start() end)
  lu.assertEquals({ p:write("early") }, { true })
  start:wait()
  lu.assertEquals(await_length(file, 5), "early")
  p:stop()
end

function TestWaiting:test_a_one_shot_is_fed_while_it_runs()
  local lines = {}
  local p = managers.process({ stdin = "pipe", one_shot = true,
    log_writer = function(line) lines[#lines + 1] = line end }, "stdin")
  local run = pexec.task(function() return p:start() end)
  assert(p:write("line\n"))
  p:close_stdin()
  lu.assertEquals({ run:wait() }, { true })
  lu.assertEquals(lines, { "line", "eof" })
end

function TestWaiting:test_its_own_writer_may_write()
  local lines = {}
  local p
  p = started({ stdin = "pipe", log_writer = function(line)
    lines[#lines + 1] = line
    if #lines < 5 then assert(p:write(#lines .. "\n")) end
  end }, "stdin")
  assert(p:write("0\n"))
  spec.eventually(function() return #lines == 5 end)
  lu.assertEquals(lines, { "0", "1", "2", "3", "4" })
  p:stop()
end

function TestWaiting:test_a_finaliser_may_write()
  local file, answer = spec.tmpdir() .. "/taken", nil
  local p = piped("take", 200000, file, "forever")
  setmetatable({}, { __gc = function()
    answer = table.pack(p:write(("f"):rep(200000)))
  end })
  collectgarbage()
  collectgarbage()
  lu.assertEquals(answer, { n = 1, true })
  await_length(file, 200000)
  p:stop()
end

function TestWaiting:test_dispatch_does_not_wait_when_all_is_answered()
  local p = piped("take", 1, "/dev/null", "forever")
  assert(p:write("x"))
  p:stop()
  lu.assertEquals(pexec.dispatch(), 0)
end

-- {== descriptors ===========================================================

TestStdinDescriptors = {}

-- FAULTS 26
function TestStdinDescriptors:test_a_child_has_three_whatever_it_reads()
  local path = spec.tmpdir() .. "/input"
  spec.write(path, "")
  for _, stdin in ipairs{ "pipe", { data = "x" }, { file = path } } do
    local numbers = {}
    for _, line in ipairs(lines_of({ stdin = stdin }, "fds")) do
      numbers[#numbers + 1] = line:match("^%d+")
    end
    table.sort(numbers)
    lu.assertEquals(numbers, { "0", "1", "2" })
  end
end

-- FAULTS 26
function TestStdinDescriptors:test_200_starts_leave_none()
  local path = spec.tmpdir() .. "/input"
  spec.write(path, "line\n")
  assert(started("a", "forever"):stop())
  local before = count_descriptors()
  for _, stdin in ipairs{ "pipe", { data = "x" }, { file = path } } do
    local p = managers.process({ stdin = stdin, one_shot = true }, "exit", 0)
    for _ = 1, 200 do assert(p:start()) end
    lu.assertEquals(count_descriptors(), before)
  end
end

function TestStdinDescriptors:test_restarts_leave_none_either()
  local file = spec.tmpdir() .. "/starts"
  local p = piped("append", file, "x")
  await_length(file, 400)
  p:stop()
  local before = count_descriptors()
  local other = piped("append", file, "x")
  await_length(file, 800)
  other:stop()
  lu.assertEquals(count_descriptors(), before)
end
