import type { OwnEvent } from "../events/own_event.ts";
import type { AttemptReport, Sink } from "../delivery/sink.ts";
import { StoreUnavailable } from "../errors.ts";
import { type Logger, maskPhone } from "../support/log.ts";
import type { BucketStore } from "../store/port/buckets.ts";
import type { ClaimedDelivery, DeliveryStore } from "../store/port/deliveries.ts";
import type { EventStore } from "../store/port/events.ts";
import type { RecordStore } from "../store/port/records.ts";
import { type Carried, createTextCarrier, type TextCarrierOptions } from "./send_text.ts";
import { createDoubtResolver } from "./doubt.ts";
import { sidsOf } from "./progress.ts";
import { createSenderRate, type SenderRateOptions } from "./sender_rate.ts";
import { decideSms, type SmsVerdict } from "./sms_decision.ts";
import { readTextStatus, statusRecordName } from "./status_record.ts";

export interface SmsSinkOptions
  extends Omit<TextCarrierOptions, "store" | "resolveDoubt" | "senderRate"> {
  readonly store:
    & Pick<DeliveryStore, "noteProgress">
    & Pick<BucketStore, "takeTokens">
    & Pick<EventStore, "listEvents">
    & Pick<RecordStore, "readRecord">;
  /** Segments per second and sender (`SMS_RATE_LIMIT`); null: no limit. */
  readonly rateLimit: SenderRateOptions["limit"];
  /** Tells the session's agents in one sentence what became of a text that has not reached the customer; must not throw. */
  readonly tellAgent: (sessionId: string, sentence: string) => void;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** How soon a text is tried again that the store was away for. */
const STORE_WAIT_MS = 1_000;

/** The customer's phone as a sink: one delivery is one message of an event, sent at most once. */
export function createSmsSink(options: SmsSinkOptions): Sink {
  const { clock, random, retryWaitsMs, store, twilio } = options;
  const carry = createTextCarrier({
    ...options,
    senderRate: createSenderRate({ ...options, limit: options.rateLimit }),
    resolveDoubt: createDoubtResolver({ ...options, twilio, history: store, records: store }),
  });

  async function carryOrWait(delivery: ClaimedDelivery, signal: AbortSignal): Promise<Carried> {
    try {
      return await carry(delivery, signal);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      // What was last written down is true still, and the next attempt goes by that.
      const untilMs = clock.now() + STORE_WAIT_MS;
      return {
        finding: { kind: "held-back", untilMs, reason: "the store was not available" },
        progress: null,
      };
    }
  }

  /** Parts that have left may have failed by Twilio's report meanwhile, which told of it: once is enough. */
  async function isToldAsFailed(
    { id: deliveryId, event: { sessionId } }: ClaimedDelivery,
    { decision }: SmsVerdict,
    sids: readonly string[],
  ): Promise<boolean> {
    if (decision.status !== "dead" || sids.length === 0 || sessionId === null) return false;
    try {
      const name = statusRecordName({ deliveryId, sessionId });
      return readTextStatus(await store.readRecord(name, clock.now())).told.includes("failed");
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      // Told twice is better than never.
      return false;
    }
  }

  return {
    async attempt(delivery, signal) {
      const startedAtMs = clock.now();
      const carried = await carryOrWait(delivery, signal);
      const nowMs = clock.now();
      const verdict = decideSms(carried.finding, { nowMs, random, retryWaitsMs });
      const sids = sidsOf(carried.progress);
      logVerdict(options.log, delivery, verdict, sids);
      const { sessionId } = delivery.event;
      const sentence = sentenceOf(verdict, carried);
      if (sessionId !== null && sentence !== null) options.tellAgent(sessionId, sentence);
      return {
        report: reportOf(verdict, sids, startedAtMs, nowMs),
        decision: verdict.decision,
        // Twilio is the operator's own; there is nothing to disable by itself.
        health: null,
        events: await isToldAsFailed(delivery, verdict, sids)
          ? []
          : eventsOf(delivery, verdict, sids),
      };
    },
  };
}

/** What the agent is told; null where there is nothing to tell, or not yet. */
function sentenceOf(
  { decision, detail, errorCode }: SmsVerdict,
  { progress }: Carried,
): string | null {
  const parts = progress?.parts.length ?? 0;
  const done = sidsOf(progress).length;
  const some = done > 0 ? ` Of its ${parts} parts the first ${done} have left.` : "";
  const code = errorCode === null ? "" : ` (Twilio error ${errorCode})`;
  switch (decision.status) {
    case "dead":
      return `A text did not reach the customer. ${asSentence(detail)}${code}${some}`;
    case "unknown":
      return `It is not known whether a text reached the customer. ${asSentence(detail)}${some}`;
    default:
      return null;
  }
}

/** A detail is one line for logs; the sentences of the error table are sentences already. */
function asSentence(detail: string): string {
  const begun = detail.charAt(0).toUpperCase() + detail.slice(1);
  return begun.endsWith(".") ? begun : `${begun}.`;
}

function reportOf(
  verdict: SmsVerdict,
  sids: readonly string[],
  startedAtMs: number,
  nowMs: number,
): AttemptReport {
  const [messageSid] = sids;
  return {
    class: verdict.class,
    startedAt: new Date(startedAtMs).toISOString(),
    durationMs: nowMs - startedAtMs,
    detail: verdict.detail,
    ...(verdict.httpStatus !== null && { status: verdict.httpStatus }),
    ...(verdict.errorCode !== null && { errorCode: verdict.errorCode }),
    ...(messageSid !== undefined && { messageSid }),
  };
}

// An unknown fate is told by the delivery's status alone: neither event would be true.
function eventsOf(
  { event, messageIndex }: ClaimedDelivery,
  { decision, errorCode }: SmsVerdict,
  sids: readonly string[],
): OwnEvent[] {
  const type = { delivered: "sms.sent", dead: "sms.failed" }[String(decision.status)];
  if (type === undefined) return [];
  const data = {
    messageIndex,
    messageSid: sids[0] ?? null,
    errorCode,
    ...(sids.length > 1 && { messageSids: sids }),
  };
  return [{ type, sessionId: event.sessionId, data }];
}

function logVerdict(
  log: Logger,
  delivery: ClaimedDelivery,
  verdict: SmsVerdict,
  sids: readonly string[],
): void {
  const fields = {
    deliveryId: delivery.id,
    sessionId: delivery.event.sessionId,
    messageIndex: delivery.messageIndex,
    attempt: delivery.attempt,
    to: delivery.customer === null ? null : maskPhone(delivery.customer.phone),
    class: verdict.class,
    errorCode: verdict.errorCode,
    messageSid: sids[0] ?? null,
    parts: sids.length,
    detail: verdict.detail,
  };
  switch (verdict.decision.status) {
    case "delivered":
      return log.info("sms.sent", fields);
    case "retrying":
      return log.info("sms.retrying", fields);
    case "unknown":
      return log.warn("sms.unknown", fields);
    case "dead":
      return verdict.action === "alert-operator"
        ? log.error("sms.failed", fields)
        : log.warn("sms.failed", fields);
  }
}
