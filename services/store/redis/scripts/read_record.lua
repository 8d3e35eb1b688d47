-- What a record holds.
-- req    kind, key, near?, nowMs
-- reply  the text | nothing
return record_text(record_key(req, req.near)) or false
