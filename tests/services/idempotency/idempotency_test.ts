import assert from "node:assert/strict";
import {
  IdempotencyConflict,
  IdempotencyMismatch,
  StoreUnavailable,
} from "../../../services/errors.ts";
import {
  ANSWER_KEPT_MS,
  createIdempotency,
  MARK_GRACE_MS,
  MAX_KEPT_BODY_BYTES,
} from "../../../services/idempotency/idempotency.ts";
import type { IdempotentRequest } from "../../../services/idempotency/record.ts";
import type { KeptAnswer } from "../../../services/idempotency/sealed_answer.ts";
import { createIds } from "../../../services/support/ids.ts";
import type { RecordStore, RecordWrite } from "../../../services/store/port/records.ts";
import { openSqliteStore } from "../../../services/store/sqlite/store.ts";
import { openRedisStore } from "../../../services/store/redis/store.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import { createPatientTransport } from "../../support/patient_transport.ts";
import { startRedisServer } from "../../../simulator/kit/redis_server.ts";
import { redisTest } from "../../support/needs_redis.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

const POLICY = { sessionTtlMs: 86_400_000, eventRetentionMs: 604_800_000 };
const TIMEOUT_MS = 10_000;
const MARK_MS = TIMEOUT_MS + MARK_GRACE_MS;

type Records = Pick<RecordStore, "writeRecord">;

/** Runs the test once per engine, each time with an empty store. */
function onBothEngines(name: string, test: (records: Records) => Promise<void>): void {
  Deno.test(`SQLite: ${name}`, async () => {
    const store = openSqliteStore({ path: ":memory:", sync: "normal", policy: POLICY });
    await test(store);
    await store.close();
  });
  redisTest(`Redis: ${name}`, async () => {
    await using redis = await startRedisServer();
    const transport = createPatientTransport(redis.url);
    const store = openRedisStore({ transport, shards: 2, policy: POLICY });
    await test(store).finally(() => store.close());
  });
}

const bytes = (text: string) => new TextEncoder().encode(text);

function request(change: Partial<IdempotentRequest> = {}): IdempotentRequest {
  return {
    agentId: "agent-1",
    sessionId: "S1",
    path: "/api/v2/me/smssessions/S1",
    search: "",
    key: "order-17",
    body: bytes('{"operationName":"SendMessage","text":"hello"}'),
    ...change,
  };
}

function anAnswer(text = '{"statusCode":0}', status = 200): KeptAnswer {
  return { status, headers: [["content-type", "application/json"]], body: bytes(text) };
}

/** Instances over one store that count what they act on. */
function setUp(records: Records) {
  const clock = createVirtualClock();
  const log = createMemoryLog();
  let acted = 0;
  let failing = false;
  const writes: RecordWrite[] = [];
  const watched: Records = {
    writeRecord: async (write) => {
      writes.push(write);
      if (failing) throw new StoreUnavailable("write the record");
      return await records.writeRecord(write);
    },
  };
  const instance = () =>
    createIdempotency({
      records: watched,
      clock,
      ids: createIds(),
      log,
      upstreamTimeoutMs: TIMEOUT_MS,
    });
  return {
    clock,
    log,
    instance,
    acted: () => acted,
    writes,
    fail: (now: boolean) => failing = now,
    /** Acts at once. */
    act: (answer = anAnswer(), mayHaveReachedUpstream = true) => () => {
      acted++;
      return Promise.resolve({ answer, mayHaveReachedUpstream });
    },
    /** Acts until told what came of it. */
    slowAct() {
      const { promise, resolve } = Promise.withResolvers<KeptAnswer>();
      const begun = Promise.withResolvers<void>();
      const act = async () => {
        acted++;
        begun.resolve();
        return { answer: await promise, mayHaveReachedUpstream: true };
      };
      return { act, begun: begun.promise, end: resolve };
    },
  };
}

onBothEngines(
  "once() repeats the first answer for 24 hours and acts again after that",
  async (records) => {
    const { clock, instance, act, acted } = setUp(records);
    const first = await instance().once(request(), act(anAnswer('{"statusCode":3}', 403)));
    assert.deepEqual(first, { answer: anAnswer('{"statusCode":3}', 403), replayed: false });

    clock.advance(ANSWER_KEPT_MS - 1);
    const again = await instance().once(request(), act(anAnswer("another")));
    assert.deepEqual(again, { answer: anAnswer('{"statusCode":3}', 403), replayed: true });
    assert.equal(acted(), 1);

    clock.advance(1);
    const anew = await instance().once(request(), act());
    assert.deepEqual(anew, { answer: anAnswer(), replayed: false });
    assert.equal(acted(), 2);
  },
);

