import type { DeliveryStatus, DeliveryStore, Settlement, SinkHealth } from "../port/deliveries.ts";
import { isAttempted } from "../rules.ts";
import type { AttemptLog } from "./attempt_log.ts";
import type { Database } from "./database.ts";
import type { Lanes } from "./lanes.ts";
import type { PublishingSteps } from "./publishing.ts";
import type { Place, Requeueing } from "./requeueing.ts";

interface Doubtful extends Place {
  status: DeliveryStatus;
  expunged: number;
}

/** Writing down what became of claimed deliveries, inside the caller's transaction. */
export function createSettling(
  db: Database,
  { publishing, lanes, log, makeDue }: {
    readonly publishing: PublishingSteps;
    readonly lanes: Pick<Lanes, "schedule">;
    readonly log: AttemptLog;
    readonly makeDue: Requeueing["makeDue"];
  },
) {
  function settle(settlement: Settlement): "settled" | "fenced" {
    const { deliveryId, nowMs, next } = settlement;
    const atMs = next.status === "retrying" ? next.atMs : null;
    const attempted = isAttempted(next);
    const row = db.one<{ lane: string; sink_id: string; expunged: number }>(
      `UPDATE deliveries SET status = ?, lease_token = NULL, next_attempt_at = ?, updated_at = ?,
         attempts = attempts - ?
       WHERE id = ? AND lease_token = ? AND status = 'delivering'
       RETURNING lane, sink_id, expunged`,
      next.status,
      atMs,
      nowMs,
      attempted ? 0 : 1,
      deliveryId,
      settlement.leaseToken,
    );
    if (row === undefined) return "fenced";
    // It may have been expunged while the attempt was under way.
    if (attempted) log.append(deliveryId, settlement.attemptJson, row.expunged === 1);
    lanes.schedule(row.lane, row.sink_id, nowMs);
    noteHealth(row.sink_id, settlement);
    for (const draft of settlement.drafts) publishing.publish(draft, nowMs);
    return "settled";
  }

  function noteHealth(sinkId: string, { health, nowMs }: Settlement): void {
    if (health === "success") db.run("DELETE FROM sink_health WHERE sink_id = ?", sinkId);
    if (health === "failure") {
      db.run(
        `INSERT INTO sink_health (sink_id, failures, since) VALUES (?, 1, ?)
         ON CONFLICT (sink_id) DO UPDATE SET failures = failures + 1`,
        sinkId,
        nowMs,
      );
    }
  }

  /** The health of the sinks that failed among these settlements. The fenced ones do not count. */
  function failing(settled: readonly Settlement[]): SinkHealth[] {
    const ids = settled.filter(({ health }) => health === "failure").map((each) => each.deliveryId);
    if (ids.length === 0) return [];
    return db.all<{ sink_id: string; failures: number; since: number }>(
      `SELECT * FROM sink_health WHERE sink_id IN (
         SELECT sink_id FROM deliveries WHERE id IN (SELECT value FROM json_each(?)))
       ORDER BY sink_id`,
      JSON.stringify(ids),
    ).map(({ sink_id, failures, since }) => ({ sinkId: sink_id, failures, sinceMs: since }));
  }

  function resolve(
    request: Parameters<DeliveryStore["resolveDelivery"]>[0],
  ): Awaited<ReturnType<DeliveryStore["resolveDelivery"]>> {
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
    if (to === "due") makeDue(delivery, nowMs);
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

  function noteProgress(
    { deliveryId, leaseToken, progressJson, nowMs }: Parameters<DeliveryStore["noteProgress"]>[0],
  ): boolean {
    return db.run(
      `UPDATE deliveries SET progress_json = ?, updated_at = ?
       WHERE id = ? AND lease_token = ? AND status = 'delivering'`,
      progressJson,
      nowMs,
      deliveryId,
      leaseToken,
    ) > 0;
  }

  return { settle, failing, resolve, noteProgress };
}
