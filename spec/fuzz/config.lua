-- What holds of a configuration, whatever table it was made from. For
-- config.c.

local holds = require "holds"
local pexec = require "pexec"

-- A process is refused for the same reason.
local function check_refusal(source, message)
  holds.message(message)
  local ok, reason = pcall(pexec.new_managed_process, source)
  reason = tostring(reason):gsub("^[^:]*/config%.lua:%d+: ", "")
  assert(not ok and reason == message, reason)
  assert(pexec.new_process_config{} ~= source)
end

return function(source)
  local ok, made = pcall(pexec.new_process_config, source)
  if not ok then return check_refusal(source, made) end
  assert(made == source)
  holds.copies(made)
  holds.json(made)
  holds.process(made)
  assert(tostring(made):find("^pexec.ProcessConfig"))
end
