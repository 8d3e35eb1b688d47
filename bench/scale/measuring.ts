import { createIds } from "../../services/support/ids.ts";
import type { ClaimedDelivery } from "../../services/store/port/deliveries.ts";
import type { Store } from "../../services/store/port/store.ts";
import { startPatchbayForLoad } from "../../tests/support/patchbay_for_load.ts";
import { type Percentiles, percentilesOf } from "../delivery/percentiles.ts";
import { SINK } from "./filling.ts";

/** How many deliveries one claim takes. */
export const BATCH = 32;
const CLAIMS = 100;
const LEASE_MS = 30_000;

const ids = createIds();

/** How long a claim of the next {@link BATCH} due takes; what it took is given back, so nothing is used up. */
export async function timeClaims(store: Store, dueAtMs: number): Promise<Percentiles> {
  const durationsMs: number[] = [];
  const { version } = await store.listWebhooks();
  for (let claim = 1; claim <= CLAIMS; claim++) {
    const nowMs = dueAtMs + claim;
    const startedAtMs = performance.now();
    const { deliveries } = await store.claimDeliveries({
      nowMs,
      leaseToken: ids.token(),
      leaseUntilMs: nowMs + LEASE_MS,
      limit: BATCH,
      capacityPerSink: BATCH,
      capacity: { [SINK]: BATCH },
      rates: {},
      sweep: false,
    });
    durationsMs.push(performance.now() - startedAtMs);
    if (deliveries.length !== BATCH) {
      throw new Error(`Cannot time claims: expected ${BATCH} deliveries, not ${deliveries.length}`);
    }
    await giveBack(store, deliveries, nowMs, version);
  }
  return percentilesOf(durationsMs);
}

async function giveBack(
  store: Store,
  deliveries: readonly ClaimedDelivery[],
  nowMs: number,
  webhooksVersion: number,
): Promise<void> {
  await store.settleDeliveries({
    settlements: deliveries.map(({ id, leaseToken }) => ({
      deliveryId: id,
      leaseToken,
      nowMs,
      attemptJson: "{}",
      next: { status: "retrying", atMs: nowMs },
      health: null,
      drafts: [],
    })),
    webhooksVersion,
  });
}

/** Megabytes that a Patchbay takes which has started on this data, listed some of it, and waits. */
export async function patchbayMegabytes(env: Readonly<Record<string, string>>): Promise<number> {
  await using patchbay = await startPatchbayForLoad({ env });
  for (
    const path of ["/v1/sessions?limit=100", "/v1/events?limit=100", "/v1/deliveries?limit=100"]
  ) {
    await patchbay.manage("GET", path);
  }
  const status = await Deno.readTextFile(`/proc/${patchbay.pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024;
}
