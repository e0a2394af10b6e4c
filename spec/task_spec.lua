-- Tasks: how they run, what they answer, how they are cancelled. From where in
-- Lua they may wait is in task_waits_spec.

local lu = require "luaunit"
local managers = require "managers"
local pexec = require "pexec"
local spec = require "spec"

local assert_fails = managers.assert_fails

-- Runs a script that needs only pexec and this host's specs' helpers.
local function run(text, ...)
  local head = 'local pexec, spec = require "pexec", require "spec"\n'
  return spec.run_script(head .. text, ...)
end

TestTask = {}

function TestTask:test_it_runs_to_its_first_wait_at_once()
  local steps = {}
  local task = pexec.task(function()
    table.insert(steps, "before")
    pexec.sleep(0.01)
    table.insert(steps, "after")
  end)
  table.insert(steps, "outside")
  lu.assertEquals({ task:wait() }, {})
  lu.assertEquals(steps, { "before", "outside", "after" })
end

function TestTask:test_it_gets_arguments_and_gives_results()
  local function echo(...)
    pexec.sleep(0)
    return select("#", ...), ...
  end
  local task = pexec.task(echo, 1, nil, "x", nil)
  lu.assertEquals(table.pack(task:wait()), { n = 5, 4, 1, nil, "x", nil })
end

function TestTask:test_its_results_can_be_had_again()
  local task = pexec.task(function() return "a", "b" end)
  lu.assertEquals({ task:wait() }, { "a", "b" })
  lu.assertEquals({ task:wait() }, { "a", "b" })
end

function TestTask:test_anything_callable_will_do()
  local object = setmetatable({}, { __call = function(_, a) return a + 1 end })
  lu.assertEquals({ pexec.task(object, 1):wait() }, { 2 })
  lu.assertEquals({ pexec.task(tostring, 1):wait() }, { "1" })
end

function TestTask:test_what_is_no_function_is_refused()
  for _, value in ipairs{ "x", 5, {}, false } do
    lu.assertEquals(managers.words_of(function() pexec.task(value) end),
        "bad argument #1 to 'task' (function expected, got " .. type(value)
        .. ")")
  end
end

function TestTask:test_it_says_how_it_is()
  local task = pexec.task(pexec.sleep, 0)
  lu.assertEquals(tostring(task), "pexec.Task (waiting)")
  task:wait()
  lu.assertEquals(tostring(task), "pexec.Task (done)")
end

function TestTask:test_many_run_side_by_side()
  local tasks, done = {}, 0
  for i = 1, 1000 do
    tasks[i] = pexec.task(function()
      for _ = 1, 3 do pexec.sleep(0.001) end
      done = done + 1
      return i
    end)
  end
  for i, task in ipairs(tasks) do lu.assertEquals(task:wait(), i) end
  lu.assertEquals(done, 1000)
end

function TestTask:test_one_that_yields_lets_the_others_run()
  local steps = {}
  local function say(name)
    for i = 1, 2 do
      table.insert(steps, name .. i)
      coroutine.yield()
    end
  end
  local a, b = pexec.task(say, "a"), pexec.task(say, "b")
  a:wait()
  b:wait()
  lu.assertEquals(steps, { "a1", "b1", "a2", "b2" })
end

function TestTask:test_one_that_yields_for_ever_holds_up_nobody()
  local is_over = false
  local busy = pexec.task(function()
    while not is_over do coroutine.yield() end
  end)
  lu.assertTrue(pexec.sleep(0.05))
  local once = managers.process({ id = "a", one_shot = true }, "exit", 0)
  lu.assertTrue(once:start())
  is_over = true
  busy:wait()
end

function TestTask:test_it_may_start_tasks_and_wait_for_them()
  local task = pexec.task(function()
    local inner = pexec.task(function()
      pexec.sleep(0.01)
      return "inner"
    end)
    return inner:wait(), "outer"
  end)
  lu.assertEquals({ task:wait() }, { "inner", "outer" })
end

