import assert from "node:assert/strict";
import { ignoredWithoutRedis } from "../support/needs_redis.ts";
import { agentText, newMessages } from "./notifications.ts";
import { assertProblem } from "./problem.ts";
import { openRedis, openSqliteFile, openUpstash, type TestStore } from "./stores.ts";
import { bringText, customerText } from "./twilio_calls.ts";
import { startWorld, type World } from "./world.ts";

const SERVICE = `MG${"5".repeat(32)}`;
const UNSANITIZED = { sanitizeOps: false, sanitizeResources: false };

/** A text to this phone, in a session of agent-1; resolves with what became of it. */
async function text(world: World, phone: string): Promise<"sent" | "failed"> {
  // The store outlives worlds here, so their counters would name a session anew.
  const session = `S${crypto.randomUUID()}`;
  const consumer = await world.consumer({ eventTypes: ["sms.sent", "sms.failed"] });
  const agent = await world.agent("agent-1");
  await agent.accept(session);
  await agent.put(`/v1/sessions/${session}/customer`, { phone });
  await world.notify(newMessages(session, agentText(1, `To ${phone} in ${session}`)));
  const { event } = await consumer.attempts.until(
    `the end of the text in ${session}`,
    (items) => items.find(({ event }) => event.data.sessionId === session),
  );
  if (event.type === "sms.failed") assert.equal(event.data.errorCode, 21610);
  return event.type === "sms.sent" ? "sent" : "failed";
}

Deno.test("who had texted STOP under TWILIO_FROM was texted once TWILIO_MESSAGING_SERVICE_SID was set", async () => {
  await using store = await openSqliteFile();
  const phone = "+16502530001";
  {
    await using world = await startWorld(store);
    await bringText(world, customerText(world, phone, "STOP"));
    assert.equal(await text(world, phone), "failed");
  }
  {
    const service = { TWILIO_FROM: "", TWILIO_MESSAGING_SERVICE_SID: SERVICE };
    await using world = await startWorld(store, service);
    assert.equal(await text(world, phone), "failed");
    await bringText(world, customerText(world, "+16502530002", "STOP", { To: "24680" }));
    assert.equal(await text(world, "+16502530002"), "failed");
  }
  await using world = await startWorld(store, { TWILIO_FROM: "+16502530999" });
  assert.equal(await text(world, phone), "failed");
  assert.equal(await text(world, "+16502530002"), "failed");
  await bringText(world, customerText(world, phone, "START"));
  assert.equal(await text(world, phone), "sent");
});

const STORES: readonly (readonly [string, () => Promise<TestStore>, boolean])[] = [
  ["SQLite in a file", openSqliteFile, false],
  ["a Redis", () => openRedis(), ignoredWithoutRedis()],
  ["Upstash's REST protocol", openUpstash, ignoredWithoutRedis()],
];

for (const [where, open, ignore] of STORES) {
  Deno.test({
    ...UNSANITIZED,
    name: `nobody could see or keep the ledger of opt-outs: people can, with ${where}`,
    ignore,
    async fn() {
      await using store = await open();
      await using world = await startWorld(store);
      const consumer = await world.consumer({ eventTypes: ["customer.*"] });
      const ada = await world.agent("ada", "opt-outs:read opt-outs:write");
      const phone = world.freshPhone();
      const path = `/v1/opt-outs/${encodeURIComponent(phone)}`;
      const told = (type: string, by: string | null) =>
        consumer.attempts.until(
          `${type} by ${by}`,
          (items) =>
            items.map(({ event }) => event).find((event) =>
              event.type === type && event.data.by === by
            ),
        );

      const put = await ada.put(path, { reason: "asked on the phone" });
      assert.equal(put.status, 200, put.text);
      const { since, ...entry } = Object(put.json());
      assert.ok(Math.abs(Date.parse(since) - Date.now()) < 60_000);
      assert.deepEqual(entry, {
        phone: `…${phone.slice(-4)}`,
        sender: null,
        reason: "asked on the phone",
        by: "ada",
      });
      const out = await told("customer.opted_out", "ada");
      assert.equal(out.data.phone, phone);
      assert.equal(out.data.reason, "asked on the phone");
      assert.equal(await text(world, phone), "failed");
      // What a person has written is taken back by people alone.
      await bringText(world, customerText(world, phone, "START"));
      assert.equal(await text(world, phone), "failed");

      // Again, with the plus as it is, and without a body: nothing new.
      const again = await ada.put(`/v1/opt-outs/${phone}`, { reason: "asked on the phone" });
      assert.deepEqual(again.json(), put.json());
      const bodiless = await ada.send(`/v1/opt-outs/${phone}`, { method: "PUT" });
      assert.deepEqual(bodiless.json(), put.json());

      await bringText(world, customerText(world, phone, "STOP"));
      for (const query of [encodeURIComponent(phone), phone]) {
        const found = Object((await ada.get(`/v1/opt-outs?phone=${query}`)).json()).data;
        assert.deepEqual(found.map(({ reason, by }: Record<string, unknown>) => [reason, by]), [
          ["asked on the phone", "ada"],
          ["message", null],
        ]);
      }

      const gone = await ada.send(`${path}?reason=wants%20them%20again`, { method: "DELETE" });
      assert.equal(gone.status, 204, gone.text);
      const back = await told("customer.opted_in", "ada");
      assert.equal(back.data.reason, "wants them again");
      assert.equal(await text(world, phone), "sent");
      assert.equal((await ada.send(path, { method: "DELETE" })).status, 204);
      assert.deepEqual((await ada.get(`/v1/opt-outs?phone=${phone}`)).json(), {
        data: [],
        nextCursor: null,
      });
      const types = consumer.attempts.items.map(({ event }) => `${event.type} ${event.data.by}`);
      assert.deepEqual(types, [
        "customer.opted_out ada",
        "customer.opted_out null",
        "customer.opted_in ada",
      ]);

      await pagesAreKept(world);
      await refusalsAreTold(world);
    },
  });
}

