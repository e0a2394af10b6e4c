-- What becomes of children when their host dies without having closed
-- anything: killed, or kept where that was asked for; and that every orderly
-- end stops them all the same.

local hosts = require "hosts"
local lu = require "luaunit"
local spec = require "spec"

local is_root = spec.read("/proc/self/status"):find("\nUid:\t0\t0\t0\t") ~= nil

-- Starts one child for each of the fields' tables, tells their numbers, and
-- then ends as it is told.
local function host_with(children, ending)
  local lines = {}
  for i, fields in ipairs(children) do
    lines[i] = ("pids[#pids + 1] = managers.started({ id = 'p%d', %s })"
                .. ":unix_pid()"):format(i, fields)
  end
  return hosts.start(("local pids = {}\n%s\nprint('pids', "
      .. "table.concat(pids, ' '))\n%s"):format(table.concat(lines, "\n"),
      ending or "pexec.sleep(1000)"))
end

local function pids_of(host)
  local pids = {}
  for pid in host:await("pids"):gmatch "%d+" do
    pids[#pids + 1] = math.tointeger(tonumber(pid))
  end
  return table.unpack(pids)
end

local function await_end(pid)
  spec.eventually(function() return not spec.alive(pid) end)
end

local function kill_host(host)
  spec.kill(host.pid, "KILL")
  lu.assertNil((host:finish()))
end

-- It runs on, in somebody else's charge; ends it.
local function assert_kept(pid, host)
  local stat = spec.stat(pid)
  lu.assertNotNil(stat, "it has gone")
  lu.assertTrue(stat.state ~= "Z" and stat.state ~= "X", stat.state)
  spec.eventually(function() return spec.stat(pid).ppid ~= host.pid end)
  spec.kill(pid, "TERM")
  await_end(pid)
end

local SLEEP <const> = "name = 'sleep', args = { '1000' }"
local KEPT <const> = SLEEP .. ", host_death = 'keep'"

TestHostDeath = {}

-- The one that is killed has gone: had the other been sent the signal too, it
-- would have gone as well.
local function assert_one_is_kept(more)
  local host = host_with{ SLEEP .. more, KEPT .. more, SLEEP .. more }
  local first, kept, last = pids_of(host)
  kill_host(host)
  await_end(first)
  await_end(last)
  assert_kept(kept, host)
end

-- FAULTS 15
function TestHostDeath:test_one_is_killed_and_one_is_kept()
  assert_one_is_kept("")
end

-- FAULTS 15
function TestHostDeath:test_so_it_is_for_another_user()
  if not is_root then lu.skip "only root can change user" end
  assert_one_is_kept(", username = 'nobody'")
end

-- Its spawner is at work when it dies: it makes one child after the other.
function TestHostDeath:test_so_it_is_while_its_spawner_is_at_work()
  local host = host_with({ SLEEP, KEPT }, [[
    local busy = managers.started({ id = "busy", name = "true",
                                    restart_delay = 0 })
    spec.eventually(function() return busy:info().starts > 20 end)
    print "busy"
    pexec.sleep(1000)]])
  local killed, kept = pids_of(host)
  host:await "busy"
  kill_host(host)
  await_end(killed)
  assert_kept(kept, host)
end

function TestHostDeath:test_an_end_that_closes_nothing_keeps_it_too()
  local host = host_with({ SLEEP, KEPT }, "os.exit(3)")
  local killed, kept = pids_of(host)
  host:finish()
  await_end(killed)
  assert_kept(kept, host)
end

function TestHostDeath:test_an_orderly_end_stops_it()
  for _, ending in ipairs{ "return", "error 'boom'", "os.exit(0, true)" } do
    local host = host_with({ KEPT }, ending)
    local kept = pids_of(host)
    host:finish()
    lu.assertFalse(spec.alive(kept), ending)
  end
end

function TestHostDeath:test_a_stop_ends_it()
  local host = host_with({ KEPT }, [[
    local p = managers.started({ id = "own", name = "sleep",
                                 args = { "1000" }, host_death = "keep" })
    local pid = p:unix_pid()
    print("stopped", p:stop(), spec.alive(pid))]])
  local kept = pids_of(host)
  lu.assertEquals(host:await "stopped", "stopped\ttrue\tfalse")
  host:finish()
  lu.assertFalse(spec.alive(kept))
end

-- Its pipes have no reader then; a file of its own needs none.
function TestHostDeath:test_output_wants_a_file_of_its_own()
  local dir = spec.tmpdir()
  local child = ("name = %q, host_death = 'keep', args = { 'waitfile', %q, "
    .. "'print', 'still here', 'append', %%q, 'x', 'forever' }, ")
    :format(spec.child_path, dir .. "/go")
  local host = host_with{
    child:format(dir .. "/piped") .. "log_writer = print",
    child:format(dir .. "/filed")
    .. ("stdout = { file = %q, max_size = 0 }"):format(dir .. "/out") }
  local piped, filed = pids_of(host)
  kill_host(host)
  spec.write(dir .. "/go", "")
  await_end(piped)
  spec.eventually(function() return spec.read(dir .. "/filed") end)
  lu.assertEquals(spec.read(dir .. "/out"), "still here\n")
  lu.assertNil(spec.read(dir .. "/piped"))
  assert_kept(filed, host)
end

-- A program that is to stop it dies with the host, whose it is.
function TestHostDeath:test_its_stop_programs_are_not_kept()
  local dir = spec.tmpdir()
  local host = host_with({ KEPT .. (", stop_sequence = { { run = { %q, "
    .. "'append', %q, '%%p', 'forever' }, wait = '10m' } }")
    :format(spec.child_path, dir .. "/stopper") }, "os.exit(0, true)")
  local kept = pids_of(host)
  local stopper = spec.eventually(function()
    return math.tointeger(tonumber(spec.read(dir .. "/stopper") or ""))
  end)
  kill_host(host)
  await_end(stopper)
  assert_kept(kept, host)
end
