-- Lua's allocator fails: at the n-th allocation alone, and from it on, for
-- ever larger n until a scenario gets through without a failure. Whatever
-- fails is a Lua error; afterwards nothing is lost, doubled or stuck: every
-- process can be stopped and waited for, and nothing is left of the state.
-- Emergency collections hide most failures of the first kind, and are thereby
-- tried at every place.

local lu = require "luaunit"
local managers = require "managers"
local spec = require "spec"
local states = require "states"

-- Where the news come between moves from run to run, so that a part of the
-- places, in every run, finds as much; PEXEC_SPEC_THOROUGH=1 tries all.
local function stride(is_for_good)
  if os.getenv("PEXEC_SPEC_THOROUGH") == "1" then return 1 end
  local step = is_for_good and 2 or 5
  return spec.slowness == 1 and step or step * 7 * math.ceil(spec.slowness)
end

-- A directory with pexec's modules as bytecode, which takes a fraction of the
-- time to load.
local function compiled_modules()
  local directory = spec.tmpdir()
  local init = assert(package.searchpath("pexec", package.path))
  local source = init:match("^(.*)/init.lua$")
  assert(os.execute("mkdir " .. directory .. "/pexec"))
  for _, file in ipairs(spec.probe.list(source)) do
    local name = file == "init.lua" and "pexec.lua" or "pexec/" .. file
    local chunk = assert(loadfile(source .. "/" .. file))
    spec.write(directory .. "/" .. name, string.dump(chunk))
  end
  return directory
end

-- Runs the scenario in fresh states with ever later failures. Its text has
-- `starve(f)`, which answers as pcall does, with no error left unnoticed.
local function for_each_failure(scenario, is_for_good)
  local head = [[
    package.path = %q .. "/?.lua;" .. package.path
    local nth, is_for_good = %d, %s
    local function starve(f)
      collectgarbage()
      arm(nth, is_for_good)
      local ok, problem = pcall(f)
      local failures = disarm()
      if not ok and problem ~= "not enough memory" then error(problem, 0) end
      if failures == 0 then error("all done", 0) end
      return ok
    end
    ]]
  local step = stride(is_for_good)
  local nth, message = 1 - step, ""
  local compiled = compiled_modules()
  while message ~= "all done" do
    local ok, left
    nth = nth + step
    ok, message, left = states.starved(
        head:format(compiled, nth, is_for_good) .. scenario)
    lu.assertTrue(ok or message == "all done",
                  ("at allocation %d: %s"):format(nth, message))
    lu.assertEquals(left, 0, "memory is left of the state")
    lu.assertTrue(nth < 100000, "it does not get through")
  end
  return nth
end

local function in_both_ways(scenario)
  lu.assertTrue(for_each_failure(scenario, false) > 50)
  lu.assertTrue(for_each_failure(scenario, true) > 50)
end

TestAllocator = {}

-- libuv opens two descriptors for good with the first of all supervisors.
function TestAllocator:setUp()
  assert(managers.started("a", "forever"):stop())
end

-- A second attempt finds nothing half made.
function TestAllocator:test_require()
  in_both_ways[[
    starve(function() require "pexec" end)
    local pexec = require "pexec"
    local p = assert(pexec.new_managed_process({ id = "a", name = "true" },
                                               pexec.null_logger))
    assert(tostring(p) == "pexec.ManagedProcess (a)" and p:id() == "a")
    assert(tostring(pexec.new_process_manager()):find "^pexec.ProcessManager")
    assert(pexec.dispatch() == 0)]]
end

