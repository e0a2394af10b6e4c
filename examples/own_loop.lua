-- A program with work of its own, which goes on in slices. Between them it
-- lets pexec call handlers and writers; pexec's own work waits for neither.
local pexec = require "pexec"

local starts = 0
local worker <close> = assert(pexec.new_managed_process({
  id = "worker", name = "sh", args = { "-c", "echo started; exit 1" },
  restart_delay = 0.2,
  log_writer = function(line)
    starts = starts + 1
    print("worker: " .. line .. " (" .. starts .. ")")
  end,
}, pexec.null_logger))
assert(worker:start())

local function is_prime(n)
  for divisor = 2, math.floor(n ^ 0.5) do
    if n % divisor == 0 then return false end
  end
  return n > 1
end

local number, primes = 0, 0
while starts < 3 do
  for _ = 1, 1000 do -- one slice
    number = number + 1
    if is_prime(number) then primes = primes + 1 end
  end
  pexec.dispatch(0) -- runs what waits, and does not wait itself
end
print(("meanwhile found %d primes below %d"):format(primes, number + 1))
