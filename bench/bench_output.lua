-- A child's output to rotated log files, against `child | cat >file` and,
-- with a call for each line, against a child that writes its file itself.

local measure = require "measure"
local flow = require "flow"

local GIB <const> = 1073741800  -- in lines of 100 bytes
local ROUNDS <const> = 5

local function compare(what, bare, ours, bar)
  measure.rows(bar and measure.row_least or measure.row_free, what,
               bare.speed, ours.speed, "MB/s", bar)
end

local function compare_cpu(what, bare, ours, bar)
  measure.rows(bar and measure.row or measure.row_free, what, bare.cpu,
               ours.cpu, "s", bar)
end

measure.head("1 GiB, calls of 64 KiB", "cat")
local blocks = flow.rounds({ "cat", "loop", "raw", "text", "json" }, ROUNDS,
                           GIB, flow.BLOCK)
compare("throughput, raw", blocks.cat, blocks.raw, 0.9)
compare("throughput, text", blocks.cat, blocks.text, 0.4)
compare("throughput, json", blocks.cat, blocks.json, 0.4)
compare_cpu("CPU time of all, raw", blocks.cat, blocks.raw, 1.3)
-- cat leaves 1 GiB behind, others have paid for deleting most of it.
measure.head("the same", "loop")
compare("throughput, raw", blocks.loop, blocks.raw)
compare_cpu("CPU time of all, raw", blocks.loop, blocks.raw)

measure.head("100 MiB, a call for each line", "file")
local lines = flow.rounds({ "direct", "cat", "raw" }, ROUNDS, GIB // 1000 * 100,
                          100)
compare("throughput, raw", lines.direct, lines.raw, 0.9)
compare("the same of cat", lines.direct, lines.cat)
