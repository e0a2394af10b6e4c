-- ProcessConfig: owns its fields, their defaults, their JSON and how two of
-- them compare. Knows no process: what is made of a configuration gets a
-- snapshot. Runs on the thread that calls into Lua.
--
-- A ProcessConfig is a table that keeps its fields in another, under STORE,
-- so that every assignment is seen. What is there has been checked and is in
-- one form: a signal is a number, a duration is seconds. args and environment
-- are the caller's own tables, which may change: they are checked again
-- wherever they are used. Of stdin, stdout and stderr copies are kept, and
-- copies are read back, since their parts are too many to be watched.

local capabilities = require "pexec.capabilities"
local cgroup = require "pexec.cgroup"
local core = require "pexec.core"
local destinations = require "pexec.destinations"
local environments = require "pexec.environments"
local json = require "pexec.json"
local limits = require "pexec.limits"
local restarting = require "pexec.restarting"
local rights = require "pexec.rights"
local stop_sequence = require "pexec.stop_sequence"
local values = require "pexec.values"

local quote <const> = values.quote

local INVALID <const> = "INVALID_CONFIG"
local STORE <const> = {}
local LEAST_STOP_TIMEOUT <const> = 0.1

local ProcessConfig = { __name = "pexec.ProcessConfig" }
local methods = {}
local config = {}

