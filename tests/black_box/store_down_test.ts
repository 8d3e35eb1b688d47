import assert from "node:assert/strict";
import { type Answer, request } from "./client.ts";
import { statusChange } from "./notifications.ts";
import { type Outage, OUTAGES } from "./outages.ts";
import { it, type Sentence } from "./sentence.ts";
import { bringText, customerText } from "./twilio_calls.ts";
import { statusZero } from "../support/scripted_upstream.ts";
import { assertStoreUnavailable, backAgain } from "./store_away.ts";
import { startWorld, type World } from "./world.ts";

const BACK_WITHIN_MS = 15_000;
const UNSANITIZED = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

// Side by side, as they wait most of the time; that nothing is left open is checked by the test around them.
Deno.test("while the store is away, what needs it is refused, and afterwards all goes on", async (t) => {
  await Promise.all(OUTAGES.map(({ name, ignore, open, readsFail }) =>
    t.step({
      ...UNSANITIZED,
      name,
      ignore,
      async fn(t) {
        await using outage = await open();
        await using world = await startWorld(outage.store);
        for (const { says, run } of sentences(outage, readsFail)) {
          await t.step({ ...UNSANITIZED, name: says, fn: () => run(world) });
        }
      },
    })
  ));
});

function sentences(outage: Outage, readsFail: boolean): readonly Sentence[] {
  /** Ends once Patchbay has the store again, which it may notice a moment after that is back. */
  async function during({ admin }: World, run: () => Promise<void>): Promise<void> {
    await outage.down();
    try {
      await run();
    } finally {
      await outage.up();
    }
    // Not /readyz, which keeps an answer for a moment: it may be the one from before the outage.
    await backAgain(() => admin.get("/v1/sessions"), 200, BACK_WITHIN_MS);
  }

  return [
    it("an Accept is 503 within 2 s, and the contact centre does not hear of it", async (world) => {
      const session = world.freshSession();
      const agent = await world.agent("agent-1");
      await during(world, async () => assertStoreUnavailable(await agent.accept(session)));
      assert.equal(world.upstream.about(session).length, 0);
    }),

    it("so is a customer's text, and when Twilio brings it again it is told once", async (world) => {
      const consumer = await world.consumer({ eventTypes: ["sms.received"] });
      const fields = customerText(world, world.freshPhone(), "Is anybody there?");
      await during(world, async () => {
        for (let round = 0; round < 2; round++) {
          const answer = await bringText(world, fields);
          assertStoreUnavailable(answer);
          assert.ok(!/^text\/plain/.test(answer.headers.get("content-type") ?? ""));
        }
      });
      await backAgain(() => bringText(world, fields), 200, BACK_WITHIN_MS);
      const last = customerText(world, world.freshPhone(), "Last");
      await backAgain(() => bringText(world, last), 200, BACK_WITHIN_MS);
      const told = await consumer.attempts.until("the last text", (items) => {
        const sids = items.map(({ event }) => event.data.messageSid);
        return sids.includes(last.MessageSid) && sids.includes(fields.MessageSid)
          ? sids
          : undefined;
      });
      assert.equal(told.filter((sid) => sid === fields.MessageSid).length, 1);
    }),

    it("so are several requests at once, while what needs no store is served", async (world) => {
      const session = world.freshSession();
      const agent = await world.agent("agent-1");
      await backAgain(() => agent.accept(session), 200, BACK_WITHIN_MS);
      await during(world, async () => {
        const refused = Promise.all([
          ...Array.from({ length: 4 }, () => agent.accept(world.freshSession())),
          world.notify(statusChange(session, "Chatting")),
          agent.put(`/v1/sessions/${session}/customer`, { phone: "+16501110001" }),
          ...(readsFail ? reads(world) : []),
        ]);
        const healthy = await request(`${world.patchbay.url}/healthz`);
        for (const answer of await refused) assertStoreUnavailable(answer);
        assert.equal(healthy.status, 200);
        assert.ok(healthy.tookMs < 1_000, `/healthz took ${Math.round(healthy.tookMs)} ms`);
        if (readsFail) {
          assert.equal((await request(`${world.patchbay.url}/readyz`)).status, 503);
        }
      });
    }),

    it("once it is back, requests and deliveries go on by themselves", async (world) => {
      const session = world.freshSession();
      const agent = await world.agent("agent-1");
      await backAgain(() => agent.get("/v1/sessions"), 200, BACK_WITHIN_MS);
      const consumer = await world.consumer();
      await backAgain(() => world.notify(statusChange(session, "Chatting")), 202, BACK_WITHIN_MS);
      await consumer.received(session, "session.status_changed");
      assert.equal((await agent.accept(session)).status, 200);
      await backAgain(() => request(`${world.patchbay.url}/readyz`), 200, BACK_WITHIN_MS);
    }),

    it("an Accept that the contact centre had taken is answered, and written down later", async (world) => {
      const session = world.freshSession();
      const agent = await world.agent("agent-1");
      const consumer = await world.consumer();
      const release = Promise.withResolvers<void>();
      world.upstream.answer(session, async () => {
        await release.promise;
        return statusZero();
      });
      const accepting = agent.accept(session);
      await world.upstream.asked(session);
      await during(world, async () => {
        release.resolve();
        const answer = await accepting;
        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(answer.json(), { statusCode: 0 });
      });
      await consumer.received(session, "session.accepted");
      assert.equal((await agent.get(`/v1/sessions/${session}`)).status, 200);
    }),
  ];
}

function reads({ admin }: World): readonly Promise<Answer>[] {
  return ["sessions", "events", "deliveries", "webhooks"].map((what) => admin.get(`/v1/${what}`));
}
