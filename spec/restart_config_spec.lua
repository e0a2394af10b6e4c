-- The fields of a ProcessConfig about restarts and hooks: what they may be,
-- what is refused and how, comparing, and their JSON.

local lu = require "luaunit"
local configs = require "pexec.config"
local pexec = require "pexec"
local refusals = require "refusals"

local new <const> = refusals.config
local assert_refused <const> = refusals.assert_refused
local assert_invalid <const> = refusals.assert_invalid

TestFields = {}

function TestFields:test_they_have_defaults()
  local config = new{}
  lu.assertEquals(config.restart, "always")
  lu.assertEquals(config.success_exit_codes, { 0 })
  lu.assertEquals(config.restart_delay, 1)
  lu.assertNil(config.restart_limit)
  lu.assertNil(config.decision_timeout)
  lu.assertEquals(config.hook_timeout, 10)
end

-- As those of the other fields may.
function TestFields:test_the_fields_of_a_delay_may_be_inherited()
  local base = { initial = 1, max = 9 }
  local config = new{ restart_delay = setmetatable({}, { __index = base }) }
  lu.assertEquals(config.restart_delay, base)
end

function TestFields:test_they_read_as_they_were_written()
  local given = {
    restart = "on_failure", success_exit_codes = { 3, 0 },
    restart_delay = { initial = 1, factor = 3, max = 9, jitter = 0,
                      reset_after = 20 },
    restart_limit = { max = 5, within = 60 }, decision_timeout = 3,
    hook_timeout = 4,
  }
  local config = new(configs.new(given) and given)
  for name, value in pairs(given) do
    if name ~= "id" and name ~= "name" then
      lu.assertEquals(config[name], value, name)
    end
  end
  lu.assertEquals(new{ restart_delay = { "1s", 2, "500ms" } }.restart_delay,
                  { 1, 2, 0.5 })
end

function TestFields:test_nothing_that_is_done_to_a_table_later_counts()
  local delay, limit, codes = { 1, 2 }, { max = 1, within = 2 }, { 7 }
  local config = new{ restart_delay = delay, restart_limit = limit,
                      success_exit_codes = codes }
  delay[1], limit.max, codes[1] = 50, 50, 50
  config.restart_delay[2] = 50
  lu.assertEquals(config.restart_delay, { 1, 2 })
  lu.assertEquals(config.restart_limit, { max = 1, within = 2 })
  lu.assertEquals(config.success_exit_codes, { 7 })
end

function TestFields:test_wrong_types_are_refused_with_their_place()
  for _, case in ipairs{
    { { restart = "sometimes" },
      'restart: "always", "on_failure" or "never" expected, '
      .. 'got string "sometimes"' },
    { { success_exit_codes = 0 },
      "success_exit_codes: array of integers expected, got number 0" },
    { { success_exit_codes = { 0, "1" } },
      'success_exit_codes[2]: integer expected, got string "1"' },
    { { success_exit_codes = { [2] = 1 } },
      "success_exit_codes[1]: integer expected, got nil" },
    { { restart_delay = { 1, "x" } },
      'restart_delay[2]: invalid duration "x"' },
    { { restart_delay = { initial = -1 } },
      "restart_delay.initial: negative duration -1" },
    { { restart_delay = { max = 1 } },
      "restart_delay.initial: duration (number or string) expected, got nil" },
    { { restart_delay = { initial = 1, faktor = 2 } },
      'restart_delay.faktor: unknown field "faktor" '
      .. '(did you mean "factor"?)' },
    { { restart_delay = { initial = 1, jitter = "x" } },
      'restart_delay.jitter: number expected, got string "x"' },
    { { restart_delay = { initial = 1, jitter = 0 / 0 } },
      "restart_delay.jitter: number expected, got number nan" },
    { { restart_delay = {} },
      "restart_delay: duration (number or string) expected, got table" },
    { { restart_limit = 3 },
      "restart_limit: table with max and within expected, got number 3" },
    { { restart_limit = { max = 3 } },
      "restart_limit.within: duration (number or string) expected, got nil" },
    { { restart_limit = { within = 3 } },
      "restart_limit.max: integer expected, got nil" },
    { { on_give_up = 1 }, "on_give_up: function expected, got number 1" },
    { { before_start = "x" },
      'before_start: function expected, got string "x"' },
    { { hook_timeout = {} },
      "hook_timeout: duration (number or string) expected, got table" },
  } do
    assert_refused(case[1], case[2])
  end
end

function TestFields:test_what_is_out_of_range_does_not_validate()
  for _, case in ipairs{
    { { success_exit_codes = { 0, 256 } },
      "success_exit_codes[2] should be between 0 and 255, got 256" },
    { { success_exit_codes = { -1 } },
      "success_exit_codes[1] should be between 0 and 255, got -1" },
    { { restart_delay = { initial = 2, max = 1 } },
      "restart_delay.max should not be less than restart_delay.initial" },
    { { restart_delay = { initial = 1, factor = 0.5 } },
      "restart_delay.factor should be at least 1, got 0.5" },
    { { restart_delay = { initial = 1, jitter = 1 } },
      "restart_delay.jitter should be at least 0 and below 1, got 1" },
    { { restart_limit = { max = -1, within = 1 } },
      "restart_limit.max should be between 0 and 10000, got -1" },
    { { restart_limit = { max = 1, within = 0 } },
      "restart_limit.within should not be 0" },
    { { restart_limit = { max = 10001, within = 1 } },
      "restart_limit.max should be between 0 and 10000, got 10001" },
  } do
    assert_invalid(case[1], case[2])
    case[1].id, case[1].name = "a", "b"
    lu.assertEquals(select(3, pexec.new_managed_process(case[1])),
                    "INVALID_CONFIG")
  end
