-- Many that write much at once, each to a log file of its own: what each
-- wrote is there, in its order, whoever has read it.

local logs = require "logs"
local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

local MANY <const> = 12
local NUMBERS <const> = spec.mode == "plain" and 700000 or 200000
local LARGE <const> = 1 << 40  -- bytes: not rotated, and read by pexec

-- What each of them writes.
local function numbers()
  local pipe <close> = assert(io.popen("seq " .. NUMBERS))
  return pipe:read("a")
end

local function with(fields, more)
  for name, value in pairs(more or {}) do fields[name] = value end
  return fields
end

local function log_of(dir, i) return ("%s/%d/log"):format(dir, i) end

-- Each writes to a file in a directory of its own.
local function processes(dir, fields, file_fields)
  local all = {}
  for i = 1, MANY do
    assert(os.execute(("mkdir %s/%d"):format(dir, i)))
    local file = with({ file = log_of(dir, i), max_size = LARGE,
                        on_full = "block" }, file_fields)
    all[i] = assert(pexec.new_managed_process(with({
      id = "p" .. i, name = "seq", args = { tostring(NUMBERS) }, stdout = file
    }, fields), pexec.null_logger))
  end
  return all
end

local function start(process) return process:start() end

local function for_each(all, f)
  local tasks = {}
  for i, process in ipairs(all) do tasks[i] = pexec.task(f, process) end
  for _, task in ipairs(tasks) do assert(task:wait()) end
end

local function expect_same(text, expected, name)
  lu.assertTrue(text == expected,
                ("%s has %d bytes, not these %d"):format(name, #text,
                                                         #expected))
end

TestFloods = {}

function TestFloods:test_what_each_wrote_is_in_its_file()
  local dir, expected = spec.tmpdir(), numbers()
  local all = processes(dir, { one_shot = true })
  for_each(all, start)
  for i, process in ipairs(all) do
    expect_same(spec.read(log_of(dir, i)), expected, log_of(dir, i))
    local told = process:info().output.stdout
    lu.assertEquals({ told.bytes, told.lines, told.drops },
                    { #expected, NUMBERS, 0 })
    lu.assertEquals(process:tail(1)[1].line, tostring(NUMBERS))
  end
end

function TestFloods:test_so_it_is_where_files_are_rotated()
  local dir, expected = spec.tmpdir(), numbers()
  local all = processes(dir, { one_shot = true }, { max_size = 300000,
                                                    keep = 99 })
  for_each(all, start)
  for i = 1, MANY do
    expect_same(logs.all(log_of(dir, i)), expected, log_of(dir, i))
  end
end

function TestFloods:test_crashes_and_restarts_do_not_mix()
  local dir, expected = spec.tmpdir(), numbers()
  local all = processes(dir, { restart_delay = 0 })
  for_each(all, start)
  spec.eventually(function()
    for _, process in ipairs(all) do
      if process:info().restarts < 2 then return false end
    end
    return true
  end)
  for_each(all, function(process) return process:stop() end)
  for i, process in ipairs(all) do
    local text = spec.read(log_of(dir, i))
    lu.assertEquals(process:info().output.stdout.bytes, #text)
    lu.assertTrue(#text >= 2 * #expected)
    for from = 1, #text, #expected do
      local part = text:sub(from, from + #expected - 1)
      expect_same(part, expected:sub(1, #part), log_of(dir, i))
    end
  end
end

function TestFloods:test_a_file_may_be_moved_meanwhile()
  local dir, expected = spec.tmpdir(), numbers()
  local all = processes(dir, { one_shot = true })
  local tasks = {}
  for i, process in ipairs(all) do
    tasks[i] = pexec.task(function() return assert(process:start()) end)
  end
  spec.eventually(function()
    for _, process in ipairs(all) do
      if process:info().output.stdout.bytes < #expected // 10 then
        return false
      end
    end
    return true
  end)
  for i, process in ipairs(all) do
    local path = log_of(dir, i)
    assert(os.rename(path, path .. ".1"))
    process:reopen_logs()  -- some are done by now
  end
  for i, task in ipairs(tasks) do
    assert(task:wait())
    expect_same(logs.all(log_of(dir, i)), expected, log_of(dir, i))
  end
end
