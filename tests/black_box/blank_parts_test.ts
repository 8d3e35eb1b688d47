import assert from "node:assert/strict";
import { twilioError } from "../support/scripted_twilio.ts";
import { agentText, newMessages } from "./notifications.ts";
import { deliveriesOf, historyOf } from "./texts.ts";
import { openSqliteFile } from "./stores.ts";
import { acceptWithPhone } from "./story_sms_status.ts";
import { startWorld } from "./world.ts";

const ZERO_WIDTH = "\u200b";

/** What an agent writes, and what of it leaves: the parts without white space at their ends. */
const TEXTS: readonly (readonly [what: string, text: string, parts: readonly string[]])[] = [
  ["5000 spaces between two words", `Hello${" ".repeat(5_000)}world`, ["Hello", "world"]],
  ["5000 newlines between them", `Hello${"\n".repeat(5_000)}world`, ["Hello", "world"]],
  ["white space of every kind", `Hello${" \t\u00a0\u2003\u3000\r\n".repeat(700)}world`, [
    "Hello",
    "world",
  ]],
  ["white space before the first word", `${" ".repeat(5_000)}world`, ["world"]],
  ["white space behind the last word", `Hello${" ".repeat(5_000)}`, ["Hello"]],
];

/** Texts without a word in them. */
const BLANK: readonly (readonly [what: string, text: string])[] = [
  ["nothing", ""],
  ["spaces", "   "],
  ["5000 spaces", " ".repeat(5_000)],
  ["newlines", "\r\n\n"],
  ["zero-width spaces", ZERO_WIDTH.repeat(3)],
  ["zero-width spaces for several parts", ZERO_WIDTH.repeat(1_000)],
  ["control characters", "\u0000\u0007"],
  ["a mark of the byte order and a soft hyphen", "\ufeff\u00ad"],
  ["Hangul's and Braille's blanks", "\u3164\u2800"],
];

Deno.test("a long run of white space became a part of nothing but white space, which Twilio refuses", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  for (const [what, text, parts] of TEXTS) {
    const session = world.freshSession();
    const phone = await acceptWithPhone(world, session);
    await world.notify(newMessages(session, agentText(1, text)));
    const [delivery] = await deliveriesOf(world, session, ({ status }) => status === "delivered");
    assert.equal(delivery?.status, "delivered", what);
    const bodies = world.twilio.texts.items.filter(({ to }) => to === phone)
      .map(({ body }) => body.trim());
    assert.deepEqual(bodies, parts, what);
  }
  // What cannot be seen may fill whole parts too: they are left out.
  const session = world.freshSession();
  const phone = await acceptWithPhone(world, session);
  await world.notify(newMessages(session, agentText(1, `Hello${ZERO_WIDTH.repeat(3_000)}world`)));
  await deliveriesOf(world, session, ({ status }) => status === "delivered");
  const seen = world.twilio.texts.items.filter(({ to }) => to === phone)
    .map(({ body }) => body.replaceAll(ZERO_WIDTH, ""));
  assert.deepEqual(seen, ["Hello", "world"]);
});

Deno.test("a text of nothing but blanks was dropped without a word, or sent and refused by Twilio", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  for (const [what, text] of BLANK) {
    const session = world.freshSession();
    const phone = await acceptWithPhone(world, session);
    await world.notify(newMessages(session, agentText(1, text), agentText(2, "After")));
    const [blank] = await deliveriesOf(world, session, ({ status }) => status === "dead");
    assert.ok(blank !== undefined, what);
    const [attempt] = (await historyOf(world, blank.id)).attempts;
    assert.equal(attempt?.class, "not-sendable", what);
    assert.match(attempt?.detail ?? "", /blank/, what);
    await world.twilio.texts.until(
      "what follows",
      (items) => items.find(({ to }) => to === phone),
    );
    assert.deepEqual(
      world.twilio.texts.items.filter(({ to }) => to === phone).map(({ body }) => body),
      ["After"],
      what,
    );
  }
});

Deno.test("a rate limit of a few seconds ended a text that Twilio surely had not taken", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store, { WEBHOOK_RETRY_S: "0.5,0.5,0.5,0.5,0.5,0.5" });
  const session = world.freshSession();
  await acceptWithPhone(world, session);
  const untilMs = performance.now() + 3_000;
  world.twilio.answer("One", () => performance.now() < untilMs ? twilioError(429, 20429) : null);
  await world.notify(newMessages(session, agentText(1, "One"), agentText(2, "Two")));
  await world.twilio.asked("Two", 10_000);
  const deliveries = await deliveriesOf(
    world,
    session,
    ({ status }) => status === "delivered",
    2,
  );
  assert.deepEqual(deliveries.map(({ status }) => status), ["delivered", "delivered"]);
  const order = world.twilio.texts.items.map(({ body }) => body);
  assert.equal(order.at(-1), "Two", "what follows waits behind it");
  assert.equal(order.indexOf("Two"), order.length - 1);
});

Deno.test("a full queue at Twilio, or an odd Retry-After, ended a text that it surely had not taken", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store, { WEBHOOK_RETRY_S: "0.5,0.5,0.5,0.5,0.5,0.5" });
  const inOneSecond = new Date(Date.now() + 1_000).toUTCString();
  const refusals = [
    ["a full queue", () => twilioError(400, 21611)],
    ["the account's limit", () => twilioError(400, 63017)],
    ...["0", "-5", "1.5", "soon", inOneSecond].map((retryAfter) =>
      [
        `Retry-After ${retryAfter}`,
        () => twilioError(429, 20429, { "retry-after": retryAfter }),
      ] as const
    ),
    ["no code", () => new Response("<html>", { status: 429 })],
  ] as const;
  const told = [];
  for (const [what, refusal] of refusals) {
    const session = world.freshSession();
    await acceptWithPhone(world, session);
    const untilMs = performance.now() + 1_600;
    world.twilio.answer(what, () => performance.now() < untilMs ? refusal() : null);
    await world.notify(newMessages(session, agentText(1, what)));
    told.push({ what, session });
  }
  for (const { what, session } of told) {
    const isOver = ({ status }: { status: string }) => ["delivered", "dead"].includes(status);
    const [text] = await deliveriesOf(world, session, isOver);
    assert.equal(text?.status, "delivered", what);
  }
});
