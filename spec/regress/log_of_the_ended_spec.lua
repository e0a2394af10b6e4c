-- A process that had ended, and was still around, kept others from its log
-- file: they could not be started where they had other options for it.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

TestLogOfTheEnded = {}

function TestLogOfTheEnded:setUp()
  self.path = spec.tmpdir() .. "/log"
end

local function run_one(self, text)
  local process = assert(pexec.new_managed_process(spec.child({
    one_shot = true, stdout = { file = self.path } }, "print", text),
    pexec.null_logger))
  assert(process:start())
  return process
end

local function make_other(self, ...)
  return assert(pexec.new_managed_process(spec.child({
    stdout = { file = self.path, max_size = 4096 } }, ...),
    pexec.null_logger))
end

function TestLogOfTheEnded:test_another_may_have_other_options()
  local ended = run_one(self, "first")
  local other <close> = make_other(self, "print", "second", "forever")
  lu.assertTrue((other:start()))
  spec.eventually(function()
    return spec.read(self.path) == "first\nsecond\n"
  end)
  local ok, _, code = ended:start()
  lu.assertEquals({ ok, code }, { nil, "INVALID_CONFIG" })
end

function TestLogOfTheEnded:test_it_may_run_again_afterwards()
  local ended = run_one(self, "first")
  local other = make_other(self, "print", "second", "forever")
  lu.assertTrue((other:start()))
  spec.eventually(function()
    return spec.read(self.path) == "first\nsecond\n"
  end)
  other:stop()
  lu.assertTrue((ended:start()))
  lu.assertEquals(spec.read(self.path), "first\nsecond\nfirst\n")
end

function TestLogOfTheEnded:test_one_that_runs_keeps_it()
  local other <close> = make_other(self, "forever")
  lu.assertTrue((other:start()))
  local ok, _, code = assert(pexec.new_managed_process(spec.child({
    one_shot = true, stdout = { file = self.path } }, "print", "first"),
    pexec.null_logger)):start()
  lu.assertEquals({ ok, code }, { nil, "INVALID_CONFIG" })
end

-- What a grandchild writes later still arrives.
function TestLogOfTheEnded:test_one_that_may_yet_be_written_to_keeps_it()
  local held = spec.tmpdir() .. "/go"
  local ended = assert(pexec.new_managed_process(spec.child({
    one_shot = true, stdout = { file = self.path } },
    "daemon", "waitfile", held, "print", "late", "end"), pexec.null_logger))
  assert(ended:start())
  local other <close> = make_other(self, "forever")
  local ok, _, code = other:start()
  lu.assertEquals({ ok, code }, { nil, "INVALID_CONFIG" })
  spec.write(held, "")
  spec.eventually(function() return spec.read(self.path) == "late\n" end)
end
