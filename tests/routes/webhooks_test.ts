import assert from "node:assert/strict";
import { webhookRoutes } from "../../routes/webhooks.ts";
import { draft, publish, webhook } from "../support/drafts.ts";
import { createTestWebhooks } from "../support/webhooks.ts";
import { appOf, createTestGuards, problemOf } from "./management_app.ts";

const URL_TEXT = "https://hook.test/in";

async function setUp() {
  const { guards, as } = await createTestGuards();
  const bench = createTestWebhooks();
  const app = appOf(webhookRoutes({ webhooks: bench.webhooks, guards, clock: bench.clock }));
  const writer = await as("agent-1", "webhooks:read", "webhooks:write");
  const reader = await as("agent-2", "webhooks:read");

  function send(
    method: string,
    path: string,
    { body, headers = writer }: { body?: unknown; headers?: Record<string, string> } = {},
  ) {
    const init = body === undefined
      ? { method, headers }
      : { method, headers, body: typeof body === "string" ? body : JSON.stringify(body) };
    return app.request(`/v1/webhooks${path}`, init);
  }

  return {
    ...bench,
    reader,
    send,
    async create(body: Record<string, unknown> = {}) {
      const answer = await send("POST", "", { body: { url: URL_TEXT, ...body } });
      assert.equal(answer.status, 201);
      return await answer.json();
    },
  };
}

Deno.test("POST answers 201 with the id, the secret and where the webhook is", async () => {
  await using world = await setUp();
  const answer = await world.send("POST", "", {
    body: { url: URL_TEXT, headers: { Authorization: "Bearer s3cret" }, rateLimit: "5/s" },
  });
  assert.equal(answer.status, 201);
  const { id, secret, ...rest } = await answer.json();
  assert.equal(answer.headers.get("location"), `/v1/webhooks/${id}`);
  assert.match(id, /^wh_/);
  assert.match(secret, /^whsec_/);
  const now = new Date(world.clock.now()).toISOString();
  assert.deepEqual(rest, {
    url: URL_TEXT,
    eventTypes: ["*"],
    agentIds: null,
    ordering: "session",
    payload: "full",
    signing: ["v1"],
    publicKeys: [],
    headers: { authorization: "***" },
    rateLimit: "5/s",
    concurrency: 10,
    description: null,
    status: "enabled",
    disabledReason: null,
    disabledAt: null,
    previousSecretUntil: null,
    recovery: null,
    createdAt: now,
    updatedAt: now,
  });
});

Deno.test("no read and no change shows a secret again", async () => {
  await using world = await setUp();
  const { id, secret, ...rest } = await world.create({ signing: ["v1", "v1a"] });
  const read = await world.send("GET", `/${id}`);
  assert.deepEqual(await read.json(), { id, ...rest });
  const patched = await world.send("PATCH", `/${id}`, { body: { payload: "thin" } });
  const texts = [
    await patched.text(),
    await (await world.send("GET", "")).text(),
    await (await world.send("POST", `/${id}/enable`)).text(),
  ];
  for (const text of texts) {
    assert.ok(!text.includes(secret) && !text.includes("whsec_") && !text.includes("whsk_"), text);
    assert.ok(text.includes("whpk_"));
  }
});

Deno.test("GET lists in pages, and is open to those who may only read", async () => {
  await using world = await setUp();
  const first = await world.create();
  const second = await world.create();
  const headers = world.reader;
  const page = await (await world.send("GET", "?limit=1", { headers })).json();
  assert.deepEqual(page.data.map(({ id }: { id: string }) => id), [first.id]);
  const next = await world.send("GET", `?limit=1&cursor=${page.nextCursor}`, { headers });
  const { data, nextCursor } = await next.json();
  assert.deepEqual(data.map(({ id }: { id: string }) => id), [second.id]);
  assert.equal(nextCursor, null);
});

