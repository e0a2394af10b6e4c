-- The rows of bench_peers.lua: each measures several sides, interleaved, and
-- reports them. 'sizes' there says how much of everything.

local flow = require "flow"
local measure = require "measure"
local peers = require "peers"
local report = require "report"

local rows = {}

local baseline = os.getenv "PEXEC_BASELINE"
local stamp = os.getenv "PEXEC_STAMP"
local ALL <const> = { "bare", "pexec", "luv", "supervisord", "runit", "s6",
                      "daemontools" }
local LIGHT <const> = { "bare", "pexec", "luv" }  -- one process keeps all
local STUBBORN <const> = { "pexec", "luv", "supervisord", "runit_forced", "s6" }
local LOGS <const> = { "cat", "raw", "luv", "supervisord", "svlogd", "s6_log",
                       "multilog" }
local TITLES <const> = { bare = "bare vfork loop", raw = "pexec",
                         runit_forced = "runit, by sv force-stop",
                         s6_log = "s6-log" }

local function title(name)
  return TITLES[name] or name
end

-- f(name) of each side in each round, each going first at times: a list of
-- sides for report.row. Where it is nil, there is one round less of this one.
local function interleave(names, rounds, f)
  local sides = {}
  for i, name in ipairs(names) do sides[i] = { name = title(name) } end
  for round = 1, rounds do
    for i = 1, #names do
      local at = (i + round) % #names + 1
      sides[at][#sides[at] + 1] = f(names[at])
    end
  end
  return sides
end

local function scaled(numbers, divisor)
  local results = {}
  for i, number in ipairs(numbers) do results[i] = number / divisor end
  return results
end

-- {== restarts ==============================================================

-- s; supervisord looks each second whether one is up for startsecs.
local UP <const> = 2.5

-- They take about a second for each.
local SLOW <const> = { supervisord = true, s6 = true }

function rows.restart(sizes)
  report.row{
    what = ("restart, one of %d, up for %.1f s"):format(sizes.crowd, UP),
    unit = "us", limit = title "bare", has_tail = true, log = true,
    sides = interleave(ALL, sizes.rounds, function(name)
      local times = SLOW[name] and sizes.restarts // 4 or sizes.restarts
      return scaled(peers.restarts(name, times, UP, sizes.crowd), 1e3)
    end),
  }
end

function rows.busy(sizes)
  local options = { busy_ms = 100 }
  report.row{
    what = "restart, Lua computes for 100 ms at a time",
    unit = "us", limit = title "bare", has_tail = true, log = true,
    sides = interleave(LIGHT, sizes.rounds, function(name)
      return scaled(peers.restarts(name, sizes.restarts, UP, sizes.crowd,
                                   options), 1e3)
    end),
  }
end

-- {== fleets ================================================================

local fleets = {}  -- count -> name -> a list, of each round what came

local HOLD <const> = "lua5.4 bench/tree.lua $KEEPER"

-- start ns, processes, bytes, stop ns. What takes too long has one round.
local function measure_fleet(count, name, patience_s)
  fleets[count] = fleets[count] or {}
  fleets[count][name] = fleets[count][name] or {}
  local results = fleets[count][name]
  local first = results[1]
  if first and first[1] + first[4] > patience_s * 1e9 then return end
  table.insert(results, peers.fleet(name, count, HOLD))
end

local function fleet_sides(count, names, f)
  local sides = {}
  for i, name in ipairs(names) do
    sides[i] = { name = title(name) }
    for round, numbers in ipairs(fleets[count][name]) do
      sides[i][round] = { f(numbers) }
    end
  end
  return sides
end

local function report_fleet(count, names)
  report.row{
    what = ("start of %d, all up"):format(count), unit = "ms",
    limit = title "bare", log = true,
    sides = fleet_sides(count, names, function(numbers)
      return numbers[1] / 1e6
    end),
  }
  report.row{
    what = ("stop of %d, all gone"):format(count), unit = "ms",
    limit = title "bare", log = true,
    sides = fleet_sides(count, names, function(numbers)
      return numbers[4] / 1e6
    end),
  }
end

-- From few to many: bytes for each child, of what is there to keep it up.
local function report_memory(few, many)
  local sides = {}
  for i, name in ipairs(ALL) do
    sides[i] = { name = title(name) }
    for round, numbers in ipairs(fleets[many][name]) do
      local less = fleets[few][name][round]
      sides[i][round] = { (numbers[3] - less[3]) / (many - few) / 1024 }
    end
  end
  report.row{ what = ("memory for each child, from %d to %d"):format(few, many),
              unit = "KiB", sides = sides, log = true }
  report.row{
    what = ("processes that keep up %d"):format(many), unit = "",
    sides = fleet_sides(many, ALL, function(numbers) return numbers[2] end),
  }
end

local GROWTH <const> = {  -- what, unit, which number, in how many of the unit
  { "start, each", "us", 1, 1e3 },
  { "stop, each", "us", 4, 1e3 },
  { "memory of all, each", "KiB", 3, 1024 },
}

local function growth_points(name, counts, index, divisor)
  local points = {}
  for i, count in ipairs(counts) do
    local values = {}
    for round, numbers in ipairs(fleets[count][name]) do
      values[round] = numbers[index] / divisor / count
    end
    points[i] = { count, measure.median(values) }
  end
  return points
end

local function print_points(name, points)
  local cells = {}
  for i, point in ipairs(points) do cells[i] = (" %9.1f"):format(point[2]) end
  print(("  %-44s%s"):format(name, table.concat(cells)))
end

-- A straight line where all cost the same, however many there are.
local function report_growth(counts)
  for _, part in ipairs(GROWTH) do
    local what, unit, index, divisor = table.unpack(part)
    local series = {}
    print(("\n%-46s%s"):format(("%s, %s: of so many"):format(what, unit),
          (" %9d"):rep(#counts):format(table.unpack(counts))))
    for i, name in ipairs(LIGHT) do
      local points = growth_points(name, counts, index, divisor)
      series[i] = { name = title(name), points = points }
      print_points(title(name), points)
    end
    report.lines{ title = what .. ", as they grow in number", x = "children",
                  y = unit, log = true, series = series }
  end
end

-- Of each size; the last ones only by those that keep all in one process.
function rows.fleets(sizes)
  for _, count in ipairs(sizes.fleets) do
    local names = count > sizes.most and LIGHT or ALL
    interleave(names, sizes.rounds, function(name)
      return measure_fleet(count, name, sizes.patience_s)
    end)
    if count >= sizes.least then report_fleet(count, names) end
  end
  report_memory(sizes.fleets[sizes.few], sizes.fleets[sizes.many])
  report_growth(sizes.fleets)
end

-- {== a stop of what does not want to =======================================

function rows.stubborn(sizes)
  local options = { stop_timeout = 1, argument = "stubborn" }
  report.row{
    what = "stop of 20 that ignore SIGTERM, 1 s each", unit = "ms",
    limit = 1000,
    sides = interleave(STUBBORN, sizes.rounds, function(name)
      return { peers.fleet(name, 20, "", options)[2] / 1e6 }
    end),
  }
end

-- {== idle ==================================================================

-- All sides at once: they do not disturb each other, having nothing to do.
local function idle_round(sizes)
  local collect, results = {}, {}
  local hold = ("sleep %d; %s %d"):format(sizes.settle_s, HOLD, sizes.idle_s)
  for _, name in ipairs(ALL) do
    collect[name] = peers.begin_fleet(name, sizes.idle, hold)
  end
  for _, name in ipairs(ALL) do results[name] = collect[name]() end
  return results
end

function rows.idle(sizes)
  local results = {}
  for round = 1, sizes.rounds do results[round] = idle_round(sizes) end
  local function sides(index, divisor)
    local list = {}
    for i, name in ipairs(ALL) do
      list[i] = { name = title(name) }
      for round = 1, sizes.rounds do
        list[i][round] = { results[round][name][index] / divisor }
      end
    end
    return list
  end
  local what = ("%s in %d s, %d idle children")
  report.row{ what = what:format("wake-ups", sizes.idle_s, sizes.idle),
              unit = "", sides = sides(4, 1) }
  report.row{ what = what:format("CPU time", sizes.idle_s, sizes.idle),
              unit = "ms", sides = sides(5, 1e6) }
end

-- {== logs ==================================================================

function rows.log(sizes)
  local results = flow.rounds(LOGS, sizes.rounds, sizes.log_bytes, flow.BLOCK)
  local function sides(key)
    local list = {}
    for i, name in ipairs(LOGS) do
      list[i] = { name = title(name) }
      for round, number in ipairs(results[name][key]) do
        list[i][round] = { number }
      end
    end
    return list
  end
  local size = ("%.0f MiB to a rotated file"):format(sizes.log_bytes / 2^20)
  report.row{ what = size, unit = "MB/s", limit = "cat",
              sides = sides "speed" }
  report.row{ what = "CPU time of that, of all", unit = "s", limit = "cat",
              sides = sides "cpu" }
end

-- {== starts from hosts of all sizes ========================================

local function available_gib()
  for line in io.lines "/proc/meminfo" do
    local kb = line:match "^MemAvailable:%s+(%d+)"
    if kb then return tonumber(kb) >> 20 end
  end
end

local function host_start(name, gib, times)
  if name == "bare" then
    return { measure.numbers(baseline, "startstop", times, stamp)[1] / 1e3 }
  end
  return scaled(measure.numbers("lua5.4", "bench/host.lua", gib, times,
                                name), 1e3)
end

function rows.host(sizes)
  for _, gib in ipairs(sizes.gib) do
    if available_gib() < gib + 2 then
      print(("start from a host with %d GiB: left out, too little memory")
            :format(gib))
    else
      report.row{
        what = ("a start, the host with %d GiB in use"):format(gib),
        unit = "us", limit = title "bare", log = true,
        sides = interleave(LIGHT, sizes.rounds, function(name)
          return host_start(name, gib, sizes.starts)
        end),
      }
    end
  end
end

return rows
