-- Starting and stopping 1,000 managed children, per child, against a bare
-- loop of vfork and exec, and of kill and wait.

local measure = require "measure"
local pexec = require "pexec"
local core = require "pexec.core"

local baseline = os.getenv "PEXEC_BASELINE"
local stamp = os.getenv "PEXEC_STAMP"
local COUNT <const> = 1000

local function ours()
  local manager = pexec.new_process_manager(pexec.null_logger)
  for i = 1, COUNT do
    assert(manager:add_process_from_config{ id = "p" .. i, name = stamp })
  end
  local began = core.now()
  assert(manager:start())
  local started = core.now()
  assert(manager:stop())
  local stopped = core.now()
  return (started - began) / COUNT * 1e6, (stopped - started) / COUNT * 1e6
end

local starts, stops, bare_starts, bare_stops = {}, {}, {}, {}
for i = 1, 5 do
  starts[i], stops[i] = ours()
  local numbers = measure.numbers(baseline, "startstop", COUNT, stamp)
  bare_starts[i], bare_stops[i] = numbers[1] / 1e3, numbers[2] / 1e3
end
measure.head(COUNT .. " children, median of 5")
measure.row("start, each", measure.median(bare_starts),
            measure.median(starts), "us", 1.5)
measure.row("stop, each", measure.median(bare_stops),
            measure.median(stops), "us", 1.5)
