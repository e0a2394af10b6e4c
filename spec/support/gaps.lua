--[[
Accounts of logs: is each line that was written there, or told of as lost, at
its place?

    local told = gaps.account(text, count)  -- how many are told of as lost

The child has written "line 1" to "line COUNT" (the helper's `lines`). Runs on
the spec's own thread.
]]

local gaps = {}

local TIME <const> = "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d+Z "

-- What stands in front of a child's line, and a gap's line, for each kind.
local KINDS <const> = {
  raw = { line = "^", gap = "^pexec: (%d+) lines lost here: (.+)$" },
  text = { line = TIME .. "%S+ stdout: ",
           gap = TIME .. "pexec: (%d+) lines lost here: (.+)$" },
  logger = { line = TIME .. "INFO  %S+: ",
             gap = TIME .. "ERROR (%d+) log lines lost: (.+)$" },
}

-- A line that was cut where the disk was full, in front of its gap.
local function is_torn(line, kind, text)
  if kind == "raw" then return text:sub(1, #line) == line end
  return text:sub(-#line) ~= line  -- its head alone cannot be told
end

--- Raises unless the text holds lines 1 to `count`, each once, in order, but
-- for those that gaps at their place tell of. Returns how many were lost, the
-- number of gaps, and the last reason. Lines for which `skips` is true are no
-- lines of the child's.
function gaps.account(text, count, kind, skips)
  local patterns = KINDS[kind]
  local number, lost, told, reason, torn = 1, 0, 0, nil, nil
  assert(text == "" or text:sub(-1) == "\n", "the last line has no end")
  for line in text:gmatch("([^\n]*)\n") do
    local wanted = "line " .. number
    local size, why = line:match(patterns.gap)
    local body = line:match(patterns.line .. "(.*)$")
    if size then
      number, lost, told = number + tonumber(size), lost + tonumber(size),
                           told + 1
      reason, torn = why, nil
    elseif torn then
      error(("no gap behind %q but %q"):format(torn, line), 2)
    elseif body == wanted then
      number = number + 1
    elseif not (skips and skips(line)) then
      assert(is_torn(line, kind, wanted), ("%q, not %q"):format(line, wanted))
      torn = line
    end
  end
  assert(number == count + 1,
         ("%d lines are accounted for, not %d"):format(number - 1, count))
  return lost, told, reason
end

return gaps
