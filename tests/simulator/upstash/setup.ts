/** A Redis with an Upstash endpoint over it, for tests. */
import { Redis, type RedisConfigNodejs } from "@upstash/redis";
import { type RedisServer, startRedisServer } from "../../../simulator/kit/redis_server.ts";
import { startUpstashEndpoint, type UpstashEndpoint } from "../../../simulator/upstash/endpoint.ts";

/** The token of every endpoint here. */
export const TOKEN = "a-token";

/** A Redis, an endpoint over it, and what tests ask of them. */
export interface Setup extends AsyncDisposable {
  readonly server: RedisServer;
  readonly endpoint: UpstashEndpoint;
  /** One request, authorized unless `init` says otherwise. */
  call(path: string, init?: RequestInit): Promise<Response>;
  /** The JSON answer to a command in the body. */
  run(...command: unknown[]): Promise<unknown>;
  client(options?: Partial<RedisConfigNodejs>): Redis;
}

/** Starts both. A Redis that is there has all the time it needs, unless a test is about one that hangs. */
export async function setUp({ redisTimeoutMs = 10_000 } = {}): Promise<Setup> {
  const server = await startRedisServer();
  const endpoint = await startUpstashEndpoint({
    redisUrl: server.url,
    token: TOKEN,
    redisTimeoutMs,
  });
  const call = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has("authorization")) headers.set("authorization", `Bearer ${TOKEN}`);
    return fetch(endpoint.url + path, { ...init, headers });
  };
  return {
    server,
    endpoint,
    call,
    run: async (...command) =>
      await (await call("/", { method: "POST", body: JSON.stringify(command) })).json(),
    client: (options) => new Redis({ url: endpoint.url, token: TOKEN, ...options }),
    async [Symbol.asyncDispose]() {
      await endpoint.close();
      await server.stop();
    },
  };
}
