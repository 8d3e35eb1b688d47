-- Events and deliveries as they are looked up, and expunged.

--== list_events uses base
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

--== list_deliveries uses base
-- Deliveries by id, of one sink or all, of one status or all; texts that are 'sent', 'delivered' or 'undelivered' by what became
-- of them.
-- req    limit, cursor, sinkId?, status?
-- reply  list of {id, flat fields…} as HGETALL gives them, at most limit
local sinks = req.sinkId and { req.sinkId } or call('SMEMBERS', P .. 'known-sinks')
local statuses = req.status and { req.status } or policy.statuses
local from = req.cursor == '' and '-' or '(' .. req.cursor
local found = {}

local of_outcome = { sent = true, delivered = true, undelivered = true }

local function index_of_list(sink, status)
  if sink == policy.smsSink and req.status and of_outcome[status] then return P .. 'texts:' .. status end
  return P .. 'list:' .. sink .. ':' .. status
end

-- The next ids of all indexes, in order, with the index of each.
local function next_ids()
  local ids, index_of = {}, {}
  for _, sink in ipairs(sinks) do
    for _, status in ipairs(statuses) do
      local index = index_of_list(sink, status)
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

--== expunge_session uses base
-- Empties what is kept of a session.
-- req    sessionId, dataJson: what an event's own data is from then on
-- reply  how many events

-- The other members stay as they are; numbers of an attempt are small, so cjson writes them as they were.
local function empty_attempts(id)
  local log = P .. 'a:' .. id
  for i, text in ipairs(call('LRANGE', log, 0, -1)) do
    local attempt = cjson.decode(text)
    if attempt[policy.excerptMember] then
      attempt[policy.excerptMember] = nil
      call('LSET', log, i - 1, cjson.encode(attempt))
    end
  end
end

local emptied = 0
for _, id in ipairs(call('ZRANGE', P .. 'events:session:' .. req.sessionId, 0, -1)) do
  local key = P .. 'e:' .. id
  local made = call('HGET', key, 'made')
  if made then
    call('HSET', key, 'data', req.dataJson)
    for _, delivery in ipairs(cjson.decode(made)) do
      empty_attempts(delivery)
      if call('EXISTS', P .. 'd:' .. delivery) == 1 then call('HSET', P .. 'd:' .. delivery, 'expunged', 1) end
    end
    emptied = emptied + 1
  end
end
local s = kept_session(req.sessionId)
if s then index_customer(s, '') end
call('HDEL', P .. 'm:' .. req.sessionId, 'phone', 'sender', 'given', 'hash')
return emptied
