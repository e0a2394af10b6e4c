-- A queue of tables, oldest first, which it links by their field 'after':
-- where they have that already it takes no memory. Each is in one queue at a
-- time. Pure.

local queue = {}

function queue.new()
  return { first = false, last = false, length = 0 }
end

-- Changes nothing where there is no memory for it.
function queue.put(self, value)
  value.after = false
  if self.last then self.last.after = value else self.first = value end
  self.last = value
  self.length = self.length + 1
end

-- nil where it is empty.
function queue.take(self)
  local value = self.first
  if not value then return nil end
  self.first = value.after
  if not self.first then self.last = false end
  self.length = self.length - 1
  return value
end

-- It becomes the oldest again.
function queue.put_back(self, value)
  value.after = self.first
  self.first = value
  if not self.last then self.last = value end
  self.length = self.length + 1
end

return queue
