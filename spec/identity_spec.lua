-- Running as another user: its ids and groups and no other, its variables;
-- and that a user who cannot be had is an error, with nothing run.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

local is_root = spec.read("/proc/self/status"):find("\nUid:\t0\t0\t0\t") ~= nil
local is_plain = os.getenv("PEXEC_SPEC_MODE") == "plain"

local function need_root()
  if not is_root then lu.skip("only root can change user") end
end

local function shell(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  assert(pipe:close(), command)
  return (text:gsub("\n$", ""))
end

local function new(fields)
  fields.id = "somebody"
  return assert(pexec.new_managed_process(fields, pexec.null_logger))
end

-- What the child tells of itself, as a table: "uid=0" is uid = "0".
local function told(fields, ...)
  local facts = {}
  local config = spec.child(fields, ...)
  config.one_shot = true
  config.log_writer = function(line)
    local name, value = line:match("^(%w+)=(.*)$")
    if name then facts[name] = value end
  end
  assert(new(config):start())
  return facts
end

local function ids_of(name)
  local uid = shell("id -u " .. name)
  local gid = shell("id -g " .. name)
  return { uid = uid, euid = uid, gid = gid, egid = gid,
           groups = (shell("id -G " .. name):gsub(" ", ",")) }
end

local function assert_ids(facts, expected)
  for name, value in pairs(expected) do
    lu.assertEquals(facts[name], value, name)
  end
end

-- Fails with this, and leaves no trace of the program that it did not run.
local function assert_refused(username, code, message)
  local trace = spec.tmpdir() .. "/trace"
  for _, one_shot in ipairs{ true, false } do
    local process = new(spec.child({ username = username,
                                     one_shot = one_shot },
                                   "append", trace, "ran as somebody"))
    local answer = { process:start() }
    lu.assertEquals(answer, { nil, ('error starting process "%s": %s')
                              :format(spec.child_path, message), code })
    lu.assertEquals({ process:wait() }, { true })
  end
  lu.assertNil(spec.read(trace))
end

TestUser = {}

function TestUser:test_without_one_it_is_the_hosts()
  local facts = told({}, "ids")
  lu.assertEquals(facts.uid, shell("id -u"))
  lu.assertEquals(facts.gid, shell("id -g"))
  local own = spec.read("/proc/self/status"):match("\nGroups:%s*([%d ]-)%s*\n")
  lu.assertEquals(facts.groups, (own:gsub(" ", ",")))
end

function TestUser:test_it_has_ids_and_groups_of_the_user_and_no_other()
  need_root()
  assert_ids(told({ username = "nobody" }, "ids"), ids_of("nobody"))
end

function TestUser:test_so_has_a_restarted_one()
  need_root()
  local seen = {}
  local config = spec.child({ username = "nobody", restart_delay = 0,
      log_writer = function(line)
        if line:find("^uid=") then seen[#seen + 1] = line end
      end }, "ids")
  local process = new(config)
  process:start()
  spec.eventually(function() return #seen >= 3 end)
  process:stop()
  lu.assertEquals({ seen[1], seen[2], seen[3] },
                  { "uid=65534", "uid=65534", "uid=65534" })
end

function TestUser:test_it_may_be_named_by_number()
  need_root()
  assert_ids(told({ username = shell("id -u nobody") }, "ids"),
             ids_of("nobody"))
end

function TestUser:test_there_is_no_way_back()
  need_root()
  local facts = told({ username = "nobody", name = "/bin/sh", args = { "-c",
      "grep -E '^(Uid|Gid|Groups|CapEff|CapPrm)' /proc/self/status | " ..
      "sed 's/[:\t ]\\+/=/; s/[\t ]\\+/,/g'" } })
  lu.assertEquals(facts.Uid, "65534,65534,65534,65534")
  lu.assertEquals(facts.Gid, "65534,65534,65534,65534")
  lu.assertEquals(facts.CapEff, "0000000000000000")
  lu.assertEquals(facts.CapPrm, "0000000000000000")
end

function TestUser:test_the_host_stays_who_it_is()
  need_root()
  local before = spec.read("/proc/self/status"):match("Uid:.-Groups:[^\n]*")
  told({ username = "nobody" }, "ids")
  lu.assertEquals(spec.read("/proc/self/status"):match("Uid:.-Groups:[^\n]*"),
                  before)
end

function TestUser:test_output_and_stop_work_as_ever()
  need_root()
  local lines = {}
  local process = new(spec.child({ username = "nobody", stop_timeout = 20,
      log_writer = function(line) lines[#lines + 1] = line end },
      "trapexit", "TERM", 0, 0, "bye", "print", "up", "forever"))
  process:start()
  spec.eventually(function() return lines[1] == "up" end)
  lu.assertEquals({ process:stop() }, { true, "process" })
  lu.assertEquals(lines, { "up", "bye" })
end

function TestUser:test_it_dies_with_the_host_all_the_same()
  need_root()
  lu.assertEquals(told({ username = "nobody" }, "pdeathsig").pdeathsig, "9")
end

TestUserVariables = {}

local NAMES <const> = { "HOME", "USER", "LOGNAME", "SHELL" }

local function variables(fields)
  return told(fields, "env", "HOME", "env", "USER", "env", "LOGNAME", "env",
              "SHELL")
end

function TestUserVariables:test_they_are_set_from_the_user_database()
  need_root()
  local home, login = shell("getent passwd nobody")
      :match("^nobody:[^:]*:%d+:%d+:[^:]*:([^:]*):([^:]*)$")
  lu.assertEquals(variables({ username = "nobody" }),
                  { HOME = home, USER = "nobody", LOGNAME = "nobody",
                    SHELL = login })
end

function TestUserVariables:test_environment_overrides_them()
  need_root()
  local own = { HOME = "/h", USER = "u", LOGNAME = "", SHELL = "/s" }
  lu.assertEquals(variables({ username = "nobody", environment = own }), own)
end

function TestUserVariables:test_without_a_user_they_are_the_hosts()
  local before = {}
  for i, name in ipairs(NAMES) do
    before[name] = os.getenv(name)
    spec.probe.setenv(name, "of the host " .. i)
  end
  local ok, facts = pcall(variables, {})
  for _, name in ipairs(NAMES) do spec.probe.setenv(name, before[name]) end
  lu.assertTrue(ok, facts)
  for i, name in ipairs(NAMES) do
    lu.assertEquals(facts[name], "of the host " .. i)
  end
end

TestBadUser = {}

-- FAULTS 6
function TestBadUser:test_one_who_is_unknown()
  assert_refused("no-such-user", "ENOENT", 'there is no user "no-such-user"')
end

-- FAULTS 6
function TestBadUser:test_none_at_all()
  assert_refused("", "ENOENT", 'there is no user ""')
end

-- FAULTS 6
function TestBadUser:test_what_only_looks_like_a_number()
  for _, name in ipairs{ "0x10", "-1", "+0", " 0", "0 ", "1e3", "0.0", "00x",
                         "-0", "\t0" } do
    assert_refused(name, "ENOENT", ('there is no user "%s"'):format(name))
  end
end

-- FAULTS 6: the last of these means "leave it as it is" to the kernel
function TestBadUser:test_a_number_that_is_too_large()
  for _, name in ipairs{ "4294967296", "18446744073709551616", "99999999999",
                         "4294967295" } do
    assert_refused(name, "ENOENT", ('there is no user "%s"'):format(name))
  end
end

-- FAULTS 6
function TestBadUser:test_a_number_without_a_user()
  assert_refused("54321", "ENOENT", 'there is no user "54321"')
end

-- FAULTS 6
function TestBadUser:test_a_host_that_may_not_change_user()
  need_root()
  assert(spec.probe.seteuid(65534))
  local ok, message = pcall(function()
    local process = new({ name = "/bin/true", username = "daemon" })
    return { process:start() }
  end)
  assert(spec.probe.seteuid(0))
  lu.assertTrue(ok, message)
  lu.assertEquals(message, { nil, 'error starting process "/bin/true": '
      .. 'changing its user to "daemon": operation not permitted', "EPERM" })
end

TestOtherHosts = {}

-- Runs a script in a host that a command has prepared: the command is to
-- execute "$@". Its directory is open to everybody.
local function run_in(command, text)
  local dir = spec.tmpdir()
  spec.write(dir .. "/script.lua", text)
  assert(os.execute("chmod 755 " .. dir))
  local _, _, status = os.execute(
      ("sh -c '%s' sh '%s' %s/script.lua >%s/output 2>&1"):format(command,
      spec.lua_path, dir, dir))
  return spec.read(dir .. "/output"), status
end

local SHOW_IDS <const> = [[
local pexec = require "pexec"
local process = assert(pexec.new_managed_process({ id = "ids", one_shot = true,
    username = %q, name = %q, args = { "ids" },
    log_writer = function(line) print(line) end }, pexec.null_logger))
local ok, message, code = process:start()
if not ok then print(message, code) end
]]

-- FAULTS 6
function TestOtherHosts:test_one_without_privileges_may_name_its_own_user()
  need_root()
  local _, is_open = run_in('exec setpriv --reuid 65534 --regid 65534 '
      .. '--init-groups "$@"', 'require "pexec"')
  if is_open ~= 0 then lu.skip("nobody cannot read the project") end
  local text = run_in('exec setpriv --reuid 65534 --regid 65534 '
      .. '--init-groups "$@"', SHOW_IDS:format("nobody", spec.child_path))
  lu.assertStrContains(text, "uid=65534\ngid=65534\n")
  text = run_in('exec setpriv --reuid 65534 --regid 65534 --init-groups "$@"',
                SHOW_IDS:format("root", spec.child_path))
  lu.assertEquals(text, ('error starting process "%s": changing its user to '
      .. '"root": operation not permitted\tEPERM\n'):format(spec.child_path))
end

-- In a mount namespace with a group database of its own.
function TestOtherHosts:test_supplementary_groups_are_the_users()
  need_root()
  if not is_plain then lu.skip("once is enough") end
  local groups = spec.tmpdir() .. "/group"
  spec.write(groups, spec.read("/etc/group")
             .. "one:x:54001:nobody\nother:x:54002:daemon\n"
             .. "two:x:54003:daemon,nobody\n")
  local text, status = run_in("unshare -m sh -c \"mount --bind " .. groups
      .. ' /etc/group && exec \\"\\$@\\"" sh "$@"',
      SHOW_IDS:format("nobody", spec.child_path))
  if status ~= 0 then lu.skip("there is no mount namespace to be had") end
  lu.assertStrContains(text, "\ngroups=54001,54003,65534\n")
end
