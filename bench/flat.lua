-- Whether a quantity that was sampled again and again is flat after the first
-- tenth. Pure.

local flat = {}

local function mean(values, first, last)
  local sum = 0
  for i = first, last do sum = sum + values[i] end
  return sum / (last - first + 1)
end

-- The slope of the straight line with the least squares, per sample.
local function slope(values, first, last)
  local middle, level = (first + last) / 2, mean(values, first, last)
  local up, across = 0, 0
  for i = first, last do
    up = up + (i - middle) * (values[i] - level)
    across = across + (i - middle) ^ 2
  end
  return across > 0 and up / across or 0
end

-- At least twenty samples, evenly taken. Returns the level at the first
-- tenth's end (the mean of that tenth's second half), by how much a straight
-- line through the others rises from its first to its last, the highest of
-- these, by how much they may rise, and whether all is well: the line rises
-- by no more, and none of them is more than three times that above the level.
-- Allowed are a part of the level and 'slack'.
function flat.check(values, part, slack)
  local tenth = #values // 10
  local level = mean(values, tenth // 2 + 1, tenth)
  local rise = slope(values, tenth + 1, #values) * (#values - tenth - 1)
  local highest = math.max(table.unpack(values, tenth + 1))
  local allowed = level * part + slack
  return { level = level, rise = rise, highest = highest, allowed = allowed,
           is_flat = rise <= allowed and highest <= level + 3 * allowed }
end

return flat
