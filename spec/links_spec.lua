-- Each link of README.md, docs/ and the other pages leads somewhere: to a file
-- or a directory of the project, and to a heading that is there. Addresses are
-- not tried: no spec needs the network.

local lu = require "luaunit"
local pages = require "pages"
local spec = require "spec"

TestLinks = {}

local function is_there(path)
  local file = io.open(spec.root .. "/" .. path)
  if file then file:close() end
  return file ~= nil
end

-- Calls see(page, link) for each link of all pages. Returns how many.
local function each_link(see)
  local count = 0
  for _, page in ipairs(pages.paths()) do
    for _, link in ipairs(pages.links(page)) do
      count = count + 1
      see(page, link)
    end
  end
  return count
end

function TestLinks:test_each_leads_to_a_file()
  local missing = {}
  local count = each_link(function(page, link)
    if not is_there(link.path) then
      missing[#missing + 1] = page .. ": " .. link.text
    end
  end)
  lu.assertEquals(missing, {})
  lu.assertTrue(count > 10, "only " .. count .. " links were found")
end

function TestLinks:test_each_leads_to_a_heading()
  local missing, count = {}, 0
  each_link(function(page, link)
    if not link.anchor or not is_there(link.path) then return end
    count = count + 1
    if not pages.anchors(link.path)[link.anchor] then
      missing[#missing + 1] = page .. ": " .. link.text
    end
  end)
  lu.assertEquals(missing, {})
  lu.assertTrue(count > 1, "only " .. count .. " anchors were found")
end

-- A page that no other leads to is found by nobody.
function TestLinks:test_each_page_is_led_to()
  local found, lost = { ["README.md"] = true }, {}
  each_link(function(_, link)
    found[link.path] = true
  end)
  for _, page in ipairs(pages.paths()) do
    if not found[page] then lost[#lost + 1] = page end
  end
  lu.assertEquals(lost, {})
end
