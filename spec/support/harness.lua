--[[
Runs one spec file, and proves after each test that nothing is left of it:

    host spec/support/harness.lua FILE [argument of luaunit...]

The file defines global tables (or functions) whose names begin with Test, as
luaunit has them, and does not run them itself. After each test, passed or
not: no child and no descendant lives, there are no more descriptors and
threads than after the first process, Lua's registry is no larger, and the
host's signals, mask, umask and directory are what they were. There is no way
for a spec to opt out.

Results go to stdout as TAP, and one line a test to the file that
PEXEC_SPEC_RESULT names, which no test's output can blur. Whoever counts
takes a test that was planned and has no line for a failed one. Runs on the
thread of the tests.
]]

local directory = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = directory .. "/?.lua;" .. package.path

local exit = os.exit  -- luaunit puts one that refuses in its place
local luaunit = require "luaunit"
local probe = require "probe"
local spec = require "spec"

-- What a supervisor may hold once it runs: descriptors, threads, and the
-- keys of its table of living processes and the like in the registry.
-- The thread sanitizer has a thread of its own.
local ALLOWED = { descriptors = 16, threads = 2, registry = 6 }
if os.getenv("PEXEC_SPEC_MODE") == "tsan" then ALLOWED.threads = 3 end

-- What ends asynchronously gets this long, in seconds, before it is a leak.
local PATIENCE = 5 * spec.slowness

-- Results --------------------------------------------------------------------

-- Opened for each line: a descriptor held open would be the host's leak.
local function report(line)
  local path = os.getenv("PEXEC_SPEC_RESULT")
  if not path then return end
  local file = assert(io.open(path, "a"))
  file:write(line, "\n")
  file:close()
end

local function give_up(why)
  io.stdout:write("# ", (why:gsub("\n", "\n# ")), "\n")
  io.stdout:flush()
  exit(1, false)
end

-- Processes ------------------------------------------------------------------

-- In the environment of all that the tests start, and not in the host's own:
-- /proc shows a process the environment that it was started with.
local mark = ("%s.%d.%d"):format(os.getenv("PEXEC_SPEC_MARK") or "by-hand",
                                 probe.pid(), math.floor(probe.now() * 1e6))
assert(probe.setenv("PEXEC_SPEC_MARK", mark))

local function is_marked(pid)
  local environment = spec.read("/proc/" .. pid .. "/environ")
  return environment and environment:find(mark, 1, true) ~= nil
end

local function command_line(pid)
  local text = spec.read("/proc/" .. pid .. "/cmdline") or ""
  return (text:gsub("%z", " "))
end

