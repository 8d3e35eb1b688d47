import assert from "node:assert/strict";
import { Webhook as Verifier } from "standardwebhooks";
import { createSigner } from "../../../../services/webhooks/sending/signing.ts";
import {
  createWebhookSink,
  type WebhookSource,
} from "../../../../services/webhooks/sending/webhook_sink.ts";
import { StoreUnavailable } from "../../../../services/errors.ts";
import type { ClaimedDelivery } from "../../../../services/store/port/deliveries.ts";
import type { EventRecord } from "../../../../services/store/port/events.ts";
import { sealCredentials } from "../../../../services/webhooks/credentials.ts";
import { createDirectClient } from "../../../support/direct_client.ts";
import { createMemoryLog } from "../../../support/memory_log.ts";
import { createTestWebhooks, type TestWebhooks } from "../../../support/webhooks.ts";

const RETRY_WAITS_MS = [5_000, 30_000, 120_000];
const DAY_MS = 24 * 60 * 60 * 1_000;

const EVENT: EventRecord = {
  id: "evt_01",
  type: "session.messages_added",
  sessionId: "0000Na9B26EF002X",
  sequence: 7,
  agentId: "agent-1",
  occurredAtMs: Date.parse("2026-11-22T09:59:00.000Z"),
  dataJson: '{"notification":{"text":"Zoë 🛎️"}}',
};

interface Received {
  readonly headers: Headers;
  readonly body: string;
}

interface Bench extends AsyncDisposable, TestWebhooks {
  readonly received: readonly Received[];
  readonly log: ReturnType<typeof createMemoryLog>;
  /** Registers a webhook for the consumer; returns its id and secret. */
  register(members?: Record<string, unknown>): Promise<{ id: string; secret: string }>;
  attempt(
    sinkId: string,
    changes?: { attempt?: number; event?: Partial<EventRecord>; source?: Partial<WebhookSource> },
  ): ReturnType<ReturnType<typeof createWebhookSink>["attempt"]>;
}

/**
 * A sink with a real registry behind it and a real consumer before it, which answers by `answer`, `answersAfterMs` later
 * by the bench's clock.
 */
function startBench(
  answer: (received: Received) => Response = () => new Response(),
  { answersAfterMs = 0 } = {},
): Bench {
  const received: Received[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (r) => {
    const request = { headers: r.headers, body: await r.text() };
    received.push(request);
    return answer(request);
  });
  const parts = createTestWebhooks();
  const { webhooks, clock } = parts;
  const client = createDirectClient();
  const log = createMemoryLog();

  return {
    ...parts,
    received,
    log,
    async register(members = {}) {
      const url = `http://127.0.0.1:${server.addr.port}/hook`;
      const { webhook, secret } = await webhooks.create({ url, ...members });
      return { id: webhook.id, secret: secret ?? "" };
    },
    attempt(sinkId, { attempt = 1, event = {}, source = {} } = {}) {
      const sink = createWebhookSink({
        webhooks: { get: webhooks.get, disable: webhooks.disable, ...source },
        readCredentials: webhooks.readCredentials,
        signer: createSigner(),
        transport: (request, ending) => {
          clock.advance(answersAfterMs);
          return client.transport(request, ending);
        },
        clock,
        random: () => 0.5,
        log,
        timeoutMs: 15_000,
        retryWaitsMs: RETRY_WAITS_MS,
        version: "1.2.3",
      });
      const delivery: ClaimedDelivery = {
        id: `dlv_01_${sinkId}`,
        sinkId,
        leaseToken: "lease",
        attempt,
        interrupted: false,
        messageIndex: null,
        event: { ...EVENT, ...event },
        customer: null,
        progressJson: null,
      };
      return sink.attempt(delivery, new AbortController().signal);
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await server.shutdown();
      await parts[Symbol.asyncDispose]();
    },
  };
}

/** The standardwebhooks package takes the wall clock only, so the signature is made anew for now. */
async function assertVerifies(secret: string, { headers, body }: Received): Promise<void> {
  const id = headers.get("webhook-id") ?? "";
  const sentAtS = Number(headers.get("webhook-timestamp"));
  const bytes = new TextEncoder().encode(body);
  const theirs = new Verifier(secret).sign(id, new Date(sentAtS * 1_000), body);
  assert.ok(headers.get("webhook-signature")?.split(" ").includes(theirs), "no signature fits");
  const nowS = Math.floor(Date.now() / 1_000);
  new Verifier(secret).verify(body, {
    "webhook-id": id,
    "webhook-timestamp": String(nowS),
    "webhook-signature": await createSigner().signatures([secret], id, nowS, bytes),
  });
}

