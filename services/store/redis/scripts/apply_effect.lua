-- What a successful operation means for the mapping.
-- req    sessionId, agentId, nowMs, effect {kind, untilMs?, nickname?}, draft?, webhooksVersion?
-- reply  {'applied', accepted, sequence, deliveries} | {'applied'} | {'nothing'} | {'stale'}
if stale() then return { 'stale' } end
local id, kind = req.sessionId, req.effect.kind
local s = live_session(id)
local for_outsiders = kind == 'join' or kind == 'decline'
if not s or is_member(s, req.agentId) == for_outsiders then return { 'nothing' } end

local function applied(with_event)
  if not with_event or not req.draft then return { 'applied' } end
  local published = publish(req.draft)
  return { 'applied', published[1], published[2], published[3] }
end

-- The event of an ending is published while the mapping still stands: it names the holder.
local function ended()
  local reply = applied(true)
  release(s)
  return reply
end

if kind == 'open-seat' then
  call('HSET', P .. 's:' .. id, 'seatUntil', req.effect.untilMs, 'updatedAt', now)
  return applied(false)
elseif kind == 'decline' then
  if tonumber(s.seatUntil) <= now then return { 'nothing' } end
  call('HSET', P .. 's:' .. id, 'seatUntil', 0, 'updatedAt', now)
  return applied(false)
elseif kind == 'join' then
  s.agents[#s.agents + 1] = { agentId = req.agentId, nickname = req.effect.nickname }
  write_agents(id, s.agents, s.agents[1].agentId)
  return applied(true)
elseif kind == 'end' then
  return ended()
end
local staying = {}
for _, agent in ipairs(s.agents) do
  if agent.agentId ~= req.agentId then staying[#staying + 1] = agent end
end
if #staying == 0 then return ended() end
if kind == 'hand-over' then
  local was_holder = s.agents[1].agentId == req.agentId
  if was_holder then staying[1].standsInUntil = req.effect.untilMs end
  call('HSET', P .. 's:' .. id, 'seatUntil', req.effect.untilMs)
end
write_agents(id, staying, s.agents[1].agentId)
return applied(false)
