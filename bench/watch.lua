-- What a host has of the kernel's at the moment: for the soak.

local watch = {}

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

-- One pass over /proc; the shell and its pipe are no part of the answer.
local COUNT <const> = [[
host=$PPID
ls -l /proc/$host/fd 2>/dev/null | awk '
  / -> (pipe:|pidfd:|anon_inode:\[pidfd)/ { child++; next }
  / -> / { other++ }
  END { print child - 1; print other + 0 }'
cat /proc/[0-9]*/stat 2>/dev/null | awk -v host=$host -v shell=$$ '
  { pid = $1; sub(/.*\) /, "") }
  $2 == host && pid != shell { children++; if ($1 == "Z") zombies++ }
  END { print children + 0; print zombies + 0 }']]

-- { rss = KiB, threads =, descriptors =, others =, children =, zombies = },
-- descriptors being pipes and pidfds: most lead to children.
function watch.host()
  local pipe <close> = assert(io.popen(COUNT))
  local descriptors, others, children, zombies = pipe:read("n", "n", "n", "n")
  local status = read "/proc/self/status"
  return {
    rss = tonumber(status:match "\nVmRSS:%s+(%d+)"),
    threads = tonumber(status:match "\nThreads:%s+(%d+)"),
    descriptors = descriptors, others = others, children = children,
    zombies = zombies,
  }
end

-- KiB that Lua has in use.
function watch.lua_memory()
  collectgarbage()
  collectgarbage()
  return collectgarbage "count"
end

-- How many entries Lua's registry has.
function watch.registry()
  local count = 0
  for _ in pairs(debug.getregistry()) do count = count + 1 end
  return count
end

return watch
