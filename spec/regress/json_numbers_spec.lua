-- Integers above 2^53 in cpu_affinity and success_exit_codes were written as
-- JSON, and read back as others; an infinite factor made marshal_json raise.

local lu = require "luaunit"
local pexec = require "pexec"

TestJsonNumbers = {}

-- What marshal_json says of a configuration with this field.
local function refusal(name, value)
  local config = pexec.new_process_config{ id = "a", name = "b",
                                           [name] = value }
  local text, message, code = config:marshal_json()
  lu.assertNil(text)
  lu.assertEquals(code, "INVALID_CONFIG")
  return message
end

local LARGE <const> = (1 << 53) + 1

function TestJsonNumbers:test_what_is_not_exact_in_an_array_is_refused()
  for _, name in ipairs{ "cpu_affinity", "success_exit_codes" } do
    lu.assertEquals(refusal(name, { 0, LARGE }), "json: " .. name ..
                    "[2]: 9007199254740993 is too large for JSON")
  end
end

function TestJsonNumbers:test_what_is_exact_comes_back()
  local config = pexec.new_process_config{ id = "a", name = "b",
    cpu_affinity = { 1 << 53 }, success_exit_codes = {} }
  local text = assert(config:marshal_json())
  lu.assertEquals(pexec.unmarshal_process_config(text), config)
end

function TestJsonNumbers:test_what_is_infinite_is_refused()
  lu.assertEquals(refusal("restart_delay", { initial = 1, factor = math.huge }),
                  "json: restart_delay.factor: inf has no form in JSON")
  lu.assertEquals(refusal("restart_delay",
                          { initial = 1, jitter = -math.huge }),
                  "json: restart_delay.jitter: -inf has no form in JSON")
end
