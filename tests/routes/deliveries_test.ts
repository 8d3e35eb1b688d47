import assert from "node:assert/strict";
import { deliveryRoutes } from "../../routes/deliveries.ts";
import { createIds } from "../../services/support/ids.ts";
import { composePublisher } from "../../composition/publisher.ts";
import { createResolver } from "../../services/sms/resolution.ts";
import { openSqliteStore } from "../../services/store/sqlite/store.ts";
import {
  accept,
  claimDeliveries,
  draft,
  messages,
  POLICY,
  publish,
  settle,
  T0,
  webhook,
} from "../support/drafts.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { appOf, createTestGuards, problemOf } from "./management_app.ts";

const WEBHOOK_1 = "wh_01JD9P5Q6R7S8T9V0W1X2Y3Z41";
const WEBHOOK_2 = "wh_01JD9P5Q6R7S8T9V0W1X2Y3Z42";

async function setUp() {
  const { clock, guards, as } = await createTestGuards();
  const store = openSqliteStore({ path: ":memory:", sync: "normal", policy: POLICY });
  let wakes = 0;
  const publisher = composePublisher({
    store,
    clock,
    ids: createIds(),
    log: createMemoryLog(),
    smsEnabled: true,
    onPublished: () => {},
  });
  const resolve = createResolver({ store, publisher, clock, log: createMemoryLog() });
  const app = appOf(
    deliveryRoutes({ store, guards, clock, resolveText: resolve, onDue: () => wakes++ }),
  );
  const headers = await as("agent-1", "webhooks:read", "webhooks:write");
  return {
    clock,
    store,
    as,
    wakes: () => wakes,
    get: (path: string, other = headers) => app.request(path, { headers: other }),
    retry: (id: string, other = headers) =>
      app.request(`/v1/deliveries/${id}/retry`, { method: "POST", headers: other }),
    resolve: (id: string, body: unknown, other = headers) =>
      app.request(`/v1/deliveries/${id}/resolve`, {
        method: "POST",
        headers: other,
        body: JSON.stringify(body),
      }),
    /** A text that stands like this. */
    async text(status: "unknown" | "dead" | "delivered"): Promise<string> {
      await accept(store, "S1", "agent-1");
      await publish(store, [draft({
        data: messages([1]),
        smsMessages: [{ index: 1, sentAtMs: T0 }],
      })]);
      const [delivery] = (await claimDeliveries(store, T0)).deliveries;
      assert(delivery);
      await settle(store, delivery, { status }, T0);
      return delivery.id;
    },
    /** One event for each list of webhooks; the ids of the deliveries they made. */
    async deliver(...webhooksOfEach: string[][]): Promise<string[]> {
      await publish(
        store,
        webhooksOfEach.map((ids) => draft({ webhooks: ids.map((id) => webhook(id)) })),
      );
      return (await store.listDeliveries({ limit: 100 })).items.map(({ id }) => id);
    },
    claim: () =>
      store.claimDeliveries({
        nowMs: clock.now(),
        leaseToken: "lease",
        leaseUntilMs: clock.now() + 30_000,
        limit: 10,
        capacityPerSink: 10,
        capacity: {},
        rates: {},
        sweep: false,
      }),
    async settleDead(deliveryId: string) {
      const { version } = await store.listWebhooks();
      const settlement = {
        deliveryId,
        leaseToken: "lease",
        nowMs: clock.now(),
        attemptJson: '{"class":"http-error","status":500}',
        next: { status: "dead" },
        health: null,
        drafts: [],
      } as const;
      await store.settleDeliveries({ settlements: [settlement], webhooksVersion: version });
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}

Deno.test("GET /v1/deliveries/{id} shows a delivery that waits for its first attempt", async () => {
  await using world = await setUp();
  const [id = ""] = await world.deliver([WEBHOOK_1]);
  const answer = await world.get(`/v1/deliveries/${id}`);
  assert.equal(answer.status, 200);
  const { eventId, ...delivery } = await answer.json();
  assert.match(eventId, /^evt_/);
  assert.deepEqual(delivery, {
    id,
    eventType: "session.status_changed",
    sink: "webhook",
    webhookId: WEBHOOK_1,
    sessionId: "S1",
    messageIndex: null,
    status: "pending",
    attemptCount: 0,
    createdAt: new Date(T0).toISOString(),
    updatedAt: new Date(T0).toISOString(),
    outcome: null,
    errorCode: null,
    nextAttemptAt: new Date(T0).toISOString(),
    attempts: [],
  });
});

Deno.test("GET /v1/deliveries/{id} shows the attempts of one that is over", async () => {
  await using world = await setUp();
  const [id = ""] = await world.deliver([WEBHOOK_1]);
  await world.claim();
  await world.settleDead(id);
  const { status, attempts, attemptCount, nextAttemptAt } =
    await (await world.get(`/v1/deliveries/${id}`)).json();
  assert.equal(status, "dead");
  assert.deepEqual(attempts, [{ class: "http-error", status: 500 }]);
  assert.equal(attemptCount, 1);
  assert.equal(nextAttemptAt, null);
});

const LISTS: [string, number[]][] = [
  ["", [0, 1, 2]],
  [`?webhook=${WEBHOOK_1}`, [0, 1]],
  [`?webhook=${WEBHOOK_2}&status=pending`, []],
  [`?status=delivering`, [0, 2]],
  [`?webhook=${WEBHOOK_1}&status=pending`, [1]],
  ["?webhook=sms", []],
];

for (const [query, places] of LISTS) {
  Deno.test(`GET /v1/deliveries${query} lists the matching deliveries in order`, async () => {
    await using world = await setUp();
    await world.deliver([WEBHOOK_1]);
    const ids = await world.deliver([WEBHOOK_1], [WEBHOOK_2]);
    await world.claim();
    const { data, nextCursor } = await (await world.get(`/v1/deliveries${query}`)).json();
    assert.deepEqual(
      data.map(({ id }: { id: string }) => id),
      places.map((place) => ids[place]),
    );
    assert.equal(nextCursor, null);
  });
}

Deno.test("GET /v1/deliveries leads on from its nextCursor", async () => {
  await using world = await setUp();
  const ids = await world.deliver([WEBHOOK_1, WEBHOOK_2], [WEBHOOK_1]);
  const first = await (await world.get("/v1/deliveries?limit=2")).json();
  const rest = await (await world.get(`/v1/deliveries?cursor=${first.nextCursor}`)).json();
  const pages = [...first.data, ...rest.data];
  assert.deepEqual(pages.map(({ id }: { id: string }) => id), ids);
  assert.equal(rest.nextCursor, null);
});

Deno.test("POST …/retry makes a dead delivery due, answers 202 and wakes the engine", async () => {
  await using world = await setUp();
  const [id = ""] = await world.deliver([WEBHOOK_1]);
  await world.claim();
  await world.settleDead(id);
  world.clock.advance(5_000);
  const answer = await world.retry(id);
  assert.equal(answer.status, 202);
  const delivery = await answer.json();
  assert.equal(delivery.id, id);
  assert.equal(delivery.nextAttemptAt, new Date(world.clock.now()).toISOString());
  assert.equal(world.wakes(), 1);
  const { deliveries } = await world.claim();
  assert.deepEqual(deliveries.map((claimed) => claimed.id), [id]);
});

Deno.test("POST …/retry of an attempt under way answers 202 with its state and changes nothing", async () => {
  await using world = await setUp();
  const [id = ""] = await world.deliver([WEBHOOK_1]);
  await world.claim();
  const answer = await world.retry(id);
  assert.equal(answer.status, 202);
  assert.equal((await answer.json()).status, "delivering");
  assert.equal(world.wakes(), 0);
});

Deno.test("what does not exist is 404 for reading and for retrying", async () => {
  await using world = await setUp();
  for (const answer of [await world.get("/v1/deliveries/dlv_x"), await world.retry("dlv_x")]) {
    assert.equal(answer.status, 404);
    assert.equal((await problemOf(answer)).code, "not-found");
  }
  assert.equal(world.wakes(), 0);
});

Deno.test("reading needs webhooks:read, retrying webhooks:write", async () => {
  await using world = await setUp();
  const [id = ""] = await world.deliver([WEBHOOK_1]);
  const reader = await world.as("agent-1", "webhooks:read");
  const writer = await world.as("agent-1", "webhooks:write");
  for (
    const answer of [
      await world.get("/v1/deliveries", writer),
      await world.get(`/v1/deliveries/${id}`, writer),
      await world.retry(id, reader),
    ]
  ) {
    assert.equal(answer.status, 403);
    assert.equal((await problemOf(answer)).code, "insufficient-scope");
  }
});

for (const query of ["status=lost", "status=", "webhook=", "limit=x", "cursor=*"]) {
  Deno.test(`GET /v1/deliveries?${query} is an invalid parameter`, async () => {
    await using world = await setUp();
    const answer = await world.get(`/v1/deliveries?${query}`);
    assert.equal(answer.status, 400);
    assert.equal((await problemOf(answer)).code, "invalid-parameter");
  });
}

for (
  const [status, answered] of [["delivered", 400], ["unknown", 400], ["dead", 202]] as const
) {
  Deno.test(`POST …/retry of a text that is ${status} answers ${answered}: it leaves at most once`, async () => {
    await using world = await setUp();
    await accept(world.store, "S1", "agent-1");
    const [event] = await publish(world.store, [draft({
      data: messages([1]),
      smsMessages: [{ index: 1, sentAtMs: T0 }],
    })]);
    assert.equal(event?.deliveries, 1);
    const [delivery] = (await claimDeliveries(world.store, T0)).deliveries;
    assert(delivery);
    await settle(world.store, delivery, { status }, T0);
    const answer = await world.retry(delivery.id);
    assert.equal(answer.status, answered);
    await answer.body?.cancel();
    const kept = await world.store.readDelivery(delivery.id);
    assert.equal(kept?.delivery.status, answered === 202 ? "retrying" : status);
  });
}

Deno.test("GET /v1/deliveries refuses a parameter that it does not have", async () => {
  await using world = await setUp();
  const answer = await world.get("/v1/deliveries?session=S1");
  assert.equal(answer.status, 400);
  assert.match(
    (await problemOf(answer)).detail,
    /session: expected webhook, status, limit, cursor/,
  );
});

const RESOLUTIONS: [outcome: string, status: string, event: string | null, wakes: number][] = [
  ["sent", "delivered", "sms.sent", 0],
  ["failed", "dead", "sms.failed", 0],
  ["send-again", "retrying", null, 1],
];

for (const [outcome, status, event, wakes] of RESOLUTIONS) {
  Deno.test(`POST …/resolve with ${outcome} makes an unknown text ${status} and tells of it`, async () => {
    await using world = await setUp();
    const id = await world.text("unknown");
    const answer = await world.resolve(id, { outcome });
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).status, status);
    assert.equal(world.wakes(), wakes);
    const { items } = await world.store.listEvents({ limit: 10, sessionId: "S1" });
    const told = items.filter(({ type }) => type.startsWith("sms."));
    assert.deepEqual(told.map(({ type }) => type), event === null ? [] : [event]);
    if (event !== null) {
      const data = { messageIndex: 1, messageSid: null, errorCode: null };
      assert.deepEqual(JSON.parse(told[0]?.dataJson ?? ""), data);
    }
    const { attempts } = await (await world.get(`/v1/deliveries/${id}`)).json();
    assert.partialDeepStrictEqual(attempts.at(-1), {
      class: "resolved",
      detail: `agent-1 decided: ${outcome}`,
    });
  });
}

