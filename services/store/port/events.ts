import type { Page, PageRequest } from "./paging.ts";
import type { RecordGuard } from "./records.ts";
import type { StaleWebhooks } from "./webhooks.ts";

/** An event that is to be published. The engine gives it its sequence and its `agentId`. */
export interface EventDraft {
  /** `evt_` and a ULID, so that ids are in the order of time. */
  readonly id: string;
  readonly type: string;
  /** Null for an event that belongs to no session; such a one gets no sequence. */
  readonly sessionId: string | null;
  readonly occurredAtMs: number;
  readonly data: EventData;
  /** A draft with a hash is dropped as a duplicate if the session's last state notification had the same one within 60 s. */
  readonly stateHash?: string;
  /**
   * The draft is published only while a record holds what it should, and the record changes in the same step; otherwise the
   * draft is dropped as a duplicate. The record is near the draft's session, or near none where the draft has none. A draft
   * that was published before counts as accepted, whatever the record holds by now. A settlement's draft may have a guard
   * only if it belongs to the delivery's session, because another session's record may be in another shard.
   */
  readonly guard?: RecordGuard;
  /** What the notification tells about the session. It is kept with the mapping, where there is one. */
  readonly observed?: Observation;
  /**
   * Published in the same step where what the draft observed ends the mapping, before it ends, so that it names the holder: also
   * where the draft itself is a duplicate.
   */
  readonly released?: EventDraft;
  /** The webhooks whose event types match. The engine makes a delivery for each whose agents match too. */
  readonly webhooks: readonly WebhookCandidate[];
  /** Who joined the session, by the draft's own messages; absent: nobody. */
  readonly joined?: readonly PersonJoined[];
  /**
   * Messages that may leave as SMS. The engine makes a delivery of a new message in two cases: the session is mapped and the
   * message is not older than the mapping (`text_age.ts`; one that is too old, and no history, gets a delivery that ends so);
   * or the message is from the time of a mapping that was released (and did not merely
   * lapse) less than `LATE_TEXTS_MS` ago, because upstream may tell of a text only after the Complete that followed it.
   */
  readonly smsMessages: readonly SmsCandidate[];
}

export type EventData =
  /** The members of `data` that are the event's own, as the text of a JSON object. */
  | { readonly kind: "object"; readonly json: string }
  /**
   * The same text with its messages cut out, so that it is put together as `before + "[" + new messages + "]" + after`.
   * Messages whose index the session has seen are left out; if none is new, the draft is a duplicate.
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
   * The agent whose notification it was. The state counts as the session's only if this agent holds the session; if no agent
   * is named, it counts. While nobody holds the session, the same goes for the agent who has claimed it, and the state stands
   * once that claim is confirmed.
   */
  readonly heardBy?: string;
  /**
   * The state is a terminal one: the session is over for an agent, and possibly for all. What that does to the mapping, and to
   * claims, `hearEnding` decides (session_rules/endings.ts). Such a state is never the mapping's own.
   */
  readonly ending?: { readonly reason: string; readonly stillIn: StillIn };
  /** When it was heard; absent: when it is published. What begins later is not what it was about. */
  readonly heardAtMs?: number;
  /** The number in `userData`. It never replaces one that `setCustomer` has set. */
  readonly phone?: string;
  readonly sender?: string;
}

/** Who is in a session according to a notification: an agent, only others, or it does not tell. */
export type StillIn = "agents" | "others" | "untold";

export interface WebhookCandidate {
  readonly id: string;
  /** The webhook gets only events whose `agentId` is among these; null means that it gets all. */
  readonly agentIds: readonly string[] | null;
  /** Whether its deliveries of one session keep their order. If not, each delivery is a lane of its own. */
  readonly ordered: boolean;
  /** Whether the webhook is disabled. Its delivery is then kept as `held` and is not due. */
  readonly held: boolean;
}

export interface SmsCandidate {
  readonly index: number;
  readonly sentAtMs: number;
}

/** A message that says that somebody joined the session. */
export interface PersonJoined {
  readonly index: number;
  /** The nickname, where it was an agent. */
  readonly agent?: string;
  /** When, by upstream's clock, where it can be read. */
  readonly atMs?: number;
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
  /** False for a duplicate, for which nothing was stored. */
  readonly accepted: boolean;
  readonly sequence: number | null;
  /** How many deliveries were made of it, and of the `released` that it led to. */
  readonly deliveries: number;
  /** What it observed has taken an agent, or all of them, out of the session. */
  readonly departed?: true;
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
   * Empties what is kept of a session: the data of its events, what consumers answered, and its customer. Events and
   * deliveries, queued ones too, stay as the record that they happened. Their progress and the records near the session stay
   * as well, so neither may hold anything personal. Returns how many events were emptied; 0 where nothing is kept.
   */
  expungeSession(sessionId: string): Promise<number>;
}
