-- Takes tokens from a bucket, or says when there may be enough. More than it ever holds are owed.
-- req    bucket, tokens, perSecond, burst, nowMs
-- reply  0: taken | how many milliseconds until there may be enough
-- No sink has such an id, so this bucket is none of claim_deliveries.lua's.
local key = P .. 'bucket:named:' .. req.bucket
local missing = math.min(req.tokens, req.burst) - tokens_in(key, req)
if missing <= 0 then take_from(key, req, req.tokens) end
return filling_ms(missing, req)
