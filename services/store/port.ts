/**
 * The store port: what Patchbay asks of a store, in the terms of DESIGN §1.
 *
 * Two engines implement it (`sqlite/`, `redis/`); `tests/services/store/contract.ts` is the suite that both pass.
 * Rules that hold for every method:
 * - one call is one atomic step: it happens wholly or not at all, also when the process dies in the middle;
 * - the caller brings the time (`nowMs`, Unix milliseconds) and every random value, so a test can move both;
 * - expected outcomes are values; a store that cannot answer throws `StoreUnavailable`;
 * - JSON texts handed in (`data`, webhook records) come back as the same text, never re-encoded.
 */
import type { RecordGuard, RecordStore } from "./record_port.ts";
import type { SmsStore } from "./sms_port.ts";

/** How long an engine keeps things; fixed when it is opened. */
export interface StorePolicy {
  /** Sliding lifetime of a mapping. */
  readonly sessionTtlMs: number;
  /** How long events and deliveries are kept, and the memory of a session's messages and sequence at least. */
  readonly eventRetentionMs: number;
}

// ---------------------------------------------------------------------------------------------- sessions

/** A mapped session. A mere claim is not one. */
export interface SessionRecord {
  readonly id: string;
  /** The holder. */
  readonly agentId: string;
  readonly nickname: string;
  /** Further agents let in, in the order in which they came. */
  readonly participants: readonly Participant[];
  /** The last state that upstream told since the holder's claim; `accepted` while it has told none. */
  readonly state: string;
  readonly acceptedAtMs: number;
  /** The same moment by upstream's clock, in whole seconds: what was said before it was not this mapping's agents' to send. */
  readonly acceptedUpstreamMs: number;
  readonly updatedAtMs: number;
  /** Until when an Invite's seat is open for one further agent; 0: there is none, and one in the past has closed. */
  readonly seatUntilMs: number;
  /** The last `sequence` given out, 0 before the first event. */
  readonly sequence: number;
  readonly customer: Customer | null;
}

export interface Participant {
  readonly agentId: string;
  readonly nickname: string;
}

export interface Customer {
  /** The customer's number as it was told, not masked. */
  readonly phone: string;
  /** The number of ours that the customer texted, when known. */
  readonly sender: string | null;
}

export interface ClaimRequest {
  readonly sessionId: string;
  readonly agentId: string;
  /** Fresh and unguessable: a later release with another token does nothing. */
  readonly token: string;
  readonly nowMs: number;
  /** When the claim lapses by itself. */
  readonly untilMs: number;
}

export type ClaimOutcome =
  /**
   * Reserved. `as` says what confirming will make of the agent: `participant` when an open seat was taken, but `holder` when
   * it is the seat that a holder's Transfer has left.
   */
  | { readonly outcome: "claimed"; readonly as: "holder" | "participant" }
  /** The agent already is the holder or a participant; nothing was reserved. */
  | { readonly outcome: "own" }
  /** Another agent holds the session (and left no open seat), or is just claiming it. */
  | { readonly outcome: "held" };

export interface ConfirmRequest {
  readonly sessionId: string;
  readonly agentId: string;
  readonly nickname: string;
  readonly nowMs: number;
  readonly acceptedUpstreamMs: number;
  /** As the claim said. */
  readonly as: "holder" | "participant";
}

export type ConfirmOutcome =
  /** Mapped, and the event published. */
  | { readonly outcome: "confirmed"; readonly published: PublishedEvent }
  /** The agent was mapped already (two Accepts of one agent crossed); nothing was published. */
  | { readonly outcome: "already" }
  /**
   * The claim had lapsed and another agent holds the session now, or the session whose seat was taken has ended meanwhile: then
   * the agent may still confirm as its holder.
   */
  | { readonly outcome: "lost" }
  | StaleWebhooks;

/**
 * What a successful operation does to the mapping (DESIGN §6). Where the mapping ends, the texts of its time may still come in
 * for a while ({@link EventDraft.smsMessages}).
 */
