import {
  type PatchbayForLoad,
  redisEnv,
  startPatchbayForLoad,
} from "../../tests/support/patchbay_for_load.ts";
import { startAnnouncedProgram } from "../../tests/support/program_process.ts";
import { type RedisServer, startRedisServer } from "../../simulator/kit/redis_server.ts";
import { type Consumer, startConsumer } from "./consumer.ts";

export const STORES = ["redis", "upstash", "sqlite"] as const;
export type StoreKind = (typeof STORES)[number];

/** A store, a Patchbay and a consumer, each a process of its own on loopback. */
export interface World {
  readonly patchbay: PatchbayForLoad;
  readonly consumer: Consumer;
  /** The Redis behind the store; null with SQLite, which is inside Patchbay. */
  readonly redis: RedisServer | null;
  /** What of it takes processor time, by name. */
  readonly processes: ReadonlyMap<string, number>;
  /** Registers a webhook. */
  register(url: string, settings?: object): Promise<void>;
}

/** Starts everything; `started` ends it. */
export async function startWorld(
  kind: StoreKind,
  started: AsyncDisposableStack,
  { denoArgs = [] }: { denoArgs?: readonly string[] } = {},
): Promise<World> {
  const processes = new Map<string, number>();
  const { env, redis } = await startStore(kind, started, processes);
  const consumer = started.use(await startConsumer());
  const patchbay = started.use(await startPatchbayForLoad({ env, denoArgs }));
  processes.set("consumer", consumer.pid).set("Patchbay", patchbay.pid);
  return {
    patchbay,
    consumer,
    redis,
    processes,
    async register(url, settings = {}) {
      await patchbay.manage("POST", "/v1/webhooks", { url, ...settings });
    },
  };
}

async function startStore(
  kind: StoreKind,
  started: AsyncDisposableStack,
  processes: Map<string, number>,
): Promise<{ env: Record<string, string>; redis: RedisServer | null }> {
  if (kind === "sqlite") {
    const dir = await Deno.makeTempDir({ prefix: "bench-" });
    started.defer(() => Deno.remove(dir, { recursive: true }));
    return { env: { SQLITE_PATH: `${dir}/patchbay.db` }, redis: null };
  }
  const redis = started.use(await startRedisServer());
  processes.set("Redis", await pidOf(redis));
  if (kind === "redis") return { env: redisEnv(redis.url), redis };
  const { url, token, pid } = await startUpstash(redis, started);
  processes.set("REST endpoint", pid);
  const { ENCRYPTION_KEY = "" } = redisEnv(redis.url);
  const env = { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, ENCRYPTION_KEY };
  return { env, redis };
}

/** `deno task upstash` as it is, over that Redis. */
async function startUpstash(redis: RedisServer, started: AsyncDisposableStack) {
  const token = "bench";
  const { url, pid } = started.use(
    await startAnnouncedProgram({
      main: "simulator/upstash/main.ts",
      args: ["--redis-url", redis.url, "--token", token, "--port", "0"],
    }, /UPSTASH_REDIS_REST_URL=(\S+)/),
  );
  return { url, token, pid };
}

async function pidOf(redis: RedisServer): Promise<number> {
  return Number(/process_id:(\d+)/.exec(await redis.cli("INFO", "server"))?.[1]);
}
