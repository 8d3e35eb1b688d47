import assert from "node:assert/strict";
import { ingressRoutes } from "../../routes/ingress.ts";
import { StoreUnavailable } from "../../services/errors.ts";
import { createIds } from "../../services/support/ids.ts";
import type { Store } from "../../services/store/port/store.ts";
import { composePublisher } from "../../composition/publisher.ts";
import { openSqliteStore } from "../../services/store/sqlite/store.ts";
import { agentTexts, seedText, statusChange } from "../services/contact_centre/dialect/samples.ts";
import { POLICY } from "../support/drafts.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { createVirtualClock } from "../support/virtual_clock.ts";
import { openGuards } from "../support/open_guards.ts";
import { appOf, problemOf } from "./management_app.ts";

const TOKEN = "a token of the contact centre";
const BEARER = TOKEN.replaceAll(" ", "-");

/** The route over a real store. */
function setUp(
  { token = BEARER, change = {} }: { token?: string | null; change?: Partial<Store> } = {},
) {
  const store = openSqliteStore({ path: ":memory:", sync: "normal", policy: POLICY });
  const clock = createVirtualClock();
  const publisher = composePublisher({
    store: { ...store, ...change },
    clock,
    ids: createIds(),
    log: createMemoryLog(),
    smsEnabled: true,
    onPublished: () => {},
  });
  const guards = openGuards({ clock });
  const app = appOf(ingressRoutes({ token, guards, publisher }));
  return {
    post: (body: BodyInit, headers: Record<string, string> = {}) =>
      app.request("/ingress/notifications", {
        method: "POST",
        body,
        headers: {
          authorization: `Bearer ${BEARER}`,
          "content-type": "application/json",
          ...headers,
        },
      }),
    async events() {
      return (await store.listEvents({ limit: 100 })).items;
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}

for (
  const file of [
    "notification_1_status_change.json",
    "notification_2_participants_updated.json",
    "notification_3_new_messages.json",
  ]
) {
  Deno.test(`POST /ingress/notifications takes ${file}, and again as a duplicate`, async () => {
    await using world = setUp();
    const text = await seedText(file);
    const answer = await world.post(text);
    assert.equal(answer.status, 202);
    assert.deepEqual(await answer.json(), { accepted: 1, duplicates: 0 });
    const again = await world.post(text);
    assert.equal(again.status, 202);
    assert.deepEqual(await again.json(), { accepted: 0, duplicates: 1 });
    const [event] = await world.events();
    assert.deepEqual(JSON.parse(event?.dataJson ?? ""), { notification: JSON.parse(text) });
  });
}

Deno.test("one bad notification in a batch refuses it whole and names its place", async () => {
  await using world = setUp();
  const batch = [statusChange("Chatting"), agentTexts([1]), { notificationType: "StatusChange" }];
  const answer = await world.post(JSON.stringify(batch));
  assert.equal(answer.status, 400);
  const { code, detail } = await problemOf(answer);
  assert.equal(code, "invalid-body");
  assert.match(detail, /notification 3: expected a session id/);
  assert.deepEqual(await world.events(), []);
});

Deno.test("what was refused is no duplicate when it comes again in good order", async () => {
  await using world = setUp();
  const good = agentTexts([1]);
  await (await world.post(JSON.stringify([good, {}]))).body?.cancel();
  const answer = await world.post(JSON.stringify(good));
  assert.deepEqual(await answer.json(), { accepted: 1, duplicates: 0 });
});

Deno.test("numbers that JavaScript cannot hold and members named __proto__ reach the store as sent", async () => {
  await using world = setUp();
  const text = `{"smssession":{"id":"x","__proto__":{"a":12345678901234567890}},"r":17.0,"z":-0}`;
  assert.equal((await world.post(text)).status, 202);
  const [event] = await world.events();
  assert.equal(event?.dataJson, `{"notification":${text}}`);
});

Deno.test("CometD framing goes in, its meta messages do not", async () => {
  await using world = setUp();
  const answer = await world.post(JSON.stringify([
    { channel: "/meta/connect", successful: true },
    { channel: "/v2/me/smssessions", data: statusChange("Chatting") },
  ]));
  assert.deepEqual(await answer.json(), { accepted: 1, duplicates: 0 });
});

Deno.test("without NOTIFICATIONS_TOKEN there is no ingress", async () => {
  await using world = setUp({ token: null });
  const answer = await world.post("{}");
  assert.equal(answer.status, 404);
  assert.equal((await problemOf(answer)).code, "not-found");
});

const REFUSED: [string, string, string][] = [
  ["no header", "", 'Bearer realm="notifications"'],
  ["another scheme", `Basic ${BEARER}`, 'Bearer realm="notifications"'],
  ["no token after the scheme", "Bearer ", 'Bearer realm="notifications"'],
  ["two tokens", `Bearer ${BEARER} ${BEARER}`, 'Bearer realm="notifications"'],
  ["a wrong token", "Bearer wrong", 'Bearer realm="notifications", error="invalid_token"'],
  [
    "the token's beginning",
    `Bearer ${BEARER.slice(0, -1)}`,
    'Bearer realm="notifications", error="invalid_token"',
  ],
];

for (const [what, authorization, challenge] of REFUSED) {
  Deno.test(`POST /ingress/notifications answers 401 to ${what}`, async () => {
    await using world = setUp();
    const answer = await world.post(JSON.stringify(statusChange("A")), { authorization });
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get("www-authenticate"), challenge);
    assert.equal((await problemOf(answer)).code, "unauthenticated");
    assert.deepEqual(await world.events(), []);
  });
}

Deno.test("the bearer scheme is taken in any case", async () => {
  await using world = setUp();
  const answer = await world.post(JSON.stringify(statusChange("A")), {
    authorization: `bearer ${BEARER}`,
  });
  assert.equal(answer.status, 202);
});

Deno.test("a body of 1 MiB is read and one byte more is 413", async () => {
  await using world = setUp();
  const text = JSON.stringify(statusChange("A"));
  const padded = text + " ".repeat(1024 * 1024 - text.length);
  assert.equal((await world.post(padded)).status, 202);
  const answer = await world.post(`${padded} `);
  assert.equal(answer.status, 413);
  assert.equal((await problemOf(answer)).code, "body-too-large");
});

Deno.test("a stranger's body is not even read", async () => {
  await using world = setUp();
  const answer = await world.post("not JSON", { authorization: "Bearer wrong" });
  assert.equal(answer.status, 401);
});

Deno.test("when the store is down it answers 503, not 202", async () => {
  await using world = setUp({
    change: { publish: () => Promise.reject(new StoreUnavailable("publish events")) },
  });
  const answer = await world.post(JSON.stringify(statusChange("A")));
  assert.equal(answer.status, 503);
  assert.ok(answer.headers.get("retry-after"));
  assert.equal((await problemOf(answer)).code, "store-unavailable");
});
