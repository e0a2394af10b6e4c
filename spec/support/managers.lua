--[[
What the specs of managers, tasks and dispatch share: processes and managers
that write no log, processes that are only fakes, and checks of answers.

    local managers = require "managers"

Runs on the spec's own thread.
]]

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

local managers = {}

--- A manager whose processes log nothing.
function managers.new()
  return pexec.new_process_manager(pexec.null_logger)
end

--- A process of the helper program: process("web", "forever"). A table in
-- place of the id gives fields.
function managers.process(fields, ...)
  if type(fields) == "string" then fields = { id = fields } end
  return assert(pexec.new_managed_process(spec.child(fields, ...),
                                          pexec.null_logger))
end

--- The same, started.
function managers.started(fields, ...)
  local process = managers.process(fields, ...)
  assert(process:start())
  return process
end

--- A process with these fields that runs a text in the shell.
function managers.shell(fields, text, logger)
  fields.id, fields.name = "shell", "sh"
  fields.args = { "-c", text }
  return assert(pexec.new_managed_process(fields, logger or pexec.null_logger))
end

--- As managers.process, with a logger that collects, which is returned too.
function managers.logged(fields, ...)
  local log = spec.collecting_logger()
  return assert(pexec.new_managed_process(spec.child(fields, ...), log)), log
end

--- The exit codes in its history, in that order.
function managers.codes_of(process)
  local codes = {}
  for i, record in ipairs(process:history()) do codes[i] = record.exit_code end
  return codes
end

--- A child that make(fields, ...) makes cannot be started, one-shot or not, for
-- this reason, and nothing of its program has run.
function managers.assert_start_fails(make, fields, code, message)
  local trace = spec.tmpdir() .. "/trace"
  for _, one_shot in ipairs{ true, false } do
    fields.one_shot = one_shot
    local process = make(fields, "append", trace, "ran")
    lu.assertEquals({ process:start() },
                    { nil, ('error starting process "%s": %s')
                           :format(spec.child_path, message), code })
    lu.assertEquals({ process:wait() }, { true })
  end
  lu.assertNil(spec.read(trace))
end

--- One that does nothing until it is told to, and then ignores TERM. Returns
-- it when it has got so far.
function managers.stubborn(fields)
  local file = spec.tmpdir() .. "/ready"
  local process = managers.started(fields, "ignore", "TERM", "append", file,
                                   "ready", "forever")
  spec.eventually(function() return spec.read(file) end)
  return process
end

--- A process that is only a table. `calls` keeps the names of the methods
-- that were called, but for id and status; fields replace methods.
function managers.fake(id, fields)
  local fake = { calls = {}, is_running = false }
  function fake:id() return id end
  function fake:status() return self.is_running or nil end
  function fake:start(ctx)
    table.insert(self.calls, "start")
    self.context = ctx
    self.is_running = true
    return true
  end
  function fake:stop()
    table.insert(self.calls, "stop")
    self.is_running = false
    return true
  end
  for name, value in pairs(fields or {}) do fake[name] = value end
  return fake
end

--- A fake that says so in an array that several share.
function managers.fake_that_tells(id, events, fields)
  local fake = managers.fake(id, fields)
  for _, name in ipairs{ "start", "stop" } do
    local method = fake[name]
    fake[name] = function(...)
      table.insert(events, name .. " " .. id)
      return method(...)
    end
  end
  return fake
end

--- A manager of these processes.
function managers.of(...)
  local pm = managers.new()
  for _, process in ipairs{ ... } do assert(pm:add_process(process, false)) end
  return pm
end

--- What was answered is nil, this message and this code.
function managers.assert_fails(message, code, ...)
  lu.assertEquals({ n = select("#", ...), ... },
                  { n = 3, nil, message, code })
end

function managers.assert_already_stopped(...)
  managers.assert_fails("already stopped", "ALREADY_STOPPED", ...)
end

--- For a host with lua-event: that (0.4.6) never frees a loop.
function managers.without_leak_check()
  local options = os.getenv "ASAN_OPTIONS"
  return { ASAN_OPTIONS = (options and options .. ":" or "")
                          .. "detect_leaks=0" }
end

--- A text has each of these parts, in this order.
function managers.assert_in_order(text, ...)
  local position = 1
  for _, part in ipairs{ ... } do
    local _, last = text:find(part, position, true)
    lu.assertNotNil(last, ("%q is missing, or in the wrong place, in:\n%s")
                          :format(part, text))
    position = last + 1
  end
end

--- The message that f(...) raises.
function managers.message_of(f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok, "nothing was raised")
  return message
end

--- The same, without the place.
function managers.words_of(f, ...)
  local message = managers.message_of(f, ...)
  return (message:gsub("^[^:]+:%d+: ", ""))
end

--- f's results, and how many seconds it took.
function managers.timed(f, ...)
  local began = spec.probe.now()
  local results = table.pack(f(...))
  return spec.probe.now() - began, table.unpack(results, 1, results.n)
end

return managers
