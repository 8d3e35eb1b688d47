import assert from "node:assert/strict";
import { webhookCandidates } from "../../../services/webhooks/audience.ts";
import type { Webhook } from "../../../services/webhooks/webhook.ts";

function webhook(id: string, changes: Partial<Webhook> = {}): Webhook {
  return {
    id,
    url: "https://hook.test/",
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
    createdAtMs: 0,
    updatedAtMs: 0,
    sealedCredentials: "",
    ...changes,
  };
}

const idsFor = (type: string, webhooks: readonly Webhook[]) =>
  webhookCandidates({ type }, webhooks).map(({ id }) => id);

Deno.test("a webhook is a candidate when any of its patterns takes in the event's type", () => {
  const webhooks = [
    webhook("wh_all"),
    webhook("wh_exact", { eventTypes: ["sms.sent", "session.accepted"] }),
    webhook("wh_prefix", { eventTypes: ["session.*"] }),
    webhook("wh_other", { eventTypes: ["customer.*"] }),
  ];
  assert.deepEqual(idsFor("session.accepted", webhooks), ["wh_all", "wh_exact", "wh_prefix"]);
  assert.deepEqual(idsFor("customer.opted_out", webhooks), ["wh_all", "wh_other"]);
});

Deno.test("a candidate says whose events it wants and whether they keep their order", () => {
  const webhooks = [
    webhook("wh_1", { agentIds: ["agent-1"], ordering: "none" }),
    webhook("wh_2"),
  ];
  assert.deepEqual(webhookCandidates({ type: "sms.sent" }, webhooks), [
    { id: "wh_1", agentIds: ["agent-1"], ordered: false, held: false },
    { id: "wh_2", agentIds: null, ordered: true, held: false },
  ]);
});

Deno.test("for a disabled webhook what it asked for is held, and nothing else is", () => {
  const disabled = webhook("wh_1", {
    eventTypes: ["session.*"],
    disabled: { reason: "410", atMs: 0 },
  });
  assert.deepEqual(webhookCandidates({ type: "session.accepted" }, [disabled]), [
    { id: "wh_1", agentIds: null, ordered: true, held: true },
  ]);
  assert.deepEqual(idsFor("sms.sent", [disabled]), []);
});

Deno.test("a ping is taken in by no pattern, as it is for one webhook alone", () => {
  const webhooks = [
    webhook("wh_1"),
    webhook("wh_2", { eventTypes: ["webhook.ping", "webhook.*"] }),
  ];
  assert.deepEqual(idsFor("webhook.ping", webhooks), []);
  assert.deepEqual(idsFor("webhook.disabled", webhooks), ["wh_1", "wh_2"]);
});
