-- host.lua GIB N [luv]: how long N starts take, in ns, from a host with so
-- many GiB of memory in use: by pexec, or by luv. N lines.

local stamp = os.getenv "PEXEC_STAMP"
local gib, count = tonumber(arg[1]), tonumber(arg[2])

local function by_pexec()
  local pexec = require "pexec"
  local core = require "pexec.core"
  local process = pexec.new_managed_process({ id = "p", name = stamp },
                                            pexec.null_logger)
  local began = core.now()
  assert(process:start())
  local time = core.now() - began
  assert(process:stop())
  return time * 1e9
end

local function by_luv()
  local uv = require "luv"
  local began = uv.hrtime()
  local handle
  handle = assert(uv.spawn(stamp, {}, function() handle:close() end))
  local time = uv.hrtime() - began
  handle:kill "sigterm"
  uv.run()
  return time
end

local start = arg[3] == "luv" and by_luv or by_pexec
local ballast = {}
for i = 1, gib * 4 do ballast[i] = ("x"):rep((1 << 28) + i) end  -- touched

for _ = 1, count do print(("%.0f"):format(start())) end
assert(#ballast == gib * 4)
