-- The JSON of stdin, stdout, stderr and the sizes beside them.

local lu = require "luaunit"
local configs = require "pexec.config"

local head <const> = '{"id":"","name":"","args":null,"cwd":"",'
                     .. '"one_shot":false,"username":"","log":false'

local function read(json)
  local config, message = configs.unmarshal(json)
  lu.assertNil(message)
  return config
end

local function assert_refused(json, expected)
  local config, message, code = configs.unmarshal(json)
  lu.assertNil(config)
  lu.assertEquals(message, "json: " .. expected)
  lu.assertEquals(code, "INVALID_CONFIG")
end

TestMarshalOutput = {}

local function assert_writes(fields, expected)
  lu.assertEquals(configs.new(fields):marshal_json(),
                  head .. "," .. expected .. "}")
end

function TestMarshalOutput:test_words_are_words()
  assert_writes({ stdin = "pipe", stdout = "null", stderr = "stdout" },
                '"stdin":"pipe","stdout":"null","stderr":"stdout"')
end

function TestMarshalOutput:test_a_file_has_its_options_in_their_order()
  assert_writes({ stdout = { on_full = "block", compress = false,
                             rotate_every = 90, keep = 0, max_size = 1e6,
                             format = "json", mode = 384, file = "a" } },
    '"stdout":{"file":"a","mode":"0600","format":"json","max_size":1000000,'
    .. '"keep":0,"rotate_every":"1m30s","compress":false,"on_full":"block"}')
  assert_writes({ stdout = { file = "a" } }, '"stdout":{"file":"a"}')
end

function TestMarshalOutput:test_several_are_an_array()
  assert_writes({ stdout = { { file = "a" }, "inherit", { file = "b" } } },
                '"stdout":[{"file":"a"},"inherit",{"file":"b"}]')
  assert_writes({ stderr = { "inherit", { file = "b" } } },
                '"stderr":["inherit",{"file":"b"}]')
end

function TestMarshalOutput:test_sizes_are_numbers()
  assert_writes({ stdin = { data = "\n" }, tail_size = 0, writer_buffer = 1,
                  writer_on_full = "drop" },
    '"stdin":{"data":"\\n"},"tail_size":0,"writer_buffer":1,'
    .. '"writer_on_full":"drop"')
end

function TestMarshalOutput:test_what_json_cannot_say_is_told_with_its_place()
  for shown, fields in pairs{
    ['stdin.data: invalid UTF-8 in "\\xff"'] = { stdin = { data = "\xff" } },
    ['stdin.file: invalid UTF-8 in "\\xff"'] = { stdin = { file = "\xff" } },
    ['stdout[2].file: invalid UTF-8 in "\\xff"'] =
      { stdout = { "inherit", { file = "\xff" } } },
    ["stderr.max_size: 9007199254740993 is too large for JSON"] =
      { stderr = { file = "a", max_size = (1 << 53) + 1 } },
    ["tail_size: -9007199254740993 is too large for JSON"] =
      { tail_size = -(1 << 53) - 1 } } do
    local text, message, code = configs.new(fields):marshal_json()
    lu.assertNil(text)
    lu.assertEquals(message, "json: " .. shown)
    lu.assertEquals(code, "INVALID_CONFIG")
  end
end

TestOutputRoundTrip = {}

local function assert_comes_back(fields)
  local config = configs.new(fields)
  local text = config:marshal_json()
  local back = read(text)
  lu.assertTrue(back == config, text)
  lu.assertEquals(back:marshal_json(), text)
end

function TestOutputRoundTrip:test_every_destination_comes_back()
  for _, output in ipairs{
    "null", "inherit", {}, { file = "a" }, { { file = "\u{e9}" }, "inherit" },
    { file = "a", mode = "4000", format = "logfmt", max_size = 1 << 53,
      keep = -1, rotate_every = 1 / 3, compress = true, on_full = "block" },
    { { file = "a", rotate_every = 0 }, { file = "b", mode = 0 } } } do
    assert_comes_back{ stdout = output, stderr = output }
  end
  assert_comes_back{ stderr = "stdout" }
end

function TestOutputRoundTrip:test_every_input_comes_back()
  for _, input in ipairs{ "null", "inherit", "pipe", { file = "a" },
                          { data = "" }, { data = "a\0\n\u{e9}" } } do
    assert_comes_back{ stdin = input }
  end
end

function TestOutputRoundTrip:test_sizes_come_back()
  for _, size in ipairs{ 0, 1, -1, 16384, 1 << 53, -(1 << 53) } do
    assert_comes_back{ tail_size = size, writer_buffer = size }
  end
  assert_comes_back{ writer_on_full = "drop" }
  assert_comes_back{ writer_on_full = "block" }
end

TestUnmarshalOutput = {}

function TestUnmarshalOutput:test_null_and_nothing_set_nothing()
  for _, value in ipairs{ "null", '""' } do
    local config = read(([[{"stdin":%s,"stdout":%s,"stderr":%s,
      "writer_on_full":%s,"tail_size":null,"writer_buffer":null}]])
      :format(value, value, value, value))
    for field in pairs(config) do lu.fail("set: " .. field) end
  end
end

