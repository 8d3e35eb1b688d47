-- Writes down what became of claimed deliveries, moves their lanes on, publishes their own events.
-- req    settlements [{deliveryId, leaseToken, nowMs, attemptJson, status, atMs?, drafts}], webhooksVersion?
-- reply  list of 1 (settled) | 0 (fenced) | 'stale'
if stale() then return 'stale' end

local function settle(s)
  local key = P .. 'd:' .. s.deliveryId
  local d = hash(key)
  if not d or d.status ~= 'delivering' or d.lease ~= s.leaseToken then return 0 end
  set_status(s.deliveryId, d, s.status)
  call('HDEL', key, 'lease', 'nextAt')
  if s.atMs then call('HSET', key, 'nextAt', s.atMs)
  else call('ZREM', P .. 'lane:' .. d.lane, s.deliveryId) end
  local log = P .. 'a:' .. s.deliveryId
  call('RPUSH', log, s.attemptJson)
  call('LTRIM', log, -policy.attemptsKept, -1)
  call('PEXPIRE', log, policy.retentionMs + MARGIN_MS)
  move_on(d.lane, d.sink, s.atMs or now)
  for _, draft in ipairs(s.drafts) do publish(draft) end
  return 1
end

local results = {}
for i, settlement in ipairs(req.settlements) do
  now = settlement.nowMs
  results[i] = settle(settlement)
end
return results
