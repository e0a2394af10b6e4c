-- What start says when nothing can be executed: the system's code, the path,
-- the stage; the program told apart from its interpreter and from the working
-- directory; and that such a failure leaves nothing behind.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

local function new(fields)
  fields.id = "failing"
  return assert(pexec.new_managed_process(fields, pexec.null_logger))
end

-- What a managed start answers, and a one-shot's: they agree.
local function assert_start_fails(fields, expected_code, expected_message)
  local process = new(fields)
  local ok, message, code = process:start()
  lu.assertNil(ok)
  lu.assertEquals(code, expected_code)
  lu.assertEquals(message, expected_message)
  lu.assertEquals({ process:status() },
                  { nil, "process not started", "NOT_STARTED" })
  lu.assertEquals({ process:wait() }, { true })
  fields.one_shot = true
  lu.assertEquals({ new(fields):start() }, { nil, message, code })
end

local function executing(path, reason, name)
  return ('error starting process "%s": executing "%s": %s')
         :format(name or path, path, reason)
end

local function script(text)
  local path = spec.tmpdir() .. "/script"
  spec.write(path, text)
  assert(os.execute("chmod +x " .. path))
  return path
end

TestProgram = {}

-- FAULTS 4
function TestProgram:test_one_that_is_missing()
  local path = spec.tmpdir() .. "/missing"
  assert_start_fails({ name = path }, "ENOENT",
                     executing(path, "no such file or directory"))
end

-- FAULTS 4
function TestProgram:test_a_name_that_is_not_in_PATH()
  assert_start_fails({ name = "no-such-program" }, "ENOENT",
      'error starting process "no-such-program": executable file not found '
      .. "in PATH")
end

-- FAULTS 4
function TestProgram:test_one_that_may_not_be_executed()
  local path = spec.tmpdir() .. "/plain"
  spec.write(path, "text")
  assert_start_fails({ name = path }, "EACCES",
                     executing(path, "permission denied"))
end

-- FAULTS 4
function TestProgram:test_one_in_PATH_that_may_not_be_executed_is_named()
  local dir = spec.tmpdir()
  spec.write(dir .. "/tool", "text")
  assert_start_fails({ name = "tool", environment = {
                         PATH = "/nowhere:" .. dir .. ":/bin" } }, "EACCES",
                     executing(dir .. "/tool", "permission denied", "tool"))
end

-- FAULTS 4
function TestProgram:test_a_directory()
  local dir = spec.tmpdir()
  assert_start_fails({ name = dir }, "EACCES",
                     executing(dir, "permission denied"))
end

-- FAULTS 4
function TestProgram:test_a_path_through_a_file()
  local path = script("#!/bin/sh\n")
  assert_start_fails({ name = path .. "/more" }, "ENOTDIR",
                     executing(path .. "/more", "not a directory"))
end

-- FAULTS 4
function TestProgram:test_a_loop_of_symbolic_links()
  local dir = spec.tmpdir()
  assert(os.execute(("ln -s b %s/a && ln -s a %s/b"):format(dir, dir)))
  assert_start_fails({ name = dir .. "/a" }, "ELOOP",
      executing(dir .. "/a", "too many levels of symbolic links"))
end

-- FAULTS 4
function TestProgram:test_a_name_that_is_too_long()
  local path = "/" .. ("x"):rep(300)
  assert_start_fails({ name = path }, "ENAMETOOLONG",
                     executing(path, "file name too long"))
end

-- FAULTS 4
function TestProgram:test_an_argument_list_that_is_too_long()
  local args = {}
  for i = 1, 100 do args[i] = ("x"):rep(100000) end
  assert_start_fails({ name = "/bin/true", args = args }, "E2BIG",
                     executing("/bin/true", "argument list too long"))
end

-- FAULTS 4
function TestProgram:test_one_argument_that_is_too_long()
  assert_start_fails({ name = "/bin/true", args = { ("x"):rep(200000) } },
                     "E2BIG",
                     executing("/bin/true", "argument list too long"))
end

-- FAULTS 4
function TestProgram:test_a_broken_binary()
  local path = script("\127ELF\2\1\1")
  lu.assertEquals(select(3, new{ name = path }:start()), "ENOEXEC")
end

-- FAULTS 4, 18
function TestProgram:test_one_that_is_being_written()
  local path = script(assert(spec.read(spec.child_path)))
  local writer = assert(io.open(path, "r+b"))
  assert_start_fails({ name = path }, "ETXTBSY",
                     executing(path, "text file busy"))
  writer:close()
end

TestInterpreter = {}

-- FAULTS 4
function TestInterpreter:test_a_missing_one_is_named()
  local path = script("#!/no/such/interpreter -x\n")
  assert_start_fails({ name = path }, "ENOENT", executing(path,
      'its interpreter "/no/such/interpreter" does not exist'))
end

