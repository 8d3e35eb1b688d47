import { parseEncryptionKey } from "../sealing/encryption_key.ts";
import type { Config } from "./shape.ts";
import { httpUrl, redisUrl } from "./address_parsers.ts";
import * as parse from "./parsers.ts";
import { complete, type Reader } from "./reader.ts";

type Store = Config["store"];

const YEAR_S = 31_536_000;

/** Where things are kept, for how long, and under which key. */
export function readStore(env: Reader): Store | undefined {
  return complete<Store>({
    engine: readEngine(env),
    shards: env.required("STORE_SHARDS", parse.integer(1, 1024)),
    ...readEncryptionKeys(env),
    sessionTtlMs: env.required("SESSION_TTL_S", parse.secondsAsMs(1, YEAR_S)),
    eventRetentionMs: env.required("EVENT_RETENTION_S", parse.secondsAsMs(1, YEAR_S)),
  });
}

const UPSTASH = ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"] as const;

function readEngine(env: Reader): Store["engine"] | undefined {
  const upstash = readUpstash(env);
  const redis = env.optional("REDIS_URL", redisUrl);
  const sqlite = complete<Extract<Store["engine"], { kind: "sqlite" }>>({
    kind: "sqlite",
    path: env.required("SQLITE_PATH", parse.plainText("the path of a file, or :memory:")),
    sync: env.required("SQLITE_SYNC", parse.oneOf(["normal", "full"])),
  });
  // SQLITE_PATH has a default, so only a set one says that SQLite is wanted.
  const wanted = [
    UPSTASH.find(env.isSet),
    ...(["REDIS_URL", "SQLITE_PATH"] as const).filter(env.isSet),
  ]
    .filter((name) => name !== undefined);
  if (wanted.length > 1) {
    env.fault(`Cannot use ${wanted.join(" and ")} together: expected one store`);
    return undefined;
  }
  if (UPSTASH.some(env.isSet)) return upstash;
  if (env.isSet("REDIS_URL")) return redis ? { kind: "redis", url: redis } : undefined;
  return sqlite;
}

function readUpstash(env: Reader): Extract<Store["engine"], { kind: "upstash" }> | undefined {
  const url = env.optional("UPSTASH_REDIS_REST_URL", httpUrl({ query: false }));
  const token = env.optional("UPSTASH_REDIS_REST_TOKEN", parse.headerToken);
  const missing = UPSTASH.filter((name) => !env.isSet(name));
  if (missing.length === 1) {
    const present = UPSTASH.filter(env.isSet);
    env.fault(`Cannot use ${present.join()} without ${missing.join()}: expected both`);
  }
  return url && token ? { kind: "upstash", url, token } : undefined;
}

/** The first seals; the others are what earlier deployments sealed with. */
function readEncryptionKeys(
  env: Reader,
): { [K in "encryptionKey" | "retiredEncryptionKeys"]: Store[K] | undefined } {
  const form = "32 bytes in base64, as `openssl rand -base64 32` prints them";
  const keys = env.optional(
    "ENCRYPTION_KEY",
    parse.commaList((text) => parseEncryptionKey(text) ?? undefined, {
      expected: `${form}; a new key, then older ones, separated by commas`,
      max: 16,
    }),
  );
  const needed = env.isSet("REDIS_URL") || UPSTASH.some(env.isSet);
  if (keys === null && needed) {
    env.fault(`Cannot use a Redis store without ENCRYPTION_KEY: expected ${form}`);
    return { encryptionKey: undefined, retiredEncryptionKeys: undefined };
  }
  const [encryptionKey, ...retiredEncryptionKeys] = keys ?? [];
  return {
    encryptionKey: keys === undefined ? undefined : encryptionKey ?? null,
    retiredEncryptionKeys,
  };
}
