/** `deno task upstash`: an Upstash-compatible REST endpoint for development, over any Redis. */
import { parseArgs } from "node:util";
import { NoAnswer } from "../../services/store/redis/no_answer.ts";
import { redisAvailable, startRedisServer } from "../kit/redis_server.ts";
import { readPort, runProgram, say, UsageError } from "../kit/program.ts";
import type { Simulator } from "../kit/simulator.ts";
import { startUpstashEndpoint } from "./endpoint.ts";

const HELP =
  `An Upstash-compatible REST endpoint over a Redis. A development tool: loopback only, no TLS.

Usage: deno task upstash [--redis-url URL] [--port PORT] [--token TOKEN]

  --redis-url URL   redis:// or rediss://; by default a redis-server of its own, which keeps nothing
  --port PORT       where to listen on 127.0.0.1; 0: any free port (default 8079)
  --token TOKEN     the bearer token to take (default: a new random one)
  --help            shows this`;

if (import.meta.main) await runProgram(start);

async function start(args: readonly string[]): Promise<Simulator | null> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      "redis-url": { type: "string" },
      port: { type: "string", default: "8079" },
      token: { type: "string", default: crypto.randomUUID().replaceAll("-", "") },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    say(HELP);
    return null;
  }
  const port = readPort(values.port);
  if (values.token === "") throw new UsageError("Cannot use --token: expected a non-empty text");

  const redis = await openRedis(values["redis-url"]);
  try {
    const endpoint = await startUpstashEndpoint({
      redisUrl: redis.url,
      token: values.token,
      port,
      record: false,
    });
    say(greeting(redis.description, endpoint.url, values.token));
    const close = async () => {
      await endpoint.close();
      await redis.stop();
    };
    return { url: endpoint.url, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await redis.stop();
    throw explained(error, redis.description, port);
  }
}

interface OpenRedis {
  readonly url: string;
  /** The address without user and password. */
  readonly description: string;
  stop(): Promise<void>;
}

async function openRedis(url: string | undefined): Promise<OpenRedis> {
  if (url !== undefined) {
    const parsed = URL.canParse(url) ? new URL(url) : null;
    if (parsed === null || !["redis:", "rediss:"].includes(parsed.protocol)) {
      throw new UsageError("Cannot use --redis-url: expected redis:// or rediss:// and a host");
    }
    return { url, description: `${parsed.protocol}//${parsed.host}`, stop: async () => {} };
  }
  if (!redisAvailable()) {
    throw new UsageError(
      "Cannot start a Redis: redis-server is not on the PATH; install it or give --redis-url",
    );
  }
  const server = await startRedisServer();
  return { url: server.url, description: server.url, stop: server.stop };
}

function greeting(redis: string, url: string, token: string): string {
  return `Upstash-compatible endpoint over ${redis}: a development tool, not for production

export UPSTASH_REDIS_REST_URL=${url}
export UPSTASH_REDIS_REST_TOKEN=${token}

Ctrl-C stops it`;
}

function explained(error: unknown, redis: string, port: number): unknown {
  if (error instanceof NoAnswer) {
    return new UsageError(`Cannot reach the Redis at ${redis}: ${error.message}`);
  }
  if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") {
    return new UsageError(`Cannot listen on port ${port}: it is in use; give another --port`);
  }
  return error;
}
