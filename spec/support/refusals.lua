--[[
What the specs of configurations' fields share: how a field that cannot be used
is refused, at once or when the configuration is validated.

    local refusals = require "refusals"

Runs on the spec's own thread.
]]

local configs = require "pexec.config"
local lu = require "luaunit"

local refusals = {}

--- A configuration with these fields, and all else that it has to have.
function refusals.config(fields)
  fields.id, fields.name = "a", "b"
  return configs.new(fields)
end

--- It cannot be made, and these words say why.
function refusals.assert_refused(fields, words)
  local ok, message = pcall(refusals.config, fields)
  lu.assertFalse(ok)
  lu.assertEquals((message:gsub("^[^:]+:%d+: ", "")), words)
end

--- It can be made, and is not valid.
function refusals.assert_invalid(fields, words)
  local ok, message, code = refusals.config(fields):validate("web")
  lu.assertNil(ok)
  lu.assertEquals(message, 'error validating "web": ' .. words)
  lu.assertEquals(code, "INVALID_CONFIG")
end

return refusals
