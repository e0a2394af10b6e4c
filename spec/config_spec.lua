-- ProcessConfig as Lua sees it: fields, defaults, what is refused and how,
-- validating, comparing, snapshots. Its JSON is in json_spec.lua.

local lu = require "luaunit"
local configs = require "pexec.config"

local function new(fields)
  return configs.new(fields or {})
end

-- The message that f raises.
local function message_of(f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok, "nothing was raised")
  return message
end

local function without_position(message)
  return (message:gsub("^[^:]+:%d+: ", ""))
end

-- Both ways to set a field refuse the value with the same words, and the
-- assignment leaves the old value.
local function assert_refused(field, value, expected)
  local config = new{ id = "old", args = { "old" } }
  local before = config[field]
  local message = message_of(function() config[field] = value end)
  lu.assertEquals(without_position(message), expected)
  lu.assertIs(config[field], before)
  message = message_of(function() return (new{ [field] = value }) end)
  lu.assertEquals(without_position(message), expected)
end

local function logger()
  local function log() end
  return { debug = log, info = log, warn = log, error = log }
end

TestConfigFields = {}

function TestConfigFields:test_a_field_reads_as_it_was_written()
  local write = function() end
  local given = { id = "web", name = "/bin/web", cwd = "/", one_shot = true,
                  username = "www", log = true, log_writer = write,
                  stdout_logger = logger(), stderr_logger = logger(),
                  on_unexpected_exit = write }
  local config = new(given)
  for field, value in pairs(given) do
    lu.assertIs(config[field], value, field)
  end
end

function TestConfigFields:test_tables_read_as_they_were_written()
  local config = new{ args = { "-v", "" }, environment = { A = "1", B = "" } }
  lu.assertEquals(config.args, { "-v", "" })
  lu.assertEquals(config.environment, { A = "1", B = "" })
end

function TestConfigFields:test_reading_an_unset_field_gives_its_default()
  local config = new()
  lu.assertIs(config.one_shot, false)
  lu.assertIs(config.log, false)
  lu.assertEquals(config.args, {})
  lu.assertEquals(config.environment, {})
  lu.assertEquals(config.stop_signal, "SIGTERM")
  lu.assertEquals(config.stop_timeout, 10)
  lu.assertEquals(config.restart_delay, 1)
end

function TestConfigFields:test_reading_an_unset_field_without_default_is_nil()
  local config = new()
  for _, field in ipairs{ "id", "name", "cwd", "username", "log_writer",
                          "stdout_logger", "stderr_logger",
                          "on_unexpected_exit" } do
    lu.assertNil(config[field], field)
  end
end

function TestConfigFields:test_reading_what_is_no_field_is_nil()
  lu.assertNil(new().no_such_field)
  lu.assertNil(new()[1])
end

function TestConfigFields:test_assigning_nil_brings_the_default_back()
  local config = new{ id = "a", log = true, stop_signal = "INT",
                      stop_timeout = 3, args = { "x" } }
  for _, field in ipairs{ "id", "log", "stop_signal", "stop_timeout",
                          "args" } do
    config[field] = nil
  end
  lu.assertTrue(config == new())
  lu.assertNil(config.id)
  lu.assertEquals(config.stop_signal, "SIGTERM")
  lu.assertEquals(config.args, {})
end

function TestConfigFields:test_args_can_be_filled_through_what_is_read()
  local config = new()
  config.args[1] = "a"
  config.args[2] = "b"
  config.environment.HOME = "/"
  lu.assertEquals(configs.snapshot(config).args, { "a", "b" })
  lu.assertEquals(configs.snapshot(config).environment, { HOME = "/" })
end

function TestConfigFields:test_an_assigned_table_is_the_field_from_then_on()
  local config, args = new(), { "a" }
  config.args = args
  args[2] = "b"
  lu.assertIs(config.args, args)
  lu.assertEquals(configs.snapshot(config).args, { "a", "b" })
end

function TestConfigFields:test_new_takes_copies_of_the_tables_it_is_given()
  local args, environment = { "a" }, { A = "1" }
  local config = new{ args = args, environment = environment }
  args[1], environment.A = "changed", "changed"
  lu.assertEquals(config.args, { "a" })
  lu.assertEquals(config.environment, { A = "1" })
