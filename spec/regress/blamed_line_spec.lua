-- What pexec.new_managed_process raises named the line that had called the
-- function in which it was called, one too far out.

local lu = require "luaunit"
local pexec = require "pexec"

TestBlamedLine = {}

-- Where f says that it went wrong, less where f begins.
local function blamed(f)
  local ok, message = pcall(function()
    f()
    return nil -- no tail call
  end)
  lu.assertFalse(ok)
  local line = message:match("blamed_line_spec%.lua:(%d+): ")
  return tonumber(line) - debug.getinfo(f, "S").linedefined
end

function TestBlamedLine:test_a_wrong_config_is_blamed_on_the_caller()
  lu.assertEquals(blamed(function()
    local _ = pexec.new_managed_process{ id = 1 }
  end), 1)
end

function TestBlamedLine:test_so_is_a_wrong_logger()
  lu.assertEquals(blamed(function()
    local _ = pexec.new_managed_process({ id = "a", name = "b" }, 5)
  end), 1)
end

function TestBlamedLine:test_so_is_a_config_that_has_become_wrong()
  lu.assertEquals(blamed(function()
    local config = pexec.new_process_config{ id = "a", name = "b" }
    config.args[1] = 5
    local _ = pexec.new_managed_process(config)
  end), 3)
end

function TestBlamedLine:test_a_manager_blames_its_caller()
  local manager = pexec.new_process_manager()
  lu.assertEquals(blamed(function()
    local _ = manager:add_process_from_config{ id = 1 }
  end), 1)
end
