-- The examples do what they say, end by themselves, and leave nothing: neither
-- a process (the harness looks) nor a file.

local lu = require "luaunit"
local managers = require "managers"
local pages = require "pages"
local pexec = require "pexec"
local spec = require "spec"

local PROLOGUE <const> = 'io.stdout:setvbuf "line" '

-- Runs examples/NAME.lua as a script of its own, with a directory for
-- temporary files. Returns what it printed; it has to end with 0.
local function run(name, prologue, environment)
  local directory = spec.tmpdir()
  environment = environment or {}
  environment.TMPDIR = directory
  local output, status = spec.run_script(
    ("%s %s dofile 'examples/%s.lua'"):format(PROLOGUE, prologue or "", name),
    environment)
  lu.assertEquals(status, 0, output)
  lu.assertEquals(spec.probe.list(directory), {})
  return output
end

local assert_in_order <const> = managers.assert_in_order

local function count(output, text)
  return select(2, output:gsub(text:gsub("%p", "%%%0"), ""))
end

TestLogs = {}

function TestLogs:test_it_shows_files_the_last_lines_and_a_filter()
  local output = run "logs"
  assert_in_order(output, "status 1: cannot reach the database\n",
                  "worker.log.1: step 1\n",
                  "worker.log: cannot reach the database\n",
                  "sorted: apple\n", "sorted: fig\n", "sorted: pear\n")
  lu.assertEquals(count(output, ": step "), 9)
end

TestQuickstart = {}

function TestQuickstart:test_the_server_answers_is_killed_and_answers()
  local output = run "quickstart"
  assert_in_order(output, "GET http://127.0.0.1:", ": Hello (from ",
                  "handler: web ended (SIGKILL)", "decision: restart",
                  "GET http://127.0.0.1:", ": Hello (from ",
                  " ms after SIGKILL", "all stopped")
  local killed, now = output:match "SIGKILL to process (%d+), from (%d+)"
  lu.assertNotNil(killed, output)
  lu.assertNotEquals(killed, now)
end

function TestQuickstart:test_the_worker_crashes_now_and_then()
  lu.assertTrue(count(run "quickstart", "handler: worker ended (status 3)") > 0)
end

-- The port that comes first is taken, by a server that answers with a page.
function TestQuickstart:test_a_port_that_is_taken_is_passed_by()
  local directory = spec.tmpdir()
  spec.write(directory .. "/index.html", "Hello from elsewhere\n")
  local output = run("quickstart", [[
    local random, first, is_taken = math.random, nil, false
    math.random = function(...)
      first = first or random(...)
      if is_taken then return random(...) end
      is_taken = true
      return first
    end
    local other = require "pexec".new_managed_process{
      id = "other", name = "busybox", args = { "httpd", "-f", "-p",
      "127.0.0.1:" .. math.random(20000, 32000), "-h",
      os.getenv "ELSEWHERE" } }
    is_taken = false
    assert(other:start())
    repeat until os.execute("busybox wget -q -Y off -O /dev/null "
                            .. "http://127.0.0.1:" .. first .. "/")
    print("taken: " .. first .. ".")
  ]], { ELSEWHERE = directory })
  local taken = output:match "taken: (%d+)%."
  assert_in_order(output, "taken: ", "GET http://", "all stopped")
  lu.assertNotNil(taken)
  lu.assertNil(output:find("GET http://127.0.0.1:" .. taken, 1, true), output)
end

