-- Events, with their deliveries.

--== publishing uses records claims
-- publish(draft): duplicates, numbering, the event, its deliveries and their lanes.
-- Returns {accepted, sequence, deliveries, departed}: accepted and departed 0 or 1, sequence -1 without a session.

-- The sinks index tells each sink's earliest due lane; kept after every change to `due:<sink>`.
local function refresh_sink(sink)
  local first = call('ZRANGE', P .. 'due:' .. sink, 0, 0, 'WITHSCORES')
  if #first == 0 then call('ZREM', P .. 'sinks', sink)
  else call('ZADD', P .. 'sinks', first[2], sink) end
end

local function enqueue(draft, sink, d, seq, ordinal)
  local id, lane = d.deliveryId, d.deliveryId
  local status = d.held and 'held' or 'pending'
  if d.ordered and draft.sessionId then lane = sink .. ':' .. draft.sessionId end
  local key, position = P .. 'd:' .. id, seq * policy.positionsPerEvent + ordinal
  call('HSET', key, 'event', draft.id, 'type', draft.type, 'sink', sink, 'lane', lane,
    'position', position, 'status', status, 'attempts', 0, 'createdAt', now, 'updatedAt', now)
  if draft.sessionId then call('HSET', key, 'session', draft.sessionId) end
  if d.index then call('HSET', key, 'index', d.index) end
  if d.progress then call('HSET', key, 'progress', d.progress) end
  call('PEXPIRE', key, policy.retentionMs + MARGIN_MS)
  call('ZADD', P .. 'lane:' .. lane, position, id)
  call('PEXPIRE', P .. 'lane:' .. lane, policy.retentionMs + MARGIN_MS)
  call('ZADD', P .. 'list:' .. sink .. ':' .. status, 0, id)
  call('SADD', P .. 'known-sinks', sink)
  if d.held then return end
  call('HSET', key, 'nextAt', now)
  if call('ZADD', P .. 'due:' .. sink, 'NX', now, lane) == 1 then
    call('ZADD', P .. 'sinks', 'LT', now, sink)
  end
end

