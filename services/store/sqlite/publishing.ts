import { deliveryId, deliveryIdPrefix } from "../delivery_id.ts";
import { SMS_SINK } from "../port/deliveries.ts";
import type { EventData, EventDraft, PublishedEvent } from "../port/events.ts";
import type { StorePolicy } from "../port/store.ts";
import {
  digitsOf,
  memoryTtlMs,
  POSITIONS_PER_EVENT,
  STATE_DUPLICATE_WINDOW_MS,
  TOO_OLD_PROGRESS,
} from "../rules.ts";
import { ownJoining, textFate, type TextingMapping } from "../text_age.ts";
import { hearEnding as judgeEnding } from "../session_rules/endings.ts";
import type { Database } from "./database.ts";
import { type LateSpan, lateSpans } from "./late_texts.ts";
import type { RecordSteps } from "./records.ts";
import type { SessionSteps } from "./session_steps.ts";
import type { SessionRow } from "./session_rows.ts";
import { agentsOf, liveSession } from "./session_rows.ts";

/** Publishes inside the caller's transaction. */
export interface PublishingSteps {
  /** False where the list of webhooks has changed since `version` was read. */
  isCurrent(version: number): boolean;
  publish(draft: EventDraft, nowMs: number): PublishedEvent;
}

interface MemoryRow {
  sequence: number;
  state_hash: string | null;
  state_hash_at: number;
  late_json: string | null;
}

interface NewDelivery {
  readonly sinkId: string;
  readonly messageIndex: number | null;
  readonly ordered: boolean;
  readonly held: boolean;
  readonly progressJson?: string | null;
}

