import type { Clock } from "../clock.ts";
import type { AttemptReport, OwnEvent } from "../delivery/sink.ts";
import { StoreUnavailable } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Publisher } from "../publisher.ts";
import { rfc3339 } from "../rfc3339.ts";
import { type DeliveryHistory, type HistoryReader, SMS_SINK } from "../store/port.ts";
import type { SmsStore } from "../store/sms_port.ts";
import { readProgress, sidsOf } from "./progress.ts";

/** What an operator knows, or decides, of a text whose fate could not be learnt. */
export type Resolution = "sent" | "failed" | "send-again";

export const RESOLUTIONS: readonly Resolution[] = ["sent", "failed", "send-again"];

export type ResolutionOutcome = "resolved" | "not-unknown" | "no-such-delivery";

export interface ResolutionDependencies {
  readonly store: Pick<SmsStore, "resolveDelivery"> & Pick<HistoryReader, "readDelivery">;
  readonly publisher: Pick<Publisher, "draft" | "refresh" | "published">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Each try needs somebody to change the webhooks under it, so this many in a row mean a fault. */
const MAX_TRIES = 5;

/**
 * Ends the doubt about a text by an operator's word: `sent` and `failed` close it and publish `sms.sent` or `sms.failed` in the
 * same step, `send-again` makes it due, at the risk that the customer gets it twice. Throws `StoreUnavailable`.
 */
export function createResolver({ store, publisher, clock, log }: ResolutionDependencies) {
  async function write(
    { delivery, progressJson }: DeliveryHistory,
    resolution: Resolution,
    agentId: string,
  ) {
    const nowMs = clock.now();
    const report: AttemptReport = {
      class: "resolved",
      startedAt: rfc3339(nowMs),
      durationMs: 0,
      detail: `${agentId} decided: ${resolution}`,
    };
    const event = eventOf(delivery, resolution, sidsOf(readProgress(progressJson)));
    const drafted = event === null ? null : await publisher.draft(event);
    return await store.resolveDelivery({
      deliveryId: delivery.id,
      to: ({ sent: "delivered", failed: "dead", "send-again": "due" } as const)[resolution],
      attemptJson: JSON.stringify(report),
      draft: drafted?.draft ?? null,
      webhooksVersion: drafted?.webhooksVersion ?? 0,
      nowMs,
    });
  }

  return async function resolve(
    deliveryId: string,
    resolution: Resolution,
    agentId: string,
  ): Promise<ResolutionOutcome> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const history = await store.readDelivery(deliveryId);
      if (history === null) return "no-such-delivery";
      const { delivery } = history;
      if (delivery.sinkId !== SMS_SINK) return "not-unknown";
      const result = await write(history, resolution, agentId);
      if (result === null) return "no-such-delivery";
      if (result.outcome === "not-unknown") return "not-unknown";
      if (result.outcome === "resolved") {
        const { sessionId, messageIndex } = delivery;
        log.info("sms.resolved", { deliveryId, sessionId, messageIndex, resolution, agentId });
        if (result.deliveries > 0) publisher.published(result.deliveries);
        return "resolved";
      }
      await publisher.refresh();
    }
    throw new StoreUnavailable("resolve the delivery while the list of webhooks keeps changing");
  };
}

function eventOf(
  { sessionId, messageIndex }: DeliveryHistory["delivery"],
  resolution: Resolution,
  sids: readonly string[],
): OwnEvent | null {
  if (resolution === "send-again") return null;
  return {
    type: resolution === "sent" ? "sms.sent" : "sms.failed",
    sessionId,
    data: {
      messageIndex,
      messageSid: sids[0] ?? null,
      errorCode: null,
      ...(sids.length > 1 && { messageSids: sids }),
    },
  };
}
