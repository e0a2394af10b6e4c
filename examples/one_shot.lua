-- Programs that run once: output, failure, a time limit, several at once.
local pexec = require "pexec"

-- Runs a shell command for at most `timeout`. Returns its lines, or nil and
-- why not, for people and for programs.
local function run(command, timeout)
  local lines = {}
  local process = assert(pexec.new_managed_process({
    id = command, name = "sh", args = { "-c", command }, one_shot = true,
    log_writer = function(line) lines[#lines + 1] = line end,
  }, pexec.null_logger))
  local context = pexec.new_context{ timeout = timeout }
  local ok, message, code = process:start(context)
  if not ok then return nil, message, code end
  return lines
end

local function show(command, timeout)
  local lines, message, code = run(command, timeout)
  print(command .. " -> "
        .. (lines and table.concat(lines, ", ") or code .. ": " .. message))
end

show("echo one; echo two >&2", "5s")
show("exit 3", "5s")
show("kill -TERM $$", "5s")
show("sleep 60", "300ms")

-- In tasks they wait side by side.
local tasks = {}
for number = 1, 3 do
  tasks[number] = pexec.task(show, "sleep 0.3; echo task " .. number, "5s")
end
for _, task in ipairs(tasks) do task:wait() end
