-- README.md is true: each of its code blocks is run, and what it prints is
-- compared with the `output` block that follows, but for what varies. The
-- same holds for the blocks of docs/ and of all other pages.

local lu = require "luaunit"
local pages = require "pages"
local spec = require "spec"

local PAGES <const> = pages.paths()
local is_plain = os.getenv "PEXEC_SPEC_MODE" == "plain"
local build = assert(os.getenv "PEXEC_BUILD")

-- What varies: times and process numbers.
local function without_variables(text)
  return (text:gsub("%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d+Z", "TIME")
              :gsub("process %d+", "process N"))
end

local function check_output(block, output, status)
  lu.assertEquals(status, 0, output)
  if block.output then
    lu.assertEquals(without_variables(output),
                    without_variables(block.output))
  end
end

local function run(command)
  local directory = spec.tmpdir()
  local _, how, code = os.execute(("cd '%s' && { %s; } </dev/null >%s/out 2>&1")
                                  :format(spec.root, command, directory))
  return spec.read(directory .. "/out"), how == "signal" and 128 + code or code
end

-- What is not to be had everywhere: by a word of the block, what has to work.
local PROBES <const> = { tini = "tini --version", username = "test -w /etc",
                         unshare = "unshare --pid --fork --mount-proc true" }

local function skip_lacking(text)
  for word, probe in pairs(PROBES) do
    if text:find("%f[%w]" .. word .. "%f[%W]") then
      lu.skipIf(select(2, run(probe)) ~= 0, probe .. " does not work here")
    end
  end
end

-- A module that a page needs besides, and that is not there.
local function lacking(text)
  for name in text:gmatch 'require "([%w_.]+)"' do
    if not package.searchpath(name, package.path) and
       not package.searchpath(name, package.cpath) then
      return name
    end
  end
end

-- On a terminal a line is seen when it is printed; so here. What it writes to
-- files goes to a directory of its own.
local function run_lua(block)
  local missing = lacking(block.text)
  skip_lacking(block.text)
  lu.skipIf(missing, tostring(missing) .. " is not installed")
  check_output(block, spec.run_script(
    'io.stdout:setvbuf "line" ' .. block.text, {}, 60, spec.tmpdir()))
end

local function cached(name)
  local value = spec.read(build .. "/CMakeCache.txt")
                    :match("\n" .. name .. ":[%w]+=([^\n]*)")
  return assert(value, name .. " is not in CMakeCache.txt")
end

local sanitizers = { asan = "-fsanitize=address,undefined",
                     tsan = "-fsanitize=thread" }

-- Against an installed tree, as a user has it.
local function run_c(block)
  local directory = spec.tmpdir()
  spec.write(directory .. "/main.c", block.text)
  local prefix = directory .. "/prefix"
  local log, status = run(("cmake --install '%s' --prefix %s"):format(build,
                                                                      prefix))
  lu.assertEquals(status, 0, log)
  local library = assert(pages.lines_of(
    "find " .. prefix .. " -name libpexec.so")[1], log):match("^(.*)/")
  log, status = run(("'%s' -std=c11 -Wall -Wextra -Wpedantic -Werror %s "
    .. "-I%s/include %s/main.c -o %s/main -L%s -lpexec -Wl,-rpath,%s"):format(
    cached "CMAKE_C_COMPILER", sanitizers[os.getenv "PEXEC_SPEC_MODE"] or "",
    prefix, directory, directory, library, library))
  lu.assertEquals(log, "")
  lu.assertEquals(status, 0)
  check_output(block, run("timeout 60 " .. directory .. "/main"))
end

-- Lines that are tried in another way than as they stand. spec/run is what
-- runs this: it is only asked for its help.
local commands = {
  ["examples/run quickstart"] = function()
    if not is_plain then return end
    local output, status = run("timeout 300 examples/run quickstart")
    lu.assertEquals(status, 0, output)
    lu.assertStrContains(output, "all stopped")
  end,
  ["spec/run"] = function()
    local output, status = run("spec/run --help")
    lu.assertEquals(status, 0)
    lu.assertStrContains(output, "usage: spec/run")
  end,
}

-- In the project's root, with the specs' own interpreter as lua5.4: another
-- cannot load a sanitized module.
local function run_shell(block)
  local bin = spec.tmpdir()
  skip_lacking(block.text)
  assert(os.execute(("ln -s '%s' %s/lua5.4"):format(spec.lua_path, bin)))
  spec.write(bin .. "/script", block.text)
  check_output(block, run(("PATH=%s:$PATH timeout 60 sh -eu %s/script")
                          :format(bin, bin)))
end

-- One without output may do what no spec is to do: its lines are known.
local function run_sh(block)
  if block.output then return run_shell(block) end
  for line in block.text:gmatch("[^\n]+") do
    local command = assert(commands[line], "no spec knows how to try " .. line)
    lu.assertEquals(select(2, run("test -x " .. line:match("^%S+"))), 0, line)
    command()
  end
end

local function pass() end

-- text: drawings.
local runners = { lua = run_lua, c = run_c, sh = run_sh, text = pass }

TestBlocks = {}

local counts = {}

for _, page in ipairs(PAGES) do
  counts[page] = { lua = 0, c = 0, sh = 0, text = 0 }
  for _, block in ipairs(pages.blocks(page)) do
    local language = block.language
    counts[page][language] = (counts[page][language] or 0) + 1
    local name = ("test_%s_line_%d"):format(page:gsub("%W", "_"), block.line)
    TestBlocks[name] = function()
      lu.assertNotNil(runners[language], "what is `" .. language .. "`?")
      runners[language](block)
    end
  end
end

TestReadme = {}

function TestReadme:test_it_has_all_its_blocks()
  lu.assertEquals(counts["README.md"], { lua = 3, c = 1, sh = 1, text = 0 })
end

-- Each that prints shows what.
function TestReadme:test_programs_are_shown_with_their_output()
  for _, page in ipairs(PAGES) do
    for _, block in ipairs(pages.blocks(page)) do
      if block.language == "lua" or block.language == "c" then
        lu.assertNotNil(block.output, page .. " line " .. block.line)
      end
    end
  end
end

function TestReadme:test_its_first_example_takes_about_ten_lines()
  local _, lines = pages.blocks("README.md")[1].text:gsub("%S[^\n]*", "")
  lu.assertTrue(lines <= 12, lines .. " lines")
end
