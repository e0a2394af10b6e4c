-- The reference of the Lua module, part 1: values of all kinds. From these
-- files spec/support/reference.lua makes docs/reference.md and
-- lua/pexec/meta.lua; docs/reference.md tells how to read them.
--
-- A class has fields, { name, type, text, default =, from = }, and methods,
-- { signature, text, codes =, from = }. Where 'codes' is there, the method
-- answers nil, a message and one of these codes when it fails. Types begin in
-- upper case where they are told here. 'from' says whose behaviour it is:
-- Go's pexec, systemd, POSIX, or pexec's own.

return {
  { alias = "Duration", type = "number|string", from = "Go",
    text = [[Seconds as a number, `0.25`, or text in Go's form: `"250ms"`,
      `"1m30s"`, `"1.5h"`. Not negative. Read back it is a number of
      seconds.]] },
  { alias = "Signal", type = "integer|string", from = "Go",
    text = [[A number or a name: `15`, `"TERM"`, `"SIGTERM"`, `"SIGRTMIN+1"`,
      in either case; also Go's words, `"terminated"`. Read back it is the
      name.]] },
  { alias = "Stream", type = '"stdout"|"stderr"', from = "POSIX",
    text = [[Which output of a child. A merged stderr counts as stdout.]] },
  { alias = "Level", type = '"debug"|"info"|"warn"|"error"', from = "Go",
    text = [[How much a line of the log matters.]] },
  { alias = "WriterFunction",
    type = "fun(line: string, stream: Stream, partial?: true)", from = "Go",
    text = [[Is called for one line at a time, in order, without its newline.
      A line over 64 KiB comes in pieces; `partial` is true on all but the
      last. An error in it is logged, once in a burst.]] },
  { class = "WriterObject", from = "POSIX",
    text = [[Any object with this method, such as an `io` file. It gets each
      line with its newline.]],
    fields = {
      { "write", "fun(self: any, text: string)", [[Is called as
        `object:write(text)`.]] },
    } },
  { alias = "Writer", type = "WriterFunction|WriterObject", from = "Go",
    text = [[Where lines of output go: a function or an object.]] },
  { class = "AnyLogger", from = "Go",
    text = [[Any object with these methods, each called as
      `logger:info(message)`; loggers of LuaLogging fit.]],
    fields = {
      { "debug", "fun(self: any, message: string)", [[At level debug.]] },
      { "info", "fun(self: any, message: string)", [[At level info.]] },
      { "warn", "fun(self: any, message: string)", [[At level warn.]] },
      { "error", "fun(self: any, message: string)", [[At level error.]] },
    } },
  { class = "Logger", parent = "AnyLogger", receiver = "logger",
    from = "own", text = [[The built-in logger, userdata. It writes from C, on
      a thread of its own, without waiting for Lua. The default one writes
      `"text"` to stderr, at `"info"`.]],
    methods = {
      { "debug(message: string, id?: string)", [[One line, with an id of a
        process before it, where there is one. Control characters are made
        visible.]] },
      { "info(message: string, id?: string)", [[As `debug`, one level up.]] },
      { "warn(message: string, id?: string)", [[As `debug`, two levels
        up.]] },
      { "error(message: string, id?: string)", [[As `debug`, three levels
        up.]] },
    } },
  { class = "LoggerOptions", from = "own",
    text = [[What `pexec.new_logger` takes. All but `level` and `format` go
      with `file` alone.]],
    fields = {
      { "level", "Level?", [[The least level that is written.]],
        default = '"info"' },
      { "format", '("text"|"json"|"logfmt")?', [[How lines are written.]],
        default = '"text"' },
      { "file", "string?", [[A path, a device, or a symbolic link; without
        one stderr.]] },
      { "mode", "integer|string|nil", [[As in File.]], default = '"0640"' },
      { "max_size", "integer?", [[As in File.]], default = "10485760" },
      { "keep", "integer?", [[As in File.]], default = "5" },
      { "rotate_every", "Duration?", [[As in File.]], default = "0" },
      { "compress", "boolean?", [[As in File.]], default = "false" },
    } },
  { alias = "Code", type = "string", codes = true, from = "own",
    text = [[A stable word for programs: one of pexec's own, or the system's,
      such as `"ENOENT"`. docs/errors.md tells cause and cure of each. Any
      call that can fail may also answer `FORKED`, and the system's `ENOMEM`,
      `EMFILE` or `EAGAIN`.]] },
  { alias = "State", from = "own", of = "PEXEC_STATES",
    text = [[Where a process is in its life; docs/design.md has the table of
      states.]] },
  { alias = "Stage", from = "own", of = "PEXEC_STAGES",
    text = [[What it took to stop a process: nothing, the signal to it alone,
      that to its group, SIGKILL; with a `stop_sequence` also a program or a
      call.]] },
  { alias = "Event", from = "own", of = "PEXEC_TRANSITIONS",
    text = [[What becomes of a process, as `p:on` and `pm:on` tell it.]] },
}
