-- The logs of what deliveries went through.

-- What a consumer answered may echo a text of a session that was expunged meanwhile.
local function without_excerpt(json)
  local attempt = cjson.decode(json)
  attempt.responseExcerpt = nil
  return cjson.encode(attempt)
end

-- Adds an entry as the last of the delivery's log.
local function log_attempt(id, d, json)
  local log = P .. 'a:' .. id
  call('RPUSH', log, d.expunged and without_excerpt(json) or json)
  call('LTRIM', log, -policy.attemptsKept, -1)
  call('PEXPIRE', log, policy.retentionMs + MARGIN_MS)
end
