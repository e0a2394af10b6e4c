-- The fields of a ProcessConfig about a child's rights: what they may be, what
-- is refused and how, comparing, and their JSON.

local lu = require "luaunit"
local configs = require "pexec.config"
local pexec = require "pexec"
local refusals = require "refusals"

local new <const> = refusals.config
local assert_refused <const> = refusals.assert_refused
local assert_invalid <const> = refusals.assert_invalid

TestFields = {}

function TestFields:test_without_them_nothing_is_said()
  local config = new{}
  for _, name in ipairs{ "group", "supplementary_groups", "umask", "nice",
                         "oom_score_adj" } do
    lu.assertNil(config[name], name)
  end
  lu.assertIs(config.no_new_privileges, false)
  lu.assertEquals(config.host_death, "kill")
end

function TestFields:test_they_read_as_they_were_written()
  local given = { group = "www", supplementary_groups = { "a", "10" },
                  umask = "0027", nice = -20, oom_score_adj = 1000,
                  no_new_privileges = true }
  local config = new(configs.new(given) and given)
  for name, value in pairs(given) do lu.assertEquals(config[name], value) end
end

function TestFields:test_they_come_in_other_forms()
  local config = new{ group = 10, supplementary_groups = { 5, "a" },
                      umask = 18, nice = 3.0 }
  lu.assertEquals(config.group, "10")
  lu.assertEquals(config.supplementary_groups, { "5", "a" })
  lu.assertEquals(config.umask, "0022")
  lu.assertEquals(config.nice, 3)
  lu.assertEquals(new{ umask = "077" }.umask, "0077")
  lu.assertEquals(new{ umask = 0 }.umask, "0000")
  lu.assertEquals(new{ umask = 511 }.umask, "0777")
end

function TestFields:test_nothing_that_is_done_to_a_table_later_counts()
  local groups = { "a" }
  local config = new{ supplementary_groups = groups }
  groups[1] = "b"
  config.supplementary_groups[1] = "c"
  lu.assertEquals(config.supplementary_groups, { "a" })
end

TestRefused = {}

for _, case in ipairs{
  { { group = true },
    "group: group (name or number) expected, got boolean true" },
  { { group = 1.5 }, "group: group (name or number) expected, got number 1.5" },
  { { group = "a\0b" }, 'group: NUL byte in "a\\x00b"' },
  { { supplementary_groups = "a" }, "supplementary_groups: array of groups "
    .. '(names or numbers) expected, got string "a"' },
  { { supplementary_groups = { "a", {} } },
    "supplementary_groups[2]: group (name or number) expected, got table" },
  { { supplementary_groups = { [2] = "a" } },
    "supplementary_groups[1]: group expected, got nil" },
  { { supplementary_groups = { name = "a" } },
    'supplementary_groups["name"]: not an index of an array' },
  { { umask = "22" }, 'umask: umask such as "0022" expected, got string "22"' },
  { { umask = "089" },
    'umask: umask such as "0022" expected, got string "089"' },
  { { umask = "4022" }, 'umask: "4022" is above 0777' },
  { { umask = 777 }, "umask: 777 is above 511, which is 0777: Lua has no "
    .. 'octal numbers, write "0777"' },
  { { umask = -1 }, "umask: umask expected, got number -1" },
  { { umask = 1.5 }, "umask: umask expected, got number 1.5" },
  { { nice = "5" }, 'nice: integer expected, got string "5"' },
  { { oom_score_adj = 0.5 },
    "oom_score_adj: integer expected, got number 0.5" },
  { { no_new_privileges = 1 },
    "no_new_privileges: boolean expected, got number 1" },
  { { host_death = "live" },
    'host_death: "kill" or "keep" expected, got string "live"' },
  { { host_death = true },
    'host_death: "kill" or "keep" expected, got boolean true' },
  { { grup = "a" }, 'unknown field "grup" (did you mean "group"?)' },
} do
  TestRefused["test_" .. case[2]:gsub("[^%w]+", "_")] = function()
    assert_refused(case[1], case[2])
  end
end

TestInvalid = {}