onBothEngines("once() acts for every agent, session, path and key of its own", async (records) => {
  const { instance, act, acted } = setUp(records);
  const idempotency = instance();
  const changes = [
    {},
    { agentId: "agent-2" },
    { sessionId: "S2", path: "/api/v2/me/smssessions/S2" },
    { path: "/api/v2/users/1/smssessions/S1" },
    { key: "order-18" },
  ];
  for (const change of changes) {
    const { replayed } = await idempotency.once(request(change), act());
    assert.equal(replayed, false, JSON.stringify(change));
  }
  assert.equal(acted(), changes.length);
});

onBothEngines(
  "once() throws IdempotencyMismatch for another body, also while the first is under way",
  async (records) => {
    const { instance, act, slowAct, acted } = setUp(records);
    const other = request({ body: bytes("{}") });
    const { act: slow, begun, end } = slowAct();
    const first = instance().once(request(), slow);
    await begun;
    await assert.rejects(instance().once(other, act()), IdempotencyMismatch);
    end(anAnswer());
    await first;
    await assert.rejects(instance().once(other, act()), IdempotencyMismatch);
    await assert.rejects(instance().once(request({ search: "?a=1" }), act()), IdempotencyMismatch);
    assert.equal(acted(), 1);
  },
);

onBothEngines(
  "once() throws IdempotencyConflict while the first is under way, then gives its answer",
  async (records) => {
    const { instance, act, slowAct, acted } = setUp(records);
    const { act: slow, begun, end } = slowAct();
    const first = instance().once(request(), slow);
    await begun;
    await assert.rejects(instance().once(request(), act()), (error: unknown) => {
      assert.ok(error instanceof IdempotencyConflict);
      assert.deepEqual(error.headers, { "retry-after": "1" });
      return true;
    });
    end(anAnswer());
    await first;
    assert.equal((await instance().once(request(), act())).replayed, true);
    assert.equal(acted(), 1);
  },
);

onBothEngines(
  "once() acts once however many come at the same time, at two instances",
  async (records) => {
    const { instance, slowAct, acted } = setUp(records);
    const { act, begun, end } = slowAct();
    const instances = [instance(), instance()];
    const settling = Promise.allSettled(
      Array.from({ length: 40 }, (_, at) => instances[at % 2]?.once(request(), act)),
    );
    await begun;
    end(anAnswer());
    const outcomes = await settling;
    assert.equal(acted(), 1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") assert.ok(outcome.reason instanceof IdempotencyConflict);
      else assert.deepEqual(outcome.value?.answer, anAnswer());
    }
    const first = outcomes.filter((outcome) =>
      outcome.status === "fulfilled" && outcome.value?.replayed === false
    );
    assert.equal(first.length, 1);
  },
);

onBothEngines(
  "once() frees the key when upstream surely never saw the request",
  async (records) => {
    const { instance, act, acted } = setUp(records);
    const refused = await instance().once(request(), act(anAnswer("held", 409), false));
    assert.deepEqual(refused, { answer: anAnswer("held", 409), replayed: false });
    // Under a free key another body is as good as the first.
    const second = request({ body: bytes("{}") });
    assert.equal((await instance().once(second, act())).replayed, false);
    assert.equal((await instance().once(second, act())).replayed, true);
    assert.equal(acted(), 2);
  },
);

onBothEngines(
  "once() lets the mark of an instance that died lapse, and not sooner",
  async (records) => {
    const { clock, instance, act, slowAct, log } = setUp(records);
    const { act: slow, begun, end } = slowAct();
    const dead = instance().once(request(), slow);
    await begun;
    clock.advance(MARK_MS - 1);
    await assert.rejects(instance().once(request(), act()), IdempotencyConflict);
    clock.advance(1);
    assert.equal((await instance().once(request(), act(anAnswer("second")))).replayed, false);

    // It was only very slow: what it brings is its own client's, and leaves the record alone.
    end(anAnswer("first"));
    assert.deepEqual(await dead, { answer: anAnswer("first"), replayed: false });
    assert.equal(log.of("idempotency.mark_lost").length, 1);
    assert.deepEqual((await instance().once(request(), act())).answer, anAnswer("second"));
  },
);

