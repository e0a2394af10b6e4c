-- Pictures of figures: panels side by side, each with lines or bars, as one
-- SVG file. Axes begin at 0, or are logarithmic where a panel says so.
--
--   svg.write(path, title, panels [, columns])
--
-- A panel of lines: { title =, x =, y =, log =, series = { { name =,
-- points = { { x, y }, ... } } } }, x and y being what the axes are called;
-- log is true for both. A panel of bars: { title =, unit =, log =,
-- bars = { { name, value [, low, high] }, ... } }.

local svg = {}

local WIDTH <const>, HEIGHT <const> = 460, 250   -- of a panel
local LEFT <const>, RIGHT <const>, TOP <const>, BOTTOM <const> = 70, 16, 34, 42
local NAMES <const> = 150                        -- left of bars
local COLOURS <const> = { "#1f77b4", "#d62728", "#2ca02c", "#9467bd",
                          "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f" }

local ESCAPES <const> = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }

local function text(x, y, anchor, content, more)
  return ('<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>'):format(x, y,
    anchor, more or "", (tostring(content):gsub("[&<>]", ESCAPES)))
end

local function line(x1, y1, x2, y2, colour)
  return ('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>')
    :format(x1, y1, x2, y2, colour)
end

-- 1234567 -> "1.23M".
function svg.figure(number)
  local size = math.abs(number)
  if size >= 1e6 then return ("%.3gM"):format(number / 1e6) end
  if size >= 1e4 then return ("%.3gk"):format(number / 1e3) end
  return (size >= 1000 and "%.0f" or "%.3g"):format(number)
end

