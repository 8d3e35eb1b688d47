-- Takes the heads of due lanes under a lease, one of each sink in turn.
-- req    nowMs, leaseToken, leaseUntilMs, limit, capacityPerSink, capacity {sink: places},
--        rates {sink: {perSecond, burst}}, sweepBefore? {event, delivery}: ids below which everything is past its time
-- reply  {nextDueAt or -1, delivery…}, each delivery {id, sink, attempt, interrupted, index or -1,
--        event id, type, session, sequence, agent, occurredAt, data, phone, sender}; '' stands for nothing

local function places(sink) return req.capacity[sink] or req.capacityPerSink end

-- To a millionth: sums of binary fractions must not fall short of a whole token.
local function rounded(n) return math.floor(n * 1e6 + 0.5) / 1e6 end

-- The tokens in a sink's bucket, and when there is one again (0: there is); nothing for a sink without a rate.
local function bucket(sink)
  local rate = req.rates[sink]
  if not rate then return nil, 0 end
  local kept = call('HMGET', P .. 'bucket:' .. sink, 'tokens', 'at')
  local tokens = rate.burst
  if kept[1] then
    local filled = math.max(0, now - tonumber(kept[2])) * rate.perSecond / 1000
    tokens = math.min(rate.burst, rounded(tonumber(kept[1]) + filled))
  end
  return tokens, tokens >= 1 and 0 or now + math.ceil(rounded((1 - tokens) * 1000 / rate.perSecond))
end

local function take_tokens(sink, count)
  local tokens = bucket(sink)
  if not tokens or count == 0 then return end
  call('HSET', P .. 'bucket:' .. sink, 'tokens', tostring(tokens - count), 'at', now)
  -- Once it is full again it need not be remembered.
  local rate = req.rates[sink]
  call('PEXPIRE', P .. 'bucket:' .. sink, math.ceil(rate.burst * 1000 / rate.perSecond) + MARGIN_MS)
end

-- Takes a delivery that is past its time out of its lane, with everything kept of it.
local function drop(id)
  local d = hash(P .. 'd:' .. id)
  if d then
    call('ZREM', P .. 'lane:' .. d.lane, id)
    if call('ZCARD', P .. 'lane:' .. d.lane) == 0 then
      call('ZREM', P .. 'due:' .. d.sink, d.lane)
      call('HDEL', P .. 'flights', d.lane)
    end
  end
  call('DEL', P .. 'd:' .. id, P .. 'a:' .. id)
end

local function sweep_events(index, delete)
  local old = call('ZRANGEBYLEX', index, '-', '(' .. req.sweepBefore.event, 'LIMIT', 0, policy.sweepLimit)
  for _, id in ipairs(old) do
    call('ZREM', index, id)
    if delete then call('DEL', P .. 'e:' .. id) end
  end
end

local function sweep()
  sweep_events(P .. 'events', true)
  for _, type in ipairs(call('SMEMBERS', P .. 'known-types')) do
    sweep_events(P .. 'events:type:' .. type, false)
  end
  for _, sink in ipairs(call('SMEMBERS', P .. 'known-sinks')) do
    for _, status in ipairs(policy.statuses) do
      local index = P .. 'list:' .. sink .. ':' .. status
      local old = call('ZRANGEBYLEX', index, '-', '(' .. req.sweepBefore.delivery, 'LIMIT', 0,
        policy.sweepLimit)
      for _, id in ipairs(old) do
        drop(id)
        call('ZREM', index, id)
      end
    end
    refresh_sink(sink)
  end
  local lapsed = call('ZRANGEBYSCORE', P .. 'expiry', '-inf', now, 'LIMIT', 0, policy.sweepLimit)
  for _, id in ipairs(lapsed) do
    local s = hash(P .. 's:' .. id)
    if s then unmap({ id = id, agents = cjson.decode(s.agents) })
    else
      call('ZREM', P .. 'expiry', id)
      call('ZREM', P .. 'sessions', id)
    end
  end
end

-- The head of a lane, passing over what has expired under it.
local function head_of(lane)
  while true do
    local id = call('ZRANGE', P .. 'lane:' .. lane, 0, 0)[1]
    if not id then return nil end
    local d = hash(P .. 'd:' .. id)
    local e = d and hash(P .. 'e:' .. d.event)
    if e then return id, d, e end
    call('ZREM', P .. 'lane:' .. lane, id)
  end
end

local function lease(sink, lane)
  local id, d, e = head_of(lane)
  if not id then
    call('ZREM', P .. 'due:' .. sink, lane)
    return nil
  end
  local attempt = call('HINCRBY', P .. 'd:' .. id, 'attempts', 1)
  local interrupted = d.status == 'delivering' and 1 or 0
  set_status(id, d, 'delivering')
  call('HSET', P .. 'd:' .. id, 'lease', req.leaseToken, 'nextAt', req.leaseUntilMs)
  call('HSET', P .. 'flights', d.lane, id)
  call('ZADD', P .. 'due:' .. sink, req.leaseUntilMs, lane)
  local customer = {}
  if sink == 'sms' then customer = call('HMGET', P .. 'm:' .. e.session, 'phone', 'sender') end
  return {
    id, sink, attempt - tonumber(d.ladder or 0), interrupted, tonumber(d.index or -1),
    d.event, e.type, e.session or '', tonumber(e.seq or -1), e.agent or '', tonumber(e.at), e.data,
    customer[1] or '', customer[2] or '',
  }
end

if req.sweepBefore then sweep() end
local reply, taken, lists = { -1 }, {}, {}
for _, sink in ipairs(call('ZRANGE', P .. 'sinks', 0, -1)) do
  taken[sink] = 0
  local tokens = bucket(sink)
  local most = math.min(places(sink), req.limit, tokens and math.floor(tokens) or req.limit)
  if most > 0 then
    local lanes = call('ZRANGEBYSCORE', P .. 'due:' .. sink, '-inf', now, 'LIMIT', 0, most)
    lists[#lists + 1] = { sink = sink, lanes = lanes }
  end
end
local round, more = 1, true
while more and #reply <= req.limit do
  more = false
  for _, list in ipairs(lists) do
    local lane = list.lanes[round]
    if lane and #reply <= req.limit then
      more = true
      local delivery = lease(list.sink, lane)
      if delivery then
        reply[#reply + 1] = delivery
        taken[list.sink] = taken[list.sink] + 1
      end
    end
  end
  round = round + 1
end
for sink, count in pairs(taken) do
  refresh_sink(sink)
  take_tokens(sink, count)
  local due = tonumber(call('ZSCORE', P .. 'sinks', sink) or nil)
  if due and places(sink) > count then
    local _, token_at = bucket(sink)
    due = math.max(due, token_at)
    if reply[1] < 0 or due < reply[1] then reply[1] = due end
  end
end
return reply
