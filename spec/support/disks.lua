--[[
Disks of a spec's own: one that is soon full, one that stands still. Mounted
where nobody else sees them, by root alone.

    local disks = require "disks"   -- before pexec has any thread
    function TestX:tearDown() disks.remove() end

    local path = disks.small(64)    -- KiB; skips the test where it cannot be
    local disk = disks.freezable()  -- disk.path, disk:freeze(), disk:thaw()

A write to a frozen one hangs in the kernel, where no signal ends it: should
the spec end without a thaw, a process of its own sees to that. Runs on the
spec's own thread.
]]

local lu = require "luaunit"
local spec = require "spec"

local disks = {}

local probe = spec.probe
local are_own, why_not = probe.own_mounts()
local mounted = {}  -- paths
local frozen = {}   -- those disks that are not thawed yet

local function run(command, ...)
  local pipe = assert(io.popen(command:format(...) .. " 2>&1"))
  local text = pipe:read("a")
  local ok = pipe:close()
  if not ok then lu.skip("no disk of its own: " .. text) end
end

local function fresh_directory()
  if not are_own then lu.skip("no mounts of its own: " .. why_not) end
  local path = spec.tmpdir() .. "/disk"
  run("mkdir '%s'", path)
  return path
end

--- A disk of so many KiB, in memory, for so many files: its path.
function disks.small(kib, files)
  local path = fresh_directory()
  run("mount -t tmpfs -o size=%dk,nr_inodes=%d,mode=755 tmpfs '%s'", kib,
      (files or 9999) + 1, path)
  table.insert(mounted, path)
  return path
end

--- Fills a disk but for so many KiB; returns a function that frees it again.
function disks.fill(path, free_kib)
  local ballast = path .. "/ballast"
  local pipe = assert(io.popen(("df -k --output=avail '%s'"):format(path)))
  local available = tonumber(pipe:read("a"):match("%d+"))
  pipe:close()
  spec.write(ballast, ("x"):rep((available - free_kib) * 1024))
  return function() assert(os.remove(ballast)) end
end

-- Thaws a disk when told to, when the spec has ended, and after two minutes.
local KEEPER <const> = [[
is_over () {
  [ -e "$2.thaw" ] || [ $((turns += 1)) -gt 2400 ] ||
  grep -qs '^State:.[XZ]' "/proc/$3/status" || ! [ -d "/proc/$3" ]
}
turns=0
until is_over "$@"; do sleep 0.05; done
fsfreeze -u "$2"
]]

-- It must outlive the spec: it is not marked as the spec's, and not its child.
local function start_keeper(path)
  local script = path .. ".keeper"
  spec.write(script, KEEPER)
  assert(os.execute(("env -u PEXEC_SPEC_MARK setsid sh '%s' '%s' '%s' %d "
                     .. "</dev/null >/dev/null 2>&1 &")
                    :format(script, path, path, probe.pid())))
end

local Frozen = {}
Frozen.__index = Frozen

--- From here on nothing can be written to it.
function Frozen:freeze()
  start_keeper(self.path)
  frozen[self] = true
  run("fsfreeze -f '%s'", self.path)
end

--- What waits is written.
function Frozen:thaw()
  frozen[self] = nil
  spec.write(self.path .. ".thaw", "")
  os.execute(("fsfreeze -u '%s' 2>/dev/null"):format(self.path))
end

--- A disk that can be frozen.
function disks.freezable()
  local path = fresh_directory()
  run("truncate -s 16M '%s.image' && mkfs.ext4 -q '%s.image'", path, path)
  run("mount -o loop '%s.image' '%s'", path, path)
  table.insert(mounted, path)
  return setmetatable({ path = path }, Frozen)
end

--- Takes them all away.
function disks.remove()
  for disk in pairs(frozen) do disk:thaw() end
  for _, path in ipairs(mounted) do
    os.execute(("umount -l '%s'"):format(path))
  end
  mounted = {}
end

return disks
