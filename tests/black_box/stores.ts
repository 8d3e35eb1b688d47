/** The three stores that Patchbay can be told to use, each real, each of its own. */
import { startUpstashEndpoint } from "../../simulator/upstash/endpoint.ts";
import {
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from "../../simulator/kit/redis_server.ts";
import type { Environment } from "../support/patchbay_process.ts";

/** A store and the variables that name it. */
export interface TestStore extends AsyncDisposable {
  readonly env: Environment;
  /** The words of a command that starts Patchbay within this store's surroundings; none: it is started as it is. */
  readonly launcher?: readonly string[];
}

export interface SqliteTestStore extends TestStore {
  /** The database file. */
  readonly path: string;
}

export interface RedisTestStore extends TestStore {
  readonly server: RedisServer;
}

export async function openSqliteFile(): Promise<SqliteTestStore> {
  const dir = await Deno.makeTempDir({ prefix: "patchbay-" });
  const path = `${dir}/patchbay.db`;
  return {
    path,
    env: { SQLITE_PATH: path },
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

export async function openRedis(options: RedisServerOptions = {}): Promise<RedisTestStore> {
  const server = await startRedisServer(options);
  return {
    server,
    env: { REDIS_URL: server.url, ENCRYPTION_KEY: newEncryptionKey() },
    [Symbol.asyncDispose]: server.stop,
  };
}

/** Upstash's REST protocol over a real Redis. */
export async function openUpstash(): Promise<TestStore> {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startRedisServer());
  const token = crypto.randomUUID();
  // Nobody takes this Redis away, so it has all the time that a busy machine needs.
  const endpoint = opened.use(
    await startUpstashEndpoint({ redisUrl: redis.url, token, redisTimeoutMs: 10_000 }),
  );
  const all = opened.move();
  return {
    env: {
      UPSTASH_REDIS_REST_URL: endpoint.url,
      UPSTASH_REDIS_REST_TOKEN: token,
      ENCRYPTION_KEY: newEncryptionKey(),
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function newEncryptionKey(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64();
}
