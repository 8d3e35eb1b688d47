import type { TextOutcome } from "./text_outcome.ts";
import type { EventDraft, EventRecord } from "./events.ts";
import type { Page, PageRequest } from "./paging.ts";
import type { Customer } from "./sessions.ts";
import type { StaleWebhooks } from "./webhooks.ts";

/** The sink id of the customer's phone; every other sink is a webhook's id. */
export const SMS_SINK = "sms";

/** Every status of a delivery (DESIGN §9). */
export const DELIVERY_STATUSES = [
  "pending",
  "delivering",
  "delivered",
  "retrying",
  "dead",
  "expired",
  "held",
  "unknown",
] as const;

export type DeliveryStatus = typeof DELIVERY_STATUSES[number];

export interface DeliveryRecord {
  /** `dlv_`, the event's ULID and the sink: ordered by time like event ids. */
  readonly id: string;
  readonly eventId: string;
  readonly eventType: string;
  /** A webhook's id or {@link SMS_SINK}. */
  readonly sinkId: string;
  readonly sessionId: string | null;
  /** Which of the event's messages a text is; null for webhooks. */
  readonly messageIndex: number | null;
  readonly status: DeliveryStatus;
  /** How many attempts were begun, those of earlier ladders included. */
  readonly attempts: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** When the next attempt is due; null where none is to come. */
  readonly nextAttemptAtMs: number | null;
  /** What the phone's network said of a text; null: nothing yet, and for webhooks. */
  readonly outcome: TextOutcome | null;
}

export interface ClaimDeliveriesRequest {
  readonly nowMs: number;
  /**
   * The fencing token of this batch. A claim whose reply was lost is repeated with the same token: it gets again what it took,
   * and that does not count as interrupted.
   */
  readonly leaseToken: string;
  /** When the lease ends. Deliveries that are not settled by then become due by themselves. */
  readonly leaseUntilMs: number;
  /** At most this many in all. */
  readonly limit: number;
  /** At most this many of each sink that is not in `capacity`. */
  readonly capacityPerSink: number;
  /** How many more deliveries a sink can take now. A sink with 0 is passed over. */
  readonly capacity: Readonly<Record<string, number>>;
  /** The rates of sinks. Each has a bucket in the store, on which all instances draw: a claimed delivery takes a token. */
  readonly rates: Readonly<Record<string, DeliveryRate>>;
  /** Whether to drop what is past its time as well. One sweep does a bounded amount of work. */
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
  /** To be handed back unchanged when settling. An engine may have put more into it than the claim's token. */
  readonly leaseToken: string;
  /** The place on the ladder: 1 for the first attempt, and again for the first after a retry or a requeue. */
  readonly attempt: number;
  /** True where the lease of an earlier attempt ran out unsettled, so that nobody knows what became of it. */
  readonly interrupted: boolean;
  readonly messageIndex: number | null;
  readonly event: EventRecord;
  /** The customer of a text, as far as known now; null for webhooks. */
  readonly customer: Customer | null;
  /** What {@link DeliveryStore.noteProgress} last wrote down, on whichever ladder; null where it has written nothing yet. */
  readonly progressJson: string | null;
}

export interface ClaimedBatch {
  readonly deliveries: readonly ClaimedDelivery[];
  /**
   * The earliest time at which a further claim can find something: a due time, a lease's end, or a token for a sink whose
   * bucket is empty. Sinks without room are left out. Null where nothing is waiting.
   */
  readonly nextDueAtMs: number | null;
  /** False where the sweep reached its bound and there is more to drop. True also where no sweep was asked for. */
  readonly sweptAll: boolean;
  /** How many open deliveries were past their retention, so that the sweep let them expire. */
  readonly expired: number;
}