for _, case in ipairs{
  { { nice = 20 }, "nice should be between -20 and 19, got 20" },
  { { nice = -21 }, "nice should be between -20 and 19, got -21" },
  { { oom_score_adj = 1001 },
    "oom_score_adj should be between -1000 and 1000, got 1001" },
  { { oom_score_adj = -1001 },
    "oom_score_adj should be between -1000 and 1000, got -1001" },
} do
  TestInvalid["test_" .. case[2]:gsub("[^%w]+", "_")] = function()
    assert_invalid(case[1], case[2])
  end
end

function TestInvalid:test_what_is_at_the_bounds_is_valid()
  for _, fields in ipairs{ { nice = -20 }, { nice = 19 },
                           { oom_score_adj = 1000 },
                           { oom_score_adj = -1000 }, { umask = 511 } } do
    lu.assertTrue(new(fields):validate())
  end
end

TestEquals = {}

function TestEquals:test_each_makes_a_difference()
  for name, value in pairs{ group = "a", supplementary_groups = {},
                            umask = "0022", nice = 0, oom_score_adj = 0,
                            no_new_privileges = true, host_death = "keep" } do
    lu.assertFalse(new{} == new{ [name] = value }, name)
    lu.assertTrue(new{ [name] = value } == new{ [name] = value }, name)
  end
end

function TestEquals:test_however_they_are_written()
  lu.assertTrue(new{ group = 1, umask = 18, supplementary_groups = { 1 } }
                == new{ group = "1", umask = "022",
                        supplementary_groups = { "1" } })
  lu.assertFalse(new{ supplementary_groups = { "a" } }
                 == new{ supplementary_groups = { "a", "b" } })
end

TestJSON = {}

local function assert_comes_back(fields)
  local config = new(fields)
  local text = assert(config:marshal_json())
  local back = assert(pexec.unmarshal_process_config(text))
  lu.assertTrue(back == config, text)
end

function TestJSON:test_each_comes_back()
  for _, fields in ipairs{
    { group = "www" }, { group = 10 }, { supplementary_groups = {} },
    { supplementary_groups = { "a", 10 } }, { umask = "0000" },
    { umask = "0777" }, { nice = -20 }, { nice = 0 }, { oom_score_adj = -5 },
    { oom_score_adj = 0 }, { no_new_privileges = true },
    { host_death = "keep" },
  } do
    assert_comes_back(fields)
  end
end

function TestJSON:test_it_is_what_one_would_write()
  local text = new{ group = "www", supplementary_groups = { 10 },
                    umask = 18, nice = 5, oom_score_adj = 7,
                    no_new_privileges = true }:marshal_json()
  lu.assertStrContains(text, '"group":"www","supplementary_groups":["10"],'
      .. '"umask":"0022","nice":5,"oom_score_adj":7,"no_new_privileges":true')
end

function TestJSON:test_numbers_and_null_are_read()
  local config = pexec.unmarshal_process_config
      '{"group":5,"supplementary_groups":[6,"a"],"umask":null,"nice":null}'
  lu.assertEquals(config.group, "5")
  lu.assertEquals(config.supplementary_groups, { "6", "a" })
  lu.assertNil(config.umask)
end

function TestJSON:test_what_is_wrong_is_told_with_its_field()
  for text, words in pairs{
    ['{"group":true}'] = "json: cannot unmarshal boolean into field "
                         .. '"group" of type string or number',
    ['{"supplementary_groups":[true]}'] = "json: cannot unmarshal boolean "
        .. 'into field "supplementary_groups[1]" of type string or number',
    ['{"supplementary_groups":{}}'] = "json: cannot unmarshal object into "
        .. 'field "supplementary_groups" of type array',
    ['{"umask":18}'] = "json: cannot unmarshal number into field "
                       .. '"umask" of type string',
    ['{"nice":"5"}'] = "json: cannot unmarshal string into field "
                       .. '"nice" of type number',
    ['{"host_death":"x"}'] = 'json: host_death: "kill" or "keep" expected, '
                             .. 'got string "x"',
    ['{"nice":1.5}'] = "json: nice: integer expected, got number 1.5",
  } do
    local config, message, code = pexec.unmarshal_process_config(text)
    lu.assertNil(config)
    lu.assertEquals(message, words)
    lu.assertEquals(code, "INVALID_CONFIG")
  end
end
