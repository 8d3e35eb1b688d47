import assert from "node:assert/strict";
import { NotFound, StoreUnavailable, WebhookUrlRefused } from "../../../services/errors.ts";
import { liveSecrets } from "../../../services/webhooks/credentials.ts";
import { createTestGuard } from "../../support/egress_guard.ts";
import { createTestWebhooks } from "../../support/webhooks.ts";

const URL_TEXT = "https://hook.test/in";
const DAY_MS = 86_400_000;

Deno.test("a webhook is registered with the contract's defaults and a secret of its own", async () => {
  await using bench = createTestWebhooks();
  const { webhook, secret } = await bench.webhooks.create({ url: URL_TEXT });
  const { id, sealedCredentials: _, ...rest } = webhook;
  assert.match(id, /^wh_[0-9A-HJKMNP-TV-Z]{26}$/);
  assert.match(secret ?? "", /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.deepEqual(rest, {
    url: URL_TEXT,
    eventTypes: ["*"],
    agentIds: null,
    ordering: "session",
    payload: "full",
    signing: ["v1"],
    publicKeys: [],
    headerNames: [],
    rateLimit: null,
    concurrency: 10,
    description: null,
    disabled: null,
    enabledAtMs: null,
    recovery: null,
    previousSecretUntilMs: null,
    createdAtMs: bench.clock.now(),
    updatedAtMs: bench.clock.now(),
  });
  assert.deepEqual(await bench.webhooks.read(id), webhook);

  const second = await bench.webhooks.create({ url: URL_TEXT });
  assert.notEqual(second.secret, secret);
});

Deno.test("nothing secret is in the store in the clear", async () => {
  await using bench = createTestWebhooks();
  const { webhook, secret } = await bench.webhooks.create({
    url: URL_TEXT,
    signing: ["v1", "v1a"],
    headers: { authorization: "Bearer s3cret" },
  });
  const [entry] = (await bench.store.listWebhooks()).webhooks;
  assert.ok(entry !== undefined && secret !== null);
  for (const text of [secret, secret.slice(6), "whsk_", "s3cret"]) {
    assert.ok(!entry.json.includes(text), text);
  }
  const credentials = await bench.webhooks.readCredentials(webhook);
  assert.equal(liveSecrets(credentials, 0)[0], secret);
  assert.deepEqual(credentials.headers, { authorization: "Bearer s3cret" });
});

Deno.test("a webhook with v1a alone has a public key and no secret to show", async () => {
  await using bench = createTestWebhooks();
  const { webhook, secret } = await bench.webhooks.create({ url: URL_TEXT, signing: ["v1a"] });
  assert.equal(secret, null);
  assert.match(webhook.publicKeys[0]?.key ?? "", /^whpk_/);
});

Deno.test("the egress guard judges the URL at registering and at changing, and its spelling is kept", async () => {
  const { judgeUrl } = await createTestGuard();
  await using bench = createTestWebhooks({ judgeUrl });
  const { webhooks, store } = bench;
  await assert.rejects(webhooks.create({ url: "http://127.0.0.1/" }), WebhookUrlRefused);
  await assert.rejects(webhooks.create({ url: "no url" }), WebhookUrlRefused);
  assert.equal((await store.listWebhooks()).webhooks.length, 0);

  const { webhook } = await webhooks.create({ url: "https://HOOK.example.com" });
  assert.equal(webhook.url, "https://hook.example.com/");
  const changed = webhooks.patch(webhook.id, { url: "https://10.0.0.1/" });
  await assert.rejects(changed, WebhookUrlRefused);
  assert.equal((await webhooks.read(webhook.id)).url, "https://hook.example.com/");
});

Deno.test("a change touches what it names and nothing else", async () => {
  await using bench = createTestWebhooks();
  const { webhooks, clock } = bench;
  const { webhook } = await webhooks.create({
    url: URL_TEXT,
    description: "before",
    agentIds: ["agent-1"],
    headers: { "x-tenant": "acme" },
  });
  clock.advance(1_000);
  const changed = await webhooks.patch(webhook.id, { description: null, payload: "thin" });
  assert.equal(changed.secret, null);
  const { sealedCredentials: _, ...expected } = webhook;
  const { sealedCredentials: __, ...actual } = changed.webhook;
  assert.deepEqual(actual, {
    ...expected,
    description: null,
    payload: "thin",
    updatedAtMs: clock.now(),
  });
  assert.deepEqual(
    await webhooks.readCredentials(changed.webhook),
    await webhooks.readCredentials(webhook),
  );
});

Deno.test("headers are replaced as a whole", async () => {
  await using bench = createTestWebhooks();
  const { webhooks } = bench;
  const { webhook } = await webhooks.create({ url: URL_TEXT, headers: { "x-a": "1", "x-b": "2" } });
  const { webhook: changed } = await webhooks.patch(webhook.id, { headers: { "x-c": "3" } });
  assert.deepEqual(changed.headerNames, ["x-c"]);
  assert.deepEqual((await webhooks.readCredentials(changed)).headers, { "x-c": "3" });
});

Deno.test("a signing scheme that is added gets a key, shown if it is a secret to share", async () => {
  await using bench = createTestWebhooks();
  const { webhooks } = bench;
  const { webhook: { id } } = await webhooks.create({ url: URL_TEXT, signing: ["v1a"] });
  const both = await webhooks.patch(id, { signing: ["v1", "v1a"] });
  assert.match(both.secret ?? "", /^whsec_/);
  assert.equal(both.webhook.publicKeys.length, 1);
  const symmetric = await webhooks.patch(id, { signing: ["v1"] });
  assert.equal(symmetric.secret, null);
  assert.deepEqual(symmetric.webhook.publicKeys, []);
});

Deno.test("rotating gives a new secret and keeps the old one for 24 hours", async () => {
  await using bench = createTestWebhooks();
  const { webhooks, clock } = bench;
  const before = await webhooks.create({ url: URL_TEXT, signing: ["v1", "v1a"] });
  const after = await webhooks.rotateSecret(before.webhook.id);
  assert.ok(after.secret !== null && after.secret !== before.secret);
  assert.equal(after.webhook.previousSecretUntilMs, clock.now() + DAY_MS);
  const [newKey, oldKey] = after.webhook.publicKeys;
  assert.deepEqual(oldKey, {
    key: before.webhook.publicKeys[0]?.key,
    untilMs: clock.now() + DAY_MS,
  });
  assert.equal(newKey?.untilMs, null);

  const credentials = await webhooks.readCredentials(after.webhook);
  assert.ok(liveSecrets(credentials, clock.now()).includes(before.secret ?? ""));
  assert.ok(!liveSecrets(credentials, clock.now() + DAY_MS).includes(before.secret ?? ""));
});

Deno.test("changes of one webhook that cross are applied one after the other", async () => {
  await using bench = createTestWebhooks();
  const { webhooks, clock } = bench;
  const { webhook: { id } } = await webhooks.create({ url: URL_TEXT });
  const [rotated] = await Promise.all([
    webhooks.rotateSecret(id),
    webhooks.disable(id, "410"),
    webhooks.patch(id, { description: "patched" }),
  ]);
  const webhook = await webhooks.read(id);
  assert.equal(webhook.description, "patched");
  assert.equal(webhook.disabled?.reason, "410");
  const [first] = liveSecrets(await webhooks.readCredentials(webhook), clock.now());
  assert.equal(first, rotated.secret);
});

Deno.test("a webhook is disabled once, with the reason and the time, and enabled again", async () => {
  await using bench = createTestWebhooks();
  const { webhooks, clock } = bench;
  const { webhook: { id } } = await webhooks.create({ url: URL_TEXT });
  assert.equal(await webhooks.disable(id, "410"), true);
  assert.equal(await webhooks.disable(id, "again"), false);
  assert.deepEqual((await webhooks.read(id)).disabled, { reason: "410", atMs: clock.now() });
  assert.equal((await webhooks.enable(id)).disabled, null);
  assert.equal((await webhooks.enable(id)).disabled, null);
  assert.equal(await webhooks.disable("wh_unknown", "410"), false);
});

Deno.test("a ping goes to its own webhook alone, disabled or not, whatever it asked for", async () => {
  await using bench = createTestWebhooks();
  const { webhooks, store } = bench;
  const { webhook: { id } } = await webhooks.create({ url: URL_TEXT, eventTypes: ["sms.sent"] });
  await webhooks.create({ url: URL_TEXT });
  await webhooks.disable(id, "410");

  const eventId = await webhooks.ping(id);

  const { items } = await store.listDeliveries({ limit: 10 });
  assert.deepEqual(
    items.map(({ sinkId, eventType, status }) => ({ sinkId, eventType, status })),
    [{ sinkId: id, eventType: "webhook.ping", status: "pending" }],
  );
  const event = await store.readEvent(eventId);
  assert.equal(event?.sessionId, null);
  assert.deepEqual(JSON.parse(event?.dataJson ?? ""), { webhookId: id });
});

Deno.test("lists go by id, in pages that neither skip nor repeat", async () => {
  await using bench = createTestWebhooks();
  const { webhooks } = bench;
  const ids: string[] = [];
  for (let count = 0; count < 5; count++) {
    ids.push((await webhooks.create({ url: URL_TEXT })).webhook.id);
  }
  const seen: string[] = [];
  let page = await webhooks.list({ limit: 2 });
  seen.push(...page.items.map(({ id }) => id));
  while (page.nextCursor !== null) {
    page = await webhooks.list({ limit: 2, cursor: page.nextCursor });
    seen.push(...page.items.map(({ id }) => id));
  }
  assert.deepEqual(seen, ids);
  assert.equal((await webhooks.list({ limit: 5 })).nextCursor, null);
});

Deno.test("what is asked of a webhook that is not there is NotFound", async () => {
  await using bench = createTestWebhooks();
  const { webhooks } = bench;
  const { webhook: { id } } = await webhooks.create({ url: URL_TEXT });
  await webhooks.delete(id);
  assert.equal(await webhooks.get(id), null);
  await assert.rejects(webhooks.delete(id), NotFound);
  await assert.rejects(webhooks.read(id), NotFound);
  await assert.rejects(webhooks.patch(id, {}), NotFound);
  await assert.rejects(webhooks.rotateSecret(id), NotFound);
  await assert.rejects(webhooks.enable(id), NotFound);
  await assert.rejects(webhooks.ping(id), NotFound);
});

Deno.test("own changes show to deliveries at once, those of another instance within two seconds", async () => {
  await using bench = createTestWebhooks();
  const { webhooks, clock } = bench;
  const other = bench.another();
  const { webhook: { id } } = await webhooks.create({ url: URL_TEXT });
  await other.get(id);
  await webhooks.patch(id, { payload: "thin" });
  assert.equal((await webhooks.get(id))?.payload, "thin");
  assert.equal((await other.get(id))?.payload, "full");
  clock.advance(2_000);
  assert.equal((await other.get(id))?.payload, "thin");
});

Deno.test("a store that is down is StoreUnavailable, and nothing is answered as done", async () => {
  const bench = createTestWebhooks();
  await bench.store.close();
  await assert.rejects(bench.webhooks.create({ url: URL_TEXT }), StoreUnavailable);
  await assert.rejects(bench.webhooks.list({ limit: 1 }), StoreUnavailable);
});
