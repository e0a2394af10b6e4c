-- host.lua GIB N: the median time of N starts, in ns, from a host with so
-- many GiB of memory in use. For bench_host.lua.

local measure = require "measure"
local pexec = require "pexec"
local core = require "pexec.core"

local stamp = os.getenv "PEXEC_STAMP"
local gib, count = tonumber(arg[1]), tonumber(arg[2])

local ballast = {}
for i = 1, gib * 4 do ballast[i] = ("x"):rep((1 << 28) + i) end  -- touched

local times = {}
for i = 1, count do
  local process = pexec.new_managed_process({ id = "p", name = stamp },
                                            pexec.null_logger)
  local began = core.now()
  assert(process:start())
  times[i] = (core.now() - began) * 1e9
  assert(process:stop())
end
assert(#ballast == gib * 4)
print(("%d"):format(math.tointeger(measure.median(times) // 1)))
