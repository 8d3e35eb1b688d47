/** What a third party sees of Patchbay: each attempt read by the contract alone, its signature checked by hand. */
import { createInbox, type Inbox } from "../../simulator/kit/inbox.ts";
import {
  startWebhookConsumer as startSimulatedConsumer,
} from "../../simulator/webhook_consumer/server.ts";
import type { Delivery, Respond } from "../../simulator/webhook_consumer/webhook_inbox.ts";
import { type Event, readEvent } from "./shapes.ts";

/** One attempt of a delivery, as the consumer got it. */
export interface Attempt {
  readonly webhookId: string;
  /** Unix seconds. */
  readonly timestampS: number;
  readonly signatures: readonly string[];
  readonly headers: Headers;
  readonly text: string;
  readonly event: Event;
}

/** How an attempt is answered. */
export type ConsumerAnswer = (attempt: Attempt) => ReturnType<Respond>;

/** A third party's endpoint on loopback: it answers 204 unless told otherwise and verifies nothing until it is asked. */
export interface WebhookConsumer extends AsyncDisposable {
  readonly url: string;
  readonly attempts: Inbox<Attempt>;
  /** From now on every attempt is answered so. */
  answer(answer: ConsumerAnswer): void;
  /** The first attempt, come or still to come, of an event of this session that has this type (and sequence). */
  received(
    sessionId: string,
    type: string,
    sequence?: number,
    withinMs?: number,
  ): Promise<Attempt>;
  /** The attempts so far for this session, in the order of arrival. */
  about(sessionId: string): readonly Attempt[];
}

export async function startWebhookConsumer(): Promise<WebhookConsumer> {
  const attempts = createInbox<Attempt>("attempt", {
    describe: ({ event: { type, data } }) => `${type} ${data.sequence} of ${data.sessionId}`,
  });
  let answer: ConsumerAnswer = () => ({ kind: "answer", status: 204 });
  const consumer = await startSimulatedConsumer({
    unverified: "respond",
    record: false,
    respond(delivery) {
      const attempt = readAttempt(delivery);
      attempts.add(attempt);
      return answer(attempt);
    },
  });
  return {
    url: `${consumer.url}/hooks/sms`,
    attempts,
    answer: (next) => answer = next,
    received: (sessionId, type, sequence, timeoutMs) =>
      attempts.until(
        `${type} ${sequence ?? ""} of ${sessionId} at the consumer`,
        (items) =>
          items.find(({ event }) =>
            event.data.sessionId === sessionId && event.type === type &&
            (sequence === undefined || event.data.sequence === sequence)
          ),
        timeoutMs === undefined ? {} : { timeoutMs },
      ),
    about: (sessionId) => attempts.items.filter(({ event }) => event.data.sessionId === sessionId),
    [Symbol.asyncDispose]: () => consumer.close(),
  };
}

function readAttempt({ headers, body }: Delivery): Attempt {
  return {
    webhookId: headers.get("webhook-id") ?? "",
    timestampS: Number(headers.get("webhook-timestamp")),
    signatures: (headers.get("webhook-signature") ?? "").split(" "),
    headers,
    text: body,
    event: readEvent(JSON.parse(body)),
  };
}

const TOLERANCE_S = 300;

/**
 * Whether one of the signatures is made with `secret` (`whsec_…`), the time is near and the body is whole.
 * By hand: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
 */
export async function isSignedWith(secret: string, attempt: Attempt): Promise<boolean> {
  const { headers, timestampS, text, signatures } = attempt;
  const id = headers.get("webhook-id");
  const timestamp = headers.get("webhook-timestamp");
  if (id === null || timestamp === null || !/^\d+$/.test(timestamp)) return false;
  if (Math.abs(Date.now() / 1000 - timestampS) > TOLERANCE_S) return false;

  const key = await crypto.subtle.importKey(
    "raw",
    Uint8Array.fromBase64(secret.replace(/^whsec_/, "")),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["verify"],
  );
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${text}`);
  for (const signature of signatures) {
    const [version, base64 = ""] = signature.split(",");
    if (version !== "v1") continue;
    if (await crypto.subtle.verify("HMAC", key, Uint8Array.fromBase64(base64), signed)) return true;
  }
  return false;
}
