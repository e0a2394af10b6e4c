-- When a start is answered. A managed one waited for a writer that was at
-- work already; one that was refused could not be tried again at once, though
-- it had been told; a one-shot could be started while its last lines were
-- still being handed out, and then heard of the end before; in a cancelled
-- task a managed one said that it had not started, and ran.

local lu = require "luaunit"
local pexec = require "pexec"
local spec = require "spec"

local function new(fields, ...)
  return assert(pexec.new_managed_process(spec.child(fields, ...),
                                          pexec.null_logger))
end

TestStartAnswer = {}

function TestStartAnswer:test_it_does_not_wait_for_a_writer()
  for _ = 1, 100 do
    local is_let_go, is_writing = false, false
    local process = new({ log_writer = function()
      is_writing = true
      spec.eventually(function() return is_let_go end)
    end }, "print", "hello", "forever")
    lu.assertEquals({ process:start() }, { true })
    spec.eventually(function() return is_writing end)
    is_let_go = true
    process:stop()
  end
end

function TestStartAnswer:test_a_refused_one_may_be_tried_again_at_once()
  local process = new({ name = "/nowhere" })
  for _ = 1, 500 do
    lu.assertEquals(select(3, process:start()), "ENOENT")
  end
end

function TestStartAnswer:test_a_one_shot_runs_until_its_last_line()
  local is_let_go, is_writing = false, false
  local process = new({ one_shot = true, log_writer = function()
    is_writing = true
    spec.eventually(function() return is_let_go end)
  end }, "print", "hello")
  local task = pexec.task(process.start, process)
  spec.eventually(function() return is_writing and not process:status() end)
  pexec.sleep(0.02)
  lu.assertEquals({ process:start() },
                  { nil, "already started", "ALREADY_STARTED" })
  is_let_go = true
  lu.assertEquals({ task:wait() }, { true })
  lu.assertEquals({ process:start() }, { true })
end

function TestStartAnswer:test_a_cancelled_task_may_start_one()
  local process, answer = new({}, "forever"), nil
  local task = pexec.task(function()
    pexec.sleep(60)
    answer = { process:start() }
  end)
  task:cancel()
  task:wait()
  lu.assertEquals(answer, { true })
  process:stop()
end

function TestStartAnswer:test_a_cancelled_wait_leaves_nothing_to_wait_for()
  local process = new({}, "forever")
  process:start()
  local task = pexec.task(process.wait, process)
  task:cancel()
  lu.assertEquals({ task:wait() }, { nil, "context canceled", "CANCELED" })
  process:stop()
  process:wait()
  pexec.dispatch(0)
  lu.assertEquals(pexec.dispatch(), 0)
end

-- What the system says of a path is told, whatever that is.
function TestStartAnswer:test_a_path_through_a_file_is_not_missing()
  local process = new({ name = "/dev/null/program" })
  lu.assertEquals({ process:start() },
      { nil, 'error starting process "/dev/null/program": executing '
             .. '"/dev/null/program": not a directory', "ENOTDIR" })
end
