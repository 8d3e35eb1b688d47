import assert from "node:assert/strict";
import type { Answer } from "./client.ts";
import type { Event } from "./shapes.ts";
import { isSignedWith, type WebhookConsumer } from "./webhook_consumer.ts";
import type { RegisteredConsumer } from "./world.ts";

/** Asserts the 202 of the ingress. */
export function assertAccepted(
  answer: Answer,
  counts: { readonly accepted: number; readonly duplicates: number },
): void {
  assert.equal(answer.status, 202, `202 expected, got ${answer.status} ${answer.text}`);
  assert.deepEqual(answer.json(), counts);
}

/** What the consumer has been told of a session, each event once, in the order of its first arrival. */
export function told(consumer: WebhookConsumer, sessionId: string): readonly Event[] {
  const events = consumer.about(sessionId).map(({ event }) => event);
  return [...new Map(events.map((event) => [event.data.eventId, event])).values()];
}

/** Asserts that every attempt so far carries the event's id and a good signature. */
export async function assertSigned(consumer: RegisteredConsumer): Promise<void> {
  assert.notEqual(consumer.attempts.items.length, 0);
  for (const attempt of consumer.attempts.items) {
    assert.equal(attempt.webhookId, attempt.event.data.eventId);
    assert.ok(await isSignedWith(consumer.secret, attempt), `bad signature on ${attempt.text}`);
  }
}

/** Asserts that the consumer heard of the session in order and without a gap, up to sequence `last`. */
export function assertInOrder(consumer: WebhookConsumer, sessionId: string, last: number): void {
  assert.deepEqual(
    told(consumer, sessionId).map(({ data }) => data.sequence),
    Array.from({ length: last }, (_, index) => index + 1),
  );
}
