-- idle.lua N PIPES: what N idle children cost, from 100 to N, each: bytes of
-- the host (proportional set size), bytes of the kernel (of the machine, with
-- the children themselves), descriptors of the host. With one pipe or two for
-- each, or none.

local pexec = require "pexec"

local stamp = os.getenv "PEXEC_STAMP"
local count, pipes = tonumber(arg[1]), tonumber(arg[2])
local FEW <const> = 100
local KERNEL <const> = { "Slab", "KernelStack", "PageTables", "Percpu" }

local function ignore() end

local function kb(text, name)
  return tonumber(text:match(name .. ":%s+(%d+) kB"))
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function descriptors()
  local pipe <close> = assert(io.popen "ls /proc/$PPID/fd | wc -l")
  return pipe:read "n"
end

local function kernel()
  local text, sum = read "/proc/meminfo", 0
  for _, name in ipairs(KERNEL) do sum = sum + kb(text, name) end
  return sum * 1024
end

local function state()
  collectgarbage()
  collectgarbage()
  pexec.sleep(0.5)
  return { kb(read "/proc/self/smaps_rollup", "\nPss") * 1024, kernel(),
           descriptors() }
end

local manager = pexec.new_process_manager(pexec.null_logger)
assert(manager:start())

local function grow_to(target)
  for i = #manager:process_ids() + 1, target do
    assert(manager:add_process_from_config{
      id = "p" .. i, name = stamp, log_writer = pipes > 0 and ignore or nil,
      stderr = pipes == 1 and "stdout" or nil,
    })
  end
  return state()
end

local few, many = grow_to(FEW), grow_to(count)
for i = 1, #few do print((many[i] - few[i]) / (count - FEW)) end
assert(manager:stop())
