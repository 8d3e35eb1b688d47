-- Deliveries by id, of one sink or all, of one status or all.
-- req    limit, cursor, sinkId?, status?
-- reply  list of {id, flat fields…} as HGETALL gives them, at most limit
local sinks = req.sinkId and { req.sinkId } or call('SMEMBERS', P .. 'known-sinks')
local statuses = req.status and { req.status } or policy.statuses
local from = req.cursor == '' and '-' or '(' .. req.cursor
local found = {}

-- The next ids of all indexes, in order, with the index of each.
local function next_ids()
  local ids, index_of = {}, {}
  for _, sink in ipairs(sinks) do
    for _, status in ipairs(statuses) do
      local index = P .. 'list:' .. sink .. ':' .. status
      for _, id in ipairs(call('ZRANGEBYLEX', index, from, '+', 'LIMIT', 0, req.limit)) do
        ids[#ids + 1] = id
        index_of[id] = index
      end
    end
  end
  table.sort(ids)
  return ids, index_of
end

repeat
  local ids, index_of = next_ids()
  local most = math.min(#ids, req.limit)
  for i = 1, most do
    local fields = call('HGETALL', P .. 'd:' .. ids[i])
    if #fields == 0 then call('ZREM', index_of[ids[i]], ids[i])
    elseif #found < req.limit then
      table.insert(fields, 1, ids[i])
      found[#found + 1] = fields
    end
    from = '(' .. ids[i]
  end
until most < req.limit or #found >= req.limit
return found
