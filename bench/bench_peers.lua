-- pexec beside others who keep programs up, and beside what the kernel alone
-- takes: a bare loop of vfork and exec, and cat. bench/peers.lua says who, and
-- how each is configured. For the environment:
--
--   PEXEC_BENCH_SMALL  if set, a small run that shows that all of it works
--   PEXEC_BENCH_SIZES  other sizes: "rounds=7 fleets=10,100,1000 most=1000"
--   PEXEC_BENCH_ROWS   only these, of: restart busy fleets stubborn idle log
--                      host
--   PEXEC_BENCH_SVG    a file for a picture of all

local report = require "report"
local rows = require "peer_rows"

local MIB <const> = 1048500  -- in lines of 100 bytes

local FULL <const> = {
  rounds = 5,
  crowd = 50, restarts = 60,                       -- for each round
  fleets = { 10, 100, 1000, 5000, 10000 },
  least = 100, most = 5000,      -- reported each; all sides take part up to it
  few = 2, many = 3,             -- between which of them memory is measured
  patience_s = 15,               -- what takes longer has one round
  idle = 100, settle_s = 5, idle_s = 10,
  log_bytes = 200 * MIB,
  gib = { 0, 1, 4 }, starts = 50,
}

local SMALL <const> = {
  rounds = 2, crowd = 10, restarts = 10,
  fleets = { 5, 10, 50, 100 }, least = 10, most = 50, few = 2, many = 3,
  patience_s = 15, idle = 10, settle_s = 2, idle_s = 2,
  log_bytes = 20 * MIB,
  gib = { 0, 1 }, starts = 10,
}

local ORDER <const> = { "restart", "busy", "fleets", "stubborn", "idle", "log",
                        "host" }

-- "10" -> 10, "10,100" -> { 10, 100 }.
local function parse(text)
  local numbers = {}
  for word in text:gmatch "[^,]+" do
    numbers[#numbers + 1] = assert(math.tointeger(tonumber(word)), word)
  end
  return text:find "," and numbers or numbers[1]
end

local function change(sizes, words)
  for key, text in words:gmatch "(%g+)=(%g+)" do
    local value = parse(text)
    assert(type(sizes[key]) == type(value), key .. ": no such size")
    sizes[key] = value
  end
end

io.stdout:setvbuf "line"
local small = os.getenv "PEXEC_BENCH_SMALL"
local wanted = os.getenv "PEXEC_BENCH_ROWS" or table.concat(ORDER, " ")
local sizes = small and small ~= "" and SMALL or FULL
change(sizes, os.getenv "PEXEC_BENCH_SIZES" or "")

print(("medians of %d rounds, interleaved"):format(sizes.rounds))
for _, name in ipairs(ORDER) do
  if (" " .. wanted .. " "):find(" " .. name .. " ", 1, true) then
    rows[name](sizes)
  end
end
report.draw "pexec beside others"
