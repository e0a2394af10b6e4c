-- What the soak takes for flat, and the pictures of the benches.

local lu = require "luaunit"
local spec = require "spec"

package.path = spec.root .. "/bench/?.lua;" .. package.path
local flat = require "flat"
local svg = require "svg"

-- A hundred samples: f(i), which may be noisy, but the same each time.
local function series(f)
  local values = {}
  for i = 1, 100 do values[i] = f(i) end
  return values
end

local function noise(i)
  return (i * 7919 % 11) - 5
end

TestFlat = {}

function TestFlat:test_noise_is_flat()
  local result = flat.check(series(function(i) return 1000 + noise(i) end),
                            0.05, 0)
  lu.assertTrue(result.is_flat)
  lu.assertAlmostEquals(result.level, 1000, 5)
end

function TestFlat:test_what_grows_in_the_first_tenth_alone_is_flat()
  local result = flat.check(series(function(i)
    return (i <= 5 and 200 * i or 1000) + noise(i)
  end), 0.05, 0)
  lu.assertTrue(result.is_flat)
end

function TestFlat:test_a_slow_rise_is_not_flat()
  local result = flat.check(series(function(i) return 1000 + i + noise(i) end),
                            0.05, 0)
  lu.assertFalse(result.is_flat)
  lu.assertAlmostEquals(result.rise, 89, 5)
end

function TestFlat:test_slack_allows_a_rise_of_little()
  local values = series(function(i) return i / 20 end)
  lu.assertFalse(flat.check(values, 0.05, 0).is_flat)
  lu.assertTrue(flat.check(values, 0.05, 8).is_flat)
end

function TestFlat:test_one_sample_far_above_is_not_flat()
  local result = flat.check(series(function(i)
    return i == 50 and 1200 or 1000
  end), 0.05, 0)
  lu.assertTrue(result.rise <= result.allowed)
  lu.assertFalse(result.is_flat)
end

TestSvg = {}

local function count(text, pattern)
  return select(2, text:gsub(pattern, ""))
end

function TestSvg:test_each_panel_is_drawn_with_its_lines_and_bars()
  local text = svg.draw("all", {
    { title = "a < b", x = "n", series = {
      { name = "one", points = { { 1, 2 }, { 3, 4 } } },
      { name = "two", points = { { 1, 1 }, { 3, 0 } } } } },
    { title = "bars", unit = "us", log = true, bars = {
      { "pexec", 10, 9, 11 }, { "other", 1000, 900, 1100 } } } })
  lu.assertEquals(count(text, "<polyline "), 2)
  lu.assertEquals(count(text, "<rect "), 3)  -- with the ground
  lu.assertStrContains(text, "a &lt; b")
  lu.assertEquals(count(text, "<g "), count(text, "</g>"))
end

function TestSvg:test_nothing_is_drawn_outside_of_numbers()
  local text = svg.draw("none", {
    { title = "zeros", series = { { name = "z", points = { { 0, 0 } } } } },
    { title = "zero on a logarithmic axis", log = true,
      bars = { { "a", 0, 0, 0 }, { "b", 5, 4, 6 } } },
  })
  lu.assertNotStrContains(text, "nan")
  lu.assertNotStrContains(text, "inf")
end

function TestSvg:test_figures_are_short()
  lu.assertEquals(svg.figure(1234567), "1.23M")
  lu.assertEquals(svg.figure(12345), "12.3k")
  lu.assertEquals(svg.figure(1234), "1234")
  lu.assertEquals(svg.figure(0.5), "0.5")
end
