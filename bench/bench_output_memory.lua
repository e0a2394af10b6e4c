-- What an idle child with output pipes costs, each, beside one without: the
-- host's memory, the kernel's, descriptors. Up to 10,000 children, or as many
-- as the limit on descriptors allows.

local measure = require "measure"

local MOST <const> = 10000
local ROUNDS <const> = 3

local function limit()
  local pipe <close> = assert(io.popen "ulimit -n")
  return pipe:read "n"
end

-- The middle of each number of several runs, each with so many.
local function cost(count, pipes)
  local columns = { {}, {}, {} }
  for round = 1, ROUNDS do
    local numbers = measure.numbers("lua5.4", "bench/idle.lua", count, pipes)
    for i, number in ipairs(numbers) do columns[i][round] = number end
  end
  for i, column in ipairs(columns) do columns[i] = measure.median(column) end
  return columns
end

local function show(what, count, pipes)
  local each = cost(count, pipes)
  print(("%-20s %8d %12.0f %14.0f %12.1f"):format(what, count, each[1],
        each[2], each[3]))
  return each[3]
end

local function show_all(count)
  show("no pipe", count, 0)
  show("one, merged", count, 1)
  return show("two pipes", count, 2)  -- how many descriptors
end

print(("%-20s %8s %12s %14s %12s"):format("each idle child with", "children",
      "host bytes", "kernel bytes", "descriptors"))
local descriptors = show_all(1000)
show_all(math.min(MOST, (limit() - 200) // math.ceil(descriptors)))