-- FAULTS 20
function TestTask:test_what_is_done_is_collected()
  local weak = setmetatable({}, { __mode = "k" })
  do
    local big = {}
    local task = pexec.task(function()
      pexec.sleep(0)
      return big
    end)
    weak[task], weak[big] = true, true
    task:wait()
  end
  spec.eventually(function()
    collectgarbage()
    return next(weak) == nil
  end)
end

TestTaskErrors = {}

function TestTaskErrors:test_wait_tells_the_message()
  local script = [[
    local task = pexec.task(function() error("boom", 0) end)
    local results = table.pack(task:wait())
    print(results.n, results[1], results[2])]]
  lu.assertStrContains(run(script), "2\tnil\tboom\n")
end

function TestTaskErrors:test_one_after_a_wait_is_told_the_same_way()
  local script = [[
    local task = pexec.task(function() pexec.sleep(0) error("boom", 0) end)
    print(task:wait())
    print(task:wait())]]
  local output = run(script)
  lu.assertStrContains(output, "nil\tboom\n")
  lu.assertStrContains(output, "nil\tboom\nnil\tboom\n")
end

function TestTaskErrors:test_it_is_logged_once_with_its_traceback()
  local output, status = run[[
    local function deep() pexec.sleep(0) error("boom") end
    local task = pexec.task(function() deep() end)
    task:wait()
    task:wait()]]
  lu.assertEquals(status, 0)
  local _, count = output:gsub("error in a task: ", "")
  lu.assertEquals(count, 1)
  lu.assertStrMatches(output:match("[^\n]*boom"), ".*ERROR.*script.lua:2: boom")
  lu.assertStrContains(output, "stack traceback:")
  lu.assertStrContains(output, "in upvalue 'deep'")
end

