-- Token buckets, each under a key of its own. A rate is {perSecond, burst}.

-- To a millionth: sums of binary fractions must not fall short of a whole token.
local function rounded(n) return math.floor(n * 1e6 + 0.5) / 1e6 end

-- The tokens there are now; less than none where more were taken than there were.
local function tokens_in(key, rate)
  local kept = call('HMGET', key, 'tokens', 'at')
  if not kept[1] then return rate.burst end
  local filled = math.max(0, now - tonumber(kept[2])) * rate.perSecond / 1000
  return math.min(rate.burst, rounded(tonumber(kept[1]) + filled))
end

-- How many milliseconds it lasts until so many tokens are missing no more; 0 only where none is.
local function filling_ms(missing, rate)
  if missing <= 0 then return 0 end
  return math.max(1, math.ceil(rounded(missing * 1000 / rate.perSecond)))
end

-- Takes tokens whether they are there or not.
local function take_from(key, rate, count)
  if count == 0 then return end
  local left = tokens_in(key, rate) - count
  call('HSET', key, 'tokens', tostring(left), 'at', now)
  -- Once it is full again it need not be remembered.
  call('PEXPIRE', key, math.min(filling_ms(rate.burst - left, rate), policy.retentionMs) + MARGIN_MS)
end
