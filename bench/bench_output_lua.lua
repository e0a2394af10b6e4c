-- Lines of 100 bytes that a Lua function gets as `log_writer`, a second.
-- Beside it a bare loop in Lua over a pipe's lines, which has no thread, no
-- supervision and no bound to keep.

local flow = require "flow"
local measure = require "measure"

local stopwatch = os.getenv "PEXEC_FLOW"
local writer = os.getenv "PEXEC_WRITER"
local LINES <const> = 2000000
local BAR <const> = 500000
local ROUNDS <const> = 5

local COUNT <const> = [[
local f, n = function() end, 0
for line in io.lines() do f(line) n = n + 1 end
assert(n == %d, n)]]

local function per_second(...)
  return LINES / measure.numbers(stopwatch, "time", ...)[1] * 1e9
end

local function bare(block)
  return per_second("sh", "-c", '"$1" bytes "$2" "$3" | lua5.4 -e "$4"', "sh",
                    writer, LINES * 100, block, COUNT:format(LINES))
end

local function pexec(block)
  return per_second("lua5.4", "bench/count.lua", LINES, writer, "bytes",
                    LINES * 100, block)
end

local function compare(what, block)
  local theirs, ours, bar = {}, {}, {}
  for round = 1, ROUNDS do
    theirs[round], ours[round], bar[round] = bare(block), pexec(block), BAR
  end
  measure.head(what, "bar")
  measure.rows(measure.row_least, "lines a second", bar, ours, "/s", 1)
  measure.head("", "io.lines")
  measure.rows(measure.row_free, "lines a second", theirs, ours, "/s")
end

compare("log_writer, calls of 64 KiB", flow.BLOCK)
compare("log_writer, a call for each line", 100)
