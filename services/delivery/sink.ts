import type { ClaimedDelivery, Settlement } from "../store/port/deliveries.ts";
import type { OwnEvent } from "../events/own_event.ts";

/** Why an attempt ended as it did: the enum of the attempt log. */
export type AttemptClass =
  | "ok"
  | "http-error"
  | "redirect-refused"
  | "gone"
  | "timeout"
  | "connect-failed"
  | "connection-lost"
  | "egress-refused"
  | "name-not-found"
  | "resolver-failed"
  | "proxy-failed"
  | "sink-missing"
  | "sink-disabled"
  | "not-sendable"
  | "interrupted"
  | "shutdown"
  // SMS only
  | "no-customer-number"
  | "older-than-mapping"
  | "held-back"
  | "resolved"
  | "rejected"
  | "rate-limited"
  | "ambiguous";

/** What one attempt found out; kept in the attempt log as JSON. No secret, no message text, no whole phone number. */
export interface AttemptReport {
  readonly class: AttemptClass;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** How long the answer's first byte took, where there was one. */
  readonly firstByteMs?: number;
  /** The address that was called. */
  readonly resolvedAddress?: string;
  /** HTTP status, where there was an answer. */
  readonly status?: number;
  /** What the answer's Retry-After asked for, in milliseconds from the answer. */
  readonly retryAfterMs?: number;
  /** The first 4 KiB of a webhook's answer. */
  readonly responseExcerpt?: string;
  /** One line for people. */
  readonly detail?: string;
  /** SMS: the provider's error code and its id of the message. */
  readonly errorCode?: number;
  readonly messageSid?: string;
}

/** What is to become of a delivery after an attempt. */
export type Decision = Settlement["next"];

/** An attempt's end, ready to be settled. */
export interface AttemptEnd {
  readonly report: AttemptReport;
  readonly decision: Decision;
  /** What it says of the sink's health; null for an attempt that was not made, or that ended because of Patchbay. */
  readonly health: "success" | "failure" | null;
  /** Events of Patchbay's own that belong to this end; the settler has them addressed. */
  readonly events: readonly OwnEvent[];
}

/** Where deliveries go: all webhooks, or the customer's phone. */
export interface Sink {
  /**
   * Makes one attempt; never throws for what the other side does. When `signal` aborts, at the end of a drain, the
   * attempt ends at once and reports `shutdown`.
   */
  attempt(delivery: ClaimedDelivery, signal: AbortSignal): Promise<AttemptEnd>;
}
