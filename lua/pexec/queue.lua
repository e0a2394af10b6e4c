-- A queue, oldest first. Pure.

local queue = {}

function queue.new()
  return { first = 1, last = 0 }
end

function queue.length(self)
  return self.last - self.first + 1
end

-- Changes nothing where there is no memory for it.
function queue.put(self, value)
  self[self.last + 1] = value
  self.last = self.last + 1
end

-- nil where it is empty.
function queue.take(self)
  if self.first > self.last then return nil end
  local value = self[self.first]
  self[self.first] = nil
  self.first = self.first + 1
  return value
end

-- The one that was taken last becomes the oldest again; takes no memory.
function queue.put_back(self, value)
  self.first = self.first - 1
  self[self.first] = value
end

return queue
