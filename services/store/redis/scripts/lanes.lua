-- Lists by status, and how a lane moves on.

local function set_status(id, d, status)
  call('ZREM', P .. 'list:' .. d.sink .. ':' .. d.status, id)
  call('ZADD', P .. 'list:' .. d.sink .. ':' .. status, 0, id)
  call('HSET', P .. 'd:' .. id, 'status', status, 'updatedAt', now)
end

-- The lane's next delivery is due then; a lane with nothing open goes.
local function move_on(lane, sink, due)
  if call('ZCARD', P .. 'lane:' .. lane) == 0 then call('ZREM', P .. 'due:' .. sink, lane)
  else call('ZADD', P .. 'due:' .. sink, due, lane) end
  refresh_sink(sink)
end

-- Nothing of the lane is due until something of it is brought back.
local function park(lane, sink)
  call('ZREM', P .. 'due:' .. sink, lane)
  refresh_sink(sink)
end

local function is_busy(lane)
  local id = call('HGET', P .. 'flights', lane)
  return id and call('HGET', P .. 'd:' .. id, 'status') == 'delivering'
end

-- Makes a delivery due at its old place in its lane, on a new ladder.
local function make_due(id, d)
  local key = P .. 'd:' .. id
  set_status(id, d, d.attempts == '0' and 'pending' or 'retrying')
  call('HSET', key, 'nextAt', now, 'ladder', d.attempts)
  call('ZADD', P .. 'lane:' .. d.lane, d.position, id)
  call('PEXPIRE', P .. 'lane:' .. d.lane, policy.retentionMs + MARGIN_MS)
  -- While another delivery of the lane is in flight, this one is next when that settles.
  if is_busy(d.lane) then return end
  call('ZADD', P .. 'due:' .. d.sink, now, d.lane)
  refresh_sink(d.sink)
end
