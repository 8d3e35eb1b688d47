/** `deno task soak`: the promises of DESIGN §9 and §10 at full size. What is small enough runs in the test suite too. */
import { parseArgs } from "node:util";
import { say, UsageError } from "../../simulator/kit/program.ts";
import { redisEnv } from "../support/patchbay_for_load.ts";
import { redisAvailable, startRedisServer } from "../../simulator/kit/redis_server.ts";
import { soakFollowing } from "./following.ts";
import { soakOrderedDelivery } from "./ordered_delivery.ts";
import { soakSharedWork } from "./shared_work.ts";
import { soakSmsSending } from "./sms_sending.ts";
import { soakCommandsPerEvent, soakIdle } from "./store_commands.ts";

const HELP = `Puts Patchbay's promises about delivery to the test, at full size. Takes some minutes.

Usage: deno task soak [--seed N] [--only NAME]

  --seed N      decides which calls fail, and when a process is killed (default: a new one each time)
  --only NAME   ordered-delivery, shared-work, following, store-commands, texts or idle
  --help        shows this

1,000 sessions × 20 events to 3 webhooks, one of which fails half of its calls: everything in order, everything once.
Two instances on one Redis, one of them killed or stopped in the middle: nothing lost.
Two instances follow 8 agents, one is killed: the other takes over, and every message is told once and in order.
Store commands per delivered event, and of an idle Patchbay.
5,000 texts over 200 sessions, one in ten requests to Twilio failing, and a kill -9 every 500: none twice, all in order,
and what is missing says why. On SQLite and on Redis.
The exit status is 1 when a promise was not kept.`;

const WITHIN_MS = 180_000;
const FULL = { sessions: 1_000, eventsPerSession: 20 } as const;
const MINUTES_IDLE = 2;
const TEXTS = { sessions: 200, texts: 5_000, killEvery: 500, retryS: "1,6" } as const;
const FOLLOWED = { agents: 8, rounds: 10, everyMs: 500 } as const;
const PARTS = [
  "ordered-delivery",
  "shared-work",
  "following",
  "store-commands",
  "texts",
  "idle",
] as const;

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: [...Deno.args],
    options: {
      seed: { type: "string" },
      only: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return say(HELP);
  const seed = readSeed(values.seed);
  const wanted = readParts(values.only);
  if (!redisAvailable()) throw new UsageError("Cannot soak: redis-server is not on the PATH");
  say(`seed ${seed}`);

  // It needs no processor time, so it may go on beside the others.
  const idle = wanted.has("idle")
    ? withRedis((redisUrl) => soakIdle({ redisUrl, minutes: MINUTES_IDLE }))
    : null;
  idle?.catch(() => {});
  if (wanted.has("ordered-delivery")) {
    await tell(
      "ordered delivery",
      (redisUrl) =>
        soakOrderedDelivery({ ...FULL, storeEnv: redisEnv(redisUrl), seed, withinMs: WITHIN_MS }),
    );
  }
  if (wanted.has("shared-work")) await tellSharedWork();
  if (wanted.has("following")) {
    await tell("following", (redisUrl) => soakFollowing({ ...FOLLOWED, redisUrl }));
  }
  if (wanted.has("store-commands")) {
    await tell("store commands", (redisUrl) => soakCommandsPerEvent({ redisUrl, events: 500 }));
  }
  if (wanted.has("texts")) await tellTexts(seed);
  if (idle !== null) await tell("idle", () => idle);
}

async function tellSharedWork(): Promise<void> {
  for (const ending of ["killed", "stopped"] as const) {
    await tell(`one of two instances ${ending}`, (redisUrl) =>
      soakSharedWork({
        ...FULL,
        redisUrl,
        ending,
        heir: { kind: "survivor" },
        withinMs: WITHIN_MS,
      }));
  }
}

async function tellTexts(seed: number): Promise<void> {
  const soak = (storeEnv: Readonly<Record<string, string>>) =>
    soakSmsSending({
      ...TEXTS,
      storeEnv,
      seed,
      heir: { kind: "survivor" },
      withinMs: WITHIN_MS,
    });
  await tell("texts with Redis", (redisUrl) => soak(redisEnv(redisUrl)));
  const dir = await Deno.makeTempDir({ prefix: "soak-" });
  await tell("texts with SQLite", () => soak({ SQLITE_PATH: `${dir}/patchbay.db` }));
  await Deno.remove(dir, { recursive: true });
}

function readParts(only: string | undefined): ReadonlySet<string> {
  if (only === undefined) return new Set(PARTS);
  if (PARTS.some((part) => part === only)) return new Set([only]);
  throw new UsageError(`Cannot use --only ${only}: expected one of ${PARTS.join(", ")}`);
}

/** `run` is given a Redis of its own, which it need not use. */
async function tell(what: string, run: (redisUrl: string) => Promise<string>): Promise<void> {
  try {
    say(`${what}: ${await withRedis(run)}`);
  } catch (error) {
    say(`${what}: NOT KEPT: ${error instanceof Error ? error.message : String(error)}`);
    Deno.exitCode = 1;
  }
}

async function withRedis<T>(run: (redisUrl: string) => Promise<T>): Promise<T> {
  await using redis = await startRedisServer();
  return await run(redis.url);
}

function readSeed(text: string | undefined): number {
  const seed = text === undefined
    ? crypto.getRandomValues(new Uint32Array(1))[0] ?? 1
    : Number(text);
  if (Number.isInteger(seed) && seed > 0 && seed < 2 ** 32) return seed;
  throw new UsageError(`Cannot use --seed ${text}: expected an integer from 1 to 4294967295`);
}

await main();
