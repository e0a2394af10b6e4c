-- Start latency with everything set that a child may be and use, against a
-- start with nothing set: from the order to the answer that it was executed.

local core = require "pexec.core"
local measure = require "measure"
local pexec = require "pexec"

local stamp = os.getenv "PEXEC_STAMP"
local directory = os.getenv "PEXEC_BENCH_DIR"
local ROUNDS <const>, STARTS <const> = 5, 200

local function write(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  assert(file:close())
  return path
end

local EVERYTHING <const> = {
  username = "nobody", group = "nogroup", supplementary_groups = { "daemon" },
  umask = "027", nice = 5, oom_score_adj = 100, no_new_privileges = true,
  limits = { nofile = 1024, core = 0, nproc = 4096, as = 1 << 34 },
  cpu_affinity = { 0 }, io_priority = { class = "best_effort", level = 7 },
  capabilities = { "net_bind_service" }, clear_environment = true,
  environment = { A = "1" },
  environment_file = write(directory .. "/environment", "B=2\nC=3\n"),
}

local function config(fields)
  local result = { id = "child", name = stamp }
  for name, value in pairs(fields) do result[name] = value end
  return result
end

-- us of each start; what ran before has gone by then.
local function starts(fields)
  local times = {}
  for i = 1, STARTS do
    local process = assert(pexec.new_managed_process(config(fields),
                                                     pexec.null_logger))
    local began = core.now()
    assert(process:start())
    times[i] = (core.now() - began) * 1e6
    process:kill_group()
    process:stop()
  end
  return times
end

local function compare(what, fields, bar)
  local without, with = {}, {}
  for _ = 1, ROUNDS do
    measure.append(without, starts{})
    measure.append(with, starts(fields))
  end
  if not bar then
    return measure.row_free(what, measure.median(without),
                            measure.median(with), "us")
  end
  measure.row(what, measure.median(without), measure.median(with), "us", bar)
end

-- A cgroup wants a hierarchy of version 2, and the right to write there.
local function add_cgroup(fields)
  fields.cgroup = { path = "pexec-bench" }
  local process = assert(pexec.new_managed_process(config(fields),
                                                   pexec.null_logger))
  local ok, message = process:start()
  process:kill_group()
  process:stop()
  if ok then return end
  print("without a cgroup: " .. message)
  fields.cgroup = nil
end

measure.head("a start, median", "nothing", "set")
add_cgroup(EVERYTHING)
for _, name in ipairs{ "username", "capabilities", "environment_file",
                       "cgroup" } do
  compare(name, { [name] = EVERYTHING[name] })
end
compare("everything set", EVERYTHING, 1.3)
