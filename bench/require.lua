-- What it takes to load pexec, in nanoseconds of this thread's CPU time:
--   require.lua files | library PATH | compile DIRECTORY
-- "compile" reads and compiles the same Lua files, and does nothing else.

local how, path = ...

local function texts()
  local paths = {}
  for file in io.popen("ls '" .. path .. "'/*.lua"):lines() do
    paths[#paths + 1] = file
  end
  return paths
end

local ways = {
  files = function() return function() require "pexec" end end,
  library = function()
    return function()
      assert(package.loadlib(path, "luaopen_pexec"))("pexec")
    end
  end,
  compile = function()
    local files = texts()
    return function()
      for _, file in ipairs(files) do assert(loadfile(file)) end
    end
  end,
}

local run = ways[how]()
local before = os.clock()
run()
print(math.floor((os.clock() - before) * 1e9))
