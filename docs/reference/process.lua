-- The reference, part 3: a process, and what it tells. See values.lua.

return {
  { class = "ManagedProcess", receiver = "p", from = "Go",
    text = [[A process that is started, kept up and stopped, userdata. While
      it is managed it is kept alive, whatever becomes of this object. A
      to-be-closed variable stops it.]],
    metamethods = { "__close", "__tostring" },
    methods = {
      { "id(): string", [[Its id.]] },
      { "start(context?: Context): true", [[Managed: returns once `exec` has
        succeeded, or with the reason why it has not; the context has no
        effect. One-shot: returns when it has ended with 0 and its output was
        delivered; a context that ends kills its group. One that has ended for
        good by itself may be started again.]],
        codes = "ALREADY_STARTED ALREADY_STOPPED VETOED UNPREPARED "
                .. "EXIT_STATUS SIGNALED CANCELED DEADLINE_EXCEEDED "
                .. "INVALID_CONFIG UNSUPPORTED" },
      { "stop(): true, stage: Stage, number: integer?, survivors: integer[]?",
        [[Stops it by its stages, and returns when it and its group, and all
        in its cgroup, are gone. Final: it is never started again. `number` is
        that of the stage of a `stop_sequence` that was reached; `survivors`
        who had to be killed then, at most 64 process numbers. After
        `STOP_TIMEOUT` the fourth result is who survives.]],
        codes = "STOP_TIMEOUT CANCELED" },
      { "restart(): true", [[Stops it and starts it, as one act that is not
        final; its failures are forgotten. Where the start fails it is tried
        again, as after a death.]], from = "systemd",
        codes = "ALREADY_STOPPED UNSUPPORTED CANCELED VETOED UNPREPARED" },
      { "kill_group()", [[SIGKILL to its group and its cgroup now, without
        waiting. Final.]] },
      { "status(): true", [[True while it runs.]],
        codes = "NOT_STARTED PROCESS_DONE" },
      { "unix_pid(): integer", [[Its process number while it runs, never a
        stale one.]], codes = "NOT_STARTED PROCESS_DONE" },
      { "wait(): true", [[Returns when nothing of it is managed any more:
        stopped, ended for good, or never started. In its own handler it
        raises.]], from = "own", codes = "CANCELED" },
      { "history(n?: integer): ExitRecord[]", [[How its last children have
        ended, at most 16 or n; the oldest first.]], from = "own",
        codes = "FORKED" },
      { "tail(n?: integer): TailLine[]", [[Its last lines, or the last n; the
        oldest first.]], from = "own", codes = "FORKED" },
      { "info(): Info", [[What is known of it now, without waiting.]],
        from = "own", codes = "FORKED" },
      { "reopen_logs(): true", [[Opens its log files anew, as after a rotation
        by others.]], from = "own", codes = "CANCELED" },
      { "write(data: string|number): true", [[Where `stdin` is `"pipe"`: true
        once the pipe has taken all of it; waits while it is full.]],
        from = "own",
        codes = "NOT_STARTED PROCESS_DONE UNSUPPORTED EPIPE CANCELED" },
      { "close_stdin(): true", [[Closes it, once all before is written. Each
        start opens it anew.]], from = "own",
        codes = "NOT_STARTED PROCESS_DONE UNSUPPORTED" },
      { 'signal(signal: Signal, to?: "process"|"group"): true', [[Sends it to
        the process, or to its process group: true once the kernel has taken
        it.]], from = "POSIX",
        codes = "NOT_STARTED PROCESS_DONE EPERM CANCELED" },
      { "reload(): any", [[Sends `reload_signal` in the same way; where that
        is a function, calls it with the process and returns what it returns,
        true for nothing. An error in it is logged, and answered as nil and a
        message.]], from = "systemd",
        codes = "NOT_STARTED PROCESS_DONE EPERM CANCELED" },
      { "on(event: Event, f: fun(process: ManagedProcess, detail: table): any)"
        .. ": Handle", [[Calls `f(process, detail)` at each such event, as a
        task.]], from = "own", codes = "FORKED" },
      { "off(handle: Handle): boolean", [[Takes it off again: true if it was
        there.]], from = "own" },
    } },
  { class = "ExitRecord", from = "POSIX",
    text = [[How a child has ended. What cannot be known is nil.]],
    fields = {
      { "exit_code", "integer?", [[-1 for a death by signal.]],
        from = "Go" },
      { "signal", "string?", [[The name of the signal that it died of.]] },
      { "signal_text", "string?", [[The same in words: `killed`,
        `terminated`.]], from = "Go" },
      { "core_dumped", "boolean", [[Whether the kernel says so.]] },
      { "canceled", '("CANCELED"|"DEADLINE_EXCEEDED")?', [[Of a one-shot:
        why its context ended it.]], from = "Go" },
      { "requested", '("stop"|"restart")?', [[Who wanted it; nil: nobody.]],
        from = "own" },
      { "pid", "integer", [[Its process number.]] },
      { "started_at", "number", [[Seconds from 1970.]], from = "own" },
      { "uptime", "number", [[Seconds.]], from = "own" },
      { "restarts", "integer", [[How many restarts there were until then.]],
        from = "own" },
      { "run", "integer", [[Which of its starts it was: 1 is the first.]],
        from = "own" },
      { "attempt", "integer", [[Which of those in a row: 1 after a
        recovery.]], from = "own" },
      { "user_time", "number?", [[Seconds of CPU, of it and of those that it
        has waited for.]] },
      { "system_time", "number?", [[Seconds in the kernel.]] },
      { "max_rss", "integer?", [[Bytes; nil where its peak was below the
        host's own.]] },
      { "tail", "TailLine[]?", [[Its last lines, as far as they are still
        kept.]], from = "own" },
    } },
  { class = "Exit", parent = "ExitRecord", from = "own",
    text = [[What `on_unexpected_exit` gets besides.]],
    fields = {
      { "process", "ManagedProcess", [[The process that it is about.]] },
      { "context", "Context", [[Is cancelled when a stop or a restart makes
        the decision void.]] },
    } },
  { class = "TailLine", from = "own",
    text = [[A line as it is kept.]],
    fields = {
      { "stream", "Stream", [[Which output.]] },
      { "line", "string", [[Without its newline.]] },
      { "time", "number", [[When it was read, in seconds from 1970.]] },
      { "partial", "true?", [[A piece: the line goes on in the next.]] },
    } },
  { class = "Info", from = "own",
    text = [[What is known of a process at a moment.]],
    fields = {
      { "id", "string", [[Its id.]] },
      { "state", "State", [[Where it is.]] },
      { "desired", '"running"|"stopped"', [[What somebody wants.]] },
      { "since", "number?", [[When it came to this state, in seconds from
        1970; nil before the first start.]] },
      { "pid", "integer?", [[While it runs.]] },
      { "uptime", "number?", [[Seconds, while it runs.]] },
      { "starts", "integer", [[Successful ones.]] },
      { "restarts", "integer", [[All of these but the first.]] },
      { "consecutive_failures", "integer", [[In a row, until it has
        recovered.]] },
      { "next_restart_in", "number?", [[Seconds, while it waits for one.]] },
      { "last_exit", "ExitRecord?", [[How the last child has ended.]] },
      { "cgroup", "string?", [[The directory of its cgroup, while it has
        one.]] },
      { "output", "table<Stream, Counts>", [[What was read of each stream,
        ever.]] },
    } },
  { class = "Counts", from = "own",
    text = [[Of one stream.]],
    fields = {
      { "bytes", "integer", [[How many were read.]] },
      { "lines", "integer", [[How many were read.]] },
      { "drops", "integer", [[Lines that a destination did not get; one that
        two did not get counts twice.]] },
    } },
  { class = "StartedDetail", from = "own", event = "started",
    text = [[A start or restart has succeeded.]],
    fields = {
      { "pid", "integer", [[Of the new child.]] },
      { "starts", "integer", [[Successful ones, with this one.]] },
      { "attempt", "integer", [[Which start in a row it is.]] },
      { "missed", "integer?", [[How many events found no room before this
        one; so in each detail.]] },
    } },
  { class = "ExitedDetail", parent = "ExitRecord", from = "own",
    event = "exited",
    text = [[A child has ended, asked to or not; a one-shot's too.]],
    fields = { { "missed", "integer?", [[As above.]] } } },
  { class = "RestartingDetail", from = "own", event = "restarting",
    text = [[A restart is to come, after a death or ordered.]],
    fields = {
      { "delay", "number", [[Seconds from now.]] },
      { "attempt", "integer", [[Which start in a row it will be.]] },
      { "missed", "integer?", [[As above.]] },
    } },
  { class = "GivenUpDetail", from = "own", event = "given_up",
    text = [[It was to be restarted too often.]],
    fields = {
      { "record", "ExitRecord?", [[Of the last death; nil where no child ever
        ran.]] },
      { "reason", "string", [[For people.]] },
      { "missed", "integer?", [[As above.]] },
    } },
  { class = "StoppingDetail", from = "own", event = "stopping",
    text = [[A stop or an ordered restart has sent its first signal.]],
    fields = {
      { "requested", '"stop"|"restart"', [[Which of them.]] },
      { "missed", "integer?", [[As above.]] },
    } },
  { class = "StoppedDetail", from = "own", event = "stopped",
    text = [[It is stopped for good, once.]],
    fields = {
      { "stage", "Stage", [[What it took.]] },
      { "missed", "integer?", [[As above.]] },
    } },
  { class = "OutputLostDetail", from = "own", event = "output_lost",
    text = [[A destination did not get lines; about once a second.]],
    fields = {
      { "lines", "integer", [[How many since the last such event.]] },
      { "stream", "Stream", [[Of which output.]] },
      { "missed", "integer?", [[As above.]] },
    } },
  { class = "Handle", from = "own", metamethods = { "__tostring" },
    text = [[What `on` returns, and `off` takes.]] },
}
