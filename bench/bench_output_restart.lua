-- Restart latency while another child of the same supervisor writes to a
-- rotated log file as fast as it can, against the same in silence. On a
-- machine with two cores a flood costs whoever restarts: so much is seen
-- beside a bare loop that copies one.

local flow = require "flow"
local measure = require "measure"

local baseline = os.getenv "PEXEC_BASELINE"
local stamp = os.getenv "PEXEC_STAMP"
local stopwatch = os.getenv "PEXEC_FLOW"
local writer = os.getenv "PEXEC_WRITER"
local ROUNDS <const> = 5
local TIMES <const> = 400

local function ours(...)
  return measure.numbers(baseline, "measure", TIMES, 0, "lua5.4",
                         "bench/keep.lua", stamp, 0, ...)
end

local function ours_beside_flood(path)
  local numbers = ours(path .. "/log")
  assert(io.open(path .. "/log.1"), "that was no flood"):close()
  return numbers
end

local function bare()
  return measure.numbers(baseline, "restart", stamp, TIMES, 0)
end

-- The reader is ended first: the writer dies of the broken pipe.
local FLOOD <const> = [[
mkfifo "$1/pipe" || exit
"$2" sink "$1/log" "$3" <"$1/pipe" &
sink=$!
"$4" between 0 9223372036854775807 65500 >"$1/pipe" &
sleep 0.1
"$5" restart "$6" "$7" 0
status=$?
kill $sink
wait
exit $status]]

local function bare_beside_flood(path)
  return measure.numbers("sh", "-c", FLOOD, "sh", path, stopwatch,
                         flow.SIZE * (flow.KEEP + 1), writer, baseline, stamp,
                         TIMES)
end

local silent, flooded, bare_silent, bare_flooded = {}, {}, {}, {}
for _ = 1, ROUNDS do
  measure.append(silent, ours())
  measure.append(flooded, flow.within(ours_beside_flood))
  measure.append(bare_silent, bare())
  measure.append(bare_flooded, flow.within(bare_beside_flood))
end

local function compare(row, what, quiet, loud, bar)
  row(what, measure.median(quiet) / 1e3, measure.median(loud) / 1e3, "us", bar)
end

measure.head("restart, killed as soon as up; median", "silence", "flood")
compare(measure.row, "pexec", silent, flooded, 2)
compare(measure.row_free, "the bare loops", bare_silent, bare_flooded)
measure.head("both beside a flood", "bare", "pexec")
compare(measure.row_free, "restart", bare_flooded, flooded)
