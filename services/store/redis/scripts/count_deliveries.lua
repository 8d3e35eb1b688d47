-- How many deliveries of a sink are in a range.
-- req    sinkId, statuses, from, until (ids)
-- reply  the number
local count = 0
for _, status in ipairs(req.statuses) do
  count = count
    + call('ZLEXCOUNT', P .. 'list:' .. req.sinkId .. ':' .. status, '[' .. req.from, '(' .. req['until'])
end
return count
