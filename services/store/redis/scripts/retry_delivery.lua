-- Makes a delivery due now, at its old place in its lane.
-- req    deliveryId, nowMs
-- reply  'due' | 'in-flight' | nothing
local id = req.deliveryId
local key = P .. 'd:' .. id
local d = hash(key)
if not d then return false end
if d.status == 'delivering' then return 'in-flight' end
set_status(id, d, 'retrying')
call('HSET', key, 'nextAt', now)
local lane = P .. 'lane:' .. d.lane
local busy = false
for _, other in ipairs(call('ZRANGE', lane, 0, -1)) do
  if call('HGET', P .. 'd:' .. other, 'status') == 'delivering' then busy = true end
end
call('ZADD', lane, d.position, id)
call('PEXPIRE', lane, policy.retentionMs + MARGIN_MS)
-- Another delivery of the lane is in flight: this one is next when that settles.
if not busy then
  call('ZADD', P .. 'due:' .. d.sink, now, d.lane)
  refresh_sink(d.sink)
end
return 'due'
