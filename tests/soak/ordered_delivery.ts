import assert from "node:assert/strict";
import { startPatchbayForLoad } from "../support/patchbay_for_load.ts";
import { seededRandom } from "../../simulator/kit/seeded_random.ts";
import { startConsumers } from "./consumers.ts";
import { batches, eventCount, type Load } from "./events.ts";

export interface OrderedDeliveryOptions extends Load {
  /** The store, as Patchbay's environment names it. */
  readonly storeEnv: Readonly<Record<string, string>>;
  /** Decides which calls fail. */
  readonly seed: number;
  readonly withinMs: number;
}

/** As many as the configuration takes: the chance that a call fails in each of 31 attempts is one in two thousand million. */
const RETRY_S = Array.from({ length: 30 }, () => "0.02").join(",");

/**
 * Many sessions to three webhooks, one of which fails half of its calls at random: every session arrives at each in
 * `sequence` order, and each event is acknowledged exactly once. Throws where it does not; says what it saw.
 */
export async function soakOrderedDelivery(options: OrderedDeliveryOptions): Promise<string> {
  const { storeEnv, seed, withinMs } = options;
  const random = seededRandom(seed);
  await using consumers = await startConsumers();
  const all = [
    consumers.add("steady"),
    consumers.add("failing", () => random() < 0.5),
    consumers.add("other"),
  ];
  await using patchbay = await startPatchbayForLoad({
    env: { ...storeEnv, WEBHOOK_RETRY_S: RETRY_S },
  });
  for (const { url } of all) await patchbay.manage("POST", "/v1/webhooks", { url });

  const count = eventCount(options);
  const startedAtMs = performance.now();
  for (const body of batches(options, 0, count)) {
    const { duplicates } = await patchbay.ingest(body);
    assert.equal(duplicates, 0);
  }
  await Promise.all(all.map(({ ledger }) => ledger.until(count, withinMs)));
  const seconds = (performance.now() - startedAtMs) / 1_000;
  // Whatever it still wanted to send would have to leave before it ends.
  await patchbay.stop();

  for (const { ledger } of all) {
    assert.deepEqual(ledger.faults, []);
    assert.deepEqual(ledger.repeats, []);
    assert.equal(ledger.acknowledged, count);
  }
  const refused = all.map(({ ledger }) => ledger.refused);
  assert.ok((refused[1] ?? 0) > count / 3, `the failing webhook refused only ${refused[1]} calls`);
  return `${count} events to 3 webhooks in ${seconds.toFixed(1)} s, ${refused[1]} calls refused`;
}
