-- soak.lua DEATHS PROCESSES SEED [SVG]: so many deaths over so many processes,
-- and what that leaves behind. bench/soak runs it.
--
-- A third of the processes write to rotated log files, a third to a Lua
-- function, a sixth to both, a sixth writes nothing. Half of them have a
-- handler in Lua, the policy restarts the others. A child ends by itself, by
-- an exit code or a signal, and for each CHURN deaths one is stopped, removed
-- and replaced, or restarted, or sent SIGTERM.

local flat = require "flat"
local heap = require "heap"
local pexec = require "pexec"
local svg = require "svg"
local watch = require "watch"

local core = require "pexec.core"

local deaths, count = tonumber(arg[1]), tonumber(arg[2])
local seed, picture = tonumber(arg[3]), arg[4]
local mayfly = os.getenv "PEXEC_MAYFLY"
local directory = os.getenv "PEXEC_BENCH_DIR"
local counts_path = directory .. "/counts"

local RATE <const> = 2000     -- deaths a second, if the machine can
local CHURN <const> = 20
local FILES <const> = 10      -- log files, each shared by many
local SAMPLES <const> = 100
local KINDS <const> = { 1, 2, 3, 1, 2, 0 }  -- 1: to a file, 2: to Lua, 3: both
local ENDS <const> = { 0, 1, 77, 255, -9, -15, -11, 0 }
local SIGNALS <const> = { [-9] = "SIGKILL", [-15] = "SIGTERM",
                          [-11] = "SIGSEGV" }

-- What is counted here, by whoever hears of it.
local seen = { exited = 0, unasked = 0, handled = 0, missed = 0,
               lines = 0, starts = 0, filed = 0, told = 0, drops = 0,
               stops = 0, restarts = 0, signals = 0, odd = 0,
               unequal = 0 }

local manager = pexec.new_process_manager(pexec.null_logger)
local logger = pexec.new_logger{ file = directory .. "/messages",
                                 level = "warn", max_size = 1 << 20, keep = 2 }
local books = {}  -- id -> what was seen of a process that is there
local made = 0    -- processes so far

