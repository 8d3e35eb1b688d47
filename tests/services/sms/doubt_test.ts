import assert from "node:assert/strict";
import { createDoubtResolver, type Doubt, lookUpWaitMs } from "../../../services/sms/doubt.ts";
import type { ListedMessage } from "../../../services/sms/provider.ts";
import { explainSmsError, TWILIO_CODES } from "../../../services/sms/twilio/codes.ts";
import type { EventRecord } from "../../../services/store/port/events.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

const clock = createVirtualClock();
const nowMs = clock.now();

const doubt: Doubt = {
  deliveryId: "dlv_1",
  sessionId: "S1",
  part: 1,
  begun: {
    kind: "begun",
    firstAtMs: nowMs - 1_000,
    atMs: nowMs - 1_000,
    endedAtMs: nowMs - 500,
    answered: true,
    calls: 1,
    lookUps: 0,
  },
  to: "+16501110001",
  sender: { from: "+15005550006" },
  body: "Yes, of course",
  otherSids: [],
  untilMs: nowMs + 20_000,
};

const listed: ListedMessage = {
  sid: "SM_before",
  from: "+15005550006",
  pool: null,
  body: doubt.body,
  outbound: true,
  createdAtMs: nowMs - 1_000,
};

function sent(sessionId: string, messageSid: string): EventRecord {
  return {
    id: `evt_${messageSid}`,
    type: "sms.sent",
    sessionId,
    agentId: null,
    sequence: 1,
    occurredAtMs: nowMs,
    dataJson: JSON.stringify({ messageSid }),
  };
}

const explaining = { name: "Twilio", codes: TWILIO_CODES, explain: explainSmsError };

/** What a look-up finds when so many pages of texts have left, and these of the session itself. */
function resolve({ pages, ofSession = [] }: { pages: number; ofSession?: EventRecord[] }) {
  const listEvents = (request: { sessionId?: string; cursor?: string }) => {
    if (request.sessionId !== undefined) {
      return Promise.resolve({ items: ofSession, nextCursor: null });
    }
    const [, read = "0"] = /^page (\d+)$/.exec(request.cursor ?? "") ?? [];
    const next = Number(read) + 1;
    const items = [sent("S2", `SM_other_${read}`)];
    return Promise.resolve({ items, nextCursor: next < pages ? `page ${next}` : null });
  };
  const resolveDoubt = createDoubtResolver({
    provider: {
      ...explaining,
      list: () =>
        Promise.resolve({ kind: "listed", messages: [listed], complete: true, aheadMs: 0 }),
    },
    history: { listEvents },
    records: { readRecord: () => Promise.resolve(null) },
    retryWaitsMs: [1_000],
    timeoutMs: 1_000,
    clock,
  });
  return resolveDoubt(doubt, new AbortController().signal);
}

Deno.test("a message in the same words is the text where every other text is known", async () => {
  assert.deepEqual(await resolve({ pages: 3 }), { kind: "found", sid: "SM_before" });
});

Deno.test("it may be another's where more texts have left than are read: nothing is certain then", async () => {
  const found = await resolve({ pages: 1_000 });
  assert.equal(found.kind, "look-again");
  assert.match("reason" in found ? found.reason : "", /tell the same words apart/);
});

Deno.test("what the session itself has sent is known all the same, however many others have left", async () => {
  const found = await resolve({ pages: 1_000, ofSession: [sent("S1", "SM_before")] });
  assert.equal(found.kind, "look-again");
  assert.match("reason" in found ? found.reason : "", /does not list the text/);
});

/** A look-up of a text that failed so long ago and is not listed, at a Twilio that takes its time. */
async function lookSlowly(endedAgoMs: number) {
  const clock = createVirtualClock();
  const endedAtMs = clock.now() - endedAgoMs;
  const begun = { ...doubt.begun, firstAtMs: endedAtMs, atMs: endedAtMs, endedAtMs };
  const asked: string[] = [];
  const within: (number | undefined)[] = [];
  const resolveDoubt = createDoubtResolver({
    provider: {
      ...explaining,
      list({ to, withinMs }) {
        asked.push(to === undefined ? "newest" : "customer's");
        within.push(withinMs);
        clock.advance(10_000);
        const messages = to === undefined ? [{ ...listed, createdAtMs: clock.now() }] : [];
        return Promise.resolve({ kind: "listed", messages, complete: true, aheadMs: 0 });
      },
    },
    history: { listEvents: () => Promise.resolve({ items: [], nextCursor: null }) },
    records: { readRecord: () => Promise.resolve(null) },
    retryWaitsMs: [1_000],
    timeoutMs: 15_000,
    clock,
  });
  const untilMs = clock.now() + 25_000;
  const found = await resolveDoubt({ ...doubt, begun, untilMs }, new AbortController().signal);
  return { kind: found.kind, asked, within };
}

Deno.test("a list that was asked for before it was late enough proves nothing, however late it answers", async () => {
  const { kind } = await lookSlowly(1_000);
  assert.equal(kind, "look-again");
});

Deno.test("the customer's messages are read after the newest, which show how far the list has come", async () => {
  const { kind, asked } = await lookSlowly(6_000);
  assert.equal(kind, "absent");
  assert.deepEqual(asked, ["newest", "customer's"]);
});

Deno.test("a look-up has to be over before the lease is", async () => {
  const { within } = await lookSlowly(6_000);
  assert.deepEqual(within, [25_000, 15_000]);
});

Deno.test("lookUpWaitMs() begins within 2 s, follows the ladder, and ends", () => {
  const waits = (ladder: number[]) => [0, 1, 2, 3, 4].map((n) => lookUpWaitMs(n, ladder));
  assert.deepEqual(waits([5_000, 30_000, 120_000, 600_000]), [2_000, 5_000, 30_000, 120_000, null]);
  assert.deepEqual(waits([50, 100, 150]), [50, 50, 100, 150, null]);
  assert.deepEqual(waits([7_000]), [2_000, 7_000, 7_000, 7_000, null]);
});