-- {== axes ==================================================================

-- A step of 1, 2 or 5 times a power of ten, of which about four are in 'span'.
local function step_for(span)
  local power = 10 ^ math.floor(math.log(span / 4, 10))
  for _, times in ipairs{ 1, 2, 5 } do
    if power * times * 5 >= span then return power * times end
  end
  return power * 10
end

-- It ends at a tick, or at the highest value itself.
local function linear(high, is_exact)
  if high <= 0 then high = 1 end
  local step, ticks = step_for(high), {}
  local last = is_exact and math.floor(high / step + 1e-9)
               or math.ceil(high / step - 1e-9)
  for i = 0, last do ticks[#ticks + 1] = i * step end
  local top = is_exact and high or ticks[#ticks]
  return { ticks = ticks, at = function(value) return value / top end }
end

local function logarithmic(low, high)
  local first = math.floor(math.log(low, 10) + 1e-9)
  local last = math.max(first + 1, math.ceil(math.log(high, 10) - 1e-9))
  local ticks = {}
  for power = first, last do ticks[#ticks + 1] = 10.0 ^ power end
  return { ticks = ticks, at = function(value)
    return (math.log(value, 10) - first) / (last - first)
  end }
end

-- An axis for these values: its ticks, and value -> 0..1. What is not above
-- zero has no place on a logarithmic one.
local function axis(values, is_log, is_exact)
  local low, high = math.huge, 0
  for _, value in ipairs(values) do
    if value > 0 then low = math.min(low, value) end
    high = math.max(high, value)
  end
  if is_log and high > 0 then return logarithmic(low, high) end
  return linear(high, is_exact)
end

-- {== panels ================================================================

local function collect(series, index)
  local values = {}
  for _, one in ipairs(series) do
    for _, point in ipairs(one.points) do
      values[#values + 1] = point[index]
    end
  end
  return values
end

local function draw_grid(out, panel, x_axis, y_axis, place)
  for _, tick in ipairs(x_axis.ticks) do
    local x = place(x_axis.at(tick), 0)
    out[#out + 1] = line(x, TOP, x, HEIGHT - BOTTOM, "#eee")
    out[#out + 1] = text(x, HEIGHT - BOTTOM + 14, "middle", svg.figure(tick))
  end
  for _, tick in ipairs(y_axis.ticks) do
    local _, y = place(0, y_axis.at(tick))
    out[#out + 1] = line(LEFT, y, WIDTH - RIGHT, y, "#ddd")
    out[#out + 1] = text(LEFT - 6, y + 4, "end", svg.figure(tick))
  end
  out[#out + 1] = text(WIDTH / 2, HEIGHT - 10, "middle", panel.x or "")
  out[#out + 1] = text(LEFT - 6, TOP - 8, "end", panel.y or "")
end

local function draw_series(out, panel, x_axis, y_axis, place)
  for i, series in ipairs(panel.series) do
    local colour, points = COLOURS[(i - 1) % #COLOURS + 1], {}
    for j, point in ipairs(series.points) do
      points[j] = ("%.1f,%.1f"):format(place(x_axis.at(point[1]),
                                             y_axis.at(point[2])))
    end
    out[#out + 1] = ('<polyline fill="none" stroke="%s" stroke-width="1.5" '
      .. 'points="%s"/>'):format(colour, table.concat(points, " "))
    if #panel.series > 1 then
      out[#out + 1] = text(LEFT + 8, TOP + 4 + 13 * i, "start", series.name,
                           (' fill="%s"'):format(colour))
    end
  end
end

local function draw_lines(out, panel)
  local x_axis = axis(collect(panel.series, 1), panel.log, true)
  local y_axis = axis(collect(panel.series, 2), panel.log)
  local function place(x, y)
    return LEFT + x * (WIDTH - LEFT - RIGHT),
           HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)
  end
  draw_grid(out, panel, x_axis, y_axis, place)
  draw_series(out, panel, x_axis, y_axis, place)
end

-- From the lowest to the highest, over the bar of the value between.
local function draw_spread(out, bar, at, y)
  if bar[3] and bar[3] > 0 then
    out[#out + 1] = line(at(bar[3]), y, at(bar[4]), y, "#000")
  end
end

-- All begin at the left edge: on a logarithmic axis, at its first tick.
local function draw_bars(out, panel)
  local values, room = {}, WIDTH - NAMES - RIGHT - 60
  for _, bar in ipairs(panel.bars) do
    for i = 2, 4 do values[#values + 1] = bar[i] end
  end
  local scale = axis(values, panel.log)
  local function at(value) return NAMES + scale.at(value) * room end
  local height = math.min(22, (HEIGHT - TOP - BOTTOM) / #panel.bars)
  for i, bar in ipairs(panel.bars) do
    local y = TOP + height * (i - 1)
    local right = bar[2] > 0 and at(bar[2]) or NAMES
    out[#out + 1] = ('<rect x="%d" y="%.1f" width="%.1f" height="%.1f" '
      .. 'fill="%s"/>'):format(NAMES, y + 2, math.max(right - NAMES, 1),
      height - 4, bar[1]:find "pexec" and COLOURS[2] or COLOURS[1])
    out[#out + 1] = text(NAMES - 6, y + height / 2 + 4, "end", bar[1])
    draw_spread(out, bar, at, y + height / 2)
    out[#out + 1] = text(math.max(right, bar[4] and at(bar[4]) or 0) + 5,
                         y + height / 2 + 4, "start", svg.figure(bar[2]))
  end
  out[#out + 1] = text(WIDTH / 2, HEIGHT - 10, "middle", (panel.unit or "")
                       .. (panel.log and ", logarithmic" or ""))
end

local function draw_panel(out, panel, x, y)
  out[#out + 1] = ('<g transform="translate(%d,%d)">'):format(x, y)
  out[#out + 1] = text(WIDTH / 2, 18, "middle", panel.title,
                       ' font-weight="bold"')
  if panel.bars then draw_bars(out, panel) else draw_lines(out, panel) end
  out[#out + 1] = "</g>"
end

-- The whole picture, as a string.
function svg.draw(title, panels, columns)
  columns = math.min(columns or 2, math.max(#panels, 1))
  local rows = (#panels + columns - 1) // columns
  local width, height = columns * WIDTH, rows * HEIGHT + 36
  local out = {
    ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
     .. 'font-family="sans-serif" font-size="11">'):format(width, height),
    '<rect width="100%" height="100%" fill="#fff"/>',
    text(width / 2, 24, "middle", title, ' font-size="15"'),
  }
  for i, panel in ipairs(panels) do
    draw_panel(out, panel, (i - 1) % columns * WIDTH,
               36 + (i - 1) // columns * HEIGHT)
  end
  out[#out + 1] = "</svg>\n"
  return table.concat(out, "\n")
end

function svg.write(path, title, panels, columns)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(svg.draw(title, panels, columns)))
end

return svg