Deno.test("an attempt posts the event as the contract says, and a 2xx delivers it", async () => {
  const thanks = () => new Response("thanks", { status: 201 });
  await using bench = startBench(thanks, { answersAfterMs: 20 });
  const { id, secret } = await bench.register({ headers: { "X-Tenant": "acme" } });
  const startedAtMs = bench.clock.now();

  const end = await bench.attempt(id);

  assert.deepEqual(end, {
    report: {
      class: "ok",
      status: 201,
      firstByteMs: 20,
      resolvedAddress: "127.0.0.1",
      responseExcerpt: "thanks",
      startedAt: "2026-11-22T10:00:00.000Z",
      durationMs: 20,
    },
    decision: { status: "delivered" },
    health: "success",
    events: [],
  });
  const [request] = bench.received;
  assert.ok(request !== undefined && bench.received.length === 1);
  assert.equal(
    request.body,
    '{"type":"session.messages_added","timestamp":"2026-11-22T09:59:00.000Z","data":{' +
      '"eventId":"evt_01","sessionId":"0000Na9B26EF002X","sequence":7,"agentId":"agent-1",' +
      '"notification":{"text":"Zoë 🛎️"}}}',
  );
  assert.equal(request.headers.get("content-type"), "application/json");
  assert.equal(request.headers.get("user-agent"), "Patchbay/1.2.3");
  assert.equal(request.headers.get("webhook-id"), "evt_01");
  assert.equal(request.headers.get("webhook-timestamp"), String(startedAtMs / 1_000));
  assert.equal(request.headers.get("x-tenant"), "acme");
  await assertVerifies(secret, request);
});

Deno.test("a thin webhook is told only which event it is, and empty own data still verifies", async () => {
  await using bench = startBench();
  const thin = await bench.register({ payload: "thin" });
  const full = await bench.register();
  await bench.attempt(thin.id);
  await bench.attempt(full.id, { event: { dataJson: "{}" } });
  const ids = {
    eventId: "evt_01",
    sessionId: "0000Na9B26EF002X",
    sequence: 7,
    agentId: "agent-1",
  };
  for (const [index, { secret }] of [thin, full].entries()) {
    const request = bench.received[index];
    assert.ok(request !== undefined);
    assert.deepEqual(JSON.parse(request.body).data, ids);
    await assertVerifies(secret, request);
  }
});

Deno.test("each attempt has a timestamp and a signature of its own under the same webhook-id", async () => {
  await using bench = startBench(() => new Response(null, { status: 500 }));
  const { id, secret } = await bench.register();
  await bench.attempt(id, { attempt: 1 });
  bench.clock.advance(5_000);
  await bench.attempt(id, { attempt: 2 });

  const [first, second] = bench.received;
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(first.headers.get("webhook-id"), second.headers.get("webhook-id"));
  assert.equal(
    Number(second.headers.get("webhook-timestamp")),
    Number(first.headers.get("webhook-timestamp")) + 5,
  );
  await assertVerifies(secret, first);
  await assertVerifies(secret, second);
});

Deno.test("during a rotation both secrets verify, and a day later the old one no longer does", async () => {
  await using bench = startBench();
  const { id, secret: oldSecret } = await bench.register();
  const { secret: newSecret } = await bench.webhooks.rotateSecret(id);
  assert.ok(newSecret !== null && newSecret !== oldSecret);

  bench.clock.advance(DAY_MS - 1);
  await bench.attempt(id);
  bench.clock.advance(1);
  await bench.attempt(id);

  const [during, after] = bench.received;
  assert.ok(during !== undefined && after !== undefined);
  await assertVerifies(newSecret, during);
  await assertVerifies(oldSecret, during);
  await assertVerifies(newSecret, after);
  await assert.rejects(assertVerifies(oldSecret, after), /no signature fits/);
});

Deno.test("a webhook that asks for v1 and v1a gets both signatures", async () => {
  await using bench = startBench();
  const { id, secret } = await bench.register({ signing: ["v1a", "v1"] });
  await bench.attempt(id);
  const [request] = bench.received;
  assert.ok(request !== undefined);
  await assertVerifies(secret, request);

  const signatures = request.headers.get("webhook-signature")?.split(" ") ?? [];
  const asymmetric = signatures.find((signature) => signature.startsWith("v1a,")) ?? "";
  const [publicKey] = (await bench.webhooks.read(id)).publicKeys;
  const raw = Uint8Array.fromBase64(publicKey?.key.slice("whpk_".length) ?? "");
  const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  const timestamp = request.headers.get("webhook-timestamp");
  assert.ok(
    await crypto.subtle.verify(
      "Ed25519",
      key,
      Uint8Array.fromBase64(asymmetric.slice("v1a,".length)),
      new TextEncoder().encode(`evt_01.${timestamp}.${request.body}`),
    ),
  );
});

