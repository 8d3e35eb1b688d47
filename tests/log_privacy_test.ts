import assert from "node:assert/strict";
import {
  CUSTOMER,
  linesWith,
  linesWithPhones,
  OUR_NUMBER,
  PHONES,
  SECRETS,
  STRANGER,
  WORDS,
} from "./log_privacy/personal.ts";
import { playStory } from "./log_privacy/story.ts";
import { startWorld } from "./log_privacy/world.ts";
import { redisAvailable } from "../simulator/kit/redis_server.ts";

/** What Patchbay has written on both its outputs over the whole story, at LOG_LEVEL=debug. */
let story: { readonly lines: readonly string[]; readonly tokens: readonly string[] };

Deno.test.beforeAll(async () => {
  await using started = new AsyncDisposableStack();
  const world = await startWorld(started, { withRedis: redisAvailable() });
  const { tokens } = await playStory(world);
  story = { lines: world.lines.items.map(({ text }) => text), tokens };
});

Deno.test("LOG-01 no log line holds more of a phone number than its last four digits", () => {
  assert.deepEqual(linesWithPhones(story.lines, PHONES), []);
  // The story has been about them.
  for (const phone of [CUSTOMER, STRANGER, OUR_NUMBER]) {
    assert.notDeepEqual(linesWith(story.lines, [`…${phone.slice(-4)}`]), []);
  }
});

Deno.test("LOG-02 no log line holds a word of what was said, by whomever", () => {
  assert.deepEqual(linesWith(story.lines, Object.values(WORDS)), []);
});

Deno.test("LOG-03 no log line holds a token, a password or a secret", () => {
  const parts = story.tokens.flatMap((token) => token.split(/[._]/))
    .filter((part) => part.length >= 12);
  assert.deepEqual(linesWith(story.lines, [...Object.values(SECRETS), ...parts]), []);
});

Deno.test("the story had everything to say that a log could give away", () => {
  for (
    const event of [
      ...["http.request", "request.failed", "delivery.attempted", "operation.unknown"],
      ...["sms.sent", "sms.retrying", "sms.unknown", "sms.failed", "sms.delivered", "sms.stopped"],
      ...["sms.received", "sms.notice_sent", "twilio.refused", "subscriber.live"],
      ...["patchbay.listening", "patchbay.stopped"],
    ]
  ) {
    assert.ok(story.lines.some((line) => line.includes(`"event":"${event}"`)), event);
  }
});

Deno.test("linesWith() finds a text as it is, in Base64 at any place, and percent-encoded", () => {
  const secret = SECRETS.agentPassword;
  for (const before of ["", "a", "ab", "john.doe:"]) {
    const line = `{"header":"${btoa(before + secret + "!")}"}`;
    assert.deepEqual(linesWith([line], [secret]), [line]);
  }
  assert.equal(
    linesWith([`x ${secret} y`, `?t=${encodeURIComponent("ä b")}`, "none"], [secret, "ä b"]).length,
    2,
  );
});

Deno.test("linesWithPhones() finds six digits of a number, and lets the last four pass", () => {
  const lines = ['{"to":"+12025560187"}', '{"to":"560187"}', '{"to":"…0187"}'];
  assert.deepEqual(linesWithPhones(lines, [CUSTOMER]), lines.slice(0, 2));
});
