-- Per session the lowest message index from 1 on that it has not seen.
-- req    sessionIds
-- reply  list of indexes
local CHUNK = 256

local function first_unseen(seen)
  local first = 1
  while true do
    local indexes = {}
    for i = 1, CHUNK do indexes[i] = first + i - 1 end
    for i, is_seen in ipairs(call('SMISMEMBER', seen, unpack(indexes))) do
      if is_seen == 0 then return indexes[i] end
    end
    first = first + CHUNK
  end
end

local found = {}
for i, id in ipairs(req.sessionIds) do found[i] = first_unseen(P .. 'seen:' .. id) end
return found