Deno.test("headers of the webhook's own cannot stand in for those of the contract", async () => {
  await using bench = startBench();
  const { id } = await bench.register();
  const webhook = await bench.webhooks.read(id);
  const { keys } = await bench.webhooks.readCredentials(webhook);
  // Registering refuses these names; this is a record from before they were forbidden.
  const headers = { "webhook-id": "evt_forged", "user-agent": "forged", "x-tenant": "acme" };
  const sealedCredentials = await sealCredentials({ keys, headers }, bench.sealer);
  await bench.attempt(id, {
    source: { get: () => Promise.resolve({ ...webhook, sealedCredentials }) },
  });

  const sent = bench.received[0]?.headers;
  assert.equal(sent?.get("webhook-id"), "evt_01");
  assert.equal(sent?.get("user-agent"), "Patchbay/1.2.3");
  assert.equal(sent?.get("x-tenant"), "acme");
});

Deno.test("a 5xx is tried again after the ladder's wait, a 429 not before its Retry-After", async () => {
  const answers = [
    new Response("broken", { status: 500 }),
    new Response(null, { status: 429, headers: { "retry-after": "60" } }),
  ];
  await using bench = startBench(() => answers.shift() ?? new Response());
  const { id } = await bench.register();
  const nowMs = bench.clock.now();

  const failed = await bench.attempt(id);
  assert.deepEqual(failed.decision, { status: "retrying", atMs: nowMs + 5_000 });
  assert.deepEqual(failed.events, []);
  assert.equal(failed.report.class, "http-error");
  assert.equal(failed.report.status, 500);
  assert.equal(failed.report.responseExcerpt, "broken");

  const limited = await bench.attempt(id, { attempt: 2 });
  assert.deepEqual(limited.decision, { status: "retrying", atMs: nowMs + 60_000 });
  assert.equal(limited.report.retryAfterMs, 60_000);
});

Deno.test("a redirect is refused, said so, and tried again", async () => {
  await using bench = startBench(() =>
    new Response(null, { status: 302, headers: { location: "/login" } })
  );
  const { id } = await bench.register();
  const end = await bench.attempt(id);
  assert.equal(end.report.class, "redirect-refused");
  assert.equal(end.decision.status, "retrying");
  assert.equal(bench.received.length, 1);
});

Deno.test("the last failure is dead and tells it by delivery.exhausted", async () => {
  await using bench = startBench(() => new Response(null, { status: 500 }));
  const { id } = await bench.register();
  const end = await bench.attempt(id, { attempt: RETRY_WAITS_MS.length + 1 });
  assert.deepEqual(end.decision, { status: "dead" });
  assert.deepEqual(end.events, [{
    type: "delivery.exhausted",
    sessionId: null,
    data: {
      webhookId: id,
      deliveryId: `dlv_01_${id}`,
      failedEventId: "evt_01",
      attempts: 4,
      lastStatus: 500,
      lastClass: "http-error",
    },
  }]);
});

for (const type of ["delivery.exhausted", "webhook.disabled", "webhook.ping"]) {
  Deno.test(`the last failure of a ${type} is dead in silence`, async () => {
    await using bench = startBench(() => new Response(null, { status: 500 }));
    const { id } = await bench.register();
    const end = await bench.attempt(id, { attempt: 4, event: { type } });
    assert.deepEqual(end.decision, { status: "dead" });
    assert.deepEqual(end.events, []);
  });
}

Deno.test("410 ends the delivery, disables the webhook and tells both, once", async () => {
  await using bench = startBench(() => new Response(null, { status: 410 }));
  const { id } = await bench.register();
  const [first, second] = await Promise.all([bench.attempt(id), bench.attempt(id)]);

  for (const { decision, report } of [first, second]) {
    assert.deepEqual(decision, { status: "dead" });
    assert.equal(report.class, "gone");
  }
  const types = [...first.events, ...second.events].map(({ type }) => type).sort();
  assert.deepEqual(types, ["delivery.exhausted", "delivery.exhausted", "webhook.disabled"]);
  const disabled = [...first.events, ...second.events].find(({ type }) =>
    type === "webhook.disabled"
  );
  const reason = "its URL answered 410 Gone";
  assert.deepEqual(disabled?.data, { webhookId: id, reason });
  assert.equal((await bench.webhooks.read(id)).disabled?.reason, reason);
});

