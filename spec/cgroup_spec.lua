-- A process in a cgroup of its own: born there, with whatever comes of it, so
-- that nothing survives a stop; whose it is, what is made and removed, and
-- what is told where it cannot be had. Skipped where no cgroup v2 is there to
-- write to. All cgroups of this spec are below one of its own.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"
local probe = spec.probe

local BASE <const> = "/pexec-spec-" .. probe.pid()

-- {== the hierarchy =========================================================

-- Where its root is to be seen; nil: nowhere.
local function find_root()
  for line in io.lines "/proc/self/mountinfo" do
    local root, point = line:match "^%d+ %d+ %S+ (%S+) (%S+) .* %- cgroup2 "
    if root == "/" then return point end
  end
end

local root = find_root()
local dir = root and root .. BASE

local function is_there(path)
  return probe.list(path) ~= nil
end

local function run(command)
  assert(os.execute(command .. " 2>/dev/null"), command)
end

local can_make = root and os.execute(("mkdir %s 2>/dev/null && rmdir %s")
                                     :format(dir, dir))

local function need_cgroups()
  if not root then lu.skip("no cgroup v2 hierarchy is mounted as a whole") end
  if not can_make then lu.skip("no cgroup can be made in " .. root) end
end

local is_root = spec.read("/proc/self/status"):find("\nUid:\t0\t0\t0\t") ~= nil

local function need_root()
  if not is_root then lu.skip("only root can change users") end
end

-- What a test has made itself, and what a failure has left.
local function remove_all()
  if dir and is_there(dir) then
    os.execute(("find %s -depth -type d -exec rmdir {} + 2>/dev/null")
               :format(dir))
  end
end

-- {== processes =============================================================

local function new_with_logger(logger, fields, ...)
  local config = spec.child(fields, ...)
  config.cgroup = config.cgroup or { path = BASE .. "/a" }
  return assert(pexec.new_managed_process(config, logger))
end

local function new(...)
  return new_with_logger(pexec.null_logger, ...)
end

local function started(fields, ...)
  local process = new(fields, ...)
  assert(process:start())
  return process
end

-- Runs a one-shot; all that it has said.
local function said(fields, ...)
  local lines = {}
  fields.one_shot = true
  fields.log_writer = function(line) lines[#lines + 1] = line end
  assert(new(fields, ...):start())
  return table.concat(lines, "\n") .. "\n"
end

-- Does nothing of it run any more? One that the kernel is taking apart (its
-- flag PF_EXITING) has closed all that it had.
local function is_gone(pid)
  local text = spec.read("/proc/" .. pid .. "/stat")
  local state, flags = (text or ""):match
      "%) (%a) %-?%d+ %-?%d+ %-?%d+ %-?%d+ %-?%d+ (%d+) "
  return not state or state == "Z" or state == "X" or tonumber(flags) & 4 ~= 0
end

-- The verbs of one that is far away: orphaned, in a session of its own. Writes
-- its number to the file, and stays; before that it does what is given.
local function escapee(file, ...)
  local verbs = { "daemon", ... }
  for _, verb in ipairs{ "append", file, "%p", "forever", "end" } do
    verbs[#verbs + 1] = verb
  end
  return verbs
end

local function with(verbs, ...)
  local all = table.move(verbs, 1, #verbs, 1, {})
  for _, verb in ipairs{ ... } do all[#all + 1] = verb end
  return table.unpack(all)
end

local function pid_in(file)
  return spec.eventually(function()
    return tonumber((spec.read(file) or ""):match "(%d+)\n")
  end)
end

local function assert_nothing_left()
  lu.assertFalse(is_there(dir), dir .. " is still there")
end

local function assert_fails(fields, code, message)
  managers.assert_start_fails(new, fields, code, message)
end

-- {== birth =================================================================

TestBirth = { setUp = need_cgroups, tearDown = remove_all }

function TestBirth:test_a_child_is_born_in_it()
  local text = said({}, "file", "/proc/self/cgroup")
  lu.assertStrContains(text, "\n0::" .. BASE .. "/a\n")
  assert_nothing_left()
end

function TestBirth:test_a_relative_path_is_below_the_hosts()
  local own = spec.read("/proc/self/cgroup"):match "0::([^\n]*)"
  local path = BASE:sub(2) .. "/a"
  local text = said({ cgroup = { path = path } }, "file", "/proc/self/cgroup")
  lu.assertStrContains(text, "\n0::" .. own:gsub("/$", "") .. BASE .. "/a\n")
  assert_nothing_left()
end

function TestBirth:test_info_tells_where_it_is()
  local process = new({}, "forever")
  lu.assertNil(process:info().cgroup)
  assert(process:start())
  lu.assertEquals(process:info().cgroup, dir .. "/a")
  process:stop()
  lu.assertNil(process:info().cgroup)
  assert_nothing_left()
end

function TestBirth:test_another_user_is_in_it_too()
  need_root()
  local text = said({ username = "nobody" }, "file", "/proc/self/cgroup",
                    "ids")
  lu.assertStrContains(text, "\n0::" .. BASE .. "/a\n")
  lu.assertStrContains(text, "\nuid=65534\n")
end

-- FAULTS 26
function TestBirth:test_it_has_no_descriptor_of_it()
  lu.assertEquals(#spec.lines(said({}, "fds")), 3)
end

function TestBirth:test_restarts_are_in_it_too()
  local lines = {}
  local process = started({ restart_delay = 0, log_writer = function(line)
    if line:find "^0::" then lines[#lines + 1] = line end
  end }, "file", "/proc/self/cgroup")
  spec.eventually(function() return #lines >= 4 end)
  process:stop()
  lu.assertEquals(lines[1], "0::" .. BASE .. "/a")
  lu.assertEquals(lines[4], lines[1])
  assert_nothing_left()
end

function TestBirth:test_so_is_what_an_ordered_restart_makes()
  local process = started({}, "forever")
  local before = process:unix_pid()
  assert(process:restart())
  local pid = process:unix_pid()
  lu.assertNotEquals(pid, before)
  lu.assertEquals(spec.read(dir .. "/a/cgroup.procs"), pid .. "\n")
  process:stop()
  assert_nothing_left()
end

function TestBirth:test_five_side_by_side()
  local processes, tasks = {}, {}
  for i = 1, 5 do
    processes[i] = new({ id = "p" .. i, cgroup = { path = BASE .. "/" .. i },
                         log_writer = function() end }, "forever")
    tasks[i] = pexec.task(processes[i].start, processes[i])
  end
  for _, task in ipairs(tasks) do lu.assertTrue(task:wait()) end
  for i, process in ipairs(processes) do
    lu.assertEquals(spec.read(("%s/%d/cgroup.procs"):format(dir, i)),
                    process:unix_pid() .. "\n")
  end
  for i, process in ipairs(processes) do
    tasks[i] = pexec.task(process.stop, process)
  end
  for _, task in ipairs(tasks) do lu.assertTrue(task:wait()) end
  assert_nothing_left()
end

-- FAULTS 4
function TestBirth:test_one_that_cannot_be_executed_leaves_nothing()
  for _, one_shot in ipairs{ true, false } do
    local process = new{ name = "/no/such/program", one_shot = one_shot }
    local _, _, code = process:start()
    lu.assertEquals(code, "ENOENT")
    assert_nothing_left()
  end
end

-- {== escape ================================================================

TestEscape = { setUp = need_cgroups, tearDown = remove_all }

-- FAULTS 12
function TestEscape:test_one_is_gone_when_a_stop_returns()
  local file = spec.tmpdir() .. "/pid"
  local process = started({ stop_timeout = 0.3 },
                          with(escapee(file, "ignore", "TERM"), "forever"))
  local pid = pid_in(file)
  lu.assertNotEquals(spec.stat(pid).sid, process:unix_pid())
  lu.assertEquals({ process:stop() }, { true, "kill" })
  lu.assertTrue(is_gone(pid))
  assert_nothing_left()
end

-- Without a cgroup it is out of reach: what the others show is not luck.
function TestEscape:test_without_a_cgroup_it_lives_on()
  local file = spec.tmpdir() .. "/pid"
  local config = spec.child(with(escapee(file), "forever"))
  local process = assert(pexec.new_managed_process(config, pexec.null_logger))
  assert(process:start())
  local pid = pid_in(file)
  process:stop()
  lu.assertFalse(is_gone(pid))
  spec.kill(pid, "KILL")
end

function TestEscape:test_signals_to_the_group_reach_it_too()
  local file, lines = spec.tmpdir() .. "/pid", {}
  local process = started({ stop_timeout = 30, log_writer = function(line)
    lines[#lines + 1] = line
  end }, with(escapee(file, "trapexit", "TERM", "0.2", "0", "obeyed"),
              "forever"))
  local pid = pid_in(file)
  lu.assertEquals({ process:stop() }, { true, "group" })
  lu.assertTrue(is_gone(pid))
  lu.assertEquals(lines, { "obeyed" })
  assert_nothing_left()
end

function TestEscape:test_so_do_those_of_a_sequence()
  local file, lines = spec.tmpdir() .. "/pid", {}
  local process = started({ log_writer = function(line)
    lines[#lines + 1] = line
  end, stop_sequence = { { signal = "QUIT", to = "group", wait = 30 } } },
    "trapexit", "QUIT", "0", "0", "too",
    with(escapee(file, "trapexit", "QUIT", "0", "0", "obeyed"), "forever"))
  local pid = pid_in(file)
  lu.assertTrue((process:stop()))
  lu.assertTrue(is_gone(pid))
  table.sort(lines)
  lu.assertEquals(lines, { "obeyed", "too" })
end

function TestEscape:test_it_is_told_of_where_it_had_to_be_killed()
  local file = spec.tmpdir() .. "/pid"
  local process = started({ stop_sequence = { { signal = "TERM",
                                                wait = 0.1 } } },
      "ignore", "TERM", with(escapee(file), "forever"))
  local pids = { process:unix_pid(), pid_in(file) }
  local ok, stage, _, killed = process:stop()
  lu.assertEquals({ ok, stage }, { true, "kill" })
  table.sort(pids)
  table.sort(killed)
  lu.assertEquals(killed, pids)
end

-- A second signal could mean something else.
function TestEscape:test_its_group_is_signalled_once()
  local file, ready = spec.tmpdir() .. "/signals", spec.tmpdir() .. "/pid"
  local process = started({ stop_timeout = 0.5 }, "count", "TERM", file,
                          "fork", "forever", "end", "append", ready, "%p",
                          "forever")
  pid_in(ready)
  process:stop()
  -- One to the process, and then one to each of the two in its group.
  lu.assertEquals(#spec.lines(spec.read(file)), 3)
end

function TestEscape:test_it_is_gone_after_a_kill()
  local file = spec.tmpdir() .. "/pid"
  local process = started({}, with(escapee(file), "forever"))
  local pid = pid_in(file)
  process:kill_group()
  lu.assertTrue(process:wait())
  lu.assertTrue(is_gone(pid))
  assert_nothing_left()
end

function TestEscape:test_it_is_gone_before_a_restart()
  local tmp, lines = spec.tmpdir(), {}
  local process = started({ restart_delay = 0, log_writer = function(line)
    lines[#lines + 1] = line
  end }, "once", tmp .. "/once",
    with(escapee(tmp .. "/pid"), "waitfile", tmp .. "/pid", "exit", "1",
         "end", "print", "again", "forever"))
  spec.eventually(function() return lines[1] == "again" end)
  lu.assertTrue(is_gone(pid_in(tmp .. "/pid")))
  lu.assertEquals(spec.read(dir .. "/a/cgroup.procs"),
                  process:unix_pid() .. "\n")
  process:stop()
  assert_nothing_left()
end

function TestEscape:test_it_is_gone_when_the_handler_says_no()
  local file = spec.tmpdir() .. "/pid"
  local process = started({ on_unexpected_exit = function() return false end },
      with(escapee(file), "waitfile", file, "exit", "1"))
  lu.assertTrue(process:wait())
  lu.assertTrue(is_gone(pid_in(file)))
  assert_nothing_left()
end

function TestEscape:test_it_is_gone_with_a_one_shot_that_is_cancelled()
  local file = spec.tmpdir() .. "/pid"
  local process = new({ one_shot = true }, with(escapee(file), "forever"))
  local context = pexec.new_context()
  local task = pexec.task(process.start, process, context)
  local pid = pid_in(file)
  context:cancel()
  local _, _, code = task:wait()
  lu.assertEquals(code, "CANCELED")
  lu.assertTrue(is_gone(pid))
  assert_nothing_left()
end

function TestEscape:test_it_is_gone_with_the_supervisor()
  local file = spec.tmpdir() .. "/pid"
  local output, status = spec.run_script(([[
    local pexec, spec = require "pexec", require "spec"
    local config = spec.child("daemon", "ignore", "TERM", "append", %q, "%%p",
                              "forever", "end", "forever")
    config.cgroup, config.stop_timeout = { path = %q }, 0.2
    local process = pexec.new_managed_process(config, pexec.null_logger)
    assert(process:start())
    spec.eventually(function() return spec.read(%q) end)
  ]]):format(file, BASE .. "/a", file))
  lu.assertEquals({ output, status }, { "", 0 })
  lu.assertTrue(is_gone(pid_in(file)))
  assert_nothing_left()
end

function TestEscape:test_so_is_one_in_a_cgroup_that_it_has_made_below()
  local tmp = spec.tmpdir()
  local process = started({ stop_timeout = 0.3, name = "/bin/sh", args = {
    "-c", ([[mkdir -p %s/a/x/y; (trap '' TERM; while :; do sleep 1; done) &
             echo $! >%s/a/x/y/cgroup.procs && echo $! >%s/pid; exec sleep 60]])
          :format(dir, dir, tmp) } })
  local pid = pid_in(tmp .. "/pid")
  lu.assertStrContains(spec.read(("/proc/%d/cgroup"):format(pid)), "/a/x/y\n")
  lu.assertEquals({ process:stop() }, { true, "kill" })
  lu.assertTrue(is_gone(pid))
  assert_nothing_left()
end

function TestEscape:test_many_are_gone_too()
  local process = started({ stop_timeout = 0.5, name = "/bin/sh", args = {
    "-c", "trap '' TERM; i=0; while [ $i -lt 200 ]; do "
    .. "setsid sleep 300 & i=$((i+1)); done; wait; exec sleep 300" } })
  spec.eventually(function()
    return #spec.lines(spec.read(dir .. "/a/cgroup.procs")) >= 201
  end)
  lu.assertTrue((process:stop()))
  assert_nothing_left()
end

-- As what is left in a group is; but it is known whose they are.
function TestEscape:test_a_one_shot_may_leave_some_until_it_is_started_again()
  local tmp, logger = spec.tmpdir(), spec.collecting_logger()
  local process = new_with_logger(logger, { one_shot = true }, "once",
      tmp .. "/once", with(escapee(tmp .. "/pid"), "waitfile", tmp .. "/pid",
                           "end"))
  assert(process:start())
  local pid = pid_in(tmp .. "/pid")
  lu.assertFalse(is_gone(pid))
  lu.assertEquals(process:info().cgroup, dir .. "/a")
  spec.eventually(function()
    return logger:find(('its cgroup "%s/a" stays: processes are left in it')
                       :format(dir))
  end)
  assert(process:start())
  lu.assertTrue(is_gone(pid))
  assert_nothing_left()
end

-- {== strangers =============================================================

TestStrangers = { setUp = need_cgroups, tearDown = remove_all }

function TestStrangers:test_a_second_process_with_its_path_is_refused()
  local process = started({}, "forever")
  local pid = process:unix_pid()
  assert_fails({}, "EBUSY", ('preparing its cgroup: the cgroup "%s/a" holds '
                             .. "processes already: %d (%s)")
                            :format(dir, pid, spec.stat(pid).name))
  lu.assertTrue(process:status())
  process:stop()
  lu.assertStrContains(said({}, "file", "/proc/self/cgroup"), BASE .. "/a\n")
end

-- Its turn would come again, and it would kill what it found.
function TestStrangers:test_so_it_is_while_the_first_waits_for_its_restart()
  local process = started({ restart_delay = 300 }, "exit", "1")
  spec.eventually(function() return process:info().state == "backoff" end)
  assert_fails({}, "EBUSY", ('preparing its cgroup: the cgroup "%s/a" is '
                             .. "another process's of pexec"):format(dir))
  process:stop()
  assert_nothing_left()
end

function TestStrangers:test_a_stranger_is_never_killed()
  run(("mkdir -p %s/a"):format(dir))
  local stranger = assert(pexec.new_managed_process({ id = "stranger",
      name = "sleep", args = { "300" } }, pexec.null_logger))
  assert(stranger:start())
  local pid = stranger:unix_pid()
  spec.write(dir .. "/a/cgroup.procs", tostring(pid))
  assert_fails({}, "EBUSY", ('preparing its cgroup: the cgroup "%s/a" holds '
                             .. "processes already: %d (sleep)")
                            :format(dir, pid))
  lu.assertFalse(is_gone(pid))
  stranger:stop()
end

-- {== directories ===========================================================

TestDirectories = { setUp = need_cgroups, tearDown = remove_all }

function TestDirectories:test_what_was_there_before_stays()
  run(("mkdir -p %s/a"):format(dir))
  said({ cgroup = { path = BASE .. "/a/b/c" } })
  lu.assertTrue(is_there(dir .. "/a"))
  lu.assertFalse(is_there(dir .. "/a/b"))
  said({})
  lu.assertTrue(is_there(dir .. "/a"))
end

function TestDirectories:test_those_above_go_with_the_last_one()
  local one = started({ cgroup = { path = BASE .. "/s/1" } }, "forever")
  local two = started({ cgroup = { path = BASE .. "/s/2" } }, "forever")
  one:stop()
  lu.assertFalse(is_there(dir .. "/s/1"))
  lu.assertTrue(is_there(dir .. "/s/2"))
  two:stop()
  assert_nothing_left()
end

function TestDirectories:test_what_a_killed_host_has_left_goes_with_the_next()
  local output, status = spec.run_script(([[
    local pexec, spec = require "pexec", require "spec"
    local config = spec.child("forever")
    config.cgroup = { path = %q }
    assert(pexec.new_managed_process(config, pexec.null_logger):start())
    spec.kill(spec.probe.pid(), "KILL")
  ]]):format(BASE .. "/a"))
  lu.assertEquals({ output, status }, { "", 137 })
  lu.assertTrue(is_there(dir .. "/a"))
  spec.eventually(function()
    return spec.read(dir .. "/a/cgroup.events"):find "populated 0"
  end)
  said({})
  assert_nothing_left()
end

function TestDirectories:test_what_was_still_needed_goes_with_the_process()
  local tmp = spec.tmpdir()
  local held = { new({ one_shot = true }, with(escapee(tmp .. "/pid"),
                                               "waitfile", tmp .. "/pid")) }
  assert(held[1]:start())
  spec.kill(pid_in(tmp .. "/pid"), "KILL")
  spec.eventually(function()
    return spec.read(dir .. "/a/cgroup.events"):find "populated 0"
  end)
  held[1] = nil
  spec.eventually(function()
    collectgarbage()
    return not is_there(dir)
  end)
end

-- {== what it cannot have ===================================================

TestRefusals = { setUp = need_cgroups, tearDown = remove_all }

local ADVICE <const> = " (it is not delegated to the host's user: its "
    .. "directory, cgroup.procs and cgroup.subtree_control are to be his, and "
    .. "the host is to run below the same delegated cgroup)"

-- FAULTS 6
function TestRefusals:test_a_cgroup_that_is_not_delegated()
  need_root()
  spec.as_nobody(function()
    assert_fails({}, "EACCES", ('preparing its cgroup "%s": permission denied')
                               :format(dir) .. ADVICE)
  end)
  assert_nothing_left()
end

-- As the host's user may write there, but not take anybody there.
function TestRefusals:test_one_that_is_delegated_to_somebody_elsewhere()
  need_root()
  run(("mkdir %s && chown nobody %s"):format(dir, dir))
  spec.as_nobody(function()
    assert_fails({}, "EACCES", 'entering its cgroup "' .. BASE .. '/a": '
                 .. "permission denied" .. ADVICE)
  end)
  lu.assertFalse(is_there(dir .. "/a"))
end

local SETTINGS <const> = {
  memory = { "memory_max", 1 << 30 }, pids = { "pids_max", 100 },
  cpu = { "cpu_weight", 50 }
}

local function controllers()
  local there = {}
  for word in spec.read(root .. "/cgroup.controllers"):gmatch "%S+" do
    there[word] = true
  end
  return there
end

for name, setting in pairs(SETTINGS) do
  TestRefusals["test_without_the_controller_" .. name] = function()
    local there = spec.read(root .. "/cgroup.controllers"):gsub("\n", "")
    if controllers()[name] then lu.skip("it is there: " .. there) end
    if there == "" then there = "none" end
    local cgroup = { path = BASE .. "/a", [setting[1]] = setting[2] }
    assert_fails({ cgroup = cgroup }, "EOPNOTSUPP",
        ("preparing its cgroup: there is no controller %s: "
         .. '"%s/cgroup.controllers" has %s'):format(name, root, there))
    assert_nothing_left()
  end
end

TestControllers = { setUp = need_cgroups, tearDown = remove_all }

for name, setting in pairs(SETTINGS) do
  local file = setting[1]:gsub("_", ".")
  TestControllers["test_" .. setting[1] .. "_is_set"] = function()
    if not controllers()[name] then
      lu.skip(("there is no controller %s in %s/cgroup.controllers")
              :format(name, root))
    end
    local before = spec.read(root .. "/cgroup.subtree_control")
    local process = started({ cgroup = { path = BASE .. "/s/a",
                              [setting[1]] = setting[2] } }, "forever")
    local text = spec.read(dir .. "/s/a/" .. file)
    process:stop()
    if not before:find(name, 1, true) then
      spec.write(root .. "/cgroup.subtree_control", "-" .. name)
    end
    lu.assertEquals(text, setting[2] .. "\n")
    assert_nothing_left()
  end
end

-- {== delegation ============================================================

TestDelegation = { setUp = need_cgroups, tearDown = remove_all }

-- It lives in a cgroup below the one that is delegated, whose neighbours it
-- makes.
function TestDelegation:test_a_host_that_is_not_root()
  need_root()
  local tmp, lines = spec.tmpdir(), {}
  run(("chmod 777 %s && mkdir %s"):format(tmp, dir))
  for _, file in ipairs{ "", "/cgroup.procs", "/cgroup.subtree_control" } do
    run(("chown nobody %s%s"):format(dir, file))
  end
  spec.write(tmp .. "/script.lua", ([[
    local pexec, spec = require "pexec", require "spec"
    local config = spec.child("file", "/proc/self/cgroup", "daemon", "ignore",
        "TERM", "append", %q, "%%p", "forever", "end", "forever")
    config.cgroup, config.stop_timeout = { path = %q }, 0.2
    config.log_writer = function(line) print(line) end
    local process = pexec.new_managed_process(config, pexec.null_logger)
    assert(process:start())
    spec.eventually(function() return spec.read(%q) end)
    print(process:stop())
  ]]):format(tmp .. "/pid", BASE .. "/work", tmp .. "/pid"))
  local host = new({ one_shot = true, username = "nobody",
    name = spec.lua_path, args = { tmp .. "/script.lua" },
    cgroup = { path = BASE .. "/host" },
    log_writer = function(line) lines[#lines + 1] = line end })
  assert(host:start())
  local text = table.concat(lines, "\n")
  lu.assertStrContains(text, "0::" .. BASE .. "/work\n")
  lu.assertStrContains(text, "\ntrue\tkill")
  lu.assertTrue(is_gone(pid_in(tmp .. "/pid")))
  lu.assertEquals(probe.list(dir .. "/work"), nil)
  lu.assertFalse(is_there(dir .. "/host"))
end
