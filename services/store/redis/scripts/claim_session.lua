-- Reserves a session for an agent's Accept.
-- req    sessionId, agentId, token, nowMs, untilMs
-- reply  'holder' | 'participant' (claimed as such) | 'own' | 'held'
local s = live_session(req.sessionId)
if s and is_member(s, req.agentId) then return 'own' end
if s and tonumber(s.seatUntil) <= now then return 'held' end
local key = P .. 'c:' .. req.sessionId
local claim = hash(key)
if claim and claim.agent ~= req.agentId and tonumber(claim['until']) > now then return 'held' end
-- The write that needs memory is the first: behind another one Redis would let it through although it has none left.
call('HSET', key, 'agent', req.agentId, 'token', req.token, 'until', req.untilMs)
-- What was heard during an earlier claim may be out of date.
call('HDEL', key, 'state')
call('PEXPIRE', key, math.max(1, req.untilMs - now) + MARGIN_MS)
return (not s or has_stand_in(s)) and 'holder' or 'participant'
