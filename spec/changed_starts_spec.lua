-- What a hook or a handler can change of the starts that follow, and what the
-- child then has.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

TestChangedStarts = {}

function TestChangedStarts:test_a_handler_changes_the_next_one()
  local process = managers.shell({ restart_delay = 0, on_unexpected_exit =
    function(_, exit)
      if exit.run == 1 then
        return { config = { args = { "-c", "exit 2" } } }
      end
      return exit.run < 3
    end }, "exit 1")
  assert(process:start())
  process:wait()
  lu.assertEquals(managers.codes_of(process), { 1, 2, 1 })
end

function TestChangedStarts:test_or_all_that_follow()
  local process = managers.shell({ restart_delay = 0, on_unexpected_exit =
    function(_, exit)
      if exit.run == 1 then
        return { keep = true, config = { environment = { CODE = "5" } } }
      end
      return exit.run < 3
    end }, "exit ${CODE:-1}")
  assert(process:start())
  process:wait()
  lu.assertEquals(managers.codes_of(process), { 1, 5, 5 })
  lu.assertTrue(process:start())  -- there, too
  process:wait()
  lu.assertEquals(process:info().last_exit.exit_code, 5)
end

-- What a child that says its /proc/self/status and some more has said since
-- 'lines' was empty: name -> value.
local function facts_of(lines)
  local facts = {}
  for i, line in ipairs(lines) do
    local name, value = line:match "^([%w_ ]-)%s*[:=]%s*(.*)$"
    if name then facts[name] = value end
    lines[i] = nil
  end
  return facts
end

