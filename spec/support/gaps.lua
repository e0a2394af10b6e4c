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

-- What is known while a text is read: the number of the next line, how many
-- were told of as lost, in how many gaps, why, and the line that was cut.
local Account = {}
Account.__index = Account

function Account:add_gap(size, reason)
  self.number, self.lost = self.number + size, self.lost + size
  self.gaps, self.reason, self.torn = self.gaps + 1, reason, nil
  self.may_count_twice = self.is_whole
end

-- A line that lacks its newline alone is there, and counts as lost.
function Account:add_line(body)
  if self.may_count_twice and body == "line " .. self.number - 1 then
    self.number = self.number - 1
  end
  self.may_count_twice = false
  self.is_whole = body == "line " .. self.number
  if self.is_whole then self.number = self.number + 1 end
  return self.is_whole
end

--- Raises unless the text holds lines 1 to `count`, each once, in order, but
-- for those that gaps at their place tell of. Returns how many were lost, the
-- number of gaps, and the last reason. Lines for which `skips` is true are no
-- lines of the child's.
function gaps.account(text, count, kind, skips)
  local patterns = KINDS[kind]
  local account = setmetatable({ number = 1, lost = 0, gaps = 0 }, Account)
  assert(text == "" or text:sub(-1) == "\n", "the last line has no end")
  for line in text:gmatch("([^\n]*)\n") do
    local size, reason = line:match(patterns.gap)
    if size then
      account:add_gap(math.tointeger(tonumber(size)), reason)
    elseif account.torn then
      error(("no gap behind %q but %q"):format(account.torn, line), 2)
    elseif not account:add_line(line:match(patterns.line .. "(.*)$"))
           and not (skips and skips(line)) then
      local wanted = "line " .. account.number
      assert(is_torn(line, kind, wanted), ("%q, not %q"):format(line, wanted))
      account.torn = line
    end
  end
  assert(account.number == count + 1,
         ("%d lines are accounted for, not %d"):format(account.number - 1,
                                                       count))
  return account.lost, account.gaps, account.reason
end

return gaps
