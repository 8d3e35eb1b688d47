import { createIds } from "../../services/support/ids.ts";
import type { ClaimedDelivery } from "../../services/store/port/deliveries.ts";
import type { EventDraft } from "../../services/store/port/events.ts";
import type { Store } from "../../services/store/port/store.ts";
import type { BytesEach } from "./capacity.ts";
import type { Engine } from "./engines.ts";

const SINK = "wh_01JABCDEFGHJKMNPQRSTVWXYZ0";
const AGENTS = 1_000;
const EVENTS_PER_SESSION = 4;
const WEBHOOKS = 500;
const AT_ONCE = 50;

const ids = createIds();

/**
 * Measures what one of each takes, by writing many and looking how the data has grown. `onStage` hears when all deliveries
 * wait, and when all are delivered.
 */
export async function measureBytes(
  { store, bytes }: Pick<Engine, "store" | "bytes">,
  sessions: number,
  onStage: (stage: "waiting" | "delivered") => Promise<void>,
): Promise<BytesEach> {
  const count = sessions * EVENTS_PER_SESSION;
  const grownBy = async (write: () => Promise<void>) => {
    const before = await bytes();
    await write();
    return await bytes() - before;
  };
  // First, as SQLite puts what is new into pages that became free.
  const registered = await grownBy(() => putWebhooks(store));
  const mapped = await grownBy(() => mapSessions(store, sessions));
  const bare = await grownBy(() => publishAll(store, sessions, 0, []));
  const waiting = await grownBy(() => publishAll(store, sessions, EVENTS_PER_SESSION, [SINK]));
  await onStage("waiting");
  const settled = await grownBy(() => deliverAll(store));
  await onStage("delivered");
  return {
    session: mapped / sessions,
    event: bare / count,
    pending: (waiting - bare) / count,
    delivered: (waiting + settled - bare) / count,
    webhook: registered / WEBHOOKS,
  };
}

async function mapSessions(store: Store, sessions: number): Promise<void> {
  const { version } = await store.listWebhooks();
  for (let n = 0; n < sessions; n++) {
    const nowMs = Date.now();
    const sessionId = idOfSession(n);
    const accepted: EventDraft = {
      ...draftAt(nowMs, sessionId, []),
      type: "session.accepted",
      data: { kind: "object", json: '{"nickname":"Marat"}' },
    };
    await store.confirmSession(
      {
        sessionId,
        agentId: `agent-${n % AGENTS}`,
        nickname: "Marat",
        nowMs,
        acceptedUpstreamMs: nowMs,
        as: "holder",
      },
      accepted,
      version,
    );
  }
}

/** So many messages of each session, from index `first` on. */
async function publishAll(
  store: Store,
  sessions: number,
  first: number,
  sinks: readonly string[],
): Promise<void> {
  const { version } = await store.listWebhooks();
  for (let index = first; index < first + EVENTS_PER_SESSION; index++) {
    for (let from = 0; from < sessions; from += AT_ONCE) {
      const nowMs = Date.now();
      const drafts = Array.from(
        { length: Math.min(AT_ONCE, sessions - from) },
        (_, n) => messageDraft(nowMs, idOfSession(from + n), index, sinks),
      );
      await store.publish({ drafts, nowMs, webhooksVersion: version });
    }
  }
}

async function deliverAll(store: Store): Promise<void> {
  for (;;) {
    const nowMs = Date.now();
    const { deliveries } = await store.claimDeliveries({
      nowMs,
      leaseToken: ids.token(),
      leaseUntilMs: nowMs + 30_000,
      limit: AT_ONCE,
      capacityPerSink: AT_ONCE,
      capacity: {},
      rates: {},
      sweep: false,
    });
    if (deliveries.length === 0) return;
    await settleAll(store, deliveries, nowMs);
  }
}

async function settleAll(store: Store, deliveries: readonly ClaimedDelivery[], nowMs: number) {
  const { version } = await store.listWebhooks();
  await store.settleDeliveries({
    settlements: deliveries.map(({ id, leaseToken, attempt }) => ({
      deliveryId: id,
      leaseToken,
      nowMs,
      attemptJson: JSON.stringify({
        attempt,
        class: "ok",
        startedAt: new Date(nowMs).toISOString(),
        durationMs: 21.5,
        firstByteMs: 21.1,
        resolvedAddress: "203.0.113.10",
        status: 200,
        responseExcerpt: '{"ok":true}',
      }),
      next: { status: "delivered" },
      health: "success",
      drafts: [],
    })),
    webhooksVersion: version,
  });
}

async function putWebhooks(store: Store): Promise<void> {
  // As long as a webhook's record with one sealed secret is.
  const json = JSON.stringify({ url: "https://consumer.example/hooks", rest: "x".repeat(600) });
  for (let n = 0; n < WEBHOOKS; n++) {
    await store.putWebhook({ id: ids.webhook(Date.now()), json });
  }
}

/** As long as upstream's own ids. */
function idOfSession(n: number): string {
  return `0000${n.toString(36).toUpperCase().padStart(12, "0")}`;
}

function draftAt(nowMs: number, sessionId: string, sinks: readonly string[]) {
  return {
    id: ids.event(nowMs),
    sessionId,
    occurredAtMs: nowMs,
    webhooks: sinks.map((id) => ({ id, agentIds: null, ordered: true, held: false })),
    smsMessages: [],
  };
}

/** One message as upstream tells it: with what stands around it, 600 bytes. */
function messageDraft(
  nowMs: number,
  sessionId: string,
  index: number,
  sinks: readonly string[],
): EventDraft {
  const before = '{"notification":{"messageType":"MessageLogUpdated",' +
    '"notificationType":"NewMessages","messages":';
  const message = JSON.stringify({
    index,
    type: "Text",
    from: { type: "Agent", nickname: "Marat", participantId: "009052C5EF51004D" },
    text: "Thank you for waiting. ".repeat(11).trim(),
    visibility: "All",
    timestamp: "2014-01-02T14:23:20.126-0800",
  });
  const after = `,"smssessionUri":"http://localhost:8080/api/v2/smssessions/${sessionId}"}}`;
  return {
    ...draftAt(nowMs, sessionId, sinks),
    type: "session.messages_added",
    data: { kind: "messages", before, messages: [{ index, json: message }], after },
  };
}
