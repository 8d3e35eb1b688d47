-- Gives a claim back if it still is the one with this token.
-- req    sessionId, token
-- reply  1 | 0
local key = P .. 'c:' .. req.sessionId
if call('HGET', key, 'token') ~= req.token then return 0 end
return call('DEL', key)
