-- Who holds what: claims, mappings, and what operations do to them. claim_session, confirm_session and apply_effect say in Lua
-- what session_rules/ says: one round trip each, whatever the session has become. One table of cases holds both to it.

--== claim_session uses claims
-- Reserves a session, or a seat in it, for an agent's Accept.
-- req    sessionId, agentId, token, nowMs, untilMs, doubtFromMs?
-- reply  'holder' | 'participant' (claimed as such), with ' again' behind it where a claim of the agent is in doubt | 'own' | 'held'
local s = live_session(req.sessionId)
if s and is_member(s, req.agentId) then return 'own' end
local own, others = own_and_others(kept_claims(req.sessionId), req.agentId)
local seat = s and (free_seat(s, others) or own and NO_SEAT) or nil
if s and not seat then return 'held' end
if not s and not is_kept_out({ own }) and is_kept_out(others) then return 'held' end
-- What was heard during an earlier claim may be out of date. A further try keeps the seat from others no longer than the
-- first one did.
put_claim(req.sessionId, {
  agent = req.agentId, token = with_token(own, req.token), from = now, ['until'] = req.untilMs, seat = seat,
  doubtFrom = math.min(req.doubtFromMs or req.untilMs, own and own.doubtFrom or math.huge),
}, others)
local as = (not s or is_holders_place(s, seat)) and 'holder' or 'participant'
return as .. (own and own.doubtFrom <= now and ' again' or '')

--== confirm_session uses publishing
-- Turns a claim into the mapping, or into a participant, and publishes.
-- req    sessionId, agentId, nickname, nowMs, acceptedUpstreamMs, as, draft, webhooksVersion
-- reply  {'confirmed', accepted, sequence, deliveries} | {'already'} | {'lost'} | {'stale'}
if stale() then return { 'stale' } end
local id = req.sessionId
local s = live_session(id)
local own, others = own_and_others(kept_claims(id), req.agentId)
if s and is_member(s, req.agentId) then
  if own then drop_claim(id, req.agentId) end
  return { 'already' }
end
local newcomer = { agentId = req.agentId, nickname = req.nickname }
if not s then
  -- As a participant: the session whose seat was claimed is over, and `draft` tells of a participant.
  if req.as == 'participant' or not own and is_kept_out(others) then return { 'lost' } end
  -- A lapsed mapping may still lie here; nothing of it may show through.
  local lapsed = kept_session(id)
  if lapsed then unmap(lapsed) end
  call('HSET', P .. 's:' .. id, 'state', own and own.state or policy.unheardState, 'acceptedAt', now,
    'acceptedUpstream', req.acceptedUpstreamMs, 'toldUpTo', call('HGET', P .. 'm:' .. id, 'top') or 0)
  write_seats(id, {})
  write_agents(id, { newcomer }, nil)
  call('ZADD', P .. 'sessions', 0, id)
  slide({ id = id })
