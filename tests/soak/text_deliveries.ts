import type { PatchbayClient } from "../support/patchbay_for_load.ts";
import type { ShownDelivery } from "./text_ledger.ts";

interface DeliveryView {
  readonly id: string;
  readonly sessionId: string;
  readonly messageIndex: number;
  readonly status: string;
}

const LOOK_EVERY_MS = 100;

/** Waits until nothing is to be sent any more, and reads what became of each text. */
export async function settledTexts(
  client: PatchbayClient,
  withinMs: number,
): Promise<readonly ShownDelivery[]> {
  const giveUpAtMs = performance.now() + withinMs;
  while (await isWaiting(client)) {
    if (performance.now() > giveUpAtMs) break;
    // Nothing tells from outside that a delivery was settled, so it is looked at again.
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  const all = await listAll(client);
  return await Promise.all(all.map(async ({ id, sessionId, messageIndex, status }) => ({
    sessionId,
    messageIndex,
    status,
    reason: status === "delivered" ? null : await lastReason(client, id),
  })));
}

async function isWaiting({ manage }: PatchbayClient): Promise<boolean> {
  for (const status of ["pending", "delivering", "retrying"]) {
    const { data } = page(
      await manage("GET", `/v1/deliveries?webhook=sms&status=${status}&limit=1`),
    );
    if (data.length > 0) return true;
  }
  return false;
}

async function listAll({ manage }: PatchbayClient): Promise<DeliveryView[]> {
  const all: DeliveryView[] = [];
  let cursor = "";
  do {
    const from = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const { data, nextCursor } = page(
      await manage("GET", `/v1/deliveries?webhook=sms&limit=100${from}`),
    );
    all.push(...data);
    cursor = nextCursor ?? "";
  } while (cursor !== "");
  return all;
}

async function lastReason({ manage }: PatchbayClient, id: string): Promise<string | null> {
  const { attempts } = await manage("GET", `/v1/deliveries/${id}`) as {
    readonly attempts: readonly { readonly detail?: string }[];
  };
  return attempts.at(-1)?.detail ?? null;
}

function page(answer: unknown) {
  return answer as { readonly data: readonly DeliveryView[]; readonly nextCursor: string | null };
}
