-- tree.lua PID [SECONDS]: what a process and all that comes of it have, the
-- children of the benches apart: how many processes, bytes of memory
-- (proportional set size), and over so many seconds wake-ups (voluntary
-- context switches) and CPU time in ns. One number a line; the last two only
-- with SECONDS. For the peers.

local root, seconds = tonumber(arg[1]), arg[2]

local function read(path)
  local file <close> = io.open(path)
  return file and file:read "a" or ""
end

local function entries(path)
  local pipe <close> = assert(io.popen("ls " .. path .. " 2>/dev/null"))
  local list = {}
  for name in pipe:lines() do list[#list + 1] = tonumber(name) end
  return list
end

-- Parent -> its children, of all processes of the machine.
local function families()
  local children = {}
  for _, pid in ipairs(entries "/proc") do
    local name, parent = read("/proc/" .. pid .. "/stat")
                         :match "^%d+ %((.*)%) %a (%d+)"
    if name and name ~= "stamp" then
      parent = tonumber(parent)
      children[parent] = children[parent] or {}
      table.insert(children[parent], pid)
    end
  end
  return children
end

local function descend(list, children, pid)
  list[#list + 1] = pid
  for _, child in ipairs(children[pid] or {}) do
    descend(list, children, child)
  end
  return list
end

local function sum(list, f)
  local total = 0
  for _, item in ipairs(list) do total = total + (f(item) or 0) end
  return total
end

local function memory(pid)
  local kb = read("/proc/" .. pid .. "/smaps_rollup"):match "\nPss:%s+(%d+)"
  return kb and tonumber(kb) * 1024
end

local function tasks(list)
  local paths = {}
  for _, pid in ipairs(list) do
    local directory = "/proc/" .. pid .. "/task/"
    for _, tid in ipairs(entries(directory)) do
      paths[#paths + 1] = directory .. tid
    end
  end
  return paths
end

local function wakes(path)
  return tonumber(read(path .. "/status")
                  :match "\nvoluntary_ctxt_switches:%s+(%d+)")
end

local function cpu(path)
  return tonumber(read(path .. "/schedstat"):match "^%d+")
end

local list = descend({}, families(), root)
print(#list)
print(sum(list, memory))
if seconds then
  local paths = tasks(list)
  local old_wakes, old_cpu = sum(paths, wakes), sum(paths, cpu)
  os.execute("sleep " .. seconds)
  print(sum(paths, wakes) - old_wakes)
  print(sum(paths, cpu) - old_cpu)
end
