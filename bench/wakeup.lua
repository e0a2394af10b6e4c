-- wakeup.lua LOOP N: how long it takes from a write to a child, `cat`, until
-- its line is in the writer, N times, in ns, in a program with this loop; or,
-- with "bare", with libuv's own processes and pipes. For bench_wakeup.lua.
-- Between two of them nothing happens for 5 ms: all is asleep then.

local pexec = require "pexec"
local core = require "pexec.core"

local loop, count = arg[1], tonumber(arg[2])
local sent, is_over = nil, false
local PAUSE <const> = 0.005

local function take()
  print(("%d"):format((core.now() - sent) * 1e9 // 1))
  count = count - 1
end

local function bare()
  local uv = require "luv"
  local stdin, stdout, timer = uv.new_pipe(), uv.new_pipe(), uv.new_timer()
  local child
  child = uv.spawn("cat", { stdio = { stdin, stdout } }, function()
    for _, handle in ipairs{ child, stdin, stdout, timer } do handle:close() end
  end)
  local function ask()
    sent = core.now()
    stdin:write "x\n"
  end
  stdout:read_start(function(_, data)
    if not data then return end
    take()
    if count == 0 then return child:kill "sigterm" end
    timer:start(PAUSE * 1000 // 1, 0, ask)
  end)
  ask()
  uv.run()
end

local function ask_all()
  local resume
  local child = assert(pexec.new_managed_process({ id = "cat", name = "cat",
    stdin = "pipe", log_writer = function()
      take()
      resume()
    end }, pexec.null_logger))
  assert(child:start())
  while count > 0 do
    pexec.sleep(PAUSE)
    sent = core.now()
    pexec.await(function(f)
      resume = f
      child:write "x\n"
    end)
  end
  assert(child:stop())
  is_over = true
end

local runs = {}

function runs.luv()
  local uv = require "luv"
  local poll = uv.new_poll(assert(pexec.pollfd()))
  poll:start("r", function()
    pexec.dispatch(0)
    if is_over then poll:close() end
  end)
  uv.run()
end

function runs.cqueues()
  local cqueues = require "cqueues"
  local queue, manager = cqueues.new(), pexec.new_process_manager()
  queue:wrap(function()
    while not is_over do
      cqueues.poll(manager)
      pexec.dispatch(0)
    end
  end)
  assert(queue:loop())
end

function runs.luaevent()
  local event = require "luaevent.core"
  local base = event.new()
  local watch = base:addevent(pexec.pollfd(), event.EV_READ, function()
    pexec.dispatch(0)
    return is_over and event.LEAVE or event.EV_READ
  end)
  base:loop()
  watch:close()
end

function runs.luasocket()
  local socket, manager = require "socket", pexec.new_process_manager()
  while not is_over do
    socket.select{ manager }
    pexec.dispatch(0)
  end
end

runs["no loop"] = function() while not is_over do pexec.dispatch() end end

if loop == "bare" then return bare() end
pexec.pollfd()
pexec.task(ask_all)
runs[loop]()