/** Every entry is on one page, and no page holds a number, its cursor neither. */
async function pagesAreKept(world: World): Promise<void> {
  const ada = await world.agent("ada", "opt-outs:read opt-outs:write");
  const phones = Array.from({ length: 5 }, () => world.freshPhone());
  for (const phone of phones) await ada.put(`/v1/opt-outs/${phone}`, {});
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const answer = await ada.get(`/v1/opt-outs?limit=2${query}`);
    assert.equal(answer.status, 200, answer.text);
    const page = Object(answer.json());
    seen.push(...page.data.map(({ phone }: { phone: string }) => phone));
    const readable = answer.text + new TextDecoder().decode(
      Uint8Array.fromBase64(page.nextCursor ?? "", { alphabet: "base64url" }),
    );
    for (const phone of phones) assert.ok(!readable.includes(phone.slice(1)), readable);
    cursor = page.nextCursor;
  }
  assert.deepEqual(seen, phones.map((phone) => `…${phone.slice(-4)}`));
}

async function refusalsAreTold(world: World): Promise<void> {
  const reader = await world.agent("bob", "opt-outs:read");
  const writer = await world.agent("bob", "opt-outs:write");
  const phone = world.freshPhone();
  assertProblem(await writer.get("/v1/opt-outs"), "insufficient-scope");
  assertProblem(await reader.put(`/v1/opt-outs/${phone}`, {}), "insufficient-scope");
  assertProblem(
    await reader.send(`/v1/opt-outs/${phone}`, { method: "DELETE" }),
    "insufficient-scope",
  );
  for (const nobody of ["nobody", "6502530000", "(650)%20253-0000", "+1", "%00", "1-800-FLOWERS"]) {
    const answer = await writer.put(`/v1/opt-outs/${nobody}`, {});
    assertProblem(answer, "invalid-parameter");
    assert.ok(!answer.text.includes("FLOWERS"));
  }
  for (const reason of ["", "x".repeat(257), "a\nb", 1, ["x"]]) {
    assertProblem(await writer.put(`/v1/opt-outs/${phone}`, { reason }), "invalid-parameter");
  }
  assertProblem(await writer.put(`/v1/opt-outs/${phone}`, ["x"]), "invalid-body");
  assertProblem(await reader.get("/v1/opt-outs?phone=nobody"), "invalid-parameter");
  assertProblem(await reader.get("/v1/opt-outs?cursor=bm9uc2Vuc2U"), "invalid-parameter");
  assertProblem(await reader.get("/v1/opt-outs?agent=bob"), "invalid-parameter");
  assertProblem(await writer.post(`/v1/opt-outs/${phone}`, {}), "method-not-allowed");
}

Deno.test("the ledger is there while SMS is off, and holds when it is on", async () => {
  await using store = await openSqliteFile();
  const phone = "+16502530001";
  {
    const off = {
      TWILIO_ACCOUNT_SID: "",
      TWILIO_AUTH_TOKEN: "",
      TWILIO_AUTH_TOKEN_NEXT: "",
      TWILIO_FROM: "",
    };
    await using world = await startWorld(store, off);
    const ada = await world.agent("ada", "opt-outs:write");
    assert.equal((await ada.put(`/v1/opt-outs/${phone}`, {})).status, 200);
  }
  await using world = await startWorld(store);
  assert.equal(await text(world, phone), "failed");
});
