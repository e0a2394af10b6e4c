-- peer_luv_log.lua FILE SIZE KEEP PROGRAM [ARG...]: runs PROGRAM once with
-- luv, its stdout going to a file that is rotated at this size, and so many
-- times kept, as a Lua program would do it by itself.

local uv = require "luv"

local path, size, keep = arg[1], tonumber(arg[2]), tonumber(arg[3])
local file, length = assert(io.open(path, "w")), 0

local function rotate()
  file:close()
  os.remove(path .. "." .. keep)
  for i = keep - 1, 1, -1 do
    os.rename(path .. "." .. i, path .. "." .. i + 1)
  end
  os.rename(path, path .. ".1")
  file, length = assert(io.open(path, "w")), 0
end

-- At a line's end; what follows begins the next file.
local function write(data)
  if length + #data >= size then
    local last = data:find("\n[^\n]*$") or 0
    assert(file:write(data:sub(1, last)))
    data = data:sub(last + 1)
    rotate()
  end
  assert(file:write(data))
  length = length + #data
end

local pipe = uv.new_pipe(false)
local handle
handle = assert(uv.spawn(arg[4], {
  args = { table.unpack(arg, 5) }, stdio = { nil, pipe, 2 },
}, function(code)
  assert(code == 0)
  handle:close()
end))
pipe:read_start(function(message, data)
  assert(not message, message)
  if data then write(data) else pipe:close() end
end)
uv.run()
file:close()
