-- The list of webhooks and its version.

--== change_webhook uses base
-- Adds, replaces or deletes a webhook and gives the list a new version. Runs on the first shard, which keeps the list.
-- req    id, json? (absent: delete), webhooksVersion? (only while the list has it)
-- reply  the new version, as text | '' (there was nothing to delete, or the list has another version)
if stale() then return '' end
local key = P .. 'webhooks'
if req.json then call('HSET', key, req.id, req.json)
elseif call('HDEL', key, req.id) == 0 then return '' end
-- By the clock, so that no version comes back when the database was emptied in between: an instance that remembers the
-- list of before would take it for the new one. In microseconds, as two changes fit into a millisecond.
local time = call('TIME')
local version = time[1] * 1000000 + time[2]
local last = tonumber(call('GET', P .. 'webhooks:version') or 0)
if version <= last then version = last + 1 end
local text = string.format('%d', version)
call('SET', P .. 'webhooks:version', text)
return text

--== raise_version uses base
-- Tells a shard the version of the list of webhooks, unless it knows a later one.
-- req    version
-- reply  nothing
local key = P .. 'webhooks:version'
if tonumber(call('GET', key) or 0) < req.version then call('SET', key, string.format('%d', req.version)) end
return false

--== list_webhooks uses base
-- The webhooks with the version of the list.
-- reply  {version, id, json, id, json …}
local reply = { call('GET', P .. 'webhooks:version') or '0' }
for _, value in ipairs(call('HGETALL', P .. 'webhooks')) do reply[#reply + 1] = value end
return reply