/** The outbox's write side: duplicates, numbering, the event, its deliveries and their lanes. */
export function createPublishingSteps(
  db: Database,
  policy: StorePolicy,
  { records, sessions }: { readonly records: RecordSteps; readonly sessions: SessionSteps },
): PublishingSteps {
  function publish(draft: EventDraft, nowMs: number): PublishedEvent {
    const known = publishedBefore(draft.id);
    if (known !== null) return known;
    const { sessionId } = draft;
    if (!guardHolds(draft, nowMs)) return duplicate(draft);
    const memory = sessionId === null ? null : openMemory(sessionId, nowMs);
    const repeats = memory !== null && isRepeat(memory, draft, nowMs);
    const fresh = repeats ? null : freshData(draft.data, sessionId);
    if (fresh === null) {
      const ending = hearEnding(draft, repeats, nowMs);
      return { ...duplicate(draft), deliveries: ending.deliveries, ...ending.departed };
    }

    const session = sessionId === null ? undefined : liveSession(db, sessionId, nowMs);
    const sequence = memory === null ? null : memory.sequence + 1;
    if (sessionId !== null) remember(sessionId, draft, sequence, nowMs);
    const mapping = session === undefined ? null : textingMapping(session, draft);
    if (session !== undefined) observe(session, draft, mapping, nowMs);
    else if (sessionId !== null) overhear(sessionId, draft, nowMs);
    if (draft.guard !== undefined) records.put({ ...draft.guard, ...nearOf(draft), nowMs });
    db.run(
      `INSERT INTO events (id, type, session_id, sequence, agent_id, occurred_at, data_json)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      draft.id,
      draft.type,
      sessionId,
      sequence,
      session?.agent_id ?? null,
      draft.occurredAtMs,
      fresh.json,
    );
    const late = lateSpans(memory?.late_json ?? null, nowMs);
    const made = fanOut(draft, { session, mapping, late }, fresh.indexes);
    made.forEach((delivery, ordinal) => enqueue(draft, delivery, sequence, ordinal, nowMs));
    const ending = hearEnding(draft, repeats, nowMs);
    const deliveries = made.length + ending.deliveries;
    return { id: draft.id, accepted: true, sequence, deliveries, ...ending.departed };
  }

  /** Does what a terminal state means: of the event's own deliveries nothing changes. */
  function hearEnding(
    { sessionId, observed = {}, released }: EventDraft,
    repeats: boolean,
    nowMs: number,
  ): { readonly deliveries: number; readonly departed?: { readonly departed: true } } {
    if (sessionId === null || observed.ending === undefined) return { deliveries: 0 };
    const step = { sessionId, nowMs };
    const agentId = observed.heardBy ?? null;
    const { outcome, mapping, claims, tells } = judgeEnding(
      { ...sessions.kept(step), ...sessions.statesKept(step) },
      {
        agentId,
        heardAtMs: observed.heardAtMs ?? nowMs,
        isRepeat: repeats,
        stillIn: observed.ending.stillIn,
      },
      nowMs,
    );
    if (agentId === null && !repeats) sessions.forgetOwed(step);
    if (claims !== undefined) sessions.changeClaims({ ...step, agentId: agentId ?? "" }, claims);
    if (mapping?.to === "change") sessions.change(step, mapping);
    const told = tells && released !== undefined ? publish(released, nowMs).deliveries : 0;
    if (mapping?.to === "end") sessions.release(step, { isOwed: false });
    return { deliveries: told, ...(outcome === "departed" && { departed: { departed: true } }) };
  }

  /** The answer to a draft that is published already: the answer to an earlier call was lost. */
  function publishedBefore(id: string): PublishedEvent | null {
    const event = db.one<{ sequence: number | null }>(
      "SELECT sequence FROM events WHERE id = ?",
      id,
    );
    if (event === undefined) return null;
    const prefix = deliveryIdPrefix(id);
    const made = db.one<{ n: number }>(
      "SELECT COUNT(*) AS n FROM deliveries WHERE id >= ? AND id < ?",
      prefix,
      `${prefix}~`,
    );
    return { id, accepted: true, sequence: event.sequence, deliveries: made?.n ?? 0 };
  }

  function guardHolds({ guard, ...draft }: EventDraft, nowMs: number): boolean {
    if (guard === undefined) return true;
    const { kind, key, expected } = guard;
    return records.text({ kind, key, ...nearOf(draft) }, nowMs) === expected;
  }

  function openMemory(sessionId: string, nowMs: number): MemoryRow {
    db.run(
      "INSERT OR IGNORE INTO session_memory (id, expires_at) VALUES (?, ?)",
      sessionId,
      nowMs + memoryTtlMs(policy),
    );
    return db.one<MemoryRow>(
      "SELECT sequence, state_hash, state_hash_at, late_json FROM session_memory WHERE id = ?",
      sessionId,
    ) ?? { sequence: 0, state_hash: null, state_hash_at: 0, late_json: null };
  }

  /** Leaves out the messages that the session has seen; null when nothing is left. */
  function freshData(data: EventData, sessionId: string | null) {
    if (data.kind === "object") return { json: data.json, indexes: new Set<number>() };
    const fresh = data.messages.filter(({ index }) =>
      db.run(
        "INSERT OR IGNORE INTO seen_messages (session_id, message_index) VALUES (?, ?)",
        sessionId,
        index,
      ) > 0
    );
    if (fresh.length === 0) return null;
    const texts = fresh.map(({ json }) => json).join(",");
    return {
      json: `${data.before}[${texts}]${data.after}`,
      indexes: new Set(fresh.map(({ index }) => index)),
    };
  }

  function remember(
    sessionId: string,
    draft: EventDraft,
    sequence: number | null,
    nowMs: number,
  ): void {
    db.run(
      `UPDATE session_memory SET sequence = ?, expires_at = ?,
         state_hash = COALESCE(?, state_hash),
         state_hash_at = CASE WHEN ? THEN ? ELSE state_hash_at END,
         phone = CASE WHEN phone_given THEN phone ELSE COALESCE(?, phone) END,
         phone_digits = CASE WHEN phone_given THEN phone_digits ELSE COALESCE(?, phone_digits) END,
         sender = CASE WHEN phone_given THEN sender ELSE COALESCE(?, sender) END,
         sender_digits =
           CASE WHEN phone_given THEN sender_digits ELSE COALESCE(?, sender_digits) END
       WHERE id = ?`,
      sequence,
      nowMs + memoryTtlMs(policy),
      draft.stateHash ?? null,
      draft.stateHash === undefined ? 0 : 1,
      nowMs,
      draft.observed?.phone ?? null,
      digitsOf(draft.observed?.phone ?? null),
      draft.observed?.sender ?? null,
      digitsOf(draft.observed?.sender ?? null),
      sessionId,
    );
  }

  function observe(
    session: SessionRow,
    draft: EventDraft,
    mapping: TextingMapping | null,
    nowMs: number,
  ): void {
    db.run(
      "UPDATE sessions SET state = ?, joined_at = ?, updated_at = ?, expires_at = ? WHERE id = ?",
      observedState(session, draft),
      mapping?.joinedAt ?? null,
      nowMs,
      nowMs + policy.sessionTtlMs,
      session.id,
    );
  }

  /** Nobody is mapped: what upstream says while an agent's Accept is under way is the state of the mapping that it will make. */
  function overhear(sessionId: string, { observed = {} }: EventDraft, nowMs: number): void {
    if (observed.state === undefined || observed.ending !== undefined) return;
    db.run(
      `UPDATE claims SET state = ?
       WHERE session_id = ? AND until > ? AND agent_id = COALESCE(?, agent_id)`,
      observed.state,
      sessionId,
      nowMs,
      observed.heardBy ?? null,
    );
  }

  function enqueue(
    draft: EventDraft,
    { sinkId, messageIndex, ordered, held, progressJson }: NewDelivery,
    sequence: number | null,
    ordinal: number,
    nowMs: number,
  ): void {
    const id = deliveryId(draft.id, sinkId, messageIndex);
    const lane = ordered && draft.sessionId !== null ? `${sinkId}:${draft.sessionId}` : id;
    db.run(
      `INSERT INTO deliveries (id, event_id, event_type, sink_id, session_id, message_index, lane,
         position, status, created_at, updated_at, next_attempt_at, progress_json)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      draft.id,
      draft.type,
      sinkId,
      draft.sessionId,
      messageIndex,
      lane,
      (sequence ?? 0) * POSITIONS_PER_EVENT + ordinal,
      held ? "held" : "pending",
      nowMs,
      nowMs,
      held ? null : nowMs,
      progressJson ?? null,
    );
    if (held) return;
    db.run(
      "INSERT OR IGNORE INTO lanes (lane, sink_id, due_at) VALUES (?, ?, ?)",
      lane,
      sinkId,
      nowMs,
    );
  }

  return {
    publish,
    isCurrent: (version) =>
      db.one("SELECT 1 FROM counters WHERE name = 'webhooks_version' AND value = ?", version) !==
        undefined,
  };
}

