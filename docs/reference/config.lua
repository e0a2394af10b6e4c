-- The reference, part 2: the configuration of a process. See values.lua.

return {
  { class = "Settings", from = "own",
    text = [[The fields of a configuration, as a plain table. An unknown field
      or a wrong type raises an error that names it.]],
    fields = {
      { "id", "string", [[Unique within a manager. Required.]],
        from = "Go" },
      { "name", "string", [[The program: a path, or looked up in the child's
        `PATH`; a relative path is taken from `cwd`. Required.]],
        from = "Go" },
      { "args", "string[]?", [[Arguments after `argv[0]`.]], default = "{}",
        from = "Go" },
      { "cwd", "string?", [[Working directory, entered as the child's user;
        else the host's at the first start.]], from = "Go" },
      { "one_shot", "boolean?", [[Run once: `start` returns when it has ended,
        and failure is an error.]], default = "false", from = "Go" },
      { "username", "string?", [[Run as this user, with its uid, gid and
        groups; sets `HOME`, `USER`, `LOGNAME` and `SHELL`. A name, or a
        number of the user database.]], from = "Go, systemd" },
      { "environment", "table<string, string>|EnvironmentFunction|nil",
        [[Added to the host's, overriding it; or a function that gives it
        before each start. `env` in JSON.]], default = "{}", from = "Go" },
      { "log", "boolean?", [[Each line of output goes to the logger: stdout at
        info, stderr at error.]], default = "false", from = "Go" },
      { "log_writer", "Writer?", [[Each line of output goes there too.]],
        from = "Go" },
      { "stdout_logger", "AnyLogger?", [[Where `log` sends stdout, instead of
        the process's logger.]], from = "Go" },
      { "stderr_logger", "AnyLogger?", [[The same, of stderr.]],
        from = "Go" },
      { "stop_signal", "Signal?", [[What `stop` sends first.]],
        default = '"SIGTERM"', from = "Go" },
      { "stop_timeout", "Duration?", [[From the first signal to SIGKILL; at
        least 100 ms.]], default = "10", from = "Go" },
      { "restart_delay", "Duration|Backoff|Duration[]|nil", [[Least time from
        one start to the next; or one that grows or is listed, counted from
        the death.]], default = "1", from = "Go, systemd" },
      { "on_unexpected_exit", "ExitFunction?", [[Decides what follows a death
        that nobody wanted.]], from = "Go" },
      { "stdin", '"null"|"inherit"|"pipe"|Input|nil', [[Where standard input
        comes from: /dev/null, the host's own, `p:write`, or as Input
        says.]], default = '"null"', from = "systemd" },
      { "stdout", "Destination|Destination[]|nil", [[Where it goes,
        besides `log` and `log_writer`: one place or several, which all
        get everything.]], from = "systemd" },
      { "stderr", '"stdout"|Destination|Destination[]|nil', [[The same;
        with `"stdout"` both go through one pipe, in the order
        written.]], from = "systemd" },
      { "tail_size", "integer?", [[Bytes of last lines that are kept for
        `p:tail` and exit records: 0 to 16 MiB; at most a line for each 24 of
        them.]], default = "16384" },
      { "writer_buffer", "integer?", [[Bytes of output that may wait for Lua:
        1 to 1 GiB.]], default = "262144" },
      { "writer_on_full", '("block"|"drop")?', [[What follows then: the child
        waits, or lines are dropped and counted.]], default = '"block"' },
      { "restart", '("always"|"on_failure"|"never")?', [[What follows a death
        where no handler decides.]], default = '"always"',
        from = "systemd" },
      { "success_exit_codes", "integer[]?", [[What counts as a success for
        `"on_failure"`: 0 to 255. A death by signal never does.]],
        default = "{ 0 }", from = "systemd" },
      { "restart_limit", "RestartLimit?", [[How many restarts there may be
        until it is given up.]], from = "systemd" },
      { "on_give_up", "GiveUpFunction?", [[Is called when it is given up.]] },
      { "decision_timeout", "Duration?", [[How long `on_unexpected_exit` may
        take; then `restart` decides. Without it there is no limit.]] },
      { "before_start", "BeforeStartFunction?", [[Is called before each start;
        may change it, or refuse it.]], from = "systemd" },
      { "after_start", "ProcessFunction?", [[Is called once it runs; `p:start`
        returns after it.]], from = "systemd" },
      { "before_stop", "ProcessFunction?", [[Is called before the first signal
        of a stop.]], from = "systemd" },
      { "after_exit", "RecordFunction?", [[Is called after each end, before
        `on_unexpected_exit`.]], from = "systemd" },
      { "hook_timeout", "Duration?", [[How long each of these hooks, and the
        function of `environment`, may take.]], default = "10" },
      { "stop_sequence", "StopStage[]?", [[The stages of a stop, instead of
        `stop_signal` and `stop_timeout`; SIGKILL to the group follows the
        last. At most 100.]], from = "systemd" },
      { "reload_signal", "Signal|ProcessFunction|nil", [[What `p:reload`
        sends; or a function that it calls.]], default = '"SIGHUP"',
        from = "systemd" },
      { "group", "string|integer|nil", [[A group of the group database instead
        of the user's; without `username` that alone is changed.]],
        from = "systemd" },
      { "supplementary_groups", "(string|integer)[]?", [[These groups and no
        other, `{}` none; else the user's.]], from = "systemd" },
      { "umask", "string|integer|nil", [[Octal digits, `"0027"`, or an integer
        up to 511; else the host's at the first start.]], from = "POSIX" },
      { "nice", "integer?", [[-20 to 19; else the host's.]],
        from = "POSIX" },
      { "oom_score_adj", "integer?", [[-1000 to 1000, the more the sooner the
        kernel kills it for memory. Where nothing is said 0, not the host's,
        unless the kernel refuses that.]], from = "systemd" },
      { "no_new_privileges", "boolean?", [[No set-id program and no file
        capability gives it any.]], default = "false", from = "systemd" },
      { "limits", "Limits?", [[The kernel's limits, `setrlimit`; else the
        host's.]], from = "POSIX, systemd" },
      { "cpu_affinity", "integer[]?", [[CPUs that it may run on, from 0, each
        below 8192; else the host's.]], from = "systemd" },
      { "io_priority", "IoPriority?", [[Which of its reads and writes come
        first; else the host's.]], from = "systemd" },
      { "capabilities", "string[]?", [[Names such as `"net_bind_service"`:
        these and no other, whoever its user is, and it can get no other;
        `{}` none.]], from = "systemd" },
      { "cgroup", "Cgroup?", [[A cgroup of its own, in which all that comes of
        it is found and ended; else the host's.]], from = "systemd" },
      { "host_death", '("kill"|"keep")?', [[What becomes of it where the host
        dies without stopping it: the kernel kills it, or it goes on in
        nobody's charge.]], default = '"kill"' },
      { "clear_environment", "boolean?", [[Nothing of the host's
        environment.]], default = "false" },
      { "environment_file", "string|string[]|nil", [[Files of `KEY=VALUE`
        lines, read anew at each start, added before `environment`.]],
        from = "systemd" },
    } },
  { class = "ProcessConfig", parent = "Settings", receiver = "config",
    from = "Go", text = [[What `pexec.new_process_config` makes: reads and
      writes like a table of these fields, with their defaults, and checks
      each value when it is set.]],
    metamethods = { "__eq", "__pairs", "__tostring" },
    methods = {
      { "validate(path?: string): true", [[Whether a process can be made of
        it: what is required is there, and values are in their ranges. `path`
        stands in the message, as in Go.]], codes = "INVALID_CONFIG" },
      { "equals(other: any): boolean", [[Deeply, with defaults; functions and
        objects by identity. `==` does the same.]] },
      { "marshal_json(): string", [[As JSON, with Go's keys; functions,
        writers and loggers are left out. A function of `environment` cannot
        be.]], codes = "INVALID_CONFIG" },
    } },
  { alias = "Destination", type = '"null"|"inherit"|File', from = "systemd",
    text = [[Nowhere, the host's own stream, or a log file.]] },
  { class = "Input", from = "systemd",
    text = [[One of these, for `stdin`.]],
    fields = {
      { "file", "string?", [[Opened at each start, by the host.]] },
      { "data", "string?", [[These bytes at each start, then the end.]] },
    } },
  { class = "File", from = "own",
    text = [[A log file, for `stdout` and `stderr`. `FILE.1` is the newest of
      the rotated ones. A file that two processes name wants the same options
      in both.]],
    fields = {
      { "file", "string", [[Its path, appended to; a relative one is taken
        from the host's directory at the first start. Required.]] },
      { "mode", "integer|string|nil", [[Permissions of one that is made:
        octal digits, or an integer up to 511.]], default = '"0640"' },
      { "format", '("raw"|"text"|"json"|"logfmt")?', [[Byte for byte, or line
        by line with time, stream and id.]], default = '"raw"' },
      { "max_size", "integer?", [[Bytes, after which it is rotated at a
        line's end; 0: never.]], default = "10485760" },
      { "keep", "integer?", [[How many rotated files stay: 0 to 9999.]],
        default = "5" },
      { "rotate_every", "Duration?", [[Rotated by the clock too, counted from
        1970 in UTC; at least 1 s, or 0: not.]], default = "0" },
      { "compress", "boolean?", [[Rotated files are compressed:
        `FILE.1.gz`.]], default = "false" },
      { "on_full", '("drop"|"block")?', [[Where it cannot be written: lines
        are dropped and counted, or the child waits.]],
        default = '"drop"' },
    } },
  { class = "Backoff", from = "systemd",
    text = [[The n-th restart in a row waits `initial * factor^(n-1)`, at most
      `max`, counted from the death.]],
    fields = {
      { "initial", "Duration", [[The first delay. Required.]] },
      { "factor", "number?", [[At least 1.]], default = "2" },
      { "max", "Duration?", [[The longest delay; where nothing is said a
        minute, or `initial` where that is longer.]] },
      { "jitter", "number?", [[More or less by a random part up to this, from
        0 to below 1.]], default = "0.1", from = "own" },
      { "reset_after", "Duration?", [[Of running: n is 1 again; where nothing
        is said `max`.]], from = "own" },
    } },
  { class = "RestartLimit", from = "systemd",
    text = [[One restart more than `max` within this time of running, and it
      is given up. Delays do not count as running.]],
    fields = {
      { "max", "integer", [[0 to 10000. Required.]] },
      { "within", "Duration", [[Not 0, unless `max` is. Required.]] },
    } },
  { class = "StopStage", from = "systemd",
    text = [[A stage of a stop: one of `signal`, `run` and `call`.]],
    fields = {
      { "signal", "Signal?", [[Sends this, and SIGCONT.]] },
      { "to", '("process"|"group")?', [[Of a signal: to whom.]],
        default = '"process"' },
      { "run", "string[]?", [[Runs this program, its name and arguments, as
        the process's user, with `MAINPID` and `PEXEC_ID`.]] },
      { "call", "fun(process: ManagedProcess, context: Context): any",
        [[Runs as a task; with `false` as its result the next stage begins at
        once.]], optional = true },
      { "wait", "Duration?", [[How long the stage lasts, unless nothing of the
        process is left before.]], default = "10" },
    } },
  { class = "Limits", from = "POSIX", each_of = "PEXEC_RESOURCES",
    each_type = "integer|LimitWord|Limit|nil",
    text = [[Each is one number for soft and hard, or both, in the unit that
      `setrlimit` has it in.]] },
  { class = "Limit", from = "POSIX",
    text = [[Both of a limit; or an array of the two.]],
    fields = {
      { "soft", "integer|LimitWord", [[Not above `hard`.]] },
      { "hard", "integer|LimitWord", [[Not above the host's, unless it is
        privileged.]] },
    } },
  { alias = "LimitWord", type = '"unlimited"', from = "systemd",
    text = [[No limit; `math.huge` does as well.]] },
  { class = "IoPriority", from = "systemd",
    text = [[As `ionice` has it.]],
    fields = {
      { "class", '"realtime"|"best_effort"|"idle"', [[Required.]] },
      { "level", "integer?", [[0, the first served, to 7; not of
        `"idle"`.]], default = "4" },
    } },
  { class = "Cgroup", from = "systemd",
    text = [[A cgroup (v2) in which a process's children are born.]],
    fields = {
      { "path", "string", [[Below the host's own cgroup; with a `/` in front
        from the root of the hierarchy. Required.]] },
      { "memory_max", 'integer|"max"|nil', [[Bytes.]] },
      { "pids_max", 'integer|"max"|nil', [[Processes and threads, 1 or
        more.]] },
      { "cpu_weight", "integer?", [[1 to 10000; the kernel's 100 is the
        middle.]] },
    } },
  { alias = "ProcessFunction", type = "fun(process: ManagedProcess): any",
    from = "own", text = [[A hook, or what `p:reload` calls. Runs as a
      task.]] },
  { alias = "EnvironmentFunction", from = "own",
    type = "fun(process: ManagedProcess): table<string, string>|nil",
    text = [[Gives the environment of the next start; where it fails, the
      start fails with `UNPREPARED`.]] },
  { alias = "BeforeStartFunction", from = "own",
    type = "fun(process: ManagedProcess, config: ProcessConfig): any, any",
    text = [[May change the copy that it gets: what a Launch has. `false`, and
      a reason: it is not started, `VETOED`.]] },
  { alias = "RecordFunction", from = "own",
    type = "fun(process: ManagedProcess, record: ExitRecord): any",
    text = [[The hook `after_exit`.]] },
  { alias = "GiveUpFunction", from = "own",
    type = "fun(record: ExitRecord?, reason: string): any",
    text = [[Gets how the last child has ended, nil where none ever ran.]] },
  { alias = "ExitFunction", from = "Go",
    type = "fun(exit_code: integer?, exit: Exit): boolean|Verdict|nil",
    text = [[Is called once for each death. `exit_code` is -1 for a signal,
      nil where it cannot be known. A true result restarts it, a false one or
      nil leaves it down; after an error `restart` decides.]] },
  { class = "Verdict", from = "own",
    text = [[What `on_unexpected_exit` may return.]],
    fields = {
      { "restart", "boolean?", [[`false` leaves it down.]],
        default = "true" },
      { "delay", "Duration?", [[Of the restart, counted from the death; else
        as configured.]] },
      { "config", "Launch?", [[Fields of the next start's
        configuration.]] },
      { "keep", "boolean?", [[They hold for each start from now on.]],
        default = "false" },
    } },
  { class = "Launch", from = "own",
    of_settings = "name args environment cwd username clear_environment "
                  .. "environment_file group supplementary_groups umask nice "
                  .. "oom_score_adj no_new_privileges limits cpu_affinity "
                  .. "io_priority capabilities",
    text = [[The fields of Settings that may be another's at a start;
      `environment` is a table there.]] },
}
