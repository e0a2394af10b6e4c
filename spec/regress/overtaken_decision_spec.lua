-- A stop and a handler's yes that reached the supervisor together restarted
-- the process, only to stop it; and a handler whose turn came after a stop
-- was ordered, since its writer was still at work, was called all the same.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

local function started(fields, ...)
  local process = assert(pexec.new_managed_process(spec.child(fields, ...),
                                                   pexec.null_logger))
  assert(process:start())
  return process
end

TestOvertaken = {}

function TestOvertaken:test_a_yes_that_comes_with_a_stop_starts_nothing()
  local file = spec.tmpdir() .. "/pids"
  for _ = 1, 50 do
    local has_begun
    local process = started({ restart_delay = 0,
        on_unexpected_exit = function()
          has_begun = true
          pexec.sleep(60)
          return true
        end }, "append", file, "%p")
    spec.eventually(function() return has_begun end)
    lu.assertEquals({ process:stop() }, { true, "none" })
  end
  lu.assertEquals(#spec.lines(spec.read(file)), 50)
end

function TestOvertaken:test_a_yes_that_comes_with_a_kill_starts_nothing()
  local file = spec.tmpdir() .. "/pids"
  for _ = 1, 50 do
    local process = started({ restart_delay = 0,
        on_unexpected_exit = function(_, exit)
          exit.process:kill_group()
          return true
        end }, "append", file, "%p")
    process:wait()
  end
  lu.assertEquals(#spec.lines(spec.read(file)), 50)
end

function TestOvertaken:test_a_handler_is_not_asked_after_a_stop()
  local calls, is_writing = 0, false
  local process = started({
      log_writer = function()
        is_writing = true
        pexec.sleep(0.1)
      end,
      on_unexpected_exit = function() calls = calls + 1 end },
      "print", "last words")
  spec.eventually(function() return is_writing and not process:status() end)
  lu.assertEquals({ process:stop() }, { true, "none" })
  pexec.dispatch(0)
  lu.assertEquals(calls, 0)
end
