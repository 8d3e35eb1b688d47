-- What becomes of deliveries: settled, brought back, held.

--== lanes uses publishing
-- Lists by status, and how a lane moves on.

local function set_status(id, d, status)
  call('ZREM', P .. 'list:' .. d.sink .. ':' .. d.status, id)
  call('ZADD', P .. 'list:' .. d.sink .. ':' .. status, 0, id)
  call('HSET', P .. 'd:' .. id, 'status', status, 'updatedAt', now)
  if d.sink == policy.smsSink and status == 'delivered' then
    list_text(id, call('HGET', P .. 'd:' .. id, 'outcome'), status)
  end
end

-- Sets when the lane goes on: when the lease in flight ends, else when its head is due. Behind a held head it does not.
-- Kept after every change to a lane.
local function schedule(lane, sink)
  local due
  local flight = call('HGET', P .. 'flights', lane)
  local f = flight and call('HMGET', P .. 'd:' .. flight, 'status', 'nextAt') or {}
  if f[1] == 'delivering' and tonumber(f[2]) > now then due = f[2]
  else
    local head = call('ZRANGE', P .. 'lane:' .. lane, 0, 0)[1]
    local h = head and call('HMGET', P .. 'd:' .. head, 'status', 'nextAt') or { 'held' }
    -- A head that has expired under the lane is due: the claim passes over it.
    if h[1] ~= 'held' then due = h[2] or now end
  end
  if due then call('ZADD', P .. 'due:' .. sink, due, lane)
  else call('ZREM', P .. 'due:' .. sink, lane) end
  refresh_sink(sink)
end

-- Makes a delivery due at its old place in its lane, on a new ladder.
local function make_due(id, d)
  set_status(id, d, d.attempts == '0' and 'pending' or 'retrying')
  call('HSET', P .. 'd:' .. id, 'nextAt', now, 'ladder', d.attempts)
  call('ZADD', P .. 'lane:' .. d.lane, d.position, id)
  call('PEXPIRE', P .. 'lane:' .. d.lane, policy.retentionMs + MARGIN_MS)
  schedule(d.lane, d.sink)
end

-- Takes a delivery out of its lane.
local function leave_lane(id, d)
  call('ZREM', P .. 'lane:' .. d.lane, id)
  if call('HGET', P .. 'flights', d.lane) == id then call('HDEL', P .. 'flights', d.lane) end
  schedule(d.lane, d.sink)
end

--== attempts uses base
-- The logs of what deliveries went through.

-- What a consumer answered may echo a text of a session that was expunged meanwhile.
local function without_excerpt(json)
  local attempt = cjson.decode(json)
  attempt[policy.excerptMember] = nil
  return cjson.encode(attempt)
end

-- Adds an entry as the last of the delivery's log.
local function log_attempt(id, d, json)
  local log = P .. 'a:' .. id
  call('RPUSH', log, d.expunged and without_excerpt(json) or json)
  call('LTRIM', log, -policy.attemptsKept, -1)
  call('PEXPIRE', log, policy.retentionMs + MARGIN_MS)
end

--== settle_deliveries uses lanes attempts
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

--== note_progress uses base
-- Writes down how far an attempt has come.
-- req    deliveryId, leaseToken, progressJson, nowMs
-- reply  1 | 0 (the lease has passed to somebody else)
local key = P .. 'd:' .. req.deliveryId
local d = call('HMGET', key, 'status', 'lease')
if d[1] ~= 'delivering' or d[2] ~= req.leaseToken then return 0 end
call('HSET', key, 'progress', req.progressJson, 'updatedAt', now)
return 1

--== resolve_delivery uses lanes attempts
-- Ends the doubt about a delivery, and publishes.
-- req    deliveryId, to ('delivered' | 'dead' | 'due'), attemptJson, draft?, webhooksVersion?, nowMs
-- reply  {'resolved', deliveries} | {'not-unknown'} | {'stale'} | nothing (it is not in this shard)
local id = req.deliveryId
local d = hash(P .. 'd:' .. id)
if not d then return false end
if stale() then return { 'stale' } end
if d.status ~= 'unknown' then return { 'not-unknown' } end
log_attempt(id, d, req.attemptJson)
if req.to == 'due' then make_due(id, d) else set_status(id, d, req.to) end
local published = req.draft and publish(req.draft) or {}
return { 'resolved', published[3] or 0 }

--== retry_delivery uses lanes
-- Makes a delivery due now.
-- req    deliveryId, nowMs
-- reply  'due' | 'in-flight' | 'spent' (a text that has left, or may have) | nothing
local d = hash(P .. 'd:' .. req.deliveryId)
if not d then return false end
if d.status == 'delivering' then return 'in-flight' end
if d.sink == policy.smsSink and policy.spent[d.status] then return 'spent' end
make_due(req.deliveryId, d)
return 'due'

--== hold_deliveries uses lanes
-- Holds waiting deliveries of a sink, and parks their lanes.
-- req    sinkId, limit, nowMs
-- reply  how many; fewer than limit where none is left
local held = 0
for _, status in ipairs(policy.waiting) do
  local index = P .. 'list:' .. req.sinkId .. ':' .. status
  for _, id in ipairs(call('ZRANGE', index, 0, req.limit - held - 1)) do
    local d = hash(P .. 'd:' .. id)
    if d then
      set_status(id, d, 'held')
      call('HDEL', P .. 'd:' .. id, 'nextAt')
      schedule(d.lane, d.sink)
    else call('ZREM', index, id) end
    held = held + 1
  end
  if held >= req.limit then break end
end
return held

--== requeue_deliveries uses lanes
-- Makes deliveries of a range due, in the order of their ids.
-- req    sinkId, statuses, from, until (ids), cursor, limit, nowMs
-- reply  {how many, last id}; '' when none is left after it
local first = req.cursor > req.from and '(' .. req.cursor or '[' .. req.from
local ids = {}
for _, status in ipairs(req.statuses) do
  local index = P .. 'list:' .. req.sinkId .. ':' .. status
  for _, id in ipairs(call('ZRANGEBYLEX', index, first, '(' .. req['until'], 'LIMIT', 0, req.limit)) do
    ids[#ids + 1] = id
  end
end
table.sort(ids)
local count = math.min(#ids, req.limit)
for i = 1, count do
  local d = hash(P .. 'd:' .. ids[i])
  if d then make_due(ids[i], d) end
end
return { count, count < req.limit and '' or ids[count] }

--== count_deliveries uses base
-- How many deliveries of a sink are in a range.
-- req    sinkId, statuses, from, until (ids)
-- reply  the number
local count = 0
for _, status in ipairs(req.statuses) do
  count = count
    + call('ZLEXCOUNT', P .. 'list:' .. req.sinkId .. ':' .. status, '[' .. req.from, '(' .. req['until'])
end
return count
