-- Empties what is kept of a session.
-- req    sessionId, dataJson: what an event's own data is from then on
-- reply  how many events

-- The other members stay as they are; numbers of an attempt are small, so cjson writes them as they were.
local function empty_attempts(id)
  local log = P .. 'a:' .. id
  for i, text in ipairs(call('LRANGE', log, 0, -1)) do
    local attempt = cjson.decode(text)
    if attempt.responseExcerpt then
      attempt.responseExcerpt = nil
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
