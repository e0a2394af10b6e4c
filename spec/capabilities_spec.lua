-- The capabilities of a child: those given and no other, in every set, whoever
-- its user is; what is refused; the field, comparing, and its JSON.

local lu = require "luaunit"
local configs = require "pexec.config"
local pexec = require "pexec"
local spec = require "spec"

local is_root = spec.read("/proc/self/status"):find("\nUid:\t0\t0\t0\t") ~= nil

local function need_root()
  if not is_root then lu.skip("only root can change capabilities") end
end

local function new(fields, ...)
  local config = spec.child(fields, ...)
  config.id = "somebody"
  return assert(pexec.new_managed_process(config, pexec.null_logger))
end

local SETS <const> = { "Inh", "Prm", "Eff", "Bnd", "Amb" }

-- Its sets, as numbers.
local function sets_of(fields)
  local lines, sets = {}, {}
  fields.one_shot = true
  fields.log_writer = function(line) lines[#lines + 1] = line end
  assert(new(fields, "file", "/proc/self/status"):start())
  local text = table.concat(lines, "\n")
  for _, set in ipairs(SETS) do
    sets[set] = tonumber(text:match("Cap" .. set .. ":%s*(%x+)"), 16)
  end
  return sets
end

local function assert_all(sets, expected)
  for _, set in ipairs(SETS) do lu.assertEquals(sets[set], expected, set) end
end

local KILL <const>, BIND <const> = 1 << 5, 1 << 10

TestCapabilities = {}

function TestCapabilities:test_another_user_has_those_given_and_no_other()
  need_root()
  local sets = sets_of{ username = "nobody",
                        capabilities = { "net_bind_service", "kill" } }
  assert_all(sets, KILL | BIND)
end

function TestCapabilities:test_root_has_no_other_either()
  need_root()
  assert_all(sets_of{ capabilities = { "CAP_KILL" } }, KILL)
end

function TestCapabilities:test_none_are_none()
  need_root()
  assert_all(sets_of{ capabilities = {} }, 0)
  assert_all(sets_of{ username = "nobody", capabilities = {} }, 0)
end

function TestCapabilities:test_they_go_with_no_new_privileges()
  need_root()
  assert_all(sets_of{ username = "nobody", capabilities = { "kill" },
                      no_new_privileges = true }, KILL)
end

function TestCapabilities:test_there_is_no_way_back()
  need_root()
  local lines = {}
  assert(new({ username = "nobody", capabilities = { "net_bind_service" },
      one_shot = true, name = "/bin/sh", args = { "-c",
      "for as in '--reuid 0' '--regid 0' '--groups 0'; do setpriv $as true "
      .. "2>/dev/null && echo back; done; echo no" },
      log_writer = function(line) lines[#lines + 1] = line end }):start())
  lu.assertEquals(lines, { "no" })
end

function TestCapabilities:test_the_hosts_are_what_they_were()
  need_root()
  local function own()
    return spec.read("/proc/self/status"):match "CapInh.*CapAmb[^\n]*"
  end
  local before = own()
  sets_of{ username = "nobody", capabilities = { "kill" } }
  lu.assertEquals(own(), before)
end

-- FAULTS 6
function TestCapabilities:test_a_host_that_may_not()
  need_root()
  local trace = spec.tmpdir() .. "/trace"
  assert(spec.probe.seteuid(65534))
  local answer = { pcall(function()
    return new({ capabilities = { "kill" } }, "append", trace, "ran"):start()
  end) }
  assert(spec.probe.seteuid(0))
  lu.assertEquals(answer, { true, nil, ('error starting process "%s": setting '
      .. "its capabilities: operation not permitted")
      :format(spec.child_path), "EPERM" })
  lu.assertNil(spec.read(trace))
end

TestFields = {}

local function config(fields)
  fields.id, fields.name = "a", "b"
  return configs.new(fields)
end

function TestFields:test_names_come_in_several_forms()
  lu.assertEquals(config{ capabilities = { "CAP_KILL", "Net_Raw", "bpf" } }
                  .capabilities, { "kill", "net_raw", "bpf" })
  lu.assertNil(config{}.capabilities)
end

function TestFields:test_what_they_cannot_be_is_told()
  for words, value in pairs{
    ['capabilities: array of capabilities expected, got string "kill"']
      = "kill",
    ['capabilities[2]: unknown capability "net_bnd_service" '
     .. '(did you mean "net_bind_service"?)'] = { "kill", "net_bnd_service" },
    ["capabilities[1]: string expected, got number 5"] = { 5 },
  } do
    local ok, message = pcall(config, { capabilities = value })
    lu.assertFalse(ok)
    lu.assertStrContains(message, words)
  end
end

function TestFields:test_they_compare_as_sets()
  lu.assertTrue(config{ capabilities = { "kill", "bpf" } }
                == config{ capabilities = { "bpf", "CAP_KILL", "bpf" } })
  lu.assertFalse(config{ capabilities = {} } == config{})
end

function TestFields:test_their_json_comes_back()
  for _, names in ipairs{ {}, { "kill", "checkpoint_restore" } } do
    local one = config{ capabilities = names }
    local text = assert(one:marshal_json())
    lu.assertTrue(assert(pexec.unmarshal_process_config(text)) == one, text)
  end
  local _, message = pexec.unmarshal_process_config '{"capabilities":"kill"}'
  lu.assertEquals(message, "json: cannot unmarshal string into field "
                  .. '"capabilities" of type array')
end
