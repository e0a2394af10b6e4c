-- How long a line is on its way from the child's write to the file, where
-- inotify wakes a reader: as far as another program can tell. A reader of a
-- file that the child itself writes sees what of it is the reader's own.

local measure = require "measure"
local flow = require "flow"

local stopwatch = os.getenv "PEXEC_FLOW"
local writer = os.getenv "PEXEC_WRITER"
local LINES <const> = 2000
local ROUNDS <const> = 5
local BAR_MS <const> = 5

local function delays(path, ...)
  return measure.numbers(stopwatch, "delays", path .. "/log", LINES, ...)
end

local sides = {}

local function by_shell(form)
  return function(path, ...)
    local line = form:format(measure.command(writer, "lines", LINES, ...),
                             measure.command(path .. "/log"))
    return delays(path, "sh", "-c", line)
  end
end

sides.file, sides.cat = by_shell "exec %s >>%s", by_shell "%s | cat >>%s"

function sides.pexec(path, ...)
  return delays(path, "lua5.4", "bench/once.lua", "raw", path .. "/log",
                writer, "lines", LINES, ...)
end

local function in_ms(numbers, part)
  return measure.quantile(numbers, part) / 1e6
end

local function show(name, numbers)
  print(("    %-20s %9.3f %9.3f %9.3f ms"):format(name, in_ms(numbers, 0.5),
        in_ms(numbers, 0.99), in_ms(numbers, 1)))
end

local function compare(what, burst, period_us)
  local all = { file = {}, cat = {}, pexec = {} }
  for _ = 1, ROUNDS do
    for _, name in ipairs{ "file", "cat", "pexec" } do
      measure.append(all[name], flow.within(sides[name], burst, period_us))
    end
  end
  print(("%-24s %9s %9s %9s"):format(what, "median", "99 %", "worst"))
  show("the child's own file", all.file)
  show("cat", all.cat)
  show("pexec", all.pexec)
  local late = in_ms(all.pexec, 0.99)
  print(("    99 %% of pexec's within %.1f ms: %s %d"):format(late,
        late <= BAR_MS and "within" or "OVER", BAR_MS))
end

compare("a line each ms", 1, 1000)
compare("100 lines each 20 ms", 100, 20000)