-- {== processes =============================================================

local function take_line()
  seen.lines = seen.lines + 1
end

local function handle(_, exit)
  local book = books[exit.process:id()]
  assert(exit.run > book.run, "a handler is told of a death twice")
  book.run, book.handled = exit.run, book.handled + 1
  return true
end

local function note_exit(process, detail)
  local book = books[process:id()]
  book.exited, seen.exited = book.exited + 1, seen.exited + 1
  if not detail.requested then book.unasked = book.unasked + 1 end
  local ending = detail.signal or detail.exit_code
  if ending ~= book.ending and ending ~= "SIGTERM" then
    seen.odd = seen.odd + 1
  end
  seen.missed = seen.missed + (detail.missed or 0)
end

local function log_file()
  return { file = directory .. "/log" .. math.random(FILES),
           max_size = 1 << 18, keep = 9999 }
end

local function add_process()
  made = made + 1
  local id, kind = "p" .. made, KINDS[math.random(#KINDS)]
  local life_us = math.max(1, count * 1000000 // RATE)
  local lines = kind > 0 and math.random(2) or 0
  local has_handler = math.random(2) == 1
  local ending = ENDS[math.random(#ENDS)]
  books[id] = { kind = kind, has_handler = has_handler, run = 0, exited = 0,
                unasked = 0, handled = 0, ending = SIGNALS[ending] or ending }
  return manager:add_process(assert(pexec.new_managed_process({
    id = id, name = mayfly, restart_delay = 0,
    args = { counts_path, tostring(kind), tostring(lines), tostring(life_us),
             tostring(ending), id },
    stdout = kind & 1 ~= 0 and log_file() or nil,
    log_writer = kind & 2 ~= 0 and take_line or nil,
    on_unexpected_exit = has_handler and handle or nil,
    limits = { core = 0 },
  }, logger)), true)
end

-- Closes the book of one that is stopped.
local function settle(process)
  local id, info = process:id(), process:info()
  local book, out = books[id], info.output.stdout
  books[id] = nil
  if info.starts ~= book.exited then seen.unequal = seen.unequal + 1 end
  seen.starts, seen.drops = seen.starts + info.starts, seen.drops + out.drops
  if book.kind & 1 ~= 0 then seen.filed = seen.filed + out.lines end
  if book.kind & 2 ~= 0 then seen.told = seen.told + out.lines end
  if book.has_handler then
    seen.unasked, seen.handled = seen.unasked + book.unasked,
                                 seen.handled + book.handled
  end
end

-- {== disturbances ==========================================================

local busy = {}  -- id -> true: a task is at work on it

local function replace(process)
  assert(process:stop())
  seen.stops = seen.stops + 1
  assert(manager:remove_process_by_id(process:id()) == process)
  settle(process)
  assert(add_process())
end

local function restart(process)
  assert(process:restart())
  seen.restarts = seen.restarts + 1
end

local function signal(process)
  if process:signal "TERM" then seen.signals = seen.signals + 1 end
end

local DISTURBANCES <const> = { replace, restart, signal }

local function disturb()
  local ids = manager:process_ids()
  local id = ids[math.random(#ids)]
  if busy[id] then return end
  busy[id] = true
  pexec.task(function()
    local ok, message = xpcall(DISTURBANCES[math.random(#DISTURBANCES)],
                               debug.traceback, manager:process_by_id(id))
    busy[id] = nil
    if not ok then io.stderr:write(message, "\n") os.exit(1) end
  end)
end

-- {== samples ===============================================================

-- Name, what of its level it may rise by, and by how much besides. How many
-- children live at a moment differs with how busy the machine is.
local QUANTITIES <const> = {
  { "rss", "resident memory of the host, KiB", 0.1, 1024 },
  { "heap", "memory of malloc's in use, KiB", 0.05, 256 },
  { "lua", "memory of Lua, KiB", 0.05, 128 },
  { "descriptors", "pipes and pidfds", 0.25, 64 },
  { "others", "other descriptors", 0, 2 },
  { "threads", "threads", 0, 3 },
  { "registry", "entries of Lua's registry", 0, 8 },
  { "processes", "processes in the manager", 0, 4 },
  { "children", "children", 0.25, 64 },
  { "zombies", "children that are dead, not reaped yet", 0.25, 64 },
}

local samples = {}
local began

local function sample()
  local lua = watch.lua_memory()
  local one = watch.host()
  one.lua, one.heap, one.registry = lua, heap() / 1024, watch.registry()
  one.processes = #manager:process_ids()
  one.deaths, one.seconds = seen.exited, core.now() - began
  samples[#samples + 1] = one
  if #samples % 5 == 1 or #samples == SAMPLES then
    print(("%8d %6.1f %7d %7.0f %7.0f %6d %6d %7d %8d %7d %8d %7d"):format(
          one.deaths, one.seconds, one.rss, one.heap, one.lua, one.descriptors,
          one.others, one.threads, one.registry, one.processes, one.children,
          one.zombies))
  end
end

local function column(name)
  local values = {}
  for i, one in ipairs(samples) do values[i] = one[name] end
  return values
end

local function judge()
  local is_well = true
  print(("\n%-32s %9s %9s %9s %9s"):format("after the first tenth",
        "its end", "highest", "rise", "allowed"))
  for _, quantity in ipairs(QUANTITIES) do
    local name, title, part, slack = table.unpack(quantity)
    local result = flat.check(column(name), part, slack)
    print(("%-32s %9.0f %9.0f %9.1f %9.1f  %s"):format(title, result.level,
          result.highest, result.rise, result.allowed,
          result.is_flat and "flat" or "NOT FLAT"))
    is_well = is_well and result.is_flat
  end
  return is_well
end

local function draw()
  local panels = {}
  for i, quantity in ipairs(QUANTITIES) do
    local points = {}
    for j, one in ipairs(samples) do
      points[j] = { one.deaths, one[quantity[1]] }
    end
    panels[i] = { title = quantity[2], x = "deaths",
                  series = { { name = quantity[1], points = points } } }
  end
  svg.write(picture, ("%d deaths and restarts over %d processes"):format(
            seen.exited, count), panels)
end

-- {== accounts ==============================================================

local function read_counts()
  local file <close> = assert(io.open(counts_path, "rb"))
  return string.unpack("i8i8i8", file:read "a")
end

local function count_filed_lines()
  local pipe <close> = assert(io.popen("cat " .. directory
                                       .. "/log* | wc -l"))
  return pipe:read "n"
end

local is_well = true

local function row(what, left, right, is_right)
  print(("%-62s %9d %9d  %s"):format(what, left, right,
        is_right and "well" or "WRONG"))
  is_well = is_well and is_right
end

local function equal(what, left, right)
  row(what, left, right, left == right)
end

-- Left is at most right.
local function within(what, left, right)
  row(what, left, right, left <= right)
end

-- What is closed on other threads may be so a moment after the stop.
local function watch_until_at_rest(before)
  local deadline = core.now() + 10
  local now = watch.host()
  while now.descriptors > before.descriptors and core.now() < deadline do
    pexec.sleep(0.1)
    now = watch.host()
  end
  return now
end

local function account(before)
  local born, filed, told = read_counts()
  local orders = seen.stops + seen.restarts + seen.signals + count
  local after = watch_until_at_rest(before)
  print(("\n%-62s %9s %9s"):format("accounts", "the one", "the other"))
  equal("deaths that events told of; starts that the core counted",
        seen.exited, seen.starts)
  equal("processes of which these differ", seen.unequal, 0)
  within("deaths before a first line; orders that may have caused them",
         seen.exited - born, orders)
  within("deaths that no handler was asked about; such orders",
         seen.unasked - seen.handled, orders)
  equal("deaths otherwise than was told or ordered", seen.odd, 0)
  equal("lines written for files; lines in the files", filed,
        count_filed_lines())
  equal("the same; lines that the core counted", filed, seen.filed)
  equal("lines written for Lua; lines that Lua got", told, seen.lines)
  equal("the same; lines that the core counted", told, seen.told)
  equal("lines lost; events missed", seen.drops + seen.missed, 0)
  equal("children; zombies", after.children + after.zombies, 0)
  within("pipes and pidfds at the end; at the start", after.descriptors,
         before.descriptors)
  within("other descriptors at the end; at the start", after.others,
         before.others)
end

-- {== the run ===============================================================

local function clear_counts()
  local file <close> = assert(io.open(counts_path, "wb"))
  assert(file:write(string.pack("i8i8i8", 0, 0, 0)))
end

-- All at once: one after the other, each would wait for the restarts of those
-- before it.
local function begin()
  clear_counts()
  math.randomseed(seed)
  manager:on("exited", note_exit)
  assert(manager:start())
  began = core.now()
  local tasks = {}
  for i = 1, count do
    tasks[i] = pexec.task(function() assert(add_process()) end)
  end
  for _, task in ipairs(tasks) do assert(select("#", task:wait()) == 0) end
end

local function run()
  local first = seen.exited
  local disturbances = first // CHURN
  while #samples < SAMPLES do
    pexec.dispatch(0.1, 1000)
    while disturbances < seen.exited // CHURN do
      disturbances = disturbances + 1
      disturb()
    end
    if seen.exited >= first + deaths / SAMPLES * (#samples + 1) then
      sample()
    end
  end
end

local function finish()
  while next(busy) do pexec.dispatch(0.1) end
  local processes = {}
  for i, id in ipairs(manager:process_ids()) do
    processes[i] = manager:process_by_id(id)
  end
  assert(manager:stop())
  for _, process in ipairs(processes) do settle(process) end
  assert(not next(books), "a book is open")
  return core.now() - began
end

-- The threads and descriptors that a supervisor has in any case.
local function warm_up()
  assert(pexec.new_managed_process({ id = "first", name = "true",
                                     one_shot = true, log = true },
                                   logger):start())
  return watch.host()
end

io.stdout:setvbuf "line"
local before = warm_up()
print(("%d deaths over %d processes, seed %d"):format(deaths, count, seed))
print(("%8s %6s %7s %7s %7s %6s %6s %7s %8s %7s %8s %7s"):format("deaths", "s",
      "rss KiB", "malloc", "Lua", "fds", "others", "threads", "registry",
      "managed", "children", "zombies"))
begin()
run()
local seconds = finish()
local is_flat = judge()
account(before)
print(("\n%d deaths in %.0f s, %.0f a second; %d replaced, %d restarted, "
       .. "%d sent SIGTERM"):format(seen.exited, seconds,
      seen.exited / seconds, seen.stops, seen.restarts, seen.signals))
if picture ~= "" then draw() end
os.exit(is_flat and is_well, true)
