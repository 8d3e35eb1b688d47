-- Accepts under way, and the seats that they take: what session_rules/ says of them.

--== claims uses base
-- A session's claims are fields of `c:<id>`: '@' and the agent, with {token, from, until, doubtFrom, seat?, state?} as JSON;
-- without `seat` the session was free, and without `from` it was claimed before that was kept. A program that kept one claim alone wrote it into the fields agent, token, until and state.

-- `token` has those of all of the agent's Accepts without an answer, with blanks between.

-- A seat that is never open.
local NO_SEAT = 0

local function drop_claim(id, agent)
  local key = P .. 'c:' .. id
  call('HDEL', key, '@' .. agent)
  if call('HGET', key, 'agent') == agent then call('HDEL', key, 'agent', 'token', 'until', 'state') end
end

local function drop_claims(id)
  call('DEL', P .. 'c:' .. id)
end

-- The claims that have not lapsed; those that have are forgotten. Without `now` all of them.
local function kept_claims(id)
  local claims, kept = {}, hash(P .. 'c:' .. id) or {}
  local function add(claim)
    if not now or claim['until'] > now then claims[#claims + 1] = claim else drop_claim(id, claim.agent) end
  end
  for field, text in pairs(kept) do
    if field:sub(1, 1) == '@' then
      local claim = cjson.decode(text)
      claim.agent = field:sub(2)
      add(claim)
    end
  end
  if kept.agent then
    local ends = tonumber(kept['until'])
    add({ agent = kept.agent, token = kept.token, ['until'] = ends, doubtFrom = ends, state = kept.state })
  end
  return claims
end

-- The agent's own claim, and those of the others.
local function own_and_others(claims, agent)
  local own, others = nil, {}
  for _, claim in ipairs(claims) do
    if claim.agent == agent then own = claim else others[#others + 1] = claim end
  end
  return own, others
end

local function tokens_of(claim)
  local tokens = {}
  for token in claim.token:gmatch('%S+') do tokens[#tokens + 1] = token end
  return tokens
end

-- Those of the agent's claim, if there is one, with one more; of a client that repeats itself without end the last ones.
local function with_token(own, token)
  local tokens = own and tokens_of(own) or {}
  tokens[#tokens + 1] = token
  return table.concat(tokens, ' ', math.max(1, #tokens - policy.tokensKept + 1))
end

-- Writes a claim that is kept already over what is kept of it.
local function change_claim(id, claim)
  local key = P .. 'c:' .. id
  call('HSET', key, '@' .. claim.agent, cjson.encode({
    token = claim.token, from = claim.from, ['until'] = claim['until'], doubtFrom = claim.doubtFrom, seat = claim.seat,
    state = claim.state,
  }))
  if call('HGET', key, 'agent') == claim.agent then call('HDEL', key, 'agent', 'token', 'until', 'state') end
end

-- Writes a new claim. The key lasts as long as the last of them.
local function put_claim(id, claim, others)
  local key, last = P .. 'c:' .. id, claim['until']
  change_claim(id, claim)
  for _, other in ipairs(others) do last = math.max(last, other['until']) end
  call('PEXPIRE', key, math.max(1, last - now) + MARGIN_MS)
end

-- Whether one of these claims keeps other agents from a free session. One in doubt on a seat of an earlier mapping does not.
local function is_kept_out(others)
  for _, claim in ipairs(others) do
    if not claim.seat or claim.doubtFrom > now then return true end
  end
  return false
end

local function is_holders_place(s, ends)
  return s.agents[1].standsInUntil == ends
end

-- Whether the first agent only stands in for a holder whose Transfer nobody has accepted yet. Once that seat is gone, the
-- first agent is the holder for good.
local function has_stand_in(s)
  for _, ends in ipairs(s.seats) do
    if is_holders_place(s, ends) then return true end
  end
  return false
end

local function remove_seat(seats, ends)
  for i, each in ipairs(seats) do
    if each == ends then return table.remove(seats, i) end
  end
end

local function open_seats(s)
  local open = {}
  for _, ends in ipairs(s.seats) do
    if ends > now then open[#open + 1] = ends end
  end
  return open
end

-- The seats with one more, at most policy.seatsKept; those that have closed are forgotten.
local function with_seat(s, ends)
  local seats = open_seats(s)
  seats[#seats + 1] = ends
  table.sort(seats)
  while #seats > policy.seatsKept do table.remove(seats, 1) end
  return seats
end

-- The seat that the next Accept takes, by its end: a holder's place first, then the one that ends first; nil where none is
-- open, or the others' Accepts are under way for each of them. `plain`: of those that are no holder's place.
local function free_seat(s, others, plain)
  local seats = open_seats(s)
  if plain then remove_seat(seats, s.agents[1].standsInUntil) end
  for _, claim in ipairs(others) do
    if claim.doubtFrom > now then remove_seat(seats, claim.seat) end
  end
  for _, ends in ipairs(seats) do
    if is_holders_place(s, ends) then return ends end
  end
  return seats[1]
end
