-- The fields of a ProcessConfig that say where output goes and where input
-- comes from, as Lua sees them: what is taken and refused, what is read back,
-- validating, comparing, snapshots and their way into C. Their JSON is in
-- output_json_spec.lua.

local lu = require "luaunit"
local configs = require "pexec.config"
local core = require "pexec.core"
local pexec = require "pexec"

local function new(fields)
  return configs.new(fields or {})
end

local function message_of(f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok, "nothing was raised")
  return (message:gsub("^[^:]+:%d+: ", ""))
end

-- When it is made and when it is assigned to, which changes nothing.
local function assert_refused(field, value, expected)
  local config = new{ stdin = "pipe", stdout = "inherit", stderr = "stdout" }
  local before = config[field]
  lu.assertEquals(message_of(function() config[field] = value end), expected)
  lu.assertIs(config[field], before)
  lu.assertEquals(message_of(function()
    return (new{ [field] = value })
  end), expected)
end

local function assert_reads(field, value, expected)
  lu.assertEquals(new{ [field] = value }[field], expected)
end

TestOutputFields = {}

function TestOutputFields:test_unset_they_ask_for_nothing()
  local config = new()
  lu.assertNil(config.stdout)
  lu.assertNil(config.stderr)
  lu.assertEquals(config.stdin, "null")
  lu.assertEquals(config.tail_size, 16384)
  lu.assertEquals(config.writer_buffer, 262144)
  lu.assertEquals(config.writer_on_full, "block")
end

function TestOutputFields:test_words_are_read_back()
  for _, stream in ipairs{ "stdout", "stderr" } do
    assert_reads(stream, "null", "null")
    assert_reads(stream, "inherit", "inherit")
  end
  assert_reads("stderr", "stdout", "stdout")
end

function TestOutputFields:test_a_file_has_the_options_that_were_given()
  assert_reads("stdout", { file = "a" }, { file = "a" })
  assert_reads("stderr", { file = "a", keep = 5, compress = false },
               { file = "a", keep = 5, compress = false })
end

function TestOutputFields:test_options_are_read_back_in_one_form()
  assert_reads("stdout", {
    file = "a", mode = 416, format = "json", max_size = 1e6, keep = 3.0,
    rotate_every = "1h", compress = true, on_full = "block" }, {
    file = "a", mode = "0640", format = "json", max_size = 1000000, keep = 3,
    rotate_every = 3600, compress = true, on_full = "block" })
  local stdout = new{ stdout = { file = "a", max_size = 1e6 } }.stdout
  lu.assertEquals(math.type(stdout.max_size), "integer")
end

function TestOutputFields:test_an_array_keeps_its_order()
  assert_reads("stdout", { { file = "b" }, "inherit", { file = "a" } },
               { { file = "b" }, "inherit", { file = "a" } })
end

function TestOutputFields:test_null_adds_nothing_to_an_array()
  assert_reads("stdout", {}, "null")
  assert_reads("stdout", { "null", "null" }, "null")
  assert_reads("stdout", { "null", "inherit", "null", { file = "a" } },
               { "inherit", { file = "a" } })
end

function TestOutputFields:test_a_single_destination_needs_no_array()
  assert_reads("stdout", { "inherit" }, "inherit")
  assert_reads("stdout", { { file = "a" } }, { file = "a" })
end

function TestOutputFields:test_the_same_destination_twice_is_one()
  assert_reads("stdout", { "inherit", "inherit" }, "inherit")
  assert_reads("stdout", { { file = "a" }, { file = "a", keep = 5 } },
               { file = "a" })
end

function TestOutputFields:test_an_assigned_table_is_copied()
  local config = new()
  local file = { file = "a", keep = 1 }
  local array = { "inherit", file }
  config.stdout = array
  file.keep, array[3] = 2, "not seen"
  lu.assertEquals(config.stdout, { "inherit", { file = "a", keep = 1 } })
end

function TestOutputFields:test_what_is_read_is_a_copy()
  local config = new{ stdout = { "inherit", { file = "a" } },
                      stdin = { data = "x" } }
  config.stdout[2].file, config.stdin.data = "b", "y"
  lu.assertEquals(config.stdout, { "inherit", { file = "a" } })
  lu.assertEquals(config.stdin, { data = "x" })
