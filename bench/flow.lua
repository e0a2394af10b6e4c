-- What the output benches share: bench/writer.c beside what takes its output
-- to files, measured alike by bench/flow.c. Each function here that runs it
-- makes files anew in a directory of its own and deletes them.

local measure = require "measure"

local flow = {}

local directory = os.getenv "PEXEC_BENCH_DIR"
local stopwatch = os.getenv "PEXEC_FLOW"
local writer = os.getenv "PEXEC_WRITER"

flow.SIZE = 10485760  -- of a log file until it is rotated, and how many stay
flow.KEEP = 5
flow.BLOCK = 65500    -- about as much as a pipe holds, in lines of 100 bytes

local function shell(...)
  assert(os.execute(measure.command(...)))
end

function flow.write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

-- f(directory, ...) with an empty directory, gone afterwards.
function flow.within(f, ...)
  local path = directory .. "/run"
  shell("rm", "-rf", path)
  shell("mkdir", path)
  local results = table.pack(f(path, ...))
  shell("rm", "-rf", path)
  return table.unpack(results, 1, results.n)
end

-- No side may be fast for having left something out.
local function assert_end_is_there(path)
  local command = "grep -rqa 'the last line of the writer' "
                  .. measure.command(path)
  assert(os.execute(command), "the last line is in no file")
end

-- Runs a command under the stopwatch: MB/s of so many bytes, CPU seconds.
local function timed(path, bytes, ...)
  local numbers = measure.numbers(stopwatch, ...)
  assert_end_is_there(path)
  return bytes / numbers[1] * 1e3, numbers[2] / 1e9
end

local function writing(bytes, block)
  return measure.command(writer, "bytes", bytes, block)
end

-- A shell's command line, with %s for the writer's, and its arguments.
local function timed_line(path, bytes, block, form, ...)
  local line = form:format(writing(bytes, block), measure.command(...))
  return timed(path, bytes, "time", "sh", "-c", line)
end

-- {== the sides: (bytes, block) -> MB/s, CPU seconds ========================

local sides = {}
flow.sides = sides

function sides.direct(path, bytes, block)
  return timed_line(path, bytes, block, "exec %s >%s", path .. "/log")
end

function sides.cat(path, bytes, block)
  return timed_line(path, bytes, block, "%s | cat >%s", path .. "/log")
end

function sides.svlogd(path, bytes, block)
  flow.write(path .. "/config", ("s%d\nn%d\n"):format(flow.SIZE,
                                                     flow.KEEP + 1))
  return timed_line(path, bytes, block, "%s | svlogd %s", "-b", 65536, path)
end

function sides.s6_log(path, bytes, block)
  return timed_line(path, bytes, block, "%s | s6-log %s", "n" .. flow.KEEP,
                    "s" .. flow.SIZE, path)
end

-- Its files are at most 16,777,215 bytes.
function sides.multilog(path, bytes, block)
  return timed_line(path, bytes, block, "%s | multilog %s", "s" .. flow.SIZE,
                    "n" .. flow.KEEP + 1, path .. "/log")
end

function sides.luv(path, bytes, block)
  return timed(path, bytes, "time", "lua5.4", "bench/peer_luv_log.lua",
               path .. "/log", flow.SIZE, flow.KEEP, writer, "bytes", bytes,
               block)
end

local SUPERVISORD <const> = [[
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=%s/pid
[program:writer]
command=%s bytes %d %d
autorestart=false
startsecs=0
stdout_logfile=%s/log
stdout_logfile_maxbytes=%d
stdout_logfile_backups=%d
stderr_logfile=NONE
]]

function sides.supervisord(path, bytes, block)
  flow.write(path .. "/conf", SUPERVISORD:format(path, writer, bytes, block,
                                                 path, flow.SIZE, flow.KEEP))
  return timed(path, bytes, "until", path .. "/log", "supervisord", "-n",
               "-s", "-c", path .. "/conf")
end

local function pexec(format)
  return function(path, bytes, block)
    return timed(path, bytes, "time", "lua5.4", "bench/once.lua", format,
                 path .. "/log", writer, "bytes", bytes, block)
  end
end

sides.raw, sides.text, sides.json = pexec "raw", pexec "text", pexec "json"

-- A bare loop that reads and writes, and keeps no more than rotation does.
function sides.loop(path, bytes, block)
  return timed_line(path, bytes, block, "%s | %s", stopwatch, "sink",
                    path .. "/log", flow.SIZE * (flow.KEEP + 1))
end

-- {== rounds ================================================================

-- Runs each of the named sides so many times, interleaved, so that all see
-- the same machine: { name = { speed = {...}, cpu = {...} } }.
function flow.rounds(names, rounds, bytes, block)
  local results = {}
  for _, name in ipairs(names) do results[name] = { speed = {}, cpu = {} } end
  for round = 1, rounds do
    for i = 1, #names do
      local name = names[(i + round) % #names + 1]  -- each goes first at times
      local result = results[name]
      result.speed[round], result.cpu[round] =
        flow.within(sides[name], bytes, block)
    end
  end
  return results
end

return flow
