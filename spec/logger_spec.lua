-- Loggers: the built-in one, null_logger, objects of the caller's, and what
-- goes where without any. How lines are written in C is in core/logger_test.c.

local hosts = require "hosts"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local LEVELS = { "debug", "info", "warn", "error" }

-- A logger of this kind, and its file.
local function new(options)
  local file = spec.tmpdir() .. "/log"
  local given = { file = file }
  for name, value in pairs(options or {}) do given[name] = value end
  return assert(pexec.new_logger(given)), file
end

local function say_all(logger)
  for _, level in ipairs(LEVELS) do logger[level](logger, "a " .. level) end
end

local function said(file)
  local words = {}
  for _, line in ipairs(spec.lines(spec.read(file))) do
    words[#words + 1] = line:match("a (%l+)")
  end
  return words
end

TestNewLogger = {}

function TestNewLogger:test_a_line_of_text_has_time_level_and_message()
  local logger, file = new()
  logger:info("hello")
  logger:error("oh dear")
  local lines = spec.lines(spec.read(file))
  local time = "%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d+Z"
  lu.assertEquals(#lines, 2)
  lu.assertStrMatches(lines[1], time .. " INFO  hello")
  lu.assertStrMatches(lines[2], time .. " ERROR oh dear")
end

function TestNewLogger:test_a_line_of_json_is_an_object()
  local logger, file = new{ format = "json" }
  logger:warn('say "hi"\n')
  lu.assertStrMatches(spec.read(file), '{"time":"%d+%-%d+%-%d+T[%d:.]+Z",'
      .. '"level":"warn","message":"say \\"hi\\"\\n"}\n')
end

function TestNewLogger:test_a_line_of_logfmt_is_a_row_of_fields()
  local logger, file = new{ format = "logfmt" }
  logger:warn('say "hi"\n')
  lu.assertStrMatches(spec.read(file), 'time=%d+%-%d+%-%d+T[%d:.]+Z '
      .. 'level=warn msg="say \\"hi\\"\\n"\n')
end

function TestNewLogger:test_it_writes_from_its_level_on()
  for i, level in ipairs(LEVELS) do
    local logger, file = new{ level = level }
    say_all(logger)
    lu.assertEquals(said(file), { table.unpack(LEVELS, i) })
  end
end

function TestNewLogger:test_info_is_its_level_where_none_is_said()
  local logger, file = new()
  say_all(logger)
  lu.assertEquals(said(file), { "info", "warn", "error" })
end

function TestNewLogger:test_it_appends()
  local first, file = new()
  first:info("a first")
  local second = assert(pexec.new_logger{ file = file })
  second:info("a second")
  first:info("a third")
  lu.assertEquals(said(file), { "first", "second", "third" })
end

function TestNewLogger:test_numbers_pass_and_other_things_raise()
  local logger, file = new()
  logger:info(42)
  lu.assertStrContains(spec.read(file), "42\n")
  for _, value in ipairs{ {}, true, print } do
    lu.assertStrContains(managers.message_of(logger.info, logger, value),
                         "string expected, got " .. type(value))
  end
  lu.assertStrContains(managers.message_of(logger.info, {}, "x"),
                       "pexec.Logger expected, got table")
end

local PREFIX <const> = #"2026-01-31T09:12:44.871204Z INFO  "

-- Of a file that two messages of ten bytes fill.
local function rotating(options)
  options.max_size = 2 * (PREFIX + 11)
  return new(options)
end

local function exists(file)
  local handle = io.open(file)
  if handle then handle:close() end
  return handle ~= nil
end

local function say_numbers(logger, first, last)
  for number = first, last do logger:info(("a num %04d"):format(number)) end
end

local function numbers(text)
  local found = {}
  for number in text:gmatch("a num (%d+)\n") do
    found[#found + 1] = math.tointeger(tonumber(number))
  end
  return found
end

function TestNewLogger:test_its_file_is_rotated_between_messages()
  local logger, file = rotating{ keep = 2 }
  say_numbers(logger, 1, 7)
  lu.assertEquals(numbers(spec.read(file)), { 7 })
  lu.assertEquals(numbers(spec.read(file .. ".1")), { 5, 6 })
  lu.assertEquals(numbers(spec.read(file .. ".2")), { 3, 4 })
  lu.assertFalse(exists(file .. ".3"))
end

function TestNewLogger:test_a_max_size_of_0_turns_rotation_off()
  local logger, file = new{ max_size = 0 }
  say_numbers(logger, 1, 100)
  lu.assertEquals(#numbers(spec.read(file)), 100)
  lu.assertFalse(exists(file .. ".1"))
end

function TestNewLogger:test_its_file_is_rotated_by_the_clock()
  local logger, file = new{ rotate_every = 1 }
  spec.eventually(function()
    logger:info("a message")
    return exists(file .. ".1")
  end)
end

function TestNewLogger:test_rotated_files_are_compressed()
  local logger, file = rotating{ compress = true }
  local command = ("gzip -dc '%s.1.gz' 2>&1"):format(file)
  say_numbers(logger, 1, 3)
  spec.eventually(function()
    return exists(file .. ".1.gz") and not exists(file .. ".1")
  end)
  local pipe = assert(io.popen(command))
  lu.assertEquals(numbers(pipe:read("a")), { 1, 2 })
  pipe:close()
end

local function mode_of(file)
  local pipe = assert(io.popen(("stat -c %%a '%s'"):format(file)))
  local mode = pipe:read("l")
  pipe:close()
  return mode
end

function TestNewLogger:test_its_file_has_the_mode_asked_for()
  for wanted, mode in pairs{ ["640"] = "", ["604"] = "0604",
                             ["600"] = "600", ["400"] = 256 } do
    local _, file = new{ mode = mode ~= "" and mode or nil }
    lu.assertEquals(mode_of(file), wanted)
    os.remove(file)
  end
end

-- FAULTS 39
function TestNewLogger:test_control_characters_are_made_visible()
  local logger, file = new()
  logger:info("one\nINFO forged\27[2J\r")
  local lines = spec.lines(spec.read(file))
  lu.assertEquals(#lines, 1)
  lu.assertNil(lines[1]:find("[\1-\8\11-\31]"))
  lu.assertStrContains(lines[1], "forged")
end

TestBadOptions = {}

local function refused(options, words)
  local message = managers.words_of(function() pexec.new_logger(options) end)
  lu.assertEquals(message, words)
end

function TestBadOptions:test_the_field_is_named()
  refused({ level = "loud" }, 'new_logger: impossible level "loud"')
  refused({ level = 3 }, "new_logger: impossible level 3")
  refused({ format = "xml" }, 'new_logger: impossible format "xml"')
  refused({ file = {} }, "new_logger: file: string expected, got table")
  refused({ file = 5 }, "new_logger: file: string expected, got number 5")
  refused({ file = "a\0b" }, 'new_logger: file: NUL byte in "a\\x00b"')
  refused({ levle = "info" },
          'new_logger: unknown field "levle" (did you mean "level"?)')
end

-- With a file that is never opened.
local function refused_of_file(options, words)
  options.file = "/nonexistent/log"
  refused(options, "new_logger: " .. words)
end

function TestBadOptions:test_options_of_a_file_are_checked()
  refused_of_file({ mode = "rw" },
                  'mode: mode such as "0640" expected, got string "rw"')
  refused_of_file({ mode = "0888" },
                  'mode: mode such as "0640" expected, got string "0888"')
  refused_of_file({ max_size = "10M" },
                  'max_size: integer expected, got string "10M"')
  refused_of_file({ max_size = -1 },
                  ("max_size should be between 0 and %d, got -1")
                  :format(1 << 53))
  refused_of_file({ keep = 1.5 }, "keep: integer expected, got number 1.5")
  refused_of_file({ keep = -1 }, "keep should be between 0 and 9999, got -1")
  refused_of_file({ rotate_every = "daily" },
                  'rotate_every: invalid duration "daily"')
  refused_of_file({ rotate_every = 0.5 },
                  "rotate_every should be 0 or at least 1s, got 500ms")
  refused_of_file({ compress = "yes" },
                  'compress: boolean expected, got string "yes"')
end

function TestBadOptions:test_a_mode_is_octal_and_a_number_is_not()
  refused_of_file({ mode = 640 }, "mode: 640 is above 511, which is 0777: "
                  .. 'Lua has no octal numbers, write "0640"')
end

function TestBadOptions:test_without_a_file_they_make_no_sense()
  for name, value in pairs{ mode = "0640", max_size = 1, keep = 1,
                            rotate_every = 1, compress = false } do
    refused({ [name] = value }, "new_logger: " .. name .. ": only of a file")
  end
end

function TestBadOptions:test_options_are_a_table()
  refused(nil, "bad argument #1 to 'new_logger' (table expected, got nil)")
  refused("info", "bad argument #1 to 'new_logger' (table expected, "
                  .. "got string)")
end

function TestBadOptions:test_a_file_that_cannot_be_opened_is_told()
  local directory = spec.tmpdir()
  managers.assert_fails('error opening log file "' .. directory
      .. '/no/log": no such file or directory', "ENOENT",
      pexec.new_logger{ file = directory .. "/no/log" })
  managers.assert_fails('error opening log file "' .. directory
      .. '": is a directory', "EISDIR", pexec.new_logger{ file = directory })
  managers.assert_fails('error opening log file "": no such file or '
      .. 'directory', "ENOENT", pexec.new_logger{ file = "" })
end

TestNullLogger = {}

function TestNullLogger:test_it_takes_everything()
  for _, level in ipairs(LEVELS) do
    lu.assertEquals({ pexec.null_logger[level](pexec.null_logger, "x") }, {})
  end
end

function TestNullLogger:test_a_process_with_it_says_nothing()
  local host, ok = hosts.run[[
    local p = managers.started({ id = "a", log = true }, "print", "x",
                               "error", "y", "forever")
    pexec.sleep(0.05)
    p:stop()]]
  lu.assertTrue(ok)
  lu.assertEquals(host.lines, {})
end

TestDefaultLogger = {}

function TestDefaultLogger:test_it_writes_to_stderr_and_nothing_to_stdout()
  local host, ok = hosts.run[[
    local p = assert(pexec.new_managed_process(
      spec.child({ id = "web", log = true }, "print", "to stdout",
                 "error", "to stderr", "forever")))
    assert(p:start())
    pexec.task(error, "task", 0)
    pexec.sleep(0.2)
    assert(p:stop())]]
  lu.assertTrue(ok)
  lu.assertEquals(host.stdout, {})
  for _, text in ipairs{ "INFO  web: to stdout", "ERROR web: to stderr",
                         "ERROR error in a task: task",
                         "INFO  web: stopping process" } do
    lu.assertNotNil(host:find(text), text)
  end
end

function TestDefaultLogger:test_its_level_is_info()
  local host = hosts.run[[
    local logger = assert(pexec.new_logger{})
    logger:debug("quiet")
    logger:info("loud")]]
  lu.assertEquals(#host.stderr, 1)
  lu.assertStrContains(host.stderr[1], "INFO  loud")
end

-- Of a process whose own logger is `logger`, after one line on each stream.
local function run_with(logger, fields)
  local config = spec.child({ id = "a", log = true }, "print", "out",
                            "error", "err", "forever")
  for name, value in pairs(fields or {}) do config[name] = value end
  local p = assert(pexec.new_managed_process(config, logger))
  assert(p:start())
  return p
end

TestProcessLogger = {}

function TestProcessLogger:test_lines_go_to_it_with_the_id()
  local logger, file = new()
  local p = run_with(logger)
  spec.eventually(function()
    local text = spec.read(file)
    return text:find("INFO  a: out\n", 1, true)
           and text:find("ERROR a: err\n", 1, true)
  end)
  assert(p:stop())
end

function TestProcessLogger:test_a_streams_own_logger_replaces_it()
  local logger, file = new()
  local out, out_file = new{ format = "json" }
  local err = spec.collecting_logger()
  local p = run_with(logger, { stdout_logger = out, stderr_logger = err })
  spec.eventually(function()
    return err:find("error: err")
           and spec.read(out_file):find('"id":"a","message":"out"', 1, true)
  end)
  assert(p:stop())
  lu.assertNil(spec.read(file):find("a: out", 1, true))
  lu.assertNil(spec.read(file):find("a: err", 1, true))
end

function TestProcessLogger:test_without_log_no_line_goes_anywhere()
  local logger = spec.collecting_logger()
  local p = run_with(logger, { log = false, stdout_logger = logger })
  pexec.sleep(0.05)
  assert(p:stop())
  lu.assertNil(logger:find("out"))
end

-- FAULTS 20
function TestProcessLogger:test_it_lives_as_long_as_its_process()
  local file = spec.tmpdir() .. "/log"
  local go = spec.tmpdir() .. "/go"
  local p
  do
    local logger = assert(pexec.new_logger{ file = file })
    p = assert(pexec.new_managed_process(spec.child({ id = "a", log = true },
               "waitfile", go, "print", "late", "forever"), logger))
  end
  collectgarbage()
  collectgarbage()
  assert(p:start())
  spec.write(go, "")
  spec.eventually(function()
    return spec.read(file):find("INFO  a: late\n", 1, true)
  end)
  assert(p:stop())
end

TestObjectLogger = {}

-- As LuaLogging makes them: methods in the object, each of which takes self.
local function lualogging(append)
  local logger = { level = "DEBUG" }
  function logger:log(level, message, ...)
    if select("#", ...) > 0 then message = message:format(...) end
    return append(self, level, message)
  end
  for _, level in ipairs(LEVELS) do
    logger[level] = function(self, ...)
      return self:log(level:upper(), ...)
    end
  end
  return logger
end

function TestObjectLogger:test_lualoggings_fit_as_they_are()
  local lines = {}
  local logger = lualogging(function(_, level, message)
    table.insert(lines, level .. " " .. message)
    return true
  end)
  local p = run_with(logger)
  spec.eventually(function() return #lines >= 2 end)
  table.sort(lines)
  lu.assertEquals(lines, { "ERROR err", "INFO out" })
  assert(p:stop())
  spec.eventually(function()
    return table.concat(lines, "\n"):find("INFO a: stopping process", 1, true)
  end)
end

function TestObjectLogger:test_percent_signs_are_only_text()
  local logger = spec.collecting_logger()
  local p = assert(pexec.new_managed_process(
    spec.child({ id = "%d", log = true }, "print", "100 %s %d", "forever"),
    logger))
  assert(p:start())
  spec.eventually(function() return logger:find("info: 100 %s %d") end)
  assert(p:stop())
end

function TestObjectLogger:test_its_methods_may_wait()
  local lines = {}
  local logger = lualogging(function(_, _, message)
    pexec.sleep(0.02)
    table.insert(lines, message)
    return true
  end)
  local p = run_with(logger)
  spec.eventually(function() return #lines >= 2 end)
  assert(p:stop())
end

function TestObjectLogger:test_one_that_raises_does_no_harm()
  local calls = 0
  local logger = lualogging(function()
    calls = calls + 1
    error("disk full")
  end)
  local p = run_with(logger, { restart_delay = 0 })
  local pid = p:unix_pid()
  spec.eventually(function() return calls >= 2 end)
  spec.kill(pid, "KILL")
  spec.eventually(function()
    local now = p:unix_pid()
    return now and now ~= pid
  end)
  lu.assertEquals((p:stop()), true)
end

function TestObjectLogger:test_the_four_methods_are_asked_for()
  local logger = spec.collecting_logger()
  for _, level in ipairs(LEVELS) do
    local lacking = setmetatable({ [level] = false }, { __index = logger })
    lu.assertEquals(managers.words_of(function()
      pexec.new_managed_process(spec.child{ id = "a" }, lacking)
    end), "logger: logger expected, got table without method \""
          .. level .. '"')
  end
end
