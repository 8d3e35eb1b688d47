-- Writes down how far an attempt has come.
-- req    deliveryId, leaseToken, progressJson, nowMs
-- reply  1 | 0 (the lease has passed to somebody else)
local key = P .. 'd:' .. req.deliveryId
local d = call('HMGET', key, 'status', 'lease')
if d[1] ~= 'delivering' or d[2] ~= req.leaseToken then return 0 end
call('HSET', key, 'progress', req.progressJson, 'updatedAt', now)
return 1
