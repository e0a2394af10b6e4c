-- What examples/quickstart.lua needs besides pexec: a site of one page in a
-- directory of its own, a free port, a request, and a clock. Plain Lua has no
-- sockets: the request is a one-shot process, `busybox wget`.

local pexec = require "pexec"

local web = {}

local Site = {}
Site.__index = Site

local function first_line_of(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read("l") or error(command .. ": no answer")
end

--- Milliseconds since some moment.
function web.now()
  return tonumber(first_line_of("date +%s%N")) / 1e6
end

--- A site with this line as its page. Closing it removes its directory. The
-- page ends with the directory's name, so that no other server's passes for it.
function web.new_site(text)
  local directory = first_line_of("mktemp -d")
  local page = text .. " (from " .. directory .. ")"
  local file <close> = assert(io.open(directory .. "/index.html", "w"))
  assert(file:write(page, "\n"))
  return setmetatable({ directory = directory, page = page }, Site)
end

function Site:__close()
  os.remove(self.directory .. "/index.html")
  os.remove(self.directory)
end

--- What GET / answers: its first line, or nil.
function Site:get()
  local answer
  local request = assert(pexec.new_managed_process({
    id = "request", name = "busybox", one_shot = true,
    args = { "wget", "-q", "-Y", "off", "-O", "-",
             "http://" .. self.address .. "/" },
    log_writer = function(line, stream)
      if stream == "stdout" then answer = answer or line end
    end,
  }, pexec.null_logger))
  local ok = request:start(pexec.new_context{ timeout = 5 })
  return ok and answer
end

-- False once its server has ended, as it does where the port is taken.
function Site:is_answered_by(server)
  for _ = 1, 500 do
    if self:get() == self.page then return true end
    if not server:status() then return false end
    pexec.sleep(0.02)
  end
end

--- Starts make(address), a ManagedProcess, on ports by chance until one
-- answers with this site's page; returns it.
function Site:serve_with(make)
  for _ = 1, 20 do
    self.address = "127.0.0.1:" .. math.random(20000, 32000)
    local server = assert(make(self.address))
    assert(server:start())
    if self:is_answered_by(server) then return server end
    server:stop()
  end
  error("no port was free")
end

return web