Deno.test("a 410 is settled even when the store cannot write down the disabling", async () => {
  await using bench = startBench(() => new Response(null, { status: 410 }));
  const { id } = await bench.register();
  const disable = () => Promise.reject(new StoreUnavailable("store the webhook"));
  const end = await bench.attempt(id, { source: { disable } });
  assert.deepEqual(end.decision, { status: "dead" });
  assert.deepEqual(end.events.map(({ type }) => type), ["delivery.exhausted"]);
  assert.equal(bench.log.of("webhook.disable_failed").length, 1);
});

Deno.test("what is for a disabled webhook is held and for a deleted one dead; nothing is sent or told", async () => {
  await using bench = startBench();
  const { id } = await bench.register();
  await bench.webhooks.disable(id, "a test");
  const held = await bench.attempt(id, { attempt: RETRY_WAITS_MS.length + 1 });
  await bench.webhooks.delete(id);
  const missing = await bench.attempt(id);

  const times = { startedAt: "2026-11-22T10:00:00.000Z", durationMs: 0 };
  assert.deepEqual(held, {
    report: { class: "sink-disabled", detail: "The webhook is disabled", ...times },
    decision: { status: "held" },
    health: null,
    events: [],
  });
  assert.deepEqual(missing, {
    report: { class: "sink-missing", detail: "The webhook was deleted", ...times },
    decision: { status: "dead" },
    health: null,
    events: [],
  });
  assert.equal(bench.received.length, 0);
});

Deno.test("a ping reaches a disabled webhook too, and leaves it disabled", async () => {
  await using bench = startBench();
  const { id } = await bench.register();
  await bench.webhooks.disable(id, "a test");
  const end = await bench.attempt(id, {
    event: { type: "webhook.ping", sessionId: null, sequence: null },
  });
  assert.deepEqual([end.decision.status, end.health], ["delivered", "success"]);
  assert.equal((await bench.webhooks.read(id)).disabled?.reason, "a test");
});

Deno.test("an answer that echoes the webhook's own header leaves it out of the attempt log", async () => {
  await using bench = startBench(({ headers }) =>
    new Response(`you sent ${headers.get("authorization")}`, { status: 401 })
  );
  const { id } = await bench.register({ headers: { Authorization: "Bearer s3cret-token" } });
  const { report } = await bench.attempt(id);
  assert.equal(report.responseExcerpt, "you sent ***");
  assert.ok(!JSON.stringify(report).includes("s3cret"));
});

Deno.test("a consumer that is not there is reported without an answer", async () => {
  await using bench = startBench();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  const { id } = await bench.register({ url: `http://127.0.0.1:${listener.addr.port}/hook` });
  const { report, decision, health } = await bench.attempt(id);
  assert.equal(report.class, "connect-failed");
  assert.equal(report.resolvedAddress, "127.0.0.1");
  assert.equal(health, "failure");
  assert.equal(report.firstByteMs, undefined);
  assert.equal(report.status, undefined);
  assert.equal(decision.status, "retrying");
});

Deno.test("a store that cannot say what the webhook is makes the attempt throw, not fail", async () => {
  await using bench = startBench();
  const { id } = await bench.register();
  const get = () => Promise.reject(new StoreUnavailable("list the webhooks"));
  await assert.rejects(bench.attempt(id, { source: { get } }), StoreUnavailable);
});

Deno.test("what cannot be sent climbs the ladder like a failure and comes to an end", async () => {
  await using bench = startBench();
  const { id } = await bench.register();
  const webhook = await bench.webhooks.read(id);
  const source = { get: () => Promise.resolve({ ...webhook, sealedCredentials: "not sealed" }) };
  const first = await bench.attempt(id, { source });
  assert.equal(first.report.class, "not-sendable");
  assert.equal(first.decision.status, "retrying");
  assert.equal(first.health, null);
  assert.equal(bench.received.length, 0);
});

Deno.test("a store that is away is thrown: the delivery is left to its lease", async () => {
  await using bench = startBench();
  const { id } = await bench.register();
  const source = { get: () => Promise.reject(new StoreUnavailable("list the webhooks")) };
  await assert.rejects(bench.attempt(id, { source }), StoreUnavailable);
});