export type SessionEffect =
  /** Invite, Consult: one further agent's Accept is let in until then. */
  | { readonly kind: "open-seat"; readonly untilMs: number }
  /** Complete: the mapping ends for everybody. */
  | { readonly kind: "end" }
  /**
   * Transfer: the agent goes as with `leave`, and where others stay one further agent's Accept is let in until then. If it was
   * the holder who went, the first participant stands in, and that further agent becomes the holder.
   */
  | { readonly kind: "hand-over"; readonly untilMs: number }
  /** Leave, Reject: the agent goes; the first participant becomes holder, and without one the mapping ends. */
  | { readonly kind: "leave" }
  /** Intrude: the agent becomes a participant without a seat. */
  | { readonly kind: "join"; readonly nickname: string }
  /** Reject by an invited agent who is not in the session: the open seat closes, without an event. */
  | { readonly kind: "decline" };

export interface EffectRequest {
  readonly sessionId: string;
  /** Who did the operation; `join` and `decline` are for those outside the session, the others for those in it. */
  readonly agentId: string;
  readonly nowMs: number;
  readonly effect: SessionEffect;
}

export type EffectOutcome =
  /** `published` is null where the effect has no event (a seat opened, a participant left). */
  | { readonly outcome: "applied"; readonly published: PublishedEvent | null }
  | { readonly outcome: "nothing" }
  | StaleWebhooks;

// ------------------------------------------------------------------------------------------------ events

/** An event about to be published. The engine gives it its sequence and its `agentId`. */
export interface EventDraft {
  /** `evt_` and a ULID, so that the order of ids is the order of time. */
  readonly id: string;
  readonly type: string;
  /** Null: the event belongs to no session and gets no sequence. */
  readonly sessionId: string | null;
  readonly occurredAtMs: number;
  readonly data: EventData;
  /** When set, the draft is dropped as a duplicate if the session's last state notification had this hash within 60 s. */
  readonly stateHash?: string;
  /**
   * Publish only while a record holds what it should, and change it in the same step; otherwise the draft is dropped as a
   * duplicate. The record is the one near the draft's session, or near none where the draft has none. A draft that was
   * published before counts as accepted, whatever the record holds by now. A settlement's draft may have a guard only if its
   * session is the delivery's: another one's record may be in another shard.
   */
  readonly guard?: RecordGuard;
  /** What the notification tells about the session; kept with the mapping where there is one. */
  readonly observed?: Observation;
  /** The webhooks whose event types match; the engine adds deliveries for those whose agents match too. */
  readonly webhooks: readonly WebhookCandidate[];
  /**
   * Messages that may leave as SMS. The engine makes a delivery of each that is new, if the session is mapped and the message
   * not older than the mapping, or if the message is from the time of a mapping that was released (not: has lapsed) less than
   * `LATE_TEXTS_MS` ago: upstream may tell of a text only after the Complete that followed it.
   */
  readonly smsMessages: readonly SmsCandidate[];
}

export type EventData =
  /** The members of `data` that are the event's own, as the text of a JSON object. */
  | { readonly kind: "object"; readonly json: string }
  /**
   * The same with the messages cut out: the text is `before + "[" + texts of the new messages + "]" + after`.
   * Messages whose index the session has seen are left out; if none is new the draft is a duplicate.
   */
  | {
    readonly kind: "messages";
    readonly before: string;
    readonly messages: readonly { readonly index: number; readonly json: string }[];
    readonly after: string;
  };

export interface Observation {
  readonly state?: string;
  /**
   * Whose notification it was: the state is the session's only if this agent holds it. Absent: it is. While nobody does, the
   * same goes for the agent who has claimed it, and the state stands once that claim is confirmed.
   */
  readonly heardBy?: string;
  /** From `userData`; never replaces a number that `setCustomer` gave. */
  readonly phone?: string;
  readonly sender?: string;
}

export interface WebhookCandidate {
  readonly id: string;
  /** Null: whoever holds the session. Otherwise only events whose `agentId` is among these. */
  readonly agentIds: readonly string[] | null;
  /** False: each delivery is a lane of its own. */
  readonly ordered: boolean;
  /** Its webhook is disabled: the delivery is kept as `held` and is not due. */
  readonly held: boolean;
}

export interface SmsCandidate {
  readonly index: number;
  readonly sentAtMs: number;
}

