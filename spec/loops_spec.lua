-- pexec in programs with a loop of their own, with the real libraries: the
-- scenario of support/loop_host.lua, and examples/embed/libev.c, side by side.
-- Where a loop's library is not there its tests are skipped.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local assert_in_order <const> = managers.assert_in_order
local probe = spec.probe

-- Loop -> the module that it needs.
local MODULES <const> = { luv = "luv", cqueues = "cqueues",
                          luaevent = "luaevent.core", luasocket = "socket",
                          ["no loop"] = "pexec.core" }
local LIBEV <const> = os.getenv "PEXEC_BUILD" .. "/examples/libev"

-- Why system calls cannot be counted; nil: they can.
local function no_trace()
  if spec.mode ~= "plain" then return "counted without a sanitizer" end
  if not os.execute "strace -qq -o /dev/null true >/dev/null 2>&1" then
    return "strace is not there, or may not trace"
  end
end

local untraced = no_trace()

-- A host whose lines are kept, traced where that is possible.
local function start_host(words)
  local host = { lines = {}, trace = spec.tmpdir() .. "/trace" }
  if not untraced then
    words = table.move(words, 1, #words, 6, { "strace", "-f", "-qq", "-o",
                       host.trace, environment = words.environment })
  end
  host.process = assert(pexec.new_managed_process({ id = words[1],
    name = words[1], args = table.move(words, 2, #words, 1, {}),
    cwd = spec.root, stop_signal = "KILL", environment = words.environment,
    log_writer = function(line) table.insert(host.lines, line) end,
    on_unexpected_exit = function(code) host.status = code end,
  }, pexec.null_logger))
  assert(host.process:start())
  return host
end

local function text_of(host)
  return table.concat(host.lines, "\n")
end

-- Its line number 'which' with this text in it, once that is there.
local function await_line(host, text, which)
  return spec.eventually(function()
    local found = 0
    for _, line in ipairs(host.lines) do
      if line:find(text, 1, true) then found = found + 1 end
      if found == which then return line end
    end
    return false, text_of(host)
  end)
end

-- Until no thread has made a system call for a whole second; keeps those of
-- the last second where there is always one.
local function await_idleness(host)
  if untraced then return end
  local deadline = probe.now() + 15
  repeat
    local before = #spec.read(host.trace)
    pexec.sleep(1)
    local calls = spec.read(host.trace):sub(before + 1)
    host.calls = calls ~= "" and calls or nil
  until not host.calls or probe.now() > deadline
end

-- Its process with this number of starts is killed. Returns the host's pid.
local function kill_start(host, which)
  local line = await_line(host, "pid", which)
  spec.kill(math.tointeger(line:match "pid\t(%d+)"), "KILL")
  return math.tointeger(line:match "host\t(%d+)")
end

local function play_loop(host)
  await_line(host, "pid", 1)
  await_idleness(host)
  kill_start(host, 1)
  local pid = kill_start(host, 2)
  await_line(host, "pid", 3)
  spec.kill(pid, "TERM")
end

-- The child of examples/libev.c tells its parent's number and its own.
local function await_numbers(host, other_than)
  return table.unpack(spec.eventually(function()
    local parent, child = (spec.read(host.file) or ""):match "(%d+) (%d+)\n"
    return child and child ~= other_than and { parent, child }
  end))
end

local function play_libev(host)
  local parent, child = await_numbers(host)
  await_idleness(host)
  spec.kill(math.tointeger(child), "KILL")
  await_numbers(host, child)
  spec.kill(math.tointeger(parent), "TERM")
end

local function play(host, scenario)
  local ok, problem = pcall(scenario, host)
  if ok then
    ok, problem = pcall(spec.eventually, function() return host.status end)
  end
  host.problem = not ok and problem
  host.process:stop()
  host.process = nil -- the harness counts what is left
  return host
end

local players = {}

for name in pairs(MODULES) do
  players[name] = function()
    return play(start_host{ spec.lua_path, "spec/support/loop_host.lua", name,
      environment = name == "luaevent" and managers.without_leak_check()
                    or nil }, play_loop)
  end
end

function players.libev()
  local file = spec.tmpdir() .. "/numbers"
  local host = start_host{ LIBEV, ("echo $PPID $$ >%s; exec sleep 1000")
                                  :format(file) }
  host.file = file
  return play(host, play_libev)
end

-- It does not know select for a call that waits, and keeps signals back there.
local function is_deaf(name)
  return name == "luasocket" and spec.mode == "tsan"
end

local function is_there(name)
  if name == "libev" then return spec.read(LIBEV) ~= nil end
  return package.searchpath(MODULES[name], package.cpath) ~= nil
         or package.searchpath(MODULES[name], package.path) ~= nil
end

-- What became of each: all are played at once, the first time it is asked.
local hosts

local function play_all()
  local tasks = {}
  for name, player in pairs(players) do
    if is_there(name) and not is_deaf(name) then
      tasks[name] = pexec.task(player)
    end
  end
  hosts = {}
  for name, task in pairs(tasks) do hosts[name] = assert(task:wait()) end
end

local function host_of(name)
  if is_deaf(name) then lu.skip "the thread sanitizer keeps SIGTERM back" end
  if not hosts then play_all() end
  local host = hosts[name] or lu.skip("its library is not there for Lua 5.4")
  lu.assertFalse(host.problem)
  return host
end

TestLoops = {}

-- Of the library for Lua 5.4 alone.
for name in pairs(MODULES) do
  local word = name:gsub(" ", "_")

  TestLoops["test_a_handler_that_errs_does_not_end_it_" .. word] = function()
    assert_in_order(text_of(host_of(name)), "pid", "boom", "pid")
  end

  TestLoops["test_a_handler_waits_by_its_own_means_" .. word] = function()
    assert_in_order(text_of(host_of(name)), "pid", "pid", "slept\ttrue", "pid")
  end

  TestLoops["test_it_takes_sigterm_and_closes_cleanly_" .. word] = function()
    local host = host_of(name)
    assert_in_order(text_of(host), "finished", "the loop has ended")
    lu.assertEquals(host.status, 0, text_of(host))
  end
end

function TestLoops:test_c_with_libev_decides_on_a_timer_and_takes_sigterm()
  local host = host_of "libev"
  assert_in_order(text_of(host), "exited with status -1", "stopped for SIGTERM")
  lu.assertEquals(host.status, 0, text_of(host))
end

for name in pairs(players) do
  local word = name:gsub(" ", "_")
  TestLoops["test_nothing_is_polled_when_all_is_idle_" .. word] = function()
    if untraced then lu.skip(untraced) end
    lu.assertNil(host_of(name).calls)
  end
end

-- What a handler yields to cqueues.
TestCqueues = {}

-- Runs a body in a coroutine of a queue, with a coroutine beside it that
-- dispatches until that has returned.
local function in_cqueues(body)
  if not is_there "cqueues" then lu.skip "lua-cqueues is not installed" end
  local output, status = spec.run_script(([[
    local cqueues, pexec = require "cqueues", require "pexec"
    local queue, manager = cqueues.new(), pexec.new_process_manager()
    local is_over = false
    local function process(id, on_unexpected_exit)
      local made = assert(pexec.new_managed_process({ id = id, name = "false",
        on_unexpected_exit = on_unexpected_exit }, pexec.null_logger))
      assert(made:start())
      return made
    end
    queue:wrap(function()
      while not is_over do
        cqueues.poll(manager, 0.05)
        pexec.dispatch(0)
      end
    end)
    queue:wrap(function() %s is_over = true end)
    assert(queue:loop())
  ]]):format(body))
  lu.assertEquals(status, 0, output)
  return output
end

function TestCqueues:test_one_handler_that_sleeps_holds_up_no_other()
  lu.assertEquals(in_cqueues [[
    local ended = 0
    for id, seconds in pairs{ late = 0.3, soon = 0 } do
      process(id, function()
        cqueues.sleep(seconds)
        print(id)
        ended = ended + 1
      end)
    end
    while ended < 2 do cqueues.sleep(0.01) end
  ]], "soon\nlate\n")
end

function TestCqueues:test_a_stop_does_not_wait_for_one_that_sleeps()
  lu.assertEquals(in_cqueues [[
    local begun, ended
    local one = process("one", function()
      begun = true
      cqueues.sleep(0.3)
      print "the handler ends"
      ended = true
      return true
    end)
    while not begun do cqueues.sleep(0.01) end
    pexec.task(function()
      assert(one:stop())
      print "stopped"
    end)
    while not ended do cqueues.sleep(0.01) end
    print(one:info().starts)
  ]], "stopped\nthe handler ends\n1\n")
end

function TestCqueues:test_a_task_gets_what_the_loop_answers()
  lu.assertEquals(in_cqueues [[
    local condition = require "cqueues.condition".new()
    local task = pexec.task(function()
      return condition:wait(5), cqueues.poll(0.01)
    end)
    cqueues.sleep(0.05) -- it waits from the loop's next turn on
    condition:signal()
    while tostring(task) ~= "pexec.Task (done)" do cqueues.sleep(0.01) end
    print(task:wait())
  ]], "true\t0.01\n")
end

function TestCqueues:test_a_handler_outside_of_any_loop_blocks_the_thread()
  if not is_there "cqueues" then lu.skip "lua-cqueues is not installed" end
  lu.assertEquals({ spec.run_script [[
    local cqueues, pexec = require "cqueues", require "pexec"
    local one = assert(pexec.new_managed_process({ id = "one", name = "false",
      on_unexpected_exit = function()
        cqueues.sleep(0.05)
        print "slept"
      end }, pexec.null_logger))
    assert(one:start())
    assert(one:wait())
  ]] }, { "slept\n", 0 })
end
