--[[
What the specs of output share: hosts whose streams lead elsewhere, files with
all that was rotated out of them, and readers of pexec's formats that are none
of its own code.

    local logs = require "logs"

Runs on the spec's own thread.
]]

local lu = require "luaunit"
local spec = require "spec"

local logs = {}

-- Files -----------------------------------------------------------------------

local function split(path) return path:match("^(.*)/([^/]*)$") end

--- The files that were rotated out of this one, and it, the oldest first:
-- { path =, number =, is_compressed = }, of which the last one has number 0.
function logs.files(path)
  local directory, name = split(path)
  local files = {}
  for _, found in ipairs(assert(spec.probe.list(directory))) do
    if found:sub(1, #name) == name then
      local number, ending = found:sub(#name + 1):match("^%.?(%d*)(.*)$")
      files[#files + 1] = { path = directory .. "/" .. found,
                            number = tonumber(number) or 0,
                            is_compressed = ending == ".gz" }
    end
  end
  table.sort(files, function(a, b) return a.number > b.number end)
  return files
end

--- The text of one of those.
function logs.text(file)
  if not file.is_compressed then return spec.read(file.path) end
  local pipe <close> = assert(io.popen("zcat -- " .. file.path))
  return pipe:read("a")
end

--- All that was ever written, where nothing was removed.
function logs.all(path)
  local texts = {}
  for i, file in ipairs(logs.files(path)) do texts[i] = logs.text(file) end
  return table.concat(texts)
end

--- The text of a file, as soon as it has this in it.
function logs.await(path, text)
  return spec.eventually(function()
    local found = spec.read(path) or ""
    return found:find(text, 1, true) and found, found:sub(-200)
  end)
end

function logs.exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

--- As in "0640".
function logs.mode(path)
  local pipe <close> = assert(io.popen("stat -c %a -- " .. path))
  return ("%04d"):format(pipe:read("n"))
end

--- "line 1\n" to "line N\n".
function logs.lines_to(count)
  local lines = {}
  for i = 1, count do lines[i] = "line " .. i .. "\n" end
  return table.concat(lines)
end

--- These are the same, and if not, no megabytes are shown.
function logs.assert_same(found, expected)
  lu.assertNotNil(found, "there is no such text")
  if found == expected then return end
  local at = 1
  while found:byte(at) == expected:byte(at) do at = at + 1 end
  local from = math.max(1, at - 40)
  lu.fail(("%d bytes, not %d; from byte %d on it is %q, not %q"):format(
    #found, #expected, from, found:sub(from, at + 40),
    expected:sub(from, at + 40)))
end

-- Hosts -----------------------------------------------------------------------

local HEAD <const> = [[
local pexec, spec = require "pexec", require "spec"
local managers = require "managers"
]]

--- Runs a script in a host with these redirections, to its end.
function logs.run_host(redirections, text)
  local script = spec.tmpdir() .. "/script.lua"
  spec.write(script, HEAD .. text)
  return os.execute(("cd %s && timeout -s KILL %d %s %s %s"):format(
    spec.root, 60 * spec.slowness, spec.lua_path, script, redirections))
end

--- What is resident of this host.
function logs.resident_kib()
  collectgarbage()
  return tonumber(spec.read("/proc/self/status"):match("VmRSS:%s*(%d+)"))
end

-- Formats ---------------------------------------------------------------------

local JSON_LETTERS <const> = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/",
                               b = "\b", f = "\f", n = "\n", r = "\r",
                               t = "\t" }

-- A lone surrogate of U+DC80 to U+DCFF stands for a byte that is no UTF-8.
local function character(code)
  if code >= 0xdc80 and code <= 0xdcff then return string.char(code & 0xff) end
  assert(code < 0xd800 or code > 0xdfff, "a surrogate")
  return utf8.char(code)
end

local function from_json(text)
  return (text:gsub("\\(.)(%x?%x?%x?%x?)", function(letter, digits)
    if letter ~= "u" then return assert(JSON_LETTERS[letter]) .. digits end
    assert(#digits == 4, "a short escape")
    return character(tonumber(digits, 16))
  end))
end

local function check_plain(line)
  lu.assertNil(line:find("%c"), "a control character is in " .. line)
  lu.assertNotNil(utf8.len(line), "no UTF-8: " .. line)
end

-- From 'at' on: a JSON value of those that pexec writes, and where it ends.
local function json_value(line, at)
  local text, past = line:match('^"([^"\\]*)"()', at)
  if text then return text, past end
  if line:sub(at, at) == '"' then
    local stop = at + 1
    while line:sub(stop, stop) ~= '"' do
      assert(stop <= #line, "a string without an end")
      stop = stop + (line:sub(stop, stop) == "\\" and 2 or 1)
    end
    return from_json(line:sub(at + 1, stop - 1)), stop + 1
  end
  text, past = line:match("^(%w+)()", at)
  if text == "true" then return true, past end
  return assert(math.tointeger(tonumber(text)), "no value"), past
end

--- A line that is a JSON object without others in it, as a table.
function logs.json(line)
  local fields, at, value = {}, 1
  check_plain(line)
  repeat
    local key, past = line:match('^[{,]"(%l+)":()', at)
    assert(key and not fields[key], "no object: " .. line)
    value, at = json_value(line, past)
    fields[key] = value
  until line:sub(at, at) ~= ","
  assert(line:sub(at) == "}", "no object: " .. line)
  return fields
end

local LOGFMT_LETTERS <const> = { ['"'] = '"', ["\\"] = "\\", n = "\n",
                                 r = "\r", t = "\t" }

local function from_hex(text)
  return (text:gsub("\\x(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

local function from_logfmt(text)
  return (text:gsub("\\(.)(%x?%x?)", function(letter, digits)
    if letter == "x" then return from_hex("\\x" .. digits) end
    return assert(LOGFMT_LETTERS[letter]) .. digits
  end))
end

--- A line of logfmt, as a table.
function logs.logfmt(line)
  local fields, rest = {}, line
  check_plain(line)
  while rest ~= "" do
    local key, value = rest:match('^(%l+)=([^%s"]+)')
    local size = key and #key + 1 + #value
    if not key then
      key = assert(rest:match('^(%l+)="'), "no logfmt: " .. line)
      local stop = #key + 3
      while rest:sub(stop, stop) ~= '"' do
        assert(stop <= #rest, "a string without an end")
        stop = stop + (rest:sub(stop, stop) == "\\" and 2 or 1)
      end
      value, size = from_logfmt(rest:sub(#key + 3, stop - 1)), stop
    end
    fields[key] = value
    rest = rest:sub(size + 1)
    assert(rest == "" or rest:find("^ [^ ]"), "no logfmt: " .. line)
    rest = rest:sub(2)
  end
  return fields
end

--- A line of text, as a table; its escapes are left as they are.
function logs.plain(line)
  local time, id, stream, partial, text =
      line:match("^(%S+) (%S+) (%l+)(%+?): (.*)$")
  assert(time, "not as text is: " .. line)
  lu.assertNil(line:gsub("\t", ""):find("%c"), "a control character")
  lu.assertNotNil(utf8.len(line), "no UTF-8: " .. line)
  return { time = time, id = id, stream = stream, line = text,
           partial = partial == "+" and true or nil }
end

logs.readers = { json = logs.json, logfmt = logs.logfmt, text = logs.plain }

--- Seconds since 1970 of a time in RFC 3339, in UTC and with microseconds.
function logs.seconds(time)
  local year, month, day, hour, minute, second, micros = time:match(
    "^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)%.(%d%d%d%d%d%d)Z$")
  assert(year, "no time with microseconds: " .. time)
  local there = os.time{ year = year, month = month, day = day, hour = 12 }
  local noon = os.date("!*t", there)
  local offset = os.time(noon) - os.time(os.date("*t", there))
  return there - offset - 12 * 3600 + hour * 3600 + minute * 60 + second
         + micros / 1e6
end

return logs
