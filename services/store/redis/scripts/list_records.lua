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
