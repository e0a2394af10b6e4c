-- examples/services: nginx and redis-server are kept up, as users of their own,
-- with log files that are rotated, and nothing of them is left in the end.

local lu = require "luaunit"
local pages = require "pages"
local pexec = require "pexec"
local spec = require "spec"

local has_http, http = pcall(require, "socket.http")
local has_socket, socket = pcall(require, "socket")
local MAIN <const> = "dofile 'examples/services/main.lua'"

-- Why the services cannot be run here; nil: they can.
local function what_lacks()
  if pages.lines_of("id -u")[1] ~= "0" then
    return "becoming another user takes root"
  elseif not has_http or not has_socket then
    return "lua-socket is not installed"
  end
  for _, program in ipairs{ "nginx", "redis-server" } do
    if not os.execute("command -v " .. program .. " >/dev/null") then
      return program .. " is not installed"
    end
  end
end

local lacking = what_lacks()

-- f(site, nginx, redis) with both of them up.
local function with_services(f)
  if lacking then lu.skip(lacking) end
  local services = dofile(spec.root .. "/examples/services/services.lua")
  local site <close> = services.new(pexec.null_logger)
  assert(site.manager:start())
  f(site, site.manager:process_by_id "nginx",
    site.manager:process_by_id "redis")
end

local function await_page(site, text)
  spec.eventually(function()
    local page = http.request(("http://127.0.0.1:%d/"):format(site.web_port))
    return page == text, page
  end)
end

local HELLO <const> = "Hello from nginx\n"

local function ping(site)
  local client = socket.connect("127.0.0.1", site.redis_port)
  if not client then return nil end
  client:settimeout(5)
  client:send "PING\r\n"
  local answer = client:receive()
  client:close()
  return answer
end

local function await_pong(site)
  spec.eventually(function() return ping(site) == "+PONG" end)
end

local function children_of(pid)
  local children = {}
  for _, other in ipairs(spec.pids()) do
    local stat = spec.stat(other)
    if stat and stat.ppid == pid and stat.state ~= "Z" then
      children[#children + 1] = other
    end
  end
  return children
end

local function await_worker(nginx, other_than)
  return spec.eventually(function()
    local workers = children_of(nginx:unix_pid())
    return #workers == 1 and workers[1] ~= other_than and workers[1]
  end)
end

TestServices = {}

function TestServices:test_a_killed_nginx_comes_back_and_answers()
  with_services(function(site, nginx)
    await_page(site, HELLO)
    local pid = nginx:unix_pid()
    spec.kill(pid, "KILL")
    spec.eventually(function()
      local now = nginx:unix_pid()
      return now and now ~= pid
    end)
    await_page(site, HELLO)
  end)
end

function TestServices:test_a_killed_redis_comes_back_and_answers()
  with_services(function(site, _, redis)
    await_pong(site)
    spec.kill(redis:unix_pid(), "KILL")
    spec.eventually(function() return redis:info().restarts == 1 end)
    await_pong(site)
  end)
end

-- Real, effective, saved and that of files; and the main group.
local function ids_of(pid)
  local status = spec.read("/proc/" .. pid .. "/status")
  return status:match "\nUid:\t([%d\t]+)", status:match "\nGid:\t(%d+)"
end

local function assert_user(pid, name)
  local uid = pages.lines_of("id -u " .. name)[1]
  local uids, gid = ids_of(pid)
  lu.assertEquals(uids, table.concat({ uid, uid, uid, uid }, "\t"))
  lu.assertEquals(gid, pages.lines_of("id -g " .. name)[1])
end

function TestServices:test_each_is_its_own_user_in_all_its_processes()
  with_services(function(site, nginx, redis)
    await_page(site, HELLO)
    assert_user(nginx:unix_pid(), "www-data")
    assert_user(await_worker(nginx), "www-data")
    assert_user(redis:unix_pid(), "redis")
  end)
end

function TestServices:test_a_graceful_reload_takes_a_changed_configuration()
  with_services(function(site, nginx)
    await_page(site, HELLO)
    local pid, worker = nginx:unix_pid(), await_worker(nginx)
    local path = site.directory .. "/nginx/nginx.conf"
    spec.write(path, (spec.read(path):gsub("Hello from", "Changed by")))
    lu.assertEquals({ nginx:reload() }, { true })
    await_page(site, "Changed by nginx\n")
    lu.assertEquals(nginx:unix_pid(), pid)
    await_worker(nginx, worker)
  end)
end

function TestServices:test_what_they_say_is_in_their_log_files()
  with_services(function(site)
    await_page(site, HELLO)
    await_pong(site)
    spec.eventually(function()
      return (spec.read(site.directory .. "/nginx.log") or "")
             :find("start worker process", 1, true)
    end)
    spec.eventually(function()
      return ((spec.read(site.directory .. "/redis.log.1") or "")
              .. (spec.read(site.directory .. "/redis.log") or ""))
             :find("Ready to accept connections", 1, true)
    end)
  end)
end

function TestServices:test_a_log_file_is_rotated()
  with_services(function(site, _, redis)
    spec.eventually(function()
      local pid = ping(site) and redis:unix_pid()
      if pid then spec.kill(pid, "KILL") end
      return spec.read(site.directory .. "/redis.log.2")
    end)
    local rotated = spec.read(site.directory .. "/redis.log.1")
    lu.assertTrue(#rotated > 1000 and #rotated < 3000, #rotated)
    lu.assertEquals(rotated:sub(-1), "\n")
  end)
end

-- nginx's access log is its own: renamed, and told of by its own signal.
function TestServices:test_nginx_opens_a_log_that_was_moved_anew()
  with_services(function(site, nginx)
    await_page(site, HELLO)
    local path = site.directory .. "/nginx/access.log"
    assert(os.rename(path, path .. ".1"))
    lu.assertEquals({ nginx:signal "USR1" }, { true })
    spec.eventually(function()
      await_page(site, HELLO)
      return (spec.read(path) or "") ~= ""
    end)
  end)
end

function TestServices:test_nothing_is_left_of_them()
  local site_was, pids
  with_services(function(site, nginx, redis)
    await_page(site, HELLO)
    await_pong(site)
    pids = { nginx:unix_pid(), await_worker(nginx), redis:unix_pid() }
    site_was = site
  end)
  for _, pid in ipairs(pids) do lu.assertFalse(spec.alive(pid)) end
  lu.assertNil(spec.probe.list(site_was.directory))
  lu.assertNil(ping(site_was))
end

function TestServices:test_the_example_shows_a_kill_and_a_reload()
  if lacking then lu.skip(lacking) end
  local directory = spec.tmpdir()
  os.execute("chmod 755 " .. directory)
  local output, status = spec.run_script(MAIN, { TMPDIR = directory })
  lu.assertEquals(status, 0, output)
  for _, line in ipairs{ "GET: Hello", "nginx ended: SIGKILL",
                         "GET after SIGKILL: Hello",
                         "GET after a reload: Hello", "nginx ended: 0",
                          "stopped for SIGTERM" } do
    lu.assertStrContains(output, line)
  end
  lu.assertEquals(spec.probe.list(directory), {})
end
