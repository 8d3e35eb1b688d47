-- Makes a delivery due now.
-- req    deliveryId, nowMs
-- reply  'due' | 'in-flight' | nothing
local d = hash(P .. 'd:' .. req.deliveryId)
if not d then return false end
if d.status == 'delivering' then return 'in-flight' end
make_due(req.deliveryId, d)
return 'due'
