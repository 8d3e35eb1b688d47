import type { RedisServer } from "../../simulator/kit/redis_server.ts";

/** How a whole value is read, by the type of its key. */
const READS: Readonly<Record<string, (key: string) => string[]>> = {
  string: (key) => ["GET", key],
  hash: (key) => ["HGETALL", key],
  list: (key) => ["LRANGE", key, "0", "-1"],
  set: (key) => ["SMEMBERS", key],
  zset: (key) => ["ZRANGE", key, "0", "-1", "WITHSCORES"],
};

export interface RedisKey {
  readonly key: string;
  readonly type: string;
  /** Milliseconds until it goes by itself; null: it stays. */
  readonly ttlMs: number | null;
}

/** Three lines for each key. */
const LIST_KEYS = `local lines = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  for _, line in ipairs({ key, redis.call('TYPE', key).ok, redis.call('PTTL', key) }) do
    lines[#lines + 1] = line
  end
end
return lines`;

/** Every key that there is. */
export async function redisKeys(redis: RedisServer): Promise<RedisKey[]> {
  const lines = (await redis.cli("EVAL", LIST_KEYS, "0")).split("\n");
  const keys: RedisKey[] = [];
  for (let at = 0; at + 2 < lines.length; at += 3) {
    const [key = "", type = "", ttl] = lines.slice(at, at + 3);
    keys.push({ key, type, ttlMs: Number(ttl) < 0 ? null : Number(ttl) });
  }
  return keys;
}

/** Every key with its whole value, as text. */
export async function dumpRedis(redis: RedisServer): Promise<string> {
  const values = (await redisKeys(redis)).map(async ({ key, type }) => {
    const read = READS[type];
    if (read === undefined) throw new Error(`Cannot read ${key}: it is of type ${type}`);
    return `${key}\n${await redis.cli(...read(key))}`;
  });
  return (await Promise.all(values)).join("\n");
}