-- {== fields ================================================================

-- One for each field, in the order of the manual and of the JSON.
--   check    pexec.values: a value -> as it is stored
--   default  as stored; nil: none
--   read     as stored -> as it is read back; nil: as it is
--   blank    true: "" says no more than nil does
--   is_table true: a table of the caller's, or what can be called, where
--            'check' takes that; never read as nil
--   is_same  how two compare, as stored or nil; nil: by ==, objects rawly
--   plan     as stored or nil -> as it is in a snapshot; nil: as it is
--   problem  what validate says of one that is set: a message, or nil
--   json     its type in JSON; nil: not in JSON
--   key      its name in JSON, where that is another
--   always   true: in JSON also where it is not set
--   unset    in JSON, the texts that say no more than null does
--   encode   as stored, name -> as it is in JSON; or nil and a message; nil:
--            as it is
--   decode   from JSON, name -> as it can be checked; or nil and a message;
--            nil: of the type 'json' says, and as it is
local FIELDS = {
  { name = "id", check = values.text, blank = true, json = "string",
    always = true },
  { name = "name", check = values.text, blank = true, json = "string",
    always = true },
  { name = "args", check = values.strings, is_table = true, json = "array",
    always = true },
  { name = "cwd", check = values.text, blank = true, json = "string",
    always = true, unset = { [""] = true } },
  { name = "one_shot", check = values.boolean, default = false,
    json = "boolean", always = true },
  { name = "username", check = values.text, json = "string", always = true,
    unset = { [""] = true } },
  { name = "environment", check = values.environment_or_handler,
    is_table = true, json = "object", key = "env" },
  { name = "log", check = values.boolean, default = false, json = "boolean",
    always = true },
  { name = "log_writer", check = values.writer },
  { name = "stdout_logger", check = values.logger },
  { name = "stderr_logger", check = values.logger },
  { name = "stop_signal", check = values.signal,
    default = core.signal_parse("SIGTERM"), read = core.signal_name,
    json = "string", unset = { [""] = true }, encode = core.signal_name },
  { name = "stop_timeout", check = values.duration, default = 10,
    json = "string", unset = { [""] = true, ["0s"] = true },
    -- "0s" is how Go's package writes one that is not set
    encode = function(seconds)
      return seconds == 0 and "0" or core.duration_format(seconds)
    end },
  { name = "restart_delay", check = restarting.delay, default = 1,
    read = restarting.copy, is_same = restarting.is_same_delay,
    plan = restarting.plan_delay, problem = restarting.problem_of_delay,
    json = "any", unset = { [""] = true },
    encode = restarting.encode_delay, decode = restarting.decode_delay },
  { name = "on_unexpected_exit", check = values.handler },
  { name = "stdin", check = destinations.stdin, default = "null",
    read = destinations.copy, is_same = destinations.is_same_input,
    plan = destinations.plan_input, json = "any", unset = { [""] = true },
    encode = destinations.encode_input, decode = destinations.decode_input },
  { name = "stdout", check = destinations.stdout,
    read = destinations.copy, is_same = destinations.is_same_output,
    plan = destinations.plan_output, json = "any", unset = { [""] = true },
    encode = destinations.encode_output, decode = destinations.decode_output },
  { name = "stderr", check = destinations.stderr,
    read = destinations.copy, is_same = destinations.is_same_output,
    plan = destinations.plan_output, json = "any", unset = { [""] = true },
    encode = destinations.encode_output, decode = destinations.decode_output },
  { name = "tail_size", check = values.integer, default = 16384,
    json = "number", problem = values.between(0, 16 << 20) },
  { name = "writer_buffer", check = values.integer, default = 262144,
    json = "number", problem = values.between(1, 1 << 30) },
  { name = "writer_on_full", check = values.one_of{ "block", "drop" },
    default = "block", json = "string", unset = { [""] = true } },
  { name = "restart", check = values.one_of{ "always", "on_failure", "never" },
    default = "always", json = "string", unset = { [""] = true } },
  { name = "success_exit_codes", check = restarting.codes, default = { 0 },
    read = restarting.copy, is_same = restarting.is_same_codes,
    problem = restarting.problem_of_codes, json = "any",
    encode = restarting.encode_codes, decode = restarting.decode_codes },
  { name = "restart_limit", check = restarting.limit,
    read = restarting.copy, is_same = restarting.is_same_limit,
    problem = restarting.problem_of_limit, json = "any",
    encode = restarting.encode_limit, decode = restarting.decode_limit },
  { name = "on_give_up", check = values.handler },
  { name = "decision_timeout", check = values.duration, json = "string",
    unset = { [""] = true }, encode = core.duration_format },
  { name = "before_start", check = values.handler },
  { name = "after_start", check = values.handler },
  { name = "before_stop", check = values.handler },
  { name = "after_exit", check = values.handler },
  { name = "hook_timeout", check = values.duration, default = 10,
    json = "string", unset = { [""] = true }, encode = core.duration_format },
  { name = "reload_signal", check = values.signal_or_handler,
    default = core.signal_parse("SIGHUP"), read = values.signal_name,
    json = "string", unset = { [""] = true }, encode = core.signal_name },
  { name = "stop_sequence", check = stop_sequence.check,
    read = stop_sequence.copy, is_same = stop_sequence.is_same,
    plan = stop_sequence.plan, problem = stop_sequence.problem, json = "any",
    encode = stop_sequence.encode, decode = stop_sequence.decode },
  { name = "group", check = rights.group, json = "string",
    unset = { [""] = true }, decode = rights.decode_group },
  { name = "supplementary_groups", check = rights.groups, read = rights.copy,
    is_same = rights.is_same_groups, json = "any",
    encode = rights.encode_groups, decode = rights.decode_groups },
  { name = "umask", check = rights.umask, plan = rights.plan_umask,
    json = "string", unset = { [""] = true } },
  { name = "nice", check = values.integer, json = "number",
    problem = values.between(-20, 19) },
  { name = "oom_score_adj", check = values.integer, json = "number",
    problem = values.between(-1000, 1000) },
  { name = "no_new_privileges", check = values.boolean, default = false,
    json = "boolean" },
  { name = "limits", check = limits.limits, read = limits.copy,
    is_same = limits.is_same, plan = limits.plan, problem = limits.problem,
    json = "any", encode = limits.encode, decode = limits.decode },
  { name = "cpu_affinity", check = limits.cpus, read = limits.copy,
    is_same = limits.is_same_cpus, problem = limits.problem_of_cpus,
    json = "any", encode = limits.encode_cpus, decode = limits.decode_cpus },
  { name = "io_priority", check = limits.priority, read = limits.copy,
    is_same = limits.is_same_priority, plan = limits.plan_priority,
    problem = limits.problem_of_priority, json = "any",
    encode = limits.encode_priority, decode = limits.decode_priority },
  { name = "clear_environment", check = values.boolean, default = false,
    json = "boolean" },
  { name = "environment_file", check = environments.files,
    read = environments.copy, is_same = environments.is_same,
    plan = environments.plan, json = "any", unset = { [""] = true },
    encode = environments.encode, decode = environments.decode },
  { name = "capabilities", check = capabilities.check,
    read = capabilities.copy, is_same = capabilities.is_same,
    plan = capabilities.plan, json = "any", encode = capabilities.encode,
    decode = capabilities.decode },
  { name = "cgroup", check = cgroup.check, read = cgroup.copy,
    is_same = cgroup.is_same, problem = cgroup.problem, json = "any",
    encode = cgroup.encode, decode = cgroup.decode },
  { name = "host_death", check = values.one_of{ "kill", "keep" },
    default = "kill", json = "string", unset = { [""] = true } }
}

local BY_NAME = {}
local NAMES = {}
for i, field in ipairs(FIELDS) do
  field.key = field.key or field.name
  NAMES[i] = field.name
  BY_NAME[field.name] = field
end

-- {== the store =============================================================

function config.is(value)
  return type(value) == "table" and rawget(value, STORE) ~= nil
end

local function empty()
  return setmetatable({ [STORE] = {} }, ProcessConfig)
end

-- The store of a method's receiver.
local function own(self, method)
  if config.is(self) then return rawget(self, STORE) end
  error(("calling '%s' on bad self (ProcessConfig expected, got %s)")
        :format(method, type(self)), 3)
end

-- Sets a field, or returns a message and sets nothing.
local function assign(store, name, value)
  local field = BY_NAME[name]
  if not field then return values.unknown_field(name, NAMES) end
  if value ~= nil then
    local checked, message = field.check(value, name)
    if checked == nil then return message end
    value = checked
  end
  store[name] = value
end

-- What has become wrong in tables that the caller may change; nil: nothing.
local function changed_for_worse(store)
  for _, field in ipairs(FIELDS) do
    local value = store[field.name]
    if field.is_table and value ~= nil then
      local _, message = field.check(value, field.name)
      if message then return message end
    end
  end
end

-- Of a table; what can be called is as it is.
local function copy(source)
  local result = {}
  if values.is_callable(source) then return source end
  for key, value in pairs(source) do result[key] = value end
  return result
end

-- A field's value with its default; nil where it says nothing.
local function resolve(store, field)
  local value = store[field.name]
  if value == "" and field.blank then value = nil end
  if value == nil and field.is_table then return {} end
  if value == nil then return field.default end
  return value
end

-- {== like a table ==========================================================

function ProcessConfig.__index(self, name)
  local field = BY_NAME[name]
  local store = rawget(self, STORE)
  if not field then return methods[name] end
  local value = store[name]
  if value == nil and field.is_table then
    value = {}
    store[name] = value  -- may be filled through what is returned
  end
  if value == nil then value = field.default end
  if field.read then return field.read(value) end
  return value
end

function ProcessConfig.__newindex(self, name, value)
  local message = assign(rawget(self, STORE), name, value)
  if message then error(message, 2) end
end

local function is_set(store, field)
  local value = store[field.name]
  if not field.is_table or value == nil then return value ~= nil end
  return values.is_callable(value) or next(value) ~= nil
end

-- The fields that are set, in their order. One may be unset on the way.
function ProcessConfig.__pairs(self)
  local store = rawget(self, STORE)
  local i = 0
  return function()
    repeat i = i + 1 until i > #FIELDS or is_set(store, FIELDS[i])
    local field = FIELDS[i]
    if field then return field.name, self[field.name] end
  end
end

function ProcessConfig.__tostring(self)
  local id = rawget(self, STORE).id
  local shown = id and quote(id):sub(2, -2) or "no id"
  return ("pexec.ProcessConfig (%s)"):format(shown)
end

-- {== making ================================================================

local function unknown_field(source)
  local worst = values.stranger(source, BY_NAME)
  return worst ~= nil and values.unknown_field(worst, NAMES) or nil
end

-- A ProcessConfig with the fields of a table or of another ProcessConfig and
-- tables of its own; or nil and a message.
local function build(source)
  local result = empty()
  local given = config.is(source) and rawget(source, STORE) or source
  local message = unknown_field(given)
  if message then return nil, message end
  for _, field in ipairs(FIELDS) do
    local value = given[field.name]
    message = assign(rawget(result, STORE), field.name, value)
    if message then return nil, message end
    if field.is_table and value ~= nil then
      rawget(result, STORE)[field.name] = copy(value)
    end
  end
  return result
end

-- The same, for who must not raise.
config.try = build

-- pexec.new_process_config. Raises.
function config.new(source)
  if type(source) ~= "table" then
    error(("bad argument #1 to 'new_process_config' (table expected, got %s)")
          :format(type(source)), 2)
  end
  local result, message = build(source)
  if not result then error(message, 2) end
  return result
end

-- A ProcessConfig as it is, a plain table made into one. Raises what is wrong
-- with it, at 'level': 1, the default, blames the caller, 2 its caller.
function config.check(value, level)
  local result, message = value
  level = (level or 1) + 1
  if config.is(value) then message = changed_for_worse(rawget(value, STORE))
  elseif type(value) == "table" then result, message = build(value)
  else message = "ProcessConfig or table expected, got " .. type(value) end
  if message then error(message, level) end
  return result
end

-- A plain table of all fields of a ProcessConfig, as stored, with defaults
-- and with tables of its own. Raises as 'check' does.
function config.snapshot(value, level)
  local store = rawget(config.check(value, (level or 1) + 1), STORE)
  local result = {}
  for _, field in ipairs(FIELDS) do
    local resolved = resolve(store, field)
    if field.is_table then resolved = copy(resolved) end
    if field.plan then resolved = field.plan(resolved) end
    result[field.name] = resolved
  end
  return result
end

-- {== validating and comparing ==============================================

local function range_problem(store)
  for _, field in ipairs(FIELDS) do
    local value = store[field.name]
    local message = field.problem and value ~= nil
                    and field.problem(value, field.name)
    if message then return message end
  end
end

-- In the words of the Go package; nil: nothing is wrong.
local function problem(store)
  for _, name in ipairs{ "id", "name" } do
    if resolve(store, BY_NAME[name]) == nil then
      return quote(name) .. " is required"
    end
  end
  if resolve(store, BY_NAME.stop_timeout) < LEAST_STOP_TIMEOUT then
    return "stop_timeout should not be less than 100ms"
  end
  return range_problem(store)
         or destinations.problem(store.stdout, store.stderr)
         or changed_for_worse(store)
end

function methods:validate(path)
  local store = own(self, "validate")
  if path ~= nil and type(path) ~= "string" then
    error(("bad argument #1 to 'validate' (string expected, got %s)")
          :format(type(path)), 2)
  end
  local message = problem(store)
  if not message then return true end
  message = ("error validating %s: %s"):format(quote(path or ""), message)
  return nil, message, INVALID
end

local function is_called(a, b)
  return values.is_callable(a) or values.is_callable(b)
end

local function is_part(a, b)
  for key, value in pairs(a) do
    if not rawequal(value, b[key]) then return false end
  end
  return true
end

local function is_same(field, a, b)
  if field.is_same then return field.is_same(a, b) end
  if field.is_table and not is_called(a, b) then
    return is_part(a, b) and is_part(b, a)
  end
  if type(a) == "number" then return a == b end  -- 1 and 1.0
  return rawequal(a, b)
end

-- The store of whatever can be taken for a ProcessConfig; nil: it cannot.
-- What a stranger's metamethods raise is no reason for '==' to raise.
local function store_of(value)
  if config.is(value) then return rawget(value, STORE) end
  if type(value) ~= "table" then return nil end
  local ok, built = values.try(build, value)
  return ok and built and rawget(built, STORE) or nil
end

-- The first field in which two stores differ; nil: there is none.
local function difference(a, b)
  for _, field in ipairs(FIELDS) do
    if not is_same(field, resolve(a, field), resolve(b, field)) then
      return field.name
    end
  end
end

-- The same, of two ProcessConfigs.
function config.difference(a, b)
  return difference(rawget(a, STORE), rawget(b, STORE))
end

local function equals(a, b)
  a, b = store_of(a), store_of(b)
  return a ~= nil and b ~= nil and difference(a, b) == nil
end

function methods:equals(other)
  own(self, "equals")
  return equals(self, other)
end

ProcessConfig.__eq = equals

-- {== to JSON ===============================================================

-- Without what such a function gives a program would be another one.
local function uncallable(store)
  for _, field in ipairs(FIELDS) do
    if field.is_table and values.is_callable(store[field.name]) then
      return field.name .. ": a function has no form in JSON"
    end
  end
end

-- What else can be called is left out.
local function is_in_json(store, field)
  return field.json and (field.always or is_set(store, field))
         and not values.is_callable(store[field.name])
end

-- What core.json_encode gets for a field; nil for null, or with a message.
local function encode_field(store, field)
  local value, kind = resolve(store, field), field.json
  if kind == "array" then return json.encode_array(value, field.name) end
  if kind == "object" then return json.encode_object(value, field.name) end
  if value == nil then return "" end
  if value == "" and field.unset then
    return nil, field.name .. ': "" would be read as not set'
  end
  if field.encode then return field.encode(value, field.name) end
  return value, json.not_utf8(value, field.name)
                or json.not_exact(value, field.name)
end

function methods:marshal_json()
  local store = own(self, "marshal_json")
  local members = {}
  local message = changed_for_worse(store) or uncallable(store)
  if message then return nil, "json: " .. message, INVALID end
  for _, field in ipairs(FIELDS) do
    if is_in_json(store, field) then
      local value, reason = encode_field(store, field)
      if reason then return nil, "json: " .. reason, INVALID end
      members[#members + 1] = { field.key, value }
    end
  end
  return core.json_encode(members)
end

-- {== from JSON =============================================================

-- What a field is to be set to; nil for nothing, perhaps with a message.
local function decode_field(field, value)
  local kind = core.json_type(value)
  if value == core.null or field.unset and field.unset[value] then
    return nil
  end
  if field.decode then return field.decode(value, field.key) end
  local is_signal = field.check == values.signal
                    or field.check == values.signal_or_handler
  if kind == "number" and is_signal then
    return math.tointeger(value) or value
  end
  if kind ~= field.json then
    return nil, json.wrong_type(value, field.key, field.json)
  end
  if kind == "array" then return json.decode_array(value, field.key) end
  if kind == "object" then return json.decode_object(value, field.key) end
  return value
end

-- Sets a field from a JSON object; returns a message where that fails.
local function unmarshal_field(store, field, object)
  local value = json.member(object, field.key)
  local checked, message
  if value == nil then return nil end
  value, message = decode_field(field, value)
  if value == nil then return message end
  checked, message = field.check(value, field.key)
  if checked == nil then return "json: " .. message end
  store[field.name] = checked
end

-- pexec.unmarshal_process_config. Raises where it gets no string.
function config.unmarshal(text)
  if type(text) ~= "string" then
    error(("bad argument #1 to 'unmarshal_process_config' "
           .. "(string expected, got %s)"):format(type(text)), 2)
  end
  local result = empty()
  local object, message = core.json_decode(text)
  if message then return nil, "json: " .. message, INVALID end
  if core.json_type(object) ~= "object" then
    return nil, ("json: cannot unmarshal %s into a ProcessConfig")
                :format(core.json_type(object)), INVALID
  end
  for _, field in ipairs(FIELDS) do
    message = field.json
              and unmarshal_field(rawget(result, STORE), field, object)
    if message then return nil, message, INVALID end
  end
  return result
end

return config