elseif req.as == 'participant' then
  local taken
  if own then taken = own.seat else taken = free_seat(s, {}, true) end
  remove_seat(s.seats, taken)
  s.agents[#s.agents + 1] = newcomer
  write_agents(id, s.agents, s.agents[1].agentId)
  write_seats(id, s.seats)
elseif has_stand_in(s) then
  local stand_in = s.agents[1]
  remove_seat(s.seats, stand_in.standsInUntil)
  stand_in.standsInUntil = nil
  table.insert(s.agents, 1, newcomer)
  write_agents(id, s.agents, stand_in.agentId)
  write_seats(id, s.seats)
  call('HSET', P .. 's:' .. id, 'acceptedAt', now)
else
  return { 'lost' }
end
if own then drop_claim(id, req.agentId) end
local published = publish(req.draft)
return { 'confirmed', published[1], published[2], published[3] }

--== release_claim uses claims
-- The Accept with this token was not done, or none of its agent's that have no answer.
-- req    sessionId, token, forAll
-- reply  1
for _, claim in ipairs(kept_claims(req.sessionId)) do
  local left, has = {}, false
  for _, token in ipairs(tokens_of(claim)) do
    if token == req.token then has = true else left[#left + 1] = token end
  end
  if has and (req.forAll or #left == 0) then drop_claim(req.sessionId, claim.agent)
  elseif has then
    claim.token = table.concat(left, ' ')
    change_claim(req.sessionId, claim)
  end
end
return 1

--== doubt_claim uses claims
-- Puts the claim with this token in doubt.
-- req    sessionId, token, nowMs
-- reply  1
for _, claim in ipairs(kept_claims(req.sessionId)) do
  for _, token in ipairs(tokens_of(claim)) do
    if token == req.token then
      claim.doubtFrom = math.min(claim.doubtFrom, now)
      change_claim(req.sessionId, claim)
    end
  end
end
return 1

--== apply_effect uses publishing
-- What a successful operation, or upstream's word, means for the mapping.
-- req    sessionId, agentId, nowMs, effect {kind, untilMs?, nickname?, acceptedByMs?}, draft?, webhooksVersion?
-- reply  {'applied', accepted, sequence, deliveries} | {'applied'} | {'nothing'} | {'stale'}
if stale() then return { 'stale' } end
local id, kind = req.sessionId, req.effect.kind
local s = live_session(id)

local function applied(with_event)
  if not with_event or not req.draft then return { 'applied' } end
  local published = publish(req.draft)
  return { 'applied', published[1], published[2], published[3] }
end

-- The event of an ending is published while the mapping still stands: it names the holder.
local function ended()
  local reply = applied(true)
  release(s, kind ~= 'release')
  return reply
end

if kind == 'release' then
  if s then
    if tonumber(s.acceptedAt) > (req.effect.acceptedByMs or math.huge) then return { 'nothing' } end
    drop_claims(id)
    return ended()
  end
  if #kept_claims(id) == 0 then return { 'nothing' } end
  drop_claims(id)
  return applied(false)
end

local for_outsiders = kind == 'join' or kind == 'decline'
if not s or is_member(s, req.agentId) == for_outsiders then return { 'nothing' } end

if kind == 'open-seat' then
  write_seats(id, with_seat(s, req.effect.untilMs))
  return applied(false)
elseif kind == 'decline' then
  local seat = free_seat(s, {})
  if not seat then return { 'nothing' } end
  local own = own_and_others(kept_claims(id), req.agentId)
  if not (own and own.seat and remove_seat(s.seats, own.seat)) then remove_seat(s.seats, seat) end
  if own then drop_claim(id, req.agentId) end
  write_seats(id, s.seats)
  note_stray(id)
  return applied(false)
elseif kind == 'join' then
  s.agents[#s.agents + 1] = { agentId = req.agentId, nickname = req.effect.nickname }
  write_agents(id, s.agents, s.agents[1].agentId)
  return applied(true)
elseif kind == 'end' then
  return ended()
elseif kind == 'maybe-gone' then
  local holder = s.agents[1]
  local is_holder = holder.agentId == req.agentId
  -- Its place is open already.
  if is_holder and has_stand_in(s) then return { 'nothing' } end
  if is_holder then
    holder.standsInUntil = req.effect.untilMs
    write_agents(id, s.agents, holder.agentId)
  end
  write_seats(id, with_seat(s, req.effect.untilMs))
  return applied(false)
end
local staying = after_leaving(s, req.agentId)
if #staying == 0 then return ended() end
if kind == 'hand-over' then
  local was_holder = s.agents[1].agentId == req.agentId
  local seats = with_seat(s, req.effect.untilMs)
  if was_holder then staying[1].standsInUntil = req.effect.untilMs end
  write_seats(id, seats)
end
write_agents(id, staying, s.agents[1].agentId)
note_stray(id)
return applied(false)

--== claimant_of uses claims
-- Whose Accept keeps all others out of a free session.
-- req    sessionId, nowMs
-- reply  the agent | nothing
for _, claim in ipairs(kept_claims(req.sessionId)) do
  if is_kept_out({ claim }) then return claim.agent end
end
return false

--== sessions_of uses base
-- Which of some sessions an agent is in.
-- req    sessionIds, agentId, nowMs
-- reply  list of ids
local own = {}
for _, id in ipairs(req.sessionIds) do
  local s = live_session(id)
  if s and is_member(s, req.agentId) then own[#own + 1] = id end
end
return own

--== read_session uses base
-- The mapping of a session. Its lifetime begins anew if the agent that `slide` names is in it.
-- req    sessionId, nowMs, slide: an agent or false
-- reply  a session (base.lua) | nothing
local s = live_session(req.sessionId)
if not s then return false end
if req.slide and is_member(s, req.slide) then slide(s) end
return session_reply(s)

--== list_sessions uses base
-- Mappings by id, of one agent or of all. Index entries whose mapping is gone are dropped on the way.
-- req    nowMs, limit, cursor, agentId?
-- reply  list of sessions (base.lua), at most limit
local index = P .. 'sessions' .. (req.agentId and ':' .. req.agentId or '')
local from = req.cursor == '' and '-' or '(' .. req.cursor
local found = {}
repeat
  local ids = call('ZRANGEBYLEX', index, from, '+', 'LIMIT', 0, req.limit)
  for _, id in ipairs(ids) do
    from = '(' .. id
    local s = live_session(id)
    if s and #found < req.limit then found[#found + 1] = session_reply(s)
    elseif not s then call('ZREM', index, id) end
  end
until #ids < req.limit or #found >= req.limit
return found

--== set_customer uses base
-- The customer of a mapped session, as somebody with the right to says.
-- req    sessionId, nowMs, phone, sender?
-- reply  a session (base.lua) | nothing
local s = live_session(req.sessionId)
if not s then return false end
local key = P .. 'm:' .. req.sessionId
call('HSET', key, 'phone', req.phone, 'given', 1)
if req.sender then call('HSET', key, 'sender', req.sender) else call('HDEL', key, 'sender') end
index_customer(s, req.phone)
call('PEXPIRE', key, policy.memoryTtlMs + MARGIN_MS)
return session_reply(s)

--== find_customer_session uses base
-- The mapped session of a customer: one whose sender is ours goes before one whose sender is not known, then the one
-- accepted last.
-- req    customerDigits, senderDigits (lists), nowMs
-- reply  {exact 0/1, acceptedAt, id} | nothing
local is_ours = {}
for _, digits in ipairs(req.senderDigits) do is_ours[digits] = true end
local best

local function is_better(exact, at, id)
  if not best or exact ~= best[1] then return not best or exact > best[1] end
  if at ~= best[2] then return at > best[2] end
  return id > best[3]
end

for _, digits in ipairs(req.customerDigits) do
  for _, id in ipairs(digits == '' and {} or call('SMEMBERS', P .. 'customer:' .. digits)) do
    local s = live_session(id)
    local sender = s and (call('HGET', P .. 'm:' .. id, 'sender') or ''):gsub('%D', '')
    if s and (sender == '' or is_ours[sender]) then
      local exact, at = sender == '' and 0 or 1, tonumber(s.acceptedAt)
      if is_better(exact, at, id) then best = { exact, at, id } end
    end
  end
end
return best or false

--== first_unseen uses base
-- Per session the lowest message index from 1 on that it has not seen.
-- req    sessionIds
-- reply  list of indexes
local CHUNK = 256

local function first_unseen(seen)
  local first = 1
  while true do
    local indexes = {}
    for i = 1, CHUNK do indexes[i] = first + i - 1 end
    for i, is_seen in ipairs(call('SMISMEMBER', seen, unpack(indexes))) do
      if is_seen == 0 then return indexes[i] end
    end
    first = first + CHUNK
  end
end

local found = {}
for i, id in ipairs(req.sessionIds) do found[i] = first_unseen(P .. 'seen:' .. id) end
return found