/** Drafts to publish in one atomic step, in this order. */
export interface PublishRequest {
  readonly drafts: readonly EventDraft[];
  readonly nowMs: number;
  /** The version of the webhook list from which the candidates were taken. */
  readonly webhooksVersion: number;
}

export interface PublishedEvent {
  readonly id: string;
  /** False: a duplicate; nothing was stored for it. */
  readonly accepted: boolean;
  readonly sequence: number | null;
  /** How many deliveries it made. */
  readonly deliveries: number;
}

/** Nothing was done: the list of webhooks has changed since. List again and repeat. */
export interface StaleWebhooks {
  readonly outcome: "stale-webhooks";
}

export type PublishOutcome =
  | { readonly outcome: "published"; readonly events: readonly PublishedEvent[] }
  | StaleWebhooks;

/** An event as it is kept. */
export interface EventRecord {
  readonly id: string;
  readonly type: string;
  readonly sessionId: string | null;
  readonly sequence: number | null;
  readonly agentId: string | null;
  readonly occurredAtMs: number;
  /** The text of a JSON object: the members of `data` that are the event's own. */
  readonly dataJson: string;
}

// -------------------------------------------------------------------------------------------- deliveries

/** The sink id of the customer's phone; every other sink is a webhook's id. */
export const SMS_SINK = "sms";

/** DESIGN §9. */
export type DeliveryStatus =
  | "pending"
  | "delivering"
  | "delivered"
  | "retrying"
  | "dead"
  | "expired"
  | "held"
  | "unknown";

/** Every status, for listing and validating. */
export const DELIVERY_STATUSES: readonly DeliveryStatus[] = [
  "pending",
  "delivering",
  "delivered",
  "retrying",
  "dead",
  "expired",
  "held",
  "unknown",
];

export interface DeliveryRecord {
  /** `dlv_`, the event's ULID and the sink: ordered by time like event ids. */
  readonly id: string;
  readonly eventId: string;
  readonly eventType: string;
  /** A webhook's id or {@link SMS_SINK}. */
  readonly sinkId: string;
  readonly sessionId: string | null;
  /** For SMS: which of the event's messages. */
  readonly messageIndex: number | null;
  readonly status: DeliveryStatus;
  /** How many attempts were begun, earlier ladders included. */
  readonly attempts: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** When the next attempt is due; null once it is over. */
  readonly nextAttemptAtMs: number | null;
}

export interface ClaimDeliveriesRequest {
  readonly nowMs: number;
  /**
   * The fencing token of this batch. A claim whose reply was lost is to be repeated with the same token: what it took is
   * given again, and does not count as interrupted.
   */
  readonly leaseToken: string;
  /** When the lease ends and the deliveries come back by themselves. */
  readonly leaseUntilMs: number;
  /** At most this many in all. */
  readonly limit: number;
  /** At most this many of one sink, for sinks not in `capacity`. */
  readonly capacityPerSink: number;
  /** How many more deliveries a sink can take now; 0 passes it over. */
  readonly capacity: Readonly<Record<string, number>>;
  /** Token buckets of sinks, kept in the store so that all instances draw on one: a claimed delivery takes a token. */
  readonly rates: Readonly<Record<string, DeliveryRate>>;
  /** Also drop what is past its time (bounded work). */
  readonly sweep: boolean;
}

export interface DeliveryRate {
  readonly perSecond: number;
  /** What a full bucket holds; 1 or more. */
  readonly burst: number;
}

export interface ClaimedDelivery {
  readonly id: string;
  readonly sinkId: string;
  /** To be handed back when settling, as it is: an engine may have put more into it. */
  readonly leaseToken: string;
  /** 1 for the first, and again for the first after {@link Outbox.retryDelivery} or a requeue: the place on the ladder. */
  readonly attempt: number;
  /** True when an earlier attempt's lease ran out unsettled: what became of it is not known. */
  readonly interrupted: boolean;
  readonly messageIndex: number | null;
  readonly event: EventRecord;
  /** For SMS: the customer as known now. */
  readonly customer: Customer | null;
  /** What {@link SmsStore.noteProgress} last wrote down, on whichever ladder; null: nothing yet. */
  readonly progressJson: string | null;
}

