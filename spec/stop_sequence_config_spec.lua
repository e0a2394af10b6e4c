-- stop_sequence as a field of a configuration: what is taken and refused, what
-- is read back, validating, comparing, and its JSON.

local lu = require "luaunit"
local configs = require "pexec.config"
local pexec = require "pexec"

local function new(sequence)
  return configs.new{ id = "a", name = "true", stop_sequence = sequence }
end

local function assert_reads(sequence, expected)
  lu.assertEquals(new(sequence).stop_sequence, expected)
end

local function assert_refused(sequence, expected)
  for _, make in ipairs{ pexec.new_managed_process,
                         pexec.new_process_config } do
    local ok, message = pcall(make, { id = "a", name = "true",
                                      stop_sequence = sequence })
    lu.assertFalse(ok)
    lu.assertEquals((message:gsub("^[^:]+:%d+: ", "")), expected)
  end
end

TestStopSequenceField = {}

function TestStopSequenceField:test_it_is_not_set_at_first()
  lu.assertNil(new().stop_sequence)
end

function TestStopSequenceField:test_stages_have_what_was_given()
  local function f() end
  assert_reads({}, {})
  assert_reads({ { signal = "quit", to = "group", wait = "1m" },
                 { signal = 15 }, { run = { "a", "b" }, wait = 0.5 },
                 { call = f } },
               { { signal = "SIGQUIT", to = "group", wait = 60 },
                 { signal = "SIGTERM" }, { run = { "a", "b" }, wait = 0.5 },
                 { call = f } })
end

function TestStopSequenceField:test_neither_side_changes_the_others_tables()
  local run = { "a" }
  local sequence = { { run = run } }
  local config = new(sequence)
  run[1], sequence[2] = "b", { signal = 1 }
  config.stop_sequence[1].run[1] = "c"
  config.stop_sequence[1] = nil
  lu.assertEquals(config.stop_sequence, { { run = { "a" } } })
end

function TestStopSequenceField:test_what_is_no_stage_is_refused()
  assert_refused("TERM",
                 "stop_sequence: array of stages expected, got string \"TERM\"")
  assert_refused({ "TERM" },
                 "stop_sequence[1]: table expected, got string \"TERM\"")
  assert_refused({ { signal = 15 }, nil, { signal = 9 } },
                 "stop_sequence[2]: stage expected, got nil")
  assert_refused({ signal = "TERM" },
                 'stop_sequence["signal"]: not an index of an array')
end

function TestStopSequenceField:test_a_stage_does_one_thing()
  assert_refused({ { wait = 1 } }, 'stop_sequence[1]: one of "signal", "run" '
                 .. 'and "call" expected, got none')
  assert_refused({ { signal = 1 }, { signal = 2, run = { "a" } } },
                 'stop_sequence[2]: one of "signal", "run" and "call" '
                 .. 'expected, got "signal" and "run"')
  assert_refused({ { run = { "a" }, to = "group" } },
                 'stop_sequence[1].to: only with "signal", not with "run"')
end

function TestStopSequenceField:test_wrong_fields_are_told_with_their_place()
  assert_refused({ { signal = 1 }, { signal = "TREM" } },
                 'stop_sequence[2].signal: unknown signal "TREM" '
                 .. '(did you mean "TERM"?)')
  assert_refused({ { signal = "TERM", wiat = 1 } }, 'stop_sequence[1].wiat: '
                 .. 'unknown field "wiat" (did you mean "wait"?)')
  assert_refused({ { signal = "TERM", to = "all" } }, 'stop_sequence[1].to: '
                 .. '"process" or "group" expected, got string "all"')
  assert_refused({ { signal = "TERM", wait = {} } }, "stop_sequence[1].wait: "
                 .. "duration (number or string) expected, got table")
  assert_refused({ { call = 1 } },
                 "stop_sequence[1].call: function expected, got number 1")
end

function TestStopSequenceField:test_a_program_has_a_name()
  assert_refused({ { run = "drain" } }, "stop_sequence[1].run: array of "
                 .. "strings expected, got string \"drain\"")
  assert_refused({ { run = {} } },
                 "stop_sequence[1].run[1]: string expected, got nil")
  assert_refused({ { run = { "" } } }, "stop_sequence[1].run[1]: empty name")
  assert_refused({ { run = { "a", 1 } } },
                 "stop_sequence[1].run[2]: string expected, got number 1")
end

TestStopSequenceValidate = {}

local function assert_invalid(sequence, expected)
  local config = new(sequence)
  local ok, message, code = config:validate("a")
  lu.assertNil(ok)
  lu.assertEquals(message, 'error validating "a": ' .. expected)
  lu.assertEquals(code, "INVALID_CONFIG")
  lu.assertEquals({ pexec.new_managed_process(config) },
                  { nil, message, code })
end

function TestStopSequenceValidate:test_there_are_at_most_a_hundred_stages()
  local sequence = {}
  for i = 1, 100 do sequence[i] = { signal = "TERM", wait = 0 } end
  lu.assertTrue(new(sequence):validate())
  sequence[101] = { signal = "INT" }
  assert_invalid(sequence, "stop_sequence should not have more than 100 "
                 .. "stages, got 101")
end

