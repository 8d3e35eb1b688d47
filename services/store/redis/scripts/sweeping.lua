-- Dropping what is past its time.

--== sweeping uses lanes revocations
-- sweep(): drops what is past its time and lets what is still open expire, at most policy.sweepLimit things in all.
-- Returns whether that was all, and how many deliveries expired.

local budget, expired, complete = policy.sweepLimit, 0, true

-- The old ones of an index by id, as many as may be handled still.
local function old_ids(index, before)
  if budget <= 0 then complete = false return {} end
  local ids = call('ZRANGEBYLEX', index, '-', '(' .. before, 'LIMIT', 0, budget)
  budget = budget - #ids
  if budget <= 0 then complete = false end
  return ids
end

local function sweep_delivery(sink, status, id)
  local key = P .. 'd:' .. id
  local d = hash(key)
  if d and policy.open[status] then
    set_status(id, d, 'expired')
    call('HDEL', key, 'lease', 'nextAt')
    leave_lane(id, d)
    expired = expired + 1
    return
  end
  call('ZREM', P .. 'list:' .. sink .. ':' .. status, id)
  if sink == policy.smsSink then list_text(id) end
  call('DEL', key, P .. 'a:' .. id)
end

local function sweep_sink(sink)
  local left = 0
  for _, status in ipairs(policy.statuses) do
    local index = P .. 'list:' .. sink .. ':' .. status
    -- What expired is to be seen for a while.
    local before = status == 'expired' and req.sweepBefore.expired or req.sweepBefore.delivery
    for _, id in ipairs(old_ids(index, before)) do sweep_delivery(sink, status, id) end
    left = left + call('EXISTS', index)
  end
  if left == 0 then call('SREM', P .. 'known-sinks', sink) end
end

local function sweep_sessions()
  if budget <= 0 then complete = false return end
  local lapsed = call('ZRANGEBYSCORE', P .. 'expiry', '-inf', now, 'LIMIT', 0, budget)
  if #lapsed == budget then complete = false end
  for _, id in ipairs(lapsed) do
    local s = kept_session(id)
    if s then unmap(s)
    else
      call('ZREM', P .. 'expiry', id)
      call('ZREM', P .. 'sessions', id)
    end
  end
end

local function sweep_records()
  if budget <= 0 then complete = false return end
  local lapsed = call('ZRANGEBYSCORE', P .. 'record-ends', '-inf', now, 'LIMIT', 0, budget)
  if #lapsed == budget then complete = false end
  for _, entry in ipairs(lapsed) do
    local kind, key = entry:match('^([^:]*):(.*)$')
    put_record({ kind = kind, key = key })
  end
end

local function sweep()
  for _, sink in ipairs(call('SMEMBERS', P .. 'known-sinks')) do sweep_sink(sink) end
  for _, id in ipairs(old_ids(P .. 'events', req.sweepBefore.event)) do
    call('ZREM', P .. 'events', id)
    call('DEL', P .. 'e:' .. id)
  end
  for _, type in ipairs(call('SMEMBERS', P .. 'known-types')) do
    local index = P .. 'events:type:' .. type
    for _, id in ipairs(old_ids(index, req.sweepBefore.event)) do call('ZREM', index, id) end
  end
  sweep_sessions()
  sweep_records()
  if budget <= 0 or sweep_revoked(budget) == budget then complete = false end
  return complete, expired
end
