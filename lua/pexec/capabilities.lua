-- What the field capabilities of a ProcessConfig may be: an array of names.
-- Owns their numbers, their JSON, and how two of them compare. Nothing here
-- raises, but for what a metamethod of the caller's raises. Runs on the thread
-- that calls into Lua.
--
-- They are stored in lower case without "cap_", in an array of its own.

local core = require "pexec.core"
local json = require "pexec.json"
local records = require "pexec.records"
local values = require "pexec.values"

local capabilities = {}

-- In the order of linux/capability.h, from 0.
local NAMES <const> = {
  "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill",
  "setgid", "setuid", "setpcap", "linux_immutable", "net_bind_service",
  "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
  "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct",
  "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time",
  "sys_tty_config", "mknod", "lease", "audit_write", "audit_control",
  "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm",
  "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore"
}

local bit_of = {}
for i, name in ipairs(NAMES) do bit_of[name] = 1 << (i - 1) end

capabilities.copy = records.copy

-- Its name as it is stored; or nil and a message.
local function check_one(text, name)
  local plain = text:lower():gsub("^cap_", "")
  if bit_of[plain] then return plain end
  return nil, values.suggest(("%s: unknown capability %s")
                             :format(name, values.show(text)), plain, NAMES)
end

function capabilities.check(value, name)
  if type(value) ~= "table" then
    return values.expected("array of capabilities", value, name)
  end
  local _, message = values.strings(value, name)
  if message then return nil, message end
  local result = {}
  for i, text in ipairs(value) do
    result[i], message = check_one(text, ("%s[%d]"):format(name, i))
    if message then return nil, message end
  end
  return result
end

-- For src/binding/config.c: a bit for each; nil where nothing is said.
function capabilities.plan(stored)
  local bits = 0
  for _, name in ipairs(stored or {}) do bits = bits | bit_of[name] end
  return stored and bits
end

function capabilities.is_same(a, b)
  return capabilities.plan(a) == capabilities.plan(b)
end

function capabilities.encode(stored)
  return stored
end

function capabilities.decode(value, name)
  if core.json_type(value) == "array" then
    return json.decode_array(value, name)
  end
  return nil, json.wrong_type(value, name, "array")
end

return capabilities