-- One that says so of each of its runs, and lives on.
local function telling(fields, lines)
  fields.id, fields.name = "telling", "/bin/sh"
  fields.log_writer = function(line) lines[#lines + 1] = line end
  fields.args = { "-c", [[
    while read line; do echo "$line"; done </proc/self/status
    echo nofile: $(ulimit -n)
    echo nice: $(nice)
    read score </proc/self/oom_score_adj; echo score: $score
    echo PEXEC_A=$PEXEC_A; echo PEXEC_FILE=$PEXEC_FILE
    exit 1]] }
  return assert(pexec.new_managed_process(fields, pexec.null_logger))
end

-- A CPU that the host may use.
local function some_cpu()
  local status = assert(spec.read "/proc/self/status")
  return math.tointeger(status:match "Cpus_allowed_list:%s*(%d+)")
end

local function rights()
  local file = spec.tmpdir() .. "/environment"
  spec.write(file, "PEXEC_FILE=read\n")
  return { umask = "0053", no_new_privileges = true, nice = 3,
           limits = { nofile = 61 }, oom_score_adj = 700,
           cpu_affinity = { some_cpu() }, io_priority = { class = "idle" },
           capabilities = {}, environment_file = file,
           clear_environment = true }
end

local function own_nice()
  local pipe <close> = assert(io.popen "nice")
  return pipe:read()
end

local function assert_has_rights(facts)
  lu.assertEquals(facts.Umask, "0053")
  lu.assertEquals(facts.NoNewPrivs, "1")
  lu.assertEquals(facts.CapBnd, ("0"):rep(16))
  lu.assertEquals(facts.Cpus_allowed_list, tostring(some_cpu()))
  lu.assertEquals(facts.nofile, "61")
  lu.assertEquals(facts.score, "700")
  lu.assertNotEquals(facts.nice, own_nice())
  lu.assertEquals(facts.PEXEC_FILE, "read")
  lu.assertEquals(facts.PEXEC_A, "")
end

local function assert_has_none(facts)
  lu.assertNotEquals(facts.Umask, "0053")
  lu.assertEquals(facts.NoNewPrivs, "0")
  lu.assertNotEquals(facts.nofile, "61")
  lu.assertNotEquals(facts.score, "700")
  lu.assertEquals(facts.nice, own_nice())
  lu.assertEquals(facts.PEXEC_FILE, "")
  lu.assertEquals(facts.PEXEC_A, "of the host")
end

-- With a variable of the host's.
local function with_host_variable(f)
  spec.probe.setenv("PEXEC_A", "of the host")
  local ok, message = xpcall(f, debug.traceback)
  spec.probe.setenv("PEXEC_A", nil)
  if not ok then error(message, 0) end
end

function TestChangedStarts:test_a_hook_changes_what_a_child_may_be_and_use()
  with_host_variable(function()
    local lines, told, n = {}, {}, 0
    local process = telling({
      restart_delay = 0, restart_limit = { max = 2, within = 60 },
      before_start = function(_, config)
        n = n + 1
        if n ~= 2 then return end
        for name, value in pairs(rights()) do config[name] = value end
      end,
      after_exit = function() told[#told + 1] = facts_of(lines) end,
    }, lines)
    assert(process:start())
    process:wait()
    lu.assertEquals(#told, 3)
    assert_has_none(told[1])
    assert_has_rights(told[2])
    assert_has_none(told[3])
  end)
end

function TestChangedStarts:test_a_handler_changes_that_once_or_for_good()
  with_host_variable(function()
    for _, keep in ipairs{ false, true } do
      local lines, told = {}, {}
      local process = telling({ restart_delay = 0, on_unexpected_exit =
        function(_, exit)
          told[exit.run] = facts_of(lines)
          if exit.run == 1 then return { keep = keep, config = rights() } end
          return exit.run < 3
        end }, lines)
      assert(process:start())
      process:wait()
      lu.assertEquals(#told, 3)
      assert_has_none(told[1])
      assert_has_rights(told[2]);
      (keep and assert_has_rights or assert_has_none)(told[3])
    end
  end)
end

function TestChangedStarts:test_its_groups_too()
  local status = assert(spec.read "/proc/self/status")
  if not status:find "\nUid:\t0\t0\t0\t" then
    lu.skip("only root can change groups")
  end
  local lines = {}
  local process = telling({ one_shot = true,
    before_start = function(_, config)
      config.group, config.supplementary_groups = 65534, { 1, 2 }
    end }, lines)
  lu.assertEquals(select(3, process:start()), "EXIT_STATUS")
  local facts = facts_of(lines)
  lu.assertEquals(facts.Gid:match "^%d+", "65534")
  lu.assertEquals(facts.Groups:match "^(.-)%s*$", "1 2")
end

-- The handler's change is there for the hook to see, and stays.
function TestChangedStarts:test_a_hook_begins_with_what_a_handler_has_changed()
  local seen = {}
  local process = managers.shell({
    restart_delay = 0, restart_limit = { max = 2, within = 60 },
    on_unexpected_exit = function(_, exit)
      return exit.run > 1 or { config = { environment = { A = "1" } } }
    end,
    before_start = function(_, config)
      seen[#seen + 1] = config.environment.A or ""
      config.environment.B = "2"
    end,
  }, "exit 1$A$B")
  assert(process:start())
  process:wait()
  lu.assertEquals(seen, { "", "1", "" })
  lu.assertEquals(managers.codes_of(process), { 12, 112, 12 })
end

function TestChangedStarts:test_what_cannot_be_had_fails_the_start()
  local process = managers.process({
    before_start = function(_, config) config.group = "no-such-group" end,
  }, "forever")
  local ok, message = process:start()
  lu.assertNil(ok)
  lu.assertStrContains(message, "no-such-group")
end

-- FAULTS 17
function TestChangedStarts:test_a_bad_change_is_the_policys_business()
  for config, words in pairs{
    [{ stop_signal = "INT" }] = 'unknown field "stop_signal"',
    [{ environment = { ["A=B"] = "" } }] = '"=" in a name',
    [{ args = { 1 } }] = "string expected",
    [{ name = "" }] = '"name" is required',
    [{ nice = 99 }] = "nice should be between",
    [{ limits = { no = 1 } }] = "unknown field",
  } do
    local process, log = managers.logged({ restart = "never",
      on_unexpected_exit = function() return { config = config } end
    }, "exit", 1)
    assert(process:start())
    process:wait()
    lu.assertEquals(managers.codes_of(process), { 1 })
    lu.assertNotNil(log:find(words, 1, true) or log:find(words))
  end
end
