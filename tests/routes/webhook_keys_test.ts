import assert from "node:assert/strict";
import { webhookKeyRoutes } from "../../routes/webhook_keys.ts";
import { createTestWebhooks } from "../support/webhooks.ts";
import { appOf } from "./management_app.ts";

const PATH = "/.well-known/webhook-keys";
const DAY_MS = 86_400_000;
const url = "https://hook.test/in";

Deno.test("the keys of webhooks that sign v1a are open to all, and may be kept for five minutes", async () => {
  await using bench = createTestWebhooks();
  const { webhooks } = bench;
  const app = appOf(webhookKeyRoutes(bench));
  const { webhook: asymmetric } = await webhooks.create({ url, signing: ["v1a"] });
  await webhooks.create({ url });
  const { webhook: both } = await webhooks.create({ url, signing: ["v1", "v1a"] });
  await webhooks.disable(both.id, "a test");

  const answer = await app.request(PATH);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("cache-control"), "public, max-age=300");
  const keysOf = ({ id, publicKeys }: typeof both) => ({
    webhookId: id,
    publicKeys: publicKeys.map(({ key }) => key),
  });
  const body = await answer.json();
  assert.deepEqual(body, { data: [keysOf(asymmetric), keysOf(both)] });
  assert.match(asymmetric.publicKeys[0]?.key ?? "", /^whpk_[A-Za-z0-9+/]{43}=$/);
});

Deno.test("a rotated key is told for as long as it signs, after the new one", async () => {
  await using bench = createTestWebhooks();
  const { webhooks, clock } = bench;
  const app = appOf(webhookKeyRoutes(bench));
  const { webhook } = await webhooks.create({ url, signing: ["v1a"] });
  const { webhook: rotated } = await webhooks.rotateSecret(webhook.id);
  const [newKey] = rotated.publicKeys;
  const [oldKey] = webhook.publicKeys;
  const keys = async () => (await (await app.request(PATH)).json()).data[0].publicKeys;

  clock.advance(DAY_MS - 1);
  assert.deepEqual(await keys(), [newKey?.key, oldKey?.key]);
  clock.advance(1);
  assert.deepEqual(await keys(), [newKey?.key]);
});

Deno.test("without any such webhook the list is empty", async () => {
  await using bench = createTestWebhooks();
  await bench.webhooks.create({ url });
  const answer = await appOf(webhookKeyRoutes(bench)).request(PATH);
  assert.deepEqual(await answer.json(), { data: [] });
});
