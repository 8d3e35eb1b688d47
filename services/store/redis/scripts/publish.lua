-- Stores every draft with its sequence and deliveries.
-- req    drafts, nowMs, webhooksVersion
-- reply  list of {accepted, sequence, deliveries} | 'stale'
if stale() then return 'stale' end
local results = {}
for i, draft in ipairs(req.drafts) do results[i] = publish(draft) end
return results