function TestAllocator:test_making_and_asking()
  in_both_ways[[
    local pexec = require "pexec"
    starve(function()
      local config = pexec.new_process_config{ id = "a", name = "true",
        args = { "x" }, environment = { A = "b" }, stop_signal = "INT" }
      local again = pexec.unmarshal_process_config(config:marshal_json())
      assert(again == config and config:validate())
      local logger = pexec.new_logger{ level = "error", format = "json" }
      local p = assert(pexec.new_managed_process(config, logger))
      local pm = pexec.new_process_manager(logger)
      assert(pm:add_process(p, true) and pm:add_process_from_config(config))
      assert(#pm:clone():process_ids() == 1 and tostring(pm) and tostring(p))
      assert(#pexec.merge_add_process_managers(pm, pm:clone()) == 1)
      assert(not p:status() and not p:unix_pid() and p:wait())
    end)]]
end

-- Starts, output, a handler that says yes once and then no, a one-shot, a
-- task, a stop of one and of all.
local LIFE <const> = [[
  local pexec, spec = require "pexec", require "spec"
  local deaths, made, pm = 0, {}, nil
  local lines = {}
  local function write(line) lines[#lines + 1] = line end
  local function make(fields, ...)
    local p = assert(pexec.new_managed_process(spec.child(fields, ...),
                                               pexec.null_logger))
    made[#made + 1] = p
    return p
  end
  local function live()
    pm = pexec.new_process_manager(pexec.null_logger)
    local a = make({ id = "a", restart_delay = 0, log_writer = write,
      on_unexpected_exit = function(code, exit)
        deaths = deaths + 1
        return deaths < 2
      end }, "print", "hello", "exit", 3)
    assert(pm:add_process(a, true))
    assert(pm:start())
    assert(a:wait())
    assert(make({ id = "b", one_shot = true, log_writer = write }, "print",
                "x"):start())
    local c = make({ id = "c" }, "forever")
    assert(pm:add_process(c, true))
    assert(pexec.task(function()
      pexec.sleep(0)
      return c:stop()
    end):wait())
    assert(pm:stop())
  end]]

local CHECK <const> = [[
  assert(deaths <= 2, "a handler was called twice")
  for _, p in ipairs(made) do
    assert(p:stop())
    assert(p:wait())
    assert(not p:status())
  end
  if pm then assert(pm:stop()) end
  while pexec.dispatch() > 0 do end
  for _, tid in ipairs(spec.probe.list("/proc/self/task")) do
    local children = spec.read("/proc/self/task/" .. tid .. "/children")
    assert((children or "") == "", "a child is left")
  end
  local again = make({ id = "again", one_shot = true, log_writer = write },
                     "print", "again")
  assert(again:start())
  assert(lines[#lines] == "again")]]

function TestAllocator:test_a_life()
  in_both_ways(LIFE .. "\nstarve(live)\n" .. CHECK)
end

-- A write that was handed over is answered, whoever still waits for that.
function TestAllocator:test_writing()
  in_both_ways[[
    local pexec, spec = require "pexec", require "spec"
    local made = {}
    starve(function()
      local p = assert(pexec.new_managed_process(
          spec.child({ id = "a", stdin = "pipe" }, "stdin"),
          pexec.null_logger))
      made[1] = p
      assert(p:start())
      assert(p:write("hello"))
      local task = pexec.task(function() return p:write(("x"):rep(100)) end)
      assert(task:wait())
      assert(p:close_stdin())
      assert(not p:write("y"))
    end)
    for _, p in ipairs(made) do
      p:write("z")
      assert(p:stop())
      assert(not p:write("z"))
    end
    while pexec.dispatch() > 0 do end]]
end

-- A function hears of each event once; of one that there is no memory for,
-- when there is some.
function TestAllocator:test_events()
  in_both_ways[[
    local pexec, spec = require "pexec", require "spec"
    local heard = { started = 0, exited = 0, stopping = 0, stopped = 0 }
    local p, is_complete
    starve(function()
      p = assert(pexec.new_managed_process(spec.child({ id = "a" }, "forever"),
                                           pexec.null_logger))
      for name in pairs(heard) do
        assert(p:on(name, function() heard[name] = heard[name] + 1 end))
      end
      is_complete = true
      assert(p:start())
      assert(p:signal("CONT"))
      assert(p:stop())
    end)
    if p then
      assert(p:stop())
      assert(p:wait())
    end
    while pexec.dispatch() > 0 do end
    if is_complete then
      assert(heard.stopped == 1, "stopped: " .. heard.stopped)
      local starts = p:info().starts
      for _, name in ipairs{ "started", "exited", "stopping" } do
        assert(heard[name] == starts, name .. ": " .. heard[name])
      end
    end]]
end
