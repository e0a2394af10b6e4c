-- `start` from a host with 4 GiB of memory in use, against one without.

local measure = require "measure"

local empty, full = {}, {}
for _ = 1, 5 do
  measure.append(empty, measure.numbers("lua5.4", "bench/host.lua", 0, 200))
  measure.append(full, measure.numbers("lua5.4", "bench/host.lua", 4, 200))
end
measure.head("start, median of 5 x 200", "empty", "4 GiB")
measure.row("start", measure.median(empty) / 1e3, measure.median(full) / 1e3,
            "us", 1.2)
