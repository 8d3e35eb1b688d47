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
