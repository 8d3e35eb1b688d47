import assert from "node:assert/strict";
import {
  type PatchbayForLoad,
  redisEnv,
  startPatchbayForLoad,
} from "../support/patchbay_for_load.ts";
import { type Consumer, startConsumers } from "./consumers.ts";
import { batches, eventCount, type Load } from "./events.ts";

export interface SharedWorkOptions extends Load {
  readonly redisUrl: string;
  /** How one of the two instances ends: SIGKILL or SIGTERM. */
  readonly ending: "killed" | "stopped";
  /** Who delivers what that one had under a lease. */
  readonly heir: Heir;
  readonly withinMs: number;
}

/**
 * `survivor`: the other instance waits until they have run out. `later`: the other one is stopped, and another takes its
 * place whose clock is so far ahead that they have run out already.
 */
export type Heir =
  | { readonly kind: "survivor" }
  | {
    readonly kind: "later";
    readonly start: (
      env: Readonly<Record<string, string>>,
      aheadMs: number,
    ) => Promise<AsyncDisposable>;
  };

const TIMEOUT_MS = 1_000;
/** DESIGN §9. */
const LEASE_MS = TIMEOUT_MS + 15_000;
const FAIR_SHARE = 0.2;
/** Of one webhook: what one instance may have on its way, and as much again that has ended and is not written down. */
const AT_RISK = 20;

/**
 * Two instances on one Redis share the deliveries; one ends in the middle. Nothing is lost, everything is in order, and
 * nothing comes twice but what a killed one had in its hands. Throws where it is not so; says what it saw.
 */
export async function soakSharedWork(options: SharedWorkOptions): Promise<string> {
  const { ending, heir, withinMs } = options;
  const env = {
    ...redisEnv(options.redisUrl),
    WEBHOOK_TIMEOUT_MS: String(TIMEOUT_MS),
    LOG_LEVEL: "info",
  };
  await using consumers = await startConsumers();
  const consumer = consumers.add("shared");
  await using doomed = await startInstance(env);
  await using other = await startInstance(env);
  await doomed.manage("POST", "/v1/webhooks", { url: consumer.url });

  const count = eventCount(options);
  const half = Math.floor(count / 2);
  await ingestInTurn([doomed, other], batches(options, 0, half));
  await consumer.ledger.until(Math.floor(half / 2), withinMs);
  await (ending === "killed" ? doomed.kill() : doomed.stop());
  const shares = [doomed.delivered(), other.delivered()] as const;
  const leftAtEnding = half - consumer.ledger.acknowledged;

  await ingestInTurn([other], batches(options, half, count));
  if (heir.kind === "later") {
    await other.stop();
    await using _heir = await heir.start(env, LEASE_MS);
    await consumer.ledger.until(count, withinMs);
  } else {
    await consumer.ledger.until(count, LEASE_MS + withinMs);
    await other.stop();
  }
  return judge(consumer, { ...options, count, shares, leftAtEnding });
}

interface Instance extends PatchbayForLoad {
  /** How many of its attempts were acknowledged, by its log. */
  delivered(): number;
}

async function startInstance(env: Readonly<Record<string, string>>): Promise<Instance> {
  let delivered = 0;
  const process = await startPatchbayForLoad({
    env,
    onLine(line) {
      if (line.includes('"delivery.attempted"') && line.includes('"class":"ok"')) delivered++;
    },
  });
  return { ...process, delivered: () => delivered };
}

/** Each instance delivers what it publishes without asking the store first, so both have to be given something. */
async function ingestInTurn(instances: readonly Instance[], bodies: Iterable<string>) {
  let turn = 0;
  for (const body of bodies) await instances[turn++ % instances.length]?.ingest(body);
}

function judge(
  { ledger }: Consumer,
  { ending, count, shares, leftAtEnding }: {
    readonly ending: SharedWorkOptions["ending"];
    readonly count: number;
    readonly shares: readonly [doomed: number, other: number];
    readonly leftAtEnding: number;
  },
): string {
  const [doomed, other] = shares;
  const least = FAIR_SHARE * (doomed + other);
  assert.deepEqual(ledger.faults, []);
  assert.equal(ledger.acknowledged, count);
  assert.equal(new Set(ledger.repeats).size, ledger.repeats.length, "an event came three times");
  const mostRepeats = ending === "killed" ? AT_RISK : 0;
  assert.ok(ledger.repeats.length <= mostRepeats, `${ledger.repeats.length} events came twice`);
  assert.ok(leftAtEnding > 0, `nothing was left to deliver when the instance was ${ending}`);
  assert.ok(Math.min(doomed, other) >= least, `one did too little: ${doomed} against ${other}`);
  return `${count} events by two instances, one ${ending} after ${doomed} of ${doomed + other}; ` +
    `${ledger.repeats.length} came twice`;
}
