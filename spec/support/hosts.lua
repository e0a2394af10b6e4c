--[[
A host of its own for a script, which runs beside the spec: to be sent signals
to, to be looked at from outside, to die.

    local hosts = require "hosts"
    local host = hosts.start("print \"ready\" pexec.sleep(60)")
    host:await("ready")
    spec.kill(host.pid, "INT")
    local ok, message, code = host:finish()

The script finds pexec, spec and managers as locals, and its stdout is not
buffered. Runs on the spec's own thread.
]]

local pexec = require "pexec"
local spec = require "spec"

local hosts = {}

local Host = {}
Host.__index = Host

local HEAD = [[
io.stdout:setvbuf("no")
local pexec, spec = require "pexec", require "spec"
local managers = require "managers"
]]

--- The first line of stdout or stderr with this text in it, as soon as it is
-- there.
function Host:await(text)
  return spec.eventually(function()
    local line = self:find(text)
    if line then return line end
    assert(not self.has_ended, "the host has ended: " .. self:text())
  end)
end

--- That line, or nil.
function Host:find(text)
  for _, line in ipairs(self.lines) do
    if line:find(text, 1, true) then return line end
  end
end

--- The number that stands behind this word, as soon as it is there.
function Host:number(word)
  return tonumber(self:await(word):match(word .. "%s+(%d+)"))
end

--- All lines so far.
function Host:text()
  return table.concat(self.lines, "\n")
end

--- Its end, as a one-shot's start answers it.
function Host:finish()
  return self.task:wait()
end

-- The words of a command that runs this script, with others in front.
local function command(under, script)
  local words = table.move(under or {}, 1, #(under or {}), 1, {})
  table.insert(words, spec.lua_path)
  table.insert(words, script)
  return table.remove(words, 1), words
end

--- Starts one. settings may have: environment; is_bare: the script gets
-- nothing, and loads what it needs itself; under: an array of words in front
-- of the interpreter's, that execute what follows them; username: whose host
-- it is; is_open: another user is to read the script, as with username.
function hosts.start(text, settings)
  local script = spec.tmpdir() .. "/script.lua"
  settings = settings or {}
  spec.write(script, (settings.is_bare and "" or HEAD) .. text)
  local name, args = command(settings.under, script)
  if settings.username or settings.is_open then
    assert(os.execute("chmod -R a+rX " .. script:match "^(.*)/"))
  end
  local host = setmetatable({ lines = {}, stdout = {}, stderr = {} }, Host)
  local process = assert(pexec.new_managed_process({
    id = "host", name = name, args = args, one_shot = true,
    environment = settings.environment, username = settings.username,
    stop_timeout = 30,
    log_writer = function(line, stream)
      table.insert(host.lines, line)
      table.insert(host[stream], line)
    end }, pexec.null_logger))
  host.process = process
  host.task = pexec.task(function()
    local answer = table.pack(process:start())
    host.has_ended = true
    return table.unpack(answer, 1, answer.n)
  end)
  host.pid = spec.eventually(function()
    return process:unix_pid() or host.has_ended
  end)
  return host
end

--- Runs one to its end: the host, and how it has ended.
function hosts.run(text, settings)
  local host = hosts.start(text, settings)
  return host, host:finish()
end

return hosts
