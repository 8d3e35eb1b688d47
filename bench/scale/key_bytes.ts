import type { RedisServer } from "../../simulator/kit/redis_server.ts";

/** One line per kind of key: how many there are, the bytes of all, and how many entries they have. */
const BY_KIND = `
local sizes = { hash = 'HLEN', set = 'SCARD', zset = 'ZCARD', list = 'LLEN' }
local kinds, lines = {}, {}
for _, key in ipairs(redis.call('KEYS', 'pb:*')) do
  local name = key:gsub('^pb:{%d+}:', '')
  local kind = name:match('^events:%l+') or name:match('^[%l-]+')
  local sum = kinds[kind] or { 0, 0, 0 }
  local size = sizes[redis.call('TYPE', key).ok]
  sum[1] = sum[1] + 1
  sum[2] = sum[2] + redis.call('MEMORY', 'USAGE', key, 'SAMPLES', '0')
  sum[3] = sum[3] + (size and redis.call(size, key) or 1)
  kinds[kind] = sum
end
for kind, sum in pairs(kinds) do lines[#lines + 1] = kind .. ' ' .. table.concat(sum, ' ') end
table.sort(lines)
return lines`;

/** What the keys of each kind take, in words: the whole key, and an entry of it. */
export async function describeKeys(redis: Pick<RedisServer, "cli">): Promise<string> {
  const lines = (await redis.cli("EVAL", BY_KIND, "0")).split("\n");
  return lines.map((line) => {
    const [kind = "", ...numbers] = line.split(" ");
    const [keys = 0, bytes = 0, entries = 0] = numbers.map(Number);
    return `  ${kind}: ${keys} keys, ${(bytes / keys).toFixed(0)} bytes each, ` +
      `${(bytes / entries).toFixed(0)} per entry`;
  }).join("\n");
}
