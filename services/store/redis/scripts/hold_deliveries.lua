-- Holds waiting deliveries of a sink, and parks their lanes.
-- req    sinkId, limit, nowMs
-- reply  how many; fewer than limit: none is left
local held = 0
for _, status in ipairs({ 'pending', 'retrying' }) do
  local index = P .. 'list:' .. req.sinkId .. ':' .. status
  for _, id in ipairs(call('ZRANGE', index, 0, req.limit - held - 1)) do
    local d = hash(P .. 'd:' .. id)
    if d then
      set_status(id, d, 'held')
      call('HDEL', P .. 'd:' .. id, 'nextAt')
      schedule(d.lane, d.sink)
    else call('ZREM', index, id) end
    held = held + 1
  end
  if held >= req.limit then break end
end
return held
