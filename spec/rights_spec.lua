-- What a child is allowed to be and to use, as it sees it itself: groups,
-- umask, priority, privileges; what the host is afterwards; and that what
-- cannot be had is an error, with nothing run.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"
local probe = spec.probe

local is_root = spec.read("/proc/self/status"):find("\nUid:\t0\t0\t0\t") ~= nil

local function need_root()
  if not is_root then lu.skip("only root can change groups") end
end

local function shell(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  assert(pipe:close(), command)
  return (text:gsub("\n$", ""))
end

local function new(fields, ...)
  local config = spec.child(fields, ...)
  config.id = "somebody"
  return assert(pexec.new_managed_process(config, pexec.null_logger))
end

-- Runs a one-shot; all that it has said.
local function said(fields, ...)
  local lines = {}
  fields.one_shot = true
  fields.log_writer = function(line) lines[#lines + 1] = line end
  assert(new(fields, ...):start())
  return table.concat(lines, "\n") .. "\n"
end

local function status_of(fields)
  local facts = {}
  local text = said(fields, "file", "/proc/self/status")
  for name, value in text:gmatch "([%w_]+):[ \t]*([^\n]*)" do
    facts[name] = value:gsub("%s+", " "):gsub(" $", "")
  end
  return facts
end

local function assert_fails(fields, code, message)
  managers.assert_start_fails(new, fields, code, message)
end

TestGroups = {}

function TestGroups:test_a_group_takes_the_place_of_its_users()
  need_root()
  local gid = shell("getent group daemon | cut -d: -f3")
  local facts = status_of{ username = "nobody", group = "daemon" }
  lu.assertEquals(facts.Uid, "65534 65534 65534 65534")
  lu.assertEquals(facts.Gid, ("%s %s %s %s"):format(gid, gid, gid, gid))
  lu.assertEquals(facts.Groups, gid)
end

function TestGroups:test_a_group_alone_leaves_the_rest_as_it_is()
  need_root()
  local before = status_of{}
  local facts = status_of{ group = 65534 }
  lu.assertEquals(facts.Gid, "65534 65534 65534 65534")
  lu.assertEquals(facts.Uid, before.Uid)
  lu.assertEquals(facts.Groups, before.Groups)
end

function TestGroups:test_given_ones_are_all_that_it_has()
  need_root()
  local facts = status_of{ username = "nobody",
                           supplementary_groups = { "daemon", 2, "sys" } }
  lu.assertEquals(facts.Groups, "1 2 3")
  lu.assertEquals(facts.Gid, "65534 65534 65534 65534")
end

function TestGroups:test_none_are_none()
  need_root()
  lu.assertEquals(status_of{ username = "nobody",
                             supplementary_groups = {} }.Groups, "")
  lu.assertEquals(status_of{ supplementary_groups = {} }.Groups, "")
end

function TestGroups:test_there_is_no_way_back()
  need_root()
  local facts = status_of{ username = "nobody", group = "daemon",
                           supplementary_groups = { "sys" } }
  for _, set in ipairs{ "CapEff", "CapPrm", "CapInh", "CapAmb" } do
    lu.assertEquals(facts[set], ("0"):rep(16), set)
  end
  local text = said({ username = "nobody", group = "daemon",
      supplementary_groups = {}, name = "/bin/sh", args = { "-c",
      "for as in '--reuid 0' '--regid 0' '--regid 65534' '--groups 0'; do "
      .. "setpriv $as true 2>/dev/null && echo back; done; echo no" } })
  lu.assertEquals(text, "no\n")
end

-- FAULTS 6
function TestGroups:test_one_that_there_is_not()
  for _, name in ipairs{ "no-such-group", "", "0x10", "-1", "+0", " 0",
                         "1e3", "0.0", "54321", "4294967295", "4294967296",
                         "18446744073709551616" } do
    local words = ('there is no group "%s"'):format(name)
    assert_fails({ group = name }, "ENOENT", words)
    assert_fails({ supplementary_groups = { "root", name } }, "ENOENT", words)
  end
  assert_fails({ group = -1 }, "ENOENT", 'there is no group "-1"')
end

-- FAULTS 6
function TestGroups:test_a_host_that_may_not_change_them()
  need_root()
  spec.as_nobody(function()
    assert_fails({ group = "daemon" }, "EPERM",
                 'changing its group to "daemon": operation not permitted')
    assert_fails({ supplementary_groups = { "sys" } }, "EPERM",
        "setting its supplementary groups: operation not permitted")
    assert_fails({ username = "daemon", group = "sys" }, "EPERM",
                 'changing its user to "daemon": operation not permitted')
  end)
end

TestUmask = {}

function TestUmask:test_it_is_the_one_given()
  for _, mask in ipairs{ "0000", "0022", "0777" } do
    lu.assertEquals(said({ umask = mask }, "umask"), mask .. "\n")
  end
end

-- FAULTS 25
function TestUmask:test_the_hosts_stays_what_it_was()
  local before = probe.umask()
  said({ umask = "0777" }, "umask")
  lu.assertEquals(probe.umask(), before)
end

-- FAULTS 28
function TestUmask:test_a_restart_has_it_too()
  local lines = {}
  local process = new({ umask = "0123", restart_delay = 0, log_writer =
      function(line) lines[#lines + 1] = line end }, "umask")
  process:start()
  spec.eventually(function() return #lines >= 3 end)
  process:stop()
  lu.assertEquals({ lines[1], lines[3] }, { "0123", "0123" })
end

TestPriority = {}

local function nice_of(text)
  local rest = text:match "%) (.*)"
  local fields = {}
  for field in rest:gmatch "%S+" do fields[#fields + 1] = field end
  return tonumber(fields[17])
end

local function own_nice()
  return nice_of(spec.read("/proc/self/stat"))
end

function TestPriority:test_it_has_the_nice_value_given()
  lu.assertEquals(nice_of(said({ nice = 7 }, "file", "/proc/self/stat")), 7)
  lu.assertEquals(own_nice(), 0)
end

function TestPriority:test_else_it_has_the_hosts()
  lu.assertEquals(nice_of(said({}, "file", "/proc/self/stat")), own_nice())
end

function TestPriority:test_another_user_can_be_given_a_better_one()
  need_root()
  lu.assertEquals(nice_of(said({ nice = -5, username = "nobody" }, "file",
                               "/proc/self/stat")), -5)
end

-- FAULTS 6
function TestPriority:test_a_host_that_may_not()
  need_root()
  spec.as_nobody(function()
    assert_fails({ nice = -1 }, "EACCES",
                 "setting its nice value to -1: permission denied")
  end)
end

TestOomScore = {}

local SCORE <const> = "/proc/self/oom_score_adj"

local function score_of(fields)
  return said(fields, "file", SCORE):gsub("\n", "")
end

-- Runs f while the host's is this.
local function with_score(score, f)
  local before = spec.read(SCORE)
  spec.write(SCORE, score)
  local ok, message = xpcall(f, debug.traceback)
  spec.write(SCORE, before)
  if not ok then error(message, 0) end
end

function TestOomScore:test_it_is_the_one_given()
  local before = spec.read(SCORE)
  lu.assertEquals(score_of{ oom_score_adj = 500 }, "500")
  lu.assertEquals(score_of{ oom_score_adj = 1000, username =
                            is_root and "nobody" or nil }, "1000")
  lu.assertEquals(spec.read(SCORE), before)
end

function TestOomScore:test_else_it_is_0_and_not_the_hosts()
  with_score("300", function()
    lu.assertEquals(score_of{}, "0")
    lu.assertEquals(spec.read(SCORE), "300\n")
  end)
end

-- FAULTS 6
function TestOomScore:test_a_host_that_may_not_lower_it()
  need_root()
  with_score("300", function()
    spec.as_nobody(function()
      assert_fails({ oom_score_adj = -1 }, "EACCES",
                   "setting its oom_score_adj to -1: permission denied")
    end)
  end)
end

TestPrivileges = {}

function TestPrivileges:test_new_ones_can_be_forbidden()
  lu.assertEquals(status_of{ no_new_privileges = true }.NoNewPrivs, "1")
  lu.assertEquals(status_of{}.NoNewPrivs, "0")
  lu.assertStrContains(spec.read("/proc/self/status"), "NoNewPrivs:\t0\n")
end

function TestPrivileges:test_then_a_set_id_program_gives_none()
  need_root()
  local dir = spec.tmpdir()
  assert(os.execute(("cp %s %s/child && chmod 4755 %s/child && chmod 755 %s")
                    :format(spec.child_path, dir, dir, dir)))
  local fields = { username = "nobody", name = dir .. "/child" }
  fields.args = { "ids" }
  if not said(fields):find("\neuid=0\n", 1, true) then
    lu.skip("set-id programs do not count there")
  end
  fields.no_new_privileges = true
  lu.assertStrContains(said(fields), "\neuid=65534\n")
end

TestLimits = {}

-- As the first words of a line in /proc/self/limits.
local ROWS <const> = {
  cpu = "Max cpu time", fsize = "Max file size", data = "Max data size",
  stack = "Max stack size", core = "Max core file size",
  rss = "Max resident set", nproc = "Max processes",
  nofile = "Max open files", memlock = "Max locked memory",
  as = "Max address space", locks = "Max file locks",
  sigpending = "Max pending signals", msgqueue = "Max msgqueue size",
  nice = "Max nice priority", rtprio = "Max realtime priority",
  rttime = "Max realtime timeout"
}

-- "soft hard" of each row in a text of the kernel's.
local function limits_in(text)
  local found = {}
  for name, row in pairs(ROWS) do
    local soft, hard = text:match(row .. " +(%w+) +(%w+)")
    found[name] = soft .. " " .. hard
  end
  return found
end

local function limits_of(fields)
  return limits_in(said(fields, "file", "/proc/self/limits"))
end

-- A soft limit that can be had, and another one than the host's.
local function lower(limit)
  local hard = limit:match " (%w+)"
  local most = hard == "unlimited" and 1 << 40 or tonumber(hard)
  return math.max(most - 1, 0), hard == "unlimited" and hard or most
end

function TestLimits:test_each_is_the_one_given_and_the_others_the_hosts()
  local before = limits_in(spec.read("/proc/self/limits"))
  for name in pairs(ROWS) do
    local soft, hard = lower(before[name])
    local found = limits_of{ limits = { [name] = { soft, hard } } }
    for other, limit in pairs(before) do
      lu.assertEquals(found[other], other == name and soft .. " " .. hard
                                    or limit, name .. ", " .. other)
    end
  end
  lu.assertEquals(limits_in(spec.read("/proc/self/limits")), before)
end

function TestLimits:test_a_number_is_both()
  lu.assertEquals(limits_of{ limits = { nofile = 64 } }.nofile, "64 64")
  local found = limits_of{ limits = { core = 0, nofile = { soft = 32,
                                                           hard = 64 } } }
  lu.assertEquals({ found.core, found.nofile }, { "0 0", "32 64" })
end

function TestLimits:test_they_hold_for_another_user_too()
  need_root()
  local fields = { username = "nobody", limits = { nproc = 1000, core = 0 } }
  lu.assertEquals(limits_of(fields).nproc, "1000 1000")
end

-- FAULTS 6
function TestLimits:test_one_that_is_refused()
  need_root()
  local hard = tonumber((limits_in(spec.read("/proc/self/limits")).nofile
                         :match " (%d+)"))
  if not hard then lu.skip("there is no limit to be above of") end
  spec.as_nobody(function()
    assert_fails({ limits = { core = 0, nofile = { 64, hard + 1 } } },
        "EPERM", ("setting its limit nofile to 64:%d: operation not permitted")
                 :format(hard + 1))
  end)
end

TestCpus = {}

local function own_cpus()
  return spec.read("/proc/self/status"):match "Cpus_allowed_list:%s*([^\n]+)"
end

function TestCpus:test_it_runs_on_those_given()
  local before = own_cpus()
  local first = tonumber((before:match "^%d+"))
  lu.assertEquals(status_of{ cpu_affinity = { first } }.Cpus_allowed_list,
                  tostring(first))
  lu.assertEquals(status_of{}.Cpus_allowed_list, before)
  lu.assertEquals(own_cpus(), before)
end

-- FAULTS 6
function TestCpus:test_one_that_is_not_there_is_named()
  local first = tonumber((own_cpus():match "^%d+"))
  for _, cpus in ipairs{ { 8191 }, { first, 8191 } } do
    assert_fails({ cpu_affinity = cpus }, "EINVAL",
                 "there is no CPU 8191 for it")
  end
end

TestIoPriority = {}

local function io_priority_of(fields)
  fields.name, fields.args = "ionice", {}
  return (said(fields):gsub("\n", ""))
end

function TestIoPriority:test_it_is_the_one_given()
  for words, priority in pairs{
    ["idle"] = { class = "idle" },
    ["best-effort: prio 7"] = { class = "best_effort", level = 7 },
    ["best-effort: prio 0"] = { class = "best_effort", level = 0 },
    ["best-effort: prio 4"] = { class = "best_effort" },
  } do
    lu.assertEquals(io_priority_of{ io_priority = priority }, words)
  end
  lu.assertStrContains(io_priority_of{}, "none")
end

function TestIoPriority:test_another_user_can_be_given_the_best()
  need_root()
  lu.assertEquals(io_priority_of{ username = "nobody", io_priority = {
                    class = "realtime", level = 2 } }, "realtime: prio 2")
end

-- FAULTS 6
function TestIoPriority:test_a_host_that_may_not()
  need_root()
  spec.as_nobody(function()
    assert_fails({ io_priority = { class = "realtime" } }, "EPERM",
                 "setting its io_priority: operation not permitted")
  end)
end
