-- Records: small texts under names, each in one key.

--== records uses base
-- Records: small texts under names. A value is the time when it lapses ('' for never), ':' and the text.
-- A record's kind, key, text and untilMs are members of `r`; `near` is its session, nil for none.

-- The length of the session's id comes first, so that no two names make one key.
local function record_key(r, near)
  if near then return P .. 'near:' .. #near .. ':' .. near .. ':' .. r.kind .. ':' .. r.key end
  return P .. 'record:' .. r.kind .. ':' .. r.key
end

-- What the record under a key holds, or nil.
local function record_text(key)
  local value = call('GET', key)
  if not value then return nil end
  local mark = value:find(':', 1, true)
  local ends = tonumber(value:sub(1, mark - 1))
  if ends and ends <= now then return nil end
  return value:sub(mark + 1)
end

-- Those near no session are listed by kind, and swept out of that list by the time when they lapse.
local function index_record(r, text)
  local list, entry = P .. 'records:' .. r.kind, r.kind .. ':' .. r.key
  if text then call('ZADD', list, 0, r.key) else call('ZREM', list, r.key) end
  if text and r.untilMs then call('ZADD', P .. 'record-ends', r.untilMs, entry)
  else call('ZREM', P .. 'record-ends', entry) end
end

-- Texts are listed by what became of them too: 'sent' once the provider has them, then what the phone's network said; nil: in
-- no list. With the outcome that was told, and the status of the delivery.
local function list_text(id, outcome, status)
  if outcome ~= 'delivered' and outcome ~= 'undelivered' then
    outcome = status == 'delivered' and 'sent' or nil
  end
  for _, each in ipairs({ 'sent', 'delivered', 'undelivered' }) do
    if each == outcome then call('ZADD', P .. 'texts:' .. each, 0, id)
    else call('ZREM', P .. 'texts:' .. each, id) end
  end
end

-- What the phone's network said of a text.
local function note_outcome(id, outcome)
  local key = P .. 'd:' .. id
  local status = call('HGET', key, 'status')
  if not status then return end
  call('HSET', key, 'outcome', outcome.kind)
  if outcome.errorCode then call('HSET', key, 'errorCode', outcome.errorCode)
  else call('HDEL', key, 'errorCode') end
  list_text(id, outcome.kind, status)
end

-- Makes the record hold r.text, or nothing, whatever it held before. Returns what it holds then.
local function put_record(r, near)
  local key, text, ends = record_key(r, near), r.text, r.untilMs
  if ends and ends <= now then text = nil end
  if r.outcome then note_outcome(r.key, r.outcome) end
  if not text then call('DEL', key)
  elseif ends then call('SET', key, string.format('%d', ends) .. ':' .. text, 'PX', ends - now + MARGIN_MS)
  else call('SET', key, ':' .. text) end
  if not near then index_record(r, text) end
  return text
end

--== read_record uses records
-- What a record holds.
-- req    kind, key, near?, nowMs
-- reply  the text | nothing
return record_text(record_key(req, req.near)) or false

--== write_record uses records
-- Changes a record, if it holds what it should.
-- req    kind, key, near?, text? (absent: the record goes), untilMs?, nowMs,
--        conditional: only if it holds `expected?` (absent: nothing)
-- reply  {written 0/1, the text it holds now | nothing}
local held = record_text(record_key(req, req.near))
if req.conditional and held ~= req.expected then return { 0, held or false } end
return { 1, put_record(req, req.near) or false }

--== list_records uses records
-- Records of one kind that are near no session, by key.
-- req    kind, nowMs, limit, cursor
-- reply  list of {key, text}, at most limit
local from = req.cursor == '' and '-' or '(' .. req.cursor
local found = {}
repeat
  local keys = call('ZRANGEBYLEX', P .. 'records:' .. req.kind, from, '+', 'LIMIT', 0, req.limit)
  for _, key in ipairs(keys) do
    from = '(' .. key
    local text = record_text(record_key({ kind = req.kind, key = key }))
    if text and #found < req.limit then found[#found + 1] = { key, text } end
  end
until #keys < req.limit or #found >= req.limit
return found
