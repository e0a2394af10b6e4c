-- What a child has of the host's that it should not have: descriptors,
-- signals, the terminal; and what others that the host starts have of pexec's.

local hosts = require "hosts"
local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"
local probe = spec.probe

local function new(fields, ...)
  return assert(pexec.new_managed_process(spec.child(fields, ...),
                                          pexec.null_logger))
end

-- Runs a one-shot; returns its lines.
local function lines_of(fields, ...)
  local lines = {}
  fields.one_shot = true
  fields.log_writer = function(line) lines[#lines + 1] = line end
  assert(new(fields, ...):start())
  return lines
end

-- Descriptors of a child that tells: number -> what it is, without inodes.
local function descriptors_of(lines)
  local found = {}
  for _, line in ipairs(lines) do
    local number, target = line:match("^(%d+)=([^:]*)")
    found[tonumber(number)] = target
  end
  return found
end

local function read_pid(path)
  return spec.eventually(function()
    return math.tointeger(tonumber(spec.read(path) or ""))
  end)
end

TestDescriptors = {}

-- FAULTS 26
function TestDescriptors:test_a_child_has_three()
  lu.assertEquals(descriptors_of(lines_of({}, "fds")),
                  { [0] = "/dev/null", "pipe", "pipe" })
end

-- FAULTS 26
function TestDescriptors:test_it_has_no_other_whatever_the_host_leaks()
  local leaks = {}
  for i = 1, 200 do leaks[i] = assert(io.open("/dev/zero")) end
  local pipe = assert(io.popen("cat >/dev/null", "w"))
  local lines = lines_of({}, "fds")
  pipe:close()
  for _, file in ipairs(leaks) do file:close() end
  lu.assertEquals(descriptors_of(lines), { [0] = "/dev/null", "pipe", "pipe" })
end

-- FAULTS 26
function TestDescriptors:test_nor_has_a_restarted_one_among_many()
  local lines = {}
  local others = {}
  for i = 1, 5 do
    others[i] = new({ log_writer = print }, "forever")
    others[i]:start()
  end
  local process = new({ restart_delay = 0, log_writer = function(line)
    lines[#lines + 1] = line
  end }, "fds")
  process:start()
  spec.eventually(function() return #lines >= 12 end)
  process:stop()
  for _, other in ipairs(others) do other:stop() end
  for i, line in ipairs(lines) do
    lu.assertStrMatches(line, ("%d=.*"):format((i - 1) % 3))
  end
end

-- FAULTS 26
function TestDescriptors:test_without_a_reader_all_three_are_dev_null()
  local file = spec.tmpdir() .. "/fds"
  assert(new({ one_shot = true, name = "/bin/sh", args = { "-c",
      'for i in 0 1 2; do readlink /proc/$$/fd/$i; done | cat >"$0"', file }
  }):start())
  lu.assertEquals(spec.read(file), ("/dev/null\n"):rep(3))
end

function TestDescriptors:test_its_stdin_is_at_its_end()
  lu.assertEquals(lines_of({}, "stdin"), { "eof" })
end

-- FAULTS 26
function TestDescriptors:test_a_host_without_any_still_gives_three()
  local dir = spec.tmpdir()
  spec.write(dir .. "/script.lua", ([[
    local function open_at_exec()
      local list = {}
      for fd = 0, 60 do
        local file = io.open("/proc/self/fdinfo/" .. fd)
        local flags = file and file:read("a"):match "flags:%%s*(%%d+)"
        if file then file:close() end
        if flags and tonumber(flags, 8) & tonumber("2000000", 8) == 0 then
          list[#list + 1] = fd
        end
      end
      return table.concat(list, " ")
    end
    local before = open_at_exec()
    local pexec = require "pexec"
    local out = {}
    assert(assert(pexec.new_managed_process({ id = "a", one_shot = true,
        name = os.getenv "PEXEC_CHILD", args = { "fds" },
        log_writer = function(line) out[#out + 1] = line end },
        pexec.null_logger)):start())
    local meanwhile = open_at_exec()
    local file = io.open(%q, "w")
    file:write(table.concat(out, "\n"))
    file:close()
    file = io.open(%q, "w")
    file:write(before, " then ", meanwhile)
    file:close()
  ]]):format(dir .. "/out", dir .. "/open"))
  os.execute(("'%s' %s/script.lua <&- >&- 2>&-"):format(spec.lua_path, dir))
  lu.assertEquals(descriptors_of(spec.lines(spec.read(dir .. "/out"))),
                  { [0] = "/dev/null", "pipe", "pipe" })
  local before, meanwhile = spec.read(dir .. "/open"):match "(.*) then (.*)"
  lu.assertEquals(meanwhile, before)
end

-- FAULTS 26
function TestDescriptors:test_ours_are_invisible_to_what_the_host_starts()
  local function seen_by_others()
    local pipe = assert(io.popen(spec.child_path .. " fds"))
    local lines = spec.lines(pipe:read("a"))
    pipe:close()
    return descriptors_of(lines)
  end
  local before = seen_by_others()
  local processes = {}
  for i = 1, 5 do
    processes[i] = new({ log_writer = print }, "forever")
    processes[i]:start()
  end
  local meanwhile = seen_by_others()
  for _, process in ipairs(processes) do process:stop() end
  lu.assertEquals(meanwhile, before)
end

-- FAULTS 26: nor those that the first process of a host brings
function TestDescriptors:test_nor_are_those_of_a_supervisor()
  local log = spec.tmpdir() .. "/log"
  local host, ok = hosts.run(([[
    local function seen_by_others()
      local pipe = assert(io.popen(spec.child_path .. " fds"))
      local text = pipe:read("a")
      pipe:close()
      return (text:gsub("%%[%%d+%%]", ""))
    end
    local before = seen_by_others()
    local process = managers.started({ id = "a", stdin = "pipe",
      stdout = { file = %q, max_size = 4096 }, stderr = { file = %q } },
      "forever")
    local meanwhile = seen_by_others()
    process:stop()
    assert(meanwhile == before, before .. "then\n" .. meanwhile)
  ]]):format(log .. 1, log .. 2))
  lu.assertTrue(ok, host:text())
end

TestSignals = {}

-- KILL and STOP cannot be set, 32 and 33 are the C library's own, and to
-- ignore CHLD changes the host.
local LEFT_ALONE <const> = { [9] = true, [17] = true, [19] = true,
                             [32] = true, [33] = true }

-- But for those that the interpreter or a sanitizer catches already: their
-- handlers could not be put back.
local function each_signal(f)
  local status = spec.read("/proc/self/status")
  local caught = tonumber(status:match("SigCgt:%s*(%x+)"), 16)
  for signo = 1, 64 do
    local is_caught = caught & (1 << (signo - 1)) ~= 0
    if not LEFT_ALONE[signo] and not is_caught then f(signo) end
  end
end

-- What a child tells of its signals, while the host has them set like this.
local function with_signals(set, fields)
  local changed = {}
  each_signal(function(signo) changed[#changed + 1] = signo end)
  for _, signo in ipairs(changed) do set(signo) end
  local ok, lines = pcall(lines_of, fields or {}, "signals")
  for _, signo in ipairs(changed) do
    probe.disposition(signo, "default")
    probe.block(signo, false)
  end
  lu.assertTrue(#changed >= 50)
  lu.assertTrue(ok, lines)
  return lines
end

local NONE <const> = { "SigBlk:\t0000000000000000",
                       "SigIgn:\t0000000000000000",
                       "SigCgt:\t0000000000000000" }

-- FAULTS 27
function TestSignals:test_a_child_ignores_none_that_the_host_ignores()
  lu.assertEquals(with_signals(function(signo)
    assert(probe.disposition(signo, "ignore"))
  end), NONE)
end

-- FAULTS 27
function TestSignals:test_a_child_has_all_default_that_the_host_catches()
  lu.assertEquals(with_signals(function(signo)
    assert(probe.disposition(signo, "catch"))
  end), NONE)
end

-- FAULTS 27
function TestSignals:test_a_child_blocks_none_that_the_host_blocks()
  lu.assertEquals(with_signals(function(signo)
    assert(probe.block(signo, true))
  end), NONE)
end

-- FAULTS 27
function TestSignals:test_so_it_is_for_another_user()
  if not spec.read("/proc/self/status"):find("\nUid:\t0\t0\t") then
    lu.skip("only root can change user")
  end
  lu.assertEquals(with_signals(function(signo)
    assert(probe.disposition(signo, "ignore"))
    assert(probe.block(signo, true))
  end, { username = "nobody" }), NONE)
end

-- FAULTS 27
function TestSignals:test_so_it_is_for_a_restarted_one()
  local lines = {}
  local process = new({ restart_delay = 0, log_writer = function(line)
    lines[#lines + 1] = line
  end }, "signals", "sleep", 0.01)
  process:start()
  probe.disposition(1, "ignore")
  probe.block(10, true)
  local ok, message = pcall(spec.eventually, function()
    return #lines >= 12
  end)
  probe.disposition(1, "default")
  probe.block(10, false)
  process:stop()
  lu.assertTrue(ok, message)
  for i, line in ipairs(lines) do
    lu.assertEquals(line, NONE[(i - 1) % 3 + 1])
  end
end

-- What comes to the host is the host's: threads of ours take none of it.
function TestSignals:test_the_hosts_signals_reach_its_handlers()
  local process = new({}, "forever")
  process:start()
  assert(probe.disposition(10, "catch"))
  local before = probe.caught()
  for i = 1, 50 do
    spec.kill(probe.pid(), "USR1")
    spec.eventually(function() return probe.caught() == before + i end)
  end
  probe.disposition(10, "default")
  process:stop()
end

TestTerminal = {}

-- FAULTS 16
function TestTerminal:test_a_child_has_a_session_of_its_own()
  local process = new({}, "forever")
  process:start()
  local pid = process:unix_pid()
  local stat = spec.stat(pid)
  lu.assertEquals({ stat.sid, stat.pgid }, { pid, pid })
  lu.assertNotEquals(spec.stat(probe.pid()).sid, pid)
  process:stop()
end

-- FAULTS 16: on a terminal of its own, on which Ctrl-C is typed once the
-- child is up. The interpreter makes an error of it; the child sees nothing.
function TestTerminal:test_ctrl_c_reaches_the_host_alone()
  if not os.execute("command -v script >/dev/null") then
    lu.skip("there is no script(1)")
  end
  local dir = spec.tmpdir()
  spec.write(dir .. "/script.lua", ([[
    local pexec = require "pexec"
    local process = assert(pexec.new_managed_process({ id = "a",
        name = os.getenv "PEXEC_CHILD", stop_timeout = 20,
        args = { "count", "INT", %q, "append", %q, "%%p", "forever" } },
        pexec.null_logger))
    assert(process:start())
    local pid = process:unix_pid()
    local ok, message = pcall(pexec.sleep, 30)
    local out = io.open(%q, "w")
    out:write(tostring(ok), " ", tostring(message), "\n",
              tostring(process:unix_pid() == pid), "\n",
              tostring(process:stop()), "\n")
    out:close()
  ]]):format(dir .. "/seen", dir .. "/up", dir .. "/out"))
  os.execute(("cd %s; (while [ ! -e up ]; do sleep 0.05; done; "
      .. "printf '\\003'; while [ ! -e out ]; do sleep 0.05; done) "
      .. "| timeout -k 5 60 script -qec '%s script.lua' /dev/null "
      .. ">%s/typescript 2>&1"):format(dir, spec.lua_path, dir))
  local lines = spec.lines(spec.read(dir .. "/out"))
  lu.assertStrContains(lines[1] or spec.read(dir .. "/typescript"),
                       "interrupted!")
  lu.assertEquals({ lines[2], lines[3] }, { "true", "true" })
  lu.assertNil(spec.read(dir .. "/seen"))
  lu.assertFalse(spec.alive(read_pid(dir .. "/up")))
end