function TestStopSequenceValidate:test_it_ends_within_a_lifetime()
  local half = { signal = "TERM", wait = 1 << 29 }
  lu.assertTrue(new{ half, half }:validate())
  assert_invalid({ half, half, { signal = "INT", wait = 1 } },
                 "stop_sequence should not last longer than 298261h37m4s in "
                 .. "all, got 298261h37m5s")
end

TestStopSequenceEquals = {}

local function f() end

function TestStopSequenceEquals:test_defaults_count_as_if_they_were_given()
  lu.assertTrue(new{ { signal = "TERM" } } ==
                new{ { signal = 15, to = "process", wait = "10s" } })
  lu.assertTrue(new{ { call = f }, { run = { "a" } } } ==
                new{ { call = f, wait = 10.0 }, { run = { "a" } } })
end

function TestStopSequenceEquals:test_whatever_differs_tells_them_apart()
  local one = { { signal = "TERM" }, { run = { "a", "b" } }, { call = f } }
  for _, other in ipairs{
    {}, { one[1], one[2] }, { one[2], one[1], one[3] },
    { { signal = "INT" }, one[2], one[3] },
    { { signal = "TERM", to = "group" }, one[2], one[3] },
    { { signal = "TERM", wait = 1 }, one[2], one[3] },
    { one[1], { run = { "a" } }, one[3] },
    { one[1], { run = { "a", "c" } }, one[3] },
    { one[1], one[2], { call = function() end } },
  } do
    lu.assertFalse(new(one) == new(other))
  end
  lu.assertFalse(new(one) == new())
  lu.assertFalse(new{} == new())
end

TestStopSequenceJson = {}

local head <const> = '{"id":"a","name":"true","args":null,"cwd":"",'
                     .. '"one_shot":false,"username":"","log":false'

local function assert_writes(sequence, expected)
  lu.assertEquals(new(sequence):marshal_json(),
                  head .. ',"stop_sequence":' .. expected .. "}")
end

local function read(json)
  return configs.unmarshal('{"stop_sequence":' .. json .. "}")
end

function TestStopSequenceJson:test_it_is_written_as_it_was_given()
  lu.assertEquals(new():marshal_json(), head .. "}")
  assert_writes({}, "[]")
  assert_writes({ { signal = 3, to = "group", wait = 90 }, { signal = 15 },
                  { run = { "a", "b" }, wait = 0.25 }, { run = { "c" } } },
    '[{"signal":"SIGQUIT","to":"group","wait":"1m30s"},{"signal":"SIGTERM"},'
    .. '{"run":["a","b"],"wait":"250ms"},{"run":["c"]}]')
end

function TestStopSequenceJson:test_functions_are_left_out_with_their_stages()
  assert_writes({ { call = f }, { signal = 15 } }, '[{"signal":"SIGTERM"}]')
  assert_writes({ { call = f } }, "null")
end

function TestStopSequenceJson:test_it_comes_back_the_same()
  local config = new{ { signal = "QUIT", to = "group", wait = "90s" },
                      { run = { "a", "\u{e9}" } }, { signal = 15, wait = 0 } }
  local again = assert(configs.unmarshal(config:marshal_json()))
  lu.assertTrue(config == again)
  lu.assertEquals(again.stop_sequence, config.stop_sequence)
  lu.assertEquals(read('[]').stop_sequence, {})
  lu.assertNil(read('null').stop_sequence)
end

function TestStopSequenceJson:test_it_reads_what_may_be_written()
  lu.assertEquals(read('[{"Signal":15,"to":null,"wait":"","other":1}]')
                  .stop_sequence, { { signal = "SIGTERM" } })
  lu.assertEquals(read('[{"signal":"terminate"}]').stop_sequence,
                  { { signal = "SIGTERM" } })
end

function TestStopSequenceJson:test_what_is_wrong_is_told_with_its_place()
  for json, expected in pairs{
    ['"TERM"'] = 'cannot unmarshal string into field "stop_sequence" of type '
                 .. 'array',
    ['[1]'] = 'cannot unmarshal number into field "stop_sequence[1]" of type '
              .. 'object',
    ['[{"signal":15,"wait":3}]'] = 'cannot unmarshal number into field '
        .. '"stop_sequence[1].wait" of type string',
    ['[{"run":[1]}]'] = 'cannot unmarshal number into field '
        .. '"stop_sequence[1].run[1]" of type string',
    ['[{"signal":"NONE"}]'] =
        'stop_sequence[1].signal: unknown signal "NONE"',
    ['[{}]'] = 'stop_sequence[1]: one of "signal", "run" and "call" '
               .. 'expected, got none',
  } do
    local config, message, code = read(json)
    lu.assertNil(config)
    lu.assertEquals(message, "json: " .. expected)
    lu.assertEquals(code, "INVALID_CONFIG")
  end
end

function TestStopSequenceJson:test_what_json_cannot_say_is_told()
  local text, message, code = new{ { run = { "\xff" } } }:marshal_json()
  lu.assertNil(text)
  lu.assertEquals(message,
      'json: stop_sequence[1].run[1]: invalid UTF-8 in "\\xff"')
  lu.assertEquals(code, "INVALID_CONFIG")
end
