import { UNNOTICED } from "../../../../services/sessions/work_signals.ts";
import assert from "node:assert/strict";
import { createDeliveryEngine } from "../../../../services/delivery/engine.ts";
import { createGovernor } from "../../../../services/delivery/governor.ts";
import { createSettler } from "../../../../services/delivery/settler.ts";
import type { AttemptEnd } from "../../../../services/delivery/sink.ts";
import { createIds } from "../../../../services/support/ids.ts";
import { readNotifications } from "../../../../services/contact_centre/dialect/notifications.ts";
import { composePublisher } from "../../../../composition/publisher.ts";
import type {
  MappingEffect,
  Operation,
} from "../../../../services/contact_centre/dialect/operations.ts";
import { createSealer } from "../../../../services/sealing/secrets.ts";
import { createSessionService } from "../../../../services/sessions/sessions.ts";
import type { ClaimedDelivery } from "../../../../services/store/port/deliveries.ts";
import { openRedisStore } from "../../../../services/store/redis/store.ts";
import { createMemoryLog } from "../../../support/memory_log.ts";
import { observeOutbox } from "../../../support/observed_outbox.ts";
import { createPatientTransport } from "../../../support/patient_transport.ts";
import { startRedisServer } from "../../../../simulator/kit/redis_server.ts";
import { redisTest } from "../../../support/needs_redis.ts";
import { spyOnTransport } from "../../../support/spied_transport.ts";
import { aRequest } from "../../../support/upstream_request.ts";
import { createVirtualClock } from "../../../support/virtual_clock.ts";
import { draft, POLICY, publish, T0, webhook } from "../../../support/drafts.ts";
import { spelledValue } from "../../../support/spelled.ts";

// What Patchbay may ask of its store, counted where the words leave for Redis. An idle Patchbay's two commands a minute
// are counted in tests/delivery_soak_test.ts.

const AGENT = "agent-1";