Deno.test("PATCH answers the webhook as it is now", async () => {
  await using world = await setUp();
  const { id } = await world.create();
  const answer = await world.send("PATCH", `/${id}`, { body: { eventTypes: ["session.*"] } });
  assert.equal(answer.status, 200);
  const webhook = await answer.json();
  assert.deepEqual(webhook.eventTypes, ["session.*"]);
  assert.ok(!("secret" in webhook));
});

Deno.test("DELETE answers 204, and the webhook is gone", async () => {
  await using world = await setUp();
  const { id } = await world.create();
  const answer = await world.send("DELETE", `/${id}`);
  assert.equal(answer.status, 204);
  assert.equal(await answer.text(), "");
  assert.equal((await problemOf(await world.send("GET", `/${id}`))).code, "not-found");
  assert.equal((await problemOf(await world.send("DELETE", `/${id}`))).code, "not-found");
});

Deno.test("rotate-secret answers the new secret once, and until when the old one signs too", async () => {
  await using world = await setUp();
  const { id, secret } = await world.create();
  const answer = await world.send("POST", `/${id}/rotate-secret`);
  assert.equal(answer.status, 200);
  const rotated = await answer.json();
  assert.match(rotated.secret, /^whsec_/);
  assert.notEqual(rotated.secret, secret);
  const until = new Date(world.clock.now() + 86_400_000).toISOString();
  assert.equal(rotated.previousSecretUntil, until);

  world.clock.advance(86_400_000);
  const { previousSecretUntil } = await (await world.send("GET", `/${id}`, {})).json();
  assert.equal(previousSecretUntil, null);
});

Deno.test("ping answers 202 with the event's id, enable 200 with the webhook enabled", async () => {
  await using world = await setUp();
  const { id } = await world.create();
  const ping = await world.send("POST", `/${id}/ping`);
  assert.equal(ping.status, 202);
  const { eventId } = await ping.json();
  assert.equal((await world.store.readEvent(eventId))?.type, "webhook.ping");

  await world.webhooks.disable(id, "its URL answered 410 Gone");
  const disabled = await (await world.send("GET", `/${id}`)).json();
  assert.equal(disabled.status, "disabled");
  assert.equal(disabled.disabledReason, "its URL answered 410 Gone");
  assert.equal(disabled.disabledAt, new Date(world.clock.now()).toISOString());
  const enabled = await world.send("POST", `/${id}/enable`);
  assert.equal(enabled.status, 200);
  assert.equal((await enabled.json()).status, "enabled");
});

Deno.test("recover counts in a dry run, and else answers 202 with the job, which GET shows too", async () => {
  await using world = await setUp();
  const { id } = await world.create();
  const occurredAtMs = world.clock.now() - 60_000;
  await publish(world.store, [draft({ occurredAtMs, webhooks: [webhook(id, { held: true })] })]);
  const body = { since: "2026-11-22T10:00:00+01:00", until: "2026-11-22T09:59:30Z" };
  const times = { since: "2026-11-22T09:00:00.000Z", until: "2026-11-22T09:59:30.000Z" };

  const dry = await world.send("POST", `/${id}/recover`, { body: { ...body, dryRun: true } });
  assert.equal(dry.status, 200);
  assert.deepEqual(await dry.json(), { ...times, count: 1 });
  const before = await (await world.send("GET", `/${id}`)).json();
  assert.equal(before.recovery, null);

  const answer = await world.send("POST", `/${id}/recover`, { body });
  assert.equal(answer.status, 202);
  const now = new Date(world.clock.now()).toISOString();
  const job = { ...times, total: 1, requeued: 0, state: "running", startedAt: now, updatedAt: now };
  assert.deepEqual(await answer.json(), job);

  await world.webhooks.settled();
  const after = await (await world.send("GET", `/${id}`)).json();
  assert.deepEqual(after.recovery, { ...job, requeued: 1, state: "done" });
  assert.equal(after.updatedAt, before.updatedAt);
});

