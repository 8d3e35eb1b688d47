-- Ends the doubt about a delivery, and publishes.
-- req    deliveryId, to ('delivered' | 'dead' | 'due'), attemptJson, draft?, webhooksVersion?, nowMs
-- reply  {'resolved', deliveries} | {'not-unknown'} | {'stale'} | nothing (it is not in this shard)
local id = req.deliveryId
local d = hash(P .. 'd:' .. id)
if not d then return false end
if stale() then return { 'stale' } end
if d.status ~= 'unknown' then return { 'not-unknown' } end
log_attempt(id, d, req.attemptJson)
if req.to == 'due' then make_due(id, d) else set_status(id, d, req.to) end
local published = req.draft and publish(req.draft) or {}
return { 'resolved', published[3] or 0 }
