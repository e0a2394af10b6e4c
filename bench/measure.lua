-- What the benches share: running a program for its numbers, medians, rows.

local measure = {}

local function quote(text)
  return "'" .. text:gsub("'", [['\'']]) .. "'"
end

-- Words -> a command for a shell.
function measure.command(...)
  local words = {}
  for i, word in ipairs{ ... } do words[i] = quote(tostring(word)) end
  return table.concat(words, " ")
end

-- Begins a command: a function that waits for it, and gives the numbers that
-- it prints, one a line.
function measure.begin(...)
  local command = measure.command(...)
  local pipe = assert(io.popen(command))
  return function()
    local numbers = {}
    for line in pipe:lines() do
      numbers[#numbers + 1] = assert(tonumber(line), line)
    end
    assert(pipe:close(), "failed: " .. command)
    return numbers
  end
end

-- The numbers of a command that is waited for.
function measure.numbers(...)
  return measure.begin(...)()
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

-- Three digits are left of small ones.
local function figure(number)
  return ((number < 10) and "%.2f" or "%.1f"):format(number)
end

local function print_row(what, bare, ours, unit, verdict)
  print(("%-44s %9s %9s %-5s %5.2f  %s"):format(what, figure(bare),
        figure(ours), unit, ours / bare, verdict))
end

-- One row: what, the two that are compared, their ratio, the bar: at most.
function measure.row(what, bare, ours, unit, bar)
  print_row(what, bare, ours, unit,
            (ours / bare <= bar and "within " or "OVER ") .. bar)
end

-- The same of what is better for being more; the bar is the least ratio.
function measure.row_least(what, bare, ours, unit, bar)
  print_row(what, bare, ours, unit,
            (ours / bare >= bar and "within " or "UNDER ") .. bar)
end

-- The same with nothing asked of it.
function measure.row_free(what, bare, ours, unit)
  print_row(what, bare, ours, unit, "")
end

local function range(numbers)
  return figure(math.min(table.unpack(numbers))) .. ".."
         .. figure(math.max(table.unpack(numbers)))
end

-- A row of two lists' medians, by one of the functions above, and under it
-- how far each list reaches.
function measure.rows(row, what, bare, ours, unit, bar)
  row(what, measure.median(bare), measure.median(ours), unit, bar)
  print(("    %s; %s %s"):format(range(bare), range(ours), unit))
end

function measure.head(what, left, right)
  print(("%-44s %9s %9s %-5s %5s"):format(what, left or "bare",
        right or "pexec", "", "ratio"))
end

return measure
