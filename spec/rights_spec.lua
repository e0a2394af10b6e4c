-- What a child is allowed to be and to use, as it sees it itself: groups,
-- umask, priority, privileges; what the host is afterwards; and that what
-- cannot be had is an error, with nothing run.

local lu = require "luaunit"
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
  for name, value in text:gmatch "(%w+):[ \t]*([^\n]*)" do
    facts[name] = value:gsub("%s+", " "):gsub(" $", "")
  end
  return facts
end

-- Fails with this, and leaves no trace of the program that it did not run.
local function assert_fails(fields, code, message)
  local trace = spec.tmpdir() .. "/trace"
  for _, one_shot in ipairs{ true, false } do
    fields.one_shot = one_shot
    local process = new(fields, "append", trace, "ran")
    lu.assertEquals({ process:start() },
                    { nil, ('error starting process "%s": %s')
                           :format(spec.child_path, message), code })
    lu.assertEquals({ process:wait() }, { true })
  end
  lu.assertNil(spec.read(trace))
end

-- Runs f while the host is nobody, but for what it could become again.
local function as_nobody(f)
  assert(probe.seteuid(65534))
  local ok, message = xpcall(f, debug.traceback)
  assert(probe.seteuid(0))
  if not ok then error(message, 0) end
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
  as_nobody(function()
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
  as_nobody(function()
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
    as_nobody(function()
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