const BAD_RECOVERIES: readonly [body: unknown, code: string, detail: RegExp][] = [
  ["[]", "invalid-body", /JSON object/],
  [{}, "invalid-parameter", /^Cannot do without since/],
  [{ since: "2026-11-01T00:00:00Z" }, "invalid-parameter", /within the last 604800 s/],
  [{ since: "2026-11-23T00:00:00Z" }, "invalid-parameter", /before until and before now/],
];

for (const [body, code, detail] of BAD_RECOVERIES) {
  Deno.test(`recover with ${JSON.stringify(body)} is ${code}`, async () => {
    await using world = await setUp();
    const { id } = await world.create();
    const answer = await world.send("POST", `/${id}/recover`, { body });
    assert.equal(answer.status, 400);
    const problem = await problemOf(answer);
    assert.equal(problem.code, code);
    assert.match(problem.detail, detail);
  });
}

Deno.test("recover of a disabled webhook is invalid-parameter and says to enable it", async () => {
  await using world = await setUp();
  const { id } = await world.create();
  await world.webhooks.disable(id, "a test");
  const body = { since: "2026-11-22T09:00:00Z" };
  const problem = await problemOf(await world.send("POST", `/${id}/recover`, { body }));
  assert.equal(problem.code, "invalid-parameter");
  assert.match(problem.detail, /expected it to be enabled first/);
});

const BAD_BODIES: readonly [body: unknown, status: number, code: string, detail: RegExp][] = [
  ["{", 400, "invalid-body", /does not parse/],
  ["[]", 400, "invalid-body", /JSON object/],
  [{}, 400, "invalid-parameter", /^Cannot do without url/],
  [{ url: URL_TEXT, evenTypes: ["*"] }, 400, "invalid-parameter", /^Cannot use evenTypes/],
  [{ url: URL_TEXT, ordering: 5 }, 400, "invalid-parameter", /^Cannot use ordering=5/],
  [{ url: "nowhere" }, 422, "webhook-url-refused", /URL/],
  [{ url: "x".repeat(70_000) }, 413, "body-too-large", /65536/],
];

for (const [body, status, code, detail] of BAD_BODIES) {
  Deno.test(`POST of ${JSON.stringify(body).slice(0, 50)} is ${status} ${code}`, async () => {
    await using world = await setUp();
    const answer = await world.send("POST", "", { body });
    assert.equal(answer.status, status);
    const problem = await problemOf(answer);
    assert.equal(problem.code, code);
    assert.match(problem.detail, detail);
    assert.equal((await world.store.listWebhooks()).webhooks.length, 0);
  });
}

const WRITES: readonly [method: string, path: string, body?: unknown][] = [
  ["POST", "", { url: URL_TEXT }],
  ["PATCH", "/wh_1", {}],
  ["DELETE", "/wh_1"],
  ["POST", "/wh_1/rotate-secret"],
  ["POST", "/wh_1/ping"],
  ["POST", "/wh_1/enable"],
  ["POST", "/wh_1/recover", { since: "2026-11-22T09:00:00Z" }],
];

for (const [method, path, body] of WRITES) {
  Deno.test(`${method} /v1/webhooks${path} needs webhooks:write, and a token at all`, async () => {
    await using world = await setUp();
    const forbidden = await world.send(method, path, { body, headers: world.reader });
    assert.equal(forbidden.status, 403);
    assert.equal((await problemOf(forbidden)).code, "insufficient-scope");
    const anonymous = await world.send(method, path, { body, headers: {} });
    assert.equal(anonymous.status, 401);
    await anonymous.body?.cancel();
  });
}

for (const [method, path, body] of [...WRITES.slice(1), ["GET", "/wh_1"]] as typeof WRITES) {
  Deno.test(`${method} /v1/webhooks${path} is 404 where there is no such webhook`, async () => {
    await using world = await setUp();
    const answer = await world.send(method, path, { body });
    assert.equal(answer.status, 404);
    assert.equal((await problemOf(answer)).code, "not-found");
  });
}
