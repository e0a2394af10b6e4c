-- What a child inherits and what it is given: variables, working directory,
-- umask, the program found in PATH; as they were at the first start.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"
local probe = spec.probe

local function new(fields, ...)
  return assert(pexec.new_managed_process(spec.child(fields, ...),
                                          pexec.null_logger))
end

-- Runs a one-shot; returns its lines.
local function lines_of(fields, ...)
  local lines = {}
  fields.one_shot = true
  fields.log_writer = function(line) lines[#lines + 1] = line end
  assert(new(fields, ...):start())
  return lines
end

local function line_of(fields, ...)
  return lines_of(fields, ...)[1]
end

-- Runs f with a variable of the host set to this (nil: unset), and then sets
-- it back.
local function with_variable(name, value, f)
  local before = os.getenv(name)
  probe.setenv(name, value)
  local ok, message = xpcall(f, debug.traceback)
  probe.setenv(name, before)
  if not ok then error(message, 0) end
end

local function message_of(f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok, "nothing was raised")
  return message
end

-- An executable script in a directory of its own; the directory.
local function directory_with(name, text)
  local dir = spec.tmpdir()
  spec.write(dir .. "/" .. name, text)
  assert(os.execute(("chmod +x %s/%s"):format(dir, name)))
  return dir
end

TestEnvironment = {}

-- FAULTS 17
function TestEnvironment:test_variables_are_added()
  lu.assertEquals(lines_of({ environment = { PEXEC_A = "1", PEXEC_B = "b c" } },
                           "env", "PEXEC_A", "env", "PEXEC_B"),
                  { "PEXEC_A=1", "PEXEC_B=b c" })
end

-- FAULTS 17
function TestEnvironment:test_the_hosts_are_inherited()
  with_variable("PEXEC_A", "of the host", function()
    lu.assertEquals(line_of({}, "env", "PEXEC_A"), "PEXEC_A=of the host")
  end)
end

-- FAULTS 17
function TestEnvironment:test_the_hosts_are_overridden_and_occur_once()
  with_variable("PEXEC_A", "of the host", function()
    local lines = lines_of({ environment = { PEXEC_A = "own" },
                             name = "/usr/bin/env", args = {} })
    local found = {}
    for _, line in ipairs(lines) do
      if line:find("^PEXEC_A=") then found[#found + 1] = line end
    end
    lu.assertEquals(found, { "PEXEC_A=own" })
  end)
end

-- FAULTS 17
function TestEnvironment:test_the_host_keeps_its_own()
  with_variable("PEXEC_A", "of the host", function()
    line_of({ environment = { PEXEC_A = "own", PEXEC_B = "own" } }, "env",
            "PEXEC_A")
    lu.assertEquals(os.getenv("PEXEC_A"), "of the host")
    lu.assertNil(os.getenv("PEXEC_B"))
  end)
end

-- FAULTS 17
function TestEnvironment:test_a_value_may_be_empty()
  with_variable("PEXEC_A", "of the host", function()
    lu.assertEquals(line_of({ environment = { PEXEC_A = "" } }, "env",
                            "PEXEC_A"), "PEXEC_A=")
  end)
end

-- FAULTS 17
function TestEnvironment:test_a_value_may_hold_any_byte_but_NUL()
  local bytes = {}
  for byte = 1, 255 do
    if byte ~= 10 then bytes[#bytes + 1] = string.char(byte) end
  end
  local value = table.concat(bytes) .. "==a=b"
  lu.assertTrue(line_of({ environment = { PEXEC_A = value } }, "env",
                        "PEXEC_A") == "PEXEC_A=" .. value)
end

-- FAULTS 17
function TestEnvironment:test_one_name_may_begin_another()
  lu.assertEquals(lines_of({ environment = { PEXEC = "short",
                                             PEXEC_A = "long" } },
                           "env", "PEXEC", "env", "PEXEC_A"),
                  { "PEXEC=short", "PEXEC_A=long" })
end

-- FAULTS 17
function TestEnvironment:test_odd_names_are_refused()
  for name, reason in pairs{ ["A=B"] = '"=" in a name', [""] = "empty name",
                             ["A\0B"] = "NUL byte in a name" } do
    lu.assertStrContains(message_of(new, { environment = { [name] = "x" } }),
                         reason)
  end
  lu.assertStrContains(message_of(new, { environment = { "x" } }),
                       "environment[1]: name expected, got number 1")
end

-- FAULTS 17
function TestEnvironment:test_odd_values_are_refused()
  lu.assertStrContains(message_of(new, { environment = { A = "x\0y" } }),
                       "environment[\"A\"]: NUL byte")
  for _, value in ipairs{ 1, true, {} } do
    lu.assertStrContains(message_of(new, { environment = { A = value } }),
                         'environment["A"]: string expected, got '
                         .. type(value))
  end
end

-- FAULTS 17
function TestEnvironment:test_1_mb_in_all_arrives()
  local environment = {}
  for i = 1, 20 do
    environment[("PEXEC_%02d"):format(i)] = ("%02d"):format(i):rep(26000)
  end
  local verbs = {}
  for i = 1, 20 do
    verbs[#verbs + 1] = "env"
    verbs[#verbs + 1] = ("PEXEC_%02d"):format(i)
  end
  for i, line in ipairs(lines_of({ environment = environment },
                                 table.unpack(verbs))) do
    lu.assertTrue(line == ("PEXEC_%02d="):format(i)
                          .. ("%02d"):format(i):rep(26000), "variable " .. i)
  end
end

TestPath = {}

-- FAULTS 17
function TestPath:test_the_programs_own_one_is_searched()
  local dir = directory_with("tool", "#!/bin/sh\necho found $0\n")
  lu.assertEquals(line_of({ name = "tool", args = {},
                            environment = { PATH = "/bin:" .. dir } }),
                  "found " .. dir .. "/tool")
end

-- FAULTS 17
function TestPath:test_the_hosts_does_not_count_then()
  local dir = directory_with("tool", "#!/bin/sh\n")
  with_variable("PATH", dir, function()
    local process = new({ name = "tool", args = {},
                          environment = { PATH = "/nowhere" } })
    lu.assertEquals(select(3, process:start()), "ENOENT")
  end)
end

-- FAULTS 17
function TestPath:test_else_it_is_the_hosts()
  local dir = directory_with("tool", "#!/bin/sh\necho found\n")
  with_variable("PATH", dir, function()
    lu.assertEquals(line_of({ name = "tool", args = {} }), "found")
  end)
end

function TestPath:test_without_any_the_usual_places_are_searched()
  with_variable("PATH", nil, function()
    lu.assertEquals(line_of({ name = "echo", args = { "hello" } }), "hello")
  end)
end

function TestPath:test_the_first_that_is_there_is_taken()
  local a = directory_with("tool", "#!/bin/sh\necho a\n")
  local b = directory_with("tool", "#!/bin/sh\necho b\n")
  lu.assertEquals(line_of({ name = "tool", args = {},
      environment = { PATH = ("/nowhere:%s:%s"):format(b, a) } }), "b")
end

function TestPath:test_what_may_not_be_executed_is_passed_by()
  local a = spec.tmpdir()
  spec.write(a .. "/tool", "text")
  local b = directory_with("tool", "#!/bin/sh\necho b\n")
  lu.assertEquals(line_of({ name = "tool", args = {},
      environment = { PATH = a .. ":" .. b } }), "b")
end

function TestPath:test_an_empty_entry_is_the_childs_directory()
  local dir = directory_with("tool", "#!/bin/sh\necho here\n")
  for _, path in ipairs{ ":/nowhere", "/nowhere:", "/nowhere::/nowhere" } do
    lu.assertEquals(line_of({ name = "tool", args = {}, cwd = dir,
                              environment = { PATH = path } }), "here")
  end
end

function TestPath:test_a_path_with_a_slash_is_not_searched()
  local dir = directory_with("tool", "#!/bin/sh\necho found\n")
  lu.assertEquals(line_of({ name = "./tool", args = {}, cwd = dir }), "found")
  lu.assertEquals(select(3, new({ name = "./tool", cwd = "/",
      environment = { PATH = dir } }):start()), "ENOENT")
end

TestDirectory = {}

function TestDirectory:test_it_is_the_hosts_by_default()
  lu.assertEquals(line_of({}, "cwd"), probe.readlink("/proc/self/cwd"))
end

function TestDirectory:test_it_is_the_one_given()
  local dir = spec.tmpdir()
  lu.assertEquals(line_of({ cwd = dir }, "cwd"), dir)
  lu.assertEquals(probe.readlink("/proc/self/cwd"),
                  probe.readlink("/proc/" .. probe.pid() .. "/cwd"))
end

function TestDirectory:test_a_relative_one_is_taken_from_the_hosts()
  local dir, before = spec.tmpdir(), probe.readlink("/proc/self/cwd")
  assert(os.execute("mkdir " .. dir .. "/sub"))
  assert(probe.chdir(dir))
  local ok, line = pcall(line_of, { cwd = "sub" }, "cwd")
  probe.chdir(before)
  lu.assertEquals({ ok, line }, { true, dir .. "/sub" })
end

TestChangingHost = {}

-- Lets a managed process tell of itself, at its start and at each restart;
-- between them `change` changes the host, which `restore` undoes.
local function told_before_and_after(change, restore, fields, ...)
  local dir = spec.tmpdir()
  local lines = {}
  fields.restart_delay = 0
  fields.log_writer = function(line) lines[#lines + 1] = line end
  local process = new(fields, ...)
  assert(process:start())
  spec.eventually(function() return #lines >= 1 end)
  local ok, message = pcall(function()
    change(dir)
    for count = 2, 4 do  -- it may speak before its number is known
      spec.kill(spec.eventually(function() return process:unix_pid() end))
      spec.eventually(function() return #lines >= count end)
    end
  end)
  restore()
  process:stop()
  lu.assertTrue(ok, message)
  lu.assertEquals(lines, { lines[1], lines[1], lines[1], lines[1] })
  return lines[1]
end

-- FAULTS 28
function TestChangingHost:test_a_restarted_child_keeps_the_umask()
  local before = probe.umask()
  local line = told_before_and_after(
      function() probe.umask(tonumber("077", 8)) end,
      function() probe.umask(before) end, {}, "umask", "forever")
  lu.assertEquals(line, ("%04o"):format(before))
end

-- FAULTS 28
function TestChangingHost:test_a_restarted_child_keeps_the_directory()
  local before = probe.readlink("/proc/self/cwd")
  local line = told_before_and_after(
      function(dir) assert(probe.chdir(dir)) end,
      function() assert(probe.chdir(before)) end, {}, "cwd", "forever")
  lu.assertEquals(line, before)
end

-- FAULTS 28
function TestChangingHost:test_a_relative_cwd_stays_where_it_was()
  local before = probe.readlink("/proc/self/cwd")
  local line = told_before_and_after(
      function(dir) assert(probe.chdir(dir)) end,
      function() assert(probe.chdir(before)) end, { cwd = "spec" }, "cwd",
      "forever")
  lu.assertEquals(line, before .. "/spec")
end

-- FAULTS 28
function TestChangingHost:test_a_restarted_child_keeps_the_environment()
  probe.setenv("PEXEC_A", "first")
  local line = told_before_and_after(
      function() probe.setenv("PEXEC_A", "second") end,
      function() probe.setenv("PEXEC_A") end, {}, "env", "PEXEC_A", "forever")
  lu.assertEquals(line, "PEXEC_A=first")
end

-- FAULTS 28
function TestChangingHost:test_one_started_later_has_what_is_there_then()
  probe.setenv("PEXEC_A", "first")
  local ok, message = pcall(function()
    lu.assertEquals(line_of({}, "env", "PEXEC_A"), "PEXEC_A=first")
    probe.setenv("PEXEC_A", "second")
    lu.assertEquals(line_of({}, "env", "PEXEC_A"), "PEXEC_A=second")
  end)
  probe.setenv("PEXEC_A")
  lu.assertTrue(ok, message)
end

-- FAULTS 25: the harness looks at signals, mask, umask and directory, too
function TestChangingHost:test_the_host_is_not_changed()
  local function state()
    return { spec.read("/proc/self/limits"), spec.read("/proc/self/environ"),
             spec.read("/proc/self/timerslack_ns"), os.setlocale(nil),
             spec.read("/proc/self/oom_score_adj") }
  end
  local before = state()
  local process = new({ environment = { A = "B" }, cwd = "/",
                        restart_delay = 0 }, "sleep", 0.01)
  process:start()
  pexec.sleep(0.1)
  process:stop()
  lu.assertEquals(state(), before)
end

-- FAULTS 25
function TestChangingHost:test_its_own_children_are_left_to_it()
  local process = new({ restart_delay = 0 }, "sleep", 0.005)
  process:start()
  for status = 1, 20 do
    local pipe = assert(io.popen("sleep 0.01; echo out; exit " .. status))
    lu.assertEquals(pipe:read("a"), "out\n")
    lu.assertEquals({ pipe:close() }, { nil, "exit", status })
  end
  process:stop()
end
