import assert from "node:assert/strict";
import {
  decodeWebhook,
  DEFAULTS,
  encodeWebhook,
  type Webhook,
} from "../../../services/webhooks/webhook.ts";

const WEBHOOK: Webhook = {
  ...DEFAULTS,
  id: "wh_1",
  url: "https://hook.test/",
  eventTypes: ["session.*"],
  agentIds: ["agent-1"],
  ordering: "none",
  payload: "thin",
  signing: ["v1", "v1a"],
  publicKeys: [{ key: "whpk_x", untilMs: null }],
  headerNames: ["x-tenant"],
  rateLimit: "5/s",
  concurrency: 5,
  description: "for tests",
  disabled: { reason: "410", atMs: 5 },
  enabledAtMs: 4,
  recovery: {
    statuses: ["dead", "held"],
    sinceMs: 1,
    untilMs: 2,
    total: 9,
    requeued: 3,
    state: "stopped",
    cursor: "dlv_x",
    runner: "token",
    startedAtMs: 3,
    updatedAtMs: 4,
  },
  previousSecretUntilMs: 7,
  createdAtMs: 1,
  updatedAtMs: 2,
  sealedCredentials: "sealed",
};

Deno.test("a webhook comes back from the registry as it went in", () => {
  assert.deepEqual(decodeWebhook(encodeWebhook(WEBHOOK)), WEBHOOK);
});

Deno.test("a record from before there were limits and recoveries has their defaults", () => {
  const { concurrency: _, enabledAtMs: __, recovery: ___, id, ...older } = WEBHOOK;
  assert.deepEqual(decodeWebhook({ id, json: JSON.stringify(older) }), {
    ...WEBHOOK,
    concurrency: 10,
    enabledAtMs: null,
    recovery: null,
  });
});

Deno.test("a record that is not one is thrown, with the webhook and the member named", () => {
  const { json } = encodeWebhook(WEBHOOK);
  const broken = json.replace('"thin"', '"fat"');
  assert.throws(() => decodeWebhook({ id: "wh_1", json: broken }), /wh_1 .*: payload is not/);
  assert.throws(() => decodeWebhook({ id: "wh_1", json: "[]" }), TypeError);
});
