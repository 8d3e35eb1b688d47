-- Mappings by id, of one agent or of all. Index entries whose mapping is gone are dropped on the way.
-- req    nowMs, limit, cursor, agentId?
-- reply  list of sessions (base.lua), at most limit
local index = P .. 'sessions' .. (req.agentId and ':' .. req.agentId or '')
local from = req.cursor == '' and '-' or '(' .. req.cursor
local found = {}
repeat
  local ids = call('ZRANGEBYLEX', index, from, '+', 'LIMIT', 0, req.limit)
  for _, id in ipairs(ids) do
    from = '(' .. id
    local s = live_session(id)
    if s and #found < req.limit then found[#found + 1] = session_reply(s)
    elseif not s then call('ZREM', index, id) end
  end
until #ids < req.limit or #found >= req.limit
return found
