-- peer_luv.lua CHILDREN BUSY_MS STOP_TIMEOUT PROGRAM [ARG...]: keeps up so
-- many with luv, as a Lua program would without pexec: each exit callback
-- starts anew, SIGTERM is passed on, and SIGKILL follows after STOP_TIMEOUT.
-- With BUSY_MS over 0 Lua computes for so long between two turns of the loop.

local uv = require "luv"

local count, busy_s = tonumber(arg[1]), tonumber(arg[2]) / 1000
local stop_ms, program = tonumber(arg[3]) * 1000, arg[4]
local options = { args = { table.unpack(arg, 5) } }

local handles = {}
local left, is_stopping = count, false
local timer, sigterm = uv.new_timer(), uv.new_signal()

local function close_all()
  timer:close()
  sigterm:close()
end

local start

local function note_exit(i)
  handles[i]:close()
  handles[i] = nil
  if not is_stopping then return start(i) end
  left = left - 1
  if left == 0 then close_all() end
end

function start(i)
  handles[i] = assert(uv.spawn(program, options, function() note_exit(i) end))
end

local function kill_all(signal)
  for _, handle in pairs(handles) do handle:kill(signal) end
end

sigterm:start("sigterm", function()
  is_stopping = true
  kill_all "sigterm"
  timer:start(stop_ms, 0, function() kill_all "sigkill" end)
end)
for i = 1, count do start(i) end

while busy_s > 0 and not is_stopping do
  local ends = os.clock() + busy_s
  repeat until os.clock() >= ends
  uv.run "nowait"
end
uv.run()
