import type { OwnEvent } from "../events/own_event.ts";
import type { AttemptReport, Sink } from "../delivery/sink.ts";
import { StoreUnavailable } from "../errors.ts";
import { type Logger, maskPhone } from "../support/log.ts";
import type { BucketStore } from "../store/port/buckets.ts";
import type { ClaimedDelivery, DeliveryStore } from "../store/port/deliveries.ts";
import type { EventStore } from "../store/port/events.ts";
import type { RecordStore } from "../store/port/records.ts";
import { failureNotice } from "./agent_notice.ts";
import { createDoubtResolver } from "./doubt.ts";
import { sidsOf } from "./progress.ts";
import type { SmsProvider } from "./provider.ts";
import { createTextSender, type SendAttempt, type TextSenderOptions } from "./send_text.ts";
import { createSenderRate, type SenderRateOptions } from "./sender_rate.ts";
import { decideSms, type SmsVerdict } from "./sms_decision.ts";
import { readTextStatus, textStatusName } from "./text_status.ts";

export interface SmsSinkOptions
  extends Omit<TextSenderOptions, "store" | "resolveDoubt" | "senderRate"> {
  readonly store:
    & Pick<DeliveryStore, "noteProgress">
    & Pick<BucketStore, "takeTokens">
    & Pick<EventStore, "listEvents">
    & Pick<RecordStore, "readRecord">;
  /** Segments per second and sender (`SMS_RATE_LIMIT`); null: no limit. */
  readonly rateLimit: SenderRateOptions["limit"];
  /** Whether an address of a picture leaves with the picture (`MEDIA`). */
  readonly media: boolean;
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
  const { clock, random, retryWaitsMs, store, provider } = options;
  const sendText = createTextSender({
    ...options,
    senderRate: createSenderRate({ ...options, limit: options.rateLimit }),
    resolveDoubt: createDoubtResolver({ ...options, history: store, records: store }),
  });

  async function sendOrWait(delivery: ClaimedDelivery, signal: AbortSignal): Promise<SendAttempt> {
    try {
      return await sendText(delivery, signal);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      // What was last written down is still true, and the next attempt goes by that.
      const untilMs = clock.now() + STORE_WAIT_MS;
      return {
        finding: { kind: "held-back", untilMs, reason: "the store was not available" },
        progress: null,
      };
    }
  }

  /** Parts that have left may have failed meanwhile by a report of the provider's, which told of it: once is enough. */
  async function isToldAsFailed(
    { id: deliveryId, event: { sessionId } }: ClaimedDelivery,
    { decision }: SmsVerdict,
    sids: readonly string[],
  ): Promise<boolean> {
    if (decision.status !== "dead" || sids.length === 0 || sessionId === null) return false;
    try {
      const name = textStatusName({ deliveryId, sessionId });
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
      const sent = await sendOrWait(delivery, signal);
      const nowMs = clock.now();
      const verdict = decideSms(sent.finding, { provider, nowMs, random, retryWaitsMs });
      const sids = sidsOf(sent.progress);
      logVerdict(options.log, delivery, verdict, sids);
      const { sessionId } = delivery.event;
      const sentence = noticeOf(verdict, sent, provider);
      if (sessionId !== null && sentence !== null) options.tellAgent(sessionId, sentence);
      return {
        report: reportOf(verdict, sids, startedAtMs, nowMs),
        decision: verdict.decision,
        // The provider is the operator's own choice: nothing is disabled by itself.
        health: null,
        events: await isToldAsFailed(delivery, verdict, sids)
          ? []
          : eventsOf(delivery, verdict, sids),
      };
    },
  };
}

/** What the agent is told; null where there is nothing to tell, or not yet. */
function noticeOf(
  { decision, detail, errorCode }: SmsVerdict,
  { progress }: SendAttempt,
  provider: Pick<SmsProvider, "name">,
): string | null {
  const parts = progress?.parts.length ?? 0;
  const done = sidsOf(progress).length;
  const some = done > 0 ? ` Of its ${parts} parts the first ${done} have left.` : "";
  switch (decision.status) {
    case "dead":
      return `${failureNotice(asSentence(detail), errorCode, provider)}${some}`;
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
