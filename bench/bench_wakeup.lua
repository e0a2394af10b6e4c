-- How soon a program with a loop of its own has what its child says: a write
-- to `cat` and back, while all was asleep. Beside it libuv's own processes.

local measure = require "measure"

local ROUNDS <const>, TIMES <const> = 5, 200

local function times(loop)
  return measure.numbers("lua5.4", "bench/wakeup.lua", loop, TIMES)
end

local bare, ours = {}, {}
local LOOPS <const> = { "no loop", "luv", "cqueues", "luaevent", "luasocket" }
for _ = 1, ROUNDS do
  measure.append(bare, times "bare")
  for _, loop in ipairs(LOOPS) do
    ours[loop] = measure.append(ours[loop] or {}, times(loop))
  end
end

-- A millisecond is what is asked for, whatever libuv takes.
local function row(what, part)
  local most = measure.quantile(bare, part) / 1e3
  for _, loop in ipairs(LOOPS) do
    measure.row(what .. ", " .. loop, most,
                measure.quantile(ours[loop], part) / 1e3, "us", 1000 / most)
  end
end

measure.head(("to `cat` and back, %d x %d"):format(ROUNDS, TIMES), "libuv")
row("median", 0.5)
row("99 %", 0.99)
