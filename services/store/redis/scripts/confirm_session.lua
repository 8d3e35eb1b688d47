-- Turns a claim into the mapping, or into a participant, and publishes.
-- req    sessionId, agentId, nickname, nowMs, acceptedUpstreamMs, as, draft, webhooksVersion
-- reply  {'confirmed', accepted, sequence, deliveries} | {'already'} | {'lost'} | {'stale'}
if stale() then return { 'stale' } end
local id = req.sessionId
local s = live_session(id)
local claim_key = P .. 'c:' .. id
local claim = hash(claim_key)
local own = claim and claim.agent == req.agentId
if s and is_member(s, req.agentId) then
  if own then call('DEL', claim_key) end
  return { 'already' }
end
if claim and not own and tonumber(claim['until']) > now then return { 'lost' } end
local newcomer = { agentId = req.agentId, nickname = req.nickname }
if not s then
  -- The session whose seat was claimed is over; `draft` tells of a participant.
  if req.as == 'participant' then return { 'lost' } end
  -- A lapsed mapping may still lie here; nothing of it may show through.
  local lapsed = kept_session(id)
  if lapsed then unmap(lapsed) end
  local heard = own and tonumber(claim['until']) > now and claim.state
  call('HSET', P .. 's:' .. id, 'state', heard or 'accepted', 'acceptedAt', now,
    'acceptedUpstream', req.acceptedUpstreamMs, 'seatUntil', 0)
  write_agents(id, { newcomer }, nil)
  call('ZADD', P .. 'sessions', 0, id)
  slide({ id = id })
elseif req.as == 'holder' and has_stand_in(s) then
  local stand_in = s.agents[1]
  stand_in.standsInUntil = nil
  table.insert(s.agents, 1, newcomer)
  write_agents(id, s.agents, stand_in.agentId)
  call('HSET', P .. 's:' .. id, 'seatUntil', 0, 'acceptedAt', now)
elseif req.as == 'participant' then
  s.agents[#s.agents + 1] = newcomer
  write_agents(id, s.agents, s.agents[1].agentId)
  call('HSET', P .. 's:' .. id, 'seatUntil', 0)
else
  return { 'lost' }
end
if own then call('DEL', claim_key) end
local published = publish(req.draft)
return { 'confirmed', published[1], published[2], published[3] }