-- FAULTS 4
function TestInterpreter:test_a_missing_one_of_a_script_in_PATH_is_named()
  local path = script("#!  /no/such/interpreter\n")
  local dir = path:match("^(.*)/")
  assert_start_fails({ name = "script", environment = { PATH = dir } },
      "ENOENT", executing(path,
      'its interpreter "/no/such/interpreter" does not exist', "script"))
end

-- FAULTS 4
function TestInterpreter:test_a_missing_one_of_a_relative_script_is_named()
  local path = script("#!/no/such/interpreter\n")
  assert_start_fails({ name = "./script", cwd = path:match("^(.*)/") },
      "ENOENT", executing("./script",
      'its interpreter "/no/such/interpreter" does not exist'))
end

-- FAULTS 4
function TestInterpreter:test_a_carriage_return_after_it_is_told()
  local path = script("#!/bin/sh\r\necho hello\r\n")
  assert_start_fails({ name = path }, "ENOENT", executing(path,
      "its first line ends in a carriage return, so that its interpreter is "
      .. "not found; save it with Unix line ends"))
end

-- FAULTS 4
function TestInterpreter:test_a_script_without_one_is_told_what_it_needs()
  local path = script("echo hello\n")
  assert_start_fails({ name = path }, "ENOEXEC", executing(path,
      "exec format error (a script needs a first line such as #!/bin/sh)"))
end

TestDirectory = {}

local function entering(path, reason)
  return ('error setting process working directory to "%s": %s')
         :format(path, reason)
end

-- FAULTS 5
function TestDirectory:test_one_that_is_missing()
  local path = spec.tmpdir() .. "/missing"
  assert_start_fails({ name = "/bin/true", cwd = path }, "ENOENT",
                     entering(path, "no such file or directory"))
end

-- FAULTS 5
function TestDirectory:test_one_that_is_a_file()
  local path = script("")
  assert_start_fails({ name = "/bin/true", cwd = path }, "ENOTDIR",
                     entering(path, "not a directory"))
end

-- FAULTS 5
function TestDirectory:test_one_that_its_user_may_not_enter()
  if spec.stat(spec.probe.pid()) and
     not spec.read("/proc/self/status"):find("\nUid:\t0\t") then
    lu.skip("only root can run it as another user")
  end
  local path = spec.tmpdir()
  assert(os.execute("chmod 700 " .. path))
  assert_start_fails({ name = "/bin/true", cwd = path, username = "nobody" },
                     "EACCES", entering(path, "permission denied"))
end

-- FAULTS 5
function TestDirectory:test_it_is_told_apart_where_both_are_missing()
  local dir = spec.tmpdir()
  assert_start_fails({ name = dir .. "/program", cwd = dir .. "/cwd" },
                     "ENOENT",
                     entering(dir .. "/cwd", "no such file or directory"))
end

TestAfterwards = {}

function TestAfterwards:test_nothing_has_run_and_nothing_will()
  local path = spec.tmpdir() .. "/program"
  local process = new{ name = path, restart_delay = 0 }
  process:start()
  spec.write(path, "#!/bin/sh\ntouch " .. path .. ".ran\n")
  assert(os.execute("chmod +x " .. path))
  pexec.sleep(0.1)
  lu.assertNil(spec.read(path .. ".ran"))
end

function TestAfterwards:test_the_handler_is_not_asked()
  local function handler() error("is not to be called") end
  local process = new{ name = "/nowhere", on_unexpected_exit = handler }
  lu.assertNil((process:start()))
  lu.assertEquals({ process:wait() }, { true })
end

function TestAfterwards:test_it_may_be_started_again_at_once()
  local path = spec.tmpdir() .. "/program"
  local process = new{ name = path }
  for _ = 1, 300 do
    lu.assertEquals(select(3, process:start()), "ENOENT")
  end
  spec.write(path, "#!/bin/sh\nsleep 60\n")
  assert(os.execute("chmod +x " .. path))
  lu.assertEquals({ process:start() }, { true })
  process:stop()
end

function TestAfterwards:test_it_may_be_stopped()
  local process = new{ name = "/nowhere" }
  process:start()
  lu.assertEquals({ process:stop() }, { true, "none" })
  lu.assertEquals(select(3, process:start()), "ALREADY_STOPPED")
end

-- FAULTS 4: the harness looks for children, descriptors and threads.
function TestAfterwards:test_a_thousand_failures_leave_nothing()
  local function resident_kib()
    collectgarbage()
    collectgarbage()
    return tonumber(spec.read("/proc/self/status"):match("VmRSS:%s*(%d+)"))
  end
  local function fail(count)
    for _ = 1, count do
      local process = new{ name = "/nowhere", log_writer = print }
      lu.assertEquals(select(3, process:start()), "ENOENT")
    end
    pexec.dispatch(0)
  end
  fail(200)
  local before = resident_kib()
  fail(1000)
  if os.getenv("PEXEC_SPEC_MODE") == "plain" then
    lu.assertTrue(resident_kib() - before < 1024)
  end
end
