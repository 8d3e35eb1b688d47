-- Makes a delivery due now.
-- req    deliveryId, nowMs
-- reply  'due' | 'in-flight' | 'spent' (a text that has left, or may have) | nothing
local d = hash(P .. 'd:' .. req.deliveryId)
if not d then return false end
if d.status == 'delivering' then return 'in-flight' end
if d.sink == 'sms' and (d.status == 'delivered' or d.status == 'unknown') then return 'spent' end
make_due(req.deliveryId, d)
return 'due'
