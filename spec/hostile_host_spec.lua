-- Hosts that are hostile in several ways: each leads one whole life, a death
-- and a restart, a one-shot, output, a signal, a stop that has to kill. What
-- is only about ends, forks, states or signals has specs of its own.

local hosts = require "hosts"
local lu = require "luaunit"
local spec = require "spec"

-- Raises where something is not as it is with a host that is kind. 'knows':
-- the codes of ends are told here.
local LIFE <const> = [[
  local function live(knows)
    local lines, ends = {}, 0
    local p = managers.started({ id = "a", restart_delay = 0,
      log_writer = function(line) lines[#lines + 1] = line end,
      on_unexpected_exit = function(code, exit)
        assert(code == -1 and exit.signal == "SIGKILL"
               or code == nil and not knows, code)
        ends = ends + 1
        return true
      end }, "print", "up", "forever")
    for round = 1, 5 do
      spec.eventually(function() return #lines == round end)
      assert(p:signal "KILL")
      spec.eventually(function() return ends == round end)
    end
    spec.eventually(function() return #lines == 6 end)
    local ok, stage = p:stop()
    assert(ok and stage == "process", stage)
    local once = managers.process({ id = "b", one_shot = true }, "exit", 0)
    local good, _, code = once:start()
    assert(good or code == "EXIT_STATUS" and not knows, code)
    local tough = managers.stubborn{ id = "c", stop_timeout = 0.3 }
    local pid = tough:unix_pid()
    ok, stage = tough:stop()
    assert(ok and stage == "kill", stage)
    assert(not spec.alive(pid))
  end
]]

local function run(script, settings)
  local host, ok = hosts.run(LIFE .. script .. '\nprint "lived"', settings)
  lu.assertTrue(ok, host:text())
  lu.assertEquals(host.stdout[#host.stdout], "lived", host:text())
  return host
end

-- Runs the interpreter after what is said here.
local function under(...) return { under = { ... } } end

TestReaping = {}

-- FAULTS 24
function TestReaping:test_it_may_wait_for_all_in_a_thread()
  run [[
    assert(spec.probe.reaper(true))
    for _ = 1, 3 do live(false) end
    assert(spec.probe.reaper(false))]]
end

-- FAULTS 24
function TestReaping:test_it_may_wait_for_all_in_a_handler()
  run [[
    assert(spec.probe.disposition(17, "reap"))
    for _ = 1, 3 do live(false) end]]
end

-- FAULTS 24: before anybody's code in it has run
function TestReaping:test_it_may_have_inherited_that_sigchld_is_ignored()
  local host = run([[
    print(spec.read "/proc/self/status":match "SigIgn:%s*(%x+)")
    live(false)]], under("env", "--ignore-signal=CHLD"))
  lu.assertEquals(tonumber(host.stdout[1], 16) & 1 << 16, 1 << 16)
end

TestInherited = {}

local ALL <const> =
  "HUP,INT,QUIT,USR1,USR2,PIPE,ALRM,TERM,CHLD,CONT,WINCH,RTMIN"

-- What a child has blocked, ignored and caught; it tells before it dies.
local TOLD <const> = [[
  local lines = {}
  local once = managers.process({ id = "s", one_shot = true,
    log_writer = function(line) lines[#lines + 1] = line end }, "signals")
  once:start()
  assert(#lines == 3, #lines)
  for _, line in ipairs(lines) do assert(line:find "\t0+$", line) end
]]

-- FAULTS 27
function TestInherited:test_signals_may_be_blocked_from_its_birth()
  run("live(true)" .. TOLD, under("env", "--block-signal=" .. ALL))
end

-- FAULTS 24, 27
function TestInherited:test_signals_may_be_ignored_from_its_birth()
  run("live(false)" .. TOLD, under("env", "--ignore-signal=" .. ALL))
end

TestDescriptors = {}

-- FAULTS 26: a number that no limit of now allows
function TestDescriptors:test_what_it_leaks_may_be_above_its_limit()
  run([[
    spec.probe.limit("nofile", 64)
    assert(spec.probe.readlink "/proc/self/fd/300" == "/dev/zero")
    local lines = {}
    managers.process({ id = "s", one_shot = true,
      log_writer = function(line) lines[#lines + 1] = line end },
      "fds"):start()
    assert(#lines == 3, table.concat(lines, " "))]],
    under("bash", "-c", 'exec 300</dev/zero "$0" "$@"'))
end

-- FAULTS 26: the first that is no standard one, and one above what is usual
function TestDescriptors:test_it_may_leak_the_first_and_a_high_one()
  run([[
    for _, fd in ipairs{ 3, 5000 } do
      assert(spec.probe.readlink("/proc/self/fd/" .. fd) == "/dev/zero", fd)
    end
    local lines = {}
    managers.process({ id = "s", one_shot = true,
      log_writer = function(line) lines[#lines + 1] = line end },
      "fds"):start()
    assert(#lines == 3, table.concat(lines, " "))]],
    under("bash", "-c", 'ulimit -n 5001 && exec 3</dev/zero 5000</dev/zero ' ..
                        '"$0" "$@"'))
end

-- FAULTS 31
function TestDescriptors:test_they_may_run_out_and_come_back()
  run [[
    local before = spec.probe.limit "nofile"
    local p = managers.started({ id = "a", restart_delay = 0.01 }, "forever")
    local other = managers.started({ id = "b" }, "forever")
    spec.probe.limit("nofile", 3)
    local ok, message, code = managers.process({ id = "c" }, "forever"):start()
    assert(not ok and code == "EMFILE", code)
    assert(message:find "too many open files", message)
    assert(p:signal "KILL")
    spec.eventually(function() return p:info().consecutive_failures > 2 end)
    assert(other:stop())
    spec.probe.limit("nofile", before)
    spec.eventually(function() return p:unix_pid() end)
    assert(p:stop())
    live(true)]]
end

-- FAULTS 31
function TestDescriptors:test_there_may_be_no_more_processes_and_threads()
  if not spec.read "/proc/self/status":find "\nUid:\t0\t0\t" then
    lu.skip "for root there is no such limit, and only root can be another"
  end
  local host, ok = hosts.run([[
    local before = spec.probe.limit("nproc", 1)
    local p = managers.process({ id = "a" }, "forever")
    local ok, message, code = p:start()
    print("first", ok, code)
    spec.probe.limit("nproc", before)
    print("then", p:start())
    spec.probe.limit("nproc", 1)
    print("another", select(3, managers.process({ id = "b" },
                                                "forever"):start()))
    print("stop", p:stop())
    spec.probe.limit("nproc", before)]], { username = "nobody" })
  if host:find "ermission denied" then lu.skip "nobody cannot read this" end
  lu.assertTrue(ok, host:text())
  lu.assertEquals(host.stdout, { "first\tnil\tEAGAIN", "then\ttrue",
                                 "another\tEAGAIN", "stop\ttrue\tprocess" })
end