/** One instance with everything real but the clock, the contact centre (it agrees to all) and the sink. */
async function startInstance() {
  const started = new AsyncDisposableStack();
  const redis = started.use(await startRedisServer());
  const spy = spyOnTransport(createPatientTransport(redis.url));
  const outbox = observeOutbox(openRedisStore({ transport: spy, shards: 1, policy: POLICY }));
  const { store } = outbox;
  started.defer(() => store.close());
  const clock = createVirtualClock(T0);
  const log = createMemoryLog();
  const ids = createIds();
  const publisher = composePublisher({
    store,
    clock,
    ids,
    log,
    smsEnabled: false,
    onPublished: () => {},
  });
  const agrees = {
    call: () =>
      Promise.resolve({
        status: 200,
        headers: new Headers({ "content-type": "application/json" }),
        body: new TextEncoder().encode('{"statusCode":0}'),
        dateMs: T0,
      }),
  };
  const newService = () =>
    createSessionService({
      store,
      sealer: createSealer(new Uint8Array(32)),
      upstream: agrees,
      look: () => Promise.resolve({ membership: "unknown", dateMs: null }),
      isShared: false,
      needsToken: true,
      publisher,
      clock,
      ids,
      log,
      upstreamTimeoutMs: 10_000,
      workSignals: UNNOTICED,
    });
  // An instance reads the list of webhooks once, with the first event that it publishes.
  await publisher.refresh();
  spy.forget();
  return {
    spy,
    store,
    outbox,
    clock,
    log,
    ids,
    publisher,
    sessions: newService(),
    /** One that has just started, and remembers nothing. */
    another: newService,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

function call(name: string, effect: MappingEffect, sessionId = "S1") {
  const operation: Operation = { ok: true, name, known: true, effect, nickname: "Ada" };
  return { agentId: AGENT, sessionId, operation, request: aRequest() };
}

redisTest("Accept costs two round trips", async () => {
  await using instance = await startInstance();
  const { sessions, spy } = instance;

  await sessions.accept(call("Accept", "accept"));

  assert.deepEqual(spy.asked, ["claim_session", "confirm_session"]);
});

redisTest(
  "an operation costs none within 1 s of the last look at the mapping, and then one beside it",
  async () => {
    await using instance = await startInstance();
    const { sessions, spy, clock } = instance;
    await sessions.accept(call("Accept", "accept"));
    const operate = async () => {
      spy.forget();
      await sessions.operate(call("SendMessage", "none"));
      await sessions.read(call("", "none"));
      return spy.asked;
    };

    clock.advance(999);
    assert.deepEqual(await operate(), []);
    clock.advance(1);
    assert.deepEqual(await operate(), ["read_session"]);
    clock.advance(999);
    assert.deepEqual(await operate(), []);
  },
);

redisTest(
  "an operation on a session that nobody holds costs two: nobody may be accepting it either",
  async () => {
    await using instance = await startInstance();
    await instance.sessions.operate(call("SendMessage", "none"));
    assert.deepEqual(instance.spy.asked, ["read_session", "claimant_of"]);
  },
);

for (const effect of ["open-seat", "leave", "end"] as const) {
  redisTest(
    `an operation that changes the mapping (${effect}) costs one for the change`,
    async () => {
      await using instance = await startInstance();
      const { sessions, spy } = instance;
      await sessions.accept(call("Accept", "accept"));
      spy.forget();
      await sessions.operate(call("Whatever", effect));
      assert.deepEqual(spy.asked, ["apply_effect"]);
    },
  );
}

redisTest("Intrude costs one round trip", async () => {
  await using instance = await startInstance();
  await instance.sessions.accept(call("Accept", "accept"));
  instance.spy.forget();
  await instance.another().intrude({ ...call("Intrude", "join"), agentId: "supervisor" });
  assert.deepEqual(instance.spy.asked, ["apply_effect"]);
});

redisTest("publishing costs one round trip, however many notifications there are", async () => {
  await using instance = await startInstance();
  const body = Array.from({ length: 100 }, (_, at) => ({
    notificationType: "StatusChange",
    smssession: { id: `S${at % 10}`, state: `state-${at}` },
  }));
  const read = readNotifications(spelledValue(body));
  assert.ok(read.ok, JSON.stringify(read));

  const { accepted } = await instance.publisher.publishNotifications(read.notifications);

  assert.equal(accepted, 100);
  assert.deepEqual(instance.spy.asked, ["publish"]);
});

/** An engine whose sink holds every attempt until the test lets them all end. */
function startEngine(instance: Awaited<ReturnType<typeof startInstance>>) {
  const { store, clock, log, ids, publisher } = instance;
  const begun: ClaimedDelivery[] = [];
  let release = Promise.withResolvers<void>();
  const end: AttemptEnd = {
    report: { class: "ok", startedAt: new Date(T0).toISOString(), durationMs: 1 },
    decision: { status: "delivered" },
    health: "success",
    events: [],
  };
  const engine = createDeliveryEngine({
    outbox: store,
    settler: createSettler({ outbox: store, publisher, clock, log, onFailing: () => {} }),
    governor: createGovernor({
      settings: () => Promise.resolve([]),
      clock,
      log,
      concurrencyPerSink: 100,
    }),
    sinkFor: () => ({
      async attempt(delivery) {
        begun.push(delivery);
        await release.promise;
        return end;
      },
    }),
    clock,
    random: () => 0.5,
    ids,
    log,
    leaseMs: 30_000,
  });
  return {
    engine,
    begun,
    /** Lets all that have begun end in one turn. */
    release() {
      const all = release;
      release = Promise.withResolvers();
      all.resolve();
    },
    [Symbol.asyncDispose]: async () => {
      release.resolve();
      await engine.stop(0);
    },
  };
}

// One claim and one settlement for each batch of 32: the settlement tells whether more is due.
for (const [deliveries, batches] of [[1, 1], [32, 1], [33, 2], [96, 3]] as const) {
  redisTest(
    `${deliveries} deliveries cost ${batches} claims and as many settlements`,
    async () => {
      await using instance = await startInstance();
      const { outbox, spy, store } = instance;
      await using running = startEngine(instance);
      const started = outbox.untilIdle();
      running.engine.start();
      await started;
      const drafts = Array.from(
        { length: deliveries },
        (_, at) => draft({ sessionId: `S${at}`, webhooks: [webhook("wh_1")] }),
      );
      await publish(store, drafts);
      spy.forget();

      running.engine.wake();
      await outbox.until(() => running.begun.length === deliveries);
      const done = outbox.untilIdle();
      running.release();
      await done;

      const count = (script: string) => spy.asked.filter((name) => name === script).length;
      assert.deepEqual([count("claim_deliveries"), count("settle_deliveries")], [
        batches,
        batches,
      ]);
      assert.equal(spy.asked.length, 2 * batches);
    },
  );
}
