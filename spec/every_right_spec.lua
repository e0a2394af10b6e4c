-- A child that has been given everything there is to give at once: the host is
-- what it was, a restarted child is what the first one was, nothing of the
-- host's is with it that was not asked for, and there is no way back.

local host_state = require "host_state"
local lu = require "luaunit"
local managers = require "managers"
local spec = require "spec"

local probe = spec.probe
local is_root = spec.read("/proc/self/status"):find("\nUid:\t0\t0\t0\t") ~= nil

local function first_cpu()
  return math.tointeger(tonumber(spec.read("/proc/self/status")
                                 :match "Cpus_allowed_list:%s*(%d+)"))
end

-- All that there is, for who may not change users all that is left. A table
-- gives or replaces fields.
local function everything(more)
  local fields = { id = "a", umask = "0027", nice = 3, oom_score_adj = 200,
    io_priority = { class = "best_effort", level = 6 }, cwd = "/",
    cpu_affinity = { first_cpu() }, limits = { core = 0, nofile = { 32, 64 } },
    no_new_privileges = true, clear_environment = true }
  if is_root then
    fields.username, fields.group = "nobody", "daemon"
    fields.supplementary_groups = { "sys" }
    fields.capabilities = { "kill" }
  end
  for name, value in pairs(more) do fields[name] = value end
  return fields
end

local function lines_of(fields, ...)
  local lines = {}
  fields.one_shot = true
  fields.log_writer = function(line) lines[#lines + 1] = line end
  assert(managers.process(fields, ...):start())
  return lines
end

TestHost = {}

local function assert_untouched(f)
  local before = host_state.take()
  local function look() lu.assertEquals(host_state.take(), before) end
  f(look)
  look()
end

-- FAULTS 25
function TestHost:test_it_is_what_it_was()
  assert_untouched(function(look)
    local p = managers.started(everything{ restart_delay = 0 }, "forever")
    look()
    local pid = p:unix_pid()
    assert(p:signal "KILL")
    spec.eventually(function()
      local now = p:unix_pid()
      return now and now ~= pid
    end)
    look()
    assert(p:stop())
  end)
end

-- FAULTS 6, 25: each fails behind all steps that come before it.
function TestHost:test_so_it_is_after_starts_that_fail()
  assert_untouched(function(look)
    for _, more in ipairs{ { cpu_affinity = { first_cpu(), 8191 } },
                           { cwd = "/nowhere" }, { name = "/nowhere" } } do
      lu.assertNil((managers.process(everything(more), "forever"):start()))
      look()
    end
  end)
end

TestRestart = {}

local TELL <const> = [[
  grep -hE '^(Uid|Gid|Groups|Cap|NoNewPrivs|Cpus_allowed_list|Umask|Sig)' \
    /proc/self/status | grep -v SigQ
  cat /proc/self/limits /proc/self/oom_score_adj
  ionice; nice; umask; pwd; env; echo end
  exec sleep 0.01]]

-- FAULTS 28
function TestRestart:test_it_has_the_same_again()
  local runs, lines = {}, {}
  local p = managers.started(everything{ name = "/bin/sh",
    args = { "-c", TELL }, restart_delay = 0, log_writer = function(line)
      lines[#lines + 1] = line
      if line ~= "end" then return end
      runs[#runs + 1] = table.concat(lines, "\n")
      lines = {}
    end })
  spec.eventually(function() return #runs >= 3 end)
  p:stop()
  lu.assertEquals({ runs[2], runs[3] }, { runs[1], runs[1] })
  for _, part in ipairs{ "NoNewPrivs:\t1", "Umask:\t0027", "\n200\n",
      "Cpus_allowed_list:\t" .. first_cpu() .. "\n", "best-effort: prio 6\n3\n",
      "Max open files            32                   64" } do
    lu.assertStrContains(runs[1], part)
  end
  if is_root then
    lu.assertStrContains(runs[1], "Uid:\t65534\t65534\t65534\t65534")
    lu.assertStrContains(runs[1], "CapAmb:\t0000000000000020")
  end
end

TestChild = {}

local NO_SIGNALS <const> = { "SigBlk:\t0000000000000000",
                             "SigIgn:\t0000000000000000",
                             "SigCgt:\t0000000000000000" }

-- Runs f while the host has this on it.
local function with_a_burden(f)
  local files = {}
  for i = 1, 100 do files[i] = assert(io.open "/dev/zero") end
  assert(probe.setenv("PEXEC_SECRET", "x"))
  assert(probe.disposition(10, "ignore"))
  assert(probe.block(12, true))
  local answer = table.pack(pcall(f))
  probe.disposition(10, "default")
  probe.block(12, false)
  probe.setenv("PEXEC_SECRET")
  for _, file in ipairs(files) do file:close() end
  return answer
end

-- FAULTS 26, 27
function TestChild:test_it_has_nothing_of_the_hosts()
  local answer = with_a_burden(function()
    return lines_of(everything{}, "fds"),
           lines_of(everything{}, "signals"),
           lines_of(everything{ environment = { ONE = "1" } }, "file",
                    "/proc/self/environ")
  end)
  local ok, fds, signals, environment = table.unpack(answer)
  lu.assertTrue(ok, fds)
  lu.assertEquals(#fds, 3)
  for i, line in ipairs(fds) do
    lu.assertStrMatches(line, ("%d=.*"):format(i - 1))
  end
  lu.assertEquals(signals, NO_SIGNALS)
  local names = {}
  for name in environment[1]:gmatch "([^=%z]+)=[^%z]*" do
    names[#names + 1] = name
  end
  table.sort(names)
  lu.assertEquals(names, is_root and { "HOME", "LOGNAME", "ONE", "SHELL",
                                       "USER" } or { "ONE" })
end

-- FAULTS 6
function TestChild:test_there_is_no_way_back()
  if not is_root then lu.skip "only root can change user" end
  for _, fields in ipairs{ { id = "a", username = "nobody" },
      { id = "a", username = "nobody", group = "daemon",
        supplementary_groups = {} }, everything{},
      everything{ no_new_privileges = false, capabilities = {} } } do
    local lines = lines_of(fields, "back")
    lu.assertEquals(#lines, 8)
    for _, line in ipairs(lines) do lu.assertStrMatches(line, "%w+=EPERM") end
  end
end
