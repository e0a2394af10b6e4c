-- The host's own memory for each managed child without output pipes: the
-- slope of its proportional set size between 100 and 1,000 children.

local pexec = require "pexec"

local stamp = os.getenv "PEXEC_STAMP"
local BAR <const> = 2048

local function pss()
  collectgarbage()
  collectgarbage()
  for line in io.lines "/proc/self/smaps_rollup" do
    local kb = line:match "^Pss:%s+(%d+) kB"
    if kb then return tonumber(kb) * 1024 end
  end
end

local manager = pexec.new_process_manager(pexec.null_logger)
assert(manager:start())

local function grow_to(count)
  for i = #manager:process_ids() + 1, count do
    assert(manager:add_process_from_config{ id = "p" .. i, name = stamp })
  end
  return pss()
end

local few, many = grow_to(100), grow_to(1000)
local each = (many - few) / 900
print(("memory for each child: %.0f bytes, %s %d"):format(each,
      each <= BAR and "within" or "OVER", BAR))
assert(manager:stop())
