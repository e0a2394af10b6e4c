-- Tables of several sides beside a limit, and the same as panels for svg.lua.

local measure = require "measure"
local svg = require "svg"

local report = {}

local panels = {}

local function head(row)
  print(("\n%-46s %10s %10s %21s %9s"):format(row.what, row.unit,
        row.has_tail and "99 %" or "", "rounds' medians",
        row.limit and "of limit" or ""))
end

local function figure(number)
  if number == nil then return "" end
  return ((number < 10) and "%.2f" or "%.1f"):format(number)
end

local function extremes(numbers)
  return math.min(table.unpack(numbers)), math.max(table.unpack(numbers))
end

-- One side: the median of all, 99 % where 'has_tail', the lowest and highest
-- of the rounds' medians, the ratio to the limit's median, and, where it had
-- fewer rounds than others, how many.
local function print_side(side, limit, has_tail, rounds)
  local name = side.name
  if #side < rounds then name = ("%s, rounds: %d"):format(name, #side) end
  print(("  %-44s %10s %10s %10s..%-9s %9s"):format(name,
    figure(side.median), has_tail and figure(side.tail) or "",
    figure(side.low), figure(side.high),
    limit and limit > 0 and figure(side.median / limit) or ""))
end

local function sum_up(side)
  local medians, all = {}, {}
  for i, numbers in ipairs(side) do
    medians[i] = measure.median(numbers)
    measure.append(all, numbers)
  end
  side.median, side.tail = measure.median(all), measure.quantile(all, 0.99)
  side.low, side.high = extremes(medians)
  return #side
end

-- A row: { what =, unit =, limit = name of a side, or a number; has_tail =,
-- log =, sides = { { name =, round 1's numbers, round 2's, ... }, ... } }.
function report.row(row)
  head(row)
  local limit, bars, rounds = row.limit, {}, 0
  for _, side in ipairs(row.sides) do
    rounds = math.max(rounds, sum_up(side))
    if side.name == row.limit then limit = side.median end
  end
  for i, side in ipairs(row.sides) do
    print_side(side, tonumber(limit), row.has_tail, rounds)
    bars[i] = { side.name, side.median, side.low, side.high }
  end
  panels[#panels + 1] = { title = row.what, unit = row.unit, bars = bars,
                          log = row.log }
end

-- A panel of lines, which says more than a table.
function report.lines(panel)
  panels[#panels + 1] = panel
end

-- All so far, to the file that PEXEC_BENCH_SVG names, if it does.
function report.draw(title)
  local path = os.getenv "PEXEC_BENCH_SVG"
  if path and path ~= "" then svg.write(path, title, panels) end
end

return report
