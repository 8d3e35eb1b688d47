import type { Clock } from "../clock.ts";
import type { AttemptReport, OwnEvent, Sink } from "../delivery/sink.ts";
import { type Logger, maskPhone } from "../log.ts";
import type { ClaimedDelivery, Customer } from "../store/port.ts";
import { messageIndex, smsText } from "./eligibility.ts";
import { toE164, toSender } from "./phone.ts";
import { decideSms, type SmsFinding, type SmsVerdict } from "./sms_decision.ts";
import type { SmsSender, TwilioSender } from "./twilio_client.ts";

export interface SmsSinkOptions {
  readonly twilio: TwilioSender;
  /** The sender where the number that the customer texted is not known. */
  readonly defaultSender: SmsSender;
  /** The waits of the webhook ladder (`WEBHOOK_RETRY_S`). */
  readonly retryWaitsMs: readonly number[];
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** The customer's phone as a sink: one delivery is one message of an event, sent at most once. */
export function createSmsSink(options: SmsSinkOptions): Sink {
  const { clock, random, retryWaitsMs } = options;
  return {
    async attempt(delivery, signal) {
      const startedAtMs = clock.now();
      const finding = await findOut(delivery, signal, options);
      const nowMs = clock.now();
      const verdict = decideSms(finding, {
        attempt: delivery.attempt,
        nowMs,
        random,
        retryWaitsMs,
      });
      const messageSid = finding.kind === "taken" ? finding.sid : null;
      logVerdict(options.log, delivery, verdict, messageSid);
      return {
        report: reportOf(verdict, messageSid, startedAtMs, nowMs),
        decision: verdict.decision,
        // Twilio is the operator's own; there is nothing to disable by itself.
        health: null,
        events: eventsOf(delivery, verdict, messageSid),
      };
    },
  };
}

async function findOut(
  delivery: ClaimedDelivery,
  signal: AbortSignal,
  { twilio, defaultSender }: SmsSinkOptions,
): Promise<SmsFinding> {
  // Looking such a text up at Twilio (by To, From, time and body) belongs here, before giving it up as unknown.
  if (delivery.interrupted) return { kind: "interrupted" };
  const text = textOf(delivery);
  if (text === null) return { kind: "no-message" };
  const to = delivery.customer === null ? null : await toE164(delivery.customer.phone);
  if (to === null) return { kind: "no-customer-number" };
  const sender = await stickySender(delivery.customer) ?? defaultSender;

  const result = await twilio.send({ to, sender, body: text, signal });
  if (signal.aborted && result.kind === "not-sent") return { kind: "shutdown", begun: false };
  if (signal.aborted && result.kind === "ambiguous") return { kind: "shutdown", begun: true };
  return result;
}

function textOf({ event, messageIndex: wanted }: ClaimedDelivery): string | null {
  const data: { notification?: { messages?: unknown } | null } = JSON.parse(event.dataJson);
  const messages: unknown = data.notification?.messages;
  if (wanted === null || !Array.isArray(messages)) return null;
  return smsText(messages.find((message) => messageIndex(message) === wanted));
}

/** The number that the customer texted, or that an integration named: DESIGN §10 puts it before the configured one. */
async function stickySender(customer: Customer | null): Promise<SmsSender | null> {
  if (customer === null || customer.sender === null) return null;
  const from = await toSender(customer.sender);
  return from === null ? null : { from };
}

function reportOf(
  verdict: SmsVerdict,
  messageSid: string | null,
  startedAtMs: number,
  nowMs: number,
): AttemptReport {
  return {
    class: verdict.class,
    startedAt: new Date(startedAtMs).toISOString(),
    durationMs: nowMs - startedAtMs,
    detail: verdict.detail,
    ...(verdict.httpStatus !== null && { status: verdict.httpStatus }),
    ...(verdict.errorCode !== null && { errorCode: verdict.errorCode }),
    ...(messageSid !== null && { messageSid }),
  };
}

// An unknown fate is told by the delivery's status alone: neither event would be true.
function eventsOf(
  { event, messageIndex }: ClaimedDelivery,
  { decision, errorCode }: SmsVerdict,
  messageSid: string | null,
): OwnEvent[] {
  const about = { sessionId: event.sessionId };
  if (decision.status === "delivered") {
    return [{ ...about, type: "sms.sent", data: { messageIndex, messageSid, errorCode: null } }];
  }
  if (decision.status === "dead") {
    return [{ ...about, type: "sms.failed", data: { messageIndex, messageSid: null, errorCode } }];
  }
  return [];
}

function logVerdict(
  log: Logger,
  delivery: ClaimedDelivery,
  verdict: SmsVerdict,
  messageSid: string | null,
): void {
  const fields = {
    deliveryId: delivery.id,
    sessionId: delivery.event.sessionId,
    messageIndex: delivery.messageIndex,
    attempt: delivery.attempt,
    to: delivery.customer === null ? null : maskPhone(delivery.customer.phone),
    class: verdict.class,
    errorCode: verdict.errorCode,
    messageSid,
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
