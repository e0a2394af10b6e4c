-- What the benches share: running a program for its numbers, medians, rows.

local measure = {}

local function quote(text)
  return "'" .. text:gsub("'", [['\'']]) .. "'"
end

-- The numbers that a command prints, one a line.
function measure.numbers(...)
  local words = {}
  for i, word in ipairs{ ... } do words[i] = quote(tostring(word)) end
  local pipe = assert(io.popen(table.concat(words, " ")))
  local numbers = {}
  for line in pipe:lines() do
    numbers[#numbers + 1] = assert(tonumber(line), line)
  end
  assert(pipe:close(), "failed: " .. table.concat(words, " "))
  return numbers
end

function measure.quantile(numbers, part)
  local sorted = table.move(numbers, 1, #numbers, 1, {})
  table.sort(sorted)
  return sorted[math.max(1, math.ceil(#sorted * part))]
end

function measure.median(numbers)
  return measure.quantile(numbers, 0.5)
end

function measure.append(list, more)
  return table.move(more, 1, #more, #list + 1, list)
end

-- One row: what, the two that are compared, their ratio, the bar.
function measure.row(what, bare, ours, unit, bar)
  local ratio = ours / bare
  print(("%-44s %9.1f %9.1f %-5s %5.2f  %s %s"):format(what, bare, ours, unit,
        ratio, ratio <= bar and "within" or "OVER", bar))
end

function measure.head(what, left, right)
  print(("%-44s %9s %9s %-5s %5s"):format(what, left or "bare",
        right or "pexec", "", "ratio"))
end

return measure
