-- The man pages: what is there to be called stands in them, mandoc has nothing
-- to say against them, and they are installed where man looks. That they are
-- up to date is in docs_spec.

local lu = require "luaunit"
local managers = require "managers"
local pages = require "pages"
local pexec = require "pexec"
local spec = require "spec"

local C <const>, LUA <const> = "docs/man/pexec.3", "docs/man/pexec.3lua"
local build = assert(os.getenv "PEXEC_BUILD")

TestPages = {}

for _, path in ipairs{ C, LUA } do
  TestPages["test_mandoc_has_no_warning_of_" .. path:gsub("%W", "_")] =
  function()
    if not os.execute "command -v mandoc >/dev/null" then
      lu.skip "mandoc is not installed"
    end
    local log = spec.tmpdir() .. "/log"
    local ok = os.execute(("mandoc -Tlint -Wwarning '%s/%s' >%s 2>&1")
                          :format(spec.root, path, log))
    lu.assertEquals(spec.read(log), "")
    lu.assertTrue(ok)
  end
end

-- What the library gives away, as a program that links it sees it.
local function exports()
  local names = {}
  for _, line in ipairs(pages.lines_of("nm -D --defined-only '" .. build
                                       .. "/libpexec.so'")) do
    local name = line:match " T (pexec_%w[%w_]*)"
    if name then names[name] = true end
  end
  return names
end

function TestPages:test_each_function_of_the_library_is_in_its_synopsis()
  local told, count = {}, 0
  local synopsis = pages.read(C):match "\n%.Sh SYNOPSIS\n(.-)\n%.Sh "
  for name in synopsis:gmatch "\n%.Fn ([%w_]+)" do
    told[name], count = true, count + 1
  end
  lu.assertEquals(told, exports())
  lu.assertTrue(count > 50, count)
end

local function functions_of(index)
  local names = {}
  for name, value in pairs(index) do
    if type(value) == "function" and not name:find "^__" then
      names[#names + 1] = name
    end
  end
  lu.assertTrue(#names > 0)
  return names
end

function TestPages:test_each_function_of_the_module_is_told()
  local text = pages.read(LUA)
  local process = managers.process("a")
  for receiver, index in pairs{
    ["pexec."] = pexec, ["p:"] = debug.getmetatable(process).__index,
    ["pm:"] = debug.getmetatable(managers.new()).__index,
    ["ctx:"] = getmetatable(pexec.new_context()).__index,
    ["logger:"] = debug.getmetatable(pexec.null_logger).__index } do
    for _, name in ipairs(functions_of(index)) do
      local item = "\n.It Fn " .. receiver .. name
      lu.assertTrue(text:find(item .. "%f[ \n]") ~= nil, receiver .. name)
    end
  end
end

function TestPages:test_they_are_installed_where_man_looks()
  local prefix = spec.tmpdir()
  local log = prefix .. "/log"
  assert(os.execute(("cmake --install '%s' --prefix %s >%s 2>&1")
                    :format(build, prefix, log)), spec.read(log))
  for _, path in ipairs{ C, LUA } do
    local name = path:match "[^/]+$"
    lu.assertEquals(spec.read(prefix .. "/share/man/man3/" .. name),
                    pages.read(path))
  end
end
