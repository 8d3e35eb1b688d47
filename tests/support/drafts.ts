import type {
  ClaimDeliveriesRequest,
  ClaimedBatch,
  Settlement,
} from "../../services/store/port/deliveries.ts";
import type { EventDraft, WebhookCandidate } from "../../services/store/port/events.ts";
import type { ConfirmRequest } from "../../services/store/port/sessions.ts";
import type { Store } from "../../services/store/port/store.ts";
import { encodeTime } from "ulid";
import { createIds } from "../../services/support/ids.ts";

/** A quiet Sunday in November 2026. */
export const T0 = Date.UTC(2026, 10, 22, 10, 0, 0);
export const POLICY = { sessionTtlMs: 86_400_000, eventRetentionMs: 604_800_000 };

export const ids = createIds();

let made = 0;

/** Ids in the order of making within a millisecond, also when a test goes back in time. */
function eventId(timeMs: number): string {
  made++;
  return `evt_${encodeTime(timeMs)}${String(made).padStart(16, "0")}`;
}

/** An event with nothing special about it; `change` sets what a test is about. */
export function draft(change: Partial<EventDraft> = {}): EventDraft {
  const occurredAtMs = change.occurredAtMs ?? T0;
  return {
    id: eventId(occurredAtMs),
    type: "session.status_changed",
    sessionId: "S1",
    occurredAtMs,
    data: { kind: "object", json: "{}" },
    webhooks: [],
    smsMessages: [],
    ...change,
  };
}

export function messages(indexes: readonly number[]): EventDraft["data"] {
  return {
    kind: "messages",
    before: '{"notification":{"messages":',
    messages: indexes.map((index) => ({ index, json: `{"index":${index}}` })),
    after: "}}",
  };
}

export function webhook(id: string, change: Partial<WebhookCandidate> = {}): WebhookCandidate {
  return { id, agentIds: null, ordered: true, held: false, ...change };
}

/** Publishes at `nowMs` under the present webhooks version. */
export async function publish(store: Store, drafts: readonly EventDraft[], nowMs = T0) {
  const { version } = await store.listWebhooks();
  const result = await store.publish({ drafts, nowMs, webhooksVersion: version });
  if (result.outcome !== "published") throw new Error(`Cannot publish: ${result.outcome}`);
  return result.events;
}

/** Maps a session to an agent as Accept does. */
export async function accept(
  store: Store,
  sessionId: string,
  agentId: string,
  change: Partial<ConfirmRequest> = {},
) {
  const nowMs = change.nowMs ?? T0;
  const token = ids.token();
  const claim = await store.claimSession({
    sessionId,
    agentId,
    token,
    nowMs,
    untilMs: nowMs + 60_000,
  });
  if (claim.outcome !== "claimed") return claim;
  const { version } = await store.listWebhooks();
  return await store.confirmSession(
    {
      sessionId,
      agentId,
      nickname: `Nick of ${agentId}`,
      nowMs,
      acceptedUpstreamMs: nowMs,
      as: claim.as,
      ...change,
    },
    draft({ type: "session.accepted", sessionId, occurredAtMs: nowMs }),
    version,
  );
}

/** What a claim gives that finds nothing; `nextDueAtMs` as the test expects it. */
export function nothingClaimed(nextDueAtMs: number | null = null): ClaimedBatch {
  return { deliveries: [], nextDueAtMs, sweptAll: true, expired: 0 };
}

export async function claimDeliveries(
  store: Store,
  nowMs: number,
  change: Partial<ClaimDeliveriesRequest> = {},
) {
  return await store.claimDeliveries({
    nowMs,
    leaseToken: ids.token(),
    leaseUntilMs: nowMs + 30_000,
    limit: 32,
    capacityPerSink: 10,
    capacity: {},
    rates: {},
    sweep: false,
    ...change,
  });
}

export async function settle(
  store: Store,
  delivery: { readonly id: string; readonly leaseToken: string },
  next: Settlement["next"],
  nowMs: number,
  drafts: readonly EventDraft[] = [],
) {
  return (await settled(store, delivery, next, nowMs, drafts)).results[0];
}

/** The same, with all that the store answers. */
export async function settled(
  store: Store,
  delivery: { readonly id: string; readonly leaseToken: string },
  next: Settlement["next"],
  nowMs: number,
  drafts: readonly EventDraft[] = [],
) {
  const { version } = await store.listWebhooks();
  const result = await store.settleDeliveries({
    settlements: [{
      deliveryId: delivery.id,
      leaseToken: delivery.leaseToken,
      nowMs,
      attemptJson: '{"class":"ok"}',
      next,
      health: null,
      drafts,
    }],
    webhooksVersion: version,
  });
  if (result.outcome !== "settled") throw new Error(`Cannot settle: ${result.outcome}`);
  return result;
}

/** The same, for what it says of sinks that fail. */
export async function settleAs(
  store: Store,
  delivery: { readonly id: string; readonly leaseToken: string },
  health: Settlement["health"],
  nowMs: number,
) {
  const { version } = await store.listWebhooks();
  const result = await store.settleDeliveries({
    settlements: [{
      deliveryId: delivery.id,
      leaseToken: delivery.leaseToken,
      nowMs,
      attemptJson: "{}",
      next: { status: "retrying", atMs: nowMs },
      health,
      drafts: [],
    }],
    webhooksVersion: version,
  });
  return result.outcome === "settled" ? result.failing : [];
}
