-- reload_signal, the field of ProcessConfig: a signal or a function.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"

local message_of = managers.words_of

TestReloadSignal = {}

function TestReloadSignal:test_it_is_read_back_as_a_name()
  local config = pexec.new_process_config{}
  lu.assertEquals(config.reload_signal, "SIGHUP")
  config.reload_signal = 12
  lu.assertEquals(config.reload_signal, "SIGUSR2")
  config.reload_signal = print
  lu.assertEquals(config.reload_signal, print)
end

function TestReloadSignal:test_what_is_neither_is_refused()
  lu.assertEquals(message_of(pexec.new_process_config, { reload_signal = {} }),
      "reload_signal: signal (name or number) or function expected, got table")
  lu.assertEquals(message_of(pexec.new_process_config, { reload_signal = 0 }),
                  "reload_signal: unknown signal 0")
end

local function json_of(value)
  local config = pexec.new_process_config{ id = "a", name = "b",
                                           reload_signal = value }
  return assert(config:marshal_json())
end

function TestReloadSignal:test_in_json_it_is_a_name_and_a_function_is_not()
  lu.assertStrContains(json_of "USR1", '"reload_signal":"SIGUSR1"')
  lu.assertNotStrContains(json_of(print), "reload_signal")
  lu.assertNotStrContains(json_of(nil), "reload_signal")
end

function TestReloadSignal:test_json_may_have_a_number_or_gos_word()
  for text, name in pairs{ ["10"] = "SIGUSR1", ['"hangup"'] = "SIGHUP",
                           ['"15"'] = "SIGTERM", ['""'] = "SIGHUP",
                           null = "SIGHUP" } do
    local config = assert(pexec.unmarshal_process_config(
        '{"reload_signal":' .. text .. "}"))
    lu.assertEquals(config.reload_signal, name)
  end
end

function TestReloadSignal:test_configurations_compare_by_it()
  local function config(value)
    return pexec.new_process_config{ id = "a", reload_signal = value }
  end
  lu.assertTrue(config() == config "HUP")
  lu.assertFalse(config() == config "USR1")
  lu.assertTrue(config(print) == config(print))
  lu.assertFalse(config(print) == config(error))
end
