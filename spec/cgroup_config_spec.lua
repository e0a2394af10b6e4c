-- The field cgroup of a ProcessConfig: what it may be, what is refused and
-- how, comparing, and its JSON.

local lu = require "luaunit"
local pexec = require "pexec"
local refusals = require "refusals"

local new <const> = refusals.config

local function assert_refused(cgroup, words)
  refusals.assert_refused({ cgroup = cgroup }, words)
end

local function assert_invalid(cgroup, words)
  refusals.assert_invalid({ cgroup = cgroup }, words)
end

TestFields = {}

function TestFields:test_without_it_nothing_is_said()
  lu.assertNil(new{}.cgroup)
end

function TestFields:test_it_reads_as_it_was_written()
  local given = { path = "web/a", memory_max = 1 << 40, pids_max = "max",
                  cpu_weight = 10000 }
  local config = new{ cgroup = given }
  lu.assertEquals(config.cgroup, given)
  lu.assertTrue(config:validate())
  lu.assertEquals(new{ cgroup = { path = "/a", memory_max = 0, pids_max = 1.0,
                                  cpu_weight = 1 } }.cgroup,
                  { path = "/a", memory_max = 0, pids_max = 1,
                    cpu_weight = 1 })
end

function TestFields:test_nothing_that_is_done_to_the_table_later_counts()
  local given = { path = "a" }
  local config = new{ cgroup = given }
  given.path, config.cgroup.path = "b", "c"
  lu.assertEquals(config.cgroup, { path = "a" })
end

TestRefused = {}

local MEMORY <const> = 'cgroup.memory_max: bytes (integer, or "max") expected'
local PIDS <const> = 'cgroup.pids_max: number of processes (integer, or '
                     .. '"max") expected'

for _, case in ipairs{
  { "web", 'cgroup: table with path expected, got string "web"' },
  { {}, "cgroup.path: string expected, got nil" },
  { { path = 5 }, "cgroup.path: string expected, got number 5" },
  { { path = "a\0b" }, 'cgroup.path: NUL byte in "a\\x00b"' },
  { { path = "a", memory = 5 }, 'cgroup.memory: unknown field "memory" '
    .. '(did you mean "memory_max"?)' },
  { { "a" }, "cgroup[1]: an array's element in a table of fields" },
  { { path = "a", memory_max = "1M" }, MEMORY .. ', got string "1M"' },
  { { path = "a", memory_max = 1.5 }, MEMORY .. ", got number 1.5" },
  { { path = "a", memory_max = true }, MEMORY .. ", got boolean true" },
  { { path = "a", pids_max = "few" }, PIDS .. ', got string "few"' },
  { { path = "a", cpu_weight = "max" },
    'cgroup.cpu_weight: integer expected, got string "max"' },
} do
  TestRefused["test_" .. case[2]:gsub("[^%w]+", "_")] = function()
    assert_refused(case[1], case[2])
  end
end

TestInvalid = {}

local LONG <const> = ("x"):rep(256)

