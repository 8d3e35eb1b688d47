import assert from "node:assert/strict";
import {
  EVENT_TYPES,
  isKnownPattern,
  isOperational,
  matchesPattern,
} from "../../../services/events/event_types.ts";

const MATCHES: readonly [pattern: string, type: string, matches: boolean][] = [
  ["*", "session.accepted", true],
  ["*", "delivery.exhausted", true],
  ["session.*", "session.accepted", true],
  ["session.*", "sessions.accepted", false],
  ["session.*", "session", false],
  ["session.*", "sms.sent", false],
  ["session.accepted", "session.accepted", true],
  ["session.accepted", "session.accepted_again", false],
  ["session.", "session.accepted", false],
  ["sess*", "session.accepted", false],
];

for (const [pattern, type, matches] of MATCHES) {
  Deno.test(`${pattern} ${matches ? "takes in" : "leaves out"} ${type}`, () => {
    assert.equal(matchesPattern(pattern, type), matches);
  });
}

Deno.test("every type and family of types is a known pattern", () => {
  const families = EVENT_TYPES.map((type) => `${type.split(".")[0]}.*`);
  for (const pattern of ["*", ...EVENT_TYPES, ...families]) {
    assert.ok(isKnownPattern(pattern), pattern);
  }
});

for (
  const pattern of ["", "**", "*.*", "session", "session.", "session.acepted", "Session.*", ".*"]
) {
  Deno.test(`${JSON.stringify(pattern)} is no known pattern`, () => {
    assert.equal(isKnownPattern(pattern), false);
  });
}

Deno.test("events about delivering, and only they, are operational", () => {
  assert.deepEqual(
    EVENT_TYPES.filter(isOperational),
    ["webhook.disabled", "webhook.ping", "delivery.exhausted"],
  );
});