end

-- The core has the same limits.
function TestFields:test_what_validates_can_be_used()
  local many = {}
  for i = 1, 1000 do many[i] = i end
  for _, fields in ipairs{
    { restart_limit = { max = 10000, within = 0.001 } },
    { restart_limit = { max = 0, within = "1h" } },
    { restart_delay = many }, { restart_delay = { 0 } },
    { restart_delay = { initial = 0, factor = 1, max = 0 } },
    { restart_delay = { initial = "2m" } },
    { success_exit_codes = {} }, { decision_timeout = 0 },
    { hook_timeout = 0, before_start = print },
  } do
    lu.assertTrue(new(fields):validate())
    fields.id, fields.name = "a", "b"
    lu.assertNotNil(pexec.new_managed_process(fields))
  end
end

TestComparing = {}

function TestComparing:test_tables_are_compared_by_what_they_say()
  for _, pair in ipairs{
    { { restart_delay = 1 }, {} },
    { { restart_delay = { 1, "2s" } }, { restart_delay = { "1s", 2 } } },
    { { restart_delay = { initial = 1 } },
      { restart_delay = { initial = "1s", factor = 2, jitter = 0.1 } } },
    { { restart_limit = { max = 1, within = 60 } },
      { restart_limit = { max = 1, within = "1m" } } },
    { { success_exit_codes = { 0, 1 } },
      { success_exit_codes = { 1, 0, 1 } } },
  } do
    lu.assertTrue(new(pair[1]) == new(pair[2]))
  end
end

function TestComparing:test_any_difference_counts()
  local same = { restart_delay = { 1, 2 } }
  for _, other in ipairs{
    { restart_delay = { 1, 3 } }, { restart_delay = { 1 } },
    { restart_delay = { 1, 2, 2 } }, { restart_delay = { initial = 1 } },
    { restart_delay = 1 },
    { restart_delay = { 1, 2 }, restart_limit = { max = 1, within = 1 } },
    { restart_delay = { 1, 2 }, success_exit_codes = {} },
    { restart_delay = { 1, 2 }, success_exit_codes = { 0, 1 } },
    { restart_delay = { 1, 2 }, restart = "never" },
    { restart_delay = { 1, 2 }, before_start = print },
  } do
    lu.assertFalse(new(same) == new(other))
  end
end

TestJson = {}

local function read(text)
  return assert(pexec.unmarshal_process_config(text))
end

read "{}"  -- makes a metatable, once

function TestJson:test_what_is_written_comes_back()
  for _, fields in ipairs{
    { restart = "never", success_exit_codes = { 0, 3 } },
    { success_exit_codes = {} },
    { restart_delay = 2.5 },
    { restart_delay = { 1, 0.25 } },
    { restart_delay = { initial = 0.1, factor = 1.5, max = 7, jitter = 0,
                        reset_after = 3600 } },
    { restart_limit = { max = 3, within = 10 } },
    { decision_timeout = 0.5, hook_timeout = 0 },
  } do
    local config = new(fields)
    lu.assertTrue(read(config:marshal_json()) == config)
  end
end

function TestJson:test_it_has_go_durations()
  lu.assertStrContains(new{ restart_delay = { initial = 1, max = 90 } }
    :marshal_json(), [["restart_delay":{"initial":"1s","max":"1m30s"}]])
  lu.assertStrContains(new{ restart_delay = { 1, 2 } }:marshal_json(),
                       [=["restart_delay":["1s","2s"]]=])
  lu.assertStrContains(new{ restart_limit = { max = 1, within = 60 } }
    :marshal_json(), [["restart_limit":{"max":1,"within":"1m0s"}]])
end

function TestJson:test_functions_are_left_out()
  local text = new{ before_start = print, on_give_up = print }:marshal_json()
  lu.assertNotStrContains(text, "before_start")
  lu.assertNotStrContains(text, "on_give_up")
end

function TestJson:test_keys_match_in_any_case_within_too()
  local config = read[[{"Restart_Limit":{"MAX":2,"Within":"1s"}}]]
  lu.assertEquals(config.restart_limit, { max = 2, within = 1 })
end

function TestJson:test_what_is_wrong_is_told_with_its_place()
  for text, words in pairs{
    ['{"restart":"x"}'] = 'restart: "always", "on_failure" or "never"',
    ['{"restart":1}'] = 'number into field "restart" of type string',
    ['{"restart_delay":1}'] = 'number into field "restart_delay" of type '
                              .. "string, array or object",
    ['{"restart_delay":[1]}'] = 'number into field "restart_delay[1]" '
                                .. "of type string",
    ['{"restart_delay":{"initial":1}}'] = 'field "restart_delay.initial"',
    ['{"restart_delay":{"max":"1s"}}'] = "restart_delay.initial: duration",
    ['{"restart_limit":[]}'] = 'array into field "restart_limit" of type '
                               .. "object",
    ['{"restart_limit":{"max":1.5,"within":"1s"}}'] =
      "restart_limit.max: integer expected",
    ['{"success_exit_codes":["0"]}'] = 'string into field '
                                       .. '"success_exit_codes[1]"',
    ['{"success_exit_codes":{}}'] = 'object into field "success_exit_codes"',
  } do
    local config, message, code = pexec.unmarshal_process_config(text)
    lu.assertNil(config)
    lu.assertStrContains(message, words)
    lu.assertEquals(code, "INVALID_CONFIG")
  end
end

function TestJson:test_null_sets_nothing()
  local config = read[[{"restart":null,"restart_delay":null,
    "restart_limit":null,"success_exit_codes":null,"decision_timeout":""}]]
  lu.assertTrue(config == configs.new{})
end
