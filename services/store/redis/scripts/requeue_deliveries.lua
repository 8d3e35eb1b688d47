-- Makes deliveries of a range due, in the order of their ids.
-- req    sinkId, statuses, from, until (ids), cursor, limit, nowMs
-- reply  {how many, last id}; '' when none is left after it
local first = req.cursor > req.from and '(' .. req.cursor or '[' .. req.from
local ids = {}
for _, status in ipairs(req.statuses) do
  local index = P .. 'list:' .. req.sinkId .. ':' .. status
  for _, id in ipairs(call('ZRANGEBYLEX', index, first, '(' .. req['until'], 'LIMIT', 0, req.limit)) do
    ids[#ids + 1] = id
  end
end
table.sort(ids)
local count = math.min(#ids, req.limit)
for i = 1, count do
  local d = hash(P .. 'd:' .. ids[i])
  if d then make_due(ids[i], d) end
end
return { count, count < req.limit and '' or ids[count] }
