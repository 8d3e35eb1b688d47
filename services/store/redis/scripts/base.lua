-- What every script begins with. A file of Lua here holds sections: `--== name uses other sections`. What Redis is sent
-- for a script is its section behind all that it uses (lua_sections.ts); each names its request and its reply.

--== base
-- Shared by every script, which is this text followed by its own.
-- KEYS[1]  the prefix of all keys of one shard, `pb:{n}:`; its braces put them into one cluster slot
-- ARGV[1]  the request as JSON; absent members are absent, never null
-- ARGV[2]  the policy as JSON (redis/shards.ts)
local P = KEYS[1]
local req = cjson.decode(ARGV[1])
local policy = cjson.decode(ARGV[2])
local now = req.nowMs
local call = redis.call

-- How long keys outlive what they hold.
local MARGIN_MS = policy.marginMs

local function hash(key)
  local flat = call('HGETALL', key)
  if #flat == 0 then return nil end
  local fields = {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  return fields
end

-- The ends of seats, from their text: numbers and commas. One 0 is none; so wrote a program that kept one seat alone.
local function seats_in(text)
  local seats = {}
  for ends in text:gmatch('%d+') do
    if ends ~= '0' then seats[#seats + 1] = tonumber(ends) end
  end
  return seats
end

local function seats_text(seats)
  local texts = {}
  for i, ends in ipairs(seats) do texts[i] = string.format('%.0f', ends) end
  return table.concat(texts, ',')
end

-- The mapping as it is kept, lapsed or not; `agents` is decoded, holder first, and `seats` are the ends of its seats, in order.
local function kept_session(id)
  local s = hash(P .. 's:' .. id)
  if not s then return nil end
  s.id = id
  s.agents = cjson.decode(s.agents)
  s.seats = seats_in(s.seats or s.seatUntil)
  return s
end

-- The mapping, unless it has lapsed.
local function live_session(id)
  local s = kept_session(id)
  return s and tonumber(s.expiresAt) > now and s or nil
end

local function is_member(s, agent)
  for _, a in ipairs(s.agents) do
    if a.agentId == agent then return true end
  end
  return false
end

-- A mapped session is found by the digits of its customer's number, which its field `customer` holds: '' where no number is
-- known, and no field where nobody has looked for one.
local function index_customer(s, phone)
  local digits = phone:gsub('%D', '')
  if digits == s.customer then return end
  if (s.customer or '') ~= '' then call('SREM', P .. 'customer:' .. s.customer, s.id) end
  s.customer = digits
  call('HSET', P .. 's:' .. s.id, 'customer', digits)
  if digits == '' then return end
  call('SADD', P .. 'customer:' .. digits, s.id)
  call('PEXPIRE', P .. 'customer:' .. digits, policy.sessionTtlMs + MARGIN_MS)
end

local function slide(s)
  local id, ends = s.id, now + policy.sessionTtlMs
  call('HSET', P .. 's:' .. id, 'expiresAt', ends)
  call('PEXPIRE', P .. 's:' .. id, policy.sessionTtlMs + MARGIN_MS)
  call('ZADD', P .. 'expiry', ends, id)
  -- The memory must not lapse under the mapping: its sequence would start anew, and seen messages leave again.
  call('PEXPIRE', P .. 'm:' .. id, policy.memoryTtlMs + MARGIN_MS)
  call('PEXPIRE', P .. 'seen:' .. id, policy.memoryTtlMs + MARGIN_MS)
  -- A notification may have told the customer before the session was anybody's.
  if not s.customer then index_customer(s, call('HGET', P .. 'm:' .. id, 'phone') or '')
  elseif s.customer ~= '' then call('PEXPIRE', P .. 'customer:' .. s.customer, policy.sessionTtlMs + MARGIN_MS) end
end

local function unmap(s)
  if (s.customer or '') ~= '' then call('SREM', P .. 'customer:' .. s.customer, s.id) end
  call('DEL', P .. 's:' .. s.id)
  call('ZREM', P .. 'expiry', s.id)
  call('ZREM', P .. 'sessions', s.id)
  call('ZREM', P .. 'sessions:' .. s.agents[1].agentId, s.id)
end

-- Writes who is in the session; `before` is the holder until now, if there was one.
local function write_agents(id, agents, before)
  local holder = agents[1].agentId
  call('HSET', P .. 's:' .. id, 'agents', cjson.encode(agents), 'updatedAt', now)
  if before ~= holder then
    if before then call('ZREM', P .. 'sessions:' .. before, id) end
    call('ZADD', P .. 'sessions:' .. holder, 0, id)
  end
end

-- `seatUntil` is for a program that keeps one seat alone.
local function write_seats(id, seats)
  call('HSET', P .. 's:' .. id, 'seats', seats_text(seats), 'seatUntil', seats[#seats] or 0, 'updatedAt', now)
end

-- The reply form of a mapping; '' stands for nothing.
local function session_reply(s)
  local m = hash(P .. 'm:' .. s.id) or {}
  return {
    s.id, cjson.encode(s.agents), s.state, s.acceptedAt, s.acceptedUpstream, s.updatedAt, seats_text(s.seats),
    m.seq or '0', m.phone or '', m.sender or '',
  }
end

local function stale()
  return req.webhooksVersion ~= nil
    and tonumber(call('GET', P .. 'webhooks:version') or 0) ~= req.webhooksVersion
end
