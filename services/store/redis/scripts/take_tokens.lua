-- Takes tokens from a bucket that has at least one, or says when it may have. What is taken beyond that is owed.
-- req    bucket, tokens, perSecond, burst, nowMs
-- reply  0: taken | how many milliseconds until there may be one
-- No sink has such an id, so this bucket is none of claim_deliveries.lua's.
local key = P .. 'bucket:named:' .. req.bucket
local missing = 1 - tokens_in(key, req)
if missing <= 0 then take_from(key, req, req.tokens) end
return filling_ms(missing, req)