export interface ClaimedBatch {
  readonly deliveries: readonly ClaimedDelivery[];
  /**
   * The earliest time at which a further claim can find something: a due time, a lease's end, or a token for a sink whose
   * bucket is empty. Sinks without room are left out. Null: nothing is waiting.
   */
  readonly nextDueAtMs: number | null;
  /** False: the sweep reached its bound, and there is more to drop. True also where none was asked for. */
  readonly sweptAll: boolean;
  /** How many open deliveries the sweep found past their retention, and let expire. */
  readonly expired: number;
}

export interface Settlement {
  readonly deliveryId: string;
  readonly leaseToken: string;
  readonly nowMs: number;
  /** The attempt's log entry, as JSON text; the last 30 are kept. */
  readonly attemptJson: string;
  readonly next:
    | { readonly status: "delivered" | "dead" | "expired" | "unknown" }
    /** `counted` false: it was not its turn. No attempt was made, so none is counted or logged. */
    | { readonly status: "retrying"; readonly atMs: number; readonly counted?: false }
    /** Its webhook turned out to be disabled: no attempt was made, and its lane waits for {@link Outbox.requeueDeliveries}. */
    | { readonly status: "held" };
  /** How it counts for the health of its sink; null: not at all. */
  readonly health: "success" | "failure" | null;
  /** Own events that belong to this outcome (`sms.sent`, `delivery.exhausted`), published in the same step. */
  readonly drafts: readonly EventDraft[];
}

export interface SettleRequest {
  readonly settlements: readonly Settlement[];
  readonly webhooksVersion: number;
}

export type SettleOutcome =
  | {
    readonly outcome: "settled";
    /** Per settlement, in order; `fenced`: the lease had passed to somebody else and nothing was done. */
    readonly results: readonly ("settled" | "fenced")[];
    /** The sinks that failed in this batch, as they stand after it. */
    readonly failing: readonly SinkHealth[];
    /**
     * The earliest time at which anything is due where these deliveries live, also for a sink without room; null: nothing waits
     * there. It saves the claim that would only find this out.
     */
    readonly nextDueAtMs: number | null;
    /** Whether that goes for everything that waits, and not only for the shards of these deliveries. */
    readonly tellsAll: boolean;
  }
  | StaleWebhooks;

/** How long a sink has failed without a success in between. */
export interface SinkHealth {
  readonly sinkId: string;
  /** Failed attempts since its last success. */
  readonly failures: number;
  /** When the first of them ended. */
  readonly sinceMs: number;
}

/** Deliveries of one sink by the time of their events. */
export interface DeliveryRange {
  readonly sinkId: string;
  readonly statuses: readonly DeliveryStatus[];
  readonly fromMs: number;
  /** Exclusive. */
  readonly untilMs: number;
}

// ----------------------------------------------------------------------------------------------- reading

/** Keyset pagination: ordered by id, `cursor` is the last id of the page before. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
}

// ---------------------------------------------------------------------------------------------- webhooks

/** A registered webhook as the store sees it: an id and a text that only the webhook service reads. */
export interface WebhookEntry {
  readonly id: string;
  readonly json: string;
}

// ------------------------------------------------------------------------------------------------ the port

/** Who holds what. */
export interface SessionStore {
  /** Reserves a session for an agent's Accept. The present agent's own live claim is taken over by the new token. */
  claimSession(request: ClaimRequest): Promise<ClaimOutcome>;
  /** Turns the agent's claim into the mapping (or into a participant) and publishes `draft`, in one step. */
  confirmSession(
    request: ConfirmRequest,
    draft: EventDraft,
    webhooksVersion: number,
  ): Promise<ConfirmOutcome>;
  /** Gives a claim back; does nothing unless `token` is the live claim's. */
  releaseClaim(sessionId: string, token: string): Promise<void>;
  /** Applies what a successful operation means; publishes `draft` where the effect ends the mapping or lets an agent in. */
  applyEffect(
    request: EffectRequest,
    draft: EventDraft | null,
    webhooksVersion: number,
  ): Promise<EffectOutcome>;
  /** The mapping, or null; slides its lifetime when `slide` is set. */
  readSession(
    sessionId: string,
    options: { readonly nowMs: number; readonly slide: boolean },
  ): Promise<SessionRecord | null>;
  /** Mappings by session id, of one agent (as holder) or of all. */
  listSessions(
    page: PageRequest & { readonly agentId?: string; readonly nowMs: number },
  ): Promise<Page<SessionRecord>>;
  /** Sets the customer of a mapped session; null: no such mapping. */
  setCustomer(
    request: { readonly sessionId: string; readonly customer: Customer; readonly nowMs: number },
  ): Promise<SessionRecord | null>;
  /**
   * Per session the lowest message index from 1 on that it has not seen: where catching up begins. 1 for a session never
   * heard of.
   */
  firstUnseenMessage(sessionIds: readonly string[]): Promise<readonly number[]>;
}

