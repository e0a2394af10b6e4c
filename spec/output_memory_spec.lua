-- What output costs the host in memory, whatever children do: a line that has
-- no end, a writer that is never called, many that say nothing. Each bound is
-- measured in a host of its own, at its highest.

local lu = require "luaunit"
local spec = require "spec"

local is_plain = spec.mode == "plain"

-- Scripts find these besides: how much memory the host has taken at most, in
-- KiB, since the last look; and a check of it.
local HEAD <const> = [[
local pexec, spec = require "pexec", require "spec"
local lu = require "luaunit"
local function status(name)
  return tonumber(spec.read("/proc/self/status"):match(name .. ":%s*(%d+)"))
end
local function new(fields, ...)
  return assert(pexec.new_managed_process(spec.child(fields, ...),
                                          pexec.null_logger))
end
local function reset_peak()
  collectgarbage()
  spec.write("/proc/self/clear_refs", "5")
  return status("VmRSS")
end
local function more_than(before)
  return status("VmHWM") - before
end
local dir = spec.tmpdir()
]]

local function run(script, limit_kib)
  if not is_plain then lu.skip("a sanitizer keeps memory back") end
  local text, status = spec.run_script(HEAD .. script .. [[
    print("more", more)
    spec.remove_directories()
  ]], nil, 120)
  lu.assertEquals(status, 0, text)
  local more = tonumber(text:match("more%s+(%-?%d+)"))
  lu.assertTrue(more < limit_kib, more .. " KiB more")
  return text
end

-- FAULTS 10, 13: nor is any file larger than a line may be cut
local GIGABYTE <const> = [[
  local before = reset_peak()
  local process = new({ one_shot = true, %s }, "bytes", 1 << 30)
  assert(process:start())
  more = more_than(before)
  assert(process:info().output.stdout.bytes == 1 << 30)
]]

TestEndlessLine = {}

-- FAULTS 13
function TestEndlessLine:test_a_rotated_raw_file()
  local text = run(GIGABYTE:format[[
    stdout = { file = dir .. "/log", max_size = 1 << 20, keep = 2 }
  ]] .. [[
    for _, name in ipairs{ "log", "log.1", "log.2" } do
      local file = assert(io.open(dir .. "/" .. name))
      print("size", (file:seek("end")))
      file:close()
    end
    assert(not io.open(dir .. "/log.3"))
  ]], 16 * 1024)
  local sizes = 0
  for size in text:gmatch("size%s+(%d+)") do
    sizes = sizes + 1
    lu.assertTrue(tonumber(size) <= (1 << 20) + 65536, size)
  end
  lu.assertEquals(sizes, 3)
end

-- FAULTS 13
function TestEndlessLine:test_a_text_file()
  run(GIGABYTE:format[[
    stdout = { file = dir .. "/log", max_size = 1 << 20, keep = 2,
               format = "text" }
  ]], 16 * 1024)
end

-- FAULTS 13
function TestEndlessLine:test_a_writer_that_discards()
  run(GIGABYTE:format"log_writer = function() end", 16 * 1024)
end

-- FAULTS 13
function TestEndlessLine:test_all_of_these_and_a_logger()
  run(GIGABYTE:format[[
    log = true, log_writer = function() end, stdout = {
      { file = dir .. "/a", max_size = 1 << 20, keep = 1 },
      { file = dir .. "/b", max_size = 1 << 20, keep = 1, format = "json" } }
  ]], 24 * 1024)
end

TestUndispatchedWriter = {}

local UNDISPATCHED <const> = [[
  local before = reset_peak()
  for i = 1, 4 do
    local process = new({ id = "child " .. i, name = "/usr/bin/yes",
                          args = { "a" }, log_writer = function() end, %s })
    assert(process:start())
    processes[i] = process
  end
  spec.probe.sleep(1.5)
  local soon = status("VmRSS")
  spec.probe.sleep(1.5)
  print("later", status("VmRSS") - soon)
  more = more_than(before)
  for i = 1, 4 do processes[i]:kill_group() end
]]

-- FAULTS 13: lines of two bytes, as fast as they can be written
function TestUndispatchedWriter:test_memory_is_bounded_where_children_wait()
  run("processes = {}" .. UNDISPATCHED:format"", 4 * 4096)
end

-- FAULTS 13
function TestUndispatchedWriter:test_memory_is_bounded_where_lines_are_dropped()
  local text = run("processes = {}"
                   .. UNDISPATCHED:format'writer_on_full = "drop"', 4 * 4096)
  lu.assertTrue(tonumber(text:match("later%s+(%-?%d+)")) < 1024)
end

-- FAULTS 13: and each in a write of its own
function TestUndispatchedWriter:test_memory_is_bounded_where_writes_are_tiny()
  run([[
    local before = reset_peak()
    local process = new({ log_writer = function() end }, "lines", 100000000)
    assert(process:start())
    spec.probe.sleep(3)
    more = more_than(before)
    process:kill_group()
  ]], 4096)
end

TestManyProcesses = {}

-- What 1,000 cost whose output is read, and who write nothing.
function TestManyProcesses:test_one_that_says_nothing_costs_little()
  run([[
    local limit = spec.probe.limit("nofile")
    assert(limit >= 4000 or spec.probe.limit("nofile", 8000))
    local processes = {}
    local function start(i)
      processes[i] = new({ id = "child " .. i, stdout = {
          file = dir .. "/log" }, stderr = "stdout" }, "forever")
      assert(processes[i]:start())
    end
    for i = 1, 10 do start(i) end
    local before = reset_peak()
    for i = 11, 1010 do start(i) end
    more = more_than(before) // 1000
    for i = 1, 1010 do processes[i]:kill_group() end
    for i = 1, 1010 do processes[i]:wait() end
  ]], 16)
end
