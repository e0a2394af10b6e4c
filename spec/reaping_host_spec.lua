-- A host that reaps its children itself, or has the kernel do so: every end
-- is noticed all the same, and what nobody knows of it is nil, and never 0.

local hosts = require "hosts"
local lu = require "luaunit"
local spec = require "spec"

TestReapingHost = {}

-- PIDFD_GET_INFO tells of ends since Linux 6.15.
local function kernel_tells()
  local major, minor = spec.read("/proc/sys/kernel/osrelease")
      :match("^(%d+)%.(%d+)")
  major, minor = tonumber(major), tonumber(minor)
  return major > 6 or major == 6 and minor >= 15
end

-- What a host hears of each of these ends, by its handler and afterwards.
local TELL <const> = [[
  local function tell(...)
    local code, exit
    local p = managers.started({ id = "a",
      on_unexpected_exit = function(a, b) code, exit = a, b end }, ...)
    assert(p:wait())
    local record = p:history()[1]
    print("told", code, exit.signal, exit.user_time, exit.max_rss)
    print("kept", record.exit_code, record.signal, record.user_time,
          record.max_rss)
    assert(record.uptime >= 0 and record.started_at > 1e9)
    assert(record.pid == exit.pid and record.run == 1)
  end
  tell("exit", 7)
  tell("exit", 0)
  tell("signal", "KILL")
  local p = managers.started({ id = "b", restart_delay = 0 }, "forever")
  for _ = 1, 20 do
    local pid = p:unix_pid()
    spec.kill(pid, "KILL")
    spec.eventually(function()
      local now = p:unix_pid()
      return now and now ~= pid
    end)
  end
  print("stop", p:stop())
]]

local function line(...)
  local words = table.pack(...)
  for i = 1, words.n do words[i] = tostring(words[i]) end
  return table.concat(words, "\t")
end

local function expected()
  local lines = {}
  for _, ending in ipairs{ { 7 }, { 0 }, { -1, "SIGKILL" } } do
    local code, signal = table.unpack(ending)
    if not kernel_tells() then code, signal = nil, nil end
    lines[#lines + 1] = line("told", code, signal, nil, nil)
    lines[#lines + 1] = line("kept", code, signal, nil, nil)
  end
  lines[#lines + 1] = line("stop", true, "process")
  return lines
end

local function assert_told(script)
  local host, ok = hosts.run(script)
  lu.assertTrue(ok, host:text())
  lu.assertEquals(host.stdout, expected())
end

-- FAULTS 24
function TestReapingHost:test_it_may_ignore_sigchld()
  assert_told('spec.probe.disposition(17, "ignore")\n' .. TELL)
end

-- FAULTS 24
function TestReapingHost:test_it_may_ask_for_no_zombies()
  assert_told('spec.probe.disposition(17, "nocldwait")\n' .. TELL)
end

-- FAULTS 24
function TestReapingHost:test_it_may_do_so_after_the_first_start()
  assert_told([[
    local first = managers.started({ id = "first" }, "forever")
    spec.probe.disposition(17, "ignore")
    assert(first:stop())
  ]] .. TELL)
end

-- Who comes first learns the status; the other one asks the kernel.
-- FAULTS 24
function TestReapingHost:test_it_may_wait_for_all_children()
  local host, ok = hosts.run([[
    assert(spec.probe.reaper(true))
    for _ = 1, 100 do
      local code, p
      p = managers.started({ id = "a",
        on_unexpected_exit = function(a) code = a or "unknown" end },
        "exit", 7)
      assert(p:wait())
      print(code)
    end
    assert(spec.probe.reaper(false))]])
  lu.assertTrue(ok, host:text())
  lu.assertEquals(#host.stdout, 100)
  for _, code in ipairs(host.stdout) do
    if code ~= "7" then
      lu.assertEquals(code, "unknown")
      lu.assertFalse(kernel_tells())
    end
  end
end
