-- JSON: what the reader takes and refuses, how a ProcessConfig becomes JSON
-- and is read again, and what is read of the Go package's files.

local lu = require "luaunit"
local configs = require "pexec.config"
local core = require "pexec.core"

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

TestJsonReader = {}

local function assert_decodes(text, expected)
  local value, message = core.json_decode(text)
  lu.assertNil(message)
  lu.assertEquals(value, expected)
  lu.assertEquals(math.type(value), math.type(expected))
end

-- Where the problem is, is ours to say; what it is, jansson's.
local function assert_malformed(text, place)
  local value, message = core.json_decode(text)
  lu.assertTrue(value == nil)  -- it may be too long to be shown
  lu.assertEquals(message:sub(1, #place), place)
  lu.assertNil(message:find("[^ -~]"))
end

function TestJsonReader:test_words_and_strings()
  assert_decodes("true", true)
  assert_decodes(" false\n", false)
  assert_decodes("null", core.null)
  assert_decodes('""', "")
  assert_decodes('"a\u{e9}\u{20ac}\u{1f600}"', "a\u{e9}\u{20ac}\u{1f600}")
end

function TestJsonReader:test_numbers_are_floats()
  assert_decodes("0", 0.0)
  assert_decodes("-12", -12.0)
  assert_decodes("-1.5e-3", -0.0015)
  assert_decodes("1E2", 100.0)
  assert_decodes("9223372036854775808", 2.0 ^ 63)
end

function TestJsonReader:test_escapes_in_strings()
  assert_decodes([["\"\\\/\b\f\n\r\t"]], '"\\/\b\f\n\r\t')
  assert_decodes([["\u0041\u00e9\u20AC\uFEFF"]], "A\u{e9}\u{20ac}\u{feff}")
  assert_decodes([["\ud83d\ude00"]], "\u{1f600}")
  assert_decodes([["\ud800\udc00\uDBFF\uDFFF"]], "\u{10000}\u{10ffff}")
  assert_decodes([["a\u0000b"]], "a\0b")
end

function TestJsonReader:test_arrays_and_objects_are_told_apart()
  local value = core.json_decode('{"a":[],"b":{},"c":[1,[2]]}')
  lu.assertEquals(core.json_type(value), "object")
  lu.assertEquals(core.json_type(value.a), "array")
  lu.assertEquals(core.json_type(value.b), "object")
  lu.assertEquals(core.json_type(value.c[2]), "array")
  lu.assertEquals(value.c[1], 1)
  lu.assertEquals(value.c[2][1], 2)
end

function TestJsonReader:test_spaces_may_stand_between_all()
  local value = core.json_decode(' { "a" : [ 1 , 2 ] ,\t"b" : { } , '
                                 .. '"c" : [ ]\r\n} ')
  lu.assertEquals({ value.a[1], value.a[2] }, { 1, 2 })
  lu.assertEquals(core.json_type(value.b), "object")
  lu.assertEquals(core.json_type(value.c), "array")
end

function TestJsonReader:test_more_arguments_change_nothing()
  lu.assertEquals(core.json_type(core.json_decode("[]", {}, 2)), "array")
end

function TestJsonReader:test_each_type_has_its_name()
  for name, text in pairs{ null = "null", boolean = "false", number = "1",
                           string = '""', array = "[]", object = "{}" } do
    lu.assertEquals(core.json_type(core.json_decode(text)), name)
  end
  lu.assertErrorMsgContains("value expected", core.json_type)
end

function TestJsonReader:test_an_object_lists_its_names_in_their_order()
  local value = core.json_decode('{"b":1,"a":2,"b":3}')
  lu.assertEquals({ table.unpack(value) }, { "b", "a" })
  lu.assertEquals({ value.a, value.b }, { 2, 3 })
end

function TestJsonReader:test_a_problem_is_told_with_its_place()
  for text, column in pairs{
    [""] = 0, ["  "] = 2, ["nul"] = 3, ["True"] = 4, ["'a'"] = 1,
    ["\u{feff}{}"] = 1, ["{} {}"] = 4, ["{} x"] = 4, ["01"] = 1,
    ["[1 2]"] = 4, ["[1,]"] = 4, ["["] = 1, ["[1"] = 2, ["{"] = 1,
    ["{a:1}"] = 2, ['{"a" 1}'] = 6, ['{"a":}'] = 6, ['{"a":1,}'] = 8,
    ['{"a":1'] = 6, ['{"a":1]'] = 7, ["-"] = 1, ["1."] = 2, [".5"] = 1,
    ["+1"] = 1, ["1e+"] = 3, ["0x10"] = 2, ["NaN"] = 3, ["1e400"] = 5,
    ['"\u{e9}\u{e9}" 1'] = 6 } do
    assert_malformed(text, ("line 1, column %d: "):format(column))
  end
  assert_malformed('{\n"\u{e9}\u{e9}":1,\n "b":x}', "line 3, column 6: ")
end

function TestJsonReader:test_what_strings_may_not_contain()
  for text, column in pairs{
    ['"abc'] = 4, ['"abc\\'] = 5, ['"\\x41"'] = 3, ['"\\u12g4"'] = 6,
    ['"\\u12'] = 5, ['"a\nb"'] = 2, ['"a\1b"'] = 2, ['"\\udc00"'] = 8,
    ['"\\udfff"'] = 8, ['"\\udbff"'] = 8, ['"\\ud83d\\ude00'] = 13,
    ['"\\ud800"'] = 8, ['"\\ud800\\u0041"'] = 14,
    ['"\\\27[2J"'] = 3, ['"\\\u{e9}"'] = 3 } do
    assert_malformed(text, ("line 1, column %d: "):format(column))
  end
  assert_malformed('"\\\n"', "line 2, column 0: ")
end

-- Left to itself jansson skips one behind a number or a word.
function TestJsonReader:test_a_nul_byte_is_refused_wherever_it_stands()
  for _, text in ipairs{ "\0", "1\0", "true\0", "[null\0]", "{}\0", "\0{}",
                         '"a\0b"', '{"a\0":1}' } do
    assert_malformed(text, "NUL byte in the text")
  end
  assert_malformed('{"a\\u0000b":1}', "line 1, column 11: ")
end

function TestJsonReader:test_invalid_utf8_is_refused()
  for _, bytes in ipairs{ "\xff", "\x80", "\xc3", "\xc3(", "\xc0\xaf",
                          "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80", "\xe2\x82", "\xe2\x28\xa1",
                          "\xf0\x90\x28\xbc", "\xf8\x88\x80\x80\x80" } do
    assert_malformed('"a' .. bytes .. '"', "line 1, column 2: ")
    assert_malformed('"a' .. bytes, "line 1, column 2: ")
  end
end

function TestJsonReader:test_the_ends_of_utf8_are_taken()
  for _, code in ipairs{ 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000,
                         0x10ffff } do
    assert_decodes('"' .. utf8.char(code) .. '"', utf8.char(code))
  end
end

function TestJsonReader:test_nesting_is_bounded()
  local deepest = ("["):rep(2048) .. ("]"):rep(2048)
  lu.assertEquals(core.json_type(core.json_decode(deepest)), "array")
  assert_malformed("[" .. deepest .. "]", "line 1, column 2049: ")
  assert_malformed(('{"a":'):rep(1000000), "line 1, column 10241: ")
end

function TestJsonReader:test_siblings_are_no_nesting()
  local value = core.json_decode("[" .. ("[{}],"):rep(1000) .. "[]]")
  lu.assertEquals(#value, 1001)
end

function TestJsonReader:test_size_is_bounded()
  local longest = '"' .. ("x"):rep((8 << 20) - 2) .. '"'
  lu.assertEquals(#core.json_decode(longest), (8 << 20) - 2)
  assert_malformed(longest .. " ", "more than 8 MiB")
end

function TestJsonReader:test_only_strings_are_decoded()
  for _, value in ipairs{ 5, {}, print } do
    lu.assertErrorMsgContains("string expected", core.json_decode, value)
  end
  lu.assertErrorMsgContains("string expected", core.json_decode)
end

-- Whatever comes in, the answer is a value or a message.
function TestJsonReader:test_mangled_text_never_breaks_it()
  local seed = '{"id":"a\\u00e9\\ud83d\\ude00\u{e9}","n":[-1.5e3,null,true],'
               .. '"env":{"A":"\\n"}}'
  local random = 12345
  local function next_random(limit)
    random = (random * 1103515245 + 12345) % (1 << 31)
    return (random >> 8) % limit + 1
  end
  for _ = 1, 5000 do
    local text = seed
    for _ = 1, next_random(4) do
      local at = next_random(#text)
      text = text:sub(1, at - 1) .. string.char(next_random(256) - 1)
             .. text:sub(at + next_random(3) - 1)
    end
    local value, message = core.json_decode(text)
    lu.assertTrue(value ~= nil
                  or message:find("^line %d+, column %d+: ") ~= nil
                  or message == "NUL byte in the text")
    local config, why, code = configs.unmarshal(text)
    lu.assertTrue(config ~= nil
                  or code == "INVALID_CONFIG" and why:find("^json: ") ~= nil)
  end
end

TestJsonWriter = {}

local function assert_encodes(value, expected)
  lu.assertEquals(core.json_encode{ { "k", value } },
                  '{"k":' .. expected .. "}")
end

function TestJsonWriter:test_strings_are_escaped_as_json_wants()
  for value, text in pairs{ ["a\"b\\c/"] = [["a\"b\\c/"]],
                            ["\0\n\31\127"] = '"\\u0000\\n\\u001F\127"',
                            ["\u{e9}\u{1f600}"] = '"\u{e9}\u{1f600}"',
                            [" "] = '" "', [""] = '""' } do
    assert_encodes(value, text)
    lu.assertEquals(core.json_decode(text), value)
  end
end

function TestJsonWriter:test_every_byte_below_128_comes_back()
  local all = {}
  for byte = 0, 127 do all[#all + 1] = string.char(byte) end
  local text = table.concat(all)
  local value = core.json_decode(core.json_encode{ { text:sub(2), text } })
  lu.assertEquals(value[text:sub(2)], text)
end

function TestJsonWriter:test_flags_nothing_and_nesting()
  lu.assertEquals(core.json_encode{}, "{}")
  lu.assertEquals(core.json_encode{ { "a\0b" } }, [[{"a\u0000b":null}]])
  assert_encodes(true, "true")
  assert_encodes(false, "false")
  assert_encodes(nil, "null")
  assert_encodes({}, "[]")
  assert_encodes({ "b", false, { "a" } }, '["b",false,["a"]]')
  assert_encodes({ { "b", "x" }, { "a" } }, '{"b":"x","a":null}')
  assert_encodes({ { { "b", "x" } }, "y", { { "a" } } },
                 '[{"b":"x"},"y",{"a":null}]')
end

function TestJsonWriter:test_numbers_are_as_they_are()
  assert_encodes(0, "0")
  assert_encodes({ -1, math.maxinteger }, "[-1,9223372036854775807]")
  assert_encodes({ 1.5, -0.25, 1e20 }, "[1.5,-0.25,1e20]")
  for _, value in ipairs{ math.huge, -math.huge, 0 / 0 } do
    lu.assertErrorMsgContains("cannot be written as JSON",
                              core.json_encode, { { "k", value } })
  end
end

function TestJsonWriter:test_members_keep_their_order()
  local members, expected = {}, {}
  for i = 1, 100 do
    local name = ("%d"):format(i * 7919 % 101)
    members[i] = { name, name }
    expected[i] = ('"%s":"%s"'):format(name, name)
  end
  lu.assertEquals(core.json_encode(members),
                  "{" .. table.concat(expected, ",") .. "}")
end

function TestJsonWriter:test_what_json_cannot_say_raises()
  local loop = { "x" }
  loop[2] = loop
  for _, value in ipairs{ "a\xff", print, { print }, { { "a", print } } } do
    lu.assertErrorMsgContains("cannot be written as JSON",
                              core.json_encode, { { "k", value } })
  end
  lu.assertErrorMsgContains("cannot be written as JSON",
                            core.json_encode, { { "\xff", "" } })
  lu.assertErrorMsgContains("nested too deeply", core.json_encode,
                            { { "k", loop } })
  lu.assertErrorMsgContains("pair expected", core.json_encode, { "k" })
  lu.assertErrorMsgContains("name expected", core.json_encode, { { 1 } })
  lu.assertErrorMsgContains("table expected", core.json_encode, "k")
end

TestValuesInC = {}

function TestValuesInC:test_a_duration_is_formatted_as_go_does()
  for seconds, text in pairs{ [0] = "0s", [90] = "1m30s", [0.25] = "250ms",
                              [3600] = "1h0m0s", [1e-9] = "1ns" } do
    lu.assertEquals(core.duration_format(seconds), text)
  end
  lu.assertErrorMsgContains("invalid duration", core.duration_format, -1)
  lu.assertErrorMsgContains("number expected", core.duration_format, "1s")
end

-- What is read comes back from its own text as the very same number.
function TestValuesInC:test_a_duration_survives_its_text()
  for _, given in ipairs{ 1 / 3, 0.1, 1e-10, 86399.999999999, 1125899.9068426,
                          1125899.9068427, 8730994.141, 9007200.25,
                          1e9 + 0.1, 9223372036, 9223372036.0,
                          "2562047h47m16.854775807s" } do
    local seconds = core.duration_parse(given)
    local text = core.duration_format(seconds)
    lu.assertEquals(core.duration_parse(text), seconds)
    lu.assertEquals(core.duration_parse(seconds), seconds)
  end
end

function TestValuesInC:test_other_types_raise()
  for _, name in ipairs{ "duration_parse", "signal_parse" } do
    lu.assertErrorMsgContains("number or string expected", core[name], true)
    lu.assertErrorMsgContains("number or string expected", core[name])
  end
  lu.assertErrorMsgContains("number expected", core.signal_name, "x")
end

function TestValuesInC:test_each_signal_has_a_name_that_is_read_back()
  local count = 0
  for signo = -1, 100 do
    local name = core.signal_name(signo)
    if name then
      count = count + 1
      lu.assertEquals(core.signal_parse(name), signo)
      lu.assertEquals(core.signal_parse(signo), signo)
    else
      lu.assertNil(core.signal_parse(signo))
    end
  end
  lu.assertTrue(count >= 60)
  lu.assertEquals(core.signal_name(64), "SIGRTMAX")
  for _, number in ipairs{ math.maxinteger, (1 << 32) + 15 } do
    lu.assertNil(core.signal_name(number))
    lu.assertNil(core.signal_parse(number))
  end
end

TestMarshal = {}

function TestMarshal:test_what_is_not_set_is_written_as_go_does()
  lu.assertEquals(configs.new{ id = "a", name = "b" }:marshal_json(),
    '{"id":"a","name":"b","args":null,"cwd":"","one_shot":false,'
    .. '"username":"","log":false}')
  lu.assertEquals(configs.new{}:marshal_json(),
    '{"id":"","name":"","args":null,"cwd":"","one_shot":false,'
    .. '"username":"","log":false}')
end

function TestMarshal:test_all_fields_in_their_order()
  local config = configs.new{
    restart_delay = 0, stop_timeout = 90, stop_signal = 2, log = true,
    environment = { B = "2", A = "\n" }, username = "u", one_shot = true,
    cwd = "/", args = { "x", "\"" }, name = "b", id = "a" }
  lu.assertEquals(config:marshal_json(),
    [[{"id":"a","name":"b","args":["x","\""],"cwd":"/","one_shot":true,]]
    .. [["username":"u","env":{"A":"\n","B":"2"},"log":true,]]
    .. [["stop_signal":"SIGINT","stop_timeout":"1m30s",]]
    .. [["restart_delay":"0s"}]])
end

function TestMarshal:test_the_environment_is_written_in_the_order_of_names()
  local config = configs.new{}
  for letter in ("qwertyuiopasdfghjklzxcvbnm"):gmatch(".") do
    config.environment[letter] = ""
  end
  local names = {}
  for name in config:marshal_json():match('"env":%b{}'):gmatch'"(%l)":' do
    names[#names + 1] = name
  end
  lu.assertEquals(table.concat(names), "abcdefghijklmnopqrstuvwxyz")
end

function TestMarshal:test_functions_writers_and_loggers_are_left_out()
  local function f() end
  local logger = { debug = f, info = f, warn = f, error = f }
  local plain = configs.new{ id = "a" }
  local config = configs.new{ id = "a", log_writer = f,
                              stdout_logger = logger, stderr_logger = logger,
                              on_unexpected_exit = f }
  lu.assertEquals(config:marshal_json(), plain:marshal_json())
end

function TestMarshal:test_invalid_utf8_is_told_with_its_field()
  for shown, fields in pairs{
    ["id"] = { id = "\xff" },
    ["args[2]"] = { args = { "a", "\xff" } },
    ['environment["A"]'] = { environment = { A = "\xff" } },
    ['environment["\\xff"]'] = { environment = { ["\xff"] = "a" } } } do
    local text, message, code = configs.new(fields):marshal_json()
    lu.assertNil(text)
    lu.assertEquals(message, "json: " .. shown
                             .. ': invalid UTF-8 in "\\xff"')
    lu.assertEquals(code, "INVALID_CONFIG")
  end
end

-- In JSON "" means no user, and would run the process as the host's.
function TestMarshal:test_an_empty_username_is_not_written()
  local text, message, code = configs.new{ username = "" }:marshal_json()
  lu.assertNil(text)
  lu.assertEquals(message, 'json: username: "" would be read as not set')
  lu.assertEquals(code, "INVALID_CONFIG")
end

TestRoundTrip = {}

local function assert_comes_back(fields)
  local config = configs.new(fields)
  local back = read(config:marshal_json())
  lu.assertTrue(back == config, config:marshal_json())
  lu.assertEquals(back:marshal_json(), config:marshal_json())
end

function TestRoundTrip:test_every_field_comes_back()
  assert_comes_back{}
  assert_comes_back{ id = "a", name = "b", args = { "1", "", "\u{e9}\n" },
                     cwd = "dir", one_shot = true, username = "u",
                     environment = { A = "1", a = "2", ["x.y"] = "" },
                     log = true, stop_signal = "HUP",
                     stop_timeout = 0.25, restart_delay = 0 }
end

function TestRoundTrip:test_every_signal_and_odd_durations_come_back()
  for signo = 1, 64 do
    if core.signal_name(signo) then
      assert_comes_back{ stop_signal = signo }
    end
  end
  for _, seconds in ipairs{ 0, 1 / 3, 1e-9, 0.1, 3601.001, 1e9 + 0.5 } do
    assert_comes_back{ stop_timeout = seconds, restart_delay = seconds }
  end
end

function TestRoundTrip:test_a_lower_cased_text_reads_the_same()
  local config = configs.new{
    id = "test", name = "hello", args = { "1", "2" }, cwd = "dir",
    one_shot = true, log = true, stop_signal = "TERM", stop_timeout = 0.25,
    environment = { key = "value" } }
  lu.assertTrue(read(config:marshal_json():lower()) == config)
end

TestUnmarshal = {}

function TestUnmarshal:test_a_file_of_the_go_package_is_read()
  local config = read[[{"id":"test","name":"hello","args":["1","2"],
    "cwd":"dir","one_shot":true,"username":"","log":true,
    "stop_signal":"terminated","stop_timeout":"250ms"}]]
  lu.assertTrue(config == configs.new{
    id = "test", name = "hello", args = { "1", "2" }, cwd = "dir",
    one_shot = true, log = true, stop_signal = 15, stop_timeout = 0.25 })
end

function TestUnmarshal:test_what_go_writes_for_nothing_sets_nothing()
  local config = read[[{"id":"","name":"","args":null,"cwd":"",
    "one_shot":false,"username":"","env":null,"log":false,"stop_signal":"",
    "stop_timeout":"0s","restart_delay":""}]]
  lu.assertTrue(config == configs.new{})
  lu.assertNil(config.username)
  lu.assertNil(config.cwd)
  lu.assertEquals(config.stop_timeout, 10)
end

function TestUnmarshal:test_null_sets_nothing()
  lu.assertTrue(read[[{"id":null,"name":null,"args":null,"cwd":null,
    "one_shot":null,"username":null,"env":null,"log":null,
    "stop_signal":null,"stop_timeout":null,"restart_delay":null}]]
    == configs.new{})
end

function TestUnmarshal:test_a_stop_timeout_of_zero_is_told_from_none()
  lu.assertEquals(read'{"stop_timeout":"0"}'.stop_timeout, 0)
  lu.assertEquals(read'{"stop_timeout":"0s"}'.stop_timeout, 10)
  lu.assertEquals(read'{"restart_delay":"0s"}'.restart_delay, 0)
end

function TestUnmarshal:test_go_words_and_numbers_are_signals()
  for text, name in pairs{
    ['"hangup"'] = "SIGHUP", ['"interrupt"'] = "SIGINT",
    ['"quit"'] = "SIGQUIT", ['"aborted"'] = "SIGABRT",
    ['"abort"'] = "SIGABRT", ['"killed"'] = "SIGKILL",
    ['"kill"'] = "SIGKILL", ['"terminated"'] = "SIGTERM",
    ['"terminate"'] = "SIGTERM", ['"15"'] = "SIGTERM", ['"term"'] = "SIGTERM",
    ['"SIGUSR1"'] = "SIGUSR1", ['"user defined signal 1"'] = "SIGUSR1",
    ['"urgent i/o condition"'] = "SIGURG", ["2"] = "SIGINT" } do
    lu.assertEquals(read('{"stop_signal":' .. text .. "}").stop_signal, name)
  end
end

function TestUnmarshal:test_the_real_time_signals_as_go_writes_them()
  for _, signo in ipairs{ 40, 64 } do
    local json = ('{"stop_signal":"signal %d"}'):format(signo)
    lu.assertEquals(read(json).stop_signal, core.signal_name(signo))
  end
end

function TestUnmarshal:test_keys_match_in_any_case()
  local config = read[[{"ID":"a","Name":"b","ARGS":["x"],"One_Shot":true,
    "ENV":{"Path":"p"},"Stop_Timeout":"1s"}]]
  lu.assertTrue(config == configs.new{
    id = "a", name = "b", args = { "x" }, one_shot = true,
    environment = { Path = "p" }, stop_timeout = 1 })
end

function TestUnmarshal:test_the_exact_key_comes_first_then_the_last()
  lu.assertEquals(read'{"id":"exact","ID":"other"}'.id, "exact")
  lu.assertEquals(read'{"ID":"other","id":"exact"}'.id, "exact")
  lu.assertEquals(read'{"ID":"first","Id":"second"}'.id, "second")
  lu.assertEquals(read'{"Id":"first","ID":"second"}'.id, "second")
  lu.assertEquals(read'{"id":"first","id":"second"}'.id, "second")
end

function TestUnmarshal:test_unknown_keys_are_ignored()
  lu.assertTrue(read[[{"id":"a","environment":{"A":1},"log_writer":"x",
    "on_unexpected_exit":true,"x":[{"y":null}],"1":2,
    "z":123456789012345678901}]]
    == configs.new{ id = "a" })
end

function TestUnmarshal:test_arrays_come_out_plain()
  local config = read'{"args":["a"],"env":{"A":"1","B":"2","A":"3"}}'
  lu.assertNil(getmetatable(config.args))
  lu.assertNil(getmetatable(config.environment))
  lu.assertEquals(config.environment, { A = "3", B = "2" })
end

function TestUnmarshal:test_a_wrong_type_is_told_with_its_field()
  for _, key in ipairs{ "id", "name", "cwd", "username",
                        "stop_timeout" } do
    for kind, text in pairs{ number = "1.5", boolean = "true", array = "[]",
                             object = "{}" } do
      assert_refused(('{"%s":%s}'):format(key, text),
        ('cannot unmarshal %s into field "%s" of type string')
        :format(kind, key))
    end
  end
end

function TestUnmarshal:test_wrong_types_of_the_other_fields()
  for text, problem in pairs{
    ['{"one_shot":"yes"}'] = 'string into field "one_shot" of type boolean',
    ['{"LOG":0}'] = 'number into field "log" of type boolean',
    ['{"args":"-v"}'] = 'string into field "args" of type array',
    ['{"args":{}}'] = 'object into field "args" of type array',
    ['{"args":["a",1]}'] = 'number into field "args[2]" of type string',
    ['{"args":[null]}'] = 'null into field "args[1]" of type string',
    ['{"env":[]}'] = 'array into field "env" of type object',
    ['{"env":{"A":1}}'] = 'number into field "env.A" of type string',
    ['{"env":{"A":null}}'] = 'null into field "env.A" of type string',
    ['{"stop_signal":true}'] =
      'boolean into field "stop_signal" of type string' } do
    assert_refused(text, "cannot unmarshal " .. problem)
  end
end

function TestUnmarshal:test_impossible_values_are_told_with_their_field()
  for text, problem in pairs{
    ['{"id":"a\\u0000b"}'] = 'id: NUL byte in "a\\x00b"',
    ['{"args":["\\u0000"]}'] = 'args[1]: NUL byte in "\\x00"',
    ['{"env":{"A=B":"x"}}'] = 'env["A=B"]: "=" in a name',
    ['{"env":{"":"x"}}'] = 'env[""]: empty name',
    ['{"stop_signal":"FOO"}'] = 'stop_signal: unknown signal "FOO"',
    ['{"stop_signal":0}'] = "stop_signal: unknown signal 0",
    ['{"stop_signal":15.5}'] = "stop_signal: unknown signal 15.5",
    ['{"stop_timeout":"5"}'] = 'stop_timeout: invalid duration "5"',
    ['{"stop_timeout":"-1s"}'] = 'stop_timeout: negative duration "-1s"',
    ['{"restart_delay":"x"}'] = 'restart_delay: invalid duration "x"' } do
    assert_refused(text, problem)
  end
end

function TestUnmarshal:test_only_an_object_is_a_config()
  for text, kind in pairs{ ["[]"] = "array", ['"x"'] = "string",
                           ["1"] = "number", ["true"] = "boolean",
                           ["false"] = "boolean", ["null"] = "null" } do
    assert_refused(text, ("cannot unmarshal %s into a ProcessConfig")
                         :format(kind))
  end
end

function TestUnmarshal:test_malformed_text_is_told_with_its_place()
  for text, place in pairs{ [""] = "line 1, column 0: ",
                            ['{"id":"a",\n "name"}'] = "line 2, column 8: ",
                            ['{"id":"\xff"}'] = "line 1, column 7: " } do
    local config, message, code = configs.unmarshal(text)
    lu.assertNil(config)
    lu.assertEquals(message:find("json: " .. place, 1, true), 1)
    lu.assertEquals(code, "INVALID_CONFIG")
  end
end

function TestUnmarshal:test_required_fields_are_left_to_validate()
  local config = read'{"stop_timeout":"1ms"}'
  local ok, message = config:validate("p")
  lu.assertNil(ok)
  lu.assertEquals(message, 'error validating "p": "id" is required')
end

function TestUnmarshal:test_what_is_no_string_raises()
  for _, value in ipairs{ 5, {}, true } do
    lu.assertErrorMsgContains("bad argument #1 to "
      .. "'unmarshal_process_config' (string expected, got " .. type(value),
      configs.unmarshal, value)
  end
  lu.assertErrorMsgContains("string expected, got nil", configs.unmarshal)
end
