-- The fields of a ProcessConfig about limits, CPUs and the priority of reading
-- and writing: what they may be, what is refused, comparing, and their JSON.

local lu = require "luaunit"
local pexec = require "pexec"
local refusals = require "refusals"

local new <const> = refusals.config
local assert_refused <const> = refusals.assert_refused
local assert_invalid <const> = refusals.assert_invalid

TestFields = {}

function TestFields:test_without_them_nothing_is_said()
  local config = new{}
  lu.assertNil(config.limits)
  lu.assertNil(config.cpu_affinity)
  lu.assertNil(config.io_priority)
end

function TestFields:test_a_limit_comes_in_several_forms()
  local config = new{ limits = { nofile = 1024, core = "unlimited",
      as = math.huge, nproc = { 1, "unlimited" }, stack = { 1, math.huge },
      data = { soft = 3.0, hard = 4 } } }
  lu.assertEquals(config.limits, {
    nofile = { soft = 1024, hard = 1024 },
    core = { soft = "unlimited", hard = "unlimited" },
    as = { soft = "unlimited", hard = "unlimited" },
    nproc = { soft = 1, hard = "unlimited" },
    stack = { soft = 1, hard = "unlimited" },
    data = { soft = 3, hard = 4 } })
  lu.assertTrue(new{ limits = config.limits } == config)
end

function TestFields:test_the_others_read_as_they_were_written()
  local config = new{ cpu_affinity = { 1, 0 },
                      io_priority = { class = "idle" } }
  lu.assertEquals(config.cpu_affinity, { 1, 0 })
  lu.assertEquals(config.io_priority, { class = "idle" })
end

function TestFields:test_nothing_that_is_done_to_a_table_later_counts()
  local given = { nofile = { 1, 2 } }
  local config = new{ limits = given }
  given.nofile[1], given.core = 2, 0
  config.limits.as = 0
  lu.assertEquals(config.limits, { nofile = { soft = 1, hard = 2 } })
end

TestRefused = {}

local BOUND <const> = 'limit (integer of 0 or more, or "unlimited") expected'

for _, case in ipairs{
  { { limits = 5 }, "limits: table of limits expected, got number 5" },
  { { limits = { nofiles = 5 } }, 'limits.nofiles: unknown field "nofiles" '
    .. '(did you mean "nofile"?)' },
  { { limits = { 5 } }, "limits[1]: an array's element in a table of fields" },
  { { limits = { nofile = -1 } }, "limits.nofile: " .. BOUND
    .. ", got number -1" },
  { { limits = { nofile = 1.5 } }, "limits.nofile: " .. BOUND
    .. ", got number 1.5" },
  { { limits = { nofile = "many" } }, "limits.nofile: " .. BOUND
    .. ', got string "many"' },
  { { limits = { nofile = { 1 } } }, "limits.nofile[2]: limit expected, "
    .. "got nil" },
  { { limits = { nofile = { 1, 2, 3 } } }, "limits.nofile[3]: one of soft "
    .. "and hard too many" },
  { { limits = { nofile = { soft = 1 } } }, "limits.nofile.hard: " .. BOUND
    .. ", got nil" },
  { { limits = { nofile = { hard = 1 } } }, "limits.nofile.soft: " .. BOUND
    .. ", got nil" },
  { { limits = { nofile = { soft = 1, hard = {} } } },
    "limits.nofile.hard: " .. BOUND .. ", got table" },
  { { cpu_affinity = 1 },
    "cpu_affinity: array of CPU numbers expected, got number 1" },
  { { cpu_affinity = { 0, "1" } },
    'cpu_affinity[2]: integer expected, got string "1"' },
  { { cpu_affinity = { [2] = 1 } },
    "cpu_affinity[1]: integer expected, got nil" },
  { { io_priority = "idle" }, "io_priority: table with class and level "
    .. 'expected, got string "idle"' },
  { { io_priority = {} }, 'io_priority.class: "realtime", "best_effort" or '
    .. '"idle" expected, got nil' },
  { { io_priority = { class = "fast" } }, 'io_priority.class: "realtime", '
    .. '"best_effort" or "idle" expected, got string "fast"' },
  { { io_priority = { class = "idle", levl = 1 } }, "io_priority.levl: "
    .. 'unknown field "levl" (did you mean "level"?)' },
} do
  TestRefused["test_" .. case[2]:gsub("[^%w]+", "_")] = function()
    assert_refused(case[1], case[2])
  end
end

TestInvalid = {}

