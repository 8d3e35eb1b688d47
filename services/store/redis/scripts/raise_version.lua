-- Tells a shard the version of the list of webhooks, unless it knows a later one.
-- req    version
-- reply  nothing
local key = P .. 'webhooks:version'
if tonumber(call('GET', key) or 0) < req.version then call('SET', key, string.format('%d', req.version)) end
return false
