-- Hosts at the kernel's limits, with real processes: descriptors, processes
-- and threads, a cgroup's number of tasks, a disk without files left. For a
-- while or for good: a start says so, restarts are tried again, what runs is
-- supervised and can be stopped, and when there is room again nobody has to do
-- anything.

local disks = require "disks"
local hosts = require "hosts"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local probe = spec.probe
local is_root = spec.read("/proc/self/status"):find("\nUid:\t0\t0\t0\t") ~= nil

-- A host's script to its end; what it has said.
local function run(script, settings)
  local host, ok = hosts.run(script .. "\nprint 'done'", settings)
  lu.assertTrue(ok, host:text())
  lu.assertEquals(host.stdout[#host.stdout], "done", host:text())
  return host
end

-- What each script has: 'victim', which comes back whenever it is killed;
-- 'other', which only runs; at_limit(set, clear): between the two the victim
-- dies, and its restarts fail; then it is back.
local HEAD <const> = [[
  local victim = managers.started({ id = "victim", restart_delay = 0.01 },
                                  "forever")
  local other = managers.started({ id = "other" }, "forever")
  local function failures() return victim:info().consecutive_failures end
  local function kill_victim()
    local pid, before = assert(victim:unix_pid()), failures()
    assert(victim:signal "KILL")
    spec.eventually(function() return not spec.alive(pid) end)
    spec.eventually(function() return failures() > before + 3 end)
    assert(not victim:unix_pid())
  end
  local function assert_back()
    spec.eventually(function() return victim:unix_pid() end)
    spec.eventually(function() return victim:status() end)
  end
]]

-- A stop at the limit, of one that waits for its restart and of one that runs.
-- Then the limit is lifted by 'lift': at its exit the leak sanitizer wants a
-- descriptor and a thread.
local function stops(lift)
  return [[

    print("victim", victim:stop())
    print("other", other:stop())
    ]] .. lift
end

local function assert_stopped(host)
  lu.assertNotNil(host:find "victim\ttrue", host:text())
  lu.assertEquals(host:find "other", "other\ttrue\tprocess")
end

TestDescriptors = {}

-- FAULTS 31: with any number of descriptors that is too small
function TestDescriptors:test_a_start_with_each_number_of_them()
  run [[
    local limit = spec.probe.limit "nofile"
    local dir = spec.tmpdir()
    local function fds() return #spec.probe.list "/proc/self/fd" end
    local function new()
      return managers.process({ id = "new", stdin = "pipe",
        stdout = { file = dir .. "/out", format = "text" },
        stderr = { { file = dir .. "/err" }, { file = dir .. "/all" } } },
        "print", "hello", "forever")
    end
    local first = new()
    assert(first:start() and first:stop())
    local before, failures = fds(), 0
    for most = 3, 200 do
      local p = new()
      spec.probe.limit("nofile", most)
      local ok, message, code = p:start()
      local stopped, stage = p:stop()
      spec.probe.limit("nofile", limit)
      assert(stopped, stage)
      spec.eventually(function() return fds() <= before, fds(), most end)
      if ok then break end
      assert(code == "EMFILE", code)
      assert(message:find "too many open files", message)
      failures = failures + 1
    end
    assert(failures > 10 and failures < 100, failures)
    spec.remove_directories()]]
end

-- FAULTS 31
function TestDescriptors:test_a_restart_with_each_number_of_them()
  run(HEAD .. [[
    local limit = spec.probe.limit "nofile"
    local top = 0
    for _, fd in ipairs(spec.probe.list "/proc/self/fd") do
      top = math.max(top, tonumber(fd))
    end
    for most = 3, top + 1 do
      local pid, starts = victim:unix_pid(), victim:info().starts
      local before = failures()
      spec.probe.limit("nofile", most)
      assert(victim:signal "KILL")
      spec.eventually(function()
        return failures() > before + 2 or victim:info().starts > starts
      end)
      spec.probe.limit("nofile", limit)
      spec.eventually(function()
        local now = victim:unix_pid()
        return now and now ~= pid
      end)
    end
    assert(other:status())
    spec.probe.limit("nofile", 3)
    kill_victim()]] .. stops 'spec.probe.limit("nofile", limit)')
end

TestProcesses = {}

-- FAULTS 31
function TestProcesses:test_a_restart_without_room_for_one_more()
  if not is_root then lu.skip "only root can be another user" end
  local host, ok = hosts.run(HEAD .. [[
    local limit = spec.probe.limit("nproc", 1)
    kill_victim()
    print("start", select(3, managers.process("new", "forever"):start()))
    spec.probe.limit("nproc", limit)
    assert_back()
    spec.probe.limit("nproc", 1)
    kill_victim()]] .. stops 'spec.probe.limit("nproc", limit)',
    { username = "nobody" })
  if host:find "ermission denied" then lu.skip "nobody cannot read this" end
  lu.assertTrue(ok, host:text())
  lu.assertEquals(host:find "start", "start\tEAGAIN")
  assert_stopped(host)
end

-- {== a cgroup that limits tasks ============================================

TestTasks = {}

-- Where cgroups can be made whose tasks can be limited; nil: nowhere.
local function find_pids()
  for line in io.lines "/proc/self/mountinfo" do
    local root, point, kind, rest =
        line:match "^%d+ %d+ %S+ (%S+) (%S+) .* %- (cgroup2?) %S+ (.*)$"
    local controllers = kind == "cgroup2"
        and spec.read(point .. "/cgroup.subtree_control") or rest
    if root == "/" and (" " .. (controllers or "") .. " "):gsub(",", " ")
                       :find "%spids%s" then
      return point
    end
  end
end

local cgroup

function TestTasks:setUp()
  local point = find_pids()
  if not point then lu.skip "no cgroup has the pids controller" end
  local path = point .. "/pexec-spec-" .. probe.pid()
  if not os.execute(("mkdir '%s' 2>/dev/null"):format(path)) then
    lu.skip("no cgroup can be made in " .. point)
  end
  cgroup = path
end

function TestTasks:tearDown()
  if not cgroup then return end
  local path = cgroup
  cgroup = nil
  spec.eventually(function()
    return os.execute(("rmdir '%s' 2>/dev/null"):format(path))
  end)
end

-- The script has limit(n): so many tasks, the host's threads among them, and
-- their children; nil: any number.
local function run_in_cgroup(script)
  return run(([[
    local dir = %q
    local function limit(n) spec.write(dir .. "/pids.max", n or "max") end
    local function tasks()
      return tonumber(spec.read(dir .. "/pids.current"))
    end
  ]]):format(cgroup) .. script, { under = { "sh", "-c",
      ('echo $$ >"%s/cgroup.procs" && exec "$0" "$@"'):format(cgroup) } })
end

-- FAULTS 31: no thread of its own can be made, either.
function TestTasks:test_a_first_start_with_each_number_of_them()
  run_in_cgroup [[
    local path = spec.tmpdir() .. "/log"
    local fds = #spec.probe.list "/proc/self/fd"
    local failures = 0
    for most = tasks(), tasks() + 20 do
      local p = managers.process({ id = "new", stdout = { file = path } },
                                 "forever")
      limit(tostring(most))
      local ok, message, code = p:start()
      local stopped, why = p:stop()
      limit()
      assert(stopped, why)
      if ok then break end
      assert(code == "EAGAIN", code)
      failures = failures + 1
    end
    assert(failures > 1 and failures < 10, failures)
    spec.remove_directories()]]
end

-- FAULTS 31
function TestTasks:test_a_restart_without_room_for_one_more()
  assert_stopped(run_in_cgroup(HEAD .. [[
    limit "1"
    kill_victim()
    local new = managers.process("new", "forever")
    assert(select(3, new:start()) == "EAGAIN")
    limit()
    assert_back()
    limit "1"
    kill_victim()]] .. stops "limit()"))
end

-- {== a disk without room for one more file =================================

TestFiles = {}

function TestFiles:tearDown() disks.remove() end

-- A disk, and what takes the rest of its files until it is called.
local function disk_for(files)
  local path = disks.small(4096, files)
  local taken = {}
  for i = 1, files do
    local file = io.open(path .. "/taken" .. i, "w")
    if not file then break end
    file:close()
    taken[i] = path .. "/taken" .. i
  end
  lu.assertTrue(#taken > 0 and #taken <= files)
  return path, function()
    for _, name in ipairs(taken) do assert(os.remove(name)) end
  end
end

-- FAULTS 31, 38
function TestFiles:test_a_start_says_so_and_can_be_tried_again()
  local path, free = disk_for(8)
  local process = managers.process({ id = "a",
      stdout = { file = path .. "/log" } }, "print", "hello", "forever")
  local ok, message, code = process:start()
  lu.assertEquals({ ok, code }, { nil, "ENOSPC" })
  lu.assertStrContains(message, path .. "/log")
  free()
  lu.assertEquals({ process:start() }, { true })
  spec.eventually(function()
    return spec.read(path .. "/log") == "hello\n"
  end)
  lu.assertEquals({ process:stop() }, { true, "process" })
end

-- FAULTS 31, 38: whose file somebody has removed, and another one's taken it
function TestFiles:test_what_runs_goes_on_and_comes_back()
  local path = disks.small(4096, 1)
  local log = path .. "/log"
  local process = managers.started({ id = "a", restart_delay = 0.01,
      stdout = { file = log, max_size = 0 } }, "print", "hello", "forever")
  local other = managers.started("b", "forever")
  spec.eventually(function() return spec.read(log) == "hello\n" end)
  assert(os.rename(log, path .. "/old"))
  local starts = process:info().starts
  assert(process:signal "KILL")
  spec.eventually(function()
    local info = process:info()
    return info.consecutive_failures > 2 or info.starts > starts
  end)
  lu.assertEquals({ other:status() }, { true })
  assert(os.remove(path .. "/old"))
  spec.eventually(function()
    return process:status() and (spec.read(log) or ""):find "hello\n"
  end)
  lu.assertEquals({ process:stop() }, { true, "process" })
  assert(other:stop())
  while pexec.dispatch(0) > 0 do end
end

-- FAULTS 31, 38: a rotation that cannot make its next file
function TestFiles:test_no_line_is_lost_where_a_file_cannot_be_rotated()
  local path = disks.small(4096, 1)
  local log = spec.collecting_logger()
  local process = assert(pexec.new_managed_process(spec.child({ id = "a",
      stdout = { file = path .. "/log", max_size = 1024, keep = 2,
                 on_full = "block" } }, "lines", 500, "forever"), log))
  assert(process:start())
  spec.eventually(function()
    return process:info().output.stdout.lines == 500
  end)
  lu.assertEquals({ process:stop() }, { true, "process" })
  local lines = {}
  for _, name in ipairs(probe.list(path)) do
    table.insert(lines, spec.read(path .. "/" .. name))
  end
  lu.assertStrContains(table.concat(lines), "line 500\n")
  lu.assertEquals(process:info().output.stdout.drops, 0)
end
