import type { HttpTransport } from "../../http/transport.ts";
import type { OwnEvent } from "../../events/own_event.ts";
import type { Clock } from "../../support/clock.ts";
import { isOperational } from "../../events/event_types.ts";
import { StoreUnavailable } from "../../errors.ts";
import type { Logger } from "../../support/log.ts";
import { excerptOf } from "./excerpt.ts";
import { liveSecrets, type WebhookCredentials } from "../credentials.ts";
import { disabledEvent } from "../disabling.ts";
import type { Webhook } from "../webhook.ts";
import { decideAttempt, healthOf, type WebhookOutcome } from "./webhook_decision.ts";
import { renderEvent } from "../../events/event_body.ts";
import type { Signer } from "./signing.ts";
import type { ClaimedDelivery } from "../../store/port/deliveries.ts";
import type { AttemptEnd, AttemptReport, Sink } from "../../delivery/sink.ts";
import { postWebhook, type WebhookAnswer, type WebhookRequest } from "./webhook_request.ts";

/** What the sink asks of whoever knows the webhooks. */
export interface WebhookSource {
  /** The webhook as it is now; null where it was deleted. */
  get(id: string): Promise<Webhook | null>;
  /** Sends it nothing more until somebody enables it. Resolves to false where it was disabled or gone already. */
  disable(id: string, reason: string): Promise<boolean>;
}

export interface WebhookSinkOptions {
  readonly webhooks: WebhookSource;
  readonly readCredentials: (webhook: Webhook) => Promise<WebhookCredentials>;
  readonly signer: Signer;
  /** The way out, behind the egress guard. */
  readonly transport: HttpTransport;
  readonly clock: Clock;
  /** A number in [0, 1), for jitter. */
  readonly random: () => number;
  readonly log: Logger;
  /** Bounds one attempt, the answer's body included. */
  readonly timeoutMs: number;
  /** Waits between attempts: n waits make n + 1 attempts. */
  readonly retryWaitsMs: readonly number[];
  /** Of Patchbay, for `user-agent`. */
  readonly version: string;
}

/** What an attempt found out, without the times that every report has. */
type Finding = Omit<AttemptReport, "startedAt" | "durationMs">;

const GONE_REASON = "its URL answered 410 Gone";

/** Deliveries to webhooks, as signed requests by Standard Webhooks 1.0.0. */
export function createWebhookSink(options: WebhookSinkOptions): Sink {
  const { webhooks, clock, log } = options;

  async function send(
    delivery: ClaimedDelivery,
    webhook: Webhook,
    signal: AbortSignal,
  ): Promise<{ outcome: WebhookOutcome; finding: Finding }> {
    const credentials = await options.readCredentials(webhook);
    const request = await signedRequest(delivery, webhook, credentials, options);
    let resolvedAddress: string | undefined;
    const onAddress = (address: string) => void (resolvedAddress = address);
    const startedAtMs = clock.now();
    const answer = await postWebhook(request, { ...options, signal, onAddress });
    const finding = {
      ...findingOf(answer, startedAtMs, credentials),
      ...(resolvedAddress !== undefined && { resolvedAddress }),
    };
    return { outcome: outcomeOf(answer), finding };
  }

  async function tryToSend(delivery: ClaimedDelivery, signal: AbortSignal) {
    try {
      const webhook = await webhooks.get(delivery.sinkId);
      return webhook === null || isHeldBack(webhook, delivery)
        ? unsent(webhook)
        : await send(delivery, webhook, signal);
    } catch (error) {
      // The store is away: the engine leaves the delivery to its lease.
      if (error instanceof StoreUnavailable) throw error;
      // A record or credentials that cannot be read, an event that cannot be rendered. It climbs the ladder like any
      // failure, or it would come back with every lease for ever.
      log.error("delivery.not_sendable", { deliveryId: delivery.id, error: String(error) });
      const finding = { class: "not-sendable", detail: "It cannot be sent: see the log" } as const;
      return { outcome: { kind: "failure", class: finding.class } as const, finding };
    }
  }

  async function disable(webhookId: string): Promise<boolean> {
    try {
      return await webhooks.disable(webhookId, GONE_REASON);
    } catch (error) {
      // The attempt is to be settled all the same, and the next 410 disables.
      log.warn("webhook.disable_failed", { webhookId, error: String(error) });
      return false;
    }
  }

  return {
    async attempt(delivery, signal) {
      const startedAtMs = clock.now();
      const { outcome, finding } = await tryToSend(delivery, signal);

      const nowMs = clock.now();
      const { decision, disable: wanted } = decideAttempt({
        attempt: delivery.attempt,
        outcome,
        nowMs,
        retryWaitsMs: options.retryWaitsMs,
        random: options.random,
      });
      const events = [
        ...(decision.status === "dead" ? exhaustedEvents(delivery, finding) : []),
        ...(wanted && await disable(delivery.sinkId)
          ? [disabledEvent(delivery.sinkId, GONE_REASON)]
          : []),
      ];
      const startedAt = new Date(startedAtMs).toISOString();
      const report = { ...finding, startedAt, durationMs: nowMs - startedAtMs };
      return { report, decision, health: healthOf(outcome), events } satisfies AttemptEnd;
    },
  };
}

