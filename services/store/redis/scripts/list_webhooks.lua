-- The webhooks with the version of the list.
-- reply  {version, id, json, id, json …}
local reply = { call('GET', P .. 'webhooks:version') or '0' }
for _, value in ipairs(call('HGETALL', P .. 'webhooks')) do reply[#reply + 1] = value end
return reply