-- Leaves out the messages that the session has seen; nil when none is left. The highest index told of is remembered.
local function fresh_data(draft)
  if not draft.messages then return draft.json, {} end
  local texts, fresh = {}, {}
  local seen, memory = P .. 'seen:' .. draft.sessionId, P .. 'm:' .. draft.sessionId
  local told_up_to = tonumber(call('HGET', memory, 'top') or 0)
  local top = told_up_to
  for _, m in ipairs(draft.messages) do
    if call('SADD', seen, m.index) == 1 then
      texts[#texts + 1] = m.json
      fresh[m.index] = true
      top = math.max(top, m.index)
    end
  end
  if #texts == 0 then return nil end
  if top > told_up_to then call('HSET', memory, 'top', string.format('%.0f', top)) end
  return draft.before .. '[' .. table.concat(texts, ',') .. ']' .. draft.after, fresh
end

-- What outlives the mapping: numbering, the last state, the customer. Returns the event's sequence, and the customer's
-- number where the draft told it and it counts.
local function remember(draft)
  local key = P .. 'm:' .. draft.sessionId
  local seq = call('HINCRBY', key, 'seq', 1)
  if draft.stateHash then call('HSET', key, 'hash', draft.stateHash, 'hashAt', now) end
  local seen, phone = draft.observed or {}, nil
  if (seen.phone or seen.sender) and call('HEXISTS', key, 'given') == 0 then
    phone = seen.phone
    if phone then call('HSET', key, 'phone', phone) end
    if seen.sender then call('HSET', key, 'sender', seen.sender) end
  end
  call('PEXPIRE', key, policy.memoryTtlMs + MARGIN_MS)
  call('PEXPIRE', P .. 'seen:' .. draft.sessionId, policy.memoryTtlMs + MARGIN_MS)
  return seq, phone
end

local function observe(s, draft, phone)
  local seen = draft.observed or {}
  -- What another agent than the holder hears of the state is that agent's own.
  local heard = not seen.ending and (not seen.heardBy or seen.heardBy == s.agents[1].agentId)
  local state = heard and seen.state or s.state
  call('HSET', P .. 's:' .. s.id, 'state', state, 'updatedAt', now)
  if phone then index_customer(s, phone) end
  slide(s)
end

-- Nobody is mapped: what upstream says while an agent's Accept is under way is the state of the mapping that it will make.
local function overhear(draft)
  local seen, id = draft.observed or {}, draft.sessionId
  if not seen.state or seen.ending then return end
  for _, claim in ipairs(kept_claims(id)) do
    if not seen.heardBy or seen.heardBy == claim.agent then
      claim.state = seen.state
      change_claim(id, claim)
    end
  end
end

local function store_event(draft, data, s, seq)
  local key = P .. 'e:' .. draft.id
  call('HSET', key, 'type', draft.type, 'at', draft.occurredAtMs, 'data', data)
  if s then call('HSET', key, 'agent', s.agents[1].agentId) end
  if draft.sessionId then
    call('HSET', key, 'session', draft.sessionId, 'seq', seq)
    local index = P .. 'events:session:' .. draft.sessionId
    call('ZADD', index, 0, draft.id)
    call('PEXPIRE', index, policy.retentionMs + MARGIN_MS)
  end
  call('PEXPIRE', key, policy.retentionMs + MARGIN_MS)
  call('ZADD', P .. 'events', 0, draft.id)
  call('ZADD', P .. 'events:type:' .. draft.type, 0, draft.id)
  call('SADD', P .. 'known-types', draft.type)
end

local function matches(candidate, s)
  if not candidate.agentIds then return true end
  if not s then return false end
  for _, agent in ipairs(candidate.agentIds) do
    if agent == s.agents[1].agentId then return true end
  end
  return false
end

-- When texts of mappings that were released lately were their agents' to send: {from, to, ends}, by when the text was sent,
-- and until when one may still come in.
local function late_spans(id)
  local spans = {}
  for _, span in ipairs(cjson.decode(call('GET', P .. 'late:' .. id) or '[]')) do
    if span.ends > now then spans[#spans + 1] = span end
  end
  return spans
end

-- Ends a mapping, and remembers which texts may still come in from its time. `is_owed`: upstream is about to tell that it is
-- over.
local function release(s, is_owed)
  local spans = late_spans(s.id)
  if #spans == policy.lateSpansKept then table.remove(spans, 1) end
  spans[#spans + 1] = {
    from = tonumber(s.acceptedUpstream), to = now, ends = now + policy.lateTextsMs,
  }
  call('SET', P .. 'late:' .. s.id, cjson.encode(spans), 'PX', policy.lateTextsMs + MARGIN_MS)
  call('HSET', P .. 'm:' .. s.id, 'owedUntil', is_owed and now + policy.strayEndingMs or 0)
  call('PEXPIRE', P .. 'm:' .. s.id, policy.memoryTtlMs + MARGIN_MS)
  unmap(s)
end

-- The index at which the holder joined with the Accept, or nil: ownJoining() of text_age.ts. It is remembered.
local function own_joining(s, joined)
  local known, at, last, from_start = tonumber(s.joinedAt), nil, nil, false
  for _, j in ipairs(joined) do
    local is_holder = j.agent == s.agents[1].nickname
    if is_holder and j.atMs and math.abs(j.atMs - tonumber(s.acceptedUpstream)) <= policy.clocksApartMs then
      at = math.max(at or 0, j.index)
    end
    if j.agent and (not last or j.index > last.index) then last = { index = j.index, own = is_holder } end
    from_start = from_start or j.index == 1
  end
  if not at and not known and from_start and last and last.own then at = last.index end
  if at and at ~= known then call('HSET', P .. 's:' .. s.id, 'joinedAt', string.format('%.0f', at)) end
  return at or known
end

-- Whether a text 'leaves', 'stays' or is 'too-old': textFate() of text_age.ts.
local function text_fate(m, s, spans, joined, joined_at)
  for _, span in ipairs(spans) do
    if m.sentAtMs >= span.from and m.sentAtMs <= span.to then return 'leaves' end
  end
  if not s then return 'stays' end
  if joined_at and m.index < joined_at then return 'stays' end
  local is_after = joined_at or (#joined == 0 and m.index > tonumber(s.toldUpTo or 0))
  local since = tonumber(s.acceptedUpstream) - (is_after and policy.clocksApartMs or 0)
  if m.sentAtMs >= since then return 'leaves' end
  return is_after and 'too-old' or 'stays'
end

-- Returns the ids of the deliveries made.
local function fan_out(draft, s, seq, fresh)
  local made, joined = {}, draft.joined or {}
  local function add(sink, delivery)
    enqueue(draft, sink, delivery, seq, #made)
    made[#made + 1] = delivery.deliveryId
  end
  for _, w in ipairs(draft.webhooks) do
    if matches(w, s) then add(w.id, w) end
  end
  local joined_at = s and own_joining(s, joined)
  local spans = #draft.smsMessages > 0 and draft.sessionId and late_spans(draft.sessionId) or {}
  for _, m in ipairs(draft.smsMessages) do
    local fate = fresh[m.index] and text_fate(m, s, spans, joined, joined_at) or 'stays'
    if fate ~= 'stays' then
      m.ordered = true
      m.progress = fate == 'too-old' and policy.tooOldProgress or nil
      add(policy.smsSink, m)
    end
  end
  return made
end

-- Who is in the session once the agent has left. Whoever comes first now stands in for the same place.
local function after_leaving(s, agent)
  local staying = {}
  for _, each in ipairs(s.agents) do
    if each.agentId ~= agent then staying[#staying + 1] = each end
  end
  if staying[1] and has_stand_in(s) then staying[1].standsInUntil = s.agents[1].standsInUntil end
  return staying
end

-- Somebody has left or declined, and upstream is about to tell of it.
local function note_stray(id)
  call('HSET', P .. 's:' .. id, 'strayUntil', now + policy.strayEndingMs)
end

-- Whether a terminal state may be that of one agent alone, who may be merely invited, while others go on.
local function may_be_stray(s, still_in)
  if still_in == 'others' then return false end
  return #s.agents > 1 or tonumber(s.strayUntil or 0) > now or #open_seats(s) > 0
end

local publish

-- Does what a terminal state means: hearEnding of session_rules/endings.ts. Returns how many deliveries were made of it, and 1 if an
-- agent, or all of them, are out of the session, else 0.
local function hear_ending(draft, is_repeat)
  local id, seen = draft.sessionId, draft.observed or {}
  if not id or not seen.ending then return 0, 0 end
  local heard_at, still_in = seen.heardAtMs or now, seen.ending.stillIn
  local s, claims = live_session(id), kept_claims(id)
  local function ended()
    local told = draft.released and publish(draft.released)[3] or 0
    release(s, false)
    return told, 1
  end

  if seen.heardBy then
    local agent = seen.heardBy
    local is_in = s and is_member(s, agent)
    local is_holder = is_in and s.agents[1].agentId == agent
    if is_holder and tonumber(s.acceptedAt) > heard_at then return 0, 0 end
    local own = own_and_others(claims, agent)
    if own and (own.from or 0) <= heard_at then drop_claim(id, agent) end
    if not is_in then return 0, 0 end
    local staying = after_leaving(s, agent)
    if #staying == 0 then return ended() end
    write_agents(id, staying, s.agents[1].agentId)
    note_stray(id)
    return 0, 1
  end

  if is_repeat then return 0, 0 end
  local owed = tonumber(call('HGET', P .. 'm:' .. id, 'owedUntil') or 0) > now
  if call('HEXISTS', P .. 'm:' .. id, 'owedUntil') == 1 then call('HDEL', P .. 'm:' .. id, 'owedUntil') end
  if s then
    local is_older = tonumber(s.acceptedAt) > heard_at or owed and s.state == policy.unheardState
    if is_older or may_be_stray(s, still_in) then return 0, 0 end
    drop_claims(id)
    return ended()
  end
  if still_in == 'agents' then return 0, 0 end
  for _, claim in ipairs(claims) do
    if (claim.from or 0) > heard_at or owed and not claim.state then return 0, 0 end
  end
  drop_claims(id)
  return 0, 0
end

-- What a draft that is dropped comes to.
local function dropped(draft, is_repeat)
  local told, departed = hear_ending(draft, is_repeat)
  return { 0, -1, told, departed }
end

publish = function(draft)
  -- A draft that is published already: the answer to an earlier call was lost, or another shard's list was stale.
  local known = call('HMGET', P .. 'e:' .. draft.id, 'type', 'seq', 'made')
  if known[1] then return { 1, tonumber(known[2] or -1), #cjson.decode(known[3]) } end
  local id, guard = draft.sessionId, draft.guard
  if guard and record_text(record_key(guard, id)) ~= guard.expected then return { 0, -1, 0 } end
  if id and draft.stateHash then
    local last = call('HMGET', P .. 'm:' .. id, 'hash', 'hashAt')
    if last[1] == draft.stateHash and now - tonumber(last[2]) < policy.stateWindowMs then
      return dropped(draft, true)
    end
  end
  local data, fresh = fresh_data(draft)
  if not data then return dropped(draft, false) end
  if guard then put_record(guard, id) end
  local seq, s, phone = -1, nil, nil
  if id then
    seq, phone = remember(draft)
    s = live_session(id)
    if s then observe(s, draft, phone) else overhear(draft) end
  end
  store_event(draft, data, s, seq)
  local made = fan_out(draft, s, id and seq or 0, fresh)
  -- Which ones they are is how everything of a session is found again.
  call('HSET', P .. 'e:' .. draft.id, 'made', cjson.encode(made))
  local told, departed = hear_ending(draft, false)
  return { 1, seq, #made + told, departed }
end

--== publish uses publishing
-- Stores every draft with its sequence and deliveries.
-- req    drafts, nowMs, webhooksVersion
-- reply  list of {accepted, sequence, deliveries, departed} | 'stale'
if stale() then return 'stale' end
local results = {}
for i, draft in ipairs(req.drafts) do results[i] = publish(draft) end
return results