end

function TestOutputFields:test_inherited_options_count()
  local base = setmetatable({ file = "a" }, { __index = { keep = 1 } })
  assert_reads("stdout", base, { file = "a", keep = 1 })
end

function TestOutputFields:test_a_copied_config_has_them_all()
  local original = new{ stdin = { data = "x\0" }, stderr = "stdout",
                        stdout = { "inherit", { file = "a", mode = "4640",
                                                rotate_every = 60 } },
                        tail_size = 1, writer_buffer = 2,
                        writer_on_full = "drop" }
  local clone = new(original)
  lu.assertTrue(clone == original)
  lu.assertEquals(clone.stdout, original.stdout)
  clone.stdout = "null"
  lu.assertEquals(#original.stdout, 2)
end

function TestOutputFields:test_pairs_gives_those_that_are_set()
  local config = new{ stdout = { { file = "a" } }, stdin = "null",
                      tail_size = 16384 }
  local _ = config.stderr  -- reading sets nothing
  local got = {}
  for field, value in pairs(config) do got[field] = value end
  lu.assertEquals(got, { stdout = { file = "a" }, stdin = "null",
                         tail_size = 16384 })
end

function TestOutputFields:test_nil_unsets_them()
  local config = new{ stdout = "inherit", stdin = "pipe", tail_size = 0 }
  config.stdout, config.stdin, config.tail_size = nil, nil, nil
  lu.assertNil(config.stdout)
  lu.assertEquals(config.stdin, "null")
  lu.assertEquals(config.tail_size, 16384)
end

TestModes = {}

function TestModes:test_a_mode_is_read_back_in_octal()
  for given, mode in pairs{ ["0640"] = "0640", ["600"] = "0600",
                            ["000"] = "0000", ["4755"] = "4755",
                            [0] = "0000", [384] = "0600", [511] = "0777",
                            [416.0] = "0640" } do
    assert_reads("stdout", { file = "a", mode = given },
                 { file = "a", mode = mode })
  end
end

function TestModes:test_a_large_number_was_probably_meant_in_octal()
  local reason = " is above 511, which is 0777: Lua has no octal numbers, "
  for number, meant in pairs{ [640] = "0640", [755] = "0755",
                              [512] = "0512", [999] = "0640",
                              [4096] = "0640" } do
    assert_refused("stdout", { file = "a", mode = number },
                   ('stdout.mode: %d%swrite "%s"')
                   :format(number, reason, meant))
  end
end

function TestModes:test_what_is_no_mode_is_refused()
  for shown, value in pairs{ ['string "rw"'] = "rw", ['string "64"'] = "64",
                             ['string "0680"'] = "0680",
                             ['string "00640"'] = "00640",
                             ['string "0640\\x0a"'] = "0640\n",
                             ['string ""'] = "", ["boolean true"] = true,
                             table = {} } do
    assert_refused("stdout", { file = "a", mode = value },
                   'stdout.mode: mode such as "0640" expected, got ' .. shown)
  end
  for shown, value in pairs{ ["-1"] = -1, ["1.5"] = 1.5 } do
    assert_refused("stdout", { file = "a", mode = value },
                   "stdout.mode: mode expected, got number " .. shown)
  end
end

TestOutputErrors = {}

function TestOutputErrors:test_another_word_is_refused()
  assert_refused("stdout", "inherrit", 'stdout: "null", "inherit" or table '
                 .. 'expected, got string "inherrit"')
  assert_refused("stdout", "stdout", 'stdout: "null", "inherit" or table '
                 .. 'expected, got string "stdout"')
  assert_refused("stderr", "stderr", 'stderr: "null", "inherit", "stdout" or '
                 .. 'table expected, got string "stderr"')
  assert_refused("stdout", { "inherit", "pipe" }, 'stdout[2]: "null", '
                 .. '"inherit" or table expected, got string "pipe"')
end

function TestOutputErrors:test_another_type_is_refused()
  assert_refused("stdout", 1, 'stdout: "null", "inherit" or table expected, '
                              .. "got number 1")
  assert_refused("stderr", false, 'stderr: "null", "inherit", "stdout" or '
                                  .. "table expected, got boolean false")
  assert_refused("stderr", { print }, 'stderr[1]: "null", "inherit" or table '
                                      .. "expected, got function")
end

function TestOutputErrors:test_merging_stands_alone()
  local reason = ': "stdout" cannot be one of several'
  assert_refused("stderr", { "stdout" }, "stderr[1]" .. reason)
  assert_refused("stderr", { "inherit", "stdout" }, "stderr[2]" .. reason)
end

function TestOutputErrors:test_an_unknown_option_is_named_with_its_place()
  assert_refused("stdout", { "inherit", { file = "a", max_sise = 1 } },
                 'stdout[2].max_sise: unknown field "max_sise" '
                 .. '(did you mean "max_size"?)')
  assert_refused("stderr", { file = "a", rotateEvery = 1 },
                 'stderr.rotateEvery: unknown field "rotateEvery" '
                 .. '(did you mean "rotate_every"?)')
  assert_refused("stdout", { file = "a", ["x y"] = 1 },
                 'stdout["x y"]: unknown field "x y"')
  assert_refused("stdout", { file = "a", [true] = 1 },
                 "stdout[true]: unknown field true")
end

-- Whatever their order, which is another one for other names.
function TestOutputErrors:test_of_several_unknown_options_the_first_is_told()
  for i = 1, 20 do
    local stdout = { file = "a", ["y" .. i] = 1, ["x" .. i] = 1,
                     ["z" .. i] = 1 }
    assert_refused("stdout", stdout,
                   ('stdout.x%d: unknown field "x%d"'):format(i, i))
  end
end

function TestOutputErrors:test_an_array_is_no_file()
  local reason = ": an array's element in a table of fields"
  assert_refused("stdout", { "inherit", file = "a" }, "stdout[1]" .. reason)
  assert_refused("stdout", { { { file = "b" }, file = "a" } },
                 "stdout[1][1]" .. reason)
  assert_refused("stdout", { "inherit", keep = 1 },
                 'stdout["keep"]: not an index of an array')
  assert_refused("stdout", { "inherit", [3] = "inherit" },
                 "stdout[2]: destination expected, got nil")
  assert_refused("stdout", { [2] = "inherit" },
                 "stdout[1]: destination expected, got nil")
end

function TestOutputErrors:test_a_file_needs_a_path()
  assert_refused("stdout", { keep = 1 },
                 "stdout.file: string expected, got nil")
  assert_refused("stdout", { path = "a" }, 'stdout.path: unknown field "path"')
  assert_refused("stdout", { {} }, "stdout[1].file: string expected, got nil")
  assert_refused("stdout", { file = "" }, "stdout.file: empty path")
  assert_refused("stdout", { file = "a\0" },
                 'stdout.file: NUL byte in "a\\x00"')
  assert_refused("stdout", { file = 1 },
                 "stdout.file: string expected, got number 1")
end

function TestOutputErrors:test_options_of_a_wrong_type_are_told()
  for _, case in ipairs{
    { "format", "xml", '"raw", "text", "json" or "logfmt" expected, '
                       .. 'got string "xml"' },
    { "format", 1, '"raw", "text", "json" or "logfmt" expected, '
                   .. "got number 1" },
    { "max_size", "x", 'integer expected, got string "x"' },
    { "max_size", "1", 'integer expected, got string "1"' },
    { "max_size", 1.5, "integer expected, got number 1.5" },
    { "max_size", 1 / 0, "integer expected, got number inf" },
    { "keep", true, "integer expected, got boolean true" },
    { "rotate_every", "1x", 'invalid duration "1x"' },
    { "rotate_every", -1, "negative duration -1" },
    { "compress", 1, "boolean expected, got number 1" },
    { "on_full", "wait", '"drop" or "block" expected, got string "wait"' }
  } do
    local name, value, reason = table.unpack(case)
    assert_refused("stdout", { "inherit", { file = "a", [name] = value } },
                   ("stdout[2].%s: %s"):format(name, reason))
  end
end

function TestOutputErrors:test_the_other_fields_have_their_types()
  assert_refused("tail_size", "1", 'tail_size: integer expected, '
                                   .. 'got string "1"')
  assert_refused("writer_buffer", 0.5, "writer_buffer: integer expected, "
                                       .. "got number 0.5")
  assert_refused("writer_on_full", "wait", 'writer_on_full: "block" or '
                 .. '"drop" expected, got string "wait"')
end

TestInputFields = {}

function TestInputFields:test_what_is_taken_is_read_back()
  for _, value in ipairs{ "null", "inherit", "pipe", { file = "a" },
                          { data = "" }, { data = "a\0\xff" } } do
    assert_reads("stdin", value, value)
  end
end

function TestInputFields:test_what_is_none_is_refused()
  for _, case in ipairs{
    { "pipes", ': "null", "inherit" or "pipe" expected, got string "pipes"' },
    { 1, ': "null", "inherit", "pipe" or table expected, got number 1' },
    { {}, ': "file" or "data" expected, got neither' },
    { { file = "a", data = "b" }, ': "file" or "data" expected, got both' },
    { { fil = "a" }, '.fil: unknown field "fil" (did you mean "file"?)' },
    { { file = "a", keep = 1 }, '.keep: unknown field "keep"' },
    { { "pipe" }, "[1]: an array's element in a table of fields" },
    { { file = "" }, ".file: empty path" },
    { { file = "\0" }, '.file: NUL byte in "\\x00"' },
    { { data = 1 }, ".data: string expected, got number 1" } } do
    assert_refused("stdin", case[1], "stdin" .. case[2])
  end
end

TestOutputValidate = {}

local function assert_valid(fields)
  fields.id, fields.name = "a", "b"
  lu.assertEquals({ new(fields):validate("path") }, { true })
end

local function assert_invalid(fields, expected)
  fields.id, fields.name = "a", "b"
  local ok, message, code = new(fields):validate("path")
  lu.assertNil(ok)
  lu.assertEquals(message, 'error validating "path": ' .. expected)
  lu.assertEquals(code, "INVALID_CONFIG")
end

function TestOutputValidate:test_numbers_have_ranges()
  for name, range in pairs{ max_size = { 0, 1 << 53 }, keep = { 0, 9999 } } do
    for _, good in ipairs(range) do
      assert_valid{ stderr = { file = "a", [name] = good } }
    end
    for _, bad in ipairs{ range[1] - 1, range[2] + 1 } do
      assert_invalid({ stdout = { file = "a", [name] = bad } },
                     ("stdout.%s should be between %d and %d, got %d")
                     :format(name, range[1], range[2], bad))
    end
  end
end

function TestOutputValidate:test_sizes_in_memory_have_ranges()
  for name, range in pairs{ tail_size = { 0, 16 << 20 },
                            writer_buffer = { 1, 1 << 30 } } do
    for _, good in ipairs(range) do assert_valid{ [name] = good } end
    for _, bad in ipairs{ range[1] - 1, range[2] + 1 } do
      assert_invalid({ [name] = bad },
                     ("%s should be between %d and %d, got %d")
                     :format(name, range[1], range[2], bad))
    end
  end
end

function TestOutputValidate:test_an_interval_is_at_least_a_second()
  for _, good in ipairs{ 0, 1, "1s", "24h" } do
    assert_valid{ stdout = { file = "a", rotate_every = good } }
  end
  for _, bad in ipairs{ 0.999, "1ms" } do
    local text = core.duration_format(core.duration_parse(bad))
    assert_invalid({ stdout = { file = "a", rotate_every = bad } },
                   "stdout.rotate_every should be 0 or at least 1s, got "
                   .. text)
  end
end

function TestOutputValidate:test_a_place_in_an_array_is_named()
  assert_invalid({ stderr = { "inherit", { file = "a", keep = -1 } } },
                 "stderr[2].keep should be between 0 and 9999, got -1")
end

function TestOutputValidate:test_one_file_has_one_set_of_options()
  local reason = ' write to "a" with different options'
  assert_invalid({ stdout = { file = "a" },
                   stderr = { file = "a", keep = 4 } },
                 "stdout and stderr" .. reason)
  assert_invalid({ stdout = { { file = "a" }, { file = "a", mode = 0 } } },
                 "stdout[1] and stdout[2]" .. reason)
  assert_invalid({ stdout = { file = "a" },
                   stderr = { "inherit", { file = "a", format = "text" } } },
                 "stdout and stderr[2]" .. reason)
end

function TestOutputValidate:test_one_file_may_take_both_streams()
  assert_valid{ stdout = { file = "a" },
                stderr = { file = "a", keep = 5, mode = "640" } }
end

function TestOutputValidate:test_a_logger_of_a_merged_stderr_is_no_mistake()
  assert_valid{ stderr = "stdout", stderr_logger = pexec.null_logger }
end

function TestOutputValidate:test_a_process_is_refused_with_its_id()
  local process, message, code = pexec.new_managed_process{
    id = "web", name = "b", tail_size = -1 }
  lu.assertNil(process)
  lu.assertEquals(message, 'error validating "web": tail_size should be '
                           .. "between 0 and 16777216, got -1")
  lu.assertEquals(code, "INVALID_CONFIG")
end

TestOutputEquals = {}

local function assert_equal(a, b)
  lu.assertTrue(new(a) == new(b))
  lu.assertTrue(new(b):equals(a))
end

local function assert_different(a, b)
  lu.assertFalse(new(a) == new(b))
  lu.assertFalse(new(b):equals(a))
end

function TestOutputEquals:test_nothing_asked_is_nothing_asked()
  for _, stream in ipairs{ "stdout", "stderr" } do
    for _, value in ipairs{ "null", {}, { "null" } } do
      assert_equal({}, { [stream] = value })
    end
  end
  assert_equal({}, { stdin = "null" })
  assert_equal({}, { tail_size = 16384, writer_buffer = 262144,
                     writer_on_full = "block" })
end

function TestOutputEquals:test_defaults_equal_what_is_absent()
  assert_equal({ stdout = { file = "a" } }, { stdout = { {
    file = "a", mode = "640", format = "raw", max_size = 10485760, keep = 5,
    rotate_every = "0s", compress = false, on_full = "drop" } } })
end

function TestOutputEquals:test_the_order_of_destinations_means_nothing()
  assert_equal({ stdout = { "inherit", { file = "a" }, { file = "b" } } },
               { stdout = { { file = "b" }, { file = "a" }, "inherit" } })
end

function TestOutputEquals:test_each_option_makes_a_difference()
  for name, value in pairs{ file = "b", mode = "0600", format = "json",
                            max_size = 0, keep = 1, rotate_every = 60,
                            compress = true, on_full = "block" } do
    local changed = { file = "a", [name] = value }
    assert_different({ stdout = { file = "a" } }, { stdout = changed })
  end
end

function TestOutputEquals:test_other_destinations_make_a_difference()
  local a, b = { file = "a" }, { file = "b" }
  assert_different({ stdout = a }, {})
  assert_different({ stdout = a }, { stderr = a })
  assert_different({ stdout = a }, { stdout = "inherit" })
  assert_different({ stdout = { a, b } }, { stdout = a })
  assert_different({ stdout = { a, "inherit" } }, { stdout = { a, b } })
  assert_different({ stderr = "stdout" }, {})
end

function TestOutputEquals:test_other_inputs_make_a_difference()
  local values = { "null", "inherit", "pipe", { file = "a" }, { file = "b" },
                   { data = "a" }, { data = "" } }
  for i, one in ipairs(values) do
    assert_equal({ stdin = one }, { stdin = one })
    for j = i + 1, #values do
      assert_different({ stdin = one }, { stdin = values[j] })
    end
  end
end

function TestOutputEquals:test_the_other_fields_make_a_difference()
  assert_different({}, { tail_size = 0 })
  assert_different({}, { writer_buffer = 1 })
  assert_different({}, { writer_on_full = "drop" })
end

TestOutputSnapshot = {}

function TestOutputSnapshot:test_a_file_has_every_option()
  lu.assertEquals(configs.snapshot({ stdout = { file = "a" } }).stdout, {
    inherits = false, merges = false, files = { {
      path = "a", mode = 416, format = "raw", max_size = 10485760, keep = 5,
      rotate_every = 0, compress = false, blocks = false } } })
end

function TestOutputSnapshot:test_several_are_told_apart()
  local plan = configs.snapshot{
    stderr = { { file = "a", mode = "600", format = "text", max_size = 1,
                 keep = 2, rotate_every = 3, compress = true,
                 on_full = "block" }, "inherit", { file = "b" } } }.stderr
  lu.assertTrue(plan.inherits)
  lu.assertFalse(plan.merges)
  lu.assertEquals(plan.files[1], { path = "a", mode = 384, format = "text",
    max_size = 1, keep = 2, rotate_every = 3, compress = true,
    blocks = true })
  lu.assertEquals({ plan.files[2].path, #plan.files }, { "b", 2 })
end

function TestOutputSnapshot:test_words_are_flags()
  for value, expected in pairs{ null = { false, false },
                                inherit = { true, false },
                                stdout = { false, true } } do
    local plan = configs.snapshot({ stderr = value }).stderr
    lu.assertEquals({ plan.inherits, plan.merges }, expected)
    lu.assertEquals(plan.files, {})
  end
end

function TestOutputSnapshot:test_an_input_has_a_source()
  for _, case in ipairs{ { nil, { source = "null" } },
                         { "null", { source = "null" } },
                         { "inherit", { source = "host" } },
                         { "pipe", { source = "pipe" } },
                         { { file = "a" }, { source = "file", path = "a" } },
                         { { data = "" }, { source = "data", data = "" } } } do
    lu.assertEquals(configs.snapshot({ stdin = case[1] }).stdin, case[2])
  end
end

-- What C reads of a snapshot.
TestOutputInC = {}

local function plan_of(fields)
  fields.id, fields.name = "a", "b"
  local plan = configs.snapshot(fields)
  plan.output_events = 0
  return plan
end

function TestOutputInC:test_every_field_is_taken()
  local files = {}
  for i, format in ipairs{ "raw", "text", "json", "logfmt" } do
    files[i] = { file = "f" .. i, format = format }
  end
  for _, stdin in ipairs{ "null", "inherit", "pipe", { file = "a" },
                          { data = "a\0" }, { data = "" } } do
    lu.assertNotNil((core.process_new(plan_of{ stdin = stdin,
      stdout = { "inherit", table.unpack(files) }, stderr = files,
      writer_on_full = "drop", tail_size = 0 })))
  end
  lu.assertNotNil((core.process_new(plan_of{ stderr = "stdout" })))
end

-- Lua lets none of these through: that C refuses it shows that C has read it.
local function assert_refused_in_c(change)
  local plan = plan_of{ stdout = { { file = "a" }, { file = "b" } },
                        stderr = "stdout", stdin = { file = "c" } }
  lu.assertNotNil((core.process_new(plan)))
  change(plan)
  local process, message, code = core.process_new(plan)
  lu.assertNil(process)
  lu.assertEquals({ message, code },
                  { "invalid configuration", "INVALID_CONFIG" })
end

function TestOutputInC:test_each_option_of_a_file_is_read()
  for name, wrong in pairs{ path = "", mode = 4096, max_size = -1, keep = -1,
                            rotate_every = -1 } do
    for i = 1, 2 do
      assert_refused_in_c(function(plan)
        plan.stdout.files[i][name] = wrong
      end)
    end
  end
end

function TestOutputInC:test_flags_sources_and_sizes_are_read()
  assert_refused_in_c(function(plan) plan.stdout.merges = true end)
  assert_refused_in_c(function(plan) plan.stderr.inherits = true end)
  assert_refused_in_c(function(plan)
    plan.stderr.files = plan.stdout.files
  end)
  assert_refused_in_c(function(plan) plan.stdin.path = "" end)
  assert_refused_in_c(function(plan) plan.writer_buffer = 0 end)
end

function TestOutputInC:test_what_is_no_plan_raises()
  for name, value in pairs{ stdin = 1, stdout = "inherit", stderr = false,
                            tail_size = "x", writer_on_full = "wait" } do
    local plan = plan_of{}
    plan[name] = value
    lu.assertFalse((pcall(core.process_new, plan)), name)
  end
  local plan = plan_of{ stdout = { file = "a", format = "text" } }
  plan.stdout.files[1].format = "xml"
  lu.assertErrorMsgContains("invalid option 'xml'", core.process_new, plan)
end