/** A ping goes out all the same: it is how an operator learns whether the consumer is back. */
function isHeldBack({ disabled }: Webhook, { event }: ClaimedDelivery): boolean {
  return disabled !== null && event.type !== "webhook.ping";
}

function unsent(webhook: Webhook | null): { outcome: WebhookOutcome; finding: Finding } {
  const finding = webhook === null
    ? { class: "sink-missing", detail: "The webhook was deleted" } as const
    : { class: "sink-disabled", detail: "The webhook is disabled" } as const;
  return { outcome: { kind: "failure", class: finding.class }, finding };
}

async function signedRequest(
  { event }: ClaimedDelivery,
  webhook: Webhook,
  credentials: WebhookCredentials,
  { clock, signer, version }: WebhookSinkOptions,
): Promise<WebhookRequest> {
  const nowMs = clock.now();
  const timestampS = Math.floor(nowMs / 1_000);
  const body = new TextEncoder().encode(renderEvent(event, webhook.payload));
  const secrets = liveSecrets(credentials, nowMs);
  return {
    url: webhook.url,
    body,
    headers: {
      accept: "*/*",
      ...credentials.headers,
      "accept-encoding": "gzip, br",
      "content-type": "application/json",
      "user-agent": `Patchbay/${version}`,
      "webhook-id": event.id,
      "webhook-timestamp": String(timestampS),
      "webhook-signature": await signer.signatures(secrets, event.id, timestampS, body),
    },
  };
}

function outcomeOf(answer: WebhookAnswer): WebhookOutcome {
  if (answer.kind === "failure") return { kind: "failure", class: answer.class };
  const { status, retryAfterMs } = answer;
  return retryAfterMs === null
    ? { kind: "answer", status }
    : { kind: "answer", status, retryAfterMs };
}

function findingOf(
  answer: WebhookAnswer,
  startedAtMs: number,
  credentials: WebhookCredentials,
): Finding {
  if (answer.kind === "failure") return { class: answer.class, detail: answer.detail };
  const { status, firstByteAtMs, retryAfterMs, untrustedBody, cutOff } = answer;
  const responseExcerpt = excerptOf(untrustedBody, credentials.headers);
  return {
    class: classOf(status),
    status,
    firstByteMs: firstByteAtMs - startedAtMs,
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
    ...(responseExcerpt === "" ? {} : { responseExcerpt }),
    ...(cutOff === null ? {} : { detail: cutOff }),
  };
}

function classOf(status: number): AttemptReport["class"] {
  if (status >= 200 && status < 300) return "ok";
  if (status >= 300 && status < 400) return "redirect-refused";
  return status === 410 ? "gone" : "http-error";
}

/**
 * There is none for a delivery whose webhook was deleted on purpose, and none for events about delivering: a consumer
 * of failures that fails itself would make more of them without end.
 */
function exhaustedEvents(
  { id, sinkId, attempt, event }: ClaimedDelivery,
  finding: Finding,
): OwnEvent[] {
  if (finding.class === "sink-missing" || isOperational(event.type)) return [];
  const data = {
    webhookId: sinkId,
    deliveryId: id,
    // Not `eventId`, which is this event's own (DESIGN §8).
    failedEventId: event.id,
    attempts: attempt,
    lastStatus: finding.status ?? null,
    lastClass: finding.class,
  };
  return [{ type: "delivery.exhausted", sessionId: null, data }];
}
