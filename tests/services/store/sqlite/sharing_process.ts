/**
 * One of several processes that use one SQLite file at the same time: maps sessions, publishes, claims and settles until
 * nothing is open. What it saw stands in a journal that all of them append to.
 *
 * A line is written after a claim has come back and before a settlement is sent off, so the order of the lines is an order
 * in which things have happened: whoever claims what follows a settlement comes after it.
 */
import type { ClaimedDelivery } from "../../../../services/store/port/deliveries.ts";
import type { Store } from "../../../../services/store/port/store.ts";
import { openSqliteStore } from "../../../../services/store/sqlite/store.ts";
import {
  claimDeliveries,
  draft,
  ids,
  POLICY,
  publish,
  settle,
  webhook,
} from "../../../support/drafts.ts";

/** What the process is told, as JSON. */
export interface Sharing {
  readonly path: string;
  readonly journal: string;
  readonly name: string;
  readonly sessions: readonly string[];
  readonly eventsPerSession: number;
}

/** A step of a delivery. */
export interface DeliveryStep {
  readonly step: "claimed" | "settling";
  readonly by: string;
  readonly deliveryId: string;
  readonly sinkId: string;
  readonly sessionId: string | null;
  readonly sequence: number | null;
  readonly attempt: number;
}

/** One line of the journal. */
export type JournalEntry =
  | DeliveryStep
  | { readonly step: "accepted"; readonly by: string; readonly sessionId: string }
  | { readonly step: "published"; readonly sessionId: string; readonly sequence: number | null };

const SINKS = ["wh_1", "wh_2"];
const AT_ONCE = 16;
/** Longer than all of it takes on any machine. */
const GIVES_UP_AFTER_MS = 30_000;

async function share(store: Store, work: Sharing, note: (entry: JournalEntry) => void) {
  for (const sessionId of work.sessions) {
    if (await acceptOne(store, sessionId, work.name)) {
      note({ step: "accepted", by: work.name, sessionId });
    }
  }
  for (let n = 0; n < work.eventsPerSession; n++) {
    for (const sessionId of work.sessions) {
      await publishOne(store, sessionId, note);
      await deliverSome(store, work.name, note);
    }
  }
  while (!await deliverSome(store, work.name, note)) {
    if (performance.now() > GIVES_UP_AFTER_MS) throw new Error("Cannot wait longer for the others");
    // The rest is in the hands of others, who tell nobody when they have done with it.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** False: another process was first. */
async function acceptOne(store: Store, sessionId: string, agentId: string): Promise<boolean> {
  const nowMs = Date.now();
  const untilMs = nowMs + 60_000;
  const claim = { sessionId, agentId, nowMs };
  const claimed = await store.claimSession({ ...claim, token: ids.token(), untilMs });
  if (claimed.outcome !== "claimed") return false;
  const { version } = await store.listWebhooks();
  const confirmed = await store.confirmSession(
    { ...claim, nickname: agentId, acceptedUpstreamMs: nowMs, as: claimed.as },
    // Of its own making: the ids of draft() are told apart within one process alone.
    draft({ id: ids.event(nowMs), type: "session.accepted", sessionId, occurredAtMs: nowMs }),
    version,
  );
  return confirmed.outcome === "confirmed";
}

async function publishOne(store: Store, sessionId: string, note: (entry: JournalEntry) => void) {
  const nowMs = Date.now();
  const webhooks = SINKS.map((id) => webhook(id));
  const event = draft({ id: ids.event(nowMs), sessionId, occurredAtMs: nowMs, webhooks });
  for (const { sequence } of await publish(store, [event], nowMs)) {
    note({ step: "published", sessionId, sequence });
  }
}

/** Returns whether nothing is open any more. */
async function deliverSome(store: Store, by: string, note: (entry: JournalEntry) => void) {
  const { deliveries, nextDueAtMs } = await claimDeliveries(store, Date.now(), {
    limit: AT_ONCE,
    capacityPerSink: AT_ONCE,
  });
  const about = ({ id, sinkId, event, attempt }: ClaimedDelivery) => {
    const { sessionId, sequence } = event;
    return { by, deliveryId: id, sinkId, sessionId, sequence, attempt };
  };
  for (const delivery of deliveries) note({ step: "claimed", ...about(delivery) });
  for (const delivery of deliveries) {
    note({ step: "settling", ...about(delivery) });
    const settled = await settle(store, delivery, { status: "delivered" }, Date.now());
    if (settled !== "settled") throw new Error(`Cannot settle ${delivery.id}: ${settled}`);
  }
  return deliveries.length === 0 && nextDueAtMs === null;
}

if (import.meta.main) {
  const work: Sharing = JSON.parse(Deno.args[0] ?? "{}");
  const store = openSqliteStore({ path: work.path, sync: "normal", policy: POLICY });
  const journal = Deno.openSync(work.journal, { append: true, create: true });
  const encoder = new TextEncoder();
  // One write(2) each, so the lines of several processes do not mix.
  await share(store, work, (entry) => {
    journal.writeSync(encoder.encode(`${JSON.stringify(entry)}\n`));
  });
  journal.close();
  await store.close();
}
