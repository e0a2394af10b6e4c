-- A process that had stopped, or never started, kept its log file to itself
-- until it was collected: another could not have it with other options.

local lu = require "luaunit"
local managers = require "managers"
local spec = require "spec"

TestReleasedLog = {}

local function assert_free(file)
  local process = managers.started({ stdout = { file = file, format = "json",
                                                max_size = 1000 } }, "forever")
  process:stop()
end

function TestReleasedLog:test_a_stopped_process_has_let_go_of_it()
  local file = spec.tmpdir() .. "/log"
  local process = managers.started({ stdout = { file = file } }, "print", "a",
                                   "forever")
  spec.eventually(function() return spec.read(file) == "a\n" end)
  process:stop()
  assert_free(file)
  lu.assertTrue(process:reopen_logs())
end

function TestReleasedLog:test_so_has_one_that_has_ended()
  local file = spec.tmpdir() .. "/log"
  local process = managers.started({ stdout = { file = file },
                                     one_shot = true }, "print", "a")
  assert_free(file)
  lu.assertStrContains(spec.read(file), "a\n")
  lu.assertEquals(process:info().output.stdout.lines, 1)
end

function TestReleasedLog:test_so_has_one_whose_start_failed()
  local file = spec.tmpdir() .. "/log"
  local process = managers.process({ name = "/nowhere", stdout = {
      file = file } })
  lu.assertNil((process:start()))
  assert_free(file)
  lu.assertNil((process:status()))
end

-- What a grandchild writes later still arrives: it has not let go.
function TestReleasedLog:test_one_whose_pipe_is_held_has_not()
  local dir = spec.tmpdir()
  local process = managers.started({ stdout = { file = dir .. "/log" },
      one_shot = true }, "daemon", "waitfile", dir .. "/on", "print", "late",
      "end")
  spec.write(dir .. "/on", "")
  spec.eventually(function() return spec.read(dir .. "/log") == "late\n" end)
  lu.assertEquals(process:info().output.stdout.lines, 1)
  spec.eventually(function()
    return pcall(assert_free, dir .. "/log")
  end)
end
