--[[
What other process managers say of the lines of docs/reliability.md: number ->
what the best of them do, as their own manuals tell it. A number that is not
here is told of in none of them. Owns these texts, and nothing else.

From: systemd.service(5), systemd.kill(5), systemd.exec(5), systemd.unit(5) and
journalctl(1) of systemd, its NEWS and README; "Subprocesses" and "Configuration
File" of supervisord; servicedir, s6-supervise, s6-svc, s6-permafailon and
s6-log of s6; runsv(8), sv(8) and svlogd(8) of runit; "Graceful Start/Shutdown",
"Restart Strategies" and "Application Declaration" of PM2. As of the end of
2026; what they do without saying so is not looked for.
]]

-- Those who own their host have nothing of somebody else's in it.
local OWN_HOST <const> = "does not arise: they are their own hosts"

return {
  [1] = "systemd, s6 and runit hand code and signal to a command or script; "
     .. "supervisord tells whether the code was expected",
  [2] = "systemd: `TimeoutStopSec=`, no restart where it stops; supervisord: "
     .. "`stopwaitsecs`; PM2: `kill_timeout`, 1.6 s",
  [3] = "systemd, supervisord and PM2 send SIGKILL then; s6 with "
     .. "`timeout-kill` alone, runit with `sv force-stop`",
  [4] = "systemd: a start of `Type=exec` fails, status 203; supervisord: "
     .. "`FATAL` after `startretries`; runit: the script is told 111",
  [5] = "systemd: status 200, apart from 203",
  [6] = "systemd: status 217; supervisord does not start the program; with "
     .. "s6 and runit a program of the script changes the user",
  [7] = "told in part, as faults and states of their control programs",
  [8] = "systemd: what it has stopped is not restarted",
  [9] = "systemd: `StartLimitBurst=` in a time; supervisord: `startretries`, "
     .. "but no limit for what came up; s6: `s6-permafailon`; runit: a "
     .. "second between starts; PM2: `exp_backoff_restart_delay`",
  [10] = "runit and s6 hold the pipe to the logger, across its restarts, too",
  [12] = "systemd: the control group; supervisord: `stopasgroup`, "
      .. "`killasgroup`; s6: `s6-svc -K`; PM2: the tree",
  [13] = "supervisord: the oldest event is discarded; s6-log: memory is not "
      .. "bounded, or with `-b` the child waits",
  [14] = "systemd: commands are bounded by the same timeouts; s6: a `finish` "
      .. "that takes more than 5 s is killed",
  [16] = "s6: a session of its own",
  [17] = "systemd: a clean environment, files, variables; supervisord: what "
      .. "its own shell had, and variables",
  [18] = "systemd, s6 and runit start it again as after any failure; "
      .. "supervisord until `startretries`",
  [20] = "does not arise: no objects of a language",
  [21] = "systemd: all at once, but for what is ordered",
  [23] = "systemd: `Type=oneshot`, `TimeoutStartSec=`",
  [24] = OWN_HOST,
  [25] = OWN_HOST,
  [26] = "systemd: 0, 1 and 2, and what is passed on purpose",
  [27] = "systemd: SIGPIPE is ignored, unless `IgnoreSIGPIPE=no`",
  [28] = OWN_HOST,
  [29] = OWN_HOST,
  [30] = OWN_HOST,
  [32] = "systemd: a small program of its own executes the service, since "
      .. "version 255",
  [33] = "systemd, s6 and runit send SIGCONT after the signal",
  [34] = "supervisord: stays in `STOPPING` for ever",
  [37] = "systemd: a list of what is required and what is reduced",
  [38] = "s6-log does its best to lose nothing; svlogd leaves out a directory "
      .. "that it cannot open; supervisord: two processes must not share a "
      .. "rotated file",
  [39] = "journalctl does not show what cannot be printed; svlogd: `-r` "
      .. "replaces it",
}
