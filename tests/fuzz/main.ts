/** `deno task fuzz`: requests that nobody would send. */
import { parseArgs } from "node:util";
import { readCount, runMain, say, UsageError } from "../../simulator/kit/program.ts";
import { describeFailure, fuzz } from "./fuzz.ts";
import { ROUTES } from "./requests.ts";
import { AUTH_MODES, startFuzzTarget } from "./target.ts";

const HELP =
  `Asks a Patchbay whatever fast-check draws: every route, every ingress, whole and broken requests.

Usage: deno task fuzz [--seed N] [--seconds S] [--requests N]

  --seed N       decides what is asked (default: a new one each time)
  --seconds S    stops after so long (default: 60)
  --requests N   stops after so many requests, however long they take
  --help         shows this

It looks for answers of 500 and above that are not the contact centre's, errors that are none of the contract's, secrets and
telephone numbers in refusals and in the log, and whatever is written on stderr. What it finds is told with its seed and
with the fewest and plainest requests that show it. Patchbay runs as a process of its own that may talk to loopback alone.
The exit status is 1 where something was found, or where the process takes a fifth more memory than it took after the first
tenth of the requests.`;

const DEFAULT_SECONDS = 60;
const MOST_GROWTH = 0.2;
const MIB = 1024 * 1024;

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string" },
      seconds: { type: "string" },
      requests: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return say(HELP);
  const seed = values.seed === undefined ? newSeed() : readSeed(values.seed);
  const seconds = values.seconds === undefined
    ? values.requests === undefined ? DEFAULT_SECONDS : null
    : readCount("--seconds", values.seconds);
  const requests = values.requests === undefined
    ? Infinity
    : readCount("--requests", values.requests);
  const auth = AUTH_MODES[Math.abs(seed) % AUTH_MODES.length] ?? "forward";
  say(`seed ${seed}, UPSTREAM_AUTH=${auth}`);

  await using target = await startFuzzTarget({ auth });
  const startMs = performance.now();
  const leftMs = () =>
    seconds === null ? Infinity : seconds * 1_000 - (performance.now() - startMs);
  // What is there to stay: code that is compiled with its first use, caches of a fixed size.
  const warming = await fuzz(target, {
    seed,
    requests: Math.min(WARM_UP_REQUESTS, requests / 10),
    withinMs: leftMs() / 10,
  });
  const before = await target.memory();
  const rest = warming.failure !== null ? warming : await fuzz(target, {
    seed: seed + AFTER_WARM_UP,
    requests: requests - warming.requests,
    withinMs: leftMs(),
    onProgress: (done) => progress(warming.requests + done, startMs),
  });
  const after = await target.memory();

  const total = warming.requests + (rest === warming ? 0 : rest.requests);
  say(`${total} requests in ${((performance.now() - startMs) / 1_000).toFixed(0)} s`);
  const told = [...rest.statuses].sort(([a], [b]) => a - b)
    .map(([status, count]) => `${count} × ${status}`);
  say(`answers: ${told.join(", ")}`);
  const unserved = everyRoute().filter((route) => !rest.served.has(route));
  say(`all routes have done what was asked at least once but ${unserved.join(", ") || "none"}`);
  say(`memory after collection: ${mib(before)} MiB, then ${mib(after)} MiB`);
  if (rest.failure !== null) {
    say(describeFailure(rest.failure));
    Deno.exitCode = 1;
  }
  if (after > before * (1 + MOST_GROWTH)) {
    say("it has grown by more than a fifth");
    Deno.exitCode = 1;
  }
}

function everyRoute(): string[] {
  return ROUTES.flatMap(({ methods, path }) => methods.map((method) => `${method} ${path}`));
}

const WARM_UP_REQUESTS = 20_000;
/** What was asked to warm up is not asked again. */
const AFTER_WARM_UP = 500_009;
const PROGRESS_EVERY_MS = 10_000;
let toldAtMs = 0;

function progress(requests: number, startMs: number): void {
  const nowMs = performance.now();
  if (nowMs - toldAtMs < PROGRESS_EVERY_MS) return;
  toldAtMs = nowMs;
  say(`${requests} requests after ${((nowMs - startMs) / 1_000).toFixed(0)} s`);
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}

function newSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
}

function readSeed(text: string): number {
  const seed = Number(text);
  if (Number.isInteger(seed)) return seed;
  throw new UsageError(`Cannot use --seed ${text}: expected an integer`);
}

await runMain(main);
