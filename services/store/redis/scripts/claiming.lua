-- Deliveries that are due, and the rates that they keep to.

--== buckets uses base
-- Token buckets, each under a key of its own. A rate is {perSecond, burst}.

-- To a millionth: sums of binary fractions must not fall short of a whole token.
local function rounded(n) return math.floor(n * 1e6 + 0.5) / 1e6 end

-- How many tokens there are now; below 0 where more were taken than there were.
local function tokens_in(key, rate)
  local kept = call('HMGET', key, 'tokens', 'at')
  if not kept[1] then return rate.burst end
  local filled = math.max(0, now - tonumber(kept[2])) * rate.perSecond / 1000
  return math.min(rate.burst, rounded(tonumber(kept[1]) + filled))
end

-- How many milliseconds a bucket needs to fill up by `missing` tokens; 0 only where none is missing.
local function filling_ms(missing, rate)
  if missing <= 0 then return 0 end
  return math.max(1, math.ceil(rounded(missing * 1000 / rate.perSecond)))
end

-- Takes tokens whether they are there or not.
local function take_from(key, rate, count)
  if count == 0 then return end
  local left = tokens_in(key, rate) - count
  call('HSET', key, 'tokens', tostring(left), 'at', now)
  -- Once it is full again it need not be remembered.
  call('PEXPIRE', key, math.min(filling_ms(rate.burst - left, rate), policy.retentionMs) + MARGIN_MS)
end

--== claim_deliveries uses lanes buckets sweeping
-- Takes the heads of due lanes under a lease, one of each sink in turn.
-- req    nowMs, leaseToken, leaseUntilMs, limit, capacityPerSink, capacity {sink: places},
--        rates {sink: {perSecond, burst}}, sweepBefore? {event, delivery, expired}: ids below which these are past their time
-- reply  {nextDueAt or -1, swept all 0/1, expired, delivery…}, each delivery {id, sink, attempt, interrupted, index or -1,
--        event id, type, session, sequence, agent, occurredAt, data, phone, sender, progress}; '' stands for nothing

local function places(sink) return req.capacity[sink] or req.capacityPerSink end

-- The tokens in a sink's bucket, and when there is one again: 0 where there is. A sink without a rate has no tokens, and 0.
local function bucket(sink)
  local rate = req.rates[sink]
  if not rate then return nil, 0 end
  local tokens = tokens_in(P .. 'bucket:' .. sink, rate)
  local wait = filling_ms(1 - tokens, rate)
  return tokens, wait == 0 and 0 or now + wait
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

local function reply_for(id, d, e, attempt, interrupted)
  local customer = {}
  if d.sink == policy.smsSink then customer = call('HMGET', P .. 'm:' .. e.session, 'phone', 'sender') end
  return {
    id, d.sink, attempt - tonumber(d.ladder or 0), interrupted, tonumber(d.index or -1),
    d.event, e.type, e.session or '', tonumber(e.seq or -1), e.agent or '', tonumber(e.at), e.data,
    customer[1] or '', customer[2] or '', d.progress or '',
  }
end

local function mark_leased(id, d)
  call('HSET', P .. 'd:' .. id, 'lease', req.leaseToken, 'nextAt', req.leaseUntilMs)
  call('HSET', P .. 'flights', d.lane, id)
  call('ZADD', P .. 'due:' .. d.sink, req.leaseUntilMs, d.lane)
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
  mark_leased(id, d)
  return reply_for(id, d, e, attempt, interrupted)
end

-- What this very claim took when its reply was lost. Remembered by the lease token, which a repeated claim brings again.
local claim_key = P .. 'claim:' .. req.leaseToken

local function taken_before()
  local again = {}
  for _, entry in ipairs(call('LRANGE', claim_key, 0, -1)) do
    local interrupted, id = entry:sub(1, 1), entry:sub(2)
    local d = hash(P .. 'd:' .. id)
    local e = d and hash(P .. 'e:' .. d.event)
    if e and d.status == 'delivering' and d.lease == req.leaseToken then
      mark_leased(id, d)
      refresh_sink(d.sink)
      again[#again + 1] = reply_for(id, d, e, tonumber(d.attempts), tonumber(interrupted))
    end
  end
  return again
end

local function remember_claim(deliveries)
  if #deliveries == 0 then return end
  for _, delivery in ipairs(deliveries) do call('RPUSH', claim_key, delivery[4] .. delivery[1]) end
  call('PEXPIRE', claim_key, math.max(1, req.leaseUntilMs - now))
end

local complete, expired = true, 0
if req.sweepBefore then complete, expired = sweep() end
local head = { -1, complete and 1 or 0, expired }
local again = taken_before()
if #again > 0 then
  -- Something else may be due too: the next claim sees to it.
  head[1] = now
  for _, delivery in ipairs(again) do head[#head + 1] = delivery end
  return head
end
local deliveries, taken, lists = {}, {}, {}
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
while more and #deliveries < req.limit do
  more = false
  for _, list in ipairs(lists) do
    local lane = list.lanes[round]
    if lane and #deliveries < req.limit then
      more = true
      local delivery = lease(list.sink, lane)
      if delivery then
        deliveries[#deliveries + 1] = delivery
        taken[list.sink] = taken[list.sink] + 1
      end
    end
  end
  round = round + 1
end
for sink, count in pairs(taken) do
  refresh_sink(sink)
  if req.rates[sink] then take_from(P .. 'bucket:' .. sink, req.rates[sink], count) end
  local due = tonumber(call('ZSCORE', P .. 'sinks', sink) or nil)
  if due and places(sink) > count then
    local _, token_at = bucket(sink)
    due = math.max(due, token_at)
    if head[1] < 0 or due < head[1] then head[1] = due end
  end
end
remember_claim(deliveries)
for _, delivery in ipairs(deliveries) do head[#head + 1] = delivery end
return head

--== take_tokens uses buckets
-- Takes tokens from a bucket that has at least one, or says when it may have. What is taken beyond that is owed.
-- req    bucketId, tokens, perSecond, burst, nowMs
-- reply  0: taken | how many milliseconds until there may be one
local key = P .. 'bucket:' .. req.bucketId
local missing = 1 - tokens_in(key, req)
if missing <= 0 then take_from(key, req, req.tokens) end
return filling_ms(missing, req)