end

function TestConfigFields:test_new_sees_inherited_fields()
  local base = { name = "sh", args = { "-c" } }
  local config = new(setmetatable({ id = "a" }, { __index = base }))
  lu.assertEquals({ config.id, config.name, config.args[1] },
                  { "a", "sh", "-c" })
end

function TestConfigFields:test_new_copies_a_config()
  local original = new{ id = "a", name = "b", args = { "x" }, log = true,
                        stop_signal = "INT", stop_timeout = "2s" }
  local clone = new(original)
  lu.assertTrue(clone == original)
  clone.args[1] = "y"
  clone.id = "c"
  lu.assertEquals(original.args, { "x" })
  lu.assertEquals(original.id, "a")
end

function TestConfigFields:test_pairs_gives_the_set_fields_in_order()
  local config = new{ stop_timeout = "1m", id = "a", log = false,
                      args = { "x" }, stop_signal = 2, name = "b" }
  local _ = config.environment  -- reading sets nothing
  local names, got = {}, {}
  for field, value in pairs(config) do
    names[#names + 1] = field
    got[field] = value
  end
  lu.assertEquals(names, { "id", "name", "args", "log", "stop_signal",
                           "stop_timeout" })
  lu.assertEquals(got, { id = "a", name = "b", args = { "x" }, log = false,
                         stop_signal = "SIGINT", stop_timeout = 60 })
end

function TestConfigFields:test_fields_can_be_unset_while_pairs_runs()
  local config = new{ id = "a", name = "b", cwd = "/", log = true }
  for field in pairs(config) do config[field] = nil end
  for field in pairs(config) do lu.fail("left: " .. field) end
end

function TestConfigFields:test_is_tells_a_config_from_all_else()
  lu.assertTrue(configs.is(new()))
  for _, other in ipairs{ {}, "id", 1, print, io.stderr } do
    lu.assertFalse(configs.is(other))
  end
  lu.assertFalse(configs.is(nil))
end

function TestConfigFields:test_tostring_shows_the_id()
  lu.assertEquals(tostring(new{ id = "web" }), "pexec.ProcessConfig (web)")
  lu.assertEquals(tostring(new{ id = "a\nb" }),
                  "pexec.ProcessConfig (a\\x0ab)")
  lu.assertEquals(tostring(new()), "pexec.ProcessConfig (no id)")
end

TestConfigSignals = {}

function TestConfigSignals:test_a_signal_is_read_back_as_its_name()
  for given, name in pairs{ [15] = "SIGTERM", [9.0] = "SIGKILL",
                            TERM = "SIGTERM", term = "SIGTERM",
                            SIGUSR1 = "SIGUSR1", sigwinch = "SIGWINCH",
                            ["SIGRTMIN+1"] = "SIGRTMIN+1" } do
    lu.assertEquals(new{ stop_signal = given }.stop_signal, name)
  end
end

function TestConfigSignals:test_a_number_that_is_no_signal_is_refused()
  for number, shown in pairs{ [0] = "0", [65] = "65", [-1] = "-1",
                              [1.5] = "1.5", [1 << 40] = "1099511627776",
                              [32] = "32" } do
    assert_refused("stop_signal", number,
                   "stop_signal: unknown signal " .. shown)
  end
end

function TestConfigSignals:test_a_name_that_is_no_signal_is_refused()
  assert_refused("stop_signal", "BOGUS",
                 'stop_signal: unknown signal "BOGUS"')
  assert_refused("stop_signal", "", 'stop_signal: unknown signal ""')
  assert_refused("stop_signal", "TERM\0",
                 'stop_signal: unknown signal "TERM\\x00" '
                 .. '(did you mean "TERM"?)')
  assert_refused("stop_signal", "HPU",
                 'stop_signal: unknown signal "HPU" (did you mean "HUP"?)')
  assert_refused("stop_signal", "SIGTREM", 'stop_signal: unknown signal '
                 .. '"SIGTREM" (did you mean "SIGTERM"?)')
end

function TestConfigSignals:test_another_type_is_no_signal()
  assert_refused("stop_signal", true, "stop_signal: signal (name or number)"
                 .. " expected, got boolean true")
end

TestConfigDurations = {}

function TestConfigDurations:test_a_duration_is_read_back_in_seconds()
  for given, seconds in pairs{ ["250ms"] = 0.25, ["1m30s"] = 90,
                               ["1h"] = 3600, ["1.5s"] = 1.5, ["0"] = 0,
                               [0.25] = 0.25, [7] = 7 } do
    lu.assertEquals(new{ stop_timeout = given }.stop_timeout, seconds)
    lu.assertEquals(new{ restart_delay = given }.restart_delay, seconds)
  end
end

function TestConfigDurations:test_whole_seconds_are_integers()
  lu.assertEquals(math.type(new{ stop_timeout = 7.0 }.stop_timeout),
                  "integer")
  lu.assertEquals(math.type(new{ stop_timeout = "1m" }.stop_timeout),
                  "integer")
end

function TestConfigDurations:test_what_is_no_duration_is_refused()
  for _, case in ipairs{ { -1, "negative duration -1" },
                         { -1e-12, "negative duration -1e-12" },
                         { "-1s", 'negative duration "-1s"' },
                         { math.huge, "duration out of range inf" },
                         { -math.huge, "negative duration -inf" },
                         { 0 / 0, "invalid duration nan" },
                         { 1e10, "duration out of range 10000000000.0" },
                         { math.maxinteger,
                           "duration out of range 9223372036854775807" },
                         { "1x", 'invalid duration "1x"' },
                         { "10", 'invalid duration "10"' },
                         { "", 'invalid duration ""' },
                         { "1s\0", 'invalid duration "1s\\x00"' },
                         { "9999999h", 'duration out of range "9999999h"' },
                         { {}, "duration (number or string) expected, "
                           .. "got table" } } do
    assert_refused("stop_timeout", case[1], "stop_timeout: " .. case[2])
    assert_refused("restart_delay", case[1], "restart_delay: " .. case[2])
  end
end

TestConfigErrors = {}

function TestConfigErrors:test_an_unknown_field_is_named_with_the_nearest()
  for wrong, right in pairs{ stop_signl = "stop_signal", ID = "id",
                             stopTimeout = "stop_timeout",
                             ["one-shot"] = "one_shot", anme = "name",
                             env = "environment", user = "username",
                             enviroment = "environment",
                             std_out = "stdout" } do
    assert_refused(wrong, "x", ('unknown field "%s" (did you mean "%s"?)')
                               :format(wrong, right))
  end
end

function TestConfigErrors:test_an_unknown_field_like_no_other_is_just_named()
  assert_refused("frobnicate", 1, 'unknown field "frobnicate"')
  assert_refused("", 1, 'unknown field ""')
  assert_refused(1, "x", "unknown field 1")
  assert_refused(true, "x", "unknown field true")
  assert_refused(print, "x", "unknown field a function")
end

function TestConfigErrors:test_a_long_unknown_field_is_shown_shortened()
  local message = message_of(new, { [("x"):rep(1e6)] = 1 })
  lu.assertEquals(message, 'unknown field "' .. ("x"):rep(60) .. '"...')
end

function TestConfigErrors:test_a_method_cannot_be_assigned()
  local config = new()
  local message = message_of(function() config.validate = print end)
  lu.assertStrContains(message, 'unknown field "validate"')
  lu.assertIsFunction(config.validate)
end

function TestConfigErrors:test_of_several_unknown_fields_one_is_always_told()
  local names = { zeta = 1, beta = 1, eta = 1, theta = 1, iota = 1 }
  for _ = 1, 20 do
    lu.assertEquals(message_of(new, names), 'unknown field "beta"')
  end
end

function TestConfigErrors:test_strings_must_be_strings()
  for _, field in ipairs{ "id", "name", "cwd", "username" } do
    assert_refused(field, 5, field .. ": string expected, got number 5")
    assert_refused(field, false,
                   field .. ": string expected, got boolean false")
    assert_refused(field, {}, field .. ": string expected, got table")
  end
end

function TestConfigErrors:test_strings_with_a_nul_byte_are_refused()
  for _, field in ipairs{ "id", "name", "cwd", "username" } do
    assert_refused(field, "a\0b", field .. ': NUL byte in "a\\x00b"')
  end
end

function TestConfigErrors:test_flags_must_be_booleans()
  for _, field in ipairs{ "one_shot", "log" } do
    assert_refused(field, 1, field .. ": boolean expected, got number 1")
    assert_refused(field, "yes",
                   field .. ': boolean expected, got string "yes"')
  end
end

function TestConfigErrors:test_args_must_be_an_array_of_strings()
  for _, case in ipairs{
    { "-v", 'args: array of strings expected, got string "-v"' },
    { { "a", 2 }, "args[2]: string expected, got number 2" },
    { { true }, "args[1]: string expected, got boolean true" },
    { { "a", "x\0" }, 'args[2]: NUL byte in "x\\x00"' },
    { { "a", nil, "c" }, "args[2]: string expected, got nil" },
    { { [2] = "b" }, "args[1]: string expected, got nil" },
    { { [1 << 40] = "b" }, "args[1]: string expected, got nil" },
    { { "a", x = "b" }, 'args["x"]: not an index of an array' },
    { { [0] = "a" }, "args[0]: not an index of an array" },
    { { [1.5] = "a" }, "args[1.5]: not an index of an array" } } do
    assert_refused("args", case[1], case[2])
  end
end

function TestConfigErrors:test_environment_must_be_names_to_strings()
  local name = "environment"
  for _, case in ipairs{
    { "A=1", ': table of strings or function expected, got string "A=1"' },
    { { A = 1 }, '["A"]: string expected, got number 1' },
    { { A = true }, '["A"]: string expected, got boolean true' },
    { { A = "x\0y" }, '["A"]: NUL byte in "x\\x00y"' },
    { { "A=1" }, "[1]: name expected, got number 1" },
    { { [""] = "x" }, '[""]: empty name' },
    { { ["A=B"] = "x" }, '["A=B"]: "=" in a name' },
    { { ["\0"] = "x" }, '["\\x00"]: NUL byte in a name' } } do
    assert_refused(name, case[1], name .. case[2])
  end
end

function TestConfigErrors:test_a_writer_is_a_function_or_has_a_write_method()
  local config = new()
  config.log_writer = print
  config.log_writer = io.stderr
  config.log_writer = { write = print }
  config.log_writer = { write = setmetatable({}, { __call = print }) }
  for shown, value in pairs{ table = {}, ["number 1"] = 1,
                             ['string "x"'] = "x" } do
    assert_refused("log_writer", value, "log_writer: function or object "
                   .. "with a write method expected, got " .. shown)
  end
  assert_refused("log_writer", { write = "no" }, "log_writer: function or "
                 .. "object with a write method expected, got table")
end

function TestConfigErrors:test_a_logger_has_all_four_methods()
  for _, field in ipairs{ "stdout_logger", "stderr_logger" } do
    for _, method in ipairs{ "debug", "info", "warn", "error" } do
      local value = logger()
      value[method] = nil
      assert_refused(field, value, ('%s: logger expected, got table without '
                     .. 'method "%s"'):format(field, method))
    end
    assert_refused(field, print, field .. ": logger (object with debug, "
                   .. "info, warn and error) expected, got function")
  end
end

function TestConfigErrors:test_an_object_that_refuses_indexing_is_no_logger()
  local strict = setmetatable({}, { __index = function() error("no") end })
  assert_refused("stdout_logger", strict, "stdout_logger: logger expected, "
                 .. 'got table without method "debug"')
end

function TestConfigErrors:test_the_exit_handler_can_be_called()
  local config = new()
  config.on_unexpected_exit = print
  config.on_unexpected_exit = setmetatable({}, { __call = print })
  assert_refused("on_unexpected_exit", {},
                 "on_unexpected_exit: function expected, got table")
  assert_refused("on_unexpected_exit", true,
                 "on_unexpected_exit: function expected, got boolean true")
end

function TestConfigErrors:test_errors_point_to_the_line_of_the_caller()
  local config = new()
  local line = debug.getinfo(1, "l").currentline
  local found = {
    message_of(function() config.id = 1 end),
    message_of(function() configs.new{ id = 1 } return nil end),
    message_of(function() configs.new(5) return nil end),
    message_of(function() configs.check({ id = 1 }) return nil end),
    message_of(function() configs.unmarshal(5) return nil end),
    message_of(function() config.validate(5) return nil end),
    message_of(function() config:validate(5) return nil end) }
  for i, message in ipairs(found) do
    local where = ("^[^:]*config_spec%%.lua:%d: "):format(line + 1 + i)
    lu.assertStrMatches(message, where .. ".*")
  end
end

function TestConfigErrors:test_new_wants_a_table()
  lu.assertEquals(message_of(configs.new, 5), "bad argument #1 to "
                  .. "'new_process_config' (table expected, got number)")
  lu.assertStrContains(message_of(configs.new), "table expected, got nil")
end

TestConfigCheck = {}

function TestConfigCheck:test_check_gives_back_a_config_itself()
  local config = new{ id = "a" }
  lu.assertIs(configs.check(config), config)
end

function TestConfigCheck:test_check_makes_a_config_of_a_plain_table()
  local config = configs.check{ id = "a", stop_signal = "INT" }
  lu.assertTrue(configs.is(config))
  lu.assertEquals(config.stop_signal, "SIGINT")
end

function TestConfigCheck:test_check_raises_what_new_raises()
  lu.assertEquals(message_of(configs.check, { nme = "x" }),
                  'unknown field "nme" (did you mean "name"?)')
  lu.assertEquals(message_of(configs.check, "x"),
                  "ProcessConfig or table expected, got string")
end

function TestConfigCheck:test_check_blames_the_level_it_is_told()
  local function wrapper(value) return (configs.check(value, 2)) end
  local line = debug.getinfo(1, "l").currentline
  local message = message_of(function() local _ = wrapper{ id = 1 } end)
  lu.assertStrMatches(message, ("^[^:]*config_spec%%.lua:%d: .*")
                               :format(line + 1))
end

-- What may go wrong in a live table is found by all that use it.
function TestConfigCheck:test_a_change_for_the_worse_is_found_later()
  local config = new{ id = "a", name = "b" }
  config.args[1] = 5
  local expected = "args[1]: string expected, got number 5"
  lu.assertEquals(message_of(configs.check, config), expected)
  lu.assertEquals(message_of(configs.snapshot, config), expected)
  local ok, message, code = config:validate("p")
  lu.assertNil(ok)
  lu.assertEquals(message, 'error validating "p": ' .. expected)
  lu.assertEquals(code, "INVALID_CONFIG")
  ok, message, code = config:marshal_json()
  lu.assertNil(ok)
  lu.assertEquals(message, "json: " .. expected)
  lu.assertEquals(code, "INVALID_CONFIG")
  config.args[1] = "good"
  config.environment["="] = "x"
  lu.assertEquals(message_of(configs.check, config),
                  'environment["="]: "=" in a name')
  config.environment["="] = nil
  lu.assertTrue(config:validate())
end

TestConfigSnapshot = {}

local no_output = { inherits = false, merges = false, files = {} }

function TestConfigSnapshot:test_a_snapshot_has_every_default()
  lu.assertEquals(configs.snapshot(new{ id = "a", name = "b" }),
                  { id = "a", name = "b", args = {}, environment = {},
                    one_shot = false, log = false, stop_signal = 15,
                    stop_timeout = 10, restart_delay = { start = 1 },
                    restart = "always", success_exit_codes = { 0 },
                    hook_timeout = 10,
                    stdin = { source = "null" }, stdout = no_output,
                    stderr = no_output, tail_size = 16384,
                    writer_buffer = 262144, writer_on_full = "block",
                    reload_signal = 1, no_new_privileges = false,
                    limits = {}, clear_environment = false,
                    environment_file = {}, host_death = "kill" })
end

function TestConfigSnapshot:test_a_snapshot_has_numbers_for_values()
  local writer, handler, log = print, function() end, logger()
  local snapshot = configs.snapshot(new{
    id = "a", name = "b", args = { "x" }, cwd = "/tmp", one_shot = true,
    username = "u", environment = { A = "1" }, log = true,
    log_writer = writer, stdout_logger = log, stderr_logger = log,
    stop_signal = "HUP", stop_timeout = "150ms", restart_delay = "0s",
    on_unexpected_exit = handler, tail_size = 1.0, writer_buffer = 2,
    writer_on_full = "drop", reload_signal = "USR1" })
  lu.assertEquals(snapshot, {
    id = "a", name = "b", args = { "x" }, cwd = "/tmp", one_shot = true,
    username = "u", environment = { A = "1" }, log = true,
    log_writer = writer, stdout_logger = log, stderr_logger = log,
    stop_signal = 1, stop_timeout = 0.15, restart_delay = { start = 0 },
    restart = "always", success_exit_codes = { 0 }, hook_timeout = 10,
    on_unexpected_exit = handler, tail_size = 1, writer_buffer = 2,
    writer_on_full = "drop", stdin = { source = "null" },
    stdout = no_output, stderr = no_output, reload_signal = 10,
    no_new_privileges = false, limits = {}, clear_environment = false,
    environment_file = {}, host_death = "kill" })
end

function TestConfigSnapshot:test_a_snapshot_is_apart_from_the_config()
  local config = new{ args = { "a" }, environment = { A = "1" } }
  local snapshot = configs.snapshot(config)
  config.args[1], config.environment.A = "b", "2"
  lu.assertEquals(snapshot.args, { "a" })
  lu.assertEquals(snapshot.environment, { A = "1" })
  snapshot.args[1] = "c"
  lu.assertEquals(config.args, { "b" })
end

function TestConfigSnapshot:test_an_empty_cwd_is_the_hosts_as_in_go()
  lu.assertNil(configs.snapshot(new{ cwd = "" }).cwd)
end

function TestConfigSnapshot:test_an_empty_username_stays_a_wrong_one()
  lu.assertEquals(configs.snapshot(new{ username = "" }).username, "")
end

function TestConfigSnapshot:test_a_plain_table_can_be_snapshot()
  lu.assertEquals(configs.snapshot({ stop_signal = "INT" }).stop_signal, 2)
end

TestConfigValidate = {}

local function assert_invalid(config, expected)
  local ok, message, code = config:validate("path")
  lu.assertNil(ok)
  lu.assertEquals(message, 'error validating "path": ' .. expected)
  lu.assertEquals(code, "INVALID_CONFIG")
end

function TestConfigValidate:test_a_complete_config_is_valid()
  lu.assertIs(new{ id = "a", name = "b" }:validate("path"), true)
  lu.assertIs(new{ id = "a", name = "b" }:validate(), true)
end

function TestConfigValidate:test_an_id_is_required()
  assert_invalid(new{ name = "b" }, '"id" is required')
  assert_invalid(new{ id = "", name = "b" }, '"id" is required')
  assert_invalid(new(), '"id" is required')
end

function TestConfigValidate:test_a_name_is_required()
  assert_invalid(new{ id = "a" }, '"name" is required')
  assert_invalid(new{ id = "a", name = "" }, '"name" is required')
end

function TestConfigValidate:test_a_stop_timeout_is_at_least_100_ms()
  local config = new{ id = "a", name = "b" }
  for _, short in ipairs{ 0, 0.0999, "99ms", "50ns" } do
    config.stop_timeout = short
    assert_invalid(config, "stop_timeout should not be less than 100ms")
  end
  config.stop_timeout = "100ms"
  lu.assertTrue(config:validate())
  config.stop_timeout = 0.1
  lu.assertTrue(config:validate())
end

function TestConfigValidate:test_a_restart_delay_may_be_zero()
  lu.assertTrue(new{ id = "a", name = "b", restart_delay = 0 }:validate())
end

function TestConfigValidate:test_the_path_is_empty_by_default()
  local _, message = new():validate()
  lu.assertEquals(message, 'error validating "": "id" is required')
end

function TestConfigValidate:test_the_message_is_one_line_whatever_the_path()
  local _, message = new():validate('a\n"b"\255')
  lu.assertEquals(message, 'error validating "a\\x0a\\"b\\"\\xff": '
                           .. '"id" is required')
end

function TestConfigValidate:test_each_result_is_that_of_the_moment()
  local config = new{ id = "a" }
  assert_invalid(config, '"name" is required')
  config.name = "b"
  lu.assertTrue(config:validate("path"))
end

function TestConfigValidate:test_wrong_arguments_raise()
  local config = new()
  lu.assertStrContains(message_of(config.validate, config, 5),
    "bad argument #1 to 'validate' (string expected, got number)")
  for _, method in ipairs{ "validate", "equals", "marshal_json" } do
    lu.assertStrContains(message_of(config[method], {}), ("calling '%s' on "
      .. "bad self (ProcessConfig expected, got table)"):format(method))
  end
end

TestConfigEquals = {}

local function assert_equal(a, b)
  lu.assertTrue(a:equals(b))
  lu.assertTrue(b:equals(a))
  lu.assertTrue(a == b)
end

local function assert_different(a, b)
  lu.assertFalse(a:equals(b))
  lu.assertFalse(b:equals(a))
  lu.assertFalse(a == b)
end

function TestConfigEquals:test_equal_fields_make_equal_configs()
  local log, f = logger(), function() end
  local fields = { id = "a", name = "b", args = { "x", "y" }, cwd = "/",
                   one_shot = true, username = "u", log = true,
                   environment = { A = "1", B = "2" }, log_writer = print,
                   stdout_logger = log, stop_signal = 2, stop_timeout = 3,
                   restart_delay = 4, on_unexpected_exit = f }
  assert_equal(new(fields), new(fields))
  assert_equal(new(), new())
end

function TestConfigEquals:test_each_field_makes_a_difference()
  local function other() end
  local log = logger()
  for field, value in pairs{ id = "z", name = "z", args = { "z" }, cwd = "z",
                             one_shot = true, username = "z", log = true,
                             environment = { A = "2" }, log_writer = print,
                             stdout_logger = log, stderr_logger = log,
                             stop_signal = "INT", stop_timeout = 3,
                             restart_delay = 0,
                             on_unexpected_exit = other } do
    local base = new{ id = "a", name = "b", environment = { A = "1" } }
    local changed = new(base)
    changed[field] = value
    assert_different(base, changed)
  end
end

function TestConfigEquals:test_arrays_differ_by_length_and_by_order()
  assert_different(new{ args = { "a" } }, new{ args = { "a", "b" } })
  assert_different(new{ args = { "a", "b" } }, new{ args = { "b", "a" } })
  assert_different(new{ environment = { A = "1" } },
                   new{ environment = { A = "1", B = "2" } })
end

function TestConfigEquals:test_a_default_equals_the_same_value_set()
  assert_equal(new(), new{ one_shot = false, log = false, args = {},
                           environment = {}, stop_signal = "SIGTERM",
                           stop_timeout = 10, restart_delay = 1, cwd = "" })
end

function TestConfigEquals:test_values_compare_however_they_are_written()
  assert_equal(new{ stop_signal = 15, stop_timeout = "1s" },
               new{ stop_signal = "TERM", stop_timeout = 1 })
  assert_equal(new{ stop_timeout = 1.0 }, new{ stop_timeout = 1 })
end

function TestConfigEquals:test_objects_compare_by_identity()
  local same = { __eq = function() return true end }
  local a, b = logger(), logger()
  assert_different(new{ stdout_logger = setmetatable(a, same) },
                   new{ stdout_logger = setmetatable(b, same) })
  assert_different(new{ on_unexpected_exit = function() return 1 end },
                   new{ on_unexpected_exit = function() return 2 end })
end

function TestConfigEquals:test_a_plain_table_is_converted()
  local config = new{ id = "a", stop_signal = "INT" }
  lu.assertTrue(config:equals{ id = "a", stop_signal = 2 })
  lu.assertFalse(config:equals{ id = "b", stop_signal = 2 })
end

function TestConfigEquals:test_what_cannot_be_a_config_is_not_equal()
  local config = new()
  local hostile = setmetatable({}, { __pairs = function() error("no") end })
  for _, other in ipairs{ 1, "x", true, print, io.stderr, { idd = 1 },
                          { id = 1 }, hostile } do
    lu.assertIs(config:equals(other), false)
    lu.assertFalse(config == other)
  end
  lu.assertIs(config:equals(nil), false)
end
