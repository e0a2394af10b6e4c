-- A child's output to a rotated log file, against three programs that do it:
-- svlogd of runit, s6-log of s6, and supervisord.

local measure = require "measure"
local flow = require "flow"

local GIB <const> = 1073741800  -- in lines of 100 bytes
local PEERS <const> = { "svlogd", "s6_log", "supervisord" }

local function compare(what, rounds, bytes, block)
  measure.head(what, "peer")
  local results = flow.rounds({ "raw", table.unpack(PEERS) }, rounds, bytes,
                              block)
  for _, peer in ipairs(PEERS) do
    measure.rows(measure.row_least, peer, results[peer].speed,
                 results.raw.speed, "MB/s", 1)
    measure.rows(measure.row_free, "    its CPU time", results[peer].cpu,
                 results.raw.cpu, "s")
  end
end

compare("1 GiB, calls of 64 KiB", 5, GIB, flow.BLOCK)
compare("100 MiB, a call for each line", 5, GIB // 1000 * 100, 100)
