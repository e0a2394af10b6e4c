-- Restart latency: from the SIGKILL of a child to the first instruction of
-- the next one, against a bare loop of waitpid, vfork and exec.

local measure = require "measure"

local baseline = os.getenv "PEXEC_BASELINE"
local stamp = os.getenv "PEXEC_STAMP"

local function ours(count, up, others)
  return measure.numbers(baseline, "measure", count, up, "lua5.4",
                         "bench/keep.lua", stamp, others or 0)
end

local function bare(count, up)
  return measure.numbers(baseline, "restart", stamp, count, up)
end

-- Interleaved, so that both see the same machine.
local function compare(what, rounds, count, up, bar)
  local a, b = {}, {}
  for _ = 1, rounds do
    measure.append(a, bare(count, up))
    measure.append(b, ours(count, up))
  end
  measure.row(what, measure.median(a) / 1e3, measure.median(b) / 1e3, "us",
              bar)
end

measure.head "restart, median"
compare("child up for 1.1 s", 5, 8, 1.1, 1.3)
compare("killed as soon as it is up", 5, 200, 0, 2)

local alone, among = {}, {}
for _ = 1, 3 do
  measure.append(alone, ours(100, 0))
  measure.append(among, ours(100, 0, 1000))
end
measure.row("the same: alone, among 1,000 children",
            measure.median(alone) / 1e3, measure.median(among) / 1e3, "us",
            1.5)
