-- Changes a record, if it holds what it should.
-- req    kind, key, near?, text? (absent: the record goes), untilMs?, nowMs,
--        conditional: only if it holds `expected?` (absent: nothing)
-- reply  {written 0/1, the text it holds now | nothing}
local held = record_text(record_key(req, req.near))
if req.conditional and held ~= req.expected then return { 0, held or false } end
return { 1, put_record(req, req.near) or false }
