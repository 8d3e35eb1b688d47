/** `deno task scale`: what claiming costs, and what the data takes, as the store fills. */
import { parseArgs } from "node:util";
import { redisAvailable } from "../simulator/kit/redis_server.ts";
import { readCount, runMain, say, UsageError } from "../simulator/kit/program.ts";
import { describeMachine } from "./delivery/machine.ts";
import type { Percentiles } from "./delivery/percentiles.ts";
import { measureBytes } from "./scale/bytes.ts";
import { bytesTable, capacityTable, type Column } from "./scale/capacity.ts";
import { type EngineName, ENGINES, startEngine } from "./scale/engines.ts";
import { fill } from "./scale/filling.ts";
import { BATCH, patchbayMegabytes, timeClaims } from "./scale/measuring.ts";

const HELP =
  `Fills a store with mapped sessions, each with one event and one pending delivery, and measures on the way.

Usage: deno task scale [--engine=sqlite|redis|upstash] [--sessions=1000000] [--from=1000]
       deno task scale --bytes [--sessions=5000]

  --engine    sqlite (the default), a redis-server over RESP, or the same over Upstash's REST
  --sessions  how many in the end: with a million some minutes, and about 4 GiB of memory for Redis
  --from      how many at the first measurement
  --bytes     instead: what one session, event, delivery and webhook takes, on SQLite and Redis,
              and what that makes for some loads
  --help      shows this

Everything is on loopback or in a temporary directory, and goes at the end.`;

/** A claim may take this many times as long with the full store as with the first few. */
const ALLOWED_FACTOR = 2;
/** The same as how the Patchbay's memory may differ between two starts that hold the same. */
const ALLOWED_GROWTH_MB = 15;
const A_DAY_MS = 86_400_000;

interface Measured {
  readonly sessions: number;
  readonly claims: Percentiles;
  readonly bytes: number;
  readonly patchbayMb: number;
}

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      engine: { type: "string", default: "sqlite" },
      sessions: { type: "string" },
      from: { type: "string", default: "1000" },
      bytes: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return say(HELP);
  if (values.bytes) return await tellBytes(readCount("--sessions", values.sessions ?? "5000"));
  const name = readEngine(values.engine);
  const few = readCount("--from", values.from);
  const many = readCount("--sessions", values.sessions ?? "1000000");
  if (few < BATCH || many < few) {
    throw new UsageError(`Cannot go from ${few} to ${many}: expected ${BATCH} ≤ from ≤ sessions`);
  }

  await using started = new AsyncDisposableStack();
  say(await describeMachine());
  const { store, env, bytes } = await startEngine(name, started);
  const emptyBytes = await bytes();
  // Far ahead, so that the Patchbay that looks at the data later finds nothing due.
  const dueAtMs = Date.now() + A_DAY_MS;

  async function measure(from: number, to: number): Promise<Measured> {
    const startedAtMs = performance.now();
    const onProgress = (done: number) => say(`  ${done} of ${to}`);
    await fill(store, { from, to, dueAtMs, onProgress });
    const seconds = (performance.now() - startedAtMs) / 1_000;
    const claims = await timeClaims(store, dueAtMs);
    const measured = {
      sessions: to,
      claims,
      bytes: await bytes() - emptyBytes,
      patchbayMb: await patchbayMegabytes(env),
    };
    say(lineOf(name, measured, (to - from) / seconds));
    return measured;
  }

  const small = await measure(0, few);
  const large = await measure(few, many);
  say(verdict(small, large));
}

function lineOf(name: EngineName, measured: Measured, perSecond: number): string {
  const { sessions, claims: { p50, p95 }, bytes, patchbayMb } = measured;
  return `${name}, ${sessions} sessions (${perSecond.toFixed(0)}/s): claim of ${BATCH} ` +
    `p50 ${p50.toFixed(2)} ms, p95 ${p95.toFixed(2)} ms; ${(bytes / sessions).toFixed(0)} bytes ` +
    `per session, event and delivery; Patchbay ${patchbayMb.toFixed(0)} MB`;
}

function verdict(small: Measured, large: Measured): string {
  const factor = large.claims.p50 / small.claims.p50;
  const growthMb = large.patchbayMb - small.patchbayMb;
  const met = factor <= ALLOWED_FACTOR && growthMb <= ALLOWED_GROWTH_MB;
  if (!met) Deno.exitCode = 1;
  return `Claim × ${factor.toFixed(2)} (at most ${ALLOWED_FACTOR}), Patchbay ` +
    `${growthMb < 0 ? "−" : "+"}${Math.abs(growthMb).toFixed(0)} MB: ${met ? "met" : "MISSED"}`;
}

/** Prints the tables of docs/store.md. */
async function tellBytes(sessions: number): Promise<void> {
  say(`${await describeMachine()} · ${sessions} sessions\n`);
  const names = (["sqlite", "redis"] as const).filter((name) =>
    name === "sqlite" || redisAvailable()
  );
  const columns: Column[] = [];
  for (const name of names) {
    await using started = new AsyncDisposableStack();
    const engine = await startEngine(name, started);
    const each = await measureBytes(engine, sessions, async (stage) => {
      if (engine.describeKeys === null) return;
      say(`keys of ${name}, all deliveries ${stage}:\n${await engine.describeKeys()}\n`);
    });
    columns.push({ name, each });
  }
  say(bytesTable(columns));
  say(`\n${capacityTable(columns)}`);
}

function readEngine(text: string): EngineName {
  const engine = ENGINES.find((known) => known === text);
  if (engine === undefined) {
    throw new UsageError(`Cannot use --engine=${text}: expected ${ENGINES.join(", ")}`);
  }
  if (engine !== "sqlite" && !redisAvailable()) {
    throw new UsageError(`Cannot use --engine=${engine}: redis-server is not on the PATH`);
  }
  return engine;
}

await runMain(main);