onBothEngines(
  "once() keeps answers up to a length, and of longer ones that they were given",
  async (records) => {
    const { instance, act, acted } = setUp(records);
    const longest = anAnswer("x".repeat(MAX_KEPT_BODY_BYTES));
    await instance().once(request(), act(longest));
    assert.deepEqual((await instance().once(request(), act())).answer, longest);

    const longer = anAnswer("x".repeat(MAX_KEPT_BODY_BYTES + 1));
    const other = request({ key: "order-18" });
    assert.deepEqual((await instance().once(other, act(longer))).answer, longer);
    await assert.rejects(instance().once(other, act()), (error: unknown) => {
      assert.ok(error instanceof IdempotencyConflict);
      // Waiting would not help.
      assert.deepEqual(error.headers, {});
      assert.match(error.message, /at most 262144 bytes/);
      return true;
    });
    assert.equal(acted(), 2);
  },
);

onBothEngines(
  "once() takes one write to begin and one to keep, and one to repeat",
  async (records) => {
    const { instance, act, writes } = setUp(records);
    await instance().once(request(), act());
    assert.equal(writes.length, 2);
    await instance().once(request(), act());
    assert.equal(writes.length, 3);
  },
);

onBothEngines(
  "once() gives the store nothing that could be read: neither texts nor keys",
  async (records) => {
    const { instance, act, writes } = setUp(records);
    await instance().once(
      request({ key: "secret-key", body: bytes("zebra asks") }),
      act(anAnswer("zebra answers")),
    );
    const written = JSON.stringify(writes);
    const readable = ["zebra", "answers", "secret-key", btoa("zebra answers"), btoa("zebra asks")];
    for (const text of readable) assert.ok(!written.includes(text), text);
    // Together with the session, whose name is what it is kept under.
    assert.deepEqual([...new Set(writes.map(({ near }) => near))], ["S1"]);
  },
);

onBothEngines("once() does nothing while the store is down", async (records) => {
  const { instance, act, acted, fail } = setUp(records);
  fail(true);
  await assert.rejects(instance().once(request(), act()), StoreUnavailable);
  assert.equal(acted(), 0);
  fail(false);
  assert.equal((await instance().once(request(), act())).replayed, false);
});

onBothEngines(
  "once() answers although the answer cannot be kept, and keeps it when the store is back",
  async (records) => {
    const { clock, log, instance, act, slowAct, acted, fail } = setUp(records);
    const idempotency = instance();
    const { act: slow, begun, end } = slowAct();
    const first = idempotency.once(request(), slow);
    await begun;
    fail(true);
    end(anAnswer());
    assert.deepEqual(await first, { answer: anAnswer(), replayed: false });
    const [entry] = log.of("session.follow_up_failed");
    assert.deepEqual([entry?.fields.sessionId, entry?.fields.action], ["S1", "keep-answer"]);

    fail(false);
    await assert.rejects(instance().once(request(), act()), IdempotencyConflict);
    await clock.whenArmed();
    clock.advance(1_000);
    await idempotency.settled();
    assert.equal((await instance().once(request(), act())).replayed, true);
    assert.equal(acted(), 1);
  },
);

onBothEngines(
  "once() gives up keeping an answer when the mark lapses, and says so",
  async (records) => {
    const { clock, log, instance, act, slowAct, fail } = setUp(records);
    const idempotency = instance();
    const { act: slow, begun, end } = slowAct();
    const first = idempotency.once(request(), slow);
    await begun;
    fail(true);
    end(anAnswer());
    await first;
    const abandoned = log.whenLogged("session.follow_up_abandoned");
    let over = false;
    void abandoned.then(() => over = true);
    while (!over) {
      await Promise.race([clock.whenArmed(), abandoned]);
      clock.advance(1_000);
    }
    await idempotency.settled();
    fail(false);
    clock.advance(MARK_MS);
    assert.equal((await instance().once(request(), act())).replayed, false);
  },
);

onBothEngines(
  "once() leaves the mark where acting threw: nobody knows how far it came",
  async (records) => {
    const { clock, instance, act } = setUp(records);
    const crash = new Error("crash");
    await assert.rejects(instance().once(request(), () => Promise.reject(crash)), crash);
    await assert.rejects(instance().once(request(), act()), IdempotencyConflict);
    clock.advance(MARK_MS);
    assert.equal((await instance().once(request(), act())).replayed, false);
  },
);

onBothEngines(
  "settled() waits for what is under way, and for its answer to be kept",
  async (records) => {
    const { instance, act, slowAct, writes } = setUp(records);
    const idempotency = instance();
    const { act: slow, begun, end } = slowAct();
    const first = idempotency.once(request(), slow);
    await begun;
    let settled = false;
    const settling = idempotency.settled().then(() => settled = true);
    await Promise.resolve();
    assert.equal(settled, false);
    end(anAnswer());
    await settling;
    assert.equal(writes.length, 2);
    await first;
    assert.equal((await instance().once(request(), act())).replayed, true);
  },
);
