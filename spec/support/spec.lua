--[[
What specs share: the child that plays every process, waiting for conditions,
temporary files, looking at processes, scripts in a host of their own.

    local spec = require "spec"

Nothing here waits for a guessed time: `eventually` asks again and again,
with a deadline that is generous on purpose. Runs on the spec's own thread.
]]

local probe = require "probe"

local spec = {}

spec.probe = probe
spec.root = assert(os.getenv("PEXEC_ROOT"), "PEXEC_ROOT is not set")
spec.child_path = os.getenv("PEXEC_CHILD")
spec.lua_path = os.getenv("PEXEC_LUA") or "lua5.4"

-- "plain", "asan", "tsan" or "valgrind".
spec.mode = os.getenv("PEXEC_SPEC_MODE") or "plain"

-- How many times longer a deadline is under a sanitizer or valgrind.
spec.slowness = tonumber(os.getenv("PEXEC_SPEC_SLOWNESS") or 1)

local numbers = { HUP = 1, INT = 2, QUIT = 3, KILL = 9, USR1 = 10, USR2 = 12,
                  TERM = 15, CHLD = 17, CONT = 18, STOP = 19 }

local function shell_quoted(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

--- A configuration of a process that runs the helper program with these
-- verbs: spec.child("print", "hello", "exit", 3). A table in front gives or
-- replaces fields: spec.child({ id = "a", log = true }, "forever").
function spec.child(...)
  local fields, verbs = {}, table.pack(...)
  if type(verbs[1]) == "table" then
    fields = table.remove(verbs, 1)
    verbs.n = verbs.n - 1
  end
  local config = { id = "child", name = spec.child_path, stop_timeout = 1,
                   args = {} }
  for i = 1, verbs.n do config.args[i] = tostring(verbs[i]) end
  for name, value in pairs(fields) do config[name] = value end
  return config
end

--- Lets the host wait a moment, and pexec dispatch meanwhile.
function spec.pause()
  local pexec = package.loaded.pexec
  if type(pexec) == "table" and pexec.sleep then
    pexec.sleep(0.01)
  else
    probe.sleep(0.005)
  end
end

--- Asks f until it answers with a true value, and returns what it answered.
-- Raises after `seconds` (20), with f's last answer. An error in f passes.
function spec.eventually(f, seconds)
  local limit = probe.now() + (seconds or 20) * spec.slowness
  while true do
    local answer = table.pack(f())
    if answer[1] then return table.unpack(answer, 1, answer.n) end
    if probe.now() > limit then
      local last = {}
      for i = 1, answer.n do last[i] = tostring(answer[i]) end
      error("it did not come to pass; last: " .. table.concat(last, ", "), 2)
    end
    spec.pause()
  end
end

--- Runs f while the host is nobody, but for what it could become again.
function spec.as_nobody(f)
  assert(probe.seteuid(65534))
  local ok, message = xpcall(f, debug.traceback)
  assert(probe.seteuid(0))
  if not ok then error(message, 0) end
end

-- Files ----------------------------------------------------------------------

local directories = {}

--- A fresh directory; the harness removes it after the test.
function spec.tmpdir()
  local base = os.getenv("TMPDIR") or "/tmp"
  local path = assert(probe.mkdtemp(base .. "/pexec-spec-"))
  directories[#directories + 1] = path
  return path
end

--- Removes what tmpdir made (the harness calls it).
function spec.remove_directories()
  for _, path in ipairs(directories) do
    os.execute("rm -rf -- " .. shell_quoted(path))
  end
  directories = {}
end

--- The whole text of a file, or nil where it cannot be read.
function spec.read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

function spec.write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

--- The lines of a text (nil counts as empty), as an array.
function spec.lines(text)
  local lines = {}
  for line in (text or ""):gmatch("[^\n]+") do lines[#lines + 1] = line end
  return lines
end

-- Processes ------------------------------------------------------------------

--- What /proc says of a process: a table with name, state (a letter), ppid,
-- pgid, sid, threads; or nil where there is none.
function spec.stat(pid)
  local text = spec.read("/proc/" .. pid .. "/stat")
  if not text then return nil end
  local name, rest = text:match("^%d+ %((.*)%) (.*)$")
  if not rest then return nil end
  local fields = {}
  for field in rest:gmatch("%S+") do fields[#fields + 1] = field end
  return { pid = pid, name = name, state = fields[1],
           ppid = tonumber(fields[2]), pgid = tonumber(fields[3]),
           sid = tonumber(fields[4]), threads = tonumber(fields[18]) }
end

--- Is it there and no zombie?
function spec.alive(pid)
  local stat = spec.stat(pid)
  return stat ~= nil and stat.state ~= "Z" and stat.state ~= "X"
end

--- All pids of the system.
function spec.pids()
  local pids = {}
  for _, name in ipairs(assert(probe.list("/proc"))) do
    pids[#pids + 1] = math.tointeger(tonumber(name))
  end
  return pids
end

--- Sends a signal, by name or number; true, or nil and a message. A pid
-- below 2 is refused: it would mean many processes.
function spec.kill(pid, signal)
  if math.type(pid) ~= "integer" or pid < 2 then
    error("not a single process: " .. tostring(pid), 2)
  end
  local name = tostring(signal or "KILL"):upper():gsub("^SIG", "")
  return probe.kill(pid, math.tointeger(tonumber(name)) or numbers[name]
                         or error("unknown signal " .. name, 2))
end

--- Runs a Lua text as the script of a host of its own, which ends with it or
-- after `seconds` (60) by SIGKILL, in `place` (the project's root). Returns
-- what it wrote (both streams), and its exit status: 124 or 137 where the time
-- was up, 128 + N for a signal.
function spec.run_script(text, environment, seconds, place)
  local directory = spec.tmpdir()
  spec.write(directory .. "/script.lua", text)
  local words = { "cd", shell_quoted(place or spec.root), "&& exec env" }
  for name, value in pairs(environment or {}) do
    words[#words + 1] = shell_quoted(name .. "=" .. value)
  end
  words[#words + 1] = ("timeout -s KILL %d %s %s/script.lua"):format(
    math.ceil((seconds or 60) * spec.slowness), shell_quoted(spec.lua_path),
    directory)
  words[#words + 1] = ("</dev/null >%s/output 2>&1"):format(directory)
  local _, how, code = os.execute(table.concat(words, " "))
  local status = how == "signal" and 128 + code or code
  return spec.read(directory .. "/output"), status
end

-- Loggers --------------------------------------------------------------------

local Collector = {}
Collector.__index = Collector

for _, level in ipairs { "debug", "info", "warn", "error" } do
  Collector[level] = function(self, message)
    self.lines[#self.lines + 1] = level .. ": " .. tostring(message)
  end
end

--- Has it a line with this text in it? Returns the line.
function Collector:find(text)
  for _, line in ipairs(self.lines) do
    if line:find(text, 1, true) then return line end
  end
end

--- A Logger that keeps what it is told: lines = { "info: message", ... }.
function spec.collecting_logger()
  return setmetatable({ lines = {} }, Collector)
end

return spec
