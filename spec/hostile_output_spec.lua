-- What a child may write to trick whoever reads its log: sequences that drive
-- a terminal, ends of lines, lines that look like others'. Where people read,
-- nothing of that passes; raw files and JSON keep each byte.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

local TIME <const> = "%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d%d%d%dZ"
local FORGED <const> = "2026-01-31T09:12:44.871204Z ERROR other: forged"

-- Each is a text without a newline, which is one line whatever is in it.
local TRICKS <const> = {
  colour = "\27[31mred\27[0m", title = "\27]0;owned\7", erase = "\27[2J\27[H",
  back = "password:\8\8\8\8", over = "fine\r" .. FORGED,
  crlf = "fine\r", vertical = "one\11two\12three", null = "a\0b",
  delete = "a\127b", c1_byte = "a\x9b31mb\x85c", c1 = "a\u{9b}31mb\u{85}c",
  cut_off = "a\xe2\x82", overlong = "\xc0\x8a\xe0\x80\x8a", above = "\xf5\xff",
  surrogate = "\xed\xa0\x80\xed\xb2\x85", quotes = '"} {"time":"x" \\" \\n',
  fields = '" level=error msg="forged', empty = "", tab = "a\tb",
  forged = FORGED,
}

local function all_bytes()
  local bytes = {}
  for byte = 0, 255 do
    if byte ~= 10 then bytes[#bytes + 1] = string.char(byte) end
  end
  return table.concat(bytes)
end

-- They, in an order that is always the same, and lines that come in pieces.
local function tricky_lines()
  local names, lines = {}, {}
  for name in pairs(TRICKS) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do lines[i] = TRICKS[name] end
  table.insert(lines, all_bytes())
  table.insert(lines, ("\27[1m\r"):rep(40000))
  table.insert(lines, ("x"):rep(65536) .. FORGED)
  table.insert(lines, "the last")
  return lines
end

local tricky = tricky_lines()
local tricky_text = table.concat(tricky, "\n") .. "\n"

-- A program that writes these bytes.
local function cat(bytes)
  local path = spec.tmpdir() .. "/bytes"
  spec.write(path, bytes)
  return { id = "child", one_shot = true, name = "/bin/cat", args = { path } }
end

local function run(fields, logger)
  local config = cat(tricky_text)
  for name, value in pairs(fields) do config[name] = value end
  local process = assert(pexec.new_managed_process(
      config, logger or pexec.null_logger))
  assert(process:start())
end

-- Writes all that to a file of this format; returns its text.
local function written(format, fields)
  local file = spec.tmpdir() .. "/log"
  local config = { stdout = { file = file, format = format } }
  for name, value in pairs(fields or {}) do config[name] = value end
  run(config)
  return spec.read(file)
end

-- The same, by way of a logger.
local function logged(format, fields)
  local file = spec.tmpdir() .. "/log"
  local config = { log = true }
  for name, value in pairs(fields or {}) do config[name] = value end
  run(config, assert(pexec.new_logger{ file = file, format = format,
                                       max_size = 0 }))
  return spec.read(file)
end

-- Bytes that a terminal acts on, or that are no UTF-8. A tab only moves on.
local function assert_is_harmless(text, may_hold)
  local odd = text:match("[^\n\32-\126\x80-\xff" .. (may_hold or "") .. "]")
  lu.assertNil(odd and ("%q"):format(odd))
  lu.assertNotNil(utf8.len(text), "no UTF-8")
  lu.assertNil(text:find("\xc2[\x80-\x9f]"), "a C1 control")
end

-- Each line begins so, and there are as many as there have to be: one for
-- each that was written, and one more for each piece of a long one.
local function assert_all_begin(text, ...)
  local count, patterns = 0, { ... }
  lu.assertEquals(text:sub(-1), "\n")
  for line in text:gmatch("([^\n]*)\n") do
    local is_good = false
    for _, pattern in ipairs(patterns) do
      is_good = is_good or line:find("^" .. pattern) ~= nil
    end
    lu.assertTrue(is_good, ("%q"):format(line:sub(1, 100)))
    count = count + 1
  end
  lu.assertEquals(count, #tricky + 3 + 1)  -- of 200,000 bytes, of 65,583
end

TestPeople = {}

-- FAULTS 39
function TestPeople:test_a_text_file_has_no_control_character()
  local text = written("text")
  assert_is_harmless(text, "\t")
  assert_all_begin(text, TIME .. " child stdout%+?: ")
end

-- FAULTS 39
function TestPeople:test_a_logfmt_file_has_no_control_character()
  local text = written("logfmt")
  assert_is_harmless(text)
  assert_all_begin(text, "time=" .. TIME
                         .. ' id=child pid=%d+ stream=stdout line="')
end

-- FAULTS 39
function TestPeople:test_a_json_file_has_no_control_character()
  local text = written("json")
  assert_is_harmless(text)
  assert_all_begin(text, '{"time":"' .. TIME .. '","id":"child","pid":%d+,'
                         .. '"stream":"stdout","line":"')
end

-- FAULTS 39
function TestPeople:test_a_logger_writes_none_in_any_format()
  local heads = { text = TIME .. " INFO  child: ",
                  logfmt = "time=" .. TIME .. ' level=info id=child msg="',
                  json = '{"time":"' .. TIME .. '","level":"info",'
                         .. '"id":"child","message":"' }
  for format, head in pairs(heads) do
    local text = logged(format)
    assert_is_harmless(text, format == "text" and "\t")
    assert_all_begin(text, head)
  end
end

-- FAULTS 39
function TestPeople:test_the_default_logger_writes_none_to_stderr()
  local path = spec.tmpdir() .. "/bytes"
  spec.write(path, tricky_text)
  local text, status = spec.run_script(([[
    local process = assert(require "pexec".new_managed_process{
      id = "child", one_shot = true, name = "/bin/cat", args = { %q },
      log = true })
    assert(process:start())
  ]]):format(path))
  lu.assertEquals(status, 0)
  assert_is_harmless(text, "\t")
  assert_all_begin(text, TIME .. " INFO  child: ")
end

-- Right to left is a language's, and no control character.
function TestPeople:test_text_of_other_languages_is_left_alone()
  local line = "\u{202e}שלום\u{202c} Straße 東京 \u{1f600}"
  local file = spec.tmpdir() .. "/log"
  local config = cat(line .. "\n")
  config.stdout = { file = file, format = "text" }
  assert(assert(pexec.new_managed_process(config, pexec.null_logger)):start())
  lu.assertStrContains(spec.read(file), " child stdout: " .. line .. "\n")
end

TestForgedIds = {}

local ID <const> = 'web"\\\n' .. FORGED .. "\r\27[31m\u{9b}\xff = "

-- FAULTS 39
function TestForgedIds:test_an_id_forges_no_line_of_text()
  local text = written("text", { id = ID })
  assert_is_harmless(text, "\t")
  assert_all_begin(text, TIME .. ' web"\\\\x0a2026%-')
end

-- FAULTS 39
function TestForgedIds:test_an_id_forges_no_field_of_logfmt()
  local text = written("logfmt", { id = ID })
  assert_is_harmless(text)
  assert_all_begin(text, "time=" .. TIME .. ' id="web\\"\\\\\\n2026%-[^"]+'
                         .. '" pid=%d+ stream=stdout line="')
end

-- FAULTS 39
function TestForgedIds:test_an_id_forges_no_key_of_json()
  local text = written("json", { id = ID })
  assert_is_harmless(text)
  assert_all_begin(text, '{"time":"' .. TIME .. '","id":"web\\"\\\\\\n2026%-'
                         .. '[^"]+","pid":%d+,"stream":"stdout","line":"')
end

-- FAULTS 39
function TestForgedIds:test_an_id_forges_no_line_of_a_logger()
  for _, format in ipairs{ "text", "logfmt", "json" } do
    local text = logged(format, { id = ID })
    assert_is_harmless(text, format == "text" and "\t")
    local begin = { text = "%d", logfmt = "time=", json = '{"time":"' }
    assert_all_begin(text, begin[format])
  end
end

-- FAULTS 39: so does what pexec says of a process itself
function TestForgedIds:test_messages_about_it_are_one_line_each()
  local file = spec.tmpdir() .. "/log"
  local logger = assert(pexec.new_logger{ file = file })
  local config = spec.child({ id = ID, restart_delay = 10 }, "exit", 3)
  local process = assert(pexec.new_managed_process(config, logger))
  assert(process:start())
  spec.eventually(function() return spec.read(file):find("with status 3") end)
  process:stop()
  local text = spec.read(file)
  assert_is_harmless(text)
  for _, line in ipairs(spec.lines(text)) do
    lu.assertStrMatches(line, TIME .. ' %u+ +web"\\\\x0a2026%-.*')
  end
end

TestMachines = {}

-- A lone surrogate stands for a byte that is no UTF-8.
local function decode_unit(hex)
  local unit = tonumber(hex, 16)
  if unit >= 0xdc80 and unit <= 0xdcff then
    return string.char(unit - 0xdc00)
  end
  return utf8.char(unit)
end

local LETTERS <const> = { n = "\n", t = "\t", r = "\r", ['"'] = '"',
                          ["\\"] = "\\" }

local function decode(text)
  return (text:gsub("\\(u?)(.)(%x?%x?%x?)", function(u, first, rest)
    if u == "u" then return decode_unit(first .. rest) end
    return LETTERS[first] .. rest
  end))
end

-- FAULTS 39
function TestMachines:test_json_gives_the_exact_bytes_back()
  local parts = {}
  for line in written("json"):gmatch("([^\n]*)\n") do
    local text = line:match('"line":"(.*)"}$')
    parts[#parts + 1] = decode(text
                               or line:match('"line":"(.*)","partial":true}$'))
    if text then parts[#parts + 1] = "\n" end
  end
  lu.assertTrue(table.concat(parts) == tricky_text)
end

-- FAULTS 39
function TestMachines:test_a_raw_file_has_the_exact_bytes()
  lu.assertTrue(written("raw") == tricky_text)
end

-- FAULTS 39
function TestMachines:test_so_has_one_that_the_child_got_itself()
  local file = spec.tmpdir() .. "/log"
  run({ stdout = { file = file, max_size = 0 } })
  lu.assertTrue(spec.read(file) == tricky_text)
end

-- FAULTS 39
function TestMachines:test_a_writer_has_the_exact_bytes()
  local parts = {}
  run({ log_writer = function(line, _, is_partial)
    parts[#parts + 1] = line
    if not is_partial then parts[#parts + 1] = "\n" end
  end })
  lu.assertTrue(table.concat(parts) == tricky_text)
end