Deno.test("POST …/resolve is refused for what is not an unknown text", async () => {
  await using world = await setUp();
  const [webhookDelivery = ""] = await world.deliver([WEBHOOK_1]);
  const dead = await world.text("dead");
  for (const id of [webhookDelivery, dead]) {
    const answer = await world.resolve(id, { outcome: "sent" });
    assert.equal(answer.status, 400);
    assert.equal((await problemOf(answer)).code, "invalid-parameter");
  }
  assert.equal((await world.store.readDelivery(dead))?.delivery.status, "dead");
});

Deno.test("POST …/resolve is done once: the second operator is refused", async () => {
  await using world = await setUp();
  const id = await world.text("unknown");
  const answers = await Promise.all([
    world.resolve(id, { outcome: "sent" }),
    world.resolve(id, { outcome: "failed" }),
  ]);
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 400]);
  for (const answer of answers) await answer.body?.cancel();
});

const BAD_RESOLUTIONS: [body: unknown, code: string][] = [
  [{ outcome: "maybe" }, "invalid-parameter"],
  [{}, "invalid-parameter"],
  ["sent", "invalid-body"],
];

for (const [body, code] of BAD_RESOLUTIONS) {
  Deno.test(`POST …/resolve with ${JSON.stringify(body)} is ${code}`, async () => {
    await using world = await setUp();
    const answer = await world.resolve(await world.text("unknown"), body);
    assert.equal(answer.status, 400);
    assert.equal((await problemOf(answer)).code, code);
  });
}

Deno.test("POST …/resolve needs webhooks:write, and a delivery", async () => {
  await using world = await setUp();
  const reader = await world.as("agent-1", "webhooks:read");
  const refused = await world.resolve(await world.text("unknown"), { outcome: "sent" }, reader);
  assert.equal((await problemOf(refused)).code, "insufficient-scope");
  const missing = await world.resolve("dlv_x", { outcome: "sent" });
  assert.equal((await problemOf(missing)).code, "not-found");
});
