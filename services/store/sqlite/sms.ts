import type { BucketStore } from "../port/buckets.ts";
import type { SessionStore } from "../port/sessions.ts";
import type { DeliveryStore } from "../port/deliveries.ts";
import type { AttemptLog } from "./attempt_log.ts";
import { type Buckets, fillingMs } from "./buckets.ts";
import type { Database } from "./database.ts";
import type { PublishingSteps } from "./publishing.ts";
import type { Requeueing } from "./requeueing.ts";

interface Doubtful {
  id: string;
  lane: string;
  sink_id: string;
  status: string;
  expunged: number;
}

/** What SMS needs beyond the outbox, in SQLite; every method is one transaction. */
export function createSqliteSms(
  db: Database,
  { publishing, requeueing, log, buckets }: {
    readonly publishing: PublishingSteps;
    readonly requeueing: Pick<Requeueing, "makeDue">;
    readonly log: AttemptLog;
    readonly buckets: Buckets;
  },
):
  & Pick<DeliveryStore, "noteProgress" | "resolveDelivery">
  & BucketStore
  & Pick<SessionStore, "findCustomerSession"> {
  type Resolving = Parameters<DeliveryStore["resolveDelivery"]>[0];

  function resolve(request: Resolving): Awaited<ReturnType<DeliveryStore["resolveDelivery"]>> {
    const { deliveryId, to, draft, nowMs } = request;
    const delivery = db.one<Doubtful>(
      "SELECT id, lane, sink_id, status, expunged FROM deliveries WHERE id = ?",
      deliveryId,
    );
    if (delivery === undefined) return null;
    if (draft !== null && !publishing.isCurrent(request.webhooksVersion)) {
      return { outcome: "stale-webhooks" };
    }
    if (delivery.status !== "unknown") return { outcome: "not-unknown" };
    log.append(deliveryId, request.attemptJson, delivery.expunged === 1);
    if (to === "due") requeueing.makeDue(delivery, nowMs);
    else {
      db.run(
        "UPDATE deliveries SET status = ?, updated_at = ? WHERE id = ?",
        to,
        nowMs,
        deliveryId,
      );
    }
    const published = draft === null ? null : publishing.publish(draft, nowMs);
    return { outcome: "resolved", deliveries: published?.deliveries ?? 0 };
  }

  return {
    noteProgress: ({ deliveryId, leaseToken, progressJson, nowMs }) =>
      db.write("note the progress of the delivery", () =>
        db.run(
          `UPDATE deliveries SET progress_json = ?, updated_at = ?
           WHERE id = ? AND lease_token = ? AND status = 'delivering'`,
          progressJson,
          nowMs,
          deliveryId,
          leaseToken,
        ) > 0),
    resolveDelivery: (request) => db.write("resolve the delivery", () => resolve(request)),
    takeTokens: ({ bucket, tokens, perSecond, burst, nowMs }) =>
      db.write("take tokens", () => {
        // No sink has such an id, so the two kinds of buckets cannot meet.
        const name = `named:${bucket}`;
        const rate = { perSecond, burst };
        const missing = 1 - buckets.tokens(name, rate, nowMs);
        if (missing <= 0) buckets.take(name, rate, tokens, nowMs);
        return fillingMs(missing, rate);
      }),
    findCustomerSession: ({ customerDigits, senderDigits, nowMs }) =>
      db.read("find the customer's session", () => {
        if (customerDigits === "") return null;
        const row = db.one<{ id: string }>(
          `SELECT s.id FROM session_memory m JOIN sessions s ON s.id = m.id
           WHERE m.phone_digits = ? AND s.expires_at > ?
             AND COALESCE(m.sender_digits, '') IN ('', ?)
           ORDER BY s.accepted_at DESC, s.id DESC LIMIT 1`,
          customerDigits,
          nowMs,
          senderDigits,
        );
        return row?.id ?? null;
      }),
  };
}
