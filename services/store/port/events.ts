import type { Page, PageRequest } from "./paging.ts";
import type { RecordGuard } from "./records.ts";
import type { StaleWebhooks } from "./webhooks.ts";

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

/** Events: published, and kept as long as the policy says. */
export interface EventStore {
  /** Stores every draft with its sequence and deliveries, or none of them. */
  publish(request: PublishRequest): Promise<PublishOutcome>;
  readEvent(eventId: string): Promise<EventRecord | null>;
  listEvents(
    page: PageRequest & { readonly sessionId?: string; readonly type?: string },
  ): Promise<Page<EventRecord>>;
  /**
   * Empties what is kept of a session: the data of its events, what consumers answered, its customer. Events and
   * deliveries stay, queued ones too, as the record that they happened; their progress and the records near the session
   * stay as well, so neither may hold what is personal. Returns how many events; 0: nothing is kept.
   */
  expungeSession(sessionId: string): Promise<number>;
}
