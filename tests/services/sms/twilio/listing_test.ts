import assert from "node:assert/strict";
import { createTwilioListing } from "../../../../services/sms/twilio/listing.ts";
import { startTwilio } from "../../../../simulator/twilio/server.ts";
import { postGood, TO } from "../../../simulator/twilio/client.ts";
import { createVirtualClock } from "../../../support/virtual_clock.ts";

Deno.test("list() reads page after page, tells Twilio's time, and where it stopped", async () => {
  const clock = createVirtualClock();
  await using twilio = await startTwilio({ clock });
  for (let n = 1; n <= 5; n++) await postGood(twilio, { Body: `Text ${n}` });
  await postGood(twilio, { To: "+12025550199" });
  const listing = createTwilioListing({
    accountSid: twilio.accountSid,
    authToken: twilio.authToken,
    apiUrl: new URL(twilio.url),
    timeoutMs: 10_000,
    fetch,
    now: () => clock.now() - 5_000,
  });
  const read = async (maxPages: number) => {
    const result = await listing.list({ to: TO, pageSize: 2, maxPages });
    assert(result.kind === "listed");
    return result;
  };
  const all = await read(5);
  assert.deepEqual([all.messages.length, all.complete, all.aheadMs], [5, true, 5_000]);
  assert.deepEqual(
    new Set(all.messages.map(({ body }) => body)),
    new Set(["Text 1", "Text 2", "Text 3", "Text 4", "Text 5"]),
  );
  assert.equal(all.messages[0]?.createdAtMs, clock.now());
  const some = await read(2);
  assert.deepEqual([some.messages.length, some.complete], [4, false]);
});

Deno.test("list() ends in the time that all its pages have together", async () => {
  const clock = createVirtualClock();
  const waited: number[] = [];
  await using twilio = await startTwilio({ clock });
  for (let n = 1; n <= 3; n++) await postGood(twilio, { Body: `Text ${n}` });
  const listing = createTwilioListing({
    accountSid: twilio.accountSid,
    authToken: twilio.authToken,
    apiUrl: new URL(twilio.url),
    timeoutMs: 10_000,
    fetch: (input, init) => {
      clock.advance(4_000);
      waited.push(clock.now());
      return fetch(input, init);
    },
    now: clock.now,
  });
  const request = { to: TO, pageSize: 1, maxPages: 3 };
  assert.equal((await listing.list(request)).kind, "listed");
  assert.equal(waited.length, 3);
  assert.partialDeepStrictEqual(await listing.list({ ...request, withinMs: 4_000 }), {
    kind: "failed",
    passing: true,
    reason: "the look-up failed: no answer within 0 ms",
  });
});

const FAILURES = [
  [{ kind: "status", status: 500 }, true],
  [{ kind: "status", status: 429 }, true],
  [{ kind: "status", status: 404 }, false],
  [{ kind: "status", status: 200, body: "no JSON" }, false],
  [{ kind: "status", status: 200, body: { messages: [{ sid: 7 }] } }, false],
  [{ kind: "reset" }, true],
] as const;

for (const [fault, passing] of FAILURES) {
  Deno.test(`list() tells of ${JSON.stringify(fault)} that it is ${passing ? "" : "not "}passing`, async () => {
    await using twilio = await startTwilio();
    twilio.faults.next(fault);
    const listing = createTwilioListing({
      accountSid: twilio.accountSid,
      authToken: twilio.authToken,
      apiUrl: new URL(twilio.url),
      timeoutMs: 10_000,
      fetch,
      now: Date.now,
    });
    const result = await listing.list({ pageSize: 1, maxPages: 1 });
    assert.partialDeepStrictEqual(result, { kind: "failed", passing });
  });
}
