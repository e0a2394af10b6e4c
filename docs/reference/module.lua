-- The reference, part 4: the module, managers, tasks. See values.lua.

return {
  { class = "Module", receiver = "pexec", from = "Go", is_module = true,
    text = [[What `require "pexec"` returns. It makes no thread and no
      descriptor before the first start.]],
    fields = {
      { "_VERSION", "string", [[`"pexec X.Y.Z"`.]], from = "own" },
      { "null_logger", "Logger", [[Drops everything.]], from = "own" },
      { "noop_process_manager", "ProcessManager", [[Does nothing and
        succeeds; adding to it fails with `UNSUPPORTED`.]] },
    },
    methods = {
      { "new_managed_process(config: Settings, logger?: AnyLogger): "
        .. "ManagedProcess", [[A process, not started. `logger` gets what
        there is to tell of it; else the default one.]],
        codes = "INVALID_CONFIG" },
      { "new_process_manager(options?: AnyLogger|ManagerOptions): "
        .. "ProcessManager", [[A manager without processes.]] },
      { "merge_add_process_managers(dst: ProcessManager, "
        .. "src: ProcessManager): ManagedProcess[]", [[Adds all of `src` to
        `dst`, and returns those that were replaced. Starts nothing.]],
        codes = "ALREADY_STOPPED UNSUPPORTED" },
      { "merge_remove_process_managers(dst: ProcessManager, "
        .. "src: ProcessManager): ManagedProcess[]", [[Removes from `dst`
        whatever has an id of `src`, and returns it. Stops nothing.]] },
      { "new_process_config(settings: Settings): ProcessConfig", [[Of a table;
        a copy of another one.]] },
      { "unmarshal_process_config(json: string): ProcessConfig", [[From JSON.
        Keys match in any case, unknown ones are ignored.]],
        codes = "INVALID_CONFIG" },
      { "new_context(options?: ContextOptions): Context", [[A context.]] },
      { "task(f: function, ...: any): Task", [[Runs `f(...)` as a task, to its
        first wait, at once.]], from = "own" },
      { "sleep(duration: Duration): true", [[Waits; in a task it suspends that
        one alone, else it dispatches meanwhile.]], from = "own",
        codes = "CANCELED" },
      { "await(begin: function): any", [[Calls `begin(resume)`, and waits
        until somebody, the program's loop for instance, calls `resume(...)`:
        returns what that was given. In a task it suspends that one alone.]],
        from = "own", codes = "CANCELED" },
      { "dispatch(timeout?: Duration, max?: integer): integer", [[Runs
        handlers and tasks that wait, `max` at most, and returns how many ran.
        0: does not wait for any; none: until something has run, or nothing
        can come. In a task it raises.]], from = "own", codes = "FORKED" },
      { "pollfd(): integer", [[A descriptor that is readable when `dispatch`
        has work. It belongs to pexec.]], from = "own",
        codes = "UNSUPPORTED" },
      { "new_logger(options: LoggerOptions): Logger", [[The built-in logger,
        at a level, in a form, to a file or stderr.]], from = "own",
        codes = "ENOENT EACCES EISDIR" },
    } },
  { class = "ProcessManager", receiver = "pm", from = "Go",
    text = [[Many processes under their ids, in the order of adding, userdata.
      It takes any object with `id`, `start`, `stop` and `status`. A
      to-be-closed variable stops it.]],
    metamethods = { "__close", "__tostring" },
    methods = {
      { "process_ids(): string[]", [[In the order of adding; none once it is
        stopped.]] },
      { "process_by_id(id: string): ManagedProcess?", [[The process, or nil;
        nil once it is stopped.]] },
      { "remove_process_by_id(id: string): ManagedProcess?", [[Forgets it, and
        returns it; does not stop it.]] },
      { "add_process(process: ManagedProcess, start?: boolean): true, "
        .. "replaced: ManagedProcess?", [[`replaced` had this id, and is not
        stopped. Starts the new one where the manager has started and `start`
        is true; where that fails, its error is answered, and the old one
        stays.]], codes = "ALREADY_STOPPED" },
      { "add_process_from_config(config: Settings, context?: Context): true, "
        .. "replaced: ManagedProcess?", [[Makes the process with the manager's
        logger, then as `add_process` with `start` true.]],
        codes = "ALREADY_STOPPED INVALID_CONFIG" },
      { "start(context?: Context): true", [[Starts all, in order. Where one
        fails, stops all and answers its error: then the manager is stopped.
        True where it was started before.]], codes = "ALREADY_STOPPED" },
      { "stop(): true", [[Stops all side by side, and returns when all are
        gone; all errors are in one message. Final.]],
        codes = "STOP_TIMEOUT" },
      { "reopen_logs(): true", [[The same as `p:reopen_logs`, of all.]],
        from = "own", codes = "CANCELED" },
      { "on(event: Event, f: fun(process: ManagedProcess, detail: table): any)"
        .. ": Handle", [[As `p:on`, of each process that it holds, also those
        that are added later.]], from = "own", codes = "FORKED" },
      { "off(handle: Handle): boolean", [[Takes it off again: true if it was
        there.]], from = "own" },
      { "clone(): ProcessManager", [[A second manager of the same processes:
        stopping either stops them.]] },
      { "run(options?: RunOptions): true, reason: string", [[Starts if need
        be, and supervises until it is stopped; `reason` is the signal's name,
        or `"stopped"`. For its duration alone it catches the signals; a
        second one kills all groups.]], from = "own",
        codes = "ALREADY_STOPPED EBUSY EINVAL CANCELED" },
      { "pollfd(): integer", [[As `pexec.pollfd`; with `events` and `timeout`
        cqueues can poll a manager.]], from = "own", codes = "UNSUPPORTED" },
      { "events(): string", [[`"r"`.]], from = "own" },
      { "timeout(): number?", [[Seconds until something is due by itself; nil:
        nothing is.]], from = "own" },
      { "getfd(): integer", [[As `pollfd`, for LuaSocket's `select` and
        copas.]], from = "own", codes = "UNSUPPORTED" },
    } },
  { class = "RunOptions", from = "own",
    text = [[What `pm:run` takes.]],
    fields = {
      { "signals", "Signal[]?", [[What ends it, `{}` nothing. One that is
        ignored stays so.]], default = '{ "INT", "TERM" }' },
    } },
  { class = "ManagerOptions", from = "own",
    text = [[What `pexec.new_process_manager` takes instead of a logger.]],
    fields = {
      { "logger", "AnyLogger?", [[Of the processes that it makes.]] },
    } },
  { class = "Context", receiver = "ctx", from = "Go",
    text = [[Can be cancelled, once, by hand or by its time.]],
    metamethods = { "__tostring" },
    methods = {
      { "cancel()", [[Cancels it, unless it is over.]] },
      { "err(): message: string?, code: Code?", [[nil; or a message and
        `CANCELED` or `DEADLINE_EXCEEDED`.]] },
    } },
  { class = "ContextOptions", from = "Go",
    text = [[What `pexec.new_context` takes.]],
    fields = {
      { "timeout", "Duration?", [[From now.]] },
    } },
  { class = "Task", receiver = "t", from = "own",
    text = [[A function that runs as a coroutine of its own.]],
    metamethods = { "__tostring" },
    methods = {
      { "wait(): any", [[Its results; or nil and the message of its error,
        which is logged with its traceback; or where the caller is cancelled
        nil, a message and `CANCELED`.]] },
      { "cancel()", [[Cancels its context: its waiting calls answer
        `CANCELED`.]] },
    } },
}