export interface Settlement {
  readonly deliveryId: string;
  readonly leaseToken: string;
  readonly nowMs: number;
  /** The attempt's log entry as JSON text. The last `ATTEMPTS_KEPT` are kept. */
  readonly attemptJson: string;
  readonly next:
    | { readonly status: "delivered" | "dead" | "unknown" }
    /** `counted` is false where it was not the delivery's turn: no attempt was made, so none is counted or logged. */
    | { readonly status: "retrying"; readonly atMs: number; readonly counted?: false }
    /** The webhook turned out to be disabled: no attempt was made, and the lane waits for {@link DeliveryStore.requeueDeliveries}. */
    | { readonly status: "held" };
  /** How it counts for the health of its sink; null where it does not count. */
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
    /** One for each settlement, in order. `fenced` means that the lease had passed to another claim, and nothing was done. */
    readonly results: readonly ("settled" | "fenced")[];
    /** The health of the sinks that failed in this batch, as it is after the batch. */
    readonly failing: readonly SinkHealth[];
    /**
     * The earliest time at which anything is due where these deliveries live, also for a sink without room; null where nothing
     * waits there. It saves a claim that would only find this out.
     */
    readonly nextDueAtMs: number | null;
    /** Whether that time covers everything that waits, and not only the shards of these deliveries. */
    readonly tellsAll: boolean;
  }
  | StaleWebhooks;

/** How long a sink has been failing without a success in between. */
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

/** A delivery with what it went through. */
export interface DeliveryHistory {
  readonly delivery: DeliveryRecord;
  /** The last `ATTEMPTS_KEPT` entries of its attempt log, in the order in which they were written. */
  readonly attemptsJson: readonly string[];
  /** The same text that a claim would give. */
  readonly progressJson: string | null;
}

/** Deliveries: claimed under a lease, settled, brought back, and their history. */
export interface DeliveryStore {
  /** Takes the heads of due lanes under a lease. Lanes of different sinks are served in turn. */
  claimDeliveries(request: ClaimDeliveriesRequest): Promise<ClaimedBatch>;
  /**
   * Writes down how far an attempt has come, before its next step: a text's parts with what is known of each. Every later claim
   * of the delivery gives it back. Returns false where the lease has passed to another claim, and nothing was written.
   */
  noteProgress(
    request: {
      readonly deliveryId: string;
      /** As the claim gave it. */
      readonly leaseToken: string;
      readonly progressJson: string;
      readonly nowMs: number;
    },
  ): Promise<boolean>;
  /** Writes down what became of claimed deliveries and moves their lanes on. */
  settleDeliveries(request: SettleRequest): Promise<SettleOutcome>;
  /**
   * Makes a finished or waiting delivery due now, at its place in its lane and on a new ladder. `in-flight` means that an
   * attempt is under way. `spent` means a text that has left or may have left, which nothing may send again. Null where there
   * is no such delivery.
   */
  retryDelivery(
    deliveryId: string,
    nowMs: number,
  ): Promise<"due" | "in-flight" | "spent" | null>;
  /**
   * Ends the doubt about a delivery whose status is `unknown`, and publishes `draft` in the same step. `delivered` and `dead`
   * are final; `due` sends it anew, at its place in its lane. `not-unknown` means that it has another status. Null where there
   * is no such delivery.
   */
  resolveDelivery(
    request: {
      readonly deliveryId: string;
      readonly to: "delivered" | "dead" | "due";
      /** One line on who decided and why; becomes the last entry of the attempt log. */
      readonly attemptJson: string;
      readonly draft: EventDraft | null;
      readonly webhooksVersion: number;
      readonly nowMs: number;
    },
  ): Promise<
    | { readonly outcome: "resolved"; readonly deliveries: number }
    | { readonly outcome: "not-unknown" }
    | StaleWebhooks
    | null
  >;
  /** Holds up to `limit` waiting deliveries of a sink, and returns how many. To be repeated until it returns 0. */
  holdDeliveries(
    request: { readonly sinkId: string; readonly limit: number; readonly nowMs: number },
  ): Promise<number>;
  /**
   * Makes up to `limit` deliveries of the range due, in the order of their ids, each on a new ladder. To be repeated with
   * the returned cursor until that is null. An interruption in between repeats nothing and loses nothing.
   */
  requeueDeliveries(
    request: DeliveryRange & PageRequest & { readonly nowMs: number },
  ): Promise<{ readonly requeued: number; readonly nextCursor: string | null }>;
  countDeliveries(range: DeliveryRange): Promise<number>;
  readDelivery(deliveryId: string): Promise<DeliveryHistory | null>;
  listDeliveries(
    page: PageRequest & {
      readonly sinkId?: string;
      /**
       * Texts are `sent`, `delivered` or `undelivered` by what became of them: `sent` once the provider has them, then what the
       * phone's network said, whatever the status of the delivery. A webhook's delivery is `delivered` by its status.
       */
      readonly status?: DeliveryStatus | TextOutcome["kind"];
    },
  ): Promise<Page<DeliveryRecord>>;
}