-- Children of the host, zombies too, and living descendants wherever.
local function leftovers()
  local found = {}
  for _, pid in ipairs(spec.pids()) do
    local stat = spec.stat(pid)
    if stat and (stat.ppid == probe.pid()
                 or stat.state ~= "Z" and is_marked(pid)) then
      found[#found + 1] = stat
    end
  end
  return found
end

local function described(processes)
  local lines = {}
  for i, stat in ipairs(processes) do
    lines[i] = ("  %d %s (%s)"):format(stat.pid, stat.state,
                                       command_line(stat.pid))
  end
  return table.concat(lines, "\n")
end

-- The host's state ------------------------------------------------------------

local function count(directory_path)
  return #assert(probe.list(directory_path))
end

-- Freed references are numbers under numbers, kept for reuse.
local function is_free_reference(key, value)
  return math.type(key) == "integer" and math.type(value) == "integer"
end

local function count_keys(t)
  local keys = 0
  for key, value in next, t do
    if not is_free_reference(key, value) then keys = keys + 1 end
  end
  return keys
end

-- The registry's entries, and those of the tables in it, but for what
-- belongs to Lua itself: globals and loaded modules.
local function registry_size()
  local registry = debug.getregistry()
  local size = count_keys(registry)
  for key, value in next, registry do
    local is_luas = value == _G or value == package.loaded
                    or key == "_PRELOAD" or key == "_CLIBS"
    if type(value) == "table" and not is_luas then
      size = size + count_keys(value)
    end
  end
  return size
end

-- Lets pexec deliver what is on its way, and Lua collect what is dead.
local function settle()
  local pexec = package.loaded.pexec
  if type(pexec) == "table" and pexec.dispatch then
    pcall(pexec.dispatch, 0)
  end
  collectgarbage()
  collectgarbage()
end

-- One that opens files stays for the next start that has some.
local function openers_kept()
  for _, tid in ipairs(assert(probe.list("/proc/self/task"))) do
    local name = spec.read("/proc/self/task/" .. tid .. "/comm")
    if name == "pexec-opener\n" then return 1 end
  end
  return 0
end

local function measure()
  settle()
  return { descriptors = count("/proc/self/fd"),
           threads = count("/proc/self/task") - openers_kept(),
           registry = registry_size() }
end

-- Signals 32 and 33 are the C library's own.
local function without_own_signals(mask_text)
  return ("%016x"):format(tonumber(mask_text, 16) & ~(3 << 31))
end

-- valgrind keeps the real dispositions to itself.
local signal_lines = { SigBlk = true, SigIgn = true, SigCgt = true }
if os.getenv("PEXEC_SPEC_MODE") == "valgrind" then signal_lines = {} end

local function host_state()
  local state = { cwd = probe.readlink("/proc/self/cwd") }
  for line in io.lines("/proc/self/status") do
    local name, value = line:match("^(%w+):%s*(%S+)")
    if signal_lines[name] then state[name] = without_own_signals(value) end
    if name == "Umask" then state[name] = value end
  end
  return state
end

-- The check -------------------------------------------------------------------

local before   -- counts before the first test
local limits   -- what is allowed once there is a supervisor
local excess = { descriptors = 0, threads = 0, registry = 0 }  -- told already
local state    -- of the host, before the first test
local told = {}
local has_supervisor = false

-- Does one run now? Its thread is named so; a sanitizer may have others.
local function is_supervised()
  for _, tid in ipairs(assert(probe.list("/proc/self/task"))) do
    local name = spec.read("/proc/self/task/" .. tid .. "/comm")
    if name == "pexec\n" then return true end
  end
  return false
end

-- Without a supervisor there is no reason for any descriptor or thread, but
-- for those that stay after the first one of all: libuv's pipe, and a thread
-- of the thread sanitizer's.
local function limit_of(name)
  if has_supervisor or name == "registry" or is_supervised() then
    return limits[name] + excess[name]
  end
  local stays = name == "descriptors" and 2 or ALLOWED.threads - 2
  return before[name] + stays + excess[name]
end

local function is_within(counts)
  for name, value in pairs(counts) do
    if value > limit_of(name) then return false end
  end
  return true
end

local function wait_until(is_reached)
  local limit = probe.now() + PATIENCE
  local value, is_good = is_reached()
  while not is_good and probe.now() < limit do
    spec.pause()
    value, is_good = is_reached()
  end
  return value
end

-- From the first test with a supervisor on, its descriptors are the measure.
local function note_first_supervisor(counts)
  if has_supervisor or not is_supervised() then return end
  has_supervisor = true
  limits.descriptors = math.min(limits.descriptors,
                                counts.descriptors - excess.descriptors)
  limits.registry = math.min(limits.registry,
                             counts.registry - excess.registry + 2)
end

local function descriptor_names()
  local names = {}
  for _, fd in ipairs(assert(probe.list("/proc/self/fd"))) do
    local target = probe.readlink("/proc/self/fd/" .. fd)
    if target then names[#names + 1] = fd .. "=" .. target end
  end
  return table.concat(names, " ")
end

-- One that is supervised still comes back: it is ended until nothing comes,
-- or the file is given up.
local function kill_leftovers(found)
  local limit = probe.now() + PATIENCE
  local quiet_since = probe.now()
  while probe.now() - quiet_since < 1.5 do
    for _, stat in ipairs(leftovers()) do
      spec.kill(stat.pid, "KILL")
      if stat.ppid == probe.pid() then probe.wait(stat.pid) end
      quiet_since = probe.now()
    end
    if probe.now() > limit then
      give_up("this was left, and comes back; the rest is not run:\n" .. found)
    end
    spec.pause()
  end
end

local function check_processes(problems)
  local found = wait_until(function()
    settle()
    local processes = leftovers()
    return processes, #processes == 0
  end)
  if #found == 0 then return end
  local text = described(found)
  problems[#problems + 1] = "processes left behind:\n" .. text
  kill_leftovers(text)
end

local function complain(problems, name, count_now, limit)
  problems[#problems + 1] = ("%s: %d, allowed are %d (%d at first)"):format(
    name, count_now, limit, before[name])
  if name == "descriptors" then
    problems[#problems + 1] = "  " .. descriptor_names()
  end
end

-- Each leak is told once: afterwards it is taken as given.
local function check_counts(problems)
  local counts = wait_until(function()
    local now = measure()
    return now, is_within(now)
  end)
  local surplus = {}
  for name, value in pairs(counts) do
    local limit = limit_of(name)
    surplus[name] = math.max(0, value - limit)
    if value > limit then complain(problems, name, value, limit) end
  end
  note_first_supervisor(counts)
  for name, value in pairs(surplus) do excess[name] = excess[name] + value end
end

-- Here too a change is told once, and may be taken back.
local function check_host(problems)
  for name, value in pairs(host_state()) do
    if value ~= state[name] and value ~= told[name] then
      problems[#problems + 1] = ("the host's %s: %s, was %s"):format(
        name, value, state[name])
    end
    told[name] = value
  end
end

-- What is left of the test that has just run: nil, or a text.
local function find_leaks()
  local problems = {}
  check_processes(problems)
  spec.remove_directories()
  check_counts(problems)
  check_host(problems)
  if #problems == 0 then return nil end
  return "left behind after the test:\n" .. table.concat(problems, "\n")
end

-- Running ---------------------------------------------------------------------

local runner = luaunit.LuaUnit.new()

function runner:startSuite(selected, not_selected)
  report("plan " .. selected .. " of " .. selected + not_selected)
  luaunit.LuaUnit.startSuite(self, selected, not_selected)
  before, state = measure(), host_state()
  limits = {}
  for name, allowed in pairs(ALLOWED) do
    limits[name] = before[name] + allowed
  end
end

-- After tearDown, so that it counts as part of the test.
function runner:endTest()
  local node = self.result.currentNode
  local leaks = find_leaks()
  if leaks and not node:isSuccess() and not node:isSkipped() then
    print("# " .. leaks:gsub("\n", "\n# "))
  elseif leaks then
    node:success()
    self:updateStatus(self:protectedCall(nil, function()
      luaunit.fail(leaks)
    end, "leak check"))
  end
  report(node:isSkipped() and "skip " .. node.testName
         or node:isSuccess() and "ok " .. node.testName
         or "not ok " .. node.testName)
  luaunit.LuaUnit.endTest(self)
  io.stdout:flush()
end

local file = table.remove(arg, 1) or error("usage: harness.lua FILE")
local chunk, message = loadfile(file)
if not chunk then give_up(message) end
local is_loaded, failure = xpcall(chunk, debug.traceback, file)
if not is_loaded then give_up(failure) end
if #luaunit.LuaUnit.collectTests() == 0 then
  give_up(file .. " defines no test")
end

local failures = runner:runSuite("-v", "-o", "tap", table.unpack(arg))
os.exit(failures == 0 and 0 or 1, true)
