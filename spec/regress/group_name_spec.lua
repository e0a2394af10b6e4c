-- In JSON a group's name that Lua can make a number of, "1e3" or "0x10", became
-- that number, and with it another group; "0022" lost its zeros.

local lu = require "luaunit"
local pexec = require "pexec"

TestGroupName = {}

local NAMES <const> = { "1e3", "0x10", "0022", " 5 ", "7.0", "12" }

local function read(text)
  return assert(pexec.unmarshal_process_config(text))
end

function TestGroupName:test_text_stays_as_it_is()
  for _, name in ipairs(NAMES) do
    lu.assertEquals(read(('{"group":"%s"}'):format(name)).group, name)
  end
end

function TestGroupName:test_so_it_does_in_an_array()
  local text = '{"supplementary_groups":["%s"]}'
  for _, name in ipairs(NAMES) do
    lu.assertEquals(read(text:format(name)).supplementary_groups, { name })
  end
end

function TestGroupName:test_it_comes_back_from_json()
  for _, name in ipairs(NAMES) do
    local config = pexec.new_process_config{ id = "a", name = "b",
      group = name, supplementary_groups = { name } }
    lu.assertEquals(read(assert(config:marshal_json())), config)
  end
end

function TestGroupName:test_a_number_is_still_one()
  local config = read('{"group":12,"supplementary_groups":[7]}')
  lu.assertEquals(config.group, "12")
  lu.assertEquals(config.supplementary_groups, { "7" })
end