/** Events on their way out. */
export interface Outbox {
  /** Stores every draft with its sequence and deliveries, or none of them. */
  publish(request: PublishRequest): Promise<PublishOutcome>;
  /** Takes the heads of due lanes under a lease. Lanes of different sinks are served in turn. */
  claimDeliveries(request: ClaimDeliveriesRequest): Promise<ClaimedBatch>;
  /** Writes down what became of claimed deliveries and moves their lanes on. */
  settleDeliveries(request: SettleRequest): Promise<SettleOutcome>;
  /**
   * Makes a finished or waiting delivery due now, at its place in its lane, on a new ladder. `spent`: a text that has left
   * or may have, which nothing may send again; null: no such delivery.
   */
  retryDelivery(
    deliveryId: string,
    nowMs: number,
  ): Promise<"due" | "in-flight" | "spent" | null>;
  /** Holds up to `limit` waiting deliveries of a sink; returns how many: to be repeated until it is 0. */
  holdDeliveries(
    request: { readonly sinkId: string; readonly limit: number; readonly nowMs: number },
  ): Promise<number>;
  /**
   * Makes up to `limit` deliveries of the range due, in the order of their ids, each on a new ladder. To be repeated with
   * the returned cursor until that is null; an interruption in between repeats and loses nothing.
   */
  requeueDeliveries(
    request: DeliveryRange & PageRequest & { readonly nowMs: number },
  ): Promise<{ readonly requeued: number; readonly nextCursor: string | null }>;
  countDeliveries(range: DeliveryRange): Promise<number>;
}

/** A delivery with what it went through. */
export interface DeliveryHistory {
  readonly delivery: DeliveryRecord;
  /** The last 30 entries of its attempt log, in the order in which they were written. */
  readonly attemptsJson: readonly string[];
  /** As a claim would give it. */
  readonly progressJson: string | null;
}

/** What operators and consumers ask for. */
export interface HistoryReader {
  readEvent(eventId: string): Promise<EventRecord | null>;
  listEvents(
    page: PageRequest & { readonly sessionId?: string; readonly type?: string },
  ): Promise<Page<EventRecord>>;
  readDelivery(deliveryId: string): Promise<DeliveryHistory | null>;
  listDeliveries(
    page: PageRequest & { readonly sinkId?: string; readonly status?: DeliveryStatus },
  ): Promise<Page<DeliveryRecord>>;
  /**
   * Empties what is kept of a session: the data of its events, what consumers answered, its customer. Events and
   * deliveries stay, queued ones too, as the record that they happened; their progress and the records near the session
   * stay as well, so neither may hold what is personal. Returns how many events; 0: nothing is kept.
   */
  expungeSession(sessionId: string): Promise<number>;
}

/** The registered webhooks. Few, and read whole. */
export interface WebhookRegistry {
  listWebhooks(): Promise<{ readonly version: number; readonly webhooks: readonly WebhookEntry[] }>;
  /**
   * Adds or replaces; every publish begun with an older version is told so. With `ifVersion` only while the list still has
   * that version; false: it has not, and nothing was done.
   */
  putWebhook(entry: WebhookEntry, ifVersion?: number): Promise<boolean>;
  /** False: there was none. */
  deleteWebhook(id: string): Promise<boolean>;
}

export interface Store
  extends SessionStore, Outbox, HistoryReader, WebhookRegistry, RecordStore, SmsStore {
  /** Resolves when the store answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
