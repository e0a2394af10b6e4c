---@meta pexec
-- What the module has, for editors that read LuaCATS annotations; no code.
-- Made from docs/reference/*.lua by spec/support/pages.lua: not to be edited.

error("pexec.meta is for editors only: require \"pexec\"", 0)

--- What `require "pexec"` returns. It makes no thread and no descriptor before
--- the first start.
---@class pexec
--- `"pexec X.Y.Z"`.
---@field _VERSION string
--- Drops everything.
---@field null_logger pexec.Logger
--- Does nothing and succeeds; adding to it fails with `UNSUPPORTED`.
---@field noop_process_manager pexec.ProcessManager
local pexec = {}

--- A process, not started. `logger` gets what there is to tell of it; else the
--- default one. Fails with `INVALID_CONFIG`. From: Go's pexec.
---@param config pexec.Settings
---@param logger? pexec.AnyLogger
---@return pexec.ManagedProcess?
---@return string? message
---@return pexec.Code? code
function pexec.new_managed_process(config, logger) end

--- A manager without processes. From: Go's pexec.
---@param options? pexec.AnyLogger|pexec.ManagerOptions
---@return pexec.ProcessManager
function pexec.new_process_manager(options) end

--- Adds all of `src` to `dst`, and returns those that were replaced. Starts
--- nothing. Fails with `ALREADY_STOPPED`, `UNSUPPORTED`. From: Go's pexec.
---@param dst pexec.ProcessManager
---@param src pexec.ProcessManager
---@return pexec.ManagedProcess[]?
---@return string? message
---@return pexec.Code? code
function pexec.merge_add_process_managers(dst, src) end

--- Removes from `dst` whatever has an id of `src`, and returns it. Stops
--- nothing. From: Go's pexec.
---@param dst pexec.ProcessManager
---@param src pexec.ProcessManager
---@return pexec.ManagedProcess[]
function pexec.merge_remove_process_managers(dst, src) end

--- Of a table; a copy of another one. From: Go's pexec.
---@param settings pexec.Settings
---@return pexec.ProcessConfig
function pexec.new_process_config(settings) end

--- From JSON. Keys match in any case, unknown ones are ignored. Fails with
--- `INVALID_CONFIG`. From: Go's pexec.
---@param json string
---@return pexec.ProcessConfig?
---@return string? message
---@return pexec.Code? code
function pexec.unmarshal_process_config(json) end

--- A context. From: Go's pexec.
---@param options? pexec.ContextOptions
---@return pexec.Context
function pexec.new_context(options) end

--- Runs `f(...)` as a task, to its first wait, at once. From: pexec's own.
---@param f function
---@param ... any
---@return pexec.Task
function pexec.task(f, ...) end

--- Waits; in a task it suspends that one alone, else it dispatches meanwhile.
--- Fails with `CANCELED`. From: pexec's own.
---@param duration pexec.Duration
---@return true?
---@return string? message
---@return pexec.Code? code
function pexec.sleep(duration) end

--- Calls `begin(resume)`, and waits until somebody, the program's loop for
--- instance, calls `resume(...)`: returns what that was given. In a task it
--- suspends that one alone. Fails with `CANCELED`. From: pexec's own.
---@param begin function
---@return any
---@return string? message
---@return pexec.Code? code
function pexec.await(begin) end

--- Runs handlers and tasks that wait, `max` at most, and returns how many ran.
--- 0: does not wait for any; none: until something has run, or nothing can
--- come. In a task it raises. Fails with `FORKED`. From: pexec's own.
---@param timeout? pexec.Duration
---@param max? integer
---@return integer?
---@return string? message
---@return pexec.Code? code
function pexec.dispatch(timeout, max) end

--- A descriptor that is readable when `dispatch` has work. It belongs to pexec.
--- Fails with `UNSUPPORTED`. From: pexec's own.
---@return integer?
---@return string? message
---@return pexec.Code? code
function pexec.pollfd() end

--- The built-in logger, at a level, in a form, to a file or stderr. Fails with
--- `ENOENT`, `EACCES`, `EISDIR`. From: pexec's own.
---@param options pexec.LoggerOptions
---@return pexec.Logger?
---@return string? message
---@return pexec.Code? code
function pexec.new_logger(options) end

--- Many processes under their ids, in the order of adding, userdata. It takes
--- any object with `id`, `start`, `stop` and `status`. A to-be-closed variable
--- stops it.
---@class pexec.ProcessManager
local ProcessManager = {}

--- In the order of adding; none once it is stopped. From: Go's pexec.
---@return string[]
function ProcessManager:process_ids() end

--- The process, or nil; nil once it is stopped. From: Go's pexec.
---@param id string
---@return pexec.ManagedProcess?
function ProcessManager:process_by_id(id) end

--- Forgets it, and returns it; does not stop it. From: Go's pexec.
---@param id string
---@return pexec.ManagedProcess?
function ProcessManager:remove_process_by_id(id) end

--- `replaced` had this id, and is not stopped. Starts the new one where the
--- manager has started and `start` is true; where that fails, its error is
--- answered, and the old one stays. Fails with `ALREADY_STOPPED`. From: Go's
--- pexec.
---@param process pexec.ManagedProcess
---@param start? boolean
---@return true?
---@return pexec.ManagedProcess|string|nil replaced
---@return pexec.Code? code
function ProcessManager:add_process(process, start) end

--- Makes the process with the manager's logger, then as `add_process` with
--- `start` true. Fails with `ALREADY_STOPPED`, `INVALID_CONFIG`. From: Go's
--- pexec.
---@param config pexec.Settings
---@param context? pexec.Context
---@return true?
---@return pexec.ManagedProcess|string|nil replaced
---@return pexec.Code? code
function ProcessManager:add_process_from_config(config, context) end

--- Starts all, in order. Where one fails, stops all and answers its error: then
--- the manager is stopped. True where it was started before. Fails with
--- `ALREADY_STOPPED`. From: Go's pexec.
---@param context? pexec.Context
---@return true?
---@return string? message
---@return pexec.Code? code
function ProcessManager:start(context) end

--- Stops all side by side, and returns when all are gone; all errors are in one
--- message. Final. Fails with `STOP_TIMEOUT`. From: Go's pexec.
---@return true?
---@return string? message
---@return pexec.Code? code
function ProcessManager:stop() end

--- The same as `p:reopen_logs`, of all. Fails with `CANCELED`. From: pexec's
--- own.
---@return true?
---@return string? message
---@return pexec.Code? code
function ProcessManager:reopen_logs() end

--- As `p:on`, of each process that it holds, also those that are added later.
--- Fails with `FORKED`. From: pexec's own.
---@param event pexec.Event
---@param f fun(process: pexec.ManagedProcess, detail: table): any
---@return pexec.Handle?
---@return string? message
---@return pexec.Code? code
function ProcessManager:on(event, f) end

--- Takes it off again: true if it was there. From: pexec's own.
---@param handle pexec.Handle
---@return boolean
function ProcessManager:off(handle) end

--- A second manager of the same processes: stopping either stops them. From:
--- Go's pexec.
---@return pexec.ProcessManager
function ProcessManager:clone() end

--- Starts if need be, and supervises until it is stopped; `reason` is the
--- signal's name, or `"stopped"`. For its duration alone it catches the
--- signals; a second one kills all groups. Fails with `ALREADY_STOPPED`,
--- `EBUSY`, `EINVAL`, `CANCELED`. From: pexec's own.
---@param options? pexec.RunOptions
---@return true?
---@return string? reason
---@return pexec.Code? code
function ProcessManager:run(options) end

--- As `pexec.pollfd`; with `events` and `timeout` cqueues can poll a manager.
--- Fails with `UNSUPPORTED`. From: pexec's own.
---@return integer?
---@return string? message
---@return pexec.Code? code
function ProcessManager:pollfd() end

--- `"r"`. From: pexec's own.
---@return string
function ProcessManager:events() end

--- Seconds until something is due by itself; nil: nothing is. From: pexec's
--- own.
---@return number?
function ProcessManager:timeout() end

--- As `pollfd`, for LuaSocket's `select` and copas. Fails with `UNSUPPORTED`.
--- From: pexec's own.
---@return integer?
---@return string? message
---@return pexec.Code? code
function ProcessManager:getfd() end

--- What `pm:run` takes.
---@class pexec.RunOptions
--- What ends it, `{}` nothing. One that is ignored stays so. Default: `{ "INT",
--- "TERM" }`.
---@field signals? pexec.Signal[]

--- What `pexec.new_process_manager` takes instead of a logger.
---@class pexec.ManagerOptions
--- Of the processes that it makes.
---@field logger? pexec.AnyLogger

--- Can be cancelled, once, by hand or by its time.
---@class pexec.Context
local Context = {}

--- Cancels it, unless it is over. From: Go's pexec.
function Context:cancel() end

--- nil; or a message and `CANCELED` or `DEADLINE_EXCEEDED`. From: Go's pexec.
---@return string? message
---@return pexec.Code? code
function Context:err() end

--- What `pexec.new_context` takes.
---@class pexec.ContextOptions
--- From now.
---@field timeout? pexec.Duration

--- A function that runs as a coroutine of its own.
---@class pexec.Task
local Task = {}

--- Its results; or nil and the message of its error, which is logged with its
--- traceback; or where the caller is cancelled nil, a message and `CANCELED`.
--- From: pexec's own.
---@return any
function Task:wait() end

--- Cancels its context: its waiting calls answer `CANCELED`. From: pexec's own.
function Task:cancel() end

--- A process that is started, kept up and stopped, userdata. While it is
--- managed it is kept alive, whatever becomes of this object. A to-be-closed
--- variable stops it.
---@class pexec.ManagedProcess
local ManagedProcess = {}

--- Its id. From: Go's pexec.
---@return string
function ManagedProcess:id() end

--- Managed: returns once `exec` has succeeded, or with the reason why it has
--- not; the context has no effect. One-shot: returns when it has ended with 0
--- and its output was delivered; a context that ends kills its group. One that
--- has ended for good by itself may be started again. Fails with
--- `ALREADY_STARTED`, `ALREADY_STOPPED`, `VETOED`, `UNPREPARED`, `EXIT_STATUS`,
--- `SIGNALED`, `CANCELED`, `DEADLINE_EXCEEDED`, `INVALID_CONFIG`,
--- `UNSUPPORTED`. From: Go's pexec.
---@param context? pexec.Context
---@return true?
---@return string? message
---@return pexec.Code? code
function ManagedProcess:start(context) end

--- Stops it by its stages, and returns when it and its group, and all in its
--- cgroup, are gone. Final: it is never started again. `number` is that of the
--- stage of a `stop_sequence` that was reached; `survivors` who had to be
--- killed then, at most 64 process numbers. After `STOP_TIMEOUT` the fourth
--- result is who survives. Fails with `STOP_TIMEOUT`, `CANCELED`. From: Go's
--- pexec.
---@return true?
---@return pexec.Stage|string|nil stage
---@return integer|pexec.Code|nil number
---@return integer[]? survivors
function ManagedProcess:stop() end

--- Stops it and starts it, as one act that is not final; its failures are
--- forgotten. Where the start fails it is tried again, as after a death. Fails
--- with `ALREADY_STOPPED`, `UNSUPPORTED`, `CANCELED`, `VETOED`, `UNPREPARED`.
--- From: systemd.
---@return true?
---@return string? message
---@return pexec.Code? code
function ManagedProcess:restart() end

--- SIGKILL to its group and its cgroup now, without waiting. Final. From: Go's
--- pexec.
function ManagedProcess:kill_group() end

--- True while it runs. Fails with `NOT_STARTED`, `PROCESS_DONE`. From: Go's
--- pexec.
---@return true?
---@return string? message
---@return pexec.Code? code
function ManagedProcess:status() end

--- Its process number while it runs, never a stale one. Fails with
--- `NOT_STARTED`, `PROCESS_DONE`. From: Go's pexec.
---@return integer?
---@return string? message
---@return pexec.Code? code
function ManagedProcess:unix_pid() end

--- Returns when nothing of it is managed any more: stopped, ended for good, or
--- never started. In its own handler it raises. Fails with `CANCELED`. From:
--- pexec's own.
---@return true?
---@return string? message
---@return pexec.Code? code
function ManagedProcess:wait() end

--- How its last children have ended, at most 16 or n; the oldest first. Fails
--- with `FORKED`. From: pexec's own.
---@param n? integer
---@return pexec.ExitRecord[]?
---@return string? message
---@return pexec.Code? code
function ManagedProcess:history(n) end

--- Its last lines, or the last n; the oldest first. Fails with `FORKED`. From:
--- pexec's own.
---@param n? integer
---@return pexec.TailLine[]?
---@return string? message
---@return pexec.Code? code
function ManagedProcess:tail(n) end

--- What is known of it now, without waiting. Fails with `FORKED`. From: pexec's
--- own.
---@return pexec.Info?
---@return string? message
---@return pexec.Code? code
function ManagedProcess:info() end

--- Opens its log files anew, as after a rotation by others. Fails with
--- `CANCELED`. From: pexec's own.
---@return true?
---@return string? message
---@return pexec.Code? code
function ManagedProcess:reopen_logs() end

--- Where `stdin` is `"pipe"`: true once the pipe has taken all of it; waits
--- while it is full. Fails with `NOT_STARTED`, `PROCESS_DONE`, `UNSUPPORTED`,
--- `EPIPE`, `CANCELED`. From: pexec's own.
---@param data string|number
---@return true?
---@return string? message
---@return pexec.Code? code
function ManagedProcess:write(data) end

--- Closes it, once all before is written. Each start opens it anew. Fails with
--- `NOT_STARTED`, `PROCESS_DONE`, `UNSUPPORTED`. From: pexec's own.
---@return true?
---@return string? message
---@return pexec.Code? code
function ManagedProcess:close_stdin() end

--- Sends it to the process, or to its process group: true once the kernel has
--- taken it. Fails with `NOT_STARTED`, `PROCESS_DONE`, `EPERM`, `CANCELED`.
--- From: POSIX.
---@param signal pexec.Signal
---@param to? "process"|"group"
---@return true?
---@return string? message
---@return pexec.Code? code
function ManagedProcess:signal(signal, to) end

--- Sends `reload_signal` in the same way; where that is a function, calls it
--- with the process and returns what it returns, true for nothing. An error in
--- it is logged, and answered as nil and a message. Fails with `NOT_STARTED`,
--- `PROCESS_DONE`, `EPERM`, `CANCELED`. From: systemd.
---@return any
---@return string? message
---@return pexec.Code? code
function ManagedProcess:reload() end

--- Calls `f(process, detail)` at each such event, as a task. Fails with
--- `FORKED`. From: pexec's own.
---@param event pexec.Event
---@param f fun(process: pexec.ManagedProcess, detail: table): any
---@return pexec.Handle?
---@return string? message
---@return pexec.Code? code
function ManagedProcess:on(event, f) end

--- Takes it off again: true if it was there. From: pexec's own.
---@param handle pexec.Handle
---@return boolean
function ManagedProcess:off(handle) end

--- How a child has ended. What cannot be known is nil.
---@class pexec.ExitRecord
--- -1 for a death by signal.
---@field exit_code? integer
--- The name of the signal that it died of.
---@field signal? string
--- The same in words: `killed`, `terminated`.
---@field signal_text? string
--- Whether the kernel says so.
---@field core_dumped boolean
--- Of a one-shot: why its context ended it.
---@field canceled? "CANCELED"|"DEADLINE_EXCEEDED"
--- Who wanted it; nil: nobody.
---@field requested? "stop"|"restart"
--- Its process number.
---@field pid integer
--- Seconds from 1970.
---@field started_at number
--- Seconds.
---@field uptime number
--- How many restarts there were until then.
---@field restarts integer
--- Which of its starts it was: 1 is the first.
---@field run integer
--- Which of those in a row: 1 after a recovery.
---@field attempt integer
--- Seconds of CPU, of it and of those that it has waited for.
---@field user_time? number
--- Seconds in the kernel.
---@field system_time? number
--- Bytes; nil where its peak was below the host's own.
---@field max_rss? integer
--- Its last lines, as far as they are still kept.
---@field tail? pexec.TailLine[]

--- What `on_unexpected_exit` gets besides.
---@class pexec.Exit: pexec.ExitRecord
--- The process that it is about.
---@field process pexec.ManagedProcess
--- Is cancelled when a stop or a restart makes the decision void.
---@field context pexec.Context

--- A line as it is kept.
---@class pexec.TailLine
--- Which output.
---@field stream pexec.Stream
--- Without its newline.
---@field line string
--- When it was read, in seconds from 1970.
---@field time number
--- A piece: the line goes on in the next.
---@field partial? true

--- What is known of a process at a moment.
---@class pexec.Info
--- Its id.
---@field id string
--- Where it is.
---@field state pexec.State
--- What somebody wants.
---@field desired "running"|"stopped"
--- When it came to this state, in seconds from 1970; nil before the first
--- start.
---@field since? number
--- While it runs.
---@field pid? integer
--- Seconds, while it runs.
---@field uptime? number
--- Successful ones.
---@field starts integer
--- All of these but the first.
---@field restarts integer
--- In a row, until it has recovered.
---@field consecutive_failures integer
--- Seconds, while it waits for one.
---@field next_restart_in? number
--- How the last child has ended.
---@field last_exit? pexec.ExitRecord
--- The directory of its cgroup, while it has one.
---@field cgroup? string
--- What was read of each stream, ever.
---@field output table<pexec.Stream, pexec.Counts>

--- Of one stream.
---@class pexec.Counts
--- How many were read.
---@field bytes integer
--- How many were read.
---@field lines integer
--- Lines that a destination did not get; one that two did not get counts twice.
---@field drops integer

--- A start or restart has succeeded.
---@class pexec.StartedDetail
--- Of the new child.
---@field pid integer
--- Successful ones, with this one.
---@field starts integer
--- Which start in a row it is.
---@field attempt integer
--- How many events found no room before this one; so in each detail.
---@field missed? integer

--- A child has ended, asked to or not; a one-shot's too.
---@class pexec.ExitedDetail: pexec.ExitRecord
--- As above.
---@field missed? integer

--- A restart is to come, after a death or ordered.
---@class pexec.RestartingDetail
--- Seconds from now.
---@field delay number
--- Which start in a row it will be.
---@field attempt integer
--- As above.
---@field missed? integer

--- It was to be restarted too often.
---@class pexec.GivenUpDetail
--- Of the last death; nil where no child ever ran.
---@field record? pexec.ExitRecord
--- For people.
---@field reason string
--- As above.
---@field missed? integer

--- A stop or an ordered restart has sent its first signal.
---@class pexec.StoppingDetail
--- Which of them.
---@field requested "stop"|"restart"
--- As above.
---@field missed? integer

--- It is stopped for good, once.
---@class pexec.StoppedDetail
--- What it took.
---@field stage pexec.Stage
--- As above.
---@field missed? integer

--- A destination did not get lines; about once a second.
---@class pexec.OutputLostDetail
--- How many since the last such event.
---@field lines integer
--- Of which output.
---@field stream pexec.Stream
--- As above.
---@field missed? integer

--- What `on` returns, and `off` takes.
---@class pexec.Handle

--- The fields of a configuration, as a plain table. An unknown field or a wrong
--- type raises an error that names it.
---@class pexec.Settings
--- Unique within a manager. Required.
---@field id string
--- The program: a path, or looked up in the child's `PATH`; a relative path is
--- taken from `cwd`. Required.
---@field name string
--- Arguments after `argv[0]`. Default: `{}`.
---@field args? string[]
--- Working directory, entered as the child's user; else the host's at the first
--- start.
---@field cwd? string
--- Run once: `start` returns when it has ended, and failure is an error.
--- Default: `false`.
---@field one_shot? boolean
--- Run as this user, with its uid, gid and groups; sets `HOME`, `USER`,
--- `LOGNAME` and `SHELL`. A name, or a number of the user database.
---@field username? string
--- Added to the host's, overriding it; or a function that gives it before each
--- start. `env` in JSON. Default: `{}`.
---@field environment? table<string, string>|pexec.EnvironmentFunction
--- Each line of output goes to the logger: stdout at info, stderr at error.
--- Default: `false`.
---@field log? boolean
--- Each line of output goes there too.
---@field log_writer? pexec.Writer
--- Where `log` sends stdout, instead of the process's logger.
---@field stdout_logger? pexec.AnyLogger
--- The same, of stderr.
---@field stderr_logger? pexec.AnyLogger
--- What `stop` sends first. Default: `"SIGTERM"`.
---@field stop_signal? pexec.Signal
--- From the first signal to SIGKILL; at least 100 ms. Default: `10`.
---@field stop_timeout? pexec.Duration
--- Least time from one start to the next; or one that grows or is listed,
--- counted from the death. Default: `1`.
---@field restart_delay? pexec.Duration|pexec.Backoff|pexec.Duration[]
--- Decides what follows a death that nobody wanted.
---@field on_unexpected_exit? pexec.ExitFunction
--- Where standard input comes from: /dev/null, the host's own, `p:write`, or as
--- Input says. Default: `"null"`.
---@field stdin? "null"|"inherit"|"pipe"|pexec.Input
--- Where it goes, besides `log` and `log_writer`: one place or several, which
--- all get everything.
---@field stdout? pexec.Destination|pexec.Destination[]
--- The same; with `"stdout"` both go through one pipe, in the order written.
---@field stderr? "stdout"|pexec.Destination|pexec.Destination[]
--- Bytes of last lines that are kept for `p:tail` and exit records: 0 to 16
--- MiB; at most a line for each 24 of them. Default: `16384`.
---@field tail_size? integer
--- Bytes of output that may wait for Lua: 1 to 1 GiB. Default: `262144`.
---@field writer_buffer? integer
--- What follows then: the child waits, or lines are dropped and counted.
--- Default: `"block"`.
---@field writer_on_full? "block"|"drop"
--- What follows a death where no handler decides. Default: `"always"`.
---@field restart? "always"|"on_failure"|"never"
--- What counts as a success for `"on_failure"`: 0 to 255. A death by signal
--- never does. Default: `{ 0 }`.
---@field success_exit_codes? integer[]
--- How many restarts there may be until it is given up.
---@field restart_limit? pexec.RestartLimit
--- Is called when it is given up.
---@field on_give_up? pexec.GiveUpFunction
--- How long `on_unexpected_exit` may take; then `restart` decides. Without it
--- there is no limit.
---@field decision_timeout? pexec.Duration
--- Is called before each start; may change it, or refuse it.
---@field before_start? pexec.BeforeStartFunction
--- Is called once it runs; `p:start` returns after it.
---@field after_start? pexec.ProcessFunction
--- Is called before the first signal of a stop.
---@field before_stop? pexec.ProcessFunction
--- Is called after each end, before `on_unexpected_exit`.
---@field after_exit? pexec.RecordFunction
--- How long each of these hooks, and the function of `environment`, may take.
--- Default: `10`.
---@field hook_timeout? pexec.Duration
--- The stages of a stop, instead of `stop_signal` and `stop_timeout`; SIGKILL
--- to the group follows the last. At most 100.
---@field stop_sequence? pexec.StopStage[]
--- What `p:reload` sends; or a function that it calls. Default: `"SIGHUP"`.
---@field reload_signal? pexec.Signal|pexec.ProcessFunction
--- A group of the group database instead of the user's; without `username` that
--- alone is changed.
---@field group? string|integer
--- These groups and no other, `{}` none; else the user's.
---@field supplementary_groups? (string|integer)[]
--- Octal digits, `"0027"`, or an integer up to 511; else the host's at the
--- first start.
---@field umask? string|integer
--- -20 to 19; else the host's.
---@field nice? integer
--- -1000 to 1000, the more the sooner the kernel kills it for memory. Where
--- nothing is said 0, not the host's, unless the kernel refuses that.
---@field oom_score_adj? integer
--- No set-id program and no file capability gives it any. Default: `false`.
---@field no_new_privileges? boolean
--- The kernel's limits, `setrlimit`; else the host's.
---@field limits? pexec.Limits
--- CPUs that it may run on, from 0, each below 8192; else the host's.
---@field cpu_affinity? integer[]
--- Which of its reads and writes come first; else the host's.
---@field io_priority? pexec.IoPriority
--- Names such as `"net_bind_service"`: these and no other, whoever its user is,
--- and it can get no other; `{}` none.
---@field capabilities? string[]
--- A cgroup of its own, in which all that comes of it is found and ended; else
--- the host's.
---@field cgroup? pexec.Cgroup
--- What becomes of it where the host dies without stopping it: the kernel kills
--- it, or it goes on in nobody's charge. Default: `"kill"`.
---@field host_death? "kill"|"keep"
--- Nothing of the host's environment. Default: `false`.
---@field clear_environment? boolean
--- Files of `KEY=VALUE` lines, read anew at each start, added before
--- `environment`.
---@field environment_file? string|string[]

--- What `pexec.new_process_config` makes: reads and writes like a table of
--- these fields, with their defaults, and checks each value when it is set.
---@class pexec.ProcessConfig: pexec.Settings
local ProcessConfig = {}

--- Whether a process can be made of it: what is required is there, and values
--- are in their ranges. `path` stands in the message, as in Go. Fails with
--- `INVALID_CONFIG`. From: Go's pexec.
---@param path? string
---@return true?
---@return string? message
---@return pexec.Code? code
function ProcessConfig:validate(path) end

--- Deeply, with defaults; functions and objects by identity. `==` does the
--- same. From: Go's pexec.
---@param other any
---@return boolean
function ProcessConfig:equals(other) end

--- As JSON, with Go's keys; functions, writers and loggers are left out. A
--- function of `environment` cannot be. Fails with `INVALID_CONFIG`. From: Go's
--- pexec.
---@return string?
---@return string? message
---@return pexec.Code? code
function ProcessConfig:marshal_json() end

--- Nowhere, the host's own stream, or a log file.
---@alias pexec.Destination
---| "null"
---| "inherit"
---| pexec.File

--- One of these, for `stdin`.
---@class pexec.Input
--- Opened at each start, by the host.
---@field file? string
--- These bytes at each start, then the end.
---@field data? string

--- A log file, for `stdout` and `stderr`. `FILE.1` is the newest of the rotated
--- ones. A file that two processes name wants the same options in both.
---@class pexec.File
--- Its path, appended to; a relative one is taken from the host's directory at
--- the first start. Required.
---@field file string
--- Permissions of one that is made: octal digits, or an integer up to 511.
--- Default: `"0640"`.
---@field mode? integer|string
--- Byte for byte, or line by line with time, stream and id. Default: `"raw"`.
---@field format? "raw"|"text"|"json"|"logfmt"
--- Bytes, after which it is rotated at a line's end; 0: never. Default:
--- `10485760`.
---@field max_size? integer
--- How many rotated files stay: 0 to 9999. Default: `5`.
---@field keep? integer
--- Rotated by the clock too, counted from 1970 in UTC; at least 1 s, or 0: not.
--- Default: `0`.
---@field rotate_every? pexec.Duration
--- Rotated files are compressed: `FILE.1.gz`. Default: `false`.
---@field compress? boolean
--- Where it cannot be written: lines are dropped and counted, or the child
--- waits. Default: `"drop"`.
---@field on_full? "drop"|"block"

--- The n-th restart in a row waits `initial * factor^(n-1)`, at most `max`,
--- counted from the death.
---@class pexec.Backoff
--- The first delay. Required.
---@field initial pexec.Duration
--- At least 1. Default: `2`.
---@field factor? number
--- The longest delay; where nothing is said a minute, or `initial` where that
--- is longer.
---@field max? pexec.Duration
--- More or less by a random part up to this, from 0 to below 1. Default: `0.1`.
---@field jitter? number
--- Of running: n is 1 again; where nothing is said `max`.
---@field reset_after? pexec.Duration

--- One restart more than `max` within this time of running, and it is given up.
--- Delays do not count as running.
---@class pexec.RestartLimit
--- 0 to 10000. Required.
---@field max integer
--- Not 0, unless `max` is. Required.
---@field within pexec.Duration

--- A stage of a stop: one of `signal`, `run` and `call`.
---@class pexec.StopStage
--- Sends this, and SIGCONT.
---@field signal? pexec.Signal
--- Of a signal: to whom. Default: `"process"`.
---@field to? "process"|"group"
--- Runs this program, its name and arguments, as the process's user, with
--- `MAINPID` and `PEXEC_ID`.
---@field run? string[]
--- Runs as a task; with `false` as its result the next stage begins at once.
---@field call? fun(process: pexec.ManagedProcess, context: pexec.Context): any
--- How long the stage lasts, unless nothing of the process is left before.
--- Default: `10`.
---@field wait? pexec.Duration

--- Each is one number for soft and hard, or both, in the unit that `setrlimit`
--- has it in.
---@class pexec.Limits
---@field cpu? integer|pexec.LimitWord|pexec.Limit
---@field fsize? integer|pexec.LimitWord|pexec.Limit
---@field data? integer|pexec.LimitWord|pexec.Limit
---@field stack? integer|pexec.LimitWord|pexec.Limit
---@field core? integer|pexec.LimitWord|pexec.Limit
---@field rss? integer|pexec.LimitWord|pexec.Limit
---@field nproc? integer|pexec.LimitWord|pexec.Limit
---@field nofile? integer|pexec.LimitWord|pexec.Limit
---@field memlock? integer|pexec.LimitWord|pexec.Limit
---@field as? integer|pexec.LimitWord|pexec.Limit
---@field locks? integer|pexec.LimitWord|pexec.Limit
---@field sigpending? integer|pexec.LimitWord|pexec.Limit
---@field msgqueue? integer|pexec.LimitWord|pexec.Limit
---@field nice? integer|pexec.LimitWord|pexec.Limit
---@field rtprio? integer|pexec.LimitWord|pexec.Limit
---@field rttime? integer|pexec.LimitWord|pexec.Limit

--- Both of a limit; or an array of the two.
---@class pexec.Limit
--- Not above `hard`.
---@field soft integer|pexec.LimitWord
--- Not above the host's, unless it is privileged.
---@field hard integer|pexec.LimitWord

--- No limit; `math.huge` does as well.
---@alias pexec.LimitWord
---| "unlimited"

--- As `ionice` has it.
---@class pexec.IoPriority
--- Required.
---@field class "realtime"|"best_effort"|"idle"
--- 0, the first served, to 7; not of `"idle"`. Default: `4`.
---@field level? integer

--- A cgroup (v2) in which a process's children are born.
---@class pexec.Cgroup
--- Below the host's own cgroup; with a `/` in front from the root of the
--- hierarchy. Required.
---@field path string
--- Bytes.
---@field memory_max? integer|"max"
--- Processes and threads, 1 or more.
---@field pids_max? integer|"max"
--- 1 to 10000; the kernel's 100 is the middle.
---@field cpu_weight? integer

--- A hook, or what `p:reload` calls. Runs as a task.
---@alias pexec.ProcessFunction
---| fun(process: pexec.ManagedProcess): any

--- Gives the environment of the next start; where it fails, the start fails
--- with `UNPREPARED`.
---@alias pexec.EnvironmentFunction
---| fun(process: pexec.ManagedProcess): table<string, string>|nil

--- May change the copy that it gets: what a Launch has. `false`, and a reason:
--- it is not started, `VETOED`.
---@alias pexec.BeforeStartFunction
---| fun(process: pexec.ManagedProcess, config: pexec.ProcessConfig): any, any

--- The hook `after_exit`.
---@alias pexec.RecordFunction
---| fun(process: pexec.ManagedProcess, record: pexec.ExitRecord): any

--- Gets how the last child has ended, nil where none ever ran.
---@alias pexec.GiveUpFunction
---| fun(record: pexec.ExitRecord?, reason: string): any

--- Is called once for each death. `exit_code` is -1 for a signal, nil where it
--- cannot be known. A true result restarts it, a false one or nil leaves it
--- down; after an error `restart` decides.
---@alias pexec.ExitFunction
---| fun(exit_code: integer?, exit: pexec.Exit): boolean|pexec.Verdict|nil

--- What `on_unexpected_exit` may return.
---@class pexec.Verdict
--- `false` leaves it down. Default: `true`.
---@field restart? boolean
--- Of the restart, counted from the death; else as configured.
---@field delay? pexec.Duration
--- Fields of the next start's configuration.
---@field config? pexec.Launch
--- They hold for each start from now on. Default: `false`.
---@field keep? boolean

--- The fields of Settings that may be another's at a start; `environment` is a
--- table there.
---@class pexec.Launch
---@field name? string
---@field args? string[]
---@field environment? table<string, string>|pexec.EnvironmentFunction
---@field cwd? string
---@field username? string
---@field clear_environment? boolean
---@field environment_file? string|string[]
---@field group? string|integer
---@field supplementary_groups? (string|integer)[]
---@field umask? string|integer
---@field nice? integer
---@field oom_score_adj? integer
---@field no_new_privileges? boolean
---@field limits? pexec.Limits
---@field cpu_affinity? integer[]
---@field io_priority? pexec.IoPriority
---@field capabilities? string[]

--- Seconds as a number, `0.25`, or text in Go's form: `"250ms"`, `"1m30s"`,
--- `"1.5h"`. Not negative. Read back it is a number of seconds.
---@alias pexec.Duration
---| number
---| string

--- A number or a name: `15`, `"TERM"`, `"SIGTERM"`, `"SIGRTMIN+1"`, in either
--- case; also Go's words, `"terminated"`. Read back it is the name.
---@alias pexec.Signal
---| integer
---| string

--- Which output of a child. A merged stderr counts as stdout.
---@alias pexec.Stream
---| "stdout"
---| "stderr"

--- How much a line of the log matters.
---@alias pexec.Level
---| "debug"
---| "info"
---| "warn"
---| "error"

--- Is called for one line at a time, in order, without its newline. A line over
--- 64 KiB comes in pieces; `partial` is true on all but the last. An error in
--- it is logged, once in a burst.
---@alias pexec.WriterFunction
---| fun(line: string, stream: pexec.Stream, partial?: true)

--- Any object with this method, such as an `io` file. It gets each line with
--- its newline.
---@class pexec.WriterObject
--- Is called as `object:write(text)`.
---@field write fun(self: any, text: string)

--- Where lines of output go: a function or an object.
---@alias pexec.Writer
---| pexec.WriterFunction
---| pexec.WriterObject

--- Any object with these methods, each called as `logger:info(message)`;
--- loggers of LuaLogging fit.
---@class pexec.AnyLogger
--- At level debug.
---@field debug fun(self: any, message: string)
--- At level info.
---@field info fun(self: any, message: string)
--- At level warn.
---@field warn fun(self: any, message: string)
--- At level error.
---@field error fun(self: any, message: string)

--- The built-in logger, userdata. It writes from C, on a thread of its own,
--- without waiting for Lua. The default one writes `"text"` to stderr, at
--- `"info"`.
---@class pexec.Logger: pexec.AnyLogger
local Logger = {}

--- One line, with an id of a process before it, where there is one. Control
--- characters are made visible. From: pexec's own.
---@param message string
---@param id? string
function Logger:debug(message, id) end

--- As `debug`, one level up. From: pexec's own.
---@param message string
---@param id? string
function Logger:info(message, id) end

--- As `debug`, two levels up. From: pexec's own.
---@param message string
---@param id? string
function Logger:warn(message, id) end

--- As `debug`, three levels up. From: pexec's own.
---@param message string
---@param id? string
function Logger:error(message, id) end

--- What `pexec.new_logger` takes. All but `level` and `format` go with `file`
--- alone.
---@class pexec.LoggerOptions
--- The least level that is written. Default: `"info"`.
---@field level? pexec.Level
--- How lines are written. Default: `"text"`.
---@field format? "text"|"json"|"logfmt"
--- A path, a device, or a symbolic link; without one stderr.
---@field file? string
--- As in File. Default: `"0640"`.
---@field mode? integer|string
--- As in File. Default: `10485760`.
---@field max_size? integer
--- As in File. Default: `5`.
---@field keep? integer
--- As in File. Default: `0`.
---@field rotate_every? pexec.Duration
--- As in File. Default: `false`.
---@field compress? boolean

--- A stable word for programs: one of pexec's own, or the system's, such as
--- `"ENOENT"`. docs/errors.md tells cause and cure of each. Any call that can
--- fail may also answer `FORKED`, and the system's `ENOMEM`, `EMFILE` or
--- `EAGAIN`.
---@alias pexec.Code
---| string
---| "ALREADY_STOPPED"
---| "ALREADY_STARTED"
---| "NOT_STARTED"
---| "PROCESS_DONE"
---| "PROCESS_NOT_EXISTS"
---| "CANCELED"
---| "DEADLINE_EXCEEDED"
---| "INVALID_CONFIG"
---| "EXIT_STATUS"
---| "SIGNALED"
---| "STOP_TIMEOUT"
---| "FORKED"
---| "UNSUPPORTED"
---| "VETOED"
---| "UNPREPARED"

--- Where a process is in its life; docs/design.md has the table of states.
---@alias pexec.State
---| "idle"
---| "starting"
---| "running"
---| "deciding"
---| "backoff"
---| "stopping"
---| "stopped"
---| "exited"
---| "failed"

--- What it took to stop a process: nothing, the signal to it alone, that to its
--- group, SIGKILL; with a `stop_sequence` also a program or a call.
---@alias pexec.Stage
---| "none"
---| "process"
---| "group"
---| "kill"
---| "run"
---| "call"

--- What becomes of a process, as `p:on` and `pm:on` tell it.
---@alias pexec.Event
---| "started"
---| "exited"
---| "restarting"
---| "given_up"
---| "stopping"
---| "stopped"
---| "output_lost"

return pexec