-- FAULTS 6
for path, words in pairs{
  [""] = 'cgroup.path: "" is empty',
  ["/"] = 'cgroup.path: "/" is the root of the hierarchy',
  [".."] = 'cgroup.path: ".." has ".." in it',
  ["/a/.."] = 'cgroup.path: "/a/.." has ".." in it',
  ["a/../../b"] = 'cgroup.path: "a/../../b" has ".." in it',
  ["./a"] = 'cgroup.path: "./a" has "." in it',
  ["a//b"] = 'cgroup.path: "a//b" has an empty name in it',
  ["//a"] = 'cgroup.path: "//a" has an empty name in it',
  ["a/"] = 'cgroup.path: "a/" has an empty name in it',
  [LONG] = ('cgroup.path: "%s"... has a name over 255 bytes in it')
           :format(("x"):rep(60)),
  [("x/"):rep(2047) .. "xy"] = ('cgroup.path: "%s"... is longer than 4095 '
                                .. 'bytes'):format(("x/"):rep(30)),
} do
  TestInvalid["test_" .. words:sub(1, 60):gsub("[^%w.]+", "_")
              .. #path] = function()
    assert_invalid({ path = path }, words)
  end
end

function TestInvalid:test_numbers_that_are_too_small_or_too_large()
  assert_invalid({ path = "a", memory_max = -1 },
                 "cgroup.memory_max should not be less than 0, got -1")
  assert_invalid({ path = "a", pids_max = 0 },
                 "cgroup.pids_max should not be less than 1, got 0")
  assert_invalid({ path = "a", cpu_weight = 0 },
                 "cgroup.cpu_weight should be between 1 and 10000, got 0")
  assert_invalid({ path = "a", cpu_weight = 10001 },
                 "cgroup.cpu_weight should be between 1 and 10000, got 10001")
end

-- What validate lets pass is what C takes, and nothing else.
function TestInvalid:test_what_is_at_the_bounds_can_be_used()
  for _, cgroup in ipairs{
    { path = ("x"):rep(255) }, { path = ("x/"):rep(2047) .. "x" },
    { path = "..." }, { path = "a", memory_max = math.maxinteger },
    { path = "a", pids_max = "max", memory_max = "max", cpu_weight = 1 },
  } do
    lu.assertTrue(new{ cgroup = cgroup }:validate())
    local config = new{ cgroup = cgroup }
    lu.assertNotNil(pexec.new_managed_process(config, pexec.null_logger))
  end
end

TestEquals = {}

function TestEquals:test_each_part_makes_a_difference()
  local base = { path = "a", memory_max = 1, pids_max = 1, cpu_weight = 1 }
  lu.assertFalse(new{} == new{ cgroup = base })
  lu.assertTrue(new{ cgroup = base } == new{ cgroup = base })
  for name, value in pairs{ path = "b", memory_max = "max", pids_max = 2,
                            cpu_weight = 2 } do
    local other = { path = "a", memory_max = 1, pids_max = 1, cpu_weight = 1 }
    other[name] = value
    lu.assertFalse(new{ cgroup = base } == new{ cgroup = other }, name)
    if name ~= "path" then
      other[name] = nil
      lu.assertFalse(new{ cgroup = base } == new{ cgroup = other }, name)
    end
  end
end

TestJSON = {}

function TestJSON:test_it_comes_back()
  for _, cgroup in ipairs{
    { path = "a" }, { path = "/a b", memory_max = 1 << 53 },
    { path = "a", memory_max = "max", pids_max = 5, cpu_weight = 3 },
  } do
    local config = new{ cgroup = cgroup }
    local text = assert(config:marshal_json())
    lu.assertTrue(assert(pexec.unmarshal_process_config(text)) == config, text)
  end
end

function TestJSON:test_it_is_what_one_would_write()
  lu.assertStrContains(new{ cgroup = { path = "a", memory_max = 5,
      pids_max = "max", cpu_weight = 7 } }:marshal_json(),
    '"cgroup":{"path":"a","memory_max":5,"pids_max":"max","cpu_weight":7}')
end

function TestJSON:test_null_says_nothing()
  lu.assertNil(assert(pexec.unmarshal_process_config
                      '{"cgroup":null}').cgroup)
  lu.assertEquals(assert(pexec.unmarshal_process_config
      '{"cgroup":{"Path":"a","memory_max":null,"cpu_weight":null,"x":1}}')
      .cgroup, { path = "a" })
end

function TestJSON:test_what_is_wrong_is_told_with_its_field()
  for text, words in pairs{
    ['{"cgroup":"a"}'] = "json: cannot unmarshal string into field "
                         .. '"cgroup" of type object',
    ['{"cgroup":{}}'] = "json: cgroup.path: string expected, got nil",
    ['{"cgroup":{"path":5}}'] = "json: cannot unmarshal number into field "
                                .. '"cgroup.path" of type string',
    ['{"cgroup":{"path":"a","memory_max":"1M"}}'] =
      "json: " .. MEMORY .. ', got string "1M"',
    ['{"cgroup":{"path":"a","pids_max":[1]}}'] =
      "json: " .. PIDS .. ", got table",
    ['{"cgroup":{"path":"a","cpu_weight":"5"}}'] =
      "json: cannot unmarshal string into field "
      .. '"cgroup.cpu_weight" of type number',
  } do
    local config, message, code = pexec.unmarshal_process_config(text)
    lu.assertNil(config)
    lu.assertEquals(message, words)
    lu.assertEquals(code, "INVALID_CONFIG")
  end
end
