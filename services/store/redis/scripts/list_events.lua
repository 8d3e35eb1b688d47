-- Events by id.
-- req    limit, cursor, sessionId?, type?
-- reply  list of {id, type, session, sequence or -1, agent, occurredAt, data}; '' stands for nothing
local index = P .. 'events'
if req.sessionId then index = index .. ':session:' .. req.sessionId
elseif req.type then index = index .. ':type:' .. req.type end
local from = req.cursor == '' and '-' or '(' .. req.cursor
local found = {}
repeat
  local ids = call('ZRANGEBYLEX', index, from, '+', 'LIMIT', 0, req.limit)
  for _, id in ipairs(ids) do
    from = '(' .. id
    local e = hash(P .. 'e:' .. id)
    if e and #found < req.limit and (not req.type or e.type == req.type) then
      found[#found + 1] =
        { id, e.type, e.session or '', tonumber(e.seq or -1), e.agent or '', tonumber(e.at), e.data }
    end
  end
until #ids < req.limit or #found >= req.limit
return found
