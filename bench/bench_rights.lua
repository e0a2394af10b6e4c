-- Start latency with everything set that a child may be and use, against a
-- start with nothing set: from the order to the answer that it was executed.
-- Beside it what the system takes for the same calls, without pexec.

local core = require "pexec.core"
local measure = require "measure"
local pexec = require "pexec"

local stamp = os.getenv "PEXEC_STAMP"
local bare_rights = os.getenv "PEXEC_BARE_RIGHTS"
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
local CGROUP <const> = "pexec-bench"

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
    measure.row_free(what, measure.median(without), measure.median(with), "us")
  else
    measure.row(what, measure.median(without), measure.median(with), "us", bar)
  end
  return measure.median(with)
end

-- Where the bare program makes its own: a path that begins with "/" is one from
-- the hierarchy's root.
local function directory_of_cgroup()
  for line in io.lines "/proc/self/mountinfo" do
    local point = line:match "^%d+ %d+ %S+ / (%S+) .* %- cgroup2 "
    if point then return point .. "/" .. CGROUP .. "-bare" end
  end
end

-- A cgroup wants a hierarchy of version 2, and the right to write there.
local function add_cgroup(fields)
  fields.cgroup = { path = CGROUP }
  local process = assert(pexec.new_managed_process(config(fields),
                                                   pexec.null_logger))
  local ok, message = process:start()
  process:kill_group()
  process:stop()
  if ok then return directory_of_cgroup() end
  print("without a cgroup: " .. message)
  fields.cgroup = nil
end

-- The system's part: nothing, everything.
local function bare(cgroup)
  local both = measure.numbers(bare_rights, ROUNDS * STARTS, stamp,
                               EVERYTHING.environment_file, cgroup)
  local without, with = {}, {}
  for i = 1, #both, 2 do
    without[#without + 1] = both[i] / 1e3
    with[#with + 1] = both[i + 1] / 1e3
  end
  return measure.median(without), measure.median(with)
end

measure.head("a start, median", "nothing", "set")
local bare_cgroup = add_cgroup(EVERYTHING)
local bare_nothing, bare_everything = bare(bare_cgroup)
measure.row_free("the same calls by a program in C", bare_nothing,
                 bare_everything, "us")
for _, name in ipairs{ "username", "capabilities", "environment_file",
                       "cgroup" } do
  compare(name, { [name] = EVERYTHING[name] })
end
local everything = compare("everything set", EVERYTHING, 1.3)
measure.row_free("everything set, the program in C and pexec",
                 bare_everything, everything, "us")
