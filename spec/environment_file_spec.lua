-- Environments that come from files, or from nothing of the host's: what a
-- child has then, that files are read again at every start, what is wrong in
-- them; the fields, comparing, and their JSON.

local lu = require "luaunit"
local configs = require "pexec.config"
local pexec = require "pexec"
local spec = require "spec"
local probe = spec.probe

local is_root = spec.read("/proc/self/status"):find("\nUid:\t0\t0\t0\t") ~= nil

local function new(fields, ...)
  local config = spec.child(fields, ...)
  config.id = "somebody"
  return assert(pexec.new_managed_process(config, pexec.null_logger))
end

-- All variables of a one-shot, in their order.
local function variables_of(fields)
  local lines = {}
  fields.one_shot, fields.name, fields.args = true, "/usr/bin/env", {}
  fields.log_writer = function(line) lines[#lines + 1] = line end
  assert(new(fields):start())
  table.sort(lines)
  return lines
end

local function file(text)
  local path = spec.tmpdir() .. "/.env"
  spec.write(path, text)
  return path
end

TestCleared = {}

-- FAULTS 17
function TestCleared:test_nothing_of_the_hosts_is_there()
  lu.assertEquals(variables_of{ clear_environment = true }, {})
  lu.assertEquals(variables_of{ clear_environment = true,
                                environment = { A = "1", B = "" } },
                  { "A=1", "B=" })
end

function TestCleared:test_its_users_are()
  if not is_root then lu.skip("only root can change user") end
  local found = variables_of{ clear_environment = true, username = "nobody" }
  for i, name in ipairs{ "HOME", "LOGNAME", "SHELL", "USER" } do
    lu.assertEquals(found[i]:match "^[^=]+", name)
  end
  lu.assertEquals(#found, 4)
end

-- FAULTS 17
function TestCleared:test_the_hosts_path_is_not_searched()
  local dir = spec.tmpdir()
  spec.write(dir .. "/tool", "#!/bin/sh\n")
  assert(os.execute("chmod +x " .. dir .. "/tool"))
  local before = os.getenv "PATH"
  probe.setenv("PATH", dir)
  local process = new({ name = "tool", clear_environment = true, args = {} })
  local code = select(3, process:start())
  probe.setenv("PATH", before)
  lu.assertEquals(code, "ENOENT")
  lu.assertEquals({ new({ name = "true", args = {}, one_shot = true,
                          clear_environment = true }):start() }, { true })
end

TestFile = {}

-- FAULTS 17
function TestFile:test_its_variables_are_added_and_environment_overrides()
  probe.setenv("PEXEC_A", "host")
  local found = variables_of{ environment_file =
      file "export PEXEC_A='file'\r\nPEXEC_B=\"a\\nb\" # c\nPEXEC_C=file\n",
      environment = { PEXEC_C = "own" } }
  probe.setenv("PEXEC_A")
  local own = table.concat(found, "\n")
  lu.assertStrContains(own, "PEXEC_A=file")
  lu.assertStrContains(own, "PEXEC_B=a")
  lu.assertStrContains(own, "PEXEC_C=own")
  lu.assertNotStrContains(own, "PEXEC_A=host")
  lu.assertNotStrContains(own, "PEXEC_C=file")
end

function TestFile:test_later_ones_override_earlier_ones()
  lu.assertEquals(variables_of{ clear_environment = true,
      environment_file = { file "A=1\nB=1", file "B=2\nC=2" } },
      { "A=1", "B=2", "C=2" })
end

function TestFile:test_its_path_is_searched()
  local dir = spec.tmpdir()
  spec.write(dir .. "/tool", "#!/bin/sh\n")
  assert(os.execute("chmod +x " .. dir .. "/tool"))
  lu.assertEquals({ new({ name = "tool", args = {}, one_shot = true,
      environment_file = file("PATH=" .. dir) }):start() }, { true })
end

function TestFile:test_a_relative_one_is_taken_from_the_hosts_directory()
  local path, before = file "A=1", probe.readlink "/proc/self/cwd"
  assert(probe.chdir((path:match "^(.*)/")))
  local ok, found = pcall(variables_of, { clear_environment = true, cwd = "/",
                                          environment_file = ".env" })
  assert(probe.chdir(before))
  lu.assertEquals({ ok, found }, { true, { "A=1" } })
end

function TestFile:test_it_is_read_again_at_every_start()
  local path, lines = file "A=1", {}
  local process = new({ environment_file = path, restart_delay = 0,
      log_writer = function(line) lines[#lines + 1] = line end },
      "env", "A", "forever")
  process:start()
  spec.eventually(function() return lines[1] == "A=1" end)
  spec.write(path, "A=2")
  assert(process:restart())
  spec.eventually(function() return lines[#lines] == "A=2" end)
  process:stop()
end

local function assert_fails(text, code, words)
  local path, trace = file(text), spec.tmpdir() .. "/trace"
  local process = new({ environment_file = path }, "append", trace, "ran")
  lu.assertEquals({ process:start() }, { nil,
      ('error starting process "%s": reading its environment file "%s": %s')
      :format(spec.child_path, path, words), code })
  lu.assertNil(spec.read(trace))
end

-- FAULTS 6
function TestFile:test_what_is_wrong_in_it_is_named_with_its_line()
  assert_fails("A=1\n\nB", "EINVAL",
               'line 3: "=" is expected behind the name')
  assert_fails("A='1", "EINVAL", "line 1: a quote that is not closed")
  assert_fails("A=1\nB=\0", "EINVAL", "line 2: a NUL byte")
  assert_fails(("#\n"):rep(1 << 19) .. "#", "EFBIG", "it is larger than 1 MiB")
end

function TestFile:test_one_that_is_not_there_is_named()
  local path = spec.tmpdir() .. "/none"
  local _, message, code = new({ environment_file = path }):start()
  lu.assertEquals(code, "ENOENT")
  lu.assertStrContains(message, ('environment file "%s": no such file')
                                :format(path))
  lu.assertEquals(select(3, new({ environment_file = "/" }):start()), "EISDIR")
end

TestFields = {}

local function config(fields)
  fields.id, fields.name = "a", "b"
  return configs.new(fields)
end

function TestFields:test_they_read_as_they_were_written()
  lu.assertIs(config{}.clear_environment, false)
  lu.assertNil(config{}.environment_file)
  lu.assertEquals(config{ environment_file = "a" }.environment_file, "a")
  lu.assertEquals(config{ environment_file = { "a", "b" } }.environment_file,
                  { "a", "b" })
end

function TestFields:test_what_they_cannot_be_is_told()
  for words, value in pairs{
    ["environment_file: path or array of paths expected, got number 1"] = 1,
    ["environment_file: empty path"] = "",
    ["environment_file[2]: empty path"] = { "a", "" },
    ["environment_file[2]: string expected, got number 1"] = { "a", 1 },
    ['environment_file: NUL byte in "a\\x00"'] = "a\0",
  } do
    local ok, message = pcall(config, { environment_file = value })
    lu.assertFalse(ok)
    lu.assertStrContains(message, words)
  end
end

function TestFields:test_they_compare()
  lu.assertTrue(config{ environment_file = "a" }
                == config{ environment_file = { "a" } })
  lu.assertTrue(config{ environment_file = {} } == config{})
  lu.assertFalse(config{ environment_file = "a" } == config{})
  lu.assertFalse(config{ environment_file = { "a", "b" } }
                 == config{ environment_file = { "b", "a" } })
  lu.assertFalse(config{ clear_environment = true } == config{})
end

function TestFields:test_their_json_comes_back()
  for _, fields in ipairs{ { environment_file = "a" },
                           { environment_file = { "a", "b" } },
                           { environment_file = {} },
                           { clear_environment = true } } do
    local one = config(fields)
    local text = assert(one:marshal_json())
    lu.assertTrue(assert(pexec.unmarshal_process_config(text)) == one, text)
  end
  local _, message = pexec.unmarshal_process_config '{"environment_file":5}'
  lu.assertEquals(message, "json: cannot unmarshal number into field "
                  .. '"environment_file" of type string or array')
end
