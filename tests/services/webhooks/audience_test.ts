import assert from "node:assert/strict";
import { webhookRecord } from "../../support/webhook_record.ts";
import { webhookCandidates } from "../../../services/webhooks/audience.ts";
import type { Webhook } from "../../../services/webhooks/webhook.ts";

const idsFor = (type: string, webhooks: readonly Webhook[]) =>
  webhookCandidates({ type }, webhooks).map(({ id }) => id);

Deno.test("a webhook is a candidate when any of its patterns takes in the event's type", () => {
  const webhooks = [
    webhookRecord("wh_all"),
    webhookRecord("wh_exact", { eventTypes: ["sms.sent", "session.accepted"] }),
    webhookRecord("wh_prefix", { eventTypes: ["session.*"] }),
    webhookRecord("wh_other", { eventTypes: ["customer.*"] }),
  ];
  assert.deepEqual(idsFor("session.accepted", webhooks), ["wh_all", "wh_exact", "wh_prefix"]);
  assert.deepEqual(idsFor("customer.opted_out", webhooks), ["wh_all", "wh_other"]);
});

Deno.test("a candidate says whose events it wants and whether they keep their order", () => {
  const webhooks = [
    webhookRecord("wh_1", { agentIds: ["agent-1"], ordering: "none" }),
    webhookRecord("wh_2"),
  ];
  assert.deepEqual(webhookCandidates({ type: "sms.sent" }, webhooks), [
    { id: "wh_1", agentIds: ["agent-1"], ordered: false, held: false },
    { id: "wh_2", agentIds: null, ordered: true, held: false },
  ]);
});

Deno.test("for a disabled webhook what it asked for is held, and nothing else is", () => {
  const disabled = webhookRecord("wh_1", {
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
    webhookRecord("wh_1"),
    webhookRecord("wh_2", { eventTypes: ["webhook.ping", "webhook.*"] }),
  ];
  assert.deepEqual(idsFor("webhook.ping", webhooks), []);
  assert.deepEqual(idsFor("webhook.disabled", webhooks), ["wh_1", "wh_2"]);
});
