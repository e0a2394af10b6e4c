-- The SIGCONT that follows a stop signal took SIGTSTP, SIGTTIN and SIGTTOU
-- back out of the child's queue, so that it often never saw them.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

-- A child that catches this signal, and is up.
local function catcher(signal, lines, ...)
  local process = assert(pexec.new_managed_process(spec.child({
      stop_signal = signal, stop_timeout = 20,
      log_writer = function(line) lines[#lines + 1] = line end },
      "trapexit", signal, 0, 0, "caught", "print", "up", ...),
      pexec.null_logger))
  assert(process:start())
  spec.eventually(function() return lines[1] == "up" end)
  return process
end

TestTerminalStopSignals = {}

function TestTerminalStopSignals:test_they_arrive()
  for _, signal in ipairs{ "TSTP", "TTIN", "TTOU" } do
    for _ = 1, 20 do
      local lines = {}
      local process = catcher(signal, lines, "forever")
      lu.assertEquals({ process:stop() }, { true, "process" })
      lu.assertEquals(lines, { "up", "caught" })
    end
  end
end

function TestTerminalStopSignals:test_they_arrive_at_a_stopped_child_too()
  for _, signal in ipairs{ "TSTP", "TTIN", "TTOU" } do
    local lines = {}
    local process = catcher(signal, lines, "stopself", "forever")
    local pid = process:unix_pid()
    spec.eventually(function() return spec.stat(pid).state == "T" end)
    lu.assertEquals({ process:stop() }, { true, "process" })
    lu.assertEquals(lines, { "up", "caught" })
  end
end
