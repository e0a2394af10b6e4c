-- From where in Lua a task may wait: where a function may yield it is the task
-- alone that waits, elsewhere its thread, and others run meanwhile.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

-- Runs a script that needs only pexec and this host's specs' helpers.
local function run(text, ...)
  local head = 'local pexec, spec = require "pexec", require "spec"\n'
  return spec.run_script(head .. text, ...)
end

-- Where Lua lets a function yield, a wait suspends the task alone: another
-- one finishes first, though it waits for longer than nothing.
local function assert_suspends(f)
  local steps = {}
  local task = pexec.task(function()
    f(function()
      pexec.sleep(0.05)
      table.insert(steps, "waited")
    end)
  end)
  table.insert(steps, "outside")
  task:wait()
  lu.assertEquals(steps[1], "outside")
  lu.assertEquals(steps[2], "waited")
end

-- Elsewhere it blocks, and the others go on meanwhile.
local function assert_blocks(f)
  local steps = {}
  local other = pexec.task(function()
    pexec.sleep(0.01)
    table.insert(steps, "other")
  end)
  local task = pexec.task(function()
    f(function()
      if #steps == 0 then pexec.sleep(0.1) end
      table.insert(steps, "waited")
    end)
  end)
  table.insert(steps, "outside")
  task:wait()
  other:wait()
  lu.assertEquals({ steps[1], steps[2] }, { "other", "waited" })
end

TestWhereToWait = {}

function TestWhereToWait:test_within_pcall_and_xpcall()
  assert_suspends(pcall)
  assert_suspends(function(wait) xpcall(wait, debug.traceback) end)
  local task = pexec.task(function()
    local ok, problem = pcall(function()
      pexec.sleep(0)
      error("caught", 0)
    end)
    return ok, problem
  end)
  lu.assertEquals({ task:wait() }, { false, "caught" })
end

function TestWhereToWait:test_within_metamethods()
  local function with(event, operate)
    assert_suspends(function(wait)
      operate(setmetatable({}, { [event] = function()
        wait()
        return true
      end }))
    end)
  end
  with("__index", function(t) return t.x end)
  with("__newindex", function(t) t.x = 1 end)
  with("__add", function(t) return t + 1 end)
  with("__concat", function(t) return t .. "x" end)
  with("__eq", function(t) return t == setmetatable({}, getmetatable(t)) end)
  with("__lt", function(t) return t < t end)
  with("__len", function(t) return #t end)
  with("__call", function(t) return t() end)
end

function TestWhereToWait:test_within_an_iterator()
  assert_suspends(function(wait)
    for _ in function(_, i) wait() return not i and 1 or nil end do end
  end)
end

function TestWhereToWait:test_within_a_comparator_it_blocks()
  assert_blocks(function(wait)
    table.sort({ 2, 1 }, function(a, b)
      wait()
      return a < b
    end)
  end)
end

function TestWhereToWait:test_within_gsub_it_blocks()
  assert_blocks(function(wait) string.gsub("x", "x", wait) end)
end

function TestWhereToWait:test_within_a_coroutine_of_its_own_it_blocks()
  assert_blocks(function(wait) coroutine.wrap(wait)() end)
end

function TestWhereToWait:test_a_coroutine_of_its_own_may_yield_besides()
  local task = pexec.task(function()
    local next_number = coroutine.wrap(function()
      for i = 1, 3 do
        pexec.sleep(0.001)
        coroutine.yield(i)
      end
    end)
    return next_number(), next_number(), next_number()
  end)
  lu.assertEquals({ task:wait() }, { 1, 2, 3 })
end

function TestWhereToWait:test_in_a_coroutine_of_the_main_programs()
  local is_other_done = false
  local other = pexec.task(function()
    pexec.sleep(0.01)
    is_other_done = true
  end)
  coroutine.wrap(function() pexec.sleep(0.1) end)()
  lu.assertTrue(is_other_done)
  other:wait()
end

function TestWhereToWait:test_a_blocked_one_is_cancelled_too()
  local answer
  local task = pexec.task(function()
    pexec.sleep(0)
    table.sort({ 2, 1 }, function(a, b)
      answer = answer or { pexec.sleep(60) }
      return a < b
    end)
  end)
  local canceler = pexec.task(function()
    pexec.sleep(0.02)
    task:cancel()
  end)
  task:wait()
  canceler:wait()
  lu.assertEquals(answer, { nil, "context canceled", "CANCELED" })
end

TestClosing = {}

local function closing(f)
  return setmetatable({}, { __close = f })
end

function TestClosing:test_a_variable_may_wait_when_it_is_closed()
  assert_suspends(function(wait)
    local _ <close> = closing(function() wait() end)
  end)
end

function TestClosing:test_also_when_an_error_closes_it()
  local output = run[[
    local steps = {}
    local task = pexec.task(function()
      local _ <close> = setmetatable({}, { __close = function()
        pexec.sleep(0.05)
        table.insert(steps, "closed")
      end })
      error("boom", 0)
    end)
    table.insert(steps, "outside")
    print("got", task:wait())
    print(table.concat(steps, " "))]]
  lu.assertStrContains(output, "got\tnil\tboom\n")
  lu.assertStrContains(output, "outside closed\n")
end

function TestClosing:test_a_process_in_one_is_stopped()
  local pid
  local task = pexec.task(function()
    local p <close> = managers.process("a", "forever")
    assert(p:start())
    pid = p:unix_pid()
    pexec.sleep(60)
  end)
  spec.eventually(function() return pid end)
  task:cancel()
  task:wait()
  spec.eventually(function() return not spec.alive(pid) end)
end

function TestClosing:test_a_task_whose_coroutine_was_closed_ends()
  local output, status = run[[
    local thread
    local task = pexec.task(function()
      thread = coroutine.running()
      pexec.sleep(0.01)
    end)
    coroutine.close(thread)
    print("got", task:wait())]]
  lu.assertEquals(status, 0)
  lu.assertStrContains(output, "got\tnil\t")
end
