-- Lists by status, and how a lane moves on.

local function set_status(id, d, status)
  call('ZREM', P .. 'list:' .. d.sink .. ':' .. d.status, id)
  call('ZADD', P .. 'list:' .. d.sink .. ':' .. status, 0, id)
  call('HSET', P .. 'd:' .. id, 'status', status, 'updatedAt', now)
end

-- When the lane goes on: at the end of the lease that is in flight, else when its head is due; never for a held head.
-- Kept after every change to a lane.
local function schedule(lane, sink)
  local due
  local flight = call('HGET', P .. 'flights', lane)
  local f = flight and call('HMGET', P .. 'd:' .. flight, 'status', 'nextAt') or {}
  if f[1] == 'delivering' and tonumber(f[2]) > now then due = f[2]
  else
    local head = call('ZRANGE', P .. 'lane:' .. lane, 0, 0)[1]
    local h = head and call('HMGET', P .. 'd:' .. head, 'status', 'nextAt') or { 'held' }
    -- A head that has expired under the lane is due: the claim passes over it.
    if h[1] ~= 'held' then due = h[2] or now end
  end
  if due then call('ZADD', P .. 'due:' .. sink, due, lane)
  else call('ZREM', P .. 'due:' .. sink, lane) end
  refresh_sink(sink)
end

-- Makes a delivery due at its old place in its lane, on a new ladder.
local function make_due(id, d)
  set_status(id, d, d.attempts == '0' and 'pending' or 'retrying')
  call('HSET', P .. 'd:' .. id, 'nextAt', now, 'ladder', d.attempts)
  call('ZADD', P .. 'lane:' .. d.lane, d.position, id)
  call('PEXPIRE', P .. 'lane:' .. d.lane, policy.retentionMs + MARGIN_MS)
  schedule(d.lane, d.sink)
end

-- Takes a delivery out of its lane.
local function leave_lane(id, d)
  call('ZREM', P .. 'lane:' .. d.lane, id)
  if call('HGET', P .. 'flights', d.lane) == id then call('HDEL', P .. 'flights', d.lane) end
  schedule(d.lane, d.sink)
end