function TestUnmarshalOutput:test_an_option_that_says_nothing_is_not_set()
  local config = read[[{"stdout":{"file":"a","mode":"","format":null,
    "max_size":null,"keep":null,"rotate_every":"","compress":null,
    "on_full":""}}]]
  lu.assertEquals(config.stdout, { file = "a" })
end

function TestUnmarshalOutput:test_keys_match_in_any_case()
  local config = read[[{"STDOUT":[{"File":"a","MAX_SIZE":1}],
    "StdIn":{"DATA":"x"},"Tail_Size":2}]]
  lu.assertEquals(config.stdout, { file = "a", max_size = 1 })
  lu.assertEquals(config.stdin, { data = "x" })
  lu.assertEquals(config.tail_size, 2)
end

function TestUnmarshalOutput:test_the_exact_key_comes_first_then_the_last()
  lu.assertEquals(read'{"stdin":{"file":"a","FILE":"b"}}'.stdin.file, "a")
  lu.assertEquals(read'{"stdin":{"File":"a","FILE":"b"}}'.stdin.file, "b")
end

function TestUnmarshalOutput:test_unknown_keys_are_ignored()
  local config = read[[{"stdout":{"file":"a","max_sise":1,"1":2},
                        "stdin":{"file":"b","keep":[]}}]]
  lu.assertEquals(config.stdout, { file = "a" })
  lu.assertEquals(config.stdin, { file = "b" })
end

function TestUnmarshalOutput:test_whole_numbers_are_sizes()
  local config = read'{"tail_size":1e3,"stdout":{"file":"a","keep":2.0}}'
  lu.assertEquals(math.type(config.tail_size), "integer")
  lu.assertEquals(config.tail_size, 1000)
  lu.assertEquals(config.stdout.keep, 2)
end

function TestUnmarshalOutput:test_a_wrong_type_is_told_with_its_place()
  for text, problem in pairs{
    ['{"stdin":1}'] = 'number into field "stdin" of type string or object',
    ['{"stdin":[]}'] = 'array into field "stdin" of type string or object',
    ['{"stdin":{"data":1}}'] =
      'number into field "stdin.data" of type string',
    ['{"stdout":true}'] =
      'boolean into field "stdout" of type string, array or object',
    ['{"stderr":["null",2]}'] =
      'number into field "stderr[2]" of type string or object',
    ['{"stderr":[null]}'] =
      'null into field "stderr[1]" of type string or object',
    ['{"stderr":[[]]}'] =
      'array into field "stderr[1]" of type string or object',
    ['{"stdout":{"file":"a","rotate_every":60}}'] =
      'number into field "stdout.rotate_every" of type string',
    ['{"stdout":{"file":"a","mode":416}}'] =
      'number into field "stdout.mode" of type string',
    ['{"stdout":[{"file":"a","max_size":"1"}]}'] =
      'string into field "stdout[1].max_size" of type number',
    ['{"stdout":{"file":"a","compress":"yes"}}'] =
      'string into field "stdout.compress" of type boolean',
    ['{"tail_size":"1"}'] = 'string into field "tail_size" of type number',
    ['{"writer_on_full":1}'] =
      'number into field "writer_on_full" of type string' } do
    assert_refused(text, "cannot unmarshal " .. problem)
  end
end

function TestUnmarshalOutput:test_impossible_values_are_told_with_their_place()
  for text, problem in pairs{
    ['{"stdin":"pipes"}'] =
      'stdin: "null", "inherit" or "pipe" expected, got string "pipes"',
    ['{"stdin":{}}'] = 'stdin: "file" or "data" expected, got neither',
    ['{"stdout":"x"}'] =
      'stdout: "null", "inherit" or table expected, got string "x"',
    ['{"stdout":{}}'] = "stdout.file: string expected, got nil",
    ['{"stdout":{"keep":1}}'] = "stdout.file: string expected, got nil",
    ['{"stdout":[{"max_sise":1}]}'] =
      "stdout[1].file: string expected, got nil",
    ['{"stdout":{"file":""}}'] = "stdout.file: empty path",
    ['{"stdout":{"file":"a","mode":"rw"}}'] =
      'stdout.mode: mode such as "0640" expected, got string "rw"',
    ['{"stdout":{"file":"a","keep":1.5}}'] =
      "stdout.keep: integer expected, got number 1.5",
    ['{"stdout":{"file":"a","rotate_every":"1x"}}'] =
      'stdout.rotate_every: invalid duration "1x"',
    ['{"stderr":["stdout"]}'] =
      'stderr[1]: "stdout" cannot be one of several',
    ['{"tail_size":1e300}'] =
      "tail_size: integer expected, got number 1e+300",
    ['{"writer_on_full":"wait"}'] = 'writer_on_full: "block" or "drop" '
                                    .. 'expected, got string "wait"' } do
    assert_refused(text, problem)
  end
  lu.assertNil(rawget(_G, "_"))  -- one of them had made a global variable
end

function TestUnmarshalOutput:test_ranges_are_left_to_validate()
  local config = read[[{"id":"a","name":"b","writer_buffer":0}]]
  local ok, message = config:validate("p")
  lu.assertNil(ok)
  lu.assertEquals(message, 'error validating "p": writer_buffer should be '
                           .. "between 1 and 1073741824, got 0")
end