-- As a managed process of the spec's own, which a signal ends.
local function started(name, words, environment)
  local lines = {}
  local directory = spec.tmpdir()
  spec.write(directory .. "/script.lua", PROLOGUE .. words
             .. (" dofile 'examples/%s.lua'"):format(name))
  local process = assert(pexec.new_managed_process({
    id = name, name = spec.lua_path, args = { directory .. "/script.lua" },
    cwd = spec.root, environment = environment,
    log_writer = function(line) lines[#lines + 1] = line end,
    stop_timeout = "60s", stop_signal = "INT",
    on_unexpected_exit = function() return false end,
  }, pexec.null_logger))
  assert(process:start())
  return process, function() return table.concat(lines, "\n") end
end

function TestQuickstart:test_ctrl_c_leaves_nothing()
  local directory = spec.tmpdir()
  local process <close>, output = started("quickstart", "",
                                          { TMPDIR = directory })
  spec.eventually(function() return output():find("GET http", 1, true) end)
  lu.assertEquals({ process:stop() }, { true, "process" })
  lu.assertEquals(spec.probe.list(directory), {})
  lu.assertNil(output():find("all stopped", 1, true))
end

TestPool = {}

function TestPool:test_each_failure_waits_longer_and_success_ends()
  local output = run "pool"
  for _, id in ipairs{ "worker 1", "worker 3" } do
    assert_in_order(output, id .. " failed: again in 0.1 s",
                    id .. " failed: again in 0.2 s",
                    id .. " failed: again in 0.4 s",
                    id .. " failed: again in 0.8 s", id .. " is given up")
  end
  lu.assertEquals(count(output, "worker 2"), 1)
  assert_in_order(output, "worker 2 is through")
end

TestGoverned = {}

function TestGoverned:test_after_three_failures_it_is_in_safe_mode()
  assert_in_order(run "governed", "starts, mode: normal",
                  "service says: no database",
                  'attempt 1: status 7 after "no database"',
                  "attempt 2: status 7", "attempt 3: status 7",
                  "starts, mode: safe", "run 3: status 7", "drains",
                  "stopped, it took: process")
end

TestOneShot = {}

function TestOneShot:test_output_failure_timeout_and_tasks()
  local output = run "one_shot"
  assert_in_order(output, "-> one, two", "-> EXIT_STATUS: ", "exit status 3",
                  "-> SIGNALED: ", "signal: terminated",
                  "sleep 60 -> DEADLINE_EXCEEDED: ", "deadline exceeded")
  for number = 1, 3 do
    lu.assertEquals(count(output, "-> task " .. number), 1)
  end
end

TestOwnLoop = {}

function TestOwnLoop:test_the_program_works_on_while_a_worker_is_restarted()
  local output = run "own_loop"
  assert_in_order(output, "started (1)", "started (2)", "started (3)")
  lu.assertTrue(tonumber(output:match "found (%d+) primes") > 0, output)
end

-- Their worker dies at once, each time, and their handler waits in a way of
-- the loop's; after more than three deaths they send themselves SIGTERM.
TestLoops = {}

local function assert_keeps_up(output)
  local round = { "worker: started", "worker: exited with status 1" }
  assert_in_order(output, round[1], round[2], round[1], round[2], round[1],
                  round[2], "stopped for SIGTERM")
  local deaths = count(output, round[2])
  lu.assertTrue(deaths <= 5, "the handler has not waited: " .. output)
end

for _, name in ipairs{ "luv", "cqueues", "luasocket" } do
  TestLoops["test_" .. name] = function() assert_keeps_up(run(name)) end
end

function TestLoops:test_luaevent()
  assert_keeps_up(run("luaevent", "", managers.without_leak_check()))
end

function TestLoops:test_luasockets_own_sockets_are_served_meanwhile()
  assert_in_order(run "luasocket", "worker: started", "a client came",
                  "stopped for SIGTERM")
end

TestSupervise = {}

function TestSupervise:test_it_ends_by_sigterm()
  assert_in_order(run "supervise", "crasher: restarted as process",
                  "clock: stopping process", "stopped for SIGTERM")
end

function TestSupervise:test_it_goes_on_until_it_is_told_otherwise()
  local process <close>, output = started("supervise", "arg[1] = 'forever'")
  spec.eventually(function()
    return count(output(), "crasher: restarted") >= 5
  end)
  lu.assertEquals({ process:stop() }, { true, "process" })
  assert_in_order(output(), "stubborn: killing process group",
                  "stopped for SIGINT")
end

TestExamples = {}

local known = { quickstart = TestQuickstart, pool = TestPool,
                one_shot = TestOneShot, own_loop = TestOwnLoop,
                supervise = TestSupervise, logs = TestLogs,
                governed = TestGoverned, luv = TestLoops, cqueues = TestLoops,
                luaevent = TestLoops, luasocket = TestLoops,
                services = "services_spec" }

-- Those in C are embed_spec's.
for _, path in ipairs(pages.lines_of "ls examples/embed") do
  known[path:match "^[^.]+"] = true
end

function TestExamples:test_each_has_a_spec()
  for _, name in ipairs(pages.lines_of "examples/run") do
    lu.assertNotNil(known[name], name)
    known[name] = nil
  end
  lu.assertNil(next(known))
end

function TestExamples:test_each_has_at_most_40_lines()
  for _, path in ipairs(pages.lines_of
      "ls examples/*.lua examples/*/main.lua examples/embed/*") do
    local _, lines = pages.read(path):gsub("\n", "")
    lu.assertTrue(lines <= 40, path .. ": " .. lines)
  end
end

function TestExamples:test_no_line_is_wider_than_80_columns()
  lu.assertEquals(pages.lines_of "grep -rnE '.{81}' examples || test $? = 1",
                  {})
end
