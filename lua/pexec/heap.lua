-- A binary heap of values by time, with removal. Pure.

local Heap = {}
Heap.__index = Heap

local heap = {}

function heap.new()
  return setmetatable({}, Heap)
end

local function place(self, index, entry)
  self[index] = entry
  entry.index = index
end

local function rise(self, index, entry)
  while index > 1 do
    local parent = index // 2
    if self[parent].time <= entry.time then break end
    place(self, index, self[parent])
    index = parent
  end
  place(self, index, entry)
end

local function sink(self, index, entry)
  local last = #self
  while 2 * index <= last do
    local child = 2 * index
    if child < last and self[child + 1].time < self[child].time then
      child = child + 1
    end
    if entry.time <= self[child].time then break end
    place(self, index, self[child])
    index = child
  end
  place(self, index, entry)
end

-- Returns the entry, for remove. Changes nothing where there is no memory.
function Heap:add(time, value)
  local entry = { time = time, value = value, index = 0 }
  rise(self, #self + 1, entry)
  return entry
end

-- Changes nothing where there is no memory. (Calls may need some: these two are
-- made before anything has changed, too, when they have nothing to do.)
function Heap:remove(entry)
  local index = entry.index
  rise(self, index, entry)
  sink(self, index, entry)
  local last = self[#self]
  self[#self] = nil
  entry.index = 0
  if last == entry then return end
  rise(self, index, last)
  sink(self, last.index, last)
end

-- nil where it is empty.
function Heap:first_time()
  return self[1] and self[1].time
end

-- The value of that time.
function Heap:first()
  return self[1] and self[1].value
end

return heap
