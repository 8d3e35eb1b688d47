-- Deliveries by id, of one sink or all, of one status or all.
-- req    limit, cursor, sinkId?, status?
-- reply  list of {id, flat fields…} as HGETALL gives them, at most limit
local sinks = req.sinkId and { req.sinkId } or call('SMEMBERS', P .. 'known-sinks')
local statuses = req.status and { req.status } or policy.statuses
local from = req.cursor == '' and '-' or '(' .. req.cursor
local ids = {}
for _, sink in ipairs(sinks) do
  for _, status in ipairs(statuses) do
    local index = P .. 'list:' .. sink .. ':' .. status
    for _, id in ipairs(call('ZRANGEBYLEX', index, from, '+', 'LIMIT', 0, req.limit)) do
      ids[#ids + 1] = id
    end
  end
end
table.sort(ids)
local found = {}
for i = 1, math.min(#ids, req.limit) do
  local fields = call('HGETALL', P .. 'd:' .. ids[i])
  if #fields > 0 then
    table.insert(fields, 1, ids[i])
    found[#found + 1] = fields
  end
end
return found