for _, case in ipairs{
  { { limits = { as = { 2, 1 } } },
    "limits.as: soft should not be above hard, got 2 and 1" },
  { { limits = { as = { "unlimited", 1 } } },
    "limits.as: soft should not be above hard, got unlimited and 1" },
  { { cpu_affinity = {} }, "cpu_affinity should name a CPU" },
  { { cpu_affinity = { 0, -1 } },
    "cpu_affinity[2] should be between 0 and 8191, got -1" },
  { { cpu_affinity = { 8192 } },
    "cpu_affinity[1] should be between 0 and 8191, got 8192" },
  { { io_priority = { class = "realtime", level = 8 } },
    "io_priority.level should be between 0 and 7, got 8" },
  { { io_priority = { class = "idle", level = 0 } },
    'io_priority.level: "idle" has none, got 0' },
} do
  TestInvalid["test_" .. case[2]:gsub("[^%w]+", "_")] = function()
    assert_invalid(case[1], case[2])
  end
end

TestEquals = {}

function TestEquals:test_each_makes_a_difference()
  for name, value in pairs{ limits = { as = 1 }, cpu_affinity = { 0 },
                            io_priority = { class = "idle" } } do
    lu.assertFalse(new{} == new{ [name] = value }, name)
    lu.assertTrue(new{ [name] = value } == new{ [name] = value }, name)
  end
  lu.assertFalse(new{ limits = { as = { 1, 2 } } }
                 == new{ limits = { as = { 1, 3 } } })
end

function TestEquals:test_however_they_are_written()
  lu.assertTrue(new{ limits = { as = 1 } } == new{ limits = { as = { 1, 1 } } })
  lu.assertTrue(new{ limits = {} } == new{})
  lu.assertTrue(new{ io_priority = { class = "realtime" } }
                == new{ io_priority = { class = "realtime", level = 4 } })
end

TestJSON = {}

function TestJSON:test_each_comes_back()
  for _, fields in ipairs{
    { limits = {} }, { limits = { as = { 5, "unlimited" }, core = 0 } },
    { cpu_affinity = { 3, 1 } }, { io_priority = { class = "idle" } },
    { io_priority = { class = "best_effort", level = 0 } },
  } do
    local config = new(fields)
    local text = assert(config:marshal_json())
    lu.assertTrue(assert(pexec.unmarshal_process_config(text)) == config, text)
  end
end

function TestJSON:test_it_is_what_one_would_write()
  lu.assertStrContains(new{ limits = { nofile = { 5, "unlimited" } },
      cpu_affinity = { 0 }, io_priority = { class = "realtime", level = 1 }
    }:marshal_json(),
    '"limits":{"nofile":{"soft":5,"hard":"unlimited"}},"cpu_affinity":[0],'
    .. '"io_priority":{"class":"realtime","level":1}')
end

function TestJSON:test_every_form_of_a_limit_is_read()
  local config = assert(pexec.unmarshal_process_config
      [[{"limits":{"nofile":5,"core":"unlimited","as":[1,2],
         "data":{"soft":1,"hard":null,"hard":3},"cpu":null}}]])
  lu.assertEquals(config.limits, {
    nofile = { soft = 5, hard = 5 }, as = { soft = 1, hard = 2 },
    core = { soft = "unlimited", hard = "unlimited" },
    data = { soft = 1, hard = 3 } })
end

function TestJSON:test_what_is_wrong_is_told_with_its_field()
  for text, words in pairs{
    ['{"limits":5}'] = "json: cannot unmarshal number into field "
                       .. '"limits" of type object',
    ['{"limits":{"as":true}}'] = "json: limits.as: " .. BOUND
                                 .. ", got boolean true",
    ['{"limits":{"as":{"soft":1}}}'] = "json: limits.as.hard: " .. BOUND
                                       .. ", got nil",
    ['{"cpu_affinity":{}}'] = "json: cannot unmarshal object into field "
                              .. '"cpu_affinity" of type array',
    ['{"cpu_affinity":["0"]}'] = "json: cpu_affinity[1]: integer expected, "
                                 .. 'got string "0"',
    ['{"io_priority":[]}'] = "json: cannot unmarshal array into field "
                             .. '"io_priority" of type object',
    ['{"io_priority":{"class":5}}'] = "json: cannot unmarshal number into "
        .. 'field "io_priority.class" of type string',
  } do
    local config, message, code = pexec.unmarshal_process_config(text)
    lu.assertNil(config)
    lu.assertEquals(message, words)
    lu.assertEquals(code, "INVALID_CONFIG")
  end
end
