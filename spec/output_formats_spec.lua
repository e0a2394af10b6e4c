-- The formats of log files, with real children and read by code of the specs'
-- own: what is in a line, and that each says what was written.
-- How bytes are escaped is in core/escape_test.c and core/format_test.c.

local logs = require "logs"
local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

-- Bytes that a terminal obeys, that forge a line, and that are no UTF-8.
local HOSTILE <const> = table.concat{
  "\27[2J\27]0;title\7 \r2026-01-31T09:12:44.871204Z web stdout: forged \0 ",
  "\\x1b \\\\ \"quoted\" {\"line\":\"forged\"} tab\there \127 ",
  "\u{85}\u{9b}2J caf\u{e9} \u{20ac} \u{1f41f} \200\255\192\175\237\178\128 ",
  "\u{2028} end\r"
}

local function every_byte()
  local bytes = {}
  for i = 0, 255 do
    if i ~= 10 then bytes[#bytes + 1] = string.char(i) end
  end
  return table.concat(bytes)
end

-- The lines of a file in this format that a child wrote with these bytes, as
-- tables; and its process.
local function written(format, bytes)
  local directory = spec.tmpdir()
  spec.write(directory .. "/bytes", bytes)
  local p = managers.process{ id = "web", one_shot = true, name = "/bin/cat",
    args = { directory .. "/bytes" },
    stdout = { file = directory .. "/log", format = format } }
  assert(p:start())
  local lines = {}
  for line in io.lines(directory .. "/log") do
    lines[#lines + 1] = logs.readers[format](line)
  end
  return lines
end

TestFormats = {}

function TestFormats:test_a_line_has_time_id_stream_and_text()
  for format, read in pairs(logs.readers) do
    local path = spec.tmpdir() .. "/log"
    local file = { file = path, format = format }
    local before = os.time()
    assert(managers.process({ id = "web", one_shot = true, stdout = file,
                              stderr = file }, "print", "a line", "error",
                              "another"):start())
    local seen = {}
    for text in io.lines(path) do
      local line = read(text)
      local age = logs.seconds(line.time) - before
      lu.assertTrue(age >= 0 and age < 20 * spec.slowness, line.time)
      lu.assertEquals(line.id, "web")
      seen[line.stream] = line.line
    end
    lu.assertEquals(seen, { stdout = "a line", stderr = "another" })
  end
end

function TestFormats:test_json_and_logfmt_have_the_pid_of_who_wrote_it()
  for _, format in ipairs{ "json", "logfmt" } do
    local path = spec.tmpdir() .. "/log"
    local p = managers.started({ restart_delay = 0, stdout = { file = path,
                                 format = format } }, "print", "x", "forever")
    for _, word in ipairs{ "first", "second" } do
      local pid = p:unix_pid()
      local text = spec.eventually(function()
        local lines = spec.lines(spec.read(path))
        return lines[word == "first" and 1 or 2]
      end)
      local line = logs.readers[format](text)
      lu.assertEquals(math.tointeger(tonumber(line.pid)), pid)
      spec.kill(pid)
      spec.eventually(function()
        return p:unix_pid() and p:unix_pid() ~= pid
      end)
    end
    p:stop()
  end
end

function TestFormats:test_a_json_line_has_these_fields_and_no_other()
  local lines = written("json", "x\n")
  local names = {}
  for name in pairs(lines[1]) do names[#names + 1] = name end
  table.sort(names)
  lu.assertEquals(names, { "id", "line", "pid", "stream", "time" })
  lu.assertEquals(math.type(lines[1].pid), "integer")
end

function TestFormats:test_empty_lines_and_a_last_one_without_newline_are_lines()
  for format in pairs(logs.readers) do
    local lines = written(format, "one\n\nthree")
    lu.assertEquals({ #lines, lines[1].line, lines[2].line, lines[3].line },
                    { 3, "one", "", "three" })
  end
end

-- FAULTS 39
function TestFormats:test_what_was_written_can_be_had_back()
  local bytes = every_byte()
  for _, format in ipairs{ "json", "logfmt" } do
    local lines = written(format, HOSTILE .. "\n" .. bytes .. "\nafter\n")
    lu.assertEquals(#lines, 3)
    lu.assertEquals(lines[1].line, HOSTILE)
    lu.assertEquals(lines[2].line, bytes)
  end
end

-- FAULTS 39: the readers raise where a control character has got through
function TestFormats:test_in_text_a_child_cannot_forge_a_line_or_escape()
  local lines = written("text", HOSTILE .. "\n" .. every_byte() .. "\n")
  lu.assertEquals(#lines, 2)
  lu.assertStrContains(lines[1].line, "\\x1b[2J")
  lu.assertStrContains(lines[1].line, "\\x0d2026-01-31")
  lu.assertStrContains(lines[1].line, "caf\u{e9} \u{20ac} \u{1f41f} \\xc8\\xff")
  lu.assertNotStrContains(lines[1].line, "\u{9b}")
end

-- FAULTS 10
function TestFormats:test_a_line_of_5_mb_comes_in_marked_pieces()
  local parts = {}
  for i = 1, 5000000 // 8 do parts[i] = ("%08d"):format(i) end
  local text = table.concat(parts)
  for format in pairs(logs.readers) do
    local lines, joined = written(format, text .. "\nafter\n"), {}
    lu.assertEquals(table.remove(lines).line, "after")
    for i, line in ipairs(lines) do
      joined[i] = line.line
      lu.assertEquals(line.partial and true or false, i < #lines)
    end
    logs.assert_same(table.concat(joined), text)
  end
end

TestLoggerFormats = {}

function TestLoggerFormats:test_a_child_s_lines_have_their_levels()
  local readers = { json = logs.json, logfmt = logs.logfmt }
  for format, read in pairs(readers) do
    local path = spec.tmpdir() .. "/log"
    local log = assert(pexec.new_logger{ file = path, format = format })
    assert(managers.process({ id = "web", log = true, one_shot = true,
        stdout_logger = log, stderr_logger = log }, "print", "one \27",
        "error", "two"):start())
    local seen = {}
    for text in io.lines(path) do
      local line = read(text)
      logs.seconds(line.time)
      lu.assertEquals(line.id, "web")
      seen[line.level] = line.message or line.msg
    end
    lu.assertEquals(seen, { info = "one \27", error = "two" })
  end
end
