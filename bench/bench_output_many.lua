-- 100 children that write all at once, each to a log file of its own: whether
-- each gets its share, and whether all get as much as one does alone. Beside
-- it, for comparison, 100 bare loops, and what threads get that do nothing but
-- read and write: one for all, one for each core, one for each child. One
-- child's files and those of all have the same size together: memory that was
-- never used before is dear on a virtual machine, and would slow down whoever
-- keeps more. Each keeps one that was rotated: with more, a hundred would
-- rename a hundred times as much.

local core = require "pexec.core"
local flow = require "flow"
local measure = require "measure"

local stopwatch = os.getenv "PEXEC_FLOW"
local writer = os.getenv "PEXEC_WRITER"
local MANY <const> = 100
local SECONDS <const> = 2
local ROUNDS <const> = 5
local ALL_SIZE <const> = 600 * 1024 * 1024  -- of all files
local KEEP <const> = 1                      -- of each, rotated

-- What all write in: times of CLOCK_MONOTONIC, with time before to start them.
local function period()
  local begin = core.now() + 1
  return ("%d"):format(begin * 1e9 // 1),
         ("%d"):format((begin + SECONDS) * 1e9 // 1)
end

-- Runs a command whose writers tell what they wrote: all MB/s, and the least
-- of a child, where the mean is 1.
local function shares(path, count, ...)
  local told = path .. "/told"
  assert(os.execute(measure.command("env", "PEXEC_WRITER_COUNTS=" .. told,
                                    ...)))
  local all, least, children = 0, math.huge, 0
  for line in io.lines(told) do
    local bytes = tonumber(line)
    all, least, children = all + bytes, math.min(least, bytes), children + 1
  end
  assert(children == count, "only " .. children .. " have told")
  return all / SECONDS / 1e6, least / (all / count)
end

local function pexec(path, count)
  local begin_ns, end_ns = period()
  return shares(path, count, "lua5.4", "bench/crowd.lua", count, path,
                ALL_SIZE // count // (KEEP + 1), KEEP, "between", begin_ns,
                end_ns, flow.BLOCK)
end

local LOOPS <const> = [[
for i in $(seq "$1"); do
  "$2" between "$3" "$4" "$5" | "$6" sink "$7/log$i" "$8" &
done
wait]]

local function loops(path, count)
  local begin_ns, end_ns = period()
  return shares(path, count, "sh", "-c", LOOPS, "sh", count, writer, begin_ns,
                end_ns, flow.BLOCK, stopwatch, path,
                ALL_SIZE // count)
end

local pumps = os.getenv "PEXEC_PUMPS"

local function threads(number)
  return function(path, count)
    local begin_ns, end_ns = period()
    return shares(path, count, pumps, number, count, path,
                  ALL_SIZE // count, writer, "between",
                  begin_ns, end_ns, flow.BLOCK)
  end
end

local function run(side)
  local result = { one = {}, many = {}, least = {}, mean = {} }
  return result, function(round)
    result.one[round] = flow.within(side, 1)
    result.many[round], result.least[round] = flow.within(side, MANY)
    result.mean[round] = 1
  end
end

local ours, run_ours = run(pexec)
local bare, run_bare = run(loops)
-- The same for a hundred alone.
local function run_many(side)
  local result = { many = {}, least = {}, mean = {} }
  return result, function(round)
    result.many[round], result.least[round] = flow.within(side, MANY)
    result.mean[round] = 1
  end
end

local CORES <const> = measure.numbers("nproc")[1]
local sides, runs = {}, {}
for i, number in ipairs{ 1, CORES, MANY } do
  sides[i], runs[i] = run_many(threads(number))
end
flow.within(pexec, MANY)  -- uses the memory for the first time
for round = 1, ROUNDS do
  run_ours(round)
  run_bare(round)
  for _, run_threads in ipairs(runs) do run_threads(round) end
end
measure.head(MANY .. " children at once", "one", "all")
measure.rows(measure.row_least, "throughput", ours.one, ours.many, "MB/s", 1)
measure.rows(measure.row_free, "of bare loops", bare.one, bare.many, "MB/s")
local NAMES <const> = { "of one thread for all", "of one for each core",
                        "of one for each child" }
for i, side in ipairs(sides) do
  measure.rows(measure.row_free, NAMES[i], ours.one, side.many, "MB/s")
end
measure.head("the share of each", "mean", "least")
measure.rows(measure.row_least, "least share", ours.mean, ours.least, "", 0.5)
measure.rows(measure.row_free, "of bare loops", bare.mean, bare.least, "")
for i, side in ipairs(sides) do
  measure.rows(measure.row_free, NAMES[i], side.mean, side.least, "")
end
