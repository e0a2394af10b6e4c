-- 1,000 managed children killed at once, ten times: each death is told of
-- once, all come back, and how long that takes: from before the kill to the
-- first instruction of each new child. Once as the restart policy has it, and
-- once with a handler in Lua that is asked after each death.

local measure = require "measure"
local pexec = require "pexec"
local core = require "pexec.core"

local stamp = os.getenv "PEXEC_STAMP"
local COUNT <const>, ROUNDS <const>, PATIENCE <const> = 1000, 10, 60

-- The manager and its processes, which leave stamps in this file.
local function crowd(file, handler)
  local manager, processes = pexec.new_process_manager(pexec.null_logger), {}
  for i = 1, COUNT do
    processes[i] = assert(pexec.new_managed_process({
      id = "p" .. i, name = stamp, restart_delay = 0,
      environment = { PEXEC_STAMP_FILE = file },
      on_unexpected_exit = handler,
    }, pexec.null_logger))
    assert(manager:add_process(processes[i], false))
  end
  return manager, processes
end

-- The next stamps, COUNT of them: pid -> when, in seconds.
local function await_stamps(stamps)
  local times, count, deadline = {}, 0, core.now() + PATIENCE
  while count < COUNT do
    assert(core.now() < deadline, "some are not back")
    pexec.dispatch(0)
    local pid, ns = stamps:read("n", "n")
    if pid then
      assert(not times[pid], "one has two stamps")
      times[pid], count = ns / 1e9, count + 1
    else
      stamps:seek("cur")  -- beyond what was its end
      pexec.sleep(0.005)
    end
  end
  return times
end

-- Each one's time to be back, in ms.
local function kill_all(processes, stamps)
  local pids, back = {}, {}
  for i, process in ipairs(processes) do pids[i] = process:unix_pid() end
  local began = core.now()
  assert(os.execute("kill -KILL " .. table.concat(pids, " ")))
  for _, time in pairs(await_stamps(stamps)) do
    back[#back + 1] = (time - began) * 1e3
  end
  return back, pids
end

-- Each of them was told of once, and in the end none is missing.
local function check(processes, pids, told)
  for i, process in ipairs(processes) do
    local last = process:history(1)[1]
    assert(last.pid == pids[i] and last.signal == "SIGKILL")
    assert(not told or told[pids[i]] == 1, "a death was not told of once")
    if told then told[pids[i]] = nil end  -- it may be another's by then
  end
  assert(not told or not next(told), "a death that was none was told of")
end

local function measure_rounds(what, told)
  local file = os.getenv "PEXEC_BENCH_DIR" .. "/stamps"
  io.open(file, "w"):close()
  local stamps <close> = assert(io.open(file))
  local manager, processes = crowd(file, told and function(_, exit)
    told[exit.pid] = (told[exit.pid] or 0) + 1
    return true
  end)
  assert(manager:start())
  await_stamps(stamps)
  local back = {}
  for _ = 1, ROUNDS do
    local times, pids = kill_all(processes, stamps)
    check(processes, pids, told)
    measure.append(back, times)
  end
  assert(manager:stop())
  print(("%-44s %9.1f %9.1f ms"):format(what, measure.median(back),
        math.max(table.unpack(back))))
end

print(("%-44s %9s %9s"):format(("%d killed at once, %d times: back after")
      :format(COUNT, ROUNDS), "median", "worst"))
measure_rounds("restarted by the policy")
measure_rounds("restarted by a handler", {})
