-- Writes down what became of claimed deliveries, moves their lanes on, publishes their own events.
-- req    settlements [{deliveryId, leaseToken, nowMs, attemptJson, status, atMs?, attempted, health?, drafts}], webhooksVersion?
-- reply  {results, failing, earliest due time or -1} | 'stale'; results: 1 (settled) | 0 (fenced) for each;
--        failing: {sink, failures, since} for each sink that failed here
if stale() then return 'stale' end
local touched = {}

local function note_health(sink, health)
  local key = P .. 'health:' .. sink
  if health == 'success' then call('DEL', key) end
  if health ~= 'failure' then return end
  touched[sink] = true
  call('HSETNX', key, 'since', now)
  call('HINCRBY', key, 'failures', 1)
end

local function settle(s)
  local key = P .. 'd:' .. s.deliveryId
  local d = hash(key)
  if not d or d.status ~= 'delivering' or d.lease ~= s.leaseToken then return 0 end
  set_status(s.deliveryId, d, s.status)
  call('HDEL', key, 'lease', 'nextAt')
  if s.atMs then call('HSET', key, 'nextAt', s.atMs) end
  if s.attempted then log_attempt(s.deliveryId, d, s.attemptJson)
  else call('HINCRBY', key, 'attempts', -1) end
  if s.status == 'held' or s.atMs then schedule(d.lane, d.sink)
  else leave_lane(s.deliveryId, d) end
  note_health(d.sink, s.health)
  for _, draft in ipairs(s.drafts) do publish(draft) end
  return 1
end

local results, failing = {}, {}
for i, settlement in ipairs(req.settlements) do
  now = settlement.nowMs
  results[i] = settle(settlement)
end
for sink in pairs(touched) do
  local health = call('HMGET', P .. 'health:' .. sink, 'failures', 'since')
  -- A success later in the batch has cleared it.
  if health[1] then failing[#failing + 1] = { sink, tonumber(health[1]), tonumber(health[2]) } end
end
local first = call('ZRANGE', P .. 'sinks', 0, 0, 'WITHSCORES')
return { results, failing, tonumber(first[2] or -1) }
