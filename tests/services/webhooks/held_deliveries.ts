import type { DeliveryStatus } from "../../../services/store/port/deliveries.ts";
import type { Store } from "../../../services/store/port/store.ts";
import { createTestWebhooks, type TestWebhooksOptions } from "../../support/webhooks.ts";
import { claimDeliveries, draft, publish, settle, webhook } from "../../support/drafts.ts";

/** The webhook service with one webhook, and ways to give that deliveries of every status. */
export async function createBenchWithWebhook(options: TestWebhooksOptions = {}) {
  const bench = createTestWebhooks(options);
  const { store, clock, webhooks } = bench;
  const { webhook: { id } } = await webhooks.create({ url: "https://hook.test/in" });

  /** `count` deliveries that wait, each in a lane of its own unless the test names a session. */
  async function makeWaiting(
    count: number,
    { sessionId, held = false, sinkId = id, occurredAtMs = clock.now() }: {
      sessionId?: string;
      held?: boolean;
      sinkId?: string;
      occurredAtMs?: number;
    } = {},
  ): Promise<void> {
    const candidate = webhook(sinkId, { held, ordered: sessionId !== undefined });
    const drafts = Array.from({ length: count }, () =>
      draft({
        occurredAtMs,
        webhooks: [candidate],
        ...(sessionId === undefined ? {} : { sessionId }),
      }));
    await publish(store, drafts, clock.now());
  }

  /** Claims all that is due (at most 32), and settles it so. */
  async function settleDueAs(status: "delivered" | "dead" | "held"): Promise<void> {
    const { deliveries } = await claimDeliveries(store, clock.now(), { capacityPerSink: 32 });
    for (const delivery of deliveries) await settle(store, delivery, { status }, clock.now());
  }

  return {
    ...bench,
    id,
    makeWaiting,
    settleDueAs,
    count: (status: DeliveryStatus, sinkId = id) => countOf(store, sinkId, status),
  };
}

function countOf(store: Store, sinkId: string, status: DeliveryStatus): Promise<number> {
  return store.countDeliveries({
    sinkId,
    statuses: [status],
    fromMs: 0,
    untilMs: Date.UTC(2100, 0, 1),
  });
}
