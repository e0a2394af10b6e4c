-- A host without any privilege: what it may give its children, and that what
-- it may not is an error of its own step, with nothing run. Where the specs
-- run as root, it is nobody's; else it is the specs' own.

local hosts = require "hosts"
local lu = require "luaunit"
local spec = require "spec"

local is_root = spec.read("/proc/self/status"):find("\nUid:\t0\t0\t0\t") ~= nil

-- What is told of a start with these fields: the lines of what it ran, or
-- "CODE: why". The file that it would have left behind is looked for.
local HEAD <const> = [[
  local status = spec.read "/proc/self/status"
  local facts = {
    user = io.popen("id -un"):read(), gid = status:match "\nGid:\t(%d+)",
    groups = status:match "\nGroups:\t([^\n]-) ?\n",
    cpu = math.tointeger(tonumber(status:match "Cpus_allowed_list:%s*(%d+)")),
    hard = tonumber((spec.read "/proc/self/limits"
                     :match "Max open files +%d+ +(%d+)")) }
  assert(not status:find "\nUid:\t0\t", "a host with privileges")
  local function own_groups()
    local groups = {}
    for gid in facts.groups:gmatch "%d+" do groups[#groups + 1] = gid end
    return groups
  end
  local function try(word, fields, command)
    local lines = {}
    local trace = spec.tmpdir() .. "/trace"
    fields.id, fields.one_shot, fields.name = "a", true, "/bin/sh"
    fields.args = { "-c", "echo ran >" .. trace .. "; " .. (command or ":") }
    fields.log_writer = function(line) lines[#lines + 1] = line end
    local p = assert(pexec.new_managed_process(fields, pexec.null_logger))
    local ok, message, code = p:start()
    local said = table.concat(lines, " "):gsub("%s+", " ")
    print(word, ok and "ok: " .. said or code .. ": " .. message,
          spec.read(trace) and "ran" or "")
    spec.remove_directories()
  end
]]

-- Runs this in such a host: word -> { what was told, "ran" or "" }, and its
-- facts.
local function told_by(script, under)
  local settings = { under = under, username = is_root and "nobody" or nil }
  local host, ok, message = hosts.run(HEAD .. script .. [[

    for name, value in pairs(facts) do print("fact", name, value) end
    print "done"]], settings)
  if not host:find "done" and host:find "ermission denied" then
    lu.skip "nobody cannot read the project"
  end
  lu.assertTrue(ok, host:text() .. tostring(message))
  local told, facts = {}, {}
  for _, line in ipairs(host.lines) do
    local word, answer, rest = line:match "^(%w+)\t(.-)\t(.*)$"
    if word == "fact" then facts[answer] = rest
    elseif word then told[word] = { answer, rest } end
  end
  return told, facts
end

local function assert_refused(told, word, code, message)
  lu.assertEquals(told[word],
      { ('%s: error starting process "/bin/sh": %s'):format(code, message),
        "" }, word)
end

TestLife = {}

-- FAULTS 6
function TestLife:test_it_starts_restarts_and_stops()
  local host = hosts.run([[
    local p = managers.started({ id = "a", restart_delay = 0 }, "forever")
    local pid = p:unix_pid()
    assert(p:signal "KILL")
    spec.eventually(function() return p:info().starts == 2 end)
    assert(p:restart())
    print("life", p:history()[1].signal, p:info().starts, p:stop())
    local group = managers.started({ id = "b" }, "ignore", "TERM", "fork",
                                   "forever", "end", "forever")
    print("group", group:stop())]],
    { username = is_root and "nobody" or nil })
  if host:find "ermission denied" then lu.skip "nobody cannot read this" end
  lu.assertEquals(host:find "life", "life\tSIGKILL\t3\ttrue\tprocess")
  lu.assertStrContains(host:find "group", "group\ttrue\t")
end

TestAllowed = {}

-- What takes nothing from anybody.
function TestAllowed:test_what_it_may()
  local told, facts = told_by [[
    try("limits", { limits = { core = 0, nofile = { 32, 64 } } },
        "ulimit -Sn; ulimit -Hn")
    try("nice", { nice = 5 }, "nice")
    try("score", { oom_score_adj = 500 }, "cat /proc/self/oom_score_adj")
    try("idle", { io_priority = { class = "idle" } }, "ionice")
    try("level", { io_priority = { class = "best_effort", level = 0 } },
        "ionice")
    try("cpu", { cpu_affinity = { facts.cpu } },
        "grep Cpus_allowed_list /proc/self/status")
    try("umask", { umask = "0077" }, "umask")
    try("privileges", { no_new_privileges = true },
        "grep NoNewPrivs /proc/self/status")
    try("user", { username = facts.user }, "id -un")
    try("group", { group = facts.gid }, "id -g")
    try("groups", { supplementary_groups = own_groups() },
        "echo $(sed -n 's/^Groups://p' /proc/self/status)")]]
  local answers = {
    limits = "32 64", nice = "5", score = "500", idle = "idle",
    level = "best-effort: prio 0", umask = "0077",
    cpu = "Cpus_allowed_list: " .. facts.cpu, privileges = "NoNewPrivs: 1",
    user = facts.user, group = facts.gid,
    groups = facts.groups,
  }
  for word, answer in pairs(answers) do
    lu.assertEquals(told[word], { "ok: " .. answer, "ran" }, word)
  end
end

TestRefused = {}

-- FAULTS 6
function TestRefused:test_what_it_may_not()
  local told, facts = told_by [[
    try("hard", { limits = { core = 0, nofile = { 64, facts.hard + 1 } } })
    try("nice", { nice = -1 })
    try("score", { oom_score_adj = -1 })
    try("realtime", { io_priority = { class = "realtime" } })
    try("capabilities", { capabilities = { "kill" } })
    try("none", { capabilities = {} })
    try("user", { username = "root" })
    try("number", { username = "0" })
    try("group", { group = "root" })
    try("both", { username = facts.user, group = "root" })
    try("groups", { supplementary_groups = { "root" } })]]
  local perm <const> = ": operation not permitted"
  local hard = math.tointeger(tonumber(facts.hard)) + 1
  assert_refused(told, "hard", "EPERM",
                 "setting its limit nofile to 64:" .. hard .. perm)
  assert_refused(told, "nice", "EACCES",
                 "setting its nice value to -1: permission denied")
  assert_refused(told, "score", "EACCES",
                 "setting its oom_score_adj to -1: permission denied")
  assert_refused(told, "realtime", "EPERM", "setting its io_priority" .. perm)
  for _, word in ipairs{ "capabilities", "none" } do
    assert_refused(told, word, "EPERM", "setting its capabilities" .. perm)
  end
  assert_refused(told, "user", "EPERM", 'changing its user to "root"' .. perm)
  assert_refused(told, "number", "EPERM", 'changing its user to "0"' .. perm)
  assert_refused(told, "group", "EPERM", 'changing its group to "root"' .. perm)
  assert_refused(told, "both", "EPERM", ('changing its user to "%s"')
                 :format(facts.user) .. perm)
  assert_refused(told, "groups", "EPERM",
                 "setting its supplementary groups" .. perm)
end

-- FAULTS 6: where it can get none by any program, there is nothing to take.
function TestRefused:test_without_a_bounding_set_it_may_give_none()
  if not is_root then lu.skip "only root can empty a bounding set" end
  local words = { "setpriv", "--bounding-set", "-all", "--inh-caps", "-all",
                  "--reuid", "nobody", "--regid", "65534", "--init-groups" }
  local host = hosts.run(HEAD .. [[
    try("none", { capabilities = {} }, "grep CapBnd /proc/self/status")
    try("kill", { capabilities = { "kill" } })
    print "done"]], { under = words, is_open = true })
  if not host:find "done" then lu.skip(host:text()) end
  lu.assertEquals(host:find "none", "none\tok: CapBnd: 0000000000000000\tran")
  lu.assertStrContains(host:find "kill", "EPERM: error starting process")
end