-- FAULTS 14: a string, a table, nil, an object whose __tostring raises
function TestTaskErrors:test_any_value_can_be_raised()
  local output, status = run[[
    local bad = setmetatable({}, { __tostring = function() error("x") end })
    for _, value in ipairs{ "text", { 1 }, bad, false } do
      local task = pexec.task(function() error(value) end)
      print("got", (select(2, task:wait())))
    end
    print("got", select(2, pexec.task(function() error() end):wait()))]]
  lu.assertEquals(status, 0)
  local got = {}
  for line in output:gmatch("got\t([^\n]*)") do got[#got + 1] = line end
  lu.assertStrMatches(got[1], ".*script.lua:4: text")
  lu.assertStrContains(got[2], "table: 0x")
  lu.assertEquals(got[3], "(table that cannot be shown)")
  lu.assertEquals({ got[4], got[5] }, { "false", "nil" })
end

function TestTaskErrors:test_the_stack_may_overflow()
  local output, status = run[[
    local function endless() return 1 + endless() end
    print(pexec.task(endless):wait())
    print(pexec.task(function() return "fine" end):wait())]]
  lu.assertEquals(status, 0)
  lu.assertStrContains(output, "stack overflow")
  lu.assertStrContains(output, "\nfine\n")
end

function TestTaskErrors:test_other_tasks_go_on()
  local output = run[[
    local other = pexec.task(function() pexec.sleep(0.05) return "alive" end)
    pexec.task(error, "boom")
    print(other:wait())]]
  lu.assertStrContains(output, "alive\n")
end

TestCancel = {}

function TestCancel:test_the_waiting_call_says_so()
  local task = pexec.task(function()
    local answer = { pexec.sleep(60) }
    return answer
  end)
  task:cancel()
  lu.assertEquals(task:wait(), { nil, "context canceled", "CANCELED" })
end

function TestCancel:test_so_do_all_that_follow()
  local answers = {}
  local other = managers.process("a", "forever")
  assert(other:start())
  local task = pexec.task(function()
    pexec.sleep(60)
    answers.sleep = { pexec.sleep(60) }
    answers.wait = { other:wait() }
    answers.task = { pexec.task(pexec.sleep, 0.01):wait() }
    return "went on"
  end)
  task:cancel()
  lu.assertEquals(task:wait(), "went on")
  for name, answer in pairs(answers) do
    lu.assertEquals(answer, { nil, "context canceled", "CANCELED" }, name)
  end
  assert(other:stop())
end

function TestCancel:test_a_stop_that_was_ordered_goes_on()
  local stubborn = managers.stubborn("a")
  local pid = stubborn:unix_pid()
  local task = pexec.task(stubborn.stop, stubborn)
  task:cancel()
  assert_fails("context canceled", "CANCELED", task:wait())
  lu.assertTrue(stubborn:wait())
  lu.assertFalse(spec.alive(pid))
end

function TestCancel:test_a_one_shot_is_killed()
  local once = managers.process({ id = "a", one_shot = true }, "forever")
  local task = pexec.task(once.start, once)
  spec.eventually(function() return once:unix_pid() end)
  task:cancel()
  lu.assertEquals(select(3, task:wait()), "CANCELED")
  assert(once:wait())
end

function TestCancel:test_twice_or_late_does_nothing()
  local task = pexec.task(function() return "done" end)
  task:cancel()
  task:cancel()
  lu.assertEquals({ task:wait() }, { "done" })
end

function TestCancel:test_one_may_cancel_itself()
  local task
  task = pexec.task(function()
    pexec.sleep(0)
    task:cancel()
    return { pexec.sleep(60) }
  end)
  lu.assertEquals(task:wait(), { nil, "context canceled", "CANCELED" })
end

function TestCancel:test_who_waits_for_it_is_not_cancelled()
  local inner = pexec.task(function() return pexec.sleep(60) end)
  local outer = pexec.task(function() return inner:wait() end)
  outer:cancel()
  assert_fails("context canceled", "CANCELED", outer:wait())
  lu.assertEquals(tostring(inner), "pexec.Task (waiting)")
  inner:cancel()
  assert_fails("context canceled", "CANCELED", inner:wait())
end

function TestCancel:test_waits_that_were_given_up_are_forgotten()
  local target = pexec.task(pexec.sleep, 60)
  local function give_up()
    for _ = 1, 100 do
      local task = pexec.task(target.wait, target)
      task:cancel()
      task:wait()
    end
    collectgarbage()
    collectgarbage()
    return collectgarbage("count")
  end
  give_up()
  local before = give_up()
  for _ = 1, 20 do give_up() end
  lu.assertTrue(give_up() < before + 50)
  target:cancel()
  target:wait()
end

TestWaitForItself = {}

local message = "a task cannot wait for itself"

function TestWaitForItself:test_it_raises()
  local task
  task = pexec.task(function()
    pexec.sleep(0)
    return pcall(task.wait, task)
  end)
  local ok, problem = task:wait()
  lu.assertFalse(ok)
  lu.assertStrContains(problem, message)
end

function TestWaitForItself:test_two_that_wait_for_each_other_are_found_out()
  local a, b
  a = pexec.task(function()
    pexec.sleep(0)
    return b:wait()
  end)
  b = pexec.task(function()
    pexec.sleep(0.01)
    return select(2, pcall(a.wait, a))
  end)
  lu.assertStrContains(a:wait(), message)
end

-- FAULTS 7
TestSharing = {}

function TestSharing:test_two_tasks_may_wait_for_one_process()
  local a = managers.process("a", "forever")
  assert(a:start())
  local first, second = pexec.task(a.wait, a), pexec.task(a.wait, a)
  assert(a:stop())
  lu.assertEquals({ first:wait() }, { true })
  lu.assertEquals({ second:wait() }, { true })
end

function TestSharing:test_two_tasks_may_stop_one_process()
  local a = managers.stubborn("a")
  local first, second = pexec.task(a.stop, a), pexec.task(a.stop, a)
  lu.assertEquals({ first:wait() }, { true, "kill" })
  lu.assertEquals({ second:wait() }, { true, "kill" })
end

function TestSharing:test_two_tasks_may_start_one_process()
  local a = managers.process("a", "forever")
  local first, second = pexec.task(a.start, a), pexec.task(a.start, a)
  lu.assertEquals({ first:wait() }, { true })
  assert_fails("already started", "ALREADY_STARTED", second:wait())
  assert(a:stop())
end
