import assert from "node:assert/strict";
import { readNotifications } from "../../services/contact_centre/dialect/notifications.ts";
import { markOf, notificationText, sessionOf } from "./numbered_notifications.ts";
import { spelled } from "./spelled.ts";

Deno.test("a numbered notification is one that Patchbay takes, of the session that it names", () => {
  const text = notificationText(1_234, sessionOf(1_234, 100));
  const read = readNotifications(spelled(text));
  assert.ok(read.ok);
  assert.deepEqual(
    read.notifications.map(({ eventType, sessionId }) => [eventType, sessionId]),
    [["session.status_changed", "0000Bench0000034"]],
  );
});

Deno.test("markOf() finds the number in an event's body, and -1 where there is none", () => {
  const body = `{"type":"x","data":{"notification":${notificationText(1_234, "S1")}}}`;
  assert.equal(markOf(body), 1_234);
  assert.equal(markOf('{"type":"webhook.ping","data":{}}'), -1);
});
