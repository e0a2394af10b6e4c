-- Hosts on kernels that have or allow less: what there is instead, what is
-- refused and how that is told, and that nothing is left of it. A filter of
-- system calls stands for an older kernel, which answers ENOSYS, and for a
-- container, which may answer EPERM.

local hosts = require "hosts"
local lu = require "luaunit"
local pages = require "pages"
local spec = require "spec"

local RESTRICT <const> = spec.child_path:gsub("[^/]*$", "restrict")

local is_root = spec.read("/proc/self/status"):find("\nUid:\t0\t0\t0\t") ~= nil
local is_basic = os.getenv "PEXEC_BASIC_KERNEL" == "1"

-- What every script may use: a one-shot's lines, or its error; and a loop
-- that looks at nothing but processes' answers.
local HEAD <const> = [[
  local function said(fields, ...)
    local lines = {}
    fields.id, fields.one_shot = "once", true
    fields.log_writer = function(line) lines[#lines + 1] = line end
    local ok, message, code = managers.process(fields, ...):start()
    if not ok then return code .. ": " .. message end
    return table.concat(lines, " ")
  end
  local function is_there(pid) return (spec.probe.kill(pid, 0)) end
]]

-- A host's script under this, to its end: its lines, by their first word.
local function told_under(under, script, settings)
  settings = settings or {}
  settings.under = under
  local host, ok = hosts.run(HEAD .. script .. "\nprint('done')", settings)
  if host:find("restrict: no seccomp filter") then
    lu.skip "there is no seccomp filter to be had"
  end
  local told = {}
  for _, line in ipairs(host.lines) do
    local word, rest = line:match "^(%S+)%s*(.*)$"
    told[word or ""] = rest
  end
  lu.assertTrue(ok and told.done ~= nil, host:text())
  return told
end

-- Sanitizers need these themselves.
local function is_possible(rule)
  return spec.mode == "plain" or not (rule:find "^prlimit64"
                                      or rule:find "^sched_getaffinity")
end

local function under(rules)
  local words = { RESTRICT }
  for rule in rules:gmatch "%S+" do
    if is_possible(rule) then words[#words + 1] = rule end
  end
  words[#words + 1] = "--"
  return words
end

-- All that a host does in a day. Descriptors that it leaks, many of them, are
-- none of its children's.
local DAY <const> = [[
  local leaks = {}
  for i = 1, 300 do leaks[i] = assert(io.open("/dev/zero")) end
  local fds = said({}, "fds")
  print("fds", (fds:gsub("pipe:%[%d+%]", "pipe")))
  print("code", said({}, "exit", 3))
  print("missing", said{ name = "/nowhere" })

  local p = managers.started({ id = "a", restart_delay = 0 }, "forever")
  local pid = p:unix_pid()
  assert(p:signal("KILL"))
  spec.eventually(function() return p:info().starts == 2 end)
  print("record", p:history()[1].signal, p:history()[1].pid == pid)
  assert(p:restart())
  print("stop", p:stop())

  local dir = spec.tmpdir()
  local group = managers.started({ id = "b", stop_timeout = 0.3 }, "fork",
      "ignore", "TERM", "append", dir .. "/pid", "%p", "forever", "end",
      "forever")
  local member = spec.eventually(function()
    return math.tointeger(tonumber(spec.read(dir .. "/pid") or ""))
  end)
  print("group", group:stop())
  spec.eventually(function() return not is_there(member) end)

  local file = dir .. "/log"
  local flood = managers.started({ id = "c", stdout = { file = file,
      max_size = 4096, keep = 3 } }, "lines", 2000, "forever")
  spec.eventually(function() return spec.read(file .. ".3") end)
  print("logs", flood:stop())
  spec.remove_directories()
]]

local function assert_a_usual_day(told)
  lu.assertEquals(told.fds, "0=/dev/null 1=pipe 2=pipe")
  lu.assertStrContains(told.code, "EXIT_STATUS: ")
  lu.assertStrContains(told.code, "exit status 3")
  lu.assertStrContains(told.missing, "ENOENT: ")
  lu.assertEquals(told.record, "SIGKILL\ttrue")
  lu.assertEquals(told.stop, "true\tprocess")
  lu.assertEquals(told.group, "true\tkill")
  lu.assertEquals(told.logs, "true\tprocess")
end

TestInstead = {}

function TestInstead:test_a_day_without_restrictions()
  assert_a_usual_day(told_under(nil, DAY))
end

-- One that is missing, or refused, and that nothing is missed of.
local INSTEAD <const> = {
  close_range_ENOSYS = "close_range=ENOSYS",
  close_range_EPERM = "close_range=EPERM",
  close_range_before_its_flag = "close_range.cloexec=EINVAL",
  its_flag_ENOSYS = "close_range.cloexec=ENOSYS",
  its_flag_EPERM = "close_range.cloexec=EPERM",
  signals_ENOSYS = "pidfd_send_signal=ENOSYS",
  signals_EPERM = "pidfd_send_signal=EPERM",
  groups_EINVAL = "pidfd_send_signal.group=EINVAL",
  groups_ENOSYS = "pidfd_send_signal.group=ENOSYS",
  groups_EPERM = "pidfd_send_signal.group=EPERM",
  clone3_ENOSYS = "clone3=ENOSYS",
  pidfd_info_ENOTTY = "ioctl.pidfd_info=ENOTTY",
  pidfd_info_ENOSYS = "ioctl.pidfd_info=ENOSYS",
  pidfd_info_EPERM = "ioctl.pidfd_info=EPERM",
  renameat2_ENOSYS = "renameat2=ENOSYS",
  renameat2_EPERM = "renameat2=EPERM",
  -- of these the C library and libuv know, or nobody asks for them
  others_ENOSYS = "pidfd_open=ENOSYS getrandom=ENOSYS memfd_create=ENOSYS "
    .. "io_uring_setup=ENOSYS statx=ENOSYS rseq=ENOSYS openat2=ENOSYS "
    .. "faccessat2=ENOSYS prlimit64=ENOSYS ioprio_set=ENOSYS capset=ENOSYS "
    .. "sched_setaffinity=ENOSYS setpriority=ENOSYS",
  others_EPERM = "pidfd_open=EPERM getrandom=EPERM memfd_create=EPERM "
    .. "io_uring_setup=EPERM openat2=EPERM ioprio_set=EPERM capset=EPERM "
    .. "sched_setaffinity=EPERM setpriority=EPERM statx=EPERM "
    .. "faccessat2=EPERM rseq=EPERM prlimit64=EPERM prctl.ambient=EPERM",
}

for name, rules in pairs(INSTEAD) do
  TestInstead["test_a_day_with_" .. name] = function()
    assert_a_usual_day(told_under(under(rules), DAY))
  end
end

-- FAULTS 37: it has all that is needed, and no more.
function TestInstead:test_a_day_on_linux_5_4()
  assert_a_usual_day(told_under(under("close_range=ENOSYS openat2=ENOSYS "
    .. "pidfd_send_signal.group=EINVAL ioctl.pidfd_info=ENOTTY "
    .. "faccessat2=ENOSYS"), DAY))
end

-- FAULTS 24, 37: one that is reaped by the kernel, which does not tell.
function TestInstead:test_an_end_that_nobody_tells_of_is_unknown()
  local told = told_under(under "ioctl.pidfd_info=ENOTTY", [[
    spec.probe.disposition(17, "ignore")
    local p = managers.started({ id = "a", restart = "never" }, "exit", 3)
    assert(p:wait())
    print("record", p:history()[1].exit_code, p:history()[1].signal)]])
  lu.assertEquals(told.record, "nil\tnil")
end

TestRefused = {}

local FILTERED <const> = " (the kernel is older, or a seccomp filter, such as "
  .. "a container's, refuses it)"

-- A call, a field that wants it, and what is told then.
local WANTED <const> = {
  { "prlimit64=ENOSYS", "limits = { core = 0 }", "setting its limit core to "
    .. "0:0: function not implemented" .. FILTERED },
  { "ioprio_set=ENOSYS", "io_priority = { class = 'idle' }",
    "setting its io_priority: function not implemented" .. FILTERED },
  { "ioprio_set=EPERM", "io_priority = { class = 'idle' }",
    "setting its io_priority: operation not permitted" },
  { "sched_setaffinity=ENOSYS", "cpu_affinity = { 0 }",
    "setting its cpu_affinity: function not implemented" .. FILTERED },
  { "prlimit64=EPERM", "limits = { core = 0 }", "setting its limit core to "
    .. "0:0: operation not permitted" },
  { "sched_getaffinity=ENOSYS", "cpu_affinity = { 0 }",
    "setting its cpu_affinity: function not implemented" .. FILTERED },
  { "sched_getaffinity=EPERM", "cpu_affinity = { 0 }",
    "setting its cpu_affinity: operation not permitted" },
  { "setpriority=ENOSYS", "nice = 5", "setting its nice value to 5: function "
    .. "not implemented" .. FILTERED },
  { "setpriority=EPERM", "nice = 5",
    "setting its nice value to 5: operation not permitted" },
  { "capset=EPERM", "capabilities = {}",
    "setting its capabilities: operation not permitted" },
  { "prctl.ambient=ENOSYS", "capabilities = { 'kill' }",
    "setting its capabilities: function not implemented" .. FILTERED },
  { "prctl.ambient=EPERM", "capabilities = { 'kill' }",
    "setting its capabilities: operation not permitted" },
  { "prctl.ambient=EINVAL", "capabilities = { 'kill' }",
    "setting its capabilities: invalid argument" },
}

-- FAULTS 6, 37: nothing has run; without the field all is well.
function TestRefused:test_a_field_that_wants_it_is_an_error()
  for _, case in ipairs(WANTED) do
    local rule, field, message = table.unpack(case)
    if is_possible(rule) and (is_root or not field:find "capabilities") then
      local trace = spec.tmpdir() .. "/trace"
      local told = told_under(under(rule), ([[
        print("with", said({ %s }, "append", %q, "ran"))
        print("without", said({}, "print", "fine"))]]):format(field, trace))
      lu.assertEquals(told.with, ('%s: error starting process "%s": %s')
        :format(rule:match "=(.*)", spec.child_path, message))
      lu.assertNil(spec.read(trace), rule)
      lu.assertEquals(told.without, "fine", rule)
    end
  end
end

TestMissing = {}

local LACK <const> = " the kernel is older, or a seccomp filter, such as a "
  .. "container's, refuses it"
local NO_WAIT <const> = "pexec cannot do without the system call waitid with "
  .. "P_PIDFD (Linux 5.4):" .. LACK
local NO_THREADS <const> = "the C library makes no threads: a seccomp filter, "
  .. "such as an old container runtime's, answers EPERM to clone3, where "
  .. "ENOSYS or nothing is expected"

local TRY <const> = [[
  local fds = #spec.probe.list("/proc/self/fd")
  local p = managers.process("a", "append", %q, "ran")
  print("first", p:start())
  print("second", p:start())
  print("pollfd", pexec.pollfd())
  print("stop", p:stop())
  print("config", pexec.new_process_config{ id = "x", name = "y" }.id)
  print("more", #spec.probe.list("/proc/self/fd") - fds)]]

local NEEDED <const> = {
  ["waitid.pidfd=EINVAL"] = NO_WAIT, ["waitid.pidfd=ENOSYS"] = NO_WAIT,
  ["waitid.pidfd=EPERM"] = NO_WAIT, ["clone3=EPERM"] = NO_THREADS,
}

-- FAULTS 37: each start says so, nothing hangs or is left, and the module is
-- there for all the rest.
function TestMissing:test_nothing_can_be_started_and_that_is_told()
  for rule, message in pairs(NEEDED) do
    local trace = spec.tmpdir() .. "/trace"
    local told = told_under(under(rule), TRY:format(trace))
    local answer = "nil\t" .. message .. "\tUNSUPPORTED"
    lu.assertEquals(told.first, answer)
    lu.assertEquals(told.second, answer)
    lu.assertEquals(told.pollfd, answer)
    lu.assertEquals(told.stop, "true\tnone")
    lu.assertEquals(told.config, "x")
    lu.assertEquals(told.more, "0")
    lu.assertNil(spec.read(trace))
  end
end

local CLONE_ERRORS <const> = { "EPERM", "EINVAL", "ENOSYS" }

-- FAULTS 37: that can only be seen by making a child.
function TestMissing:test_a_clone_without_a_pidfd_is_told()
  for _, error in ipairs(CLONE_ERRORS) do
    local told = told_under(under("clone.pidfd=" .. error), [[
      print("start", said({}, "print", "ran"))]])
    lu.assertStrContains(told.start, error .. ": error starting process")
    lu.assertStrContains(told.start, "creating a child: ")
    lu.assertStrContains(told.start, "(it needs clone with CLONE_PIDFD, "
        .. "Linux 5.2:" .. LACK .. ")")
  end
end

TestAll = {}

-- All rules that are tried above.
local function tried()
  local rules = {}
  local function add(words)
    for rule in words:gmatch "%S+" do rules[rule] = true end
  end
  for _, words in pairs(INSTEAD) do add(words) end
  for rule in pairs(NEEDED) do add(rule) end
  for _, case in ipairs(WANTED) do add(case[1]) end
  for _, error in ipairs(CLONE_ERRORS) do add("clone.pidfd=" .. error) end
  return rules
end

-- FAULTS 37: that restrict knows of
function TestAll:test_each_call_is_tried_missing_and_refused()
  local rules, count = tried(), 0
  local text = pages.read "spec/support/restrict.c"
  for name in text:gmatch '{ "([%w_.]+)", SYS_' do
    count = count + 1
    for _, error in ipairs{ "ENOSYS", "EPERM" } do
      lu.assertTrue(rules[name .. "=" .. error], name .. "=" .. error)
    end
  end
  lu.assertTrue(count > 20)
end

TestWithoutProc = {}

local WITHOUT <const> = { "unshare", "-m", "/bin/sh", "-c",
                          'umount -l /proc && exec "$@"', "sh" }
-- In a pid namespace of its own, whose first process reaps orphans at once:
-- without /proc a zombie counts as alive. With that of its parent's, the
-- numbers there are others.
local WITHOUT_REAPED <const> = { "unshare", "-m", "-p", "-f", "/bin/sh", "-c",
                                 'umount -l /proc; "$@"; exit', "sh" }
local FOREIGN <const> = { "unshare", "-p", "-f", "/bin/sh", "-c", '"$@"; exit',
                          "sh" }

local function need_namespaces()
  if spec.mode ~= "plain" then
    lu.skip "sanitizers and valgrind need /proc"
  end
  if not os.execute "unshare -m umount -l /proc 2>/dev/null" then
    lu.skip "only root can take /proc away, in a mount namespace of its own"
  end
end

-- Without /proc and without signals to groups by pidfd, nobody can tell the
-- zombie of the process from others in its group: a stop takes its whole time.
local function assert_a_day_without_proc(told)
  local stop = is_basic and "true\tkill" or "true\tprocess"
  lu.assertEquals({ told.stop, told.logs }, { stop, stop })
  told.stop, told.logs = "true\tprocess", "true\tprocess"
  assert_a_usual_day(told)
end

-- FAULTS 37
function TestWithoutProc:test_a_day()
  need_namespaces()
  local day = DAY:gsub('said%({}, "fds"%)', "'0=/dev/null 1=pipe 2=pipe'")
  assert_a_day_without_proc(told_under(WITHOUT_REAPED, day))
end

-- FAULTS 37
function TestWithoutProc:test_a_day_with_that_of_another_namespace()
  need_namespaces()
  assert_a_day_without_proc(told_under(FOREIGN, DAY))
end

-- FAULTS 6, 37
function TestWithoutProc:test_a_score_that_is_asked_for_is_an_error()
  need_namespaces()
  local told = told_under(WITHOUT, [[
    print("with", said({ oom_score_adj = 5 }, "print", "ran"))
    print("without", said({}, "print", "fine"))]])
  lu.assertEquals(told.with, ('ENOENT: error starting process "%s": setting '
      .. "its oom_score_adj to 5: no such file or directory (/proc is not "
      .. "mounted)"):format(spec.child_path))
  lu.assertEquals(told.without, "fine")
end

-- FAULTS 26, 37: without close_range besides. The child waits until somebody
-- with /proc has looked at its descriptors: the kernel wakes the one who made
-- it, in exec, before it closes them.
function TestWithoutProc:test_descriptors_are_closed_all_the_same()
  need_namespaces()
  local words = table.move(under "close_range=ENOSYS", 1, 3, #WITHOUT + 1,
                           { table.unpack(WITHOUT) })
  local host = hosts.start(HEAD .. [[
    local leaks = {}
    for i = 1, 300 do leaks[i] = assert(io.open("/dev/zero")) end
    local p = managers.started("a", "forever")
    print("pid", p:unix_pid())
    pexec.sleep(1000)]], { under = words })
  local pid = host:number "pid"
  local ok, message = pcall(spec.eventually, function()
    local fds = spec.probe.list("/proc/" .. pid .. "/fd")
    table.sort(fds)
    fds = table.concat(fds, " ")
    return fds == "0 1 2", fds
  end)
  spec.kill(host.pid, "KILL")
  host:finish()
  lu.assertTrue(ok, message)
end
