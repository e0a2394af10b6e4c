-- The host is somebody else's: what pexec leaves alone in it, before, during
-- and after; what its own children see; what becomes of it when it dies.

local hosts = require "hosts"
local host_state = require "host_state"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local probe = spec.probe

-- What differs, as text.
local function differences(before, after)
  local found = {}
  for name, value in pairs(before) do
    if after[name] ~= value then
      found[#found + 1] = ("%s: %s, was %s"):format(name, after[name], value)
    end
  end
  for name, value in pairs(after) do
    if before[name] == nil then
      found[#found + 1] = ("%s: %s, was not there"):format(name, value)
    end
  end
  return found
end

-- The host's state is the same before f, at each call of what f gets, and
-- after.
local function assert_untouched(f)
  local before = host_state.take()
  local function look()
    lu.assertEquals(differences(before, host_state.take()), {})
  end
  f(look)
  look()
end

local function crash_and_wait(p)
  local pid = p:unix_pid()
  spec.kill(pid, "KILL")
  spec.eventually(function()
    local now = p:unix_pid()
    return now and now ~= pid
  end)
end

-- FAULTS 25
TestUntouched = {}

function TestUntouched:test_while_a_process_starts_dies_and_stops()
  assert_untouched(function(look)
    local p = managers.started({ id = "a", restart_delay = 0,
      log_writer = function() end, on_unexpected_exit = function()
        look()
        return true
      end }, "print", "x", "forever")
    look()
    crash_and_wait(p)
    look()
    assert(p:stop())
  end)
end

function TestUntouched:test_by_starts_that_fail()
  assert_untouched(function()
    for _, fields in ipairs{ { name = "/nowhere" }, { cwd = "/nowhere" },
                             { username = "nobody-at-all" } } do
      fields.id = "a"
      lu.assertNil((managers.process(fields):start()))
    end
  end)
end

function TestUntouched:test_by_a_process_with_places_of_its_own()
  assert_untouched(function(look)
    local p = managers.started({ id = "a", cwd = "/",
      environment = { HOME = "/else", PEXEC_NEW = "1" } }, "forever")
    look()
    assert(p:stop())
  end)
end

function TestUntouched:test_by_waiting_polling_and_logging()
  assert_untouched(function(look)
    local task = pexec.task(function()
      pexec.sleep(0.01)
      look()
    end)
    pexec.pollfd()
    look()
    task:wait()
    local logger = assert(pexec.new_logger{ file = spec.tmpdir() .. "/log" })
    logger:info("x")
    look()
  end)
end

function TestUntouched:test_by_a_state_that_opens_and_closes()
  local states = require "states"
  assert_untouched(function()
    local ok, message = states.run[[
      local managers = require "managers"
      managers.started("a", "forever")]]
    lu.assertTrue(ok, message)
  end)
end

function TestUntouched:test_run_puts_every_handler_back()
  for _, disposition in ipairs{ "default", "catch", "ignore", "nocldwait" } do
    assert(probe.disposition(10, disposition))
    assert(probe.disposition(12, disposition))
    assert_untouched(function()
      local pm = managers.new()
      local task = pexec.task(pm.run, pm, { signals = { "USR1", "USR2" } })
      assert(pm:stop())
      lu.assertEquals({ task:wait() }, { true, "stopped" })
    end)
  end
  probe.disposition(10, "default")
  probe.disposition(12, "default")
end

function TestUntouched:test_run_does_so_after_a_signal_an_error_and_a_refusal()
  lu.skipIf(spec.mode == "tsan", "the sanitizer's own handlers are seen")
  assert(probe.disposition(12, "catch"))
  assert_untouched(function()
    local pm = managers.new()
    local task = pexec.task(pm.run, pm, { signals = { "USR2" } })
    lu.assertEquals(select(3, managers.new():run{
      signals = { "USR1", "USR2" } }), "EBUSY")
    spec.kill(probe.pid(), "USR2")
    lu.assertEquals({ task:wait() }, { true, "SIGUSR2" })
    local broken = managers.of(managers.fake("a", { start = function()
      error("boom", 0)
    end }))
    lu.assertEquals(managers.message_of(broken.run, broken,
                    { signals = { "USR1", "USR2" } }), "boom")
    managers.new():run{ signals = { "USR1", "KILL" } }
  end)
  probe.disposition(12, "default")
end

function TestUntouched:test_its_handlers_are_there_only_while_it_runs()
  lu.skipIf(spec.mode == "tsan", "the sanitizer's own handlers are seen")
  local before = host_state.take()
  local pm = managers.new()
  local task = pexec.task(pm.run, pm, { signals = { "USR1" } })
  local changed = differences(before, host_state.take())
  lu.assertEquals(#changed, 1)
  lu.assertStrContains(changed[1], "action 10")
  assert(pm:stop())
  task:wait()
  lu.assertEquals(differences(before, host_state.take()), {})
end

-- What a program of the host's, with these threads besides, could be hit by.
function TestUntouched:test_signals_are_left_to_the_hosts_own_threads()
  local p = managers.started("a", "forever")
  local all = ~0 & ~(3 << 31) & ~(1 << 8) & ~(1 << 18)  -- KILL and STOP
  local threads = 0
  for _, tid in ipairs(probe.list("/proc/self/task")) do
    local path = "/proc/self/task/" .. tid
    local name = spec.read(path .. "/comm") or ""
    if name:find("^pexec") then
      threads = threads + (name == "pexec-opener\n" and 0 or 1)
      local blocked = spec.read(path .. "/status"):match("SigBlk:%s*(%x+)")
      lu.assertEquals(tonumber(blocked, 16) & all, all)
    end
  end
  lu.assertEquals(threads, 2)
  assert(p:stop())
end

TestFirst = {}

-- Of a host that has not loaded pexec yet.
local BARE <const> = { is_bare = true }

function TestFirst:test_require_sets_no_global()
  local host = hosts.run([[
    local before = {}
    for name, value in pairs(_G) do before[name] = value end
    require "pexec"
    for name, value in pairs(_G) do
      if before[name] ~= value then print("new", name) end
    end
    print "looked"]], BARE)
  lu.assertEquals(host.lines, { "looked" })
end

function TestFirst:test_require_changes_nothing_in_the_host()
  local host = hosts.run([[
    local host_state, probe = require "host_state", require "probe"
    local function take()
      local state = host_state.take()
      state.fds = #probe.list("/proc/self/fd")
      state.threads = #probe.list("/proc/self/task")
      return state
    end
    local before = take()
    require "pexec"
    for name, value in pairs(take()) do
      if before[name] ~= value then print(name, before[name], value) end
    end
    print "looked"]], BARE)
  lu.assertEquals(host.lines, { "looked" })
end

-- A host that has done this has so many descriptors and threads more.
local function added(what)
  local host = hosts.run(([[
    local function count()
      return #spec.probe.list("/proc/self/fd"),
             #spec.probe.list("/proc/self/task")
    end
    local fds, threads = count()
    %s
    local fds_now, threads_now = count()
    print("fds", fds_now - fds, "threads", threads_now - threads)]])
    :format(what))
  local fds, threads = host:text():match("fds\t(%d+)\tthreads\t(%d+)")
  return tonumber(fds), tonumber(threads), host
end

function TestFirst:test_before_the_first_process_there_is_nothing_open()
  local fds, threads = added[[
    local p = managers.process("a", "forever")
    local pm = managers.of(p)
    pexec.new_process_config{ id = "x" }
    pexec.new_context{ timeout = 1 }
    pexec.new_logger{}
    pexec.task(function() return 1 end):wait()
    pexec.dispatch(0)
    pexec.dispatch()
    pm:clone()
    p:status()
    p:unix_pid()
    tostring(p)]]
  lu.assertEquals({ fds, threads }, { 0, 0 })
end

function TestFirst:test_the_first_process_brings_two_threads()
  local fds, threads = added[[
    local p = managers.started("a", "forever")]]
  -- the thread sanitizer starts one of its own
  lu.assertEquals(threads, spec.mode == "tsan" and 3 or 2)
  lu.assertTrue(fds > 0 and fds <= 16, fds)
end

TestHostsChildren = {}

-- FAULTS 25
function TestHostsChildren:test_popen_and_execute_have_their_own_answers()
  local p = managers.started({ id = "a", restart_delay = 0 }, "exit", 9)
  for code = 0, 30 do
    local pipe = assert(io.popen("echo " .. code .. "; exit " .. code))
    lu.assertEquals(pipe:read("a"), code .. "\n")
    lu.assertEquals(select(3, pipe:close()), code)
    lu.assertEquals(select(3, os.execute("exit " .. code)), code)
  end
  assert(p:stop())
end

function TestHostsChildren:test_a_death_interrupts_none_of_its_calls()
  local p = managers.started({ id = "a", restart_delay = 0 }, "exit", 0)
  local pipe = assert(io.popen("sleep 0.3; echo done"))
  lu.assertEquals(pipe:read("a"), "done\n")
  lu.assertTrue(pipe:close())
  assert(p:stop())
end

-- What a child of the host's own sees of descriptors.
local function visible()
  local pipe = assert(io.popen("exec '" .. spec.child_path .. "' fds"))
  local numbers = {}
  for line in pipe:lines() do numbers[#numbers + 1] = line:match("^%d+") end
  pipe:close()
  table.sort(numbers)
  return numbers
end

-- FAULTS 26
function TestHostsChildren:test_they_see_no_descriptor_of_pexecs()
  local file = spec.tmpdir() .. "/log"
  local before = visible()
  local p = managers.started({ id = "a", log_writer = function() end,
                               restart_delay = 0 }, "forever")
  local logger = assert(pexec.new_logger{ file = file })
  logger:info("x")
  pexec.pollfd()
  lu.assertEquals(visible(), before)
  crash_and_wait(p)
  lu.assertEquals(visible(), before)
  assert(p:stop())
end

-- FAULTS 26: born so, not made so afterwards
function TestHostsChildren:test_not_even_while_many_start()
  local before = visible()
  local stop = false
  local starter = pexec.task(function()
    while not stop do
      local once = managers.process({ id = "a", one_shot = true,
                                      log_writer = function() end }, "exit", 0)
      once:start()
    end
  end)
  for _ = 1, 30 do
    pexec.sleep(0)
    lu.assertEquals(visible(), before)
  end
  stop = true
  starter:wait()
end

-- FAULTS 28
function TestHostsChildren:test_a_restart_has_what_the_first_start_had()
  local file = spec.tmpdir() .. "/seen"
  local cwd, mask = probe.readlink("/proc/self/cwd"), probe.umask()
  assert(probe.setenv("PEXEC_CHANGES", "first"))
  local p = managers.started({ id = "a", restart_delay = 0,
    name = "/bin/sh", args = { "-c",
      'echo "$PEXEC_CHANGES $(pwd) $(umask)" >>"$0"; exec sleep 1000',
      file } })
  spec.eventually(function() return #spec.lines(spec.read(file)) == 1 end)
  assert(probe.setenv("PEXEC_CHANGES", "second"))
  assert(probe.chdir("/"))
  probe.umask(63)
  crash_and_wait(p)
  spec.eventually(function() return #spec.lines(spec.read(file)) == 2 end)
  local late = managers.process({ id = "b", one_shot = true, name = "/bin/sh",
    args = { "-c", 'echo "$PEXEC_CHANGES $(pwd) $(umask)" >>"$0"', file } })
  assert(late:start())
  probe.setenv("PEXEC_CHANGES")
  probe.chdir(cwd)
  probe.umask(mask)
  local lines = spec.lines(spec.read(file))
  lu.assertEquals(lines[1], ("first %s %04o"):format(cwd, mask))
  lu.assertEquals(lines[2], lines[1])
  lu.assertEquals(lines[3], "second / 0077")
  assert(p:stop())
end

-- FAULTS 15
TestDeathOfTheHost = {}

local FIVE = [[
  local function nobody()
    local euid = spec.read("/proc/self/status"):match("Uid:%s+%d+%s+(%d+)")
    return euid == "0" and "nobody" or nil
  end
  local pids = {}
  for i = 1, 5 do
    local p = managers.started({ id = "p" .. i, name = "sleep",
      args = { "1000" }, username = i == 5 and nobody() or nil })
    pids[i] = p:unix_pid()
  end
  print("pids " .. table.concat(pids, " "))
]]

local function assert_all_gone(host)
  local count = 0
  for pid in host:await("pids"):gmatch("%d+") do
    count = count + 1
    spec.eventually(function() return not spec.alive(tonumber(pid)) end)
  end
  lu.assertEquals(count, 5)
end

function TestDeathOfTheHost:test_killed_it_takes_its_children_along()
  local host = hosts.start(FIVE .. "pexec.sleep(1000)")
  host:await("pids")
  spec.kill(host.pid, "KILL")
  lu.assertNil((host:finish()))
  assert_all_gone(host)
end

function TestDeathOfTheHost:test_by_return_error_or_exit_none_survives()
  for _, ending in ipairs{ "return", 'error("boom")', "os.exit(3)",
                           "os.exit(0, true)" } do
    local host = hosts.run(FIVE .. ending)
    assert_all_gone(host)
  end
end

-- FAULTS 22
TestThousand = {}

function TestThousand:test_a_thousand_killed_at_once_all_come_back()
  local COUNT <const>, ROUNDS <const> = 1000, 3
  local pm = managers.new()
  local told, processes = {}, {}
  for i = 1, COUNT do
    processes[i] = managers.process({ id = "p" .. i, restart_delay = 0,
      on_unexpected_exit = function(_, exit)
        told[exit.pid] = (told[exit.pid] or 0) + 1
        return exit.signal == "SIGKILL"
      end }, "forever")
    assert(pm:add_process(processes[i], false))
  end
  assert(pm:start())
  for _ = 1, ROUNDS do
    local killed = {}
    for i, p in ipairs(processes) do killed[i] = assert(p:unix_pid()) end
    for _, pid in ipairs(killed) do assert(spec.kill(pid, "KILL")) end
    spec.eventually(function()
      for i, p in ipairs(processes) do
        local pid = p:unix_pid()
        if not pid or pid == killed[i] then return nil end
      end
      return true
    end, 60)
    for _, pid in ipairs(killed) do lu.assertEquals(told[pid], 1) end
    told = {}
  end
  assert(pm:stop())
  lu.assertEquals(told, {})
end
