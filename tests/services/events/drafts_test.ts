import assert from "node:assert/strict";
import fc from "fast-check";
import type { EventData } from "../../../services/store/port/events.ts";
import { smsCandidates } from "../../../services/sms/eligibility.ts";
import { type DraftContext, draftFor } from "../../../services/events/drafts.ts";
import { readNotifications } from "../../../services/contact_centre/dialect/notifications.ts";
import type { ParsedNotification } from "../../../services/events/notification.ts";
import {
  agentTexts,
  seedNotification,
  seedText,
  SESSION_ID,
  statusChange,
} from "../contact_centre/dialect/samples.ts";
import { spelled } from "../../support/spelled.ts";

const CONTEXT: DraftContext = {
  id: "evt_1",
  nowMs: Date.UTC(2026, 10, 22, 10),
  textsAmong: smsCandidates,
};

function parsed(text: string): ParsedNotification {
  const read = readNotifications(spelled(text));
  assert.ok(read.ok);
  const [notification] = read.notifications;
  assert.ok(notification);
  return notification;
}

function draftOf(notification: Record<string, unknown>, context = CONTEXT) {
  return draftFor(parsed(JSON.stringify(notification)), context);
}

/** The text that the store makes of it when every message is new. */
function wholeText(data: EventData): string {
  return data.kind === "object"
    ? data.json
    : `${data.before}[${data.messages.map(({ json }) => json).join(",")}]${data.after}`;
}

for (
  const file of [
    "notification_1_status_change.json",
    "notification_2_participants_updated.json",
    "notification_3_new_messages.json",
  ]
) {
  Deno.test(`draftFor() keeps ${file} value for value and in its order`, async () => {
    const draft = draftFor(parsed(await seedText(file)), CONTEXT);
    const notification = await seedNotification(file);
    assert.equal(wholeText(draft.data), JSON.stringify({ notification }));
    assert.equal(draft.sessionId, SESSION_ID);
    assert.equal(draft.id, "evt_1");
    assert.equal(draft.occurredAtMs, CONTEXT.nowMs);
  });
}

Deno.test("draftFor() cuts the messages out wherever they stand", () => {
  const message = `{"index":1.0,"text":"a \\"quoted\\" [1]"}`;
  const path = `"smssessionPath":"/smssessions/x"`;
  const type = `"notificationType":"NewMessages"`;
  for (
    const members of [
      [`"messages":[${message}]`, type, path],
      [type, `"messages":[${message}]`, path],
      [type, path, `"messages":[${message}]`],
    ]
  ) {
    const text = `{${members.join(",")}}`;
    const { data } = draftFor(parsed(text), CONTEXT);
    assert.equal(data.kind, "messages");
    assert.equal(wholeText(data), `{"notification":${text}}`);
  }
});

Deno.test("draftFor() keeps numbers beyond JavaScript and members named __proto__", () => {
  const text = `{"smssession":{"id":"x","__proto__":{"n":12345678901234567890}},"ratio":1.0}`;
  assert.equal(wholeText(draftFor(parsed(text), CONTEXT).data), `{"notification":${text}}`);
});

Deno.test("draftFor() hashes state notifications by their values, not by their order", () => {
  const one = draftFor(parsed(`{"notificationType":"X","smssession":{"id":"x","a":1}}`), CONTEXT);
  const same = draftFor(
    parsed(`{"smssession": {"a":1, "id":"x"}, "notificationType":"X"}`),
    { ...CONTEXT, id: "evt_2", nowMs: 0 },
  );
  const other = draftFor(parsed(`{"notificationType":"X","smssession":{"id":"x","a":2}}`), CONTEXT);
  assert.match(one.stateHash ?? "", /^[0-9a-f]{64}$/);
  assert.equal(same.stateHash, one.stateHash);
  assert.notEqual(other.stateHash, one.stateHash);
});

Deno.test("draftFor() gives NewMessages no hash: they are told apart message by message", () => {
  assert.equal("stateHash" in draftOf(agentTexts([1])), false);
});

Deno.test("draftFor() hands on what was observed", () => {
  assert.deepEqual(draftOf(statusChange("LeftChat")).observed, { state: "LeftChat" });
});

Deno.test("draftFor() offers an agent's texts for SMS, with their times", () => {
  const { smsMessages } = draftOf(agentTexts([3, 4]));
  const sentAtMs = Date.UTC(2026, 10, 22, 10);
  assert.deepEqual(smsMessages, [{ index: 3, sentAtMs }, { index: 4, sentAtMs }]);
});

Deno.test("draftFor() offers nothing for SMS where SMS is off, and nothing of other people", async () => {
  assert.deepEqual(draftOf(agentTexts([3]), { ...CONTEXT, textsAmong: () => [] }).smsMessages, []);
  const seed = await seedNotification("notification_3_new_messages.json");
  assert.deepEqual(draftOf(seed).smsMessages, []);
});

Deno.test("draftFor() keeps every notification that JSON can spell", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (members) => {
    const text = JSON.stringify({ ...members, smssession: { id: "x" }, notificationType: "X" });
    assert.equal(wholeText(draftFor(parsed(text), CONTEXT).data), `{"notification":${text}}`);
  }));
});
