import { setTimeout } from "node:timers/promises";
import { StoreUnavailable } from "../../services/errors.ts";
import { createIds } from "../../services/support/ids.ts";
import type { EventDraft } from "../../services/store/port/events.ts";
import type { Store } from "../../services/store/port/store.ts";

/** The webhook that all deliveries are for. */
export const SINK = "wh_scale";

const AT_ONCE = 32;
const AGENTS = 1_000;
/** A store that is filled as fast as it takes is late now and then. */
const TRIES = 5;
const WAIT_MS = 1_000;

/** What is told of the progress, and how often. */
export interface Filling {
  readonly from: number;
  readonly to: number;
  /** When the deliveries become due. */
  readonly dueAtMs: number;
  readonly onProgress: (done: number) => void;
}

const ids = createIds();

/** Maps the sessions numbered `from` up to `to`; each has one event and one pending delivery. */
export async function fill(store: Store, { from, to, dueAtMs, onProgress }: Filling) {
  const { version } = await store.listWebhooks();
  let next = from;
  async function work(): Promise<void> {
    while (next < to) {
      const number = next++;
      if (number % 10_000 === 0) onProgress(number);
      await addSession(store, number, dueAtMs, version);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function addSession(store: Store, number: number, nowMs: number, version: number) {
  // As long as upstream's own ids.
  const sessionId = `0000${number.toString(36).toUpperCase().padStart(12, "0")}`;
  const agentId = `agent-${number % AGENTS}`;
  const event = acceptedEvent(sessionId, nowMs);
  for (let tries = 1;; tries++) {
    try {
      const { outcome } = await store.confirmSession(
        { sessionId, agentId, nickname: "Ann", nowMs, acceptedUpstreamMs: nowMs, as: "holder" },
        event,
        version,
      );
      // A try whose answer came too late may have been the one that wrote it.
      if (outcome === "confirmed" || (outcome === "already" && tries > 1)) return;
      throw new Error(`Cannot fill the store: session ${sessionId} was ${outcome}`);
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || tries === TRIES) throw error;
      await setTimeout(WAIT_MS);
    }
  }
}

function acceptedEvent(sessionId: string, nowMs: number): EventDraft {
  return {
    id: ids.event(nowMs),
    type: "session.accepted",
    sessionId,
    occurredAtMs: nowMs,
    data: { kind: "object", json: '{"nickname":"Ann"}' },
    webhooks: [{ id: SINK, agentIds: null, ordered: true, held: false }],
    smsMessages: [],
  };
}
