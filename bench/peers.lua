-- Who keeps children up beside pexec, each with the configuration that its
-- own manual recommends, and nothing tuned but what is said here. Each side
-- makes what it needs in an empty directory, and returns the command that
-- keeps up so many of a program, in the foreground, until SIGTERM.
--
--   bare         waitpid, vfork and exec in C, for bench/baseline.c
--   pexec, luv   bench/peer_pexec.lua, bench/peer_luv.lua
--   supervisord  one program with numprocs, the recommended way for many
--                alike: they are stopped side by side, where programs of
--                different names are stopped one after the other. minfds is
--                raised to what they need
--   runit        runsvdir, with a directory and a run script each; one
--                runsvdir takes 1,000, so there is one for each 1,000
--   s6           s6-svscan, the same, -c raised; timeout-kill says when
--                SIGKILL is due
--   daemontools  svscan, the same as runit; SIGTERM does not end what it has
--                started, so svc -dx does
--
-- runit and daemontools wait a second before they start again what has lived
-- for less, s6 always, and supervisord takes what has not lived for startsecs,
-- a second too, for a failed start: so children here live for longer. runsvdir
-- waits a second where its directory is a second old or less, supervise after
-- the end of what has lived for less than a second.

local flow = require "flow"
local measure = require "measure"

local peers = {}

local baseline = os.getenv "PEXEC_BASELINE"
local stamp = os.getenv "PEXEC_STAMP"
local PER_SCANNER <const> = 1000  -- what runsvdir and svscan can take

-- {== directories of services ===============================================

-- For a shell: $1 the directory, $2 what a run script executes, $3 how many,
-- $4 how many in each group; $5, where it is not empty, goes to timeout-kill,
-- in ms. Few programs are run for all of them.
local MAKE_SERVICES <const> = [[
cd "$1" || exit
services=$(seq 0 $(($3 - 1)) |
  awk -v per="$4" '{ print "group" int($1 / per) "/child" $1 }')
echo "$services" | xargs mkdir -p || exit
for service in $services; do
  printf '#!/bin/sh\nexec %s\n' "$2" >"$service/run" || exit
  [ -z "$5" ] || echo "$5" >"$service/timeout-kill"
done
echo "$services" | sed 's,$,/run,' | xargs chmod +x]]

local function make_services(directory, job, per_group, timeout_kill)
  assert(os.execute(measure.command("sh", "-c", MAKE_SERVICES, "sh",
    directory, measure.command(table.unpack(job.words)), job.count,
    per_group, timeout_kill or "")))
end

-- One scanner for each group; SIGTERM runs what stops them all.
local SCANNERS <const> = [[
scanners=
trap '%s' TERM
for group in "$1"/group*; do
  %s "$group" &
  scanners="$scanners $!"
done
wait
wait]]

local function scanners(directory, scan, stop)
  return { "sh", "-c", SCANNERS:format(stop, scan), "sh", directory }
end

-- {== the sides: (directory, { count, words, busy_ms, stop_timeout }) =========

function peers.bare(_, job)
  return { baseline, "keepall", job.count, table.unpack(job.words) }
end

local function script(name)
  return function(_, job)
    return { "lua5.4", "bench/" .. name, job.count, job.busy_ms,
             job.stop_timeout, table.unpack(job.words) }
  end
end

peers.pexec, peers.luv = script "peer_pexec.lua", script "peer_luv.lua"

local SUPERVISORD <const> = [[
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=%s/pid
minfds=%d
[program:child]
command=%s
process_name=child%%(process_num)d
numprocs=%d
autorestart=true
stopwaitsecs=%d
stdout_logfile=NONE
stderr_logfile=NONE
]]

function peers.supervisord(directory, job)
  flow.write(directory .. "/conf", SUPERVISORD:format(directory,
             3 * job.count + 100, table.concat(job.words, " "), job.count,
             job.stop_timeout))
  return { "supervisord", "-n", "-s", "-c", directory .. "/conf" }
end

function peers.runit(directory, job)
  make_services(directory, job, PER_SCANNER)
  return scanners(directory, "runsvdir", "kill -HUP $scanners")
end

-- runsv has no time after which it kills; sv has, and it alone.
function peers.runit_forced(directory, job)
  make_services(directory, job, PER_SCANNER)
  return scanners(directory, "runsvdir", ("sv -w %d force-stop "
    .. '"$1"/group*/child* >/dev/null; kill -HUP $scanners')
    :format(job.stop_timeout))
end

function peers.s6(directory, job)
  make_services(directory, job, job.count, job.stop_timeout * 1000)
  return { "s6-svscan", "-c", job.count + 10, directory .. "/group0" }
end

function peers.daemontools(directory, job)
  make_services(directory, job, PER_SCANNER)
  return scanners(directory, "svscan",
                  'kill $scanners; svc -dx "$1"/group*/child*')
end

-- {== what is measured of them ==============================================

-- A job: so many of bench/stamp.c. Lua computes for busy_ms between turns.
local function job_of(count, options)
  options = options or {}
  return { count = count, words = { stamp, options.argument },
           busy_ms = options.busy_ms or 0,
           stop_timeout = options.stop_timeout or 10 }
end

-- ns of so many restarts, the children up for 'up' seconds.
function peers.restarts(name, times, up, count, options)
  return flow.within(function(path)
    return measure.numbers(baseline, "crowd", times, up, count, "",
      table.unpack(peers[name](path, job_of(count, options))))
  end)
end

-- What bench/baseline.c prints of a fleet, and what 'hold' prints meanwhile.
function peers.fleet(name, count, hold, options)
  return flow.within(function(path)
    return measure.numbers(baseline, "fleet", count, hold or "", "",
      table.unpack(peers[name](path, job_of(count, options))))
  end)
end

-- The same, begun at once, in a directory of its own: a function that waits
-- for it.
function peers.begin_fleet(name, count, hold)
  local path = os.getenv "PEXEC_BENCH_DIR" .. "/fleet-" .. name
  assert(os.execute(measure.command("mkdir", path)))
  local collect = measure.begin(baseline, "fleet", count, hold, "",
    table.unpack(peers[name](path, job_of(count))))
  return function()
    local numbers = collect()
    assert(os.execute(measure.command("rm", "-rf", path)))
    return numbers
  end
end

return peers