function duplicate(draft: EventDraft): PublishedEvent {
  return { id: draft.id, accepted: false, sequence: null, deliveries: 0 };
}

/** Where the record of a draft's guard is. */
function nearOf({ sessionId }: Pick<EventDraft, "sessionId">): { near?: string } {
  return sessionId === null ? {} : { near: sessionId };
}

/** The session's state from now on: what another agent than the holder hears of it is that agent's own, and an end is none. */
function observedState({ agent_id, state }: SessionRow, { observed = {} }: EventDraft): string {
  const { heardBy = agent_id } = observed;
  if (observed.ending !== undefined || heardBy !== agent_id) return state;
  return observed.state ?? state;
}

function isRepeat(memory: MemoryRow, draft: EventDraft, nowMs: number): boolean {
  return draft.stateHash !== undefined && memory.state_hash === draft.stateHash &&
    nowMs - memory.state_hash_at < STATE_DUPLICATE_WINDOW_MS;
}

/** By what texts of the session are judged, the draft's own messages included. */
function textingMapping(session: SessionRow, { joined = [] }: EventDraft): TextingMapping {
  const mapping = {
    holderNickname: agentsOf(session)[0].nickname,
    acceptedUpstreamMs: session.accepted_upstream,
    toldUpTo: session.told_up_to,
    joinedAt: session.joined_at,
  };
  return { ...mapping, joinedAt: ownJoining(joined, mapping) };
}

/** One delivery per webhook whose agents match, one per message that may leave as SMS. */
function fanOut(
  draft: EventDraft,
  { session, mapping, late }: {
    readonly session: SessionRow | undefined;
    readonly mapping: TextingMapping | null;
    readonly late: readonly LateSpan[];
  },
  freshIndexes: ReadonlySet<number>,
): NewDelivery[] {
  const age = { mapping, late, joined: draft.joined ?? [] };
  const webhooks = draft.webhooks
    .filter(({ agentIds }) =>
      agentIds === null || (session !== undefined && agentIds.includes(session.agent_id))
    )
    .map(({ id, ordered, held }) => ({ sinkId: id, messageIndex: null, ordered, held }));
  const messages = draft.smsMessages
    .filter(({ index }) => freshIndexes.has(index))
    .map((message) => ({ index: message.index, fate: textFate(message, age) }))
    .filter(({ fate }) => fate !== "stays")
    .map(({ index, fate }) => ({
      sinkId: SMS_SINK,
      messageIndex: index,
      ordered: true,
      held: false,
      ...(fate === "too-old" && { progressJson: TOO_OLD_PROGRESS }),
    }));
  return [...webhooks, ...messages];
}
