-- Tables of options whose metamethods raise, at each field that is read: what
-- they raise comes out as it is, nothing is left or half made, and the manager
-- that was asked goes on. The fields are those of the live module.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local config = require "pexec.config"

-- {== what there is =========================================================

-- A local of the module's, by way of the functions that know it.
local function upvalue(f, name, seen)
  seen = seen or {}
  if seen[f] then return nil end
  seen[f] = true
  for i = 1, 255 do
    local known, value = debug.getupvalue(f, i)
    if not known then break end
    if known == name then return value end
    local found = type(value) == "function" and upvalue(value, name, seen)
    if found then return found end
  end
end

local FIELDS <const> = assert(upvalue(config.snapshot, "FIELDS"))

-- Of each field that may be a table, tables that it may be.
local SAMPLES <const> = {
  args = { { "x", "y" } },
  environment = { { A = "b" } },
  restart_delay = { { 1, 2 }, { initial = 1, factor = 2, max = 10,
                                jitter = 0.5, reset_after = 5 } },
  stdin = { { file = "/dev/null" }, { data = "x" } },
  success_exit_codes = { { 0, 3 } },
  restart_limit = { { max = 3, within = 60 } },
  stop_sequence = { { { signal = "TERM", wait = 1 } } },
  supplementary_groups = { { 0, 1 } },
  limits = { { core = 0 } },
  cpu_affinity = { { 0 } },
  io_priority = { { class = "best_effort", level = 3 } },
  environment_file = { { "/a", "/b" } },
  capabilities = { { "kill" } },
  cgroup = { { path = "a", memory_max = 1 << 30, pids_max = "max",
               cpu_weight = 3 } },
}
local FILE <const> = { file = "/tmp/x", mode = "0600", format = "text",
                       max_size = 4096, keep = 3, rotate_every = 60,
                       compress = true, on_full = "block" }
for _, name in ipairs{ "stdout", "stderr" } do
  SAMPLES[name] = { FILE, { "inherit", FILE } }
end

local function limit_of_core(limit) return { core = limit } end

-- Tables within those: { where, a sample, how it gets there }.
local INNER <const> = {
  { "stop_sequence", { signal = "TERM", to = "group", wait = 1 } },
  { "stop_sequence", { run = { "true", "x" }, wait = 1 } },
  { "stop_sequence", { call = print } },
  { "stop_sequence", { "true", "x" }, function(run)
    return { { run = run } }
  end },
  { "stdout", FILE, function(file) return { "inherit", file } end },
  { "limits", { soft = 0, hard = 1 }, limit_of_core },
  { "limits", { 0, 1 }, limit_of_core },
}

-- {== tables that raise =====================================================

local RAISED <const> = {}

-- Of a sample with this key, or any if it is nil, indexed: RAISED.
local function raising(sample, at)
  return setmetatable({}, {
    __index = function(_, key)
      if at == nil or key == at then error(RAISED) end
      return sample[key]
    end
  })
end

local function refusing(event, sample)
  local copy = {}
  for key, value in pairs(sample) do copy[key] = value end
  return setmetatable(copy, { [event] = function() error(RAISED) end })
end

-- All variants of a sample, by a name: one that may not be gone through, and
-- for each key one where that raises. Variables are not looked up by names.
local function variants(sample, name)
  local list = { ["__pairs"] = refusing("__pairs", sample) }
  if name == "environment" then return list end
  list["any key"] = raising(sample)
  for key in pairs(sample) do list["key " .. key] = raising(sample, key) end
  return list
end

-- {== what has to hold ======================================================

local function assert_raised(what, f, ...)
  local ok, problem = pcall(f, ...)
  lu.assertFalse(ok, what .. ": nothing was raised")
  lu.assertIs(problem, RAISED, what .. ": " .. tostring(problem))
end

local function valid()
  return spec.child({ id = "b" }, "forever")
end

-- A manager that runs one, and what may not change in it.
local function assert_usable(pm)
  lu.assertEquals(pm:process_ids(), { "a" })
  lu.assertEquals({ pm:process_by_id("a"):status() }, { true })
  lu.assertEquals({ pm:add_process_from_config(valid()) }, { true })
  lu.assertEquals(pm:process_ids(), { "a", "b" })
  assert(pm:remove_process_by_id("b"):stop())
end

local function manager()
  local pm = managers.new()
  assert(pm:add_process(managers.started("a", "forever"), false))
  return pm
end

-- Whatever takes a configuration raises what this one does.
local function assert_none_takes(pm, settings, what)
  assert_raised(what, pexec.new_process_config, settings)
  assert_raised(what, pexec.new_managed_process, settings, pexec.null_logger)
  assert_raised(what, pm.add_process_from_config, pm, settings)
  lu.assertEquals(pm:process_ids(), { "a" }, what)
end

-- {== configurations ========================================================

TestConfigurations = {}

function TestConfigurations:test_each_field_may_raise_when_it_is_read()
  local pm = manager()
  for _, field in ipairs(FIELDS) do
    assert_none_takes(pm, raising(valid(), field.name), field.name)
  end
  assert_none_takes(pm, refusing("__pairs", {}), "__pairs")
  assert_usable(pm)
  assert(pm:stop())
end

function TestConfigurations:test_so_may_each_part_of_a_field()
  local pm, base = manager(), pexec.new_process_config(valid())
  for name, samples in pairs(SAMPLES) do
    for _, sample in ipairs(samples) do
      for how, value in pairs(variants(sample, name)) do
        local settings = valid()
        settings[name] = value
        local what = name .. ", " .. how
        assert_none_takes(pm, settings, what)
        assert_raised(what, function() base[name] = value end)
      end
    end
  end
  lu.assertTrue(base == pexec.new_process_config(valid()))
  assert_usable(pm)
  assert(pm:stop())
end

-- Those are the caller's own tables: what they are is seen again at each use.
function TestConfigurations:test_args_and_environment_may_do_so_later()
  for name, event in pairs{ args = "__index", environment = "__pairs" } do
    local is_bad = false
    local value = setmetatable({}, { [event] = function(t)
      if is_bad then error(RAISED) end
      if event == "__pairs" then return next, t end
    end })
    local settings = pexec.new_process_config(valid())
    settings[name] = value
    is_bad = true
    local pm = manager()
    assert_raised(name, settings.validate, settings)
    assert_raised(name, settings.marshal_json, settings)
    assert_raised(name, pexec.new_managed_process, settings)
    assert_raised(name, pm.add_process_from_config, pm, settings)
    is_bad = false
    lu.assertEquals({ pm:add_process_from_config(settings) }, { true })
    assert(pm:stop())
  end
end

-- FAULTS 14: nothing is asked whether it likes to be compared.
function TestConfigurations:test_no_comparison_raises()
  local base = pexec.new_process_config(valid())
  for _, field in ipairs(FIELDS) do
    lu.assertFalse(base == raising(valid(), field.name))
    lu.assertFalse(base:equals(raising(valid(), field.name)))
  end
end

function TestConfigurations:test_each_field_that_may_be_a_table_is_tried()
  local refuse = function() error(RAISED) end
  for _, field in ipairs(FIELDS) do
    local value = setmetatable({}, { __index = refuse, __pairs = refuse })
    local ok, checked = pcall(field.check, value, field.name)
    local is_read = not ok or checked ~= nil
    lu.assertEquals({ field.name, is_read },
                    { field.name, SAMPLES[field.name] ~= nil })
  end
end

TestParts = {}

-- A stage, a file, a limit: within the table of a field.
function TestParts:test_each_field_of_a_part_may_raise()
  local pm = manager()
  for _, inner in ipairs(INNER) do
    local name, sample, wrap = table.unpack(inner)
    wrap = wrap or function(stage) return { stage } end
    for how, value in pairs(variants(sample)) do
      local settings = valid()
      settings[name] = wrap(value)
      assert_none_takes(pm, settings, name .. ", " .. how)
    end
  end
  assert_usable(pm)
  assert(pm:stop())
end

-- {== other options =========================================================

TestOptions = {}

function TestOptions:test_of_a_manager()
  for how, options in pairs(variants{ logger = pexec.null_logger }) do
    assert_raised(how, pexec.new_process_manager, options)
  end
end

function TestOptions:test_of_a_context()
  for how, options in pairs(variants{ timeout = 1 }) do
    assert_raised(how, pexec.new_context, options)
  end
end

function TestOptions:test_of_a_logger()
  local path = spec.tmpdir() .. "/log"
  local sample = { level = "info" }
  for name, value in pairs(FILE) do sample[name] = value end
  sample.file, sample.on_full = path, nil
  local options = upvalue(pexec.new_logger, "OPTIONS")
  for _, name in ipairs(options) do
    lu.assertNotNil(sample[name], name)
    assert_raised(name, pexec.new_logger, raising(sample, name))
  end
  for how, value in pairs(variants(sample)) do
    assert_raised(how, pexec.new_logger, value)
  end
  lu.assertNil(spec.read(path))
end

-- FAULTS 25: no signal is caught afterwards, and it can still be run.
function TestOptions:test_of_a_run()
  local pm = manager()
  local sample = { signals = { "USR1", "USR2" } }
  for how, options in pairs(variants(sample)) do
    assert_raised(how, pm.run, pm, options)
  end
  for _, event in ipairs{ "__index", "__pairs", "__len" } do
    assert_raised(event, pm.run, pm, { signals = setmetatable({ "USR1" }, {
        [event] = function() error(RAISED) end }) })
  end
  assert_usable(pm)
  pexec.task(function()
    pexec.sleep(0)
    return pm:stop()
  end)
  lu.assertEquals({ pm:run{ signals = { "USR1" } } }, { true, "stopped" })
end

-- {== what a handler returns ================================================

TestVerdicts = {}

-- One that dies at once, and whose handler gives these in turn: how often it
-- was asked, and its log.
local function decided_by(verdicts)
  local asked, log = 0, spec.collecting_logger()
  local process = assert(pexec.new_managed_process(spec.child({ id = "a",
    restart = "never", on_unexpected_exit = function()
      asked = asked + 1
      return verdicts[asked]
    end }, "exit", 3), log))
  assert(process:start())
  return process, log, function() return asked end
end

-- FAULTS 14: told as an error of the handler's, and the policy decides.
function TestVerdicts:test_the_policy_decides_where_it_cannot_be_read()
  local verdict = { restart = true, delay = 0, keep = true,
                    config = { args = { "exit", 4 } } }
  local all = variants(verdict)
  all["any of config"] = { config = raising{} }
  all["config, __pairs"] = { config = refusing("__pairs", {}) }
  for how, value in pairs(variants{ "exit", "4" }) do
    all["config.args, " .. how] = { config = { args = value } }
  end
  for how, value in pairs(all) do
    local process, log, asked = decided_by{ value }
    assert(process:wait())
    lu.assertEquals({ how, asked(), process:info().starts }, { how, 1, 1 })
    lu.assertStrContains(log.lines[#log.lines - 1] .. log.lines[#log.lines],
        "error in on_unexpected_exit, the restart policy decides: ")
  end
end
