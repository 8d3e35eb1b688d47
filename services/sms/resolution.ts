import type { OwnEvent } from "../events/own_event.ts";
import type { Clock } from "../support/clock.ts";
import type { AttemptReport } from "../delivery/sink.ts";
import { StoreUnavailable } from "../errors.ts";
import type { Logger } from "../support/log.ts";
import type { Publisher } from "../events/publisher.ts";
import { rfc3339 } from "../support/time.ts";
import { type DeliveryRecord, type DeliveryStore, SMS_SINK } from "../store/port/deliveries.ts";
import { readProgress, sidsOf } from "./progress.ts";

/** What an operator knows, or decides, of a text whose fate could not be learnt. */
export type Resolution = "sent" | "failed" | "send-again";

export const RESOLUTIONS: readonly Resolution[] = ["sent", "failed", "send-again"];

export type ResolutionOutcome = "resolved" | "not-unknown" | "no-such-delivery";

export interface ResolutionDependencies {
  readonly store: Pick<DeliveryStore, "resolveDelivery" | "readDelivery">;
  readonly publisher: Pick<Publisher, "draft" | "refresh" | "published">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Each try needs somebody to change the webhooks under it, so this many in a row mean a fault. */
const MAX_TRIES = 5;

/** How a doubt ends, and why. */
export interface Ending {
  readonly resolution: Resolution;
  /** One line for the attempt log: who or what decided. */
  readonly detail: string;
  /** The SIDs under which the provider has parts of the text, in their order. */
  readonly sids: readonly string[];
}

/**
 * Ends the doubt about a text: `sent` and `failed` close it and publish `sms.sent` or `sms.failed` in the same step, `send-again`
 * makes it due. Throws `StoreUnavailable`.
 */
export function createDoubtEnding(
  { store, publisher, clock, log }: Omit<ResolutionDependencies, "store"> & {
    readonly store: Pick<DeliveryStore, "resolveDelivery">;
  },
) {
  async function write(delivery: DeliveryRecord, ending: Ending) {
    const nowMs = clock.now();
    const { resolution, detail, sids: [messageSid] } = ending;
    const report: AttemptReport = {
      class: "resolved",
      startedAt: rfc3339(nowMs),
      durationMs: 0,
      detail,
      ...(messageSid !== undefined && { messageSid }),
    };
    const event = eventOf(delivery, ending);
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

  return async function end(
    delivery: DeliveryRecord,
    ending: Ending,
  ): Promise<ResolutionOutcome> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const result = await write(delivery, ending);
      if (result === null) return "no-such-delivery";
      if (result.outcome === "not-unknown") return "not-unknown";
      if (result.outcome === "resolved") {
        const { id: deliveryId, sessionId, messageIndex } = delivery;
        const { resolution, detail } = ending;
        log.info("sms.resolved", { deliveryId, sessionId, messageIndex, resolution, detail });
        if (result.deliveries > 0) publisher.published(result.deliveries);
        return "resolved";
      }
      await publisher.refresh();
    }
    throw new StoreUnavailable("resolve the delivery while the list of webhooks keeps changing");
  };
}

/** Ends the doubt about a text by an operator's word, at the risk that the customer gets it twice. Throws `StoreUnavailable`. */
export function createResolver(dependencies: ResolutionDependencies) {
  const end = createDoubtEnding(dependencies);
  return async function resolve(
    deliveryId: string,
    resolution: Resolution,
    agentId: string,
  ): Promise<ResolutionOutcome> {
    const history = await dependencies.store.readDelivery(deliveryId);
    if (history === null) return "no-such-delivery";
    if (history.delivery.sinkId !== SMS_SINK) return "not-unknown";
    return await end(history.delivery, {
      resolution,
      detail: `${agentId} decided: ${resolution}`,
      sids: sidsOf(readProgress(history.progressJson)),
    });
  };
}

function eventOf(
  { sessionId, messageIndex }: DeliveryRecord,
  { resolution, sids }: Ending,
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
