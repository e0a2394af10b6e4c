-- A log file that is rotated, the last lines of a crash, and a filter.
local pexec = require "pexec"

local pipe = assert(io.popen "mktemp -d")
local directory = pipe:read "l"
pipe:close()
local path = directory .. "/worker.log"

-- Both streams go to one file, as JSON, which begins anew after 800 bytes.
local worker = assert(pexec.new_managed_process({
  id = "worker", name = "sh",
  args = { "-c", "for i in 1 2 3 4 5 6 7 8 9; do echo step $i; done; "
                 .. "echo 'cannot reach the database' >&2; exit 1" },
  stdout = { file = path, format = "json", max_size = 800 },
  stderr = "stdout",
  on_unexpected_exit = function(code, exit)
    print(("status %d: %s"):format(code, exit.tail[#exit.tail].line))
  end,
}, pexec.null_logger))
assert(worker:start())
worker:wait()
for _, name in ipairs{ "worker.log.1", "worker.log" } do
  for line in io.lines(directory .. "/" .. name) do
    print(name .. ": " .. line:match '"line":"(.*)"')
  end
end
os.execute("rm -r " .. directory)

-- A program that reads what it is given.
local sorter = assert(pexec.new_managed_process({
  id = "sorter", name = "sort", one_shot = true, stdin = "pipe",
  log_writer = function(line) print("sorted: " .. line) end,
}, pexec.null_logger))
local sorting = pexec.task(function() return sorter:start() end)
for _, word in ipairs{ "pear", "apple", "fig" } do
  assert(sorter:write(word .. "\n"))
end
sorter:close_stdin()
assert(sorting:wait())
