-- The mapped session of a customer that was accepted last.
-- req    customerDigits, senderDigits, nowMs
-- reply  {acceptedAt, id} | nothing
local best, best_at
for _, id in ipairs(call('SMEMBERS', P .. 'customer:' .. req.customerDigits)) do
  local s = live_session(id)
  local sender = s and (call('HGET', P .. 'm:' .. id, 'sender') or ''):gsub('%D', '')
  if s and (sender == '' or sender == req.senderDigits) then
    local at = tonumber(s.acceptedAt)
    if not best or at > best_at or (at == best_at and id > best) then best, best_at = id, at end
  end
end
return best and { best_at, best } or false
