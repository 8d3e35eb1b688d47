-- The list of revoked tokens, on the first shard: two sorted sets of the same members, which stand for tokens.

--== revocations uses base
-- Tokens by their place in the list, and by the time until which they are on it.
local revoked, revoked_ends = P .. 'revoked', P .. 'revoked-ends'

-- The score of a set's last member, or nil.
local function last_score(key)
  return tonumber(call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2])
end

-- Drops up to `limit` that are past their time; returns how many.
local function sweep_revoked(limit)
  local lapsed = call('ZRANGEBYSCORE', revoked_ends, '-inf', now, 'LIMIT', 0, limit)
  for _, token in ipairs(lapsed) do
    call('ZREM', revoked, token)
    call('ZREM', revoked_ends, token)
  end
  return #lapsed
end

--== revoke_token uses revocations
-- Puts a token at the end of the list; one that is on it keeps the later of the two times.
-- req    tokenId, untilMs, nowMs
-- reply  nothing
local ends = math.max(req.untilMs, tonumber(call('ZSCORE', revoked_ends, req.tokenId) or 0))
call('ZADD', revoked_ends, ends, req.tokenId)
-- By the clock, in microseconds, so that no place comes twice when the database was emptied in between: whoever has read
-- the list of before would take what is new for what is known.
local time = call('TIME')
local place = time[1] * 1000000 + time[2]
local last = last_score(revoked)
if last and place <= last then place = last + 1 end
call('ZADD', revoked, string.format('%d', place), req.tokenId)
sweep_revoked(policy.sweepLimit)
local last_ends = last_score(revoked_ends)
if last_ends then
  for _, key in ipairs({ revoked, revoked_ends }) do
    call('PEXPIRE', key, string.format('%d', last_ends - now + MARGIN_MS))
  end
end
return false

--== list_revocations uses revocations
-- What is behind a place in the list.
-- req    after, limit, nowMs
-- reply  list of {token, its place, the time until which it is on the list}, at most limit
local found = call('ZRANGEBYSCORE', revoked, '(' .. string.format('%d', req.after), '+inf',
  'WITHSCORES', 'LIMIT', 0, req.limit)
local reply = {}
for i = 1, #found, 2 do
  reply[#reply + 1] = { found[i], found[i + 1], call('ZSCORE', revoked_ends, found[i]) }
end
return reply
