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
